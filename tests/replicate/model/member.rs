//! A member: rows under a unique constraint, the delta that its triggers write, and the
//! transactions that are open.

use bucardo::replicate::snapshot::Snapshot;
use std::collections::BTreeMap;

pub type Key = u8;

/// A row: a value that no two rows may share (0 is NULL), and which write made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    pub claim: u8,
    pub write: u32,
}

/// What an application does in one transaction. What would break a constraint is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    Insert(Key, u8),
    /// Gives a row another value.
    Claim(Key, u8),
    /// Changes something else of a row.
    Touch(Key),
    Delete(Key),
    Truncate,
}

/// A line of the delta; without a key, a TRUNCATE.
#[derive(Debug, Clone, Copy)]
pub struct Change {
    pub txid: i64,
    pub key: Option<Key>,
    pub time: i64,
    /// It came late and lost: the sync does not carry it.
    pub settled: bool,
}

#[derive(Debug, Clone, Default)]
pub struct Member {
    pub rows: BTreeMap<Key, Row>,
    pub delta: Vec<Change>,
    next: i64,
    /// Transactions that have begun and not written: their ids and times.
    open: Vec<(i64, i64)>,
    /// Those of a KID.
    pub busy: Vec<i64>,
    /// Keys and values that a KID's open transaction has written: whoever wants them waits.
    pub held: Option<(Vec<Key>, Vec<u8>)>,
}

impl Member {
    pub fn new() -> Member {
        Member { next: 1, ..Member::default() }
    }

    pub fn begin(&mut self) -> i64 {
        self.next += 1;
        self.next - 1
    }

    pub fn open(&mut self, time: i64) {
        let txid = self.begin();
        self.open.push((txid, time));
    }

    /// Transactions that wrote nothing end.
    pub fn close(&mut self) {
        self.open.clear();
    }

    pub fn snapshot(&self) -> Snapshot {
        let mut running: Vec<i64> = self.open.iter().map(|(txid, _)| *txid).chain(self.busy.iter().copied()).collect();
        running.sort_unstable();
        Snapshot { xmin: running.first().copied().unwrap_or(self.next), xmax: self.next, running }
    }

    pub fn claimed(&self, claim: u8, by_others_than: Key) -> bool {
        claim != 0 && self.rows.iter().any(|(key, row)| row.claim == claim && *key != by_others_than)
    }

    /// Says whether it wrote.
    pub fn write(&mut self, write: Write, time: i64, number: u32) -> bool {
        let waits = match (&self.held, write) {
            (None, _) => false,
            (Some(_), Write::Truncate) => true,
            (Some((keys, values)), Write::Insert(key, claim) | Write::Claim(key, claim)) => {
                keys.contains(&key) || values.contains(&claim)
            }
            (Some((keys, _)), Write::Touch(key) | Write::Delete(key)) => keys.contains(&key),
        };
        let there = |key: Key| self.rows.contains_key(&key);
        let fits = match write {
            Write::Insert(key, claim) => !there(key) && !self.claimed(claim, key),
            Write::Claim(key, claim) => there(key) && !self.claimed(claim, key),
            Write::Touch(key) | Write::Delete(key) => there(key),
            Write::Truncate => true,
        };
        if waits || !fits {
            return false;
        }
        let (txid, time) = match self.open.is_empty() {
            true => (self.begin(), time),
            false => self.open.remove(0),
        };
        let key = match write {
            Write::Insert(key, claim) | Write::Claim(key, claim) => {
                self.rows.insert(key, Row { claim, write: number });
                Some(key)
            }
            Write::Touch(key) => {
                self.rows.entry(key).and_modify(|row| row.write = number);
                Some(key)
            }
            Write::Delete(key) => {
                self.rows.remove(&key);
                Some(key)
            }
            Write::Truncate => {
                self.rows.clear();
                None
            }
        };
        self.delta.push(Change { txid, key, time, settled: false });
        true
    }
}
