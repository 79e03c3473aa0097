//! The socket of a connection. We connect it ourselves, and the driver gets it when it stands: so
//! its descriptor is known, and everything that happens on it is under the time limit of the
//! attempt.

use super::failure::{Cause, Failure};
use crate::pg::conninfo::Keepalive;
use nix::sys::socket::{setsockopt, sockopt};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, RawFd};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// Where a server listens.
#[derive(Debug, Clone)]
pub enum Address {
    /// In the network.
    Tcp(SocketAddr),
    /// In the file system.
    Unix(PathBuf),
}

impl Address {
    /// That of a server: at an address, or with its socket in the directory `host`.
    pub fn new(address: Option<IpAddr>, host: &str, port: u16) -> Address {
        match address {
            Some(ip) => Address::Tcp(SocketAddr::new(ip, port)),
            None => Address::Unix(Path::new(host).join(format!(".s.PGSQL.{port}"))),
        }
    }
}

/// A connected socket.
pub enum Socket {
    /// Of the network.
    Tcp(TcpStream),
    /// Of the file system.
    Unix(UnixStream),
}

impl Socket {
    /// Connects.
    pub async fn connect(address: &Address, keepalive: &Keepalive) -> Result<Socket, Failure> {
        let connected = match address {
            Address::Tcp(address) => TcpStream::connect(address).await.map(Socket::Tcp),
            Address::Unix(path) => UnixStream::connect(path).await.map(Socket::Unix),
        };
        let socket = connected.map_err(|e| Failure::from(&e))?;
        socket.set(keepalive).map_err(|e| Failure::new(Cause::Ours, e.to_string()))?;
        Ok(socket)
    }

    /// Zero leaves a value to the operating system.
    fn set(&self, wanted: &Keepalive) -> io::Result<()> {
        let Socket::Tcp(stream) = self else { return Ok(()) };
        stream.set_nodelay(true)?;
        setsockopt(stream, sockopt::TcpUserTimeout, &wanted.user_timeout)?;
        setsockopt(stream, sockopt::KeepAlive, &wanted.on)?;
        if !wanted.on {
            return Ok(());
        }
        if wanted.idle > 0 {
            setsockopt(stream, sockopt::TcpKeepIdle, &wanted.idle)?;
        }
        if wanted.interval > 0 {
            setsockopt(stream, sockopt::TcpKeepInterval, &wanted.interval)?;
        }
        if wanted.count > 0 {
            setsockopt(stream, sockopt::TcpKeepCount, &wanted.count)?;
        }
        Ok(())
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            Socket::Tcp(stream) => stream.as_raw_fd(),
            Socket::Unix(stream) => stream.as_raw_fd(),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Socket::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Socket::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Socket::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Socket::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
