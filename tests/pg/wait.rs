//! Notifications: none is lost, each one wakes, and afterwards there is rest.

use super::certificates::Certificates;
use super::servers::over_tcp;
use crate::harness::Cluster;
use bucardo::error::Kind;
use bucardo::pg::conninfo::{SslMode, Tls};
use bucardo::pg::{ConnInfo, Connection, Notification, wait};
use std::time::Duration;

/// Much longer than anything here takes.
const PATIENCE: Option<Duration> = Some(Duration::from_secs(30));

/// A server that takes connections through its socket, through the network, and encrypted.
fn reachable_in_three_ways() -> (Cluster, [ConnInfo; 3]) {
    let (mut cluster, certificates) = (Cluster::new(), Certificates::new());
    certificates.issue("server", "ca", "localhost", 2);
    certificates.install("server.crt", &cluster.data().join("server.crt"));
    certificates.install("server.key", &cluster.data().join("server.key"));
    cluster.configure(&["ssl = on"]);
    cluster.stop();
    cluster.start();
    let tcp = |mode| ConnInfo { tls: Tls { mode, ..Tls::default() }, ..over_tcp(&cluster, "postgres", "postgres") };
    let ways = [cluster.conninfo("postgres", "postgres"), tcp(SslMode::Disable), tcp(SslMode::Require)];
    (cluster, ways)
}

fn listening(info: &ConnInfo) -> Connection {
    let mut conn = Connection::open(info).unwrap();
    conn.batch("listen c").unwrap();
    conn
}

fn numbers(notifications: &[Notification]) -> Vec<usize> {
    notifications.iter().map(|n| n.payload.trim_start_matches('x').parse().unwrap()).collect()
}

/// Nothing can be read any more, so that a loop around poll does not spin.
fn rests(conn: &Connection) -> bool {
    wait(&[conn.fd()], Some(Duration::ZERO)).unwrap().timed_out()
}

#[test]
fn a_thousand_notifications_among_queries_all_arrive_in_order() {
    let (cluster, ways) = reachable_in_three_ways();
    for info in ways {
        let mut conn = listening(&info);
        let mut sender = cluster.connect("postgres");
        let sending = std::thread::spawn(move || {
            for number in 0..1000 {
                sender.batch_execute(&format!("notify c, '{number}'")).unwrap();
            }
        });
        let mut received = Vec::new();
        while received.len() < 1000 {
            let sum: i64 = conn.query_one("select sum(i) from generate_series(1, 100) i", &[]).unwrap().get(0);
            assert_eq!(sum, 5050);
            let mut found = conn.drain_notifications().unwrap();
            if found.is_empty() {
                assert!(wait(&[conn.fd()], PATIENCE).unwrap().has(conn.fd()), "got {}, then silence", received.len());
                found = conn.drain_notifications().unwrap();
            }
            received.extend(numbers(&found));
        }
        sending.join().unwrap();
        assert_eq!(received, (0..1000).collect::<Vec<_>>());
        assert!(conn.drain_notifications().unwrap().is_empty() && rests(&conn));
    }
}

#[test]
fn each_notification_wakes_and_then_there_is_rest() {
    let (cluster, ways) = reachable_in_three_ways();
    let mut sender = cluster.connect("postgres");
    let pid: i32 = sender.query_one("select pg_backend_pid()", &[]).unwrap().get(0);
    for info in ways {
        let mut conn = listening(&info);
        for number in 0..200 {
            sender.batch_execute(&format!("notify c, '{number}'")).unwrap();
            assert!(wait(&[conn.fd()], PATIENCE).unwrap().has(conn.fd()));
            let expected = Notification { channel: "c".to_owned(), payload: number.to_string(), pid };
            assert_eq!(conn.drain_notifications().unwrap(), [expected]);
            assert!(rests(&conn));
        }
    }
}

#[test]
fn more_than_any_buffer_holds_arrives_as_well() {
    let (cluster, ways) = reachable_in_three_ways();
    let mut sender = cluster.connect("postgres");
    for info in ways {
        let mut conn = listening(&info);
        sender.batch_execute("select pg_notify('c', repeat('x', 7900) || i) from generate_series(0, 999) i").unwrap();
        let mut received = Vec::new();
        while received.len() < 1000 {
            assert!(wait(&[conn.fd()], PATIENCE).unwrap().has(conn.fd()), "got {}, then silence", received.len());
            received.extend(numbers(&conn.drain_notifications().unwrap()));
        }
        assert_eq!(received, (0..1000).collect::<Vec<_>>());
        assert!(rests(&conn));
    }
}

#[test]
fn what_came_with_a_query_is_there_without_waiting() {
    let (_cluster, ways) = reachable_in_three_ways();
    for info in ways {
        let mut conn = listening(&info);
        conn.batch("notify c, '1'").unwrap();
        conn.batch("select 1").unwrap();
        assert_eq!(numbers(&conn.drain_notifications().unwrap()), [1]);
    }
}

#[test]
fn an_answer_that_is_no_notification_is_taken_without_a_word() {
    let (cluster, ways) = reachable_in_three_ways();
    let mut sender = cluster.connect("postgres");
    for info in ways {
        let mut conn = listening(&info);
        let mut received = Vec::new();
        for number in 0..100 {
            // The driver closes the statement only when it next has to do with the server: that is
            // with the notification.
            conn.query_one("select 1", &[]).unwrap();
            sender.batch_execute(&format!("notify c, '{number}'")).unwrap();
            while received.len() <= number {
                assert!(wait(&[conn.fd()], PATIENCE).unwrap().has(conn.fd()));
                received.extend(numbers(&conn.drain_notifications().unwrap()));
            }
        }
        assert_eq!(received, (0..100).collect::<Vec<_>>());
    }
}

#[test]
fn a_lost_connection_is_said_once_everything_before_it_was_handed_out() {
    let (mut cluster, ways) = reachable_in_three_ways();
    let mut lost: Vec<Connection> = ways.iter().map(listening).collect();
    cluster.connect("postgres").batch_execute("notify c, '7'").unwrap();
    for conn in &lost {
        assert!(wait(&[conn.fd()], PATIENCE).unwrap().has(conn.fd()));
    }
    cluster.stop();
    for conn in &mut lost {
        let mut received = Vec::new();
        let error = loop {
            assert!(wait(&[conn.fd()], PATIENCE).unwrap().has(conn.fd()));
            match conn.drain_notifications() {
                Ok(found) => received.extend(numbers(&found)),
                Err(error) => break error,
            }
        };
        assert_eq!((received, error.kind()), (vec![7], Kind::Lost));
        // And for ever after; a loop that would not notice would spin.
        assert_eq!(conn.drain_notifications().unwrap_err().kind(), Kind::Lost);
        assert_eq!(conn.batch("select 1").unwrap_err().kind(), Kind::Lost);
    }
}
