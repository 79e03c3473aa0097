//! Foreign keys in force in a session on a receiver: which there are, and plans that heed them.

use crate::error::{Error, Result};
use crate::pg::{Connection, Relation};
use crate::replicate::plan::{Plan, Reference};

/// The same plans where these foreign keys are in force in this session. What would take rows along
/// unseen is refused ([`Plan::with_enforced_foreign_keys`]); `checked` tells what would help, as
/// [`apply_quietly`](crate::pg::session::apply_quietly) returns it.
pub fn with_enforced_foreign_keys(conn: &mut Connection, plans: Vec<Plan>, checked: Option<&str>) -> Result<Vec<Plan>> {
    let references = found(conn, &plans)?;
    let with_enforced_foreign_keys =
        plans.into_iter().zip(references).map(|(plan, references)| plan.with_enforced_foreign_keys(&references));
    with_enforced_foreign_keys.collect::<Result<_>>().map_err(|error| advised(error, checked))
}

/// Adds to an error what would help where it is foreign keys in force that make a difference.
pub fn advised(error: Error, checked: Option<&str>) -> Error {
    match checked {
        Some(note) => error.hint(format!("Let foreign keys be off: {note}")),
        None => error,
    }
}

/// For each of these tables, the foreign keys that refer to it.
fn found(conn: &mut Connection, plans: &[Plan]) -> Result<Vec<Vec<Reference>>> {
    let names: Vec<String> = plans.iter().map(|plan| plan.target.to_string()).collect();
    let mut all = vec![Vec::new(); plans.len()];
    for row in conn.query(include_str!("../sql/references.sql"), &[&names])? {
        let from = Relation::new(row.get::<_, String>(1), row.get::<_, String>(2));
        let of = usize::try_from(row.get::<_, i32>(0)).ok().and_then(|at| all.get_mut(at));
        of.into_iter().for_each(|of| of.push(Reference { from: from.clone(), acts: row.get(3), heeds: row.get(4) }));
    }
    Ok(all)
}
