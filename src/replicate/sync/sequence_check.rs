//! How the sequences of a herd count on the members of a sync: what differs is told, because nobody
//! sees it before two numbers meet or one is refused.

use crate::control::sync::Goat;
use crate::error::Result;
use crate::pg::{Connection, Relation};
use crate::replicate::notes::warning;
use crate::replicate::plan::sequence_numbers::Numbers;

/// Notes on all differences between the first member and the others.
pub fn differences(conns: &mut [Connection], names: &[String], goats: &[Goat]) -> Result<Vec<String>> {
    let sequences: Vec<&Goat> = goats.iter().filter(|goat| !goat.is_table).collect();
    let Some((first, others)) = conns.split_first_mut().filter(|_| !sequences.is_empty()) else { return Ok(Vec::new()) };
    let wanted = read(first, &sequences.iter().map(|goat| goat.relation.clone()).collect::<Vec<_>>())?;
    let mut notes = Vec::new();
    for (conn, name) in others.iter_mut().zip(&names[1..]) {
        let there = read(conn, &sequences.iter().map(|goat| goat.relation_on(name)).collect::<Vec<_>>())?;
        for ((goat, wanted), found) in sequences.iter().zip(&wanted).zip(&there) {
            let label = goat.relation.label();
            notes.extend(
                compare(wanted, found).iter().map(|what| warning(format!("Sequence \"{label}\" on database \"{name}\": {what}"))),
            );
        }
    }
    Ok(notes)
}

fn compare(wanted: &Numbers, found: &Numbers) -> Vec<String> {
    let pairs = [
        ("increment", wanted.increment, found.increment),
        ("minimum", wanted.min, found.min),
        ("maximum", wanted.max, found.max),
    ];
    let differing = pairs.iter().filter(|(_, wanted, found)| wanted != found);
    let mut all: Vec<String> = differing.map(|(what, wanted, found)| format!("{what} {found}, not {wanted}")).collect();
    if wanted.cycle != found.cycle {
        all.push(
            if found.cycle { "it cycles, and the source's does not" } else { "it does not cycle, and the source's does" }
                .to_owned(),
        );
    }
    all
}

fn read(conn: &mut Connection, relations: &[Relation]) -> Result<Vec<Numbers>> {
    let names: Vec<String> = relations.iter().map(Relation::to_string).collect();
    let sql = "select s.seqincrement, s.seqmin, s.seqmax, s.seqcycle \
               from unnest($1::text[]) with ordinality as w (name, position) \
               join pg_sequence s on s.seqrelid = w.name::regclass order by w.position";
    let state = |row: &postgres::Row| Numbers {
        last: 0,
        called: false,
        increment: row.get(0),
        min: row.get(1),
        max: row.get(2),
        cycle: row.get(3),
    };
    Ok(conn.query(sql, &[&names])?.iter().map(state).collect())
}
