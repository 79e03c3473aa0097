//! Several tables copied at once, each in sessions of its own: only where nobody can see that it
//! was not one moment.

use super::failpoints::{start, wish};
use crate::daemon::world::{PATIENCE, World, within_two_seconds};
use crate::harness::wait_until;

/// Tables t and u are full on both sides, with other rows; nothing runs yet.
fn full(method: &str) -> World {
    let world = World::with(&["A", "B"], &[]);
    for (name, rows) in [("A", 3000), ("B", 10)] {
        for table in ["t", "u"] {
            world.at(name, &format!("insert into {table} select n, {rows} from generate_series(1, {rows}) n"));
        }
    }
    world.says("add sync s type=fullcopy source=h targetdb=B status=inactive");
    world.at("control", &format!("update bucardo.sync set deletemethod = '{method}', status = 'active'"));
    world
}

/// Copies, and makes sure that no kid got to where several sessions commit.
fn is_copied_in_one_transaction(world: &World) {
    let wish = wish(world, "HandCommitted", "");
    start(world);
    world.says("kick s 0");
    world.becomes_equal("A", "B");
    assert!(wish.exists());
}

/// One table after another is all there is to be seen on a machine with one processor.
fn has_processors() -> bool {
    std::thread::available_parallelism().is_ok_and(|processors| processors.get() > 1)
}

#[test]
fn tables_that_readers_wait_for_anyway_are_copied_at_once() {
    let world = full("truncate");
    let mut reader = world.db("B");
    reader.batch_execute("begin; lock table t in access share mode").unwrap();
    world.says("start");
    if has_processors() {
        let waits = "select count(distinct pid) from pg_locks where mode = 'AccessExclusiveLock' and database = \
            (select oid from pg_database where datname = 'b') and (relation = 't'::regclass and not granted or relation = 'u'::regclass and granted)";
        world.becomes("B", waits, "2");
    }
    reader.batch_execute("rollback").unwrap();
    world.says("kick s 0");
    world.becomes_equal("A", "B");
}

#[test]
fn tables_that_readers_can_watch_change_at_one_moment() {
    let referenced = "alter table u add foreign key (id) references t; ";
    let trigger = "create function f() returns trigger language plpgsql as 'begin return new; end'; \
        create trigger f before insert on t for each row execute procedure f(); alter table t enable always trigger f";
    for (method, ddl) in [("delete", ""), ("truncate_cascade", ""), ("truncate", referenced), ("truncate", trigger)] {
        let world = full(method);
        world.at("B", ddl);
        is_copied_in_one_transaction(&world);
    }
}

#[test]
fn one_table_after_another_is_copied_where_that_is_wanted() {
    let world = full("truncate");
    world.says("set copy_jobs=1");
    is_copied_in_one_transaction(&world);
}

#[test]
fn a_table_that_fails_leaves_all_others_as_they_were() {
    let world = full("truncate");
    world.at("B", "alter table u add check (counter < 100)");
    world.says("start");
    let reason = "select count(*) > 0 from bucardo.q where aborted is not null and whydie ~ 'public.u.*check constraint'";
    world.becomes("control", reason, "true");
    assert_eq!(world.value("B", "select (select count(*) from t) || ' ' || (select count(*) from u)"), "10 10");
    world.at("B", "alter table u drop constraint u_counter_check");
    world.becomes_equal("A", "B");
}

#[test]
fn a_reader_who_has_one_table_and_wants_another_is_not_held_up_for_long() {
    let world = full("truncate");
    let mut reader = world.db("B");
    reader.batch_execute("begin; select count(*) from t").unwrap();
    world.says("start");
    if has_processors() {
        world.becomes("B", "select count(*) from pg_locks where relation = 'u'::regclass and mode = 'AccessExclusiveLock'", "1");
    }
    // Whoever has u waits for the one who waits for t, and he for this session: no server sees that
    // circle.
    assert_eq!(reader.query_one("select count(*) from u", &[]).unwrap().get::<_, i64>(0), 10);
    reader.batch_execute("commit").unwrap();
    world.becomes_equal("A", "B");
}

#[test]
fn a_stop_is_as_quick_as_ever_while_several_tables_are_copied() {
    let world = full("truncate");
    let mut reader = world.db("B");
    reader.batch_execute("begin; lock table t in access share mode").unwrap();
    world.says("start");
    world.becomes("B", "select count(*) > 0 from pg_locks where relation = 't'::regclass and not granted", "true");
    let kid = world.pid("kid.sync.s.B");
    within_two_seconds(&[kid], || {
        world.says("stop");
    });
    reader.batch_execute("rollback").unwrap();
    assert_eq!(world.value("B", "select (select count(*) from t) || ' ' || (select count(*) from u)"), "10 10");
}

#[test]
fn a_kid_that_dies_between_the_commits_of_two_tables_copies_them_again() {
    for (kind, copy) in [("fullcopy", 0), ("pushdelta", 1), ("pushdelta", 2)] {
        let world = World::with(&["A", "B"], &[]);
        for table in ["t", "u"] {
            world.at("A", &format!("insert into {table} select n, n from generate_series(1, 3000) n"));
        }
        world.says(&format!("add sync s type={kind} source=h targetdb=B onetimecopy={copy}"));
        let wish = wish(&world, "HandCommitted", "");
        start(&world);
        if has_processors() {
            let died = || (!wish.exists()).then_some(());
            wait_until("a kid dies between two commits", PATIENCE, died);
        }
        world.at("A", "update t set counter = 0 where id < 100; delete from u where id < 50; insert into u values (9999)");
        world.says("kick s 0");
        world.becomes_equal("A", "B");
    }
}
