//! Spans of time for people: `1h 5s` (reference, 2.4).

/// Whole seconds as `[Hh ][Mm ]Ss`; `?` for none or a negative number. The comparisons are strict: an hour is `60m 0s`.
pub fn pretty(seconds: Option<i64>) -> String {
    match seconds {
        Some(seconds) if seconds >= 0 => parts(seconds),
        _ => "?".to_owned(),
    }
}

/// The same without blanks, for tables and for `--compress`.
pub fn compressed(seconds: Option<i64>) -> String {
    pretty(seconds).replace(' ', "")
}

fn parts(mut seconds: i64) -> String {
    let mut text = String::new();
    for (unit, length) in [('h', 3600), ('m', 60)] {
        if seconds > length {
            text = format!("{text}{}{unit} ", seconds / length);
            seconds %= length;
        }
    }
    format!("{text}{seconds}s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_and_minutes_appear_only_above_one() {
        let said = [0, 60, 61, 3600, 3605, 7200, 10_923, 108_000].map(|seconds| pretty(Some(seconds)));
        assert_eq!(said, ["0s", "60s", "1m 1s", "60m 0s", "1h 5s", "2h 0s", "3h 2m 3s", "30h 0s"]);
        assert_eq!(compressed(Some(10_923)), "3h2m3s");
    }

    #[test]
    fn what_is_not_a_span_is_a_question_mark() {
        assert_eq!((pretty(None), pretty(Some(-1))), ("?".to_owned(), "?".to_owned()));
    }
}
