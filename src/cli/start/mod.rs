//! `start`: replaces the running daemon, if there is one, by a new one (reference, 3.3). The
//! original slept two seconds and hoped; here the new daemon starts when the old one is gone, and
//! success means that the new one runs.

mod launch;
mod replace;
mod safety;

use crate::cli::{Session, help, reason, stopfile, table::Topic};
use crate::control::settings::Settings;
use crate::control::{connections, presence};
use crate::daemon::process::instance;
use crate::daemon::process::launch::{self as daemon, Launch};
use crate::error::Result;
use crate::files;
use crate::replicate::identity::installation;
use crate::{say, warn_user};

/// Usage texts.
pub const TOPICS: &[Topic] = &[help::only(
    "Usage: start [reason]

  start
  start the new disks are in
  start --foreground
  start --dryrun",
)];

/// Seconds for which a start may be under way, the end of an older daemon included.
pub const EXPECTED: i32 = 30;

/// `start [REASON]`.
pub fn run(session: &mut Session, nouns: &[String]) -> Result<u8> {
    let plan = plan(session)?;
    if session.dialect().start_refuses && !replace::may_start(session, nouns)? {
        return Ok(1);
    }
    start(session, plan, "start", nouns)?;
    Ok(0)
}

/// What is to be started, once everything that could prevent it has been looked at. Changes
/// nothing.
pub fn plan(session: &mut Session) -> Result<Launch> {
    let settings = Settings::load(&mut session.control)?;
    // A copy of another control database is refused with what can be done about it.
    installation::of(&mut session.control)?;
    let instance = instance::line(&mut session.control)?;
    replace::refuse_shared(session, &instance)?;
    let launch = launch::launch(session, &settings, instance);
    safety::check(session, settings.text("host_safety_check").unwrap_or_default())?;
    files::refuse_open_directory(&launch.piddir)?;
    launch.log.check()?;
    stopfile::check(&stopfile::path(&session.files))?;
    connections::short(&mut session.control)?.iter().for_each(|demand| warn_user!("Note: {}", demand.sentence()));
    Ok(launch)
}

/// Starts; in the foreground, this process becomes the daemon. `verb` is what the history of
/// reasons shows.
pub fn start(session: &mut Session, plan: Launch, verb: &str, nouns: &[String]) -> Result<()> {
    reason::record_for(&session.files, session.personality, verb, nouns)?;
    tell(session, "Checking for existing processes");
    // Commands that come meanwhile wait for the new daemon.
    presence::expect(&mut session.control, EXPECTED)?;
    replaced(session, plan, nouns).inspect_err(|_| drop(presence::expect(&mut session.control, 0)))
}

fn replaced(session: &mut Session, plan: Launch, nouns: &[String]) -> Result<()> {
    replace::stop_running(session, &reason::text(nouns))?;
    replace::clear_the_way(session)?;
    if session.options.start.cleandebugs {
        plan.log.clean()?;
    }
    tell(session, "Starting Bucardo");
    match session.options.start.foreground {
        true => Err(daemon::become_mcp(&plan)),
        false => daemon::start(&plan).map(drop),
    }
}

fn tell(session: &Session, text: &str) {
    if !session.options.quiet {
        say!("{text}");
    }
}
