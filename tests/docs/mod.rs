//! What the documents show is what happens.

mod blocks;
mod help;
mod imports;
mod readme;
mod steady;

pub use imports::sources;
