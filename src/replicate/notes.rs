//! What validating has to tell besides its verdict: notes, for who asks for details, and warnings,
//! for everybody.

/// With this a warning begins. It is kept with the notes of a sync, as one of their lines.
const WARNING: &str = "Warning: ";

/// A note that is told to everybody.
pub fn warning(text: impl AsRef<str>) -> String {
    format!("{WARNING}{}", text.as_ref())
}

/// Whether it is told to everybody.
pub fn is_warning(note: &str) -> bool {
    note.starts_with(WARNING)
}

/// The warnings among the notes of a sync as they are stored, a line each, without the word.
pub fn warnings(stored: &str) -> Vec<String> {
    stored.lines().filter_map(|line| line.strip_prefix(WARNING)).map(str::to_owned).collect()
}
