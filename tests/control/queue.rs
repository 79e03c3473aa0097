//! The queue: jobs waiting, being announced, and put away.

use super::{heard, refusal, two_databases_and_a_sync};
use crate::harness::{Installed, wait_until};
use bucardo::control::queue;
use bucardo::pg::Connection;
use postgres::Client;
use std::time::Duration;

const JOB: &str = "insert into bucardo.q (sync, sourcedb, targetdb, ppid, synctype) values ('s', 'a', 'b', 1, 'pushdelta')";

fn count(control: &mut Client, what: &str) -> i64 {
    control.query_one(&format!("select count(*) from {what}"), &[]).unwrap().get(0)
}

#[test]
fn one_job_of_a_sync_and_target_waits_while_another_runs() {
    let installed = Installed::new();
    let mut control = installed.control();
    two_databases_and_a_sync(&mut control);
    control.batch_execute(JOB).unwrap();
    assert_eq!(refusal(&mut control, JOB), "q_unique");
    control.batch_execute("update bucardo.q set started = now()").unwrap();
    control.batch_execute(JOB).unwrap();
    let grows = "select max(id) filter (where started is null) > max(id) filter (where started is not null) from bucardo.q";
    assert!(control.query_one(grows, &[]).unwrap().get::<_, bool>(0));
}

#[test]
fn a_kid_takes_only_jobs_of_its_own_controller() {
    let installed = Installed::new();
    two_databases_and_a_sync(&mut installed.control());
    let mut control = Connection::open(&installed.cluster.conninfo("bucardo", "bucardo")).unwrap();
    control.batch_execute(JOB).unwrap();
    assert_eq!(queue::claim(&mut control, "s", "b").unwrap(), None);
    let attempt = queue::next_number(&mut control).unwrap();
    assert_eq!(queue::abort(&mut control, "s", "b", attempt, "died").unwrap(), None);
    let parent = i32::try_from(std::os::unix::process::parent_id()).unwrap();
    control.execute("update bucardo.q set ppid = $1", &[&parent]).unwrap();
    let job: i64 = control.query_one("select id from bucardo.q", &[]).unwrap().get(0);
    assert_eq!(queue::claim(&mut control, "s", "b").unwrap(), Some(job));
    assert_eq!(queue::abort(&mut control, "s", "b", attempt, "died").unwrap(), Some(job));
}

#[test]
fn a_failure_takes_no_job_along_that_is_younger_than_the_attempt() {
    let installed = Installed::new();
    two_databases_and_a_sync(&mut installed.control());
    let mut control = Connection::open(&installed.cluster.conninfo("bucardo", "bucardo")).unwrap();
    let attempt = queue::next_number(&mut control).unwrap();
    control.batch_execute(JOB).unwrap();
    let parent = i32::try_from(std::os::unix::process::parent_id()).unwrap();
    control.execute("update bucardo.q set ppid = $1", &[&parent]).unwrap();
    assert_eq!(queue::abort(&mut control, "s", "b", attempt, "died").unwrap(), Some(attempt));
    assert!(queue::waits(&mut control, "s", "b").unwrap());
    let noted = "select count(*) from bucardo.q where whydie = 'died' and pid is not null and ended is null";
    assert_eq!(control.query_one(noted, &[]).unwrap().get::<_, i64>(0), 1);
    // The next attempt begins after the kick.
    let attempt = queue::next_number(&mut control).unwrap();
    assert!(queue::abort(&mut control, "s", "b", attempt, "died").unwrap().is_some_and(|job| job < attempt));
    assert!(!queue::waits(&mut control, "s", "b").unwrap());
}

#[test]
fn a_job_is_announced_to_its_kid_also_when_the_names_are_long() {
    let installed = Installed::new();
    let mut control = installed.control();
    two_databases_and_a_sync(&mut control);
    let long = "L".repeat(60);
    control
        .execute("insert into bucardo.sync (name, source, targetdb, synctype) values ($1, 'h', 'b', 'fullcopy')", &[&long])
        .unwrap();
    let fitted: String = control.query_one("select bucardo.fitted_name('bucardo_q_' || $1 || '_b')", &[&long]).unwrap().get(0);
    assert_eq!(fitted, format!("bucardo_q_{}!788a0dbda6", "L".repeat(36)));
    control.batch_execute(&format!("listen bucardo_q_s_b; listen \"{fitted}\"")).unwrap();
    control.batch_execute(JOB).unwrap();
    control.execute("insert into bucardo.q (sync, targetdb, ppid) values ($1, 'b', 1)", &[&long]).unwrap();
    assert_eq!(heard(&mut control), [("bucardo_q_s_b".to_owned(), String::new()), (fitted, String::new())]);
}

#[test]
fn a_name_is_cut_at_a_characters_edge_and_stays_unique() {
    let installed = Installed::new();
    let sql = "select octet_length(bucardo.fitted_name(repeat('é', 40) || 'a')),
        bucardo.fitted_name(repeat('x', 63)) = repeat('x', 63),
        bucardo.fitted_name('x' || repeat('é', 40) || 'a') = bucardo.fitted_name('x' || repeat('é', 40) || 'b')";
    let row = installed.control().query_one(sql, &[]).unwrap();
    assert_eq!((row.get::<_, i32>(0), row.get::<_, bool>(1), row.get::<_, bool>(2)), (57, true, false));
}

#[test]
fn a_message_for_the_log_is_announced() {
    let installed = Installed::new();
    let mut control = installed.control();
    control
        .batch_execute("listen bucardo_log_message; insert into bucardo.bucardo_log_message (msg) values ('x'), ('y')")
        .unwrap();
    assert_eq!(heard(&mut control), [("bucardo_log_message".to_owned(), String::new())]);
}

/// Jobs of three kinds that are over, and four that are not (or not long enough).
const JOBS: &str = "
    insert into bucardo.q (sync, targetdb, ppid, cdate, started, aborted, ended, whydie) values
        ('s', 'b', 1, '2026-01-31 23:30Z', now(), null, now(), 'over'),
        ('s', 'b', 1, '2026-02-01 00:30Z', now(), now(), now(), 'over'),
        (null, 'b', 1, '2026-02-01 00:31Z', now(), now(), null, 'over'),
        ('s', 'b', 1, '2026-02-01 00:32Z', now(), now(), null, 'awaits its next try'),
        ('s', 'b', 1, '2026-02-01 00:33Z', now(), null, null, 'runs'),
        ('s', 'b', 1, '2026-02-01 00:34Z', null, null, null, 'waits'),
        ('s', 'b', 1, now(), now(), null, now(), 'is young')";

#[test]
fn jobs_that_are_over_go_to_the_child_table_of_their_day() {
    let installed = Installed::new();
    let mut control = installed.control();
    two_databases_and_a_sync(&mut control);
    control.batch_execute(JOBS).unwrap();
    control.batch_execute("set timezone = 'Pacific/Kiritimati'; set datestyle = 'SQL, DMY'; set search_path = bucardo").unwrap();
    let moved: i64 = control.query_one("select bucardo_purge_q_table('1 hour')", &[]).unwrap().get(0);
    assert_eq!((moved, count(&mut control, "bucardo.q"), count(&mut control, "bucardo.q where whydie = 'over'")), (3, 4, 0));
    assert_eq!(count(&mut control, "only freezer.master_q"), 0);
    assert_eq!(count(&mut control, "freezer.child_q_20260131 where whydie = 'over'"), 1);
    assert_eq!(count(&mut control, "freezer.child_q_20260201 where whydie = 'over'"), 2);

    control.batch_execute(JOBS.split("('s', 'b', 1, '2026-02-01 00:3").next().unwrap().trim_end().trim_end_matches(',')).unwrap();
    control.batch_execute("select bucardo_purge_q_table()").unwrap();
    assert_eq!(count(&mut control, "freezer.child_q_20260131"), 2);
}

#[test]
fn jobs_that_somebody_is_changing_are_archived_the_next_time() {
    let installed = Installed::new();
    let (mut control, mut other) = (installed.control(), installed.control());
    two_databases_and_a_sync(&mut control);
    control.batch_execute(JOBS).unwrap();
    control.batch_execute("set lock_timeout = '5s'").unwrap();
    other.batch_execute("begin; update bucardo.q set whydie = 'just now' where cdate = '2026-01-31 23:30Z'").unwrap();
    let mut purge = || control.query_one("select bucardo.bucardo_purge_q_table('1 hour')", &[]).unwrap().get::<_, i64>(0);
    assert_eq!(purge(), 2);
    other.batch_execute("commit").unwrap();
    assert_eq!(purge(), 1);
}

#[test]
fn a_child_table_is_readable_by_all_indexed_and_skipped_for_other_days() {
    let installed = Installed::new();
    let mut control = installed.control();
    two_databases_and_a_sync(&mut control);
    control.batch_execute(JOBS).unwrap();
    control.batch_execute("select bucardo.bucardo_purge_q_table()").unwrap();
    let sql = "select to_regclass('freezer.child_q_20260131_daterange') is not null,
        has_table_privilege('public', 'freezer.child_q_20260131', 'select')";
    let row = control.query_one(sql, &[]).unwrap();
    assert_eq!((row.get(0), row.get(1)), (true, true));
    let plan = control.query("explain select * from freezer.master_q where cdate >= '2026-02-01 00:00Z'", &[]).unwrap();
    let plan: String = plan.iter().map(|row| row.get::<_, String>(0)).collect();
    assert!(plan.contains("child_q_20260201") && !plan.contains("child_q_20260131"), "{plan}");
}

#[test]
fn a_role_that_was_given_the_right_may_purge_and_no_other() {
    let installed = Installed::new();
    let mut control = installed.control();
    two_databases_and_a_sync(&mut control);
    control.batch_execute(JOBS).unwrap();
    installed
        .cluster
        .connect("postgres")
        .batch_execute("create role cron login; grant connect on database bucardo to cron")
        .unwrap();
    control.batch_execute("grant usage on schema bucardo to cron").unwrap();
    let mut cron = installed.cluster.connect_as("bucardo", "cron");
    let refused = refusal(&mut cron, "select bucardo.bucardo_purge_q_table()");
    assert_eq!(refused, "permission denied for function bucardo_purge_q_table");
    control.batch_execute("grant execute on function bucardo.bucardo_purge_q_table(interval) to cron").unwrap();
    assert_eq!(cron.query_one("select bucardo.bucardo_purge_q_table()", &[]).unwrap().get::<_, i64>(0), 3);
}

#[test]
fn two_sessions_may_archive_the_first_jobs_of_a_day_at_once() {
    let installed = Installed::new();
    let (mut one, mut two) = (installed.control(), installed.control());
    let archive = "insert into freezer.master_q (id, ppid, cdate) values (nextval('bucardo.q_id_seq'), 1, '2026-01-31 12:00Z')";
    one.batch_execute(&format!("begin; {archive}")).unwrap();
    let thread = std::thread::spawn(move || two.batch_execute(archive).unwrap());
    wait_until("the second session waits for the first", Duration::from_secs(20), || {
        (count(&mut one, "pg_locks where locktype = 'transactionid' and not granted") == 1).then_some(())
    });
    one.batch_execute("commit").unwrap();
    thread.join().unwrap();
    assert_eq!(count(&mut one, "freezer.child_q_20260131"), 2);
}
