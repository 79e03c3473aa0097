//! The KID: carries the changes of one sync to one target.
//!
//! A kid claims the job that waits for it in `q`, runs rounds until nothing is pending, and ends
//! the job. Then it says on the source that it sleeps (*arms*), looks once more, and sleeps. While
//! work keeps coming it stays awake and unarmed, so that busy writers pay nothing for waking it.
//! Any error that is not a mere collision ends the process: the reason is stored with the job, and
//! the controller starts another kid.

mod connections;
#[cfg(debug_assertions)]
mod failpoint;
mod in_flight;
mod job_monitor;
mod noted;
mod progress;
mod setup;

use crate::contained::contained;
use crate::control::queue;
use crate::control::queue::Counts;
use crate::daemon::process::backoff;
use crate::daemon::process::children;
use crate::daemon::process::control_session::ControlSession;
use crate::daemon::process::exit_codes;
use crate::daemon::process::launch::Launch;
use crate::daemon::process::pidfile::{self, PidFile};
use crate::daemon::process::role::Role;
use crate::daemon::process::signals::Signals;
use crate::error::{Error, Kind, Result};
use crate::notice::log as our_log;
use crate::plain;
use crate::replicate::capture::later_partitions;
use crate::replicate::capture::reclaim;
use crate::replicate::catalog::stray_partitions;
use crate::replicate::identity::neighbours;
use crate::replicate::round::step::{Step, Watcher};
use crate::replicate::round::{Carrier, Outcome};
use in_flight::InFlightTransactions;
use job_monitor::Watch;
use setup::KidSettings;
use std::time::{Duration, Instant};

/// How long a job may go on while more work keeps coming: those who watch q want to see something.
const LONGEST_JOB: Duration = Duration::from_secs(10);
/// Jobs that follow each other this closely become one row of q, up to [`LONGEST_BURST`].
const BURST_GAP: Duration = Duration::from_secs(2);
const LONGEST_BURST: Duration = Duration::from_secs(60);
/// How often the source is told how far the target is, while there is no time to sleep.
const NOTE_EVERY: Duration = Duration::from_secs(1);
/// How long after a round its mark is sealed, and how often at most: that waits for the source's
/// disk.
const SEAL_AFTER: Duration = Duration::from_secs(1);
/// How often a round is repeated after collisions before the job counts as failed.
const MOST_COLLISIONS: u32 = 30;
/// For how long a kid that had enough to do looks for more before it sleeps, and how often. Being
/// woken takes about as long, and each transaction that commits meanwhile would pay for it.
const EXTRA_LOOK_PAUSE: Duration = Duration::from_micros(1500);
const EXTRA_LOOKS: u32 = 12;
/// A round with so many rows, and then another: writers are busy. The server's time is theirs, so
/// there is a pause before the next round. That one carries more rows for the same work, and each
/// comes later by no more than this. Where rounds take long, the pause does too: the server has no
/// time to spare.
const BUSY: i64 = 20;
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);
const PAUSES_PER_ROUND: u32 = 5;
/// How often a kid that sleeps looks whether it was rung, where writers cannot send NOTIFY.
const RING: Duration = Duration::from_millis(200);
/// The exit code of a kid that was asked to stop: if it was not its controller who asked, another
/// kid is needed.
const ASKED: u8 = 2;

/// The pause after a round that took so long.
fn pause_after(round: Duration) -> Duration {
    (round * PAUSES_PER_ROUND).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
}

/// How a kid ended well.
enum End {
    /// Nothing was left to do.
    Done,
    /// By a signal.
    Asked,
    /// Others want its connections.
    GaveWay,
    /// No connection was left for it, on a server of its databases.
    Crowded,
    /// The same on that of the control database.
    ControlCrowded,
}

/// Who this kid is.
pub(super) struct Place {
    pub role: Role,
    pub sync: String,
    pub source: String,
    pub target: String,
    pub persistent: bool,
    pub rehearses: bool,
    pub launch: Launch,
}

struct Kid {
    place: Place,
    watch: Watch,
    carrier: Carrier,
    settings: KidSettings,
    in_flight: InFlightTransactions,
    rotate_at: Option<Instant>,
    noted: Instant,
    /// When marks of sources were last sealed.
    sealed: Instant,
    looked: Instant,
    /// Rounds in a row that carried something, whatever job they were for.
    busy_rounds: u32,
    /// Looks that are left before it sleeps.
    extra_looks: u32,
    last: Option<Last>,
    /// The last job left something over.
    more: bool,
}

/// The job before this one.
struct Last {
    id: i64,
    ended: Instant,
    burst: Instant,
}

/// Runs a kid until it is done; returns its exit code.
pub fn run(launch: &Launch, role: &Role) -> u8 {
    let Role::Kid { sync, source, target, persistent, .. } = role else { return 1 };
    let place = Place {
        role: role.clone(),
        sync: sync.clone(),
        source: source.clone(),
        target: target.clone(),
        persistent: *persistent,
        rehearses: launch.dryrun,
        launch: launch.clone(),
    };
    if let Err(error) = our_log::init(&launch.log, "KID") {
        eprintln!("{error}");
    }
    match live(launch, role, place) {
        Ok(End::Done) => {
            log::info!("Kid exiting at cleanup_kid. Reason: Normal exit");
            0
        }
        Ok(End::Asked) => {
            log::info!("Kid exiting at cleanup_kid. Reason: Asked to stop");
            ASKED
        }
        Ok(End::GaveWay) => {
            log::info!("Kid exiting at cleanup_kid. Reason: Leaving connections to others");
            exit_codes::GAVE_WAY as u8
        }
        Ok(End::Crowded) => exit_codes::CROWDED as u8,
        Ok(End::ControlCrowded) => exit_codes::CONTROL_CROWDED as u8,
        Err(_) => 1,
    }
}

fn live(launch: &Launch, role: &Role, place: Place) -> Result<End> {
    let _pid_file = PidFile::of_child(pidfile::kid(&launch.piddir, &place.sync, &place.target), &launch.instance);
    log::info!("New kid, sync \"{}\", \"{}\" -> \"{}\"", place.sync, place.source, place.target);
    let mut session = match setup::control_session(&place, Signals::new()?) {
        Err(error) if error.kind() == Kind::Crowded => return Ok(crowded(&error, End::ControlCrowded)),
        session => session.inspect_err(|error| log::error!("{error}"))?,
    };
    // Kicks that come from now on are not answered by a failure of this process before it has a job
    // for them.
    let attempt = queue::next_number(&mut session.control)?;
    let mut watch = Watch::new(session, role.title(launch));
    let (sync, target) = (place.sync.clone(), place.target.clone());
    let opened = match contained(|| setup::carrier(&mut watch, &place)) {
        Err(error) if error.kind() == Kind::Crowded => return Ok(crowded(&error, End::Crowded)),
        // It has no job yet that could fail.
        Err(_) if watch.asked().is_some() => return Ok(End::Asked),
        opened => opened,
    };
    let outcome = opened.and_then(|(carrier, settings)| {
        let mut kid = Kid::new(place, watch, carrier, settings);
        contained(|| kid.serve()).map_err(|error| kid.watch.asked().unwrap_or(error)).inspect_err(|_| kid.give_up())
    });
    outcome.map_err(|error| report(launch, role, (&sync, &target), attempt, error))
}

/// The job waits, and so does everybody who waits for it.
fn crowded(error: &Error, end: End) -> End {
    log::info!("Kid exiting at cleanup_kid. Reason: Waiting for a connection: {error}");
    end
}

/// Stores the reason with the job and tells everybody.
fn report(launch: &Launch, role: &Role, (sync, target): (&str, &str), attempt: i64, error: Error) -> Error {
    // The session may be what failed, so the report has its own.
    let mut session = Signals::new().and_then(|signals| ControlSession::open(launch, role, signals));
    let error = match &mut session {
        Ok(session) => connections::explained(&mut session.control, sync, error),
        Err(_) => error,
    };
    let reason = match error.hint_text() {
        Some(hint) => format!("{error}\nHINT: {}", plain::line(hint)),
        None => error.to_string(),
    };
    match error.kind() {
        Kind::Stopped => {
            log::info!("Child for sync \"{sync}\" (-> \"{target}\") was asked to stop; what it was at is done again")
        }
        _ => log::warn!("Warning! Child for sync \"{sync}\" (-> \"{target}\") was killed: {reason}"),
    }
    let stored = session.and_then(|mut session| queue::abort(&mut session.control, sync, target, attempt, &reason));
    if let Err(error) = stored {
        log::warn!("Warning! The reason could not be stored: {error}");
    }
    error
}

impl Kid {
    fn new(place: Place, watch: Watch, carrier: Carrier, settings: KidSettings) -> Kid {
        let now = Instant::now();
        let rotate_at = Some(now);
        let in_flight = InFlightTransactions::default();
        let (busy_rounds, extra_looks) = (0, 0);
        Kid {
            place,
            watch,
            carrier,
            settings,
            in_flight,
            rotate_at,
            noted: now,
            sealed: now,
            looked: now,
            busy_rounds,
            extra_looks,
            last: None,
            more: false,
        }
    }

    fn serve(&mut self) -> Result<End> {
        loop {
            if self.watch.session.signals.stop() {
                return self.leave();
            }
            // Everybody has a turn: this one has had a job done.
            if self.watch.is_in_the_way && self.last.is_some() && self.has_more()? {
                return self.give_way();
            }
            match queue::claim(&mut self.watch.session.control, &self.place.sync, &self.place.target)? {
                Some(job) => self.work(job)?,
                None if self.is_to_leave() && !self.is_lookout() => return self.leave(),
                // Another one looks in a moment.
                None if self.watch.is_in_the_way => return self.give_way(),
                None => self.wait()?,
            }
        }
    }

    fn has_more(&mut self) -> Result<bool> {
        Ok(self.more || queue::waits(&mut self.watch.session.control, &self.place.sync, &self.place.target)?)
    }

    /// Whether it leaves when it has nothing to do.
    fn is_to_leave(&self) -> bool {
        !self.place.persistent || self.watch.is_in_the_way
    }

    /// Whether changes might be missed without it, so that even a short-lived kid stays:
    /// transactions that were running when it looked can commit without waking anybody, and nobody
    /// else looks at the flags.
    fn is_lookout(&self) -> bool {
        !self.in_flight.none() || self.carrier.may_ring()
    }

    fn leave(&mut self) -> Result<End> {
        self.carrier.note_receipts()?;
        self.carrier.seal()?;
        if !self.watch.session.signals.stop() {
            return Ok(End::Done);
        }
        self.carrier.disarm()?;
        Ok(End::Asked)
    }

    /// Another KID comes in a moment and looks; until then, writers need not wake anybody.
    fn give_way(&mut self) -> Result<End> {
        if let End::Asked = self.leave()? {
            return Ok(End::Asked);
        }
        self.carrier.disarm()?;
        Ok(End::GaveWay)
    }

    /// Nobody is there to be woken until another kid has come.
    fn give_up(&mut self) {
        // What failed is told already; this is a courtesy to the writers.
        let _ = self.carrier.disarm();
    }

    fn work(&mut self, job: i64) -> Result<()> {
        self.watch.begin(job);
        self.carrier.begin_job();
        self.watch.at(Step::BeforeTxn, None)?;
        let (mut counts, mut more) = self.rounds()?;
        // A round without work speaks with no receiver.
        if counts.none() && self.carrier.members_have_changed()? {
            self.reopen_for_job()?;
            (counts, more) = self.rounds()?;
        }
        if !self.place.rehearses {
            self.carrier.settle()?;
            self.carrier.note_copies()?;
        }
        let began = self.watch.began;
        let before =
            self.last.take().filter(|last| began.duration_since(last.ended) < BURST_GAP && last.burst.elapsed() < LONGEST_BURST);
        queue::finish(
            &mut self.watch.session.control,
            &self.place.sync,
            &self.place.target,
            job,
            counts,
            before.as_ref().map(|last| last.id),
        )?;
        let burst = before.map_or(began, |last| last.burst);
        self.looked = Instant::now();
        self.last = Some(Last { id: job, ended: Instant::now(), burst });
        self.watch.end();
        self.tell(counts, began);
        self.more = more;
        if more {
            self.watch.kick(&self.place.sync)?;
        }
        self.watch.at(Step::AfterTxn, None)
    }

    fn tell(&self, counts: Counts, began: Instant) {
        if counts.none() {
            return;
        }
        log::info!(
            "Finished syncing to {}. Time: {:.3}. Updates: {} Inserts: {} Deletes: {} Sync: {}. Keepalive: {}",
            self.place.target,
            began.elapsed().as_secs_f64(),
            counts.updates,
            counts.inserts,
            counts.deletes,
            self.place.sync,
            u8::from(self.place.persistent)
        );
    }

    fn tell_rehearsed(&self, counts: Counts) {
        log::info!(
            "Dry run: nothing was kept. To {} would have gone: Updates: {} Inserts: {} Deletes: {} Sync: {}",
            self.place.target,
            counts.updates,
            counts.inserts,
            counts.deletes,
            self.place.sync
        );
    }

    /// Rounds until nothing is pending, or until somebody else wants an answer; says whether more
    /// may be pending. Whoever asked for this job was promised all changes older than it, so at
    /// least one round must have taken everything it saw.
    fn rounds(&mut self) -> Result<(Counts, bool)> {
        let mut counts = Counts::default();
        let (mut served, mut outdated) = (false, 0);
        loop {
            let began = Instant::now();
            match self.round()? {
                Outcome::Carried { counts: more, all } => {
                    counts += more;
                    served |= all;
                    self.stay_awake()?;
                    if served && (self.watch.began.elapsed() > LONGEST_JOB || self.is_wanted()? || self.watch.is_in_the_way) {
                        // A copy of everything leaves nothing over; to ask for another job would be
                        // to copy for ever.
                        return Ok((counts, !self.carrier.copies_only()));
                    }
                    if all && self.busy_rounds >= 2 && more.rows() >= BUSY {
                        self.watch.pause(pause_after(began.elapsed()))?;
                    }
                }
                Outcome::Rehearsed(counts) => {
                    self.tell_rehearsed(counts);
                    self.carrier.arm()?;
                    return Ok((Counts::default(), false));
                }
                Outcome::Outdated if outdated < MOST_COLLISIONS => {
                    outdated += 1;
                    self.reopen_for_job()?;
                }
                Outcome::Outdated => {
                    let sentence = format!("the tables of sync \"{}\" are altered all the time", self.place.sync);
                    return Err(Error::new(Kind::Collision, sentence));
                }
                Outcome::Nothing { .. } if self.extra_looks()? => {}
                Outcome::Nothing { running } if self.carrier.armed() => {
                    let fresh = self.carrier.take_freshly_armed();
                    self.in_flight.seen(running, &fresh);
                    return Ok((counts, false));
                }
                Outcome::Nothing { .. } => self.carrier.arm()?,
            }
        }
    }

    /// Whether somebody has asked for another job. What is heard may be the call to the present
    /// one.
    fn is_wanted(&mut self) -> Result<bool> {
        Ok(self.watch.hear()? && queue::waits(&mut self.watch.session.control, &self.place.sync, &self.place.target)?)
    }

    /// Begins anew with the tables as they are now.
    fn reopen(&mut self) -> Result<()> {
        log::info!("Tables of sync \"{}\" have changed: reading them again", self.place.sync);
        self.carrier.note_receipts().map_err(|error| self.carrier.named(error))?;
        self.carrier = setup::carrier(&mut self.watch, &self.place)?.0;
        Ok(())
    }

    /// The same in the middle of a job: what copies all tables has not copied them yet.
    fn reopen_for_job(&mut self) -> Result<()> {
        self.reopen()?;
        self.carrier.begin_job();
        Ok(())
    }

    /// With the first round there is no telling whether more comes; from the second on, writers are
    /// spared waking us. Each who did may have brought a job of his own, so this is not a matter of
    /// one job.
    fn stay_awake(&mut self) -> Result<()> {
        self.busy_rounds = self.busy_rounds.saturating_add(1);
        if self.busy_rounds >= 2 {
            self.carrier.disarm()?;
            self.in_flight = InFlightTransactions::default();
            self.extra_looks = EXTRA_LOOKS;
        }
        let pause = self.rotation_pause();
        self.rotate_at.get_or_insert_with(|| Instant::now() + pause);
        if self.noted.elapsed() > NOTE_EVERY {
            self.carrier.note_receipts()?;
            self.noted = Instant::now();
            self.rotate_if_due()?;
        }
        Ok(())
    }

    /// Whether to look once more, after a little while.
    fn extra_looks(&mut self) -> Result<bool> {
        let Some(left) = self.extra_looks.checked_sub(1) else {
            self.busy_rounds = 0;
            return Ok(false);
        };
        self.extra_looks = left;
        self.watch.pause(EXTRA_LOOK_PAUSE)?;
        Ok(true)
    }

    fn round(&mut self) -> Result<Outcome> {
        let mut collisions = 0;
        loop {
            match self.carrier.round(&mut self.watch) {
                Err(error) if collisions < MOST_COLLISIONS && self.carrier.repeats_after(&error) => {
                    collisions += 1;
                    log::info!("Round of sync \"{}\" to \"{}\" is repeated: {error}", self.place.sync, self.place.target);
                    self.watch.pause(backoff::collision(collisions))?;
                }
                Err(error) => return Err(self.carrier.named(error)),
                Ok(outcome) => return Ok(outcome),
            }
        }
    }

    /// Sleeps until a job comes, a connection is lost, or it is time to look after something.
    fn wait(&mut self) -> Result<()> {
        self.carrier.note_receipts().map_err(|error| self.carrier.named(error))?;
        self.rotate_if_due()?;
        let seal_at = self.seal_if_due()?;
        if self.watch.hear()? || self.watch.is_in_the_way {
            return Ok(());
        }
        let recheck = self.in_flight.next();
        let periodic_check = Some(self.looked + self.settings.sleep);
        let ring = self.carrier.may_ring().then(|| Instant::now() + RING);
        let until = [recheck, self.rotate_at, periodic_check, ring, seal_at].into_iter().flatten().min();
        self.watch.session.sleep(&self.carrier.fds(), until)?;
        // Mails are sent by processes of their own.
        if self.watch.session.signals.child() {
            while children::reap().is_some() {}
        }
        self.carrier.check()?;
        if self.carrier.rung().map_err(|error| self.carrier.named(error))? {
            return self.watch.kick(&self.place.sync);
        }
        match recheck {
            Some(recheck) if Instant::now() >= recheck => self.look_again(),
            _ if self.looked.elapsed() >= self.settings.sleep => self.periodic_check(),
            _ => Ok(()),
        }
    }

    /// Now and then, although nobody called: what wakes us rests on triggers, which somebody may
    /// have switched off or which a way of writing may pass by, and on connections.
    fn periodic_check(&mut self) -> Result<()> {
        let is_outdated = self.carrier.members_have_changed().and_then(|changed| Ok(self.carrier.may_be_quiet_now()? || changed));
        if is_outdated.map_err(|error| self.carrier.named(error))? {
            self.reopen()?;
        }
        let control = &mut self.watch.session.control;
        self.carrier.settle_departed_partitions(control).map_err(|error| self.carrier.named(error))?;
        // `validate` may have noticed something meanwhile.
        setup::tell_gaps(&mut self.watch, &self.place)?;
        let control = &mut self.watch.session.control;
        if let Some(source) = self.carrier.first_source() {
            stray_partitions::ask_for_validation(control, &self.place.sync, source)?;
        }
        for source in self.carrier.sources() {
            neighbours::ask_for_validation(control, &self.place.sync, source)?;
            later_partitions::ask_for_validation(control, &self.place.sync, source)?;
        }
        self.look_again()
    }

    fn look_again(&mut self) -> Result<()> {
        self.in_flight.wait_longer();
        let (pending, running) = self.carrier.peek().map_err(|error| self.carrier.named(error))?;
        self.looked = Instant::now();
        self.in_flight.seen(running, &[]);
        if pending { self.watch.kick(&self.place.sync) } else { Ok(()) }
    }

    /// Says when marks are to be sealed, if any are.
    fn seal_if_due(&mut self) -> Result<Option<Instant>> {
        if !self.carrier.is_unsealed() {
            return Ok(None);
        }
        let due = self.sealed + SEAL_AFTER;
        if Instant::now() < due {
            return Ok(Some(due));
        }
        self.carrier.seal().map_err(|error| self.carrier.named(error))?;
        self.sealed = Instant::now();
        Ok(None)
    }

    fn rotate_if_due(&mut self) -> Result<()> {
        if self.rotate_at.is_none_or(|at| Instant::now() < at) {
            return Ok(());
        }
        let left = self.carrier.rotate(self.settings.retention).map_err(|error| self.carrier.named(error))?;
        self.rotate_at = left.then(|| Instant::now() + self.rotation_pause());
        Ok(())
    }

    fn rotation_pause(&self) -> Duration {
        Duration::from_secs_f64((self.settings.retention / reclaim::VISITS).clamp(0.2, 60.0))
    }
}
