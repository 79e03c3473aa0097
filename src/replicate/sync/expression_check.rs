//! What will fail when rows are written, found out before any is: functions of constraints, index
//! expressions, generated columns and domains that do not find what they call.
//!
//! Each expression is evaluated once, for a row of the table or, if it has none, for one of NULLs,
//! and rolled back. What the functions make of the row does not matter, only what they do not find.

use crate::error::Result;
use crate::pg::{Connection, Relation};
use crate::replicate::catalog::owner_path;
use crate::replicate::notes::warning;
use postgres::error::SqlState;

/// Something that is evaluated when a row is written.
struct Expression {
    place: usize,
    what: String,
    text: String,
    unique: bool,
}

/// Warnings about the tables that are written on the database called `name`. On one of several
/// masters, we compare by the expressions of unique indexes ourselves, without the owner's
/// search_path.
pub fn warnings(conn: &mut Connection, name: &str, tables: &[&Relation], is_master: bool) -> Result<Vec<String>> {
    let names: Vec<String> = tables.iter().map(ToString::to_string).collect();
    let rows = conn.query(include_str!("../sql/expressions.sql"), &[&names])?;
    let expression = |row: &postgres::Row| {
        let place = usize::try_from(row.get::<_, i32>(0)).ok()?;
        Some(Expression { place, what: row.get(1), text: row.get(2), unique: row.get(3) })
    };
    let all: Vec<Expression> = rows.iter().filter_map(expression).collect();
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let paths = owner_path::of_tables(conn, tables)?;
    let mut found = Vec::new();
    for one in all.iter().filter(|one| one.place < tables.len()) {
        let (table, what) = (tables[one.place], &one.what);
        let of = format!("Table \"{}\" on database \"{name}\": {what}", table.label());
        if let Some(lack) = lacks(conn, table, &one.text, &paths[one.place])? {
            found.push(warning(format!("{of} cannot be evaluated: {lack}")));
        } else if is_master && one.unique {
            let lack = lacks(conn, table, &one.text, owner_path::OURS)?;
            found.extend(lack.map(|lack| {
                warning(format!(
                    "{of} cannot be compared among masters: {lack}; let its functions name what they use with its schema"
                ))
            }));
        }
    }
    found.dedup();
    Ok(found)
}

/// What the functions in a query do not find that is selected instead of a table. It is part of our
/// own statements on the source, which have no search_path.
pub fn of_selection(conn: &mut Connection, query: &str) -> Result<Option<String>> {
    evaluate(conn, &format!("select t::text as value from ({query}) as t limit 1"), owner_path::OURS)
}

/// What an expression does not find, if anything.
fn lacks(conn: &mut Connection, table: &Relation, expression: &str, path: &str) -> Result<Option<String>> {
    let row = format!("(select) as one left join lateral (select * from only {table} limit 1) as t on true");
    evaluate(conn, &format!("select ({expression}) as value from {row}"), path)
}

fn evaluate(conn: &mut Connection, query: &str, path: &str) -> Result<Option<String>> {
    // The names in the query itself are those of the catalog, for our own path; what the functions
    // call is looked up later.
    let begin = "begin; set local statement_timeout to '5s'";
    let evaluated = conn
        .batch_execute(&format!("{begin}; create temporary view bucardo_foretold as {query}"))
        .and_then(|()| conn.batch_execute(path))
        .and_then(|()| conn.query_opt("select value is null from pg_temp.bucardo_foretold", &[]).map(drop));
    conn.batch("rollback")?;
    Ok(evaluated.err().and_then(|error| {
        let error = error.as_db_error().filter(|error| NOT_FOUND.contains(error.code()))?;
        Some(error.message().to_owned())
    }))
}

const NOT_FOUND: [SqlState; 5] = [
    SqlState::UNDEFINED_FUNCTION,
    SqlState::UNDEFINED_TABLE,
    SqlState::UNDEFINED_OBJECT,
    SqlState::UNDEFINED_COLUMN,
    SqlState::INVALID_SCHEMA_NAME,
];
