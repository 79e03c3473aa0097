//! Which servers are meant: host, hostaddr and port may each be a list (PostgreSQL manual,
//! 34.1.1.3), or missing.

use super::Endpoint;
use super::environment::Environment;
use crate::error::{Error, Kind, Result};
use std::net::IpAddr;
use std::path::Path;

/// Where servers put their socket: Debian's and most packages' place, and the one of PostgreSQL
/// itself.
pub const SOCKET_DIRECTORIES: [&str; 2] = ["/var/run/postgresql", "/tmp"];

const PORT: u16 = 5432;

/// The servers, in order, without passwords. There is at least one.
pub fn endpoints(host: &str, hostaddr: &str, port: &str, env: &impl Environment) -> Result<Vec<Endpoint>> {
    let (hosts, addresses, ports) = (list(host), list(hostaddr), list(port));
    let count = if hostaddr.is_empty() { hosts.len() } else { addresses.len() };
    if !host.is_empty() && hosts.len() != count {
        return Err(mismatch(&format!("{} hosts and {count} values of hostaddr", hosts.len())));
    }
    if ports.len() != 1 && ports.len() != count {
        return Err(mismatch(&format!("{} ports and {count} hosts", ports.len())));
    }
    let nth = |list: &[&str], n: usize| list.get(n).or(list.first()).map_or("", |item| *item).to_owned();
    (0..count).map(|n| endpoint(&nth(&hosts, n), &nth(&addresses, n), &nth(&ports, n), env)).collect()
}

fn list(text: &str) -> Vec<&str> {
    text.split(',').map(str::trim).collect()
}

fn mismatch(counts: &str) -> Error {
    Error::new(Kind::Refused, format!("there are {counts}: they do not match"))
}

fn endpoint(host: &str, hostaddr: &str, port: &str, env: &impl Environment) -> Result<Endpoint> {
    let (port, hostaddr) = (number(port)?, address(hostaddr)?);
    let host = match (host, hostaddr) {
        // An address goes before a socket, which then names nothing.
        ("", Some(address)) => address.to_string(),
        (socket, Some(address)) if socket.starts_with(['/', '@']) => address.to_string(),
        ("", None) => socket_directory(port, env),
        (abstract_socket, _) if abstract_socket.starts_with('@') => {
            return Err(Error::new(Kind::Refused, "sockets without a file (host=@…) are not supported"));
        }
        (host, _) => host.to_owned(),
    };
    Ok(Endpoint { host, port, password: None, hostaddr })
}

fn number(port: &str) -> Result<u16> {
    match port {
        "" => Ok(PORT),
        _ => port.parse().ok().filter(|port| *port > 0).ok_or_else(|| {
            Error::new(Kind::Refused, format!("\"{port}\" is not a port")).hint("a port is a number from 1 to 65535")
        }),
    }
}

fn address(hostaddr: &str) -> Result<Option<IpAddr>> {
    if hostaddr.is_empty() {
        return Ok(None);
    }
    let hint = "hostaddr takes addresses such as 192.0.2.7; names belong into host";
    hostaddr.parse().map(Some).map_err(|_| Error::new(Kind::Refused, format!("\"{hostaddr}\" is not an address")).hint(hint))
}

/// The directory in which a server with this port is; if there is none, the one in which it should
/// be.
fn socket_directory(port: u16, env: &impl Environment) -> String {
    let socket = |dir: &&&str| env.exists(&Path::new(dir).join(format!(".s.PGSQL.{port}")));
    let directory = |dir: &&&str| env.exists(Path::new(dir));
    let found = SOCKET_DIRECTORIES.iter().find(socket).or_else(|| SOCKET_DIRECTORIES.iter().find(directory));
    (*found.unwrap_or(&SOCKET_DIRECTORIES[1])).to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::super::environment::fake::Fake;
    use super::*;

    fn places(host: &str, hostaddr: &str, port: &str) -> Result<String> {
        let found = endpoints(host, hostaddr, port, &Fake::default())?;
        let text = |to: &Endpoint| format!("{}|{}|{}", to.host, to.hostaddr.map_or(String::new(), |a| a.to_string()), to.port);
        Ok(found.iter().map(text).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn hosts_addresses_and_ports_are_put_together() {
        for (host, hostaddr, port, expected) in [
            ("h", "", "", "h||5432"),
            ("h", "", "1", "h||1"),
            ("a,b", "", "1", "a||1 b||1"),
            ("a, b", "", "1,2", "a||1 b||2"),
            ("a,b", "", "1,", "a||1 b||5432"),
            ("", "10.0.0.1", "", "10.0.0.1|10.0.0.1|5432"),
            ("a,b", "10.0.0.1,::1", "", "a|10.0.0.1|5432 b|::1|5432"),
            ("/run", "10.0.0.1", "", "10.0.0.1|10.0.0.1|5432"),
            ("", "", "7", "/tmp||7"),
            ("/var/run,h", "", "", "/var/run||5432 h||5432"),
        ] {
            assert_eq!(places(host, hostaddr, port).unwrap(), expected);
        }
    }

    #[test]
    fn lists_that_do_not_match_and_values_that_mean_nothing_are_refused() {
        for (host, hostaddr, port) in [
            ("a,b", "10.0.0.1", ""),
            ("a,b", "", "1,2,3"),
            ("a", "", "1,2"),
            ("a", "", "0"),
            ("a", "", "65536"),
            ("a", "", "x"),
            ("a", "name", ""),
            ("@a", "", ""),
        ] {
            assert_eq!(places(host, hostaddr, port).unwrap_err().kind(), Kind::Refused, "{host} {hostaddr} {port}");
        }
    }

    #[test]
    fn without_a_host_it_is_the_directory_that_has_the_socket() {
        let with =
            |paths: &[&'static str]| Fake { files: paths.iter().map(|path| (*path, (0, ""))).collect(), ..Fake::default() };
        let debian = with(&["/var/run/postgresql", "/tmp"]);
        let source = with(&["/var/run/postgresql", "/tmp", "/tmp/.s.PGSQL.5432"]);
        assert_eq!(socket_directory(5432, &debian), "/var/run/postgresql");
        assert_eq!(socket_directory(5432, &source), "/tmp");
        assert_eq!(socket_directory(5433, &source), "/var/run/postgresql");
    }
}
