//! Requests to reload a sync: its databases are looked at first, so that what joined it is taken up
//! and what does not fit is known; the processes that run go on meanwhile.

use super::validators::{Look, Validators};
use std::collections::BTreeSet;

/// The syncs that are to be reloaded once a look has ended.
#[derive(Default)]
pub(super) struct Reloads(BTreeSet<String>);

impl Reloads {
    /// Takes a request. A look that is under way may have begun before what is to be looked at
    /// was there.
    pub fn ask(&mut self, sync: &str, validators: &mut Validators) {
        validators.ask(sync);
        self.0.insert(sync.to_owned());
    }

    /// Something else has decided what becomes of the sync; says whether a reload was waiting.
    pub fn forget(&mut self, sync: &str) -> bool {
        self.0.remove(sync)
    }

    /// Whether the sync is to be reloaded now, which is forgotten by that.
    pub fn are_answered_by(&mut self, look: &Look) -> bool {
        look.is_last && self.0.remove(&look.sync)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_look_answers_and_only_once() {
        let (mut reloads, mut validators) = (Reloads::default(), Validators::default());
        reloads.ask("s", &mut validators);
        assert!(validators.next().is_some());
        let look = |sync: &str, is_last| Look { sync: sync.into(), is_last };
        assert!(!reloads.are_answered_by(&look("s", false)));
        assert!(!reloads.are_answered_by(&look("other", true)));
        assert!(reloads.are_answered_by(&look("s", true)));
        assert!(!reloads.are_answered_by(&look("s", true)));
    }
}
