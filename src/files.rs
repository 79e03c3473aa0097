//! Files of our own in directories that other users may write, too: opened without following a link
//! that was put in their place, and not at all where other users may replace them.

use crate::error::{Error, Kind, Result};
use nix::libc;
use nix::unistd::{Gid, Uid};
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// The most that is read of a file of ours.
const LONGEST: u64 = 64 * 1024;

/// What others may do in a directory.
const WRITTEN_BY_OTHERS: u32 = 0o002;
/// Others may not remove or rename what is not theirs.
const STICKY: u32 = 0o1000;

/// For files that only our user and our group may read.
pub fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o640);
    options
}

/// The same, and a link is refused (ELOOP) instead of followed.
pub fn no_follow() -> OpenOptions {
    let mut options = private();
    options.custom_flags(libc::O_NOFOLLOW);
    options
}

/// Reads a file of ours, the beginning of one that is longer than any of ours. A link is not
/// followed, and a pipe not waited for.
pub fn read(path: &Path) -> io::Result<String> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)?;
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Opens a file for appending, and makes it if need be. Where others may make files, it must be no
/// link and belong to us.
pub fn append(path: &Path) -> Result<File> {
    let failed = |error: io::Error| Error::new(Kind::File, format!("Could not open \"{}\"", path.display())).caused_by(error);
    let directory = directory_of(path);
    refuse_open_directory(directory)?;
    if !is_shared(directory) {
        return private().create(true).append(true).open(path).map_err(failed);
    }
    let file = no_follow().create(true).append(true).open(path).map_err(failed)?;
    match file.metadata().map_err(failed)? {
        metadata if is_trusted(&metadata) => Ok(file),
        metadata => Err(failed(io::Error::other(format!("it belongs to another user ({})", owner(&metadata))))),
    }
}

/// Refuses a directory in which others may replace our files.
pub fn refuse_open_directory(directory: &Path) -> Result<()> {
    let mode = std::fs::metadata(directory).map_or(0, |metadata| metadata.mode());
    if mode & WRITTEN_BY_OTHERS == 0 || mode & STICKY != 0 {
        return Ok(());
    }
    let name = directory.display();
    let what = format!("Directory \"{name}\" may be written by all users: they could replace the files in it");
    Err(Error::new(Kind::File, what).hint(format!("Run: chmod o-w {name}; or choose another directory.")).exit_code(1))
}

/// Whether a file is there, and counts: in a directory that all users may write, such as /tmp, only
/// one of our user or of the superuser does.
pub fn is_there(path: &Path) -> bool {
    match std::fs::symlink_metadata(path) {
        Ok(metadata) => is_trusted(&metadata) || !is_shared(directory_of(path)),
        Err(_) => false,
    }
}

/// Whether a file belongs to us or to the superuser.
pub fn is_trusted(metadata: &Metadata) -> bool {
    metadata.uid() == 0 || metadata.uid() == Uid::effective().as_raw()
}

/// Whether others may write a file: all users, or those of a group that is neither ours nor the
/// superuser's.
pub fn may_others_write(metadata: &Metadata) -> bool {
    let (mode, group) = (metadata.mode(), metadata.gid());
    mode & WRITTEN_BY_OTHERS != 0 || mode & 0o020 != 0 && group != 0 && group != Gid::effective().as_raw()
}

/// The name of a file's owner.
pub fn owner(metadata: &Metadata) -> String {
    let user = nix::unistd::User::from_uid(Uid::from_raw(metadata.uid())).ok().flatten();
    user.map_or_else(|| metadata.uid().to_string(), |user| user.name)
}

/// Whether all users may make files there.
fn is_shared(directory: &Path) -> bool {
    std::fs::metadata(directory).is_ok_and(|metadata| metadata.mode() & WRITTEN_BY_OTHERS != 0)
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_link_is_neither_read_nor_written() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        fs::write(&real, "theirs").unwrap();
        symlink(&real, &link).unwrap();
        assert!(read(&link).is_err() && no_follow().write(true).open(&link).is_err());
        assert_eq!(read(&real).unwrap(), "theirs");
    }

    #[test]
    fn a_directory_that_all_may_write_is_refused_unless_it_is_sticky() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        for (mode, refused) in [(0o755, false), (0o775, false), (0o777, true), (0o1777, false)] {
            fs::set_permissions(dir.path(), Permissions::from_mode(mode)).unwrap();
            assert_eq!(append(&path).is_err(), refused, "{mode:o}");
        }
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
    }

    #[test]
    fn a_link_in_a_directory_of_all_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), Permissions::from_mode(0o1777)).unwrap();
        let (real, link) = (dir.path().join("real"), dir.path().join("log"));
        fs::write(&real, "").unwrap();
        symlink(&real, &link).unwrap();
        assert!(append(&link).is_err());
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        append(&link).unwrap();
    }
}
