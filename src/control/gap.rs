//! What is known to be missing: gaps, and the states of tables by which they are noticed (tables
//! `gap` and `table_state`).

use crate::control::sync::Sync;
use crate::error::Result;
use crate::pg::Connection;
use crate::pg::fill;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The KID of a sync whose targets may lack something, by its target, and the database where that
/// comes from.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The sync.
    pub sync: &'a str,
    /// The KID's target.
    pub target: &'a str,
    /// The database.
    pub db: &'a str,
}

/// A gap as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gap {
    /// The sync.
    pub sync: String,
    /// The target that may lack rows.
    pub target: String,
    /// The database where something happened.
    pub db: String,
    /// The table there.
    pub table: String,
    /// When it was noticed, for people.
    pub since: String,
    /// What happened.
    pub what: String,
    /// The command that evens it out.
    pub command: String,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table {} on database \"{}\", noticed {}: {}", self.table, self.db, self.since, self.what)
    }
}

/// The command that evens out the gaps of a sync.
pub fn command(sync: &str) -> String {
    format!("bucardo_ctl update sync {sync} onetimecopy=1 && bucardo_ctl reload {sync}")
}

/// The state of a table in table `table_state` that was taken out of the herd, and without which
/// the KID has begun anew since.
pub const LEFT: &str = "left";

/// The state of a table whose changes are not captured for the KID any more: a look at the
/// databases took place while the table, or the database, did not belong to the sync.
pub const GIVEN_UP: &str = "given up";

/// What is said of a table that comes back after that.
pub fn was_absent(target: &str) -> String {
    format!("it, or database \"{target}\", did not belong to the sync for a while; what changed meanwhile was not carried")
}

/// Whether a state says that the table, or the database, did not belong to the sync.
pub fn is_absence(state: &str) -> bool {
    state == LEFT || state == GIVEN_UP
}

/// How the tables were, by goat.
pub fn known(control: &mut Connection, place: Place) -> Result<BTreeMap<i32, String>> {
    let sql =
        control.prepare_cached("select goat, state from bucardo.table_state where sync = $1 and targetdb = $2 and db = $3")?;
    let rows = control.query(&sql, &[&place.sync, &place.target, &place.db])?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// How a table was on the other members, by database.
pub fn known_elsewhere(control: &mut Connection, place: Place, goat: i32) -> Result<Vec<(String, String)>> {
    let sql = "select db, state from bucardo.table_state \
               where sync = $1 and targetdb = $2 and db <> $3 and goat = $4 and state not in ('left', 'given up') order by db";
    let rows = control.query(sql, &[&place.sync, &place.target, &place.db, &goat])?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// From now on these tables are known so.
pub fn learn(control: &mut Connection, place: Place, states: &[(i32, String)]) -> Result<()> {
    if states.is_empty() {
        return Ok(());
    }
    let (goats, states): (Vec<i32>, Vec<&str>) = states.iter().map(|(goat, state)| (*goat, state.as_str())).unzip();
    let sql = include_str!("sql/learn_table_states.sql");
    control.execute(sql, &[&place.sync, &place.target, &place.db, &goats, &states])?;
    Ok(())
}

/// A KID goes on with these tables. Others that it had until now were taken out of the herd, and it
/// counts their changes as carried: should one come back before a look at the databases, that is a
/// gap (function `note_joining`).
pub fn leave_others(control: &mut Connection, sync: &str, target: &str, carried: &[i32]) -> Result<()> {
    let sql = "update bucardo.table_state set state = 'left' \
               where sync = $1 and targetdb = $2 and goat <> all ($3) and state not in ('left', 'given up') \
               and not exists (select from bucardo.joining j where j.sync = $1 and j.goat = table_state.goat)";
    control.execute(sql, &[&sync, &target, &carried])?;
    Ok(())
}

/// What we changed ourselves on a database, without missing anything, is no news for any sync that
/// knew how it was.
pub fn carry_over(control: &mut Connection, db: &str, changes: &[(String, String)]) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let (before, after): (Vec<&str>, Vec<&str>) = changes.iter().map(|(before, after)| (before.as_str(), after.as_str())).unzip();
    let sql = "update bucardo.table_state t set state = w.after from unnest($2::text[], $3::text[]) as w (before, after) \
               where t.db = $1 and t.state = w.before";
    control.execute(sql, &[&db, &before, &after])?;
    Ok(())
}

/// Notes that changes of a table are missing. One that is noted already is the same gap, from its
/// beginning.
pub fn record(control: &mut Connection, place: Place, goat: i32, table: &str, what: &str) -> Result<()> {
    record_since(control, place, goat, table, what, None)
}

/// The same in a look at all members of a KID, which may tell that nothing is missing: with the
/// state in which the table was known before.
pub fn record_in_look(control: &mut Connection, place: Place, goat: i32, table: &str, what: &str, former: &str) -> Result<()> {
    record_since(control, place, goat, table, what, Some(former))
}

fn record_since(control: &mut Connection, place: Place, goat: i32, table: &str, what: &str, former: Option<&str>) -> Result<()> {
    let sql = include_str!("sql/record_gap.sql");
    control.execute(sql, &[&place.sync, &place.target, &place.db, &goat, &table, &what, &command(place.sync), &former])?;
    Ok(())
}

/// What was noticed of a table in a look that has not ended.
#[derive(Debug)]
pub struct Unsettled {
    /// Where.
    pub db: String,
    /// `goat.id`.
    pub goat: i32,
    /// The table there.
    pub table: String,
    /// What was noticed.
    pub what: String,
    /// How the table was known before.
    pub former: String,
    /// How it is known now.
    pub now: String,
}

/// What was noticed since a KID has last looked at all its members.
pub fn unsettled(control: &mut Connection, sync: &str, target: &str) -> Result<Vec<Unsettled>> {
    let unsettled = |row: &postgres::Row| Unsettled {
        db: row.get(0),
        goat: row.get(1),
        table: row.get(2),
        what: row.get(3),
        former: row.get(4),
        now: row.get(5),
    };
    Ok(control.query(include_str!("sql/unsettled_gaps.sql"), &[&sync, &target])?.iter().map(unsettled).collect())
}

/// A KID has looked at all its members: what was noticed until now is so.
pub fn settle(control: &mut Connection, sync: &str, target: &str) -> Result<()> {
    let sql = "update bucardo.gap set former = null where sync = $1 and targetdb = $2 and former is not null";
    control.execute(sql, &[&sync, &target])?;
    Ok(())
}

/// The gaps of these syncs.
pub fn of_syncs(control: &mut Connection, syncs: &[String]) -> Result<Vec<Gap>> {
    let sql =
        format!("select {SHOWN} from bucardo.gap g where g.sync = any ($1) order by g.sync, g.since, g.tablename, g.targetdb");
    Ok(control.query(&sql, &[&syncs])?.iter().map(gap).collect())
}

/// The gaps of a sync that nobody was told of, who is told by that.
pub fn tell(control: &mut Connection, sync: &str) -> Result<Vec<Gap>> {
    let sql = format!("update bucardo.gap g set told = true where g.sync = $1 and not g.told returning {SHOWN}");
    Ok(control.query(&sql, &[&sync])?.iter().map(gap).collect())
}

const SHOWN: &str = "g.sync, g.targetdb, g.db, g.tablename, to_char(g.since, 'Mon DD, YYYY HH24:MI:SS'), g.what, g.command";

fn gap(row: &postgres::Row) -> Gap {
    Gap {
        sync: row.get(0),
        target: row.get(1),
        db: row.get(2),
        table: row.get(3),
        since: row.get(4),
        what: row.get(5),
        command: row.get(6),
    }
}

/// The time by the control database's clock, in seconds, as [`close`] wants it and
/// [`Sync::copy_asked`] has it.
pub fn now(control: &mut Connection) -> Result<String> {
    Ok(control.query_one("select extract(epoch from clock_timestamp())::text", &[])?.get(0))
}

/// These tables have been copied as a whole, by a KID that began later than `until`: gaps that were
/// noticed before are none any more. Returns the tables.
pub fn close(control: &mut Connection, sync: &str, target: &str, goats: &[i32], until: &str) -> Result<Vec<String>> {
    let departed = "delete from bucardo.departed_partition where sync = $1 and targetdb = $2 and goat = any ($3) \
                    and since <= to_timestamp($4::text::float8)";
    control.execute(departed, &[&sync, &target, &goats, &until])?;
    let sql = "delete from bucardo.gap where sync = $1 and targetdb = $2 and goat = any ($3) and latest <= to_timestamp($4::text::float8) \
               returning tablename";
    Ok(control.query(sql, &[&sync, &target, &goats, &until])?.iter().map(|row| row.get(0)).collect())
}

/// These gaps of a sync are none, says a person: those of the tables, by the names that they have
/// in the gaps, or all if there is none. Returns them.
pub fn accept(control: &mut Connection, sync: &str, tables: &[String]) -> Result<Vec<Gap>> {
    let sql = fill(include_str!("sql/accept_gaps.sql"), &[("shown", &SHOWN)]);
    Ok(control.query(&sql, &[&sync, &tables])?.iter().map(gap).collect())
}

/// What was noticed of a table, if that is all, is none.
pub fn forget(control: &mut Connection, place: Place, goat: i32, what: &str) -> Result<()> {
    let sql = "delete from bucardo.gap where sync = $1 and targetdb = $2 and db = $3 and goat = $4 and what = $5";
    control.execute(sql, &[&place.sync, &place.target, &place.db, &goat, &what])?;
    Ok(())
}

/// What was noticed in a look on all `members` of a KID alike, and begins with these words, is no
/// difference between them.
pub fn forget_common(control: &mut Connection, sync: &str, target: &str, members: usize, words: &str) -> Result<()> {
    let sql = include_str!("sql/forget_common_gaps.sql");
    control.execute(sql, &[&sync, &target, &words, &i64::try_from(members).unwrap_or_default()])?;
    Ok(())
}

/// Forgets what is about tables and databases that do not belong to a sync any more, except that
/// their changes were given up: should they come back, that is a gap. Targets that are not active
/// still belong to it, and so do databases that have got another name since the sync was read.
pub fn forget_others(control: &mut Connection, sync: &Sync, goats: &[i32]) -> Result<()> {
    let places = [sync.places(), sync.left_alone.clone()].concat();
    let members = [sync.members(), sync.left_alone.clone()].concat();
    follow_masters(control, sync, &places)?;
    let gone = "t.sync = $1 and (t.goat <> all ($2) or t.targetdb <> all ($3) or t.db <> all ($4)) \
                and not exists (select from bucardo.former_name f where f.sync = $1 and f.db in (t.db, t.targetdb))";
    for table in ["gap", "departed_partition"] {
        let sql = format!("delete from bucardo.{table} t where {gone}");
        control.execute(&sql, &[&sync.name, &goats, &places, &members])?;
    }
    let sql = format!("update bucardo.table_state t set state = '{GIVEN_UP}' where {gone} and t.state <> '{GIVEN_UP}'");
    control.execute(&sql, &[&sync.name, &goats, &places, &members])?;
    Ok(())
}

/// The KID of several masters is named by the first partner, which may be another one than at the
/// last look: what is known goes along. It is told by a third database that its KID was one of
/// masters.
fn follow_masters(control: &mut Connection, sync: &Sync, places: &[String]) -> Result<()> {
    let Some(place) = sync.partners.first() else { return Ok(()) };
    let former = "select distinct targetdb from bucardo.table_state \
                  where sync = $1 and targetdb <> all ($2) and db <> targetdb and db is distinct from $3";
    for row in control.query(former, &[&sync.name, &places, &sync.source])? {
        let former: String = row.get(0);
        for table in ["gap", "departed_partition", "table_state"] {
            let moved = format!(
                "update bucardo.{table} t set targetdb = $3 \
                 where t.sync = $1 and t.targetdb = $2 and not exists (\
                 select from bucardo.{table} n where n.sync = $1 and n.targetdb = $3 and n.db = t.db and n.goat = t.goat)"
            );
            control.execute(&moved, &[&sync.name, &former, place])?;
            let rest = format!("delete from bucardo.{table} where sync = $1 and targetdb = $2");
            control.execute(&rest, &[&sync.name, &former])?;
        }
    }
    Ok(())
}

/// The KIDs of a sync, by target, and the databases whose changes were given up for them.
pub fn given_up(control: &mut Connection, sync: &str) -> Result<BTreeSet<(String, String)>> {
    let sql = "select targetdb, db from bucardo.table_state where sync = $1 and state = $2";
    Ok(control.query(sql, &[&sync, &GIVEN_UP])?.iter().map(|row| (row.get(0), row.get(1))).collect())
}
