//! Servers that are not what they were: restored, promoted, copied. Each is recognised whatever was
//! written on it before anybody looked, however often it is tried, and stays so until a person has
//! said what to do.

mod copies;
mod masters;
mod sources;
mod targets;

use crate::daemon::world::{PATIENCE, World};
use crate::harness::wait_until;

/// The rows of t.
const ROWS: &str = "coalesce((select string_agg(id || ':' || counter, ' ' order by id) from t), 'none')";

/// Databases of which one is stopped in all that follows; rows that the target has.
fn pushed(apart: &[&str], beside: &[&str]) -> World {
    let world = World::with(beside, apart);
    world.run_sync("s", "targetdb=B");
    world
}

/// Nothing more is going to be noted of what was carried.
fn rests(world: &World) {
    let sql =
        "select coalesce(bool_and(sealed = mark), true) from bucardo.bucardo_track where sync = 's' and receipt is not null";
    for name in ["A", "B"] {
        if world.value(name, "select to_regclass('bucardo.bucardo_track') is not null") == "true" {
            world.becomes(name, sql, "true");
        }
    }
}

/// Stops a server, runs `meanwhile`, and gives back the files that it had.
fn goes_back(world: &mut World, name: &str, meanwhile: impl FnOnce(&mut World)) {
    rests(world);
    world.server_mut(name).stop();
    let files = world.server(name).files();
    world.server_mut(name).start();
    meanwhile(world);
    rests(world);
    world.server_mut(name).stop();
    world.server(name).put_back(&files);
    world.server_mut(name).start();
}

/// Waits until the control database knows that a database is not what it was.
fn is_recognised(world: &World, name: &str) {
    world.becomes(
        "control",
        &format!("select count(*) from bucardo.db_identity where db = '{name}' and halted is not null"),
        "1",
    );
}

/// Kicks again and again: it fails each time, and names the database and the command.
fn never_passes(world: &World, name: &str) {
    for _ in 0..4 {
        let outcome = world.run("kick s 10");
        assert_ne!(outcome.code(), 0, "{}{}", outcome.stdout, outcome.stderr);
    }
    is_recognised(world, name);
    let told = world.says("status s");
    assert!(told.contains(&format!("database \"{name}\"")) && told.contains(&format!("bucardo_ctl accept {name}")), "{told}");
}

fn arrives(world: &World) {
    wait_until("a kick succeeds", PATIENCE, || (world.run("kick s 10").code() == 0).then_some(()));
}

/// Five transactions of their own, which use up five ids.
fn five(world: &World, name: &str, first: i32) {
    for id in first..first + 5 {
        world.at(name, &format!("insert into t values ({id}, 1)"));
    }
}

/// The daemon leaves, and with it all its sessions.
fn leaves(world: &World) {
    world.says("stop");
    wait_until("the daemon has left", PATIENCE, || world.pid_now("mcp").is_none().then_some(()));
    for name in ["A", "B"] {
        world.becomes(
            name,
            "select count(*) from pg_stat_activity where application_name like 'bucardo%' and datname = current_database()",
            "0",
        );
    }
}
