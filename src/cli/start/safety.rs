//! `host_safety_check`: a control database that was copied to another machine, with all its
//! connections, must not begin to replicate there (reference of the daemon, 3.1).

use crate::cli::Session;
use crate::error::{Error, Kind, Result};

/// What the setting asks for.
#[derive(Debug, PartialEq, Eq)]
enum Check<'a> {
    Nothing,
    Pattern(&'a str),
    OneOf(Vec<&'a str>),
    Exactly(&'a str),
}

/// Refuses to go on, with exit code 2, where this machine is not the one.
pub fn check(session: &mut Session, wanted: &str) -> Result<()> {
    let host = nix::unistd::gethostname().map_err(|errno| Error::new(Kind::File, "This host has no name").caused_by(errno))?;
    let host = host.to_string_lossy();
    let fits = match understand(wanted) {
        Check::Nothing => true,
        Check::Exactly(name) => name == host,
        Check::OneOf(names) => names.contains(&&*host),
        Check::Pattern(pattern) => session.control.query_one("select $1::text ~ $2::text", &[&&*host, &pattern])?.get(0),
    };
    if fits { Ok(()) } else { Err(elsewhere(wanted, &host, &session.prog)) }
}

fn understand(wanted: &str) -> Check<'_> {
    match (wanted.strip_prefix('~'), wanted.strip_prefix('=')) {
        _ if wanted.is_empty() => Check::Nothing,
        (Some(pattern), _) => Check::Pattern(pattern),
        (_, Some(list)) => Check::OneOf(list.split(',').map(str::trim).collect()),
        _ => Check::Exactly(wanted),
    }
}

fn elsewhere(wanted: &str, host: &str, prog: &str) -> Error {
    let message = format!(
        "Cannot start: configured to only run on \"{wanted}\". This is \"{host}\"\n  \
         The setting host_safety_check keeps a copy of a control database from\n  \
         replicating on a machine it was not made for.\n  \
         If this machine is the right one, change the setting:\n  \
         {prog} set host_safety_check={host}\n  \
         and start again."
    );
    Error::new(Kind::Refused, message).exit_code(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_has_four_forms() {
        assert_eq!(understand(""), Check::Nothing);
        assert_eq!(understand("db1"), Check::Exactly("db1"));
        assert_eq!(understand("=db1, db2"), Check::OneOf(vec!["db1", "db2"]));
        assert_eq!(understand("~^db[0-9]$"), Check::Pattern("^db[0-9]$"));
    }

    #[test]
    fn the_refusal_has_six_lines_and_exit_code_two() {
        let error = elsewhere("db1", "laptop", "bucardo_ctl");
        assert!(error.message().starts_with("Cannot start: configured to only run on \"db1\". This is \"laptop\"\n"));
        assert_eq!((error.message().lines().count(), error.code()), (6, 2));
    }
}
