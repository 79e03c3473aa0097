//! What came of connecting to databases is recorded, whoever added them.

use crate::daemon::world::World;

/// Adds a copy of the entry A by SQL, on another port if one is given.
fn add_by_sql(world: &World, name: &str, port: &str) {
    let sql = "insert into bucardo.db (name, dbname, dbuser, dbhost, dbport, dbpass)
        select $1, dbname, 'bucardo', case when $2 = '' then dbhost else '127.0.0.1' end, coalesce(nullif($2, ''), dbport), 'hush'
        from bucardo.db where name = 'A'";
    world.installed.control().execute(sql, &[&name, &port]).unwrap();
}

fn becomes(world: &World, name: &str, statuses: &str) {
    let sql = format!("select string_agg(status, ' ' order by id) from bucardo.db_connlog where db = '{name}'");
    world.becomes("control", &sql, statuses);
}

#[test]
fn a_database_added_by_sql_is_tried_out_by_the_daemon_now_or_when_it_starts() {
    let world = World::new();
    let mut control = world.installed.control();
    add_by_sql(&world, "early", "");
    world.run_sync("s", "targetdb=B");
    becomes(&world, "early", "good");
    add_by_sql(&world, "late", "1");
    becomes(&world, "late", "unknown");
    control.batch_execute("update bucardo.db set dbport = '2' where name = 'late'").unwrap();
    becomes(&world, "late", "unknown unknown");
    control.batch_execute("update bucardo.db set status = 'inactive' where name = 'late'").unwrap();
    control.batch_execute("select bucardo.db_testconn('early')").unwrap();
    becomes(&world, "early", "good good");
    becomes(&world, "late", "unknown unknown");
    becomes(&world, "A", "good");
    let told =
        "select count(*) from bucardo.db_connlog where connstring like '%hush%' or status = 'good' and version::int < 100000";
    assert_eq!(world.value("control", told), "0");
    assert!(!world.installed.log().contains("hush"));
}
