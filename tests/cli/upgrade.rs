//! `upgrade`: an older control schema gets what it lacks (reference, 3.2).

use super::world::World;

/// The control schema as the first version made it.
const OLDER: &str = "
    alter table bucardo.dbmap drop column role;
    alter table bucardo.sync drop column conflict_strategy, drop column capture;
    alter table bucardo.db drop column capture;
    alter table bucardo.sync add constraint sync_swap_nogroup check (synctype <> 'swap' or targetgroup is null);
    drop table bucardo.customname, bucardo.customcols, bucardo.conflict;
    drop trigger db_change on bucardo.db;
    drop function bucardo.db_change();
    drop function bucardo.db_testconn(text);
    drop table bucardo.former_name;
    drop function bucardo.note_former_name() cascade;
    drop function bucardo.check_former_name() cascade;
    alter table bucardo.presence drop column directory, drop column role, drop column instance;
    create table bucardo.daemon (session integer, session_role oid, directory text);
    create or replace function bucardo.note_joining() returns trigger language plpgsql as 'begin return null; end';
    drop table bucardo.sync_state, bucardo.place, bucardo.table_state, bucardo.installation;
    alter table bucardo.gap drop column former;
    alter table bucardo.departed_partition drop column relation, drop column look,
        add constraint departed_partition_pk primary key (sync, targetdb, db, goat, partition);
    alter table bucardo.q drop column progress;
    alter table freezer.master_q drop column progress;
    drop function bucardo.note_run() cascade;
    drop table bucardo.newest_run;
    drop trigger sync_gone on bucardo.sync;
    create trigger sync_gone after delete on bucardo.sync for each row execute procedure bucardo.sync_gone();
    drop function bucardo.request_validation(text, boolean);
    create function bucardo.request_validation(name text) returns void language plpgsql as 'begin end';
    create or replace function bucardo.bucardo_purge_q_table(age interval) returns bigint language sql security definer as 'select 0::bigint';
    alter table bucardo.sync drop constraint sync_txnmode, alter column txnmode set default 'SERIALIZABLE';
    create or replace function bucardo.validate_sync() returns trigger language plpgsql as 'begin return null; end';
    delete from bucardo.bucardo_config where setting in ('batch_changes', 'waiting_alarm');
    comment on table bucardo.upgrade_log is null";

/// What the schema consists of.
fn shape(world: &World) -> String {
    world.value(
        "select string_agg(line, E'\\n' order by line) from (
            select format('%s.%s %s %s', table_name, column_name, data_type, column_default) from information_schema.columns
             where table_schema in ('bucardo', 'freezer')
            union all select format('%s %s', conrelid::regclass, pg_get_constraintdef(oid)) from pg_constraint
             where connamespace = 'bucardo'::regnamespace
            union all select oid::regprocedure || md5(prosrc) from pg_proc where pronamespace = 'bucardo'::regnamespace
            union all select pg_get_triggerdef(t.oid) from pg_trigger t join pg_class c on c.oid = tgrelid
             where c.relnamespace = 'bucardo'::regnamespace and not tgisinternal
            union all select setting || value || about from bucardo.bucardo_config) as shape (line)",
    )
}

#[test]
fn an_older_schema_becomes_what_a_new_one_is_and_is_asked_about_first() {
    let world = World::with_dbs();
    let fresh = shape(&world);
    world.control().batch_execute(OLDER).unwrap();
    let older = shape(&world);

    for answer in ["no\n", ""] {
        let declined = world.call("bucardo_ctl", &["upgrade"]).stdin(answer).run().ended_with(0);
        assert_eq!(declined.stdout, "Okay to commit 29 changes? ");
        assert!(declined.stderr.starts_with("Created column: bucardo.dbmap.role text not null default 'target'\n"));
        assert_eq!(shape(&world), older);
    }
    refused_everywhere(&world, "an earlier", "HINT: Run: bucardo_ctl upgrade");
    let done = world.call("bucardo_ctl", &["upgrade"]).stdin("Yes\n").run().ended_with(1);
    assert!(done.stdout.ends_with("? Changes have been commited\nDon't forget to run 'bucardo_ctl validate all' as well\n"));
    assert!(done.stderr.contains("\nAdded new bucardo_config setting: batch_changes\n"), "{}", done.stderr);
    assert_eq!(shape(&world), fresh);
    assert_eq!(world.value("select count(*) from bucardo.upgrade_log where version = '4.5.0'"), "29");
    assert_eq!(world.run("upgrade").ended_with(1).stdout, "No schema changes were needed\n");
    assert_eq!(world.bucardo(&["upgrade"]).ended_with(1).stdout, "No schema changes were needed\n");
}

fn refused_everywhere(world: &World, which: &str, hint: &str) {
    for line in [
        "start",
        "status",
        "kick s",
        "reload s",
        "validate all",
        "add sync s source=h targetdb=B",
        "list dbs",
        "show all",
        "pause s",
    ] {
        let refused = world.run(line).ended_with(1);
        let sentence = format!("The control database was made by {which} version of this program\n{hint}");
        assert!(refused.stderr.starts_with(&sentence), "{line}: {}{}", refused.stdout, refused.stderr);
    }
}

#[test]
fn a_schema_of_a_later_version_is_refused() {
    let world = World::with_dbs();
    world.control().batch_execute("comment on table bucardo.upgrade_log is 'Control schema, revision 1000000'").unwrap();
    refused_everywhere(&world, "a later", "HINT: Use the program that it was upgraded with, or a later one.");
}

#[test]
fn syncs_read_as_before_the_isolation_level_counted() {
    let world = World::with_dbs();
    let older = "alter table bucardo.sync drop constraint sync_txnmode;
        insert into bucardo.herd (name) values ('h');
        insert into bucardo.sync (name, source, targetdb, synctype, txnmode) values ('s', 'h', 'B', 'pushdelta', 'READ COMMITTED')";
    world.control().batch_execute(older).unwrap();
    world.run("upgrade --batch").ended_with(1);
    assert_eq!(world.value("select txnmode from bucardo.sync"), "REPEATABLE READ");
}

/// One without what later steps change.
#[test]
fn a_schema_of_any_age_becomes_what_a_new_one_is() {
    const OLDEST: &str = "
        drop table bucardo.joining, bucardo.departed_partition, bucardo.gap, bucardo.presence, bucardo.installation, bucardo.former_name;
        drop function bucardo.note_joining() cascade;
        drop function bucardo.note_former_name() cascade;
        drop function bucardo.check_former_name() cascade;
        comment on table bucardo.upgrade_log is null";
    let world = World::with_dbs();
    let fresh = shape(&world);
    world.control().batch_execute(OLDEST).unwrap();
    let done = world.run("upgrade --batch").ended_with(1);
    assert!(done.stdout.starts_with("Changes have been commited"), "{}{}", done.stdout, done.stderr);
    assert_eq!(shape(&world), fresh);
}

#[test]
fn status_knows_runs_that_are_older_than_the_upgrade() {
    let world = World::with_dbs();
    let run = "insert into bucardo.herd (name) values ('h');
        insert into bucardo.sync (name, source, targetdb, synctype) values ('s', 'h', 'B', 'pushdelta');
        insert into bucardo.q (sync, sourcedb, targetdb, ppid, inserts, started, ended) values ('s', 'A', 'B', 1, 7, now(), now())";
    world.control().batch_execute(run).unwrap();
    world.control().batch_execute("drop function bucardo.note_run() cascade; drop table bucardo.newest_run").unwrap();
    world.run("upgrade --batch");
    let line = |text: String| text.lines().find(|line| line.starts_with("s ")).map(str::to_owned);
    let after = line(world.run("status").stdout);
    assert!(after.as_ref().is_some_and(|line| line.contains("7/0")), "{after:?}");
}

#[test]
fn a_script_is_asked_nothing_and_each_dialect_has_its_exit_codes() {
    let world = World::with_dbs();
    world.control().batch_execute(OLDER).unwrap();
    let done = world.bucardo(&["upgrade", "--batch"]).ended_with(0);
    assert!(done.stdout.starts_with("Changes have been commited\n"), "{}", done.stdout);
    world.control().batch_execute("drop table bucardo.validation").unwrap();
    let foreign = world.run("upgrade --batch").ended_with(1);
    assert!(foreign.stderr.starts_with("Sorry, but this control database was made by another program\n"));
}
