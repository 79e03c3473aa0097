//! Tables that are captured by themselves, and come to belong to a partitioned table that is
//! captured as well.
//!
//! * a leaf, and a partitioned table, that are attached, written to on each level, truncated and
//!   detached again;
//! * an old table that becomes the first partition of a new one of its name.

use super::gaps::evened_out;
use super::stale::{as_owner, on_both, owned, warm};
use super::world::shared;

const TABLES: &str = "create table p (id integer, day integer, v text, primary key (id, day)) partition by range (day);
    create table p_1 partition of p for values from (0) to (100);
    create table leaf (id integer, day integer, v text, primary key (id, day));
    create table deep (id integer, day integer, v text, primary key (id, day)) partition by range (id);
    create table deep_1 partition of deep default";

const ROWS: &str = "insert into p select i, i, 'p' from generate_series(1, 50) i;
    insert into leaf select i, i, 'leaf' from generate_series(100, 150) i;
    insert into deep select i, i, 'deep' from generate_series(200, 250) i";

fn new_enough() -> bool {
    shared().cluster.major() >= 11
}

#[test]
fn captured_tables_may_be_attached_to_a_captured_one() {
    if !new_enough() {
        return;
    }
    let mut case = warm(owned("twice", TABLES).tables(&["public.p", "public.leaf", "public.deep"]), ROWS);
    on_both(
        &mut case,
        "alter table p attach partition leaf for values from (100) to (200); alter table p attach partition deep for values from (200) to (300)",
    );
    let on_each_level = "update p set v = 'through p' where id % 3 = 0; update leaf set v = 'through the leaf' where id % 5 = 0;
        update deep set v = 'through both' where id % 7 = 0; delete from p where id % 11 = 0; update p set day = day + 100 where day < 20;
        insert into p values (1001, 101, 'new'), (1002, 202, 'new')";
    case.write(&as_owner(on_each_level));
    case.becomes_equal();
    for _ in 0..2 {
        shared().ctl(&["validate", "twice"]).ok();
    }
    case.write(&as_owner(
        "truncate leaf; insert into leaf values (1, 101, 'after'); truncate deep; insert into p values (2, 201, 'after')",
    ));
    case.becomes_equal();
    let ours =
        "select count(*) from pg_trigger where tgrelid in ('leaf'::regclass, 'deep'::regclass) and tgname like 'bucardo\\_add%'";
    assert_eq!(case.a.query_one(ours, &[]).unwrap().get::<_, i64>(0), 8);
    on_both(&mut case, "alter table p detach partition leaf; alter table p detach partition deep");
    case.write(&as_owner("insert into leaf values (3, 103, 'alone'); insert into deep values (4, 204, 'alone'); update p set v = 'w'; truncate p_1"));
    shared().ctl(&["validate", "twice"]).ok();
    case.write(&as_owner("update leaf set v = 'x'; update deep set v = 'x'; insert into p values (5, 5, 'x')"));
    case.becomes_equal();
    assert_eq!(case.a.query_one(ours, &[]).unwrap().get::<_, i64>(0), 4);
    case.finish();
}

#[test]
fn an_old_table_may_become_the_first_partition_of_a_new_one_of_its_name() {
    if !new_enough() {
        return;
    }
    let ddl = "create table t (id integer primary key, v text)";
    let mut case = warm(owned("first_part", ddl), "insert into t select i, 'v' from generate_series(1, 100) i");
    on_both(
        &mut case,
        "alter table t rename to t_old; create table t (id integer primary key, v text) partition by range (id);
         alter table t attach partition t_old for values from (minvalue) to (1000)",
    );
    case.write(&as_owner(
        "update t set v = 'w' where id < 10; create table t_2 partition of t default; insert into t values (2000, 'x')",
    ));
    case.b.batch_execute(&as_owner("create table t_2 partition of t default")).unwrap();
    let told = shared().ctl(&["validate", "first_part"]).ended_with(1).stderr;
    assert!(told.contains("public.t") && told.contains("another table has this name"), "{told}");
    evened_out(&mut case);
    case.write(&as_owner("truncate t_old; insert into t values (1, 'again')"));
    case.becomes_equal();
    let former = "select count(*) from pg_trigger where tgrelid = 't_old'::regclass and tgname = 'bucardo_add_delta'";
    assert_eq!(case.a.query_one(former, &[]).unwrap().get::<_, i64>(0), 0);
    case.finish_after_deaths();
}
