//! Wildcards. The original has several dialects (reference, 2.2); here each becomes a regular expression or LIKE pattern
//! that the server matches. Pure: text in, pattern out.

/// A name or pattern of `list`, `add dbgroup` and `add all`: `*x*` contains, `*x` ends with, `x*` begins with, and x itself
/// may be a regular expression; anything else is a plain name.
pub fn starred(word: &str) -> String {
    match (word.strip_prefix('*'), word.strip_suffix('*')) {
        (Some(end), Some(_)) => end.strip_suffix('*').unwrap_or(end).to_owned(),
        (Some(end), None) => format!("{end}$"),
        (None, Some(start)) => format!("^{start}"),
        (None, None) => exactly(word),
    }
}

/// A relation, or a pattern of relations, with or without schema: patterns for the schema and for the name.
pub fn relation(word: &str) -> (String, String) {
    match word.split_once('.') {
        Some((schema, name)) => (starred(schema), starred(name)),
        None => (String::new(), starred(word)),
    }
}

/// A pattern of `list sync`: whatever stands between the wildcards, anywhere, in any case; else the name, in any case. To be
/// matched against the name in lower case.
pub fn sync(word: &str) -> String {
    let word = word.to_lowercase();
    if word.contains(['*', '%']) { word.replace(['*', '%'], "") } else { exactly(&word) }
}

/// The LIKE pattern of `kick`, `activate` and `deactivate`, if `word` is one: any `%`, or a `*` in front, behind or on both
/// sides of word characters. The underscore of a name is no wildcard unless the pattern is written with `%`.
pub fn like(word: &str) -> Option<String> {
    if word.contains('%') {
        return Some(word.to_owned());
    }
    let core = word.strip_prefix('*').unwrap_or(word);
    let core = core.strip_suffix('*').unwrap_or(core);
    let starred = core.len() < word.len() && core.chars().all(|c| c.is_alphanumeric() || c == '_');
    starred.then(|| word.replace('_', "\\_").replace('*', "%"))
}

/// The regular expression that matches `text` and nothing else.
fn exactly(text: &str) -> String {
    let escape = |c: char| if c.is_alphanumeric() || c == '_' { c.to_string() } else { format!("\\{c}") };
    format!("^{}$", text.chars().map(escape).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_at_an_end_frees_that_end() {
        for (word, regex) in [("*x*", "x"), ("*x", "x$"), ("x*", "^x"), ("x", "^x$"), ("*", ""), ("a%", "^a\\%$"), ("**", "")] {
            assert_eq!(starred(word), regex, "{word}");
        }
    }

    #[test]
    fn schema_and_name_are_patterns_of_their_own() {
        assert_eq!(relation("public.t*"), ("^public$".to_owned(), "^t".to_owned()));
        assert_eq!(relation("t.1"), ("^t$".to_owned(), "^1$".to_owned()));
        assert_eq!(relation("t1"), (String::new(), "^t1$".to_owned()));
    }

    #[test]
    fn a_list_of_syncs_is_searched_in_any_case() {
        assert_eq!(sync("Or*"), "or");
        assert_eq!(sync("%Or%d"), "ord");
        assert_eq!(sync("Orders"), "^orders$");
    }

    #[test]
    fn a_kick_knows_percent_anywhere_and_stars_only_around_words() {
        assert_eq!(like("a%b").as_deref(), Some("a%b"));
        assert_eq!(like("*my_s*").as_deref(), Some("%my\\_s%"));
        assert_eq!(like("my*").as_deref(), Some("my%"));
        assert_eq!(like("a*b"), None);
        assert_eq!(like("plain"), None);
    }
}
