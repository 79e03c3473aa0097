//! A sync that does not carry all that it should needs attention, whatever asks for its state.

use super::states::{becomes, check, told};
use super::world::World;

/// Sync s carries t and u from A to B; table bad has no key.
fn world() -> World {
    let world = World::with(&["A", "B"], &[]);
    ["A", "B"].iter().for_each(|name| world.at(name, "create table bad (id integer)"));
    world.run_sync("s", "targetdb=B");
    world
}

fn newer(world: &World, line: &str) -> String {
    world.installed.bucardo(&line.split(' ').collect::<Vec<_>>()).ok()
}

/// What every monitor says of a table that is left out.
fn is_told(world: &World) {
    let why = "table \"public.bad\" is not replicated yet: ";
    assert_eq!(told(world, "level"), "warning");
    assert!(told(world, "reason").starts_with(why) && told(world, "left_out,0").starts_with(why));
    let table = world.says("status");
    assert!(table.contains(" P M!") && table.contains(why) && table.contains("1 of 1 bad: 1 incomplete"), "{table}");
    let table = newer(world, "status");
    assert!(table.contains("| Incomplete") && table.contains(why), "{table}");
    let (code, said) = check(world);
    assert!(code == 1 && said.contains("syncs with tables that are not replicated: 1 ") && said.contains(why), "{said}");
}

/// Also one that was added and that nothing has looked at yet.
#[test]
fn a_sync_that_leaves_out_a_table_needs_attention() {
    let world = world();
    world.says("add table bad db=A herd=h");
    is_told(&world);
    world.run("reload s").ended_with(1);
    becomes(&world, "idle");
    is_told(&world);
    world.says("restart");
    becomes(&world, "idle");
    is_told(&world);
    world.says("update sync s remove table public.bad");
    assert_eq!((told(&world, "level").as_str(), check(&world).0), ("ok", 0));
}

#[test]
fn missing_changes_of_a_sync_that_is_off_or_paused_are_told() {
    let world = world();
    let gap = "insert into bucardo.gap (sync, targetdb, db, goat, tablename, what, command)
        select 's', 'B', 'A', id, 'public.t', 'something', 'a command' from bucardo.goat where tablename = 't'";
    world.at("control", gap);
    for (line, state, shown) in [
        ("pause s", "paused", "| Paused"),
        ("resume s", "idle", "| Incomplete"),
        ("deactivate s 0", "off", "| Inactive"),
        ("update sync s status=inactive", "off", "| Inactive"),
    ] {
        world.says(line);
        becomes(&world, state);
        assert_eq!(told(&world, "level"), "warning", "{line}");
        let table = world.says("status");
        assert!(table.contains(" P M!") && table.contains("1 of 1 bad: 1 incomplete"), "{table}");
        let table = newer(&world, "status");
        assert!(table.contains(shown) && !told(&world, "reason").is_empty(), "{table}");
        let (code, said) = check(&world);
        assert!(code == 1 && said.contains("syncs with gaps: 1 "), "{said}");
    }
    world.says("accept gaps s");
    assert_eq!((told(&world, "level").as_str(), check(&world).0), ("ok", 0));
}

/// A round that takes long before it fails would be well nearly always.
#[test]
fn a_sync_that_failed_is_bad_until_a_try_has_succeeded() {
    let world = world();
    let gate = "create table gate (open boolean);
        create function refuse() returns trigger language plpgsql as $$ begin
            if exists (select from public.gate where open) then return new; end if;
            if exists (select from public.gate) then perform pg_sleep(60); end if;
            raise 'not today'; end $$;
        create trigger refuse before insert on t for each row execute procedure refuse();
        alter table t enable always trigger refuse";
    world.at("B", gate);
    world.at("A", "insert into t values (1)");
    becomes(&world, "stalled");
    world.at("B", "insert into gate values (false)");
    world.becomes("B", "select count(*) from pg_stat_activity where wait_event = 'PgSleep'", "1");
    assert_eq!((told(&world, "condition").as_str(), told(&world, "level").as_str()), ("running", "warning"));
    assert!(told(&world, "reason").contains("not today") && told(&world, "failing") == "true");
    let table = world.says("status");
    assert!(table.contains("|RUN:") && table.contains("not today") && table.contains("1 of 1 bad: 1 stalled"), "{table}");
    assert!(newer(&world, "status").contains("| Bad"), "{}", newer(&world, "status"));
    let (code, said) = check(&world);
    assert!(code == 1 && said.contains("failed syncs: 1 ") && said.contains("not today"), "{said}");

    world.at("B", "update gate set open = true");
    let asleep = "select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'";
    world.at("B", asleep);
    world.becomes("B", "select count(*) from t", "1");
    becomes(&world, "idle");
    assert_eq!((told(&world, "level").as_str(), check(&world).0), ("ok", 0));
}
