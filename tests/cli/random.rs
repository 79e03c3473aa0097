//! Random command lines against a real control database: whatever is typed, nothing panics or
//! hangs, and what is refused has changed nothing.

use super::refused::contents;
use super::world::World;
use crate::harness::{Chance, Outcome};
use std::time::Duration;

/// Verbs that neither wait for a daemon nor start or stop one.
const VERBS: &[&str] = &[
    "add",
    "add",
    "add",
    "update",
    "update",
    "remove",
    "remove",
    "list",
    "set",
    "show",
    "config",
    "message",
    "status",
    "validate",
    "inspect",
    "kick",
    "activate",
    "deactivate",
    "help",
    "delta",
    "purge",
    "pause",
    "clone",
    "nosuch",
    "upgrade",
];
const TYPES: &[&str] = &[
    "db",
    "dbgroup",
    "herd",
    "relgroup",
    "table",
    "sequence",
    "sync",
    "all",
    "customcode",
    "customname",
    "customcols",
    "tables",
    "x",
];
const NAMES: &[&str] = &[
    "A",
    "B",
    "s1",
    "h",
    "g1",
    "t1",
    "sc.t1",
    "public.t2",
    "s1",
    "nosuch",
    "n1",
    "n2",
    "*",
    "t*",
    "%",
    "tables",
    "all",
    "add",
    "remove",
    "",
];
const PAIRS: &[&str] = &[
    "db=A",
    "db=B",
    "db=nosuch",
    "herd=h",
    "herd=n3",
    "type=pushdelta",
    "type=swap",
    "type=fullcopy",
    "source=h",
    "source=A",
    "targetdb=B",
    "targetdb=A",
    "targetgroup=g1",
    "tables=t1,t2",
    "tables=nosuch",
    "dbs=A:source,B",
    "dbs=A,B:source",
    "relgroup=h",
    "status=inactive",
    "status=asleep",
    "ping=maybe",
    "ping=on",
    "checktime=5min",
    "checktime=soon",
    "priority=x",
    "priority=99999",
    "name=n4",
    "name=1st",
    "onetimecopy=3",
    "nosuch=1",
    "host=127.0.0.1",
    "port=0",
    "port=1",
    "dbport=x",
    "conflict_strategy=nosuch",
    "standard_conflict=latest",
    "audit_pid=1",
    "batch_changes=x",
    "kid_pingtime=",
    "=",
    "\u{1f418}=\u{1f418}",
    "group=g2",
];
const OPTIONS: &[&str] =
    &["--quiet", "--verbose", "--dryrun", "--confirm", "--force", "--batch", "--sort=3", "--sort=x", "--nosuch", "-n", "sc"];

fn line(chance: &mut Chance) -> Vec<String> {
    let mut words = vec![chance.pick(VERBS)];
    if chance.below(8) > 0 {
        words.push(chance.pick(TYPES));
    }
    words.extend((0..chance.below(3)).map(|_| chance.pick(NAMES)));
    words.extend((0..chance.below(5)).map(|_| chance.pick(PAIRS)));
    if chance.below(4) == 0 {
        let place = usize::try_from(chance.below(words.len() as u64 + 1)).unwrap();
        words.insert(place, chance.pick(OPTIONS));
    }
    words.into_iter().map(str::to_owned).collect()
}

fn call(world: &World, program: &str, words: &[String]) -> Outcome {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    world.call(program, &words).timeout(Duration::from_secs(30)).run()
}

/// Exit codes that say that something was refused; `show` and an upgrade without changes always end
/// with 1.
fn is_refusal(words: &[String], code: i32) -> bool {
    code != 0 && !["show", "config", "validate", "upgrade"].contains(&words[0].as_str())
}

#[test]
fn hundreds_of_random_lines_neither_panic_nor_change_anything_when_refused() {
    let world = World::with_dbs();
    for line in ["add table t1 t2 db=A herd=h", "add dbgroup g1 B C", "add sync s1 type=pushdelta source=h targetdb=B"] {
        world.says(line);
    }
    let mut chance = Chance::seeded(1);
    let (mut refused, mut done) = (0, 0);
    let mut before = contents(&world);
    for round in 0..300 {
        let program = if chance.below(2) == 0 { "bucardo_ctl" } else { "bucardo" };
        let words = line(&mut chance);
        let outcome = call(&world, program, &words);
        assert!(
            !outcome.stderr.contains("panicked") && outcome.code() != 101,
            "{round}: {program} {words:?}\n{}",
            outcome.stderr
        );
        let after = contents(&world);
        let rehearsal = words.iter().any(|word| word == "--dryrun");
        if is_refusal(&words, outcome.code()) || rehearsal {
            assert!(after == before, "{round}: {program} {words:?} has changed something\n{}{}", outcome.stdout, outcome.stderr);
            refused += 1;
        } else {
            done += 1;
        }
        before = after;
    }
    assert!(refused > 60 && done > 30, "{refused} refused, {done} done");
}
