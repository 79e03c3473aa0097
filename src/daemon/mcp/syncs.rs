//! The MCP's syncs: which are active, whose controller lives, who is to be started when.

use crate::control::channel;
use crate::control::db;
use crate::control::state::Asked;
use crate::control::sync::Sync;
use crate::daemon::mcp::source_listeners::Sources;
use crate::daemon::mcp::standing::{self, Order, Standing};
use crate::daemon::mcp::trouble::Trouble;
use crate::daemon::mcp::validators::Validators;
use crate::daemon::process::backoff;
use crate::daemon::process::children::{self, End};
use crate::daemon::process::control_session::ControlSession;
use crate::daemon::process::exit_codes;
use crate::daemon::process::launch::{self, Launch};
use crate::daemon::process::mail_texts::{self, About, Whose};
use crate::daemon::process::mailer::Mailer;
use crate::daemon::process::pidfile;
use crate::daemon::process::role::Role;
use crate::daemon::process::signals::Signals;
use crate::error::Result;
use crate::notice::mail::Mail;
use crate::pg::ConnInfo;
use crate::replicate::sync::validate;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// All syncs, by name.
#[derive(Default)]
pub(super) struct Syncs(BTreeMap<String, Entry>);

struct Entry {
    sync: Sync,
    /// What commands have said about it.
    standing: Standing,
    /// Whether this daemon runs it, by its row and what commands have said.
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
    /// It is to be started, and waits to be found valid.
    unfit: bool,
    /// What became of its last controller or validator, if that failed.
    failure: String,
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
    fn new(sync: Sync, standing: Standing) -> Entry {
        let active = standing.runs(&sync);
        let start = active.then(Instant::now);
        let (child, failure) = (None, String::new());
        Entry {
            sync,
            standing,
            active,
            child,
            failures: 0,
            start,
            kicked: false,
            held: false,
            mailed: false,
            unfit: false,
            failure,
        }
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
    /// Reads all syncs, and what commands have said about them; nothing may be running.
    pub fn load(&mut self, session: &mut ControlSession) -> Result<()> {
        let all = Sync::load_all(&mut session.control)?;
        standing::know_all(session)?;
        let standings = standing::load(session, None)?;
        let standing = |sync: &Sync| standings.get(&sync.name).copied().unwrap_or_default();
        self.0 = all.into_iter().map(|sync| (sync.name.clone(), Entry::new(sync.clone(), standing(&sync)))).collect();
        Ok(())
    }

    /// Takes a command about a sync; returns what holds from now on, or none if the command makes
    /// no sense.
    pub fn told(&mut self, name: &str, order: Order, session: &mut ControlSession) -> Result<Option<Standing>> {
        let Some(entry) = self.0.get_mut(name) else { return Ok(None) };
        let Ok(sync) = Sync::load(&mut session.control, name) else { return Ok(None) };
        let after = entry.standing.after(order, &sync);
        if let Some(standing) = after {
            entry.standing = standing;
        }
        Ok(after)
    }

    /// What is to hold of a sync that was added while the daemon runs, once it is reloaded; none
    /// for others.
    pub fn taken_up(&mut self, name: &str) -> Option<Standing> {
        let entry = self.0.get_mut(name).filter(|entry| entry.standing.asked == Some(Asked::Added))?;
        entry.standing.asked = None;
        Some(entry.standing)
    }

    /// The syncs whose status, or that of a database of theirs, is another than the one that we
    /// know. Of its own status the last word counts, and commands that came before do not.
    pub fn with_new_status(&mut self, session: &mut ControlSession) -> Result<Vec<String>> {
        // One that connects other databases now is looked at first.
        let rows = session.control.query("select sync from bucardo.validation where validated is null", &[])?;
        let waiting: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
        let mut changed = Vec::new();
        for sync in Sync::load_all(&mut session.control)? {
            let Some(entry) = self.0.get_mut(&sync.name) else { continue };
            let others = sync.possible != entry.sync.possible || sync.members() != entry.sync.members();
            if sync.wanted != entry.sync.wanted {
                entry.standing.asked = None;
                entry.standing.store(&sync.name, session)?;
                changed.push(sync.name);
            } else if others && !waiting.contains(&sync.name) {
                changed.push(sync.name);
            }
        }
        Ok(changed)
    }

    /// Whether a sync will be run once it is started anew.
    pub fn will_run(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|entry| entry.standing.runs(&entry.sync))
    }

    /// Whether a sync is to be run by what was told last.
    pub fn is_to_run(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|entry| entry.active && entry.standing.runs(&entry.sync))
    }

    /// Takes up a sync that was added since; says whether it was unknown.
    pub fn learn(&mut self, name: &str, session: &mut ControlSession) -> Result<bool> {
        if self.0.contains_key(name) {
            return Ok(false);
        }
        let Ok(sync) = Sync::load(&mut session.control, name) else { return Ok(false) };
        // One that was renamed goes on; a new one runs when it is asked to, or at the next reload.
        let added = Standing { asked: sync.wanted.then_some(Asked::Added), paused: false };
        let standing = standing::load(session, Some(name))?.remove(name).unwrap_or(added);
        standing.store(name, session)?;
        self.0.insert(name.to_owned(), Entry::new(sync, standing));
        Ok(true)
    }

    /// Forgets a sync, whose processes have been stopped.
    pub fn forget(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Reads one sync again and lets it run, if its row and what commands have said let it; says
    /// whether it is on.
    pub fn wake(&mut self, name: &str, session: &mut ControlSession) -> Result<bool> {
        let Ok(sync) = Sync::load(&mut session.control, name) else { return Ok(false) };
        let standing = self.0.get(name).map(|entry| entry.standing).unwrap_or_default();
        let is_on = standing.is_on(&sync);
        self.0.insert(name.to_owned(), Entry::new(sync, standing));
        Ok(is_on)
    }

    /// Whether a sync runs, or could not for lack of a target, that is not as we know it any more.
    pub fn is_outdated(&self, name: &str, session: &mut ControlSession) -> Result<bool> {
        match self.0.get(name).filter(|entry| entry.child.is_some() || entry.sync.places().is_empty()) {
            Some(entry) => Ok(Sync::load(&mut session.control, name).is_ok_and(|sync| sync != entry.sync)),
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
        if let Some(entry) = self.0.get_mut(name).filter(|entry| entry.standing.runs(&entry.sync)) {
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

    /// Whether there is nothing to serve; what is paused may be resumed.
    pub fn none_on(&self) -> bool {
        !self.0.values().any(|entry| entry.standing.is_on(&entry.sync))
    }

    /// The controllers.
    pub fn pids(&self) -> Vec<i32> {
        self.0.values().filter_map(|entry| entry.child.as_ref()).map(|child| child.pid).collect()
    }

    /// The sources to listen on, each with how to connect and for which syncs.
    pub fn sources(&self, session: &mut ControlSession) -> Result<BTreeMap<String, (ConnInfo, BTreeSet<String>)>> {
        let mut sources: BTreeMap<String, (ConnInfo, BTreeSet<String>)> = BTreeMap::new();
        for entry in self.0.values().filter(|entry| entry.active && entry.sync.listens()) {
            for master in entry.sync.masters() {
                match db::conninfo(&mut session.control, &master) {
                    Ok(info) => {
                        let info = info.named(Role::Mcp.application_name("listen"));
                        sources.entry(master).or_insert((info, BTreeSet::new())).1.insert(entry.sync.name.clone());
                    }
                    Err(error) if session.control.is_closed() => return Err(error),
                    // What is wrong with one database is no reason not to serve the others. Its
                    // kids tell it, too.
                    Err(error) => log::warn!("Warning! Source database \"{master}\" cannot be listened to: {error}"),
                }
            }
        }
        Ok(sources)
    }

    /// Passes a kick on to the controller, or starts one for it. `why` is [`channel::ASKED`] or
    /// nothing.
    pub fn kick(&mut self, name: &str, why: &str, session: &mut ControlSession) -> Result<()> {
        match self.0.get_mut(name) {
            Some(entry) if entry.active && entry.hears() => {
                entry.child.iter_mut().for_each(|child| child.kicked = true);
                session.notify(&channel::ctl_kick(name), why)
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
                session.announce(&channel::sync_error(name), "")
            }
        }
    }

    /// A controller listens; a kick that came while it did not is passed on.
    pub fn ready(&mut self, pid: i32, session: &mut ControlSession) -> Result<()> {
        let found = self.0.values_mut().find_map(|entry| match &mut entry.child {
            Some(child) if child.pid == pid => Some((child, &mut entry.kicked, &entry.sync.name)),
            _ => None,
        });
        let Some((child, kicked, name)) = found else { return Ok(()) };
        child.ready = true;
        child.kicked = std::mem::take(kicked);
        match child.kicked {
            true => session.notify(&channel::ctl_kick(name), ""),
            false => Ok(()),
        }
    }

    /// Starts what is to be started by now. A sync that is not valid waits until somebody has
    /// looked at it.
    pub fn start_due(&mut self, session: &mut ControlSession, launch: &Launch, validators: &mut Validators) -> Result<()> {
        let now = Instant::now();
        for entry in self.0.values_mut() {
            if entry.active && !entry.held && entry.child.is_none() && entry.start.is_some_and(|at| at <= now) {
                entry.start = None;
                let ok = found(session, &entry.sync.name)?.filter(|_| !entry.sync.places().is_empty());
                entry.unfit = ok != Some(true);
                if entry.sync.places().is_empty() {
                    entry.failure = validate::no_target(&entry.sync.name);
                } else if ok == Some(false) && entry.failure.is_empty() {
                    entry.failure = "it does not fit its databases".to_owned();
                }
                if entry.unfit {
                    validators.need(&entry.sync.name);
                } else {
                    entry.start(launch)?;
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

    /// Why a sync that is to be run is not, or does not hear of changes.
    pub fn trouble(&self, name: &str, sources: &Sources) -> Option<Trouble> {
        let entry = self.0.get(name).filter(|entry| entry.active)?;
        let lives = entry.child.as_ref().is_some_and(|child| child.ready || entry.failures == 0);
        if entry.unfit && entry.child.is_none() && !entry.failure.is_empty() {
            return Some(Trouble { kind: "invalid", reason: entry.failure.clone(), next: entry.start });
        }
        if entry.failures > 1 && !lives {
            return Some(Trouble { kind: "controller", reason: entry.failure.clone(), next: entry.start });
        }
        let deaf = entry.sync.masters().into_iter().filter(|_| entry.sync.listens());
        let reason = deaf.filter_map(|master| sources.failure(&master)).next()?;
        Some(Trouble { kind: "source", reason, next: None })
    }

    /// Mails that controllers stay which had died.
    pub fn tell_recovered(&mut self, mailer: &Mailer, launch: &Launch) {
        let now = Instant::now();
        for entry in self.0.values_mut().filter(|entry| entry.recovers().is_some_and(|at| at <= now)) {
            entry.mailed = false;
            let targets = entry.sync.targets.join(" ");
            mailer.send(mail_texts::controller_back(&mailer.about(launch), &entry.whose(&targets)), launch);
        }
    }

    /// Stops the controllers of these syncs, which are not active any more; returns all children
    /// that died meanwhile.
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
            // One that does not stay; the next kick starts another, and so does one that it may not
            // have heard any more.
            End::Exit(0) if !(child.kicked || entry.kicked) => {}
            End::Exit(0) | End::Exit(exit_codes::LIFETIME_REACHED) => {
                entry.kicked = true;
                entry.again(Duration::ZERO);
            }
            End::Exit(exit_codes::CONTROL_CROWDED) => entry.waits_for_connection(),
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
        entry.failure = format!("The validator {pid} of sync \"{name}\" {}", end.words());
        entry.mail(&entry.failure.clone(), about)
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
        if self.failures == 0 {
            self.failure.clear();
        }
        self.child = Some(Child { pid, born: Instant::now(), ready: false, kicked: false });
        Ok(())
    }

    /// Its controller found no connection left; KIDs are asked to leave some.
    fn waits_for_connection(&mut self) {
        self.failures += 1;
        self.failure = format!("sync \"{}\" waits for a connection to the control database", self.sync.name);
        self.kicked = true;
        self.again(backoff::crowded(self.failures));
    }

    /// Counts a failure and logs it.
    fn failed(&mut self, pid: i32, end: End, about: &About<'_>) -> Option<Mail> {
        self.failures += 1;
        let pause = backoff::pause(self.failures);
        let sentence = format!("The controller {pid} of sync \"{}\" {}", self.sync.name, end.words());
        log::warn!("Warning! {sentence}; next try in {:.1} s", pause.as_secs_f64());
        self.failure.clone_from(&sentence);
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
        Some(mail_texts::controller_killed(about, &self.whose(&targets), &format!("{sentence}; the log tells why.")))
    }
}

/// What the last look at a sync came to; none if there was none that could tell.
fn found(session: &mut ControlSession, name: &str) -> Result<Option<bool>> {
    let row = session.control.query_opt("select ok from bucardo.validation where sync = $1", &[&name])?;
    Ok(row.and_then(|row| row.get(0)))
}
