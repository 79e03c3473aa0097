//! The steps until a session stands.

use super::messages::{auth, error, message, noise, notice, ready, setting};
use super::server::Session;
use openssl::asn1::Asn1Time;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::ssl::{SslAcceptor, SslMethod, SslStream};
use openssl::x509::{X509, X509Name};
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::sync::OnceLock;
use std::time::Duration;

/// A connection, in one way or another.
pub enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<SslStream<TcpStream>>),
    Gone,
}

/// A client that says nothing more is left.
const PATIENCE: Option<Duration> = Some(Duration::from_secs(1));

impl From<TcpStream> for Stream {
    fn from(stream: TcpStream) -> Stream {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(PATIENCE).unwrap();
        stream.set_write_timeout(PATIENCE).unwrap();
        Stream::Tcp(stream)
    }
}

impl From<UnixStream> for Stream {
    fn from(stream: UnixStream) -> Stream {
        stream.set_read_timeout(PATIENCE).unwrap();
        stream.set_write_timeout(PATIENCE).unwrap();
        Stream::Unix(stream)
    }
}

impl Read for Stream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.read(bytes),
            Stream::Unix(stream) => stream.read(bytes),
            Stream::Tls(stream) => stream.read(bytes),
            Stream::Gone => Ok(0),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.write(bytes),
            Stream::Unix(stream) => stream.write(bytes),
            Stream::Tls(stream) => stream.write(bytes),
            Stream::Gone => Err(ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Tls(stream) => stream.flush(),
            _ => Ok(()),
        }
    }
}

/// A certificate that nobody has signed.
fn acceptor() -> &'static SslAcceptor {
    static ACCEPTOR: OnceLock<SslAcceptor> = OnceLock::new();
    ACCEPTOR.get_or_init(|| {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        let mut name = X509Name::builder().unwrap();
        name.append_entry_by_text("CN", "rubbish").unwrap();
        let name = name.build();
        let mut made = X509::builder().unwrap();
        made.set_version(2).unwrap();
        made.set_subject_name(&name).unwrap();
        made.set_issuer_name(&name).unwrap();
        made.set_pubkey(&key).unwrap();
        made.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
        made.set_not_after(&Asn1Time::days_from_now(2).unwrap()).unwrap();
        made.sign(&key, MessageDigest::sha256()).unwrap();
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
        acceptor.set_certificate(&made.build()).unwrap();
        acceptor.set_private_key(&key).unwrap();
        acceptor.build()
    })
}

/// SSLRequest and CancelRequest (PostgreSQL manual, "Message Formats").
const TLS: u32 = 80_877_103;
const CANCEL: u32 = 80_877_102;

/// Everything until the client may ask.
pub fn run(session: &mut Session) -> io::Result<()> {
    let mut code = startup(session)?;
    if session.floods.is_some() {
        return session.send(&[auth(0, b""), ready()].concat());
    }
    if code == TLS {
        encryption(session)?;
        code = startup(session)?;
    }
    if code == CANCEL {
        return Err(ErrorKind::ConnectionReset.into());
    }
    if session.chance.below(100) == 0 {
        return session.without_end();
    }
    authentication(session)?;
    let mut settings = vec![setting("server_version", "15.4"), setting("client_encoding", "UTF8")];
    settings.extend([message(b'K', &[0, 0, 0, 1, 0, 0, 0, 2]), notice("welcome"), ready()]);
    session.answer(&settings)
}

/// The first message of a connection, by its code.
fn startup(session: &mut Session) -> io::Result<u32> {
    let mut head = [0; 8];
    session.stream.read_exact(&mut head)?;
    let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
    let mut rest = vec![0; usize::try_from(length).unwrap().saturating_sub(8).min(10_000)];
    session.stream.read_exact(&mut rest)?;
    Ok(u32::from_be_bytes([head[4], head[5], head[6], head[7]]))
}

fn encryption(session: &mut Session) -> io::Result<()> {
    match session.chance.below(30) {
        0..12 => session.send(b"N"),
        12..24 => {
            session.send(b"S")?;
            if let Stream::Tcp(stream) = std::mem::replace(&mut session.stream, Stream::Gone) {
                let encrypted = acceptor().accept(stream).map_err(|_| io::Error::from(ErrorKind::BrokenPipe))?;
                session.stream = Stream::Tls(Box::new(encrypted));
            }
            Ok(())
        }
        24 => {
            let bytes = noise(&mut session.chance, 500);
            session.send(&[b"S", &bytes[..]].concat())
        }
        25 => session.send(&[b"S", &auth(0, b"")[..], &ready()[..]].concat()),
        26 => session.send(&[b"N", &auth(0, b"")[..], &ready()[..]].concat()),
        27 => session.send(&error("XX000", "forged")),
        28 => {
            let bytes = noise(&mut session.chance, 3);
            session.send(&bytes)
        }
        _ => Err(ErrorKind::ConnectionReset.into()),
    }
}

fn authentication(session: &mut Session) -> io::Result<()> {
    match session.chance.below(10) {
        0..6 => session.answer(&[auth(0, b"")]),
        6 => password(session, 3, b""),
        7 => password(session, 5, b"salt"),
        8 => scram(session),
        _ => {
            let code = u32::try_from(session.chance.below(14)).unwrap();
            let rest = noise(&mut session.chance, 70);
            password(session, code, &rest)
        }
    }
}

/// Asks, and is content with everything.
fn password(session: &mut Session, code: u32, rest: &[u8]) -> io::Result<()> {
    session.answer(&[auth(code, rest)])?;
    said(session)?;
    session.answer(&[auth(0, b"")])
}

/// What the client says to a question.
fn said(session: &mut Session) -> io::Result<Vec<u8>> {
    let mut head = [0; 5];
    session.stream.read_exact(&mut head)?;
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
    let mut body = vec![0; usize::try_from(length).unwrap().saturating_sub(4).min(10_000)];
    session.stream.read_exact(&mut body)?;
    Ok(body)
}

/// Lies: it does not know the password, and would like to be believed, or to keep the client busy.
fn scram(session: &mut Session) -> io::Result<()> {
    let mechanisms: &[&[u8]] = &[
        b"SCRAM-SHA-256\0\0",
        b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0",
        b"SCRAM-SHA-256-PLUS\0\0",
        b"SCRAM-SHA-1\0\0",
        b"SCRAM-SHA-256",
        b"\0",
        b"",
    ];
    let offered = session.chance.pick(mechanisms);
    session.answer(&[auth(10, offered)])?;
    let first = String::from_utf8_lossy(&said(session)?).into_owned();
    let nonce = first.rsplit_once("r=").map_or("", |(_, nonce)| nonce).to_owned();
    let challenge = match session.chance.below(12) {
        0 => "r=another,s=c2FsdA==,i=4096".to_owned(),
        1 => format!("r={nonce}x,s=c2FsdA==,i=4294967295"),
        2 => format!("r={nonce}x,s=c2FsdA==,i=0"),
        3 => format!("r={nonce}x,s=c2FsdA==,i=-1"),
        4 => format!("r={nonce}x,s=?,i=4096"),
        5 => format!("r={nonce}x"),
        6 => format!("m=ext,r={nonce}x,s=c2FsdA==,i=1"),
        7 => format!("r={nonce}x,s={},i=1", "QUJD".repeat(10_000)),
        8 => String::new(),
        _ => format!("r={nonce}x,s=c2FsdA==,i={}", session.chance.pick(&[1, 4096, 99_999])),
    };
    session.answer(&[auth(11, challenge.as_bytes())])?;
    said(session)?;
    let end: &[u8] = session.chance.pick(&[
        &b"v=AAAA"[..],
        b"v=rmF9pqV8S7suAoZWja4dJRkFsKQAAAAAAAAAAAAAAAA=",
        b"v=?",
        b"e=other-error",
        b"\xff\xfe",
        b"",
    ]);
    match session.chance.below(3) {
        0 => session.answer(&[auth(0, b"")]),
        _ => session.answer(&[auth(12, end), auth(0, b"")]),
    }
}
