//! From a connected socket to a [`Line`]: whether it is encrypted is agreed on here and not by the
//! driver, which would hand an unencrypted socket to itself, past the limits of messages. To the
//! driver every connection is one that "TLS" was made of, in our way.

use super::failure::{Cause, Failure};
use super::line::{Line, Wire};
use super::message_limits::MessageLimits;
use super::socket::Socket;
use super::tls::{Encryption, Handshake};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::ssl::{self, Ssl, SslRef};
use openssl::x509::X509VerifyResult;
use postgres::tls::TlsConnect;
use std::future::Future;
use std::pin::Pin;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_openssl::SslStream;

/// SSLRequest (PostgreSQL manual, "Message Formats").
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// How connections to one server are encrypted.
#[derive(Clone)]
pub struct Connector {
    way: Encryption,
    handshake: Option<Handshake>,
    host: String,
}

impl Connector {
    /// With encryption, if `handshake` is there; `host` is the name that the server's certificate
    /// may have to show.
    pub fn new(way: Encryption, handshake: Option<Handshake>, host: &str) -> Connector {
        Connector { way, handshake, host: host.to_owned() }
    }

    /// For one connection.
    pub fn prepare(&self, limits: MessageLimits) -> Result<Prepared, Failure> {
        let ssl = self.handshake.as_ref().map(|handshake| handshake.with(&self.host)).transpose().map_err(stack)?;
        Ok(Prepared { way: self.way, ssl, limits })
    }
}

/// Ready to begin.
pub struct Prepared {
    way: Encryption,
    ssl: Option<Ssl>,
    limits: MessageLimits,
}

impl TlsConnect<Socket> for Prepared {
    type Stream = Line;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Line, Failure>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(async move { Ok(Line::new(wire(self.way, self.ssl, socket).await?, self.limits)) })
    }
}

async fn wire(way: Encryption, ssl: Option<Ssl>, mut socket: Socket) -> Result<Wire, Failure> {
    let (Some(ssl), false) = (ssl, way == Encryption::None) else { return Ok(Wire::Plain(socket)) };
    if !offers_tls(&mut socket).await? {
        return match way {
            Encryption::Always => Err(Failure::new(Cause::NoTls, "the server does not support TLS")),
            _ => Ok(Wire::Plain(socket)),
        };
    }
    let mut stream = SslStream::new(ssl, socket).map_err(stack)?;
    let done = Pin::new(&mut stream).connect().await;
    done.map_err(|e| refused(stream.ssl().verify_result(), &e))?;
    Ok(Wire::Encrypted(stream))
}

/// Asks the server for TLS. Its answer is one byte, of which alone is read: what comes behind it
/// belongs to the handshake.
async fn offers_tls(socket: &mut Socket) -> Result<bool, Failure> {
    socket.write_all(&SSL_REQUEST).await.map_err(|e| Failure::from(&e))?;
    match socket.read_u8().await.map_err(|e| Failure::from(&e))? {
        b'S' => Ok(true),
        b'N' => Ok(false),
        // An error would be one that nobody has proved to be the server's.
        _ => Err(Failure::new(Cause::Broken, "the server answers neither yes nor no to the request for TLS")),
    }
}

/// What OpenSSL thinks of the certificate says more than that the handshake failed.
fn refused(verified: X509VerifyResult, error: &ssl::Error) -> Failure {
    match (verified, error.ssl_error(), error.io_error()) {
        (X509VerifyResult::OK, Some(errors), _) => stack(errors.clone()),
        (X509VerifyResult::OK, None, Some(io)) => Failure::new(Cause::Broken, format!("TLS failed: {io}")),
        (X509VerifyResult::OK, None, None) => {
            Failure::new(Cause::Broken, "the server closed the connection during the TLS handshake")
        }
        (reason, ..) => Failure::new(Cause::NotTrusted, format!("certificate verify failed: {}", reason.error_string())),
    }
}

/// Of OpenSSL's `error:0A00010B:SSL routines:ssl3_get_record:wrong version number:…` the part for
/// people.
fn stack(errors: ErrorStack) -> Failure {
    let reason = errors.errors().first().and_then(|e| e.reason()).unwrap_or("unknown reason");
    Failure::new(Cause::Tls, format!("TLS failed: {reason}"))
}

/// The digest of the server's certificate to which SCRAM is bound: with the digest its signature
/// uses, but never a weak one (RFC 5929, 4.1).
pub fn end_point(ssl: &SslRef) -> Option<Vec<u8>> {
    let certificate = ssl.peer_certificate()?;
    let signed_with = certificate.signature_algorithm().object().nid().signature_algorithms()?.digest;
    let digest = if [Nid::MD5, Nid::SHA1].contains(&signed_with) { Nid::SHA256 } else { signed_with };
    Some(certificate.digest(MessageDigest::from_nid(digest)?).ok()?.to_vec())
}
