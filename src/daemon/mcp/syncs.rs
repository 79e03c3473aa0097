//! The MCP's syncs: which are active, whose controller lives, who is to be started when.

use crate::control::channel;
use crate::control::db;
use crate::control::sync::Sync;
use crate::daemon::backoff;
use crate::daemon::children::{self, End};
use crate::daemon::desk::Desk;
use crate::daemon::launch::{self, Launch};
use crate::daemon::mailer::Mailer;
use crate::daemon::role::Role;
use crate::error::Result;
use crate::notice::mail::Mail;
use crate::notice::mail::texts::{self, About, Whose};
use crate::pg::ConnInfo;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// A controller that lived this long did not fail at starting.
const LIVED: Duration = Duration::from_secs(5);

/// All syncs, by name.
#[derive(Default)]
pub(super) struct Syncs(BTreeMap<String, Entry>);

struct Entry {
    sync: Sync,
    /// Whether this daemon runs it. Starts as the row says, and changes by request.
    active: bool,
    child: Option<Child>,
    failures: u32,
    /// When a controller is to be started, if none lives.
    start: Option<Instant>,
    kicked: bool,
    /// A mail has told of its failures, and none of their end.
    mailed: bool,
}

struct Child {
    pid: i32,
    born: Instant,
    validator: bool,
    /// It is a controller, and listens.
    ready: bool,
    /// A kick was passed on to it.
    kicked: bool,
}

impl Entry {
    fn new(sync: Sync) -> Entry {
        let active = sync.active;
        Entry { sync, active, child: None, failures: 0, start: active.then(Instant::now), kicked: false, mailed: false }
    }

    fn hears(&self) -> bool {
        self.child.as_ref().is_some_and(|child| child.ready)
    }

    fn whose<'a>(&'a self, targets: &'a str) -> Whose<'a> {
        Whose { sync: &self.sync.name, source: &self.sync.herd, target: targets }
    }

    /// When failures of which a mail has told are over: a controller that hears stays for a while.
    fn recovers(&self) -> Option<Instant> {
        let child = self.child.as_ref().filter(|child| child.ready && self.mailed)?;
        Some(child.born + LIVED)
    }
}

impl Syncs {
    /// Reads all syncs; nothing may be running.
    pub fn load(&mut self, desk: &mut Desk) -> Result<()> {
        let all = Sync::load_all(&mut desk.control)?;
        self.0 = all.into_iter().map(|sync| (sync.name.clone(), Entry::new(sync))).collect();
        Ok(())
    }

    /// Takes up a sync that was added since; says whether it was unknown.
    pub fn learn(&mut self, name: &str, desk: &mut Desk) -> Result<bool> {
        if self.0.contains_key(name) {
            return Ok(false);
        }
        let Ok(sync) = Sync::load(&mut desk.control, name) else { return Ok(false) };
        // It runs when it is asked to, or at the next reload.
        self.0.insert(name.to_owned(), Entry { active: false, start: None, ..Entry::new(sync) });
        Ok(true)
    }

    /// Whether a sync that we know does not exist any more.
    pub fn is_gone(&self, name: &str, desk: &mut Desk) -> Result<bool> {
        let exists = desk.control.query_opt("select 1 from bucardo.sync where name = $1", &[&name])?.is_some();
        Ok(!exists && self.0.contains_key(name))
    }

    /// Forgets a sync, whose processes have been stopped.
    pub fn forget(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Reads one sync again and makes it active; says whether that is possible.
    pub fn wake(&mut self, name: &str, desk: &mut Desk) -> Result<bool> {
        let Ok(sync) = Sync::load(&mut desk.control, name) else { return Ok(false) };
        let entry = Entry::new(sync);
        let active = entry.active;
        self.0.insert(name.to_owned(), entry);
        Ok(active)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub fn active(&self) -> impl Iterator<Item = &str> {
        self.0.values().filter(|entry| entry.active).map(|entry| entry.sync.name.as_str())
    }

    pub fn is_active(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|entry| entry.active)
    }

    pub fn none_active(&self) -> bool {
        self.active().next().is_none()
    }

    pub fn pids(&self) -> Vec<i32> {
        self.0.values().filter_map(|entry| entry.child.as_ref()).map(|child| child.pid).collect()
    }

    /// The sources to listen on, each with how to connect and for which syncs.
    pub fn sources(&self, desk: &mut Desk) -> Result<BTreeMap<String, (ConnInfo, BTreeSet<String>)>> {
        let mut sources: BTreeMap<String, (ConnInfo, BTreeSet<String>)> = BTreeMap::new();
        for entry in self.0.values().filter(|entry| entry.active && entry.sync.listens()) {
            for master in entry.sync.masters() {
                let info = db::conninfo(&mut desk.control, &master)?.named(Role::Mcp.application_name("listen"));
                sources.entry(master).or_insert((info, BTreeSet::new())).1.insert(entry.sync.name.clone());
            }
        }
        Ok(sources)
    }

    /// Passes a kick on to the controller, or starts one for it.
    pub fn kick(&mut self, name: &str, desk: &mut Desk, launch: &Launch) -> Result<()> {
        match self.0.get_mut(name) {
            Some(entry) if entry.active && entry.hears() => {
                entry.child.iter_mut().for_each(|child| child.kicked = true);
                desk.notify(&channel::ctl_kick(name), "")
            }
            Some(entry) if entry.active => {
                entry.kicked = true;
                if entry.child.is_none() {
                    entry.start.get_or_insert_with(Instant::now);
                }
                self.start_due(desk, launch)
            }
            _ => {
                log::info!("Cannot kick sync \"{name}\": it is unknown or not active");
                desk.notify(&channel::sync_error(name), "")
            }
        }
    }

    /// A controller listens; a kick that came while it did not is passed on.
    pub fn ready(&mut self, pid: i32, desk: &mut Desk) -> Result<()> {
        let found = self.0.values_mut().find_map(|entry| match &mut entry.child {
            Some(child) if child.pid == pid => Some((child, &mut entry.kicked, &entry.sync.name)),
            _ => None,
        });
        let Some((child, kicked, name)) = found else { return Ok(()) };
        child.ready = true;
        child.kicked = std::mem::take(kicked);
        match child.kicked {
            true => desk.notify(&channel::ctl_kick(name), ""),
            false => Ok(()),
        }
    }

    /// Starts a validator, unless the request was served meanwhile or one is at it.
    pub fn validate(&mut self, name: &str, desk: &mut Desk, launch: &Launch) -> Result<()> {
        let sql = "select 1 from bucardo.validation where sync = $1 and validated is null";
        let wanted = desk.control.query_opt(sql, &[&name])?.is_some();
        let Some(entry) = self.0.get_mut(name).filter(|entry| wanted && entry.child.is_none()) else { return Ok(()) };
        entry.child = Some(born(launch::spawn(Role::Val { sync: name.to_owned() }, launch)?, true));
        Ok(())
    }

    /// Starts what is to be started by now: a controller if the sync is valid, else a validator.
    pub fn start_due(&mut self, desk: &mut Desk, launch: &Launch) -> Result<()> {
        let now = Instant::now();
        for entry in self.0.values_mut() {
            if entry.active && entry.child.is_none() && entry.start.is_some_and(|at| at <= now) {
                entry.start = None;
                start(entry, desk, launch)?;
            }
        }
        Ok(())
    }

    /// When something is to be started.
    pub fn next(&self) -> Option<Instant> {
        let starts = self.0.values().filter(|entry| entry.child.is_none()).filter_map(|entry| entry.start);
        starts.chain(self.0.values().filter_map(Entry::recovers)).min()
    }

    /// Mails that controllers stay which had died.
    pub fn tell_recovered(&mut self, mailer: &Mailer, launch: &Launch) {
        let now = Instant::now();
        for entry in self.0.values_mut().filter(|entry| entry.recovers().is_some_and(|at| at <= now)) {
            entry.mailed = false;
            let targets = entry.sync.targets.join(" ");
            mailer.send(texts::controller_back(&mailer.about(launch), &entry.whose(&targets)), launch);
        }
    }

    /// Stops the controllers of these syncs, which are not active any more; returns all children that died meanwhile.
    pub fn stop(&mut self, names: &[String]) -> BTreeMap<i32, End> {
        let mut pids = Vec::new();
        for entry in self.0.values_mut().filter(|entry| names.contains(&entry.sync.name)) {
            entry.active = false;
            entry.start = None;
            pids.extend(entry.child.take().map(|child| child.pid));
        }
        let mut ended = children::stop_all(&pids, super::PATIENCE);
        ended.retain(|pid, _| !pids.contains(pid));
        ended
    }

    /// A child died. A mail, if that is worth one.
    pub fn died(&mut self, pid: i32, end: End, about: &About<'_>) -> Option<Mail> {
        let of = |entry: &&mut Entry| entry.child.as_ref().is_some_and(|child| child.pid == pid);
        let entry = self.0.values_mut().find(of)?;
        let child = entry.child.take()?;
        match (child.validator, end) {
            (true, End::Exit(0)) => entry.again(Duration::ZERO),
            (true, _) => return entry.failed("validator", pid, end, about),
            // One that does not stay; the next kick starts another, and so does one that it may not have heard any more.
            (false, End::Exit(0)) if !(child.kicked || entry.kicked) => {}
            (false, End::Exit(0)) => {
                entry.kicked = true;
                entry.again(Duration::ZERO);
            }
            (false, _) => {
                if child.born.elapsed() > LIVED {
                    entry.failures = 0;
                }
                return entry.failed("controller", pid, end, about);
            }
        }
        None
    }
}

impl Entry {
    fn again(&mut self, pause: Duration) {
        self.start = self.active.then(|| Instant::now() + pause);
    }

    /// Counts a failure and logs it; the first of several is worth a mail.
    fn failed(&mut self, what: &str, pid: i32, end: End, about: &About<'_>) -> Option<Mail> {
        self.failures += 1;
        let pause = backoff::pause(self.failures);
        let sentence = format!("The {what} {pid} of sync \"{}\" {}", self.sync.name, end.words());
        log::warn!("Warning! {sentence}; next try in {:.1} s", pause.as_secs_f64());
        self.kicked = true;
        self.again(pause);
        if std::mem::replace(&mut self.mailed, true) {
            return None;
        }
        let targets = self.sync.targets.join(" ");
        Some(texts::controller_killed(about, &self.whose(&targets), &format!("{sentence}; the log tells why.")))
    }
}

fn born(pid: i32, validator: bool) -> Child {
    Child { pid, born: Instant::now(), validator, ready: false, kicked: false }
}

fn start(entry: &mut Entry, desk: &mut Desk, launch: &Launch) -> Result<()> {
    let sql = "select 1 from bucardo.validation where sync = $1 and ok";
    let valid = desk.control.query_opt(sql, &[&entry.sync.name])?.is_some();
    let role = match valid {
        false => Role::Val { sync: entry.sync.name.clone() },
        true => Role::Ctl {
            sync: entry.sync.name.clone(),
            synctype: entry.sync.synctype.word().to_owned(),
            herd: entry.sync.herd.clone(),
            kicked: std::mem::take(&mut entry.kicked),
        },
    };
    entry.child = Some(born(launch::spawn(role, launch)?, !valid));
    Ok(())
}
