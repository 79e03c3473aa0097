//! The rc file: options kept in a file, one `name = value` per line (reference, 1.4). Exactly one file is read.

use crate::cli::files::could_not;
use crate::cli::prog::Personality;
use crate::error::{Error, Kind, Result};
use crate::warn_user;
use std::path::{Path, PathBuf};

/// The file to read: the one named on the command line, else the first of the usual three that exists.
pub fn choose(named: Option<&str>, home: Option<&str>) -> Result<Option<PathBuf>> {
    if let Some(file) = named {
        return if Path::new(file).exists() { Ok(Some(file.into())) } else { Err(missing(file)) };
    }
    let home = home.map(|home| Path::new(home).join(".bucardorc"));
    let usual = [Some(".bucardorc".into()), home, Some("/etc/bucardorc".into())];
    Ok(usual.into_iter().flatten().find(|file: &PathBuf| file.exists()))
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
    let settings: Vec<_> = text.lines().map(|line| setting(line, personality)).collect();
    if personality == Personality::Bucardo5 {
        let lines = text.lines().zip(&settings).enumerate().filter(|(_, (line, setting))| setting.is_none() && !is_comment(line));
        lines.for_each(|(at, _)| warn_user!("Could not parse line {} of file \"{}\"", at + 1, file.display()));
    }
    Ok(settings.into_iter().flatten().collect())
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
