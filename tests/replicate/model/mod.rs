//! A model of the round among masters, in memory: that all become equal is tried on millions of
//! histories.
//!
//! Members are maps with unique constraints; applications write between any two steps of a round,
//! and a KID may die between any two commits. What is modelled is what `src/replicate/README.md`
//! says under "Why masters agree": which changes a round takes, who wins, which row gives way where
//! two claim the same value, and what a receiver notes as a change of its own. Snapshots and
//! receipts are those of the program; the decisions, which the program makes in SQL, are copied
//! faithfully.

mod histories;
mod member;
mod round;

use member::{Key, Member, Write};
use round::{Rules, Strategy};

/// Everything there is.
#[derive(Debug, Clone)]
struct World {
    members: Vec<Member>,
    /// What the receiver (second) has of the source (first).
    receipts: Vec<Vec<bucardo::replicate::snapshot::Snapshot>>,
    clock: i64,
    rules: Rules,
    strategy: Strategy,
    /// What happens at which point of time, last first.
    script: Vec<(usize, Event)>,
    point: usize,
    /// Rows that lost by the record of a conflict.
    lost: Vec<(Key, u32)>,
    /// Rows that somebody replaced or deleted who knew them.
    replaced: Vec<u32>,
    /// Writes that made a row.
    made: Vec<u32>,
    writes: u32,
}

/// What happens beside the rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    /// A transaction begins: it has an id and a time.
    Begin(usize),
    /// The oldest open transaction of a member, or a new one, writes and commits.
    Write(usize, Write),
    /// The KID dies at the next moment at which it can.
    Die,
}
