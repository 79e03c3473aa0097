//! Reading what `status` shows: configuration, runs, jobs and retries from the control database,
//! pid files from piddir.

use super::sync::{Config, Job, PidFile, Retry, Run, Sync};
use crate::cli::{Session, pidfile};
use crate::control::sync::Sync as Stored;
use crate::control::{gap, state};
use crate::error::Result;
use crate::notice::clock;
use crate::replicate::notes;
use crate::replicate::sync::waiting::{Asked, Sources};
use postgres::Row;
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// More days than any queue holds; beyond some point the server could not subtract them from a
/// date.
const MOST_DAYS: i64 = 36_500;

/// The names of all syncs, in byte order.
pub fn names(session: &mut Session) -> Result<Vec<String>> {
    let rows = session.control.query("select name from bucardo.sync order by name collate \"C\"", &[])?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// The syncs with these names, each once, in byte order. Their sources are asked what waits there.
pub fn syncs(session: &mut Session, names: &[String], sources: &mut Sources) -> Result<Vec<Sync>> {
    let days = i32::try_from(session.options.daysback.clamp(-MOST_DAYS, MOST_DAYS)).unwrap_or_default();
    let (long, short) = date_formats(session.dialect().newer);
    let control = &mut session.control;
    let configs = control.query(include_str!("config.sql"), &[&names])?;
    let since = control.query_one("select date_trunc('day', now() - make_interval(days => $1))", &[&days])?;
    let runs = control.query(include_str!("runs.sql"), &[&names, &since.get::<_, SystemTime>(0), &long, &short])?;
    let jobs = control.query(include_str!("jobs.sql"), &[&names])?;
    let retries = control.query(include_str!("retries.sql"), &[&names])?;
    let gaps = gap::of_syncs(control, names)?;
    let mut facts = state::load(control, names)?;
    let stored: Vec<Stored> = Stored::load_all(control)?.into_iter().filter(|sync| names.contains(&sync.name)).collect();
    let mut waiting = sources.ask(control, &stored)?;
    let (runs, jobs, retries) = (by_sync(&runs), by_sync(&jobs), by_sync(&retries));
    let mut syncs: BTreeMap<String, Sync> =
        configs.iter().map(|row| (row.get("name"), Sync { config: config(row), ..Sync::default() })).collect();
    for (name, sync) in &mut syncs {
        let newest = |bad: bool| of(&runs, name).find(|row| row.get::<_, bool>("bad") == bad).map(run);
        (sync.good, sync.bad) = (newest(false), newest(true));
        sync.job = of(&jobs, name).next().map(job);
        sync.retries = of(&retries, name).map(retry).collect();
        sync.gaps = gaps.iter().filter(|gap| gap.sync == *name).cloned().collect();
        sync.facts = facts.remove(name).unwrap_or_default();
        sync.facts.good = sync.good.as_ref().map(|run| run.age);
        let Asked { waiting, left_alone } = waiting.remove(name).unwrap_or_default();
        sync.facts.hear(waiting, left_alone);
        sync.pid_file = pid_file(&pidfile::controller_path(Path::new(&session.files.piddir), name));
    }
    Ok(syncs.into_values().collect())
}

/// How moments are written, with the date and without; the newer dialect lets the environment say
/// that, in the server's notation.
fn date_formats(newer: bool) -> (String, String) {
    let said = |name| std::env::var(name).ok().filter(|format| newer && !format.is_empty());
    let or = |name, usual: &str| said(name).unwrap_or_else(|| usual.to_owned());
    (or("BUCARDO_DATEFORMAT", "Mon DD, YYYY HH24:MI:SS"), or("BUCARDO_SHORTDATEFORMAT", "HH24:MI:SS"))
}

/// Rows by the sync they are about.
type BySync<'a> = BTreeMap<&'a str, Vec<&'a Row>>;

fn by_sync(rows: &[Row]) -> BySync<'_> {
    let mut all = BySync::new();
    rows.iter().for_each(|row| all.entry(row.get("sync")).or_default().push(row));
    all
}

fn of<'a>(rows: &'a BySync, name: &str) -> impl Iterator<Item = &'a Row> {
    rows.get(name).into_iter().flatten().copied()
}

fn config(row: &Row) -> Config {
    Config {
        name: row.get("name"),
        source: row.get("source"),
        targetdb: row.get("targetdb"),
        targetgroup: row.get("targetgroup"),
        synctype: row.get("synctype"),
        status: row.get("status"),
        stayalive: row.get("stayalive"),
        kidsalive: row.get("kidsalive"),
        usecustomselect: row.get("usecustomselect"),
        copyextra: row.get("copyextra"),
        deletemethod: row.get("deletemethod"),
        limitdbs: row.get("limitdbs"),
        ping: row.get("ping"),
        do_listen: row.get("do_listen"),
        checktime: row.get("checktime"),
        makedelta: row.get("makedelta"),
        rebuild_index: row.get("rebuild_index"),
        priority: row.get("priority"),
        analyze_after_copy: row.get("analyze_after_copy"),
        overdue: row.get("overdue"),
        expired: row.get("expired"),
        onetimecopy: row.get("onetimecopy"),
        sourcedb: row.get("sourcedb"),
        members: row.get("members"),
        group_members: row.get("group_members"),
        conflicts: row.get("conflicts"),
        invalid: row.get("invalid"),
        warnings: notes::warnings(&row.get::<_, Option<String>>("noted").unwrap_or_default()),
    }
}

fn run(row: &Row) -> Run {
    Run {
        age: row.get("age"),
        duration: row.get("duration"),
        at: row.get("at"),
        clock: row.get("clock"),
        target: row.get("target"),
        inserts: row.get("inserts"),
        updates: row.get("updates"),
        deletes: row.get("deletes"),
        whydie: row.get("whydie"),
    }
}

fn job(row: &Row) -> Job {
    let (started, pid): (bool, i32) = (row.get("is_started"), row.get("pid"));
    let step = started.then(|| step(row.get("sync"), pid)).flatten();
    Job { started, pid, age: row.get("age"), target: row.get("target"), progress: row.get("progress"), step }
}

/// What a worker of this sync shows in its title, if it is one and works on this machine.
fn step(sync: &str, pid: i32) -> Option<String> {
    let title = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    step_in(sync, std::str::from_utf8(&title).ok()?)
}

fn step_in(sync: &str, title: &str) -> Option<String> {
    let title = title.strip_prefix(&format!("Bucardo Kid. Sync \"{sync}\":"))?;
    let (_, step) = title.trim_end_matches(['\0', ' ']).strip_suffix(']')?.rsplit_once(" [")?;
    Some(step.to_owned())
}

fn retry(row: &Row) -> Retry {
    Retry { at: row.get("at"), target: row.get("target") }
}

/// A pid file with what is in it; none if it cannot be read. One of another user than ours, the
/// superuser or the directory's owner tells nothing.
fn pid_file(path: &Path) -> Option<PidFile> {
    let text = crate::files::read(path).ok()?;
    let metadata = std::fs::metadata(path).ok()?;
    let owner = std::fs::metadata(path.parent()?).ok()?.uid();
    if !crate::files::is_trusted(&metadata) && metadata.uid() != owner {
        return None;
    }
    let changed = u64::try_from(metadata.ctime()).ok()?;
    let created = clock::local(UNIX_EPOCH + Duration::from_secs(changed));
    let pid = text.lines().next().unwrap_or_default().trim().to_owned();
    Some(PidFile { path: path.display().to_string(), pid, created })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_is_what_a_worker_of_this_very_sync_shows_last() {
        let title = "Bucardo Kid. Sync \"a\": (pushdelta) \"A\" -> \"B\" [copy public.t 1]\0  \0";
        assert_eq!(step_in("a", title).as_deref(), Some("copy public.t 1"));
        assert_eq!(step_in("b", title), None);
        assert_eq!(step_in("a", "Bucardo Kid. Sync \"a\": (pushdelta) \"A\" -> \"B\""), None);
    }
}
