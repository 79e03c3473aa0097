//! How far a sequence has come, and what that means for another one of the same name: a pure
//! function of their states.
//!
//! A sequence gives out the numbers of one residue class, in one direction, within bounds, and may
//! begin anew at the end. Masters may take turns (odd and even numbers) or have ranges of their
//! own; so each gets a number of its own class, and none outside its bounds.

use std::cmp::Ordering;

/// The state of a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    /// `last_value`.
    pub last: i64,
    /// `is_called`: the last value was given out.
    pub called: bool,
    /// The step; a negative one counts downwards.
    pub increment: i64,
    /// The lowest number.
    pub min: i64,
    /// The highest number.
    pub max: i64,
    /// At the end it begins anew.
    pub cycle: bool,
}

impl Numbers {
    /// The last number that was given out, or the one before the first.
    fn given(&self) -> i128 {
        i128::from(self.last) - if self.called { 0 } else { i128::from(self.increment) }
    }

    /// The same, growing in the direction of the sequence.
    pub fn position(&self) -> i128 {
        self.given() * i128::from(self.increment.signum())
    }

    /// How far it has come since it was at `before`. Where the number is a lower one, it has begun
    /// anew, unless that would be more than half the way round: then somebody has set it back.
    fn progress(&self, before: &Numbers) -> i128 {
        let steps = self.position() - before.position();
        if !self.cycle {
            return steps;
        }
        let round = i128::from(self.max) - i128::from(self.min) + 1;
        let ahead = steps.rem_euclid(round);
        if steps < 0 && ahead * 2 <= round { ahead } else { steps }
    }

    /// Which of two has come further: since they were at these states, or where that is not known,
    /// by the number.
    pub fn compare(&self, before: Option<&Numbers>, other: &Numbers, other_before: Option<&Numbers>) -> Ordering {
        match (before, other_before) {
            (Some(before), Some(other_before)) if self.cycle && other.cycle => {
                self.progress(before).cmp(&other.progress(other_before))
            }
            _ => self.position().cmp(&other.position()),
        }
    }

    fn holds(&self, number: i64) -> bool {
        (self.min..=self.max).contains(&number)
    }

    /// The state that this one gives to the sequence that is `here`: the same where its numbers are
    /// given out here, too; else the nearest one before it that is. None where that lies outside
    /// the bounds, or where they count in different directions.
    pub fn fitted(&self, here: &Numbers) -> Option<Numbers> {
        if self.increment.signum() != here.increment.signum() {
            return None;
        }
        let step = i128::from(here.increment.unsigned_abs());
        let apart = |number: i128| (number - i128::from(here.last)).rem_euclid(step);
        if apart(i128::from(self.last)) == 0 {
            return here.holds(self.last).then_some(Numbers { last: self.last, called: self.called, ..*here });
        }
        let given = self.given();
        let nearest = if here.increment > 0 { given - apart(given) } else { given + (step - apart(given)) % step };
        let last = i64::try_from(nearest).ok().filter(|last| here.holds(*last))?;
        Some(Numbers { last, called: true, ..*here })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;

    fn at(last: i64, called: bool, increment: i64) -> Numbers {
        let (min, max) = if increment > 0 { (1, i64::MAX) } else { (i64::MIN, -1) };
        Numbers { last, called, increment, min, max, cycle: false }
    }

    fn fitted(from: Numbers, here: Numbers) -> Option<(i64, bool)> {
        from.fitted(&here).map(|fitted| (fitted.last, fitted.called))
    }

    #[test]
    fn a_number_of_the_same_class_is_taken_as_it_is() {
        assert_eq!(fitted(at(50, true, 1), at(7, true, 1)), Some((50, true)));
        assert_eq!(fitted(at(50, false, 1), at(7, true, 1)), Some((50, false)));
        assert_eq!(fitted(at(9, false, 2), at(1, true, 2)), Some((9, false)));
        assert_eq!(fitted(at(-9, true, -2), at(-1, true, -2)), Some((-9, true)));
    }

    #[test]
    fn one_of_another_class_becomes_the_nearest_before_it() {
        assert_eq!(fitted(at(10, true, 2), at(1, false, 2)), Some((9, true)));
        assert_eq!(fitted(at(10, false, 2), at(1, false, 2)), Some((7, true)), "only 8 was given out");
        assert_eq!(fitted(at(-10, true, -2), at(-1, true, -2)), Some((-9, true)));
        assert_eq!(fitted(at(-29, true, -3), at(-3, true, -3)), Some((-27, true)));
        assert_eq!(fitted(at(1, true, 2), at(2, false, 2)), None, "0 is too low");
        assert_eq!(fitted(at(17, true, 1), at(5, true, 10)), Some((15, true)), "steps of another size");
    }

    #[test]
    fn nothing_is_set_beyond_the_bounds_or_against_the_direction() {
        let low = Numbers { max: 1000, ..at(7, true, 1) };
        let high = Numbers { min: 1001, ..at(1003, true, 1) };
        assert!(fitted(high, low).is_none() && fitted(low, high).is_none() && fitted(low, low).is_some());
        assert!(fitted(at(5, true, 1), Numbers { min: -9, max: 9, ..at(5, true, -1) }).is_none());
        let end = at(i64::MAX, true, 2);
        assert_eq!(fitted(end, at(2, true, 2)), Some((i64::MAX - 1, true)));
        assert_eq!(at(i64::MIN, false, -1).position(), -(i128::from(i64::MIN) + 1));
    }

    #[test]
    fn who_has_come_further_is_told_in_the_direction_of_the_sequence() {
        let further = |one: Numbers, other: Numbers| one.compare(None, &other, None);
        assert_eq!(further(at(9, true, 1), at(8, true, 1)), Ordering::Greater);
        assert_eq!(further(at(9, false, 1), at(8, true, 1)), Ordering::Equal);
        assert_eq!(further(at(-9, true, -1), at(-8, true, -1)), Ordering::Greater);
    }

    #[test]
    fn a_sequence_that_began_anew_is_further_and_one_that_was_set_back_is_not() {
        let round = |last| Numbers { max: 100, cycle: true, ..at(last, true, 1) };
        let before = round(98);
        let compare = |one, other| round(one).compare(Some(&before), &round(other), Some(&before));
        assert_eq!(compare(3, 99), Ordering::Greater);
        assert_eq!(compare(99, 98), Ordering::Greater);
        assert_eq!(compare(60, 98), Ordering::Less, "set back by hand");
        assert_eq!(round(3).compare(None, &round(99), None), Ordering::Less, "nobody knows what was before");
    }
}
