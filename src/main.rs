//! `bucardo_ctl`: replication between PostgreSQL databases. The work is in the library; here are only the way in and out.

use std::process::ExitCode;

fn main() -> ExitCode {
    // ROLES: a process of the daemon is this binary started again with BUCARDO_ROLE set; it goes its own way here.
    ExitCode::from(bucardo::cli::main(std::env::args_os().collect()))
}
