//! Comparing a table's shape on source and target (reference, section 3.6). Columns are matched by
//! name, so their order does not matter.

use crate::plain;
use crate::replicate::catalog::shape::{Column, Shape};

/// What differs.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// Differences with which rows cannot be carried, or which strict checking forbids.
    pub fatal: Vec<String>,
    /// Differences by which rows may differ. Servers of two versions may print one expression in
    /// two ways, so this is no certainty.
    pub warnings: Vec<String>,
    /// Differences worth knowing.
    pub notes: Vec<String>,
}

/// Compares two tables. With `strict`, differences that do not hinder replication are fatal as
/// well. For what is selected instead of a table, only names count: the server will tell whether
/// the values fit. Each difference is told on one line, whatever the names in it.
pub fn compare(source: &Shape, target: &Shape, strict: bool) -> Differences {
    let Differences { mut fatal, mut warnings, mut notes } = compare_as_named(source, target, strict);
    fatal.iter_mut().chain(&mut warnings).chain(&mut notes).for_each(|text| *text = plain::line(text).into_owned());
    Differences { fatal, warnings, notes }
}

fn compare_as_named(source: &Shape, target: &Shape, strict: bool) -> Differences {
    let mut differences = Differences::default();
    if source.select.is_some() {
        let missing = source.columns.iter().filter(|column| target.column(column.name.raw()).is_none());
        differences.fatal.extend(missing.map(|column| format!("the target has no column \"{}\"", column.name.raw())));
        return differences;
    }
    for column in &source.columns {
        match target.column(column.name.raw()) {
            Some(there) => compare_column(column, there, strict, &mut differences),
            None if column.generated => {}
            None => differences.fatal.push(format!("the target has no column \"{}\"", column.name.raw())),
        }
    }
    for column in target.columns.iter().filter(|column| source.column(column.name.raw()).is_none()) {
        let what = format!("the target has a column \"{}\" that the source has not", column.name.raw());
        differences.add(strict && !column.generated, what);
    }
    differences
}

impl Differences {
    fn add(&mut self, fatal: bool, what: String) {
        if fatal { self.fatal.push(what) } else { self.notes.push(what) }
    }
}

fn compare_column(source: &Column, target: &Column, strict: bool, differences: &mut Differences) {
    let name = source.name.raw();
    if source.type_name != target.type_name {
        let what = format!("column \"{name}\" is {} on the source and {} on the target", source.type_name, target.type_name);
        let rounded = strict && !holds(&target.type_name, &source.type_name);
        differences.add(rounded || !interchangeable(&source.type_name, &target.type_name), what);
    }
    if source.not_null != target.not_null {
        let side = if source.not_null { "source" } else { "target" };
        differences.add(strict, format!("column \"{name}\" is NOT NULL on the {side} only"));
    }
    if target.generated && !source.generated {
        let what = format!("column \"{name}\" is computed by the target, and what the source has for it is not carried");
        differences.add(strict, what);
    }
    match (&source.default, &target.default) {
        (Some(ours), Some(theirs)) if bare(ours) != bare(theirs) && source.generated && target.generated => {
            differences.warnings.push(format!("column \"{name}\" is computed by another expression than on the source"));
        }
        (Some(ours), Some(theirs)) if bare(ours) != bare(theirs) => {
            differences.notes.push(format!("column \"{name}\" has another default on the target"));
        }
        (Some(_), None) if !source.generated => {
            differences.add(strict, format!("column \"{name}\" has a default on the source only"))
        }
        (None, Some(_)) if !target.generated => {
            differences.add(strict, format!("column \"{name}\" has a default on the target only"))
        }
        _ => {}
    }
}

/// A column that the target computes and the source does not, where that is not allowed.
pub fn leaves_out(source: &Shape, target: &Shape, strict: bool) -> Option<String> {
    let computed = target.columns.iter().find(|column| {
        let there = source.column(column.name.raw()).filter(|_| strict && source.select.is_none());
        column.generated && there.is_some_and(|there| !there.generated)
    })?;
    let what = format!("column \"{}\" is computed here, and not on the source", computed.name.raw());
    Some(plain::line(&what).into_owned())
}

/// A column of the target in which a value of the source could be rounded or cut without a word.
/// What is selected instead of a table is for those who select it. An altered source may be ahead
/// of its target, or the other way round: that is no reason to stop where nothing is lost. What a
/// sync that is not `strict` may round is told by `validate`.
pub fn narrows(source: &Shape, target: &Shape, strict: bool) -> Option<String> {
    let tells = |column: &Column| {
        let there = target.column(column.name.raw()).filter(|there| !there.generated && source.select.is_none())?;
        let (ours, theirs) = (&column.type_name, &there.type_name);
        let what = format!("column \"{}\" is {ours} on the source and {theirs} here", column.name.raw());
        (!holds(theirs, ours) && (strict || !interchangeable(ours, theirs))).then(|| plain::line(&what).into_owned())
    };
    source.columns.iter().find_map(tells)
}

/// Whether a column that is altered from one type to the other keeps its values. Between timestamps
/// with and without time zone they depend on the session.
pub fn widens(before: &str, after: &str) -> bool {
    let ((narrow, lower), (wide, limits)) = (modifiers(before), modifiers(after));
    let grows = match (narrow.as_str(), wide.as_str()) {
        ("real", "double precision") | ("date", "timestamp without time zone") => true,
        ("character", "character") => limits >= lower,
        (_, "text") => limits.is_empty() && !narrow.contains("with time zone"),
        _ => holds(after, before),
    };
    grows && before.contains("with time zone") == after.contains("with time zone")
}

/// Whether a type holds every value of another one as it is.
fn holds(wide: &str, narrow: &str) -> bool {
    let ((wide, limits), (narrow, lower)) = (modifiers(wide), modifiers(narrow));
    let integers = ["smallint", "integer", "bigint", "numeric"];
    let place = |name: &str| integers.iter().position(|integer| *integer == name);
    match (place(&narrow), place(&wide)) {
        (Some(narrow), Some(wide)) if narrow < wide => return limits.is_empty(),
        _ => {}
    }
    let same = wide == narrow || interchangeable(&wide, &narrow);
    // A char is as long as its type says.
    let padded = ["character", "bit"].contains(&wide.as_str());
    match (limits.as_slice(), lower.as_slice()) {
        (limits, lower) if limits == lower => same,
        ([], _) => same,
        (_, []) => false,
        ([digits, scale], [fewer, lower]) => same && scale >= lower && digits - scale >= fewer - lower,
        ([limit], [lower]) => same && limit >= lower && !padded,
        _ => false,
    }
}

/// A type as `format_type` prints it, and the modifiers that it had: `numeric(6,1)`, `timestamp(0)
/// without time zone`.
fn modifiers(name: &str) -> (String, Vec<i64>) {
    let parts = name.split_once('(').and_then(|(before, rest)| Some((before, rest.split_once(')')?)));
    let Some((before, (inside, after))) = parts else { return (name.to_owned(), Vec::new()) };
    match inside.split(',').map(|number| number.trim().parse()).collect::<Result<Vec<i64>, _>>() {
        Ok(numbers) => (format!("{before}{after}"), numbers),
        Err(_) => (name.to_owned(), Vec::new()),
    }
}

/// Types between which values pass as text: varchar and text, and the timestamps.
fn interchangeable(left: &str, right: &str) -> bool {
    let texts = ["text", "character varying"];
    let both = |test: &dyn Fn(&str) -> bool| test(left) && test(right);
    both(&|name| texts.contains(&name)) || both(&|name| name.starts_with("timestamp"))
}

/// A default without one pair of outer parentheses, which servers of different versions print
/// differently.
fn bare(default: &str) -> &str {
    default.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(default)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::{Ident, Relation};

    fn column(name: &str, type_name: &str) -> Column {
        Column {
            name: Ident::new(name),
            type_name: type_name.into(),
            base_type: type_name.into(),
            bare_type: type_name.into(),
            type_oid: 0,
            collation: None,
            not_null: false,
            generated: false,
            identity_always: false,
            default: None,
        }
    }

    fn shape(columns: Vec<Column>) -> Shape {
        let relation = Relation::new("public", "t");
        Shape {
            relation,
            oid: 1,
            partitioned: false,
            state: Default::default(),
            rows: 0.0,
            columns,
            keys: Vec::new(),
            uniques: Vec::new(),
            unique_indexes: 0,
            rules: false,
            select: None,
            table_columns: Vec::new(),
            further: Vec::new(),
        }
    }

    #[test]
    fn the_order_of_columns_does_not_matter() {
        let (a, b) = (column("a", "integer"), column("b", "text"));
        let differences = compare(&shape(vec![a.clone(), b.clone()]), &shape(vec![b, a]), true);
        assert_eq!(differences, Differences::default());
    }

    #[test]
    fn what_hinders_is_fatal_and_what_does_not_is_fatal_only_when_strict() {
        let missing = compare(&shape(vec![column("a", "integer")]), &shape(vec![]), false);
        assert_eq!(missing.fatal, ["the target has no column \"a\""]);
        let mut not_null = column("a", "integer");
        not_null.not_null = true;
        let of =
            |strict| compare(&shape(vec![not_null.clone()]), &shape(vec![column("a", "integer"), column("x", "text")]), strict);
        assert_eq!((of(true).fatal.len(), of(true).notes.len()), (2, 0));
        assert_eq!((of(false).fatal.len(), of(false).notes.len()), (0, 2));
        let mut computed = column("a", "integer");
        computed.generated = true;
        let of = |source: &Column, target: &Column| compare(&shape(vec![source.clone()]), &shape(vec![target.clone()]), true);
        assert!(of(&column("a", "integer"), &computed).fatal[0].contains("is computed by the target"));
        assert_eq!(of(&computed, &computed), Differences::default());
        let by = |expression: &str| Column { default: Some(expression.to_owned()), ..computed.clone() };
        let otherwise = of(&by("upper(v)"), &by("lower(v)"));
        assert!(otherwise.fatal.is_empty() && otherwise.warnings[0].contains("is computed by another expression"));
        assert_eq!(of(&by("upper(v)"), &by("(upper(v))")), Differences::default());
    }

    #[test]
    fn a_wider_type_holds_what_a_narrower_one_does_and_not_the_other_way_round() {
        for (wide, narrow) in [
            ("numeric(12,4)", "numeric(6,1)"),
            ("numeric", "numeric(6,1)"),
            ("numeric", "bigint"),
            ("bigint", "integer"),
            ("text", "character varying(10)"),
            ("character varying(20)", "character varying(10)"),
            ("timestamp without time zone", "timestamp(0) without time zone"),
            ("timestamp with time zone", "timestamp(3) without time zone"),
            ("numeric(6,1)[]", "numeric(5,1)[]"),
        ] {
            assert!(holds(wide, narrow) && holds(wide, wide), "{wide} {narrow}");
            assert!(!holds(narrow, wide), "{narrow} {wide}");
        }
        assert!(holds("text", "character varying") && holds("character varying", "text"));
        for (one, other) in [
            ("numeric(6,3)", "numeric(6,1)"),
            ("real", "double precision"),
            ("double precision", "real"),
            ("date", "timestamp without time zone"),
            ("character(8)", "character(2)"),
            ("integer", "text"),
            ("public.geometry(Point,4326)", "public.geometry"),
        ] {
            assert!(!holds(one, other), "{one} {other}");
        }
    }

    #[test]
    fn a_column_keeps_its_values_when_its_type_grows() {
        for (before, after) in [
            ("integer", "bigint"),
            ("character(2)", "character(8)"),
            ("real", "double precision"),
            ("date", "timestamp without time zone"),
            ("integer", "text"),
            ("timestamp(0) with time zone", "timestamp with time zone"),
        ] {
            assert!(widens(before, after), "{before} {after}");
        }
        for (before, after) in [
            ("timestamp without time zone", "timestamp with time zone"),
            ("timestamp with time zone", "timestamp(0) with time zone"),
            ("timestamp with time zone", "text"),
            ("double precision", "real"),
            ("character(8)", "character(2)"),
            ("bigint", "integer"),
        ] {
            assert!(!widens(before, after), "{before} {after}");
        }
    }

    #[test]
    fn unlimited_varchar_is_text_and_limited_is_not() {
        let types = |left: &str, right: &str| {
            compare(&shape(vec![column("a", left)]), &shape(vec![column("a", right)]), true).fatal.len()
        };
        assert_eq!(types("character varying", "text"), 0);
        assert_eq!(types("character varying(10)", "text"), 1);
        assert_eq!(types("timestamp without time zone", "timestamp with time zone"), 0);
        assert_eq!(types("timestamp without time zone", "timestamp(0) without time zone"), 1);
    }
}
