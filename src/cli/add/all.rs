//! `add all tables` and `add all sequences`: everything a database has, filtered by schema and
//! name.

use super::candidates::{self, Filter};
use super::goat::Adder;
use super::{herd, kinds, remote, used};
use crate::cli::relation::Goat;
use crate::cli::spelling;
use crate::cli::{Options, Personality, Session, pattern, refusal};
use crate::error::{Error, Kind, Result};
use crate::pg::{Connection, Relation};
use crate::{say, warn_user};

pub(super) const USAGE: &str = "Usage: add all tables|sequences [db=x] [herd=x]

  -n, -N, -t, -T take schemas and tables, or leave them out.

  add all tables db=shop herd=sales
  add all sequences db=shop -n public";

/// What to look for; options and words that look like options come together here.
#[derive(Default)]
struct Request {
    kind: &'static str,
    db: Option<String>,
    herd: Option<String>,
    schemas: Vec<String>,
    not_schemas: Vec<String>,
    tables: Vec<String>,
    not_tables: Vec<String>,
}

pub(super) fn run(session: &mut Session, words: &[String]) -> Result<u8> {
    let Some(kind) = words.first().and_then(|word| kind(word)) else {
        warn_user!("The 'all' option can only be used with 'table' and 'sequence'");
        warn_user!("HINT: say `add all tables` or `add all sequences`");
        return Ok(1);
    };
    let request = request(kind, &session.options, &words[1..])?;
    let Some(db) = database(&mut session.control, &request)? else { return Ok(1) };
    let added = match session.transaction(|session| add(session, &request, &db)) {
        // To the newer dialect, nothing to add is no failure.
        Err(error) if error.kind() == Kind::NotFound && session.dialect().newer => {
            warn_user!("{error}");
            return Ok(0);
        }
        added => added?,
    };
    print(session, &request, &added);
    let new: Vec<i32> = added.new.iter().map(|goat| goat.id).collect();
    kinds::warn_of_no_key(&mut session.control, &new)?;
    match &request.herd {
        Some(herd) => used::herd(&mut session.control, herd).map(|()| 0),
        None => Ok(0),
    }
}

fn kind(word: &str) -> Option<&'static str> {
    let word = word.to_lowercase();
    ["table", "sequence"].into_iter().find(|kind| word.contains(kind))
}

fn request(kind: &'static str, options: &Options, words: &[String]) -> Result<Request> {
    let mut request = Request {
        kind,
        db: options.db.clone(),
        herd: options.herd.clone(),
        schemas: options.schema.clone(),
        not_schemas: options.exclude_schema.clone(),
        tables: options.table.clone(),
        not_tables: options.exclude_table.clone(),
    };
    for (name, value) in words.iter().filter_map(|word| word.split_once('=')).filter(|(_, value)| !value.is_empty()) {
        request.set(name, value)?;
    }
    Ok(request)
}

impl Request {
    fn filter(&self) -> Filter {
        let patterns = |words: &[String]| -> Vec<String> { words.iter().map(|word| pattern::starred(word)).collect() };
        Filter {
            kind: self.kind,
            schemas: patterns(&self.schemas),
            not_schemas: patterns(&self.not_schemas),
            names: patterns(&self.tables),
            not_names: patterns(&self.not_tables),
            exact: false,
        }
    }

    /// `db=x` among the words means what `--db=x` does.
    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let value = value.to_owned();
        match spelling::exact(&name.replace('_', "-")).map(|opt| opt.name) {
            Some("db") => self.db = Some(value),
            Some("herd") => self.herd = Some(value),
            Some("schema") => self.schemas.push(value),
            Some("exclude-schema") => self.not_schemas.push(value),
            Some("table") => self.tables.push(value),
            Some("exclude-table") => self.not_tables.push(value),
            _ => return Err(Error::new(Kind::Usage, format!("Unknown option '{name}'")).hint("`add all` takes db=x and herd=x")),
        }
        Ok(())
    }
}

/// The database to look in; none after a complaint.
fn database(control: &mut Connection, request: &Request) -> Result<Option<String>> {
    let rows = control.query("select name from bucardo.db order by name", &[])?;
    let known: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    match (&request.db, known.as_slice()) {
        (_, []) => Err(refusal::missing(
            "Sorry, cannot add any tables until at least one database has been added",
            "`add db` adds a database",
        )),
        (Some(name), known) if known.contains(name) => Ok(Some(name.clone())),
        (None, [only]) => Ok(Some(only.clone())),
        (Some(name), _) => Ok(choices(&format!("Sorry, could not find a database named \"{name}\""), &known)),
        (None, _) => Ok(choices("Please specify which database to use with the db=<name> option", &known)),
    }
}

fn choices(complaint: &str, known: &[String]) -> Option<String> {
    let lines: Vec<_> = known.iter().map(|name| format!("  db={name}")).collect();
    warn_user!("{complaint}\nDatabase choices:\n{}", lines.join("\n"));
    None
}

/// What came of it.
#[derive(Default)]
struct Added {
    herd_made: bool,
    new: Vec<Goat>,
    old: Vec<Goat>,
}

fn add(session: &mut Session, request: &Request, db: &str) -> Result<Added> {
    let control = &mut session.control;
    let mut remote = remote::open(control, db)?;
    let found = candidates::find(control, db, &mut remote.connection, &request.filter())?;
    found.iter().filter(|one| one.unlogged).for_each(|one| kinds::warn_of_unlogged(&one.relation));
    let relations: Vec<Relation> = found.into_iter().map(|one| one.relation).collect();
    if relations.is_empty() {
        return Err(refusal::missing(
            format!("Sorry, no {}s were found", request.kind),
            format!("database \"{db}\" has none, or none that the filters let through"),
        ));
    }
    let mut added = Added::default();
    if let Some(name) = &request.herd {
        added.herd_made = herd::ensure(control, name)?;
    }
    let mut adder = Adder::with(db, request.kind, remote);
    (added.new, added.old) = adder.add_all(control, &relations)?;
    if session.options.verbose > 1 {
        added.new.iter().for_each(|goat| trace_new(goat, request.herd.as_deref()));
        added.old.iter().for_each(|goat| warn_user!("Skipping {} already in goat: {}", goat.kind, goat.relation.label()));
    }
    gather(session, request, &added)?;
    Ok(added)
}

/// What the second degree of `--verbose` says of each.
fn trace_new(goat: &Goat, herd: Option<&str>) {
    let (kind, name) = (&goat.kind, goat.relation.label());
    warn_user!("Attempting to add {name} to the goat table\nID of new {kind} {name} is {}", goat.id);
    if let Some(herd) = herd {
        warn_user!("Added {kind} {} to herd {herd}", goat.id);
    }
}

/// Puts them into the herd: the new ones, and in the newer dialect also those that were known.
fn gather(session: &mut Session, request: &Request, added: &Added) -> Result<()> {
    let Some(herd) = &request.herd else { return Ok(()) };
    let old = added.old.iter().filter(|_| session.personality == Personality::Bucardo5);
    for goat in added.new.iter().chain(old) {
        herd::join(&mut session.control, herd, goat)?;
    }
    Ok(())
}

fn print(session: &Session, request: &Request, added: &Added) {
    let newer = session.personality == Personality::Bucardo5;
    if let Some(herd) = &request.herd {
        if added.herd_made {
            say!("Creating {}: {herd}", if newer { "relgroup" } else { "herd" });
        }
        for goat in added.new.iter().chain(&added.old).filter(|_| newer) {
            say!("Added {} {} to relgroup {herd}", goat.kind, goat.relation.label());
        }
    }
    if session.options.verbose > 0 && !added.new.is_empty() {
        say!("New {}s:", request.kind);
        added.new.iter().for_each(|goat| say!("  {}", goat.relation.label()));
    }
    say!("New {}s added: {}", request.kind, added.new.len());
    if !newer || !added.old.is_empty() {
        say!("Already added: {}", added.old.len());
    }
}
