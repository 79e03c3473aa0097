//! What is known about one sync at the moment of asking: its configuration, its latest good and bad
//! run, what it does now.

use crate::cli::interval::Interval;
use crate::control::gap::Gap;
use crate::control::state::{Facts, Lateness, Level, State, Waiting};
use crate::plain;

/// One sync.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sync {
    /// The row of the table `sync`.
    pub config: Config,
    /// From which its state follows.
    pub facts: Facts,
    /// The newest run that ended well.
    pub good: Option<Run>,
    /// The newest run that was aborted and acknowledged.
    pub bad: Option<Run>,
    /// The job that waits or runs.
    pub job: Option<Job>,
    /// Targets that gave up for now, and when they are tried again.
    pub retries: Vec<Retry>,
    /// What is known to be missing.
    pub gaps: Vec<Gap>,
    /// The controller's pid file.
    pub pid_file: Option<PidFile>,
}

/// The configuration of a sync, with intervals as the server writes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the columns of the table `sync`, and mean what they mean there")]
pub struct Config {
    pub name: String,
    pub source: String,
    pub targetdb: Option<String>,
    pub targetgroup: Option<String>,
    pub synctype: String,
    pub status: String,
    pub stayalive: bool,
    pub kidsalive: bool,
    pub usecustomselect: bool,
    pub copyextra: String,
    pub deletemethod: String,
    pub limitdbs: i16,
    pub ping: bool,
    pub do_listen: bool,
    pub checktime: Option<String>,
    pub makedelta: bool,
    pub rebuild_index: i16,
    pub priority: i16,
    pub analyze_after_copy: bool,
    pub overdue: String,
    pub expired: String,
    pub onetimecopy: i16,
    /// The database of the herd's members; none if the herd is empty.
    pub sourcedb: Option<String>,
    /// The number of the herd's members.
    pub members: i64,
    /// The databases of the target group.
    pub group_members: Vec<String>,
    /// Conflicts on record.
    pub conflicts: i64,
    /// Why it could not be validated when it was looked at last.
    pub invalid: Option<String>,
    /// What was warned of when it was validated.
    pub warnings: Vec<String>,
}

/// A run that is over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Run {
    /// Seconds since it was over.
    pub age: i64,
    /// Seconds it took.
    pub duration: Option<i64>,
    /// When it was over, for people.
    pub at: String,
    /// The same, shorter: without the date if it was today.
    pub clock: String,
    /// The target.
    pub target: String,
    /// Rows inserted.
    pub inserts: i64,
    /// Rows updated.
    pub updates: i64,
    /// Rows deleted.
    pub deletes: i64,
    /// Why it died.
    pub whydie: String,
}

/// A run that is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Whether a worker has taken it; else it waits.
    pub started: bool,
    /// The process id of the worker.
    pub pid: i32,
    /// Seconds since it started or, waiting, since it was queued.
    pub age: i64,
    /// The target.
    pub target: String,
    /// The worker's present step, as its title shows it.
    pub step: Option<String>,
    /// How far the worker is, if that takes long enough to be told.
    pub progress: Option<String>,
}

/// A target that failed and will be tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// When, for people.
    pub at: String,
    /// The target.
    pub target: String,
}

/// A pid file that exists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PidFile {
    /// Where it is.
    pub path: String,
    /// Its content.
    pub pid: String,
    /// When it was made.
    pub created: String,
}

impl Sync {
    /// Why it is as it is, on one line.
    pub fn reason(&self) -> Option<String> {
        self.facts.reason().map(|reason| plain::line(&reason).into_owned())
    }

    /// The present state; `arrow` stands before the target, `interval` writes the age of a job. The
    /// original calls everything idle that has no job.
    pub fn state(&self, arrow: &str, interval: Interval) -> String {
        let state = self.facts.state();
        match (state, &self.job) {
            (State::Running | State::Copying, Some(job)) => {
                // What copies all its tables each time needs no word about it.
                let copies = state == State::Copying && !self.facts.copies_all;
                format!("RUN:{}{arrow}{}{}", interval(Some(job.age)), job.target, if copies { " (copy)" } else { "" })
            }
            (State::Queued, Some(job)) => format!("WAIT:{}", interval(Some(job.age))),
            _ => state.word().to_owned(),
        }
    }

    /// The same and, while none is being carried, how many changes wait.
    pub fn state_and_backlog(&self, arrow: &str, interval: Interval) -> String {
        let state = self.state(arrow, interval);
        match (self.facts.state(), &self.facts.waiting) {
            (State::Running | State::Copying | State::Queued, _) => state,
            (_, Waiting::Known(backlog)) if backlog.changes > 0 => {
                format!("{state}, {}{} waiting", backlog.changes, if backlog.more { "+" } else { "" })
            }
            _ => state,
        }
    }

    /// Whether it needs attention.
    pub fn is_bad(&self) -> bool {
        self.facts.level() > Level::Fine
    }

    /// The flag behind the type: `E!` expired, `O!` overdue, `?` expiry wanted and no telling.
    pub fn flag(&self) -> &'static str {
        match self.facts.lateness() {
            Lateness::Expired => " E!",
            Lateness::Overdue => " O!",
            Lateness::Unknown => " ?",
            Lateness::Fine => "",
        }
    }

    /// How far the present job is.
    pub fn progress(&self) -> Option<&str> {
        self.job.as_ref()?.progress.as_deref()
    }

    /// The pid of the controller as its file has it.
    pub fn pid(&self) -> &str {
        self.pid_file.as_ref().map_or("", |file| &file.pid)
    }
}
