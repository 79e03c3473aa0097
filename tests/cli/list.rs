//! `list`, byte for byte as the reference shows it (3.12).

use super::world::World;

/// The objects of the reference's examples.
fn examples() -> World {
    let world = World::bare();
    world.add_db("B");
    world.add_db("C");
    world.run("add db a name=ab host=db1 status=inactive ssp=0").ended_with(0);
    world.run("add dbgroup g1 B C").ended_with(0);
    world.run("add dbgroup g2").ended_with(0);
    world.run("add table sc.t3 t2 nopk db=B").ended_with(0);
    world.run("add sequence s1 db=B").ended_with(0);
    world.run("add herd h1 t2 sc.t3 s1").ended_with(0);
    world.run("add herd hall").ended_with(0);
    world.run("add sync s2 source=h1 targetdb=C type=pushdelta onetimecopy=2").ended_with(0);
    world
}

#[test]
fn databases_show_how_they_are_reached() {
    let world = examples();
    let (dir, port) = (world.cluster.socket_dir().display().to_string(), world.cluster.port());
    let said = [
        "Database: ab  Status: inactive  Conn: psql -p 5432 -U bucardo -d a -h db1 (SSP is off)\n".to_owned(),
        format!("Database: B   Status: active    Conn: psql -p {port} -U postgres -d b -h {dir}\n"),
        format!("Database: C   Status: active    Conn: psql -p {port} -U postgres -d c -h {dir}\n"),
    ];
    assert_eq!(sorted(&world.says("list db")), sorted(&said.concat()));
    assert_eq!(world.says("list databases *b"), said[0]);
    let said = world.says("l dbs C --verbose");
    assert!(said.ends_with("\n  Belongs to database groups: g1\n  Used as target in syncs: s2\n"), "{said}");
    assert!(world.says("list db B --verbose").ends_with("\n  Belongs to database groups: g1\n  Used as source in syncs: s2\n"));
}

#[test]
fn groups_and_herds_show_their_members() {
    let world = examples();
    assert_eq!(world.says("list dbgroup"), "Database group: g1  Members: B, C\nDatabase group: g2\n");
    let said = "Herd: h1    DB: B  Members: sc.t3, public.t2, public.s1\n  Used in syncs: s2\nHerd: hall  DB:\n";
    assert_eq!(world.says("list herds"), said);
    assert_eq!(world.says("list relgroup hal*"), "Herd: hall  DB:\n");
}

#[test]
fn syncs_show_what_goes_where() {
    let world = examples();
    let line = "Sync: s2     (pushdelta)  h1  =>  C    (Active)\n";
    assert_eq!(world.says("list sync"), line);
    assert_eq!(world.says("list syncs S2 PushDelta"), line);
    assert_eq!(world.says("list sync %2 --verbose"), format!("{line}  Table sc.t3\n  Table public.t2\n  Sequence public.s1\n"));
    let all = world.says("list sync s2 --vv");
    assert!(all.contains("\n    onetimecopy        = 2\n") && all.contains("\n    ping               = 1\n"), "{all}");
    assert!(all.contains("\n    checktime          = NULL\n"), "{all}");
    world.run("list sync swap").ended_with(1);
}

#[test]
fn conflicts_show_who_won() {
    let world = examples();
    assert_eq!(world.run("list conflicts").ended_with(1).stdout, "There are no entries in the 'conflict' table.\n");
    let insert = "insert into bucardo.conflict (sync, schemaname, tablename, key, strategy, winner, changes, cdate) values
        ('s2', 'public', 't2', '1|a', 'latest', 'B', '{\"C\": \"02:29:59\", \"B\": \"02:30:01\"}', '2026-11-23 02:30:02'),
        ('gone', 'sc', 't3', '7', 'skip', null, '{}', '2026-11-23 02:31:00')";
    world.control().batch_execute(&format!("set timezone = 'UTC'; {insert}")).unwrap();
    assert_eq!(
        world.says("list conflicts"),
        "Conflict: Nov 23, 2026 02:30:02  Sync: s2    Table: public.t2  Key: 1|a  Winner: B (latest)
Conflict: Nov 23, 2026 02:31:00  Sync: gone  Table: sc.t3      Key: 7    Winner: nobody (skip)\n"
    );
    let one = world.says("list conflict S2 --verbose");
    assert!(one.ends_with("Winner: B (latest)\n  Changed on B at 02:30:01, C at 02:29:59\n"), "{one}");
    let status = world.says("status s2");
    assert!(status.contains("\nConflicts:            1\n"), "{status}");
}

#[test]
fn tables_show_their_keys_and_sequences_their_database() {
    let world = examples();
    let said = "Table: public.nopk  DB: B  PK: none\nTable: public.t2    DB: B  PK: a|b (int4|text)\nTable: sc.t3        DB: B  PK: id (int8)\n";
    assert_eq!(world.says("list tables"), said);
    assert_eq!(world.says("list table sc.t*"), "Table: sc.t3  DB: B  PK: id (int8)\n");
    assert_eq!(world.says("list table public.t2"), "Table: public.t2  DB: B  PK: a|b (int4|text)\n");
    let said = "Sequence: public.s1  DB: B\n  Belongs to herds: h1\n  Belongs to syncs: s2\n";
    assert_eq!(world.says("list seq --verbose"), said);
}

#[test]
fn nothing_to_list_is_a_failure_for_the_older_dialect_only() {
    let world = World::bare();
    for (kind, table) in
        [("db", "db"), ("dbgroup", "dbgroup"), ("herd", "herd"), ("sync", "sync"), ("table", "goat"), ("sequence", "goat")]
    {
        let outcome = world.run(&format!("list {kind}")).ended_with(1);
        assert_eq!(outcome.stdout, format!("There are no entries in the '{table}' table.\n"));
        let outcome = world.run(&format!("list {kind} x*")).ended_with(1);
        assert_eq!(outcome.stdout, format!("There are no matching entries in the '{table}' table.\n"));
    }
    assert_eq!(world.bucardo(&["list", "dbs"]).ok(), "No databases have been added yet\n");
    assert_eq!(world.bucardo(&["list", "sync", "x"]).ok(), "No syncs found\n");
}

#[test]
fn a_password_is_not_listed() {
    let world = World::bare();
    world.run("add db a pass=hush status=inactive").ended_with(0);
    let said = world.says("list db a --vv");
    assert!(said.contains("    dbpass               = <not shown>\n") && !said.contains("hush"), "{said}");
}

/// The order is the collation's; what is compared here is the rest.
fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    lines
}
