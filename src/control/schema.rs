//! The control schema: creating it in a database, and telling whether it is there.
//!
//! The SQL is in `schema/control/`, one object per file; here is only the order in which the files depend on one another.

use crate::error::{Error, Kind, Result};
use crate::pg::Connection;

/// The files, in loading order.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../schema/control/", $name, ".sql")))),*]
    };
}

const FILES: &[(&str, &str)] = files!["schema_bucardo", "schema_freezer", "bucardo_config", "bucardo_config_rows"];

/// Creates the schemas `bucardo` and `freezer` and all that is in them, in one transaction. Needs the right to create
/// schemas in the database, nothing more.
pub fn install(conn: &mut Connection) -> Result<()> {
    if version(conn)?.is_some() {
        return Err(already());
    }
    let mut transaction = conn.transaction()?;
    for (name, sql) in FILES {
        transaction.batch_execute(sql).map_err(|e| Error::from(e).context(format!("cannot create {name}")))?;
    }
    Ok(transaction.commit()?)
}

/// The version of the control schema in this database; none if there is no control schema.
pub fn version(conn: &mut Connection) -> Result<Option<String>> {
    let there = conn.query_one("select to_regclass('bucardo.bucardo_config') is not null", &[])?;
    if !there.get::<_, bool>(0) {
        return Ok(None);
    }
    let setting = "select value from bucardo.bucardo_config where setting = 'bucardo_version' and name is null";
    Ok(conn.query_opt(setting, &[])?.map(|row| row.get(0)))
}

fn already() -> Error {
    Error::new(Kind::Refused, "already have Bucardo installed there")
        .hint("to use another database, name it with --dbname; to install anew, drop the schemas bucardo and freezer first")
}
