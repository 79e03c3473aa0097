//! A password that is never typed: made, told to the server as a verifier, kept in the
//! password file.

use crate::error::{Error, Kind, Result};
use crate::pg::{ConnInfo, Secret};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// 32 hexadecimal digits of the system's randomness.
pub fn random() -> Result<Secret> {
    let mut bytes = [0; 16];
    let read = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    read.map_err(|e| Error::new(Kind::File, "cannot read /dev/urandom").caused_by(e))?;
    Ok(Secret::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
}

/// What the server stores (SCRAM-SHA-256): it proves a password without telling it.
pub fn verifier(secret: &Secret) -> String {
    postgres_protocol::password::scram_sha_256(secret.reveal().as_bytes())
}

/// Appends the password to `PGPASSFILE`, or to `~/.pgpass`.
pub fn keep(host: &str, info: &ConnInfo, secret: &Secret) -> Result<()> {
    let path = passfile(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let path = path.ok_or_else(|| Error::new(Kind::File, "no place for the password file: HOME is not set"))?;
    let line = line(&[host, &info.port.to_string(), &info.dbname, &info.user, secret.reveal()]);
    append(&path, &line).map_err(|e| Error::new(Kind::File, format!("cannot write {}", path.display())).caused_by(e))
}

fn passfile(environment: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let named = environment("PGPASSFILE").map(PathBuf::from);
    named.or_else(|| Some(Path::new(&environment("HOME")?).join(".pgpass")))
}

fn line(fields: &[&str]) -> String {
    let escaped = fields.iter().map(|field| field.replace('\\', "\\\\").replace(':', "\\:"));
    escaped.collect::<Vec<_>>().join(":") + "\n"
}

/// For the owner's eyes only; a last line without end gets one first.
fn append(path: &Path, line: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    let mut last = [b'\n'];
    if file.metadata()?.len() > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    let separator = if last == [b'\n'] { "" } else { "\n" };
    file.write_all(format!("{separator}{line}").as_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_line_is_appended_for_the_owner_alone_with_colons_escaped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".pgpass");
        append(&path, &line(&["::1", "5432", "d", "u", r"a\b"])).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&path, "x:*:*:*:y").unwrap();
        append(&path, &line(&["::1", "5432", "d", "u", r"a\b"])).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "x:*:*:*:y\n\\:\\:1:5432:d:u:a\\\\b\n");
    }

    #[test]
    fn a_random_password_is_long_and_new_each_time() {
        let (one, two) = (random().unwrap(), random().unwrap());
        assert!(one.reveal().len() == 32 && one != two);
        assert!(verifier(&one).starts_with("SCRAM-SHA-256$4096:"));
    }
}
