//! The MCP: the master of the daemon.
//!
//! It starts a controller for each active sync and another when one dies, hears kicks on the sources and from clients, answers requests, and
//! stops everything when told: by SIGTERM, by the stop file, by a notification. When the control database is away it waits for it.

mod begin;
mod housekeeping;
mod request;
mod sources;
mod syncs;
mod testers;

use crate::daemon::backoff;
use crate::daemon::children;
use crate::daemon::desk::Desk;
use crate::daemon::launch::Launch;
use crate::daemon::mailer::Mailer;
use crate::daemon::role::Role;
use crate::daemon::signals::Signals;
use crate::daemon::title;
use crate::error::{Error, Kind, Result};
use crate::notice::mail::texts;
use crate::pg::connect::Connecting;
use crate::pg::wait;
use begin::Ground;
use housekeeping::Housekeeping;
use nix::sys::signal::Signal;
use request::{Request, Requests};
use sources::Sources;
use std::os::fd::RawFd;
use std::time::{Duration, Instant};
use syncs::Syncs;
use testers::Testers;

/// How long controllers may take to leave when asked; their kids take most of it.
const PATIENCE: Duration = Duration::from_millis(1500);
/// The longest pause between tries to reach the control database.
const LONGEST_ABSENCE: Duration = Duration::from_secs(10);

struct Mcp<'a> {
    launch: &'a Launch,
    ground: &'a Ground,
    desk: Desk,
    requests: Requests,
    syncs: Syncs,
    sources: Sources,
    housekeeping: Housekeeping,
    testers: Testers,
    mailer: &'a mut Mailer,
}

/// Runs the MCP until it is stopped; returns its exit code.
pub fn run(launch: Launch) -> u8 {
    let ground = match Ground::prepare(&launch) {
        Ok(ground) => ground,
        Err(error) => {
            begin::answer(&launch, &error.to_string());
            return error.code().min(1);
        }
    };
    let outcome = reign(&launch, &ground);
    match outcome {
        Ok(reason) => {
            log::info!("MCP exiting. Reason: {reason}");
            0
        }
        Err(error) => {
            log::error!("Warning: Killed: {error}");
            begin::answer(&launch, &error.to_string());
            1
        }
    }
}

/// Serves, and begins again whenever something is wrong with the control database; returns why it ends. Only what goes wrong at the very
/// first start is final.
fn reign(launch: &Launch, ground: &Ground) -> Result<String> {
    let mut signals = Signals::new()?;
    let mut failures = 0;
    let mut first = true;
    let mut mailer = Mailer::default();
    loop {
        let desk = match open_control(launch, ground, signals, first)? {
            Ok(desk) => desk,
            Err(reason) => return Ok(reason),
        };
        let mut mcp = Mcp::new(launch, ground, desk, &mut mailer);
        let begun = mcp.begin(first);
        if begun.is_ok() {
            mcp.tell_begun(first, failures);
            (first, failures) = (false, 0);
        }
        let outcome = begun.and_then(|()| mcp.serve());
        signals = mcp.end(&outcome);
        match outcome {
            Err(error) if !first => {
                log::warn!("Warning! Trouble with the control database, beginning again: {error}");
                if failures == 0 {
                    mailer.send(texts::mcp_killed(&mailer.about(launch), &error.to_string()), launch);
                }
            }
            other => return other,
        }
        failures += 1;
        let pause = backoff::pause(failures).min(LONGEST_ABSENCE);
        if let Some(reason) = watched(ground, &mut signals, None, Instant::now() + pause)? {
            return Ok(reason);
        }
    }
}

/// The control database, or why we stop while waiting for it. The first time, an error is final: whoever starts us wants to see it.
fn open_control(
    launch: &Launch,
    ground: &Ground,
    mut signals: Signals,
    first: bool,
) -> Result<std::result::Result<Desk, String>> {
    let info = launch.control.named(Role::Mcp.application_name("control"));
    let mut failures = 0;
    loop {
        let connecting = Connecting::start(&info)?;
        if let Some(reason) = watched(ground, &mut signals, Some(connecting.fd()), connecting.deadline())? {
            return Ok(Err(reason));
        }
        match connecting.finish() {
            Ok(conn) => return Desk::new(conn, signals).map(Ok),
            Err(error) if first => return Err(error),
            Err(_) => failures += 1,
        }
        let pause = backoff::pause(failures + 1).min(LONGEST_ABSENCE);
        if let Some(reason) = watched(ground, &mut signals, None, Instant::now() + pause)? {
            return Ok(Err(reason));
        }
    }
}

/// Waits for a descriptor or a time, with an eye on reasons to stop.
fn watched(ground: &Ground, signals: &mut Signals, fd: Option<RawFd>, until: Instant) -> Result<Option<String>> {
    let fds: Vec<RawFd> = [ground.fd(), signals.fd()].into_iter().chain(fd).collect();
    loop {
        let ready = wait(&fds, Some(until.saturating_duration_since(Instant::now())))?;
        let reason = ground.stop_reason(signals);
        if reason.is_some() || ready.timed_out() || fd.is_some_and(|fd| ready.has(fd)) {
            return Ok(reason);
        }
    }
}

impl<'a> Mcp<'a> {
    fn new(launch: &'a Launch, ground: &'a Ground, desk: Desk, mailer: &'a mut Mailer) -> Mcp<'a> {
        let (housekeeping, testers) = (Housekeeping::new(), Testers::default());
        let (requests, syncs, sources) = (Requests::default(), Syncs::default(), Sources::default());
        Mcp { launch, ground, desk, requests, syncs, sources, housekeeping, testers, mailer }
    }

    fn begin(&mut self, first: bool) -> Result<()> {
        self.desk.notify("bucardo_boot", "")?;
        self.housekeeping.stale_jobs(&mut self.desk)?;
        self.load()?;
        if self.syncs.none_active() && first && !self.launch.stays {
            log::info!("No active syncs were found, so we are exiting");
            self.desk.notify("bucardo_nosyncs", "")?;
            return Err(Error::new(Kind::Refused, "No active syncs were found, so we are exiting"));
        }
        self.desk.notify("bucardo_started", "")?;
        begin::answer(self.launch, crate::daemon::launch::READY);
        Ok(())
    }

    /// Mails that the daemon runs, or runs again after trouble.
    fn tell_begun(&self, first: bool, failures: u32) {
        let about = self.mailer.about(self.launch);
        if first {
            self.mailer.send(texts::started(&about, self.ground.start_reason()), self.launch);
        } else if failures > 0 {
            self.mailer.send(texts::mcp_back(&about), self.launch);
        }
    }

    /// Reads all syncs and brings what runs in line with them.
    fn load(&mut self) -> Result<()> {
        *self.mailer = Mailer::load(&mut self.desk.control, self.launch, None)?;
        self.testers.find(&mut self.desk)?;
        self.syncs.load(&mut self.desk)?;
        self.listen()?;
        self.show();
        self.syncs.start_due(&mut self.desk, self.launch)
    }

    fn listen(&mut self) -> Result<()> {
        self.requests = Requests::new(self.syncs.names());
        self.desk.listen(&self.requests.channels())?;
        self.sources.set(self.syncs.sources(&mut self.desk)?);
        Ok(())
    }

    fn show(&self) {
        let active: Vec<&str> = self.syncs.active().collect();
        title::set(&format!("{} Active syncs: {}", Role::Mcp.title(self.launch), active.join(",")));
    }

    /// Serves until there is a reason to stop.
    fn serve(&mut self) -> Result<String> {
        loop {
            if let Some(reason) = self.ground.stop_reason(&mut self.desk.signals) {
                return Ok(reason);
            }
            for notice in self.desk.heard()? {
                match self.requests.read(&notice.channel, &notice.payload) {
                    Some(Request::FullStop) => return Ok("Received request for a full stop".to_owned()),
                    Some(request) => self.handle(request)?,
                    None => {}
                }
            }
            for sync in self.sources.advance() {
                self.syncs.kick(&sync, &mut self.desk, self.launch)?;
            }
            self.bury();
            self.syncs.tell_recovered(self.mailer, self.launch);
            self.testers.start_due(self.launch)?;
            self.syncs.start_due(&mut self.desk, self.launch)?;
            self.housekeeping.run_if_due(&mut self.desk)?;
            self.sleep()?;
        }
    }

    fn sleep(&mut self) -> Result<()> {
        let mut fds = self.sources.fds();
        fds.push(self.ground.fd());
        let until = [self.sources.next(), self.syncs.next(), Some(self.housekeeping.next())].into_iter().flatten().min();
        if self.desk.sleep(&fds, until)? {
            self.syncs.pids().iter().for_each(|pid| children::signal(*pid, Signal::SIGHUP));
            self.reload()?;
        }
        Ok(())
    }

    fn handle(&mut self, request: Request) -> Result<()> {
        match request {
            Request::FullStop => Ok(()),
            Request::Ping => self.desk.notify("bucardo_mcp_pong", ""),
            Request::LogMessage => self.housekeeping.log_messages(&mut self.desk),
            Request::Reload => self.reload().and_then(|()| self.desk.notify("bucardo_reloaded_mcp", "")),
            Request::ReloadConfig => self.reload().and_then(|()| self.desk.notify("bucardo_reload_config_finished", "")),
            Request::Ready(pid) => self.syncs.ready(pid, &mut self.desk),
            Request::Kick(sync) => self.syncs.kick(&sync, &mut self.desk, self.launch),
            Request::Validate(sync) => self.validate(&sync),
            Request::CheckDb(db) => {
                self.testers.add(db);
                Ok(())
            }
            Request::ReloadSync(sync) => self.change(&sync, "reload", "reloaded"),
            Request::Activate(sync) => self.change(&sync, "activate", "activated"),
            Request::Deactivate(sync) => self.change(&sync, "deactivate", "deactivated"),
        }
    }

    /// A sync was added, changed or removed by SQL, or somebody asks for a look at it.
    fn validate(&mut self, sync: &str) -> Result<()> {
        if self.syncs.is_gone(sync, &mut self.desk)? {
            log::info!("Sync \"{sync}\" was removed");
            self.stop(&[sync.to_owned()]);
            self.syncs.forget(sync);
            self.show();
            return self.listen();
        }
        if self.syncs.learn(sync, &mut self.desk)? {
            self.listen()?;
            self.desk.notify(crate::control::channel::MCP_HEARS, "")?;
        }
        self.syncs.validate(sync, &mut self.desk, self.launch)
    }

    fn change(&mut self, sync: &str, verb: &str, answer: &str) -> Result<()> {
        log::info!("Received request to {verb} sync \"{sync}\"");
        if verb == "activate" && self.syncs.is_active(sync) {
            return self.answer(sync, answer);
        }
        self.stop(&[sync.to_owned()]);
        if verb != "deactivate" && !self.syncs.wake(sync, &mut self.desk)? {
            log::warn!("Warning! Sync \"{sync}\" cannot be made active: its status is not active");
            return Ok(());
        }
        self.listen()?;
        self.show();
        self.syncs.start_due(&mut self.desk, self.launch)?;
        self.answer(sync, answer)
    }

    fn answer(&mut self, sync: &str, verb: &str) -> Result<()> {
        self.desk.notify(&crate::control::channel::sync_request(verb, sync), "")
    }

    fn reload(&mut self) -> Result<()> {
        log::info!("Reloading all syncs");
        let names: Vec<String> = self.syncs.names().map(str::to_owned).collect();
        self.stop(&names);
        self.load()
    }

    fn bury(&mut self) {
        if self.desk.signals.child() {
            while let Some((pid, end)) = children::reap() {
                self.died(pid, end);
            }
        }
    }

    /// Stops syncs. Other children may die in the same moment; they are noticed as ever.
    fn stop(&mut self, names: &[String]) {
        for (pid, end) in self.syncs.stop(names) {
            self.died(pid, end);
        }
    }

    fn died(&mut self, pid: i32, end: children::End) {
        self.testers.died(pid);
        if let Some(mail) = self.syncs.died(pid, end, &self.mailer.about(self.launch)) {
            self.mailer.send(mail, self.launch);
        }
    }

    /// Ends all children, and says so if that is possible; gives the signals back.
    fn end(mut self, outcome: &Result<String>) -> Signals {
        let names: Vec<String> = self.syncs.names().map(str::to_owned).collect();
        self.syncs.stop(&names);
        if outcome.is_ok() {
            // Whoever listens can also see that the pid file is gone.
            let _ = self.desk.notify("bucardo_stopped", "");
        }
        self.desk.into_signals()
    }
}
