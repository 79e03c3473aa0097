//! Terms for tables and sequences: names with or without schema, `*` and `%` for any characters,
//! looked up in the live database.

use crate::cli::add::candidates::{self, Filter};
use crate::cli::add::{goat::Adder, herd, kinds, remote};
use crate::cli::pairs::Pairs;
use crate::cli::relation::Goat;
use crate::cli::{near, refusal};
use crate::error::Result;
use crate::pg::{Connection, Relation};

/// What came of some terms.
#[derive(Default)]
pub struct Found {
    /// Terms without any match.
    pub without: Vec<String>,
    /// Relations that were not known before.
    pub added: Vec<Goat>,
    /// All relations that match, known before or not.
    pub all: Vec<Goat>,
}

/// Looks the terms up in `db`, and makes known what matches. `kinds` are `table`, `sequence` or
/// both.
pub fn resolve(control: &mut Connection, db: &str, kinds: &[&'static str], terms: &[String], wishes: &Pairs) -> Result<Found> {
    let mut remote = remote::open(control, db)?;
    let mut found = Found::default();
    let mut relations: Vec<(&'static str, Relation)> = Vec::new();
    for term in terms {
        let mut hits = Vec::new();
        for kind in kinds {
            let matching = matching(control, db, &mut remote.connection, kind, term)?;
            hits.extend(matching.into_iter().map(|relation| (*kind, relation)));
        }
        if hits.is_empty() {
            refuse_unfit(&mut remote.connection, kinds, term)?;
            found.without.push(term.clone());
        }
        hits.retain(|hit| !relations.contains(hit));
        relations.extend(hits);
    }
    for (kind, relation) in relations {
        let (goat, new) = Adder::new(db, kind).add(control, &relation, wishes)?;
        if new {
            found.added.push(Goat { relation: relation.clone(), kind: kind.to_owned(), db: db.to_owned(), ..goat_copy(&goat) });
        }
        found.all.push(goat);
    }
    Ok(found)
}

fn goat_copy(goat: &Goat) -> Goat {
    Goat { id: goat.id, db: goat.db.clone(), kind: goat.kind.clone(), relation: goat.relation.clone() }
}

fn matching(
    control: &mut Connection,
    db: &str,
    remote: &mut Connection,
    kind: &'static str,
    term: &str,
) -> Result<Vec<Relation>> {
    let (schema, name) = parts(term);
    let schemas: Vec<String> = schema.map(|schema| pattern(&schema)).into_iter().collect();
    let filter = Filter { kind, schemas, names: vec![pattern(&name)], exact: !is_pattern(term), ..Filter::default() };
    Ok(candidates::find(control, db, remote, &filter)?.into_iter().map(|one| one.relation).collect())
}

fn is_pattern(term: &str) -> bool {
    term.contains(['*', '%'])
}

/// A name under which there is something else than a table is refused by that.
fn refuse_unfit(remote: &mut Connection, kinds: &[&str], term: &str) -> Result<()> {
    if is_pattern(term) || !kinds.contains(&"table") {
        return Ok(());
    }
    let (schema, name) = parts(term);
    kinds::check(remote, &Relation::new(schema.as_deref().unwrap_or("public"), name))
}

/// Schema, if any, and name. Double quotes, as in SQL, are for names with a dot.
fn parts(term: &str) -> (Option<String>, String) {
    let bare = |part: &str| match part.strip_prefix('"').and_then(|part| part.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => part.to_owned(),
    };
    let dot = if term.starts_with('"') { term.find("\".").map(|at| at + 1) } else { term.find('.') };
    match dot {
        Some(at) => (Some(bare(&term[..at])), bare(&term[at + 1..])),
        None => (None, bare(term)),
    }
}

/// The regular expression for a term's part: everything is literal but `*` and `%`.
fn pattern(part: &str) -> String {
    let escape = |c: char| match c {
        '*' | '%' => ".*".to_owned(),
        c if c.is_alphanumeric() || c == '_' => c.to_string(),
        c => format!("\\{c}"),
    };
    format!("^{}$", part.chars().map(escape).collect::<String>())
}

/// The database to look in: the one named, the only one, one that is a source in a group, or the
/// one that was added first.
pub fn database(control: &mut Connection, named: Option<&str>) -> Result<String> {
    if let Some(name) = named {
        return match control.query_opt("select from bucardo.db where name = $1", &[&name])? {
            Some(_) => Ok(name.to_owned()),
            None => {
                let hint = near::among(control, "db", name, "`list dbs` shows the databases; `add db` adds one");
                Err(refusal::missing(format!("Unknown database \"{name}\""), hint))
            }
        };
    }
    let sql = "select d.name from bucardo.db d where d.status = 'active' order by \
        exists (select from bucardo.dbmap m where m.db = d.name and m.role = 'source') desc, d.cdate, d.name limit 1";
    match control.query_opt(sql, &[])? {
        Some(row) => Ok(row.get(0)),
        None => Err(refusal::missing("No databases have been added yet", "`add db` adds one")),
    }
}

/// The lists that tell what came of it; `in_db` shows the database behind what was added.
pub fn lines(found: &Found, in_db: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if !found.without.is_empty() {
        lines.push("Did not find matches for the following terms:".to_owned());
        lines.extend(found.without.iter().map(|term| format!("  {term}")));
    }
    if !found.added.is_empty() {
        lines.push("Added the following tables or sequences:".to_owned());
        lines.extend(found.added.iter().map(|goat| {
            let db = if in_db { format!(" (DB: {})", goat.db) } else { String::new() };
            format!("  {}{db}", goat.relation.label())
        }));
    }
    lines
}

/// Puts all that was found into a herd; the lists that tell of it.
pub fn gather(control: &mut Connection, name: &str, found: &Found) -> Result<Vec<String>> {
    let (mut old, mut new) = (Vec::new(), Vec::new());
    for goat in &found.all {
        let list = if herd::join(control, name, goat)? { &mut new } else { &mut old };
        list.push(format!("  {}", goat.relation.label()));
    }
    let mut lines = Vec::new();
    for (list, what) in [(old, "were already in"), (new, "are now part of")] {
        if !list.is_empty() {
            lines.push(format!("The following tables or sequences {what} the relgroup \"{name}\":"));
            lines.extend(list);
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_is_literal_but_for_its_wildcards() {
        assert_eq!(pattern("t%"), "^t.*$");
        assert_eq!(pattern("a+b"), "^a\\+b$");
        assert_eq!(parts("public.t*"), (Some("public".to_owned()), "t*".to_owned()));
        assert_eq!(parts("\"a.b\".\"c.d\""), (Some("a.b".to_owned()), "c.d".to_owned()));
        assert_eq!(parts("\"c.d\""), (None, "c.d".to_owned()));
    }
}
