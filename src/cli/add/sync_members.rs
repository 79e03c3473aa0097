//! Who takes part in a new sync: from the several ways to say it, one source herd and one target. Reading the words is pure; making
//! the herd for `tables=` and the group for several targets is not.

use super::goat::Adder;
use super::{dbgroup, herd};
use crate::cli::pairs::Pairs;
use crate::cli::{refusal, relation};
use crate::error::{Error, Result};
use crate::pg::Connection;

/// What the words say.
#[derive(Debug, PartialEq, Eq)]
pub struct Members {
    /// `pushdelta`, `fullcopy` or `swap`.
    pub synctype: &'static str,
    /// A herd, or the database of `tables`.
    source: String,
    /// The names in `tables=`.
    tables: Vec<String>,
    /// The database that `dbs=` calls the source.
    source_db: Option<String>,
    target: Target,
}

#[derive(Debug, PartialEq, Eq)]
enum Target {
    Db(String),
    Group(String),
    /// Databases that want a group made for them.
    Dbs(Vec<String>),
}

impl Members {
    /// Reads the words, refusing what is missing or too much in the order of the reference (3.11.5).
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
        Ok(Members { synctype: known_type(synctype), source, tables, source_db: None, target })
    }
}

/// `dbs=a:source,b:target`: the newer dialect's way.
fn in_one_word(pairs: &Pairs, dbs: &[String], tables: Vec<String>) -> Result<Members> {
    if pairs.get("targetdb").or(pairs.get("targetgroup")).is_some() {
        return Err(need("Need to specify only one: dbs OR targetdb OR targetgroup"));
    }
    let roles = dbs.iter().enumerate().map(|(at, word)| with_role(at, word)).collect::<Result<Vec<_>>>()?;
    let named = |wanted: &str| roles.iter().filter(|(_, role)| *role == wanted).map(|(name, _)| name.clone()).collect();
    let source_db = only_source(named("source"))?;
    let (natural, targets) = only_kind(named("target"), named("fullcopy"))?;
    let source = match pairs.get("source") {
        Some(herd) => herd.to_owned(),
        None if !tables.is_empty() => source_db.clone(),
        None => return Err(need("Need to specify a source for this sync")),
    };
    let target = if let [only] = targets.as_slice() { Target::Db(only.clone()) } else { Target::Dbs(targets) };
    let synctype = pairs.get("synctype").map_or(natural, known_type);
    Ok(Members { synctype, source, tables, source_db: Some(source_db), target })
}

/// A database and its role; without one, the first is the source and the others are targets.
fn with_role(at: usize, word: &str) -> Result<(String, &'static str)> {
    let (name, word) = word.split_once(':').unwrap_or((word, if at == 0 { "source" } else { "target" }));
    let role = role(word).ok_or_else(|| {
        refusal::refused(format!("Unknown role \"{word}\" in dbs="), "the roles are source, target and fullcopy")
    })?;
    Ok((name.to_owned(), role))
}

fn only_source(mut sources: Vec<String>) -> Result<String> {
    match (sources.pop(), sources.len()) {
        (Some(only), 0) => Ok(only),
        (last, before) => Err(refusal::refused(
            format!("A sync has one source here, and dbs= names {}", before + usize::from(last.is_some())),
            "write dbs=a:source,b:target,c:target",
        )),
    }
}

/// The type of a sync with these targets.
fn only_kind(targets: Vec<String>, copies: Vec<String>) -> Result<(&'static str, Vec<String>)> {
    match (targets.is_empty(), copies.is_empty()) {
        (false, true) => Ok(("pushdelta", targets)),
        (true, false) => Ok(("fullcopy", copies)),
        (true, true) => Err(need("Need to specify a targetdb or a targetgroup for this sync")),
        (false, false) => Err(refusal::refused(
            "The roles target and fullcopy cannot be mixed in one sync",
            "make two syncs, one of type pushdelta and one of type fullcopy",
        )),
    }
}

fn role(word: &str) -> Option<&'static str> {
    let word = word.to_lowercase();
    let begins = |starts: &[&str]| starts.iter().any(|start| word.starts_with(start));
    match () {
        () if begins(&["s", "mas", "pri"]) => Some("source"),
        () if begins(&["t", "rep"]) => Some("target"),
        () if begins(&["f"]) => Some("fullcopy"),
        () => None,
    }
}

fn known_type(word: &str) -> &'static str {
    ["fullcopy", "swap"].into_iter().find(|known| *known == word).unwrap_or("pushdelta")
}

fn split(list: &str) -> Vec<String> {
    list.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn need(what: &str) -> Error {
    refusal::refused(what, "see `help add sync`; for example: add sync s1 type=pushdelta source=herd1 targetdb=B")
}

/// The source herd, made from `tables=` if need be, and the lines that tell what was made.
pub fn herd(control: &mut Connection, sync: &str, members: &Members, pairs: &Pairs) -> Result<(String, Vec<String>)> {
    let source = &members.source;
    if exists(control, "herd", source)? {
        check_herd_db(control, source, members.source_db.as_deref())?;
        return Ok((source.clone(), Vec::new()));
    }
    if members.tables.is_empty() {
        let hint = "`list herd` shows the herds; `add herd` makes one; tables=a,b makes one on the way";
        return Err(refusal::missing(format!("No such source herd: {source}"), hint));
    }
    let db = members.source_db.as_deref().unwrap_or(source);
    if !exists(control, "db", db)? {
        let sentence = "When using the tables option, the source argument must be a database";
        return Err(refusal::missing(sentence, "`list db` shows the databases; `add db` adds one"));
    }
    herd::ensure(control, sync)?;
    if control.query_opt("select from bucardo.herdmap where herd = $1 limit 1", &[&sync])?.is_some() {
        let sentence = format!("Cannot create sync: source herd \"{sync}\" already exists and contains tables");
        return Err(refusal::refused(sentence, format!("use it with source={sync}, or give the sync another name")));
    }
    Ok((sync.to_owned(), gather(control, sync, db, &members.tables, pairs)?))
}

fn exists(control: &mut Connection, table: &'static str, name: &str) -> Result<bool> {
    Ok(control.query_opt(&format!("select from bucardo.{table} where name = $1"), &[&name])?.is_some())
}

/// `dbs=` names the source again, so that the two may contradict each other.
fn check_herd_db(control: &mut Connection, herd: &str, db: Option<&str>) -> Result<()> {
    let sql = "select g.db from bucardo.herdmap m join bucardo.goat g on g.id = m.goat where m.herd = $1 limit 1";
    let found: Option<String> = control.query_opt(sql, &[&herd])?.map(|row| row.get(0));
    match (found, db) {
        (Some(found), Some(db)) if found != db => Err(refusal::refused(
            format!("The tables of herd \"{herd}\" are in database \"{found}\", not in \"{db}\""),
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
pub fn target(control: &mut Connection, sync: &str, members: &Members) -> Result<(&'static str, String, Vec<String>)> {
    let dbs = match &members.target {
        Target::Db(name) => return Ok(("targetdb", name.clone(), Vec::new())),
        Target::Group(name) => return Ok(("targetgroup", name.clone(), Vec::new())),
        Target::Dbs(dbs) => dbs,
    };
    if !dbgroup::ensure(control, sync)? {
        let sentence = format!("Cannot create sync: database group \"{sync}\" already exists");
        return Err(refusal::refused(sentence, format!("use it with targetgroup={sync}, or give the sync another name")));
    }
    for db in dbs {
        if !exists(control, "db", db)? {
            return Err(refusal::missing(
                format!("Unknown database \"{db}\""),
                "`list db` shows the databases; `add db` adds one",
            ));
        }
        dbgroup::join(control, db, sync, 0)?;
    }
    Ok(("targetgroup", sync.to_owned(), vec![format!("Added database group \"{sync}\"")]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::cli::pairs::{self, Key, Value};

    const KEYS: &[Key] = &[
        Key { column: "synctype", names: &["type"], takes: Value::Text },
        Key { column: "source", names: &["source"], takes: Value::Text },
        Key { column: "targetdb", names: &["targetdb"], takes: Value::Text },
        Key { column: "targetgroup", names: &["targetgroup"], takes: Value::Text },
        Key { column: "tables", names: &["tables"], takes: Value::Text },
        Key { column: "dbs", names: &["dbs"], takes: Value::Text },
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
            ("dbs=a:source,b:boss source=h", "Unknown role \"boss\" in dbs="),
            ("dbs=a:source,b:source source=h", "A sync has one source here, and dbs= names 2"),
            ("dbs=a source=h", "Need to specify a targetdb or a targetgroup for this sync"),
            ("dbs=a,b", "Need to specify a source for this sync"),
            ("dbs=a,b:target,c:fullcopy source=h", "The roles target and fullcopy cannot be mixed in one sync"),
        ] {
            assert_eq!(members(line).unwrap_err().message(), sentence, "{line}");
        }
    }

    #[test]
    fn one_word_says_what_several_do() {
        let found = members("dbs=a:master,b:replica,c tables=t1,,s.t2").unwrap();
        let target = Target::Dbs(vec!["b".to_owned(), "c".to_owned()]);
        let tables = vec!["t1".to_owned(), "s.t2".to_owned()];
        assert_eq!(found, Members { synctype: "pushdelta", source: "a".into(), tables, source_db: Some("a".into()), target });
        assert_eq!(members("dbs=a,b:fullcopy source=h").unwrap().synctype, "fullcopy");
        assert_eq!(members("dbs=a,b source=h").unwrap().target, Target::Db("b".to_owned()));
    }
}
