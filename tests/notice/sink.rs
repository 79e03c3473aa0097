//! A mail server that keeps what it gets.

use crate::harness::wait_until;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Takes mails until the end of the test.
pub struct Sink {
    port: u16,
    mails: Arc<Mutex<Vec<String>>>,
}

impl Sink {
    /// A server that takes everything.
    pub fn new() -> Sink {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let sink = Sink { port: listener.local_addr().unwrap().port(), mails: Arc::default() };
        let mails = Arc::clone(&sink.mails);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mails = Arc::clone(&mails);
                std::thread::spawn(move || serve(stream, &mails));
            }
        });
        sink
    }

    /// As a setting.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The subjects of all mails so far, in order of arrival.
    pub fn subjects(&self) -> Vec<String> {
        let subject = |mail: &String| mail.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap_or_default().to_owned();
        self.mails.lock().unwrap().iter().map(subject).collect()
    }

    /// The first mail whose subject has this text, as soon as it is there.
    pub fn waits_for(&self, text: &str) -> String {
        wait_until(&format!("a mail about {text} arrives"), Duration::from_secs(40), || {
            let at = self.subjects().iter().position(|subject| subject.contains(text))?;
            Some(self.mails.lock().unwrap()[at].clone())
        })
    }
}

/// One session.
fn serve(stream: TcpStream, mails: &Mutex<Vec<String>>) -> Option<()> {
    let mut answers = stream.try_clone().ok()?;
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    writeln!(answers, "220 sink\r").ok()?;
    while let Some(line) = lines.next() {
        let answer = match line.split(' ').next()?.to_uppercase().as_str() {
            "DATA" => {
                writeln!(answers, "354 go on\r").ok()?;
                let mail: Vec<String> = lines.by_ref().take_while(|line| line != ".").collect();
                mails.lock().unwrap().push(mail.join("\n"));
                "250 taken"
            }
            "QUIT" => "221 bye",
            _ => "250 fine",
        };
        writeln!(answers, "{answer}\r").ok()?;
    }
    Some(())
}
