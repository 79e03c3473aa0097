//! A connection, and waiting on several of them at once.

use crate::error::{Error, Kind, Result};
use crate::pg::Secret;
use std::ops::{Deref, DerefMut};
use std::os::fd::RawFd;
use std::time::Duration;

/// Where and how to connect, completely resolved: nothing is looked up any more.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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
    /// What `pg_stat_activity` shows.
    pub application_name: String,
}

/// An open session and the descriptor of its socket.
pub struct Connection {
    client: postgres::Client,
    fd: RawFd,
}

impl Connection {
    /// Connects.
    pub fn open(info: &ConnInfo) -> Result<Connection> {
        let before = sockets();
        let mut config = postgres::Config::new();
        config.host(&info.host).port(info.port).dbname(&info.dbname).user(&info.user);
        config.application_name(&info.application_name).connect_timeout(Duration::from_secs(10));
        if let Some(password) = &info.password {
            config.password(password.reveal());
        }
        let client = config.connect(postgres::NoTls).map_err(|e| Error::new(Kind::Connect, e.to_string()))?;
        let fd = sockets().into_iter().find(|fd| !before.contains(fd)).unwrap_or(-1);
        Ok(Connection { client, fd })
    }

    /// The socket, for `poll`.
    pub fn fd(&self) -> RawFd {
        self.fd
    }
}

fn sockets() -> Vec<RawFd> {
    let Ok(dir) = std::fs::read_dir("/proc/self/fd") else { return Vec::new() };
    dir.flatten()
        .filter(|e| std::fs::read_link(e.path()).is_ok_and(|to| to.to_string_lossy().starts_with("socket:")))
        .filter_map(|e| e.file_name().to_str()?.parse().ok())
        .collect()
}

impl Deref for Connection {
    type Target = postgres::Client;
    fn deref(&self) -> &postgres::Client {
        &self.client
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut postgres::Client {
        &mut self.client
    }
}
