//! Scripts that people have around the program (reference, section 9), whole, each to its end: an
//! expect session on the menu of install, a tutorial of the older program, a crontab, a watchdog on
//! pid files, and parsers of `list dbs` and `status`.

use crate::cli::fake_daemon::FakeDaemon;
use crate::cli::prepared::prepared;
use crate::daemon::world::World;
use crate::harness::{Cluster, Commands, wait_until};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::openpty;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command, Output};
use std::time::Duration;

/// A program at a terminal, and somebody who types when it asks.
struct Session {
    terminal: File,
    child: Child,
    shown: String,
}

impl Session {
    fn spawn(commands: &Commands, words: &[&str]) -> Session {
        let pair = openpty(None, None).unwrap();
        let side = || File::from(pair.slave.try_clone().unwrap());
        let mut command = Command::new(commands.dir().join("bin").join(words[0]));
        command.args(&words[1..]).current_dir(commands.home()).env_clear().env("HOME", commands.home());
        command.env("PATH", "/usr/bin:/bin").stdin(side()).stdout(side()).stderr(side());
        Session { terminal: File::from(pair.master), child: command.spawn().unwrap(), shown: String::new() }
    }

    /// Waits until the program has shown `text` since the last time; forgets what was shown before.
    fn expect(&mut self, text: &str) {
        wait_until(&format!("it shows {text}"), Duration::from_secs(30), || {
            let at = self.shown.find(text);
            self.shown.drain(..at.map_or(0, |at| at + text.len()));
            at.or_else(|| {
                self.read();
                None
            })
        });
    }

    fn read(&mut self) {
        let mut ready = [PollFd::new(self.terminal.as_fd(), PollFlags::POLLIN)];
        if poll(&mut ready, PollTimeout::from(100_u16)).unwrap() > 0 {
            let mut bytes = [0; 4096];
            let read = self.terminal.read(&mut bytes).unwrap_or(0); // a terminal without program is an error
            self.shown += &String::from_utf8_lossy(&bytes[..read]);
        }
    }

    fn send(&mut self, line: &str) {
        writeln!(self.terminal, "{line}").unwrap();
    }

    fn ended(mut self) -> Option<i32> {
        wait_until("the program has ended", Duration::from_secs(30), || self.child.try_wait().unwrap()).code()
    }
}

#[test]
fn an_expect_session_walks_through_the_menu() {
    let (cluster, commands) = (Cluster::new(), Commands::new());
    let mut session = Session::spawn(&commands, &["bucardo_ctl", "install"]);
    session.expect("Enter a number to change it, P to proceed, or Q to quit: ");
    session.send("1");
    session.expect("Change the host to: ");
    session.send(&cluster.socket_dir().display().to_string());
    session.expect("Changed host to: ");
    session.expect("P to proceed");
    session.send(&format!("2 {}", cluster.port()));
    session.expect(&format!("Changed port to: {}", cluster.port()));
    session.expect("P to proceed");
    session.send("x");
    session.expect("-->Please enter Q to quit, P to proceed, or enter a number to change a setting");
    session.expect("P to proceed");
    session.send(&format!("5 {}", commands.piddir().display()));
    session.expect("Changed PID dir to: ");
    session.expect("P to proceed");
    session.send("P");
    session.expect("Postgres version is: ");
    session.expect("Database creation is complete");
    session.expect("Installation is now complete.");
    assert_eq!(session.ended(), Some(0));

    let port = format!("--dbport={}", cluster.port());
    let (host, piddir) = (cluster.socket_dir(), format!("--piddir={}", commands.piddir().display()));
    let mut again = Session::spawn(&commands, &["bucardo_ctl", "install", "--dbhost", host.to_str().unwrap(), &port, &piddir]);
    again.expect("P to proceed");
    again.send("P");
    again.expect("INSTALLATION FAILED! Looks like you already have Bucardo installed there.");
    assert_ne!(again.ended(), Some(0));
    let mut quitter = Session::spawn(&commands, &["bucardo", "install", &port]);
    quitter.expect("Q to quit: ");
    quitter.send("q");
    quitter.expect("Goodbye!");
    assert_eq!(quitter.ended(), Some(255));
}

/// Runs a script where the program is on PATH, with the server's whereabouts in variables.
fn script(commands: &Commands, cluster: &Cluster, shell: &str, text: &str) -> Output {
    let mut command = Command::new(shell);
    command.args(["-c", text]).current_dir(commands.home()).env_clear().env("HOME", commands.home());
    command.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", commands.dir().join("bin").display()));
    command.env("DIR", cluster.socket_dir()).env("PORT", cluster.port().to_string()).env("RUN", commands.piddir());
    command.env("LOG", commands.logdir()).env("BUCARDO_TEST_HOME", commands.dir());
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What the script printed; it must have succeeded.
fn said(done: &Output) -> String {
    assert!(done.status.success(), "{}{}", text(&done.stdout), text(&done.stderr));
    text(&done.stdout)
}

/// The lines that were taught for 4.x, with a server's address for a machine's name.
const TUTORIAL: &str = r#"
set -eu
printf 'dbhost=%s\ndbport=%s\ndebugdir=%s\ndebugsyslog=0\n' "$DIR" "$PORT" "$LOG" > .bucardorc
{ echo P; echo P; } | bucardo_ctl install --dbuser=postgres --piddir="$RUN" > install.out
bucardo_ctl add db mstest name=master host="$DIR" port="$PORT" user=postgres
bucardo_ctl add database sltest name=slave host="$DIR" port="$PORT" user=postgres
bucardo_ctl add all tables db=master
bucardo_ctl add all sequences db=master
bucardo_ctl list tables
bucardo_ctl list db | grep -c 'Status: active'
bucardo_ctl add herd all_users public.users public.users_id_seq
bucardo_ctl add sync pushdelta_users source=all_users targetdb=slave type=pushdelta
bucardo_ctl update sync pushdelta_users onetimecopy=2
bucardo_ctl update sync pushdelta_users ping=false checktime=15
bucardo_ctl validate pushdelta_users
bucardo_ctl start 'first lesson' > start.out
bucardo_ctl reload pushdelta_users
psql -q -h "$DIR" -p "$PORT" -U postgres mstest -c "insert into users (name) values ('Ada'), ('Blaise')"
bucardo_ctl --notimer kick pushdelta_users 0 | sed 's/([0-9]*s)//'
psql -At -h "$DIR" -p "$PORT" -U postgres sltest -c "select string_agg(name, ' ' order by id) from users"
bucardo_ctl status | grep -c 'PID of Bucardo MCP: [0-9]'
bucardo_ctl status pushdelta_users | sed -n 's/^Ins.Upd.Del: *//p'
bucardo_ctl show all > show.out || true
bucardo_ctl stop > stop.out
while [ -e "$RUN/bucardo.mcp.pid" ]; do sleep 0.1; done
"#;

#[test]
fn a_tutorial_of_the_older_program_runs_to_its_end() {
    let (cluster, commands) = (Cluster::new(), Commands::new());
    for name in ["mstest", "sltest"] {
        cluster.create_database(name);
        cluster.connect(name).batch_execute("create table users (id serial primary key, name text)").unwrap();
    }
    cluster.connect("mstest").batch_execute("insert into users (name) values ('Grace')").unwrap();
    let lines = said(&script(&commands, &cluster, "sh", TUTORIAL));
    let expected = "Added database \"master\"\nAdded database \"slave\"\nNew tables added: 1\nAlready added: 0\nNew sequences added: 1
Already added: 0\nTable: public.users  DB: master  PK: id (int4)\n2\nAdded herd \"all_users\"
Table \"public.users\" has been added to the herd \"all_users\"
Sequence \"public.users_id_seq\" has been added to the herd \"all_users\"\nAdded sync \"pushdelta_users\"
Changes made to sync \"pushdelta_users\":\n * onetimecopy : changed from \"0\" to \"2\"
Changes made to sync \"pushdelta_users\":\n * ping        : changed from \"t\" to \"false\"\n * checktime   : changed from (null) to \"15\"
Validating sync pushdelta_users...DONE!\nReloading sync pushdelta_users...DONE!\nKick pushdelta_users: slave DONE!\nGrace Ada Blaise\n1\n";
    assert!(lines.starts_with(expected), "{lines}");
    assert!(lines.trim_end().ends_with(" / 0 / 0"), "{lines}");
}

/// What cron runs, with its poor environment.
const CRON: &str = "cd $HOME; bucardo_ctl --quiet kick orders 0 > out 2> err; echo $? $(wc -c < out) $(wc -c < err)";

#[test]
fn a_crontab_hears_nothing_when_all_is_well_and_a_code_when_not() {
    let installed = prepared();
    let answer = |channel: &'static str| {
        FakeDaemon::new(&installed, "bucardo_kick_sync_orders", move |client, _| {
            let job = crate::cli::fake_daemon::job(client, "orders", "B");
            if channel.contains("kill") {
                client.execute("update bucardo.q set aborted = ended where id = $1", &[&job]).unwrap();
            }
            crate::cli::fake_daemon::tell(client, channel, job);
        })
    };
    let run = |line: &str| said(&script(&installed, &installed.cluster, "sh", line));
    let well = answer("bucardo_syncdone_orders");
    assert_eq!(run(CRON), "0 0 0\n");
    drop(well);
    let killed = answer("bucardo_synckill_orders");
    assert_eq!(run(CRON).split(' ').take(2).collect::<Vec<_>>(), ["2", "0"]);
    drop(killed);
    let silent = FakeDaemon::silent(&installed);
    assert_eq!(run(&CRON.replace("orders 0", "orders 1")).split(' ').take(2).collect::<Vec<_>>(), ["1", "0"]);
    assert!(run("cat $HOME/err").starts_with("Timed out!\n"));
    drop(silent);
    // Without a daemon it hears so at once.
    assert_eq!(run(&CRON.replace("orders 0", "orders 1")).split(' ').take(2).collect::<Vec<_>>(), ["1", "0"]);
    assert_eq!(run(CRON).split(' ').take(2).collect::<Vec<_>>(), ["2", "0"]);
    // The crontab of an older release: two syncs, no wait, an option that is long gone.
    assert_ne!(run("bucardo_ctl kick orders grp --ctlquiet 2> err > out; echo $?"), "0\n");
    assert_eq!(
        run("bucardo_ctl kick orders grp --quiet; bucardo_ctl kick asleep 0 --quiet || true"),
        "Cannot kick inactive sync \"asleep\"\n"
    );
}

/// A process is missing: everything is stopped, waited for and started. The second round finds
/// nothing to do.
const WATCHDOG: &str = r#"
set -u
check() {
    for file in "$RUN"/bucardo.mcp.pid "$RUN"/bucardo.ctl.sync.s.pid "$RUN"/bucardo.kid.sync.s.*.pid; do
        [ -e "$file" ] && kill -0 "$(head -1 "$file")" 2>/dev/null || return 1
    done
}
for round in 1 2; do
    if check; then echo "round $round: all is well"; continue; fi
    echo "round $round: restarting"
    bucardo_ctl stop 'the watchdog' > stop.out
    while [ -e "$RUN/bucardo.mcp.pid" ]; do sleep 0.1; done
    rm -f "$RUN/fullstopbucardo"
    bucardo_ctl start 'the watchdog' > start.out
    for wait in $(seq 300); do check && break; sleep 0.1; done
done
"#;

#[test]
fn a_watchdog_on_pid_files_restarts_what_is_gone() {
    let world = World::new();
    world.says("add sync s source=h targetdb=B type=pushdelta");
    world.says("start");
    wait_until("a worker runs", Duration::from_secs(30), || world.pid_now("kid.sync.s.B"));
    let watch = || said(&script(&world.installed, &world.installed.cluster, "bash", WATCHDOG));
    assert_eq!(watch(), "round 1: all is well\nround 2: all is well\n");
    // A file without its process, as after a crash of the machine.
    world.says("stop");
    wait_until("it is gone", Duration::from_secs(20), || world.pid_now("mcp").is_none().then_some(()));
    std::fs::write(world.installed.piddir().join("bucardo.ctl.sync.s.pid"), "999999\n").unwrap();
    assert_eq!(watch(), "round 1: restarting\nround 2: all is well\n");
    let history = std::fs::read_to_string(world.installed.home().join("bucardo.restart.reason.log.log")).unwrap();
    assert!(history.contains(" | stop | the watchdog\n") && history.contains(" | start | the watchdog\n"), "{history}");
    world.says("stop");
    wait_until("it is gone", Duration::from_secs(20), || world.pid_now("mcp").is_none().then_some(()));
}

/// What monitors do with the output of both programs.
const PARSERS: &str = r#"
set -euo pipefail
for program in bucardo_ctl bucardo; do
    $program list dbs | sed -n 's/^Database: \([^ ]*\) *Status: \([^ ]*\) .*psql .*-d \([^ ]*\).*/\1 \2 \3/p'
    $program list syncs | grep -o '^Sync:* "*[a-z]*' | tr -d '":' | cut -d' ' -f2 | paste -sd' '
done
# A monitor of the newer program: when was the last good run, and how is it now?
field() { bucardo status orders | sed -n "s/^$1 *: //p"; }
last=$(date -d "$(field 'Last good' | sed 's/ (time.*//; s/,//')" +%s)
[ $(($(date +%s) - last)) -lt 3600 ] && echo fresh
field 'Current state'; field Status; field Onetimecopy; field 'Tables in sync'; field 'Rows deleted\/inserted'
bucardo status | awk '$1 == "orders" { print $3 }'
# One of the older.
bucardo_ctl status orders | awk -F': +' '/^(Status|Tables in sync|Ins.Upd.Del|Target database)/ { print $2 }'
bucardo_ctl status | awk -F'|' '$1 ~ /^orders/ { print $3 "," $7 }' | tr -d ' '
"#;

#[test]
fn parsers_of_lists_and_of_status_find_what_they_look_for() {
    let installed = prepared();
    let run = "insert into bucardo.q (sync, targetdb, ppid, synctype, cdate, started, ended, inserts, updates, deletes)
        values ('orders', 'B', 1, 'pushdelta', now(), now() - interval '2 s', now(), 1234, 0, 5);
        update bucardo.db set status = 'inactive' where name = 'c'";
    installed.control().batch_execute(run).unwrap();
    let _daemon = installed.served();
    let dbs = "A active A\nB active B\nc inactive c\nd active d\nasleep copies grp orders\n";
    let newer = "fresh\nGood\nActive\nNo\n1\n5 / 1,234\nGood\n";
    let older = "B\n1\n1234 / 0 / 5\nactive\nidle,1234/0/5\n";
    assert_eq!(said(&script(&installed, &installed.cluster, "bash", PARSERS)), format!("{dbs}{dbs}{newer}{older}"));
}
