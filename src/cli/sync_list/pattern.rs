//! The wildcards of `kick`, `activate` and `deactivate` (reference, 2.2): `%` makes a word an SQL
//! `LIKE` pattern; a star at the start, the end or both means "ends with", "starts with",
//! "contains".

/// What a word with a wildcard matches.
#[derive(Debug, PartialEq, Eq)]
pub enum Pattern<'a> {
    /// An SQL pattern.
    Like(&'a str),
    /// `*w*`
    Contains(&'a str),
    /// `w*`
    StartsWith(&'a str),
    /// `*w`
    EndsWith(&'a str),
}

impl<'a> Pattern<'a> {
    /// The pattern in `word`, if it is one. A star anywhere else is an ordinary character.
    pub fn of(word: &'a str) -> Option<Pattern<'a>> {
        if word.contains('%') {
            return Some(Pattern::Like(word));
        }
        let inner = word.trim_start_matches('*').trim_end_matches('*');
        let plain = !inner.is_empty() && inner.chars().all(|c| c.is_alphanumeric() || c == '_');
        match (word.strip_prefix('*'), word.strip_suffix('*')) {
            _ if !plain => None,
            (Some(_), Some(_)) if word.len() == inner.len() + 2 => Some(Pattern::Contains(inner)),
            (Some(rest), None) if rest == inner => Some(Pattern::EndsWith(inner)),
            (None, Some(rest)) if rest == inner => Some(Pattern::StartsWith(inner)),
            _ => None,
        }
    }

    /// Whether `name` matches. Case matters.
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Pattern::Like(pattern) => like(&pattern.chars().collect::<Vec<_>>(), &name.chars().collect::<Vec<_>>()),
            Pattern::Contains(part) => name.contains(part),
            Pattern::StartsWith(part) => name.starts_with(part),
            Pattern::EndsWith(part) => name.ends_with(part),
        }
    }
}

/// SQL `LIKE`: `%` any characters, `_` any one, a backslash takes the next one literally.
fn like(pattern: &[char], name: &[char]) -> bool {
    match pattern {
        [] => name.is_empty(),
        ['%', rest @ ..] => (0..=name.len()).any(|skipped| like(rest, &name[skipped..])),
        ['\\', literal, rest @ ..] => name.first() == Some(literal) && like(rest, &name[1..]),
        ['_', rest @ ..] => !name.is_empty() && like(rest, &name[1..]),
        [literal, rest @ ..] => name.first() == Some(literal) && like(rest, &name[1..]),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    #[test]
    fn stars_mean_contains_starts_and_ends() {
        assert_eq!(Pattern::of("*ord*"), Some(Pattern::Contains("ord")));
        assert_eq!(Pattern::of("ord*"), Some(Pattern::StartsWith("ord")));
        assert_eq!(Pattern::of("*ord"), Some(Pattern::EndsWith("ord")));
    }

    #[test]
    fn other_stars_are_characters() {
        for word in ["orders", "o*d", "*", "**", "**a", "a-*", "*a**"] {
            assert_eq!(Pattern::of(word), None, "{word}");
        }
    }

    #[test]
    fn a_percent_sign_makes_it_like() {
        let matching = |word, name| Pattern::of(word).unwrap().matches(name);
        assert!(matching("%", "anything") && matching("a%z", "abcz") && matching("a_c%", "abc"));
        assert!(!matching("a%z", "abc") && !matching("A%", "abc") && !matching("%b", "abc"));
        assert!(matching("a\\_%", "a_b") && !matching("a\\_%", "axb"));
    }
}
