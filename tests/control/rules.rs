//! What the tables refuse, and what their triggers put right.

use super::{refusal, two_databases_and_a_sync};
use crate::harness::Installed;

/// A statement, and the constraint or the sentence that refuses it.
const REFUSED: &[(&str, &str)] = &[
    ("insert into bucardo.db (name, dbname, dbuser) values ('1a', 'x', 'u')", "db_name_sane"),
    ("insert into bucardo.db (name, dbname, dbuser) values ('a b', 'x', 'u')", "db_name_sane"),
    ("insert into bucardo.db (name, dbname, dbuser) values ('a2', 'a', 'bucardo')", "db_dsn_unique"),
    ("update bucardo.db set status = 'asleep'", "db_status"),
    ("delete from bucardo.db where name = 'a'", "goat_db_fk"),
    ("delete from bucardo.db where name = 'b'", "sync_targetdb_fk"),
    ("insert into bucardo.dbgroup values ('a-b')", "dbgroup_name_sane"),
    ("insert into bucardo.dbmap (db, dbgroup) values ('a', 'none')", "dbmap_dbgroup_fk"),
    ("insert into bucardo.db_connlog (db, connstring, status) values ('a', '', 'sad')", "db_connlog_status"),
    ("insert into bucardo.goat (db, schemaname, tablename) values ('a', 'x', 't')", "has_schemaname"),
    ("insert into bucardo.goat (db, schemaname, tablename) values ('z', 'public', 't')", "goat_db_fk"),
    ("update bucardo.goat set reltype = 'view'", "valid_reltype"),
    ("update bucardo.goat set standard_conflict = 'highest'", "standard_conflict"),
    ("update bucardo.goat set reltype = 'sequence', standard_conflict = 'latest'", "standard_conflict_sequence"),
    ("set bucardo.validating = on; update bucardo.goat set pkey = 'id'", "pkey_needs_type"),
    ("set bucardo.validating = on; update bucardo.goat set pkey = '', customselect = 'select 1'", "custom_needs_pkey"),
    ("insert into bucardo.herdmap (herd, goat) select 'h', id from bucardo.goat", "bucardo_herdmap_unique"),
    ("delete from bucardo.herd", "sync_source_herd_fk"),
    ("update bucardo.sync set name = 'x-y'", "sync_name_sane"),
    ("update bucardo.sync set name = 'Swap'", "sync_name_sane"),
    ("update bucardo.sync set synctype = 'mirror'", "sync_type"),
    ("update bucardo.sync set copytype = 'fast'", "sync_copytype"),
    ("update bucardo.sync set deletemethod = 'drop'", "sync_deletemethod"),
    ("update bucardo.sync set txnmode = 'read committed'", "sync_txnmode"),
    ("update bucardo.sync set targetdb = null", "sync_validtarget"),
    ("insert into bucardo.dbgroup values ('g'); update bucardo.sync set targetgroup = 'g'", "sync_validtarget"),
    (
        "insert into bucardo.dbgroup values ('g'); insert into bucardo.dbmap (db, dbgroup, role) values ('b', 'g', 'boss')",
        "dbmap_role",
    ),
    ("insert into bucardo.customname (goat, newname) select id, unnest(array['u', 'v']) from bucardo.goat", "customname_unique"),
    (
        "insert into bucardo.customcols (goat, clause, db) select id, unnest(array['select 1', 'select 2']), 'b' from bucardo.goat",
        "customcols_unique",
    ),
    (
        "insert into bucardo.sync (name, source, targetdb, synctype) values ('s2', 'h', 'b', 'pushdelta')",
        "sync_source_targetdb_type",
    ),
    ("insert into bucardo.customcode (name, whenrun, src_code) values ('c', 'never', '')", "customcode_whenrun"),
    (
        "insert into bucardo.customcode (name, whenrun, src_code) values ('c', 'after_txn', '');
         insert into bucardo.customcode_map (code, sync, goat) select c.id, 's', g.id from bucardo.customcode c, bucardo.goat g",
        "customcode_map_syncgoat",
    ),
    (
        "insert into bucardo.bucardo_custom_trigger (goat, trigger_name, trigger_type, trigger_body, trigger_level)
         select id, 't', 'kick', '', 'ROW' from bucardo.goat",
        "type_is_delta_or_trigger",
    ),
    (
        "insert into bucardo.bucardo_custom_trigger (goat, trigger_name, trigger_type, trigger_body, trigger_level)
         select id, 't', 'delta', '', 'TABLE' from bucardo.goat",
        "level_is_row_statement",
    ),
    ("insert into bucardo.bucardo_config (setting, value) values ('PIDDIR', '/')", "bucardo_config_unique"),
    ("insert into bucardo.bucardo_config (setting, value, type, name) values ('x', '1', 'db', 'a')", "valid_config_type"),
    (
        "insert into bucardo.bucardo_config (setting, value, type) values ('x', '1', 'sync')",
        "The setting \"x\" has a type: please give the name of the sync as well",
    ),
    (
        "insert into bucardo.bucardo_config (setting, value, name) values ('x', '1', 's')",
        "The setting \"x\" has a name: please give the type (sync or goat) as well",
    ),
    (
        "insert into bucardo.bucardo_config (setting, value) values ('Sync', '1')",
        "Invalid setting name \"sync\": it is the type of an override",
    ),
    ("update bucardo.goat set qpkey = 'id'", "Cannot set qpkey or pkeytype by hand: they are found in the database itself"),
    (
        "insert into bucardo.goat (db, schemaname, tablename, pkeytype) values ('a', 'public', 'u', 'int4')",
        "Cannot set qpkey or pkeytype by hand: they are found in the database itself",
    ),
    (
        "with other as (insert into bucardo.goat (db, schemaname, tablename) values ('b', 'public', 't2') returning id)
         insert into bucardo.herdmap (herd, goat) select 'h', id from other",
        "Cannot have goats from different databases in the same herd (1)",
    ),
    (
        "with twin as (insert into bucardo.goat (db, schemaname, tablename) values ('a', 'public', 't') returning id)
         insert into bucardo.herdmap (herd, goat) select 'h', id from twin",
        "Cannot have two goats of the same name in the same herd (1)",
    ),
    ("select bucardo.validate_sync('none')", "No such sync: none"),
    ("select bucardo.bucardo_purge_q_table(7)", "Please give an interval, such as bucardo_purge_q_table('2 hours')"),
    ("select bucardo.db_testconn('none')", "No such database: none"),
    ("select bucardo.db_getconn('none')", "No such database: none"),
    ("update bucardo.db set dbport = '5432x'; select bucardo.db_getconn('a')", "The port of database \"a\" is not a number"),
    ("update bucardo.db set dbuser = ''; select bucardo.db_getconn('a')", "Database \"a\" needs a dbname and a dbuser"),
];

#[test]
fn what_is_wrong_is_refused_by_name() {
    let installed = Installed::new();
    let mut control = installed.control();
    two_databases_and_a_sync(&mut control);
    for (sql, why) in REFUSED {
        control.batch_execute("begin").unwrap();
        assert_eq!(&refusal(&mut control, sql), why, "{sql}");
        control.batch_execute("rollback").unwrap();
    }
}

#[test]
fn a_setting_is_stored_in_lower_case_and_may_be_overridden_for_one_sync() {
    let installed = Installed::new();
    let mut control = installed.control();
    let insert = "insert into bucardo.bucardo_config (setting, value, type, name) values ('KID_Pingtime', '5', 'sync', 's')";
    control.batch_execute(insert).unwrap();
    let both =
        "select string_agg(value, ' ' order by name nulls first) from bucardo.bucardo_config where setting = 'kid_pingtime'";
    assert_eq!(control.query_one(both, &[]).unwrap().get::<_, &str>(0), "60 5");
}

#[test]
fn a_key_is_looked_up_by_our_programs_and_looked_up_again_when_it_may_be_another() {
    let installed = Installed::new();
    let mut control = installed.control();
    two_databases_and_a_sync(&mut control);
    let found = "set bucardo.validating = on; update bucardo.goat set pkey = 'id', qpkey = 'id', pkeytype = 'int4';
        reset bucardo.validating";
    let cases = [
        ("select 1", "id/id/int4"),
        ("update bucardo.goat set ping = true", "id/id/int4"),
        ("update bucardo.goat set tablename = 'u'", "null/null/null"),
        ("update bucardo.goat set pkey = 'id'", "id/id/int4"),
        ("update bucardo.goat set pkey = ''", "null/null/null"),
        ("update bucardo.goat set pkey = 'code'", "code/null/"),
        ("update bucardo.goat set pkey = 'code', tablename = 'v'", "code/null/"),
    ];
    for (sql, wanted) in cases {
        control.batch_execute(found).unwrap();
        control.batch_execute(sql).unwrap();
        let key = "select concat_ws('/', coalesce(pkey, 'null'), coalesce(qpkey, 'null'), coalesce(pkeytype, 'null'))
            from bucardo.goat";
        assert_eq!(control.query_one(key, &[]).unwrap().get::<_, &str>(0), wanted, "{sql}");
    }
}

#[test]
fn goats_that_nobody_replicates_are_found_with_the_reason() {
    let installed = Installed::new();
    let mut control = installed.control();
    two_databases_and_a_sync(&mut control);
    let unused = |control: &mut postgres::Client| -> Vec<String> {
        let rows = control.query("select bucardo.find_unused_goats()", &[]).unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    };
    assert!(unused(&mut control).is_empty());
    control.batch_execute("update bucardo.sync set status = 'inactive'").unwrap();
    assert_eq!(unused(&mut control), ["Not in a herd used by an active sync: a.public.t"]);
    control.batch_execute("delete from bucardo.sync").unwrap();
    assert_eq!(unused(&mut control), ["Not in a herd used by any sync: a.public.t"]);
    control.batch_execute("delete from bucardo.herd").unwrap();
    assert_eq!(unused(&mut control), ["Not in any herd: a.public.t"]);
}

#[test]
fn how_to_connect_is_told_to_the_owner_alone() {
    let installed = Installed::new();
    let mut control = installed.control();
    two_databases_and_a_sync(&mut control);
    let update = "update bucardo.db set dbpass = 'secret', dbhost = 'h', dbconn = 'sslmode=require' where name = 'a'";
    control.batch_execute(update).unwrap();
    let told = |control: &mut postgres::Client, name: &str| -> String {
        control.query_one("select bucardo.db_getconn($1)", &[&name]).unwrap().get(0)
    };
    assert_eq!(told(&mut control, "a"), "dbi:Pg:dbname=a;host=h;port=5432;sslmode=require\nbucardo\nsecret\nt");
    assert_eq!(told(&mut control, "b"), "dbi:Pg:dbname=b;port=5432\nbucardo\n\nt");

    installed
        .cluster
        .connect("postgres")
        .batch_execute("create role reporter login; grant connect on database bucardo to reporter")
        .unwrap();
    control.batch_execute("grant usage on schema bucardo to reporter").unwrap();
    let mut reporter = installed.cluster.connect_as("bucardo", "reporter");
    assert_eq!(refusal(&mut reporter, "select bucardo.db_getconn('a')"), "permission denied for function db_getconn");
}

#[test]
fn a_table_exists_or_does_not() {
    let installed = Installed::new();
    let row =
        installed.control().query_one("select bucardo.table_exists('bucardo', 'q'), bucardo.table_exists('bucardo', 'r')", &[]);
    let row = row.unwrap();
    assert_eq!((row.get(0), row.get(1)), (true, false));
}
