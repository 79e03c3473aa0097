//! What the MCP can be asked for on the control database (reference, section 3.4).

use crate::control::channel;
use std::collections::{BTreeMap, BTreeSet};

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Request {
    /// Stop everything.
    FullStop,
    /// Read all syncs again and restart their controllers.
    Reload,
    /// The same, and the settings.
    ReloadConfig,
    /// Are you there?
    Ping,
    /// Texts for the log are waiting in a table.
    LogMessage,
    /// Look whether a sync needs validating.
    Validate(String),
    /// Try to connect to a database.
    CheckDb(String),
    /// The controller with this process id hears now.
    Ready(i32),
    /// Run a sync.
    Kick(String),
    /// Read a sync again and restart its controller.
    ReloadSync(String),
    /// Start a sync's controller.
    Activate(String),
    /// Stop it.
    Deactivate(String),
    /// Stop it until it is resumed.
    Pause(String),
    /// Start it again.
    Resume(String),
}

const GENERAL: [(&str, Request); 5] = [
    ("bucardo_mcp_fullstop", Request::FullStop),
    ("bucardo_mcp_reload", Request::Reload),
    ("bucardo_reload_config", Request::ReloadConfig),
    ("bucardo_mcp_ping", Request::Ping),
    ("bucardo_log_message", Request::LogMessage),
];

/// All channels that the MCP hears, and what each asks for.
#[derive(Debug, Default)]
pub(super) struct Requests {
    by_channel: BTreeMap<String, Request>,
    /// The id of this installation, where it is known.
    installation: Option<String>,
}

impl Request {
    /// Whether any session may ask for it: what is done follows from rows of the control database,
    /// whatever was sent.
    pub fn is_only_a_bell(&self) -> bool {
        matches!(self, Request::Validate(_) | Request::CheckDb(_) | Request::LogMessage)
    }
}

impl Requests {
    /// For the syncs that exist.
    pub fn new<'a>(syncs: impl Iterator<Item = &'a str>, installation: Option<String>) -> Requests {
        let mut channels: BTreeMap<String, Request> =
            GENERAL.into_iter().map(|(channel, request)| (channel.to_owned(), request)).collect();
        for sync in syncs {
            let name = sync.to_owned();
            channels.insert(channel::kick_sync(sync), Request::Kick(name.clone()));
            channels.insert(channel::sync_request("reload", sync), Request::ReloadSync(name.clone()));
            channels.insert(channel::sync_request("activate", sync), Request::Activate(name.clone()));
            channels.insert(channel::sync_request("deactivate", sync), Request::Deactivate(name.clone()));
            channels.insert(channel::sync_request("resume", sync), Request::Resume(name.clone()));
            channels.insert(channel::sync_request("pause", sync), Request::Pause(name));
        }
        Requests { by_channel: channels, installation }
    }

    /// The channels on which users and their programs ask.
    pub fn public(&self) -> BTreeSet<String> {
        self.by_channel.keys().cloned().chain([channel::VALIDATE, channel::CHECK_DB].map(str::to_owned)).collect()
    }

    /// All channels.
    pub fn channels(&self) -> Vec<String> {
        self.public().into_iter().chain([channel::CTL_READY.to_owned()]).collect()
    }

    /// A control database may be replicated by another installation, whose triggers then kick its
    /// own syncs.
    fn concerns(&self, request: &Request, payload: &str) -> bool {
        !matches!(request, Request::Kick(_)) || !channel::is_for_another(payload, self.installation.as_deref())
    }

    /// What a notification asks for.
    pub fn read(&self, channel: &str, payload: &str) -> Option<Request> {
        match channel {
            channel::VALIDATE => Some(Request::Validate(payload.to_owned())),
            channel::CHECK_DB => Some(Request::CheckDb(payload.to_owned())),
            channel::CTL_READY => payload.parse().ok().map(Request::Ready),
            channel => self.by_channel.get(channel).filter(|request| self.concerns(request, payload)).cloned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_channel_asks_for_one_thing() {
        let requests = Requests::new(["s1", "s1_x"].into_iter(), Some("0123456789".into()));
        let read = |channel| requests.read(channel, "");
        assert_eq!(read("bucardo_kick_sync_s1_x"), Some(Request::Kick("s1_x".into())));
        assert_eq!(read("bucardo_reload_sync_s1"), Some(Request::ReloadSync("s1".into())));
        assert_eq!(read("bucardo_mcp_ping"), Some(Request::Ping));
        assert_eq!(read("bucardo_kick_sync_other"), None);
        assert_eq!(requests.read("bucardo_kick_sync_s1", &channel::changes_of("1123456789")), None);
        assert_eq!(requests.read(channel::VALIDATE, "s9"), Some(Request::Validate("s9".into())));
        assert_eq!(requests.channels().len(), 5 + 12 + 3);
    }
}
