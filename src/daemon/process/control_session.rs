//! What every process of the daemon sits at: its session on the control database, its signals, its
//! orders.

use crate::control::access;
use crate::control::private::ChannelSecret;
use crate::daemon::process::launch::Launch;
use crate::daemon::process::role::Role;
use crate::daemon::process::signals::Signals;
use crate::error::Result;
use crate::pg::{Connection, Ident, Notification, wait};
use std::collections::{HashMap, HashSet};
use std::os::fd::RawFd;
use std::time::Instant;

/// See the module's text.
pub struct ControlSession {
    /// The session on the control database.
    pub control: Connection,
    /// The signals.
    pub signals: Signals,
    secret: ChannelSecret,
    /// Whether only roles come into the control database that the owner has let in.
    closed: bool,
}

/// A session that is prepared; see [`ControlSession::prepared`].
pub struct Prepared {
    control: Connection,
    secret: ChannelSecret,
    closed: bool,
}

impl ControlSession {
    /// Opens the session.
    pub fn open(launch: &Launch, role: &Role, signals: Signals) -> Result<ControlSession> {
        let control = Connection::open(&launch.control.named(role.application_name("control")))?;
        Ok(ControlSession::at(ControlSession::prepared(control)?, signals))
    }

    /// With a session that is prepared.
    pub fn at(prepared: Prepared, signals: Signals) -> ControlSession {
        let Prepared { control, secret, closed } = prepared;
        ControlSession { control, signals, secret, closed }
    }

    /// Prepares a session that is open already. What q says may be lost in a crash of the control
    /// database: the receipts in the targets are the truth.
    pub fn prepared(mut control: Connection) -> Result<Prepared> {
        control.batch(
            "set synchronous_commit = off; set statement_timeout = 0; set idle_in_transaction_session_timeout = 0; \
             set default_transaction_read_only = off; set default_transaction_isolation = 'read committed'",
        )?;
        let secret = ChannelSecret::make(&mut control)?;
        let closed = !access::is_open(&mut control)?;
        Ok(Prepared { control, secret, closed })
    }

    /// Leaves the session; only the signals stay.
    pub fn into_signals(self) -> Signals {
        self.signals
    }

    /// LISTENs on the private channels of these and on no others. In one transaction, so that
    /// nothing is missed on those that stay. The names in `public` are those of the original that
    /// only daemons listen to: in a closed control database they are heard, too.
    pub fn listen(&mut self, private: &[String], public: &[String]) -> Result<()> {
        let names: HashMap<String, String> = private.iter().map(|name| (self.secret.channel(name), name.clone())).collect();
        let public = if self.closed { public } else { &[] };
        let channels = names.keys().chain(public);
        let listen: String = channels.map(|channel| format!("; listen {}", Ident::new(channel.as_str()))).collect();
        self.control.batch(&format!("unlisten *{listen}"))?;
        self.control.rename_channels(names);
        Ok(())
    }

    /// NOTIFYs another process of the daemon, on the private channel.
    pub fn notify(&mut self, channel: &str, payload: &str) -> Result<()> {
        let notify = self.control.prepare_cached("select pg_notify($1, $2)")?;
        self.control.execute(&notify, &[&self.secret.channel(channel), &payload])?;
        Ok(())
    }

    /// NOTIFYs whatever listens, on the public channel and on the private one.
    pub fn announce(&mut self, channel: &str, payload: &str) -> Result<()> {
        let notify = self.control.prepare_cached("select pg_notify($1, $2), pg_notify($3, $2)")?;
        self.control.execute(&notify, &[&channel, &payload, &self.secret.channel(channel)])?;
        Ok(())
    }

    /// What has come on the control database. Of what came several times only the last is told:
    /// what is done now answers all of them.
    pub fn heard(&mut self) -> Result<Vec<Notification>> {
        let mut heard = self.control.drain_notifications()?;
        let mut known = HashSet::new();
        heard.reverse();
        heard.retain(|notice| known.insert((notice.channel.clone(), notice.payload.clone())));
        heard.reverse();
        Ok(heard)
    }

    /// Sleeps until something comes: on the control database, by a signal, on one of `others`, or
    /// the time `until`. What came while statements ran is there already, and then there is no
    /// sleep. Says whether SIGHUP came; the log is opened anew by that.
    pub fn sleep(&mut self, others: &[RawFd], until: Option<Instant>) -> Result<bool> {
        if !self.control.has_notifications() && !self.signals.pending() {
            let fds = [&[self.control.fd(), self.signals.fd()], others].concat();
            wait(&fds, until.map(|until| until.saturating_duration_since(Instant::now())))?;
        }
        self.signals.drain();
        let hangup = self.signals.hangup();
        if self.signals.reopen() || hangup {
            crate::notice::log::reopen();
        }
        Ok(hangup)
    }
}
