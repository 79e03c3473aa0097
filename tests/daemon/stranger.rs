//! A role that may do nothing but connect to the control database, as every role may to a new
//! database: nothing that it sends, holds or floods reaches the daemon. In all other worlds, too, a
//! stranger rings every bell when the daemon has started.

use super::world::{PATIENCE, World, gone};
use crate::harness::{long, wait_until};
use postgres::Client;
use std::fs;
use std::time::Duration;

/// What NOTIFY may carry.
const ANY_JOB: &str = "9223372036854775807";

/// The most memory that a process may ever have taken, in kilobytes.
const MOST_KB: u64 = 64 * 1024;

fn notify(session: &mut Client, channel: &str) {
    session.batch_execute(&format!("notify {channel}, '{ANY_JOB}'")).unwrap();
}

/// A world with a sync that runs, a stranger, and the processes that must still be there in the
/// end.
fn running() -> (World, Client, Vec<i32>) {
    let world = World::new();
    world.run_sync("s", "targetdb=B");
    let (stranger, pids) = (world.installed.stranger(), world.pids());
    assert_eq!(pids.len(), 3);
    (world, stranger, pids)
}

fn replicates(world: &World, id: i32) {
    world.at("A", &format!("insert into t values ({id})"));
    world.becomes("B", &format!("select count(*) from t where id = {id}"), "1");
}

#[test]
fn every_bell_that_a_stranger_rings_leaves_all_processes_as_they_are() {
    let (world, mut stranger, pids) = running();
    for payload in [ANY_JOB, "asked", "s", "A", ""] {
        world.ring(&mut stranger, payload);
    }
    replicates(&world, 1);
    assert_eq!(world.pids(), pids);
    assert_eq!(world.installed.whole_log().matches("Not obeyed: NOTIFY").count(), 1);
    assert!(!world.installed.log().contains("Received request"), "{}", world.installed.log());
}

#[test]
fn a_stranger_stops_no_daemon_even_in_a_session_that_has_ended() {
    let (world, _, pids) = running();
    for _ in 0..20 {
        notify(&mut world.installed.stranger(), "bucardo_mcp_fullstop");
    }
    replicates(&world, 1);
    assert_eq!(world.pids(), pids);
}

#[test]
fn a_stranger_neither_pauses_nor_deactivates_a_sync() {
    let (world, mut stranger, pids) = running();
    for verb in ["pause", "deactivate"] {
        notify(&mut stranger, &format!("bucardo_{verb}_sync_s"));
    }
    world.says("ping 20");
    replicates(&world, 1);
    assert_eq!(world.pids(), pids);
}

/// The kick waits for a row that cannot arrive, and the stranger says that it has.
#[test]
fn a_stranger_answers_no_kick() {
    let world = World::with(&["A"], &["B"]);
    world.says("add table t u db=A herd=h2");
    world.says("add sync s type=pushdelta source=h2 targetdb=B");
    world.says("start");
    world.says("kick s 0");
    let mut locker = world.db("B");
    locker.batch_execute("begin; lock table t").unwrap();
    world.at("A", "insert into t values (1)");
    let kick = world.installed.call("bucardo_ctl", &["kick", "s", "4", "--notimer"]).start();
    let mut stranger = world.installed.stranger();
    for _ in 0..20 {
        world.ring(&mut stranger, ANY_JOB);
    }
    let outcome = kick.wait().ended_with(1);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("Kick s: ", "Timed out!\n"));
}

#[test]
fn a_stranger_makes_no_copy_that_was_asked_for_once_count_as_made() {
    let world = World::new();
    world.at("A", "insert into t values (1)");
    world.says("add sync s type=pushdelta source=h targetdb=B onetimecopy=1");
    let mut locker = world.db("B");
    locker.batch_execute("begin; insert into t values (1)").unwrap();
    world.says("start");
    world.becomes("control", "select count(*) from bucardo.q where sync = 's' and started is not null and ended is null", "1");
    world.ring(&mut world.installed.stranger(), ANY_JOB);
    world.says("ping 20");
    assert_eq!(world.value("control", "select onetimecopy from bucardo.sync"), "1");
    locker.batch_execute("commit").unwrap();
    world.becomes("control", "select onetimecopy from bucardo.sync", "0");
}

#[test]
fn a_role_that_may_write_the_queue_gives_orders_as_long_as_its_session_lives() {
    let (world, _, pids) = running();
    let mut admin = world.db("postgres");
    admin.batch_execute("create role operator login").unwrap();
    world.at("control", "grant usage on schema bucardo to operator; grant insert on bucardo.q to operator");
    let mut operator = world.installed.cluster.connect_as("bucardo", "operator");
    notify(&mut operator, "bucardo_mcp_fullstop");
    gone(&pids);
    world.says("start");
    let pids = world.pids();
    let mut owner = world.installed.control();
    owner.batch_execute("notify bucardo_mcp_fullstop").unwrap();
    gone(&pids);
}

#[test]
fn a_role_that_may_only_read_the_queue_gives_no_orders() {
    let (world, _, pids) = running();
    world.db("postgres").batch_execute("create role reader login").unwrap();
    world.at("control", "grant usage on schema bucardo to reader; grant select on bucardo.q to reader");
    let mut reader = world.installed.cluster.connect_as("bucardo", "reader");
    world.ring(&mut reader, "");
    replicates(&world, 1);
    assert_eq!(world.pids(), pids);
}

/// Who is let in by name is trusted as the original trusts all who come in.
#[test]
fn in_a_closed_database_an_order_counts_although_its_session_has_ended() {
    let (world, _, pids) = running();
    world.installed.close();
    assert!(world.installed.cluster.try_connect("bucardo", "stranger").is_err());
    world.at("control", "notify bucardo_mcp_fullstop");
    gone(&pids);
    assert!(world.installed.log().contains("MCP exiting. Reason: Received request for a full stop"));
}

#[test]
fn commands_work_in_an_open_database_as_in_a_closed_one() {
    let (world, _, pids) = running();
    for close in [false, true, false] {
        if close {
            world.installed.close();
        } else {
            world.installed.open_to_all();
        }
        world.says("ping 20");
        assert_eq!(world.says("kick s 20 --quiet"), "");
        assert_eq!(world.says("deactivate s 0"), "Deactivating sync s...OK\n");
        assert_eq!(world.says("activate s 0"), "Activating sync s...OK\n");
        assert_eq!(world.says("reload s"), "Reloading sync s...DONE!\n");
        world.says("reload_config 20");
    }
    assert_eq!(world.pid("mcp"), pids[0]);
    world.says("stop");
    gone(&pids);
}

#[test]
fn locks_that_a_stranger_holds_keep_nothing_from_starting_working_or_archiving() {
    let world = World::new();
    let mut stranger = world.installed.stranger();
    stranger.batch_execute("select pg_advisory_lock(n) from generate_series(4450001, 4450004) n").unwrap();
    stranger.batch_execute("select pg_advisory_lock(hashtext('bucardo'))").unwrap();
    world.at("control", "update bucardo.db set targetlimit = 1, sourcelimit = 1");
    world.says("set kid_pingtime=3600");
    world.run_sync("s", "targetdb=B limitdbs=1");
    replicates(&world, 1);
    world.at(
        "control",
        "update bucardo.q set cdate = now() - interval '1 day', ended = ended - interval '1 day' where ended is not null",
    );
    world.at("control", "select bucardo.bucardo_purge_q_table(interval '2 hours')");
    assert_ne!(world.value("control", "select count(*) from freezer.master_q"), "0");
    stranger.batch_execute("select 1").unwrap();
}

#[test]
fn a_database_that_a_stranger_names_is_not_tried_out() {
    let (world, mut stranger, _) = running();
    let tries = "select count(*) from bucardo.db_connlog";
    let before = world.value("control", tries);
    for payload in ["A", "B", "nosuch"] {
        stranger.batch_execute(&format!("notify bucardo_check_db, '{payload}'")).unwrap();
    }
    world.says("ping 20");
    assert_eq!(world.value("control", tries), before);
    // What is changed by a session that has ended is tried out all the same: the row says so.
    world.at("control", "update bucardo.db set sourcelimit = 3 where name = 'C'");
    world.becomes("control", &format!("({tries}) > {before}"), "true");
    assert_eq!(
        world.value(
            "control",
            "select string_agg(distinct db, '') from (select db from bucardo.db_connlog order by id desc limit 1) l"
        ),
        "C"
    );
}

/// The largest amount of memory that a process has had, in kilobytes; none if it is gone.
fn peak(pid: i32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?.trim().parse().ok()
}

/// Sends so many notifications of 8,000 bytes, no two alike, on channels in turn. `NOTIFY` compares
/// those of one transaction.
fn flood(session: &mut Client, channels: &[String], number: usize) {
    for batch in 0..number / 500 {
        let channel = &channels[batch % channels.len()];
        let sql = "select count(pg_notify($1, rpad('forged ' || $2::int * 500 + n || e'\\n[now] MCP x', 7990, 'x'))) from generate_series(1, 500) n";
        session.query_one(sql, &[channel, &i32::try_from(batch).unwrap()]).unwrap();
    }
}

#[test]
fn a_flood_fills_neither_memory_nor_log() {
    let (world, mut stranger, pids) = running();
    let mut channels: Vec<String> = [
        "kick_sync_s",
        "reload_sync_s",
        "syncdone_s",
        "syncdone_s_B",
        "q_s_B",
        "ctl_kick_s",
        "validate_sync",
        "check_db",
        "started",
    ]
    .iter()
    .map(|name| format!("bucardo_{name}"))
    .collect();
    channels.extend(pids.iter().map(|pid| format!("bucardo_kid_{pid}_ping")));
    let log = world.installed.whole_log().len();
    let mut waiting = world.db("B");
    waiting.batch_execute("begin; lock table t").unwrap();
    world.at("A", "insert into t values (1)");
    let kick = world.installed.call("bucardo_ctl", &["kick", "s", "60"]).start();
    flood(&mut stranger, &channels, if long() { 100_000 } else { 25_000 });
    waiting.batch_execute("commit").unwrap();
    world.says("ping 60");
    let kicks = i32::try_from(kick.child.id()).unwrap();
    let peaks: Vec<u64> = pids.iter().chain([&kicks]).filter_map(|pid| peak(*pid)).collect();
    kick.wait().ok();
    assert!(peaks.len() >= 3 && peaks.iter().all(|peak| *peak < MOST_KB), "{peaks:?}");
    let grown = world.installed.whole_log().len() - log;
    assert!(grown < 1_000_000 && !world.installed.whole_log().contains("forged"), "the log grew by {grown}");
    replicates(&world, 2);
    assert_eq!(world.pids(), pids);
}

/// Writers of a source may kick; that is what the triggers do.
#[test]
fn a_flood_on_a_source_fills_no_memory_either() {
    let (world, _, pids) = running();
    world.db("postgres").batch_execute("grant connect on database a to stranger").unwrap();
    let mut writer = world.server("A").connect_as("a", "stranger");
    flood(&mut writer, &["bucardo_kick_sync_s".to_owned()], if long() { 100_000 } else { 25_000 });
    replicates(&world, 1);
    let peaks: Vec<u64> = pids.iter().filter_map(|pid| peak(*pid)).collect();
    assert!(peaks.len() == 3 && peaks.iter().all(|peak| *peak < MOST_KB), "{peaks:?}");
    wait_until("all is well", PATIENCE + Duration::from_secs(1), || (world.pids() == pids).then_some(()));
}
