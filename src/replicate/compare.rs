//! Comparing a table's shape on source and target (reference, section 3.6). Columns are matched by name, so their order does not matter.

use crate::replicate::shape::{Column, Shape};

/// What differs.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// Differences with which rows cannot be carried, or which strict checking forbids.
    pub fatal: Vec<String>,
    /// Differences worth knowing.
    pub notes: Vec<String>,
}

/// Compares two tables. With `strict`, differences that do not hinder replication are fatal as well. For what is selected instead of a
/// table, only names count: the server will tell whether the values fit.
pub fn compare(source: &Shape, target: &Shape, strict: bool) -> Differences {
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
        differences.add(!interchangeable(&source.type_name, &target.type_name), what);
    }
    if source.not_null != target.not_null {
        let side = if source.not_null { "source" } else { "target" };
        differences.add(strict, format!("column \"{name}\" is NOT NULL on the {side} only"));
    }
    match (&source.default, &target.default) {
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

/// Types between which values pass as text: varchar and text, and the timestamps.
fn interchangeable(left: &str, right: &str) -> bool {
    let texts = ["text", "character varying"];
    let both = |test: &dyn Fn(&str) -> bool| test(left) && test(right);
    both(&|name| texts.contains(&name)) || both(&|name| name.starts_with("timestamp"))
}

/// A default without one pair of outer parentheses, which servers of different versions print differently.
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
            attributes: 0,
            rows: 0.0,
            columns,
            keys: Vec::new(),
            uniques: Vec::new(),
            unique_indexes: 0,
            rules: false,
            select: None,
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
    }

    #[test]
    fn unlimited_varchar_is_text_and_limited_is_not() {
        let types = |left: &str, right: &str| {
            compare(&shape(vec![column("a", left)]), &shape(vec![column("a", right)]), true).fatal.len()
        };
        assert_eq!(types("character varying", "text"), 0);
        assert_eq!(types("character varying(10)", "text"), 1);
        assert_eq!(types("timestamp without time zone", "timestamp with time zone"), 0);
    }
}
