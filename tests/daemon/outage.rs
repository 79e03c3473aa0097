//! A server goes away and comes back: only what needs it stalls, and everything goes on by itself.

use super::load::Load;
use super::world::{PATIENCE, World};
use crate::harness::{Chance, wait_until};

/// Shows that a change on `source` arrives on `target`, although nobody kicks.
fn flows(world: &World, source: &str, target: &str, id: i32) {
    world.at(source, &format!("insert into u values ({id})"));
    arrived(world, target, id);
}

fn arrived(world: &World, target: &str, id: i32) {
    world.becomes(target, &format!("select count(*) from u where id = {id}"), "1");
}

/// Waits until a target is stalled for this reason and the time of the next try is known.
fn stalls(world: &World, target: &str, reason: &str) {
    let sql = format!(
        "select count(*) > 0 from bucardo.q where targetdb = '{target}' and aborted is not null and whydie ~ '{reason}' and retry_at > ended"
    );
    world.becomes("control", &sql, "true");
}

/// The pauses before the next tries of a stalled target, in the order in which they are taken, up
/// to one of so many seconds.
fn pauses(world: &World, target: &str, longest: f64) -> Vec<f64> {
    let mut control = world.installed.control();
    let sql = "select id, extract(epoch from retry_at - ended)::float8 from bucardo.q
        where targetdb = $1 and retry_at is not null order by id desc limit 1";
    let mut seen: Vec<(i64, f64)> = Vec::new();
    wait_until("the pauses have grown", PATIENCE, || {
        let row = control.query_one(sql, &[&target]).unwrap();
        let newest: (i64, f64) = (row.get(0), row.get(1));
        if seen.last().is_none_or(|last| last.0 != newest.0) {
            seen.push(newest);
        }
        (newest.1 >= longest).then_some(())
    });
    seen.into_iter().map(|(_, pause)| pause).collect()
}

#[test]
fn a_server_that_is_away_stalls_only_what_needs_it() {
    let mut world = World::with(&["C", "D", "E"], &["A", "B"]);
    world.says("add dbgroup g B C");
    world.says("add table t u db=D herd=other");
    world.says("add sync d type=pushdelta source=other targetdb=E");
    world.run_sync("s", "targetgroup=g");
    let mcp = world.pid("mcp");
    let mut chance = Chance::new();
    let loads = [Load::start(&world, "A", 2, &mut chance), Load::start(&world, "D", 1, &mut chance)];

    world.server_mut("B").kill();
    stalls(&world, "B", "target database .B.");
    flows(&world, "A", "C", -1);
    flows(&world, "D", "E", -1);
    wait_until("status tells it", PATIENCE, || world.says("status s").contains("Next try: ").then_some(()));
    // Although changes keep kicking.
    let taken = pauses(&world, "B", 1.5);
    assert!(taken.is_sorted(), "the pauses do not grow: {taken:?}");
    world.server_mut("B").start();
    arrived(&world, "B", -1);

    world.server_mut("A").kill();
    for target in ["B", "C"] {
        stalls(&world, target, "source database .A.");
    }
    flows(&world, "D", "E", -2);
    world.server_mut("A").start();
    for target in ["B", "C"] {
        flows(&world, "A", target, if target == "B" { -2 } else { -3 });
    }

    world.installed.cluster.kill();
    world.logs("Trouble with the control database");
    world.at("A", "insert into u values (-4)");
    world.installed.cluster.start();
    arrived(&world, "B", -4);
    flows(&world, "D", "E", -4);

    loads.into_iter().for_each(Load::stop);
    for (source, target) in [("A", "B"), ("A", "C"), ("D", "E")] {
        world.becomes_equal(source, target);
    }
    world.becomes_quiet();
    assert_eq!(world.pid("mcp"), mcp);
}
