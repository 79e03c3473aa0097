//! Near misses: what somebody may have meant by a word that is unknown.

use crate::cli::noun::WORDS;
use crate::pg::Connection;
use crate::plain;
use crate::warn_user;

/// The candidate that differs from `word` by the fewest slips, if those are few beside its length.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let candidates = candidates.into_iter().filter(|candidate| *candidate != word);
    let word = word.to_lowercase();
    let measured = candidates.map(|candidate| (slips(&word, &candidate.to_lowercase()), candidate));
    let (slips, candidate) = measured.min_by_key(|(slips, _)| *slips)?;
    let (typed, there) = (word.chars().count(), candidate.chars().count());
    // In a name of two letters, one may be wrong.
    let few = slips * 2 < typed.max(there) || (slips, typed, there) == (1, 2, 2);
    (slips <= 2 && few).then_some(candidate)
}

/// `hint`, behind a question for the thing in `bucardo.TABLE` whose name is like `word`.
pub fn among(control: &mut Connection, table: &'static str, word: &str, hint: &str) -> String {
    let rows = control.query(&format!("select name from bucardo.{table} order by name"), &[]);
    let names: Vec<String> = rows.into_iter().flatten().map(|row| row.get(0)).collect();
    ahead(question(word, names.iter().map(String::as_str)), hint)
}

/// `hint`, behind a question if there is one.
pub fn ahead(question: Option<String>, hint: &str) -> String {
    question.map_or_else(|| hint.to_owned(), |question| format!("{question} {hint}"))
}

/// Says which type may have been meant by one that is unknown.
pub fn type_meant(word: &str) {
    question(word, WORDS).into_iter().for_each(|question| warn_user!("HINT: {question}"));
}

/// `did you mean "X"?`, or nothing.
pub fn question<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    closest(word, candidates).map(|found| format!("did you mean \"{}\"?", plain::line(found)))
}

/// Characters to be inserted, removed, replaced or swapped with their neighbour.
fn slips(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            let mut least = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + same);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_or_two_are_recognised_and_other_words_are_not() {
        let verbs = ["kick", "status", "stop", "start", "validate"];
        for (word, meant) in
            [("kcik", "kick"), ("statsu", "status"), ("Validat", "validate"), ("strat", "start"), ("kik", "kick")]
        {
            assert_eq!(closest(word, verbs), Some(meant), "{word}");
        }
        for word in ["", "x", "vacuum", "ki"] {
            assert_eq!(closest(word, ["kick", "status"]), None, "{word}");
        }
        assert_eq!(closest("x", []), None);
        assert_eq!((closest("ab", ["ac"]), closest("AB", ["x", "ab"]), closest("a", ["b"])), (Some("ac"), Some("ab"), None));
    }
}
