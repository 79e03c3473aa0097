//! A kick that is answered has been served: what was committed before it is on the targets.

use super::world::{PATIENCE, World, send};
use crate::harness::wait_until;
use fallible_iterator::FallibleIterator;
use nix::sys::signal::Signal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[test]
fn a_kick_that_comes_into_a_long_backlog_is_answered_when_all_of_it_is_there() {
    let world = World::new();
    world.says("set batch_changes=300");
    world.run_sync("s", "targetdb=B");
    let kid = world.pid("kid.sync.s.B");
    send(kid, Signal::SIGSTOP);
    let mut source = world.db("A");
    for batch in 0..200 {
        source.execute("insert into t select $1 * 300 + g from generate_series(1, 300) g", &[&batch]).unwrap();
    }
    let mut client = world.installed.control();
    client.batch_execute("listen bucardo_syncdone_s").unwrap();
    let number: i64 = client.query_one("select nextval('bucardo.q_id_seq')", &[]).unwrap().get(0);
    client.batch_execute("notify bucardo_kick_sync_s").unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut control = world.installed.control();
            while !stop.load(Ordering::Relaxed) {
                control.batch_execute("notify bucardo_kick_sync_s; select pg_sleep(0.01)").unwrap();
            }
        });
        send(kid, Signal::SIGCONT);
        wait_until("the kick is answered", PATIENCE, || {
            let next = client.notifications().timeout_iter(Duration::from_millis(10)).next().unwrap();
            next.filter(|notice| notice.payload().parse::<i64>().unwrap() > number)
        });
        let there = world.value("B", "select count(*) from t");
        stop.store(true, Ordering::Relaxed);
        assert_eq!(there, "60000");
    });
}

#[test]
fn every_answer_to_a_kick_implies_the_row_before_it_while_others_write() {
    let world = World::new();
    world.run_sync("s", "targetdb=B");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for writer in 0..3 {
            let (world, stop) = (&world, &stop);
            scope.spawn(move || {
                let mut db = world.db("A");
                for n in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    db.execute("insert into u values ($1, 0)", &[&(writer * 10_000_000 + n)]).unwrap();
                }
            });
        }
        let (mut source, mut target) = (world.db("A"), world.db("B"));
        let missing: Vec<i32> = (0..50)
            .filter(|id| {
                source.execute("insert into t values ($1)", &[id]).unwrap();
                world.says("kick s 0");
                target.query_opt("select from t where id = $1", &[id]).unwrap().is_none()
            })
            .collect();
        stop.store(true, Ordering::Relaxed);
        assert_eq!(missing, Vec::<i32>::new());
    });
}
