//! How long to wait before something that failed is tried again: at once the first time, then twice
//! as long each time, up to a minute, and never exactly as long as everybody else.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The longest pause.
const LONGEST: Duration = Duration::from_secs(60);

/// How long a kid that has left its connections to others stays away: those look for them at least
/// as often as [`crowded`] says.
pub const GIVE_WAY: Duration = Duration::from_secs(3);

/// The pause of a kid that found no connection left.
pub fn crowded(failures: u32) -> Duration {
    jittered(base(failures).clamp(Duration::from_millis(300), Duration::from_secs(2)))
}

/// The pause after the given number of failures in a row.
pub fn pause(failures: u32) -> Duration {
    jittered(base(failures))
}

fn base(failures: u32) -> Duration {
    match failures {
        0 | 1 => Duration::ZERO,
        more => Duration::from_millis(500).saturating_mul(1 << (more - 2).min(10)).min(LONGEST),
    }
}

/// The pause before a round is repeated after the given number of collisions.
pub fn collision(times: u32) -> Duration {
    jittered(Duration::from_millis(10).saturating_mul(1 << times.min(7)))
}

/// Somewhere between four fifths and six fifths of it.
fn jittered(pause: Duration) -> Duration {
    let random = u32::try_from(RandomState::new().hash_one(0_u8) % 401).unwrap_or_default();
    pause.mul_f64(0.8 + f64::from(random) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_retry_is_at_once_and_the_pauses_grow_to_a_minute() {
        let seconds = |failures| base(failures).as_secs_f64();
        assert_eq!([0, 1, 2, 3, 4].map(seconds), [0.0, 0.0, 0.5, 1.0, 2.0]);
        assert_eq!(base(1000), LONGEST);
        assert!((1..100).all(|failures| base(failures) <= base(failures + 1)));
    }
}
