//! What is written down about jobs and deaths.

use super::load::Load;
use super::world::{World, send};
use crate::harness::Chance;
use nix::sys::signal::Signal;

#[test]
fn a_long_job_shows_that_it_lives_and_restarts_take_their_time() {
    let world = World::new();
    world.run_sync("s", "targetdb=B");
    let load = Load::start(&world, "A", 4, &mut Chance::new());
    let alive = "select count(*) > 0 from bucardo.q where ended is null and heartbeat > started + interval '2 s'";
    world.becomes("control", alive, "true");
    load.stop();
    world.becomes_equal("A", "B");
    world.becomes_quiet();

    for _ in 0..4 {
        let controller = world.pid("ctl.sync.s");
        send(controller, Signal::SIGKILL);
        world.logs(&format!("The controller {controller} of sync \"s\" was killed by SIGKILL; next try in "));
    }
    let log = world.installed.log();
    let pause = |line: &str| line.split_once("was killed by SIGKILL; next try in ")?.1.strip_suffix(" s")?.parse().ok();
    let pauses: Vec<f64> = log.lines().filter_map(pause).collect();
    assert!(pauses.is_sorted() && pauses.len() == 4 && pauses[0] == 0.0 && pauses[3] > 1.5, "{pauses:?}");
    world.at("A", "insert into t values (-1)");
    world.becomes("B", "select count(*) from t where id = -1", "1");
    world.becomes_quiet();
}
