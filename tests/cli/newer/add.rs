//! `add` of 5.6 (reference, 8.4).

use super::{World, run, says};

/// The databases A, B and C, added in this dialect.
pub fn with_dbs() -> World {
    let world = World::bare();
    let reach = world.reach().join(" ");
    assert_eq!(says(&world, &format!("add db A dbname=a {reach}")), "Added database \"A\"\n");
    assert_eq!(says(&world, &format!("add databases B,C dbname=b,c {reach}")), "Added databases \"B\",\"C\"\n");
    world
}

#[test]
fn databases_are_added_by_list_and_into_groups() {
    let world = World::bare();
    let reach = world.reach().join(" ");
    let said = says(&world, &format!("add db A,B dbname:a,b group=g1:source {reach}"));
    assert_eq!(
        said,
        "Added databases \"A\",\"B\"\nCreated dbgroup \"g1\"\n  Added database \"A\" to dbgroup \"g1\" as source
  Added database \"B\" to dbgroup \"g1\" as source\n"
    );
    assert_eq!(world.value("select string_agg(name || '=' || dbname, ' ' order by name) from bucardo.db"), "A=a B=b");
    let again = run(&world, &format!("add db A dbname=x {reach}")).ended_with(1);
    assert_eq!(again.stdout, "Cannot add database: the name \"A\" already exists\n");
    let nameless = run(&world, &format!("add db D {reach}")).ended_with(1);
    assert!(nameless.stderr.starts_with("Cannot add database: must supply a database name to connect to\n"));
    let unknown = run(&world, "add db D dbname=x nosuch=1").ended_with(1);
    assert!(unknown.stderr.starts_with("Unknown option 'nosuch'\n") && unknown.stdout.starts_with("Usage: add db"));
    let (host, port) = (world.cluster.socket_dir().display().to_string(), world.cluster.port().to_string());
    let from_environment = world.call("bucardo", &["add", "db", "C", "dbname=c", "user=postgres", "addalltables=yes"]);
    let said = from_environment.env("PGHOST", &host).env("PGPORT", &port).run().ok();
    assert!(said.starts_with("Added database \"C\"\nNew tables added: "), "{said}");
    assert_eq!(world.value("select dbhost from bucardo.db where name = 'C'"), host);
}

#[test]
fn groups_have_roles() {
    let world = with_dbs();
    assert_eq!(
        says(&world, "add dbgroup g2 A:source B C:master:pri=3"),
        "Created dbgroup \"g2\"\nAdded database \"A\" to dbgroup \"g2\" as source
Added database \"B\" to dbgroup \"g2\" as target\nAdded database \"C\" to dbgroup \"g2\" as source\n"
    );
    assert_eq!(world.value("select priority from bucardo.dbmap where db = 'C'"), "3");
    let twice = run(&world, "add dbgroup g2 B").ended_with(255);
    assert!(twice.stderr.starts_with("Cannot add database \"B\" to dbgroup \"g2\": already part of the group\n"));
    assert_eq!(run(&world, "add dbgroup g3 nosuch").ended_with(1).stdout, "The database \"nosuch\" does not exist\n");
    assert_eq!(world.value("select count(*) from bucardo.dbgroup"), "1");
}

#[test]
fn tables_are_found_in_the_database_by_pattern() {
    let world = with_dbs();
    assert_eq!(
        says(&world, "add tables t1 nosuch sc.t% db=A relgroup=rg2"),
        "Did not find matches for the following terms:\n  nosuch\nAdded the following tables or sequences:
  public.t1\n  sc.t1\n  sc.t3\nCreated the relgroup named \"rg2\"
The following tables or sequences are now part of the relgroup \"rg2\":\n  public.t1\n  sc.t1\n  sc.t3\n"
    );
    assert_eq!(
        says(&world, "add table public.t* db=A relgroup=rg2 autokick=0"),
        "Added the following tables or sequences:\n  public.t2
The following tables or sequences were already in the relgroup \"rg2\":\n  public.t1
The following tables or sequences are now part of the relgroup \"rg2\":\n  public.t2\n"
    );
    assert_eq!(says(&world, "add sequence s1"), "Added the following tables or sequences:\n  public.s1\n");
    assert_eq!(
        says(&world, "add relgroup rg3 s1 uniq"),
        "Created relgroup \"rg3\"\nAdded the following tables or sequences:\n  public.uniq (DB: A)
The following tables or sequences are now part of the relgroup \"rg3\":\n  public.s1\n  public.uniq\n"
    );
    assert_eq!(says(&world, "add herd rg3"), "Relgroup \"rg3\" already exists\n");
    assert_eq!(world.value("select ping from bucardo.goat where tablename = 't2'"), "false");
}

#[test]
fn everything_is_added_with_a_line_for_each_member() {
    let world = with_dbs();
    let said = run(&world, "add all tables db=B relgroup=all pkonly").ok();
    assert!(said.starts_with("Creating relgroup: all\nAdded table public.Odd \"Name to relgroup all\n"), "{said}");
    assert!(said.ends_with("\nNew tables added: 7\n"), "{said}");
    let said = says(&world, "add table all db=B --relgroup=all");
    assert!(said.ends_with("\nNew tables added: 0\nAlready added: 7\n"), "{said}");
}

#[test]
fn a_sync_is_added_in_one_line() {
    let world = with_dbs();
    assert_eq!(
        says(&world, "add sync s1 dbs=A:source,B:target tables=public.t1,s1 autokick=off"),
        "Added sync \"s1\"\nCreated a new relgroup named \"s1\"\nCreated a new dbgroup named \"s1\"
  Added table \"public.t1\"\n  Added sequence \"public.s1\"\n"
    );
    assert_eq!(world.value("select synctype || ping::text from bucardo.sync"), "pushdeltafalse");
    assert_eq!(world.value("select string_agg(db || ':' || role, ' ' order by db) from bucardo.dbmap"), "A:source B:target");
    assert_eq!(world.value("select ok from bucardo.validation"), "true");

    says(&world, "add dbgroup g A:source B:target C:target");
    says(&world, "add relgroup rg t2 db=A");
    assert_eq!(
        says(&world, "add sync s2 relgroup=rg dbs=g status:inactive"),
        "Added sync \"s2\"\nUsing existing relgroup \"rg\"\nUsing existing dbgroup \"g\"\n"
    );
    for (line, sentence) in [
        ("add sync s3 dbs=A,B", "Must specify a relgroup (or a list of tables) for this sync"),
        ("add sync s3 relgroup=rg", "Need to specify which dbgroup (or list of databases) for this sync"),
        ("add sync s1 relgroup=rg dbs=A,B", "A sync with the name \"s1\" already exists"),
        ("add sync s3 relgroup=rg dbs=A,nosuch", "Unknown database \"nosuch\""),
        ("add sync s3 tables=nosuch dbs=A,B", "Could not find a relation named \"nosuch\""),
        ("add sync s3 relgroup=rg tables=t1 dbs=A,B", "Cannot specify an existing relgroup and a list of tables"),
        ("add sync s3 relgroup=rg dbgroup=g dbs=A,B", "Cannot specify an existing dbgroup and a list of databases"),
        (
            "add sync s3 relgroup=rg dbs=B:source,C:target",
            "The tables of relgroup \"rg\" are in database \"A\", which is no source of this sync",
        ),
        ("add sync s3 relgroup=rg dbs=A,B conflict_strategy=never", "\"never\" is no conflict strategy, and no database"),
    ] {
        let refused = run(&world, line).ended_with(255);
        assert_eq!(refused.stderr.lines().next(), Some(sentence), "{line}");
    }
    assert_eq!(world.value("select count(*) from bucardo.sync"), "2");
}

#[test]
fn tables_can_have_other_names_and_columns_on_targets() {
    let world = with_dbs();
    says(&world, "add table public.t1 db=A");
    let said = run(&world, "add customname public.t1 archive.t1 db=B").ended_with(0);
    assert_eq!(said.stdout, "Transformed public.t1 to archive.t1 (for database B)\n");
    let said = world.bucardo(&["add", "customcols", "public.t1", "SELECT id"]).ended_with(0);
    assert_eq!(said.stdout, "New columns for public.t1: \"SELECT id\"\n");
    assert_eq!(says(&world, "list customnames"), "1. Table: public.t1  Name: archive.t1  DB: B\n");
    assert_eq!(says(&world, "list customcols t1"), "1. Table: public.t1  Clause: SELECT id\n");
    assert_eq!(says(&world, "remove customcols t1"), "Removed customcols 1\n");
    assert_eq!(says(&world, "list ccols"), "No customcols found\n");
    let refused = world.bucardo(&["add", "customcols", "t1", "SELECT id WHERE id > 5"]).ended_with(255);
    let hint = "HINT: write the table as well: \"SELECT ... FROM schema.table WHERE ...\"\n";
    assert_eq!(refused.stderr, format!("The SELECT has WHERE but no FROM\n{hint}"));
    let refused = world.bucardo(&["add", "customcols", "t1", "id, name"]).ended_with(255);
    assert!(refused.stderr.starts_with("The columns must be a SELECT\n"));
}

/// A sync leaves its group behind. The same line makes it again with that group, another line with
/// other members does not.
#[test]
fn a_sync_that_was_removed_can_be_added_again_by_the_same_line() {
    let world = with_dbs();
    let line = "add sync s dbs=A:source,B:target,C:target tables=public.t1,t2";
    says(&world, line);
    says(&world, "remove sync s");
    let refused = run(&world, "add sync s dbs=A:source,B:source tables=public.t1,t2").ended_with(255);
    assert!(refused.stderr.starts_with("Cannot create sync: database group \"s\" already exists\n"), "{}", refused.stderr);
    let refused = run(&world, &line.replace(",t2", "")).ended_with(255);
    assert!(refused.stderr.starts_with("Cannot specify an existing relgroup and a list of tables\n"), "{}", refused.stderr);
    let again = "Added sync \"s\"\nUsing existing relgroup \"s\"\nUsing existing dbgroup \"s\"\n";
    assert_eq!(says(&world, line), again);
    says(&world, "remove sync s");
    assert!(says(&world, "add sync s dbs=A,B,C relgroup=s").contains("Using existing dbgroup \"s\""));
    says(&world, "remove sync s");
    assert!(run(&world, "add sync s dbs=A:source,B:source,C relgroup=s").ended_with(255).stderr.contains("already exists"));
}
