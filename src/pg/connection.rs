//! An open session.

use crate::error::{Error, Kind, Result};
use crate::pg::ConnInfo;
use crate::pg::conninfo::application_name;
use std::ops::{Deref, DerefMut};
use std::os::fd::RawFd;
use std::time::Duration;

/// An open session, the descriptor of its socket, and the server's version.
pub struct Connection {
    client: postgres::Client,
    fd: RawFd,
    version: u32,
}

impl Connection {
    /// Connects.
    pub fn open(info: &ConnInfo) -> Result<Connection> {
        let before = sockets();
        let mut config = postgres::Config::new();
        config.host(&info.host).port(info.port).dbname(&info.dbname).user(&info.user);
        config.application_name(&application_name(&info.application_name)).connect_timeout(Duration::from_secs(10));
        if let Some(password) = &info.password {
            config.password(password.reveal());
        }
        let mut client = config.connect(postgres::NoTls).map_err(|e| Error::new(Kind::Connect, e.to_string()))?;
        let fd = sockets().into_iter().find(|fd| !before.contains(fd)).unwrap_or(-1);
        let version: i32 = client.query_one("select pg_catalog.current_setting('server_version_num')::int", &[])?.get(0);
        Ok(Connection { client, fd, version: version.unsigned_abs() })
    }

    /// The socket, for [`crate::pg::wait`].
    pub fn fd(&self) -> RawFd {
        self.fd
    }

    /// The server's version as a number: 150004 is 15.4, 90624 was 9.6.24.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Runs statements, separated by semicolons, in one round trip and, unless they say otherwise, one transaction.
    pub fn batch(&mut self, sql: &str) -> Result<()> {
        Ok(self.client.batch_execute(sql)?)
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
