//! `update`, byte for byte as the reference shows it (3.13).

use super::world::World;

/// Databases A to C; tables t1 and t2 and sequence s1 of A, of which t1 is in herd h; sync s1 from
/// there to B.
fn world() -> World {
    let world = World::with_dbs();
    world.says("add table t1 db=A herd=h");
    world.says("add table t2 uniq sc.t1 db=A");
    world.says("add sequence s1 db=A");
    world.says("add sync s1 source=h targetdb=B type=pushdelta");
    world
}

#[test]
fn columns_are_changed_and_old_and_new_values_told() {
    let world = world();
    let said = world.ctl(&["update", "sync", "s1", "set", "status=inactive", "CHECKTIME=5 minutes", "stayalive=no"]).ok();
    assert_eq!(
        said,
        "Changes made to sync \"s1\":
 * status      : changed from \"active\" to \"inactive\"
 * checktime   : changed from (null) to \"5 minutes\"
 * stayalive   : changed from \"t\" to \"no\"\n"
    );
    assert_eq!(world.value("select status || checktime::text || stayalive::text from bucardo.sync"), "inactive00:05:00false");
    let said = world.says("update syncs s* status=inactive autokick=off");
    assert!(said.contains(" * status      : changed from \"inactive\" to \"inactive\"\n * ping        : changed from"), "{said}");
    assert_eq!(world.says("update sync s1 set"), "No changes made\n");
}

#[test]
fn a_changed_database_is_tried_out_and_a_changed_sync_validated() {
    let world = world();
    let attempts = "select string_agg(status, ' ' order by id) from bucardo.db_connlog where db = 'C'";
    world.says("update db C ssp=0");
    assert_eq!(world.value(attempts), "good good");
    let said = world.run("update database C dbhost=127.0.0.1 dbport=1").ended_with(0);
    assert!(said.stderr.starts_with("Note: Cannot connect to database \"C\""), "{}", said.stderr);
    assert_eq!(world.value(attempts), "good good unknown");
    let said = world.run("update db C dbhost=none status=inactive dbpass=hush").ended_with(0).stdout;
    assert!(said.contains(" * dbhost      : changed from \"127.0.0.1\" to \"NULL\"\n") && !said.contains("hush"), "{said}");
    assert_eq!(world.value("select dbhost || status || dbpass from bucardo.db where name = 'C'"), "inactivehush");

    world.says("add dbgroup g B");
    let said = world.says("update sync s1 targetgroup=g");
    assert_eq!(said, "Changes made to sync \"s1\":\n * targetgroup : changed from (null) to \"g\"\n");
    assert_eq!(world.value("select targetdb is null from bucardo.sync"), "true");
    assert_eq!(world.value("select ok from bucardo.validation where sync = 's1' and validated is not null"), "true");
}

#[test]
fn tables_are_found_by_pattern_and_their_keys_looked_up_anew() {
    let world = world();
    let said = world.says("update table public.*t standard_conflict=latest");
    assert_eq!(said.matches("Changes made to table \"public.t").count(), 2, "{said}");
    assert_eq!(world.value("select count(*) from bucardo.goat where standard_conflict = 'latest'"), "2");
    world.says("update table public.uniq tablename=t2 schemaname=public");
    assert_eq!(world.value("select string_agg(pkey, ' ') from bucardo.goat where tablename = 't2'"), "a|b a|b");
    assert_eq!(world.value("select pkeytype from bucardo.goat where tablename = 't2' limit 1"), "int4|text");
    let said = world.says("update sequence s1 standard_conflict=highest");
    assert!(said.starts_with("Changes made to sequence \"public.s1\":\n"), "{said}");
}

#[test]
fn members_of_a_sync_come_and_go() {
    let world = world();
    let outcome = world.run("update sync s1 add table public.t1 t2").ended_with(0);
    assert_eq!(outcome.stderr, "Skipping table public.t1: already part of that sync\nAdded table public.t2 to herd h\n");
    assert_eq!(outcome.stdout, "Don't forget to run bucardo_ctl validate s1\n");
    let outcome = world.run("update sync s1 add sequence s*").ended_with(0);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", "Added sequence public.s1 to herd h\n"));
    let outcome = world.run("update sync s1 remove table public.t2 uniq").ended_with(0);
    let said = "Removed table public.t2 from herd h\nSkipping table public.uniq: does not belong to the sync\n";
    let next = "Don't forget to run bucardo_ctl validate s1\n";
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), (next, said));
    let twice = world.run("update sync s1 add table t2 t1").ended_with(255);
    assert!(twice.stderr.starts_with("More than one table found for t1: use wildcards or a schema\n"), "{}", twice.stderr);
}

#[test]
fn members_of_a_group_come_and_go() {
    let world = world();
    world.says("add dbgroup g B");
    let outcome = world.run("update dbgroup g add B C").ended_with(0);
    assert_eq!(outcome.stderr, "Skipping dbgroup B: already part of that group\nAdded database C to database group g\n");
    let outcome = world.run("update dbg g remove A B").ended_with(0);
    let said = "Skipping dbgroup A: does not belong to that group\nRemoved database B from database group g\n";
    assert_eq!(outcome.stderr, said);
    assert_eq!(
        world.says("update dbgroup g name=h"),
        "Changes made to dbgroup \"g\":\n * name        : changed from \"g\" to \"h\"\n"
    );
    assert_eq!(world.value("select db || dbgroup from bucardo.dbmap"), "Ch");
}

#[test]
fn what_is_no_value_of_a_column_is_refused_and_nothing_changed() {
    let world = world();
    for (line, words) in [
        ("update sync s1 limitdbs=-1", "Invalid value for 'limitdbs': must be numeric"),
        ("update sync s1 onetimecopy=9", "Invalid value for 'onetimecopy': must be one of 0 or 1 or 2"),
        ("update sync s1 checktime=-5s", "Invalid value for 'checktime': \"-5s\" is below 0"),
        ("update sync s1 overdue=-5s", "Invalid value for 'overdue': \"-5s\" is below 0"),
        ("update db B targetlimit=-1", "Invalid value for 'targetlimit': must be numeric"),
        ("update db A sourcelimit=-1", "Invalid value for 'sourcelimit': must be numeric"),
    ] {
        let refused = world.run(line).ended_with(255);
        assert!(refused.stderr.contains(words) && refused.stderr.contains("HINT: "), "{line}: {}", refused.stderr);
    }
    assert_eq!(world.value("select limitdbs || ' ' || onetimecopy from bucardo.sync where name = 's1'"), "0 0");
}

#[test]
fn a_column_is_emptied_and_a_value_may_have_equals_signs() {
    let world = world();
    let column =
        |column: &str| world.value(&format!("select coalesce({column}::text, 'none') from bucardo.sync where name = 's1'"));
    for (given, emptied) in
        [("checktime=5 minutes", "checktime="), ("checktime=5 minutes", "checktime=none"), ("copyextra=freeze", "copyextra=")]
    {
        let name = given.split_once('=').unwrap().0;
        world.ctl(&["update", "sync", "s1", given]).ok();
        assert_ne!(column(name), "none");
        let said = world.ctl(&["update", "sync", "s1", emptied]).ok();
        assert!(said.contains(" to (default)"), "{said}");
        assert!(["none", ""].contains(&column(name).as_str()), "{name}: {}", column(name));
    }
    world.ctl(&["update", "db", "B", "dbconn=sslmode=prefer connect_timeout=5"]).ok();
    assert_eq!(world.value("select dbconn from bucardo.db where name = 'B'"), "sslmode=prefer connect_timeout=5");
}

#[test]
fn a_new_target_gets_earlier_rows_by_a_copy_only() {
    let world = world();
    let told = "Note: rows that sync \"s1\" has carried already come to database \"C\" by a copy only: bucardo_ctl update sync s1 onetimecopy=1\n";
    assert!(world.run("update sync s1 targetdb=C").ended_with(0).stderr.contains(told));
    assert!(!world.run("update sync s1 targetdb=C").ended_with(0).stderr.contains("Note: rows"));
    world.says("add dbgroup g B");
    world.run("update sync s1 targetdb=none targetgroup=g").ended_with(0);
    assert_eq!(world.value("select concat_ws(' ', targetdb, targetgroup) from bucardo.sync"), "g");
}
