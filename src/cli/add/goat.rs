//! Making a table or sequence known: looking up a table's key in its database, and the row in
//! `bucardo.goat`.

use super::kinds;
use super::remote::{self, Remote};
use crate::cli::insert::Insert;
use crate::cli::pairs::Pairs;
use crate::cli::refusal;
use crate::cli::relation::{self, Goat};
use crate::error::{Error, Kind, Result};
use crate::pg::{Connection, Relation};
use crate::replicate::catalog::shape::{self, Key};
use postgres::types::ToSql;
use std::collections::BTreeSet;

/// Adds tables or sequences of one database; connects to it only when there is a key to look up.
pub struct Adder<'a> {
    db: &'a str,
    kind: &'static str,
    remote: Option<Remote>,
}

impl<'a> Adder<'a> {
    /// For things of `kind` (`table` or `sequence`) in the database called `db`.
    pub fn new(db: &'a str, kind: &'static str) -> Adder<'a> {
        Adder { db, kind, remote: None }
    }

    /// For things in a database that is open already.
    pub fn with(db: &'a str, kind: &'static str, remote: Remote) -> Adder<'a> {
        Adder { db, kind, remote: Some(remote) }
    }

    /// Adds one, with what the user wants for it, unless it is known already; whether it is new.
    ///
    /// Nothing in the schema forbids two goats for one relation, so others who would add one wait
    /// until we are done.
    pub fn add(&mut self, control: &mut Connection, relation: &Relation, wishes: &Pairs) -> Result<(Goat, bool)> {
        control.batch("lock table bucardo.goat in share row exclusive mode")?;
        if let Some(goat) = relation::find_exact(control, self.db, relation)? {
            return Ok((goat, false));
        }
        let id = self
            .insert(control, relation, wishes)
            .map_err(|error| error.context(format!("Failed to add {} \"{}\"", self.kind, relation.label())))?;
        Ok((Goat { id, db: self.db.to_owned(), kind: self.kind.to_owned(), relation: relation.clone() }, true))
    }

    /// Adds many, of which nothing special is wanted: those that are new, and those that were
    /// known.
    pub fn add_all(&mut self, control: &mut Connection, relations: &[Relation]) -> Result<(Vec<Goat>, Vec<Goat>)> {
        control.batch("lock table bucardo.goat in share row exclusive mode")?;
        let old = relation::find_all_exact(control, self.db, relations)?;
        let known: BTreeSet<String> = old.iter().map(|goat| goat.relation.to_string()).collect();
        let fresh: Vec<Relation> = relations.iter().filter(|one| !known.contains(&one.to_string())).cloned().collect();
        control.batch("savepoint all_at_once")?;
        match self.insert_all(control, &fresh) {
            Ok(new) => Ok((new, old)),
            // One of them cannot be added: one by one, it is found which.
            Err(_) => {
                control.batch("rollback to savepoint all_at_once")?;
                let each = fresh.iter().map(|one| self.add(control, one, &Pairs::default()).map(|(goat, _)| goat));
                Ok((each.collect::<Result<_>>()?, old))
            }
        }
    }

    fn insert_all(&mut self, control: &mut Connection, relations: &[Relation]) -> Result<Vec<Goat>> {
        let keys = match self.kind {
            "table" => shape::find_keys(&mut self.opened()?.connection, relations)?,
            _ => vec![Key::default(); relations.len()],
        };
        let (schemas, names): (Vec<_>, Vec<_>) = relations.iter().map(|one| (one.schema.raw(), one.name.raw())).unzip();
        let texts: Vec<[String; 3]> = keys.iter().map(texts).collect();
        let column = |at: usize| -> Vec<Option<&str>> {
            texts.iter().map(|texts| Some(texts[at].as_str()).filter(|_| self.kind == "table")).collect()
        };
        control.batch("set local bucardo.validating = 'on'")?;
        let values: [&(dyn ToSql + Sync); 7] = [&self.db, &self.kind, &schemas, &names, &column(0), &column(1), &column(2)];
        let rows = control.query(include_str!("goats.sql"), &values)?;
        control.batch("set local bucardo.validating = 'off'")?;
        Ok(rows.iter().map(relation::goat).collect())
    }

    fn insert(&mut self, control: &mut Connection, relation: &Relation, wishes: &Pairs) -> Result<i32> {
        let (schema, name) = (relation.schema.raw(), relation.name.raw());
        let row = Insert::into("goat").text("db", self.db).text("schemaname", schema).text("tablename", name);
        let row = row.text("reltype", self.kind).pairs(wishes, &[]);
        let row = if self.kind == "table" { keyed(row, &self.key(control, relation)?) } else { row };
        // Tells the trigger validate_goat that this key was found, not invented.
        control.batch("set local bucardo.validating = 'on'")?;
        let id = row.run(control, "id")?;
        control.batch("set local bucardo.validating = 'off'")?;
        id.parse().map_err(|_| Error::new(Kind::Bug, "an id is no number"))
    }

    fn opened(&mut self) -> Result<&mut Remote> {
        self.remote.as_mut().ok_or_else(|| Error::new(Kind::Bug, "the database is not open"))
    }

    fn key(&mut self, control: &mut Connection, relation: &Relation) -> Result<Key> {
        let remote = match &mut self.remote {
            Some(remote) => remote,
            empty => empty.insert(remote::open(control, self.db)?),
        };
        kinds::check(&mut remote.connection, relation)?;
        shape::find_key(&mut remote.connection, relation).map_err(|error| not_found(error, &remote.dsn, relation))
    }
}

/// Looks the key of a known table up anew.
pub fn look_up(control: &mut Connection, id: i32, db: &str, relation: &Relation) -> Result<()> {
    let key = Adder::new(db, "table").key(control, relation)?;
    let quoted: Vec<_> = key.idents().iter().map(ToString::to_string).collect();
    control.batch("set local bucardo.validating = 'on'")?;
    let sql = "update bucardo.goat set pkey = $2, qpkey = $3, pkeytype = $4 where id = $1";
    control.execute(sql, &[&id, &key.columns.join("|"), &quoted.join("|"), &key.types.join("|")])?;
    control.batch("set local bucardo.validating = 'off'")
}

/// Says where a table was looked for.
fn not_found(error: Error, dsn: &str, relation: &Relation) -> Error {
    match error.kind() {
        Kind::NotFound => {
            let hint = "create the table there first, or name it as schema.table; names are case-sensitive";
            refusal::missing(format!("{} at {dsn}: {}", what(&error), relation.label()), hint)
        }
        _ => error,
    }
}

fn what(error: &Error) -> &str {
    if error.message().contains("not a table") { "Not a table" } else { "Table not found" }
}

fn keyed(row: Insert, key: &Key) -> Insert {
    let [pkey, qpkey, pkeytype] = texts(key);
    row.text("pkey", &pkey).text("qpkey", &qpkey).text("pkeytype", &pkeytype)
}

/// The columns pkey, qpkey and pkeytype.
fn texts(key: &Key) -> [String; 3] {
    let quoted: Vec<_> = key.idents().iter().map(ToString::to_string).collect();
    [key.columns.join("|"), quoted.join("|"), key.types.join("|")]
}
