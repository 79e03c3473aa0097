//! `list sync`.

use super::newer::Conditions;
use super::{Entry, width};
use crate::cli::pattern;
use crate::error::Result;
use crate::pg::Connection;

const TYPES: [&str; 3] = ["swap", "pushdelta", "fullcopy"];

struct Sync {
    name: String,
    kind: String,
    source: String,
    target: String,
    status: String,
    members: Vec<String>,
}

/// The words are names, patterns, and types, which restrict what the names select; so does, as in
/// the newer dialect, `column=value`.
pub fn entries(control: &mut Connection, words: &[String]) -> Result<Vec<Entry>> {
    let is_type = |word: &&String| TYPES.iter().any(|kind| word.eq_ignore_ascii_case(kind));
    let types: Vec<_> = words.iter().filter(is_type).map(|word| word.to_lowercase()).collect();
    let (mut wanted, mut patterns) = (Conditions::default(), Vec::new());
    for word in words.iter().filter(|word| !is_type(word)) {
        if !wanted.add(control, word)? {
            patterns.push(pattern::sync(word));
        }
    }
    let sql = include_str!("sync.sql").replace("true /* which */", &wanted.condition);
    let rows = control.query(&sql, &[&patterns, &wanted.values, &types])?;
    let syncs: Vec<_> = rows.iter().map(sync).collect();
    let lines = lines(&syncs);
    Ok(syncs.into_iter().zip(lines).map(|(sync, line)| Entry { line, below: None, more: sync.members, key: sync.name }).collect())
}

fn sync(row: &postgres::Row) -> Sync {
    Sync {
        name: row.get("name"),
        kind: row.get("synctype"),
        source: row.get("source"),
        target: row.get("target"),
        status: row.get("status"),
        members: row.get("members"),
    }
}

fn lines(syncs: &[Sync]) -> Vec<String> {
    let name = width(syncs.iter().map(|sync| sync.name.as_str()), 5);
    let kind = width(syncs.iter().map(|sync| sync.kind.as_str()), 4);
    let source = width(syncs.iter().map(|sync| sync.source.as_str()), 3);
    let target = width(syncs.iter().map(|sync| sync.target.as_str()), 3);
    let line = |sync: &Sync| {
        let arrow = if sync.kind == "swap" { "<=>" } else { "=> " };
        let status = capitalised(&sync.status);
        format!(
            "Sync: {:<name$}  ({:<kind$})  {:<source$} {arrow} {:<target$}  ({status})",
            sync.name, sync.kind, sync.source, sync.target
        )
    };
    syncs.iter().map(line).collect()
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sync(name: &str, kind: &str, target: &str, status: &str) -> Sync {
        let text = str::to_owned;
        let (name, kind, target, status) = (text(name), text(kind), text(target), text(status));
        Sync { name, kind, source: text("h2"), target, status, members: vec![] }
    }

    #[test]
    fn arrows_and_columns_line_up() {
        let syncs = [
            sync("grp", "pushdelta", "g1", "active"),
            sync("s2", "fullcopy", "B", "active"),
            sync("sw", "swap", "c", "inactive"),
        ];
        assert_eq!(
            lines(&syncs),
            [
                "Sync: grp    (pushdelta)  h2  =>  g1   (Active)",
                "Sync: s2     (fullcopy )  h2  =>  B    (Active)",
                "Sync: sw     (swap     )  h2  <=> c    (Inactive)",
            ]
        );
    }
}
