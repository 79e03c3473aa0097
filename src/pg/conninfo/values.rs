//! What the values of a connection string mean, for all that are more than text.

use super::environment::Environment;
use super::keys::Settings;
use super::{ChannelBinding, Keepalive, Roots, SessionAttrs, SslMode, Tls, TlsVersion};
use crate::error::{Error, Kind, Result};
use crate::pg::Secret;
use std::path::PathBuf;

const SSL_MODES: &[(&str, SslMode)] = &[
    ("disable", SslMode::Disable),
    ("allow", SslMode::Allow),
    ("prefer", SslMode::Prefer),
    ("require", SslMode::Require),
    ("verify-ca", SslMode::VerifyCa),
    ("verify-full", SslMode::VerifyFull),
];

const TLS_VERSIONS: &[(&str, TlsVersion)] =
    &[("TLSv1", TlsVersion::V1_0), ("TLSv1.1", TlsVersion::V1_1), ("TLSv1.2", TlsVersion::V1_2), ("TLSv1.3", TlsVersion::V1_3)];

/// The words of `target_session_attrs`.
pub const SESSION_ATTRS: &[(&str, SessionAttrs)] =
    &[("any", SessionAttrs::Any), ("read-write", SessionAttrs::ReadWrite), ("read-only", SessionAttrs::ReadOnly)];

/// The words of `channel_binding`.
pub const CHANNEL_BINDING: &[(&str, ChannelBinding)] =
    &[("disable", ChannelBinding::Disable), ("prefer", ChannelBinding::Prefer), ("require", ChannelBinding::Require)];

/// One of the words a key takes.
pub fn choice<T: Copy>(settings: &Settings, key: &str, values: &[(&str, T)]) -> Result<Option<T>> {
    let Some(value) = settings.get(key) else { return Ok(None) };
    let found = values.iter().find(|(name, _)| *name == value).map(|(_, meaning)| Some(*meaning));
    let names: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
    found.ok_or_else(|| invalid(key, value).hint(format!("it can be {}", names.join(", "))))
}

/// A number; one below zero is as good as zero, as in libpq.
pub fn number(settings: &Settings, key: &str) -> Result<Option<u32>> {
    let Some(value) = settings.get(key) else { return Ok(None) };
    let number = value.trim().parse::<i32>().map_err(|_| invalid(key, value).hint("it must be a whole number"))?;
    Ok(Some(u32::try_from(number).unwrap_or(0)))
}

fn invalid(key: &str, value: &str) -> Error {
    Error::new(Kind::Refused, format!("invalid value \"{value}\" for the connection option \"{key}\""))
}

/// The settings against dead networks.
pub fn keepalive(settings: &Settings) -> Result<Keepalive> {
    let default = Keepalive::default();
    Ok(Keepalive {
        on: number(settings, "keepalives")?.map_or(default.on, |on| on != 0),
        idle: number(settings, "keepalives_idle")?.unwrap_or(default.idle),
        interval: number(settings, "keepalives_interval")?.unwrap_or(default.interval),
        count: number(settings, "keepalives_count")?.unwrap_or(default.count),
        user_timeout: number(settings, "tcp_user_timeout")?.unwrap_or(default.user_timeout),
    })
}

/// The ssl* settings. Files that are not named have their usual place in the user's home.
pub fn tls(settings: &Settings, env: &impl Environment) -> Result<Tls> {
    let usual = |name: &str| env.home().map(|home| home.join(".postgresql").join(name));
    let file = |key, name| settings.get(key).map(PathBuf::from).or_else(|| usual(name));
    let root = match settings.get("sslrootcert") {
        Some("system") => Some(Roots::System),
        _ => file("sslrootcert", "root.crt").map(Roots::File),
    };
    Ok(Tls {
        mode: ssl_mode(settings, root.as_ref())?,
        root,
        // libpq looks for the usual list only where no directory was named.
        crl: if settings.get("sslcrldir").is_some() {
            settings.get("sslcrl").map(PathBuf::from)
        } else {
            file("sslcrl", "root.crl")
        },
        crl_dir: settings.get("sslcrldir").map(PathBuf::from),
        cert: file("sslcert", "postgresql.crt"),
        key: file("sslkey", "postgresql.key"),
        key_password: settings.get("sslpassword").map(Secret::new),
        sni: number(settings, "sslsni")? != Some(0),
        oldest: choice(settings, "ssl_min_protocol_version", TLS_VERSIONS)?.unwrap_or_default(),
    })
}

/// Everybody can have a certificate that the system trusts: only with the name of the host does it
/// prove anything.
fn ssl_mode(settings: &Settings, root: Option<&Roots>) -> Result<SslMode> {
    match (choice(settings, "sslmode", SSL_MODES)?, root) {
        (None, Some(Roots::System)) => Ok(SslMode::VerifyFull),
        (Some(mode), Some(Roots::System)) if mode != SslMode::VerifyFull => {
            Err(Error::new(Kind::Refused, "sslrootcert=system proves nothing with this sslmode").hint("use sslmode=verify-full"))
        }
        (mode, _) => Ok(mode.unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::super::environment::fake::Fake;
    use super::super::{CONNECT_TIMEOUT, ConnInfo, Parts, RequireAuth, resolve};
    use super::*;

    fn bare(dbconn: &str) -> Result<ConnInfo> {
        let parts = Parts { dbconn: Some(dbconn.to_owned()), ..Parts::default() };
        resolve(&parts, &Fake::default()).map(|resolved| resolved.info)
    }

    #[test]
    fn every_setting_arrives() {
        let info = bare(
            "host=h hostaddr=192.0.2.1 user=u dbname=d password=p options='-c geqo=off' connect_timeout=7 channel_binding=require require_auth=!none \
             target_session_attrs=read-write keepalives=0 keepalives_idle=1 keepalives_interval=2 keepalives_count=3 \
             tcp_user_timeout=4 sslmode=verify-ca sslrootcert=/r sslcrl=/l sslcrldir=/d sslcert=/c sslkey=/k sslpassword=s sslsni=0 \
             ssl_min_protocol_version=TLSv1.3 fallback_application_name=f",
        );
        let tls = Tls {
            mode: SslMode::VerifyCa,
            root: Some(Roots::File("/r".into())),
            crl: Some("/l".into()),
            crl_dir: Some("/d".into()),
            cert: Some("/c".into()),
            key: Some("/k".into()),
            key_password: Some(Secret::new("s")),
            sni: false,
            oldest: TlsVersion::V1_3,
        };
        let expected = ConnInfo {
            host: "h".into(),
            port: 5432,
            dbname: "d".into(),
            user: "u".into(),
            password: Some(Secret::new("p")),
            application_name: "f".into(),
            hostaddr: Some([192, 0, 2, 1].into()),
            options: "-c geqo=off".into(),
            connect_timeout: 7,
            target_session_attrs: SessionAttrs::ReadWrite,
            channel_binding: ChannelBinding::Require,
            require_auth: RequireAuth::parse("!none").unwrap(),
            keepalive: Keepalive { on: false, idle: 1, interval: 2, count: 3, user_timeout: 4 },
            tls,
            fallbacks: Vec::new(),
        };
        assert_eq!(info.unwrap(), expected);
    }

    #[test]
    fn a_value_that_means_nothing_is_refused_by_name() {
        for (dbconn, name) in [
            ("sslmode=verify", "sslmode"),
            ("sslmode=REQUIRE", "sslmode"),
            ("ssl_min_protocol_version=1.2", "ssl_min_protocol_version"),
            ("target_session_attrs=primary", "target_session_attrs"),
            ("channel_binding=yes", "channel_binding"),
            ("require_auth=scram", "require_auth"),
            ("connect_timeout=soon", "connect_timeout"),
            ("keepalives=on", "keepalives"),
            ("tcp_user_timeout=1s", "tcp_user_timeout"),
            ("sslsni=x", "sslsni"),
            ("requirepeer=postgres", "requirepeer"),
            ("sslnegotiation=direct", "sslnegotiation"),
            ("sslrootcert=system sslmode=require", "sslrootcert=system"),
            ("nonsense=1", "nonsense"),
            ("port=x", "\"x\" is not a port"),
            ("hostaddr=name", "\"name\" is not an address"),
        ] {
            let error = bare(dbconn).unwrap_err();
            assert_eq!(error.kind(), Kind::Refused, "{dbconn}");
            assert!(error.message().contains(name) && error.hint_text().is_some(), "{dbconn}: {error}");
        }
    }

    #[test]
    fn no_timeout_and_no_certificate_authority_of_one_s_own_have_their_meaning() {
        for never in ["connect_timeout=0", "connect_timeout=-1", ""] {
            assert_eq!(bare(never).unwrap().connect_timeout, CONNECT_TIMEOUT);
        }
        let info = bare("sslrootcert=system").unwrap();
        assert_eq!((info.tls.root, info.tls.mode), (Some(Roots::System), SslMode::VerifyFull));
    }
}
