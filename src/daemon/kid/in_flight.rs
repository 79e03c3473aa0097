//! Transactions that may have written without waking us: they looked at the flag before we armed,
//! and commit afterwards. So there is another look when they have ended.

use crate::replicate::ids::MemberId;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The longest pause between looks.
const LONGEST: Duration = Duration::from_secs(1);

/// See the module's text; by source.
#[derive(Debug, Default)]
pub(super) struct InFlightTransactions {
    running: BTreeMap<MemberId, Vec<i64>>,
    pause: Duration,
}

impl InFlightTransactions {
    /// These transactions were running on each source when nothing was found. On sources that were
    /// armed just now (`fresh`) they may commit without waking anybody; while a source stays armed,
    /// later ones cannot join them.
    pub fn seen(&mut self, running: BTreeMap<MemberId, Vec<i64>>, fresh: &[MemberId]) {
        for (source, now) in running {
            let known = self.running.remove(&source).unwrap_or_default();
            let left = if fresh.contains(&source) { now } else { known.into_iter().filter(|id| now.contains(id)).collect() };
            if !left.is_empty() {
                self.running.insert(source, left);
            }
        }
        if !fresh.is_empty() {
            self.pause = Duration::from_millis(1);
        }
    }

    /// Whether there are none.
    pub fn none(&self) -> bool {
        self.running.is_empty()
    }

    /// When to look again.
    pub fn next(&self) -> Option<Instant> {
        (!self.none()).then(|| Instant::now() + self.pause)
    }

    /// They take their time, so we do, too.
    pub fn wait_longer(&mut self) {
        self.pause = (self.pause * 2).min(LONGEST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replicate::ids::Id;

    fn on(source: usize, ids: &[i64]) -> BTreeMap<MemberId, Vec<i64>> {
        BTreeMap::from([(MemberId::at(source), ids.to_vec())])
    }

    #[test]
    fn only_those_that_ran_when_the_flag_was_set_are_waited_for() {
        let mut in_flight = InFlightTransactions::default();
        in_flight.seen(on(0, &[5, 6]), &[MemberId::FIRST]);
        in_flight.seen(on(1, &[9]), &[]);
        assert!(!in_flight.none());
        in_flight.seen(on(0, &[6, 7]), &[]);
        assert_eq!(in_flight.running, on(0, &[6]));
        in_flight.seen(on(0, &[7, 8]), &[]);
        assert!(in_flight.none() && in_flight.next().is_none());
    }
}
