//! The roles of the daemon's processes: what each is told, its title and its name in
//! `pg_stat_activity`.

use crate::daemon::process::launch::Launch;
use crate::notice::mail::{Mail, Post};
use serde::{Deserialize, Serialize};

/// The version whose behaviour we show to programs that look for it.
pub const COMPATIBLE_VERSION: &str = "4.5.0";

/// The roles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "lowercase")]
pub enum Role {
    /// The master.
    Mcp,
    /// The controller of a sync.
    Ctl {
        /// The sync.
        sync: String,
        /// Its type, for the title.
        synctype: String,
        /// Its herd, for the title.
        herd: String,
        /// Whether it was started because of a kick.
        kicked: bool,
    },
    /// The worker for one target of a sync.
    Kid {
        /// The sync.
        sync: String,
        /// The type, for the title.
        synctype: String,
        /// The source database.
        source: String,
        /// The target database.
        target: String,
        /// Stays between jobs.
        persistent: bool,
    },
    /// Validates one sync.
    Val {
        /// The sync.
        sync: String,
    },
    /// Tries to connect to databases.
    Dbtest {
        /// The databases.
        dbs: Vec<String>,
    },
    /// Looks whether changes of syncs wait.
    Guard {
        /// The syncs.
        syncs: Vec<String>,
    },
    /// Sends one mail.
    Mail {
        /// How it goes.
        post: Post,
        /// What it says.
        mail: Mail,
    },
}

impl Role {
    /// The word in the environment, also the last part of the process's `comm`.
    pub fn word(&self) -> &'static str {
        match self {
            Role::Mcp => "mcp",
            Role::Ctl { .. } => "ctl",
            Role::Kid { .. } => "kid",
            Role::Val { .. } => "val",
            Role::Dbtest { .. } => "dbtest",
            Role::Guard { .. } => "guard",
            Role::Mail { .. } => "mail",
        }
    }

    /// The process title (reference, sections 3.1, 4.1 and 5.1).
    pub fn title(&self, launch: &Launch) -> String {
        let extra = launch.extra();
        match self {
            Role::Mcp => format!("Bucardo Master Control Program v{COMPATIBLE_VERSION}.{extra}"),
            Role::Ctl { sync, synctype, herd, .. } => {
                format!("Bucardo Controller.{extra} Sync \"{sync}\" ({synctype}) for source \"{herd}\"")
            }
            Role::Kid { sync, synctype, source, target, .. } => {
                format!("Bucardo Kid.{extra} Sync \"{sync}\": ({synctype}) \"{source}\" -> \"{target}\"")
            }
            Role::Val { sync } => format!("Bucardo Validator.{extra} Sync \"{sync}\""),
            Role::Dbtest { .. } => format!("Bucardo Tester.{extra}"),
            Role::Guard { .. } => format!("Bucardo Guard.{extra}"),
            Role::Mail { .. } => format!("Bucardo Mailer.{extra}"),
        }
    }

    /// Bytes that the title may grow by.
    pub fn title_room(&self) -> usize {
        match self {
            Role::Mcp => 3000,
            Role::Kid { .. } => 160,
            Role::Ctl { .. } | Role::Val { .. } | Role::Dbtest { .. } | Role::Guard { .. } | Role::Mail { .. } => 2,
        }
    }

    /// What `pg_stat_activity` shows of a session of this process; `database` is what the session
    /// is for.
    pub fn application_name(&self, database: &str) -> String {
        match self {
            Role::Mcp => format!("bucardo mcp {database}"),
            Role::Ctl { sync, .. } => format!("bucardo ctl {sync} {database}"),
            Role::Kid { sync, target, .. } => format!("bucardo kid {sync} -> {target} {database}"),
            Role::Val { sync } => format!("bucardo val {sync} {database}"),
            Role::Dbtest { .. } => format!("bucardo tester {database}"),
            Role::Guard { .. } => format!("bucardo guard {database}"),
            Role::Mail { .. } => format!("bucardo mail {database}"),
        }
    }
}
