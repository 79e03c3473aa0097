//! Whether a source is the one that gave a receipt, with all that it had then; and whether it still
//! holds what the receipt lacks.
//!
//! A receipt says which changes of a source a target has. It is of use only where the source still
//! has those changes itself: one that was restored from a backup, or a standby that was promoted
//! before it had everything, gives their transaction ids out again. Ids and WAL positions do not
//! tell, as soon as enough was written there. So a source has a *mark*, a number that every round
//! raises after it has looked and before its receipt is written. The receipt names it, and WAL is
//! replayed in order: a source with that mark, or a higher one, has all that the receipt stands
//! for. The number counts within one *life* of the source (see [`crate::replicate::identity`]).
//!
//! Nobody waits for the source's disk because of a mark. A receipt therefore says also which mark
//! is known to be there (*sealed*): before a new round has looked, that is the mark of the round
//! before, and a second after the last round it is the last one. A mark between the two may have
//! been lost in a mere crash of the source, which has all that the receipts stand for nevertheless.
//! After a crash the server goes on with the same timeline, behind all WAL that we have seen; on
//! another timeline nothing proves that it does, and a person must say.

use crate::control::identity::{self as known, Finding, Halt};
use crate::error::Result;
use crate::pg::Connection;
use crate::replicate::identity::{Actual, Recorded};
use crate::replicate::own_schema::has_table;
use crate::replicate::snapshot::Snapshot;

/// A way from one source to one receiver, by their names in the control database.
#[derive(Debug, Clone, Copy)]
pub struct Way<'a> {
    /// The sync.
    pub sync: &'a str,
    /// The source.
    pub from: &'a str,
    /// The receiver.
    pub to: &'a str,
    /// All tables are about to be copied this way, so nothing is asked of the receipt.
    pub copies: bool,
}

/// A receipt with all that it says of its source.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Receipt {
    snapshot: Snapshot,
    /// None: an earlier version wrote it.
    life: Option<String>,
    timeline: Option<String>,
    started: Option<String>,
    mark: i64,
    sealed: i64,
    wal: Option<String>,
}

/// A source as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Standing {
    life: String,
    mark: i64,
    actual: Actual,
}

/// What comes of comparing them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The source has all that the receipt stands for.
    Has,
    /// It lacks some of it.
    Lacks,
    /// It may lack some of it.
    MayLack,
    /// The receipt is of another life.
    Another,
}

fn judge(receipt: &Receipt, now: &Standing) -> Verdict {
    let behind = now.actual.xmax < receipt.snapshot.xmax;
    let Some(life) = &receipt.life else { return if behind { Verdict::Lacks } else { Verdict::Has } };
    if *life != now.life {
        return Verdict::Another;
    }
    if behind || now.mark < receipt.sealed {
        return Verdict::Lacks;
    }
    if now.mark >= receipt.mark {
        return Verdict::Has;
    }
    let same_timeline = receipt.timeline.as_ref() == Some(&now.actual.timeline);
    let reached = receipt.wal.as_deref().is_none_or(|wal| position(&now.actual.wal) >= position(wal));
    match (same_timeline, reached) {
        (true, true) => Verdict::Has,
        (true, false) => Verdict::Lacks,
        (false, _) => Verdict::MayLack,
    }
}

/// A place in the WAL as a number: `16/B374D848`.
fn position(wal: &str) -> u64 {
    let (high, low) = wal.split_once('/').unwrap_or(("0", "0"));
    let number = |text: &str| u64::from_str_radix(text, 16).unwrap_or_default();
    number(high) << 32 | number(low)
}

/// Makes sure that a source is the one that gave a receiver its receipt, and that it still holds
/// what the receipt lacks. If not, that is noted in the control database, where it stays until
/// somebody has answered. Where it was accepted, the receipt goes on from what was accepted.
pub fn check(control: &mut Connection, way: Way, source: &mut Connection, receiver: &mut Connection) -> Result<()> {
    // The receipt first: a round that ends meanwhile only makes the source's mark higher.
    let receipt = read_receipt(way, receiver)?;
    let Some(now) = read_standing(way, source)? else { return Ok(()) };
    let Some(receipt) = receipt else {
        write_source(way, receiver, &now)?;
        return holds(control, way, source, receiver, None);
    };
    let verdict = judge(&receipt, &now);
    if way.copies && verdict != Verdict::Has {
        return go_on_from(way, receiver, None, now.mark, &now);
    }
    let entry = match (verdict, &receipt.life) {
        (Verdict::Another, _) | (Verdict::Lacks, None) => accepted(way, source, &receipt)?,
        _ => None,
    };
    let receipt = match (verdict, entry) {
        (Verdict::Has, _) => {
            adopt(way, receiver, &receipt, &now)?;
            if now.mark < receipt.mark {
                raise(way, source, receipt.mark)?;
            }
            Some(receipt)
        }
        (_, Some(entry)) => go_on(way, receiver, receipt, &entry, &now)?,
        (Verdict::Another, None) => return Err(known::halt(control, another(way, &receipt))?),
        (Verdict::Lacks, None) => return Err(known::halt(control, lacks(way, &receipt, &now))?),
        (Verdict::MayLack, None) => return Err(known::halt(control, may_lack(way, &receipt))?),
    };
    holds(control, way, source, receiver, receipt.map(|receipt| receipt.snapshot).as_ref())
}

/// Whether both have what [`check`] asks for: not before they were validated for the first time, or
/// by this version.
pub fn is_marked(source: &mut Connection, receiver: &mut Connection) -> Result<bool> {
    let sql =
        "select exists (select from pg_attribute where attrelid = to_regclass($1::text) and attname = $2 and not attisdropped)";
    let consumers = source.schema().relation("bucardo_delta_targets").to_string();
    let receipts = receiver.schema().relation("bucardo_track").to_string();
    let source = source.query_one(sql, &[&consumers, &"reclaimed"])?;
    Ok(source.get(0) && receiver.query_one(sql, &[&receipts, &"accepted"])?.get(0))
}

fn read_receipt(way: Way, receiver: &mut Connection) -> Result<Option<Receipt>> {
    let sql = "select receipt::text, life, timeline, started, coalesce(mark, 0), coalesce(sealed, 0), wal::text \
               from bucardo.bucardo_track where sync = $1 and source = $2";
    let row = receiver.query_opt(&*receiver.ours(sql), &[&way.sync, &way.from])?;
    let Some(row) = row else { return Ok(None) };
    let Some(snapshot) = row.get::<_, Option<String>>(0) else { return Ok(None) };
    Ok(Some(Receipt {
        snapshot: Snapshot::parse(&snapshot)?,
        life: row.get(1),
        timeline: row.get(2),
        started: row.get(3),
        mark: row.get(4),
        sealed: row.get(5),
        wal: row.get(6),
    }))
}

/// None where the source does not know the receiver: that is told elsewhere.
fn read_standing(way: Way, source: &mut Connection) -> Result<Option<Standing>> {
    let sql = "select mark from bucardo.bucardo_delta_targets where sync = $1 and targetdb = $2";
    let Some(row) = source.query_opt(&*source.ours(sql), &[&way.sync, &way.to])? else { return Ok(None) };
    let Some(Recorded { life, .. }) = Recorded::read(source)? else { return Ok(None) };
    Ok(Some(Standing { life, mark: row.get(0), actual: Actual::read(source)? }))
}

/// The receipt was found to be good on the server as it is now.
fn adopt(way: Way, receiver: &mut Connection, receipt: &Receipt, now: &Standing) -> Result<()> {
    let told = (receipt.life.as_ref(), receipt.timeline.as_ref(), receipt.started.as_ref());
    if told == (Some(&now.life), Some(&now.actual.timeline), Some(&now.actual.started)) {
        return Ok(());
    }
    if receipt.timeline.as_ref().is_some_and(|timeline| *timeline != now.actual.timeline) {
        log::info!(
            "Database \"{}\" is on another timeline than before ({}); it has everything that it gave to \"{}\" for sync \"{}\"",
            way.from,
            now.actual.timeline,
            way.to,
            way.sync
        );
    }
    write_source(way, receiver, now)
}

/// Waits for no round, which may take hours: one that is under way holds the row and writes the
/// same, and one that fails leaves this to the next look.
fn write_source(way: Way, receiver: &mut Connection, now: &Standing) -> Result<()> {
    let sql = include_str!("../sql/write_source.sql");
    receiver.execute(&*receiver.ours(sql), &[&way.sync, &way.from, &now.life, &now.actual.timeline, &now.actual.started])?;
    Ok(())
}

/// The mark of a source that has lost it in a crash.
fn raise(way: Way, source: &mut Connection, mark: i64) -> Result<()> {
    let sql = "update bucardo.bucardo_delta_targets set mark = $3 where sync = $1 and targetdb = $2";
    source.execute(&*source.ours(sql), &[&way.sync, &way.to, &mark])?;
    Ok(())
}

/// What was accepted of an earlier life.
struct Accepted {
    mark: i64,
    receipt: Option<String>,
}

fn accepted(way: Way, source: &mut Connection, receipt: &Receipt) -> Result<Option<Accepted>> {
    let sql =
        "select mark, receipt::text from bucardo.bucardo_accepted where life = coalesce($1, '') and sync = $2 and targetdb = $3";
    let row = source.query_opt(&*source.ours(sql), &[&receipt.life, &way.sync, &way.to])?;
    Ok(row.map(|row| Accepted { mark: row.get(0), receipt: row.get(1) }))
}

/// A receipt of an earlier life goes on as it is, if the source has what it stands for, and else
/// from where the source was accepted.
fn go_on(way: Way, receiver: &mut Connection, receipt: Receipt, entry: &Accepted, now: &Standing) -> Result<Option<Receipt>> {
    let counts = receipt.mark <= entry.mark;
    let (snapshot, mark) = match counts {
        true => (Some(receipt.snapshot.to_string()), receipt.mark),
        false => (entry.receipt.clone(), entry.mark.max(0)),
    };
    go_on_from(way, receiver, snapshot.as_deref(), mark, now)?;
    log::info!("Database \"{}\" was accepted: \"{}\" goes on with what it holds for sync \"{}\"", way.from, way.to, way.sync);
    let snapshot = snapshot.as_deref().map(Snapshot::parse).transpose()?;
    Ok(snapshot.map(|snapshot| Receipt { snapshot, ..receipt }))
}

fn go_on_from(way: Way, receiver: &mut Connection, snapshot: Option<&str>, mark: i64, now: &Standing) -> Result<()> {
    let sql = "update bucardo.bucardo_track set receipt = $3::text::txid_snapshot, life = $4, timeline = $5, started = $6, mark = $7, \
               sealed = least(sealed, $7), wal = null where sync = $1 and source = $2";
    receiver.execute(
        &*receiver.ours(sql),
        &[&way.sync, &way.from, &snapshot, &now.life, &now.actual.timeline, &now.actual.started, &mark],
    )?;
    Ok(())
}

/// Makes sure that everything the receiver lacks according to its receipt is still on the source.
/// What it was known to have and now lacks may have been given up: then only a copy can help, and
/// going on would lose changes silently.
fn holds(
    control: &mut Connection,
    way: Way,
    source: &mut Connection,
    receiver: &mut Connection,
    receipt: Option<&Snapshot>,
) -> Result<()> {
    // Where the record of delta tables was lost, validating makes another and tells that changes
    // are missing.
    if !has_table(source, "bucardo_delta_names")? {
        return Ok(());
    }
    let horizon = source.ours(include_str!("../sql/horizon.sql"));
    let Some(row) = source.query_opt(&*horizon, &[&way.sync, &way.to])? else { return Ok(()) };
    let parse = |text: Option<String>| text.as_deref().map(Snapshot::parse).transpose();
    let (noted, horizon, reclaimed) = (parse(row.get(0))?, row.get::<_, Option<i64>>(1), parse(row.get(2))?);
    let Some(noted) = noted else { return Ok(()) };
    if receipt.is_some_and(|receipt| receipt.includes(&noted)) {
        return Ok(());
    }
    // From now on nothing is given up that the receiver lacks; what was given up before is asked
    // for after that.
    let sql = "update bucardo.bucardo_delta_targets set receipt = $3::text::txid_snapshot where sync = $1 and targetdb = $2";
    source.execute(&*source.ours(sql), &[&way.sync, &way.to, &receipt.map(Snapshot::to_string)])?;
    if way.copies {
        return Ok(());
    }
    let has_all = match (receipt, horizon, &reclaimed) {
        (_, None, None) => true,
        (None, ..) => false,
        (Some(receipt), horizon, Some(reclaimed)) => {
            receipt.includes(reclaimed) || horizon.is_some_and(|horizon| receipt.xmin > horizon)
        }
        (Some(receipt), Some(horizon), None) => receipt.xmin > horizon,
    };
    let sql = "select receipt::text, coalesce(accepted, false) from bucardo.bucardo_track where sync = $1 and source = $2";
    let row = receiver.query_opt(&*receiver.ours(sql), &[&way.sync, &way.from])?;
    let (present, accepted) = row.map_or((None, false), |row| (row.get::<_, Option<String>>(0), row.get(1)));
    if present != receipt.map(Snapshot::to_string) {
        // A round has moved it meanwhile. That one has made sure of it.
        return Ok(());
    }
    if has_all || accepted {
        log::info!("Target \"{}\" of sync \"{}\" was set back; it gets again what it lacks", way.to, way.sync);
        return Ok(());
    }
    Err(known::halt(control, set_back(way))?)
}

/// A receipt of a time after which the source kept nothing for the receiver.
pub fn void_receipt(receiver: &mut Connection, sync: &str, source: &str) -> Result<()> {
    let sql = "update bucardo.bucardo_track \
               set receipt = null, copied = null, life = null, timeline = null, started = null, mark = null, sealed = null, \
               wal = null, accepted = null \
               where sync = $1 and source = $2";
    receiver.execute(&*receiver.ours(sql), &[&sync, &source])?;
    Ok(())
}

fn lacks(way: Way, receipt: &Receipt, now: &Standing) -> Halt {
    let Way { sync, from, to, .. } = way;
    let reason = format!(
        "database \"{from}\" went back in time: database \"{to}\" has changes of sync \"{sync}\" from it that it does not have any \
         more (up to mark {} and transaction {}, while it is at mark {} and transaction {}); it was restored, or is a standby that was \
         promoted without them",
        receipt.mark, receipt.snapshot.xmax, now.mark, now.actual.xmax
    );
    Halt { db: from.to_owned(), finding: Finding::WentBack, reason, met: receipt.life.clone() }
}

fn may_lack(way: Way, receipt: &Receipt) -> Halt {
    let Way { sync, from, to, .. } = way;
    let reason = format!(
        "database \"{from}\" is on another timeline than before, and nothing proves that it has all changes of sync \"{sync}\" that \
         database \"{to}\" has from it; the standby that was promoted may lack the last ones"
    );
    Halt { db: from.to_owned(), finding: Finding::Unproven, reason, met: receipt.life.clone() }
}

fn another(way: Way, receipt: &Receipt) -> Halt {
    let Way { sync, from, to, .. } = way;
    let reason = format!(
        "database \"{from}\" is not the one from which database \"{to}\" has the changes of sync \"{sync}\": what the replicator \
         keeps there was made anew since"
    );
    Halt { db: from.to_owned(), finding: Finding::Another, reason, met: receipt.life.clone() }
}

fn set_back(way: Way) -> Halt {
    let Way { sync, from, to, .. } = way;
    let reason = format!(
        "database \"{to}\" was set back further than database \"{from}\" keeps changes of sync \"{sync}\" (restored from an older \
         backup, or made anew)"
    );
    Halt { db: to.to_owned(), finding: Finding::SetBack, reason, met: None }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;

    fn receipt(mark: i64, sealed: i64) -> Receipt {
        Receipt {
            snapshot: Snapshot::parse("10:20:").unwrap(),
            life: Some("one".to_owned()),
            timeline: Some("00000001".to_owned()),
            started: Some("then".to_owned()),
            mark,
            sealed,
            wal: Some("0/FF".to_owned()),
        }
    }

    fn source(mark: i64, timeline: &str, wal: &str) -> Standing {
        let actual = Actual {
            system: None,
            dboid: 5,
            timeline: timeline.to_owned(),
            started: "now".to_owned(),
            wal: wal.to_owned(),
            xmax: 1000,
        };
        Standing { life: "one".to_owned(), mark, actual }
    }

    #[test]
    fn a_source_with_the_mark_has_everything_on_whatever_timeline() {
        for timeline in ["00000001", "00000002"] {
            assert_eq!(judge(&receipt(7, 6), &source(7, timeline, "0/1")), Verdict::Has);
            assert_eq!(judge(&receipt(7, 6), &source(9, timeline, "0/1")), Verdict::Has);
        }
    }

    #[test]
    fn a_source_without_a_sealed_mark_lacks_something_whatever_was_written() {
        for timeline in ["00000001", "00000002"] {
            assert_eq!(judge(&receipt(7, 7), &source(6, timeline, "F/0")), Verdict::Lacks);
            assert_eq!(judge(&receipt(7, 6), &source(5, timeline, "F/0")), Verdict::Lacks);
        }
    }

    #[test]
    fn a_mark_that_was_not_sealed_may_have_been_lost_in_a_crash() {
        assert_eq!(judge(&receipt(7, 6), &source(6, "00000001", "1/0")), Verdict::Has);
        assert_eq!(judge(&receipt(7, 6), &source(6, "00000001", "0/FE")), Verdict::Lacks);
        assert_eq!(judge(&receipt(7, 6), &source(6, "00000002", "1/0")), Verdict::MayLack);
    }

    #[test]
    fn transaction_ids_that_were_not_given_out_are_missing_whatever_the_mark() {
        let mut now = source(7, "00000001", "F/0");
        now.actual.xmax = 19;
        assert_eq!(judge(&receipt(7, 7), &now), Verdict::Lacks);
        let old = Receipt { life: None, ..receipt(0, 0) };
        assert_eq!(judge(&old, &now), Verdict::Lacks);
        now.actual.xmax = 20;
        assert_eq!(judge(&old, &now), Verdict::Has);
    }

    #[test]
    fn a_receipt_of_another_life_says_nothing() {
        let other = Receipt { life: Some("two".to_owned()), ..receipt(1, 1) };
        assert_eq!(judge(&other, &source(9, "00000001", "F/0")), Verdict::Another);
    }

    #[test]
    fn places_in_the_wal_are_compared_as_numbers() {
        assert!(position("1/0") > position("0/FFFFFFFF") && position("0/A0") > position("0/9F"));
        assert_eq!(position("16/B374D848"), 0x16_B374_D848);
    }
}
