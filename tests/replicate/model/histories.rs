//! Histories: all short ones of a kind, and long ones by chance.

use super::member::{Member, Write};
use super::round::{End, Rules, Strategy};
use super::{Event, World};
use crate::harness::Chance;
use bucardo::replicate::snapshot::Snapshot;
use std::collections::BTreeSet;

/// After the last write, so many rounds must be enough: one takes what was written, one what a
/// receiver noted, and one finds nothing.
const ROUNDS: usize = 4;

/// Rows that all members have in the beginning.
const FIRST: [(u8, u8); 2] = [(1, 1), (3, 3)];

impl World {
    fn new(masters: usize, strategy: Strategy, rules: Rules, script: Vec<(usize, Event)>) -> World {
        let none = Snapshot { xmin: 1, xmax: 1, running: Vec::new() };
        let mut members = vec![Member::new(); masters];
        for member in &mut members {
            for (key, claim) in FIRST {
                let row = super::member::Row { claim, write: 1000 + u32::from(key) };
                member.rows.insert(key, row);
            }
        }
        let receipts = vec![vec![none; masters]; masters];
        let (lost, replaced, made) = Default::default();
        let mut world = World { members, receipts, clock: 0, rules, strategy, script, point: 0, lost, replaced, made, writes: 0 };
        world.script.sort_by_key(|(due, _)| std::cmp::Reverse(*due));
        world
    }

    /// Rounds until everything has happened, and then until nothing is left; what is wrong in the
    /// end.
    fn run(mut self) -> Result<(), String> {
        while !self.script.is_empty() {
            self.round();
        }
        for member in &mut self.members {
            member.close();
        }
        let ended = (0..ROUNDS).any(|_| self.round() == End::Nothing);
        let first = &self.members[0].rows;
        if self.members.iter().any(|member| member.rows != *first) {
            return Err(format!("masters differ: {:?}", self.members.iter().map(|member| &member.rows).collect::<Vec<_>>()));
        }
        if !ended {
            return Err("rounds go on for ever".to_owned());
        }
        let lost: BTreeSet<u32> = self.lost.iter().map(|(_, write)| *write).collect();
        let there: BTreeSet<u32> = first.values().map(|row| row.write).collect();
        if let Some(write) = there.iter().find(|write| self.replaced.contains(write)) {
            return Err(format!("write {write} came back after somebody who knew it had replaced it: {first:?}"));
        }
        let accounted = |write: &&u32| lost.contains(write) || there.contains(write) || self.replaced.contains(write);
        let made = self.made.iter().find(|write| !accounted(write));
        made.map_or(Ok(()), |write| Err(format!("write {write} is lost without a record: {first:?}")))
    }
}

/// A history in words that say all of it.
fn tell(masters: usize, strategy: Strategy, script: &[(usize, Event)], what: &str) -> String {
    format!("{what}\n{masters} masters, {strategy:?}, {script:?}")
}

fn any_write(chance: &mut Chance, truncates: bool) -> Write {
    let key = 1 + chance.below(4) as u8;
    let claim = chance.below(4) as u8;
    match chance.below(if truncates { 24 } else { 20 }) {
        0..=6 => Write::Insert(key, claim),
        7..=12 => Write::Claim(key, claim),
        13..=16 => Write::Touch(key),
        17..=19 => Write::Delete(key),
        _ => Write::Truncate,
    }
}

/// A script of so many events within so many points of time.
fn any_script(chance: &mut Chance, masters: usize, events: u64, points: u64, truncates: bool) -> Vec<(usize, Event)> {
    let mut script = Vec::new();
    for _ in 0..events {
        let member = chance.below(masters as u64) as usize;
        let event = match chance.below(16) {
            0 | 1 => Event::Begin(member),
            2 => Event::Die,
            _ => Event::Write(member, any_write(chance, truncates)),
        };
        script.push((chance.below(points) as usize, event));
    }
    script
}

const STRATEGIES: [Strategy; 3] = [Strategy::Latest, Strategy::Source, Strategy::Target];

/// Tries so many histories; the first that goes wrong.
fn try_by_chance(chance: &mut Chance, histories: u64, rules: Rules) -> Result<(), String> {
    for _ in 0..histories {
        let masters = 2 + chance.below(3) as usize;
        let (events, points) = (2 + chance.below(12), 1 + chance.below(40));
        let truncates = chance.below(2) == 0;
        let script = any_script(chance, masters, events, points, truncates);
        let strategy = chance.pick(&STRATEGIES);
        let world = World::new(masters, strategy, rules, script.clone());
        world.run().map_err(|what| tell(masters, strategy, &script, &what))?;
    }
    Ok(())
}

/// How many, in millions, by `BUCARDO_MODEL_MILLIONS`.
fn histories() -> u64 {
    let millions = std::env::var("BUCARDO_MODEL_MILLIONS").ok();
    millions.map_or(1, |text| text.parse::<u64>().unwrap()) * 1_000_000
}

#[test]
fn masters_agree_after_any_history() {
    let mut chance = Chance::new();
    try_by_chance(&mut chance, histories(), Rules::ALL).unwrap_or_else(|what| panic!("{what}"));
}

/// What the short histories are made of: rows 1 and 3 are there, and claim 1 and 3.
const SHORT: [Write; 8] = [
    Write::Insert(2, 1),
    Write::Insert(2, 2),
    Write::Claim(1, 2),
    Write::Claim(3, 1),
    Write::Claim(3, 2),
    Write::Touch(1),
    Write::Delete(1),
    Write::Truncate,
];

/// Points of time from before the first look to after the last commit of a round of three masters.
const POINTS: usize = 10;

/// Before any commit, after the first, after the second, and after all.
const DEATHS: [usize; 4] = [7, 8, 9, POINTS + 1];

/// Every pair of writes on three masters, between any two steps of a round, with a death between
/// any two commits, or none.
#[test]
fn masters_agree_after_every_short_history() {
    let every = || (0..3).flat_map(|member| SHORT.map(|write| Event::Write(member, write)));
    let mut tried = 0;
    for (first, second) in every().flat_map(|first| every().map(move |second| (first, second))) {
        for (at, then) in (1..=POINTS).flat_map(|at| (at..=POINTS).map(move |then| (at, then))) {
            for dies in DEATHS {
                let script = vec![(dies, Event::Die), (then, second), (at, first)];
                let strategy = STRATEGIES[tried % STRATEGIES.len()];
                let world = World::new(3, strategy, Rules::ALL, script.clone());
                world.run().unwrap_or_else(|what| panic!("{}", tell(3, strategy, &script, &what)));
                tried += 1;
            }
        }
    }
}

/// A check that cannot fail shows nothing: without any one of the rules, masters part.
#[test]
fn without_one_of_the_rules_masters_part() {
    for rules in [
        Rules { resend: false, ..Rules::ALL },
        Rules { note: false, ..Rules::ALL },
        Rules { known: false, ..Rules::ALL },
        Rules { settle: false, ..Rules::ALL },
        Rules { truncate: false, ..Rules::ALL },
    ] {
        assert!(try_by_chance(&mut Chance::new(), histories(), rules).is_err(), "{rules:?}");
    }
}
