//! Keys that servers write in more than one way, or in an odd one: masters still find that they
//! changed the same row.

use crate::daemon::world::World;

/// Types of keys, and two keys of each: the first as it is written on A, then as on B.
const KEYS: [(&str, [&str; 2], [&str; 2]); 15] = [
    ("char(5)", ["'ab'", "'ab   '"], ["''", "' '"]),
    ("numeric", ["1.0", "1.00"], ["'NaN'", "'nan'"]),
    ("float8", ["0", "'-0'"], ["'-Infinity'", "'-infinity'"]),
    ("bytea", [r"'\x00ff5c'", r"'\x00FF5C'"], ["''", r"'\x'"]),
    (
        "timestamptz",
        ["'2000-01-01 00:00+00'", "'2000-01-01 05:45+05:45'"],
        ["'4000-01-01 00:00+00 BC'", "'4000-01-01 02:00+02 BC'"],
    ),
    ("date", ["'0044-03-15 BC'", "'0044-03-15 BC'"], ["'infinity'", "'infinity'"]),
    ("interval", ["'1 day'", "'24 hours'"], ["'0'", "'-0 days'"]),
    ("text", [r#"E'a\\b\t\n\r\'"'"#, r#"E'a\\b\t\n\r\'"'"#], ["'\u{1f980} '", "'\u{1f980} '"]),
    ("text", [r"'\N'", r"'\N'"], [r"'\.'", r"'\.'"]),
    ("int[]", ["'{1,null}'", "array[1,null]"], ["'{}'", "'{}'"]),
    ("int4range", ["'[1,3)'", "'[1,2]'"], ["'empty'", "'(1,1)'"]),
    (
        "uuid",
        ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "'{A0EEBC999C0B4EF8BB6D6BB9BD380A11}'"],
        ["'00000000-0000-0000-0000-000000000000'", "'00000000000000000000000000000000'"],
    ),
    ("inet", ["'10.0.0.1'", "'10.0.0.1/32'"], ["'::1'", "'0::1'"]),
    ("mood", ["'sad; -- '", "'sad; -- '"], ["''", "''"]),
    ("pair", ["row(1, null)::pair", "'(1,)'::pair"], ["row(null, 'x')::pair", "'(,x)'::pair"]),
];

/// The types that are not built in, on B with other OIDs, and sessions that speak of times
/// otherwise.
fn prepare(world: &World, name: &str, first: &str) {
    world.at(name, &format!("{first} create type mood as enum ('sad; -- ', ''); create type pair as (a integer, b text)"));
    for (number, (kind, ..)) in KEYS.iter().enumerate() {
        world.at(name, &format!("create table k{number} (id {kind} primary key, v text)"));
    }
}

#[test]
fn masters_know_a_row_again_however_its_key_is_written() {
    let world = World::with(&["A", "B"], &[]);
    prepare(&world, "A", "");
    prepare(&world, "B", "create type other as enum ('x'); create table filler (a other); alter database b set timezone = 'Asia/Kathmandu';
        alter database b set datestyle = 'SQL, DMY'; alter database b set intervalstyle = 'sql_standard'; alter database b set bytea_output = 'escape';");
    let tables: Vec<String> = (0..KEYS.len()).map(|number| format!("k{number}")).collect();
    world.says(&format!("add table {} db=A herd=keys", tables.join(" ")));
    world.says("add sync s type=swap source=keys targetdb=B");
    world.says("start");
    for (table, (_, one, other)) in tables.iter().zip(&KEYS) {
        world.at("A", &format!("insert into {table} values ({}, 'one'), ({}, 'other')", one[0], other[0]));
    }
    world.says("kick s 0");
    world.says("deactivate s 0");
    for (table, (_, one, other)) in tables.iter().zip(&KEYS) {
        world.at(
            "A",
            &format!("update {table} set v = 'lost' where id = {}; delete from {table} where id = {}", one[0], other[0]),
        );
        let changed =
            "update {table} set id = {one}, v = 'won' where id = {one}; update {table} set v = 'kept' where id = {other}";
        world.at("B", &changed.replace("{table}", table).replace("{one}", one[1]).replace("{other}", other[1]));
    }
    world.says("activate s 0");
    world.says("kick s 0");
    for (table, (kind, ..)) in tables.iter().zip(&KEYS) {
        for name in ["A", "B"] {
            let rows = format!("select string_agg(v, ' ' order by v desc) from {table}");
            assert_eq!(world.value(name, &rows), "won kept", "{kind} on {name}");
        }
        let written = format!(
            "set timezone = 'UTC'; set datestyle = 'ISO'; set intervalstyle = 'postgres'; set bytea_output = 'hex'; \
            create temp table w as select string_agg(id::text, ' ' order by v) as w from {table}"
        );
        let text = |name: &str| {
            let mut client = world.db(name);
            client.batch_execute(&written).unwrap();
            client.query_one("select w from w", &[]).unwrap().get::<_, String>(0)
        };
        assert_eq!(text("A"), text("B"), "{kind}");
        let conflicts = format!(
            "select count(*) || ' ' || min(winner) || ' ' || max(winner) from bucardo.conflict where tablename = '{table}'"
        );
        assert_eq!(world.value("control", &conflicts), "2 B B", "{kind}");
    }
    world.becomes_quiet();
}
