//! As wide and as large as it gets.

use super::super::case::case;
use crate::harness::long;

/// The most columns a table can have.
const MOST: usize = 1600;

fn columns(number: usize, text: impl Fn(usize) -> String) -> String {
    (1..=number).map(text).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_table_with_as_many_columns_as_a_server_allows_is_carried() {
    let types = ["boolean", "\"char\"", "smallint", "char(2)", "boolean", "integer"];
    let others = columns(MOST - 1, |n| format!("c{n} {}", types[n % types.len()]));
    let pairs = columns(MOST - 2, |n| format!("c{n} boolean"));
    let ddl = format!(
        "create table wide (id integer primary key, {others}); create table wider (x integer, y text, {pairs}, primary key (y, x));
        create table strict (id integer primary key, {others}, unique (c5))"
    );
    let mut case = case("wide", &ddl).run();
    let values = columns(MOST - 1, |n| ["true", "'c'", "12", "'z'", "false", "i"][n % types.len()].to_owned());
    let trues = columns(MOST - 2, |_| "true".to_owned());
    case.write(&format!("insert into wide select i, {values} from generate_series(1, 5) i; insert into wider select i, 'y', {trues} from generate_series(1, 5) i;
        insert into strict select i, {values} from generate_series(1, 5) i"));
    case.arrives();
    let nulls = columns(MOST - 1, |n| format!("c{n} = null"));
    case.write(&format!("update wide set {nulls} where id = 1; update wide set c1599 = null, c1 = '', c1598 = 77 where id = 2; delete from wide where id = 3;
        update wider set c1598 = false, c1 = null where x = 1; update wider set x = -x where x = 2; delete from wider where x = 3;
        update strict set c5 = c5 + 100 where id < 3; update strict set c1599 = null, id = 50 where id = 4; delete from strict where id = 5"));
    case.arrives();
    case.write(&format!("insert into wide select i, {values} from generate_series(10, 12) i; truncate strict, wider"));
    case.finish();
}

#[test]
fn a_very_large_value_is_carried() {
    let megabytes = if long() { 200 } else { 20 };
    let ddl = "create table large (id integer primary key, t text, b bytea, j jsonb)";
    let mut case = case("large_values", ddl).run();
    case.write(&format!("insert into large values (1, repeat(E'0123\\\\\\t\\n89', {megabytes} * 100000), null, null),
        (2, null, decode(repeat('00ff5c', {megabytes} * 333333), 'hex'), null), (3, null, null, to_jsonb(repeat('\"\\', {megabytes} * 50000)))"));
    case.arrives();
    case.write(
        "update large set t = t || 'end' where id = 1; update large set b = null where id = 2; delete from large where id = 3",
    );
    case.finish();
}
