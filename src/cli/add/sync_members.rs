//! Who takes part in a new sync: from the several ways to say it, a source herd, further masters,
//! and targets. Reading the words is pure; making the herd for `tables=` and the group for several
//! members is not.

use super::goat::Adder;
use super::{dbgroup, herd};
use crate::cli::pairs::Pairs;
use crate::cli::relation::{self, Goat};
use crate::cli::{near, refusal};
use crate::error::{Error, Result};
use crate::pg::Connection;
use std::collections::BTreeSet;

/// What a database does in a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Its changes go to all others.
    Source,
    /// It gets changes.
    Target,
    /// It gets copies of everything.
    Fullcopy,
}

impl Role {
    /// As a group stores it.
    fn stored(self) -> &'static str {
        if self == Role::Source { "source" } else { "target" }
    }
}

/// What the words say.
#[derive(Debug, PartialEq, Eq)]
pub struct Members {
    /// `pushdelta`, `fullcopy` or `swap`.
    pub synctype: &'static str,
    /// A herd, or the database of `tables`.
    source: String,
    /// The names in `tables=`.
    tables: Vec<String>,
    target: Target,
}

#[derive(Debug, PartialEq, Eq)]
enum Target {
    Db(String),
    Group(String),
    /// All databases with their roles, that of the herd among them.
    Dbs(Vec<(String, Role)>),
}

impl Members {
    /// Reads the words, refusing what is missing or too much in the order of the reference
    /// (3.11.5).
    pub fn of(pairs: &Pairs) -> Result<Members> {
        let tables: Vec<String> = split(pairs.get("tables").unwrap_or_default());
        if let Some(dbs) = pairs.get("dbs") {
            return in_one_word(pairs, &split(dbs), tables);
        }
        let synctype =
            pairs.get("synctype").ok_or_else(|| need("Need to specify the type of sync: pushdelta, fullcopy, or swap"))?;
        let source = pairs.get("source").ok_or_else(|| need("Need to specify a source for this sync"))?.to_owned();
        let target = match (pairs.get("targetdb"), pairs.get("targetgroup")) {
            (None, None) => return Err(need("Need to specify a targetdb or a targetgroup for this sync")),
            (Some(_), Some(_)) => return Err(need("Need to specify only one: targetdb OR targetgroup")),
            (Some(db), None) => Target::Db(db.to_owned()),
            (None, Some(group)) => Target::Group(group.to_owned()),
        };
        Ok(Members { synctype: known_type(synctype), source, tables, target })
    }

    /// The database in which `tables=` are looked for: the first source.
    fn first_source(&self) -> Option<&str> {
        match &self.target {
            Target::Dbs(roles) => roles.iter().find(|(_, role)| *role == Role::Source).map(|(name, _)| name.as_str()),
            _ => None,
        }
    }

    /// Whether the databases of `dbs=` include `db` as a source.
    fn has_source(&self, db: &str) -> bool {
        match &self.target {
            Target::Dbs(roles) => roles.iter().any(|(name, role)| *role == Role::Source && name == db),
            _ => true,
        }
    }
}

/// `dbs=a:source,b:target`: the newer dialect's way.
fn in_one_word(pairs: &Pairs, dbs: &[String], tables: Vec<String>) -> Result<Members> {
    if pairs.get("targetdb").or(pairs.get("targetgroup")).is_some() {
        return Err(need("Need to specify only one: dbs OR targetdb OR targetgroup"));
    }
    let roles = roles(dbs)?;
    let natural = natural_type(&roles)?;
    let source = match (pairs.get("source"), roles.iter().find(|(_, role)| *role == Role::Source)) {
        (Some(herd), _) => herd.to_owned(),
        (None, Some((first, _))) if !tables.is_empty() => first.clone(),
        (None, _) => return Err(need("Need to specify a source for this sync")),
    };
    let synctype = pairs.get("synctype").map_or(natural, known_type);
    Ok(Members { synctype, source, tables, target: Target::Dbs(roles) })
}

/// Databases and their roles; without one, the first is a source and the others are targets.
pub fn roles(dbs: &[String]) -> Result<Vec<(String, Role)>> {
    dbs.iter().enumerate().map(|(at, word)| with_role(word, if at == 0 { Role::Source } else { Role::Target })).collect()
}

/// A database and its role, written `name:role`.
pub fn with_role(word: &str, default: Role) -> Result<(String, Role)> {
    let Some((name, word)) = word.split_once(':') else { return Ok((word.to_owned(), default)) };
    let role = role(word).ok_or_else(|| {
        refusal::refused(format!("Unknown role \"{word}\" of database \"{name}\""), "the roles are source, target and fullcopy")
    })?;
    Ok((name.to_owned(), role))
}

/// The type of a sync with these members.
pub fn natural_type(roles: &[(String, Role)]) -> Result<&'static str> {
    let count = |wanted: Role| roles.iter().filter(|(_, role)| *role == wanted).count();
    match (count(Role::Source), count(Role::Target), count(Role::Fullcopy)) {
        (0, ..) => {
            Err(refusal::refused("A sync has at least one source, and dbs= names none", "write dbs=a:source,b:target,c:target"))
        }
        (1, 0, 0) => Err(need("Need to specify a targetdb or a targetgroup for this sync")),
        (1, _, 0) => Ok("pushdelta"),
        (1, 0, _) => Ok("fullcopy"),
        (_, _, 0) => Ok("swap"),
        _ => Err(refusal::refused(
            "The role fullcopy cannot be mixed with others in one sync",
            "make two syncs, and give the role fullcopy in only one of them",
        )),
    }
}

/// The beginnings that the newer program knows.
fn role(word: &str) -> Option<Role> {
    let word = word.to_lowercase();
    let begins = |starts: &[&str]| starts.iter().any(|start| word.starts_with(start));
    match () {
        () if begins(&["s", "mas", "pri"]) => Some(Role::Source),
        () if begins(&["t", "rep"]) => Some(Role::Target),
        () if begins(&["f"]) => Some(Role::Fullcopy),
        () => None,
    }
}

/// A type of sync by its name.
pub fn known_type(word: &str) -> &'static str {
    ["fullcopy", "swap"].into_iter().find(|known| *known == word).unwrap_or("pushdelta")
}

fn split(list: &str) -> Vec<String> {
    list.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn need(what: &str) -> Error {
    refusal::refused(what, "see `help add sync`; for example: add sync s1 type=pushdelta source=herd1 targetdb=B")
}

/// The source herd, made from `tables=` if need be, with the database it is in, and the lines that
/// tell what was made.
pub fn herd(control: &mut Connection, sync: &str, members: &Members, pairs: &Pairs) -> Result<(String, Vec<String>)> {
    let source = &members.source;
    if exists(control, "herd", source)? {
        check_herd_db(control, source, members)?;
        return Ok((source.clone(), Vec::new()));
    }
    if members.tables.is_empty() {
        let hint = "`list herd` shows the herds; `add herd` makes one; tables=a,b makes one on the way";
        let hint = near::among(control, "herd", source, hint);
        return Err(refusal::missing(format!("No such source herd: {source}"), hint));
    }
    let db = members.first_source().unwrap_or(source);
    if !exists(control, "db", db)? {
        let sentence = "When using the tables option, the source argument must be a database";
        return Err(refusal::missing(sentence, "`list db` shows the databases; `add db` adds one"));
    }
    herd::ensure(control, sync)?;
    if control.query_opt("select from bucardo.herdmap where herd = $1 limit 1", &[&sync])?.is_some() {
        let named = known(control, db, &members.tables)?;
        if is_left_over(control, sync, &named)? {
            return Ok((sync.to_owned(), Vec::new()));
        }
        let sentence = format!("Cannot create sync: source herd \"{sync}\" already exists and contains tables");
        return Err(refusal::refused(sentence, format!("use it with source={sync}, or give the sync another name")));
    }
    Ok((sync.to_owned(), gather(control, sync, db, &members.tables, pairs)?))
}

/// All that these names mean in a database.
fn known(control: &mut Connection, db: &str, names: &[String]) -> Result<Vec<Goat>> {
    let mut all = Vec::new();
    for name in names {
        all.extend(relation::find(control, name, Some(db))?);
    }
    Ok(all)
}

/// Whether there is something called `name` in `bucardo.TABLE`.
pub fn exists(control: &mut Connection, table: &'static str, name: &str) -> Result<bool> {
    Ok(control.query_opt(&format!("select from bucardo.{table} where name = $1"), &[&name])?.is_some())
}

/// The database of a herd's members.
pub fn db_of(control: &mut Connection, herd: &str) -> Result<Option<String>> {
    let sql = "select g.db from bucardo.herdmap m join bucardo.goat g on g.id = m.goat where m.herd = $1 limit 1";
    Ok(control.query_opt(sql, &[&herd])?.map(|row| row.get(0)))
}

/// `dbs=` names the source again, so that the two may contradict each other.
fn check_herd_db(control: &mut Connection, herd: &str, members: &Members) -> Result<()> {
    match (db_of(control, herd)?, members.first_source()) {
        (Some(found), Some(first)) if !members.has_source(&found) => Err(refusal::refused(
            format!("The tables of herd \"{herd}\" are in database \"{found}\", not in \"{first}\""),
            format!("write dbs={found}:source,..."),
        )),
        _ => Ok(()),
    }
}

/// Puts every relation of these names into the herd; tables that nobody knows yet are added.
fn gather(control: &mut Connection, herd: &str, db: &str, names: &[String], pairs: &Pairs) -> Result<Vec<String>> {
    let mut adder = Adder::new(db, "table");
    let mut lines = Vec::new();
    for name in names {
        if relation::find(control, name, Some(db))?.is_empty() {
            let relation = relation::named(name).ok_or_else(|| {
                refusal::refused(format!("Invalid table name: {name}"), "write tables=schema.table,schema.table")
            })?;
            adder.add(control, &relation, &pairs.only(&["ping"]))?;
            lines.push(format!("Added table \"{}\"", relation.label()));
        }
        for goat in relation::find(control, name, Some(db))? {
            herd::join(control, herd, &goat)?;
        }
    }
    Ok(lines)
}

/// The column for the target and its value; several databases become a group called like the sync.
pub fn target(
    control: &mut Connection,
    sync: &str,
    herd: &str,
    members: &Members,
) -> Result<(&'static str, String, Vec<String>)> {
    let roles = match &members.target {
        Target::Db(name) => return Ok(("targetdb", name.clone(), Vec::new())),
        Target::Group(name) => return Ok(("targetgroup", name.clone(), Vec::new())),
        Target::Dbs(roles) => roles,
    };
    let own = db_of(control, herd)?;
    let own = own.as_deref().or(members.first_source()).unwrap_or_default();
    let others: Vec<_> = roles.iter().filter(|(name, _)| name != own).cloned().collect();
    if let [(only, _)] = others.as_slice() {
        return Ok(("targetdb", only.clone(), Vec::new()));
    }
    let made = group(control, sync, &others)?;
    Ok(("targetgroup", sync.to_owned(), made.then(|| format!("Added database group \"{sync}\"")).into_iter().collect()))
}

/// Makes a group of these databases; whether it was not there yet. One that has just these members,
/// left by a sync that was removed, will do.
pub fn group(control: &mut Connection, name: &str, roles: &[(String, Role)]) -> Result<bool> {
    if !dbgroup::ensure(control, name)? {
        if has_just(control, name, roles)? {
            return Ok(false);
        }
        let sentence = format!("Cannot create sync: database group \"{name}\" already exists");
        return Err(refusal::refused(sentence, format!("use it with targetgroup={name}, or give the sync another name")));
    }
    for (db, role) in roles {
        if !exists(control, "db", db)? {
            let hint = near::among(control, "db", db, "`list db` shows the databases; `add db` adds one");
            return Err(refusal::missing(format!("Unknown database \"{db}\""), hint));
        }
        dbgroup::join_as(control, db, name, 0, role.stored())?;
    }
    Ok(true)
}

/// Whether a group has these members in these roles, and no others.
fn has_just(control: &mut Connection, group: &str, roles: &[(String, Role)]) -> Result<bool> {
    let rows = control.query("select db, role from bucardo.dbmap where dbgroup = $1", &[&group])?;
    let there: BTreeSet<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let wanted = roles.iter().map(|(db, role)| (db.clone(), role.stored().to_owned()));
    Ok(there == wanted.collect())
}

/// Whether a herd has these members, no others, and no sync: one that was made of them and removed
/// has left it.
pub fn is_left_over(control: &mut Connection, herd: &str, goats: &[Goat]) -> Result<bool> {
    if control.query_opt("select from bucardo.sync where source = $1 limit 1", &[&herd])?.is_some() {
        return Ok(false);
    }
    let rows = control.query("select goat from bucardo.herdmap where herd = $1", &[&herd])?;
    let there: BTreeSet<i32> = rows.iter().map(|row| row.get(0)).collect();
    Ok(there == goats.iter().map(|goat| goat.id).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::cli::pairs::{self, Key, Value};

    const KEYS: &[Key] = &[
        Key::new("synctype", &["type"], Value::Text),
        Key::new("source", &["source"], Value::Text),
        Key::new("targetdb", &["targetdb"], Value::Text),
        Key::new("targetgroup", &["targetgroup"], Value::Text),
        Key::new("tables", &["tables"], Value::Text),
        Key::new("dbs", &["dbs"], Value::Text),
    ];

    fn members(line: &str) -> Result<Members> {
        let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
        Members::of(&pairs::read(&words, KEYS, "")?)
    }

    #[test]
    fn what_is_missing_is_told_in_the_order_of_the_reference() {
        for (line, sentence) in [
            ("", "Need to specify the type of sync: pushdelta, fullcopy, or swap"),
            ("type=swap", "Need to specify a source for this sync"),
            ("type=swap source=h", "Need to specify a targetdb or a targetgroup for this sync"),
            ("type=swap source=h targetdb=a targetgroup=b", "Need to specify only one: targetdb OR targetgroup"),
            ("dbs=a:source,b:boss source=h", "Unknown role \"boss\" of database \"b\""),
            ("dbs=a:target,b:target source=h", "A sync has at least one source, and dbs= names none"),
            ("dbs=a source=h", "Need to specify a targetdb or a targetgroup for this sync"),
            ("dbs=a,b", "Need to specify a source for this sync"),
            ("dbs=a,b:target,c:fullcopy source=h", "The role fullcopy cannot be mixed with others in one sync"),
            ("dbs=a,b:source,c:fullcopy source=h", "The role fullcopy cannot be mixed with others in one sync"),
        ] {
            assert_eq!(members(line).unwrap_err().message(), sentence, "{line}");
        }
    }

    #[test]
    fn one_word_says_what_several_do() {
        let found = members("dbs=a:master,b:replica,c tables=t1,,s.t2").unwrap();
        let of = |name: &str, role| (name.to_owned(), role);
        let roles = vec![of("a", Role::Source), of("b", Role::Target), of("c", Role::Target)];
        let tables = vec!["t1".to_owned(), "s.t2".to_owned()];
        assert_eq!(found, Members { synctype: "pushdelta", source: "a".into(), tables, target: Target::Dbs(roles) });
        assert_eq!(members("dbs=a,b:fullcopy source=h").unwrap().synctype, "fullcopy");
    }

    #[test]
    fn several_sources_are_masters_of_one_another() {
        for dbs in ["a:source,b:source", "a:s,b:pri,c:mas,d:target"] {
            let found = members(&format!("dbs={dbs} source=h")).unwrap();
            assert_eq!(found.synctype, "swap", "{dbs}");
            assert!(found.has_source("b") && !found.has_source("d") && found.first_source() == Some("a"));
        }
    }
}
