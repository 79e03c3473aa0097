//! `list` of 5.6 (reference, 8.6).

use super::add::with_dbs;
use super::{World, run, says};

#[test]
fn empty_lists_are_no_failure() {
    let world = World::bare();
    for (kind, said) in [
        ("dbs", "No databases have been added yet"),
        ("dbs x*", "No matching databases found"),
        ("dbgroups", "No dbgroups have been added yet"),
        ("relgroups", "There are no relgroups."),
        ("herd x", "There are no matching relgroups."),
        ("syncs", "No syncs found"),
        ("tables", "No tables have been added yet"),
        ("sequences", "There are no sequences."),
    ] {
        assert_eq!(says(&world, &format!("list {kind}")), format!("{said}\n"), "list {kind}");
    }
    run(&world, "list config").ended_with(1);
}

#[test]
fn lists_have_their_own_lines() {
    let world = with_dbs();
    says(&world, "add sync s1 dbs=A:source,B:target tables=public.t1,s1 status=inactive");
    run(&world, "add relgroup s1 nopk").ok();
    let (dir, port) = (world.cluster.socket_dir().display().to_string(), world.cluster.port());
    assert_eq!(
        says(&world, "list dbs B"),
        format!("Database: B  Status: active  Conn: psql -p {port} -U postgres -d b -h {dir}\n")
    );
    assert_eq!(says(&world, "list dbgroups"), "dbgroup: s1  Members: A:source B:target\n");
    assert_eq!(
        says(&world, "list relgroup"),
        "Relgroup: s1  DB: A  Members: public.nopk, public.s1, public.t1\n  Used in syncs: s1\n"
    );
    let line = "Sync \"s1\"  Relgroup \"s1\"  DB group \"s1\" A:source B:target  [Inactive]\n";
    assert_eq!(says(&world, "list syncs"), line);
    assert_eq!(says(&world, "list sync s1 inactive stayalive=true"), line);
    assert_eq!(says(&world, "list sync active"), "No syncs found\n");
    let tables = says(&world, "list tables db=A");
    assert!(tables.contains("Table: public.nopk  DB: A  PK: none          Syncs: s1\n"), "{tables}");
    assert!(tables.contains("Table: public.t1    DB: A  PK: id (integer)  Syncs: s1\n"), "{tables}");
    assert_eq!(says(&world, "list tables db=B"), "No matching tables found\n");
    assert_eq!(says(&world, "lsit seqs"), "Sequence: public.s1  DB: A\n");
    let all = says(&world, "list all");
    assert!(all.starts_with("-- dbgroups:\ndbgroup: s1") && all.contains("\n-- syncs:\nSync \"s1\""), "{all}");
}

#[test]
fn a_sync_of_the_older_dialect_is_shown_as_well() {
    let world = with_dbs();
    world.says("add table t1 db=A herd=h");
    world.says("add sync old type=pushdelta source=h targetdb=C");
    assert_eq!(says(&world, "list syncs"), "Sync \"old\"  Relgroup \"h\"  DB group \"old\" A:source C:target  [Active]\n");
}
