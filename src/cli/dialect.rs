//! Where the two programs we stand for contradict each other, as data: one row for each difference
//! that is a number, a word or a stream. Forms of output that have nothing in common are in modules
//! called `newer`, beside those of the older dialect.

use crate::cli::prog::Personality;

/// The ways of one program.
#[derive(Debug)]
pub struct Dialect {
    /// Whether it is the newer one.
    pub newer: bool,
    /// Help goes to standard output, else to standard error.
    pub help_on_stdout: bool,
    /// Exit code without any argument.
    pub bare_code: u8,
    /// Exit code of a verb that does not exist.
    pub unknown_verb_code: u8,
    /// Exit code of a list without entries.
    pub empty_list_code: u8,
    /// Exit code of `validate` without a word.
    pub bare_validate_code: u8,
    /// Exit code of an upgrade that changed something.
    pub upgraded_code: u8,
    /// Exit code of a kick that went wrong in another way than by a kill or a timeout.
    pub kick_error_code: u8,
    /// What `message --verbose` says.
    pub message_added: &'static str,
    /// What a herd is called.
    pub herd: &'static str,
    /// What a group of databases is called.
    pub dbgroup: &'static str,
    /// The word at the end of a line about a sync that is valid, and between it and the name.
    pub valid: (&'static str, &'static str),
    /// Seconds for which `reload config` waits when no number is given; none does not wait.
    pub reload_config_wait: Option<u64>,
    /// Values of settings are put into lower case, unless they name files.
    pub settings_in_lower_case: bool,
    /// A start over a running daemon is refused, else it replaces it.
    pub start_refuses: bool,
    /// `--piddir` counts for every verb, else only for `install`.
    pub piddir_everywhere: bool,
    /// `activate` and `deactivate` change the column `status`, else only the running daemon.
    pub activation_lasts: bool,
}

/// `bucardo_ctl` of Bucardo 4.5.
pub const FOUR: Dialect = Dialect {
    newer: false,
    help_on_stdout: false,
    bare_code: 0,
    unknown_verb_code: 0,
    empty_list_code: 1,
    bare_validate_code: 0,
    upgraded_code: 1,
    kick_error_code: 2,
    message_added: "Message added",
    herd: "herd",
    dbgroup: "database group",
    valid: ("...", "DONE!"),
    reload_config_wait: None,
    settings_in_lower_case: false,
    start_refuses: false,
    piddir_everywhere: false,
    activation_lasts: false,
};

/// `bucardo` of Bucardo 5.6.
pub const FIVE: Dialect = Dialect {
    newer: true,
    help_on_stdout: true,
    bare_code: 1,
    unknown_verb_code: 1,
    empty_list_code: 0,
    bare_validate_code: 1,
    upgraded_code: 0,
    kick_error_code: 3,
    message_added: "Added message",
    herd: "relgroup",
    dbgroup: "dbgroup",
    valid: (" ... ", "OK"),
    reload_config_wait: Some(30),
    settings_in_lower_case: true,
    start_refuses: true,
    piddir_everywhere: true,
    activation_lasts: true,
};

impl Personality {
    /// The ways of this program.
    pub fn dialect(self) -> &'static Dialect {
        match self {
            Personality::BucardoCtl4 => &FOUR,
            Personality::Bucardo5 => &FIVE,
        }
    }
}
