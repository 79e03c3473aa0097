//! Making, checking and removing our objects on replicated databases.
//!
//! Everything here can be run again at any time: what is there and right is left alone, what is
//! missing or outdated is made anew. What is there is asked for all tables of a sync at once: round
//! trips are what takes long.

use crate::control::sync::{Sync, SyncType};
use crate::error::Result;
use crate::pg::ident::literal;
use crate::pg::{Connection, Relation};
use crate::replicate::capture::kick::{self, Kick};
use crate::replicate::capture::objects::Names;
use crate::replicate::capture::triggers::{self, Firings, Triggers, Wanted};
use crate::replicate::capture::{make, records, retire};
use crate::replicate::catalog::shape::Shape;
use crate::replicate::identity;
use crate::replicate::identity::installation;
use crate::replicate::own_schema::{self, alone, has_table};

/// Makes what every source has. To be called [`alone`].
pub fn source_base(conn: &mut Connection) -> Result<()> {
    base(
        conn,
        &[
            include_str!("../../../schema/replicated/bucardo_delta_names.sql"),
            include_str!("../../../schema/replicated/bucardo_delta_targets.sql"),
            include_str!("../../../schema/replicated/bucardo_marks.sql"),
        ],
    )?;
    identity::install(conn)?;
    if !has_table(conn, "bucardo_gap")? {
        base(conn, &[include_str!("../../../schema/replicated/bucardo_gap.sql")])?;
    }
    let has = "select count(*) = 2 from pg_attribute \
               where (attrelid, attname) in (('bucardo.bucardo_delta_names'::regclass, 'retired'), ('bucardo.bucardo_delta_targets'::regclass, 'copied'))";
    if !conn.query_one(&*conn.ours(has), &[])?.get::<_, bool>(0) {
        base(conn, &[include_str!("../../../schema/replicated/bucardo_delta_names_4.sql")])?;
    }
    functions(conn)
}

/// The functions that trigger functions call. To write them anew is to have all plans made anew, so
/// they are compared first.
fn functions(conn: &mut Connection) -> Result<()> {
    let text = conn.ours(include_str!("../../../schema/replicated/bucardo_fits.sql"));
    let bodies: Vec<&str> = text.split("$$").skip(1).step_by(2).collect();
    let right = "select count(*) from pg_proc where pronamespace = 'bucardo'::regnamespace and prosrc = any ($1) \
                 and proname in ('bucardo_fits', 'bucardo_key_columns', 'bucardo_note_gap') \
                 and (pg_has_role(proowner, 'usage') or proowner in (select oid from pg_roles where rolsuper)) \
                 and has_function_privilege(oid, 'execute')";
    let there: i64 = conn.query_one(&*conn.ours(right), &[&bodies])?.get(0);
    if usize::try_from(there) == Ok(bodies.len()) {
        return Ok(());
    }
    let grants = "select coalesce(string_agg(format('grant execute on function %s to current_user', p.oid::regprocedure), '; '), '') from pg_proc p \
                  where p.pronamespace = 'bucardo'::regnamespace and p.proname ~ '^bucardo_' and not has_function_privilege(p.oid, 'execute')";
    base(conn, &[&text])?;
    let grants: String = conn.query_one(&*conn.ours(grants), &[])?.get(0);
    conn.batch(&grants)
}

/// Makes what every target has, and the places for a sync's receipts: a table without receipts is
/// taken for one that nobody needs. The owners of the tables `written` may read it.
pub fn target_base(conn: &mut Connection, sync: &str, sources: &[String], written: &[u32]) -> Result<()> {
    alone(conn, |conn| {
        let tables = [
            include_str!("../../../schema/replicated/bucardo_track.sql"),
            include_str!("../../../schema/replicated/bucardo_track_marks.sql"),
        ];
        base(conn, &tables)?;
        identity::install(conn)?;
        let receipts = "insert into bucardo.bucardo_track (sync, source) select $1, unnest($2::text[]) \
                        on conflict (sync, source) do nothing";
        conn.execute(&*conn.ours(receipts), &[&sync, &sources])?;
        let receipts = conn.schema().relation("bucardo_track");
        make::readable_by_owners(conn, written, &[receipts])
    })
}

/// Makes what says which database this is. To be called [`alone`].
pub fn identity_base(conn: &mut Connection) -> Result<()> {
    base(conn, &[])?;
    identity::install(conn)
}

fn base(conn: &mut Connection, tables: &[&str]) -> Result<()> {
    let schema = conn.ours(include_str!("../../../schema/replicated/schema.sql"));
    let exists = "select exists (select from pg_namespace where nspname = 'bucardo')";
    let schema = if conn.query_one(&*conn.ours(exists), &[])?.get(0) { "" } else { &*schema };
    conn.within(&format!("begin; set local client_min_messages = warning; {schema}"), |conn| {
        installation::mark(conn)?;
        conn.batch(&conn.ours(&tables.join("\n")))
    })
}

/// Where the deltas of a table are, if it is captured, and its key columns there; those by the
/// key's columns `preferred`, if there are several.
pub fn captured(conn: &mut Connection, table: u32, preferred: &[String]) -> Result<Option<(Names, Vec<String>)>> {
    let mut all = records::read(conn, &[table])?.remove(&table).unwrap_or_default();
    let same = |one: &records::Recorded| {
        let columns = one.key().columns;
        columns.len() == preferred.len() && columns.iter().all(|column| preferred.contains(column))
    };
    let at = all.iter().rposition(same).or_else(|| all.len().checked_sub(1));
    Ok(at.map(|at| all.swap_remove(at)).map(|one| (one.capture.names.clone(), one.key().columns)))
}

/// Makes what wakes a sync that sleeps on one of its sources: a flag for each sleeper, and the kick
/// triggers. `kicking` are the tables whose changes kick, out of `tables`. Returns all of them with
/// their partitions. To be called before the tables are captured: a change that is captured then
/// also wakes the sync.
pub fn wake(
    conn: &mut Connection,
    sync: &Sync,
    source: &str,
    tables: &[&Shape],
    kicking: &[&Shape],
    firing: &Firings,
) -> Result<Vec<Relation>> {
    let sleepers = match sync.synctype {
        // It looks for no changes, and is woken by each.
        SyncType::Fullcopy => Default::default(),
        _ => sync.sleepers(source),
    };
    let schema = conn.schema();
    let flags: Vec<Relation> = sleepers.iter().map(|sleeper| kick::armed_flag(schema, &sync.name, sleeper)).collect();
    let sync = sync.name.as_str();
    for flag in &flags {
        let exists = conn.query_one("select to_regclass($1::text) is not null", &[&flag.to_string()])?;
        if !exists.get::<_, bool>(0) {
            let value = kick::ARMED;
            conn.batch(&format!("create sequence {flag} increment 2; select setval({}, {value})", literal(&flag.to_string())))?;
        }
    }
    let payload = installation::payload(conn);
    let kick = Kick { schema, sync, flags: &flags, payload: &payload };
    make_kick_function(conn, &kick)?;
    let trigger = kick::kick_trigger(schema, sync);
    let members = triggers::members(conn, tables)?;
    let all: Vec<Relation> = members.concat().into_iter().map(|member| member.relation).collect();
    let mut there = Triggers::read(conn, &all, std::slice::from_ref(&trigger))?;
    there.refuse_foreign(schema)?;
    for (table, members) in tables.iter().zip(&members) {
        let kicks = kicking.iter().any(|kicking| kicking.oid == table.oid);
        for relation in members.iter().map(|member| &member.relation) {
            let wanted = Wanted {
                name: trigger.raw(),
                function: kick.function(),
                depends: false,
                firing: firing.of(table.oid),
                create: kick::create_kick_trigger(schema, sync, relation),
            };
            match kicks {
                true => there.ensure(conn, relation, &wanted)?,
                false => there.remove(conn, relation, trigger.raw())?,
            }
        }
    }
    let oids: Vec<u32> = tables.iter().map(|table| table.oid).collect();
    make::readable_by_owners(conn, &oids, &flags)?;
    Ok(all)
}

/// Registers the receivers of a sync as consumers on one of its sources, and lets go of what is not
/// among its tables and partitions `members` any more.
pub fn register(
    conn: &mut Connection,
    sync: &Sync,
    source: &str,
    tables: &[&Shape],
    firing: &Firings,
    members: &[Relation],
) -> Result<()> {
    let receivers = if sync.synctype == SyncType::Fullcopy { Default::default() } else { sync.receivers(source) };
    let oids: Vec<u32> = tables.iter().map(|table| table.oid).collect();
    consumers(conn, &sync.name, &oids, (&receivers, sync.kept_for(source)), firing.always())?;
    release_former_members(conn, kick::kick_trigger(conn.schema(), &sync.name).raw(), members)
}

/// Tables that left the sync are not captured for it any more.
fn release_former_members(conn: &mut Connection, trigger: &str, members: &[Relation]) -> Result<()> {
    for row in conn.query(include_str!("../sql/tables_with_trigger.sql"), &[&trigger])? {
        let table = Relation::new(row.get::<_, String>(0), row.get::<_, String>(1));
        if !members.contains(&table) {
            triggers::drop(conn, &table, trigger)?;
        }
    }
    drop_unwanted_captures(conn)
}

fn drop_unwanted_captures(conn: &mut Connection) -> Result<()> {
    for row in conn.query(&*conn.ours(include_str!("../sql/unwanted_captures.sql")), &[])? {
        retire::forget(conn, &Names::recorded(conn.schema(), row.get::<_, String>(0)))?;
    }
    match has_table(conn, "bucardo_gap")? {
        true => {
            conn.batch(&conn.ours(
                "delete from bucardo.bucardo_gap where tablename not in (select tablename from bucardo.bucardo_delta_names)",
            ))
        }
        false => Ok(()),
    }
}

/// It is compared first: other sessions would make their plans anew.
fn make_kick_function(conn: &mut Connection, kick: &Kick) -> Result<()> {
    let name = kick.function().name;
    let right = "select exists (select from pg_proc where pronamespace = 'bucardo'::regnamespace and proname = $1 and prosrc = $2 \
                 and prosecdef and proconfig is null and proowner = (select oid from pg_roles where rolname = current_user))";
    match conn.query_one(&*conn.ours(right), &[&name.raw(), &kick::kick_source(kick)])?.get(0) {
        true => Ok(()),
        false => conn.batch(&kick::kick_function(kick)),
    }
}

/// Targets that are not active at present remain consumers, if they are: what is written meanwhile
/// waits for them. Others are none any more.
fn consumers(
    conn: &mut Connection,
    sync: &str,
    oids: &[u32],
    (targets, kept): (&[String], &[String]),
    always: bool,
) -> Result<()> {
    for target in targets {
        let consumer = "insert into bucardo.bucardo_delta_targets (sync, targetdb, tables, always) values ($1, $2, $3, $4) \
                        on conflict (sync, targetdb) do update set tables = excluded.tables, always = excluded.always";
        conn.execute(&*conn.ours(consumer), &[&sync, target, &oids, &always])?;
    }
    let waiting = "update bucardo.bucardo_delta_targets set tables = $3, always = $4 where sync = $1 and targetdb = any ($2)";
    conn.execute(&*conn.ours(waiting), &[&sync, &kept, &oids, &always])?;
    let gone = "delete from bucardo.bucardo_delta_targets where sync = $1 and targetdb <> all ($2)";
    conn.execute(&*conn.ours(gone), &[&sync, &[targets, kept].concat()])?;
    Ok(())
}

/// Removes a sync from a source: its kick triggers, flags and consumers, and the capture of tables
/// that nobody wants any more.
pub fn unregister(conn: &mut Connection, sync: &str) -> Result<()> {
    if !own_schema::exists(conn)? {
        return Ok(());
    }
    alone(conn, |conn| unregister_alone(conn, sync))
}

fn unregister_alone(conn: &mut Connection, sync: &str) -> Result<()> {
    if !has_table(conn, "bucardo_delta_targets")? {
        return drop_mark(conn);
    }
    let schema = conn.schema();
    let trigger = kick::kick_trigger(schema, sync);
    let rows = conn.query(include_str!("../sql/tables_with_trigger.sql"), &[&trigger.raw()])?;
    for row in &rows {
        triggers::drop(conn, &Relation::new(row.get::<_, String>(0), row.get::<_, String>(1)), trigger.raw())?;
    }
    conn.batch(&format!("drop function if exists {}()", schema.relation(trigger.raw())))?;
    let consumers = "delete from bucardo.bucardo_delta_targets where sync = $1 returning targetdb";
    let targets = conn.query(&*conn.ours(consumers), &[&sync])?;
    for row in &targets {
        conn.batch(&format!("drop sequence if exists {}", kick::armed_flag(schema, sync, row.get(0))))?;
    }
    drop_unwanted_captures(conn)?;
    drop_stray_flags(conn)?;
    let tables = ["bucardo_delta_targets", "bucardo_delta_names", "bucardo_gap"];
    drop_if_empty(conn, &tables, &["bucardo_fits", "bucardo_key_columns", "bucardo_note_gap"])
}

/// Drops flags under former names of databases, when the last consumer has gone.
fn drop_stray_flags(conn: &mut Connection) -> Result<()> {
    let sql = "select c.relname::text from pg_class c \
               where c.relnamespace = 'bucardo'::regnamespace and c.relkind = 'S' and c.relname ~ '^armed_' \
               and not exists (select from bucardo.bucardo_delta_targets)";
    for row in conn.query(&*conn.ours(sql), &[])? {
        let flag = conn.schema().relation(row.get::<_, String>(0));
        conn.batch(&format!("drop sequence if exists {flag}"))?;
    }
    Ok(())
}

/// Removes a sync's receipts from a target.
pub fn forget_receipts(conn: &mut Connection, sync: &str) -> Result<()> {
    if !own_schema::exists(conn)? {
        return Ok(());
    }
    alone(conn, |conn| forget_alone(conn, sync))
}

fn forget_alone(conn: &mut Connection, sync: &str) -> Result<()> {
    if !has_table(conn, "bucardo_track")? {
        return drop_mark(conn);
    }
    conn.execute(&*conn.ours("delete from bucardo.bucardo_track where sync = $1"), &[&sync])?;
    drop_if_empty(conn, &["bucardo_track"], &[])
}

/// Drops our tables when the last row of the first one has gone. The schema goes with the lock,
/// when nothing else is left in it.
fn drop_if_empty(conn: &mut Connection, tables: &[&str], functions: &[&str]) -> Result<()> {
    let tables: Vec<String> = tables.iter().map(|name| conn.schema().relation(*name).to_string()).collect();
    let rows: i64 = conn.query_one(&format!("select count(*) from {}", tables[0]), &[])?.get(0);
    if rows > 0 {
        return Ok(());
    }
    conn.batch(&format!("drop table if exists {}", tables.join(", ")))?;
    let sql =
        "select p.oid::regprocedure::text from pg_proc p where p.pronamespace = 'bucardo'::regnamespace and p.proname = any ($1)";
    for row in conn.query(&*conn.ours(sql), &[&functions])? {
        conn.batch(&format!("drop function {}", row.get::<_, String>(0)))?;
    }
    drop_rest(conn)
}

/// Drops what was made to have the schema, where nothing came of it.
fn drop_mark(conn: &mut Connection) -> Result<()> {
    if installation::is_marked(conn)? { drop_rest(conn) } else { Ok(()) }
}

/// Drops what is kept of a database on both sides, when it is neither source nor target any more.
fn drop_rest(conn: &mut Connection) -> Result<()> {
    if has_table(conn, "bucardo_delta_targets")? || has_table(conn, "bucardo_track")? {
        return Ok(());
    }
    let rest = ["bucardo_identity", "bucardo_accepted", "bucardo_installation", "bucardo_unlogged"];
    let rest = rest.map(|name| conn.schema().relation(name).to_string());
    conn.batch(&format!("drop table if exists {}", rest.join(", ")))
}
