//! A sync that is gone leaves nothing behind: no process, no job under way, nothing on its
//! databases.

use super::world::{World, gone};

/// What is ours on a database.
const OURS: &str = "select (select count(*) from pg_namespace where nspname = 'bucardo') \
    + (select count(*) from pg_trigger where not tgisinternal)";

const DELETE: &str = "delete from bucardo.sync where name = 's'";

fn pids(world: &World, sync: &str, target: &str) -> [i32; 2] {
    [format!("ctl.sync.{sync}"), format!("kid.sync.{sync}.{target}")].map(|file| world.pid(&file))
}

fn clean(world: &World) {
    ["A", "B"].into_iter().for_each(|database| world.becomes(database, OURS, "0"));
}

#[test]
fn a_sync_that_is_deleted_by_sql_takes_everything_along() {
    let world = World::with(&["A", "B", "C", "D"], &[]);
    world.says("add table t u db=C herd=other");
    world.says("add sync x type=pushdelta source=other targetdb=D");
    world.run_sync("s", "targetdb=B");
    let [theirs, ours] = [pids(&world, "x", "D"), pids(&world, "s", "B")];

    // A job is under way.
    let mut locker = world.db("B");
    locker.batch_execute("begin; lock table t").unwrap();
    world.at("A", "insert into t values (1)");
    world.becomes("B", "select count(*) from pg_locks where not granted and relation = 't'::regclass", "1");
    world.at("control", DELETE);
    gone(&ours);
    locker.batch_execute("rollback").unwrap();
    clean(&world);
    world.becomes_quiet();
    assert_eq!(pids(&world, "x", "D"), theirs);

    // One of its databases is away.
    world.says("add sync s type=pushdelta source=h targetdb=B");
    world.says("activate s 0");
    world.at("postgres", "alter database b allow_connections false");
    world.at("control", DELETE);
    world.becomes("A", OURS, "0");
    world.becomes(
        "control",
        "select count(*) from bucardo.place where (sync, db) = ('s', 'B') and outcome ~ 'not currently accepting'",
        "1",
    );
    world.at("postgres", "alter database b allow_connections true");
    clean(&world);

    // No daemon runs: the next one does it, and so does whoever validates.
    for cleaner in ["start", "validate all"] {
        world.says("add sync s type=pushdelta source=h targetdb=B");
        let mcp = world.pid("mcp");
        world.says("stop");
        gone(&[mcp]);
        world.at("control", DELETE);
        assert_ne!(world.value("A", OURS), "0");
        world.says(cleaner);
        clean(&world);
    }
    assert_eq!(world.value("control", "select string_agg(distinct sync, ',') from bucardo.place"), "x");
}

#[test]
fn a_removed_or_renamed_sync_is_no_trouble_for_the_running_daemon() {
    let world = World::new();
    world.says("add sync x type=pushdelta source=h targetdb=C");
    world.run_sync("s", "targetdb=B");
    let ours = pids(&world, "s", "B");
    world.says("remove sync s");
    gone(&ours);
    world.becomes("B", OURS, "0");
    assert_eq!(world.value("A", "select string_agg(sync, ',') from bucardo.bucardo_delta_targets"), "x");
    assert!(!world.installed.log().contains("Warning"), "{}", world.installed.log());

    // What was noted for the old name is carried under the new one.
    world.says("deactivate x 0");
    world.at("A", "insert into t values (1)");
    world.at("control", "update bucardo.sync set name = 'y' where name = 'x'");
    world.says("activate y 0");
    world.becomes("C", "select count(*) from t", "1");
    world.becomes("A", "select string_agg(sync, ',') from bucardo.bucardo_delta_targets", "y");
    world.becomes("C", "select string_agg(sync, ',') from bucardo.bucardo_track", "y");
    world.at("A", "insert into t values (2)");
    world.becomes("C", "select count(*) from t", "2");
}

#[test]
fn masters_that_are_no_more_are_left_clean_like_sources_and_targets() {
    let world = World::with(&["A", "B", "C", "D"], &[]);
    world.says("add dbgroup g B C D");
    world.at("control", "update bucardo.dbmap set role = 'source' where db <> 'D'");
    world.says("add sync s type=swap source=h targetgroup=g");
    world.says("start");
    world.says("kick s 0");

    // One is only a target from now on.
    world.at("control", "update bucardo.dbmap set role = 'target' where db = 'C'; select bucardo.validate_sync('s')");
    world.becomes("C", "select count(*) from pg_trigger where not tgisinternal", "0");
    let places = "select string_agg(db, '' order by db) from bucardo.place where side =";
    world.becomes("control", &format!("{places} 'source'"), "AB");
    assert_eq!(world.value("control", &format!("{places} 'target'")), "ABCD");
    world.at("A", "insert into t values (1)");
    ["B", "C", "D"].into_iter().for_each(|database| world.becomes(database, "select count(*) from t", "1"));

    world.at("control", DELETE);
    ["A", "B", "C", "D"].into_iter().for_each(|database| world.becomes(database, OURS, "0"));
    world.becomes("control", "select count(*) from bucardo.place", "0");
}
