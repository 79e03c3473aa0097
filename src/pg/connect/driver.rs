//! A [`ConnInfo`] in the driver's words.

use super::tls::Encryption;
use crate::pg::conninfo::{self, ChannelBinding, ConnInfo, Endpoint, Keepalive, SessionAttrs};
use postgres::Config;
use postgres::config::{self, SslMode};
use std::net::IpAddr;
use std::time::Duration;

/// The configuration for one attempt: one server, one address (none for a socket in the file system), one way of encryption.
pub fn config(info: &ConnInfo, to: &Endpoint, address: Option<IpAddr>, encryption: Encryption) -> Config {
    let mut config = Config::new();
    config.host(&to.host).port(to.port).user(&info.user).dbname(&info.dbname);
    config.application_name(&conninfo::application_name(&info.application_name));
    config.ssl_mode(ssl_mode(encryption)).channel_binding(channel_binding(info.channel_binding));
    config.target_session_attrs(session_attrs(info.target_session_attrs)).notice_callback(note);
    address.map(|address| config.hostaddr(address));
    to.password.as_ref().map(|password| config.password(password.reveal()));
    Some(&info.options).filter(|options| !options.is_empty()).map(|options| config.options(options));
    keepalive(&mut config, &info.keepalive);
    config
}

/// Notices are for people at a terminal and may quote rows: only that there was one is told.
fn note(notice: postgres::error::DbError) {
    log::debug!("the server sends a {} (SQLSTATE {})", notice.severity(), notice.code().code());
}

fn ssl_mode(encryption: Encryption) -> SslMode {
    match encryption {
        Encryption::None => SslMode::Disable,
        Encryption::IfOffered => SslMode::Prefer,
        Encryption::Always => SslMode::Require,
    }
}

fn channel_binding(wanted: ChannelBinding) -> config::ChannelBinding {
    match wanted {
        ChannelBinding::Disable => config::ChannelBinding::Disable,
        ChannelBinding::Prefer => config::ChannelBinding::Prefer,
        ChannelBinding::Require => config::ChannelBinding::Require,
    }
}

fn session_attrs(wanted: SessionAttrs) -> config::TargetSessionAttrs {
    match wanted {
        SessionAttrs::Any => config::TargetSessionAttrs::Any,
        SessionAttrs::ReadWrite => config::TargetSessionAttrs::ReadWrite,
        SessionAttrs::ReadOnly => config::TargetSessionAttrs::ReadOnly,
    }
}

/// Zero means the operating system's value; the driver knows that for one of them only.
fn keepalive(config: &mut Config, wanted: &Keepalive) {
    config.keepalives(wanted.on).tcp_user_timeout(Duration::from_millis(wanted.user_timeout.into()));
    let given = |value: u32| (value > 0).then(|| Duration::from_secs(value.into()));
    given(wanted.idle).map(|idle| config.keepalives_idle(idle));
    given(wanted.interval).map(|interval| config.keepalives_interval(interval));
    Some(wanted.count).filter(|count| *count > 0).map(|count| config.keepalives_retries(count));
}
