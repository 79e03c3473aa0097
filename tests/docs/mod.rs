//! What the documents show is what happens.

mod blocks;
mod form;
mod help;
mod imports;
mod readme;
mod steady;

pub use imports::sources;
