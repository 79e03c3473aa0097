//! Sequences of a herd: each round gives the receivers the source's value where it changed; among
//! masters, the winner's, as far as it means anything for their own (see [`Numbers`]).
//!
//! A sequence's value belongs to no transaction, on either side, so neither does carrying it: it is
//! set when the rows have been committed, and setting it again does no harm. What was sent is
//! remembered by each kid for its own receivers.

use crate::error::{Error, Kind, Result};
use crate::pg::ident::literal;
use crate::pg::{Connection, Relation};
use crate::replicate::ids::{ById, ByMember, MemberId};
use crate::replicate::plan::sequence_numbers::Numbers;
use crate::replicate::plan::strategy::SequenceStrategy;
use crate::replicate::session::source::Source;
use crate::replicate::session::target::Target;

/// One sequence: its name on each member, and who wins.
#[derive(Debug, Clone)]
pub struct Sequence {
    /// What it is called on each.
    pub names: ById<MemberId, Relation>,
    /// Among masters.
    pub strategy: SequenceStrategy,
}

/// States by member and sequence.
type States = ByMember<Vec<Option<Numbers>>>;

/// The sequences of a herd.
#[derive(Debug, Default)]
pub struct Sequences {
    all: Vec<Sequence>,
    /// What each member is known to have.
    known: States,
    /// What each had when this was last done.
    before: States,
}

impl Sequences {
    /// For these sequences.
    pub fn new(all: Vec<Sequence>) -> Sequences {
        Sequences { all, known: States::default(), before: States::default() }
    }

    /// Sets at the receivers what changed since this was last called; returns how many that were.
    /// `databases` are the members' names.
    pub fn carry(
        &mut self,
        databases: &ById<MemberId, String>,
        sources: &mut ByMember<Source>,
        targets: &mut ByMember<Target>,
    ) -> Result<usize> {
        if self.all.is_empty() {
            return Ok(0);
        }
        for (member, source) in sources.iter_mut() {
            let there = self.read(*member, &mut source.conn).map_err(|error| on(databases, *member, error))?;
            self.known.insert(*member, there);
        }
        let masters: Vec<MemberId> = sources.keys().copied().collect();
        let mut changed = 0;
        for (member, target) in targets.iter_mut() {
            if !self.known.contains_key(member) {
                let there = self.read(*member, &mut target.conn).map_err(|error| on(databases, *member, error))?;
                self.known.insert(*member, there);
            }
            changed += self.set(*member, &masters, &mut target.conn)?;
        }
        self.before.clone_from(&self.known);
        Ok(changed)
    }

    fn set(&mut self, member: MemberId, masters: &[MemberId], target: &mut Connection) -> Result<usize> {
        let mut changed = 0;
        for n in 0..self.all.len() {
            let Some(here) = state(&self.known, member, n) else { continue };
            let Some(wanted) = self.wanted(n, &here, masters) else { continue };
            let sequence = &self.all[n];
            let forward = masters.len() > 1 && sequence.strategy == SequenceStrategy::Highest;
            if wanted == here || (forward && !here.cycle && wanted.position() <= here.position()) {
                continue;
            }
            let name = &sequence.names[member];
            let set = if forward { raise(name, &here, &wanted) } else { set(name, &wanted) };
            target.batch(&set).map_err(|error| self.named(error, n))?;
            if let Some(known) = self.known.get_mut(&member) {
                known[n] = Some(wanted);
            }
            changed += 1;
        }
        Ok(changed)
    }

    /// The state for the sequence that is `here`; none where each keeps its own. Where the furthest
    /// or the lowest wins, it is that among those whose numbers can be given out here.
    fn wanted(&self, n: usize, here: &Numbers, masters: &[MemberId]) -> Option<Numbers> {
        let states = masters.iter().filter_map(|master| Some((state(&self.known, *master, n)?, state(&self.before, *master, n))));
        let mut states: Vec<(Numbers, Option<Numbers>)> = states.collect();
        if let [(only, _)] = states[..] {
            return Some(Numbers { last: only.last, called: only.called, ..*here });
        }
        let strategy = self.all[n].strategy;
        if matches!(strategy, SequenceStrategy::Highest | SequenceStrategy::Lowest) {
            states.retain(|(state, _)| state.fitted(here).is_some());
        }
        let winner = strategy.winner(&states).map(|winner| states[winner].0)?;
        // Who takes turns with the lowest is always a little higher: that must not push the two
        // down in turns.
        let next_to_it = strategy == SequenceStrategy::Lowest && here.fitted(&winner) == Some(winner);
        if next_to_it { None } else { winner.fitted(here) }
    }

    fn read(&self, member: MemberId, conn: &mut Connection) -> Result<Vec<Option<Numbers>>> {
        let of = |(n, sequence): (usize, &Sequence)| {
            format!("select {n} as n, tableoid, last_value::bigint, is_called from {}", sequence.names[member])
        };
        let each: Vec<String> = self.all.iter().enumerate().map(of).collect();
        let query = format!(
            "select v.n, v.last_value, v.is_called, s.seqincrement, s.seqmin, s.seqmax, s.seqcycle \
             from ({}) as v join pg_sequence s on s.seqrelid = v.tableoid",
            each.join(" union all ")
        );
        let hold = hold(self.all.iter().map(|sequence| &sequence.names[member]));
        let rows = conn.within("begin", |conn| {
            conn.batch(&hold)?;
            let query = conn.prepare_cached(&query)?;
            Ok(conn.query(&query, &[])?)
        });
        let rows = rows.or_else(|error: Error| Err(self.missing(member, conn)?.unwrap_or(error)))?;
        let mut states = vec![None; self.all.len()];
        for row in rows {
            if let Some(state) = usize::try_from(row.get::<_, i32>(0)).ok().and_then(|n| states.get_mut(n)) {
                *state = Some(Numbers {
                    last: row.get(1),
                    called: row.get(2),
                    increment: row.get(3),
                    min: row.get(4),
                    max: row.get(5),
                    cycle: row.get(6),
                });
            }
        }
        Ok(states)
    }

    /// What is wrong where one of them is not there.
    fn missing(&self, member: MemberId, conn: &mut Connection) -> Result<Option<Error>> {
        let names: Vec<String> = self.all.iter().map(|sequence| sequence.names[member].to_string()).collect();
        let sql = "select position from unnest($1::text[]) with ordinality as s (name, position) \
                   where to_regclass(name) is null order by position limit 1";
        let row = conn.query_opt(sql, &[&names])?;
        let position = row.and_then(|row| usize::try_from(row.get::<_, i64>(0) - 1).ok());
        Ok(position.and_then(|position| self.all.get(position)).map(|sequence| missing(&sequence.names[member])))
    }

    fn named(&self, error: Error, n: usize) -> Error {
        error.context(format!("sequence {}", self.all[n].names[MemberId::FIRST].label()))
    }
}

fn on(databases: &ById<MemberId, String>, member: MemberId, error: Error) -> Error {
    error.context(format!("database \"{}\"", databases[member]))
}

/// The refusal of a sequence that is not there.
pub fn missing(sequence: &Relation) -> Error {
    let name = sequence.label();
    Error::new(Kind::NotFound, format!("Sequence \"{name}\" does not exist"))
        .hint(format!("Make it again, or take it out of all syncs: bucardo_ctl remove sequence {name}"))
}

/// The statement that fails unless these are sequences, and keeps them from being replaced until
/// the transaction ends. An owner could put a view in the place of one, whose functions would run
/// with the rights of our role.
fn hold<'a>(names: impl Iterator<Item = &'a Relation>) -> String {
    let names: Vec<String> = names.map(|name| literal(&name.to_string())).collect();
    format!(
        "select pg_catalog.count(pg_catalog.pg_sequence_last_value(s)) from unnest(array[{}]::regclass[]) as s",
        names.join(", ")
    )
}

fn state(states: &States, member: MemberId, n: usize) -> Option<Numbers> {
    states.get(&member).and_then(|states| states[n])
}

fn set(name: &Relation, to: &Numbers) -> String {
    format!("select pg_catalog.setval({}, {}, {})", literal(&name.to_string()), to.last, to.called)
}

/// Not where it has come further by now: applications draw numbers from a master's sequence while
/// we look at it. The first statement waits for whoever is changing the sequence, so that the
/// second sees what came of that. Of one that begins anew nobody can tell by its number, so it must
/// not have moved at all; the next round sees to it.
fn raise(name: &Relation, here: &Numbers, to: &Numbers) -> String {
    let unless = if here.cycle {
        format!("(last_value, is_called) = ({}, {})", here.last, here.called)
    } else {
        let (sign, increment) = (here.increment.signum(), here.increment);
        let position = format!("(last_value::numeric - case when is_called then 0 else {increment} end) * {sign}");
        format!("{position} < {}", to.position())
    };
    let waits = format!("select pg_catalog.pg_sequence_last_value({})", literal(&name.to_string()));
    format!("{waits}; {} from {name} where {unless}", set(name, to))
}
