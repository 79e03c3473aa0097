//! `list dbgroup`.

use super::{Entry, width};
use crate::cli::pattern::starred;
use crate::error::Result;
use crate::pg::Connection;

pub fn entries(control: &mut Connection, words: &[String]) -> Result<Vec<Entry>> {
    let patterns: Vec<_> = words.iter().map(|word| starred(word)).collect();
    let sql = "select g.name, array(select m.db from bucardo.dbmap m where m.dbgroup = g.name order by 1) \
        from bucardo.dbgroup g where cardinality($1::text[]) = 0 or g.name ~ any ($1::text[]) order by g.name";
    let groups: Vec<(String, Vec<String>)> =
        control.query(sql, &[&patterns])?.iter().map(|row| (row.get(0), row.get(1))).collect();
    let lines = lines(&groups);
    Ok(groups.into_iter().zip(lines).map(|((key, _), line)| Entry { line, below: None, more: Vec::new(), key }).collect())
}

fn lines(groups: &[(String, Vec<String>)]) -> Vec<String> {
    let width = width(groups.iter().map(|(name, _)| name.as_str()), 0);
    let line = |(name, members): &(String, Vec<String>)| match members.as_slice() {
        [] => format!("Database group: {name}"),
        members => format!("Database group: {name:<width$}  Members: {}", members.join(", ")),
    };
    groups.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_appear_if_there_are_any() {
        let groups = [("g1".to_owned(), vec!["B".to_owned(), "c".to_owned()]), ("g2".to_owned(), vec![])];
        assert_eq!(lines(&groups), ["Database group: g1  Members: B, c", "Database group: g2"]);
    }
}
