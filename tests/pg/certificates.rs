//! Certificates made on the spot by the `openssl` command.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A folder of certificates: `NAME.crt` and `NAME.key`.
pub struct Certificates {
    folder: TempDir,
}

impl Certificates {
    /// Has two authorities, `ca` and `stranger`.
    pub fn new() -> Certificates {
        let made = Certificates { folder: tempfile::tempdir().unwrap() };
        for authority in ["ca", "stranger"] {
            made.openssl(&format!("req -x509 {KEY} -keyout {authority}.key -out {authority}.crt -subj /CN={authority} -days 2"));
        }
        made
    }

    /// Makes `name`, signed by `authority`, for the host or role `common_name`, valid for some days
    /// (-1: expired).
    pub fn issue(&self, name: &str, authority: &str, common_name: &str, days: i32) {
        fs::write(self.path("ext"), format!("subjectAltName = DNS:{common_name}\n")).unwrap();
        self.openssl(&format!("req {KEY} -keyout {name}.key -out {name}.csr -subj /CN={common_name}"));
        let signer = format!("-CA {authority}.crt -CAkey {authority}.key -CAcreateserial");
        self.openssl(&format!("x509 -req -in {name}.csr {signer} -out {name}.crt -days {days} -extfile ext"));
        fs::set_permissions(self.path(&format!("{name}.key")), Permissions::from_mode(0o600)).unwrap();
    }

    /// Writes the revocation list of `ca` as `file`, with this certificate on it.
    pub fn revoke(&self, name: &str, file: &str) {
        let settings = "[ca]\ndefault_ca=ca1\n[ca1]\ndatabase=index\ndefault_md=sha256\ndefault_crl_days=2\n";
        fs::write(self.path("ca.conf"), settings).unwrap();
        fs::write(self.path("index"), "").unwrap();
        let ca = "ca -config ca.conf -cert ca.crt -keyfile ca.key";
        self.openssl(&format!("{ca} -revoke {name}.crt"));
        self.openssl(&format!("{ca} -gencrl -out {file}"));
    }

    /// Runs `openssl` in the folder.
    pub fn openssl(&self, arguments: &str) {
        let mut openssl = Command::new("openssl");
        let done = openssl.args(arguments.split_whitespace()).current_dir(self.folder.path()).output().unwrap();
        assert!(done.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// A file in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Copies a file to `to`, which gets the owner of the folder it is in, and is private.
    pub fn install(&self, name: &str, to: &Path) {
        use std::os::unix::fs::{MetadataExt, chown};
        let owner = to.parent().unwrap().metadata().unwrap();
        fs::copy(self.path(name), to).unwrap();
        fs::set_permissions(to, Permissions::from_mode(0o600)).unwrap();
        chown(to, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
}

const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
