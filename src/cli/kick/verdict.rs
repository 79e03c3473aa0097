//! When a kick is over, and with which exit code (reference, 3.9).

use super::display::Event;

/// How the wait for one sync ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Every target has the changes.
    Done,
    /// A worker died.
    Killed,
    /// The time was up.
    TimedOut,
    /// Anything else went wrong.
    Failed,
}

impl End {
    /// Whether an event ends the wait. A killed target does even while others go on.
    pub fn of(event: &Event) -> Option<End> {
        match event {
            Event::TargetDone(_) => None,
            Event::Done => Some(End::Done),
            Event::TargetKilled(_) | Event::Killed => Some(End::Killed),
        }
    }

    /// The exit code that this end asks for; success asks for none, so that it never hides an
    /// earlier failure. That of any other failure than a kill or a timeout is `failure`.
    pub fn code(self, failure: u8) -> Option<u8> {
        match self {
            End::Done => None,
            End::TimedOut => Some(1),
            End::Killed => Some(2),
            End::Failed => Some(failure),
        }
    }
}

/// The exit code of the whole command and the retries that are left.
pub struct Verdict {
    code: u8,
    failure: u8,
    used: u64,
    allowed: u64,
}

impl Verdict {
    /// Nothing has happened yet; `allowed` is the number of retries, `failure` the exit code of a
    /// failure of its own kind.
    pub fn new(allowed: u64, failure: u8) -> Verdict {
        Verdict { code: 0, failure, used: 0, allowed }
    }

    /// Takes one end into account. A number means: retry, for this time, from the first sync of the
    /// list.
    pub fn add(&mut self, end: End) -> Option<u64> {
        self.code = end.code(self.failure).unwrap_or(self.code);
        if end != End::Killed || self.used >= self.allowed {
            return None;
        }
        self.used += 1;
        self.code = 0;
        Some(self.used)
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        self.code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(ends: &[End]) -> u8 {
        let mut verdict = Verdict::new(0, 2);
        for end in ends {
            assert_eq!(verdict.add(*end), None);
        }
        verdict.code()
    }

    #[test]
    fn the_last_failure_counts_and_no_success_hides_it() {
        assert_eq!(code(&[End::Done, End::Done]), 0);
        assert_eq!(code(&[End::TimedOut, End::Done]), 1);
        assert_eq!(code(&[End::Killed, End::Done]), 2);
        assert_eq!(code(&[End::Killed, End::TimedOut]), 1);
        assert_eq!(code(&[End::TimedOut, End::Killed]), 2);
        assert_eq!(code(&[End::TimedOut, End::Failed]), 2);
    }

    #[test]
    fn a_kill_is_retried_as_often_as_allowed_and_a_timeout_is_not() {
        let mut verdict = Verdict::new(2, 2);
        assert_eq!(verdict.add(End::TimedOut), None);
        assert_eq!((verdict.add(End::Killed), verdict.code()), (Some(1), 0));
        assert_eq!(verdict.add(End::Killed), Some(2));
        assert_eq!((verdict.add(End::Killed), verdict.code()), (None, 2));
    }

    #[test]
    fn a_killed_target_ends_the_wait_and_a_finished_one_does_not() {
        assert_eq!(End::of(&Event::TargetDone("B".to_owned())), None);
        assert_eq!(End::of(&Event::TargetKilled("B".to_owned())), Some(End::Killed));
        assert_eq!(End::of(&Event::Done), Some(End::Done));
    }
}
