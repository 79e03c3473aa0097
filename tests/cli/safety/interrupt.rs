//! Ctrl-C at every prompt and in every wait.

use crate::cli::fake_daemon::{FakeDaemon, FakeMaster};
use crate::cli::prepared::prepared;
use crate::cli::world::World;
use crate::harness::{Commands, Installed, Outcome, wait_until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::time::Duration;

/// Starts a line, sends it SIGINT when it has printed `prompt`; how it ended.
fn interrupted(commands: &Commands, program: &str, line: &str, prompt: &str) -> Outcome {
    let running = commands.call(program, &line.split(' ').collect::<Vec<_>>()).talking().start();
    wait_until(&format!("{line} prints {prompt}"), Duration::from_secs(20), || running.stdout().contains(prompt).then_some(()));
    kill(Pid::from_raw(running.child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    let outcome = running.wait().ended_with(130);
    let verb = line.split(' ').find(|word| !word.starts_with('-')).unwrap();
    let told = format!("\nInterrupted: {verb} is not finished\nHINT: ");
    assert!(outcome.stderr.contains(&told), "{line}: {}", outcome.stderr);
    outcome
}

/// The number of rows in the tables that commands change.
fn rows(installed: &Installed) -> i64 {
    let sql =
        "select (select count(*) from bucardo.db) + (select count(*) from bucardo.dbgroup) + (select count(*) from bucardo.goat)
        + (select count(*) from bucardo.herd) + (select count(*) from bucardo.sync) + (select count(*) from bucardo.upgrade_log)";
    installed.control().query_one(sql, &[]).unwrap().get(0)
}

#[test]
fn at_every_prompt_it_ends_the_command_and_changes_nothing() {
    let installed = prepared();
    installed.control().batch_execute("delete from bucardo.bucardo_config where setting = 'kid_pingtime'").unwrap();
    let before = rows(&installed);
    for (line, prompt) in [
        ("upgrade", "Okay to commit 1 change? "),
        ("add herd x --confirm", "Commit the changes? Y/N "),
        ("remove sync orders --confirm", "Commit the changes? Y/N "),
        ("remove table all", "Are you sure you want to remove all tables? "),
    ] {
        interrupted(&installed, if line.contains("all") { "bucardo" } else { "bucardo_ctl" }, line, prompt);
        assert_eq!(rows(&installed), before, "{line}");
    }
    assert_eq!(
        installed
            .control()
            .query_one("select count(*) from bucardo.bucardo_config where setting = 'kid_pingtime'", &[])
            .unwrap()
            .get::<_, i64>(0),
        0
    );
}

#[test]
fn at_the_menu_of_install_nothing_is_installed() {
    let commands = Commands::new();
    let outcome = interrupted(&commands, "bucardo_ctl", "install", "or Q to quit: ");
    assert!(!outcome.stdout.contains("Attempting"), "{}", outcome.stdout);
}

#[test]
fn in_every_wait_it_ends_the_command_within_a_moment() {
    let installed = prepared();
    let _daemon = FakeDaemon::silent(&installed);
    for (line, prompt) in [
        ("kick orders 0", "Kick orders: [0 s] "),
        ("kick orders 60", "Kick orders: [0 s] "),
        ("ping 0 --verbose", "Pinging MCP, timeout = 0"),
        ("reload orders", "Reloading sync orders..."),
        ("activate orders 0", "Activating sync orders..."),
        ("deactivate orders 0", "Deactivating sync orders..."),
        ("reload_config 60", "Forcing Bucardo"),
    ] {
        interrupted(&installed, "bucardo_ctl", line, prompt);
    }
}

#[test]
fn in_a_validation_that_waits_for_a_lock_it_leaves_the_database_as_it_was() {
    let world = World::with_dbs();
    world.says("add table t1 db=A herd=h");
    let mut other = world.cluster.connect("a");
    other.batch_execute("begin; lock table t1").unwrap();
    let running = world.call("bucardo_ctl", &["add", "sync", "s", "type=pushdelta", "source=h", "targetdb=B"]).start();
    let mut admin = world.cluster.connect("a");
    wait_until("it waits for the lock", Duration::from_secs(20), || {
        let sql = "select 1 from pg_locks where not granted";
        admin.query_opt(sql, &[]).unwrap()
    });
    kill(Pid::from_raw(running.child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    running.wait().ended_with(130);
    other.batch_execute("rollback").unwrap();
    wait_until("its sessions are gone", Duration::from_secs(20), || {
        let sql = "select count(*) from pg_stat_activity where application_name like '%ucardo%' and pid <> pg_backend_pid()";
        (admin.query_one(sql, &[]).unwrap().get::<_, i64>(0) == 0).then_some(())
    });
    let triggers = "select count(*) from pg_trigger where tgrelid = 't1'::regclass";
    assert_eq!(admin.query_one(triggers, &[]).unwrap().get::<_, i64>(0), 0);
    assert_eq!(world.value("select count(*) from bucardo.sync"), "0");
}

#[test]
fn while_start_waits_for_the_old_daemon_nothing_new_is_started() {
    let installed = prepared();
    let mut old = FakeMaster::new(&installed, false);
    let running = installed.call("bucardo_ctl", &["start", "anew"]).start();
    let stopfile = installed.piddir().join("fullstopbucardo");
    wait_until("the old one is asked to stop", Duration::from_secs(20), || stopfile.exists().then_some(()));
    kill(Pid::from_raw(running.child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    let outcome = running.wait().ended_with(130);
    assert!(!outcome.stdout.contains("Starting Bucardo") && !old.has_ended(), "{}", outcome.stdout);
}
