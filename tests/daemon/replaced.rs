//! Whoever dies is replaced, and what it did goes on, without a kick.

use super::world::World;
use nix::sys::signal::Signal;

#[test]
fn a_kid_or_controller_that_somebody_stops_is_replaced_and_hears_of_changes() {
    let world = World::new();
    world.run_sync("s", "targetdb=B");
    let mut id = 0;
    for signal in [Signal::SIGTERM, Signal::SIGKILL, Signal::SIGINT] {
        for file in ["kid.sync.s.B", "ctl.sync.s"] {
            world.end(file, signal);
            world.pid(file);
            for _ in 0..2 {
                id += 1;
                world.at("A", &format!("insert into t values ({id})"));
                world.becomes("B", "select count(*) from t", &id.to_string());
            }
        }
    }
}
