//! A private PostgreSQL server.

use super::folder::Folder;
use super::{server, template, wait_until};
use bucardo::pg::ConnInfo;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use postgres::{Client, NoTls};
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// More than any server here ever needs.
const PATIENCE: Duration = Duration::from_secs(60);
/// A server whose clock is not the machine's may hang when a signal comes just as it asks for the
/// time.
const HUNG: Duration = Duration::from_secs(20);

/// A server of its own: superuser `postgres`, trust for everybody, a socket in
/// [`Cluster::socket_dir`] and a port on 127.0.0.1, `fsync` off. It ends when dropped.
pub struct Cluster {
    bin: PathBuf,
    server: Option<Child>,
    port: u16,
    folder: Folder,
}

impl Cluster {
    /// A running server with default settings.
    pub fn new() -> Cluster {
        Cluster::with(&[])
    }

    /// A running server with lines of `postgresql.conf`, such as `wal_level = logical`.
    pub fn with(settings: &[&str]) -> Cluster {
        Cluster::of(&server::bin(), settings)
    }

    /// The same with the server in `bin`, one of [`Cluster::other_servers`].
    pub fn of(bin: &Path, settings: &[&str]) -> Cluster {
        let folder = Folder::new("bct");
        server::give(folder.path());
        template::copy_to(bin, &folder.path().join("data"));
        let mut cluster = Cluster { bin: bin.to_owned(), server: None, port: 0, folder };
        cluster.configure(settings);
        cluster.start_somewhere();
        cluster
    }

    /// Where servers of other major versions than the default one are, oldest first.
    pub fn other_servers() -> Vec<PathBuf> {
        server::others()
    }

    /// Appends lines to `postgresql.conf`; they count from the next start on.
    pub fn configure(&self, settings: &[&str]) {
        let mut file = File::options().append(true).open(self.data().join("postgresql.conf")).unwrap();
        writeln!(file, "{}", settings.join("\n")).unwrap();
    }

    /// Starts a stopped server, on the same port.
    pub fn start(&mut self) {
        assert!(self.try_start(), "the server does not start:\n{}", self.log());
    }

    /// Stops it as an administrator would: sessions are ended, the data is written out.
    pub fn stop(&mut self) {
        self.end(Signal::SIGINT);
    }

    /// Lets it die as in a crash: the next start recovers. (SIGQUIT, not SIGKILL, which would leave
    /// shared memory behind.)
    pub fn kill(&mut self) {
        self.end(Signal::SIGQUIT);
    }

    /// A copy of its files: what a backup holds. It is stopped.
    pub fn files(&self) -> Folder {
        assert!(self.server.is_none(), "files of a running server are no backup");
        let folder = Folder::new("bct");
        server::give(folder.path());
        template::copy(&self.data(), &folder.path().join("data"));
        folder
    }

    /// Puts the files of a backup in the place of its own. It is stopped.
    pub fn put_back(&self, files: &Folder) {
        assert!(self.server.is_none(), "the files of a running server cannot be replaced");
        std::fs::remove_dir_all(self.data()).unwrap();
        template::copy(&files.path().join("data"), &self.data());
    }

    /// A standby that streams from it. For that, it is stopped and started again.
    pub fn standby(&mut self) -> Cluster {
        self.stop();
        let mut standby = Cluster { bin: self.bin.clone(), server: None, port: 0, folder: self.files() };
        self.start();
        let primary = format!("host={} port={} user=postgres", self.socket_dir().display(), self.port);
        let line = format!("primary_conninfo = '{primary}'");
        match self.major() {
            ..12 => standby.give("recovery.conf", &format!("standby_mode = on\n{line}\n")),
            _ => {
                standby.give("standby.signal", "");
                standby.configure(&[&line]);
            }
        }
        standby.start_somewhere();
        standby
    }

    /// Waits until a standby has everything that this server has written.
    pub fn reaches(&self, standby: &Cluster) {
        let here: String = self.connect("postgres").query_one("select pg_current_wal_insert_lsn()::text", &[]).unwrap().get(0);
        let mut there = standby.connect("postgres");
        let sql = "select pg_last_wal_replay_lsn() >= $1::text::pg_lsn";
        wait_until("the standby has everything", PATIENCE, || {
            there.query_one(sql, &[&here]).unwrap().get::<_, bool>(0).then_some(())
        });
    }

    /// Makes a standby a server of its own.
    pub fn promote(&self) {
        let mut promote = self.program("pg_ctl");
        promote.arg("promote").arg("-D").arg(self.data()).current_dir("/");
        let done = promote.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let mut there = self.connect("postgres");
        wait_until("the standby is promoted", PATIENCE, || {
            (!there.query_one("select pg_is_in_recovery()", &[]).unwrap().get::<_, bool>(0)).then_some(())
        });
    }

    /// Puts it through pg_upgrade, to a new data directory of the same version.
    pub fn upgrade(&mut self) {
        self.stop();
        let (old, new) = (self.dir().join("old"), self.dir().join("new"));
        std::fs::rename(self.data(), &old).unwrap();
        template::initdb(&self.bin, &new);
        std::fs::copy(old.join("postgresql.conf"), new.join("postgresql.conf")).unwrap();
        let work = self.dir().join("work");
        std::fs::create_dir(&work).unwrap();
        server::give(&work);
        let mut upgrade = self.program("pg_upgrade");
        upgrade.args(["-U", "postgres", "-b"]).arg(&self.bin).arg("-B").arg(&self.bin).arg("-d").arg(&old).arg("-D").arg(&new);
        let done = upgrade.arg("-s").arg(&work).current_dir(&work).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
        std::fs::rename(new, self.data()).unwrap();
        self.start();
    }

    /// A program of this server's version, if that has it, to be run as the server's user.
    pub fn program(&self, name: &str) -> std::process::Command {
        server::program(&self.bin, name)
    }

    /// Whether this server came with a program; those that are fetched have hardly any.
    pub fn has_program(&self, name: &str) -> bool {
        self.bin.join(name).exists()
    }

    fn give(&self, name: &str, text: &str) {
        let file = self.data().join(name);
        std::fs::write(&file, text).unwrap();
        server::give(&file);
    }

    /// Sets its clock so many seconds ahead of the machine's, or behind it, where that is possible:
    /// where the library libfaketime is installed (Debian's package faketime). The first time, it
    /// is started anew.
    pub fn set_clock(&mut self, ahead: i64) -> bool {
        if clock_library().is_none() {
            return false;
        }
        let first = !self.clock().exists();
        std::fs::write(self.clock(), format!("{ahead:+}")).unwrap();
        if first {
            server::give(&self.clock());
            self.stop();
            self.start();
        }
        true
    }

    fn clock(&self) -> PathBuf {
        self.dir().join("clock")
    }

    /// Creates a database.
    pub fn create_database(&self, name: &str) {
        let name = bucardo::pg::Ident::new(name);
        self.connect("postgres").batch_execute(&format!("create database {name}")).unwrap();
    }

    /// A session of the superuser.
    pub fn connect(&self, db: &str) -> Client {
        self.connect_as(db, "postgres")
    }

    /// A session of `user`.
    pub fn connect_as(&self, db: &str, user: &str) -> Client {
        self.try_connect(db, user).unwrap_or_else(|e| panic!("no connection to {db} as {user}: {e}\n{}", self.log()))
    }

    /// The same, for where it may fail.
    pub fn try_connect(&self, db: &str, user: &str) -> Result<Client, postgres::Error> {
        let mut config = postgres::Config::new();
        config.host_path(self.socket_dir()).port(self.port).dbname(db).user(user).application_name("test");
        config.connect(NoTls)
    }

    /// How our own code connects, through the socket.
    pub fn conninfo(&self, db: &str, user: &str) -> ConnInfo {
        let host = self.socket_dir().to_str().unwrap().to_owned();
        let (dbname, user) = (db.to_owned(), user.to_owned());
        ConnInfo { host, port: self.port, dbname, user, application_name: "test".to_owned(), ..ConnInfo::default() }
    }

    /// The server's folder: `data`, `server.log`, the socket.
    pub fn dir(&self) -> &Path {
        self.folder.path()
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.dir().join("data")
    }

    /// The port, of the socket and on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of the socket: a `host` that starts with a slash.
    pub fn socket_dir(&self) -> &Path {
        self.dir()
    }

    /// The major version, such as 15.
    pub fn major(&self) -> u32 {
        let number: String = self.connect("postgres").query_one("show server_version_num", &[]).unwrap().get(0);
        number.parse::<u32>().unwrap() / 10000
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.dir().join("server.log")).unwrap_or_default()).into_owned()
    }

    /// A port is free only until somebody takes it: try a few.
    fn start_somewhere(&mut self) {
        for _ in 0..10 {
            self.port = free_port();
            if self.try_start() {
                return;
            }
        }
        panic!("the server does not start on any port:\n{}", self.log());
    }

    fn try_start(&mut self) -> bool {
        let log = File::options().create(true).append(true).open(self.dir().join("server.log")).unwrap();
        let mut postgres = server::program(&self.bin, "postgres");
        postgres.arg("-D").arg(self.data()).arg("-k").arg(self.socket_dir()).arg("-p").arg(self.port.to_string());
        postgres.current_dir("/").stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        if let Some(library) = clock_library().filter(|_| self.clock().exists()) {
            postgres.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", self.clock()).env("FAKETIME_CACHE_DURATION", "1");
            postgres.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("FAKETIME_DISABLE_SHM", "1").env("NO_FAKE_STAT", "1");
        }
        let mut child = postgres.spawn().unwrap();
        let up = wait_until("the server answers or gives up", PATIENCE, || match child.try_wait().unwrap() {
            Some(_) => Some(false),
            None => self.try_connect("postgres", "postgres").is_ok().then_some(true),
        });
        self.server = Some(child).filter(|_| up);
        up
    }

    fn end(&mut self, signal: Signal) {
        let mut server = self.server.take().expect("the server is not running");
        kill(Pid::from_raw(server.id().try_into().unwrap()), signal).unwrap();
        let asked = Instant::now();
        wait_until("the server has stopped", PATIENCE, || {
            if asked.elapsed() > HUNG && self.clock().exists() {
                self.processes().for_each(|pid| kill(pid, Signal::SIGKILL).unwrap_or_default());
            }
            server.try_wait().unwrap()
        });
    }

    /// All processes of the server.
    fn processes(&self) -> impl Iterator<Item = Pid> {
        let (data, all) = (self.data(), std::fs::read_dir("/proc").unwrap().flatten());
        let ours = all.filter(move |process| std::fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd == data));
        ours.filter_map(|process| process.file_name().to_str()?.parse().ok().map(Pid::from_raw))
    }
}

/// The guard ends the server; here its exit is only collected.
impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- end of {}/server.log\n{}", self.dir().display(), tail(&self.log(), 20));
        }
        if self.server.is_some() {
            self.kill();
        }
    }
}

/// With it, a program's time is what a file says.
fn clock_library() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
    folders.map(|folder| folder.join("faketime/libfaketime.so.1")).find(|library| library.exists())
}

/// The last `lines` of `text`.
pub fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// Below the range from which the kernel takes ports for outgoing connections, so that a stopped
/// server finds its own again.
fn free_port() -> u16 {
    let start = RandomState::new().hash_one(std::process::id());
    let mut candidates = (0..12_000).map(|step| 20_000 + u16::try_from(start.wrapping_add(step) % 12_000).unwrap());
    candidates.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a free port")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_goes_by_the_clock_that_it_is_given() {
        let mut cluster = Cluster::new();
        if !cluster.set_clock(-3600) {
            return eprintln!("there is no libfaketime: clocks are not stepped");
        }
        let ahead = |cluster: &Cluster| -> f64 {
            let here = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
            let sql = "select extract(epoch from clock_timestamp())::float8";
            cluster.connect("postgres").query_one(sql, &[]).unwrap().get::<_, f64>(0) - here
        };
        assert!((ahead(&cluster) + 3600.0).abs() < 60.0, "{}", ahead(&cluster));
        cluster.set_clock(600);
        wait_until("the clock goes ahead", PATIENCE, || ((ahead(&cluster) - 600.0).abs() < 60.0).then_some(()));
    }

    #[test]
    fn a_server_survives_stop_and_crash_and_is_gone_when_dropped() {
        let mut cluster = Cluster::with(&["wal_level = logical"]);
        cluster.create_database("Some \"Shop");
        cluster.connect("Some \"Shop").batch_execute("create table t as select 1 as a").unwrap();
        let before = (cluster.port(), cluster.dir().to_owned());
        for end in [Cluster::stop, Cluster::kill] {
            end(&mut cluster);
            assert!(cluster.try_connect("postgres", "postgres").is_err());
            cluster.start();
        }
        let row = cluster.connect("Some \"Shop").query_one("select a, current_setting('wal_level') from t", &[]).unwrap();
        assert_eq!((row.get(0), row.get(1)), (1, "logical"));
        assert_eq!(before, (cluster.port(), cluster.dir().to_owned()));
        drop(cluster);
        assert!(!before.1.exists());
    }
}
