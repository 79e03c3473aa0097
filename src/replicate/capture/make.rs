//! Making captures: what is not captured rightly is made, mended or replaced, each table in
//! transactions of its own.

use super::found::{objects, with_objects};
use super::records::{Recorded, read};
use super::retire::{calling, drop_functions, drop_tables};
use crate::error::{Error, Kind, Result};
use crate::pg::{Connection, Ident, Relation, Schema, catalog_text};
use crate::replicate::capture::objects::{self, Callers, Capture, KeyColumn, Names};
use crate::replicate::capture::reclaim;
use crate::replicate::capture::triggers::{self, Firing, Firings, Member, Triggers, Wanted};
use crate::replicate::catalog::capture_triggers::CaptureTriggers;
use crate::replicate::catalog::shape::{Key, Shape};
use std::collections::BTreeSet;

/// What is to be captured of these tables, by the keys beside them.
fn wanted(conn: &mut Connection, tables: &[(&Shape, Key)]) -> Result<Vec<Capture>> {
    let of = tables.iter().map(|(table, key)| (table.oid, key.columns.clone())).collect::<Vec<_>>();
    let schema = conn.schema();
    let mut columns = key_columns(conn, &of)?.into_iter();
    let all = tables.iter().map(|(table, key)| {
        let named = key.columns.iter().zip(&key.equals).zip(columns.by_ref());
        let columns = named.map(|((name, equals), column)| KeyColumn { name: name.clone(), equals: equals.clone(), ..column });
        Capture { table: table.oid, names: Names::of(schema, &table.relation), columns: columns.collect(), exact: key.exact }
    });
    Ok(all.collect())
}

/// Columns of tables as they are stored; names and operators are left empty.
fn key_columns(conn: &mut Connection, of: &[(u32, Vec<String>)]) -> Result<Vec<KeyColumn>> {
    let (oids, names): (Vec<u32>, Vec<&str>) =
        of.iter().flat_map(|(oid, names)| names.iter().map(move |name| (*oid, name.as_str()))).unzip();
    let statement = conn.prepare_cached(include_str!("../sql/captured_keys.sql"))?;
    let rows = conn.query(&statement, &[&oids, &names])?;
    if rows.len() != names.len() {
        return Err(Error::new(Kind::Collision, "a key changed while it was looked at"));
    }
    let column = |row: &postgres::Row| -> Result<KeyColumn> {
        Ok(KeyColumn {
            name: String::new(),
            number: row.get(0),
            stored: catalog_text::type_name(row.get(1))?,
            collation: row.get::<_, Option<String>>(2).map(catalog_text::collation).transpose()?,
            family: row.get(3),
            equals: String::new(),
        })
    };
    rows.iter().map(column).collect()
}

/// The names of the triggers that capture these tables.
fn capture_triggers(schema: Schema, tables: &[&Shape]) -> Vec<Ident> {
    let mut names: Vec<Ident> = tables
        .iter()
        .map(|table| CaptureTriggers::of(schema, table))
        .flat_map(|CaptureTriggers { rows, truncates }| [rows, truncates])
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Captures tables, as far as they are not captured rightly already, by the keys beside them.
/// Returns what is worth telling.
pub fn capture_tables(conn: &mut Connection, tables: &[(&Shape, Key)], firing: &Firings) -> Result<Vec<String>> {
    let wanted = wanted(conn, tables)?;
    let mut recorded = read(conn, &tables.iter().map(|(table, _)| table.oid).collect::<Vec<_>>())?;
    let shapes: Vec<&Shape> = tables.iter().map(|(table, _)| *table).collect();
    let members = triggers::members(conn, &shapes)?;
    let relations: Vec<Relation> = members.concat().into_iter().map(|member| member.relation).collect();
    let mut there = Triggers::read(conn, &relations, &capture_triggers(conn.schema(), &shapes))?;
    there.refuse_foreign(conn.schema())?;
    let (mut notes, mut seen) = (Vec::new(), BTreeSet::new());
    for ((table, wanted), members) in shapes.iter().zip(&wanted).zip(&members) {
        // Several tables of a sync may be one and the same on this database.
        if seen.insert(table.oid) {
            let recorded = recorded.remove(&table.oid).unwrap_or_default();
            let mut one = Table { table, wanted, members, firing: firing.of(table.oid), notes: &mut notes };
            one.capture(conn, &mut there, recorded)?;
        }
    }
    Ok(notes)
}

/// One table that is to be captured.
struct Table<'a> {
    table: &'a Shape,
    wanted: &'a Capture,
    members: &'a [Member],
    firing: Firing,
    notes: &'a mut Vec<String>,
}

impl Table<'_> {
    fn capture(&mut self, conn: &mut Connection, there: &mut Triggers, recorded: Vec<Recorded>) -> Result<()> {
        let newest = recorded.last().map(|newest| newest.capture.names.clone());
        let (mut usable, lost) = self.sort_out(conn, recorded)?;
        let Some(newest) = newest else {
            let names = self.create(conn)?;
            return self.triggers(conn, there, &names);
        };
        let known = usable.last_mut().filter(|one| one.capture.names == newest && one.notes(self.wanted));
        if let Some(known) = known {
            known.capture.columns.clone_from(&self.wanted.columns);
            self.forget_lost(conn, &lost)?;
            self.mend(conn, &usable)?;
            return self.triggers(conn, there, &newest);
        }
        let made = self.replace(conn, &usable, &lost)?;
        let key: Vec<&str> = self.wanted.columns.iter().map(|column| column.name.as_str()).collect();
        self.notes.push(format!(
            "Table \"{}\": changes are noted anew, by the key ({})",
            self.table.relation.label(),
            key.join(", ")
        ));
        let relations: Vec<Relation> = self.members.iter().map(|member| member.relation.clone()).collect();
        *there = std::mem::take(there).read_again(conn, &relations, &capture_triggers(conn.schema(), &[self.table]))?;
        self.triggers(conn, there, &made)
    }

    /// Tells captures that can be used from those that are lost: their delta tables are missing, or
    /// columns of the key are gone or have types that cannot be noted as before.
    fn sort_out(&self, conn: &mut Connection, recorded: Vec<Recorded>) -> Result<(Vec<Recorded>, Vec<Recorded>)> {
        let (mut usable, mut lost) = (Vec::new(), Vec::new());
        for mut one in recorded {
            if one.outdated && one.readable() {
                one.capture = as_made_before(conn, one.capture)?;
            }
            match one.readable() && made_whole(conn, &one.capture)? && notable(conn, &one.capture)? {
                true => usable.push(one),
                false => lost.push(one),
            }
        }
        Ok((usable, lost))
    }

    /// Removes captures that are lost. If somebody still wants what was noted there, it is a gap.
    fn forget_lost(&self, conn: &mut Connection, lost: &[Recorded]) -> Result<()> {
        for one in lost {
            let names = &one.capture.names;
            let countable = "select count(*) = 2 from pg_attribute where attrelid in (to_regclass($1::text), to_regclass($2::text)) \
                             and attname = 'txid' and not attisdropped and has_table_privilege(attrelid, 'select')";
            let [first, second] = [1, 2].map(|generation| names.delta(generation).to_string());
            let countable: bool = conn.query_one(countable, &[&first, &second])?.get(0);
            if !countable || conn.query_one(&reclaim::unconsumed(names), &[&self.table.oid])?.get(0) {
                let how = if countable {
                    "its key or its delta tables were changed while changes were pending"
                } else {
                    "its delta tables were missing or had been altered"
                };
                note_gap(conn, self.table.oid, how)?;
            }
            drop_functions(conn, names)?;
            drop_tables(conn, names)?;
        }
        if lost.is_empty() {
            return Ok(());
        }
        // The oldest that is left has no predecessor.
        let oldest = "update bucardo.bucardo_delta_names d set since = null where tablename = $1 and since is not null and not exists ( \
                      select from bucardo.bucardo_delta_names o where o.tablename = $1 and coalesce(o.since, 0) < d.since)";
        conn.execute(&*conn.ours(oldest), &[&self.table.oid])?;
        Ok(())
    }

    fn callers(&self, conn: &Connection) -> Callers {
        Callers {
            known: self.members.iter().map(|member| member.oid).collect(),
            partitioned: self.table.partitioned,
            knows_root: conn.version() >= 120_000,
        }
    }

    /// Captures a table for the first time. Delta tables of its that no record knows were in use
    /// until the record was lost.
    fn create(&self, conn: &mut Connection) -> Result<Names> {
        let capture = Capture { names: free_names(conn, &self.wanted.names)?, ..self.wanted.clone() };
        let forgotten = is_forgotten(conn, &self.wanted.names)?;
        conn.within("begin", |conn| {
            self.make(conn, &capture, &[])?;
            if forgotten {
                note_gap(conn, self.table.oid, "the record of its delta tables was lost")?;
            }
            record(conn, &capture, &self.table.relation, "null")
        })?;
        Ok(capture.names)
    }

    /// Makes the delta tables of a capture, and functions that write there and to those of `older`
    /// ones.
    fn make(&self, conn: &mut Connection, capture: &Capture, older: &[Recorded]) -> Result<()> {
        conn.batch(&objects::create_delta(capture))?;
        grant(conn, self.table.oid, &capture.names)?;
        let mut all: Vec<&Capture> = older.iter().map(|one| &one.capture).collect();
        all.push(capture);
        let made = with_objects(conn, &all)?;
        let callers = self.callers(conn);
        conn.batch(&(objects::row_function(&made, &callers) + &objects::truncate_function(&all, callers.knows_root)))
    }

    /// Makes a capture in the place of others. The lock comes first: transactions that changed the
    /// table before have ended, and those that follow note what they do in the new one and in those
    /// that are `usable`. So `since` is younger than the former.
    fn replace(&self, conn: &mut Connection, usable: &[Recorded], lost: &[Recorded]) -> Result<Names> {
        let mut made = self.wanted.names.clone();
        let since = if usable.is_empty() { "null" } else { "pg_catalog.txid_current()" };
        triggers::locked(conn, &self.table.relation, &mut |conn| {
            conn.batch(&format!("lock table {} in access exclusive mode", self.table.relation))?;
            for one in usable.iter().chain(lost) {
                for (relation, trigger) in calling(conn, &one.capture.names)? {
                    conn.batch(&triggers::drop_text(&relation, &trigger))?;
                }
                drop_functions(conn, &one.capture.names)?;
            }
            self.forget_lost(conn, lost)?;
            let capture = Capture { names: free_names(conn, &self.wanted.names)?, ..self.wanted.clone() };
            self.make(conn, &capture, usable)?;
            let triggers = CaptureTriggers::of(conn.schema(), self.table);
            conn.batch(&objects::create_row_trigger(&triggers.rows, &capture.names, &self.table.relation))?;
            for member in self.members {
                conn.batch(&objects::create_truncate_trigger(&triggers.truncates, &capture.names, &member.relation))?;
            }
            made.clone_from(&capture.names);
            record(conn, &capture, &self.table.relation, since)
        })?;
        Ok(made)
    }

    /// Makes the functions anew that are not as we make them, and records what the table is called.
    fn mend(&self, conn: &mut Connection, recorded: &[Recorded]) -> Result<()> {
        let all: Vec<&Capture> = recorded.iter().map(|one| &one.capture).collect();
        let Some(newest) = all.last() else { return Ok(()) };
        let made = with_objects(conn, &all)?;
        let callers = self.callers(conn);
        let there = objects(conn, &[newest])?.pop().unwrap_or_default();
        let rows = objects::row_function(&made, &callers);
        let cuts = objects::truncate_function(&all, callers.knows_root);
        let mut texts = Vec::new();
        if there.row_function != Some(objects::row_source(&made, &callers)) {
            texts.push(rows);
        }
        if there.truncate_function != Some(objects::truncate_source(&all, callers.knows_root)) {
            texts.push(cuts);
        }
        for capture in &all {
            if has_statistics(conn, capture)? {
                texts.push(objects::withhold_statistics(capture));
            }
        }
        if !texts.is_empty() {
            conn.within("begin", |conn| conn.batch(&texts.concat()))?;
        }
        grant(conn, self.table.oid, &newest.names)?;
        let (schema, name) = (self.table.relation.schema.raw(), self.table.relation.name.raw());
        let names: Vec<&str> = newest.columns.iter().map(|column| column.name.as_str()).collect();
        let called = "update bucardo.bucardo_delta_names set schemaname = $2, relname = $3, keycolumns = $4 \
                      where deltaname = $1 and (schemaname, relname, keycolumns) is distinct from ($2, $3, $4)";
        conn.execute(&*conn.ours(called), &[&newest.names.base(), &schema, &name, &names])?;
        Ok(())
    }

    /// The triggers of the table and its partitions. Those for TRUNCATE are not passed down.
    fn triggers(&self, conn: &mut Connection, there: &mut Triggers, names: &Names) -> Result<()> {
        let relation = &self.table.relation;
        let triggers = CaptureTriggers::of(conn.schema(), self.table);
        let rows = Wanted {
            name: triggers.rows.raw(),
            function: names.row_function(),
            depends: true,
            firing: self.firing,
            create: objects::create_row_trigger(&triggers.rows, names, relation),
        };
        there.ensure(conn, relation, &rows)?;
        for Member { relation: member, .. } in self.members {
            if member != relation {
                there.fire(conn, member, &rows)?;
            }
            let cuts = Wanted {
                name: triggers.truncates.raw(),
                function: names.truncate_function(),
                depends: false,
                firing: self.firing,
                create: objects::create_truncate_trigger(&triggers.truncates, names, member),
            };
            there.ensure(conn, member, &cuts)?;
        }
        // Only partitions can have left.
        if self.table.partitioned { self.release_former_partitions(conn, names) } else { Ok(()) }
    }

    /// A partition that was detached keeps the triggers that are not passed down.
    fn release_former_partitions(&self, conn: &mut Connection, names: &Names) -> Result<()> {
        for (relation, trigger) in calling(conn, names)? {
            if !self.members.iter().any(|member| member.relation == relation) {
                triggers::drop(conn, &relation, &trigger)?;
            }
        }
        Ok(())
    }
}

/// What an earlier version made: delta columns of the types that the key had then.
fn as_made_before(conn: &mut Connection, capture: Capture) -> Result<Capture> {
    let named: Vec<String> = capture.columns.iter().map(|column| column.name.clone()).collect();
    let found = key_columns(conn, &[(capture.table, named)])?;
    let delta = capture.names.delta(1).to_string();
    let sql = "select array(select format_type(a.atttypid, a.atttypmod) from pg_attribute a \
               where a.attrelid = to_regclass($1::text) and a.attnum > 0 and not a.attisdropped and a.attname ~ '^k[0-9]+$' order by a.attnum)";
    let types: Vec<String> = conn.query_one(sql, &[&delta])?.get(0);
    let columns = capture.columns.into_iter().zip(found).zip(types).map(|((column, found), stored)| {
        let made = KeyColumn { number: found.number, collation: None, stored, ..column };
        // Between types that users have made, a conversion would be a function of theirs.
        let converts_itself = made.stored == found.stored || (made.is_built_in() && found.is_built_in());
        let family = if converts_itself { found.family } else { "{}".to_owned() };
        KeyColumn { family, ..made }
    });
    Ok(Capture { columns: columns.collect(), ..capture })
}

/// Whether the delta tables and the sequence of a capture are there and right, after what is easily
/// mended was.
fn made_whole(conn: &mut Connection, capture: &Capture) -> Result<bool> {
    let whole = |conn: &mut Connection| -> Result<bool> {
        Ok(objects(conn, &[capture])?.pop().is_some_and(|there| there.objects.is_some()))
    };
    if whole(conn)? {
        return Ok(true);
    }
    let names = &capture.names;
    let delta = |generation| names.delta(generation).to_string();
    let there =
        "select to_regclass($1::text) is not null and to_regclass($2::text) is not null and to_regclass($3::text) is not null";
    if !conn.query_one(there, &[&delta(1), &delta(2), &names.generation().to_string()])?.get::<_, bool>(0) {
        return Ok(false);
    }
    let mended = conn.within("begin; set local lock_timeout = '2s'", |conn| {
        conn.batch(&format!("grant all on {}, {} to current_user; grant all on sequence {} to current_user", delta(1), delta(2), names.generation()))?;
        for delta in [delta(1), delta(2)] {
            let indexes = "select count(*) from pg_index where indrelid = to_regclass($1::text) and indisvalid";
            if conn.query_one(indexes, &[&delta])?.get::<_, i64>(0) < 2 {
                conn.batch(&format!("create index on {delta} (txid); create index on {delta} (txid) where truncated"))?;
            }
            conn.batch(&format!(
                "alter table {delta} replica identity full, no force row level security, alter txid set default pg_catalog.txid_current(), \
                 alter txntime set default now()"
            ))?;
        }
        Ok(())
    });
    // Whatever is in the way, such tables cannot be used.
    Ok(mended.is_ok() && whole(conn)?)
}

/// Whether changes can still be noted by a key: its columns are there, and have types that can be
/// stored as before.
fn notable(conn: &mut Connection, capture: &Capture) -> Result<bool> {
    match conn.query_one(&format!("select {}", capture.names_now("")), &[]) {
        Ok(_) => Ok(true),
        Err(error) if error.is_closed() => Err(error.into()),
        Err(_) => Ok(false),
    }
}

/// Names that nothing has yet.
fn free_names(conn: &mut Connection, names: &Names) -> Result<Names> {
    let taken = "select to_regclass($1::text) is not null or to_regclass($2::text) is not null or to_regclass($3::text) is not null \
                 or exists (select from bucardo.bucardo_delta_names where deltaname = $4)";
    let candidates = std::iter::once(names.clone()).chain((2..1000).map(|number| names.another(number)));
    for names in candidates {
        let (one, two, generation) = (names.delta(1).to_string(), names.delta(2).to_string(), names.generation().to_string());
        if !conn.query_one(&*conn.ours(taken), &[&one, &two, &generation, &names.base()])?.get::<_, bool>(0) {
            return Ok(names);
        }
    }
    Err(Error::new(Kind::Refused, format!("no name for delta tables is free beside {}", names.base())))
}

/// Whether there is a delta table of this name and no record of it.
fn is_forgotten(conn: &mut Connection, names: &Names) -> Result<bool> {
    let sql = "select to_regclass($1::text) is not null \
               and not exists (select from bucardo.bucardo_delta_names where deltaname = $2)";
    Ok(conn.query_one(&*conn.ours(sql), &[&names.delta(1).to_string(), &names.base()])?.get(0))
}

fn record(conn: &mut Connection, capture: &Capture, table: &Relation, since: &str) -> Result<()> {
    let texts = |of: &dyn Fn(&KeyColumn) -> String| capture.columns.iter().map(of).collect::<Vec<_>>();
    let numbers: Vec<i16> = capture.columns.iter().map(|column| column.number).collect();
    conn.execute(
        &format!(
            "insert into {}.bucardo_delta_names (tablename, schemaname, relname, deltaname, keycolumns, version, keynumbers, keytypes, \
             keyfamilies, keyequals, keyexact, since) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, {since})",
            conn.schema()
        ),
        &[
            &capture.table,
            &table.schema.raw(),
            &table.name.raw(),
            &capture.names.base(),
            &texts(&|column| column.name.clone()),
            &objects::VERSION,
            &numbers,
            &texts(&KeyColumn::stored_with_collation),
            &texts(&|column| column.family.clone()),
            &texts(&|column| column.equals.clone()),
            &capture.exact,
        ],
    )?;
    Ok(())
}

/// Whether ANALYZE looks at a key of a type that users have made.
fn has_statistics(conn: &mut Connection, capture: &Capture) -> Result<bool> {
    let sql = "select exists (select from pg_catalog.pg_attribute \
               where attrelid in (to_regclass($1::text), to_regclass($2::text)) and attname ~ '^k[0-9]+$' \
               and atttypid >= 16384 and coalesce(attstattarget, -1) <> 0)";
    let delta = [1, 2].map(|generation| capture.names.delta(generation).to_string());
    Ok(!objects::withhold_statistics(capture).is_empty() && conn.query_one(sql, &[&delta[0], &delta[1]])?.get::<_, bool>(0))
}

/// Lets the owner of a table read what is noted of it, so that he can dump what is his database.
fn grant(conn: &mut Connection, table: u32, names: &Names) -> Result<()> {
    let objects = [names.delta(1), names.delta(2), names.generation()];
    let tables = ["bucardo_delta_names", "bucardo_delta_targets", "bucardo_gap"].map(|name| conn.schema().relation(name));
    readable_by_owners(conn, &[table], &[&objects[..], &tables[..]].concat())
}

/// Lets the owners of tables read these tables and sequences of ours.
pub fn readable_by_owners(conn: &mut Connection, tables: &[u32], objects: &[Relation]) -> Result<()> {
    let names: Vec<String> = objects.iter().map(Relation::to_string).collect();
    let sql = "select distinct format('grant usage on schema bucardo to %1$I; grant select on %2$s %3$s to %1$I; ', r.rolname, \
                      case o.relkind when 'S' then 'sequence' else 'table' end, w.name) \
               from pg_class t join pg_roles r on r.oid = t.relowner \
               cross join unnest($2::text[]) as w (name) join pg_class o on o.oid = to_regclass(w.name) \
               where t.oid = any ($1) and not (has_schema_privilege(r.oid, 'bucardo', 'usage') and case o.relkind \
                     when 'S' then has_sequence_privilege(r.oid, o.oid, 'select') else has_table_privilege(r.oid, o.oid, 'select') end)";
    let statement = conn.prepare_cached(&conn.ours(sql))?;
    let grants: String = conn.query(&statement, &[&tables, &names])?.iter().map(|row| row.get::<_, String>(0)).collect();
    if grants.is_empty() { Ok(()) } else { conn.batch(&grants) }
}

/// Notes, in the table where triggers do it, that changes may be missing.
fn note_gap(conn: &mut Connection, table: u32, reason: &str) -> Result<()> {
    conn.execute(&*conn.ours("select bucardo.bucardo_note_gap($1, $2, '')"), &[&table, &reason])?;
    Ok(())
}
