//! A [`ConnInfo`] in the driver's words.

use crate::pg::conninfo::{self, ChannelBinding, ConnInfo, Endpoint};
use postgres::Config;
use postgres::config::{self, SslMode, SslNegotiation};

/// What the driver says during login. The socket and its encryption are ours: see
/// [`super::connector`].
pub fn config(info: &ConnInfo, to: &Endpoint) -> Config {
    let mut config = Config::new();
    config.user(&info.user).dbname(&info.dbname);
    config.application_name(conninfo::application_name(&info.application_name));
    config.ssl_mode(SslMode::Require).ssl_negotiation(SslNegotiation::Direct);
    config.channel_binding(channel_binding(info.channel_binding));
    if let Some(password) = &to.password {
        config.password(password.reveal());
    }
    if !info.options.is_empty() {
        config.options(&info.options);
    }
    config
}

fn channel_binding(wanted: ChannelBinding) -> config::ChannelBinding {
    match wanted {
        ChannelBinding::Disable => config::ChannelBinding::Disable,
        ChannelBinding::Prefer => config::ChannelBinding::Prefer,
        ChannelBinding::Require => config::ChannelBinding::Require,
    }
}
