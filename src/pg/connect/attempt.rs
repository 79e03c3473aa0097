//! The attempts it may take to get one connection: each server, each of its addresses, each way of
//! encryption the mode allows.

use super::connector::Connector;
use super::driver;
use super::failure::{Cause, Failure};
use super::message_limits::Answers;
use super::route::{self, Route};
use super::socket::Address;
use super::tls::{self, Encryption, Handshake};
use crate::pg::conninfo::{ConnInfo, Endpoint, SessionAttrs};
use crate::pg::session;
use crate::pg::{Client, Connection, Ident};
use postgres::SimpleQueryMessage;
use std::net::{IpAddr, ToSocketAddrs};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

type Attempt<T> = Result<T, Failure>;

/// What a new session is prepared for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// Nothing in particular.
    General,
    /// Work on a replicated database: it gets the settings of [`session`].
    Replication,
    /// The same, and it LISTENs on these channels when it is handed out. To say so later would mean
    /// to wait for the server, which may hang.
    Listening(Vec<String>),
}

/// Tries everything there is to try. Each server has `connect_timeout` for itself.
pub fn connect(info: &ConnInfo, purpose: &Purpose) -> Attempt<Connection> {
    first_success(info.endpoints(), |endpoint| server(info, &endpoint, purpose))
}

/// Goes on to the next only where that may help, and reports all failures on the way.
fn first_success<A, T>(candidates: Vec<A>, mut attempt: impl FnMut(A) -> Attempt<T>) -> Attempt<T> {
    let mut so_far: Option<Failure> = None;
    for candidate in candidates {
        let failure = match attempt(candidate) {
            Ok(success) => return Ok(success),
            Err(failure) => failure,
        };
        let go_on = failure.cause.is_of_this_address();
        let all = so_far.take().map_or(failure.clone(), |before| before.and_then("", failure));
        if !go_on {
            return Err(all);
        }
        so_far = Some(all);
    }
    Err(so_far.unwrap_or_else(|| Failure::new(Cause::NoSuchHost, "the host has no address")))
}

fn server(info: &ConnInfo, to: &Endpoint, purpose: &Purpose) -> Attempt<Connection> {
    let limit = Duration::from_secs(info.connect_timeout.into());
    let deadline = Instant::now() + limit;
    let addresses = addresses(to)?;
    if Instant::now() >= deadline {
        return Err(Failure::timeout(limit));
    }
    let mut left = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    first_success(addresses, |address| {
        // A fair share: a dead first address must not take the time of the second.
        let limit = deadline.saturating_duration_since(Instant::now()) / left;
        left -= 1;
        Target { info, to, address, purpose, limit, deadline: Instant::now() + limit }.connect()
    })
}

/// The addresses of a server; `None` stands for a socket in the file system. The look-up happens in
/// this thread: the runtime would leave a thread behind that does it.
fn addresses(to: &Endpoint) -> Attempt<Vec<Option<IpAddr>>> {
    if to.is_local() {
        return Ok(vec![None]);
    }
    if let Some(address) = to.hostaddr {
        return Ok(vec![Some(address)]);
    }
    let found = (to.host.as_str(), to.port).to_socket_addrs();
    let found = found.map_err(|e| Failure::new(Cause::NoSuchHost, format!("cannot look up \"{}\": {e}", to.host)))?;
    Ok(found.map(|address| Some(address.ip())).collect())
}

/// One address of one server.
#[derive(Clone, Copy)]
struct Target<'a> {
    info: &'a ConnInfo,
    to: &'a Endpoint,
    address: Option<IpAddr>,
    purpose: &'a Purpose,
    limit: Duration,
    deadline: Instant,
}

impl Target<'_> {
    fn connect(self) -> Attempt<Connection> {
        let ways = if self.to.is_local() { &[Encryption::None] } else { tls::attempts(self.info.tls.mode) };
        let first = self.encrypted(ways[0]);
        match (first, ways.get(1)) {
            (Err(failure), Some(way)) if failure.cause.may_depend_on_encryption() => {
                let how = if *way == Encryption::None { "without TLS: " } else { "with TLS: " };
                self.encrypted(*way).map_err(|second| failure.and_then(how, second))
            }
            (outcome, _) => outcome,
        }
    }

    fn encrypted(self, way: Encryption) -> Attempt<Connection> {
        let handshake = (way != Encryption::None).then(|| Handshake::new(&self.info.tls)).transpose();
        let connector = Connector::new(way, handshake.map_err(|e| Failure::ours(&e))?, &self.to.host);
        let route = Route {
            address: Address::new(self.address, &self.to.host, self.to.port),
            keepalive: self.info.keepalive.clone(),
            connector,
            required: self.info.require_auth.clone(),
            limit: Duration::from_secs(self.info.connect_timeout.into()),
        };
        match self.open(route) {
            Err(failure) if failure.cause == Cause::Timeout => Err(Failure::timeout(self.limit)),
            other => other,
        }
    }

    fn open(self, route: Route) -> Attempt<Connection> {
        let (runtime, answers) = (route::runtime()?, Arc::new(Answers::default()));
        let config = driver::config(self.info, self.to);
        let login = async {
            let (socket, prepared) = route.open(answers.clone()).await?;
            let fd = socket.as_raw_fd();
            config.connect_raw(socket, prepared).await.map(|made| (fd, made)).map_err(Failure::from)
        };
        let made = runtime.block_on(async { tokio::time::timeout_at(self.deadline.into(), login).await });
        let (fd, (client, exchange)) = made.map_err(|_| self.timeout())??;
        let mut client = Client::new(runtime, client, exchange, answers.clone());
        self.suits(&mut client)?;
        let version = self.greet(&mut client)?;
        answers.settle();
        Ok(Connection::new(client, fd, version, route))
    }

    fn timeout(&self) -> Failure {
        Failure::timeout(self.limit)
    }

    /// Whether the server is of the kind that was asked for.
    fn suits(&self, client: &mut Client) -> Attempt<()> {
        let wanted = match self.info.target_session_attrs {
            SessionAttrs::Any => return Ok(()),
            SessionAttrs::ReadWrite => "off",
            SessionAttrs::ReadOnly => "on",
        };
        match self.ask(client, "show transaction_read_only")?.as_deref() {
            Some(is) if is == wanted => Ok(()),
            Some("on") => Err(Failure::new(Cause::WrongRole, "the database takes no writes")),
            _ => Err(Failure::new(Cause::WrongRole, "the database is not read-only")),
        }
    }

    /// The first words of a session: the server's version, and what the purpose asks for, in one
    /// round trip.
    fn greet(&self, client: &mut Client) -> Attempt<u32> {
        let sql = match self.purpose {
            Purpose::General => session::opening_control(),
            Purpose::Replication => session::opening(),
            Purpose::Listening(channels) => channels.iter().fold(session::opening(), |sql, channel| sql + &listen(channel)),
        };
        let version = self.ask(client, &sql)?.and_then(|version| version.parse().ok());
        version.ok_or_else(|| Failure::new(Cause::Protocol, "the server does not tell its version"))
    }

    /// The first column of the first row, within the time that is left.
    fn ask(&self, client: &mut Client, sql: &str) -> Attempt<Option<String>> {
        let answer = client.simple_query_until(sql, self.deadline).ok_or_else(|| self.timeout())??;
        Ok(answer.iter().find_map(first_column))
    }
}

fn first_column(message: &SimpleQueryMessage) -> Option<String> {
    match message {
        SimpleQueryMessage::Row(row) => row.try_get(0).ok().flatten().map(str::to_owned),
        _ => None,
    }
}

fn listen(channel: &str) -> String {
    format!("; listen {}", Ident::new(channel))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn the_next_server_is_tried_only_where_that_may_help() {
        let attempts = |causes: &[Cause]| {
            let mut tried = 0;
            let all = causes.to_vec();
            let outcome = first_success(all, |cause| {
                tried += 1;
                if cause == Cause::Other { Ok(()) } else { Err(Failure::new(cause, format!("{cause:?}"))) }
            });
            (tried, outcome.map_err(|failure| failure.words))
        };
        assert_eq!(attempts(&[Cause::Refused, Cause::Other]), (2, Ok(())));
        assert_eq!(attempts(&[Cause::NotProven, Cause::Other]), (1, Err("NotProven".to_owned())));
        assert_eq!(attempts(&[Cause::Refused, Cause::Timeout]), (2, Err("Refused; Timeout".to_owned())));
        assert_eq!(attempts(&[Cause::Refused, Cause::Refused]), (2, Err("Refused".to_owned())));
    }

    #[test]
    fn an_address_is_not_looked_up() {
        let to = Endpoint { host: "no.such.host.invalid".into(), hostaddr: Some([127, 0, 0, 9].into()), ..Endpoint::default() };
        assert_eq!(addresses(&to).unwrap(), [Some([127, 0, 0, 9].into())]);
        assert_eq!(addresses(&Endpoint { host: "/tmp".into(), ..Endpoint::default() }).unwrap(), [None]);
        let unknown = addresses(&Endpoint { host: "no such host".into(), ..Endpoint::default() }).unwrap_err();
        assert_eq!(unknown.cause, Cause::NoSuchHost);
    }
}
