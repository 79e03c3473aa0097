//! Tables that look otherwise on the target: another name, fewer columns, expressions, fewer rows.

use crate::daemon::world::World;

#[test]
fn a_table_may_have_another_name_and_schema_on_a_target() {
    let world = World::with(&["A", "B"], &[]);
    world.at(
        "B",
        "create schema copy; create table copy.tt (id integer primary key, counter integer not null default 0); drop table t",
    );
    let name = "insert into bucardo.customname (goat, newname) select id, 'copy.tt' from bucardo.goat where tablename = 't'";
    world.installed.control().batch_execute(name).unwrap();
    world.run_sync("s", "targetdb=B");
    world.at("A", "insert into t values (1), (2), (3); delete from t where id = 2; update t set id = 4 where id = 3");
    world.becomes("B", "select string_agg(id::text, ' ' order by id) from copy.tt", "1 4");
}

#[test]
fn a_target_may_get_fewer_columns_and_rows_and_rows_leave_it_that_do_not_belong_there_any_more() {
    let world = World::with(&["A", "B"], &[]);
    world.at("A", "create table sales (id integer primary key, region text not null, customer text, amount numeric)");
    world.at("B", "create table sales (id integer primary key, region text not null, cents bigint)");
    world.says("add table sales db=A herd=selling");
    let clause = "insert into bucardo.customcols (goat, clause) select id, \
        'select id, region, (amount * 100)::bigint as cents from sales where region = ''north''' from bucardo.goat where tablename = 'sales'";
    world.installed.control().batch_execute(clause).unwrap();
    world.says("add sync s type=pushdelta source=selling targetdb=B");
    world.says("start");
    world.at("A", "insert into sales values (1, 'north', 'a', 1.5), (2, 'south', 'b', 2), (3, 'north', 'c', 3)");
    let rows = "select string_agg(id || ' ' || cents, ', ' order by id) from sales";
    world.becomes("B", rows, "1 150, 3 300");
    world.at("A", "update sales set region = 'south' where id = 1; update sales set region = 'north' where id = 2; delete from sales where id = 3");
    world.becomes("B", rows, "2 200");
}

#[test]
fn what_is_selected_may_be_a_list_of_columns_as_in_the_original() {
    let world = World::with(&["A", "B"], &[]);
    world.at("A", "create table wide (id integer primary key, \"from\" text, c timestamptz)");
    world.at("B", "create table wide (id integer primary key, \"from\" text, year integer)");
    world.says("add table wide db=A herd=selling");
    let list = "SELECT id, \"from\", extract(year from c)::integer AS year -- no more";
    world.installed.bucardo(&["add", "customcols", "wide", list]).ended_with(0);
    world.says("add sync s type=pushdelta source=selling targetdb=B");
    world.says("start");
    world.at("A", "insert into wide values (1, 'x', '2026-05-05'), (2, 'y', null)");
    world.becomes("B", "select string_agg(format('%s %s %s', id, \"from\", year), ', ' order by id) from wide", "1 x 2026, 2 y ");
}

#[test]
fn masters_that_exchange_some_columns_keep_the_others() {
    let world = World::with(&["A", "B"], &[]);
    for name in ["A", "B"] {
        world.at(name, "create table people (id integer primary key, login text unique, private text default 'unknown')");
    }
    world.says("add table people db=A herd=people");
    for db in ["db=A", "db=B"] {
        world.installed.bucardo(&["add", "customcols", "people", "select id, login", db]).ended_with(0);
    }
    world.run("add sync s type=swap source=people targetdb=B").ended_with(0);
    world.says("start");
    world.at("A", "insert into people values (1, 'anna', 'with A'), (2, 'bert', 'with A')");
    world.says("kick s 0");
    world.at("B", "update people set private = 'with B' where id = 1");
    world.says("kick s 0");
    world.at("A", "update people set login = 'anne' where id = 1");
    world.says("kick s 0");
    let rows = "select string_agg(format('%s %s %s', id, login, private), ', ' order by id) from people";
    assert_eq!(world.value("A", rows), "1 anne with A, 2 bert with A");
    assert_eq!(world.value("B", rows), "1 anne with B, 2 bert unknown");
}

#[test]
fn what_is_selected_must_be_one_query_with_the_key() {
    let world = World::with(&["A", "B"], &[]);
    for (clause, complaint) in [
        ("select counter from t", "lacks its key"),
        ("select id from t; drop table u", "multiple commands"),
        ("select id, nothing from t", "nothing"),
    ] {
        let set = "delete from bucardo.customcols; insert into bucardo.customcols (goat, clause) select id, $$";
        world.installed.control().batch_execute(&format!("{set}{clause}$$ from bucardo.goat where tablename = 't'")).unwrap();
        let refused = world.run("add sync s type=pushdelta source=h targetdb=B");
        assert_ne!(refused.code(), 0, "{clause}");
        assert!(refused.stderr.contains(complaint), "{clause}: {}", refused.stderr);
    }
    assert_eq!(world.value("A", "to_regclass('public.u')"), "u");
}
