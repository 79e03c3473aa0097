//! Commands that wait, in a control database to which every role may connect: answers of a stranger
//! are none.

use super::fake_daemon::{FakeDaemon, private};
use super::prepared::prepared;
use crate::harness::Installed;

/// A control database that is open, and a stranger that answers `question` with `answer` on the
/// public channels.
fn answered_by_a_stranger(question: &'static str, answer: &'static str) -> (Installed, FakeDaemon) {
    let installed = prepared();
    installed.open_to_all();
    let daemon = FakeDaemon::in_session(installed.stranger(), question, move |client, _| {
        client.batch_execute(&format!("notify {answer}, '9223372036854775807'")).unwrap();
    });
    (installed, daemon)
}

#[test]
fn no_stranger_plays_the_daemon() {
    let (installed, _stranger) = answered_by_a_stranger("bucardo_mcp_ping", "bucardo_mcp_pong");
    assert!(installed.ctl(&["ping", "1"]).ended_with(1).stdout.starts_with("CRITICAL"));
    let (installed, _stranger) = answered_by_a_stranger("bucardo_reload_config", "bucardo_reload_config_finished");
    installed.ctl(&["reload_config", "1"]).ended_with(1);
    let (installed, _stranger) = answered_by_a_stranger("bucardo_kick_sync_orders", "bucardo_syncdone_orders");
    let _daemon = FakeDaemon::silent(&installed);
    assert_eq!(installed.ctl(&["kick", "orders", "1", "--notimer"]).ended_with(1).stderr, "Timed out!\n");
}

#[test]
fn a_daemon_is_asked_and_answers_in_private() {
    let installed = prepared();
    installed.open_to_all();
    let answer = private(&installed, "bucardo_mcp_pong");
    let daemon = FakeDaemon::new(&installed, &private(&installed, "bucardo_mcp_ping"), move |client, _| {
        client.batch_execute(&format!("notify {answer}")).unwrap();
    });
    assert_eq!(installed.ctl(&["ping"]).ok(), format!("OK: Got response from PID {}\n", daemon.backend()));
}

#[test]
fn before_the_word_is_made_commands_talk_as_they_always_did() {
    let installed = prepared();
    installed.open_to_all();
    installed.control().batch_execute("delete from bucardo.channel_secret").unwrap();
    let _daemon = FakeDaemon::new(&installed, "bucardo_mcp_ping", |client, _| {
        client.batch_execute("notify bucardo_mcp_pong").unwrap();
    });
    installed.ctl(&["ping"]).ok();
}
