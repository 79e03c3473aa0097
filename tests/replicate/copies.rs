//! Copies of whole tables: fullcopy, the copy that is made once, and the one that is less work than
//! many changes.

use super::failpoints;
use crate::daemon::world::{PATIENCE, World, send};
use crate::harness::wait_until;
use bucardo::control::channel;
use fallible_iterator::FallibleIterator;
use nix::sys::signal::Signal;
use postgres::Client;
use std::sync::atomic::{AtomicBool, Ordering};

const ROWS: &str = "coalesce((select string_agg(id || ':' || counter, ' ' order by id) from t), 'none')";

fn equal(world: &World, one: &str, other: &str) {
    for table in ["t", "u"] {
        let all = format!("select count(*) || coalesce(md5(string_agg({table}::text, ' ' order by id)), '') from {table}");
        assert_eq!(world.value(one, &all), world.value(other, &all), "table {table}");
    }
}

#[test]
fn a_fullcopy_brings_everything_at_each_run_and_removes_what_only_the_target_had() {
    for method in ["delete", "truncate", "truncate_cascade"] {
        let world = World::with(&["A", "B"], &[]);
        world.at("A", "insert into t select n, n from generate_series(1, 1000) n; insert into u values (1)");
        world.at("B", "insert into t values (5, 0), (2000, 0)");
        world.says("add sync s type=fullcopy source=h targetdb=B");
        let set = "update bucardo.sync set deletemethod = $1";
        world.installed.control().execute(set, &[&method]).unwrap();
        world.says("start");
        world.says("kick s 0");
        equal(&world, "A", "B");
        world.at("A", "delete from t where id > 10; update t set counter = 7 where id = 3");
        world.becomes("B", "select count(*) from t", "10");
        world.says("kick s 0");
        equal(&world, "A", "B");
    }
}

/// A strict sync carries all that the source has.
#[test]
fn a_fullcopy_stops_at_a_column_that_the_target_begins_to_compute() {
    let world = World::with(&["A", "B"], &[]);
    if world.server("B").major() < 13 {
        return;
    }
    world.says("add sync s type=fullcopy source=h targetdb=B");
    world.says("start");
    world.at("A", "insert into t values (1, 2)");
    world.says("kick s 0");
    world.at("B", "alter table t drop counter, add counter integer generated always as (7) stored");
    // An attempt that began before is told by the server.
    wait_until("the sync says what is in the way", PATIENCE, || {
        world.run("kick s 20").ended_with(2).stderr.contains("column \"counter\" is computed here").then_some(())
    });
    world.at("B", "alter table t alter counter drop expression");
    has_its_turn(&world);
    equal(&world, "A", "B");
}

/// The sync is kicked until it says that it is done.
fn has_its_turn(world: &World) {
    wait_until("the sync goes on", PATIENCE, || (world.run("kick s 20").code() == 0).then_some(()));
}

/// The definitions of a table's indexes, and their object ids: an index that is dropped and made
/// again has another.
fn indexes(world: &World, table: &str) -> (String, Vec<String>) {
    let all = "select string_agg(indexdef, E'\\n' order by indexname) from pg_indexes where tablename = '@'";
    let ids = "select string_agg(indexrelid::text, ' ' order by indexrelid::regclass::text) from pg_index where indrelid = '@'::regclass";
    let ids = world.value("B", &ids.replace('@', table));
    (world.value("B", &all.replace('@', table)), ids.split(' ').map(str::to_owned).collect())
}

#[test]
fn the_indexes_of_a_large_table_are_set_aside_while_it_is_filled_where_it_is_asked_for() {
    let world = World::with(&["A", "B"], &[]);
    world.at(
        "A",
        "insert into t select n, n from generate_series(1, 120000) n; insert into u select n from generate_series(1, 10) n",
    );
    world.at("A", "analyze");
    world.at(
        "B",
        "create index t_1 on t (counter); create index t_2 on t ((counter * 2), id desc) where id > 7; create unique index t_3 on t (id);
         create index t_commented on t (counter); comment on index t_commented is 'kept'; create index u_1 on u (id);
         alter table t replica identity using index t_3; create index \"t -- 4\" on t (counter)",
    );
    world.says("add sync s type=fullcopy source=h targetdb=B");
    let set = "update bucardo.sync set deletemethod = 'truncate'; update bucardo.goat set rebuild_index = 1";
    world.installed.control().batch_execute(set).unwrap();
    let before = ["t", "u"].map(|table| indexes(&world, table));
    world.says("start");
    world.says("kick s 0");
    equal(&world, "A", "B");
    let after = ["t", "u"].map(|table| indexes(&world, table));
    assert_eq!(after.each_ref().map(|(all, _)| all), before.each_ref().map(|(all, _)| all));
    let anew: Vec<bool> = before[0].1.iter().zip(&after[0].1).map(|(before, after)| before != after).collect();
    assert_eq!(anew, [true, true, true, false, false, false], "t -- 4, t_1, t_2, t_3, t_commented, t_pkey");
    assert_eq!(before[1].1, after[1].1, "u is small");

    world.installed.control().batch_execute("update bucardo.goat set rebuild_index = 0").unwrap();
    world.says("reload s");
    world.says("kick s 0");
    assert_eq!(indexes(&world, "t"), after[0], "nobody has asked");
}

#[test]
fn the_indexes_of_an_empty_table_are_set_aside_where_it_is_asked_for_and_nobody_reads_it() {
    let world = World::with(&["A", "B"], &[]);
    world.at("A", "insert into t select n, n from generate_series(1, 120000) n; analyze t");
    world.at("B", "create index t_1 on t (counter)");
    world.installed.control().execute("update bucardo.goat set rebuild_index = 1", &[]).unwrap();
    world.says("add sync s type=pushdelta source=h targetdb=B onetimecopy=1");
    let before = indexes(&world, "t");
    let mut reader = world.db("B");
    reader.batch_execute("begin; select from t").unwrap();
    world.says("start");
    // Building an index anew waits for him.
    world.becomes("B", "select count(*) > 0 from pg_locks where not granted", "true");
    reader.batch_execute("commit").unwrap();
    world.logs("Finished syncing to B");
    assert_eq!(indexes(&world, "t"), before, "somebody was reading");
    world.at("B", "truncate t");
    world.says("update sync s onetimecopy=1");
    world.says("reload s");
    // Whoever looked into the table now would be one who reads it.
    world.becomes("control", "select onetimecopy from bucardo.sync", "0");
    assert_eq!(world.value("B", "select count(*) from t"), "120000");
    let after = indexes(&world, "t");
    assert!(after.0 == before.0 && after.1[0] != before.1[0] && after.1[1] == before.1[1], "{after:?}");
    equal(&world, "A", "B");
}

/// What a session hears until it hears from `last`.
fn heard_until(client: &mut Client, last: &str) -> Vec<String> {
    let mut heard = Vec::new();
    let mut notifications = client.notifications();
    let mut incoming = notifications.timeout_iter(PATIENCE);
    while let Some(notice) = incoming.next().unwrap() {
        heard.push(notice.channel().to_owned());
        if notice.channel() == last {
            return heard;
        }
    }
    panic!("nothing on {last}, only {heard:?}");
}

#[test]
fn a_fullcopy_that_takes_long_is_not_followed_by_another() {
    let world = World::with(&["A", "B"], &[]);
    world.at("A", "insert into t values (1)");
    world.at("B", "create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(10.5); return null; end'");
    world.at("B", "create trigger slow before insert on t execute procedure slow(); alter table t enable always trigger slow");
    world.says("add sync s type=fullcopy source=h targetdb=B");
    world.installed.close();
    let mut control = world.installed.control();
    let private = "select 'bucardo_' || md5(word || $1) from bucardo.channel_secret";
    let kick: String = control.query_one(private, &[&channel::ctl_kick("s")]).unwrap().get(0);
    let done = channel::target_done("s", "B");
    control.batch_execute(&format!("listen \"{done}\"; listen \"{kick}\"")).unwrap();
    world.says("start");
    heard_until(&mut control, &done);
    // The kid answers after all that it had to say about the job.
    let kid = world.pid("kid.sync.s.B");
    control.batch_execute(&format!("listen bucardo_kid_{kid}_pong; notify bucardo_kid_{kid}_ping")).unwrap();
    let heard = heard_until(&mut control, &format!("bucardo_kid_{kid}_pong"));
    assert!(!heard.contains(&kick), "{heard:?}");
}

#[test]
fn a_fullcopy_needs_no_key_and_may_select_what_it_copies() {
    let world = World::with(&["A", "B"], &[]);
    for name in ["A", "B"] {
        world.at(name, "create table log (line text, private text)");
    }
    world.at("A", "insert into log values ('one', 'x'), ('one', 'x'), ('two', 'y')");
    world.says("add table log db=A herd=logs");
    let select = "update bucardo.goat set customselect = 'select line from public.log', pkey = 'line', pkeytype = 'text' where tablename = 'log'";
    world.installed.control().batch_execute(&format!("set bucardo.validating = 'on'; {select}")).unwrap();
    world.says("add sync s type=fullcopy source=logs targetdb=B status=inactive");
    world.installed.control().execute("update bucardo.sync set usecustomselect = true, status = 'active'", &[]).unwrap();
    world.says("validate s");
    world.says("start");
    world.says("kick s 0");
    assert_eq!(
        world.value("B", "select string_agg(line || coalesce(private, '-'), ' ' order by line) from log"),
        "one- one- two-"
    );
}

#[test]
fn a_copy_that_is_made_once_loses_nothing_that_is_written_meanwhile() {
    let world = World::with(&["A", "B"], &[]);
    world.at("A", "insert into t select n, n from generate_series(1, 20000) n");
    world.at("B", "insert into t values (99999, 1)");
    world.says("add sync s type=pushdelta source=h targetdb=B onetimecopy=1");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (mut client, done_) = (world.db("A"), &done);
        scope.spawn(move || {
            for n in 0_i32.. {
                client.execute("update t set counter = counter + 1 where id = $1", &[&(n % 300 + 1)]).unwrap();
                client.execute("insert into t values ($1) on conflict do nothing", &[&(n + 30_000)]).unwrap();
                if done_.load(Ordering::Relaxed) {
                    return;
                }
            }
        });
        let copied = std::panic::catch_unwind(|| {
            world.says("start");
            world.says("kick s 0");
            world.becomes("control", "select onetimecopy from bucardo.sync", "0");
        });
        done.store(true, Ordering::Relaxed);
        copied.unwrap();
    });
    world.says("kick s 0");
    equal(&world, "A", "B");
}

#[test]
fn only_empty_tables_are_copied_where_that_is_wanted() {
    let world = World::with(&["A", "B"], &[]);
    world.at("A", "insert into t values (1, 1); insert into u values (1, 1)");
    world.at("B", "insert into t values (2, 2)");
    world.says("add sync s type=pushdelta source=h targetdb=B onetimecopy=2");
    world.says("start");
    world.says("kick s 0");
    assert_eq!(world.value("B", "select count(*) from u"), "1");
    // The row of A was changed before the sync was added, and t was not empty.
    assert_eq!(world.value("B", ROWS), "2:2");
}

#[test]
fn a_table_that_is_added_to_a_running_sync_is_copied_and_goes_on_from_there() {
    let world = World::with(&["A", "B"], &[]);
    world.run_sync("s", "targetdb=B");
    for name in ["A", "B"] {
        world.at(name, "create table w (id integer primary key)");
    }
    world.at("A", "insert into w select generate_series(1, 100); insert into t values (1)");
    world.says("add table w db=A herd=h");
    world.installed.control().execute("update bucardo.sync set onetimecopy = 2", &[]).unwrap();
    world.says("validate s");
    world.says("reload s");
    world.at("A", "insert into w values (101); delete from w where id = 1");
    world.says("kick s 0");
    assert_eq!(world.value("B", "select count(*) || ' ' || min(id) from w"), "100 2");
    assert_eq!(world.value("B", "select count(*) from t"), "1");
}

#[test]
fn masters_begin_equal_when_the_first_ones_rows_are_copied() {
    let world = World::with(&["A", "B"], &[]);
    world.at("A", "insert into t values (1, 1)");
    world.at("B", "insert into t values (1, 9), (2, 2)");
    world.says("add sync s type=swap source=h targetdb=B onetimecopy=1");
    world.says("start");
    world.says("kick s 0");
    assert_eq!((world.value("A", ROWS), world.value("B", ROWS)), ("1:1".into(), "1:1".into()));
    world.at("B", "insert into t values (3)");
    world.becomes("A", "select count(*) from t", "2");
}

#[test]
fn a_table_of_which_too_much_has_changed_is_copied_as_a_whole_however_small_the_batches() {
    for (batch, threshold) in [(100_000, 50_i64), (20, 150)] {
        let world = World::with(&["A", "B"], &[]);
        let set = "update bucardo.goat set delta_bypass = true, delta_bypass_count = $1 where tablename = 't'";
        world.installed.control().execute(set, &[&threshold]).unwrap();
        world.says(&format!("set batch_changes={batch}"));
        world.says("add sync s type=pushdelta source=h targetdb=B status=active");
        world.at("B", "insert into t values (7777)");
        world.says("start");
        world.at("A", "insert into t select generate_series(1, 40)");
        world.says("kick s 0");
        assert_eq!(world.value("B", "select count(*) from t"), "41", "the changes alone");
        world.at("A", "insert into t select generate_series(41, 300)");
        world.says("kick s 0");
        equal(&world, "A", "B");
    }
}

#[test]
fn what_is_written_on_another_master_during_its_copy_comes_after_it() {
    for kind in [1, 2] {
        let world = World::with(&["A", "B"], &[]);
        world.at("A", "insert into t values (1, 1)");
        world.says(&format!("add sync s type=swap source=h targetdb=B onetimecopy={kind}"));
        failpoints::start(&world);
        let wish = failpoints::wish(&world, "Ship", "stop");
        world.at("A", "insert into t values (2, 2)");
        wait_until("the kid stands still", PATIENCE, || (!wish.exists()).then_some(()));
        let mut other = world.db("B");
        let writing = std::thread::spawn(move || other.batch_execute("insert into t values (77, 7)").unwrap());
        let written = || writing.is_finished() || world.value("B", WAITS) == "1";
        wait_until("somebody writes or waits", PATIENCE, || written().then_some(()));
        send(world.pid("kid.sync.s.B"), Signal::SIGCONT);
        writing.join().unwrap();
        for master in ["A", "B"] {
            world.becomes(master, ROWS, "1:1 2:2 77:7");
        }
    }
}

const WAITS: &str =
    "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%77%' and pid <> pg_backend_pid()";

#[test]
fn a_copy_that_was_made_once_is_not_made_again_by_the_next_kid() {
    let world = World::with(&["A", "B"], &[]);
    world.at("A", "insert into t values (1, 1)");
    world.says("add sync s type=swap source=h targetdb=B onetimecopy=1");
    let wish = failpoints::wish(&world, "Committed", "stop");
    failpoints::start(&world);
    wait_until("the kid stands still when all is committed", PATIENCE, || (!wish.exists()).then_some(()));
    world.at("B", "insert into t values (5, 5)");
    world.end("kid.sync.s.B", Signal::SIGKILL);
    for master in ["A", "B"] {
        world.becomes(master, ROWS, "1:1 5:5");
    }
    world.becomes("control", "select onetimecopy from bucardo.sync", "0");
    world.says("stop");
    world.at("B", "insert into t values (6, 6)");
    world.says("update sync s onetimecopy=1");
    world.says("start");
    world.says("kick s 0");
    assert_eq!(
        (world.value("A", ROWS), world.value("B", ROWS)),
        ("1:1 5:5".into(), "1:1 5:5".into()),
        "it is made for each request"
    );
}

#[test]
fn a_table_that_is_emptied_along_with_another_is_filled_after_it() {
    let world = World::with(&["A", "B"], &[]);
    for name in ["A", "B"] {
        world.at(name, "alter table t add foreign key (counter) references u");
    }
    world.at("A", "insert into u values (1); insert into t values (1, 1)");
    world.says("add sync s type=fullcopy source=h targetdb=B");
    world.installed.control().execute("update bucardo.sync set deletemethod = 'truncate_cascade'", &[]).unwrap();
    world.says("start");
    for _ in 0..2 {
        world.says("kick s 0");
        equal(&world, "A", "B");
    }
}

#[test]
fn a_copy_that_fails_far_in_on_either_side_leaves_the_target_as_it_was() {
    let world = World::with(&["A", "B"], &[]);
    let read = |but: i32| {
        let body = format!("begin if n = {but} then raise ''row % cannot be read'', n; end if; return n; end");
        world.at("A", &format!("create or replace function read(n integer) returns integer language plpgsql as '{body}'"));
    };
    read(190_000);
    world.at("A", "insert into t select n, n from generate_series(1, 200000) n");
    world.at("B", "insert into t values (1, 1)");
    let select =
        "update bucardo.goat set customselect = 'select public.read(id) as id, counter from public.t' where tablename = 't'";
    world.installed.control().batch_execute(&format!("set bucardo.validating = 'on'; {select}")).unwrap();
    world.says("add sync s type=fullcopy source=h targetdb=B status=inactive");
    let use_it = "update bucardo.sync set usecustomselect = true, deletemethod = 'truncate', status = 'active'";
    world.installed.control().batch_execute(use_it).unwrap();
    world.says("validate s");
    world.says("start");
    let fails = |reason: &str| {
        world.run("kick s 0").ended_with(2);
        world.logs(reason);
        assert_eq!(world.value("B", ROWS), "1:1");
    };
    fails("row 190000 cannot be read");
    read(0);
    world.at("B", "alter table t add constraint most check (id <> 180000)");
    fails("violates check constraint");
    world.at("B", "alter table t drop constraint most");
    world.says("kick s 0");
    equal(&world, "A", "B");
}

/// A whole number and a floating one have eight bytes each: taken for one another, they would be
/// wrong without any error.
#[test]
fn a_column_that_gets_another_type_at_one_end_is_copied_by_its_meaning() {
    let world = World::with(&["A", "B"], &[]);
    for side in ["A", "B"] {
        world.at(side, "alter table t alter counter type bigint");
    }
    world.at("A", "insert into t values (1, 7)");
    world.says("add sync s type=fullcopy source=h targetdb=B");
    world.says("start");
    world.says("kick s 0");
    assert_eq!(world.value("B", ROWS), "1:7");
    for (side, kind) in [("A", "double precision"), ("B", "double precision"), ("A", "bigint")] {
        world.at(side, &format!("alter table t alter counter type {kind}"));
        world.at("A", "update t set counter = counter + 1");
        world.says("kick s 0");
        assert_eq!(world.value("B", ROWS), world.value("A", ROWS), "after {kind} on {side}");
    }
    assert_eq!(world.value("A", ROWS), "1:10");
}

/// The round is given up, for what it rests on has changed; the job is to copy nevertheless.
#[test]
fn a_fullcopy_whose_table_is_altered_meanwhile_is_made_all_the_same() {
    let world = World::with(&["A", "B"], &[]);
    world.says("add sync s type=fullcopy source=h targetdb=B ping=false");
    failpoints::start(&world);
    world.at("A", "insert into t values (1, 7)");
    world.says("kick s 0");
    let wish = failpoints::wish(&world, "AfterTriggerDrop", "stop");
    world.says("kick s");
    wait_until("the kid stands still", PATIENCE, || (!wish.exists()).then_some(()));
    world.at("A", "alter table t alter counter type bigint; update t set counter = 8");
    send(world.pid("kid.sync.s.B"), Signal::SIGCONT);
    world.becomes("control", "select count(*) from bucardo.q where ended is null", "0");
    assert_eq!(world.value("B", ROWS), "1:8");
}
