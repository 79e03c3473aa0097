//! Where and how to connect. A [`ConnInfo`] is the end of all looking-up: it names hosts, files and
//! settings and needs no environment any more, so that it can be handed to another process, which
//! then connects exactly as its parent would.

pub mod environment;
mod hosts;
mod keys;
mod name;
mod passfile;
mod require_auth;
mod resolve;
mod service;
mod text;
mod tls;
mod values;

use crate::pg::Secret;
pub use name::application_name;
pub use require_auth::{AuthMethod, RequireAuth};
pub use resolve::{Parts, Resolved, resolve};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
pub use tls::{ChannelBinding, Roots, SslMode, Tls, TlsVersion};

/// The seconds a server has to answer, unless `connect_timeout` says otherwise.
pub const CONNECT_TIMEOUT: u32 = 10;

/// Everything a connection needs. [`ConnInfo::default`] has the defaults that do not depend on the
/// machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnInfo {
    /// Host name, address, or socket directory (starts with a slash).
    pub host: String,
    /// Port.
    pub port: u16,
    /// Database.
    pub dbname: String,
    /// Role.
    pub user: String,
    /// Password, if one is known.
    pub password: Option<Secret>,
    /// What `pg_stat_activity` shows; [`application_name`] cuts it to what a server takes.
    pub application_name: String,
    /// The address to use for `host`, so that no name is looked up.
    pub hostaddr: Option<IpAddr>,
    /// Command-line options for the server process (`-c name=value`).
    pub options: String,
    /// Seconds within which a host must have let us in.
    pub connect_timeout: u32,
    /// What the session must be able to do.
    pub target_session_attrs: SessionAttrs,
    /// Whether SCRAM must be bound to the TLS channel.
    pub channel_binding: ChannelBinding,
    /// How a server may have us prove who we are.
    pub require_auth: RequireAuth,
    /// How a dead network is noticed.
    pub keepalive: Keepalive,
    /// Encryption and certificates.
    pub tls: Tls,
    /// Further servers, tried in this order when the first cannot be reached.
    pub fallbacks: Vec<Endpoint>,
}

/// One server of several.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Endpoint {
    /// As [`ConnInfo::host`].
    pub host: String,
    /// As [`ConnInfo::port`].
    pub port: u16,
    /// As [`ConnInfo::password`].
    pub password: Option<Secret>,
    /// As [`ConnInfo::hostaddr`].
    pub hostaddr: Option<IpAddr>,
}

/// TCP's own means against a peer that vanished. Zero leaves a value to the operating system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Keepalive {
    /// Whether an idle connection is probed at all.
    pub on: bool,
    /// Idle seconds before the first probe.
    pub idle: u32,
    /// Seconds between probes.
    pub interval: u32,
    /// Probes without answer that end the connection.
    pub count: u32,
    /// Milliseconds sent data may stay unacknowledged: what ends a connection in the middle of a
    /// statement.
    pub user_timeout: u32,
}

/// libpq's `target_session_attrs`, as far as the driver has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionAttrs {
    /// Any server.
    #[default]
    Any,
    /// Only a server that takes writes.
    ReadWrite,
    /// Only a server that does not.
    ReadOnly,
}

impl Default for ConnInfo {
    fn default() -> ConnInfo {
        ConnInfo {
            host: String::new(),
            port: 5432,
            dbname: String::new(),
            user: String::new(),
            password: None,
            application_name: String::new(),
            hostaddr: None,
            options: String::new(),
            connect_timeout: CONNECT_TIMEOUT,
            target_session_attrs: SessionAttrs::default(),
            channel_binding: ChannelBinding::default(),
            require_auth: RequireAuth::default(),
            keepalive: Keepalive::default(),
            tls: Tls::default(),
            fallbacks: Vec::new(),
        }
    }
}

/// A dead network ends an idle connection after a minute and a half and a busy one after a minute.
/// The operating system's defaults are two hours and a quarter of an hour.
impl Default for Keepalive {
    fn default() -> Keepalive {
        Keepalive { on: true, idle: 60, interval: 10, count: 3, user_timeout: 60_000 }
    }
}

impl ConnInfo {
    /// All servers, in the order in which they are tried.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        let (host, password) = (self.host.clone(), self.password.clone());
        let first = Endpoint { host, port: self.port, password, hostaddr: self.hostaddr };
        std::iter::once(first).chain(self.fallbacks.iter().cloned()).collect()
    }

    /// The same connection under another name in `pg_stat_activity`.
    pub fn named(&self, application_name: impl Into<String>) -> ConnInfo {
        ConnInfo { application_name: application_name.into(), ..self.clone() }
    }

    /// Where it goes, for people: `HOST:PORT`, or the path of the socket; several are separated by
    /// commas.
    pub fn place(&self) -> String {
        self.endpoints().iter().map(Endpoint::place).collect::<Vec<_>>().join(", ")
    }
}

impl Endpoint {
    /// Whether this is a socket in the file system.
    pub fn is_local(&self) -> bool {
        self.hostaddr.is_none() && self.host.starts_with('/')
    }

    /// `HOST:PORT`, or the path of the socket.
    pub fn place(&self) -> String {
        match self.is_local() {
            true => format!("{}/.s.PGSQL.{}", self.host, self.port),
            false if self.host.contains(':') => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_conninfo_survives_the_trip_to_a_child() {
        let second = Endpoint { host: "b".into(), port: 2, password: Some(Secret::new("two")), hostaddr: None };
        let root = Some(Roots::File("/r".into()));
        let tls = Tls { mode: SslMode::VerifyFull, root, key_password: Some(Secret::new("k")), ..Tls::default() };
        let info = ConnInfo {
            host: "a".into(),
            password: Some(Secret::new("one")),
            tls,
            fallbacks: vec![second],
            ..ConnInfo::default()
        };
        let text = toml::to_string(&info).unwrap();
        assert_eq!(toml::from_str::<ConnInfo>(&text).unwrap(), info);
        assert_eq!(toml::from_str::<ConnInfo>("").unwrap(), ConnInfo::default());
    }

    #[test]
    fn a_password_is_not_in_the_debug_text() {
        let info = ConnInfo { password: Some(Secret::new("hush")), ..ConnInfo::default() };
        assert!(!format!("{info:?}").contains("hush"));
    }

    #[test]
    fn a_place_is_what_one_would_type() {
        let at = |host: &str| ConnInfo { host: host.into(), ..ConnInfo::default() }.place();
        assert_eq!(at("db.example.org"), "db.example.org:5432");
        assert_eq!(at("::1"), "[::1]:5432");
        assert_eq!(at("/tmp"), "/tmp/.s.PGSQL.5432");
    }
}
