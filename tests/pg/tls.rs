//! TLS: what each sslmode makes of servers one can trust and servers one cannot.

use super::certificates::Certificates;
use super::servers::{over_tcp, set_hba};
use crate::harness::Cluster;
use bucardo::pg::conninfo::{ChannelBinding, Roots, SslMode, Tls};
use bucardo::pg::{ConnInfo, Connection, Secret};
use std::path::PathBuf;

const MODES: [SslMode; 6] =
    [SslMode::Disable, SslMode::Allow, SslMode::Prefer, SslMode::Require, SslMode::VerifyCa, SslMode::VerifyFull];

/// What the tables below say of a connection: encrypted, not encrypted, or part of the error.
const TLS: &str = "TLS";
const PLAIN: &str = "plain";

/// A server called localhost whose certificate is to be chosen.
struct Server {
    cluster: Cluster,
    certificates: Certificates,
}

impl Server {
    fn new() -> Server {
        let (cluster, certificates) = (Cluster::new(), Certificates::new());
        certificates.issue("good", "ca", "localhost", 2);
        certificates.issue("unknown", "stranger", "localhost", 2);
        certificates.issue("misnamed", "ca", "db.example.org", 2);
        certificates.issue("expired", "ca", "localhost", -1);
        certificates.install("ca.crt", &cluster.data().join("ca.crt"));
        cluster.configure(&["ssl_cert_file = 'now.crt'", "ssl_key_file = 'now.key'", "ssl_ca_file = 'ca.crt'"]);
        Server { cluster, certificates }
    }

    /// Starts it anew, with this certificate.
    fn shows(&mut self, certificate: &str) {
        for kind in ["crt", "key"] {
            self.certificates.install(&format!("{certificate}.{kind}"), &self.cluster.data().join(format!("now.{kind}")));
        }
        self.with(&["ssl = on"]);
    }

    fn with(&mut self, settings: &[&str]) {
        self.cluster.configure(settings);
        self.cluster.stop();
        self.cluster.start();
    }

    fn info(&self, tls: Tls) -> ConnInfo {
        let hostaddr = Some([127, 0, 0, 1].into());
        ConnInfo { host: "localhost".to_owned(), hostaddr, tls, ..over_tcp(&self.cluster, "postgres", "postgres") }
    }

    fn root(&self) -> Option<Roots> {
        Some(Roots::File(self.certificates.path("ca.crt")))
    }

    /// Tries all modes; compares with the row of the table.
    fn is_met_with(&self, row: &str, root: Option<&Roots>, expected: [&str; 6]) {
        for (mode, expected) in MODES.into_iter().zip(expected) {
            let seen = outcome(&self.info(Tls { mode, root: root.cloned(), ..Tls::default() }));
            assert!(is(&seen, expected), "{row}, {mode:?}: expected {expected}, but it is: {seen}");
        }
    }
}

/// Errors are known by a part of them.
fn is(seen: &str, expected: &str) -> bool {
    seen == expected || (![TLS, PLAIN].contains(&expected) && seen.contains(expected))
}

fn outcome(info: &ConnInfo) -> String {
    match Connection::open(info) {
        Ok(mut conn) => {
            let sql = "select case when ssl then 'TLS' else 'plain' end from pg_stat_ssl where pid = pg_backend_pid()";
            conn.query_one(sql, &[]).unwrap().get(0)
        }
        Err(error) => format!("{error}"),
    }
}

#[test]
fn with_a_root_certificate_every_mode_does_what_libpq_s_does() {
    let mut server = Server::new();
    let root = server.root();
    let unknown = "certificate verify failed: unable to get local issuer certificate";
    let expired = "certificate verify failed: certificate has expired";
    let misnamed = "certificate verify failed: hostname mismatch";
    for (certificate, expected) in [
        ("good", [PLAIN, PLAIN, TLS, TLS, TLS, TLS]),
        ("unknown", [PLAIN, PLAIN, PLAIN, unknown, unknown, unknown]),
        ("misnamed", [PLAIN, PLAIN, TLS, TLS, TLS, misnamed]),
        ("expired", [PLAIN, PLAIN, PLAIN, expired, expired, expired]),
    ] {
        server.shows(certificate);
        server.is_met_with(certificate, root.as_ref(), expected);
    }
    server.with(&["ssl = off"]);
    let none = "the server does not support TLS";
    server.is_met_with("no TLS", root.as_ref(), [PLAIN, PLAIN, PLAIN, none, none, none]);
}

#[test]
fn without_a_root_certificate_nobody_is_verified_and_who_must_verify_refuses() {
    let mut server = Server::new();
    let missing = Some(Roots::File("/nonexistent/root.crt".into()));
    let absent = "root certificate file \"/nonexistent/root.crt\" does not exist";
    for certificate in ["good", "unknown", "misnamed", "expired"] {
        server.shows(certificate);
        server.is_met_with(certificate, missing.as_ref(), [PLAIN, PLAIN, TLS, TLS, absent, absent]);
        server.is_met_with(certificate, None, [PLAIN, PLAIN, TLS, TLS, "no file of root", "no file of root"]);
    }
    let system = outcome(&server.info(Tls { mode: SslMode::VerifyFull, root: Some(Roots::System), ..Tls::default() }));
    assert!(system.contains("certificate verify failed"), "{system}");
}

#[test]
fn a_revoked_certificate_is_not_trusted_any_more() {
    let mut server = Server::new();
    let files = &server.certificates;
    std::fs::create_dir(files.path("lists")).unwrap();
    files.revoke("good", "lists/all.crl");
    files.openssl("rehash lists");
    files.revoke("expired", "other.crl");
    let (crl, dir, other) = (Some(files.path("lists/all.crl")), Some(files.path("lists")), Some(files.path("other.crl")));
    server.shows("good");
    let with = |crl: &Option<PathBuf>, crl_dir: &Option<PathBuf>| {
        let (crl, crl_dir) = (crl.clone(), crl_dir.clone());
        outcome(&server.info(Tls { mode: SslMode::VerifyFull, root: server.root(), crl, crl_dir, ..Tls::default() }))
    };
    assert!(with(&crl, &None).contains("certificate verify failed: certificate revoked"));
    assert!(with(&None, &dir).contains("certificate verify failed: certificate revoked"));
    assert_eq!(with(&other, &None), TLS);
    assert_eq!(with(&Some("/nonexistent/root.crl".into()), &None), TLS);
    assert!(with(&Some("/dev/null".into()), &None).contains("cannot use revocation list \"/dev/null\""));
}

#[test]
fn a_password_is_bound_to_the_encrypted_channel() {
    let mut server = Server::new();
    server.shows("good");
    set_hba(&mut server.cluster, &["host all all 127.0.0.1/32 scram-sha-256"]);
    let role = "set password_encryption = 'scram-sha-256'; alter role postgres password 'right'";
    server.cluster.connect("postgres").batch_execute(role).unwrap();
    let with = |mode| {
        let info = server.info(Tls { mode, ..Tls::default() });
        outcome(&ConnInfo { channel_binding: ChannelBinding::Require, password: Some(Secret::new("right")), ..info })
    };
    let refused = "server did not use channel binding";
    assert!(with(SslMode::Disable).contains(refused));
    // PostgreSQL 10 cannot do it yet.
    let expected = if server.cluster.major() > 10 { TLS } else { refused };
    assert!(is(&with(SslMode::Require), expected), "{}", with(SslMode::Require));
}

#[test]
fn allow_and_prefer_try_the_other_way_when_the_server_insists() {
    let mut server = Server::new();
    server.shows("good");
    let root = server.root();
    set_hba(&mut server.cluster, &["hostssl all all 127.0.0.1/32 trust"]);
    server.is_met_with("only TLS", root.as_ref(), ["no pg_hba.conf entry", TLS, TLS, TLS, TLS, TLS]);
    set_hba(&mut server.cluster, &["hostnossl all all 127.0.0.1/32 trust"]);
    let no = "no pg_hba.conf entry";
    server.is_met_with("no TLS", root.as_ref(), [PLAIN, PLAIN, PLAIN, no, no, no]);
    set_hba(&mut server.cluster, &[]);
    let both = outcome(&server.info(Tls { mode: SslMode::Prefer, ..Tls::default() }));
    assert!(both.contains("no pg_hba.conf entry") && both.contains("; without TLS: FATAL:  no pg_hba.conf entry"), "{both}");
}

#[test]
fn a_trusted_server_that_turns_out_not_to_be_is_explained() {
    let mut server = Server::new();
    server.shows("unknown");
    set_hba(&mut server.cluster, &["hostssl all all 127.0.0.1/32 trust"]);
    let error = Connection::open(&server.info(Tls { root: server.root(), ..Tls::default() })).err().unwrap();
    assert!(error.to_string().contains("unable to get local issuer certificate; without TLS: FATAL:  no pg_hba.conf"), "{error}");
    assert!(error.hint_text().unwrap().contains("sslrootcert"));
}

#[test]
fn a_client_certificate_proves_who_we_are_whatever_kind_of_key_it_has() {
    let mut server = Server::new();
    server.shows("good");
    set_hba(&mut server.cluster, &["hostssl all all 127.0.0.1/32 cert"]);
    let files = &server.certificates;
    files.issue("client", "ca", "postgres", 2);
    files.openssl("ec -in client.key -out sec1.key");
    files.openssl("pkcs8 -topk8 -in client.key -passout pass:lock -out locked.key");
    files.openssl("ec -in client.key -outform DER -out der.key");
    files.openssl("req -newkey rsa:2048 -nodes -keyout rsa8.key -out rsa.csr -subj /CN=postgres");
    files.openssl("x509 -req -in rsa.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out rsa.crt -days 2");
    files.openssl("rsa -in rsa8.key -traditional -out rsa1.key");
    let with = |cert: &str, key: &str, password: Option<&str>| {
        let (cert, key) = (Some(files.path(cert)), Some(files.path(key)));
        outcome(&server.info(Tls { cert, key, key_password: password.map(Secret::new), root: server.root(), ..Tls::default() }))
    };
    for (cert, key, password) in [
        ("client.crt", "client.key", None),
        ("client.crt", "sec1.key", None),
        ("client.crt", "der.key", None),
        ("client.crt", "locked.key", Some("lock")),
        ("rsa.crt", "rsa8.key", None),
        ("rsa.crt", "rsa1.key", None),
    ] {
        assert_eq!(with(cert, key, password), TLS, "{key}");
    }
    for (cert, key, password, words) in [
        ("missing.crt", "client.key", None, "connection requires a valid client certificate"),
        ("client.crt", "missing.key", None, "cannot use private key file"),
        ("client.crt", "locked.key", None, "cannot use private key file"),
        ("client.crt", "locked.key", Some("wrong"), "cannot use private key file"),
        ("client.crt", "rsa8.key", None, "cannot use private key file"),
        ("good.crt", "good.key", None, "certificate authentication failed for user"),
    ] {
        let seen = with(cert, key, password);
        assert!(seen.contains(words) && seen != TLS, "{cert} {key}: {seen}");
    }
}

#[test]
fn a_statement_on_an_encrypted_connection_is_stopped_too() {
    let mut server = Server::new();
    server.shows("good");
    set_hba(&mut server.cluster, &["hostssl all all 127.0.0.1/32 trust"]);
    let tls = Tls { mode: SslMode::VerifyFull, root: server.root(), ..Tls::default() };
    super::connect::stops_a_statement(&server.cluster, &server.info(tls));
}
