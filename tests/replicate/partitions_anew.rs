//! Partitions that go with their rows while another one takes their name, and such that come back
//! with other rows. An ordinary owner does all of it.

use super::case::{Case, Draft};
use super::gaps::{evened_out, told};
use super::stale::{as_owner, on_both, owned, warm};
use super::world::shared;

const TABLE: &str = "create table t (id integer primary key, v text) partition by range (id);
    create table t_1 partition of t for values from (0) to (100); create table t_2 partition of t default";
const DEEP: &str = "create table t (id integer primary key, v text) partition by range (id);
    create table t_1 partition of t for values from (0) to (100) partition by range (id);
    create table t_1_1 partition of t_1 default; create table t_2 partition of t default";
const ROWS: &str = "insert into t select i * 10, 'v' from generate_series(1, 19) i";

const ANEW: &str = "drop table t_1; create table t_1 partition of t for values from (0) to (100)";
const EXCHANGE: &str = "begin; alter table t detach partition t_1; alter table t_1 rename to t_old;
    create table t_1 partition of t for values from (0) to (100); drop table t_old; commit";
const WORDS: &str = "a partition was detached or dropped with its rows";

fn partitioned(name: &str, ddl: &str) -> Draft<'static> {
    owned(name, ddl).tables(&["public.t"]).setting("kid_pingtime", "1")
}

/// Whether the server can have row triggers on partitioned tables.
fn new_enough() -> bool {
    shared().cluster.major() >= 11
}

/// Nothing is missing, and nothing is told.
fn nothing_is_told(case: &mut Case) {
    case.arrives();
    shared().ctl(&["validate", &case.name]).ended_with(0);
    let status = shared().ctl(&["status", &case.name]).ok();
    assert!(!status.contains("Missing"), "{status}");
}

#[test]
fn a_partition_that_was_made_anew_under_its_name_is_told() {
    if !new_enough() {
        return;
    }
    for (name, on_source, ddl) in [
        ("anew_target", false, ANEW),
        ("anew_target_exchange", false, EXCHANGE),
        ("anew_source", true, ANEW),
        ("anew_source_exchange", true, EXCHANGE),
    ] {
        let mut case = warm(partitioned(name, TABLE), ROWS);
        if on_source {
            case.write(&as_owner(ddl));
            case.write("insert into t values (5, 'new')");
        } else {
            case.b.batch_execute(&as_owner(ddl)).unwrap();
        }
        case.write("update t set v = 'y' where id = 110");
        case.settle();
        let place = if on_source { case.source.clone() } else { case.targets[0].clone() };
        told(&case, &["public.t", &place, WORDS]);
        evened_out(&mut case);
        case.finish_after_deaths();
    }
}

#[test]
fn a_partition_that_all_members_made_anew_is_no_gap() {
    if !new_enough() {
        return;
    }
    let mut case = warm(partitioned("anew_both", TABLE), ROWS);
    on_both(&mut case, ANEW);
    case.write("insert into t values (5, 'new'); update t set v = 'y' where id = 110");
    nothing_is_told(&mut case);
    // One after the other, while the KID looks on, and nothing is carried for it in between.
    case.b.batch_execute(&as_owner(ANEW)).unwrap();
    case.write("update t set v = 'z' where id = 110");
    case.settle();
    case.write(&as_owner(ANEW));
    case.write("insert into t values (6, 'new'); update t set v = 'w' where id = 120");
    // What the source's partition had is gone there, and the target's holds what came since.
    case.settle();
    nothing_is_told(&mut case);
    case.finish_after_deaths();
}

/// Both partitions were made anew, but between that the target's got a row that the source's has
/// not any more.
#[test]
fn rows_that_came_between_two_partitions_made_anew_are_told() {
    if !new_enough() {
        return;
    }
    let mut case = warm(partitioned("anew_between", TABLE), ROWS);
    case.b.batch_execute(&as_owner(ANEW)).unwrap();
    case.write("update t set v = 'z' where id = 10");
    case.settle();
    case.write(&as_owner(ANEW));
    case.write("update t set v = 'w' where id = 120");
    case.settle();
    told(&case, &["public.t", &case.source.clone(), WORDS]);
    evened_out(&mut case);
    case.finish_after_deaths();
}

/// On a target, its rows may have been written anew, and its columns exchanged.
#[test]
fn a_partition_of_a_target_that_came_back_is_told() {
    if !new_enough() {
        return;
    }
    let columns = "alter table t_1 drop v; alter table t_1 add v text default 'd'";
    for (name, ddl, leaf, change) in [
        ("target_once", TABLE, "t_1", columns),
        ("target_deep", DEEP, "t_1_1", "alter table t_1 alter v type text using v || '?'"),
    ] {
        let mut case = warm(partitioned(name, ddl), ROWS);
        case.b.batch_execute(&format!("vacuum full {leaf}")).unwrap();
        case.write("update t set v = 'y' where id = 10");
        nothing_is_told(&mut case);
        let (detach, attach) =
            ("alter table t detach partition t_1", "alter table t attach partition t_1 for values from (0) to (100)");
        case.b.batch_execute(&as_owner(&format!("begin; {detach}; {change}; {attach}; commit"))).unwrap();
        case.write("update t set v = 'z' where id = 120");
        case.settle();
        let words = format!("partition public.{leaf} was detached and attached again");
        told(&case, &["public.t", &case.targets[0].clone(), &words]);
        evened_out(&mut case);
        case.finish_after_deaths();
    }
}

/// What the partition of a source has when it is back is carried; what was deleted in it is told.
#[test]
fn a_partition_of_a_source_that_came_back_is_told() {
    if !new_enough() {
        return;
    }
    for (name, ddl, leaf, at_once) in
        [("back_once", TABLE, "t_1", true), ("back_deep", DEEP, "t_1_1", true), ("back_later", TABLE, "t_1", false)]
    {
        let mut case = warm(partitioned(name, ddl), ROWS);
        let (detach, attach) =
            ("alter table t detach partition t_1", "alter table t attach partition t_1 for values from (0) to (100)");
        case.write(&as_owner(detach));
        if !at_once {
            case.write("update t set v = 'y' where id = 110");
            case.settle();
        }
        case.write(&as_owner(&format!("delete from t_1 where id = 10; update t_1 set v = 'changed' where id = 20; {attach}")));
        case.write("update t set v = 'y' where id = 120");
        case.settle();
        assert_eq!(case.at_target("select v from t where id = 20"), "changed");
        let words = format!("partition public.{leaf} was detached and attached again");
        told(&case, &["public.t", &case.source.clone(), &words]);
        evened_out(&mut case);
        case.finish_after_deaths();
    }
}
