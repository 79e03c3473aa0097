//! Asking the running daemon for something and waiting for its answer: both are NOTIFYs in the
//! control database, on the channels of the original or, where PUBLIC may connect, on private ones,
//! which other roles can neither flood nor forge.

use crate::control::access;
use crate::control::channel::MCP_HEARS;
use crate::control::presence::{Presence, presence};
use crate::error::{Error, Kind, Result};
use crate::pg::wait::{Notification, wait};
use crate::pg::{Connection, Ident};
use crate::warn_user;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// "Are you there?" and its answer.
const PING: &str = "bucardo_mcp_ping";
const PONG: &str = "bucardo_mcp_pong";

/// What a daemon says when it is ready. Requests sent before have not reached it; nor have, before
/// [`MCP_HEARS`], those about a sync that is new.
const STARTED: &str = "bucardo_started";

/// In a wait without limit, how often the daemon is asked whether it is still there.
const ASK: Duration = Duration::from_secs(10);

/// How long it may owe any sign of life before such a wait is given up: several times what a
/// restart takes.
const SILENCE: Duration = Duration::from_secs(60);

/// Listens to `answers` and to signs of life, and to nothing else. When this is to be one
/// transaction with the request, begin one before.
pub fn listen<'a>(control: &mut Connection, answers: impl IntoIterator<Item = &'a str>) -> Result<()> {
    let secret = access::secret_for_commands(control)?;
    let channel = |name: &str| secret.as_ref().map_or_else(|| name.to_owned(), |secret| secret.channel(name));
    let names: HashMap<String, String> =
        answers.into_iter().chain([PONG, STARTED, MCP_HEARS]).map(|name| (channel(name), name.to_owned())).collect();
    let listens: String = names.keys().map(|channel| format!("; listen {}", Ident::new(channel.as_str()))).collect();
    control.batch(&format!("unlisten *{listens}"))?;
    control.rename_channels(names);
    Ok(())
}

/// Sends a request without payload.
pub fn notify(control: &mut Connection, channel: &str) -> Result<()> {
    notify_with(control, channel, "")
}

/// Sends a request.
pub fn notify_with(control: &mut Connection, channel: &str, payload: &str) -> Result<()> {
    let secret = access::secret_for_commands(control)?;
    let channel = secret.map_or_else(|| channel.to_owned(), |secret| secret.channel(channel));
    control.execute("select pg_notify($1, $2)", &[&channel, &payload])?;
    Ok(())
}

/// Sends `request` and waits for `answer`; `Ok(None)` when there was none within the limit.
pub fn ask(control: &mut Connection, request: &str, answer: &str, patience: Patience) -> Result<Option<Notification>> {
    ask_any(control, request, &[answer], patience)
}

/// The same where one of several answers will come.
pub fn ask_any(
    control: &mut Connection,
    request: &str,
    answers: &[&str],
    mut patience: Patience,
) -> Result<Option<Notification>> {
    listen(control, answers.iter().copied())?;
    notify(control, request)?;
    loop {
        let heard = arrivals(control, patience.next())?;
        patience.heard(!heard.is_empty());
        if has_started(&heard) {
            notify(control, request)?;
        }
        if let Some(found) = heard.into_iter().find(|notification| answers.contains(&notification.channel.as_str())) {
            return Ok(Some(found));
        }
        if patience.is_over(control)? {
            return Ok(None);
        }
    }
}

/// Seconds within which the daemon takes an order. One that serves does so at once; one that comes
/// back after trouble with the control database takes longer.
pub const TAKES: u64 = 10;

/// Sends requests that are not answered, and waits until the daemon has taken them: it answers a
/// ping, and takes what is sent in the order in which it came. False when it did not in time.
pub fn send(control: &mut Connection, requests: &[(&str, &str)]) -> Result<bool> {
    listen(control, [])?;
    let order = |control: &mut Connection| -> Result<()> {
        requests.iter().try_for_each(|(channel, payload)| notify_with(control, channel, payload))?;
        notify(control, PING)
    };
    order(control)?;
    let mut patience = Patience::new(TAKES);
    loop {
        let heard = arrivals(control, patience.next())?;
        if has_started(&heard) {
            order(control)?;
        } else if heard.iter().any(|notification| notification.channel == PONG) {
            return Ok(true);
        }
        if patience.is_over(control)? {
            return Ok(false);
        }
    }
}

/// Says that the daemon has not taken an order.
pub fn not_taken(prog: &str, what: &str) {
    warn_user!("No answer within {TAKES} seconds from the daemon: {what} may be lost");
    warn_user!("HINT: To see whether a daemon runs, run: {prog} status");
}

/// Whether there is a new daemon, or one that has just learned what a request is about, to whom the
/// request must be repeated.
pub fn has_started(heard: &[Notification]) -> bool {
    heard.iter().any(|notification| [STARTED, MCP_HEARS].contains(&notification.channel.as_str()))
}

/// What has been sent to us, as soon as there is something, at the latest `until` then.
pub fn arrivals(control: &mut Connection, until: Option<Instant>) -> Result<Vec<Notification>> {
    let heard = control.drain_notifications()?;
    if !heard.is_empty() {
        return Ok(heard);
    }
    wait(&[control.fd()], until.map(|until| until.saturating_duration_since(Instant::now())))?;
    control.drain_notifications()
}

/// How long to wait. Without a limit it lasts as long as there is a daemon: an answer that can
/// never come must not hang a script for ever, and a daemon that is only restarting must not end
/// the wait.
///
/// "There is a daemon" means: it has answered anything at all within the last minute, or the
/// control database shows one that serves. A restart takes seconds.
pub struct Patience {
    started: Instant,
    limit: Option<Duration>,
    needs_daemon: bool,
    vigil: LivenessTimer,
}

impl Patience {
    /// Starts to wait. 0 seconds means without limit.
    pub fn new(seconds: u64) -> Patience {
        let limit = (seconds > 0).then(|| Duration::from_secs(seconds));
        Patience { started: Instant::now(), limit, needs_daemon: true, vigil: LivenessTimer::default() }
    }

    /// Without a limit, waits for a daemon that is yet to come, too.
    pub fn even_without_daemon(self) -> Patience {
        Patience { needs_daemon: false, ..self }
    }

    /// Since the beginning.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// When to look again, although nothing came.
    pub fn next(&self) -> Option<Instant> {
        self.started.checked_add(self.limit.unwrap_or_else(|| self.vigil.next()))
    }

    /// Takes note of a sign of life. Only the daemon sends what we listen to.
    pub fn heard(&mut self, anything: bool) {
        if anything {
            self.vigil.heard = self.elapsed();
        }
    }

    /// Whether the limit is reached. Without a limit, a daemon that is gone for good is an error.
    pub fn is_over(&mut self, control: &mut Connection) -> Result<bool> {
        let now = self.elapsed();
        if let Some(limit) = self.limit {
            return Ok(now >= limit);
        }
        match self.vigil.step(now) {
            Step::Wait => {}
            Step::Ask => notify(control, PING)?,
            Step::GiveUp if !self.needs_daemon => self.heard(true),
            Step::GiveUp => match presence(control)? {
                Presence::Absent(_) => return Err(no_daemon()),
                Presence::Serves(_) | Presence::Awaited => self.heard(true),
            },
        }
        Ok(false)
    }
}

fn no_daemon() -> Error {
    let what = format!("No Bucardo daemon has answered for {} seconds", SILENCE.as_secs());
    Error::new(Kind::Timeout, what)
        .hint("`start` starts one; the request is lost, but a starting daemon looks for changes by itself")
}

/// When to ask for a sign of life and when to give up, in times since the beginning.
#[derive(Debug, Default)]
struct LivenessTimer {
    heard: Duration,
    asked: Duration,
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Wait,
    Ask,
    GiveUp,
}

impl LivenessTimer {
    fn next(&self) -> Duration {
        (self.heard + SILENCE).min(self.asked + ASK)
    }

    fn step(&mut self, now: Duration) -> Step {
        if now >= self.heard + SILENCE {
            return Step::GiveUp;
        }
        if now < self.asked + ASK {
            return Step::Wait;
        }
        self.asked = now;
        Step::Ask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(vigil: &mut LivenessTimer, seconds: u64) -> Step {
        vigil.step(Duration::from_secs(seconds))
    }

    #[test]
    fn a_silent_daemon_is_asked_every_ten_seconds_and_given_up_after_sixty() {
        let mut vigil = LivenessTimer::default();
        let steps: Vec<_> = (1..=60).map(|second| at(&mut vigil, second)).collect();
        assert_eq!(steps.iter().filter(|step| **step == Step::Ask).count(), 5);
        assert_eq!((&steps[9], &steps[10], &steps[58], &steps[59]), (&Step::Ask, &Step::Wait, &Step::Wait, &Step::GiveUp));
    }

    #[test]
    fn any_answer_starts_the_silence_anew() {
        let mut vigil = LivenessTimer::default();
        assert_eq!(at(&mut vigil, 50), Step::Ask);
        vigil.heard = Duration::from_secs(50);
        assert_eq!(at(&mut vigil, 109), Step::Ask);
        assert_eq!(vigil.next(), Duration::from_secs(110));
        assert_eq!(at(&mut vigil, 110), Step::GiveUp);
    }
}
