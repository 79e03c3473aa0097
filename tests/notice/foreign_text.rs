//! Text from others, with newlines and control sequences in it: it reaches people and programs as
//! text.

use crate::daemon::world::{PATIENCE, World};
use crate::harness::wait_until;
use std::process::Command;

/// What a server says that wants to be taken for another line and to hide the ones before.
const FORGED: &str =
    r"broken\n[Mon Nov 23 02:27:04 2026]  MCP MCP exiting. Reason: forged\r\n\x1b[2J\x1b]0;title\x07\u009b1m\u202e<b>&amp;";

/// A sync whose target says so on every write.
fn failing() -> World {
    let world = World::with(&["A", "B"], &[]);
    let function =
        format!("create function liar() returns trigger language plpgsql as $f$ begin raise exception '%', e'{FORGED}'; end $f$");
    world.at("B", &function);
    world.at(
        "B",
        "create trigger liar before insert on t for each row execute procedure liar(); alter table t enable always trigger liar",
    );
    world.at("A", "create table \"odd\n\x1b[31mname\" (id integer primary key)");
    world.says("add sync s type=pushdelta source=h targetdb=B");
    world.says("start");
    world.at("A", "insert into t values (1)");
    world.becomes("control", "select count(*) > 0 from bucardo.q where whydie ~ 'forged'", "true");
    world
}

fn assert_plain(what: &str, text: &str) {
    assert!(text.contains("forged"), "{what} does not have it: {text}");
    let controls: Vec<char> = text.chars().filter(|c| bucardo::plain::is_control(*c) && !['\n', '\t'].contains(c)).collect();
    assert_eq!(controls, Vec::<char>::new(), "{what}: {text:?}");
    let forged = |line: &&str| line.trim_start().starts_with("[Mon Nov 23");
    assert_eq!(text.lines().find(forged), None, "{what}: {text}");
}

#[test]
fn an_error_of_a_server_is_text_in_log_terminal_json_and_report() {
    let world = failing();
    assert_plain("the log", &world.installed.log());
    assert_plain("status", &world.says("status s"));
    assert_plain("the newer status", &world.installed.bucardo(&["status", "s"]).ok());
    assert_plain("json", &world.says("status --json"));
    let kick = world.installed.bucardo(&["kick", "s", "20", "--notimer"]).ended_with(2);
    assert_plain("kick", &kick.stdout);
    assert_plain("the queue", &world.value("control", "select whydie from bucardo.q where whydie ~ 'forged' limit 1"));
    let (socket, port) = (world.installed.cluster.socket_dir().display().to_string(), world.installed.cluster.port().to_string());
    if Command::new("psql").arg("--version").output().is_err() {
        return eprintln!("there is no psql: the scripts are not shown");
    }
    for script in ["bucardo-report", "check_bucardo_sync"] {
        let path = format!("{}/scripts/{script}", env!("CARGO_MANIFEST_DIR"));
        let programs = format!("{}:/usr/local/bin:/usr/bin:/bin", world.installed.dir().join("bin").display());
        let mut run = Command::new("bash");
        run.arg(path).arg(format!("--dbhost={socket}")).arg(format!("--dbport={port}")).env("PATH", programs);
        let said = run.output().unwrap();
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        assert_plain(script, &said);
        assert!(script != "bucardo-report" || !said.contains("<b>") && said.contains("&lt;b&gt;"), "{said}");
    }
}

/// Nothing but the control schema's owner writes there; but what it writes may come from anywhere.
#[test]
fn a_stored_reason_is_text_wherever_it_is_shown() {
    let world = failing();
    world.says("stop");
    wait_until("the daemon has stopped", PATIENCE, || world.pid_now("mcp").is_none().then_some(()));
    world.at("control", &format!("update bucardo.q set whydie = e'{FORGED}' where whydie is not null"));
    for text in [world.says("status s"), world.says("status --json")] {
        assert!(!text.chars().any(|c| bucardo::plain::is_control(c) && !['\n', '\t'].contains(&c)), "{text:?}");
    }
}

#[test]
fn a_message_left_for_the_log_forges_no_line() {
    let world = World::with(&["A", "B"], &[]);
    world.run_sync("s", "targetdb=B");
    world.at("control", &format!("insert into bucardo.bucardo_log_message (msg) values (e'{FORGED}')"));
    world.logs("broken");
    assert_plain("the log", &world.installed.log().replace("\n\t[Mon", "\n\t [Mon").replace("\t [Mon Nov 23", "\t "));
    assert!(world.installed.log().contains("broken\n\t[Mon Nov 23"), "{}", world.installed.log());
}

#[test]
fn names_of_tables_are_text_too() {
    let world = failing();
    let said = world.run("add table odd% db=A");
    let listed = world.says("list tables");
    for text in [said.stdout, said.stderr, listed] {
        assert!(!text.contains('\x1b') && !text.contains("odd\n"), "{text:?}");
    }
}
