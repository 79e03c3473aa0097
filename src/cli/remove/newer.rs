//! `remove` of the newer dialect (reference, 8.5): `--force` takes along what stands in the way; a
//! table needs its schema; names that do not exist among tables are told and passed over.

use super::{CODE, DB, DBGROUP, HERD, Kind, all_there, customs, delete_goat, named, syncs};
use crate::cli::noun::{self, Noun};
use crate::cli::relation::{self, Goat};
use crate::cli::{Session, help, output, refusal};
use crate::error::Result;
use crate::pg::Connection;
use crate::{say, warn_user};

const NEWER_DBGROUP: Kind = Kind { title: "dbgroup", cannot: "Cannot remove dbgroup", ..DBGROUP };
const NEWER_HERD: Kind = Kind { title: "relgroup", cannot: "Cannot delete relgroup", ..HERD };

pub fn run(session: &mut Session, kind: &str, names: &[String]) -> Result<u8> {
    let Some(noun) = noun::newer(kind).or_else(|| noun::exact(kind)) else {
        warn_user!("Cannot remove: unknown type\nHINT: the types are db, dbgroup, relgroup, table, sequence, sync, customcode");
        return Ok(1);
    };
    if names.is_empty() {
        return Ok(help::usage(session.personality, "remove", &[kind]));
    }
    if matches!(noun, Noun::Table | Noun::Sequence) {
        return goats(session, noun, names);
    }
    if session.options.force {
        clear_syncs(session, noun, names)?;
    }
    let lines = match noun {
        Noun::Sync => syncs(session, names)?,
        _ => session.transaction(|session| remove(session, noun, names))?,
    };
    lines.iter().for_each(|line| say!("{line}"));
    Ok(0)
}

fn remove(session: &mut Session, noun: Noun, names: &[String]) -> Result<Vec<String>> {
    if session.options.force && noun == Noun::Db {
        clear_members(&mut session.control, names)?;
    }
    match noun {
        Noun::Db => named(&mut session.control, &DB, names),
        Noun::Dbgroup => named(&mut session.control, &NEWER_DBGROUP, names),
        Noun::Herd => named(&mut session.control, &NEWER_HERD, names),
        Noun::Customcode => named(&mut session.control, &CODE, names),
        Noun::Customname | Noun::Customcols => customs(&mut session.control, noun, names),
        _ => Err(refusal::refused("Cannot remove: unknown type", "records of conflicts go by themselves, after a month")),
    }
}

/// Syncs that stand in the way of `--force` go first: what they have on a database cannot be
/// removed any more when that is not known any more.
fn clear_syncs(session: &mut Session, noun: Noun, names: &[String]) -> Result<()> {
    let kind = match noun {
        Noun::Db => &DB,
        Noun::Dbgroup => &NEWER_DBGROUP,
        Noun::Herd => &NEWER_HERD,
        _ => return Ok(()),
    };
    session.transaction(|session| all_there(&mut session.control, kind, names))?;
    for name in names {
        let sql = match noun {
            Noun::Db => include_str!("syncs_with_db.sql"),
            Noun::Dbgroup => "select name from bucardo.sync where targetgroup = $1 order by 1",
            Noun::Herd => "select name from bucardo.sync where source = $1 order by 1",
            _ => return Ok(()),
        };
        let blocking: Vec<String> = session.control.query(sql, &[&name])?.iter().map(|row| row.get(0)).collect();
        if !blocking.is_empty() {
            warn_user!("Dropping all syncs that reference the {} \"{name}\"", title(noun));
            syncs(session, &blocking)?.iter().for_each(|line| warn_user!("{line}"));
        }
    }
    Ok(())
}

/// A database's tables and its places in groups go with it.
fn clear_members(control: &mut Connection, names: &[String]) -> Result<()> {
    for name in names {
        warn_user!("Dropping all tables and dbgroups that reference database \"{name}\"");
        control.execute("delete from bucardo.goat where db = $1", &[&name])?;
        control.execute("delete from bucardo.dbmap where db = $1", &[&name])?;
    }
    Ok(())
}

fn title(noun: Noun) -> &'static str {
    match noun {
        Noun::Db => "database",
        Noun::Dbgroup => "dbgroup",
        _ => "relgroup",
    }
}

fn goats(session: &mut Session, noun: Noun, words: &[String]) -> Result<u8> {
    let kind = if noun == Noun::Table { "table" } else { "sequence" };
    let db = words.iter().filter_map(|word| word.strip_prefix("db=").or_else(|| word.strip_prefix("db:"))).next_back();
    let names: Vec<&String> = words.iter().filter(|word| !word.starts_with("db=") && !word.starts_with("db:")).collect();
    let all = names.iter().any(|name| name.eq_ignore_ascii_case("all"));
    if all && !session.options.batch && !output::agreed(&format!("Are you sure you want to remove all {kind}s? ")) {
        return Ok(0);
    }
    let lines = session.transaction(|session| {
        let found =
            if all { everything(&mut session.control, kind, db)? } else { found(&mut session.control, kind, &names, db)? };
        found.iter().try_for_each(|goat| delete_goat(&mut session.control, goat).map(drop))?;
        Ok(found.iter().map(|goat| format!("  {}", goat.relation.label())).collect::<Vec<_>>())
    })?;
    match lines.is_empty() {
        true => say!("Nothing found to remove"),
        false => {
            say!("Removed the following {kind}s:");
            lines.iter().for_each(|line| say!("{line}"));
        }
    }
    Ok(0)
}

fn everything(control: &mut Connection, kind: &str, db: Option<&str>) -> Result<Vec<Goat>> {
    let all = relation::starting(control, "", db)?;
    Ok(all.into_iter().filter(|goat| goat.kind == kind).collect())
}

fn found(control: &mut Connection, kind: &str, names: &[&String], db: Option<&str>) -> Result<Vec<Goat>> {
    let mut all = Vec::new();
    for name in names {
        if !name.contains('.') {
            let hint = format!("for example public.{name}; `list {kind}s` shows them all");
            return Err(refusal::refused(format!("Please use the full schema.{kind} name"), hint));
        }
        let goats = relation::all(control, name, db)?;
        if goats.is_empty() {
            say!("No such {kind}: {name}");
        }
        all.extend(goats);
    }
    Ok(all)
}
