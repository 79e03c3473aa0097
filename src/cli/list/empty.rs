//! What `list` says when there is nothing to list.

use crate::cli::Personality;
use crate::cli::noun::Noun;
use crate::say;

/// Prints it; the exit code as result. The older dialect calls an empty list a failure.
pub fn report(personality: Personality, noun: Noun, filtered: bool) -> u8 {
    let dialect = personality.dialect();
    match dialect.newer {
        false => say!("There are no{} entries in the '{}' table.", if filtered { " matching" } else { "" }, table(noun)),
        true => say!("{}", newer(noun, filtered)),
    }
    dialect.empty_list_code
}

fn table(noun: Noun) -> &'static str {
    match noun {
        Noun::Db | Noun::Customcode => "db",
        Noun::Dbgroup => "dbgroup",
        Noun::Herd => "herd",
        Noun::Sync => "sync",
        Noun::Table | Noun::Sequence => "goat",
        Noun::Customname => "customname",
        Noun::Customcols => "customcols",
        Noun::Conflict => "conflict",
    }
}

fn newer(noun: Noun, filtered: bool) -> &'static str {
    match (noun, filtered) {
        (Noun::Db, false) => "No databases have been added yet",
        (Noun::Db, true) => "No matching databases found",
        (Noun::Customcode, false) => "No customcode has been added yet",
        (Noun::Customcode, true) => "No matching customcode found",
        (Noun::Dbgroup, false) => "No dbgroups have been added yet",
        (Noun::Dbgroup, true) => "No matching dbgroups found",
        (Noun::Herd, false) => "There are no relgroups.",
        (Noun::Herd, true) => "There are no matching relgroups.",
        (Noun::Sync, _) => "No syncs found",
        (Noun::Table, false) => "No tables have been added yet",
        (Noun::Table, true) => "No matching tables found",
        (Noun::Sequence, false) => "There are no sequences.",
        (Noun::Sequence, true) => "There are no matching sequences.",
        (Noun::Customname, _) => "No customnames found",
        (Noun::Customcols, _) => "No customcols found",
        (Noun::Conflict, _) => "No conflicts found",
    }
}
