//! The MCP at work: one loop that hears, starts and buries, as long as there is a control database.

use super::database_tests::Testers;
use super::guards::Guards;
use super::housekeeping::Housekeeping;
use super::instance_lock;
use super::public_orders::{Heard, PublicOrders};
use super::reloads::Reloads;
use super::requests::{Request, Requests};
use super::source_listeners::Sources;
use super::standing::{self, Order};
use super::startup::{self, Startup};
use super::syncs::Syncs;
use super::trouble::Troubles;
use super::validators::{Look, Validators};
use crate::control::sync::Sync;
use crate::control::{channel, former_name, joining, presence, queue, servers};
use crate::daemon::process::children::{self, End};
use crate::daemon::process::control_session::ControlSession;
use crate::daemon::process::exit_codes;
use crate::daemon::process::launch::Launch;
use crate::daemon::process::mail_texts;
use crate::daemon::process::mailer::Mailer;
use crate::daemon::process::role::Role;
use crate::daemon::process::signals::Signals;
use crate::daemon::process::title;
use crate::error::{Error, Kind, Result};
use crate::replicate::identity::installation;
use crate::replicate::sync::deployments;
use nix::sys::signal::Signal;
use std::collections::{BTreeMap, BTreeSet};

/// See the module's text.
pub(super) struct Mcp<'a> {
    launch: &'a Launch,
    startup: &'a Startup,
    pub(super) session: ControlSession,
    requests: Requests,
    pub(super) syncs: Syncs,
    pub(super) validators: Validators,
    pub(super) reloads: Reloads,
    sources: Sources,
    housekeeping: Housekeeping,
    testers: Testers,
    public: PublicOrders,
    /// Of each sync that is to be looked at, when that was asked for.
    asked: BTreeMap<String, String>,
    troubles: Troubles,
    guards: Guards,
    mailer: &'a mut Mailer,
}

impl<'a> Mcp<'a> {
    /// Nothing runs yet.
    pub fn new(launch: &'a Launch, startup: &'a Startup, session: ControlSession, mailer: &'a mut Mailer) -> Mcp<'a> {
        let (housekeeping, testers) = (Housekeeping::new(), Testers::default());
        let (requests, validators, reloads) = (Requests::default(), Validators::default(), Reloads::default());
        let (syncs, sources) = (Syncs::default(), Sources::default());
        let (public, asked) = (PublicOrders::default(), BTreeMap::new());
        let (troubles, guards) = (Troubles::default(), Guards::new());
        Mcp {
            launch,
            startup,
            session,
            requests,
            syncs,
            validators,
            reloads,
            sources,
            housekeeping,
            testers,
            public,
            asked,
            troubles,
            guards,
            mailer,
        }
    }

    /// Starts what is to run. The first time, there must be something.
    pub fn begin(&mut self, first: bool) -> Result<()> {
        installation::begins_here(&mut self.session.control)?;
        instance_lock::take(&mut self.session, &self.launch.piddir)?;
        if first {
            standing::forget_orders(&mut self.session)?;
        }
        self.session.announce("bucardo_boot", "")?;
        self.housekeeping.stale_jobs(&mut self.session)?;
        self.load()?;
        if self.syncs.none_on() && first && !self.launch.stays {
            log::info!("No active syncs were found, so we are exiting");
            self.session.announce("bucardo_nosyncs", "")?;
            presence::leave(&mut self.session.control)?;
            return Err(Error::new(Kind::Refused, "No active syncs were found, so we are exiting"));
        }
        self.session.announce("bucardo_started", "")?;
        startup::answer(self.launch, crate::daemon::process::launch::READY);
        Ok(())
    }

    /// Mails that the daemon runs, or runs again after trouble.
    pub fn tell_begun(&self, first: bool, failures: u32) {
        let about = self.mailer.about(self.launch);
        if first {
            self.mailer.send(mail_texts::started(&about, self.startup.start_reason()), self.launch);
        } else if failures > 0 {
            self.mailer.send(mail_texts::mcp_back(&about), self.launch);
        }
    }

    /// Reads all syncs and brings what runs in line with them. Requests for a look that nobody has
    /// served are served now.
    fn load(&mut self) -> Result<()> {
        *self.mailer = Mailer::load(&mut self.session.control, self.launch, None)?;
        self.testers.find(&mut self.session)?;
        self.syncs.load(&mut self.session)?;
        self.troubles = Troubles::load(&mut self.session)?;
        self.guards.load(&mut self.session)?;
        self.listen()?;
        self.show();
        // Messages that came while nothing listened.
        self.housekeeping.log_messages(&mut self.session)?;
        self.ask_validators()?;
        joining::unseen(&mut self.session.control)?.iter().for_each(|sync| self.validators.need(sync));
        self.start_due()
    }

    fn start_due(&mut self) -> Result<()> {
        self.hold_joined()?;
        self.syncs.start_due(&mut self.session, self.launch, &mut self.validators)?;
        self.validators.start_due(self.launch)
    }

    /// What runs for a sync is stopped before a look that lets tables join it: the changes of these
    /// are captured from the look on, and a KID without them would count those as carried. So it is
    /// before one that changes the names of databases in records.
    fn hold_joined(&mut self) -> Result<()> {
        for sync in self.validators.at_work() {
            let runs = self.syncs.is_active(&sync) && !self.syncs.is_held(&sync);
            if runs && self.must_stand_still(&sync)? {
                self.stop(std::slice::from_ref(&sync))?;
                self.syncs.hold(&sync);
            }
        }
        Ok(())
    }

    fn must_stand_still(&mut self, sync: &str) -> Result<bool> {
        Ok(joining::any(&mut self.session.control, sync)? || self.has_former_names(sync)?)
    }

    /// Whether records of a sync still have former names of databases.
    fn has_former_names(&mut self, sync: &str) -> Result<bool> {
        let control = &mut self.session.control;
        match Sync::load(control, sync) {
            Ok(sync) => former_name::any(control, &sync),
            Err(error) if error.kind() == Kind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn listen(&mut self) -> Result<()> {
        let installation = installation::of(&mut self.session.control)?.map(|ours| ours.id);
        self.requests = Requests::new(self.syncs.names(), installation.clone());
        self.public.listen(self.requests.public(), self.launch)?;
        self.session.listen(&self.requests.channels(), &[])?;
        self.sources.set(self.syncs.sources(&mut self.session)?, installation);
        Ok(())
    }

    fn show(&self) {
        let active: Vec<&str> = self.syncs.active().collect();
        title::set(&format!("{} Active syncs: {}", Role::Mcp.title(self.launch), active.join(",")));
    }

    /// Serves until there is a reason to stop.
    pub fn serve(&mut self) -> Result<String> {
        loop {
            if let Some(reason) = self.startup.stop_reason(&mut self.session.signals) {
                return Ok(reason);
            }
            if self.take_orders()? {
                return Ok("Received request for a full stop".to_owned());
            }
            for sync in self.sources.advance() {
                self.syncs.kick(&sync, "", &mut self.session)?;
            }
            self.reap_children()?;
            self.syncs.tell_recovered(self.mailer, self.launch);
            self.testers.start_due(self.launch)?;
            self.start_due()?;
            self.troubles.note(&self.syncs, &self.sources, &mut self.session)?;
            self.guards.start_due(&mut self.session, self.launch)?;
            self.housekeeping.run_if_due(&mut self.session)?;
            self.sleep()?;
        }
    }

    /// Does what was asked for on the control database; says whether that is to stop.
    fn take_orders(&mut self) -> Result<bool> {
        let private = self.session.heard()?.into_iter().map(|notice| Heard { notice, trusted: true });
        let mut orders: Vec<Heard> = private.collect();
        orders.extend(self.public.heard(&mut self.session.control)?);
        // Kicks may come faster than anything can run.
        let mut done = BTreeSet::new();
        let (mut named, mut trusted) = (BTreeSet::new(), BTreeSet::new());
        for Heard { notice, trusted: may_order } in orders {
            match self.requests.read(&notice.channel, &notice.payload) {
                None => {}
                Some(request) if !may_order && !request.is_only_a_bell() => self.public.ignore(&notice),
                Some(Request::FullStop) => return Ok(true),
                Some(Request::CheckDb(db)) => {
                    trusted.extend(may_order.then(|| db.clone()));
                    named.insert(db);
                }
                Some(request) => {
                    let payload = if request.is_only_a_bell() { String::new() } else { notice.payload };
                    if done.insert((notice.channel, payload)) {
                        self.handle(request)?;
                    }
                }
            }
        }
        if !named.is_empty() {
            self.testers.called(&mut self.session, &named, &trusted)?;
        }
        Ok(false)
    }

    fn sleep(&mut self) -> Result<()> {
        let mut fds = self.sources.fds();
        fds.push(self.startup.fd());
        fds.extend(self.public.fds());
        let times = [
            self.sources.next(),
            self.syncs.next(),
            self.validators.next(),
            self.public.next(),
            self.guards.next(),
            Some(self.housekeeping.next()),
        ];
        let until = times.into_iter().flatten().min();
        if self.session.sleep(&fds, until)? {
            self.syncs.pids().iter().for_each(|pid| children::signal(*pid, Signal::SIGHUP));
            self.reload()?;
        }
        Ok(())
    }

    fn handle(&mut self, request: Request) -> Result<()> {
        match request {
            Request::FullStop => Ok(()),
            Request::Ping => self.session.announce("bucardo_mcp_pong", ""),
            Request::LogMessage => self.housekeeping.log_messages(&mut self.session),
            Request::Reload => self.reload().and_then(|()| self.session.announce("bucardo_reloaded_mcp", "")),
            Request::ReloadConfig => self.reload().and_then(|()| self.session.announce("bucardo_reload_config_finished", "")),
            Request::Ready(pid) => self.syncs.ready(pid, &mut self.session),
            Request::Kick(sync) => {
                self.validators.hurry(&sync);
                self.syncs.kick(&sync, channel::ASKED, &mut self.session)
            }
            Request::Validate(_) => self.look_at_syncs(),
            Request::CheckDb(_) => Ok(()),
            Request::ReloadSync(sync) => {
                log::info!("Looking at the databases of sync \"{sync}\", which is to be reloaded");
                self.reloads.ask(&sync, &mut self.validators);
                Ok(())
            }
            Request::Activate(sync) => self.order(&sync, Order::Activate),
            Request::Deactivate(sync) => self.order(&sync, Order::Deactivate),
            Request::Pause(sync) => self.order(&sync, Order::Pause),
            Request::Resume(sync) => self.order(&sync, Order::Resume),
        }
    }

    /// A sync was added, changed or removed by SQL, or a look at it was asked for: the rows say
    /// what.
    fn look_at_syncs(&mut self) -> Result<()> {
        let rows = self.session.control.query("select name from bucardo.sync", &[])?;
        let stored: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
        let gone: Vec<String> = self.syncs.names().filter(|name| !stored.contains(*name)).map(str::to_owned).collect();
        if !gone.is_empty() {
            gone.iter().for_each(|sync| log::info!("Sync \"{sync}\" was removed"));
            self.stop(&gone)?;
            gone.iter().for_each(|sync| self.syncs.forget(sync));
            self.show();
            self.listen()?;
        }
        let mut learned = false;
        for sync in &stored {
            learned |= self.syncs.learn(sync, &mut self.session)?;
        }
        if learned {
            self.listen()?;
            self.session.announce(channel::MCP_HEARS, "")?;
        }
        self.follow_statuses()?;
        self.ask_validators()
    }

    /// Requests for a look that are open. One that is new is served at once; another has its time
    /// already.
    fn ask_validators(&mut self) -> Result<()> {
        let open = "select sync, requested::text from bucardo.validation where validated is null";
        let rows = self.session.control.query(open, &[])?;
        let asked: BTreeMap<String, String> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        for (sync, at) in &asked {
            match self.asked.get(sync) == Some(at) {
                true => self.validators.need(sync),
                false => self.validators.ask(sync),
            }
        }
        self.asked = asked;
        // What changed a sync may have looked at it as well, and tidied.
        deployments::orphaned(&mut self.session.control)?.iter().for_each(|sync| self.validators.need(sync));
        Ok(())
    }

    /// A validator has left. If the sync is another than the one that runs, that begins anew; if
    /// another look was asked for meanwhile, that one decides.
    fn validated(&mut self, look: &Look) -> Result<()> {
        let sync = look.sync.as_str();
        if self.syncs.is_held(sync) {
            return if look.is_last { self.restart(sync).map(drop) } else { Ok(()) };
        }
        self.syncs.looked_at(sync);
        if !look.is_last {
            return Ok(());
        }
        // One that does not run needs no other try, unless a command waits for what it changes.
        let is_at_rest = !self.syncs.is_active(sync) && self.syncs.names().any(|name| name == sync);
        if is_at_rest && !self.has_former_names(sync)? {
            self.validators.forget(sync);
        }
        match self.syncs.is_outdated(sync, &mut self.session)? {
            true => self.restart(sync).map(drop),
            false => Ok(()),
        }
    }

    /// Begins a sync anew with what its rows say. One that was added while the daemon runs is run
    /// from then on.
    fn reload_one(&mut self, sync: &str) -> Result<()> {
        log::info!("Received request to reload sync \"{sync}\"");
        if let Some(standing) = self.syncs.taken_up(sync) {
            standing.store(sync, &mut self.session)?;
        }
        if !self.restart(sync)? {
            log::warn!("Warning! Cannot reload sync \"{sync}\": it, or its source database, is not active");
            return self.session.announce(&channel::sync_error(sync), "reload");
        }
        self.answer(sync, "reloaded")
    }

    /// Stops a sync, reads it again and starts it, unless it is paused; says whether it is on. One
    /// that waits to be looked at waits no longer, but for new names of its databases.
    pub(super) fn restart(&mut self, sync: &str) -> Result<bool> {
        self.stop(&[sync.to_owned()])?;
        let possible = self.syncs.wake(sync, &mut self.session)?;
        if !self.has_former_names(sync)? {
            self.validators.forget(sync);
        }
        self.listen()?;
        self.show();
        self.start_due()?;
        if self.reloads.forget(sync) {
            self.answer(sync, "reloaded")?;
        }
        Ok(possible)
    }

    pub(super) fn answer(&mut self, sync: &str, verb: &str) -> Result<()> {
        self.session.announce(&channel::sync_request(verb, sync), "")
    }

    fn reload(&mut self) -> Result<()> {
        log::info!("Reloading all syncs");
        let names: Vec<String> = self.syncs.names().map(str::to_owned).collect();
        self.stop(&names)?;
        standing::forget_orders(&mut self.session)?;
        self.load()
    }

    fn reap_children(&mut self) -> Result<()> {
        if self.session.signals.child() {
            while let Some((pid, end)) = children::reap() {
                self.died(pid, end)?;
            }
        }
        Ok(())
    }

    fn died(&mut self, pid: i32, end: End) -> Result<()> {
        if end == End::Exit(exit_codes::CONTROL_CROWDED) {
            let servers = servers::of_control(&mut self.session.control, &self.launch.control)?;
            self.session.notify(channel::CONNECTIONS_WANTED, &servers.join(" "))?;
        }
        self.testers.died(pid);
        self.guards.died(pid);
        let looked_at = self.validators.died(pid, end);
        let about = self.mailer.about(self.launch);
        let mail = match &looked_at {
            Some(look) => self.syncs.kept_waiting(&look.sync, pid, end, &about),
            None => self.syncs.died(pid, end, self.launch, &about),
        };
        if let Some(mail) = mail {
            self.mailer.send(mail, self.launch);
        }
        match looked_at {
            Some(look) if self.reloads.are_answered_by(&look) => self.reload_one(&look.sync),
            Some(look) => self.validated(&look),
            None => Ok(()),
        }
    }

    /// Stops syncs. Other children may die in the same moment; they are noticed as ever.
    fn stop(&mut self, names: &[String]) -> Result<()> {
        let ended = self.syncs.stop(names, self.launch, &self.session.signals);
        queue::give_back(&mut self.session.control, names)?;
        ended.into_iter().try_for_each(|(pid, end)| self.died(pid, end))
    }

    /// Ends all children, and says so if that is possible; gives the signals back.
    pub fn end(mut self, outcome: &Result<String>) -> Signals {
        if outcome.is_ok() && !self.session.signals.stop() {
            self.session.signals.ask_to_stop();
            self.session.signals.stop();
        }
        self.validators.pids().into_iter().chain(self.guards.pid()).for_each(|pid| children::signal(pid, Signal::SIGKILL));
        let names: Vec<String> = self.syncs.names().map(str::to_owned).collect();
        self.syncs.stop(&names, self.launch, &self.session.signals);
        if outcome.is_ok() {
            // Should that fail, the next daemon closes them.
            let _ = queue::give_back(&mut self.session.control, &names);
            // Should that fail, its session is gone in a moment, and so is its process.
            let _ = presence::leave(&mut self.session.control);
            // Whoever listens can also see that the pid file is gone.
            let _ = self.session.announce("bucardo_stopped", "");
        }
        self.session.into_signals()
    }
}
