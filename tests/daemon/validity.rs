//! A sync that cannot be validated: what goes on nevertheless, what waits, and who is told.

use super::world::{PATIENCE, World, gone};
use crate::harness::wait_until;

fn away(world: &World, database: &str, away: bool) {
    let name = database.to_lowercase();
    world.at("postgres", &format!("alter database {name} allow_connections {}", !away));
    if away {
        world.at("postgres", &format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"));
    }
}

#[test]
fn a_database_that_is_away_does_not_make_a_good_sync_invalid() {
    let world = World::new();
    world.says("add dbgroup g B C");
    world.run_sync("s", "targetgroup=g");
    away(&world, "C", true);
    let told = world.run("validate s").ended_with(1).stderr;
    assert!(told.contains("Database \"C\" cannot be reached"), "{told}");
    world.at("control", "select bucardo.validate_sync('s')");
    world.logs("Sync \"s\" cannot run");
    world.says("start");
    world.at("A", "insert into t values (1)");
    world.becomes("B", "select count(*) from t", "1");
    let status = world.says("status s");
    assert!(!status.contains("invalid") && !status.contains("FAILED"), "{status}");
    away(&world, "C", false);
    world.becomes("C", "select count(*) from t", "1");
}

#[test]
fn a_sync_that_does_not_fit_waits_until_it_does_and_says_so() {
    let world = World::new();
    world.says("add sync x type=pushdelta source=h targetdb=C status=inactive");
    world.run_sync("s", "targetdb=B");
    let controller = world.pid("ctl.sync.s");

    // It goes on while it runs, and waits when it is to be started.
    world.at("C", "alter table u drop column counter");
    world.at("B", "alter table u drop column counter");
    world.run("validate s").ended_with(1);
    world.at("A", "insert into t values (1)");
    world.becomes("B", "select count(*) from t", "1");
    assert_eq!(world.pid("ctl.sync.s"), controller);
    world.says("start");
    let told = world.run("activate s 0").ended_with(2);
    assert_eq!(told.stdout, "Activating sync s...FAILED\n");
    assert!(told.stderr.contains("no column \"counter\"") && told.stderr.contains("HINT: "), "{}", told.stderr);
    assert_eq!(world.pid_now("ctl.sync.s"), None);
    assert!(world.says("status").contains("|invalid"));
    assert!(world.run("kick s 20").ended_with(2).stderr.contains("no column \"counter\""));
    world.at("B", "alter table u add column counter integer not null default 0");
    world.at("A", "insert into t values (2)");
    world.becomes("B", "select count(*) from t", "2");

    // Being asked to run one whose row says no is fine, if it fits.
    world.run("validate x").ended_with(1);
    world.run("activate x 0").ended_with(2);
    world.at("C", "alter table u add column counter integer not null default 0");
    assert_eq!(world.says("activate x 0"), "Activating sync x...OK\n");
    world.at("A", "insert into t values (3)");
    world.becomes("C", "select count(*) from t", "3");
    let processes = ["ctl.sync.x", "kid.sync.x.C"].map(|file| world.pid(file));
    assert_eq!(world.says("deactivate x 0"), "Deactivating sync x...OK\n");
    gone(&processes);
    world.at("control", "update bucardo.db set status = 'inactive' where name = 'A'");
    assert!(world.run("activate x 0").ended_with(2).stderr.contains("cannot run sync \"x\""));
}

#[test]
fn a_running_sync_that_is_changed_by_sql_is_validated_and_runs_as_it_is_now() {
    let world = World::new();
    world.run_sync("s", "targetdb=B");
    world.at("control", "update bucardo.sync set targetdb = 'C' where name = 's'");
    world.pid("kid.sync.s.C");
    world.at("A", "insert into t values (1)");
    world.becomes("C", "select count(*) from t", "1");
    assert_eq!(world.value("A", "select string_agg(targetdb, ',') from bucardo.bucardo_delta_targets"), "C");
    assert_eq!(world.pid_now("kid.sync.s.B"), None);
    world.at("control", "update bucardo.sync set ping = false where name = 's'");
    world.becomes("A", "select count(*) from pg_trigger where tgname = 'bucardo_triggerkick_s'", "0");
}

#[test]
fn a_kick_makes_the_daemon_look_at_once_at_a_sync_that_waits_for_its_next_look() {
    let world = World::new();
    world.installed.close();
    world.says("add sync s type=pushdelta source=h targetdb=B");
    away(&world, "B", true);
    world.at("control", "select bucardo.validate_sync('s')");
    world.says("start");
    let failures = || world.installed.log().matches("The validator ").count();
    // Left alone, the pauses between as many looks would be longer than anybody's patience.
    for number in 1..=12 {
        wait_until(&format!("look {number} has failed"), PATIENCE, || (failures() >= number).then_some(()));
        world.at("control", "notify bucardo_kick_sync_s");
    }
}
