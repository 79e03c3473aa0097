//! `update` of the newer dialect (reference, 8.5): a sync changes silently, a database and a table
//! with a line for each change, and a group gets the very members that are named.

use super::code;
use super::columns::{self, Assignment, Quiet, change_to};
use super::find;
use crate::cli::add::newer::dbgroup::Member;
use crate::cli::add::newer::without_effect;
use crate::cli::add::sync_members::exists;
use crate::cli::noun::Noun;
use crate::cli::{Session, pairs, refusal};
use crate::error::{Error, Kind, Result};
use crate::pg::Connection;
use crate::say;

/// Keys that are called otherwise in the table, or are no columns at all.
const SYNC_KEYS: &[(&str, &str)] = &[
    ("autokick", "ping"),
    ("relgroup", "source"),
    ("herd", "source"),
    ("dbs", "targetgroup"),
    ("dbgroup", "targetgroup"),
    ("isolation_level", "txnmode"),
    ("standard_conflict", "conflict_strategy"),
    ("conflict", "conflict_strategy"),
    ("vacuum_after_copy", ""),
];
const DB_KEYS: &[(&str, &str)] = &[
    ("host", "dbhost"),
    ("port", "dbport"),
    ("user", "dbuser"),
    ("username", "dbuser"),
    ("pass", "dbpass"),
    ("password", "dbpass"),
    ("conn", "dbconn"),
    ("service", "dbservice"),
    ("stat", "status"),
    ("ssp", "server_side_prepares"),
];
const TABLE_KEYS: &[(&str, &str)] = &[("autokick", "ping")];

/// One `key=value`, `key:value`, or a status alone.
fn pair(word: &str) -> Option<(String, String)> {
    if ["active", "inactive"].contains(&word.to_lowercase().as_str()) {
        return Some(("status".to_owned(), word.to_lowercase()));
    }
    let (key, value) = word.split_once(['=', ':'])?;
    let sane = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (sane && !value.is_empty()).then(|| (key.to_lowercase(), value.to_owned()))
}

fn pairs(words: &[String]) -> Result<Vec<(String, String)>> {
    let read = |word: &String| {
        pair(word).ok_or_else(|| {
            Error::new(Kind::Usage, format!("Invalid setting: {word}")).hint("write key=value, active or inactive")
        })
    };
    words.iter().filter(|word| *word != "set").map(read).collect()
}

fn assignments(words: &[String], keys: &[(&str, &str)]) -> Result<Vec<Assignment>> {
    let named = |key: &str| keys.iter().find(|(from, _)| *from == key).map_or(key.to_owned(), |(_, to)| (*to).to_owned());
    let given = pairs(words)?.into_iter().map(|(key, value)| (named(&key), key, value));
    let given = given.filter(|(column, key, _)| !column.is_empty() || !without_effect::noted(key));
    given.map(|(column, _, value)| assignment(column, value)).collect()
}

/// A status is one of two words, in lower case.
fn assignment(column: String, value: String) -> Result<Assignment> {
    match column == "status" {
        true => Ok(Assignment::new(column, pairs::checked("status", pairs::STATUS, &value)?)),
        false => Ok(Assignment::new(column, value)),
    }
}

/// Changes what `name` means.
pub fn run(session: &mut Session, noun: Noun, name: &str, words: &[String]) -> Result<u8> {
    match noun {
        Noun::Sync => sync(session, name, words),
        Noun::Db => db(session, name, words),
        Noun::Dbgroup => dbgroup(session, name, words),
        Noun::Customcode => customcode(session, name, words),
        _ => table(session, noun, name, words),
    }
}

fn sync(session: &mut Session, name: &str, words: &[String]) -> Result<u8> {
    let pattern = if name.eq_ignore_ascii_case("all") { "*".to_owned() } else { name.replace('%', "*") };
    let given = assignments(words, SYNC_KEYS)?;
    let strategy = given.iter().rev().find(|one| one.column() == "conflict_strategy").map(Assignment::value);
    let changed = change_to(session, Noun::Sync, &pattern, None, given).map_err(|error| match error.kind() {
        Kind::NotFound if error.message().starts_with("No matches found") => refusal::missing(
            format!("Could not find a sync named \"{name}\"\nUse 'list syncs' to see all available."),
            error.hint_text().unwrap_or("names are case-sensitive"),
        ),
        _ => setting(error),
    })?;
    if strategy.is_some() {
        for change in changed.iter().filter(|change| change.column == "conflict_strategy") {
            say!("Set conflict strategy to '{}'", change.new);
        }
    }
    Ok(0)
}

/// An unknown key, in the words of the newer program.
fn setting(error: Error) -> Error {
    let key = error.message().strip_prefix("Sorry, cannot change \"").and_then(|rest| rest.split('"').next().map(str::to_owned));
    match key {
        Some(key) => refusal::refused(format!("Invalid setting: {key}"), error.hint_text().unwrap_or("see `help update`")),
        None => error,
    }
}

fn db(session: &mut Session, name: &str, words: &[String]) -> Result<u8> {
    let (groups, columns): (Vec<_>, Vec<_>) =
        words.iter().cloned().partition(|word| pair(word).is_some_and(|(key, _)| key == "group" || key == "dbgroup"));
    let given = assignments(&columns, DB_KEYS)?;
    let changes = change_to(session, Noun::Db, &name.replace('%', "*"), None, given).map_err(cannot)?;
    changes.iter().for_each(|change| say!("{}", told("bucardo.db", change)));
    for (_, list) in pairs(&groups)? {
        let lines = session.transaction(|session| memberships(&mut session.control, name, &list))?;
        lines.iter().for_each(|line| say!("{line}"));
    }
    Ok(0)
}

fn cannot(error: Error) -> Error {
    let refused = setting(error);
    match refused.message().strip_prefix("Invalid setting: ") {
        Some(key) => refusal::refused(format!("Cannot change \"{key}\""), refused.hint_text().unwrap_or("see `help update`")),
        None => refused,
    }
}

fn told(what: &str, change: &Quiet) -> String {
    match change.old == change.new {
        true => format!("No change needed for {}", change.column),
        false => format!("Changed {what} {} from {} to {}", change.column, change.old, change.new),
    }
}

/// Puts a database into exactly these groups.
fn memberships(control: &mut Connection, db: &str, list: &str) -> Result<Vec<String>> {
    let mut wanted = Vec::new();
    for word in list.split([',', ' ']).filter(|word| !word.is_empty()) {
        let member = Member::of(word)?;
        if !exists(control, "dbgroup", &member.db)? {
            return Err(refusal::missing(format!("No such dbgroup: {}", member.db), "`list dbgroups` shows what there is"));
        }
        wanted.push(member);
    }
    let groups: Vec<&str> = wanted.iter().map(|member| member.db.as_str()).collect();
    let gone =
        control.query("delete from bucardo.dbmap where db = $1 and dbgroup <> all ($2) returning dbgroup", &[&db, &groups])?;
    let mut lines: Vec<String> =
        gone.iter().map(|row| format!("Removed database \"{db}\" from dbgroup \"{}\"", row.get::<_, String>(0))).collect();
    for member in &wanted {
        let one = Member { db: db.to_owned(), ..member.clone() };
        lines.extend(enter(control, &member.db, &one)?);
    }
    Ok(lines)
}

/// Puts a database into a group, or gives it another role in it.
fn enter(control: &mut Connection, group: &str, member: &Member) -> Result<Option<String>> {
    let Member { db, role, priority } = member;
    let old = control.query_opt("select role from bucardo.dbmap where db = $1 and dbgroup = $2", &[db, &group])?;
    let sql = "insert into bucardo.dbmap (db, dbgroup, priority, role) values ($1, $2, $3, $4) \
        on conflict (db, dbgroup) do update set priority = excluded.priority, role = excluded.role";
    control.execute(sql, &[db, &group, priority, role])?;
    Ok(match old.map(|row| row.get::<_, String>(0)) {
        None => Some(format!("Added database \"{db}\" to dbgroup \"{group}\" as {role}")),
        Some(old) if old != *role => {
            Some(format!("Changed role of database \"{db}\" in dbgroup \"{group}\" from {old} to {role}"))
        }
        Some(_) => None,
    })
}

fn dbgroup(session: &mut Session, name: &str, words: &[String]) -> Result<u8> {
    if let Some(new) = new_name(words) {
        change_to(session, Noun::Dbgroup, name, None, vec![Assignment::new("name".to_owned(), new.to_owned())])?;
        say!("Changed dbgroup name from \"{name}\" to \"{new}\"");
        return Ok(0);
    }
    let members = words.iter().map(|word| Member::of(word)).collect::<Result<Vec<_>>>()?;
    let lines = session.transaction(|session| replaced(&mut session.control, name, &members))?;
    lines.iter().for_each(|line| say!("{line}"));
    Ok(0)
}

/// `name=NEW` alone renames a group.
fn new_name(words: &[String]) -> Option<&str> {
    let [word] = words else { return None };
    word.strip_prefix("name=").or_else(|| word.strip_prefix("name:"))
}

fn replaced(control: &mut Connection, group: &str, members: &[Member]) -> Result<Vec<String>> {
    find::things(control, Noun::Dbgroup, group)?;
    for member in members {
        if !exists(control, "db", &member.db)? {
            return Err(refusal::missing(
                format!("The database \"{}\" does not exist", member.db),
                "`list dbs` shows the databases",
            ));
        }
    }
    let names: Vec<&str> = members.iter().map(|member| member.db.as_str()).collect();
    let sql = "delete from bucardo.dbmap where dbgroup = $1 and db <> all ($2) returning db";
    let gone = control.query(sql, &[&group, &names])?;
    let mut lines: Vec<String> =
        gone.iter().map(|row| format!("Removed database \"{}\" from dbgroup \"{group}\"", row.get::<_, String>(0))).collect();
    for member in members {
        lines.extend(enter(control, group, member)?);
    }
    Ok(lines)
}

/// The status of custom code is kept with what it runs for, all else with the code.
fn customcode(session: &mut Session, name: &str, words: &[String]) -> Result<u8> {
    let (status, columns): (Vec<_>, Vec<_>) = assignments(words, &[])?.into_iter().partition(|one| one.column() == "status");
    let changes = session.transaction(|session| {
        let mut changes = columns::changed_to(session, Noun::Customcode, &name.replace('%', "*"), None, columns)?;
        for one in status {
            changes.extend(code::set_status(&mut session.control, name, &one.value())?);
        }
        Ok(changes)
    });
    changes.map_err(cannot)?.iter().for_each(|change| say!("{}", told("customcode", change)));
    Ok(0)
}

fn table(session: &mut Session, noun: Noun, name: &str, words: &[String]) -> Result<u8> {
    let of_db = |word: &String| word.strip_prefix("db=").or_else(|| word.strip_prefix("db:")).map(str::to_owned);
    let db = words.iter().filter_map(of_db).next_back();
    let words: Vec<String> = words.iter().filter(|word| of_db(word).is_none()).cloned().collect();
    let given = assignments(&words, TABLE_KEYS)?;
    let changes = change_to(session, noun, &name.replace('%', "*"), db.as_deref(), given).map_err(cannot)?;
    for mut change in changes {
        if change.column == "ping" {
            change.column = "autokick".to_owned();
        }
        say!("{}", told("relation", &change));
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_has_an_equals_sign_or_a_colon_or_is_a_status() {
        let of = |key: &str, value: &str| Some((key.to_owned(), value.to_owned()));
        assert_eq!(pair("Autokick=1"), of("autokick", "1"));
        assert_eq!(pair("checktime:5 min"), of("checktime", "5 min"));
        assert_eq!(pair("INACTIVE"), of("status", "inactive"));
        for word in ["x", "a=", "=x", "a-b=c"] {
            assert_eq!(pair(word), None, "{word}");
        }
    }
}
