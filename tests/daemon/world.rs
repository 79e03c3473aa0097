//! A control database, databases A, B, … with the same tables, and a daemon to look after.

#![allow(dead_code, reason = "a toolbox: not every tool is in use at every time")]
use crate::harness::{Cluster, Installed, Outcome, Proxy, wait_until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use postgres::Client;
use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

/// How long anything may take that is worth waiting for.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// What each database holds.
const TABLES: &str = "create table t (id integer primary key, counter integer not null default 0);
    create table u (id integer primary key, counter integer not null default 0);";

/// See the module's text. The control database is open to every role, so that each test shows that
/// a stranger can do nothing there.
pub struct World {
    /// The control database's server and the commands.
    pub installed: Installed,
    apart: BTreeMap<String, Cluster>,
}

impl World {
    /// The databases A, B and C beside the control database, tables t and u in herd h.
    pub fn new() -> World {
        World::with(&["A", "B", "C"], &[])
    }

    /// Databases beside the control database, and others that have a server each; the first of all
    /// is the source.
    pub fn with(beside: &[&str], apart: &[&str]) -> World {
        let servers = apart.iter().map(|name| ((*name).to_owned(), Cluster::new())).collect();
        let world = World { installed: Installed::new(), apart: servers };
        world.installed.open_to_all();
        for name in apart.iter().chain(beside) {
            world.add_db(name);
        }
        let source = apart.iter().chain(beside).next().unwrap();
        world.says(&format!("add table t u db={source} herd=h"));
        world
    }

    /// Another control database, which knows databases of this world by the same names and has the
    /// tables of the first one in herd h. Statements on the databases go through this world.
    pub fn neighbour(&self, names: &[&str]) -> World {
        self.neighbour_as("postgres", names)
    }

    /// The same, with this role on the databases.
    pub fn neighbour_as(&self, user: &str, names: &[&str]) -> World {
        let other = World { installed: Installed::new(), apart: BTreeMap::new() };
        for name in names {
            let cluster = self.server(name);
            let (host, port, dbname) = (cluster.socket_dir().display(), cluster.port(), name.to_lowercase());
            other.says(&format!("add db {name} dbname={dbname} host={host} port={port} user={user}"));
        }
        other.says(&format!("add table t u db={} herd=h", names[0]));
        other
    }

    fn add_db(&self, name: &str) {
        let (cluster, dbname) = (self.server(name), name.to_lowercase());
        cluster.create_database(&dbname);
        cluster.connect(&dbname).batch_execute(TABLES).unwrap();
        let (host, port) = (cluster.socket_dir().display(), cluster.port());
        self.says(&format!("add db {name} dbname={dbname} host={host} port={port} user=postgres"));
    }

    /// The server of a database.
    pub fn server(&self, name: &str) -> &Cluster {
        self.apart.get(name).unwrap_or(&self.installed.cluster)
    }

    /// The same, to be stopped and started. Only one that stands apart.
    pub fn server_mut(&mut self, name: &str) -> &mut Cluster {
        self.apart.get_mut(name).unwrap()
    }

    /// From the next connection on, this database is on another server; the old one is returned.
    pub fn replace_server(&mut self, name: &str, cluster: Cluster) -> Cluster {
        let (host, port) = (cluster.socket_dir().display().to_string(), cluster.port().to_string());
        let sql = "update bucardo.db set dbhost = $2, dbport = $3 where name = $1";
        self.installed.control().execute(sql, &[&name, &host, &port]).unwrap();
        self.apart.insert(name.to_owned(), cluster).unwrap()
    }

    /// From the next connection on, the daemon reaches this database through a link of its own.
    pub fn link(&self, name: &str) -> Proxy {
        let proxy = Proxy::new(self.server(name).port());
        let port = proxy.port().to_string();
        let sql = "update bucardo.db set dbhost = '127.0.0.1', dbport = $2 where name = $1";
        self.installed.control().execute(sql, &[&name, &port]).unwrap();
        proxy
    }

    /// A session on a database; `control` is the control database.
    pub fn db(&self, name: &str) -> Client {
        if name == "control" {
            return self.installed.control();
        }
        self.server(name).connect(&name.to_lowercase())
    }

    /// Runs statements on a database.
    pub fn at(&self, name: &str, sql: &str) {
        self.db(name).batch_execute(sql).unwrap();
    }

    /// One value of a database as text.
    pub fn value(&self, name: &str, sql: &str) -> String {
        let mut client = self.db(name);
        value(&mut client, sql)
    }

    /// Waits until a query gives this.
    pub fn becomes(&self, name: &str, sql: &str, expected: &str) {
        let mut client = self.db(name);
        wait_until(&format!("{sql} gives {expected} on {name}"), PATIENCE, || {
            (value(&mut client, sql) == expected).then_some(())
        });
    }

    /// Runs a command line, split at blanks. What it complains of does not tell that the control
    /// database is open.
    pub fn run(&self, line: &str) -> Outcome {
        let mut outcome = self.installed.ctl(&line.split(' ').collect::<Vec<_>>());
        let complains =
            |line: &str| line.starts_with("Warning: PUBLIC may connect") || line.contains("REVOKE CONNECT, TEMPORARY");
        outcome.stderr = outcome.stderr.split_inclusive('\n').filter(|line| !complains(line)).collect();
        outcome
    }

    /// Runs one that must succeed; what it printed. Where that starts a daemon, a stranger rings
    /// every bell, which has no effect on any test.
    pub fn says(&self, line: &str) -> String {
        let said = self.run(line).ok();
        if line.starts_with("start") {
            // Where a test has closed the control database, strangers stay outside.
            self.installed.try_stranger().into_iter().for_each(|mut stranger| self.ring(&mut stranger, "9223372036854775807"));
        }
        said
    }

    /// Sends what a session can send, on every channel there is, and stays a moment.
    pub fn ring(&self, session: &mut Client, payload: &str) {
        let mut control = self.installed.control();
        let rows = control.query(include_str!("channels.sql"), &[]).unwrap();
        let notify: String = rows.iter().map(|row| format!("notify {}, '{payload}';", row.get::<_, String>(0))).collect();
        session.batch_execute(&notify).unwrap();
        session.batch_execute("select pg_sleep(0.05)").unwrap();
    }

    /// Adds a pushdelta sync of herd h and, with a row, shows that it runs.
    pub fn run_sync(&self, name: &str, rest: &str) {
        self.says(&format!("add sync {name} type=pushdelta source=h {rest}"));
        self.says("start");
        self.says(&format!("kick {name} 0"));
    }

    /// Waits until a database holds the rows that the source holds now. Nobody may be writing.
    pub fn becomes_equal(&self, source: &str, target: &str) {
        for table in ["t", "u"] {
            let rows =
                format!("select count(*) || ' ' || coalesce(md5(string_agg(x::text, ',' order by id)), '') from {table} x");
            self.becomes(target, &rows, &self.value(source, &rows));
        }
    }

    /// Waits until no job is under way, and looks whether each that failed has its reason.
    pub fn becomes_quiet(&self) {
        self.becomes("control", "select count(*) from bucardo.q where ended is null", "0");
        let silent = "select count(*) from bucardo.q where aborted is not null and coalesce(whydie, '') = ''";
        assert_eq!(self.value("control", silent), "0", "jobs have failed without a reason");
    }

    /// The process in a pid file, `mcp`, `ctl.sync.s` or `kid.sync.s.B`, if there is one.
    pub fn pid_now(&self, file: &str) -> Option<i32> {
        let text = fs::read_to_string(self.installed.piddir().join(format!("bucardo.{file}.pid"))).ok()?;
        let pid = text.lines().next()?.parse().ok()?;
        lives(pid).then_some(pid)
    }

    /// The same, as soon as there is one.
    pub fn pid(&self, file: &str) -> i32 {
        wait_until(&format!("there is a {file}"), PATIENCE, || self.pid_now(file))
    }

    /// All processes of the daemon that have a pid file; the MCP is the first.
    pub fn pids(&self) -> Vec<i32> {
        let files = self.pid_files();
        let names = files.iter().rev().filter_map(|file| file.strip_prefix("bucardo.")?.strip_suffix(".pid"));
        names.filter_map(|file| self.pid_now(file)).collect()
    }

    /// The names of all pid files.
    pub fn pid_files(&self) -> Vec<String> {
        let files =
            fs::read_dir(self.installed.piddir()).unwrap().flatten().map(|entry| entry.file_name().into_string().unwrap());
        let mut files: Vec<String> = files.filter(|file| file != "fullstopbucardo").collect();
        files.sort();
        files
    }

    /// Sends a signal to the process in a pid file, and waits until that process is gone.
    pub fn end(&self, file: &str, signal: Signal) {
        let pid = self.pid(file);
        send(pid, signal);
        wait_until("the process is gone", PATIENCE, || (!lives(pid)).then_some(()));
    }

    /// Waits until the log has a line with this text.
    pub fn logs(&self, text: &str) {
        wait_until(&format!("the log says {text}"), PATIENCE, || self.installed.log().contains(text).then_some(()));
    }
}

/// One value as text.
pub fn value(client: &mut Client, sql: &str) -> String {
    let row = client.query_one(&format!("select ({sql})::text"), &[]).unwrap();
    row.get::<_, Option<String>>(0).unwrap_or_else(|| "NULL".to_owned())
}

/// Sends a signal; to a process that is gone, none.
pub fn send(pid: i32, signal: Signal) {
    let _ = kill(Pid::from_raw(pid), signal);
}

/// Waits until these processes are gone.
pub fn gone(pids: &[i32]) {
    wait_until("the processes are gone", PATIENCE, || pids.iter().all(|pid| !lives(*pid)).then_some(()));
}

/// Asks the daemon to stop, and demands that these processes are gone in less than two seconds.
pub fn within_two_seconds(pids: &[i32], ask: impl FnOnce()) {
    let asked = Instant::now();
    ask();
    gone(pids);
    assert!(asked.elapsed() < Duration::from_secs(2), "the stop took {:?}", asked.elapsed());
}

/// Whether a process runs: is there, and no corpse.
pub fn lives(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(' ') && !rest.starts_with(" Z"))
}
