//! A server with a control database, and commands that know where it is.

use super::cluster::tail;
use super::{Cluster, Commands};
use bucardo::control::{access, schema};
use bucardo::pg::Connection;
use std::fs;
use std::ops::Deref;

/// A server whose database `bucardo` is a control database owned by the role `bucardo` (no
/// superuser) and closed to all others, and a home whose `.bucardorc` points there and keeps pid
/// files, stop file and logs in the folder. Methods of [`Commands`] are its own.
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
        control.batch(access::CLOSE).unwrap();
        let installed = Installed { commands, cluster };
        installed.configure();
        installed
    }

    /// Lets every role into the control database, as a database is that was just created.
    pub fn open_to_all(&self) {
        self.control().batch_execute("grant connect, temporary on database bucardo to public").unwrap();
    }

    /// Lets only roles in that the owner lets in, as `install` does.
    pub fn close(&self) {
        self.control().batch_execute(access::CLOSE).unwrap();
    }

    /// A session on the control database of a role that has no right there but to connect, if that
    /// is everybody's.
    pub fn stranger(&self) -> postgres::Client {
        self.try_stranger().unwrap()
    }

    /// The same, for where the database is closed.
    pub fn try_stranger(&self) -> Result<postgres::Client, postgres::Error> {
        let role = "do $$ begin if to_regrole('stranger') is null then create role stranger login; end if; end $$";
        self.cluster.connect("postgres").batch_execute(role).unwrap();
        self.cluster.try_connect("bucardo", "stranger")
    }

    /// A session on the control database as its owner.
    pub fn control(&self) -> postgres::Client {
        self.cluster.connect_as("bucardo", "bucardo")
    }

    /// A session that is noted as that of a daemon, of which no process is known.
    pub fn served(&self) -> postgres::Client {
        let mut session = self.control();
        let instance = include_str!("../../src/control/sql/own_instance.sql");
        let claim =
            include_str!("../../src/control/sql/record_presence.sql").replace("{instance}", instance.split_once('\n').unwrap().1);
        session.execute(&claim, &[&"host", &"elsewhere", &0_i32, &0_i64, &"/nowhere", &"elsewhere"]).unwrap();
        session
    }

    /// What the daemon has logged, but for what strangers made it say.
    pub fn log(&self) -> String {
        let lines = self.whole_log();
        lines.split_inclusive('\n').filter(|line| !line.contains("Not obeyed: NOTIFY")).collect()
    }

    /// What the daemon has logged.
    pub fn whole_log(&self) -> String {
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
