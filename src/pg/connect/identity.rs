//! Our own certificate, for servers that want one.

use crate::error::{Error, Kind, Result};
use crate::pg::conninfo::Tls;
use native_tls::Identity;
use openssl::pkey::{PKey, Private};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The certificate and its key, if both are named and the certificate is there. As with libpq, a certificate file that does
/// not exist means that we have none; a key that is missing beside a certificate is an error.
pub fn load(tls: &Tls) -> Result<Option<Identity>> {
    let (Some(cert), Some(key)) = (&tls.cert, &tls.key) else { return Ok(None) };
    let chain = match fs::read(cert) {
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        read => read.map_err(|e| unusable("certificate", cert).caused_by(e))?,
    };
    check_private(key)?;
    let bytes = fs::read(key).map_err(|e| unusable("private key", key).caused_by(e))?;
    let passphrase = tls.key_password.as_ref().map_or("", |password| password.reveal());
    let pkcs8 = decode(&bytes, passphrase).and_then(|key| key.private_key_to_pem_pkcs8());
    // What OpenSSL says of a key it cannot read is of no help to anybody.
    let pkcs8 = pkcs8
        .map_err(|_| unusable("private key", key).hint("it must be a PEM or DER key; an encrypted one needs sslpassword"))?;
    Identity::from_pkcs8(&chain, &pkcs8).map(Some).map_err(|e| unusable("certificate", cert).caused_by(e))
}

/// Any kind of key, PEM or DER. The passphrase is always given: without one, OpenSSL would ask at the terminal.
fn decode(bytes: &[u8], passphrase: &str) -> std::result::Result<PKey<Private>, openssl::error::ErrorStack> {
    PKey::private_key_from_pem_passphrase(bytes, passphrase.as_bytes()).or_else(|_| PKey::private_key_from_der(bytes))
}

fn unusable(what: &str, path: &Path) -> Error {
    Error::new(Kind::Connect, format!("cannot use {what} file \"{}\"", path.display()))
}

fn check_private(key: &Path) -> Result<()> {
    let about = fs::metadata(key).map_err(|e| unusable("private key", key).caused_by(e))?;
    match is_private(about.mode(), about.uid()) {
        true => Ok(()),
        false => Err(Error::new(Kind::Connect, format!("private key file \"{}\" can be read by others", key.display()))
            .hint("it must belong to the user who runs this, with mode 0600, or to root, with mode 0640")),
    }
}

/// libpq's rule: nobody but the owner, or root's and readable by a group.
fn is_private(mode: u32, owner: u32) -> bool {
    let allowed = if owner == 0 { 0o040 } else { 0 };
    mode & 0o077 & !allowed == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        for (mode, owner, private) in [
            (0o100_600, 1000, true),
            (0o100_400, 1000, true),
            (0o100_640, 1000, false),
            (0o100_640, 0, true),
            (0o100_644, 0, false),
            (0o100_660, 0, false),
        ] {
            assert_eq!(is_private(mode, owner), private, "{mode:o} of {owner}");
        }
    }
}
