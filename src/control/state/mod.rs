//! What a sync is doing, and whether that is bad: decided here, once, for everything that shows it
//! or judges it.
//!
//! [`Facts`] are read by [`load()`]; what follows from them is pure. Earlier states win: a sync
//! that is off is off whether a daemon runs or not, and one that is paused has no other trouble
//! that anybody would have to see to now. That no daemon runs is critical whatever the state.

mod load;
mod standstill;

use crate::control::joining::Joining;
pub use load::{load, outdated};
pub use standstill::Standstill;
use std::collections::BTreeMap;

/// Everything from which the state of a sync follows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// No daemon serves the control database.
    pub stopped: bool,
    /// `sync.status` is `active`.
    pub active: bool,
    /// The source database that is not active, if it is not.
    pub source_off: Option<String>,
    /// None of its targets is active.
    pub lacks_target: bool,
    /// The targets that are not active, and what waits for each.
    pub left_alone: Vec<LeftAlone>,
    /// Seconds since it was paused.
    pub paused: Option<i64>,
    /// What the running daemon was told; it goes before `sync.status`.
    pub asked: Option<Asked>,
    /// Why the daemon does not run it although it should.
    pub trouble: Option<Trouble>,
    /// Why a target failed when it was tried last.
    pub failing: Option<String>,
    /// Each target that failed is being tried again; else one waits for that.
    pub tried_again: bool,
    /// The job that runs or, if none does, that waits.
    pub job: Option<Job>,
    /// Gaps that are not evened out.
    pub gaps: i64,
    /// Tables and sequences of its herd that it does not carry.
    pub left_out: Vec<Joining>,
    /// Whole tables are copied, and changes are not captured.
    pub copies_all: bool,
    /// Changes are worked on as they come; else only when a kick asks for it, or by `checktime`.
    pub listens: bool,
    /// Seconds after which changes that nothing works on are an alarm (setting `waiting_alarm`); 0
    /// is never.
    pub patience: i64,
    /// Seconds since the end of the newest good run.
    pub good: Option<i64>,
    /// Seconds after which it runs although nothing changes.
    pub checktime: Option<i64>,
    /// Seconds that changes may wait; 0 is no limit.
    pub overdue: i64,
    /// The same; louder.
    pub expired: i64,
    /// Changes on the sources that some target does not have.
    pub waiting: Waiting,
}

/// What a command told the daemon, until it is restarted or reloads all syncs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// To run the sync, whatever its status is.
    Activate,
    /// To leave it alone.
    Deactivate,
    /// Nothing yet: it was added while the daemon ran.
    Added,
}

/// Why the daemon does not run a sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What hinders it.
    pub hindrance: Hindrance,
    /// The reason.
    pub reason: String,
}

/// What keeps a sync from running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hindrance {
    /// It was looked at and does not fit its databases.
    Invalid,
    /// It is to be looked at, and that fails.
    NotValidated,
    /// Its controller fails.
    Controller,
    /// Changes on a source cannot be heard.
    Source,
}

/// A job of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// It waits for a worker.
    Waits,
    /// It waits for a connection, to what these words say.
    LacksConnection(String),
    /// Changes are carried.
    Runs,
    /// Whole tables are copied.
    Copies,
}

/// How many changes wait on the sources.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Waiting {
    /// The sources were not asked.
    #[default]
    NotAsked,
    /// They did not answer.
    Unknown(String),
    /// So many.
    Known(Backlog),
}

/// A target that is not active, whose changes are kept until it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftAlone {
    /// The database.
    pub db: String,
    /// What waits for it.
    pub waiting: Waiting,
}

/// Changes that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// How many.
    pub changes: i64,
    /// There are more: counting ended there.
    pub more: bool,
    /// Seconds since the oldest was made.
    pub oldest: i64,
}

/// What a sync is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// No daemon serves the control database.
    Stopped,
    /// It does not run, because its status or a command says so.
    Off,
    /// It is paused.
    Paused,
    /// It cannot run: it does not fit its databases.
    Invalid,
    /// Something failed and will be tried again.
    Stalled,
    /// Whole tables are copied.
    Copying,
    /// Changes are carried.
    Running,
    /// A job waits for a worker.
    Queued,
    /// There is nothing to do, or no kick has asked for it.
    Idle,
}

impl State {
    /// The word for programs.
    pub fn word(self) -> &'static str {
        match self {
            State::Stopped => "stopped",
            State::Off => "off",
            State::Paused => "paused",
            State::Invalid => "invalid",
            State::Stalled => "stalled",
            State::Copying => "copying",
            State::Running => "running",
            State::Queued => "queued",
            State::Idle => "idle",
        }
    }
}

/// How much attention a sync needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Not at all.
    Fine,
    /// Soon.
    Warning,
    /// Now.
    Critical,
}

/// How long changes have waited, against the limits of the sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lateness {
    /// Within the limits, or there are none.
    Fine,
    /// There is a limit, and no telling whether it is passed.
    Unknown,
    /// Longer than `overdue`.
    Overdue,
    /// Longer than `expired`.
    Expired,
}

impl Waiting {
    /// How many changes are known to wait.
    pub fn changes(&self) -> i64 {
        match self {
            Waiting::Known(backlog) => backlog.changes,
            _ => 0,
        }
    }
}

impl Facts {
    /// Takes what the sources said: what waits for the targets that run, and for the others.
    pub fn hear(&mut self, waiting: Waiting, mut left_alone: BTreeMap<String, Waiting>) {
        self.waiting = waiting;
        for one in &mut self.left_alone {
            one.waiting = left_alone.remove(&one.db).unwrap_or_default();
        }
    }

    /// Whether the sync is to run, paused or not.
    pub fn is_on(&self) -> bool {
        let told = self.asked.filter(|_| !self.stopped);
        let wanted = told.map_or(self.active, |asked| asked == Asked::Activate);
        wanted && self.source_off.is_none()
    }

    /// What it is doing.
    pub fn state(&self) -> State {
        if !self.is_on() {
            return State::Off;
        }
        if self.stopped {
            return State::Stopped;
        }
        if self.paused.is_some() {
            return State::Paused;
        }
        if self.lacks_target {
            return State::Invalid;
        }
        match (&self.trouble, &self.failing, &self.job) {
            (Some(trouble), ..) if trouble.hindrance == Hindrance::Invalid => State::Invalid,
            (Some(_), ..) => State::Stalled,
            (_, Some(_), _) if !self.tried_again => State::Stalled,
            (.., Some(Job::Copies)) => State::Copying,
            (.., Some(Job::Runs)) => State::Running,
            (.., Some(Job::Waits | Job::LacksConnection(_))) => State::Queued,
            (.., None) => State::Idle,
        }
    }

    /// Whether changes have waited too long. Quiet is no lateness: where changes are captured, only
    /// those count that wait, and runs that `checktime` asked for. Where they are not, or the
    /// sources do not answer, it is the time since the last good run.
    pub fn lateness(&self) -> Lateness {
        let limits = [(self.expired, Lateness::Expired), (self.overdue, Lateness::Overdue)];
        let passed = |late: i64| limits.iter().find(|(limit, _)| *limit > 0 && late > *limit).map(|(_, lateness)| *lateness);
        match self.late() {
            Some(late) => passed(late).unwrap_or(Lateness::Fine),
            None if self.expired > 0 => Lateness::Unknown,
            None => Lateness::Fine,
        }
    }

    /// For how many seconds something has waited; none if that cannot be told.
    pub fn late(&self) -> Option<i64> {
        let Waiting::Known(backlog) = &self.waiting else { return self.good };
        if self.copies_all {
            return self.good;
        }
        let missed = self.checktime.zip(self.good).map_or(0, |(checktime, good)| good - checktime);
        let waits = if backlog.changes > 0 { backlog.oldest } else { 0 };
        Some(waits.max(missed).max(0))
    }

    /// Whether changes are known to be missing, or something of its herd is not carried.
    pub fn is_incomplete(&self) -> bool {
        self.gaps > 0 || !self.left_out.is_empty()
    }

    /// Whether the newest try of a target failed, and none has succeeded since.
    pub fn is_failing(&self) -> bool {
        self.failing.is_some() && self.is_on() && !self.stopped && self.paused.is_none()
    }

    /// How much attention it needs. What was paused or switched off on purpose does only when
    /// changes wait or are missing.
    pub fn level(&self) -> Level {
        match self.state() {
            _ if self.stopped => Level::Critical,
            State::Off | State::Paused if self.has_none_waiting() && !self.is_incomplete() => Level::Fine,
            _ if self.lateness() == Lateness::Expired => Level::Critical,
            State::Stopped => Level::Critical,
            State::Off | State::Paused | State::Invalid | State::Stalled => Level::Warning,
            _ if self.lateness() == Lateness::Overdue => Level::Warning,
            _ if self.is_failing() || self.is_incomplete() || self.lacks_connection().is_some() || self.is_neglected() => {
                Level::Warning
            }
            _ if self.keeps_changes() => Level::Warning,
            State::Copying | State::Running | State::Queued | State::Idle => Level::Fine,
        }
    }

    /// Whether changes are kept for targets that are not active.
    fn keeps_changes(&self) -> bool {
        self.left_alone.iter().any(|one| one.waiting.changes() > 0)
    }

    /// Whether changes wait that should be worked on, and are not.
    fn is_neglected(&self) -> bool {
        let expected = match self.state() {
            State::Idle => self.listens,
            State::Queued => true,
            _ => false,
        };
        expected && self.have_waited_long()
    }

    fn have_waited_long(&self) -> bool {
        let long = |seconds: i64| self.patience > 0 && seconds >= self.patience;
        match &self.waiting {
            Waiting::Known(backlog) => backlog.changes > 0 && long(backlog.oldest),
            Waiting::Unknown(_) => self.paused.is_some_and(long),
            Waiting::NotAsked => false,
        }
    }

    /// What a mail is to tell of, in a word. Failures of processes, gaps and what does not fit have
    /// mails of their own, when they are found.
    pub fn alarm(&self) -> Option<&'static str> {
        let of_lateness = match self.lateness() {
            Lateness::Expired => Some("expired"),
            Lateness::Overdue => Some("overdue"),
            Lateness::Fine | Lateness::Unknown => None,
        };
        match self.state() {
            State::Stopped => None,
            State::Off | State::Paused if self.has_none_waiting() => None,
            _ if of_lateness.is_some() => of_lateness,
            State::Off if self.have_waited_long() => Some("off"),
            State::Paused if self.have_waited_long() => Some("paused"),
            State::Stalled if self.trouble.as_ref().is_some_and(|it| it.hindrance == Hindrance::Source) => Some("source"),
            _ if self.is_neglected() => Some("waiting"),
            _ => None,
        }
    }

    /// Whether no change waits. Where changes are not captured there are none that could, and where
    /// a sync is off for good its source may be gone for good, too.
    fn has_none_waiting(&self) -> bool {
        match &self.waiting {
            Waiting::Known(backlog) => backlog.changes == 0,
            Waiting::NotAsked => true,
            Waiting::Unknown(_) => self.copies_all || !self.is_on() && !self.active,
        }
    }

    /// Why it is in this state, in one line; none where that is no question.
    pub fn reason(&self) -> Option<String> {
        match self.state() {
            State::Off => self.why_off().or_else(|| self.why_incomplete()),
            State::Paused => self.paused.map(|_| "paused by command: `resume` lets it go on".to_owned()),
            State::Invalid | State::Stalled => {
                let trouble = self.trouble.as_ref().map(|trouble| &trouble.reason);
                let lacks_target = "it has no active target database".to_owned();
                let found = trouble.or(self.failing.as_ref()).map(|reason| first_line(reason));
                found.filter(|_| !self.lacks_target || self.trouble.is_some()).or(self.lacks_target.then_some(lacks_target))
            }
            State::Queued | State::Copying | State::Running | State::Idle if self.failing.is_some() => {
                self.failing.as_deref().map(first_line)
            }
            State::Queued if self.lacks_connection().is_some() => {
                self.lacks_connection().map(|to| format!("waits for a connection to {to}"))
            }
            State::Idle | State::Queued if self.is_neglected() => Some("changes wait, and nothing works on them".to_owned()),
            State::Stopped | State::Queued | State::Copying | State::Running | State::Idle => self.why_incomplete(),
        }
    }

    /// To what its job lacks a connection.
    fn lacks_connection(&self) -> Option<&str> {
        match &self.job {
            Some(Job::LacksConnection(to)) => Some(to),
            _ => None,
        }
    }

    fn why_incomplete(&self) -> Option<String> {
        if let Some(first) = self.left_out.first() {
            let more = self.left_out.len() - 1;
            let others = if more > 0 { format!(" (and {more} more)") } else { String::new() };
            return Some(first_line(&first.to_string()) + &others);
        }
        if self.gaps > 0 {
            return Some("changes are known to be missing: `status` with its name tells which".to_owned());
        }
        let kept_for = self.left_alone.iter().find(|one| one.waiting.changes() > 0)?;
        Some(format!("database \"{}\" is not active: changes wait for it", kept_for.db))
    }

    fn why_off(&self) -> Option<String> {
        if let Some(source) = &self.source_off {
            return Some(format!("its source database \"{source}\" is not active"));
        }
        match self.asked.filter(|_| self.active && !self.stopped) {
            Some(Asked::Deactivate) => {
                Some("deactivated by command, until the daemon is restarted: `activate` lets it run".to_owned())
            }
            Some(Asked::Added) => Some("added while the daemon runs: `activate` or `reload` lets it run".to_owned()),
            _ if !self.active && self.waiting.changes() > 0 => {
                Some("its status is inactive: `update sync` with status=active lets it run".to_owned())
            }
            _ => None,
        }
    }
}

/// The first line of a text that says something, and whether there are more.
fn first_line(text: &str) -> String {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::Relation;

    fn on() -> Facts {
        Facts { active: true, waiting: Waiting::Known(Backlog::default()), ..Facts::default() }
    }

    fn waiting(changes: i64, oldest: i64) -> Waiting {
        Waiting::Known(Backlog { changes, more: false, oldest })
    }

    fn trouble(hindrance: Hindrance) -> Option<Trouble> {
        Some(Trouble { hindrance, reason: "\n no key\nat all".to_owned() })
    }

    #[test]
    fn each_state_needs_what_it_says() {
        let of = |facts: Facts| (facts.state(), facts.level());
        assert_eq!(of(on()), (State::Idle, Level::Fine));
        assert_eq!(of(Facts { job: Some(Job::Runs), ..on() }), (State::Running, Level::Fine));
        assert_eq!(of(Facts { job: Some(Job::Copies), ..on() }), (State::Copying, Level::Fine));
        assert_eq!(of(Facts { job: Some(Job::Waits), ..on() }), (State::Queued, Level::Fine));
        assert_eq!(
            of(Facts { job: Some(Job::LacksConnection("database \"B\"".to_owned())), ..on() }),
            (State::Queued, Level::Warning)
        );
        assert_eq!(of(Facts { failing: Some("x".to_owned()), job: Some(Job::Runs), ..on() }), (State::Stalled, Level::Warning));
        let again = Facts { failing: Some("x".to_owned()), tried_again: true, job: Some(Job::Runs), ..on() };
        assert_eq!(again.reason().as_deref(), Some("x"));
        assert_eq!(of(again), (State::Running, Level::Warning));
        assert_eq!(of(Facts { trouble: trouble(Hindrance::Invalid), ..on() }), (State::Invalid, Level::Warning));
        assert_eq!(of(Facts { trouble: trouble(Hindrance::Controller), ..on() }), (State::Stalled, Level::Warning));
        assert_eq!(of(Facts { paused: Some(1), ..on() }), (State::Paused, Level::Fine));
        assert_eq!(of(Facts { paused: Some(1), waiting: waiting(1, 0), ..on() }), (State::Paused, Level::Warning));
        assert_eq!(of(Facts { stopped: true, paused: Some(1), ..on() }), (State::Stopped, Level::Critical));
        assert_eq!(of(Facts { stopped: true, active: false, ..on() }), (State::Off, Level::Critical));
        assert_eq!(of(Facts { active: false, ..on() }), (State::Off, Level::Fine));
        assert_eq!(of(Facts { active: false, waiting: waiting(1, 0), ..on() }), (State::Off, Level::Warning));
        let away = Waiting::Unknown("away".to_owned());
        assert_eq!(of(Facts { active: false, waiting: away, ..on() }), (State::Off, Level::Fine), "it may be away for good");
        assert_eq!(of(Facts { gaps: 1, ..on() }), (State::Idle, Level::Warning));
        assert_eq!(of(Facts { gaps: 1, active: false, ..on() }), (State::Off, Level::Warning));
        assert_eq!(of(Facts { gaps: 1, paused: Some(1), ..on() }), (State::Paused, Level::Warning));
        assert_eq!(of(Facts { left_out: left_out(), ..on() }), (State::Idle, Level::Warning));
    }

    #[test]
    fn inactive_targets_are_told_and_without_any_other_the_sync_is_invalid() {
        let of = |changes| Facts { left_alone: vec![LeftAlone { db: "C".to_owned(), waiting: waiting(changes, 5) }], ..on() };
        assert_eq!((of(0).level(), of(0).reason()), (Level::Fine, None));
        let told = "database \"C\" is not active: changes wait for it".to_owned();
        assert_eq!((of(1).state(), of(1).level(), of(1).reason()), (State::Idle, Level::Warning, Some(told)));
        let alone = Facts { lacks_target: true, failing: Some("an old story".to_owned()), ..of(0) };
        let told = "it has no active target database".to_owned();
        assert_eq!((alone.state(), alone.level(), alone.reason()), (State::Invalid, Level::Warning, Some(told)));
        assert_eq!(Facts { stopped: true, ..alone.clone() }.state(), State::Stopped);
        assert_eq!(Facts { paused: Some(1), ..alone }.state(), State::Paused);
    }

    fn left_out() -> Vec<Joining> {
        let outcome = Some("it has no key\nat all".to_owned());
        vec![Joining { kind: "table".to_owned(), relation: Relation::new("public", "t"), outcome }]
    }

    #[test]
    fn what_is_missing_is_a_reason_where_there_is_no_other() {
        let of = |facts: Facts| facts.reason().unwrap_or_default();
        let told = "table \"public.t\" is not replicated yet: it has no key";
        assert_eq!(of(Facts { left_out: left_out(), ..on() }), told);
        let two = [left_out(), left_out()].concat();
        assert_eq!(of(Facts { left_out: two, ..on() }), format!("{told} (and 1 more)"));
        for facts in [on(), Facts { active: false, ..on() }, Facts { job: Some(Job::Runs), ..on() }] {
            assert!(of(Facts { gaps: 1, ..facts }).starts_with("changes are known to be missing"));
        }
        assert_eq!(of(Facts { gaps: 1, failing: Some("x".to_owned()), ..on() }), "x");
    }

    #[test]
    fn a_command_goes_before_the_status_while_its_daemon_lives() {
        let told = |asked, active, stopped| Facts { asked: Some(asked), active, stopped, ..on() }.state();
        assert_eq!(told(Asked::Activate, false, false), State::Idle);
        assert_eq!(told(Asked::Activate, false, true), State::Off);
        assert_eq!(told(Asked::Deactivate, true, false), State::Off);
        assert_eq!(told(Asked::Deactivate, true, true), State::Stopped);
        assert_eq!(told(Asked::Added, true, false), State::Off);
    }

    #[test]
    fn quiet_is_not_late_but_waiting_and_missed_runs_are() {
        let facts = |good, checktime, backlog| Facts { overdue: 60, expired: 600, good, checktime, waiting: backlog, ..on() };
        let late = |good, checktime, backlog| facts(good, checktime, backlog).lateness();
        assert_eq!(late(Some(100_000), None, waiting(0, 0)), Lateness::Fine);
        assert_eq!(late(None, None, waiting(0, 0)), Lateness::Fine);
        assert_eq!(late(Some(10), None, waiting(5, 61)), Lateness::Overdue);
        assert_eq!(late(Some(10), None, waiting(5, 601)), Lateness::Expired);
        assert_eq!(late(Some(359), Some(300), waiting(0, 0)), Lateness::Fine);
        assert_eq!(late(Some(361), Some(300), waiting(0, 0)), Lateness::Overdue);
        assert_eq!(late(Some(61), None, Waiting::Unknown("away".to_owned())), Lateness::Overdue);
        assert_eq!(late(None, None, Waiting::Unknown("away".to_owned())), Lateness::Unknown);
        assert_eq!(Facts { copies_all: true, ..facts(Some(601), None, waiting(0, 0)) }.lateness(), Lateness::Expired);
    }

    #[test]
    fn changes_that_wait_for_long_are_an_alarm_where_nothing_else_tells_of_them() {
        let facts = |oldest| Facts { listens: true, patience: 600, waiting: waiting(1, oldest), ..on() };
        let alarm = |facts: Facts| (facts.level() > Level::Fine, facts.alarm());
        assert_eq!(alarm(facts(599)), (false, None));
        assert_eq!(alarm(facts(600)), (true, Some("waiting")));
        assert_eq!(alarm(Facts { patience: 0, ..facts(600) }), (false, None));
        assert_eq!(alarm(Facts { listens: false, ..facts(600) }), (false, None), "it waits for a kick");
        assert_eq!(
            alarm(Facts { listens: false, job: Some(Job::LacksConnection("database \"B\"".to_owned())), ..facts(600) }),
            (true, Some("waiting"))
        );
        assert_eq!(alarm(Facts { job: Some(Job::Runs), ..facts(600) }), (false, None));
        assert_eq!(alarm(Facts { overdue: 60, ..facts(61) }), (true, Some("overdue")));
        assert_eq!(alarm(Facts { paused: Some(1), ..facts(599) }), (true, None));
        assert_eq!(alarm(Facts { paused: Some(1), ..facts(600) }), (true, Some("paused")));
        assert_eq!(alarm(Facts { asked: Some(Asked::Deactivate), ..facts(600) }), (true, Some("off")));
        assert_eq!(alarm(Facts { active: false, ..facts(600) }), (true, Some("off")));
        assert_eq!(alarm(Facts { trouble: trouble(Hindrance::Source), ..facts(0) }), (true, Some("source")));
        assert_eq!(alarm(Facts { trouble: trouble(Hindrance::Controller), ..facts(0) }), (true, None), "its death is told");
        let away = Waiting::Unknown("away".to_owned());
        assert_eq!(alarm(Facts { paused: Some(600), waiting: away, ..facts(0) }), (true, Some("paused")));
        assert_eq!(alarm(Facts { stopped: true, ..facts(600) }), (true, None), "no daemon is there to send a mail");
    }

    #[test]
    fn the_reason_is_one_line() {
        assert_eq!(Facts { trouble: trouble(Hindrance::Invalid), ..on() }.reason().as_deref(), Some("no key"));
        assert_eq!(Facts { active: false, ..on() }.reason(), None);
        assert!(Facts { asked: Some(Asked::Deactivate), ..on() }.reason().is_some_and(|reason| reason.contains("`activate`")));
    }
}
