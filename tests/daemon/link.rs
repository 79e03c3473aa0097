//! A link is cut, or hangs: nobody who does not need it waits, and a stop does not either.

use super::world::{World, send, within_two_seconds};
use crate::harness::Proxy;
use nix::sys::signal::Signal;

/// A world in which the daemon reaches A, B and D through links of their own. Sync s goes from A to
/// B and C, sync x from A to E, sync d from D to E.
fn linked() -> (World, [Proxy; 3]) {
    let world = World::with(&["A", "B", "C", "D", "E"], &[]);
    world.says("add dbgroup g B C");
    world.says("add table t u db=D herd=other");
    let links = ["A", "B", "D"].map(|name| world.link(name));
    world.says("add sync d type=pushdelta source=other targetdb=E");
    world.says("add sync x type=pushdelta source=h targetdb=E");
    world.run_sync("s", "targetgroup=g");
    world.says("kick d 0");
    (world, links)
}

fn write(world: &World, database: &str, id: i32) {
    world.at(database, &format!("insert into u values ({id})"));
}

fn arrives(world: &World, database: &str, id: i32) {
    world.becomes(database, &format!("select count(*) from u where id = {id}"), "1");
}

#[test]
fn a_link_that_hangs_or_is_cut_stalls_only_what_needs_it() {
    let (world, [a, b, _d]) = linked();
    let mcp = world.pid("mcp");
    b.stall();
    write(&world, "A", 1);
    arrives(&world, "C", 1);
    assert_eq!(world.value("B", "select count(*) from u"), "0");
    b.resume();
    arrives(&world, "B", 1);

    a.stall();
    write(&world, "A", 2);
    for request in ["reload sync d", "deactivate x 0", "activate x 0", "reload_config 20", "ping 20"] {
        world.says(request);
    }
    write(&world, "D", 2);
    arrives(&world, "E", 2);
    a.cut();
    let reasons = "select bool_or(targetdb = 'B') and bool_or(targetdb = 'C') from bucardo.q
        where whydie ~ 'source database .A.' and retry_at is not null";
    world.becomes("control", reasons, "true");
    a.resume();
    arrives(&world, "B", 2);
    arrives(&world, "C", 2);
    assert_eq!(world.pid("mcp"), mcp);
}

fn all(world: &World) -> Vec<i32> {
    let pids = world.pids();
    assert_eq!(pids.len(), 8);
    pids
}

#[test]
fn a_stop_waits_for_no_link() {
    let (world, [a, b, d]) = linked();
    [&a, &b, &d].iter().for_each(|link| link.stall());
    write(&world, "A", 1);
    write(&world, "D", 1);
    within_two_seconds(&all(&world), || drop(world.says("stop")));
    assert_eq!(world.pid_files(), Vec::<String>::new());
    world.says("start");
    [&a, &b, &d].iter().for_each(|link| link.resume());
    ["B", "C", "E"].into_iter().for_each(|target| arrives(&world, target, 1));

    let control = Proxy::new(world.installed.cluster.port());
    world.says(&format!("start --dbhost=127.0.0.1 --dbport={}", control.port()));
    write(&world, "A", 2);
    ["B", "C"].into_iter().for_each(|target| arrives(&world, target, 2));
    control.stall();
    write(&world, "A", 3);
    within_two_seconds(&all(&world), || send(world.pid("mcp"), Signal::SIGTERM));
    world.says("start");
    ["B", "C"].into_iter().for_each(|target| arrives(&world, target, 3));
}
