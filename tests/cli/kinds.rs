//! What `add table` and `add all tables` make of partitions, and of things that are no ordinary
//! tables.

use super::world::World;

/// An ordinary role's tables: p in two levels of partitions, k whose partitions alone have keys,
/// and one that stands alone.
const PARTITIONS: &str = "create role keeper; grant create on schema public to keeper; set role keeper;
    create table p (id integer, day integer, v text, primary key (id, day)) partition by range (day);
    create table p_1 partition of p for values from (0) to (100);
    create table p_2 partition of p for values from (100) to (1000) partition by range (day);
    create table p_2_1 partition of p_2 for values from (100) to (200);
    create table k (id integer, day integer) partition by list (day);
    create table k_1 partition of k for values in (1);
    alter table k_1 add primary key (id);
    create table p_alone (id integer primary key)";

/// None where the server cannot replicate a partitioned table as one.
fn world() -> Option<World> {
    let world = World::with_dbs();
    if world.cluster.major() < 11 {
        return None;
    }
    world.cluster.connect("a").batch_execute(PARTITIONS).unwrap();
    Some(world)
}

const GOATS: &str = "select string_agg(tablename, ' ' order by tablename) from bucardo.goat";

#[test]
fn all_tables_take_a_partitioned_table_as_one() {
    let Some(world) = world() else { return };
    let added = world.run("add all tables db=A -t p -t p_* -t k* herd=h").ended_with(0);
    assert_eq!(added.stdout, "Creating herd: h\nNew tables added: 3\nAlready added: 0\n");
    assert_eq!(added.stderr, "Note: the partitions of public.k are added one by one: it has no key as a whole\n");
    assert_eq!(world.value(GOATS), "k_1 p p_alone");
    let again = world.run("add all tables db=A -t p -t p_* -t k* herd=h").ended_with(0);
    assert_eq!(again.stdout, "New tables added: 0\nAlready added: 3\n");
}

#[test]
fn partitions_that_are_asked_for_are_tables_of_their_own() {
    let Some(world) = world() else { return };
    world.run("add all tables db=A -t p_*").ended_with(0);
    assert_eq!(world.value(GOATS), "p_1 p_2 p_alone", "p_2 is a whole, too");
    world.says("add table p_2_1 db=A");
    assert!(world.value(GOATS).contains("p_2_1"), "by its name");
}

/// Who leaves out the whole does not mean its parts.
#[test]
fn the_partitions_of_a_table_that_is_left_out_are_left_out() {
    let Some(world) = world() else { return };
    world.run("add all tables db=A -T p -T k -n public").ended_with(0);
    assert!(!world.value(GOATS).contains("p_1") && world.value(GOATS).contains("p_alone"), "{}", world.value(GOATS));
}

/// An installation that has the partitions already keeps them, and gets the new ones.
#[test]
fn where_partitions_are_there_as_tables_later_ones_join_them() {
    let Some(world) = world() else { return };
    world.says("add table p_1 db=A herd=h");
    let added = world.run("add all tables db=A -t p -t p_* herd=h").ended_with(0);
    assert_eq!(world.value(GOATS), "p_1 p_2 p_alone");
    let note = "Note: the partitions of public.p are added one by one: some are there already as tables of their own\n";
    assert_eq!(added.stderr, note);
}

#[test]
fn patterns_of_the_newer_dialect_take_the_whole_and_names_what_they_name() {
    let Some(world) = world() else { return };
    let added = world.bucardo(&["add", "table", "public.p%", "db=A"]).ended_with(0);
    assert_eq!(added.stdout, "Added the following tables or sequences:\n  public.p\n  public.p_alone\n");
    world.bucardo(&["add", "table", "p_2_1", "db=A"]).ended_with(0);
    world.bucardo(&["add", "table", "k", "db=A"]).ended_with(0);
    assert_eq!(world.value(GOATS), "k p p_2_1 p_alone");
    world.bucardo(&["remove", "table", "all", "--batch"]).ended_with(0);
    world.cluster.connect("b").batch_execute(&PARTITIONS.replace("create role keeper;", "")).unwrap();
    world.bucardo(&["add", "sync", "s", "dbs=A:source,B:target", "tables=p%"]).ended_with(0);
    assert_eq!(world.value(GOATS), "p p_alone");
}

#[test]
fn what_belongs_to_an_extension_is_left_out_by_name_and_added_when_asked_for() {
    let world = World::with_dbs();
    let ddl = "create table ref_sys (id integer primary key); create sequence ref_ids; create extension pg_trgm;
        alter extension pg_trgm add table ref_sys; alter extension pg_trgm add sequence ref_ids";
    world.cluster.connect("a").batch_execute(ddl).unwrap();
    for (kind, name) in [("tables", "ref_sys"), ("sequences", "ref_ids")] {
        let added = world.run(&format!("add all {kind} db=A -n public")).ended_with(0);
        assert!(added.stderr.contains(&format!("Note: left out because it belongs to an extension: public.{name} (pg_trgm)\n")));
    }
    assert_eq!(world.value("select count(*) from bucardo.goat where tablename like 'ref%'"), "0");
    let added = world.bucardo(&["add", "table", "ref%", "db=A"]).ended_with(0);
    assert!(added.stdout.starts_with("Did not find matches"), "{}", added.stdout);
    world.bucardo(&["add", "table", "ref_sys", "db=A"]).ended_with(0);
    world.says("add sequence ref_ids db=A");
    assert_eq!(world.value("select count(*) from bucardo.goat where tablename like 'ref%'"), "2");
}

#[test]
fn what_is_no_ordinary_table_is_refused_by_its_kind() {
    let world = World::with_dbs();
    let ddl = "create view seen as select * from t1; create materialized view stored as select * from t1;
        create foreign data wrapper w; create server far foreign data wrapper w; create foreign table distant (id integer) server far";
    world.cluster.connect("a").batch_execute(ddl).unwrap();
    for (name, kind) in
        [("seen", "a view"), ("stored", "a materialized view"), ("distant", "a foreign table"), ("s1", "a sequence")]
    {
        for program in ["bucardo_ctl", "bucardo"] {
            let refused = world.call(program, &["add", "table", name, "db=A"]).run().ended_with(255);
            let told = format!("public.{name} is {kind}\n");
            assert!(refused.stderr.contains(&told) && refused.stderr.contains("HINT: "), "{program}: {}", refused.stderr);
        }
    }
    let refused = world.bucardo(&["add", "sync", "s", "dbs=A:source,B:target", "tables=t1,seen"]).ended_with(255);
    assert!(refused.stderr.contains("public.seen is a view\n"), "{}", refused.stderr);
    assert_eq!(world.value("select count(*) from bucardo.goat"), "0");
}

#[test]
fn an_unlogged_table_is_added_with_a_warning() {
    let world = World::with_dbs();
    world
        .cluster
        .connect("a")
        .batch_execute("create schema fast; create unlogged table fast.x (id integer primary key)")
        .unwrap();
    let told = "Warning: table fast.x is unlogged: a crash of its server empties it, which is told then\n";
    for line in ["add table fast.x db=A", "add all tables db=A -n fast"] {
        assert_eq!(world.run(line).ended_with(0).stderr, told, "{line}");
        world.says("remove table fast.x");
    }
    assert_eq!(world.bucardo(&["add", "table", "fast.x", "db=A"]).ended_with(0).stderr, told);
}

#[test]
fn a_temporary_table_of_another_session_is_refused_as_such() {
    let world = World::with_dbs();
    let mut other = world.cluster.connect("a");
    other.batch_execute("create temporary table passing (id integer primary key)").unwrap();
    let schema: String = other.query_one("select pg_my_temp_schema()::regnamespace::text", &[]).unwrap().get(0);
    let refused = world.run(&format!("add table {schema}.passing db=A")).ended_with(255);
    assert!(refused.stderr.contains("passing is a temporary table\n"), "{}", refused.stderr);
}
