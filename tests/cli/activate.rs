//! `activate` and `deactivate`.

use super::fake_daemon::FakeDaemon;
use super::prepared::prepared;

#[test]
fn only_zero_waits_for_the_daemon() {
    let installed = prepared();
    assert_eq!(installed.ctl(&["activate", "orders", "7"]).ok(), "Activating sync orders\n");
    let _daemon = FakeDaemon::new(&installed, "bucardo_deactivate_sync_orders", |client, _| {
        client.batch_execute("notify bucardo_deactivated_sync_orders").unwrap();
    });
    assert_eq!(installed.ctl(&["deactivate", "orders", "0"]).ok(), "Deactivating sync orders...OK\n");
    assert_eq!(installed.ctl(&["deactivate", "orders", "0", "--quiet"]).ok(), "...OK\n");
}

#[test]
fn the_table_is_not_touched() {
    let installed = prepared();
    installed.ctl(&["activate", "asleep"]).ok();
    let status = "select status from bucardo.sync where name = 'asleep'";
    assert_eq!(installed.control().query_one(status, &[]).unwrap().get::<_, &str>(0), "inactive");
}

#[test]
fn a_sync_must_be_named() {
    let installed = prepared();
    let refused = |words: &[&str], sentence: &str| {
        let stderr = installed.ctl(words).ended_with(255).stderr;
        assert!(stderr.starts_with(&format!("{sentence}\nHINT: ")), "{stderr}");
    };
    refused(&["activate"], "activate_sync requires at least one sync name");
    refused(&["deactivate", "5"], "deactivate_sync requires at least one sync name");
    refused(&["activate", "nosuch"], "Sync \"nosuch\" does not appear to exist");
}
