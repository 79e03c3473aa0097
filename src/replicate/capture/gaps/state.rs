//! What the state of a table says, and what two of its states tell of the time between them.

mod added;
mod partitions;

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
    /// By composite type and name, its number, and the type's name.
    attributes: BTreeMap<(&'a str, String), (&'a str, String)>,
    /// By table or partition, the file that holds its rows, and the transaction that made it.
    files: BTreeMap<&'a str, [&'a str; 2]>,
    /// The partitions that hold rows.
    leaves: BTreeMap<&'a str, Leaf<'a>>,
    name: &'a str,
}

/// A partition that holds rows.
#[derive(Debug, PartialEq, Eq)]
struct Leaf<'a> {
    name: String,
    /// The transactions that attached it and the partitions above it; none in a state of old.
    attached: Option<&'a str>,
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
    /// A digest of the default that it has now, if that is a constant.
    constant: Option<&'a str>,
    /// The transaction that gave it this default.
    default_since: Option<&'a str>,
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
            attributes: BTreeMap::new(),
            files: BTreeMap::new(),
            leaves: BTreeMap::new(),
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
                    let constant = rest.get(2).copied().filter(|constant| !matches!(*constant, "-" | "+"));
                    let default_since = rest.get(3).copied();
                    let column = Column { number, touched, generated, type_name, older, command, constant, default_since };
                    state.columns.insert(from_hex(name), column);
                }
                ["label", type_id, label, id] => drop(state.labels.insert((type_id, from_hex(label)), id)),
                ["file", table, file, made] => drop(state.files.insert(table, [file, made])),
                ["named", table, name, ref rest @ ..] => {
                    let leaf = Leaf { name: from_hex(name), attached: rest.first().copied() };
                    state.leaves.insert(table, leaf);
                }
                ["attribute", type_id, name, number, type_name] => {
                    state.attributes.insert((type_id, from_hex(name)), (number, from_hex(type_name)));
                }
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
        let away = self.was_away(now);
        away.or_else(|| self.other_label(now)).or_else(|| self.other_attribute(now))
    }

    fn other_label(&self, now: &State) -> Option<String> {
        let is_other = |((type_id, label), id): &(&(&str, String), &&str)| {
            now.labels.get(&(*type_id, label.clone())).is_some_and(|later| later != *id)
        };
        let ((_, label), _) = self.labels.iter().find(is_other)?;
        Some(format!("label {label} of an enumerated type is another one now"))
    }

    fn other_attribute(&self, now: &State) -> Option<String> {
        let is_other = |(attribute, (number, _)): &(&(&str, String), &(&str, String))| {
            now.attributes.get(attribute).is_some_and(|(later, _)| later != number)
        };
        let ((_, name), (_, type_name)) = self.attributes.iter().find(is_other)?;
        Some(format!("{ATTRIBUTE} {name} of type {type_name} is another one now"))
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
}

/// How what happened begins, when columns have exchanged their names.
const RENAMED: &str = "columns were renamed";
/// How it begins, when a column has got another type.
const ALTERED: &str = "a column was altered";
/// How it begins, when the name of an attribute of a composite type belongs to another one.
const ATTRIBUTE: &str = "attribute";
/// What keeps equal rows equal, if it happens on all members.
pub(super) const COMMON: [&str; 3] = [RENAMED, ALTERED, ATTRIBUTE];

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
    fn an_attribute_that_is_another_one_is_told_and_a_new_one_is_not() {
        let state = |attributes: &str| format!("table 7;{attributes};name t");
        let missed = |before: &str, now: &str| State::parse(&state(before)).missed(&State::parse(&state(now)), true);
        let known = "attribute 9 78 1 63;attribute 9 79 2 63";
        let told = |name: &str| Some(format!("attribute {name} of type c is another one now"));
        assert_eq!(missed(known, known), None);
        assert_eq!(missed(known, "attribute 9 78 1 63;attribute 9 79 3 63"), told("y"), "dropped and added");
        assert_eq!(missed(known, "attribute 9 78 2 63;attribute 9 79 1 63"), told("x"), "names exchanged");
        assert_eq!(missed(known, "attribute 9 78 1 63;attribute 9 7a 2 63;attribute 9 77 3 63"), None);
        assert_eq!(missed(known, "attribute 8 78 1 63;attribute 8 79 3 63"), None, "of another type");
        assert_eq!(missed("label 9 41 1", "label 9 41 1;attribute 9 78 1 63"), None, "a state of old");
    }

    #[test]
    fn a_crash_is_told_by_another_mark() {
        let state = |mark: &str| format!("table 7;persistence u;unlogged {mark};name t");
        let missed = |before: &str, now: &str| State::parse(before).missed(&State::parse(now), false);
        assert_eq!(missed(&state("a"), &state("a")), None);
        assert!(missed(&state("a"), &state("b")).is_some_and(|what| what.contains("unlogged")));
        assert_eq!(missed("table 7;persistence p;name t", &state("b")), None, "it became unlogged");
    }
}
