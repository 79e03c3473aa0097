//! From what was said about a database to a complete [`ConnInfo`]. What is not said is looked up as
//! libpq does: what was given singly comes before the connection string, that before the service
//! file, that before the environment, that before the defaults.

use super::environment::{Environment, Process};
use super::keys::Settings;
use super::passfile::{self, Wanted};
use super::values::{CHANNEL_BINDING, SESSION_ATTRS, choice, keepalive, number, tls};
use super::{ConnInfo, Endpoint, RequireAuth, hosts, service, text};
use crate::error::{Error, Kind, Result};
use crate::pg::Secret;
use std::path::PathBuf;

/// What is said about a database, in the words of the command and of the table `db`. Empty is as
/// good as nothing. Not printable: `dbconn` may hold a password.
#[derive(Clone, Default)]
pub struct Parts {
    /// Host name, address or socket directory; also a list.
    pub host: Option<String>,
    /// Port; also a list.
    pub port: Option<String>,
    /// Database.
    pub dbname: Option<String>,
    /// Role.
    pub user: Option<String>,
    /// Password.
    pub password: Option<Secret>,
    /// A connection string.
    pub dbconn: Option<String>,
    /// A name in the service file.
    pub service: Option<String>,
    /// A password file to use in place of `~/.pgpass`.
    pub passfile: Option<String>,
    /// What `pg_stat_activity` shows.
    pub application_name: Option<String>,
}

/// A complete [`ConnInfo`], and what the user should hear about the way to it.
pub struct Resolved {
    /// How to connect.
    pub info: ConnInfo,
    /// Sentences: a password file that was not used.
    pub warnings: Vec<String>,
}

impl Parts {
    /// Looks up the rest in the environment of this process. Warnings go to the log.
    pub fn resolve(&self) -> Result<ConnInfo> {
        let resolved = resolve(self, &Process)?;
        resolved.warnings.iter().for_each(|warning| log::warn!("{warning}"));
        Ok(resolved.info)
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        for (key, value) in [
            ("host", &self.host),
            ("port", &self.port),
            ("dbname", &self.dbname),
            ("user", &self.user),
            ("password", &self.password.as_ref().map(|password| password.reveal().to_owned())),
            ("service", &self.service),
            ("passfile", &self.passfile),
            ("application_name", &self.application_name),
        ] {
            let known = settings.set(key, value.as_deref().unwrap_or_default());
            debug_assert!(known);
        }
        settings
    }
}

/// Looks up the rest in `env`.
pub fn resolve(parts: &Parts, env: &impl Environment) -> Result<Resolved> {
    let settings = layers(parts, env)?;
    settings.check()?;
    let text = |key| settings.get(key).map(str::to_owned);
    let user = text("user").or_else(|| env.user());
    let user = user.ok_or_else(|| Error::new(Kind::Refused, "no user is given, and the one we run as has no name"))?;
    let mut info = ConnInfo {
        dbname: text("dbname").unwrap_or_else(|| user.clone()),
        user,
        application_name: text("application_name").or_else(|| text("fallback_application_name")).unwrap_or_default(),
        options: text("options").unwrap_or_default(),
        connect_timeout: number(&settings, "connect_timeout")?.filter(|seconds| *seconds > 0).unwrap_or(super::CONNECT_TIMEOUT),
        target_session_attrs: choice(&settings, "target_session_attrs", SESSION_ATTRS)?.unwrap_or_default(),
        channel_binding: choice(&settings, "channel_binding", CHANNEL_BINDING)?.unwrap_or_default(),
        require_auth: RequireAuth::from_settings(&settings)?,
        keepalive: keepalive(&settings)?,
        tls: tls(&settings, env)?,
        ..ConnInfo::default()
    };
    let warnings = servers(&mut info, &settings, env)?;
    Ok(Resolved { info, warnings })
}

fn layers(parts: &Parts, env: &impl Environment) -> Result<Settings> {
    let said = parts.settings().or(text::parse(parts.dbconn.as_deref().unwrap_or_default())?);
    let environment = Settings::from_variables(|name| env.variable(name));
    let service = match said.get("service").or(environment.get("service")) {
        Some(name) => service::load(name, env)?,
        None => Settings::default(),
    };
    Ok(said.or(service).or(environment))
}

/// Puts the servers into `info`, each with its password.
fn servers(info: &mut ConnInfo, settings: &Settings, env: &impl Environment) -> Result<Vec<String>> {
    let list = |key| settings.get(key).unwrap_or_default();
    let mut servers = hosts::endpoints(list("host"), list("hostaddr"), list("port"), env)?;
    let warning = give_passwords(&mut servers, info, settings, env);
    let mut servers = servers.into_iter();
    if let Some(first) = servers.next() {
        (info.host, info.port, info.password, info.hostaddr) = (first.host, first.port, first.password, first.hostaddr);
    }
    info.fallbacks = servers.collect();
    Ok(warning.into_iter().collect())
}

/// The password that was given is for all servers; only without one is the password file asked, for
/// each server.
fn give_passwords(servers: &mut [Endpoint], info: &ConnInfo, settings: &Settings, env: &impl Environment) -> Option<String> {
    if let Some(password) = settings.get("password") {
        servers.iter_mut().for_each(|server| server.password = Some(Secret::new(password)));
        return None;
    }
    let named = settings.get("passfile").map(PathBuf::from);
    let path = named.or_else(|| Some(env.home()?.join(".pgpass")))?;
    let (file, warning) = passfile::read(&path, env);
    let file = file.unwrap_or_default();
    for server in servers {
        let wanted = Wanted { host: &server.host, port: server.port, dbname: &info.dbname, user: &info.user };
        server.password = passfile::find(&file, wanted).filter(|password| !password.is_empty()).map(Secret::new);
    }
    warning
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::super::environment::fake::Fake;
    use super::super::{Roots, SslMode, Tls};
    use super::*;

    fn text(value: &str) -> Option<String> {
        Some(value.to_owned())
    }

    fn with(dbconn: &str) -> Parts {
        Parts { dbconn: text(dbconn), ..Parts::default() }
    }

    fn bare(dbconn: &str) -> Result<ConnInfo> {
        resolve(&with(dbconn), &Fake::default()).map(|resolved| resolved.info)
    }

    fn password(info: &ConnInfo) -> Option<&str> {
        info.password.as_ref().map(Secret::reveal)
    }

    /// All five sources at once.
    fn machine() -> Fake {
        let variables = [
            ("PGHOST", "env"),
            ("PGPORT", "4"),
            ("PGUSER", "env"),
            ("PGDATABASE", "env"),
            ("PGSSLMODE", "require"),
            ("PGAPPNAME", "env"),
            ("PGPASSWORD", "env"),
        ];
        let service = "[s]\nhost=service\nport=3\nuser=service\ndbname=service\nsslmode=allow\n[env]\nport=33\n";
        let files = [("/home/osuser/.pg_service.conf", (0, service))];
        Fake { variables: variables.into_iter().collect(), files: files.into_iter().collect() }
    }

    #[test]
    fn what_is_nearer_wins() {
        let env = machine();
        let said = Parts { host: text("said"), password: Some(Secret::new("said")), ..with("host=conn port=2 service=s") };
        let info = resolve(&said, &env).unwrap().info;
        assert_eq!((&*info.host, info.port, &*info.user, &*info.dbname), ("said", 2, "service", "service"));
        assert_eq!((info.tls.mode, &*info.application_name, password(&info)), (SslMode::Allow, "env", Some("said")));
    }

    #[test]
    fn a_service_may_be_named_in_each_way() {
        let mut env = machine();
        let port = |parts: &Parts, env: &Fake| resolve(parts, env).unwrap().info.port;
        assert_eq!(port(&Parts::default(), &env), 4);
        assert_eq!(port(&with("service=s"), &env), 3);
        assert_eq!(port(&Parts { service: text("s"), ..with("service=env") }, &env), 3);
        env.variables.insert("PGSERVICE", "env");
        assert_eq!(port(&Parts::default(), &env), 33);
        assert_eq!(port(&with("service=s"), &env), 3);
        let missing = resolve(&with("service=missing"), &env).err().unwrap();
        assert_eq!((missing.kind(), missing.message()), (Kind::NotFound, "definition of service \"missing\" not found"));
    }

    #[test]
    fn on_a_bare_machine_it_is_the_local_server_and_ourselves() {
        let info = bare("").unwrap();
        assert_eq!((&*info.host, info.port, &*info.user, &*info.dbname), ("/tmp", 5432, "osuser", "osuser"));
        let tls = Tls {
            root: Some(Roots::File("/home/osuser/.postgresql/root.crt".into())),
            crl: Some("/home/osuser/.postgresql/root.crl".into()),
            cert: Some("/home/osuser/.postgresql/postgresql.crt".into()),
            key: Some("/home/osuser/.postgresql/postgresql.key".into()),
            ..Tls::default()
        };
        let expected =
            ConnInfo { host: info.host.clone(), user: "osuser".into(), dbname: "osuser".into(), tls, ..ConnInfo::default() };
        assert_eq!(info, expected);
        assert_eq!(bare("user=u").unwrap().dbname, "u");
    }

    #[test]
    fn each_server_gets_its_own_password_from_the_file() {
        let file = "a:1:d:u:one\nb:*:d:u:two\nlocalhost:*:d:u:local\n/sockets:*:d:u:private\n";
        let found = |dbconn: &str| {
            let files = [("/home/osuser/.pgpass", (0o100_600, file))].into_iter().collect();
            let info = resolve(&with(&format!("dbname=d user=u {dbconn}")), &Fake { files, ..Fake::default() }).unwrap().info;
            let servers = info.endpoints().into_iter();
            servers.map(|to| to.password.map_or("-".to_owned(), |p| p.reveal().to_owned())).collect::<Vec<_>>().join(" ")
        };
        for (dbconn, passwords) in [
            ("host=a port=1", "one"),
            ("host=a port=2", "-"),
            ("host=a,b,c port=1", "one two -"),
            ("host=localhost", "local"),
            ("", "local"),
            ("host=/var/run/postgresql", "local"),
            ("host=/sockets", "private"),
            ("host=/elsewhere", "-"),
            ("host=a port=1 password=given", "given"),
        ] {
            assert_eq!(found(dbconn), passwords, "{dbconn}");
        }
    }

    #[test]
    fn the_password_file_may_be_named_and_an_open_one_is_told_of() {
        let files = [("/named", (0o100_600, "*:*:*:*:named")), ("/open", (0o100_644, "*:*:*:*:open"))];
        let env = Fake { files: files.into_iter().collect(), variables: [("PGPASSFILE", "/open")].into_iter().collect() };
        let named = resolve(&Parts { passfile: text("/named"), ..with("passfile=/open") }, &env).unwrap();
        assert_eq!((password(&named.info), named.warnings.len()), (Some("named"), 0));
        let open = resolve(&Parts::default(), &env).unwrap();
        assert_eq!(password(&open.info), None);
        assert!(open.warnings[0].contains("\"/open\" has group or world access"));
    }
}
