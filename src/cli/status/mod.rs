//! `status`: how the syncs are doing (reference, 3.10), as a table of all or as a block for each one named.

pub mod detail;
mod json;
pub mod newer;
mod query;
mod roles;
mod screen;
pub mod sync;
pub mod table;
mod watch;

use crate::cli::pidfile::{self, Master};
use crate::cli::sync_list::meant;
use crate::cli::{Session, colour, help, interval, refusal, session::complain_of_access, table::Topic};
use crate::control::connections;
use crate::error::Result;
use crate::{say, say_part, warn_user};
use screen::Screen;
use std::path::Path;
use std::time::Duration;
use sync::Sync;

/// Usage texts.
pub const TOPICS: &[Topic] = &[help::only(
    "Usage: status [sync1 sync2 ...]

  status                    a table of all syncs
  status orders             all about one
  status --sort=-5          longest without a good run first
  status --watch            again every second, or with --watch=5 every five, until Ctrl-C
  status --json             for programs",
)];

/// `status [SYNC ...]`, once or again and again.
pub fn run(session: &mut Session, nouns: &[String]) -> Result<u8> {
    match u64::try_from(session.options.watch) {
        Ok(pause) if pause > 0 => watch::run(session, nouns, Duration::from_secs(pause)),
        _ => once(session, nouns, None),
    }
}

/// Shows it once. On a screen, what is bad comes first, and what has no room is counted.
fn once(session: &mut Session, nouns: &[String], screen: Option<Screen>) -> Result<u8> {
    let code = show(session, nouns, screen)?;
    complain_of_access(session)?;
    Ok(code)
}

fn show(session: &mut Session, nouns: &[String], screen: Option<Screen>) -> Result<u8> {
    let names = query::names(session)?;
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    pidfile::tidy(session, &known)?;
    if session.options.json {
        let asked = if nouns.is_empty() || nouns == ["all"] { names } else { asked_for(nouns, &known)? };
        let mcp = pidfile::living_master(Path::new(&session.files.piddir));
        say!("{}", json::text(&query::syncs(session, &asked)?, mcp));
        return Ok(0);
    }
    match (nouns, session.dialect().newer) {
        ([], false) => whole_table(session, &names, screen),
        ([], true) => newer_table(session, &names, screen),
        (_, false) => blocks(session, &asked_for(nouns, &known)?),
        (_, true) if nouns == ["all"] => newer_blocks(session, &names),
        (_, true) => newer_blocks(session, &asked_for(nouns, &known)?),
    }
}

fn whole_table(session: &mut Session, names: &[String], screen: Option<Screen>) -> Result<u8> {
    say!("{}  {}", header(session), master(Path::new(&session.files.piddir)));
    table::sort(&mut [], session.options.sort)?;
    if names.is_empty() {
        say!("No syncs have been created yet.");
        return Ok(0);
    }
    let mut syncs = query::syncs(session, names)?;
    table::sort(&mut syncs, session.options.sort)?;
    let interval = interval::way(session.options.showdays, true);
    let table = fitted(screen, &mut syncs, HEADER_LINES, |syncs| table::text(syncs, interval));
    say_part!("{}", colour::states(&table));
    tell_of_connections(session)
}

/// The lines of the header above a table, where it is longest.
const HEADER_LINES: usize = 2;

/// The lines of a table above its rows.
const HEADING: usize = 2;

/// A table, on a screen with the bad ones first, and only as long as there is room beside `around` lines.
fn fitted(screen: Option<Screen>, syncs: &mut [Sync], around: usize, table: impl FnOnce(&[Sync]) -> String) -> String {
    let Some(screen) = screen else { return table(syncs) };
    syncs.sort_by_key(|sync| !sync.needs_somebody());
    let bad = syncs.iter().filter(|sync| sync.needs_somebody()).count();
    screen.fit(&table(syncs), HEADING, bad, around)
}

/// Says where the syncs need more connections than there are, and where one role does everything.
fn tell_of_connections(session: &mut Session) -> Result<u8> {
    connections::short(&mut session.control)?.iter().for_each(|demand| warn_user!("Note: {}", demand.sentence()));
    if !session.options.quiet && session.options.watch == 0 {
        roles::hint(&mut session.control)?.iter().for_each(|hint| warn_user!("{hint}"));
    }
    Ok(0)
}

fn blocks(session: &mut Session, names: &[String]) -> Result<u8> {
    say!("{}", header(session));
    let mut syncs = query::syncs(session, names)?;
    syncs.sort_by_key(|sync| sync.config.name.to_lowercase());
    let interval = interval::way(session.options.showdays, session.options.compress);
    for sync in &syncs {
        say_part!("{}", detail::text(sync, interval));
    }
    Ok(0)
}

fn newer_table(session: &mut Session, names: &[String], screen: Option<Screen>) -> Result<u8> {
    match pidfile::living_master(Path::new(&session.files.piddir)) {
        Some(pid) => say!("PID of Bucardo MCP: {pid}"),
        None => say!(""),
    }
    table::sort(&mut [], session.options.sort)?;
    if names.is_empty() {
        say!("No syncs have been created yet.");
        return Ok(0);
    }
    let mut syncs = query::syncs(session, names)?;
    table::sort(&mut syncs, session.options.sort)?;
    say_part!("{}", colour::states(&fitted(screen, &mut syncs, 1, newer::table)));
    tell_of_connections(session)
}

fn newer_blocks(session: &mut Session, names: &[String]) -> Result<u8> {
    let mut syncs = query::syncs(session, names)?;
    syncs.sort_by_key(|sync| sync.config.name.to_lowercase());
    let blocks: Vec<String> =
        syncs.iter().map(|sync| format!("{rule}\n{}{rule}\n", newer::block(sync), rule = "=".repeat(70))).collect();
    say_part!("{}", blocks.join("\n"));
    Ok(0)
}

/// The syncs named. Numbers are skipped, so that `kick X 5` can be typed again as `status X 5`, and so are the words `sync` and `clone`.
fn asked_for(nouns: &[String], known: &[&str]) -> Result<Vec<String>> {
    let is_number = |noun: &str| noun.bytes().all(|byte| byte.is_ascii_digit());
    let mut names = Vec::new();
    for noun in nouns.iter().filter(|noun| !is_number(noun)) {
        match known.contains(&noun.as_str()) {
            true => names.push(noun.clone()),
            false if ["sync", "clone"].contains(&noun.as_str()) => {}
            false => return Err(refusal::missing(format!("No such sync: {noun}"), meant(noun, known.iter().copied()))),
        }
    }
    Ok(names)
}

/// Host and port only where they were chosen.
fn header(session: &Session) -> String {
    let options = &session.options;
    let host = options.dbhost.as_ref().map(|host| format!("  Host: {host}")).unwrap_or_default();
    let port = options.dbport.map(|port| format!("  Port: {port}")).unwrap_or_default();
    format!("Days back: {}  User: {}  Database: {}{host}{port}", options.daysback, options.dbuser, options.dbname)
}

/// The sentence about the master, on the header's line if it runs, else on the next.
fn master(piddir: &Path) -> String {
    let path = pidfile::master_path(piddir).display().to_string();
    match pidfile::master(piddir) {
        Master::Pid(pid) if pidfile::is_master(pid) => format!("PID of Bucardo MCP: {pid}"),
        Master::Pid(pid) => format!("\nBucardo may not be running. No daemon has the PID {pid} found at {path}"),
        Master::Missing => format!("\nBucardo may not be running. No file found at {path}"),
        Master::Unreadable(reason) => format!("\nERROR: Could not open {path}: {reason}"),
        Master::Garbled(text) => format!("\nERROR: {path} contained: {text}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    fn asked(words: &[&str]) -> Result<Vec<String>> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        asked_for(&words, &["a", "b"])
    }

    #[test]
    fn numbers_and_the_word_sync_are_no_names() {
        assert_eq!(asked(&["sync", "b", "5", "a"]).unwrap(), ["b", "a"]);
        assert_eq!(asked(&["a", "*"]).unwrap_err().message(), "No such sync: *");
    }
}
