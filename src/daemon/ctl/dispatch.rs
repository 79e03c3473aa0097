//! Who is owed an answer. A kick becomes a *dispatch*: one job for each target. When every target has done its job, or a younger one,
//! the dispatch is answered with the smallest job id in it, which is younger than the kick.

use std::collections::{BTreeMap, VecDeque};

/// Dispatches that are not answered yet, oldest first.
#[derive(Debug, Default)]
pub(super) struct Dispatches(VecDeque<Dispatch>);

#[derive(Debug)]
struct Dispatch {
    smallest: i64,
    open: BTreeMap<String, i64>,
    failed: bool,
}

/// Stands for the job of a target that gets one when the masters are done.
const LATER: i64 = i64::MAX;

impl Dispatches {
    /// Remembers a dispatch; the targets in `later` get their jobs when those of `jobs` are done.
    pub fn add(&mut self, jobs: BTreeMap<String, i64>, later: &[String]) {
        if let Some(smallest) = jobs.values().min().copied() {
            let later = later.iter().map(|target| (target.clone(), LATER));
            self.0.push_back(Dispatch { smallest, open: jobs.into_iter().chain(later).collect(), failed: false });
        }
    }

    /// A target has got the job that it waited for, in the dispatches in which `masters` are done.
    pub fn assign(&mut self, masters: &str, target: &str, job: i64) {
        for dispatch in self.0.iter_mut().filter(|dispatch| !dispatch.open.contains_key(masters)) {
            dispatch.open.entry(target.to_owned()).and_modify(|open| *open = (*open).min(job));
        }
    }

    /// A target has done a job; returns the answers that are due now.
    pub fn done(&mut self, target: &str, job: i64) -> Vec<i64> {
        self.settle(target, job, false)
    }

    /// A target's job failed. Whoever waits was told by the failure itself, so its dispatches end without an answer.
    pub fn failed(&mut self, target: &str, job: i64) {
        self.settle(target, job, true);
    }

    fn settle(&mut self, target: &str, job: i64, failed: bool) -> Vec<i64> {
        for dispatch in &mut self.0 {
            if dispatch.open.get(target).is_some_and(|wanted| *wanted <= job) {
                dispatch.open.remove(target);
                dispatch.failed |= failed;
            }
        }
        let answered = self.0.iter().filter(|dispatch| dispatch.open.is_empty() && !dispatch.failed);
        let answers = answered.map(|dispatch| dispatch.smallest).collect();
        self.0.retain(|dispatch| !dispatch.open.is_empty());
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
        let mut dispatches = Dispatches::default();
        dispatches.add(jobs(&[("B", 5), ("C", 6)]), &[]);
        assert!(dispatches.done("B", 5).is_empty());
        dispatches.add(jobs(&[("B", 7), ("C", 8)]), &[]);
        assert!(dispatches.done("C", 5).is_empty(), "an older job answers nothing");
        assert_eq!(dispatches.done("C", 8), [5]);
        assert_eq!(dispatches.done("B", 9), [7]);
        assert!(dispatches.done("B", 10).is_empty());
    }

    #[test]
    fn a_target_behind_masters_is_done_only_with_a_job_younger_than_theirs() {
        let mut dispatches = Dispatches::default();
        dispatches.add(jobs(&[("B", 5)]), &["D".to_owned()]);
        assert!(dispatches.done("D", 4).is_empty());
        dispatches.assign("B", "D", 4);
        assert!(dispatches.done("D", 4).is_empty(), "the masters are not done yet");
        assert!(dispatches.done("B", 5).is_empty());
        dispatches.assign("B", "D", 7);
        assert_eq!(dispatches.done("D", 7), [5]);
    }

    #[test]
    fn a_dispatch_with_a_failure_is_not_answered_as_done() {
        let mut dispatches = Dispatches::default();
        dispatches.add(jobs(&[("B", 5), ("C", 6)]), &[]);
        dispatches.failed("B", 5);
        assert!(dispatches.done("C", 6).is_empty());
        assert!(dispatches.0.is_empty());
    }
}
