//! `list herd`.

use super::{Entry, names, width};
use crate::cli::pattern::starred;
use crate::error::Result;
use crate::pg::Connection;

struct Herd {
    name: String,
    db: String,
    members: Vec<String>,
    syncs: Vec<String>,
}

pub fn entries(control: &mut Connection, words: &[String]) -> Result<Vec<Entry>> {
    let patterns: Vec<_> = words.iter().map(|word| starred(word)).collect();
    let rows = control.query(include_str!("herd.sql"), &[&patterns])?;
    let herd = |row: &postgres::Row| Herd { name: row.get(0), db: row.get(1), members: row.get(2), syncs: row.get(3) };
    let herds: Vec<_> = rows.iter().map(herd).collect();
    let entry = |(herd, line): (&Herd, String)| {
        let more = names("  Used in syncs: ", &herd.syncs).into_iter().collect();
        Entry { line, below: None, more, key: herd.name.clone() }
    };
    Ok(herds.iter().zip(lines(&herds)).map(entry).collect())
}

fn lines(herds: &[Herd]) -> Vec<String> {
    let name = width(herds.iter().map(|herd| herd.name.as_str()), 0);
    let db = width(herds.iter().map(|herd| herd.db.as_str()), 0);
    let line = |herd: &Herd| {
        let members = names("  Members: ", &herd.members).unwrap_or_default();
        format!("Herd: {:<name$}  DB: {:<db$}{members}", herd.name, herd.db).trim_end().to_owned()
    };
    herds.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_follow_the_database() {
        let text = |texts: &[&str]| -> Vec<String> { texts.iter().map(|text| (*text).to_owned()).collect() };
        let full = Herd { name: "h1".into(), db: "a".into(), members: text(&["sc.t3", "public.t2"]), syncs: text(&["s1"]) };
        let bare = Herd { name: "hall".into(), db: String::new(), members: vec![], syncs: vec![] };
        assert_eq!(lines(&[full, bare]), ["Herd: h1    DB: a  Members: sc.t3, public.t2", "Herd: hall  DB:"]);
    }
}
