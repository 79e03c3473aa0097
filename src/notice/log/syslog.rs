//! Syslog: one datagram to `/dev/log` for each message, `<PRIORITY>DATE Bucardo[PID]: TEXT` (RFC
//! 3164, section 4). A syslog daemon that is missing, restarting or stuck never holds us up: what
//! it does not take at once is lost to it.

use crate::error::{Error, Kind, Result};
use crate::notice::clock;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// Severity "informational"; the original knows no other.
const INFO: u8 = 6;

/// Longer messages are cut: a datagram that is too long would be refused whole.
const LONGEST: usize = 8000;

const NAMES: [(&str, u8); 20] = [
    ("KERN", 0),
    ("USER", 1),
    ("MAIL", 2),
    ("DAEMON", 3),
    ("AUTH", 4),
    ("SYSLOG", 5),
    ("LPR", 6),
    ("NEWS", 7),
    ("UUCP", 8),
    ("CRON", 9),
    ("AUTHPRIV", 10),
    ("FTP", 11),
    ("LOCAL0", 16),
    ("LOCAL1", 17),
    ("LOCAL2", 18),
    ("LOCAL3", 19),
    ("LOCAL4", 20),
    ("LOCAL5", 21),
    ("LOCAL6", 22),
    ("LOCAL7", 23),
];

/// A syslog facility.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facility(u8);

impl Facility {
    /// The facility with this name, with or without C's `LOG_`, in any case.
    pub fn named(name: &str) -> Result<Facility> {
        let upper = name.trim().to_uppercase();
        let short = upper.strip_prefix("LOG_").unwrap_or(&upper);
        let known = NAMES.iter().find(|(known, _)| *known == short).map(|(_, number)| Facility(*number));
        known.ok_or_else(|| {
            let what = format!("The setting syslog_facility names no syslog facility: \"{name}\"");
            Error::new(Kind::Refused, what).hint("use LOG_LOCAL0 to LOG_LOCAL7, LOG_DAEMON or LOG_USER")
        })
    }
}

/// The connection to syslog.
pub struct Syslog {
    facility: Facility,
    path: PathBuf,
    socket: Mutex<Option<UnixDatagram>>,
}

impl Syslog {
    /// The system's syslog.
    pub fn new(facility: Facility) -> Syslog {
        Syslog::at(Path::new("/dev/log"), facility)
    }

    fn at(path: &Path, facility: Facility) -> Syslog {
        Syslog { facility, path: path.to_owned(), socket: Mutex::new(connect(path)) }
    }

    /// Sends a message; connects anew once, because a restarted syslog daemon has another socket.
    pub fn send(&self, at: SystemTime, text: &str) {
        let message = frame(self.facility, at, std::process::id(), text);
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        if !sent(socket.as_ref(), &message) {
            *socket = connect(&self.path);
            sent(socket.as_ref(), &message);
        }
    }
}

fn connect(path: &Path) -> Option<UnixDatagram> {
    let socket = UnixDatagram::unbound().ok()?;
    socket.set_nonblocking(true).ok()?;
    socket.connect(path).ok()?;
    Some(socket)
}

fn sent(socket: Option<&UnixDatagram>, message: &[u8]) -> bool {
    socket.is_some_and(|socket| socket.send(message).is_ok())
}

fn frame(facility: Facility, at: SystemTime, pid: u32, text: &str) -> Vec<u8> {
    let priority = facility.0 * 8 + INFO;
    let mut message = format!("<{priority}>{} Bucardo[{pid}]: {text}", clock::syslog(at)).into_bytes();
    message.truncate(LONGEST);
    message
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    #[test]
    fn facilities_are_known_by_name() {
        assert_eq!(Facility::named("LOG_LOCAL1").unwrap(), Facility(17));
        assert_eq!(Facility::named("daemon").unwrap(), Facility(3));
        assert!(Facility::named("LOG_LOCAL9").is_err());
    }

    #[test]
    fn a_restarted_syslog_gets_the_next_message() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let first = UnixDatagram::bind(&path).unwrap();
        let syslog = Syslog::at(&path, Facility(17));
        syslog.send(SystemTime::now(), "MCP one");
        assert!(received(&first).ends_with(&format!("Bucardo[{}]: MCP one", std::process::id())));
        drop(first);
        std::fs::remove_file(&path).unwrap();
        let second = UnixDatagram::bind(&path).unwrap();
        syslog.send(SystemTime::now(), "MCP two");
        let text = received(&second);
        assert!(text.starts_with("<142>") && text.ends_with("MCP two"), "{text}");
    }

    fn received(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 200];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }
}
