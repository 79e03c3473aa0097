//! Colours, for people only: on a terminal that has them, and not where NO_COLOR is set. What
//! programs read never has any.

use std::io::IsTerminal;

const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const YELLOW: &str = "\u{1b}[33m";
const RESET: &str = "\u{1b}[0m";

/// States in the tables of `status`, and what they are shown in.
const STATES: [(&str, &str); 11] = [
    ("Good", GREEN),
    ("idle", GREEN),
    ("Bad", RED),
    ("invalid", RED),
    ("stopped", RED),
    ("Stopped", RED),
    ("stalled", RED),
    ("paused", YELLOW),
    ("Paused", YELLOW),
    ("Incomplete", YELLOW),
    ("off", YELLOW),
];

/// A sentence about what went wrong, as it goes to standard error.
pub fn alarm(text: &str) -> String {
    if wanted(&std::io::stderr()) { painted(text, RED) } else { text.to_owned() }
}

/// A table of `status`, as it goes to standard output.
pub fn states(table: &str) -> String {
    if wanted(&std::io::stdout()) { with_states(table) } else { table.to_owned() }
}

/// A line about what is bad, as it goes to standard output.
pub fn bad(text: &str) -> String {
    if wanted(&std::io::stdout()) { painted(text, RED) } else { text.to_owned() }
}

fn wanted(stream: &impl IsTerminal) -> bool {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    stream.is_terminal() && variable("NO_COLOR").is_empty() && variable("TERM") != "dumb"
}

fn painted(text: &str, colour: &str) -> String {
    format!("{colour}{text}{RESET}")
}

/// Only the beginning of a cell is a state, so that columns keep their widths and names their
/// colour.
fn with_states(table: &str) -> String {
    let lines = table.split_inclusive('\n').map(|line| {
        let cell = STATES.iter().find_map(|(word, colour)| {
            let found = ["|", "| "].into_iter().flat_map(|before| [" ", ",", "|"].map(|after| (before, after)));
            found
                .into_iter()
                .find(|(before, after)| line.contains(&format!("{before}{word}{after}")))
                .map(|it| (word, colour, it))
        });
        match cell {
            Some((word, colour, (before, after))) => {
                line.replacen(&format!("{before}{word}{after}"), &format!("{before}{}{after}", painted(word, colour)), 1)
            }
            None => line.to_owned(),
        }
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_states_have_colours() {
        assert_eq!(with_states(" idle | P     | idle    | 1"), " idle | P     | \u{1b}[32midle\u{1b}[0m    | 1");
        assert_eq!(with_states(" Bad   | Bad    | x"), " Bad   | \u{1b}[31mBad\u{1b}[0m    | x");
        assert_eq!(with_states("a|paused, 7 waiting|\n"), "a|\u{1b}[33mpaused\u{1b}[0m, 7 waiting|\n");
        assert_eq!(with_states("off| P   |stopped|\n"), "off| P   |\u{1b}[31mstopped\u{1b}[0m|\n");
    }
}
