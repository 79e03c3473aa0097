//! Our program, told that its control database is on the fake server.

use super::runs;
use super::server::Server;
use crate::harness::{Chance, Commands};
use std::time::Duration;

#[test]
fn no_command_panics_over_what_a_server_answers() {
    let commands = Commands::new();
    let first = Chance::new().below(1 << 40);
    for seed in first..first + runs() / 10 {
        let server = Server::start(seed);
        let port = server.port().to_string();
        let verb = Chance::seeded(seed).pick(&["status", "list syncs", "list dbs", "validate all", "kick s 1", "show all"]);
        let options = ["--dbhost=127.0.0.1", "--dbport", &port, "--dbname=d", "--dbuser=u", "--dbpass=secret"];
        let words: Vec<&str> = verb.split(' ').chain(options).collect();
        let call = commands.call("bucardo_ctl", &words).env("PGCONNECT_TIMEOUT", "1").timeout(Duration::from_secs(30));
        let outcome = call.run();
        let code = outcome.code();
        assert!(code != 101 && !outcome.stderr.contains("panicked"), "{verb}, {seed}: {code} {}", outcome.stderr);
    }
}
