//! Text from others: errors of servers, names, values. In it, characters that a terminal or a
//! reader of a log obeys instead of showing them are escaped, so that no text can look like another
//! line, or hide one.

use std::borrow::Cow;
use std::fmt::Write;

/// The text on one line: control characters as escapes, a newline as `\n`.
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, &[])
}

/// The text with its lines: all control characters but newline and tab as escapes.
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, &['\n', '\t'])
}

/// The most characters of a server's message that are kept: an owner of a table can make errors of
/// any length.
const LONGEST: usize = 2000;

/// The text, or as much of it as is kept of what a server says.
pub fn bounded(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LONGEST) {
        None => Cow::Borrowed(text),
        Some((end, _)) => {
            let (kept, rest) = text.split_at(end);
            Cow::Owned(format!("{kept}... ({} more characters)", rest.chars().count()))
        }
    }
}

fn escaped<'a>(text: &'a str, kept: &[char]) -> Cow<'a, str> {
    if !text.chars().any(|c| is_control(c) && !kept.contains(&c)) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            c if !is_control(c) || kept.contains(&c) => plain.push(c),
            '\n' => plain.push_str("\\n"),
            '\r' => plain.push_str("\\r"),
            '\t' => plain.push_str("\\t"),
            c if c < '\u{80}' => drop(write!(plain, "\\x{:02x}", u32::from(c))),
            c => drop(write!(plain, "\\u{:04x}", u32::from(c))),
        }
    }
    Cow::Owned(plain)
}

/// Whether a character is one of C0, DEL or C1, ends a line in Unicode, or changes the direction of
/// what follows.
pub fn is_control(c: char) -> bool {
    matches!(c, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut() {
        let long = "ä".repeat(LONGEST + 7);
        assert!(bounded(&long).ends_with("ä... (7 more characters)"));
        assert!(matches!(bounded(&long[..2 * LONGEST]), Cow::Borrowed(_)));
    }

    #[test]
    fn what_is_obeyed_instead_of_shown_is_escaped() {
        assert_eq!(line("a\n[b]\u{1b}[2J\u{7f}\u{9b}1m\u{202e}c"), "a\\n[b]\\x1b[2J\\x7f\\u009b1m\\u202ec");
        assert_eq!(lines("a\n\tb\r"), "a\n\tb\\r");
        assert!(matches!(line("näht „so“ 日本"), Cow::Borrowed(_)));
    }
}
