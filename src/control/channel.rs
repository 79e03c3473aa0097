//! The NOTIFY channels (behavioural reference, section 11). Their names are public interface:
//! programs of users listen to `bucardo_syncdone_<sync>` and send `bucardo_kick_sync_<sync>`
//! themselves.
//!
//! PostgreSQL cuts an identifier at 63 bytes, and a channel that is cut on one side only never
//! matches; [`fitted`] shortens long names the same way everywhere (the SQL function
//! `bucardo.fitted_name` does the same).

use md5::{Digest, Md5};

/// The longest identifier, in bytes (`NAMEDATALEN` − 1).
pub const MAX_NAME: usize = 63;

/// The name itself if it fits into an identifier, else its first 46 bytes (at a character's edge),
/// `!`, and 10 hex digits of the MD5 of the whole.
pub fn fitted(name: &str) -> String {
    if name.len() <= MAX_NAME {
        return name.to_owned();
    }
    format!("{}!{}", cut(name, 46), &digest(name)[..10])
}

/// The first `bytes` bytes of a text, less if that would split a character.
pub fn cut(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// MD5 in hexadecimal, for names only.
pub fn digest(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Asks for a run; sent by triggers on sources, by clients on the control database.
pub fn kick_sync(sync: &str) -> String {
    fitted(&format!("bucardo_kick_sync_{sync}"))
}

/// The payload of a kick that somebody asked for; without it, it was changes that kicked.
pub const ASKED: &str = "asked";

/// The payload of a kick by triggers of the installation with this id: others on the same database
/// may have a sync of the same name.
pub fn changes_of(installation: &str) -> String {
    format!("{CHANGES_OF}{}", cut(installation, 8))
}

const CHANGES_OF: &str = "changes of ";

/// Whether a kick comes from triggers of another installation than this one.
pub fn is_for_another(payload: &str, installation: Option<&str>) -> bool {
    payload.starts_with(CHANGES_OF) && installation.is_some_and(|ours| payload != changes_of(ours))
}

/// The MCP passes a kick on to the controller; payload: [`ASKED`] or none.
pub fn ctl_kick(sync: &str) -> String {
    fitted(&format!("bucardo_ctl_kick_{sync}"))
}

/// A job waits in q for the KID of this target.
pub fn job(sync: &str, target: &str) -> String {
    fitted(&format!("bucardo_q_{sync}_{target}"))
}

/// A target has what its job asked for; payload: the job's id.
pub fn target_done(sync: &str, target: &str) -> String {
    fitted(&format!("bucardo_syncdone_{sync}_{target}"))
}

/// All targets have; payload: the smallest id of the jobs.
pub fn sync_done(sync: &str) -> String {
    fitted(&format!("bucardo_syncdone_{sync}"))
}

/// The job of a target failed; payload: its id.
pub fn target_killed(sync: &str, target: &str) -> String {
    fitted(&format!("bucardo_synckill_{sync}_{target}"))
}

/// The job of some target failed; payload: its id.
pub fn sync_killed(sync: &str) -> String {
    fitted(&format!("bucardo_synckill_{sync}"))
}

/// A kick came for a sync that is unknown or inactive; with payload `activate`, a request for one
/// that cannot be made active.
pub fn sync_error(sync: &str) -> String {
    fitted(&format!("bucardo_syncerror_{sync}"))
}

/// Requests to the MCP about one sync, and their answers: `reload` → `reloaded`, and so on.
pub fn sync_request(verb: &str, sync: &str) -> String {
    fitted(&format!("bucardo_{verb}_sync_{sync}"))
}

/// `validate` has looked at a sync.
pub fn validated(sync: &str) -> String {
    sync_request("validated", sync)
}

/// A controller has begun to listen; payload: its process id. Kicks that came before are passed on
/// then.
pub const CTL_READY: &str = "bucardo_ctl_ready";

/// The MCP hears requests about a new sync from now on. Those sent before have not reached it.
pub const MCP_HEARS: &str = "bucardo_mcp_hears";

/// A job is over. Heard by controllers with a target for which limits leave no room.
pub const ROOM: &str = "bucardo_room";

/// A KID found no connection left; payload: the servers of its sync, separated by blanks. KIDs that
/// have nothing to do there leave.
pub const CONNECTIONS_WANTED: &str = "bucardo_connections_wanted";

/// Somebody wants a sync validated; payload: its name.
pub const VALIDATE: &str = "bucardo_validate_sync";

/// A database was added or changed by SQL; payload: its name.
pub const CHECK_DB: &str = "bucardo_check_db";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_kicks_by_triggers_of_another_installation_are_for_another() {
        let ours = Some("0123456789abcdef");
        assert!(is_for_another(&changes_of("1123456789abcdef"), ours));
        assert!(!is_for_another(&changes_of("1123456789abcdef"), None));
        for payload in ["", ASKED, "anything", &changes_of("0123456789abcdef")] {
            assert!(!is_for_another(payload, ours), "{payload}");
        }
    }

    #[test]
    fn a_long_name_is_shortened_without_splitting_a_character_and_stays_unique() {
        let long = |end: &str| fitted(&format!("bucardo_syncdone_{}{end}", "é".repeat(40)));
        assert!(long("a").len() <= MAX_NAME && long("a") != long("b"));
        assert_eq!(fitted("bucardo_kick_sync_orders"), "bucardo_kick_sync_orders");
    }
}
