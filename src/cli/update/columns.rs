//! `update TYPE NAME column=value ...` (reference, 3.13).

use super::after;
use super::find::{self, Table, Thing};
use super::in_step::Change;
use super::moved;
use super::party;
use super::renamed;
use crate::cli::noun::Noun;
use crate::cli::pairs::{self, Key, Value};
use crate::cli::{Session, add, conflict, near, refusal};
use crate::error::{Error, Result};
use crate::pg::{Connection, Ident};
use crate::plain;
use crate::say_text;
use postgres::types::ToSql;
use std::collections::BTreeMap;

/// A column, and what it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    column: String,
    value: Option<String>,
    /// What is said of the new value; as typed unless given.
    shown: Option<String>,
}

impl Assignment {
    /// Gives a column a value.
    pub fn new(column: String, value: String) -> Assignment {
        Assignment { column, value: Some(value), shown: None }
    }

    /// The column.
    pub fn column(&self) -> &str {
        &self.column
    }

    /// The value as given.
    pub fn value(&self) -> String {
        self.value.clone().unwrap_or_default()
    }
}

/// One change, for those who tell of it in other words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quiet {
    /// The column.
    pub column: String,
    /// What it was.
    pub old: String,
    /// What it is.
    pub new: String,
}

/// Changes all things that `name` means, in database `db` if one is given, and says nothing.
pub fn change_to(session: &mut Session, noun: Noun, name: &str, db: Option<&str>, given: Vec<Assignment>) -> Result<Vec<Quiet>> {
    let change = Change::about(session, noun, name, &given)?;
    let (is_moved, new_targets) = (moved::is_moved(noun, &given), moved::new_targets(session, noun, name, &given)?);
    renamed::refuse_if_away(session, noun, name, &given)?;
    let changes = session.transaction(|session| changed_to(session, noun, name, db, given))?;
    change.map_or(Ok(()), |change| change.follow(session))?;
    renamed::follow(session, noun)?;
    if is_moved {
        moved::follow(session, name)?;
    }
    moved::tell_of_copies(session, &new_targets);
    Ok(changes)
}

/// The same within a transaction.
pub fn changed_to(session: &mut Session, noun: Noun, name: &str, db: Option<&str>, given: Vec<Assignment>) -> Result<Vec<Quiet>> {
    let things = find::things_in(&mut session.control, noun, name, db)?;
    let given = if noun == Noun::Sync { party::own_group(&mut session.control, &things, given)? } else { given };
    let given = meant(&mut session.control, noun, &things[0], given)?;
    let mut changes = Vec::new();
    for thing in things.iter().filter(|_| !given.is_empty()) {
        let old = changed_one(session, noun, thing, &given)?;
        changes.extend(given.iter().zip(old).map(|(new, old)| quiet(new, old)));
    }
    Ok(changes)
}

/// A password is not shown.
fn quiet(new: &Assignment, old: Option<String>) -> Quiet {
    let secret = new.column == "dbpass";
    let show = |text: Option<String>| match text {
        Some(_) if secret => "<not shown>".to_owned(),
        Some(text) if text == "t" => "1".to_owned(),
        Some(text) if text == "f" => "0".to_owned(),
        text => text.unwrap_or_else(|| "NULL".to_owned()),
    };
    let is_bool = new.column == "ping" || matches!(old.as_deref(), Some("t" | "f"));
    let value = new.value.clone().map(|value| if is_bool { bit(value) } else { value });
    let old = if secret { "<old>".to_owned() } else { show(old) };
    Quiet { column: new.column.clone(), old, new: show(value) }
}

/// A truth value as the server would begin to write it.
fn bit(value: String) -> String {
    match value.to_lowercase().as_str() {
        "on" | "yes" | "y" | "true" | "t" => "1".to_owned(),
        "off" | "no" | "n" | "false" | "f" => "0".to_owned(),
        _ => value,
    }
}

/// Column names that the newer dialect uses.
const ALIASES: [(&str, &str); 2] = [("ssp", "server_side_prepares"), ("autokick", "ping")];

/// Changes all things that `name` means, and tells what was changed.
pub fn change(session: &mut Session, noun: Noun, name: &str, words: &[String]) -> Result<u8> {
    let assignments = words.iter().filter(|word| *word != "set").map(|word| assignment(word)).collect::<Result<Vec<_>>>()?;
    let change = Change::about(session, noun, name, &assignments)?;
    let is_moved = moved::is_moved(noun, &assignments);
    let new_targets = moved::new_targets(session, noun, name, &assignments)?;
    renamed::refuse_if_away(session, noun, name, &assignments)?;
    let texts = session.transaction(|session| {
        let things = find::things(&mut session.control, noun, name)?;
        let assignments = meant(&mut session.control, noun, &things[0], assignments)?;
        things.iter().map(|thing| one(session, noun, thing, &assignments)).collect::<Result<Vec<_>>>()
    })?;
    texts.iter().for_each(|text| say_text!("{text}"));
    change.map_or(Ok(()), |change| change.follow(session))?;
    renamed::follow(session, noun)?;
    if is_moved {
        moved::follow(session, name)?;
    }
    moved::tell_of_copies(session, &new_targets);
    Ok(0)
}

/// The columns for which no value is a mistake.
const NEVER_EMPTY: [&str; 3] = ["name", "status", "synctype"];

/// Splits at the first equals sign: a column has none in its name, and a value may have several.
/// Without a value, the column gets its default, which for most is none.
fn assignment(word: &str) -> Result<Assignment> {
    let malformed =
        || refusal::refused("Invalid argument: must be of form name=value", "write column=value, or column= for none");
    let (column, value) = word.split_once('=').ok_or_else(malformed)?;
    if column.is_empty() || !column.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return Err(refusal::refused("Invalid name", format!("\"{column}\" cannot be the name of a column")));
    }
    let column = column.to_lowercase();
    let column = ALIASES.iter().find(|(alias, _)| *alias == column).map_or(column, |(_, column)| (*column).to_owned());
    if value.is_empty() && NEVER_EMPTY.contains(&column.as_str()) {
        return Err(malformed());
    }
    Ok(Assignment { column, value: Some(value.to_owned()).filter(|value| !value.is_empty()), shown: None })
}

/// The assignments with what some of them mean besides, for columns that exist.
fn meant(control: &mut Connection, noun: Noun, thing: &Thing, given: Vec<Assignment>) -> Result<Vec<Assignment>> {
    let types = types(control, find::table(noun).name)?;
    given
        .into_iter()
        .map(|assignment| match types.contains_key(&assignment.column) {
            true => special(control, noun, assignment),
            false => Err(no_column(noun, thing, &assignment.column, &types)),
        })
        .collect()
}

fn no_column(noun: Noun, thing: &Thing, column: &str, types: &Types) -> Error {
    let title = find::table(noun).title;
    let hint = match (noun, column) {
        (Noun::Sync, "type") => "the type of a sync is its column synctype".to_owned(),
        _ => {
            let question =
                near::question(column, types.keys().map(String::as_str).chain(ALIASES.iter().map(|(alias, _)| *alias)));
            near::ahead(question, &format!("`list {title} {} --verbose --verbose` shows all columns", thing.label))
        }
    };
    refusal::refused(format!("Sorry, cannot change \"{column}\" for {title} \"{}\"", thing.label), hint)
}

/// A host or a time that is none, source code that is in a file, a strategy that has several
/// spellings, and what is no value of the key.
fn special(control: &mut Connection, noun: Noun, assignment: Assignment) -> Result<Assignment> {
    match (noun, assignment.column.as_str(), assignment.value.as_deref()) {
        (Noun::Db, "dbhost", Some("none")) => {
            Ok(Assignment { value: Some(String::new()), shown: Some("NULL".to_owned()), ..assignment })
        }
        (Noun::Sync, "checktime" | "overdue" | "expired" | "targetdb" | "targetgroup", Some("none")) => {
            Ok(Assignment { value: None, ..assignment })
        }
        (Noun::Sync, "name", Some(name)) => add::sync::refuse_all(name).map(|()| assignment),
        (Noun::Sync, column @ ("checktime" | "overdue" | "expired"), Some(time)) if is_below_zero(time) => {
            let sentence = format!("Invalid value for '{column}': \"{time}\" is below 0");
            Err(refusal::refused(sentence, format!("write {column}=none for none")))
        }
        (Noun::Customcode, "src_code", Some(file)) => {
            let text = std::fs::read_to_string(file).map_err(|error| {
                refusal::refused("The 'src_file' value must be a file", format!("\"{file}\" cannot be read: {error}"))
            })?;
            Ok(Assignment { value: Some(text), ..assignment })
        }
        (Noun::Db, "dbport", Some(port)) if !pairs::is_ports(port) => Err(refusal::refused(
            format!("Invalid value for 'dbport': \"{port}\" is no port"),
            "a port is a number from 1 to 65535",
        )),
        (Noun::Sync | Noun::Customcode, "status", Some(text)) if !["active", "inactive"].contains(&text) => {
            Err(refusal::refused(format!("Invalid value for 'status': \"{text}\""), "the status is active or inactive"))
        }
        (Noun::Sync, "conflict_strategy", Some(text)) => {
            let strategy = conflict::strategy(control, text)?;
            Ok(Assignment { value: Some(strategy), ..assignment })
        }
        (_, "priority", _) | (_, _, None) => Ok(assignment),
        (_, column, Some(value)) => {
            let counts = |key: &&Key| key.column == column && matches!(key.takes, Value::Number | Value::NumberOf(_));
            if let Some(key) = add::keys(noun).iter().find(counts) {
                pairs::checked(column, key.takes, value)?;
            }
            Ok(assignment)
        }
    }
}

/// Whether an interval has a sign, or is said to be ago.
fn is_below_zero(time: &str) -> bool {
    time.trim_start().starts_with('-') || time.trim_end().ends_with("ago")
}

/// The types of a table's columns, as SQL writes them.
fn types(control: &mut Connection, table: &str) -> Result<BTreeMap<String, String>> {
    let sql = "select attname::text, format_type(atttypid, atttypmod) from pg_catalog.pg_attribute \
        where attrelid = ('bucardo.' || $1)::regclass and attnum > 0 and not attisdropped";
    Ok(control.query(sql, &[&table])?.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Changes one thing; the text that tells of it.
fn one(session: &mut Session, noun: Noun, thing: &Thing, assignments: &[Assignment]) -> Result<String> {
    if assignments.is_empty() {
        return Ok("No changes made".to_owned());
    }
    let old = changed_one(session, noun, thing, assignments)?;
    Ok(text(find::table(noun), thing, &old, assignments))
}

/// Changes one thing; its old values.
fn changed_one(session: &mut Session, noun: Noun, thing: &Thing, assignments: &[Assignment]) -> Result<Vec<Option<String>>> {
    let table = find::table(noun);
    let types = types(&mut session.control, table.name)?;
    let old = old(&mut session.control, table, thing, assignments, &types)?;
    after::prepare(&mut session.control, noun)?;
    let all = with_opposites(noun, assignments);
    write(&mut session.control, table, thing, &all, &types)
        .map_err(|error| error.context(format!("Could not update {} \"{}\"", table.title, thing.label)))?;
    let key = assignments.iter().rev().find(|assignment| assignment.column == table.key);
    let key = key.and_then(|assignment| assignment.value.clone()).unwrap_or_else(|| thing.key.clone());
    after::settle(session, noun, &key)?;
    Ok(old)
}

/// A sync has one kind of target: naming one takes the other away.
fn with_opposites(noun: Noun, assignments: &[Assignment]) -> Vec<Assignment> {
    let mut all = assignments.to_vec();
    for (named, other) in [("targetdb", "targetgroup"), ("targetgroup", "targetdb")] {
        let is = |column: &str| assignments.iter().any(|assignment| assignment.column == column);
        if noun == Noun::Sync && is(named) && !is(other) {
            all.push(Assignment { column: other.to_owned(), value: None, shown: None });
        }
    }
    all
}

type Types = BTreeMap<String, String>;

fn old(control: &mut Connection, table: Table, thing: &Thing, list: &[Assignment], types: &Types) -> Result<Vec<Option<String>>> {
    let column = |assignment: &Assignment| {
        let name = Ident::new(&assignment.column);
        let is_bool = types.get(&assignment.column).is_some_and(|name| name == "boolean");
        if is_bool { format!("left({name}::text, 1)") } else { format!("{name}::text") }
    };
    let columns: Vec<_> = list.iter().map(column).collect();
    let sql = format!("select {} from bucardo.{} where {}::text = $1 for update", columns.join(", "), table.name, table.key);
    let row = control.query_one(&sql, &[&thing.key])?;
    Ok((0..list.len()).map(|at| row.get(at)).collect())
}

/// Of a column that is assigned twice, the last value counts.
fn write(control: &mut Connection, table: Table, thing: &Thing, list: &[Assignment], types: &Types) -> Result<()> {
    let last: BTreeMap<&str, &Option<String>> = list.iter().map(|one| (one.column.as_str(), &one.value)).collect();
    let unknown = "text".to_owned();
    let mut values: Vec<&(dyn ToSql + Sync)> = vec![&thing.key];
    let mut set = Vec::new();
    for (column, value) in last {
        let (name, sql_type) = (Ident::new(column), types.get(column).unwrap_or(&unknown));
        match value {
            Some(value) => {
                values.push(value);
                set.push(format!("{name} = ${}::text::{sql_type}", values.len()));
            }
            None => set.push(format!("{name} = default")),
        }
    }
    let sql = format!("update bucardo.{} set {} where {}::text = $1", table.name, set.join(", "), table.key);
    control.execute(&sql, &values)?;
    Ok(())
}

fn text(table: Table, thing: &Thing, old: &[Option<String>], assignments: &[Assignment]) -> String {
    let changes = assignments.iter().zip(old).map(|(new, old)| format!(" * {:<12}: {}", new.column, changed(table, new, old)));
    let lines = [format!("Changes made to {} \"{}\":", table.title, thing.label)].into_iter().chain(changes);
    lines.map(|line| plain::line(&line).into_owned()).collect::<Vec<_>>().join("\n")
}

fn changed(table: Table, new: &Assignment, old: &Option<String>) -> String {
    if (table.name, new.column.as_str()) == ("customcode", "src_code") {
        let before = old.as_deref().unwrap_or_default().lines().count();
        // The name is the original's own.
        return format!(
            "changed from old source (lines: {before}) to contents of file 'foo' (lines: {})",
            new.value().lines().count()
        );
    }
    let secret = new.column == "dbpass";
    let quoted = |text: &str| if secret { "<not shown>".to_owned() } else { format!("\"{text}\"") };
    let old = old.as_deref().map_or_else(|| "(null)".to_owned(), quoted);
    let value = new.shown.as_deref().or(new.value.as_deref()).map_or_else(|| "(default)".to_owned(), quoted);
    format!("changed from {old} to {value}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn an_assignment_is_split_at_its_first_equals_sign() {
        let given = assignment("CheckTime=5 minutes").unwrap();
        assert_eq!((given.column.as_str(), given.value.as_deref()), ("checktime", Some("5 minutes")));
        assert_eq!(assignment("ssp=0").unwrap().column, "server_side_prepares");
        assert_eq!(assignment("dbconn=sslmode=prefer").unwrap().value(), "sslmode=prefer");
        assert_eq!(assignment("checktime=").unwrap().value, None);
        for (word, message) in
            [("status", "Invalid argument: must be of form name=value"), ("a b=c", "Invalid name"), ("=x", "Invalid name")]
        {
            assert_eq!(assignment(word).unwrap_err().message(), message, "{word}");
        }
    }

    #[test]
    fn what_was_changed_is_told_with_old_and_new() {
        let thing = Thing { key: "s1".to_owned(), label: "s1".to_owned() };
        let old = [Some("inactive".to_owned()), None, Some("t".to_owned())];
        let new = ["status=active", "checktime=5 minutes", "stayalive=no"].map(|word| assignment(word).unwrap());
        assert_eq!(
            text(find::table(Noun::Sync), &thing, &old, &new),
            "Changes made to sync \"s1\":
 * status      : changed from \"inactive\" to \"active\"
 * checktime   : changed from (null) to \"5 minutes\"
 * stayalive   : changed from \"t\" to \"no\""
        );
    }

    #[test]
    fn a_password_is_not_shown_and_source_code_is_counted() {
        let password = assignment("dbpass=hush").unwrap();
        let db = find::table(Noun::Db);
        assert_eq!(changed(db, &password, &Some("old".to_owned())), "changed from <not shown> to <not shown>");
        let code = Assignment { column: "src_code".to_owned(), value: Some("a\nb\n".to_owned()), shown: None };
        let told = changed(find::table(Noun::Customcode), &code, &Some("x".to_owned()));
        assert_eq!(told, "changed from old source (lines: 1) to contents of file 'foo' (lines: 2)");
    }
}
