//! `ping`.

use super::fake_daemon::FakeDaemon;
use crate::harness::Installed;

fn answering(installed: &Installed) -> FakeDaemon {
    FakeDaemon::new(installed, "bucardo_mcp_ping", |client, _| client.batch_execute("notify bucardo_mcp_pong").unwrap())
}

#[test]
fn an_answer_names_the_server_process_of_the_daemon() {
    let installed = Installed::new();
    let daemon = answering(&installed);
    let answer = format!("OK: Got response from PID {}\n", daemon.backend());
    assert_eq!(installed.ctl(&["ping"]).ok(), answer);
    assert_eq!(installed.ctl(&["ping", "0", "--verbose"]).ok(), format!("Pinging MCP, timeout = 0\n{answer}"));
    assert_eq!(installed.ctl(&["ping", "5", "1"]).ok(), "");
    assert_eq!(installed.ctl(&["ping", "--quiet"]).ok(), "");
}

#[test]
fn no_answer_ends_with_one() {
    let installed = Installed::new();
    let silent = FakeDaemon::silent(&installed);
    let outcome = installed.ctl(&["ping", "1"]).ended_with(1);
    drop(silent);
    assert_eq!(outcome.stdout, "CRITICAL: Timed out (1 s), no ping response from MCP\n");
    assert!(installed.ctl(&["ping", "soon"]).ended_with(1).stderr.starts_with("Usage: ping"));
}
