//! What is written down about jobs and deaths.

use super::world::{World, send};
use nix::sys::signal::Signal;

#[test]
fn a_long_job_shows_that_it_lives_and_restarts_take_their_time() {
    let world = World::new();
    let link = world.link("B");
    world.run_sync("s", "targetdb=B");
    link.stall();
    world.at("A", "insert into t select generate_series(1, 50000)");
    let long = "select count(*) > 0 from bucardo.q where ended is null and clock_timestamp() > started + interval '3.5 s'";
    world.becomes("control", long, "true");
    link.resume();
    world.becomes("control", "select count(*) > 0 from bucardo.q where heartbeat > started + interval '3 s'", "true");
    world.becomes_equal("A", "B");
    world.becomes_quiet();

    for _ in 0..3 {
        let controller = world.pid("ctl.sync.s");
        send(controller, Signal::SIGKILL);
        world.logs(&format!("The controller {controller} of sync \"s\" was killed by SIGKILL; next try in "));
    }
    let log = world.installed.log();
    let pause = |line: &str| line.split_once("was killed by SIGKILL; next try in ")?.1.strip_suffix(" s")?.parse().ok();
    let pauses: Vec<f64> = log.lines().filter_map(pause).collect();
    assert!(pauses.is_sorted() && pauses.len() == 3 && pauses[0] == 0.0 && pauses[2] > 0.7, "{pauses:?}");
    world.at("A", "insert into t values (-1)");
    world.becomes("B", "select count(*) from t where id = -1", "1");
    world.becomes_quiet();
}

/// Rows of `bucardo_rate`: table, target, changes; or why one makes no sense.
const RATES: &str = "select coalesce(string_agg(case when slavecommit >= mastercommit then g.tablename || target || total else 'incomplete' end, ' ' \
    order by mastercommit, g.tablename, target), 'none') from bucardo.bucardo_rate r join bucardo.goat g on g.id = r.goat where r.sync = 's'";

#[test]
fn how_long_changes_took_is_noted_where_that_is_wanted() {
    let world = World::new();
    world.says("add dbgroup g B C");
    world.says("add sync s type=pushdelta source=h targetgroup=g track_rates=yes");
    world.says("start");
    world.says("kick s 0");
    assert_eq!(world.value("control", RATES), "none");
    world.says("deactivate s 0");
    world.at("A", "insert into t values (1), (2), (3)");
    world.at("A", "begin; insert into u values (1); update t set counter = 1 where id = 1; commit");
    world.says("activate s 0");
    world.says("kick s 0");
    let expected = "tB3 tC3 tB1 tC1 uB1 uC1";
    assert_eq!(world.value("control", RATES), expected);
    world.says("update sync s track_rates=no");
    world.says("reload s");
    world.at("A", "insert into t values (4)");
    world.says("kick s 0");
    assert_eq!(world.value("control", RATES), expected);
}

#[test]
fn masters_note_how_long_changes_took_both_ways() {
    let world = World::with(&["A", "B"], &[]);
    world.says("add sync s type=swap source=h targetdb=B track_rates=yes");
    world.at("A", "insert into t values (1)");
    world.at("B", "insert into u values (1), (2)");
    world.says("start");
    world.says("kick s 0");
    assert_eq!(world.value("control", RATES), "tB1 uA2");
}
