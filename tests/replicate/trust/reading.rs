//! What the owner of a source could have us run while we read it.

use super::{SPY, nothing_spied, objects, spied};
use crate::daemon::world::{PATIENCE, send};
use crate::harness::wait_until;
use crate::replicate::case::Case;
use crate::replicate::failpoints;
use crate::replicate::keys_change::{does, kept, owner};
use crate::replicate::world::shared;
use nix::sys::signal::Signal;

/// The round asks each sequence by its name. A view can have any columns, even one called tableoid.
#[test]
fn a_view_in_the_place_of_a_sequence_is_never_read() {
    let mut case = kept("view_for_sequence", &format!("{SPY} create table t (k integer primary key); create sequence sq")).add();
    shared().ctl(&["add", "sequence", "sq", &format!("db={}", case.source), "herd=view_for_sequence"]).ok();
    shared().ctl(&["validate", "view_for_sequence"]).ok();
    shared().ctl(&["activate", "view_for_sequence", "0"]).ok();
    let mut app = owner(&case);
    does(&mut app, "select nextval('sq'); insert into t values (1)");
    case.arrives();
    does(&mut app, "drop sequence sq; create view sq as select 'pg_catalog.pg_class'::regclass::oid as tableoid, public.spy()::integer::bigint as last_value, true as is_called;
        grant select on sq to public; insert into t values (2)");
    shared().ctl(&["kick", "view_for_sequence", "5"]);
    shared().ctl(&["validate", "view_for_sequence"]);
    nothing_spied(&mut case);
    does(&mut app, "drop view sq; create sequence sq");
    case.settle();
    case.finish_after_deaths();
}

/// The table becomes a view after the round has looked, while its snapshot is held.
#[test]
fn a_view_in_the_place_of_a_table_is_never_read() {
    let world = objects::world();
    world.says("add sync s type=pushdelta source=h targetdb=B");
    failpoints::start(&world);
    world.says("kick s 0");
    let stop = failpoints::wish(&world, "Ship", "stop");
    let mut keeper = world.server("A").connect_as("a", "keeper");
    keeper.batch_execute("insert into t values (1)").unwrap();
    wait_until("the kid stands still", PATIENCE, || (!stop.exists()).then_some(()));
    keeper.batch_execute("alter table t rename to t_real; create view t as select 1 as id, public.spy()::integer as counter, 1::oid as tableoid; grant select on t to public").unwrap();
    send(world.pid("kid.sync.s.B"), Signal::SIGCONT);
    world.becomes("control", "select count(*) > 1 from bucardo.q where sync = 's'", "true");
    assert!(!spied(&mut world.db("A")), "the view was read");
    keeper.batch_execute("drop view t; alter table t_real rename to t").unwrap();
    world.run("validate s");
    world.becomes_equal("A", "B");
}

/// With so many columns the last ones travel as texts: those that their types print, and not those
/// of a cast.
#[test]
fn a_cast_to_text_never_runs_in_a_table_with_as_many_columns_as_can_be() {
    let many: String = (1..1599).map(|n| format!(", c{n} boolean")).collect();
    let ddl = format!("{SPY} create type mood as enum ('calm', 'cross'); create function mood_as_text(mood) returns text language plpgsql as
        $$ begin perform public.spy(); return 'cross'; end $$; create cast (mood as text) with function mood_as_text(mood) as assignment;
        create table t (k integer primary key{many}, last mood)");
    let mut case = kept("wide_cast", &ddl).run();
    let mut app = owner(&case);
    does(
        &mut app,
        "insert into t (k, last) values (1, 'calm'), (2, null), (3, 'cross'); update t set c1 = true, c1590 = false where k = 1",
    );
    case.settle();
    nothing_spied(&mut case);
    assert_eq!(
        case.at_target("select array_agg(last order by k)::name[]::varchar from t").replace("NULL", "-"),
        "{calm,-,cross}"
    );
}

/// Row security would hide rows; to evaluate a policy would run it.
#[test]
fn a_policy_on_the_source_is_an_error_and_never_runs() {
    let mut case = kept("policy_read", &format!("{SPY} create table t (k integer primary key, v text)")).run();
    let mut app = owner(&case);
    does(&mut app, "insert into t values (1, 'a')");
    case.arrives();
    does(
        &mut app,
        "create policy look on t using (public.spy()); alter table t enable row level security; alter table t force row level security",
    );
    does(&mut shared().cluster.connect_as(&case.source, "keeper"), "insert into t values (2, 'b')");
    shared().ctl(&["kick", "policy_read", "5"]);
    nothing_spied(&mut case);
    does(&mut app, "alter table t disable row level security");
    case.settle();
    case.finish_after_deaths();
}

/// Two composite types, and a cast that spies, from the one that the key gets to the one it had.
const KEYS: &str =
    "create type ka as (v integer); create type kb as (v integer); create table comp (id ka primary key, name text);
    create function spying(kb) returns ka language plpgsql as $$ begin perform public.spy(); return row(($1).v)::ka; end $$;
    create cast (kb as ka) with function spying(kb) as implicit";

/// Lets the owner change the table while the round waits for its lock on it.
fn while_the_round_waits(name: &str, change: &str) {
    let mut case = kept(name, &format!("{SPY} {KEYS}")).run();
    let (mut writer, mut changer) = (owner(&case), owner(&case));
    does(&mut writer, "insert into comp values (row(1), 'x')");
    case.arrives();
    does(&mut writer, "begin; insert into comp values (row(2), 'y')");
    std::thread::scope(|scope| {
        let holds = scope.spawn(|| does(&mut changer, "begin; lock table comp in access exclusive mode"));
        let waiting = |case: &mut Case, who: &str| {
            let sql = format!(
                "select count(*) from pg_locks l join pg_stat_activity a using (pid)
                where not l.granted and l.relation = 'comp'::regclass and a.application_name {who}"
            );
            wait_until("a session waits for the table", PATIENCE, || {
                (case.a.query_one(&sql, &[]).unwrap().get::<_, i64>(0) > 0).then_some(())
            });
        };
        waiting(&mut case, "not like 'bucardo%'");
        does(&mut writer, "commit");
        holds.join().unwrap();
        waiting(&mut case, "like 'bucardo kid%'");
    });
    does(&mut changer, &format!("{change}; commit"));
    shared().ctl(&["kick", name, "5"]);
    shared().ctl(&["validate", name]);
    nothing_spied(&mut case);
}

#[test]
fn a_table_that_is_replaced_while_the_round_waits_runs_no_cast() {
    while_the_round_waits(
        "swapped_in_wait",
        "alter table comp rename to comp_r; create table comp (id kb, name text);
        insert into comp select row((id).v)::kb, name from comp_r; grant all on comp to public",
    );
}

#[test]
fn a_key_that_gets_another_type_while_the_round_waits_runs_no_cast() {
    while_the_round_waits("altered_in_wait", "alter table comp alter id type kb using row((id).v)::kb");
}

/// All in one transaction, before the round looks: the delta row is of the old type.
#[test]
fn a_key_that_gets_another_type_after_a_change_runs_no_cast() {
    let name_is_taken_over = "alter type ka rename to former; create type ka as (v integer);
        create function spying(ka) returns former language plpgsql as $$ begin perform public.spy(); return row(($1).v)::former; end $$;
        create cast (ka as former) with function spying(ka) as implicit; alter table comp alter id type ka using row((id).v)::ka";
    for (name, change) in
        [("altered_after", "alter table comp alter id type kb using row((id).v)::kb"), ("type_name_after", name_is_taken_over)]
    {
        let mut case = kept(name, &format!("{SPY} {KEYS}")).run();
        let mut app = owner(&case);
        does(&mut app, "insert into comp values (row(1), 'x')");
        case.arrives();
        does(&mut app, &format!("begin; insert into comp values (row(2), 'y'); {change}; commit"));
        for _ in 0..2 {
            shared().ctl(&["kick", name, "5"]);
            shared().ctl(&["validate", name]);
        }
        nothing_spied(&mut case);
    }
}

/// Expressions over a column look for casts and functions each time they are read anew.
#[test]
fn what_is_selected_from_a_column_never_runs_a_cast_of_its_owner() {
    let ddl = format!(
        "{SPY} create table t (id integer primary key, name varchar(50)); create table m (id integer primary key, v text)"
    );
    let mut case = kept("selected_cast", &ddl).add();
    let columns = ["add", "customcols", "public.t", "SELECT id, upper(name::text) AS name", "sync=selected_cast"];
    shared().ctl(&columns).ok();
    shared().ctl(&["validate", "selected_cast"]).ok();
    shared().ctl(&["activate", "selected_cast", "0"]).ok();
    let mut app = owner(&case);
    does(&mut app, "insert into t values (1, 'a')");
    case.settle();
    assert_eq!(case.at_target("select name from t"), "A");
    does(
        &mut app,
        "create type pair as (v text);
         create function pair_text(pair) returns text language plpgsql as $$ begin perform public.spy(); return 'x'; end $$;
         create cast (pair as text) with function pair_text(pair) as implicit;
         alter table t alter name type pair using row(name)::pair; insert into t values (2, row('b')); insert into m values (1, 'm')",
    );
    shared().ctl(&["kick", "selected_cast", "5"]);
    let told = shared().ctl(&["validate", "selected_cast"]).ended_with(1).stderr;
    assert!(told.contains("What is selected from \"public.t\": it uses ") && told.contains("\"keeper\""), "{told}");
    nothing_spied(&mut case);
    // Nor does a label, for which a cast can be made at any time.
    does(
        &mut app,
        "create type mood as enum ('calm', 'cross'); alter table t alter name type mood using 'calm';
         create function mood_text(mood) returns text language plpgsql as $$ begin perform public.spy(); return 'x'; end $$;
         create cast (mood as text) with function mood_text(mood)",
    );
    shared().ctl(&["kick", "selected_cast", "5"]);
    shared().ctl(&["validate", "selected_cast"]).ended_with(1);
    nothing_spied(&mut case);
    does(&mut app, "alter table t alter name type varchar(50) using 'plain'; insert into t values (3, 'c')");
    wait_until("the new row is there", PATIENCE, || {
        shared().ctl(&["kick", "selected_cast", "5"]);
        (case.at_target("select string_agg(name, '' order by id) from t where id > 2") == "C").then_some(())
    });
    shared().ctl(&["deactivate", "selected_cast", "0"]).ok();
}

/// A further table that a selection reads may become a view at any time.
#[test]
fn a_view_in_the_place_of_a_further_table_is_never_read() {
    let ddl = format!("{SPY} create table t (id integer primary key, name text); create table other (id integer, more text)");
    let mut case = kept("selected_view", &ddl).tables(&["public.t"]).add();
    let columns =
        ["add", "customcols", "public.t", "SELECT id, other.more AS name FROM t JOIN other USING (id)", "sync=selected_view"];
    shared().ctl(&columns).ok();
    shared().ctl(&["validate", "selected_view"]).ok();
    shared().ctl(&["activate", "selected_view", "0"]).ok();
    let mut app = owner(&case);
    does(&mut app, "insert into other values (1, 'one'), (2, 'two'); insert into t values (1, 'a')");
    case.settle();
    assert_eq!(case.at_target("select name from t"), "one");
    for (view, table) in [
        ("create view other as select id, public.spy()::text as more from other_real; grant select on other to public", "drop view other"),
        (
            "create type pair as (v text); create function pair_text(pair) returns text language plpgsql as $$ begin perform public.spy(); return 'x'; end $$;
             create cast (pair as text) with function pair_text(pair) as implicit;
             create table other as select id, row(more)::pair as more from other_real; grant select on other to public",
            "drop table other",
        ),
    ] {
        does(&mut app, &format!("begin; alter table other rename to other_real; {view}; insert into t values (2, 'b'); commit"));
        shared().ctl(&["kick", "selected_view", "5"]);
        nothing_spied(&mut case);
        does(&mut app, &format!("begin; {table}; alter table other_real rename to other; delete from t where id = 2; commit"));
    }
    does(&mut app, "insert into t values (2, 'b')");
    wait_until("the new row is there", PATIENCE, || {
        shared().ctl(&["kick", "selected_view", "5"]);
        (case.at_target("select name from t where id = 2") == "two").then_some(())
    });
    shared().ctl(&["deactivate", "selected_view", "0"]).ok();
}
