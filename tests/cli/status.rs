//! `status`, on a queue prepared by hand.

use super::fake_daemon::FakeMaster;
use super::prepared::prepared;
use crate::harness::Installed;

/// Runs, jobs and flags such that every column has something to show. Only seconds may differ: time
/// goes on.
const RUNS: &str = "
    update bucardo.sync set overdue = '1 hour' where name = 'orders';
    update bucardo.sync set expired = '2 days', checktime = '5 minutes' where name = 'grp';
    insert into bucardo.q (sync, sourcedb, targetdb, ppid, synctype, inserts, updates, deletes, cdate, started, ended, aborted, whydie)
        values
        ('orders', 'A', 'B', 1, 'pushdelta', 1, 2, 3, now(), now() - interval '30:00:05', now() - interval '30 hours', null, null),
        ('orders', 'A', 'B', 1, 'pushdelta', 9, 9, 9, now(), now() - interval '41 hours', now() - interval '40 hours', null, null),
        ('orders', 'A', 'B', 1, 'pushdelta', 0, 0, 0, now(), now() - interval '5:02:01', now() - interval '4 hours',
            now() - interval '5 hours', E'  died\\n of it\\n'),
        ('copies', 'A', 'B', 1, 'fullcopy', null, null, null, now(), now() - interval '26:00:00', null, null, null),
        ('grp', 'A', 'c', 1, 'pushdelta', null, null, null, now() - interval '27 hours', null, null, null, null),
        ('asleep', 'A', 'c', 1, 'pushdelta', null, null, null, now(), now(), null, now(), 'not acknowledged yet');
    insert into freezer.master_q (id, sync, sourcedb, targetdb, ppid, cdate, started, ended, inserts, updates, deletes)
        values (100000, 'asleep', 'A', 'c', 1, now(), now() - interval '28:00:00', now() - interval '28 hours', 7, 0, 0),
               (100001, 'grp', 'A', 'c', 1, now() - interval '9 days', now() - interval '9 days', now() - interval '9 days', 1, 1, 1);
";

/// The syncs have run.
fn ran() -> Installed {
    let installed = prepared();
    installed.control().batch_execute(RUNS).unwrap();
    installed
}

/// The same text with every number of seconds behind hours as N.
fn steady(text: &str) -> String {
    let mut parts = text.split('h');
    let mut steady = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let number = part.trim_start().split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        let is_seconds = !number.is_empty() && part.trim_start()[number.len()..].starts_with('s');
        steady += "h";
        steady += &if is_seconds { part.replacen(number, "N", 1) } else { part.to_owned() };
    }
    steady
}

fn header(installed: &Installed) -> String {
    let (host, port) = (installed.cluster.socket_dir().display(), installed.cluster.port());
    format!("Days back: 3  User: bucardo  Database: bucardo  Host: {host}  Port: {port}")
}

/// What counts are dates, whatever the time of the day.
#[test]
fn days_back_begin_at_midnight() {
    let installed = prepared();
    let ran = "insert into bucardo.q (sync, targetdb, ppid, started, ended, inserts, updates, deletes) values
        ('orders', 'B', 1, current_date - 1, current_date - 1, 4, 4, 4),
        ('copies', 'B', 1, current_date - interval '1 day 1 second', current_date - interval '1 day 1 second', 6, 6, 6)";
    installed.control().batch_execute(ran).unwrap();
    let shown = |days: &str| {
        let table = installed.ctl(&["status", days]).ok();
        ["4/4/4", "6/6/6"].map(|counts| table.contains(counts))
    };
    assert_eq!([shown("--daysback=1"), shown("--daysback=2")], [[true, false], [true, true]]);
}

#[test]
fn the_table_shows_runs_jobs_and_flags() {
    let installed = ran();
    std::fs::write(installed.piddir().join("bucardo.ctl.sync.orders.pid"), "4711\n").unwrap();
    let (master, _session) = (FakeMaster::new(&installed, false), installed.served());
    let table = format!(
        "{}  PID of Bucardo MCP: {}
Name  Type  State       PID Last_good Time I/U/D Last_bad Time
======+=====+============+====+=========+=====+=====+========+====
",
        header(&installed),
        master.pid()
    );
    let text = steady(&installed.ctl(&["status"]).ok());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], table.lines().next().unwrap());
    assert_eq!(
        lines[3..],
        [
            "asleep| P   |off         |    |28hNs    |0s   |7/0/0|unknown |    ",
            "copies| F   |RUN:26hNs>B |    |unknown  |     |     |unknown |    ",
            "grp   | P ? |WAIT:27hNs  |    |unknown  |     |     |unknown |    ",
            "orders| P O!|idle        |4711|30hNs    |5s   |1/2/3|5hNs    |2m1s",
            "1 of 4 bad: 1 overdue",
        ]
    );
}

#[test]
fn the_block_of_a_sync_shows_everything() {
    let installed = ran();
    let _daemon = installed.served();
    let blocks = steady(&installed.ctl(&["status", "sync", "orders", "5"]).ok());
    let expected_start = format!(
        "{}
======================================================================
Sync name:            orders
Current state:        idle (PID = )
Waiting changes:      unknown: database \"A\": could not connect to database \"A\" at /does/not/exist/.s.PGSQL.5432 as user \"nobody\": No such file or directory
Type:                 pushdelta
Source herd/database: h / A
Target database:      B
Tables in sync:       1
Last good:            30h Ns (time to run: 5s)
Last good time:       ",
        header(&installed)
    );
    assert!(blocks.starts_with(&expected_start), "{blocks}");
    for part in [
        "  Target: B\nIns/Upd/Del:          1 / 2 / 3\nLast bad:             5h Ns (time to run: 2m 1s)\n",
        "Latest bad reason: died\n                   of it\nPID file:             \nPID file created:     \n",
        "Checktime:            none\nOverdue time:         01:00:00\nExpired time:         00:00:00\n",
        "Onetimecopy:          0\n",
    ] {
        assert!(blocks.contains(part), "{part} is not in {blocks}");
    }
    assert!(!blocks.contains("Next try"));
}

#[test]
fn a_group_is_shown_with_its_members_in_their_order() {
    let text = ran().ctl(&["status", "grp", "copies"]).ok();
    assert!(text.contains("Target group:         both (c,B)\n") && text.contains("Checktime:            00:05:00\n"));
    let order: Vec<_> = text.lines().filter(|line| line.starts_with("Sync name")).collect();
    assert_eq!(order, ["Sync name:            copies", "Sync name:            grp"]);
    assert!(text.contains("Custom select:        no  \n"));
}

#[test]
fn a_stalled_target_shows_its_next_try_until_a_newer_job_has_started() {
    let installed = ran();
    let _daemon = installed.served();
    let mut control = installed.control();
    control
        .batch_execute(
            "insert into bucardo.q (sync, sourcedb, targetdb, ppid, started, ended, aborted, whydie, retry_at)
             values ('grp', 'A', 'B', 1, now(), now(), now(), 'no route', '2030-01-02 03:04:05')",
        )
        .unwrap();
    let text = installed.ctl(&["status", "grp"]).ok();
    assert!(text.contains("Latest bad reason: no route\nNext try:             Jan 02, 2030 03:04:05  Target: B\n"), "{text}");
    control.batch_execute("insert into bucardo.q (sync, sourcedb, targetdb, ppid) values ('grp', 'A', 'B', 1)").unwrap();
    let text = installed.ctl(&["status", "grp"]).ok();
    assert!(text.contains("Current state:        stalled") && text.contains("Next try:             Jan 02, 2030"), "{text}");
    control.batch_execute("update bucardo.q set started = now() where targetdb = 'B' and started is null").unwrap();
    assert!(!installed.ctl(&["status", "grp"]).ok().contains("Next try"));
}

#[test]
fn older_runs_are_found_by_looking_further_back() {
    let installed = ran();
    let text = installed.ctl(&["status", "grp", "--daysback=20"]).ok();
    assert!(text.starts_with("Days back: 20  ") && text.contains("Ins/Upd/Del:          1 / 1 / 1\n"), "{text}");
}

#[test]
fn a_daemon_that_does_not_run_is_said_not_to() {
    let installed = prepared();
    let file = installed.piddir().join("bucardo.mcp.pid");
    let second = |installed: &Installed| installed.ctl(&["status"]).ok().lines().nth(1).unwrap().to_owned();
    assert!(installed.ctl(&["status"]).ok().starts_with(&format!("{}  \nBucardo may not be", header(&installed))));
    assert_eq!(second(&installed), format!("Bucardo may not be running. No file found at {}", file.display()));
    std::fs::write(&file, format!("{}\n", std::process::id())).unwrap();
    let other = format!("Bucardo may not be running. No daemon has the PID {} found at {}", std::process::id(), file.display());
    assert_eq!(second(&installed), other);
    std::fs::write(&file, "soup\n").unwrap();
    assert_eq!(second(&installed), format!("ERROR: {} contained: soup", file.display()));
}

#[test]
fn the_order_can_be_chosen_and_must_be_one_of_the_columns() {
    let installed = ran();
    let text = installed.ctl(&["status", "--sort=-1"]).ok();
    let first = text.lines().find(|line| line.contains("| ")).unwrap();
    assert!(first.starts_with("orders|"), "{text}");
    let outcome = installed.ctl(&["status", "--sort=10"]).ended_with(255);
    assert!(outcome.stderr.starts_with("Invalid sort option, must be +- 1 through 9\n"));
}

#[test]
fn no_syncs_and_unknown_syncs_have_their_sentences() {
    let installed = Installed::new();
    assert!(installed.ctl(&["status"]).ok().ends_with("No syncs have been created yet.\n"));
    let outcome = installed.ctl(&["status", "nosuch"]).ended_with(255);
    assert_eq!(outcome.stdout, "");
    assert!(outcome.stderr.starts_with("No such sync: nosuch\nHINT: "), "{}", outcome.stderr);
}
