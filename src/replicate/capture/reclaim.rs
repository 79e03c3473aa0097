//! Reclaiming delta rows that every consumer has.
//!
//! Nothing is deleted row by row. Each table has two generations of deltas; new ones go into one of
//! them. When the other holds only what everybody has, and has had for a while, it is emptied by
//! TRUNCATE, and then the roles change. TRUNCATE needs the delta table for itself for an instant;
//! it asks for the lock without waiting, and if a writer is just using it, the next attempt will
//! do. Whether everybody has everything is asked while holding that lock, so a writer that chose
//! this generation a moment ago is either waited for by nobody or seen.
//!
//! Deltas are kept for a while after they were consumed: a target restored to its state of some
//! minutes ago asks for them again. The *retention* is the time within which they are gone, and a
//! third of it the time for which they are kept at least: one generation may have to wait for the
//! other, and each for the next visit, of which there are [`VISITS`] in a retention.

use crate::error::{Kind, Result};
use crate::pg::Connection;
use crate::pg::ident::literal;
use crate::replicate::capture::objects::Names;

/// How often to come in each retention: twice a third, and twice the time between two visits, are
/// less than the whole.
pub const VISITS: f64 = 8.0;

/// Rotates the captured tables of this source, where it is time. `retention`, in seconds, is the
/// time within which a generation that everybody has is emptied, and a third of it how long that is
/// kept. Of several processes that do it at once, one does each table. Says whether there is
/// anything left to reclaim later.
pub fn rotate(conn: &mut Connection, retention: f64) -> Result<bool> {
    let mut left = false;
    let tables = conn.query(&*conn.ours("select deltaname, tablename from bucardo.bucardo_delta_names"), &[])?;
    for row in &tables {
        rotate_table(conn, &Names::recorded(conn.schema(), row.get::<_, String>(0)), row.get(1), retention)?;
    }
    for row in &tables {
        let names = Names::recorded(conn.schema(), row.get::<_, String>(0));
        left |= holds_rows(conn, &names, 1)? || holds_rows(conn, &names, 2)?;
    }
    Ok(left)
}

fn rotate_table(conn: &mut Connection, names: &Names, table: u32, retention: f64) -> Result<()> {
    conn.batch("begin")?;
    match try_rotate(conn, names, table, retention) {
        Ok(()) => conn.batch("commit"),
        Err(error) => {
            conn.batch("rollback")?;
            if error.kind() == Kind::Locked { Ok(()) } else { Err(error) }
        }
    }
}

/// What is known about the two generations of a table.
#[derive(Debug, Clone, Copy)]
struct State {
    /// Whether the generation at rest holds rows.
    resting: bool,
    /// Whether the one in use does.
    current: bool,
    /// Whether everybody was seen to have the one at rest, and whether that is long enough ago.
    drained: Option<bool>,
}

/// What to do next with a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Nothing,
    /// See whether everybody has the generation at rest.
    Check,
    /// Empty the generation at rest, then write to it, as with [`Next::Flip`].
    Truncate,
    /// Write to the generation at rest, which is empty; the other may be drained already.
    Flip,
}

fn next(state: State) -> Next {
    match state {
        State { resting: true, drained: None, .. } => Next::Check,
        State { resting: true, drained: Some(true), .. } => Next::Truncate,
        State { resting: false, current: true, .. } => Next::Flip,
        _ => Next::Nothing,
    }
}

fn try_rotate(conn: &mut Connection, names: &Names, table: u32, retention: f64) -> Result<()> {
    let sql = "select drained < clock_timestamp() - make_interval(secs => $2) \
               from bucardo.bucardo_delta_names where deltaname = $1 for update nowait";
    let Some(row) = conn.query_opt(&*conn.ours(sql), &[&names.base(), &(retention / 3.0)])? else { return Ok(()) };
    let current: i64 = conn.query_one(&format!("select last_value from {}", names.generation()), &[])?.get(0);
    let resting = 3 - current;
    let state =
        State { resting: holds_rows(conn, names, resting)?, current: holds_rows(conn, names, current)?, drained: row.get(0) };
    match next(state) {
        Next::Nothing => Ok(()),
        Next::Check => check(conn, names, resting, table),
        Next::Truncate if truncate(conn, names, resting, table)? && state.current => flip(conn, names, resting, table),
        Next::Truncate => Ok(()),
        Next::Flip => flip(conn, names, resting, table),
    }
}

fn holds_rows(conn: &mut Connection, names: &Names, generation: i64) -> Result<bool> {
    let delta = names.delta(generation).to_string();
    Ok(conn.query_one("select pg_relation_size($1::text::regclass) > 0", &[&delta])?.get(0))
}

fn check(conn: &mut Connection, names: &Names, resting: i64, table: u32) -> Result<()> {
    let wanted: bool = conn.query_one(&format!("select {}", unconsumed_in(names, resting)), &[&table])?.get(0);
    if wanted { Ok(()) } else { mark_drained(conn, names, "clock_timestamp()") }
}

/// A writer may have chosen this generation just before the roles changed, so its rows are asked
/// for again under the lock. Says whether it is empty now.
fn truncate(conn: &mut Connection, names: &Names, resting: i64, table: u32) -> Result<bool> {
    let delta = names.delta(resting);
    // A consumer that was set back says so in its row, and asks afterwards what was given up.
    conn.execute(&*conn.ours(include_str!("../sql/hold_consumers.sql")), &[&table])?;
    conn.batch(&format!("lock table {delta} in access exclusive mode nowait"))?;
    let unconsumed = format!("select {} or {}", unconsumed_in(names, resting), came_later(names, resting));
    if conn.query_one(&unconsumed, &[&table])?.get(0) {
        return mark_drained(conn, names, "null").map(|()| false);
    }
    conn.execute(&*conn.ours(include_str!("../sql/note_reclaimed.sql")), &[&names.base()])?;
    conn.batch(&format!(
        "update {}.bucardo_delta_names set drained = null, \
         horizon = greatest(horizon, (select max(txid) from {delta})) where deltaname = {}; truncate {delta}",
        conn.schema(),
        literal(names.base())
    ))?;
    Ok(true)
}

fn mark_drained(conn: &mut Connection, names: &Names, when: &str) -> Result<()> {
    let name = literal(names.base());
    let ours = conn.schema();
    let consumed = format!(
        "(select jsonb_object_agg(c.sync || '/' || c.targetdb, c.receipt::text) \
         from {ours}.bucardo_delta_targets c where tablename = any (c.tables))"
    );
    conn.batch(&format!("update {ours}.bucardo_delta_names set drained = {when}, consumed = {consumed} where deltaname = {name}"))
}

/// Notes that what a capture holds is given up: every consumer has what he needs of it.
pub fn give_up(conn: &mut Connection, deltaname: &str) -> Result<()> {
    mark_drained(conn, &Names::recorded(conn.schema(), deltaname), "drained")?;
    conn.execute(&*conn.ours(include_str!("../sql/note_reclaimed.sql")), &[&deltaname])?;
    Ok(())
}

/// Whether a generation holds a change that came after everybody was seen to have it: what
/// everybody had then must stand for all that is given up.
fn came_later(names: &Names, generation: i64) -> String {
    format!(
        "exists (select from {}.bucardo_delta_names n, jsonb_each_text(n.consumed) c, {} d \
         where n.deltaname = {} and not txid_visible_in_snapshot(d.txid, c.value::txid_snapshot))",
        names.schema(),
        names.delta(generation),
        literal(names.base())
    )
}

fn flip(conn: &mut Connection, names: &Names, resting: i64, table: u32) -> Result<()> {
    conn.batch(&format!("select setval({}, {resting})", literal(&names.generation().to_string())))?;
    check(conn, names, 3 - resting, table)
}

/// Whether a generation holds a change that some consumer of the table does not have; parameter $1
/// is the table's id. A consumer without receipt has nothing yet. A table without consumers keeps
/// nothing.
fn unconsumed_in(names: &Names, generation: i64) -> String {
    format!(
        "exists (select from {}.bucardo_delta_targets c where $1::oid = any (c.tables) and exists (\
         select from {} d where c.receipt is null or not txid_visible_in_snapshot(d.txid, c.receipt)))",
        names.schema(),
        names.delta(generation)
    )
}

/// The same for both generations.
pub fn unconsumed(names: &Names) -> String {
    format!("select ({}) or ({})", unconsumed_in(names, 1), unconsumed_in(names, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_is_emptied_only_long_after_everybody_had_it() {
        let of = |resting, current, drained| next(State { resting, current, drained });
        assert_eq!(of(true, true, None), Next::Check);
        assert_eq!(of(true, true, Some(false)), Next::Nothing);
        assert_eq!(of(true, true, Some(true)), Next::Truncate);
        assert_eq!(of(false, true, None), Next::Flip);
        assert_eq!(of(false, false, None), Next::Nothing);
    }
}
