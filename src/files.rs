//! Files of our own in directories that other users may write, too: opened without following a link
//! that was put in their place, without waiting for the other end of a named pipe, and not at all
//! where other users may replace them.

use crate::error::{Error, Kind, Result};
use nix::libc;
use nix::unistd::{Gid, Uid};
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
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

/// Opens a file of ours: a link is refused (ELOOP) instead of followed.
pub fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    open_ordinary(path, options, libc::O_NOFOLLOW)
}

/// Reads a file of ours, the beginning of one that is longer than any of ours.
pub fn read(path: &Path) -> io::Result<String> {
    let file = open(path, OpenOptions::new().read(true))?;
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
    let mut options = private();
    options.create(true).append(true);
    if !is_shared(directory) {
        return open_ordinary(path, &mut options, 0).map_err(failed);
    }
    let file = open(path, &mut options).map_err(failed)?;
    check_owner(&file.metadata().map_err(failed)?).map_err(failed)?;
    Ok(file)
}

/// Says in advance whether what is at a path, if anything, can be a file of ours.
pub fn check(path: &Path) -> io::Result<()> {
    let metadata = match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        metadata => metadata?,
    };
    if metadata.is_symlink() {
        return Err(io::Error::from_raw_os_error(libc::ELOOP));
    }
    check_ordinary(&metadata)?;
    if is_shared(directory_of(path)) { check_owner(&metadata) } else { Ok(()) }
}

/// Opens a file without waiting: the other end of a named pipe may never come. What it is is looked
/// at before, for a clear message and because opening a device can do something, and after.
fn open_ordinary(path: &Path, options: &mut OpenOptions, flags: i32) -> io::Result<File> {
    let looked_at = if flags & libc::O_NOFOLLOW == 0 { path.metadata() } else { path.symlink_metadata() };
    // A link is left to the system, and what cannot be looked at, too.
    if let Some(metadata) = looked_at.ok().filter(|metadata| !metadata.is_symlink()) {
        check_ordinary(&metadata)?;
    }
    let file = options.custom_flags(flags | libc::O_NONBLOCK).open(path)?;
    check_ordinary(&file.metadata()?)?;
    Ok(file)
}

/// Refuses everything but files; and but character devices such as /dev/null, which only the
/// superuser can make.
fn check_ordinary(metadata: &Metadata) -> io::Result<()> {
    let kind = metadata.file_type();
    if kind.is_file() || kind.is_char_device() {
        return Ok(());
    }
    if kind.is_dir() {
        return Err(io::Error::from_raw_os_error(libc::EISDIR));
    }
    let what = if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    };
    Err(io::Error::other(format!("it is {what} of user {}, not a file", owner(metadata))))
}

fn check_owner(metadata: &Metadata) -> io::Result<()> {
    if is_trusted(metadata) {
        return Ok(());
    }
    Err(io::Error::other(format!("it belongs to another user ({})", owner(metadata))))
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
        assert!(read(&link).is_err() && open(&link, private().write(true)).is_err());
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

    #[test]
    fn a_named_pipe_is_not_waited_for_but_named() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::from_bits_truncate(0o666)).unwrap();
        let link = dir.path().join("link");
        symlink(&pipe, &link).unwrap();
        let ours = nix::unistd::User::from_uid(Uid::effective()).unwrap().unwrap().name;
        let sentence = format!("it is a named pipe of user {ours}, not a file");
        assert_eq!(read(&pipe).unwrap_err().to_string(), sentence);
        assert_eq!(open(&pipe, private().write(true).create(true)).unwrap_err().to_string(), sentence);
        assert_eq!(check(&pipe).unwrap_err().to_string(), sentence);
        assert!(append(&link).is_err() && check(&link).is_err());
        append(Path::new("/dev/null")).unwrap();
    }
}
