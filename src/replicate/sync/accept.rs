//! Accepting a database as it is, after it was found not to be what it was.
//!
//! Nobody but a person can know whether what it holds now is right. Once that is said, a new life
//! of the database begins, and replication goes on from what it holds. Everything here can be done
//! again: if it is interrupted, the database stays halted.

use crate::control::db;
use crate::control::gap::{self, Place};
use crate::control::identity::{self as known, Finding, Halt};
use crate::control::sync::{Sync, SyncType};
use crate::error::{Error, Kind, Result};
use crate::pg::Connection;
use crate::pg::fill;
use crate::pg::ident::literal;
use crate::replicate::capture::install;
use crate::replicate::capture::objects::Names;
use crate::replicate::identity::installation;
use crate::replicate::identity::{self, Actual, Recorded};
use crate::replicate::own_schema::{self, has_table};
use std::collections::BTreeSet;

/// What was done.
#[derive(Debug)]
pub struct Done {
    /// The sentence for which it was halted.
    pub reason: String,
    /// The syncs that the database is a member of.
    pub syncs: Vec<String>,
    /// Those whose tables will be copied, from which database.
    pub copied: Vec<(String, String)>,
}

/// Accepts the database `name`, and asks for copies if they are wanted. One that is what it was is
/// [`Kind::Refused`].
pub fn accept(control: &mut Connection, name: &str, copy: bool) -> Result<Done> {
    let info = db::conninfo(control, name)?.named(format!("bucardo accept {name}"));
    let mut conn = installation::open(control, name, &info)?;
    let halt = match known::halted(control, name)? {
        Some(halt) => halt,
        None => find(control, name, &mut conn)?,
    };
    let syncs = concerned(control, name)?;
    // Receipts name the life in which it was validated, or another one that was met, or none, if an
    // earlier version wrote them.
    let lives: BTreeSet<String> =
        [known::life(control, name)?, halt.met.clone(), Some(String::new())].into_iter().flatten().collect();
    let deaf = halt.finding == Finding::Lost || captures_other_tables(&mut conn)?;
    let began = begin_life(name, &mut conn, halt.finding, &lives, &syncs)?;
    let copied = control.within("begin", |control| {
        let copied = if copy { ask_for_copies(control, &syncs)? } else { Vec::new() };
        known::forget_tables(control, name)?;
        if deaf && !copy {
            note_gaps(control, name, &syncs)?;
        }
        known::remember(control, name, began.system.as_deref(), began.dboid, &began.life)?;
        Ok(copied)
    })?;
    Ok(Done { reason: halt.reason, syncs: syncs.into_iter().map(|sync| sync.name).collect(), copied })
}

/// A database that was halted because its address led to another one goes on when the address leads
/// to the one that was validated, with all that we have there. Says whether that is so.
pub fn is_found_again(control: &mut Connection, name: &str) -> Result<bool> {
    let Some(halt) = known::halted(control, name)? else { return Ok(false) };
    if !matches!(halt.finding, Finding::Another | Finding::Copy | Finding::Lost) {
        return Ok(false);
    }
    let info = db::conninfo(control, name)?.named(format!("bucardo update db {name}"));
    let mut conn = Connection::open_replicated(&info)?;
    let actual = Actual::read(&mut conn)?;
    let Some(recorded) = Recorded::read(&mut conn)?.filter(|recorded| recorded.fits(&actual)) else { return Ok(false) };
    let is_found = known::is_remembered(control, name, actual.system.as_deref(), actual.dboid, &recorded.life)?;
    if is_found {
        known::release(control, name)?;
    }
    Ok(is_found)
}

/// What has not been noted yet: a command that fails, like `add sync`, takes its note back.
fn find(control: &mut Connection, name: &str, conn: &mut Connection) -> Result<Halt> {
    let actual = Actual::read(conn)?;
    let found = match Recorded::read(conn)? {
        Some(recorded) => (!recorded.fits(&actual)).then(|| identity::copy(name)),
        None => (!has_table(conn, "bucardo_track")?).then(|| identity::lost(name)),
    };
    let was_validated = known::life(control, name)?.is_some();
    if let Some(halt) = found.filter(|_| was_validated) {
        known::halt(control, halt.clone())?;
        return Ok(halt);
    }
    Err(Error::new(Kind::Refused, format!("Database \"{name}\" is not halted: there is nothing to accept"))
        .hint("Run: bucardo_ctl validate all; it looks whether databases are what they were."))
}

/// The syncs that a database is a member of, active or not.
fn concerned(control: &mut Connection, name: &str) -> Result<Vec<Sync>> {
    let all = Sync::load_all(control)?;
    let concerns = |sync: &Sync| sync.members().iter().chain(&sync.left_alone).any(|member| member == name);
    Ok(all.into_iter().filter(concerns).collect())
}

fn begin_life(name: &str, conn: &mut Connection, finding: Finding, lives: &BTreeSet<String>, syncs: &[Sync]) -> Result<Recorded> {
    own_schema::alone(conn, |conn| {
        // The copy's objects for what this database has no part in would go on noting changes for
        // nobody.
        if finding == Finding::Copy {
            let is_master = |of: &str| syncs.iter().any(|sync| sync.name == of && sync.masters().iter().any(|one| one == name));
            shed_others(conn, is_master)?;
        }
        for sync in syncs {
            let masters = sync.masters();
            if masters.iter().any(|master| master == name) {
                install::source_base(conn)?;
            }
            let givers: Vec<String> = masters.into_iter().filter(|master| master != name).collect();
            if !givers.is_empty() {
                install::target_base(conn, &sync.name, &givers, &[])?;
            }
        }
        install::identity_base(conn)?;
        conn.within("begin", |conn| turn_over(name, conn, finding, lives, syncs))
    })
}

/// Whether a dump was restored here: the tables have other ids than those that our triggers
/// capture, so they capture nothing.
fn captures_other_tables(conn: &mut Connection) -> Result<bool> {
    if !has_table(conn, "bucardo_delta_names")? {
        return Ok(false);
    }
    let sql = "select exists (select from bucardo.bucardo_delta_names
               where to_regclass(format('%I.%I', schemaname, relname))::oid <> tablename)";
    Ok(conn.query_one(&*conn.ours(sql), &[])?.get(0))
}

/// What was written since the dump was restored is not known, of any table that comes from there.
fn note_gaps(control: &mut Connection, name: &str, syncs: &[Sync]) -> Result<()> {
    for sync in syncs.iter().filter(|sync| sync.synctype != SyncType::Fullcopy) {
        let goats = sync.goats(control)?;
        let places = [sync.places(), sync.left_alone.clone()].concat();
        for target in places.iter().filter(|place| sync.masters_of(place).iter().any(|master| master == name)) {
            let place = Place { sync: &sync.name, target, db: name };
            for goat in goats.iter().filter(|goat| goat.is_table) {
                let what = "the database was restored without what captured its changes, and those since then were not captured";
                gap::record(control, place, goat.id, &goat.relation_on(name).label(), what)?;
            }
        }
    }
    Ok(())
}

fn shed_others(conn: &mut Connection, is_master: impl Fn(&str) -> bool) -> Result<()> {
    if !has_table(conn, "bucardo_delta_targets")? {
        return Ok(());
    }
    let rows = conn.query(&*conn.ours("select distinct sync from bucardo.bucardo_delta_targets"), &[])?;
    for row in rows.iter().filter(|row| !is_master(row.get(0))) {
        install::unregister(conn, row.get(0))?;
    }
    Ok(())
}

fn turn_over(name: &str, conn: &mut Connection, finding: Finding, lives: &BTreeSet<String>, syncs: &[Sync]) -> Result<Recorded> {
    let old = Recorded::read(conn)?.ok_or_else(|| Error::new(Kind::Bug, "a database without identity"))?;
    let was_copied = !old.fits(&Actual::read(conn)?);
    let is_source = has_table(conn, "bucardo_delta_targets")?;
    if is_source && was_copied {
        rebase(conn)?;
    }
    if is_source && finding != Finding::SetBack {
        note_accepted(name, conn, &old.life, was_copied, syncs)?;
        for life in lives.iter().filter(|life| **life != old.life) {
            note_accepted(name, conn, life, true, syncs)?;
        }
    }
    if matches!(finding, Finding::Copy | Finding::Lost | Finding::SetBack) && has_table(conn, "bucardo_track")? {
        let names: Vec<&str> = syncs.iter().map(|sync| sync.name.as_str()).collect();
        conn.execute(&*conn.ours("update bucardo.bucardo_track set accepted = true where sync = any ($1)"), &[&names])?;
    }
    // One that was merely set back as a target is the same source as before.
    if finding != Finding::SetBack {
        identity::renew(conn)?;
    }
    Recorded::read(conn)?.ok_or_else(|| Error::new(Kind::Bug, "a database without identity"))
}

/// The transaction ids in a copy are those of another server. What was noted there is noted as of
/// now, and nothing is known of what anybody has.
fn rebase(conn: &mut Connection) -> Result<()> {
    for row in conn.query(&*conn.ours("select deltaname from bucardo.bucardo_delta_names"), &[])? {
        let names = Names::recorded(conn.schema(), row.get::<_, String>(0));
        for generation in [1, 2] {
            conn.batch(&format!("update {} set txid = txid_current()", names.delta(generation)))?;
        }
    }
    conn.batch(&conn.ours(include_str!("../sql/rebase.sql")))
}

/// What becomes of receipts that name this life: each goes on from what this database knew its
/// target to have, or, where even that is void, from nothing; those that are no further go on as
/// they are.
fn note_accepted(name: &str, conn: &mut Connection, life: &str, void: bool, syncs: &[Sync]) -> Result<()> {
    for sync in syncs.iter().filter(|sync| sync.masters().iter().any(|master| master == name)) {
        for receiver in sync.receivers(name).iter().chain(sync.kept_for(name)) {
            let ours = conn.schema();
            let mark = if void { "-1" } else { "coalesce(t.mark, -1)" };
            conn.execute(
                &fill(
                    include_str!("../sql/note_accepted.sql"),
                    &[("ours", &ours), ("mark", &mark), ("sync", &literal(&sync.name)), ("receiver", &literal(receiver))],
                ),
                &[&life],
            )?;
        }
    }
    Ok(())
}

/// Asks for a copy of all tables of each sync; says from where they come.
fn ask_for_copies(control: &mut Connection, syncs: &[Sync]) -> Result<Vec<(String, String)>> {
    let mut copied = Vec::new();
    for sync in syncs.iter().filter(|sync| sync.synctype != SyncType::Fullcopy) {
        control.execute("update bucardo.sync set onetimecopy = 1 where name = $1", &[&sync.name])?;
        copied.push((sync.name.clone(), sync.source()?.to_owned()));
    }
    Ok(copied)
}
