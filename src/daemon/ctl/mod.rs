//! The CTL: the controller of one sync.
//!
//! It puts jobs into `q` when it is kicked, starts a kid for each target, notices at once when one
//! dies, stores why and when it will be tried again, and starts another. It tells the world when
//! all targets are done. It never touches a replicated database.

mod kicks;
mod targets;

use crate::control::queue::{self, JobRequest, Lacking};
use crate::control::{channel, servers, sync::Sync};
use crate::daemon::process::backoff;
use crate::daemon::process::children::{self, End};
use crate::daemon::process::control_session::ControlSession;
use crate::daemon::process::exit_codes;
use crate::daemon::process::launch::{self, Launch};
use crate::daemon::process::mail_texts::{self, Whose};
use crate::daemon::process::mailer::Mailer;
use crate::daemon::process::pidfile::{self, PidFile};
use crate::daemon::process::role::Role;
use crate::daemon::process::signals::Signals;
use crate::error::{Error, Kind, Result};
use crate::notice::log as our_log;
use crate::pg::{Connection, Notification, Relation};
use crate::replicate::round::step::{Step, Watcher};
use kicks::PendingKicks;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use targets::Places;

/// How long kids may take to leave when asked.
const PATIENCE: Duration = Duration::from_millis(800);
/// How often limits are looked at again while a target waits for room and hears nothing: the limits
/// may change, and so may a job end without a word.
const ROOM_AGAIN: Duration = Duration::from_secs(5);

/// The exit code of a controller that was asked to stop: if it was not the MCP who asked, another
/// is needed.
const ASKED: u8 = 2;

/// How a controller ended well.
enum Ended {
    /// Nothing was left to do.
    Done,
    /// It has served its time.
    Worn,
}

struct Ctl<'a> {
    /// Places that have not had a job done yet.
    copying: BTreeSet<String>,
    launch: &'a Launch,
    session: ControlSession,
    sync: Sync,
    source: String,
    places: Places,
    pending_kicks: PendingKicks,
    names: Names,
    check_at: Option<Instant>,
    room_at: Option<Instant>,
    mailer: Mailer,
    wear: Lifetime,
}

/// How long the controller serves, and how many kicks it has had.
struct Lifetime {
    born: Instant,
    kicks: i64,
    /// A kick came after its time: it ends what is under way and leaves.
    over: bool,
}

impl Lifetime {
    /// Takes a kick, unless that is for another controller (`lifetime`, `maxkicks`; reference,
    /// section 3.7).
    fn take(&mut self, sync: &Sync) -> bool {
        let old = sync.lifetime.is_some_and(|lifetime| self.born.elapsed() > lifetime);
        self.over |= old || sync.maxkicks > 0 && self.kicks >= sync.maxkicks;
        self.kicks += 1;
        !self.over
    }
}

/// The channels it hears.
struct Names {
    kick: String,
    ping: String,
    pong: String,
    done: BTreeMap<String, String>,
    killed: BTreeMap<String, String>,
}

impl Names {
    fn new(sync: &Sync) -> Names {
        let pid = std::process::id();
        let of = |name: fn(&str, &str) -> String| {
            sync.places().into_iter().map(|target| (name(&sync.name, &target), target)).collect()
        };
        Names {
            kick: channel::ctl_kick(&sync.name),
            ping: format!("bucardo_ctl_{pid}_ping"),
            pong: format!("bucardo_ctl_{pid}_pong"),
            done: of(channel::target_done),
            killed: of(channel::target_killed),
        }
    }

    fn all(&self) -> Vec<String> {
        let named = [&self.kick, &self.ping].into_iter().cloned();
        named.chain(self.done.keys().cloned()).chain(self.killed.keys().cloned()).collect()
    }

    /// Those on which scripts may call, as the original has it.
    fn public(&self) -> Vec<String> {
        vec![self.kick.clone(), self.ping.clone()]
    }
}

/// Runs a controller until it is done; returns its exit code.
pub fn run(launch: &Launch, role: &Role) -> u8 {
    let Role::Ctl { sync, kicked, .. } = role else { return 1 };
    if let Err(error) = our_log::init(&launch.log, "CTL") {
        eprintln!("{error}");
    }
    let outcome = live(launch, role, sync, *kicked);
    let reason = outcome.as_ref().err().map_or("Normal exit".to_owned(), Error::to_string);
    log::info!("Controller exiting at cleanup_controller. Reason: {reason}");
    match outcome {
        Ok(Ended::Done) => 0,
        Ok(Ended::Worn) => exit_codes::LIFETIME_REACHED as u8,
        Err(error) if error.kind() == Kind::Stopped => ASKED,
        Err(error) if error.kind() == Kind::Crowded => exit_codes::CONTROL_CROWDED as u8,
        Err(_) => 1,
    }
}

fn live(launch: &Launch, role: &Role, name: &str, kicked: bool) -> Result<Ended> {
    let _pid_file = PidFile::of_child(pidfile::ctl(&launch.piddir, name), &launch.instance);
    let mut session = ControlSession::open(launch, role, Signals::new()?)?;
    let sync = Sync::load(&mut session.control, name)?;
    let source = sync.source()?.to_owned();
    let names = Names::new(&sync);
    session.listen(&names.all(), &names.public())?;
    session.notify(channel::CTL_READY, &std::process::id().to_string())?;
    log::info!("Controller starting for sync \"{name}\", source \"{source}\", targets \"{}\"", sync.places().join(" "));
    let places = Places::new(&sync.places());
    let check_at = sync.checktime.map(|period| Instant::now() + period);
    let mailer = Mailer::load(&mut session.control, launch, Some(name))?;
    let (pending_kicks, room_at) = (PendingKicks::default(), None);
    let wear = Lifetime { born: Instant::now(), kicks: 0, over: false };
    let copying = sync.places().into_iter().collect();
    let mut ctl = Ctl { launch, session, sync, source, copying, places, pending_kicks, names, check_at, room_at, mailer, wear };
    let outcome = ctl.begin(kicked).and_then(|()| ctl.serve());
    ctl.end();
    outcome
}

/// The controller's own steps, before jobs are queued and after all targets are done.
impl Watcher for Ctl<'_> {
    fn at(&mut self, _step: Step, _table: Option<&Relation>) -> Result<()> {
        self.moved(0)
    }

    fn moved(&mut self, _rows: u64) -> Result<()> {
        match self.session.signals.stop() {
            true => Err(Error::new(Kind::Stopped, "MCP request")),
            false => Ok(()),
        }
    }

    fn expects(&mut self, _rows: u64) {}

    fn control(&mut self) -> Option<&mut Connection> {
        Some(&mut self.session.control)
    }
}

impl Ctl<'_> {
    /// What an earlier controller left is closed and done again. A sync that listens for changes
    /// runs once, because there may have been some.
    fn begin(&mut self, kicked: bool) -> Result<()> {
        let interrupted = queue::close_orphans(&mut self.session.control, &self.sync.name)?;
        if kicked || interrupted || self.sync.listens() {
            return self.kick();
        }
        if self.sync.kidsalive {
            self.places.names().iter().try_for_each(|target| self.ensure_kid(target))?;
        }
        Ok(())
    }

    fn serve(&mut self) -> Result<Ended> {
        loop {
            let (kicks, others): (Vec<_>, Vec<_>) =
                self.session.heard()?.into_iter().partition(|notice| notice.channel == self.names.kick);
            others.iter().try_for_each(|notice| self.handle(notice))?;
            // One answer is enough for all that came together.
            if kicks.iter().any(|notice| notice.payload == channel::ASKED) {
                self.hurry()?;
            }
            if !kicks.is_empty() && self.wear.take(&self.sync) {
                self.kick()?;
            }
            self.reap_children()?;
            self.keep_time()?;
            if self.wear.over && !queue::is_busy(&mut self.session.control, &self.sync.name)? {
                log::info!("Controller of sync \"{}\" has served its time", self.sync.name);
                return Ok(Ended::Worn);
            }
            if self.finished() {
                return Ok(Ended::Done);
            }
            self.listen_for_room()?;
            let until = [self.check_at, self.room_at, self.places.next_retry()].into_iter().flatten().min();
            self.session.sleep(&[], until)?;
            self.moved(0)?;
        }
    }

    /// A controller that does not stay leaves when nothing is under way.
    fn finished(&self) -> bool {
        let idle = |place: &targets::Place| place.pid.is_none() && place.retry.is_none() && place.wanted.is_none();
        !self.sync.stayalive && self.places.0.values().all(idle)
    }

    fn handle(&mut self, notice: &Notification) -> Result<()> {
        let job = notice.payload.parse().unwrap_or_default();
        if notice.channel == channel::ROOM {
            self.room_at = self.room_at.map(|_| Instant::now());
            Ok(())
        } else if notice.channel == self.names.ping {
            self.session.announce(&self.names.pong.clone(), "")
        } else if let Some(target) = self.names.done.get(&notice.channel).cloned() {
            self.done(&target, job)
        } else if let Some(target) = self.names.killed.get(&notice.channel).cloned() {
            self.pending_kicks.failed(&target, job);
            self.follow(&target)
        } else {
            Ok(())
        }
    }

    fn kick(&mut self) -> Result<()> {
        self.at(Step::BeforeSync, None)?;
        let (now, later) = match self.masters() {
            Some(masters) => (vec![masters], self.sync.targets.clone()),
            None => (self.places.names(), Vec::new()),
        };
        let mut jobs = BTreeMap::new();
        for target in now {
            jobs.insert(target.clone(), self.dispatch(&target)?);
        }
        self.pending_kicks.add(jobs, &later);
        // They need not wait for what the first master has already: another one may be away.
        later.iter().try_for_each(|target| self.dispatch(target).map(drop))
    }

    /// The place of the masters, if there are several.
    fn masters(&self) -> Option<String> {
        self.sync.partners.first().cloned()
    }

    /// Targets get what the masters have agreed on, and so they come after them; also when that
    /// failed, for then there are still the first master's own changes.
    fn follow(&mut self, place: &str) -> Result<()> {
        if self.masters().as_deref() != Some(place) {
            return Ok(());
        }
        for target in self.sync.targets.clone() {
            let job = self.dispatch(&target)?;
            self.pending_kicks.assign(place, &target, job);
        }
        Ok(())
    }

    /// Changes alone do not bring tries forward: a busy source would have a target that is away
    /// tried all the time.
    fn hurry(&mut self) -> Result<()> {
        let (jobs, soon) = self.places.hurry(Instant::now());
        jobs.into_iter().try_for_each(|job| queue::try_sooner(&mut self.session.control, job, soon))
    }

    /// Puts a job for one target into the queue, if the limits leave room, and sees to it that a
    /// kid hears of it. Returns the job's id; that of a job which has to wait, for room or for the
    /// next try, cannot be known, but will be higher than any other. A job that only waits for the
    /// next try must not be in the queue: it would take the room of others.
    fn dispatch(&mut self, target: &str) -> Result<i64> {
        if self.places.get(target).stalled() {
            return queue::next_number(&mut self.session.control);
        }
        let wish = JobRequest {
            sync: &self.sync.name,
            synctype: self.sync.synctype.word(),
            source: &self.source,
            target,
            limit: self.sync.limitdbs,
        };
        match queue::enqueue(&mut self.session.control, wish)? {
            Some(job) => {
                self.places.get(target).wanted = None;
                self.ensure_kid(target)?;
                Ok(job)
            }
            None => {
                self.places.get(target).wanted.get_or_insert_with(Instant::now);
                queue::next_number(&mut self.session.control)
            }
        }
    }

    /// While a target waits for room, the ends of all jobs are heard. Those before that were
    /// missed, so it looks again at once.
    fn listen_for_room(&mut self) -> Result<()> {
        let waits = !self.places.wanting().is_empty();
        match (waits, self.room_at) {
            (true, None) => {
                self.room_at = Some(Instant::now());
                self.session.listen(&[&self.names.all()[..], &[channel::ROOM.to_owned()]].concat(), &self.names.public())
            }
            (false, Some(_)) => {
                self.room_at = None;
                self.session.listen(&self.names.all(), &self.names.public())
            }
            _ => Ok(()),
        }
    }

    fn ensure_kid(&mut self, target: &str) -> Result<()> {
        let place = self.places.get(target);
        if place.pid.is_some() || place.stalled() {
            return Ok(());
        }
        let role = Role::Kid {
            sync: self.sync.name.clone(),
            synctype: self.sync.synctype.word().to_owned(),
            source: self.source.clone(),
            target: target.to_owned(),
            persistent: self.sync.kidsalive,
        };
        let pid = launch::spawn(role, self.launch)?;
        let place = self.places.get(target);
        place.pid = Some(pid);
        (place.retry, place.gave_way) = (None, false);
        Ok(())
    }

    fn done(&mut self, target: &str, job: i64) -> Result<()> {
        if let Some(since) = self.places.get(target).succeeded(Instant::now()) {
            let whose = Whose { sync: &self.sync.name, source: &self.source, target };
            let mail = mail_texts::kid_back(&self.mailer.about(self.launch), &whose, since.elapsed().as_secs());
            self.mailer.send(mail, self.launch);
        }
        self.end_copy(target)?;
        let channel = channel::sync_done(&self.sync.name);
        for answer in self.pending_kicks.done(target, job) {
            self.session.announce(&channel, &answer.to_string())?;
            self.at(Step::AfterSync, None)?;
        }
        self.follow(target)
    }

    /// When every place has had a job done, the copy that was wanted once has been made.
    fn end_copy(&mut self, target: &str) -> Result<()> {
        self.copying.remove(target);
        if self.sync.onetimecopy == 0 || !self.copying.is_empty() || self.launch.dryrun {
            return Ok(());
        }
        self.sync.onetimecopy = 0;
        let sql = "update bucardo.sync set onetimecopy = 0 where name = $1";
        self.session.control.execute(sql, &[&self.sync.name])?;
        log::info!("The copy that sync \"{}\" was to make once is made", self.sync.name);
        Ok(())
    }

    fn reap_children(&mut self) -> Result<()> {
        if !self.session.signals.child() {
            return Ok(());
        }
        while let Some((pid, end)) = children::reap() {
            if let Some(target) = self.clear_pid(pid) {
                self.kid_died(&target, pid, end)?;
            }
        }
        Ok(())
    }

    /// The target of a kid that is dead.
    fn clear_pid(&mut self, pid: i32) -> Option<String> {
        let target = self.places.clear_pid(pid)?;
        pidfile::remove_of(&pidfile::kid(&self.launch.piddir, &self.sync.name, &target), pid);
        Some(target)
    }

    fn kid_died(&mut self, target: &str, pid: i32, end: End) -> Result<()> {
        match end {
            End::Exit(0) => return self.kid_left(target),
            End::Exit(exit_codes::GAVE_WAY) => {
                let place = self.places.get(target);
                (place.retry, place.gave_way) = (Some(Instant::now() + backoff::GIVE_WAY), true);
                return Ok(());
            }
            End::Exit(code @ (exit_codes::CROWDED | exit_codes::CONTROL_CROWDED)) => {
                return self.want_connections(target, code == exit_codes::CONTROL_CROWDED);
            }
            _ => {}
        }
        let pause = self.places.get(target).failed(Instant::now());
        let reason = format!("Kid {pid} {}", end.words());
        log::warn!(
            "Warning! {reason}; sync \"{}\", target \"{target}\", next try in {:.1} s",
            self.sync.name,
            pause.as_secs_f64()
        );
        let job = queue::close(&mut self.session.control, &self.sync.name, target, pid, &reason, Some(pause))?;
        if self.places.get(target).stalled() {
            // One that came while the kid failed is put again with the next try.
            queue::withdraw(&mut self.session.control, &self.sync.name, target)?;
        }
        let earlier = std::mem::replace(&mut self.places.get(target).failed_job, job);
        if let (Some(earlier), Some(job)) = (earlier, job) {
            queue::forget_repeated(&mut self.session.control, earlier, job)?;
        }
        self.mail_death(target, pid, &reason, pause, job)
    }

    /// The job waits, and says for what. Where the control database has no connection left, KIDs
    /// are asked to leave theirs; one that could not connect to another database has done so
    /// itself.
    fn want_connections(&mut self, target: &str, to_control: bool) -> Result<()> {
        self.places.get(target).wait(Instant::now());
        if !to_control {
            return Ok(());
        }
        let control = &mut self.session.control;
        queue::lacks_connection(control, &self.sync.name, target, &Lacking::Control)?;
        let servers = servers::of_control(control, &self.launch.control)?;
        self.session.notify(channel::CONNECTIONS_WANTED, &servers.join(" "))
    }

    /// One mail for each outage, however many tries there are in it.
    fn mail_death(&mut self, target: &str, pid: i32, reason: &str, pause: Duration, job: Option<i64>) -> Result<()> {
        if self.places.get(target).mailed() {
            return Ok(());
        }
        let whydie = self.session.control.query_opt("select whydie from bucardo.q where id = $1", &[&job])?;
        let error = whydie.and_then(|row| row.get(0)).unwrap_or_else(|| format!("{reason}; the log tells why"));
        let whose = Whose { sync: &self.sync.name, source: &self.source, target };
        let next = format!("in {:.1} s", pause.as_secs_f64());
        self.mailer.send(mail_texts::kid_killed(&self.mailer.about(self.launch), &whose, pid, &error, &next), self.launch);
        Ok(())
    }

    /// A kid that left well. If a job came in the instant in which it did, another kid does it.
    fn kid_left(&mut self, target: &str) -> Result<()> {
        let sql = "select exists (select from bucardo.q where sync = $1 and targetdb = $2 and started is null)";
        let waits: bool = self.session.control.query_one(sql, &[&self.sync.name, &target])?.get(0);
        if waits { self.ensure_kid(target) } else { Ok(()) }
    }

    fn keep_time(&mut self) -> Result<()> {
        let now = Instant::now();
        for target in self.places.due(now) {
            self.places.get(&target).retry = None;
            let job = self.dispatch(&target)?;
            self.pending_kicks.add(BTreeMap::from([(target, job)]), &[]);
        }
        if self.room_at.is_some_and(|at| at <= now) {
            self.room_at = Some(now + ROOM_AGAIN);
            self.places.wanting().iter().try_for_each(|target| self.dispatch(target).map(drop))?;
        }
        if self.check_at.is_some_and(|at| at <= now) {
            self.check_at = self.sync.checktime.map(|period| now + period);
            self.kick()?;
        }
        Ok(())
    }

    /// Ends all kids. Their jobs are put back by the MCP, if it was the MCP that asked; else the
    /// next controller closes them.
    fn end(&mut self) {
        for (pid, _) in children::stop_all(&self.places.pids(), PATIENCE, &self.session.signals) {
            self.clear_pid(pid);
        }
    }
}
