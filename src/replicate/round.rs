//! The round: every change that is committed on the source when it begins reaches the target, in one transaction together with the
//! receipt that says so.
//!
//! A crash anywhere before the target's commit leaves nothing; a crash after it leaves both rows and receipt. So a round
//! that is repeated carries what is still missing and nothing twice, without two-phase commit.

use crate::error::{Error, Kind, Result};
use crate::replicate::plan::Plan;
use crate::replicate::relay;
use crate::replicate::sequence::Sequences;
use crate::replicate::snapshot::{Snapshot, Span};
use crate::replicate::source::{Look, Pending, Source, span};
use crate::replicate::step::{Step, Watcher};
use crate::replicate::target::{Counts, Target};

/// Everything one KID needs to carry one sync's changes from its source to one target.
pub struct Carrier {
    /// The sync.
    pub sync: String,
    /// The source's name in the control database.
    pub source_name: String,
    /// The target's name in the control database.
    pub target_name: String,
    /// The source's session.
    pub source: Source,
    /// The target's session.
    pub target: Target,
    plans: Vec<Plan>,
    sequences: Sequences,
    receipt: Option<Snapshot>,
    batch: i64,
    encoding: String,
    noted: bool,
    cut: bool,
    whole: bool,
}

/// What a round did.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was pending; the transactions that were running at that time.
    Nothing {
        /// Their ids.
        running: Vec<i64>,
    },
    /// A table got another column, or is another table, since the plans were made: nothing can be carried with them.
    Outdated,
    /// Rows were carried.
    Carried {
        /// How many.
        counts: Counts,
        /// Whether that was everything the round's snapshot saw; if not, the backlog was cut.
        all: bool,
    },
}

impl Carrier {
    /// Puts the parts together and reads the receipt. `batch` is the number of changes of one table after which a backlog is cut.
    pub fn new(names: [&str; 3], mut source: Source, mut target: Target, plans: Vec<Plan>, batch: i64) -> Result<Carrier> {
        let [sync, source_name, target_name] = names.map(str::to_owned);
        let receipt = target.receipt(&sync, &source_name)?;
        source.still_has(&sync, &target_name, receipt.as_ref())?;
        let encoding = common_encoding(&mut source, &mut target)?;
        Ok(Carrier {
            sync,
            source_name,
            target_name,
            source,
            target,
            plans,
            sequences: Sequences::default(),
            receipt,
            batch,
            encoding,
            noted: false,
            cut: false,
            whole: false,
        })
    }

    /// Carries these sequences as well.
    pub fn with_sequences(self, sequences: Sequences) -> Carrier {
        Carrier { sequences, ..self }
    }

    /// Runs one round. After an error everything is rolled back and another round may be tried; see [`Carrier::repeats_after`].
    pub fn round(&mut self, watcher: &mut dyn Watcher) -> Result<Outcome> {
        let outcome = self.try_round(watcher).and_then(|outcome| {
            self.sequences.carry(&mut self.source.conn, &mut self.target.conn)?;
            Ok(outcome)
        });
        match &outcome {
            Ok(_) => self.whole = false,
            Err(_) => self.abandon(),
        }
        outcome
    }

    /// Whether a round that failed so is worth running again at once: when it collided with another transaction, or when a part of a
    /// backlog broke a constraint that the whole of it may well keep, as rows can exchange unique values across the cut.
    pub fn repeats_after(&mut self, error: &Error) -> bool {
        let parted = error.kind() == Kind::Violation && self.cut && !self.whole;
        self.whole |= parted;
        parted || error.kind() == Kind::Collision
    }

    fn try_round(&mut self, watcher: &mut dyn Watcher) -> Result<Outcome> {
        self.source.begin()?;
        watcher.at(Step::BeforeCheckRows, None)?;
        let look = self.source.look(&self.plans, self.receipt.as_ref())?;
        watcher.at(Step::Looked, None)?;
        if look.attributes != self.plans.iter().map(|plan| plan.attributes).sum::<i64>() {
            self.source.commit()?;
            return Ok(Outcome::Outdated);
        }
        if look.changed.is_empty() {
            self.source.commit()?;
            return Ok(Outcome::Nothing { running: look.now.running });
        }
        let counts = self.carry(&look, watcher)?;
        Ok(Outcome::Carried { counts, all: !self.cut })
    }

    fn carry(&mut self, look: &Look, watcher: &mut dyn Watcher) -> Result<Counts> {
        let pending = self.measure(look)?;
        let batch = if self.whole { i64::MAX } else { self.batch };
        let span = span(self.receipt.clone(), &look.now, &pending, batch);
        self.cut = span.cut.is_some();
        watcher.at(Step::BeforeTriggerDrop, None)?;
        self.target.begin(&self.sync, &self.source_name, self.receipt.as_ref())?;
        watcher.at(Step::AfterTriggerDrop, None)?;
        let mut counts = Counts::default();
        for (table, pending) in look.changed.iter().zip(&pending) {
            counts += self.carry_table(*table, *pending, &span, watcher)?;
        }
        let read: Vec<u32> = look.changed.iter().map(|table| self.plans[*table].oid).collect();
        self.source.was_not_rewritten(&read)?;
        self.finish(look, &span, watcher)?;
        Ok(counts)
    }

    fn measure(&mut self, look: &Look) -> Result<Vec<Pending>> {
        let span = Span { after: self.receipt.clone(), cut: None };
        look.changed.iter().map(|table| self.source.measure(&self.plans[*table], &span, self.batch + 1)).collect()
    }

    fn carry_table(&mut self, table: usize, pending: Pending, span: &Span, watcher: &mut dyn Watcher) -> Result<Counts> {
        let plan = &self.plans[table];
        let mut counts = Counts::default();
        self.target.stage(table, plan)?;
        if pending.truncated {
            counts += self.target.empty(plan)?;
        }
        watcher.at(Step::Ship, Some(&plan.source))?;
        self.source.prefer_index(few(pending, plan))?;
        let mut tick = || watcher.tick();
        let query = plan.ship(span);
        relay::copy(&mut self.source.conn, &query, &mut self.target.conn, &plan.fill_stage(), &self.encoding, &mut tick)
            .map_err(|error| error.context(format!("table {}", plan.source.label())))?;
        watcher.at(Step::Apply, Some(&plan.source))?;
        counts += self.target.apply(plan).map_err(|error| error.context(format!("table {}", plan.target.label())))?;
        watcher.at(Step::AfterTableSync, Some(&plan.source))?;
        Ok(counts)
    }

    fn finish(&mut self, look: &Look, span: &Span, watcher: &mut dyn Watcher) -> Result<()> {
        let receipt = span.receipt(&look.now);
        self.target.write_receipt(&self.sync, &self.source_name, &receipt)?;
        watcher.at(Step::BeforeTriggerEnable, None)?;
        watcher.at(Step::AfterTriggerEnable, None)?;
        self.source.commit()?;
        self.source.settle(look)?;
        self.target.commit(&self.plans)?;
        self.receipt = Some(receipt);
        self.noted = false;
        watcher.at(Step::Committed, None)
    }

    /// Rolls back both sides, as far as they are there, and reads the receipt again: somebody else may have moved it.
    fn abandon(&mut self) {
        // A connection that is gone shows itself again, with its reason, at the next use.
        let rolled_back = self.source.rollback().and_then(|()| self.target.rollback(&self.plans));
        if let Ok(receipt) = rolled_back.and_then(|()| self.target.receipt(&self.sync, &self.source_name)) {
            self.receipt = receipt;
        }
    }

    /// Looks whether anything is pending, and which transactions are running.
    pub fn peek(&mut self) -> Result<(bool, Vec<i64>)> {
        self.source.begin()?;
        let look = self.source.look(&self.plans, self.receipt.as_ref())?;
        self.source.commit()?;
        Ok((!look.changed.is_empty(), look.now.running))
    }

    /// Tells the source how far the target is, once after each move.
    pub fn note_receipt(&mut self) -> Result<()> {
        if let (false, Some(receipt)) = (self.noted, &self.receipt) {
            self.source.note_receipt(&self.sync, &self.target_name, receipt)?;
            self.noted = true;
        }
        Ok(())
    }

    /// The tables' plans.
    pub fn plans(&self) -> &[Plan] {
        &self.plans
    }
}

/// Few enough keys, beside the rows of the table, to fetch each through the index.
fn few(pending: Pending, plan: &Plan) -> bool {
    pending.changes < 1000 || (pending.changes as f32) * 20.0 < plan.rows
}

/// Bytes pass unchanged between servers of one encoding, whatever they are; else both sides speak UTF8.
fn common_encoding(source: &mut Source, target: &mut Target) -> Result<String> {
    let sql = "select current_setting('server_encoding')";
    let ours: String = source.conn.query_one(sql, &[])?.get(0);
    let theirs: String = target.conn.query_one(sql, &[])?.get(0);
    let same = ours == theirs && ours.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    Ok(if same { ours } else { "UTF8".to_owned() })
}
