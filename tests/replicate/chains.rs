//! Syncs one behind the other: what one brings, the next takes on (makedelta), and nothing comes
//! back to where it was made.

use crate::daemon::world::World;

/// Herds of the same tables on other databases than the first.
fn herds(world: &World, names: &[&str]) {
    for name in names {
        world.says(&format!("add table t u db={name} herd=h{name}"));
    }
}

#[test]
fn changes_go_down_a_chain() {
    for where_ in [
        "bucardo.sync set makedelta = true where name = 'first'",
        "bucardo.db set makedelta = true where name = 'B'",
        "bucardo.goat set makedelta = true where db = 'A'",
    ] {
        go_down_a_chain(where_);
    }
}

fn go_down_a_chain(makedelta: &str) {
    let world = World::new();
    herds(&world, &["B"]);
    world.says("add sync second type=pushdelta source=hB targetdb=C");
    world.says("add sync first type=pushdelta source=h targetdb=B");
    world.installed.control().execute(&format!("update {makedelta}"), &[]).unwrap();
    world.says("start");
    world.at("A", "insert into t select generate_series(1, 50)");
    world.becomes("C", "select count(*) from t", "50");
    world.at("A", "update t set id = 500 where id = 1; delete from t where id = 2");
    world.becomes("C", "select count(*) || ' ' || max(id) || ' ' || min(id) from t", "49 500 3");
    world.at("A", "truncate t; insert into t values (9)");
    world.becomes("C", "select string_agg(id::text, ' ') from t", "9");
    world.at("B", "insert into t values (10)");
    world.becomes("C", "select count(*) from t", "2");
}

/// Counts whatever is written to t, also by us.
const COUNT_WRITES: &str = "create table writes (n serial primary key);
    create function note() returns trigger language plpgsql as
        'begin insert into public.writes default values; return null; end';
    create trigger note after insert or update or delete on t for each row execute procedure note();
    alter table t enable always trigger note";

#[test]
fn changes_go_round_a_ring_once() {
    let world = World::new();
    herds(&world, &["B", "C"]);
    for (name, words) in [("ab", "source=h targetdb=B"), ("bc", "source=hB targetdb=C"), ("ca", "source=hC targetdb=A")] {
        world.says(&format!("add sync {name} type=pushdelta {words}"));
    }
    world.installed.control().execute("update bucardo.sync set makedelta = true", &[]).unwrap();
    for name in ["A", "B", "C"] {
        world.at(name, COUNT_WRITES);
    }
    world.says("start");
    for (n, name) in ["A", "B", "C"].into_iter().enumerate() {
        world.at(name, &format!("insert into t values ({n})"));
    }
    for name in ["A", "B", "C"] {
        world.becomes(name, "select count(*) from t", "3");
    }
    // However often anybody looks, nothing more is written: each table was written three times in
    // all.
    for sync in ["ab", "bc", "ca", "ab", "bc", "ca"] {
        world.says(&format!("kick {sync} 0"));
    }
    for name in ["A", "B", "C"] {
        assert_eq!(world.value(name, "select count(*) from writes"), "3", "on {name}");
    }
}

#[test]
fn a_star_of_two_swaps_spreads_what_either_side_changes() {
    let world = World::new();
    herds(&world, &["B"]);
    world.says("add sync ba type=swap source=hB targetdb=A");
    world.says("add sync bc type=swap source=hB targetdb=C");
    world.installed.control().execute("update bucardo.sync set makedelta = true", &[]).unwrap();
    world.says("start");
    world.at("A", "insert into t values (1)");
    world.at("C", "insert into t values (3)");
    for name in ["A", "B", "C"] {
        world.becomes(name, "select string_agg(id::text, ' ' order by id) from t", "1 3");
    }
    world.at("C", "update t set counter = 8 where id = 1");
    world.becomes("A", "select max(counter) from t", "8");
}
