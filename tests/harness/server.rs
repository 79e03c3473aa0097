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

/// What `postgres --version` says: names the template.
pub fn version() -> String {
    let told = Command::new(bin().join("postgres")).arg("--version").output().unwrap();
    String::from_utf8(told.stdout).unwrap().trim().to_owned()
}

/// A program of the server, to be run as somebody the server accepts: PostgreSQL refuses root.
pub fn program(name: &str) -> Command {
    let mut command = Command::new(bin().join(name));
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
