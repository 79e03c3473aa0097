//! The menu of `install`, without talking: what it shows, what an answer means, which values it
//! takes.

use crate::cli::{Options, Personality};
use std::path::Path;

/// What the menu settles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Host or socket directory; none: where libpq would look.
    pub host: Option<String>,
    /// Port.
    pub port: u16,
    /// Whom to connect as, to create things.
    pub user: String,
    /// Where to connect to, to create things.
    pub database: String,
    /// Directory of the pid files.
    pub piddir: String,
}

/// The refusal of a directory that would depend on where the daemon is started.
pub const NOT_ABSOLUTE: &str = "-->Sorry, the PID directory must be absolute (start with a slash)";

/// Where pid files are if nothing is said.
const PIDDIR: &str = "/var/run/bucardo";

impl Choice {
    /// What the menu begins with. The older dialect knows no default for user and database but
    /// `postgres`; there, the options' own default `bucardo` means that nothing was given.
    pub fn first(options: &Options, personality: Personality, environment: impl Fn(&str) -> Option<String>) -> Choice {
        let given = |value: &String| personality == Personality::Bucardo5 || value != super::BUCARDO;
        let named = |option: &String, variable| {
            let explicit = Some(option.clone()).filter(|value| value != super::BUCARDO);
            let default = if given(option) { option.clone() } else { "postgres".to_owned() };
            explicit.or_else(|| environment(variable)).unwrap_or(default)
        };
        let number = |variable| environment(variable)?.parse().ok();
        Choice {
            host: options.dbhost.clone().or_else(|| environment("DBHOST")).or_else(|| environment("PGHOST")),
            port: options.dbport.or_else(|| number("DBPORT")).or_else(|| number("PGPORT")).unwrap_or(5432),
            user: named(&options.dbuser, "DBUSER"),
            database: named(&options.dbname, "DBNAME"),
            piddir: options.piddir.clone().unwrap_or_else(|| PIDDIR.to_owned()),
        }
    }

    /// The settings as the menu shows them, without the question.
    pub fn show(&self, personality: Personality) -> String {
        let width = if personality == Personality::Bucardo5 { 16 } else { 15 };
        let line = |number: u8, label: &str, value: &str| format!("{number}. {:width$}{value}\n", format!("{label}:"));
        let mut text = "Current connection settings:\n".to_owned();
        text += &line(1, "Host", self.host.as_deref().unwrap_or("<none>"));
        text += &line(2, "Port", &self.port.to_string());
        text += &line(3, "User", &self.user);
        text += &line(4, "Database", &self.database);
        text += &line(5, "PID directory", &self.piddir);
        text.truncate(text.len() - 1);
        text
    }

    /// Sets an item; what to say about it, or why not. `is_dir` looks at the disk.
    pub fn set(&mut self, item: Item, value: &str, is_dir: impl Fn(&Path) -> bool) -> Result<String, String> {
        match item {
            Item::Host => self.host = Some(value.to_owned()).filter(|host| !host.is_empty()),
            Item::Port => {
                self.port = value.parse().ok().filter(|port| *port > 0).ok_or("-->Sorry, but the port must be a number\n")?
            }
            Item::User => self.user = filled(value, "a user")?,
            Item::Database => self.database = filled(value, "a database name")?,
            Item::PidDir => self.piddir = directory(value, is_dir)?,
        }
        let shown = if item == Item::Host { self.host.as_deref().unwrap_or("<none>") } else { value };
        Ok(format!("Changed {} to: {shown}", item.changed()))
    }
}

fn filled(value: &str, what: &str) -> Result<String, String> {
    if value.is_empty() { Err(format!("-->Sorry, you must specify {what}\n")) } else { Ok(value.to_owned()) }
}

fn directory(value: &str, is_dir: impl Fn(&Path) -> bool) -> Result<String, String> {
    let value = filled(value, "a directory")?;
    if !value.starts_with('/') {
        return Err(NOT_ABSOLUTE.to_owned());
    }
    if is_dir(Path::new(&value)) { Ok(value) } else { Err("-->Sorry, that is not a valid directory".to_owned()) }
}

/// A line of the menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    /// 1
    Host,
    /// 2
    Port,
    /// 3
    User,
    /// 4
    Database,
    /// 5
    PidDir,
}

impl Item {
    /// The question for its value.
    pub fn question(self) -> String {
        let what = if self == Item::PidDir { "PID directory" } else { self.changed() };
        format!("Change the {what} to: ")
    }

    fn changed(self) -> &'static str {
        match self {
            Item::Host => "host",
            Item::Port => "port",
            Item::User => "user",
            Item::Database => "database name",
            Item::PidDir => "PID dir",
        }
    }
}

/// What an answer to the menu means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Set this item, to this value if it was given along.
    Set(Item, Option<String>),
    /// Go ahead.
    Proceed,
    /// Give up.
    Quit,
    /// A number that is not in the menu: show it again.
    Again,
    /// Anything else.
    Unknown,
}

/// Understands an answer.
pub fn understand(line: &str) -> Answer {
    let line = line.trim();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let value = Some(rest.trim()).filter(|value| !value.is_empty()).map(str::to_owned);
    match word {
        "1" => Answer::Set(Item::Host, value),
        "2" => Answer::Set(Item::Port, value),
        "3" => Answer::Set(Item::User, value),
        "4" => Answer::Set(Item::Database, value),
        "5" => Answer::Set(Item::PidDir, value),
        _ if word.starts_with(['q', 'Q']) => Answer::Quit,
        _ if word.starts_with(['p', 'P']) => Answer::Proceed,
        _ if word.starts_with(|c: char| c.is_ascii_digit()) => Answer::Again,
        _ => Answer::Unknown,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn options(settings: &[(&str, &str)]) -> Options {
        let settings: Vec<_> = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Options::merge(&settings, &[]).unwrap()
    }

    fn none(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn the_menu_is_exactly_that_of_the_original() {
        let choice = Choice::first(&options(&[]), Personality::BucardoCtl4, none);
        let menu = "Current connection settings:\n1. Host:          <none>\n2. Port:          5432\n3. User:          postgres\n\
            4. Database:      postgres\n5. PID directory: /var/run/bucardo";
        assert_eq!(choice.show(Personality::BucardoCtl4), menu);
        assert!(choice.show(Personality::Bucardo5).contains("\n1. Host:           <none>\n"));
    }

    #[test]
    fn it_begins_with_options_then_environment_then_defaults() {
        let environment = |name: &str| Some(format!("{name}!")).filter(|_| name != "DBPORT" && name != "PGPORT");
        let first = |settings: &[(&str, &str)], personality| Choice::first(&options(settings), personality, environment);
        let choice = first(&[], Personality::BucardoCtl4);
        assert_eq!((choice.host.as_deref(), &*choice.user, &*choice.database), (Some("DBHOST!"), "DBUSER!", "DBNAME!"));
        let given = [("dbhost", "h"), ("dbport", "5"), ("dbuser", "u"), ("dbname", "d"), ("piddir", "/p")];
        let choice = first(&given, Personality::BucardoCtl4);
        let wanted = Choice { host: Some("h".into()), port: 5, user: "u".into(), database: "d".into(), piddir: "/p".into() };
        assert_eq!(choice, wanted);
        assert_eq!(Choice::first(&options(&[]), Personality::Bucardo5, none).user, "bucardo");
    }

    #[test]
    fn an_answer_is_a_number_with_or_without_value_or_a_letter() {
        let host = |value: Option<&str>| Answer::Set(Item::Host, value.map(str::to_owned));
        for (line, answer) in [
            ("1", host(None)),
            ("  1   db1 \n", host(Some("db1"))),
            ("2 5433", Answer::Set(Item::Port, Some("5433".to_owned()))),
            ("P\n", Answer::Proceed),
            ("proceed", Answer::Proceed),
            ("quit", Answer::Quit),
            ("7", Answer::Again),
            ("12 x", Answer::Again),
            ("", Answer::Unknown),
            ("yes", Answer::Unknown),
        ] {
            assert_eq!(understand(line), answer, "{line:?}");
        }
    }

    #[test]
    fn values_are_confirmed_or_refused_in_the_original_s_words() {
        let exists = |path: &Path| path == Path::new("/run");
        for (item, value, said) in [
            (Item::Host, "db1", Ok("Changed host to: db1")),
            (Item::Host, "", Ok("Changed host to: <none>")),
            (Item::Port, "5433", Ok("Changed port to: 5433")),
            (Item::Port, "many", Err("-->Sorry, but the port must be a number\n")),
            (Item::Port, "70000", Err("-->Sorry, but the port must be a number\n")),
            (Item::User, "u", Ok("Changed user to: u")),
            (Item::User, "", Err("-->Sorry, you must specify a user\n")),
            (Item::Database, "d", Ok("Changed database name to: d")),
            (Item::Database, "", Err("-->Sorry, you must specify a database name\n")),
            (Item::PidDir, "/run", Ok("Changed PID dir to: /run")),
            (Item::PidDir, "", Err("-->Sorry, you must specify a directory\n")),
            (Item::PidDir, "run", Err("-->Sorry, the PID directory must be absolute (start with a slash)")),
            (Item::PidDir, "/none", Err("-->Sorry, that is not a valid directory")),
        ] {
            let mut choice = Choice::first(&options(&[]), Personality::BucardoCtl4, none);
            let before = choice.clone();
            let result = choice.set(item, value, exists);
            assert_eq!(result.as_deref().map_err(String::as_str), said, "{item:?} {value:?}");
            assert!(result.is_ok() || choice == before, "a refused value was kept");
        }
    }

    #[test]
    fn questions_are_those_that_expect_scripts_wait_for() {
        let questions: Vec<_> = [Item::Host, Item::Database, Item::PidDir].map(Item::question).into();
        assert_eq!(questions, ["Change the host to: ", "Change the database name to: ", "Change the PID directory to: "]);
    }
}
