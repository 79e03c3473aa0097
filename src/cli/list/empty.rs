//! What `list` says when there is nothing to list.

use crate::cli::Personality;
use crate::cli::noun::Noun;
use crate::say;

/// Prints it; the exit code as result. The older dialect calls an empty list a failure.
pub fn report(personality: Personality, noun: Noun, filtered: bool) -> u8 {
    match personality {
        Personality::BucardoCtl4 => {
            say!("There are no{} entries in the '{}' table.", if filtered { " matching" } else { "" }, table(noun));
            1
        }
        Personality::Bucardo5 => {
            say!("{}", newer(noun, filtered));
            0
        }
    }
}

fn table(noun: Noun) -> &'static str {
    match noun {
        Noun::Db | Noun::Customcode => "db",
        Noun::Dbgroup => "dbgroup",
        Noun::Herd => "herd",
        Noun::Sync => "sync",
        Noun::Table | Noun::Sequence => "goat",
        Noun::Conflict => "conflict",
    }
}

fn newer(noun: Noun, filtered: bool) -> &'static str {
    match (noun, filtered) {
        (Noun::Db | Noun::Customcode, false) => "No databases have been added yet",
        (Noun::Db | Noun::Customcode, true) => "No matching databases found",
        (Noun::Dbgroup, false) => "No dbgroups have been added yet",
        (Noun::Dbgroup, true) => "No matching dbgroups found",
        (Noun::Herd, false) => "There are no relgroups.",
        (Noun::Herd, true) => "There are no matching relgroups.",
        (Noun::Sync, _) => "No syncs found",
        (Noun::Table, false) => "No tables have been added yet",
        (Noun::Table, true) => "No matching tables found",
        (Noun::Sequence, false) => "There are no sequences.",
        (Noun::Sequence, true) => "There are no matching sequences.",
        (Noun::Conflict, _) => "No conflicts found",
    }
}
