//! `man`: the manual page, made from the table that the parser and the help are made from.

use crate::cli::table::{OPTIONS, Opt, Topic, VERBS, Verb};
use crate::cli::{Invocation, help};
use crate::error::Result;
use crate::say;

/// Usage texts.
pub const TOPICS: &[Topic] = &[help::only("Usage: man\n\n  bucardo_ctl man > /usr/share/man/man1/bucardo_ctl.1")];

/// `man`.
pub fn run(_invocation: &Invocation) -> Result<u8> {
    say!("{}", page());
    Ok(0)
}

fn page() -> String {
    let verbs: String = VERBS.iter().map(verb).collect();
    let options: String = OPTIONS.iter().map(option).collect();
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
{options}.SH FILES
.TP
.I .bucardorc
in the working directory or at home, or
.IR /etc/bucardorc :
options that need not be typed.
.SH EXIT STATUS
0 when it is done; 1 when words are missing, when there is nothing to list, or when the daemon does not answer; 2 when a file is missing or
a kicked sync was killed; 255 when it was refused."#
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
            text += &format!(".PP\n.nf\n{}\n.fi\n", escaped(&said.replace("{verb}", verb.name)));
        }
    }
    text
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
        for opt in OPTIONS {
            assert!(page.contains(&escaped(&format!("--{}", opt.name))), "{}", opt.name);
        }
        let known = [".TH", ".SH", ".SS", ".TP", ".PP", ".B ", ".I ", ".IR", ".br", ".nf", ".fi"];
        for line in page.lines().filter(|line| line.starts_with('.')) {
            assert!(known.iter().any(|request| line.starts_with(request)), "{line}");
        }
    }
}
