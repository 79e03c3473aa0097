//! The command line: from what was typed to an exit code. One file per verb; each has `run(session,
//! nouns)` and its usage texts, and a row in [`table`]. The order of things at start-up is that of
//! the reference, 1.6.

// The verbs, one file (or folder) each.
pub mod accept;
pub mod activate;
pub mod add;
pub mod clone;
pub mod completion;
pub mod delta;
pub mod help;
pub mod inspect;
pub mod install;
pub mod kick;
pub mod list;
pub mod man;
pub mod pause;
pub mod ping;
pub mod purge;
pub mod reload;
pub mod reload_config;
pub mod remove;
pub mod reopen;
pub mod restart;
pub mod settings;
pub mod start;
pub mod status;
pub mod stop;
pub mod update;
pub mod upgrade;
pub mod validate;

// What they stand on.
pub mod answer;
pub mod colour;
pub mod conflict;
pub mod dialect;
pub mod files;
pub mod insert;
pub mod interrupt;
pub mod interval;
pub mod json;
pub mod near;
pub mod noun;
pub mod options;
pub mod output;
pub mod pairs;
pub mod pattern;
pub mod pidfile;
pub mod presence;
pub mod prog;
pub mod rcfile;
pub mod reason;
pub mod reference;
pub mod refusal;
pub mod relation;
pub mod session;
pub mod spelling;
pub mod standstill;
pub mod stopfile;
pub mod sync_list;
pub mod table;
pub mod topics;

#[cfg(test)]
mod fuzz;

pub use options::Options;
pub use prog::Personality;
pub use session::Session;

use crate::contained::contained;
use crate::control::upgrade::refuse_other_revisions;
use crate::error::{Error, Kind, Result};
use crate::plain;
use crate::{say, warn_user};
use std::ffi::OsString;
use table::Run;

/// What was typed, understood, before any connection.
pub struct Invocation {
    /// The program's name as printed.
    pub prog: String,
    /// The dialect.
    pub personality: Personality,
    /// The options.
    pub options: Options,
    /// The verb as typed, in lower case; empty if there is none.
    pub verb: String,
    /// What follows it.
    pub nouns: Vec<String>,
}

impl Invocation {
    /// The directory of pid files that counts instead of the one in the settings. The older program
    /// knows one only when it installs.
    pub fn piddir(&self) -> Option<&str> {
        self.options.piddir.as_deref().filter(|_| self.personality.dialect().piddir_everywhere)
    }

    /// The same with a verb and its first noun that were written as one word.
    fn apart(&self, verb: &table::Verb, noun: &str) -> Invocation {
        let nouns = [std::slice::from_ref(&noun.to_owned()), &self.nouns].concat();
        let (prog, options) = (self.prog.clone(), self.options.clone());
        Invocation { prog, personality: self.personality, options, verb: verb.name.to_owned(), nouns }
    }
}

/// Runs the command `arguments` (the first is the program's path); the exit code as result.
pub fn main(arguments: Vec<OsString>) -> u8 {
    match understand(arguments).and_then(|invocation| contained(|| run(&invocation))) {
        Ok(code) => output::code(code),
        Err(error) => report(refusal::advise(error)),
    }
}

/// Says a fatal error, once, with the advice it carries.
fn report(error: Error) -> u8 {
    output::raw_err(&(colour::alarm(&plain::lines(&error.to_string())) + "\n"));
    if let Some(hint) = error.hint_text() {
        warn_user!("HINT: {}", plain::line(hint));
    }
    error.code()
}

fn understand(arguments: Vec<OsString>) -> Result<Invocation> {
    let mut arguments = arguments.into_iter().map(text).collect::<Result<Vec<_>>>()?;
    let invoked = if arguments.is_empty() { "bucardo_ctl".to_owned() } else { arguments.remove(0) };
    let personality = Personality::of(&invoked);
    let (options, words) = options(&arguments, personality)?;
    let (verb, nouns) = match words.split_first() {
        Some((verb, nouns)) => (verb.to_lowercase(), nouns.to_vec()),
        None => (String::new(), Vec::new()),
    };
    let prog = prog::name(&invoked, &std::env::var("PATH").unwrap_or_default());
    Ok(Invocation { prog, personality, options, verb, nouns })
}

fn text(argument: OsString) -> Result<String> {
    argument
        .into_string()
        .map_err(|raw| Error::new(Kind::Usage, format!("This argument is not UTF-8: {}", raw.to_string_lossy())))
}

/// The options, those of the rc file included, and the words.
fn options(arguments: &[String], personality: Personality) -> Result<(Options, Vec<String>)> {
    if arguments.iter().any(|argument| is_question(argument)) {
        return Ok((Options::merge(&[("help".to_owned(), "1".to_owned())], &[])?, Vec::new()));
    }
    let typed = spelling::read(arguments, personality, std::env::var_os("POSIXLY_CORRECT").is_some());
    if !typed.errors.is_empty() {
        let error = Error::new(Kind::Usage, typed.errors.join("\n") + "\n");
        let unknown = typed.errors.iter().find_map(|error| error.strip_prefix("Unknown option: "));
        let meant = unknown.and_then(|name| near::question(name, table::OPTIONS.iter().map(|opt| opt.name)));
        return Err(match meant {
            Some(question) => error.hint(format!("{question} --help lists the options")),
            None => error,
        });
    }
    let settings =
        if arguments.is_empty() { Vec::new() } else { options::settings(&typed.options, home().as_deref(), personality)? };
    let mut options = Options::merge(&settings, &typed.options)?;
    if options.debug || (personality.dialect().newer && is_true(std::env::var_os("BUCARDO_DEBUG"))) {
        crate::pg::trace::on();
    }
    options.confirm |= personality.dialect().newer && is_true(std::env::var_os("BUCARDO_CONFIRM"));
    Ok((options, typed.words))
}

/// Whether a variable of the environment says yes, as Perl sees it.
fn is_true(value: Option<OsString>) -> bool {
    value.is_some_and(|value| !value.is_empty() && value != "0")
}

/// `-?`, with any number of dashes.
fn is_question(argument: &str) -> bool {
    argument.strip_suffix('?').is_some_and(|dashes| !dashes.is_empty() && dashes.chars().all(|c| c == '-'))
}

fn home() -> Option<String> {
    std::env::var("HOME").ok()
}

fn run(invocation: &Invocation) -> Result<u8> {
    let options = &invocation.options;
    if options.help || (invocation.verb.is_empty() && !options.version) {
        return Ok(help::general(invocation));
    }
    if options.version {
        return Ok(version(invocation));
    }
    match table::verb(&invocation.verb) {
        Some(verb) => start(verb, invocation),
        None => match table::verb_and_noun(&invocation.verb) {
            Some((verb, noun)) => start(verb, &invocation.apart(verb, noun)),
            None => Ok(help::unknown_verb(invocation)),
        },
    }
}

fn start(verb: &table::Verb, invocation: &Invocation) -> Result<u8> {
    interrupt::watch(verb.name);
    match &verb.run {
        Run::Alone(run) => run(invocation),
        Run::Connected(run) => {
            let mut session = Session::open(invocation)?;
            if verb.name != "upgrade" {
                refuse_other_revisions(&mut session.control)?;
            }
            run(&mut session, &invocation.nouns)
        }
    }
}

fn version(invocation: &Invocation) -> u8 {
    match invocation.personality {
        Personality::BucardoCtl4 => say!("bucardo_ctl version {}", invocation.personality.version()),
        Personality::Bucardo5 => say!("{} version {}", invocation.prog, invocation.personality.version()),
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_and_naught_are_no() {
        assert_eq!(
            [None, Some(""), Some("0"), Some("1")].map(|value| is_true(value.map(OsString::from))),
            [false, false, false, true]
        );
    }

    #[test]
    fn dashes_and_a_question_mark_ask_for_help() {
        assert!(is_question("-?") && is_question("--?"));
        assert!(!is_question("?") && !is_question("-x?"));
    }
}
