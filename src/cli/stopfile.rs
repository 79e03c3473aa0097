//! The stop file: as long as it exists, no daemon of this piddir runs (reference, section 6).

use crate::cli::files;
use crate::cli::session::Files;
use crate::error::Result;
use crate::files as own;
use crate::notice::clock;
use nix::errno::Errno;
use nix::unistd::{AccessFlags, access};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Where it is.
pub fn path(files: &Files) -> PathBuf {
    Path::new(&files.piddir).join(&files.stopfile)
}

/// Says in advance whether it could be created, so that nothing else is done in vain.
pub fn check(path: &Path) -> Result<()> {
    own::check(path).map_err(|error| failed(path, &error))?;
    let directory = path.parent().unwrap_or(Path::new("."));
    let answer = match path.exists() {
        true => access(path, AccessFlags::W_OK),
        false => access(directory, AccessFlags::W_OK | AccessFlags::X_OK),
    };
    answer.map_err(|errno| failed(path, &io::Error::from(errno)))
}

/// Creates it, or writes it anew. The daemon shows its text to whoever asks why it stopped.
pub fn create(path: &Path, prog: &str) -> Result<()> {
    let was_there = path.exists();
    let opened = own::open(path, own::private().write(true).create(true).truncate(true));
    let text = format!("Stopped by {prog} on {}\n", clock::now());
    opened.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| {
        // An empty one would stop the daemon all the same, on a full disk.
        if !was_there {
            drop(std::fs::remove_file(path));
        }
        failed(path, &error)
    })
}

/// Removes a file of piddir; whether it was there.
pub fn remove(path: &Path) -> Result<bool> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.raw_os_error() == Some(Errno::ENOENT as i32) => Ok(false),
        Err(error) => Err(files::could_not("remove", path, &error)),
    }
}

fn failed(path: &Path, error: &io::Error) -> crate::error::Error {
    if error.raw_os_error().is_none() {
        return files::could_not("create", path, error).hint(format!("Run: rm {}; or set piddir=DIRECTORY", path.display()));
    }
    let rule = "the setting piddir names a directory that must exist and that the daemon's user may write";
    let directory = path.parent().filter(|directory| !directory.exists());
    files::could_not("create", path, error).hint(match directory {
        Some(directory) => format!("Run: mkdir -p {}; {rule}.", directory.display()),
        None => rule.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    #[test]
    fn a_directory_that_is_missing_is_named_with_the_file() {
        let error = check(Path::new("/does/not/exist/fullstopbucardo")).unwrap_err();
        assert_eq!(error.message(), "Could not create \"/does/not/exist/fullstopbucardo\": No such file or directory");
        assert_eq!(error.code(), 2);
        assert!(error.hint_text().is_some_and(|hint| hint.starts_with("Run: mkdir -p /does/not/exist; ")));
    }

    #[test]
    fn the_file_says_by_whom_and_when_and_goes_away_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stop");
        check(&path).unwrap();
        create(&path, "bucardo_ctl").unwrap();
        assert!(std::fs::read_to_string(&path).unwrap().starts_with("Stopped by bucardo_ctl on "));
        assert_eq!((remove(&path).unwrap(), remove(&path).unwrap()), (true, false));
    }
}
