//! What the program tells people who are not sitting in front of it: the log, and the one way of writing a date.

pub mod clock;
pub mod log;
