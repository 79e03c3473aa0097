//! Failpoints: where a test wants it, a kid kills itself at a step of its job, without any chance
//! to tidy up, or stands still there until it is told to go on. Release builds have none.
//!
//! The environment names a folder; a file in it with the name of a step is a wish, and granting it
//! removes the file. One that holds the word `stop` wants the kid to stand still, any other wants
//! it dead.

use crate::replicate::round::step::Step;
use nix::sys::signal::{Signal, raise};
use std::path::PathBuf;
use std::sync::OnceLock;

/// The variable with the folder.
const VARIABLE: &str = "BUCARDO_FAILPOINTS";

/// Passes a step, if it can be passed.
pub(super) fn pass(step: Step) {
    static PLACE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let place = PLACE.get_or_init(|| std::env::var_os(VARIABLE).map(PathBuf::from));
    let Some(file) = place.as_ref().map(|folder| folder.join(format!("{step:?}"))) else { return };
    let Ok(wish) = std::fs::read_to_string(&file) else { return };
    if std::fs::remove_file(&file).is_ok() {
        let _ = raise(if wish == "stop" { Signal::SIGSTOP } else { Signal::SIGKILL });
    }
}
