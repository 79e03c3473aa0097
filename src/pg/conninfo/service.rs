//! The connection service file: settings under a name (PostgreSQL manual, 34.17).

use super::environment::Environment;
use super::keys::{self, Settings};
use crate::error::{Error, Kind, Result};
use std::path::{Path, PathBuf};

/// Where libpq was built to look when `PGSYSCONFDIR` does not say: Debian, Red Hat's packages of
/// postgresql.org, from source.
const SYSTEM: [&str; 3] = ["/etc/postgresql-common", "/etc/sysconfig/pgsql", "/usr/local/pgsql/etc"];

/// The settings of a service: the user's file first, then the system's.
pub fn load(name: &str, env: &impl Environment) -> Result<Settings> {
    for path in files(env) {
        let unreadable = |e| Error::new(Kind::File, format!("cannot read service file \"{}\"", path.display())).caused_by(e);
        if let Some(settings) = find(name, &env.read(&path).map_err(unreadable)?, &path)? {
            return Ok(settings);
        }
    }
    let hint = "services are defined in ~/.pg_service.conf, or in the file that PGSERVICEFILE names";
    Err(Error::new(Kind::NotFound, format!("definition of service \"{name}\" not found")).hint(hint))
}

/// A file that was named must be there; the others may be.
fn files(env: &impl Environment) -> Vec<PathBuf> {
    let variable = |name| env.variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let existing = |path: &PathBuf| env.exists(path);
    let of_user = || env.home().map(|home| home.join(".pg_service.conf")).filter(existing);
    let of_system = || SYSTEM.iter().map(|dir| Path::new(dir).join("pg_service.conf")).find(existing);
    let first = variable("PGSERVICEFILE").or_else(of_user);
    let second = match variable("PGSYSCONFDIR") {
        Some(dir) => Some(dir.join("pg_service.conf")).filter(existing),
        None => of_system(),
    };
    first.into_iter().chain(second).collect()
}

/// The settings of the section `[name]`; the first one of the name counts.
fn find(name: &str, text: &str, path: &Path) -> Result<Option<Settings>> {
    let header = format!("[{name}]");
    let lines = text.lines().map(str::trim).enumerate();
    let mut section =
        lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).skip_while(|(_, line)| *line != header);
    if section.next().is_none() {
        return Ok(None);
    }
    let mut settings = Settings::default();
    for (number, line) in section.take_while(|(_, line)| !line.starts_with('[')) {
        pair(line, &mut settings).map_err(|e| e.context(format!("service file \"{}\", line {}", path.display(), number + 1)))?;
    }
    Ok(Some(settings))
}

/// Here, too, the first value counts. A line that is no pair may hold a password and is not
/// repeated.
fn pair(line: &str, settings: &mut Settings) -> Result<()> {
    let Some((key, value)) = line.split_once('=') else {
        return Err(Error::new(Kind::Refused, "not a key=value pair"));
    };
    if key == "service" {
        return Err(Error::new(Kind::Refused, "a service cannot refer to another one"));
    }
    let mut one = Settings::default();
    if !one.set(key, value) {
        return Err(keys::unknown(key));
    }
    *settings = std::mem::take(settings).or(one);
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::super::environment::fake::Fake;
    use super::*;

    const FILE: &str = "# comment\n[one]\nhost=a\n port=1 \n\n[two]\nhost=b\nhost=c\npassword=p=q r\n[one]\nhost=z\n";

    fn at(path: &str) -> Result<Option<Settings>> {
        find(path, FILE, Path::new("/f"))
    }

    #[test]
    fn a_section_ends_where_the_next_begins_and_the_first_of_a_name_counts() {
        let one = at("one").unwrap().unwrap();
        assert_eq!((one.get("host"), one.get("port"), one.get("password")), (Some("a"), Some("1"), None));
        let two = at("two").unwrap().unwrap();
        assert_eq!((two.get("host"), two.get("password")), (Some("b"), Some("p=q r")));
        assert!(at("three").unwrap().is_none());
    }

    #[test]
    fn a_mistake_is_told_with_file_and_line() {
        for (text, words) in [
            ("[s]\nhost=a\nhunter2", "line 3: not a key=value pair"),
            ("[s]\nhots=a", "line 2: \"hots\" is not a connection option"),
            ("[s]\nservice=t", "line 2: a service cannot refer to another one"),
        ] {
            let error = find("s", text, Path::new("/f")).err().unwrap();
            assert_eq!(error.to_string(), format!("service file \"/f\", {words}"));
        }
    }

    #[test]
    fn the_user_s_file_comes_before_the_system_s() {
        let home = ("/home/osuser/.pg_service.conf", (0, "[s]\nhost=home"));
        let debian = ("/etc/postgresql-common/pg_service.conf", (0, "[s]\nhost=debian\n[t]\nhost=debian"));
        let named = ("/named", (0, "[s]\nhost=named"));
        let own = ("/own/pg_service.conf", (0, "[t]\nhost=own"));
        let files = [home, debian, named, own].into_iter().collect();
        let mut env = Fake { files, ..Fake::default() };
        let host = |name: &str, env: &Fake| load(name, env).map(|found| found.get("host").unwrap().to_owned());
        assert_eq!((host("s", &env).unwrap(), host("t", &env).unwrap()), ("home".into(), "debian".into()));
        env.variables = [("PGSERVICEFILE", "/named"), ("PGSYSCONFDIR", "/own")].into_iter().collect();
        assert_eq!((host("s", &env).unwrap(), host("t", &env).unwrap()), ("named".into(), "own".into()));
        assert_eq!(host("u", &env).err().unwrap().kind(), Kind::NotFound);
        env.variables.insert("PGSERVICEFILE", "/missing");
        assert_eq!(host("t", &env).err().unwrap().kind(), Kind::File);
    }
}
