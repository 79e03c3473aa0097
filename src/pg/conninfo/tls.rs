//! What is to be encrypted, with whom, and who vouches for whom: libpq's settings, as types.

use crate::pg::Secret;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The ssl* settings of libpq.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tls {
    /// When to encrypt and what to verify.
    pub mode: SslMode,
    /// The certificates that may vouch for a server.
    pub root: Option<Roots>,
    /// A file of certificates that are not to be trusted any more.
    pub crl: Option<PathBuf>,
    /// A directory of such files, named by hash (`openssl rehash`).
    pub crl_dir: Option<PathBuf>,
    /// Our certificate (PEM, may hold a chain).
    pub cert: Option<PathBuf>,
    /// The key to it (PEM or DER).
    pub key: Option<PathBuf>,
    /// What the key is encrypted with.
    pub key_password: Option<Secret>,
    /// Whether the server is told, unencrypted, which host we want.
    pub sni: bool,
    /// The oldest protocol that is acceptable.
    pub oldest: TlsVersion,
}

/// Where trust comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Roots {
    /// The operating system's certificates.
    System,
    /// A file of certificates (PEM). Like libpq we do not mind that it is missing, unless the mode
    /// verifies.
    File(PathBuf),
}

/// libpq's `sslmode` (PostgreSQL manual, 34.19.3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SslMode {
    /// Never encrypted.
    Disable,
    /// Not encrypted, unless the server insists.
    Allow,
    /// Encrypted, unless the server does not want to.
    #[default]
    Prefer,
    /// Encrypted, with anybody (but see [`Tls::root`]).
    Require,
    /// Encrypted, with a server whose certificate we trust.
    VerifyCa,
    /// Encrypted, with a server whose trusted certificate names the host.
    VerifyFull,
}

/// TLS protocol versions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum TlsVersion {
    V1_0,
    V1_1,
    #[default]
    V1_2,
    V1_3,
}

/// libpq's `channel_binding`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelBinding {
    /// Never.
    Disable,
    /// When both sides can.
    #[default]
    Prefer,
    /// Or no connection.
    Require,
}

impl Default for Tls {
    fn default() -> Tls {
        let (mode, oldest) = (SslMode::default(), TlsVersion::default());
        Tls { mode, root: None, crl: None, crl_dir: None, cert: None, key: None, key_password: None, sni: true, oldest }
    }
}
