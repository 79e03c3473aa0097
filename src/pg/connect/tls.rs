//! What libpq's `sslmode` means: when to encrypt, and what a server's certificate must prove
//! (PostgreSQL manual, 34.19).
//!
//! One thing surprises many: a file of trusted certificates that exists is used, whatever the mode.
//! With it, `require` verifies as `verify-ca` does, and `prefer` falls back to no encryption when
//! the server cannot prove itself.

use super::identity;
use crate::error::{Error, Kind, Result};
use crate::pg::conninfo::{Roots, SslMode, Tls, TlsVersion};
use openssl::error::ErrorStack;
use openssl::ssl::{
    Ssl, SslContext, SslContextBuilder, SslFiletype, SslMethod, SslMode as Behaviour, SslOptions, SslVerifyMode, SslVersion,
};
use openssl::x509::store::X509Lookup;
use openssl::x509::verify::{X509CheckFlags, X509VerifyFlags};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

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

/// All that is needed to encrypt connections under certain settings.
#[derive(Clone)]
pub struct Handshake {
    context: SslContext,
    check_name: bool,
    send_name: bool,
}

impl Handshake {
    /// Reads the files that `tls` names.
    pub fn new(tls: &Tls) -> Result<Handshake> {
        let mut context = basis(tls.oldest).map_err(|e| Error::new(Kind::Connect, "cannot set up TLS").caused_by(e))?;
        let have_roots = trust(&mut context, tls)?;
        let proof = proof(tls.mode, have_roots);
        if proof != Proof::Nothing {
            revocation(&mut context, tls)?;
        }
        context.set_verify(if proof == Proof::Nothing { SslVerifyMode::NONE } else { SslVerifyMode::PEER });
        identity::load(tls, &mut context)?;
        Ok(Handshake { context: context.build(), check_name: proof == Proof::ChainAndName, send_name: tls.sni })
    }

    /// For a certain host.
    pub fn with(&self, host: &str) -> std::result::Result<Ssl, ErrorStack> {
        let mut ssl = Ssl::new(&self.context)?;
        let address: Option<IpAddr> = host.parse().ok();
        if self.send_name && address.is_none() {
            ssl.set_hostname(host)?;
        }
        if self.check_name {
            let wanted = ssl.param_mut();
            wanted.set_hostflags(X509CheckFlags::NO_PARTIAL_WILDCARDS);
            match address {
                Some(address) => wanted.set_ip(address)?,
                None => wanted.set_host(host)?,
            }
        }
        Ok(ssl)
    }
}

/// What is the same for all. The driver writes from buffers that move, and an idle connection shall
/// hold no memory.
fn basis(oldest: TlsVersion) -> std::result::Result<SslContextBuilder, ErrorStack> {
    let mut context = SslContext::builder(SslMethod::tls_client())?;
    context.set_mode(Behaviour::ENABLE_PARTIAL_WRITE | Behaviour::ACCEPT_MOVING_WRITE_BUFFER | Behaviour::RELEASE_BUFFERS);
    context.set_options(SslOptions::NO_COMPRESSION);
    context.set_read_ahead(true);
    context.set_min_proto_version(Some(match oldest {
        TlsVersion::V1_0 => SslVersion::TLS1,
        TlsVersion::V1_1 => SslVersion::TLS1_1,
        TlsVersion::V1_2 => SslVersion::TLS1_2,
        TlsVersion::V1_3 => SslVersion::TLS1_3,
    }))?;
    Ok(context)
}

/// Loads the trusted certificates; says whether there are any.
fn trust(context: &mut SslContextBuilder, tls: &Tls) -> Result<bool> {
    let verifies = matches!(tls.mode, SslMode::VerifyCa | SslMode::VerifyFull);
    let loaded = match &tls.root {
        Some(Roots::System) => context.set_default_verify_paths().map_err(|e| unusable("the system's root certificates", e)),
        Some(Roots::File(path)) if path.exists() => {
            context.set_ca_file(path).map_err(|e| unusable(&format!("root certificate file \"{}\"", path.display()), e))
        }
        Some(Roots::File(path)) if verifies => {
            Err(no_roots(&format!("root certificate file \"{}\" does not exist", path.display())))
        }
        None if verifies => Err(no_roots("no file of root certificates is known")),
        _ => return Ok(false),
    };
    loaded.map(|()| true)
}

fn no_roots(sentence: &str) -> Error {
    let hint =
        "name the file of the certificate authority in sslrootcert, use sslrootcert=system, or an sslmode that does not verify";
    Error::new(Kind::Connect, sentence).hint(hint)
}

fn unusable(what: &str, error: ErrorStack) -> Error {
    let reason = error.errors().first().and_then(|e| e.reason()).unwrap_or("unknown reason").to_owned();
    Error::new(Kind::Connect, format!("cannot use {what}: {reason}")).hint("it must hold what its name says in PEM form")
}

/// Loads the lists of certificates that are not to be trusted any more. As with libpq, a list that
/// does not exist is no list; with one, every certificate of the chain must be covered by a list.
fn revocation(context: &mut SslContextBuilder, tls: &Tls) -> Result<()> {
    let existing = |path: &Option<PathBuf>| path.clone().filter(|path| path.exists());
    let (file, directory) = (existing(&tls.crl), existing(&tls.crl_dir));
    if let Some(path) = &file {
        crl_file(context, path).map_err(|e| unusable(&format!("revocation list \"{}\"", path.display()), e))?;
    }
    if let Some(path) = &directory {
        crl_directory(context, path)
            .map_err(|e| unusable(&format!("directory of revocation lists \"{}\"", path.display()), e))?;
    }
    if file.is_none() && directory.is_none() {
        return Ok(());
    }
    let strict = context.cert_store_mut().set_flags(X509VerifyFlags::CRL_CHECK | X509VerifyFlags::CRL_CHECK_ALL);
    strict.map_err(|e| unusable("revocation lists", e))
}

fn crl_file(context: &mut SslContextBuilder, path: &Path) -> std::result::Result<(), ErrorStack> {
    context.cert_store_mut().add_lookup(X509Lookup::file())?.load_crl_file(path, SslFiletype::PEM).map(drop)
}

fn crl_directory(context: &mut SslContextBuilder, path: &Path) -> std::result::Result<(), ErrorStack> {
    context.cert_store_mut().add_lookup(X509Lookup::hash_dir())?.add_dir(&path.to_string_lossy(), SslFiletype::PEM)
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
                let error = Handshake::new(&Tls { mode, root, ..Tls::default() }).err();
                assert!(error.is_some_and(|e| e.hint_text().is_some_and(|hint| hint.contains("sslrootcert"))));
            }
        }
        assert!(Handshake::new(&Tls { root: Some(Roots::File("/nonexistent".into())), ..Tls::default() }).is_ok());
    }

    #[test]
    fn a_file_without_certificates_is_no_reason_to_trust_anybody() {
        let error = Handshake::new(&Tls { root: Some(Roots::File("/dev/null".into())), ..Tls::default() }).err();
        assert!(error.is_some_and(|e| e.message().starts_with("cannot use root certificate file \"/dev/null\"")));
    }
}
