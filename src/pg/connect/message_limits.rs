//! What a server may send. The driver reads whatever comes: a message as long as its header says,
//! and rows, notices and settings without end. This looks at the headers as they pass (PostgreSQL
//! manual, "Message Formats"), keeps nothing, and ends the connection when
//!
//! * a message before the end of login is longer than any server sends then, or all of them
//!   together are;
//! * a message after that is longer than PostgreSQL can make it;
//! * what the driver would have to keep in memory for one statement goes beyond any measure, see
//!   [`Answers`];
//! * the server wants a proof of who we are that `require_auth` does not allow.

use super::failure::{Cause, Failure};
use crate::pg::conninfo::{AuthMethod, RequireAuth};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// The longest message before the end of login, and the most bytes of all of them.
const LOGIN_MESSAGE: u64 = 64 * KIB;
const LOGIN: u64 = MIB;

/// The longest row, as PostgreSQL's own buffers are limited.
const ROW: u64 = 1024 * MIB;

/// What one answer may take in memory, while a session is greeted and later: this, and so much for
/// each byte of the question, but never more than the last.
const GREETING: u64 = MIB;
const ANSWER: u64 = 64 * MIB;
const ANSWER_PER_BYTE: u64 = 4096;
const ANSWER_AT_MOST: u64 = 1024 * MIB;

/// What a message takes at most: so much, and its bytes so many times, because the driver keeps
/// whole buffers; and a column of a row.
const MESSAGE: u64 = 200;
const BYTE: u64 = 2;
const COLUMN: u64 = 24;

/// The requests that one call may make: the driver asks for each type that it does not know, and
/// for the types which that is made of.
const REQUESTS: u64 = 1000;

/// The settings that a server may report by name; PostgreSQL 18 reports fifteen, a pooler may add
/// some.
const SETTINGS: usize = 100;

/// How much of a message's beginning is looked at.
const LOOK: usize = 64;

/// The account of the call that is under way: what was asked and what came. The connection opens it
/// anew for each call.
#[derive(Debug, Default)]
pub struct Answers {
    asked: AtomicU64,
    kept: AtomicU64,
    requests: AtomicU64,
    /// What an answer may take, whatever the question; none while the session is greeted.
    least: AtomicU64,
}

impl Answers {
    /// The greeting is over. Its answers are short, and the thread that hears them is gone soon,
    /// with what its memory may have grown to.
    pub fn settle(&self) {
        self.least.store(ANSWER, Ordering::Relaxed);
    }

    /// A list is wanted whose length is for the user to know.
    pub fn expect_much(&self) {
        self.least.store(ANSWER_AT_MOST, Ordering::Relaxed);
    }

    /// A call begins.
    pub fn begin(&self) {
        for counter in [&self.asked, &self.kept, &self.requests] {
            counter.store(0, Ordering::Relaxed);
        }
    }

    /// So many bytes were sent.
    pub fn sent(&self, bytes: usize) {
        self.asked.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn keep(&self, bytes: u64) -> Result<(), Failure> {
        let kept = self.kept.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let least = self.least.load(Ordering::Relaxed).max(GREETING);
        let allowed = self.asked.load(Ordering::Relaxed).saturating_mul(ANSWER_PER_BYTE).saturating_add(least);
        if kept <= allowed.min(ANSWER_AT_MOST) {
            return Ok(());
        }
        Err(breach(format!("the answer to a statement takes more than {} MB of memory", allowed.min(ANSWER_AT_MOST) / MIB)))
    }

    fn request(&self) -> Result<(), Failure> {
        if self.requests.fetch_add(1, Ordering::Relaxed) < REQUESTS {
            return Ok(());
        }
        Err(breach("the server describes a type by other types without end"))
    }
}

/// Follows the messages of one connection.
pub struct MessageLimits {
    required: RequireAuth,
    answers: Arc<Answers>,
    /// The beginning of the present message: tag, length, and the first bytes of what follows.
    head: Vec<u8>,
    /// How much of it is still to come.
    left: u64,
    login: Option<Login>,
    settings: HashSet<Vec<u8>>,
    failed: Option<Failure>,
}

/// What came during login.
#[derive(Default)]
struct Login {
    bytes: u64,
    asked: bool,
}

impl MessageLimits {
    /// For a connection that is about to log in.
    pub fn new(required: RequireAuth, answers: Arc<Answers>) -> MessageLimits {
        let login = Some(Login::default());
        MessageLimits { required, answers, head: Vec::new(), left: 0, login, settings: HashSet::new(), failed: None }
    }

    /// So many bytes were sent.
    pub fn sent(&self, bytes: usize) {
        self.answers.sent(bytes);
    }

    /// Looks at what was read. Once something was wrong, nothing is right any more: what follows
    /// cannot be told from it.
    pub fn read(&mut self, mut bytes: &[u8]) -> Result<(), Failure> {
        if let Some(failure) = &self.failed {
            return Err(failure.clone());
        }
        while !bytes.is_empty() {
            let step = if self.left == 0 { self.header(bytes) } else { self.body(bytes) };
            bytes = &bytes[step.inspect_err(|failure| self.failed = Some(failure.clone()))?..];
        }
        Ok(())
    }

    /// Takes bytes of a header; says how many.
    fn header(&mut self, bytes: &[u8]) -> Result<usize, Failure> {
        let taken = bytes.len().min(5 - self.head.len());
        self.head.extend_from_slice(&bytes[..taken]);
        if let [tag, a, b, c, d] = self.head[..] {
            self.begin(tag, u32::from_be_bytes([a, b, c, d]).into())?;
        }
        Ok(taken)
    }

    /// A message of this length, which counts the four bytes that tell it, begins.
    fn begin(&mut self, tag: u8, length: u64) -> Result<(), Failure> {
        let limit = if self.login.is_some() { LOGIN_MESSAGE } else { longest(tag) };
        if length < 4 || length > limit {
            return Err(breach(format!(
                "the server sends a message of {length} bytes (type {})",
                (tag as char).escape_default()
            )));
        }
        if let Some(login) = &mut self.login {
            login.bytes += length;
            if login.bytes > LOGIN {
                return Err(breach("the server sends more than 1 MB during login"));
            }
        }
        match tag {
            // These are handed out at once and not kept.
            b'd' | b'N' | b'S' | b'A' => {}
            // The description of a column takes several times its bytes.
            b'T' | b't' => self.answers.keep(MESSAGE + 8 * length)?,
            _ => self.answers.keep(MESSAGE + BYTE * length)?,
        }
        self.left = length - 4;
        if self.left == 0 { self.end() } else { Ok(()) }
    }

    /// Takes bytes of a message; says how many.
    fn body(&mut self, bytes: &[u8]) -> Result<usize, Failure> {
        let taken = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
        let looked_at = taken.min((5 + LOOK).saturating_sub(self.head.len()));
        self.head.extend_from_slice(&bytes[..looked_at]);
        self.left -= taken as u64;
        if self.left == 0 {
            self.end()?;
        }
        Ok(taken)
    }

    /// A message is complete.
    fn end(&mut self) -> Result<(), Failure> {
        let head = std::mem::take(&mut self.head);
        let looked = self.look(head[0], &head[5..]);
        self.head = head;
        self.head.clear();
        looked
    }

    /// Looks at the beginning of a message. What is too short is left to the driver, which refuses
    /// it.
    fn look(&mut self, tag: u8, body: &[u8]) -> Result<(), Failure> {
        match tag {
            b'R' if self.login.is_some() => self.asked_for(body),
            b'D' => self.answers.keep(COLUMN * body.first_chunk().map_or(0, |count| u64::from(u16::from_be_bytes(*count)))),
            b'S' => self.reported(body),
            b'Z' => {
                self.login = None;
                self.answers.request()
            }
            _ => Ok(()),
        }
    }

    /// The server asks for a proof, or is content.
    fn asked_for(&mut self, body: &[u8]) -> Result<(), Failure> {
        let Some(code) = body.first_chunk().map(|code| u32::from_be_bytes(*code)) else { return Ok(()) };
        let asked_before = self.login.as_ref().is_some_and(|login| login.asked);
        let method = match code {
            0 if asked_before => return Ok(()),
            0 => AuthMethod::None,
            3 => AuthMethod::Password,
            5 => AuthMethod::Md5,
            7 => AuthMethod::Gss,
            9 => AuthMethod::Sspi,
            10 if body[4..].starts_with(b"OAUTHBEARER\0") => AuthMethod::Oauth,
            10 => AuthMethod::ScramSha256,
            _ => return Ok(()),
        };
        if let Some(login) = &mut self.login {
            login.asked = true;
        }
        if self.required.allows(method) {
            return Ok(());
        }
        let asks = match method {
            AuthMethod::None => "the server asks for no proof of who we are".to_owned(),
            AuthMethod::Password => "the server asks for the password in clear text".to_owned(),
            method => format!("the server asks for a proof by {method}"),
        };
        Err(Failure::new(Cause::NotRequired, format!("{asks}, which require_auth=\"{}\" does not allow", self.required)))
    }

    /// The server tells the value of a setting, which the driver keeps by its name.
    fn reported(&mut self, body: &[u8]) -> Result<(), Failure> {
        let name = body.split(|byte| *byte == 0).next().unwrap_or_default();
        if !self.settings.contains(name) {
            self.settings.insert(name.to_owned());
        }
        if self.settings.len() <= SETTINGS { Ok(()) } else { Err(breach("the server reports settings without end")) }
    }
}

/// The longest message of a type in a session: what PostgreSQL can make, and for errors and
/// notices, whose text may be a function's, more than anybody could read.
fn longest(tag: u8) -> u64 {
    match tag {
        b'D' | b'd' => ROW,
        b'E' | b'N' => 16 * MIB,
        // 65,535 columns at most.
        b'T' | b't' => 8 * MIB,
        b'S' => MIB,
        // A payload has less than 8,000 bytes.
        b'A' => 16 * KIB,
        b'G' | b'H' => 256 * KIB,
        _ => 64 * KIB,
    }
}

fn breach(words: impl Into<String>) -> Failure {
    Failure::new(Cause::Protocol, words)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::pg::conninfo::ConnInfo;

    fn message(tag: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&[tag], &length[..], body].concat()
    }

    fn auth(code: u32, rest: &[u8]) -> Vec<u8> {
        message(b'R', &[&code.to_be_bytes()[..], rest].concat())
    }

    fn limits(required: &str) -> MessageLimits {
        let answers = Arc::new(Answers::default());
        answers.settle();
        MessageLimits::new(required_auth(required), answers)
    }

    fn required_auth(text: &str) -> RequireAuth {
        let parts = crate::pg::conninfo::Parts { dbconn: Some(format!("user=u require_auth='{text}'")), ..Default::default() };
        parts.resolve().map(|info: ConnInfo| info.require_auth).unwrap()
    }

    fn refusal(limits: &mut MessageLimits, bytes: &[u8]) -> String {
        limits.read(bytes).err().map(|failure| failure.words).unwrap_or_default()
    }

    #[test]
    fn lengths_are_counted_wherever_the_bytes_are_cut() {
        let all =
            [auth(0, b""), message(b'S', b"a\0b\0"), message(b'Z', b"I"), message(b'd', &[7; 100]), message(b'c', b"")].concat();
        for cut in 1..all.len() {
            let mut limits = limits("");
            all.chunks(cut).for_each(|part| limits.read(part).unwrap());
            assert!(limits.head.is_empty() && limits.left == 0 && limits.login.is_none(), "{cut}");
        }
    }

    #[test]
    fn a_message_before_login_is_short_and_one_after_it_no_longer_than_a_row() {
        let header = |tag: u8, length: u32| [&[tag][..], &length.to_be_bytes()].concat();
        assert_eq!(refusal(&mut limits(""), &header(b'E', 65_537)), "the server sends a message of 65537 bytes (type E)");
        assert_eq!(refusal(&mut limits(""), &header(b'R', 3)), "the server sends a message of 3 bytes (type R)");
        assert_eq!(refusal(&mut limits(""), &header(b'E', 65_536)), "");
        let session = || {
            let mut limits = limits("");
            limits.read(&[auth(0, b""), message(b'Z', b"I")].concat()).unwrap();
            limits
        };
        assert_eq!(refusal(&mut session(), &header(b'd', 1 << 30)), "");
        assert!(refusal(&mut session(), &header(b'd', (1 << 30) + 1)).contains("1073741825 bytes"));
        assert!(refusal(&mut session(), &header(b'A', 20_000)).contains("20000 bytes"));
        assert!(refusal(&mut session(), &header(b'\n', u32::MAX)).contains("4294967295 bytes (type \\n)"));
    }

    #[test]
    fn login_and_answers_end_somewhere() {
        let notice = message(b'N', &[b'x'; 1000]);
        let mut login = limits("");
        assert!((0..2000).any(|_| refusal(&mut login, &notice).contains("more than 1 MB during login")));
        assert!(refusal(&mut login, &notice).contains("during login"), "it stays so");
        let mut session = limits("");
        session.read(&[auth(0, b""), message(b'Z', b"I")].concat()).unwrap();
        let row = message(b'D', &[0, 0]);
        let rows = (0..).take_while(|_| session.read(&row).is_ok()).count() as u64;
        assert!(rows > 200_000 && rows * MESSAGE < ANSWER + MIB, "{rows}");
    }

    #[test]
    fn a_longer_question_may_have_a_longer_answer() {
        let answers = Arc::new(Answers::default());
        answers.settle();
        let mut session = MessageLimits::new(RequireAuth::default(), answers.clone());
        session.read(&[auth(0, b""), message(b'Z', b"I")].concat()).unwrap();
        let row = message(b'D', &[0; 60_000]);
        let mut rows = |bytes| {
            answers.begin();
            answers.sent(bytes);
            (0..3000).take_while(|_| session.read(&row).is_ok()).count()
        };
        assert_eq!(rows(100_000), 3000);
        assert!(rows(100) < 1500);
    }

    #[test]
    fn types_without_end_and_settings_without_end_are_refused() {
        let mut session = limits("");
        let ready = message(b'Z', b"I");
        assert!((0..2000).any(|_| refusal(&mut session, &ready).contains("by other types without end")));
        let mut session = limits("");
        session.read(&ready).unwrap();
        let setting = |number: usize| message(b'S', format!("s{}\0on\0", number % 90).as_bytes());
        (0..1000).for_each(|number| session.read(&setting(number)).unwrap());
        let report = |number: usize| message(b'S', format!("t{number}\0on\0").as_bytes());
        assert!((0..20).any(|number| refusal(&mut session, &report(number)).contains("reports settings without end")));
    }

    #[test]
    fn only_the_proofs_that_are_required_are_given() {
        let scram = || auth(10, b"SCRAM-SHA-256\0\0");
        for (required, asked, refused) in [
            ("scram-sha-256", scram(), ""),
            (
                "scram-sha-256",
                auth(3, b""),
                "the server asks for the password in clear text, which require_auth=\"scram-sha-256\" does not allow",
            ),
            ("scram-sha-256", auth(5, b"salt"), "a proof by md5"),
            ("scram-sha-256", auth(0, b""), "no proof of who we are"),
            ("scram-sha-256", auth(7, b""), "a proof by gss"),
            ("!password,!md5", auth(5, b"salt"), "a proof by md5, which require_auth=\"!password,!md5\""),
            ("!password,!md5", auth(0, b""), ""),
            ("!scram-sha-256", auth(10, b"OAUTHBEARER\0\0"), ""),
            ("none", scram(), "a proof by scram-sha-256"),
            ("", auth(3, b""), ""),
        ] {
            let words = refusal(&mut limits(required), &asked);
            assert!(words.contains(refused) && words.is_empty() == refused.is_empty(), "{required}: {words}");
        }
        let mut content = limits("scram-sha-256");
        content.read(&[scram(), auth(11, b"r="), auth(12, b"v="), auth(0, b"")].concat()).unwrap();
    }
}
