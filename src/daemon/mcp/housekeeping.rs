//! What the MCP does now and then: archive finished jobs, forget old archives, write messages to
//! the log.

use crate::daemon::process::control_session::ControlSession;
use crate::error::Result;
use crate::pg::Relation;
use std::time::{Duration, Instant};

/// How often finished jobs are archived.
const EVERY: Duration = Duration::from_secs(600);
/// Days for which archived jobs and other records are kept.
const KEPT_DAYS: i32 = 30;

/// When it is time again.
pub(super) struct Housekeeping {
    at: Instant,
}

impl Housekeeping {
    pub fn new() -> Housekeeping {
        Housekeeping { at: Instant::now() + EVERY }
    }

    /// When it is time again.
    pub fn next(&self) -> Instant {
        self.at
    }

    /// Archives jobs that ended two hours ago, and drops archives of bygone days.
    pub fn run_if_due(&mut self, session: &mut ControlSession) -> Result<()> {
        if Instant::now() < self.at {
            return Ok(());
        }
        self.at = Instant::now() + EVERY;
        session.control.batch("set client_min_messages = warning; select bucardo.bucardo_purge_q_table(interval '2 hours')")?;
        let sql = "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace \
                   where n.nspname = 'freezer' and c.relname ~ '^child_q_[0-9]{8}$' \
                   and c.relname < 'child_q_' || to_char(now() - make_interval(days => $1), 'YYYYMMDD')";
        for row in session.control.query(sql, &[&KEPT_DAYS])? {
            session.control.batch(&format!("drop table {}", Relation::new("freezer", row.get::<_, String>(0))))?;
        }
        self.forget_records(session)
    }

    /// Old conflicts, and what old attempts to connect came to, but for the last one of each
    /// database.
    fn forget_records(&self, session: &mut ControlSession) -> Result<()> {
        for (table, column) in [("conflict", "cdate"), ("bucardo_rate", "mastercommit")] {
            let old = format!("delete from bucardo.{table} where {column} < now() - make_interval(days => $1)");
            session.control.execute(&old, &[&KEPT_DAYS])?;
        }
        let sql = "delete from bucardo.db_connlog l where conndate < now() - make_interval(days => $1) \
                   and exists (select from bucardo.db_connlog newer where newer.db = l.db and newer.id > l.id)";
        session.control.execute(sql, &[&KEPT_DAYS])?;
        Ok(())
    }

    /// Jobs of an earlier daemon are over. They stay open for the controllers, who do them again;
    /// where there will be none, they are closed.
    pub fn stale_jobs(&self, session: &mut ControlSession) -> Result<()> {
        session.control.execute(
            "update bucardo.q set aborted = clock_timestamp(), whydie = 'MCP removing stale q entry', \
             ended = case when sync in (select name from bucardo.sync where status = 'active') then null else clock_timestamp() end \
             where started is not null and ended is null and aborted is null",
            &[],
        )?;
        Ok(())
    }

    /// Copies `bucardo_log_message` to the log.
    pub fn log_messages(&self, session: &mut ControlSession) -> Result<()> {
        let sql = "with gone as (delete from bucardo.bucardo_log_message returning cdate, msg) \
                   select cdate::text, msg from gone order by cdate";
        for row in session.control.query(sql, &[])? {
            log::info!("MESSAGE ({}): {}", row.get::<_, String>(0), row.get::<_, String>(1));
        }
        Ok(())
    }
}
