//! `status` of the newer dialect (reference, 8.7): a table of seven columns, and blocks with labels
//! as wide as the longest.

use super::sync::{Job, Run, Sync};
use crate::cli::interval::compressed;
use crate::control::state::{State, Waiting};
use crate::plain;

/// The heading of the table; the sixth is another one when there are conflicts.
const HEADINGS: [&str; 7] = ["Name", "State", "Last good", "Time", "Last I/D", "Last bad", "Time"];

/// The whole table, rows in the order of `syncs`. Where a sync has a reason to be as it is, that is
/// another column.
pub fn table(syncs: &[Sync]) -> String {
    let table = columns(syncs);
    let reasons: Vec<Option<String>> = syncs.iter().map(Sync::reason).collect();
    let Some(longest) = reasons.iter().flatten().map(|reason| reason.chars().count()).max() else { return table };
    let head = [" Reason".to_owned(), format!("+{}", "=".repeat(longest.max("Reason".len()) + 1))];
    let behind =
        head.into_iter().chain(reasons.into_iter().map(|reason| reason.map_or_else(String::new, |it| format!("| {it}"))));
    table.lines().zip(behind).map(|(line, behind)| format!("{line}{behind}\n")).collect()
}

fn columns(syncs: &[Sync]) -> String {
    let conflicts = syncs.iter().any(|sync| sync.config.conflicts > 0);
    let mut headings = HEADINGS.map(str::to_owned);
    if conflicts {
        headings[4] = "Last I/D/C".to_owned();
    }
    let rows: Vec<[String; 7]> = syncs.iter().map(|sync| cells(sync, conflicts)).collect();
    let widths: Vec<usize> = (0..7)
        .map(|column| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.fold(headings[column].chars().count(), usize::max) + 3
        })
        .collect();
    let line = |cells: &[String; 7], between: &str| {
        let padded: Vec<String> =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{:<width$}", format!(" {cell}"))).collect();
        padded.join(between) + "\n"
    };
    let rule: Vec<String> = widths.iter().map(|width| "=".repeat(*width)).collect();
    let body: String = rows.iter().map(|row| line(row, "|")).collect();
    format!("{}{}\n{body}", line(&headings, " "), rule.join("+"))
}

fn cells(sync: &Sync, conflicts: bool) -> [String; 7] {
    let at = |run: &Option<Run>| run.as_ref().map_or_else(|| "none".to_owned(), |run| run.clock.clone());
    let age = |run: &Option<Run>| run.as_ref().map_or_else(String::new, |run| compressed(Some(run.age)));
    let counts = sync.good.as_ref().map_or_else(String::new, |run| {
        // An update is a deletion and an insertion there.
        let counts = format!("{}/{}", run.deletes + run.updates, run.inserts + run.updates);
        if conflicts { format!("{counts}/{}", sync.config.conflicts) } else { counts }
    });
    [sync.config.name.clone(), state(sync), at(&sync.good), age(&sync.good), counts, at(&sync.bad), age(&sync.bad)]
        .map(|cell| plain::line(&cell).into_owned())
}

/// A word for how it is going and, while none is being carried, how many changes wait.
pub fn state(sync: &Sync) -> String {
    let word = match (sync.facts.state(), &sync.job) {
        (State::Stopped, _) => "Stopped",
        (State::Off, _) => "Inactive",
        (State::Paused, _) => "Paused",
        (State::Invalid | State::Stalled, _) => "Bad",
        (State::Running | State::Copying, Some(job)) if !newest_is_bad(sync) => {
            return step(job, sync.config.sourcedb.as_deref());
        }
        _ if newest_is_bad(sync) => "Bad",
        _ if sync.facts.is_incomplete() => "Incomplete",
        _ if sync.good.is_some() => "Good",
        _ => "No records found",
    };
    match &sync.facts.waiting {
        Waiting::Known(backlog) if backlog.changes > 0 => {
            format!("{word}, {}{} waiting", thousands(backlog.changes), if backlog.more { "+" } else { "" })
        }
        _ => word.to_owned(),
    }
}

fn newest_is_bad(sync: &Sync) -> bool {
    match (&sync.good, &sync.bad) {
        _ if sync.facts.is_failing() => true,
        (Some(good), Some(bad)) => bad.age < good.age,
        (None, bad) => bad.is_some(),
        _ => false,
    }
}

/// What a worker does, in the words of 5.6.
fn step(job: &Job, source: Option<&str>) -> String {
    let kid = format!("(KID {})", job.pid);
    match job.step.as_deref().map(|step| step.split_once(' ').unwrap_or((step, ""))) {
        Some(("look", _)) => format!("delta_check on db {}", source.unwrap_or("?")),
        Some(("copy" | "apply", table)) => format!("Sync {table} {kid}"),
        Some(("commit", _)) => format!("Commit {kid}"),
        _ => format!("Started {kid}"),
    }
}

/// The block of one sync, without the lines above and below.
pub fn block(sync: &Sync) -> String {
    let config = &sync.config;
    let mut lines: Vec<(&str, String)> = Vec::new();
    if let Some(good) = &sync.good {
        lines.push(("Last good", format!("{} (time to run: {})", good.at, compressed(good.duration))));
        let counts = [good.deletes + good.updates, good.inserts + good.updates].map(thousands);
        lines.push(("Rows deleted/inserted", counts.join(" / ")));
    }
    if let Some(bad) = &sync.bad {
        lines.push(("Last bad", format!("{} (time until fail: {})", bad.at, compressed(bad.duration))));
    }
    lines.push(("Sync name", config.name.clone()));
    lines.push(("Current state", state(sync)));
    lines.extend(sync.facts.reason().map(|reason| ("Reason", reason)));
    lines.push(("Source relgroup/database", format!("{} / {}", config.source, config.sourcedb.as_deref().unwrap_or("?"))));
    lines.push(("Tables in sync", config.members.to_string()));
    lines.push(("Status", if config.status == "active" { "Active" } else { "Inactive" }.to_owned()));
    lines.push(("Check time", config.checktime.clone().unwrap_or_else(|| "None".to_owned())));
    lines.push(("Overdue time", config.overdue.clone()));
    lines.push(("Expired time", config.expired.clone()));
    lines.push(("Stayalive/Kidsalive", format!("{} / {}", yes(config.stayalive), yes(config.kidsalive))));
    lines.push(("Rebuild index", yes(config.rebuild_index != 0).to_owned()));
    lines.push(("Autokick", yes(config.ping).to_owned()));
    lines.push(("Onetimecopy", if config.onetimecopy == 0 { "No".to_owned() } else { config.onetimecopy.to_string() }));
    lines.push(("Post-copy analyze", yes(config.analyze_after_copy).to_owned()));
    if config.conflicts > 0 {
        lines.push(("Conflicts", thousands(config.conflicts)));
    }
    lines.extend(config.warnings.iter().map(|warning| ("Warning", warning.clone())));
    lines.extend(sync.gaps.iter().map(|gap| ("Missing", gap.to_string())));
    lines.extend(sync.gaps.first().map(|gap| ("To even it out", gap.command.clone())));
    for (_, value) in &mut lines {
        *value = plain::line(value).into_owned();
    }
    // It may have lines of its own.
    if let Some(error) = error(sync) {
        lines.push(("Last error:", error));
    }
    let width = lines.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
    lines.iter().map(|(label, value)| format!("{label:<width$} : {}\n", value.trim_end())).collect()
}

/// What went wrong last, if nothing has gone well since.
fn error(sync: &Sync) -> Option<String> {
    let told = sync.bad.as_ref().filter(|_| newest_is_bad(sync) || state(sync).starts_with("Bad")).map(|run| run.whydie.clone());
    told.or_else(|| sync.config.invalid.clone()).filter(|text| !text.is_empty()).map(|text| text.replace('\n', "\n  "))
}

fn yes(flag: bool) -> &'static str {
    if flag { "Yes" } else { "No" }
}

/// A number with commas between groups of three digits.
pub fn thousands(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::super::sync::Config;
    use super::*;
    use crate::control::state::{self as facts, Facts};

    fn run(age: i64, clock: &str, deletes: i64, inserts: i64) -> Option<Run> {
        let at = format!("Nov 23, 2026 {clock}");
        Some(Run { age, clock: clock.to_owned(), at, duration: Some(1), deletes, inserts, ..Run::default() })
    }

    /// The syncs of the sample in the reference.
    fn sample() -> [Sync; 2] {
        let config = |name: &str| Config {
            name: name.to_owned(),
            source: name.to_owned(),
            sourcedb: Some("A".to_owned()),
            members: 2,
            status: "active".to_owned(),
            overdue: "00:00:00".to_owned(),
            expired: "00:00:00".to_owned(),
            stayalive: true,
            kidsalive: true,
            ping: true,
            analyze_after_copy: true,
            ..Config::default()
        };
        let mut bad = run(3, "02:32:50", 0, 0);
        bad.iter_mut().for_each(|run| run.whydie = "It died".to_owned());
        let facts = Facts { active: true, ..Facts::default() };
        let s1 = Sync { config: config("s1"), facts: facts.clone(), good: run(9, "02:32:43", 0, 1234), bad, ..Sync::default() };
        let s2 = Sync { config: config("s2"), facts, good: run(3, "02:32:50", 0, 0), ..Sync::default() };
        [s1, s2]
    }

    #[test]
    fn the_table_is_the_references_to_the_byte() {
        let expected = " Name    State    Last good    Time    Last I/D    Last bad    Time  
=======+========+============+=======+===========+===========+=======
 s1    | Bad    | 02:32:43   | 9s    | 0/1234    | 02:32:50  | 3s    
 s2    | Good   | 02:32:50   | 3s    | 0/0       | none      |       
";
        assert_eq!(table(&sample()), expected);
    }

    #[test]
    fn the_block_is_the_references_to_the_byte() {
        let expected = "Last good                : Nov 23, 2026 02:32:43 (time to run: 1s)
Rows deleted/inserted    : 0 / 1,234
Last bad                 : Nov 23, 2026 02:32:50 (time until fail: 1s)
Sync name                : s1
Current state            : Bad
Source relgroup/database : s1 / A
Tables in sync           : 2
Status                   : Active
Check time               : None
Overdue time             : 00:00:00
Expired time             : 00:00:00
Stayalive/Kidsalive      : Yes / Yes
Rebuild index            : No
Autokick                 : Yes
Onetimecopy              : No
Post-copy analyze        : Yes
Last error:              : It died
";
        assert_eq!(block(&sample()[0]), expected);
    }

    #[test]
    fn a_running_worker_shows_its_step() {
        let state = |step: &str| {
            let job = Job { started: true, pid: 7, age: 1, target: "B".to_owned(), progress: None, step: Some(step.to_owned()) };
            let runs = Facts { active: true, job: Some(facts::Job::Runs), ..Facts::default() };
            state(&Sync { job: Some(job), facts: runs, ..sample()[1].clone() })
        };
        let shown = ["look", "copy public.t 1", "apply public.t1", "commit", ""].map(state);
        let expected =
            ["delta_check on db A", "Sync public.t 1 (KID 7)", "Sync public.t1 (KID 7)", "Commit (KID 7)", "Started (KID 7)"];
        assert_eq!(shown, expected);
    }

    #[test]
    fn digits_are_grouped() {
        assert_eq!([0, 999, 1000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
    }
}
