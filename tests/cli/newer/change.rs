//! `update` and `remove` of 5.6 (reference, 8.5).

use super::add::with_dbs;
use super::{World, run, says};
use crate::cli::fake_daemon::FakeDaemon;

fn world() -> World {
    let world = with_dbs();
    says(&world, "add sync s1 dbs=A:source,B:target tables=public.t1,t2");
    world
}

#[test]
fn a_sync_changes_silently() {
    let world = world();
    assert_eq!(says(&world, "update sync s1 autokick:off checktime=5min inactive"), "");
    assert_eq!(world.value("select ping::text || checktime::text || status from bucardo.sync"), "false00:05:00inactive");
    assert_eq!(says(&world, "update sync all active"), "");
    assert_eq!(says(&world, "upd syncs s* conflict_strategy=latest"), "Set conflict strategy to 'bucardo_latest'\n");
    let unknown = run(&world, "update sync nosuch active").ended_with(255);
    assert!(unknown.stderr.starts_with("Could not find a sync named \"nosuch\"\nUse 'list syncs' to see all available.\n"));
    assert!(run(&world, "update sync s1 nosuch=1").ended_with(255).stderr.starts_with("Invalid setting: nosuch\n"));
}

#[test]
fn databases_tables_and_groups_tell_each_change() {
    let world = world();
    assert_eq!(
        says(&world, "update db C dbname=b2 status=inactive host=none"),
        "Changed bucardo.db dbname from c to b2\nChanged bucardo.db status from active to inactive
Changed bucardo.db dbhost from DIR to \n"
            .replace("DIR", world.cluster.socket_dir().to_str().unwrap())
    );
    assert_eq!(says(&world, "update db C status=inactive"), "No change needed for status\n");
    assert!(run(&world, "update db C nosuch=1").ended_with(255).stderr.starts_with("Cannot change \"nosuch\"\n"));
    assert_eq!(says(&world, "update table public.t1 autokick=0"), "Changed relation autokick from NULL to 0\n");
    assert_eq!(
        says(&world, "update dbgroup s1 A:source C:target"),
        "Removed database \"B\" from dbgroup \"s1\"\nAdded database \"C\" to dbgroup \"s1\" as target\n"
    );
    let said = says(&world, "update dbgroup s1 A C:source");
    assert_eq!(
        said,
        "Changed role of database \"A\" in dbgroup \"s1\" from source to target
Changed role of database \"C\" in dbgroup \"s1\" from target to source\n"
    );
    assert_eq!(says(&world, "update dbgroup s1 name=g2"), "Changed dbgroup name from \"s1\" to \"g2\"\n");
    assert_eq!(says(&world, "add dbgroup g3"), "Created dbgroup \"g3\"\n");
    assert_eq!(
        says(&world, "update db C group=g3:source"),
        "Removed database \"C\" from dbgroup \"g2\"\nAdded database \"C\" to dbgroup \"g3\" as source\n"
    );
}

#[test]
fn tables_are_removed_by_their_full_names() {
    let world = world();
    run(&world, "add tables uniq nopk").ok();
    let bare = run(&world, "remove table t1").ended_with(255);
    assert!(bare.stderr.starts_with("Please use the full schema.table name\n"), "{}", bare.stderr);
    assert_eq!(
        says(&world, "del tables public.uniq public.nosuch public.nopk"),
        "No such table: public.nosuch\nRemoved the following tables:\n  public.uniq\n  public.nopk\n"
    );
    assert_eq!(says(&world, "remove sequence public.nosuch"), "No such sequence: public.nosuch\nNothing found to remove\n");
    let asked = world.call("bucardo", &["remove", "table", "all"]).stdin("n\n").run().ended_with(0);
    assert_eq!(asked.stdout, "Are you sure you want to remove all tables? ");
    says(&world, "remove sync s1");
    let said = says(&world, "remove table all --batch");
    assert_eq!(said, "Removed the following tables:\n  public.t1\n  public.t2\n");
}

#[test]
fn force_takes_along_what_stands_in_the_way() {
    let world = world();
    let refused = run(&world, "remove db A").ended_with(255);
    assert!(refused.stderr.starts_with("Cannot delete database \"A\": must remove all tables that reference it first\n"));
    let blocked = run(&world, "remove relgroup s1").ended_with(255);
    assert!(blocked.stderr.starts_with("Cannot delete relgroup \"s1\": must remove all syncs that reference it first\n"));
    let forced = run(&world, "remove db A B --force").ended_with(0);
    assert_eq!(forced.stdout, "Removed database \"A\"\nRemoved database \"B\"\n");
    assert!(forced.stderr.contains("Dropping all tables and dbgroups that reference database \"A\"\n"), "{}", forced.stderr);
    assert_eq!(world.value("select count(*) from bucardo.sync"), "0");
    assert_eq!(says(&world, "remove dbgroup s1"), "Removed dbgroup \"s1\"\n");
    assert_eq!(says(&world, "remove herd s1"), "Removed relgroup \"s1\"\n");
}

#[test]
fn a_status_is_active_or_inactive_in_any_case() {
    let world = world();
    says(&world, "update sync s1 status=INACTIVE");
    says(&world, "update db C status=Inactive");
    assert_eq!(
        world.value("select (select status from bucardo.sync) || (select status from bucardo.db where name = 'C')"),
        "inactiveinactive"
    );
    for line in ["update sync s1 status=nonsense", "update db C status=on"] {
        let refused = run(&world, line).ended_with(255);
        assert!(
            refused.stderr.starts_with("Invalid value for 'status': must be one of active or inactive\n"),
            "{}",
            refused.stderr
        );
    }
    assert_eq!(world.value("select status from bucardo.sync"), "inactive");
}

#[test]
fn activating_and_deactivating_are_for_good() {
    let world = world();
    let status = || world.value("select status from bucardo.sync");
    let _daemon = FakeDaemon::new(&world, "bucardo_activate_sync_s1; listen bucardo_deactivate_sync_s1", |client, _| {
        client.batch_execute("notify bucardo_activated_sync_s1; notify bucardo_deactivated_sync_s1").unwrap();
    });
    assert_eq!(says(&world, "deactivate s1"), "Deactivating sync s1\n");
    assert_eq!(status(), "inactive");
    assert_eq!(says(&world, "activate s1"), "Activating sync s1\n");
    assert_eq!(status(), "active");
}

#[test]
fn keys_without_meaning_here_are_taken_with_a_note() {
    let world = World::bare();
    let reach = format!("host={};port={}", world.cluster.socket_dir().display(), world.cluster.port());
    let dsn = format!("dsn=dbi:Pg:dbname=a;{reach};user=postgres");
    let added = world.bucardo(&["add", "db", "A", &dsn, "makedelta=1"]).ended_with(0);
    assert_eq!(added.stdout, "Added database \"A\"\n");
    assert_eq!(added.stderr, "");
    assert!(run(&world, "list dbs").ended_with(0).stdout.contains(" (makedelta on)"));
    let added =
        world.bucardo(&["add", "db", "B", "dbname=b", "user=postgres", &format!("dbdsn={reach};sslmode=allow")]).ended_with(0);
    assert_eq!((added.stdout.as_str(), added.stderr.as_str()), ("Added database \"B\"\n", ""));
    let stored = "select string_agg(dbname || dbuser || coalesce(dbconn, ''), ' ' order by name) from bucardo.db";
    assert_eq!(world.value(stored), "apostgres bpostgressslmode=allow");
    let added = run(&world, "add sync s dbs=A:source,B:target tables=public.t1 vacuum_after_copy=1").ended_with(0);
    assert!(
        added.stdout.starts_with("Added sync \"s\"\n") && added.stderr.starts_with("Note: vacuum_after_copy= "),
        "{}",
        added.stderr
    );
    let updated = run(&world, "update sync s vacuum_after_copy=0").ended_with(0);
    assert!(updated.stdout.is_empty() && updated.stderr.starts_with("Note: vacuum_after_copy= "), "{}", updated.stderr);
}

#[test]
fn custom_code_is_switched_off_and_on() {
    let world = world();
    std::fs::write(world.home().join("code"), "1\n").unwrap();
    run(&world, "add customcode cc whenrun=after_txn src_code=code sync=s1").ended_with(0);
    assert_eq!(says(&world, "update customcode cc status=inactive"), "Changed customcode status from active to inactive\n");
    assert!(says(&world, "list customcode cc").ends_with("Status: inactive\n"));
    assert_eq!(says(&world, "update customcode cc status=inactive"), "No change needed for status\n");
    says(&world, "update customcode cc status=ACTIVE about=x");
    assert!(says(&world, "list customcode cc").ends_with("Status: active\n"));
    run(&world, "update customcode cc status=maybe").ended_with(255);
}
