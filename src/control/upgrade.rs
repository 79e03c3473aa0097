//! Bringing an older control schema up to date: what has changed since the first version, each
//! change with a way to see whether it is there. A change that is there already is none, so that
//! any older schema, whatever its age, gets exactly what it lacks.

use crate::control::setting_table::{self, Setting};
use crate::error::{Error, Kind, Result};
use crate::pg::Connection;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// A change.
pub struct Change {
    /// What is said of it.
    pub summary: String,
    sql: String,
}

/// A change of the schema, and a question that is true while it is missing.
struct Step {
    missing: &'static str,
    summary: &'static str,
    sql: &'static str,
}

/// A column that is missing.
macro_rules! column {
    ($table:literal, $column:literal, $what:literal) => {
        Step {
            missing: concat!(
                "select not exists (select from pg_catalog.pg_attribute where attrelid = 'bucardo.",
                $table,
                "'::regclass and attname = '",
                $column,
                "' and not attisdropped)"
            ),
            summary: concat!("Created column: bucardo.", $table, ".", $column, " ", $what),
            sql: concat!("alter table bucardo.", $table, " add column ", $column, " ", $what),
        }
    };
}

/// A constraint that is missing.
macro_rules! constraint {
    ($table:literal, $name:literal, $what:literal) => {
        Step {
            missing: concat!(
                "select not exists (select from pg_catalog.pg_constraint where conrelid = 'bucardo.",
                $table,
                "'::regclass and conname = '",
                $name,
                "')"
            ),
            summary: concat!("Created constraint ", $name, " ON bucardo.", $table),
            sql: concat!("alter table bucardo.", $table, " add constraint ", $name, " ", $what),
        }
    };
}

/// A table that is missing, with all that is in its file.
macro_rules! table {
    ($table:literal) => {
        Step {
            missing: concat!("select to_regclass('bucardo.", $table, "') is null"),
            summary: concat!("Created table: bucardo.", $table),
            sql: include_str!(concat!("../../schema/control/", $table, ".sql")),
        }
    };
}

/// All changes since the first version, in the order in which they have to be made.
const STEPS: &[Step] = &[
    column!("dbmap", "role", "text not null default 'target'"),
    constraint!("dbmap", "dbmap_role", "check (role in ('source', 'target'))"),
    column!("sync", "conflict_strategy", "text"),
    Step {
        missing: "select exists (select from pg_catalog.pg_constraint where conrelid = 'bucardo.sync'::regclass \
            and conname = 'sync_swap_nogroup')",
        summary: "Dropped constraint sync_swap_nogroup ON bucardo.sync",
        sql: "alter table bucardo.sync drop constraint sync_swap_nogroup",
    },
    table!("customname"),
    table!("customcols"),
    table!("conflict"),
    Step {
        missing: "select to_regprocedure('bucardo.db_change()') is null",
        summary: "Created function: db_change()",
        sql: include_str!("../../schema/control/db_change.sql"),
    },
    table!("place"),
    column!("q", "progress", "text"),
    // What is archived has the same columns.
    Step {
        missing: "select not exists (select from pg_catalog.pg_attribute where attrelid = 'freezer.master_q'::regclass \
            and attname = 'progress' and not attisdropped)",
        summary: "Created column: freezer.master_q.progress text",
        sql: "alter table freezer.master_q add column progress text",
    },
    Step {
        missing: "select to_regclass('bucardo.newest_run') is null",
        summary: "Created table: bucardo.newest_run, filled from the history",
        // What served this purpose before is not needed any more.
        sql: concat!(
            "drop index if exists bucardo.q_newest; drop function bucardo.populate_child_q_table() cascade;",
            include_str!("../../schema/control/populate_child_q_table.sql"),
            include_str!("../../schema/control/newest_run.sql"),
            include_str!("../../schema/control/note_run.sql"),
            include_str!("sql/fill_newest_run.sql")
        ),
    },
    column!("db", "makedelta", "boolean not null default false"),
    column!("sync", "copy_asked", "timestamptz"),
    table!("installation"),
    column!("db", "capture", "text not null default 'ordinary' constraint db_capture check (capture in ('ordinary', 'always'))"),
    column!(
        "sync",
        "capture",
        "text not null default 'ordinary' constraint sync_capture check (capture in ('ordinary', 'always'))"
    ),
    // Nobody has noted where the syncs have objects: whoever looks at them next does it.
    Step {
        missing: "select to_regprocedure('bucardo.request_validation(text,boolean)') is null",
        summary: "Created function: request_validation(text, boolean), and anew: validate_sync() and sync_gone()",
        sql: concat!(
            "drop function bucardo.request_validation(text); drop function bucardo.validate_sync(text, integer); \
             drop function bucardo.validate_sync(text); drop function bucardo.validate_sync() cascade; \
             drop function bucardo.sync_gone() cascade;",
            include_str!("../../schema/control/request_validation.sql"),
            include_str!("../../schema/control/validate_sync.sql"),
            include_str!("../../schema/control/sync_gone.sql"),
            "select bucardo.request_validation(name, false) from bucardo.sync"
        ),
    },
    // A target's receipts have one column more since then, and a source's triggers are others:
    // validating a sync brings them up to date.
    Step {
        missing: "select to_regprocedure('bucardo.note_copy()') is null",
        summary: "Created function: note_copy()",
        sql: concat!(
            include_str!("../../schema/control/note_copy.sql"),
            "select bucardo.request_validation(name, false) from bucardo.sync"
        ),
    },
    Step {
        missing: "select prosrc !~ 'skip locked' from pg_catalog.pg_proc where oid = 'bucardo.bucardo_purge_q_table(interval)'::regprocedure",
        summary: "Changed function: bucardo_purge_q_table(interval)",
        sql: include_str!("../../schema/control/bucardo_purge_q_table.sql"),
    },
    // Validating brings the marks to the sources and targets.
    Step {
        missing: "select to_regclass('bucardo.db_identity') is null",
        summary: "Created table: bucardo.db_identity",
        sql: concat!(
            include_str!("../../schema/control/db_identity.sql"),
            "select bucardo.request_validation(name, false) from bucardo.sync"
        ),
    },
    // Until then the isolation level had no effect, and what was read was what REPEATABLE READ
    // shows.
    Step {
        missing: "select not exists (select from pg_catalog.pg_constraint where conrelid = 'bucardo.sync'::regclass \
            and conname = 'sync_txnmode')",
        summary: "Created constraint sync_txnmode ON bucardo.sync, and every sync reads with REPEATABLE READ as before",
        sql: "update bucardo.sync set txnmode = 'REPEATABLE READ'; \
            alter table bucardo.sync alter column txnmode set default 'REPEATABLE READ', \
            add constraint sync_txnmode check (upper(txnmode) in ('REPEATABLE READ', 'SERIALIZABLE'))",
    },
    table!("table_state"),
    table!("gap"),
    table!("departed_partition"),
    Step {
        missing: "select to_regclass('bucardo.turn') is null",
        summary: "Created table: bucardo.turn, and anew: populate_child_q_table()",
        sql: concat!(
            include_str!("../../schema/control/turn.sql"),
            "drop function bucardo.populate_child_q_table() cascade;",
            include_str!("../../schema/control/populate_child_q_table.sql"),
        ),
    },
    // The word is made by the next daemon: one that runs already does not know it.
    Step {
        missing: "select to_regclass('bucardo.channel_secret') is null",
        summary: "Created table: bucardo.channel_secret, and anew: bucardo_q()",
        sql: concat!(
            include_str!("../../schema/control/channel_secret.sql"),
            include_str!("../../schema/control/notify_private.sql"),
            "drop function bucardo.bucardo_q() cascade;",
            include_str!("../../schema/control/bucardo_q.sql"),
        ),
    },
    Step {
        missing: concat!("select (", include_str!("sql/is_open.sql"), ") and (", include_str!("sql/may_close.sql"), ")"),
        summary: "Revoked CONNECT and TEMPORARY on the control database from PUBLIC; GRANT CONNECT to the roles that read it",
        sql: include_str!("sql/close_control.sql"),
    },
    table!("presence"),
    // What a daemon that runs has noted in another table goes along.
    Step {
        missing: "select to_regclass('bucardo.daemon') is not null",
        summary: "Created columns: bucardo.presence.directory and role, in the place of table bucardo.daemon",
        sql: "alter table bucardo.presence add column if not exists directory text not null default '', \
            add column if not exists role oid; \
            update bucardo.presence p set directory = d.directory, role = d.session_role \
            from bucardo.daemon d where d.session = p.backend; \
            drop table bucardo.daemon",
    },
    // What is in a herd by then is carried already.
    Step {
        missing: "select to_regclass('bucardo.joining') is null",
        summary: "Created table: bucardo.joining",
        sql: concat!(include_str!("../../schema/control/joining.sql"), include_str!("../../schema/control/note_joining.sql")),
    },
    Step {
        missing: "select prosrc !~ 'put back; what' from pg_catalog.pg_proc where oid = to_regprocedure('bucardo.note_joining()')",
        summary: "Changed function: note_joining()",
        sql: concat!("drop function bucardo.note_joining() cascade;", include_str!("../../schema/control/note_joining.sql")),
    },
    table!("sync_state"),
    Step {
        missing: "select prosrc !~ 'new.status' from pg_catalog.pg_proc where oid = 'bucardo.validate_sync()'::regprocedure",
        summary: "Changed function: validate_sync()",
        sql: concat!(
            "drop function bucardo.validate_sync(text, integer); drop function bucardo.validate_sync(text); \
             drop function bucardo.validate_sync() cascade;",
            include_str!("../../schema/control/validate_sync.sql")
        ),
    },
    Step {
        missing: "select not exists (select from pg_catalog.pg_proc where oid = to_regprocedure('bucardo.db_change()') \
            and prosrc ~ 'old.status')",
        summary: "Changed function: db_change()",
        sql: concat!(
            "drop function bucardo.db_testconn(text); drop function bucardo.db_change() cascade;",
            include_str!("../../schema/control/db_change.sql")
        ),
    },
    Step {
        missing: "select not exists (select from pg_catalog.pg_proc where oid = to_regprocedure('bucardo.db_change()') \
            and prosrc ~ 'request_validation')",
        summary: "Changed function: db_change(); a database that is active again is looked at",
        sql: concat!(
            "drop function bucardo.db_testconn(text); drop function bucardo.db_change() cascade;",
            include_str!("../../schema/control/db_change.sql")
        ),
    },
    Step {
        missing: "select prosrc !~ 'given up' from pg_catalog.pg_proc where oid = to_regprocedure('bucardo.note_joining()')",
        summary: "Changed function: note_joining(); a table that comes back after a look without it joins anew",
        sql: concat!("drop function bucardo.note_joining() cascade;", include_str!("../../schema/control/note_joining.sql")),
    },
    Step {
        missing: "select to_regclass('bucardo.former_name') is null",
        summary: "Created table: bucardo.former_name",
        sql: concat!(
            include_str!("../../schema/control/former_name.sql"),
            include_str!("../../schema/control/note_former_name.sql")
        ),
    },
    Step {
        missing: "select not exists (select from pg_catalog.pg_attribute where attrelid = to_regclass('bucardo.departed_partition') \
            and attname = 'relation' and not attisdropped)",
        summary: "Created columns: bucardo.departed_partition.relation oid, a part of its key, and look timestamptz",
        sql: "alter table bucardo.departed_partition add column relation oid not null default 0, \
            add column look timestamptz, drop constraint departed_partition_pk, \
            add constraint departed_partition_pk primary key (sync, targetdb, db, goat, partition, relation)",
    },
    Step {
        missing: "select not exists (select from pg_catalog.pg_attribute where attrelid = to_regclass('bucardo.presence') \
            and attname = 'instance' and not attisdropped)",
        summary: "Created column: bucardo.presence.instance text",
        sql: "alter table bucardo.presence add column if not exists instance text not null default ''",
    },
    Step {
        missing: "select not exists (select from pg_catalog.pg_attribute where attrelid = to_regclass('bucardo.installation') \
            and attname = 'dboid' and not attisdropped)",
        summary: "Created columns: bucardo.installation.system_identifier text and dboid oid",
        sql: "alter table bucardo.installation add column if not exists system_identifier text, add column if not exists dboid oid",
    },
    Step {
        missing: "select not exists (select from pg_catalog.pg_attribute where attrelid = to_regclass('bucardo.gap') \
            and attname = 'former' and not attisdropped)",
        summary: "Created column: bucardo.gap.former text",
        sql: "alter table bucardo.gap add column if not exists former text",
    },
];

/// How much of this a schema has is noted in a comment, which can be read without any right.
fn revision() -> usize {
    STEPS.len() + setting_table::shipped().count()
}

/// The statement that notes it.
fn text_of_revision() -> String {
    format!("comment on table bucardo.upgrade_log is 'Control schema, revision {}'", revision())
}

/// Notes that a new schema has everything.
pub fn note_revision(control: &mut Connection) -> Result<()> {
    control.batch(&text_of_revision())
}

fn noted_revision(control: &mut Connection) -> Result<Option<i64>> {
    let sql = "select substring(obj_description(c.oid, 'pg_class') from 'revision ([0-9]+)')::bigint
               from pg_class c
               join pg_namespace n on n.oid = c.relnamespace
               where n.nspname = 'bucardo' and c.relname = 'upgrade_log'";
    Ok(control.query_opt(sql, &[])?.and_then(|row| row.get(0)))
}

/// Refuses a schema that lacks something, and one that has more than is known here. One that the
/// Perl program made is not looked at.
pub fn refuse_other_revisions(control: &mut Connection) -> Result<()> {
    let noted = noted_revision(control)?;
    match noted.unwrap_or_default().cmp(&i64::try_from(revision()).unwrap_or(i64::MAX)) {
        Ordering::Equal => Ok(()),
        Ordering::Less if !is_ours(control)? => Ok(()),
        Ordering::Less => Err(lacks_something()),
        Ordering::Greater => {
            let what = "The control database was made by a later version of this program";
            let hint = "Use the program that it was upgraded with, or a later one.";
            Err(Error::new(Kind::Refused, what).hint(hint).exit_code(1))
        }
    }
}

/// The refusal of a schema that lacks something.
pub fn lacks_something() -> Error {
    let what = "The control database was made by an earlier version of this program";
    Error::new(Kind::Refused, what).hint("Run: bucardo_ctl upgrade").exit_code(1)
}

/// Whether a control schema is one of ours, and not one that the Perl program made.
pub fn is_ours(control: &mut Connection) -> Result<bool> {
    Ok(control.query_one("select to_regclass('bucardo.validation') is not null", &[])?.get(0))
}

/// Makes what this schema lacks, within a transaction of the caller; returns the summaries. Each
/// step finds what those before it have made.
pub fn upgrade(control: &mut Connection) -> Result<Vec<String>> {
    control.batch("lock table bucardo.upgrade_log in share row exclusive mode")?;
    let mut made = Vec::new();
    for step in STEPS {
        if control.query_opt(step.missing, &[])?.is_some_and(|row| row.get(0)) {
            made.push(apply(control, &Change { summary: step.summary.to_owned(), sql: step.sql.to_owned() })?);
        }
    }
    for setting in settings(control)? {
        made.push(apply(control, &setting)?);
    }
    if noted_revision(control)? != i64::try_from(revision()).ok() {
        let summary = "Noted the revision of the control schema".to_owned();
        made.push(apply(control, &Change { summary, sql: text_of_revision() })?);
    }
    Ok(made)
}

/// Settings that are missing.
fn settings(control: &mut Connection) -> Result<Vec<Change>> {
    let rows = control.query("select setting from bucardo.bucardo_config where name is null", &[])?;
    let there: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
    let missing = setting_table::shipped().filter(|setting| !there.contains(setting.name));
    let change = |setting: &'static Setting| Change {
        summary: format!("Added new bucardo_config setting: {}", setting.name),
        sql: setting_table::insert(std::iter::once(setting)),
    };
    Ok(missing.map(change).collect())
}

/// Makes a change and records it; returns its summary.
fn apply(control: &mut Connection, change: &Change) -> Result<String> {
    let made = control.batch_execute(&change.sql).map_err(Error::from);
    made.map_err(|error| error.context(format!("cannot upgrade ({})", change.summary)))?;
    let sql = "insert into bucardo.upgrade_log (action, summary, version) values ($1, $2, \
        (select value from bucardo.bucardo_config where setting = 'bucardo_current_version' and name is null))";
    control.execute(sql, &[&change.sql, &change.summary])?;
    Ok(change.summary.clone())
}
