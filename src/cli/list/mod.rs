//! `list`: what there is. One file per kind; each reads rows with one query (beside it, in SQL) and
//! formats them purely.

mod columns;
mod conflict;
mod custom;
mod customcode;
mod db;
mod dbgroup;
mod empty;
mod goat;
mod herd;
mod json;
mod newer;
mod sync;

use crate::cli::json::Object;
use crate::cli::noun::{self, Noun};
use crate::cli::table::Topic;
use crate::cli::update::find;
use crate::cli::{Session, help, near, settings};
use crate::error::Result;
use crate::{say, say_text, warn_user};

const USAGE: &str = "Usage: list <type> [options]

  list db|dbgroup|herd|sync|table|sequence|customcode [name or pattern ...]
  list conflicts [sync or pattern ...]

  list sync --verbose

A pattern has a * in front, behind, or both. --verbose tells more, twice everything; --json is for programs.";

const NEWER_USAGE: &str = "Usage: list <type> [options]

  list db|dbgroup|relgroup|sync|table|sequence|customcode|customname|customcols|config|all [name or pattern ...]
  list conflicts [sync or pattern ...]

  list dbs
  list syncs active

A pattern has * or % for any characters. --verbose tells more, twice everything; --json is for programs.";

/// Usage texts.
pub const TOPICS: &[Topic] = &[
    help::only(USAGE).or_newer(NEWER_USAGE),
    help::about(&["db", "database", "dbs", "databases"], "Usage: list db [name or pattern ...]\n\n  list db\n  list db shop* --verbose"),
    help::about(&["dbgroup", "dbg", "dbgroups"], "Usage: list dbgroup [name or pattern ...]\n\n  list dbgroup branches"),
    help::about(
        &["herd", "herds", "relgroup", "relgroups"],
        "Usage: list herd [name or pattern ...]\n\n  list herd sales",
    )
    .or_newer("Usage: list relgroup [name or pattern ...]\n\n  list relgroup sales"),
    help::about(&["sync", "syncs"], "Usage: list sync [name or pattern ...]\n\n  list sync\n  list sync ord* --verbose")
        .or_newer(
            "Usage: list sync [name, pattern, active, inactive or column=value ...]\n\n  list sync active\n  list sync autokick=false",
        ),
    help::about(&["table", "tables"], "Usage: list table [name or pattern ...]\n\n  list table public.*")
        .or_newer("Usage: list table [name or pattern ...] [db=x]\n\n  list table public.* db=shop"),
    help::about(&["sequence", "sequences"], "Usage: list sequence [name or pattern ...]\n\n  list sequence public.*"),
    help::about(&["customcode", "code"], "Usage: list customcode [name or pattern ...]\n\n  list customcode audit --verbose"),
    help::about(&["customname", "customcols"], "Usage: list customname|customcols [table ...]\n\n  list customname\n  list customcols"),
    help::about(&["conflict", "conflicts"], "Usage: list conflicts [sync or pattern ...]\n\n  list conflicts orders"),
];

/// What is printed for one thing: its line, what has no room there, more about it with
/// `--verbose`, and its name in its table.
struct Entry {
    line: String,
    below: Option<String>,
    more: Vec<String>,
    key: String,
}

/// `list TYPE [NAME|PATTERN ...]`.
pub fn run(session: &mut Session, nouns: &[String]) -> Result<u8> {
    let Some((kind, words)) = nouns.split_first() else { return Ok(help::usage(session.personality, "list", &[])) };
    if session.dialect().newer {
        match kind.to_lowercase().as_str() {
            "all" => return everything(session),
            kind if kind.starts_with("config") && session.options.json => return settings::json(session),
            kind if kind.starts_with("config") => return settings::show(session, &["all".to_owned()]),
            _ => {}
        }
    }
    let noun = if session.dialect().newer { noun::newer(kind) } else { noun::beginning(kind) };
    match noun.or_else(|| noun::beginning(kind)) {
        Some(noun) => one(session, noun, words),
        None => {
            near::type_meant(kind);
            Ok(help::usage(session.personality, "list", &[]))
        }
    }
}

/// What `list all` shows.
const SECTIONS: [(&str, Noun); 6] = [
    ("dbgroups", Noun::Dbgroup),
    ("databases", Noun::Db),
    ("relgroup", Noun::Herd),
    ("syncs", Noun::Sync),
    ("tables", Noun::Table),
    ("sequences", Noun::Sequence),
];

/// The newer dialect's `list all`.
fn everything(session: &mut Session) -> Result<u8> {
    if session.options.json {
        return everything_as_json(session);
    }
    for (title, noun) in SECTIONS {
        say!("-- {title}:");
        one(session, noun, &[])?;
        say!("");
    }
    Ok(0)
}

/// All lists in one object.
fn everything_as_json(session: &mut Session) -> Result<u8> {
    let mut all = Object::default();
    for (title, noun) in SECTIONS {
        let keys: Vec<String> = newer(session, noun, &[])?.into_iter().map(|entry| entry.key).collect();
        all = all.raw(title, &json::text(&mut session.control, noun, &keys)?);
    }
    say_text!("{}", all.end());
    Ok(0)
}

fn one(session: &mut Session, noun: Noun, words: &[String]) -> Result<u8> {
    let entries = if session.dialect().newer { newer(session, noun, words)? } else { entries(session, noun, words)? };
    if session.options.json {
        let keys: Vec<String> = entries.into_iter().map(|entry| entry.key).collect();
        say_text!("{}", json::text(&mut session.control, noun, &keys)?);
        return Ok(0);
    }
    if entries.is_empty() {
        let code = empty::report(session.personality, noun, !words.is_empty());
        words.iter().for_each(|word| guess(session, noun, word));
        return Ok(code);
    }
    for entry in entries {
        print(session, noun, &entry)?;
    }
    Ok(0)
}

/// Which name may have been meant.
fn guess(session: &mut Session, noun: Noun, word: &str) {
    let table = match noun {
        Noun::Table | Noun::Sequence | Noun::Customname | Noun::Customcols => return,
        Noun::Conflict => "sync",
        noun => find::table(noun).name,
    };
    let question = near::among(&mut session.control, table, word, "");
    if !question.is_empty() {
        warn_user!("HINT: {}", question.trim_end());
    }
}

fn entries(session: &mut Session, noun: Noun, words: &[String]) -> Result<Vec<Entry>> {
    let control = &mut session.control;
    match noun {
        Noun::Db => db::entries(control, words),
        Noun::Dbgroup => dbgroup::entries(control, words),
        Noun::Herd => herd::entries(control, words),
        Noun::Sync => sync::entries(control, words),
        Noun::Table => goat::entries(control, "table", words),
        Noun::Sequence => goat::entries(control, "sequence", words),
        Noun::Customcode => customcode::entries(control, session.personality, words),
        Noun::Customname | Noun::Customcols => custom::entries(control, noun, words),
        Noun::Conflict => conflict::entries(control, words),
    }
}

/// Where the newer dialect has lists of its own.
fn newer(session: &mut Session, noun: Noun, words: &[String]) -> Result<Vec<Entry>> {
    match noun {
        Noun::Db => newer::dbs(&mut session.control, words),
        Noun::Dbgroup => newer::dbgroups(&mut session.control, words),
        Noun::Herd => newer::relgroups(&mut session.control, words),
        Noun::Sync => newer::syncs(&mut session.control, words),
        Noun::Table | Noun::Sequence => newer::goats(&mut session.control, noun, words),
        _ => entries(session, noun, words),
    }
}

fn print(session: &mut Session, noun: Noun, entry: &Entry) -> Result<()> {
    say!("{}", entry.line);
    entry.below.iter().for_each(|line| say!("{line}"));
    let level = session.options.verbose;
    if level > 0 || noun == Noun::Herd {
        entry.more.iter().for_each(|line| say!("{line}"));
    }
    if level > 1 {
        columns::of(&mut session.control, noun, &entry.key)?.iter().for_each(|line| say_text!("{line}"));
    }
    Ok(())
}

/// The length of the longest text, but at least `least`.
fn width<'a>(texts: impl Iterator<Item = &'a str>, least: usize) -> usize {
    texts.map(|text| text.chars().count()).max().unwrap_or(0).max(least)
}

/// `LABEL` and the names, unless there are none.
fn names(label: &str, names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| format!("{label}{}", names.join(", ")))
}
