//! To whom our schema on a replicated database belongs. What is read there, called there or fires
//! there does so with the rights of our role, so the schema and everything in it must be that
//! role's, or a superuser's. An owner of the database can make such a schema before we come, and
//! put a view in the place of a table.
//!
//! It is asked before anything in the schema is looked at, and once more after it was made. While
//! the schema is ours, only a superuser can change that.

use crate::error::{Error, Kind, Result};
use crate::pg::{Connection, Ident};

/// Something that belongs to another role.
struct Foreign {
    what: String,
    role: String,
    owns: bool,
}

impl Foreign {
    fn sentence(&self) -> String {
        match self.owns {
            true => format!("{} belongs to role \"{}\"", self.what, self.role),
            false => format!("role \"{}\" may create objects in {}", self.role, self.what),
        }
    }
}

/// Refuses a database where our schema, or something in it, is not ours: [`Kind::Refused`], with
/// what it is.
pub fn check(conn: &mut Connection, database: &str) -> Result<()> {
    match foreign(conn)?.as_slice() {
        [] => Ok(()),
        found => Err(refusal(conn, &format!("Database \"{database}\""), found)),
    }
}

/// The same within the work on a database, where its name in the control database is not known.
pub fn check_again(conn: &mut Connection) -> Result<()> {
    match foreign(conn)?.as_slice() {
        [] => Ok(()),
        found => Err(refusal(conn, "The replicated database", found)),
    }
}

fn foreign(conn: &mut Connection) -> Result<Vec<Foreign>> {
    let rows = conn.query(&*conn.ours(include_str!("../sql/foreign_objects.sql")), &[])?;
    Ok(rows.iter().map(|row| Foreign { what: row.get(0), role: row.get(1), owns: row.get(2) }).collect())
}

fn refusal(conn: &mut Connection, place: &str, found: &[Foreign]) -> Error {
    let user = conn.query_one("select current_user::text", &[]).map_or_else(|_| "bucardo".to_owned(), |row| row.get(0));
    let all: Vec<String> = found.iter().map(Foreign::sentence).collect();
    let sentence = format!("{place}: {}; it would act with the rights of role \"{user}\"", all.join("; "));
    let (role, schema) = (Ident::new(user), conn.schema());
    let hint = match found {
        [Foreign { owns: false, role: other, .. }, ..] => {
            let other = if other == "PUBLIC" { other.clone() } else { Ident::new(other).to_string() };
            format!("Look at what is in the schema, then run: REVOKE CREATE ON SCHEMA {schema} FROM {other};")
        }
        _ => format!(
            "Remove it (for the whole schema: DROP SCHEMA {schema} CASCADE;) and validate the sync. If another role of the replicator made \
             it, let a superuser change its owner, as in: ALTER SCHEMA {schema} OWNER TO {role};"
        ),
    };
    Error::new(Kind::Refused, sentence).hint(hint)
}
