//! Talking: says what [`menu`](super::menu) decides, until there is something to proceed with.

use super::menu::{Answer, Choice, Item, understand};
use crate::cli::Personality;
use crate::error::{Error, Kind, Result};
use crate::plain;
use std::io::{BufRead, Write};
use std::path::Path;

/// What a person should know beforehand.
pub const GREETING: &str = "\
This installs the bucardo database into an existing Postgres cluster.
PL/pgSQL, which every cluster has, is the only language it needs.
You must be able to connect as a user who may create roles and databases, such as a superuser.

A role and a database, both named 'bucardo', will be created.
The role will not be a superuser.
";

const QUESTION: &str = "Enter a number to change it, P to proceed, or Q to quit: ";

/// One who answers, and one who reads.
pub struct Dialogue<'a> {
    /// Where answers come from.
    pub input: &'a mut dyn BufRead,
    /// Where questions go.
    pub out: &'a mut dyn Write,
    /// Whether to tell how things go.
    pub talkative: bool,
}

impl Dialogue<'_> {
    /// Says a line. If nobody can hear it any more, the work goes on all the same.
    pub fn say(&mut self, line: &str) {
        drop(self.out.write_all(format!("{}\n", plain::lines(line)).as_bytes()));
    }

    /// Says a line about how things go.
    pub fn tell(&mut self, line: &str) {
        if self.talkative {
            self.say(line);
        }
    }

    /// Says why the server cannot be used like this.
    pub fn sorry(&mut self, choice: &Choice, error: &Error) {
        let reason = error.to_string();
        self.say(&format!("-->Sorry, unable to connect to the database\n{reason}"));
        if reason.contains(&format!("role \"{}\"", choice.user)) {
            self.say("-->Sorry, please try using a different user");
        }
        self.say("");
    }

    /// Shows the menu until the answer is to proceed.
    pub fn settle(&mut self, choice: &mut Choice, personality: Personality) -> Result<()> {
        loop {
            self.say(&choice.show(personality));
            match understand(&self.ask(QUESTION)?) {
                Answer::Set(item, value) => self.change(choice, item, value)?,
                Answer::Proceed if Path::new(&choice.piddir).is_dir() => return Ok(()),
                Answer::Proceed => self.say("-->Sorry, that is not a valid PID directory"),
                Answer::Quit => return Err(Error::new(Kind::Stopped, "Goodbye!")),
                Answer::Again => (),
                Answer::Unknown => self.say("-->Please enter Q to quit, P to proceed, or enter a number to change a setting"),
            }
        }
    }

    fn change(&mut self, choice: &mut Choice, item: Item, value: Option<String>) -> Result<()> {
        let value = match value {
            Some(value) => value,
            None => self.ask(&item.question())?,
        };
        let (Ok(line) | Err(line)) = choice.set(item, value.trim(), Path::is_dir);
        self.say(&line);
        Ok(())
    }

    fn ask(&mut self, question: &str) -> Result<String> {
        drop(self.out.write_all(question.as_bytes()));
        let mut answer = String::new();
        let read = self.input.read_line(&mut answer);
        let read = read.map_err(|e| Error::new(Kind::File, "cannot read the answer").caused_by(e))?;
        self.say("");
        if read == 0 { Err(nobody_answers()) } else { Ok(answer) }
    }
}

fn nobody_answers() -> Error {
    Error::new(Kind::Usage, "The input ended before an answer to proceed")
        .hint("pipe the answers, P at last, or ask for no questions with --batch")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::cli::Options;

    fn talk(answers: &str) -> (Result<()>, Choice, String) {
        let mut choice = Choice::first(&Options::merge(&[], &[]).unwrap(), Personality::BucardoCtl4, |_| None);
        choice.piddir = "/".to_owned();
        let (mut input, mut out) = (answers.as_bytes(), Vec::new());
        let mut dialogue = Dialogue { input: &mut input, out: &mut out, talkative: true };
        let end = dialogue.settle(&mut choice, Personality::BucardoCtl4);
        (end, choice, String::from_utf8(out).unwrap())
    }

    #[test]
    fn values_come_with_the_number_or_after_a_question() {
        let (end, choice, said) = talk("1 db1\n2\n5433\n9\nP\n");
        assert!(end.is_ok());
        assert_eq!((choice.host.as_deref(), choice.port), (Some("db1"), 5433));
        let end_of_menu = "5. PID directory: /\nEnter a number to change it, P to proceed, or Q to quit: \n";
        assert!(
            said.contains(&format!("{end_of_menu}Changed host to: db1\nCurrent connection settings:\n1. Host:          db1\n"))
        );
        assert!(said.contains(&format!("{end_of_menu}Change the port to: \nChanged port to: 5433\n")));
    }

    #[test]
    fn an_answer_that_does_not_fit_brings_the_menu_again() {
        let (end, choice, said) = talk("maybe\n5 /no/such\n2 x\nP\n");
        assert!(end.is_ok() && choice.port == 5432 && choice.piddir == "/");
        assert_eq!(said.matches("Current connection settings:").count(), 4);
        assert!(said.contains("-->Please enter Q to quit, P to proceed, or enter a number to change a setting\nCurrent"));
        assert!(said.contains("-->Sorry, but the port must be a number\n\nCurrent"));
    }

    #[test]
    fn quitting_and_the_end_of_input_are_failures() {
        assert_eq!(talk("Q\n").0.unwrap_err().to_string(), "Goodbye!");
        assert_eq!(talk("q").0.unwrap_err().code(), 255);
        assert!(talk("1\n").0.unwrap_err().hint_text().unwrap().contains("--batch"));
    }
}
