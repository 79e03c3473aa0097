//! What comes on the public channels of the control database: orders of users and their programs,
//! and, where PUBLIC may connect, whatever any role sends. The MCP hears it on a session of its own
//! on which nothing else runs, a little at a time, so that no flood fills its memory; and it obeys
//! only sessions that may give orders (see [`crate::control::access`]).

use crate::control::access;
use crate::daemon::process::launch::Launch;
use crate::daemon::process::role::Role;
use crate::error::Result;
use crate::pg::connect::{Connecting, Purpose};
use crate::pg::{Connection, Notification};
use std::collections::BTreeSet;
use std::os::fd::RawFd;
use std::time::{Duration, Instant};

/// How long a session is still heard after another has taken its place: what was sent just before
/// may be on its way to it.
const OVERLAP: Duration = Duration::from_secs(1);

/// How often the log tells at most that orders were not obeyed.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// See the module's text.
#[derive(Default)]
pub(super) struct PublicOrders {
    channels: BTreeSet<String>,
    session: Option<Connection>,
    former: Option<(Connection, Instant)>,
    complained: Option<Instant>,
    ignored: u64,
}

/// A notification, and whether its session may give orders.
pub(super) struct Heard {
    /// The notification.
    pub notice: Notification,
    /// Whether it counts.
    pub trusted: bool,
}

impl PublicOrders {
    /// LISTENs on these channels. Where they are others than before, in another session: in the one
    /// that is there, the answer to LISTEN would come behind a flood.
    pub fn listen(&mut self, channels: BTreeSet<String>, launch: &Launch) -> Result<()> {
        if self.session.is_some() && self.channels == channels {
            return Ok(());
        }
        let info = launch.control.named(Role::Mcp.application_name("listen"));
        let session = Connecting::start_for(&info, Purpose::Listening(channels.iter().cloned().collect()))?.finish()?;
        let former = self.session.replace(session);
        self.former = former.map(|former| (former, Instant::now() + OVERLAP));
        self.channels = channels;
        Ok(())
    }

    /// What has come, as far as it is looked at now.
    pub fn heard(&mut self, control: &mut Connection) -> Result<Vec<Heard>> {
        let mut notices = Vec::new();
        for session in self.sessions() {
            notices.extend(session.next_notifications()?);
        }
        self.former = self.former.take().filter(|(_, until)| Instant::now() < *until);
        if notices.is_empty() {
            return Ok(Vec::new());
        }
        let processes: BTreeSet<i32> = notices.iter().map(|notice| notice.pid).collect();
        let trusted = access::may_order(control, &Vec::from_iter(processes))?;
        Ok(notices.into_iter().map(|notice| Heard { trusted: trusted.contains(&notice.pid), notice }).collect())
    }

    /// An order that is not obeyed. It is told, but not as often as it comes.
    pub fn ignore(&mut self, notice: &Notification) {
        self.ignored += 1;
        if self.complained.is_some_and(|at| at.elapsed() < COMPLAIN_EVERY) {
            return;
        }
        self.complained = Some(Instant::now());
        log::warn!(
            "Warning! Not obeyed: NOTIFY {} of server process {}, which has ended or whose role may not write the control schema ({} so far). \
             PUBLIC may connect to the control database: `validate` tells how to close it",
            notice.channel,
            notice.pid,
            self.ignored
        );
    }

    /// What to wait on.
    pub fn fds(&self) -> Vec<RawFd> {
        self.session.iter().chain(self.former.iter().map(|(session, _)| session)).map(Connection::fd).collect()
    }

    /// When there is something to do even if nothing comes.
    pub fn next(&mut self) -> Option<Instant> {
        let waits = self.sessions().any(Connection::has_notifications);
        let until = self.former.as_ref().map(|(_, until)| *until);
        if waits { Some(Instant::now()) } else { until }
    }

    fn sessions(&mut self) -> impl Iterator<Item = &mut Connection> {
        self.former.iter_mut().map(|(session, _)| session).chain(&mut self.session)
    }
}
