//! The source's side of a round: look at what is pending, measure it, and say when we sleep.

use crate::error::{Error, Kind, Result};
use crate::pg::ident::literal;
use crate::pg::{Connection, Isolation, Relation};
use crate::replicate::capture::records;
use crate::replicate::catalog::capture_triggers::{ROW_TRIGGER, TRUNCATE_TRIGGER};
use crate::replicate::catalog::digest;
use crate::replicate::catalog::shape::Shape;
use crate::replicate::ids::{Id, TableId};
use crate::replicate::plan::Plan;
use crate::replicate::session::planner_settings::Preference;
use crate::replicate::session::temp_tables::Scratch;
use crate::replicate::snapshot::{Snapshot, Span, cut};
use std::collections::BTreeMap;

/// A session on a source, prepared to look for one sync's changes.
pub struct Source {
    /// The session.
    pub conn: Connection,
    isolation: Isolation,
    /// The round's transaction has to be begun together with the first statement in it.
    begins: bool,
    /// Whether the statement to look with is prepared.
    looks: bool,
    scratch: Scratch,
    preference: Preference,
    flag: Option<Relation>,
    /// The even one of our pair of values of the flag.
    ours: i64,
    /// Writers cannot send NOTIFY, because transactions may be prepared here: they mark the flag.
    rings: bool,
    /// What the flag says; none until it was set here.
    armed: Option<bool>,
    freshly_armed: bool,
    marks: Option<Marks>,
}

/// The marks of a source, by which those who have receipts recognise it (see
/// [`crate::replicate::identity::lineage`]).
struct Marks {
    /// By receiver: the mark of the last round.
    last: BTreeMap<String, i64>,
    /// By receiver: the one before.
    before: BTreeMap<String, i64>,
    /// How far the WAL was when the last one was written; none when it is on disk.
    wal: Option<String>,
    /// The sync and its receivers, as a condition.
    condition: String,
}

/// What a receipt says of the source beside its snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The mark of the round.
    pub mark: i64,
    /// The highest one that is known to be on the source's disk.
    pub sealed: i64,
    /// How far the source's WAL was when the round looked.
    pub wal: String,
}

/// What a look found. The source's transaction stays open with the snapshot that saw it.
#[derive(Debug)]
pub struct Look {
    /// The snapshot: the upper edge of the round.
    pub now: Snapshot,
    /// The tables with pending changes.
    pub changed: Vec<TableId>,
    /// A table's name leads to another relation, or its changes may not have been captured, since
    /// the plans were made.
    pub outdated: bool,
    wal: String,
}

/// What is pending, measured.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// Delta rows, at most one more than the limit.
    pub changes: i64,
    /// The lowest pending transaction id.
    pub first: i64,
    /// The highest among those counted.
    pub last: i64,
    /// Whether the table was emptied by TRUNCATE.
    pub truncated: bool,
}

impl Source {
    /// Prepares a session from [`Connection::open_replicated`]. `flag` is the armed flag of the KID
    /// that uses it; one that looks for no changes has none.
    pub fn new(mut conn: Connection, flag: Option<Relation>, isolation: Isolation) -> Result<Source> {
        // Nothing that we write on a source (flags, copies of receipts) is worth making anybody
        // wait for a disk, except where `settle` says so.
        conn.batch("set synchronous_commit = off")?;
        let take = "select nextval($1::text::regclass), current_setting('max_prepared_transactions') <> '0'";
        let (taken, rings): (i64, bool) = match &flag {
            Some(flag) => conn.query_one(take, &[&flag.to_string()]).map(|row| (row.get(0), row.get(1)))?,
            None => (0, false),
        };
        let ours = taken - taken % 2;
        conn.batch(&format!("prepare bucardo_rewritten (oid[]) as {}", include_str!("../sql/rewritten.sql")))?;
        digest::prepare(&mut conn)?;
        Ok(Source {
            conn,
            isolation,
            begins: false,
            looks: false,
            scratch: Scratch::default(),
            preference: Preference::default(),
            flag,
            ours,
            rings,
            armed: None,
            freshly_armed: false,
            marks: None,
        })
    }

    /// Opens the round's transaction, with the first statement in it.
    pub fn begin(&mut self) {
        self.begins = true;
    }

    /// Locks tables, or fails at once. This takes no snapshot.
    pub fn hold(&mut self, locks: &str) -> Result<()> {
        let sql = self.opened(locks);
        self.conn.batch(&sql)
    }

    fn opened(&mut self, sql: &str) -> String {
        self.scratch.open();
        match std::mem::take(&mut self.begins) {
            true => format!("begin isolation level {}; {sql}", self.isolation.sql()),
            false => sql.to_owned(),
        }
    }

    /// Ends the round's transaction, keeping what hooks wrote.
    pub fn commit(&mut self) -> Result<()> {
        self.begins = false;
        self.conn.batch("commit")?;
        self.scratch.tidy(&mut self.conn)
    }

    /// Ends the round's transaction, after the tables of these plans have been read.
    ///
    /// Makes sure that their rows were those of the snapshot. To a snapshot, a table that another
    /// transaction has rewritten since (ALTER TABLE … TYPE) is empty, and rows that were not found
    /// count as deleted.
    ///
    /// Makes sure that the tables are what they were when they were planned. That is asked in a
    /// transaction of its own, which sees the catalog as it is now and not as it was when the round
    /// began; what is the same now was the same all the time.
    ///
    /// Makes sure, too, that no transaction id below the looks' snapshots can ever be given out
    /// again: after a crash the source continues with the id that follows the last one it finds on
    /// disk, so everything written up to the looks must be on disk before a receipt may name it.
    /// Usually it is.
    pub fn finish(&mut self, plans: &[&Plan], looks: &[&Look]) -> Result<()> {
        let flushed: Vec<String> = looks.iter().map(|look| format!("flushed >= {}::pg_lsn", literal(&look.wal))).collect();
        let raised = self.raise_marks();
        let tables: Vec<u32> = plans.iter().map(|plan| plan.oid).collect();
        let answers = self.conn.first_column(&format!(
            "execute bucardo_rewritten ({}); commit; {raised}{}; select {} from pg_current_wal_flush_lsn() as flushed; \
             select pg_current_wal_insert_lsn()",
            array(&tables),
            digest::ask_changed(plans.iter().map(|plan| (&plan.source, &plan.source_state))),
            flushed.join(" and ")
        ))?;
        self.scratch.tidy(&mut self.conn)?;
        if let (Some(marks), Some(wal)) = (&mut self.marks, answers.last()) {
            marks.wal.clone_from(wal);
        }
        match &answers[..] {
            [Some(table), ..] => Err(Error::new(Kind::Collision, format!("table {table} was rewritten meanwhile"))),
            [None, Some(table), ..] => Err(digest::outdated(table)),
            [None, None, Some(flushed), _] if flushed == "t" => Ok(()),
            _ => self.settle(),
        }
    }

    /// From now on each round leaves a mark for these receivers.
    pub fn mark_for(&mut self, sync: &str, receivers: &[&str]) -> Result<()> {
        let names: Vec<String> = receivers.iter().map(|name| literal(name)).collect();
        let condition = format!("sync = {} and targetdb in ({})", literal(sync), names.join(", "));
        let ours = self.conn.schema();
        let rows = self.conn.query(&format!("select targetdb, mark from {ours}.bucardo_delta_targets where {condition}"), &[])?;
        let last: BTreeMap<String, i64> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        self.conn.batch(&format!(
            "prepare bucardo_mark (bigint) as update {ours}.bucardo_delta_targets set mark = $1 where {condition}"
        ))?;
        self.marks = Some(Marks { before: last.clone(), last, wal: None, condition });
        Ok(())
    }

    /// The statements that leave the next mark.
    fn raise_marks(&mut self) -> String {
        let Some(marks) = &mut self.marks else { return String::new() };
        marks.before.clone_from(&marks.last);
        let next = marks.last.values().max().copied().unwrap_or_default() + 1;
        marks.last.values_mut().for_each(|mark| *mark = next);
        format!("begin; execute bucardo_mark ({next}); commit; ")
    }

    /// What the receipt of a round that saw `look` says of this source. After [`Source::finish`].
    pub fn mark(&self, receiver: &str, look: &Look) -> Option<Mark> {
        let marks = self.marks.as_ref()?;
        // A look saw the WAL after the mark before it, and that is on disk.
        Some(Mark { mark: *marks.last.get(receiver)?, sealed: *marks.before.get(receiver)?, wal: look.wal.clone() })
    }

    /// Whether the last mark may still be lost in a crash.
    pub fn is_unsealed(&self) -> bool {
        self.marks.as_ref().is_some_and(|marks| marks.wal.is_some())
    }

    /// Makes sure that the last mark is on disk; returns it by receiver.
    pub fn seal(&mut self) -> Result<BTreeMap<String, i64>> {
        let Some(Marks { wal: Some(wal), condition, last, .. }) = &self.marks else { return Ok(BTreeMap::new()) };
        let last = last.clone();
        let flushed = format!("select pg_current_wal_flush_lsn() >= {}::pg_lsn", literal(wal));
        if self.conn.first_column(&flushed)?.first().and_then(Option::as_deref) != Some("t") {
            let ours = self.conn.schema();
            let touch = format!("update {ours}.bucardo_delta_targets set mark = mark where {condition}");
            self.conn.batch(&format!("begin; set local synchronous_commit = local; {touch}; commit"))?;
        }
        if let Some(marks) = &mut self.marks {
            marks.wal = None;
        }
        Ok(last)
    }

    fn settle(&mut self) -> Result<()> {
        let value = self.value(self.armed());
        match self.try_set("begin; set local synchronous_commit = local; ", value, "; commit")? {
            true => Ok(()),
            false => Err(replaced()),
        }
    }

    /// Ends the round's transaction, whatever state it is in.
    pub fn rollback(&mut self) -> Result<()> {
        self.preference.forget();
        self.begins = false;
        self.scratch.rollback(&mut self.conn)
    }

    /// Makes sure that the list of keys in conflict exists.
    pub fn clash(&mut self, plan: &Plan) -> Result<()> {
        self.scratch.ensure(&mut self.conn, || plan.create_clash(), plan.drop_clash())
    }

    /// Makes sure that the list of keys exists that the source is asked about, and that it is
    /// empty.
    pub fn asked(&mut self, plan: &Plan) -> Result<()> {
        self.scratch.ensure(&mut self.conn, || plan.create_asked(), plan.drop_asked())?;
        self.conn.batch(&plan.clear_asked())
    }

    /// Makes sure that the list of keys exists that lost against other masters'.
    pub fn lost(&mut self, plan: &Plan) -> Result<()> {
        self.scratch.ensure(&mut self.conn, || plan.create_lost(), plan.drop_lost())
    }

    /// Takes the snapshot and says which tables have changes that `after` does not see.
    pub fn look(&mut self, plans: &[Plan], after: Option<&Snapshot>) -> Result<Look> {
        self.prepare_look(plans)?;
        let (xmax, running) = since(after);
        let parts = (1..=further_parts(plans))
            .map(|part| format!("; execute bucardo_look_{part} ({xmax}, {}); rollback to bucardo_look", array(running)));
        let parts: String = parts.collect();
        let parts = if parts.is_empty() { parts } else { format!("; savepoint bucardo_look{parts}; release bucardo_look") };
        let sql = self.opened(&format!("execute bucardo_look ({xmax}, {}){parts}", array(running)));
        let answers: Vec<String> = self.conn.first_column(&sql)?.into_iter().flatten().collect();
        let look = parse_look(&answers.concat())
            .ok_or_else(|| Error::new(Kind::Bug, "looking at a source gave an unexpected answer"))?;
        forward(after, &look.now)?;
        Ok(look)
    }

    /// Its answer is one text, for [`parse_look`].
    fn prepare_look(&mut self, plans: &[Plan]) -> Result<()> {
        if self.looks {
            return Ok(());
        }
        if !plans.iter().any(Plan::is_selected) {
            self.conn.first_column(REFUSE_VIEWS)?;
        }
        let flags: Vec<String> = plans.iter().map(Plan::changed_expression).collect();
        // A source whose tables are only copied has none of our tables, unless changes wake the
        // sync.
        let chosen_anew = match plans.iter().any(Plan::is_captured) {
            true => records::chosen_anew(self.conn.schema(), plans.iter().map(|plan| (plan.oid, plan.record))),
            false => "false".to_owned(),
        };
        let list = |flags: &[String]| format!("array_to_string(array[{}]::boolean[], ',')", flags.join(", "));
        let first = if further_parts(plans) == 0 { list(&flags) } else { "''".to_owned() };
        self.conn.batch(&format!(
            "prepare bucardo_look (bigint, bigint[]) as \
             select concat_ws(';', txid_current_snapshot()::text, pg_current_wal_insert_lsn()::text, {} or {}, {first})",
            digest::unguarded(self.conn.schema(), plans.iter().map(|plan| (&plan.source, &plan.source_state))),
            chosen_anew,
        ))?;
        for (part, flags) in flags.chunks(AT_ONCE).enumerate().take(further_parts(plans)) {
            let comma = if part == 0 { "" } else { "," };
            self.conn.batch(&format!(
                "prepare bucardo_look_{} (bigint, bigint[]) as select concat('{comma}', {})",
                part + 1,
                list(flags)
            ))?;
        }
        self.looks = true;
        Ok(())
    }

    /// Measures one table's pending changes since `after`, counting no more than `limit`.
    pub fn measure(&mut self, plan: &Plan, after: Option<&Snapshot>, limit: i64) -> Result<Pending> {
        let measure = self.conn.prepare_cached(&plan.measure())?;
        let (xmax, running) = since(after);
        let row = self.conn.query_one(&measure, &[&xmax, &running, &limit])?;
        let number = |column: usize| row.get::<_, Option<i64>>(column).unwrap_or_default();
        Ok(Pending { changes: number(0), first: number(1), last: number(2), truncated: row.get(3) })
    }

    /// Says whether the keys to be read are few beside the table.
    pub fn prefer_index(&mut self, few: bool) -> Result<()> {
        self.preference.set(&mut self.conn, few)
    }

    /// Says that we are about to sleep, so that the next change wakes us. Look once more after
    /// this.
    pub fn arm(&mut self) -> Result<()> {
        match self.set_flag(true)? {
            true => Ok(()),
            false => Err(replaced()),
        }
    }

    /// Says that we are awake: writers need not pay for waking us. Nor shall they do so for a kid
    /// that has been replaced.
    pub fn disarm(&mut self) -> Result<()> {
        self.set_flag(false).map(drop)
    }

    /// Whether the flag is to be looked at, while we sleep.
    pub fn may_ring(&self) -> bool {
        self.rings && self.armed()
    }

    /// Looks whether a writer has marked the flag. Then we are awake.
    pub fn rung(&mut self) -> Result<bool> {
        let Some(flag) = self.flag.clone().filter(|_| self.may_ring()) else { return Ok(false) };
        let value = self.conn.prepare_cached(&format!("select last_value from {flag}"))?;
        let rung = self.conn.query_one(&value, &[])?.get::<_, i64>(0) != self.ours;
        if rung {
            self.armed = None;
        }
        Ok(rung)
    }

    /// Whether writers wake us.
    pub fn armed(&self) -> bool {
        self.armed == Some(true)
    }

    /// Whether arming happened since this was last asked.
    pub fn take_freshly_armed(&mut self) -> bool {
        std::mem::take(&mut self.freshly_armed)
    }

    /// Says whether the flag is still ours.
    fn set_flag(&mut self, armed: bool) -> Result<bool> {
        if self.armed == Some(armed) {
            return Ok(true);
        }
        let set = self.try_set("", self.value(armed), "")?;
        if set {
            self.armed = Some(armed);
            self.freshly_armed = armed;
        }
        Ok(set)
    }

    fn value(&self, armed: bool) -> i64 {
        if armed { self.ours } else { self.ours + 1 }
    }

    /// Sets the flag unless another kid has taken it.
    fn try_set(&mut self, before: &str, value: i64, after: &str) -> Result<bool> {
        let Some(flag) = &self.flag else { return Ok(true) };
        let ours = self.ours;
        let is_ours = format!("(select last_value from {flag}) in ({ours}, {})", ours + 1);
        let sql = format!("{before}select setval({}, {value}) where {is_ours}{after}", literal(&flag.to_string()));
        let answer = self.conn.simple_query(&sql)?;
        Ok(answer.iter().any(|message| matches!(message, postgres::SimpleQueryMessage::Row(_))))
    }

    /// Checks that the changes of these tables are being captured. Whoever dropped one and made it
    /// anew, or switched its triggers off, is told.
    pub fn captures(&mut self, tables: &[&Shape]) -> Result<()> {
        let oids: Vec<u32> = tables.iter().map(|table| table.oid).collect();
        let schema = self.conn.schema();
        let triggers = [ROW_TRIGGER, TRUNCATE_TRIGGER].map(|name| schema.trigger(name));
        let rows = self.conn.query(&*schema.text(include_str!("../sql/captured.sql")), &[&oids, &triggers.as_slice()])?;
        let lacking = rows.iter().filter_map(|row| tables.get(usize::try_from(row.get::<_, i32>(0)).ok()?));
        let lacking: Vec<String> = lacking.map(|table| format!("\"{}\"", table.relation.label())).collect();
        match lacking.as_slice() {
            [] => Ok(()),
            [one] => Err(uncaptured(format!("Changes of table {one} are not captured on the source"))),
            several => Err(uncaptured(format!("Changes of tables {} are not captured on the source", several.join(", ")))),
        }
    }

    /// Copies the target's receipt to where the source can see it, and whether all tables have been
    /// copied as a whole. Only after the target has committed.
    pub fn note_receipt(&mut self, sync: &str, target: &str, receipt: &Snapshot, copied: bool) -> Result<()> {
        let note = "update bucardo.bucardo_delta_targets set receipt = $3::text::txid_snapshot, received = clock_timestamp(), \
                    copied = case when $4 then $3::text::txid_snapshot else copied end where sync = $1 and targetdb = $2";
        let note = self.conn.prepare_cached(&self.conn.ours(note))?;
        self.conn.execute(&note, &[&sync, &target, &receipt.to_string(), &copied])?;
        Ok(())
    }
}

/// Has the server refuse to read views, where it can: since the minor versions of August 2024 it
/// has a setting for that.
const REFUSE_VIEWS: &str = "select pg_catalog.set_config(name, 'view', false) from pg_catalog.pg_settings \
    where name = 'restrict_nonsystem_relation_kind'";

/// How many tables are looked at in one statement. Each takes four or five locks, and a server may
/// have room for few hundred at a time. More tables are looked at in parts, each in a part of the
/// transaction that is rolled back, which gives its locks back: the snapshot stays the same.
const AT_ONCE: usize = 25;

/// In how many parts to look, if not all at once.
fn further_parts(plans: &[Plan]) -> usize {
    if plans.len() > AT_ONCE { plans.len().div_ceil(AT_ONCE) } else { 0 }
}

/// What a receipt does not see: what began at this transaction id or later, and these.
fn since(after: Option<&Snapshot>) -> (i64, &[i64]) {
    after.map_or((0, &[]), |receipt| (receipt.xmax, &receipt.running))
}

/// An array as a literal.
fn array<T: ToString>(numbers: &[T]) -> String {
    format!("'{{{}}}'", numbers.iter().map(T::to_string).collect::<Vec<_>>().join(","))
}

/// The snapshot, the place in the WAL, whether a table is not what it was, and for each whether
/// something is pending: `7:9:7;0/1A;f;t,f`.
fn parse_look(answer: &str) -> Option<Look> {
    let parts: Vec<&str> = answer.split(';').collect();
    let [now, wal, outdated @ ("t" | "f"), flags] = parts[..] else { return None };
    let changed = flags.split(',').enumerate().filter(|(_, flag)| *flag == "t").map(|(table, _)| TableId::at(table)).collect();
    Some(Look { now: Snapshot::parse(now).ok()?, changed, outdated: outdated == "t", wal: wal.to_owned() })
}

fn uncaptured(sentence: String) -> Error {
    Error::new(Kind::Mismatch, sentence).hint("Validate the sync, and copy the table if its rows have changed since it was made.")
}

fn replaced() -> Error {
    Error::new(Kind::Refused, "Another kid serves this target now")
}

/// A source whose ids lie behind the receipt was restored from an older state, or is another
/// server: what is new cannot be told.
fn forward(after: Option<&Snapshot>, now: &Snapshot) -> Result<()> {
    match after {
        Some(receipt) if now.xmax < receipt.xmax => Err(Error::new(
            Kind::Mismatch,
            format!(
                "The source went back in time: the target has its changes up to transaction {}, the source is at {}",
                receipt.xmax, now.xmax
            ),
        )
        .hint("Run: bucardo_ctl validate all; it says which database is not what it was, and what to do.")),
        _ => Ok(()),
    }
}

/// What one round takes of the pending changes, when a batch shall hold about `batch` changes of
/// each table. A TRUNCATE is never cut off from what is pending beside it: a row inserted after it
/// may have the lower transaction id.
pub fn span(after: Option<Snapshot>, now: &Snapshot, pending: &[Pending], batch: i64) -> Span {
    let long = pending.iter().filter(|table| table.changes > batch);
    let candidate = long.map(|table| table.last).min();
    let first = pending.iter().map(|table| table.first).min();
    let whole = pending.iter().any(|table| table.truncated);
    let cut = match (candidate, first) {
        (Some(candidate), Some(first)) if !whole => cut(candidate, first, now),
        _ => None,
    };
    Span { cut, ..Span::after(after) }
}

/// Before this version, LOCK TABLE asked for rights on each partition.
const LOCKS_PARTS: u32 = 130_000;

/// Whether a partitioned table can be locked with its parts.
pub fn locks_parts(conn: &Connection) -> bool {
    conn.version() >= LOCKS_PARTS
}

/// Holds a table on the source until the transaction ends, and makes sure that it is as it was
/// planned: to be called before any statement that reads it. Where that waits for a lock, the owner
/// may meanwhile put another table, a view or a column of another type into its place, and a
/// statement that mixes such a column with ours would run casts of the owner with the rights of our
/// role.
pub fn hold_as_planned(conn: &mut Connection, plan: &Plan) -> Result<()> {
    let sql = plan.hold_source(locks_parts(conn));
    match conn.first_column(&sql)?.first().and_then(Option::as_deref) {
        Some("t") => Ok(()),
        _ => Err(digest::outdated(&plan.source.label())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;

    fn pending(changes: i64, first: i64, last: i64, truncated: bool) -> Pending {
        Pending { changes, first, last, truncated }
    }

    #[test]
    fn a_backlog_is_cut_at_its_shortest_table_and_never_beside_a_truncate() {
        let now = Snapshot::parse("1000:1000:").unwrap();
        let cut_of = |tables: &[Pending]| span(None, &now, tables, 100).cut;
        assert_eq!(cut_of(&[pending(100, 1, 50, false)]), None, "what fits is not cut");
        assert_eq!(cut_of(&[pending(101, 1, 50, false), pending(101, 5, 40, false), pending(3, 2, 900, false)]), Some(40));
        assert_eq!(cut_of(&[pending(101, 1, 50, false), pending(1, 60, 60, true)]), None);
    }

    #[test]
    fn a_look_is_read_from_its_answer() {
        let look = parse_look("7:9:7,8;0/1A;t;t,f,t").unwrap();
        assert_eq!(
            (look.now.running, look.wal.as_str(), look.outdated, look.changed),
            (vec![7, 8], "0/1A", true, [0, 2].map(TableId::at).into())
        );
        assert!(parse_look("").is_none() && parse_look("7:9:;0/1A;x;t").is_none());
        assert!(parse_look("7:9:;0/1A;f;").unwrap().changed.is_empty(), "a sync of sequences");
    }

    #[test]
    fn a_source_behind_the_receipt_is_refused() {
        let receipt = Snapshot::parse("10:20:").unwrap();
        assert_eq!(forward(Some(&receipt), &Snapshot::parse("5:19:").unwrap()).unwrap_err().kind(), Kind::Mismatch);
        assert!(forward(Some(&receipt), &Snapshot::parse("20:20:").unwrap()).is_ok() && forward(None, &receipt).is_ok());
    }
}
