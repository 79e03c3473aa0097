//! `kick`, with and without waiting.

use super::fake_daemon::{FakeDaemon, job, tell};
use super::prepared::prepared;
use super::world::World;
use crate::harness::{Installed, Outcome};

/// A daemon that serves the sync `orders` as it should.
fn serving(installed: &Installed) -> FakeDaemon {
    FakeDaemon::new(installed, "bucardo_kick_sync_orders", |client, _| {
        let id = job(client, "orders", "B");
        tell(client, "bucardo_syncdone_orders_B", id);
        tell(client, "bucardo_syncdone_orders", id);
    })
}

/// What was printed, without knowing how long things took: every number of seconds is N.
fn shown(outcome: &Outcome) -> String {
    let mut text = String::new();
    for part in outcome.stdout.split_inclusive('s') {
        let word = part.strip_suffix('s').unwrap_or(part).trim_end_matches(|c: char| c.is_ascii_digit());
        let had_number = part.len() > word.len() + 1;
        text += &if had_number { format!("{word}Ns") } else { part.to_owned() };
    }
    text
}

#[test]
fn without_a_number_nobody_waits() {
    let installed = prepared();
    assert_eq!(installed.ctl(&["kick", "orders", "grp"]).ok(), "Kicked sync orders\nKicked sync grp\n");
    assert_eq!(installed.ctl(&["kick", "orders", "--quiet"]).ok(), "");
}

#[test]
fn a_kick_with_a_number_waits_for_every_target_and_then_for_the_end() {
    let installed = prepared();
    let _daemon = serving(&installed);
    let outcome = installed.ctl(&["kick", "orders", "0", "--notimer"]).ended_with(0);
    assert_eq!(shown(&outcome), "Kick orders: B(Ns) DONE!\n");
    let with_timer = installed.ctl(&["kick", "0", "orders"]).ok();
    assert!(with_timer.starts_with("Kick orders: [0 s] ") && with_timer.ends_with(") DONE!\n"), "{with_timer:?}");
    assert_eq!(installed.ctl(&["--quiet", "kick", "orders", "0"]).ok(), "");
}

#[test]
fn a_kick_waits_for_a_younger_round() {
    let installed = prepared();
    let older = job(&mut installed.control(), "orders", "B");
    let _daemon = FakeDaemon::new(&installed, "bucardo_kick_sync_orders", move |client, _| {
        tell(client, "bucardo_syncdone_orders_B", older);
        tell(client, "bucardo_syncdone_orders", older);
        tell(client, "bucardo_synckill_orders", older);
        let younger = job(client, "orders", "B");
        tell(client, "bucardo_syncdone_orders_B", younger);
        tell(client, "bucardo_syncdone_orders", younger);
    });
    let outcome = installed.ctl(&["kick", "orders", "0", "--notimer"]).ended_with(0);
    assert_eq!(shown(&outcome), "Kick orders: B(Ns) DONE!\n");
}

#[test]
fn a_job_that_answers_two_kicks_is_told_once() {
    let installed = prepared();
    let _daemon = FakeDaemon::new(&installed, "bucardo_kick_sync_orders", |client, _| {
        let (older, younger) = (job(client, "orders", "B"), job(client, "orders", "B"));
        let mut both = client.transaction().unwrap();
        for (channel, job) in [("_B", younger), ("", older), ("", younger)] {
            let sql = format!("notify \"bucardo_syncdone_orders{channel}\", '{job}'");
            both.batch_execute(&sql).unwrap();
        }
        both.commit().unwrap();
    });
    let outcome = installed.ctl(&["kick", "orders", "0", "--notimer"]).ended_with(0);
    assert_eq!(shown(&outcome), "Kick orders: B(Ns) DONE!\n");
}

#[test]
fn a_sync_that_is_found_invalid_ends_the_wait_with_the_reason() {
    let installed = prepared();
    let _session = installed.served();
    let _daemon = FakeDaemon::new(&installed, "bucardo_kick_sync_orders", |client, _| {
        let sql = "update bucardo.validation set validated = now(), ok = false, outcome = 'B is away' where sync = 'orders';
            insert into bucardo.sync_state (sync, trouble) values ('orders', 'invalid')";
        client.batch_execute(sql).unwrap();
        client.batch_execute("notify bucardo_validated_sync_orders").unwrap();
    });
    let outcome = installed.ctl(&["kick", "orders", "0", "--notimer"]).ended_with(2);
    assert!(outcome.stderr.starts_with("Error: the daemon cannot run sync \"orders\": B is away\n"), "{}", outcome.stderr);
    let table = installed.ctl(&["status"]).ok();
    assert!(table.contains("|invalid|") && table.contains("|B is away\n"), "{table}");
}

#[test]
fn a_daemon_that_starts_during_the_wait_is_kicked_again() {
    let installed = prepared();
    let mut lives = 0;
    let _daemon = FakeDaemon::new(&installed, "bucardo_kick_sync_orders", move |client, _| {
        lives += 1;
        match lives {
            1 => client.batch_execute("notify bucardo_started").unwrap(),
            _ => {
                let id = job(client, "orders", "B");
                tell(client, "bucardo_syncdone_orders", id);
            }
        }
    });
    assert_eq!(installed.ctl(&["kick", "orders", "0", "--notimer"]).ok(), "Kick orders: DONE!\n");
}

#[test]
fn a_notice_that_no_row_confirms_does_not_count() {
    let installed = prepared();
    let _daemon = FakeDaemon::new(&installed, "bucardo_kick_sync_orders", |client, _| {
        client.batch_execute("notify bucardo_syncdone_orders").unwrap();
        for channel in
            ["bucardo_syncdone_orders_B", "bucardo_syncdone_orders", "bucardo_synckill_orders_B", "bucardo_synckill_orders"]
        {
            tell(client, channel, i64::MAX);
        }
    });
    assert_eq!(installed.ctl(&["kick", "orders", "2", "--notimer"]).ended_with(1).stdout, "Kick orders: ");
}

#[test]
fn the_end_of_a_target_of_another_sync_is_not_the_end_of_the_sync_with_that_name() {
    let installed = prepared();
    let twin = "insert into bucardo.sync (name, source, targetdb, synctype) values ('orders_B', 'h', 'd', 'pushdelta')";
    installed.control().batch_execute(twin).unwrap();
    let _daemon = FakeDaemon::new(&installed, "\"bucardo_kick_sync_orders_B\"", |client, _| {
        let others = job(client, "orders", "B");
        tell(client, "bucardo_syncdone_orders_B", others);
        let ours = job(client, "orders_B", "d");
        tell(client, "bucardo_syncdone_orders_B_d", ours);
        tell(client, "bucardo_syncdone_orders_B", ours);
    });
    let outcome = installed.ctl(&["kick", "orders_B", "0", "--notimer"]).ended_with(0);
    assert_eq!(shown(&outcome), "Kick orders_B: d(Ns) DONE!\n");
}

/// A daemon whose kids die.
fn dying(installed: &Installed) -> FakeDaemon {
    FakeDaemon::new(installed, "bucardo_kick_sync_orders", |client, _| {
        let id = job(client, "orders", "B");
        client.execute("update bucardo.q set aborted = ended where id = $1", &[&id]).unwrap();
        tell(client, "bucardo_synckill_orders_B", id);
        tell(client, "bucardo_synckill_orders", id);
    })
}

#[test]
fn a_kill_ends_with_two_and_is_retried_as_often_as_allowed() {
    let installed = prepared();
    let _daemon = dying(&installed);
    let outcome = installed.ctl(&["kick", "orders", "0", "--notimer"]).ended_with(2);
    assert_eq!(shown(&outcome), "Kick orders: B KILLED (Ns) KILLED!\n");
    let outcome = installed.ctl(&["kick", "orders", "0", "--notimer", "--retry=1"]).ended_with(2);
    assert_eq!(shown(&outcome), "Kick orders: B KILLED (Ns) KILLED!Retry #1\nKick orders: B KILLED (Ns) KILLED!\n");
    assert_eq!(installed.ctl(&["kick", "orders", "0", "--retry=1", "--quiet"]).ended_with(2).stdout, "Retry #1\n");
}

#[test]
fn a_kill_is_not_hidden_by_the_success_of_the_next_sync() {
    let installed = prepared();
    let _daemon = dying(&installed);
    let _other = FakeDaemon::new(&installed, "bucardo_kick_sync_grp", |client, _| {
        let (_, id) = (job(client, "grp", "c"), job(client, "grp", "B"));
        tell(client, "bucardo_syncdone_grp", id);
    });
    let outcome = installed.ctl(&["kick", "orders", "grp", "0", "--notimer"]).ended_with(2);
    assert_eq!(shown(&outcome), "Kick orders: B KILLED (Ns) KILLED!\nKick grp: DONE!\n");
}

#[test]
fn a_limit_that_is_reached_is_said_on_stderr_and_ends_with_one() {
    let installed = prepared();
    let _daemon = FakeDaemon::silent(&installed);
    let outcome = installed.ctl(&["kick", "orders", "1"]).ended_with(1);
    assert_eq!(outcome.stderr, "Timed out!\n");
    assert_eq!(outcome.stdout.replace('\u{8}', "^H"), "Kick orders: [0 s] ^H^H^H^H^H^H[1 s] ");
}

#[test]
fn a_limit_that_is_reached_by_a_sync_that_cannot_run_comes_with_the_reason() {
    let installed = prepared();
    let _daemon = FakeDaemon::silent(&installed);
    let sql = "update bucardo.validation set validated = now(), ok = false, outcome = 'B is away' where sync = 'orders'";
    installed.control().batch_execute(sql).unwrap();
    let outcome = installed.ctl(&["kick", "orders", "1"]).ended_with(1);
    let told = "Timed out!\nError: the daemon cannot run sync \"orders\": B is away\nHINT: `validate orders` looks again\n";
    assert_eq!(outcome.stderr, told);
    assert_eq!(outcome.stdout.replace('\u{8}', "^H"), "Kick orders: [0 s] ^H^H^H^H^H^H[1 s] ");
}

#[test]
fn a_kick_the_daemon_refuses_ends_with_two_and_a_sentence() {
    let installed = prepared();
    let _daemon = FakeDaemon::new(&installed, "bucardo_kick_sync_orders", |client, _| {
        client.batch_execute("notify bucardo_syncerror_orders").unwrap();
    });
    let outcome = installed.ctl(&["kick", "orders", "0"]).ended_with(2);
    assert!(outcome.stderr.starts_with("Error: the daemon cannot run sync \"orders\""), "{}", outcome.stderr);
}

#[test]
fn an_inactive_sync_is_named_and_changes_nothing() {
    let installed = prepared();
    let outcome = installed.ctl(&["kick", "asleep", "0", "--quiet"]).ended_with(0);
    assert_eq!(outcome.stdout, "Cannot kick inactive sync \"asleep\"\n");
    assert_eq!(installed.ctl(&["kick", "all", "swap", "0"]).ok(), "");
    let codes = installed.ctl(&["help", "exit"]);
    assert!((codes.stdout + &codes.stderr).contains("0       kick: also of a sync whose status is inactive"));
}

#[test]
fn a_sync_that_does_not_exist_is_refused_before_anything_is_kicked() {
    let installed = prepared();
    let outcome = installed.ctl(&["kick", "orders", "nosuch"]).ended_with(255);
    assert_eq!(outcome.stdout, "");
    assert!(outcome.stderr.starts_with("Sync \"nosuch\" does not appear to exist\nHINT: "), "{}", outcome.stderr);
    for words in [&["kick"][..], &["kick", "5"]] {
        assert!(installed.ctl(words).ended_with(1).stderr.starts_with("Usage: kick"));
    }
}

#[test]
fn pid_files_of_former_syncs_are_removed_on_the_way() {
    let installed = prepared();
    let (former, present) =
        (installed.piddir().join("bucardo.ctl.sync.former.pid"), installed.piddir().join("bucardo.ctl.sync.orders.pid"));
    std::fs::write(&former, "1\n").unwrap();
    std::fs::write(&present, "1\n").unwrap();
    let _daemon = FakeDaemon::taking(&installed);
    let outcome = installed.ctl(&["kick", "orders"]).ended_with(0);
    assert_eq!(outcome.stderr, format!("Invalid pid file found: {} - removing it\n", former.display()));
    assert!(!former.exists() && present.exists());
}

#[test]
fn after_a_kick_that_returned_every_earlier_change_is_on_the_target() {
    let world = World::with_dbs();
    world.says("add table t1 db=A herd=h ping=false");
    world.says("add sync orders type=pushdelta source=h targetdb=B ping=false");
    world.ctl(&["start"]).ok();
    let (mut source, mut target) = (world.cluster.connect("a"), world.cluster.connect("b"));
    for round in 0..20 {
        source.execute("insert into t1 values ($1, 'x')", &[&round]).unwrap();
        let outcome = world.ctl(&["kick", "orders", "30", "--notimer"]);
        assert_eq!(outcome.code(), 0, "round {round}: {}{}\n{}", outcome.stdout, outcome.stderr, queue(&world));
        assert!(outcome.stdout.starts_with("Kick orders: B(") && outcome.stdout.ends_with(" DONE!\n"), "{}", outcome.stdout);
        assert_eq!(target.query("select from t1 where id = $1", &[&round]).unwrap().len(), 1, "round {round}");
    }
    assert!(world.ctl(&["status", "orders"]).ok().contains("\nLast good time:       "));
    assert_eq!(world.ctl(&["deactivate", "orders", "0"]).ok(), "Deactivating sync orders...OK\n");
    assert!(world.ctl(&["kick", "orders", "0"]).ended_with(2).stderr.starts_with("Error: the daemon cannot run sync"));
    assert_eq!(world.ctl(&["activate", "orders", "0"]).ok(), "Activating sync orders...OK\n");
    assert_eq!(world.ctl(&["activate", "orders", "0"]).ok(), "Activating sync orders...OK\n");
    assert_eq!(world.ctl(&["reload", "orders"]).ok(), "Reloading sync orders...DONE!\n");
    assert_eq!(world.ctl(&["validate", "orders"]).ok(), "Validating sync orders...DONE!\n");
}

/// What is in the queue, for a failed test to show.
fn queue(world: &World) -> String {
    let jobs = "select string_agg(to_jsonb(q)::text, e'\\n' order by id) from bucardo.q";
    format!("{}\nlast number: {}", world.value(jobs), world.value("select last_value from bucardo.q_id_seq"))
}

/// The reason of the worker's end, without a look into the log.
#[test]
fn a_kick_of_a_failing_sync_prints_the_reason() {
    let world = World::with_dbs();
    world.says("add table t1 db=A herd=h");
    world.says("add sync orders type=pushdelta source=h targetdb=B");
    world.ctl(&["start"]).ok();
    world.ctl(&["kick", "orders", "30"]).ok();
    world.cluster.connect("b").batch_execute("alter table t1 add constraint small check (id < 10)").unwrap();
    world.cluster.connect("a").batch_execute("insert into t1 values (99)").unwrap();
    for option in ["--notimer", "--quiet"] {
        let outcome = world.ctl(&["kick", "orders", "30", option]).ended_with(2);
        let reason = "sync \"orders\" failed for database \"B\": ";
        assert!(outcome.stderr.starts_with(reason) && outcome.stderr.contains("small"), "{}", outcome.stderr);
        assert!(outcome.stdout.is_empty() || outcome.stdout.ends_with("KILLED!\n"), "{}", outcome.stdout);
    }
}

#[test]
fn a_limit_that_is_reached_by_a_sync_that_fails_comes_with_the_reason() {
    let installed = prepared();
    let _daemon = FakeDaemon::silent(&installed);
    let job = "insert into bucardo.q (sync, sourcedb, targetdb, ppid, started, aborted, ended, whydie)
        values ('orders', 'A', 'B', 0, now(), now(), now(), 'the disk is full')";
    installed.control().batch_execute(job).unwrap();
    let outcome = installed.ctl(&["kick", "orders", "1"]).ended_with(1);
    assert_eq!(outcome.stderr, "Timed out!\nsync \"orders\" failed for database \"B\": the disk is full\n");
}
