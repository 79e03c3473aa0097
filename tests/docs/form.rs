//! What a formatter does not see to: lines of comments have at most a hundred columns, and no file
//! of `src` six hundred lines.

use super::sources;
use std::fs;
use std::path::Path;

#[test]
fn comments_have_at_most_a_hundred_columns() {
    let long = |line: &&str| line.trim_start().starts_with("//") && line.chars().count() > 100;
    for path in ["src", "tests"].into_iter().flat_map(|folder| sources(Path::new(folder))) {
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().find(long), None, "{}", path.display());
    }
}

#[test]
fn no_source_file_has_six_hundred_lines() {
    for path in sources(Path::new("src")) {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines < 600, "{} has {lines} lines", path.display());
    }
}
