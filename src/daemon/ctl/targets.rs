//! The controller's kids: one place for each target, in which a kid may live, be missing, or be
//! waited for.

use crate::daemon::process::backoff;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The pause before a try that was brought forward by a kick.
const SOONEST: Duration = Duration::from_secs(1);

/// A kid that dies sooner than this after a success dies of something that comes with each round:
/// the success before does not count.
const LASTING: Duration = Duration::from_secs(1);

/// The place of one target.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// The kid's process.
    pub pid: Option<i32>,
    /// Failures in a row.
    pub failures: u32,
    /// The first success after failures, and how many these were.
    first_success: Option<(u32, Instant)>,
    /// When another kid is to be started after a failure.
    pub retry: Option<Instant>,
    /// The job of the last failure.
    pub failed_job: Option<i64>,
    /// When the failures began of which a mail has told.
    pub mailed_at: Option<Instant>,
    /// It is empty until then because its kid has left its connections to others, or found none.
    pub gave_way: bool,
    /// How often in a row it found none.
    pub crowded: u32,
    /// A job is wanted, and there has been no room for it since then.
    pub wanted: Option<Instant>,
}

/// All places, by target.
#[derive(Debug, Default)]
pub(super) struct Places(pub BTreeMap<String, Place>);

impl Places {
    pub fn new(targets: &[String]) -> Places {
        Places(targets.iter().map(|target| (target.clone(), Place::default())).collect())
    }

    /// The target whose kid had this process id; its place is empty now.
    pub fn clear_pid(&mut self, pid: i32) -> Option<String> {
        let (target, place) = self.0.iter_mut().find(|(_, place)| place.pid == Some(pid))?;
        place.pid = None;
        Some(target.clone())
    }

    pub fn get(&mut self, target: &str) -> &mut Place {
        self.0.entry(target.to_owned()).or_default()
    }

    /// All targets, those that have waited for room first, the longest of all before the others.
    pub fn names(&self) -> Vec<String> {
        let mut places: Vec<(&String, &Place)> = self.0.iter().collect();
        places.sort_by_key(|(_, place)| (place.wanted.is_none(), place.wanted));
        places.into_iter().map(|(target, _)| target.clone()).collect()
    }

    pub fn pids(&self) -> Vec<i32> {
        self.0.values().filter_map(|place| place.pid).collect()
    }

    /// Targets whose kid is to be started again by now.
    pub fn due(&self, now: Instant) -> Vec<String> {
        self.select(|place| place.retry.is_some_and(|at| at <= now))
    }

    /// Targets that want a job and had no room, as in [`Places::names`].
    pub fn wanting(&self) -> Vec<String> {
        self.select(|place| place.wanted.is_some())
    }

    fn select(&self, test: impl Fn(&Place) -> bool) -> Vec<String> {
        self.names().into_iter().filter(|target| self.0.get(target).is_some_and(&test)).collect()
    }

    /// Somebody asks and waits: whoever is to be tried later than soon is tried soon. Returns the
    /// jobs that say otherwise, and how soon it is.
    pub fn hurry(&mut self, now: Instant) -> (Vec<i64>, Duration) {
        let late = |place: &&mut Place| place.retry.is_some_and(|at| at > now + SOONEST);
        let hurried = self.0.values_mut().filter(late).filter_map(|place| {
            place.retry = Some(now + SOONEST);
            place.failed_job
        });
        (hurried.collect(), SOONEST)
    }

    /// The next time a kid is to be started again.
    pub fn next_retry(&self) -> Option<Instant> {
        self.0.values().filter_map(|place| place.retry).min()
    }
}

impl Place {
    /// Whether the next kid has its time: one after the other has failed, or the last one has given
    /// way.
    pub fn stalled(&self) -> bool {
        self.retry.is_some() && (self.failures > 1 || self.gave_way)
    }

    /// No connection was left for the kid; another one looks again in a moment.
    pub fn wait(&mut self, now: Instant) {
        self.crowded += 1;
        (self.retry, self.gave_way) = (Some(now + backoff::crowded(self.crowded)), true);
    }

    /// Counts a failure; returns the pause before the next try.
    pub fn failed(&mut self, now: Instant) -> Duration {
        let has_lasted = |success: Instant| now.duration_since(success) >= LASTING;
        if let Some((failures, _)) = self.first_success.take().filter(|(_, success)| !has_lasted(*success)) {
            self.failures = failures;
        }
        self.failures += 1;
        let pause = backoff::pause(self.failures);
        self.retry = Some(now + pause);
        pause
    }

    /// Counts a success, the end of the failures; when a mail had told of failures, since when.
    pub fn succeeded(&mut self, now: Instant) -> Option<Instant> {
        if self.failures > 0 {
            self.first_success = Some((self.failures, now));
        }
        (self.failures, self.crowded) = (0, 0);
        self.failed_job = None;
        self.mailed_at.take()
    }

    /// Whether a mail has told of these failures; from now on one has.
    pub fn mailed(&mut self) -> bool {
        self.mailed_at.replace(self.mailed_at.unwrap_or_else(Instant::now)).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kid_that_died_is_due_at_once_the_first_time_and_later_the_next() {
        let mut places = Places::new(&["B".into(), "C".into()]);
        let now = Instant::now();
        places.get("B").pid = Some(5);
        assert_eq!(places.clear_pid(5), Some("B".into()));
        assert_eq!(places.clear_pid(5), None);
        places.get("B").failed(now);
        assert_eq!(places.due(now), ["B"]);
        places.get("B").failed(now);
        assert!(places.due(now).is_empty() && places.next_retry() > Some(now));
        assert!(!places.get("B").mailed() && places.get("B").mailed());
        assert!(places.get("B").succeeded(now).is_some() && places.get("B").succeeded(now).is_none());
        assert_eq!(places.get("B").failures, 0);
    }

    #[test]
    fn a_kid_that_dies_after_each_success_makes_no_storm() {
        let (mut place, mut now) = (Place::default(), Instant::now());
        for failures in 1..9 {
            now += Duration::from_millis(10);
            place.failed(now);
            assert_eq!(place.failures, failures);
            place.succeeded(now);
            place.succeeded(now);
        }
        place.failed(now + LASTING);
        assert_eq!(place.failures, 1);
    }

    #[test]
    fn whoever_asks_brings_the_next_try_forward_but_makes_no_storm() {
        let mut places = Places::new(&["B".into(), "C".into()]);
        let now = Instant::now();
        (0..9).map(|_| places.get("B").failed(now)).last();
        places.get("B").failed_job = Some(7);
        assert!(places.get("B").stalled() && !places.get("C").stalled());
        assert_eq!(places.hurry(now), (vec![7], SOONEST));
        assert_eq!(places.next_retry(), Some(now + SOONEST));
        assert_eq!(places.hurry(now).0, []);
    }

    #[test]
    fn who_has_waited_for_room_comes_first() {
        let mut places = Places::new(&["B".into(), "C".into(), "D".into()]);
        let now = Instant::now();
        places.get("D").wanted = Some(now);
        places.get("C").wanted = Some(now + Duration::from_secs(1));
        assert_eq!(places.names(), ["D", "C", "B"]);
        assert_eq!(places.wanting(), ["D", "C"]);
    }
}
