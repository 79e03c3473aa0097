//! What became of each write: it is there, or whoever wrote over it had it before him, or a
//! conflict is on record that it lost.

use super::weather::STEP;
use super::{Shop, schema};
use std::collections::{BTreeMap, BTreeSet};

/// A row of some table: table and key.
type Place = (String, String);

/// A line of a member's log.
struct Entry {
    member: &'static str,
    seq: i64,
    w: i64,
    old: Option<i64>,
    gone: bool,
    /// Microseconds.
    at: i64,
}

/// A conflict: who won, when each took part, and the writes of the rows that it holds of those who
/// lost. Such a row may be another master's that came to the loser in a round that died.
struct Conflict {
    winner: String,
    times: BTreeMap<String, i64>,
    lost: Vec<i64>,
}

struct Books {
    entries: BTreeMap<Place, Vec<Entry>>,
    conflicts: BTreeMap<Place, Vec<Conflict>>,
    present: BTreeMap<Place, i64>,
}

const MICROSECONDS: &str = "(extract(epoch from #) * 1000000)::bigint";

/// Demands that no write was lost without a record.
pub fn settle(shop: &Shop) {
    let books = Books { entries: entries(shop), conflicts: conflicts(shop), present: present(shop) };
    let writes: usize = books.entries.values().map(Vec::len).sum();
    let conflicts: usize = books.conflicts.values().map(Vec::len).sum();
    println!("{writes} writes, {conflicts} conflicts");
    assert!(writes > 0);
    let lost: Vec<String> = books.entries.keys().flat_map(|place| books.lost(place)).collect();
    assert!(lost.is_empty(), "lost without a record:\n{}", lost.join("\n"));
}

fn entries(shop: &Shop) -> BTreeMap<Place, Vec<Entry>> {
    let mut all: BTreeMap<Place, Vec<Entry>> = BTreeMap::new();
    let sql = format!("select tab, key, seq, w, old_w, gone, {} from log order by seq", MICROSECONDS.replace('#', "at"));
    for member in shop.members() {
        for row in shop.world.db(member).query(&sql, &[]).unwrap() {
            let entry = Entry { member, seq: row.get(2), w: row.get(3), old: row.get(4), gone: row.get(5), at: row.get(6) };
            all.entry((row.get(0), row.get(1))).or_default().push(entry);
        }
    }
    all
}

fn conflicts(shop: &Shop) -> BTreeMap<Place, Vec<Conflict>> {
    let sql = format!(
        "select tablename, key, coalesce(winner, ''), array_agg(e.key_), array_agg(e.at_),
            array(select (d.value ->> 'w')::bigint from jsonb_each(details) d where d.key is distinct from winner and d.value ->> 'w' is not null) from bucardo.conflict,
            lateral (select c.key as key_, {} as at_ from jsonb_each_text(changes) c) e group by id, tablename, key, winner, details",
        MICROSECONDS.replace('#', "c.value::timestamptz")
    );
    let mut all: BTreeMap<Place, Vec<Conflict>> = BTreeMap::new();
    for row in shop.world.db("control").query(&sql, &[]).unwrap() {
        let times = row.get::<_, Vec<String>>(3).into_iter().zip(row.get::<_, Vec<i64>>(4)).collect();
        all.entry((row.get(0), row.get(1))).or_default().push(Conflict { winner: row.get(2), times, lost: row.get(5) });
    }
    all
}

fn present(shop: &Shop) -> BTreeMap<Place, i64> {
    let mut all = BTreeMap::new();
    for table in schema::TABLES {
        let key = if table == "order_lines" { "order_id || '|' || line" } else { "id::text" };
        for row in shop.world.db("A").query(&format!("select {key}, w from {table}"), &[]).unwrap() {
            all.insert((table.to_owned(), row.get(0)), row.get(1));
        }
    }
    all
}

impl Books {
    /// The writes to a row of which nothing is left.
    fn lost(&self, place: &Place) -> Vec<String> {
        let entries = &self.entries[place];
        let seen: BTreeSet<i64> = entries.iter().filter_map(|entry| entry.old).collect();
        let accounted = |entry: &Entry| {
            let there = self.present.get(place);
            let stands = if entry.gone { there.is_none() } else { there == Some(&entry.w) };
            let replaced = seen.contains(&entry.w) || (entry.gone && followed(entry, entries));
            entry.w == 0 || stands || replaced || self.on_record(place, entry)
        };
        let told = |entry: &Entry| {
            let history: Vec<String> = entries.iter().map(Entry::told).collect();
            format!(
                "{place:?}: {}; is {:?}; all: {}; {}",
                entry.told(),
                self.present.get(place),
                history.join(", "),
                self.records(place)
            )
        };
        entries.iter().filter(|entry| !accounted(entry)).map(told).collect()
    }

    /// What lost is the last of some changes that travelled together, so the record may be of a
    /// later one.
    fn on_record(&self, place: &Place, entry: &Entry) -> bool {
        let lost = |conflict: &Conflict| {
            let beaten =
                conflict.winner != entry.member && conflict.times.get(entry.member).is_some_and(|time| *time >= entry.at);
            beaten || conflict.lost.contains(&entry.w)
        };
        self.conflicts.get(place).is_some_and(|all| all.iter().any(lost))
    }

    fn records(&self, place: &Place) -> String {
        let all = self.conflicts.get(place).map(Vec::as_slice).unwrap_or_default();
        all.iter()
            .map(|conflict| format!("{} won of {:?} with {:?}", conflict.winner, conflict.times, conflict.lost))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// How far two members' clocks may be apart, in microseconds.
const APART: i64 = 2 * STEP as i64 * 1_000_000;

/// Whoever inserts where a row was deleted has seen that there is none, on the same member or on
/// another.
fn followed(gone: &Entry, entries: &[Entry]) -> bool {
    let follows = |entry: &&Entry| {
        let later = if entry.member == gone.member { entry.seq > gone.seq } else { entry.at + APART > gone.at };
        !entry.gone && entry.old.is_none() && later
    };
    entries.iter().any(|entry| follows(&entry))
}

impl Entry {
    fn told(&self) -> String {
        let Entry { member, seq, w, old, gone, at } = self;
        format!("{member}#{seq} {}{w} over {old:?} at {at}", if *gone { "-" } else { "" })
    }
}
