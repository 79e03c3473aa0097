//! Tables that are added to a sync which runs: those that fit are carried after a reload, those
//! that do not are named, and the others go on.

use super::world::{World, gone};

/// Sync s carries t and u from A to B; further tables are there: good on both, bad without a key,
/// missing only on A.
fn world() -> World {
    let world = World::with(&["A", "B"], &[]);
    let tables =
        "create table good (id integer primary key); create table bad (id integer); create table better (id integer primary key)";
    world.at("A", &format!("{tables}; create table missing (id integer primary key); create sequence counter"));
    world.at("B", tables);
    world.run_sync("s", "targetdb=B");
    world
}

/// What is written to t and u still arrives.
fn goes_on(world: &World, number: i32) {
    world.at("A", &format!("insert into t values ({number}); insert into u values ({number})"));
    world.becomes_equal("A", "B");
}

#[test]
fn a_good_table_that_is_added_and_reloaded_is_carried() {
    let world = world();
    world.says("add table good db=A herd=h");
    goes_on(&world, 1);
    assert_eq!(world.says("reload s"), "Reloading sync s...DONE!\n");
    world.at("A", "insert into good values (1)");
    world.becomes("B", "select count(*) from good", "1");
    goes_on(&world, 2);
    assert_eq!(world.value("control", "select count(*) from bucardo.joining"), "0");
}

#[test]
fn a_bad_table_is_named_by_reload_and_the_others_go_on() {
    let world = world();
    world.says("add table bad good missing db=A herd=h");
    let outcome = world.run("reload s").ended_with(1);
    assert_eq!(outcome.stdout, "Reloading sync s...INCOMPLETE!\n");
    assert!(
        outcome.stderr.contains("table \"public.bad\" is not replicated yet: Table \"public.bad\" has no usable key\n"),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome
            .stderr
            .contains("table \"public.missing\" is not replicated yet: Database \"B\": Table not found: public.missing\n")
    );
    assert!(
        outcome.stderr.ends_with("HINT: The other tables of sync \"s\" go on. When this is mended, run: bucardo_ctl reload s\n")
    );
    world.at("A", "insert into good values (1)");
    world.becomes("B", "select count(*) from good", "1");
    goes_on(&world, 1);
    let shown = world.says("status s");
    assert!(shown.contains("public.bad") && shown.contains("public.missing"), "{shown}");
}

#[test]
fn a_table_that_is_mended_is_taken_up_by_the_next_reload() {
    let world = world();
    world.says("add table bad db=A herd=h");
    world.run("reload s").ended_with(1);
    world.at("A", "alter table bad add primary key (id)");
    world.at("B", "alter table bad add primary key (id)");
    assert_eq!(world.says("reload s"), "Reloading sync s...DONE!\n");
    world.at("A", "insert into bad values (1)");
    world.becomes("B", "select count(*) from bad", "1");
}

#[test]
fn a_missing_sequence_takes_no_table_along() {
    let world = world();
    world.says("add sequence counter db=A herd=h");
    let outcome = world.run("reload s").ended_with(1);
    assert!(outcome.stderr.contains("sequence \"public.counter\" is not replicated yet: "), "{}", outcome.stderr);
    goes_on(&world, 1);
}

#[test]
fn what_was_added_and_not_looked_at_disturbs_no_restart() {
    let world = world();
    world.says("add table bad db=A herd=h");
    let old = world.pids();
    world.says("restart");
    gone(&old);
    goes_on(&world, 1);
    world.becomes("control", "select count(*) from bucardo.joining where outcome ~ 'no usable key'", "1");
}

#[test]
fn a_daemon_that_starts_takes_up_a_good_table() {
    let world = world();
    let old = world.pids();
    world.says("stop");
    gone(&old);
    world.says("add table good db=A herd=h");
    world.says("start");
    world.becomes("control", "select count(*) from bucardo.joining", "0");
    world.at("A", "insert into good values (1)");
    world.becomes("B", "select count(*) from good", "1");
}

#[test]
fn validate_calls_a_sync_incomplete_that_leaves_out_a_table() {
    let world = world();
    world.says("add table bad good db=A herd=h");
    let outcome = world.run("validate s").ended_with(1);
    assert_eq!(outcome.stdout, "Validating sync s...INCOMPLETE!\n");
    assert!(outcome.stderr.contains("Warning: table \"public.bad\" is not replicated yet: "), "{}", outcome.stderr);
    let note = "Note: to let the running daemon carry what was added to sync \"s\", run: bucardo_ctl reload s\n";
    assert!(outcome.stderr.contains(note), "{}", outcome.stderr);
    goes_on(&world, 1);
    world.says("update sync s remove table public.bad");
    assert_eq!(world.run("validate s").ended_with(0).stdout, "Validating sync s...DONE!\n");
}

/// What is captured while a KID runs without the table would count as carried.
#[test]
fn nothing_is_captured_of_a_table_that_the_running_kid_does_not_carry() {
    let world = world();
    world.says("add table good db=A herd=h");
    let captured = "select count(*) from pg_trigger where tgrelid = 'good'::regclass and not tgisinternal";
    world.says("validate s");
    assert_eq!(world.value("A", captured), "0");
    goes_on(&world, 1);
    world.says("reload s");
    assert_ne!(world.value("A", captured), "0");
}

/// Each row says whether the table was captured when it was written.
#[test]
fn what_was_captured_while_a_table_joined_arrives() {
    let world = world();
    let table = "create table flagged (id integer primary key, captured boolean)";
    world.at("A", table);
    world.at("B", table);
    world.says("add table flagged db=A herd=h");
    let over = std::sync::atomic::AtomicBool::new(false);
    let mut writer = world.db("A");
    let write = "insert into t values ($1);";
    let flag = "insert into flagged select $1, exists (select from pg_trigger where tgrelid = 'flagged'::regclass and tgname ~ '^bucardo_add_delta')";
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0_i32.. {
                writer.execute(flag, &[&number]).unwrap();
                writer.execute(write.trim_end_matches(';'), &[&number]).unwrap();
                if over.load(std::sync::atomic::Ordering::Relaxed) {
                    break;
                }
            }
        });
        let outcome = world.run("reload s");
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        outcome.ended_with(0);
    });
    let captured = "select count(*) from flagged where captured";
    assert_ne!(world.value("A", captured), "0");
    world.becomes("B", captured, &world.value("A", captured));
    world.becomes_equal("A", "B");
}

#[test]
fn a_table_that_is_taken_out_and_put_back_loses_nothing() {
    let world = world();
    let processes = world.pids();
    world.says("stop");
    gone(&processes);
    world.at("A", "insert into t values (1); insert into u values (1)");
    world.says("update sync s remove table public.u");
    world.says("update sync s add table public.u");
    world.says("start");
    world.becomes_equal("A", "B");
}

#[test]
fn a_table_that_nothing_has_looked_at_is_shown() {
    let world = world();
    world.says("add table good db=A herd=h");
    let line = "table \"public.good\" is not replicated yet: it was added and not looked at since";
    assert!(world.says("status s").contains("public.good"), "{}", world.says("status s"));
    assert!(world.value("control", "select outcome from bucardo.validation").contains(line));
    world.says("update sync s remove table public.good");
    assert!(!world.value("control", "select coalesce(outcome, '') from bucardo.validation").contains(line));
}

#[test]
fn a_look_that_is_asked_for_by_sql_takes_up_a_good_table() {
    let world = world();
    world.says("add table good db=A");
    let joins = "insert into bucardo.herdmap (herd, goat) select 'h', id from bucardo.goat where tablename = 'good'";
    world.at("control", &format!("{joins}; select bucardo.validate_sync('s')"));
    world.becomes("control", "select count(*) from bucardo.joining", "0");
    world.at("A", "insert into good values (1)");
    world.becomes("B", "select count(*) from good", "1");
}

#[test]
fn a_table_that_is_removed_leaves_with_the_next_reload() {
    let world = world();
    let outcome = world.run("update sync s remove table public.u").ended_with(0);
    assert_eq!(outcome.stdout, "Don't forget to run bucardo_ctl validate s\n");
    assert!(
        outcome.stderr.ends_with("goes on with what was removed, until you run: bucardo_ctl reload s\n"),
        "{}",
        outcome.stderr
    );
    world.says("reload s");
    world.at("A", "insert into t values (1); insert into u values (1)");
    world.becomes("B", "select count(*) from t", "1");
    assert_eq!(world.value("B", "select count(*) from u"), "0");
    world.becomes("A", "select count(*) from pg_trigger where tgrelid = 'u'::regclass and not tgisinternal", "0");
}

#[test]
fn a_table_that_joined_in_vain_can_leave_again() {
    let world = world();
    world.says("add table bad db=A herd=h");
    world.run("reload s").ended_with(1);
    world.says("update sync s remove table public.bad");
    assert_eq!(world.value("control", "select count(*) from bucardo.joining"), "0");
    assert_eq!(world.says("reload s"), "Reloading sync s...DONE!\n");
    assert_eq!(world.says("validate s"), "Validating sync s...DONE!\n");
}

#[test]
fn a_reload_of_a_sync_that_does_not_fit_any_more_fails_with_the_reason() {
    let world = world();
    world.at("B", "drop table t");
    let outcome = world.run("reload s").ended_with(1);
    assert_eq!(outcome.stdout, "Reloading sync s...FAILED!\n");
    assert!(
        outcome.stderr.starts_with("sync \"s\" does not run: Database \"B\": Table not found: public.t"),
        "{}",
        outcome.stderr
    );
    world.at("B", "create table t (id integer primary key, counter integer not null default 0)");
    let failed = world.installed.bucardo(&["reload", "s"]);
    assert!(failed.stdout.starts_with("Reloading sync s...Reload of sync s "), "{}", failed.stdout);
}

#[test]
fn a_reload_whose_target_is_away_says_so() {
    let world = world();
    world.at("postgres", "alter database b allow_connections false");
    world.at("postgres", "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'b'");
    let outcome = world.run("reload s").ended_with(1);
    assert_eq!(outcome.stdout, "Reloading sync s...FAILED!\n");
    assert!(outcome.stderr.starts_with("sync \"s\" does not run: its databases could not be looked at: "), "{}", outcome.stderr);
    world.at("postgres", "alter database b allow_connections true");
    goes_on(&world, 1);
}

#[test]
fn what_is_wrong_with_a_table_is_told_when_it_is_added() {
    let world = world();
    let outcome = world.run("add table bad missing good db=A sync=s").ended_with(0);
    let lines: Vec<&str> = outcome.stderr.lines().collect();
    assert!(lines[0].starts_with("Warning: table public.bad has no primary key"), "{}", outcome.stderr);
    assert!(lines.contains(&"Warning: in sync \"s\": Table \"public.bad\" has no usable key"), "{}", outcome.stderr);
    assert!(lines.contains(&"Warning: in sync \"s\": Database \"B\": Table not found: public.missing"), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("public.good"), "{}", outcome.stderr);
    assert_eq!(world.value("control", "select count(*) from bucardo.herdmap where herd = 'h'"), "5");
    goes_on(&world, 1);
}

#[test]
fn a_database_that_is_away_is_named_when_a_table_is_added() {
    let world = world();
    world.at("postgres", "alter database b allow_connections false");
    let outcome = world.run("update sync s add table public.t").ended_with(0);
    assert!(outcome.stderr.starts_with("Skipping table public.t"), "{}", outcome.stderr);
    let outcome = world.run("add table good db=A sync=s").ended_with(0);
    assert!(outcome.stderr.contains("Warning: in sync \"s\": database \"B\" could not be asked: "), "{}", outcome.stderr);
}

#[test]
fn the_newer_dialect_tells_of_a_bad_table_and_of_an_incomplete_reload() {
    let world = world();
    let outcome = world.installed.bucardo(&["add", "table", "bad", "db=A", "sync=s"]).ended_with(0);
    assert!(outcome.stderr.contains("Warning: in sync \"s\": Table \"public.bad\" has no usable key\n"), "{}", outcome.stderr);
    let outcome = world.installed.bucardo(&["reload", "s"]).ended_with(1);
    assert_eq!(outcome.stdout, "Reloading sync s...Reload of sync s incomplete\n\n");
    goes_on(&world, 1);
}

/// Table t leaves sync s and comes back, without a look in between; something is written to both
/// tables meanwhile.
fn out_and_back(world: &World, meanwhile: impl Fn()) {
    world.says("update sync s remove table public.t");
    meanwhile();
    world.says("update sync s add table public.t");
}

fn told_gaps(world: &World) -> String {
    world.value("control", "select count(*) from bucardo.gap")
}

#[test]
fn a_table_that_was_out_and_back_while_nothing_ran_misses_nothing() {
    let world = world();
    let old = world.pids();
    world.says("stop");
    gone(&old);
    out_and_back(&world, || world.at("A", "insert into t values (1); insert into u values (1)"));
    world.says("start");
    world.becomes_equal("A", "B");
    assert_eq!(told_gaps(&world), "0");
}

#[test]
fn a_table_that_was_out_and_back_while_its_kid_went_on_misses_nothing() {
    let world = world();
    out_and_back(&world, || world.at("A", "insert into t values (1); insert into u values (1)"));
    world.says("reload s");
    world.becomes_equal("A", "B");
    assert_eq!(told_gaps(&world), "0");
}

#[test]
fn what_a_table_missed_that_was_out_is_known_when_it_is_back() {
    let world = world();
    out_and_back(&world, || {
        let old = world.pids();
        world.says("restart");
        gone(&old);
        world.at("A", "insert into t values (1); insert into u values (1)");
        world.becomes("B", "select count(*) from u", "1");
        assert_eq!(told_gaps(&world), "0", "a table that is out lacks nothing");
    });
    assert_eq!(told_gaps(&world), "1");
    world.run("validate s").ended_with(1);
    assert!(world.says("status s").contains("it was taken out of the herd and put back"));
    world.says("reload s");
    world.at("A", "insert into t values (2)");
    world.becomes("B", "select count(*) from t where id = 2", "1");
    assert_eq!(world.value("B", "select count(*) from t where id = 1"), "0");
    world.says("update sync s onetimecopy=1");
    world.says("reload s");
    world.becomes_equal("A", "B");
    world.becomes("control", "select count(*) from bucardo.gap", "0");
}

/// The look has given up what captures its changes.
#[test]
fn what_a_table_missed_since_a_look_without_it_is_known_when_it_is_back() {
    let world = world();
    world.says("update sync s remove table public.t");
    world.says("reload s");
    world.at("A", "insert into t values (1); insert into u values (1)");
    world.becomes("B", "select count(*) from u", "1");
    assert_eq!(told_gaps(&world), "0", "a table that is out lacks nothing");
    world.says("update sync s add table public.t");
    assert!(world.says("status s").contains("is not replicated yet"));
    world.run("reload s");
    world.at("A", "insert into t values (2)");
    world.becomes("B", "select count(*) from t where id = 2", "1");
    assert_eq!(world.value("B", "select count(*) from t where id = 1"), "0");
    assert_eq!(told_gaps(&world), "1");
    assert!(world.says("status s").contains("did not belong to the sync for a while; what changed meanwhile was not carried"));
    world.says("update sync s onetimecopy=1");
    world.says("reload s");
    world.becomes_equal("A", "B");
    world.becomes("control", "select count(*) from bucardo.gap", "0");
}
