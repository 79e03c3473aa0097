//! From files and variables to a session: service file, password file, environment.

use super::servers::with_hba;
use crate::harness::Cluster;
use bucardo::pg::conninfo::environment::{Environment, Process};
use bucardo::pg::conninfo::{Parts, Resolved, resolve};
use bucardo::pg::{ConnInfo, Connection};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A user's home with real files; variables are a table.
struct Home {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

impl Home {
    fn new(variables: &[(&str, &str)]) -> Home {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Home { folder: tempfile::tempdir().unwrap(), variables }
    }

    fn file(&self, name: &str, text: &str, mode: u32) {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    fn resolve(&self, parts: &Parts) -> Resolved {
        resolve(parts, self).unwrap()
    }
}

impl Environment for Home {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }
    fn user(&self) -> Option<String> {
        Some("somebody".to_owned())
    }
    fn home(&self) -> Option<PathBuf> {
        Some(self.folder.path().to_owned())
    }
    fn exists(&self, path: &Path) -> bool {
        Process.exists(path)
    }
    fn mode(&self, path: &Path) -> io::Result<u32> {
        Process.mode(path)
    }
    fn read(&self, path: &Path) -> io::Result<String> {
        Process.read(path)
    }
}

/// A server that lets the role `app` in with the password `it's: me`.
fn server() -> Cluster {
    let cluster = with_hba(&["host all all 127.0.0.1/32 scram-sha-256"]);
    let role = "set password_encryption = 'scram-sha-256'; create role app login password 'it''s: me'";
    cluster.connect("postgres").batch_execute(role).unwrap();
    cluster
}

/// Who we are and what is set, in the words of the server.
fn session(info: &ConnInfo) -> String {
    let sql = "select current_user || ' ' || current_database() || ' ' || current_setting('geqo')";
    Connection::open(info).unwrap().query_one(sql, &[]).unwrap().get(0)
}

#[test]
fn a_service_and_a_password_file_are_all_one_needs() {
    let cluster = server();
    let home = Home::new(&[]);
    let service = format!("[shop]\nhost=127.0.0.1\nport={}\nuser=app\ndbname=postgres\noptions=-c geqo=off\n", cluster.port());
    home.file(".pg_service.conf", &service, 0o644);
    home.file(".pgpass", &format!("127.0.0.1:{}:postgres:app:it's\\: me\n", cluster.port()), 0o600);
    let by_name = Parts { service: Some("shop".to_owned()), ..Parts::default() };
    let in_text = Parts { dbconn: Some("service=shop".to_owned()), ..Parts::default() };
    for parts in [by_name, in_text] {
        assert_eq!(session(&home.resolve(&parts).info), "app postgres off");
    }
}

#[test]
fn the_environment_alone_will_do() {
    let cluster = server();
    let port = cluster.port().to_string();
    let variables = [("PGHOST", "127.0.0.1"), ("PGPORT", &port), ("PGUSER", "app"), ("PGDATABASE", "postgres")];
    let secret = [("PGPASSWORD", "it's: me"), ("PGOPTIONS", "-c geqo=off")];
    let home = Home::new(&[&variables[..], &secret[..]].concat());
    assert_eq!(session(&home.resolve(&Parts::default()).info), "app postgres off");
}

/// The reason why there is no connection.
fn reason(info: &ConnInfo) -> String {
    Connection::open(info).err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn how_we_prove_who_we_are_can_be_required_in_each_place() {
    let cluster = server();
    let port = cluster.port();
    let place = format!("host=127.0.0.1 port={port} user=app dbname=postgres password='it\\'s: me' sslmode=disable");
    let by_text = |more: &str| Parts { dbconn: Some(format!("{place} {more}")), ..Parts::default() };
    let services = "[md5]\nrequire_auth=md5\n[bound]\nchannel_binding=require\n";
    let wants = "the server asks for a proof by scram-sha-256, which require_auth=\"md5\" does not allow";
    for (parts, variables, words) in [
        (by_text("require_auth=md5"), &[][..], wants),
        (by_text("service=md5"), &[], wants),
        (by_text(""), &[("PGREQUIREAUTH", "md5")], wants),
        (by_text("require_auth=scram-sha-256"), &[("PGREQUIREAUTH", "md5")], ""),
        (by_text("channel_binding=require"), &[], "server did not use channel binding"),
        (by_text("service=bound"), &[], "server did not use channel binding"),
        (by_text(""), &[("PGCHANNELBINDING", "require")], "server did not use channel binding"),
        (by_text("channel_binding=disable"), &[("PGCHANNELBINDING", "require")], ""),
    ] {
        let home = Home::new(variables);
        home.file(".pg_service.conf", services, 0o644);
        let reason = reason(&home.resolve(&parts).info);
        assert!(reason.contains(words) && reason.is_empty() == words.is_empty(), "{words}: {reason}");
    }
}

#[test]
fn a_connection_string_with_blanks_and_quotes_reaches_the_server() {
    let cluster = server();
    let text = format!(r"host=127.0.0.1;port={};user = app password='it\'s: me' dbname=postgres", cluster.port());
    let parts = Parts { dbconn: Some(text), ..Parts::default() };
    assert_eq!(session(&Home::new(&[]).resolve(&parts).info), "app postgres on");
}

#[test]
fn a_password_file_that_others_can_read_is_not_used_and_one_hears_of_it() {
    let cluster = server();
    let home = Home::new(&[]);
    home.file(".pgpass", "*:*:*:*:it's\\: me\n", 0o640);
    let host = Some("127.0.0.1".to_owned());
    let (port, user) = (Some(cluster.port().to_string()), Some("app".to_owned()));
    let resolved = home.resolve(&Parts { host, port, user, dbname: Some("postgres".to_owned()), ..Parts::default() });
    assert!(resolved.warnings[0].contains("has group or world access"));
    let error = Connection::open(&resolved.info).err().unwrap();
    assert!(error.hint_text().unwrap().contains("mode 0600"));
}
