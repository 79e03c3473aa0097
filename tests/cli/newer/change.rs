//! `update` and `remove` of 5.6 (reference, 8.5).

use super::add::with_dbs;
use super::{World, run, says};

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
    says(&world, "add tables uniq nopk");
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
