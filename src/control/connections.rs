//! How many connections the active syncs need, and how many there are.

use crate::control::settings::Settings;
use crate::control::sync::Sync;
use crate::error::Result;
use crate::pg::Connection;
use std::collections::BTreeMap;

/// What is needed of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// Where it is, or `the control database`.
    pub place: String,
    /// How many connections all syncs take that are active, when all work at once.
    pub needed: i64,
    /// How many there may be, without those that are left to applications.
    pub allowed: i64,
}

impl Demand {
    /// The sentence about one that cannot be met.
    pub fn sentence(&self) -> String {
        let Demand { place, needed, allowed } = self;
        format!("the active syncs need {needed} connections to {place}, and may have {allowed}: their workers take turns")
    }
}

/// The most that a role may have in a session's database, as far as it is limited.
const LIMIT: &str = "select least(nullif(r.rolconnlimit, -1), nullif(d.datconnlimit, -1), \
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int) \
    from pg_roles r, pg_database d where r.rolname = current_user and d.datname = current_database()";

/// Notes how many connections our role may have to a database.
pub fn note_limit(control: &mut Connection, db: &str, conn: &mut Connection) -> Result<()> {
    let limit: i32 = conn.query_one(LIMIT, &[])?.get(0);
    control.execute(
        "update bucardo.db_identity set connections = $2 where db = $1 and connections is distinct from $2",
        &[&db, &limit],
    )?;
    Ok(())
}

/// The servers of which more is needed than there is.
pub fn short(control: &mut Connection) -> Result<Vec<Demand>> {
    let syncs: Vec<Sync> = Sync::load_all(control)?.into_iter().filter(|sync| sync.active).collect();
    let reserve = Settings::load(control)?.number("reserve_connections") as i64;
    let mut demands: BTreeMap<String, Demand> = BTreeMap::new();
    let sql = "select d.name, concat_ws(':', nullif(d.dbhost, ''), d.dbport), i.connections from bucardo.db d \
               join bucardo.db_identity i on i.db = d.name and i.connections is not null";
    for row in control.query(sql, &[])? {
        let (name, place, limit): (String, String, i32) = (row.get(0), row.get(1), row.get(2));
        let needed = syncs.iter().map(|sync| of_sync(sync, &name)).sum::<i64>();
        let listener = i64::from(syncs.iter().any(|sync| sync.listens() && sync.masters().contains(&name)));
        let demand = demands.entry(place.clone()).or_insert(Demand { place: format!("server {place}"), needed: 0, allowed: 0 });
        demand.needed += needed + listener;
        demand.allowed = demand.allowed.max(less(i64::from(limit), reserve));
    }
    let limit: i32 = control.query_one(LIMIT, &[])?.get(0);
    let workers: i64 = syncs.iter().map(|sync| 1 + count(sync.places().len())).sum();
    let allowed = less(i64::from(limit), reserve);
    let control =
        Demand { place: "the control database".to_owned(), needed: workers + 2 * i64::from(!syncs.is_empty()), allowed };
    Ok(demands.into_values().chain([control]).filter(|demand| demand.needed > demand.allowed).collect())
}

/// What is left when applications have theirs, as the kids see it.
fn less(limit: i64, reserve: i64) -> i64 {
    limit - reserve.clamp(0, limit / 4)
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// How many sessions the kids of a sync have on a database: where masters are many, each is read
/// and written in a session of its own.
fn of_sync(sync: &Sync, db: &str) -> i64 {
    let masters = sync.masters();
    let is_master = masters.iter().any(|master| master == db);
    let is_first = masters.first().is_some_and(|master| master == db);
    let among_masters = if masters.len() > 1 && is_master { 2 } else { 0 };
    let feeding = if is_first { count(sync.targets.len()) } else { 0 };
    let receiving = count(sync.targets.iter().filter(|target| *target == db).count());
    among_masters + feeding + receiving
}
