//! Mail: a letter is written to a file of copies and handed to a mail server, with time limits.
//! Plain SMTP: a server that wants encryption or a password is for a local relay to talk to.

use crate::error::{Error, Kind, Result};
use crate::files;
use crate::notice::clock;
use crate::plain;
use lettre::message::{Mailbox, Mailboxes};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Message, SmtpTransport, Transport};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long the mail server may take for one answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// The receiver in the settings as shipped: no mail is sent to it.
pub const NOBODY: &str = "nobody@example.com";

/// Subject and text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// The subject.
    pub subject: String,
    /// The text.
    pub body: String,
}

/// From whom mails go to whom, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// The sender.
    pub from: String,
    /// The receivers, separated by commas; none if no mail is to be sent.
    pub to: Option<String>,
    /// The mail server, `host` or `host:port`.
    pub host: String,
    /// A file that gets a copy.
    pub file: Option<PathBuf>,
}

impl Post {
    /// Whether a mail would reach anybody or anything.
    pub fn delivers(&self) -> bool {
        self.to.is_some() || self.file.is_some()
    }

    /// Delivers: to the file, to the mail server, or to both. A failure of one does not spare the
    /// other.
    pub fn deliver(&self, mail: &Mail) -> Result<()> {
        if mail.body.trim().is_empty() {
            return Err(Error::new(Kind::Refused, format!("the mail \"{}\" has no text", mail.subject)));
        }
        let mail = &Mail { subject: plain::line(&mail.subject).into_owned(), body: plain::lines(&mail.body).into_owned() };
        let copied = self.file.as_deref().map_or(Ok(()), |file| self.copy(file, mail));
        let sent = self.to.as_deref().map_or(Ok(()), |to| self.send(to, mail));
        copied.and(sent)
    }

    fn copy(&self, path: &Path, mail: &Mail) -> Result<()> {
        let to = self.to.as_deref().unwrap_or(NOBODY);
        let text = format!(
            "{}\nTo: {to}\nFrom: {}\nSubject: {}\nDate: {}\n\n{}\n\n",
            "=".repeat(70),
            self.from,
            mail.subject,
            clock::now(),
            mail.body.trim_end()
        );
        let written = files::append(path)?.write_all(text.as_bytes());
        written.map_err(|error| Error::new(Kind::File, format!("Could not write \"{}\"", path.display())).caused_by(error))
    }

    fn send(&self, to: &str, mail: &Mail) -> Result<()> {
        let message = self.message(to, mail)?;
        let (host, port) = server(&self.host);
        let transport = SmtpTransport::builder_dangerous(host).port(port).timeout(Some(PATIENCE));
        let transport = transport.hello_name(ClientId::Domain(full_host())).build();
        let sent = transport.send(&message).map(drop);
        sent.map_err(|error| {
            Error::new(Kind::Connect, format!("the mail server {host}:{port} did not take a mail to {to}")).caused_by(error)
        })
    }

    fn message(&self, to: &str, mail: &Mail) -> Result<Message> {
        let no_address =
            |what: &str| Error::new(Kind::Refused, format!("\"{what}\" is no mail address")).hint("see `show default_email`");
        let sender: Mailbox = self.from.parse().map_err(|_| no_address(&self.from))?;
        let receivers: Mailboxes = to.parse().map_err(|_| no_address(to))?;
        let builder = receivers.into_iter().fold(Message::builder().from(sender), |builder, receiver| builder.to(receiver));
        let message = builder.subject(mail.subject.clone()).body(mail.body.clone());
        message.map_err(|error| Error::new(Kind::Bug, "a mail cannot be written").caused_by(error))
    }
}

/// Host and port of a mail server; 25 unless given.
fn server(text: &str) -> (&str, u16) {
    match text.rsplit_once(':') {
        Some((host, port)) => port.parse().map_or((text, 25), |port| (host, port)),
        None => (text, 25),
    }
}

/// The name of this machine.
pub fn full_host() -> String {
    nix::unistd::gethostname().map_or_else(|_| "localhost".to_owned(), |host| host.to_string_lossy().into_owned())
}

/// The name without the domain, for subjects.
pub fn short_host() -> String {
    let host = full_host();
    host.split('.').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn mail() -> Mail {
        Mail { subject: "Bucardo Mail!".to_owned(), body: "It died.\n".to_owned() }
    }

    #[test]
    fn a_copy_has_a_rule_four_headers_and_the_text() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("mails");
        let post = Post { from: "a@example.org".to_owned(), file: Some(file.clone()), ..Post::default() };
        post.deliver(&mail()).unwrap();
        post.deliver(&mail()).unwrap();
        let text = std::fs::read_to_string(file).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let head = ["To: nobody@example.com", "From: a@example.org", "Subject: Bucardo Mail!"];
        assert_eq!((lines[0].len(), &lines[1..4], lines[5], lines[6]), (70, head.as_slice(), "", "It died."));
        assert!(lines[4].starts_with("Date: ") && text.matches("It died.").count() == 2, "{text}");
    }

    #[test]
    fn several_people_can_get_it_and_addresses_are_checked() {
        let post = Post { from: "a@example.org".to_owned(), ..Post::default() };
        let text = |to: &str| post.message(to, &mail()).map(|message| String::from_utf8_lossy(&message.formatted()).into_owned());
        let both = text("b@example.org, C <c@example.org>").unwrap();
        assert!(both.contains("b@example.org") && both.contains("c@example.org"), "{both}");
        assert_eq!(text("nobody").unwrap_err().message(), "\"nobody\" is no mail address");
    }

    #[test]
    fn a_mail_without_text_is_refused() {
        let empty = Mail { body: " \n".to_owned(), ..mail() };
        assert_eq!(Post::default().deliver(&empty).unwrap_err().kind(), Kind::Refused);
    }

    #[test]
    fn a_server_may_have_a_port() {
        assert_eq!(server("mail.example.org"), ("mail.example.org", 25));
        assert_eq!(server("127.0.0.1:2525"), ("127.0.0.1", 2525));
    }
}
