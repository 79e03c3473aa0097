//! A temporary folder that takes its inhabitants with it.
//!
//! A guard, a small shell script, waits on a pipe whose other end we hold. When the pipe closes
//! (the folder is dropped, or the test program was killed) it ends every process that works in the
//! folder and removes the folder. So there is one way of tidying, and it also works when no
//! destructor runs.

use nix::sys::statvfs::statvfs;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The variable by which the guard knows processes that have left the folder.
pub const MARK: &str = "BUCARDO_TEST_HOME";

/// The free memory, in bytes, from which on folders are in memory.
const ENOUGH: u64 = 8 << 30;

/// The folder.
pub struct Folder {
    path: PathBuf,
    guard: Child,
}

impl Folder {
    /// Makes a folder whose name starts with `prefix`; short, because sockets in it must stay under
    /// 108 bytes.
    pub fn new(prefix: &str) -> Folder {
        let path = tempfile::Builder::new().prefix(prefix).rand_bytes(8).tempdir_in(place()).unwrap().keep();
        std::fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        let guard = guard(&path);
        Folder { path, guard }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let ended = self.guard.wait().unwrap();
        if !ended.success() && !std::thread::panicking() {
            panic!("{} could not be tidied: {ended}", self.path.display());
        }
    }
}

/// Memory, where there is plenty: tests run twice as fast there. `TMPDIR` has the last word.
fn place() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let room = statvfs(memory).map_or(0, |fs| fs.blocks_available() * fs.fragment_size());
    if std::env::var_os("TMPDIR").is_none() && room > ENOUGH { memory.to_owned() } else { std::env::temp_dir() }
}

/// The guard has its own process group, so that neither an interrupt from the keyboard nor a test
/// runner's kill reaches it.
fn guard(path: &Path) -> Child {
    let mut shell = Command::new("sh");
    shell.args(["-c", include_str!("tidy.sh"), "tidy"]).arg(path);
    shell.env_remove(MARK).current_dir("/").process_group(0);
    // It outlives a test whose folder is never dropped, and whoever runs that test waits until
    // nobody holds its output.
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::wait_until;
    use std::time::Duration;

    fn sleeper() -> Command {
        let mut sleep = Command::new("sleep");
        sleep.arg("600").process_group(0);
        sleep
    }

    fn ends(mut child: Child) {
        wait_until("the process is dead", Duration::from_secs(10), || child.try_wait().unwrap());
    }

    #[test]
    fn a_dropped_folder_is_gone_and_so_is_who_worked_in_it_or_came_from_it() {
        let folder = Folder::new("bct");
        let path = folder.path().to_owned();
        let inside = sleeper().current_dir(&path).spawn().unwrap();
        let gone_elsewhere = sleeper().current_dir("/").env(MARK, &path).spawn().unwrap();
        let mut stranger = sleeper().current_dir("/").spawn().unwrap();
        drop(folder);
        ends(inside);
        ends(gone_elsewhere);
        assert!(!path.exists());
        assert!(stranger.try_wait().unwrap().is_none(), "a stranger was killed");
        stranger.kill().unwrap();
    }
}
