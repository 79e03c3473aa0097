//! What `status` says of a sync, after every order of commands, changes of its row and deaths, is
//! what becomes of a new row.

use super::world::{PATIENCE, World, gone, send, value};
use crate::harness::{Chance, wait_until};
use nix::sys::signal::Signal;
use postgres::Client;
use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

/// A value of the first sync in `status --json`, as the server reads it.
pub fn told(world: &World, path: &str) -> String {
    let json = world.says("--json status");
    let mut control = world.db("control");
    value(&mut control, &format!("'{}'::json #>> '{{syncs,0,{path}}}'", json.trim().replace('\'', "''")))
}

/// Waits until the sync is in this state.
pub fn becomes(world: &World, state: &str) {
    wait_until(&format!("the sync is {state}"), PATIENCE, || (told(world, "condition") == state).then_some(()));
}

/// The exit code of the plug-in, and what it says.
pub fn check(world: &World) -> (i32, String) {
    let installed = &world.installed;
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/check_bucardo_sync"));
    command.arg(format!("--dbhost={}", installed.cluster.socket_dir().display()));
    command.arg(format!("--dbport={}", installed.cluster.port())).env_clear().env("HOME", installed.home());
    command.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", installed.dir().join("bin").display()));
    let done = command.output().unwrap();
    (done.status.code().unwrap(), String::from_utf8_lossy(&done.stdout).into_owned())
}

fn newer(world: &World, line: &str) -> String {
    world.installed.bucardo(&line.split(' ').collect::<Vec<_>>()).ok()
}

#[test]
fn a_pause_lasts_over_everything_until_it_is_lifted() {
    let world = World::with(&["A", "B"], &[]);
    world.run_sync("s", "targetdb=B");
    assert_eq!(told(&world, "condition"), "idle");
    assert_eq!(newer(&world, "pause s"), "Syncs paused: s\n");
    becomes(&world, "paused");
    assert_eq!(check(&world).0, 0, "a pause is no trouble while nothing waits");
    world.at("A", "insert into t select generate_series(1, 7)");
    let reloads: [&dyn Fn(); 4] = [
        &|| drop(world.says("reload_config 20")),
        &|| drop(world.says("restart")),
        &|| world.at("control", "update bucardo.sync set status = 'inactive'; update bucardo.sync set status = 'active'"),
        &|| {
            let mcp = world.pid("mcp");
            let backend = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'bucardo mcp control'";
            world.at("postgres", backend);
            world.logs("beginning again");
            assert_eq!(world.pid("mcp"), mcp);
        },
    ];
    for reload in reloads {
        reload();
        becomes(&world, "paused");
        assert!(world.says("status").contains("|paused, 7 waiting|"), "{}", world.says("status"));
        assert_eq!(world.value("B", "select count(*) from t"), "0");
    }
    let (code, said) = check(&world);
    assert!(code == 1 && said.contains("paused syncs with changes details: s B 7 waiting"), "{said}");
    assert!(newer(&world, "status").contains("| Paused, 7 waiting "));
    assert_eq!(newer(&world, "resume s"), "Syncs resumed: s\n");
    world.becomes("B", "select count(*) from t", "7");
    becomes(&world, "idle");
}

#[test]
fn deactivate_lasts_until_the_daemon_goes_by_the_status_again() {
    let world = World::with(&["A", "B"], &[]);
    world.run_sync("s", "targetdb=B");
    world.says("deactivate s 0");
    becomes(&world, "off");
    world.at("A", "insert into t values (1)");
    assert!(world.says("status").contains("|off, 1 waiting|") && world.says("status").contains("deactivated by command"));
    assert_eq!(check(&world).0, 1);
    world.says("reload_config 20");
    world.becomes("B", "select count(*) from t", "1");
    becomes(&world, "idle");

    // The other way round: activated although its status says no, until the same moment.
    world.says("update sync s status=inactive");
    becomes(&world, "off");
    assert_eq!(check(&world).0, 0, "it is off on purpose");
    world.says("activate s 0");
    becomes(&world, "idle");
    world.at("A", "insert into t values (2)");
    world.becomes("B", "select count(*) from t", "2");
    world.says("reload_config 20");
    becomes(&world, "off");
}

/// Whichever command switched it off, in whichever dialect.
#[test]
fn changes_that_wait_in_a_sync_that_is_off_are_a_warning() {
    let world = World::with(&["A", "B"], &[]);
    world.run_sync("s", "targetdb=B");
    let ways: [(&dyn Fn(), &str); 3] = [
        (&|| drop(world.says("deactivate s 0")), "activate s 0"),
        (&|| drop(newer(&world, "deactivate s 0")), "update sync s status=active"),
        (&|| drop(world.says("update sync s status=inactive")), "update sync s status=active"),
    ];
    for (row, (off, on)) in ways.iter().enumerate() {
        off();
        becomes(&world, "off");
        assert_eq!((told(&world, "level").as_str(), check(&world).0), ("ok", 0), "nothing waits");
        world.at("A", &format!("insert into t values ({row})"));
        assert_eq!(told(&world, "level"), "warning");
        assert!(!told(&world, "reason").is_empty());
        let (code, said) = check(&world);
        assert!(code == 1 && said.contains("deactivated syncs with changes details: s B 1 waiting"), "{said}");
        world.says(on);
        becomes(&world, "idle");
        world.becomes("B", "select count(*) from t", &(row + 1).to_string());
        wait_until("all is well", PATIENCE, || (check(&world).0 == 0).then_some(()));
    }
}

#[test]
fn no_daemon_is_critical_also_where_no_sync_is_to_run() {
    let world = World::with(&["A", "B"], &[]);
    world.run_sync("s", "targetdb=B");
    let pids = world.pids();
    world.says("update sync s status=inactive");
    assert!(world.run("restart").stderr.contains("No active syncs were found"));
    gone(&pids);
    assert_eq!((told(&world, "condition").as_str(), told(&world, "level").as_str()), ("off", "critical"));
    assert!(world.says("--json status").contains("\"level\": \"critical\""));
    let (code, said) = check(&world);
    assert!(code == 2 && said.contains("no daemon runs"), "{said}");
}

#[test]
fn a_new_status_takes_effect_at_once() {
    let world = World::with(&["A", "B"], &[]);
    world.run_sync("s", "targetdb=B");
    let processes = ["ctl.sync.s", "kid.sync.s.B"].map(|file| world.pid(file));
    world.says("update sync s status=inactive");
    gone(&processes);
    becomes(&world, "off");
    world.at("A", "insert into t values (1)");
    assert!(world.run("kick s 5").stdout.contains("Cannot kick inactive sync"));
    assert_eq!(world.value("B", "select count(*) from t"), "0");
    world.at("control", "update bucardo.sync set status = 'active'");
    world.becomes("B", "select count(*) from t", "1");
    becomes(&world, "idle");

    // That of its source, too.
    world.at("control", "update bucardo.db set status = 'inactive' where name = 'A'");
    becomes(&world, "off");
    assert!(told(&world, "reason").contains("source database \"A\" is not active"));
    world.at("A", "insert into t values (2)");
    world.at("control", "update bucardo.db set status = 'active' where name = 'A'");
    world.becomes("B", "select count(*) from t", "2");
}

#[test]
fn a_sync_that_is_renamed_goes_on_under_its_new_name() {
    let world = World::with(&["A", "B"], &[]);
    world.run_sync("s", "targetdb=B");
    world.at("A", "insert into t values (1)");
    world.becomes("B", "select count(*) from t", "1");
    world.says("update sync s name=s2");
    world.at("A", "insert into t values (2)");
    world.becomes("B", "select count(*) from t", "2");
    becomes(&world, "idle");
    assert_eq!(told(&world, "name"), "s2");
    newer(&world, "pause s2");
    becomes(&world, "paused");
    world.says("update sync s2 name=s3");
    world.pid_files().iter().for_each(|file| assert!(!file.contains("s2"), "{file}"));
    becomes(&world, "paused");
    world.at("A", "insert into t values (3)");
    newer(&world, "resume s3");
    world.becomes("B", "select count(*) from t", "3");
}

#[test]
fn a_sync_without_a_daemon_is_stopped_whatever_the_pid_files_say() {
    let world = World::with(&["A", "B"], &[]);
    world.run_sync("s", "targetdb=B");
    let pids = world.pids();
    send(world.pid("mcp"), Signal::SIGKILL);
    gone(&pids);
    becomes(&world, "stopped");
    world.at("A", "insert into t select generate_series(1, 1000)");
    assert!(world.says("status").contains("|stopped, 1000 waiting|"));
    assert_eq!(told(&world, "waiting,changes"), "1000");
    assert_eq!(told(&world, "level"), "critical");
    let (code, said) = check(&world);
    assert!(code == 2 && said.contains("syncs without daemon: 1"), "{said}");
    assert!(newer(&world, "status").contains("| Stopped, 1,000 waiting "));

    // Pid files in another directory, as of another machine.
    let elsewhere = world.installed.dir().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    newer(&world, &format!("start --piddir={}", elsewhere.display()));
    world.becomes("B", "select count(*) from t", "1000");
    becomes(&world, "idle");
    assert!(world.says("status").contains("Bucardo runs on another machine, or with another piddir"));
    newer(&world, &format!("stop --piddir={}", elsewhere.display()));
}

/// A target on which every row takes a minute.
pub const SLOW: &str =
    "create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(60); return null; end';
    create trigger slow after insert on u for each row execute procedure slow();
    alter table u enable always trigger slow";

#[test]
fn what_is_broken_off_on_purpose_has_not_failed() {
    let world = World::with(&["A", "B"], &[]);
    world.at("B", SLOW);
    world.run_sync("s", "targetdb=B");
    world.at("A", "insert into u values (1)");
    let busy =
        "select count(*) from pg_stat_activity where application_name = 'bucardo kid s -> B target' and wait_event = 'PgSleep'";
    let ways: [(&str, &str); 3] = [("reload_config 20", ""), ("deactivate s 0", "activate s 0"), ("stop", "start")];
    for (break_off, go_on) in ways {
        world.becomes("B", busy, "1");
        world.becomes("control", "select count(*) from bucardo.q where started is not null and ended is null", "1");
        world.says(break_off);
        if !go_on.is_empty() {
            becomes(&world, if break_off == "stop" { "stopped" } else { "off" });
            assert_eq!(told(&world, "waiting,changes"), "1");
            world.says(go_on);
        }
    }
    world.becomes("B", busy, "1");
    newer(&world, "pause s");
    becomes(&world, "paused");
    world.at("B", "alter table u disable trigger slow");
    newer(&world, "resume s");
    world.becomes("B", "select count(*) from u", "1");
    world.becomes_quiet();
    assert_eq!(world.value("control", "select count(*) from bucardo.q where aborted is not null"), "0");
    assert!(world.says("status s").contains("\nLast bad:             unknown\n"));
    assert!(!world.installed.log().contains("was killed"), "{}", world.installed.log());
}

#[test]
fn quiet_is_not_overdue_and_changes_that_wait_are() {
    let world = World::with(&["A", "B"], &[]);
    world.run_sync("s", "targetdb=B");
    world.at("control", "update bucardo.sync set overdue = '2 seconds', expired = '2 days'");
    world.at("control", "update bucardo.newest_run set ended = now() - interval '1 day', started = now() - interval '1 day'");
    assert_eq!((told(&world, "overdue"), check(&world).0), ("false".to_owned(), 0));
    newer(&world, "pause s");
    becomes(&world, "paused");
    assert_eq!((told(&world, "overdue"), check(&world).0), ("false".to_owned(), 0), "nothing waits");
    world.at("A", "insert into t values (1)");
    wait_until("it is overdue", PATIENCE, || (told(&world, "overdue") == "true").then_some(()));
    assert!(world.says("status").contains(" P O!|paused, 1 waiting|"));
    world.at("control", "update bucardo.sync set expired = '1 second'");
    wait_until("it is expired", PATIENCE, || (told(&world, "expired") == "true").then_some(()));
    assert_eq!(check(&world).0, 2);
    newer(&world, "resume s");
    world.becomes("B", "select count(*) from t", "1");
    wait_until("all is well", PATIENCE, || (check(&world).0 == 0).then_some(()));

    // A run that was to be made by the clock, and was not.
    world.at("control", "update bucardo.sync set checktime = '1 hour', expired = '2 days', overdue = '1 hour'");
    world.at("control", "update bucardo.newest_run set ended = now() - interval '90 minutes'");
    assert_eq!(told(&world, "overdue"), "false");
    world.at("control", "update bucardo.newest_run set ended = now() - interval '121 minutes'");
    assert_eq!(told(&world, "overdue"), "true");
}

#[test]
fn a_large_backlog_is_counted_no_further_than_anybody_reads() {
    let world = World::with(&["A", "B"], &[]);
    world.run_sync("s", "targetdb=B");
    newer(&world, "pause s");
    becomes(&world, "paused");
    world.at("A", "insert into t select generate_series(1, 150000)");
    let asked = Instant::now();
    assert_eq!((told(&world, "waiting,changes").as_str(), told(&world, "waiting,or_more").as_str()), ("100000", "true"));
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    assert!(world.says("status").contains("|paused, 100000+ waiting|"));
    newer(&world, "resume s");
    world.becomes("B", "select count(*) from t", "150000");
    wait_until("nothing waits", PATIENCE, || (told(&world, "waiting,changes") == "0").then_some(()));
}

#[test]
fn a_source_that_hangs_leaves_the_number_unknown_and_does_not_hold_up_status() {
    let world = World::with(&["A", "B"], &[]);
    world.run_sync("s", "targetdb=B");
    newer(&world, "pause s");
    becomes(&world, "paused");
    // It takes connections and says nothing.
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = deaf.local_addr().unwrap().port();
    world.at("control", &format!("update bucardo.db set dbhost = '127.0.0.1', dbport = '{port}' where name = 'A'"));
    let asked = Instant::now();
    let block = world.says("status s");
    assert!(block.contains("\nWaiting changes:      unknown: database \"A\": "), "{block}");
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    assert_eq!(check(&world).0, 1, "changes may wait");
}

/// The histories that are tried, unless the variable says otherwise.
const HISTORIES: u64 = 24;
const VARIABLE: &str = "BUCARDO_TEST_STATES";

/// What a person knows who has seen everything that happened.
#[derive(Debug, Clone, Copy)]
struct Known {
    lives: bool,
    active: bool,
    asked: Option<bool>,
    paused: bool,
}

impl Known {
    fn is_on(self) -> bool {
        self.asked.unwrap_or(self.active)
    }

    fn state(self) -> &'static str {
        match () {
            () if !if self.lives { self.is_on() } else { self.active } => "off",
            () if !self.lives => "stopped",
            () if self.paused => "paused",
            () => "idle",
        }
    }

    /// The exit code of the plug-in while a change waits, if it waits.
    fn code(self) -> i32 {
        match self.state() {
            _ if !self.lives => 2,
            "paused" | "off" => 1,
            _ => 0,
        }
    }
}

/// Something that happens; what is known afterwards.
fn happens(world: &World, teller: &mut Client, chance: &mut Chance, known: &mut Known) -> &'static str {
    let event = chance.pick(&[
        "start",
        "stop",
        "kill",
        "reload",
        "pause",
        "pause",
        "resume",
        "activate",
        "deactivate",
        "inactive",
        "active",
        "kid",
        "control",
    ]);
    let pids = world.pids();
    match event {
        // A daemon without any active sync does not stay.
        "start" if !known.active => return "no start",
        "start" | "stop" => {
            world.says(event);
            gone(&pids);
        }
        "kill" if known.lives => {
            send(world.pid("mcp"), Signal::SIGKILL);
            gone(&pids);
        }
        "reload" if known.lives => drop(world.says("reload_config 20")),
        "pause" | "resume" | "activate" | "deactivate" => {
            // Where strangers may connect, what a session asks for counts as long as the session is
            // there.
            teller.batch_execute(&format!("notify bucardo_{event}_sync_s")).unwrap();
        }
        "inactive" | "active" => world.at("control", &format!("update bucardo.sync set status = '{event}'")),
        "kid" => world.pid_now("kid.sync.s.B").into_iter().for_each(|pid| send(pid, Signal::SIGKILL)),
        "control" => {
            let sql = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'bucardo mcp control'";
            world.at("postgres", sql);
        }
        _ => {}
    }
    let differs = |wanted: bool| (known.active != wanted).then_some(wanted);
    match event {
        "start" => *known = Known { lives: true, asked: None, ..*known },
        "stop" | "kill" => *known = Known { lives: false, asked: None, ..*known },
        "reload" => known.asked = None,
        "pause" if known.lives && known.is_on() => known.paused = true,
        "resume" if known.lives && known.is_on() => known.paused = false,
        "activate" if known.lives => *known = Known { paused: false, asked: differs(true), ..*known },
        "deactivate" if known.lives => known.asked = differs(false),
        "active" | "inactive" if known.active != (event == "active") => {
            *known = Known { active: event == "active", asked: None, ..*known };
        }
        _ => {}
    }
    event
}

/// Each history ends with a row.
#[test]
fn after_random_histories_status_json_check_and_a_row_agree() {
    let world = World::with(&["A", "B"], &[]);
    world.says("add sync s type=pushdelta source=h targetdb=B");
    world.says("start");
    let mut known = Known { lives: true, active: true, asked: None, paused: false };
    let (mut chance, mut teller) = (Chance::new(), world.db("control"));
    let histories = std::env::var(VARIABLE).map_or(HISTORIES, |number| number.parse().unwrap());
    let mut row = 0;
    for _ in 0..histories {
        let mut history = Vec::new();
        for _ in 0..1 + chance.below(4) {
            history.push(happens(&world, &mut teller, &mut chance, &mut known));
            let state = known.state();
            wait_until(&format!("{state} after {history:?}, {known:?}"), PATIENCE, || {
                (told(&world, "condition") == state).then_some(())
            });
        }
        row += 1;
        world.at("A", &format!("insert into t values ({row})"));
        let state = known.state();
        let arrived = format!("select count(*) from t where id = {row}");
        if state == "idle" {
            world.becomes("B", &arrived, "1");
            world.becomes("B", "select count(*) from t", &row.to_string());
        } else {
            assert!(told(&world, "waiting,changes").parse::<i64>().unwrap() > 0, "{history:?}");
            assert!(world.says("status").contains(&format!("|{state}, ")), "{history:?}: {}", world.says("status"));
            assert_eq!(told(&world, "condition"), state, "{history:?}");
            assert_eq!(world.value("B", &arrived), "0", "{history:?}");
        }
        wait_until(&format!("the plug-in ends with {} after {history:?}, {known:?}", known.code()), PATIENCE, || {
            (check(&world).0 == known.code()).then_some(())
        });
    }
}
