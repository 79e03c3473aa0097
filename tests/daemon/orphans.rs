//! When a parent dies, its children end with it, whatever they are doing.

use super::world::{World, gone, send};
use nix::sys::signal::Signal;

/// Our sessions on the server, by application name.
const SESSIONS: &str = "select coalesce(string_agg(application_name, ', ' order by application_name), '') \
    from pg_stat_activity where application_name like 'bucardo %'";

const FAMILY: [&str; 3] = ["ctl.sync.s", "kid.sync.s.B", "kid.sync.s.C"];

#[test]
fn a_parent_that_is_killed_takes_its_children_along() {
    let world = World::with(&["A", "B", "C", "D"], &[]);
    world.says("add dbgroup g B C");
    world.says("add sync other type=pushdelta source=h targetdb=D");
    world.run_sync("s", "targetgroup=g");
    // The kid of B is deep in a statement.
    let mut blocker = world.db("B");
    blocker.batch_execute("begin; lock table t").unwrap();
    world.at("A", "insert into t values (1)");
    world.becomes("B", "select count(*) from pg_locks where not granted and relation = 't'::regclass", "1");

    let family = FAMILY.map(|file| world.pid(file));
    let others = ["mcp", "ctl.sync.other", "kid.sync.other.D"].map(|file| world.pid(file));
    send(family[0], Signal::SIGKILL);
    gone(&family);
    let successors = FAMILY.map(|file| world.pid(file));
    assert_eq!(["mcp", "ctl.sync.other", "kid.sync.other.D"].map(|file| world.pid(file)), others);

    send(others[0], Signal::SIGKILL);
    gone(&[&others[..], &successors].concat());
    if world.server("B").major() >= 14 {
        world.becomes("B", SESSIONS, "");
    }
    blocker.batch_execute("commit").unwrap();
    world.becomes("B", SESSIONS, "");
    world.says("start");
    for target in ["B", "C", "D"] {
        world.becomes(target, "select count(*) from t", "1");
    }
    world.becomes_quiet();
}
