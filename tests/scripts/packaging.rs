//! What packages bring along: the service of systemd, the init script, and where everything is put.

use crate::daemon::world::World;
use crate::harness::wait_until;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn packaging(name: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join("packaging").join(name)).unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn everything_is_put_where_a_system_has_it() {
    let root = tempfile::tempdir().unwrap();
    let mut install = Command::new(Path::new(ROOT).join("packaging/install"));
    done(&install.arg(root.path()).arg(env!("CARGO_BIN_EXE_bucardo_ctl")).output().unwrap());
    let at = |path: &str| root.path().join(path);
    for path in ["lib/systemd/system/bucardo.service", "etc/logrotate.d/bucardo", "usr/share/man/man1/bucardo.1.gz"] {
        assert!(fs::metadata(at(path)).unwrap().len() > 0, "{path}");
    }
    for (name, version) in [("bucardo_ctl", "bucardo_ctl version 4.5.0\n"), ("bucardo", "bucardo version 5.6.0\n")] {
        let said = done(&Command::new(at("usr/bin").join(name)).arg("--version").output().unwrap());
        assert!(said.ends_with(version), "{said}");
    }
    let bash =
        format!("source {}; complete -p bucardo_ctl bucardo", at("usr/share/bash-completion/completions/bucardo").display());
    assert_eq!(done(&Command::new("bash").args(["-c", &bash]).output().unwrap()).lines().count(), 2);
    for script in ["etc/init.d/bucardo", "usr/share/bucardo/check_bucardo_sync"] {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(at(script)).unwrap().permissions().mode() & 0o111, 0o111, "{script}");
    }
}

#[test]
fn the_packages_version_is_the_programs_and_its_shell_is_shell() {
    let version = format!("bucardo-ctl ({}) ", env!("CARGO_PKG_VERSION"));
    assert!(packaging("debian/changelog").starts_with(&version));
    let control = packaging("debian/control");
    for field in ["Source: bucardo-ctl", "Package: bucardo-ctl", "Architecture: any", "Conflicts: bucardo"] {
        assert!(control.lines().any(|line| line == field), "{field}");
    }
    for script in ["install", "bucardo.init", "debian/postinst", "debian/postrm"] {
        done(&Command::new("sh").arg("-n").arg(Path::new(ROOT).join("packaging").join(script)).output().unwrap());
    }
    let rotate = packaging("bucardo.logrotate");
    let script = rotate.split("postrotate").nth(1).and_then(|rest| rest.split("endscript").next()).unwrap();
    done(&Command::new("sh").args(["-c", &script.replace("/var/run/bucardo", "/does/not/exist")]).output().unwrap());
}

/// What `name=` is in the unit.
fn of_unit(name: &str) -> String {
    let unit = packaging("bucardo.service");
    unit.lines().find_map(|line| line.strip_prefix(&format!("{name}="))).unwrap().to_owned()
}

#[test]
fn the_unit_is_one_that_systemd_takes() {
    let unit = packaging("bucardo.service");
    let sections: Vec<&str> = unit.lines().filter(|line| line.starts_with('[')).collect();
    assert_eq!(sections, ["[Unit]", "[Service]", "[Install]"]);
    if Path::new("/usr/bin/systemd-analyze").exists() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bucardo.service");
        fs::write(&file, unit.replace("/usr/bin/bucardo_ctl", env!("CARGO_BIN_EXE_bucardo_ctl"))).unwrap();
        let verdict = Command::new("systemd-analyze").args(["--man=no", "verify"]).arg(file).output().unwrap();
        assert_eq!(done(&verdict) + &text(&verdict.stderr), "");
    }
}

#[test]
fn what_systemd_runs_stays_logs_to_it_reloads_and_ends_when_told() {
    let world = World::new();
    let commands = &world.installed;
    let line = of_unit("ExecStart").replace("/etc/bucardorc", &commands.home().join(".bucardorc").display().to_string());
    let words: Vec<&str> = line.split('"').next().unwrap().split_whitespace().collect();
    assert_eq!(words[0], "/usr/bin/bucardo_ctl");
    let mut daemon = commands.call("bucardo_ctl", &words[1..]).start();
    let pid = wait_until("the daemon runs", Duration::from_secs(30), || world.pid_now("mcp"));
    assert_eq!(u32::try_from(pid).ok(), Some(daemon.child.id()), "it is the process that was started");
    wait_until("it answers", Duration::from_secs(30), || (commands.ctl(&["ping", "5"]).code() == 0).then_some(()));
    assert!(daemon.stderr().contains("MCP Starting Bucardo version"), "{}", daemon.stderr());
    world.says("add sync s source=h targetdb=B type=pushdelta");
    kill(Pid::from_raw(pid), Signal::SIGHUP).unwrap();
    wait_until("the new sync runs", Duration::from_secs(30), || world.pid_now("ctl.sync.s"));
    kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
    let status = wait_until("it has ended", Duration::from_secs(20), || daemon.child.try_wait().unwrap());
    assert_eq!(status.code(), Some(0), "{}", daemon.stderr());
    assert!(commands.log().is_empty());
}

#[test]
fn the_init_script_starts_once_reloads_kicks_and_stops() {
    let world = World::new();
    world.says("add sync s source=h targetdb=B type=pushdelta");
    let commands = &world.installed;
    let defaults = commands.home().join("defaults");
    let (program, rc) = (commands.dir().join("bin/bucardo_ctl"), commands.home().join(".bucardorc"));
    let (run, log) = (commands.piddir(), commands.logdir());
    let settings = format!(
        "PROGRAM={}\nRUNAS=$(id -un)\nPIDDIR={}\nLOGDIR={}\nFLAGS='--bucardorc {}'\n",
        program.display(),
        run.display(),
        log.display(),
        rc.display()
    );
    fs::write(&defaults, settings).unwrap();
    let script = |words: &str| {
        let mut init = Command::new(Path::new(ROOT).join("packaging/bucardo.init"));
        init.args(words.split(' ')).env_clear().env("PATH", "/usr/sbin:/usr/bin:/bin").env("BUCARDO_DEFAULTS", &defaults);
        let log = fs::File::create(commands.home().join("init.out")).unwrap(); // the daemon would hold a pipe open
        let status = init.env("BUCARDO_TEST_HOME", commands.dir()).stdout(log.try_clone().unwrap()).stderr(log).status().unwrap();
        (status.code().unwrap(), fs::read_to_string(commands.home().join("init.out")).unwrap())
    };
    assert_eq!(script("status"), (3, "bucardo does not run\n".to_owned()));
    assert_eq!(script("start").0, 0);
    let pid = wait_until("the daemon runs", Duration::from_secs(30), || world.pid_now("mcp"));
    assert_eq!(script("start"), (0, "bucardo runs already\n".to_owned()));
    assert_eq!(script("status"), (0, format!("bucardo runs, PID {pid}\n")));
    assert_eq!(script("kick s").0, 0);
    assert_eq!(script("kick").0, 1);
    assert_eq!(script("reload").0, 0);
    assert!(script("status s").1.contains("Sync name:            s"));
    assert_eq!(script("restart").0, 0);
    let second = wait_until("the next daemon runs", Duration::from_secs(30), || world.pid_now("mcp"));
    assert_ne!(second, pid);
    assert_eq!(script("stop").0, 0);
    assert_eq!(world.pid_now("mcp"), None);
    assert_eq!(script("stop").0, 0);
    assert_eq!(script("nosuch").0, 2);
}
