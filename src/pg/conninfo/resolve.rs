//! From what was said about a database to a complete [`ConnInfo`]. What is not said is looked up as libpq does: what was
//! given singly comes before the connection string, that before the service file, that before the environment, that before
//! the defaults.

use super::environment::{Environment, Process};
use super::keys::Settings;
use super::passfile::{self, Wanted};
use super::{ChannelBinding, ConnInfo, Endpoint, Keepalive, Roots, SessionAttrs, SslMode, Tls, TlsVersion, hosts, service, text};
use crate::error::{Error, Kind, Result};
use crate::pg::Secret;
use std::path::PathBuf;

/// What is said about a database, in the words of the command and of the table `db`. Empty is as good as nothing.
/// Not printable: `dbconn` may hold a password.
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

/// The password that was given is for all servers; only without one is the password file asked, for each server.
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

/// One of the words a key takes.
fn choice<T: Copy>(settings: &Settings, key: &str, values: &[(&str, T)]) -> Result<Option<T>> {
    let Some(value) = settings.get(key) else { return Ok(None) };
    let found = values.iter().find(|(name, _)| *name == value).map(|(_, meaning)| Some(*meaning));
    let names: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
    found.ok_or_else(|| invalid(key, value).hint(format!("it can be {}", names.join(", "))))
}

/// A number; one below zero is as good as zero, as in libpq.
fn number(settings: &Settings, key: &str) -> Result<Option<u32>> {
    let Some(value) = settings.get(key) else { return Ok(None) };
    let number = value.trim().parse::<i32>().map_err(|_| invalid(key, value).hint("it must be a whole number"))?;
    Ok(Some(u32::try_from(number).unwrap_or(0)))
}

fn invalid(key: &str, value: &str) -> Error {
    Error::new(Kind::Refused, format!("invalid value \"{value}\" for the connection option \"{key}\""))
}

fn keepalive(settings: &Settings) -> Result<Keepalive> {
    let default = Keepalive::default();
    Ok(Keepalive {
        on: number(settings, "keepalives")?.map_or(default.on, |on| on != 0),
        idle: number(settings, "keepalives_idle")?.unwrap_or(default.idle),
        interval: number(settings, "keepalives_interval")?.unwrap_or(default.interval),
        count: number(settings, "keepalives_count")?.unwrap_or(default.count),
        user_timeout: number(settings, "tcp_user_timeout")?.unwrap_or(default.user_timeout),
    })
}

fn tls(settings: &Settings, env: &impl Environment) -> Result<Tls> {
    let usual = |name: &str| env.home().map(|home| home.join(".postgresql").join(name));
    let file = |key, name| settings.get(key).map(PathBuf::from).or_else(|| usual(name));
    let root = match settings.get("sslrootcert") {
        Some("system") => Some(Roots::System),
        _ => file("sslrootcert", "root.crt").map(Roots::File),
    };
    Ok(Tls {
        mode: ssl_mode(settings, root.as_ref())?,
        root,
        cert: file("sslcert", "postgresql.crt"),
        key: file("sslkey", "postgresql.key"),
        key_password: settings.get("sslpassword").map(Secret::new),
        sni: number(settings, "sslsni")? != Some(0),
        oldest: choice(settings, "ssl_min_protocol_version", TLS_VERSIONS)?.unwrap_or_default(),
    })
}

/// Everybody can have a certificate that the system trusts: only with the name of the host does it prove anything.
fn ssl_mode(settings: &Settings, root: Option<&Roots>) -> Result<SslMode> {
    match (choice(settings, "sslmode", SSL_MODES)?, root) {
        (None, Some(Roots::System)) => Ok(SslMode::VerifyFull),
        (Some(mode), Some(Roots::System)) if mode != SslMode::VerifyFull => {
            Err(Error::new(Kind::Refused, "sslrootcert=system proves nothing with this sslmode").hint("use sslmode=verify-full"))
        }
        (mode, _) => Ok(mode.unwrap_or_default()),
    }
}

const SSL_MODES: &[(&str, SslMode)] = &[
    ("disable", SslMode::Disable),
    ("allow", SslMode::Allow),
    ("prefer", SslMode::Prefer),
    ("require", SslMode::Require),
    ("verify-ca", SslMode::VerifyCa),
    ("verify-full", SslMode::VerifyFull),
];

const TLS_VERSIONS: &[(&str, TlsVersion)] =
    &[("TLSv1", TlsVersion::V1_0), ("TLSv1.1", TlsVersion::V1_1), ("TLSv1.2", TlsVersion::V1_2), ("TLSv1.3", TlsVersion::V1_3)];

const SESSION_ATTRS: &[(&str, SessionAttrs)] =
    &[("any", SessionAttrs::Any), ("read-write", SessionAttrs::ReadWrite), ("read-only", SessionAttrs::ReadOnly)];

const CHANNEL_BINDING: &[(&str, ChannelBinding)] =
    &[("disable", ChannelBinding::Disable), ("prefer", ChannelBinding::Prefer), ("require", ChannelBinding::Require)];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::super::environment::fake::Fake;
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
    fn every_setting_arrives() {
        let info = bare(
            "host=h hostaddr=192.0.2.1 user=u dbname=d password=p options='-c geqo=off' connect_timeout=7 channel_binding=require \
             target_session_attrs=read-write keepalives=0 keepalives_idle=1 keepalives_interval=2 keepalives_count=3 \
             tcp_user_timeout=4 sslmode=verify-ca sslrootcert=/r sslcert=/c sslkey=/k sslpassword=s sslsni=0 \
             ssl_min_protocol_version=TLSv1.3 fallback_application_name=f",
        );
        let tls = Tls {
            mode: SslMode::VerifyCa,
            root: Some(Roots::File("/r".into())),
            cert: Some("/c".into()),
            key: Some("/k".into()),
            key_password: Some(Secret::new("s")),
            sni: false,
            oldest: TlsVersion::V1_3,
        };
        let expected = ConnInfo {
            host: "h".into(),
            port: 5432,
            dbname: "d".into(),
            user: "u".into(),
            password: Some(Secret::new("p")),
            application_name: "f".into(),
            hostaddr: Some([192, 0, 2, 1].into()),
            options: "-c geqo=off".into(),
            connect_timeout: 7,
            target_session_attrs: SessionAttrs::ReadWrite,
            channel_binding: ChannelBinding::Require,
            keepalive: Keepalive { on: false, idle: 1, interval: 2, count: 3, user_timeout: 4 },
            tls,
            fallbacks: Vec::new(),
        };
        assert_eq!(info.unwrap(), expected);
    }

    #[test]
    fn a_value_that_means_nothing_is_refused_by_name() {
        for (dbconn, name) in [
            ("sslmode=verify", "sslmode"),
            ("sslmode=REQUIRE", "sslmode"),
            ("ssl_min_protocol_version=1.2", "ssl_min_protocol_version"),
            ("target_session_attrs=primary", "target_session_attrs"),
            ("channel_binding=yes", "channel_binding"),
            ("connect_timeout=soon", "connect_timeout"),
            ("keepalives=on", "keepalives"),
            ("tcp_user_timeout=1s", "tcp_user_timeout"),
            ("sslsni=x", "sslsni"),
            ("sslcrl=/f", "sslcrl"),
            ("requirepeer=postgres", "requirepeer"),
            ("sslnegotiation=direct", "sslnegotiation"),
            ("sslrootcert=system sslmode=require", "sslrootcert=system"),
            ("nonsense=1", "nonsense"),
            ("port=x", "\"x\" is not a port"),
            ("hostaddr=name", "\"name\" is not an address"),
        ] {
            let error = bare(dbconn).unwrap_err();
            assert_eq!(error.kind(), Kind::Refused, "{dbconn}");
            assert!(error.message().contains(name) && error.hint_text().is_some(), "{dbconn}: {error}");
        }
    }

    #[test]
    fn no_timeout_and_no_certificate_authority_of_one_s_own_have_their_meaning() {
        for never in ["connect_timeout=0", "connect_timeout=-1", ""] {
            assert_eq!(bare(never).unwrap().connect_timeout, super::super::CONNECT_TIMEOUT);
        }
        let info = bare("sslrootcert=system").unwrap();
        assert_eq!((info.tls.root, info.tls.mode), (Some(Roots::System), SslMode::VerifyFull));
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
