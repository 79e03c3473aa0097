//! `install`: makes a database the control database (reference, 3.1 and 8.9).
//!
//! A dialogue finds out where ([`menu`] decides, [`dialogue`] talks), a [`plan`] is made from what
//! the connecting user may do there, [`create`] carries it out, and [`login`] shows that the role
//! of the daemon can come in.

mod create;
mod dialogue;
mod login;
mod menu;
mod password;
mod plan;
mod replication_role;

use crate::cli::table::Topic;
use crate::cli::{Invocation, Options, Personality, help, output, session};
use crate::error::{Error, Kind, Result};
use crate::pg::{ConnInfo, Connection};
use dialogue::{Dialogue, GREETING};
use menu::Choice;
use std::io::{self, BufRead, Write};

/// The usage text.
pub const TOPICS: &[Topic] = &[help::only(
    "Usage: install [--batch] [--dbhost=HOST] [--dbport=PORT] [--dbuser=USER] [--dbname=DATABASE] [--piddir=DIRECTORY]
               [--replication-role=ROLE]

  install                                        shows a menu
  install --batch --dbuser=postgres --piddir=/run/bucardo
  install --replication-role=replicator          databases are reached as another role than the one that owns
                                                 the control database, see `help rights`",
)];

/// The role of the daemon and its database bear this name.
const BUCARDO: &str = "bucardo";

/// The oldest server the schema is tried with, in the form of `server_version_num`.
const OLDEST: u32 = 100_000;

/// What was asked for.
pub struct Settings {
    /// The program's name as printed.
    pub prog: String,
    /// The dialect.
    pub personality: Personality,
    /// How to connect, but for what the dialogue asks.
    pub options: Options,
    /// What the dialogue begins with.
    pub choice: Choice,
}

impl Settings {
    /// From the command line and the environment.
    pub fn new(invocation: &Invocation, environment: impl Fn(&str) -> Option<String>) -> Settings {
        let (options, personality) = (invocation.options.clone(), invocation.personality);
        let choice = Choice::first(&options, personality, |name| environment(name).filter(|value| !value.is_empty()));
        Settings { prog: invocation.prog.clone(), personality, options, choice }
    }

    /// How to connect to `dbname` as `user`. The password that was given is that of the connecting
    /// user, and of no other.
    fn info(&self, choice: &Choice, user: &str, dbname: &str) -> Result<ConnInfo> {
        let mut options = self.options.clone();
        (options.dbhost, options.dbport) = (choice.host.clone(), Some(choice.port));
        (options.dbuser, options.dbname) = (user.to_owned(), dbname.to_owned());
        options.dbpass = options.dbpass.filter(|_| user == choice.user);
        session::conninfo(&options)
    }
}

/// The verb.
pub fn command(invocation: &Invocation) -> Result<u8> {
    let settings = Settings::new(invocation, |name| std::env::var(name).ok());
    run(&settings, &mut io::stdin().lock(), &mut Terminal)
}

/// Asks, on `out`, what is to be asked, takes the answers from `input`, and installs.
pub fn run(settings: &Settings, input: &mut dyn BufRead, out: &mut dyn Write) -> Result<u8> {
    let mut dialogue = Dialogue { input, out, talkative: !settings.options.batch };
    let (choice, mut conn) =
        if settings.options.batch { unasked(settings, &mut dialogue)? } else { asked(settings, &mut dialogue)? };
    install(settings, &choice, &mut conn, &mut dialogue)?;
    Ok(0)
}

fn unasked(settings: &Settings, dialogue: &mut Dialogue) -> Result<(Choice, Connection)> {
    let choice = settings.choice.clone();
    if !settings.options.quiet {
        dialogue.say(&choice.show(settings.personality));
    }
    if !choice.piddir.starts_with('/') {
        return Err(Error::new(Kind::Refused, menu::NOT_ABSOLUTE).hint("name it with --piddir=/...").exit_code(1));
    }
    let mut conn = connect(settings, &choice).map_err(|error| unreachable(settings.personality, error).exit_code(1))?;
    // What is refused leaves no directory behind, and a directory that cannot be made leaves the
    // server as it is.
    create::must_be_fresh(settings, &choice, &mut conn)?;
    std::fs::create_dir_all(&choice.piddir).map_err(|e| no_piddir(&choice, e))?;
    Ok((choice, conn))
}

/// The older dialect gives up when the server cannot be reached, the newer one asks again.
fn asked(settings: &Settings, dialogue: &mut Dialogue) -> Result<(Choice, Connection)> {
    let mut choice = settings.choice.clone();
    dialogue.say(GREETING);
    loop {
        dialogue.settle(&mut choice, settings.personality)?;
        match connect(settings, &choice) {
            Ok(conn) => return Ok((choice, conn)),
            Err(error) if settings.personality == Personality::BucardoCtl4 => {
                return Err(unreachable(settings.personality, error));
            }
            Err(error) => dialogue.sorry(&choice, &error),
        }
    }
}

/// To the database named or, if that fails, to the one that is always there: the former may not
/// exist.
fn connect(settings: &Settings, choice: &Choice) -> Result<Connection> {
    let open = |database| Connection::open(&settings.info(choice, &choice.user, database)?);
    match open(&choice.database) {
        Err(error) if choice.database != "postgres" => open("postgres").map_err(|_| error),
        opened => opened,
    }
}

fn unreachable(personality: Personality, error: Error) -> Error {
    error.context(match personality {
        Personality::BucardoCtl4 => "Sorry, unable to determine the database version",
        Personality::Bucardo5 => "-->Sorry, unable to connect to the database",
    })
}

fn no_piddir(choice: &Choice, error: io::Error) -> Error {
    Error::new(Kind::File, format!("-->Sorry, that is not a valid PID directory: {}", choice.piddir))
        .hint("make it, for the user who will run the daemon, or name another one with --piddir")
        .exit_code(1)
        .caused_by(error)
}

fn install(settings: &Settings, choice: &Choice, conn: &mut Connection, dialogue: &mut Dialogue) -> Result<()> {
    let version = supported(conn.version())?;
    dialogue.tell(&format!("Postgres version is: {version}"));
    dialogue.tell("Attempting to create and populate the bucardo database and schema");
    let site = create::create(settings, choice, conn)?;
    dialogue.tell("Database creation is complete\n");
    dialogue.tell(&format!("Connecting to database '{BUCARDO}' as user '{}'", site.owner));
    let entry = login::check(settings, choice, &site, conn);
    dialogue.tell("Updated configuration setting \"piddir\"");
    entry?;
    dialogue.say("Installation is now complete.");
    settings.options.replication_role.iter().for_each(|role| dialogue.tell(&replication_role::farewell(role)));
    dialogue.tell(&farewell(&settings.prog, &site.owner));
    Ok(())
}

/// The version as people write it.
fn supported(number: u32) -> Result<String> {
    let version = |number: u32| match number {
        0..100_000 => format!("{}.{}", number / 10_000, number / 100 % 100),
        _ => format!("{}.{}", number / 10_000, number % 10_000),
    };
    if number >= OLDEST {
        return Ok(version(number));
    }
    let (oldest, found) = (OLDEST / 10_000, version(number));
    Err(Error::new(Kind::Refused, format!("Sorry, Bucardo requires Postgres version {oldest} or higher. This is only {found}")))
}

fn farewell(prog: &str, owner: &str) -> String {
    let user =
        if owner == BUCARDO { String::new() } else { format!("Please call {prog} with --dbuser={owner} from now on.\n\n") };
    format!(
        "\n{user}If something does not work as it should, please report it.\n\
         `{prog} show all` shows the settings, `{prog} set foo=bar` changes one."
    )
}

/// Standard output that survives a reader who went away.
struct Terminal;

impl Write for Terminal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        output::text(format_args!("{}", String::from_utf8_lossy(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_written_as_people_do_and_an_old_one_refused() {
        assert_eq!(supported(150_018).ok().as_deref(), Some("15.18"));
        assert_eq!(supported(100_023).ok().as_deref(), Some("10.23"));
        let refused = supported(90_624).err().map(|error| error.message().to_owned());
        assert_eq!(refused.as_deref(), Some("Sorry, Bucardo requires Postgres version 10 or higher. This is only 9.6"));
    }
}
