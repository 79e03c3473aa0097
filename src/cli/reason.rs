//! Why the daemon was started or stopped. The reason goes into two files: one that the daemon
//! reads, which holds only the latest, and one beside it that keeps them all (reference, 3.3).

use crate::cli::session::Files;
use crate::cli::{Personality, files};
use crate::error::Result;
use crate::files as own;
use crate::notice::clock;
use crate::plain;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

/// Writes the reason made of `words` into `path` and `path.log`. No words, no writing. Both files
/// are opened before either is changed.
pub fn record(path: &str, verb: &str, words: &[String]) -> Result<()> {
    let reason = text(words);
    if reason.is_empty() {
        return Ok(());
    }
    let history_path = format!("{path}.log");
    let mut history = open(&history_path, own::private().append(true))?;
    let mut latest = open(path, own::private().write(true).truncate(false))?;
    let date = clock::now();
    let end = append(&mut history, &history_path, &history_line(&date, verb, &reason))?;
    replace(&mut latest, path, &latest_line(&date, &reason)).inspect_err(|_| cut(&history, end))
}

/// Adds a line, or, on a full disk, nothing; where the file ended before.
fn append(file: &mut File, path: &str, line: &str) -> Result<u64> {
    let end = file.metadata().map_or(0, |metadata| metadata.len());
    file.write_all(line.as_bytes()).map(|()| end).map_err(|error| {
        cut(file, end);
        files::could_not("write", Path::new(path), &error)
    })
}

/// Takes a line back. Should that fail, there is a line too many, which is no harm.
fn cut(file: &File, end: u64) {
    if is_regular(file) {
        drop(file.set_len(end));
    }
}

/// Writes over what is there before cutting off the rest: a full disk has room for that.
fn replace(file: &mut File, path: &str, line: &str) -> Result<()> {
    let written =
        file.write_all(line.as_bytes()).and_then(|()| if is_regular(file) { file.set_len(line.len() as u64) } else { Ok(()) });
    written.map_err(|error| files::could_not("write", Path::new(path), &error))
}

/// Only then there is a length to set.
fn is_regular(file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.is_file())
}

/// Writes the reason in the dialect of the program.
pub fn record_for(files: &Files, personality: Personality, verb: &str, words: &[String]) -> Result<()> {
    let path = &files.reason_file;
    if personality.dialect().newer { record_newer(path, verb, words) } else { record(path, verb, words) }
}

/// The newer program writes the same line into both files, with the verb and also without a reason.
pub fn record_newer(path: &str, verb: &str, words: &[String]) -> Result<()> {
    let history_path = path.strip_suffix(".txt").map_or_else(|| format!("{path}.log"), |stem| format!("{stem}.log"));
    let mut history = open(&history_path, own::private().append(true))?;
    let mut latest = open(path, own::private().write(true).truncate(false))?;
    let line = history_line(&clock::now(), &format!("{verb:<5}"), &text(words));
    let end = append(&mut history, &history_path, &line)?;
    replace(&mut latest, path, &line).inspect_err(|_| cut(&history, end))
}

/// The reason as one line: the words joined by blanks. A newline would end it where the
/// file is read.
pub fn text(words: &[String]) -> String {
    plain::line(words.join(" ").replace(['\n', '\r'], " ").trim()).into_owned()
}

fn latest_line(date: &str, reason: &str) -> String {
    format!("{date} | {reason}\n")
}

fn history_line(date: &str, verb: &str, reason: &str) -> String {
    format!("{date} | {verb} | {reason}\n")
}

fn open(path: &str, options: &mut OpenOptions) -> Result<File> {
    own::open(Path::new(path), options.create(true)).map_err(|error| {
        files::could_not("open", Path::new(path), &error)
            .hint("Name another file for the reason, such as: bucardo_ctl set reason_file=/var/log/bucardo/reason.log")
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn both_lines_look_as_the_daemon_and_people_expect() {
        let date = "Mon Nov 23 02:24:13 2026";
        assert_eq!(latest_line(date, "new disks"), "Mon Nov 23 02:24:13 2026 | new disks\n");
        assert_eq!(history_line(date, "stop", "new disks"), "Mon Nov 23 02:24:13 2026 | stop | new disks\n");
    }

    #[test]
    fn the_latest_reason_replaces_the_earlier_and_the_history_keeps_both() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("reason").display().to_string();
        record(&path, "stop", &words("a much longer reason")).unwrap();
        record(&path, "start", &words("short\nnow")).unwrap();
        let latest = std::fs::read_to_string(&path).unwrap();
        assert!(latest.ends_with(" | short now\n") && latest.lines().count() == 1, "{latest}");
        let history = std::fs::read_to_string(format!("{path}.log")).unwrap();
        assert!(history.contains(" | stop | a much longer reason\n") && history.ends_with(" | start | short now\n"));
    }

    #[test]
    fn no_reason_writes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        record(&dir.path().join("reason").display().to_string(), "stop", &[]).unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_named() {
        let error = record("/does/not/exist/reason", "stop", &words("x")).unwrap_err();
        assert_eq!(error.message(), "Could not open \"/does/not/exist/reason.log\": No such file or directory");
        assert_eq!(error.code(), 2);
    }
}
