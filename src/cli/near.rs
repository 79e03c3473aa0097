//! Near misses: what somebody may have meant by a word that is unknown.

/// The candidate that differs from `word` by the fewest slips, if those are few beside its length.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let measured = candidates.into_iter().map(|candidate| (slips(&word, &candidate.to_lowercase()), candidate));
    let (slips, candidate) = measured.min_by_key(|(slips, _)| *slips)?;
    (slips <= 2 && slips * 2 < word.chars().count().max(candidate.chars().count())).then_some(candidate)
}

/// `did you mean "X"?`, or nothing.
pub fn question<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    closest(word, candidates).map(|found| format!("did you mean \"{found}\"?"))
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
    }
}
