//! The words of the mails (reference of the daemon, 7.1). Pure.

use crate::control::gap::Gap;
use crate::control::state::{Facts, Waiting};
use crate::notice::mail::{Mail, full_host, short_host};

/// What a mail says of the daemon itself.
pub struct About<'a> {
    /// The level of compatibility.
    pub version: &'a str,
    /// The program as it was called.
    pub program: &'a str,
    /// The setting `stats_script_url`.
    pub url: &'a str,
}

/// The daemon runs.
pub fn started(about: &About<'_>, reason: Option<&str>) -> Mail {
    let behind = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
    let mut text = Text::new(format!("Master Control Program {} was started on {}", std::process::id(), full_host()));
    text.line("Program", about.program);
    text.line("Version", about.version);
    text.line("Reason", reason.unwrap_or("none was given"));
    text.mail(format!("Bucardo {} started on {}{behind}", about.version, short_host()))
}

/// The daemon has lost the control database and tries to get it back.
pub fn mcp_killed(about: &About<'_>, error: &str) -> Mail {
    let pid = std::process::id();
    let mut text = Text::new(format!("MCP {pid} has trouble with the control database and begins anew until it works."));
    text.line("Host", &full_host());
    text.line("Version", about.version);
    text.line("Error", error);
    text.mail(format!("Bucardo MCP {pid} was killed (respawning)"))
}

/// The daemon has its control database again.
pub fn mcp_back(about: &About<'_>) -> Mail {
    let pid = std::process::id();
    let mut text = Text::new(format!("MCP {pid} has its control database again; all syncs go on."));
    text.line("Host", &full_host());
    text.line("Version", about.version);
    text.mail(format!("Bucardo MCP {pid} is back on {}", short_host()))
}

/// The controller of a sync, or its validator, died.
pub fn controller_killed(about: &About<'_>, sync: &Whose<'_>, error: &str) -> Mail {
    let mut text = Text::new(error.to_owned());
    sync.describe(about, &mut text);
    text.line("Parent process", &std::process::id().to_string());
    text.line("Version", about.version);
    text.mail(format!("Bucardo \"{}\" controller killed on {}{}", sync.sync, short_host(), hint(error)))
}

/// It has come back and stays.
pub fn controller_back(about: &About<'_>, sync: &Whose<'_>) -> Mail {
    let mut text = Text::new(format!("The controller of sync \"{}\" runs again.", sync.sync));
    sync.describe(about, &mut text);
    text.mail(format!("Bucardo \"{}\" controller is back on {}", sync.sync, short_host()))
}

/// A kid died. `next` tells about the next try.
pub fn kid_killed(about: &About<'_>, sync: &Whose<'_>, pid: i32, error: &str, next: &str) -> Mail {
    let mut text = Text::new(format!("Kid {pid} has been killed."));
    sync.describe(about, &mut text);
    text.line("Parent process", &std::process::id().to_string());
    text.line("Version", about.version);
    text.line("Next try", next);
    text.line("Error", error);
    text.mail(format!("Bucardo kid for \"{}\" killed on {}{}", sync.sync, short_host(), hint(error)))
}

/// A kid has done its job after failures.
pub fn kid_back(about: &About<'_>, sync: &Whose<'_>, seconds: u64) -> Mail {
    let mut text = Text::new(format!("The target has what it lacked. It took {seconds} seconds."));
    sync.describe(about, &mut text);
    text.mail(format!("Bucardo kid for \"{}\" is back on {}", sync.sync, short_host()))
}

/// Changes are known to be missing.
pub fn gaps(about: &About<'_>, sync: &Whose<'_>, gaps: &[Gap]) -> Mail {
    let mut text = Text::new(
        "Changes were not captured, or rows vanished from a target: the databases may differ until the tables are copied."
            .to_owned(),
    );
    sync.describe(about, &mut text);
    for gap in gaps {
        text.line("Missing", &gap.to_string());
    }
    if let Some(gap) = gaps.first() {
        text.line("To even it out", &gap.command);
    }
    text.mail(format!("Bucardo \"{}\" may miss changes on {}", sync.sync, short_host()))
}

/// Changes wait, and nothing works on them, or not fast enough.
pub fn changes_wait(about: &About<'_>, sync: &Whose<'_>, sentence: &str, facts: &Facts) -> Mail {
    let mut text = Text::new(format!("{sentence}."));
    sync.describe(about, &mut text);
    text.line("State", facts.state().word());
    match &facts.waiting {
        Waiting::Known(backlog) => {
            text.line("Waiting changes", &format!("{}{}", backlog.changes, if backlog.more { " or more" } else { "" }));
            text.line("The oldest waits for", &format!("{} seconds", backlog.oldest));
        }
        Waiting::Unknown(reason) => text.line("Waiting changes", &format!("unknown: {reason}")),
        Waiting::NotAsked => {}
    }
    text.mail(format!("Bucardo \"{}\" has changes waiting on {}", sync.sync, short_host()))
}

/// They do not wait any more.
pub fn changes_flow(about: &About<'_>, sync: &Whose<'_>) -> Mail {
    let mut text = Text::new(format!("The changes of sync \"{}\" do not wait any more.", sync.sync));
    sync.describe(about, &mut text);
    text.mail(format!("Bucardo \"{}\" goes on on {}", sync.sync, short_host()))
}

/// Which sync a mail is about.
pub struct Whose<'a> {
    /// Its name.
    pub sync: &'a str,
    /// The herd or the database it reads.
    pub source: &'a str,
    /// The targets.
    pub target: &'a str,
}

impl Whose<'_> {
    fn describe(&self, about: &About<'_>, text: &mut Text) {
        text.line("Host", &full_host());
        text.line("Sync", self.sync);
        if !about.url.is_empty() {
            text.line("Stats page", &format!("{}?host={}&sync={}", about.url, self.source, self.sync));
        }
        text.line("Source", self.source);
        text.line("Target", self.target);
    }
}

struct Text(String);

impl Text {
    fn new(first: String) -> Text {
        Text(first + "\n\n")
    }

    fn line(&mut self, label: &str, value: &str) {
        self.0 += &format!("{label}: {value}\n");
    }

    fn mail(self, subject: String) -> Mail {
        // A reason may have several lines; a subject has one.
        Mail { subject: subject.replace(['\r', '\n'], " "), body: self.0 }
    }
}

/// The end of a subject, for the kinds of death that explain themselves.
fn hint(error: &str) -> &'static str {
    let error = error.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| error.contains(word));
    match () {
        () if says(&["found stopfile"]) => " (stopfile)",
        () if says(&["could not serialize", "sqlstate 40001"]) => " (serialization)",
        () if says(&["deadlock", "sqlstate 40p01"]) => " (deadlock)",
        () if says(&["could not connect", "connection", "not currently accepting"]) => " (no connection)",
        () => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: About<'_> = About { version: "4.5.0", program: "bucardo_ctl", url: "http://stats.example.org/" };

    #[test]
    fn the_subjects_are_those_people_filter_by() {
        let host = short_host();
        let sync = Whose { sync: "s", source: "A", target: "B" };
        let started = started(&ABOUT, Some("new\ndisk"));
        assert_eq!(started.subject, format!("Bucardo 4.5.0 started on {host} (new disk)"));
        let killed = kid_killed(&ABOUT, &sync, 7, "could not connect to database \"b\"", "in 0.5 s");
        assert_eq!(killed.subject, format!("Bucardo kid for \"s\" killed on {host} (no connection)"));
        assert!(killed.body.contains("\nStats page: http://stats.example.org/?host=A&sync=s\n"), "{}", killed.body);
        assert_eq!(controller_killed(&ABOUT, &sync, "x").subject, format!("Bucardo \"s\" controller killed on {host}"));
        assert!(mcp_killed(&ABOUT, "x").subject.ends_with(" was killed (respawning)"));
    }

    #[test]
    fn a_death_that_explains_itself_does_so_in_the_subject() {
        for (error, end) in [
            ("could not serialize access", " (serialization)"),
            ("deadlock detected", " (deadlock)"),
            ("Found stopfile", " (stopfile)"),
            ("value too long", ""),
        ] {
            assert_eq!(hint(error), end, "{error}");
        }
    }
}
