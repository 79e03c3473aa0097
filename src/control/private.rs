//! Private channels. LISTEN and NOTIFY need no right: in a control database where PUBLIC may
//! connect, any role can send what it likes on the channels of the original, and can fill the
//! memory of a process that listens there. So the processes of the daemon talk on channels whose
//! names only a role knows that may read `bucardo.channel_secret`, and commands do so where PUBLIC
//! may connect (see [`super::access`]).

use crate::control::channel;
use crate::control::upgrade::lacks_something;
use crate::error::{Error, Kind, Result};
use crate::pg::Connection;
use openssl::rand::rand_bytes;

/// The word from which the names of private channels are made.
#[derive(Clone)]
pub struct ChannelSecret(String);

impl ChannelSecret {
    /// The word of this control database; one is made where none is yet. A schema that has no place
    /// for it is [`Kind::Refused`].
    pub fn make(control: &mut Connection) -> Result<ChannelSecret> {
        if let Some(secret) = ChannelSecret::read(control)? {
            return Ok(secret);
        }
        if !has_table(control)? {
            return Err(lacks_something());
        }
        let insert = "insert into bucardo.channel_secret (word) values ($1) on conflict do nothing";
        control.execute(insert, &[&random_word()?])?;
        // Another process may have been first.
        ChannelSecret::read(control)?.ok_or_else(|| Error::new(Kind::Bug, "bucardo.channel_secret has no row"))
    }

    /// The word, if there is one. Until the first daemon of this version has made it, after an
    /// upgrade, there is none.
    pub fn read(control: &mut Connection) -> Result<Option<ChannelSecret>> {
        if !has_table(control)? {
            return Ok(None);
        }
        let row = control.query_opt("select word from bucardo.channel_secret", &[])?;
        Ok(row.map(|row| ChannelSecret(row.get(0))))
    }

    /// The private channel that belongs to a public one, as the function `bucardo.notify_private`
    /// has it.
    pub fn channel(&self, public: &str) -> String {
        format!("bucardo_{}", channel::digest(&format!("{}{public}", self.0)))
    }
}

fn has_table(control: &mut Connection) -> Result<bool> {
    Ok(control.query_one("select to_regclass('bucardo.channel_secret') is not null", &[])?.get(0))
}

fn random_word() -> Result<String> {
    let mut bytes = [0; 32];
    rand_bytes(&mut bytes).map_err(|error| Error::new(Kind::Bug, "there are no random numbers").caused_by(error))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_channel_is_a_name_and_depends_on_word_and_channel() {
        let [one, other] = ["a", "b"].map(|word| ChannelSecret(word.to_owned()));
        let channel = one.channel("bucardo_kick_sync_s");
        assert!(channel.len() <= channel::MAX_NAME && channel.starts_with("bucardo_"));
        assert!(channel != other.channel("bucardo_kick_sync_s") && channel != one.channel("bucardo_kick_sync_t"));
    }
}
