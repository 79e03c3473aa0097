//! A kid dies at each step of the round: what was written arrives all the same, by itself, and
//! nothing comes twice.

use crate::daemon::world::{PATIENCE, World, gone, send};
use crate::harness::wait_until;
use nix::sys::signal::Signal;
use std::fs;
use std::path::PathBuf;

/// In their order. `AfterTxn` is after the report to q.
pub(super) const STEPS: [&str; 13] = [
    "BeforeCheckRows",
    "Looked",
    "BeforeTriggerDrop",
    "AfterTriggerDrop",
    "Met",
    "Ship",
    "Apply",
    "AfterTableSync",
    "BeforeTriggerEnable",
    "SourcesCommitted",
    "ReceiverCommitted",
    "Committed",
    "AfterTxn",
];

/// Notes each row that a sync writes.
const WITNESS: &str = "create table seen (id integer, counter integer);
    create function witness() returns trigger language plpgsql as $$ begin
        if current_setting('session_replication_role') = 'replica' then insert into public.seen values (new.id, new.counter); end if;
        return null; end $$;
    create trigger witness after insert or update on t for each row execute procedure witness();
    alter table t enable always trigger witness";

/// Wishes that the next kid that gets to this step dies there or, if `what` is `stop`, stands
/// still. The file is gone when it did.
pub(super) fn wish(world: &World, step: &str, what: &str) -> PathBuf {
    let wish = world.installed.dir().join("fail").join(step);
    fs::create_dir_all(wish.parent().unwrap()).unwrap();
    fs::write(&wish, what).unwrap();
    wish
}

/// Starts a daemon whose kids die where they are wanted to.
pub(super) fn start(world: &World) {
    world.installed.call("bucardo_ctl", &["start"]).env("BUCARDO_FAILPOINTS", world.installed.dir().join("fail")).run().ok();
}

/// Lets a kid die at this step while the sync carries what `write` writes on several databases at
/// the same time.
pub(super) fn dies_at(world: &World, step: &str, write: impl FnOnce()) {
    world.says("deactivate s 0");
    write();
    let wish = wish(world, step, "");
    world.says("activate s 0");
    wait_until(&format!("a kid dies at {step}"), PATIENCE, || (!wish.exists()).then_some(()));
}

fn nothing_came_twice(world: &World, member: &str, step: &str) {
    let twice = "select coalesce(string_agg(id || ':' || counter, ' '), '') from \
        (select id, counter from seen group by id, counter having count(*) > 1) as twice";
    assert_eq!(world.value(member, twice), "", "on {member}, after a death at {step}");
}

#[test]
fn with_one_source_nothing_is_lost_or_repeated_wherever_a_kid_dies() {
    let world = World::new();
    ["B", "C"].iter().for_each(|target| world.at(target, WITNESS));
    world.says("add dbgroup g B C");
    world.says("add sync s type=pushdelta source=h targetgroup=g");
    start(&world);
    for (n, step) in (1..).zip(STEPS) {
        dies_at(&world, step, || {
            world.at(
                "A",
                &format!("insert into t select g, {n} from generate_series({n}01, {n}09) g; delete from t where id = {n}01"),
            );
            world.at("A", &format!("update t set id = id + 1000000, counter = 0 where id = {n}00 - 95; update t set counter = {n} where id = {n}02"));
            world.at("A", &format!("insert into u values ({n}); delete from u where id < {n}"));
        });
        for target in ["B", "C"] {
            world.becomes_equal("A", target);
            nothing_came_twice(&world, target, step);
        }
    }
    world.becomes_quiet();
}

#[test]
fn with_two_masters_all_become_equal_and_no_conflict_is_forgotten_wherever_a_kid_dies() {
    let world = World::new();
    ["A", "B", "C"].iter().for_each(|member| world.at(member, WITNESS));
    world.says("add dbgroup g B C");
    world.installed.control().execute("update bucardo.dbmap set role = 'source' where db = 'B'", &[]).unwrap();
    world.says("add sync s type=swap source=h targetgroup=g");
    start(&world);
    world.at("A", "insert into t select generate_series(-100, -1)");
    world.says("kick s 0");
    for (n, step) in (1..).zip(STEPS) {
        dies_at(&world, step, || {
            world.at("A", &format!("update t set counter = {n}1 where id = -1; delete from t where id = -50 - {n}; insert into t values ({n}1, {n}1), ({n}3, {n}3)"));
            world.at(
                "B",
                &format!(
                    "update t set counter = {n}2 where id in (-1, -50 - {n}); insert into t values ({n}2, {n}2), ({n}3, {n}4)"
                ),
            );
            world.at("B", &format!("insert into u values ({n})"));
        });
        let all = ["A", "B", "C"];
        let expected = format!("-1:{n}2 {}:{n}2 {n}1:{n}1 {n}2:{n}2 {n}3:{n}4", -50 - n);
        let rows = format!(
            "select string_agg(id || ':' || counter, ' ' order by id = -1 desc, id) from t where id in (-1, -50 - {n}, {n}1, {n}2, {n}3)"
        );
        all.iter().for_each(|member| world.becomes(member, &rows, &expected));
        world.becomes_equal("A", "B");
        world.becomes_equal("A", "C");
        all.iter().for_each(|member| nothing_came_twice(&world, member, step));
        let keys = format!(
            "select string_agg(distinct key, ' ') from bucardo.conflict where winner = 'B' and key in ('-1', '{}', '{n}3')",
            -50 - n
        );
        assert_eq!(world.value("control", &keys), format!("-1 {} {n}3", -50 - n), "after a death at {step}");
        world.at("control", "delete from bucardo.conflict");
    }
    world.becomes_quiet();
}

#[test]
fn a_truncate_beside_new_rows_ends_the_same_for_all_wherever_a_kid_dies() {
    let world = World::new();
    world.says("add dbgroup g B C");
    world.installed.control().execute("update bucardo.dbmap set role = 'source'", &[]).unwrap();
    world.says("add sync s type=swap source=h targetgroup=g");
    start(&world);
    let turns = [("A", "B", "C"), ("C", "A", "B"), ("B", "C", "A")];
    let all =
        ["Met", "SourcesCommitted", "ReceiverCommitted", "Committed"].iter().flat_map(|step| turns.map(|turn| (*step, turn)));
    for (n, (step, (one, other, third))) in (1..).zip(all) {
        dies_at(&world, step, || {
            world.at(one, &format!("truncate u; insert into u values ({n}1)"));
            world.at(other, &format!("insert into u values ({n}2); delete from t"));
            world.at(third, &format!("insert into u values ({n}3)"));
        });
        let rows = "select string_agg(id::text, ' ' order by id) from u";
        for member in ["A", "B", "C"] {
            world.becomes(member, rows, &format!("{n}1 {n}2 {n}3"));
        }
    }
    world.becomes_quiet();
}

#[test]
fn rows_that_claim_the_same_unique_value_have_one_winner_although_a_kid_died_between_two_commits() {
    for strategy in ["source", "target", "latest"] {
        let world = World::with(&["A", "B"], &[]);
        for name in ["A", "B"] {
            world.at(name, "create table people (id integer primary key, login text unique)");
        }
        world.says("add table people db=A herd=people");
        world.says(&format!("add sync s type=swap source=people targetdb=B conflict_strategy={strategy}"));
        start(&world);
        dies_at(&world, "ReceiverCommitted", || {
            world.at("A", "insert into people values (1, 'anna'), (3, 'carl')");
            world.at("B", "insert into people values (2, 'anna'), (4, 'carl')");
        });
        let winners = if strategy == "source" { "1:anna 3:carl" } else { "2:anna 4:carl" };
        for name in ["A", "B"] {
            world.becomes(name, "select string_agg(id || ':' || login, ' ' order by id) from people", winners);
        }
        let losers = world.value("control", "select string_agg(distinct key, ' ') from bucardo.conflict");
        assert_eq!(losers, if strategy == "source" { "2 4" } else { "1 3" });
        world.becomes_quiet();
    }
}

#[test]
fn what_loses_against_a_row_that_came_late_is_on_record_although_a_kid_died_between_two_commits() {
    let world = World::with(&["A", "B"], &[]);
    for name in ["A", "B"] {
        world.at(name, "create table people (id integer primary key, login text unique)");
    }
    world.says("add table people db=A herd=people");
    world.says("add sync s type=swap source=people targetdb=B");
    start(&world);
    world.says("deactivate s 0");
    world.at("A", "insert into people values (4, 'anna')");
    world.at("B", "insert into people values (4, 'bert')");
    let (apply, committed) = (wish(&world, "Apply", "stop"), wish(&world, "ReceiverCommitted", "die"));
    world.says("activate s 0");
    wait_until("the kid stands still", PATIENCE, || (!apply.exists()).then_some(()));
    world.at("A", "insert into people values (9, 'bert')");
    send(world.pid("kid.sync.s.B"), Signal::SIGCONT);
    wait_until("the kid dies", PATIENCE, || (!committed.exists()).then_some(()));
    for name in ["A", "B"] {
        world.becomes(name, "select string_agg(id || ':' || login, ' ') from people", "9:bert");
    }
    let lost = "select string_agg(winner, ' ' order by id) from bucardo.conflict where key = '4'";
    assert_eq!(world.value("control", lost), "B A", "first A's row 4, then B's");
    let kept = "select details -> 'B' ->> 'login' from bucardo.conflict where key = '4' and winner = 'A'";
    assert_eq!(world.value("control", kept), "bert");
}

#[test]
fn a_row_that_one_master_got_and_emptied_before_the_third_got_it_is_gone_for_all() {
    let world = World::new();
    world.says("add dbgroup g B C");
    world.installed.control().execute("update bucardo.dbmap set role = 'source'", &[]).unwrap();
    world.says("add sync s type=swap source=h targetgroup=g");
    start(&world);
    world.says("kick s 0");
    let wish = wish(&world, "ReceiverCommitted", "stop");
    world.at("B", "insert into u values (1)");
    wait_until("the kid stands still when A has committed", PATIENCE, || (!wish.exists()).then_some(()));
    world.at("A", "truncate u; insert into u values (2)");
    world.end("kid.sync.s.B", Signal::SIGKILL);
    for member in ["A", "B", "C"] {
        world.becomes(member, "select string_agg(id::text, ' ') from u", "2");
    }
    world.says("kick s 0");
    for member in ["A", "B", "C"] {
        assert_eq!(world.value(member, "select string_agg(id::text, ' ') from u"), "2", "on {member}");
    }
}

#[test]
fn a_truncate_that_comes_between_reading_and_writing_waits_for_the_round_and_the_round_for_nobody() {
    let world = World::with(&["A", "B"], &[]);
    world.says("add sync s type=swap source=h targetdb=B");
    start(&world);
    world.at("A", "insert into t values (0)");
    world.at("B", "insert into t values (4)");
    world.says("kick s 0");
    // The kid has carried this table before.
    send(world.pid("kid.sync.s.B"), Signal::SIGSTOP);
    world.at("A", "insert into t values (1)");
    world.at("B", "insert into t values (2)");
    let wish = wish(&world, "Apply", "stop");
    send(world.pid("kid.sync.s.B"), Signal::SIGCONT);
    wait_until("the kid stands still", PATIENCE, || (!wish.exists()).then_some(()));
    let emptying = ["A", "B"].map(|member| {
        let mut client = world.db(member);
        std::thread::spawn(move || client.batch_execute("truncate t; insert into t values (3)").unwrap())
    });
    let waits = "select count(*) from pg_locks where not granted and relation = 't'::regclass and mode = 'AccessExclusiveLock'";
    ["A", "B"].iter().for_each(|member| world.becomes(member, waits, "1"));
    send(world.pid("kid.sync.s.B"), Signal::SIGCONT);
    emptying.into_iter().for_each(|client| client.join().unwrap());
    world.says("kick s 0");
    ["A", "B"].iter().for_each(|member| world.becomes(member, "select string_agg(id::text, ' ') from t", "3"));
    world.becomes_quiet();
}

/// A target whose server writes its WAL to disk only when somebody waits for it.
fn with_a_lazy_target() -> World {
    let mut world = World::with(&[], &["A", "B"]);
    world.server("B").configure(&["wal_writer_delay = 10s", "wal_writer_flush_after = 1GB"]);
    world.server_mut("B").stop();
    world.server_mut("B").start();
    world
}

#[test]
fn rows_that_a_crash_of_the_target_undoes_come_again_and_rows_that_were_reported_are_not_undone() {
    let mut world = with_a_lazy_target();
    world.at("B", WITNESS);
    world.says("add sync s type=pushdelta source=h targetdb=B");
    start(&world);
    world.at("A", "insert into t values (1)");
    world.says("kick s 0");

    let wish = wish(&world, "ReceiverCommitted", "stop");
    world.at("A", "insert into t values (2)");
    wait_until("the kid stands still when B has committed", PATIENCE, || (!wish.exists()).then_some(()));
    let ids = "select string_agg(id::text, ' ' order by id) from t";
    assert_eq!(world.value("B", ids), "1 2");
    let kid = world.pid("kid.sync.s.B");
    world.server_mut("B").kill();
    world.server_mut("B").start();
    assert_eq!(world.value("B", ids), "1", "nobody waited for the second row");
    send(kid, Signal::SIGCONT);
    world.becomes("B", ids, "1 2");
    nothing_came_twice(&world, "B", "ReceiverCommitted");

    world.at("A", "insert into t values (3)");
    world.says("kick s 0");
    world.pids().into_iter().for_each(|pid| send(pid, Signal::SIGKILL));
    world.server_mut("B").kill();
    world.server_mut("B").start();
    assert_eq!(world.value("B", ids), "1 2 3", "a kick has reported the third row");
}

/// A session that ends writes its WAL to disk, since it drops its temporary tables. So the link
/// hangs, and the server has not heard of the death.
#[test]
fn a_kid_answers_for_what_its_predecessor_has_committed() {
    let mut world = with_a_lazy_target();
    world.says("add sync s type=pushdelta source=h targetdb=B");
    let direct =
        world.value("control", "select format('dbhost = %L, dbport = %L', dbhost, dbport) from bucardo.db where name = 'B'");
    let link = world.link("B");
    start(&world);
    world.says("kick s 0");
    let wish = wish(&world, "ReceiverCommitted", "stop");
    world.at("A", "insert into t values (1)");
    wait_until("the kid stands still when B has committed", PATIENCE, || (!wish.exists()).then_some(()));
    link.stall();
    world.at("control", &format!("update bucardo.db set {direct} where name = 'B'"));
    world.end("kid.sync.s.B", Signal::SIGKILL);
    world.says("kick s 0");
    world.pids().into_iter().for_each(|pid| send(pid, Signal::SIGKILL));
    world.server_mut("B").kill();
    world.server_mut("B").start();
    assert_eq!(world.value("B", "select count(*) from t"), "1");
}

#[test]
fn a_kid_that_is_asked_to_stop_when_its_job_is_over_has_not_failed() {
    let world = World::new();
    world.says("add sync s type=pushdelta source=h targetdb=B");
    start(&world);
    world.says("kick s 0");
    let wish = wish(&world, "AfterTxn", "stop");
    world.at("A", "insert into t values (1)");
    wait_until("the kid stands still", PATIENCE, || (!wish.exists()).then_some(()));
    let kid = world.pid("kid.sync.s.B");
    send(kid, Signal::SIGTERM);
    send(kid, Signal::SIGCONT);
    gone(&[kid]);
    world.says("kick s 0");
    assert!(!world.installed.log().contains("was killed"), "{}", world.installed.log());
}

#[test]
fn three_masters_agree_on_what_two_of_them_changed_although_a_kid_died_between_two_commits() {
    for strategy in ["random", "bucardo_latest_all_tables"] {
        let world = World::new();
        world.says("add dbgroup g B C");
        world.installed.control().execute("update bucardo.dbmap set role = 'source'", &[]).unwrap();
        world.says(&format!("add sync s type=swap source=h targetgroup=g conflict_strategy={strategy}"));
        start(&world);
        world.says("kick s 0");
        let wish = wish(&world, "ReceiverCommitted", "stop");
        world.says("deactivate s 0");
        world.at("C", "insert into t select n, 3 from generate_series(1, 20) n");
        world.at("B", "insert into t select n, 2 from generate_series(1, 20) n");
        world.says("activate s 0");
        wait_until("the kid stands still when A has committed", PATIENCE, || (!wish.exists()).then_some(()));
        world.at("C", "insert into u values (1)");
        world.end("kid.sync.s.B", Signal::SIGKILL);
        world.becomes("A", "select count(*) from u", "1");
        world.says("kick s 0");
        world.says("kick s 0");
        world.becomes_equal("A", "B");
        world.becomes_equal("A", "C");
    }
}

#[test]
fn a_sync_can_be_deleted_at_the_moment_when_its_job_ends() {
    let world = World::new();
    world.says("add sync s type=pushdelta source=h targetdb=B");
    start(&world);
    world.says("kick s 0");
    let kid = world.pid("kid.sync.s.B");
    world.at("control", "delete from bucardo.newest_run");
    let committed = wish(&world, "Committed", "stop");
    world.at("A", "insert into t values (1)");
    wait_until("the kid stands still", PATIENCE, || (!committed.exists()).then_some(()));

    // The one that would find a deadlock first, and fail.
    let mut remover = world.installed.cluster.connect("bucardo");
    remover.batch_execute("set deadlock_timeout = 10; begin; select from bucardo.sync for update").unwrap();
    send(kid, Signal::SIGCONT);
    world.becomes("control", "select count(*) > 0 from pg_locks where not granted", "true");
    remover.batch_execute("delete from bucardo.sync; commit").unwrap();
    gone(&[kid]);
}

/// What a source could not capture is answered by a copy also when its kid dies after the receiver
/// has committed, and the source has not heard.
#[test]
fn a_copy_of_which_the_source_has_not_heard_answers_its_gap() {
    for step in ["ReceiverCommitted", "Committed", "AfterTxn"] {
        let world = World::with(&["A", "B"], &[]);
        world.says("add sync s type=pushdelta source=h targetdb=B");
        start(&world);
        world.at("A", "insert into t values (1)");
        world.says("kick s 0");
        let delta = world.value("A", "select deltaname || '_1' from bucardo.bucardo_delta_names order by relname limit 1");
        world.at("A", &format!("drop table bucardo.{delta}"));
        world.at("A", "insert into t values (2)");
        let told = world.run("validate s").ended_with(1).stderr;
        assert!(told.contains("public.t"), "{told}");
        dies_at(&world, step, || drop(world.says("update sync s onetimecopy=1")));
        world.becomes("B", "select count(*) from t", "2");
        wait_until("nothing is missing", PATIENCE, || (world.run("validate s").code() == 0).then_some(()));
        world.at("A", "insert into t values (3)");
        world.becomes("B", "select count(*) from t", "3");
    }
}
