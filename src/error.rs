//! The one error type of the program.
//!
//! An error is a *kind* (what a machine does about it), a *sentence* (what a person reads), an
//! optional *hint* (what the person can do) and an optional *source* (what happened underneath). It
//! is made where something fails, passed on with `?`, and said once, by whoever handles it: `main`
//! for commands, the role's loop for processes of the daemon.

use std::fmt;

/// The result of everything that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, as far as a program must tell cases apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The command line does not say what to do; the usage text does.
    Usage,
    /// The request is understood and refused: a wrong value, a rule, an existing name.
    Refused,
    /// Something named by the user does not exist.
    NotFound,
    /// A file or directory cannot be read or written.
    File,
    /// A server cannot be reached, refuses us, or does not answer in time.
    Connect,
    /// All connections of a server, a database or a role are taken (SQLSTATE 53300): there may be
    /// room in a moment.
    Crowded,
    /// An established connection is gone.
    Lost,
    /// Two transactions collided (SQLSTATE 40001, 40P01): doing it again may well succeed.
    Collision,
    /// A lock was not to be had within its timeout (SQLSTATE 55P03).
    Locked,
    /// A row breaks a constraint (SQLSTATE class 23).
    Violation,
    /// A row breaks a unique or an exclusion constraint (SQLSTATE 23505, 23P01).
    Duplicate,
    /// A right is missing (SQLSTATE 42501).
    Denied,
    /// The server refused a statement for any other reason.
    Database,
    /// We were asked to stop.
    Stopped,
    /// Nothing came within the time allowed.
    Timeout,
    /// The two sides of a sync do not fit, or what is recorded contradicts what is found.
    Mismatch,
    /// Tables are not what they were when something was planned for them: it has to be planned
    /// anew.
    Outdated,
    /// The program contradicts itself.
    Bug,
}

/// An error; see the module's text.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    message: String,
    hint: Option<String>,
    code: Option<u8>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of `kind` whose sentence is `message`.
    pub fn new(kind: Kind, message: impl Into<String>) -> Error {
        Error(Box::new(Inner { kind, message: message.into(), hint: None, code: None, source: None }))
    }

    /// Adds what the reader can do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Error {
        self.0.hint = Some(hint.into());
        self
    }

    /// Attaches what happened underneath.
    pub fn caused_by(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Error {
        self.0.source = Some(Box::new(source));
        self
    }

    /// Puts a sentence in front: the old error becomes the source, its kind, hint and exit code
    /// stay.
    pub fn context(self, message: impl Into<String>) -> Error {
        let (kind, hint, code) = (self.0.kind, self.0.hint.clone(), self.0.code);
        Error(Box::new(Inner { kind, message: message.into(), hint, code, source: Some(Box::new(self)) }))
    }

    /// Fixes the exit code of the process, where the command-line reference asks for a particular
    /// one.
    pub fn exit_code(mut self, code: u8) -> Error {
        self.0.code = Some(code);
        self
    }

    /// The kind.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The sentence alone, without sources and hint.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The hint, if there is one.
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The exit code: as set, else 2 for a missing file, else 255, as a dying Perl program has it
    /// (command-line reference, section 1.9).
    pub fn code(&self) -> u8 {
        self.0.code.unwrap_or(255)
    }
}

/// The sentence and its sources, joined by colons, on one line unless a server's text has several.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        match &self.0.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_keeps_kind_hint_and_code_and_is_read_from_outside_in() {
        let inner = Error::new(Kind::Connect, "connection refused").hint("is the server running?").exit_code(2);
        let outer = inner.context("database B");
        assert_eq!(outer.to_string(), "database B: connection refused");
        assert_eq!((outer.kind(), outer.hint_text(), outer.code()), (Kind::Connect, Some("is the server running?"), 2));
    }
}
