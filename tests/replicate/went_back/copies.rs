//! Databases that hold what another one held: restored from a dump, made from a template, or
//! without our objects.

use super::*;

/// Puts a copy of another database of the same server in the place of `name`, as a restore of a
/// full dump would.
pub(super) fn becomes_a_copy(world: &World, name: &str, of: &str) {
    let (name, of) = (name.to_lowercase(), of.to_lowercase());
    let mut server = world.installed.cluster.connect("postgres");
    server.batch_execute(&format!("alter database {name} rename to {name}_before")).unwrap();
    let template = if name == of { format!("{of}_before") } else { of };
    wait_until("nobody is on the template", PATIENCE, || {
        server.batch_execute(&format!("create database {name} template {template}")).ok()
    });
}

/// Puts what pg_dump makes of the database `of` in the place of `name`.
fn becomes_a_dump(world: &World, name: &str, of: &str) {
    let server = &world.installed.cluster;
    let file = server.dir().join(format!("dump_{of}"));
    let at = |mut program: std::process::Command, database: &str, option: &str| {
        program.args(["-U", "postgres", "-p", &server.port().to_string(), "-h"]).arg(server.socket_dir());
        program.arg(option).arg(&file).args(["-d", database]).current_dir("/").stdout(std::process::Stdio::null());
        assert!(program.status().unwrap().success());
    };
    at(server.program("pg_dump"), of, "-f");
    server.connect("postgres").batch_execute(&format!("drop database {name}")).unwrap();
    server.create_database(name);
    at(server.program("psql"), name, "-qXf");
}

#[test]
fn a_target_restored_from_a_full_dump_of_its_source_is_halted_until_accepted() {
    let world = pushed(&[], &["A", "B"]);
    five(&world, "A", 1);
    world.says("kick s 0");
    leaves(&world);
    becomes_a_copy(&world, "B", "A");
    five(&world, "A", 6);
    world.says("start");
    never_passes(&world, "B");
    assert!(world.run("validate s").ended_with(1).stderr.contains("accept B"));
    world.says("accept B");
    arrives(&world);
    world.becomes_equal("A", "B");
    let left = "select count(*) from pg_trigger where not tgisinternal";
    assert_eq!(world.value("B", left), "0", "triggers of the source on the target");
}

#[test]
fn what_was_written_on_a_master_restored_from_a_dump_of_another_is_carried() {
    let world = World::with(&["A", "B"], &[]);
    world.says("add sync s type=swap source=h targetdb=B");
    world.says("start");
    five(&world, "A", 1);
    arrives(&world);
    leaves(&world);
    becomes_a_copy(&world, "B", "A");
    five(&world, "B", 11);
    world.at("A", "insert into t values (21, 1); update t set counter = 7 where id = 2");
    world.at("B", "update t set counter = 8 where id = 3");
    world.says("start");
    never_passes(&world, "B");
    five(&world, "B", 31);
    world.says("accept B");
    arrives(&world);
    for name in ["A", "B"] {
        assert_eq!(world.value(name, "select count(*) from t"), "16", "on {name}");
        assert_eq!(world.value(name, "select string_agg(counter::text, ' ' order by id) from t where id in (2, 3)"), "7 8");
    }
    world.at("B", "delete from t where id = 1");
    arrives(&world);
    world.becomes_equal("B", "A");
}

#[test]
fn a_dump_with_our_schema_is_recognised_like_any_copy() {
    let mut world = pushed(&[], &["A", "B"]);
    if !world.installed.cluster.has_program("pg_dump") {
        return eprintln!("this server came without pg_dump");
    }
    five(&world, "A", 1);
    world.says("kick s 0");
    leaves(&world);
    becomes_a_dump(&world, "b", "a");
    five(&world, "A", 6);
    world.says("start");
    never_passes(&world, "B");
    world.says("accept B");
    arrives(&world);
    world.becomes_equal("A", "B");
    world.installed.cluster.stop();
    world.installed.cluster.start();
}

/// The triggers that a dump brings along know the tables by ids which they do not have any more.
#[test]
fn what_a_source_restored_from_a_dump_did_not_capture_is_told() {
    for lost in [false, true] {
        let world = pushed(&[], &["A", "B"]);
        if !world.installed.cluster.has_program("pg_dump") {
            return eprintln!("this server came without pg_dump");
        }
        five(&world, "A", 1);
        world.says("kick s 0");
        leaves(&world);
        becomes_a_dump(&world, "a", "a");
        if lost {
            world.at("A", "drop schema bucardo cascade");
        }
        world.at("A", "insert into t values (11, 1); update t set counter = 9 where id = 2");
        world.says("start");
        never_passes(&world, "A");
        let said = world.run("accept A").ended_with(1).stderr;
        assert!(said.contains("public.t") && said.contains("onetimecopy=1"), "{said}");
        assert!(world.says("status s").contains("not captured"), "{}", world.says("status s"));
        world.says("update sync s onetimecopy=1");
        world.says("reload s");
        world.becomes_equal("A", "B");
        wait_until("nothing is missing", PATIENCE, || (world.run("validate s").code() == 0).then_some(()));
    }
}

#[test]
fn what_came_with_a_template_is_not_carried() {
    let world = World::with(&["A", "B", "C"], &[]);
    world.run_sync("s", "targetdb=B");
    five(&world, "A", 1);
    world.says("kick s 0");
    leaves(&world);
    let server = &world.installed.cluster;
    server.connect("postgres").batch_execute("create database stage template a").unwrap();
    let (host, port) = (server.socket_dir().display(), server.port());
    world.says(&format!("add db stage dbname=stage host={host} port={port} user=postgres"));
    world.says("add table t u db=stage herd=staged");
    world.says("add sync x type=pushdelta source=staged targetdb=C");
    world.says("start");
    world.says("kick x 0");
    assert_eq!(world.value("C", "select count(*) from t"), "0");
    let mut stage = server.connect("stage");
    stage.batch_execute("insert into t values (77, 7)").unwrap();
    world.says("kick x 0");
    assert_eq!(world.value("C", ROWS), "77:7");
    let syncs: String = stage.query_one("select string_agg(sync, ' ') from bucardo.bucardo_delta_targets", &[]).unwrap().get(0);
    assert_eq!(syncs, "x");
    five(&world, "A", 6);
    world.says("kick s 0");
    world.becomes_equal("A", "B");
}

/// A mistyped address is no restored database.
#[test]
fn a_database_that_was_looked_for_elsewhere_is_found_again() {
    let world = pushed(&[], &["A", "B"]);
    five(&world, "A", 1);
    world.says("kick s 0");
    for (typed, own) in [("A", "a"), ("B", "b")] {
        let elsewhere = format!("{own}_elsewhere");
        world.server(typed).create_database(&elsewhere);
        assert!(!world.says(&format!("update db {typed} dbname={elsewhere}")).contains("halted"));
        let halted = world.run("validate s").ended_with(1);
        assert!(halted.stderr.contains("is not the one that was validated"), "{}", halted.stderr);
        let found = format!("Database \"{typed}\" is the one that was validated, and is halted no more");
        assert!(world.says(&format!("update db {typed} dbname={own}")).contains(&found));
        world.says("reload s");
        world.says("validate s");
        five(&world, "A", if typed == "A" { 6 } else { 11 });
        arrives(&world);
        world.becomes_equal("A", "B");
    }
}

#[test]
fn a_source_restored_from_its_own_dump_goes_on_when_it_is_accepted() {
    let world = pushed(&[], &["A", "B"]);
    five(&world, "A", 1);
    world.says("kick s 0");
    leaves(&world);
    world.at("A", "update t set counter = 5 where id = 5; insert into t values (50, 5)");
    becomes_a_copy(&world, "A", "A");
    five(&world, "A", 6);
    world.says("start");
    never_passes(&world, "A");
    world.says("accept A");
    arrives(&world);
    world.becomes_equal("A", "B");
    world.at("A", "delete from t where id = 1; insert into t values (60, 1)");
    arrives(&world);
    world.becomes_equal("A", "B");
}

#[test]
fn a_source_whose_objects_are_gone_is_halted_until_accepted() {
    let world = pushed(&[], &["A", "B"]);
    five(&world, "A", 1);
    world.says("kick s 0");
    leaves(&world);
    // As after a restore without schema bucardo.
    world.at("A", "drop schema bucardo cascade; insert into t values (50, 5)");
    world.says("start");
    never_passes(&world, "A");
    world.says("accept A --copy");
    arrives(&world);
    world.becomes_equal("A", "B");
}

#[test]
fn a_source_whose_objects_were_made_anew_is_halted_until_accepted() {
    let world = pushed(&[], &["A", "B"]);
    five(&world, "A", 1);
    world.says("kick s 0");
    leaves(&world);
    world.at("A", "drop schema bucardo cascade; insert into t values (50, 5)");
    let outcome = world.run("validate s");
    assert!(outcome.code() == 1 && outcome.stderr.contains("accept A"), "{}{}", outcome.stdout, outcome.stderr);
    world.says("start");
    never_passes(&world, "A");
    world.run("accept A").ended_with(1);
    arrives(&world);
    world.at("A", "update t set counter = 6");
    arrives(&world);
    world.becomes_equal("A", "B");
}

/// A sync is removed while its table is locked, and its objects are dropped by hand. What `add
/// sync` notices is gone with its transaction; `accept` looks itself.
#[test]
fn objects_that_were_dropped_by_hand_hinder_no_new_sync() {
    let world = pushed(&[], &["A", "B"]);
    five(&world, "A", 1);
    world.says("kick s 0");
    leaves(&world);
    let mut application = world.db("A");
    application.batch_execute("begin; update t set counter = 2").unwrap();
    assert!(world.says("remove sync s").contains("still has objects of sync"));
    application.batch_execute("rollback").unwrap();
    world.at("A", "drop schema bucardo cascade");
    let add = "add sync s type=pushdelta source=h targetdb=B";
    let refused = world.run(add);
    assert!(refused.code() != 0 && refused.stderr.contains("accept A"), "{}{}", refused.stdout, refused.stderr);
    world.says("accept A");
    world.says(add);
    world.says("start");
    five(&world, "A", 20);
    arrives(&world);
}
