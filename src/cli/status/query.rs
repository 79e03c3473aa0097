//! Reading what `status` shows: configuration, runs, jobs and retries from the control database, pid files from piddir.

use super::sync::{Config, Job, PidFile, Retry, Run, Sync};
use crate::cli::{Session, pidfile};
use crate::error::Result;
use crate::notice::clock;
use postgres::Row;
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// More days than any queue holds; beyond some point the server could not subtract them from a date.
const MOST_DAYS: i64 = 36_500;

/// The names of all syncs, in byte order.
pub fn names(session: &mut Session) -> Result<Vec<String>> {
    let rows = session.control.query("select name from bucardo.sync order by name collate \"C\"", &[])?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// The syncs with these names, each once, in byte order.
pub fn syncs(session: &mut Session, names: &[String]) -> Result<Vec<Sync>> {
    let days = i32::try_from(session.options.daysback.clamp(-MOST_DAYS, MOST_DAYS)).unwrap_or_default();
    let control = &mut session.control;
    let configs = control.query(include_str!("config.sql"), &[&names])?;
    let since = control.query_one("select date_trunc('day', now() - make_interval(days => $1))", &[&days])?;
    let runs = control.query(include_str!("runs.sql"), &[&names, &since.get::<_, SystemTime>(0)])?;
    let jobs = control.query(include_str!("jobs.sql"), &[&names])?;
    let retries = control.query(include_str!("retries.sql"), &[&names])?;
    let mut syncs: BTreeMap<String, Sync> = configs.iter().map(|row| (row.get("name"), sync(row))).collect();
    for (name, sync) in &mut syncs {
        sync.good = runs.iter().find(|row| is_of(row, name) && !row.get::<_, bool>("bad")).map(run);
        sync.bad = runs.iter().find(|row| is_of(row, name) && row.get("bad")).map(run);
        sync.job = jobs.iter().find(|row| is_of(row, name)).map(job);
        sync.retries = retries.iter().filter(|row| is_of(row, name)).map(retry).collect();
        sync.pid_file = pid_file(&pidfile::controller_path(Path::new(&session.files.piddir), name));
    }
    Ok(syncs.into_values().collect())
}

fn is_of(row: &Row, name: &str) -> bool {
    row.get::<_, &str>("sync") == name
}

fn sync(row: &Row) -> Sync {
    let (overdue_seconds, expired_seconds) = (row.get("overdue_seconds"), row.get("expired_seconds"));
    Sync { config: config(row), overdue_seconds, expired_seconds, ..Sync::default() }
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
    Job {
        started: row.get("is_started"),
        pid: row.get("pid"),
        age: row.get("age"),
        target: row.get("target"),
        progress: row.get("progress"),
    }
}

fn retry(row: &Row) -> Retry {
    Retry { at: row.get("at"), target: row.get("target") }
}

/// A pid file with what is in it; none if it cannot be read.
fn pid_file(path: &Path) -> Option<PidFile> {
    let text = std::fs::read_to_string(path).ok()?;
    let changed = u64::try_from(std::fs::metadata(path).ok()?.ctime()).ok()?;
    let created = clock::local(UNIX_EPOCH + Duration::from_secs(changed));
    let pid = text.lines().next().unwrap_or_default().trim().to_owned();
    Some(PidFile { path: path.display().to_string(), pid, created })
}
