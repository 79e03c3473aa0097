//! Pid files (reference, section 3.2): names and contents that scripts read.

use crate::error::{Error, Kind, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// The MCP's file.
pub fn mcp(piddir: &Path) -> PathBuf {
    piddir.join("bucardo.mcp.pid")
}

/// A controller's file.
pub fn ctl(piddir: &Path, sync: &str) -> PathBuf {
    piddir.join(format!("bucardo.ctl.sync.{sync}.pid"))
}

/// A kid's file.
pub fn kid(piddir: &Path, sync: &str, target: &str) -> PathBuf {
    piddir.join(format!("bucardo.kid.sync.{sync}.{target}.pid"))
}

/// A pid file of this process; removed when dropped, unless another process has taken it over meanwhile.
#[derive(Debug)]
pub struct PidFile(PathBuf);

impl PidFile {
    /// Writes this process's id and then `lines`. The file appears complete or not at all.
    pub fn write(path: PathBuf, lines: &[&str]) -> Result<PidFile> {
        let mut text = format!("{}\n", std::process::id());
        lines.iter().for_each(|line| text += &format!("{line}\n"));
        let draft = path.with_extension(format!("new.{}", std::process::id()));
        let written = fs::write(&draft, text).and_then(|()| fs::rename(&draft, &path));
        let written = written.inspect_err(|_| drop(fs::remove_file(&draft)));
        written.map_err(|error| Error::new(Kind::File, format!("Could not write \"{}\"", path.display())).caused_by(error))?;
        Ok(PidFile(path))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        remove(&self.0, std::process::id());
    }
}

/// Removes the pid file of a child that is dead: one that was killed could not.
pub fn remove_of(path: &Path, child: i32) {
    u32::try_from(child).into_iter().for_each(|pid| remove(path, pid));
}

fn remove(path: &Path, pid: u32) {
    if read(path) == Some(pid) {
        // What cannot be removed is found stale by whoever reads it.
        let _ = fs::remove_file(path);
    }
}

fn read(path: &Path) -> Option<u32> {
    fs::read_to_string(path).ok()?.lines().next()?.trim().parse().ok()
}

/// Removes all our pid files but the MCP's: those of processes that can no longer exist.
pub fn remove_children(piddir: &Path) {
    let Ok(entries) = fs::read_dir(piddir) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if ["bucardo.ctl.sync.", "bucardo.kid.sync."].iter().any(|start| name.starts_with(start)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
