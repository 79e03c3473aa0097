//! The kid as its own watcher: at each step the title says where it is, the heartbeat shows that it
//! works, and a request to stop is heard.

use super::progress::Progress;
use crate::control::{channel, queue};
use crate::daemon::process::control_session::ControlSession;
use crate::daemon::process::title;
use crate::error::{Error, Kind, Result};
use crate::pg::{Connection, Relation};
use crate::replicate::round::step::{Step, Watcher};
use std::time::{Duration, Instant};

/// How often a job shows that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(3);

/// See the module's text.
pub(super) struct Watch {
    pub(super) session: ControlSession,
    /// When the present job began.
    pub(super) began: Instant,
    title: String,
    job: Option<i64>,
    beaten: Instant,
    progress: Progress,
    ping: String,
    pong: String,
    /// The servers of the sync, as [`channel::CONNECTIONS_WANTED`] names them.
    pub(super) servers: Vec<String>,
    /// Another kid wants a connection to one of them.
    pub(super) is_in_the_way: bool,
}

impl Watch {
    pub(super) fn new(session: ControlSession, title: String) -> Watch {
        let pid = std::process::id();
        let (ping, pong) = (format!("bucardo_kid_{pid}_ping"), format!("bucardo_kid_{pid}_pong"));
        let progress = Progress::of(String::new());
        let (servers, is_in_the_way) = (Vec::new(), false);
        Watch {
            session,
            began: Instant::now(),
            title,
            job: None,
            beaten: Instant::now(),
            progress,
            ping,
            pong,
            servers,
            is_in_the_way,
        }
    }

    /// Hears jobs and pings.
    pub(super) fn listen(&mut self, sync: &str, target: &str) -> Result<()> {
        let private = [channel::job(sync, target), self.ping.clone(), channel::CONNECTIONS_WANTED.to_owned()];
        self.session.listen(&private, std::slice::from_ref(&self.ping))
    }

    pub(super) fn begin(&mut self, job: i64) {
        self.job = Some(job);
        self.began = Instant::now();
        self.beaten = self.began;
    }

    pub(super) fn end(&mut self) {
        self.job = None;
        title::set(&self.title);
    }

    /// Answers pings; says whether a job may be waiting.
    pub(super) fn hear(&mut self) -> Result<bool> {
        let heard = self.session.heard()?;
        for _ in heard.iter().filter(|notice| notice.channel == self.ping) {
            self.session.announce(&self.pong.clone(), "")?;
        }
        let wants = |payload: &str| payload.split(' ').any(|server| self.servers.iter().any(|ours| ours == server));
        let is_wanted = heard.iter().any(|notice| notice.channel == channel::CONNECTIONS_WANTED && wants(&notice.payload));
        self.is_in_the_way |= is_wanted;
        Ok(heard.iter().any(|notice| notice.channel != self.ping && notice.channel != channel::CONNECTIONS_WANTED))
    }

    /// The queue is told of a step only when it was told of the one before: most are too short to
    /// be seen there.
    fn begin_step(&mut self, step: String) -> Result<()> {
        title::set(&format!("{} [{step}]", self.title));
        let before = std::mem::replace(&mut self.progress, Progress::of(step.clone()));
        match self.job.filter(|_| before.was_told()) {
            Some(job) => queue::progress(&mut self.session.control, job, &step),
            None => Ok(()),
        }
    }

    /// Asks the controller for another job.
    pub(super) fn kick(&mut self, sync: &str) -> Result<()> {
        self.session.notify(&channel::ctl_kick(sync), "")
    }

    /// The error that ends a kid which was asked to stop, whatever that broke off.
    pub(super) fn asked(&self) -> Option<Error> {
        self.session.signals.stop().then(|| Error::new(Kind::Stopped, queue::ASKED_TO_STOP))
    }

    /// Waits for a while, or until a signal comes.
    pub(super) fn pause(&mut self, length: Duration) -> Result<()> {
        crate::pg::wait(&[self.session.signals.fd()], Some(length))?;
        self.session.signals.drain();
        self.moved(0)
    }
}

impl Watcher for Watch {
    fn at(&mut self, step: Step, table: Option<&Relation>) -> Result<()> {
        #[cfg(debug_assertions)]
        super::failpoint::pass(step);
        // What some have committed already shall come to the others as well, whoever asks us to
        // stop; and a job that is over is not broken off.
        if let Step::SourcesCommitted | Step::HandCommitted | Step::ReceiverCommitted | Step::AfterTxn = step {
            return Ok(());
        }
        if let Some(word) = step.title() {
            let table = table.map(|table| format!(" {}", table.label())).unwrap_or_default();
            self.begin_step(format!("{word}{table}"))?;
        }
        self.moved(0)
    }

    fn moved(&mut self, rows: u64) -> Result<()> {
        if let Some(error) = self.asked() {
            return Err(error);
        }
        match (self.job, self.progress.moved(rows)) {
            (Some(job), Some(progress)) => {
                title::set(&format!("{} [{progress}]", self.title));
                self.beaten = Instant::now();
                queue::progress(&mut self.session.control, job, &progress)
            }
            (Some(job), None) if self.beaten.elapsed() > HEARTBEAT => {
                self.beaten = Instant::now();
                queue::heartbeat(&mut self.session.control, job)
            }
            _ => Ok(()),
        }
    }

    fn expects(&mut self, rows: u64) {
        self.progress.expects(rows);
    }

    fn control(&mut self) -> Option<&mut Connection> {
        Some(&mut self.session.control)
    }
}
