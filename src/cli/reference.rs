//! Tables in help and manual page that are made from those of the program: the keys of `add`, the
//! settings, the topics.

use crate::cli::pairs::{Key, Value};
use crate::control::setting_table::{Counts, SETTINGS, Setting, Takes};

/// The width of a line; the manual page is indented by seven columns more.
const WIDTH: usize = 72;

/// A usage text with the table of these keys in the place of `{keys}`.
pub fn with_keys(usage: &str, keys: &[Key]) -> String {
    if usage.contains("{keys}") { usage.replace("{keys}", &table(keys.iter().map(key))) } else { usage.to_owned() }
}

/// A usage text that goes with an error: only the names of the keys are there, so that what is
/// wrong stays on the screen.
pub fn with_names_of_keys(usage: &str, keys: &[Key]) -> String {
    let names: Vec<_> = keys.iter().filter_map(|key| key.names.first()).map(|name| format!("{name}=")).collect();
    usage.replace("{keys}", &filled(&names.join(" "), 2))
}

/// A text with the tables of the settings in the places that are for them.
pub fn with_settings(text: &str) -> String {
    let all = |counts: Counts| SETTINGS.iter().filter(move |setting| setting.counts == counts);
    let never: Vec<_> = all(Counts::Never).map(|setting| setting.name).collect();
    text.replace("{settings that count after a reload}", &table(all(Counts::Reloaded).map(setting)))
        .replace("{settings that count after a start}", &table(all(Counts::Started).map(setting)))
        .replace("{settings without effect}", &filled(&never.join(", "), 2))
}

/// What stands before, and what is said of it.
struct Entry {
    term: String,
    text: String,
}

fn table(entries: impl Iterator<Item = Entry>) -> String {
    let lines: Vec<_> = entries.map(|entry| format!("  {}\n{}", entry.term, filled(&entry.text, 6))).collect();
    lines.join("\n")
}

fn key(key: &Key) -> Entry {
    let [name, others @ ..] = key.names else { return Entry { term: key.column.to_owned(), text: key.about.to_owned() } };
    let default = (!key.default.is_empty()).then(|| format!("default {}", key.default));
    let also = (!others.is_empty()).then(|| format!("also {}", others.join(", ")));
    Entry { term: format!("{name}={}", placeholder(key)), text: noted(key.about, &[default, also]) }
}

/// Two values with blanks in them would be taken for more.
fn placeholder(key: &Key) -> String {
    match key.takes {
        Value::OneOf(words) => {
            let quoted = |word: &&str| if word.contains(' ') { format!("'{word}'") } else { (*word).to_owned() };
            words.iter().map(quoted).collect::<Vec<_>>().join("|")
        }
        takes => takes.placeholder(),
    }
}

fn setting(setting: &Setting) -> Entry {
    let value = match setting.takes {
        Takes::Text | Takes::Absolute => "TEXT".to_owned(),
        Takes::Flag => "0|1".to_owned(),
        Takes::Whole(..) | Takes::Number(..) => "NUMBER".to_owned(),
        Takes::OneOf(words) => words.join("|"),
    };
    let range = matches!(setting.takes, Takes::Whole(..) | Takes::Number(..)).then(|| setting.takes.told());
    let default = if setting.default.is_empty() { "none" } else { setting.default };
    let default = format!("default {default} {}", setting.unit).trim_end().to_owned();
    Entry { term: format!("{}={value}", setting.name), text: noted(setting.about, &[range, Some(default)]) }
}

/// A text, and in parentheses what is to be said besides.
fn noted(text: &str, notes: &[Option<String>]) -> String {
    let notes: Vec<_> = notes.iter().flatten().map(String::as_str).collect();
    if notes.is_empty() { text.to_owned() } else { format!("{text} ({})", notes.join("; ")) }
}

/// Words in lines of the usual width, indented.
pub fn filled(text: &str, indent: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if indent + line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    let margin = " ".repeat(indent);
    lines.iter().map(|line| format!("{margin}{line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &[Key] = &[
        Key::new("ping", &["ping", "autokick"], Value::Bool).says("1", "whether a change starts the sync"),
        Key::new("txnmode", &["txnmode"], Value::OneOf(&["repeatable read", "serializable"])).says("", "how it reads"),
    ];

    #[test]
    fn a_key_is_shown_with_its_values_its_default_and_its_other_names() {
        let shown = "x\n  ping=0|1\n      whether a change starts the sync (default 1; also autokick)\n  \
            txnmode='repeatable read'|serializable\n      how it reads\ny";
        assert_eq!(with_keys("x\n{keys}\ny", KEYS), shown);
        assert_eq!(with_names_of_keys("x\n{keys}\ny", KEYS), "x\n  ping= txnmode=\ny");
    }

    #[test]
    fn words_are_filled_into_lines_that_fit() {
        let text = filled(&"word ".repeat(40), 4);
        assert!(text.lines().count() > 2 && text.lines().all(|line| line.len() <= WIDTH && line.starts_with("    w")), "{text}");
    }
}
