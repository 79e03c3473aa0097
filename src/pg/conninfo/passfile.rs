//! The password file: one password per line, after the host, port, database and user it is for
//! (PostgreSQL manual, 34.16).

use super::environment::Environment;
use super::hosts::SOCKET_DIRECTORIES;
use std::path::Path;

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The host, address or socket directory.
    pub host: &'a str,
    /// The port.
    pub port: u16,
    /// The database.
    pub dbname: &'a str,
    /// The role.
    pub user: &'a str,
}

/// Reads the file. One that others may read is not used, which a person should hear of: that is the
/// other half of the result.
pub fn read(path: &Path, env: &impl Environment) -> (Option<String>, Option<String>) {
    let Ok(mode) = env.mode(path) else { return (None, None) };
    if let Some(warning) = objection(mode, path) {
        return (None, Some(warning));
    }
    match env.read(path) {
        Ok(text) => (Some(text), None),
        Err(e) => (None, Some(format!("password file \"{}\" cannot be read: {e}", path.display()))),
    }
}

/// libpq's two reasons to leave a file alone, in its words.
fn objection(mode: u32, path: &Path) -> Option<String> {
    const TYPE: u32 = 0o170_000;
    const REGULAR: u32 = 0o100_000;
    let name = path.display();
    if mode & TYPE != REGULAR {
        return Some(format!("password file \"{name}\" is not a plain file"));
    }
    let open = mode & 0o077 != 0;
    open.then(|| format!("password file \"{name}\" has group or world access; permissions should be u=rw (0600) or less"))
}

/// The password of the first line that fits.
pub fn find(text: &str, wanted: Wanted) -> Option<String> {
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| password_of(line, wanted))
}

fn password_of(line: &str, wanted: Wanted) -> Option<String> {
    let mut rest = line.strip_suffix('\r').unwrap_or(line);
    let mut field = || {
        let (field, after) = cut(rest)?;
        rest = after;
        Some(field)
    };
    let (host, port, dbname, user) = (field()?, field()?, field()?, field()?);
    let fits = names(wanted.host).iter().any(|name| fits(host, name))
        && fits(port, &wanted.port.to_string())
        && fits(dbname, wanted.dbname)
        && fits(user, wanted.user);
    fits.then(|| plain(cut(rest).map_or(rest, |(password, _)| password)))
}

/// What a line may call a host: `localhost` is also where a server's socket usually is.
fn names(host: &str) -> Vec<&str> {
    if SOCKET_DIRECTORIES.contains(&host) { vec![host, "localhost"] } else { vec![host] }
}

/// Cuts at the first colon that no backslash precedes.
fn cut(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    let colon = text.char_indices().find(|(_, c)| {
        let found = *c == ':' && !escaped;
        escaped = *c == '\\' && !escaped;
        found
    });
    colon.map(|(at, _)| (&text[..at], &text[at + 1..]))
}

fn fits(field: &str, value: &str) -> bool {
    field == "*" || plain(field) == value
}

/// Without the backslashes that take the next character literally.
fn plain(field: &str) -> String {
    let mut rest = field.chars();
    std::iter::from_fn(|| rest.next().map(|c| if c == '\\' { rest.next().unwrap_or(c) } else { c })).collect()
}

#[cfg(test)]
mod tests {
    use super::super::environment::fake::Fake;
    use super::*;

    #[test]
    fn the_first_line_that_fits_has_the_password() {
        for (file, password) in [
            ("h:5432:d:u:secret", Some("secret")),
            ("h:5432:d:u:secret\r\n", Some("secret")),
            ("*:*:*:*:any", Some("any")),
            ("x:*:*:*:no\nh:*:*:*:yes\n*:*:*:*:late", Some("yes")),
            ("#h:5432:d:u:no\n\nh:5432:d:u:yes", Some("yes")),
            ("h:5433:d:u:no", None),
            ("h:5432:e:u:no", None),
            ("h:5432:d:v:no", None),
            ("H:5432:d:u:no", None),
            (r"\*:*:*:*:no", None),
            (r"h:*:*:*:a\:b\\c", Some(r"a:b\c")),
            ("h:*:*:*:a:b", Some("a")),
            (r"h:*:*:*:end\", Some(r"end\")),
            ("h:*:*:*:", Some("")),
            ("h:*:*:*", None),
            ("", None),
        ] {
            let wanted = Wanted { host: "h", port: 5432, dbname: "d", user: "u" };
            assert_eq!(find(file, wanted).as_deref(), password, "{file}");
        }
        let odd = Wanted { host: "::1", port: 1, dbname: r"a:b\c", user: "*" };
        assert_eq!(find(r"\:\:1:1:a\:b\\c:\*:x", odd).as_deref(), Some("x"));
    }

    #[test]
    fn a_file_that_others_may_read_is_left_alone_with_a_warning() {
        let files = [("/open", (0o100_640, "x")), ("/mine", (0o100_600, "x")), ("/dir", (0o040_700, ""))].into_iter().collect();
        let env = Fake { files, ..Fake::default() };
        assert_eq!(read(Path::new("/mine"), &env), (Some("x".to_owned()), None));
        assert_eq!(read(Path::new("/none"), &env), (None, None));
        for (path, words) in [("/open", "has group or world access"), ("/dir", "is not a plain file")] {
            let (text, warning) = read(Path::new(path), &env);
            assert!(text.is_none() && warning.is_some_and(|warning| warning.contains(words)));
        }
    }
}
