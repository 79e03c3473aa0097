//! A copy among masters that was interrupted: some receivers have committed it, the others have
//! not.
//!
//! Who has it keeps it, with all that was written there since; the others get it in the next round.
//! What they get is the first master's table, and after that nothing is pending for them, whoever
//! wrote it. So whatever was written on a filled receiver must have reached the first master
//! before. If it has not, the first master and the filled receivers have a round among themselves,
//! as if there were no others.

use super::{Carrier, Lane, Outcome};
use crate::error::Result;
use crate::replicate::round::step::Watcher;
use crate::replicate::session::source::Source;
use crate::replicate::session::target::Target;
use std::collections::{BTreeMap, BTreeSet};
use std::mem;

/// What has no part in a round.
struct Parked {
    /// With their places, ascending.
    lanes: Vec<(usize, Lane)>,
    sources: BTreeMap<usize, Source>,
    targets: BTreeMap<usize, Target>,
    /// By table: whether it is to be copied.
    copies: Vec<bool>,
    asked: Option<String>,
    filled: BTreeSet<usize>,
}

impl Lane {
    /// Whether copies go this way: to all receivers but the filled ones.
    pub(super) fn copies(&self, filled: &BTreeSet<usize>) -> bool {
        self.from == 0 && !filled.contains(&self.to)
    }
}

impl Carrier {
    /// Of these lanes, those to receivers that have the copy.
    pub(super) fn to_filled(&self, lanes: &[usize]) -> Vec<usize> {
        lanes.iter().copied().filter(|lane| self.parts.filled.contains(&self.parts.lanes[*lane].to)).collect()
    }

    /// Whether filled receivers have changes, of tables that are to be copied to others, that the
    /// first master or another of them lacks.
    pub(super) fn filled_have_news(&self, changed: &BTreeMap<usize, Vec<usize>>) -> bool {
        let filled = |member: usize| self.parts.filled.contains(&member);
        let news = |lane: &Lane| filled(lane.from) && (lane.to == 0 || filled(lane.to));
        let copied = changed.iter().filter(|(table, _)| self.parts.tables[**table].copy);
        copied.flat_map(|(_, lanes)| lanes).any(|lane| news(&self.parts.lanes[*lane]))
    }

    /// A round among the first master and the filled receivers; after it, there is more to do.
    pub(super) fn round_among_filled(&mut self, watcher: &mut dyn Watcher) -> Result<Outcome> {
        let parked = self.park();
        let outcome = self.try_round(watcher);
        self.unpark(parked);
        outcome.map(|outcome| match outcome {
            Outcome::Carried { counts, .. } => Outcome::Carried { counts, all: false },
            other => other,
        })
    }

    fn park(&mut self) -> Parked {
        let filled = mem::take(&mut self.parts.filled);
        let stays = |member: usize| member == 0 || filled.contains(&member);
        let mut lanes = Vec::new();
        for (place, lane) in mem::take(&mut self.parts.lanes).into_iter().enumerate() {
            match stays(lane.from) && stays(lane.to) {
                true => self.parts.lanes.push(lane),
                false => lanes.push((place, lane)),
            }
        }
        let sources = part(&mut self.parts.sources, stays);
        let targets = part(&mut self.parts.targets, stays);
        let copies = self.parts.tables.iter_mut().map(|table| mem::take(&mut table.copy)).collect();
        Parked { lanes, sources, targets, copies, asked: self.parts.copy_asked.take(), filled }
    }

    fn unpark(&mut self, parked: Parked) {
        parked.lanes.into_iter().for_each(|(place, lane)| self.parts.lanes.insert(place.min(self.parts.lanes.len()), lane));
        self.parts.sources.extend(parked.sources);
        self.parts.targets.extend(parked.targets);
        self.parts.tables.iter_mut().zip(parked.copies).for_each(|(table, copy)| table.copy = copy);
        (self.parts.copy_asked, self.parts.filled) = (parked.asked, parked.filled);
    }
}

/// Takes out those that do not stay.
fn part<T>(members: &mut BTreeMap<usize, T>, stays: impl Fn(usize) -> bool) -> BTreeMap<usize, T> {
    let (stay, go) = mem::take(members).into_iter().partition(|(member, _)| stays(*member));
    *members = stay;
    go
}
