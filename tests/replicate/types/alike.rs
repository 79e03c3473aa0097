//! Values that are equal and yet not the same.

use super::super::case::{Case, case};
use super::{available, tolerant_collations};

/// Types whose values can be equal and yet look different, each with three that are.
fn alike() -> Vec<(&'static str, [&'static str; 3])> {
    let mut all = vec![
        ("numeric", ["1.0", "1.000", "1"]),
        ("float8", ["0", "-0", "0"]),
        ("interval", ["1 day", "24:00:00", "23 hours 60 minutes"]),
        ("jsonb", ["[1]", "[1.0]", "[1.00]"]),
        ("bpchar", ["x", "x ", "x  "]),
        ("numeric[]", ["{1.0}", "{1.00}", "{1}"]),
        ("numrange", ["[1.0,2.0)", "[1,2)", "[1.00,2)"]),
        ("pair", ["(1.0,x)", "(1.00,x)", "(1,x)"]),
        ("amount", ["7.0", "7.00", "7"]),
    ];
    all.extend(available("citext").then_some(("citext", ["key", "Key", "KEY"])));
    all.extend(tolerant_collations().then_some(("text collate tolerant", ["key", "Key", "KEY"])));
    all
}

fn alike_tables(types: &[(&str, [&str; 3])]) -> String {
    let own = "create type pair as (n numeric, v text); create domain amount as numeric check (value > 0);";
    let citext = if available("citext") { "create extension citext;" } else { "" };
    let tolerant = "create collation tolerant (provider = icu, locale = 'und-u-ks-level2', deterministic = false);";
    let tolerant = if tolerant_collations() { tolerant } else { "" };
    let table = |(n, (name, _)): (usize, &(&str, [&str; 3]))| {
        format!(
            "create table alone{n} (v text, k {name} primary key); create table only{n} (k {name}, i integer, primary key (k, i));
            create table more{n} (k {name} primary key, v text unique);"
        )
    };
    format!("{own}{citext}{tolerant}{}", types.iter().enumerate().map(table).collect::<String>())
}

#[test]
fn a_key_that_becomes_another_way_of_writing_the_same_does_so_everywhere() {
    let types = alike();
    let mut case = case("alike", &alike_tables(&types)).run();
    let each = |case: &mut Case, sql: &dyn Fn(String, &[&str; 3]) -> String| {
        let tables = types
            .iter()
            .enumerate()
            .flat_map(|(n, (_, values))| ["alone", "only", "more"].map(|name| sql(format!("{name}{n}"), values)));
        case.write(&tables.collect::<Vec<_>>().join("; "));
        case.arrives();
    };
    each(&mut case, &|table, [first, ..]| match &table[..4] {
        "only" => format!("insert into {table} values ('{first}', 1), ('{first}', 2)"),
        _ => format!("insert into {table} (k, v) values ('{first}', 'v')"),
    });
    each(&mut case, &|table, [_, second, _]| format!("update {table} set k = '{second}'"));
    each(&mut case, &|table, _| format!("delete from {table}"));
    each(&mut case, &|table, [first, second, third]| match &table[..4] {
        "only" => format!(
            "insert into {table} values ('{first}', 1); update {table} set k = '{second}'; update {table} set k = '{third}', i = 9"
        ),
        _ => {
            format!("insert into {table} (k) values ('{first}'); delete from {table}; insert into {table} (k) values ('{third}')")
        }
    });
    case.finish();
}
