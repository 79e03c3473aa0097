//! Imports go down only: cli → daemon → replicate → control → notice and pg → error and other small
//! files. Within `replicate`, the rooms stand above one another, too. Within the daemon, the
//! processes import nothing of each other but what `process` has for all of them.

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms of `src`, the lowest first; what stands in one line knows nothing of the others in it.
const LEVELS: [&[&str]; 6] =
    [&["error", "plain", "files", "contained"], &["notice", "pg"], &["control"], &["replicate"], &["daemon"], &["cli"]];

fn level(room: &str) -> Option<usize> {
    LEVELS.iter().position(|rooms| rooms.contains(&room))
}

/// All files of Rust below a folder.
pub fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => all.extend(sources(&path)),
            false => all.extend(path.extension().is_some_and(|ending| ending == "rs").then_some(path)),
        }
    }
    all
}

/// What a file names of this crate, as `room::next`, without what is said in comments.
fn named(text: &str) -> Vec<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let words = |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':')).collect::<String>();
    code.split("crate::").skip(1).map(words).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

#[test]
fn no_import_goes_up() {
    let mut seen = 0;
    for path in sources(&root()) {
        let place = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        let room = place.split(['/', '.']).next().unwrap_or_default();
        let Some(own) = level(room) else { continue };
        for name in named(&fs::read_to_string(&path).unwrap()) {
            let other = name.split("::").next().unwrap_or_default();
            seen += usize::from(level(other).is_some());
            assert!(level(other).is_none_or(|other| other <= own), "{place} imports crate::{name}");
        }
    }
    assert!(seen > 500, "{seen} imports were seen");
}

/// The rooms of `replicate`, the lowest first.
const REPLICATE: [&[&str]; 10] = [
    &["snapshot", "notes", "ids"],
    &["catalog"],
    &["own_schema"],
    &["identity"],
    &["capture"],
    &["plan"],
    &["session"],
    &["copy"],
    &["round"],
    &["sync"],
];

#[test]
fn no_import_goes_up_within_replicate() {
    let level = |room: &str| REPLICATE.iter().position(|rooms| rooms.contains(&room));
    let folder = root().join("replicate");
    let mut seen = 0;
    for path in sources(&folder) {
        let place = path.strip_prefix(&folder).unwrap().to_string_lossy().into_owned();
        let Some(own) = level(place.split(['/', '.']).next().unwrap_or_default()) else { continue };
        for name in named(&fs::read_to_string(&path).unwrap()) {
            let Some(other) =
                name.strip_prefix("replicate::").and_then(|rest| level(rest.split("::").next().unwrap_or_default()))
            else {
                continue;
            };
            seen += 1;
            assert!(other <= own, "{place} imports crate::{name}");
        }
    }
    assert!(seen > 100, "{seen} imports were seen");
}

#[test]
fn the_processes_of_the_daemon_know_nothing_of_each_other() {
    let processes = ["mcp", "ctl", "kid", "oneshot"];
    for path in sources(&root().join("daemon")) {
        let place = path.strip_prefix(root().join("daemon")).unwrap().to_string_lossy().into_owned();
        let room = place.split(['/', '.']).next().unwrap_or_default().to_owned();
        if room == "entry" || room == "mod" {
            continue;
        }
        for name in named(&fs::read_to_string(&path).unwrap()) {
            let Some(inside) = name.strip_prefix("daemon::") else { continue };
            let other = inside.split("::").next().unwrap_or_default();
            let may = other == room || !processes.contains(&other);
            assert!(may, "daemon/{place} imports crate::{name}");
        }
    }
}
