//! Giving captures up: with their table, or one after another while newer ones have taken over.

use super::found::with_objects;
use super::records::read;
use crate::error::{Kind, Result};
use crate::pg::ident::literal;
use crate::pg::{Connection, Relation};
use crate::replicate::capture::objects::{self, Callers, Capture, Names};
use crate::replicate::capture::{reclaim, triggers};

/// For how long nobody has written to delta tables that are dropped, in seconds.
const RETIRED: f64 = 60.0;

/// The triggers that call functions of a capture, and the tables that carry them.
pub(crate) fn calling(conn: &mut Connection, names: &Names) -> Result<Vec<(Relation, String)>> {
    let functions = [names.row_function(), names.truncate_function()];
    let rows = conn.query(
        &*conn.ours(include_str!("../sql/tables_with_function.sql")),
        &[&functions[0].name.raw(), &functions[1].name.raw()],
    )?;
    Ok(rows.iter().map(|row| (Relation::new(row.get::<_, String>(0), row.get::<_, String>(1)), row.get(2))).collect())
}

pub(crate) fn drop_functions(conn: &mut Connection, names: &Names) -> Result<()> {
    conn.batch(&format!("drop function if exists {}(), {}()", names.row_function(), names.truncate_function()))
}

/// Removes a capture: its triggers, functions and delta tables, and the record.
pub fn forget(conn: &mut Connection, names: &Names) -> Result<()> {
    for (relation, trigger) in calling(conn, names)? {
        triggers::drop(conn, &relation, &trigger)?;
    }
    conn.within("begin", |conn| {
        drop_functions(conn, names)?;
        drop_tables(conn, names)
    })
}

pub(crate) fn drop_tables(conn: &mut Connection, names: &Names) -> Result<()> {
    conn.batch(&format!(
        "drop table if exists {}, {}; drop sequence if exists {}; delete from {}.bucardo_delta_names where deltaname = {}",
        names.delta(1),
        names.delta(2),
        names.generation(),
        conn.schema(),
        literal(names.base())
    ))
}

/// The consumers of these tables for one sync and target read the newest captures from now on.
pub fn settle(conn: &mut Connection, sync: &str, target: &str, since: i64) -> Result<()> {
    let sql = "update bucardo.bucardo_delta_targets set since = $3 where sync = $1 and targetdb = $2 and coalesce(since, 0) < $3";
    conn.execute(&*conn.ours(sql), &[&sync, &target, &since])?;
    Ok(())
}

/// Gives up captures that nobody reads any more: first they are not written any more, and a while
/// later, when no trigger function can still be at work that was called before, they are dropped.
/// Says whether there is more to do later.
pub fn retire(conn: &mut Connection) -> Result<bool> {
    let gone = "select deltaname from bucardo.bucardo_delta_names where retired < clock_timestamp() - make_interval(secs => $1)";
    for row in conn.query(&*conn.ours(gone), &[&RETIRED])? {
        let names = Names::recorded(conn.schema(), row.get::<_, String>(0));
        let lock = format!("begin; lock table {}, {} in access exclusive mode nowait", names.delta(1), names.delta(2));
        match conn.within(&lock, |conn| drop_tables(conn, &names)) {
            Err(error) if error.kind() == Kind::Locked => conn.batch("rollback")?,
            outcome => outcome?,
        }
    }
    for row in conn.query(&*conn.ours(include_str!("../sql/superseded.sql")), &[])? {
        let (table, keep): (u32, String) = (row.get(0), row.get(1));
        conn.within("begin", |conn| retire_older(conn, table, &keep))?;
    }
    conn.batch(&conn.ours(include_str!("../sql/closed_gaps.sql")))?;
    let left = "select exists (select from bucardo.bucardo_delta_names where since is not null or retired is not null)";
    Ok(conn.query_one(&*conn.ours(left), &[])?.get(0))
}

fn retire_older(conn: &mut Connection, table: u32, keep: &str) -> Result<()> {
    let lock = "select from bucardo.bucardo_delta_names where tablename = $1 and retired is null for update";
    conn.execute(&*conn.ours(lock), &[&table])?;
    let all = read(conn, &[table])?.remove(&table).unwrap_or_default();
    let left: Vec<&Capture> = all.iter().map(|one| &one.capture).skip_while(|capture| capture.names.base() != keep).collect();
    if left.is_empty() || all.iter().any(|one| !one.readable()) {
        return Ok(());
    }
    let partitions = include_str!("../sql/known_callers.sql");
    let row = conn.query_one(partitions, &[&table])?;
    let Some(known) = row.get::<_, Option<Vec<u32>>>(0) else { return Ok(()) };
    let callers = Callers { known, partitioned: row.get(1), knows_root: conn.version() >= 120_000 };
    let made = with_objects(conn, &left)?;
    conn.batch(&(objects::row_function(&made, &callers) + &objects::truncate_function(&left, callers.knows_root)))?;
    let older = all.iter().map(|one| one.capture.names.base()).take_while(|base| *base != keep);
    for base in older {
        reclaim::give_up(conn, base)?;
    }
    let retired = "update bucardo.bucardo_delta_names d set retired = clock_timestamp() \
                   from bucardo.bucardo_delta_names k where k.deltaname = $2 and d.tablename = $1 and d.retired is null \
                   and coalesce(d.since, 0) < k.since";
    conn.execute(&*conn.ours(retired), &[&table, &keep])?;
    let kept = "update bucardo.bucardo_delta_names set since = null, horizon = greatest(horizon, since) where deltaname = $1";
    conn.execute(&*conn.ours(kept), &[&keep])?;
    Ok(())
}
