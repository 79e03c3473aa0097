//! Several control databases on one machine: no command touches the files of another's daemon. And
//! `stop` finds its own daemon, whatever happened to the directory of its files.

use super::world::{PATIENCE, World, gone, lives, send};
use crate::cli::fake_daemon::{FakeDaemon, FakeMaster};
use crate::cli::prepared::prepared;
use crate::harness::{Installed, wait_until};
use nix::sys::signal::Signal;
use std::fs;

/// A daemon that runs, and another control database whose settings name the same directory.
fn neighbours() -> (World, Installed) {
    let world = World::new();
    world.run_sync("s", "targetdb=B");
    let second = prepared();
    let piddir = world.installed.piddir().display().to_string();
    second.control().execute("update bucardo.bucardo_config set value = $1 where setting = 'piddir'", &[&piddir]).unwrap();
    (world, second)
}

fn refusal(world: &World) -> String {
    let (piddir, port) = (world.installed.piddir(), world.installed.cluster.port());
    let whose = format!("control database \"bucardo\", port {port} (PID {})", world.pid("mcp"));
    format!("directory \"{}\" is in use by the daemon of {whose}", piddir.display())
}

/// The processes of the first daemon and its files are what they were.
fn untouched(world: &World, before: &[i32], files: &[String]) {
    assert_eq!((world.pids().as_slice(), world.pid_files().as_slice()), (before, files));
    assert!(!world.installed.piddir().join("fullstopbucardo").exists(), "there is a stop file");
}

#[test]
fn the_pid_files_say_whose_they_are() {
    let world = World::new();
    world.run_sync("s", "targetdb=B");
    let whose = format!(" of control database \"bucardo\", port {}", world.installed.cluster.port());
    for (file, line) in [("mcp", 3), ("ctl.sync.s", 1), ("kid.sync.s.B", 1)] {
        let text = fs::read_to_string(world.installed.piddir().join(format!("bucardo.{file}.pid"))).unwrap();
        let line = text.lines().nth(line).unwrap();
        assert!(line.starts_with("instance ") && line.ends_with(&whose), "{file}: {text}");
    }
}

#[test]
fn start_refuses_a_directory_that_another_daemon_uses() {
    let (world, second) = neighbours();
    let (before, files) = (world.pids(), world.pid_files());
    for (program, verb) in [("bucardo_ctl", "start"), ("bucardo", "start"), ("bucardo_ctl", "restart")] {
        let outcome = second.call(program, &[verb]).run().ended_with(1);
        assert!(outcome.stderr.starts_with(&refusal(&world)), "{}", outcome.stderr);
        assert!(outcome.stderr.contains("HINT: Give this control database a directory of its own."), "{}", outcome.stderr);
        assert_eq!(outcome.stdout, "");
    }
    untouched(&world, &before, &files);
}

#[test]
fn stop_leaves_the_daemon_of_another_control_database_alone() {
    let (world, second) = neighbours();
    let (before, files) = (world.pids(), world.pid_files());
    let outcome = second.ctl(&["stop"]).ended_with(1);
    assert!(outcome.stderr.starts_with(&refusal(&world)), "{}", outcome.stderr);
    untouched(&world, &before, &files);
}

#[test]
fn no_command_removes_or_signals_what_is_another_daemon_s() {
    let (world, second) = neighbours();
    let (before, files) = (world.pids(), world.pid_files());
    for line in ["status", "status --json", "kick orders", "validate orders", "reopen", "pause orders", "activate orders"] {
        let outcome = second.ctl(&line.split(' ').collect::<Vec<_>>());
        assert!(!outcome.stderr.contains("Invalid pid file"), "{line}: {}", outcome.stderr);
    }
    untouched(&world, &before, &files);
    // Those of its own syncs that are gone it removes as ever.
    let line = fs::read_to_string(world.installed.piddir().join("bucardo.ctl.sync.s.pid")).unwrap();
    fs::write(world.installed.piddir().join("bucardo.ctl.sync.former.pid"), line.replacen(char::is_numeric, "1", 1)).unwrap();
    assert!(world.run("status").ended_with(0).stderr.starts_with("Invalid pid file found: "));
    untouched(&world, &before, &files);
}

#[test]
fn a_second_daemon_runs_with_a_directory_of_its_own() {
    let (world, second) = neighbours();
    let before = world.pids();
    let own = second.piddir().display().to_string();
    second.ctl(&["set", &format!("piddir={own}")]).ok();
    second.ctl(&["start"]).ok();
    second.ctl(&["stop"]).ok();
    assert_eq!(world.pids(), before);
}

#[test]
fn a_daemon_whose_directory_was_removed_can_be_stopped() {
    let world = World::new();
    world.run_sync("s", "targetdb=B");
    let processes = world.pids();
    fs::remove_dir_all(world.installed.piddir()).unwrap();
    let outcome = world.run("stop").ended_with(0);
    assert!(outcome.stderr.starts_with("Note: Could not create \""), "{}", outcome.stderr);
    let label = format!("(PID {})\n", processes[0]);
    assert!(
        outcome.stdout.starts_with("Stopped the daemon on host \"") && outcome.stdout.ends_with(&label),
        "{}",
        outcome.stdout
    );
    gone(&processes);
}

/// A pid file is for people. What is noted of an error that a table's owner made has a limit.
#[test]
fn processes_start_anew_without_a_directory_and_keep_only_so_much_of_an_error() {
    let world = World::new();
    world.run_sync("s", "targetdb=B");
    let processes = [world.pid("kid.sync.s.B"), world.pid("ctl.sync.s")];
    fs::remove_dir_all(world.installed.piddir()).unwrap();
    for process in processes {
        send(process, Signal::SIGKILL);
        world.at("A", "insert into t select coalesce(max(id), 0) + 1 from t");
        world.becomes_equal("A", "B");
    }
    let boom =
        "create function boom() returns trigger language plpgsql as $$ begin raise exception '%', repeat('B', 300000); end $$;
        create trigger boom before insert on t for each row execute procedure boom(); alter table t enable always trigger boom";
    world.at("B", boom);
    world.at("A", "insert into t values (77)");
    world.becomes("control", "select exists (select from bucardo.q where whydie ~ 'BBB')", "true");
    assert_eq!(world.value("control", "select max(length(whydie)) < 5000 from bucardo.q"), "true");
    let longest = world.installed.log().lines().map(str::len).max().unwrap();
    assert!(longest < 5000, "{longest}");
}

#[test]
fn a_daemon_that_has_its_files_elsewhere_can_be_stopped() {
    let world = World::new();
    world.run_sync("s", "targetdb=B");
    let processes = world.pids();
    let elsewhere = world.installed.dir().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    world.says(&format!("set piddir={}", elsewhere.display()));
    assert!(world.says("stop").contains("Stopped the daemon on host \""));
    gone(&processes);
    // And started again, with the files in the new place.
    world.says("start");
    assert!(elsewhere.join("bucardo.mcp.pid").exists());
    assert!(world.says("stop").starts_with(&format!("Creating {}", elsewhere.display())));
}

#[test]
fn stop_works_in_a_directory_that_is_gone() {
    let world = World::new();
    world.run_sync("s", "targetdb=B");
    let processes = world.pids();
    let script = "mkdir -p away && cd away && rmdir ../away && bucardo_ctl stop because";
    let outcome = world.installed.call("/bin/sh", &["-c", script]).run();
    assert_eq!(outcome.code(), 0, "{}{}", outcome.stdout, outcome.stderr);
    gone(&processes);
}

/// Its session on the control database hangs, so it hears nothing.
#[test]
fn a_daemon_that_does_not_hear_is_sent_a_signal() {
    let world = World::new();
    world.run_sync("s", "targetdb=B");
    let processes = world.pids();
    let backend: i32 = world.value("control", "select backend from bucardo.presence").parse().unwrap();
    fs::remove_dir_all(world.installed.piddir()).unwrap();
    send(backend, Signal::SIGSTOP);
    let outcome = world.run("stop");
    send(backend, Signal::SIGCONT);
    assert!(outcome.ended_with(0).stdout.starts_with("Stopped the daemon"));
    gone(&processes);
}

/// A session that counts as the daemon's, and a row that names another process.
fn recorded(installed: &Installed, boot: &str, master: &FakeMaster) -> FakeDaemon {
    let daemon = FakeDaemon::silent(installed);
    let sql = "insert into bucardo.presence (host, boot, pid, ticks, piddir, backend, backend_start, role) \
               select 'afar', $1, $2, 1, '/nowhere', pid, backend_start, usesysid from pg_stat_activity where pid = $3";
    let pid = i32::try_from(master.pid()).unwrap();
    installed.control().execute(sql, &[&boot, &pid, &daemon.backend()]).unwrap();
    fs::remove_dir_all(installed.piddir()).unwrap();
    daemon
}

#[test]
fn a_daemon_on_another_host_is_asked_and_not_signalled() {
    let installed = prepared();
    let mut master = FakeMaster::new(&installed, false);
    let _daemon = recorded(&installed, "another boot", &master);
    let outcome = installed.ctl(&["stop"]).ended_with(0);
    assert_eq!(outcome.stdout, format!("Asked the daemon on host \"afar\" (PID {}) to stop\n", master.pid()));
    assert!(!master.has_ended());
}

#[test]
fn a_process_that_got_the_number_of_a_daemon_is_not_signalled() {
    let installed = prepared();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let mut master = FakeMaster::new(&installed, false);
    let _daemon = recorded(&installed, boot.trim(), &master);
    installed.ctl(&["stop"]).ended_with(0);
    assert!(!master.has_ended());
}

#[test]
fn a_daemon_that_was_killed_is_known_to_be_gone() {
    let world = World::new();
    world.run_sync("s", "targetdb=B");
    let mcp = world.pid("mcp");
    world.end("mcp", Signal::SIGKILL);
    let said = wait_until("it is known", PATIENCE, || {
        let outcome = world.run("kick s 30");
        (outcome.code() == 1).then_some(outcome.stderr)
    });
    assert!(said.contains(&format!("(PID {mcp}) is gone without a word; the kick is lost\n")), "{said}");
}

#[test]
fn the_logs_are_opened_anew_whatever_happened_to_the_pid_files() {
    let world = World::new();
    world.run_sync("s", "targetdb=B");
    let log = world.installed.logdir().join("log.bucardo");
    fs::rename(&log, log.with_extension("old")).unwrap();
    fs::remove_dir_all(world.installed.piddir()).unwrap();
    world.says("reopen");
    world.at("A", "insert into t values (1)");
    world.logs("KID Finished syncing to B");
}

/// Commands that come while the daemon is restarted wait for the new one.
#[test]
fn no_kick_is_refused_during_a_restart() {
    let world = World::new();
    world.run_sync("s", "targetdb=B");
    let old = world.pid("mcp");
    let restart = world.installed.call("bucardo_ctl", &["restart"]).start();
    for number in 0..4 {
        world.at("A", &format!("insert into t values ({number})"));
        let outcome = world.run("kick s 30 --notimer");
        assert!(!outcome.stderr.contains("no Bucardo daemon"), "{}", outcome.stderr);
    }
    restart.wait().ended_with(0);
    gone(&[old]);
    world.becomes("B", "select count(*) from t", "4");
    assert!(lives(world.pid("mcp")));
}

/// A control database that was copied on its server, with what was recorded of the daemon, and with
/// a directory of its own.
fn copied() -> World {
    let world = World::new();
    world.run_sync("s", "targetdb=B");
    world.says("stop");
    wait_until("the daemon is gone", PATIENCE, || world.pids().is_empty().then_some(()));
    let server = &world.installed.cluster;
    server.connect("postgres").batch_execute("create database copy template bucardo").unwrap();
    world.says("start");
    let recorded = world.value("control", "select row_to_json(p)::text from bucardo.presence p");
    let mut copy = server.connect("copy");
    let sql = "delete from bucardo.presence; insert into bucardo.presence select * from json_populate_record(null::bucardo.presence, $recorded$";
    copy.batch_execute(&format!("{sql}{recorded}$recorded$)")).unwrap();
    let piddir = world.installed.home().join("of_the_copy");
    fs::create_dir(&piddir).unwrap();
    let set = "update bucardo.bucardo_config set value = $1 where setting = 'piddir'";
    copy.execute(set, &[&piddir.display().to_string()]).unwrap();
    world
}

const ENDED: &str = "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'bucardo'";

/// What a command says and does in the copy.
fn in_copy(world: &World, line: &str) -> crate::harness::Outcome {
    world.run(&format!("--dbname=copy {line}"))
}

#[test]
fn a_copy_of_the_control_database_leaves_the_daemon_and_its_captures_alone() {
    let world = copied();
    let (before, files) = (world.pids(), world.pid_files());
    assert!(in_copy(&world, "status s").ended_with(0).stdout.contains("stopped"));
    let json = in_copy(&world, "--json status").ended_with(0).stdout;
    assert!(json.contains("\"daemon\": false"), "{json}");
    assert_ne!(in_copy(&world, "ping 5").code(), 0);
    in_copy(&world, "stop");
    let refusal = "control database \"copy\" is a copy of \"bucardo\"";
    for line in ["start", "validate s", "remove sync s"] {
        let outcome = in_copy(&world, line);
        let said = outcome.stdout.clone() + &outcome.stderr;
        assert!(said.contains(refusal), "{line}: {said}");
    }
    untouched(&world, &before, &files);
    world.at("A", "insert into t values (1)");
    world.becomes_equal("A", "B");
}

#[test]
fn a_copy_of_the_control_database_serves_when_the_other_one_is_gone() {
    let world = copied();
    world.says("stop");
    wait_until("the daemon is gone", PATIENCE, || world.pids().is_empty().then_some(()));
    let mut postgres = world.installed.cluster.connect("postgres");
    for sql in ["alter database bucardo allow_connections false", ENDED, "drop database bucardo"] {
        postgres.batch_execute(sql).unwrap();
    }
    world.at("A", "insert into t values (1)");
    in_copy(&world, "start").ended_with(0);
    world.becomes_equal("A", "B");
    in_copy(&world, "stop").ended_with(0);
}

/// By what the refusals say, one after another.
#[test]
fn a_copy_of_the_control_database_becomes_an_installation_of_its_own() {
    let world = copied();
    let refused = in_copy(&world, "start").stderr;
    let sql = refused.split("run in it: ").nth(1).and_then(|rest| rest.split(';').next()).unwrap();
    world.installed.cluster.connect("copy").batch_execute(sql).unwrap();
    for db in ["A", "B"] {
        assert!(in_copy(&world, "validate s").ended_with(1).stderr.contains(&format!("bucardo_ctl accept {db}")));
        in_copy(&world, &format!("accept {db}"));
    }
    in_copy(&world, "update sync s onetimecopy=1").ended_with(0);
    in_copy(&world, "start").ended_with(0);
    world.at("A", "insert into t values (1)");
    world.becomes_equal("A", "B");
    let own = "select count(*) from pg_namespace where nspname ~ '^bucardo_[0-9a-f]+$'";
    assert_eq!((world.value("A", own), world.value("B", own)), ("1".to_owned(), "1".to_owned()));
    assert_eq!(world.value("A", "select string_agg(sync, ' ') from bucardo.bucardo_delta_targets"), "s");
    in_copy(&world, "stop").ended_with(0);
}
