//! Code of the tables that we read and write runs with the rights of our role. It is told where
//! these are more than the owner's, and only there.

use super::objects;
use crate::daemon::world::World;

const ADD: &str = "add sync s type=pushdelta source=h targetdb=B strict_checking=false";

/// B's tables belong to `keeper`, with code of all kinds; our role there has this right besides.
fn world(right: &str) -> World {
    let world = objects::world();
    world.at("A", right);
    world
}

const CODE: &str = "create function fine(integer) returns boolean language sql immutable as 'select true';
    create function same(integer) returns integer language sql immutable as 'select $1';
    alter table t add constraint fine check (fine(counter));
    create index t_same on t (same(counter));
    create function fires() returns trigger language plpgsql as $$ begin return new; end $$;
    create trigger fires before insert on u for each row execute procedure fires(); alter table u enable always trigger fires;
    create trigger rests before insert on u for each row execute procedure fires();
    create rule also as on delete to u do also select 1; alter table u enable replica rule also;
    create domain word as text check (fine(length(value))); create type pair as (a integer, w word);
    alter table t add w word, add p pair, add d integer default same(1)";

fn keeper(world: &World, name: &str, sql: &str) {
    let mut keeper = world.server(name).connect_as(&name.to_lowercase(), "keeper");
    keeper.batch_execute(sql).unwrap_or_else(|error| panic!("{error:?}\n{sql}"));
}

/// Lines of standard error that begin so.
fn warnings(told: &str, beginning: &str) -> Vec<String> {
    told.lines().filter(|line| line.starts_with(beginning)).map(str::to_owned).collect()
}

#[test]
fn code_of_a_table_is_named_where_our_role_has_rights_of_another_owner() {
    let world = world("create role other login; grant other to porter");
    keeper(&world, "B", CODE);
    let told = world.run(ADD).ended_with(0).stderr;
    let t = warnings(&told, "Warning: Table \"public.t\" on database \"B\": ").concat();
    for what in [
        "constraint \"fine\"",
        "index \"t_same\"",
        "default or expression of column \"d\"",
        "type of column \"p\"",
        "type of column \"w\"",
        "runs with the rights of role \"porter\", which has the rights of \"other\"",
        "the owner of the table, \"keeper\", gains that",
    ] {
        assert!(t.contains(what), "{what}: {told}");
    }
    let u = warnings(&told, "Warning: Table \"public.u\" on database \"B\": ").concat();
    assert!(u.contains("rule \"also\", trigger \"fires\""), "{told}");
    assert!(warnings(&told, "Warning: Table \"public.t\" on database \"A\": ").is_empty(), "{told}");
    // It is kept with the sync, and told by status.
    assert!(world.says("status s").contains("constraint \"fine\""));
}

/// Triggers and rules that rest while ours are off fire where they cannot be switched off.
#[test]
fn ordinary_triggers_are_named_where_they_fire() {
    let world = world("create role other login; grant other to porter");
    keeper(&world, "B", CODE);
    let u = warnings(&world.run(ADD).stderr, "Warning: Table \"public.u\"").concat();
    assert!(u.contains("trigger \"rests\""), "{u}");
    if world.server("B").major() < 15 {
        return;
    }
    world.at("B", "grant set on parameter session_replication_role to porter");
    let u = warnings(&world.run("validate s").stderr, "Warning: Table \"public.u\"").concat();
    assert!(u.contains("trigger \"fires\"") && !u.contains("rests"), "{u}");
}

/// A role with the rights of this one owner gives nothing away, whatever the tables call.
#[test]
fn nothing_is_told_where_our_role_may_what_the_owner_may() {
    let world = world("select 1");
    keeper(&world, "B", CODE);
    let told = world.run(ADD).ended_with(0).stderr;
    assert!(!told.contains("runs with the rights"), "{told}");
}

#[test]
fn functions_of_a_superuser_are_no_code_of_the_owner() {
    let world = world("create role other login; grant other to porter");
    keeper(&world, "B", "create schema trusted");
    world.at("B", "create function public.sound(integer) returns boolean language sql immutable as 'select true'; alter table t add check (public.sound(counter)), add check (counter >= 0)");
    let told = world.run(ADD).ended_with(0).stderr;
    assert!(!told.contains("runs with the rights"), "{told}");
}

/// Of a superuser any owner can make anything, also without code today.
#[test]
fn a_superuser_who_writes_tables_of_others_is_told_of() {
    let world = world("alter role porter superuser");
    let told = world.run(ADD).ended_with(0).stderr;
    let lines = warnings(&told, "Warning: Database \"B\": role \"porter\" is a superuser");
    assert!(lines.len() == 1 && lines[0].contains("(\"keeper\")") && lines[0].contains("help rights"), "{told}");
    let read =
        warnings(&told, "Warning: Database \"A\": role \"porter\" is a superuser, and what the server evaluates to plan a query");
    assert!(read.len() == 1 && read[0].contains("(\"keeper\")") && !told.contains("gains that"), "{told}");
    keeper(&world, "B", CODE);
    let told = world.run("validate s").ended_with(0).stderr;
    assert!(told.contains("constraint \"fine\"") && told.contains("which is a superuser"), "{told}");
}

#[test]
fn the_role_of_the_control_database_is_named_where_it_writes_code_of_others() {
    let world = world("select 1");
    keeper(&world, "B", CODE);
    world.at("B", "grant keeper to bucardo; grant create, temporary on database b to bucardo");
    world.at("A", "grant create, temporary on database a to bucardo");
    world.installed.control().execute("update bucardo.db set dbuser = 'bucardo'", &[]).unwrap();
    let told = world.run(ADD).ended_with(0).stderr;
    assert!(told.contains("which owns the control database on this server, with all passwords in it"), "{told}");
}

#[test]
fn code_of_partitions_is_named_as_well() {
    let world = world("create role other login; grant other to porter");
    for name in ["A", "B"] {
        keeper(
            &world,
            name,
            "create table p (id integer not null, v integer) partition by range (id); create table p_1 (id integer not null, v integer)",
        );
        keeper(
            &world,
            name,
            "alter table p_1 add primary key (id); alter table p attach partition p_1 for values from (0) to (100)",
        );
    }
    if world.server("A").major() < 11 {
        return;
    }
    for name in ["A", "B"] {
        keeper(&world, name, "alter table p add primary key (id)");
    }
    keeper(
        &world,
        "B",
        "create function fine(integer) returns boolean language sql immutable as 'select true'; alter table p_1 add constraint of_part check (fine(v))",
    );
    world.says("add table p db=A herd=parts");
    let told = world.run("add sync parts type=pushdelta source=parts targetdb=B").stderr;
    assert!(told.contains("Table \"public.p\" on database \"B\": constraint \"of_part\""), "{told}");
}

/// What it comes to, as a table of another role shows: the check changes what belongs to another
/// role.
#[test]
fn what_is_told_is_so() {
    let world =
        world("create role other login; grant other to porter; create table spoils (v text); alter table spoils owner to other");
    world.at("B", "create table spoils (v text); alter table spoils owner to other; grant all on schema public to other");
    keeper(&world, "B", "create function takes(integer) returns boolean language plpgsql as $$ begin insert into public.spoils values (current_user); return true; exception when others then return true; end $$;
        alter table t add constraint takes check (takes(counter))");
    let told = world.run(ADD).ended_with(0).stderr;
    assert!(told.contains("constraint \"takes\""), "{told}");
    world.says("start");
    world.at("A", "insert into t values (1)");
    world.becomes("B", "select string_agg(distinct v, ' ') from spoils", "porter");
}

/// The server folds constants in what is to be evaluated for an index when it plans any query on
/// the table.
#[test]
fn what_runs_when_a_table_is_only_read_is_named() {
    let world = world("create role other login; grant other to porter");
    keeper(&world, "A", CODE);
    keeper(&world, "A", "alter table t drop w, drop p, drop d; create index t_some on t (counter) where fine(1)");
    let has_statistics = world.server("A").major() >= 14;
    if has_statistics {
        keeper(&world, "A", "create statistics t_statistics on (same(counter)), counter from t");
    }
    let told = world.run(ADD).ended_with(0).stderr;
    let t = warnings(&told, "Warning: Table \"public.t\" on database \"A\": ").concat();
    let statistics = if has_statistics { ", statistics \"t_statistics\"" } else { "" };
    let named = format!("index \"t_same\", index \"t_some\"{statistics} runs with the rights of role \"porter\"");
    assert!(t.contains(&named) && t.contains("the owner of the table, \"keeper\", gains that"), "{told}");
    assert!(warnings(&told, "Warning: Table \"public.u\"").is_empty(), "{told}");
    assert!(world.says("status s").contains("index \"t_some\""));
}
