//! Sequences of a herd: each round gives the receivers the source's value where it changed; among masters, the winner's.
//!
//! A sequence's value belongs to no transaction, on either side, so neither does carrying it: it is set when the rows have been committed, and
//! setting it again does no harm. What was sent is remembered by each kid for its own receivers.

use crate::error::{Error, Result};
use crate::pg::ident::literal;
use crate::pg::{Connection, Relation};
use crate::replicate::resolve::SequenceStrategy;
use crate::replicate::source::Source;
use crate::replicate::target::Target;
use std::collections::BTreeMap;

/// A sequence's state: `last_value` and `is_called`.
type Value = (i64, bool);

/// One sequence: its name on each member, and who wins.
#[derive(Debug, Clone)]
pub struct Sequence {
    /// By member.
    pub names: Vec<Relation>,
    /// Among masters.
    pub strategy: SequenceStrategy,
}

/// The sequences of a herd.
#[derive(Debug, Default)]
pub struct Sequences {
    all: Vec<Sequence>,
    /// What each member is known to have, by member and sequence.
    known: BTreeMap<usize, Vec<Option<Value>>>,
}

impl Sequences {
    /// For these sequences.
    pub fn new(all: Vec<Sequence>) -> Sequences {
        Sequences { all, known: BTreeMap::new() }
    }

    /// Sets at the receivers what changed since this was last called; returns how many that were.
    pub fn carry(&mut self, sources: &mut BTreeMap<usize, Source>, targets: &mut BTreeMap<usize, Target>) -> Result<usize> {
        if self.all.is_empty() {
            return Ok(0);
        }
        for (member, source) in sources.iter_mut() {
            self.known.insert(*member, self.read(*member, &mut source.conn)?);
        }
        let masters: Vec<usize> = sources.keys().copied().collect();
        let mut changed = 0;
        for (member, target) in targets.iter_mut() {
            if !self.known.contains_key(member) {
                let there = self.read(*member, &mut target.conn)?;
                self.known.insert(*member, there);
            }
            changed += self.set(*member, &masters, &mut target.conn)?;
        }
        Ok(changed)
    }

    fn set(&mut self, member: usize, masters: &[usize], target: &mut Connection) -> Result<usize> {
        let mut changed = 0;
        for n in 0..self.all.len() {
            let Some(wanted) = self.wanted(n, masters).filter(|value| self.value(member, n) != Some(*value)) else {
                continue;
            };
            let sequence = &self.all[n];
            let forward = masters.len() > 1 && sequence.strategy == SequenceStrategy::Highest;
            let set = if forward { raise(&sequence.names[member], wanted) } else { set(&sequence.names[member], wanted) };
            target.batch(&set).map_err(|error| self.named(error, n))?;
            if let Some(known) = self.known.get_mut(&member) {
                known[n] = Some(wanted);
            }
            changed += 1;
        }
        Ok(changed)
    }

    fn value(&self, member: usize, n: usize) -> Option<Value> {
        self.known.get(&member).and_then(|values| values[n])
    }

    /// The value that all shall have; none where each keeps its own.
    fn wanted(&self, n: usize, masters: &[usize]) -> Option<Value> {
        let values: Vec<Value> = masters.iter().filter_map(|master| self.value(*master, n)).collect();
        match values[..] {
            [only] => Some(only),
            _ => self.all[n].strategy.winner(&values).map(|winner| values[winner]),
        }
    }

    fn read(&self, member: usize, conn: &mut Connection) -> Result<Vec<Option<Value>>> {
        let each = self
            .all
            .iter()
            .enumerate()
            .map(|(n, sequence)| format!("select {n}, last_value::bigint, is_called from {}", sequence.names[member]));
        let query = conn.keep(&each.collect::<Vec<_>>().join(" union all "))?;
        let mut values = vec![None; self.all.len()];
        for row in conn.query(&query, &[])? {
            if let Some(value) = usize::try_from(row.get::<_, i32>(0)).ok().and_then(|n| values.get_mut(n)) {
                *value = Some((row.get(1), row.get(2)));
            }
        }
        Ok(values)
    }

    fn named(&self, error: Error, n: usize) -> Error {
        error.context(format!("sequence {}", self.all[n].names[0].label()))
    }
}

fn set(name: &Relation, (last, called): Value) -> String {
    format!("select pg_catalog.setval({}, {last}, {called})", literal(&name.to_string()))
}

/// Not where it is higher by now: applications draw numbers from a master's sequence while we look at it. The first statement waits for whoever
/// is changing the sequence, so that the second sees what came of that.
fn raise(name: &Relation, value: Value) -> String {
    let (last, called) = value;
    format!(
        "select pg_catalog.pg_sequence_last_value({}); {} from {name} where (last_value, is_called) < ({last}, {called})",
        literal(&name.to_string()),
        set(name, value)
    )
}
