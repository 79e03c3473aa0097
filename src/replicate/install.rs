//! Making, checking and removing our objects on replicated databases.
//!
//! Everything here can be run again at any time: what is there and right is left alone, what is missing or outdated is made anew.
//! What is there is asked for all tables of a sync at once: round trips are what takes long.

use crate::control::sync::{Sync, SyncType};
use crate::error::{Error, Kind, Result};
use crate::pg::ident::literal;
use crate::pg::{Connection, Relation};
use crate::replicate::capture::{self, Names};
use crate::replicate::identity;
use crate::replicate::shape::{Key, Shape};
use crate::replicate::trigger::{self, Triggers};
use std::collections::BTreeSet;

/// Does something with our objects on a database while nobody else makes or removes any there; IF NOT EXISTS does not keep two processes
/// apart. One database at a time: nobody would notice a deadlock across databases.
pub fn alone<T>(conn: &mut Connection, work: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
    conn.batch("select pg_advisory_lock(hashtext('bucardo'))")?;
    let outcome = work(conn);
    // A session that is gone has lost its lock as well.
    let _ = conn.batch("select pg_advisory_unlock(hashtext('bucardo'))");
    outcome
}

/// Makes what every source has. To be called [`alone`].
pub fn source_base(conn: &mut Connection) -> Result<()> {
    base(
        conn,
        &[
            include_str!("../../schema/replicated/bucardo_delta_names.sql"),
            include_str!("../../schema/replicated/bucardo_delta_targets.sql"),
            include_str!("../../schema/replicated/bucardo_marks.sql"),
        ],
    )?;
    identity::install(conn)
}

/// Makes what every target has, and the places for a sync's receipts: a table without receipts is taken for one that nobody needs.
pub fn target_base(conn: &mut Connection, sync: &str, sources: &[String]) -> Result<()> {
    alone(conn, |conn| {
        let tables = [
            include_str!("../../schema/replicated/bucardo_track.sql"),
            include_str!("../../schema/replicated/bucardo_track_marks.sql"),
        ];
        base(conn, &tables)?;
        identity::install(conn)?;
        let receipts = "insert into bucardo.bucardo_track (sync, source) select $1, unnest($2::text[]) \
                        on conflict (sync, source) do nothing";
        conn.execute(receipts, &[&sync, &sources])?;
        Ok(())
    })
}

/// Makes what says which database this is. To be called [`alone`].
pub fn identity_base(conn: &mut Connection) -> Result<()> {
    base(conn, &[])?;
    identity::install(conn)
}

fn base(conn: &mut Connection, tables: &[&str]) -> Result<()> {
    let schema = include_str!("../../schema/replicated/schema.sql");
    let exists = "select exists (select from pg_namespace where nspname = 'bucardo')";
    let schema = if conn.query_one(exists, &[])?.get(0) { "" } else { schema };
    conn.batch(&format!("begin; set local client_min_messages = warning; {schema} {}; commit", tables.join("\n")))
        .or_else(|error| rolled_back(conn, error))
}

/// Ends a transaction that failed; its error is the result.
pub(super) fn rolled_back<T>(conn: &mut Connection, error: Error) -> Result<T> {
    // The first error is the one that explains; a connection that is gone shows itself at its next use.
    let _ = conn.batch("rollback");
    Err(error)
}

/// Captures tables, as far as they are not captured rightly already, by the keys beside them.
pub fn capture_tables(conn: &mut Connection, tables: &[(&Shape, Key)]) -> Result<()> {
    let recorded = recorded(conn, tables)?;
    // Several tables of a sync may be one and the same on this database.
    let mut seen = BTreeSet::new();
    for ((table, key), recorded) in tables.iter().zip(recorded).filter(|((table, _), _)| seen.insert(table.oid)) {
        note_changes(conn, table, key, recorded)?;
    }
    let shapes: Vec<&Shape> = tables.iter().map(|(table, _)| *table).collect();
    let members = trigger::members(conn, &shapes)?;
    let mut there = Triggers::read(conn, &members.concat(), &[capture::ROW_TRIGGER, capture::TRUNCATE_TRIGGER])?;
    shapes.iter().zip(&members).try_for_each(|(table, members)| triggers(conn, &mut there, table, members))?;
    trigger::enable_on_partitions(conn, &shapes, capture::ROW_TRIGGER)
}

/// Makes the delta tables of one table and the functions that write there.
fn note_changes(conn: &mut Connection, table: &Shape, key: &Key, recorded: Option<Recorded>) -> Result<()> {
    let names = Names::of(&table.relation);
    match recorded {
        Some(found) if found.oid == table.oid && found.keys == key.columns => match found.version == capture::VERSION {
            true => Ok(()),
            false => functions(conn, &names, table, key),
        },
        Some(found) => {
            refuse_to_forget(conn, table, &found)?;
            drop_capture(conn, &table.relation, &Names::recorded(found.deltaname))?;
            create(conn, &names, table, key)
        }
        None => create(conn, &names, table, key),
    }
}

/// Where the deltas of a table are, if it is captured, and its key columns there.
pub fn captured(conn: &mut Connection, table: &Relation) -> Result<Option<(Names, Vec<String>)>> {
    if !exists(conn, "bucardo.bucardo_delta_names")? {
        return Ok(None);
    }
    let sql = "select deltaname, keycolumns from bucardo.bucardo_delta_names where schemaname = $1 and relname = $2";
    let row = conn.query_opt(sql, &[&table.schema.raw(), &table.name.raw()])?;
    Ok(row.map(|row| (Names::recorded(row.get::<_, String>(0)), row.get(1))))
}

struct Recorded {
    oid: u32,
    keys: Vec<String>,
    version: i32,
    deltaname: String,
}

/// What is on record of tables, in their order.
fn recorded(conn: &mut Connection, tables: &[(&Shape, Key)]) -> Result<Vec<Option<Recorded>>> {
    let statement = conn.keep(
        "select d.tablename, d.keycolumns, d.version, d.deltaname \
         from unnest($1::text[], $2::text[]) with ordinality as w (schema, name, position) \
         left join bucardo.bucardo_delta_names d on d.schemaname = w.schema and d.relname = w.name order by w.position",
    )?;
    let relations = tables.iter().map(|(table, _)| &table.relation);
    let (schemas, names): (Vec<_>, Vec<_>) = relations.map(|one| (one.schema.raw(), one.name.raw())).unzip();
    let row = |row: &postgres::Row| {
        let oid = row.get::<_, Option<u32>>(0)?;
        Some(Recorded { oid, keys: row.get(1), version: row.get(2), deltaname: row.get(3) })
    };
    Ok(conn.query(&statement, &[&schemas, &names])?.iter().map(row).collect())
}

/// A changed key, or a table made anew, needs new delta tables; the old ones must be empty of what somebody still wants.
fn refuse_to_forget(conn: &mut Connection, table: &Shape, found: &Recorded) -> Result<()> {
    if found.oid != table.oid {
        return Ok(());
    }
    let names = Names::recorded(&found.deltaname);
    let wanted = conn.query_one(&crate::replicate::reclaim::unconsumed(&names), &[&found.oid])?;
    match wanted.get::<_, bool>(0) {
        false => Ok(()),
        true => Err(Error::new(
            Kind::Mismatch,
            format!("The key of table \"{}\" changed while changes under the old key are still pending", table.relation.label()),
        )
        .hint("Let the syncs of this table run until they are idle, then validate again.")),
    }
}

fn create(conn: &mut Connection, names: &Names, table: &Shape, key: &Key) -> Result<()> {
    let insert = format!(
        "insert into bucardo.bucardo_delta_names (tablename, schemaname, relname, deltaname, keycolumns, version) \
         values ({}, {}, {}, {}, array[{}]::text[], {})",
        table.oid,
        literal(table.relation.schema.raw()),
        literal(table.relation.name.raw()),
        literal(names.base()),
        key.columns.iter().map(|column| literal(column)).collect::<Vec<_>>().join(", "),
        capture::VERSION
    );
    let texts = [capture::create_delta(names, table, key), function_texts(names, table, key), insert];
    conn.batch(&format!("begin; {}; commit", texts.join(";\n"))).or_else(|error| rolled_back(conn, error))
}

fn function_texts(names: &Names, table: &Shape, key: &Key) -> String {
    capture::row_function(names, key) + &capture::truncate_function(names, table, key)
}

/// Makes the functions anew, and what tables of earlier versions lack.
fn functions(conn: &mut Connection, names: &Names, table: &Shape, key: &Key) -> Result<()> {
    let via = |generation| format!("alter table {} add column if not exists via text; ", names.delta(generation));
    let version = format!(
        "{}{}update bucardo.bucardo_delta_names set version = {} where deltaname = {}",
        via(1),
        via(2),
        capture::VERSION,
        literal(names.base())
    );
    conn.batch(&format!("begin; {} {version}; commit", function_texts(names, table, key)))
        .or_else(|error| rolled_back(conn, error))
}

/// The triggers of one table and its partitions. Those for TRUNCATE are not passed down.
fn triggers(conn: &mut Connection, there: &mut Triggers, table: &Shape, members: &[Relation]) -> Result<()> {
    let (names, relation) = (Names::of(&table.relation), &table.relation);
    let create = capture::create_row_trigger(&names, relation);
    there.ensure(conn, relation, capture::ROW_TRIGGER, &names.row_function(), &create)?;
    for member in members {
        let create = capture::create_truncate_trigger(&names, member);
        there.ensure(conn, member, capture::TRUNCATE_TRIGGER, &names.truncate_function(), &create)?;
    }
    // Only partitions can have left.
    if table.partitioned { release_former_partitions(conn, &names, members) } else { Ok(()) }
}

/// A partition that was detached keeps the triggers that are not passed down.
fn release_former_partitions(conn: &mut Connection, names: &Names, members: &[Relation]) -> Result<()> {
    for (relation, trigger) in calling(conn, names)? {
        if !members.contains(&relation) {
            trigger::drop(conn, &relation, &trigger)?;
        }
    }
    Ok(())
}

/// The triggers that call the functions of one table's capture, and the tables that carry them.
fn calling(conn: &mut Connection, names: &Names) -> Result<Vec<(Relation, String)>> {
    let functions = [names.row_function(), names.truncate_function()];
    let rows = conn.query(include_str!("sql/tables_with_function.sql"), &[&functions[0].name.raw(), &functions[1].name.raw()])?;
    Ok(rows.iter().map(|row| (Relation::new(row.get::<_, String>(0), row.get::<_, String>(1)), row.get(2))).collect())
}

/// Registers the consumers of a sync on one of its sources: the `receivers`, the flags of those that sleep there, and the kick triggers
/// that wake them. `kicking` are the tables whose changes kick, out of `tables`.
pub fn register(conn: &mut Connection, sync: &Sync, source: &str, tables: &[&Shape], kicking: &[&Shape]) -> Result<()> {
    let (receivers, sleepers) = match sync.synctype {
        // It looks for no changes, and is woken by each.
        SyncType::Fullcopy => Default::default(),
        _ => (sync.receivers(source), sync.sleepers(source)),
    };
    let flags: Vec<Relation> = sleepers.iter().map(|sleeper| capture::armed_flag(&sync.name, sleeper)).collect();
    let sync = sync.name.as_str();
    for flag in &flags {
        let exists = conn.query_one("select to_regclass($1::text) is not null", &[&flag.to_string()])?;
        if !exists.get::<_, bool>(0) {
            let value = capture::ARMED;
            conn.batch(&format!("create sequence {flag} increment 2; select setval({}, {value})", literal(&flag.to_string())))?;
        }
    }
    consumers(conn, sync, tables, &receivers)?;
    conn.batch(&capture::kick_function(sync, &flags))?;
    let trigger = capture::kick_trigger(sync);
    let kick = Relation::new("bucardo", trigger.raw());
    let members = trigger::members(conn, tables)?;
    let mut there = Triggers::read(conn, &members.concat(), &[trigger.raw()])?;
    for (table, members) in tables.iter().zip(&members) {
        let wanted = kicking.iter().any(|kicking| kicking.oid == table.oid);
        for relation in members {
            match wanted {
                true => there.ensure(conn, relation, trigger.raw(), &kick, &capture::create_kick_trigger(sync, relation))?,
                false => there.remove(conn, relation, trigger.raw())?,
            }
        }
    }
    release_former_members(conn, trigger.raw(), &members.concat())
}

/// Tables that left the sync are not captured for it any more.
fn release_former_members(conn: &mut Connection, trigger: &str, members: &[Relation]) -> Result<()> {
    for row in conn.query(include_str!("sql/tables_with_trigger.sql"), &[&trigger])? {
        let table = Relation::new(row.get::<_, String>(0), row.get::<_, String>(1));
        if !members.contains(&table) {
            trigger::drop(conn, &table, trigger)?;
        }
    }
    drop_unwanted_captures(conn)
}

fn drop_unwanted_captures(conn: &mut Connection) -> Result<()> {
    for row in conn.query(include_str!("sql/unwanted_captures.sql"), &[])? {
        let table = Relation::new(row.get::<_, String>(0), row.get::<_, String>(1));
        drop_capture(conn, &table, &Names::recorded(row.get::<_, String>(2)))?;
    }
    Ok(())
}

fn consumers(conn: &mut Connection, sync: &str, tables: &[&Shape], targets: &[String]) -> Result<()> {
    let oids: Vec<u32> = tables.iter().map(|table| table.oid).collect();
    for target in targets {
        conn.execute(
            "insert into bucardo.bucardo_delta_targets (sync, targetdb, tables) values ($1, $2, $3) \
             on conflict (sync, targetdb) do update set tables = excluded.tables",
            &[&sync, target, &oids],
        )?;
    }
    let gone = "delete from bucardo.bucardo_delta_targets where sync = $1 and targetdb <> all ($2)";
    conn.execute(gone, &[&sync, &targets])?;
    Ok(())
}

/// Removes a sync from a source: its kick triggers, flags and consumers, and the capture of tables that nobody wants any more.
pub fn unregister(conn: &mut Connection, sync: &str) -> Result<()> {
    alone(conn, |conn| unregister_alone(conn, sync))
}

fn unregister_alone(conn: &mut Connection, sync: &str) -> Result<()> {
    if !exists(conn, "bucardo.bucardo_delta_targets")? {
        return Ok(());
    }
    let trigger = capture::kick_trigger(sync);
    let rows = conn.query(include_str!("sql/tables_with_trigger.sql"), &[&trigger.raw()])?;
    for row in &rows {
        trigger::drop(conn, &Relation::new(row.get::<_, String>(0), row.get::<_, String>(1)), trigger.raw())?;
    }
    conn.batch(&format!("drop function if exists {}()", Relation::new("bucardo", trigger.raw())))?;
    let targets = conn.query("delete from bucardo.bucardo_delta_targets where sync = $1 returning targetdb", &[&sync])?;
    for row in &targets {
        conn.batch(&format!("drop sequence if exists {}", capture::armed_flag(sync, row.get(0))))?;
    }
    drop_unwanted_captures(conn)?;
    drop_if_empty(conn, "bucardo.bucardo_delta_targets", &["bucardo.bucardo_delta_names", "bucardo.bucardo_delta_targets"])
}

fn drop_capture(conn: &mut Connection, table: &Relation, names: &Names) -> Result<()> {
    for (relation, trigger) in calling(conn, names)? {
        trigger::drop(conn, &relation, &trigger)?;
    }
    conn.batch(&format!(
        "begin; drop function if exists {}(), {}(); drop table if exists {}, {}; drop sequence if exists {}; \
         delete from bucardo.bucardo_delta_names where schemaname = {} and relname = {}; commit",
        names.row_function(),
        names.truncate_function(),
        names.delta(1),
        names.delta(2),
        names.generation(),
        literal(table.schema.raw()),
        literal(table.name.raw())
    ))
    .or_else(|error| rolled_back(conn, error))
}

/// Removes a sync's receipts from a target.
pub fn forget_receipts(conn: &mut Connection, sync: &str) -> Result<()> {
    alone(conn, |conn| forget_alone(conn, sync))
}

fn forget_alone(conn: &mut Connection, sync: &str) -> Result<()> {
    if !exists(conn, "bucardo.bucardo_track")? {
        return Ok(());
    }
    conn.execute("delete from bucardo.bucardo_track where sync = $1", &[&sync])?;
    drop_if_empty(conn, "bucardo.bucardo_track", &["bucardo.bucardo_track"])
}

pub(super) fn exists(conn: &mut Connection, relation: &str) -> Result<bool> {
    Ok(conn.query_one("select to_regclass($1::text) is not null", &[&relation])?.get(0))
}

/// Drops our tables when the last row has gone, and the schema when nothing at all is left in it.
fn drop_if_empty(conn: &mut Connection, probe: &str, tables: &[&str]) -> Result<()> {
    let rows: i64 = conn.query_one(&format!("select count(*) from {probe}"), &[])?.get(0);
    if rows > 0 {
        return Ok(());
    }
    conn.batch(&format!("drop table {}", tables.join(", ")))?;
    if !exists(conn, "bucardo.bucardo_delta_targets")? && !exists(conn, "bucardo.bucardo_track")? {
        conn.batch("drop table if exists bucardo.bucardo_identity, bucardo.bucardo_accepted")?;
    }
    conn.batch(include_str!("sql/drop_mark.sql"))?;
    let left: i64 = conn.query_one(include_str!("sql/schema_members.sql"), &[])?.get(0);
    if left == 0 { conn.batch("drop schema bucardo") } else { Ok(()) }
}
