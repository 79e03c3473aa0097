//! Servers that let us wait: they accept and never say a word, or do not even accept.

use crate::harness::{Cluster, wait_until};
use bucardo::error::Kind;
use bucardo::pg::conninfo::{SslMode, Tls};
use bucardo::pg::{ConnInfo, Connecting, Connection, wait};
use nix::sys::socket::{Backlog, listen};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::Duration;

/// Counting threads and descriptors needs a process without other tests in it.
const ALONE: &str = "BUCARDO_TEST_ALONE";

/// Runs this test again in a process of its own; there, says so.
pub fn alone(test: &str) -> bool {
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let mut again = Command::new(std::env::current_exe().unwrap());
    let done = again.args(["--exact", test, "--test-threads=1"]).env(ALONE, "1").output().unwrap();
    assert!(done.status.success(), "{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(String::from_utf8_lossy(&done.stdout).contains("1 passed"), "no test is called {test}");
    false
}

/// How many threads and open descriptors this process has.
fn size() -> (usize, usize) {
    let count = |what: &str| std::fs::read_dir(format!("/proc/self/{what}")).unwrap().count();
    (count("task"), count("fd"))
}

fn patient(host: &str, port: u16) -> ConnInfo {
    let (dbname, user) = ("d".to_owned(), "u".to_owned());
    ConnInfo { host: host.to_owned(), port, dbname, user, connect_timeout: 1, ..ConnInfo::default() }
}

/// A port that answers no more: its queue is full, and then the kernel drops every further SYN.
struct Deaf {
    listener: TcpListener,
    _queue: Vec<TcpStream>,
}

impl Deaf {
    fn new() -> Deaf {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listen(&listener, Backlog::new(0).unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let knock = || TcpStream::connect_timeout(&address, Duration::from_millis(300)).ok();
        Deaf { listener, _queue: std::iter::from_fn(knock).collect() }
    }

    fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }
}

#[test]
fn a_silent_server_costs_its_time_and_leaves_nothing_behind() {
    if !alone("pg::hung::a_silent_server_costs_its_time_and_leaves_nothing_behind") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let _local = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
    let deaf = Deaf::new();
    let plain = Tls { mode: SslMode::Disable, ..Tls::default() };
    let tcp = patient("127.0.0.1", silent.local_addr().unwrap().port());
    let before = size();
    for info in [
        ConnInfo { tls: plain, ..tcp.clone() },
        tcp,
        patient(folder.path().to_str().unwrap(), 5432),
        patient("127.0.0.1", deaf.port()),
    ] {
        let error = Connection::open(&info).err().unwrap();
        assert_eq!(error.kind(), Kind::Connect);
        assert!(error.to_string().ends_with(": no answer within 1 s"), "{error}");
        // The thread's last act is to hang up; the kernel may count it a moment longer.
        wait_until("everything is gone", Duration::from_secs(10), || (size() == before).then_some(()));
    }
}

/// A server that lets everybody in and then says nothing more.
fn mute() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for mut stream in listener.incoming().flatten() {
            let mut startup = [0; 4];
            stream.read_exact(&mut startup).unwrap();
            let mut rest = vec![0; u32::from_be_bytes(startup) as usize - 4];
            stream.read_exact(&mut rest).unwrap();
            // AuthenticationOk, ReadyForQuery (PostgreSQL manual, 55.7).
            stream.write_all(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I").unwrap();
            kept.push(stream);
        }
    });
    port
}

#[test]
fn a_server_that_falls_silent_after_the_greeting_costs_its_time_as_well() {
    let tls = Tls { mode: SslMode::Disable, ..Tls::default() };
    let error = Connection::open(&ConnInfo { tls, ..patient("127.0.0.1", mute()) }).err().unwrap();
    assert!(error.to_string().ends_with(": no answer within 1 s"), "{error}");
}

#[test]
fn connecting_by_name_leaves_no_thread_and_no_descriptor_behind() {
    if !alone("pg::hung::connecting_by_name_leaves_no_thread_and_no_descriptor_behind") {
        return;
    }
    let cluster = Cluster::new();
    let before = size();
    let info = ConnInfo { host: "localhost".to_owned(), ..cluster.conninfo("postgres", "postgres") };
    let conn = Connection::open(&info).unwrap();
    wait_until("the thread is gone", Duration::from_secs(10), || (size().0 == before.0).then_some(()));
    drop(conn);
    assert!(Connection::open(&ConnInfo { dbname: "nowhere".to_owned(), ..info }).is_err());
    wait_until("everything is gone", Duration::from_secs(10), || (size() == before).then_some(()));
}

#[test]
fn a_process_does_other_things_while_a_silent_server_is_tried() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let answering = Cluster::new();
    let slow = Connecting::start(&patient("127.0.0.1", silent.local_addr().unwrap().port())).unwrap();
    let quick = Connecting::start(&answering.conninfo("postgres", "postgres")).unwrap();
    let ready = wait(&[slow.fd(), quick.fd()], None).unwrap();
    assert!(ready.has(quick.fd()) && !ready.has(slow.fd()));
    quick.finish().unwrap();
    assert!(wait(&[slow.fd()], None).unwrap().has(slow.fd()));
    assert_eq!(slow.finish().err().unwrap().kind(), Kind::Connect);
}

#[test]
fn an_attempt_nobody_waits_for_ends_by_itself() {
    if !alone("pg::hung::an_attempt_nobody_waits_for_ends_by_itself") {
        return;
    }
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let before = size();
    drop(Connecting::start(&patient("127.0.0.1", silent.local_addr().unwrap().port())).unwrap());
    wait_until("everything is gone", Duration::from_secs(10), || (size() == before).then_some(()));
}
