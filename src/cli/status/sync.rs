//! What is known about one sync at the moment of asking: its configuration, its latest good and bad run, what it does now.

use crate::cli::interval::Interval;
use crate::control::gap::Gap;

/// One sync.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sync {
    /// The row of the table `sync`.
    pub config: Config,
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
    /// Seconds after which a missing good run is worth a flag; 0 for never.
    pub overdue_seconds: i64,
    /// Seconds after which a missing good run is worth a louder flag; 0 for never.
    pub expired_seconds: i64,
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
    /// The present state; `arrow` stands before the target, `interval` writes the age. The original calls everything idle that has no
    /// job; here a sync that waits for the next try of a failed one is not idle, nor is one that cannot run because it is not valid. A job that
    /// waits for that next try does not change this.
    pub fn state(&self, arrow: &str, interval: Interval) -> String {
        match &self.job {
            Some(job) if job.started => format!("RUN:{}{arrow}{}", interval(Some(job.age)), job.target),
            Some(job) if self.retries.is_empty() => format!("WAIT:{}", interval(Some(job.age))),
            Some(_) => "stalled".to_owned(),
            None if self.config.status != "active" => "off".to_owned(),
            None if self.config.invalid.is_some() && self.pid_file.is_none() => "invalid".to_owned(),
            None if !self.retries.is_empty() => "stalled".to_owned(),
            None => "idle".to_owned(),
        }
    }

    /// The flag behind the type: `E!` expired, `O!` overdue, `?` expiry wanted and no good run known.
    pub fn flag(&self) -> &'static str {
        let older_than = |limit: i64| limit > 0 && self.good.as_ref().is_some_and(|run| run.age > limit);
        if older_than(self.expired_seconds) {
            " E!"
        } else if older_than(self.overdue_seconds) {
            " O!"
        } else if self.expired_seconds > 0 && self.good.is_none() {
            " ?"
        } else {
            ""
        }
    }

    /// Whether something is wrong with it that somebody should look at.
    pub fn needs_somebody(&self) -> bool {
        let newest_is_bad = self.bad.as_ref().is_some_and(|bad| self.good.as_ref().is_none_or(|good| bad.age < good.age));
        let fails = newest_is_bad || !self.retries.is_empty() || (self.config.invalid.is_some() && self.pid_file.is_none());
        fails || !self.gaps.is_empty() || !self.flag().is_empty()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn sync(age: Option<i64>, overdue: i64, expired: i64) -> Sync {
        let good = age.map(|age| Run { age, ..Run::default() });
        Sync { good, overdue_seconds: overdue, expired_seconds: expired, ..Sync::default() }
    }

    #[test]
    fn a_flag_needs_a_limit_that_is_passed() {
        assert_eq!(sync(Some(9000), 0, 0).flag(), "");
        assert_eq!(sync(Some(60), 60, 0).flag(), "");
        assert_eq!(sync(Some(61), 60, 600).flag(), " O!");
        assert_eq!(sync(Some(601), 60, 600).flag(), " E!");
        assert_eq!(sync(None, 60, 600).flag(), " ?");
        assert_eq!(sync(None, 60, 0).flag(), "");
    }
}
