//! Making, checking and removing our objects on replicated databases.
//!
//! Everything here can be run again at any time: what is there and right is left alone, what is missing or outdated is made anew.
//! DDL on a user's table waits for a lock at most a moment at a time, because while it waits, everybody behind it waits too.

use crate::control::sync::{Sync, SyncType};
use crate::error::{Error, Kind, Result};
use crate::pg::ident::literal;
use crate::pg::{Connection, Relation};
use crate::replicate::capture::{self, Names};
use crate::replicate::shape::{Key, Shape};

/// How long a DDL statement on a user's table waits for its lock, and how often it is tried.
const LOCK_TIMEOUT: &str = "800ms";
const LOCK_TRIES: u32 = 12;

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
        ],
    )
}

/// Makes what every target has, and the places for a sync's receipts: a table without receipts is taken for one that nobody needs.
pub fn target_base(conn: &mut Connection, sync: &str, sources: &[String]) -> Result<()> {
    alone(conn, |conn| {
        base(conn, &[include_str!("../../schema/replicated/bucardo_track.sql")])?;
        let receipts = "insert into bucardo.bucardo_track (sync, source) select $1, unnest($2::text[]) \
                        on conflict (sync, source) do nothing";
        conn.execute(receipts, &[&sync, &sources])?;
        Ok(())
    })
}

fn base(conn: &mut Connection, tables: &[&str]) -> Result<()> {
    let schema = include_str!("../../schema/replicated/schema.sql");
    let exists = "select exists (select from pg_namespace where nspname = 'bucardo')";
    let schema = if conn.query_one(exists, &[])?.get(0) { "" } else { schema };
    conn.batch(&format!("begin; set local client_min_messages = warning; {schema} {}; commit", tables.join("\n")))
        .or_else(|error| rolled_back(conn, error))
}

fn rolled_back<T>(conn: &mut Connection, error: Error) -> Result<T> {
    // The first error is the one that explains; a connection that is gone shows itself at its next use.
    let _ = conn.batch("rollback");
    Err(error)
}

/// Captures one table, if it is not captured rightly already.
pub fn capture_table(conn: &mut Connection, table: &Shape, key: &Key) -> Result<()> {
    let names = Names::of(&table.relation);
    match recorded(conn, &table.relation)? {
        Some(found) if found.oid == table.oid && found.keys == key.columns => {
            if found.version != capture::VERSION {
                functions(conn, &names, table, key)?;
            }
        }
        Some(found) => {
            refuse_to_forget(conn, table, &found)?;
            drop_capture(conn, &table.relation, &Names::recorded(found.deltaname))?;
            create(conn, &names, table, key)?;
        }
        None => create(conn, &names, table, key)?,
    }
    triggers(conn, &names, table)
}

/// Where the deltas of a table are, if it is captured, and its key columns there.
pub fn captured(conn: &mut Connection, table: &Relation) -> Result<Option<(Names, Vec<String>)>> {
    if !exists(conn, "bucardo.bucardo_delta_names")? {
        return Ok(None);
    }
    Ok(recorded(conn, table)?.map(|found| (Names::recorded(found.deltaname), found.keys)))
}

struct Recorded {
    oid: u32,
    keys: Vec<String>,
    version: i32,
    deltaname: String,
}

fn recorded(conn: &mut Connection, table: &Relation) -> Result<Option<Recorded>> {
    let recorded = conn.keep(
        "select tablename, keycolumns, version, deltaname from bucardo.bucardo_delta_names where schemaname = $1 and relname = $2",
    )?;
    let row = conn.query_opt(&recorded, &[&table.schema.raw(), &table.name.raw()])?;
    Ok(row.map(|row| Recorded { oid: row.get(0), keys: row.get(1), version: row.get(2), deltaname: row.get(3) }))
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

fn triggers(conn: &mut Connection, names: &Names, table: &Shape) -> Result<()> {
    ensure_trigger(
        conn,
        &table.relation,
        capture::ROW_TRIGGER,
        &names.row_function(),
        &capture::create_row_trigger(names, &table.relation),
    )?;
    let members = with_partitions(conn, table)?;
    for relation in &members {
        ensure_trigger(
            conn,
            relation,
            capture::TRUNCATE_TRIGGER,
            &names.truncate_function(),
            &capture::create_truncate_trigger(names, relation),
        )?;
    }
    // Only partitions can have left.
    if table.partitioned { release_former_partitions(conn, names, &members) } else { Ok(()) }
}

/// A partition that was detached keeps the triggers that are not passed down.
fn release_former_partitions(conn: &mut Connection, names: &Names, members: &[Relation]) -> Result<()> {
    for (relation, trigger) in calling(conn, names)? {
        if !members.contains(&relation) {
            drop_trigger(conn, &relation, &trigger)?;
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

/// The table and, if it is partitioned, all its partitions: statement-level triggers are not passed down.
fn with_partitions(conn: &mut Connection, table: &Shape) -> Result<Vec<Relation>> {
    if !table.partitioned {
        return Ok(vec![table.relation.clone()]);
    }
    let rows = conn.query(include_str!("sql/partitions.sql"), &[&table.oid])?;
    Ok(rows.iter().map(|row| Relation::new(row.get::<_, String>(0), row.get::<_, String>(1))).collect())
}

/// Creates a trigger unless it is there, enabled, and calls `function`. One that was disabled by hand is enabled again; one of the same name that
/// calls something else (the Perl program's triggers are called so, too) is replaced.
fn ensure_trigger(conn: &mut Connection, table: &Relation, name: &str, function: &Relation, create: &str) -> Result<()> {
    let state = conn.keep(
        "select t.tgenabled::text, t.tgfoid = to_regproc($3::text) from pg_trigger t \
         where t.tgrelid = $1::text::regclass and t.tgname = $2",
    )?;
    let state = conn.query_opt(&state, &[&table.to_string(), &name, &function.to_string()])?;
    let trigger = crate::pg::Ident::new(name);
    match state.map(|row| (row.get::<_, String>(0), row.get::<_, Option<bool>>(1) == Some(true))) {
        Some((state, true)) if state != "D" => Ok(()),
        Some((_, true)) => locked(conn, table, &format!("alter table {table} enable trigger {trigger}")),
        Some((_, false)) => locked(conn, table, &format!("drop trigger {trigger} on {table}; {create}")),
        None => locked(conn, table, create),
    }
}

fn drop_trigger(conn: &mut Connection, table: &Relation, name: &str) -> Result<()> {
    let found = conn.query_opt(
        "select from pg_trigger t where t.tgrelid = to_regclass($1::text) and t.tgname = $2",
        &[&table.to_string(), &name],
    )?;
    match found {
        Some(_) => locked(conn, table, &format!("drop trigger {} on {table}", crate::pg::Ident::new(name))),
        None => Ok(()),
    }
}

/// Runs DDL on a user's table with a short lock timeout, several times if need be.
fn locked(conn: &mut Connection, table: &Relation, ddl: &str) -> Result<()> {
    for _ in 1..LOCK_TRIES {
        match locked_once(conn, ddl) {
            Err(error) if matches!(error.kind(), Kind::Locked | Kind::Collision) => {}
            outcome => return outcome,
        }
    }
    locked_once(conn, ddl).map_err(|error| {
        error
            .context(format!("Table \"{}\" is locked by others", table.label()))
            .hint("A long transaction holds it; try again when it has ended. Nothing was changed on this table.")
    })
}

fn locked_once(conn: &mut Connection, ddl: &str) -> Result<()> {
    conn.batch(&format!("begin; set local lock_timeout = '{LOCK_TIMEOUT}'; {ddl}; commit"))
        .or_else(|error| rolled_back(conn, error))
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
    let mut members = Vec::new();
    for table in tables {
        let wanted = kicking.iter().any(|kicking| kicking.oid == table.oid);
        for relation in with_partitions(conn, table)? {
            match wanted {
                true => ensure_trigger(conn, &relation, trigger.raw(), &kick, &capture::create_kick_trigger(sync, &relation))?,
                false => drop_trigger(conn, &relation, trigger.raw())?,
            }
            members.push(relation);
        }
    }
    release_former_members(conn, trigger.raw(), &members)
}

/// Tables that left the sync are not captured for it any more.
fn release_former_members(conn: &mut Connection, trigger: &str, members: &[Relation]) -> Result<()> {
    for row in conn.query(include_str!("sql/tables_with_trigger.sql"), &[&trigger])? {
        let table = Relation::new(row.get::<_, String>(0), row.get::<_, String>(1));
        if !members.contains(&table) {
            drop_trigger(conn, &table, trigger)?;
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
        drop_trigger(conn, &Relation::new(row.get::<_, String>(0), row.get::<_, String>(1)), trigger.raw())?;
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
        drop_trigger(conn, &relation, &trigger)?;
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

fn exists(conn: &mut Connection, relation: &str) -> Result<bool> {
    Ok(conn.query_one("select to_regclass($1::text) is not null", &[&relation])?.get(0))
}

/// Drops our tables when the last row has gone, and the schema when nothing at all is left in it.
fn drop_if_empty(conn: &mut Connection, probe: &str, tables: &[&str]) -> Result<()> {
    let rows: i64 = conn.query_one(&format!("select count(*) from {probe}"), &[])?.get(0);
    if rows > 0 {
        return Ok(());
    }
    conn.batch(&format!("drop table {}", tables.join(", ")))?;
    let left: i64 = conn.query_one(include_str!("sql/schema_members.sql"), &[])?.get(0);
    if left == 0 { conn.batch("drop schema bucardo") } else { Ok(()) }
}
