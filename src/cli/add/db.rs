//! `add db`: tells the control database about a database. Whether it can be reached is tried out
//! and recorded, but a server that is down today can be added today.

use super::{dbgroup, newer, remote};
use crate::cli::insert::Insert;
use crate::cli::pairs::{self, Key, Pairs, Value};
use crate::cli::{Session, refusal};
use crate::error::{Error, Kind, Result};
use crate::pg::Connection;
use crate::warn_user;

pub(super) const USAGE: &str = "Usage: add db <name> [optional information]

  name is the real name of the database and, unless name=x is given, also its name here.

{keys}

  add db shop host=db1
  add db warehouse dbname=shop host=db2 port=5433 user=replicator pgpass=/etc/bucardo.pgpass";

/// In the order of the help: how it is reached, and what its syncs may do.
pub(super) const KEYS: &[Key] = &[
    Key::new("name", &["name"], Value::Text).unstored().says("", "its name here"),
    Key::new("dbname", &["dbname", "db"], Value::Text).unstored().says("", "real name of the database"),
    Key::new("dbhost", &["host", "dbhost", "pghost"], Value::Text).says(
        "",
        "host, address or socket directory; of several, separated by commas, the first that answers counts; none: the usual socket",
    ),
    Key::new("dbport", &["port", "dbport", "pgport"], Value::Ports).says("5432", "port, or one for each host"),
    Key::new("dbuser", &["user", "dbuser", "username"], Value::Text)
        .says("", "role to connect as; none: the replication role of `install`, or bucardo"),
    Key::new("dbpass", &["pass", "dbpass", "password"], Value::Text)
        .says("", "its password, kept in clear; a password file is better"),
    Key::new("pgpass", &["pgpass"], Value::Text).says("", "a password file on the daemon's machine"),
    Key::new("dbservice", &["service", "dbservice"], Value::Text).says("", "name of a connection service"),
    Key::new("dbconn", &["conn", "dbconn", "pgconn"], Value::Text)
        .says("", "more parameters of the connection, as sslmode=require"),
    Key::new("dsn", &["dsn", "dbdsn"], Value::Text).unstored().says("", "all in one word: dbname=shop;host=db1"),
    Key::new("status", &["stat", "status"], Value::OneOf(&["active", "inactive"]))
        .says("active", "inactive: its syncs leave it alone, and changes for it wait"),
    Key::new("group", &["group", "dbgroup"], Value::Text).unstored().says("", "put it into this group; x:source and x:target say the role"),
    Key::new("sourcelimit", &["sourcelimit"], Value::Number).says("0", "KIDs that read from it at the same time, at most; 0 is all"),
    Key::new("targetlimit", &["targetlimit"], Value::Number).says("0", "KIDs that write to it at the same time, at most; 0 is all"),
    Key::new("makedelta", &["makedelta"], Value::Bool).says("0", "note what syncs write there as changes for other syncs"),
    Key::new("capture", &["capture"], Value::OneOf(&["ordinary", "always"]))
        .says("ordinary", "always: also what is written there while triggers are off, as by logical replication"),
    Key::new("addalltables", &["addalltables"], Value::Bool).unstored().says("0", "`bucardo` only: add all its tables"),
    Key::new("addallsequences", &["addallsequences"], Value::Bool).unstored().says("0", "`bucardo` only: add all its sequences"),
    Key::new("type", &["type", "dbtype"], Value::OneOf(&["postgres"])).unstored().says("postgres", "what kind of database it is"),
    Key::new("server_side_prepares", &["ssp", "server_side_prepares"], Value::Bool).says("1", "without effect"),
];

pub(super) fn run(session: &mut Session, word: &str, words: &[String]) -> Result<u8> {
    let pairs = newer::dsn::spread(pairs::read(words, KEYS, USAGE)?);
    check_port(&pairs)?;
    let name = pairs.get("name").unwrap_or(word).to_owned();
    let real = pairs.get("dbname").unwrap_or(word).to_owned();
    let lines = session.transaction(|session| {
        insert(&mut session.control, &name, &real, &pairs)?;
        let mut lines = vec![format!("Added database \"{name}\"")];
        if let Some(group) = pairs.get("group") {
            lines.extend(join(&mut session.control, &name, group)?);
        }
        if pairs.get("status") != Some("inactive") {
            try_out(session, &name)?;
        }
        Ok(lines)
    })?;
    super::report(session, &lines);
    Ok(0)
}

/// Refuses a port that is none: the column is a text and takes anything.
pub(super) fn check_port(pairs: &Pairs) -> Result<()> {
    match pairs.get("dbport").is_none_or(pairs::is_ports) {
        true => Ok(()),
        false => Err(refusal::refused("Failed to add database: that is no port", "a port is a number from 1 to 65535")),
    }
}

pub(super) fn insert(control: &mut Connection, name: &str, real: &str, pairs: &Pairs) -> Result<()> {
    let row = Insert::into("db").text("name", name).text("dbname", real);
    let row = if pairs.get("dbuser").is_some() || has_replication_role(control)? { row } else { row.text("dbuser", "bucardo") };
    let row = row.pairs(pairs, &[]);
    // Tells the trigger db_change that somebody tries to connect already.
    control.batch("set local bucardo.validating = 'on'")?;
    let inserted = row.run(control, "name").map(drop).map_err(|error| explain(error, name));
    inserted.and_then(|()| control.batch("set local bucardo.validating = 'off'"))
}

/// Whether the installation has a role for databases: it is the column's default.
fn has_replication_role(control: &mut Connection) -> Result<bool> {
    let sql = "select exists (select from pg_catalog.pg_attribute where attrelid = 'bucardo.db'::regclass and attname = 'dbuser' and atthasdef)";
    Ok(control.query_one(sql, &[])?.get(0))
}

/// The two refusals that have sentences of their own.
fn explain(error: Error, name: &str) -> Error {
    if refusal::is(&error, "db_name_pk") {
        let sentence = format!("Cannot add database: the database name \"{name}\" already exists");
        return refusal::refused(sentence, "choose another name with name=x; `list db` shows the names that are taken");
    }
    if refusal::is(&error, "db_dsn_unique") {
        let sentence = "Cannot add database: already have a connection with the same parameters";
        return refusal::refused(sentence, "`list db` shows the one with the same host, port, name and user: use it");
    }
    error.context("Failed to add database")
}

/// Puts the database into a group, which is made if missing.
fn join(control: &mut Connection, db: &str, group: &str) -> Result<Vec<String>> {
    let made = dbgroup::ensure(control, group);
    let made = made.map_err(|error| error.context(format!("Failed to create new database group \"{group}\"")))?;
    let joined = dbgroup::join(control, db, group, 0);
    joined.map_err(|error| error.context(format!("Failed to add database \"{db}\" to group \"{group}\"")))?;
    let mut lines = if made { vec![format!("Added new database group \"{group}\"")] } else { Vec::new() };
    lines.push(format!("Added database \"{db}\" to group \"{group}\""));
    Ok(lines)
}

/// Connects once. The older dialect accepts a database that cannot be reached; the newer one wants
/// to be forced.
pub(super) fn try_out(session: &mut Session, name: &str) -> Result<()> {
    let Some(error) = remote::try_out(&mut session.control, name)? else { return Ok(()) };
    // A server that is away comes back; a pooler stays what it is.
    if error.kind() == Kind::Refused {
        return Err(error);
    }
    if session.dialect().newer && !session.options.force {
        return Err(Error::new(
            Kind::Refused,
            format!(
                "Connection to \"{name}\" (PostgreSQL database) failed. You may force add it with the --force argument.\nError was: {error}"
            ),
        ));
    }
    warn_user!("Note: {error}; it was added all the same");
    Ok(())
}
