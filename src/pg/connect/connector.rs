//! Where the driver and OpenSSL meet: the driver hands a connected socket over and gets an encrypted one back.
//!
//! The driver asks [`Connector`] for its help right after the socket is connected, also when nothing will be encrypted. That
//! makes it the place from which the socket is watched, see [`super::socket`].

use super::failure::{Cause, Failure};
use super::socket::Watch;
use super::tls::Handshake;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::ssl::{self, Ssl, SslRef};
use openssl::x509::X509VerifyResult;
use postgres::Socket;
use postgres::tls::{self, ChannelBinding, MakeTlsConnect, TlsConnect};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_openssl::SslStream;

/// What the driver is given to make one connection.
#[derive(Clone, Default)]
pub struct Connector {
    handshake: Option<Handshake>,
    watch: Option<Watch>,
}

impl Connector {
    /// With encryption, if `handshake` is there.
    pub fn new(handshake: Option<Handshake>) -> Connector {
        Connector { handshake, watch: None }
    }

    /// The same, watched.
    pub fn watched(&self, watch: &Watch) -> Connector {
        Connector { watch: Some(watch.clone()), ..self.clone() }
    }
}

impl MakeTlsConnect<Socket> for Connector {
    type Stream = Encrypted;
    type TlsConnect = Prepared;
    type Error = Failure;

    fn make_tls_connect(&mut self, host: &str) -> Result<Prepared, Failure> {
        if let Some(watch) = &self.watch {
            watch.begin().map_err(|e| Failure::new(Cause::Ours, e.to_string()))?;
        }
        Ok(Prepared(self.handshake.as_ref().map(|handshake| handshake.with(host)).transpose().map_err(stack)?))
    }
}

/// A handshake with a certain host, ready to begin.
pub struct Prepared(Option<Ssl>);

impl TlsConnect<Socket> for Prepared {
    type Stream = Encrypted;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Encrypted, Failure>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(async {
            let ssl = self.0.ok_or_else(|| Failure::new(Cause::Tls, "encryption was not asked for"))?;
            let mut stream = SslStream::new(ssl, socket).map_err(stack)?;
            let done = Pin::new(&mut stream).connect().await;
            done.map_err(|e| refused(stream.ssl().verify_result(), &e))?;
            Ok(Encrypted(stream))
        })
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

/// Of OpenSSL's `error:0A00010B:SSL routines:ssl3_get_record:wrong version number:…` the part for people.
fn stack(errors: ErrorStack) -> Failure {
    let reason = errors.errors().first().and_then(|e| e.reason()).unwrap_or("unknown reason");
    Failure::new(Cause::Tls, format!("TLS failed: {reason}"))
}

/// An encrypted connection.
pub struct Encrypted(SslStream<Socket>);

impl AsyncRead for Encrypted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl tls::TlsStream for Encrypted {
    fn channel_binding(&self) -> ChannelBinding {
        end_point(self.0.ssl()).map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

/// The digest of the server's certificate to which SCRAM is bound: with the digest its signature uses, but never a weak one
/// (RFC 5929, 4.1).
fn end_point(ssl: &SslRef) -> Option<Vec<u8>> {
    let certificate = ssl.peer_certificate()?;
    let signed_with = certificate.signature_algorithm().object().nid().signature_algorithms()?.digest;
    let digest = if [Nid::MD5, Nid::SHA1].contains(&signed_with) { Nid::SHA256 } else { signed_with };
    Some(certificate.digest(MessageDigest::from_nid(digest)?).ok()?.to_vec())
}
