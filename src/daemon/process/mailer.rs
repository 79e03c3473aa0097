//! The daemon's mails. Who has something to say starts a short-lived process that says it: a mail
//! server that hangs never holds up anybody. That process outlives its parent, for the last mail of
//! a daemon, and ends by itself within a minute.

use crate::control::gap;
use crate::control::settings::Settings;
use crate::daemon::process::launch::{self, Launch};
use crate::daemon::process::mail_texts::{self, About, Whose};
use crate::daemon::process::role::{COMPATIBLE_VERSION, Role};
use crate::error::Result;
use crate::notice::log as our_log;
use crate::notice::mail::{Mail, NOBODY, Post, full_host};
use crate::pg::Connection;
use std::sync::mpsc;
use std::time::Duration;

/// The longest that one mail may take, name server and mail server together.
const LIMIT: Duration = Duration::from_secs(60);

/// Who sends mails; until it has read the settings, nobody gets any.
#[derive(Debug, Default)]
pub struct Mailer {
    post: Post,
    url: String,
}

impl Mailer {
    /// Reads the settings, those of one sync if it is for one.
    pub fn load(control: &mut Connection, launch: &Launch, sync: Option<&str>) -> Result<Mailer> {
        let settings = match sync {
            Some(sync) => Settings::load_for(control, sync)?,
            None => Settings::load(control)?,
        };
        let text = |name: &str| settings.text(name).unwrap_or_default().to_owned();
        let to = Some(text("default_email_to")).filter(|to| launch.sendmail && !to.is_empty() && to != NOBODY);
        let from = Some(text("default_email_from")).filter(|from| !from.is_empty()).unwrap_or_else(own_address);
        let post = Post { from, to, host: text("default_email_host"), file: launch.email_debug_file.clone() };
        Ok(Mailer { post, url: text("stats_script_url") })
    }

    /// What mails say of the daemon.
    pub fn about<'a>(&'a self, launch: &'a Launch) -> About<'a> {
        About { version: COMPATIBLE_VERSION, program: &launch.program, url: &self.url }
    }

    /// Sends a mail, if mails are wanted. Never waits.
    pub fn send(&self, mail: Mail, launch: &Launch) {
        if !self.post.delivers() {
            return;
        }
        let role = Role::Mail { post: self.post.clone(), mail };
        if let Err(error) = launch::spawn(role, launch) {
            log::warn!("Warning! A mail could not be sent: {error}");
        }
    }
}

/// Says what changes a sync is known to miss, unless that was said before: in the log, and in one
/// mail.
pub fn tell_gaps(control: &mut Connection, launch: &Launch, whose: &Whose) -> Result<()> {
    let gaps = gap::tell(control, whose.sync)?;
    if gaps.is_empty() {
        return Ok(());
    }
    for gap in &gaps {
        log::warn!("Warning! Sync \"{}\" may miss changes: {gap}. To even it out: {}", whose.sync, gap.command);
    }
    let mailer = Mailer::load(control, launch, Some(whose.sync))?;
    mailer.send(mail_texts::gaps(&mailer.about(launch), whose, &gaps), launch);
    Ok(())
}

fn own_address() -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::effective()).ok().flatten();
    format!("{}@{}", user.map_or_else(|| "bucardo".to_owned(), |user| user.name), full_host())
}

/// Delivers one mail; the process is there for nothing else.
pub fn run(launch: &Launch, post: Post, mail: Mail) -> u8 {
    if let Err(error) = our_log::init(&launch.log, "MCP") {
        eprintln!("{error}");
    }
    let subject = mail.subject.clone();
    let (done, outcome) = mpsc::channel();
    std::thread::spawn(move || done.send(post.deliver(&mail)));
    match outcome.recv_timeout(LIMIT) {
        Ok(Ok(())) => {
            log::info!("Sent an email with the subject \"{subject}\"");
            0
        }
        Ok(Err(error)) => {
            log::warn!("Warning! The email \"{subject}\" was not sent: {error}");
            1
        }
        Err(_) => {
            log::warn!("Warning! The email \"{subject}\" was not sent within {} seconds", LIMIT.as_secs());
            1
        }
    }
}
