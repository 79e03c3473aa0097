//! `set`, `show` and `config`: the table `bucardo_config`.

use crate::cli::json::of_server;
use crate::cli::table::Topic;
use crate::cli::{Session, help, near, presence, refusal};
use crate::control::setting_table::{self, Takes};
use crate::error::{Error, Kind, Result};
use crate::pg::Connection;
use crate::{say, say_text, warn_user};

/// Usage text of `show`.
pub const SHOW: &[Topic] = &[help::only(
    "Usage: show <all|setting1> [setting2 ...]

  A setting may be a part of its name, or a regular expression.

  show all
  show piddir kid_",
)];

/// Usage text of `set`.
pub const SET: &[Topic] = &[help::only(
    "Usage: set setting=value [setting=value ...]

  set log_showtime=3 default_email_to=dba@example.com",
)];

/// Usage text of `config`.
pub const CONFIG: &[Topic] = &[help::only(
    "Usage: config [show|get [all|setting1 ...]]
       config set setting=value [setting=value ...]

  config show piddir
  config set log_showtime=3",
)];

/// `show all|PATTERN ...`. The exit code is always 1, and scripts know it.
pub fn show(session: &mut Session, nouns: &[String]) -> Result<u8> {
    let Some(first) = nouns.first() else {
        let usage = format!("Usage: {} show <all|setting1> [settting2 ...]", session.prog);
        return Err(Error::new(Kind::Usage, usage).hint("`show all` shows all settings"));
    };
    let patterns = if has_all(first) { vec![String::new()] } else { nouns.to_vec() };
    let changed = session.dialect().newer && nouns == ["changed"];
    let patterns = if changed { vec![String::new()] } else { patterns };
    let sql = "select setting, value from bucardo.bucardo_config where name is null and setting ~* any ($1) \
        order by setting collate \"C\"";
    let settings: Vec<(String, String)> =
        session.control.query(sql, &[&patterns])?.iter().map(|row| (row.get(0), row.get(1))).collect();
    let as_shipped = |name: &str, value: &str| {
        changed && setting_table::find(name).is_some_and(|setting| setting.shipped && setting.default == value)
    };
    let settings: Vec<_> = settings.into_iter().filter(|(name, value)| !as_shipped(name, value)).collect();
    lines(&settings).iter().for_each(|line| say!("{line}"));
    Ok(1)
}

/// All settings, for programs.
pub fn json(session: &mut Session) -> Result<u8> {
    let sql =
        "select jsonb_pretty(coalesce(jsonb_object_agg(setting, value), '{}')) from bucardo.bucardo_config where name is null";
    say_text!("{}", of_server(session.control.query_one(sql, &[])?.get(0)));
    Ok(0)
}

/// Whether the word `all` is in `text`.
fn has_all(text: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "all")
}

fn lines(settings: &[(String, String)]) -> Vec<String> {
    let width = settings.iter().map(|(name, _)| name.len()).max().unwrap_or(0).max(3);
    settings.iter().map(|(name, value)| format!("{name:<width$} = {value}")).collect()
}

/// `set NAME=VALUE ...`.
pub fn set(session: &mut Session, nouns: &[String]) -> Result<u8> {
    let lower = session.dialect().settings_in_lower_case;
    let pairs = nouns.iter().map(|word| pair(word)).collect::<Option<Vec<_>>>().filter(|pairs| !pairs.is_empty());
    let pairs = pairs.map(|pairs| pairs.into_iter().map(|(name, value)| shaped(name, value, lower)).collect::<Vec<_>>());
    let Some(pairs) = pairs else {
        let usage = format!("Usage: {} set setting=value [setting=value ...]", session.prog);
        return Err(Error::new(Kind::Usage, usage).hint("`show all` shows the settings and their values"));
    };
    session.transaction(|session| {
        if session.dialect().newer {
            pairs.iter().filter(|(name, _)| is_newer(name)).try_for_each(|(name, _)| make(session, name))?;
        }
        pairs.iter().try_for_each(|(name, value)| store(&mut session.control, name, value))
    })?;
    pairs.iter().for_each(|(name, value)| say!("Set \"{name}\" to \"{value}\""));
    Ok(0)
}

/// The newer dialect keeps only the case of what names a file or goes into a mail.
fn shaped(name: String, value: &str, lower: bool) -> (String, String) {
    let keeps = ["dir", "file", "email", "url", "facility", "host_safety"].iter().any(|part| name.contains(part));
    let value = if lower && !keeps { value.to_lowercase() } else { value.to_owned() };
    (name, value)
}

fn pair(word: &str) -> Option<(String, &str)> {
    let (name, value) = word.split_once('=')?;
    let sane = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let name = name.to_lowercase();
    let may_be_empty = || setting_table::find(&name).is_some_and(|setting| setting.default.is_empty());
    (sane && (!value.is_empty() || may_be_empty())).then_some((name, value))
}

fn make(session: &mut Session, name: &str) -> Result<()> {
    let sql = "insert into bucardo.bucardo_config (setting, value) select $1, '' \
        where not exists (select from bucardo.bucardo_config where setting = $1 and name is null)";
    session.control.execute(sql, &[&name])?;
    Ok(())
}

/// Whether it is a setting that only the newer dialect has; such a one gets its row when it is set.
fn is_newer(name: &str) -> bool {
    setting_table::find(name).is_some_and(|setting| !setting.shipped)
}

/// Refuses a value that would not count. Settings without effect take anything: scripts set them.
fn check(name: &str, value: &str) -> Result<()> {
    let Some(setting) = setting_table::find(name).filter(|setting| !setting.takes.accepts(value)) else { return Ok(()) };
    let what = setting.takes.told();
    let hint = match setting.takes {
        Takes::OneOf(_) => format!("it is {what}"),
        _ if setting.unit.is_empty() => format!("it is {what}; the default is {}", setting.default),
        _ => format!("it is {what}, in {}; the default is {}", setting.unit, setting.default),
    };
    Err(refusal::refused(format!("Invalid value for '{name}'"), hint))
}

fn store(control: &mut Connection, name: &str, value: &str) -> Result<()> {
    check(name, value)?;
    let sql = "update bucardo.bucardo_config set value = $2 where setting = $1 and name is null";
    if control.execute(sql, &[&name, &value])? > 0 {
        return Ok(());
    }
    let rows = control.query("select setting from bucardo.bucardo_config where name is null order by 1", &[])?;
    let question = near::question(name, rows.iter().map(|row| row.get(0)));
    let hint = near::ahead(question, "`show all` shows the settings; nothing was changed");
    Err(refusal::missing(format!("Unknown setting \"{name}\""), hint))
}

/// `config`: `config show ...` and `config set ...` as documented; `config NAME=VALUE` as the
/// original did it.
pub fn config(session: &mut Session, nouns: &[String]) -> Result<u8> {
    let all = ["all".to_owned()];
    match nouns.split_first() {
        None => show(session, &all),
        Some((word, [])) if is_show(word) => show(session, &all),
        Some((word, rest)) if is_show(word) => show(session, rest),
        Some((word, rest)) if word.eq_ignore_ascii_case("set") => set(session, rest),
        Some(_) => set(session, nouns),
    }
}

fn is_show(word: &str) -> bool {
    word.eq_ignore_ascii_case("show") || word.eq_ignore_ascii_case("get")
}

/// `message TEXT ...`: a line for the daemon's log, brought there by way of a table.
pub fn message(session: &mut Session, nouns: &[String]) -> Result<u8> {
    if nouns.is_empty() && session.dialect().newer {
        return Ok(help::usage(session.personality, "message", &[]));
    }
    if nouns.is_empty() {
        let usage = "Usage: bucardo_ctl message \"Some message to send to the logs\"";
        return Err(Error::new(Kind::Usage, usage));
    }
    session.control.execute("insert into bucardo.bucardo_log_message (msg) values ($1)", &[&nouns.join(" ")])?;
    if let Some(absent) = presence::absent(session)? {
        warn_user!("Note: {absent}; the next one logs it");
    }
    if session.options.verbose > 0 {
        say!("{}", session.dialect().message_added);
    }
    Ok(0)
}

/// Usage text of `message`.
pub const MESSAGE: &[Topic] = &[help::only(
    "Usage: message \"Some message to send to the logs\"

  message \"the backup begins\"",
)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_padded_to_the_longest() {
        let settings = [("piddir".to_owned(), "/run".to_owned()), ("a".to_owned(), String::new())];
        assert_eq!(lines(&settings), ["piddir = /run", "a      = "]);
        assert_eq!(lines(&[("a".to_owned(), "1".to_owned())]), ["a   = 1"]);
    }

    #[test]
    fn all_counts_as_a_word_only() {
        assert!(has_all("all") && has_all("x,all") && !has_all("install") && !has_all("call_all"));
    }

    #[test]
    fn a_setting_is_in_lower_case_and_its_value_as_typed() {
        assert_eq!(pair("PidDir=/A=b"), Some(("piddir".to_owned(), "/A=b")));
        for word in ["piddir", "piddir=", "=x", "pid dir=x"] {
            assert_eq!(pair(word), None, "{word}");
        }
    }
}
