//! What to do about refusals. The control database refuses rows by rules, and databases are found
//! not to fit, deep below, where the command that asked is not known; here, at the top, is the
//! advice for each. The rule itself stays where it is enforced.

use crate::error::{Error, Kind};

/// What an error may say (often the name of a rule, as the server quotes it), and what to do then.
/// The first that fits counts.
const ADVICE: &[(&str, &str)] = &[
    ("requires an argument", "write --option=value"),
    ("does not take an argument", "give the option alone"),
    ("Unknown option: ", "--help lists the options"),
    (" is ambiguous (", "write the whole name of the option"),
    ("(number expected)", "the value of this option is a whole number"),
    (
        "_name_sane",
        "a name begins with a letter and has only letters, digits and underscores; a sync cannot be called pushdelta, fullcopy or swap",
    ),
    ("db_dsn_unique", "`list db` shows the database with the same host, port, name and user; add that one to what you need"),
    ("db_status", "the status is active or inactive"),
    ("_pk\"", "that name is taken; `list` shows what there is"),
    ("standard_conflict_sequence", "for a sequence, standard_conflict is one of source, target, skip, lowest, highest"),
    ("standard_conflict", "for a table, standard_conflict is one of source, target, skip, random, latest, abort"),
    ("custom_needs_pkey", "customselect works only for a table with a primary key or a unique index over NOT NULL columns"),
    ("has_schemaname", "the name of a schema must have at least two characters"),
    ("sync_source_targetdb_type", "`list sync` shows the sync that does the same already"),
    ("sync_source_targetgroup_type", "`list sync` shows the sync that does the same already"),
    ("dbmap_role", "the role of a database in a group is source or target"),
    ("sync_targetdb_fk", "`list db` shows the databases; `add db` adds one"),
    ("sync_targetgroup_fk", "`list dbgroup` shows the groups; `add dbgroup` adds one"),
    ("sync_txnmode", "the isolation level is 'repeatable read' or 'serializable': a weaker one would not show all changes"),
    ("different databases", "all tables of a herd are in one database: make a herd for each database"),
    ("of the same name", "a table can be in a herd only once"),
    ("sync_source_herd_fk", "`list herd` shows the herds; `add herd` adds one"),
    ("type boolean", "write yes or no, on or off, true or false, 1 or 0"),
    ("type smallint", "the value of this column is a whole number"),
    ("type integer", "the value of this column is a whole number"),
    ("type bigint", "the value of this column is a whole number"),
    ("type interval", "an interval looks like '30 seconds' or '2 hours'"),
    ("is both source and target", "name another database with targetdb=, or take it out of the group"),
    ("Table not found: ", "create the table there, or remove it from the herd"),
    (
        "SQLSTATE 2201B",
        "a pattern is a name with * in front, behind or both; any other special character must make sense in a regular expression",
    ),
    (
        "SQLSTATE 25006",
        "the control database takes no changes: is it a standby, or is default_transaction_read_only set for it or for this role?",
    ),
    ("cannot run until it is removed", "a daemon runs already, or somebody else has just started one; `status` shows its PID"),
    (
        "Cannot run while this file exists",
        "somebody has just asked for a stop, or for another start; `status` shows what came of it",
    ),
    ("SQLSTATE 22003", "a number is too large for its column"),
];

/// Adds the advice that belongs to what `error` says, unless it carries some already.
pub fn advise(error: Error) -> Error {
    let text = error.to_string();
    // A usage text is advice enough, and its words are not those of a rule.
    if error.hint_text().is_some() || text.contains("Usage: ") {
        return error;
    }
    match ADVICE.iter().find(|(rule, _)| text.contains(rule)) {
        Some((_, advice)) => error.hint(*advice),
        None => error,
    }
}

/// Whether `error` is the refusal of the rule called `name`.
pub fn is(error: &Error, name: &str) -> bool {
    error.to_string().contains(&format!("\"{name}\""))
}

/// Something the user named that is not there.
pub fn missing(message: impl Into<String>, hint: impl Into<String>) -> Error {
    Error::new(Kind::NotFound, message).hint(hint)
}

/// Something that cannot be done as asked.
pub fn refused(message: impl Into<String>, hint: impl Into<String>) -> Error {
    Error::new(Kind::Refused, message).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_rule_comes_with_advice_and_keeps_its_own() {
        let broken = || Error::new(Kind::Database, "violates check constraint \"standard_conflict_sequence\"");
        assert!(advise(broken()).hint_text().is_some_and(|hint| hint.starts_with("for a sequence")));
        assert_eq!(advise(broken().hint("mine")).hint_text(), Some("mine"));
        assert_eq!(advise(Error::new(Kind::Usage, "Usage: x standard_conflict=y")).hint_text(), None);
        assert!(is(&broken(), "standard_conflict_sequence") && !is(&broken(), "standard_conflict"));
    }
}
