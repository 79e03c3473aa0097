//! Connection poolers: one that gives a connection another server session with each transaction is
//! refused by name. Without PgBouncer on the machine there is nothing to show.

use crate::daemon::world::{PATIENCE, World};
use crate::harness::wait_until;
use nix::unistd::User;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const PROGRAM: &str = "/usr/sbin/pgbouncer";

/// PgBouncer before the world's server.
struct Pooler {
    port: u16,
    process: Child,
}

impl Pooler {
    /// With these lines in its file; none where there is no PgBouncer.
    fn before(world: &World, lines: &str) -> Option<Pooler> {
        if !std::path::Path::new(PROGRAM).exists() {
            eprintln!("there is no PgBouncer");
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let file = world.installed.cluster.dir().join(format!("pgbouncer{port}.ini"));
        let to = world.installed.cluster.port();
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={to}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = any\nignore_startup_parameters = extra_float_digits,options\n{lines}\n"
        );
        // With this kind of authentication, everybody is who the database's entry says.
        let text = text.replace(&format!("port={to}"), &format!("port={to} user=postgres"));
        std::fs::write(&file, text).unwrap();
        let mut command = Command::new(PROGRAM);
        command.arg("-q").arg(&file).current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Ok(Some(user)) = User::from_name("postgres") {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        let process = command.spawn().unwrap();
        wait_until("the pooler listens", Duration::from_secs(20), || TcpStream::connect(("127.0.0.1", port)).ok().map(drop));
        Some(Pooler { port, process })
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const SHARED: [&str; 4] = [
    "pool_mode = transaction\ndefault_pool_size = 1",
    "pool_mode = transaction\ndefault_pool_size = 20",
    "pool_mode = transaction\ndefault_pool_size = 20\nmin_pool_size = 5\nserver_round_robin = 1",
    "pool_mode = statement\ndefault_pool_size = 3",
];

#[test]
fn a_pooler_that_shares_sessions_is_refused_when_it_is_added() {
    let world = World::with(&["A", "B"], &[]);
    for (number, lines) in SHARED.iter().enumerate() {
        let Some(pooler) = Pooler::before(&world, lines) else { return };
        for program in ["bucardo_ctl", "bucardo"] {
            let (name, port) = (format!("P{number}"), format!("port={}", pooler.port));
            let words = ["add", "db", &name, "dbname=a", "host=127.0.0.1", &port, "user=postgres"];
            let outcome = world.installed.call(program, &words).run();
            assert_ne!(outcome.code(), 0, "{program}, {lines}: {}{}", outcome.stdout, outcome.stderr);
            assert!(outcome.stderr.contains("pooler") && outcome.stderr.contains("pool_mode = session"), "{}", outcome.stderr);
            assert!(!world.says("list db").contains(&format!("{name} ")), "it was added");
        }
    }
}

#[test]
fn a_pooler_that_shares_sessions_is_refused_by_validate() {
    let world = World::with(&["A", "B"], &[]);
    let Some(pooler) = Pooler::before(&world, SHARED[0]) else { return };
    world.says("add sync s type=pushdelta source=h targetdb=B");
    world.says("validate s");
    let port = pooler.port.to_string();
    let sql = "update bucardo.db set dbhost = '127.0.0.1', dbport = $1 where name = 'B'";
    world.installed.control().execute(sql, &[&port]).unwrap();
    let outcome = world.run("validate s").ended_with(1);
    assert!(outcome.stderr.contains("\"B\"") && outcome.stderr.contains("pooler"), "{}", outcome.stderr);
}

/// What fails then may be anything; `status` tells what it comes from.
#[test]
fn a_pooler_that_came_to_share_sessions_is_named_by_status() {
    let world = World::with(&["A", "B"], &[]);
    let Some(pooler) = Pooler::before(&world, SHARED[2]) else { return };
    world.says("add sync s type=pushdelta source=h targetdb=B");
    let sql = "update bucardo.db set dbhost = '127.0.0.1', dbport = $1 where name = 'B'";
    world.installed.control().execute(sql, &[&pooler.port.to_string()]).unwrap();
    world.says("start");
    // Some rounds may get the same session each time.
    wait_until("status names the pooler", PATIENCE, || {
        world.at("A", "insert into t select coalesce(max(id), 0) + 1 from t");
        let told = world.says("status s");
        (told.contains("connection pooler") && told.contains("pool_mode = session")).then_some(())
    });
}

#[test]
fn a_pooler_in_session_mode_is_as_good_as_the_server() {
    let world = World::with(&["A", "B"], &[]);
    let Some(pooler) = Pooler::before(&world, "pool_mode = session\ndefault_pool_size = 20\nserver_reset_query = DISCARD ALL")
    else {
        return;
    };
    world.says(&format!("add db P dbname=b host=127.0.0.1 port={} user=postgres", pooler.port));
    world.run_sync("s", "targetdb=P");
    world.at("A", "insert into t values (1, 1)");
    world.says("kick s 0");
    assert_eq!(world.value("B", "select count(*) from t"), "1");
}
