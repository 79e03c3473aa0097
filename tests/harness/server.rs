//! Which PostgreSQL to test with, and as whom to run it.

use nix::unistd::{Uid, User};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where Debian puts its servers.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The `bin` directory of the server under test.
pub fn bin() -> PathBuf {
    let chosen = std::env::var_os("BUCARDO_TEST_PG").map(PathBuf::from);
    let bin = chosen.or_else(newest_of_debian).or_else(on_path);
    bin.expect("no PostgreSQL server found: install postgresql, or name a bin directory in BUCARDO_TEST_PG")
}

fn newest_of_debian() -> Option<PathBuf> {
    let versions = std::fs::read_dir(DEBIAN).ok()?.flatten();
    let number = |name: &str| name.split('.').next()?.parse::<u32>().ok();
    let usable = versions.map(|e| e.path()).filter(|dir| dir.join("bin/postgres").exists());
    usable.max_by_key(|dir| dir.file_name().and_then(|name| number(name.to_str()?))).map(|dir| dir.join("bin"))
}

fn on_path() -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).find(|dir| dir.join("postgres").exists() && dir.join("initdb").exists())
}

/// The `bin` directories of all servers of other major versions that are at hand, oldest first:
/// Debian's, and those that `scripts/servers` has fetched. Left out are those that the server's
/// user may not run.
pub fn others() -> Vec<PathBuf> {
    let fetched = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("servers");
    let folders = [Path::new(DEBIAN), &fetched].into_iter().filter_map(|folder| std::fs::read_dir(folder).ok());
    let mut found: Vec<(u32, PathBuf)> = folders.flatten().flatten().filter_map(|entry| numbered(&entry.path())).collect();
    found.sort();
    found.dedup_by_key(|(major, _)| *major);
    let ours = version(&bin());
    let runs = |bin: &PathBuf| program(bin, "postgres").arg("--version").output().is_ok_and(|told| told.status.success());
    let different = |bin: &PathBuf| runs(bin) && major(&version(bin)) != major(&ours);
    found.into_iter().map(|(_, bin)| bin).filter(different).collect()
}

fn numbered(folder: &Path) -> Option<(u32, PathBuf)> {
    let number = folder.file_name()?.to_str()?.parse().ok()?;
    Some((number, folder.join("bin"))).filter(|(_, bin)| bin.join("postgres").exists())
}

fn major(version: &str) -> Option<&str> {
    version.split(' ').nth(2)?.split('.').next()
}

/// What `postgres --version` says: names the template.
pub fn version(bin: &Path) -> String {
    let told = Command::new(bin.join("postgres")).arg("--version").output().unwrap();
    String::from_utf8(told.stdout).unwrap().trim().to_owned()
}

/// A program of the server, to be run as somebody the server accepts: PostgreSQL refuses root.
pub fn program(bin: &Path, name: &str) -> Command {
    let mut command = Command::new(bin.join(name));
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C");
    if let Some(user) = other_user() {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    command
}

/// Makes the server's user the owner of `path`.
pub fn give(path: &Path) {
    if let Some(user) = other_user() {
        std::os::unix::fs::chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
    }
}

fn other_user() -> Option<User> {
    let named = |name| User::from_name(name).ok().flatten();
    if Uid::effective().is_root() { named("postgres").or_else(|| named("nobody")) } else { None }
}
