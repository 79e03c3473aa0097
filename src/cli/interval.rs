//! Spans of time for people: `1h 5s` (reference, 2.4).

/// A way to write whole seconds.
pub type Interval = fn(Option<i64>) -> String;

/// The way that the options ask for: with days (`--showdays`), without blanks (`--compress`, and
/// tables).
pub fn way(days: bool, compress: bool) -> Interval {
    match (days, compress) {
        (false, false) => pretty,
        (false, true) => compressed,
        (true, false) => with_days,
        (true, true) => |seconds| with_days(seconds).replace(' ', ""),
    }
}

/// Whole seconds as `[Hh ][Mm ]Ss`; `?` for none or a negative number. The comparisons are strict:
/// an hour is `60m 0s`.
pub fn pretty(seconds: Option<i64>) -> String {
    parts(seconds, &UNITS[1..])
}

/// The same without blanks, for tables and for `--compress`.
pub fn compressed(seconds: Option<i64>) -> String {
    pretty(seconds).replace(' ', "")
}

fn with_days(seconds: Option<i64>) -> String {
    parts(seconds, &UNITS)
}

const UNITS: [(char, i64); 3] = [('d', 86_400), ('h', 3600), ('m', 60)];

fn parts(seconds: Option<i64>, units: &[(char, i64)]) -> String {
    let Some(mut seconds) = seconds.filter(|seconds| *seconds >= 0) else { return "?".to_owned() };
    let mut text = String::new();
    for (unit, length) in units {
        if seconds > *length {
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
    fn days_are_shown_only_if_asked_for() {
        let said = [(true, false), (true, true), (false, true)].map(|(days, compress)| way(days, compress)(Some(108_000)));
        assert_eq!(said, ["1d 6h 0s", "1d6h0s", "30h0s"]);
    }

    #[test]
    fn what_is_not_a_span_is_a_question_mark() {
        assert_eq!((pretty(None), pretty(Some(-1))), ("?".to_owned(), "?".to_owned()));
    }
}
