//! Tables change under a running kid, without a word to us: what was planned before is not used
//! after. Everything an ordinary owner does.

use super::case::{Case, Draft, case};
use super::failpoints;
use super::rights::{OWNER, world as limited};
use super::world::shared;
use crate::daemon::world::{PATIENCE, World, gone, send};
use crate::harness::wait_until;
use nix::sys::signal::Signal;
use std::fs;
use std::sync::Once;

/// Tables of a role that is no superuser.
pub(super) fn owned(name: &str, ddl: &str) -> Draft<'static> {
    static ROLE: Once = Once::new();
    ROLE.call_once(|| shared().cluster.connect("postgres").batch_execute("create role shop").unwrap());
    case(
        name,
        &format!("grant create on schema public to shop; set session authorization shop; {ddl}; reset session authorization"),
    )
}

pub(super) fn as_owner(sql: &str) -> String {
    format!("set session authorization shop; {sql}; reset session authorization")
}

/// Runs statements as the owner on both databases, on the target first, as one does with DDL.
pub(super) fn on_both(case: &mut Case, sql: &str) {
    case.b.batch_execute(&as_owner(sql)).unwrap();
    case.write(&as_owner(sql));
}

/// The kid has its plans, and stages.
pub(super) fn warm(draft: Draft<'static>, sql: &str) -> Case<'static> {
    let mut case = draft.run();
    case.write(sql);
    case.arrives();
    case
}

const NARROW: &str =
    "create table pr (id integer primary key, n numeric(6,1), ns numeric(6,1)[], r real, w varchar(4), c char(2), b bit(2),
    at timestamp(0), d interval second(0), day date, f numeric(4,0))";

const WIDER: &str = "alter table pr alter n type numeric(12,4), alter ns type numeric(12,4)[], alter r type double precision,
    alter w type varchar(20), alter c type char(8), alter b type varbit(8), alter at type timestamp, alter d type interval,
    alter day type timestamp, alter f type double precision";

const PRECISE: &str = "1.2345, '{2.3456}', 0.1234567890123, 'much longer', 'longer', b'10101', '2026-01-02 03:04:05.678901',
    '3.456 s', '2026-01-02 03:04:05.6', 7.25";

#[test]
fn columns_get_wider_and_nothing_is_rounded_to_what_they_were() {
    let mut case = warm(
        owned("stale_wider", NARROW),
        "insert into pr values (1, 1.2, '{3.4}', 0.5, 'abcd', 'xy', b'11', '2026-01-01', '2 s', '2026-01-01', 3)",
    );
    on_both(&mut case, WIDER);
    case.write(&format!("insert into pr values (2, {PRECISE}); update pr set n = 5.6789 where id = 1"));
    case.arrives();
    assert_eq!(
        case.at_target("select concat_ws(' ', n, at, d, f) from pr where id = 2"),
        "1.2345 2026-01-02 03:04:05.678901 00:00:03.456 7.25"
    );
    case.finish();
}

#[test]
fn what_does_not_fit_yet_waits_until_the_target_is_wider_too() {
    let ddl = "create table pr (id integer primary key, n numeric(6,1), at timestamp(0), r real)";
    for (name, wider, value) in [
        ("stale_first_n", "alter n type numeric(12,4)", "1.2345, null, null"),
        ("stale_first_at", "alter at type timestamp", "null, '2026-01-02 03:04:05.678901', null"),
        ("stale_first_r", "alter r type double precision", "null, null, 0.1234567890123"),
    ] {
        let mut case = warm(owned(name, ddl), "insert into pr values (1, 1.2, '2026-01-01', 0.5)");
        let wider = as_owner(&format!("alter table pr {wider}"));
        case.write(&wider);
        case.write(&format!("insert into pr values (2, {value})"));
        assert_ne!(shared().ctl(&["kick", name, "20"]).code(), 0);
        let status = shared().ctl(&["status", name]).ok();
        assert!(status.contains("Table \"public.pr\"") && status.contains("on the source"), "{status}");
        assert_eq!(case.at_target("select count(*) from pr"), "1", "nothing was rounded");
        case.b.batch_execute(&wider).unwrap();
        // A kick may meet an attempt that began before.
        case.becomes_equal();
        case.finish_after_deaths();
    }
}

#[test]
fn a_target_may_be_wider_than_its_source_for_a_while() {
    let mut case = warm(
        owned("stale_wide_first", "create table pr (id integer primary key, n numeric(6,1), w varchar(4), i integer)"),
        "insert into pr values (1, 1.2, 'abcd', 1)",
    );
    let wider = as_owner("alter table pr alter n type numeric(12,4), alter w type varchar(20), alter i type bigint");
    case.b.batch_execute(&wider).unwrap();
    case.write("insert into pr values (2, 3.4, 'efgh', 2)");
    case.settle();
    assert_eq!(case.at_target("select concat_ws(' ', n, w, i) from pr where id = 2"), "3.4000 efgh 2");
    case.write(&wider);
    case.write("insert into pr values (3, 5.6789, 'much longer', 30000000000)");
    case.finish();
}

#[test]
fn masters_with_wider_columns_round_nothing_in_either_direction() {
    let world = World::with(&["A", "B"], &[]);
    for name in ["A", "B"] {
        world.at(name, "create table pr (id integer primary key, n numeric(6,1), r real, at timestamp(0))");
    }
    world.says("add table pr db=A herd=h");
    world.says("add sync s type=swap source=h targetdb=B");
    world.says("start");
    world.at("A", "insert into pr values (1, 1.2, 0.5, '2026-01-01')");
    world.says("kick s 0");
    for name in ["B", "A"] {
        world.at(name, "alter table pr alter n type numeric(12,4), alter r type double precision, alter at type timestamp");
    }
    world.at("A", "insert into pr values (2, 1.2345, 0.1234567890123, '2026-01-02 03:04:05.678901')");
    world.at(
        "B",
        "insert into pr values (3, 2.3456, 0.2345678901234, '2026-01-02 03:04:05.678902'); update pr set n = 9.8765 where id = 1",
    );
    world.says("kick s 0");
    let rows = "select string_agg(x::text, ' ' order by id) from pr x";
    assert_eq!(world.value("A", rows), world.value("B", rows));
    assert!(world.value("A", rows).contains("1.2345") && world.value("A", rows).contains("2.3456,0.2345678901234"));
    assert!(world.value("B", rows).contains("(1,9.8765"));
}

/// The role may not switch triggers off, and the unique index makes rows be replaced rather than
/// updated.
#[test]
fn children_that_refer_with_cascade_later_are_not_deleted_with_a_parent_that_changes() {
    let world = limited(OWNER);
    for name in ["A", "B"] {
        world.at(name, "grant create on schema public to carrier; alter table u add w integer unique");
    }
    world.run_sync("s", "targetdb=B");
    world.at(
        "A",
        "insert into t select i from generate_series(1, 5) i; insert into u select i, 0, i from generate_series(1, 5) i",
    );
    world.says("kick s 0");
    world.at("B", "set session authorization carrier; create table own (id integer references u on delete cascade, w integer references t on delete set null);
        insert into own values (1, 1), (2, 2)");
    world.at("A", "update u set counter = 7; update t set counter = 7");
    world.says("kick s 0");
    assert_eq!(world.value("B", "select string_agg(concat_ws(' ', id, w), ', ' order by id) from own"), "1 1, 2 2");
    assert_eq!(world.value("B", "select sum(counter) from u"), "35");
    // A deletion would take rows along of a table that is not replicated: refused as `validate`
    // does it, and nothing is gone.
    world.at("A", "delete from u where id = 1");
    world.run("kick s 20");
    assert!(
        world.value("B", "select count(*) from own where id = 1") == "1" || world.value("B", "select count(*) from u") == "4"
    );
}

#[test]
fn two_changes_that_leave_the_number_of_columns_as_it_was_are_seen() {
    let ddl = "create table one (id integer primary key, a text, b text); create table two (id integer primary key, a text)";
    let mut case = warm(owned("stale_sum", ddl), "insert into one values (1, 'a', 'b'); insert into two values (1, 'a')");
    // Dropped columns count no less than live ones, so nothing is added up here.
    on_both(&mut case, "alter table one drop column b; alter table two add column b text");
    case.write("insert into one values (2, 'a'); insert into two values (2, 'a', 'b'); update two set b = 'new' where id = 1");
    case.arrives();
    on_both(
        &mut case,
        "alter table one rename column a to b; alter table two alter column b set not null, alter column a type integer using 1",
    );
    case.write("insert into one values (3, 'b'); insert into two values (3, 7, 'b')");
    case.finish();
}

#[test]
fn a_unique_index_that_comes_later_lets_rows_exchange_their_values() {
    let mut case = warm(
        owned("stale_unique", "create table seat (id integer primary key, place integer)"),
        "insert into seat select i, i from generate_series(1, 9) i",
    );
    on_both(&mut case, "alter table seat add unique (place)");
    case.write("update seat set place = -place; update seat set place = 10 + place");
    case.arrives();
    on_both(&mut case, "alter table seat drop constraint seat_place_key, add exclude (place with =) deferrable");
    case.write("update seat set place = 10 - place");
    case.finish();
}

#[test]
fn columns_become_generated_identities_and_other_collations() {
    let ddl = "create table g (id integer primary key, a integer, b integer, c text)";
    let mut case = warm(owned("stale_generated", ddl), "insert into g values (1, 1, 1, 'x')");
    on_both(
        &mut case,
        "alter table g alter a set not null; alter table g alter a add generated always as identity (start 10), alter c type text collate \"C\"",
    );
    case.write("insert into g (id, b, c) values (2, 2, 'y')");
    case.arrives();
    if shared().cluster.major() >= 12 {
        on_both(&mut case, "alter table g drop column b; alter table g add column b integer generated always as (id * 2) stored");
        case.write("insert into g (id, c) values (3, 'z')");
    }
    case.finish();
}

#[test]
fn a_target_that_was_made_partitioned_or_got_a_rule_is_planned_anew() {
    if shared().cluster.major() < 11 {
        return;
    }
    let ddl = "create table k (id integer primary key, v text); create table seen (id integer)";
    let mut case = warm(owned("stale_kind", ddl).tables(&["public.k"]), "insert into k values (1, 'a')");
    case.b
        .batch_execute(&as_owner(
            "begin; alter table k rename to k_1; alter table k_1 rename constraint k_pkey to k_1_pkey;
             create table k (id integer primary key, v text) partition by range (id); alter table k attach partition k_1 for values from (0) to (100);
             create table k_2 partition of k default; commit",
        ))
        .unwrap();
    case.write("insert into k values (2, 'b'), (200, 'c'); update k set v = 'd' where id = 1");
    case.settle();
    assert_eq!(case.at_target("select string_agg(id || v, ' ' order by id) from k"), "1d 2b 200c");
    shared().ctl(&["deactivate", "stale_kind", "0"]).ok();
}

/// Every step of a round from which DDL may come in between, and what an owner does there.
#[test]
fn ddl_in_the_middle_of_a_round_never_writes_by_the_old_plan() {
    let swap = "begin; alter table t rename to t_old; create table t (id integer primary key, counter integer not null default 0); commit";
    for (step, on, ddl, expected) in [
        ("Looked", "A", "alter table t alter counter type numeric(6,2); update t set counter = 1.25 where id = 1", "1:1.25"),
        ("Looked", "B", "alter table t rename counter to c; alter table t add counter integer not null default 0", "1:1"),
        (
            "Looked",
            "A",
            "alter table t rename to t_old; create table t (id integer primary key, counter integer not null default 0)",
            "1:0",
        ),
        ("BeforeTriggerDrop", "A", swap, "1:0"),
        ("AfterTriggerDrop", "A", swap, "1:0"),
        (
            "BeforeTriggerDrop",
            "B",
            "drop table t; create table t (id integer primary key, counter integer not null default 0)",
            "1:1",
        ),
    ] {
        let world = limited(OWNER);
        ["A", "B"].iter().for_each(|name| world.at(name, "grant create on schema public to carrier"));
        world.says("add sync s type=pushdelta source=h targetdb=B");
        failpoints::start(&world);
        world.at("A", "insert into t values (1)");
        world.says("kick s 0");
        let wish = failpoints::wish(&world, step, "stop");
        world.at("A", "update t set counter = 1 where id = 1");
        wait_until("the kid stands still", PATIENCE, || (!wish.exists()).then_some(()));
        let kid = world.pid("kid.sync.s.B");
        if step == "Looked" && on == "A" && ddl.contains("numeric") {
            world.at("B", "set session authorization carrier; alter table t alter counter type numeric(6,2)");
        }
        world.at(on, &format!("set session authorization carrier; {ddl}"));
        send(kid, Signal::SIGCONT);
        world.run("kick s 20");
        let rows = "coalesce((select string_agg(id || ':' || counter, ' ' order by id) from t), 'none')";
        if expected == "1:0" {
            // What is under the name now has nothing to do with what was to be carried, and no row
            // of the target may go because of it.
            assert!(["1:0", "1:1"].contains(&world.value("B", rows).as_str()), "{step} {on} {ddl}: {}", world.value("B", rows));
        } else {
            world.becomes("B", rows, expected);
        }
        world.says("stop");
        gone(&[kid]);
        let _ = fs::remove_file(wish);
    }
}
