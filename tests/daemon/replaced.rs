//! Whoever dies is replaced, and what it did goes on, without a kick.

use super::world::{PATIENCE, World, lives, send};
use crate::harness::wait_until;
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

#[test]
fn a_kid_of_the_past_that_leaves_late_does_not_put_its_successor_to_sleep() {
    let world = World::new();
    world.run_sync("s", "targetdb=B");
    let old = world.pid("kid.sync.s.B");
    send(old, Signal::SIGSTOP);
    send(world.pid("mcp"), Signal::SIGKILL);
    world.says("start");
    world.says("kick s 0");
    // On a very slow machine it was killed by now, which is as good.
    send(old, Signal::SIGCONT);
    wait_until("the old kid is gone", PATIENCE, || (!lives(old)).then_some(()));
    world.at("A", "insert into t values (1)");
    world.becomes("B", "select count(*) from t", "1");
}

#[test]
fn a_kid_looks_around_now_and_then_although_nobody_called() {
    let world = World::new();
    world.says("set kid_pingtime=1");
    world.run_sync("s", "targetdb=B");
    world.at("A", "alter table t disable trigger bucardo_triggerkick_s; insert into t values (1)");
    world.becomes("B", "select count(*) from t", "1");
}
