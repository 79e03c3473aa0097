//! One line of the log, as the original writes it: `(12229) [Mon Nov 23 02:27:04 2026] MCP PID:
//! 12229`.

use crate::notice::clock;
use crate::plain;
use std::time::SystemTime;

/// The part before the prefix: the level, the process id and the time, each only when wanted, each
/// followed by a blank.
pub fn header(level: Option<&str>, pid: Option<u32>, time: Option<String>) -> String {
    let level = level.map(|level| format!("{level} ")).unwrap_or_default();
    let pid = pid.map(|pid| format!("({pid}) ")).unwrap_or_default();
    let time = time.map(|time| format!("[{time}] ")).unwrap_or_default();
    level + &pid + &time
}

/// A level in the words of the setting `log_level`.
pub fn level(level: log::Level) -> &'static str {
    match level {
        log::Level::Error | log::Level::Warn => "WARN",
        log::Level::Info => "NORMAL",
        log::Level::Debug => "VERBOSE",
        log::Level::Trace => "DEBUG",
    }
}

/// The time as the setting `log_showtime` wants it: 0 not at all, 1 seconds since 1970, 2
/// universal, 3 local.
pub fn time(showtime: u8, at: SystemTime) -> Option<String> {
    match showtime {
        0 => None,
        1 => Some(clock::epoch(at).to_string()),
        2 => Some(clock::universal(at)),
        _ => Some(clock::local(at)),
    }
}

/// The whole line with its end. Further lines of a message begin with a tab, as in PostgreSQL's
/// log, so that none can be taken for an entry.
pub fn line(header: &str, prefix: &str, message: &str) -> String {
    format!("{header} {prefix} {}\n", plain::lines(message).replace('\n', "\n\t"))
}

/// Whether a message is copied to the file of warnings.
pub fn is_warning(level: log::Level, message: &str) -> bool {
    level <= log::Level::Warn || message.starts_with("Warning") || message.contains("ERROR") || message.contains("FATAL")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn a_line_has_two_blanks_after_its_header_and_one_without() {
        let full = header(None, Some(12229), Some("Mon Nov 23 02:27:04 2026".to_owned()));
        assert_eq!(line(&full, "MCP", "PID: 12229"), "(12229) [Mon Nov 23 02:27:04 2026]  MCP PID: 12229\n");
        assert_eq!(line(&header(None, Some(7), None), "CTL", "x"), "(7)  CTL x\n");
        assert_eq!(line(&header(Some(level(log::Level::Warn)), Some(7), None), "CTL", "x"), "WARN (7)  CTL x\n");
        assert_eq!(line(&header(None, None, None), "KID", "x"), " KID x\n");
        assert_eq!(line("", "KID", "a\n[now]  MCP b\u{1b}c\r"), " KID a\n\t[now]  MCP b\\x1bc\\r\n");
    }

    #[test]
    fn the_time_is_shown_as_the_setting_says() {
        let at = UNIX_EPOCH + Duration::from_secs(1_795_400_653);
        assert_eq!(time(0, at), None);
        assert_eq!(time(1, at).as_deref(), Some("1795400653"));
        assert_eq!(time(2, at).as_deref(), Some("Mon Nov 23 02:24:13 2026"));
        assert_eq!(time(3, at), Some(clock::local(at)));
    }
}
