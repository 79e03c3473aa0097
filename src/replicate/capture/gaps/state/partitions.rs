//! Partitions that came, went, or were written anew while they were away.

use super::State;
use crate::control::departed_partition::came_back;
use crate::replicate::catalog::capture_triggers::ROW_TRIGGER;

impl State<'_> {
    /// The partitions that are gone, with their ids and names.
    pub(in super::super) fn departed(&self, now: &State) -> Vec<(u32, &str)> {
        if self.table != now.table {
            return Vec::new();
        }
        let gone = self.leaves.iter().filter(|(oid, _)| !now.leaves.contains_key(*oid));
        gone.filter_map(|(oid, leaf)| Some((oid.parse().ok()?, leaf.name.as_str()))).collect()
    }

    /// The partitions of now that were none then, or went and came back.
    pub(in super::super) fn attached<'n>(&self, now: &State<'n>) -> Vec<&'n str> {
        let row = |state: &State, partition: &str| {
            state
                .triggers
                .iter()
                .find(|((table, name), _)| *table == partition && name.starts_with(ROW_TRIGGER))
                .map(|(_, [id, ..])| (*id).to_owned())
        };
        let is_new = |partition: &&&str| !self.partitions.contains(**partition) || row(self, partition) != row(now, partition);
        if self.table == now.table { now.partitions.iter().filter(is_new).copied().collect() } else { Vec::new() }
    }

    /// A partition that was away for a while: what was changed in it meanwhile is not known. The
    /// rows that it has at a source are noted as changed, but not which it had before.
    pub(super) fn was_away(&self, now: &State) -> Option<String> {
        let (_, leaf) = now.leaves.iter().find(|(oid, _)| !self.attached_since(now, oid).is_empty())?;
        Some(came_back(&leaf.name))
    }

    /// The transactions that attached a partition, or one above it, since then.
    fn attached_since<'n>(&self, now: &State<'n>, oid: &str) -> Vec<&'n str> {
        let attached = |state: &State<'n>| state.leaves.get(oid).and_then(|leaf| leaf.attached);
        let before = self.leaves.get(oid).and_then(|leaf| leaf.attached);
        let (Some(before), Some(attached)) = (before, attached(now)) else { return Vec::new() };
        attached.split(',').filter(|id| !before.split(',').any(|known| known == *id)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_that_came_or_came_back_are_attached_and_touched_ones_are_not() {
        let state = |parts: &str| format!("table 7;persistence p;{parts};trigger 7 bucardo_add_delta 70 900 O 1;name t");
        let part =
            |oid: u32, id: u32, touched: u32| format!("partition {oid};trigger {oid} bucardo_add_delta {id} {touched} O 1");
        let (before, both) = (state(&part(8, 80, 900)), state(&(part(8, 80, 900) + ";" + &part(9, 90, 901))));
        assert_eq!(State::parse(&before).attached(&State::parse(&both)), ["9"]);
        assert_eq!(State::parse(&before).missed(&State::parse(&both), true), None);
        let back = state(&part(8, 88, 901));
        assert_eq!(State::parse(&before).attached(&State::parse(&back)), ["8"]);
        assert_eq!(State::parse(&before).missed(&State::parse(&back), true), None);
        let touched = state(&part(8, 80, 901));
        assert!(State::parse(&before).attached(&State::parse(&touched)).is_empty());
        assert!(State::parse(&before).missed(&State::parse(&touched), true).is_some_and(|what| what.ends_with("on a partition")));
        assert_eq!(State::parse(&both).missed(&State::parse(&before), true), None, "a detached one is gone with its rows");
    }

    /// Partition p of a table, by what attached it, its file, and what made that.
    fn leaf(attached: &str, file: u32, made: u32) -> String {
        format!("table 7;file 8 {file} {made};named 8 70{attached};name t")
    }

    #[test]
    fn a_partition_that_was_detached_is_told() {
        let known = leaf(" 800,801", 70, 850);
        let missed = |now: &str| State::parse(&known).missed(&State::parse(now), false);
        assert_eq!(missed(&leaf(" 800,801", 71, 900)), None, "not detached");
        assert_eq!(State::parse(&leaf("", 70, 850)).missed(&State::parse(&leaf(" 900", 71, 900)), false), None, "a state of old");
        for back in [" 800,900", " 900,801"] {
            let told = "partition p was detached and attached again; what was changed in it meanwhile is not known";
            assert_eq!(missed(&leaf(back, 70, 850)).as_deref(), Some(told));
        }
    }

    #[test]
    fn a_partition_that_is_another_one_has_departed() {
        let (known, now) = (leaf(" 800", 70, 850), leaf(" 900", 71, 900).replace(" 8 ", " 9 "));
        assert_eq!(State::parse(&known).departed(&State::parse(&now)), [(8, "p")]);
        assert_eq!(State::parse(&known).departed(&State::parse(&known)), []);
    }
}
