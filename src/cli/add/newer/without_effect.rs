//! Keys of the newer dialect that change nothing here. Scripts give them; who gives them is told
//! why, or what to say instead.

use crate::warn_user;

const KEYS: &[(&str, &str)] = &[("vacuum_after_copy", "autovacuum takes care of tables that were copied")];

/// Whether `key` is one of them; then a note has been said.
pub fn noted(key: &str) -> bool {
    let known = KEYS.iter().find(|(known, _)| *known == key);
    if let Some((key, why)) = known {
        warn_user!("Note: {key}= changes nothing here: {why}");
    }
    known.is_some()
}

/// The words without pairs for the key called `name`, which mean nothing.
pub fn without(words: &[String], name: &str) -> Vec<String> {
    let is_it = |word: &&String| {
        let key = word.split_once(['=', ':']).map(|(key, _)| key.trim().to_lowercase());
        key.as_deref() == Some(name) && noted(name)
    };
    words.iter().filter(|word| !is_it(word)).cloned().collect()
}
