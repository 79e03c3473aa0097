//! `list db`.

use super::{Entry, names, width};
use crate::cli::pattern::starred;
use crate::error::Result;
use crate::pg::Connection;

struct Db {
    name: String,
    status: String,
    limits: (i16, i16),
    port: String,
    user: String,
    dbname: String,
    host: String,
    prepares: bool,
    groups: Vec<String>,
    source_of: Vec<String>,
    target_of: Vec<String>,
}

pub fn entries(control: &mut Connection, words: &[String]) -> Result<Vec<Entry>> {
    let patterns: Vec<_> = words.iter().map(|word| starred(word)).collect();
    let rows = control.query(include_str!("db.sql"), &[&patterns])?;
    let dbs: Vec<_> = rows.iter().map(db).collect();
    Ok(dbs.iter().zip(lines(&dbs)).map(|(db, line)| Entry { line, below: None, more: more(db), key: db.name.clone() }).collect())
}

fn db(row: &postgres::Row) -> Db {
    Db {
        name: row.get("name"),
        status: row.get("status"),
        limits: (row.get("sourcelimit"), row.get("targetlimit")),
        port: row.get("dbport"),
        user: row.get("dbuser"),
        dbname: row.get("dbname"),
        host: row.get("dbhost"),
        prepares: row.get("server_side_prepares"),
        groups: row.get("groups"),
        source_of: row.get("source_of"),
        target_of: row.get("target_of"),
    }
}

/// One line each. The limits appear for all as soon as one has any.
fn lines(dbs: &[Db]) -> Vec<String> {
    let name = width(dbs.iter().map(|db| db.name.as_str()), 0);
    let status = width(dbs.iter().map(|db| db.status.as_str()), 0);
    let limits: Vec<_> = dbs.iter().map(|db| format!("Limits: {}/{}", db.limits.0, db.limits.1)).collect();
    let limited = dbs.iter().any(|db| db.limits != (0, 0));
    let limit_width = width(limits.iter().map(String::as_str), 0);
    let line = |(db, limits): (&Db, &String)| {
        let limits = if limited { format!("{limits:<limit_width$}  ") } else { String::new() };
        format!("Database: {:<name$}  Status: {:<status$}  {limits}Conn: {}", db.name, db.status, conn(db))
    };
    dbs.iter().zip(&limits).map(line).collect()
}

fn conn(db: &Db) -> String {
    let host = if db.host.is_empty() { String::new() } else { format!(" -h {}", db.host) };
    let prepares = if db.prepares { "" } else { " (SSP is off)" };
    format!("psql -p {} -U {} -d {}{host}{prepares}", db.port, db.user, db.dbname)
}

fn more(db: &Db) -> Vec<String> {
    let lines = [
        names("  Belongs to database groups: ", &db.groups),
        names("  Used as source in syncs: ", &db.source_of),
        names("  Used as target in syncs: ", &db.target_of),
    ];
    lines.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, status: &str) -> Db {
        let (user, dbname) = ("bucardo".to_owned(), name.to_lowercase());
        let (name, status, port, host) = (name.to_owned(), status.to_owned(), "5432".to_owned(), String::new());
        let (groups, source_of, target_of) = (vec![], vec![], vec![]);
        Db { name, status, limits: (0, 0), port, user, dbname, host, prepares: true, groups, source_of, target_of }
    }

    #[test]
    fn columns_are_as_wide_as_the_longest_value() {
        let remote = Db { port: "6201".to_owned(), host: "db1".to_owned(), ..named("B", "active") };
        let without = Db { prepares: false, dbname: "a".to_owned(), ..named("ab", "inactive") };
        assert_eq!(
            lines(&[remote, without]),
            [
                "Database: B   Status: active    Conn: psql -p 6201 -U bucardo -d b -h db1",
                "Database: ab  Status: inactive  Conn: psql -p 5432 -U bucardo -d a (SSP is off)",
            ]
        );
    }

    #[test]
    fn limits_appear_when_one_has_any() {
        let limited = Db { limits: (3, 0), ..named("a", "active") };
        assert_eq!(lines(&[limited]), ["Database: a  Status: active  Limits: 3/0  Conn: psql -p 5432 -U bucardo -d a"]);
    }
}
