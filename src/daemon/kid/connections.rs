//! The sessions of a KID on a server that has few: some are left to applications, and KIDs take
//! turns.

use crate::control::queue::Lacking;
use crate::control::sync::Sync;
use crate::control::{db, queue};
use crate::daemon::process::role::Role;
use crate::error::{Error, Kind, Result};
use crate::pg::ident::literal;
use crate::pg::{ConnInfo, Connection, pooler};
use std::collections::BTreeMap;

/// Which KID opens sessions.
pub(super) struct Opening<'a> {
    pub role: &'a Role,
    pub sync: &'a str,
    pub target: &'a str,
    /// How many connections are left to applications.
    pub reserve: i64,
    /// It has sessions already, and ends them for these: that takes none from others for long.
    pub replaces: bool,
}

/// What became of opening sessions.
pub(super) struct Opened {
    /// Those that were opened before one failed, in the order of their numbers.
    pub sessions: BTreeMap<usize, Connection>,
    /// The database to which no connection was left.
    pub lacking: Option<String>,
    pub outcome: Result<()>,
}

/// A session to be opened.
pub(super) struct Wanted<'a> {
    pub name: &'a str,
    pub info: &'a ConnInfo,
    pub side: &'static str,
}

impl Opening<'_> {
    /// Opens all these sessions.
    ///
    /// KIDs do so one after another on each server, so that each sees how many sessions the others
    /// have. One that finds none left gives up those that it has got: no KID holds some and waits
    /// for more.
    pub fn open(&self, control: &mut Connection, wanted: &[Wanted]) -> Opened {
        let mut opened = Opened { sessions: BTreeMap::new(), lacking: None, outcome: Ok(()) };
        opened.outcome = self.all(control, wanted, &mut opened);
        match &opened.outcome {
            Err(error) if error.kind() == Kind::Crowded => opened.sessions.clear(),
            _ => opened.lacking = None,
        }
        opened
    }

    fn all(&self, control: &mut Connection, wanted: &[Wanted], opened: &mut Opened) -> Result<()> {
        let names: Vec<&str> = wanted.iter().map(|one| one.name).collect();
        let first = if self.replaces { None } else { queue::waits_longer(control, self.sync, self.target, &names)? };
        if let Some((sync, db)) = first {
            self.lacks(control, &db)?;
            opened.lacking = Some(db);
            let sentence = format!("sync \"{sync}\" has waited longer for connections to the same server");
            return Err(Error::new(Kind::Crowded, sentence));
        }
        let mut servers: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (number, one) in wanted.iter().enumerate() {
            servers.entry(one.info.place()).or_default().push(number);
        }
        for (server, numbers) in servers {
            let outcome = in_turn(control, &server, || {
                for number in numbers {
                    opened.lacking = Some(wanted[number].name.to_owned());
                    opened.sessions.insert(number, self.one(&wanted[number])?);
                }
                Ok(())
            });
            if let (Err(Kind::Crowded), Some(db)) = (outcome.as_ref().map_err(Error::kind), &opened.lacking) {
                self.lacks(control, db)?;
                queue::found_no_connection(control, self.sync, self.target)?;
            }
            outcome?;
        }
        Ok(())
    }

    fn lacks(&self, control: &mut Connection, db: &str) -> Result<()> {
        queue::lacks_connection(control, self.sync, self.target, &Lacking::Database(db.to_owned()))
    }

    fn one(&self, wanted: &Wanted) -> Result<Connection> {
        let open = || {
            let mut conn = Connection::open_replicated(&wanted.info.named(self.role.application_name(wanted.side)))?;
            self.refuse_the_last(&mut conn, false)?;
            Ok(conn)
        };
        open().map_err(|error: Error| error.context(format!("{} database \"{}\"", wanted.side, wanted.name)))
    }

    /// Gives up when a server has fewer connections left than are for applications, at most a
    /// quarter of all: unless no other KID works there, for one must be able to.
    fn refuse_the_last(&self, conn: &mut Connection, is_control: bool) -> Result<()> {
        let own = self.role.application_name("");
        let row = conn.query_one(include_str!("connections.sql"), &[&own.trim_end(), &is_control])?;
        let (all, left, others): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
        let reserve = self.reserve.min(all / 4);
        if left >= reserve || others == 0 || self.replaces {
            return Ok(());
        }
        Err(Error::new(
            Kind::Crowded,
            format!(
                "the server has {left} of its {all} connections left, and {reserve} are left to applications (reserve_connections)"
            ),
        )
        .hint("Raise max_connections on the server, or let fewer syncs stay connected (kidsalive=off)."))
    }

    /// The same for the control database, on which every KID has a session.
    pub fn admit_to_control(&self, control: &mut Connection) -> Result<()> {
        self.refuse_the_last(control, true).map_err(|error| error.context("control database"))
    }
}

/// The reason instead of an error, where a database is reached through a pooler that shares
/// sessions since it was added.
pub(super) fn explained(control: &mut Connection, sync: &str, error: Error) -> Error {
    let members = Sync::load(control, sync).map(|sync| sync.members()).unwrap_or_default();
    members.iter().fold(error, |error, name| match db::conninfo(control, name) {
        Ok(info) if error.kind() != Kind::Refused => pooler::explain(error, &info),
        _ => error,
    })
}

/// Where the turn does not come soon, as the server does not answer another KID, it is not waited
/// for.
fn in_turn(control: &mut Connection, server: &str, open: impl FnOnce() -> Result<()>) -> Result<()> {
    let take = format!("begin; set local lock_timeout = '2s'; select bucardo.take_turn({})", literal(server));
    let has_turn = control.batch(&take).is_ok();
    let outcome = open();
    control.batch(if has_turn { "commit" } else { "rollback" })?;
    outcome
}
