//! A schema `bucardo`, or something in it, that is not ours: refused by name, before any of it is
//! read.

use super::{SPY, refused, spied};
use crate::daemon::world::World;

/// A and B, which belong to `keeper`, with tables of the same; our role `porter` may what `keeper`
/// may.
pub(super) fn world() -> World {
    let world = World::with(&["A", "B"], &[]);
    world.at("A", "create role keeper login; create role passer login; create role porter login in role keeper");
    for name in ["A", "B"] {
        let dbname = name.to_lowercase();
        world.at(
            name,
            &format!(
                "alter table t owner to keeper; alter table u owner to keeper; grant all on schema public to keeper, passer;
                alter database {dbname} owner to keeper; grant create, temporary on database {dbname} to porter"
            ),
        );
        world.server(name).connect_as(&dbname, "keeper").batch_execute(SPY).unwrap();
    }
    world.installed.control().execute("update bucardo.db set dbuser = 'porter'", &[]).unwrap();
    world
}

fn keeper(world: &World, name: &str, sql: &str) {
    let mut keeper = world.server(name).connect_as(&name.to_lowercase(), "keeper");
    keeper.batch_execute(sql).unwrap_or_else(|error| panic!("{error:?}\n{sql}"));
}

fn nothing_spied(world: &World) {
    assert!(!spied(&mut world.db("A")) && !spied(&mut world.db("B")), "code of the attacker ran with the rights of another role");
}

const ADD: &str = "add sync s type=pushdelta source=h targetdb=B";

/// A trap in the place of each table that is read first.
const TRAPS: &str = "create schema bucardo; grant all on schema bucardo to public;
    create view bucardo.bucardo_delta_targets as select 'x'::text as sync, 'x'::text as targetdb, null::oid[] as tables, null::txid_snapshot as receipt, false as always where public.spy();
    create view bucardo.bucardo_delta_names as select 0::oid as tablename, 'x'::text as deltaname, false as retired where public.spy();
    create view bucardo.bucardo_track as select 'x'::text as sync, 'x'::text as source where public.spy();
    grant select on all tables in schema bucardo to public";

#[test]
fn a_schema_made_beforehand_on_the_source_is_refused() {
    let world = world();
    keeper(&world, "A", TRAPS);
    refused(
        &world.run(ADD),
        &[
            "Database \"A\": schema bucardo belongs to role \"keeper\"",
            "DROP SCHEMA bucardo CASCADE",
            "ALTER SCHEMA bucardo OWNER TO \"porter\"",
        ],
    );
    nothing_spied(&world);
    keeper(&world, "A", "drop schema bucardo cascade");
    world.says(ADD);
    assert_eq!(world.value("A", "select nspowner::regrole::text from pg_namespace where nspname = 'bucardo'"), "porter");
}

#[test]
fn a_schema_made_beforehand_on_the_target_is_refused() {
    let world = world();
    keeper(&world, "B", TRAPS);
    refused(&world.run(ADD), &["Database \"B\": schema bucardo belongs to role \"keeper\""]);
    nothing_spied(&world);
    // Nothing was made anywhere.
    assert_eq!(world.value("A", "select to_regnamespace('bucardo') is null"), "true");
    assert_eq!(world.value("A", "select count(*) from pg_trigger where not tgisinternal"), "0");
}

/// A superuser who replicates is in no better place.
#[test]
fn a_superuser_refuses_a_foreign_schema_as_well() {
    let world = world();
    world.installed.control().execute("update bucardo.db set dbuser = 'postgres'", &[]).unwrap();
    keeper(&world, "A", TRAPS);
    refused(&world.run(ADD), &["Database \"A\": schema bucardo belongs to role \"keeper\""]);
    nothing_spied(&world);
}

/// The owner of a database lets all its sessions begin as his own role; what runs there could then
/// go back to ours.
#[test]
fn a_role_that_is_set_for_the_database_does_not_become_ours() {
    let world = world();
    keeper(
        &world,
        "A",
        "alter database a set role = keeper; create or replace function spy() returns boolean language plpgsql as $$
        begin set role none; if current_user <> 'keeper' then perform nextval('public.spied'); end if; return true; end $$",
    );
    keeper(&world, "A", TRAPS);
    refused(&world.run(ADD), &["Database \"A\": schema bucardo belongs to role \"keeper\""]);
    nothing_spied(&world);
    keeper(&world, "A", "drop schema bucardo cascade");
    world.says(ADD);
    assert_eq!(world.value("A", "select nspowner::regrole::text from pg_namespace where nspname = 'bucardo'"), "porter");
}

#[test]
fn an_empty_schema_of_a_superuser_is_ours() {
    let world = world();
    world.at("A", "create schema bucardo; grant all on schema bucardo to porter");
    world.says(ADD);
    world.says("start");
    world.at("A", "insert into t values (1)");
    world.becomes("B", "select count(*) from t", "1");
}

#[test]
fn a_schema_in_which_others_may_create_objects_is_refused() {
    let world = world();
    world.says(ADD);
    for (grantee, named) in [("passer", "\"passer\""), ("public", "\"PUBLIC\"")] {
        world.at("A", &format!("grant create on schema bucardo to {grantee}"));
        refused(
            &world.run("validate s"),
            &[&format!("role {named} may create objects in schema bucardo"), "REVOKE CREATE ON SCHEMA bucardo FROM"],
        );
        world.at("A", &format!("revoke create on schema bucardo from {grantee}"));
    }
    world.says("validate s");
}

/// For a moment a role could create something; what it made stays foreign.
#[test]
fn a_function_or_table_of_others_in_our_schema_is_refused_by_name() {
    let world = world();
    world.says(ADD);
    for (sql, what) in [
        ("create function bucardo.f(integer) returns integer language sql as 'select 1'", "function bucardo.f("),
        ("create view bucardo.v as select public.spy() as s", "view bucardo.v"),
        ("create table bucardo.x (a integer)", "table bucardo.x"),
        ("create sequence bucardo.q", "sequence bucardo.q"),
        ("create type bucardo.e as enum ('a')", "type bucardo.e"),
    ] {
        world.at("A", "grant usage, create on schema bucardo to keeper");
        keeper(&world, "A", sql);
        world.at("A", "revoke create on schema bucardo from keeper");
        refused(&world.run("validate s"), &[&format!("Database \"A\": {what}"), "belongs to role \"keeper\""]);
        let kind = what.split(' ').next().unwrap();
        let name = sql.split(' ').nth(2).unwrap();
        keeper(&world, "A", &format!("drop {kind} {name}"));
    }
    world.says("validate s");
    nothing_spied(&world);
}

/// The KID looks before it reads anything, and says why it does not go on.
#[test]
fn a_kid_refuses_what_has_become_foreign() {
    let world = world();
    world.run_sync("s", "targetdb=B");
    world.says("deactivate s 0");
    world.at("B", "alter table bucardo.bucardo_track owner to keeper");
    keeper(&world, "B", "create function caught() returns trigger language plpgsql as $$ begin perform public.spy(); return new; end $$;
        create trigger caught before update on bucardo.bucardo_track for each row execute procedure caught(); alter table bucardo.bucardo_track enable always trigger caught");
    world.run("activate s");
    world.becomes(
        "control",
        "select count(*) > 0 from bucardo.q where whydie like '%table bucardo.bucardo_track belongs to role \"keeper\"%'",
        "true",
    );
    nothing_spied(&world);
    let told = world.run("validate s");
    refused(&told, &["Database \"B\": table bucardo.bucardo_track belongs to role \"keeper\""]);
}

/// What only looks into our tables looks at their owner first.
#[test]
fn delta_and_purge_read_nothing_from_a_foreign_schema() {
    let world = world();
    world.says(ADD);
    world.at("A", "alter schema bucardo owner to keeper");
    keeper(&world, "A", "drop table bucardo.bucardo_delta_names, bucardo.bucardo_delta_targets cascade");
    keeper(
        &world,
        "A",
        TRAPS
            .split_once("public;")
            .unwrap()
            .1
            .split("create view")
            .filter(|view| view.contains("bucardo_delta"))
            .map(|view| format!("create view{view}"))
            .collect::<String>()
            .as_str(),
    );
    for (verb, word) in [("delta", "A"), ("purge", "all")] {
        let outcome = world.installed.bucardo(&[verb, word]);
        assert!(
            outcome.stderr.contains("schema bucardo belongs to") || outcome.stdout.contains("schema bucardo belongs to"),
            "{verb}: {}{}",
            outcome.stdout,
            outcome.stderr
        );
    }
    nothing_spied(&world);
}

/// A trigger of our name that calls another function captures nothing: it is named, and left to its
/// owner.
#[test]
fn a_trigger_of_our_name_that_calls_a_foreign_function_is_refused() {
    let world = world();
    keeper(
        &world,
        "A",
        "create function mine() returns trigger language plpgsql as $$ begin return null; end $$;
        create trigger bucardo_add_delta after insert on t for each row execute procedure mine()",
    );
    refused(
        &world.run(ADD),
        &[
            "Database \"A\"",
            "Table \"public\".\"t\"",
            "trigger \"bucardo_add_delta\" calls public.mine()",
            "DROP TRIGGER \"bucardo_add_delta\" ON \"public\".\"t\"",
        ],
    );
    keeper(&world, "A", "drop trigger bucardo_add_delta on t");
    world.run("remove sync s");
    world.says(ADD);
    world.says("start");
    world.says("kick s 0");
    keeper(&world, "A", "drop trigger bucardo_add_truncate on t; create trigger bucardo_add_truncate before truncate on t for each statement execute procedure mine();
        insert into t values (1)");
    world.becomes("control", "select count(*) > 0 from bucardo.q where whydie like '%public.t%not captured%'", "true");
    refused(&world.run("validate s"), &["trigger \"bucardo_add_truncate\" calls public.mine()"]);
}
