//! How far a transaction is isolated from others, as far as there is a choice. The original asked
//! for SERIALIZABLE, which gave one snapshot when it was written; since PostgreSQL 9.1 that is the
//! meaning of REPEATABLE READ, and SERIALIZABLE is more (reference, section 9).

use crate::error::{Error, Kind, Result};

/// A level of isolation with one snapshot for the whole transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// One snapshot.
    RepeatableRead,
    /// One snapshot, and what it shows fits an order in which the server's serializable
    /// transactions may have run one after another.
    Serializable,
}

impl Isolation {
    /// As SQL writes it.
    pub fn sql(self) -> &'static str {
        match self {
            Isolation::RepeatableRead => "repeatable read",
            Isolation::Serializable => "serializable",
        }
    }

    /// Reads what SQL writes, in any case. Anything else, weaker levels too, is [`Kind::Mismatch`].
    pub fn parse(word: &str) -> Result<Isolation> {
        let known = [Isolation::RepeatableRead, Isolation::Serializable];
        known.into_iter().find(|level| level.sql().eq_ignore_ascii_case(word)).ok_or_else(|| {
            Error::new(Kind::Mismatch, format!("\"{word}\" is no isolation level that shows all changes"))
                .hint("It is \"repeatable read\" or \"serializable\".")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_that_show_a_changing_state_are_refused() {
        assert_eq!(Isolation::parse("Repeatable Read").ok(), Some(Isolation::RepeatableRead));
        assert_eq!(Isolation::parse("SERIALIZABLE").ok(), Some(Isolation::Serializable));
        assert!(Isolation::parse("read committed").is_err() && Isolation::parse("").is_err());
    }
}
