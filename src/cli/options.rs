//! What the options mean: the pairs of the lexer and the settings of the rc file become one typed
//! value. clap, built from the table, supplies defaults, counts, collects and lets the last one
//! win.

use crate::cli::rcfile;
use crate::cli::spelling::{self, Given};
use crate::cli::table::{OPTIONS, Opt, Takes};
use crate::error::{Error, Kind, Result};
use crate::pg::Secret;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use std::collections::BTreeMap;

/// The options of one invocation. Section 1.3 of the reference tells what each means.
#[derive(Debug, Clone)]
pub struct Options {
    /// Control database.
    pub dbname: String,
    /// Role to connect as.
    pub dbuser: String,
    /// Its password, if given.
    pub dbpass: Option<Secret>,
    /// Host or socket directory, if given.
    pub dbhost: Option<String>,
    /// Port, if given.
    pub dbport: Option<u16>,
    /// 0, 1 or 2 and more.
    pub verbose: u8,
    /// Say less.
    pub quiet: bool,
    /// Show what is done.
    pub debug: bool,
    /// `--help`.
    pub help: bool,
    /// `--version`.
    pub version: bool,
    /// How far back `status` looks.
    pub daysback: i64,
    /// Order of the table of `status`.
    pub sort: i64,
    /// `status`: those that need somebody first.
    pub bad_first: bool,
    /// Days in intervals.
    pub showdays: bool,
    /// No blanks in intervals.
    pub compress: bool,
    /// `kick`: tries after a kill.
    pub retry: i64,
    /// `kick`: pause before each of them, in seconds.
    pub retrysleep: i64,
    /// `kick`: no running clock.
    pub notimer: bool,
    /// `add all`: database.
    pub db: Option<String>,
    /// `add all`: herd.
    pub herd: Option<String>,
    /// `add all`: only these schemas.
    pub schema: Vec<String>,
    /// `add all`: not these schemas.
    pub exclude_schema: Vec<String>,
    /// `add all`: only these tables.
    pub table: Vec<String>,
    /// `add all`: not these tables.
    pub exclude_table: Vec<String>,
    /// Directory for pid files.
    pub piddir: Option<String>,
    /// `install`: the role by which databases are reached.
    pub replication_role: Option<String>,
    /// Ask nothing.
    pub batch: bool,
    /// Do it although there are objections.
    pub force: bool,
    /// Do everything, and store nothing.
    pub dryrun: bool,
    /// Ask before anything is stored.
    pub confirm: bool,
    /// `accept`: copy the tables again.
    pub copy: bool,
    /// Print for programs.
    pub json: bool,
    /// `status`: show it again every so many seconds; 0 is once.
    pub watch: i64,
    /// What `start` hands to the daemon.
    pub start: StartOptions,
    /// Names of an rc file that are no options; handed to the daemon by `start`.
    pub unknown: BTreeMap<String, String>,
}

/// Options of `start`.
#[derive(Debug, Clone)]
pub struct StartOptions {
    /// Do not detach.
    pub foreground: bool,
    /// The daemon sends mail.
    pub sendmail: bool,
    /// Appended to process titles.
    pub extraname: Option<String>,
    /// Write a log file.
    pub debugfile: bool,
    /// Its directory.
    pub debugdir: String,
    /// Suffix of its name.
    pub debugname: Option<String>,
    /// One file per process.
    pub debugfilesep: bool,
    /// Log to syslog as well.
    pub debugsyslog: bool,
    /// First remove old log files.
    pub cleandebugs: bool,
    /// Where the log goes, in the words of the newer dialect; empty if nothing was said.
    pub destinations: Vec<String>,
    /// Whether a directory of log files was named.
    pub debugdir_given: bool,
    /// Whether something was said about syslog.
    pub debugsyslog_given: bool,
    /// How much the daemon logs, in the words of the newer dialect.
    pub log_level: Option<String>,
    /// Whether the daemon ends where there is no active sync; none if nothing was said.
    pub exit_on_nosync: Option<bool>,
}

impl Options {
    /// Merges the settings of an rc file with the options given; the latter win, counters add up.
    pub fn merge(settings: &[(String, String)], given: &[Given]) -> Result<Options> {
        let mut arguments = Vec::new();
        let mut unknown = BTreeMap::new();
        for (name, value) in settings {
            match spelling::exact(name) {
                Some(opt) => arguments.extend(from_file(opt, value)?),
                None => drop(unknown.insert(name.clone(), value.clone())),
            }
        }
        arguments.extend(given.iter().map(|(opt, value)| canonical(opt, value.as_deref())));
        let matches = command().try_get_matches_from(arguments).map_err(|e| Error::new(Kind::Bug, e.to_string()))?;
        Options::from_matches(&matches, unknown)
    }

    fn from_matches(matches: &ArgMatches, unknown: BTreeMap<String, String>) -> Result<Options> {
        let found = Found(matches);
        Ok(Options {
            dbname: found.text_or_empty("dbname"),
            dbuser: found.text_or_empty("dbuser"),
            dbpass: found.text("dbpass").map(Secret::new),
            dbhost: found.text("dbhost"),
            dbport: found.port("dbport")?,
            verbose: if ["vv", "vvv", "vvvv"].into_iter().any(|name| found.flag(name)) { 2 } else { found.count("verbose") },
            quiet: found.count("quiet") > 0,
            debug: found.count("debug") > 0,
            help: found.flag("help"),
            version: found.flag("version"),
            daysback: Some(found.number("daysback")).filter(|days| *days != 0).unwrap_or(3),
            sort: found.number("sort"),
            bad_first: found.flag("bad-first"),
            showdays: found.flag("showdays"),
            compress: found.flag("compress"),
            retry: found.number("retry"),
            retrysleep: found.number("retrysleep"),
            notimer: found.flag("notimer"),
            db: found.text("db"),
            herd: found.text("herd"),
            schema: found.list("schema"),
            exclude_schema: found.list("exclude-schema"),
            table: found.list("table"),
            exclude_table: found.list("exclude-table"),
            piddir: found.text("piddir"),
            replication_role: found.text("replication-role"),
            batch: found.flag("batch"),
            force: found.flag("force"),
            dryrun: found.flag("dryrun"),
            confirm: found.flag("confirm"),
            copy: found.flag("copy"),
            json: found.flag("json"),
            watch: found.number("watch"),
            start: found.start(),
            unknown,
        })
    }
}

/// Typed access to what clap found.
struct Found<'a>(&'a ArgMatches);

impl Found<'_> {
    fn text(&self, name: &str) -> Option<String> {
        self.0.get_one::<String>(name).cloned()
    }

    fn text_or_empty(&self, name: &str) -> String {
        self.text(name).unwrap_or_default()
    }

    fn number(&self, name: &str) -> i64 {
        self.0.get_one::<i64>(name).copied().unwrap_or_default()
    }

    fn flag(&self, name: &str) -> bool {
        self.0.get_flag(name)
    }

    fn count(&self, name: &str) -> u8 {
        self.0.get_count(name)
    }

    fn list(&self, name: &str) -> Vec<String> {
        self.0.get_many::<String>(name).unwrap_or_default().cloned().collect()
    }

    /// Whether it was said, on the command line or in the rc file.
    fn is_given(&self, name: &str) -> bool {
        self.0.value_source(name) == Some(ValueSource::CommandLine)
    }

    fn port(&self, name: &str) -> Result<Option<u16>> {
        let Some(number) = self.0.get_one::<i64>(name) else { return Ok(None) };
        match u16::try_from(*number) {
            Ok(port) if port > 0 => Ok(Some(port)),
            _ => Err(Error::new(Kind::Usage, format!("Value \"{number}\" invalid for option {name} (port expected)"))
                .hint("a port is a number from 1 to 65535")),
        }
    }

    fn start(&self) -> StartOptions {
        StartOptions {
            foreground: self.flag("foreground"),
            sendmail: self.number("sendmail") != 0 && !self.flag("no-sendmail"),
            extraname: self.text("extraname"),
            debugfile: self.number("debugfile") != 0,
            debugdir: self.text_or_empty("debugdir"),
            debugname: self.text("debugname"),
            debugfilesep: self.flag("debugfilesep"),
            debugsyslog: self.number("debugsyslog") != 0,
            cleandebugs: self.number("cleandebugs") != 0 || self.flag("log-clean"),
            destinations: self.list("log-destination"),
            debugdir_given: self.is_given("debugdir"),
            debugsyslog_given: self.is_given("debugsyslog"),
            log_level: self.text("log-level"),
            exit_on_nosync: match (self.flag("exit-on-nosync"), self.flag("no-exit-on-nosync")) {
                (_, true) => Some(false),
                (true, false) => Some(true),
                (false, false) => None,
            },
        }
    }
}

/// The one spelling clap sees.
fn canonical(opt: &Opt, value: Option<&str>) -> String {
    match value {
        Some(value) => format!("--{}={value}", opt.name),
        None => format!("--{}", opt.name),
    }
}

/// A setting of the rc file as arguments: `verbose=2` counts twice, `quiet=0` not at all.
fn from_file(opt: &Opt, value: &str) -> Result<Vec<String>> {
    let times = value.parse().unwrap_or(1_u8);
    match opt.takes {
        Takes::Flag => Ok(vec![canonical(opt, None); times.min(1).into()]),
        Takes::Counter => Ok(vec![canonical(opt, None); times.into()]),
        Takes::Integer | Takes::Switch if value.parse::<i64>().is_err() => Err(not_a_number(opt, value)),
        _ => Ok(vec![canonical(opt, Some(value))]),
    }
}

fn not_a_number(opt: &Opt, value: &str) -> Error {
    Error::new(Kind::Usage, format!("Value \"{value}\" invalid for option {} (number expected)", opt.name))
        .hint(format!("correct the line \"{}=\" of the rc file", opt.name))
}

/// The table as clap has it.
pub fn command() -> Command {
    let command = Command::new("bucardo_ctl").no_binary_name(true).disable_help_flag(true).disable_version_flag(true);
    command.args_override_self(true).args(OPTIONS.iter().map(argument))
}

fn argument(opt: &'static Opt) -> Arg {
    let mut shorts = opt.aliases.iter().filter(|alias| alias.len() == 1).filter_map(|alias| alias.chars().next());
    let arg = Arg::new(opt.name).long(opt.name).help(opt.help);
    let arg = match shorts.next_back() {
        Some(short) => arg.short(short),
        None => arg,
    };
    let arg = match opt.takes {
        Takes::Flag => arg.action(ArgAction::SetTrue),
        Takes::Counter => arg.action(ArgAction::Count),
        Takes::Text => arg.action(ArgAction::Set).value_parser(value_parser!(String)),
        Takes::Integer | Takes::Switch => arg.action(ArgAction::Set).value_parser(value_parser!(i64)),
        Takes::List => arg.action(ArgAction::Append).value_parser(value_parser!(String)),
    };
    let arg = if opt.takes.value() { arg.value_name(opt.placeholder) } else { arg };
    opt.default.map_or(arg.clone(), |default| arg.default_value(default))
}

/// Finds and reads the rc file, unless told not to.
pub fn settings(given: &[Given], home: Option<&str>, personality: super::Personality) -> Result<Vec<(String, String)>> {
    if given.iter().any(|(opt, _)| opt.name == "no-bucardorc") {
        return Ok(Vec::new());
    }
    let named = given.iter().rev().find(|(opt, _)| opt.name == "bucardorc").and_then(|(_, value)| value.as_deref());
    match rcfile::choose(named, home)? {
        Some(file) => rcfile::read(&file, personality),
        None => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::cli::Personality;

    fn merged(file: &[(&str, &str)], line: &[&str]) -> Result<Options> {
        let settings: Vec<_> = file.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let line: Vec<_> = line.iter().map(|word| (*word).to_owned()).collect();
        Options::merge(&settings, &spelling::read(&line, Personality::BucardoCtl4, false).options)
    }

    #[test]
    fn the_table_makes_a_sound_clap_command() {
        command().debug_assert();
    }

    #[test]
    fn the_command_line_wins_over_the_file_and_counters_add_up() {
        let options = merged(&[("dbport", "5400"), ("verbose", "1"), ("quiet", "0")], &["--dbport=1", "--verbose"]).unwrap();
        assert_eq!((options.dbport, options.verbose, options.quiet), (Some(1), 2, false));
    }

    #[test]
    fn what_is_not_given_has_the_defaults_of_the_reference() {
        let options = merged(&[], &[]).unwrap();
        assert_eq!((options.dbname.as_str(), options.dbuser.as_str(), options.dbhost), ("bucardo", "bucardo", None));
        assert_eq!((options.daysback, options.sort, options.retry), (3, 1, 0));
        assert!(options.start.debugfile && options.start.debugsyslog && !options.start.sendmail);
    }

    #[test]
    fn lists_collect_and_a_list_in_the_file_has_one_element() {
        let options = merged(&[("schema", "a")], &["-n", "b", "-T", "t*"]).unwrap();
        assert_eq!(options.schema, ["a", "b"]);
        assert_eq!(options.exclude_table, ["t*"]);
    }

    #[test]
    fn unknown_names_of_the_file_are_kept_for_the_daemon() {
        let options = merged(&[("warning_file", "w"), ("sendmail", "1")], &[]).unwrap();
        assert_eq!(options.unknown.get("warning_file").unwrap(), "w");
        assert!(options.start.sendmail);
    }

    #[test]
    fn a_port_that_is_none_is_refused() {
        assert_eq!(merged(&[], &["--dbport=0"]).unwrap_err().kind(), Kind::Usage);
        assert_eq!(merged(&[("dbport", "x")], &[]).unwrap_err().kind(), Kind::Usage);
    }
}
