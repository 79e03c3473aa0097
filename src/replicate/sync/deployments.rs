//! What is where: noting on which databases a sync has objects of ours, and tidying those that it
//! does not use any more, because it is gone or goes elsewhere.
//!
//! The note is made before the objects are, and removed after they are, under a lock of the note's
//! row. So whoever tidies and whoever makes the same again wait for each other.

use crate::control::sync::{Goat, Sync};
use crate::control::{db, identity as known};
use crate::error::{Error, Kind, Result};
use crate::pg::{Connection, Relation};
use crate::replicate::capture::install;
use crate::replicate::identity::Recorded;
use crate::replicate::identity::installation;
use crate::replicate::own_schema::has_table;

/// A database on which a sync has objects.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    sync: String,
    db: String,
    is_source: bool,
}

impl Place {
    fn side(&self) -> &'static str {
        if self.is_source { "source" } else { "target" }
    }
}

/// Notes where a sync is about to have objects. Several masters are targets of one another, too.
pub fn note(control: &mut Connection, sync: &Sync) -> Result<()> {
    let masters = sync.masters();
    let receiving = masters.iter().filter(|_| masters.len() > 1).chain(&sync.targets);
    for (db, side) in masters.iter().map(|db| (db, "source")).chain(receiving.map(|db| (db, "target"))) {
        control.execute(
            "insert into bucardo.place (sync, db, side) values ($1, $2, $3) \
             on conflict (sync, db, side) do update set outcome = null",
            &[&sync.name, db, &side],
        )?;
    }
    Ok(())
}

/// The syncs that are gone and have left something.
pub fn orphaned(control: &mut Connection) -> Result<Vec<String>> {
    let sql = "select distinct p.sync from bucardo.place p \
               where not exists (select from bucardo.sync s where s.name = p.sync) order by 1";
    Ok(control.query(sql, &[])?.iter().map(|row| row.get(0)).collect())
}

/// Removes what the sync called `name` has on databases that it does not use. Not inside a
/// transaction. Returns a note for each database where that is not possible now.
pub fn tidy(control: &mut Connection, name: &str) -> Result<Vec<String>> {
    let rows = control.query("select db, side = 'source' from bucardo.place where sync = $1 order by side, db", &[&name])?;
    let mut notes = Vec::new();
    for row in &rows {
        let place = Place { sync: name.to_owned(), db: row.get(0), is_source: row.get(1) };
        control.batch("begin")?;
        let outcome = tidy_place(control, &place);
        if outcome.is_err() {
            control.batch("rollback; begin")?;
        }
        if let Err(error) = outcome {
            let note = format!("Database \"{}\" still has objects of sync \"{name}\": {error}", place.db);
            remember(control, &place, &note)?;
            notes.push(note);
        }
        control.batch("commit")?;
    }
    Ok(notes)
}

fn tidy_place(control: &mut Connection, place: &Place) -> Result<()> {
    let (sync, db, side) = (&place.sync, &place.db, place.side());
    let note = "select from bucardo.place where sync = $1 and db = $2 and side = $3 for update";
    if control.query_opt(note, &[sync, db, &side])?.is_none() || is_used(control, place)? {
        return Ok(());
    }
    let info = db::conninfo(control, db)?.named(format!("bucardo tidy {sync} {db}"));
    let mut conn = installation::open(control, db, &info)?;
    match place.is_source {
        true => {
            successors_first(control, place, &mut conn)?;
            install::unregister(&mut conn, sync)?;
        }
        false => install::forget_receipts(&mut conn, sync)?,
    }
    control.execute("delete from bucardo.place where sync = $1 and db = $2 and side = $3", &[sync, db, &side])?;
    if Recorded::read(&mut conn)?.is_none() {
        known::forget(control, db)?;
    }
    Ok(())
}

/// A target that is not active at present is used nevertheless.
fn is_used(control: &mut Connection, place: &Place) -> Result<bool> {
    let row = control.query_one(include_str!("../sql/place_is_used.sql"), &[&place.sync, &place.db, &place.is_source])?;
    Ok(row.get(0))
}

/// A sync that was renamed, or made in the place of another, still wants the changes that were
/// noted for the old one: until it has them captured itself, they are kept.
fn successors_first(control: &mut Connection, place: &Place, conn: &mut Connection) -> Result<()> {
    if !has_table(conn, "bucardo_delta_targets")? {
        return Ok(());
    }
    for row in control.query(include_str!("../sql/unvalidated_of_source.sql"), &[&place.db])? {
        let successor: String = row.get(0);
        let sync = Sync::load(control, &successor)?;
        let goats = sync.goats(control)?;
        let is_own = sync.source.as_ref() == Some(&place.db);
        let there = |goat: &Goat| if is_own { goat.relation.clone() } else { goat.relation_on(&place.db) };
        let tables: Vec<Relation> = goats.iter().filter(|goat| goat.is_table).map(there).collect();
        let (schemas, names): (Vec<_>, Vec<_>) = tables.iter().map(|one| (one.schema.raw(), one.name.raw())).unzip();
        let sql = include_str!("../sql/wants_captures_of.sql");
        if conn.query_one(&*conn.ours(sql), &[&place.sync, &successor, &schemas, &names])?.get(0) {
            return Err(Error::new(Kind::Refused, format!("sync \"{successor}\" must be validated first")));
        }
    }
    Ok(())
}

fn remember(control: &mut Connection, place: &Place, note: &str) -> Result<()> {
    control.execute(
        "update bucardo.place set outcome = $4 where sync = $1 and db = $2 and side = $3",
        &[&place.sync, &place.db, &place.side(), &note],
    )?;
    Ok(())
}
