//! Keys change while applications write: no write is refused, and no change is lost without a word.
//! All DDL is the tables' owner's, who is no superuser, and neither is the role that captures.

use super::case::{Case, Draft, case};
use super::world::shared;
use crate::daemon::world::World;
use crate::harness::wait_until;
use postgres::Client;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Tables of the role `keeper`, captured by `porter`, who may do what the owner may.
pub(super) fn kept(name: &str, ddl: &str) -> Draft<'static> {
    static ROLES: Once = Once::new();
    let roles = "create role keeper login; create role porter login in role keeper; create role passer login";
    ROLES.call_once(|| shared().cluster.connect("postgres").batch_execute(roles).unwrap());
    let grants = "grant all on schema public to keeper, passer; \
        do $$begin execute format('grant create on database %I to porter, keeper', current_database()); end$$";
    case(name, &format!("{grants}; set session authorization keeper; {ddl}; reset session authorization"))
        .users("porter", "postgres")
}

/// A session of the owner on the source.
pub(super) fn owner(case: &Case) -> Client {
    shared().cluster.connect_as(&case.source, "keeper")
}

/// The owner does this on the target, then on the source.
pub(super) fn on_both(case: &Case, sql: &str) {
    for database in [&case.targets[0], &case.source] {
        shared().cluster.connect_as(database, "keeper").batch_execute(sql).unwrap_or_else(|error| panic!("{error:?}\n{sql}"));
    }
}

/// Everything arrives, by a kid that has read the tables anew: what it had planned before is not
/// the matter here.
fn arrives(case: &mut Case) {
    let name = case.name.clone();
    shared().ctl(&["deactivate", &name, "0"]).ok();
    shared().ctl(&["activate", &name, "0"]).ok();
    case.arrives();
}

pub(super) fn does(client: &mut Client, sql: &str) {
    client.batch_execute(sql).unwrap_or_else(|error| panic!("{error:?}\n{sql}"));
}

/// `validate` fails and names the table and these words; the copy that it asks for answers it.
pub(super) fn told_and_answered(case: &mut Case, words: &[&str]) {
    let name = case.name.clone();
    let told = shared().ctl(&["validate", &name]).ended_with(1);
    for word in words {
        assert!(told.stderr.contains(word), "{word}: {}{}", told.stdout, told.stderr);
    }
    shared().ctl(&["update", "sync", &name, "onetimecopy=1"]).ok();
    shared().ctl(&["reload", &name]).ok();
    wait_until("the copy is made", Duration::from_secs(40), || {
        (shared().ctl(&["validate", &name]).code() == 0 && shared().ctl(&["kick", &name, "10"]).code() == 0).then_some(())
    });
    case.equal();
}

const NARROW: &str = "create domain code as varchar(20) check (value <> '');
    create table i (id integer primary key, v text); create table s (id smallint primary key, v text);
    create table w (id varchar(4) primary key, v text); create table n (id numeric(6,0) primary key, v text);
    create table at (id timestamp(0) primary key, v text); create table c (id char(2) primary key, v text);
    create table r (id real primary key, v text); create table b (id varbit(3) primary key, v text);
    create table d (id code primary key, v text); create table two (a integer, b varchar(2), primary key (a, b), v text)";

const WIDER: &str =
    "alter table i alter id type bigint; alter table s alter id type integer; alter table w alter id type varchar(20);
    alter table n alter id type numeric(8,2); alter table at alter id type timestamp; alter table c alter id type char(8);
    alter table r alter id type double precision; alter table b alter id type varbit(9); alter table d alter id type text;
    alter table two alter a type bigint, alter b type text";

const SMALL: &str = "insert into i values (1); insert into s values (1); insert into w values ('a'); insert into n values (1);
    insert into at values ('2000-01-01'); insert into c values ('a'); insert into r values (1.5); insert into b values (b'1');
    insert into d values ('a'); insert into two values (1, 'a')";

const LARGE: &str = "insert into i values (5000000000); insert into s values (70000); insert into w values ('much longer');
    insert into n values (1.25); insert into at values ('2000-01-01 00:00:00.123456'); insert into c values ('longer');
    insert into r values (0.1234567890123); insert into b values (b'10101'); insert into d values ('a longer one');
    insert into two values (6000000000, 'longer');
    update i set v = 'w'; update s set v = 'w'; update w set v = 'w'; update n set v = 'w', id = id + 1.5; update at set v = 'w';
    update c set v = 'w'; update r set v = 'w'; update b set v = 'w'; update d set v = 'w'; update two set v = 'w', a = a + 1";

/// Sessions stay open meanwhile, with the plans that they have.
#[test]
fn keys_grow_under_open_sessions_and_nothing_is_refused() {
    let mut case = kept("grow", NARROW).run();
    let mut app = owner(&case);
    does(&mut app, SMALL);
    arrives(&mut case);
    on_both(&case, WIDER);
    does(&mut app, LARGE);
    arrives(&mut case);
    does(&mut app, "delete from i; delete from w; delete from n; delete from two; truncate c");
    arrives(&mut case);
    shared().ctl(&["validate", "grow"]).ok();
    does(&mut app, "truncate i, s, w, n, at, c, r, b, d, two");
    does(&mut app, SMALL);
    case.finish_after_deaths();
}

/// The same with the change and the writes in one transaction, and in one that began before it.
#[test]
fn keys_grow_in_the_transaction_that_writes() {
    let mut case = kept("grow_within", NARROW).run();
    let (mut app, mut older) = (owner(&case), owner(&case));
    does(&mut app, SMALL);
    does(&mut older, "begin isolation level repeatable read; select count(*) from two");
    does(&mut older, "commit; begin isolation level repeatable read; select 1");
    arrives(&mut case);
    shared().cluster.connect_as(&case.targets[0], "keeper").batch_execute(WIDER).unwrap();
    does(&mut app, &format!("begin; update i set v = 'x'; {WIDER}; {LARGE}; commit"));
    does(&mut older, "insert into i values (9000000000); insert into w values ('very much longer'); commit");
    arrives(&mut case);
    case.finish_after_deaths();
}

#[test]
fn a_key_that_is_renamed_goes_on_being_captured() {
    let mut case = kept("renamed", "create table t (id integer, \"Part\" text, primary key (id, \"Part\"), v text)").run();
    let mut app = owner(&case);
    does(&mut app, "insert into t select i, 'p', 'v' from generate_series(1, 5) i");
    arrives(&mut case);
    on_both(&case, "alter table t rename id to \"the number\"; alter table t rename \"Part\" to part");
    does(
        &mut app,
        "insert into t values (6, 'p', 'v'); update t set v = 'w', part = 'q' where \"the number\" = 1; delete from t where part = 'p' and \"the number\" = 2",
    );
    arrives(&mut case);
    shared().ctl(&["validate", "renamed"]).ok();
    assert_eq!(case.a.query_one("select count(*) from bucardo.bucardo_gap", &[]).unwrap().get::<_, i64>(0), 0);
    does(&mut app, "insert into t values (7, 'p', 'v'); update t set v = 'x', \"the number\" = 33 where \"the number\" = 3");
    case.finish_after_deaths();
}

/// In the same transaction, and for one that looked before.
#[test]
fn a_key_is_renamed_while_an_older_transaction_writes() {
    let mut case =
        kept("renamed_older", "create table t (id integer primary key, v text); create table u (id integer primary key)").run();
    let mut older = owner(&case);
    does(&mut older, "insert into t values (1)");
    arrives(&mut case);
    does(&mut older, "begin isolation level repeatable read; select count(*) from u");
    on_both(&case, "alter table t rename id to ident");
    does(&mut older, "insert into t values (2); commit; insert into t values (3)");
    shared().ctl(&["kick", "renamed_older", "10"]);
    let missed = case.a.query_one("select count(*) from bucardo.bucardo_gap", &[]).unwrap().get::<_, i64>(0);
    if missed > 0 {
        told_and_answered(&mut case, &["public.t"]);
    }
    case.finish_after_deaths();
}

#[test]
fn a_key_column_that_is_dropped_leaves_a_gap_that_is_told() {
    let mut case = kept("dropped", "create table t (id integer primary key, code integer not null, v text)").run();
    let mut app = owner(&case);
    does(&mut app, "insert into t select i, i, 'v' from generate_series(1, 5) i");
    arrives(&mut case);
    on_both(&case, "alter table t drop id; alter table t add primary key (code)");
    does(&mut app, "insert into t values (6, 'v'); update t set v = 'w' where code = 1; delete from t where code = 2");
    shared().ctl(&["kick", "dropped", "5"]);
    told_and_answered(&mut case, &["public.t", "its key"]);
    does(&mut app, "insert into t values (7, 'v'); delete from t where code = 1");
    case.finish_after_deaths();
}

/// Whole numbers can be noted as before, fractions cannot.
#[test]
fn a_key_of_another_family_is_captured_or_leaves_a_gap() {
    let mut case = kept("family", "create table t (id integer primary key, v text)").run();
    let mut app = owner(&case);
    does(&mut app, "insert into t select i, 'v' from generate_series(1, 5) i");
    arrives(&mut case);
    on_both(&case, "alter table t alter id type numeric");
    does(&mut app, "insert into t values (6, 'v'); update t set v = 'w' where id = 1; delete from t where id = 2");
    arrives(&mut case);
    does(&mut app, "insert into t values (6.5, 'v')");
    shared().ctl(&["kick", "family", "5"]);
    told_and_answered(&mut case, &["public.t"]);
    arrives(&mut case);
    // Until then, changes are noted in the former delta tables as well, which hold no fractions.
    let noted = "select count(*) from bucardo.bucardo_delta_names where retired is null";
    wait_until("only the newest delta tables are written", Duration::from_secs(60), || {
        (case.a.query_one(noted, &[]).unwrap().get::<_, i64>(0) == 1).then_some(())
    });
    does(&mut app, "insert into t values (7.25, 'v'); update t set v = 'x' where id = 6.5; delete from t where id = 1");
    arrives(&mut case);
    on_both(&case, "alter table t alter id type text");
    does(&mut app, "insert into t values ('a', 'v')");
    shared().ctl(&["kick", "family", "5"]);
    told_and_answered(&mut case, &["public.t"]);
    does(&mut app, "insert into t values ('b', 'v'); delete from t where id = 'a'");
    case.finish_after_deaths();
}

/// While `during` runs, somebody writes all the time.
fn beside_a_writer(case: &mut Case, sql: &str, during: impl FnOnce(&mut Case)) {
    let (mut writer, over) = (owner(case), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let write = scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                does(&mut writer, sql);
            }
        });
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| during(case)));
        over.store(true, Ordering::Relaxed);
        write.join().unwrap();
        done.unwrap();
    });
}

const BUSY: &str = "insert into t (id, code, v) select id, 'c' || id, 'v' from (select (random() * 500)::integer) as r (id) on conflict do nothing;
    update t set v = v || '.' where code = 'c' || (random() * 500)::integer; delete from t where code = 'c' || (random() * 500)::integer";

#[test]
fn another_primary_key_takes_over_while_writers_are_busy() {
    let mut case = kept("takes_over", "create table t (id integer primary key, code text not null, v text)").run();
    beside_a_writer(&mut case, BUSY, |case| {
        case.settle();
        on_both(case, "alter table t add constraint t_code unique (code)");
        on_both(case, "alter table t drop constraint t_pkey, add primary key (code)");
        shared().ctl(&["validate", "takes_over"]).ok();
        (0..3).for_each(|_| case.settle());
        shared().ctl(&["validate", "takes_over"]).ok();
    });
    arrives(&mut case);
    assert_eq!(
        shared().control().query_one("select pkey from bucardo.goat where db = 'takes_over_a'", &[]).unwrap().get::<_, String>(0),
        "code"
    );
    wait_until("the old delta tables are not written any more", Duration::from_secs(40), || {
        does(
            &mut owner(&case),
            "update t set v = 'x' where code = (select min(code) from t); insert into t values (9999, 'last', 'v') on conflict do nothing",
        );
        case.settle();
        let left = "select count(*) from bucardo.bucardo_delta_names where retired is null";
        (case.a.query_one(left, &[]).unwrap().get::<_, i64>(0) == 1).then_some(())
    });
    on_both(&case, "alter table t drop id");
    does(&mut owner(&case), "update t set v = 'y'; delete from t where code = 'last'");
    arrives(&mut case);
    case.finish_after_deaths();
}

#[test]
fn masters_change_to_another_key_while_both_are_written_to() {
    let world = World::with(&["A", "B"], &[]);
    for name in ["A", "B"] {
        world.at(name, "create role keeper; create table k (id integer primary key, code text not null unique, v text); alter table k owner to keeper".replace(if name == "B" { "create role keeper; " } else { "nothing" }, "").as_str());
        world.at(name, "grant all on schema public to keeper");
    }
    world.says("add table k db=A herd=keys");
    world.says("add sync s type=swap source=keys targetdb=B");
    world.says("start");
    world.at("A", "insert into k select i, 'a' || i, 'A' from generate_series(1, 50) i");
    world.at("B", "insert into k select 100 + i, 'b' || i, 'B' from generate_series(1, 50) i");
    world.says("kick s 0");
    for name in ["B", "A"] {
        world.at(name, "set role keeper; alter table k drop constraint k_pkey, add primary key (code)");
        world.at(name, "update k set v = v || '.' where id < 120");
    }
    world.says("validate s");
    for name in ["B", "A"] {
        world.at(name, "update k set v = v || '+' where id > 10; delete from k where id in (5, 105)");
    }
    world.says("kick s 0");
    world.says("kick s 0");
    world.at("A", "insert into k values (1000, 'new', 'A'); update k set v = 'A' where code = 'b7'");
    world.at("B", "insert into k values (2000, 'newer', 'B'); update k set v = 'B' where code = 'a7'");
    world.says("kick s 0");
    let rows = "select md5(string_agg(k::text, ',' order by code)) || count(*) from k";
    world.becomes("B", rows, &world.value("A", rows));
    world.becomes_quiet();
}

#[test]
fn a_table_is_renamed_moved_and_replaced_and_nothing_is_refused() {
    let mut case = kept("renamed_table", "create table t (id integer primary key, v text)").run();
    let mut app = owner(&case);
    does(&mut app, "prepare new as insert into t values ($1, 'v'); execute new (1)");
    arrives(&mut case);
    does(
        &mut app,
        "alter table t rename to t_old; insert into t_old values (2); update t_old set id = 3 where id = 2; truncate t_old; insert into t_old values (4)",
    );
    does(
        &mut app,
        "create schema other; alter table t_old set schema other; insert into other.t_old values (5); truncate other.t_old",
    );
    does(
        &mut app,
        "create table t (id integer primary key, v text); insert into t values (1); truncate t, other.t_old; insert into other.t_old values (1)",
    );
    does(&mut app, "drop table t; alter table other.t_old set schema public; alter table t_old rename to t; execute new (6)");
    case.finish();
}

#[test]
fn a_deferrable_key_is_taken() {
    let ddl = "create table t (id integer primary key deferrable initially deferred, v text); create table u (id integer primary key deferrable, n integer unique, v text)";
    let mut case = kept("deferrable", ddl).run();
    let mut app = owner(&case);
    does(
        &mut app,
        "insert into t select i, 'v' from generate_series(1, 9) i; insert into u select i, i, 'v' from generate_series(1, 9) i",
    );
    case.arrives();
    does(
        &mut app,
        "begin; update t set id = 10 - id; update t set v = 'w' where id = 1; commit; update u set id = 10 - id, v = v || id",
    );
    case.arrives();
    does(&mut app, "delete from t where id > 5; update u set n = null; insert into t values (6, 'again'); truncate u");
    case.finish();
}

#[test]
fn masters_take_a_deferrable_key() {
    let world = World::with(&["A", "B"], &[]);
    for name in ["A", "B"] {
        world.at(name, "create table k (id integer primary key deferrable initially deferred, v text)");
    }
    world.says("add table k db=A herd=keys");
    world.says("add sync s type=swap source=keys targetdb=B");
    world.says("start");
    world.at("A", "insert into k select i, 'A' from generate_series(1, 5) i");
    world.at("B", "insert into k select i, 'B' from generate_series(3, 8) i");
    world.says("kick s 0");
    world.at("A", "begin; update k set id = 9 - id; commit");
    world.at("B", "update k set v = 'B2' where id = 4; delete from k where id = 8");
    world.says("kick s 0");
    let rows = "select count(*) || ' ' || count(distinct id) || md5(string_agg(k::text, ',' order by id)) from k";
    world.becomes("B", rows, &world.value("A", rows));
    assert_eq!(world.value("A", "select count(*) = count(distinct id) from k"), "true");
}

/// An earlier version noted keys in their own types, and recorded less.
#[test]
fn what_an_earlier_version_made_is_replaced_while_changes_are_pending() {
    let world = World::with(&["A", "B"], &[]);
    world.run_sync("s", "targetdb=B");
    world.says("stop");
    for (table, base) in [("t", "t"), ("u", "u")] {
        let name = world.value("A", &format!("select deltaname from bucardo.bucardo_delta_names where relname = '{base}'"));
        world.at("A", &format!("drop trigger bucardo_add_delta on {table}; drop trigger bucardo_add_truncate on {table};
            alter table bucardo.{name}_1 alter k1 type integer; alter table bucardo.{name}_2 alter k1 type integer;
            create or replace function bucardo.add_{name}() returns trigger language plpgsql security definer as 'begin insert into bucardo.{name}_1 (k1) values (new.id); return null; end';
            create trigger bucardo_add_delta after insert or update on {table} for each row execute procedure bucardo.add_{name}();
            create trigger bucardo_add_truncate before truncate on {table} for each statement execute procedure bucardo.cut_{name}()"));
    }
    world.at("A", "drop table bucardo.bucardo_gap; drop index bucardo.bucardo_delta_names_table; drop function bucardo.bucardo_fits, bucardo.bucardo_key_columns, bucardo.bucardo_note_gap;
        alter table bucardo.bucardo_delta_names drop constraint bucardo_delta_names_pk, add constraint bucardo_delta_names_deltaname unique (deltaname);
        alter table bucardo.bucardo_delta_names drop column keynumbers, drop column keytypes, drop column keyfamilies, drop column keyequals,
        drop column keyexact, drop column since, drop column retired, add constraint bucardo_delta_names_pk primary key (schemaname, relname);
        alter table bucardo.bucardo_delta_targets drop column since, drop column copied, drop column always; update bucardo.bucardo_delta_names set version = 3");
    world.at("A", "insert into t values (1), (2)");
    // That the triggers were made by hand here is told.
    world.run("validate s");
    world.at("A", "insert into t values (3); update t set counter = 7 where id = 1; insert into u values (1)");
    world.says("start");
    world.says("kick s 0");
    world.becomes_equal("A", "B");
    world.at("A", "insert into t values (4); delete from t where id = 2");
    world.says("kick s 0");
    world.becomes_equal("A", "B");
}

/// What is pending was noted by a collation for which 'a' and 'A' are equal, or not, and is read
/// when it is the other way round.
#[test]
fn a_collation_for_which_other_keys_are_equal_comes_and_goes_while_changes_wait() {
    if !super::types::tolerant_collations() {
        return;
    }
    let ddl = "create collation tolerant (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
        create table t (id text collate tolerant primary key, v text); create table two (id text collate tolerant, n integer, v text, primary key (id, n))";
    let mut case = kept("recollated", ddl).run();
    let mut app = owner(&case);
    does(
        &mut app,
        "insert into t values ('a', 'v'), ('b', 'v'), ('c', 'v'); insert into two values ('a', 1, 'v'), ('b', 1, 'v')",
    );
    arrives(&mut case);
    for (collation, before, after) in [
        (
            "pg_catalog.\"C\"",
            "update t set id = 'A' where id = 'a'; update t set id = 'B', v = 'w' where id = 'b'",
            "insert into t values ('a', 'also')",
        ),
        ("tolerant", "update t set id = 'C' where id = 'c'", "update t set id = 'b' where id = 'B'"),
        (
            "pg_catalog.\"default\"",
            "update t set v = 'x'; delete from t where id = 'C'",
            "insert into t values ('B', 'also'); update two set id = 'a' where id = 'A'",
        ),
    ] {
        if collation == "tolerant" {
            does(&mut app, "delete from t where id = 'a'");
            case.arrives();
        }
        shared().ctl(&["deactivate", "recollated", "0"]).ok();
        does(&mut app, &format!("{before}; update two set id = upper(id), v = v || 'w'"));
        on_both(
            &case,
            &format!(
                "alter table t alter id type text collate {collation}; alter table two alter id type text collate {collation}"
            ),
        );
        does(&mut app, after);
        shared().ctl(&["activate", "recollated", "0"]).ok();
        case.arrives();
        let status = shared().ctl(&["status", "recollated"]).ok();
        assert!(!status.contains("noticed"), "{collation}: {status}");
    }
    case.finish_after_deaths();
}
