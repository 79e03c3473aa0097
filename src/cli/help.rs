//! `help`, `--help`, the usage texts of all verbs, and the topics. Needs no database.

use crate::cli::table::{Topic, VERBS, verb};
use crate::cli::topics::{self, SUBJECTS};
use crate::cli::{Invocation, Personality, near, options, output, reference};
use crate::error::{Error, Kind, Result};
use crate::{say, say_text, warn_user};

/// Usage texts.
pub const TOPICS: &[Topic] = &[only(
    "Usage: help [verb [type]]
       help <topic>

  help                  the verbs, the options and the topics
  help add sync
  help conflicts",
)];

/// `help [VERB [TYPE]]`, `help TOPIC`. Topics are for a pager, and so on standard output in both
/// dialects.
pub fn run(invocation: &Invocation) -> Result<u8> {
    let words: Vec<_> = invocation.nouns.iter().map(String::as_str).collect();
    let Some((word, others)) = words.split_first() else { return Ok(general(invocation)) };
    if let Some(text) = topic(invocation.personality, word, others) {
        print(invocation.personality, &text);
        return Ok(0);
    }
    let Some(subject) = topics::find(word) else { return Err(unknown_topic(word)) };
    say_text!("{}", subject.told());
    Ok(0)
}

fn unknown_topic(word: &str) -> Error {
    let known = VERBS.iter().map(|verb| verb.name).chain(SUBJECTS.iter().map(|subject| subject.name));
    let hint = near::ahead(near::question(word, known), "`help` lists the verbs and the topics");
    Error::new(Kind::Usage, format!("there is no help about \"{word}\"")).hint(hint).exit_code(1)
}

/// The general help; its exit code as result. The older dialect has it on standard error.
pub fn general(invocation: &Invocation) -> u8 {
    let dialect = invocation.personality.dialect();
    if dialect.help_on_stdout || !invocation.options.quiet {
        print(invocation.personality, &general_text(&invocation.prog));
    }
    let asked = invocation.options.help || invocation.verb == "help";
    match () {
        () if asked => 0,
        () if invocation.verb.is_empty() => dialect.bare_code,
        () => dialect.unknown_verb_code,
    }
}

/// What a word that is no verb gets: help. The older dialect calls that success, and scripts may
/// depend on it; there, the word is named last, where it is still on the screen.
pub fn unknown_verb(invocation: &Invocation) -> u8 {
    let unknown = format!("Unknown command \"{}\"", invocation.verb);
    let dialect = invocation.personality.dialect();
    if dialect.help_on_stdout {
        say!("{unknown}");
    }
    let code = general(invocation);
    if !dialect.help_on_stdout && !invocation.options.quiet {
        warn_user!("\n{unknown}");
    }
    hint(invocation, &invocation.verb);
    code
}

/// Which verb may have been meant.
fn hint(invocation: &Invocation, word: &str) {
    let question = near::question(word, VERBS.iter().map(|verb| verb.name));
    question.filter(|_| !invocation.options.quiet).into_iter().for_each(|question| warn_user!("HINT: {question}"));
}

/// Prints the usage text of `verb` (as typed) for `words` where the dialect has its help, because
/// the command line lacks something; the exit code of such a command as result.
pub fn usage(personality: Personality, verb: &str, words: &[&str]) -> u8 {
    print(personality, &topic(personality, verb, words).unwrap_or_default());
    1
}

/// The usage text of a verb, or of one of its types.
pub fn topic(personality: Personality, typed: &str, words: &[&str]) -> Option<String> {
    let typed = typed.to_lowercase();
    let topics = verb(&typed)?.topics;
    let kind = words.first().map(|word| word.to_lowercase());
    let special = topics.iter().find(|topic| kind.as_deref().is_some_and(|kind| topic.words.contains(&kind)));
    let found = special.or_else(|| topics.iter().find(|topic| topic.words.is_empty()))?;
    Some(reference::with_keys(found.of(personality), found.keys).replace("{verb}", &typed))
}

/// A verb with one usage text.
pub const fn only(text: &'static str) -> Topic {
    about(&[], text)
}

/// What is said about one of a verb's types, or, without words, about the verb.
pub const fn about(words: &'static [&'static str], text: &'static str) -> Topic {
    Topic { words, text, newer: None, keys: &[] }
}

fn print(personality: Personality, text: &str) {
    match personality.dialect().help_on_stdout {
        false => output::err(format_args!("{text}\n")),
        true => say_text!("{text}"),
    }
}

fn general_text(prog: &str) -> String {
    let verbs: Vec<_> = VERBS.iter().map(|verb| format!("  {} {}\n    ** {}", verb.name, verb.arguments, verb.about)).collect();
    let options = options::command().help_template("{options}").render_help().to_string();
    let topics: Vec<_> = SUBJECTS.iter().map(|subject| format!("  {:<17}{}", subject.name, subject.about)).collect();
    format!(
        "Usage: {prog} args\n\n{}\n\nOptions, anywhere on the line:\n{}\n\nTopics, for '{prog} help TOPIC':\n{}\n\n\
         For more details, try 'man bucardo_ctl'",
        verbs.join("\n").replace(" \n", "\n"),
        options.trim_end(),
        topics.join("\n")
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn the_general_help_names_every_verb_and_topic_between_its_first_and_last_line() {
        let text = general_text("bucardo_ctl");
        assert!(text.starts_with("Usage: bucardo_ctl args\n"));
        assert!(text.ends_with("\nFor more details, try 'man bucardo_ctl'"));
        assert!(VERBS.iter().all(|verb| text.contains(&format!("\n  {}", verb.name))));
        assert!(SUBJECTS.iter().all(|subject| text.contains(&format!("\n  {}", subject.name))));
        assert!(text.contains("--dbport <PORT>") && text.lines().all(|line| line.trim_end() == line), "{text}");
    }

    #[test]
    fn a_verb_has_its_own_usage_text() {
        let topic = |verb| topic(Personality::BucardoCtl4, verb, &[]);
        assert!(topic("KICK").unwrap().starts_with("Usage: kick <name>"));
        assert!(topic("nosuch").is_none());
    }
}
