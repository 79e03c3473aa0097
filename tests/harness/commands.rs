//! Running our commands as a user does: by name, in a home of their own.

use super::folder::{Folder, MARK};
use super::wait_until;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{FileExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// A folder with `bin` (our program under both its names, first on PATH), `home` (HOME and working
/// directory), `run` (for pid files) and `log`. Every process started here, and its descendants,
/// are dead when this is dropped.
pub struct Commands {
    folder: Folder,
}

impl Commands {
    /// A new home.
    pub fn new() -> Commands {
        let folder = Folder::new("bcc");
        for name in ["bin", "home", "run", "log"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        for name in ["bucardo_ctl", "bucardo"] {
            symlink(env!("CARGO_BIN_EXE_bucardo_ctl"), folder.path().join("bin").join(name)).unwrap();
        }
        // Found before /etc/bucardorc, which comes with the Perl program's package.
        fs::write(folder.path().join("home/.bucardorc"), "").unwrap();
        Commands { folder }
    }

    /// Runs `bucardo_ctl` with these arguments and waits for its end.
    pub fn ctl(&self, args: &[&str]) -> Outcome {
        self.call("bucardo_ctl", args).run()
    }

    /// Runs the program as `bucardo`, which speaks the 5.6 dialect.
    pub fn bucardo(&self, args: &[&str]) -> Outcome {
        self.call("bucardo", args).run()
    }

    /// A call to be shaped (environment, input, time limit) before it is run.
    pub fn call(&self, program: &str, args: &[&str]) -> Call {
        let bin = self.folder.path().join("bin");
        let mut command = Command::new(bin.join(program));
        command.args(args).current_dir(self.home()).env_clear().env("HOME", self.home()).env(MARK, self.folder.path());
        command.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display())).env("RUST_BACKTRACE", "1");
        Call { command, stdin: None, talks: false, timeout: Duration::from_secs(60) }
    }

    /// HOME and working directory of the calls.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// For pid files and the stop file.
    pub fn piddir(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    /// For the daemon's log.
    pub fn logdir(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The folder of all these.
    pub fn dir(&self) -> &Path {
        self.folder.path()
    }
}

/// A call that is not yet running.
pub struct Call {
    command: Command,
    stdin: Option<String>,
    talks: bool,
    timeout: Duration,
}

impl Call {
    /// Sets a variable.
    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Call {
        self.command.env(name, value);
        self
    }

    /// Runs it in this directory.
    pub fn dir(mut self, directory: impl AsRef<Path>) -> Call {
        self.command.current_dir(directory);
        self
    }

    /// Pipes `text` (less than 64 kB) to it, then the end of input. Without this, input ends at
    /// once.
    pub fn stdin(mut self, text: &str) -> Call {
        self.stdin = Some(text.to_owned());
        self
    }

    /// Leaves standard input open, for answers to be written to [`Running::child`].
    pub fn talking(mut self) -> Call {
        self.talks = true;
        self
    }

    /// How long it may take (default 60 s).
    pub fn timeout(mut self, limit: Duration) -> Call {
        self.timeout = limit;
        self
    }

    /// Runs it to its end.
    pub fn run(self) -> Outcome {
        self.start().wait()
    }

    /// Starts it. Output goes to files, not pipes: a daemon that outlives the call would hold a
    /// pipe open.
    pub fn start(mut self) -> Running {
        let (stdout, stderr) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        self.command.stdout(stdout.try_clone().unwrap()).stderr(stderr.try_clone().unwrap());
        self.command.stdin(if self.stdin.is_some() || self.talks { Stdio::piped() } else { Stdio::null() });
        let mut child = self.command.spawn().unwrap();
        if let Some(text) = &self.stdin {
            let _ = child.stdin.take().unwrap().write_all(text.as_bytes()); // it may have ended without reading
        }
        Running { name: format!("{:?}", self.command), child, stdout, stderr, timeout: self.timeout }
    }
}

/// A call that is running.
pub struct Running {
    name: String,
    /// The process, for signals.
    pub child: Child,
    stdout: File,
    stderr: File,
    timeout: Duration,
}

impl Running {
    /// Waits for its end; one that takes too long is killed and fails the test, showing what it
    /// printed.
    pub fn wait(mut self) -> Outcome {
        let what = format!("{} has ended; so far:\n{}{}", self.name, self.stdout(), self.stderr());
        let status = wait_until(&what, self.timeout, || self.child.try_wait().unwrap());
        Outcome { name: self.name.clone(), status, stdout: self.stdout(), stderr: self.stderr() }
    }

    /// What it has printed so far.
    pub fn stdout(&self) -> String {
        text(&self.stdout)
    }

    /// What it has complained about so far.
    pub fn stderr(&self) -> String {
        text(&self.stderr)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Reads at an offset of its own: the process shares the file's position.
fn text(file: &File) -> String {
    let mut bytes = vec![0; usize::try_from(file.metadata().unwrap().len()).unwrap()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A call that has ended.
pub struct Outcome {
    name: String,
    status: ExitStatus,
    /// All it printed.
    pub stdout: String,
    /// All it complained about.
    pub stderr: String,
}

impl Outcome {
    /// The exit code; a death by signal fails the test.
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("{} died ({}):\n{}{}", self.name, self.status, self.stdout, self.stderr))
    }

    /// Demands the exit code 0; gives what was printed.
    pub fn ok(self) -> String {
        self.ended_with(0).stdout
    }

    /// Demands an exit code.
    pub fn ended_with(self, code: i32) -> Outcome {
        assert_eq!(self.code(), code, "exit code of {}:\n{}{}", self.name, self.stdout, self.stderr);
        self
    }
}
