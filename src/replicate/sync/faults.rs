//! Several things that are wrong, told as one error.

use crate::error::{Error, Kind, Result};

/// What was found to be wrong so far.
#[derive(Debug, Default)]
pub struct Faults(Vec<Error>);

impl Faults {
    /// Keeps an error that is about the sync itself, so that the others are found as well. Any
    /// other ends the search.
    pub fn note<T>(&mut self, outcome: Result<T>) -> Result<Option<T>> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(error) if matches!(error.kind(), Kind::Mismatch | Kind::NotFound | Kind::Denied) => {
                self.0.push(error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// All of them as one error, with each hint once.
    pub fn settle(mut self) -> Result<()> {
        if self.0.len() < 2 {
            return self.0.pop().map_or(Ok(()), Err);
        }
        let kind = self.0.first().map_or(Kind::Mismatch, Error::kind);
        let (mut sentences, mut hints): (Vec<String>, Vec<&str>) = (Vec::new(), Vec::new());
        for error in &self.0 {
            let sentence = error.to_string();
            if !sentences.contains(&sentence) {
                sentences.push(sentence);
            }
            hints.extend(error.hint_text().filter(|hint| !hints.contains(hint)));
        }
        let error = Error::new(kind, sentences.join("; "));
        Err(if hints.is_empty() { error } else { error.hint(hints.join(" ")) })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;

    fn error(kind: Kind, text: &str) -> Result<()> {
        Err(Error::new(kind, text).hint("do something"))
    }

    #[test]
    fn what_is_wrong_is_joined_and_each_hint_is_told_once() {
        let mut faults = Faults::default();
        for text in ["one", "two", "one"] {
            assert!(faults.note(error(Kind::Mismatch, text)).unwrap().is_none());
        }
        let all = faults.settle().unwrap_err();
        assert_eq!((all.to_string().as_str(), all.hint_text()), ("one; two", Some("do something")));
        assert!(Faults::default().settle().is_ok());
        assert!(Faults::default().note(error(Kind::Lost, "gone")).is_err(), "a lost connection ends the search");
    }
}
