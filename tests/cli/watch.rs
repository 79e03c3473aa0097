//! `status --watch`: what a terminal shows of many syncs, what becomes of it when the server
//! restarts, and how it ends.

use crate::cli::prepared::prepared;
use crate::harness::{Installed, wait_until};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// A terminal with `status --watch` on it.
struct Terminal {
    terminal: File,
    child: Child,
    shown: String,
}

impl Terminal {
    fn with(installed: &Installed, lines: u16, columns: u16, words: &[&str]) -> Terminal {
        let size = Winsize { ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let pair = openpty(Some(&size), None).unwrap();
        let side = || File::from(pair.slave.try_clone().unwrap());
        let mut command = Command::new(installed.dir().join("bin/bucardo_ctl"));
        command.args(words).current_dir(installed.home()).env_clear().env("HOME", installed.home());
        command.env("PATH", "/usr/bin:/bin").env("TERM", "xterm").stdin(side()).stdout(side()).stderr(side());
        Terminal { terminal: File::from(pair.master), child: command.spawn().unwrap(), shown: String::new() }
    }

    fn read(&mut self) {
        let mut ready = [PollFd::new(self.terminal.as_fd(), PollFlags::POLLIN)];
        if poll(&mut ready, PollTimeout::from(100_u16)).unwrap() > 0 {
            let mut bytes = [0; 65_536];
            let read = self.terminal.read(&mut bytes).unwrap_or(0); // a terminal without program is an error
            self.shown += &String::from_utf8_lossy(&bytes[..read]);
        }
    }

    /// The next whole picture of which this is so, as lines without colours.
    fn picture(&mut self, what: &str, is_so: impl Fn(&[String]) -> bool) -> Vec<String> {
        self.shown.clear();
        wait_until(what, PATIENCE, || {
            self.read();
            let (_, after) = self.shown.split_once("\u{1b}[H")?;
            let (picture, rest) = after.split_once("\u{1b}[J")?;
            let lines: Vec<String> = picture.split_inclusive("\r\n").map(plain).collect();
            self.shown = rest.to_owned();
            is_so(&lines).then_some(lines)
        })
    }

    fn interrupt(&mut self) -> Option<i32> {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
        let code = wait_until("it ends", PATIENCE, || self.child.try_wait().unwrap()).code();
        self.read();
        code
    }
}

/// A line without colours; that it is whole is part of the demand.
fn plain(line: &str) -> String {
    let whole = line.strip_suffix("\u{1b}[K\r\n").unwrap_or_else(|| panic!("no whole line: {line:?}"));
    let mut parts = whole.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').map_or("", |(_, behind)| behind))
}

/// Forty syncs, of which the last two fail.
fn many() -> Installed {
    let installed = prepared();
    installed
        .control()
        .batch_execute(
            "insert into bucardo.herd (name) select 'h' || i from generate_series(10, 45) i;
             insert into bucardo.sync (name, source, targetdb, synctype) select 's' || i, 'h' || i, 'B', 'pushdelta' from generate_series(10, 45) i;
             insert into bucardo.q (sync, sourcedb, targetdb, ppid, synctype, cdate, started, ended, aborted, whydie, retry_at)
             select 's' || i, 'A', 'B', 1, 'pushdelta', now(), now(), now(), now(), 'died', now() from generate_series(44, 45) i",
        )
        .unwrap();
    installed
}

#[test]
fn a_terminal_shows_the_bad_ones_first_and_counts_the_rest() {
    let installed = many();
    let _daemon = installed.served();
    let mut terminal = Terminal::with(&installed, 12, 40, &["status", "--watch"]);
    let lines = terminal.picture("the table is there", |lines| lines.iter().any(|line| line.starts_with("Name")));
    assert!(lines.len() <= 11 && lines.iter().all(|line| line.chars().count() <= 40), "{lines:#?}");
    let rule = lines.iter().position(|line| line.starts_with("===")).unwrap();
    assert!(lines[rule + 1].starts_with("s44") && lines[rule + 2].starts_with("s45"), "{lines:#?}");
    let rows = lines.len() - rule - 3;
    assert_eq!(lines[rule + 1 + rows], format!("and {} more good", 40 - rows));
    assert_eq!(lines.last().unwrap(), "2 of 40 bad: 2 stalled");
    let mut tall = Terminal::with(&installed, 60, 200, &["status", "--watch"]);
    let lines = tall.picture("the table is there", |lines| lines.iter().any(|line| line.starts_with("Name")));
    assert!(lines.iter().filter(|line| line.contains("| P   |") || line.contains("| F   |")).count() == 40, "{lines:#?}");
}

/// What is known stays in sight, with the time since when it is not known any more.
#[test]
fn a_server_that_restarts_is_waited_for() {
    let mut installed = prepared();
    let mut terminal = Terminal::with(&installed, 24, 120, &["status", "--watch"]);
    let has_table = |lines: &[String]| lines.iter().any(|line| line.starts_with("orders| P   |"));
    terminal.picture("the table is there", |lines| has_table(lines) && !lines[0].starts_with("No connection"));
    installed.cluster.stop();
    let away = terminal.picture("it says so", |lines| lines[0].starts_with("No connection since "));
    assert!(has_table(&away), "{away:#?}");
    let sentence = terminal.picture("and why", |lines| lines[0].contains("could not connect to database"));
    assert!(sentence[0].chars().count() <= 120 && has_table(&sentence), "{sentence:#?}");
    installed.cluster.start();
    terminal.picture("it goes on", |lines| has_table(lines) && !lines[0].starts_with("No connection"));
    assert_eq!(terminal.interrupt(), Some(130));
}

#[test]
fn ctrl_c_ends_it_behind_a_whole_line() {
    let installed = prepared();
    let mut terminal = Terminal::with(&installed, 24, 120, &["status", "--watch"]);
    terminal.picture("the table is there", |lines| lines.iter().any(|line| line.starts_with("Name")));
    assert_eq!(terminal.interrupt(), Some(130));
    let end = terminal.shown;
    assert!(end.ends_with("\r\n") && !end.contains("Interrupted") && !end.contains("HINT"), "{end:?}");
    let running = installed.call("bucardo_ctl", &["status", "--watch"]).start();
    wait_until("two tables are there", PATIENCE, || (running.stdout().matches("Days back").count() > 1).then_some(()));
    kill(Pid::from_raw(running.child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    let outcome = running.wait().ended_with(130);
    assert!(outcome.stdout.ends_with("\n\n") && outcome.stderr.is_empty(), "{}{}", outcome.stdout, outcome.stderr);
    assert_eq!(outcome.stdout.matches("Days back").count(), outcome.stdout.matches("\norders|").count());
}

#[test]
fn it_ends_when_nobody_reads_it_any_more() {
    let installed = prepared();
    let mut command = Command::new(installed.dir().join("bin/bucardo_ctl"));
    command.args(["status", "--watch"]).current_dir(installed.home()).env_clear().env("HOME", installed.home());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut reader = child.stdout.take().unwrap();
    reader.read_exact(&mut [0; 20]).unwrap();
    drop(reader);
    let status = wait_until("it ends", PATIENCE, || child.try_wait().unwrap());
    assert_eq!(status.code(), Some(0));
}

#[test]
fn what_was_typed_wrong_ends_it_and_so_does_a_sync_that_is_gone() {
    let installed = prepared();
    let outcome = installed.ctl(&["status", "nosuch", "--watch"]);
    assert!(outcome.code() != 0 && outcome.stderr.contains("No such sync: nosuch"), "{}", outcome.stderr);
    let running = installed.call("bucardo_ctl", &["status", "orders", "--watch"]).start();
    wait_until("it shows the sync", PATIENCE, || running.stdout().contains("Sync name:            orders").then_some(()));
    installed.control().batch_execute("delete from bucardo.sync where name = 'orders'").unwrap();
    let outcome = running.wait();
    assert!(outcome.code() != 0 && outcome.stderr.contains("No such sync: orders"), "{}", outcome.stderr);
}
