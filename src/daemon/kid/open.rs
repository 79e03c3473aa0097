//! Opening a kid: both databases, the plans for all tables, the receipt.

use super::Place;
use super::watch::Watch;
use crate::control::db;
use crate::control::settings::Settings;
use crate::control::sync::{Goat, Sync};
use crate::daemon::role::Role;
use crate::error::{Error, Kind, Result};
use crate::pg::{ConnInfo, Connection};
use crate::replicate::capture::armed_flag;
use crate::replicate::plan::Plan;
use crate::replicate::round::Carrier;
use crate::replicate::sequence::Sequences;
use crate::replicate::shape;
use crate::replicate::source::Source;
use crate::replicate::target::Target;
use std::time::Duration;

/// Changes of one table after which a backlog is cut, unless setting `batch_changes` says otherwise.
const BATCH: f64 = 100_000.0;
/// Seconds for which consumed changes are kept, unless setting `delta_retention` says otherwise.
const RETENTION: f64 = 600.0;

/// Seconds of sleep after which a kid looks around, unless setting `kid_pingtime` says otherwise.
const LOOK_AROUND: f64 = 60.0;

/// The settings of a kid.
pub(super) struct Habits {
    /// For how many seconds consumed changes are kept.
    pub retention: f64,
    /// How long it sleeps at most.
    pub sleep: Duration,
}

/// The carrier and the settings.
pub(super) fn carrier(watch: &mut Watch, place: &Place) -> Result<(Carrier, Habits)> {
    watch.listen(&place.sync, &place.target)?;
    let control = &mut watch.desk.control;
    let settings = Settings::load_for(control, &place.sync)?;
    let goats = Sync::load(control, &place.sync)?.goats(control)?;
    let infos = [&place.source, &place.target].map(|name| db::conninfo(control, name));
    let [source_info, target_info] = infos;
    let source = open(&place.role, &source_info?, &place.source, "source")?;
    let mut source = Source::new(source, armed_flag(&place.sync, &place.target))?;
    let target = open(&place.role, &target_info?, &place.target, "target").inspect_err(|_| {
        // Until the target is back, writers need not wake anybody.
        let _ = source.disarm();
    })?;
    watch.desk.signals.cancel_at_stop(vec![source.conn.canceller(), target.canceller()]);
    let mut target = Target::new(target)?;
    let plans =
        goats.iter().filter(|goat| goat.is_table).map(|goat| plan(goat, &mut source, &mut target)).collect::<Result<_>>()?;
    let carrier = Carrier::new([&place.sync, &place.source, &place.target], source, target, plans, batch(&settings))?;
    let sequences = goats.iter().filter(|goat| !goat.is_table).map(|goat| goat.relation.clone()).collect();
    let carrier = carrier.with_sequences(Sequences::new(sequences));
    let sleep = settings.seconds("kid_pingtime", LOOK_AROUND).max(Duration::from_secs(1));
    Ok((carrier, Habits { retention: settings.number("delta_retention", RETENTION), sleep }))
}

/// 0 means never to cut: everything in one transaction.
fn batch(settings: &Settings) -> i64 {
    match settings.number("batch_changes", BATCH) {
        changes if changes < 1.0 => i64::MAX / 2,
        changes => changes.min(1e15) as i64,
    }
}

fn open(role: &Role, info: &ConnInfo, name: &str, side: &str) -> Result<Connection> {
    let named = info.named(role.application_name(side));
    Connection::open_replicated(&named).map_err(|error| error.context(format!("{side} database \"{name}\"")))
}

fn plan(goat: &Goat, source: &mut Source, target: &mut Target) -> Result<Plan> {
    let ours = shape::read(&mut source.conn, &goat.relation).map_err(|error| error.context("source"))?;
    let theirs = shape::read(&mut target.conn, &goat.relation).map_err(|error| error.context("target"))?;
    source.captures(&ours)?;
    if !goat.looked_up {
        return Err(Error::new(Kind::Mismatch, format!("Table \"{}\" was not validated yet", goat.relation.label())));
    }
    Plan::new(goat.id, &ours, &theirs, goat.pkey.as_deref())
}
