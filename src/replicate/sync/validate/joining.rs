//! Tables that join a sync which runs already. Those that do not fit are left out and named, and
//! the others go on: what was added must not take along what runs.

use super::foresee::foresee;
use super::{Sessions, tells};
use crate::control::joining;
use crate::control::sync::{Goat, Sync};
use crate::error::{Error, Result};
use crate::pg::Connection;
use crate::replicate::notes::warning;
use std::collections::BTreeSet;

/// What becomes of tables that join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joins {
    /// Those that fit are carried from now on: nothing runs for the sync.
    Admit,
    /// They are only looked at. While KIDs run without them, these would count what is captured
    /// from now on as carried.
    Foresee,
}

/// Looks at all tables of a sync and makes what is missing for those that fit. A sync of which none
/// runs is looked at as a whole.
pub fn look_and_make(control: &mut Connection, sync: &Sync, joins: Joins, sessions: &mut Sessions) -> Result<Vec<String>> {
    let goats = sync.all_goats(control)?;
    let (new, carried): (Vec<&Goat>, Vec<&Goat>) = goats.iter().partition(|goat| goat.joins);
    let (new, carried) = (ids(&new), ids(&carried));
    if !new.is_empty() && joins == Joins::Foresee {
        return foresee_only(control, sync, &goats, &new, sessions);
    }
    if new.is_empty() || carried.is_empty() {
        let notes = look_at(control, sync, &goats, sessions)?;
        joining::accept(control, &sync.name, &new)?;
        return Ok(notes);
    }
    let fitting = carried.iter().copied().collect();
    Admission { sync, goats: &goats, fitting, notes: Vec::new(), refused: Vec::new(), undone: false }.run(control, &new, sessions)
}

/// Looks at those that are carried, as ever, and at the new ones without making anything.
fn foresee_only(
    control: &mut Connection,
    sync: &Sync,
    goats: &[Goat],
    new: &[i32],
    sessions: &mut Sessions,
) -> Result<Vec<String>> {
    let carried: Vec<Goat> = goats.iter().filter(|goat| !goat.joins).cloned().collect();
    let mut notes = if carried.is_empty() { Vec::new() } else { look_at(control, sync, &carried, sessions)? };
    let foreseen = foresee(control, &sync.name, new)?;
    for goat in new {
        match foreseen.misfits.iter().find(|(misfit, _)| misfit == goat) {
            Some((_, why)) => joining::refuse(control, &sync.name, *goat, why)?,
            None => joining::look_again(control, &sync.name, *goat)?,
        }
    }
    notes.extend(foreseen.unasked.iter().map(warning));
    notes.extend(joining::of_sync(control, &sync.name)?.iter().map(|one| warning(one.to_string())));
    Ok(notes)
}

fn ids(goats: &[&Goat]) -> Vec<i32> {
    goats.iter().map(|goat| goat.id).collect()
}

fn look_at(control: &mut Connection, sync: &Sync, goats: &[Goat], sessions: &mut Sessions) -> Result<Vec<String>> {
    super::look_and_make(control, sync, goats, sessions)
}

/// Which of the new ones fit.
struct Admission<'a> {
    sync: &'a Sync,
    /// All members of the herd, in their order.
    goats: &'a [Goat],
    /// Those that are carried, and those of the new ones that were found to fit.
    fitting: BTreeSet<i32>,
    /// What the last look that found everything in order had to tell.
    notes: Vec<String>,
    /// Those that do not fit, and why.
    refused: Vec<(i32, Error)>,
    /// A later look failed, maybe half-way.
    undone: bool,
}

impl Admission<'_> {
    fn run(mut self, control: &mut Connection, new: &[i32], sessions: &mut Sessions) -> Result<Vec<String>> {
        let all: BTreeSet<i32> = self.fitting.iter().chain(new).copied().collect();
        match self.look(control, &all, sessions)? {
            None => self.fitting = all,
            Some(error) => {
                // If not even those fit that are carried, that is what is wrong with the sync.
                let carried = self.fitting.clone();
                if let Some(error) = self.look(control, &carried, sessions)? {
                    return Err(error);
                }
                match new {
                    [only] => self.refused.push((*only, error)),
                    several => self.halves(control, several, sessions)?,
                }
            }
        }
        if self.undone {
            let fitting = self.fitting.clone();
            self.look(control, &fitting, sessions)?.map_or(Ok(()), Err)?;
        }
        self.settle(control)
    }

    /// The error, if one of these does not fit.
    fn look(&mut self, control: &mut Connection, which: &BTreeSet<i32>, sessions: &mut Sessions) -> Result<Option<Error>> {
        let goats: Vec<Goat> = self.goats.iter().filter(|goat| which.contains(&goat.id)).cloned().collect();
        let outcome = look_at(control, self.sync, &goats, sessions);
        self.undone = outcome.is_err();
        match outcome {
            Ok(notes) => {
                self.notes = notes;
                Ok(None)
            }
            Err(error) if tells(error.kind()) => Ok(Some(error)),
            Err(error) => Err(error),
        }
    }

    /// Several together do not fit: half of them, then the other half.
    fn halves(&mut self, control: &mut Connection, new: &[i32], sessions: &mut Sessions) -> Result<()> {
        let (first, second) = new.split_at(new.len() / 2);
        for half in [first, second] {
            let which: BTreeSet<i32> = self.fitting.iter().chain(half).copied().collect();
            match (self.look(control, &which, sessions)?, half) {
                (None, _) => self.fitting = which,
                (Some(error), [only]) => self.refused.push((*only, error)),
                (Some(_), several) => self.halves(control, several, sessions)?,
            }
        }
        Ok(())
    }

    /// Notes what came of it.
    fn settle(mut self, control: &mut Connection) -> Result<Vec<String>> {
        let name = &self.sync.name;
        let fitting: Vec<i32> = self.fitting.iter().copied().collect();
        joining::accept(control, name, &fitting)?;
        for (goat, error) in &self.refused {
            joining::refuse(control, name, *goat, &error.to_string().replace('\n', " "))?;
        }
        let left_out = joining::of_sync(control, name)?;
        self.notes.extend(left_out.iter().map(|one| warning(one.to_string())));
        Ok(self.notes)
    }
}
