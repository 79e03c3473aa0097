//! Requests for a look at a sync's databases.

use super::{heard, two_databases_and_a_sync};
use crate::harness::Installed;
use postgres::Client;

fn told(control: &mut Client) -> Vec<String> {
    heard(control).into_iter().map(|(channel, sync)| format!("{channel} {sync}")).collect()
}

fn noted(control: &mut Client) -> Vec<(String, bool)> {
    let rows = control
        .query("select sync, validated is null and ok is null and outcome is null from bucardo.validation order by 1", &[]);
    rows.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
}

fn looked(control: &mut Client) {
    control.batch_execute("update bucardo.validation set validated = now(), ok = true, outcome = 'well'").unwrap();
}

#[test]
fn a_new_sync_asks_to_be_looked_at() {
    let installed = Installed::new();
    let mut control = installed.control();
    control.batch_execute("listen bucardo_validate_sync").unwrap();
    two_databases_and_a_sync(&mut control);
    assert_eq!(told(&mut control), ["bucardo_validate_sync s"]);
    assert_eq!(noted(&mut control), [("s".to_owned(), true)]);
}

#[test]
fn a_changed_sync_asks_again_if_it_now_connects_other_things_or_bears_another_name() {
    let installed = Installed::new();
    let mut control = installed.control();
    two_databases_and_a_sync(&mut control);
    control.batch_execute("listen bucardo_validate_sync; insert into bucardo.dbgroup (name) values ('g')").unwrap();
    let cases = [
        ("priority = 5", 0),
        // The daemon is told, and nothing has to be looked at.
        ("status = 'inactive'", 1),
        ("ping = ping", 0),
        ("ping = false", 1),
        ("synctype = 'fullcopy'", 1),
        ("targetdb = null, targetgroup = 'g'", 1),
        // The daemon is told about both names.
        ("name = 'renamed'", 2),
    ];
    for (change, requests) in cases {
        looked(&mut control);
        control.batch_execute(&format!("update bucardo.sync set {change}")).unwrap();
        assert_eq!(told(&mut control).len(), requests, "{change}");
        assert_eq!(noted(&mut control)[0].1, requests > 0 && !change.starts_with("status"), "{change}");
    }
    assert_eq!(noted(&mut control), [("renamed".to_owned(), true)]);
}

#[test]
fn validate_sync_in_all_its_forms_asks_for_a_look_and_keeps_what_is_known() {
    let installed = Installed::new();
    let mut control = installed.control();
    two_databases_and_a_sync(&mut control);
    control.batch_execute("listen bucardo_validate_sync").unwrap();
    for call in ["validate_sync('s')", "validate_sync('s', 1)", "validate_all_syncs()::text", "validate_all_syncs(1)::text"] {
        looked(&mut control);
        let answer: String = control.query_one(&format!("select bucardo.{call}"), &[]).unwrap().get(0);
        assert_eq!(answer, if call.contains("all") { "1" } else { "MODIFY" });
        assert_eq!(told(&mut control), ["bucardo_validate_sync s"], "{call}");
        let open: bool = control.query_one("select validated is null and ok from bucardo.validation", &[]).unwrap().get(0);
        assert!(open, "{call}");
    }
}

#[test]
fn a_removed_sync_leaves_no_request_behind() {
    let installed = Installed::new();
    let mut control = installed.control();
    two_databases_and_a_sync(&mut control);
    control.batch_execute("delete from bucardo.sync").unwrap();
    assert_eq!(noted(&mut control), []);
}
