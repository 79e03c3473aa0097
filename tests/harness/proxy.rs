//! A link between us and a server that can be cut and can hang.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// A TCP proxy on 127.0.0.1 before one server. It lets everything pass until it is told otherwise,
/// and ends when dropped.
pub struct Proxy {
    port: u16,
    link: Arc<Link>,
}

struct Link {
    server: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    weather: Weather,
    /// Both ends of all connections, so that they can be cut.
    streams: Vec<TcpStream>,
}

/// What becomes of bytes and of new connections.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weather {
    /// They pass.
    Fine,
    /// They are kept: connections stand, and nothing comes through.
    Stalled,
    /// They are dropped.
    Cut,
}

impl Proxy {
    /// Before the server that listens on this port of 127.0.0.1.
    pub fn new(server: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Mutex::new(State { weather: Weather::Fine, streams: Vec::new() });
        let link = Arc::new(Link { server: ([127, 0, 0, 1], server).into(), state, changed: Condvar::new() });
        let accepting = Arc::downgrade(&link);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Some(link) = accepting.upgrade() else { break };
                link.accept(client);
            }
        });
        Proxy { port, link }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Everything hangs from now on.
    pub fn stall(&self) {
        self.link.set(Weather::Stalled);
    }

    /// All connections end, and no new ones are to be had.
    pub fn cut(&self) {
        self.link.set(Weather::Cut);
    }

    /// Everything passes again, also what was kept.
    pub fn resume(&self) {
        self.link.set(Weather::Fine);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
        // Wakes the thread that accepts, which holds nothing any more.
        let own = SocketAddr::from(([127, 0, 0, 1], self.port));
        let _ = TcpStream::connect(own);
    }
}

impl Link {
    fn set(&self, weather: Weather) {
        let mut state = self.state.lock().unwrap();
        state.weather = weather;
        if weather == Weather::Cut {
            state.streams.drain(..).for_each(hang_up);
        }
        self.changed.notify_all();
    }

    /// A client that is not let through is hung up on.
    fn accept(self: Arc<Link>, client: TcpStream) {
        let Ok(server) = TcpStream::connect(self.server) else { return };
        let mut state = self.state.lock().unwrap();
        if state.weather == Weather::Cut {
            return;
        }
        for stream in [&client, &server] {
            stream.set_nodelay(true).unwrap();
            state.streams.push(stream.try_clone().unwrap());
        }
        drop(state);
        for (from, to) in [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)] {
            let link = Arc::clone(&self);
            thread::spawn(move || link.carry(from, to));
        }
    }

    fn carry(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut bytes = vec![0; 1 << 16];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            self.wait_while_stalled();
            if to.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        self.wait_while_stalled();
        hang_up(from);
        hang_up(to);
    }

    fn wait_while_stalled(&self) {
        let state = self.state.lock().unwrap();
        drop(self.changed.wait_while(state, |state| state.weather == Weather::Stalled).unwrap());
    }
}

/// Nothing to do where the other side has hung up already.
fn hang_up(stream: TcpStream) {
    let _ = stream.shutdown(Shutdown::Both);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// A server that says everything twice.
    fn echo() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                thread::spawn(move || {
                    let mut byte = [0];
                    while stream.read_exact(&mut byte).is_ok() {
                        stream.write_all(&[byte[0], byte[0]]).unwrap();
                    }
                });
            }
        });
        port
    }

    fn says(stream: &mut TcpStream) -> std::io::Result<u16> {
        let mut two = [0; 2];
        stream.read_exact(&mut two).map(|()| u16::from_be_bytes(two))
    }

    #[test]
    fn bytes_pass_or_wait_or_are_lost() {
        let proxy = Proxy::new(echo());
        let mut client = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
        client.write_all(b"a").unwrap();
        assert_eq!(says(&mut client).unwrap().to_be_bytes(), *b"aa");
        proxy.stall();
        client.write_all(b"b").unwrap();
        client.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        assert!(says(&mut client).is_err());
        client.set_read_timeout(None).unwrap();
        proxy.resume();
        assert_eq!(says(&mut client).unwrap().to_be_bytes(), *b"bb");
        proxy.cut();
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
        let mut late = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
        assert_eq!(late.read(&mut [0]).unwrap_or(0), 0);
    }
}
