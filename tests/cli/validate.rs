//! `validate`, as far as it needs no databases but the control database.

use super::prepared::prepared;
use crate::harness::Installed;

#[test]
fn without_words_there_is_only_the_usage_text() {
    let installed = Installed::new();
    assert!(installed.ctl(&["validate"]).ended_with(0).stderr.starts_with("Usage: validate"));
    assert_eq!(installed.ctl(&["validate", "all"]).ok(), "Sorry, there are no syncs to validate!\n");
}

#[test]
fn an_unknown_sync_is_refused_before_any_is_looked_at() {
    let outcome = prepared().ctl(&["validate", "orders", "nosuch"]).ended_with(255);
    assert_eq!(outcome.stdout, "");
    assert!(outcome.stderr.starts_with("Sorry, there is no sync named \"nosuch\"\nHINT: "), "{}", outcome.stderr);
}

#[test]
fn every_failure_is_told_and_counted() {
    let outcome = prepared().ctl(&["validate", "grp", "orders"]).ended_with(2);
    assert_eq!(outcome.stdout, "Validating sync grp......FAILED!\nValidating sync orders...FAILED!\n");
    assert_eq!(outcome.stderr.lines().last(), Some("2 of 2 syncs failed"));
}
