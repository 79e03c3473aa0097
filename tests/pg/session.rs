//! Sessions on replicated databases: nothing that was set for a database or a role may change what
//! our statements mean.

use crate::harness::Cluster;
use bucardo::error::Kind;
use bucardo::pg::session::{apply, apply_quietly, try_replica_role};
use bucardo::pg::{Connection, wait};

/// Everything wrong that a database can be set to.
const HOSTILE: &[(&str, &str, &str)] = &[
    ("TimeZone", "Asia/Tokyo", "GMT"),
    ("DateStyle", "German", "ISO, YMD"),
    ("IntervalStyle", "sql_standard", "postgres"),
    ("extra_float_digits", "-5", "3"),
    ("bytea_output", "escape", "hex"),
    ("array_nulls", "off", "on"),
    ("transform_null_equals", "on", "off"),
    ("standard_conforming_strings", "off", "on"),
    ("search_path", "public", "pg_catalog, pg_temp"),
    ("row_security", "on", "off"),
    ("default_transaction_read_only", "on", "off"),
    ("default_transaction_isolation", "serializable", "read committed"),
    ("default_transaction_deferrable", "on", "off"),
    ("statement_timeout", "5s", "0"),
    ("lock_timeout", "5s", "1min"),
    ("idle_in_transaction_session_timeout", "5s", "0"),
    ("xmloption", "document", "content"),
    ("synchronous_commit", "off", "on"),
];

fn hostile_database() -> Cluster {
    let cluster = Cluster::new();
    cluster.create_database("app");
    let mut admin = cluster.connect("postgres");
    for (name, wrong, _) in HOSTILE {
        admin.batch_execute(&format!("alter database app set {name} = '{wrong}'")).unwrap();
    }
    if cluster.major() >= 11 {
        admin.batch_execute("alter database app set jit = on").unwrap();
    }
    if cluster.major() >= 14 {
        admin.batch_execute("alter database app set idle_session_timeout = '5s'").unwrap();
    }
    if cluster.major() >= 17 {
        admin.batch_execute("alter database app set transaction_timeout = '5s'").unwrap();
    }
    cluster
}

fn setting(conn: &mut Connection, name: &str) -> Option<String> {
    conn.query_one("select pg_catalog.current_setting($1, true)", &[&name]).unwrap().get(0)
}

fn assert_settled(conn: &mut Connection) {
    for (name, _, right) in HOSTILE {
        assert_eq!(setting(conn, name).as_deref(), Some(*right), "{name}");
    }
    for recent in ["idle_session_timeout", "transaction_timeout"] {
        assert!(setting(conn, recent).is_none_or(|value| value == "0"), "{recent}");
    }
    assert!(setting(conn, "jit").is_none_or(|value| value == "off"));
    assert_eq!(setting(conn, "client_encoding").as_deref(), Some("UTF8"));
    assert_eq!(setting(conn, "lc_monetary").as_deref(), Some("C"));
}

#[test]
fn what_a_database_is_set_to_does_not_reach_a_session_on_it() {
    let cluster = hostile_database();
    let info = cluster.conninfo("app", "postgres");
    assert_settled(&mut Connection::open_replicated(&info).unwrap());
    let mut conn = Connection::open(&info).unwrap();
    assert_eq!(setting(&mut conn, "bytea_output").as_deref(), Some("escape"));
    apply(&mut conn).unwrap();
    assert_settled(&mut conn);
    let asked: i32 = conn.query_one("select current_setting('server_version_num')::int", &[]).unwrap().get(0);
    assert_eq!(i64::from(conn.version()), i64::from(asked));
}

#[test]
fn a_stronger_guarantee_for_commits_stays() {
    let cluster = Cluster::new();
    cluster.connect("postgres").batch_execute("alter database postgres set synchronous_commit = remote_apply").unwrap();
    let mut conn = Connection::open_replicated(&cluster.conninfo("postgres", "postgres")).unwrap();
    assert_eq!(setting(&mut conn, "synchronous_commit").as_deref(), Some("remote_apply"));
}

#[test]
fn an_operator_in_public_does_not_run_with_our_rights() {
    let cluster = Cluster::new();
    let trap = "create function public.trap(text, text) returns boolean language plpgsql as 'begin raise exception ''trapped''; end'; \
        create operator public.= (leftarg = text, rightarg = text, procedure = public.trap); \
        alter database postgres set search_path = public, pg_catalog";
    cluster.connect("postgres").batch_execute(trap).unwrap();
    Connection::open_replicated(&cluster.conninfo("postgres", "postgres")).unwrap();
}

#[test]
fn a_policy_that_would_hide_rows_is_an_error() {
    let cluster = Cluster::new();
    let secret = "create role app login; create table public.t (a int); grant select on public.t to app; \
        alter table public.t enable row level security; insert into public.t values (1)";
    cluster.connect("postgres").batch_execute(secret).unwrap();
    let mut conn = Connection::open_replicated(&cluster.conninfo("postgres", "app")).unwrap();
    assert_eq!(conn.batch("select a from public.t").unwrap_err().kind(), Kind::Denied);
}

#[test]
fn who_may_not_be_a_replica_is_told_how_to_become_one() {
    let cluster = Cluster::new();
    let mut admin = cluster.connect("postgres");
    admin.batch_execute("create role \"Some one\" login").unwrap();
    let mut conn = Connection::open_replicated(&cluster.conninfo("postgres", "Some one")).unwrap();
    assert!(!try_replica_role(&mut conn).unwrap());
    let advice = apply_quietly(&mut conn).unwrap().unwrap();
    assert!(advice.starts_with("role \"Some one\" may not set session_replication_role"), "{advice}");
    assert_eq!(setting(&mut conn, "bucardo.applying").as_deref(), Some("on"));
    let grant = advice.split_once("superuser: ").unwrap().1.trim_end_matches(')');
    admin.batch_execute(grant).unwrap();
    let mut conn = Connection::open_replicated(&cluster.conninfo("postgres", "Some one")).unwrap();
    assert!(try_replica_role(&mut conn).unwrap());
    assert_eq!(setting(&mut conn, "session_replication_role").as_deref(), Some("replica"));
    assert_eq!(apply_quietly(&mut conn).unwrap(), None);
}

#[test]
fn errors_of_statements_have_their_kinds() {
    let cluster = Cluster::new();
    let mut conn = Connection::open(&cluster.conninfo("postgres", "postgres")).unwrap();
    conn.batch("create table t (a int primary key); insert into t values (1)").unwrap();
    let mut other = Connection::open(&cluster.conninfo("postgres", "postgres")).unwrap();
    other.batch("begin; lock table t").unwrap();
    for (sql, kind) in [
        ("insert into u values (1)", Kind::Database),
        ("select pg_cancel_backend(pg_backend_pid()), pg_sleep(60)", Kind::Stopped),
        ("begin; lock table t nowait", Kind::Locked),
    ] {
        assert_eq!(conn.batch(sql).unwrap_err().kind(), kind, "{sql}");
        conn.batch("rollback").unwrap();
    }
    let syntax = conn.batch("nonsense").unwrap_err();
    assert_eq!(syntax.message(), "ERROR:  syntax error at or near \"nonsense\" (SQLSTATE 42601)");
    let lost = conn.batch("set idle_in_transaction_session_timeout = 1; begin").and_then(|()| loss(&mut conn));
    assert_eq!(lost.unwrap_err().kind(), Kind::Lost);
}

/// Uses the connection until it is gone.
fn loss(conn: &mut Connection) -> bucardo::error::Result<()> {
    loop {
        wait(&[conn.fd()], None)?;
        conn.drain_notifications()?;
    }
}

#[test]
fn a_mistake_in_using_the_driver_is_no_lost_connection() {
    let cluster = Cluster::new();
    let mut conn = Connection::open(&cluster.conninfo("postgres", "postgres")).unwrap();
    let row = conn.query_one("select 'x'::text", &[]).unwrap();
    for mistake in [
        row.try_get::<_, i32>(0).map(drop),
        row.try_get::<_, &str>("nothing").map(drop),
        conn.execute("select $1::int", &[&"text"]).map(drop),
        conn.query_one("select 1 where false", &[]).map(drop),
    ] {
        assert_eq!(bucardo::error::Error::from(mistake.unwrap_err()).kind(), Kind::Bug);
    }
    conn.batch("select 1").unwrap();
}
