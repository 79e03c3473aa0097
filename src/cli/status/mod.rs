//! `status`: how the syncs are doing (reference, 3.10), as a table of all or as a block for each
//! one named.

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
use crate::cli::{Session, colour, help, interval, output, refusal, session::complain_of_access, table::Topic};
use crate::control::connections;
use crate::control::presence::presence;
use crate::error::Result;
use crate::plain;
use crate::replicate::sync::waiting::Sources;
use crate::{say_text, warn_user};
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
  status --bad-first        those that need attention first
  status --watch            again every second, or with --watch=5 every five, until Ctrl-C
  status --json             for programs

States: RUN and WAIT (a job runs, or waits for a worker), idle; stopped (no daemon serves the
control database), off (its status, or `deactivate`), paused (`pause`), stalled (something failed
and is tried again), invalid (it does not fit its databases and does not run). How many changes
wait is asked of the sources; what they do not say within seconds is unknown.",
)];

/// `status [SYNC ...]`, once or again and again.
pub fn run(session: &mut Session, nouns: &[String]) -> Result<u8> {
    match u64::try_from(session.options.watch) {
        Ok(pause) if pause > 0 => watch::run(session, nouns, Duration::from_secs(pause)),
        _ => once(session, nouns, &mut Sources::default(), None),
    }
}

/// Shows it once. On a screen, the worst are first, and what has no room is counted.
fn once(session: &mut Session, nouns: &[String], sources: &mut Sources, screen: Option<Screen>) -> Result<u8> {
    let code = show(session, nouns, sources, screen)?;
    complain_of_access(session)?;
    Ok(code)
}

fn show(session: &mut Session, nouns: &[String], sources: &mut Sources, screen: Option<Screen>) -> Result<u8> {
    let names = query::names(session)?;
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    pidfile::tidy(session, &known)?;
    if session.options.json {
        let asked = if nouns.is_empty() || nouns == ["all"] { names } else { asked_for(nouns, &known)? };
        let mcp = pidfile::living_master(Path::new(&session.files.piddir));
        let served = presence(&mut session.control)?.daemon().is_some();
        say_text!("{}", json::text(&query::syncs(session, &asked, sources)?, mcp, served));
        return Ok(0);
    }
    match (nouns, session.dialect().newer) {
        ([], _) => whole_table(session, &names, sources, screen),
        (_, false) => blocks(session, &asked_for(nouns, &known)?, sources),
        (_, true) if nouns == ["all"] => newer_blocks(session, &names, sources),
        (_, true) => newer_blocks(session, &asked_for(nouns, &known)?, sources),
    }
}

fn whole_table(session: &mut Session, names: &[String], sources: &mut Sources, screen: Option<Screen>) -> Result<u8> {
    let newer = session.dialect().newer;
    let heading = if newer { newer_heading(session)? } else { heading(session)? };
    table::sort(&mut [], session.options.sort).inspect_err(|_| say_text!("{heading}"))?;
    if names.is_empty() {
        say_text!("{heading}\nNo syncs have been created yet.");
        return Ok(0);
    }
    let mut syncs = query::syncs(session, names, sources)?;
    table::sort(&mut syncs, session.options.sort)?;
    if session.options.bad_first || screen.is_some() {
        table::bad_first(&mut syncs);
    }
    let rows = match newer {
        true => newer::table(&syncs),
        false => table::text(&syncs, interval::way(session.options.showdays, true)),
    };
    say_text!("{heading}");
    output::raw(&colour::states(&plain::lines(&screen.map_or(rows.clone(), |screen| fitted(screen, &rows, &syncs)))));
    table::summary(&syncs).into_iter().for_each(|summary| output::raw(&(colour::bad(&plain::line(&summary)) + "\n")));
    tell_of_connections(session)
}

/// The lines of the header above a table, where it is longest, and the line below it.
const AROUND: usize = 3;

/// The lines of a table above its rows.
const HEADING: usize = 2;

/// As much of a table as there is room for. The bad ones stand first.
fn fitted(screen: Screen, rows: &str, syncs: &[Sync]) -> String {
    let bad = syncs.iter().filter(|sync| sync.is_bad()).count();
    screen.fit(rows, HEADING, bad, AROUND)
}

/// Says where the syncs need more connections than there are, and where one role does everything.
fn tell_of_connections(session: &mut Session) -> Result<u8> {
    connections::short(&mut session.control)?.iter().for_each(|demand| warn_user!("Note: {}", demand.sentence()));
    if !session.options.quiet && session.options.watch == 0 {
        roles::hint(&mut session.control)?.iter().for_each(|hint| warn_user!("{hint}"));
    }
    Ok(0)
}

fn heading(session: &mut Session) -> Result<String> {
    let served = presence(&mut session.control)?.daemon().is_some();
    Ok(format!("{}  {}", header(session), master(Path::new(&session.files.piddir), served)))
}

fn newer_heading(session: &mut Session) -> Result<String> {
    let served = presence(&mut session.control)?.daemon().is_some();
    Ok(match pidfile::living_master(Path::new(&session.files.piddir)).filter(|_| served) {
        Some(pid) => format!("PID of Bucardo MCP: {pid}"),
        None => String::new(),
    })
}

fn blocks(session: &mut Session, names: &[String], sources: &mut Sources) -> Result<u8> {
    let mut syncs = query::syncs(session, names, sources)?;
    syncs.sort_by_key(|sync| sync.config.name.to_lowercase());
    let interval = interval::way(session.options.showdays, session.options.compress);
    let blocks: String = syncs.iter().map(|sync| detail::text(sync, interval)).collect();
    output::text(format_args!("{}\n{blocks}", header(session)));
    Ok(0)
}

fn newer_blocks(session: &mut Session, names: &[String], sources: &mut Sources) -> Result<u8> {
    let mut syncs = query::syncs(session, names, sources)?;
    syncs.sort_by_key(|sync| sync.config.name.to_lowercase());
    let blocks: Vec<String> =
        syncs.iter().map(|sync| format!("{rule}\n{}{rule}\n", newer::block(sync), rule = "=".repeat(70))).collect();
    output::text(format_args!("{}", blocks.join("\n")));
    Ok(0)
}

/// The syncs named. Numbers are skipped, so that `kick X 5` can be typed again as `status X 5`, and
/// so are the words `sync` and `clone`.
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

/// The sentence about the master, on the header's line if it runs, else on the next. Whether it
/// does is told by the instance lock; the pid file only has its number.
fn master(piddir: &Path, served: bool) -> String {
    let path = pidfile::master_path(piddir).display().to_string();
    match pidfile::master(piddir) {
        Master::Pid(pid) if served && pidfile::is_master(pid) => format!("PID of Bucardo MCP: {pid}"),
        _ if served => format!("\nBucardo runs on another machine, or with another piddir: {path} is not its pid file"),
        Master::Pid(pid) if pidfile::is_master(pid) => {
            format!("\nBucardo may not be running. PID {pid} found at {path} does not serve this control database")
        }
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
