//! The statements that carry one table from a source to a target, computed from the shapes of both: a pure function of the two
//! catalogs, so that it can be read and tested without a server.
//!
//! The source sends, for each changed key, the key, whether such a row exists now, and the row. The target takes this into a
//! temporary *stage* and applies it with two set-based statements. Where the key's index is the only one that can refuse a row, living rows are
//! written by INSERT … ON CONFLICT, which leaves unchanged index entries alone; elsewhere two rows may exchange a unique value, so
//! everything named in the stage is deleted first and what lives is inserted. So is a row whose key is the same, but written in another way.
//!
//! A stage has a column more than the table, which may already have as many as there can be: then the last ones share an array of texts.

use crate::error::{Error, Kind, Result};
use crate::pg::{Ident, Relation};
use crate::replicate::capture::{Names, delta_keys};
use crate::replicate::shape::{Column, Key, Shape};
use crate::replicate::snapshot::Span;

/// The most columns a table, and so a stage, can have.
const MOST_COLUMNS: usize = 1600;

/// How living rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Write {
    /// INSERT … ON CONFLICT DO UPDATE.
    Upsert,
    /// DELETE everything named, then INSERT.
    Replace,
}

/// The statements for one table.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The table on the source.
    pub source: Relation,
    /// The table on the target.
    pub target: Relation,
    /// The table's id on the source.
    pub oid: u32,
    /// Columns the table ever had on the source, when this was planned.
    pub attributes: i64,
    names: Names,
    /// Estimated rows on the source.
    pub rows: f32,
    key: Key,
    source_from: String,
    target_from: String,
    target_equals: Vec<String>,
    others: Vec<Ident>,
    /// The columns that the target computes itself.
    computed: Vec<Ident>,
    stage: Relation,
    stage_types: Vec<String>,
    write: Write,
    /// Whether equal keys are identical on both sides.
    exact: bool,
    partitioned: bool,
}

impl Plan {
    /// Plans one table; `wanted` is the key recorded for the goat (column names joined by `|`). A table that cannot be carried is
    /// [`Kind::Mismatch`] with the reason.
    pub fn new(goat: i32, source: &Shape, target: &Shape, wanted: Option<&str>) -> Result<Plan> {
        let key = usable_key(source, wanted)?;
        let carried = carried(source, target)?;
        let target_key = target.keys.iter().find(|other| same_columns(other, key));
        let others: Vec<&Column> =
            carried.into_iter().filter(|column| !key.columns.iter().any(|k| k == column.name.raw())).collect();
        Ok(Plan {
            source: source.relation.clone(),
            target: target.relation.clone(),
            oid: source.oid,
            attributes: source.attributes,
            names: Names::of(&source.relation),
            rows: source.rows,
            source_from: source.from_clause(),
            target_from: target.from_clause(),
            target_equals: equals_of(key, target_key),
            stage: Relation::new("pg_temp", format!("bucardo_stage_{goat}")),
            stage_types: others.iter().map(|column| column.base_type.clone()).collect(),
            write: writing(target, target_key, &others),
            exact: key.exact && target_key.is_some_and(|other| other.exact),
            partitioned: target.partitioned,
            computed: target.columns.iter().filter(|column| column.generated).map(|column| column.name.clone()).collect(),
            others: others.into_iter().map(|column| column.name.clone()).collect(),
            key: key.clone(),
        })
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
        // The keys, the word that says whether there is such a row, and the array.
        let besides = self.key.columns.len() + 2;
        if besides + self.others.len() > MOST_COLUMNS + 1 { MOST_COLUMNS - besides } else { self.others.len() }
    }

    /// The columns of the stage for the other columns.
    fn stage_others(&self) -> Vec<Ident> {
        let packed = (self.unpacked() < self.others.len()).then(|| Ident::new("packed"));
        (1..=self.unpacked()).map(|position| Ident::new(format!("c{position}"))).chain(packed).collect()
    }

    /// Their values on the source.
    fn sent_others(&self) -> Vec<String> {
        let (plain, packed) = self.others.split_at(self.unpacked());
        let texts: Vec<String> = packed.iter().map(|column| format!("t.{column}::text")).collect();
        let packed = (!packed.is_empty()).then(|| format!("array[{}]", texts.join(", ")));
        plain.iter().map(|column| format!("t.{column}")).chain(packed).collect()
    }

    /// The other columns' values, taken from the stage.
    fn received_others(&self) -> Vec<String> {
        let (_, packed) = self.stage_types.split_at(self.unpacked());
        let plain = (1..=self.unpacked()).map(|position| Ident::new(format!("c{position}")).to_string());
        let packed = packed.iter().enumerate().map(|(n, base)| format!("packed[{}]::{base}", n + 1));
        plain.chain(packed).collect()
    }

    /// An expression that is true when a change of this table is pending; parameters: $1 = the receipt's `xmax` (bigint), $2 = its running
    /// transactions (bigint[]). `max` reads one end of the index whatever the planner believes about the table.
    pub fn changed_expression(&self) -> String {
        let one = |generation: i64| {
            let delta = self.names.delta(generation);
            format!(
                "coalesce((select max(txid) from {delta}) >= $1, false) or exists (select from {delta} where txid = any ($2))"
            )
        };
        format!("({} or {})", one(1), one(2))
    }

    /// A query over at most `limit` pending changes in order: their number, lowest and highest transaction id; and whether a
    /// TRUNCATE is pending anywhere in the span.
    pub fn measure(&self, span: &Span, limit: i64) -> String {
        let pending = self.pending(span, |delta, condition| format!("select txid from {delta} where {condition}"));
        let truncated =
            self.pending(span, |delta, condition| format!("exists (select from {delta} where truncated and {condition})"));
        format!(
            "select count(*), min(txid), max(txid), {} from (select txid from ({}) as pending order by txid limit {limit}) as first",
            truncated.join(" or "),
            pending.join(" union all ")
        )
    }

    /// A text for each place where pending changes are: each generation, under each of the span's conditions.
    fn pending(&self, span: &Span, text: impl Fn(&Relation, &str) -> String) -> Vec<String> {
        let conditions = span.conditions();
        let of = |generation: i64| {
            let delta = self.names.delta(generation);
            conditions.iter().map(|condition| text(&delta, condition)).collect::<Vec<_>>()
        };
        [of(1), of(2)].concat()
    }

    /// The query that the source's COPY sends: one row for each changed key.
    pub fn ship(&self, span: &Span) -> String {
        let keys = list_plain(&self.stage_keys());
        let pending = self
            .pending(span, |delta, condition| format!("select {keys} from {delta} where {condition} and truncated is null"))
            .join(" union all ");
        let named: Vec<String> =
            self.keys().iter().zip(self.stage_keys()).map(|(column, k)| format!("coalesce(t.{column}, d.{k})")).collect();
        let others = self.sent_others().iter().map(|value| format!(", {value}")).collect::<String>();
        format!(
            "select {}, t.tableoid is not null{others} from (select distinct {keys} from ({pending}) as pending) as d left join {} as t on {}",
            named.join(", "),
            self.source_from,
            matched("t", "d", &self.keys(), &self.stage_keys(), &self.key.equals)
        )
    }

    /// Makes the stage, once per session. Its columns have the types of the target's columns, domains stripped.
    pub fn create_stage(&self) -> String {
        let keys: Vec<String> = self.keys().iter().zip(self.stage_keys()).map(|(column, k)| format!("{column} as {k}")).collect();
        let plain = self.others.iter().zip(&self.stage_types).map(|(column, base)| format!("{column}::{base}"));
        let values = plain.take(self.unpacked()).chain(["null::text[]".to_owned()]);
        let others: String = values.zip(self.stage_others()).map(|(value, c)| format!(", {value} as {c}")).collect();
        format!(
            "create temporary table {} on commit delete rows as select {}, false as alive{others} from {} with no data",
            self.stage.name,
            keys.join(", "),
            self.target_from
        )
    }

    /// Removes the stage.
    pub fn drop_stage(&self) -> String {
        format!("drop table if exists {}", self.stage)
    }

    /// The COPY that fills the stage.
    pub fn fill_stage(&self) -> String {
        format!(
            "{} ({}, alive{})",
            self.stage,
            list_plain(&self.stage_keys()),
            self.stage_others().iter().map(|c| format!(", {c}")).collect::<String>()
        )
    }

    /// Empties the target, for a TRUNCATE on the source. DELETE, not TRUNCATE: readers of the target are not made to wait.
    pub fn empty_target(&self) -> String {
        format!("delete from {}", self.target_from)
    }

    /// Applies the stage. Each of the two statements returns one row: (updated, deleted), then (written).
    pub fn apply(&self) -> String {
        format!("{}; {}", self.apply_deletes(), self.apply_writes())
    }

    fn apply_deletes(&self) -> String {
        let which = match self.write {
            Write::Replace => String::new(),
            Write::Upsert if self.exact => " and not s.alive".to_owned(),
            Write::Upsert => format!(" and (not s.alive or {})", self.written_otherwise()),
        };
        format!(
            "with gone as (delete from {} as t using {} as s where {}{which} returning s.alive) \
             select count(*) filter (where alive), count(*) filter (where not alive) from gone",
            self.target_from,
            self.stage,
            matched("t", "s", &self.keys(), &self.stage_keys(), &self.target_equals)
        )
    }

    /// Whether the key of a row of the target is equal to that of the stage and yet another, which ON CONFLICT would leave as it is.
    fn written_otherwise(&self) -> String {
        let record = |row: &str, columns: &[Ident]| {
            let values: Vec<String> = columns.iter().map(|column| format!("{row}.{column}")).collect();
            format!("row({})::record", values.join(", "))
        };
        format!("{} *<> {}", record("t", &self.keys()), record("s", &self.stage_keys()))
    }

    fn apply_writes(&self) -> String {
        let keys = self.keys().into_iter().zip(self.stage_keys()).filter(|(column, _)| !self.computed.contains(column));
        let keys = keys.map(|(column, k)| (column, k.to_string()));
        let others = self.others.iter().cloned().zip(self.received_others());
        let (columns, values): (Vec<Ident>, Vec<String>) = keys.chain(others).unzip();
        let conflict = match self.write {
            Write::Replace => String::new(),
            Write::Upsert => self.on_conflict(),
        };
        // The system column xmax of a freshly inserted row is 0; that of a row which ON CONFLICT updated is not.
        // A partitioned table cannot show it; its rows count as inserted.
        let fresh =
            if self.write == Write::Upsert && !self.others.is_empty() && !self.partitioned { "w.xmax = 0" } else { "true" };
        format!(
            "with written as (insert into {} as w ({}) overriding system value select {} from {} as s where s.alive{conflict} \
             returning {fresh} as fresh) select count(*) filter (where fresh), count(*) filter (where not fresh) from written",
            self.target,
            list_plain(&columns),
            values.join(", "),
            self.stage
        )
    }

    fn on_conflict(&self) -> String {
        let keys = list_plain(&self.keys());
        if self.others.is_empty() {
            return format!(" on conflict ({keys}) do nothing");
        }
        let sets: Vec<String> = self.others.iter().map(|column| format!("{column} = excluded.{column}")).collect();
        format!(" on conflict ({keys}) do update set {}", sets.join(", "))
    }
}

fn list_plain(names: &[Ident]) -> String {
    crate::pg::ident::list(names)
}

fn matched(left: &str, right: &str, columns: &[Ident], keys: &[Ident], equals: &[String]) -> String {
    let pairs = columns.iter().zip(keys).zip(equals);
    pairs.map(|((column, key), equal)| format!("{left}.{column} {equal} {right}.{key}")).collect::<Vec<_>>().join(" and ")
}

fn usable_key<'a>(source: &'a Shape, wanted: Option<&str>) -> Result<&'a Key> {
    source.key(wanted).ok_or_else(|| {
        let wanted = wanted.filter(|text| !text.is_empty()).map(|text| format!(" on ({})", text.replace('|', ", ")));
        Error::new(
            Kind::Mismatch,
            format!("Table \"{}\" has no usable key{}", source.relation.label(), wanted.unwrap_or_default()),
        )
        .hint("Give it a primary key, or a unique index without predicate over columns that are NOT NULL; WITHOUT OVERLAPS is not enough.")
    })
}

/// The columns of the target that the source fills: all of the source's, but those that the target computes itself.
fn carried<'a>(source: &Shape, target: &'a Shape) -> Result<Vec<&'a Column>> {
    let mut carried = Vec::new();
    for column in &source.columns {
        match target.column(column.name.raw()) {
            Some(there) if there.generated => {}
            Some(there) => carried.push(there),
            None if column.generated => {}
            None => return Err(missing_column(column, target)),
        }
    }
    Ok(carried)
}

fn missing_column(column: &Column, target: &Shape) -> Error {
    Error::new(
        Kind::Mismatch,
        format!("Table \"{}\" on the target has no column \"{}\"", target.relation.label(), column.name.raw()),
    )
    .hint(format!("ALTER TABLE {} ADD COLUMN {} {};", target.relation, column.name, column.type_name))
}

fn same_columns(left: &Key, right: &Key) -> bool {
    left.columns.len() == right.columns.len() && left.columns.iter().all(|column| right.columns.contains(column))
}

/// The equality operators of the target's own index, in the order of `key`; the source's where the target has no such index.
fn equals_of(key: &Key, target_key: Option<&Key>) -> Vec<String> {
    let of = |column: &String, fallback: &String| {
        let found = target_key.and_then(|other| other.columns.iter().position(|name| name == column).map(|at| &other.equals[at]));
        found.unwrap_or(fallback).clone()
    };
    key.columns.iter().zip(&key.equals).map(|(column, equal)| of(column, equal)).collect()
}

/// The server refuses ON CONFLICT where there are rules, also those that are off.
fn writing(target: &Shape, target_key: Option<&Key>, others: &[&Column]) -> Write {
    let alone = target_key.is_some() && target.unique_indexes == 1;
    let assignable = others.iter().all(|column| !column.identity_always);
    if alone && assignable && !target.rules { Write::Upsert } else { Write::Replace }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;

    fn column(name: &str, generated: bool) -> Column {
        Column {
            name: Ident::new(name),
            type_name: "text".into(),
            base_type: "text".into(),
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
            attributes: 0,
            rows: 0.0,
            columns: columns.iter().map(|(name, generated)| column(name, *generated)).collect(),
            keys: vec![Key { columns: vec!["id".into()], types: vec!["text".into()], equals, exact: true }],
            unique_indexes,
            rules: false,
        }
    }

    #[test]
    fn a_column_missing_on_the_target_is_refused_by_name() {
        let error = Plan::new(1, &shape(&[("id", false), ("v", false)], 1), &shape(&[("id", false)], 1), None).unwrap_err();
        assert_eq!(error.kind(), Kind::Mismatch);
        assert!(error.message().contains("no column \"v\""), "{error}");
    }

    #[test]
    fn columns_are_carried_by_name_and_generated_ones_left_out() {
        let source = shape(&[("id", false), ("a", false), ("g", true), ("b", false)], 1);
        let target = shape(&[("b", false), ("extra", false), ("a", false), ("g", true), ("id", false)], 1);
        let plan = Plan::new(7, &source, &target, Some("id")).unwrap();
        assert!(plan.ship(&Span::default()).starts_with(
            "select coalesce(t.\"id\", d.\"k1\"), t.tableoid is not null, t.\"a\", t.\"b\" from (select distinct \"k1\""
        ));
        assert!(plan.apply_writes().contains("(\"id\", \"a\", \"b\") overriding system value select \"k1\", \"c1\", \"c2\""));
    }

    #[test]
    fn rows_are_upserted_only_where_no_other_index_can_refuse_them() {
        let columns = [("id", false), ("a", false)];
        let with = |indexes| Plan::new(1, &shape(&columns, 1), &shape(&columns, indexes), None).unwrap();
        assert!(with(1).apply().contains("on conflict (\"id\") do update set \"a\" = excluded.\"a\""));
        assert!(with(1).apply().contains("and not s.alive"));
        assert!(!with(2).apply().contains("on conflict") && !with(2).apply().contains("not s.alive"));
    }

    #[test]
    fn a_table_without_usable_key_is_refused() {
        let mut source = shape(&[("id", false)], 0);
        source.keys.clear();
        let error = Plan::new(1, &source, &source.clone(), None).unwrap_err();
        assert!(error.message().contains("no usable key") && error.hint_text().is_some());
    }
}
