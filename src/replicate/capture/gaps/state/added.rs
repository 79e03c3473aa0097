//! Columns that were added or renamed: what rows have for them that are older.

use super::{Column, State, is_older};

/// What rows have for a column that are older than it.
enum Older<'a> {
    Null,
    /// Each row has a value of its own.
    OfEachRow,
    /// A digest of the value, where the server keeps it beside the rows, and of the default.
    Constant {
        value: Option<&'a str>,
        default: Option<&'a str>,
    },
}

impl Older<'_> {
    /// Where the value itself is not known on both sides, it is what the default is.
    fn is_same(&self, other: &Older) -> bool {
        match (self, other) {
            (Older::Null, Older::Null) => true,
            (Older::Constant { value: Some(ours), .. }, Older::Constant { value: Some(theirs), .. }) => ours == theirs,
            (Older::Constant { default: Some(ours), .. }, Older::Constant { default: Some(theirs), .. }) => ours == theirs,
            _ => false,
        }
    }
}

impl<'a> State<'a> {
    /// Columns that were added since, and whether their values were written into each row, as a
    /// default that is not the same for all has it.
    pub(in super::super) fn added<'n>(&self, now: &'n State) -> Vec<(&'n str, bool)> {
        if self.table != now.table || self.name != now.name || self.columns.is_empty() {
            return Vec::new();
        }
        let made_anew = self.made_anew(now);
        let is_new = |(name, column): &(&String, &Column)| {
            let is_renamed = self.columns.values().any(|before| before.number == column.number);
            !self.columns.contains_key(*name) && !is_renamed && !column.generated && column.older != "?"
        };
        let has_own = |column: &Column| column.older == "+" && column.constant.is_none();
        let written = |column: &Column| has_own(column) && made_anew.iter().any(|made| !is_older(column.touched, made));
        now.columns.iter().filter(is_new).map(|(name, column)| (name.as_str(), written(column))).collect()
    }

    /// Whether this member has another value than one for the rows that are older than a column;
    /// none if one of them has no such column, or if it is not known.
    pub(in super::super) fn differs_in(&self, other: &State, column: &str) -> Option<bool> {
        let (ours, theirs) = (self.columns.get(column)?, other.columns.get(column)?);
        let is_known = ours.older != "?" && theirs.older != "?";
        is_known.then(|| !self.in_older_rows(ours).is_same(&other.in_older_rows(theirs)))
    }

    /// What rows have for a column that are older than it. A default alone is for later rows,
    /// unless the transaction that made the column, or its default, has written all rows.
    fn in_older_rows(&self, column: &Column<'a>) -> Older<'a> {
        let is_touched = |made: &str| made == column.touched && !self.is_touched_with_another(column);
        let is_written = |made: &str| Some(made) == column.default_since || is_touched(made);
        match column.older {
            "-" => Older::Null,
            "+" if !self.files.values().any(|[_, made]| is_written(made)) => Older::Null,
            "+" if column.constant.is_none() => Older::OfEachRow,
            "+" => Older::Constant { value: None, default: column.constant },
            value => Older::Constant { value: Some(value), default: column.constant },
        }
    }

    /// Whether a column may have been touched last only because one before it got another type.
    /// What was kept beside the rows for it comes into them by a later command of that ALTER TABLE.
    fn is_touched_with_another(&self, column: &Column) -> bool {
        let is_first = |other: &Column| other.place() < column.place() && other.touched == column.touched;
        column.command.is_some() && self.columns.values().any(|other| is_first(other) && column.command <= other.command)
    }

    /// Existing columns that got names which no column had: before and now.
    pub(in super::super) fn renamed_to_new<'n>(&'n self, now: &'n State) -> Vec<(&'n str, &'n str)> {
        if self.table != now.table || self.name != now.name {
            return Vec::new();
        }
        let is_new = |(name, _): &(&'n String, &'n Column)| !self.columns.contains_key(*name);
        let renamed = |(name, column): (&'n String, &'n Column)| {
            let (former, _) = self.columns.iter().find(|(_, before)| before.number == column.number)?;
            Some((former.as_str(), name.as_str()))
        };
        now.columns.iter().filter(is_new).filter_map(renamed).collect()
    }

    /// Whether it has all of these columns.
    pub(in super::super) fn has_columns(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.columns.contains_key(*name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(added(&state(";column 77 2 901 - 74 + 0 abc 901", 71)), one(false), "the same in all rows");
        assert_eq!(added(&state(";column 77 2 901 - 74 + 0 + 901", 71)), one(true));
        let differs = |a: &str, b: &str| {
            let of = |older: &str| state(&format!(";column 77 2 901 - 74 {older}"), 70);
            State::parse(&of(a)).differs_in(&State::parse(&of(b)), "w")
        };
        assert_eq!([differs("a", "a"), differs("a", "b"), differs("a", "-")], [Some(false), Some(true), Some(true)]);
        assert_eq!([differs("+", "-"), differs("a", "?")], [Some(false), None]);
        assert_eq!(State::parse(&known).differs_in(&State::parse(&known), "w"), None);
    }

    #[test]
    fn a_constant_is_the_same_whether_it_was_written_into_each_row_or_not() {
        // By what older rows have, the transactions that touched the column and its default, and a
        // digest of that; the file was made by 901.
        let state = |column: &str| format!("table 7;column 77 2 {column};file 7 71 901;name t");
        let (kept, written) = ("901 - 74 abc 0 d1 901", "901 - 74 + 0 d1 901");
        for (ours, theirs, differs) in [
            (kept, kept, false),
            (kept, written, false),
            (written, written, false),
            (written, "902 - 74 + 0 d1 901", false),
            (written, "901 - 74 + 0 d2 901", true),
            (written, "900 - 74 + 0 d1 902", true),
            (written, "901 - 74 - 0 -", true),
            (kept, "901 - 74 abc 0 d2 902", false),
            (kept, "901 - 74 xyz 0 d1 901", true),
            (kept, "901 - 74 + 0 + 901", true),
            ("901 - 74 + 0 + 901", "901 - 74 + 0 + 901", true),
            ("901 - 74 abc", written, true),
            ("901 - 74 + 0 d1 899;column 76 1 901 - 74 - 0", written, true),
            ("901 - 74 + 1 d1 899;column 76 1 901 - 74 - 0", written, false),
        ] {
            let (one, other) = (state(ours), state(theirs));
            let (one, other) = (State::parse(&one), State::parse(&other));
            assert_eq!(one.differs_in(&other, "w"), Some(differs), "{ours} and {theirs}");
            assert_eq!(other.differs_in(&one, "w"), Some(differs), "{theirs} and {ours}");
        }
    }

    #[test]
    fn a_column_that_got_a_new_name_is_known() {
        let state = |first: &str, second: &str| format!("table 7;column {first} 1 900 - 74;column {second} 2 900 - 74;name t");
        let (known, other) = (state("61", "62"), state("7a", "62"));
        let (known, other) = (State::parse(&known), State::parse(&other));
        assert_eq!(known.renamed_to_new(&other), [("a", "z")]);
        assert_eq!(known.renamed_to_new(&known), []);
        assert_eq!([known.has_columns(&["a", "b"]), known.has_columns(&["a", "z"])], [true, false]);
    }
}
