//! The rc file: options kept in a file, one `name = value` per line (reference, 1.4). Exactly one
//! file is read.

use crate::cli::files::could_not;
use crate::cli::prog::Personality;
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::plain;
use crate::warn_user;
use std::path::{Path, PathBuf};

/// The file to read: the one named on the command line, else the first of the usual three that
/// exists.
pub fn choose(named: Option<&str>, home: Option<&str>) -> Result<Option<PathBuf>> {
    if let Some(file) = named {
        return if Path::new(file).exists() { Ok(Some(file.into())) } else { Err(missing(file)) };
    }
    let home = home.map(|home| Path::new(home).join(".bucardorc"));
    let usual = [Some(".bucardorc".into()), home, Some("/etc/bucardorc".into())];
    Ok(usual.into_iter().flatten().find(|file: &PathBuf| file.exists() && is_ours(file)))
}

/// Whether a file that was not asked for counts: in the working directory, another user may have
/// made it for us. One that does not is named.
fn is_ours(file: &Path) -> bool {
    // What cannot be looked at cannot be read either, and that is said then.
    let Ok(metadata) = std::fs::metadata(file) else { return true };
    let why = if !files::is_trusted(&metadata) {
        format!("belongs to another user ({})", files::owner(&metadata))
    } else if files::may_others_write(&metadata) {
        "may be written by other users".to_owned()
    } else if !metadata.is_file() {
        "is no ordinary file".to_owned()
    } else {
        return true;
    };
    warn_user!("Note: file \"{}\" {why} and is not read", plain::line(&file.display().to_string()));
    false
}

fn missing(file: &str) -> Error {
    Error::new(Kind::File, format!("Could not find the file \"{file}\""))
        .hint("give an existing file to --bucardorc, or --no-bucardorc to read none")
        .exit_code(2)
}

/// Reads a file: the settings in their order, names as written.
pub fn read(file: &Path, personality: Personality) -> Result<Vec<(String, String)>> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| could_not("open", file, &error).hint("make it readable, or give --no-bucardorc to read none"))?;
    let (settings, unclear) = parse(&text, personality);
    for line in unclear.iter().filter(|_| personality == Personality::Bucardo5) {
        warn_user!("Could not parse line {line} of file \"{}\"", file.display());
    }
    Ok(settings)
}

/// The settings in a text, and the numbers of the lines that are neither a setting nor a comment.
pub fn parse(text: &str, personality: Personality) -> (Vec<(String, String)>, Vec<usize>) {
    let (mut settings, mut unclear) = (Vec::new(), Vec::new());
    for (at, line) in text.lines().enumerate() {
        match setting(line, personality) {
            Some(setting) => settings.push(setting),
            None if is_comment(line) => {}
            None => unclear.push(at + 1),
        }
    }
    (settings, unclear)
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

/// One line; a comment or anything that is not `name = value` is none.
fn setting(line: &str, personality: Personality) -> Option<(String, String)> {
    let newer = personality == Personality::Bucardo5;
    let (name, value) = line.split_once(|c| c == '=' || (newer && c == ':'))?;
    let (name, value) = (name.trim(), value.trim());
    let sane = |c: char| c.is_ascii_alphanumeric() || c == '_' || (newer && c == '-');
    (!name.is_empty() && name.chars().all(sane) && !value.is_empty()).then(|| (name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn a_line_is_name_equals_value_and_anything_else_is_ignored() {
        let setting = |line| setting(line, Personality::BucardoCtl4);
        let pair = |name: &str, value: &str| Some((name.to_owned(), value.to_owned()));
        assert_eq!(setting("  dbport = 5400  "), pair("dbport", "5400"));
        assert_eq!(setting("dbpass=a=b \"c\""), pair("dbpass", "a=b \"c\""));
        for line in ["# dbport=1", "", "dbport", "help=", "exclude-schema=x", "a b=c", "dbhost: h"] {
            assert_eq!(setting(line), None, "{line}");
        }
    }

    #[test]
    fn the_newer_dialect_takes_colons_and_dashes_too() {
        let pair = super::setting("db-host: h", Personality::Bucardo5);
        assert_eq!(pair, Some(("db-host".to_owned(), "h".to_owned())));
    }

    #[test]
    fn a_named_file_must_exist_and_its_absence_is_exit_code_two() {
        let error = choose(Some("/nonexistent/rc"), None).unwrap_err();
        assert_eq!((error.message(), error.code()), ("Could not find the file \"/nonexistent/rc\"", 2));
    }
}
