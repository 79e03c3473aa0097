//! DDL that changes what rows hold without any trigger: names that go to other columns or labels,
//! and values that ALTER TABLE writes anew. Keys that are affected are carried on; where values may
//! differ, that is told.

use super::gaps::{evened_out, told};
use super::stale::{as_owner, on_both, owned, warm};
use super::world::shared;
use crate::harness::wait_until;
use std::time::Duration;

const TABLE: &str = "create type mood as enum ('low', 'high');
    create table t (id integer primary key, v text, w text, at timestamp, m mood, g integer generated always as (id * 3) stored)";
const ROWS: &str =
    "insert into t (id, v, w, at, m) select i, 'v' || i, 'w' || i, '2020-02-02 10:00', 'low' from generate_series(1, 5) i";
const OLD_GENERATED: &str = "create type mood as enum ('low', 'high'); create table t (id integer primary key, v text, w text, at timestamp, m mood, g integer)";

/// Version 10 and 11 have no generated columns.
fn table() -> &'static str {
    if shared().cluster.major() >= 12 { TABLE } else { OLD_GENERATED }
}

const PAIR: &str = "create table p (a integer, b integer, v text, primary key (a, b));
    create table q (a integer, b text, v text, primary key (a, b))";
const PAIRS: &str =
    "insert into p select i, i + 100, 'v' from generate_series(1, 6) i; insert into q select a, b::text, v from p";

#[test]
fn key_columns_that_exchange_their_names_go_on_to_be_captured() {
    let exchange = "begin; alter table p rename a to c; alter table p rename b to a; alter table p rename c to b; commit";
    let mut case = warm(owned("ddl_exchange", PAIR), PAIRS);
    on_both(&mut case, exchange);
    case.write("update p set v = 'post' where b = 2; delete from p where b = 3; insert into p (a, b, v) values (1, 2, 'new')");
    case.arrives();
    shared().ctl(&["validate", "ddl_exchange"]).ok();
    case.write("update p set v = 'later' where b = 4; insert into p (a, b, v) values (1, 3, 'new')");
    case.arrives();
    case.finish_after_deaths();
}

#[test]
fn a_key_whose_columns_come_in_another_order_goes_on_to_be_captured() {
    let turn = |table: &str| format!("alter table {table} drop constraint {table}_pkey, add primary key (b, a)");
    let mut case = warm(owned("ddl_order", PAIR), PAIRS);
    on_both(&mut case, &format!("{}; {}", turn("p"), turn("q")));
    case.write("update p set b = 77 where a = 2; update q set b = 'x' where a = 2; delete from q where a = 3; insert into q values (7, 'y', 'z')");
    case.arrives();
    shared().ctl(&["validate", "ddl_order"]).ok();
    case.write("update p set a = 78 where a = 4; update q set v = 'later' where a = 4; delete from q where a = 5");
    case.arrives();
    case.finish_after_deaths();
}

#[test]
fn an_order_of_the_key_that_only_the_source_has_hinders_nothing() {
    let mut case = warm(owned("ddl_source_order", PAIR), PAIRS);
    case.write(&as_owner("alter table q drop constraint q_pkey, add primary key (b, a)"));
    case.write("update q set v = 'new' where a = 1; insert into q values (9, 'x', 'y'); delete from q where a = 2");
    case.arrives();
    shared().ctl(&["validate", "ddl_source_order"]).ok();
    case.write("update q set b = 'other' where a = 4");
    case.arrives();
    case.finish_after_deaths();
}

/// Each of these changes what the table holds on the source, and no trigger fires.
#[test]
fn values_that_ddl_changed_on_the_source_are_told_and_evened_out() {
    for (name, ddl, words) in [
        ("ddl_anew", "alter table t drop v, add v text", "column v was dropped and added"),
        ("ddl_using", "alter table t alter v type text using v || ' changed'", "written the values of column v anew"),
        (
            "ddl_and_using",
            "alter table t alter v type varchar using v || ' changed', alter w type text using w || ' changed'",
            "values of column w anew",
        ),
        ("ddl_keys", "alter table t drop if exists g; alter table t alter id type integer using id + 100", "column id"),
        ("ddl_zone", "set timezone = 'Asia/Tokyo'; alter table t alter at type timestamptz; reset timezone", "column at"),
        (
            "ddl_names",
            "begin; alter table t rename v to z; alter table t rename w to v; alter table t rename z to w; commit",
            "columns were renamed: v was w, w was v",
        ),
    ] {
        let mut case = warm(owned(name, table()), ROWS);
        match name {
            "ddl_keys" => case.b.batch_execute(&as_owner("alter table t drop if exists g")).unwrap(),
            "ddl_zone" => case.b.batch_execute(&as_owner("alter table t alter at type timestamptz")).unwrap(),
            _ => {}
        }
        case.write(&as_owner(ddl));
        case.write("insert into t (id) values (50)");
        case.settle();
        told(&case, &["public.t", &case.source.clone(), words]);
        evened_out(&mut case);
        case.finish_after_deaths();
    }
}

#[test]
fn values_that_ddl_changed_on_the_target_are_told_and_evened_out() {
    for (name, ddl, words) in [
        ("ddl_target_anew", "alter table t drop v, add v text", "column v was dropped and added"),
        ("ddl_target_cut", "alter table t alter at type timestamp(0); alter table t alter at type timestamp", "column at"),
        ("ddl_target_using", "alter table t alter v type text using upper(v)", "written the values of column v anew"),
    ] {
        let mut case = warm(owned(name, table()), ROWS);
        case.b.batch_execute(&as_owner(ddl)).unwrap();
        case.write("insert into t (id) values (50)");
        case.settle();
        told(&case, &["public.t", &case.targets[0].clone(), words]);
        evened_out(&mut case);
        case.finish_after_deaths();
    }
}

/// A sleeping sync finds out by itself: nobody validates, and nothing is written.
#[test]
fn an_idle_sync_finds_out_that_ddl_changed_values() {
    let mut case = warm(owned("ddl_idle", TABLE_PLAIN).setting("kid_pingtime", "1"), "insert into t values (1, 'v')");
    case.write(&as_owner("alter table t alter v type text using v || ' changed'"));
    wait_until("status tells it", Duration::from_secs(30), || {
        shared().ctl(&["status", "ddl_idle"]).ok().contains("column v").then_some(())
    });
    evened_out(&mut case);
    case.finish_after_deaths();
}

const TABLE_PLAIN: &str = "create table t (id integer primary key, v text)";

/// What follows on both sides from the same DDL is no difference.
#[test]
fn ddl_that_keeps_values_on_both_sides_is_not_told() {
    let mut case = warm(owned("ddl_same", TABLE_PLAIN), "insert into t select i, 'v' from generate_series(1, 5) i");
    for ddl in [
        "alter table t alter id type bigint",
        "alter table t alter v set not null, alter v set statistics 500",
        "alter table t add w text; alter table t rename v to x; alter table t rename x to v",
        "alter table t alter v drop not null",
        "begin; alter table t rename v to z; alter table t rename w to v; alter table t rename z to w; commit",
        "alter table t alter v set default 'x', alter v set storage external",
        "cluster t using t_pkey",
        "alter table t alter w type varchar(50)",
        "grant select (v) on t to public",
        "alter table t alter v drop default, alter w type varchar",
    ] {
        on_both(&mut case, ddl);
        if ddl.starts_with("grant") {
            case.write("truncate t");
        }
        case.write("insert into t (id, v) select coalesce(max(id), 0) + 1, 'a' from t");
        case.arrives();
        let validated = shared().ctl(&["validate", "ddl_same"]);
        assert_eq!(validated.code(), 0, "{ddl}: {}{}", validated.stdout, validated.stderr);
    }
    case.finish_after_deaths();
}

#[test]
fn a_gap_that_was_evened_out_otherwise_can_be_accepted() {
    let mut case = warm(owned("ddl_accept", TABLE_PLAIN), "insert into t values (1, 'v')");
    case.write(&as_owner("alter table t alter v type text using upper(v)"));
    case.b.batch_execute("update t set v = upper(v)").unwrap();
    let told = shared().ctl(&["validate", "ddl_accept"]).ended_with(1).stderr;
    assert!(told.contains("column v"), "{told}");
    let unknown = shared().ctl(&["accept", "gaps", "ddl_accept", "public.u"]).ended_with(255).stderr;
    assert!(unknown.contains("\"public.u\""), "{unknown}");
    let accepted = shared().ctl(&["accept", "gaps", "ddl_accept", "public.t"]).ok();
    assert!(accepted.contains("column v"), "{accepted}");
    shared().ctl(&["validate", "ddl_accept"]).ok();
    assert!(shared().ctl(&["accept", "gaps", "ddl_accept"]).ok().contains("not known to miss any changes"));
    case.write("insert into t values (2, 'w')");
    case.arrives();
    case.finish();
}

#[test]
fn labels_that_are_exchanged_are_told() {
    let mut case = warm(owned("ddl_labels", table()).setting("kid_pingtime", "1"), ROWS);
    case.write(&as_owner("alter type mood rename value 'low' to 'x'; alter type mood rename value 'high' to 'low'; alter type mood rename value 'x' to 'high'"));
    case.write("insert into t (id) values (50)");
    case.settle();
    told(&case, &["public.t", &case.source.clone(), "of an enumerated type is another one now"]);
    evened_out(&mut case);
    case.finish_after_deaths();
}

#[test]
fn a_column_that_was_generated_on_the_target_for_too_long_is_told() {
    if shared().cluster.major() < 13 {
        return;
    }
    let mut case = warm(owned("ddl_generated", TABLE).word("strict_checking=false"), ROWS);
    case.write(&as_owner("alter table t alter g drop expression; update t set g = 77 where id = 1"));
    case.settle();
    case.b.batch_execute(&as_owner("alter table t alter g drop expression")).unwrap();
    case.write("insert into t (id) values (50)");
    case.settle();
    told(&case, &["public.t", &case.targets[0].clone(), "column g was generated until then"]);
    evened_out(&mut case);
    case.finish_after_deaths();
}

/// Whatever the order in which the members get the column, what older rows have for it is compared
/// once both have it.
#[test]
fn a_column_that_differs_in_older_rows_from_its_beginning_is_told() {
    let volatile = "alter table t add u double precision default random()";
    let [one, two] = [1, 2].map(|default| format!("alter table t add u integer default {default}"));
    let late = "alter table t add u integer; alter table t alter u set default 1";
    let one_and_wide = "begin; alter table t add u integer default 1; commit; alter table t alter id type bigint";
    let late_and_wide =
        "begin; alter table t add u integer; alter table t alter u set default 1; commit; alter table t alter id type bigint";
    let [anew_one, anew_two] =
        [1, 2].map(|default| format!("alter table t alter id type bigint, add u integer default {default}"));
    for (name, on_source, on_target, target_first, words) in [
        ("ddl_volatile", volatile, volatile, true, "each row got a value of its own"),
        ("ddl_defaults", one.as_str(), two.as_str(), true, "column u was added with another value"),
        ("ddl_defaults_late", one.as_str(), two.as_str(), false, "column u was added with another value"),
        ("ddl_volatile_there", "alter table t add u double precision", volatile, true, "column u was added with another value"),
        ("ddl_volatile_here", volatile, "alter table t add u double precision", true, "each row got a value of its own"),
        ("ddl_default_one", one.as_str(), late, true, "column u was added with another value"),
        ("ddl_anew_defaults", anew_one.as_str(), anew_two.as_str(), false, "column u was added with another value"),
        ("ddl_anew_one", one_and_wide, anew_two.as_str(), true, "column u was added with another value"),
        ("ddl_anew_late", anew_one.as_str(), late_and_wide, true, "column u was added with another value"),
    ] {
        let draft = owned(name, TABLE_PLAIN).word("strict_checking=false");
        let mut case = warm(draft, "insert into t select i, 'v' from generate_series(1, 5) i");
        if target_first {
            case.b.batch_execute(&as_owner(on_target)).unwrap();
            case.write("insert into t (id) values (49)");
            case.settle();
            case.write(&as_owner(on_source));
        } else {
            case.write(&as_owner(on_source));
            case.b.batch_execute(&as_owner(on_target)).unwrap();
        }
        case.write("insert into t (id) values (50)");
        case.settle();
        told(&case, &["public.t", words]);
        evened_out(&mut case);
        case.finish_after_deaths();
    }
}

/// What older rows have is kept beside each partition.
#[test]
fn a_column_of_a_partitioned_table_that_differs_in_older_rows_is_told() {
    if shared().cluster.major() < 11 {
        return;
    }
    let table = "create table t (id integer primary key, v text) partition by range (id);
        create table t_1 partition of t for values from (0) to (100); create table t_2 partition of t default";
    let rows = "insert into t select i * 60, 'v' from generate_series(1, 5) i";
    let add = |default: &str| format!("alter table t add z {default}");
    for (name, on_source, on_target, differs) in [
        ("parted_defaults", add("integer default 2"), add("integer default 1"), true),
        ("parted_moments", add("timestamptz default now()"), add("timestamptz default now()"), true),
        ("parted_same", add("integer default 1"), add("integer default 1"), false),
    ] {
        let draft = owned(name, table).tables(&["public.t"]).word("strict_checking=false");
        let mut case = warm(draft, rows);
        case.b.batch_execute(&as_owner(&on_target)).unwrap();
        case.write("update t set v = 'w' where id = 60");
        case.settle();
        case.write(&as_owner(&on_source));
        case.write("update t set v = 'x' where id = 60");
        case.settle();
        if differs {
            told(&case, &["public.t", "column z was added with another value"]);
            evened_out(&mut case);
        } else {
            shared().ctl(&["validate", name]).ended_with(0);
        }
        case.finish_after_deaths();
    }
}

#[test]
fn a_column_that_is_the_same_in_older_rows_is_no_gap() {
    for (name, ddl) in [
        ("ddl_same_default", "alter table t add u integer default 1"),
        ("ddl_default_after", "alter table t add u integer; alter table t alter u set default 7"),
        ("ddl_no_default", "alter table t add u integer, alter id type bigint"),
        ("ddl_anew_same", "alter table t alter id type bigint, add u integer default 1"),
        ("ddl_anew_cut", "alter table t alter id type bigint, add u varchar(10) default 'k'"),
        ("ddl_anew_digits", "alter table t alter id type bigint, add u numeric(10, 2) default -1"),
    ] {
        let mut case = warm(owned(name, TABLE_PLAIN), "insert into t select i, 'v' from generate_series(1, 5) i");
        case.b.batch_execute(&as_owner(ddl)).unwrap();
        // What arrives before the source has the column gets the target's default.
        if name == "ddl_same_default" {
            case.write("insert into t (id) values (49)");
            case.settle();
        }
        case.write(&as_owner(ddl));
        case.write("insert into t (id) values (50)");
        case.arrives();
        shared().ctl(&["validate", name]).ended_with(0);
        case.finish();
    }
    // The same constant, written into each row on one side only.
    let mut case = warm(owned("ddl_anew_there", TABLE_PLAIN), "insert into t values (1, 'v')");
    case.b.batch_execute(&as_owner("alter table t alter id type bigint, add u text default 'k'")).unwrap();
    case.write(&as_owner("alter table t add u text default 'k'; alter table t alter id type bigint"));
    case.write("insert into t (id) values (50)");
    case.arrives();
    shared().ctl(&["validate", "ddl_anew_there"]).ended_with(0);
    case.finish();
    // Where there are no rows, none differ.
    let mut case = warm(owned("ddl_no_rows", TABLE_PLAIN), "insert into t values (1, 'v'); delete from t");
    on_both(&mut case, "alter table t add u double precision default random()");
    case.write("insert into t (id) values (50)");
    case.arrives();
    shared().ctl(&["validate", "ddl_no_rows"]).ended_with(0);
    case.finish();
}

/// The target had a column of this name, of its own, beside the one that was renamed.
#[test]
fn a_column_that_takes_over_a_name_of_the_target_is_told() {
    let mut case = warm(owned("ddl_take_over", TABLE_PLAIN), "insert into t values (1, 'v')");
    case.b.batch_execute(&as_owner("alter table t add z text")).unwrap();
    case.write(&as_owner("alter table t rename v to z"));
    case.write("insert into t values (2, 'new')");
    case.settle();
    case.b.batch_execute(&as_owner("alter table t drop v")).unwrap();
    told(&case, &["public.t", &case.source.clone(), "column v was renamed to z, and another database has a column z beside v"]);
    shared().ctl(&["update", "sync", "ddl_take_over", "onetimecopy=1"]).ok();
    shared().ctl(&["reload", "ddl_take_over"]).ok();
    case.becomes_equal();
    wait_until("the gap is closed", Duration::from_secs(30), || {
        shared().ctl(&["validate", "ddl_take_over"]).code().eq(&0).then_some(())
    });
    case.finish_after_deaths();
}

/// In whatever order the members rename a column, that is no gap where none has the new name.
#[test]
fn a_column_that_is_renamed_on_all_members_is_no_gap() {
    let mut case = warm(owned("ddl_rename_all", TABLE_PLAIN), "insert into t values (1, 'v')");
    case.write(&as_owner("alter table t rename v to z"));
    shared().ctl(&["kick", "ddl_rename_all", "5"]);
    case.b.batch_execute(&as_owner("alter table t rename v to z")).unwrap();
    case.write("insert into t values (2, 'new')");
    case.becomes_equal();
    case.b.batch_execute(&as_owner("alter table t rename z to v")).unwrap();
    shared().ctl(&["kick", "ddl_rename_all", "5"]);
    case.write(&as_owner("alter table t rename z to v"));
    case.write("insert into t values (3, 'new')");
    case.becomes_equal();
    shared().ctl(&["validate", "ddl_rename_all"]).ended_with(0);
    case.finish_after_deaths();
}
