//! From exec to the loop of a role: what a process of the daemon does first, and which file runs
//! it.

use super::process::launch::{Orders, PARENT_VARIABLE, ROLE_VARIABLE};
use super::process::role::Role;
use super::process::{mailer, signals, title};
use super::{ctl, kid, mcp};
use crate::daemon::oneshot::{guard, test_databases, validate_sync};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::getppid;

/// If this process was started as one of the daemon's, its exit code once it is done; none for a
/// command.
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

/// Whoever started the daemon may have had files open; they are none of ours. Before anything of
/// our own is open.
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

/// Asks the kernel to end this process when its parent dies, and says whether the parent still
/// lives. A controller is asked to stop, so that it can tidy; a kid may be deep in a statement,
/// where nothing but SIGKILL reaches it, and loses only what was not committed. A mail is sent also
/// when it tells of its sender's end.
fn stay_with_parent(role: &Role) -> bool {
    let signal = match role {
        Role::Mcp | Role::Mail { .. } => return true,
        Role::Ctl { .. } => Signal::SIGTERM,
        Role::Kid { .. } | Role::Val { .. } | Role::Dbtest { .. } | Role::Guard { .. } => Signal::SIGKILL,
    };
    let asked = prctl::set_pdeathsig(signal).is_ok();
    asked && std::env::var(PARENT_VARIABLE).is_ok_and(|parent| parent == getppid().to_string())
}
