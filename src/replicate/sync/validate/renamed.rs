//! Databases with another name than in the records of the sync: the records get the present one,
//! while nothing runs for the sync. Each step can be done again.

use super::Members;
use crate::control::former_name::{self, Renamed};
use crate::control::sync::Sync;
use crate::error::{Error, Kind, Result};
use crate::pg::Connection;
use crate::replicate::capture::objects::Names;
use crate::replicate::own_schema::{self, has_table};

impl Members<'_> {
    /// Changes the names in the records on all members.
    pub(super) fn follow_names(&mut self, control: &mut Connection) -> Result<()> {
        let sync = &self.sync.name;
        for (conn, holder) in self.conns.iter_mut().zip(&self.names) {
            for renamed in former_name::on(control, sync, holder)? {
                if own_schema::exists(conn)? {
                    own_schema::alone(conn, |conn| conn.within("begin", |conn| rename(conn, sync, &renamed)))?;
                }
                log::info!(
                    "Database \"{holder}\": records of sync \"{sync}\" call \"{}\" now \"{}\"",
                    renamed.former,
                    renamed.db
                );
                former_name::settled(control, sync, holder, &renamed)?;
            }
        }
        Ok(())
    }
}

/// While a daemon runs, the names are changed by it alone, which stops the KIDs before that.
pub(super) fn leave_to_daemon(control: &mut Connection, sync: &Sync) -> Result<()> {
    if !former_name::any(control, sync)? {
        return Ok(());
    }
    let sentence = format!("the running daemon is about to look at sync \"{}\", as a database has another name", sync.name);
    Err(Error::new(Kind::Timeout, sentence).hint("Try again in a moment; `status` tells whether that was possible."))
}

fn rename(conn: &mut Connection, sync: &str, renamed: &Renamed) -> Result<()> {
    let Renamed { db, former } = renamed;
    for (table, column) in [("bucardo_delta_targets", "targetdb"), ("bucardo_accepted", "targetdb"), ("bucardo_track", "source")]
    {
        if has_table(conn, table)? {
            let table = conn.schema().relation(table);
            conn.execute(&format!("update {table} set {column} = $3 where sync = $1 and {column} = $2"), &[&sync, &former, &db])?;
        }
    }
    if has_table(conn, "bucardo_delta_names")? {
        rename_in_captures(conn, sync, renamed)?;
    }
    Ok(())
}

/// What all consumers had when a generation was drained, and where the changes in it were made.
fn rename_in_captures(conn: &mut Connection, sync: &str, Renamed { db, former }: &Renamed) -> Result<()> {
    let (then, now) = (format!("{sync}/{former}"), format!("{sync}/{db}"));
    let consumed = "update bucardo.bucardo_delta_names \
                    set consumed = (consumed - $1::text) || jsonb_build_object($2::text, consumed -> $1::text) \
                    where consumed ? $1::text";
    let sql = "select exists (select from pg_attribute where attrelid = $1::text::regclass and attname = 'consumed' and not attisdropped)";
    let table = conn.schema().relation("bucardo_delta_names").to_string();
    if conn.query_one(sql, &[&table])?.get(0) {
        conn.execute(&*conn.ours(consumed), &[&then, &now])?;
    }
    for row in conn.query(&*conn.ours("select deltaname from bucardo.bucardo_delta_names"), &[])? {
        let names = Names::recorded(conn.schema(), row.get::<_, String>(0));
        for generation in [1, 2] {
            rename_origin(conn, &names.delta(generation).to_string(), former, db)?;
        }
    }
    Ok(())
}

/// Delta tables are never updated otherwise, and have no key: where everything is published, the
/// server has to be told what tells their rows apart.
fn rename_origin(conn: &mut Connection, delta: &str, former: &str, db: &str) -> Result<()> {
    let sql = format!(
        "select exists (select from {delta} where origin = $1), \
         exists (select from pg_class c \
                 join pg_namespace n on n.oid = c.relnamespace \
                 join pg_publication_tables p on p.schemaname = n.nspname and p.tablename = c.relname \
                 where c.oid = $2::text::regclass and c.relreplident <> 'f')"
    );
    let row = conn.query_one(&sql, &[&former, &delta])?;
    if !row.get::<_, bool>(0) {
        return Ok(());
    }
    if row.get(1) {
        conn.batch(&format!("set local lock_timeout = '1s'; alter table {delta} replica identity full"))?;
    }
    conn.execute(&format!("update {delta} set origin = $2 where origin = $1"), &[&former, &db])?;
    Ok(())
}
