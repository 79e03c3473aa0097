//! Databases whose encodings differ, or that have none.

use crate::daemon::world::World;

/// The bytes of ä in LATIN1, which are none of UTF8, and in UTF8.
const AE: &str = "convert_from('\\xe4', 'SQL_ASCII')";

/// Databases of these encodings, with a table of words.
fn world(encodings: &[(&str, &str)]) -> World {
    let names: Vec<&str> = encodings.iter().map(|(name, _)| *name).collect();
    let world = World::with(&names, &[]);
    for (name, encoding) in encodings {
        let (db, mut admin) = (name.to_lowercase(), world.server(name).connect("postgres"));
        admin.batch_execute(&format!("drop database {db}")).unwrap();
        let made = format!("create database {db} encoding '{encoding}' template template0 lc_collate 'C' lc_ctype 'C'");
        admin.batch_execute(&made).unwrap();
        world.at(name, "create table words (word text primary key, n integer)");
    }
    world.says("remove table t u");
    world.says("add table words db=A herd=h");
    world
}

const ROWS: &str = "select string_agg(encode(word::bytea, 'hex') || ':' || n, ' ' order by n) from words";

fn both_write(world: &World) {
    world.says("kick s 0");
    world.says("deactivate s 0");
    world.at("A", &format!("insert into words values ({AE}, 1)"));
    world.at("B", &format!("insert into words values ({AE}, 2); insert into words values ('plain', 3)"));
    world.says("activate s 0");
    world.says("kick s 0");
}

#[test]
fn masters_without_encoding_settle_a_conflict_on_a_key_of_any_bytes() {
    let world = world(&[("A", "SQL_ASCII"), ("B", "SQL_ASCII")]);
    world.run("add sync s source=h dbs=A:source,B:source").ok();
    world.says("start");
    both_write(&world);
    for name in ["A", "B"] {
        assert_eq!(world.value(name, ROWS), "e4:2 706c61696e:3", "on {name}");
    }
    world.at("A", &format!("delete from words where word = {AE}"));
    world.says("kick s 0");
    assert_eq!(world.value("B", ROWS), "706c61696e:3");
    assert_eq!(world.value("control", "select string_agg(key || ' ' || winner, ',') from bucardo.conflict"), "<e4> B");
    assert!(world.says("list conflicts").contains("<e4>"));
}

#[test]
fn records_of_conflicts_hold_rows_of_any_bytes() {
    let world = world(&[("A", "SQL_ASCII"), ("B", "SQL_ASCII")]);
    world.says("set log_conflict_details=1");
    world.run("add sync s source=h dbs=A:source,B:source").ok();
    world.says("start");
    both_write(&world);
    let details = world.value("control", "select details::text from bucardo.conflict");
    assert!(details.contains("<e4>"), "{details}");
    world.becomes_quiet();
}

#[test]
fn masters_of_one_encoding_that_is_not_utf8_settle_conflicts() {
    let world = world(&[("A", "LATIN1"), ("B", "LATIN1")]);
    world.run("add sync s source=h dbs=A:source,B:source").ok();
    world.says("start");
    let ae = "convert_from('\\xe4', 'LATIN1')";
    world.says("kick s 0");
    world.says("deactivate s 0");
    world.at("A", &format!("insert into words values ({ae}, 1)"));
    world.at("B", &format!("insert into words values ({ae}, 2)"));
    world.says("activate s 0");
    world.says("kick s 0");
    for name in ["A", "B"] {
        assert_eq!(world.value(name, ROWS), "e4:2", "on {name}");
    }
    assert_eq!(world.value("control", "select key from bucardo.conflict"), "ä");
}

/// What has no place in the other encoding is an error, and no other character; it names the table.
#[test]
fn bytes_that_mean_nothing_in_the_other_encoding_are_refused_by_the_table_s_name() {
    for (source, target) in [("SQL_ASCII", "UTF8"), ("UTF8", "LATIN1")] {
        let world = world(&[("A", source), ("B", target)]);
        world.says("add sync s type=pushdelta source=h targetdb=B");
        world.says("start");
        let word = if source == "UTF8" { "U&'\\20ac'" } else { AE };
        world.at("A", &format!("insert into words values ({word}, 1)"));
        let why = "coalesce((select max(whydie) from bucardo.q where whydie is not null), '')";
        world.becomes("control", &format!("{why} like '%table public.words%'"), "true");
        let why = world.value("control", why);
        assert!(why.contains(if source == "UTF8" { "LATIN1" } else { "UTF8" }), "{why}");
    }
}
