//! The control schema, as it is found in a database after installing.

use super::reference;
use crate::harness::{Cluster, Installed};
use bucardo::control::schema;
use bucardo::error::Kind;
use bucardo::pg::Connection;
use postgres::Client;
use std::collections::BTreeMap;

/// What each table has according to a query that gives table and text.
fn found(control: &mut Client, sql: &str) -> BTreeMap<String, String> {
    control.batch_execute("set search_path = bucardo").unwrap();
    let rows = control.query(sql, &[]).unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// The texts of some lists, joined for tables that are in more than one.
fn wanted(lists: &[&[(&str, &str)]]) -> BTreeMap<String, String> {
    let mut wanted: BTreeMap<String, String> = BTreeMap::new();
    for (table, text) in lists.iter().copied().flatten() {
        let there = wanted.entry((*table).to_owned()).or_default();
        *there = if there.is_empty() { (*text).to_owned() } else { format!("{there}; {text}") };
    }
    wanted
}

fn parts(text: &str) -> Vec<&str> {
    text.split("; ").collect()
}

#[test]
fn tables_columns_and_defaults_are_those_of_the_reference_with_ours_behind() {
    let installed = Installed::new();
    let columns = "
        select c.relname::text, string_agg(
            concat(a.attname, ' ', replace(format_type(a.atttypid, a.atttypmod), 'timestamp with time zone', 'timestamptz'),
                case when a.attnotnull then '!' end,
                ' ' || regexp_replace(pg_get_expr(d.adbin, d.adrelid), '::(text|interval|regclass|jsonb)', '')),
            '; ' order by a.attnum)
        from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
        where c.relnamespace = 'bucardo'::regnamespace and c.relkind = 'r'
        group by c.relname";
    let (found, wanted) = (found(&mut installed.control(), columns), wanted(&[reference::COLUMNS, reference::ADDED]));
    assert_eq!(found.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>());
    for (table, text) in &wanted {
        assert_eq!(parts(&found[table]), parts(text), "columns of {table}");
    }
}

#[test]
fn keys_and_checks_bear_their_known_names() {
    let installed = Installed::new();
    let constraints = "
        select conrelid::regclass::text, string_agg(
            concat(conname, ' ', contype,
                case when contype = 'f'
                    then concat(' ', confrelid::regclass, '(', a.attname, ') ', confupdtype, confdeltype) end),
            '; ')
        from pg_constraint
        left join pg_attribute a on a.attrelid = confrelid and a.attnum = confkey[1]
        where connamespace = 'bucardo'::regnamespace and contype in ('p', 'f', 'c')
        group by conrelid";
    contains(&found(&mut installed.control(), constraints), reference::CONSTRAINTS);
}

#[test]
fn indexes_bear_their_known_names() {
    let installed = Installed::new();
    let indexes = "
        select indrelid::regclass::text, string_agg(
            concat(indexrelid::regclass, case when indisunique then ' u' end, ' ',
                (select string_agg(a.attname, ',' order by a.attnum) from pg_attribute a where a.attrelid = indexrelid),
                case when indpred is not null then ' ?' end),
            '; ' order by indexrelid::regclass::text)
        from pg_index join pg_class c on c.oid = indrelid
        where c.relnamespace = 'bucardo'::regnamespace
        group by indrelid";
    contains(&found(&mut installed.control(), indexes), reference::INDEXES);
}

#[test]
fn triggers_bear_their_known_names() {
    let installed = Installed::new();
    let triggers = "
        select of, string_agg(line, '; ' order by line) from (
            select event_object_table::text as of, concat(trigger_name, ' ', action_timing, ' ',
                string_agg(event_manipulation, ' OR ' order by event_manipulation), ' ', action_orientation) as line
            from information_schema.triggers where trigger_schema = 'bucardo'
            group by event_object_table, trigger_name, action_timing, action_orientation) as each
        group by of";
    assert_eq!(found(&mut installed.control(), triggers), wanted(&[reference::TRIGGERS]));
}

fn contains(found: &BTreeMap<String, String>, wanted: &[(&str, &str)]) {
    for (table, text) in wanted {
        let there = parts(&found[*table]);
        let missing: Vec<_> = parts(text).into_iter().filter(|part| !there.contains(part)).collect();
        assert!(missing.is_empty(), "{table} lacks {missing:?}, has {there:?}");
    }
}

#[test]
fn every_table_has_a_primary_key() {
    let installed = Installed::new();
    let without = "
        select c.oid::regclass::text from pg_class c
        where c.relnamespace in ('bucardo'::regnamespace, 'freezer'::regnamespace) and c.relkind in ('r', 'p')
          and not exists (select 1 from pg_index i where i.indrelid = c.oid and i.indisprimary)";
    let rows = installed.control().query(without, &[]).unwrap();
    assert!(rows.is_empty(), "without primary key: {:?}", rows.iter().map(|r| r.get::<_, String>(0)).collect::<Vec<_>>());
}

#[test]
fn functions_that_run_with_the_owners_rights_are_not_for_everybody_and_trust_no_search_path() {
    let installed = Installed::new();
    let sql = "
        select p.oid::regprocedure::text, p.proconfig, has_function_privilege('public', p.oid, 'execute') from pg_proc p
        where p.pronamespace in ('bucardo'::regnamespace, 'freezer'::regnamespace) and p.prosecdef";
    let definers = installed.control().query(sql, &[]).unwrap();
    assert!(!definers.is_empty());
    for row in definers {
        let (name, settings): (String, Vec<String>) = (row.get(0), row.get::<_, Option<_>>(1).unwrap_or_default());
        assert!(settings.contains(&"search_path=pg_catalog, pg_temp".to_owned()), "{name} has {settings:?}");
        assert!(!row.get::<_, bool>(2), "PUBLIC may execute {name}");
    }
}

#[test]
fn the_forty_settings_are_there_and_passwords_are_for_the_owner_alone() {
    let installed = Installed::new();
    let mut control = installed.control();
    let count: i64 = control.query_one("select count(*) from bucardo.bucardo_config", &[]).unwrap().get(0);
    assert_eq!(
        count, 45,
        "the forty of the original, and batch_changes, copy_jobs, delta_retention, reserve_connections and waiting_alarm"
    );
    let public =
        "select has_schema_privilege('public', 'bucardo', 'usage') or has_table_privilege('public', 'bucardo.db', 'select')";
    assert!(!control.query_one(public, &[]).unwrap().get::<_, bool>(0));
}

#[test]
fn a_second_installation_is_refused_and_a_failed_one_leaves_nothing() {
    let installed = Installed::new();
    let info = installed.cluster.conninfo("bucardo", "bucardo");
    let mut conn = Connection::open(&info).unwrap();
    let refused = schema::install(&mut conn).unwrap_err();
    assert_eq!((refused.kind(), refused.message()), (Kind::Refused, "already have Bucardo installed there"));
    assert_eq!(schema::version(&mut conn).unwrap().as_deref(), Some("4.5.0"));

    conn.batch_execute("drop schema bucardo cascade; drop schema freezer cascade").unwrap();
    conn.batch_execute("create schema freezer; create table freezer.master_q ()").unwrap();
    let failed = schema::install(&mut conn).unwrap_err();
    assert!(failed.to_string().contains("freezer_master_q"), "{failed}");
    assert_eq!(schema::version(&mut conn).unwrap(), None);
}

#[test]
fn it_can_be_installed_by_who_may_only_create_in_a_database() {
    let cluster = Cluster::new();
    let mut admin = cluster.connect("postgres");
    admin.batch_execute("create role clerk login; create role writer login").unwrap();
    admin.batch_execute("grant create on database postgres to clerk").unwrap();
    let mut conn = Connection::open(&cluster.conninfo("postgres", "clerk")).unwrap();
    schema::install(&mut conn).unwrap();
    assert!(schema::version(&mut Connection::open(&cluster.conninfo("postgres", "writer")).unwrap()).is_err());
}

#[test]
fn it_works_in_a_server_that_publishes_every_table() {
    let installed = Installed::on(Cluster::with(&["wal_level = logical"]));
    installed.cluster.connect("bucardo").batch_execute("create publication everything for all tables").unwrap();
    let mut control = installed.control();
    super::two_databases_and_a_sync(&mut control);
    control.batch_execute("update bucardo.bucardo_config set value = '1' where setting = 'audit_pid'").unwrap();
    control
        .batch_execute("insert into bucardo.q (sync, targetdb, ppid, cdate, ended) values ('s', 'b', 1, 'epoch', now())")
        .unwrap();
    control.batch_execute("update bucardo.q set started = now(); select bucardo.bucardo_purge_q_table()").unwrap();
    control.batch_execute("update bucardo.db set name = 'c' where name = 'b'; delete from bucardo.sync").unwrap();
    control.batch_execute("update freezer.master_q set whydie = 'x'; delete from freezer.master_q").unwrap();
}
