//! Command lines in a row, in both dialects: what each prints, what it changes, whom it notifies,
//! and how it exits. Each transcript is the story of one control database.

mod transcript;

use super::world::World;
use std::collections::BTreeMap;
use transcript::Entry;

/// Everything that daemons listen to; names of syncs are those of the transcripts.
fn channels() -> Vec<String> {
    let of_syncs = ["kick", "activate", "deactivate", "reload", "pause", "resume"];
    let syncs = ["s", "s1", "s2", "grp", "sw", "fc", "two", "ab", "cd"];
    let of_syncs = of_syncs.iter().flat_map(|verb| syncs.iter().map(move |sync| format!("bucardo_{verb}_sync_{sync}")));
    let others =
        ["bucardo_mcp_ping", "bucardo_reload_config", "bucardo_mcp_reload", "bucardo_mcp_fullstop", "bucardo_log_message"];
    of_syncs.chain(others.map(str::to_owned)).collect()
}

/// Tables whose rows follow from those of others.
const DERIVED: [&str; 5] = ["db_connlog", "joining", "presence", "turn", "upgrade_log"];

/// Rows of the control database, by table and key.
type Rows = BTreeMap<(String, String), String>;

struct Stage {
    world: World,
    control: postgres::Client,
    rows_sql: String,
    names: Vec<(&'static str, String)>,
}

impl Stage {
    fn new() -> Stage {
        let world = World::bare();
        let mut control = world.control();
        let listens: String = channels().iter().map(|channel| format!("listen {channel};")).collect();
        control.batch_execute(&listens).unwrap();
        let names = vec![
            ("HOST", world.cluster.socket_dir().display().to_string()),
            ("PORT", world.cluster.port().to_string()),
            ("PIDDIR", world.piddir().display().to_string()),
            ("DIR", world.home().display().to_string()),
        ];
        let rows_sql = rows_sql(&mut control);
        Stage { world, control, rows_sql, names }
    }

    /// The text with the names of this test in it.
    fn filled(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    /// The text as it is written in a transcript.
    fn bare(&self, text: &str) -> String {
        let text = text.replace('\u{8}', "^H");
        self.names.iter().fold(text, |text, (name, value)| text.replace(value, name))
    }

    fn play(&mut self, entry: &Entry) -> Entry {
        for (db, sql) in &entry.sql {
            let sql = self.filled(sql);
            self.world.cluster.connect(db).batch_execute(&sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
        self.heard();
        let before = self.rows();
        let words = transcript::words(&self.filled(&entry.line));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let outcome = self.world.call(words[0], &words[1..]).stdin(&entry.stdin).run();
        let rows = difference(&before, &self.rows());
        let notifications = self.heard();
        let (stdout, stderr) = (self.bare(&outcome.stdout), self.bare(&outcome.stderr));
        Entry { stdout, stderr, notifications, rows, code: outcome.code(), ..entry.clone() }
    }

    fn rows(&mut self) -> Rows {
        let rows = self.control.query(&self.rows_sql, &[]).unwrap();
        rows.iter().map(|row| ((row.get(0), row.get(1)), row.get(2))).collect()
    }

    /// The notifications that have come since it was last asked. The server has them when a query
    /// of a later time is answered.
    fn heard(&mut self) -> Vec<String> {
        use fallible_iterator::FallibleIterator;
        self.control.batch_execute("select").unwrap();
        let mut notifications = self.control.notifications();
        let mut heard = notifications.iter();
        std::iter::from_fn(|| heard.next().unwrap()).map(|notification| notification.channel().to_owned()).collect()
    }
}

/// One query for all rows: the name of the table, the primary key, and the whole of the row.
fn rows_sql(control: &mut postgres::Client) -> String {
    let keys = "select c.relname::text, string_agg(format('t.%I', a.attname), ', ' order by a.attnum) from pg_class c
        join pg_index i on i.indrelid = c.oid and i.indisprimary join pg_attribute a on a.attrelid = c.oid and a.attnum = any (i.indkey)
        where c.relnamespace = 'bucardo'::regnamespace and c.relkind = 'r' group by 1 order by 1";
    let tables = control.query(keys, &[]).unwrap();
    let tables: Vec<(String, String)> = tables.iter().map(|row| (row.get(0), row.get(1))).collect();
    let kept = tables.iter().filter(|(table, _)| !DERIVED.contains(&table.as_str()));
    let parts = kept.map(|(table, key)| format!("select '{table}', row({key})::text, t::text from bucardo.{table} t"));
    parts.collect::<Vec<_>>().join(" union all ")
}

fn difference(before: &Rows, after: &Rows) -> String {
    let mut counts: BTreeMap<(&str, char), usize> = BTreeMap::new();
    for (key, row) in after {
        match before.get(key) {
            None => *counts.entry((&key.0, '+')).or_default() += 1,
            Some(old) if old != row => *counts.entry((&key.0, '~')).or_default() += 1,
            Some(_) => {}
        }
    }
    for key in before.keys().filter(|key| !after.contains_key(key)) {
        *counts.entry((&key.0, '-')).or_default() += 1;
    }
    counts.iter().map(|((table, what), count)| format!("{table} {what}{count}")).collect::<Vec<_>>().join(", ")
}

/// Plays a transcript. What went otherwise is shown as it would have to be written.
fn play(text: &str) {
    let mut stage = Stage::new();
    let mut wrong = Vec::new();
    let entries = transcript::read(text);
    for entry in &entries {
        let seen = stage.play(entry);
        if !entry.fits(&seen) || seen.stderr.contains("panicked") {
            wrong.push(seen.written());
        }
    }
    assert!(wrong.is_empty(), "{} of {} are wrong; seen:\n\n{}", wrong.len(), entries.len(), wrong.join("\n"));
}

#[test]
fn the_older_dialect_makes_and_changes_things() {
    play(include_str!("older.txt"));
}

#[test]
fn the_older_dialect_runs_things() {
    play(include_str!("older_running.txt"));
}

#[test]
fn the_newer_dialect_makes_and_changes_things() {
    play(include_str!("newer.txt"));
}

#[test]
fn the_newer_dialect_runs_things() {
    play(include_str!("newer_running.txt"));
}

#[test]
fn there_are_four_hundred_lines() {
    let texts = [
        include_str!("older.txt"),
        include_str!("older_running.txt"),
        include_str!("newer.txt"),
        include_str!("newer_running.txt"),
    ];
    let lines: usize = texts.iter().map(|text| transcript::read(text).len()).sum();
    assert!(lines >= 400, "{lines}");
}
