//! Databases that leave the syncs they are members of, for a while or for good, and come back.

use super::states::told;
use super::world::{World, gone};
use std::sync::atomic::{AtomicBool, Ordering};

/// Sync s goes from A to the group g of B and C, and runs.
fn group() -> World {
    let world = World::new();
    world.says("add dbgroup g B C");
    world.run_sync("s", "targetgroup=g");
    world
}

fn halted(world: &World) -> String {
    world.value("control", "select count(*) from bucardo.db_identity where halted is not null")
}

fn gaps(world: &World) -> String {
    world.value("control", "select string_agg(concat_ws(' ', targetdb, db, tablename), ', ' order by tablename) from bucardo.gap")
}

/// A copy evens out what is missing on a target.
fn is_evened_out_by_a_copy(world: &World, target: &str) {
    world.says("update sync s onetimecopy=1");
    world.says("reload s");
    world.becomes_equal("A", target);
    world.becomes("control", "select count(*) from bucardo.gap", "0");
}

#[test]
fn what_is_written_while_a_member_is_inactive_arrives_when_it_is_active() {
    let world = group();
    world.says("update db C status=inactive");
    world.says("reload s");
    assert_eq!(world.value("A", "select string_agg(targetdb, ',' order by targetdb) from bucardo.bucardo_delta_targets"), "B,C");
    world.at("A", "insert into t values (1); insert into u values (1)");
    world.becomes_equal("A", "B");
    assert_eq!(world.value("C", "select count(*) from t"), "0");
    let shown = world.says("status s");
    assert!(shown.contains("Left alone:           C is inactive; changes that wait for it: 2, the oldest for "), "{shown}");
    assert!(shown.contains("Current state:        idle (PID"), "{shown}");
    assert_eq!((told(&world, "level").as_str(), told(&world, "left_alone,0,db").as_str()), ("warning", "C"));
    assert_eq!(told(&world, "left_alone,0,waiting,changes"), "2");
    world.says("update db C status=active");
    world.becomes_equal("A", "C");
    world.at("A", "insert into t values (2)");
    world.becomes_equal("A", "C");
    assert_eq!((halted(&world), gaps(&world)), ("0".to_owned(), "NULL".to_owned()));
    assert!(!world.says("status s").contains("Left alone"));
}

/// The consumer keeps what a table needs that joined meanwhile.
#[test]
fn a_table_that_joins_while_a_member_is_inactive_is_captured_for_it() {
    let world = group();
    for db in ["A", "B", "C"] {
        world.at(db, "create table late (id integer primary key)");
    }
    world.says("update db C status=inactive");
    world.says("add table late db=A herd=h");
    world.says("reload s");
    let kept = "select string_agg(targetdb, ',' order by targetdb) from bucardo.bucardo_delta_targets where 'late'::regclass = any (tables)";
    assert_eq!(world.value("A", kept), "B,C");
    world.at("A", "insert into late values (1)");
    world.becomes("B", "select count(*) from late", "1");
    world.says("update db C status=active");
    world.becomes("C", "select count(*) from late", "1");
}

#[test]
fn a_sync_whose_only_target_is_inactive_is_invalid_until_it_is_active() {
    let world = World::new();
    world.run_sync("s", "targetdb=B");
    world.says("update db B status=inactive");
    let shown = world.says("status s");
    assert!(shown.contains("Current state:        invalid"), "{shown}");
    assert!(shown.contains("no active target database"), "{shown}");
    world.at("A", "insert into t values (1)");
    assert_eq!((told(&world, "condition").as_str(), told(&world, "level").as_str()), ("invalid", "warning"));
    assert_eq!(told(&world, "waiting,changes"), "1");
    let kicked = world.run("kick s 20 --notimer").ended_with(2);
    assert!(kicked.stderr.contains("no active target database"), "{}", kicked.stderr);
    world.becomes("control", "select outcome from bucardo.validation", "Sync \"s\" has no active target database");
    world.says("update db B status=active");
    world.becomes("B", "select count(*) from t", "1");
    assert!(world.says("kick s 0 --notimer").ends_with("DONE!\n"));
    assert_eq!(halted(&world), "0");
}

#[test]
fn a_member_that_was_out_and_back_misses_what_was_written_and_says_so() {
    let world = group();
    world.says("update dbgroup g remove C");
    world.says("reload s");
    world.at("A", "insert into t values (1)");
    world.becomes_equal("A", "B");
    world.says("update dbgroup g add C");
    world.run("reload s");
    world.at("A", "insert into t values (2)");
    world.becomes("C", "select count(*) from t where id = 2", "1");
    assert_eq!((halted(&world), gaps(&world)), ("0".to_owned(), "C A public.t, C A public.u".to_owned()));
    let shown = world.says("status s");
    assert!(
        shown.contains("it, or database \"C\", did not belong to the sync for a while; what changed meanwhile was not carried"),
        "{shown}"
    );
    assert!(shown.contains("To even it out:       bucardo_ctl update sync s onetimecopy=1 && bucardo_ctl reload s\n"), "{shown}");
    is_evened_out_by_a_copy(&world, "C");
}

/// The receipts that it has could not be removed when it left.
#[test]
fn a_member_that_was_away_when_it_left_comes_back_without_false_alarm() {
    let world = group();
    world.says("update dbgroup g remove C");
    world.at("postgres", "alter database c allow_connections false");
    world.at("postgres", "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'c'");
    world.says("reload s");
    world.at("A", "insert into t values (1)");
    world.becomes_equal("A", "B");
    world.at("postgres", "alter database c allow_connections true");
    world.says("update dbgroup g add C");
    world.run("reload s");
    world.at("A", "insert into t values (2)");
    world.becomes("C", "select count(*) from t where id = 2", "1");
    assert_eq!((halted(&world), gaps(&world)), ("0".to_owned(), "C A public.t, C A public.u".to_owned()));
    is_evened_out_by_a_copy(&world, "C");
}

#[test]
fn a_target_that_a_sync_left_and_took_up_again_misses_changes_and_says_so() {
    let world = World::new();
    world.run_sync("s", "targetdb=B");
    world.says("update sync s targetdb=C");
    world.at("A", "insert into t values (1)");
    world.becomes("C", "select count(*) from t", "1");
    world.run("update sync s targetdb=B");
    world.at("A", "insert into t values (2)");
    world.becomes("B", "select count(*) from t where id = 2", "1");
    assert_eq!((halted(&world), gaps(&world)), ("0".to_owned(), "B A public.t, B A public.u".to_owned()));
    is_evened_out_by_a_copy(&world, "B");
}

/// It comes back as the first of the partners, by which their KID is named.
#[test]
fn a_master_that_was_out_and_back_misses_changes_and_says_so() {
    let world = World::new();
    world.says("add dbgroup g B C");
    world.at("control", "update bucardo.dbmap set role = 'source'");
    world.says("add sync s type=swap source=h targetgroup=g conflict_strategy=latest");
    world.says("start");
    world.at("C", "insert into t values (1)");
    world.becomes_equal("C", "A");
    world.becomes_equal("C", "B");
    world.says("update dbgroup g remove C");
    world.says("reload s");
    world.at("A", "insert into t values (2)");
    world.becomes_equal("A", "B");
    world.at("C", "insert into t values (3)");
    world.says("update dbgroup g add C");
    world.at("control", "update bucardo.dbmap set role = 'source'");
    world.run("reload s");
    world.at("C", "insert into t values (4)");
    world.becomes("A", "select count(*) from t where id = 4", "1");
    world.at("A", "insert into t values (5)");
    world.becomes("C", "select count(*) from t where id = 5", "1");
    assert_eq!((halted(&world), gaps(&world)), ("0".to_owned(), "C C public.t, C C public.u".to_owned()));
}

/// Renames each member of sync s and shows that all goes on without alarm and without a copy.
fn goes_on_under_other_names(world: &World, renamed: &[(&str, &str)], start: impl Fn()) {
    for (number, (db, name)) in renamed.iter().enumerate() {
        world.at("A", &format!("insert into t values ({number}, 1)"));
        world.says(&format!("update db {db} name={name}"));
        start();
        world.at("A", &format!("insert into u values ({number}, 1); update t set counter = counter + 1"));
        world.becomes_equal("A", "B");
        assert_eq!(world.value("control", "select count(*) from bucardo.former_name"), "0");
        assert_eq!((halted(world), gaps(world)), ("0".to_owned(), "NULL".to_owned()));
    }
    assert!(world.says("kick s 0 --notimer").ends_with("DONE!\n"));
}

#[test]
fn a_running_sync_goes_on_when_its_databases_get_other_names() {
    let world = World::new();
    world.run_sync("s", "targetdb=B");
    goes_on_under_other_names(&world, &[("B", "other"), ("A", "origin"), ("other", "B"), ("origin", "A")], || ());
    assert_eq!(world.value("A", "select string_agg(targetdb, ',') from bucardo.bucardo_delta_targets"), "B");
    assert_eq!(world.value("B", "select string_agg(source, ',') from bucardo.bucardo_track"), "A");
    let carried =
        "select coalesce(sum(inserts), 0) from (select inserts from bucardo.q union all select inserts from freezer.master_q) q";
    assert_eq!(world.value("control", carried), "8", "nothing is carried twice");
    world.says("stop");
    world.says("remove sync s");
    assert_eq!(world.value("A", "select count(*) from pg_namespace where nspname = 'bucardo'"), "0");
}

#[test]
fn names_that_change_while_no_daemon_runs_are_taken_over_by_the_next() {
    let world = World::new();
    world.run_sync("s", "targetdb=B");
    let old = world.pids();
    world.says("stop");
    gone(&old);
    let refused = || {
        let refused = world.run("add db B dbname=elsewhere status=inactive").ended_with(255);
        assert!(refused.stderr.contains("the name \"B\" is still in records of sync \"s\""), "{}", refused.stderr);
    };
    world.at("A", "insert into u values (7)");
    world.says("update db B name=between");
    refused();
    world.says("update db between name=other");
    refused();
    world.says("update db A name=origin");
    world.says("start");
    world.becomes("B", "select count(*) from u", "1");
    world.at("A", "insert into t values (1)");
    world.becomes_equal("A", "B");
    assert_eq!((halted(&world), gaps(&world)), ("0".to_owned(), "NULL".to_owned()));
}

#[test]
fn a_sync_that_is_paused_or_inactive_takes_new_names_along() {
    for (before, after) in [("pause s", "resume s"), ("update sync s status=inactive", "update sync s status=active")] {
        let world = World::new();
        world.run_sync("s", "targetdb=B");
        world.says(before);
        world.at("A", "insert into t values (1)");
        world.says("update db B name=other");
        world.says("update db A name=origin");
        assert_eq!(world.value("control", "select count(*) from bucardo.former_name"), "0");
        world.says(after);
        world.becomes_equal("A", "B");
        assert_eq!((halted(&world), gaps(&world)), ("0".to_owned(), "NULL".to_owned()));
    }
}

/// An inactive member has receipts that name the source.
#[test]
fn an_inactive_member_takes_the_new_name_of_the_source_along() {
    let world = group();
    world.at("A", "insert into t values (1)");
    world.becomes_equal("A", "C");
    world.says("update db C status=inactive");
    world.at("A", "insert into t values (2)");
    world.becomes_equal("A", "B");
    world.run("update db A name=origin");
    world.at("A", "insert into t values (3)");
    world.becomes_equal("A", "B");
    world.says("update db C status=active");
    world.becomes_equal("A", "C");
    assert_eq!((halted(&world), gaps(&world)), ("0".to_owned(), "NULL".to_owned()));
}

#[test]
fn masters_get_other_names_and_nothing_is_sent_back() {
    let world = World::new();
    world.says("add sync s type=swap source=h targetdb=B conflict_strategy=A");
    world.says("start");
    world.at("B", "insert into t values (1), (2)");
    world.at("A", "insert into t values (3)");
    world.says("kick s 0");
    world.says("update db B name=other");
    world.says("update db A name=origin");
    assert_eq!(world.value("control", "select conflict_strategy from bucardo.sync"), "origin");
    world.at("B", "update t set counter = 7 where id = 1");
    world.at("A", "update t set counter = 8 where id = 2");
    world.says("kick s 0");
    world.becomes_equal("A", "B");
    assert_eq!(world.value("A", "select string_agg(id || ' ' || counter, ', ' order by id) from t"), "1 7, 2 8, 3 0");
    assert_eq!(world.value("control", "select count(*) from bucardo.conflict"), "0");
    assert_eq!((halted(&world), gaps(&world)), ("0".to_owned(), "NULL".to_owned()));
}

/// By SQL, in either direction, while applications write.
#[test]
fn nothing_is_lost_when_names_change_under_load() {
    let world = group();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut writer = world.db("A");
            for number in 0_i32..20_000 {
                writer.execute("insert into t values ($1)", &[&number]).unwrap();
                writer.execute("insert into u values ($1) on conflict do nothing", &[&(number % 7)]).unwrap();
                writer.execute("update u set counter = counter + 1 where id = $1", &[&(number % 7)]).unwrap();
                if over.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        for (db, name) in [("B", "b2"), ("A", "a2"), ("C", "c2"), ("b2", "B"), ("a2", "A")] {
            world.at("control", &format!("update bucardo.db set name = '{name}' where name = '{db}'"));
            world.becomes("control", "select count(*) from bucardo.former_name", "0");
            world.becomes("control", "select count(*) from bucardo.validation where validated is null", "0");
        }
        over.store(true, Ordering::Relaxed);
    });
    world.becomes_equal("A", "B");
    world.becomes_equal("A", "C");
    assert_eq!((halted(&world), gaps(&world)), ("0".to_owned(), "NULL".to_owned()));
    assert!(world.says("kick s 0 --notimer").ends_with("DONE!\n"));
}

#[test]
fn whole_tables_are_copied_as_before_under_other_names() {
    let world = World::new();
    world.says("add sync s type=fullcopy source=h targetdb=B");
    world.says("start");
    world.says("update db B name=other");
    world.says("update db A name=origin");
    world.at("A", "insert into t values (1)");
    assert!(world.says("kick s 0 --notimer").ends_with("DONE!\n"));
    world.becomes_equal("A", "B");
    assert_eq!(halted(&world), "0");
}

#[test]
fn no_new_name_is_taken_while_a_database_with_the_old_one_is_away() {
    let world = World::new();
    world.run_sync("s", "targetdb=B");
    world.at("postgres", "alter database b allow_connections false");
    world.at("postgres", "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'b'");
    let refused = world.run("update db A name=origin").ended_with(255);
    let told =
        "database \"A\" cannot get another name now: records of sync \"s\" have it on database \"B\", which cannot be reached";
    assert!(refused.stderr.contains(told), "{}", refused.stderr);
    world.at("postgres", "alter database b allow_connections true");
    world.says("update db A name=origin");
    world.at("A", "insert into t values (1)");
    world.becomes_equal("A", "B");
}
