//! Which tables or sequences of a database are meant by filters or patterns, and what is worth
//! telling about them.

use super::kinds;
use crate::cli::relation;
use crate::error::Result;
use crate::pg::{Connection, Relation};
use crate::warn_user;

/// What to look for; all but the kind are regular expressions, and an empty list restricts nothing.
#[derive(Default)]
pub struct Filter {
    /// `table` or `sequence`.
    pub kind: &'static str,
    /// Schemas.
    pub schemas: Vec<String>,
    /// Schemas to leave out.
    pub not_schemas: Vec<String>,
    /// Names.
    pub names: Vec<String>,
    /// Names to leave out.
    pub not_names: Vec<String>,
    /// The one name was written out: then partitions and what belongs to extensions are meant as
    /// well.
    pub exact: bool,
}

/// Something that passes the filter.
pub struct Candidate {
    /// Its name.
    pub relation: Relation,
    extension: Option<String>,
    /// A crash of the server empties it.
    pub unlogged: bool,
    /// It is partitioned and can be replicated as one.
    whole: bool,
    /// It is partitioned and cannot.
    parted: bool,
    /// Its partitions, as `schema.name`.
    parts: Vec<String>,
}

/// What passes the filter in the database that the control database calls `db`, by schema and name.
/// What is left out is told.
pub fn find(control: &mut Connection, db: &str, remote: &mut Connection, filter: &Filter) -> Result<Vec<Candidate>> {
    let mut found = query(remote, filter, &[])?;
    let apart = with_known_parts(control, db, &found, filter)?;
    if !apart.is_empty() {
        found = query(remote, filter, &apart)?;
    }
    if remote.version() >= kinds::WITH_ROW_TRIGGERS {
        tell_parted(&found, &apart);
    }
    let (left_out, meant): (Vec<Candidate>, Vec<Candidate>) =
        found.into_iter().filter(|one| !one.parted).partition(|one| one.extension.is_some());
    tell_left_out(&left_out);
    Ok(meant)
}

fn query(remote: &mut Connection, filter: &Filter, apart: &[String]) -> Result<Vec<Candidate>> {
    let relkind = if filter.kind == "table" { "r" } else { "S" };
    let Filter { schemas, not_schemas, names, not_names, exact, .. } = filter;
    let rows =
        remote.query(include_str!("candidates.sql"), &[&relkind, schemas, not_schemas, names, not_names, exact, &apart])?;
    let candidate = |row: &postgres::Row| Candidate {
        relation: Relation::new(row.get::<_, String>(0), row.get::<_, String>(1)),
        extension: row.get(2),
        unlogged: row.get(3),
        whole: row.get(4),
        parted: row.get(5),
        parts: row.get(6),
    };
    Ok(rows.iter().map(candidate).collect())
}

/// The partitioned tables some of whose partitions are known as tables of their own already, as
/// `schema.name`: the others follow them.
fn with_known_parts(control: &mut Connection, db: &str, found: &[Candidate], filter: &Filter) -> Result<Vec<String>> {
    let mut apart = Vec::new();
    for one in found.iter().filter(|one| one.whole && !filter.exact) {
        if relation::find_exact(control, db, &one.relation)?.is_none() && known_part(control, db, one)?.is_some() {
            apart.push(one.relation.label());
        }
    }
    Ok(apart)
}

fn known_part(control: &mut Connection, db: &str, table: &Candidate) -> Result<Option<String>> {
    let sql = "select schemaname || '.' || tablename from bucardo.goat \
               where db = $1 and schemaname || '.' || tablename = any ($2) order by 1 limit 1";
    Ok(control.query_opt(sql, &[&db, &table.parts])?.map(|row| row.get(0)))
}

fn tell_parted(found: &[Candidate], apart: &[String]) {
    for one in found.iter().filter(|one| one.parted && !one.parts.is_empty()) {
        let label = one.relation.label();
        let why =
            if apart.contains(&label) { "some are there already as tables of their own" } else { "it has no key as a whole" };
        warn_user!("Note: the partitions of {label} are added one by one: {why}");
    }
}

fn tell_left_out(left_out: &[Candidate]) {
    let each = left_out.iter().map(|one| format!("{} ({})", one.relation.label(), one.extension.as_deref().unwrap_or_default()));
    let each: Vec<String> = each.collect();
    match each.as_slice() {
        [] => {}
        [one] => warn_user!("Note: left out because it belongs to an extension: {one}"),
        all => warn_user!("Note: left out because they belong to extensions: {}", all.join(", ")),
    }
}
