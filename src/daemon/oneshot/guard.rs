//! The guard: looks now and then at the syncs for which changes may wait without anything working
//! on them, asks their sources, and mails what no other process would: a pause that was forgotten,
//! a source that cannot be heard, changes that are overdue. It decides as `status` does. A process
//! of its own, because sources may take their time.

use crate::control::state::{self, Facts};
use crate::control::sync::Sync;
use crate::daemon::process::control_session::ControlSession;
use crate::daemon::process::launch::Launch;
use crate::daemon::process::mail_texts::{self, Whose};
use crate::daemon::process::mailer::Mailer;
use crate::daemon::process::role::Role;
use crate::daemon::process::signals::Signals;
use crate::error::Result;
use crate::notice::log as our_log;
use crate::replicate::sync::waiting::{Asked, Sources};
use std::collections::BTreeMap;

/// Looks once; the exit code tells only whether it could.
pub fn run(launch: &Launch, role: &Role, syncs: &[String]) -> u8 {
    if let Err(error) = our_log::init(&launch.log, "MCP") {
        eprintln!("{error}");
    }
    match look(launch, role, syncs) {
        Ok(()) => 0,
        Err(error) => {
            log::warn!("Warning! The guard could not look at the syncs: {error}");
            1
        }
    }
}

fn look(launch: &Launch, role: &Role, names: &[String]) -> Result<()> {
    let mut session = ControlSession::open(launch, role, Signals::new()?)?;
    let mut syncs = Sync::load_all(&mut session.control)?;
    syncs.retain(|sync| names.contains(&sync.name));
    let mut facts = state::load(&mut session.control, names)?;
    let mut waiting = Sources::default().ask(&mut session.control, &syncs)?;
    let told = told(&mut session)?;
    for sync in &syncs {
        let Some(mut facts) = facts.remove(&sync.name) else { continue };
        let Asked { waiting, left_alone } = waiting.remove(&sync.name).unwrap_or_default();
        facts.hear(waiting, left_alone);
        let before = told.get(&sync.name).map(String::as_str);
        if facts.alarm() != before {
            tell(&mut session, launch, sync, &facts, before)?;
        }
    }
    Ok(())
}

/// Of which alarms a mail has told.
fn told(session: &mut ControlSession) -> Result<BTreeMap<String, String>> {
    let rows = session.control.query("select sync, alarm from bucardo.sync_state where alarm is not null", &[])?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

fn tell(session: &mut ControlSession, launch: &Launch, sync: &Sync, facts: &Facts, before: Option<&str>) -> Result<()> {
    let alarm = facts.alarm();
    session.control.execute(
        "insert into bucardo.sync_state (sync, alarm) select name, $2 from bucardo.sync where name = $1 \
         on conflict (sync) do update set alarm = excluded.alarm",
        &[&sync.name, &alarm],
    )?;
    let targets = sync.targets.iter().chain(&sync.partners).cloned().collect::<Vec<_>>().join(" ");
    let whose = Whose { sync: &sync.name, source: sync.source.as_deref().unwrap_or(&sync.herd), target: &targets };
    let mailer = Mailer::load(&mut session.control, launch, Some(&sync.name))?;
    let mail = match (alarm, before) {
        // It was told already that changes wait.
        (Some(alarm), Some(_)) if alarm != "expired" => return Ok(()),
        (Some(alarm), _) => {
            let sentence = sentence(&sync.name, facts, alarm);
            log::warn!("Warning! {sentence}");
            mail_texts::changes_wait(&mailer.about(launch), &whose, &sentence, facts)
        }
        (None, _) => {
            log::info!("The changes of sync \"{}\" do not wait any more, or are no alarm any more", sync.name);
            mail_texts::changes_flow(&mailer.about(launch), &whose)
        }
    };
    mailer.send(mail, launch);
    Ok(())
}

fn sentence(sync: &str, facts: &Facts, alarm: &str) -> String {
    let what = match alarm {
        "expired" | "overdue" => format!("Changes of sync \"{sync}\" are {alarm}"),
        "paused" => format!("Changes wait while sync \"{sync}\" is paused"),
        "off" => format!("Changes wait while sync \"{sync}\" is off"),
        "source" => format!("Changes of sync \"{sync}\" cannot be heard"),
        _ => format!("Changes of sync \"{sync}\" wait, and nothing works on them"),
    };
    what + &facts.reason().map_or_else(String::new, |reason| format!(": {reason}"))
}
