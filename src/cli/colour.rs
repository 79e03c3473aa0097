//! Colours, for people only: on a terminal that has them, and not where NO_COLOR is set. What programs read never has any.

use std::io::IsTerminal;

const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const YELLOW: &str = "\u{1b}[33m";
const RESET: &str = "\u{1b}[0m";

/// All that a terminal is told.
pub const COLOURS: [&str; 4] = [RED, GREEN, YELLOW, RESET];

/// States in the tables of `status`, and what they are shown in.
const STATES: [(&str, &str); 5] = [("Good", GREEN), ("idle", GREEN), ("Bad", RED), ("invalid", RED), ("stalled", YELLOW)];

/// A sentence about what went wrong, as it goes to standard error.
pub fn alarm(text: &str) -> String {
    if wanted(&std::io::stderr()) { painted(text, RED) } else { text.to_owned() }
}

/// A table of `status`, as it goes to standard output.
pub fn states(table: &str) -> String {
    if wanted(&std::io::stdout()) { with_states(table) } else { table.to_owned() }
}

fn wanted(stream: &impl IsTerminal) -> bool {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    stream.is_terminal() && variable("NO_COLOR").is_empty() && variable("TERM") != "dumb"
}

fn painted(text: &str, colour: &str) -> String {
    format!("{colour}{text}{RESET}")
}

/// Only a whole cell is a state, so that columns keep their widths and names their colour.
fn with_states(table: &str) -> String {
    STATES.iter().fold(table.to_owned(), |text, (word, colour)| {
        text.replace(&format!("| {word} "), &format!("| {} ", painted(word, colour)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_states_have_colours() {
        assert_eq!(with_states(" idle | P     | idle    | 1"), " idle | P     | \u{1b}[32midle\u{1b}[0m    | 1");
        assert_eq!(with_states(" Bad   | Bad    | x"), " Bad   | \u{1b}[31mBad\u{1b}[0m    | x");
    }
}
