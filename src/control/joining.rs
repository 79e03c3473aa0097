//! Tables and sequences that joined the herd of a sync and that it does not carry yet (table
//! `joining`).

use crate::error::Result;
use crate::pg::{Connection, Relation};
use std::collections::BTreeMap;
use std::fmt;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joining {
    /// `table` or `sequence`.
    pub kind: String,
    /// Its name.
    pub relation: Relation,
    /// Why the last look left it out; none before the first look.
    pub outcome: Option<String>,
}

impl fmt::Display for Joining {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, label) = (&self.kind, self.relation.label());
        match &self.outcome {
            Some(why) => write!(f, "{kind} \"{label}\" is not replicated yet: {why}"),
            None => write!(f, "{kind} \"{label}\" is not replicated yet: it was added and not looked at since"),
        }
    }
}

/// Those of a sync, in the order of their names.
pub fn of_sync(control: &mut Connection, sync: &str) -> Result<Vec<Joining>> {
    Ok(of_syncs(control, &[sync.to_owned()])?.remove(sync).unwrap_or_default())
}

/// Those of several syncs, by sync.
pub fn of_syncs(control: &mut Connection, syncs: &[String]) -> Result<BTreeMap<String, Vec<Joining>>> {
    let mut all: BTreeMap<String, Vec<Joining>> = BTreeMap::new();
    for row in control.query(include_str!("sql/joining.sql"), &[&syncs])? {
        let joining = Joining {
            kind: row.get("kind"),
            relation: Relation::new(row.get::<_, String>("schemaname"), row.get::<_, String>("tablename")),
            outcome: row.get("outcome"),
        };
        all.entry(row.get("sync")).or_default().push(joining);
    }
    Ok(all)
}

/// The syncs with some that were not looked at.
pub fn unseen(control: &mut Connection) -> Result<Vec<String>> {
    let sql = "select distinct sync from bucardo.joining where looked is null order by 1";
    Ok(control.query(sql, &[])?.iter().map(|row| row.get(0)).collect())
}

/// These are carried from the next start of the sync's processes on.
pub fn accept(control: &mut Connection, sync: &str, goats: &[i32]) -> Result<()> {
    control.execute("delete from bucardo.joining where sync = $1 and goat = any ($2)", &[&sync, &goats])?;
    Ok(())
}

/// This one may fit by now.
pub fn look_again(control: &mut Connection, sync: &str, goat: i32) -> Result<()> {
    let sql = "update bucardo.joining set looked = null, outcome = null where sync = $1 and goat = $2";
    control.execute(sql, &[&sync, &goat])?;
    Ok(())
}

/// Whether a sync has any.
pub fn any(control: &mut Connection, sync: &str) -> Result<bool> {
    Ok(control.query_opt("select from bucardo.joining where sync = $1 limit 1", &[&sync])?.is_some())
}

/// This one is left out, because of that.
pub fn refuse(control: &mut Connection, sync: &str, goat: i32, why: &str) -> Result<()> {
    let sql = "update bucardo.joining set looked = clock_timestamp(), outcome = $3 where sync = $1 and goat = $2";
    control.execute(sql, &[&sync, &goat, &why])?;
    Ok(())
}
