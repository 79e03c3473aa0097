//! Processes are killed at random moments while applications write: not one change may be missing,
//! and none may come twice.

use super::load::Load;
use super::world::{World, send};
use crate::harness::{Chance, wait_until};
use nix::sys::signal::Signal;
use std::time::Duration;

/// When set, the storm is a long one.
const LONG: &str = "BUCARDO_TEST_LONG";

/// Whom it may hit.
const VICTIMS: [&str; 5] = ["mcp", "ctl.sync.s", "kid.sync.s.B", "kid.sync.s.C", "kid.sync.s.B"];

/// Notes each row that is written, by whomever.
const WITNESS: &str = "create table seen (id integer, counter integer);
    create function witness() returns trigger language plpgsql as 'begin insert into public.seen values (new.id, new.counter); return null; end';
    create trigger witness after insert or update on t for each row execute procedure witness();
    alter table t enable always trigger witness";

#[test]
fn a_storm_of_kills_loses_nothing_and_repeats_nothing() {
    let kills = if std::env::var_os(LONG).is_some() { 50 } else { 6 };
    let world = World::new();
    world.at("B", WITNESS);
    world.says("add dbgroup g B C");
    world.run_sync("s", "targetgroup=g");
    let mut chance = Chance::new();
    let load = Load::start(&world, "A", 4, &mut chance);
    for _ in 0..kills {
        let victim = chance.pick(&VICTIMS);
        let pid = world.pid(victim);
        std::thread::sleep(Duration::from_millis(chance.below(300)));
        send(pid, Signal::SIGKILL);
        if victim == "mcp" {
            world.says("start");
        }
    }
    let enough = load.written() + 200;
    wait_until("some more is written", super::world::PATIENCE, || (load.written() > enough).then_some(()));
    load.stop();
    for target in ["B", "C"] {
        world.becomes_equal("A", target);
    }
    let twice = "select coalesce(string_agg(id || ':' || counter, ' '), '') from \
        (select id, counter from seen group by id, counter having count(*) > 1) as twice";
    assert_eq!(world.value("B", twice), "", "rows were applied twice");
    assert_ne!(world.value("B", "select count(*) from seen"), "0", "nobody watched");
    world.becomes_quiet();
}
