//! libpq's `require_auth`: the ways in which a server may ask us to prove who we are. A server that
//! asks for a password in clear text where SCRAM was agreed on is either misconfigured or not the
//! server, and must not get it.

use super::keys::Settings;
use crate::error::{Error, Kind, Result};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The key.
const KEY: &str = "require_auth";

/// What a server asks for during login, under libpq's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthMethod {
    /// The password itself.
    Password,
    /// An MD5 digest of it.
    Md5,
    /// GSSAPI.
    Gss,
    /// Windows' SSPI.
    Sspi,
    /// SCRAM, in which the server proves itself, too.
    #[serde(rename = "scram-sha-256")]
    ScramSha256,
    /// A token of a third party (PostgreSQL 18).
    Oauth,
    /// Nothing: the server lets us in by our address, our certificate or the user we run as.
    None,
}

const METHODS: &[(&str, AuthMethod)] = &[
    ("password", AuthMethod::Password),
    ("md5", AuthMethod::Md5),
    ("gss", AuthMethod::Gss),
    ("sspi", AuthMethod::Sspi),
    ("scram-sha-256", AuthMethod::ScramSha256),
    ("oauth", AuthMethod::Oauth),
    ("none", AuthMethod::None),
];

/// The methods that are acceptable; by default all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequireAuth {
    /// The methods that were named.
    named: Vec<AuthMethod>,
    /// Whether all but these are acceptable.
    excluded: bool,
}

impl RequireAuth {
    /// Reads the value of the key.
    pub fn from_settings(settings: &Settings) -> Result<RequireAuth> {
        settings.get(KEY).map_or_else(|| Ok(RequireAuth::default()), RequireAuth::parse)
    }

    pub(super) fn parse(value: &str) -> Result<RequireAuth> {
        let mut required = RequireAuth { named: Vec::new(), excluded: value.starts_with('!') };
        for word in value.split(',') {
            let name = word.strip_prefix('!').unwrap_or(word);
            if word.starts_with('!') != required.excluded {
                let sentence = format!("{KEY} mixes methods with and without \"!\": \"{value}\"");
                return Err(Error::new(Kind::Refused, sentence).hint("Name either what is allowed or, with \"!\", what is not."));
            }
            let method = METHODS.iter().find(|(known, _)| *known == name).map(|(_, method)| *method);
            let method = method.ok_or_else(|| unknown(word))?;
            if required.named.contains(&method) {
                let sentence = format!("{KEY} names \"{name}\" twice");
                return Err(Error::new(Kind::Refused, sentence).hint("Name each method once."));
            }
            required.named.push(method);
        }
        Ok(required)
    }

    /// Whether a server may ask for this.
    pub fn allows(&self, method: AuthMethod) -> bool {
        let all = self.named.is_empty();
        all || self.named.contains(&method) != self.excluded
    }
}

/// As it was written.
impl fmt::Display for RequireAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.excluded { "!" } else { "" };
        let names: Vec<String> = self.named.iter().map(|method| format!("{sign}{method}")).collect();
        f.write_str(&names.join(","))
    }
}

impl fmt::Display for AuthMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = METHODS.iter().find(|(_, method)| method == self).map_or("", |(name, _)| name);
        f.write_str(name)
    }
}

fn unknown(word: &str) -> Error {
    let names: Vec<&str> = METHODS.iter().map(|(name, _)| *name).collect();
    let sentence = format!("invalid value \"{word}\" for the connection option \"{KEY}\"");
    Error::new(Kind::Refused, sentence)
        .hint(format!("The methods are {}; \"!\" before each of them excludes it.", names.join(", ")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn allowed(value: &str) -> String {
        let required = RequireAuth::parse(value).unwrap();
        assert_eq!(required.to_string(), value);
        let names = METHODS.iter().filter(|(_, method)| required.allows(*method)).map(|(name, _)| *name);
        names.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn methods_are_allowed_or_with_an_exclamation_mark_all_others() {
        assert_eq!(allowed("scram-sha-256"), "scram-sha-256");
        assert_eq!(allowed("scram-sha-256,none"), "scram-sha-256 none");
        assert_eq!(allowed("!password"), "md5 gss sspi scram-sha-256 oauth none");
        assert_eq!(allowed("!password,!md5,!none"), "gss sspi scram-sha-256 oauth");
        assert!(METHODS.iter().all(|(_, method)| RequireAuth::default().allows(*method)));
    }

    #[test]
    fn what_libpq_refuses_is_refused() {
        for (value, words) in [
            ("scram", "invalid value \"scram\""),
            ("password,,md5", "invalid value \"\""),
            ("MD5", "invalid value \"MD5\""),
            ("!!md5", "invalid value \"!!md5\""),
            ("md5,md5", "names \"md5\" twice"),
            ("md5,!none", "mixes methods"),
            ("!md5,none", "mixes methods"),
        ] {
            let error = RequireAuth::parse(value).unwrap_err();
            assert!(error.message().contains(words) && error.hint_text().is_some(), "{value}: {error}");
        }
    }
}
