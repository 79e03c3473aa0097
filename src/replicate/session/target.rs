//! The target's side of a round: the receipt, the stages, and applying.

use crate::control::channel;
use crate::control::queue::Counts;
use crate::error::{Error, Kind, Result};
use crate::pg::ident::literal;
use crate::pg::{Connection, session};
use crate::replicate::catalog::digest;
use crate::replicate::catalog::owner_path;
use crate::replicate::identity::installation;
use crate::replicate::ids::{ById, TableId};
use crate::replicate::plan::strategy::Strategy;
use crate::replicate::plan::{Plan, Receiver};
use crate::replicate::session::foreign_keys;
use crate::replicate::session::planner_settings::settings;
use crate::replicate::session::source::Mark;
use crate::replicate::session::temp_tables::Scratch;
use crate::replicate::snapshot::{Snapshot, Span};
use std::collections::BTreeMap;
use std::ops::AddAssign;

/// How often a table is applied when applications keep changing the same rows.
const MOST_TRIES: usize = 8;

/// A session on a target.
pub struct Target {
    /// The session.
    pub conn: Connection,
    scratch: Scratch,
    /// What sets the search_path under which a table is written, by table.
    paths: BTreeMap<String, String>,
    /// Foreign keys are checked, at the end, as far as they may; and what would help.
    checked: Option<String>,
    /// A crash of the server may undo the last commits: ours or, at first, those of whoever served
    /// this target before.
    unsettled: bool,
}

/// A receipt that is to be written.
#[derive(Debug, Clone)]
pub struct Written<'a> {
    /// The source.
    pub source: &'a str,
    /// Which of its changes are here.
    pub receipt: Snapshot,
    /// By what the source is recognised.
    pub mark: Option<Mark>,
}

/// What matters when a stage is applied where applications write as well.
#[derive(Debug, Clone, Copy)]
pub struct Beside<'a> {
    /// The receiver.
    pub receiver: Receiver<'a>,
    /// How conflicts are decided.
    pub strategy: Strategy,
    /// The last round was repeated because of what a late row decided: now it is decided here.
    pub insists: bool,
    /// Records of conflicts hold the rows.
    pub detailed: bool,
}

/// What had to be settled with the receiver's own rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settled {
    /// Keys that applications changed there after the round's snapshot were decided on the spot.
    pub judged: bool,
    /// Such keys are left to the next round.
    pub left: bool,
    /// Rows gave way to others that claim the same, which is noted as a change.
    pub gave_way: bool,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.updates += other.updates;
        self.inserts += other.inserts;
        self.deletes += other.deletes;
    }
}

impl Target {
    /// Prepares a session from [`Connection::open_replicated`]: triggers and rules are off, if that
    /// is allowed.
    pub fn new(mut conn: Connection) -> Result<Target> {
        let checked = session::apply_quietly(&mut conn)?;
        checked.iter().for_each(|note| log::warn!("Warning! On the target, {note}"));
        conn.batch(&conn.ours(PREPARE))?;
        digest::prepare(&mut conn)?;
        let (scratch, paths) = (Scratch::default(), BTreeMap::new());
        Ok(Target { conn, scratch, paths, checked, unsettled: true })
    }

    /// Whether triggers and rules can be switched off by now, and could not when the session began.
    pub fn may_be_quiet_now(&mut self) -> Result<bool> {
        Ok(self.checked.is_some() && session::try_replica_role(&mut self.conn)?)
    }

    /// The receipt for what came from `source`, as last committed.
    pub fn receipt(&mut self, sync: &str, source: &str) -> Result<Option<Snapshot>> {
        let sql = "insert into bucardo.bucardo_track (sync, source) values ($1, $2) on conflict (sync, source) do nothing";
        self.conn.execute(&*self.conn.ours(sql), &[&sync, &source])?;
        self.read_receipt(sync, source)
    }

    /// Opens the round's transaction and holds the receipts for what comes from these sources, so
    /// that no second process can carry the same changes. One that differs from what is expected
    /// was moved by somebody else: [`Kind::Collision`]. Takes these locks, too, and asks `compared`
    /// ([`digest::ask_changed`]), whose answer is a [`Kind::Outdated`]. All in one round trip.
    pub fn begin(
        &mut self,
        sync: &str,
        expected: &[(&str, Option<&Snapshot>)],
        locks: &[String],
        compared: Option<&str>,
    ) -> Result<()> {
        let deferred = if self.checked.is_some() { "; set constraints all deferred" } else { "" };
        let held: String = expected.iter().map(|(source, _)| format!("; {}", hold_receipt(sync, source))).collect();
        let locks: String = locks.iter().map(|lock| format!("; {lock}")).collect();
        let compared = compared.map(|compared| format!("; {compared}"));
        self.scratch.open();
        let asked = compared.as_deref().unwrap_or_default();
        let mut held = self.conn.first_column(&format!("begin isolation level read committed{deferred}{held}{locks}{asked}"))?;
        if let Some(table) = compared.and_then(|_| held.pop().flatten()) {
            return Err(digest::outdated(&table));
        }
        let expected: Vec<Option<String>> = expected.iter().map(|(_, receipt)| receipt.map(Snapshot::to_string)).collect();
        match held == expected {
            true => Ok(()),
            false => Err(Error::new(Kind::Collision, "another process moved the receipt of this target")),
        }
    }

    fn read_receipt(&mut self, sync: &str, source: &str) -> Result<Option<Snapshot>> {
        let (named, from) = (literal(sync), literal(source));
        let ours = self.conn.schema();
        let sql = format!("select receipt::text from {ours}.bucardo_track where sync = {named} and source = {from}");
        let found = self.conn.first_column(&sql)?;
        let missing = || Error::new(Kind::Mismatch, format!("the receipt of sync \"{sync}\" is missing on the target"));
        found.first().ok_or_else(missing)?.as_deref().map(Snapshot::parse).transpose()
    }

    /// Makes sure that a table's stage exists, and where to keep what has to be kept.
    pub fn stage(&mut self, plan: &Plan) -> Result<()> {
        self.scratch.ensure(&mut self.conn, || plan.create_stage(), plan.drop_stage())?;
        match plan.keeps() {
            true => self.scratch.ensure(&mut self.conn, || plan.create_kept(), plan.drop_kept()),
            false => Ok(()),
        }
    }

    /// Makes sure that the table for rows in conflict exists.
    pub fn details(&mut self, plan: &Plan) -> Result<()> {
        self.scratch.ensure(&mut self.conn, || plan.create_details(), plan.drop_details())
    }

    /// Makes sure that the tables exist in which the candidates of a conflict meet.
    pub fn candidates(&mut self, plan: &Plan) -> Result<()> {
        self.scratch.ensure(&mut self.conn, || plan.create_candidates(), plan.drop_candidates())
    }

    /// Those of these tables that can be written in sessions of their own, and whether TRUNCATE may
    /// empty them.
    pub fn apart(&mut self, plans: &ById<TableId, Plan>, wanted: &[TableId]) -> Result<Vec<(TableId, bool)>> {
        if self.checked.is_some() {
            return Ok(Vec::new());
        }
        let names: Vec<String> = wanted.iter().map(|table| plans[*table].target.to_string()).collect();
        let rows = self.conn.query(include_str!("../sql/apart.sql"), &[&names])?;
        let at = |row: &postgres::Row| wanted.get(usize::try_from(row.get::<_, i32>(0)).ok()?).copied();
        Ok(rows.iter().filter_map(|row| Some((at(row)?, row.get(1)))).collect())
    }

    /// The same plans, where the foreign keys of this session are in force.
    pub fn with_enforced_foreign_keys(&mut self, plans: Vec<Plan>) -> Result<Vec<Plan>> {
        foreign_keys::with_enforced_foreign_keys(&mut self.conn, plans, self.checked.as_deref())
    }

    /// An error with what would help where it is foreign keys in force that make a difference.
    pub fn advised(&self, error: Error) -> Error {
        foreign_keys::advised(error, self.checked.as_deref())
    }

    /// Whether a table has no rows.
    pub fn is_empty(&mut self, plan: &Plan) -> Result<bool> {
        self.says(&plan.target_is_empty())
    }

    /// The same, keeping no lock: other sessions of ours may have to have the table alone.
    pub fn was_empty(&mut self, plan: &Plan) -> Result<bool> {
        let glance = "savepoint bucardo_glance";
        self.says(&format!("{glance}; {}; rollback to {glance}; release {glance}", plan.target_is_empty()))
    }

    /// Applies a filled stage. Every row that it finds is to be written, so it always walks the
    /// index; and with that plan kept, planning does not take longer than running. What else is
    /// asked here is joined with lists that have no index, and is left to the planner.
    pub fn apply(&mut self, plan: &Plan) -> Result<Counts> {
        let [deletes, writes] = plan.apply();
        let [deletes, writes] = [self.conn.prepared(&deletes)?, self.conn.prepared(&writes)?];
        let (walk, forget) = (settings("local", true), settings("local", false));
        // What is kept is matched with the stage, and neither has an index.
        let all = match plan.keeps() {
            true => format!("{walk}; {deletes}; {forget}; {writes}"),
            false => format!("{walk}; {deletes}; {writes}; {forget}"),
        };
        let all = format!("{}; {all}; {}", self.path(plan)?, owner_path::OURS);
        let rows = self.numbers(&all).map_err(|error| self.advised_about(plan, error))?;
        match rows[..] {
            [(replaced, deletes), (fresh, written)] => {
                Ok(Counts { updates: replaced + written, inserts: fresh - replaced, deletes })
            }
            _ => Err(Error::new(Kind::Bug, "applying a stage gave an unexpected answer")),
        }
    }

    /// Does something that writes a table as its owner's statements do; see [`owner_path`]. Nothing
    /// in it may have to be looked up by a name of ours without schema.
    pub fn as_owner_s<T>(&mut self, plan: &Plan, work: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        let path = self.path(plan)?;
        self.conn.batch(&path)?;
        let done = work(&mut self.conn)?;
        self.conn.batch(owner_path::OURS).map(|()| done)
    }

    fn path(&mut self, plan: &Plan) -> Result<String> {
        let name = plan.target.to_string();
        if let Some(path) = self.paths.get(&name) {
            return Ok(path.clone());
        }
        let path = owner_path::of_tables(&mut self.conn, &[&plan.target])?.pop().unwrap_or_else(|| owner_path::OURS.to_owned());
        self.paths.insert(name, path.clone());
        Ok(path)
    }

    /// What is written in place cannot exchange a unique value; and the table's own triggers fire
    /// where they cannot be switched off.
    fn advised_about(&self, plan: &Plan, error: Error) -> Error {
        match (error.kind(), &self.checked) {
            (Kind::Violation | Kind::Duplicate, _) if plan.writes_in_place() => self.advised(error),
            (Kind::Database | Kind::Denied, Some(note)) => error.hint(format!("Let the table's triggers be off: {note}")),
            _ => error,
        }
    }

    /// Applies a filled stage where applications write as well: what they changed after the round's
    /// snapshot is not overwritten unseen. When a table is emptied meanwhile, it is a
    /// [`Kind::Collision`].
    pub fn apply_beside(&mut self, plan: &Plan, beside: &Beside) -> Result<(Counts, Settled)> {
        let Beside { receiver, strategy, detailed, .. } = *beside;
        self.scratch.ensure(&mut self.conn, || plan.create_late(), plan.drop_late())?;
        if plan.has_unique_keys() {
            self.scratch.ensure(&mut self.conn, || plan.create_pairs(), plan.drop_pairs())?;
        }
        for tries in 1..=MOST_TRIES {
            self.conn.batch("savepoint bucardo_apply")?;
            if tries > 1 {
                self.conn.batch(&plan.hold())?;
            }
            if self.says(&plan.emptied_late(receiver.now))? {
                return Err(Error::new(Kind::Collision, format!("table {} was emptied meanwhile", plan.target.label())));
            }
            let late = self.conn.execute(&plan.judge_late(receiver.now, strategy, receiver.member, detailed), &[])?;
            let gave_way = plan.has_unique_keys() && self.resolve_unique_conflicts(plan, beside)?;
            match self.apply(plan) {
                Ok(counts) if !self.says(&plan.unjudged_late(receiver.now))? => {
                    return Ok((counts, self.note_changes(plan, late > 0, gave_way)?));
                }
                // What another session inserted while we waited for it can be seen now.
                Err(error) if error.kind() != Kind::Duplicate || tries == MOST_TRIES => return Err(error),
                _ => self.conn.batch("rollback to savepoint bucardo_apply")?,
            }
        }
        Err(Error::new(Kind::Collision, format!("the rows of table {} change all the time", plan.target.label())))
    }

    /// Decides between rows with different keys that claim the same; says whether there were any.
    fn resolve_unique_conflicts(&mut self, plan: &Plan, beside: &Beside) -> Result<bool> {
        let pairs = plan.find_pairs(&beside.receiver, beside.strategy);
        if self.as_owner_s(plan, |conn| Ok(conn.execute(&pairs, &[])?))? == 0 {
            return Ok(false);
        }
        if !beside.insists && self.says(&plan.late_decides())? {
            let what = format!("concurrent change to table {} decides which rows stay", plan.target.label());
            return Err(Error::new(Kind::Collision, what));
        }
        while self.conn.execute(&plan.decide_pairs(), &[])? > 0 {}
        self.conn.batch(&plan.delete_losers(beside.receiver.member))?;
        Ok(true)
    }

    /// What was decided here is a change of the receiver's own, and what lost here is none any
    /// more.
    fn note_changes(&mut self, plan: &Plan, late: bool, gave_way: bool) -> Result<Settled> {
        if let Some(settle) = plan.settle_late().filter(|_| late) {
            self.conn.batch(&settle)?;
        }
        if let Some(note) = plan.note_losers().filter(|_| gave_way) {
            self.conn.batch(&note)?;
        }
        let settled = if late || gave_way { self.late(plan)? } else { Settled::default() };
        Ok(Settled { gave_way, ..settled })
    }

    fn late(&mut self, plan: &Plan) -> Result<Settled> {
        let numbers = self.numbers(&plan.count_late())?;
        let (judged, left) = numbers.first().copied().unwrap_or_default();
        Ok(Settled { judged: judged > 0, left: left > 0, gave_way: false })
    }

    fn says(&mut self, question: &str) -> Result<bool> {
        Ok(self.conn.first_column(question)?.iter().any(|answer| answer.as_deref() == Some("t")))
    }

    /// Makes sure that the table of preserved keys is there, and empty.
    pub fn preserve(&mut self, plan: &Plan) -> Result<()> {
        self.scratch.ensure(&mut self.conn, || plan.create_preserved(), plan.drop_preserved())?;
        self.conn.batch(&plan.clear_preserved())
    }

    /// Removes all rows of a table, for a TRUNCATE, but for the preserved and those of which the
    /// round takes changes made here, in the span `own`.
    pub fn empty(&mut self, plan: &Plan, own: Option<&Span>) -> Result<Counts> {
        if let Some(own) = own {
            self.conn.batch(&plan.hold_emptied(own))?;
        }
        let sql = plan.empty(own);
        // What is noted besides is a statement of ours.
        let deletes = match own.is_none() && !plan.makes_delta() {
            true => self.as_owner_s(plan, |conn| Ok(conn.execute(&sql, &[])?))?,
            false => self.conn.execute(&sql, &[])?,
        };
        Ok(Counts { deletes: i64::try_from(deletes).unwrap_or(i64::MAX), ..Counts::default() })
    }

    /// Removes all rows of a table, for a copy of the whole, as its plan says. A TRUNCATE that is
    /// refused (foreign keys, rights) becomes a DELETE.
    pub fn make_room(&mut self, plan: &Plan) -> Result<Counts> {
        if !plan.copying().truncate {
            return self.delete_all(plan);
        }
        self.conn.batch("savepoint bucardo_truncate")?;
        match self.truncate(plan) {
            Ok(counts) => Ok(counts),
            Err(error) if self.conn.is_closed() => Err(error),
            Err(_) => {
                self.conn.batch("rollback to savepoint bucardo_truncate")?;
                self.delete_all(plan)
            }
        }
    }

    /// Removes all rows by TRUNCATE.
    pub fn truncate(&mut self, plan: &Plan) -> Result<Counts> {
        let rows: i64 = self.conn.query_one(&plan.count_target(), &[])?.get(0);
        self.as_owner_s(plan, |conn| conn.batch(&plan.truncate_target()))?;
        Ok(Counts { deletes: rows, ..Counts::default() })
    }

    /// Removes all rows by DELETE.
    pub fn delete_all(&mut self, plan: &Plan) -> Result<Counts> {
        let deletes = self.as_owner_s(plan, |conn| Ok(conn.execute(&plan.empty_target(), &[])?))?;
        Ok(Counts { deletes: i64::try_from(deletes).unwrap_or(i64::MAX), ..Counts::default() })
    }

    fn numbers(&mut self, sql: &str) -> Result<Vec<(i64, i64)>> {
        let messages = self.conn.simple_query(sql)?;
        let number =
            |row: &postgres::SimpleQueryRow, column| row.try_get(column).ok().flatten().and_then(|text| text.parse().ok());
        let pair = |row: &postgres::SimpleQueryRow| Some((number(row, 0)?, number(row, 1)?));
        Ok(messages
            .iter()
            .filter_map(|message| match message {
                postgres::SimpleQueryMessage::Row(row) => pair(row),
                _ => None,
            })
            .collect())
    }

    /// Wakes the other syncs that take changes from this database, as soon as the transaction has
    /// committed.
    pub fn wake_others(&mut self, sync: &str) -> Result<()> {
        let others = "select distinct sync from bucardo.bucardo_delta_targets where sync <> $1";
        let payload = installation::payload(&self.conn);
        for row in &self.conn.query(&*self.conn.ours(others), &[&sync])? {
            self.conn.execute("select pg_notify($1, $2)", &[&channel::kick_sync(row.get(0)), &payload])?;
        }
        Ok(())
    }

    /// Commits, with the new receipts for what came from these sources. Unless it is `durable`,
    /// nobody waits for the target's disk: a crash of the server may undo both rows and receipts,
    /// which [`Target::settle`] rules out.
    pub fn commit(&mut self, sync: &str, receipts: &[Written], durable: bool) -> Result<()> {
        let written: String = receipts.iter().map(|written| write_receipt(sync, written)).collect();
        let lazily = if durable { "" } else { "set local synchronous_commit = off; " };
        self.conn.batch(&format!("{written}{lazily}commit"))?;
        self.unsettled = !durable;
        self.scratch.tidy(&mut self.conn)
    }

    /// For which request the tables were last copied as a whole. The column may be missing where an
    /// earlier version made the table.
    pub fn copied(&mut self, sync: &str) -> Result<Option<String>> {
        let sql = "select max(to_jsonb(t) ->> 'copied') from bucardo.bucardo_track t where sync = $1";
        Ok(self.conn.query_one(&*self.conn.ours(sql), &[&sync])?.get(0))
    }

    /// Notes it, in the round's transaction.
    pub fn note_copied(&mut self, sync: &str, asked: &str) -> Result<()> {
        self.conn.execute(&*self.conn.ours("update bucardo.bucardo_track set copied = $2 where sync = $1"), &[&sync, &asked])?;
        Ok(())
    }

    /// Makes sure that no crash undoes what has been committed. Between rounds.
    pub fn settle(&mut self, sync: &str) -> Result<()> {
        if self.unsettled {
            // To wait for one commit is to wait for all before it.
            let (named, ours) = (literal(sync), self.conn.schema());
            self.conn.batch(&format!("update {ours}.bucardo_track set received = clock_timestamp() where sync = {named}"))?;
            self.unsettled = false;
        }
        Ok(())
    }

    /// Notes that the last mark of these sources is on their disks. Nobody waits for that: to know
    /// less does no harm.
    pub fn seal(&mut self, sync: &str, marks: &[(&str, i64)]) -> Result<()> {
        let ours = self.conn.schema();
        let seal = |(source, mark): &(&str, i64)| {
            format!(
                "update {ours}.bucardo_track set sealed = mark where sync = {} and source = {} and mark = {mark} and sealed < mark; ",
                literal(sync),
                literal(source)
            )
        };
        let seals: String = marks.iter().map(seal).collect();
        self.conn.batch(&format!("begin; set local synchronous_commit = off; {seals}commit"))
    }

    /// Rolls back.
    pub fn rollback(&mut self) -> Result<()> {
        self.scratch.rollback(&mut self.conn)
    }
}

/// What begins and ends each round, so that it can be one of several statements in a round trip,
/// and yet be planned only once.
const PREPARE: &str = include_str!("../sql/prepare_receipts.sql");

fn hold_receipt(sync: &str, source: &str) -> String {
    format!("execute bucardo_hold ({}, {})", literal(sync), literal(source))
}

fn write_receipt(sync: &str, written: &Written) -> String {
    let (source, receipt) = (literal(written.source), literal(&written.receipt.to_string()));
    let mark = match &written.mark {
        Some(Mark { mark, sealed, wal }) => format!("{mark}, {sealed}, {}", literal(wal)),
        None => "null, null, null".to_owned(),
    };
    format!("execute bucardo_receive ({}, {source}, {receipt}, {mark}); ", literal(sync))
}
