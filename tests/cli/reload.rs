//! `reload` and `reload_config`.

use super::fake_daemon::FakeDaemon;
use super::prepared::prepared;
use crate::harness::Installed;

#[test]
fn a_reload_waits_for_the_daemon() {
    let installed = prepared();
    let _daemon = FakeDaemon::new(&installed, "bucardo_reload_sync_orders", |client, _| {
        let sql = "update bucardo.validation set validated = now(), ok = true where sync = 'orders'";
        client.batch_execute(sql).unwrap();
        client.batch_execute("notify bucardo_reloaded_sync_orders").unwrap();
    });
    assert_eq!(installed.ctl(&["reload", "sync", "orders"]).ok(), "Reloading sync orders...DONE!\n");
}

#[test]
fn what_cannot_be_reloaded_is_said_and_no_success() {
    let installed = prepared();
    let outcome = installed.ctl(&["reload", "nosuch", "asleep"]).ended_with(1);
    let told: Vec<_> = outcome.stderr.lines().filter(|line| !line.starts_with("HINT: ")).collect();
    assert_eq!(told, ["Invalid sync: nosuch", "Cannot reload: status of sync \"asleep\" is inactive"]);
    assert!(installed.ctl(&["reload"]).ended_with(1).stderr.starts_with("Usage: reload"));
}

#[test]
fn a_reload_of_the_settings_waits_only_for_a_number() {
    let installed = Installed::new();
    let sentence = "Forcing Bucardo to reload the bucardo_config table";
    assert_eq!(installed.ctl(&["reload_config"]).ok(), format!("{sentence}\n"));
    assert_eq!(installed.ctl(&["reload_config", "--quiet"]).ok(), "\n");
    let silent = FakeDaemon::silent(&installed);
    let unanswered = installed.ctl(&["reload_config", "1"]).ended_with(1);
    drop(silent);
    assert!(unanswered.stderr.starts_with("No answer within 1 seconds: the daemon may not have reloaded its settings\n"));
    let _daemon = FakeDaemon::new(&installed, "bucardo_reload_config", |client, _| {
        client.batch_execute("notify bucardo_reload_config_finished").unwrap();
    });
    assert_eq!(installed.ctl(&["reload_config", "0"]).ok(), format!("{sentence}...DONE!\n"));
    assert_eq!(installed.ctl(&["reload", "config", "5"]).ok(), format!("{sentence}...DONE!\n"));
}
