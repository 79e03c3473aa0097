//! An order that is sent while the daemon does not listen takes effect nevertheless, also where the
//! command does not wait until it is done.

use super::states::{becomes, told};
use super::world::{World, send};
use nix::sys::signal::Signal;

/// The daemon comes back after the restart of the control database, and does not listen until then.
#[test]
fn an_order_is_not_lost_while_the_daemon_connects_again() {
    let mut world = World::with(&["A", "B"], &[]);
    world.run_sync("s", "targetdb=B");
    let mut restart = |line: &str| {
        world.installed.cluster.stop();
        world.installed.cluster.start();
        world.says(line)
    };
    restart("message the backup begins");
    restart("kick s");
    assert_eq!(restart("deactivate s"), "Deactivating sync s\n");
    assert_eq!(told(&world, "condition"), "off");
    world.logs("the backup begins");
    assert_eq!(world.says("activate s"), "Activating sync s\n");
    becomes(&world, "idle");
}

/// The daemon hears of a sync after it was added, and of orders about it later still.
#[test]
fn a_sync_that_was_just_added_can_be_activated() {
    let world = World::with(&["A", "B", "C"], &[]);
    world.run_sync("s", "targetdb=B");
    let mcp = world.pid("mcp");
    send(mcp, Signal::SIGSTOP);
    world.says("add sync new type=pushdelta source=h targetdb=C");
    let activate = world.installed.call("bucardo_ctl", &["activate", "new", "5"]).start();
    let sent =
        "select count(*) from pg_stat_activity where query ~ 'pg_notify' and state = 'idle' and application_name = 'bucardo_ctl'";
    world.becomes("control", sent, "1");
    send(mcp, Signal::SIGCONT);
    assert_eq!(activate.wait().ended_with(0).stdout, "Activating sync new\n");
    world.at("A", "insert into t values (7)");
    world.becomes("C", "select count(*) from t where id = 7", "1");
}
