//! An application's types, casts, operators, policies and settings while our SECURITY DEFINER
//! functions run.

use super::{SPY, mood, nothing_spied};
use crate::replicate::case::Case;
use crate::replicate::keys_change::{does, kept, on_both, owner};
use crate::replicate::world::shared;

const WRITES: &str = "insert into t values ('calm', 1), ('cross', 2); update t set v = 3 where k = 'calm';
    update t set k = 'glad' where k = 'cross'; delete from t where k = 'calm'; truncate t; insert into t values ('cross', 4)";

/// A case with a table whose key is an enum, with casts in one of the contexts.
fn with_mood(name: &str, context: &str) -> Case<'static> {
    kept(name, &format!("{SPY} {} create table t (k mood primary key, v integer)", mood(context))).run()
}

#[test]
fn an_assignment_cast_of_a_key_never_runs() {
    let mut case = with_mood("cast_assigned", "as assignment");
    does(&mut owner(&case), WRITES);
    case.arrives();
    nothing_spied(&mut case);
    case.finish();
}

#[test]
fn an_explicit_cast_of_a_key_never_runs() {
    let mut case = with_mood("cast_explicit", "");
    does(&mut owner(&case), WRITES);
    case.arrives();
    nothing_spied(&mut case);
    case.finish();
}

/// With implicit casts `=` of the type itself is ambiguous, so such a table cannot be carried; but
/// no write is refused, and nothing runs.
#[test]
fn an_implicit_cast_of_a_key_never_runs_and_refuses_no_write() {
    let mut case = kept("cast_implicit", &format!("{SPY} {} create table t (k mood primary key, v integer)", mood(""))).run();
    let implicit = "drop cast (mood as text); create cast (mood as text) with function mood_as_text(mood) as implicit;
        drop cast (mood as int4); create cast (mood as int4) with function mood_as_int4(mood) as implicit";
    does(&mut owner(&case), implicit);
    // What this session writes is told apart without `=` as well.
    let writes = "insert into t values ('calm', 1), ('cross', 2); update t set v = 3; update t set k = 'glad' where v = 3 and ctid = (select min(ctid) from t);
        delete from t; truncate t; insert into t values ('cross', 4)";
    does(&mut owner(&case), writes);
    nothing_spied(&mut case);
    does(&mut owner(&case), "drop cast (mood as text); drop cast (mood as int4)");
    case.settle();
    nothing_spied(&mut case);
    case.finish_after_deaths();
}

/// The column gets another type, and from that one to the type of the delta table there is a cast.
#[test]
fn a_cast_between_the_old_and_the_new_key_never_runs() {
    let mut case = kept(
        "cast_between",
        &format!(
            "{SPY} create type one as enum ('a', 'b'); create type two as enum ('a', 'b');
            create function two_as_one(two) returns one language plpgsql as $$ begin perform public.spy(); return 'a'; end $$;
            create cast (two as one) with function two_as_one(two) as assignment; create table t (k one primary key, v integer)"
        ),
    )
    .run();
    let mut app = owner(&case);
    does(&mut app, "insert into t values ('a', 1)");
    case.arrives();
    on_both(&case, "alter table t alter k type two using k::text::two");
    does(
        &mut app,
        "insert into t values ('b', 2); update t set k = 'a' where v = 3; delete from t where v = 1; truncate t; insert into t values ('a', 5)",
    );
    nothing_spied(&mut case);
    let validated = shared().ctl(&["validate", "cast_between"]);
    assert_eq!(validated.code(), 1, "the gap is told: {}", validated.stderr);
    does(&mut app, "update t set v = 6");
    nothing_spied(&mut case);
}

#[test]
fn checks_of_domains_and_composites_in_a_key_run_as_the_writer() {
    let ddl = format!("{SPY} create function fine(text) returns boolean language sql as $$ select public.spy() $$;
        create domain word as text check (fine(value)); create type pair as (a integer, b word); create type words as (p pair);
        create table d (k word primary key, v integer); create table c (k pair primary key, v integer); create table w (k words primary key, v integer)");
    let mut case = kept("domains", &ddl).run();
    let mut app = owner(&case);
    for (table, key, other) in
        [("d", "'x'", "'y'"), ("c", "(1, 'x')", "(2, 'y')"), ("w", "row(row(1, 'x')::pair)", "row(row(2, 'y')::pair)")]
    {
        does(
            &mut app,
            &format!(
                "insert into {table} values ({key}, 1); update {table} set v = 2; update {table} set k = {other}; delete from {table}; insert into {table} values ({key}, 3)"
            ),
        );
    }
    case.arrives();
    nothing_spied(&mut case);
    case.finish();
}

#[test]
fn casts_of_arrays_ranges_and_composites_never_run() {
    let ddl = format!("{SPY} {} create type span as range (subtype = integer); create type pair as (a integer, b mood);
        create function many(mood[]) returns text language plpgsql as $$ begin perform public.spy(); return 'x'; end $$;
        create cast (mood[] as text) with function many(mood[]) as assignment;
        create function spans(span) returns text language plpgsql as $$ begin perform public.spy(); return 'x'; end $$;
        create cast (span as text) with function spans(span) as assignment;
        create function pairs(pair) returns text language plpgsql as $$ begin perform public.spy(); return 'x'; end $$;
        create cast (pair as text) with function pairs(pair) as assignment;
        create table a (k mood[] primary key, v integer); create table r (k span primary key, v integer); create table p (k pair primary key, v integer)", mood("as assignment"));
    let mut case = kept("casts_of_many", &ddl).run();
    let mut app = owner(&case);
    for (table, key, other) in [
        ("a", "array['calm']::mood[]", "array['glad', 'cross']::mood[]"),
        ("r", "'[1,4)'", "'[7,9)'"),
        ("p", "(1, 'calm')", "(2, 'glad')"),
    ] {
        does(
            &mut app,
            &format!(
                "insert into {table} values ({key}, 1); update {table} set v = 2; update {table} set k = {other}; delete from {table}; insert into {table} values ({key}, 3)"
            ),
        );
    }
    case.arrives();
    nothing_spied(&mut case);
    case.finish();
}

/// Operators, functions and tables of the application come first in its search_path, and in its
/// temporary schema.
#[test]
fn names_that_an_application_puts_first_lead_nowhere() {
    let mut case = kept(
        "shadows",
        &format!("{SPY} create table t (k integer primary key, v text); create table s (k text, n numeric, primary key (k, n))"),
    )
    .run();
    let mut app = owner(&case);
    does(&mut app, "create schema evil; create function evil.differ(integer, integer) returns boolean language plpgsql as $$ begin perform public.spy(); return false; end $$;
        create function evil.differ(text, text) returns boolean language plpgsql as $$ begin perform public.spy(); return false; end $$;
        create operator evil.<> (leftarg = integer, rightarg = integer, procedure = evil.differ);
        create operator evil.= (leftarg = text, rightarg = text, procedure = evil.differ);
        create operator evil.|| (leftarg = text, rightarg = text, procedure = evil.differ);
        create function evil.txid_current() returns bigint language plpgsql as $$ begin perform public.spy(); return 1; end $$;
        create function evil.now() returns timestamptz language plpgsql as $$ begin perform public.spy(); return null; end $$;
        create function evil.pg_notify(text, text) returns void language plpgsql as $$ begin perform public.spy(); end $$;
        create function evil.current_setting(text, boolean) returns text language plpgsql as $$ begin perform public.spy(); return 'on'; end $$;
        create function evil.bucardo_note_gap(oid, text, text) returns void language plpgsql as $$ begin perform public.spy(); end $$;
        create domain evil.regclass as text check (public.spy()); create domain evil.text as pg_catalog.text check (public.spy())");
    does(&mut app, "set search_path = evil, pg_temp, public, pg_catalog; set standard_conforming_strings = off; set transform_null_equals = on;
        set row_security = on; create temporary table bucardo_gap (tablename oid); create temporary table delta (k integer)");
    does(&mut app, "insert into public.t values (1, 'a'), (2, 'b'); update public.t set k = k + 10; delete from public.t where k operator(pg_catalog.=) 11;
        insert into public.s values ('a', 1), ('b', 1.0); update public.s set n = 1.00; truncate public.s; insert into public.s values ('c', 2)");
    case.arrives();
    nothing_spied(&mut case);
    case.finish();
}

const PARTED: &str = "create table p (id integer, day integer, v text, primary key (id, day)) partition by range (day);
    create table p_1 partition of p for values from (0) to (100); create table p_2 partition of p for values from (100) to (200)";

/// The keys of an emptied partition are read by our function; a policy of the partition must not
/// run there.
#[test]
fn a_policy_on_a_partition_never_runs_when_it_is_truncated() {
    if shared().cluster.major() < 11 {
        return;
    }
    let mut case = kept("policy_of_leaf", &format!("{SPY} {PARTED}")).tables(&["public.p"]).run();
    let mut app = owner(&case);
    does(&mut app, "insert into p select i, i, 'v' from generate_series(1, 199) i");
    case.arrives();
    does(&mut app, "create policy look on p_1 using (public.spy()); alter table p_1 enable row level security; alter table p_1 force row level security;
        set row_security = on; truncate p_1");
    nothing_spied(&mut case);
    case.arrives();
    nothing_spied(&mut case);
    case.finish();
}

/// The same with policies on the table itself: then the keys cannot be had at all, which is a gap,
/// and told.
#[test]
fn a_policy_on_a_partitioned_table_becomes_a_gap() {
    if shared().cluster.major() < 11 {
        return;
    }
    let mut case = kept("policy_of_all", &format!("{SPY} {PARTED}")).tables(&["public.p"]).run();
    let mut app = owner(&case);
    does(&mut app, "insert into p select i, i, 'v' from generate_series(1, 199) i");
    case.arrives();
    let policies = |table: &str| {
        format!(
            "create policy look on {table} using (public.spy()); alter table {table} enable row level security; alter table {table} force row level security; "
        )
    };
    does(&mut app, &(policies("p") + &policies("p_1")));
    does(&mut app, "truncate p_1");
    nothing_spied(&mut case);
    let gaps: i64 = case
        .a
        .query_one("select count(*) from bucardo.bucardo_gap where reason like '%row-level security%'", &[])
        .unwrap()
        .get(0);
    assert_eq!(gaps, 1);
}

/// A partition that was detached may get other types, and keeps our trigger for TRUNCATE; everybody
/// may put the row trigger's function on a table.
#[test]
fn a_cast_of_a_former_partition_never_runs() {
    if shared().cluster.major() < 11 {
        return;
    }
    let casts = "create type ka as (v integer);
        create function ka_as_int4(ka) returns integer language plpgsql as $$ begin perform public.spy(); return 5; end $$;
        create function ka_as_int8(ka) returns bigint language plpgsql as $$ begin perform public.spy(); return 5; end $$;
        create cast (ka as integer) with function ka_as_int4(ka) as implicit; create cast (ka as bigint) with function ka_as_int8(ka) as implicit;";
    for renamed in [false, true] {
        let name = if renamed { "former_renamed" } else { "former" };
        let mut case = kept(name, &format!("{SPY} {casts} {PARTED}")).tables(&["public.p"]).run();
        let mut app = owner(&case);
        does(&mut app, "insert into p select i, i, 'v' from generate_series(1, 199) i");
        case.arrives();
        let base: String = case.a.query_one("select deltaname from bucardo.bucardo_delta_names", &[]).unwrap().get(0);
        does(&mut app, "alter table p detach partition p_1; alter table p_1 drop constraint p_1_pkey");
        if renamed {
            // The slow way finds the columns by what the table calls them now.
            does(
                &mut app,
                "alter table p rename id to former; alter table p_1 rename id to former; alter table p_1 add id integer; alter table p_1 alter former type ka using row(former)::ka",
            );
        } else {
            does(&mut app, "alter table p_1 alter id type ka using row(id)::ka");
        }
        does(
            &mut app,
            &format!(
                "create trigger x after insert or update or delete on p_1 for each row execute procedure bucardo.add_{base}()"
            ),
        );
        let values = if renamed { "(former, day, v, id) values (row(5)::ka, 5, 'x', 5)" } else { "values (row(5)::ka, 5, 'x')" };
        for write in
            [&format!("insert into p_1 {values}"), "update p_1 set v = 'y'", "delete from p_1 where day < 50", "truncate p_1"]
        {
            // A write of the table's own trigger may fail.
            let _ = app.batch_execute(write);
            nothing_spied(&mut case);
        }
        does(&mut app, "drop trigger x on p_1");
        does(&mut app, "insert into p_2 values (150, 150, 'x') on conflict do nothing; update p_2 set v = 'w'; truncate p_2");
        nothing_spied(&mut case);
    }
}

/// ANALYZE of our delta tables runs as our role, by autovacuum as well.
#[test]
fn the_difference_of_a_range_never_runs() {
    let range = "create function apart(a integer, b integer) returns float8 language plpgsql immutable as $$ begin perform public.spy(); return a - b; end $$;
        create type span as range (subtype = integer, subtype_diff = apart);";
    let mut case = kept("difference", &format!("{SPY} {range} create table t (id span primary key, v text)")).run();
    let mut app = owner(&case);
    does(&mut app, "insert into t select span(i, i + 5), 'v' from generate_series(1, 400) i");
    case.arrives();
    let base: String = case.a.query_one("select deltaname from bucardo.bucardo_delta_names", &[]).unwrap().get(0);
    let analyze = format!("analyze bucardo.{base}_1; analyze bucardo.{base}_2");
    does(&mut app, "update t set v = 'w'");
    does(&mut case.a, &analyze);
    nothing_spied(&mut case);
    // What an earlier version made is mended.
    does(
        &mut case.a,
        &format!(
            "alter table bucardo.{base}_1 alter k1 set statistics -1; alter table bucardo.{base}_2 alter k1 set statistics -1"
        ),
    );
    shared().ctl(&["validate", "difference"]).ok();
    does(&mut app, "update t set v = 'x'");
    does(&mut case.a, &analyze);
    nothing_spied(&mut case);
    case.finish();
}

/// Whoever may connect cannot call what is ours, nor put it on a table of his own.
#[test]
fn our_functions_and_tables_are_out_of_reach() {
    let mut case = kept("reach", "create table t (k integer primary key)").run();
    does(&mut owner(&case), "insert into t values (1)");
    case.arrives();
    let base: String = case.a.query_one("select deltaname from bucardo.bucardo_delta_names", &[]).unwrap().get(0);
    does(&mut shared().cluster.connect_as(&case.source, "passer"), "create table public.mine (k integer)");
    let attempts = [
        format!("create trigger x after insert on public.mine for each row execute procedure bucardo.add_{base}()"),
        format!("create trigger x before truncate on public.mine for each statement execute procedure bucardo.cut_{base}()"),
        "create trigger x after insert on public.mine for each statement execute procedure bucardo.bucardo_triggerkick_reach()"
            .to_owned(),
        format!("insert into bucardo.{base}_1 (k1) values (7)"),
        format!("select setval('bucardo.{base}_gen', 2)"),
        "select bucardo.bucardo_note_gap(1, 'x', '')".to_owned(),
        "update bucardo.bucardo_delta_targets set receipt = null".to_owned(),
        "delete from bucardo.bucardo_gap".to_owned(),
        "create function bucardo.f() returns integer language sql as 'select 1'".to_owned(),
        "select * from bucardo.bucardo_lock for update".to_owned(),
        "lock table bucardo.bucardo_lock in access exclusive mode".to_owned(),
    ];
    for role in ["passer", "keeper"] {
        let mut attacker = shared().cluster.connect_as(&case.source, role);
        for attempt in &attempts {
            // The owner could do the first two to a table of the same kind: it would note nothing;
            // but even that is refused.
            assert!(attacker.batch_execute(attempt).is_err(), "{role}: {attempt}");
        }
    }
    does(&mut shared().cluster.connect_as(&case.source, "passer"), "drop table public.mine");
    case.finish();
}
