//! When nobody writes any more, everything arrives by itself, and nothing is left over.

use super::{Shop, clients, schema};
use crate::daemon::world::value;
use crate::harness::wait_until;
use crate::replicate::{equal, invariants};
use std::time::Duration;

/// How long the last changes may take: a place that failed often is tried again after a while.
const PATIENCE: Duration = Duration::from_secs(90);

/// Waits for it, and looks at what has to be so then.
pub fn comes(shop: &Shop) {
    clients::farewell(shop);
    let world = &shop.world;
    let mut first = equal::session(world.server("A"), "a");
    for member in shop.members().skip(1) {
        let mut there = equal::session(world.server(member), &member.to_lowercase());
        let mut last = Vec::new();
        let equal = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_until("rows are equal", PATIENCE, || {
                last = equal::differences(&mut first, &mut there);
                last.is_empty().then_some(())
            });
        }));
        assert!(equal.is_ok(), "{member} differs from A:\n{}", last.join("\n"));
        // It is carried when rows are committed, and after a death by the next round.
        let number = "select last_value from invoice_numbers";
        let is_carried = || (world.value(member, number) == value(&mut first, number)).then_some(());
        wait_until(&format!("the sequence is carried to {member}"), PATIENCE, is_carried);
    }
    for member in shop.members() {
        assert_eq!(world.value(member, schema::BROKEN), "0", "on {member}");
        let log = world.server(member).log();
        assert!(!log.contains("there is no transaction in progress"), "on {member}, somebody was warned for nothing");
    }
    shop.receivers().for_each(|member| invariants::receipts_advanced_at(&mut world.db(member), "shop"));
    world.becomes_quiet();
    for master in shop.layout.masters {
        let mut client = equal::session(world.server(master), &master.to_lowercase());
        wait_until(&format!("the deltas of {master} are reclaimed"), PATIENCE, || {
            (invariants::delta_rows(&mut client) == 0).then_some(())
        });
    }
}
