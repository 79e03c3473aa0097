//! Servers that are not what they were: restored, promoted, copied. Each is recognised whatever was written on it before anybody looked, however
//! often it is tried, and stays so until a person has said what to do.

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

#[test]
fn a_promoted_standby_without_the_last_transactions_is_never_passed() {
    let mut world = pushed(&["A"], &["B"]);
    five(&world, "A", 1);
    world.says("kick s 0");
    let mut standby = world.server_mut("A").standby();
    arrives(&world);
    world.server("A").reaches(&standby);
    standby.stop();
    five(&world, "A", 6);
    arrives(&world);
    rests(&world);
    world.server_mut("A").kill();
    standby.start();
    standby.promote();
    let old = world.replace_server("A", standby);
    for id in 11..40 {
        world.at("A", &format!("insert into t values ({id}, 2)"));
    }
    never_passes(&world, "A");
    assert_eq!(world.value("B", "select max(id) from t"), "10");
    drop(old);
}

#[test]
fn a_restored_source_on_which_applications_wrote_is_never_passed() {
    let mut world = pushed(&["A"], &["B"]);
    five(&world, "A", 1);
    world.says("kick s 0");
    goes_back(&mut world, "A", |world| {
        arrives(world);
        five(world, "A", 6);
        arrives(world);
    });
    // More than was lost, and a lot of WAL.
    world.at("A", "create table filler as select repeat(md5(i::text), 10) from generate_series(1, 20000) i");
    for id in 11..60 {
        world.at("A", &format!("insert into t values ({id}, 2)"));
    }
    never_passes(&world, "A");
    assert_eq!(world.value("B", "select max(id) from t"), "10");
}

#[test]
fn a_restored_source_is_recognised_by_validate_as_well() {
    let mut world = pushed(&["A"], &["B"]);
    five(&world, "A", 1);
    world.says("kick s 0");
    world.says("stop");
    wait_until("the daemon has left", PATIENCE, || world.pid_now("mcp").is_none().then_some(()));
    goes_back(&mut world, "A", |world| {
        world.says("start");
        five(world, "A", 6);
        arrives(world);
        world.says("stop");
        wait_until("the daemon has left", PATIENCE, || world.pid_now("mcp").is_none().then_some(()));
    });
    for id in 11..60 {
        world.at("A", &format!("insert into t values ({id}, 2)"));
    }
    let outcome = world.run("validate s").ended_with(1);
    assert!(
        outcome.stderr.contains("went back in time") && outcome.stderr.contains("bucardo_ctl accept A"),
        "{}",
        outcome.stderr
    );
    is_recognised(&world, "A");
    world.says("start");
    never_passes(&world, "A");
}

#[test]
fn after_accept_a_restored_source_goes_on_with_what_it_holds() {
    let mut world = pushed(&["A"], &["B"]);
    five(&world, "A", 1);
    world.says("kick s 0");
    goes_back(&mut world, "A", |world| {
        arrives(world);
        five(world, "A", 6);
        arrives(world);
    });
    for id in 20..40 {
        world.at("A", &format!("insert into t values ({id}, 2)"));
    }
    never_passes(&world, "A");
    // A person has found that rows 6 to 10 shall stay.
    let said = world.says("accept A");
    assert!(said.contains("went back in time") && said.contains("Validating sync s"), "{said}");
    arrives(&world);
    assert_eq!(world.value("B", "select count(*) || ' ' || max(id) from t"), "30 39");
    world.at("A", "update t set counter = 3 where id = 1; insert into t values (99, 9)");
    world.says("kick s 0");
    assert_eq!(world.value("B", "select string_agg(id || ':' || counter, ' ') from t where id in (1, 99)"), "1:3 99:9");
    let refused = world.run("accept A");
    assert_eq!(refused.code(), 255, "{}", refused.stdout);
    assert!(refused.stderr.contains("is not halted"), "{}", refused.stderr);
}

#[test]
fn after_accept_with_copy_the_target_holds_what_a_restored_source_holds() {
    let mut world = pushed(&["A"], &["B"]);
    five(&world, "A", 1);
    world.says("kick s 0");
    goes_back(&mut world, "A", |world| {
        arrives(world);
        five(world, "A", 6);
        arrives(world);
    });
    five(&world, "A", 20);
    never_passes(&world, "A");
    let said = world.says("accept A --copy");
    assert!(said.contains("will be copied from database \"A\""), "{said}");
    arrives(&world);
    world.becomes_equal("A", "B");
    five(&world, "A", 30);
    world.says("kick s 0");
    world.becomes_equal("A", "B");
}

#[test]
fn every_sync_of_a_source_that_went_back_is_halted() {
    let mut world = World::with(&["B", "C"], &["A"]);
    world.run_sync("s", "targetdb=B");
    world.says("add sync other type=pushdelta source=h targetdb=C");
    world.says("activate other 0");
    goes_back(&mut world, "A", |world| {
        arrives(world);
        five(world, "A", 1);
        arrives(world);
    });
    five(&world, "A", 11);
    never_passes(&world, "A");
    world.becomes("control", "select count(*) > 0 from bucardo.q where sync = 'other' and whydie ~ 'accept A'", "true");
    world.says("accept A");
    arrives(&world);
    world.says("kick other 0");
    assert_eq!(world.value("C", "select max(id) from t"), "15");
}

#[test]
fn a_promoted_standby_that_has_everything_goes_on_by_itself() {
    let mut world = pushed(&["A"], &["B"]);
    let standby = world.server_mut("A").standby();
    arrives(&world);
    five(&world, "A", 1);
    arrives(&world);
    rests(&world);
    world.server("A").reaches(&standby);
    world.server_mut("A").kill();
    standby.promote();
    let old = world.replace_server("A", standby);
    five(&world, "A", 6);
    arrives(&world);
    world.becomes_equal("A", "B");
    world.logs("is on another timeline than before");
    drop(old);
}

#[test]
fn a_source_that_crashes_again_and_again_goes_on_by_itself() {
    let mut world = pushed(&["A"], &["B"]);
    for first in [1, 11, 21, 31] {
        for id in first..first + 10 {
            world.at("A", &format!("insert into t values ({id}, 1)"));
        }
        // Some of it may have been carried, and the last mark may be lost with the crash.
        world.server_mut("A").kill();
        world.server_mut("A").start();
    }
    arrives(&world);
    world.becomes_equal("A", "B");
    assert_eq!(world.value("control", "select count(halted) from bucardo.db_identity"), "0");
}

#[test]
fn a_mark_that_a_crash_took_along_halts_nobody() {
    let mut world = pushed(&["A"], &["B"]);
    five(&world, "A", 1);
    world.says("kick s 0");
    rests(&world);
    world.says("stop");
    wait_until("the daemon has left", PATIENCE, || world.pid_now("mcp").is_none().then_some(()));
    // As if the last round's mark had not reached the disk, and nobody had waited for it.
    world.at("A", "update bucardo.bucardo_delta_targets set mark = mark - 1");
    world.at("B", "update bucardo.bucardo_track set sealed = mark - 1");
    world.server_mut("A").kill();
    world.server_mut("A").start();
    world.says("start");
    five(&world, "A", 6);
    arrives(&world);
    world.becomes_equal("A", "B");
}

#[test]
fn a_server_that_does_not_tell_who_it_is_is_known_by_its_marks() {
    let mut world = World::with(&["B"], &["A"]);
    world.at(
        "A",
        "create role shy login; grant create on database a to shy; alter table t owner to shy; alter table u owner to shy;
        revoke execute on function pg_control_system() from public; grant create on schema public to shy",
    );
    world.installed.control().execute("update bucardo.db set dbuser = 'shy' where name = 'A'", &[]).unwrap();
    world.run_sync("s", "targetdb=B");
    assert_eq!(world.value("A", "select system_identifier from bucardo.bucardo_identity"), "NULL");
    goes_back(&mut world, "A", |world| {
        arrives(world);
        five(world, "A", 1);
        arrives(world);
    });
    for id in 10..40 {
        world.at("A", &format!("insert into t values ({id}, 2)"));
    }
    never_passes(&world, "A");
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

/// Puts a copy of another database of the same server in the place of `name`, as a restore of a full dump would.
fn becomes_a_copy(world: &World, name: &str, of: &str) {
    let (name, of) = (name.to_lowercase(), of.to_lowercase());
    let mut server = world.installed.cluster.connect("postgres");
    server.batch_execute(&format!("alter database {name} rename to {name}_before")).unwrap();
    let template = if name == of { format!("{of}_before") } else { of };
    wait_until("nobody is on the template", PATIENCE, || {
        server.batch_execute(&format!("create database {name} template {template}")).ok()
    });
}

/// A source whose target was restored to a backup that was taken while a long transaction ran there. That one was carried since.
fn restored_below_a_long_transaction(retention: &str) -> World {
    let mut world = World::with(&[], &["A", "B"]);
    let sql = "update bucardo.bucardo_config set value = $1 where setting = 'delta_retention'";
    world.installed.control().execute(sql, &[&retention]).unwrap();
    world.run_sync("s", "targetdb=B");
    let mut long = world.db("A");
    long.batch_execute("begin; insert into t values (1000, 1)").unwrap();
    five(&world, "A", 1);
    world.says("kick s 0");
    goes_back(&mut world, "B", |world| {
        arrives(world);
        long.batch_execute("commit").unwrap();
        arrives(world);
        assert_eq!(world.value("B", "select max(id) from t"), "1000");
        if retention == "0.2" {
            let size = "select sum(pg_relation_size(format('bucardo.%I', deltaname || '_' || g)::regclass))
                from bucardo.bucardo_delta_names, generate_series(1, 2) g";
            world.becomes("A", size, "0");
        }
    });
    world
}

#[test]
fn a_target_that_lacks_a_long_transaction_that_was_given_up_is_halted() {
    let world = restored_below_a_long_transaction("0.2");
    never_passes(&world, "B");
    assert_eq!(world.value("B", "select max(id) from t"), "5");
    world.says("accept B --copy");
    arrives(&world);
    world.becomes_equal("A", "B");
    five(&world, "A", 11);
    world.says("kick s 0");
    world.becomes_equal("A", "B");
}

#[test]
fn a_target_that_lacks_a_long_transaction_that_is_kept_gets_it_again() {
    let world = restored_below_a_long_transaction("600");
    arrives(&world);
    world.becomes_equal("A", "B");
}

#[test]
fn a_target_that_was_set_back_too_far_goes_on_when_it_is_accepted() {
    let world = restored_below_a_long_transaction("0.2");
    never_passes(&world, "B");
    // Seen to by hand.
    world.at("B", "insert into t values (1000, 1)");
    world.says("accept B");
    arrives(&world);
    five(&world, "A", 11);
    arrives(&world);
    world.becomes_equal("A", "B");
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
    let server = &world.installed.cluster;
    let file = server.dir().join("dump");
    let mut dump = server.program("pg_dump");
    dump.args(["-U", "postgres", "-p", &server.port().to_string(), "-h"]).arg(server.socket_dir()).arg("-f").arg(&file).arg("a");
    assert!(dump.current_dir("/").status().unwrap().success());
    server.connect("postgres").batch_execute("drop database b").unwrap();
    server.create_database("b");
    let mut restore = server.program("psql");
    restore
        .args(["-qX", "-U", "postgres", "-p", &server.port().to_string(), "-d", "b", "-h"])
        .arg(server.socket_dir())
        .arg("-f")
        .arg(&file);
    assert!(restore.current_dir("/").stdout(std::process::Stdio::null()).status().unwrap().success());
    five(&world, "A", 6);
    world.says("start");
    never_passes(&world, "B");
    world.says("accept B");
    arrives(&world);
    world.becomes_equal("A", "B");
    world.installed.cluster.stop();
    world.installed.cluster.start();
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
    world.says("accept A");
    arrives(&world);
    world.at("A", "update t set counter = 6");
    arrives(&world);
    world.becomes_equal("A", "B");
}

/// A swap of two servers, one of which is restored to a backup.
fn swap_of_which_one_went_back(back: &str, other: &str) -> World {
    let mut world = World::with(&[], &["A", "B"]);
    world.says("add sync s type=swap source=h targetdb=B");
    world.says("start");
    five(&world, "A", 1);
    five(&world, "B", 11);
    arrives(&world);
    goes_back(&mut world, back, |world| {
        arrives(world);
        five(world, back, 21);
        five(world, other, 31);
        arrives(world);
    });
    for id in 41..60 {
        world.at(back, &format!("insert into t values ({id}, 2)"));
    }
    world
}

#[test]
fn a_master_that_went_back_is_halted_and_goes_on_when_accepted() {
    for (back, other) in [("A", "B"), ("B", "A")] {
        let world = swap_of_which_one_went_back(back, other);
        never_passes(&world, back);
        world.says(&format!("accept {back}"));
        arrives(&world);
        // What the other wrote has come again, and what was written on it since has gone to the other.
        assert_eq!(world.value(back, "select count(*) from t where id between 31 and 35"), "5", "{back}");
        assert_eq!(world.value(other, "select count(*) from t where id between 41 and 59"), "19", "{back}");
        world.at(back, "update t set counter = 9 where id = 1; insert into t values (91)");
        world.at(other, "update t set counter = 8 where id = 2; delete from t where id between 21 and 25");
        arrives(&world);
        world.becomes_equal(back, other);
    }
}

#[test]
fn a_master_that_went_back_is_filled_again_by_a_copy() {
    let world = swap_of_which_one_went_back("B", "A");
    never_passes(&world, "B");
    world.says("accept B --copy");
    arrives(&world);
    world.becomes_equal("A", "B");
    assert_eq!(world.value("A", "select count(*) from t where id between 21 and 25"), "5");
    world.at("B", "insert into t values (91)");
    arrives(&world);
    world.becomes_equal("A", "B");
}

#[test]
fn an_upgraded_server_goes_on_when_it_is_accepted() {
    let mut world = pushed(&["A"], &["B"]);
    if !world.server("A").has_program("pg_upgrade") {
        return eprintln!("this server came without pg_upgrade");
    }
    five(&world, "A", 1);
    world.says("kick s 0");
    rests(&world);
    world.server_mut("A").upgrade();
    five(&world, "A", 6);
    never_passes(&world, "A");
    world.says("accept A");
    arrives(&world);
    world.becomes_equal("A", "B");
    world.at("A", "delete from t where id < 4");
    arrives(&world);
    world.becomes_equal("A", "B");
}

#[test]
fn a_promoted_standby_of_which_nothing_proves_that_it_has_all_is_asked_about() {
    let mut world = pushed(&["A"], &["B"]);
    let standby = world.server_mut("A").standby();
    arrives(&world);
    five(&world, "A", 1);
    arrives(&world);
    rests(&world);
    leaves(&world);
    // As if the standby had lacked the last mark when it was promoted, a moment after the round.
    world.at("A", "update bucardo.bucardo_delta_targets set mark = mark - 1");
    world.at("B", "update bucardo.bucardo_track set sealed = mark - 1");
    world.server("A").reaches(&standby);
    world.server_mut("A").kill();
    standby.promote();
    let old = world.replace_server("A", standby);
    world.says("start");
    never_passes(&world, "A");
    assert!(world.says("status s").contains("nothing proves that it has all changes"));
    world.says("accept A");
    five(&world, "A", 6);
    arrives(&world);
    world.becomes_equal("A", "B");
    drop(old);
}

#[test]
fn a_halted_target_holds_up_no_other() {
    let world = World::with(&["A", "B", "C"], &[]);
    world.says("add dbgroup g B C");
    world.run_sync("s", "targetgroup=g");
    five(&world, "A", 1);
    world.says("kick s 0");
    leaves(&world);
    becomes_a_copy(&world, "B", "A");
    five(&world, "A", 6);
    world.says("start");
    is_recognised(&world, "B");
    world.becomes("C", "select count(*) from t", "10");
    five(&world, "A", 11);
    world.becomes("C", "select count(*) from t", "15");
    world.says("accept B");
    arrives(&world);
    world.becomes_equal("A", "B");
    assert_eq!(world.value("C", "select count(*) from t"), "15");
}

#[test]
fn an_accepted_database_can_go_back_again() {
    let mut world = pushed(&["A"], &["B"]);
    for first in [1, 101] {
        five(&world, "A", first);
        world.says("kick s 0");
        goes_back(&mut world, "A", |world| {
            arrives(world);
            five(world, "A", first + 10);
            arrives(world);
        });
        for id in first + 20..first + 50 {
            world.at("A", &format!("insert into t values ({id}, 2)"));
        }
        never_passes(&world, "A");
        world.says("accept A");
        arrives(&world);
        let sql = format!("select count(*) from t where id between {} and {}", first + 20, first + 49);
        assert_eq!(world.value("B", &sql), "30");
    }
    world.at("B", "delete from t where id between 11 and 15 or id between 111 and 115");
    world.becomes_equal("A", "B");
}
