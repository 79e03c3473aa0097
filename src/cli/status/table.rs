//! The table of `status` (reference, 3.10): nine columns, a heading, a rule, one row for each sync.
//! Where a sync has a reason to be as it is, the rows have a tenth.

use super::sync::{Run, Sync};
use crate::cli::interval::{self, Interval};
use crate::cli::refusal;
use crate::control::state::{Lateness, State};
use crate::error::Result;
use crate::plain;
use std::cmp::Ordering;
use std::collections::BTreeMap;

const HEADINGS: [&str; 9] = ["Name", "Type", "State", "PID", "Last_good", "Time", "I/U/D", "Last_bad", "Time"];
const NARROWEST: [usize; 9] = [4, 5, 5, 3, 9, 5, 5, 8, 4];
const STATE: usize = 2;

/// The whole table, rows in the order of `syncs`.
pub fn text(syncs: &[Sync], interval: Interval) -> String {
    let rows: Vec<[String; 9]> = syncs.iter().map(|sync| cells(sync, interval)).collect();
    let widths = widths(&rows);
    let reasons: Vec<Option<String>> = syncs.iter().map(Sync::reason).collect();
    let (heading, line) = (row(&HEADINGS.map(str::to_owned), &widths, " "), rule(&widths));
    let mut lines = match reasons.iter().flatten().map(|reason| reason.chars().count()).max() {
        Some(longest) => vec![format!("{heading} Reason"), format!("{line}+{}", "=".repeat(longest.max("Reason".len())))],
        None => vec![heading, line],
    };
    lines.extend(rows.iter().zip(&reasons).map(|(cells, reason)| {
        let behind = reason.as_ref().map_or_else(String::new, |reason| format!("|{reason}"));
        row(cells, &widths, "|") + &behind
    }));
    lines.into_iter().map(|line| line + "\n").collect()
}

/// How many are bad, and in which way; nothing if none is.
pub fn summary(syncs: &[Sync]) -> Option<String> {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut bad: Vec<(State, &str)> =
        syncs.iter().filter(|sync| sync.is_bad()).map(|sync| (sync.facts.state(), kind(sync))).collect();
    bad.iter().for_each(|(_, kind)| *numbers.entry(kind).or_default() += 1);
    bad.sort_unstable();
    // Each kind once, where its first state puts it.
    let each: Vec<String> = bad.iter().filter_map(|(_, kind)| Some(format!("{} {kind}", numbers.remove(kind)?))).collect();
    (!bad.is_empty()).then(|| format!("{} of {} bad: {}", bad.len(), syncs.len(), each.join(", ")))
}

/// In which way a sync is bad. One that runs, or could, is so by what waits or is missing; one that
/// is off and where nothing waits, by what is missing.
fn kind(sync: &Sync) -> &'static str {
    match (sync.facts.state(), sync.facts.lateness()) {
        _ if sync.facts.stopped => State::Stopped.word(),
        (State::Off | State::Paused, _) if sync.facts.waiting.changes() == 0 && sync.facts.is_incomplete() => "incomplete",
        (State::Copying | State::Running | State::Queued | State::Idle, lateness) => match lateness {
            Lateness::Expired => "expired",
            Lateness::Overdue => "overdue",
            _ if sync.facts.is_failing() => State::Stalled.word(),
            _ if sync.facts.is_incomplete() => "incomplete",
            _ => "waiting",
        },
        (state, _) => state.word(),
    }
}

/// Puts the bad ones first, the worst of all before the others; otherwise the order stays.
pub fn bad_first(syncs: &mut [Sync]) {
    syncs.sort_by_key(|sync| std::cmp::Reverse(sync.facts.level()));
}

/// Sorts by column `by`, downwards if it is negative; equal ones by name.
pub fn sort(syncs: &mut [Sync], by: i64) -> Result<()> {
    let compare = comparison(by.unsigned_abs())?;
    syncs.sort_by(|a, b| {
        let order = compare(a, b);
        let order = if by < 0 { order.reverse() } else { order };
        order.then_with(|| a.config.name.cmp(&b.config.name))
    });
    Ok(())
}

fn comparison(column: u64) -> Result<fn(&Sync, &Sync) -> Ordering> {
    Ok(match column {
        1 => |a, b| a.config.name.cmp(&b.config.name),
        2 => |a, b| a.config.synctype.cmp(&b.config.synctype),
        3 => |a, b| state(a).cmp(&state(b)),
        4 => |a, b| a.pid().parse().unwrap_or(0).cmp(&b.pid().parse::<i64>().unwrap_or(0)),
        5 => |a, b| age(&a.good).cmp(&age(&b.good)),
        6 => |a, b| duration(&a.good).cmp(&duration(&b.good)),
        7 => |a, b| rows(&a.good).cmp(&rows(&b.good)),
        8 => |a, b| age(&a.bad).cmp(&age(&b.bad)),
        9 => |a, b| duration(&a.bad).cmp(&duration(&b.bad)),
        _ => return Err(refusal::refused("Invalid sort option, must be +- 1 through 9", "the number is that of a column")),
    })
}

fn age(run: &Option<Run>) -> i64 {
    run.as_ref().map_or(0, |run| run.age)
}

fn duration(run: &Option<Run>) -> i64 {
    run.as_ref().and_then(|run| run.duration).unwrap_or(0)
}

fn rows(run: &Option<Run>) -> i64 {
    run.as_ref().map_or(0, |run| run.inserts.saturating_add(run.updates).saturating_add(run.deletes))
}

fn state(sync: &Sync) -> String {
    sync.state(">", interval::compressed)
}

fn cells(sync: &Sync, interval: Interval) -> [String; 9] {
    let last = |run: &Option<Run>| run.as_ref().map_or("unknown".to_owned(), |run| interval(Some(run.age)));
    let took =
        |run: &Option<Run>| run.as_ref().and_then(|run| run.duration).map_or_else(String::new, |took| interval(Some(took)));
    let letter = sync.config.synctype.chars().next().unwrap_or('?').to_uppercase();
    [
        sync.config.name.clone(),
        format!(" {letter}{}{}", sync.flag(), if sync.facts.is_incomplete() { " M!" } else { "" }),
        sync.state_and_backlog(">", interval),
        sync.pid().to_owned(),
        last(&sync.good),
        took(&sync.good),
        sync.good.as_ref().map_or_else(String::new, counts),
        last(&sync.bad),
        took(&sync.bad),
    ]
    .map(|cell| plain::line(&cell).into_owned())
}

fn counts(run: &Run) -> String {
    format!("{}/{}/{}", run.inserts, run.updates, run.deletes)
}

/// The longest value of each column. `RUN:` counts as wide as the word `WAIT:` would make it.
fn widths(rows: &[[String; 9]]) -> [usize; 9] {
    let mut widths = NARROWEST;
    for (column, width) in widths.iter_mut().enumerate() {
        let lengths = rows.iter().map(|row| {
            let spare = usize::from(column == STATE && row[column].starts_with("RUN:"));
            row[column].chars().count() + spare
        });
        *width = lengths.fold(*width, usize::max);
    }
    widths
}

fn row(cells: &[String; 9], widths: &[usize; 9], between: &str) -> String {
    let padded: Vec<String> = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
    padded.join(between)
}

fn rule(widths: &[usize; 9]) -> String {
    widths.map(|width| "=".repeat(width)).join("+")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::super::sync::{Config, Job, PidFile};
    use super::*;
    use crate::control::state::{self, Backlog, Facts, Waiting};

    fn sync(name: &str, synctype: &str, facts: Facts) -> Sync {
        let config = Config { name: name.to_owned(), synctype: synctype.to_owned(), ..Config::default() };
        Sync { config, facts, ..Sync::default() }
    }

    fn on() -> Facts {
        Facts { active: true, ..Facts::default() }
    }

    fn run(age: i64, duration: i64, counts: [i64; 3]) -> Option<Run> {
        let [inserts, updates, deletes] = counts;
        Some(Run { age, duration: Some(duration), inserts, updates, deletes, ..Run::default() })
    }

    fn job(started: bool, age: i64, target: &str) -> Option<Job> {
        Some(Job { started, pid: 1, age, target: target.to_owned(), progress: None, step: None })
    }

    /// The syncs of the sample in the reference.
    fn sample() -> Vec<Sync> {
        let pid_file = Some(PidFile { pid: "999".to_owned(), ..PidFile::default() });
        let fc_is = Facts { overdue: 60, good: Some(108_000), copies_all: true, ..on() };
        let fc = Sync { good: run(108_000, 2, [123_456, 0, 5]), ..sync("fc", "fullcopy", fc_is) };
        let grp_is = Facts { job: Some(state::Job::Waits), ..on() };
        let grp = Sync { good: run(40, 0, [0, 0, 0]), job: job(false, 75, "B"), ..sync("grp", "pushdelta", grp_is) };
        let od_is = Facts { expired: 60, good: Some(176_400), ..on() };
        let od = Sync { good: run(176_400, 10_923, [2, 1, 3]), pid_file, ..sync("od", "pushdelta", od_is) };
        let xx_is = Facts { job: Some(state::Job::Runs), ..on() };
        let xx = Sync { job: job(true, 3605, "c"), ..sync("xx", "fullcopy", xx_is) };
        vec![fc, grp, sync("grp2", "pushdelta", Facts::default()), od, xx]
    }

    #[test]
    fn the_table_is_the_references_to_the_byte() {
        let expected = "\
Name Type  State       PID Last_good Time   I/U/D      Last_bad Time
====+=====+===========+===+=========+======+==========+========+====
fc  | F O!|idle       |   |30h0s    |2s    |123456/0/5|unknown |    
grp | P   |WAIT:1m15s |   |40s      |0s    |0/0/0     |unknown |    
grp2| P   |off        |   |unknown  |      |          |unknown |    
od  | P E!|idle       |999|49h0s    |3h2m3s|2/1/3     |unknown |    
xx  | F   |RUN:1h5s>c |   |unknown  |      |          |unknown |    
";
        assert_eq!(text(&sample(), interval::compressed), expected);
    }

    /// One sync is stalled, one paused while changes wait, two are well.
    fn troubled() -> Vec<Sync> {
        let failing = Some("B: could not connect".to_owned());
        let waiting = Waiting::Known(Backlog { changes: 7, more: true, oldest: 1 });
        vec![
            sync("a", "swap", on()),
            sync("b", "swap", Facts { paused: Some(60), waiting, ..on() }),
            sync("c", "swap", Facts { failing, ..on() }),
            sync("d", "swap", on()),
        ]
    }

    #[test]
    fn a_bad_sync_has_its_reason_in_the_table_and_is_counted() {
        let expected = "\
Name Type  State              PID Last_good Time  I/U/D Last_bad Time Reason
====+=====+==================+===+=========+=====+=====+========+====+=========================================
a   | S   |idle              |   |unknown  |     |     |unknown |    
b   | S   |paused, 7+ waiting|   |unknown  |     |     |unknown |    |paused by command: `resume` lets it go on
c   | S   |stalled           |   |unknown  |     |     |unknown |    |B: could not connect
d   | S   |idle              |   |unknown  |     |     |unknown |    
";
        assert_eq!(text(&troubled(), interval::compressed), expected);
        assert_eq!(summary(&troubled()).as_deref(), Some("2 of 4 bad: 1 paused, 1 stalled"));
        assert_eq!(summary(&sample()[1..3]), None);
        let mut incomplete = sample();
        incomplete.iter_mut().for_each(|sync| sync.facts = Facts { active: true, gaps: 1, ..Facts::default() });
        incomplete[0].facts.job = Some(state::Job::Waits);
        assert_eq!(summary(&incomplete).as_deref(), Some("5 of 5 bad: 5 incomplete"));
    }

    #[test]
    fn the_worst_come_first_when_asked_for() {
        let mut syncs = troubled();
        syncs[3].facts.stopped = true;
        bad_first(&mut syncs);
        let names: Vec<&str> = syncs.iter().map(|sync| sync.config.name.as_str()).collect();
        assert_eq!(names, ["d", "b", "c", "a"]);
    }

    fn sorted(by: i64) -> Vec<String> {
        let mut syncs = sample();
        sort(&mut syncs, by).unwrap();
        syncs.into_iter().map(|sync| sync.config.name).collect()
    }

    #[test]
    fn every_column_sorts_and_equal_ones_go_by_name() {
        assert_eq!(sorted(1), ["fc", "grp", "grp2", "od", "xx"]);
        assert_eq!(sorted(-1), ["xx", "od", "grp2", "grp", "fc"]);
        assert_eq!(sorted(2), ["fc", "xx", "grp", "grp2", "od"]);
        assert_eq!(sorted(3), ["xx", "grp", "fc", "od", "grp2"]);
        assert_eq!(sorted(4), ["fc", "grp", "grp2", "xx", "od"]);
        assert_eq!(sorted(-5), ["od", "fc", "grp", "grp2", "xx"]);
        assert_eq!(sorted(6), ["grp", "grp2", "xx", "fc", "od"]);
        assert_eq!(sorted(-7), ["fc", "od", "grp", "grp2", "xx"]);
        assert_eq!(sorted(8), sorted(1));
    }

    #[test]
    fn there_is_no_tenth_column() {
        for by in [0, 10, -10, i64::MIN] {
            assert_eq!(sort(&mut sample(), by).unwrap_err().message(), "Invalid sort option, must be +- 1 through 9");
        }
    }
}
