//! What the documents show is what happens.

mod blocks;
mod readme;
mod steady;
