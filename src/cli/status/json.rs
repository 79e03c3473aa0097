//! `status --json`: the same for programs. Times are seconds; names stay as they are here.

use super::sync::{Run, Sync};
use crate::cli::interval;
use crate::cli::json::{Object, list, string};
use crate::control::gap::Gap;
use crate::control::state::{Lateness, LeftAlone, Level, Waiting};

/// All syncs. `mcp` is the daemon's process, as far as this machine knows it; whether there is a
/// daemon, from whatever machine, is another matter.
pub fn text(syncs: &[Sync], mcp: Option<i32>, served: bool) -> String {
    let bad = syncs.iter().filter(|sync| sync.is_bad()).count();
    let of_syncs = syncs.iter().map(|sync| sync.facts.level()).max().unwrap_or(Level::Fine);
    let worst = if served { of_syncs } else { Level::Critical };
    let syncs: Vec<String> = syncs.iter().map(sync).collect();
    let object = Object::default().number("mcp_pid", mcp.map(i64::from)).flag("daemon", served).text("level", level(worst));
    object.number("bad", i64::try_from(bad).ok()).raw("syncs", &list(&syncs)).end()
}

fn sync(sync: &Sync) -> String {
    let config = &sync.config;
    let retries: Vec<String> =
        sync.retries.iter().map(|retry| Object::default().text("target", &retry.target).text("at", &retry.at).end()).collect();
    let warnings: Vec<String> = config.warnings.iter().map(|warning| string(warning)).collect();
    let left_out: Vec<String> = sync.facts.left_out.iter().map(|one| string(&one.to_string())).collect();
    let left_alone: Vec<String> = sync.facts.left_alone.iter().map(left_alone).collect();
    let gaps: Vec<String> = sync.gaps.iter().map(gap).collect();
    Object::default()
        .text("name", &config.name)
        .text("type", &config.synctype)
        .text("state", &sync.state(">", interval::compressed))
        .text("condition", sync.facts.state().word())
        .text("level", level(sync.facts.level()))
        .flag("failing", sync.facts.is_failing())
        .maybe("reason", sync.facts.reason().as_deref())
        .raw("waiting", &waiting(&sync.facts.waiting))
        .number("late", sync.facts.late())
        .text("status", &config.status)
        .text("source_herd", &config.source)
        .maybe("source_db", config.sourcedb.as_deref())
        .maybe("target_db", config.targetdb.as_deref())
        .maybe("target_group", config.targetgroup.as_deref())
        .number("tables", Some(config.members))
        .number("controller_pid", sync.pid().parse().ok())
        .raw("last_good", &run(sync.good.as_ref()))
        .raw("last_bad", &run(sync.bad.as_ref()))
        .raw("retries", &list(&retries).replace('\n', ""))
        .flag("overdue", sync.facts.lateness() == Lateness::Overdue)
        .flag("expired", sync.facts.lateness() == Lateness::Expired)
        .maybe("progress", sync.progress())
        .number("conflicts", Some(config.conflicts))
        .maybe("invalid", config.invalid.as_deref())
        .raw("warnings", &list(&warnings).replace('\n', ""))
        .raw("left_out", &list(&left_out).replace('\n', ""))
        .raw("left_alone", &list(&left_alone).replace('\n', ""))
        .raw("gaps", &list(&gaps).replace('\n', ""))
        .end()
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Fine => "ok",
        Level::Warning => "warning",
        Level::Critical => "critical",
    }
}

/// The changes that wait; null where that is unknown.
fn waiting(waiting: &Waiting) -> String {
    match waiting {
        Waiting::Known(backlog) => Object::default()
            .number("changes", Some(backlog.changes))
            .flag("or_more", backlog.more)
            .number("oldest", Some(backlog.oldest).filter(|_| backlog.changes > 0))
            .end(),
        Waiting::Unknown(reason) => Object::default().raw("changes", "null").text("unknown", reason).end(),
        Waiting::NotAsked => "null".to_owned(),
    }
}

fn left_alone(one: &LeftAlone) -> String {
    Object::default().text("db", &one.db).raw("waiting", &waiting(&one.waiting)).end()
}

fn gap(gap: &Gap) -> String {
    let object = Object::default().text("target", &gap.target).text("db", &gap.db).text("table", &gap.table);
    object.text("since", &gap.since).text("what", &gap.what).text("command", &gap.command).end()
}

fn run(run: Option<&Run>) -> String {
    let Some(run) = run else { return "null".to_owned() };
    let object = Object::default().number("age", Some(run.age)).number("duration", run.duration).text("at", &run.at);
    let object = object.text("target", &run.target).number("inserts", Some(run.inserts)).number("updates", Some(run.updates));
    let object = object.number("deletes", Some(run.deletes));
    if run.whydie.is_empty() { object.end() } else { object.text("reason", &run.whydie).end() }
}
