//! Sequences among masters: which number counts, and in what form each master gets it.

use crate::daemon::world::{PATIENCE, World};
use crate::harness::wait_until;

/// Masters with a sequence `n` of their own making each, the first of them the source of the herd.
fn masters(sequences: &[(&str, &str)], words: &str) -> World {
    let names: Vec<&str> = sequences.iter().map(|(name, _)| *name).collect();
    let world = World::with(&names, &[]);
    for (name, options) in sequences {
        world.at(name, &format!("create sequence n {options}"));
    }
    world.says(&format!("add sequence n db=A herd=h {words}"));
    let others: Vec<String> = names[1..].iter().map(|name| format!("{name}:source")).collect();
    world.run(&format!("add sync s source=h dbs=A:source,{}", others.join(","))).ok();
    world.says("start");
    world.says("kick s 0");
    world
}

/// Draws so many numbers; the last of them.
fn draw(world: &World, name: &str, times: usize) -> i64 {
    let mut client = world.db(name);
    let drawn = (0..times).map(|_| client.query_one("select nextval('n')", &[]).unwrap().get(0));
    drawn.last().unwrap()
}

fn settle(world: &World) {
    world.at("A", "insert into u select coalesce(max(id), 0) + 1 from u");
    world.says("kick s 0");
}

/// What each would give out next.
fn next(world: &World, name: &str) -> i64 {
    let sql = "select case when is_called then last_value + seqincrement else last_value end from n, pg_sequence where seqrelid = 'n'::regclass";
    world.value(name, sql).parse().unwrap()
}

#[test]
fn a_descending_sequence_gives_out_no_number_twice() {
    let world = masters(&[("A", "increment -1"), ("B", "increment -1")], "");
    assert_eq!((draw(&world, "A", 5), draw(&world, "B", 2)), (-5, -2));
    settle(&world);
    assert_eq!((next(&world, "A"), next(&world, "B")), (-6, -6));
    assert_eq!(draw(&world, "B", 3), -8);
    settle(&world);
    assert_eq!((next(&world, "A"), next(&world, "B")), (-9, -9));
}

#[test]
fn the_lowest_of_a_descending_sequence_is_the_lowest_number() {
    let world = masters(&[("A", "increment -1"), ("B", "increment -1")], "standard_conflict=lowest");
    assert_eq!((draw(&world, "A", 5), draw(&world, "B", 2)), (-5, -2));
    settle(&world);
    assert_eq!((next(&world, "A"), next(&world, "B")), (-6, -6));
}

#[test]
fn odd_and_even_numbers_stay_so_and_keep_pace() {
    let world = masters(&[("A", "increment 2 start 1"), ("B", "increment 2 start 2")], "");
    assert_eq!((next(&world, "A"), next(&world, "B")), (1, 2), "nothing has been given out yet");
    assert_eq!((draw(&world, "A", 5), draw(&world, "B", 1)), (9, 2));
    settle(&world);
    assert_eq!((next(&world, "A"), next(&world, "B")), (11, 10));
    assert_eq!(draw(&world, "B", 20), 48);
    settle(&world);
    assert_eq!((next(&world, "A"), next(&world, "B")), (49, 50));
    settle(&world);
    assert_eq!((next(&world, "A"), next(&world, "B")), (49, 50), "nothing changes of itself");
}

/// Whatever decides: a number of another master's is none that a master may give out.
#[test]
fn odd_and_even_numbers_stay_so_with_every_strategy() {
    for (strategy, at_a, at_b) in [("source", 11, 10), ("target", 5, 6), ("lowest", 5, 6), ("skip", 11, 6)] {
        let world =
            masters(&[("A", "increment 2 start 1"), ("B", "increment 2 start 2")], &format!("standard_conflict={strategy}"));
        assert_eq!((draw(&world, "A", 5), draw(&world, "B", 2)), (9, 4));
        settle(&world);
        assert_eq!((next(&world, "A"), next(&world, "B")), (at_a, at_b), "{strategy}");
    }
}

#[test]
fn three_masters_that_take_turns_stay_apart_in_either_direction() {
    for sign in [1, -1] {
        let options = [1, 2, 3].map(|start| format!("increment {} start {}", sign * 3, sign * start));
        let world = masters(&[("A", &options[0]), ("B", &options[1]), ("C", &options[2])], "");
        assert_eq!(draw(&world, "B", 10), sign * 29);
        settle(&world);
        let all = ["A", "B", "C"].map(|name| sign * next(&world, name));
        assert_eq!(all, [31, 32, 30]);
        assert_eq!(draw(&world, "C", 1), sign * 30);
        settle(&world);
        assert_eq!(["A", "B", "C"].map(|name| sign * next(&world, name)), [31, 32, 33]);
    }
}

/// Masters that each have a range of numbers: none is given a number outside its own.
#[test]
fn ranges_of_numbers_stay_with_their_masters() {
    let world = masters(&[("A", "minvalue 1 maxvalue 1000"), ("B", "minvalue 1001 maxvalue 2000")], "");
    assert_eq!((draw(&world, "A", 7), draw(&world, "B", 3)), (7, 1003));
    settle(&world);
    assert_eq!((next(&world, "A"), next(&world, "B")), (8, 1004));
    world.becomes_quiet();
}

#[test]
fn of_two_that_share_a_range_and_one_that_does_not_the_two_agree() {
    let world = masters(&[("A", "maxvalue 1000"), ("B", "minvalue 5001"), ("C", "maxvalue 1000")], "");
    assert_eq!((draw(&world, "C", 7), draw(&world, "B", 3)), (7, 5003));
    settle(&world);
    assert_eq!((next(&world, "A"), next(&world, "B"), next(&world, "C")), (8, 5004, 8));
}

/// A sequence that begins anew has not gone back.
#[test]
fn a_sequence_that_cycles_may_begin_anew_on_any_master() {
    let world = masters(&[("A", "maxvalue 100 cycle"), ("B", "maxvalue 100 cycle")], "");
    assert_eq!(draw(&world, "A", 98), 98);
    settle(&world);
    assert_eq!((next(&world, "A"), next(&world, "B")), (99, 99));
    assert_eq!((draw(&world, "B", 5), draw(&world, "A", 1)), (3, 99));
    settle(&world);
    assert_eq!((next(&world, "A"), next(&world, "B")), (4, 4));
    assert_eq!(draw(&world, "A", 1), 4);
    settle(&world);
    assert_eq!((next(&world, "A"), next(&world, "B")), (5, 5));
}

#[test]
fn masters_that_count_in_opposite_directions_keep_their_own() {
    let world = masters(&[("A", ""), ("B", "increment -1 minvalue -1000 maxvalue 1000 start 0")], "");
    assert_eq!((draw(&world, "A", 7), draw(&world, "B", 3)), (7, -2));
    settle(&world);
    assert_eq!((next(&world, "A"), next(&world, "B")), (8, -3));
}

/// What is worth telling of differences, since nobody else sees them before numbers meet.
#[test]
fn validate_tells_where_sequences_count_in_other_ways() {
    let world = World::with(&["A", "B", "C"], &[]);
    for (name, options) in [("A", "increment 2"), ("B", "increment 5 maxvalue 1000"), ("C", "increment 2 cycle")] {
        world.at(name, &format!("create sequence n {options}"));
    }
    world.says("add sequence n db=A herd=h");
    let added = world.run("add sync s source=h dbs=A:source,B:source,C:target").ended_with(0);
    let told = world.run("validate s").ended_with(0);
    let all = format!("{}{}{}{}", added.stdout, added.stderr, told.stdout, told.stderr);
    for note in [
        "Sequence \"public.n\" on database \"B\": increment 5, not 2",
        "Sequence \"public.n\" on database \"B\": maximum 1000, not 9223372036854775807",
        "Sequence \"public.n\" on database \"C\": it cycles",
    ] {
        assert!(all.contains(note), "{note}: {all}");
    }
}

/// A target gives out no numbers of its own: it gets the source's as they are.
#[test]
fn a_target_gets_the_source_s_number_unchanged() {
    let world = World::with(&["A", "B"], &[]);
    world.at("A", "create sequence n increment 2 start 1; create sequence d increment -5");
    world.at("B", "create sequence n increment 2 start 2; create sequence d increment -5");
    world.says("add sequence n d db=A herd=h");
    world.run("add sync s type=pushdelta source=h targetdb=B").ended_with(0);
    world.says("start");
    assert_eq!(draw(&world, "A", 4), 7);
    world.at("A", "select nextval('d')");
    settle(&world);
    assert_eq!((next(&world, "A"), next(&world, "B")), (9, 9));
    assert_eq!(world.value("B", "select last_value || ' ' || is_called from d"), "-1 true");
}

/// Which, where, and what to do.
#[test]
fn a_sequence_that_was_dropped_is_told_until_it_is_there_again() {
    let world = World::with(&["A", "B"], &[]);
    for db in ["A", "B"] {
        world.at(db, "create sequence n");
    }
    world.says("add sequence n db=A herd=h");
    world.run_sync("s", "targetdb=B");
    world.says("kick s 0");
    world.at("A", "drop sequence n; insert into t values (1)");
    world.becomes("B", "select count(*) from t", "1");
    let words = ["database \"A\": Sequence \"public.n\" does not exist", "bucardo_ctl remove sequence public.n"];
    for outcome in [world.run("kick s 20"), world.run("validate s")] {
        assert!(outcome.code() != 0 && words.iter().all(|words| outcome.stderr.contains(words)), "{}", outcome.stderr);
    }
    world.at("A", "create sequence n start 77");
    wait_until("the sequence is carried", PATIENCE, || {
        world.run("kick s 20");
        (world.value("B", "select last_value from n") == "77").then_some(())
    });
}
