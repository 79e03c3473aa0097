//! The target's side of a round: the receipt, the stages, and applying.

use crate::error::{Error, Kind, Result};
use crate::pg::{Connection, session};
use crate::replicate::plan::Plan;
use crate::replicate::snapshot::Snapshot;
use std::collections::BTreeSet;
use std::ops::AddAssign;

/// Stages kept in a session. Each is emptied at every commit, so a herd of hundreds of tables must not keep them all.
const STAGES_KEPT: usize = 40;

/// A session on a target.
pub struct Target {
    /// The session.
    pub conn: Connection,
    stages: BTreeSet<usize>,
}

/// Rows written on a target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows that were there and were replaced.
    pub updates: i64,
    /// Rows that were not there.
    pub inserts: i64,
    /// Rows that are gone.
    pub deletes: i64,
}

impl Counts {
    /// Whether nothing was written.
    pub fn none(&self) -> bool {
        *self == Counts::default()
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.updates += other.updates;
        self.inserts += other.inserts;
        self.deletes += other.deletes;
    }
}

impl Target {
    /// Prepares a session from [`Connection::open_replicated`]: triggers and rules are off.
    pub fn new(mut conn: Connection) -> Result<Target> {
        session::require_replica_role(&mut conn)?;
        Ok(Target { conn, stages: BTreeSet::new() })
    }

    /// The receipt for what came from `source`, as last committed.
    pub fn receipt(&mut self, sync: &str, source: &str) -> Result<Option<Snapshot>> {
        self.conn.execute(
            "insert into bucardo.bucardo_track (sync, source) values ($1, $2) on conflict (sync, source) do nothing",
            &[&sync, &source],
        )?;
        self.read_receipt("", sync, source)
    }

    /// Opens the round's transaction and holds the receipt, so that no second process can carry the same changes. One that differs from
    /// `expected` was moved by somebody else: [`Kind::Collision`].
    pub fn begin(&mut self, sync: &str, source: &str, expected: Option<&Snapshot>) -> Result<()> {
        self.conn.batch("begin isolation level read committed")?;
        let held = self.read_receipt(" for update", sync, source)?;
        if held.as_ref() == expected {
            return Ok(());
        }
        Err(Error::new(Kind::Collision, "another process moved the receipt of this target"))
    }

    fn read_receipt(&mut self, lock: &str, sync: &str, source: &str) -> Result<Option<Snapshot>> {
        let sql = format!("select receipt::text from bucardo.bucardo_track where sync = $1 and source = $2{lock}");
        let read = self.conn.keep(&sql)?;
        let row = self
            .conn
            .query_opt(&read, &[&sync, &source])?
            .ok_or_else(|| Error::new(Kind::Mismatch, format!("the receipt of sync \"{sync}\" is missing on the target")))?;
        row.get::<_, Option<&str>>(0).map(Snapshot::parse).transpose()
    }

    /// Makes sure that a table's stage exists.
    pub fn stage(&mut self, table: usize, plan: &Plan) -> Result<()> {
        if self.stages.insert(table) {
            self.conn.batch(&plan.create_stage())?;
        }
        Ok(())
    }

    /// Applies a filled stage.
    pub fn apply(&mut self, plan: &Plan) -> Result<Counts> {
        let rows = self.numbers(&plan.apply())?;
        match rows[..] {
            [(replaced, deletes), (fresh, written)] => {
                Ok(Counts { updates: replaced + written, inserts: fresh - replaced, deletes })
            }
            _ => Err(Error::new(Kind::Bug, "applying a stage gave an unexpected answer")),
        }
    }

    /// Removes all rows of a table, for a TRUNCATE.
    pub fn empty(&mut self, plan: &Plan) -> Result<Counts> {
        let deletes = self.conn.execute(&plan.empty_target(), &[])?;
        Ok(Counts { deletes: i64::try_from(deletes).unwrap_or(i64::MAX), ..Counts::default() })
    }

    fn numbers(&mut self, sql: &str) -> Result<Vec<(i64, i64)>> {
        let messages = self.conn.simple_query(sql)?;
        let number = |row: &postgres::SimpleQueryRow, column| row.get(column).and_then(|text| text.parse().ok());
        let pair = |row: &postgres::SimpleQueryRow| Some((number(row, 0)?, number(row, 1)?));
        Ok(messages
            .iter()
            .filter_map(|message| match message {
                postgres::SimpleQueryMessage::Row(row) => pair(row),
                _ => None,
            })
            .collect())
    }

    /// Writes the new receipt into the open transaction.
    pub fn write_receipt(&mut self, sync: &str, source: &str, receipt: &Snapshot) -> Result<()> {
        let write = self.conn.keep(
            "update bucardo.bucardo_track set receipt = $3::text::txid_snapshot, received = clock_timestamp() \
             where sync = $1 and source = $2",
        )?;
        self.conn.execute(&write, &[&sync, &source, &receipt.to_string()])?;
        Ok(())
    }

    /// Commits, and drops stages when there are too many.
    pub fn commit(&mut self, plans: &[Plan]) -> Result<()> {
        self.conn.batch("commit")?;
        if self.stages.len() > STAGES_KEPT {
            let drops: Vec<String> =
                std::mem::take(&mut self.stages).into_iter().map(|table| plans[table].drop_stage()).collect();
            self.conn.batch(&drops.join("; "))?;
        }
        Ok(())
    }

    /// Rolls back. Stages made in this transaction are gone with it, so all are made anew.
    pub fn rollback(&mut self, plans: &[Plan]) -> Result<()> {
        let drops: Vec<String> = std::mem::take(&mut self.stages).into_iter().map(|table| plans[table].drop_stage()).collect();
        self.conn.batch(&format!("rollback; {}", drops.join("; ")))
    }
}
