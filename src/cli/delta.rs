//! `delta`: how many changes still wait on the sources (reference, 8.5). A change waits as long as
//! some target does not have it; what is kept only for a while after that is not counted.

use crate::cli::add::remote;
use crate::cli::pattern::starred;
use crate::cli::status::newer::thousands;
use crate::cli::{Session, help, table::Topic};
use crate::error::Result;
use crate::pg::Connection;
use crate::replicate::capture::objects::Names;
use crate::replicate::identity::installation;
use crate::{say, warn_user};

/// Usage texts.
pub const TOPICS: &[Topic] = &[help::only(
    "Usage: delta [totals | database ...]

  How many changes still wait on the sources; totals is one number for all.

  delta
  delta totals
  delta shop",
)];

/// `delta [totals | DB|PATTERN ...]`.
pub fn run(session: &mut Session, nouns: &[String]) -> Result<u8> {
    let totals = nouns.first().is_some_and(|word| word.to_lowercase().starts_with("total"));
    let words = if totals { &nouns[1..] } else { nouns };
    let Some(dbs) = sources(&mut session.control, words)? else { return Ok(1) };
    let mut counts = Vec::new();
    for (name, active) in dbs {
        let label = format!("Total deltas for database {name}");
        match counted(&mut session.control, &name) {
            Ok(count) => counts.push((label, count, active)),
            Err(error) => warn_user!("Note: {error}"),
        }
    }
    let all: i64 = counts.iter().map(|(_, count, _)| count).sum();
    let total = ("Total deltas across all targets".to_owned(), all, true);
    let lines = if totals { vec![total] } else { std::iter::once(total).chain(counts).collect() };
    print(&lines);
    Ok(0)
}

fn print(lines: &[(String, i64, bool)]) {
    let width = lines.iter().map(|(label, ..)| label.chars().count()).max().unwrap_or(0);
    for (label, count, active) in lines {
        say!("{label:>width$}: {}{}", thousands(*count), if *active { "" } else { " (not active)" });
    }
}

/// The databases that are sources, with whether they are active; none after a complaint.
fn sources(control: &mut Connection, words: &[String]) -> Result<Option<Vec<(String, bool)>>> {
    let patterns: Vec<_> = words.iter().map(|word| starred(&word.replace('%', "*"))).collect();
    let sql = include_str!("delta_sources.sql");
    let rows = control.query(sql, &[&patterns])?;
    match (rows.is_empty(), words.is_empty()) {
        (true, true) => warn_user!("No databases to check"),
        (true, false) => warn_user!("No matching databases were found: try \"bucardo list dbs\""),
        _ => return Ok(Some(rows.iter().map(|row| (row.get(0), row.get(1))).collect())),
    }
    Ok(None)
}

/// How many changes of a source some target does not have.
fn counted(control: &mut Connection, db: &str) -> Result<i64> {
    let remote = &mut remote::open(control, db)?.connection;
    installation::settle(control, db, remote)?;
    let ours = remote.schema();
    let there = "select to_regclass('bucardo.bucardo_delta_names') is not null";
    if !remote.query_one(&*ours.text(there), &[])?.get::<_, bool>(0) {
        return Ok(0);
    }
    let mut count = 0;
    for row in remote.query(&*ours.text("select deltaname, tablename from bucardo.bucardo_delta_names"), &[])? {
        let (names, table): (_, u32) = (Names::recorded(ours, row.get::<_, String>(0)), row.get(1));
        for generation in [1, 2] {
            let sql = format!(
                "select count(*) from {} d where exists (select from {ours}.bucardo_delta_targets c where $1::oid = any (c.tables) \
                 and (c.receipt is null or not txid_visible_in_snapshot(d.txid, c.receipt)))",
                names.delta(generation)
            );
            count += remote.query_one(&sql, &[&table])?.get::<_, i64>(0);
        }
    }
    Ok(count)
}
