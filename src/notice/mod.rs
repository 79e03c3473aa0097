//! What the program tells people who are not sitting in front of it: the log, mails, and the one
//! way of writing a date.

pub mod clock;
pub mod log;
pub mod mail;
