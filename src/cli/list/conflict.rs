//! `list conflicts [SYNC ...]`: rows that several masters changed at once, and who won; the newest
//! last.

use super::{Entry, width};
use crate::cli::pattern;
use crate::error::Result;
use crate::pg::Connection;

struct Conflict {
    id: i64,
    sync: String,
    table: String,
    key: String,
    strategy: String,
    winner: Option<String>,
    at: String,
    changes: Vec<String>,
    details: Option<String>,
}

pub fn entries(control: &mut Connection, words: &[String]) -> Result<Vec<Entry>> {
    let patterns: Vec<_> = words.iter().map(|word| pattern::sync(word)).collect();
    control.expect_much();
    let rows = control.query(include_str!("conflict.sql"), &[&patterns])?;
    let conflict = |row: &postgres::Row| Conflict {
        id: row.get("id"),
        sync: row.get("sync"),
        table: row.get("label"),
        key: row.get("key"),
        strategy: row.get("strategy"),
        winner: row.get("winner"),
        at: row.get("at"),
        changes: row.get("changes"),
        details: row.get("details"),
    };
    let conflicts: Vec<_> = rows.iter().map(conflict).collect();
    let lines = lines(&conflicts);
    let entry =
        |(conflict, line): (&Conflict, String)| Entry { line, below: None, more: more(conflict), key: conflict.id.to_string() };
    Ok(conflicts.iter().zip(lines).map(entry).collect())
}

fn lines(conflicts: &[Conflict]) -> Vec<String> {
    let column = |text: fn(&Conflict) -> &str| width(conflicts.iter().map(text), 0);
    let (sync, table, key) = (column(|c| &c.sync), column(|c| &c.table), column(|c| &c.key));
    let line = |c: &Conflict| {
        let winner = c.winner.as_deref().unwrap_or("nobody");
        format!(
            "Conflict: {}  Sync: {:<sync$}  Table: {:<table$}  Key: {:<key$}  Winner: {winner} ({})",
            c.at, c.sync, c.table, c.key, c.strategy
        )
    };
    conflicts.iter().map(line).collect()
}

fn more(conflict: &Conflict) -> Vec<String> {
    let changes = (!conflict.changes.is_empty()).then(|| format!("  Changed on {}", conflict.changes.join(", ")));
    let details = conflict.details.as_ref().map(|details| format!("  Details: {details}"));
    changes.into_iter().chain(details).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_a_row_that_nobody_won_says_so() {
        let one = |key: &str, winner: Option<&str>| Conflict {
            id: 1,
            sync: "s".to_owned(),
            table: "public.t".to_owned(),
            key: key.to_owned(),
            strategy: "latest".to_owned(),
            winner: winner.map(str::to_owned),
            at: "Nov 23, 2026 02:30:00".to_owned(),
            changes: vec!["A at 02:29:58".to_owned(), "B at 02:29:59".to_owned()],
            details: None,
        };
        assert_eq!(
            lines(&[one("1|a", Some("B")), one("7", None)]),
            [
                "Conflict: Nov 23, 2026 02:30:00  Sync: s  Table: public.t  Key: 1|a  Winner: B (latest)",
                "Conflict: Nov 23, 2026 02:30:00  Sync: s  Table: public.t  Key: 7    Winner: nobody (latest)",
            ]
        );
        assert_eq!(more(&one("7", None)), ["  Changed on A at 02:29:58, B at 02:29:59"]);
    }
}
