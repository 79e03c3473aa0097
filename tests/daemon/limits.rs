//! How many jobs may run at once, how often, and who stays in between.

use super::world::{PATIENCE, World};
use crate::harness::wait_until;

/// Notes, for each job that is claimed, how many of its sync, of its source and of its target run
/// then.
const WITNESS: &str = "create table running (sync text, by_sync bigint, by_source bigint, by_target bigint);
    create function count_running() returns trigger language plpgsql as $$ begin
        lock table running in exclusive mode;
        insert into running select new.sync, count(*) filter (where sync = new.sync),
            count(*) filter (where sourcedb = new.sourcedb), count(*) filter (where targetdb = new.targetdb)
        from bucardo.q where started is not null and ended is null and aborted is null;
        return null;
    end $$;
    create trigger count_running after update of started on bucardo.q for each row
        when (old.started is null and new.started is not null) execute procedure count_running()";

/// Writes rows one after the other, each when the one before has arrived everywhere.
fn one_by_one(world: &World, ids: std::ops::Range<i32>) {
    for id in ids {
        world.at("A", &format!("insert into t values ({id})"));
        for target in ["B", "C", "D"] {
            world.becomes(target, &format!("select count(*) from t where id = {id}"), "1");
        }
    }
    world.becomes_quiet();
}

fn most(world: &World, what: &str) -> String {
    let most = world.value("control", &format!("select max({what}) from running"));
    world.at("control", "delete from running");
    most
}

#[test]
fn limits_bound_how_many_jobs_run_at_once_and_all_get_their_turn() {
    let world = World::with(&["A", "B", "C", "D"], &[]);
    world.at("control", WITNESS);
    world.says("add dbgroup g B C D");
    world.says("add sync x type=pushdelta source=h targetdb=B");
    world.run_sync("s", "targetgroup=g limitdbs=2");
    world.becomes_quiet();

    // Nobody can finish, so all run that may.
    let mut lockers = ["B", "C", "D"].map(|target| world.db(target));
    most(&world, "by_sync");
    lockers.iter_mut().for_each(|locker| locker.batch_execute("begin; lock table t").unwrap());
    world.at("A", "insert into t values (0)");
    let waiting = "select count(*) from pg_locks where not granted and relation = 't'::regclass";
    world.becomes("B", waiting, "2");
    world.becomes("C", waiting, "1");
    lockers.iter_mut().for_each(|locker| locker.batch_execute("commit").unwrap());
    one_by_one(&world, 1..4);
    assert_eq!(most(&world, "by_sync"), "2");

    world.at("control", "update bucardo.db set targetlimit = 1 where name = 'B'");
    one_by_one(&world, 10..17);
    assert_eq!(most(&world, "by_target"), "1");

    world.at("control", "update bucardo.db set targetlimit = 0, sourcelimit = 1");
    one_by_one(&world, 20..27);
    assert_eq!(most(&world, "by_source"), "1");
    world.becomes_equal("A", "B");
}

#[test]
fn a_target_that_waits_for_its_turn_gets_it_although_the_other_is_always_busy() {
    let world = World::new();
    world.says("add dbgroup g B C");
    world.run_sync("s", "targetgroup=g limitdbs=1");
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut control = world.installed.control();
            while !over.load(std::sync::atomic::Ordering::Relaxed) {
                control.batch_execute("notify bucardo_kick_sync_s; select pg_sleep(0.002)").unwrap();
            }
        });
        for id in 0..5 {
            world.at("A", &format!("insert into t values ({id})"));
            let answer = world.run("kick s 30");
            over.fetch_or(answer.code() != 0, std::sync::atomic::Ordering::Relaxed);
            answer.ok();
            world.becomes("C", &format!("select count(*) from t where id = {id}"), "1");
        }
        over.store(true, std::sync::atomic::Ordering::Relaxed);
    });

    // One that is away takes no turn from others while it waits for its next try.
    world.at("postgres", "alter database b allow_connections false");
    world.at("postgres", "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'b'");
    let mut id = 100;
    let mut control = world.installed.control();
    let mut waiting = || {
        let sql =
            "select coalesce(max(id), 0) from bucardo.q where targetdb = 'B' and retry_at > clock_timestamp() + interval '0.5 s'";
        control.query_one(sql, &[]).unwrap().get::<_, i64>(0)
    };
    wait_until("a row arrives while the other waits", PATIENCE, || {
        let before = waiting();
        id += 1;
        world.at("A", &format!("insert into t values ({id})"));
        world.becomes("C", &format!("select count(*) from t where id = {id}"), "1");
        let sql = "select count(*) from bucardo.q where targetdb = 'B' and id > $1";
        let tried: i64 = world.installed.control().query_one(sql, &[&before]).unwrap().get(0);
        (before > 0 && tried == 0).then_some(())
    });
    world.at("postgres", "alter database b allow_connections true");
    world.says("kick s");
    world.becomes_equal("A", "B");
}

#[test]
fn a_sync_runs_as_often_as_it_is_told_and_its_processes_stay_as_long() {
    let world = World::with(&["A", "B", "C", "D"], &[]);
    world.says("add sync often type=pushdelta source=h targetdb=C ping=false checktime=1s kidsalive=false");
    world.says("add sync manual type=pushdelta source=h targetdb=D ping=false");
    world.run_sync("s", "targetdb=B stayalive=true kidsalive=false");
    let controllers = ["ctl.sync.s", "ctl.sync.often"].map(|file| world.pid(file));
    let kids = "select count(*) from pg_stat_activity where application_name ~ 'bucardo kid (s|often)'";
    for id in 1..3 {
        world.becomes("control", kids, "0");
        world.at("A", &format!("insert into t values ({id})"));
        for target in ["B", "C"] {
            world.becomes(target, "select count(*) from t", &id.to_string());
        }
    }
    assert_eq!(["ctl.sync.s", "ctl.sync.often"].map(|file| world.pid(file)), controllers);
    assert_eq!(world.value("D", "select count(*) from t"), "0");
    world.says("kick manual 0");
    assert_eq!(world.value("D", "select count(*) from t"), "2");
}
