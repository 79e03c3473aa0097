//! DDL on the types that columns are made of, at any depth: attributes of composite types that go
//! and come again or exchange their names, and labels of enumerated types within them.

use super::gaps::{evened_out, told};
use super::stale::{as_owner, on_both, owned, warm};
use super::world::shared;
use crate::harness::wait_until;
use std::time::Duration;

const TABLE: &str =
    "create type c as (x integer, y text, z text); create type mood as enum ('low', 'high'); create domain moody as mood;
    create type deep as (list c[], m moody); create table t (id integer primary key, v text, o deep)";
const ROWS: &str =
    "insert into t select i, 'v', row(array[row(i, 'y' || i, 'z' || i)::c], 'low')::deep from generate_series(1, 5) i";

const ANEW: &str = "alter type c drop attribute y, add attribute y text";
const EXCHANGE: &str =
    "alter type c rename attribute y to w; alter type c rename attribute z to y; alter type c rename attribute w to z";
const LABELS: &str = "alter type mood rename value 'low' to 'x'; alter type mood rename value 'high' to 'low'; \
    alter type mood rename value 'x' to 'high'";

#[test]
fn attributes_and_labels_that_are_others_on_the_source_are_told() {
    for (name, ddl, words) in [
        ("composite_anew", ANEW, "attribute y of type public.c is another one now"),
        ("composite_later", "alter type c drop attribute y; alter type c add attribute y text", "attribute y of type public.c"),
        ("composite_names", EXCHANGE, "attribute y of type public.c is another one now"),
        ("composite_labels", LABELS, "of an enumerated type is another one now"),
    ] {
        let mut case = warm(owned(name, TABLE).setting("kid_pingtime", "1"), ROWS);
        case.write(&as_owner(ddl));
        case.write("insert into t (id) values (50)");
        case.settle();
        told(&case, &["public.t", &case.source.clone(), words]);
        evened_out(&mut case);
        case.finish_after_deaths();
    }
}

#[test]
fn attributes_that_are_others_on_the_target_are_told() {
    let mut case = warm(owned("composite_target", TABLE).setting("kid_pingtime", "1"), ROWS);
    case.b.batch_execute(&as_owner(ANEW)).unwrap();
    case.write("insert into t (id) values (50)");
    case.settle();
    told(&case, &["public.t", &case.targets[0].clone(), "attribute y of type public.c is another one now"]);
    evened_out(&mut case);
    case.finish_after_deaths();
}

#[test]
fn attributes_that_are_others_on_both_sides_are_not_told() {
    let mut case = warm(owned("composite_same", TABLE), ROWS);
    for ddl in [ANEW, EXCHANGE, "alter type c add attribute more integer", "alter type c rename attribute more to most"] {
        on_both(&mut case, ddl);
        case.write("insert into t (id, v) select max(id) + 1, 'a' from t");
        case.arrives();
        let validated = shared().ctl(&["validate", "composite_same"]);
        assert_eq!(validated.code(), 0, "{ddl}: {}{}", validated.stdout, validated.stderr);
    }
    case.finish_after_deaths();
}

/// A sleeping sync finds out by itself, also if the table itself was not touched.
#[test]
fn an_idle_sync_finds_out_that_a_type_has_changed() {
    let mut case = warm(owned("composite_idle", TABLE).setting("kid_pingtime", "1"), ROWS);
    case.b.batch_execute(&as_owner(ANEW)).unwrap();
    wait_until("status tells it", Duration::from_secs(30), || {
        shared().ctl(&["status", "composite_idle"]).ok().contains("attribute y of type").then_some(())
    });
    evened_out(&mut case);
    case.finish_after_deaths();
}
