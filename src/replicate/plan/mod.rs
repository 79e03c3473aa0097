//! The statements that carry one table from a source to a receiver, computed from the shapes of
//! both: a pure function of the two catalogs, so that it can be read and tested without a server.
//!
//! The source sends, for each changed key, the key, whether such a row exists now, and the row
//! ([`ship`](Plan::ship)). The receiver takes this into a temporary *stage* and applies it with two
//! set-based statements ([`apply`](Plan::apply)). Where several masters changed one table, the keys
//! meet first and only winners are shipped ([`fill_candidates`](Plan::fill_candidates)). A row that
//! has to be told apart later (by when it changed, and where) travels with a *trace*.
//!
//! A stage has more columns than the table, which may already have as many as there can be: then
//! the last ones share an array of texts.

mod apply;
mod conflict;
mod conflict_details;
pub mod copy_format;
mod late_changes;
pub mod sequence_numbers;
mod ship;
pub mod strategy;
mod target_only_columns;
mod truncate;
mod unique_conflict;
mod unique_keys;
mod write_mode;

use crate::error::{Error, Kind, Result};
use crate::pg::{Ident, Relation, Schema};
use crate::plain;
use crate::replicate::capture::objects::{KeyColumn, Names, delta_keys};
use crate::replicate::catalog::digest::State;
use crate::replicate::catalog::shape::{Column, Further, Key, Shape, Unique};
pub use late_changes::Feed;
pub use unique_conflict::Receiver;
pub use write_mode::{Reference, ordered};
use write_mode::{Ways, Write};

/// The most columns a table, and so a stage, can have.
const MOST_COLUMNS: usize = 1600;

/// From where to where, and for whom.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Route {
    /// The sync.
    pub sync: String,
    /// The source's name in the control database.
    pub from: String,
    /// Its number among the members of the sync.
    pub member: i32,
    /// The receiver's name.
    pub to: String,
    /// Both ends are masters of the sync: each sends the other what applications change there.
    pub masters: bool,
    /// Rows travel with their trace.
    pub traced: bool,
}

/// The statements for one table.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The table on the source.
    pub source: Relation,
    /// The table on the receiver.
    pub target: Relation,
    /// The table's id on the source.
    pub oid: u32,
    /// What this rests on at the source.
    pub source_state: State,
    /// What this rests on at the receiver.
    pub target_state: State,
    /// Estimated rows on the source.
    pub rows: f32,
    /// What is on record of its captures, as a number.
    pub record: i64,
    goat: i32,
    route: Route,
    names: Names,
    key: Key,
    /// The key's columns in the source's delta tables, in the order of the key.
    noted_keys: Vec<Ident>,
    /// The collation of each that is noted under another one by which other texts may be equal.
    recollated: Vec<Option<String>>,
    source_from: String,
    target_from: String,
    target_equals: Vec<String>,
    others: Vec<Ident>,
    /// The columns that the target computes itself.
    computed: Vec<Ident>,
    stage_types: Vec<String>,
    key_types: Vec<String>,
    write: Write,
    /// Whether rows can be written in place.
    in_place: bool,
    /// The key's columns that can be set in a row that is there.
    settable: Vec<Ident>,
    /// The target's columns that the source does not fill.
    kept: Vec<Ident>,
    /// The tables whose rows go when one of the target's rows is deleted.
    dependents: Vec<Relation>,
    /// The tables that are emptied with it by TRUNCATE CASCADE.
    emptied: Vec<Relation>,
    /// Whether equal keys are identical on both sides.
    exact: bool,
    partitioned: bool,
    feed: Option<Feed>,
    /// What must be unique on the target besides the key.
    uniques: Vec<Unique>,
    /// Whether the source is a query.
    selected: bool,
    /// The columns of the source's table that take part in expressions, with the ids of their
    /// types.
    typed: Vec<(Ident, u32)>,
    /// The other tables that a selection reads.
    further: Vec<Further>,
    /// Whether changes are captured on the source.
    captured: bool,
    copying: Copying,
}

/// How a table is copied as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Copying {
    /// Emptied by TRUNCATE instead of DELETE, if that is possible; …
    pub truncate: bool,
    /// … with CASCADE.
    pub cascade: bool,
    /// Added to both COPYs, in their old form without parentheses.
    pub extra: String,
    /// ANALYZE afterwards.
    pub analyze: bool,
    /// REINDEX afterwards.
    pub reindex: bool,
}

impl Plan {
    /// Plans one table; `wanted` is the key recorded for the goat (column names joined by `|`). A
    /// table that cannot be carried is [`Kind::Mismatch`] with the reason.
    pub fn new(goat: i32, source: &Shape, target: &Shape, wanted: Option<&str>, route: &Route) -> Result<Plan> {
        let key = usable_key(source, wanted)?;
        let target_key = target.keys.iter().find(|other| same_columns(other, key));
        let others: Vec<&Column> =
            carried(source, target)?.into_iter().filter(|column| !key.columns.iter().any(|k| k == column.name.raw())).collect();
        let kept = not_filled(source, target);
        let ways = Ways::of(target, target_key, &others, &kept);
        Ok(Plan {
            source: source.relation.clone(),
            target: target.relation.clone(),
            oid: source.oid,
            source_state: source.state.clone(),
            target_state: target.state.clone(),
            rows: source.rows,
            record: 0,
            goat,
            route: route.clone(),
            names: Names::of(Schema::default(), &source.relation),
            source_from: source.from_clause(),
            target_from: target.from_clause(),
            target_equals: equals_of(key, target_key),
            key_types: key.columns.iter().map(|name| bare_type(target, name)).collect(),
            stage_types: others.iter().map(|column| column.base_type.clone()).collect(),
            write: ways.best,
            in_place: ways.in_place,
            settable: write_mode::settable(target, key),
            kept,
            dependents: Vec::new(),
            emptied: Vec::new(),
            exact: key.exact && target_key.is_some_and(|other| other.exact),
            computed: target.columns.iter().filter(|column| column.generated).map(|column| column.name.clone()).collect(),
            partitioned: target.partitioned,
            others: others.into_iter().map(|column| column.name.clone()).collect(),
            key: key.clone(),
            noted_keys: delta_keys(key),
            recollated: vec![None; key.columns.len()],
            feed: None,
            uniques: target.uniques.iter().filter(|unique| !is_of(unique, key)).cloned().collect(),
            selected: source.select.is_some(),
            typed: typed(source, key),
            further: source.further.clone(),
            captured: true,
            copying: Copying::default(),
        })
    }

    /// For tables that are only ever copied as a whole: nothing is captured on the source, and no
    /// key is needed.
    pub fn for_copies(goat: i32, source: &Shape, target: &Shape, route: &Route) -> Result<Plan> {
        let keyless = |shape: &Shape| Shape { keys: vec![Key::default()], ..shape.clone() };
        let plan = Plan::new(goat, &keyless(source), &keyless(target), None, route)?;
        Ok(Plan { captured: false, ..plan })
    }

    /// The same, copied in this way.
    pub fn copied(self, copying: Copying) -> Plan {
        Plan { copying, ..self }
    }

    /// The same, where the changes are noted under these names, by a key of the same columns as
    /// `captured`, if that is known; what is on record of that has the number `record`.
    pub fn noted(self, names: Names, captured: &[KeyColumn], source: &Shape, record: i64) -> Plan {
        if captured.is_empty() {
            return Plan { names, record, ..self };
        }
        let columns: Vec<String> = captured.iter().map(|column| column.name.clone()).collect();
        let noted_keys = captured_columns(&columns, &self.key.columns);
        let recollated = self.key.columns.iter().map(|name| {
            let noted = captured.iter().find(|column| column.name == *name)?.collation.as_ref();
            let collation = source.column(name)?.collation.clone()?;
            (noted != Some(&collation) && !(noted.is_none() && self.key.exact)).then_some(collation)
        });
        let recollated = recollated.collect();
        Plan { names, noted_keys, recollated, record, ..self }
    }

    /// How it is copied as a whole.
    pub fn copying(&self) -> &Copying {
        &self.copying
    }

    /// The receiver notes what is applied there, or what applications change there meanwhile
    /// matters: `feed` says where its deltas are. They must be deltas of the same key.
    pub fn with_feed(self, feed: Feed) -> Result<Plan> {
        let same = feed.keys.len() == self.key.columns.len() && self.key.columns.iter().all(|column| feed.keys.contains(column));
        if same {
            return Ok(Plan { feed: Some(feed), ..self });
        }
        let ours = self.key.columns.join(", ");
        let sentence =
            format!("Table \"{}\" has the key ({ours}) here and ({}) there", self.target.label(), feed.keys.join(", "));
        Err(Error::new(Kind::Mismatch, sentence).hint("Let all syncs of the table use the same key."))
    }

    /// The table's id in the control database.
    pub fn goat(&self) -> i32 {
        self.goat
    }

    /// Whether changes are captured on the source.
    pub fn is_captured(&self) -> bool {
        self.captured
    }

    /// Whether the source is a query.
    pub fn is_selected(&self) -> bool {
        self.selected
    }

    /// The names of its capture objects on the source.
    pub fn names(&self) -> &Names {
        &self.names
    }

    fn keys(&self) -> Vec<Ident> {
        self.key.idents()
    }

    fn stage_keys(&self) -> Vec<Ident> {
        delta_keys(&self.key)
    }

    /// How many of the other columns have a column of the stage for themselves.
    fn unpacked(&self) -> usize {
        // The keys, the word that says whether there is such a row, the trace, and the array.
        let besides = self.key.columns.len() + 2 + if self.route.traced { 4 } else { 0 };
        if besides + self.others.len() > MOST_COLUMNS + 1 { MOST_COLUMNS - besides } else { self.others.len() }
    }

    /// The columns of the stage for the other columns.
    fn stage_others(&self) -> Vec<Ident> {
        let packed = (self.unpacked() < self.others.len()).then(|| Ident::new("packed"));
        (1..=self.unpacked()).map(|position| Ident::new(format!("c{position}"))).chain(packed).collect()
    }

    fn temporary(&self, what: &str) -> Relation {
        Relation::new("pg_temp", format!("bucardo_{what}_{}", self.goat))
    }

    fn stage(&self) -> Relation {
        self.temporary("stage")
    }

    /// Makes a temporary table with these columns of a query on `from`.
    fn create_empty(&self, table: &Relation, columns: &str, from: &str) -> String {
        format!("create temporary table {} on commit delete rows as\nselect {columns}\nfrom {from}\nwith no data", table.name)
    }
}

/// The columns of a source that take part in expressions of ours, or in what is selected from it.
fn typed(source: &Shape, key: &Key) -> Vec<(Ident, u32)> {
    let columns = if source.select.is_some() { &source.table_columns } else { &source.columns };
    let takes_part = |column: &&Column| source.select.is_some() || key.columns.iter().any(|name| name == column.name.raw());
    columns.iter().filter(takes_part).map(|column| (column.name.clone(), column.type_oid)).collect()
}

/// The columns `wanted` of a key as they are called in delta tables that capture them in the order
/// `captured`.
fn captured_columns(captured: &[String], wanted: &[String]) -> Vec<Ident> {
    let position = |name: &String| captured.iter().position(|other| other == name).unwrap_or_default() + 1;
    wanted.iter().map(|name| Ident::new(format!("k{}", position(name)))).collect()
}

/// Between queries whose rows are put together.
const UNION_ALL: &str = "\n  union all\n  ";

fn list_plain(names: &[Ident]) -> String {
    crate::pg::ident::list(names)
}

/// The same names, each with the alias of its table before it.
fn of(alias: &str, names: &[Ident]) -> String {
    names.iter().map(|name| format!("{alias}.{name}")).collect::<Vec<_>>().join(", ")
}

fn matched(left: &str, right: &str, columns: &[Ident], keys: &[Ident], equals: &[String]) -> String {
    let pairs = columns.iter().zip(keys).zip(equals);
    pairs.map(|((column, key), equal)| format!("{left}.{column} {equal} {right}.{key}")).collect::<Vec<_>>().join(" and ")
}

fn usable_key<'a>(source: &'a Shape, wanted: Option<&str>) -> Result<&'a Key> {
    let wanted_columns = || wanted.unwrap_or_default().split('|').filter(|column| !column.is_empty()).collect::<Vec<_>>();
    source.key(wanted).ok_or_else(|| no_usable_key(source, &wanted_columns()))
}

/// The refusal of a table that has no key over these columns, or none at all.
pub fn no_usable_key(table: &Shape, columns: &[&str]) -> Error {
    let on = if columns.is_empty() { String::new() } else { format!(" on ({})", columns.join(", ")) };
    Error::new(Kind::Mismatch, format!("Table \"{}\" has no usable key{on}", table.relation.label()))
        .hint("Give it a primary key, or a unique index without predicate over columns that are NOT NULL; WITHOUT OVERLAPS is not enough.")
}

/// The columns of the target that the source fills, in the target's order: all of the source's, but
/// those that the target computes itself.
fn carried<'a>(source: &Shape, target: &'a Shape) -> Result<Vec<&'a Column>> {
    let missing = source.columns.iter().find(|column| !column.generated && target.column(column.name.raw()).is_none());
    if let Some(column) = missing {
        return Err(missing_column(column, target));
    }
    let filled = |column: &&Column| !column.generated && source.column(column.name.raw()).is_some();
    Ok(target.columns.iter().filter(filled).collect())
}

/// The columns of the target that have nothing to do with the source, and that somebody may have
/// filled there.
fn not_filled(source: &Shape, target: &Shape) -> Vec<Ident> {
    let own = target.columns.iter().filter(|column| !column.generated && source.column(column.name.raw()).is_none());
    own.map(|column| column.name.clone()).collect()
}

fn missing_column(column: &Column, target: &Shape) -> Error {
    Error::new(
        Kind::Mismatch,
        format!("Table \"{}\" on the target has no column \"{}\"", target.relation.label(), plain::line(column.name.raw())),
    )
    .hint(format!(
        "ALTER TABLE {} ADD COLUMN {} {}{};",
        target.relation,
        column.name,
        column.type_name,
        constant_default(column)
    ))
}

/// With the default that rows have on the source which are older than the column. What calls a
/// function has another value for each row, or names something that the target may not have.
fn constant_default(column: &Column) -> String {
    let default = column.default.as_deref().filter(|default| !default.contains('(') && !column.generated);
    let not_null =
        |default: &str| if column.not_null { format!(" DEFAULT {default} NOT NULL") } else { format!(" DEFAULT {default}") };
    default.map(not_null).unwrap_or_default()
}

/// The type of a column of the target. That it is there is known from [`carried`].
fn bare_type(target: &Shape, name: &str) -> String {
    target.column(name).map(|column| column.bare_type.clone()).unwrap_or_default()
}

fn same_columns(left: &Key, right: &Key) -> bool {
    left.columns.len() == right.columns.len() && left.columns.iter().all(|column| right.columns.contains(column))
}

fn is_of(unique: &Unique, key: &Key) -> bool {
    unique.columns.len() == key.columns.len() && key.columns.iter().all(|column| unique.columns.contains(column))
}

/// The equality operators of the target's own index, in the order of `key`; the source's where the
/// target has no such index.
fn equals_of(key: &Key, target_key: Option<&Key>) -> Vec<String> {
    let of = |column: &String, fallback: &String| {
        let found = target_key.and_then(|other| other.columns.iter().position(|name| name == column).map(|at| &other.equals[at]));
        found.unwrap_or(fallback).clone()
    };
    key.columns.iter().zip(&key.equals).map(|(column, equal)| of(column, equal)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;
    use crate::replicate::snapshot::Span;

    fn column(name: &str, generated: bool) -> Column {
        Column {
            name: Ident::new(name),
            type_name: "text".into(),
            base_type: "text".into(),
            bare_type: "text".into(),
            type_oid: 25,
            collation: None,
            not_null: name == "id",
            generated,
            identity_always: false,
            default: None,
        }
    }

    fn shape(columns: &[(&str, bool)], unique_indexes: i64) -> Shape {
        let equals = vec!["operator(pg_catalog.=)".to_owned()];
        Shape {
            relation: Relation::new("public", "t"),
            oid: 1,
            partitioned: false,
            state: Default::default(),
            rows: 0.0,
            columns: columns.iter().map(|(name, generated)| column(name, *generated)).collect(),
            keys: vec![Key { columns: vec!["id".into()], types: vec!["text".into()], equals, exact: true, immediate: true }],
            uniques: Vec::new(),
            unique_indexes,
            rules: false,
            select: None,
            table_columns: Vec::new(),
            further: Vec::new(),
        }
    }

    #[test]
    fn a_column_missing_on_the_target_is_refused_by_name() {
        let error = Plan::new(1, &shape(&[("id", false), ("v", false)], 1), &shape(&[("id", false)], 1), None, &Route::default())
            .unwrap_err();
        assert_eq!(error.kind(), Kind::Mismatch);
        assert!(error.message().contains("no column \"v\""), "{error}");
    }

    #[test]
    fn a_column_is_asked_for_with_its_constant_default() {
        let hint = |default: Option<&str>, not_null| {
            let wanted = Column { default: default.map(str::to_owned), not_null, ..column("z", false) };
            missing_column(&wanted, &shape(&[("id", false)], 1)).hint_text().unwrap_or_default().to_owned()
        };
        let alter = |rest: &str| format!("ALTER TABLE \"public\".\"t\" ADD COLUMN \"z\" text{rest};");
        assert_eq!(hint(None, true), alter(""));
        assert_eq!(hint(Some("'k'::text"), true), alter(" DEFAULT 'k'::text NOT NULL"));
        assert_eq!(hint(Some("'k'::text"), false), alter(" DEFAULT 'k'::text"));
        assert_eq!(hint(Some("nextval('s'::regclass)"), true), alter(""));
    }

    #[test]
    fn columns_are_carried_by_name_and_generated_ones_left_out() {
        let source = shape(&[("id", false), ("a", false), ("g", true), ("b", false)], 1);
        let target = shape(&[("b", false), ("extra", false), ("a", false), ("g", true), ("id", false)], 1);
        let plan = Plan::new(7, &source, &target, Some("id"), &Route::default()).unwrap();
        assert!(plan.ship(&Span::default(), false).starts_with(
            "select coalesce(t.\"id\", d.\"k1\"), t.tableoid is not null, t.\"b\", t.\"a\"\nfrom (\n  select \"k1\"\nfrom (\n  select \"k1\""
        ));
        assert!(plan.apply_writes().contains("(\"id\", \"b\", \"a\") overriding system value\n  select \"k1\", \"c1\", \"c2\""));
    }

    #[test]
    fn rows_are_upserted_only_where_no_other_index_can_refuse_them() {
        let columns = [("id", false), ("a", false)];
        let with = |indexes| Plan::new(1, &shape(&columns, 1), &shape(&columns, indexes), None, &Route::default()).unwrap();
        assert!(with(1).apply().join(";").contains("on conflict (\"id\") do update set \"a\" = excluded.\"a\""));
        assert!(with(1).apply().join(";").contains("and not s.alive"));
        assert!(!with(2).apply().join(";").contains("on conflict") && !with(2).apply().join(";").contains("not s.alive"));
    }

    #[test]
    fn a_table_without_usable_key_is_refused() {
        let mut source = shape(&[("id", false)], 0);
        source.keys.clear();
        let error = Plan::new(1, &source, &source.clone(), None, &Route::default()).unwrap_err();
        assert!(error.message().contains("no usable key") && error.hint_text().is_some());
    }
}
