//! A server with a control database, and commands that know where it is.

use super::cluster::tail;
use super::{Cluster, Commands};
use bucardo::control::schema;
use bucardo::pg::Connection;
use std::fs;
use std::ops::Deref;

/// A server whose database `bucardo` is a control database owned by the role `bucardo` (no superuser), and a home whose
/// `.bucardorc` points there and keeps pid files, stop file and logs in the folder. Methods of [`Commands`] are its own.
pub struct Installed {
    commands: Commands,
    /// The server.
    pub cluster: Cluster,
}

impl Installed {
    /// On a new server.
    pub fn new() -> Installed {
        Installed::on(Cluster::new())
    }

    /// On this server.
    pub fn on(cluster: Cluster) -> Installed {
        let commands = Commands::new();
        let mut admin = cluster.connect("postgres");
        admin.batch_execute("create role bucardo login").unwrap();
        admin.batch_execute("create database bucardo owner bucardo").unwrap();
        let mut control = Connection::open(&cluster.conninfo("bucardo", "bucardo")).unwrap();
        schema::install(&mut control).unwrap();
        let installed = Installed { commands, cluster };
        installed.configure();
        installed
    }

    /// A session on the control database as its owner.
    pub fn control(&self) -> postgres::Client {
        self.cluster.connect_as("bucardo", "bucardo")
    }

    /// What the daemon has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.logdir().join("log.bucardo")).unwrap_or_default()
    }

    fn configure(&self) {
        let (host, port) = (self.cluster.socket_dir().display(), self.cluster.port());
        let rc = format!("dbhost={host}\ndbport={port}\ndebugdir={}\ndebugsyslog=0\n", self.logdir().display());
        fs::write(self.home().join(".bucardorc"), rc).unwrap();
        let piddir = self.piddir();
        let update = "update bucardo.bucardo_config set value = $1 where setting = 'piddir'";
        self.control().execute(update, &[&piddir.to_str().unwrap()]).unwrap();
    }
}

impl Deref for Installed {
    type Target = Commands;
    fn deref(&self) -> &Commands {
        &self.commands
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- end of log.bucardo\n{}", tail(&self.log(), 40));
        }
    }
}
