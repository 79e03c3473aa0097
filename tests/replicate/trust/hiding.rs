//! Writes that an application wants to hide from us by saying that it is us.

use crate::daemon::world::World;
use crate::replicate::case::Case;
use crate::replicate::keys_change::{does, kept};
use crate::replicate::world::shared;
use postgres::Client;

/// A session of an application that has all rights on the tables, and says that it applies changes.
fn pretender(case: &mut Case) -> Client {
    does(&mut case.a, "grant all on all tables in schema public to passer");
    let mut app = shared().cluster.connect_as(&case.source, "passer");
    does(&mut app, "set bucardo.applying = 'on'");
    app
}

#[test]
fn rows_are_captured_whatever_an_application_says() {
    let mut case = kept("hide_rows", "create table t (k integer primary key, v text)").run();
    let mut app = pretender(&mut case);
    does(&mut app, "insert into t select i, 'v' from generate_series(1, 9) i");
    case.becomes_equal();
    does(&mut app, "update t set v = 'w' where k < 4; update t set k = k + 100 where k > 6; delete from t where k = 5");
    case.becomes_equal();
    case.finish();
}

#[test]
fn a_truncate_is_captured_whatever_an_application_says() {
    let mut case = kept("hide_truncate", "create table t (k integer primary key, v text)").run();
    let mut app = pretender(&mut case);
    does(&mut app, "insert into t select i, 'v' from generate_series(1, 9) i");
    case.becomes_equal();
    does(&mut app, "truncate t");
    case.becomes_equal();
    does(&mut app, "begin; truncate t; insert into t values (1, 'after'); commit");
    case.becomes_equal();
    case.finish();
}

#[test]
fn rows_of_partitions_are_captured_whatever_an_application_says() {
    if shared().cluster.major() < 11 {
        return;
    }
    let ddl = "create table p (id integer primary key, v text) partition by range (id);
        create table p_1 partition of p for values from (0) to (100); create table p_2 partition of p for values from (100) to (200)";
    let mut case = kept("hide_parts", ddl).tables(&["public.p"]).run();
    let mut app = pretender(&mut case);
    does(&mut app, "insert into p select i, 'v' from generate_series(1, 199) i; update p_2 set v = 'w'");
    case.becomes_equal();
    does(&mut app, "truncate p_1; delete from p where id = 150; update p set id = 5 where id = 151");
    case.becomes_equal();
    case.finish();
}

/// What is said for a role or a database counts from the first statement on.
#[test]
fn a_setting_of_the_role_or_the_database_hides_nothing() {
    let mut case = kept("hide_by_role", "create table t (k integer primary key, v text)").run();
    does(
        &mut case.a,
        "grant all on all tables in schema public to passer; create role pretender login; grant all on t to pretender;
        alter role pretender set bucardo.applying = 'on'",
    );
    let database = case.source.clone();
    does(&mut case.a, &format!("alter database {database} set bucardo.applying = 'on'"));
    does(&mut shared().cluster.connect_as(&database, "pretender"), "insert into t values (1, 'role')");
    does(&mut shared().cluster.connect_as(&database, "passer"), "insert into t values (2, 'database')");
    case.becomes_equal();
    does(&mut case.a, &format!("alter database {database} reset bucardo.applying; drop owned by pretender; drop role pretender"));
    case.finish();
}

/// A function of the owner's that runs with the owner's rights is no way either.
#[test]
fn an_owner_s_function_hides_nothing() {
    let ddl = "create table t (k integer primary key, v text); create function hides() returns void language plpgsql security definer
        as $$ begin perform set_config('bucardo.applying', 'on', false); insert into public.t values (1, 'v'), (2, 'w'); delete from public.t where k = 2; end $$";
    let mut case = kept("hide_in_function", ddl).run();
    does(&mut shared().cluster.connect_as(&case.source, "passer"), "set bucardo.applying = 'on'; select hides()");
    case.becomes_equal();
    case.finish();
}

#[test]
fn a_loader_that_switches_triggers_off_is_captured_whatever_it_says() {
    let world = World::with(&["A", "B"], &[]);
    if world.server("A").major() < 15 {
        return;
    }
    world.says("update db A capture=always");
    world.at(
        "A",
        "create role loader login; grant all on t, u to loader; grant set on parameter session_replication_role to loader",
    );
    world.run_sync("s", "targetdb=B");
    let mut loader = world.server("A").connect_as("a", "loader");
    let pretends = "set session_replication_role = replica; set bucardo.applying = 'on';";
    loader.batch_execute(&format!("{pretends} insert into t select generate_series(1, 5); delete from t where id = 2")).unwrap();
    world.becomes_equal("A", "B");
    loader.batch_execute("truncate t; insert into t values (7)").unwrap();
    world.becomes_equal("A", "B");
}
