//! What 5.6 says to and about the running daemon (reference, 8.2, 8.5, 8.7, 8.8).

use super::super::fake_daemon::FakeDaemon;
use super::super::prepared::prepared;
use crate::daemon::world::World;
use crate::harness::{Installed, Outcome, wait_until};
use std::time::Duration;

fn run(installed: &Installed, line: &str) -> Outcome {
    installed.bucardo(&line.split(' ').collect::<Vec<_>>())
}

fn says(installed: &Installed, line: &str) -> String {
    let outcome = run(installed, line).ended_with(0);
    assert_eq!(outcome.stderr, "", "{line}");
    outcome.stdout
}

#[test]
fn a_sync_is_started_kicked_watched_paused_and_stopped() {
    let world = World::new();
    world.installed.close();
    let installed = &world.installed;
    world.says("set reason_file=reason.txt");
    run(installed, "add sync s dbs=A:source,B:target relgroup=h").ended_with(0);
    says(installed, "start because it is time");
    let refused = run(installed, "start again").ended_with(1);
    assert!(refused.stdout.starts_with("Cannot start, PID file \"") && refused.stdout.ends_with("bucardo.mcp.pid\" exists\n"));
    let history = std::fs::read_to_string(installed.home().join("reason.log")).unwrap();
    let verbs: Vec<&str> = history.lines().map(|line| line.split_once(" | ").unwrap().1).collect();
    assert_eq!(verbs, ["start | because it is time", "fail  | again"]);

    assert_eq!(says(installed, "kick s 0 --notimer"), "Kick s: DONE!\n");
    world.at("A", "insert into t values (1), (2)");
    says(installed, "kick s 0");
    assert_eq!(world.value("B", "select count(*) from t"), "2");
    let table = says(installed, "status");
    assert!(table.starts_with("PID of Bucardo MCP: ") && table.contains("\n Name    State"), "{table}");
    let row = table.lines().nth(3).unwrap();
    assert!(row.starts_with(" s     | Good   | ") && row.contains(" | 0/2       | none"), "{table}");
    let block = says(installed, "status sync s");
    for line in ["Current state            : Good\n", "Rows deleted/inserted    : 0 / 2\n", "Status                   : Active\n"]
    {
        assert!(block.contains(line), "{line} in {block}");
    }
    assert!(block.starts_with(&"=".repeat(70)) && block.ends_with(&format!("{}\n", "=".repeat(70))));

    let deltas = || says(installed, "delta");
    wait_until("nothing is pending", Duration::from_secs(20), || {
        deltas().contains("Total deltas for database A: 0\n").then_some(())
    });
    assert_eq!(says(installed, "pause s"), "Syncs paused: s\n");
    wait_until("the controller is gone", Duration::from_secs(20), || world.pid_now("ctl.sync.s").is_none().then_some(()));
    world.at("A", "insert into t select generate_series(3, 1002)");
    assert_eq!(deltas(), "Total deltas across all targets: 1,000\n    Total deltas for database A: 1,000\n");
    assert_eq!(says(installed, "delta totals"), "Total deltas across all targets: 1,000\n");
    assert_eq!(says(installed, "resume all"), "Syncs resumed: s\n");
    world.becomes("B", "select count(*) from t", "1002");

    assert_eq!(says(installed, "reload"), "DONE!\n");
    assert_eq!(says(installed, "reload s"), "Reloading sync s...Reload of sync s successful\n\n");
    assert!(says(installed, "reload config").ends_with("DONE!\n"));
    assert!(says(installed, "reload_config 20").ends_with("DONE!\n"));
    assert_eq!(says(installed, "purge all"), "Checking db A\nA: Tables processed: 2\n");
    says(installed, "stop");
    world.logs("MCP exiting");
    wait_until("the daemon is gone", Duration::from_secs(20), || world.pid_now("mcp").is_none().then_some(()));
    let refused = run(installed, "reload").ended_with(11);
    assert!(refused.stderr.starts_with("Looks like Bucardo is not running, so there is no need to reload\n"));
    assert_eq!(run(installed, "reopen").ended_with(2).stderr.lines().next().unwrap().split(' ').next(), Some("Could"));
}

#[test]
fn logs_are_opened_anew_and_nobody_dies_of_it() {
    let world = World::new();
    world.installed.close();
    world.run_sync("s", "targetdb=B");
    let (kid, log) = (world.pid("kid.sync.s.B"), world.installed.logdir().join("log.bucardo"));
    std::fs::rename(&log, log.with_extension("old")).unwrap();
    assert_eq!(says(&world.installed, "reopen"), "Sent USR2 to Bucardo processes\n");
    world.at("A", "insert into t values (1)");
    world.logs("KID Finished syncing to B");
    assert_eq!(world.pid("kid.sync.s.B"), kid);
}

#[test]
fn what_a_worker_does_and_how_loud_its_lines_are_can_be_seen() {
    let world = World::new();
    world.installed.close();
    says(&world.installed, "set log_showlevel=1");
    world.run_sync("s", "targetdb=B");
    world.at("A", "insert into t values (1)");
    world.becomes("B", "select count(*) from t", "1");
    let mut other = world.db("B");
    other.batch_execute("begin; select from t for update").unwrap();
    world.at("A", "update t set id = id");
    let state = format!("Current state            : Sync public.t (KID {})\n", world.pid("kid.sync.s.B"));
    let shown = || says(&world.installed, "status s").contains(&state).then_some(());
    wait_until("the worker waits for the row", Duration::from_secs(20), shown);
    other.batch_execute("commit").unwrap();
    world.logs("NORMAL [");
}

#[test]
fn a_kick_tells_why_it_failed() {
    let world = World::new();
    world.installed.close();
    world.run_sync("s", "targetdb=B");
    world.at("B", "alter table t add constraint small check (id < 10)");
    world.at("A", "insert into t values (99)");
    let killed = run(&world.installed, "kick s 30 --notimer").ended_with(2);
    assert!(killed.stdout.starts_with("Kick s: KILLED!\n  Started: "), "{}", killed.stdout);
    assert!(killed.stdout.contains("\n    Failed : ") && killed.stdout.contains("small"), "{}", killed.stdout);
    let quiet = run(&world.installed, "kick s 30 --quiet").ended_with(2);
    assert!(quiet.stdout.starts_with("  Started: ") && quiet.stdout.ends_with(")\n"), "{}", quiet.stdout);
}

#[test]
fn words_for_syncs_are_read_in_another_way() {
    let installed = prepared();
    let unknown = run(&installed, "kick nosuch").ended_with(255);
    assert_eq!(
        unknown.stderr.split("HINT").next(),
        Some("No matching syncs were found\nActive syncs:\n copies\n grp\n orders\n")
    );
    assert!(run(&installed, "kick orders x").ended_with(255).stderr.starts_with("Sync \"x\" does not appear to exist\n"));
    let taking = FakeDaemon::taking(&installed);
    assert_eq!(
        says(&installed, "kick all 0"),
        "Kicked sync asleep\nKicked sync copies\n".replace("Kicked sync asleep", "Cannot kick inactive sync \"asleep\"")
            + "Kicked sync grp\nKicked sync orders\n"
    );
    assert_eq!(says(&installed, "kick sync o%"), "Kicked sync orders\n");
    drop(taking);
    let asleep = run(&installed, "pause asleep").ended_with(1);
    let told = "Cannot pause or resume sync \"asleep\" unless it is active (currently \"inactive\")\nHINT: ";
    assert!(asleep.stderr.starts_with(told), "{}", asleep.stderr);
    assert_eq!(run(&installed, "message hello --verbose").ended_with(0).stdout, "Added message\n");
    run(&installed, "message").ended_with(1);
    run(&installed, "validate").ended_with(1);
    assert_eq!(
        says(&installed, "set LOG_Level=DEBUG piddir=/Tmp"),
        "Set \"log_level\" to \"debug\"\nSet \"piddir\" to \"/Tmp\"\n"
    );
}
