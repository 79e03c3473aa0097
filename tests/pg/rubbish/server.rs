//! The fake server.

use super::login::{self, Stream};
use super::messages::{self, SPOILT, TYPES, complete, message, ready, spoil};
use crate::harness::Chance;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What is sent without end ends here, so that a test does. Notices may come as long as a statement
/// runs, and so may the statement.
const ENDLESS: Duration = Duration::from_secs(5);
const NOTICES: Duration = Duration::from_millis(300);

/// How much of that is sent at a time.
const PIECE: usize = 64 * 1024;

/// Listens in the network and in the file system, each time with the same seed.
pub struct Server {
    folder: TempDir,
    port: u16,
    over: Arc<AtomicBool>,
}

impl Server {
    pub fn start(seed: u64) -> Server {
        Server::listen(seed, None)
    }

    /// Lets everybody in, and answers every question with one thing, of some length, without end.
    pub fn flooding(flood: usize, length: usize) -> Server {
        Server::listen(0, Some((flood, length)))
    }

    fn listen(seed: u64, floods: Option<(usize, usize)>) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let network = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = network.local_addr().unwrap().port();
        let local = UnixListener::bind(folder.path().join(format!(".s.PGSQL.{port}"))).unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let serve = |over: Arc<AtomicBool>, accept: Box<dyn Fn() -> io::Result<Stream> + Send>| {
            std::thread::spawn(move || {
                let mut number = seed;
                while let Ok(stream) = accept() {
                    if over.load(Ordering::Relaxed) {
                        return;
                    }
                    number = number.wrapping_add(1 << 50);
                    let chance = Chance::seeded(number);
                    std::thread::spawn(move || drop(Session::new(stream, chance, floods).serve()));
                }
            })
        };
        serve(over.clone(), Box::new(move || network.accept().map(|(stream, _)| Stream::from(stream))));
        serve(over.clone(), Box::new(move || local.accept().map(|(stream, _)| Stream::from(stream))));
        Server { folder, port, over }
    }

    /// The directory of the socket.
    pub fn directory(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Server {
    /// Knocks, so that the listeners notice.
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        drop(std::net::TcpStream::connect(("127.0.0.1", self.port)));
        drop(std::os::unix::net::UnixStream::connect(self.folder.path().join(format!(".s.PGSQL.{}", self.port))));
    }
}

/// How many things there are that can come without end.
pub const FLOODS: usize = 11;

/// A row of nulls.
fn wide(columns: usize) -> Vec<u8> {
    let count = u16::try_from(columns).unwrap().to_be_bytes();
    message(b'D', &[&count[..], &vec![255; 4 * columns]].concat())
}

/// One connection.
pub struct Session {
    pub stream: Stream,
    pub chance: Chance,
    /// Whether something comes without end.
    endless: bool,
    /// Whether no type is known.
    strange: bool,
    /// One answer of so many is spoilt.
    candour: u64,
    /// What every question is answered with, if nothing else is wrong.
    pub floods: Option<(usize, usize)>,
}

/// What the client has said since the last Sync.
#[derive(Default)]
struct Asked {
    parsed: bool,
    bound: bool,
    text: String,
}

impl Session {
    fn new(stream: Stream, mut chance: Chance, floods: Option<(usize, usize)>) -> Session {
        let (endless, strange) = (chance.below(15) == 0, chance.below(30) == 0);
        // Most are believed until somebody asks something.
        let candour = chance.pick(&[4, 40, 1000, 1000]);
        Session { stream, chance, endless, strange, candour, floods }
    }

    fn serve(&mut self) -> io::Result<()> {
        login::run(self)?;
        self.candour = self.candour.min(6);
        let mut asked = Asked::default();
        loop {
            let (tag, body) = self.hear()?;
            match tag {
                b'X' => return Ok(()),
                b'Q' => self.simple(&body)?,
                b'P' => {
                    asked.parsed = true;
                    asked.text = String::from_utf8_lossy(&body).to_lowercase();
                }
                b'B' => asked.bound = true,
                b'c' | b'f' => self.answer(&[complete(), ready()])?,
                b'S' if self.floods.is_some() => self.flooded_extended(&asked)?,
                b'S' => {
                    let answer = self.extended(&asked);
                    (asked.parsed, asked.bound) = (false, false);
                    self.answer(&answer)?;
                }
                _ => {}
            }
        }
    }

    fn simple(&mut self, query: &[u8]) -> io::Result<()> {
        let value: &[u8] = if query.starts_with(b"show transaction_read_only") { b"off" } else { b"150004" };
        let answer = [messages::columns(&[25]), messages::row(&[value]), complete(), ready()];
        // The greeting belongs to the login.
        let greets = query.starts_with(b"select pg_catalog.");
        if let (Some((flood, length)), false) = (self.floods, greets) {
            return self.flood(flood, length);
        }
        if greets { self.send(&answer.concat()) } else { self.answer(&answer) }
    }

    /// Describes a statement as it is, and then answers it without end.
    fn flooded_extended(&mut self, asked: &Asked) -> io::Result<()> {
        if !asked.bound {
            let described = [message(b'1', b""), messages::parameters(&[]), messages::columns(&[25]), ready()];
            return self.send(&described.concat());
        }
        self.send(&message(b'2', b""))?;
        let (flood, length) = self.floods.unwrap();
        self.flood(flood, length)
    }

    /// The answer to what was said before a Sync.
    fn extended(&mut self, asked: &Asked) -> Vec<Vec<u8>> {
        let usual = if asked.text.contains("server_encoding") { 25 } else { 23 };
        let mut answer = Vec::new();
        if asked.parsed {
            let copies = asked.text.contains("copy ");
            let types: Vec<u32> = if asked.text.contains("$1") { vec![self.typed(usual)] } else { Vec::new() };
            let columns = if copies { message(b'n', b"") } else { messages::columns(&[self.typed(usual)]) };
            answer.extend([message(b'1', b""), messages::parameters(&types), columns]);
        }
        if asked.bound {
            answer.push(message(b'2', b""));
            if asked.text.contains("to stdout") {
                answer.push(message(b'H', &[0, 0, 1, 0, 0]));
                answer.extend((0..self.chance.below(20)).map(|_| message(b'd', b"1\ttwo\n")));
                answer.push(message(b'c', b""));
            } else if asked.text.contains("from stdin") {
                // The rest comes when the client is done.
                return [answer, vec![message(b'G', &[0, 0, 1, 0, 0])]].concat();
            } else {
                answer.extend((0..self.chance.below(4)).map(|_| messages::row(&[&[0, 0, 0, 7]])));
            }
            answer.push(complete());
        }
        answer.push(ready());
        answer
    }

    /// The type that it should be, or any.
    fn typed(&mut self, usual: u32) -> u32 {
        if self.strange || self.chance.below(20) == 0 { self.chance.pick(TYPES) } else { usual }
    }

    /// Sends messages, or what becomes of them.
    pub fn answer(&mut self, answer: &[Vec<u8>]) -> io::Result<()> {
        if self.endless && self.candour <= 6 && self.chance.below(3) == 0 {
            return self.without_end();
        }
        if self.chance.below(self.candour) > 0 {
            return self.send(&answer.concat());
        }
        match self.chance.below(20) {
            0 => self.drip(&answer.concat()),
            1 => self.rest(),
            2 => Err(ErrorKind::ConnectionReset.into()),
            _ => {
                let how = self.chance.pick(SPOILT);
                let (bytes, goes_on) = spoil(answer, how, &mut self.chance);
                self.send(&bytes)?;
                if goes_on { Ok(()) } else { Err(ErrorKind::ConnectionReset.into()) }
            }
        }
    }

    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }

    /// Byte by byte.
    fn drip(&mut self, bytes: &[u8]) -> io::Result<()> {
        for byte in bytes.iter().take(150) {
            self.send(&[*byte])?;
            std::thread::sleep(Duration::from_millis(2));
        }
        self.send(bytes.get(150..).unwrap_or_default())
    }

    /// Says nothing for a while, and goes.
    fn rest(&mut self) -> io::Result<()> {
        let longest = if self.endless { 3000 } else { 100 };
        std::thread::sleep(Duration::from_millis(self.chance.below(longest)));
        Err(ErrorKind::TimedOut.into())
    }

    /// Sends the same again and again.
    pub fn without_end(&mut self) -> io::Result<()> {
        let flood = usize::try_from(self.chance.below(FLOODS as u64)).unwrap();
        let length = self.chance.pick(&[1, 100, 5000]);
        self.flood(flood, length)
    }

    /// Sends one of the things that can come without end.
    fn flood(&mut self, flood: usize, length: usize) -> io::Result<()> {
        let text = "x".repeat(length);
        let row = messages::row(&[text.as_bytes()]);
        let one = match flood {
            0 => messages::notice(&text),
            1 => messages::notification("channel", &text),
            2 => messages::setting("name", &text),
            3 => complete(),
            4 => [messages::columns(&[]), message(b'D', &[0, 0]).repeat(5000)].concat(),
            5 => message(b'd', text.as_bytes()),
            6 => ready(),
            7 => [messages::columns(&[25]), row].concat(),
            8 => messages::columns(&vec![25; length]),
            9 => [messages::columns(&vec![25; length]), message(b'D', &[0; 2]).repeat(10), wide(length).repeat(20)].concat(),
            _ => [messages::columns(&[25]), row.repeat(1000)].concat(),
        };
        let piece = one.repeat(PIECE / one.len() + 1);
        let (begun, limit) = (Instant::now(), if flood < 3 { NOTICES } else { ENDLESS });
        for number in 0.. {
            if begun.elapsed() > limit {
                break;
            }
            self.stream.write_all(&piece)?;
            if length == 100 {
                let name = format!("name{number}");
                self.stream.write_all(&messages::setting(&name, "value"))?;
            }
        }
        Ok(())
    }

    /// Reads a message of the client.
    fn hear(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut head = [0; 5];
        self.stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        let mut body = vec![0; usize::try_from(length).unwrap().saturating_sub(4).min(1 << 20)];
        self.stream.read_exact(&mut body)?;
        Ok((head[0], body))
    }
}
