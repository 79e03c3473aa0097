//! Noticing that changes were not captured. No program can carry what it did not see; but it can
//! know that there was something it did not see, and say so.
//!
//! The control database keeps how the tables of a sync were when a KID began or a sync was
//! validated: which relation had the name, which triggers captured and which transaction touched
//! them last; which column had which name, and which files held the rows; and, for tables that a
//! crash empties, a mark in one that the same crash empties. What is otherwise at the next
//! comparison was so for an unknown time in between. States are compared, and triggers made,
//! [`alone`](crate::replicate::own_schema::alone) on that database, so that what we make ourselves
//! is not taken for a change by others.

mod look;
mod state;

pub use look::Look;

use crate::control::departed_partition;
use crate::control::gap::{self, Place};
use crate::error::{Error, Kind, Result};
use crate::pg::template::body;
use crate::pg::{Connection, Relation, fill};
use crate::replicate::capture::install;
use crate::replicate::catalog::digest;
use state::State;

/// A table of a sync on one database.
#[derive(Debug, Clone)]
pub struct Member {
    /// `goat.id`.
    pub goat: i32,
    /// Its name there.
    pub relation: Relation,
}

/// How tables are, in their order; none for one that is missing.
pub type States = Vec<Option<String>>;

/// Reads how tables are on a database. `alone`, if any of them may be emptied by a crash.
pub fn states(conn: &mut Connection, members: &[Member]) -> Result<States> {
    let relations: Vec<Relation> = members.iter().map(|member| member.relation.clone()).collect();
    let guards = digest::guards(conn, &relations)?;
    let contents = contents(conn, &relations)?;
    let marked = guards.iter().flatten().any(|guard| is_unlogged(guard));
    let mark = if marked { mark(conn)? } else { String::new() };
    let all = members.iter().zip(guards).zip(contents);
    Ok(all.map(|((member, guard), content)| Some(text(&guard?, &content?, &mark, &member.relation))).collect())
}

/// Compares how the tables are with how they were known, notes what is missing, and remembers how
/// they are. What can be evened out at once is: the rows of partitions that were attached are noted
/// as changed. To be called [`alone`](own_schema::alone).
pub fn compare(
    control: &mut Connection,
    place: Place,
    conn: &mut Connection,
    members: &[Member],
    states: &States,
    is_source: bool,
    look: &Look,
) -> Result<()> {
    let known = gap::known(control, place)?;
    let mut learnt = Vec::new();
    for (member, state) in members.iter().zip(states) {
        let (Some(now), known) = (state, known.get(&member.goat)) else { continue };
        if known == Some(now) {
            continue;
        }
        if known.is_some_and(|known| gap::is_absence(known)) {
            if is_source {
                gap::record(control, place, member.goat, &member.relation.label(), &gap::was_absent(place.target))?;
            }
            learnt.push((member.goat, now.clone()));
            continue;
        }
        if let Some(former) = known {
            for what in noticed(control, place, conn, member, (former, now), is_source, look)? {
                gap::record_in_look(control, place, member.goat, &member.relation.label(), &what, former)?;
            }
        }
        learnt.push((member.goat, now.clone()));
    }
    gap::learn(control, place, &learnt)
}

/// What may be missing of a table that was known in one state and is in another one.
fn noticed(
    control: &mut Connection,
    place: Place,
    conn: &mut Connection,
    member: &Member,
    (former, now): (&str, &str),
    is_source: bool,
    look: &Look,
) -> Result<Vec<String>> {
    let (before, now) = (State::parse(former), State::parse(now));
    let mut noticed: Vec<String> = before.missed(&now, is_source).into_iter().collect();
    noticed.extend(added(control, place, conn, member, (&before, &now))?);
    for partition in before.attached(&now).into_iter().filter(|_| is_source) {
        if let Err(error) = note_partition(conn, &member.relation, partition) {
            noticed.push(format!("the rows of a partition that was attached could not be noted as changed ({error})"));
        }
    }
    for partition in before.departed(&now) {
        departed_partition::note(control, place, member.goat, partition, look.of_kid())?;
    }
    noticed.extend(look::renamed(conn, member, &before, &now)?);
    Ok(noticed)
}

/// Columns that were added so that rows which were there before have other values than on another
/// member: by another default, or by one that is not the same for all rows. A column that others do
/// not have yet is looked at when they have it.
fn added(
    control: &mut Connection,
    place: Place,
    conn: &mut Connection,
    member: &Member,
    (before, now): (&State, &State),
) -> Result<Vec<String>> {
    let columns = before.added(now);
    if columns.is_empty() {
        return Ok(Vec::new());
    }
    let others = gap::known_elsewhere(control, place, member.goat)?;
    let mut told = Vec::new();
    for (column, written) in columns {
        for (db, other) in &others {
            match now.differs_in(&State::parse(other), column) {
                Some(_) if written => told.push(format!("column {column} was added, and each row got a value of its own")),
                Some(true) => told
                    .push(format!("column {column} was added with another value for the rows there than on database \"{db}\"")),
                _ => {}
            }
        }
    }
    if told.is_empty() || !has_rows(conn, &member.relation)? {
        return Ok(Vec::new());
    }
    told.dedup();
    Ok(told)
}

fn has_rows(conn: &mut Connection, table: &Relation) -> Result<bool> {
    Ok(conn.query_one(&format!("select exists (select from {table})"), &[])?.get(0))
}

/// Remembers how tables are, after they were made right.
pub fn learn(control: &mut Connection, place: Place, members: &[Member], states: &States) -> Result<()> {
    let learnt = members.iter().zip(states).filter_map(|(member, state)| Some((member.goat, state.clone()?)));
    gap::learn(control, place, &learnt.collect::<Vec<_>>())
}

/// What was changed between these two, for all syncs that knew the former.
pub fn changes(before: &States, after: &States) -> Vec<(String, String)> {
    let both = before.iter().flatten().zip(after.iter().flatten());
    both.filter(|(before, after)| before != after).map(|(before, after)| (before.clone(), after.clone())).collect()
}

/// A query that follows the types of columns into what they are made of.
fn through_types(query: &str) -> String {
    fill(query, &[("made_of", &body(include_str!("../../sql/made_of.sql")))])
}

/// What the columns and the files of tables are, in the order of their names; none for one that is
/// missing.
pub fn contents(conn: &mut Connection, tables: &[Relation]) -> Result<Vec<Option<String>>> {
    let statement = conn.prepare_cached(&through_types(include_str!("../../sql/contents.sql")))?;
    let (schemas, names): (Vec<_>, Vec<_>) = tables.iter().map(|one| (one.schema.raw(), one.name.raw())).unzip();
    Ok(conn.query(&statement, &[&schemas, &names])?.iter().map(|row| row.get(0)).collect())
}

/// A digest of the types that the columns of tables are made of.
pub fn types(conn: &mut Connection, tables: &[Relation]) -> Result<String> {
    let statement = conn.prepare_cached(&through_types(include_str!("../../sql/types.sql")))?;
    let (schemas, names): (Vec<_>, Vec<_>) = tables.iter().map(|one| (one.schema.raw(), one.name.raw())).unzip();
    Ok(conn.query_one(&statement, &[&schemas, &names])?.get(0))
}

/// Whether a table with this guard and these contents is known to be as it is. That of one which a
/// crash may empty has to be looked at.
pub fn is_known(known: Option<&String>, guard: &str, content: Option<&str>, name: &Relation) -> bool {
    !is_unlogged(guard) && content.is_some_and(|content| known.is_some_and(|known| *known == text(guard, content, "", name)))
}

fn is_unlogged(guard: &str) -> bool {
    guard.split(';').any(|part| part == "persistence u")
}

/// The name comes last, because anything can be in it.
fn text(guard: &str, content: &str, mark: &str, name: &Relation) -> String {
    let mark = if is_unlogged(guard) { format!(";unlogged {mark}") } else { String::new() };
    format!("{guard};{content}{mark};name {name}")
}

/// The mark in the table that every crash of the server empties; a new one if it is empty.
fn mark(conn: &mut Connection) -> Result<String> {
    conn.batch(&conn.ours("create unlogged table if not exists bucardo.bucardo_unlogged (mark text not null)"))?;
    let sql = include_str!("../../sql/unlogged_mark.sql");
    Ok(conn.query_one(&*conn.ours(sql), &[])?.get(0))
}

/// Notes all rows of a partition as changed. Read as a table of its own, if we may; a view that was
/// put in its place is not read.
fn note_partition(conn: &mut Connection, table: &Relation, partition: &str) -> Result<()> {
    let oid = conn.query_one("select to_regclass($1::text)::oid", &[&table.to_string()])?.get::<_, Option<u32>>(0);
    let Some((names, keys)) = install::captured(conn, oid.unwrap_or_default(), &[])? else { return Ok(()) };
    let sql = "select n.nspname::text, c.relname::text, pg_catalog.has_table_privilege(c.oid, 'select') \
               from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
               where c.oid = $1::text::oid and c.relkind = 'r'";
    let Some(row) = conn.query_opt(sql, &[&partition])? else { return Ok(()) };
    let own = Relation::new(row.get::<_, String>(0), row.get::<_, String>(1));
    let (from, read, id) = match row.get(2) {
        true => (format!("only {own}"), own.to_string(), partition.to_owned()),
        false => (format!("{table} where tableoid = {partition}::oid"), table.to_string(), oid.unwrap_or_default().to_string()),
    };
    let keys: Vec<crate::pg::Ident> = keys.iter().map(crate::pg::Ident::new).collect();
    let staged: Vec<String> = (1..=keys.len()).map(|position| format!("k{position}")).collect();
    let insert =
        format!("insert into {} ({}) select {} from {from}", names.delta(1), staged.join(", "), crate::pg::ident::list(&keys));
    conn.within("begin", |conn| {
        conn.batch(&format!("lock table only {read} in access share mode"))?;
        let same = "select coalesce(to_regclass($1::text)::oid = $2::text::oid, false)";
        if !conn.query_one(same, &[&read, &id])?.get::<_, bool>(0) {
            return Err(Error::new(Kind::Collision, format!("{read} is another relation now")));
        }
        conn.execute(&insert, &[]).map(drop).map_err(Error::from)
    })
}
