//! What the next round does otherwise than an ordinary one, because rounds before it failed.
//!
//! A round that collided with other transactions is repeated, and each kind of collision has a
//! remedy: a backlog that was cut is carried whole, locks are taken before anything is read, tables
//! are copied one after another, a lock that was not to be had is waited for while nothing is held.
//! This decides; the round does it. A round that succeeds ends it all.

use crate::error::Kind;
use crate::replicate::ids::TableId;

/// After so many locks that were not to be had, a round waits for its locks one after another.
const MOST_LOCK_FAILURES: u32 = 4;

/// So often in a row a round of masters is repeated because a row broke a constraint that may have
/// been kept by a later look.
const MOST_BROKEN_CONSTRAINTS: u32 = 5;

/// See the module's text. The default is an ordinary round.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RetryMode {
    /// A backlog is not cut: a part of it broke a constraint.
    pub unbatched: bool,
    /// Locks are taken before the snapshot: masters collided.
    pub lock_first: bool,
    /// Tables are copied one after another.
    pub serial_copy: bool,
    /// How often a lock was not to be had since a round succeeded.
    pub lock_failures: u32,
    /// How often a row broke a constraint among masters since then.
    pub broken_constraints: u32,
    /// The tables whose locks are asked for without waiting. If they are refused, the next round
    /// waits for these tables before it holds anything.
    pub wait_for: Vec<TableId>,
}

impl RetryMode {
    /// A round succeeded.
    pub fn reset(&mut self) {
        *self = RetryMode::default();
    }

    /// Whether locks are waited for one after another: tables that are taken all the time would
    /// never be had otherwise.
    pub fn waits_for_locks(&self) -> bool {
        self.lock_failures >= MOST_LOCK_FAILURES
    }

    /// Decides how the next round goes after an error of this kind, in a round of a sync with
    /// several masters (`contested`) or of one that was `cut`. Says whether it is worth running at
    /// once.
    pub fn repeats_after(&mut self, kind: Kind, contested: bool, cut: bool) -> bool {
        if self.was_lock_refused(kind) {
            return true;
        }
        let broken = matches!(kind, Kind::Violation | Kind::Duplicate);
        let parted = broken && cut && !self.unbatched;
        self.unbatched |= parted;
        // What another session inserted meanwhile is seen by the next round, and decided.
        let overtaken = broken && contested && self.broken_constraints < MOST_BROKEN_CONSTRAINTS;
        self.broken_constraints += u32::from(overtaken);
        let collided = matches!(kind, Kind::Collision | Kind::Locked) || overtaken;
        self.lock_first |= collided && contested;
        self.serial_copy |= collided;
        parted || collided
    }

    /// Whether a lock was not to be had at once; after any other error no table has to be waited
    /// for.
    fn was_lock_refused(&mut self, kind: Kind) -> bool {
        if kind != Kind::Locked {
            self.wait_for.clear();
        }
        let refused = !self.wait_for.is_empty();
        self.lock_failures += u32::from(refused);
        refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replicate::ids::Id;

    #[test]
    fn a_collision_among_masters_locks_first_and_copies_serially() {
        let mut retry = RetryMode::default();
        assert!(retry.repeats_after(Kind::Collision, true, false));
        assert_eq!(retry, RetryMode { lock_first: true, serial_copy: true, ..RetryMode::default() });
        retry.reset();
        assert_eq!(retry, RetryMode::default());
    }

    #[test]
    fn with_one_source_a_collision_does_not_lock_first() {
        let mut retry = RetryMode::default();
        assert!(retry.repeats_after(Kind::Collision, false, false));
        assert_eq!(retry, RetryMode { serial_copy: true, ..RetryMode::default() });
    }

    #[test]
    fn a_broken_constraint_of_a_cut_backlog_is_retried_once_and_uncut() {
        let mut retry = RetryMode::default();
        assert!(retry.repeats_after(Kind::Violation, false, true));
        assert_eq!(retry, RetryMode { unbatched: true, ..RetryMode::default() });
        assert!(!retry.repeats_after(Kind::Violation, false, true));
        assert!(!RetryMode::default().repeats_after(Kind::Violation, false, false), "it was not cut");
    }

    #[test]
    fn among_masters_a_broken_constraint_is_retried_five_times() {
        let mut retry = RetryMode::default();
        for _ in 0..5 {
            assert!(retry.repeats_after(Kind::Duplicate, true, false));
        }
        assert!(retry.lock_first && retry.serial_copy);
        assert!(!retry.repeats_after(Kind::Duplicate, true, false));
    }

    #[test]
    fn a_refused_lock_is_waited_for_and_after_four_in_line() {
        let mut retry = RetryMode { wait_for: vec![TableId::at(2)], ..RetryMode::default() };
        for _ in 0..3 {
            assert!(retry.repeats_after(Kind::Locked, true, false));
        }
        assert!(!retry.waits_for_locks());
        assert!(retry.repeats_after(Kind::Locked, true, false));
        assert!(retry.waits_for_locks());
        assert_eq!(retry, RetryMode { lock_failures: 4, wait_for: vec![TableId::at(2)], ..RetryMode::default() });
    }

    #[test]
    fn a_lock_waited_for_in_vain_is_a_collision() {
        let mut retry = RetryMode { lock_failures: 4, ..RetryMode::default() };
        assert!(retry.repeats_after(Kind::Locked, true, false));
        assert_eq!(retry, RetryMode { lock_first: true, serial_copy: true, lock_failures: 4, ..RetryMode::default() });
    }

    #[test]
    fn other_errors_end_the_job_and_no_table_is_waited_for() {
        let mut retry = RetryMode { wait_for: vec![TableId::at(1)], ..RetryMode::default() };
        assert!(!retry.repeats_after(Kind::Lost, true, true));
        assert_eq!(retry, RetryMode::default());
    }
}
