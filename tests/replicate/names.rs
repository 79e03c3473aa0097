//! Names that break whatever is glued together instead of quoted.

use super::case::{Case, case};
use bucardo::pg::{Ident, Relation};

/// Each of them names a table, its key and, with something added, its other columns.
fn hostile() -> Vec<String> {
    let long = ["x".repeat(63), format!("{}y", "ü".repeat(31)), format!("{}z", "ü".repeat(31))];
    let short = [
        "Capital Blank",
        "quote\"inside",
        "'single'",
        "back\\slash",
        "\\\\.\\N",
        "per%cent %I %1$s %%",
        "emoji 😀",
        "semi; drop table x; --",
        "$$dollar$_$",
        "new\nline",
        "tab\t",
        "select",
        "comma,pipe|",
        "{brace}",
        "public.t",
        "t\"); --",
        "a:b/c",
        "E'\\'",
        "$1",
        " ",
    ];
    long.into_iter().chain(short.map(str::to_owned)).collect()
}

/// The same name with a mark, within 63 bytes.
fn marked(name: &str) -> Ident {
    let short: String = name.chars().take(25).collect();
    Ident::new(format!("{short} v"))
}

fn create(table: &Relation) -> String {
    let (key, value) = (&table.name, marked(table.name.raw()));
    format!("create table {table} ({value} text, {key} integer primary key, \"k1\" text); ")
}

fn everything_twice(case: &mut Case, tables: &[Relation]) {
    let all = |sql: &dyn Fn(&Relation) -> String| tables.iter().map(|table| sql(table) + ";").collect::<String>();
    case.write(&all(&|t| format!("insert into {t} select 'v', i, 'k' || i from generate_series(1, 9) i")));
    case.arrives();
    case.write(&all(&|t| {
        let (key, value) = (&t.name, marked(t.name.raw()));
        format!("update {t} set {value} = 'w' where {key} < 4; delete from {t} where {key} = 5; update {t} set {key} = -{key} where {key} > 7")
    }));
    case.arrives();
    case.write(&all(&|t| format!("truncate {t}; insert into {t} values (null, 1, '')")));
    case.arrives();
}

#[test]
fn a_table_and_its_columns_may_be_called_anything() {
    let tables: Vec<Relation> = hostile().into_iter().map(|name| Relation::new("public", name)).collect();
    let mut case = case("hostile", &tables.iter().map(create).collect::<String>()).run();
    everything_twice(&mut case, &tables);
    case.finish();
}

#[test]
fn a_schema_may_be_called_anything() {
    let names = ["Sche\"ma %s \\ 😀'", "aa.b", "select", &"ü".repeat(31)];
    let tables: Vec<Relation> =
        names.map(|name| Relation::new(name, "t")).into_iter().chain([Relation::new("aa", "b.t")]).collect();
    let schemas: String = tables.iter().map(|table| format!("create schema {}; ", table.schema)).collect();
    let mut case = case("schemas", &(schemas + &tables.iter().map(create).collect::<String>())).run();
    everything_twice(&mut case, &tables);
    case.finish();
}

#[test]
fn columns_may_have_the_names_of_ours() {
    let ddl = "create table ours (k1 integer, txid integer, txntime integer, origin integer, alive integer,
            primary key (alive, origin, txntime, txid, k1));
        create table turned (k1 integer, k2 text, c1 text, c2 text, primary key (k2, k1));
        create table aliases (s integer, t integer, d integer, w integer, c1 text, excluded text, fresh text, gone text, primary key (t, s, d, w));
        create table words (\"new\" integer, old integer, tg_op integer, tg_relid integer, v text, primary key (\"new\", old, tg_op, tg_relid));
        create table delta (id integer primary key, c1 text unique, k1 text, alive boolean)";
    let mut case = case("ours", ddl).run();
    case.write(
        "insert into ours select i, i * 2, i * 3, i * 4, i * 5 from generate_series(1, 9) i;
        insert into turned select i, 'k' || i, 'c', 'd' from generate_series(1, 9) i;
        insert into aliases select i, i, i, i, 'c', 'e', 'f', 'g' from generate_series(1, 9) i;
        insert into words select i, i, i, i, 'v' from generate_series(1, 9) i;
        insert into delta select i, 'c' || i, 'k', i % 2 = 0 from generate_series(1, 9) i",
    );
    case.arrives();
    case.write("update ours set alive = 0 where k1 = 1; update ours set k1 = 0, txid = 0 where k1 = 2; delete from ours where origin = 12;
        update turned set k1 = -k1, c1 = 'C' where k1 < 4; update turned set k2 = 'K' where k1 = 5; delete from turned where k1 = 6;
        update aliases set excluded = 'x', d = 0 where s < 4; delete from aliases where s = 6;
        update words set v = 'w', old = 0 where \"new\" < 4; delete from words where \"new\" = 6;
        update delta set alive = null, c1 = 'C' || id where id < 4; delete from delta where id = 6");
    case.arrives();
    case.write("truncate ours, turned, aliases, words, delta; insert into turned values (1, '1', null, null)");
    case.finish();
}
