//! Whose objects are on a replicated database, and where. Two control databases may use one
//! database, with syncs of the same names: each has a schema of its own there
//! ([`crate::pg::schema`]), which holds its id. Which one that is, is decided where a session is
//! opened ([`open`]), and everything asks the session for it.

use crate::control::channel;
use crate::control::identity as known;
use crate::error::{Error, Kind, Result};
use crate::pg::template::body;
use crate::pg::{ConnInfo, Connection, Installation, Schema};
use crate::replicate::identity::{Actual, Recorded};
use crate::replicate::own_schema::has_table;
use crate::replicate::own_schema::ownership;
use postgres::error::SqlState;

/// The installation of this control database; none if that was not upgraded yet. It is asked for
/// once in a session.
pub fn of(control: &mut Connection) -> Result<Option<Installation>> {
    if let Some(known) = control.installation() {
        return Ok(Some(known.clone()));
    }
    let there = "select to_regclass('bucardo.installation') is not null";
    if !control.query_one(there, &[])?.get::<_, bool>(0) {
        return Ok(None);
    }
    refuse_a_copy(control)?;
    let sql = "select id, format('\"%s\", port %s', current_database(), coalesce(inet_server_port()::text, current_setting('port'))) \
               from bucardo.installation";
    let Some(row) = control.query_opt(sql, &[])? else { return Ok(None) };
    let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default();
    let ours = Installation { id: row.get(0), control: format!("{} (reached from {host})", row.get::<_, String>(1)) };
    control.settle(Schema::FIRST, Some(ours.clone()));
    Ok(Some(ours))
}

/// Two databases of one server with the id of one installation: the daemon of the one that is no
/// copy has begun there.
fn refuse_a_copy(control: &mut Connection) -> Result<()> {
    // Before an upgrade there are no such columns.
    let sql = "select o.datname::text, pg_catalog.current_database()::text, pg_catalog.to_jsonb(i) ->> 'system_identifier' \
               from bucardo.installation i \
               join pg_catalog.pg_database o on o.oid = (pg_catalog.to_jsonb(i) ->> 'dboid')::oid \
               where o.datname <> pg_catalog.current_database()";
    let Some(row) = control.query_opt(sql, &[])? else { return Ok(()) };
    let (other, own, system): (String, String, Option<String>) = (row.get(0), row.get(1), row.get(2));
    if system.is_none() || system != Actual::read(control)?.system {
        return Ok(());
    }
    let sentence = format!("control database \"{own}\" is a copy of \"{other}\", and takes what that one has made for its own");
    Err(Error::new(Kind::Refused, sentence).hint(format!(
        "To make it an installation of its own, run in it: update bucardo.installation set id = md5(random()::text), dboid = null; \
         to use it in the place of \"{other}\", drop that one."
    )))
}

/// The daemon begins in this control database, which is no copy.
pub fn begins_here(control: &mut Connection) -> Result<()> {
    if of(control)?.is_none() {
        return Ok(());
    }
    let Actual { system, dboid, .. } = Actual::read(control)?;
    let sql = "update bucardo.installation set system_identifier = $1, dboid = $2 \
               where (system_identifier, dboid) is distinct from ($1, $2)";
    control.execute(sql, &[&system, &dboid])?;
    Ok(())
}

/// Opens a session on the database `db`, and finds out where our objects are there, or will be.
pub fn open(control: &mut Connection, db: &str, info: &ConnInfo) -> Result<Connection> {
    let mut conn = Connection::open_replicated(info)?;
    settle(control, db, &mut conn)?;
    Ok(conn)
}

/// The same for a session that is open. What is there must be ours ([`ownership`]).
pub fn settle(control: &mut Connection, db: &str, conn: &mut Connection) -> Result<()> {
    let Some(ours) = of(control)? else { return ownership::check(conn, db) };
    let further = Schema::further(&ours.id);
    let further = further.ok_or_else(|| Error::new(Kind::Mismatch, "the id in bucardo.installation is not hexadecimal"))?;
    let schema = if is_first(control, db, conn, &ours, further)? { Schema::FIRST } else { further };
    conn.settle(schema, Some(ours));
    ownership::check(conn, db)
}

/// Whether schema `bucardo` is ours, or free.
fn is_first(control: &mut Connection, db: &str, conn: &mut Connection, ours: &Installation, further: Schema) -> Result<bool> {
    let row = conn.query_one(&complete(include_str!("../sql/installations.sql")), &[&further.to_string()])?;
    let (has_further, marked, identified, readable): (bool, bool, bool, bool) = (row.get(0), row.get(1), row.get(2), row.get(3));
    match (marked, identified) {
        _ if !readable && has_further => Ok(false),
        _ if !readable => refuse_unreadable(control, db, conn).map(|()| false),
        (true, _) => match conn.query("select from bucardo.bucardo_installation where id <> $1", &[&ours.id]) {
            Ok(others) => Ok(others.is_empty()),
            // It was removed in the meantime, with the last object in the schema: that is free now.
            Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Ok(true),
            Err(error) => Err(error.into()),
        },
        _ if has_further => Ok(false),
        (false, true) => is_unmarked_ours(control, db, conn),
        (false, false) => Ok(true),
    }
}

/// A statement with the expression put in that says whether a table may be read.
pub(in crate::replicate) fn complete(sql: &str) -> String {
    sql.replace("{readable}", body(include_str!("../sql/readable_table.sql")))
}

/// What our role may not read belongs to others, unless we have worked on this database before.
fn refuse_unreadable(control: &mut Connection, db: &str, conn: &mut Connection) -> Result<()> {
    if known::life(control, db)?.is_none() {
        return Ok(());
    }
    let role: String = conn.query_one("select current_user::text", &[])?.get(0);
    Err(Error::new(Kind::Denied, format!("Database \"{db}\": role \"{role}\" may not read the tables in schema bucardo"))
        .hint("Let the sync use the role to which schema bucardo belongs."))
}

/// Whether a schema in which an earlier version did not say whose it is belongs to this control
/// database: that knows it, or it came with a copy of another database and to no installation here.
fn is_unmarked_ours(control: &mut Connection, db: &str, conn: &mut Connection) -> Result<bool> {
    if known::has_had_objects(control, db)? {
        return Ok(true);
    }
    match Recorded::read(conn)? {
        Some(recorded) => Ok(!recorded.fits(&Actual::read(conn)?)),
        None => Ok(true),
    }
}

/// Marks the schema, which is there, as ours. One that another installation has marked in the
/// meantime is a [`Kind::Collision`]. To be called [`alone`](crate::replicate::own_schema::alone).
pub fn mark(conn: &mut Connection) -> Result<()> {
    let Some(Installation { id, control }) = conn.installation().cloned() else { return Ok(()) };
    conn.batch(&conn.ours(include_str!("../../../schema/replicated/bucardo_installation.sql")))?;
    let sql = include_str!("../sql/mark_installation.sql");
    let owner: String = conn.query_one(&*conn.ours(sql), &[&id, &control])?.get(0);
    if owner == id {
        return Ok(());
    }
    let sentence = format!("another installation has taken schema {} in the meantime", conn.schema());
    Err(Error::new(Kind::Collision, sentence)
        .hint("Run: bucardo_ctl validate all; this installation then gets a schema of its own."))
}

/// Whether our schema is there and says that it is ours.
pub fn is_marked(conn: &mut Connection) -> Result<bool> {
    let Some(id) = conn.installation().map(|ours| ours.id.clone()) else { return Ok(false) };
    if !has_table(conn, "bucardo_installation")? {
        return Ok(false);
    }
    let sql = "select from bucardo.bucardo_installation where id = $1";
    Ok(conn.query_opt(&*conn.ours(sql), &[&id])?.is_some())
}

/// What the notifications of our triggers say.
pub fn payload(conn: &Connection) -> String {
    conn.installation().map(|ours| channel::changes_of(&ours.id)).unwrap_or_default()
}
