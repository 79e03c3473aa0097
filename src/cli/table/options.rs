//! The options (reference, 1.3 and 8.1), each once.

use super::Native::{Both, Five, Four, New};
use super::Takes::{Counter, Flag, Integer, List, Switch, Text};
use super::{Native, Opt, Takes};

/// Every option there is.
pub const OPTIONS: &[Opt] = &[
    opt("dbname", Text, Both, "NAME", "control database").or(&["d", "db-name"]).default("bucardo"),
    opt("dbuser", Text, Both, "ROLE", "role to connect as").or(&["U", "db-user"]).default("bucardo"),
    opt("dbpass", Text, Both, "TEXT", "its password; better kept in a password file").or(&["P", "db-pass"]),
    opt("dbhost", Text, Both, "HOST", "host, address or socket directory").or(&["h", "db-host"]),
    opt("dbport", Integer, Both, "PORT", "port").or(&["p", "db-port"]),
    opt("bucardorc", Text, Both, "FILE", "read this rc file and no other"),
    opt("no-bucardorc", Flag, Both, "", "read no rc file"),
    opt("verbose", Counter, Both, "", "say more; twice for still more"),
    opt("vv", Flag, Both, "", "the same as --verbose twice"),
    opt("quiet", Counter, Both, "", "say less"),
    opt("debug", Counter, Both, "", "show on standard error what is done"),
    opt("help", Flag, Both, "", "show the help and do nothing else"),
    opt("version", Flag, Both, "", "show the version and do nothing else"),
    opt("daysback", Integer, Four, "DAYS", "how far back `status` looks").default("3"),
    opt("sort", Integer, Both, "COLUMN", "order of the table of `status`: 1 to 9, negative for descending").default("1"),
    opt("bad-first", Flag, New, "", "`status`: the syncs that need attention first"),
    opt("showdays", Flag, Both, "", "show days in intervals").or(&["show-days"]),
    opt("compress", Flag, Both, "", "leave out the blanks in intervals"),
    opt("retry", Integer, Both, "TIMES", "`kick`: how often to try again after a failure").default("0"),
    opt("retrysleep", Integer, Both, "SECONDS", "`kick`: pause before trying again").or(&["retry-sleep"]).default("0"),
    opt("notimer", Flag, Both, "", "`kick`: no running clock"),
    opt("db", Text, Both, "NAME", "`add all`: the database to look in").or(&["database"]),
    opt("herd", Text, Both, "NAME", "`add all`: the herd to add to").or(&["relgroup"]),
    opt("schema", List, Both, "NAME", "`add all`: only this schema").or(&["n"]),
    opt("exclude-schema", List, Both, "NAME", "`add all`: not this schema").or(&["N"]),
    opt("table", List, Both, "NAME", "`add all`: only this table").or(&["t"]),
    opt("exclude-table", List, Both, "NAME", "`add all`: not this table").or(&["T"]),
    opt(
        "piddir",
        Text,
        Both,
        "DIR",
        "directory for pid files: `install` stores it; `bucardo` uses it in place of the stored one",
    )
    .or(&["pid-dir"]),
    opt("replication-role", Text, New, "ROLE", "`install`: the role by which `add db` reaches databases, if not told otherwise"),
    opt("batch", Flag, Five, "", "ask nothing"),
    opt("force", Flag, Five, "", "do it although there are objections"),
    opt("foreground", Flag, New, "", "`start`: do not detach"),
    opt("sendmail", Switch, Both, "0|1", "`start`: whether the daemon sends mail").default("0"),
    opt("no-sendmail", Flag, New, "", "`start`: the daemon sends no mail, whatever the rc file says"),
    opt("extraname", Text, Both, "TEXT", "`start`: appended to process titles").or(&["extra-name"]),
    opt("debugfile", Integer, Both, "0|1", "`start`: write a log file").default("1"),
    opt("debugdir", Text, Both, "DIR", "`start`: directory of the log file").default("."),
    opt("debugname", Text, Both, "TEXT", "`start`: suffix of the log file's name").or(&["log-extension", "log-ext"]),
    opt("debugfilesep", Flag, Both, "", "`start`: one log file per process").or(&["log-separate", "log-sep"]),
    opt("debugsyslog", Integer, Both, "0|1", "`start`: log to syslog as well").default("1"),
    opt("cleandebugs", Integer, Both, "0|1", "`start`: first remove old log files").default("0"),
    opt("log-destination", List, Five, "WHERE", "`start`: stderr, stdout, syslog, none or a directory; may be repeated")
        .or(&["log-dest", "logdest"]),
    opt("log-clean", Flag, Five, "", "`start`: first remove old log files"),
    opt("log-level", Text, Five, "LEVEL", "`start`: how much the daemon logs: terse, normal, verbose or debug"),
    opt("log-show-line", Flag, Five, "", "accepted, without effect"),
    opt("exit-on-nosync", Flag, Five, "", "`start`: the daemon ends where there is no active sync"),
    opt("no-exit-on-nosync", Flag, Five, "", "`start`: it goes on and waits for one"),
    opt("dryrun", Flag, Five, "", "`add`, `update`, `remove`, `set`, `start`: show what would be done, and do not do it")
        .or(&["dry-run"]),
    opt("confirm", Flag, Five, "", "`add`, `update`, `remove`, `set`: ask before anything is stored"),
    opt("quickstart", Flag, Five, "", "accepted, without effect"),
    opt("tsep", Text, Five, "CHAR", "accepted, without effect"),
    opt("vvv", Flag, Five, "", "the same as --verbose twice"),
    opt("vvvv", Flag, Five, "", "the same as --verbose twice"),
    opt("copy", Flag, New, "", "`accept`: copy the tables of the database's syncs again"),
    opt("json", Flag, New, "", "`status`, `list`: print JSON, for programs"),
    opt("watch", Switch, New, "SECONDS", "`status`: show it again and again, every second or as often as said").default("0"),
    opt("bcverbose", Flag, Four, "", "accepted, without effect"),
];

const fn opt(name: &'static str, takes: Takes, native: Native, placeholder: &'static str, help: &'static str) -> Opt {
    Opt { name, aliases: &[], takes, default: None, placeholder, help, native }
}

impl Opt {
    const fn or(self, aliases: &'static [&'static str]) -> Opt {
        Opt { aliases, ..self }
    }

    const fn default(self, value: &'static str) -> Opt {
        Opt { default: Some(value), ..self }
    }
}
