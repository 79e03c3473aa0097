//! Triggers of ours on the tables of users: read for many tables at once, and put right one by one,
//! where they are not.
//!
//! DDL on a user's table waits for a lock at most a moment at a time, because while it waits,
//! everybody behind it waits too.

use crate::error::{Error, Kind, Result};
use crate::pg::{Connection, Ident, Relation, Schema};
use crate::replicate::catalog::shape::Shape;
use std::collections::{BTreeMap, BTreeSet};
use std::thread::sleep;
use std::time::Duration;

/// How often a DDL statement on a user's table is tried: for some ten seconds in all.
const LOCK_TRIES: u32 = 24;

/// How long one try waits for the lock, and how long it is left to others before the next. Longer
/// from try to try, up to a quarter of a second, for tables that are hardly ever free.
fn lock_timeout(tries: u32) -> Duration {
    Duration::from_millis(50) * (tries + 1).min(5)
}

/// Which writes fire our triggers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Firing {
    /// Those of sessions in which triggers are on.
    #[default]
    Ordinary,
    /// All, also those of logical replication and of programs that switch triggers off.
    Always,
}

impl Firing {
    /// As `pg_trigger.tgenabled` has it.
    fn letter(self) -> &'static str {
        if self == Firing::Always { "A" } else { "O" }
    }

    fn alter(self, table: &Relation, name: &str) -> String {
        let how = if self == Firing::Always { "enable always" } else { "enable" };
        format!("alter table {table} {how} trigger {}", Ident::new(name))
    }
}

/// The same for the tables of a sync.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Firings {
    sync: Firing,
    /// The tables of which another sync wants everything.
    others: BTreeSet<u32>,
}

impl Firings {
    /// What a sync wants, and what others want of its tables. One trigger serves all.
    pub fn read(conn: &mut Connection, sync: &str, always: bool) -> Result<Firings> {
        let sql = "select distinct unnest(tables) from bucardo.bucardo_delta_targets where always and sync <> $1";
        let others = conn.query(&*conn.ours(sql), &[&sync])?.iter().map(|row| row.get(0)).collect();
        Ok(Firings { sync: if always { Firing::Always } else { Firing::Ordinary }, others })
    }

    /// When the triggers of a table fire.
    pub fn of(&self, table: u32) -> Firing {
        if self.others.contains(&table) { Firing::Always } else { self.sync }
    }

    /// Whether the sync itself wants everything.
    pub fn always(&self) -> bool {
        self.sync == Firing::Always
    }
}

/// A trigger as it shall be.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// Its name.
    pub name: &'a str,
    /// The function it calls.
    pub function: Relation,
    /// It depends on what its function calls, by its condition. Otherwise it has none.
    pub depends: bool,
    /// When it fires.
    pub firing: Firing,
    /// Makes it.
    pub create: String,
}

impl Wanted<'_> {
    fn state(&self) -> State {
        State {
            enabled: self.firing.letter().to_owned(),
            condition: if self.depends { "depends" } else { "none" }.to_owned(),
            calls: (self.function.schema.raw().to_owned(), self.function.name.raw().to_owned()),
        }
    }

    fn create(&self, table: &Relation) -> String {
        match self.firing {
            Firing::Ordinary => self.create.clone(),
            Firing::Always => format!("{}; {}", self.create, self.firing.alter(table, self.name)),
        }
    }
}

/// A table that is captured, or a partition of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub relation: Relation,
    /// Its id.
    pub oid: u32,
}

/// A trigger that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct State {
    /// As `pg_trigger.tgenabled` has it.
    enabled: String,
    condition: String,
    /// The schema and name of its function.
    calls: (String, String),
}

/// The triggers of some names on some tables, by table and name.
#[derive(Default)]
pub struct Triggers {
    there: BTreeMap<(String, String), State>,
}

impl Triggers {
    /// Looks, in one round trip.
    pub fn read(conn: &mut Connection, tables: &[Relation], names: &[Ident]) -> Result<Triggers> {
        Triggers::default().read_again(conn, tables, names)
    }

    /// Looks at some tables again.
    pub fn read_again(mut self, conn: &mut Connection, tables: &[Relation], names: &[Ident]) -> Result<Triggers> {
        let statement = conn.prepare_cached(&conn.ours(include_str!("../sql/triggers.sql")))?;
        let names: Vec<&str> = names.iter().map(Ident::raw).collect();
        let all: Vec<String> = tables.iter().map(Relation::to_string).collect();
        self.there.retain(|(table, _), _| !all.contains(table));
        let (schemas, tables): (Vec<_>, Vec<_>) = tables.iter().map(|one| (one.schema.raw(), one.name.raw())).unzip();
        let rows = conn.query(&statement, &[&schemas, &tables, &names])?;
        let one = |row: &postgres::Row| {
            let table = Relation::new(row.get::<_, String>(0), row.get::<_, String>(1));
            let state = State { enabled: row.get(3), calls: (row.get(4), row.get(5)), condition: row.get(6) };
            ((table.to_string(), row.get(2)), state)
        };
        self.there.extend(rows.iter().map(one));
        Ok(self)
    }

    /// Refuses triggers of our names that call functions outside our schema: they are not ours, and
    /// neither kept nor dropped.
    pub fn refuse_foreign(&self, ours: Schema) -> Result<()> {
        let ours = ours.to_string();
        let foreign = self.there.iter().find(|(_, state)| state.calls.0 != ours);
        let Some(((table, name), State { calls: (schema, function), .. })) = foreign else { return Ok(()) };
        let sentence = format!("Table {table}: trigger \"{name}\" calls {schema}.{function}(), which is not ours");
        let drop = format!("DROP TRIGGER {} ON {table};", Ident::new(name.as_str()));
        Err(Error::new(Kind::Refused, sentence).hint(format!("If it may go, run: {drop} Then validate the sync.")))
    }

    /// Makes a trigger unless it is there, fires as it should, and calls its function. One that was
    /// disabled by hand is enabled again; one of the same name that calls another function of our
    /// schema is replaced.
    pub fn ensure(&mut self, conn: &mut Connection, table: &Relation, wanted: &Wanted) -> Result<()> {
        let place = (table.to_string(), wanted.name.to_owned());
        if let Some(ddl) = remedy(self.there.get(&place), wanted, table) {
            locked(conn, table, &mut |conn| conn.batch(&ddl))?;
            self.there.insert(place, wanted.state());
        }
        Ok(())
    }

    /// Makes a trigger that a partition has from its parent fire as it should.
    pub fn fire(&mut self, conn: &mut Connection, table: &Relation, wanted: &Wanted) -> Result<()> {
        let place = (table.to_string(), wanted.name.to_owned());
        let other = |there: &&mut State| there.enabled != wanted.firing.letter();
        if let Some(there) = self.there.get_mut(&place).filter(other) {
            locked(conn, table, &mut |conn| conn.batch(&wanted.firing.alter(table, wanted.name)))?;
            wanted.firing.letter().clone_into(&mut there.enabled);
        }
        Ok(())
    }

    /// Drops a trigger, if it is there.
    pub fn remove(&mut self, conn: &mut Connection, table: &Relation, name: &str) -> Result<()> {
        match self.there.remove(&(table.to_string(), name.to_owned())) {
            Some(_) => locked(conn, table, &mut |conn| conn.batch(&drop_text(table, name))),
            None => Ok(()),
        }
    }
}

/// `DROP TRIGGER`.
pub fn drop_text(table: &Relation, name: &str) -> String {
    format!("drop trigger {} on {table}", Ident::new(name))
}

/// What makes a trigger right.
fn remedy(there: Option<&State>, wanted: &Wanted, table: &Relation) -> Option<String> {
    let right = wanted.state();
    match there {
        Some(there) if *there == right => None,
        Some(there) if there.calls == right.calls && there.condition == right.condition => {
            Some(wanted.firing.alter(table, wanted.name))
        }
        Some(_) => Some(format!("{}; {}", drop_text(table, wanted.name), wanted.create(table))),
        None => Some(wanted.create(table)),
    }
}

/// Drops a trigger that was there a moment ago.
pub fn drop(conn: &mut Connection, table: &Relation, name: &str) -> Result<()> {
    Triggers::read(conn, std::slice::from_ref(table), &[Ident::new(name)])?.remove(conn, table, name)
}

/// Each table with, if it is partitioned, all its partitions: triggers for statements are not
/// passed down.
pub fn members(conn: &mut Connection, tables: &[&Shape]) -> Result<Vec<Vec<Member>>> {
    tables.iter().map(|table| with_partitions(conn, table)).collect()
}

fn with_partitions(conn: &mut Connection, table: &Shape) -> Result<Vec<Member>> {
    if !table.partitioned {
        return Ok(vec![Member { relation: table.relation.clone(), oid: table.oid }]);
    }
    let statement = conn.prepare_cached(include_str!("../sql/partitions.sql"))?;
    let member = |row: &postgres::Row| Member {
        relation: Relation::new(row.get::<_, String>(0), row.get::<_, String>(1)),
        oid: row.get(2),
    };
    Ok(conn.query(&statement, &[&table.oid])?.iter().map(member).collect())
}

/// Runs DDL on a user's table in a transaction of its own with a short lock timeout, several times
/// if need be.
pub fn locked(conn: &mut Connection, table: &Relation, ddl: &mut dyn FnMut(&mut Connection) -> Result<()>) -> Result<()> {
    for tries in 1..LOCK_TRIES {
        match locked_once(conn, lock_timeout(tries), ddl) {
            Err(error) if matches!(error.kind(), Kind::Locked | Kind::Collision) => sleep(lock_timeout(tries)),
            outcome => return outcome,
        }
    }
    locked_once(conn, lock_timeout(LOCK_TRIES), ddl).map_err(|error| {
        error
            .context(format!("Table \"{}\" is locked by others", table.label()))
            .hint("A long transaction holds it; try again when it has ended. Nothing was changed on this table.")
    })
}

fn locked_once(conn: &mut Connection, timeout: Duration, ddl: &mut dyn FnMut(&mut Connection) -> Result<()>) -> Result<()> {
    conn.within(&format!("begin; set local lock_timeout = '{}ms'", timeout.as_millis()), ddl)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trigger_is_left_alone_enabled_replaced_or_made() {
        let (table, function) = (Relation::new("s", "t"), Relation::new("bucardo", "add_t"));
        let wanted = |firing| Wanted { name: "x", function: function.clone(), depends: true, firing, create: "create it".into() };
        let right = wanted(Firing::Ordinary).state();
        let remedy = |there: Option<&State>| super::remedy(there, &wanted(Firing::Ordinary), &table);
        assert_eq!(remedy(Some(&right)), None);
        let other = |enabled: &str| State { enabled: enabled.to_owned(), ..right.clone() };
        for enabled in ["D", "R", "A"] {
            assert_eq!(remedy(Some(&other(enabled))).unwrap_or_default(), "alter table \"s\".\"t\" enable trigger \"x\"");
        }
        let weakened = State { condition: "other".into(), ..right.clone() };
        assert_eq!(remedy(Some(&weakened)).unwrap_or_default(), "drop trigger \"x\" on \"s\".\"t\"; create it");
        let foreign = State { calls: ("public".into(), "add_t".into()), ..right.clone() };
        assert_eq!(remedy(Some(&foreign)).unwrap_or_default(), "drop trigger \"x\" on \"s\".\"t\"; create it");
        assert_eq!(remedy(None).unwrap_or_default(), "create it");
        let always = super::remedy(Some(&right), &wanted(Firing::Always), &table).unwrap_or_default();
        assert_eq!(always, "alter table \"s\".\"t\" enable always trigger \"x\"");
    }
}
