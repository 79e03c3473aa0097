//! Transcripts of command lines. After `$` stands a command line, and below it all that it does, a
//! line each:
//!
//! * `<` what it is told on standard input, `|` what it prints on standard output, `!` on standard
//!   error;
//! * `>` a notification that it causes, `@` the rows: `db +1` is one more row in table `db`, `sync
//!   ~1` is one that is changed;
//! * `=` its exit code, unless that is 0.
//!
//! `…` stands for any text; `^H` for a backspace; a `\` at the end for a line that is not ended;
//! HOST, PORT, PIDDIR and DIR (the working directory) for those of the test. A line `%DB` runs SQL
//! in that database before the next command; `#` begins a remark.

use std::fmt::Write;

/// A command line and what it did, or should do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// SQL to run before, and where.
    pub sql: Vec<(String, String)>,
    /// Program and arguments, as a shell would take them.
    pub line: String,
    /// Standard input.
    pub stdin: String,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Channels, in the order heard.
    pub notifications: Vec<String>,
    /// The rows it made, removed and changed.
    pub rows: String,
    /// The exit code.
    pub code: i32,
}

/// The entries of a transcript.
pub fn read(text: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut sql = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let rest = line.get(2..).unwrap_or_default();
        if let Some(statement) = line.strip_prefix('%') {
            let (db, statement) = statement.split_once(' ').unwrap();
            sql.push((db.to_owned(), statement.to_owned()));
        } else if line.starts_with('$') {
            entries.push(Entry { sql: std::mem::take(&mut sql), line: rest.to_owned(), ..Entry::default() });
        } else {
            entries.last_mut().unwrap().take(line, rest);
        }
    }
    entries
}

impl Entry {
    fn take(&mut self, line: &str, rest: &str) {
        let ended = rest.strip_suffix('\\').map_or_else(|| format!("{rest}\n"), str::to_owned);
        match line.as_bytes()[0] {
            b'<' => self.stdin += &ended,
            b'|' => self.stdout += &ended,
            b'!' => self.stderr += &ended,
            b'>' => self.notifications.push(rest.to_owned()),
            b'@' => rest.clone_into(&mut self.rows),
            b'=' => self.code = rest.parse().unwrap(),
            _ => panic!("not a line of a transcript: {line}"),
        }
    }

    /// Whether what was `seen` is what is written here.
    pub fn fits(&self, seen: &Entry) -> bool {
        fits(&self.stdout, &seen.stdout)
            && fits(&self.stderr, &seen.stderr)
            && (&self.notifications, &self.rows, self.code) == (&seen.notifications, &seen.rows, seen.code)
    }

    /// As it is written.
    pub fn written(&self) -> String {
        let mut text = format!("$ {}\n", self.line);
        for (mark, stream) in [('<', &self.stdin), ('|', &self.stdout), ('!', &self.stderr)] {
            for line in stream.split_inclusive('\n') {
                let ended = line.strip_suffix('\n').map_or_else(|| format!("{line}\\"), str::to_owned);
                writeln!(text, "{mark} {ended}").unwrap();
            }
        }
        for channel in &self.notifications {
            writeln!(text, "> {channel}").unwrap();
        }
        if !self.rows.is_empty() {
            writeln!(text, "@ {}", self.rows).unwrap();
        }
        if self.code != 0 {
            writeln!(text, "= {}", self.code).unwrap();
        }
        text
    }
}

/// Whether `text` is `pattern`, in which `…` is any text.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('…');
    let Some(mut rest) = parts.next().and_then(|start| text.strip_prefix(start)) else { return false };
    let mut open = false;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        open = part.trim_end_matches('\n').is_empty();
    }
    rest.is_empty() || open
}

/// The words of a line: blanks separate them, except within single quotes.
pub fn words(line: &str) -> Vec<String> {
    let (mut words, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            _ => words.last_mut().unwrap().push(c),
        }
    }
    words
}

#[test]
fn a_transcript_is_read_as_it_is_written() {
    let text = "$ x 'a b' c\n< y\n| one\n|  two\\\n! no\n> channel\n@ db +1\n= 2\n$ z\n";
    let entries = read(&format!("# remark\n\n%a select 1\n{text}"));
    assert_eq!(entries[0].sql, [("a".to_owned(), "select 1".to_owned())]);
    assert_eq!((entries[0].stdout.as_str(), entries.len()), ("one\n two", 2));
    assert_eq!(entries.iter().map(Entry::written).collect::<String>(), text);
    assert_eq!(words(&entries[0].line), ["x", "a b", "c"]);
    for (pattern, text, expected) in [("a…c", "abc", true), ("a…c", "abd", false), ("a…", "abc", true), ("a", "ab", false)]
    {
        assert_eq!(fits(pattern, text), expected, "{pattern}");
    }
    let entry = Entry { stdout: "a…\n".to_owned(), ..Entry::default() };
    assert!(entry.fits(&Entry { stdout: "abc\nd\n".to_owned(), ..Entry::default() }));
}
