//! Who may come into the control database: `install` closes it, `upgrade` offers that, `status` and
//! `validate` complain where it is open.

use super::world::World;

const OPEN: &str =
    "Warning: PUBLIC may connect to the control database bucardo, or make temporary tables there\nHINT: Run, as the owner";

/// Whether a role that was let in by nobody may come in.
fn lets_strangers_in(world: &World) -> bool {
    world
        .cluster
        .connect("postgres")
        .batch_execute("do $$ begin create role stranger login; exception when duplicate_object then end $$")
        .unwrap();
    world.cluster.try_connect("bucardo", "stranger").is_ok()
}

#[test]
fn status_and_validate_complain_of_an_open_database_and_not_of_a_closed_one() {
    let world = World::with_dbs();
    for line in ["status", "status --json", "validate all"] {
        assert_eq!(world.run(line).stderr, "", "{line}");
    }
    for right in ["connect", "temporary"] {
        world.control().batch_execute(&format!("grant {right} on database bucardo to public")).unwrap();
        for line in ["status", "status --json", "validate all"] {
            let outcome = world.run(line).ended_with(0);
            assert!(outcome.stderr.starts_with(OPEN), "{line}: {}", outcome.stderr);
        }
        world.close();
    }
}

#[test]
fn an_upgrade_offers_to_close_the_database() {
    let world = World::with_dbs();
    world.open_to_all();
    assert!(lets_strangers_in(&world));
    let said = world.call("bucardo_ctl", &["upgrade"]).stdin("no\n").run();
    assert_eq!((said.stdout.as_str(), lets_strangers_in(&world)), ("Okay to commit 1 change? ", true));
    assert!(said.stderr.starts_with("Revoked CONNECT and TEMPORARY on the control database from PUBLIC"), "{}", said.stderr);
    world.call("bucardo_ctl", &["upgrade"]).stdin("yes\n").run();
    assert!(!lets_strangers_in(&world));
    world.says("status");
    assert_eq!(world.run("upgrade").stdout, "No schema changes were needed\n");
}

/// Where applications have tables, too, they may rely on what PUBLIC may do.
#[test]
fn an_upgrade_leaves_a_database_open_in_which_others_have_tables() {
    let world = World::with_dbs();
    world.open_to_all();
    world.cluster.connect("bucardo").batch_execute("create table theirs (id integer)").unwrap();
    let said = world.run("upgrade --batch").ended_with(1);
    assert!(said.stdout.starts_with("No schema changes were needed") && said.stderr.starts_with(OPEN), "{}", said.stderr);
    assert!(lets_strangers_in(&world));
}

#[test]
fn a_role_that_does_not_own_the_database_is_told_what_to_run() {
    let world = World::with_dbs();
    world.open_to_all();
    world.cluster.connect("bucardo").batch_execute("alter database bucardo owner to postgres").unwrap();
    let said = world.run("upgrade --batch").ended_with(1);
    assert!(said.stderr.starts_with(OPEN), "{}", said.stderr);
    world
        .cluster
        .connect("bucardo")
        .batch_execute("revoke connect, temporary on database bucardo from public; grant connect on database bucardo to bucardo")
        .unwrap();
    world.says("status");
}

#[test]
fn a_daemon_tells_that_the_schema_is_of_an_earlier_version() {
    let world = World::with_dbs();
    world.says("add table t1 db=A herd=h");
    world.says("add sync s type=pushdelta source=h targetdb=B");
    let older = "drop table bucardo.channel_secret, bucardo.turn; drop function bucardo.notify_private(text, text), \
        bucardo.notify_both(text, text), bucardo.take_turn(text)";
    world.control().batch_execute(older).unwrap();
    let refused = world.run("start").ended_with(1);
    assert!(refused.stderr.starts_with("The control database was made by an earlier version"), "{}", refused.stderr);
    world.run("upgrade --batch");
    world.run("start").ok();
    world.run("kick s 20").ok();
}
