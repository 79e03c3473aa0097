//! `add`, byte for byte as the reference shows it (3.11).

use super::world::World;

#[test]
fn a_database_is_added_with_its_group_and_the_attempt_to_connect_is_recorded() {
    let world = World::bare();
    let reach = world.reach().join(" ");
    assert_eq!(world.says(&format!("add db a {reach}")), "Added database \"a\"\n");
    let said = world.says(&format!("add database B dbname=b group=g1 {reach}"));
    assert_eq!(said, "Added database \"B\"\nAdded new database group \"g1\"\nAdded database \"B\" to group \"g1\"\n");
    let said = world.says(&format!("add db c name=C dbgroup=g1 {reach}"));
    assert_eq!(said, "Added database \"C\"\nAdded database \"C\" to group \"g1\"\n");
    assert_eq!(world.value("select string_agg(name || '=' || dbname, ',' order by name) from bucardo.db"), "B=b,C=c,a=a");
    assert_eq!(world.value("select string_agg(distinct status, ',') from bucardo.db_connlog"), "good");
    assert_eq!(world.value("select bool_and(version::int > 100000) from bucardo.db_connlog"), "true");
}

#[test]
fn a_database_that_is_down_is_added_and_that_is_recorded_without_its_password() {
    let world = World::bare();
    let outcome = world.run("add db far host=127.0.0.1 port=1 pass=hush").ended_with(0);
    assert_eq!(outcome.stdout, "Added database \"far\"\n");
    assert!(outcome.stderr.starts_with("Note: Cannot connect to database \"far\""), "{}", outcome.stderr);
    assert_eq!(world.value("select status from bucardo.db_connlog"), "unknown");
    assert_eq!(world.value("select connstring like '%hush%' from bucardo.db_connlog"), "false");
    world.run("add db asleep host=127.0.0.1 port=1 status=inactive").ended_with(0);
    assert_eq!(world.value("select count(*) from bucardo.db_connlog"), "1");
}

#[test]
fn the_newer_dialect_wants_to_be_forced_to_add_a_database_that_is_down() {
    let world = World::bare();
    let refused = world.bucardo(&["add", "db", "far", "dbname=x", "host=127.0.0.1", "port=1"]).ended_with(255);
    assert!(refused.stderr.starts_with("Connection to \"far\" (PostgreSQL database) failed. You may force add it"));
    assert_eq!(world.value("select count(*) from bucardo.db"), "0");
    world.bucardo(&["add", "db", "far", "dbname=x", "host=127.0.0.1", "port=1", "--force"]).ok();
    assert_eq!(world.value("select dbname from bucardo.db"), "x");
}

#[test]
fn a_group_gets_what_it_lacks_and_says_nothing_when_it_lacks_nothing() {
    let world = World::with_dbs();
    assert_eq!(world.says("add dbgroup g0"), "Added database group \"g0\"\n");
    assert_eq!(world.says("add dbgroup g1 B"), "Added database \"B\" to group \"g1\"\nAdded database group \"g1\"\n");
    assert_eq!(world.says("add dbg g1 *"), "Added database \"A\" to group \"g1\"\nAdded database \"C\" to group \"g1\"\n");
    assert_eq!(world.says("add dbgroup g1 A nosuch"), "");
    assert_eq!(world.value("select string_agg(db || priority, ',' order by db) from bucardo.dbmap"), "A1,B1,C1");
}

#[test]
fn tables_and_sequences_are_added_with_their_keys() {
    let world = World::with_dbs();
    assert_eq!(
        world.says("add table t1 sc.t3 db=A herd=h1"),
        lines(&["Created herd \"h1\"", "Added table \"public.t1\"", "Added table \"sc.t3\""])
    );
    assert_eq!(
        world.run("add tables db=A t1 t2 nopk uniq").ok(),
        lines(&["Added table \"public.t2\"", "Added table \"public.nopk\"", "Added table \"public.uniq\""])
    );
    assert_eq!(world.says("add sequence s1 db=A herd=h1 standard_conflict=highest"), "Added sequence \"public.s1\"\n");
    let keys = "select string_agg(tablename || ':' || pkey || ':' || pkeytype, ' ' order by id) from bucardo.goat where reltype = 'table'";
    assert_eq!(world.value(keys), "t1:id:int4 t3:id:int8 t2:a|b:int4|text nopk:: uniq:x:int4");
    assert_eq!(world.value("select qpkey from bucardo.goat where tablename = 't2'"), "\"a\"|\"b\"");
    assert_eq!(world.value("select count(*) from bucardo.herdmap where herd = 'h1'"), "3");
}

#[test]
fn a_known_table_is_left_alone_and_said_not_to_be_in_the_herd() {
    let world = World::with_dbs();
    world.says("add table t1 db=A");
    let outcome = world.ctl(&["add", "table", "t1", "db=A", "herd=h1"]).ended_with(0);
    assert_eq!(outcome.stdout, "Created herd \"h1\"\n");
    let note = "Note: table \"public.t1\" was added before and is not in herd \"h1\"; this does not put it there
HINT: To put it into the herd of a sync, run: bucardo_ctl update sync SYNC add table public.t1\n";
    assert_eq!(outcome.stderr, note);
    assert_eq!(world.ctl(&["add", "table", "t1", "db=A"]).ended_with(0).stderr, "", "no herd was named");
    assert_eq!(world.value("select count(*) from bucardo.herdmap"), "0");
}

#[test]
fn a_table_that_was_never_added_is_said_how_to_add() {
    let world = World::with_dbs();
    world.says("add table t1 db=A herd=h1");
    world.says("add sync s type=pushdelta source=h1 targetdb=B");
    let stderr = world.ctl(&["update", "sync", "s", "add", "table", "t3"]).ended_with(255).stderr;
    let hint = "HINT: To add one that was never added, run: bucardo_ctl add table t3 db=DATABASE sync=s; ";
    assert!(stderr.starts_with("Unknown table: t3\n") && stderr.contains(hint), "{stderr}");
}

#[test]
fn a_status_is_active_or_inactive_in_both_dialects() {
    let world = World::with_dbs();
    world.says("add table t1 db=A herd=h1");
    world.says("add sync s type=pushdelta source=h1 targetdb=B");
    for word in ["status=actve", "status=Active"] {
        let stderr = world.ctl(&["update", "sync", "s", word]).ended_with(255).stderr;
        assert!(stderr.contains("Invalid value for 'status'") && stderr.contains("active or inactive"), "{stderr}");
        world.bucardo(&["update", "sync", "s", word]);
        assert_eq!(world.value("select status from bucardo.sync"), "active");
    }
    assert!(world.says("update sync s status=inactive").contains("from \"active\" to \"inactive\""));
}

#[test]
fn the_only_database_need_not_be_named() {
    let world = World::bare();
    world.add_db("A");
    assert_eq!(world.says("add table t1"), "Added table \"public.t1\"\n");
    assert_eq!(world.says("add table sc.t1 db= ping=off"), "Added table \"sc.t1\"\n");
    assert_eq!(world.value("select ping from bucardo.goat where schemaname = 'sc'"), "false");
}

#[test]
fn a_name_with_blanks_and_quotes_is_written_as_in_sql() {
    let world = World::with_dbs();
    let said = world.ctl(&["add", "table", r#""Odd ""Name""#, "db=A", "herd=h"]).ok();
    assert_eq!(said, "Created herd \"h\"\nAdded table \"public.Odd \"Name\"\n");
    assert_eq!(world.ctl(&["remove", "table", r#"public."Odd ""Name""#]).ok(), "Removed table \"public.Odd \"Name\"\n");
    world.ctl(&["add", "table", r#"public."Odd ""Name""#, "db=A"]).ok();
    assert_eq!(world.ctl(&["remove", "table", "Odd \"Name"]).ok(), "Removed table \"public.Odd \"Name\"\n");
}

#[test]
fn a_herd_takes_names_ids_and_all_of_a_bare_name() {
    let world = World::with_dbs();
    world.says("add table t1 sc.t1 t2 db=A");
    world.says("add sequence s1 db=A");
    let expected = [
        "Added herd \"h2\"",
        "Table \"public.t1\" has been added to the herd \"h2\"",
        "Table \"sc.t1\" has been added to the herd \"h2\"",
    ];
    assert_eq!(world.says("add herd h2 t1"), lines(&expected));
    let id = world.value("select id from bucardo.goat where tablename = 't2'");
    let expected = [
        "Table \"public.t2\" has been added to the herd \"h2\"",
        "Sequence \"public.s1\" has been added to the herd \"h2\"",
        "Table \"sc.t1\" is already in the herd \"h2\"",
    ];
    assert_eq!(world.says(&format!("add relgroup h2 {id} public.s1 sc.t1")), lines(&expected));
}

#[test]
fn everything_a_database_has_is_added_through_filters() {
    let world = World::with_dbs();
    assert_eq!(world.says("add all tables db=A --schema=sc"), "New tables added: 2\nAlready added: 0\n");
    let said = world.says("add all tables --db=A herd=hall -T nopk -N sc --verbose --quiet");
    let new = ["Creating herd: hall", "New tables:", "  public.Odd \"Name", "  public.t1", "  public.t2", "  public.uniq"];
    assert_eq!(said, lines(&new) + "New tables added: 4\nAlready added: 0\n");
    assert_eq!(world.run("add all tables db=A herd=hall").ok(), "New tables added: 1\nAlready added: 6\n");
    assert_eq!(world.value("select count(*) from bucardo.herdmap"), "5");
    assert_eq!(world.says("add all sequences db=A herd=hall"), "New sequences added: 1\nAlready added: 0\n");
}

#[test]
fn the_newer_dialect_puts_known_tables_into_the_herd_too() {
    let world = World::with_dbs();
    world.says("add table t1 db=A");
    let said = world.bucardo(&["add", "all", "tables", "db=A", "relgroup=r", "-n", "public", "-t", "t*"]).ok();
    let expected = ["Creating relgroup: r", "Added table public.t2 to relgroup r", "Added table public.t1 to relgroup r"];
    assert_eq!(said, lines(&expected) + "New tables added: 1\nAlready added: 1\n");
    assert_eq!(world.value("select count(*) from bucardo.herdmap"), "2");
}

#[test]
fn a_sync_is_added_and_validated_at_once() {
    let world = World::with_dbs();
    world.says("add table t1 db=A herd=h");
    assert_eq!(world.says("add sync s1 source=h targetdb=B type=pushdelta checktime=5minutes"), "Added sync \"s1\"\n");
    assert_eq!(world.value("select ok from bucardo.validation where sync = 's1'"), "true");
    assert_eq!(world.value("select checktime from bucardo.sync"), "00:05:00");
    assert_eq!(world.says("--quiet add sync s2 source=h targetdb=C type=delta status=inactive"), "");
}

#[test]
fn a_sync_can_make_its_herd_from_a_list_of_tables() {
    let world = World::with_dbs();
    let said = world.says("add sync pepper type=pushdelta source=A targetdb=B tables=t2,sc.t3 ping=false");
    assert_eq!(said, lines(&["Added table \"public.t2\"", "Added table \"sc.t3\"", "Added sync \"pepper\""]));
    assert_eq!(world.value("select string_agg(ping::text, ',') from bucardo.goat"), "false,false");
    assert_eq!(world.value("select count(*) from bucardo.herdmap where herd = 'pepper'"), "2");
}

#[test]
fn a_sync_can_be_told_its_databases_in_one_word() {
    let world = World::with_dbs();
    world.says("add table t1 db=A herd=h");
    let said = world.says("add sync many relgroup=h dbs=A:source,B:target,C:target autokick=0");
    assert_eq!(said, "Added database group \"many\"\nAdded sync \"many\"\n");
    assert_eq!(world.value("select synctype || ' ' || targetgroup || ' ' || ping from bucardo.sync"), "pushdelta many false");
    assert_eq!(world.value("select string_agg(db, ',' order by db) from bucardo.dbmap"), "B,C");
    assert_eq!(world.says("add sync one relgroup=h dbs=A,B"), "Added sync \"one\"\n");
}

/// The older program's line, too, finds the group that the sync left behind.
#[test]
fn a_sync_of_several_targets_can_be_removed_and_added_again() {
    let world = World::with_dbs();
    world.says("add table t1 db=A herd=h");
    let line = "add sync many relgroup=h dbs=A:source,B,C";
    assert_eq!(world.says(line), "Added database group \"many\"\nAdded sync \"many\"\n");
    world.says("remove sync many");
    assert_eq!(world.says(line), "Added sync \"many\"\n");
    world.says("remove sync many");
    world.says("add dbgroup many A");
    assert!(world.run(line).ended_with(255).stderr.contains("database group \"many\" already exists"));
}

#[test]
fn a_sync_whose_target_is_down_is_kept_for_the_daemon_to_validate() {
    let world = World::with_dbs();
    world.run("add db D dbname=d host=127.0.0.1 port=1").ended_with(0);
    world.says("add table t1 db=A herd=h");
    let outcome = world.run("add sync s1 source=h targetdb=D type=pushdelta").ended_with(0);
    assert_eq!(outcome.stdout, "Added sync \"s1\"\n");
    assert!(outcome.stderr.contains("the daemon will validate sync \"s1\""), "{}", outcome.stderr);
    assert_eq!(world.value("select validated is null and ok is null from bucardo.validation"), "true");
}

#[test]
fn a_sync_with_an_empty_herd_is_accepted_with_a_note() {
    let world = World::with_dbs();
    world.says("add herd h");
    let outcome = world.run("add sync s1 source=h targetdb=B type=pushdelta").ended_with(0);
    assert_eq!(outcome.stdout, "Added sync \"s1\"\n");
    assert_eq!(outcome.stderr, "Note: sync \"s1\" has an empty herd; it must be validated before it can run\n");
}

#[test]
fn whoever_adds_to_what_a_sync_uses_is_told_about_the_sync() {
    let world = World::with_dbs();
    world.says("add table t1 db=A herd=h");
    world.says("add dbgroup g B");
    world.says("add sync s1 source=h targetgroup=g type=pushdelta");
    let told = world.run("add table t2 db=A herd=h").ended_with(0).stderr;
    assert_eq!(told, "Note: sync \"s1\" uses herd \"h\"; validate and reload that sync\n");
    assert_eq!(world.run("add herd h t1").ended_with(0).stderr, "");
    let told = world.run("add dbgroup g C").ended_with(0).stderr;
    assert_eq!(told, "Note: sync \"s1\" uses database group \"g\"; validate and reload that sync\n");
}

#[test]
fn lines_written_for_the_newer_program_work_under_both_names() {
    let world = World::bare();
    let reach = world.reach();
    for program in ["bucardo_ctl", "bucardo"] {
        let name = format!("from_{program}");
        let words = ["add", "db", &name, "dbname=a", "type=postgres", &reach[0], &reach[1], &reach[2]];
        let unique = if program == "bucardo" { "dbname=b" } else { "dbname=a" };
        let words: Vec<_> = words.iter().map(|word| if word.starts_with("dbname") { unique } else { word }).collect();
        assert_eq!(world.call(program, &words).run().ok(), format!("Added database \"{name}\"\n"));
    }
    let said = world.bucardo(&["add", "tables", "all", "db=from_bucardo", "relgroup=r", "-n", "sc", "-t", "t3"]).ok();
    assert_eq!(said, "Creating relgroup: r\nAdded table sc.t3 to relgroup r\nNew tables added: 1\n");
}

#[test]
fn the_lines_of_the_slony_migrator_are_accepted_as_they_are() {
    let world = World::bare();
    let reach = world.reach();
    world.run(&format!("add db shop_1 dbname=a  {} {} {}", reach[0], reach[1], reach[2])).ended_with(0);
    world.run(&format!("add db shop_2 dbname=b  {} {} {}", reach[0], reach[1], reach[2])).ended_with(0);
    world.says("add table public.t1 db=shop_1 ping=true standard_conflict=source herd=shop_node1_set1");
    world.says("add sequence public.s1 db=shop_1 ping=true standard_conflict=source herd=shop_node1_set1");
    let line = "add sync shop_set1_node1_to_node2 source=shop_node1_set1 targetdb=shop_2 type=pushdelta target_makedelta=on";
    world.run(line).ended_with(0);
}

/// Several servers for one database: they are tried in turn.
#[test]
fn a_database_may_have_several_hosts_with_a_port_each() {
    let world = World::bare();
    let [host, port, user] = &world.reach()[..] else { panic!() };
    let (host, port) = (host.trim_start_matches("host="), port.trim_start_matches("port="));
    for program in ["bucardo_ctl", "bucardo"] {
        let words = ["add", "db", program, "dbname=a", &format!("host=127.0.0.1,{host}"), &format!("port=1,{port}"), user];
        world.call(program, &words).run().ok();
        assert_eq!(
            world.says(&format!("update db {program} dbport=1,{port}")),
            format!("Changes made to db \"{program}\":\n * dbport      : changed from \"1,{port}\" to \"1,{port}\"\n")
        );
        world.says(&format!("remove db {program}"));
    }
    assert_eq!(world.value("select count(*) from bucardo.db_connlog where status <> 'good'"), "0");
    for ports in ["1,0", ",1", "1,,2", "65536,1"] {
        let refused = world.run(&format!("add db a host=127.0.0.1,127.0.0.2 port={ports}")).ended_with(255);
        assert!(refused.stderr.starts_with("Failed to add database: that is no port\n"), "{ports}: {}", refused.stderr);
    }
}

/// Neither may two tables meet under one new name, nor may one get what is meant for another of its
/// name.
#[test]
fn a_custom_name_for_a_name_of_several_tables_replaces_no_other() {
    let world = World::with_dbs();
    world.says("add table t1 sc.t1 t2 db=A");
    world.says("add table t1 db=B");
    world.says("add table t2 db=B herd=h");
    let numbers = "1 (public.t1 in A), 4 (public.t1 in B)";
    for name in ["x.first", "x.second"] {
        let refused = world.run(&format!("add customname public.t1 {name} db=C")).ended_with(255);
        assert_eq!(
            refused.stderr,
            format!("\"public.t1\" is the name of several tables\nHINT: name one by its number: {numbers}\n")
        );
    }
    world.says("add customname 1 x.first db=C");
    world.says("add customname 4 x.second db=C");
    let meet = world.run("add customname t1 x.t1 db=C").ended_with(255);
    assert!(meet.stderr.contains("1 (public.t1 in A), 2 (sc.t1 in A), 4 (public.t1 in B)"), "{}", meet.stderr);
    world.says("add sync s type=pushdelta source=h targetdb=C");
    world.says("add customname public.t2 x.t2 sync=s");
    world.says("add customname sc.t1 other");
    let names = "select string_agg(goat || newname, ' ' order by goat) from bucardo.customname";
    assert_eq!(world.value(names), "1x.first 2other 4x.second 5x.t2", "the sync has only one public.t2");
}

fn lines(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}
