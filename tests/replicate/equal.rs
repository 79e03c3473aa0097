//! Whether two databases hold equal rows: each table's rows as text, summed up on its server; only
//! where the sums differ are rows fetched, to be shown.

use crate::harness::Cluster;
use bucardo::pg::{Ident, Relation};
use postgres::Client;
use std::collections::{BTreeMap, BTreeSet};

/// A session that writes all values so that different ones look different, and that no setting of
/// the database hinders.
pub fn session(cluster: &Cluster, database: &str) -> Client {
    let mut client = cluster.connect(database);
    let values = "set extra_float_digits = 3; set timezone = 'GMT'; set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres';
        set bytea_output = 'hex'; set lc_monetary = 'C'; set standard_conforming_strings = on";
    let others = "set row_security = off; set search_path = public; set default_transaction_read_only = off; set client_min_messages = notice;
        set default_transaction_isolation = 'read committed'; set lock_timeout = 0; set idle_in_transaction_session_timeout = 0";
    client.batch_execute(&format!("set statement_timeout = 0; {values}; {others}")).unwrap();
    client
}

/// All captured tables hold equal rows on both sides.
pub fn assert_equal(source: &mut Client, target: &mut Client) {
    let different = differences(source, target);
    assert!(different.is_empty(), "rows differ:\n{}", different.join("\n"));
}

/// The captured tables whose rows differ, with some of the rows.
pub fn differences(source: &mut Client, target: &mut Client) -> Vec<String> {
    let tables = captured(source);
    assert!(!tables.is_empty(), "nothing is captured, so nothing is compared");
    tables.iter().filter_map(|table| difference(source, target, table)).collect()
}

/// The captured tables of a source.
pub fn captured(source: &mut Client) -> Vec<Relation> {
    let rows = source.query("select distinct schemaname, relname from bucardo.bucardo_delta_names order by 1, 2", &[]).unwrap();
    rows.iter().map(|row| Relation::new(row.get::<_, String>(0), row.get::<_, String>(1))).collect()
}

fn difference(source: &mut Client, target: &mut Client, table: &Relation) -> Option<String> {
    let rows = row_texts(source, target, table);
    let sum =
        format!("select count(*) || ' ' || coalesce(md5(string_agg(md5(r), '' order by md5(r))), '') from ({rows}) as rows");
    let [ours, theirs] = [&mut *source, &mut *target].map(|client| client.query_one(&sum, &[]).unwrap().get::<_, String>(0));
    (ours != theirs).then(|| format!("{}: {}", table.label(), examples(source, target, &rows)))
}

/// The query for the rows of a table as texts, of those columns that both sides have.
fn row_texts(source: &mut Client, target: &mut Client, table: &Relation) -> String {
    let theirs = columns(target, table);
    let both: Vec<String> =
        columns(source, table).into_iter().filter(|(name, _)| theirs.contains_key(name)).map(readable).collect();
    format!("select row({})::text as r from {}{table}", both.join(", "), only(source, table))
}

/// The columns and their types, by name.
fn columns(client: &mut Client, table: &Relation) -> BTreeMap<String, String> {
    let sql = "select attname::text, atttypid::regtype::text from pg_attribute
        where attrelid = $1::text::regclass and attnum > 0 and not attisdropped";
    client.query(sql, &[&table.to_string()]).unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Servers of different versions write the same number with different digits; their bytes are the
/// same.
fn readable((name, type_name): (String, String)) -> String {
    let name = Ident::new(name);
    match type_name.as_str() {
        "real" => format!("float4send({name})"),
        "double precision" => format!("float8send({name})"),
        _ => name.to_string(),
    }
}

/// Inheriting tables are compared on their own, partitions with their parent.
fn only(client: &mut Client, table: &Relation) -> &'static str {
    let sql = "select relkind = 'p' from pg_class where oid = $1::text::regclass";
    if client.query_one(sql, &[&table.to_string()]).unwrap().get(0) { "" } else { "only " }
}

fn examples(source: &mut Client, target: &mut Client, rows: &str) -> String {
    let [ours, theirs] = [source, target].map(|client| {
        let found = client.query(rows, &[]).unwrap();
        found.iter().map(|row| row.get(0)).collect::<BTreeSet<String>>()
    });
    let first = |one: &BTreeSet<String>, other| one.difference(other).take(5).cloned().collect::<Vec<_>>();
    format!(
        "{} rows, {} rows; only here {:?}; only there {:?}",
        ours.len(),
        theirs.len(),
        first(&ours, &theirs),
        first(&theirs, &ours)
    )
}
