//! What a connection may depend on beside what was said: variables, the user, the user's home,
//! files. Behind a trait, so that the rules of [`super::resolve`] are tested without a machine to
//! fit.

use nix::unistd::{Uid, User, geteuid};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The surroundings of a process.
pub trait Environment {
    /// An environment variable; `None` also for one that is not UTF-8.
    fn variable(&self, name: &str) -> Option<String>;
    /// The name of the user we run as.
    fn user(&self) -> Option<String>;
    /// The user's home.
    fn home(&self) -> Option<PathBuf>;
    /// Whether a path leads to something.
    fn exists(&self, path: &Path) -> bool;
    /// The type and permissions of a file (`st_mode`).
    fn mode(&self, path: &Path) -> io::Result<u32>;
    /// A text file.
    fn read(&self, path: &Path) -> io::Result<String>;
}

/// The surroundings of this process.
#[derive(Debug, Clone, Copy)]
pub struct Process;

impl Environment for Process {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn user(&self) -> Option<String> {
        entry(geteuid()).map(|user| user.name)
    }

    fn home(&self) -> Option<PathBuf> {
        let named = std::env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        named.or_else(|| entry(geteuid()).map(|user| user.dir))
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn mode(&self, path: &Path) -> io::Result<u32> {
        Ok(path.metadata()?.mode())
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        Ok(String::from_utf8_lossy(&std::fs::read(path)?).into_owned())
    }
}

fn entry(uid: Uid) -> Option<User> {
    User::from_uid(uid).ok().flatten()
}

#[cfg(test)]
pub(super) mod fake {
    use super::*;
    use std::collections::HashMap;

    /// A machine made of two tables.
    #[derive(Default)]
    pub struct Fake {
        pub variables: HashMap<&'static str, &'static str>,
        pub files: HashMap<&'static str, (u32, &'static str)>,
    }

    impl Fake {
        pub fn file(&self, path: &Path) -> io::Result<(u32, &'static str)> {
            path.to_str().and_then(|path| self.files.get(path).copied()).ok_or(io::ErrorKind::NotFound.into())
        }
    }

    impl Environment for Fake {
        fn variable(&self, name: &str) -> Option<String> {
            self.variables.get(name).map(|value| (*value).to_owned())
        }
        fn user(&self) -> Option<String> {
            Some("osuser".to_owned())
        }
        fn home(&self) -> Option<PathBuf> {
            Some("/home/osuser".into())
        }
        fn exists(&self, path: &Path) -> bool {
            self.file(path).is_ok()
        }
        fn mode(&self, path: &Path) -> io::Result<u32> {
            Ok(self.file(path)?.0)
        }
        fn read(&self, path: &Path) -> io::Result<String> {
            Ok(self.file(path)?.1.to_owned())
        }
    }
}
