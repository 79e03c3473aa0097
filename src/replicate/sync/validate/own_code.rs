//! Code of the tables that we read and write, which runs in our session, with the rights of our
//! role: the owner of a table thereby gets these rights.
//!
//! When rows are written, CHECK constraints, indexes, defaults, domains, triggers and rules call
//! functions. When a query is only planned, the server evaluates functions of constants in the
//! expressions and predicates of indexes, in statistics and in partition keys.
//!
//! PostgreSQL gives no way out of a session's own rights: what such a function prepares, defers or
//! opens in the session is still there when it has returned. So it is told, exactly, where our role
//! may more than the owner of a table.

use crate::error::Result;
use crate::pg::{Connection, Relation};
use crate::replicate::identity::Actual;
use crate::replicate::notes::warning;
use std::collections::BTreeMap;

/// What our role does with the tables on a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It reads them.
    Reads,
    /// It writes them. `triggers_fire`: it cannot switch ordinary triggers and rules off.
    Writes {
        /// See above.
        triggers_fire: bool,
    },
}

/// The owner of tables who may less than our role.
struct Owner {
    name: String,
    tables: Vec<usize>,
    superuser: bool,
    beyond: Vec<String>,
}

/// Warnings about the tables of a sync on the database called `name`.
pub fn warnings(
    control: &mut Connection,
    conn: &mut Connection,
    name: &str,
    tables: &[&Relation],
    access: Access,
) -> Result<Vec<String>> {
    let names: Vec<String> = tables.iter().map(ToString::to_string).collect();
    let mut owners = owners(conn, &names)?;
    if owners.is_empty() {
        return Ok(Vec::new());
    }
    if controls(control, conn)? {
        let owned = "owns the control database on this server, with all passwords in it";
        owners.iter_mut().filter(|owner| !owner.superuser).for_each(|owner| owner.beyond.push(owned.to_owned()));
    }
    let user: String = conn.query_one("select current_user::text", &[])?.get(0);
    let code = own_code(conn, &names, access)?;
    let mut all: Vec<String> = superuser(name, &user, &owners, access).into_iter().collect();
    for owner in owners.iter().filter(|owner| !owner.beyond.is_empty()) {
        for (table, what) in owner.tables.iter().filter_map(|table| Some((tables.get(*table)?, code.get(table)?))) {
            all.push(warning(format!(
                "Table \"{}\" on database \"{name}\": {} runs with the rights of role \"{user}\", which {}; the owner of the table, \"{}\", \
                 gains that",
                table.label(),
                what.join(", "),
                owner.beyond.join(", "),
                owner.name
            )));
        }
    }
    Ok(all)
}

/// What any owner of a table can make of a superuser who reads or writes it, whether there is such
/// code now or not.
fn superuser(name: &str, user: &str, owners: &[Owner], access: Access) -> Option<String> {
    let runs = match access {
        Access::Reads => "what the server evaluates to plan a query (functions in indexes, statistics and partition keys)",
        Access::Writes { .. } => "what tables call when rows are written",
    };
    let names: Vec<String> = owners.iter().filter(|owner| owner.superuser).map(|owner| format!("\"{}\"", owner.name)).collect();
    (!names.is_empty()).then(|| {
        warning(format!(
            "Database \"{name}\": role \"{user}\" is a superuser, and {runs} runs with its rights: \
             their owners ({}) can become superuser. An ordinary role can replicate, see: bucardo_ctl help rights",
            names.join(", ")
        ))
    })
}

/// Whether our role on a database is, on the same server, the one to which the control database
/// belongs.
fn controls(control: &mut Connection, conn: &mut Connection) -> Result<bool> {
    let user = "select current_user::text";
    if control.query_one(user, &[])?.get::<_, String>(0) != conn.query_one(user, &[])?.get::<_, String>(0) {
        return Ok(false);
    }
    let (system, other) = (Actual::read(control)?.system, Actual::read(conn)?.system);
    Ok(system.is_some() && system == other)
}

fn owners(conn: &mut Connection, names: &[String]) -> Result<Vec<Owner>> {
    let rows = conn.query(include_str!("../../sql/beyond_owner.sql"), &[&names])?;
    let owner = |row: &postgres::Row| {
        let places: Vec<i32> = row.get(1);
        let tables = places.into_iter().filter_map(|place| usize::try_from(place).ok()).collect();
        Owner { name: row.get(0), tables, superuser: row.get(2), beyond: row.get(3) }
    };
    Ok(rows.iter().map(owner).collect())
}

/// By the places of tables, their code.
fn own_code(conn: &mut Connection, names: &[String], access: Access) -> Result<BTreeMap<usize, Vec<String>>> {
    let fire: &[&str] = match access {
        Access::Writes { triggers_fire: false } => &["A", "R"],
        _ => &["A", "R", "O"],
    };
    let written = access != Access::Reads;
    let rows = conn.query(include_str!("../../sql/own_code.sql"), &[&names, &fire, &written])?;
    Ok(rows.iter().filter_map(|row| Some((usize::try_from(row.get::<_, i32>(0)).ok()?, row.get(1)))).collect())
}
