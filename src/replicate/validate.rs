//! Validating a sync: looking at every database it needs, making what is missing there, and recording the outcome.
//!
//! Everything is compared first, on all databases that can be reached; only when all tables fit is anything made. So a refused sync
//! leaves no trigger behind.

use crate::control::sync::{Goat, Sync, SyncType};
use crate::control::{channel, db};
use crate::error::{Error, Kind, Result};
use crate::pg::{Connection, session};
use crate::replicate::plan::Plan;
use crate::replicate::shape::{self, Shape};
use crate::replicate::{compare, install, places};

/// Validates the sync called `name` and records the outcome, within whatever transaction `control` is in. Returns what is worth
/// telling. What does not fit is [`Kind::Mismatch`], a database that cannot be reached [`Kind::Connect`] or [`Kind::Lost`].
pub fn sync(control: &mut Connection, name: &str) -> Result<Vec<String>> {
    let sync = Sync::load(control, name)?;
    let outcome = look_and_make(control, &sync);
    record(control, name, &outcome)?;
    outcome
}

fn look_and_make(control: &mut Connection, sync: &Sync) -> Result<Vec<String>> {
    let goats = sync.goats(control)?;
    let source_name = sync.source()?.to_owned();
    check_members(sync, &source_name)?;
    let mut source = connect(control, sync, &source_name)?;
    let mut targets = sync.targets.iter().map(|name| connect(control, sync, name)).collect::<Result<Vec<_>>>()?;
    let mut notes = Vec::new();
    let mut tables = Vec::new();
    for goat in &goats {
        match goat.is_table {
            true => tables.push(look_at_table(goat, sync, &mut source, &mut targets, &mut notes)?),
            false => look_at_sequence(goat, sync, &source_name, &mut source, &mut targets)?,
        }
    }
    places::note(control, sync)?;
    make(sync, &goats, &tables, &mut source, &mut targets)?;
    remember_keys(control, &goats, &tables)?;
    Ok(notes)
}

/// What the rows of the control database alone can tell.
fn check_members(sync: &Sync, source: &str) -> Result<()> {
    if sync.synctype != SyncType::Pushdelta {
        return Err(Error::new(Kind::Mismatch, format!("Syncs of type {} cannot run yet", sync.synctype.word()))
            .hint("This version carries pushdelta syncs."));
    }
    if sync.targets.is_empty() {
        return Err(Error::new(Kind::Mismatch, format!("Sync \"{}\" has no active target database", sync.name)));
    }
    if sync.targets.iter().any(|target| target == source) {
        return Err(Error::new(
            Kind::Mismatch,
            format!("Database \"{source}\" is both source and target of sync \"{}\"", sync.name),
        ));
    }
    Ok(())
}

fn connect(control: &mut Connection, sync: &Sync, name: &str) -> Result<Connection> {
    let info = db::conninfo(control, name)?.named(format!("bucardo validate {} {name}", sync.name));
    Connection::open_replicated(&info).map_err(|error| error.context(format!("Database \"{name}\" cannot be reached")))
}

fn look_at_table(
    goat: &Goat,
    sync: &Sync,
    source: &mut Connection,
    targets: &mut [Connection],
    notes: &mut Vec<String>,
) -> Result<Shape> {
    let ours = shape::read(source, &goat.relation)?;
    for (target, name) in targets.iter_mut().zip(&sync.targets) {
        let theirs = shape::read(target, &goat.relation).map_err(|error| on(error, name))?;
        let differences = compare::compare(&ours, &theirs, sync.strict && goat.strict);
        let label = |what: &String| format!("Table \"{}\" on database \"{name}\": {what}", goat.relation.label());
        if !differences.fatal.is_empty() {
            return Err(misfit(&differences.fatal.iter().map(label).collect::<Vec<_>>()));
        }
        notes.extend(differences.notes.iter().map(label));
        Plan::new(goat.id, &ours, &theirs, goat.pkey.as_deref())?;
    }
    Ok(ours)
}

fn misfit(what: &[String]) -> Error {
    Error::new(Kind::Mismatch, what.join("; "))
        .hint("Make the tables alike, or allow what does no harm with strict_checking=false on the sync or the table.")
}

fn look_at_sequence(
    goat: &Goat,
    sync: &Sync,
    source_name: &str,
    source: &mut Connection,
    targets: &mut [Connection],
) -> Result<()> {
    let everywhere =
        std::iter::once((source, source_name)).chain(targets.iter_mut().zip(sync.targets.iter().map(String::as_str)));
    for (conn, name) in everywhere {
        let sql = "select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace \
                   where n.nspname = $1 and c.relname = $2 and c.relkind = 'S')";
        if !conn.query_one(sql, &[&goat.relation.schema.raw(), &goat.relation.name.raw()])?.get::<_, bool>(0) {
            return Err(Error::new(
                Kind::NotFound,
                format!("Sequence \"{}\" does not exist on database \"{name}\"", goat.relation.label()),
            ));
        }
    }
    Ok(())
}

fn on(error: Error, database: &str) -> Error {
    let kind = error.kind();
    Error::new(if kind == Kind::NotFound { Kind::Mismatch } else { kind }, format!("Database \"{database}\"")).caused_by(error)
}

fn make(sync: &Sync, goats: &[Goat], tables: &[Shape], source: &mut Connection, targets: &mut [Connection]) -> Result<()> {
    for target in targets {
        session::require_replica_role(target)?;
        install::target_base(target, &sync.name, sync.source()?)?;
    }
    install::alone(source, |source| make_on_source(sync, goats, tables, source))
}

fn make_on_source(sync: &Sync, goats: &[Goat], tables: &[Shape], source: &mut Connection) -> Result<()> {
    install::source_base(source)?;
    let members: Vec<&Goat> = goats.iter().filter(|goat| goat.is_table).collect();
    for (goat, table) in members.iter().zip(tables) {
        let key = table.key(goat.pkey.as_deref()).cloned().unwrap_or_default();
        install::capture_table(source, table, &key)?;
    }
    let kicking: Vec<&Shape> =
        members.iter().zip(tables).filter(|(goat, _)| goat.ping.unwrap_or(sync.ping)).map(|(_, table)| table).collect();
    install::register(source, &sync.name, tables, &kicking, &sync.targets)
}

/// Fills in the keys of goats that were added by SQL, where nobody looked.
fn remember_keys(control: &mut Connection, goats: &[Goat], tables: &[Shape]) -> Result<()> {
    let members = goats.iter().filter(|goat| goat.is_table).zip(tables);
    let missing: Vec<_> = members.filter(|(goat, _)| !goat.looked_up).collect();
    if missing.is_empty() {
        return Ok(());
    }
    control.batch("set bucardo.validating = 'on'")?;
    for (goat, table) in missing {
        let key = table.key(goat.pkey.as_deref()).cloned().unwrap_or_default();
        let quoted: Vec<String> = key.idents().iter().map(ToString::to_string).collect();
        control.execute(
            "update bucardo.goat set pkey = $2, qpkey = $3, pkeytype = $4 where id = $1",
            &[&goat.id, &key.columns.join("|"), &quoted.join("|"), &key.types.join("|")],
        )?;
    }
    control.batch("set bucardo.validating = 'off'")
}

/// Whether an error is about the sync itself.
fn tells(kind: Kind) -> bool {
    matches!(kind, Kind::Mismatch | Kind::NotFound | Kind::Denied | Kind::Refused)
}

/// A look that was prevented tells nothing about the sync: one that was good stays good.
fn record(control: &mut Connection, name: &str, outcome: &Result<Vec<String>>) -> Result<()> {
    let text = match outcome {
        Ok(notes) => notes.join("\n"),
        Err(error) => error.to_string(),
    };
    let prevented = outcome.as_ref().is_err_and(|error| !tells(error.kind()));
    control.execute(
        "insert into bucardo.validation as v (sync, requested, validated, ok, outcome) \
         values ($1, clock_timestamp(), clock_timestamp(), $2, $3) \
         on conflict (sync) do update set validated = excluded.validated, outcome = excluded.outcome, \
         ok = excluded.ok or ($4 and v.ok is true)",
        &[&name, &outcome.is_ok(), &text, &prevented],
    )?;
    control.execute("select pg_notify($1, '')", &[&channel::validated(name)])?;
    Ok(())
}
