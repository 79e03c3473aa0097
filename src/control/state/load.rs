//! Reading the facts from the control database.

use super::{Asked, Facts, Hindrance, Job, LeftAlone, Trouble, Waiting};
use crate::control::joining;
use crate::control::presence::presence;
use crate::control::queue::LACKS_CONNECTION;
use crate::control::setting_table;
use crate::control::settings::number;
use crate::control::sync::LEFT_ALONE;
use crate::error::{Error, Kind, Result};
use crate::pg::template::body;
use crate::pg::{Connection, fill};
use postgres::Row;
use std::collections::BTreeMap;

/// The facts about these syncs, by name. Their sources were not asked yet.
pub fn load(control: &mut Connection, syncs: &[String]) -> Result<BTreeMap<String, Facts>> {
    let stopped = presence(control)?.daemon().is_none();
    let sql = fill(include_str!("../sql/facts.sql"), &[("left_alone", &body(LEFT_ALONE))]);
    let rows = control.query(&sql, &[&syncs]).map_err(|error| outdated(error.into()))?;
    let mut left_out = joining::of_syncs(control, syncs).map_err(outdated)?;
    let mut all = BTreeMap::new();
    for row in &rows {
        let name: String = row.get("name");
        let left_out = left_out.remove(&name).unwrap_or_default();
        all.insert(name, Facts { stopped, left_out, ..facts(row) });
    }
    Ok(all)
}

/// The error about a table or column that an older control schema does not have says what brings
/// it.
pub fn outdated(error: Error) -> Error {
    match error.kind() {
        Kind::Database => error.hint("`bucardo_ctl upgrade` brings the control schema up to date"),
        _ => error,
    }
}

fn facts(row: &Row) -> Facts {
    Facts {
        stopped: false,
        active: row.get("active"),
        source_off: row.get("source_off"),
        lacks_target: row.get("lacks_target"),
        left_alone: row.get::<_, Vec<String>>("left_alone").into_iter().map(left_alone).collect(),
        paused: row.get("paused"),
        asked: row.get::<_, Option<&str>>("asked").and_then(asked),
        trouble: trouble(row),
        failing: row.get("failing"),
        tried_again: row.get("tried_again"),
        job: job(row),
        gaps: row.get("gaps"),
        left_out: Vec::new(),
        copies_all: row.get("copies_all"),
        listens: row.get("listens"),
        patience: patience(row.get("patience")),
        good: row.get("good"),
        checktime: row.get::<_, Option<i64>>("checktime").filter(|seconds| *seconds > 0),
        overdue: row.get("overdue"),
        expired: row.get("expired"),
        waiting: Waiting::NotAsked,
    }
}

fn left_alone(db: String) -> LeftAlone {
    LeftAlone { db, waiting: Waiting::NotAsked }
}

fn asked(word: &str) -> Option<Asked> {
    match word {
        "activate" => Some(Asked::Activate),
        "deactivate" => Some(Asked::Deactivate),
        "added" => Some(Asked::Added),
        _ => None,
    }
}

/// The daemon knows that it does not run a sync; why that one is not valid is told by the look at
/// it.
fn trouble(row: &Row) -> Option<Trouble> {
    let kind: &str = row.get::<_, Option<&str>>("trouble")?;
    let outcome: Option<String> = row.get("invalid");
    let hindrance = match (kind, &outcome) {
        ("invalid", Some(_)) => Hindrance::Invalid,
        ("invalid", None) => Hindrance::NotValidated,
        ("source", _) => Hindrance::Source,
        _ => Hindrance::Controller,
    };
    let reason = outcome.filter(|outcome| hindrance == Hindrance::Invalid && !outcome.is_empty());
    Some(Trouble { hindrance, reason: reason.unwrap_or_else(|| row.get("reason")) })
}

fn job(row: &Row) -> Option<Job> {
    let (runs, progress): (bool, &str) = (row.get::<_, Option<bool>>("runs")?, row.get("progress"));
    let copies = row.get("copies_all") || row.get("copies_once") || progress.starts_with("copy ");
    Some(match (runs, copies) {
        (false, _) => progress.strip_prefix(LACKS_CONNECTION).map_or(Job::Waits, |to| Job::LacksConnection(to.to_owned())),
        (true, true) => Job::Copies,
        (true, false) => Job::Runs,
    })
}

/// Seconds after which changes that nothing works on are an alarm: the value of setting
/// `waiting_alarm`.
fn patience(stored: &str) -> i64 {
    let seconds = number(stored).or_else(|| number(setting_table::default("waiting_alarm")));
    seconds.unwrap_or_default() as i64
}
