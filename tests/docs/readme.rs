//! README.md: its tour is run, and prints what it shows. With `BUCARDO_TEST_BLESS` set, what is
//! printed is written into it instead.

use super::blocks::{self, Block};
use super::steady::{backspaced, steady};
use crate::harness::{Cluster, Commands, wait_until};
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");

/// The folder as README shows it.
const FOLDER: &str = "/tmp/bucardo-demo.YwpP";

/// How long things may take to come to rest, and how long they are given when nobody knows yet what
/// that looks like.
const REST: Duration = Duration::from_secs(20);
const A_WHILE: Duration = Duration::from_secs(3);

/// The first version where what the tour does can be granted.
const OLDEST: u32 = 15;

/// Two servers as `scripts/demo --servers` makes them: with their sockets in `source` and `target`,
/// on the usual port.
struct Place {
    commands: Commands,
    _servers: [Cluster; 2],
}

impl Place {
    fn new(servers: [Cluster; 2]) -> Place {
        let commands = Commands::new();
        for (name, server) in ["source", "target"].iter().zip(&servers) {
            let folder = commands.home().join(name);
            std::fs::create_dir(&folder).unwrap();
            let socket = server.socket_dir().join(format!(".s.PGSQL.{}", server.port()));
            symlink(socket, folder.join(".s.PGSQL.5432")).unwrap();
        }
        symlink(commands.piddir(), commands.home().join("run")).unwrap();
        Place { commands, _servers: servers }
    }

    /// The exit code of a block, and what it prints on both outputs.
    fn run(&self, block: &Block) -> (i32, String) {
        let script = format!("exec 2>&1\n{}", block.commands);
        let outcome = self.commands.call("/bin/sh", &["-ec", &script]).run();
        (outcome.code(), outcome.stdout.replace(self.commands.home().to_str().unwrap(), FOLDER))
    }

    /// What a block prints when it succeeds. One that only looks is run until it prints what it
    /// should, at most for `patience`.
    fn rest(&self, block: &Block, patience: Duration) -> String {
        let end = Instant::now() + patience;
        wait_until("a block has been run", patience * 2, || {
            let (code, printed) = self.run(block);
            let is_last = !block.looks || Instant::now() > end;
            assert!(code == 0 || !is_last, "{code}: {}\n{printed}", block.commands);
            (is_last || code == 0 && steady(&printed) == steady(&block.shown)).then_some(printed)
        })
    }
}

/// What is longer is not read before the program is tried.
const MOST: usize = 15 * 1024;

#[test]
fn the_readme_is_short_and_what_it_names_exists() {
    let text = std::fs::read_to_string(README).unwrap();
    assert!(text.len() <= MOST, "{} bytes", text.len());
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let links = text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
    let folders = ["scripts/", "packaging/", "src/", "tests/"];
    let words = text.split([' ', '`', '\n', '(', ')', '[', ']']).map(|word| word.trim_end_matches(['.', ',', ':']));
    let named = words.filter(|word| folders.iter().any(|folder| word.starts_with(folder)));
    let all: Vec<&str> = links.chain(named).filter(|path| !path.starts_with("http")).collect();
    assert!(all.len() > 8, "{all:?}");
    for path in all {
        assert!(root.join(path).exists(), "{path}");
    }
    let prose: Vec<&str> = text.split("```").step_by(2).flat_map(str::lines).filter(|line| !line.starts_with('|')).collect();
    assert_eq!(prose.iter().find(|line| line.chars().count() > 100), None);
}

#[test]
fn the_tour_of_the_readme_is_true() {
    let servers = [Cluster::new(), Cluster::new()];
    if servers[0].major() < OLDEST {
        return;
    }
    let text = std::fs::read_to_string(README).unwrap();
    let place = Place::new(servers);
    let bless = std::env::var_os("BUCARDO_TEST_BLESS").is_some();
    let mut shown = Vec::new();
    for block in blocks::read(&text) {
        let printed = place.rest(&block, if bless { A_WHILE } else { REST });
        if !bless {
            assert_eq!(steady(&printed), steady(&block.shown), "after: {}", block.commands);
        }
        let on_screen = printed.lines().map(|line| backspaced(line) + "\n").collect::<String>();
        shown.extend(block.lines.map(|lines| (lines, on_screen)));
    }
    if bless {
        std::fs::write(README, blocks::replace(&text, &shown)).unwrap();
    }
}
