//! Noticing that changes were not captured. No program can carry what it did not see; but it can know that there was something it did not
//! see, and say so.
//!
//! The control database keeps how the tables of a sync were when a KID began or somebody validated: which relation had the name, which
//! triggers captured and which transaction touched them last, and, for tables that a crash empties, a mark in one that the same crash
//! empties. What is otherwise at the next comparison was so for an unknown time in between. Whoever compares and whoever makes triggers does it
//! [`alone`](crate::replicate::install::alone) on that database, so that what we make ourselves is not taken for somebody else's doing.

use crate::control::gap::{self, Place};
use crate::error::{Error, Result};
use crate::pg::{Connection, Relation};
use crate::replicate::capture::ROW_TRIGGER;
use crate::replicate::{catalog_digest, install};
use std::collections::{BTreeMap, BTreeSet};

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
    let guards = catalog_digest::guards(conn, &relations)?;
    let marked = guards.iter().flatten().any(|guard| is_unlogged(guard));
    let mark = if marked { mark(conn)? } else { String::new() };
    Ok(members.iter().zip(guards).map(|(member, guard)| Some(text(&guard?, &mark, &member.relation))).collect())
}

/// Compares how the tables are with how they were known, notes what is missing, and remembers how they are. What can be evened out at once is:
/// the rows of partitions that were attached are noted as changed. To be called [`alone`](install::alone).
pub fn compare(
    control: &mut Connection,
    place: Place,
    conn: &mut Connection,
    members: &[Member],
    states: &States,
    is_source: bool,
) -> Result<()> {
    let known = gap::known(control, place)?;
    let mut learnt = Vec::new();
    for (member, state) in members.iter().zip(states) {
        let (Some(now), known) = (state, known.get(&member.goat)) else { continue };
        if known == Some(now) {
            continue;
        }
        let (before, after) = (known.map(|known| State::parse(known)), State::parse(now));
        for what in before.iter().filter_map(|before| before.missed(&after, is_source)) {
            gap::record(control, place, member.goat, &member.relation.label(), &what)?;
        }
        for partition in before.iter().filter(|_| is_source).flat_map(|before| before.attached(&after)) {
            if let Err(error) = note_partition(conn, &member.relation, partition) {
                let what = format!("the rows of a partition that was attached could not be noted as changed ({error})");
                gap::record(control, place, member.goat, &member.relation.label(), &what)?;
            }
        }
        learnt.push((member.goat, now.clone()));
    }
    gap::learn(control, place, &learnt)
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

/// Whether a table with this guard is known to be as it is. That of one which a crash may empty has to be looked at.
pub fn is_known(known: Option<&String>, guard: &str, name: &Relation) -> bool {
    !is_unlogged(guard) && known.is_some_and(|known| *known == text(guard, "", name))
}

fn is_unlogged(guard: &str) -> bool {
    guard.split(';').any(|part| part == "persistence u")
}

/// The name comes last, because anything can be in it.
fn text(guard: &str, mark: &str, name: &Relation) -> String {
    let mark = if is_unlogged(guard) { format!(";unlogged {mark}") } else { String::new() };
    format!("{guard}{mark};name {name}")
}

/// The mark in the table that every crash of the server empties; a new one if it is empty.
fn mark(conn: &mut Connection) -> Result<String> {
    conn.batch("create unlogged table if not exists bucardo.bucardo_unlogged (mark text not null)")?;
    let sql = "with there as (select mark from bucardo.bucardo_unlogged limit 1), made as ( \
               insert into bucardo.bucardo_unlogged select md5(clock_timestamp()::text || random()) where not exists (select from there) returning mark) \
               select mark from there union all select mark from made";
    Ok(conn.query_one(sql, &[])?.get(0))
}

/// Notes all rows of a partition as changed. Read as a table of its own, if we may.
fn note_partition(conn: &mut Connection, table: &Relation, partition: &str) -> Result<()> {
    let oid = conn.query_one("select to_regclass($1::text)::oid", &[&table.to_string()])?.get::<_, Option<u32>>(0);
    let Some((names, keys)) = install::captured(conn, oid.unwrap_or_default(), &[])? else { return Ok(()) };
    let sql = "select n.nspname::text, c.relname::text, pg_catalog.has_table_privilege(c.oid, 'select') \
               from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
               where c.oid = $1::text::oid and c.relkind = 'r'";
    let Some(row) = conn.query_opt(sql, &[&partition])? else { return Ok(()) };
    let own = Relation::new(row.get::<_, String>(0), row.get::<_, String>(1));
    let from = match row.get(2) {
        true => format!("only {own}"),
        false => format!("{table} where tableoid = {partition}::oid"),
    };
    let keys: Vec<crate::pg::Ident> = keys.iter().map(crate::pg::Ident::new).collect();
    let staged: Vec<String> = (1..=keys.len()).map(|position| format!("k{position}")).collect();
    let insert =
        format!("insert into {} ({}) select {} from {from}", names.delta(1), staged.join(", "), crate::pg::ident::list(&keys));
    conn.execute(&insert, &[]).map_err(Error::from)?;
    Ok(())
}

/// What a state says.
#[derive(Debug, PartialEq, Eq)]
struct State<'a> {
    table: &'a str,
    mark: Option<&'a str>,
    partitions: BTreeSet<&'a str>,
    /// By table and name: its id, the transaction that touched it last, when it fires, its function.
    triggers: BTreeMap<(&'a str, &'a str), [&'a str; 4]>,
    name: &'a str,
}

impl<'a> State<'a> {
    fn parse(text: &'a str) -> State<'a> {
        let (guard, name) = text.split_once(";name ").unwrap_or((text, ""));
        let mut state = State { table: "", mark: None, partitions: BTreeSet::new(), triggers: BTreeMap::new(), name };
        for part in guard.split(';') {
            match part.split(' ').collect::<Vec<_>>()[..] {
                ["table", table] => state.table = table,
                ["unlogged", mark] => state.mark = Some(mark),
                ["partition", partition] => drop(state.partitions.insert(partition)),
                ["trigger", table, name, id, touched, fires, function] => {
                    state.triggers.insert((table, name), [id, touched, fires, function]);
                }
                _ => {}
            }
        }
        state
    }

    /// What happened since, if anything may be missing by that. Of a table that somebody called by another name to us, nothing is known.
    fn missed(&self, now: &State, is_source: bool) -> Option<String> {
        if self.name != now.name {
            return None;
        }
        if self.table != now.table {
            return Some("another table has this name since then".to_owned());
        }
        if self.mark.is_some() && now.mark.is_some() && self.mark != now.mark {
            return Some("the table is unlogged, and a crash of the server emptied it".to_owned());
        }
        if is_source { self.triggers_missed(now) } else { None }
    }

    fn triggers_missed(&self, now: &State) -> Option<String> {
        for ((table, name), [id, touched, ..]) in &self.triggers {
            if *table != self.table && !now.partitions.contains(table) {
                continue;
            }
            let on = if *table == self.table { "" } else { " on a partition" };
            match now.triggers.get(&(*table, *name)) {
                None => return Some(format!("trigger {name} was gone{on}")),
                Some([.., fires, _]) if !matches!(*fires, "O" | "A") => return Some(format!("trigger {name} was off{on}")),
                Some([other, ..]) if other != id && *table != self.table => {}
                Some([_, later, ..]) if later != touched => return Some(format!("trigger {name} was off for a while{on}")),
                _ => {}
            }
        }
        None
    }

    /// The partitions of now that were none then, or went and came back.
    fn attached<'n>(&self, now: &State<'n>) -> Vec<&'n str> {
        let row = |state: &State, partition: &str| {
            state
                .triggers
                .iter()
                .find(|((table, name), _)| *table == partition && *name == ROW_TRIGGER)
                .map(|(_, [id, ..])| (*id).to_owned())
        };
        let is_new = |partition: &&&str| !self.partitions.contains(**partition) || row(self, partition) != row(now, partition);
        if self.table == now.table { now.partitions.iter().filter(is_new).copied().collect() } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &str = "table 7;persistence p;trigger 7 bucardo_add_delta 70 900 O 1;trigger 7 bucardo_add_truncate 71 900 O 2;name \"s\".\";name x\"";

    fn missed(now: &str, is_source: bool) -> Option<String> {
        State::parse(KNOWN).missed(&State::parse(now), is_source)
    }

    #[test]
    fn what_happened_is_read_from_two_states() {
        assert_eq!(missed(KNOWN, true), None);
        assert_eq!(State::parse(KNOWN).name, "\"s\".\";name x\"");
        for (from, to, words) in [
            ("table 7", "table 8", "another table has this name since then"),
            ("70 900 O", "70 901 O", "trigger bucardo_add_delta was off for a while"),
            ("70 900 O", "70 901 D", "trigger bucardo_add_delta was off"),
            ("70 900 O", "70 901 R", "trigger bucardo_add_delta was off"),
            ("70 900 O", "99 901 A", "trigger bucardo_add_delta was off for a while"),
            (";trigger 7 bucardo_add_truncate 71 900 O 2", "", "trigger bucardo_add_truncate was gone"),
        ] {
            assert_eq!(missed(&KNOWN.replace(from, to), true).as_deref(), Some(words), "{to}");
        }
    }

    #[test]
    fn a_receiver_needs_no_triggers_and_another_name_tells_nothing() {
        assert_eq!(missed(&KNOWN.replace("70 900 O", "70 901 D"), false), None);
        assert!(missed(&KNOWN.replace("table 7", "table 8"), false).is_some());
        assert_eq!(missed("table 8;persistence p;name \"s\".\"other\"", true), None);
    }

    #[test]
    fn a_crash_is_told_by_another_mark() {
        let state = |mark: &str| format!("table 7;persistence u;unlogged {mark};name t");
        let missed = |before: &str, now: &str| State::parse(before).missed(&State::parse(now), false);
        assert_eq!(missed(&state("a"), &state("a")), None);
        assert!(missed(&state("a"), &state("b")).is_some_and(|what| what.contains("unlogged")));
        assert_eq!(missed("table 7;persistence p;name t", &state("b")), None, "it became unlogged");
    }

    #[test]
    fn partitions_that_came_or_came_back_are_attached_and_touched_ones_are_not() {
        let state = |parts: &str| format!("table 7;persistence p;{parts};trigger 7 bucardo_add_delta 70 900 O 1;name t");
        let part =
            |oid: u32, id: u32, touched: u32| format!("partition {oid};trigger {oid} bucardo_add_delta {id} {touched} O 1");
        let (before, both) = (state(&part(8, 80, 900)), state(&(part(8, 80, 900) + ";" + &part(9, 90, 901))));
        assert_eq!(State::parse(&before).attached(&State::parse(&both)), ["9"]);
        assert_eq!(State::parse(&before).missed(&State::parse(&both), true), None);
        let back = state(&part(8, 88, 901));
        assert_eq!(State::parse(&before).attached(&State::parse(&back)), ["8"]);
        assert_eq!(State::parse(&before).missed(&State::parse(&back), true), None);
        let touched = state(&part(8, 80, 901));
        assert!(State::parse(&before).attached(&State::parse(&touched)).is_empty());
        assert!(State::parse(&before).missed(&State::parse(&touched), true).is_some_and(|what| what.ends_with("on a partition")));
        assert_eq!(State::parse(&both).missed(&State::parse(&before), true), None, "a detached one is gone with its rows");
    }
}
