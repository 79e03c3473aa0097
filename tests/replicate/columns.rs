//! What is selected for targets instead of a table's columns.

use crate::daemon::world::World;

/// A, B and C with a table of values.
fn world(databases: &[&str]) -> World {
    let world = World::with(databases, &[]);
    for name in databases {
        world.at(name, "create table w (id integer primary key, v integer)");
    }
    world.says("add table w db=A herd=h");
    world
}

fn columns(world: &World, clause: &str, words: &[&str]) {
    let line = [&["add", "customcols", "public.w", clause], words].concat();
    world.installed.ctl(&line).ok();
}

const ROWS: &str = "select coalesce(string_agg(id || ':' || v, ' ' order by id), '-') from w";

#[test]
fn masters_exchange_whole_rows_and_only_targets_get_what_is_selected() {
    let world = world(&["A", "B", "C"]);
    columns(&world, "select id, v * 30 as v", &[]);
    world.run("add sync s source=h dbs=A:source,B:source,C:target").ok();
    world.says("start");
    world.at("A", "insert into w values (1, 1)");
    world.at("B", "insert into w values (2, 2)");
    world.says("kick s 0");
    for (name, rows) in [("A", "1:1 2:2"), ("B", "1:1 2:2")] {
        assert_eq!(world.value(name, ROWS), rows, "on {name}");
    }
    world.becomes("C", ROWS, "1:30 2:60");
    world.at("B", "update w set v = 5 where id = 1; delete from w where id = 2");
    world.says("kick s 0");
    assert_eq!(world.value("A", ROWS), "1:5");
    world.becomes("C", ROWS, "1:150");
}

/// Also where masters are copied over at first, and conflicts are decided.
#[test]
fn masters_stay_equal_whatever_is_selected_for_targets() {
    let world = world(&["A", "B", "C"]);
    world.at("A", "insert into w values (1, 1)");
    columns(&world, "select id, v * 30 as v from w where v < 100", &[]);
    world.run("add sync s source=h dbs=A:source,B:source,C:target onetimecopy=1").ok();
    world.says("start");
    world.says("kick s 0");
    world.says("deactivate s 0");
    world.at("A", "update w set v = 200 where id = 1");
    world.at("B", "update w set v = 7 where id = 1; insert into w values (3, 300)");
    world.says("activate s 0");
    world.says("kick s 0");
    assert_eq!([world.value("A", ROWS), world.value("B", ROWS)], ["1:7 3:300", "1:7 3:300"]);
    world.becomes("C", ROWS, "1:210");
}

#[test]
fn the_nearest_of_several_clauses_counts_and_no_other() {
    let world = world(&["A", "B", "C", "D"]);
    world.run("add sync s source=h dbs=A:source,B:target,C:target,D:target").ok();
    columns(&world, "select id, v * 10 as v", &[]);
    columns(&world, "select id, v * 100 as v", &["db=B"]);
    columns(&world, "select id, v * 1000 as v", &["sync=s"]);
    columns(&world, "select id, v * 10000 as v", &["db=C", "sync=s"]);
    world.says("start");
    world.at("A", "insert into w values (1, 1)");
    for (name, rows) in [("B", "1:100"), ("C", "1:10000"), ("D", "1:1000")] {
        world.becomes(name, ROWS, rows);
    }
}

#[test]
fn a_clause_for_a_master_by_its_name_counts_and_is_warned_of() {
    let world = world(&["A", "B"]);
    columns(&world, "select id, v * 30 as v", &["db=B"]);
    let added = world.run("add sync s source=h dbs=A:source,B:source").ended_with(0);
    let told =
        "Warning: Table \"public.w\": database \"B\" is a master and will differ from the others by what is selected for it\n";
    assert_eq!(added.stderr, told);
    assert_eq!(world.run("validate s").ended_with(0).stderr, told);
    world.says("start");
    world.at("A", "insert into w values (1, 1)");
    world.becomes("B", ROWS, "1:30");
}

#[test]
fn what_is_selected_need_not_fit_a_master() {
    let world = world(&["A", "B", "C"]);
    world.at("C", "alter table w rename v to double");
    columns(&world, "select id, v * 2 as double", &[]);
    world.run("add sync s source=h dbs=A:source,B:source,C:target").ok();
    world.says("start");
    world.at("B", "insert into w values (4, 4)");
    world.becomes("C", "select id || ':' || double from w", "4:8");
    assert_eq!(world.value("A", ROWS), "4:4");
}

/// A selection is part of our own statements on the source, which have no search_path: what its
/// functions name without a schema is not found.
#[test]
fn a_selection_whose_functions_find_nothing_is_foretold() {
    let world = world(&["A", "B"]);
    let ddl = "create function tripled(integer) returns integer language sql immutable as $$ select $1 * 3 $$;
        create function told(integer) returns integer language plpgsql as $$ begin return tripled($1); end $$; insert into w values (1, 1)";
    world.at("A", ddl);
    columns(&world, "select id, told(v) as v", &[]);
    let added = world.run("add sync s type=pushdelta source=h targetdb=B onetimecopy=1").ended_with(0);
    let warning = "Warning: What is selected from \"public.w\" for database \"B\" cannot be evaluated: function tripled(integer) does not exist";
    assert!(added.stderr.starts_with(warning), "{}", added.stderr);
    world.at("A", "alter function told(integer) set search_path = public");
    assert_eq!(world.run("validate s").ended_with(0).stderr, "");
    world.says("start");
    world.becomes("B", ROWS, "1:3");
}

/// Until they are copied, rows stay as they were carried; that is said.
#[test]
fn rows_that_were_carried_before_are_selected_anew_by_a_copy() {
    let world = world(&["A", "B"]);
    let columns = ["add", "customcols", "public.w", "select id, v * 10 as v from w where v < 5"];
    assert_eq!(world.installed.ctl(&["add", "customcols", "public.w", "select id, v from w"]).ended_with(0).stderr, "");
    world.says("add sync s type=pushdelta source=h targetdb=B");
    world.says("start");
    world.at("A", "insert into w values (1, 1), (9, 9)");
    world.becomes("B", ROWS, "1:1 9:9");
    let told = world.installed.ctl(&columns).ended_with(0).stderr;
    assert!(told.contains("sync \"s\"") && told.contains("update sync s onetimecopy=1"), "{told}");
    world.says("update sync s onetimecopy=1");
    world.says("reload s");
    world.becomes("B", ROWS, "1:10");
    let told = world.run("remove customcols public.w").ended_with(0).stderr;
    assert!(told.contains("sync \"s\"") && told.contains("update sync s onetimecopy=1"), "{told}");
}
