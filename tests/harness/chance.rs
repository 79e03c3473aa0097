//! Random numbers that can be had again.

use std::hash::{BuildHasher, RandomState};

/// The variable that gives the seed; without it, each run has another.
const SEED: &str = "BUCARDO_TEST_SEED";

/// A source of random numbers (xorshift64). Its seed is printed, which a failing test shows.
pub struct Chance(u64);

impl Chance {
    /// With the seed of the environment, or a new one.
    pub fn new() -> Chance {
        let given = std::env::var(SEED).ok().map(|text| text.parse().unwrap());
        let seed = given.unwrap_or_else(|| RandomState::new().hash_one(0) | 1);
        println!("{SEED}={seed}");
        Chance(seed)
    }

    /// With this seed.
    pub fn seeded(seed: u64) -> Chance {
        Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Another one, for another thread.
    pub fn branch(&mut self) -> Chance {
        Chance(self.next() | 1)
    }

    /// A number below this one.
    pub fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 16) % limit
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
