//! The tables as users know them: the reference for names, types and defaults. People write to
//! these tables with SQL, so nothing here changes; what we add stands behind it, in [`ADDED`].

/// Table, then its columns in order: name, type, `!` for NOT NULL, default.
pub const COLUMNS: &[(&str, &str)] = &[
    ("bucardo_config", "setting text!; value text!; about text; type text; name text; cdate timestamptz! now()"),
    (
        "db",
        "name text!; dbhost text! ''; dbport text! '5432'; dbname text!; dbuser text!; dbpass text; dbconn text! ''; \
         dbservice text; pgpass text; status text! 'active'; sourcelimit smallint! 0; targetlimit smallint! 0; \
         server_side_prepares boolean! true; cdate timestamptz! now()",
    ),
    ("dbgroup", "name text!; cdate timestamptz! now()"),
    ("dbmap", "db text!; dbgroup text!; priority smallint! 0; cdate timestamptz! now()"),
    ("db_connlog", "db text!; conndate timestamptz! now(); connstring text!; status text! 'unknown'; version text"),
    (
        "goat",
        "id integer! nextval('goat_id_seq'); db text!; schemaname text!; tablename text!; reltype text! 'table'; pkey text; \
         qpkey text; pkeytype text; has_delta boolean! false; ping boolean; customselect text; makedelta boolean; \
         rebuild_index smallint! 0; ghost boolean! false; standard_conflict text; analyze_after_copy boolean! true; \
         strict_checking boolean! true; delta_bypass boolean! false; delta_bypass_min bigint; delta_bypass_count bigint; \
         delta_bypass_percent smallint; cdate timestamptz! now()",
    ),
    (
        "bucardo_custom_trigger",
        "id integer! nextval('bucardo_custom_trigger_id_seq'); goat integer!; trigger_name text!; trigger_type text!; \
         trigger_language text! 'plpgsql'; trigger_body text!; trigger_level text!; status text! 'active'; \
         cdate timestamptz! now()",
    ),
    ("herd", "name text!; cdate timestamptz! now()"),
    ("herdmap", "herd text!; goat integer!; priority smallint! 0; cdate timestamptz! now()"),
    (
        "sync",
        "name text!; source text!; targetdb text; targetgroup text; synctype text!; stayalive boolean! true; \
         kidsalive boolean! true; usecustomselect boolean! false; copytype text! 'copy'; copyextra text! ''; \
         deletemethod text! 'delete'; limitdbs smallint! 0; ping boolean! true; do_listen boolean! false; checktime interval; \
         status text! 'active'; makedelta boolean! false; rebuild_index smallint! 0; priority smallint! 0; \
         txnmode text! 'REPEATABLE READ'; analyze_after_copy boolean! true; strict_checking boolean! true; \
         overdue interval! '00:00:00'; expired interval! '00:00:00'; track_rates boolean! false; onetimecopy smallint! 0; \
         lifetime interval; maxkicks integer! 0; cdate timestamptz! now()",
    ),
    (
        "audit_pid",
        "id integer! nextval('audit_pid_id_seq'); parentid integer; familyid integer; type text!; sync text!; source text; \
         target text; master_backend integer! pg_backend_pid(); source_backend integer; target_backend integer; ppid integer!; \
         pid integer!; birthdate timestamptz! now(); killdate timestamptz; birth text; death text",
    ),
    (
        "q",
        "sync text; sourcedb text; targetdb text; ppid integer!; pid integer; synctype text; updates bigint; inserts bigint; \
         deletes bigint; started timestamptz; aborted timestamptz; whydie text; ended timestamptz; cdate timestamptz! now()",
    ),
    (
        "customcode",
        "id integer! nextval('customcode_id_seq'); name text!; about text; whenrun text!; getdbh boolean! true; \
         getrows boolean! false; trigrules boolean! false; src_code text!; cdate timestamptz! now()",
    ),
    (
        "customcode_map",
        "code integer!; sync text; goat integer; active boolean! true; priority smallint! 0; cdate timestamptz! now()",
    ),
    ("bucardo_rate", "sync text; goat integer; target text; mastercommit timestamptz; slavecommit timestamptz; total integer"),
    ("upgrade_log", "action text; summary text; version text; cdate timestamptz! now()"),
    ("bucardo_log_message", "msg text!; cdate timestamptz! now()"),
];

/// Columns of ours and of the newer version, behind those of the reference, and tables of both.
pub const ADDED: &[(&str, &str)] = &[
    ("bucardo_config", "id integer! nextval('bucardo_config_id_seq')"),
    ("db", "makedelta boolean! false; capture text! 'ordinary'"),
    ("dbmap", "id integer! nextval('dbmap_id_seq'); role text! 'target'"),
    ("db_connlog", "id integer! nextval('db_connlog_id_seq')"),
    ("herdmap", "id integer! nextval('herdmap_id_seq')"),
    ("sync", "conflict_strategy text; copy_asked timestamptz; capture text! 'ordinary'"),
    ("q", "id bigint! nextval('q_id_seq'); heartbeat timestamptz; retry_at timestamptz; progress text"),
    ("customcode_map", "id integer! nextval('customcode_map_id_seq')"),
    ("channel_secret", "id integer! 1; word text!; cdate timestamptz! now()"),
    ("turn", "what text!"),
    (
        "newest_run",
        "sync text!; bad boolean!; targetdb text; updates bigint; inserts bigint; deletes bigint; started timestamptz; aborted timestamptz; whydie text; ended timestamptz!",
    ),
    ("bucardo_rate", "id bigint! nextval('bucardo_rate_id_seq')"),
    ("upgrade_log", "id integer! nextval('upgrade_log_id_seq')"),
    ("bucardo_log_message", "id bigint! nextval('bucardo_log_message_id_seq')"),
    (
        "customname",
        "id integer! nextval('customname_id_seq'); goat integer!; newname text!; db text; sync text; cdate timestamptz! now()",
    ),
    (
        "customcols",
        "id integer! nextval('customcols_id_seq'); goat integer!; clause text!; db text; sync text; cdate timestamptz! now()",
    ),
    (
        "conflict",
        "id bigint! nextval('conflict_id_seq'); sync text!; schemaname text!; tablename text!; key text!; strategy text!; \
         winner text; changes jsonb! '{}'; details jsonb; cdate timestamptz! now()",
    ),
    ("validation", "sync text!; requested timestamptz!; validated timestamptz; ok boolean; outcome text"),
    (
        "presence",
        "single boolean! true; host text! ''; boot text! ''; pid integer! 0; ticks bigint! 0; piddir text! ''; \
         directory text! ''; backend integer! 0; backend_start timestamptz; role oid; started timestamptz! now(); ended timestamptz; awaited timestamptz; \
         instance text! ''",
    ),
    ("former_name", "sync text!; holder text!; db text!; former text!"),
    ("joining", "sync text!; goat integer!; cdate timestamptz! now(); looked timestamptz; outcome text"),
    (
        "gap",
        "sync text!; targetdb text!; db text!; goat integer!; tablename text!; what text!; command text!; \
         since timestamptz! clock_timestamp(); latest timestamptz! clock_timestamp(); told boolean! false; former text",
    ),
    (
        "sync_state",
        "sync text!; paused timestamptz; asked text; trouble text; reason text; since timestamptz; next_try timestamptz; alarm text",
    ),
    ("table_state", "sync text!; targetdb text!; db text!; goat integer!; state text!"),
    (
        "departed_partition",
        "sync text!; targetdb text!; db text!; goat integer!; partition text!; since timestamptz! clock_timestamp(); relation oid! 0; look timestamptz",
    ),
    ("installation", "id text!; cdate timestamptz! now(); system_identifier text; dboid oid"),
    ("place", "sync text!; db text!; side text!; outcome text; cdate timestamptz! now()"),
    (
        "db_identity",
        "db text!; system_identifier text; dboid oid; life text; halted timestamptz; kind text; reason text; met text; connections integer; cdate timestamptz! now()",
    ),
];

/// Primary keys, foreign keys with what happens on update and on delete (`a` nothing, `r` restrict,
/// `c` cascade, `n` set null), and checks.
pub const CONSTRAINTS: &[(&str, &str)] = &[
    ("bucardo_config", "valid_config_type c"),
    ("db", "db_name_pk p; db_name_sane c; db_status c"),
    ("dbgroup", "dbgroup_name_pk p; dbgroup_name_sane c"),
    ("dbmap", "dbmap_db_fk f db(name) cc; dbmap_dbgroup_fk f dbgroup(name) cc; dbmap_role c"),
    ("db_connlog", "db_connlog_dbid_fk f db(name) cc; db_connlog_status c"),
    (
        "goat",
        "goat_id_pk p; goat_db_fk f db(name) cr; has_schemaname c; valid_reltype c; pkey_needs_type c; custom_needs_pkey c; \
         standard_conflict c; standard_conflict_sequence c",
    ),
    (
        "bucardo_custom_trigger",
        "bucardo_custom_trigger_id_pk p; bucardo_custom_trigger_goat_fk f goat(id) ac; type_is_delta_or_trigger c; \
         level_is_row_statement c",
    ),
    ("herd", "herd_name_pk p"),
    ("herdmap", "herdmap_herd_fk f herd(name) cc; herdmap_goat_fk f goat(id) ac"),
    (
        "sync",
        "sync_name_pk p; sync_name_sane c; sync_source_herd_fk f herd(name) cr; sync_targetdb_fk f db(name) cr; \
         sync_targetgroup_fk f dbgroup(name) cr; sync_type c; sync_copytype c; sync_deletemethod c; sync_txnmode c; sync_validtarget c",
    ),
    ("q", "q_sync_fk f sync(name) cn; q_sdb_fk f db(name) cn; q_tdb_fk f db(name) cn"),
    ("customcode", "customcode_id_pk p; customcode_whenrun c"),
    ("customcode_map", "customcode_map_syncgoat c"),
];

/// Indexes that are not made by a constraint: name, `u` for unique, columns, `?` for partial.
pub const INDEXES: &[(&str, &str)] = &[
    ("bucardo_config", "bucardo_config_unique u setting ?; bucardo_config_unique_name u setting,name,type ?"),
    ("db", "db_dsn_unique u dbhost,dbport,dbname,dbuser ?"),
    ("dbmap", "dbmap_unique u db,dbgroup"),
    ("bucardo_custom_trigger", "bucardo_custom_trigger_goat_type_unique u goat,trigger_type"),
    ("herdmap", "bucardo_herdmap_unique u herd,goat"),
    ("sync", "sync_source_targetdb_type u source,targetdb,synctype; sync_source_targetgroup_type u source,targetgroup,synctype"),
    (
        "q",
        "q_aborted sync ?; q_cleanup cdate ?; q_ppid ppid,pid ?; q_stathelper cdate,sync ?; \
         q_unique u sync,sourcedb,targetdb ?",
    ),
    ("customcode_map", "customcode_map_unique_goat u code,goat ?; customcode_map_unique_sync u code,sync ?"),
    ("bucardo_rate", "bucardo_rate_sync sync"),
];

/// Triggers, with the kind of events in the words of SQL.
pub const TRIGGERS: &[(&str, &str)] = &[
    (
        "db",
        "check_former_name BEFORE INSERT OR UPDATE ROW; db_change AFTER INSERT OR UPDATE ROW; note_former_name AFTER UPDATE ROW",
    ),
    ("bucardo_config", "check_bucardo_config BEFORE INSERT OR UPDATE ROW"),
    ("goat", "validate_goat BEFORE INSERT OR UPDATE ROW"),
    ("herdmap", "herdcheck AFTER INSERT OR UPDATE ROW; note_joining AFTER DELETE OR INSERT ROW"),
    ("sync", "note_copy BEFORE INSERT OR UPDATE ROW; sync_gone BEFORE DELETE ROW; validate_sync AFTER INSERT OR UPDATE ROW"),
    ("q", "bucardo_q AFTER INSERT ROW; note_run AFTER INSERT OR UPDATE ROW"),
    ("bucardo_log_message", "bucardo_log_message_trigger AFTER INSERT STATEMENT"),
];
