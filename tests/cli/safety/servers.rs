//! Control databases that take no changes, do not know us, or never answer.

use crate::cli::fake_daemon::FakeDaemon;
use crate::cli::prepared::prepared;
use std::net::TcpListener;
use std::time::Duration;

#[test]
fn a_read_only_control_database_is_read_and_not_written() {
    let installed = prepared();
    let _daemon = FakeDaemon::taking(&installed);
    installed.cluster.connect("postgres").batch_execute("alter database bucardo set default_transaction_read_only = on").unwrap();
    for line in ["status", "list syncs", "status orders", "kick orders"] {
        assert_eq!(installed.ctl(&line.split(' ').collect::<Vec<_>>()).ended_with(0).stderr, "", "{line}");
    }
    for line in [
        "add herd new",
        "update sync orders priority=3",
        "remove sync asleep",
        "set audit_pid=1",
        "message hello",
        "validate copies",
    ] {
        for program in ["bucardo_ctl", "bucardo"] {
            let outcome = installed.call(program, &line.split(' ').collect::<Vec<_>>()).run();
            let told = outcome.stderr.contains("read-only transaction")
                && outcome.stderr.contains("HINT: the control database takes no");
            assert!(outcome.code() != 0 && told, "{program} {line}: {} {}", outcome.code(), outcome.stderr);
        }
    }
}

#[test]
fn a_wrong_password_is_said_to_be_one_and_not_shown() {
    let installed = prepared();
    let cluster = &installed.cluster;
    cluster.connect("postgres").batch_execute("alter role bucardo password 'right'").unwrap();
    let hba = "local all postgres trust\nlocal all all scram-sha-256\nhost all all 127.0.0.1/32 scram-sha-256\n";
    let method = if cluster.major() >= 14 { hba.to_owned() } else { hba.replace("scram-sha-256", "md5") };
    std::fs::write(cluster.data().join("pg_hba.conf"), method).unwrap();
    cluster.connect("postgres").batch_execute("select pg_reload_conf()").unwrap();
    let list = |password: &str| {
        let mut words = vec!["list", "syncs"];
        words.extend((!password.is_empty()).then_some(password));
        installed.call("bucardo_ctl", &words).env("PGPASSFILE", "/does/not/exist").run()
    };
    crate::harness::wait_until("the server asks for passwords", Duration::from_secs(10), || (list("").code() != 0).then_some(()));
    let wrong = list("--dbpass=wr0ng").ended_with(255);
    assert!(
        wrong.stderr.starts_with("DBI connect('dbname=bucardo;host=") && wrong.stderr.contains("password authentication failed")
    );
    assert!(wrong.stderr.contains("HINT: ") && !wrong.stderr.contains("wr0ng"), "{}", wrong.stderr);
    assert!(list("").stderr.contains("HINT: "), "{}", list("").stderr);
    assert_eq!(list("--dbpass=right").code(), 0);
}

#[test]
fn a_server_that_accepts_and_never_answers_is_given_up_in_time() {
    let installed = prepared();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("--dbport={}", silent.local_addr().unwrap().port());
    for line in ["list db", "kick orders 0", "stop", "start", "help add", "install --batch"] {
        let mut words: Vec<&str> = vec!["--no-bucardorc", "--dbhost=127.0.0.1", &port];
        words.extend(line.split(' '));
        let call = installed.call("bucardo_ctl", &words).env("PGCONNECT_TIMEOUT", "2").timeout(Duration::from_secs(30));
        let outcome = call.run();
        match line {
            "help add" => assert_eq!(outcome.code(), 0),
            _ => assert!(outcome.code() != 0 && outcome.stderr.contains("HINT: "), "{line}: {}", outcome.stderr),
        }
    }
    assert_eq!(std::fs::read_dir(installed.piddir()).unwrap().count(), 0);
}
