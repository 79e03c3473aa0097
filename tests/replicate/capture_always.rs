//! What is written while triggers are off is captured where somebody says so, and what we write
//! ourselves never is.

use super::rights;
use crate::daemon::world::World;
use crate::harness::Cluster;

const REPLICA: &str = "set session_replication_role = replica;";

/// When a trigger of ours fires on table t: O, A, D or R.
fn fires(world: &World, name: &str, trigger: &str) -> String {
    world.value(
        name,
        &format!("select string_agg(tgenabled::text, '') from pg_trigger where tgname = '{trigger}' and tgrelid = 't'::regclass"),
    )
}

/// Rows noted so far in the delta tables of a database.
fn noted(world: &World, name: &str) -> i64 {
    let of = |table: &str| {
        let base =
            world.value(name, &format!("select min(deltaname) from bucardo.bucardo_delta_names where relname = '{table}'"));
        let count = |generation: i32| {
            world.value(name, &format!("select count(*) from bucardo.{base}_{generation}")).parse::<i64>().unwrap()
        };
        count(1) + count(2)
    };
    of("t") + of("u")
}

fn world(always: &str) -> World {
    let world = World::with(&["A", "B"], &[]);
    world.says("set delta_retention=3600");
    for name in always.split_whitespace() {
        world.says(&format!("update db {name} capture=always"));
    }
    world
}

#[test]
fn a_loader_in_replica_role_is_captured_where_the_database_says_so() {
    let world = world("A");
    world.run_sync("s", "targetdb=B");
    for trigger in ["bucardo_add_delta", "bucardo_add_truncate", "bucardo_triggerkick_s"] {
        assert_eq!(fires(&world, "A", trigger), "A", "{trigger}");
    }
    world.at("A", &format!("{REPLICA} insert into t select generate_series(1, 5); update t set counter = 1 where id < 3; delete from t where id = 4"));
    world.becomes_equal("A", "B");
    world.at("A", &format!("{REPLICA} truncate t; insert into t values (7)"));
    world.becomes_equal("A", "B");
    world.at("A", "insert into t values (8)");
    world.becomes_equal("A", "B");
    world.says("update db A capture=ordinary");
    world.says("validate s");
    assert_eq!(fires(&world, "A", "bucardo_add_delta") + &fires(&world, "A", "bucardo_triggerkick_s"), "OO");
    world.at("A", &format!("{REPLICA} insert into t values (9)"));
    world.at("A", "insert into t values (10)");
    world.says("kick s 0");
    assert_eq!(world.value("B", "select string_agg(id::text, ' ' order by id) from t"), "7 8 10");
}

#[test]
fn a_sync_can_say_so_and_one_that_does_not_leaves_it_at_that() {
    let world = world("");
    world.says("add db C2 dbname=c2 status=inactive");
    world.run_sync("s", "targetdb=B capture=always");
    assert_eq!(fires(&world, "A", "bucardo_add_delta"), "A");
    world.server("A").create_database("c");
    world.server("A").connect("c").batch_execute("create table t (id integer primary key, counter integer not null default 0); create table u (id integer primary key, counter integer not null default 0)").unwrap();
    let cluster = world.server("A");
    world.says(&format!("add db C dbname=c host={} port={} user=postgres", cluster.socket_dir().display(), cluster.port()));
    world.says("add sync other type=pushdelta source=h targetdb=C");
    world.says("validate all");
    assert_eq!(fires(&world, "A", "bucardo_add_delta"), "A");
    world.says("activate other 0");
    world.at("A", &format!("{REPLICA} insert into t values (1)"));
    world.becomes_equal("A", "B");
    world.becomes_equal("A", "C");
    world.says("remove sync s");
    world.says("validate other");
    assert_eq!(fires(&world, "A", "bucardo_add_delta"), "O");
    let refused = world.run("update sync other capture=sometimes");
    assert_ne!(refused.code(), 0);
}

#[test]
fn masters_that_capture_always_send_nothing_back() {
    let world = world("A B");
    world.says("add sync s type=swap source=h targetdb=B");
    world.says("start");
    world.at("A", &format!("{REPLICA} insert into t select generate_series(1, 5)"));
    world.at("B", &format!("{REPLICA} insert into u values (9); set bucardo.applying = off; insert into u values (10)"));
    world.says("kick s 0");
    world.becomes("B", "select count(*) from t", "5");
    world.becomes("A", "select count(*) from u", "2");
    world.at("A", &format!("{REPLICA} truncate t; update u set counter = 3"));
    world.says("kick s 0");
    world.says("kick s 0");
    world.becomes("B", "select count(*) || ' ' || (select sum(counter) from u) from t", "0 6");
    // Nobody noted what was carried: only what the applications did is there.
    assert_eq!((noted(&world, "A"), noted(&world, "B")), (8, 2));
    world.becomes_quiet();
}

/// The same where triggers cannot be switched off.
#[test]
fn masters_without_that_right_that_capture_always_send_nothing_back() {
    let world = rights::world(rights::OWNER);
    world.says("set delta_retention=3600");
    world.says("add sync s type=swap source=h targetdb=B capture=always");
    world.says("start");
    world.at("A", "insert into t select generate_series(1, 5)");
    world.at("B", &format!("{REPLICA} insert into u values (9)"));
    world.says("kick s 0");
    world.becomes("B", "select count(*) from t", "5");
    world.becomes("A", "select count(*) from u", "1");
    assert_eq!((noted(&world, "A"), noted(&world, "B")), (5, 1));
}

/// A trigger that fires always though nobody told us so captures more, and nothing goes round for
/// ever. `validate` puts it right.
#[test]
fn triggers_enabled_always_by_hand_make_no_endless_round() {
    let world = world("");
    world.says("add sync s type=swap source=h targetdb=B");
    world.says("start");
    for name in ["A", "B"] {
        world.at(
            name,
            "alter table t enable always trigger bucardo_add_delta; alter table t enable always trigger bucardo_triggerkick_s",
        );
    }
    world.at("A", "insert into t select generate_series(1, 5)");
    world.at("B", "insert into t select generate_series(11, 15)");
    world.says("kick s 0");
    world.says("kick s 0");
    world.becomes_equal("A", "B");
    assert_eq!((noted(&world, "A"), noted(&world, "B")), (5, 5));
    // That somebody had a hand in it is told.
    world.run("validate s");
    assert_eq!(fires(&world, "A", "bucardo_add_delta") + &fires(&world, "B", "bucardo_triggerkick_s"), "OO");
}

/// Its own role is what tells our writes apart.
#[test]
fn an_application_that_claims_to_be_us_is_captured() {
    let world = world("A");
    world.at("A", "create role pretender login; grant all on t, u to pretender");
    world.run_sync("s", "targetdb=B");
    let mut app = world.server("A").connect_as("a", "pretender");
    app.batch_execute(
        "set bucardo.applying = 'on'; insert into t values (1), (2); delete from t where id = 2; update t set counter = 5",
    )
    .unwrap();
    world.becomes_equal("A", "B");
}

#[test]
fn partitions_capture_always_also_those_that_come_later() {
    let world = world("A");
    if world.server("A").major() < 11 {
        return;
    }
    for name in ["A", "B"] {
        world.at(name, "create table p (id integer primary key) partition by range (id); create table p_1 partition of p for values from (0) to (100)");
    }
    world.says("add table p db=A herd=parts");
    world.says("add sync s type=pushdelta source=parts targetdb=B");
    world.says("start");
    for name in ["A", "B"] {
        world.at(name, "create table p_2 partition of p for values from (100) to (200)");
    }
    world.at("A", &format!("{REPLICA} insert into p values (1), (101)"));
    world.becomes("B", "select count(*) from p", "2");
    let trigger =
        world.value("A", "select tgname from pg_trigger where tgrelid = 'p_1'::regclass and tgname like 'bucardo_add_delta%'");
    world.at("A", &format!("alter table p_1 enable trigger {trigger}"));
    world.run("validate s");
    world.at("A", &format!("{REPLICA} insert into p_1 values (2)"));
    world.becomes("B", "select count(*) from p", "3");
}

/// A is itself fed by logical replication.
#[test]
fn what_a_subscription_brings_is_told_of_and_captured() {
    let publisher = Cluster::with(&["wal_level = logical"]);
    publisher.create_database("p");
    let ddl = "create table t (id integer primary key, counter integer not null default 0)";
    publisher
        .connect("p")
        .batch_execute(&format!("{ddl}; create publication pub for table t; insert into t values (1)"))
        .unwrap();
    let world = World::with(&["A", "B"], &[]);
    let (host, port) = (publisher.socket_dir().display().to_string(), publisher.port());
    world
        .db("A")
        .execute(
            &format!("create subscription sub connection 'host={host} port={port} dbname=p user=postgres' publication pub"),
            &[],
        )
        .unwrap();
    let said = world.run("add sync s type=pushdelta source=h targetdb=B");
    let outcome = world.value("control", "select outcome from bucardo.validation");
    assert!(said.code() == 0 && outcome.contains("subscriptions fill table public.t"), "{outcome}");
    assert!(
        format!("{}{}", said.stdout, said.stderr).contains("subscriptions fill table public.t"),
        "{}{}",
        said.stdout,
        said.stderr
    );
    assert!(outcome.contains("capture=always"), "{outcome}");
    world.says("update sync s capture=always onetimecopy=1");
    world.says("validate s");
    assert!(!world.value("control", "select outcome from bucardo.validation").contains("subscriptions"));
    world.says("start");
    world.becomes("B", "select count(*) from t", "1");
    publisher
        .connect("p")
        .batch_execute("insert into t values (2), (3); update t set counter = 9 where id = 1; delete from t where id = 2")
        .unwrap();
    world.becomes("A", "select string_agg(id || ':' || counter, ' ' order by id) from t", "1:9 3:0");
    world.says("kick s 0");
    world.becomes("B", "select string_agg(id || ':' || counter, ' ' order by id) from t", "1:9 3:0");
    world.db("A").batch_execute("alter subscription sub disable").unwrap();
    world.db("A").batch_execute("alter subscription sub set (slot_name = none)").unwrap();
    world.db("A").batch_execute("drop subscription sub").unwrap();
}

#[test]
fn a_publication_for_all_tables_is_told_of() {
    let world = World::with(&["A", "B"], &[]);
    world.at("A", "create publication \"Every one\" for all tables");
    world.says("add sync s type=pushdelta source=h targetdb=B");
    let outcome = world.value("control", "select outcome from bucardo.validation");
    assert!(outcome.contains("publication \"Every one\" is FOR ALL TABLES"), "{outcome}");
}
