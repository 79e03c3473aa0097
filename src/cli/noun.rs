//! What verbs are about: databases, groups, herds, tables, sequences, syncs, code. Their many
//! spellings meet here.

/// A kind of thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Noun {
    Db,
    Dbgroup,
    Herd,
    Table,
    Sequence,
    Sync,
    Customcode,
    Customname,
    Customcols,
    Conflict,
}

/// What verbs like `add` and `list` are about, as people write it.
pub const WORDS: [&str; 14] = [
    "all",
    "config",
    "conflicts",
    "customcode",
    "customcols",
    "customname",
    "database",
    "db",
    "dbgroup",
    "herd",
    "relgroup",
    "sequence",
    "sync",
    "table",
];

/// The words of `add` and `remove`, in any case: those of the original, the plurals, and the newer
/// dialect's `relgroup`.
pub fn exact(word: &str) -> Option<Noun> {
    let word = word.to_lowercase();
    Some(match word.strip_suffix('s').unwrap_or(&word) {
        "d" | "db" | "database" => Noun::Db,
        "dbg" | "dbgroup" => Noun::Dbgroup,
        "herd" | "relgroup" => Noun::Herd,
        "tab" | "table" => Noun::Table,
        "seq" | "sequence" => Noun::Sequence,
        "sync" => Noun::Sync,
        "code" | "customcode" | "custom_code" => Noun::Customcode,
        "cname" | "customname" | "custom_name" => Noun::Customname,
        "ccol" | "customcol" | "custom_col" => Noun::Customcols,
        _ => return None,
    })
}

/// The words of the newer dialect, everywhere: beginnings and some slips of the fingers, in any
/// case.
pub fn newer(word: &str) -> Option<Noun> {
    const BEGINNINGS: [(&str, Noun); 18] = [
        ("dbg", Noun::Dbgroup),
        ("db", Noun::Db),
        ("database", Noun::Db),
        ("relgr", Noun::Herd),
        ("herd", Noun::Herd),
        ("sync", Noun::Sync),
        ("synk", Noun::Sync),
        ("sinc", Noun::Sync),
        ("tab", Noun::Table),
        ("tbale", Noun::Table),
        ("seq", Noun::Sequence),
        ("cname", Noun::Customname),
        ("custom_name", Noun::Customname),
        ("customname", Noun::Customname),
        ("ccol", Noun::Customcols),
        ("custom_col", Noun::Customcols),
        ("customcol", Noun::Customcols),
        ("conflict", Noun::Conflict),
    ];
    let word = word.to_lowercase();
    if word.starts_with('d') && word.contains("group") {
        return Some(Noun::Dbgroup);
    }
    let found = BEGINNINGS.iter().find(|(beginning, _)| word.starts_with(beginning)).map(|(_, noun)| *noun);
    let code = || ["code", "ccode", "custom_code", "customcode"].iter().any(|beginning| word.starts_with(beginning));
    found.or_else(|| code().then_some(Noun::Customcode))
}

/// The words of `list`: any beginning that the original took, in any case.
pub fn beginning(word: &str) -> Option<Noun> {
    const BEGINNINGS: [(&str, Noun); 15] = [
        ("dbg", Noun::Dbgroup),
        ("db", Noun::Db),
        ("database", Noun::Db),
        ("cname", Noun::Customname),
        ("customname", Noun::Customname),
        ("ccol", Noun::Customcols),
        ("customcols", Noun::Customcols),
        ("code", Noun::Customcode),
        ("custom", Noun::Customcode),
        ("conflict", Noun::Conflict),
        ("h", Noun::Herd),
        ("relgroup", Noun::Herd),
        ("sy", Noun::Sync),
        ("t", Noun::Table),
        ("seq", Noun::Sequence),
    ];
    let word = word.to_lowercase();
    BEGINNINGS.iter().find(|(beginning, _)| word.starts_with(beginning)).map(|(_, noun)| *noun)
}

/// The words of `update`: any beginning that the original took, and whole words.
pub fn changeable(word: &str) -> Option<Noun> {
    const BEGINNINGS: [(&str, Noun); 7] = [
        ("code", Noun::Customcode),
        ("custom", Noun::Customcode),
        ("syn", Noun::Sync),
        ("tab", Noun::Table),
        ("seq", Noun::Sequence),
        ("dbg", Noun::Dbgroup),
        ("db", Noun::Db),
    ];
    let word = word.to_lowercase();
    let begun = BEGINNINGS.iter().find(|(beginning, _)| word.starts_with(beginning)).map(|(_, noun)| *noun);
    begun.or_else(|| word.starts_with("database").then_some(Noun::Db))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_and_other_names_mean_the_same() {
        for (word, noun) in [("Tables", Noun::Table), ("dbs", Noun::Db), ("relgroup", Noun::Herd), ("dbg", Noun::Dbgroup)] {
            assert_eq!(exact(word), Some(noun), "{word}");
        }
        for word in ["", "tabl", "al", "dbx"] {
            assert_eq!(exact(word), None, "{word}");
        }
    }

    #[test]
    fn the_newer_dialect_takes_beginnings_everywhere() {
        for (word, noun) in [
            ("dbs", Noun::Db),
            ("DbGroups", Noun::Dbgroup),
            ("datagroup", Noun::Dbgroup),
            ("relgroups", Noun::Herd),
            ("tbale", Noun::Table),
            ("custom_codes", Noun::Customcode),
            ("customcols", Noun::Customcols),
            ("customname", Noun::Customname),
        ] {
            assert_eq!(newer(word), Some(noun), "{word}");
        }
        assert_eq!(newer("thing"), None);
    }

    #[test]
    fn a_list_takes_beginnings() {
        for (word, noun) in [("DATABASES", Noun::Db), ("dbgr", Noun::Dbgroup), ("hello", Noun::Herd), ("seqs", Noun::Sequence)] {
            assert_eq!(beginning(word), Some(noun), "{word}");
        }
        assert_eq!(beginning("s"), None);
    }
}
