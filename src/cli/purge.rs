//! `purge`: reclaims, on every source, changes that all targets have. The daemon does this by
//! itself; the command is for scripts that did it for the Perl program (reference, 8.5).

use crate::cli::add::remote;
use crate::cli::help;
use crate::cli::{Session, refusal, table::Topic};
use crate::control::settings::Settings;
use crate::error::Result;
use crate::pg::Connection;
use crate::replicate::capture::reclaim;
use crate::replicate::identity::installation;
use crate::{say, warn_user};

/// Usage texts.
pub const TOPICS: &[Topic] = &[help::only(
    "Usage: purge [all]

  purge all",
)];

/// `purge [all]`.
pub fn run(session: &mut Session, nouns: &[String]) -> Result<u8> {
    if let Some(name) = nouns.iter().find(|noun| !noun.eq_ignore_ascii_case("all")) {
        return Err(refusal::refused(format!("Purging name {name}"), "`purge` is for all databases"));
    }
    let retention = Settings::load(&mut session.control)?.seconds("delta_retention").as_secs_f64();
    let sql = "select distinct g.db from bucardo.sync s join bucardo.herdmap m on m.herd = s.source \
        join bucardo.goat g on g.id = m.goat join bucardo.db d on d.name = g.db where d.status = 'active' order by 1";
    let mut code = 0;
    for row in session.control.query(sql, &[])? {
        let name: String = row.get(0);
        say!("Checking db {name}");
        match purged(&mut session.control, &name, retention) {
            Ok(tables) => say!("{name}: Tables processed: {tables}"),
            Err(error) => {
                warn_user!("{error}");
                code = 1;
            }
        }
    }
    Ok(code)
}

fn purged(control: &mut Connection, db: &str, retention: f64) -> Result<i64> {
    let remote = &mut remote::open(control, db)?.connection;
    installation::settle(control, db, remote)?;
    let there = "select to_regclass('bucardo.bucardo_delta_names') is not null";
    if !remote.query_one(&*remote.ours(there), &[])?.get::<_, bool>(0) {
        return Ok(0);
    }
    reclaim::rotate(remote, retention)?;
    Ok(remote.query_one(&*remote.ours("select count(*) from bucardo.bucardo_delta_names"), &[])?.get(0))
}
