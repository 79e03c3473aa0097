//! What validating would say of some tables, without making anything: for a command that adds them
//! and wants to tell at once what is wrong.

use super::{Members, check_members};
use crate::control::db;
use crate::control::sync::{Goat, Sync};
use crate::error::{Error, Kind, Result};
use crate::pg::{ConnInfo, Connection};
use crate::replicate::identity::installation;
use crate::replicate::sync::faults::Faults;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Seconds that one database may take to let us in.
const CONNECT: u32 = 3;
/// How long one statement may take.
const STATEMENT: &str = "set statement_timeout = '3s'";
/// How long all databases together may take.
const ALL: Duration = Duration::from_secs(10);

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Foreseen {
    /// The goats that do not fit, and why.
    pub misfits: Vec<(i32, String)>,
    /// A sentence about each database that could not be asked.
    pub unasked: Vec<String>,
}

/// What is wrong with these goats in this sync. Databases that cannot be asked soon are left out.
pub fn foresee(control: &mut Connection, name: &str, goats: &[i32]) -> Result<Foreseen> {
    let sync = Sync::load(control, name)?;
    let goats: Vec<Goat> = sync.all_goats(control)?.into_iter().filter(|goat| goats.contains(&goat.id)).collect();
    if goats.is_empty() || check_members(&sync, sync.source()?).is_err() {
        return Ok(Foreseen::default());
    }
    let (members, unasked) = reachable(control, &sync)?;
    let misfits = match members {
        Some(members) => look(members, &goats)?,
        None => Vec::new(),
    };
    Ok(Foreseen { misfits, unasked })
}

/// The members that can be asked, and a sentence about each that cannot. Without the source there
/// is nothing to compare with.
fn reachable<'a>(control: &mut Connection, sync: &'a Sync) -> Result<(Option<Members<'a>>, Vec<String>)> {
    let masters = sync.masters();
    let end = Instant::now() + ALL;
    let mut members = Members {
        sync,
        names: Vec::new(),
        masters: 0,
        conns: Vec::new(),
        always: Vec::new(),
        found: Vec::new(),
        plans: BTreeMap::new(),
    };
    let mut sentences = Vec::new();
    for (at, name) in masters.iter().chain(&sync.targets).enumerate() {
        match open(control, sync, name, end) {
            Ok(conn) => {
                members.names.push(name.clone());
                members.conns.push(conn);
                members.masters += usize::from(at < masters.len());
            }
            Err(error) => sentences.push(format!("database \"{name}\" could not be asked: {error}")),
        }
    }
    let source = sync.source.as_ref();
    let usable = members.names.len() > 1 && members.names.first() == source;
    Ok((usable.then_some(members), sentences))
}

fn open(control: &mut Connection, sync: &Sync, name: &str, end: Instant) -> Result<Connection> {
    if Instant::now() >= end {
        return Err(Error::new(Kind::Timeout, "the other databases took too long"));
    }
    let info = db::conninfo(control, name)?.named(format!("bucardo add {} {name}", sync.name));
    let info = ConnInfo { connect_timeout: info.connect_timeout.min(CONNECT), ..info };
    let mut conn = installation::open(control, name, &info)?;
    conn.batch(STATEMENT)?;
    Ok(conn)
}

/// What is wrong with each, found in one look.
fn look(mut members: Members, goats: &[Goat]) -> Result<Vec<(i32, String)>> {
    let mut misfits = Vec::new();
    members.look(goats)?;
    for goat in goats {
        let (mut faults, mut notes) = (Faults::default(), Vec::new());
        let looked = match goat.is_table {
            true => members.look_at_table(goat, &mut notes, &mut faults).map(Option::into_iter).map(Iterator::collect),
            false => members.look_at_sequence(goat, &mut faults).map(|()| Vec::new()),
        };
        let outcome = looked.and_then(|shapes| {
            faults.settle()?;
            members.check_rights(std::slice::from_ref(goat), &shapes)
        });
        misfits.extend(outcome.err().map(|error| (goat.id, error.to_string().replace('\n', " "))));
    }
    Ok(misfits)
}
