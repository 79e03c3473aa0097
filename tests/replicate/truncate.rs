//! TRUNCATE is a change like others.

use super::case::{Case, case};
use super::world::shared;

const TABLES: &str =
    "create table t (id integer primary key, v text); create table u (id integer primary key, t integer references t)";

fn filled(name: &str) -> Case<'static> {
    let mut case = case(name, TABLES).run();
    case.write(
        "insert into t select i, 'v' || i from generate_series(1, 50) i; insert into u select i, i from generate_series(1, 50) i",
    );
    case.arrives();
    case
}

#[test]
fn a_truncate_empties_the_target_and_what_is_inserted_with_it_is_there() {
    let mut case = filled("emptied");
    case.write("truncate u");
    case.arrives();
    assert_eq!(case.at_target("select count(*) from u"), "0");
    case.write("begin; insert into t values (100, 'before'); truncate t cascade; insert into t values (1, 'after'), (200, 'new'); commit");
    case.arrives();
    assert_eq!(case.at_target("select string_agg(t::text, ' ' order by id) from t"), "(1,after) (200,new)");
    case.write("truncate t cascade; insert into t values (7, 'seven'); truncate t cascade; insert into t values (8, 'eight'); update t set id = 9");
    case.arrives();
    case.write("begin; truncate t cascade; insert into t values (10, 'undone'); rollback; delete from t where id = 9; insert into t values (9, 'x')");
    case.finish();
}

#[test]
fn rows_that_only_the_target_had_go_with_a_truncate() {
    let mut case = filled("cleared");
    case.b.batch_execute("insert into u values (999, 1)").unwrap();
    case.write("begin; truncate u; insert into u values (3, 3); commit");
    case.finish();
}

#[test]
fn a_truncate_undone_to_a_savepoint_is_none() {
    let mut case = filled("undone");
    case.write("begin; savepoint s; truncate u; rollback to s; update u set t = null where id = 3; commit");
    case.arrives();
    assert_eq!(case.at_target("select count(*) from u"), "50");
    case.finish();
}

#[test]
fn a_truncate_while_the_daemon_does_not_look_is_not_confused_by_older_changes() {
    let mut case = case("later", TABLES).word("ping=false").run();
    case.write("insert into t select i, 'v' from generate_series(1, 50) i");
    case.arrives();
    case.write("update t set v = 'w'; insert into t values (60, 'x')");
    case.write("truncate t cascade");
    case.write("insert into t values (3, 'y'), (61, 'z')");
    case.arrives();
    assert_eq!(case.at_target("select string_agg(t::text, ' ' order by id) from t"), "(3,y) (61,z)");
    case.finish();
}

/// Partitioned on both sides, by the same or by other bounds.
fn partitioned(bound: u32) -> String {
    format!(
        "create table p (id integer, day integer, v text, primary key (id, day)) partition by range (day);
         create table p_low partition of p for values from (0) to ({bound}); create table p_high partition of p for values from ({bound}) to (1000)
             partition by list (day);
         create table p_rest partition of p_high default"
    )
}

#[test]
fn a_truncated_partition_takes_only_its_own_rows_along() {
    if shared().cluster.major() < 11 {
        return;
    }
    let mut case = case("parted", &partitioned(100)).target(&partitioned(300)).tables(&["public.p"]).run();
    case.write("insert into p select i, i * 10, 'v' from generate_series(1, 50) i");
    case.arrives();
    case.write("begin; insert into p values (500, 5, 'gone'); truncate p_low; insert into p values (1, 1, 'new'); commit");
    case.arrives();
    assert_eq!(case.at_target("select count(*) || '/' || min(day) from p"), "42/1");
    case.write("truncate p_high; update p set day = 400");
    case.arrives();
    assert_eq!(case.at_target("select count(*) from p"), "1");
    case.write("insert into p values (1, 50, 'x'), (2, 500, 'y'); update p set day = 999 - day; truncate p_rest; insert into p_low values (3, 3, 'direct')");
    case.arrives();
    case.write("truncate p");
    case.finish();
}
