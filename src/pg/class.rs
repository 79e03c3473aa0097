//! The classes of errors a server or the network can give, told apart by SQLSTATE (PostgreSQL
//! manual, appendix A), and the one place where a driver error becomes ours.

use crate::error::{Error, Kind};
use crate::plain;
use postgres::error::{DbError, SqlState};

/// Turns a driver error into ours. The text holds the server's primary message and SQLSTATE; DETAIL
/// and CONTEXT are left out, because they quote row values and this text is stored, logged and
/// mailed.
impl From<postgres::Error> for Error {
    fn from(error: postgres::Error) -> Error {
        match error.as_db_error() {
            Some(db) => advised(Error::new(kind_of(db.code()), sentence(db)), db),
            None if error.is_closed() => Error::new(Kind::Lost, "the connection is closed"),
            None => Error::new(kind_of_driver(&error.to_string()), driver_sentence(&error)),
        }
    }
}

/// What a caller does about a SQLSTATE.
pub fn kind_of(code: &SqlState) -> Kind {
    match code.code() {
        "40001" | "40P01" => Kind::Collision,
        "55P03" => Kind::Locked,
        "42501" => Kind::Denied,
        "57014" => Kind::Stopped,
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "25P04" => Kind::Lost,
        state if state.starts_with("08") => Kind::Lost,
        "23505" | "23P01" => Kind::Duplicate,
        state if state.starts_with("23") => Kind::Violation,
        "53300" => Kind::Crowded,
        state if state.starts_with("28") || state == "3D000" => Kind::Connect,
        _ => Kind::Database,
    }
}

/// The driver does not show what kind of error it has, but its texts differ. These are mistakes of
/// ours in asking or in reading the answer; all others leave the connection in a state nobody
/// knows.
fn kind_of_driver(text: &str) -> Kind {
    const OURS: [&str; 6] = [
        "error serializing parameter",
        "error deserializing column",
        "invalid column",
        "expected ",
        "error encoding message",
        "query returned an unexpected number",
    ];
    if OURS.iter().any(|beginning| text.starts_with(beginning)) { Kind::Bug } else { Kind::Lost }
}

/// Where a setting of the server is too low, the hint names it.
fn advised(error: Error, db: &DbError) -> Error {
    match db.code().code() {
        "53200" if db.message().contains("shared memory") => error.hint(
            "Raise max_locks_per_transaction on that server and start it again, or divide the sync into several with fewer tables.",
        ),
        // What our own functions in the control database raise.
        "P0001" => match db.hint() {
            Some(hint) => error.hint(plain::line(hint)),
            None => error,
        },
        _ => error,
    }
}

fn sentence(db: &DbError) -> String {
    let message = if db.code().code().starts_with("22") { without_value(db.message()) } else { db.message().to_owned() };
    plain::line(&format!("{}:  {} (SQLSTATE {})", db.severity(), plain::bounded(&message), db.code().code())).into_owned()
}

/// What may stand in quotation marks besides a value, by the word before it.
const NAMED: [&str; 9] =
    ["sequence", "encoding", "column", "relation", "table", "collation", "constraint", "parameter", "function"];

/// The quotation marks that servers use, in whatever language they speak.
const QUOTES: [char; 12] = ['"', '\'', '»', '«', '„', '“', '”', '‘', '’', '‹', '›', '「'];

/// Class 22 ("data exception") messages quote the offending value: `invalid input syntax for type
/// integer: "12 Main St"`. A value may hold quotation marks itself, so everything from the first
/// mark that does not begin a name to the last mark is left out.
fn without_value(message: &str) -> String {
    let Some(start) = start_of_value(message) else { return message.to_owned() };
    let (before, quoted) = message.split_at(start);
    let after = quoted.rfind(QUOTES).map_or("", |last| quoted[last..].trim_start_matches(QUOTES));
    format!("{} <value not shown>{after}", before.trim_end_matches([' ', ':']))
}

fn start_of_value(message: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let start = from + message[from..].find(QUOTES)?;
        let word = message[..start].trim_end().rsplit(' ').next().unwrap_or_default();
        let end = message[start..].strip_prefix('"').filter(|_| NAMED.contains(&word)).and_then(|name| name.find('"'));
        match end {
            Some(length) => from = start + length + 2,
            None => return Some(start),
        }
    }
}

/// A driver error that did not come from the server: its own text and that of everything
/// underneath.
fn driver_sentence(error: &postgres::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        let part = inner.to_string();
        if !text.contains(&part) {
            text = format!("{text}: {part}");
        }
        source = inner.source();
    }
    plain::line(&plain::bounded(&text)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_never_reaches_the_sentence() {
        for (message, shown) in [
            ("invalid input syntax for type integer: \"12 Main St\"", "invalid input syntax for type integer <value not shown>"),
            ("value \"99\" is out of range for type smallint", "value <value not shown> is out of range for type smallint"),
            ("invalid input value for enum mood: \"sequence \"x\" y\"", "invalid input value for enum mood <value not shown>"),
            (
                "ungültige Eingabesyntax für Typ integer: »12 Main St«",
                "ungültige Eingabesyntax für Typ integer <value not shown>",
            ),
        ] {
            assert_eq!(without_value(message), shown);
        }
    }

    #[test]
    fn names_in_quotation_marks_are_no_values() {
        for message in [
            "numeric field overflow",
            "nextval: reached maximum value of sequence \"line_ids\" (32767)",
            "setval: value 9 is out of bounds for sequence \"s\" (1..3)",
            "invalid byte sequence for encoding \"UTF8\": 0xe4",
            "character with byte sequence 0xe2 0x82 0xac in encoding \"UTF8\" has no equivalent in encoding \"LATIN1\"",
            "missing data for column \"note\"",
        ] {
            assert_eq!(without_value(message), message);
        }
        assert_eq!(without_value("column \"n\" got \"12\""), "column \"n\" got <value not shown>");
    }

    #[test]
    fn collisions_locks_and_losses_are_told_apart() {
        assert_eq!(kind_of(&SqlState::T_R_SERIALIZATION_FAILURE), Kind::Collision);
        assert_eq!(kind_of(&SqlState::T_R_DEADLOCK_DETECTED), Kind::Collision);
        assert_eq!(kind_of(&SqlState::LOCK_NOT_AVAILABLE), Kind::Locked);
        assert_eq!(kind_of(&SqlState::ADMIN_SHUTDOWN), Kind::Lost);
        assert_eq!(kind_of(&SqlState::UNDEFINED_TABLE), Kind::Database);
    }
}
