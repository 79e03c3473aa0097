//! Failpoints: where a test wants it, a kid kills itself at a step of its job, without any chance to tidy up. Release builds have none.
//!
//! The environment names a folder; a file in it with the name of a step is a wish to die there, and granting it removes the file.

use crate::replicate::step::Step;
use nix::sys::signal::{Signal, raise};
use std::path::PathBuf;
use std::sync::OnceLock;

/// The variable with the folder.
const VARIABLE: &str = "BUCARDO_FAILPOINTS";

/// Passes a step, if it can be passed.
pub(super) fn pass(step: Step) {
    static PLACE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let place = PLACE.get_or_init(|| std::env::var_os(VARIABLE).map(PathBuf::from));
    if let Some(folder) = place
        && std::fs::remove_file(folder.join(format!("{step:?}"))).is_ok()
    {
        let _ = raise(Signal::SIGKILL);
    }
}
