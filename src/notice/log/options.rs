//! What can be chosen about the log: the options of `start` and the `log_*` settings. Travels to
//! each process of the daemon.

use super::Facility;
use crate::error::{Error, Kind, Result};
use log::LevelFilter;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Where the log goes and how its lines look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Write a log file (`--debugfile`).
    pub file: bool,
    /// The directory of the log file (`--debugdir`).
    pub directory: PathBuf,
    /// The end of the log file's name (`--debugname`).
    pub name: String,
    /// One file for each process (`--debugfilesep`).
    pub separate: bool,
    /// Write to syslog too (`--debugsyslog`).
    pub syslog: bool,
    /// The syslog facility by its C name (setting `syslog_facility`).
    pub facility: String,
    /// The file that gets a copy of every warning; empty for none (setting `warning_file`).
    pub warning_file: String,
    /// Each line names its process (setting `log_showpid`).
    pub showpid: bool,
    /// Each line begins with its level (setting `log_showlevel`).
    pub showlevel: bool,
    /// How each line shows the time, 0 to 3 (setting `log_showtime`).
    pub showtime: u8,
    /// Write to standard error too, for a daemon in the foreground.
    pub stderr: bool,
    /// 0 writes nothing, 1 what operators want, 2 also what developers want.
    pub verbose: u8,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            file: true,
            directory: PathBuf::from("."),
            name: String::new(),
            separate: false,
            syslog: true,
            facility: "LOG_LOCAL1".to_owned(),
            warning_file: "bucardo.warning.log".to_owned(),
            showpid: false,
            showlevel: false,
            showtime: 3,
            stderr: false,
            verbose: 1,
        }
    }
}

impl Options {
    /// The file a process with this prefix writes to, if there is to be one.
    pub fn path(&self, prefix: &str, pid: u32) -> Option<PathBuf> {
        let mut name = "log.bucardo".to_owned();
        if !self.name.is_empty() {
            name = format!("{name}.{}", self.name);
        }
        if self.separate {
            name = format!("{name}.{prefix}.{pid}");
        }
        self.file.then(|| self.directory.join(name))
    }

    /// The same options with paths that do not depend on the working directory, which a daemon
    /// leaves.
    pub fn rooted(mut self, directory: &Path) -> Options {
        self.directory = directory.join(&self.directory);
        if !self.warning_file.is_empty() {
            self.warning_file = directory.join(&self.warning_file).display().to_string();
        }
        self
    }

    /// Says in advance whether the log can be opened. Nothing is written.
    pub fn check(&self) -> Result<()> {
        if self.syslog {
            Facility::named(&self.facility)?;
        }
        match self.path("MCP", std::process::id()) {
            Some(path) => check_writable(&path),
            None => Ok(()),
        }
    }

    /// Removes the files of earlier daemons (`--cleandebugs`): `log.bucardo.*`, never plain
    /// `log.bucardo`.
    pub fn clean(&self) -> Result<()> {
        let entries = std::fs::read_dir(&self.directory).map_err(|error| failed("read", &self.directory, error))?;
        for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with("log.bucardo.")) {
            std::fs::remove_file(entry.path()).map_err(|error| failed("remove", &entry.path(), error))?;
        }
        Ok(())
    }

    /// The level of the messages that are written.
    pub fn level(&self) -> LevelFilter {
        match self.verbose {
            0 => LevelFilter::Off,
            1 => LevelFilter::Info,
            _ => LevelFilter::Debug,
        }
    }
}

fn check_writable(path: &Path) -> Result<()> {
    use nix::unistd::{AccessFlags, access};
    let directory = path.parent().unwrap_or(Path::new("."));
    crate::files::refuse_open_directory(directory)?;
    let answer = match path.exists() {
        true => access(path, AccessFlags::W_OK),
        false => access(directory, AccessFlags::W_OK | AccessFlags::X_OK),
    };
    answer.map_err(|errno| errno.desc().to_owned()).map_err(|reason| {
        let what = format!("Cannot write the log file \"{}\": {reason}", path.display());
        let other = "choose another directory with --debugdir, or write no file with --debugfile=0";
        Error::new(Kind::File, what).hint(match directory.exists() {
            true => other.to_owned(),
            false => format!("Run: mkdir -p {}; or {other}.", directory.display()),
        })
    })
}

fn failed(verb: &str, path: &Path, error: std::io::Error) -> Error {
    Error::new(Kind::File, format!("Could not {verb} \"{}\"", path.display())).caused_by(error)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    #[test]
    fn the_name_of_the_file_shows_what_was_chosen() {
        let plain = Options { directory: PathBuf::from("/x"), ..Options::default() };
        assert_eq!(plain.path("MCP", 7), Some(PathBuf::from("/x/log.bucardo")));
        let named = Options { name: "blue".to_owned(), ..plain.clone() };
        assert_eq!(named.path("MCP", 7), Some(PathBuf::from("/x/log.bucardo.blue")));
        assert_eq!(Options { separate: true, ..named }.path("KID", 7), Some(PathBuf::from("/x/log.bucardo.blue.KID.7")));
        assert_eq!(Options { file: false, ..plain }.path("MCP", 7), None);
    }

    #[test]
    fn a_directory_that_is_not_there_is_noticed_before_anything_starts() {
        let options = Options { directory: PathBuf::from("/does/not/exist"), ..Options::default() };
        let error = options.check().unwrap_err();
        assert_eq!(error.message(), "Cannot write the log file \"/does/not/exist/log.bucardo\": No such file or directory");
        assert!(error.hint_text().is_some_and(|hint| hint.starts_with("Run: mkdir -p /does/not/exist; or ")));
    }

    #[test]
    fn cleaning_keeps_the_plain_file() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["log.bucardo", "log.bucardo.blue", "log.bucardo.KID.9", "other"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        Options { directory: dir.path().to_owned(), ..Options::default() }.clean().unwrap();
        let mut left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["log.bucardo", "other"]);
    }

    #[test]
    fn options_survive_the_journey_to_another_process() {
        let options = Options { separate: true, showtime: 2, ..Options::default() }.rooted(Path::new("/var/log"));
        let text = toml::to_string(&options).unwrap();
        assert_eq!(toml::from_str::<Options>(&text).unwrap(), options);
        assert_eq!(options.warning_file, "/var/log/bucardo.warning.log");
    }
}
