//! The lists of the newer dialect (reference, 8.6). Reading is one query for each kind; the lines
//! are made purely.

use super::{Entry, names, width};
use crate::cli::noun::Noun;
use crate::cli::pattern::{self, starred};
use crate::cli::refusal;
use crate::error::Result;
use crate::pg::{Connection, Ident};

/// The longest text about a group's members that is shown on the same line as its sync.
const LONGEST: usize = 50;

/// The databases.
pub fn dbs(control: &mut Connection, words: &[String]) -> Result<Vec<Entry>> {
    let rows = control.query(include_str!("db.sql"), &[&patterns(words)])?;
    let name = widest(&rows, "name");
    let status = widest(&rows, "status");
    let line = |row: &postgres::Row| {
        let text = |column: &str| row.get::<_, String>(column);
        let option =
            |flag: &str, value: String, usual: &str| if value == usual { String::new() } else { format!(" {flag} {value}") };
        let (port, host) = (option("-p", text("dbport"), "5432"), option("-h", text("dbhost"), ""));
        let prepares = if row.get("server_side_prepares") { "" } else { " (SSP is off)" };
        let notes = if row.get("makedelta") { " (makedelta on)" } else { "" };
        format!(
            "Database: {:<name$}  Status: {:<status$}  Conn: psql{port} -U {} -d {}{host}{prepares}{notes}",
            text("name"),
            text("status"),
            text("dbuser"),
            text("dbname")
        )
    };
    let more = |row: &postgres::Row| {
        let lines = [
            ("  Belongs to dbgroups: ", "groups"),
            ("  Used as source in syncs: ", "source_of"),
            ("  Used as target in syncs: ", "target_of"),
        ];
        lines.into_iter().filter_map(|(label, column)| names(label, &row.get::<_, Vec<String>>(column))).collect()
    };
    Ok(rows.iter().map(|row| Entry { line: line(row), below: None, more: more(row), key: row.get("name") }).collect())
}

fn patterns(words: &[String]) -> Vec<String> {
    words.iter().map(|word| starred(&word.replace('%', "*"))).collect()
}

fn widest(rows: &[postgres::Row], column: &str) -> usize {
    width(rows.iter().map(|row| row.get::<_, &str>(column)), 0)
}

/// The groups with their members and roles.
pub fn dbgroups(control: &mut Connection, words: &[String]) -> Result<Vec<Entry>> {
    let sql = include_str!("newer_dbgroup.sql");
    let rows = control.query(sql, &[&patterns(words)])?;
    let name = widest(&rows, "name");
    let line = |row: &postgres::Row| {
        let members: Vec<String> = row.get("members");
        let members = if members.is_empty() { String::new() } else { format!("  Members: {}", members.join(" ")) };
        format!("dbgroup: {:<name$}{members}", row.get::<_, &str>("name")).trim_end().to_owned()
    };
    Ok(rows.iter().map(|row| Entry { line: line(row), below: None, more: Vec::new(), key: row.get("name") }).collect())
}

/// The relgroups with their members and syncs.
pub fn relgroups(control: &mut Connection, words: &[String]) -> Result<Vec<Entry>> {
    let rows = control.query(include_str!("herd.sql"), &[&patterns(words)])?;
    let (name, db) = (widest(&rows, "name"), widest(&rows, "db"));
    let line = |row: &postgres::Row| {
        let mut members: Vec<String> = row.get("members");
        members.sort();
        let members = names("  Members: ", &members).unwrap_or_default();
        format!("Relgroup: {:<name$}  DB: {:<db$}{members}", row.get::<_, &str>("name"), row.get::<_, &str>("db"))
            .trim_end()
            .to_owned()
    };
    let more = |row: &postgres::Row| names("  Used in syncs: ", &row.get::<_, Vec<String>>("syncs")).into_iter().collect();
    Ok(rows.iter().map(|row| Entry { line: line(row), below: None, more: more(row), key: row.get("name") }).collect())
}

struct Sync {
    name: String,
    herd: String,
    group: String,
    status: String,
    members: Vec<String>,
}

/// The syncs. Words are names, patterns, `active`, `inactive`, and `column=value`.
pub fn syncs(control: &mut Connection, words: &[String]) -> Result<Vec<Entry>> {
    let mut wanted = Conditions::default();
    let mut patterns = Vec::new();
    for word in words {
        let lower = word.to_lowercase();
        let meant = if ["active", "inactive"].contains(&lower.as_str()) { format!("status={lower}") } else { word.clone() };
        if !wanted.add(control, &meant)? {
            patterns.push(pattern::sync(word));
        }
    }
    let Conditions { condition, values } = wanted;
    let sql = include_str!("newer_sync.sql").replace("true /* which */", &condition);
    let rows = control.query(&sql, &[&patterns, &values])?;
    let syncs: Vec<Sync> = rows
        .iter()
        .map(|row| Sync {
            name: row.get("name"),
            herd: row.get("herd"),
            group: row.get("group"),
            status: row.get("status"),
            members: row.get("members"),
        })
        .collect();
    let lines = sync_lines(&syncs);
    Ok(syncs
        .into_iter()
        .zip(lines)
        .map(|(sync, (line, below))| Entry { line, below, more: sync.members, key: sync.name })
        .collect())
}

/// What the columns of syncs shall be.
pub struct Conditions {
    /// As SQL.
    pub condition: String,
    /// The values, its second parameter.
    pub values: Vec<String>,
}

impl Default for Conditions {
    fn default() -> Self {
        Conditions { condition: "true".to_owned(), values: Vec::new() }
    }
}

impl Conditions {
    /// Takes a word, if it is of the form `column=value`.
    pub fn add(&mut self, control: &mut Connection, word: &str) -> Result<bool> {
        let Some((column, value)) = word.split_once('=') else { return Ok(false) };
        let column = column_of_sync(control, &column.to_lowercase())?;
        self.values.push(value.to_owned());
        self.condition += &format!(" and lower(s.{column}::text) = lower(($2::text[])[{}])", self.values.len());
        Ok(true)
    }
}

/// A column of the table, as SQL writes it.
fn column_of_sync(control: &mut Connection, name: &str) -> Result<Ident> {
    let name = if name == "autokick" { "ping" } else { name };
    let sql = "select from pg_catalog.pg_attribute where attrelid = 'bucardo.sync'::regclass and attname = $1 and attnum > 0";
    match control.query_opt(sql, &[&name])? {
        Some(_) => Ok(Ident::new(name)),
        None => {
            Err(refusal::refused(format!("Invalid attribute: {name}"), "`list syncs --verbose --verbose` shows the attributes"))
        }
    }
}

/// The line of each, and what has no room on it.
fn sync_lines(syncs: &[Sync]) -> Vec<(String, Option<String>)> {
    let quoted = |text: &str| format!("\"{text}\"");
    let name = syncs.iter().map(|sync| quoted(&sync.name).chars().count()).max().unwrap_or(0);
    let herd = syncs.iter().map(|sync| quoted(&sync.herd).chars().count()).max().unwrap_or(0);
    let group = syncs.iter().map(|sync| sync.group.chars().count()).max().unwrap_or(0);
    let line = |sync: &Sync| {
        let mut status = sync.status.clone();
        status.get_mut(..1).into_iter().for_each(str::make_ascii_uppercase);
        let start = format!("Sync {:<name$}  Relgroup {:<herd$}", quoted(&sync.name), quoted(&sync.herd));
        match group > LONGEST {
            true => (format!("{start} [{status}]"), Some(format!("  DB group {}", sync.group))),
            false => (format!("{start}  DB group {:<group$}  [{status}]", sync.group), None),
        }
    };
    syncs.iter().map(line).collect()
}

struct Table {
    id: i32,
    label: String,
    db: String,
    key: String,
    syncs: Vec<String>,
    ping: Option<bool>,
}

/// The database of a `db=X` or `db:X` among the words, and the others.
pub fn of_database(words: &[String]) -> (Option<&str>, impl Iterator<Item = &String>) {
    let db = |word: &String| word.starts_with("db=") || word.starts_with("db:");
    (words.iter().filter(|word| db(word)).map(|word| &word[3..]).next_back(), words.iter().filter(move |word| !db(word)))
}

/// Tables or sequences. `db=X` among the words restricts them to one database.
pub fn goats(control: &mut Connection, noun: Noun, words: &[String]) -> Result<Vec<Entry>> {
    let kind = if noun == Noun::Table { "table" } else { "sequence" };
    let (db, words) = of_database(words);
    let (schemas, tables): (Vec<_>, Vec<_>) = words.map(|word| pattern::relation(&word.replace('%', "*"))).unzip();
    let rows = control.query(include_str!("goat.sql"), &[&kind, &schemas, &tables])?;
    let goat = |row: &postgres::Row| Table {
        id: row.get("id"),
        label: row.get("label"),
        db: row.get("db"),
        key: key(row.get("pkey"), row.get("pkeytype")),
        syncs: row.get("syncs"),
        ping: row.get("ping"),
    };
    let found: Vec<Table> = rows.iter().map(goat).filter(|goat| db.is_none_or(|db| goat.db == db)).collect();
    let lines = if noun == Noun::Table { table_lines(&found) } else { sequence_lines(&found) };
    Ok(found
        .iter()
        .zip(lines)
        .map(|(goat, line)| Entry { line, below: None, more: Vec::new(), key: goat.id.to_string() })
        .collect())
}

fn key(columns: Option<&str>, types: Option<&str>) -> String {
    match (columns, types) {
        (Some(columns), Some(types)) if !columns.is_empty() => {
            let types: Vec<_> = types.split('|').map(long_name).collect();
            format!("{columns} ({})", types.join("|"))
        }
        _ => "none".to_owned(),
    }
}

/// The newer program shows types by their SQL names.
fn long_name(name: &str) -> &str {
    const NAMES: [(&str, &str); 11] = [
        ("int2", "smallint"),
        ("int4", "integer"),
        ("int8", "bigint"),
        ("bool", "boolean"),
        ("bpchar", "character"),
        ("varchar", "character varying"),
        ("float4", "real"),
        ("float8", "double precision"),
        ("timestamptz", "timestamp with time zone"),
        ("timestamp", "timestamp without time zone"),
        ("timetz", "time with time zone"),
    ];
    NAMES.iter().find(|(short, _)| *short == name).map_or(name, |(_, long)| long)
}

fn table_lines(tables: &[Table]) -> Vec<String> {
    let label = width(tables.iter().map(|table| table.label.as_str()), 0);
    let db = width(tables.iter().map(|table| table.db.as_str()), 0);
    let key = width(tables.iter().map(|table| table.key.as_str()), 0);
    let line = |table: &Table| {
        let syncs = names("  Syncs: ", &table.syncs).unwrap_or_default();
        let kick = table.ping.map(|ping| format!("  autokick:{ping}")).unwrap_or_default();
        format!("{}. Table: {:<label$}  DB: {:<db$}  PK: {:<key$}{syncs}{kick}", table.id, table.label, table.db, table.key)
    };
    tables.iter().map(line).collect()
}

fn sequence_lines(sequences: &[Table]) -> Vec<String> {
    let label = width(sequences.iter().map(|sequence| sequence.label.as_str()), 0);
    sequences.iter().map(|sequence| format!("Sequence: {:<label$}  DB: {}", sequence.label, sequence.db)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sync(name: &str, group: &str) -> Sync {
        let text = str::to_owned;
        Sync { name: text(name), herd: text("rg2"), group: text(group), status: text("active"), members: vec![] }
    }

    #[test]
    fn a_sync_is_on_one_line_unless_some_group_is_long() {
        let one = sync("s1", "\"g2\" A:source B:target");
        let line = "Sync \"s1\"  Relgroup \"rg2\"  DB group \"g2\" A:source B:target  [Active]";
        assert_eq!(sync_lines(&[one]), [(line.to_owned(), None)]);
        let long = format!("\"g\" {}", "A:source ".repeat(6).trim_end());
        let lines = sync_lines(&[sync("s1", "\"g2\" A:source"), sync("long", &long)]);
        let (line, below) = ("Sync \"s1\"    Relgroup \"rg2\" [Active]", "  DB group \"g2\" A:source");
        assert_eq!(lines[0], (line.to_owned(), Some(below.to_owned())));
    }

    #[test]
    fn tables_show_numbers_keys_and_syncs() {
        let table = |id, label: &str, db: &str, key: String, syncs: &[&str], ping| Table {
            id,
            label: label.to_owned(),
            db: db.to_owned(),
            key,
            syncs: syncs.iter().map(|name| (*name).to_owned()).collect(),
            ping,
        };
        let nopk = table(3, "public.nopk", "A", key(Some(""), Some("")), &[], None);
        let t1 = table(7, "public.t1", "B", key(Some("id"), Some("int4")), &["s1"], Some(false));
        assert_eq!(
            table_lines(&[nopk, t1]),
            [
                "3. Table: public.nopk  DB: A  PK: none        ",
                "7. Table: public.t1    DB: B  PK: id (integer)  Syncs: s1  autokick:false"
            ]
        );
    }
}
