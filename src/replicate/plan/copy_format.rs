//! The form in which the rows of a whole table travel: as text or, faster, in binary.
//!
//! Text has to be made by one server and understood by the other, which is more than a quarter of
//! the work of a copy. But PostgreSQL's manual (COPY, "Binary Format") warns that the binary form
//! may differ between versions, and that a reader of another type misunderstands it. So it is for
//! servers of the same version whose columns have the very same types, and for types whose binary
//! form is the whole value: no object ids, no locale.

use crate::error::Result;
use crate::pg::Connection;
use crate::replicate::plan::Plan;
use postgres::types::{Kind, Type};

/// How rows travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyFormat {
    /// As text, in this encoding.
    Text(String),
    /// As each type's own bytes; texts in UTF8, the encoding of our sessions.
    Binary,
}

/// The types that have the same binary form in all databases of a version, each with its array.
const PLAIN: [Type; 22] = [
    Type::BOOL,
    Type::INT2,
    Type::INT4,
    Type::INT8,
    Type::FLOAT4,
    Type::FLOAT8,
    Type::NUMERIC,
    Type::TEXT,
    Type::VARCHAR,
    Type::BPCHAR,
    Type::BYTEA,
    Type::DATE,
    Type::TIME,
    Type::TIMETZ,
    Type::TIMESTAMP,
    Type::TIMESTAMPTZ,
    Type::INTERVAL,
    Type::UUID,
    Type::JSON,
    Type::JSONB,
    Type::INET,
    Type::CIDR,
];

impl CopyFormat {
    /// The form for a copy that starts now, in the open transactions of both sessions: until these
    /// end, neither table can get columns of other types. `encoding` is what both servers would
    /// speak in texts.
    pub fn of_copy(source: &mut Connection, target: &mut Connection, plan: &Plan, encoding: &str) -> Result<CopyFormat> {
        let possible = encoding == "UTF8" && plan.copying().extra.trim().is_empty() && same_version(source, target);
        let binary = possible
            && match (types(source, &plan.copy_out_query())?, types(target, &plan.filled_columns())?) {
                (Some(drawn), Some(filled)) => suits(&drawn, &filled),
                _ => false,
            };
        Ok(if binary { CopyFormat::Binary } else { CopyFormat::Text(encoding.to_owned()) })
    }

    /// The end of a COPY, in its old form without parentheses, after what the user wants to have
    /// there.
    pub fn options(&self, extra: &str) -> String {
        match self {
            CopyFormat::Text(encoding) => format!("{} encoding '{encoding}'", extra.trim()),
            CopyFormat::Binary => "binary".to_owned(),
        }
    }
}

fn same_version(source: &Connection, target: &Connection) -> bool {
    source.version() / 10_000 == target.version() / 10_000
}

/// The types of a query's columns. Parsing it locks its tables, against changes only, until the
/// transaction's end. None, if one is younger than the transaction's snapshot: the driver, unlike
/// the server, does not find it then.
fn types(conn: &mut Connection, query: &str) -> Result<Option<Vec<Type>>> {
    match conn.prepare(query) {
        Ok(statement) => Ok(Some(statement.columns().iter().map(|column| column.type_().clone()).collect())),
        Err(error) if error.code().is_none() && !conn.is_closed() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn suits(drawn: &[Type], filled: &[Type]) -> bool {
    drawn == filled && drawn.iter().all(is_plain)
}

fn is_plain(of: &Type) -> bool {
    match of.kind() {
        // What the driver takes for an array may be another type with elements: an old vector, or
        // one of somebody's own.
        Kind::Array(element) => of.schema() == "pg_catalog" && of.name().starts_with('_') && PLAIN.contains(element),
        _ => PLAIN.contains(of),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_is_for_columns_of_the_same_plain_types() {
        assert!(suits(&[Type::INT8, Type::TEXT_ARRAY], &[Type::INT8, Type::TEXT_ARRAY]));
        assert!(!suits(&[Type::INT8], &[Type::FLOAT8]), "both have eight bytes");
        assert!(!suits(&[Type::INT8], &[]), "a column is missing");
        for odd in [Type::INT2_VECTOR, Type::MONEY, Type::MONEY_ARRAY, Type::REGCLASS, Type::XML, Type::RECORD] {
            assert!(!suits(std::slice::from_ref(&odd), std::slice::from_ref(&odd)), "{odd}");
        }
    }
}
