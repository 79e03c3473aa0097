//! What becomes of jobs when those who do them come and go.

use super::world::World;
use nix::sys::signal::Signal;

#[test]
fn a_kid_that_fails_while_another_job_waits_fails_alone() {
    let world = World::new();
    world.run_sync("s", "targetdb=B");
    let controller = world.pid("ctl.sync.s");
    let mut blocker = world.db("B");
    blocker.batch_execute("begin; lock table t").unwrap();
    world.at("A", "insert into t values (1)");
    world.becomes("B", "select count(*) from pg_locks where not granted and relation = 't'::regclass", "1");
    world.says("kick s");
    world.becomes("control", "select count(*) from bucardo.q where started is null", "1");
    world.at("B", "select pg_terminate_backend(pid) from pg_stat_activity where application_name ~ 'kid s -> B target'");
    let reasons = "select string_agg((whydie ~ 'target database .B.' and retry_at is not null)::text, ',') \
        from bucardo.q where aborted is not null";
    world.becomes("control", reasons, "true");
    blocker.batch_execute("commit").unwrap();
    world.becomes("B", "select count(*) from t", "1");
    assert_eq!(world.pid("ctl.sync.s"), controller);
}

#[test]
fn a_job_that_the_death_of_the_daemon_interrupted_is_done_by_the_next_one_although_nobody_kicks() {
    let world = World::new();
    world.run_sync("s", "targetdb=B ping=false");
    let mut blocker = world.db("B");
    blocker.batch_execute("begin; lock table t").unwrap();
    world.at("A", "insert into t values (1)");
    world.says("kick s");
    world.becomes("B", "select count(*) from pg_locks where not granted and relation = 't'::regclass", "1");
    world.end("mcp", Signal::SIGKILL);
    blocker.batch_execute("commit").unwrap();
    world.says("start");
    world.becomes("B", "select count(*) from t", "1");
    world.becomes(
        "control",
        "select bool_and(ended is not null and (aborted is null or retry_at is not null)) from bucardo.q",
        "true",
    );
}

#[test]
fn a_controller_and_a_kid_that_do_not_stay_come_for_each_change() {
    let world = World::new();
    world.run_sync("s", "targetdb=B stayalive=false kidsalive=false");
    world.becomes("control", "select count(*) from pg_stat_activity where application_name ~ 'bucardo (ctl|kid)'", "0");
    let mut source = world.db("A");
    for id in 1..60 {
        source.execute("insert into t values ($1)", &[&id]).unwrap();
        world.becomes("B", "select count(*) from t", &id.to_string());
    }
    world.becomes("control", "select count(*) from pg_stat_activity where application_name ~ 'bucardo (ctl|kid)'", "0");
}

#[test]
fn a_controller_that_has_served_its_time_is_replaced_by_a_kick_and_no_kick_is_lost() {
    let world = World::new();
    world.says("add sync s type=pushdelta source=h targetdb=B maxkicks=3");
    world.says("start");
    let mut controllers = std::collections::BTreeSet::new();
    for id in 0..12 {
        world.at("A", &format!("insert into t values ({id})"));
        world.says("kick s 0");
        assert_eq!(world.value("B", &format!("select count(*) from t where id = {id}")), "1");
        controllers.insert(world.pid("ctl.sync.s"));
    }
    assert!(controllers.len() > 1, "{controllers:?}");
}

#[test]
fn a_controller_that_has_served_its_time_ends_the_job_that_is_under_way() {
    let world = World::new();
    world.run_sync("s", "targetdb=B maxkicks=2");
    let first = world.pid("ctl.sync.s");
    let mut blocker = world.db("B");
    blocker.batch_execute("begin; lock table t").unwrap();
    world.at("A", "insert into t values (1)");
    world.becomes("B", "select count(*) from pg_locks where not granted and relation = 't'::regclass", "1");
    world.says("kick s");
    blocker.batch_execute("commit").unwrap();
    world.logs("has served its time");
    world.says("kick s 0");
    assert_eq!(world.value("B", "select count(*) from t"), "1");
    assert_ne!(world.pid("ctl.sync.s"), first);
    assert_eq!(world.value("control", "select count(*) from bucardo.q where aborted is not null"), "0");
}
