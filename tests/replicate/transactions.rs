//! Every kind of transaction an application can make, and those that commit when nobody expects it.

use super::case::{Case, PATIENCE, case, case_in};
use super::world::{World, shared};
use crate::harness::wait_until;
use postgres::{Client, IsolationLevel};
use std::io::Write;

const TABLE: &str = "create table t (id integer primary key, v text)";

/// Waits until the kid has found nothing to do and sleeps.
fn asleep(case: &mut Case) {
    let sql = "select pg_sequence_last_value(oid) % 2 = 0 from pg_class where relnamespace = 'bucardo'::regnamespace and relname like 'armed%'";
    wait_until("the kid sleeps", PATIENCE, || case.a.query_one(sql, &[]).unwrap().get::<_, bool>(0).then_some(()));
}

/// A case whose daemon does not look, so that writers need not wake it.
fn awake(name: &str) -> Case<'static> {
    let case = case(name, TABLE).run();
    case.settle();
    shared().ctl(&["deactivate", name, "0"]).ok();
    case
}

fn activate(case: &mut Case) {
    shared().ctl(&["activate", &case.name, "0"]).ok();
    asleep(case);
}

fn application(case: &Case) -> Client {
    case.source_cluster.connect(&case.source)
}

#[test]
fn who_writes_before_the_kid_sleeps_and_commits_after_needs_no_kick() {
    let mut case = awake("overnight");
    let mut app = application(&case);
    app.batch_execute("begin; insert into t values (1, 'written early')").unwrap();
    activate(&mut case);
    let mut other = application(&case);
    other.batch_execute("begin; insert into t values (2, 'written while it sleeps')").unwrap();
    app.batch_execute("commit").unwrap();
    case.becomes_equal();
    other.batch_execute("commit").unwrap();
    case.becomes_equal();
    case.finish();
}

#[test]
fn a_transaction_prepared_before_the_kid_sleeps_arrives_when_it_is_committed() {
    let mut case = awake("prepared");
    for (gid, id) in [("'one'", 1), ("'two'", 2)] {
        application(&case).batch_execute(&format!("begin; insert into t values ({id}, 'v'); prepare transaction {gid}")).unwrap();
    }
    activate(&mut case);
    case.write("commit prepared 'one'");
    case.becomes_equal();
    assert_eq!(case.at_target("select string_agg(id::text, ' ') from t"), "1");
    case.write("rollback prepared 'two'");
    case.write("insert into t values (3, 'x')");
    case.finish();
}

/// With `ping`, the trigger's NOTIFY would forbid PREPARE TRANSACTION; that is the server's rule.
#[test]
fn without_ping_an_application_may_prepare_transactions_at_any_time() {
    let mut case = case("phases", TABLE).word("ping=false").run();
    case.settle();
    application(&case).batch_execute("begin; insert into t values (1, 'v'); prepare transaction 'late'").unwrap();
    case.write("insert into t values (2, 'w')");
    case.arrives();
    case.write("commit prepared 'late'");
    case.finish();
}

#[test]
fn writers_of_every_isolation_level_are_captured() {
    let mut case = case("isolated", TABLE).run();
    case.write("insert into t select i, 'v' from generate_series(1, 20) i");
    let levels = [IsolationLevel::RepeatableRead, IsolationLevel::Serializable, IsolationLevel::ReadCommitted];
    let mut clients: Vec<Client> = levels.iter().map(|_| application(&case)).collect();
    let mut open: Vec<_> = clients
        .iter_mut()
        .zip(levels)
        .map(|(client, level)| client.build_transaction().isolation_level(level).start().unwrap())
        .collect();
    for round in 1..=3 {
        for (writer, transaction) in open.iter_mut().enumerate() {
            let id = i32::try_from(writer).unwrap() * 4 + round;
            transaction.execute("update t set v = 'w', id = id + 100 where id = $1", &[&id]).unwrap();
        }
        case.arrives();
    }
    for transaction in open.into_iter().rev() {
        transaction.commit().unwrap();
        case.arrives();
    }
    case.finish();
}

#[test]
fn what_is_rolled_back_is_not_carried_and_what_is_around_it_is() {
    let mut case = case("points", TABLE).run();
    case.write("begin; insert into t values (1, 'a'); savepoint s; insert into t values (2, 'b'); update t set id = 9 where id = 1; rollback to s;
        insert into t values (3, 'c'); savepoint s; delete from t where id = 1; release s; insert into t values (1, 'again'); commit");
    case.write("begin; delete from t; rollback");
    case.write(
        "do $$ begin for i in 10..60 loop begin insert into t values (i, 'x'); if i % 3 = 0 then raise exception 'no'; end if;
        exception when raise_exception then null; end; end loop; end $$",
    );
    case.arrives();
    assert_eq!(case.at_target("select string_agg(id || v, ' ' order by id) from t where id < 10"), "1again 3c");
    case.finish();
}

#[test]
fn rows_copied_into_the_source_arrive() {
    let mut case = case("copied", TABLE).run();
    let mut copy = case.a.copy_in("copy t from stdin").unwrap();
    for id in 1..=3000 {
        writeln!(copy, "{id}\tline\\n{id}\\\\").unwrap();
    }
    copy.finish().unwrap();
    case.becomes_equal();
    case.finish();
}

#[test]
fn rows_written_by_queries_of_many_forms_arrive() {
    let ddl = format!("{TABLE}; create table log (id integer primary key, n integer); create view seen as select id, v from t where v <> 'hidden';
        create function note() returns trigger language plpgsql as $$ begin insert into public.log values (new.id, 1)
            on conflict (id) do update set n = public.log.n + 1; return new; end $$;
        create trigger note before insert or update on t for each row execute procedure note();
        create table kept (id integer primary key, v text); create rule keep as on delete to kept do instead update kept set v = 'ruled' where id = old.id");
    let mut case = case("formed", &ddl).run();
    case.write("insert into t values (1, 'a'), (2, 'two') on conflict do nothing; insert into kept values (1, 'a'); delete from kept; insert into t values (1, 'z') on conflict (id) do update set v = excluded.v;
        with moved as (delete from t where id = 1 returning *) insert into t select id + 10, v from moved;
        insert into seen values (5, 'through a view'); update seen set v = 'hidden' where id = 5; delete from t where id = 2;
        with a as (update t set v = 'cte' where id = 11 returning id), b as (insert into t select id + 1, 'b' from a returning id) select * from b");
    case.finish();
}

/// A batch of receipts is closed; who looks into it afterwards shall see the receipts that it will
/// ever have. An order in which the transactions ran one after another cannot be told without the
/// one who looks, which is why only the server can watch over it.
const BATCHES: &str = "create table batch (id integer primary key, closed boolean); insert into batch values (1, false);
    create table receipt (id integer primary key, batch integer)";

/// Somebody writes a receipt for the batch that was open when he looked, and is late: the batch was
/// closed and carried meanwhile.
fn late_receipt(case: &mut Case) -> Result<(), postgres::Error> {
    case.arrives();
    let mut late = application(case);
    let mut open = late.build_transaction().isolation_level(IsolationLevel::Serializable).start()?;
    assert!(!open.query_one("select closed from batch", &[])?.get::<_, bool>(0));
    case.write("begin isolation level serializable; update batch set closed = true; commit");
    case.arrives();
    open.execute("insert into receipt values (1, 1)", &[])?;
    open.commit()
}

#[test]
fn with_txnmode_serializable_no_state_is_carried_that_no_order_of_transactions_can_have() {
    let mut case = case("ordered", BATCHES).word("txnmode=serializable").run();
    let refused = late_receipt(&mut case).unwrap_err();
    assert_eq!(refused.code(), Some(&postgres::error::SqlState::T_R_SERIALIZATION_FAILURE), "{refused}");
    case.finish();
}

#[test]
fn without_it_a_writer_is_not_refused_for_what_we_have_read() {
    let mut case = case("without_order", BATCHES).run();
    late_receipt(&mut case).unwrap();
    case.finish();
}

/// Before `upgrade`, every sync says SERIALIZABLE, which had no effect.
#[test]
fn a_control_database_that_was_not_upgraded_asks_for_nothing_new() {
    let world = World::with(&[]);
    world.control().batch_execute("alter table bucardo.sync drop constraint sync_txnmode").unwrap();
    let mut case = case_in(&world, "older", BATCHES).word("txnmode=serializable").add();
    world.ctl(&["start"]).ok();
    late_receipt(&mut case).unwrap();
    case.finish();
}

/// The server gives the snapshot of a serializable transaction to others that are serializable.
#[test]
fn with_txnmode_serializable_several_tables_are_copied_at_once_as_well() {
    let mut case = case("ordered_copies", BATCHES)
        .target(
            "create table batch (id integer primary key, closed boolean);
        create table receipt (id integer primary key, batch integer)",
        )
        .word("isolation_level=Serializable")
        .word("onetimecopy=1")
        .add();
    case.write("insert into receipt select i, 1 from generate_series(1, 100) i");
    case.world.ctl(&["activate", &case.name, "0"]).ok();
    case.finish();
}
