//! How many changes wait on the sources of a sync: those that some target does not have, by the
//! receipts that the sources know. Asked by `status` and by the daemon's guard, never by a round:
//! all sources at once, each with a short limit, and never counting further than anybody would
//! read.

use crate::control::db;
use crate::control::state::{Backlog, Waiting};
use crate::control::sync::{Sync, SyncType};
use crate::error::{Error, Kind, Result};
use crate::pg::ident::literal;
use crate::pg::{ConnInfo, Connection};
use crate::replicate::capture::objects::Names;
use crate::replicate::identity::installation;
use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

/// Seconds that a source may take to let us in.
const CONNECT: u32 = 3;
/// How long a source may count for all syncs together.
const COUNT: Duration = Duration::from_secs(2);
/// Counting a sync ends there.
const MOST: i64 = 100_000;
/// Tables that are counted in one statement.
const TABLES: usize = 100;
/// Sources that are asked at the same time.
const ABREAST: usize = 16;
/// How long a source that did not answer is left alone.
const AGAIN: Duration = Duration::from_secs(10);

/// Sessions on sources, kept from one time to the next.
#[derive(Default)]
pub struct Sources(BTreeMap<String, Source>);

#[derive(Default)]
struct Source {
    info: ConnInfo,
    session: Option<Connection>,
    /// It is known in which schema our objects are.
    settled: bool,
    failed: Option<(Instant, String)>,
}

/// What waits for a sync's targets that run, and for each that is not active, by its name.
#[derive(Default)]
pub struct Asked {
    /// For those that run; if none does, for all.
    pub waiting: Waiting,
    /// For each that is not active.
    pub left_alone: BTreeMap<String, Waiting>,
}

/// A sync, and the target that is left alone; none: those that run.
type Whom = (String, Option<String>);
/// What one source has for each.
type Backlogs = BTreeMap<Whom, Backlog>;
/// The same, or why it does not say it.
type Answer = std::result::Result<Backlogs, String>;

impl Sources {
    /// What waits for these syncs, by name. A sync that captures no changes has none.
    pub fn ask(&mut self, control: &mut Connection, syncs: &[Sync]) -> Result<BTreeMap<String, Asked>> {
        let mut wanted: BTreeMap<String, Vec<&Sync>> = BTreeMap::new();
        for sync in syncs.iter().filter(|sync| sync.synctype != SyncType::Fullcopy) {
            sync.masters().into_iter().for_each(|master| wanted.entry(master).or_default().push(sync));
        }
        self.0.retain(|name, _| wanted.contains_key(name));
        for name in wanted.keys() {
            let info = db::conninfo(control, name);
            self.0.entry(name.clone()).or_default().reached_by(info)?;
        }
        self.abreast(|_, source| source.open());
        for (name, source) in &mut self.0 {
            source.settle(control, name)?;
        }
        let answers = self.abreast(|name, source| source.ask(wanted.get(name).map_or(&[][..], Vec::as_slice)));
        Ok(syncs.iter().map(|sync| (sync.name.clone(), together(sync, &answers))).collect())
    }

    /// Does something with all sources at the same time, as far as that makes sense.
    fn abreast<T: Send>(&mut self, work: impl Fn(&str, &mut Source) -> T + std::marker::Sync) -> BTreeMap<String, T> {
        let mut done = BTreeMap::new();
        let mut sources: Vec<(&String, &mut Source)> = self.0.iter_mut().collect();
        for some in sources.chunks_mut(ABREAST) {
            thread::scope(|scope| {
                let work = &work;
                let started: Vec<_> =
                    some.iter_mut().map(|(name, source)| (name.clone(), scope.spawn(move || work(name, source)))).collect();
                // A thread that panicked has told why; its source has no answer.
                done.extend(started.into_iter().filter_map(|(name, thread)| Some((name, thread.join().ok()?))));
            });
        }
        done
    }
}

impl Source {
    /// Another address needs another session.
    fn reached_by(&mut self, info: Result<ConnInfo>) -> Result<()> {
        match info {
            Ok(info) => {
                let info = ConnInfo { connect_timeout: info.connect_timeout.min(CONNECT), ..info.named("bucardo status") };
                if info != self.info {
                    *self = Source { info, ..Source::default() };
                }
                Ok(())
            }
            Err(error) if error.kind() == Kind::Database => Err(error),
            Err(error) => {
                *self = Source { failed: Some((Instant::now(), error.to_string())), ..Source::default() };
                Ok(())
            }
        }
    }

    /// A session, unless there is one; one that failed a moment ago is left alone.
    fn open(&mut self) {
        if self.session.as_ref().is_some_and(|session| !session.is_closed()) || self.is_left_alone() {
            return;
        }
        self.settled = false;
        let opened = opened(&self.info);
        self.failed = opened.as_ref().err().map(|error| (Instant::now(), error.to_string()));
        self.session = opened.ok();
    }

    fn is_left_alone(&self) -> bool {
        self.failed.as_ref().is_some_and(|(at, _)| at.elapsed() < AGAIN)
    }

    /// Finds out where our objects are. What is wrong with the control database is an error, and
    /// with the source the source's failure.
    fn settle(&mut self, control: &mut Connection, name: &str) -> Result<()> {
        let Some(session) = self.session.as_mut().filter(|_| !self.settled) else { return Ok(()) };
        match installation::settle(control, name, session) {
            Ok(()) => self.settled = true,
            Err(error) if control.is_closed() => return Err(error),
            Err(error) => (self.session, self.failed) = (None, Some((Instant::now(), error.to_string()))),
        }
        Ok(())
    }

    fn ask(&mut self, syncs: &[&Sync]) -> Answer {
        match self.session.as_mut().map(|session| backlogs(session, syncs)) {
            Some(Ok(backlogs)) => Ok(backlogs),
            Some(Err(error)) => {
                let reason = error.to_string();
                (self.session, self.failed) = (None, Some((Instant::now(), reason.clone())));
                Err(reason)
            }
            None => Err(self.failed.as_ref().map_or_else(String::new, |(_, reason)| reason.clone())),
        }
    }
}

fn opened(info: &ConnInfo) -> Result<Connection> {
    let mut session = Connection::open_replicated(info)?;
    session.batch(&format!(
        "set default_transaction_read_only = on; set lock_timeout = '1s'; set statement_timeout = {}",
        COUNT.as_millis()
    ))?;
    Ok(session)
}

/// What waits on the database of this session for each of these syncs.
fn backlogs(session: &mut Connection, syncs: &[&Sync]) -> Result<Backlogs> {
    let end = Instant::now() + COUNT;
    let ours = session.schema();
    let there = "select to_regclass('bucardo.bucardo_delta_targets') is not null";
    if !session.query_one(&*ours.text(there), &[])?.get::<_, bool>(0) {
        return Ok(Backlogs::new());
    }
    let names: Vec<&str> = syncs.iter().map(|sync| sync.name.as_str()).collect();
    let captured = include_str!("../sql/captured_for_syncs.sql");
    let mut tables: BTreeMap<String, Vec<(u32, Vec<String>)>> = BTreeMap::new();
    for row in session.query(&*ours.text(captured), &[&names])? {
        tables.entry(row.get(0)).or_default().push((row.get(1), row.get(2)));
    }
    let mut all = Backlogs::new();
    for sync in syncs {
        let tables = tables.get(&sync.name).map(Vec::as_slice).unwrap_or_default();
        for whom in std::iter::once(None).chain(sync.left_alone.iter().map(Some)) {
            let backlog = all.entry((sync.name.clone(), whom.cloned())).or_default();
            for some in tables.chunks(TABLES) {
                count_into(session, &consumers(sync, whom), some, end, backlog)?;
                if backlog.more {
                    break;
                }
            }
        }
    }
    Ok(all)
}

/// The condition for the consumers of a sync that are asked about.
fn consumers(sync: &Sync, whom: Option<&String>) -> String {
    let of_sync = format!("c.sync = {}", literal(&sync.name));
    match whom {
        Some(target) => format!("{of_sync} and c.targetdb = {}", literal(target)),
        None if sync.left_alone.is_empty() || sync.places().is_empty() => of_sync,
        None => {
            let others: Vec<String> = sync.left_alone.iter().map(|target| literal(target)).collect();
            format!("{of_sync} and c.targetdb not in ({})", others.join(", "))
        }
    }
}

fn count_into(
    session: &mut Connection,
    consumers: &str,
    tables: &[(u32, Vec<String>)],
    end: Instant,
    sum: &mut Backlog,
) -> Result<()> {
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(Error::new(Kind::Timeout, format!("counting took more than {} seconds", COUNT.as_secs())));
    }
    let ours = session.schema();
    let generations = tables.iter().flat_map(|(table, names)| names.iter().map(move |name| (table, name)));
    let parts: Vec<String> = generations
        .flat_map(|(table, name)| {
            [1, 2].map(|generation| part(consumers, *table, &Names::recorded(ours, name.as_str()), generation))
        })
        .collect();
    session.batch(&format!("set statement_timeout = {}", left.as_millis().max(1)))?;
    let sql = format!(
        "select count(*), coalesce(extract(epoch from clock_timestamp() - min(w.made)), 0)::bigint from (select made from ({}) a limit {}) w",
        parts.join("\nunion all\n"),
        MOST + 1
    );
    let row = session.query_one(&sql, &[])?;
    let (changes, oldest): (i64, i64) = (row.get(0), row.get(1));
    let total = sum.changes + changes;
    *sum = Backlog { changes: total.min(MOST), more: total > MOST, oldest: sum.oldest.max(oldest) };
    Ok(())
}

fn part(consumers: &str, table: u32, names: &Names, generation: i64) -> String {
    let sql = include_str!("../sql/backlog.sql").lines().filter(|line| !line.starts_with("--")).collect::<Vec<_>>().join("\n");
    let sql = names.schema().text(&sql).into_owned();
    sql.replace("{delta}", &names.delta(generation).to_string())
        .replace("{table}", &table.to_string())
        .replace("{most}", &(MOST + 1).to_string())
        .replace("{consumers}", consumers)
}

/// What waits on all masters of a sync.
fn together(sync: &Sync, answers: &BTreeMap<String, Answer>) -> Asked {
    let left_alone = sync.left_alone.iter().map(|db| (db.clone(), for_whom(sync, Some(db), answers)));
    Asked { waiting: for_whom(sync, None, answers), left_alone: left_alone.collect() }
}

/// The same for some of its targets. A master that does not answer leaves it unknown.
fn for_whom(sync: &Sync, whom: Option<&String>, answers: &BTreeMap<String, Answer>) -> Waiting {
    if sync.synctype == SyncType::Fullcopy {
        return Waiting::NotAsked;
    }
    let mut sum = Backlog::default();
    for master in sync.masters() {
        match answers.get(&master) {
            Some(Ok(backlogs)) => {
                let one = backlogs.get(&(sync.name.clone(), whom.cloned())).copied().unwrap_or_default();
                let (changes, more) = (sum.changes + one.changes, sum.more || one.more);
                sum = Backlog { changes, more, oldest: sum.oldest.max(one.oldest) };
            }
            Some(Err(reason)) => return Waiting::Unknown(format!("database \"{master}\": {reason}")),
            None => return Waiting::NotAsked,
        }
    }
    Waiting::Known(sum)
}
