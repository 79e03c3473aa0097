//! Busy sources: pgbench, and many writers of whom some commit late.

use super::case::{Case, PATIENCE, case, case_in};
use super::pgbench;
use super::world::World;
use crate::harness::{long, wait_until};
use bucardo::replicate::snapshot::Snapshot;
use postgres::Client;
use std::path::Path;
use std::time::{Duration, Instant};

/// Runs it against a case's source and gives what it says.
fn run(program: &Path, case: &Case, words: &[&str]) -> String {
    let output = pgbench::command(program, case.source_cluster, words, &case.source).output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{text}");
    text
}

/// The target's receipt names the latest change, and the source comes to know that.
fn receipts_are_right(case: &mut Case) {
    case.write("begin; update pgbench_branches set filler = 'the end'");
    let last: i64 = case.a.query_one("select txid_current()", &[]).unwrap().get(0);
    case.write("commit");
    case.settle();
    let receipt = case.at_target("select receipt from bucardo.bucardo_track");
    assert!(Snapshot::parse(&receipt).unwrap().sees(last), "{receipt} does not know {last}");
    let copy = "select receipt::text from bucardo.bucardo_delta_targets";
    wait_until("the source knows the receipt", PATIENCE, || {
        let row = case.a.query_one(copy, &[]).unwrap();
        (row.get::<_, Option<&str>>(0) == Some(&receipt)).then_some(())
    });
}

#[test]
fn all_that_pgbench_does_arrives() {
    let Some(program) = pgbench::program() else { return };
    let (scale, seconds) = if long() { ("10", "60") } else { ("1", "5") };
    let mut case = case("benched", pgbench::TABLES).run();
    run(&program, &case, &["--initialize", "--init-steps=g", "--scale", scale]);
    case.arrives();
    for script in [&["--skip-some-updates"][..], &[]] {
        let words = [&["--client=8", "--jobs=2", "--time", seconds], script].concat();
        let told = run(&program, &case, &words);
        let ended = Instant::now();
        case.settle();
        if long() {
            let tps = told.lines().find(|line| line.starts_with("tps")).unwrap_or_default();
            eprintln!("pgbench {script:?}: {tps}; the target was level {:?} later", ended.elapsed());
        }
        case.equal();
    }
    receipts_are_right(&mut case);
    case.finish();
}

/// How one of the writers works.
#[derive(Clone, Copy)]
enum Habit {
    /// Every row is a transaction.
    Single,
    /// Transactions stay open for a while.
    Late,
    /// Rows are written in subtransactions, some of which are undone.
    Nested,
    /// Transactions are prepared, and committed later.
    Prepared,
}

/// One of many who write at the same time.
struct Writer {
    client: Client,
    number: i64,
    /// Rows whose transaction is committed.
    rows: i64,
}

impl Writer {
    fn next(&mut self) -> i64 {
        self.rows += 1;
        self.number * 1_000_000 + self.rows
    }

    fn run(&mut self, habit: Habit, until: Instant) {
        while Instant::now() < until {
            match habit {
                Habit::Single => self.single(),
                Habit::Late => self.late(),
                Habit::Nested => self.nested(),
                Habit::Prepared => self.prepared(),
            }
        }
    }

    fn execute(&mut self, sql: &str) {
        self.client.batch_execute(sql).unwrap_or_else(|error| panic!("{error:?}\n{sql}"));
    }

    fn single(&mut self) {
        let id = self.next();
        self.execute(&format!("insert into t values ({id}, 'single')"));
        if id % 5 == 0 {
            self.execute(&format!("update t set v = 'changed' where id = {id} - 1"));
        }
    }

    fn late(&mut self) {
        let (id, other) = (self.next(), self.next());
        let pause = if id % 3 == 0 { "0.3" } else { "1.7" };
        self.execute(&format!("begin; insert into t values ({id}, 'late'); select pg_sleep({pause}); insert into u values ({other}, 'later'); commit"));
    }

    fn nested(&mut self) {
        let (id, other) = (self.next(), self.next());
        self.execute(&format!("begin; savepoint a; insert into t values ({id}, 'nested'); savepoint b; insert into u values ({id}, 'undone');
            update t set v = 'undone' where id = {id}; rollback to b; savepoint c; insert into u values ({other}, 'nested'); release c; release a; commit"));
    }

    /// The trigger's NOTIFY forbids it while the kid sleeps; that is the server's rule.
    fn prepared(&mut self) {
        let id = self.next();
        let name = format!("writer {id}");
        let prepared =
            self.client.batch_execute(&format!("begin; insert into t values ({id}, 'prepared'); prepare transaction '{name}'"));
        if let Err(error) = prepared {
            assert_eq!(error.code().map(|code| code.code()), Some("0A000"), "{error:?}");
            self.rows -= 1;
            return;
        }
        self.execute("select pg_sleep(0.2)");
        self.execute(&format!("commit prepared '{name}'"));
    }
}

fn habit(number: i64) -> Habit {
    match number % 20 {
        0 | 10 => Habit::Late,
        5 => Habit::Nested,
        15 => Habit::Prepared,
        _ => Habit::Single,
    }
}

/// How many rows that many writers have written.
fn written(case: &Case, writers: i64, length: Duration) -> i64 {
    let until = Instant::now() + length;
    std::thread::scope(|scope| {
        let one = |number| {
            let client = case.source_cluster.connect(&case.source);
            scope.spawn(move || {
                let mut writer = Writer { client, number, rows: 0 };
                writer.run(habit(number), until);
                writer.rows
            })
        };
        let all: Vec<_> = (1..=writers).map(one).collect();
        all.into_iter().map(|writer| writer.join().unwrap()).sum()
    })
}

#[test]
fn not_one_row_of_many_writers_is_missing() {
    let (writers, length) = if long() { (300, Duration::from_secs(60)) } else { (60, Duration::from_secs(4)) };
    let world = World::with(&["max_connections = 400", "max_prepared_transactions = 50"]);
    let tables = "create table t (id bigint primary key, v text); create table u (id bigint primary key, v text)";
    let mut case = case_in(&world, "crowd", tables).add();
    world.ctl(&["start", "--quiet"]).ok();
    let rows = written(&case, writers, length);
    let ended = Instant::now();
    case.settle();
    if long() {
        eprintln!("{writers} writers: {rows} rows; the target was level {:?} later", ended.elapsed());
    }
    assert_eq!(case.at_target("select (select count(*) from t) + (select count(*) from u)"), rows.to_string());
    case.finish();
}

/// Changes a row that this session has locked on the target: the kid, when it comes to it, has to
/// wait.
fn change_a_locked_row(case: &mut Case, id: i32) -> Client {
    let mut holder = case.target_cluster.connect(&case.targets[0]);
    holder.batch_execute(&format!("begin; select from t where id = {id} for update")).unwrap();
    case.write(&format!("update t set n = n + 1 where id = {id}"));
    holder
}

fn kid_waits_for(holder: &mut Client) {
    let sql = "select exists (select from pg_stat_activity where pg_backend_pid() = any (pg_blocking_pids(pid)))";
    wait_until("the kid waits for the row", PATIENCE, || holder.query_one(sql, &[]).unwrap().get::<_, bool>(0).then_some(()));
}

fn another_job_waits(case: &Case) {
    let (mut control, sql) = (case.world.control(), "select from bucardo.q where sync = $1 and started is null");
    wait_until("another job waits for the kid", PATIENCE, || control.query_opt(sql, &[&case.name]).unwrap().map(drop));
}

/// Commits with a NOTIFY queue up behind each other, so a kid with enough to do says that it need
/// not be woken; also when each of those who woke it before has brought a job of his own.
#[test]
fn a_kid_with_enough_to_do_need_not_be_woken() {
    let world = World::with(&[]);
    let mut case = case_in(&world, "unwoken", "create table t (id integer primary key, n integer)").add();
    world.ctl(&["start", "--quiet"]).ok();
    case.write("insert into t values (1, 0), (2, 0)");
    case.arrives();
    let mut before = change_a_locked_row(&mut case, 1);
    kid_waits_for(&mut before);
    for id in [2, 1] {
        let mut next = change_a_locked_row(&mut case, id);
        another_job_waits(&case);
        drop(before);
        kid_waits_for(&mut next);
        before = next;
    }
    let awake = "select pg_sequence_last_value(oid) % 2 = 1 from pg_class where relname like 'armed%'";
    assert!(case.a.query_one(awake, &[]).unwrap().get::<_, bool>(0), "after two rounds writers still have to wake it");
    drop(before);
    case.finish();
}
