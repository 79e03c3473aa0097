//! Types that somebody made, whose ids differ between source and target, and columns that the
//! server computes.

use super::super::case::case;
use super::values::Kind;
use super::{Keyed, Plain, available, differently_styled, key, major, plain};
use crate::replicate::world::shared;

/// What is made before on the target, so that ids differ.
const FIRST: &str = "create type unused as enum ('x'); create type unused_too as (a unused, b unused[]); create table unused_three (a unused_too);
    drop table unused_three;";

const SCHEMA: &str = "create schema \"Off 'path'\";";

const MOOD: &str = "create type \"Off 'path'\".\"Mood\" as enum ('sad', 'o''k', 'hap py', '😀', ',\"\\', '');";

const REST: &str =
    "create type \"Off 'path'\".full as (a integer, \"B b\" text, mood \"Off 'path'\".\"Mood\", n numeric[], gone integer);
    alter type \"Off 'path'\".full drop attribute gone;
    create type nested as (one \"Off 'path'\".full, more \"Off 'path'\".full[]);
    create domain positive as integer check (value > 0);
    create domain label as varchar(20) not null default '' check (value <> 'no');
    create domain relabel as label check (value <> 'never');
    create domain moods as \"Off 'path'\".\"Mood\"[] check (cardinality(value) < 4);
    create type floats as range (subtype = float8);";

const OWN: &[Kind] = &[
    key("\"Off 'path'\".\"Mood\"", &["sad", "o'k", "hap py", "😀", ",\"\\", ""]),
    key("\"Off 'path'\".\"Mood\"[]", &["{}", "{sad,NULL,\"hap py\"}", "{\",\\\"\\\\\",\"\"}"]),
    key("\"Off 'path'\".full", &["(1,\"q\"\"uo,te\\\\\",\"hap py\",\"{1.0,NULL}\")", "(,,,)", "(,\"\",sad,{})"]),
    key("\"Off 'path'\".full[]", &["{}", "{NULL,\"(1,\\\"b \\\\\\\\ c\\\",o'k,)\"}"]),
    key("nested", &["(\"(1,x,sad,{1})\",\"{\"\"(2,y,,)\"\",NULL}\")", "(,)"]),
    key("positive", &["1", "2147483647"]),
    key("moods", &["{}", "{sad,😀}"]),
    key("floats", &["empty", "[-Infinity,NaN]", "(0.1,1e300)"]),
    plain("positive[]", &["{1,NULL,3}", "[0:0]={5}"]).since(11),
    key("floatsets", &["{}", "{[0.1,0.2),[1,NaN]}"]).since(14),
    plain("\"Off 'path'\".full", &["(2,\"tab\there\nnl\",,\"[0:1]={1,2}\")"]),
];

const EXTENSIONS: &[(&str, Kind)] = &[
    ("hstore", key("hstore", &["", "\"a\"=>NULL, \"b \\\"x\\\"\"=>\"\\\\ => ,\"", "1=>2"])),
    ("citext", key("citext", &["", "Straße", "A"])),
    ("ltree", key("ltree", &["", "Top.Science"])),
];

/// Whether this server was built with XML.
fn has_xml() -> bool {
    shared().cluster.connect("postgres").batch_execute("select '<a/>'::xml").is_ok()
}

const XML: Kind = plain("xml", &["<a b=\"&lt;\">é\n<!-- c --></a>", "text <b/> and more", "<?xml version=\"1.0\"?><x/>", ""]);

#[test]
fn types_of_ones_own_arrive_and_can_be_keys() {
    let major = major();
    let extensions: Vec<&(&str, Kind)> = EXTENSIONS.iter().filter(|(name, _)| available(name)).collect();
    let create: String = extensions.iter().map(|(name, _)| format!("create extension {name}; ")).collect();
    let kinds: Vec<&Kind> = OWN
        .iter()
        .filter(|kind| kind.since <= major)
        .chain(extensions.iter().map(|(_, kind)| kind))
        .chain(has_xml().then_some(&XML))
        .collect();
    let keys: Vec<&Kind> = kinds.iter().copied().filter(|kind| kind.key).collect();
    let keyed: Vec<Keyed> =
        keys.chunks(2).enumerate().map(|(n, some)| Keyed { name: format!("keyed{n}"), kinds: some.to_vec() }).collect();
    let plain = Plain { name: "plain".to_owned(), kinds };
    let tables = plain.create() + &keyed.iter().map(Keyed::create).collect::<String>();
    let (floats, sets) = if major < 14 {
        ("", "")
    } else {
        ("drop type floats; ", "create type floats as range (subtype = float8, multirange_type_name = floatsets);")
    };
    let types = format!("{MOOD}{REST}{floats}{sets}");
    let there = format!("{FIRST}{create}{SCHEMA}{types}{tables}");
    let mut case = differently_styled("owned", &format!("{SCHEMA}{types}{create}{tables}"), &there);
    case.write("set xmloption = content");
    case.write(&(plain.fill() + &keyed.iter().map(Keyed::fill).collect::<String>()));
    case.arrives();
    case.write(&(plain.rotate() + &keyed.iter().map(Keyed::change).collect::<String>()));
    case.arrives();
    case.write(&keyed.iter().map(Keyed::change_back).collect::<String>());
    case.finish();
}

#[test]
fn a_key_whose_domain_forbids_null_does_not_hinder_a_truncate() {
    let ddl = "create domain code as text not null check (value ~ '^[a-z]*$'); create domain small as code check (value <> '');
        create table coded (k small primary key, v code, w code default 'w'); create table beside (id integer primary key, v code)";
    let mut case = case("coded", ddl).run();
    case.write("insert into coded values ('a', 'x'), ('b', ''); insert into beside values (1, 'a'), (2, 'b')");
    case.arrives();
    case.write("update coded set k = 'c' where k = 'a'; delete from coded where k = 'b'; delete from beside where id = 1; update beside set id = 3, v = 'x'");
    case.arrives();
    case.write("truncate coded, beside; insert into coded values ('d', 'd')");
    case.finish();
}

#[test]
fn a_key_may_be_computed_by_the_server() {
    if major() < 12 {
        return;
    }
    let ddl = "create table computed (a integer, k text generated always as (chr(96 + a)) stored primary key, b text);
        create table half (id integer, a numeric, k numeric generated always as (a + 1) stored, b text, primary key (id, k));
        create table beside (k text generated always as (chr(96 + id)) stored unique, id integer primary key, l integer generated always as (id * 2) stored, b text)";
    let mut case = case("computing", ddl).run();
    case.write("insert into computed (a, b) select i, 'b' from generate_series(1, 9) i; insert into half (id, a, b) select a, a, b from computed;
        insert into beside (id, b) select a, b from computed");
    case.arrives();
    case.write(
        "update computed set a = a + 10 where a < 4; update computed set b = 'c' where a = 5; delete from computed where a = 6;
        update half set a = 1.0 where id = 1; update half set a = -a, b = 'c' where id < 4; delete from half where id = 6;
        update beside set id = id + 10, b = 'c' where id < 4; delete from beside where id = 5",
    );
    case.arrives();
    case.write("truncate computed, half, beside; insert into computed (a) values (1); insert into half (id, a) values (1, 1)");
    case.finish();
}

#[test]
fn rules_of_the_target_do_not_hinder_what_arrives() {
    let table = "create table ruled (id integer primary key, v text); create table aside (id integer, v text, primary key (id))";
    let rules = "create rule a as on update to ruled do instead nothing; create rule b as on insert to ruled do also insert into aside values (new.id, new.v);
        create rule c as on delete to aside do instead nothing";
    let mut case = case("ruled", table).target(&format!("{table}; {rules}")).run();
    case.write("insert into ruled select i, 'v' from generate_series(1, 9) i; insert into aside select i, 'v' from generate_series(100, 109) i");
    case.arrives();
    case.write("update ruled set v = 'w' where id < 5; delete from ruled where id > 7; update ruled set id = 100 where id = 6; delete from aside where id = 105");
    case.finish();
}

#[test]
fn a_key_that_forbids_overlaps_is_none_and_does_not_hinder_another() {
    if major() < 18 {
        return;
    }
    let ddl = "create table stay (room int4range, during daterange, v text, primary key (room, during without overlaps))";
    let refused = case("stays_without", ddl).try_add().ended_with(255);
    assert!(refused.stderr.contains("no usable key") && refused.stderr.contains("WITHOUT OVERLAPS"), "{}", refused.stderr);
    let mut case = case("stays", &format!("{ddl}; create unique index on stay (during, room)")).run();
    case.write(
        "insert into stay values ('[1,2)', '[2024-01-01,2024-01-05)', 'a'), ('[1,2)', '[2024-01-05,2024-01-09)', 'b'),
        ('[2,3)', '[2024-01-01,)', 'c')",
    );
    case.arrives();
    case.write(
        "update stay set during = '[2024-01-03,2024-01-05)', v = 'w' where v = 'a'; delete from stay where v = 'b';
        insert into stay values ('[1,2)', '[2024-01-01,2024-01-02)', 'd')",
    );
    case.arrives();
    case.write(
        "begin; delete from stay where v = 'c';
        insert into stay values ('[2,3)', '[2024-02-01,2024-02-05)', 'e'), ('[2,3)', '[2024-02-05,)', 'f'); commit",
    );
    case.finish();
}
