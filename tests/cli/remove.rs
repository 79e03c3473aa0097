//! `remove`, byte for byte as the reference shows it (3.14).

use super::world::World;

#[test]
fn everything_that_was_added_can_be_removed_again() {
    let world = World::with_dbs();
    world.says("add dbgroup g1 B C");
    world.says("add table t1 t2 sc.t1 db=A herd=h");
    world.says("add sequence s1 db=A herd=h");
    world.says("add sync s1 source=h targetgroup=g1 type=pushdelta");
    assert_eq!(world.says("remove sync s1"), "Removed sync \"s1\"\n");
    assert_eq!(world.says("delete table t1 --quiet"), "Removed table \"public.t1\"\nRemoved table \"sc.t1\"\n");
    assert_eq!(world.says("remove table s1 public.t2"), "Removed table \"public.t2\"\nRemoved sequence \"public.s1\"\n");
    assert_eq!(world.says("remove herd h h"), "Removed herd \"h\"\n");
    assert_eq!(world.says("del dbgroups g1"), "Removed database group \"g1\"\n");
    assert_eq!(world.says("remove d A B"), "Removed database \"A\"\nRemoved database \"B\"\n");
    assert_eq!(world.value("select count(*) from bucardo.goat"), "0");
}

#[test]
fn a_removed_sync_leaves_nothing_on_its_databases() {
    let world = World::with_dbs();
    world.says("add table t1 db=A herd=h");
    world.says("add sync s1 source=h targetdb=B type=pushdelta");
    world.says("remove sync s1");
    for db in ["a", "b"] {
        let mut client = world.cluster.connect(db);
        let sql = "select (select count(*) from pg_namespace where nspname = 'bucardo') + (select count(*) from pg_trigger where not tgisinternal)";
        assert_eq!(client.query_one(sql, &[]).unwrap().get::<_, i64>(0), 0, "{db}");
    }
}

#[test]
fn a_sync_whose_databases_are_down_is_removed_with_a_note() {
    let world = World::with_dbs();
    world.says("add table t1 db=A herd=h");
    world.says("add sync s1 source=h targetdb=B type=pushdelta");
    world.control().execute("update bucardo.db set dbport = '1', dbhost = '127.0.0.1' where name = 'B'", &[]).unwrap();
    let said = world.says("remove sync s1");
    assert!(said.starts_with("Removed sync \"s1\"\nNote: Database \"B\" still has objects of sync \"s1\": "), "{said}");
    assert_eq!(said.lines().count(), 2);
}

#[test]
fn a_table_that_a_sync_needs_is_removed_with_a_word_about_the_sync() {
    let world = World::with_dbs();
    world.says("add table t1 t2 db=A herd=h");
    world.says("add sync s1 source=h targetdb=B type=pushdelta");
    let outcome = world.run("remove table t1").ended_with(0);
    assert_eq!(outcome.stdout, "Removed table \"public.t1\"\n");
    assert_eq!(outcome.stderr, "Note: public.t1 is no longer part of sync \"s1\"; validate and reload that sync\n");
}

/// Numbers of custom names and columns are their own, not those of tables.
#[test]
fn a_number_removes_one_custom_name_or_clause_and_no_others() {
    let world = World::with_dbs();
    world.says("add table t1 t2 db=A");
    for line in ["customname t1 x1", "customname t2 x2 db=B", "customname t1 x3 db=C"] {
        world.says(&format!("add {line}"));
    }
    world.ctl(&["add", "customcols", "t2", "select a, b"]).ok();
    world.ctl(&["add", "customcols", "t1", "select id"]).ok();
    world.ctl(&["add", "customcols", "t1", "select id", "db=B"]).ok();
    assert_eq!(world.says("remove customname 1"), "Removed customname 1\n");
    assert_eq!(world.says("remove customcols 1"), "Removed customcols 1\n");
    assert_eq!(world.value("select string_agg(id || newname, ' ' order by id) from bucardo.customname"), "2x2 3x3");
    assert_eq!(world.value("select string_agg(id::text, ' ' order by id) from bucardo.customcols"), "2 3");
    assert_eq!(world.says("remove customcols public.t1"), "Removed customcols 2\nRemoved customcols 3\n");
    assert!(world.run("remove customname 1").ended_with(255).stderr.starts_with("No such customname: 1\n"));
}
