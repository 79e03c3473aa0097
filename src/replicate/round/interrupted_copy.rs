//! A copy among masters that was interrupted: some receivers have committed it, the others have
//! not.
//!
//! Who has it keeps it, with all that was written there since; the others get it in the next round.
//! What they get is the first master's table, and after that nothing is pending for them, whoever
//! wrote it. So whatever was written on a filled receiver must have reached the first master
//! before. If it has not, the first master and the filled receivers have a round among themselves,
//! as if there were no others.

use super::{Carrier, Lane, Outcome, Sessions, Table};
use crate::error::Result;
use crate::replicate::ids::{ById, ByMember, LaneId, MemberId, TableId};
use crate::replicate::round::step::Watcher;
use crate::replicate::session::source::Source;
use crate::replicate::session::target::Target;
use std::collections::{BTreeMap, BTreeSet};
use std::mem;

/// The members and lanes that have no part in a round.
struct Parked {
    /// With the numbers they had, ascending.
    lanes: Vec<(LaneId, Lane)>,
    sources: ByMember<Source>,
    targets: ByMember<Target>,
}

/// Copies of all tables.
#[derive(Default)]
pub struct Copies {
    /// Changes are not looked for: each job copies all tables as a whole.
    pub only: bool,
    /// The request by which tables are copied once, to be noted on the receivers.
    pub asked: Option<String>,
    /// The receivers where that is noted already: they have the copy.
    pub filled: BTreeSet<MemberId>,
}

impl Copies {
    /// Whether copies go this way: to all receivers but the filled ones.
    pub(super) fn take(&self, lane: &Lane) -> bool {
        lane.from.is_first() && !self.filled.contains(&lane.to)
    }

    /// Of these lanes, those to receivers that have the copy.
    pub(super) fn to_filled(&self, lanes: &[LaneId], sessions: &Sessions) -> Vec<LaneId> {
        lanes.iter().copied().filter(|lane| self.filled.contains(&sessions.lanes[*lane].to)).collect()
    }

    /// Whether filled receivers have changes, of `tables` that are to be copied to others, that the
    /// first master or another of them lacks.
    fn filled_have_news(
        &self,
        changed: &BTreeMap<TableId, Vec<LaneId>>,
        tables: &ById<TableId, Table>,
        sessions: &Sessions,
    ) -> bool {
        let filled = |member: MemberId| self.filled.contains(&member);
        let news = |lane: &Lane| filled(lane.from) && (lane.to.is_first() || filled(lane.to));
        let copied = changed.iter().filter(|(table, _)| tables[**table].copy);
        copied.flat_map(|(_, lanes)| lanes).any(|lane| news(&sessions.lanes[*lane]))
    }

    /// Notes on a receiver, in its transaction, that it has the copy; it counts as filled if that
    /// commits.
    pub(super) fn note(&self, sync: &str, number: MemberId, target: &mut Target) -> Result<()> {
        match self.asked.as_ref().filter(|_| !number.is_first()) {
            Some(asked) => target.note_copied(sync, asked),
            None => Ok(()),
        }
    }

    /// A receiver has committed.
    pub(super) fn committed(&mut self, number: MemberId) {
        if self.asked.is_some() && !number.is_first() {
            self.filled.insert(number);
        }
    }

    /// All receivers have the copy.
    pub(super) fn done(&mut self) {
        self.asked = None;
        self.filled.clear();
    }
}

impl Sessions {
    /// Parts with all but these members.
    fn park(&mut self, stays: impl Fn(MemberId) -> bool) -> Parked {
        let mut lanes = Vec::new();
        let ids = self.lanes.ids();
        for (id, lane) in ids.zip(mem::take(&mut self.lanes).into_vec()) {
            match stays(lane.from) && stays(lane.to) {
                true => self.lanes.push(lane),
                false => lanes.push((id, lane)),
            }
        }
        Parked { lanes, sources: part(&mut self.sources, &stays), targets: part(&mut self.targets, &stays) }
    }

    fn unpark(&mut self, parked: Parked) {
        parked.lanes.into_iter().for_each(|(id, lane)| self.lanes.insert(id, lane));
        self.sources.extend(parked.sources);
        self.targets.extend(parked.targets);
    }
}

impl Carrier {
    /// Whether a copy was interrupted, and what was written since where it has arrived comes first.
    pub(super) fn filled_have_news(&self, changed: &BTreeMap<TableId, Vec<LaneId>>) -> bool {
        self.parts.copies.filled_have_news(changed, &self.parts.tables, &self.parts.sessions)
    }

    /// A round among the first master and the filled receivers, in which nothing is copied; after
    /// it, there is more to do.
    pub(super) fn round_among_filled(&mut self, watcher: &mut dyn Watcher) -> Result<Outcome> {
        let copies = mem::take(&mut self.parts.copies);
        let copied: Vec<bool> = self.parts.tables.iter_mut().map(|table| mem::take(&mut table.copy)).collect();
        let parked = self.parts.sessions.park(|member| member.is_first() || copies.filled.contains(&member));
        let outcome = self.try_round(watcher);
        self.parts.sessions.unpark(parked);
        self.parts.tables.iter_mut().zip(copied).for_each(|(table, copy)| table.copy = copy);
        self.parts.copies = copies;
        outcome.map(|outcome| match outcome {
            Outcome::Carried { counts, .. } => Outcome::Carried { counts, all: false },
            other => other,
        })
    }
}

/// Takes out those that do not stay.
fn part<T>(members: &mut ByMember<T>, stays: impl Fn(MemberId) -> bool) -> ByMember<T> {
    let (stay, go): (Vec<_>, Vec<_>) = mem::take(members).into_iter().partition(|(member, _)| stays(*member));
    *members = stay.into_iter().collect();
    go.into_iter().collect()
}
