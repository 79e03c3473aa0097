//! Where the changes of a KID's tables are noted on its sources, and by which key.

use crate::error::{Error, Kind, Result};
use crate::pg::Schema;
use crate::replicate::capture::objects::{KeyColumn, Names};
use crate::replicate::capture::records::Recorded;
use crate::replicate::catalog::shape::{Key, Shape};
use crate::replicate::ids::{ById, ByMember, MemberId};
use crate::replicate::plan::no_usable_key;
use crate::replicate::snapshot::Snapshot;
use std::collections::BTreeMap;

/// What is on record of the captures on the sources, by their numbers, and which of them are read.
#[derive(Default)]
pub(super) struct Noted {
    pub captures: ByMember<BTreeMap<u32, Vec<Recorded>>>,
    pub schemas: ByMember<Schema>,
    pub gaps: ByMember<BTreeMap<u32, i64>>,
    /// By source and receiver; read only while there are several captures of a table.
    pub receipts: BTreeMap<(MemberId, MemberId), Option<Snapshot>>,
    /// With the key's columns as they are captured.
    chosen: BTreeMap<(MemberId, u32), (Names, Vec<KeyColumn>)>,
    /// The sources where the newest captures are read, and since when those hold everything.
    pub settled: ByMember<i64>,
}

impl Noted {
    fn captures(&self, number: MemberId, table: u32) -> &[Recorded] {
        self.captures.get(&number).and_then(|tables| tables.get(&table)).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether all receivers have everything from before the newest captures of a table.
    pub fn newest_serves(&self, shapes: &ById<MemberId, Shape>) -> bool {
        let serves = |((from, _), receipt): (&(MemberId, MemberId), &Option<Snapshot>)| {
            self.captures(*from, shapes[*from].oid).last().is_none_or(|newest| newest.serves(receipt.as_ref()))
        };
        self.receipts.iter().all(serves)
    }

    /// Chooses the capture of a table that is read, the newest or the one before it.
    pub fn choose(&mut self, number: MemberId, shape: &mut Shape, newest: bool) -> Result<()> {
        let all = self.captures(number, shape.oid);
        let at = if newest { all.len().checked_sub(1) } else { all.len().checked_sub(2).or(all.len().checked_sub(1)) };
        let Some(one) = at.and_then(|at| all.get(at)) else { return Ok(()) };
        if !one.readable() {
            let sentence =
                format!("The key by which changes of table \"{}\" are noted is not there any more", shape.relation.label());
            return Err(Error::new(Kind::Mismatch, sentence).hint("Validate the sync."));
        }
        one.refuse_other_types(shape)?;
        let (names, key, since) = (one.capture.names.clone(), one.key(), one.since);
        let same =
            |other: &&Key| other.columns.len() == key.columns.len() && key.columns.iter().all(|k| other.columns.contains(k));
        let has = shape.keys.iter().find(same).cloned();
        // Only while another key takes over, the old one need not be a key any more.
        if has.is_none() && at.is_some_and(|at| at + 1 == all.len()) {
            let columns: Vec<&str> = key.columns.iter().map(String::as_str).collect();
            return Err(no_usable_key(shape, &columns));
        }
        let captured = one.capture.columns.clone();
        shape.keys = vec![has.unwrap_or(key)];
        self.chosen.insert((number, shape.oid), (names, captured));
        if let Some(since) = since.filter(|_| newest) {
            let settled = self.settled.entry(number).or_default();
            *settled = (*settled).max(since);
        }
        Ok(())
    }

    /// The names of what a plan reads, and the number by which it is seen that this is to be chosen
    /// again.
    pub fn of(&self, shape: &Shape, from: MemberId, to: MemberId) -> (Names, Vec<KeyColumn>, i64) {
        let receipt = self.receipts.get(&(from, to)).and_then(Option::as_ref);
        let all = self.captures(from, shape.oid).iter();
        let seen = all.filter(|one| one.since.is_some_and(|since| receipt.is_some_and(|receipt| receipt.sees(since)))).count();
        let gaps = self.gaps.get(&from).and_then(|tables| tables.get(&shape.oid)).copied().unwrap_or_default();
        let schema = self.schemas.get(&from).copied().unwrap_or_default();
        let by_key = || (Names::of(schema, &shape.relation), Vec::new());
        let (names, captured) = self.chosen.get(&(from, shape.oid)).cloned().unwrap_or_else(by_key);
        (names, captured, i64::try_from(seen).unwrap_or_default() + gaps)
    }
}
