//! Names in `pg_stat_activity`.

/// The bytes of an application name that a server keeps (NAMEDATALEN - 1).
const NAME_LENGTH: usize = 63;

/// A text as `application_name`: printable ASCII, because servers replace everything else, and at
/// most 63 bytes, because servers cut the rest. We cut in the middle: the beginning says what it
/// is, the end says which one.
pub fn application_name(text: &str) -> String {
    let plain: String = text.chars().map(|c| if (' '..='~').contains(&c) { c } else { '?' }).collect();
    if plain.len() <= NAME_LENGTH {
        return plain;
    }
    let half = (NAME_LENGTH - "...".len()) / 2;
    format!("{}...{}", &plain[..half], &plain[plain.len() - half..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_application_name_keeps_both_ends() {
        let title = r#"Bucardo Kid. Sync "a_very_long_name_of_a_sync": (pushdelta) "alpha" -> "beta""#;
        let cut = application_name(title);
        assert_eq!(cut, r#"Bucardo Kid. Sync "a_very_long... (pushdelta) "alpha" -> "beta""#.to_owned());
        assert!(cut.len() <= NAME_LENGTH);
        assert_eq!(application_name("caf\u{e9}\n"), "caf??");
    }
}
