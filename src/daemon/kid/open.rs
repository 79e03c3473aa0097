//! Opening a kid: its databases, the plans for all tables on all lanes, the receipts.

use super::Place;
use super::watch::Watch;
use crate::control::connections::RESERVE;
use crate::control::db;
use crate::control::identity::refuse_halted;
use crate::control::settings::Settings;
use crate::control::sync::{Goat, Sync, SyncType};
use crate::daemon::kid::connections;
use crate::daemon::role::Role;
use crate::error::{Error, Kind, Result};
use crate::pg::{Canceller, ConnInfo, Connection, Isolation};
use crate::replicate::capture::armed_flag;
use crate::replicate::hands::Doors;
use crate::replicate::identity::{self, Side};
use crate::replicate::install;
use crate::replicate::lineage::{self, Way};
use crate::replicate::plan::{Copying, Feed, Plan, Route};
use crate::replicate::resolve::{SequenceStrategy, Strategy};
use crate::replicate::round::{Carrier, Parts, Table};
use crate::replicate::sequence::{Sequence, Sequences};
use crate::replicate::shape::{self, Shape};
use crate::replicate::source::Source;
use crate::replicate::target::Target;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Changes of one table after which a backlog is cut, unless setting `batch_changes` says otherwise.
const BATCH: f64 = 100_000.0;
/// Tables that are copied at once at most, unless setting `copy_jobs` says otherwise.
const JOBS: f64 = 4.0;
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

/// The members of a sync that one kid serves.
struct Members {
    sync: Sync,
    /// Masters first.
    names: Vec<String>,
    /// Those where what comes is noted for other syncs.
    noting: Vec<bool>,
    masters: usize,
    sources: BTreeMap<usize, Source>,
    targets: BTreeMap<usize, Target>,
}

/// The carrier and the settings.
pub(super) fn carrier(watch: &mut Watch, place: &Place) -> Result<(Carrier, Habits)> {
    watch.listen(&place.sync, &place.target)?;
    let control = &mut watch.desk.control;
    let settings = Settings::load_for(control, &place.sync)?;
    let sync = Sync::load(control, &place.sync)?;
    let goats = sync.goats(control)?;
    let mut members = Members::new(sync, &place.target);
    refuse_halted(control, &members.names)?;
    let infos = members.names.iter().map(|name| db::conninfo(control, name)).collect::<Result<Vec<_>>>()?;
    watch.servers = infos.iter().map(|info| info.place().replace(' ', "_")).collect();
    let reserve = settings.number("reserve_connections", RESERVE).clamp(0.0, 1e6) as i64;
    members.noting = members.names.iter().map(|name| db::makes_delta(control, name)).collect::<Result<_>>()?;
    members.open(control, &place.role, &infos, &place.target, reserve).inspect_err(|_| members.disarm())?;
    watch.desk.signals.cancel_at_stop(members.cancellers());
    let doors = doors(&place.role, &infos, members.sync.isolation, &settings);
    let mut parts = Parts { doors, rehearses: place.rehearses, ..members.parts(&goats, &settings)? };
    check_lineage(&mut watch.desk.control, &mut parts)?;
    let sleep = settings.seconds("kid_pingtime", LOOK_AROUND).max(Duration::from_secs(1));
    Ok((Carrier::new(parts)?, Habits { retention: settings.number("delta_retention", RETENTION), sleep }))
}

/// Makes sure that each source is the one that gave the receipts, and holds what they lack.
fn check_lineage(control: &mut Connection, parts: &mut Parts) -> Result<()> {
    if parts.copies_only {
        return Ok(());
    }
    let copied = !parts.tables.is_empty() && parts.tables.iter().all(|table| table.copy);
    for (from, to, _) in &parts.lanes {
        let (Some(source), Some(target)) = (parts.sources.get_mut(from), parts.targets.get_mut(to)) else { continue };
        let copies = copied && *from == 0 && !parts.filled.contains(to);
        let way = Way { sync: &parts.sync, from: &parts.names[*from], to: &parts.names[*to], copies };
        lineage::check(control, way, &mut source.conn, &mut target.conn)?;
    }
    Ok(())
}

/// 0 means never to cut: everything in one transaction.
fn batch(settings: &Settings) -> i64 {
    match settings.number("batch_changes", BATCH) {
        changes if changes < 1.0 => i64::MAX / 2,
        changes => changes.min(1e15) as i64,
    }
}

/// The way to further sessions; several masters have no use for them.
fn doors(role: &Role, infos: &[ConnInfo], isolation: Isolation, settings: &Settings) -> Option<Doors> {
    let [source, target] = infos else { return None };
    let named = |info: &ConnInfo, side| info.named(role.application_name(side));
    let (source, target) = (named(source, "source"), named(target, "target"));
    Some(Doors { source, isolation, target, jobs: jobs(settings) })
}

/// Not more than there are processors: each table that is being copied keeps one busy on each side.
fn jobs(settings: &Settings) -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    processors.min(settings.number("copy_jobs", JOBS).min(1e3) as usize)
}

impl Members {
    fn new(sync: Sync, place: &str) -> Members {
        let mut names = sync.masters_of(place);
        let masters = names.len();
        if !names.iter().any(|name| name == place) {
            names.push(place.to_owned());
        }
        let noting = vec![false; names.len()];
        Members { sync, names, noting, masters, sources: BTreeMap::new(), targets: BTreeMap::new() }
    }

    fn contested(&self) -> bool {
        self.masters > 1
    }

    fn copies_only(&self) -> bool {
        self.sync.synctype == SyncType::Fullcopy
    }

    fn open(&mut self, control: &mut Connection, role: &Role, infos: &[ConnInfo], place: &str, reserve: i64) -> Result<()> {
        let members: Vec<(usize, (&String, &ConnInfo))> = self.names.iter().zip(infos).enumerate().collect();
        for (number, (name, info)) in members.iter().take(self.masters) {
            let mut conn = session(role, info, name, "source")?;
            connections::refuse_the_last(&mut conn, role, reserve)
                .map_err(|error| error.context(format!("source database \"{name}\"")))?;
            if !self.copies_only() {
                identity::ensure(control, name, Side::Source, &mut conn)?;
            }
            let sleeper = if self.contested() { self.sync.sleepers(name).swap_remove(0) } else { place.to_owned() };
            let flag = (!self.copies_only()).then(|| armed_flag(&self.sync.name, &sleeper));
            self.sources.insert(*number, Source::new(conn, flag, self.sync.isolation)?);
        }
        let receivers = if self.contested() { 0 } else { self.masters };
        for (number, (name, info)) in members.iter().skip(receivers) {
            let mut conn = session(role, info, name, "target")?;
            connections::refuse_the_last(&mut conn, role, reserve)
                .map_err(|error| error.context(format!("target database \"{name}\"")))?;
            identity::ensure(control, name, Side::Receiver, &mut conn)?;
            self.targets.insert(*number, Target::new(conn)?);
        }
        Ok(())
    }

    fn cancellers(&self) -> Vec<Canceller> {
        let sources = self.sources.values().map(|source| source.conn.canceller());
        sources.chain(self.targets.values().map(|target| target.conn.canceller())).collect()
    }

    /// Until everybody is back, writers need not wake anybody.
    fn disarm(&mut self) {
        for source in self.sources.values_mut() {
            // What failed is told already; this is a courtesy to the writers.
            let _ = source.disarm();
        }
    }

    fn parts(mut self, goats: &[Goat], settings: &Settings) -> Result<Parts> {
        let (tables, sequences): (Vec<&Goat>, Vec<&Goat>) = goats.iter().partition(|goat| goat.is_table);
        let shapes = tables.iter().map(|goat| self.shapes(goat)).collect::<Result<Vec<_>>>()?;
        let mut lanes = Vec::new();
        for (from, to) in self.ways() {
            let plans = tables.iter().zip(&shapes).map(|(goat, shapes)| self.plan(goat, shapes, from, to));
            lanes.push((from, to, plans.collect::<Result<Vec<_>>>()?));
        }
        let filled = self.filled()?;
        let copied_once = self.sync.onetimecopy != 0 && self.receivers().any(|number| !filled.contains(&number));
        let tables = tables.iter().zip(&shapes).map(|(goat, shapes)| self.table(goat, shapes, copied_once, &filled));
        let tables = tables.collect::<Result<_>>()?;
        let sequences = sequences.iter().map(|goat| self.sequence(goat)).collect::<Result<_>>()?;
        let (sequences, copies_only) = (Sequences::new(sequences), self.copies_only());
        let (batch, details) = (batch(settings), settings.flag("log_conflict_details"));
        let Members { sync, names, sources, targets, .. } = self;
        let (doors, rates) = (None, sync.track_rates && !copies_only);
        let copy_asked = sync.copy_asked.filter(|_| !copies_only && copied_once);
        Ok(Parts {
            sync: sync.name,
            names,
            sources,
            targets,
            lanes,
            tables,
            sequences,
            batch,
            copies_only,
            copy_asked,
            filled,
            doors,
            details,
            rates,
            rehearses: false,
        })
    }

    /// From each source to each other receiver.
    fn ways(&self) -> Vec<(usize, usize)> {
        let from_each = |from: &usize| self.targets.keys().filter(|to| *to != from).map(|to| (*from, *to)).collect::<Vec<_>>();
        self.sources.keys().flat_map(from_each).collect()
    }

    /// The table on each member.
    fn shapes(&mut self, goat: &Goat) -> Result<Vec<Shape>> {
        if !goat.looked_up && !self.copies_only() {
            return Err(Error::new(Kind::Mismatch, format!("Table \"{}\" was not validated yet", goat.relation.label())));
        }
        let mut shapes = Vec::new();
        for number in 0..self.names.len() {
            let relation = if number == 0 { goat.relation.clone() } else { goat.relation_on(&self.names[number]) };
            let on = format!("database \"{}\"", self.names[number]);
            let shape = match (self.sources.get_mut(&number), self.targets.get_mut(&number)) {
                (Some(source), _) => {
                    let shape = shape::read(&mut source.conn, &relation).map_err(|error| error.context(on))?;
                    if self.sync.synctype != SyncType::Fullcopy {
                        source.captures(&shape)?;
                    }
                    shape
                }
                (None, Some(target)) => shape::read(&mut target.conn, &relation).map_err(|error| error.context(on))?,
                (None, None) => return Err(Error::new(Kind::Bug, "a member without session")),
            };
            shapes.push(shape);
        }
        Ok(shapes)
    }

    fn plan(&mut self, goat: &Goat, shapes: &[Shape], from: usize, to: usize) -> Result<Plan> {
        let feed = self.feed(goat, &shapes[to], to)?;
        let route = Route {
            sync: self.sync.name.clone(),
            from: self.names[from].clone(),
            member: i32::try_from(from).unwrap_or_default(),
            to: self.names[to].clone(),
            masters: self.contested(),
            traced: feed.is_some(),
        };
        let source = self.selected(goat, &shapes[from], from, to)?;
        let copying = copying(&self.sync, goat);
        if self.copies_only() {
            return Ok(Plan::for_copies(goat.id, &source, &shapes[to], &route)?.copied(copying));
        }
        let plan = Plan::new(goat.id, &source, &shapes[to], goat.pkey.as_deref(), &route)?.copied(copying);
        match feed {
            Some(feed) => plan.with_feed(feed),
            None => Ok(plan),
        }
    }

    /// The source's table, or what is selected from it for this receiver.
    fn selected(&mut self, goat: &Goat, table: &Shape, from: usize, to: usize) -> Result<Shape> {
        let clause = goat.selected_for(&self.names[to], to < self.masters);
        match (clause, self.sources.get_mut(&from)) {
            (Some(clause), Some(source)) => table.selected(&mut source.conn, clause),
            _ => Ok(table.clone()),
        }
    }

    /// The receiver's own deltas matter when it is a master, and when what comes there is to go further. That needs deltas there, which
    /// another sync has made.
    fn feed(&mut self, goat: &Goat, table: &Shape, to: usize) -> Result<Option<Feed>> {
        let feeds_targets = self.contested() && to == 0 && !self.sync.targets.is_empty();
        let makedelta = goat.makedelta.unwrap_or(self.sync.makedelta) || self.noting[to] || feeds_targets;
        if !makedelta && !self.contested() {
            return Ok(None);
        }
        let Some(target) = self.targets.get_mut(&to) else { return Ok(None) };
        let captured = install::captured(&mut target.conn, &table.relation)?;
        Ok(captured.map(|(names, keys)| Feed { names, keys, makedelta }))
    }

    fn table(&mut self, goat: &Goat, shapes: &[Shape], copied_once: bool, filled: &BTreeSet<usize>) -> Result<Table> {
        let word = goat.standard_conflict.as_deref().or(self.sync.conflict_strategy.as_deref());
        let strategy = Strategy::parse(word, &self.sync.members())?;
        let only_empty = self.sync.onetimecopy == 2;
        let copy = copied_once && (!only_empty || self.is_empty_at_others(shapes, filled)?);
        Ok(Table { strategy, copy, only_empty, bypass: goat.bypass })
    }

    /// Who gets copies.
    fn receivers(&self) -> impl Iterator<Item = usize> + '_ {
        self.targets.keys().copied().filter(|number| *number != 0)
    }

    /// The receivers that have the copy that is to be made once: each knows for which request it was filled.
    fn filled(&mut self) -> Result<BTreeSet<usize>> {
        let Some(asked) = &self.sync.copy_asked else { return Ok(BTreeSet::new()) };
        let mut filled = BTreeSet::new();
        for (number, target) in self.targets.iter_mut().filter(|(number, _)| **number != 0) {
            filled.extend((target.copied(&self.sync.name)?.as_ref() == Some(asked)).then_some(*number));
        }
        Ok(filled)
    }

    fn is_empty_at_others(&mut self, shapes: &[Shape], filled: &BTreeSet<usize>) -> Result<bool> {
        for number in self.receivers().filter(|number| !filled.contains(number)).collect::<Vec<_>>() {
            let empty = format!("select not exists (select from {})", shapes[number].from_clause());
            let Some(target) = self.targets.get_mut(&number) else { continue };
            if !target.conn.query_one(&empty, &[])?.get::<_, bool>(0) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn sequence(&self, goat: &Goat) -> Result<Sequence> {
        let word = goat.standard_conflict.as_deref();
        let name = |(number, db): (usize, &String)| if number == 0 { goat.relation.clone() } else { goat.relation_on(db) };
        let names = self.names.iter().enumerate().map(name).collect();
        Ok(Sequence { names, strategy: SequenceStrategy::parse(word, self.sync.conflict_strategy.as_deref())? })
    }
}

/// TRUNCATE is for fullcopy alone: elsewhere, readers of the target shall not have to wait.
fn copying(sync: &Sync, goat: &Goat) -> Copying {
    let fullcopy = sync.synctype == SyncType::Fullcopy;
    Copying {
        truncate: fullcopy && sync.deletemethod != "delete",
        cascade: sync.deletemethod == "truncate_cascade",
        extra: sync.copyextra.clone(),
        analyze: goat.analyze_after_copy,
        reindex: goat.rebuild_index,
    }
}

fn session(role: &Role, info: &ConnInfo, name: &str, side: &str) -> Result<Connection> {
    let named = info.named(role.application_name(side));
    Connection::open_replicated(&named).map_err(|error| error.context(format!("{side} database \"{name}\"")))
}
