//! Dates for people. Log lines, pid files, stop files and reason files all carry a date in the form
//! of C's `ctime`, in local time: `Mon Nov 23 02:24:13 2026`. Rust's standard library knows no time
//! zones; `tz-rs` reads the system's zone files.

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};
use tz::{DateTime, TimeZone};

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Now, in local time.
pub fn now() -> String {
    local(SystemTime::now())
}

/// A moment in local time.
pub fn local(at: SystemTime) -> String {
    in_zone(epoch(at), here())
}

/// A moment in universal time.
pub fn universal(at: SystemTime) -> String {
    in_zone(epoch(at), &TimeZone::utc())
}

/// The date of a syslog line, in local time: `Nov 23 02:24:13`.
pub fn syslog(at: SystemTime) -> String {
    local(at).chars().skip(4).take(15).collect()
}

/// Whole seconds since 1970.
pub fn epoch(at: SystemTime) -> i64 {
    match at.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |seconds| -seconds),
    }
}

fn in_zone(epoch: i64, zone: &TimeZone) -> String {
    match DateTime::from_timespec(epoch, 0, zone.as_ref()) {
        Ok(at) => ctime(&at),
        Err(_) => epoch.to_string(),
    }
}

fn ctime(at: &DateTime) -> String {
    let day = DAYS[usize::from(at.week_day()) % 7];
    let month = MONTHS[usize::from(at.month().saturating_sub(1)) % 12];
    let (hour, minute, second) = (at.hour(), at.minute(), at.second());
    format!("{day} {month} {:>2} {hour:02}:{minute:02}:{second:02} {}", at.month_day(), at.year())
}

/// The zone of this process, read once: a zone that changes under a running daemon would tear its
/// log.
fn here() -> &'static TimeZone {
    static ZONE: OnceLock<TimeZone> = OnceLock::new();
    ZONE.get_or_init(|| zone(std::env::var("TZ").ok().as_deref()))
}

/// The zone named by `TZ` as the C library has it: unset means the system's, empty or unknown means
/// universal time.
fn zone(named: Option<&str>) -> TimeZone {
    match named {
        None => TimeZone::local(),
        Some(name) => TimeZone::from_posix_tz(name),
    }
    .unwrap_or_else(|_| TimeZone::utc())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const MORNING: i64 = 1_795_400_653;

    #[test]
    fn a_date_is_written_as_ctime_writes_it() {
        assert_eq!(in_zone(MORNING, &TimeZone::utc()), "Mon Nov 23 02:24:13 2026");
        assert_eq!(in_zone(0, &TimeZone::utc()), "Thu Jan  1 00:00:00 1970");
    }

    #[test]
    fn summer_and_winter_have_their_own_hours() {
        let rule = zone(Some("CET-1CEST,M3.5.0,M10.5.0/3"));
        assert_eq!(in_zone(MORNING, &rule), "Mon Nov 23 03:24:13 2026");
        assert_eq!(in_zone(1_783_000_000, &rule), "Thu Jul  2 15:46:40 2026");
    }

    #[test]
    fn an_unknown_zone_is_universal_time() {
        assert_eq!(in_zone(MORNING, &zone(Some("No/Where"))), in_zone(MORNING, &TimeZone::utc()));
        assert_eq!(in_zone(MORNING, &zone(Some(""))), in_zone(MORNING, &TimeZone::utc()));
    }

    #[test]
    fn syslog_has_neither_weekday_nor_year() {
        assert_eq!(syslog(UNIX_EPOCH + Duration::from_secs(86400 * 14)).len(), "Jan 15 00:00:00".len());
    }
}
