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
