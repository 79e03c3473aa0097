//! Every setting, once: its row in `bucardo_config` at install and upgrade, what `set` takes, what
//! a missing or senseless value counts as, and what `help settings` and the manual page say of it.

use crate::pg::ident::literal;

/// A setting.
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// What its value may be.
    pub takes: Takes,
    /// The value as shipped.
    pub default: &'static str,
    /// What a number counts; empty where it is none, or counts what `about` says.
    pub unit: &'static str,
    /// What it means, in one sentence; also the column `about`.
    pub about: &'static str,
    /// When a new value counts.
    pub counts: Counts,
    /// Whether it has a row from the beginning. Those that only the newer dialect has get theirs
    /// when they are set.
    pub shipped: bool,
}

/// What a value may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Takes {
    /// Any text.
    Text,
    /// A path that leads to the same place from everywhere.
    Absolute,
    /// On or off.
    Flag,
    /// A whole number in this range.
    Whole(f64, f64),
    /// A number in this range.
    Number(f64, f64),
    /// One of these words.
    OneOf(&'static [&'static str]),
}

/// When a new value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// For a running daemon from the next `reload_config`.
    Reloaded,
    /// From the next `start`.
    Started,
    /// Never: kept for scripts that read or set it.
    Never,
}

use Counts::{Never, Reloaded, Started};
use Takes::{Absolute, Flag, Number, OneOf, Text, Whole};

/// The largest number that makes sense where nothing else limits one.
const MUCH: f64 = 1e9;

/// All settings: first those of this program, then those of Bucardo 4.5 and 5.6.
#[rustfmt::skip]
pub const SETTINGS: &[Setting] = &[
    setting("batch_changes", Whole(0.0, 1e15), "100000",
        "Changes of one table after which a backlog is cut into several transactions; 0 never cuts", Reloaded),
    setting("copy_jobs", Whole(1.0, 1000.0), "4",
        "Tables that a KID copies at once at most, but not more than there are processors; 1 copies one after another", Reloaded),
    setting("delta_retention", Number(0.1, MUCH), "600",
        "Time within which a source gives up changes that every target has; it keeps them for a third of it", Reloaded).in_unit("seconds"),
    setting("reserve_connections", Whole(0.0, 1e6), "10",
        "Connections of each server that are left to applications, at most a quarter of all", Reloaded),
    setting("waiting_alarm", Whole(0.0, MUCH), "600",
        "Time that changes may wait without anything working on them before a mail tells of it; 0 is for ever", Reloaded).in_unit("seconds"),

    setting("default_email_from", Text, "nobody@example.com", "Sender of the mails", Reloaded),
    setting("default_email_host", Text, "localhost", "Mail server, with :PORT if that is not 25", Reloaded),
    setting("default_email_to", Text, "nobody@example.com",
        "Receivers of the mails, separated by commas; nobody@example.com gets none", Reloaded),
    setting("email_debug_file", Text, "", "File that gets a copy of every mail", Started),
    setting("host_safety_check", Text, "",
        "The only hosts the daemon may start on: a name, =a,b,c for a list, ~x for a regular expression", Started),
    setting("kid_pingtime", Number(1.0, MUCH), "60",
        "Time after which a KID that has nothing to do looks at its databases", Reloaded).in_unit("seconds"),
    setting("log_conflict_details", Flag, "0", "Keep the rows of all masters in the record of a conflict", Reloaded),
    setting("log_level", OneOf(&["terse", "normal", "verbose", "debug"]), "normal", "How much the daemon logs", Started).when_set(),
    setting("log_showlevel", Flag, "0", "Show the level in each line of the log", Started).when_set(),
    setting("log_showpid", Flag, "0", "Show the process id in each line of the log", Started),
    setting("log_showtime", OneOf(&["0", "1", "2", "3"]), "3",
        "Time in each line of the log: 0 none, 1 seconds since 1970, 2 UTC, 3 local time", Started),
    setting("piddir", Absolute, "/var/run/bucardo", "Directory of the pid files and of the stop file", Started),
    setting("reason_file", Text, "bucardo.restart.reason.log", "File that hands over the reason of a start or stop", Started),
    setting("stats_script_url", Text, "http://www.bucardo.org/", "Address shown in mails, for statistics", Reloaded),
    setting("stopfile", Text, "fullstopbucardo", "File in the piddir while which exists no daemon runs", Started),
    setting("syslog_facility", Text, "LOG_LOCAL1", "Facility for syslog", Started),
    setting("warning_file", Text, "bucardo.warning.log", "File that gets a copy of every warning", Started),

    setting("audit_pid", Text, "0", "No effect: every process is seen in pg_stat_activity", Never),
    setting("autosync_ddl", Text, "newcol", "No effect", Never),
    setting("bucardo_current_version", Text, "4.5.0", "Version of Bucardo this schema is now compatible with", Never),
    setting("bucardo_version", Text, "4.5.0", "Version of Bucardo this schema was compatible with when it was installed", Never),
    setting("ctl_checkabortedkids_time", Text, "30", WAITS, Never),
    setting("ctl_checkonkids_time", Text, "10", WAITS, Never),
    setting("ctl_createkid_time", Text, "0.5", WAITS, Never),
    setting("ctl_nothingfound_sleep", Text, "0.2", WAITS, Never),
    setting("ctl_pingtime", Text, "600", WAITS, Never),
    setting("endsync_sleep", Text, "1.0", WAITS, Never),
    setting("kid_abort_limit", Text, "3", "No effect: what failed is tried again for as long as it takes", Never),
    setting("kid_abort_sleep", Text, "1", WAITS, Never),
    setting("kid_nodeltarows_sleep", Text, "0.8", WAITS, Never),
    setting("kid_nothingfound_sleep", Text, "0.3", WAITS, Never),
    setting("kid_serial_sleep", Text, "10", WAITS, Never),
    setting("log_conflict_file", Text, "bucardo_conflict.log", "No effect: conflicts are in the table conflict", Never),
    setting("log_showline", Text, "0", "No effect", Never),
    setting("max_delete_clause", Text, "200", "No effect: rows are found by a join", Never),
    setting("max_select_clause", Text, "500", "No effect: rows are found by a join", Never),
    setting("mcp_dbproblem_sleep", Text, "15", WAITS, Never),
    setting("mcp_loop_sleep", Text, "0.1", WAITS, Never),
    setting("mcp_pingtime", Text, "60", WAITS, Never),
    setting("tcp_keepalives_count", Text, "0", KEEPALIVES, Never),
    setting("tcp_keepalives_idle", Text, "0", KEEPALIVES, Never),
    setting("tcp_keepalives_interval", Text, "0", KEEPALIVES, Never),
];

/// What most settings of Bucardo 4.5 are.
const WAITS: &str = "No effect: the processes wait for events and have no pauses between polls";
const KEEPALIVES: &str = "No effect: name it in conn= of the database, as libpq does";

const fn setting(name: &'static str, takes: Takes, default: &'static str, about: &'static str, counts: Counts) -> Setting {
    Setting { name, takes, default, unit: "", about, counts, shipped: true }
}

impl Setting {
    const fn in_unit(self, unit: &'static str) -> Setting {
        Setting { unit, ..self }
    }

    const fn when_set(self) -> Setting {
        Setting { shipped: false, ..self }
    }

    /// Its row, as values of (setting, value, about).
    pub fn row(&self) -> String {
        format!("({}, {}, {})", literal(self.name), literal(self.default), literal(self.about))
    }
}

impl Takes {
    /// Whether a value is one. Numbers may have a fraction of zeros.
    pub fn accepts(self, value: &str) -> bool {
        let within = |low: f64, high: f64| value.trim().parse::<f64>().ok().filter(|number| (low..=high).contains(number));
        match self {
            Text => true,
            Absolute => value.starts_with('/'),
            Flag => flag(value).is_some(),
            Whole(low, high) => within(low, high).is_some_and(|number| number.fract() == 0.0),
            Number(low, high) => within(low, high).is_some(),
            OneOf(words) => words.iter().any(|word| word.eq_ignore_ascii_case(value)),
        }
    }

    /// What a value has to be, for people.
    pub fn told(self) -> String {
        let range = |low: f64, high: f64| if high < MUCH { format!("from {low} to {high}") } else { format!("from {low}") };
        match self {
            Text => "a text".to_owned(),
            Absolute => "a path that begins with /".to_owned(),
            Flag => "1 or 0".to_owned(),
            Whole(low, high) => format!("a whole number {}", range(low, high)),
            Number(low, high) => format!("a number {}", range(low, high)),
            OneOf(words) => format!("one of {}", words.join(", ")),
        }
    }
}

/// Whether a text says yes or no.
pub fn flag(value: &str) -> Option<bool> {
    match value.trim().to_lowercase().as_str() {
        "1" | "on" | "true" | "t" | "yes" | "y" => Some(true),
        "0" | "off" | "false" | "f" | "no" | "n" => Some(false),
        _ => None,
    }
}

/// The setting with this name.
pub fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// The value of a setting as shipped; empty for one that does not exist.
pub fn default(name: &str) -> &'static str {
    find(name).map_or("", |setting| setting.default)
}

/// The settings that have a row from the beginning.
pub fn shipped() -> impl Iterator<Item = &'static Setting> {
    SETTINGS.iter().filter(|setting| setting.shipped)
}

/// The statement that makes the rows of these settings.
pub fn insert(settings: impl Iterator<Item = &'static Setting>) -> String {
    let rows: Vec<_> = settings.map(Setting::row).collect();
    format!("insert into bucardo.bucardo_config (setting, value, about) values\n{}", rows.join(",\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_setting_is_there_once_and_takes_its_own_default() {
        let names: BTreeSet<_> = SETTINGS.iter().map(|setting| setting.name).collect();
        assert_eq!(names.len(), SETTINGS.len());
        for setting in SETTINGS {
            assert!(setting.takes.accepts(setting.default), "{}", setting.name);
            assert!(!setting.about.ends_with('.') && setting.name == setting.name.to_lowercase(), "{}", setting.name);
        }
    }

    #[test]
    fn a_value_has_to_be_in_its_range() {
        let takes = |name: &str, value: &str| find(name).is_some_and(|setting| setting.takes.accepts(value));
        for (name, value) in [("delta_retention", "0.5"), ("batch_changes", "0"), ("log_showpid", "ON"), ("log_level", "Debug")] {
            assert!(takes(name, value), "{name}={value}");
        }
        for (name, value) in [
            ("delta_retention", "0"),
            ("delta_retention", "inf"),
            ("copy_jobs", "0"),
            ("copy_jobs", "1.5"),
            ("reserve_connections", "-2"),
            ("batch_changes", "NaN"),
            ("log_showtime", "4"),
            ("log_showpid", "2"),
        ] {
            assert!(!takes(name, value), "{name}={value}");
        }
        assert_eq!(Whole(1.0, 1000.0).told(), "a whole number from 1 to 1000");
        assert_eq!(Number(0.1, MUCH).told(), "a number from 0.1");
    }
}
