//! Tables and sequences by name: reading what a user typed, and finding what the control database
//! knows under it (reference, 2.5).

use crate::cli::near;
use crate::error::Result;
use crate::pg::{Connection, Relation};

/// A table or sequence the control database knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goat {
    /// Its id.
    pub id: i32,
    /// The database it is in.
    pub db: String,
    /// `table` or `sequence`.
    pub kind: String,
    /// Its name.
    pub relation: Relation,
}

impl Goat {
    /// `Table` or `Sequence`, for the beginning of a line.
    pub fn title(&self) -> &'static str {
        if self.kind == "sequence" { "Sequence" } else { "Table" }
    }
}

/// What a user may have meant by a word.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    Id(i32),
    Qualified(String, String),
    Bare(String),
}

/// All goats called `word`: one by its id, one by schema and name, or all of that name, in any
/// schema and database. With `db`, only of that database.
pub fn find(control: &mut Connection, word: &str, db: Option<&str>) -> Result<Vec<Goat>> {
    let mut goats = all(control, word, db)?;
    if matches!(meaning(word), Meaning::Qualified(..)) {
        goats.truncate(1);
    }
    Ok(goats)
}

/// The same, but with schema and name in every database.
pub fn all(control: &mut Connection, word: &str, db: Option<&str>) -> Result<Vec<Goat>> {
    let (id, schema, name) = match meaning(word) {
        Meaning::Id(id) => (Some(id), None, None),
        Meaning::Qualified(schema, name) => (None, Some(schema), Some(name)),
        Meaning::Bare(name) => (None, None, Some(name)),
    };
    let sql = "select id, db, reltype, schemaname, tablename from bucardo.goat \
        where ($1::int is null or id = $1) and ($2::text is null or schemaname = $2) \
        and ($3::text is null or tablename = $3) and ($4::text is null or db = $4) order by id";
    let rows = control.query(sql, &[&id, &schema, &name, &db])?;
    Ok(rows.iter().map(goat).collect())
}

/// `hint`, behind a question for the goat whose name, with or without schema, is like `word`.
pub fn guess(control: &mut Connection, word: &str, hint: &str) -> String {
    let sql = "select distinct case when $1 ~ '[.]' then schemaname || '.' || tablename else tablename end \
        from bucardo.goat order by 1";
    let rows = control.query(sql, &[&word]);
    let names: Vec<String> = rows.into_iter().flatten().map(|row| row.get(0)).collect();
    near::ahead(near::question(word, names.iter().map(String::as_str)), hint)
}

/// All goats whose name, or schema and name, begins like this. With `db`, only of that database.
pub fn starting(control: &mut Connection, start: &str, db: Option<&str>) -> Result<Vec<Goat>> {
    let (schema, name) = start.split_once('.').map_or((None, start), |(schema, name)| (Some(schema), name));
    let sql = "select id, db, reltype, schemaname, tablename from bucardo.goat \
        where ($1::text is null or schemaname = $1) and left(tablename, length($2)) = $2 and ($3::text is null or db = $3) \
        order by schemaname, tablename, id";
    Ok(control.query(sql, &[&schema, &name, &db])?.iter().map(goat).collect())
}

/// The goat for one relation of one database; the oldest, should there be several.
pub fn find_exact(control: &mut Connection, db: &str, relation: &Relation) -> Result<Option<Goat>> {
    let sql = "select id, db, reltype, schemaname, tablename from bucardo.goat \
        where db = $1 and schemaname = $2 and tablename = $3 order by id limit 1";
    let row = control.query_opt(sql, &[&db, &relation.schema.raw(), &relation.name.raw()])?;
    Ok(row.as_ref().map(goat))
}

/// The same for many.
pub fn find_all_exact(control: &mut Connection, db: &str, relations: &[Relation]) -> Result<Vec<Goat>> {
    let (schemas, names): (Vec<_>, Vec<_>) = relations.iter().map(|one| (one.schema.raw(), one.name.raw())).unzip();
    let sql = "select distinct on (schemaname, tablename) id, db, reltype, schemaname, tablename from bucardo.goat \
        where db = $1 and (schemaname, tablename) in (select * from unnest($2::text[], $3::text[])) order by schemaname, tablename, id";
    Ok(control.query(sql, &[&db, &schemas, &names])?.iter().map(goat).collect())
}

/// A row of the columns id, db, reltype, schemaname and tablename.
pub fn goat(row: &postgres::Row) -> Goat {
    let relation = Relation::new(row.get::<_, String>(3), row.get::<_, String>(4));
    Goat { id: row.get(0), db: row.get(1), kind: row.get(2), relation }
}

fn meaning(word: &str) -> Meaning {
    if let Some(id) = word.parse().ok().filter(|_| word.chars().all(|c| c.is_ascii_digit())) {
        return Meaning::Id(id);
    }
    if let Some((schema, name)) = quoted(word) {
        return schema.map_or(Meaning::Bare(name.clone()), |schema| Meaning::Qualified(schema, name));
    }
    match word.split_once('.') {
        Some((schema, name)) => Meaning::Qualified(schema.to_owned(), name.to_owned()),
        None => Meaning::Bare(word.to_owned()),
    }
}

/// A name for `add table` and `add sequence`: word characters with or without schema, which is
/// `public` if missing. Names with other characters can be written in double quotes, as in SQL.
pub fn named(word: &str) -> Option<Relation> {
    let (schema, name) = if word.contains('"') { quoted(word)? } else { plain(word)? };
    Some(Relation::new(schema.unwrap_or_else(|| "public".to_owned()), name))
}

/// A name of word characters: schema, if any, and name.
fn plain(word: &str) -> Option<(Option<String>, String)> {
    let sane = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_');
    let (schema, name) = word.split_once('.').map_or((None, word), |(schema, name)| (Some(schema), name));
    (sane(name) && schema.is_none_or(sane)).then(|| (schema.map(str::to_owned), name.to_owned()))
}

/// A name with at least one part in double quotes: schema, if any, and name, without the quotes.
fn quoted(word: &str) -> Option<(Option<String>, String)> {
    if !word.contains('"') {
        return None;
    }
    let (first, rest) = part(word)?;
    match rest.strip_prefix('.') {
        None => rest.is_empty().then_some((None, first)),
        Some(rest) => part(rest).filter(|(_, rest)| rest.is_empty()).map(|(second, _)| (Some(first), second)),
    }
}

/// The first part of a name, and what follows.
fn part(text: &str) -> Option<(String, &str)> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let end = text.find(['.', '"']).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
    };
    let mut name = String::new();
    loop {
        let (before, after) = rest.split_once('"')?;
        name.push_str(before);
        let Some(doubled) = after.strip_prefix('"') else { return (!name.is_empty()).then_some((name, after)) };
        name.push('"');
        rest = doubled;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(word: &str) -> Option<(String, String)> {
        named(word).map(|r| (r.schema.raw().to_owned(), r.name.raw().to_owned()))
    }

    fn pair(schema: &str, name: &str) -> Option<(String, String)> {
        Some((schema.to_owned(), name.to_owned()))
    }

    #[test]
    fn the_schema_is_public_unless_given() {
        assert_eq!(label("t1"), pair("public", "t1"));
        assert_eq!(label("sc.t1"), pair("sc", "t1"));
    }

    #[test]
    fn other_characters_need_double_quotes() {
        for word in ["a.b.c", "t-1", "t 1", "", ".t", "s.", "\"open", "\"\"", "\"a\"x", "s.\"a\".b"] {
            assert_eq!(label(word), None, "{word}");
        }
        assert_eq!(label("\"Some \"\"Table\""), pair("public", "Some \"Table"));
        assert_eq!(label("sc.\"a.b\""), pair("sc", "a.b"));
        assert_eq!(label("\"S C\".t"), pair("S C", "t"));
    }

    #[test]
    fn digits_are_an_id_and_anything_else_a_name() {
        assert_eq!(meaning("12"), Meaning::Id(12));
        assert_eq!(meaning("s.t"), Meaning::Qualified("s".to_owned(), "t".to_owned()));
        assert_eq!(meaning("My Table"), Meaning::Bare("My Table".to_owned()));
        assert_eq!(meaning("\"a.b\""), Meaning::Bare("a.b".to_owned()));
    }
}
