//! Our own certificate, for servers that want one.

use crate::error::{Error, Kind, Result};
use crate::pg::conninfo::Tls;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::ssl::SslContextBuilder;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Loads the certificate and its key, if both are named and the certificate is there. As with
/// libpq, a certificate file that does not exist means that we have none; a key that is missing
/// beside a certificate is an error.
pub fn load(tls: &Tls, context: &mut SslContextBuilder) -> Result<()> {
    let (Some(cert), Some(key)) = (&tls.cert, &tls.key) else { return Ok(()) };
    match fs::metadata(cert) {
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(()),
        about => about.map_err(|e| unusable("certificate", cert).caused_by(e))?,
    };
    context.set_certificate_chain_file(cert).map_err(|_| unusable("certificate", cert).hint("it must be in PEM form"))?;
    let passphrase = tls.key_password.as_ref().map_or("", |password| password.reveal());
    let loaded = private_key(key, passphrase)?;
    let fits = context.set_private_key(&loaded).and_then(|()| context.check_private_key());
    fits.map_err(|_| unusable("private key", key).hint("it does not belong to the certificate"))
}

fn private_key(path: &Path, passphrase: &str) -> Result<PKey<Private>> {
    let about = fs::metadata(path).map_err(|e| unusable("private key", path).caused_by(e))?;
    if !is_private(about.mode(), about.uid()) {
        let hint = "it must have mode 0600, or 0640 if it belongs to root";
        return Err(
            Error::new(Kind::Connect, format!("private key file \"{}\" can be read by others", path.display())).hint(hint)
        );
    }
    let bytes = fs::read(path).map_err(|e| unusable("private key", path).caused_by(e))?;
    // What OpenSSL says of a key it cannot read is of no help to anybody.
    decode(&bytes, passphrase).map_err(|_| {
        unusable("private key", path).hint("it must be a key in PEM or DER form; one with a passphrase needs sslpassword")
    })
}

/// Any kind of key, PEM or DER. A passphrase is always given: without one, OpenSSL would ask at the
/// terminal.
fn decode(bytes: &[u8], passphrase: &str) -> std::result::Result<PKey<Private>, ErrorStack> {
    PKey::private_key_from_pem_passphrase(bytes, passphrase.as_bytes()).or_else(|_| PKey::private_key_from_der(bytes))
}

fn unusable(what: &str, path: &Path) -> Error {
    Error::new(Kind::Connect, format!("cannot use {what} file \"{}\"", path.display()))
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
