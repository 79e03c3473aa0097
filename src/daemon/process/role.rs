//! Who a process of the daemon is, and what it does first.

use crate::daemon::oneshot::{guard, test_databases, validate_sync};
use crate::daemon::process::launch::{Launch, Orders, PARENT_VARIABLE, ROLE_VARIABLE};
use crate::daemon::process::{mailer, signals, title};
use crate::daemon::{ctl, kid, mcp};
use crate::notice::mail::{Mail, Post};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::getppid;
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

    /// What `pg_stat_activity` shows of a session of this process; `database` is what the session is for.
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

/// If this process was started as one of the daemon's, its exit code once it is done; none for a command.
pub fn run_if_any() -> Option<u8> {
    let role = std::env::var(ROLE_VARIABLE).ok()?;
    if role == Role::Mcp.word() {
        close_inherited();
    }
    Some(run())
}

fn run() -> u8 {
    signals::survive_reopen();
    title::init();
    let orders = match Orders::read() {
        Ok(orders) => orders,
        Err(error) => {
            eprintln!("{error}");
            return 1;
        }
    };
    title::set(&orders.role.title(&orders.launch));
    name_process(&orders.role);
    if !stay_with_parent(&orders.role) {
        return 1;
    }
    let Orders { role, launch } = orders;
    match &role {
        Role::Mcp => mcp::run(launch),
        Role::Ctl { .. } => ctl::run(&launch, &role),
        Role::Kid { .. } => kid::run(&launch, &role),
        Role::Val { sync } => validate_sync::run(&launch, &role, sync),
        Role::Dbtest { dbs } => test_databases::run(&launch, &role, dbs),
        Role::Guard { syncs } => guard::run(&launch, &role, syncs),
        Role::Mail { post, mail } => mailer::run(&launch, post.clone(), mail.clone()),
    }
}

/// Whoever started the daemon may have had files open; they are none of ours. Before anything of our own is open.
fn close_inherited() {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return };
    let open: Vec<i32> = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for fd in open.into_iter().filter(|fd| *fd > 2) {
        // The one that listed them is closed already.
        let _ = nix::unistd::close(fd);
    }
}

/// After an exec through `/proc/self/exe` the kernel calls the process "exe".
fn name_process(role: &Role) {
    if let Ok(name) = std::ffi::CString::new(format!("bucardo-{}", role.word())) {
        // Cosmetic: nothing depends on it.
        let _ = prctl::set_name(&name);
    }
}

/// Asks the kernel to end this process when its parent dies, and says whether the parent still lives. A controller is asked to stop, so that
/// it can tidy; a kid may be deep in a statement, where nothing but SIGKILL reaches it, and loses only what was not committed. A mail is sent
/// also when it tells of its sender's end.
fn stay_with_parent(role: &Role) -> bool {
    let signal = match role {
        Role::Mcp | Role::Mail { .. } => return true,
        Role::Ctl { .. } => Signal::SIGTERM,
        Role::Kid { .. } | Role::Val { .. } | Role::Dbtest { .. } | Role::Guard { .. } => Signal::SIGKILL,
    };
    let asked = prctl::set_pdeathsig(signal).is_ok();
    asked && std::env::var(PARENT_VARIABLE).is_ok_and(|parent| parent == getppid().to_string())
}
