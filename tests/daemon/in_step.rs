//! `update sync` with a status or a name: the running daemon is in step with it when the command
//! returns.

use super::world::{PATIENCE, World, gone};
use crate::harness::wait_until;

fn world() -> (World, [i32; 2]) {
    let world = World::new();
    world.run_sync("s", "targetdb=B");
    let processes = ["ctl.sync.s", "kid.sync.s.B"].map(|file| world.pid(file));
    (world, processes)
}

#[test]
fn a_sync_that_is_made_inactive_stops_at_once_and_goes_on_when_active() {
    let (world, processes) = world();
    let said = world.says("update sync s status=inactive");
    assert_eq!(said, "Changes made to sync \"s\":\n * status      : changed from \"active\" to \"inactive\"\n");
    gone(&processes);
    world.at("A", "insert into t values (1)");
    assert!(world.pid_now("ctl.sync.s").is_none() && world.value("B", "select count(*) from t") == "0");
    world.says("update sync s status=active");
    world.becomes("B", "select count(*) from t", "1");
}

#[test]
fn the_newer_dialect_stops_and_starts_it_in_silence() {
    let (world, processes) = world();
    let changed = world.installed.bucardo(&["update", "sync", "s", "inactive"]).ended_with(0);
    assert_eq!((changed.stdout.as_str(), changed.stderr.as_str()), ("", ""));
    gone(&processes);
    world.installed.bucardo(&["update", "sync", "s", "active"]).ok();
    world.at("A", "insert into t values (1)");
    world.becomes("B", "select count(*) from t", "1");
}

#[test]
fn a_sync_that_is_renamed_goes_on_under_its_new_name() {
    let (world, processes) = world();
    world.says("update sync s name=s2");
    gone(&processes);
    world.at("A", "insert into t values (1)");
    world.becomes("B", "select count(*) from t", "1");
    assert!(world.says("kick s2 0 --notimer").ends_with("DONE!\n"));
    assert_eq!(world.value("A", "select string_agg(sync, ',') from bucardo.bucardo_delta_targets"), "s2");
}

/// What the target lacks stays captured until the sync is valid under its new name.
#[test]
fn nothing_is_lost_when_a_sync_is_renamed_while_a_target_is_away() {
    for runs in [true, false] {
        let mut world = World::with(&["A", "C"], &["B"]);
        world.says("remove herd h");
        world.says("add table t u db=A herd=h");
        world.says("add dbgroup g B C");
        world.run_sync("s", "targetgroup=g");
        world.at("A", "insert into t values (1)");
        world.becomes("B", "select count(*) from t", "1");
        world.server_mut("B").stop();
        world.at("A", "insert into t values (2)");
        if !runs {
            world.says("stop");
        }
        world.run("update sync s name=s2");
        if !runs {
            world.run("validate s2");
            world.says("start");
        }
        world.becomes("control", "select count(*) from bucardo.validation where sync = 's2' and validated is null", "0");
        world.at("A", "insert into t values (3); insert into u values (3)");
        world.server_mut("B").start();
        for target in ["B", "C"] {
            world.becomes_equal("A", target);
        }
        world.becomes("A", "select string_agg(distinct sync, ',') from bucardo.bucardo_delta_targets", "s2");
        wait_until("nothing is told to be missing", PATIENCE, || (world.run("validate s2").code() == 0).then_some(()));
        assert_eq!(world.value("control", "select count(*) from bucardo.gap"), "0");
    }
}

#[test]
fn a_sync_that_is_paused_stays_so_under_its_new_name() {
    let (world, processes) = world();
    world.says("pause s");
    gone(&processes);
    let outcome = world.run("update sync s name=s2").ended_with(0);
    let told = "sync \"s2\" does not run: it is paused\nHINT: To let it run, run: bucardo_ctl resume s2\n";
    assert_eq!(outcome.stderr, told);
    world.at("A", "insert into t values (1)");
    assert!(world.pid_now("ctl.sync.s2").is_none());
    world.says("activate s2 0");
    world.becomes("B", "select count(*) from t", "1");
}

#[test]
fn several_syncs_are_stopped_at_once() {
    let world = World::new();
    world.says("add sync sx type=pushdelta source=h targetdb=C");
    world.run_sync("s", "targetdb=B");
    let processes = ["ctl.sync.s", "ctl.sync.sx"].map(|file| world.pid(file));
    world.says("update sync s* status=inactive");
    gone(&processes);
}

#[test]
fn a_sync_that_cannot_run_is_said_so_when_it_is_made_active() {
    let (world, _) = world();
    world.says("update sync s status=inactive");
    world.at("B", "drop table t");
    world.at("control", "select bucardo.request_validation('s')");
    world.becomes("control", "select ok from bucardo.validation where sync = 's'", "false");
    let outcome = world.run("update sync s status=active").ended_with(0);
    assert!(
        outcome.stderr.starts_with("the daemon cannot run sync \"s\": ") && outcome.stderr.contains("public.t"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_change_without_a_daemon_says_nothing_more() {
    let (world, _) = world();
    let processes = world.pids();
    world.says("stop");
    gone(&processes);
    assert_eq!(world.value("control", "select ended is not null from bucardo.presence"), "true");
    let outcome = world.run("update sync s status=inactive name=s2").ended_with(0);
    assert_eq!(outcome.stderr, "");
}

/// Its processes keep the sessions that they have.
#[test]
fn a_database_that_is_moved_names_the_reload_that_follows() {
    let (world, _) = world();
    let told = world.run("update db B dbhost=/nonexistent").ended_with(0).stderr;
    let note = "Note: the running daemon goes on where database \"B\" was until: bucardo_ctl reload s\n";
    assert!(told.contains(note), "{told}");
    let told = world.run("update db B ssp=0").ended_with(0).stderr;
    assert!(!told.contains("Note: the running daemon"), "{told}");
}
