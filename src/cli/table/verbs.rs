//! The verbs (reference, 1.6), each once.

use super::Run::{Alone, Connected};
use super::{Follows, Run, Topic, Verb};
use crate::cli::{
    accept, activate, add, clone, completion, delta, help, inspect, install, kick, list, man, pause, ping, purge, reload,
    reload_config, remove, reopen, restart, settings, start, status, stop, update, upgrade, validate,
};

/// Every verb there is, in the order of the help.
pub const VERBS: &[Verb] = &[
    verb("install", "[--batch]", "Make a database the control database", install::TOPICS, Alone(install::command)),
    verb("upgrade", "", "Bring the control database up to date", upgrade::TOPICS, Connected(upgrade::run)),
    verb("start", "[reason]", "Start the daemon", start::TOPICS, Connected(start::run)).or(&["strt"]),
    verb("stop", "[reason]", "Stop the daemon", stop::TOPICS, Alone(stop::command)),
    verb("restart", "[reason]", "Stop the daemon and start it again", restart::TOPICS, Connected(restart::run)),
    verb("ping", "[seconds]", "Ask the daemon for a sign of life", ping::TOPICS, Connected(ping::run)),
    verb("status", "[sync ...]", "Tell how the syncs are doing", status::TOPICS, Connected(status::run)),
    verb(
        "kick",
        "<sync ...> [seconds]",
        "Start syncs, and wait for them if a number is given",
        kick::TOPICS,
        Connected(kick::run),
    ),
    verb("activate", "<sync ...> [0]", "Let the running daemon run syncs", activate::TOPICS, Connected(activate::run)),
    verb(
        "deactivate",
        "<sync ...> [0]",
        "Let the running daemon leave syncs alone",
        activate::TOPICS,
        Connected(activate::run_deactivate),
    ),
    verb("reload", "<sync ...>", "Let the running daemon read syncs anew", reload::TOPICS, Connected(reload::run)),
    verb(
        "reload_config",
        "",
        "Let the running daemon read its settings anew",
        reload_config::TOPICS,
        Connected(reload_config::run),
    ),
    verb("validate", "all | <sync ...>", "Check syncs against their databases", validate::TOPICS, Connected(validate::run)),
    verb(
        "accept",
        "<db> [--copy]",
        "Go on with a database that is not what it was, or with tables that miss changes",
        accept::TOPICS,
        Connected(accept::run),
    ),
    verb("add", "<type> <name> [...]", "Add a database, table, sequence, group, herd or sync", add::TOPICS, Connected(add::run)),
    verb("list", "<type> [name ...]", "List what there is", list::TOPICS, Connected(list::run))
        .or(&["l", "lsit", "liast", "lisy", "lit"]),
    verb("remove", "<type> <name ...>", "Remove something", remove::TOPICS, Connected(remove::run)).or(&["delete", "del"]),
    verb("set", "<setting=value ...>", "Change settings", settings::SET, Connected(settings::set)),
    verb("show", "all | <setting ...>", "Show settings", settings::SHOW, Connected(settings::show)),
    verb("config", "[show ... | set ...]", "The same in other words", settings::CONFIG, Connected(settings::config)),
    verb("message", "<text>", "Put a line into the daemon's log", settings::MESSAGE, Connected(settings::message)).or(&["msg"]),
    verb("update", "<type> <name> <column=value ...>", "Change something", update::TOPICS, Connected(update::run))
        .or(&["upd", "udpate"]),
    verb("inspect", "<type> <name>", "Look for foreign keys that leave a herd", inspect::TOPICS, Connected(inspect::run)),
    verb("pause", "<sync ...>", "Let the running daemon leave syncs alone", pause::TOPICS, Connected(pause::run)),
    verb("resume", "<sync ...>", "Let the running daemon run paused syncs again", pause::TOPICS, Connected(pause::run_resume)),
    verb(
        "delta",
        "[totals | database ...]",
        "Count the changes that still wait on the sources",
        delta::TOPICS,
        Connected(delta::run),
    )
    .or(&["deltas"]),
    verb("purge", "[all]", "Reclaim changes that all targets have", purge::TOPICS, Connected(purge::run)),
    verb("clone", "sync=x", "Copy all rows of a sync to its targets again", clone::TOPICS, Connected(clone::run)),
    verb("reopen", "", "Let the running daemon open its log files anew", reopen::TOPICS, Connected(reopen::run)),
    verb(
        "completion",
        "bash|zsh|fish",
        "Print what a shell needs to complete command lines",
        completion::TOPICS,
        Alone(completion::run),
    ),
    verb("man", "", "Print the manual page", man::TOPICS, Alone(man::run)),
    verb("help", "[verb [type] | topic]", "Show this text, or that of one verb or topic", help::TOPICS, Alone(help::run)),
];

const fn verb(name: &'static str, arguments: &'static str, about: &'static str, topics: &'static [Topic], run: Run) -> Verb {
    let (follows, stores) = (follows(name), stores(name));
    Verb { name, aliases: &[], arguments, about, topics, follows, stores, run }
}

/// Whether a verb stores something that can be rehearsed.
const fn stores(name: &str) -> bool {
    matches!(name.as_bytes(), b"add" | b"update" | b"remove" | b"set" | b"config" | b"clone" | b"upgrade" | b"accept")
}

/// What follows a verb.
const fn follows(name: &str) -> Follows {
    match name.as_bytes() {
        b"status" | b"kick" | b"activate" | b"deactivate" | b"reload" | b"validate" | b"pause" | b"resume" => Follows::Syncs,
        b"add" | b"list" | b"remove" | b"update" | b"inspect" => Follows::Nouns,
        b"delta" => Follows::Dbs,
        b"accept" => Follows::Db,
        b"set" | b"show" => Follows::Settings,
        b"help" => Follows::Verbs,
        _ => Follows::Nothing,
    }
}

impl Verb {
    const fn or(self, aliases: &'static [&'static str]) -> Verb {
        Verb { aliases, ..self }
    }
}
