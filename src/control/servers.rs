//! By what names servers are told apart where connections are short: how they are reached, and
//! their system identifier, as far as it is known, for one server may have several addresses.

use crate::control::db;
use crate::error::Result;
use crate::pg::{ConnInfo, Connection};

/// The names of the servers of these databases.
pub fn of_databases(control: &mut Connection, dbs: &[String]) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for db in dbs {
        names.push(as_word(&db::conninfo(control, db)?));
    }
    let known =
        "select distinct system_identifier from bucardo.db_identity where db = any ($1) and system_identifier is not null";
    names.extend(control.query(known, &[&dbs])?.iter().map(|row| row.get::<_, String>(0)));
    names.sort();
    names.dedup();
    Ok(names)
}

/// The names of the server of the control database.
pub fn of_control(control: &mut Connection, info: &ConnInfo) -> Result<Vec<String>> {
    let may = "select has_function_privilege('pg_catalog.pg_control_system()', 'execute')";
    let mut names = vec![as_word(info)];
    if control.query_one(may, &[])?.get(0) {
        let row = control.query_one("select system_identifier::text from pg_catalog.pg_control_system()", &[])?;
        names.push(row.get(0));
    }
    Ok(names)
}

/// Names are sent in one line, separated by blanks.
fn as_word(info: &ConnInfo) -> String {
    info.place().replace(' ', "_")
}
