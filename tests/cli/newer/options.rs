//! Options of 5.6 (reference, 8.1).

use super::add::with_dbs;
use super::{run, says};
use crate::cli::fake_daemon::{FakeDaemon, job, tell};
use crate::daemon::world::World;
use crate::harness::wait_until;
use std::time::Duration;

#[test]
fn a_rehearsal_says_all_and_stores_nothing() {
    let world = with_dbs();
    let said = says(&world, "add sync s dbs=A:source,B:target tables=public.t1 --dryrun");
    assert!(said.starts_with("Added sync \"s\"\n"), "{said}");
    says(&world, "set kid_pingtime=7 --dry-run");
    let counts = "select (select count(*) from bucardo.sync) + (select count(*) from bucardo.goat)
        + (select count(*) from bucardo.bucardo_config where value = '7')";
    assert_eq!(world.value(counts), "0");
    let sql = "select count(*) from pg_namespace where nspname = 'bucardo'";
    assert_eq!(world.cluster.connect("a").query_one(sql, &[]).unwrap().get::<_, i64>(0), 0);
}

#[test]
fn who_wants_to_be_asked_is_asked() {
    let world = with_dbs();
    let add = ["add", "dbgroup", "g", "A", "--confirm"];
    let refused = world.call("bucardo", &add).stdin("n\n").run().ended_with(1);
    assert_eq!(
        (refused.stdout.as_str(), refused.stderr.lines().next()),
        ("Commit the changes? Y/N ", Some("Nothing was changed"))
    );
    assert_eq!(world.value("select count(*) from bucardo.dbgroup"), "0");
    world.call("bucardo", &add).stdin("Y\n").run().ok();
    assert_eq!(world.value("select count(*) from bucardo.dbgroup"), "1");
}

#[test]
fn the_environment_may_want_to_be_asked_but_not_of_the_older_command() {
    let world = with_dbs();
    let call =
        |program, value, group| world.call(program, &["add", "herd", group]).env("BUCARDO_CONFIRM", value).stdin("n\n").run();
    assert!(call("bucardo", "1", "g").ended_with(1).stdout.ends_with("Commit the changes? Y/N "));
    call("bucardo", "0", "g").ended_with(0);
    call("bucardo_ctl", "1", "h").ended_with(0);
    assert_eq!(world.value("select string_agg(name, ' ' order by name) from bucardo.herd"), "g h");
}

#[test]
fn the_environment_says_how_dates_are_written() {
    let world = with_dbs();
    says(&world, "add sync s dbs=A:source,B:target tables=public.t1");
    let run = "insert into bucardo.q (sync, sourcedb, targetdb, ppid, started, ended) values ('s', 'A', 'B', 1, now(), now())";
    world.control().batch_execute(run).unwrap();
    let status = |program, nouns: &[&str]| {
        let call = world.call(program, &[&["status"], nouns].concat()).env("BUCARDO_DATEFORMAT", "\"on \"DD");
        call.env("BUCARDO_SHORTDATEFORMAT", "\"at \"HH24h").run().ended_with(0).stdout
    };
    assert!(status("bucardo", &["s"]).contains(&world.value("select to_char(now(), '\" : on \"DD \"(time\"')")));
    assert!(status("bucardo", &[]).contains(&world.value("select to_char(now(), '\"| at \"HH24h')")));
    assert!(!status("bucardo_ctl", &["s"]).contains(" on "));
}

#[test]
fn a_sync_is_asked_about_before_any_database_is_touched_and_only_once() {
    let world = with_dbs();
    let add = ["add", "sync", "s", "dbs=A:source,B:target", "tables=public.t1", "--confirm"];
    world.call("bucardo", &add).stdin("n\n").run().ended_with(1);
    let triggers = "select count(*) from pg_trigger where tgrelid = 't1'::regclass";
    let triggers =
        |world: &crate::cli::world::World| -> i64 { world.cluster.connect("a").query_one(triggers, &[]).unwrap().get(0) };
    assert_eq!((triggers(&world), world.value("select count(*) from bucardo.sync").as_str()), (0, "0"));
    let said = world.call("bucardo", &add).stdin("y\n").run().ok();
    assert_eq!(said.matches("Commit the changes?").count(), 1, "{said}");
    assert!(triggers(&world) > 0);
    let remove = ["remove", "sync", "s", "--confirm"];
    world.call("bucardo", &remove).stdin("n\n").run().ended_with(1);
    assert!(triggers(&world) > 0 && world.value("select count(*) from bucardo.sync") == "1");
    let said = world.call("bucardo", &remove).stdin("y\n").run().ok();
    assert_eq!((said.matches("Commit the changes?").count(), triggers(&world)), (1, 0), "{said}");
}

#[test]
fn lines_of_an_rc_file_that_make_no_sense_are_named() {
    let world = with_dbs();
    let text = std::fs::read_to_string(world.home().join(".bucardorc")).unwrap();
    std::fs::write(world.home().join("rc"), format!("{text}\n# remark\nsense\nlog-level: debug\n")).unwrap();
    let outcome = world.bucardo(&["--bucardorc", "rc", "list", "dbs", "A"]).ended_with(0);
    assert_eq!(outcome.stderr, "Could not parse line 5 of file \"rc\"\nCould not parse line 7 of file \"rc\"\n");
    assert_eq!(world.ctl(&["--bucardorc=rc", "list", "db", "A"]).ended_with(0).stderr, "");
}

#[test]
fn a_container_has_the_log_on_standard_output_and_the_daemon_waits_for_syncs() {
    let world = World::new();
    let start = world.installed.call("bucardo", &["start", "--log-destination=stdout"]).start();
    wait_until("the log is on standard output", Duration::from_secs(20), || {
        start.stdout().contains("MCP Starting Bucardo version").then_some(())
    });
    wait_until("the daemon runs without a sync", Duration::from_secs(20), || world.pid_now("mcp"));
    assert!(!world.installed.logdir().join("log.bucardo").exists());
    start.wait().ok();
    let refused = run_line(&world, "start --exit-on-nosync");
    assert_eq!(refused.code(), 1);
    run_line(&world, "stop").ok();
    wait_until("it is gone", Duration::from_secs(20), || world.pid_now("mcp").is_none().then_some(()));
    let refused = run_line(&world, "start --exit-on-nosync").ended_with(1);
    assert!(refused.stderr.contains("No active syncs were found"), "{}", refused.stderr);
}

fn run_line(world: &World, line: &str) -> crate::harness::Outcome {
    world.installed.bucardo(&line.split(' ').collect::<Vec<_>>())
}

#[test]
fn a_verb_and_its_noun_may_be_one_word_and_slips_are_forgiven() {
    let world = with_dbs();
    assert_eq!(says(&world, "list_dbs A").split(' ').nth(1), Some("A"));
    assert_eq!(says(&world, "add_dbgroup g A"), "Created dbgroup \"g\"\nAdded database \"A\" to dbgroup \"g\" as target\n");
    for line in ["lsit dbs", "liast dbs", "lit dbs", "validation all"] {
        run(&world, line).ended_with(0);
    }
}

#[test]
fn only_what_is_stored_can_be_rehearsed_or_asked_about() {
    let world = with_dbs();
    says(&world, "add sync s dbs=A:source,B:target tables=public.t1");
    let _daemon = FakeDaemon::new(&world, "bucardo_kick_sync_s", |client, _| {
        let id = job(client, "s", "B");
        tell(client, "bucardo_syncdone_s", id);
    });
    assert_eq!(says(&world, "kick s 20 --notimer --dryrun"), "Kick s: DONE!\n");
    let kick = world.call("bucardo", &["kick", "s", "20", "--notimer"]).env("BUCARDO_CONFIRM", "1").run().ok();
    assert_eq!(kick, "Kick s: DONE!\n");
    says(&world, "stop --dryrun");
    assert!(world.piddir().join("fullstopbucardo").exists());
}

#[test]
fn what_is_said_to_the_server_can_be_seen_but_no_password() {
    let world = with_dbs();
    let seen = world.ctl(&["list", "db", "A", "--debug"]).ended_with(0);
    assert!(seen.stderr.contains("DEBUG: select") && seen.stderr.contains("[\"^A$\"]"), "{}", seen.stderr);
    let add = ["add", "db", "X", "dbname=x", "pass=hush", "conn=password=hush", "status=inactive", "--debug"];
    let seen = world.bucardo(&add).ended_with(0);
    assert!(seen.stderr.contains("DEBUG: insert into bucardo.db") && !seen.stderr.contains("hush"), "{}", seen.stderr);
    let by_variable =
        |program, value| world.call(program, &["list", "dbs"]).env("BUCARDO_DEBUG", value).run().ended_with(0).stderr;
    assert!(by_variable("bucardo", "1").contains("DEBUG: "));
    assert_eq!((by_variable("bucardo", "0"), by_variable("bucardo_ctl", "1")), (String::new(), String::new()));
}
