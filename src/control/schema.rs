//! The control schema: creating it in a database, and telling whether it is there.
//!
//! The SQL is in `schema/control/`, one object per file; here is only the order in which the files
//! depend on one another.

use crate::control::private::ChannelSecret;
use crate::control::{setting_table, upgrade};
use crate::error::{Error, Kind, Result};
use crate::pg::Connection;

/// The files, in loading order.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../schema/control/", $name, ".sql")))),*]
    };
}

const FILES: &[(&str, &str)] = files![
    // Tables, each after those it refers to.
    "schema_bucardo",
    "schema_freezer",
    "bucardo_config",
    "db",
    "dbgroup",
    "dbmap",
    "db_connlog",
    "goat",
    "bucardo_custom_trigger",
    "herd",
    "herdmap",
    "sync",
    "sync_state",
    "validation",
    "place",
    "db_identity",
    "q",
    "newest_run",
    "audit_pid",
    "customcode",
    "customcode_map",
    "customname",
    "customcols",
    "conflict",
    "table_state",
    "gap",
    "departed_partition",
    "bucardo_rate",
    "upgrade_log",
    "installation",
    "channel_secret",
    "turn",
    "bucardo_log_message",
    "presence",
    "joining",
    "former_name",
    "freezer_old_audit_pid",
    "freezer_master_q",
    // Functions, with the triggers that call them.
    "fitted_name",
    "notify_private",
    "check_bucardo_config",
    "herdcheck",
    "validate_goat",
    "request_validation",
    "validate_sync",
    "note_copy",
    "note_joining",
    "sync_gone",
    "validate_all_syncs",
    "bucardo_q",
    "bucardo_log_message_notify",
    "populate_child_q_table",
    "note_run",
    "bucardo_purge_q_table",
    "table_exists",
    "find_unused_goats",
    "db_getconn",
    "db_change",
    "note_former_name",
];

/// Creates the schemas `bucardo` and `freezer` and all that is in them, in one transaction. Needs
/// the right to create schemas in the database, nothing more.
pub fn install(conn: &mut Connection) -> Result<()> {
    if exists(conn)? {
        return Err(already());
    }
    conn.within("begin", |conn| {
        FILES.iter().try_for_each(|(name, sql)| conn.batch(sql).map_err(|e| e.context(format!("cannot create {name}"))))?;
        conn.batch(&setting_table::insert(setting_table::shipped()))?;
        upgrade::note_revision(conn)
    })?;
    ChannelSecret::make(conn).map(drop)
}

/// The version of the control schema in this database; none if there is no control schema.
pub fn version(conn: &mut Connection) -> Result<Option<String>> {
    if !exists(conn)? {
        return Ok(None);
    }
    let setting = "select value from bucardo.bucardo_config where setting = 'bucardo_version' and name is null";
    Ok(conn.query_opt(setting, &[])?.map(|row| row.get(0)))
}

/// Whether there is a control schema. A schema `bucardo` alone says nothing: every replicated
/// database has one. Asks the catalog, where looking needs no right.
pub fn exists(conn: &mut Connection) -> Result<bool> {
    let table =
        "select exists (select 1 from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where n.nspname = 'bucardo' and c.relname = 'bucardo_config')";
    Ok(conn.query_one(table, &[])?.get(0))
}

fn already() -> Error {
    Error::new(Kind::Refused, "already have Bucardo installed there")
        .hint("name another database with --dbname, or drop the schemas bucardo and freezer first to install anew")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_loaded_and_opens_by_saying_why() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/control");
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut there: Vec<_> = files.map(|e| e.file_name().to_string_lossy().replace(".sql", "")).collect();
        let mut loaded: Vec<_> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        there.sort();
        loaded.sort();
        assert_eq!(there, loaded);
        assert!(FILES.iter().all(|(_, sql)| sql.starts_with("-- ")));
    }
}
