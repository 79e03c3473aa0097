//! Which rights our role lacks on a database of a sync, told as the GRANTs that give them. Asked
//! before anything is made, so that nobody has to guess from an error in the middle.

use crate::error::{Error, Kind, Result};
use crate::pg::{Connection, Ident, Relation};
use crate::plain;
use crate::replicate::catalog::shape::Shape;

/// What a member of a sync is; a master is both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Its changes are captured.
    pub source: bool,
    /// Rows are written there.
    pub receiver: bool,
}

impl Part {
    /// The rights needed on each table.
    fn on_table(self) -> Vec<&'static str> {
        let source: &[&str] = if self.source { &["SELECT", "TRIGGER"] } else { &[] };
        let receiver: &[&str] = if self.receiver { &["SELECT", "INSERT", "UPDATE", "DELETE"] } else { &[] };
        let mut all = [source, receiver].concat();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The rights needed on each sequence.
    fn on_sequence(self) -> &'static [&'static str] {
        if self.receiver { &["SELECT", "UPDATE"] } else { &["SELECT"] }
    }

    /// The rights needed on the database, where our schema is not there yet.
    fn on_database(self) -> &'static [&'static str] {
        if self.receiver { &["CREATE", "TEMPORARY"] } else { &["CREATE"] }
    }
}

/// Makes sure that our role has what it needs; else it is [`Kind::Denied`], and the hint holds the
/// GRANTs.
pub fn check(conn: &mut Connection, database: &str, part: Part, tables: &[&Shape], sequences: &[Relation]) -> Result<()> {
    let mut missing = on_database(conn, part)?;
    missing.extend(on_tables(conn, part, tables)?);
    missing.extend(on_sequences(conn, part, sequences)?);
    missing.dedup();
    if missing.is_empty() {
        return Ok(());
    }
    let user: String = conn.query_one("select current_user::text", &[])?.get(0);
    let what: Vec<&str> = missing.iter().map(|lack| lack.what.as_str()).collect();
    let role = Ident::new(user.as_str());
    let grants: Vec<String> = missing
        .iter()
        .map(|lack| match &lack.grant {
            Some(grant) => format!("GRANT {grant} TO {role};"),
            None => format!("ALTER ROLE {role} BYPASSRLS;"),
        })
        .collect();
    let sentence = format!("Database \"{database}\": role \"{user}\" may not {}", what.join("; "));
    Err(Error::new(Kind::Denied, sentence).hint(grants.join(" ")))
}

/// A missing right.
#[derive(Debug, PartialEq, Eq)]
struct Lack {
    what: String,
    /// What is to be granted; none for what policies of row-level security keep from the role.
    grant: Option<String>,
}

fn on_database(conn: &mut Connection, part: Part) -> Result<Vec<Lack>> {
    let sql = "select current_database()::text, right_, right_ = 'CREATE' and to_regnamespace('bucardo') is not null \
               or has_database_privilege(current_database(), right_) from unnest($1::text[]) as right_";
    let wanted: Vec<&str> = part.on_database().to_vec();
    let lacks = conn.query(&*conn.ours(sql), &[&wanted])?.into_iter().filter(|row| !row.get::<_, bool>(2)).map(|row| {
        let (name, right): (String, String) = (row.get(0), row.get(1));
        let what = if right == "CREATE" { "create our schema" } else { "make temporary tables" };
        Lack { what: what.to_owned(), grant: Some(format!("{right} ON DATABASE {}", Ident::new(name))) }
    });
    Ok(lacks.collect())
}

/// For all tables in one round trip: for each whether its schema may be used, and the rights on it
/// that are missing.
fn on_tables(conn: &mut Connection, part: Part, tables: &[&Shape]) -> Result<Vec<Lack>> {
    let sql = include_str!("../sql/rights_on_tables.sql");
    let statement = conn.prepare_cached(sql)?;
    let (schemas, oids): (Vec<_>, Vec<_>) = tables.iter().map(|table| (table.relation.schema.raw(), table.oid)).unzip();
    let rows = conn.query(&statement, &[&schemas, &oids, &part.on_table()])?;
    let lacks = tables.iter().zip(&rows).map(|(table, row)| {
        let what = format!("read and write all rows of {}, which has row-level security", table.relation.label());
        let hidden = row.get::<_, bool>(2).then_some(Lack { what, grant: None });
        on_relation(&table.relation, "", row.get(0), row.get(1)).into_iter().chain(hidden).collect::<Vec<_>>()
    });
    Ok(lacks.flatten().collect())
}

/// The same for sequences.
fn on_sequences(conn: &mut Connection, part: Part, sequences: &[Relation]) -> Result<Vec<Lack>> {
    if sequences.is_empty() {
        return Ok(Vec::new());
    }
    let sql = include_str!("../sql/rights_on_sequences.sql");
    let schemas: Vec<&str> = sequences.iter().map(|sequence| sequence.schema.raw()).collect();
    let names: Vec<String> = sequences.iter().map(Relation::to_string).collect();
    let rights: Vec<&str> = part.on_sequence().to_vec();
    let rows = conn.query(sql, &[&schemas, &names, &rights])?;
    let lacks = sequences.iter().zip(&rows).map(|(sequence, row)| on_relation(sequence, "SEQUENCE ", row.get(0), row.get(1)));
    Ok(lacks.flatten().collect())
}

/// `kind` is what GRANT wants before the name.
fn on_relation(relation: &Relation, kind: &str, usable: bool, rights: Vec<String>) -> Vec<Lack> {
    let all = rights.join(", ");
    let right = Lack { what: format!("{all} on {}", relation.label()), grant: Some(format!("{all} ON {kind}{relation}")) };
    on_schema(relation, usable).into_iter().chain((!rights.is_empty()).then_some(right)).collect()
}

fn on_schema(relation: &Relation, usable: bool) -> Option<Lack> {
    let schema = &relation.schema;
    let lack =
        Lack { what: format!("use schema {}", plain::line(schema.raw())), grant: Some(format!("USAGE ON SCHEMA {schema}")) };
    (!usable).then_some(lack)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_master_needs_the_rights_of_both_sides_once() {
        let both = Part { source: true, receiver: true };
        assert_eq!(both.on_table(), ["DELETE", "INSERT", "SELECT", "TRIGGER", "UPDATE"]);
        assert_eq!(Part { receiver: false, ..both }.on_table(), ["SELECT", "TRIGGER"]);
        assert_eq!(Part { receiver: false, ..both }.on_database(), ["CREATE"]);
    }
}
