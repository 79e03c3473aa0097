//! Locks that others can hold keep nobody from working on a database.

use super::SPY;
use crate::daemon::world::{PATIENCE, World};
use crate::harness::wait_until;
use std::time::{Duration, Instant};

fn world() -> World {
    let world = World::with(&["A", "B"], &[]);
    world.at("A", "create role keeper login; create role passer login");
    for name in ["A", "B"] {
        world.at(name, "alter table t owner to keeper; alter table u owner to keeper; grant all on schema public to keeper");
    }
    world
}

/// The lock that used to be taken, and any number of others.
#[test]
fn advisory_locks_of_a_passer_by_delay_nothing() {
    let world = world();
    let mut passers: Vec<_> = ["a", "b"].map(|name| world.server("A").connect_as(name, "passer")).into_iter().collect();
    for passer in &mut passers {
        passer.batch_execute("select pg_advisory_lock(hashtext('bucardo')), pg_advisory_lock(hashtext('bucardo'), 0), pg_advisory_lock(0), pg_advisory_lock(4450003)").unwrap();
    }
    let began = Instant::now();
    world.says("add sync s type=pushdelta source=h targetdb=B");
    world.says("validate s");
    world.says("start");
    world.at("A", "insert into t values (1)");
    world.becomes("B", "select count(*) from t", "1");
    world.says("stop");
    world.says("remove sync s");
    assert_eq!(world.value("A", "select to_regnamespace('bucardo') is null"), "true");
    assert!(began.elapsed() < Duration::from_secs(40), "it took {:?}", began.elapsed());
}

/// The owner of a table may read our tables, to dump them. That is a lock as well, the weakest.
#[test]
fn an_owner_who_reads_our_tables_for_ever_delays_nothing() {
    let world = world();
    world.says("add sync s type=pushdelta source=h targetdb=B");
    let mut reader = world.server("A").connect_as("a", "keeper");
    reader.batch_execute("begin; lock table bucardo.bucardo_lock, bucardo.bucardo_delta_names, bucardo.bucardo_delta_targets, bucardo.bucardo_gap in access share mode").unwrap();
    let began = Instant::now();
    world.says("validate s");
    world.says("start");
    world.at("A", "insert into t values (1)");
    world.becomes("B", "select count(*) from t", "1");
    assert!(began.elapsed() < Duration::from_secs(40), "it took {:?}", began.elapsed());
    reader.batch_execute("rollback").unwrap();
}

/// Reclaiming empties a delta table when nobody reads it, and goes on with the others.
#[test]
fn a_delta_table_that_is_read_for_ever_keeps_no_other_from_being_emptied() {
    let world = world();
    world.says("set delta_retention=0.3");
    world.run_sync("s", "targetdb=B");
    let base =
        |table: &str| world.value("A", &format!("select deltaname from bucardo.bucardo_delta_names where relname = '{table}'"));
    let (t, u) = (base("t"), base("u"));
    let mut reader = world.server("A").connect_as("a", "keeper");
    reader.batch_execute(&format!("begin; lock table bucardo.{t}_1, bucardo.{t}_2 in access share mode")).unwrap();
    let size = |base: &str| format!("select pg_relation_size('bucardo.{base}_1') + pg_relation_size('bucardo.{base}_2')");
    world.at("A", "insert into t select generate_series(1, 100); insert into u select generate_series(1, 100)");
    world.says("kick s 0");
    world.becomes("A", &size(&u), "0");
    assert_ne!(world.value("A", &size(&t)), "0");
    reader.batch_execute("rollback").unwrap();
    world.at("A", "insert into t values (101)");
    world.becomes("A", &size(&t), "0");
}

/// Two processes that make objects wait for one another, and a session that is gone has lost the
/// lock.
#[test]
fn the_lock_of_a_session_that_is_gone_is_free() {
    let world = world();
    world.says("add sync s type=pushdelta source=h targetdb=B");
    let mut holder = world.db("A");
    let hold = "update bucardo.bucardo_lock set pid = a.pid, role = a.usesysid, started = a.backend_start from pg_stat_activity a where a.pid = pg_backend_pid()";
    holder.batch_execute(hold).unwrap();
    let validating = world.installed.call("bucardo_ctl", &["validate", "s"]).start();
    wait_until("it waits", PATIENCE, || {
        let waits =
            "select exists (select from pg_stat_activity where application_name like 'bucardo validate s A' and state = 'idle')";
        (world.value("A", waits) == "true").then_some(())
    });
    drop(holder);
    validating.wait().ended_with(0);
    assert_eq!(world.value("A", "select pid is null from bucardo.bucardo_lock"), "true");
    // Another session with the same number is another session.
    world.at("A", "update bucardo.bucardo_lock set pid = a.pid, role = a.usesysid, started = a.backend_start - interval '1 s' from pg_stat_activity a where a.pid = pg_backend_pid(); select 1");
    world.says("validate s");
}

/// The spying function is for others; here it only has to be there to be of no use.
#[test]
fn a_table_that_a_stranger_made_is_never_taken_for_the_lock() {
    let world = world();
    world.at("A", "create schema bucardo; grant all on schema bucardo to passer");
    let mut passer = world.server("A").connect_as("a", "passer");
    world.at("A", SPY);
    passer.batch_execute("create table bucardo.bucardo_lock (one boolean primary key, pid integer, role oid, started timestamptz);
        create function bucardo.caught() returns trigger language plpgsql as $$ begin perform public.spy(); return new; end $$;
        create trigger caught before insert or update on bucardo.bucardo_lock for each row execute procedure bucardo.caught(); insert into bucardo.bucardo_lock values (true)").unwrap();
    super::refused(
        &world.run("add sync s type=pushdelta source=h targetdb=B"),
        &[
            "Database \"A\": ",
            "role \"passer\" may create objects in schema bucardo",
            "table bucardo.bucardo_lock belongs to role \"passer\"",
        ],
    );
    assert_eq!(world.value("A", "select is_called from spied"), "false");
}
