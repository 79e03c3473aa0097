//! More than one target, more than one sync.

use super::case::case;
use super::equal;
use super::world::shared;

const TABLE: &str = "create table t (id integer primary key, v text)";

#[test]
fn all_targets_of_a_group_get_every_change() {
    let mut case = case("group", TABLE).targets(3).run();
    case.write("insert into t select i, 'v' from generate_series(1, 100) i");
    case.arrives();
    case.write("update t set v = 'w' where id < 10; delete from t where id > 90");
    case.finish();
}

#[test]
fn a_target_that_joins_later_gets_what_changes_from_then_on() {
    let mut case = case("joined", TABLE).targets(2).run();
    case.write("insert into t values (1, 'early')");
    case.arrives();
    let late = "joined_late";
    shared().database(&shared().cluster, late, &format!("{TABLE}; insert into t values (1, 'early')"), "postgres");
    shared().ctl(&["add", "dbgroup", "joined", late]).ok();
    shared().ctl(&["validate", "joined"]).ok();
    case.write("insert into t values (2, 'between')");
    shared().ctl(&["reload", "sync", "joined"]).ok();
    case.targets.push(late.to_owned());
    case.write("insert into t values (3, 'late')");
    case.becomes_equal();
    case.targets.pop();
    // A KID that comes while the sync is validated finds no flag yet.
    case.finish_after_deaths();
}

#[test]
fn two_syncs_of_one_table_do_not_take_changes_from_each_other() {
    let mut case = case("shares", &format!("{TABLE}; create table only_one (id integer primary key)")).run();
    shared().database(&shared().cluster, "shares_other", TABLE, "postgres");
    let add = ["add", "sync", "sharing", "type=pushdelta", "source=shares_a", "targetdb=shares_other", "tables=public.t"];
    shared().ctl(&add).ok();
    case.write("insert into t select i, 'v' from generate_series(1, 10) i; insert into only_one values (1)");
    case.arrives();
    shared().ctl(&["activate", "sharing", "0"]).ok();
    case.write("update t set v = 'w' where id < 5");
    shared().ctl(&["kick", "sharing", "0"]).ok();
    let mut other = equal::session(&shared().cluster, "shares_other");
    let count: i64 = other.query_one("select count(*) from t where v = 'w'", &[]).unwrap().get(0);
    assert_eq!(count, 4);
    let all: i64 = other.query_one("select count(*) from t", &[]).unwrap().get(0);
    assert_eq!(all, 10);
    case.finish();
    shared().ctl(&["deactivate", "sharing", "0"]).ok();
}

#[test]
fn the_control_database_can_be_the_source() {
    let world = super::world::World::with(&[]);
    world.cluster.connect("bucardo").batch_execute(&format!("{TABLE}; grant all on t to bucardo")).unwrap();
    // What stands in the control database belongs to the role of that name, and no other may act on
    // what it made.
    world.know(&world.cluster, "bucardo", "bucardo");
    world.database(&world.cluster, "copy", TABLE, "postgres");
    world.ctl(&["add", "sync", "own", "type=pushdelta", "source=bucardo", "targetdb=copy", "tables=public.t"]).ok();
    world.ctl(&["start", "--quiet"]).ok();
    let [mut a, mut b] = ["bucardo", "copy"].map(|name| equal::session(&world.cluster, name));
    a.batch_execute("insert into t select i, 'v' from generate_series(1, 100) i").unwrap();
    world.ctl(&["kick", "own", "0"]).ok();
    equal::assert_equal(&mut a, &mut b);
    world.ctl(&["remove", "sync", "own"]).ok();
    assert!(
        world.ctl(&["list", "dbs"]).ok().contains("copy"),
        "the control schema did not survive the removal of the source's objects"
    );
}
