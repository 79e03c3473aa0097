//! What was not captured is known to be missing: it is said where one looks, with a command that
//! evens it out, and that command does.

use super::case::Case;
use super::stale::{as_owner, on_both, owned, warm};
use super::world::shared;
use crate::daemon::world::{PATIENCE, World};
use crate::harness::wait_until;
use std::time::Duration;

const TABLE: &str = "create table t (id integer primary key, v text); create table other (id integer primary key)";
const ROWS: &str = "insert into t select i, 'v' from generate_series(1, 5) i; insert into other values (1)";

/// The gap is told by `validate`, with its exit code, and by `status`, in both dialects; the words
/// are all in it.
pub(super) fn told(case: &Case, words: &[&str]) {
    let name = case.name.as_str();
    let validated = shared().ctl(&["validate", name]).ended_with(1);
    let says_all = || words.iter().all(|word| shared().log().contains(word)).then_some(());
    wait_until("the log tells it", Duration::from_secs(90), says_all);
    let json = shared().ctl(&["status", "--json"]).ok();
    let json = json.lines().find(|line| line.contains(&format!("\"name\":\"{name}\""))).unwrap_or(&json).to_owned();
    for (place, text) in [
        ("validate", validated.stderr),
        ("status", shared().ctl(&["status", name]).ok()),
        ("newer status", shared().bucardo(&["status", name]).ok()),
        ("json", json),
        ("log", shared().log()),
    ] {
        for word in words {
            assert!(text.contains(word), "{place} lacks {word}: {text}");
        }
        assert!(place == "log" || text.contains("onetimecopy=1"), "{place} tells no command: {text}");
    }
}

/// The command evens it out, and then nothing is told any more.
pub(super) fn evened_out(case: &mut Case) {
    let name = case.name.clone();
    shared().ctl(&["update", "sync", &name, "onetimecopy=1"]).ok();
    shared().ctl(&["reload", &name]).ok();
    case.becomes_equal();
    wait_until("the gap is closed", Duration::from_secs(30), || shared().ctl(&["validate", &name]).code().eq(&0).then_some(()));
    for status in [shared().ctl(&["status", &name]).ok(), shared().bucardo(&["status", &name]).ok()] {
        assert!(!status.contains("Missing") && !status.contains("Incomplete"), "{status}");
    }
    case.write("insert into t values (1000, 'later'); update t set v = 'later' where id = 2");
}

#[test]
fn a_table_that_was_swapped_by_name_is_known_to_lack_rows() {
    for (name, ddl) in [
        ("gap_swap", "begin; create table t_new (like t including all); insert into t_new select id, 'new' from t; insert into t_new values (77, 'new');
            alter table t rename to t_old; alter table t_new rename to t; commit"),
        ("gap_drop", "drop table t; create table t (id integer primary key, v text); insert into t values (77, 'new')"),
    ] {
        let mut case = warm(owned(name, TABLE), ROWS);
        case.write(&as_owner(ddl));
        case.write("insert into t values (78, 'new')");
        shared().ctl(&["kick", name, "20"]);
        told(&case, &["public.t", &case.source.clone(), "another table"]);
        case.write("insert into t values (79, 'after validate')");
        case.settle();
        assert_eq!(case.at_target("select v from t where id = 79"), "after validate");
        assert_ne!(case.at_target("select coalesce(max(v), '-') from t where id = 77"), "new");
        evened_out(&mut case);
        case.finish_after_deaths();
    }
}

#[test]
fn a_table_that_was_made_anew_on_the_target_is_known_to_lack_rows() {
    let mut case = warm(owned("gap_target", TABLE), ROWS);
    case.b.batch_execute(&as_owner("drop table t; create table t (id integer primary key, v text)")).unwrap();
    case.write("insert into t values (6, 'v')");
    case.settle();
    assert_eq!(case.at_target("select count(*) from t"), "1");
    told(&case, &["public.t", "gap_target_b", "another table"]);
    evened_out(&mut case);
    case.finish_after_deaths();
}

#[test]
fn an_idle_kick_finds_a_table_that_was_made_anew_on_the_target() {
    let mut case = warm(owned("gap_idle", TABLE), ROWS);
    case.b.batch_execute(&as_owner("drop table t; create table t (id integer primary key, v text)")).unwrap();
    case.settle();
    let status = shared().ctl(&["status", "gap_idle"]).ok();
    assert!(status.contains("public.t"), "{status}");
    evened_out(&mut case);
    case.finish_after_deaths();
}

#[test]
fn a_trigger_that_was_off_is_mended_and_what_it_missed_is_told() {
    for (name, off, on) in [
        ("gap_off", "alter table t disable trigger bucardo_add_delta", ""),
        ("gap_user", "alter table t disable trigger user", ""),
        ("gap_replica", "alter table t enable replica trigger bucardo_add_delta", ""),
        ("gap_back", "alter table t disable trigger bucardo_add_delta", "alter table t enable trigger bucardo_add_delta"),
        ("gap_cut", "alter table t disable trigger bucardo_add_truncate", "alter table t enable trigger bucardo_add_truncate"),
        (
            "gap_once",
            "begin; alter table t disable trigger user; insert into t values (77, 'missed'); alter table t enable trigger user; commit",
            "",
        ),
        ("gap_gone", "drop trigger bucardo_add_delta on t", ""),
    ] {
        let mut case = warm(owned(name, TABLE), ROWS);
        case.write(&as_owner(off));
        let sql =
            if name == "gap_cut" { "truncate t" } else { "insert into t values (78, 'missed'); delete from t where id = 1" };
        case.write(sql);
        case.write(&as_owner(if on.is_empty() { "select" } else { on }));
        shared().ctl(&["kick", name, "20"]);
        told(&case, &["public.t", &case.source.clone(), "trigger"]);
        case.write("insert into t values (79, 'captured')");
        case.settle();
        assert_eq!(case.at_target("select v from t where id = 79"), "captured");
        evened_out(&mut case);
        case.finish_after_deaths();
    }
}

#[test]
fn what_happened_while_no_kid_ran_is_known_as_well() {
    let mut case = warm(owned("gap_asleep", TABLE), ROWS);
    shared().ctl(&["deactivate", "gap_asleep", "0"]).ok();
    case.write(&as_owner("alter table t disable trigger all"));
    case.write("insert into t values (77, 'missed')");
    case.write(&as_owner("alter table t enable trigger all"));
    shared().ctl(&["activate", "gap_asleep", "0"]);
    case.write("insert into t values (78, 'captured')");
    case.settle();
    told(&case, &["public.t", "gap_asleep_a", "trigger"]);
    evened_out(&mut case);
    case.finish_after_deaths();
}

#[test]
fn a_table_that_moved_to_another_schema_and_back_is_told() {
    let mut case = warm(owned("gap_schema", TABLE), ROWS);
    case.a.batch_execute("create schema elsewhere authorization shop").unwrap();
    case.write(&as_owner("alter table t set schema elsewhere; create table public.t (id integer primary key, v text)"));
    case.write("insert into t values (9, 'missed')");
    shared().ctl(&["kick", "gap_schema", "20"]);
    told(&case, &["public.t", "gap_schema_a", "another table"]);
    case.write("insert into t values (10, 'captured')");
    evened_out(&mut case);
    case.finish_after_deaths();
}

#[test]
fn what_does_no_harm_is_no_gap() {
    let mut case = warm(owned("gap_none", TABLE), ROWS);
    on_both(
        &mut case,
        "alter table t add column w text; create index on t (v); cluster t using t_pkey; comment on table t is 'x'; grant select on t to public",
    );
    case.write(&as_owner("create trigger mine before insert on t for each row execute procedure suppress_redundant_updates_trigger(); drop trigger mine on t"));
    ["vacuum full t", "analyze t", "reindex table t"].iter().for_each(|sql| case.write(sql));
    case.write("update t set w = 'w'; truncate other; insert into other values (2)");
    case.arrives();
    shared().ctl(&["validate", "gap_none"]).ok();
    shared().ctl(&["reload", "gap_none"]).ok();
    shared().ctl(&["validate", "gap_none"]).ok();
    case.finish();
}

#[test]
fn a_table_that_was_swapped_is_copied_where_a_copy_is_wanted_anyway() {
    let mut case = warm(owned("gap_copy", TABLE), ROWS);
    shared().ctl(&["deactivate", "gap_copy", "0"]).ok();
    case.write(&as_owner("drop table t; create table t (id integer primary key, v text); insert into t values (77, 'new')"));
    shared().ctl(&["update", "sync", "gap_copy", "onetimecopy=1"]).ok();
    shared().ctl(&["validate", "gap_copy"]);
    shared().ctl(&["activate", "gap_copy", "0"]);
    case.becomes_equal();
    wait_until("the gap is closed", Duration::from_secs(30), || {
        shared().ctl(&["validate", "gap_copy"]).code().eq(&0).then_some(())
    });
    case.finish_after_deaths();
}

#[test]
fn the_rows_of_a_partition_that_was_attached_are_carried() {
    if shared().cluster.major() < 11 {
        return;
    }
    let ddl = "create table p (id integer primary key, v text) partition by range (id); create table p_1 partition of p for values from (0) to (100)";
    let mut case = warm(owned("gap_attach", ddl).tables(&["public.p"]), "insert into p values (1, 'a')");
    let empty = "create table p_2 (id integer primary key, v text)";
    case.b
        .batch_execute(&as_owner(&format!("{empty}; alter table p attach partition p_2 for values from (100) to (200)")))
        .unwrap();
    case.write(&as_owner(&format!(
        "{empty}; insert into p_2 select i, 'x' from generate_series(100, 150) i; grant all on p_2 to public"
    )));
    case.write("alter table p attach partition p_2 for values from (100) to (200)");
    case.arrives();
    assert_eq!(case.at_target("select count(*) from p"), "52");
    // A second one while no kid runs, on two levels.
    shared().ctl(&["deactivate", "gap_attach", "0"]).ok();
    let deep =
        "create table p_3 (id integer primary key, v text) partition by range (id); create table p_3_1 partition of p_3 default;";
    case.b.batch_execute(&format!("{deep} alter table p attach partition p_3 for values from (200) to (300)")).unwrap();
    case.write(&format!("{deep} insert into p_3 select i, 'y' from generate_series(200, 250) i; alter table p attach partition p_3 for values from (200) to (300)"));
    shared().ctl(&["activate", "gap_attach", "0"]).ok();
    case.arrives();
    assert_eq!(case.at_target("select count(*) from p"), "103");
    case.finish();
}

#[test]
fn a_trigger_that_was_off_on_one_partition_is_mended_and_told() {
    if shared().cluster.major() < 11 {
        return;
    }
    let ddl = "create table t (id integer primary key, v text) partition by range (id); create table t_1 partition of t for values from (0) to (100);
        create table t_2 partition of t default";
    let mut case = warm(owned("gap_part", ddl).tables(&["public.t"]), "insert into t values (1, 'a'), (2, 'b'), (200, 'c')");
    let named = "select tgname::text from pg_trigger where tgrelid = 't_1'::regclass and tgname like 'bucardo_add_delta%'";
    let trigger: String = case.a.query_one(named, &[]).unwrap().get(0);
    case.write(&as_owner(&format!("alter table t_1 disable trigger {trigger}")));
    case.write("update t set v = 'missed' where id = 1; update t set v = 'captured' where id = 200");
    case.settle();
    assert_eq!(case.at_target("select string_agg(v, ' ' order by id) from t"), "a b captured");
    told(&case, &["public.t", "gap_part_a", "on a partition"]);
    case.write("update t set v = 'after validate' where id = 2");
    case.settle();
    assert_eq!(case.at_target("select v from t where id = 2"), "after validate");
    evened_out(&mut case);
    case.finish_after_deaths();
}

/// Also where only a partition is unlogged.
#[test]
fn an_unlogged_table_that_a_crash_emptied_is_told_on_either_side() {
    const PLAIN: &str = "create unlogged table w (id integer primary key)";
    const PARTED: &str = "create table w (id integer primary key) partition by range (id);
        create unlogged table w_1 partition of w for values from (0) to (3); create table w_2 partition of w for values from (3) to (9)";
    for (crashed, table) in [("A", PLAIN), ("B", PLAIN), ("A", PARTED), ("B", PARTED)] {
        let mut world = World::with(&[], &["A", "B"]);
        if table == PARTED && world.server("A").major() < 11 {
            return;
        }
        for name in ["A", "B"] {
            world.at(name, table);
        }
        world.says("add table w db=A herd=h");
        world.run_sync("s", "targetdb=B");
        world.at("A", "insert into w values (1), (2)");
        world.says("kick s 0");
        assert_eq!(world.value("B", "select count(*) from w"), "2");
        world.says("validate s");
        world.server_mut(crashed).kill();
        world.server_mut(crashed).start();
        world.at("A", "insert into w values (3)");
        world.becomes("B", "select count(*) from w where id = 3", "1");
        let told = world.run("validate s").ended_with(1).stderr;
        assert!(told.contains("public.w") && told.contains("unlogged"), "{told}");
        world.says("update sync s onetimecopy=1");
        world.says("reload s");
        world.becomes("B", "select count(*) from w", &world.value("A", "select count(*) from w"));
        wait_until("the gap is closed", Duration::from_secs(30), || world.run("validate s").code().eq(&0).then_some(()));
    }
}

#[test]
fn among_masters_the_gap_names_the_master_where_it_is() {
    let world = World::with(&["A", "B"], &[]);
    world.says("add sync s type=swap source=h targetdb=B");
    world.says("start");
    world.at("A", "insert into t values (1), (2)");
    world.says("kick s 0");
    world.at("B", "alter table t disable trigger bucardo_add_delta; update t set counter = 5 where id = 1; alter table t enable trigger bucardo_add_delta");
    world.at("A", "insert into t values (3)");
    world.says("kick s 0");
    let told = world.run("validate s").ended_with(1).stderr;
    assert!(told.contains("public.t") && told.contains("\"B\"") && told.contains("onetimecopy=1"), "{told}");
    world.says("update sync s onetimecopy=1");
    world.says("reload s");
    world.becomes("B", "select counter from t where id = 1", "0");
    wait_until("the gap is closed", Duration::from_secs(30), || world.run("validate s").code().eq(&0).then_some(()));
}

/// The KID carries nothing until it has looked at all members, so what it had noticed is not yet
/// so.
#[test]
fn a_look_that_was_interrupted_goes_on_with_the_next() {
    for (name, rename) in [
        ("gap_look_new", "alter table t rename v to w"),
        ("gap_look_exchange", "alter table t rename v to x; alter table t rename w to v; alter table t rename x to w"),
    ] {
        let table = if name == "gap_look_new" { TABLE } else { "create table t (id integer primary key, v text, w text)" };
        let mut case = warm(owned(name, table).setting("kid_pingtime", "1"), "insert into t values (1, 'a'), (2, 'b')");
        case.b.batch_execute(&as_owner("alter table t rename to away")).unwrap();
        case.write(&as_owner(rename));
        let noticed = format!("select count(*) from bucardo.gap where sync = '{name}'");
        wait_until("the rename was noticed", PATIENCE, || {
            (shared().control().query_one(&noticed, &[]).unwrap().get::<_, i64>(0) == 1).then_some(())
        });
        case.b.batch_execute(&as_owner(&format!("alter table away rename to t; {rename}"))).unwrap();
        case.write("insert into t values (3, 'c')");
        case.becomes_equal();
        shared().ctl(&["validate", name]).ended_with(0);
        case.finish_after_deaths();
    }
}

#[test]
fn a_column_that_the_target_begins_to_compute_stops_the_sync_until_it_does_no_more() {
    if shared().cluster.major() < 13 {
        return;
    }
    let mut case = warm(
        owned("computed_later", "create table t (id integer primary key, v text, w text)"),
        "insert into t values (1, 'v', 'w')",
    );
    let computed = "alter table t drop w, add w text generated always as (v || '!') stored";
    case.b.batch_execute(&as_owner(computed)).unwrap();
    case.write("insert into t values (2, 'v', 'w')");
    assert_ne!(shared().ctl(&["kick", "computed_later", "20"]).code(), 0);
    let status = shared().ctl(&["status", "computed_later"]).ok();
    assert!(status.contains("column \"w\" is computed here, and not on the source"), "{status}");
    assert_eq!(case.at_target("select count(*) from t"), "1");
    case.b.batch_execute(&as_owner("alter table t alter w drop expression")).unwrap();
    told(&case, &["public.t", &case.targets[0].clone(), "column w was generated until then"]);
    evened_out(&mut case);
    case.finish_after_deaths();
}

#[test]
fn a_column_that_each_side_computes_otherwise_is_warned_of() {
    if shared().cluster.major() < 12 {
        return;
    }
    let table = |function: &str| {
        format!("create table t (id integer primary key, v text, g text generated always as ({function}(v)) stored)")
    };
    let case = owned("computed_two", &table("upper")).target(&table("lower")).run();
    let told = case.world.ctl(&["validate", "computed_two"]).ended_with(0).stderr;
    assert!(
        told.contains("Warning: Table \"public.t\"") && told.contains("column \"g\" is computed by another expression"),
        "{told}"
    );
}
