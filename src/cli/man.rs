//! `man`: the manual page, made from the table that the parser and the help are made from, and from
//! the topics of `help`.

use crate::cli::table::{OPTIONS, Opt, Topic, VERBS, Verb};
use crate::cli::topics::{self, SUBJECTS, Subject};
use crate::cli::{Invocation, help, reference};
use crate::error::Result;
use crate::say_text;

/// Usage texts.
pub const TOPICS: &[Topic] = &[help::only("Usage: man\n\n  bucardo_ctl man > /usr/share/man/man1/bucardo_ctl.1")];

/// `man`.
pub fn run(_invocation: &Invocation) -> Result<u8> {
    say_text!("{}", page());
    Ok(0)
}

fn page() -> String {
    let verbs: String = VERBS.iter().map(verb).collect();
    let options: String = OPTIONS.iter().map(option).collect();
    let topics: String = SUBJECTS.iter().filter(|subject| subject.name != "exit").map(subject).collect();
    let exit = topics::find("exit").map(|subject| flowing(&subject.body())).unwrap_or_default();
    format!(
        r#".TH BUCARDO_CTL 1
.SH NAME
bucardo_ctl \- replicate tables between PostgreSQL databases
.SH SYNOPSIS
.B bucardo_ctl
[options] verb [noun ...] [key=value ...]
.br
.B bucardo
the same in the dialect of Bucardo 5.6
.SH DESCRIPTION
Changes of tables and sequences are carried from one database to others, asynchronously. What goes where is kept in a control database;
a daemon does the work.
.SH VERBS
{verbs}.SH OPTIONS
They may stand anywhere on the line, with one dash or two, and be abbreviated. Without their dashes they may stand in the file
.IR .bucardorc ,
one
.I name = value
a line.
{options}{topics}.SH EXIT STATUS
{exit}.SH SEE ALSO
.BR psql (1),
.BR pg_dump (1)"#
    )
}

/// A dash that is one, and no line that begins with a dot.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    text.lines()
        .map(|line| if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line.to_owned() })
        .collect::<Vec<_>>()
        .join("\n")
}

fn verb(verb: &Verb) -> String {
    let mut text = format!(".SS {} {}\n{}.\n", escaped(verb.name), escaped(verb.arguments), escaped(verb.about));
    for topic in verb.topics {
        for said in std::iter::once(topic.text).chain(topic.newer) {
            let said = reference::with_keys(said, topic.keys).replace("{verb}", verb.name);
            text += &format!(".PP\n.nf\n{}\n.fi\n", escaped(&said));
        }
    }
    text
}

fn subject(subject: &Subject) -> String {
    let about = reference::filled(subject.about, 0);
    format!(".SH {}\n.I {}\n{}", subject.name.to_uppercase(), escaped(&about), flowing(&subject.body()))
}

/// Paragraphs that the formatter fills, and indented lines as they are.
fn flowing(text: &str) -> String {
    let mut page = String::new();
    for part in text.split("\n\n") {
        let mut lines = part.lines().peekable();
        page += ".PP\n";
        while let Some(line) = lines.next() {
            let stands = line.starts_with(' ');
            let mut run = vec![line];
            while let Some(next) = lines.next_if(|next| next.starts_with(' ') == stands) {
                run.push(next);
            }
            let run = escaped(&run.join("\n"));
            page += &if stands { format!(".nf\n{run}\n.fi\n") } else { run + "\n" };
        }
    }
    page
}

fn option(opt: &Opt) -> String {
    let names: Vec<String> = std::iter::once(&opt.name)
        .chain(opt.aliases)
        .map(|name| escaped(&format!("{}{name}", if name.len() == 1 { "-" } else { "--" })))
        .collect();
    let value = if opt.takes.value() { format!(" {}", escaped(opt.placeholder)) } else { String::new() };
    let default = opt.default.map(|value| format!(" (default {})", escaped(value))).unwrap_or_default();
    format!(".TP\n.B {}{value}\n{}{default}\n", names.join(", "), escaped(opt.help))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_verb_and_option_and_no_stray_request() {
        let page = page();
        for verb in VERBS {
            assert!(page.contains(&format!("\n.SS {}", verb.name)), "{}", verb.name);
        }
        for subject in SUBJECTS.iter().filter(|subject| subject.name != "exit") {
            assert!(page.contains(&format!("\n.SH {}\n", subject.name.to_uppercase())), "{}", subject.name);
            for line in subject.body().lines() {
                assert!(page.contains(&escaped(line)), "{}: {line}", subject.name);
            }
        }
        for opt in OPTIONS {
            assert!(page.contains(&escaped(&format!("--{}", opt.name))), "{}", opt.name);
        }
        let known = [".TH", ".SH", ".SS", ".TP", ".PP", ".B ", ".BR", ".I ", ".IR", ".br", ".nf", ".fi"];
        for line in page.lines().filter(|line| line.starts_with('.')) {
            assert!(known.iter().any(|request| line.starts_with(request)), "{line}");
        }
    }
}
