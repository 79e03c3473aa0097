//! `list customcode`.

use super::{Entry, width};
use crate::cli::Personality;
use crate::cli::pattern::starred;
use crate::error::Result;
use crate::pg::Connection;

struct Code {
    name: String,
    about: Option<String>,
    whenrun: String,
    getdbh: bool,
    getrows: bool,
    trigrules: bool,
    active: bool,
}

pub fn entries(control: &mut Connection, personality: Personality, words: &[String]) -> Result<Vec<Entry>> {
    let patterns: Vec<_> = words.iter().map(|word| starred(word)).collect();
    let sql = include_str!("customcode.sql");
    let code = |row: &postgres::Row| Code {
        name: row.get(0),
        about: row.get(1),
        whenrun: row.get(2),
        getdbh: row.get(3),
        getrows: row.get(4),
        trigrules: row.get(5),
        active: row.get(6),
    };
    let codes: Vec<_> = control.query(sql, &[&patterns])?.iter().map(code).collect();
    let lines = lines(&codes, personality);
    Ok(codes
        .iter()
        .zip(lines)
        .map(|(code, line)| Entry { line, below: None, more: about(code), key: code.name.clone() })
        .collect())
}

fn lines(codes: &[Code], personality: Personality) -> Vec<String> {
    let name = width(codes.iter().map(|code| code.name.as_str()), 0);
    let when = width(codes.iter().map(|code| code.whenrun.as_str()), 0);
    let line = |code: &Code| {
        let start = format!("Code: {:<name$}  When run: {:<when$}  Get dbh: {}", code.name, code.whenrun, u8::from(code.getdbh));
        match personality {
            Personality::BucardoCtl4 => {
                format!("{start}  Get rows: {} Trigrules: {}", u8::from(code.getrows), u8::from(code.trigrules))
            }
            Personality::Bucardo5 => format!("{start}  Status: {}", if code.active { "active" } else { "inactive" }),
        }
    };
    codes.iter().map(line).collect()
}

fn about(code: &Code) -> Vec<String> {
    let text = code.about.as_deref().unwrap_or_default().trim_end();
    text.lines().enumerate().map(|(at, line)| if at == 0 { format!("  About: {line}") } else { format!("    {line}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_dialect_shows_what_it_knows() {
        let code = Code {
            name: "cc1".to_owned(),
            about: Some("counts\nrows".to_owned()),
            whenrun: "before_sync".to_owned(),
            getdbh: true,
            getrows: false,
            trigrules: false,
            active: true,
        };
        assert_eq!(about(&code), ["  About: counts", "    rows"]);
        let codes = [code];
        let four = "Code: cc1  When run: before_sync  Get dbh: 1  Get rows: 0 Trigrules: 0";
        assert_eq!(lines(&codes, Personality::BucardoCtl4), [four]);
        assert_eq!(lines(&codes, Personality::Bucardo5), ["Code: cc1  When run: before_sync  Get dbh: 1  Status: active"]);
    }
}
