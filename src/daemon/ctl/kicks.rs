//! Which kicks are still to be answered. Each becomes one job for each target. When every target
//! has done its job, or a younger one, the kick is answered with the smallest job id in it, which
//! is younger than the kick.

use std::collections::{BTreeMap, VecDeque};

/// Kicks that are not answered yet, oldest first.
#[derive(Debug, Default)]
pub(super) struct PendingKicks(VecDeque<PendingKick>);

#[derive(Debug)]
struct PendingKick {
    smallest: i64,
    open: BTreeMap<String, i64>,
    failed: bool,
}

/// Stands for the job of a target that gets one when the masters are done.
const LATER: i64 = i64::MAX;

impl PendingKicks {
    /// Remembers a kick; the targets in `later` get their jobs when those of `jobs` are done.
    pub fn add(&mut self, jobs: BTreeMap<String, i64>, later: &[String]) {
        if let Some(smallest) = jobs.values().min().copied() {
            let later = later.iter().map(|target| (target.clone(), LATER));
            self.0.push_back(PendingKick { smallest, open: jobs.into_iter().chain(later).collect(), failed: false });
        }
    }

    /// A target has got the job that it waited for, in the kicks for which `masters` are done.
    pub fn assign(&mut self, masters: &str, target: &str, job: i64) {
        for kick in self.0.iter_mut().filter(|kick| !kick.open.contains_key(masters)) {
            kick.open.entry(target.to_owned()).and_modify(|open| *open = (*open).min(job));
        }
    }

    /// A target has done a job; returns the answers that are due now.
    pub fn done(&mut self, target: &str, job: i64) -> Vec<i64> {
        self.settle(target, job, false)
    }

    /// A target's job failed. Whoever waits was told by the failure itself, so its kicks end
    /// without an answer.
    pub fn failed(&mut self, target: &str, job: i64) {
        self.settle(target, job, true);
    }

    fn settle(&mut self, target: &str, job: i64, failed: bool) -> Vec<i64> {
        for kick in &mut self.0 {
            if kick.open.get(target).is_some_and(|wanted| *wanted <= job) {
                kick.open.remove(target);
                kick.failed |= failed;
            }
        }
        let answered = self.0.iter().filter(|kick| kick.open.is_empty() && !kick.failed);
        let answers = answered.map(|kick| kick.smallest).collect();
        self.0.retain(|kick| !kick.open.is_empty());
        answers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jobs(list: &[(&str, i64)]) -> BTreeMap<String, i64> {
        list.iter().map(|(target, job)| ((*target).to_owned(), *job)).collect()
    }

    #[test]
    fn a_kick_is_answered_when_the_last_target_is_done_and_by_younger_jobs_too() {
        let mut pending_kicks = PendingKicks::default();
        pending_kicks.add(jobs(&[("B", 5), ("C", 6)]), &[]);
        assert!(pending_kicks.done("B", 5).is_empty());
        pending_kicks.add(jobs(&[("B", 7), ("C", 8)]), &[]);
        assert!(pending_kicks.done("C", 5).is_empty(), "an older job answers nothing");
        assert_eq!(pending_kicks.done("C", 8), [5]);
        assert_eq!(pending_kicks.done("B", 9), [7]);
        assert!(pending_kicks.done("B", 10).is_empty());
    }

    #[test]
    fn a_target_behind_masters_is_done_only_with_a_job_younger_than_theirs() {
        let mut pending_kicks = PendingKicks::default();
        pending_kicks.add(jobs(&[("B", 5)]), &["D".to_owned()]);
        assert!(pending_kicks.done("D", 4).is_empty());
        pending_kicks.assign("B", "D", 4);
        assert!(pending_kicks.done("D", 4).is_empty(), "the masters are not done yet");
        assert!(pending_kicks.done("B", 5).is_empty());
        pending_kicks.assign("B", "D", 7);
        assert_eq!(pending_kicks.done("D", 7), [5]);
    }

    #[test]
    fn a_dispatch_with_a_failure_is_not_answered_as_done() {
        let mut pending_kicks = PendingKicks::default();
        pending_kicks.add(jobs(&[("B", 5), ("C", 6)]), &[]);
        pending_kicks.failed("B", 5);
        assert!(pending_kicks.done("C", 6).is_empty());
        assert!(pending_kicks.0.is_empty());
    }
}
