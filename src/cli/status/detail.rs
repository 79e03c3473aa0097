//! The block of `status SYNC` (reference, 3.10): a label and a value on each line.

use super::sync::{Config, Run, Sync};
use crate::cli::interval::Interval;
use crate::control::state::{LeftAlone, Waiting};
use crate::plain;
use std::fmt::Write;

const INDENT: &str = "                  ";

/// The block of one sync.
pub fn text(sync: &Sync, interval: Interval) -> String {
    let config = &sync.config;
    let mut block = Block::new();
    block.line("Sync name", &config.name);
    block.line("Current state", &state(sync, interval));
    if let Some(reason) = sync.facts.reason() {
        block.line("Reason", &reason);
    }
    if let Some(waiting) = waiting(&sync.facts.waiting, interval) {
        block.line("Waiting changes", &waiting);
    }
    for one in &sync.facts.left_alone {
        block.line("Left alone", &left_alone(one, interval));
    }
    if let Some(progress) = sync.progress() {
        block.line("Progress", progress);
    }
    block.line("Type", &config.synctype);
    let source = format!("{} / {}", config.source, config.sourcedb.as_deref().unwrap_or("?"));
    block.line("Source herd/database", &source);
    target(&mut block, config);
    block.line("Tables in sync", &config.members.to_string());
    good(&mut block, sync.good.as_ref(), interval);
    bad(&mut block, sync.bad.as_ref(), interval);
    for retry in &sync.retries {
        block.line("Next try", &format!("{}  Target: {}", retry.at, retry.target));
    }
    if config.conflicts > 0 {
        block.line("Conflicts", &config.conflicts.to_string());
    }
    config.warnings.iter().for_each(|warning| block.line("Warning", warning));
    for gap in &sync.gaps {
        block.line("Missing", &gap.to_string());
    }
    if let Some(gap) = sync.gaps.first() {
        block.line("To even it out", &gap.command);
    }
    if let Some(outcome) = &config.invalid {
        block.lines("Validation", &format!("FAILED: {}", reason(outcome)));
    }
    files(&mut block, sync);
    settings(&mut block, config);
    block.0
}

/// Lines, each with its label padded to 22 columns.
struct Block(String);

impl Block {
    fn new() -> Block {
        Block("=".repeat(70) + "\n")
    }

    fn line(&mut self, label: &str, value: &str) {
        self.lines(label, &plain::line(value));
    }

    /// The value has lines of its own.
    fn lines(&mut self, label: &str, value: &str) {
        let label = format!("{label}:");
        let _ = writeln!(self.0, "{label:<22}{value}");
    }

    fn pair(&mut self, label: &str, value: &str, label2: &str, value2: &str) {
        self.line(label, &format!("{value:<9}{label2}: {value2}"));
    }
}

fn state(sync: &Sync, interval: Interval) -> String {
    let state = sync.state_and_backlog(" > ", interval);
    match sync.config.stayalive || sync.config.kidsalive {
        true => format!("{state} (PID = {})", sync.pid()),
        false => state,
    }
}

/// A target that is not active, and what waits for it.
fn left_alone(one: &LeftAlone, interval: Interval) -> String {
    match waiting(&one.waiting, interval) {
        Some(waiting) => format!("{} is inactive; changes that wait for it: {waiting}", one.db),
        None => format!("{} is inactive", one.db),
    }
}

/// What waits on the sources, if anything does, or that they did not say it.
fn waiting(waiting: &Waiting, interval: Interval) -> Option<String> {
    match waiting {
        Waiting::Known(backlog) if backlog.changes > 0 => {
            let more = if backlog.more { " or more" } else { "" };
            Some(format!("{}{more}, the oldest for {}", backlog.changes, interval(Some(backlog.oldest))))
        }
        Waiting::Unknown(reason) => Some(format!("unknown: {reason}")),
        Waiting::Known(_) | Waiting::NotAsked => None,
    }
}

fn target(block: &mut Block, config: &Config) {
    match &config.targetgroup {
        Some(group) => block.line("Target group", &format!("{group} ({})", config.group_members.join(","))),
        None => block.line("Target database", config.targetdb.as_deref().unwrap_or_default()),
    }
}

fn good(block: &mut Block, run: Option<&Run>, interval: Interval) {
    block.line("Last good", &last(run, interval));
    if let Some(run) = run {
        block.line("Last good time", &format!("{}  Target: {}", run.at, run.target));
    }
    let counts = run.map(|run| format!("{} / {} / {}", run.inserts, run.updates, run.deletes));
    block.line("Ins/Upd/Del", &counts.unwrap_or_default());
}

fn bad(block: &mut Block, run: Option<&Run>, interval: Interval) {
    block.line("Last bad", &last(run, interval));
    if let Some(run) = run {
        block.line("Last bad time", &format!("{}  Target: {}", run.at, run.target));
        let _ = writeln!(block.0, "Latest bad reason: {}", reason(&run.whydie));
    }
}

fn last(run: Option<&Run>, interval: Interval) -> String {
    let said = run.map(|run| format!("{} (time to run: {})", interval(Some(run.age)), interval(run.duration)));
    said.unwrap_or_else(|| "unknown".to_owned())
}

/// All lines indented, but the first, which stands behind the label.
fn reason(whydie: &str) -> String {
    whydie.trim().replace('\n', &format!("\n{INDENT}"))
}

fn files(block: &mut Block, sync: &Sync) {
    let file = sync.pid_file.clone().unwrap_or_default();
    block.line("PID file", &file.path);
    block.line("PID file created", &file.created);
}

fn settings(block: &mut Block, config: &Config) {
    block.line("Status", &config.status);
    block.line("Limitdbs", &config.limitdbs.to_string());
    block.line("Priority", &config.priority.to_string());
    block.line("Checktime", config.checktime.as_deref().unwrap_or("none"));
    block.line("Overdue time", &config.overdue);
    block.line("Expired time", &config.expired);
    block.pair("Stayalive", yes(config.stayalive), "Kidsalive", yes(config.kidsalive));
    block.pair("Rebuild index", &config.rebuild_index.to_string(), "Do_listen", yes(config.do_listen));
    block.pair("Ping", yes(config.ping), "Makedelta", yes(config.makedelta));
    block.line("Onetimecopy", &config.onetimecopy.to_string());
    if config.synctype == "fullcopy" {
        block.line("Custom select", &format!("{} {}", yes(config.usecustomselect), config.copyextra));
        block.line("Post-copy analyze", yes(config.analyze_after_copy));
        block.line("Delete method", &config.deletemethod);
    }
}

/// Three columns either way.
fn yes(flag: bool) -> &'static str {
    if flag { "yes" } else { "no " }
}

#[cfg(test)]
mod tests {
    use super::super::sync::{Job, PidFile, Retry};
    use super::*;
    use crate::cli::interval::{compressed, pretty};
    use crate::control::state::{self, Backlog, Facts, Hindrance, Trouble};

    /// The sync of the sample in the reference.
    fn sample() -> Sync {
        let config = Config {
            name: "q9".to_owned(),
            source: "hx".to_owned(),
            sourcedb: Some("a".to_owned()),
            targetdb: Some("zy".to_owned()),
            synctype: "fullcopy".to_owned(),
            status: "active".to_owned(),
            stayalive: true,
            kidsalive: true,
            ping: true,
            analyze_after_copy: true,
            members: 1,
            overdue: "01:00:00".to_owned(),
            expired: "2 days".to_owned(),
            deletemethod: "delete".to_owned(),
            ..Config::default()
        };
        let good = Run {
            age: 10_800,
            duration: Some(2),
            at: "Nov 22, 2026 23:41:37".to_owned(),
            target: "zy".to_owned(),
            inserts: 123_456,
            deletes: 5,
            ..Run::default()
        };
        let bad = Run {
            age: 7200,
            duration: Some(121),
            at: "Nov 23, 2026 00:41:37".to_owned(),
            target: "zy".to_owned(),
            whydie: "  It died\n for a reason\nyes  \n".to_owned(),
            ..Run::default()
        };
        let pid_file = PidFile {
            path: "/var/run/bucardo/bucardo.ctl.sync.q9.pid".to_owned(),
            pid: "28317".to_owned(),
            created: "Mon Nov 23 02:21:46 2026".to_owned(),
        };
        let facts = Facts { active: true, ..Facts::default() };
        Sync { config, facts, good: Some(good), bad: Some(bad), pid_file: Some(pid_file), ..Sync::default() }
    }

    #[test]
    fn the_block_is_the_references_to_the_byte() {
        let expected = "\
======================================================================
Sync name:            q9
Current state:        idle (PID = 28317)
Type:                 fullcopy
Source herd/database: hx / a
Target database:      zy
Tables in sync:       1
Last good:            3h 0s (time to run: 2s)
Last good time:       Nov 22, 2026 23:41:37  Target: zy
Ins/Upd/Del:          123456 / 0 / 5
Last bad:             2h 0s (time to run: 2m 1s)
Last bad time:        Nov 23, 2026 00:41:37  Target: zy
Latest bad reason: It died
                   for a reason
                  yes
PID file:             /var/run/bucardo/bucardo.ctl.sync.q9.pid
PID file created:     Mon Nov 23 02:21:46 2026
Status:               active
Limitdbs:             0
Priority:             0
Checktime:            none
Overdue time:         01:00:00
Expired time:         2 days
Stayalive:            yes      Kidsalive: yes
Rebuild index:        0        Do_listen: no 
Ping:                 yes      Makedelta: no 
Onetimecopy:          0
Custom select:        no  
Post-copy analyze:    yes
Delete method:        delete
";
        assert_eq!(text(&sample(), pretty), expected);
    }

    #[test]
    fn a_sync_nobody_ran_has_empty_values() {
        let config = Config {
            targetgroup: Some("g".to_owned()),
            group_members: vec!["b".to_owned(), "c".to_owned()],
            ..Config::default()
        };
        let block = text(&Sync { config, ..Sync::default() }, pretty);
        for line in [
            "Source herd/database:  / ?\n",
            "Target group:         g (b,c)\n",
            "Last good:            unknown\nIns/Upd/Del:          \nLast bad:             unknown\n",
            "PID file:             \nPID file created:     \n",
        ] {
            assert!(block.contains(line), "{line:?} in {block}");
        }
        assert!(!block.contains("Custom select") && !block.contains("PID ="));
    }

    #[test]
    fn a_job_shows_its_age_and_its_target() {
        let mut sync = sample();
        sync.job = Some(Job {
            started: true,
            pid: 1,
            age: 3606,
            target: "c".to_owned(),
            step: None,
            progress: Some("copy public.t 5 rows, 5/s".to_owned()),
        });
        sync.facts.job = Some(state::Job::Runs);
        assert!(text(&sync, pretty).contains("\nProgress:             copy public.t 5 rows, 5/s\nType:"));
        assert!(text(&sync, pretty).contains("Current state:        RUN:1h 6s > c (PID = 28317)\n"));
        assert!(text(&sync, compressed).contains("RUN:1h6s > c"));
        sync.job = Some(Job { started: false, pid: 1, age: 76, target: "c".to_owned(), step: None, progress: None });
        sync.facts.job = Some(state::Job::Waits);
        assert!(text(&sync, pretty).contains("Current state:        WAIT:1m 16s (PID = 28317)\n"));
    }

    #[test]
    fn a_sync_that_could_not_be_validated_says_why_and_is_not_idle() {
        let mut sync = sample();
        sync.config.invalid = Some("Table \"t\" has no usable key\nat all".to_owned());
        let told = "Validation:           FAILED: Table \"t\" has no usable key\n                  at all\nPID file:";
        let block = text(&sync, pretty);
        assert!(block.contains(told) && block.contains("Current state:        idle (PID"), "a running one goes on: {block}");
        sync.facts.trouble = Some(Trouble { hindrance: Hindrance::Invalid, reason: "no key\nat all".to_owned() });
        sync.pid_file = None;
        let told = "Current state:        invalid (PID = )\nReason:               no key\nType:";
        assert!(text(&sync, pretty).contains(told));
    }

    #[test]
    fn what_waits_is_told_and_so_is_a_source_that_does_not_answer() {
        let mut sync = sample();
        sync.facts.waiting = Waiting::Known(Backlog { changes: 12, more: false, oldest: 61 });
        let block = text(&sync, pretty);
        assert!(block.contains("Current state:        idle, 12 waiting (PID = 28317)\n"), "{block}");
        assert!(block.contains("\nWaiting changes:      12, the oldest for 1m 1s\nType:"), "{block}");
        sync.facts.waiting = Waiting::Unknown("database \"a\": no route".to_owned());
        assert!(text(&sync, pretty).contains("\nWaiting changes:      unknown: database \"a\": no route\n"));
    }

    #[test]
    fn a_stalled_target_shows_when_it_is_tried_again() {
        let mut sync = sample();
        sync.retries = vec![Retry { at: "Nov 23, 2026 02:30:00".to_owned(), target: "zy".to_owned() }];
        sync.facts.failing = Some("zy: It died".to_owned());
        let block = text(&sync, pretty);
        assert!(block.contains("yes\nNext try:             Nov 23, 2026 02:30:00  Target: zy\nPID file:"));
        assert!(block.contains("Current state:        stalled (PID = 28317)\n"), "{block}");
    }
}
