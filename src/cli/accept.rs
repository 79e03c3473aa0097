//! `accept`: a database that was found not to be what it was is right as it is now, says a person,
//! and its syncs go on.

use crate::cli::answer;
use crate::cli::sync_list::SYNCS;
use crate::cli::{Session, help, near, presence, refusal, table::Topic, validate};
use crate::control::channel::{ASKED, kick_sync, sync_request};
use crate::control::{gap, identity as known};
use crate::error::{Error, Kind, Result};
use crate::replicate::sync::accept;
use crate::{say, warn_user};

/// Usage texts.
pub const TOPICS: &[Topic] = &[help::only(
    "Usage: accept <db> [--copy]
       accept gaps <sync> [table1 table2 ...]

  A database that is not what it was is halted, and so are its syncs: it was restored from a backup, made from a dump or a template,
  upgraded with pg_upgrade, or is a standby that was promoted without the last transactions. `status` and `validate` name it, and say
  what was found. Compare its tables with those of the other members, and even them out as you like, before you answer.

  accept shop               Go on with what it holds now. Changes that were noted there are carried, and where it receives rows, it gets
                            what its sources still keep. Rows that it has lost, and that others have, stay different.
  accept shop --copy        As before, and all tables of its syncs are copied again, once: from the source of each sync (among several
                            masters: from the first) to all others. What others hold and the source does not is gone then.

  accept gaps sales         The tables of sync sales that `status` lists as missing changes are right as they are: they were compared and
                            evened out in another way than by copying them.
  accept gaps sales public.orders
                            The same, for this table only.",
)];

/// `accept DB [--copy]`. The exit code is the number of its syncs that are not valid.
pub fn run(session: &mut Session, nouns: &[String]) -> Result<u8> {
    if let [word, sync, tables @ ..] = nouns {
        return if word == "gaps" {
            accept_gaps(session, sync, tables)
        } else {
            Ok(help::usage(session.personality, "accept", &[]))
        };
    }
    let [name] = nouns else { return Ok(help::usage(session.personality, "accept", &[])) };
    if session.control.query_opt("select 1 from bucardo.db where name = $1", &[name])?.is_none() {
        let hint = near::among(&mut session.control, "db", name, "`list db` shows the databases");
        return Err(refusal::missing(format!("Unknown database: {name}"), hint));
    }
    if session.rehearses() {
        match known::halted(&mut session.control, name)? {
            Some(halt) => say!("Would accept this: {}", halt.reason),
            None => say!("Database \"{name}\" is not halted"),
        }
        return Ok(0);
    }
    session.confirm()?;
    let done = accept::accept(&mut session.control, name, session.options.copy)?;
    say!("Accepted: {}", done.reason);
    for (sync, source) in &done.copied {
        say!("Sync \"{sync}\": all tables will be copied from database \"{source}\" to the others");
    }
    let code = match done.syncs.as_slice() {
        [] => 0,
        syncs => validate::run(session, syncs)?,
    };
    for sync in &done.syncs {
        let (reload, kick) = (sync_request("reload", sync), kick_sync(sync));
        if presence::absent(session)?.is_none() && !answer::send(&mut session.control, &[(&reload, ""), (&kick, ASKED)])? {
            answer::not_taken(&session.prog, "the kick");
        }
    }
    if code > 0 {
        warn_user!("Database \"{name}\" is accepted, but not all of its syncs are valid");
    }
    Ok(code)
}

/// `accept gaps SYNC [TABLE ...]`.
fn accept_gaps(session: &mut Session, sync: &str, tables: &[String]) -> Result<u8> {
    if session.control.query_opt("select 1 from bucardo.sync where name = $1", &[&sync])?.is_none() {
        let hint = near::among(&mut session.control, "sync", sync, SYNCS);
        return Err(refusal::missing(format!("Unknown sync: {sync}"), hint));
    }
    let known = gap::of_syncs(&mut session.control, &[sync.to_owned()])?;
    let missing = tables.iter().find(|table| !known.iter().any(|gap| gap.table == **table));
    if let Some(table) = missing {
        let sentence = format!("Sync \"{sync}\" is not known to miss changes of a table \"{table}\"");
        return Err(Error::new(Kind::Refused, sentence).hint(format!("`status {sync}` lists the tables that miss changes.")));
    }
    if session.rehearses() {
        known.iter().filter(|gap| tables.is_empty() || tables.contains(&gap.table)).for_each(|gap| say!("Would accept: {gap}"));
        return Ok(0);
    }
    session.confirm()?;
    let accepted = gap::accept(&mut session.control, sync, tables)?;
    accepted.iter().for_each(|gap| say!("Accepted: {gap}"));
    if accepted.is_empty() {
        say!("Sync \"{sync}\" is not known to miss any changes");
    }
    Ok(0)
}
