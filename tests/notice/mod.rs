//! What the program tells people who are not there: mails.

mod foreign_text;
mod mail;
mod sink;
mod waits;
