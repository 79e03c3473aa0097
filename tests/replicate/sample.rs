//! A schema that was not made up for us: the tables of a shop that rents films, in the shape of a
//! sample database that everybody knows, under hundreds of changes in any order.

use super::case::{Case, case};
use super::equal;
use super::world::shared;
use bucardo::pg::Relation;
use postgres::Client;

const TABLES: &str = include_str!("sample/tables.sql");
const ROWS: &str = include_str!("sample/rows.sql");
const CHANGES: &str = include_str!("sample/changes.sql");
const MEMBERS: &str = include_str!("sample/members.sql");

/// Whoever is behind on the target has types with other ids.
const OTHER_IDS: &str =
    "create type unused as enum ('x'); create domain unused_too as text; create table unused_three (id integer, v unused);
    drop table unused_three; ";

/// A row of numbers that looks random and is the same each time (Marsaglia's xorshift).
struct Dice(u64);

impl Dice {
    /// From 1 to `sides`.
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        1 + self.0 % sides
    }

    /// One of these changes, with numbers in its places.
    fn one_of(&mut self, changes: &[&str]) -> String {
        let chosen = usize::try_from(self.roll(changes.len() as u64) - 1).unwrap();
        self.fill(changes[chosen])
    }

    /// A change with numbers in its places.
    fn fill(&mut self, change: &str) -> String {
        let mut parts = change.split('{');
        let first = parts.next().unwrap().to_owned();
        parts.fold(first, |sql, part| {
            let (sides, rest) = part.split_once('}').unwrap_or_else(|| panic!("no number in {change}"));
            match sides.parse() {
                Ok(sides) => format!("{sql}{}{rest}", self.roll(sides)),
                Err(_) => format!("{sql}{{{part}"),
            }
        })
    }
}

/// The changes that this server can make.
fn changes(source: &mut Client) -> Vec<&'static str> {
    let (old, citext) = (shared().cluster.major() < 11, relation_exists(source, "member"));
    let all = CHANGES.lines().chain(MEMBERS.lines().filter(|_| citext)).filter(|line| !line.starts_with("--"));
    all.filter(|line| !(old && line.ends_with("/* moves between partitions */"))).collect()
}

fn relation_exists(source: &mut Client, name: &str) -> bool {
    source.query_one("select to_regclass($1) is not null", &[&name]).unwrap().get(0)
}

/// Several changes as one transaction, which may be undone in part or as a whole.
fn transaction(dice: &mut Dice, all: &[&str]) -> String {
    let some: Vec<String> = (0..dice.roll(5)).map(|_| dice.one_of(all)).collect();
    let undone = dice.one_of(all);
    let all = some.join(";\n");
    match dice.roll(8) {
        1 => format!("begin; {all}; rollback"),
        2 => format!("begin; {all}; savepoint s; {undone}; rollback to s; commit"),
        3 => format!("begin isolation level repeatable read; {undone}; savepoint s; {all}; commit"),
        _ => format!("begin; {all}; commit"),
    }
}

/// Whether it could be made; one that breaks a rule of the schema is undone.
fn made(source: &mut Client, sql: &str) -> bool {
    let Err(error) = source.batch_execute(sql) else { return true };
    let code = error.code().map(|code| code.code().to_owned()).unwrap_or_default();
    assert!(code.starts_with("23"), "{error:?}\n{sql}");
    source.batch_execute("rollback").unwrap();
    false
}

/// Adds all sequences as well, and lets it run.
fn started(case: &Case) {
    let (db, herd) = (format!("db={}", case.source), format!("herd={}", case.name));
    let told = shared().ctl(&["add", "all", "sequences", &db, &herd]).ok();
    assert!(told.contains("New sequences added: 14"), "{told}");
    shared().ctl(&["validate", &case.name]).ok();
    shared().ctl(&["activate", &case.name, "0"]).ok();
}

/// All sequences of a database with their values.
fn sequences(client: &mut Client) -> Vec<(String, i64, bool)> {
    let sql = "select n.nspname::text, c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'S' and n.nspname <> 'bucardo' order by 1, 2";
    let names = client.query(sql, &[]).unwrap();
    let relations = names.iter().map(|row| Relation::new(row.get::<_, String>(0), row.get::<_, String>(1)));
    let value = |relation: Relation| {
        let row = client.query_one(&format!("select last_value, is_called from {relation}"), &[]).unwrap();
        (relation.label(), row.get(0), row.get(1))
    };
    relations.map(value).collect()
}

fn all_equal(case: &mut Case) {
    case.arrives();
    assert_eq!(sequences(&mut case.a), sequences(&mut case.b));
}

/// Each change once, alone, so that none of them is a dead letter.
fn each_alone(case: &mut Case, dice: &mut Dice, changes: &[&str]) {
    for change in changes {
        let tries = (0..20).map(|_| dice.fill(change)).find(|sql| made(&mut case.a, sql));
        assert!(tries.is_some(), "never possible: {change}");
    }
}

#[test]
fn a_schema_as_people_have_it_survives_all_they_do_to_it() {
    let mut case = case("rentals", TABLES).target(&(OTHER_IDS.to_owned() + TABLES)).add();
    case.write(ROWS);
    started(&case);
    all_equal(&mut case);
    let changes = changes(&mut case.a);
    let mut dice = Dice(20_060_815);
    case.a.batch_execute("select setseed(0.4)").unwrap();
    each_alone(&mut case, &mut dice, &changes);
    all_equal(&mut case);
    let done = (0..200).filter(|_| made(&mut case.a, &transaction(&mut dice, &changes))).count();
    assert!(done > 100, "only {done} of 200 transactions were possible");
    all_equal(&mut case);
    assert!(equal::captured(&mut case.a).len() >= 22);
    case.write("truncate payment, rental, legacy.actor");
    case.finish();
}
