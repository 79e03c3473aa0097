//! Why a sync that a command is about does not run because of an earlier command or setting, and
//! which command lets it run.

use super::{Asked, Facts, LeftAlone, State};
use std::fmt;

/// What keeps a sync from running until a person says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standstill {
    /// The end of a sentence about the sync.
    why: String,
    /// The words of the command that lets it run.
    command: String,
}

impl fmt::Display for Standstill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl Standstill {
    /// The sentence that says what to run; `prog` is the program as it was called.
    pub fn hint(&self, prog: &str) -> String {
        format!("To let it run, run: {prog} {}", self.command)
    }
}

impl Facts {
    /// What keeps sync `name` from running; none where it is meant to run.
    pub fn standstill(&self, name: &str) -> Option<Standstill> {
        let (why, command) = match (self.state(), self.asked) {
            (State::Paused, _) => ("it is paused".to_owned(), format!("resume {name}")),
            (State::Off, asked) => match (&self.source_off, asked) {
                (Some(source), _) => {
                    (format!("its source database \"{source}\" is not active"), format!("update db {source} status=active"))
                }
                (None, _) if !self.active => ("its status is inactive".to_owned(), format!("update sync {name} status=active")),
                (None, Some(Asked::Added)) => ("it was added while the daemon runs".to_owned(), format!("activate {name}")),
                (None, _) => ("it was deactivated by command".to_owned(), format!("activate {name}")),
            },
            (State::Invalid, _) if self.lacks_target => match self.left_alone.first() {
                Some(LeftAlone { db, .. }) => {
                    ("it has no active target database".to_owned(), format!("update db {db} status=active"))
                }
                None => return None,
            },
            _ => return None,
        };
        Some(Standstill { why, command })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(facts: Facts) -> Option<(String, String)> {
        let standstill = facts.standstill("s")?;
        Some((standstill.to_string(), standstill.hint("bucardo")))
    }

    fn said(why: &str, command: &str) -> Option<(String, String)> {
        Some((why.to_owned(), format!("To let it run, run: bucardo {command}")))
    }

    #[test]
    fn each_standstill_names_the_command_that_ends_it() {
        let on = || Facts { active: true, ..Facts::default() };
        assert_eq!(of(on()), None);
        assert_eq!(of(Facts { failing: Some("x".to_owned()), ..on() }), None);
        assert_eq!(of(Facts { paused: Some(1), ..on() }), said("it is paused", "resume s"));
        let asked = |asked| Facts { asked: Some(asked), ..on() };
        assert_eq!(of(asked(Asked::Deactivate)), said("it was deactivated by command", "activate s"));
        assert_eq!(of(asked(Asked::Added)), said("it was added while the daemon runs", "activate s"));
        let off = Facts { active: false, paused: Some(1), ..on() };
        assert_eq!(of(off), said("its status is inactive", "update sync s status=active"));
        let source = Facts { source_off: Some("A".to_owned()), ..on() };
        let target = Facts {
            lacks_target: true,
            left_alone: vec![LeftAlone { db: "B".to_owned(), waiting: super::super::Waiting::NotAsked }],
            ..on()
        };
        assert_eq!(of(target), said("it has no active target database", "update db B status=active"));
        assert_eq!(of(source), said("its source database \"A\" is not active", "update db A status=active"));
    }
}
