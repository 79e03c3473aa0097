//! Roles that are no superusers: what they lack is told as GRANTs, and what they may not switch off
//! does no harm.

use crate::daemon::world::{PATIENCE, World};
use crate::harness::wait_until;

/// A and B, reached by the role `carrier`, which has these rights there.
pub(super) fn world(rights: &str) -> World {
    let world = World::with(&["A", "B"], &[]);
    world.at("A", "create role carrier login");
    world.at("A", rights);
    world.at("B", rights);
    world.installed.control().execute("update bucardo.db set dbuser = 'carrier'", &[]).unwrap();
    world
}

pub(super) const OWNER: &str = "alter table t owner to carrier; alter table u owner to carrier;
    do $$ begin execute format('grant create, temporary on database %I to carrier', current_database()); end $$;";

#[test]
fn validate_says_exactly_which_right_is_missing_and_how_to_give_it() {
    let world = world("grant select on t, u to carrier");
    for database in ["A", "B"] {
        let refused = world.run("add sync s type=pushdelta source=h targetdb=B");
        assert_eq!(refused.code(), 255);
        assert!(refused.stderr.contains(&format!("Database \"{database}\": role \"carrier\" may not")), "{}", refused.stderr);
        let hint = refused.stderr.split_once("HINT: ").unwrap().1;
        assert!(
            hint.contains(if database == "A" {
                "TRIGGER ON \"public\".\"t\""
            } else {
                "DELETE, INSERT, UPDATE ON \"public\".\"u\""
            }),
            "{hint}"
        );
        world.at(database, hint);
    }
    world.says("add sync s type=pushdelta source=h targetdb=B");
    world.says("start");
    world.at("A", "insert into t values (1)");
    world.becomes("B", "select count(*) from t", "1");
}

#[test]
fn rights_on_sequences_are_asked_for_as_well() {
    let world = world(OWNER);
    for name in ["A", "B"] {
        world.at(name, "create sequence sq");
    }
    world.says("add sequence sq db=A herd=h");
    for (database, grant) in [("A", "GRANT SELECT ON SEQUENCE"), ("B", "GRANT SELECT, UPDATE ON SEQUENCE")] {
        let refused = world.run("add sync s type=pushdelta source=h targetdb=B");
        let hint = refused.stderr.split_once("HINT: ").unwrap().1;
        assert!(hint.contains(&format!("{grant} \"public\".\"sq\" TO \"carrier\"")), "{}", refused.stderr);
        world.at(database, hint);
    }
    world.says("add sync s type=pushdelta source=h targetdb=B");
    world.says("start");
    world.at("A", "select setval('sq', 77); insert into t values (1)");
    world.becomes("B", "select last_value from sq", "77");
}

#[test]
fn masters_whose_triggers_cannot_be_switched_off_send_nothing_back() {
    let world = world(OWNER);
    world.says("add sync s type=swap source=h targetdb=B");
    let outcome = world.value("control", "select outcome from bucardo.validation");
    assert!(outcome.contains("may not set session_replication_role"), "{outcome}");
    world.says("start");
    world.at("A", "insert into t select generate_series(1, 5)");
    world.at("B", "insert into u values (9)");
    world.becomes("B", "select count(*) from t", "5");
    world.becomes("A", "select count(*) from u", "1");
    world.at("A", "truncate t");
    world.becomes("B", "select count(*) from t", "0");
    // Nobody noted what was carried: only what the applications did is there.
    let noted = "select sum(n_tup_ins) from pg_stat_user_tables where schemaname = 'bucardo' and relname like 'delta%'";
    world.says("kick s 0");
    world.becomes("A", noted, "6");
    world.becomes("B", noted, "1");
}

#[test]
fn foreign_keys_that_are_in_force_are_checked_when_everything_is_there() {
    let world = world(OWNER);
    for name in ["A", "B"] {
        world.at(name, "alter table t add foreign key (counter) references u (id) deferrable; insert into u values (0)");
    }
    world.says("add sync s type=pushdelta source=h targetdb=B");
    world.says("start");
    world.at("A", "begin; insert into u values (7); insert into t values (1, 7); commit");
    world.becomes("B", "select count(*) from t", "1");
    world.at("A", "begin; delete from t; delete from u where id = 7; commit");
    world.becomes("B", "select count(*) from u", "1");
}

/// A role that cannot switch the target's triggers off: whoever adds or validates the sync is told,
/// and so is who reads why it failed.
#[test]
fn that_triggers_cannot_be_switched_off_is_told_before_and_when_one_fails() {
    let world = world(OWNER);
    world.at(
        "B",
        "create function refuses() returns trigger language plpgsql as $$ begin raise exception 'not on my watch'; end $$;
        create trigger refuses before insert on t for each row execute procedure refuses()",
    );
    let grant = if world.installed.cluster.major() >= 15 {
        "GRANT SET ON PARAMETER session_replication_role TO \"carrier\";"
    } else {
        "ALTER ROLE \"carrier\" SUPERUSER;"
    };
    let added = world.run("add sync s type=pushdelta source=h targetdb=B").ended_with(0);
    let validated = world.run("validate s").ended_with(0);
    for told in [&added.stderr, &validated.stderr] {
        assert!(told.starts_with("Warning: Database \"B\": role \"carrier\" may not set") && told.contains(grant), "{told}");
    }
    assert_eq!(validated.stdout, "Validating sync s...DONE!\n");
    world.says("start");
    world.logs(grant);
    world.at("A", "insert into t values (1)");
    let why = "select whydie from bucardo.q where whydie is not null order by cdate desc limit 1";
    world.becomes("control", &format!("select count(*) > 0 from ({why}) as w where whydie like '%not on my watch%'"), "true");
    let why = world.value("control", why);
    assert!(why.contains("table public.t") && why.contains(grant), "{why}");
    let grant = grant.replace("GRANT SET", "grant set");
    world.at("B", &grant);
    world.run("kick s 0");
    world.becomes("B", "select count(*) from t", "1");
}

/// A KID that could not switch the target's triggers off does so when it may.
#[test]
fn triggers_of_the_target_are_off_when_the_right_to_that_is_given() {
    let world = world(OWNER);
    if world.server("B").major() < 15 {
        return;
    }
    world.at("B", "create function marked() returns trigger language plpgsql as 'begin new.counter := 99; return new; end'");
    world.at("B", "create trigger marked before insert on t for each row execute procedure marked()");
    world.says("set kid_pingtime=1");
    world.run_sync("s", "targetdb=B");
    world.at("A", "insert into t values (1, 1)");
    world.becomes("B", "select counter from t where id = 1", "99");
    world.at("B", "grant set on parameter session_replication_role to carrier");
    let looked_again = || world.installed.log().contains("reading them again").then_some(());
    wait_until("the KID has begun anew", PATIENCE, looked_again);
    world.at("A", "insert into t values (2, 1)");
    world.becomes("B", "select counter from t where id = 2", "1");
}
