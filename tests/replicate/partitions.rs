//! Partitions, of two levels, while the sync runs: rows that move, partitions that come and go.

use super::case::{Case, Draft, PATIENCE, case};
use super::world::shared;
use crate::harness::{TrueAtEnd, wait_until};
use bucardo::pg::ident::literal;
use postgres::Client;
use std::sync::atomic::{AtomicBool, Ordering};

const TABLES: &str =
    "create table p (id integer, region text, day integer, v text, primary key (id, region, day)) partition by list (region);
    create table p_north partition of p for values in ('north') partition by range (day);
    create table p_north_1 partition of p_north for values from (0) to (100);
    create table p_north_2 partition of p_north for values from (100) to (1000);
    create table p_rest partition of p default";

/// Whether the server can have row triggers on partitioned tables; before, only the partitions
/// themselves can be replicated.
fn new_enough() -> bool {
    shared().cluster.major() >= 11
}

fn as_a_whole(name: &str) -> Draft<'static> {
    case(name, TABLES).tables(&["public.p"])
}

/// The same with each partition as a table of its own.
fn each(name: &str) -> Draft<'static> {
    case(name, TABLES).tables(&["public.p_north_1", "public.p_north_2", "public.p_rest"])
}

fn filled(draft: Draft<'static>) -> Case<'static> {
    let mut case = draft.run();
    case.write("insert into p select i, case when i % 3 = 0 then 'rest' else 'north' end, i, 'v' from generate_series(1, 300) i");
    case.arrives();
    case
}

/// Runs statements on both databases, on the target first, as one does with DDL.
fn on_both(case: &mut Case, sql: &str) {
    case.b.batch_execute(sql).unwrap();
    case.write(sql);
}

/// While `during` runs, somebody writes to the partitions that are there from the beginning.
fn beside_a_writer(case: &mut Case, during: impl FnOnce(&mut Case)) {
    let (mut writer, over) = (case.source_cluster.connect(&case.source), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let _end = TrueAtEnd(&over);
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                move_rows(&mut writer)
            }
        });
        during(case);
    });
}

/// Across the first level, across the second, and within one partition.
fn move_rows(writer: &mut Client) {
    writer.batch_execute("update p set region = case region when 'north' then 'rest' else 'north' end where region in ('north', 'rest') and id % 17 = (random() * 16)::integer;
        update p set day = (day + 95) % 1000 where region = 'north' and id % 13 = (random() * 12)::integer; update p set v = v || '.' where id = (random() * 300)::integer and region <> 'south'").unwrap();
}

/// The names of our triggers on a table of the source.
fn triggers(case: &mut Case, table: &str) -> String {
    let sql = format!(
        "select coalesce(string_agg(regexp_replace(tgname::text, '_p[0-9]+$', ''), ' ' order by tgname), '') from pg_trigger where tgrelid = {}::regclass and tgname like 'bucardo%'",
        literal(table)
    );
    case.a.query_one(&sql, &[]).unwrap().get(0)
}

#[test]
fn rows_that_move_between_partitions_arrive_whether_these_are_replicated_as_one_or_each() {
    if !new_enough() {
        return;
    }
    for draft in [as_a_whole("moving_whole"), each("moving_each")] {
        let mut case = filled(draft);
        beside_a_writer(&mut case, |case| (0..5).for_each(|_| case.settle()));
        case.finish();
    }
}

#[test]
fn a_partition_that_is_added_later_is_captured_and_validate_gives_it_the_rest() {
    if !new_enough() {
        return;
    }
    let mut case = filled(as_a_whole("added_later"));
    on_both(
        &mut case,
        "create table p_south partition of p for values in ('south') partition by range (day); create table p_south_1 partition of p_south default",
    );
    case.write("insert into p select i, 'south', i, 'v' from generate_series(1, 50) i; update p set region = 'south' where id between 100 and 110");
    case.arrives();
    case.write("update p_south_1 set v = 'direct' where id < 5; delete from p_south where id = 7; insert into p_south_1 values (1000, 'south', 1, 'w')");
    case.arrives();
    assert_eq!(triggers(&mut case, "p_south_1"), "bucardo_add_delta");
    shared().ctl(&["validate", "added_later"]).ok();
    assert_eq!(triggers(&mut case, "p_south_1"), "bucardo_add_delta bucardo_add_truncate bucardo_triggerkick_added_later");
    case.write("insert into p_south_1 values (1001, 'south', 1, 'wakes the kid')");
    case.becomes_equal();
    case.write("begin; insert into p values (1002, 'south', 1, 'goes'); truncate p_south_1; insert into p_south_1 values (1003, 'south', 1, 'stays'); commit");
    case.arrives();
    assert_eq!(case.at_target("select string_agg(v, ' ') from p where region = 'south'"), "stays");
    case.write("insert into p values (1, 'south', 1, 'goes'); truncate p_south; insert into p values (2, 'south', 2, 'stays')");
    case.finish();
}

/// Nobody validates anything: the worker looks around now and then.
#[test]
fn a_truncate_of_a_later_partition_is_captured_by_itself() {
    if !new_enough() {
        return;
    }
    let mut case = filled(as_a_whole("truncated_later").setting("kid_pingtime", "1"));
    on_both(&mut case, "create table p_south partition of p for values in ('south')");
    case.write("insert into p values (1000, 'south', 1, 'goes')");
    wait_until("a TRUNCATE of the partition is captured", PATIENCE, || {
        triggers(&mut case, "p_south").contains("bucardo_add_truncate").then_some(())
    });
    case.write("truncate p_south; insert into p values (1001, 'south', 1, 'stays')");
    case.arrives();
    assert_eq!(case.at_target("select string_agg(v, ' ') from p where region = 'south'"), "stays");
    case.finish();
}

const EXTRA: &str = "create table extra (v text, day integer not null, region text not null, id integer not null, check (region = 'south'));
    insert into extra select 'v', i, 'south', i from generate_series(1, 100) i; alter table extra add primary key (id, region, day)";

#[test]
fn a_partition_may_be_attached_and_detached_while_the_sync_runs() {
    if !new_enough() {
        return;
    }
    let mut case = filled(as_a_whole("attached"));
    on_both(&mut case, EXTRA);
    beside_a_writer(&mut case, |case| {
        on_both(case, "alter table p attach partition extra for values in ('south')");
        case.write("update p set v = 'w' where region = 'south' and id < 10; delete from extra where id > 90; insert into p values (500, 'south', 1, 'new')");
        case.settle();
        case.write("update p set v = 'pending' where region = 'south'; alter table p detach partition extra; insert into extra values ('alone', 1, 'south', 999)");
        case.settle();
        case.b.batch_execute("alter table p detach partition extra").unwrap();
        case.settle();
    });
    case.arrives();
    case.write("truncate extra; insert into p select i, 'south', i, 'default' from generate_series(1, 5) i");
    case.arrives();
    case.finish();
}

#[test]
fn validate_takes_from_a_detached_partition_what_is_ours() {
    if !new_enough() {
        return;
    }
    let mut case = filled(as_a_whole("detached"));
    case.write("alter table p detach partition p_north");
    let told = shared().ctl(&["validate", "detached"]).ended_with(1).stderr;
    assert!(told.contains("public.p") && told.contains("a partition was detached or dropped"), "{told}");
    for table in ["p_north", "p_north_1", "p_north_2"] {
        assert_eq!(triggers(&mut case, table), "", "{table}");
    }
    case.write("alter table p_north drop column id; update p_north set v = 'w'; truncate p_north");
    case.b.batch_execute("alter table p detach partition p_north").unwrap();
    shared().ctl(&["validate", "detached"]).ok();
    case.write("insert into p values (7, 'rest', 7, 'x'); truncate p_rest; insert into p values (8, 'rest', 8, 'x')");
    case.finish();
}

#[test]
fn rows_that_left_with_a_partition_are_told_while_the_target_has_them() {
    if !new_enough() {
        return;
    }
    let mut case = filled(as_a_whole("departed"));
    case.write("drop table p_north_1; update p set v = 'w' where region = 'rest'");
    case.settle();
    let told = shared().ctl(&["validate", "departed"]).ended_with(1).stderr;
    assert!(told.contains("public.p") && told.contains("a partition was detached or dropped"), "{told}");
    assert!(shared().ctl(&["status", "departed"]).ok().contains("a partition was detached or dropped"));
    case.b.batch_execute("drop table p_north_1").unwrap();
    shared().ctl(&["validate", "departed"]).ok();
    case.arrives();
    case.b.batch_execute("alter table p_north detach partition p_north_2").unwrap();
    case.write("update p set v = 'x' where region = 'rest'");
    case.settle();
    let told = shared().ctl(&["validate", "departed"]).ended_with(1).stderr;
    assert!(told.contains(&case.targets[0]) && told.contains("a partition was detached or dropped"), "{told}");
    case.write("alter table p_north detach partition p_north_2");
    case.b.batch_execute("drop table p_north_2").unwrap();
    shared().ctl(&["validate", "departed"]).ok();
    // The rows go on to live in another partition.
    on_both(&mut case, "alter table p detach partition p_rest");
    on_both(&mut case, "create table p_all partition of p default");
    case.write("insert into p select * from p_rest");
    case.settle();
    shared().ctl(&["validate", "departed"]).ok();
    case.finish();
}

#[test]
fn a_partition_may_be_detached_without_waiting_and_come_back() {
    if shared().cluster.major() < 14 {
        return;
    }
    // Not where there is a default partition.
    let tables = TABLES.replace("partition of p default", "partition of p for values in ('rest')");
    let mut case = filled(case("concurrently", &tables).tables(&["public.p"]));
    for change in ["detach partition p_rest concurrently", "attach partition p_rest for values in ('rest')"] {
        on_both(&mut case, &format!("alter table p {change}"));
        case.arrives();
    }
    case.write("update p set v = 'w'; truncate p_rest; insert into p_rest values (1, 'rest', 1, 'x')");
    case.finish();
}

/// Next month's partition, made by the tables' ordinary owner.
#[test]
fn a_partition_in_no_sync_is_told_of_where_others_are_tables_of_their_own() {
    if !new_enough() {
        return;
    }
    let mut case = filled(each("stray"));
    let status = |case: &Case| case.world.ctl(&["status", "stray"]).ok();
    assert!(!status(&case).contains("Warning"));
    on_both(&mut case, "create table p_south partition of p for values in ('south')");
    let warning = "Warning: Table \"public.p_south\" on database \"stray_a\" is in no sync, though other partitions of \"public.p\" are: \
                   rows that move there are deleted on the targets; add it, or \"public.p\" instead of its partitions";
    let validated = case.world.ctl(&["validate", "stray"]).ended_with(0);
    assert_eq!(validated.stderr, format!("{warning}\n"));
    let line = warning.replace("Warning: ", "Warning:              ");
    assert!(status(&case).contains(&format!("\n{line}\n")), "{}", status(&case));
    case.world.ctl(&["add", "table", "p_south", "db=stray_a", "herd=stray"]).ended_with(0);
    case.world.ctl(&["reload", "stray"]).ok();
    assert_eq!(case.world.ctl(&["validate", "stray"]).ended_with(0).stderr, "");
    assert!(!status(&case).contains("Warning"));
    case.write("update p set region = 'south' where id < 50");
    case.finish();
}

/// Nobody validates anything: the worker looks around now and then.
#[test]
fn status_tells_of_a_partition_in_no_sync_by_itself() {
    if !new_enough() {
        return;
    }
    let mut case = filled(each("stray_seen").setting("kid_pingtime", "1"));
    on_both(&mut case, "create table p_south partition of p for values in ('south')");
    wait_until("status tells of the partition", PATIENCE, || {
        case.world.ctl(&["status", "stray_seen"]).ok().contains("Table \"public.p_south\" on").then_some(())
    });
    case.write("insert into p_rest values (900, 'rest', 1, 'x')");
    case.finish();
}

/// The whole in one sync, or in another one, has all partitions.
#[test]
fn a_partition_of_a_table_that_is_replicated_as_one_is_in_a_sync() {
    if !new_enough() {
        return;
    }
    let mut case = filled(as_a_whole("no_stray"));
    on_both(&mut case, "create table p_south partition of p for values in ('south')");
    assert_eq!(case.world.ctl(&["validate", "no_stray"]).ended_with(0).stderr, "");
    case.write("update p set region = 'south' where id < 50");
    case.finish();
}
