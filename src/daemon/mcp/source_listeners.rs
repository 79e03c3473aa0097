//! The MCP's sessions on the sources, where it hears kicks. A source that cannot be reached is
//! tried again with growing pauses, and nobody waits for it: connecting goes on beside everything
//! else.

use crate::control::channel;
use crate::daemon::process::backoff;
use crate::error::Result;
use crate::pg::connect::{Connecting, Purpose};
use crate::pg::{ConnInfo, Connection, Notification};
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::RawFd;
use std::time::{Duration, Instant};

/// All sources, by the name of their database.
#[derive(Default)]
pub(super) struct Sources {
    by_name: BTreeMap<String, Source>,
    /// The id of this installation, where it is known.
    installation: Option<String>,
}

struct Source {
    info: ConnInfo,
    syncs: BTreeSet<String>,
    /// The syncs for which the session listens. It may be some that nobody wants any more: to say
    /// so, we would have to wait for the server.
    heard: BTreeSet<String>,
    state: State,
    failures: u32,
    /// Why the last attempt failed.
    failure: String,
}

enum State {
    Waiting(Instant),
    Connecting(Box<Connecting>),
    Open(Box<Connection>),
}

impl Sources {
    /// Listens on these databases, for these syncs each. Sessions that are no longer wanted end;
    /// others stay.
    pub fn set(&mut self, wanted: BTreeMap<String, (ConnInfo, BTreeSet<String>)>, installation: Option<String>) {
        self.installation = installation;
        self.by_name.retain(|name, source| wanted.get(name).is_some_and(|(info, _)| *info == source.info));
        for (name, (info, syncs)) in wanted {
            match self.by_name.get_mut(&name) {
                Some(source) => source.want(syncs),
                None => {
                    let state = State::Waiting(Instant::now());
                    self.by_name
                        .insert(name, Source { info, syncs, heard: BTreeSet::new(), state, failures: 0, failure: String::new() });
                }
            }
        }
    }

    /// Why a source cannot be heard, if more than one attempt in a row has failed.
    pub fn failure(&self, name: &str) -> Option<String> {
        let source = self.by_name.get(name).filter(|source| source.failures > 1)?;
        Some(format!("source database \"{name}\" cannot be listened to: {}", source.failure))
    }

    /// What to wait on.
    pub fn fds(&self) -> Vec<RawFd> {
        self.by_name.values().filter_map(Source::fd).collect()
    }

    /// When something is to be done even if nothing comes.
    pub fn next(&mut self) -> Option<Instant> {
        self.by_name.values_mut().filter_map(Source::next).min()
    }

    /// Goes on with whatever can go on; returns the syncs that were kicked. A source that has just
    /// been reached kicks all its syncs.
    pub fn advance(&mut self) -> BTreeSet<String> {
        let installation = self.installation.as_deref();
        self.by_name.iter_mut().flat_map(|(name, source)| source.advance(name, installation)).collect()
    }
}

impl Source {
    fn fd(&self) -> Option<RawFd> {
        match &self.state {
            State::Waiting(_) => None,
            State::Connecting(connecting) => Some(connecting.fd()),
            State::Open(conn) => Some(conn.fd()),
        }
    }

    fn next(&mut self) -> Option<Instant> {
        match &mut self.state {
            State::Waiting(until) => Some(*until),
            State::Connecting(connecting) => Some(connecting.deadline()),
            // What the driver holds already, no poll sees.
            State::Open(conn) => conn.has_notifications().then(Instant::now),
        }
    }

    fn advance(&mut self, name: &str, installation: Option<&str>) -> Vec<String> {
        let outcome = match std::mem::replace(&mut self.state, State::Waiting(Instant::now())) {
            State::Waiting(until) if Instant::now() < until => {
                self.state = State::Waiting(until);
                Ok(Vec::new())
            }
            State::Waiting(_) => self.connect(),
            State::Connecting(connecting) => self.connected(*connecting, name),
            State::Open(conn) => self.hear(conn, installation),
        };
        outcome.unwrap_or_else(|error| {
            self.failures += 1;
            let pause = backoff::pause(self.failures).max(Duration::from_millis(200));
            if self.failures <= 2 {
                log::warn!("Warning! Source database \"{name}\" cannot be listened to: {error}");
            }
            self.failure = error.to_string();
            self.state = State::Waiting(Instant::now() + pause);
            Vec::new()
        })
    }

    fn connect(&mut self) -> Result<Vec<String>> {
        let channels = self.syncs.iter().map(|sync| channel::kick_sync(sync)).collect();
        self.state = State::Connecting(Box::new(Connecting::start_for(&self.info, Purpose::Listening(channels))?));
        self.heard = self.syncs.clone();
        Ok(Vec::new())
    }

    fn connected(&mut self, connecting: Connecting, name: &str) -> Result<Vec<String>> {
        let finished = !crate::pg::wait(&[connecting.fd()], Some(Duration::ZERO))?.timed_out();
        if !finished && Instant::now() < connecting.deadline() {
            self.state = State::Connecting(Box::new(connecting));
            return Ok(Vec::new());
        }
        let conn = connecting.finish()?;
        log::info!("Listening on source database \"{name}\" for {}", Vec::from_iter(self.syncs.iter().cloned()).join(", "));
        self.state = State::Open(Box::new(conn));
        self.failures = 0;
        // There may have been changes before anybody listened.
        Ok(self.syncs.iter().cloned().collect())
    }

    fn hear(&mut self, mut conn: Box<Connection>, installation: Option<&str>) -> Result<Vec<String>> {
        let heard = conn.next_notifications()?;
        self.state = State::Open(conn);
        Ok(kicked(&self.syncs, &heard, installation))
    }

    /// A sync for which nobody listens so far needs another session. Whatever comes meanwhile is
    /// made up for when that is there.
    fn want(&mut self, syncs: BTreeSet<String>) {
        if !syncs.is_subset(&self.heard) {
            self.state = State::Waiting(Instant::now());
        }
        self.syncs = syncs;
    }
}

/// The syncs of these that were kicked, by their triggers or by hand.
fn kicked(syncs: &BTreeSet<String>, heard: &[Notification], installation: Option<&str>) -> Vec<String> {
    let heard = heard.iter().filter(|notice| !channel::is_for_another(&notice.payload, installation));
    let channels: BTreeSet<&str> = heard.map(|notice| notice.channel.as_str()).collect();
    syncs.iter().filter(|sync| channels.contains(channel::kick_sync(sync).as_str())).cloned().collect()
}
