//! What the program tells people who are not there: mails.

mod mail;
mod sink;
