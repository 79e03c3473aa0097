//! The MCP's syncs: which are active, whose controller lives, who is to be started when.

use crate::control::channel;
use crate::control::db;
use crate::control::sync::Sync;
use crate::daemon::backoff;
use crate::daemon::children::{self, End};
use crate::daemon::ctl::WORN;
use crate::daemon::desk::Desk;
use crate::daemon::launch::{self, Launch};
use crate::daemon::mailer::Mailer;
use crate::daemon::mcp::validators::Validators;
use crate::daemon::pidfile;
use crate::daemon::role::Role;
use crate::daemon::signals::Signals;
use crate::error::Result;
use crate::notice::mail::Mail;
use crate::notice::mail::texts::{self, About, Whose};
use crate::pg::ConnInfo;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

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
    /// It waits for a look that is under way.
    held: bool,
    /// A mail has told of its failures, and none of their end.
    mailed: bool,
}

struct Child {
    pid: i32,
    born: Instant,
    /// It listens.
    ready: bool,
    /// A kick was passed on to it.
    kicked: bool,
}

impl Entry {
    fn new(sync: Sync, active: bool) -> Entry {
        let start = active.then(Instant::now);
        Entry { sync, active, child: None, failures: 0, start, kicked: false, held: false, mailed: false }
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
        Some(child.born + super::LIVED)
    }
}

impl Syncs {
    /// Reads all syncs; nothing may be running.
    pub fn load(&mut self, desk: &mut Desk) -> Result<()> {
        let all = Sync::load_all(&mut desk.control)?;
        let entry = |sync: Sync| (sync.name.clone(), Entry::new(sync.clone(), sync.active));
        self.0 = all.into_iter().map(entry).collect();
        Ok(())
    }

    /// Takes up a sync that was added since; says whether it was unknown.
    pub fn learn(&mut self, name: &str, desk: &mut Desk) -> Result<bool> {
        if self.0.contains_key(name) {
            return Ok(false);
        }
        let Ok(sync) = Sync::load(&mut desk.control, name) else { return Ok(false) };
        // It runs when it is asked to, or at the next reload.
        self.0.insert(name.to_owned(), Entry::new(sync, false));
        Ok(true)
    }

    /// Forgets a sync, whose processes have been stopped.
    pub fn forget(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Reads one sync again and makes it active, whatever its row says; says whether that is possible.
    pub fn wake(&mut self, name: &str, desk: &mut Desk) -> Result<bool> {
        let Ok(sync) = Sync::load(&mut desk.control, name) else { return Ok(false) };
        let possible = sync.possible;
        self.0.insert(name.to_owned(), Entry::new(sync, possible));
        Ok(possible)
    }

    /// Whether a sync runs that is not as we know it any more.
    pub fn is_outdated(&self, name: &str, desk: &mut Desk) -> Result<bool> {
        match self.0.get(name).filter(|entry| entry.child.is_some()) {
            Some(entry) => Ok(Sync::load(&mut desk.control, name).is_ok_and(|sync| sync != entry.sync)),
            None => Ok(false),
        }
    }

    /// Somebody has looked at a sync: if it only waited for that, it can start.
    pub fn looked_at(&mut self, name: &str) {
        if let Some(entry) = self.0.get_mut(name).filter(|entry| entry.active && entry.child.is_none()) {
            entry.start.get_or_insert_with(Instant::now);
        }
    }

    /// Lets a sync that was stopped wait for a look that is under way.
    pub fn hold(&mut self, name: &str) {
        if let Some(entry) = self.0.get_mut(name) {
            (entry.active, entry.held, entry.start) = (true, true, None);
        }
    }

    /// Whether it waits for that.
    pub fn is_held(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|entry| entry.held)
    }

    /// Whether a controller runs.
    pub fn runs(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|entry| entry.child.is_some())
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

    /// The controllers.
    pub fn pids(&self) -> Vec<i32> {
        self.0.values().filter_map(|entry| entry.child.as_ref()).map(|child| child.pid).collect()
    }

    /// The sources to listen on, each with how to connect and for which syncs.
    pub fn sources(&self, desk: &mut Desk) -> Result<BTreeMap<String, (ConnInfo, BTreeSet<String>)>> {
        let mut sources: BTreeMap<String, (ConnInfo, BTreeSet<String>)> = BTreeMap::new();
        for entry in self.0.values().filter(|entry| entry.active && entry.sync.listens()) {
            for master in entry.sync.masters() {
                match db::conninfo(&mut desk.control, &master) {
                    Ok(info) => {
                        let info = info.named(Role::Mcp.application_name("listen"));
                        sources.entry(master).or_insert((info, BTreeSet::new())).1.insert(entry.sync.name.clone());
                    }
                    Err(error) if desk.control.is_closed() => return Err(error),
                    // What is wrong with one database is no reason not to serve the others. Its kids tell it, too.
                    Err(error) => log::warn!("Warning! Source database \"{master}\" cannot be listened to: {error}"),
                }
            }
        }
        Ok(sources)
    }

    /// Passes a kick on to the controller, or starts one for it. `why` is [`channel::ASKED`] or nothing.
    pub fn kick(&mut self, name: &str, why: &str, desk: &mut Desk) -> Result<()> {
        match self.0.get_mut(name) {
            Some(entry) if entry.active && entry.hears() => {
                entry.child.iter_mut().for_each(|child| child.kicked = true);
                desk.notify(&channel::ctl_kick(name), why)
            }
            Some(entry) if entry.active => {
                entry.kicked = true;
                if entry.child.is_none() {
                    entry.start.get_or_insert_with(Instant::now);
                }
                Ok(())
            }
            _ => {
                log::info!("Cannot kick sync \"{name}\": it is unknown or not active");
                desk.announce(&channel::sync_error(name), "")
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

    /// Starts what is to be started by now. A sync that is not valid waits until somebody has looked at it.
    pub fn start_due(&mut self, desk: &mut Desk, launch: &Launch, validators: &mut Validators) -> Result<()> {
        let now = Instant::now();
        for entry in self.0.values_mut() {
            if entry.active && !entry.held && entry.child.is_none() && entry.start.is_some_and(|at| at <= now) {
                entry.start = None;
                match is_valid(desk, &entry.sync.name)? {
                    true => entry.start(launch)?,
                    false => validators.need(&entry.sync.name),
                }
            }
        }
        Ok(())
    }

    /// When something is to be started.
    pub fn next(&self) -> Option<Instant> {
        let starts = self.0.values().filter(|entry| entry.child.is_none() && !entry.held).filter_map(|entry| entry.start);
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
    pub fn stop(&mut self, names: &[String], launch: &Launch, signals: &Signals) -> BTreeMap<i32, End> {
        let mut stopped = BTreeMap::new();
        for entry in self.0.values_mut().filter(|entry| names.contains(&entry.sync.name)) {
            entry.active = false;
            entry.held = false;
            entry.start = None;
            stopped.extend(entry.child.take().map(|child| (child.pid, entry.sync.name.clone())));
        }
        let pids: Vec<i32> = stopped.keys().copied().collect();
        let mut ended = children::stop_all(&pids, super::PATIENCE, signals);
        ended.retain(|pid, _| !stopped.contains_key(pid));
        stopped.iter().for_each(|(pid, name)| pidfile::remove_of(&pidfile::ctl(&launch.piddir, name), *pid));
        ended
    }

    /// A child died. A mail, if that is worth one.
    pub fn died(&mut self, pid: i32, end: End, launch: &Launch, about: &About<'_>) -> Option<Mail> {
        let of = |entry: &&mut Entry| entry.child.as_ref().is_some_and(|child| child.pid == pid);
        let entry = self.0.values_mut().find(of)?;
        let child = entry.child.take()?;
        pidfile::remove_of(&pidfile::ctl(&launch.piddir, &entry.sync.name), pid);
        match end {
            // One that does not stay; the next kick starts another, and so does one that it may not have heard any more.
            End::Exit(0) if !(child.kicked || entry.kicked) => {}
            End::Exit(0) | End::Exit(WORN) => {
                entry.kicked = true;
                entry.again(Duration::ZERO);
            }
            _ => {
                if child.born.elapsed() > super::LIVED {
                    entry.failures = 0;
                }
                return entry.failed(pid, end, about);
            }
        }
        None
    }

    /// A validator died. A mail, if it failed and the sync does not run because of that.
    pub fn kept_waiting(&mut self, name: &str, pid: i32, end: End, about: &About<'_>) -> Option<Mail> {
        let entry = self.0.get_mut(name).filter(|entry| end != End::Exit(0) && entry.active && entry.child.is_none())?;
        entry.mail(&format!("The validator {pid} of sync \"{name}\" {}", end.words()), about)
    }
}

impl Entry {
    fn again(&mut self, pause: Duration) {
        self.start = self.active.then(|| Instant::now() + pause);
    }

    fn start(&mut self, launch: &Launch) -> Result<()> {
        let role = Role::Ctl {
            sync: self.sync.name.clone(),
            synctype: self.sync.synctype.word().to_owned(),
            herd: self.sync.herd.clone(),
            kicked: std::mem::take(&mut self.kicked),
        };
        let pid = launch::spawn(role, launch)?;
        self.child = Some(Child { pid, born: Instant::now(), ready: false, kicked: false });
        Ok(())
    }

    /// Counts a failure and logs it.
    fn failed(&mut self, pid: i32, end: End, about: &About<'_>) -> Option<Mail> {
        self.failures += 1;
        let pause = backoff::pause(self.failures);
        let sentence = format!("The controller {pid} of sync \"{}\" {}", self.sync.name, end.words());
        log::warn!("Warning! {sentence}; next try in {:.1} s", pause.as_secs_f64());
        self.kicked = true;
        self.again(pause);
        self.mail(&sentence, about)
    }

    /// The first of several failures is worth a mail.
    fn mail(&mut self, sentence: &str, about: &About<'_>) -> Option<Mail> {
        if std::mem::replace(&mut self.mailed, true) {
            return None;
        }
        let targets = self.sync.targets.join(" ");
        Some(texts::controller_killed(about, &self.whose(&targets), &format!("{sentence}; the log tells why.")))
    }
}

fn is_valid(desk: &mut Desk, name: &str) -> Result<bool> {
    Ok(desk.control.query_opt("select 1 from bucardo.validation where sync = $1 and ok", &[&name])?.is_some())
}
