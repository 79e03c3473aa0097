//! `add sync S dbs=... relgroup=...|tables=...`.

use super::terms::{self, Found};
use super::without_effect::without;
use crate::cli::add::herd;
use crate::cli::add::sync::{self, KEYS};
use crate::cli::add::sync_members::{self, Role, db_of, exists, natural_type, roles};
use crate::cli::insert::Insert;
use crate::cli::pairs::{self, Pairs};
use crate::cli::{Session, conflict, near, refusal};
use crate::error::{Error, Kind, Result};
use crate::pg::Connection;

pub const USAGE: &str = "Usage: add sync <name> dbs=x:source,y:target relgroup=x or tables=x,y [options]

  dbs=x          the databases with their roles: source, target or fullcopy; several sources are masters of one another
  dbgroup=x      the same, as a group
  relgroup=x     a relgroup that exists
  tables=x,y     make one of these; all for everything
{keys}

  add sync orders dbs=shop:source,warehouse:target relgroup=sales
  add sync stock dbs=shop:source,berlin:source tables=items,prices onetimecopy=2";

pub fn run(session: &mut Session, word: &str, words: &[String]) -> Result<u8> {
    let words = &without(words, "vacuum_after_copy");
    let pairs = pairs::read_newer(words, KEYS, USAGE)?;
    let older = pairs.get("synctype").is_some() && pairs.get("targetgroup").is_some() && pairs.get("dbs").is_none();
    if pairs.get("targetdb").is_some() || older {
        return sync::run(session, word, words);
    }
    let name = pairs.get("name").unwrap_or(word).to_owned();
    check(&mut session.control, &name, &pairs)?;
    let (lines, notes) = session.transaction(|session| {
        let lines = add(&mut session.control, &name, &pairs)?;
        Ok((lines, sync::make_ready(session, &name)?))
    })?;
    crate::cli::add::report(session, &lines);
    crate::cli::validate::tell(session, &notes);
    Ok(0)
}

fn check(control: &mut Connection, name: &str, pairs: &Pairs) -> Result<()> {
    let hint = "for example: add sync s1 dbs=A:source,B:target tables=all";
    if pairs.get("source").or(pairs.get("tables")).is_none() {
        return Err(refusal::refused("Must specify a relgroup (or a list of tables) for this sync", hint));
    }
    if pairs.get("dbs").or(pairs.get("targetgroup")).is_none() {
        return Err(refusal::refused("Need to specify which dbgroup (or list of databases) for this sync", hint));
    }
    if exists(control, "sync", name)? {
        let sentence = format!("A sync with the name \"{name}\" already exists");
        return Err(refusal::refused(sentence, "choose another name; `list syncs` shows them all"));
    }
    Ok(())
}

/// Who takes part.
struct Party {
    group: String,
    made: bool,
    roles: Vec<(String, Role)>,
}

fn add(control: &mut Connection, name: &str, pairs: &Pairs) -> Result<Vec<String>> {
    let party = party(control, name, pairs)?;
    let synctype = pairs.get("synctype").map_or_else(|| natural_type(&party.roles), |word| Ok(sync_members::known_type(word)))?;
    let (herd, mut lines) = relgroup(control, name, pairs, &party)?;
    let verb = if party.made { "Created a new dbgroup named" } else { "Using existing dbgroup" };
    lines.insert(1, format!("{verb} \"{}\"", party.group));
    let strategy = match pairs.get("conflict_strategy") {
        Some(text) => Some(conflict::strategy(control, text)?),
        None => (synctype == "swap").then(|| conflict::LATEST.to_owned()),
    };
    let row = Insert::into("sync").text("name", name).text("source", &herd).text("synctype", synctype);
    let row = row.text("targetgroup", &party.group).pairs(pairs, &[]);
    let row = if let Some(strategy) = &strategy { row.text("conflict_strategy", strategy) } else { row };
    row.run(control, "name").map_err(|error| error.context("Failed to add sync"))?;
    lines.insert(0, format!("Added sync \"{name}\""));
    Ok(lines)
}

/// The group that is named, or one made for the sync.
fn party(control: &mut Connection, name: &str, pairs: &Pairs) -> Result<Party> {
    let named = pairs.get("targetgroup").or(pairs.get("dbs")).unwrap_or_default();
    if !named.contains([',', ':']) && exists(control, "dbgroup", named)? {
        if pairs.get("targetgroup").is_some() && pairs.get("dbs").is_some() {
            let sentence = "Cannot specify an existing dbgroup and a list of databases";
            return Err(refusal::refused(sentence, "leave dbs= out, or the dbgroup"));
        }
        let roles = stored_roles(control, named)?;
        return Ok(Party { group: named.to_owned(), made: false, roles });
    }
    let list: Vec<String> = named.split([',', ' ']).filter(|db| !db.is_empty()).map(str::to_owned).collect();
    let roles = roles(&list)?;
    for (db, _) in &roles {
        if !exists(control, "db", db)? {
            let hint = near::among(control, "db", db, "`list dbs` shows the databases; `add db` adds one");
            return Err(refusal::missing(format!("Unknown database \"{db}\""), hint));
        }
    }
    let made = sync_members::group(control, name, &roles)?;
    Ok(Party { group: name.to_owned(), made, roles })
}

fn stored_roles(control: &mut Connection, group: &str) -> Result<Vec<(String, Role)>> {
    let sql = "select db, role from bucardo.dbmap where dbgroup = $1 order by role <> 'source', priority, db";
    let role = |word: &str| if word == "source" { Role::Source } else { Role::Target };
    Ok(control.query(sql, &[&group])?.iter().map(|row| (row.get(0), role(row.get(1)))).collect())
}

/// The relgroup that is named, or one made from the tables; and the lines about it, of which the
/// first is about itself.
fn relgroup(control: &mut Connection, name: &str, pairs: &Pairs, party: &Party) -> Result<(String, Vec<String>)> {
    let named = pairs.get("source").unwrap_or(name);
    let there = exists(control, "herd", named)?;
    match (pairs.get("tables"), there) {
        (None, true) => {
            check_source(control, named, party)?;
            Ok((named.to_owned(), vec![format!("Using existing relgroup \"{named}\"")]))
        }
        (None, false) => {
            let hint = "`list relgroups` shows what there is; tables=a,b makes one on the way";
            let hint = near::among(control, "herd", named, hint);
            Err(refusal::missing(format!("Could not find a relgroup named \"{named}\""), hint))
        }
        (Some(tables), true) if db_of(control, named)?.is_some() => {
            let found = look_up(control, tables, pairs, party)?;
            if found.added.is_empty() && sync_members::is_left_over(control, named, &found.all)? {
                return Ok((named.to_owned(), vec![format!("Using existing relgroup \"{named}\"")]));
            }
            let sentence = "Cannot specify an existing relgroup and a list of tables";
            Err(refusal::refused(sentence, format!("`add relgroup {named} ...` puts more tables into it")))
        }
        (Some(tables), _) => gather(control, named, tables, pairs, party),
    }
}

fn check_source(control: &mut Connection, herd: &str, party: &Party) -> Result<()> {
    let is_source = |db: &str| party.roles.iter().any(|(name, role)| name == db && *role == Role::Source);
    match db_of(control, herd)? {
        Some(db) if !is_source(&db) => Err(refusal::refused(
            format!("The tables of relgroup \"{herd}\" are in database \"{db}\", which is no source of this sync"),
            format!("write dbs={db}:source,..."),
        )),
        _ => Ok(()),
    }
}

/// What the word `tables=` means.
fn look_up(control: &mut Connection, tables: &str, pairs: &Pairs, party: &Party) -> Result<Found> {
    let source = party.roles.iter().find(|(_, role)| *role == Role::Source).map(|(db, _)| db.as_str());
    let source = source.ok_or_else(|| refusal::refused("A sync has at least one source", "give a database the role source"))?;
    let names: Vec<String> = tables.split([',', ' ']).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let everything = names.iter().any(|name| name.eq_ignore_ascii_case("all"));
    let terms = if everything { vec!["*".to_owned()] } else { names };
    let found = terms::resolve(control, source, &["table", "sequence"], &terms, &pairs.only(&["ping"]))?;
    match found.without.first() {
        Some(term) => Err(Error::new(Kind::NotFound, format!("Could not find a relation named \"{term}\""))
            .hint(format!("it is looked for in database \"{source}\"; a name may have a schema and wildcards"))),
        None => Ok(found),
    }
}

fn gather(control: &mut Connection, herd: &str, tables: &str, pairs: &Pairs, party: &Party) -> Result<(String, Vec<String>)> {
    let found = look_up(control, tables, pairs, party)?;
    herd::ensure(control, herd)?;
    for goat in &found.all {
        herd::join(control, herd, goat)?;
    }
    let mut lines = vec![format!("Created a new relgroup named \"{herd}\"")];
    lines.extend(found.added.iter().map(|goat| format!("  Added {} \"{}\"", goat.kind, goat.relation.label())));
    Ok((herd.to_owned(), lines))
}
