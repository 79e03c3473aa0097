//! Ways of writing that pass by our triggers, and those that meet our tables: told where a sync is
//! validated, with what follows.

use crate::error::Result;
use crate::pg::Connection;
use crate::replicate::catalog::shape::Shape;

/// What is worth telling of a source: tables that subscriptions fill, unless everything is captured
/// `always`; publications that would publish our own tables; and where NOTIFY, which alone starts a
/// sync that `only_copies`, cannot be sent.
pub fn notes(conn: &mut Connection, tables: &[&Shape], always: bool, only_copies: bool) -> Result<Vec<String>> {
    let oids: Vec<u32> = tables.iter().map(|table| table.oid).collect();
    let statement = conn.prepare_cached(include_str!("../sql/bypasses.sql"))?;
    let row = conn.query_one(&statement, &[&oids])?;
    let (filled, publications): (Option<String>, Option<String>) = (row.get(0), row.get(1));
    let filled = filled.filter(|_| !always).map(|tables| {
        format!(
            "subscriptions fill {tables}: what logical replication writes is not captured, unless the database or the sync has capture=always"
        )
    });
    let publications = publications.map(|names| {
        format!(
            "publication {names} is FOR ALL TABLES, and so for those of schema {}: its subscribers stop at changes of tables that they \
             lack. Name the tables in the publication, or make empty ones like ours at the subscribers",
            conn.schema()
        )
    });
    let unheard = (only_copies && row.get(2)).then(|| {
        "max_prepared_transactions is not 0: a transaction with a NOTIFY cannot be prepared, so changes do not start this sync. Use checktime"
            .to_owned()
    });
    Ok(filled.into_iter().chain(publications).chain(unheard).collect())
}
