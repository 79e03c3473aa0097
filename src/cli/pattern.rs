//! Wildcards. The original has several dialects (reference, 2.2); those of `list` and `add` become
//! regular expressions that the server matches ([`super::sync_list`] has the one of `kick`). Pure:
//! text in, pattern out.

/// A name or pattern of `list`, `add dbgroup` and `add all`: `*x*` contains, `*x` ends with, `x*`
/// begins with, and x itself may be a regular expression; anything else is a plain name.
pub fn starred(word: &str) -> String {
    match (word.strip_prefix('*'), word.strip_suffix('*')) {
        (Some(end), Some(_)) => end.strip_suffix('*').unwrap_or(end).to_owned(),
        (Some(end), None) => format!("{end}$"),
        (None, Some(start)) => format!("^{start}"),
        (None, None) => exactly(word),
    }
}

/// A relation, or a pattern of relations, with or without schema: patterns for the schema and for
/// the name.
pub fn relation(word: &str) -> (String, String) {
    match word.split_once('.') {
        Some((schema, name)) => (starred(schema), starred(name)),
        None => (String::new(), starred(word)),
    }
}

/// A pattern of `list sync`: whatever stands between the wildcards, anywhere, in any case; else the
/// name, in any case. To be matched against the name in lower case.
pub fn sync(word: &str) -> String {
    let word = word.to_lowercase();
    if word.contains(['*', '%']) { word.replace(['*', '%'], "") } else { exactly(&word) }
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
}
