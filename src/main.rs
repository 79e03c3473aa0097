//! `bucardo_ctl`: replication between PostgreSQL databases. The work is in the library; here are
//! only the way in and out.

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = bucardo::daemon::entry::run_if_any() {
        return ExitCode::from(code);
    }
    ExitCode::from(bucardo::cli::main(std::env::args_os().collect()))
}
