//! What all commands say when a file or directory fails them.

use crate::error::{Error, Kind};
use nix::errno::Errno;
use std::io;
use std::path::Path;

/// `Could not VERB "PATH": REASON`. The exit code is the error's number, as a dying Perl program
/// has it: scripts know 2 for a missing file and 13 for a missing right (reference, 1.9).
pub fn could_not(verb: &str, path: &Path, error: &io::Error) -> Error {
    let message = format!("Could not {verb} \"{}\": {}", path.display(), reason(error));
    let code = error.raw_os_error().and_then(|number| u8::try_from(number).ok());
    Error::new(Kind::File, message).exit_code(code.unwrap_or(255))
}

/// The system's own words for an error, without the number that Rust appends.
pub fn reason(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => Errno::from_raw(number).desc().to_owned(),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_is_the_number_of_the_error() {
        let error = could_not("open", Path::new("/x"), &io::Error::from_raw_os_error(13));
        assert_eq!((error.message(), error.code()), ("Could not open \"/x\": Permission denied", 13));
    }
}
