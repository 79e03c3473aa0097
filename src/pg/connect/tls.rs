//! What libpq's `sslmode` means: when to encrypt, and what a server's certificate must prove (PostgreSQL manual, 34.19).
//!
//! One thing surprises many: a file of trusted certificates that exists is used, whatever the mode. With it, `require`
//! verifies as `verify-ca` does, and `prefer` falls back to no encryption when the server cannot prove itself.

use super::identity;
use crate::error::{Error, Kind, Result};
use crate::pg::conninfo::{Roots, SslMode, Tls, TlsVersion};
use native_tls::{Certificate, Protocol, TlsConnector, TlsConnectorBuilder};
use std::path::Path;

/// How one attempt is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// Not at all.
    None,
    /// Unless the server has no TLS.
    IfOffered,
    /// Or no connection.
    Always,
}

/// The attempts a mode allows, in order: the second only when the first has failed.
pub fn attempts(mode: SslMode) -> &'static [Encryption] {
    match mode {
        SslMode::Disable => &[Encryption::None],
        SslMode::Allow => &[Encryption::None, Encryption::Always],
        SslMode::Prefer => &[Encryption::IfOffered, Encryption::None],
        SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => &[Encryption::Always],
    }
}

/// What a server's certificate must prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    Nothing,
    /// That somebody we trust vouches for it.
    Chain,
    /// And that it belongs to the host we wanted.
    ChainAndName,
}

fn proof(mode: SslMode, have_roots: bool) -> Proof {
    match mode {
        SslMode::VerifyFull => Proof::ChainAndName,
        SslMode::VerifyCa => Proof::Chain,
        _ if have_roots => Proof::Chain,
        _ => Proof::Nothing,
    }
}

/// The connector for these settings. Reads the files they name.
pub fn connector(tls: &Tls) -> Result<TlsConnector> {
    let mut builder = TlsConnector::builder();
    builder.min_protocol_version(Some(protocol(tls.oldest))).use_sni(tls.sni);
    let have_roots = trust(&mut builder, tls)?;
    let proof = proof(tls.mode, have_roots);
    builder.danger_accept_invalid_certs(proof == Proof::Nothing);
    builder.danger_accept_invalid_hostnames(proof != Proof::ChainAndName);
    if let Some(identity) = identity::load(tls)? {
        builder.identity(identity);
    }
    builder.build().map_err(|e| Error::new(Kind::Connect, "cannot set up TLS").caused_by(e))
}

fn protocol(version: TlsVersion) -> Protocol {
    match version {
        TlsVersion::V1_0 => Protocol::Tlsv10,
        TlsVersion::V1_1 => Protocol::Tlsv11,
        TlsVersion::V1_2 => Protocol::Tlsv12,
        TlsVersion::V1_3 => Protocol::Tlsv13,
    }
}

/// Puts the trusted certificates into the builder; says whether there are any.
fn trust(builder: &mut TlsConnectorBuilder, tls: &Tls) -> Result<bool> {
    let verifies = matches!(tls.mode, SslMode::VerifyCa | SslMode::VerifyFull);
    builder.disable_built_in_roots(tls.root != Some(Roots::System));
    match &tls.root {
        Some(Roots::System) => Ok(true),
        Some(Roots::File(path)) if path.exists() => certificates(path)?
            .into_iter()
            .try_for_each(|root| {
                builder.add_root_certificate(root);
                Ok(())
            })
            .map(|()| true),
        Some(Roots::File(path)) if verifies => {
            Err(no_roots(&format!("root certificate file \"{}\" does not exist", path.display())))
        }
        None if verifies => Err(no_roots("no file of root certificates is known")),
        _ => Ok(false),
    }
}

fn no_roots(sentence: &str) -> Error {
    let hint =
        "name the file of the certificate authority in sslrootcert, use sslrootcert=system, or an sslmode that does not verify";
    Error::new(Kind::Connect, sentence).hint(hint)
}

fn certificates(path: &Path) -> Result<Vec<Certificate>> {
    let unusable = || Error::new(Kind::Connect, format!("cannot use root certificate file \"{}\"", path.display()));
    let pem = std::fs::read(path).map_err(|e| unusable().caused_by(e))?;
    let found = Certificate::stack_from_pem(&pem).map_err(|e| unusable().caused_by(e))?;
    if found.is_empty() { Err(unusable().hint("it must hold certificates in PEM form")) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_roots_makes_every_mode_verify() {
        for mode in [SslMode::Allow, SslMode::Prefer, SslMode::Require] {
            assert_eq!((proof(mode, false), proof(mode, true)), (Proof::Nothing, Proof::Chain));
        }
        assert_eq!((proof(SslMode::VerifyCa, true), proof(SslMode::VerifyFull, true)), (Proof::Chain, Proof::ChainAndName));
    }

    #[test]
    fn who_verifies_needs_roots() {
        for mode in [SslMode::VerifyCa, SslMode::VerifyFull] {
            for root in [None, Some(Roots::File("/nonexistent".into()))] {
                let error = connector(&Tls { mode, root, ..Tls::default() }).err();
                assert!(error.is_some_and(|e| e.hint_text().is_some_and(|hint| hint.contains("sslrootcert"))));
            }
        }
        assert!(connector(&Tls { root: Some(Roots::File("/nonexistent".into())), ..Tls::default() }).is_ok());
    }
}
