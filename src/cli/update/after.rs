//! What a change makes necessary: trying a database out, looking a table's key up, validating a
//! sync.

use crate::cli::Session;
use crate::cli::add::{goat, remote, sync};
use crate::cli::noun::Noun;
use crate::error::{Error, Kind, Result};
use crate::pg::{Connection, Relation};
use crate::warn_user;

/// Says, before a database is changed, that we try it out ourselves.
pub fn prepare(control: &mut Connection, noun: Noun) -> Result<()> {
    match noun {
        Noun::Db => control.batch("set local bucardo.validating = 'on'"),
        _ => Ok(()),
    }
}

/// Does what is necessary now that the thing called `key` has changed.
pub fn settle(session: &mut Session, noun: Noun, key: &str) -> Result<()> {
    match noun {
        Noun::Db => try_out(&mut session.control, key),
        Noun::Table => look_up(&mut session.control, key),
        Noun::Sync => validate(session, key),
        _ => Ok(()),
    }
}

fn try_out(control: &mut Connection, name: &str) -> Result<()> {
    control.batch("set local bucardo.validating = 'off'")?;
    let active = "select from bucardo.db where name = $1 and status = 'active'";
    if control.query_opt(active, &[&name])?.is_none() {
        return Ok(());
    }
    if let Some(error) = remote::try_out(control, name)? {
        warn_user!("Note: {error}; it was changed all the same");
    }
    Ok(())
}

/// The schema forgets a key when it may be another.
fn look_up(control: &mut Connection, id: &str) -> Result<()> {
    let sql = "select id, db, schemaname, tablename from bucardo.goat where id::text = $1 and pkey is null";
    let Some(row) = control.query_opt(sql, &[&id])? else { return Ok(()) };
    let relation = Relation::new(row.get::<_, String>(2), row.get::<_, String>(3));
    let (id, db): (i32, String) = (row.get(0), row.get(1));
    goat::look_up(control, id, &db, &relation)
        .map_err(|error| error.context(format!("Could not update table \"{}\"", relation.label())))
}

/// The schema asks for a look at a sync that connects other things now.
fn validate(session: &mut Session, name: &str) -> Result<()> {
    let asked = "select from bucardo.validation where sync = $1 and validated is null";
    if session.control.query_opt(asked, &[&name])?.is_none() {
        return Ok(());
    }
    sync::make_ready(session, name).map(drop).map_err(|error| unfit(error, name))
}

fn unfit(error: Error, name: &str) -> Error {
    match error.kind() {
        Kind::Bug => error,
        _ => error.context(format!("Could not update sync \"{name}\"")),
    }
}
