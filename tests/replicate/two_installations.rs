//! Two control databases that use one database, with syncs and databases of the same names: each
//! has schema, triggers, receipts and flags of its own there, and none takes anything from the
//! other.

use super::rights;
use crate::daemon::world::World;
use crate::harness::wait_until;
use std::time::Duration;

/// The schema of an installation where it is not the first.
fn further(world: &World) -> String {
    format!("bucardo_{}", world.value("control", "select left(id, 8) from bucardo.installation"))
}

/// The triggers of table t on a database that capture, with how they fire and the schema of their
/// functions.
fn captures(world: &World, name: &str) -> String {
    world.value(
        name,
        "select string_agg(n.nspname || ' ' || t.tgenabled::text, ', ' order by n.nspname) from pg_trigger t \
         join pg_proc p on p.oid = t.tgfoid join pg_namespace n on n.oid = p.pronamespace \
         where t.tgrelid = 't'::regclass and t.tgname like 'bucardo_add_delta%'",
    )
}

/// Rows in the delta tables of table t in a schema.
fn noted(world: &World, name: &str, schema: &str) -> i64 {
    let base = world.value(name, &format!("select deltaname from {schema}.bucardo_delta_names where relname = 't'"));
    let count = |generation: i32| {
        world.value(name, &format!("select count(*) from {schema}.{base}_{generation}")).parse::<i64>().unwrap()
    };
    count(1) + count(2)
}

/// Makes the sync s of herd h of both, from A to B and from A to C.
fn both_from_a() -> (World, World) {
    let first = World::new();
    let second = first.neighbour(&["A", "C"]);
    first.run_sync("s", "targetdb=B");
    second.run_sync("s", "targetdb=C");
    (first, second)
}

#[test]
fn two_installations_with_equal_names_capture_one_table() {
    let (first, second) = both_from_a();
    let schema = further(&second);
    assert_eq!(captures(&first, "A"), format!("bucardo O, {schema} O"));
    first.at(
        "A",
        "insert into t select generate_series(1, 100); update t set counter = 1 where id > 90; delete from t where id < 10",
    );
    first.becomes_equal("A", "B");
    first.becomes_equal("A", "C");
    first.at("A", "truncate t; insert into t values (1); insert into u values (1)");
    first.becomes_equal("A", "B");
    first.becomes_equal("A", "C");
    for schema in ["bucardo", &schema] {
        let consumers = format!("select string_agg(sync || ' ' || targetdb, ', ') from {schema}.bucardo_delta_targets");
        assert_eq!(first.value("A", &consumers), if schema == "bucardo" { "s B" } else { "s C" });
    }
    assert_eq!(first.value("B", "select count(*) from bucardo.bucardo_track"), "1");
    assert_eq!(first.value("C", "select count(*) from bucardo.bucardo_track"), "1", "on C the second is the first");
    for world in [&first, &second] {
        world.becomes_quiet();
        assert!(world.says("status").contains("idle"), "{}", world.says("status"));
    }
}

#[test]
fn each_installation_reclaims_what_its_own_targets_have() {
    let (first, second) = both_from_a();
    let schema = further(&second);
    second.says("stop");
    first.says("set delta_retention=2");
    first.says("restart");
    first.says("kick s 0");
    first.at("A", "insert into t select generate_series(1, 50)");
    first.becomes_equal("A", "B");
    wait_until("the first has reclaimed what B has", Duration::from_secs(40), || {
        (noted(&first, "A", "bucardo") == 0).then_some(())
    });
    assert_eq!(noted(&first, "A", &schema), 50, "C has nothing of it yet");
    second.says("start");
    first.becomes_equal("A", "C");
}

/// B is a target of the first before it becomes a source of the second.
#[test]
fn what_one_installation_writes_is_captured_by_a_later_one() {
    let first = World::new();
    first.run_sync("s", "targetdb=B");
    let second = first.neighbour(&["B", "C"]);
    second.run_sync("s", "targetdb=C");
    assert_eq!(captures(&first, "B"), format!("{} A", further(&second)));
    first.at(
        "A",
        "insert into t select generate_series(1, 20); update t set counter = 1 where id > 15; delete from t where id < 5",
    );
    first.becomes_equal("A", "C");
    first.at("A", "truncate t; insert into t values (7); insert into u values (8)");
    first.becomes_equal("A", "C");
    first.at("B", "insert into u values (9)");
    first.becomes_equal("B", "C");
}

/// B is a source of the first already when the second begins to write there: its triggers do not
/// see that before they are made anew.
#[test]
fn nothing_is_written_past_the_triggers_of_an_earlier_one() {
    let first = World::new();
    let second = first.neighbour(&["A", "B"]);
    first.says("add table t u db=B herd=of_b");
    first.says("add sync s type=pushdelta source=of_b targetdb=C");
    first.says("start");
    let added = second.run("add sync s type=pushdelta source=h targetdb=B");
    assert_eq!(added.code(), 0);
    let told = added.stdout + &added.stderr;
    assert!(told.contains("captures changes of table public.t, but not yet what replication writes there"), "{told}");
    second.says("start");
    first.at("A", "insert into t select generate_series(1, 20); delete from t where id < 5");
    second.becomes("control", REFUSED, "true");
    assert_eq!(first.value("B", "select count(*) from t"), "0");
    first.says("validate all");
    assert_eq!(captures(&first, "B"), "bucardo A");
    second.says("kick s 0");
    first.becomes_equal("A", "C");
    first.at("A", "truncate t; insert into u values (8)");
    first.becomes_equal("A", "C");
    assert_eq!(first.value("control", "select count(*) from bucardo.gap"), "0");
}

const REFUSED: &str = "select bool_or(whydie like '%not yet what replication writes%') from bucardo.q";

/// The first's daemon sees to its triggers itself when it notices the second.
#[test]
fn the_daemon_of_the_earlier_one_makes_its_triggers_see_everything() {
    let first = World::new();
    let second = first.neighbour(&["A", "B"]);
    first.says("set kid_pingtime=1");
    first.says("add table t u db=B herd=of_b");
    first.says("add sync s type=pushdelta source=of_b targetdb=C");
    first.says("start");
    second.says("add sync s type=pushdelta source=h targetdb=B");
    second.says("start");
    first.at("A", "insert into t select generate_series(1, 20); delete from t where id < 5");
    first.becomes_equal("A", "C");
    assert_eq!(captures(&first, "B"), "bucardo A");
    assert_eq!(first.value("control", "select count(*) from bucardo.gap"), "0");
}

/// It may be anything that others have made under this name, and we may be superuser.
#[test]
fn nothing_that_others_made_runs_when_a_schema_is_asked_whose_it_is() {
    let first = World::with(&["A", "B"], &[]);
    first.at(
        "A",
        "create role intruder login; grant all on schema public to intruder; \
         do $$ begin execute format('grant create on database %I to intruder', current_database()); end $$",
    );
    first.server("A").connect_as("a", "intruder").batch_execute(
        "create schema bucardo_0badcafe; create table public.caught (who name); grant insert on public.caught to public; \
         create function bucardo_0badcafe.trap() returns text language plpgsql as \
         $$ begin insert into public.caught values (current_user); return 'x'; end $$; \
         create view bucardo_0badcafe.bucardo_installation as select bucardo_0badcafe.trap() as id, bucardo_0badcafe.trap() as control; \
         create table bucardo_0badcafe.bucardo_track (sync text); \
         create schema bucardo_0badc0de; create table bucardo_0badc0de.bucardo_installation (id text, control text); \
         create function bucardo_0badc0de.folded(integer) returns boolean language plpgsql immutable as \
         $$ begin perform bucardo_0badcafe.trap(); return true; end $$; \
         create index on bucardo_0badc0de.bucardo_installation (id) where bucardo_0badc0de.folded(1); delete from public.caught; \
         grant all on schema bucardo_0badcafe, bucardo_0badc0de to public; \
         grant all on all tables in schema bucardo_0badcafe, bucardo_0badc0de to public",
    ).unwrap();
    first.run_sync("s", "targetdb=B");
    first.at("A", "insert into t values (1)");
    first.becomes_equal("A", "B");
    assert_eq!(first.value("A", "select count(*) from public.caught"), "0");
}

/// A KID notices that a trigger of the other changed when it has rows for the table.
#[test]
fn a_kid_stops_when_triggers_no_longer_see_what_it_writes() {
    let first = World::new();
    first.run_sync("s", "targetdb=B");
    let second = first.neighbour(&["B", "C"]);
    second.run_sync("s", "targetdb=C");
    first.at("A", "insert into t values (1)");
    first.becomes_equal("A", "C");
    let trigger = format!("bucardo_add_delta_{}", &further(&second)[8..]);
    first.at("B", &format!("alter table t enable trigger {trigger}"));
    first.at("A", "insert into t values (2)");
    first.becomes("control", REFUSED, "true");
    assert_eq!(first.value("B", "select count(*) from t"), "1");
    first.at("B", &format!("alter table t enable always trigger {trigger}"));
    first.says("kick s 0");
    first.becomes_equal("A", "B");
}

/// The second has two masters, and the first writes on one of them: what the second itself writes
/// there is captured by none.
#[test]
fn masters_of_the_second_do_not_echo_where_the_first_writes() {
    let first = World::new();
    first.run_sync("s", "targetdb=B");
    let second = first.neighbour(&["B", "C"]);
    second.says("set delta_retention=3600");
    second.says("add sync s type=swap source=h targetdb=C");
    second.says("start");
    second.says("kick s 0");
    let schema = further(&second);
    assert_eq!(captures(&first, "B"), format!("{schema} A"));
    first.at("C", "insert into t select generate_series(1, 10)");
    first.becomes_equal("C", "B");
    second.becomes_quiet();
    assert_eq!(noted(&first, "B", &schema), 0);
    first.at("A", "insert into t values (11); insert into u values (1)");
    first.becomes("C", "select count(*) from t", "11");
    first.becomes("C", "select count(*) from u", "1");
    second.becomes_quiet();
    assert_eq!(noted(&first, "B", &schema), 1);
    assert_eq!(noted(&first, "C", "bucardo"), 10, "what came to C was not noted there");
}

/// Each of the two carries what the other has brought.
#[test]
fn changes_that_would_go_round_for_ever_are_warned_of() {
    let first = World::new();
    first.says("add sync s type=pushdelta source=h targetdb=B");
    let second = first.neighbour(&["B", "A"]);
    let added = second.run("add sync s type=pushdelta source=h targetdb=A");
    let told = added.stdout + &added.stderr;
    assert!(told.contains("what comes back there goes round for ever"), "{told}");
    let third = first.neighbour(&["B", "C"]);
    let added = third.run("add sync s type=pushdelta source=h targetdb=C");
    let told = added.stdout + &added.stderr;
    assert!(!told.contains("goes round"), "{told}");
}

#[test]
fn a_copy_by_one_installation_is_captured_by_the_other() {
    let first = World::new();
    first.at("A", "insert into t select generate_series(1, 30); insert into u values (1)");
    let second = first.neighbour(&["B", "C"]);
    second.run_sync("s", "targetdb=C");
    first.says("add sync s type=fullcopy source=h targetdb=B");
    second.says("validate s");
    first.says("start");
    first.says("kick s 0");
    first.becomes_equal("A", "B");
    first.becomes_equal("A", "C");
}

#[test]
fn removing_a_sync_of_the_first_leaves_the_second_working() {
    let (first, second) = both_from_a();
    let schema = further(&second);
    first.says("stop");
    first.says("remove sync s");
    for name in ["A", "B"] {
        assert_eq!(first.value(name, "select to_regnamespace('bucardo') is null"), "true", "{name}");
    }
    assert_eq!(captures(&first, "A"), format!("{schema} O"));
    first.at("A", "insert into t values (1); insert into u values (2)");
    first.becomes_equal("A", "C");
    second.says("validate s");
    assert_eq!(captures(&first, "A"), format!("{schema} O"), "the only one keeps its schema");
    first.at("A", "insert into t values (2)");
    first.becomes_equal("A", "C");
    second.becomes_quiet();
}

#[test]
fn removing_everything_of_the_second_leaves_the_first_working() {
    let (first, second) = both_from_a();
    second.says("stop");
    second.says("remove sync s");
    assert_eq!(first.value("A", "select count(*) from pg_namespace where nspname like 'bucardo%'"), "1");
    assert_eq!(captures(&first, "A"), "bucardo O");
    first.at("A", "insert into t values (1); insert into u values (2)");
    first.becomes_equal("A", "B");
    first.says("validate s");
    first.at("A", "insert into t values (2)");
    first.becomes_equal("A", "B");
}

#[test]
fn plain_names_that_became_free_go_to_the_next_installation() {
    let (first, second) = both_from_a();
    first.says("stop");
    first.says("remove sync s");
    second.says("validate s");
    assert_eq!(captures(&first, "A"), format!("{} O", further(&second)));
    let third = first.neighbour(&["A", "B"]);
    third.run_sync("s", "targetdb=B");
    assert_eq!(captures(&first, "A"), format!("bucardo O, {} O", further(&second)));
    first.at("A", "insert into t values (1)");
    first.becomes_equal("A", "B");
    first.becomes_equal("A", "C");
}

#[test]
fn validate_mends_the_objects_of_its_own_installation_only() {
    let (first, second) = both_from_a();
    let schema = further(&second);
    let plain = |world: &World| world.value("A", "select count(*) from pg_trigger where tgname like 'bucardo_triggerkick_s'");
    let its = format!("bucardo_triggerkick{}_s", &schema[8..]);
    let further = |world: &World| world.value("A", &format!("select count(*) from pg_trigger where tgname = '{its}'"));
    assert_eq!((plain(&first), further(&first)), ("2".to_owned(), "2".to_owned()));
    first.at("A", &format!("drop trigger bucardo_triggerkick_s on t; drop trigger {its} on t"));
    second.says("validate s");
    assert_eq!((plain(&first), further(&first)), ("1".to_owned(), "2".to_owned()));
    first.says("validate s");
    assert_eq!((plain(&first), further(&first)), ("2".to_owned(), "2".to_owned()));
    first.at("A", "insert into t values (1)");
    first.becomes_equal("A", "B");
    first.becomes_equal("A", "C");
}

/// A kick trigger says whose it is: the other's full copy of the same name does not run for it.
#[test]
fn a_change_wakes_no_sync_of_the_same_name_of_the_other() {
    let first = World::new();
    first.run_sync("s", "targetdb=B");
    let second = first.neighbour(&["A", "C"]);
    second.says("remove table public.t");
    second.says("add sync s type=fullcopy source=h targetdb=C ping=true");
    second.says("start");
    second.says("kick s 0");
    second.becomes_quiet();
    let runs = "select last_value from bucardo.q_id_seq";
    let before: i64 = second.value("control", runs).parse().unwrap();
    let flag = first
        .value("A", "select relname from pg_class where relname like 'armed_s_%' and relnamespace = 'bucardo'::regnamespace");
    for id in 1..=3 {
        first.becomes("A", &format!("select last_value % 2 from bucardo.{flag}"), "0");
        first.at("A", &format!("insert into t values ({id})"));
        first.becomes_equal("A", "B");
    }
    first.at("A", "insert into u values (1)");
    first.becomes("C", "select count(*) from u", "1");
    second.becomes_quiet();
    assert_eq!(second.value("control", runs), (before + 1).to_string());
}

/// The second comes with a role of its own, which has no rights on what the first has.
#[test]
fn two_installations_may_use_different_roles() {
    let first = rights::world(rights::OWNER);
    first.run_sync("s", "targetdb=B");
    for name in ["A", "B"] {
        first.at(name, "do $$ begin create role hauler login; exception when duplicate_object then null; end $$");
        let sql = "grant select, insert, update, delete, trigger on t, u to hauler; grant carrier to postgres";
        first.at(name, sql);
        first.at(
            name,
            "do $$ begin execute format('grant create, temporary on database %I to hauler', current_database()); end $$",
        );
    }
    first.server("A").create_database("c");
    first.server("A").connect("c").batch_execute(
        "create table t (id integer primary key, counter integer not null default 0); \
         create table u (id integer primary key, counter integer not null default 0); \
         grant all on t, u to hauler; grant create, temporary on database c to hauler; grant usage, create on schema public to hauler",
    ).unwrap();
    let second = first.neighbour_as("hauler", &["A", "C"]);
    second.run_sync("s", "targetdb=C");
    let owner = format!("select pg_get_userbyid(nspowner) from pg_namespace where nspname = '{}'", further(&second));
    assert_eq!(first.value("A", &owner), "hauler");
    first.at("A", "insert into t values (1); insert into u values (2)");
    first.becomes_equal("A", "B");
    first.becomes_equal("A", "C");
    second.says("stop");
    second.says("remove sync s");
    first.at("A", "insert into t values (2)");
    first.becomes_equal("A", "B");
}

/// What an earlier version made does not say whose it is; the control database knows.
#[test]
fn objects_of_an_earlier_version_stay_with_the_installation_that_made_them() {
    let first = World::new();
    first.run_sync("s", "targetdb=B");
    first.at("A", "drop table bucardo.bucardo_installation");
    first.at("B", "drop table bucardo.bucardo_installation");
    let second = first.neighbour(&["A", "C"]);
    second.run_sync("s", "targetdb=C");
    first.at("A", "insert into t values (1)");
    first.becomes_equal("A", "B");
    first.becomes_equal("A", "C");
    first.says("validate s");
    first.says("restart");
    first.says("kick s 0");
    assert_eq!(captures(&first, "A"), format!("bucardo O, {} O", further(&second)));
    assert_eq!(
        first.value("A", "select id from bucardo.bucardo_installation"),
        first.value("control", "select id from bucardo.installation")
    );
    first.at("A", "insert into t values (2)");
    first.becomes_equal("A", "B");
    first.becomes_equal("A", "C");
}

/// A copy of a database has the schemas of both, and each installation finds its own in it.
#[test]
fn in_a_copy_of_a_database_each_installation_knows_its_own() {
    let (first, second) = both_from_a();
    first.at("A", "insert into t select generate_series(1, 5)");
    first.becomes_equal("A", "B");
    first.becomes_equal("A", "C");
    for world in [&first, &second] {
        world.says("stop");
    }
    let cluster = first.server("A");
    cluster.connect("postgres").batch_execute("create database copy template a").unwrap();
    for world in [&first, &second] {
        world.installed.control().execute("update bucardo.db set dbname = 'copy' where name = 'A'", &[]).unwrap();
        let halted = world.run("validate s");
        assert!(halted.stderr.contains("is not the one that was validated"), "{}", halted.stderr);
    }
    let lives = format!(
        "select (select life from bucardo.bucardo_identity) || ' ' || (select life from {}.bucardo_identity)",
        further(&second)
    );
    let value = |sql: &str| -> String { cluster.connect("copy").query_one(sql, &[]).unwrap().get(0) };
    let before = value(&lives);
    first.says("accept A");
    let between = value(&lives);
    assert_eq!(between.split(' ').next_back(), before.split(' ').next_back(), "the second has not accepted it");
    second.says("accept A");
    for world in [&first, &second] {
        world.says("validate s");
        world.says("start");
        world.says("kick s 0");
    }
    cluster.connect("copy").batch_execute("insert into t values (6); delete from t where id = 1").unwrap();
    let ids = "select string_agg(id::text, ' ' order by id) from t";
    first.becomes("B", ids, "2 3 4 5 6");
    first.becomes("C", ids, "2 3 4 5 6");
}

/// A database that came about as a copy gets rid of what the second had put there, and of nothing
/// of the first's.
#[test]
fn a_copy_that_is_new_sheds_what_its_own_installation_had() {
    let first = World::new();
    first.run_sync("s", "targetdb=B");
    let second = first.neighbour(&["A", "C"]);
    second.says("add sync s type=fullcopy source=h targetdb=C ping=true");
    first.says("stop");
    let cluster = first.server("A");
    cluster.connect("postgres").batch_execute("create database d template a").unwrap();
    second.says(&format!("add db D dbname=d host={} port={} user=postgres", cluster.socket_dir().display(), cluster.port()));
    second.says("add table t u db=D herd=of_d");
    second.says("add sync other type=pushdelta source=of_d targetdb=C");
    let kicks = |of: &str| -> i64 {
        let sql = format!("select count(*) from pg_trigger where tgname like 'bucardo_triggerkick%{of}'");
        cluster.connect("d").query_one(&sql, &[]).unwrap().get(0)
    };
    assert_eq!((kicks("_other"), kicks("_s"), kicks("")), (2, 2, 4), "two are the first's");
}

/// Both find the database empty and go to work at once.
#[test]
fn of_two_that_begin_at_once_one_gets_the_plain_names() {
    let first = World::new();
    let second = first.neighbour(&["A", "C"]);
    let add = |world: &World, target: &str| {
        let added = world.run(&format!("add sync s type=pushdelta source=h targetdb={target}"));
        if added.code() != 0 {
            assert!(added.stderr.contains("in the meantime"), "{}", added.stderr);
            world.says(&format!("add sync s type=pushdelta source=h targetdb={target}"));
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| add(&first, "B"));
        scope.spawn(|| add(&second, "C"));
    });
    for world in [&first, &second] {
        world.says("validate s");
        world.says("start");
        world.says("kick s 0");
    }
    let captured = captures(&first, "A");
    assert!(captured.starts_with("bucardo O, bucardo_") && captured.ends_with(" O"), "{captured}");
    first.at("A", "insert into t values (1)");
    first.becomes_equal("A", "B");
    first.becomes_equal("A", "C");
}

/// `purge` and `delta` are about what is its own.
#[test]
fn purge_and_delta_are_about_the_own_objects() {
    let (first, second) = both_from_a();
    second.says("stop");
    first.at("A", "insert into t select generate_series(1, 12)");
    first.becomes_equal("A", "B");
    let waiting = |world: &World| world.says("delta totals").trim().rsplit(' ').next().unwrap().to_owned();
    first.becomes("A", "select receipt is not null from bucardo.bucardo_delta_targets", "true");
    wait_until("nothing waits for B", Duration::from_secs(20), || (waiting(&first) == "0").then_some(()));
    assert_eq!(waiting(&second), "12");
    assert!(second.says("purge all").contains("A: Tables processed: 2"));
    assert_eq!(waiting(&second), "12");
}
