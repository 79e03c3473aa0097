//! One fresh data directory per server version, made by `initdb` once and copied for each test:
//! copying is some ten times faster. It stays in `target/`, where `cargo clean` finds it.

use super::{folder::Folder, server};
use nix::fcntl::{Flock, FlockArg};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// What every test server has beyond the defaults. `fsync` off does not endanger a test that kills
/// the server: the kernel lives on and keeps what was written.
const SETTINGS: &str = "
# for tests
fsync = off
full_page_writes = off
max_wal_size = 1GB
listen_addresses = '127.0.0.1'
log_line_prefix = '%m [%p] %a: '
";

/// Puts a copy of the template for the server in `bin` at `data`, owned by the server's user.
pub fn copy_to(bin: &Path, data: &Path) {
    copy(&template(bin), data);
}

fn template(bin: &Path) -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let name: String = server::version(bin).chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let template = place.join(format!("template_{name}"));
    fs::create_dir_all(place).unwrap();
    let lock = File::create(place.join(format!("template_{name}.lock"))).unwrap();
    let _held = Flock::lock(lock, FlockArg::LockExclusive).map_err(|(_, e)| e).unwrap();
    if !template.exists() {
        make(bin, &template);
    }
    template
}

/// Made where the server's user may write, moved in one step so that nobody sees half of it.
fn make(bin: &Path, template: &Path) {
    let folder = Folder::new("bct-t");
    server::give(folder.path());
    let fresh = folder.path().join("fresh");
    initdb(bin, &fresh);
    fs::write(fresh.join("postgresql.conf"), fs::read_to_string(fresh.join("postgresql.conf")).unwrap() + SETTINGS).unwrap();
    let partial = template.with_extension("partial");
    let _ = fs::remove_dir_all(&partial);
    copy(&fresh, &partial);
    fs::rename(partial, template).unwrap();
}

/// A data directory that is no copy of any other.
pub fn initdb(bin: &Path, data: &Path) {
    let mut initdb = server::program(bin, "initdb");
    initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N", "-D"]).arg(data).current_dir("/");
    let done = initdb.output().unwrap();
    assert!(done.status.success(), "initdb failed: {}", String::from_utf8_lossy(&done.stderr));
}

/// Copies a folder with all that is in it; the server's user owns the copy.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
    server::give(to);
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
            server::give(&target);
        }
    }
}
