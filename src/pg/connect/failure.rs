//! Why a connection was not made: the reason as far as a person can act on it, in the words of
//! whoever refused it.

use crate::error::{Error, Kind};
use crate::plain;
use postgres::error::DbError;
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

/// The reasons we have advice for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Nobody listens there.
    Refused,
    /// There is no such socket file.
    NoSocket,
    /// The socket file is not for us.
    NoAccess,
    /// The name means nothing.
    NoSuchHost,
    /// No way to the host.
    NoRoute,
    /// No answer in time.
    Timeout,
    /// The connection broke while it was being made.
    Broken,
    /// The server is starting up or shutting down.
    Starting,
    /// All connections are taken.
    TooMany,
    /// Reading or writing is not what this server does.
    WrongRole,
    /// A password is wanted and we have none.
    PasswordMissing,
    /// The password, or another proof of who we are, was not accepted.
    NotProven,
    /// The operating system's user, or its certificate, is not the role.
    NotMapped,
    /// The server wants another proof of who we are than we may give, or none.
    NotRequired,
    /// pg_hba.conf does not let us in.
    NotInHba,
    /// There is no such role, or it may not log in.
    NoRole,
    /// There is no such database.
    NoDatabase,
    /// The role may not use the database.
    NoPrivilege,
    /// The server has no TLS.
    NoTls,
    /// We do not accept the server's certificate.
    NotTrusted,
    /// TLS failed otherwise.
    Tls,
    /// What the server says is not what a PostgreSQL server says.
    Protocol,
    /// Our own files or settings.
    Ours,
    /// Anything else.
    Other,
}

impl Cause {
    /// Whether another server, or another address of this one, may do better. A server that has
    /// refused us speaks for all.
    pub fn is_of_this_address(self) -> bool {
        use Cause::*;
        matches!(self, Refused | NoSocket | NoAccess | NoSuchHost | NoRoute | Timeout | Broken | Starting | TooMany | WrongRole)
    }

    /// Whether it may help to do the same with, or without, encryption. Not when the password was
    /// wrong: it would be wrong again, and the server counts.
    pub fn may_depend_on_encryption(self) -> bool {
        matches!(self, Cause::NotInHba | Cause::NotTrusted | Cause::Tls | Cause::Broken)
    }

    /// What the reader can do.
    fn hint(self) -> Option<&'static str> {
        Some(match self {
            Cause::Refused => "is a server running there, on that port, and does it listen on that address (listen_addresses)?",
            Cause::NoSocket => {
                "is a server running on this machine, with its socket in that directory? For another machine give a host"
            }
            Cause::NoAccess => "the permissions of the socket or its directory do not let this user in",
            Cause::NoSuchHost => "check the name of the host",
            Cause::NoRoute => "check the address, the network and the routes to it",
            Cause::Timeout => "is the host up, and does a firewall let us through? connect_timeout sets how long to wait",
            Cause::Broken => "the server's log may say why",
            Cause::Starting => "the server will be ready, or gone, in a moment",
            Cause::TooMany => "raise max_connections on the server, or the connection limit of the role or the database",
            Cause::WrongRole => "target_session_attrs asks for another kind of server",
            Cause::PasswordMissing => "give a password, or put one into ~/.pgpass (mode 0600): host:port:database:user:password",
            Cause::NotProven => "check the password given, in PGPASSWORD or in the password file, and the method in pg_hba.conf",
            Cause::NotMapped => {
                "run it as the operating system's user of that name, or give host=localhost, where a password counts (ALTER ROLE ... PASSWORD), \
                 or change the method in pg_hba.conf"
            }
            Cause::NotRequired => {
                "let pg_hba.conf ask for a method that require_auth allows, or allow that method; if neither has changed, this may not be \
                 the server"
            }
            Cause::NotInHba => "add a line for this database, user and address to the server's pg_hba.conf and reload it",
            Cause::NoRole => "create the role on that server, with the right to log in",
            Cause::NoDatabase => "check the name of the database",
            Cause::NoPrivilege => "as owner of the database: GRANT CONNECT ON DATABASE",
            Cause::NoTls => "turn ssl on at the server, or choose an sslmode that does not insist (prefer, allow, disable)",
            Cause::NotTrusted => {
                "sslrootcert must hold the authority that signed the server's certificate; verify-full also compares the host name"
            }
            Cause::Protocol => "is it a PostgreSQL server that listens there?",
            Cause::Tls | Cause::Ours | Cause::Other => return None,
        })
    }
}

/// One attempt that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Why.
    pub cause: Cause,
    /// In whose words.
    pub words: String,
    hint: Option<String>,
}

impl Failure {
    /// A failure without advice of its own.
    pub fn new(cause: Cause, words: impl Into<String>) -> Failure {
        Failure { cause, words: plain::line(&words.into()).into_owned(), hint: None }
    }

    /// A problem on our side: a file that is missing, a thread that cannot be started.
    pub fn ours(error: &Error) -> Failure {
        Failure { cause: Cause::Ours, words: error.to_string(), hint: error.hint_text().map(str::to_owned) }
    }

    /// The server did not answer within the time it was given.
    pub fn timeout(limit: Duration) -> Failure {
        Failure::new(Cause::Timeout, format!("no answer within {} s", limit.as_secs_f64().ceil()))
    }

    /// Both failures in one: both texts, and the cause that tells more. Who was let in further
    /// tells more, and a certificate that was not accepted more than what became of trying without.
    pub fn and_then(self, how: &str, second: Failure) -> Failure {
        if self.words == second.words {
            return self;
        }
        let words = format!("{}; {how}{}", self.words, second.words);
        let second_tells = self.cause.is_of_this_address() || matches!(second.cause, Cause::NotTrusted | Cause::Tls);
        if second_tells { Failure { words, ..second } } else { Failure { words, ..self } }
    }

    /// The error a person reads.
    pub fn error(self, sentence: &str) -> Error {
        let kind = if self.cause == Cause::TooMany { Kind::Crowded } else { Kind::Connect };
        let error = Error::new(kind, format!("{sentence}: {}", self.words));
        match self.hint.or_else(|| self.cause.hint().map(str::to_owned)) {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

impl From<postgres::Error> for Failure {
    fn from(error: postgres::Error) -> Failure {
        if let Some(db) = error.as_db_error() {
            return Failure::new(cause_of(db), format!("{}:  {}", db.severity(), plain::bounded(db.message())));
        }
        // Where our part of the handshake failed, the driver carries our own word for it.
        if let Some(ours) = error.source().and_then(|source| source.downcast_ref::<Failure>()) {
            return ours.clone();
        }
        let inner = error.source().map(ToString::to_string).unwrap_or_default();
        match (error.to_string().as_str(), inner.as_str()) {
            ("invalid configuration", "password missing") => {
                Failure::new(Cause::PasswordMissing, "the server wants a password and none is known")
            }
            ("connection closed", _) => broken(),
            ("unexpected message from server", _) | ("error parsing response from server", _) => {
                Failure::new(Cause::Protocol, joined(&error.to_string(), &inner))
            }
            (outer, _) => io_failure(&error).unwrap_or_else(|| Failure::new(Cause::Other, joined(outer, &inner))),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl StdError for Failure {}

fn broken() -> Failure {
    Failure::new(Cause::Broken, "the server closed the connection unexpectedly")
}

fn joined(outer: &str, inner: &str) -> String {
    if inner.is_empty() { outer.to_owned() } else { format!("{outer}: {inner}") }
}

/// By SQLSTATE and, where that says too little, by the function of the server that complained: its
/// text may be translated.
fn cause_of(db: &DbError) -> Cause {
    match (db.code().code(), db.routine()) {
        ("28P01", _) => Cause::NotProven,
        ("28000", Some("auth_failed")) => Cause::NotMapped,
        ("28000", Some("InitializeSessionUserId")) => Cause::NoRole,
        ("28000", _) => Cause::NotInHba,
        ("3D000", _) => Cause::NoDatabase,
        ("42501", _) => Cause::NoPrivilege,
        ("53300", _) => Cause::TooMany,
        ("57P03", _) => Cause::Starting,
        _ => Cause::Other,
    }
}

/// What the operating system said, wherever in the chain of sources it is.
fn io_failure(error: &postgres::Error) -> Option<Failure> {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            return Some(of_io(io));
        }
        source = inner.source();
    }
    None
}

impl From<&io::Error> for Failure {
    fn from(error: &io::Error) -> Failure {
        of_io(error)
    }
}

fn of_io(error: &io::Error) -> Failure {
    // What the limits of messages say comes through the driver as an I/O error.
    if let Some(ours) = error.get_ref().and_then(|inner| inner.downcast_ref::<Failure>()) {
        return ours.clone();
    }
    let cause = match error.kind() {
        io::ErrorKind::ConnectionRefused => Cause::Refused,
        io::ErrorKind::NotFound => Cause::NoSocket,
        io::ErrorKind::PermissionDenied => Cause::NoAccess,
        io::ErrorKind::TimedOut => Cause::Timeout,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Cause::NoRoute,
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput if error.raw_os_error().is_none() => Cause::Protocol,
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => return broken(),
        _ => Cause::Other,
    };
    Failure::new(cause, plain(error))
}

/// Without Rust's ` (os error 111)`.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.clone(), |(words, _)| words.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn what_the_operating_system_says_is_told_apart() {
        for (raw, cause, words) in [
            (111, Cause::Refused, "Connection refused"),
            (2, Cause::NoSocket, "No such file or directory"),
            (13, Cause::NoAccess, "Permission denied"),
            (110, Cause::Timeout, "Connection timed out"),
            (113, Cause::NoRoute, "No route to host"),
            (104, Cause::Broken, "the server closed the connection unexpectedly"),
        ] {
            assert_eq!(of_io(&io::Error::from_raw_os_error(raw)), Failure::new(cause, words));
        }
    }

    #[test]
    fn two_failures_become_one_sentence_with_the_more_helpful_hint() {
        let hba = Failure::new(Cause::NotInHba, "no entry");
        let certificate = Failure::new(Cause::NotTrusted, "self-signed");
        let both = hba.clone().and_then("with TLS: ", certificate.clone());
        assert_eq!((both.cause, &*both.words), (Cause::NotTrusted, "no entry; with TLS: self-signed"));
        assert_eq!(certificate.and_then("without TLS: ", hba.clone()).cause, Cause::NotTrusted);
        assert_eq!(Failure::new(Cause::Refused, "refused").and_then("", hba.clone()).cause, Cause::NotInHba);
        assert_eq!(hba.clone().and_then("x", hba.clone()), hba);
    }

    #[test]
    fn an_error_says_everything_in_one_line_and_has_a_hint() {
        let error = Failure::new(Cause::Refused, "Connection refused").error("could not connect");
        assert_eq!((error.to_string().as_str(), error.kind()), ("could not connect: Connection refused", Kind::Connect));
        assert!(error.hint_text().unwrap().contains("listen_addresses"));
    }
}
