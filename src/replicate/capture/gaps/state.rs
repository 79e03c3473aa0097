//! What the state of a table says, and what two of its states tell of the time between them.

use crate::replicate::catalog::capture_triggers::ROW_TRIGGER;
use crate::replicate::catalog::compare::widens;
use std::collections::{BTreeMap, BTreeSet};

/// A state, read from its text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct State<'a> {
    table: &'a str,
    mark: Option<&'a str>,
    partitions: BTreeSet<&'a str>,
    /// By table and name: its id, the transaction that touched it last, when it fires, its
    /// function.
    triggers: BTreeMap<(&'a str, &'a str), [&'a str; 4]>,
    /// By name.
    columns: BTreeMap<String, Column<'a>>,
    /// By type and label, its id.
    labels: BTreeMap<(&'a str, String), &'a str>,
    /// By table or partition, the file that holds its rows, and the transaction that made it.
    files: BTreeMap<&'a str, [&'a str; 2]>,
    /// The names of the partitions that hold rows.
    names: BTreeMap<&'a str, String>,
    name: &'a str,
}

/// A column of the table.
#[derive(Debug, PartialEq, Eq)]
struct Column<'a> {
    number: &'a str,
    touched: &'a str,
    generated: bool,
    type_name: String,
    /// What rows have for it that are older: a digest of a constant, `-` for NULL, `+` if it has a
    /// default, `?` if that is not known.
    older: &'a str,
    /// The command by which it was touched last, in its transaction.
    command: Option<u32>,
}

impl Column<'_> {
    /// Its place in the table.
    fn place(&self) -> i16 {
        self.number.parse().unwrap_or_default()
    }
}

impl<'a> State<'a> {
    pub(super) fn parse(text: &'a str) -> State<'a> {
        let (guard, name) = text.split_once(";name ").unwrap_or((text, ""));
        let mut state = State {
            table: "",
            mark: None,
            partitions: BTreeSet::new(),
            triggers: BTreeMap::new(),
            columns: BTreeMap::new(),
            labels: BTreeMap::new(),
            files: BTreeMap::new(),
            names: BTreeMap::new(),
            name,
        };
        for part in guard.split(';') {
            match part.split(' ').collect::<Vec<_>>()[..] {
                ["table", table] => state.table = table,
                ["unlogged", mark] => state.mark = Some(mark),
                ["partition", partition] => drop(state.partitions.insert(partition)),
                ["trigger", table, name, id, touched, fires, function] => {
                    state.triggers.insert((table, name), [id, touched, fires, function]);
                }
                ["column", name, number, touched, generated, type_name, ref rest @ ..] => {
                    let (generated, type_name) = (generated != "-", from_hex(type_name));
                    let older = rest.first().copied().unwrap_or("?");
                    let command = rest.get(1).and_then(|command| command.parse().ok());
                    state.columns.insert(from_hex(name), Column { number, touched, generated, type_name, older, command });
                }
                ["label", type_id, label, id] => drop(state.labels.insert((type_id, from_hex(label)), id)),
                ["file", table, file, made] => drop(state.files.insert(table, [file, made])),
                ["named", table, name] => drop(state.names.insert(table, from_hex(name))),
                _ => {}
            }
        }
        state
    }

    /// What happened since, if anything may be missing by that. Of a table that goes by another
    /// name now, nothing is known.
    pub(super) fn missed(&self, now: &State, is_source: bool) -> Option<String> {
        if self.name != now.name {
            return None;
        }
        if self.table != now.table {
            return Some("another table has this name since then".to_owned());
        }
        if self.mark.is_some() && now.mark.is_some() && self.mark != now.mark {
            return Some("the table is unlogged, and a crash of the server emptied it".to_owned());
        }
        let of_triggers = if is_source { self.triggers_missed(now) } else { None };
        of_triggers.or_else(|| self.values_missed(now, is_source))
    }

    fn triggers_missed(&self, now: &State) -> Option<String> {
        for ((table, name), [id, touched, ..]) in &self.triggers {
            if *table != self.table && !now.partitions.contains(table) {
                continue;
            }
            let on = if *table == self.table { "" } else { " on a partition" };
            match now.triggers.get(&(*table, *name)) {
                None => return Some(format!("trigger {name} was gone{on}")),
                Some([.., fires, _]) if !matches!(*fires, "O" | "A") => return Some(format!("trigger {name} was off{on}")),
                Some([other, ..]) if other != id && *table != self.table => {}
                Some([_, later, ..]) if later != touched => return Some(format!("trigger {name} was off for a while{on}")),
                _ => {}
            }
        }
        None
    }

    /// Values that changed without any trigger: DDL gives a name to another column or label, or
    /// writes all rows anew.
    fn values_missed(&self, now: &State, is_source: bool) -> Option<String> {
        let renamed = self.renamed(now);
        if !renamed.is_empty() {
            return Some(format!("{RENAMED}: {}", renamed.join(", ")));
        }
        let made_anew: Vec<&str> = self.made_anew(now);
        let mut columns: Vec<(&String, &Column)> = self.columns.iter().collect();
        columns.sort_by_key(|(_, column)| column.place());
        for (name, before) in columns {
            let Some(after) = now.columns.get(name) else { continue };
            if before.number != after.number {
                // Where it is generated, its values follow from the others.
                if after.generated {
                    continue;
                }
                return Some(format!("column {name} was dropped and added"));
            }
            // A file that was made after the column was touched comes of something else, like
            // VACUUM FULL.
            let altered = before.touched != after.touched && made_anew.iter().any(|made| !is_older(after.touched, made));
            let (old, new) = (&before.type_name, &after.type_name);
            // A cast to a wider type keeps the values, and another one makes the same of equal
            // values, unless it asks for the session's time zone. An expression (USING) leaves no
            // trace but that the values were written.
            if altered && old == new && self.is_touched_along(now, after) {
                continue;
            }
            if altered && (old == new || zoned(old) != zoned(new)) {
                return Some(format!("ALTER TABLE has written the values of column {name} anew"));
            }
            if altered && !widens(old, new) {
                return Some(format!("{ALTERED}: {name} from {old} to {new}"));
            }
            if !is_source && before.generated && !after.generated {
                return Some(format!("column {name} was generated until then"));
            }
        }
        let other_label = |((type_id, label), id): (&(&str, String), &&str)| {
            now.labels.get(&(*type_id, label.clone())).is_some_and(|later| later != id).then(|| label.clone())
        };
        self.labels.iter().find_map(other_label).map(|label| format!("label {label} of an enumerated type is another one now"))
    }

    /// Whether a column of the same type as before was touched only because one before it got
    /// another type: since the minor versions of November 2026 (15.20), PostgreSQL touches all that
    /// follow. One for which the same ALTER TABLE has an expression comes with a later command.
    fn is_touched_along(&self, now: &State, column: &Column) -> bool {
        let is_later = |other: &Column| !is_older(other.touched, column.touched);
        let has_other_type = |(name, other): &(&String, &Column)| {
            self.columns.get(*name).is_some_and(|before| before.number == other.number && before.type_name != other.type_name)
        };
        now.columns.iter().filter(has_other_type).map(|(_, other)| other).any(|first| {
            let goes_along = first.touched != column.touched || column.command <= first.command;
            let follow = |other: &&Column| other.place() > first.place();
            first.place() < column.place() && is_later(first) && goes_along && now.columns.values().filter(follow).all(is_later)
        })
    }

    /// Columns that were added since, and whether their values were written into each row, as a
    /// default that is not the same for all has it.
    pub(super) fn added<'n>(&self, now: &'n State) -> Vec<(&'n str, bool)> {
        if self.table != now.table || self.name != now.name || self.columns.is_empty() {
            return Vec::new();
        }
        let made_anew = self.made_anew(now);
        let is_new = |(name, column): &(&String, &Column)| {
            let is_renamed = self.columns.values().any(|before| before.number == column.number);
            !self.columns.contains_key(*name) && !is_renamed && !column.generated && column.older != "?"
        };
        let written = |column: &Column| column.older == "+" && made_anew.iter().any(|made| !is_older(column.touched, made));
        now.columns.iter().filter(is_new).map(|(name, column)| (name.as_str(), written(column))).collect()
    }

    /// Whether this member has another value than one for the rows that are older than a column;
    /// none if one of them has no such column, or if it is not known.
    pub(super) fn differs_in(&self, other: &State, column: &str) -> Option<bool> {
        let (ours, theirs) = (self.columns.get(column)?, other.columns.get(column)?);
        (ours.older != "?" && theirs.older != "?").then(|| self.in_older_rows(ours) != other.in_older_rows(theirs))
    }

    /// What rows have for a column that are older than it. A default alone is for later rows,
    /// unless the transaction that made the column has written all rows.
    fn in_older_rows(&self, column: &'a Column) -> &'a str {
        let is_written = || self.files.values().any(|[_, made]| *made == column.touched);
        if column.older == "+" && !is_written() { "-" } else { column.older }
    }

    /// The transactions that made the files of tables and partitions that had others before.
    fn made_anew<'n>(&self, now: &State<'n>) -> Vec<&'n str> {
        let other = |(table, [file, made]): (&&'n str, &[&'n str; 2])| {
            self.files.get(*table).is_some_and(|[before, _]| before != file).then_some(*made)
        };
        now.files.iter().filter_map(other).collect()
    }

    /// Names that existing columns have taken over from others.
    fn renamed(&self, now: &State) -> Vec<String> {
        let former = |number: &str| self.columns.iter().find(|(_, column)| column.number == number).map(|(name, _)| name);
        let taken = now.columns.iter().filter(|(name, _)| self.columns.contains_key(*name));
        let renamed = taken.filter_map(|(name, column)| {
            let before = former(column.number).filter(|before| *before != name)?;
            Some(format!("{name} was {before}"))
        });
        renamed.collect()
    }

    /// The names of partitions that are gone.
    pub(super) fn departed(&self, now: &State) -> Vec<&str> {
        if self.table != now.table {
            return Vec::new();
        }
        self.names.iter().filter(|(oid, _)| !now.names.contains_key(*oid)).map(|(_, name)| name.as_str()).collect()
    }

    /// The partitions of now that were none then, or went and came back.
    pub(super) fn attached<'n>(&self, now: &State<'n>) -> Vec<&'n str> {
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
}

/// How what happened begins, when columns have exchanged their names.
const RENAMED: &str = "columns were renamed";
/// How it begins, when a column has got another type.
const ALTERED: &str = "a column was altered";
/// What keeps equal rows equal, if it happens on all members.
pub(super) const COMMON: [&str; 2] = [RENAMED, ALTERED];

fn zoned(type_name: &str) -> bool {
    type_name.contains("with time zone")
}

/// Whether a transaction id was given out before another one. Ids go round.
fn is_older(id: &str, other: &str) -> bool {
    match (id.parse::<u32>(), other.parse::<u32>()) {
        (Ok(id), Ok(other)) => id.wrapping_sub(other) > u32::MAX / 2,
        _ => false,
    }
}

/// Text that was sent in hexadecimal.
fn from_hex(text: &str) -> String {
    let digits = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = digits.map(byte).collect();
    String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &str = "table 7;persistence p;trigger 7 bucardo_add_delta 70 900 O 1;trigger 7 bucardo_add_truncate 71 900 O 2;name \"s\".\";name x\"";

    fn missed(now: &str, is_source: bool) -> Option<String> {
        State::parse(KNOWN).missed(&State::parse(now), is_source)
    }

    #[test]
    fn what_happened_is_read_from_two_states() {
        assert_eq!(missed(KNOWN, true), None);
        assert_eq!(State::parse(KNOWN).name, "\"s\".\";name x\"");
        for (from, to, words) in [
            ("table 7", "table 8", "another table has this name since then"),
            ("70 900 O", "70 901 O", "trigger bucardo_add_delta was off for a while"),
            ("70 900 O", "70 901 D", "trigger bucardo_add_delta was off"),
            ("70 900 O", "70 901 R", "trigger bucardo_add_delta was off"),
            ("70 900 O", "99 901 A", "trigger bucardo_add_delta was off for a while"),
            (";trigger 7 bucardo_add_truncate 71 900 O 2", "", "trigger bucardo_add_truncate was gone"),
        ] {
            assert_eq!(missed(&KNOWN.replace(from, to), true).as_deref(), Some(words), "{to}");
        }
    }

    #[test]
    fn a_receiver_needs_no_triggers_and_another_name_tells_nothing() {
        assert_eq!(missed(&KNOWN.replace("70 900 O", "70 901 D"), false), None);
        assert!(missed(&KNOWN.replace("table 7", "table 8"), false).is_some());
        assert_eq!(missed("table 8;persistence p;name \"s\".\"other\"", true), None);
    }

    /// A column `v` of a table, by its number, the transaction that touched it, its type and the
    /// table's file.
    fn column(number: u32, touched: u32, type_name: &str, file: u32) -> String {
        let hex: String = type_name.bytes().map(|byte| format!("{byte:02x}")).collect();
        format!("table 7;column 76 {number} {touched} - {hex};file 7 {file} {};name t", file + 830)
    }

    #[test]
    fn values_that_ddl_changed_are_told_and_those_that_it_kept_are_not() {
        let known = column(2, 900, "text", 70);
        let missed = |now: &str| State::parse(&known).missed(&State::parse(now), true);
        for (now, words) in [
            (column(2, 900, "text", 70), None),
            (column(2, 901, "text", 70), None),
            (column(2, 900, "text", 71), None),
            (column(3, 901, "text", 70), Some("column v was dropped and added")),
            (column(2, 901, "text", 71), Some("ALTER TABLE has written the values of column v anew")),
            (column(2, 901, "integer", 71), Some("a column was altered: v from text to integer")),
            (column(2, 901, "text", 75), None),
            (column(2, 901, "timestamp with time zone", 71), Some("ALTER TABLE has written the values of column v anew")),
            ("table 7;name t".to_owned(), None),
        ] {
            assert_eq!(missed(&now).as_deref(), words, "{now}");
        }
        let widened = column(2, 901, "bigint", 71);
        assert_eq!(State::parse(&column(2, 900, "integer", 70)).missed(&State::parse(&widened), true), None);
        let zoned = column(2, 901, "timestamp with time zone", 71);
        let plain = column(2, 900, "timestamp without time zone", 70);
        assert!(State::parse(&plain).missed(&State::parse(&zoned), true).is_some());
    }

    /// Columns a, b and c, each by the transaction that touched it, the command, and its type.
    fn three(columns: [(u32, u32, &str); 3], file: u32) -> String {
        let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
        let one = |(at, (touched, command, type_name)): (usize, (u32, u32, &str))| {
            format!("column {} {} {touched} - {} - {command};", hex(["a", "b", "c"][at]), at + 1, hex(type_name))
        };
        let columns: String = columns.into_iter().enumerate().map(one).collect();
        format!("table 7;{columns}file 7 {file} {};name t", file + 830)
    }

    #[test]
    fn a_column_that_is_touched_along_with_another_is_not_told() {
        let known = three([(900, 0, "integer"), (900, 0, "text"), (900, 0, "text")], 70);
        let missed = |columns| State::parse(&known).missed(&State::parse(&three(columns, 71)), true);
        let anew = |column: &str| Some(format!("ALTER TABLE has written the values of column {column} anew"));
        assert_eq!(missed([(901, 0, "bigint"), (901, 0, "text"), (901, 0, "text")]), None);
        assert_eq!(missed([(901, 3, "bigint"), (901, 0, "text"), (901, 0, "text")]), None, "with a default");
        assert_eq!(missed([(902, 0, "bigint"), (901, 0, "text"), (901, 0, "text")]), None, "touched again");
        assert_eq!(missed([(901, 0, "bigint"), (901, 1, "text"), (901, 1, "text")]), anew("b"), "with an expression");
        assert_eq!(missed([(901, 0, "bigint"), (901, 0, "text"), (900, 0, "text")]), anew("b"), "of an older server");
        assert_eq!(missed([(900, 0, "integer"), (901, 0, "text"), (901, 0, "text")]), anew("b"));
        assert_eq!(missed([(901, 0, "integer"), (901, 0, "text"), (901, 0, "text")]), anew("a"));
    }

    #[test]
    fn columns_that_were_added_are_compared_by_what_older_rows_have() {
        let state =
            |column: &str, file: u32| format!("table 7;column 76 1 900 - 74 -{column};file 7 {file} {};name t", file + 830);
        let known = state("", 70);
        let added = |now: &str| {
            let (known, now) = (State::parse(&known), State::parse(now));
            known.added(&now).into_iter().map(|(name, written)| (name.to_owned(), written)).collect::<Vec<_>>()
        };
        let one = |written| vec![("w".to_owned(), written)];
        assert_eq!(added(&known), []);
        assert_eq!(added(&state(";column 77 2 901 - 74 abc", 70)), one(false));
        assert_eq!(added(&state(";column 77 2 901 - 74 +", 71)), one(true));
        assert_eq!(added(&state(";column 77 2 901 - 74 +", 70)), one(false), "the default came later");
        assert_eq!(added(&state(";column 77 2 901 - 74 -", 71)), one(false), "another column was altered");
        assert_eq!(added(&state(";column 77 2 901 - 74 ?", 71)), []);
        let differs = |a: &str, b: &str| {
            let of = |older: &str| state(&format!(";column 77 2 901 - 74 {older}"), 70);
            State::parse(&of(a)).differs_in(&State::parse(&of(b)), "w")
        };
        assert_eq!([differs("a", "a"), differs("a", "b"), differs("a", "-")], [Some(false), Some(true), Some(true)]);
        assert_eq!([differs("+", "-"), differs("a", "?")], [Some(false), None]);
        assert_eq!(State::parse(&known).differs_in(&State::parse(&known), "w"), None);
    }

    #[test]
    fn transaction_ids_go_round() {
        assert!(is_older("900", "901") && !is_older("901", "900") && !is_older("900", "900"));
        assert!(is_older("4294967290", "5") && !is_older("5", "4294967290"));
    }

    #[test]
    fn names_that_columns_exchanged_are_told_and_new_names_are_not() {
        let state = |first: &str, second: &str| format!("table 7;column {first} 1 900 - 74;column {second} 2 900 - 74;name t");
        let missed = |now: &str| State::parse(&state("61", "62")).missed(&State::parse(now), true);
        assert_eq!(missed(&state("62", "61")).as_deref(), Some("columns were renamed: a was b, b was a"));
        assert_eq!(missed(&state("61", "63")), None);
        assert_eq!(missed(&state("62", "63")).as_deref(), Some("columns were renamed: b was a"));
    }

    #[test]
    fn a_column_that_is_no_longer_generated_is_told_of_a_receiver() {
        let state = |generated: &str| format!("table 7;column 76 1 900 {generated} 74;name t");
        let missed = |is_source| State::parse(&state("s")).missed(&State::parse(&state("-")), is_source);
        assert_eq!((missed(false).as_deref(), missed(true)), (Some("column v was generated until then"), None));
    }

    #[test]
    fn a_label_that_is_another_one_is_told_and_a_new_one_is_not() {
        let state = |labels: &str| format!("table 7;{labels};name t");
        let known = state("label 9 41 1;label 9 42 2");
        let missed = |now: &str| State::parse(&known).missed(&State::parse(&state(now)), true);
        assert_eq!(missed("label 9 41 1;label 9 42 2;label 9 43 3"), None);
        assert_eq!(missed("label 9 42 1;label 9 41 2").as_deref(), Some("label A of an enumerated type is another one now"));
    }

    #[test]
    fn a_crash_is_told_by_another_mark() {
        let state = |mark: &str| format!("table 7;persistence u;unlogged {mark};name t");
        let missed = |before: &str, now: &str| State::parse(before).missed(&State::parse(now), false);
        assert_eq!(missed(&state("a"), &state("a")), None);
        assert!(missed(&state("a"), &state("b")).is_some_and(|what| what.contains("unlogged")));
        assert_eq!(missed("table 7;persistence p;name t", &state("b")), None, "it became unlogged");
    }

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
}
