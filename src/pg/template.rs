//! Statements that are put together: files of SQL with named places, like `{stage}`. What reaches
//! the server reads as the file does, in `pg_stat_activity` and in its log.

use std::fmt::Display;

/// Puts values into the places of a template. What a value contains is not looked at again.
///
/// The comment at the beginning is for readers of the file and left out, because
/// `pg_stat_activity` shows the first kilobyte only. Comments within the text stay.
pub fn fill(template: &str, values: &[(&str, &dyn Display)]) -> String {
    let mut rest = body(template);
    let mut text = String::with_capacity(rest.len() * 2);
    let mut used = vec![false; values.len()];
    while let Some((before, place, after)) = next_place(rest) {
        text.push_str(before);
        match values.iter().position(|(name, _)| *name == place) {
            Some(at) => {
                used[at] = true;
                text.push_str(&values[at].1.to_string());
            }
            None => debug_assert!(false, "no value for {{{place}}} in {template}"),
        }
        rest = after;
    }
    debug_assert!(used.iter().all(|used| *used), "a value has no place in {template}");
    text + rest
}

/// A file of SQL without the comment at its beginning, and the last line's end: to be put into
/// another one.
pub fn body(template: &str) -> &str {
    let mut rest = template;
    while rest.starts_with("--") {
        rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
    }
    rest.trim_end()
}

/// The text before the first place, its name, and the text after it.
fn next_place(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let open = from + text.get(from..)?.find('{')?;
        let inner = &text[open + 1..];
        let length = inner.find(|c: char| !(c.is_ascii_lowercase() || c == '_')).unwrap_or(inner.len());
        if length > 0 && inner[length..].starts_with('}') {
            return Some((&text[..open], &inner[..length], &inner[length + 1..]));
        }
        from = open + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_and_nothing_else() {
        let text = fill(
            "-- About it.\n-- More.\nselect {keys}, '{}'::jsonb -- each {keys}\nfrom {from_table}\n",
            &[("keys", &"k1, '{from_table}'"), ("from_table", &7)],
        );
        assert_eq!(text, "select k1, '{from_table}', '{}'::jsonb -- each k1, '{from_table}'\nfrom 7");
        assert_eq!(fill("select '{1,2}', '{A}', '{", &[]), "select '{1,2}', '{A}', '{");
    }

    #[test]
    #[should_panic(expected = "no value for {keys}")]
    fn a_place_without_a_value_is_noticed() {
        fill("select {keys}", &[]);
    }

    #[test]
    #[should_panic(expected = "a value has no place")]
    fn a_value_without_a_place_is_noticed() {
        fill("select 1", &[("keys", &1)]);
    }
}
