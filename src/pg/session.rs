//! The settings of our sessions on replicated databases: everything by which a database, a role or
//! an administrator could change what our statements mean, hide rows from us, or stop us halfway,
//! is put to a known value. Both sides of a copy must write and read text alike.

use crate::error::{Kind, Result};
use crate::pg::{Connection, Ident};

/// A setting, the value we need, and the first server version that has it.
type Setting = (&'static str, &'static str, u32);

const SETTINGS: &[Setting] = &[
    // How values are written and read.
    ("TimeZone", "GMT", 0),
    ("DateStyle", "ISO, YMD", 0),
    ("IntervalStyle", "postgres", 0),
    ("extra_float_digits", "3", 0),
    ("bytea_output", "hex", 0),
    ("client_encoding", "UTF8", 0),
    ("lc_monetary", "C", 0),
    ("xmloption", "content", 0),
    ("array_nulls", "on", 0),
    // How our statements are understood, and how the server prints names.
    ("quote_all_identifiers", "off", 0),
    ("standard_conforming_strings", "on", 0),
    ("transform_null_equals", "off", 0),
    ("search_path", "pg_catalog, pg_temp", 0),
    // A policy that would hide a row must be an error: to us a hidden row looks deleted.
    ("row_security", "off", 90_500),
    ("default_transaction_read_only", "off", 0),
    ("default_transaction_isolation", "read committed", 0),
    ("default_transaction_deferrable", "off", 0),
    // Limits meant for applications would end a large copy.
    ("statement_timeout", "0", 0),
    // Long enough for any application. Two syncs in opposite directions, and somebody who wants the
    // table for himself on both databases: that is a circle through two servers, which neither of
    // them sees.
    ("lock_timeout", "1min", 90_300),
    ("idle_in_transaction_session_timeout", "0", 90_600),
    ("idle_session_timeout", "0", 140_000),
    ("transaction_timeout", "0", 170_000),
    // Our statements are short and many. Compiling one takes longer than running it, and the costs
    // by which the server decides mean little where we rule plans out.
    ("jit", "off", 110_000),
    // To plan a query by it, the CHECK constraints of partitions would be evaluated: code of
    // others. Our queries ask by keys.
    ("constraint_exclusion", "off", 0),
    // What we prepare has one good plan, whatever its parameters are. Planning it anew each time
    // would take longer than running it.
    ("plan_cache_mode", "force_generic_plan", 120_000),
];

/// Where we wait for a commit, no server crash may undo it: it would take the receipt of a batch
/// with it, and the source may have forgotten the batch by then. Any of the other values is
/// stronger than we need and stays.
const DURABLE: &str = "case when pg_catalog.current_setting('synchronous_commit') operator(pg_catalog.=) 'off' \
    then pg_catalog.set_config('synchronous_commit', 'on', false) end";

/// The owner of a database can let its sessions begin as another role. Ours is the one that has
/// logged in, unless another was set for that role.
const OUR_ROLE: &str = "case when not exists (select from pg_catalog.pg_db_role_setting s \
    cross join lateral pg_catalog.unnest(s.setconfig) as c (setting) \
    join pg_catalog.pg_roles r on r.oid operator(pg_catalog.=) s.setrole \
    where r.rolname operator(pg_catalog.=) session_user and c.setting operator(pg_catalog.~~) 'role=%') \
    then pg_catalog.set_config('role', 'none', false) end";

/// A process of ours that was killed in the middle of a statement leaves a session that goes on
/// with it and holds its locks. The server looks now and then whether anybody is still there, where
/// the system it runs on lets it.
const DESERTED: &str = "case when pg_catalog.version() operator(pg_catalog.~) 'linux' \
    and pg_catalog.current_setting('server_version_num')::int4 operator(pg_catalog.>=) 140000 \
    then pg_catalog.set_config('client_connection_check_interval', '1s', false) end";

/// Asks for the version.
const VERSION: &str = "select pg_catalog.current_setting('server_version_num')";

/// Asks for the version, on the control database. What is asked there must not wait for a compiler,
/// whatever the planner makes of it.
pub(super) fn opening_control() -> String {
    format!(
        "{VERSION}, case when ({VERSION})::int4 operator(pg_catalog.>=) 110000 then pg_catalog.set_config('jit', 'off', false) end"
    )
}

/// Asks for the version and gives the session the settings, in one round trip. The server itself
/// leaves out what it does not know: `case` does not evaluate the other branch. Operators are
/// qualified because search_path is not yet ours.
pub(super) fn opening() -> String {
    let set = SETTINGS.iter().map(|(name, value, since)| match since {
        0 => format!("pg_catalog.set_config('{name}', '{value}', false)"),
        _ => format!("case when ({VERSION})::int4 operator(pg_catalog.>=) {since} then pg_catalog.set_config('{name}', '{value}', false) end"),
    });
    let all: Vec<String> = set.chain([OUR_ROLE, DURABLE, DESERTED].map(str::to_owned)).collect();
    format!("{VERSION}, {}", all.join(", "))
}

/// Gives the settings to a session that was not opened with them, or that has lost them (`reset
/// all`, `discard all`).
pub fn apply(conn: &mut Connection) -> Result<()> {
    conn.batch(&opening()).map_err(|e| e.context("cannot prepare the session"))
}

/// Switches ordinary triggers and rules off, so that what is applied is exactly what was sent. Says
/// whether the server lets us: `false` is a missing right. Not inside a transaction, which a
/// refusal would end.
pub fn try_replica_role(conn: &mut Connection) -> Result<bool> {
    match conn.batch("set session session_replication_role = replica") {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == Kind::Denied => Ok(false),
        Err(e) => Err(e),
    }
}

/// Makes a session in which nothing of ours fires when rows are applied: by [`try_replica_role`]
/// and, where that right is missing or our triggers fire nevertheless (capture = always), by a
/// setting that they heed. Without the right, triggers, rules and foreign keys of the tables are in
/// force, and what would help is returned.
pub fn apply_quietly(conn: &mut Connection) -> Result<Option<String>> {
    conn.batch(&format!("set session {APPLYING} = '{}'", conn.schema().applying()))?;
    if try_replica_role(conn)? {
        return Ok(None);
    }
    let user: String = conn.query_one("select current_user::text", &[])?.get(0);
    let sentence =
        format!("role \"{user}\" may not set session_replication_role, so triggers and rules fire and foreign keys are checked");
    Ok(Some(format!("{sentence} ({})", how_to_grant(conn.version(), &user))))
}

/// The setting that our triggers heed: while it has the value of their installation
/// ([`Schema::applying`](crate::pg::Schema::applying), which is `on` for the first) in a session of
/// the role that owns them, what is written is not captured.
pub const APPLYING: &str = "bucardo.applying";

fn how_to_grant(version: u32, user: &str) -> String {
    match version {
        150_000.. => format!("as superuser: GRANT SET ON PARAMETER session_replication_role TO {};", Ident::new(user)),
        _ => format!("before PostgreSQL 15 only a superuser may: ALTER ROLE {} SUPERUSER;", Ident::new(user)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_not_asked_for_settings_it_may_not_know() {
        let sql = opening();
        assert!(sql.contains(">=) 140000 then pg_catalog.set_config('idle_session_timeout'"));
        assert_eq!(sql.matches("set_config").count(), SETTINGS.len() + 3);
    }

    #[test]
    fn the_hint_fits_the_version() {
        assert!(how_to_grant(150_004, "b\"c").ends_with(r#"TO "b""c";"#));
        assert!(how_to_grant(149_999, "b").contains("superuser"));
    }
}
