//! Sessions that nobody chose for us: settings of databases and roles, applications without rights,
//! policies.

use super::case::{PATIENCE, case};
use super::invariants::HUSH;
use super::world::shared;
use crate::harness::wait_until;
use postgres::Client;

const TABLES: &str = "create table t (id integer primary key, v text);
    create table w (at timestamptz, f float8, i interval, b bytea, d date, primary key (at, f, i))";

/// Settings that change the meaning of text, hide things, or stop a session halfway.
const SETTINGS: &[&str] = &[
    "bytea_output = 'escape'",
    "intervalstyle = 'sql_standard'",
    "extra_float_digits = -5",
    "search_path = nowhere",
    "statement_timeout = '100ms'",
    "lock_timeout = '100ms'",
    "default_transaction_read_only = on",
    "default_transaction_isolation = 'serializable'",
    "idle_in_transaction_session_timeout = '100ms'",
    "standard_conforming_strings = off",
    "transform_null_equals = on",
    "array_nulls = off",
    "quote_all_identifiers = on",
    "row_security = on",
    "synchronous_commit = off",
    "client_min_messages = debug1",
    "client_encoding = 'LATIN1'",
];

/// A statement that gives this database settings.
fn configured(settings: &[&str]) -> String {
    let each: String = settings
        .iter()
        .map(|one| format!("execute format('alter database %I set {}', current_database()); ", one.replace('\'', "''")))
        .collect();
    format!("do $$ begin {each} end $$;")
}

fn everything(zone: &str, style: &str) -> String {
    let own = [format!("timezone = '{zone}'"), format!("datestyle = '{style}'")];
    let all: Vec<&str> = own.iter().map(String::as_str).chain(SETTINGS.iter().copied()).collect();
    format!("{TABLES}; {}", configured(&all))
}

#[test]
fn settings_of_the_databases_change_nothing_that_arrives() {
    let (here, there) = (everything("Asia/Kathmandu", "SQL, DMY"), everything("America/Caracas", "German"));
    let mut case = case("settings", &here).target(&there).run();
    case.write(
        "insert into w values ('2024-03-04 05:06:07.123456+00', 0.1, '1 mon -2 days +03:00', '\\x5c00ff', '2024-03-04'),
        ('infinity', 1e-300, '0', '', '0044-03-15 BC'), ('-infinity', 'NaN', '-1 year 5 days', null, 'infinity')",
    );
    case.arrives();
    case.b.batch_execute("begin; select from w for update").unwrap();
    case.write(
        "update w set b = '\\x01' where f = 0.1; delete from w where at = 'infinity';
        update w set at = '1999-12-31 23:00:00-05:45' where f = 'NaN'",
    );
    somebody_waits(&mut case.b);
    case.b.batch_execute("commit").unwrap();
    case.finish();
}

/// Waits until somebody has been waiting for a lock for twice as long as the time limits allow.
fn somebody_waits(watcher: &mut Client) {
    let sql = "select exists (select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()
        and clock_timestamp() - query_start > interval '200 ms')";
    wait_until("the kid waits", PATIENCE, || watcher.query_one(sql, &[]).unwrap().get::<_, bool>(0).then_some(()));
}

#[test]
fn an_application_may_have_any_settings() {
    let mut case = case("styles", &format!("{TABLES}; create table \"b\\s'q\" (\"k\\'\" integer primary key, v text)")).run();
    for (zone, style) in [("Asia/Kathmandu", "SQL, DMY"), ("America/Caracas", "German"), ("GMT", "Postgres, MDY")] {
        let mut app = shared().cluster.connect(&case.source);
        let set = format!("set timezone = '{zone}'; set datestyle = '{style}'; set intervalstyle = 'iso_8601'; set extra_float_digits = -15; set search_path = '';
            set standard_conforming_strings = off; set transform_null_equals = on; set bytea_output = 'escape'");
        app.batch_execute(&set).unwrap();
        app.batch_execute("insert into public.w select '2024-03-04 05:06:07.123456', random(), interval '1 day' * i from generate_series(1, 5) i;
            update public.w set i = i * 2, at = at + i where f > 0.5; delete from public.w where f < 0.2;
            insert into public.\"b\\s'q\" select i from generate_series(1, 5) i; update public.\"b\\s'q\" set \"k\\'\" = 10 where \"k\\'\" = 1;
            truncate public.\"b\\s'q\"").unwrap();
        case.arrives();
    }
    case.finish();
}

#[test]
fn a_role_without_rights_on_our_schema_keeps_writing() {
    let rights = "revoke all on schema public from public; create role styler login; grant usage on schema public to styler;
        grant select, insert, update, delete, truncate on t to styler";
    let mut case = case("rightless", &format!("{TABLES}; {rights}")).target(TABLES).run();
    let mut app = shared().cluster.connect_as(&case.source, "styler");
    app.batch_execute("insert into t select i, 'v' from generate_series(1, 9) i; update t set v = 'w', id = id + 10 where id < 4; delete from t where id = 5").unwrap();
    case.arrives();
    app.batch_execute("begin; truncate t; insert into t values (1, 'v'); commit").unwrap();
    assert!(app.batch_execute("select * from bucardo.bucardo_delta_names").is_err());
    // One only asks the catalog, with the rights of whoever calls it; without any right on the
    // schema, it cannot be called either.
    let functions = app.query("select oid::regprocedure::text from pg_proc where pronamespace = 'bucardo'::regnamespace and proname <> 'bucardo_fits' and has_function_privilege(oid, 'execute')", &[]);
    assert!(app.batch_execute("select bucardo.bucardo_fits(null, null, null, null, null, null, null, null)").is_err());
    assert!(functions.unwrap().is_empty(), "the application may call functions of ours");
    case.finish();
}

/// Operators and functions that would betray whoever finds them before those of the server.
const TRAPS: &str = "create schema trap; grant usage on schema trap to public;
    create operator trap.*<> (leftarg = record, rightarg = record, procedure = pg_catalog.record_image_eq);
    create function trap.never(text, text) returns boolean language sql as 'select false';
    create operator trap.= (leftarg = text, rightarg = text, procedure = trap.never);
    create function trap.pg_notify(text, text) returns void language plpgsql as 'begin raise exception ''trapped''; end';
    create function trap.pg_sequence_last_value(regclass) returns bigint language plpgsql as 'begin raise exception ''trapped''; end';
    create function trap.now() returns timestamptz language plpgsql as 'begin raise exception ''trapped''; end';
    create function trap.txid_current() returns bigint language sql as 'select 1::bigint';";

#[test]
fn an_application_cannot_lead_the_capture_astray() {
    let mut case = case("trapped", &format!("{TABLES}; {TRAPS}")).target(TABLES).run();
    let mut app = shared().cluster.connect(&case.source);
    app.batch_execute("set search_path = trap, public, pg_catalog; create temp table t_note (); set role postgres").unwrap();
    app.batch_execute("insert into public.t select i, 'v' from generate_series(1, 9) i; update public.t set id = id + 10; delete from public.t where id = 15").unwrap();
    case.becomes_equal();
    case.finish();
}

#[test]
fn a_role_may_carry_changes_with_no_more_rights_than_it_needs() {
    if shared().cluster.major() < 15 {
        return;
    }
    let rights = "do $$ begin create role carrier login; exception when duplicate_object then null; end $$;
        grant set on parameter session_replication_role to carrier; alter table t owner to carrier; alter table w owner to carrier;
        do $$ begin execute format('grant create on database %I to carrier', current_database()); end $$;";
    let mut case = case("modest", &format!("{TABLES}; {rights}")).users("carrier", "carrier").run();
    case.write("insert into t select i, 'v' from generate_series(1, 9) i");
    case.arrives();
    case.write("update t set v = 'w'; truncate w; delete from t where id = 3");
    case.finish();
}

#[test]
fn a_policy_that_hides_rows_is_an_error_and_not_a_deletion() {
    let policy = format!(
        "create role narrow login; create table hidden (id integer primary key, v text); alter table hidden owner to narrow;
        alter table hidden enable row level security; create policy p on hidden using (v <> '{HUSH}');
        do $$ begin execute format('grant create on database %I to narrow', current_database()); end $$;"
    );
    let plain = "create table hidden (id integer primary key, v text)";
    let mut case = case("policy", &policy).target(plain).users("narrow", "postgres").run();
    case.write(&format!("insert into hidden values (1, 'seen'), (2, '{HUSH}')"));
    case.arrives();
    case.write("alter table hidden force row level security; update hidden set v = v");
    shared().ctl(&["kick", "policy", "0"]).ended_with(2);
    let reason = reason(&case.name);
    assert!(reason.contains("row-level security") && reason.contains("hidden"), "{reason}");
    let refused = shared().ctl(&["validate", "policy"]).ended_with(1).stderr;
    assert!(refused.contains("row-level security") && refused.contains("ALTER ROLE \"narrow\" BYPASSRLS"), "{refused}");
    assert_eq!(case.at_target("select count(*) from hidden"), "2");
    case.write("alter table hidden no force row level security");
    case.becomes_equal();
    case.finish_after_deaths();
}

/// The stored reason of the last job that failed.
fn reason(sync: &str) -> String {
    let sql = "select whydie from bucardo.q where sync = $1 and aborted is not null order by id desc limit 1";
    let find = || shared().control().query_opt(sql, &[&sync]).unwrap().map(|row| row.get(0));
    wait_until("a reason is stored", PATIENCE, find)
}
