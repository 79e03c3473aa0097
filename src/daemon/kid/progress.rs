//! How far a step is, for people: rows and their rate, told once a second at most.

use std::time::{Duration, Instant};

/// How often it is told.
const EVERY: Duration = Duration::from_secs(1);

/// The rows that have moved since a step began.
#[derive(Debug)]
pub(super) struct Progress {
    step: String,
    began: Instant,
    told: Instant,
    rows: u64,
    expected: u64,
    was_told: bool,
}

impl Progress {
    /// A step begins.
    pub(super) fn of(step: String) -> Progress {
        let now = Instant::now();
        Progress { step, began: now, told: now, rows: 0, expected: 0, was_told: false }
    }

    /// Whether anything was told about this step.
    pub(super) fn was_told(&self) -> bool {
        self.was_told
    }

    /// About so many rows will move in this step; 0 if nobody knows.
    pub(super) fn expects(&mut self, rows: u64) {
        self.expected = rows;
    }

    /// So many rows more. A text when it is time for one.
    pub(super) fn moved(&mut self, rows: u64) -> Option<String> {
        self.rows += rows;
        if self.rows == 0 || self.told.elapsed() < EVERY {
            return None;
        }
        (self.told, self.was_told) = (Instant::now(), true);
        Some(text(&self.step, self.rows, self.expected, self.began.elapsed()))
    }
}

fn text(step: &str, rows: u64, expected: u64, time: Duration) -> String {
    let rate = rows as f64 / time.as_secs_f64().max(0.001);
    match expected.checked_sub(rows) {
        Some(left @ 1..) => format!("{step} {rows} of {expected} rows, {rate:.0}/s, {:.0} s left", left as f64 / rate),
        // What was expected is an estimate.
        _ => format!("{step} {rows} rows, {rate:.0}/s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_their_rate_are_told() {
        let told = |expected| text("copy public.t", 1_200_000, expected, Duration::from_secs(4));
        assert_eq!(told(0), "copy public.t 1200000 rows, 300000/s");
        assert_eq!(told(1_000_000), told(0), "the estimate was too low");
        assert_eq!(told(3_000_000), "copy public.t 1200000 of 3000000 rows, 300000/s, 6 s left");
        assert_eq!(Progress::of("copy".to_owned()).moved(5), None, "it is too early");
    }
}
