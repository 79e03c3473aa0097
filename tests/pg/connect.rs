//! Connections that are made, and the sentences and hints of those that are not.

use super::servers::{over_tcp, with_hba};
use crate::harness::{Cluster, wait_until};
use bucardo::error::Kind;
use bucardo::pg::conninfo::{Endpoint, Keepalive, Parts, SslMode, Tls};
use bucardo::pg::{ConnInfo, Connecting, Connection, Secret, wait};
use std::net::TcpListener;
use std::time::Duration;

/// A server with [`DOORS`] and [`ROLES`], and a database `closed` to which only superusers connect.
fn guarded() -> Cluster {
    let cluster = with_hba(DOORS);
    cluster.create_database("closed");
    cluster.connect("postgres").batch_execute(ROLES).unwrap();
    cluster
}

/// The sentence and the hint of a connection that cannot be made.
fn refusal(info: &ConnInfo) -> (String, String) {
    let error = Connection::open(info).err().unwrap();
    assert_eq!(error.kind(), Kind::Connect);
    (error.to_string(), error.hint_text().unwrap_or_default().to_owned())
}

/// Waits for the end of a connection as a process does. It may be woken twice: by the server's last
/// words and by the end.
fn loss(conn: &mut Connection) -> Kind {
    loop {
        assert!(wait(&[conn.fd()], Some(Duration::from_secs(30))).unwrap().has(conn.fd()), "nothing happens");
        if let Err(error) = conn.drain_notifications() {
            return error.kind();
        }
    }
}

#[test]
fn a_connection_knows_its_socket_and_the_version_of_the_server() {
    let cluster = Cluster::new();
    for info in [cluster.conninfo("postgres", "postgres"), over_tcp(&cluster, "postgres", "postgres")] {
        let mut conn = Connection::open(&info).unwrap();
        let version: i32 = conn.query_one("select current_setting('server_version_num')::int", &[]).unwrap().get(0);
        assert_eq!(conn.version(), u32::try_from(version).unwrap());
        let link = std::fs::read_link(format!("/proc/self/fd/{}", conn.fd())).unwrap();
        assert!(link.to_string_lossy().starts_with("socket:"));
        assert!(wait(&[conn.fd()], Some(Duration::ZERO)).unwrap().timed_out());
    }
}

#[test]
fn many_threads_connecting_at_once_each_find_their_own_socket() {
    let cluster = Cluster::new();
    let info = cluster.conninfo("postgres", "postgres");
    std::thread::scope(|scope| {
        for number in 0..12 {
            let info = info.clone();
            scope.spawn(move || {
                for _ in 0..5 {
                    let mut conn = Connection::open(&info).unwrap();
                    conn.batch(&format!("listen c{number}; notify c{number}")).unwrap();
                    assert_eq!(conn.drain_notifications().unwrap().len(), 1);
                    let pid: i32 = conn.query_one("select pg_backend_pid()", &[]).unwrap().get(0);
                    let mut other = Connection::open(&info).unwrap();
                    other.execute("select pg_terminate_backend($1)", &[&pid]).unwrap();
                    assert_eq!(loss(&mut conn), Kind::Lost);
                }
            });
        }
    });
}

/// Who may come through the network, and how: everybody not named here has no entry.
const DOORS: &[&str] = &[
    "host all scram,absent,locked 127.0.0.1/32 scram-sha-256",
    "host all md 127.0.0.1/32 md5",
    "host all plain 127.0.0.1/32 password",
    "host all trusted,nobody 127.0.0.1/32 trust",
];

const ROLES: &str = "set password_encryption = 'scram-sha-256'; create role scram login password 'right'; create role plain login password 'right'; \
    create role trusted login; create role locked nologin password 'right'; create role outsider login; \
    set password_encryption = md5; create role md login password 'right'; revoke connect on database closed from public";

#[test]
fn every_usual_way_to_prove_a_password_works() {
    let cluster = guarded();
    for user in ["scram", "md", "plain"] {
        let info = ConnInfo { password: Some(Secret::new("right")), ..over_tcp(&cluster, "postgres", user) };
        let mut conn = Connection::open(&info).unwrap();
        assert_eq!(conn.query_one("select current_user::text", &[]).unwrap().get::<_, String>(0), user);
    }
}

/// Against a man in the middle who would like to have the password.
#[test]
fn a_proof_that_require_auth_does_not_allow_is_not_given() {
    let cluster = guarded();
    let with = |user: &str, required: &str| {
        let parts = Parts { dbconn: Some(format!("user=u require_auth={required}")), ..Parts::default() };
        let require_auth = parts.resolve().unwrap().require_auth;
        // A server to which it is sent refuses it.
        ConnInfo { require_auth, password: Some(Secret::new("wrong")), ..over_tcp(&cluster, "postgres", user) }
    };
    for (user, required, words) in [
        (
            "plain",
            "scram-sha-256",
            "the server asks for the password in clear text, which require_auth=\"scram-sha-256\" does not allow",
        ),
        ("md", "scram-sha-256", "the server asks for a proof by md5, which"),
        ("trusted", "scram-sha-256", "the server asks for no proof of who we are, which"),
        (
            "scram",
            "!scram-sha-256",
            "the server asks for a proof by scram-sha-256, which require_auth=\"!scram-sha-256\" does not",
        ),
        ("md", "!password", "password authentication failed"),
        ("scram", "scram-sha-256,none", "password authentication failed"),
    ] {
        let (sentence, advice) = refusal(&with(user, required));
        assert!(sentence.contains(words), "{sentence}");
        assert!(advice.contains("pg_hba.conf"), "{advice}");
    }
    let right = ConnInfo { password: Some(Secret::new("right")), ..with("scram", "scram-sha-256") };
    Connection::open(&right).unwrap();
    Connection::open(&with("trusted", "none")).unwrap();
}

#[test]
fn a_refused_connection_says_who_refused_what_and_what_to_do() {
    let cluster = guarded();
    let wrong = Some(Secret::new("wrong"));
    let port = cluster.port();
    for (db, user, password, words, hint) in [
        ("postgres", "scram", None, "the server wants a password and none is known", "~/.pgpass"),
        ("postgres", "scram", wrong.clone(), "FATAL:  password authentication failed for user \"scram\"", "PGPASSWORD"),
        ("postgres", "md", wrong.clone(), "FATAL:  password authentication failed for user \"md\"", "PGPASSWORD"),
        ("postgres", "absent", wrong, "FATAL:  password authentication failed for user \"absent\"", "PGPASSWORD"),
        ("postgres", "nobody", None, "FATAL:  role \"nobody\" does not exist", "create the role"),
        ("nowhere", "trusted", None, "FATAL:  database \"nowhere\" does not exist", "name of the database"),
        ("closed", "trusted", None, "FATAL:  permission denied for database \"closed\"", "GRANT CONNECT"),
    ] {
        let (sentence, advice) = refusal(&ConnInfo { password, ..over_tcp(&cluster, db, user) });
        let expected = format!("could not connect to database \"{db}\" at 127.0.0.1:{port} as user \"{user}\": {words}");
        assert_eq!(sentence, expected);
        assert!(advice.contains(hint), "{advice}");
    }
    let (sentence, advice) = refusal(&over_tcp(&cluster, "postgres", "outsider"));
    assert!(sentence.contains("no pg_hba.conf entry for host \"127.0.0.1\", user \"outsider\""), "{sentence}");
    assert!(advice.contains("pg_hba.conf"));
}

#[test]
fn a_server_that_is_not_there_is_told_from_a_host_that_is_not_there() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let at = |host: &str| ConnInfo { host: host.into(), port: free, dbname: "d".into(), user: "u".into(), ..ConnInfo::default() };
    for (host, words, hint) in [
        ("127.0.0.1", "Connection refused", "listen_addresses"),
        ("localhost", "Connection refused", "listen_addresses"),
        ("/nonexistent", "No such file or directory", "socket"),
        ("no such host", "cannot look up \"no such host\"", "name of the host"),
    ] {
        let (sentence, advice) = refusal(&at(host));
        assert!(sentence.contains(words), "{sentence}");
        assert!(advice.contains(hint), "{advice}");
    }
}

#[test]
fn a_server_without_tls_is_refused_by_those_who_insist() {
    let cluster = Cluster::new();
    let tls = Tls { mode: SslMode::Require, ..Tls::default() };
    let (sentence, advice) = refusal(&ConnInfo { tls, ..over_tcp(&cluster, "postgres", "postgres") });
    assert!(sentence.ends_with("the server does not support TLS"), "{sentence}");
    assert!(advice.contains("sslmode"));
}

#[test]
fn the_next_server_is_used_when_the_first_is_down() {
    let cluster = Cluster::new();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let second = Endpoint { host: "127.0.0.1".into(), port: cluster.port(), ..Endpoint::default() };
    let info = ConnInfo { port: nobody, fallbacks: vec![second], ..over_tcp(&cluster, "postgres", "postgres") };
    Connection::open(&info).unwrap().batch("select 1").unwrap();
    let gone = ConnInfo { fallbacks: vec![Endpoint { port: nobody, ..info.fallbacks[0].clone() }], ..info };
    let (sentence, _) = refusal(&gone);
    assert!(sentence.contains(&format!("at 127.0.0.1:{nobody}, 127.0.0.1:{nobody} as")), "{sentence}");
}

#[test]
fn one_can_wait_for_a_connection_among_other_things() {
    let cluster = Cluster::new();
    let connecting = Connecting::start(&cluster.conninfo("postgres", "postgres")).unwrap();
    assert!(wait(&[connecting.fd()], Some(Duration::from_secs(30))).unwrap().has(connecting.fd()));
    connecting.finish().unwrap().batch("select 1").unwrap();
    let failing = Connecting::start(&cluster.conninfo("nowhere", "postgres")).unwrap();
    wait(&[failing.fd()], None).unwrap();
    assert_eq!(failing.finish().err().unwrap().kind(), Kind::Connect);
}

/// Starts a statement, stops it from another thread, and goes on using the connection.
pub fn stops_a_statement(cluster: &Cluster, info: &ConnInfo) {
    let mut conn = Connection::open(info).unwrap();
    let canceller = conn.canceller();
    let mut watcher = cluster.connect("postgres");
    let stopper = std::thread::spawn(move || {
        let asleep = "select true from pg_stat_activity where query = 'select pg_sleep(60)' and state = 'active'";
        wait_until("the statement runs", Duration::from_secs(30), || watcher.query_opt(asleep, &[]).unwrap());
        canceller.cancel().unwrap();
    });
    assert_eq!(conn.batch("select pg_sleep(60)").unwrap_err().kind(), Kind::Stopped);
    stopper.join().unwrap();
    conn.batch("select 1").unwrap();
}

#[test]
fn a_running_statement_is_stopped_from_another_thread() {
    let cluster = Cluster::new();
    stops_a_statement(&cluster, &over_tcp(&cluster, "postgres", "postgres"));
}

#[test]
fn a_user_sees_in_pg_stat_activity_who_it_is() {
    let cluster = Cluster::new();
    let name = r#"Bucardo Kid. Sync "a_name_that_is_rather_long": (pushdelta) "alpha" -> "beta""#;
    let mut conn = Connection::open(&cluster.conninfo("postgres", "postgres").named(name)).unwrap();
    let shown: String = conn.query_one("select current_setting('application_name')", &[]).unwrap().get(0);
    assert_eq!(shown, r#"Bucardo Kid. Sync "a_name_that... (pushdelta) "alpha" -> "beta""#);
}

/// The timer the kernel runs for a TCP connection, and the seconds until it fires (see proc(5),
/// /proc/net/tcp).
fn timer(conn: &Connection) -> (String, u64) {
    let link = std::fs::read_link(format!("/proc/self/fd/{}", conn.fd())).unwrap();
    let inode = link.to_str().unwrap().trim_start_matches("socket:[").trim_end_matches(']').to_owned();
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let row = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).find(|row| row[9] == inode);
    let row = row.unwrap();
    let (kind, ticks) = row[5].split_once(':').unwrap();
    (kind.to_owned(), u64::from_str_radix(ticks, 16).unwrap() / 100)
}

#[test]
fn a_network_that_dies_while_nothing_is_said_is_noticed() {
    let cluster = Cluster::new();
    let usual = over_tcp(&cluster, "postgres", "postgres");
    let hasty = ConnInfo { keepalive: Keepalive { idle: 7, ..Keepalive::default() }, ..usual.clone() };
    let trusting = ConnInfo { keepalive: Keepalive { on: false, ..Keepalive::default() }, ..usual.clone() };
    for (info, kind, at_most) in [(usual, "02", 60), (hasty, "02", 7), (trusting, "00", 0)] {
        let conn = Connection::open(&info).unwrap();
        // Until the last answer is acknowledged it is another timer that runs.
        let expected = || Some(timer(&conn)).filter(|(running, seconds)| running == kind && *seconds <= at_most);
        wait_until("the right timer runs", Duration::from_secs(10), expected);
    }
}
