//! `update sync S dbs=A:source,B:target` of the newer dialect: the sync gets a group of its own
//! with just these databases, and the type that goes with their roles.

use super::columns::Assignment;
use super::find::Thing;
use crate::cli::add::dbgroup;
use crate::cli::add::sync_members::{Role, db_of, exists, natural_type, roles};
use crate::cli::{conflict, refusal};
use crate::error::Result;
use crate::pg::Connection;

/// The assignments, with the name of the group in place of a list of databases.
pub fn own_group(control: &mut Connection, things: &[Thing], mut given: Vec<Assignment>) -> Result<Vec<Assignment>> {
    let Some(at) = given.iter().rposition(|one| one.column() == "targetgroup") else { return Ok(given) };
    if !given[at].value().contains([',', ':']) {
        return with_type(control, things, given, at);
    }
    let [sync] = things else {
        return Err(refusal::refused("Can only change the databases of one sync at a time", "write the whole name of the sync"));
    };
    let list: Vec<String> = given[at].value().split([',', ' ']).filter(|db| !db.is_empty()).map(str::to_owned).collect();
    let roles = roles(&list)?;
    let synctype = natural_type(&roles)?;
    check_source(control, &sync.key, &roles)?;
    replace(control, &sync.key, &roles)?;
    let set = |column: &str, value: &str| Assignment::new(column.to_owned(), value.to_owned());
    given[at] = set("targetgroup", &sync.key);
    given.push(set("synctype", synctype));
    if synctype == "swap" && !decides(control, &sync.key, &given)? {
        given.push(set("conflict_strategy", conflict::LATEST));
    }
    Ok(given)
}

/// A group that exists is one of masters or not, and so are the syncs.
fn with_type(control: &mut Connection, things: &[Thing], mut given: Vec<Assignment>, at: usize) -> Result<Vec<Assignment>> {
    let masters = "select count(*) > 1 from bucardo.dbmap where dbgroup = $1 and role = 'source'";
    let swap = control.query_one(masters, &[&given[at].value()])?.get(0);
    let names: Vec<&str> = things.iter().map(|thing| thing.key.as_str()).collect();
    let others = "select from bucardo.sync where name = any ($1) and (synctype = 'swap') <> $2 limit 1";
    if control.query_opt(others, &[&names, &swap])?.is_some() && !given.iter().any(|one| one.column() == "synctype") {
        given.push(Assignment::new("synctype".to_owned(), if swap { "swap" } else { "pushdelta" }.to_owned()));
    }
    Ok(given)
}

/// The tables stay where they are, so their database stays a source.
fn check_source(control: &mut Connection, sync: &str, roles: &[(String, Role)]) -> Result<()> {
    let herd = control.query_one("select source from bucardo.sync where name = $1", &[&sync])?.get::<_, String>(0);
    match db_of(control, &herd)? {
        Some(db) if !roles.contains(&(db.clone(), Role::Source)) => {
            let sentence = format!("The tables of relgroup \"{herd}\" are in database \"{db}\", which is no source in dbs=");
            Err(refusal::refused(sentence, format!("write dbs={db}:source,...")))
        }
        _ => Ok(()),
    }
}

/// Puts just these databases into the group named like the sync.
fn replace(control: &mut Connection, sync: &str, roles: &[(String, Role)]) -> Result<()> {
    let others = "select name from bucardo.sync where targetgroup = $1 and name <> $1 order by name limit 1";
    if let Some(row) = control.query_opt(others, &[&sync])? {
        let sentence = format!("Cannot change dbgroup \"{sync}\": sync \"{}\" uses it, too", row.get::<_, String>(0));
        return Err(refusal::refused(
            sentence,
            format!("make another group with `add dbgroup` and say dbs=GROUP for sync \"{sync}\""),
        ));
    }
    dbgroup::ensure(control, sync)?;
    control.execute("delete from bucardo.dbmap where dbgroup = $1", &[&sync])?;
    for (db, role) in roles {
        if !exists(control, "db", db)? {
            let sentence = format!("Unknown database \"{db}\"");
            return Err(refusal::missing(sentence, "`list dbs` shows the databases; `add db` adds one"));
        }
        dbgroup::join_as(control, db, sync, 0, if *role == Role::Source { "source" } else { "target" })?;
    }
    control.execute("select bucardo.request_validation($1)", &[&sync])?;
    Ok(())
}

/// Whether it is settled already who wins among masters.
fn decides(control: &mut Connection, sync: &str, given: &[Assignment]) -> Result<bool> {
    let sql = "select from bucardo.sync where name = $1 and conflict_strategy is not null";
    let stored = control.query_opt(sql, &[&sync])?.is_some();
    Ok(stored || given.iter().any(|one| one.column() == "conflict_strategy"))
}
