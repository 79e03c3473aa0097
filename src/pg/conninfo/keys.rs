//! The words of a connection string: all that libpq (up to version 18) knows, with the variables
//! they are taken from, and what becomes of them here.

use crate::error::{Error, Kind, Result};
use std::collections::HashMap;

/// What we do about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// It works as in libpq.
    Works,
    /// It changes nothing here, and nobody is deceived by that.
    Ignored,
    /// These values mean what we do anyway. Others ask for a protection or a service we do not
    /// have, and are refused.
    Only(&'static [&'static str]),
}

use Use::{Ignored, Only, Works};

struct Key {
    name: &'static str,
    variable: Option<&'static str>,
    used: Use,
}

const fn key(name: &'static str, variable: &'static str, used: Use) -> Key {
    Key { name, variable: Some(variable), used }
}

const fn without_variable(name: &'static str, used: Use) -> Key {
    Key { name, variable: None, used }
}

const KEYS: &[Key] = &[
    key("application_name", "PGAPPNAME", Works),
    key("channel_binding", "PGCHANNELBINDING", Works),
    // Text always travels as UTF-8.
    key("client_encoding", "PGCLIENTENCODING", Ignored),
    key("connect_timeout", "PGCONNECT_TIMEOUT", Works),
    key("dbname", "PGDATABASE", Works),
    without_variable("fallback_application_name", Works),
    key("gssdelegation", "PGGSSDELEGATION", Only(&["0"])),
    key("gssencmode", "PGGSSENCMODE", Only(&["disable", "prefer"])),
    key("gsslib", "PGGSSLIB", Ignored),
    key("host", "PGHOST", Works),
    key("hostaddr", "PGHOSTADDR", Works),
    without_variable("keepalives", Works),
    without_variable("keepalives_count", Works),
    without_variable("keepalives_idle", Works),
    without_variable("keepalives_interval", Works),
    key("krbsrvname", "PGKRBSRVNAME", Ignored),
    key("load_balance_hosts", "PGLOADBALANCEHOSTS", Only(&["disable"])),
    key("max_protocol_version", "PGMAXPROTOCOLVERSION", Ignored),
    key("min_protocol_version", "PGMINPROTOCOLVERSION", Only(&["3.0"])),
    key("options", "PGOPTIONS", Works),
    key("passfile", "PGPASSFILE", Works),
    key("password", "PGPASSWORD", Works),
    key("port", "PGPORT", Works),
    without_variable("replication", Only(&["false", "off", "no", "0"])),
    key("require_auth", "PGREQUIREAUTH", Works),
    key("requirepeer", "PGREQUIREPEER", Only(&[])),
    key("service", "PGSERVICE", Works),
    key("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION", Only(&["TLSv1.3"])),
    key("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION", Works),
    key("sslcert", "PGSSLCERT", Works),
    key("sslcertmode", "PGSSLCERTMODE", Only(&["allow"])),
    key("sslcompression", "PGSSLCOMPRESSION", Ignored),
    key("sslcrl", "PGSSLCRL", Works),
    key("sslcrldir", "PGSSLCRLDIR", Works),
    key("sslkey", "PGSSLKEY", Works),
    key("sslmode", "PGSSLMODE", Works),
    key("sslnegotiation", "PGSSLNEGOTIATION", Only(&["postgres"])),
    without_variable("sslpassword", Works),
    key("sslrootcert", "PGSSLROOTCERT", Works),
    key("sslsni", "PGSSLSNI", Works),
    key("target_session_attrs", "PGTARGETSESSIONATTRS", Works),
    without_variable("tcp_user_timeout", Works),
    key("user", "PGUSER", Works),
];

/// The settings of one source, or of several laid over each other. Empty values count as not given,
/// as in libpq. Not printable: a password may be among them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Settings(HashMap<&'static str, String>);

impl Settings {
    /// What the variables say.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Settings {
        let found = |key: &Key| Some((key.name, variable(key.variable?).filter(|value| !value.is_empty())?));
        Settings(KEYS.iter().filter_map(found).collect())
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        debug_assert!(known(key).is_some(), "{key} is no key");
        self.0.get(key).map(String::as_str)
    }

    /// Sets a key, in place of what it had; says whether it exists.
    #[must_use]
    pub fn set(&mut self, key: &str, value: impl Into<String>) -> bool {
        let (Some(key), value) = (known(key), value.into()) else { return false };
        if value.is_empty() {
            self.0.remove(key.name)
        } else {
            self.0.insert(key.name, value)
        };
        true
    }

    /// Takes from `lower` what is not set here.
    pub fn or(mut self, lower: Settings) -> Settings {
        for (key, value) in lower.0 {
            self.0.entry(key).or_insert(value);
        }
        self
    }

    /// Refuses what we cannot do and must not pass over.
    pub fn check(&self) -> Result<()> {
        KEYS.iter().try_for_each(|key| match (key.used, self.0.get(key.name)) {
            (Only(values), Some(value)) if !values.contains(&value.as_str()) => Err(not_supported(key.name, values)),
            _ => Ok(()),
        })
    }
}

/// The refusal of a key that does not exist.
pub fn unknown(key: &str) -> Error {
    let names: Vec<&str> = KEYS.iter().filter(|key| key.used == Works).map(|key| key.name).collect();
    Error::new(Kind::Refused, format!("\"{key}\" is not a connection option")).hint(format!("there are: {}", names.join(", ")))
}

fn known(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

fn not_supported(key: &str, values: &[&str]) -> Error {
    let hint = match values {
        [] => format!("leave {key} out"),
        _ => format!("leave {key} out, or set it to {}", values.join(" or ")),
    };
    Error::new(Kind::Refused, format!("this value of the connection option \"{key}\" is not supported")).hint(hint)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        let mut settings = Settings::default();
        assert!(pairs.iter().all(|(key, value)| settings.set(key, *value)));
        settings
    }

    #[test]
    fn what_is_set_above_hides_what_is_set_below_unless_it_is_empty() {
        let both = settings(&[("host", "a"), ("port", "")]).or(settings(&[("host", "b"), ("port", "1")]));
        assert_eq!((both.get("host"), both.get("port"), both.get("user")), (Some("a"), Some("1"), None));
    }

    #[test]
    fn a_protection_we_cannot_give_is_refused_and_not_passed_over() {
        for (key, value) in [("requirepeer", "postgres"), ("gssencmode", "require")] {
            assert!(settings(&[(key, value)]).check().unwrap_err().message().contains(key));
        }
        for (key, value) in [("gssencmode", "prefer"), ("krbsrvname", "x"), ("sslnegotiation", "postgres")] {
            settings(&[(key, value)]).check().unwrap();
        }
    }

    #[test]
    fn variables_are_read_under_libpq_s_names() {
        let found = Settings::from_variables(|name| match name {
            "PGHOST" => Some("h".to_owned()),
            "PGPORT" => Some(String::new()),
            _ => None,
        });
        assert!(found == settings(&[("host", "h")]));
    }
}
