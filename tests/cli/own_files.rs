//! Files of the commands and the daemon, where other users of the machine are at home, too.

use super::prepared::prepared;
use crate::harness::{Installed, wait_until};
use nix::unistd::{Uid, User, chown};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::path::Path;
use std::time::Duration;

/// Gives a file to another user. Only the superuser can; else there is nothing to show.
fn give_away(file: &Path) -> bool {
    let nobody = User::from_name("nobody").unwrap();
    match nobody.filter(|_| Uid::effective().is_root()) {
        Some(user) => chown(file, Some(user.uid), None).map(|()| true).unwrap(),
        None => {
            eprintln!("only the superuser can give files away: not shown");
            false
        }
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn an_rc_file_of_another_user_is_named_and_left_alone() {
    let installed = Installed::new();
    let place = installed.dir().join("place");
    fs::create_dir(&place).unwrap();
    let rc = place.join(".bucardorc");
    let look = || installed.call("bucardo_ctl", &["show", "piddir"]).dir(&place).run();
    fs::write(&rc, "dbhost=/does/not/exist\n").unwrap();
    assert!(look().stderr.contains("/does/not/exist"));

    set_mode(&rc, 0o666);
    let outcome = look();
    assert_eq!(outcome.stderr, "Note: file \".bucardorc\" may be written by other users and is not read\n");
    assert!(outcome.stdout.starts_with("piddir = "), "{}", outcome.stdout);

    set_mode(&rc, 0o644);
    if give_away(&rc) {
        let outcome = look();
        assert_eq!(outcome.stderr, "Note: file \".bucardorc\" belongs to another user (nobody) and is not read\n");
        assert!(outcome.stdout.starts_with("piddir = "), "{}", outcome.stdout);
        // Who names it, means it.
        assert!(
            installed
                .call("bucardo_ctl", &["--bucardorc=.bucardorc", "show", "piddir"])
                .dir(&place)
                .run()
                .stderr
                .contains("/does/not")
        );
    }
}

#[test]
fn files_of_the_daemon_are_for_its_user_and_group() {
    let installed = prepared();
    let warnings = installed.dir().join("warnings");
    installed.ctl(&["set", &format!("warning_file={}", warnings.display())]).ok();
    installed.ctl(&["set", &format!("reason_file={}", installed.dir().join("reason").display())]).ok();
    installed.ctl(&["start", "because"]).ok();
    wait_until("there is a warning", Duration::from_secs(30), || warnings.exists().then_some(()));
    let mode = |path: &Path| format!("{} {:o}", path.display(), fs::metadata(path).unwrap().mode() & 0o777);
    for path in [installed.logdir().join("log.bucardo"), warnings, installed.dir().join("reason.log")] {
        assert_eq!(mode(&path), format!("{} 640", path.display()));
    }
}

#[test]
fn no_file_is_written_or_read_through_a_link() {
    let installed = prepared();
    let (theirs, piddir) = (installed.dir().join("theirs"), installed.piddir());
    fs::write(&theirs, "precious\n").unwrap();
    let reason = installed.dir().join("reason");
    installed.ctl(&["set", &format!("reason_file={}", reason.display())]).ok();
    symlink(&theirs, piddir.join("fullstopbucardo")).unwrap();
    symlink(&theirs, &reason).unwrap();
    symlink(&theirs, installed.dir().join("reason.log")).unwrap();
    let stop = installed.ctl(&["stop", "now"]);
    assert!(stop.stderr.contains("Too many symbolic links"), "{}", stop.stderr);
    for link in [piddir.join("fullstopbucardo"), reason, installed.dir().join("reason.log")] {
        fs::remove_file(link).unwrap();
    }
    symlink(&theirs, piddir.join("bucardo.mcp.pid")).unwrap();
    installed.ctl(&["start"]).ok();
    assert_eq!(fs::read_to_string(&theirs).unwrap(), "precious\n");
    assert!(!fs::symlink_metadata(piddir.join("bucardo.mcp.pid")).unwrap().is_symlink());
}

/// In the place of what an earlier command has left there.
fn make_pipe(path: &Path) {
    drop(fs::remove_file(path));
    nix::unistd::mkfifo(path, nix::sys::stat::Mode::from_bits_truncate(0o666)).unwrap();
}

/// Any user of the machine can make one in a directory such as /tmp. Opening it waits for the other
/// end, which never comes.
#[test]
fn a_named_pipe_in_the_place_of_a_file_is_refused_by_name() {
    let installed = prepared();
    let place = installed.dir().join("place");
    fs::create_dir(&place).unwrap();
    let soon = |line: &str, rights: u32| {
        set_mode(&installed.piddir(), rights);
        let words: Vec<&str> = line.split(' ').collect();
        installed.call("bucardo_ctl", &words).dir(&place).timeout(Duration::from_secs(20)).run()
    };
    let log = format!("--debugdir={}", place.display());
    for (path, line) in [
        (installed.piddir().join("fullstopbucardo"), "start".to_owned()),
        (place.join("bucardo.restart.reason.log"), "start because".to_owned()),
        (place.join("bucardo.restart.reason.log.log"), "start because".to_owned()),
        (place.join("log.bucardo"), format!("start {log}")),
    ] {
        make_pipe(&path);
        let refused = soon(&line, 0o1777);
        assert_ne!(refused.code(), 0);
        assert!(refused.stderr.contains("it is a named pipe of user "), "{line}: {}", refused.stderr);
        fs::remove_file(&path).unwrap();
    }
    make_pipe(&place.join("bucardo.warning.log"));
    assert_eq!(soon("start", 0o755).code(), 0);
    make_pipe(&place.join("bucardo.restart.reason.log"));
    let pipe = installed.dir().join("pipe");
    make_pipe(&pipe);
    if give_away(&pipe) {
        fs::rename(&pipe, installed.piddir().join("fullstopbucardo")).unwrap();
        let stopped = soon("stop because", 0o1777).ended_with(0);
        assert!(stopped.stderr.contains("fullstopbucardo\": it is a named pipe of user nobody"), "{}", stopped.stderr);
        assert!(stopped.stdout.contains("Stopped "), "{}", stopped.stdout);
    }
}

/// The daemon is running, and a link of another user is in the way of its stop file.
#[test]
fn a_stop_works_though_its_file_cannot_be_made() {
    let installed = prepared();
    installed.ctl(&["start"]).ok();
    set_mode(&installed.piddir(), 0o1777);
    let (theirs, link) = (installed.dir().join("theirs"), installed.dir().join("link"));
    symlink(&theirs, &link).unwrap();
    fs::write(&theirs, "").unwrap();
    if give_away(&theirs) {
        lchown(&link, Some(fs::metadata(&theirs).unwrap().uid()), None).unwrap();
        fs::rename(&link, installed.piddir().join("fullstopbucardo")).unwrap();
        let stopped = installed.ctl(&["stop", "now"]).ended_with(0);
        assert!(stopped.stderr.contains("Too many symbolic links"), "{}", stopped.stderr);
        assert!(stopped.stdout.contains("Stopped "), "{}", stopped.stdout);
    }
}

#[test]
fn a_directory_that_all_users_may_write_is_refused() {
    let installed = prepared();
    for (path, what) in [(installed.piddir(), "piddir"), (installed.logdir(), "log")] {
        set_mode(&path, 0o777);
        let refused = installed.ctl(&["start"]).ended_with(1);
        let sentence =
            format!("Directory \"{}\" may be written by all users: they could replace the files in it\nHINT: ", path.display());
        assert!(refused.stderr.starts_with(&sentence), "{what}: {}", refused.stderr);
        set_mode(&path, 0o755);
    }
    installed.ctl(&["start"]).ok();
}

#[test]
fn a_stop_file_of_another_user_in_a_directory_of_all_stops_nothing() {
    let installed = prepared();
    set_mode(&installed.piddir(), 0o1777);
    let stopfile = installed.piddir().join("fullstopbucardo");
    installed.ctl(&["start"]).ok();
    let draft = installed.dir().join("draft");
    fs::write(&draft, "").unwrap();
    if give_away(&draft) {
        fs::rename(&draft, &stopfile).unwrap();
        installed.ctl(&["ping", "20"]).ok();
        installed.ctl(&["ping", "20"]).ok();
        fs::remove_file(&stopfile).unwrap();
    }
    installed.ctl(&["stop"]).ok();
    wait_until("the daemon has stopped", Duration::from_secs(30), || installed.log().contains("MCP exiting").then_some(()));
}
