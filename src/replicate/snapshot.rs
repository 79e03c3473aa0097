//! Snapshots of transaction ids: what "new" means.
//!
//! A source tells which transactions it has finished as `xmin:xmax:xip,…` (PostgreSQL manual, table
//! 9.84, `txid_snapshot`): every id below `xmin` is finished, every id from `xmax` on had not
//! begun, and of those between, the listed ones were running. A target's *receipt* is such a
//! snapshot: the changes of every transaction visible in it are in the target. A change is
//! *pending* when its transaction is visible now and not in the receipt. No clock takes part, so
//! two transactions of the same microsecond, or one that commits hours after it began, cannot be
//! skipped.

use crate::error::{Error, Kind, Result};
use std::fmt;

/// A set of finished transactions; see the module's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The lowest id that was still running, or `xmax` if none was.
    pub xmin: i64,
    /// The first id that had not begun.
    pub xmax: i64,
    /// The ids between that were running, ascending.
    pub running: Vec<i64>,
}

impl Snapshot {
    /// Reads PostgreSQL's text form.
    pub fn parse(text: &str) -> Result<Snapshot> {
        Snapshot::parse_parts(text)
            .ok_or_else(|| Error::new(Kind::Mismatch, format!("\"{text}\" is not a snapshot of transaction ids")))
    }

    fn parse_parts(text: &str) -> Option<Snapshot> {
        let mut parts = text.splitn(3, ':');
        let xmin = parts.next()?.parse().ok()?;
        let xmax = parts.next()?.parse().ok()?;
        let list = parts.next()?;
        let running = match list {
            "" => Vec::new(),
            list => list.split(',').map(|id| id.parse().ok()).collect::<Option<_>>()?,
        };
        Some(Snapshot { xmin, xmax, running })
    }

    /// Whether the transaction was finished.
    pub fn sees(&self, txid: i64) -> bool {
        txid < self.xmax && self.running.binary_search(&txid).is_err()
    }

    /// What both see.
    pub fn common(&self, other: &Snapshot) -> Snapshot {
        let xmax = self.xmax.min(other.xmax);
        let mut running: Vec<i64> = self.running.iter().chain(&other.running).copied().filter(|id| *id < xmax).collect();
        running.sort_unstable();
        running.dedup();
        Snapshot { xmin: running.first().copied().unwrap_or(xmax), xmax, running }
    }

    /// Whether every transaction that is finished in the other is finished in this one.
    pub fn includes(&self, other: &Snapshot) -> bool {
        self.xmax >= other.xmax && self.running.iter().all(|txid| !other.sees(*txid))
    }

    /// This snapshot and every transaction below `cut`. The caller guarantees that all of those are
    /// finished by now.
    pub fn and_all_below(&self, cut: i64) -> Snapshot {
        let running: Vec<i64> = self.running.iter().copied().filter(|id| *id >= cut).collect();
        let xmax = self.xmax.max(cut);
        Snapshot { xmin: running.first().copied().unwrap_or(xmax), xmax, running }
    }
}

/// PostgreSQL's text form.
impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.xmin, self.xmax, joined(&self.running))
    }
}

fn joined(ids: &[i64]) -> String {
    ids.iter().map(i64::to_string).collect::<Vec<_>>().join(",")
}

/// What one round carries: the changes that are visible now, not in `after`, and below `cut` if
/// there is one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Span {
    /// The target's receipt; none means that the target has nothing yet.
    pub after: Option<Snapshot>,
    /// The first transaction id that is left for a later round.
    pub cut: Option<i64>,
    /// The receiver's receipt, where more is sent than it lacks.
    pub had: Option<Snapshot>,
}

impl Span {
    /// Every change after a snapshot.
    pub fn after(snapshot: Option<Snapshot>) -> Span {
        Span { after: snapshot, ..Span::default() }
    }

    /// What of it the receiver lacks.
    pub fn lacking(&self) -> Span {
        Span { after: self.had.clone().or_else(|| self.after.clone()), cut: self.cut, had: None }
    }

    /// Whether the receiver has a delta row's change already, as SQL text made of numbers only.
    pub fn is_again(&self) -> String {
        let Some(had) = &self.had else { return "false".to_owned() };
        format!("(txid < {} and txid <> all ('{{{}}}'::bigint[]))", had.xmax, joined(&had.running))
    }

    /// The conditions on a delta row's `txid`, as SQL text made of numbers only. A row is in the
    /// span when one of them holds, and never more than one does. They are apart, rather than
    /// joined by OR, so that each is one range or a few points of an index, whatever the planner
    /// believes about the table.
    pub fn conditions(&self) -> Vec<String> {
        let begun_later = self.after.as_ref().map_or("true".to_owned(), |receipt| format!("txid >= {}", receipt.xmax));
        let running = self.after.as_ref().filter(|receipt| !receipt.running.is_empty());
        let were_running = running.map(|receipt| format!("txid = any ('{{{}}}'::bigint[])", joined(&receipt.running)));
        let cut = self.cut.map(|cut| format!(" and txid < {cut}")).unwrap_or_default();
        std::iter::once(begun_later).chain(were_running).map(|condition| condition + &cut).collect()
    }

    /// The receipt for this span, when it was read with the snapshot `now`.
    pub fn receipt(&self, now: &Snapshot) -> Snapshot {
        match (self.cut, &self.after) {
            (None, _) => now.clone(),
            (Some(cut), Some(after)) => after.and_all_below(cut),
            (Some(cut), None) => Snapshot { xmin: cut, xmax: cut, running: Vec::new() },
        }
    }
}

/// Where to cut a backlog so that about as many changes as wanted lie below: `candidate` is the id
/// at that position, `first` the lowest pending id. Only ids below the snapshot's `xmin` are
/// finished for certain, so the cut may not lie above it; and at least one whole transaction must
/// lie below it, or nothing would move. None: take everything.
pub fn cut(candidate: i64, first: i64, now: &Snapshot) -> Option<i64> {
    let cut = candidate.max(first + 1).min(now.xmin);
    (cut > first).then_some(cut)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;

    fn snapshot(text: &str) -> Snapshot {
        Snapshot::parse(text).unwrap()
    }

    #[test]
    fn a_snapshot_survives_its_text_form() {
        for text in ["10:10:", "10:20:10,14,15"] {
            assert_eq!(snapshot(text).to_string(), text);
        }
        for text in ["", "10", "10:20", "a:b:c", "10:20:x"] {
            assert!(Snapshot::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_receipt_after_a_cut_forgets_nothing_and_claims_nothing_else() {
        for text in ["10:10:", "10:20:10,14,15", "5:30:5,6,7,29", "1:1:"] {
            for cut in 1..40 {
                let before = snapshot(text);
                let after = before.and_all_below(cut);
                for txid in 1..50 {
                    assert_eq!(after.sees(txid), before.sees(txid) || txid < cut, "{text} cut at {cut}: {txid}");
                }
                assert_eq!(snapshot(&after.to_string()), after);
                assert!(after.xmin <= after.xmax && (1..after.xmin).all(|txid| after.sees(txid)));
            }
        }
    }

    #[test]
    fn what_two_snapshots_have_in_common_is_what_both_see() {
        let all = ["10:10:", "10:20:10,14,15", "5:30:5,6,7,29", "1:1:", "14:16:14"].map(snapshot);
        for (one, other) in all.iter().flat_map(|one| all.iter().map(move |other| (one, other))) {
            let both = one.common(other);
            assert!((1..40).all(|txid| both.sees(txid) == (one.sees(txid) && other.sees(txid))), "{one} and {other}: {both}");
            assert_eq!(snapshot(&both.to_string()), both);
        }
    }

    #[test]
    fn a_snapshot_includes_those_that_see_nothing_else() {
        let now = snapshot("10:20:10,14");
        assert!(now.includes(&now) && now.includes(&snapshot("10:15:10,14")) && now.includes(&snapshot("5:9:5")));
        assert!(!now.includes(&snapshot("14:20:14")), "what was running is finished");
        assert!(!now.includes(&snapshot("10:21:10,14")) && !now.includes(&snapshot("15:15:")));
    }

    #[test]
    fn a_cut_moves_something_and_stays_below_what_may_still_run() {
        let now = snapshot("100:120:100,110");
        assert_eq!(cut(50, 10, &now), Some(50));
        assert_eq!(cut(10, 10, &now), Some(11), "one transaction larger than the batch goes alone");
        assert_eq!(cut(115, 10, &now), Some(100));
        assert_eq!(cut(115, 100, &now), None, "what is above xmin cannot be cut");
    }

    #[test]
    fn the_conditions_name_exactly_the_unseen() {
        assert_eq!(Span::default().conditions(), ["true"]);
        let span = Span { cut: Some(30), ..Span::after(Some(snapshot("10:20:10,14"))) };
        assert_eq!(span.conditions(), ["txid >= 20 and txid < 30", "txid = any ('{10,14}'::bigint[]) and txid < 30"]);
    }

    #[test]
    fn what_is_sent_again_is_told_from_what_the_receiver_lacks() {
        let span = Span { had: Some(snapshot("10:20:12")), ..Span::after(Some(snapshot("5:9:5"))) };
        assert_eq!(span.is_again(), "(txid < 20 and txid <> all ('{12}'::bigint[]))");
        assert_eq!(span.lacking(), Span::after(Some(snapshot("10:20:12"))));
        assert_eq!(Span::default().is_again(), "false");
    }
}
