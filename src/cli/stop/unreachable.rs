//! `stop` while the control database cannot be reached. It knows where its daemon and the piddir
//! are; without it, the stop file is made only where the caller names a piddir, and the daemons of
//! this machine are told with the command that stops them.

use super::Place;
use crate::cli::session::Files;
use crate::cli::{Invocation, pidfile};
use crate::error::{Error, Kind};

/// Does what can be done, and adds to the error what can be done besides.
pub fn stop(invocation: &Invocation, error: Error) -> Error {
    if !matches!(error.kind(), Kind::Connect | Kind::Crowded | Kind::Lost | Kind::Timeout) {
        return error;
    }
    let made = invocation.options.piddir.as_deref().map(|piddir| {
        let place = Place::named(invocation, Files::usual(piddir));
        place.stop("stop", &invocation.nouns).map(|()| piddir)
    });
    let hint = hint(&made.unwrap_or(Ok("")), &pidfile::masters());
    if hint.is_empty() { error } else { error.hint(hint) }
}

/// `made` is the directory in which the stop file is now; empty for none.
fn hint(made: &Result<&str, Error>, masters: &[(i32, String)]) -> String {
    let file = match made {
        Ok("") => String::new(),
        Ok(piddir) => format!("A daemon whose piddir is {piddir} stops now. "),
        Err(error) => format!("{error}. "),
    };
    let signal = match masters {
        [] => String::new(),
        [(pid, _)] => format!("A daemon runs on this machine. If it is the one, run: kill {pid}"),
        several => {
            let each: Vec<String> = several.iter().map(|(pid, title)| format!("{pid} ({title})")).collect();
            format!("Daemons run on this machine: {}. To stop the one, run: kill PID", each.join(", "))
        }
    };
    (file + &signal).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_names_the_daemons_and_how_to_stop_one() {
        let title = "Bucardo Master Control Program v4.5.0. Active syncs: s".to_owned();
        assert_eq!(hint(&Ok(""), &[]), "");
        let one = "A daemon runs on this machine. If it is the one, run: kill 12";
        assert_eq!(hint(&Ok(""), &[(12, title.clone())]), one);
        let made = "A daemon whose piddir is /run/b stops now.";
        assert_eq!(hint(&Ok("/run/b"), &[]), made);
        assert_eq!(hint(&Ok("/run/b"), &[(12, title.clone())]), format!("{made} {one}"));
        let several = hint(&Ok(""), &[(12, title.clone()), (13, title.clone())]);
        assert_eq!(several, format!("Daemons run on this machine: 12 ({title}), 13 ({title}). To stop the one, run: kill PID"));
    }
}
