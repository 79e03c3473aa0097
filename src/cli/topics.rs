//! Topics of `help`: what an operator needs to know beside the verbs. The manual page has the same
//! texts.
//!
//! A paragraph begins in the first column; indented lines stand as they are. Lines are at most 80
//! columns wide, indented ones 73, because the manual page indents them by seven more. A line that
//! begins with ` bucardo_ctl ` is a command.

use crate::cli::reference;

/// A topic.
pub struct Subject {
    /// The word after `help`.
    pub name: &'static str,
    /// What it is about, on one line.
    pub about: &'static str,
    text: &'static str,
}

macro_rules! subject {
    ($name:literal, $about:literal) => {
        Subject { name: $name, about: $about, text: include_str!(concat!("topics/", $name, ".txt")) }
    };
}

/// All topics, in the order of the help.
pub const SUBJECTS: &[Subject] = &[
    subject!("rights", "the roles, what they need, and what they give away"),
    subject!("security", "what is promised, against whom, and what is not"),
    subject!("connections", "passwords, TLS, poolers, and servers with few connections"),
    subject!("tables", "which tables can be replicated, other names, chosen columns, partitions"),
    subject!("conflicts", "rows that several masters change at the same time"),
    subject!("copies", "whole tables: onetimecopy, fullcopy, copying what is there already"),
    subject!("chains", "syncs that pass changes on, and several installations on one database"),
    subject!("ddl", "changing tables, and what is noticed when that is done"),
    subject!("settings", "all settings with their defaults"),
    subject!("files", "logs, pid files, the stop file"),
    subject!("mail", "which mails the daemon sends, and how"),
    subject!("hooks", "what programs can listen to, and what they can run"),
    subject!("monitoring", "states, numbers and tools for watching"),
    subject!("troubleshooting", "changes that are missing, restored servers, dry runs"),
    subject!("exit", "the exit codes of all commands"),
    subject!("moving", "from Bucardo in Perl to this program"),
    subject!("limits", "what is not replicated, and what to know beforehand"),
];

/// The topic of this name, in any case.
pub fn find(word: &str) -> Option<&'static Subject> {
    SUBJECTS.iter().find(|subject| subject.name.eq_ignore_ascii_case(word))
}

impl Subject {
    /// Its text, without the first line.
    pub fn body(&self) -> String {
        reference::with_settings(self.text).trim_end().to_owned()
    }

    /// What `help` prints.
    pub fn told(&self) -> String {
        format!("{}: {}\n\n{}", self.name, self.about, self.body())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::cli::noun;
    use crate::cli::pairs;
    use crate::cli::{Personality, add, spelling, table};
    use crate::control::setting_table;

    const README: &str = include_str!("../../README.md");

    /// The words of a line, as a shell would read them.
    fn words(line: &str) -> Vec<String> {
        let (mut words, mut quote) = (vec![String::new()], None);
        for c in line.chars() {
            match quote {
                Some(open) if c == open => quote = None,
                None if c == '"' || c == '\'' => quote = Some(c),
                None if c == ' ' => words.push(String::new()),
                _ => words.last_mut().unwrap().push(c),
            }
        }
        words.into_iter().filter(|word| !word.is_empty()).collect()
    }

    /// What is wrong with a command, as far as it can be seen without a control database.
    fn wrong(line: &str) -> Option<String> {
        let typed = spelling::read(&words(line)[1..], Personality::BucardoCtl4, false);
        let (verb, nouns) = typed.words.split_first()?;
        let noun = nouns.first().and_then(|kind| noun::exact(kind));
        let known = match verb.as_str() {
            _ if !typed.errors.is_empty() => return Some(typed.errors.join(", ")),
            verb if table::verb(verb).is_none() => return Some(format!("there is no verb {verb}")),
            "add" => match noun {
                Some(noun) => return pairs::read(&nouns[1..], add::keys(noun), "").err().map(|error| error.to_string()),
                None => nouns.first().is_some_and(|word| word == "all"),
            },
            "update" => noun.is_some(),
            "set" | "show" => nouns.iter().all(|word| {
                let name = word.split('=').next().unwrap();
                let takes = |value: &str| setting_table::find(name).is_some_and(|setting| setting.takes.accepts(value));
                word == "all" || word.split_once('=').map_or(setting_table::find(name).is_some(), |(_, value)| takes(value))
            }),
            "help" => nouns.first().is_none_or(|word| table::verb(word).is_some() || find(word).is_some()),
            _ => true,
        };
        (!known).then(|| "its words are not known".to_owned())
    }

    #[test]
    fn every_command_of_a_topic_and_of_the_readme_is_one() {
        let blocks = README.split("```").skip(1).step_by(2).map(str::to_owned);
        let all: Vec<_> = SUBJECTS.iter().map(Subject::told).chain(blocks).collect();
        let lines = all.iter().flat_map(|text| text.lines());
        let commands: Vec<_> = lines.map(str::trim).filter(|line| line.starts_with("bucardo_ctl ")).collect();
        assert!(commands.len() > 60, "{}", commands.len());
        for command in commands {
            let first = command.split(['|', '&', ';', '>']).next().unwrap();
            assert_eq!(wrong(first.trim()), None, "{command}");
        }
        for line in
            ["bucardo_ctl nosuch", "bucardo_ctl add sync s nosuch=1", "bucardo_ctl set copy_jobs=0", "bucardo_ctl kick --x"]
        {
            assert!(wrong(line).is_some(), "{line}");
        }
    }

    /// `help TOPIC` in a text, a usage text or a hint leads somewhere.
    #[test]
    fn every_topic_that_is_named_exists() {
        let texts = SUBJECTS.iter().map(Subject::told).chain([README.to_owned()]);
        for text in texts {
            for named in text.split("`help ").skip(1).chain(text.split("`bucardo_ctl help ").skip(1)) {
                let word = named.split(['`', ' ']).next().unwrap();
                let known = find(word).is_some() || table::verb(word).is_some() || word.chars().all(|c| c.is_uppercase());
                assert!(known, "help {word}");
            }
        }
    }

    #[test]
    fn every_topic_fits_a_terminal_and_the_manual_page() {
        for subject in SUBJECTS {
            for line in subject.told().lines() {
                let width = if line.starts_with(' ') { 73 } else { 80 };
                assert!(line.chars().count() <= width && line.trim_end() == line, "help {}: {line}", subject.name);
                assert!(line.is_ascii() && !line.contains(['{', '}']), "help {}: {line}", subject.name);
            }
        }
    }

    #[test]
    fn the_topics_are_the_files_of_the_folder() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/cli/topics");
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut there: Vec<_> = files.map(|file| file.file_name().to_string_lossy().replace(".txt", "")).collect();
        let mut known: Vec<_> = SUBJECTS.iter().map(|subject| subject.name.to_owned()).collect();
        there.sort();
        known.sort();
        assert_eq!(there, known);
    }
}
