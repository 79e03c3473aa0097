//! The MCP's validators: processes that look at one sync each, beside whatever else runs for it,
//! and leave. One that failed is tried again.

use crate::daemon::process::backoff;
use crate::daemon::process::children::End;
use crate::daemon::process::launch::{self, Launch};
use crate::daemon::process::role::Role;
use crate::error::Result;
use std::collections::BTreeMap;
use std::time::Instant;

/// The syncs that are to be looked at, by name.
#[derive(Default)]
pub(super) struct Validators(BTreeMap<String, Validator>);

/// A look that has ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Look {
    /// The sync.
    pub sync: String,
    /// No other one was asked for while it was under way.
    pub is_last: bool,
}

#[derive(Default)]
struct Validator {
    pid: Option<i32>,
    failures: u32,
    /// When one is to be started; if one runs, another is wanted after it.
    start: Option<Instant>,
}

impl Validators {
    /// Somebody asks for a look, now.
    pub fn ask(&mut self, name: &str) {
        let validator = self.0.entry(name.to_owned()).or_default();
        validator.failures = 0;
        validator.start = Some(Instant::now());
    }

    /// A look is needed, unless one is under way or has its time.
    pub fn need(&mut self, name: &str) {
        if !self.0.contains_key(name) {
            self.ask(name);
        }
    }

    /// Somebody waits: a look that is to be repeated some time is repeated now.
    pub fn hurry(&mut self, name: &str) {
        let waiting = self.0.get_mut(name).filter(|validator| validator.pid.is_none() && validator.start.is_some());
        if let Some(validator) = waiting {
            validator.start = Some(Instant::now());
        }
    }

    /// A look is not needed any more. One that is under way is left to its end.
    pub fn forget(&mut self, name: &str) {
        match self.0.get_mut(name) {
            Some(validator) if validator.pid.is_some() => validator.start = None,
            _ => drop(self.0.remove(name)),
        }
    }

    /// The syncs that are looked at, or are to be looked at by now.
    pub fn at_work(&self) -> Vec<String> {
        let now = Instant::now();
        let at_work = self.0.iter().filter(|(_, one)| one.pid.is_some() || one.start.is_some_and(|at| at <= now));
        at_work.map(|(name, _)| name.clone()).collect()
    }

    /// When something is to be started.
    pub fn next(&self) -> Option<Instant> {
        self.0.values().filter(|validator| validator.pid.is_none()).filter_map(|validator| validator.start).min()
    }

    /// Starts what is to be started by now.
    pub fn start_due(&mut self, launch: &Launch) -> Result<()> {
        let now = Instant::now();
        for (name, validator) in &mut self.0 {
            if validator.pid.is_none() && validator.start.is_some_and(|at| at <= now) {
                validator.start = None;
                validator.pid = Some(launch::spawn(Role::Val { sync: name.clone() }, launch)?);
            }
        }
        Ok(())
    }

    /// A child died. If it was one of these, what it has looked at.
    pub fn died(&mut self, pid: i32, end: End) -> Option<Look> {
        let (name, validator) = self.0.iter_mut().find(|(_, validator)| validator.pid == Some(pid))?;
        let name = name.clone();
        validator.pid = None;
        let is_last = validator.start.is_none();
        match end {
            End::Exit(0) if validator.start.is_none() => drop(self.0.remove(&name)),
            End::Exit(0) => {}
            _ => validator.failed(&name, pid, end),
        }
        Some(Look { sync: name, is_last })
    }

    /// The processes.
    pub fn pids(&self) -> Vec<i32> {
        self.0.values().filter_map(|validator| validator.pid).collect()
    }
}

impl Validator {
    fn failed(&mut self, name: &str, pid: i32, end: End) {
        self.failures += 1;
        let pause = backoff::pause(self.failures + 1);
        self.start.get_or_insert(Instant::now() + pause);
        log::warn!("Warning! The validator {pid} of sync \"{name}\" {}; next try in {:.1} s", end.words(), pause.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_comes_while_one_looks_is_served_after_it() {
        let mut validators = Validators::default();
        validators.ask("s");
        validators.0.entry("s".into()).and_modify(|validator| *validator = Validator { pid: Some(7), ..Validator::default() });
        validators.need("s");
        assert_eq!(validators.next(), None);
        validators.ask("s");
        assert_eq!(validators.died(7, End::Exit(0)), Some(Look { sync: "s".into(), is_last: false }));
        assert!(validators.next().is_some());
        assert_eq!(validators.died(7, End::Exit(0)), None);
    }

    #[test]
    fn one_that_failed_is_tried_again_until_nobody_needs_it() {
        let mut validators = Validators(BTreeMap::from([("s".into(), Validator { pid: Some(7), ..Validator::default() })]));
        validators.died(7, End::Exit(1));
        assert!(validators.next() > Some(Instant::now()));
        validators.hurry("other");
        validators.hurry("s");
        assert!(validators.next() <= Some(Instant::now()));
        validators.forget("s");
        assert_eq!(validators.next(), None);
    }
}
