//! What the driver reads from and writes to: the socket, encrypted or not, with the
//! [`MessageLimits`] in between.

use super::connector::end_point;
use super::message_limits::MessageLimits;
use super::socket::Socket;
use postgres::tls::{self, ChannelBinding};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_openssl::SslStream;

/// A connection below the driver.
pub struct Line {
    wire: Wire,
    limits: MessageLimits,
}

/// How the bytes travel.
pub enum Wire {
    /// As they are.
    Plain(Socket),
    /// Encrypted.
    Encrypted(SslStream<Socket>),
}

impl Line {
    /// Everything that comes is looked at by `limits`.
    pub fn new(wire: Wire, limits: MessageLimits) -> Line {
        Line { wire, limits }
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = match &mut self.wire {
            Wire::Plain(socket) => Pin::new(socket).poll_read(cx, buffer),
            Wire::Encrypted(stream) => Pin::new(stream).poll_read(cx, buffer),
        };
        match read {
            Poll::Ready(Ok(())) => {
                let looked = self.limits.read(buffer.filled().get(before..).unwrap_or_default());
                Poll::Ready(looked.map_err(io::Error::other))
            }
            other => other,
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = match &mut self.wire {
            Wire::Plain(socket) => Pin::new(socket).poll_write(cx, bytes),
            Wire::Encrypted(stream) => Pin::new(stream).poll_write(cx, bytes),
        };
        if let Poll::Ready(Ok(count)) = &written {
            self.limits.sent(*count);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.wire {
            Wire::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Wire::Encrypted(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.wire {
            Wire::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Wire::Encrypted(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

impl tls::TlsStream for Line {
    fn channel_binding(&self) -> ChannelBinding {
        match &self.wire {
            Wire::Plain(_) => ChannelBinding::none(),
            Wire::Encrypted(stream) => {
                end_point(stream.ssl()).map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
            }
        }
    }
}
