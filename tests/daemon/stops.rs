//! Ways to stop, whatever the kids are doing, and what a signal to go on does.

use super::world::{World, send, within_two_seconds};
use nix::sys::signal::Signal;
use std::fs;

/// A target on which every row takes a minute.
const SLOW: &str = "create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(60); return null; end';
    create trigger slow after insert on u for each row execute procedure slow();
    alter table u enable always trigger slow";

/// Kids that work on B, where every row takes a minute, and on C, which is locked, are busy.
const BUSY: &str = "select count(*) from pg_stat_activity where application_name ~ 'bucardo kid s -> . target' \
    and (wait_event = 'PgSleep' or wait_event_type = 'Lock')";

#[test]
fn a_stop_takes_less_than_two_seconds_and_the_next_start_goes_on() {
    let world = World::new();
    // A session that has ended gives no orders where every role may connect.
    world.installed.close();
    world.at("B", SLOW);
    world.says("add dbgroup g B C");
    world.run_sync("s", "targetgroup=g");
    let mut locker = world.db("C");
    locker.batch_execute("begin; lock table u").unwrap();
    let stopfile = world.installed.piddir().join("fullstopbucardo");
    type Way<'a> = (&'a str, &'a dyn Fn());
    let ways: [Way; 4] = [
        ("Found stopfile: enough", &|| drop(world.says("stop enough"))),
        ("Asked to stop by a signal", &|| send(world.pid("mcp"), Signal::SIGTERM)),
        ("Found stopfile", &|| fs::write(&stopfile, "").unwrap()),
        ("Received request for a full stop", &|| world.at("control", "notify bucardo_mcp_fullstop")),
    ];
    for (id, (reason, stop)) in ways.into_iter().enumerate() {
        world.at("A", &format!("insert into u values ({id})"));
        world.becomes("B", BUSY, "2");
        let all = world.pids();
        assert_eq!(all.len(), 4);
        within_two_seconds(&all, stop);
        assert_eq!(world.pid_files(), Vec::<String>::new(), "after {reason}");
        world.becomes("B", "select count(*) from pg_stat_activity where application_name like 'bucardo%'", "0");
        assert!(world.installed.log().trim_end().ends_with(&format!("MCP MCP exiting. Reason: {reason}")));
        world.says("start");
    }
    world.at(
        "B",
        "alter table u disable trigger slow; select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'",
    );
    locker.batch_execute("commit").unwrap();
    for target in ["B", "C"] {
        world.becomes_equal("A", target);
    }
    world.becomes_quiet();
    // What a stop has broken off has not failed.
    assert_eq!(world.value("control", "select string_agg(whydie, '; ') from bucardo.q where aborted is not null"), "NULL");
    assert!(world.says("status s").contains("\nLast bad:             unknown\n"));
}

#[test]
fn a_hangup_reloads_and_opens_the_log_anew() {
    let world = World::new();
    world.run_sync("s", "targetdb=B");
    let [mcp, controller, kid] = ["mcp", "ctl.sync.s", "kid.sync.s.B"].map(|file| world.pid(file));
    let log = world.installed.logdir().join("log.bucardo");
    fs::rename(&log, log.with_extension("1")).unwrap();
    world.says("add sync x type=pushdelta source=h targetdb=C status=inactive");
    world.at("control", "update bucardo.sync set status = 'active' where name = 'x'");
    send(mcp, Signal::SIGHUP);
    super::world::gone(&[controller, kid]);
    for role in ["MCP Reloading all syncs", "CTL Controller starting", "KID New kid"] {
        world.logs(role);
    }
    assert_eq!(world.pid("mcp"), mcp);
    world.at("A", "insert into t values (1)");
    world.becomes("B", "select count(*) from t", "1");
    world.becomes("C", "select count(*) from t", "1");
    world.logs("Finished syncing to C");
}
