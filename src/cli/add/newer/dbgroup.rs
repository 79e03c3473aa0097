//! `add dbgroup G DB[:ROLE[:pri=N]] ...`.

use crate::cli::add::dbgroup;
use crate::cli::add::sync_members::{Role, exists, with_role};
use crate::cli::{Session, refusal};
use crate::error::{Error, Result};
use crate::pg::Connection;
use crate::say;

pub const USAGE: &str = "Usage: add dbgroup <name> [database:role ...]

  The roles are source and target; without one, a database is a target.

  add dbgroup branches shop:source berlin:target munich:target";

/// A database that is to be in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The database.
    pub db: String,
    /// `source` or `target`.
    pub role: &'static str,
    /// Small numbers come first.
    pub priority: i16,
}

impl Member {
    /// Reads `DB[:ROLE[:pri=N]]`.
    pub fn of(word: &str) -> Result<Member> {
        let (word, priority) = match word.rsplit_once(":pri=") {
            Some((word, number)) => (word, number.parse().map_err(|_| no_priority(number))?),
            None => (word, 0),
        };
        let (db, role) = with_role(word, Role::Target)?;
        let role = match role {
            Role::Source => "source",
            Role::Target => "target",
            Role::Fullcopy => return Err(no_fullcopy()),
        };
        Ok(Member { db, role, priority })
    }
}

fn no_priority(number: &str) -> Error {
    refusal::refused(format!("\"{number}\" is no priority"), "write DB:ROLE:pri=N with a whole number")
}

fn no_fullcopy() -> Error {
    let hint = "make a sync of type fullcopy with such a group as its targets";
    refusal::refused("A database in a group is a source or a target here, not fullcopy", hint)
}

pub fn run(session: &mut Session, name: &str, words: &[String]) -> Result<u8> {
    let members = words.iter().map(|word| Member::of(word)).collect::<Result<Vec<_>>>()?;
    for member in &members {
        if !exists(&mut session.control, "db", &member.db)? {
            say!("The database \"{}\" does not exist", member.db);
            return Ok(1);
        }
    }
    let lines = session.transaction(|session| add(&mut session.control, name, &members))?;
    crate::cli::add::report(session, &lines);
    Ok(0)
}

/// Makes the group if it is missing, and puts the databases into it.
pub fn add(control: &mut Connection, name: &str, members: &[Member]) -> Result<Vec<String>> {
    let made =
        dbgroup::ensure(control, name).map_err(|error| error.context(format!("Failed to create new dbgroup \"{name}\"")))?;
    let mut lines = if made { vec![format!("Created dbgroup \"{name}\"")] } else { Vec::new() };
    for Member { db, role, priority } in members {
        if !dbgroup::join_as(control, db, name, *priority, role)? {
            let sentence = format!("Cannot add database \"{db}\" to dbgroup \"{name}\": already part of the group");
            return Err(refusal::refused(sentence, format!("`update dbgroup {name} ...` changes its members and their roles")));
        }
        lines.push(format!("Added database \"{db}\" to dbgroup \"{name}\" as {role}"));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn a_member_has_a_role_and_a_priority() {
        let of = |word| Member::of(word).unwrap();
        assert_eq!(of("A"), Member { db: "A".into(), role: "target", priority: 0 });
        assert_eq!(of("A:master:pri=2"), Member { db: "A".into(), role: "source", priority: 2 });
        assert_eq!(of("A:pri=2"), Member { db: "A".into(), role: "target", priority: 2 });
        assert!(Member::of("A:fullcopy").is_err() && Member::of("A:x").is_err() && Member::of("A:s:pri=x").is_err());
    }
}
