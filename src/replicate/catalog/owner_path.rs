//! The search_path under which a table's rows are written: that of its owner's own sessions.
//!
//! CHECK constraints, index expressions, generated columns, domains and triggers call functions,
//! and what these name without a schema is looked up when they run. Their owner has tried them out
//! in sessions of his own. So the statements that write a table run under that path; nothing of
//! ours is looked up by it, for these statements name everything of theirs with its schema.

use crate::error::Result;
use crate::pg::{Connection, Ident, Relation};

/// What ends it.
pub const OURS: &str = "set local search_path to pg_catalog, pg_temp";

/// For each of these tables the statement that sets its owner's path for the transaction.
pub fn of_tables(conn: &mut Connection, tables: &[&Relation]) -> Result<Vec<String>> {
    let names: Vec<String> = tables.iter().map(ToString::to_string).collect();
    let mut all = vec![OURS.to_owned(); tables.len()];
    for row in conn.query(include_str!("../sql/owner_paths.sql"), &[&names])? {
        let (owner, path): (String, String) = (row.get(1), row.get(2));
        if let Some(place) = usize::try_from(row.get::<_, i32>(0)).ok().and_then(|at| all.get_mut(at)) {
            *place = format!("set local search_path to {}", safe(&path, &owner));
        }
    }
    Ok(all)
}

/// A path in which the server's own things come first and temporary ones last, whatever was said of
/// them.
fn safe(path: &str, owner: &str) -> String {
    let schemas = parts(path).into_iter().map(|part| if part == "$user" { owner.to_owned() } else { part });
    let others = schemas.filter(|part| !matches!(part.as_str(), "" | "pg_catalog" | "pg_temp"));
    let named: Vec<String> = others.map(|part| Ident::new(part).to_string()).collect();
    [&["pg_catalog".to_owned()], named.as_slice(), &["pg_temp".to_owned()]].concat().join(", ")
}

/// The names in a list as the server reads it: in double quotes as they are, others in lower case.
fn parts(path: &str) -> Vec<String> {
    let (mut parts, mut part, mut quoted, mut was_quoted) = (Vec::new(), String::new(), false, false);
    let mut chars = path.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => part.extend(chars.next()),
            '"' => (quoted, was_quoted) = (!quoted, true),
            ',' if !quoted => parts.push(std::mem::take(&mut part)),
            c if quoted => part.push(c),
            c if c.is_whitespace() => {}
            c => part.extend(c.to_lowercase()),
        }
    }
    if was_quoted || !part.is_empty() {
        parts.push(part);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_s_own_schema_comes_first_and_the_temporary_one_last() {
        for (path, expected) in [
            ("\"$user\", public", "pg_catalog, \"o\"\"wner\", \"public\", pg_temp"),
            ("public, pg_catalog, pg_temp", "pg_catalog, \"public\", pg_temp"),
            ("Shop, \"Sh,op\", \"a\"\"b\"", "pg_catalog, \"shop\", \"Sh,op\", \"a\"\"b\", pg_temp"),
            ("", "pg_catalog, pg_temp"),
            ("\"\"", "pg_catalog, pg_temp"),
            ("$user", "pg_catalog, \"o\"\"wner\", pg_temp"),
        ] {
            assert_eq!(safe(path, "o\"wner"), expected, "{path}");
        }
    }
}
