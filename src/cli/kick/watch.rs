//! Watching one kicked sync until it is done.
//!
//! A kick must not take the end of an earlier run for its own. In one transaction it listens, takes
//! a number from the sequence of the queue, and sends the kick; every job made for it has a higher
//! number, and the notices of jobs carry theirs. Notices with that number or a smaller one are not
//! for us, and neither are those that the rows of the queue do not confirm.

use super::display::{Display, Event, Style};
use super::rows::Rows;
use super::verdict::End;
use crate::cli::answer::{self, Patience};
use crate::cli::sync_list::Listed;
use crate::cli::{Session, output, standstill};
use crate::control::channel;
use crate::error::{Error, Kind, Result};
use crate::pg::Connection;
use crate::pg::wait::Notification;
use crate::plain;
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// A worker's death is told for the target and then for the sync. The second may come a moment
/// after the first.
const SECOND_HALF: Duration = Duration::from_millis(200);

/// A kicked sync.
pub struct Watch {
    sync: String,
    events: BTreeMap<String, Event>,
    refusal: String,
    validated: String,
    younger_than: i64,
    rows: Rows,
    display: Display,
    patience: Patience,
    /// Somebody sees the timer move.
    watched: bool,
}

impl Watch {
    /// Kicks `sync`; from then on nothing about it is missed. 0 seconds means without limit.
    pub fn open(session: &mut Session, sync: &Listed, seconds: u64) -> Result<Watch> {
        let (display, first) = Display::open(&plain::line(&sync.name), style(session));
        let watched = style(session) == Style::Timer && std::io::stdout().is_terminal();
        let display = if session.dialect().newer { display.without_targets() } else { display };
        output::raw(&first);
        let (events, refusal, validated) = (events(sync), channel::sync_error(&sync.name), channel::validated(&sync.name));
        let younger_than = session.transaction(|session| {
            answer::listen(&mut session.control, events.keys().chain([&refusal, &validated]).map(String::as_str))?;
            let number = session.control.query_one("select nextval('bucardo.q_id_seq')", &[])?.get(0);
            answer::notify(&mut session.control, &channel::kick_sync(&sync.name))?;
            Ok(number)
        })?;
        let rows = Rows::new(&mut session.control, &sync.name, younger_than);
        let patience = Patience::new(seconds);
        Ok(Watch { sync: sync.name.clone(), events, refusal, validated, younger_than, rows, display, patience, watched })
    }

    /// Waits for the end, showing what happens.
    pub fn end(&mut self, session: &mut Session) -> Result<End> {
        loop {
            let heard = answer::arrivals(&mut session.control, self.next())?;
            self.patience.heard(!heard.is_empty());
            let aside = self.progress(&mut session.control)?;
            output::raw(&self.display.tick(self.patience.elapsed().as_secs(), &plain::line(&aside)));
            if answer::has_started(&heard) {
                answer::notify(&mut session.control, &channel::kick_sync(&self.sync))?;
            }
            if heard.iter().any(|notification| notification.channel == self.refusal) {
                return Err(standstill::error(session, &self.sync)?.unwrap_or_else(|| refused(&self.sync)));
            }
            match self.hear(&mut session.control, heard)? {
                Some(Event::TargetKilled(_)) => {
                    let end = self.second_half(&mut session.control)?;
                    self.tell_why(session)?;
                    return Ok(end);
                }
                Some(Event::Killed) => {
                    self.tell_why(session)?;
                    return Ok(End::Killed);
                }
                Some(event) => return Ok(End::of(&event).unwrap_or(End::Done)),
                None if self.patience.is_over(&mut session.control)? => return Ok(End::TimedOut),
                None => {}
            }
        }
    }

    /// How far the daemon is, for people only: what programs read stays as it always was.
    fn progress(&self, control: &mut Connection) -> Result<String> {
        if !self.watched {
            return Ok(String::new());
        }
        let sql = "select progress from bucardo.q where sync = $1 and ended is null and aborted is null and progress is not null \
            order by id desc limit 1";
        Ok(control.query_opt(sql, &[&self.sync])?.map(|row| row.get(0)).unwrap_or_default())
    }

    /// Shows what was heard together, the word for the end behind all others; the last event that
    /// ends the wait as result.
    fn hear(&mut self, control: &mut Connection, heard: Vec<Notification>) -> Result<Option<Event>> {
        let mut last = None;
        for event in self.ours(control, heard)? {
            if !event.is_word_for_the_end() {
                output::raw(&self.display.tell(&event));
            }
            last = if End::of(&event).is_some() { Some(event) } else { last };
        }
        if let Some(event) = last.as_ref().filter(|event| event.is_word_for_the_end()) {
            output::raw(&self.display.tell(event));
        }
        Ok(last)
    }

    /// The events among what was heard that answer this kick.
    fn ours(&self, control: &mut Connection, heard: Vec<Notification>) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        for notification in heard {
            if notification.channel == self.validated {
                self.must_be_valid(control)?;
            }
            let Some(event) = self.events.get(&notification.channel) else { continue };
            if self.is_ours(control, &notification.payload)? && self.rows.confirm(control, &self.sync, event)? {
                events.push(event.clone());
            }
        }
        Ok(events)
    }

    /// A sync that does not fit its databases is not run, so nothing else would end the wait.
    fn must_be_valid(&self, control: &mut Connection) -> Result<()> {
        unfit(control, &self.sync)?.map_or(Ok(()), Err)
    }

    /// Whether a notice answers this kick: whether it names a younger job, unless that is another
    /// sync's: to the target `x` of sync `a` belongs the same channel as to the sync `a_x`.
    fn is_ours(&self, control: &mut Connection, payload: &str) -> Result<bool> {
        let Ok(job) = payload.parse::<i64>() else { return Ok(false) };
        if job <= self.younger_than {
            return Ok(false);
        }
        let row = control.query_opt("select sync from bucardo.q where id = $1", &[&job])?;
        let owner: Option<String> = row.and_then(|row| row.get(0));
        Ok(owner.is_none_or(|owner| owner == self.sync))
    }

    /// After the death of a target's worker: the notice for the whole sync, if it comes at once.
    fn second_half(&mut self, control: &mut Connection) -> Result<End> {
        let heard = answer::arrivals(control, Instant::now().checked_add(SECOND_HALF))?;
        self.hear(control, heard)?;
        Ok(End::Killed)
    }

    /// The newer dialect tells why a run died, also when it is quiet.
    fn tell_why(&self, session: &mut Session) -> Result<()> {
        if !session.dialect().newer {
            return Ok(());
        }
        let sql = "select started::text, coalesce(ended, aborted)::text, whydie from bucardo.q \
            where sync = $1 and aborted is not null and id > $2 order by id desc limit 1";
        if let Some(row) = session.control.query_opt(sql, &[&self.sync, &self.younger_than])? {
            let text = |at: usize| row.get::<_, Option<String>>(at).unwrap_or_default();
            let why = text(2).trim_end().replace('\n', "\n      ");
            // Where there is no line to end, whoever called does not end one after us either.
            let (before, after) = if session.options.quiet { ("", "\n") } else { ("\n", "") };
            output::text(format_args!("{before}  Started: {}\n  Ended: {}\n    Failed : {why}{after}", text(0), text(1)));
        }
        Ok(())
    }

    /// Why jobs failed that this kick has started.
    pub fn reasons(&self, session: &mut Session) -> Result<Vec<String>> {
        reasons(&mut session.control, &self.sync, self.younger_than)
    }

    /// The next whole second, at which the timer moves, or the end of the patience.
    fn next(&self) -> Option<Instant> {
        let elapsed = self.patience.elapsed();
        let tick = Instant::now().checked_add(Duration::from_secs(elapsed.as_secs() + 1).saturating_sub(elapsed));
        tick.min(self.patience.next().or(tick))
    }
}

/// The channels that tell of a sync, and what each means.
fn events(sync: &Listed) -> BTreeMap<String, Event> {
    let targets = sync.targets.iter().flat_map(|target| {
        let (done, killed) = (Event::TargetDone(target.clone()), Event::TargetKilled(target.clone()));
        [(channel::target_done(&sync.name, target), done), (channel::target_killed(&sync.name, target), killed)]
    });
    let whole = [(channel::sync_done(&sync.name), Event::Done), (channel::sync_killed(&sync.name), Event::Killed)];
    targets.chain(whole).collect()
}

fn style(session: &Session) -> Style {
    match (session.options.quiet, session.options.notimer) {
        (true, _) => Style::Quiet,
        (false, true) => Style::Words,
        (false, false) => Style::Timer,
    }
}

/// A sentence for each target whose last job has failed, among jobs younger than this one.
pub fn reasons(control: &mut Connection, sync: &str, younger_than: i64) -> Result<Vec<String>> {
    let rows = control.query(include_str!("reasons.sql"), &[&sync, &younger_than])?;
    let text = |row: &postgres::Row, at: usize| row.get::<_, Option<String>>(at).unwrap_or_default();
    let sentence = |row: &postgres::Row| {
        let why = text(row, 1).trim_end().replace('\n', "\n  ");
        format!("sync \"{sync}\" failed for database \"{}\": {why}", text(row, 0))
    };
    Ok(rows.iter().map(sentence).collect())
}

/// Why a sync does not run that was looked at and found not to fit its databases.
pub fn unfit(control: &mut Connection, sync: &str) -> Result<Option<Error>> {
    let row = control.query_opt("select outcome from bucardo.validation where sync = $1 and not ok", &[&sync])?;
    Ok(row.map(|row| {
        let outcome: Option<String> = row.get(0);
        let what = format!("the daemon cannot run sync \"{sync}\": {}", outcome.as_deref().unwrap_or("it is not valid"));
        Error::new(Kind::Refused, what).hint(format!("`validate {sync}` looks again"))
    }))
}

fn refused(sync: &str) -> Error {
    let what = format!("the daemon cannot run sync \"{sync}\": it does not know it, or does not run it at present");
    Error::new(Kind::Refused, what)
        .hint(format!("`activate {sync}` and `reload {sync}` make it known; the daemon's log tells more"))
}
