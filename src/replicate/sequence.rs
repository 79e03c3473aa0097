//! Sequences of a herd: each round gives the target the source's value where it changed.
//!
//! A sequence's value belongs to no transaction, on either side, so neither does carrying it: it is set when the rows have been committed, and
//! setting it again does no harm. What was sent is remembered by each kid for its own target.

use crate::error::{Error, Result};
use crate::pg::ident::literal;
use crate::pg::{Connection, Relation};

/// A sequence's state: `last_value` and `is_called`.
type Value = (i64, bool);

/// The sequences of a herd.
#[derive(Debug, Default)]
pub struct Sequences {
    names: Vec<Relation>,
    query: String,
    sent: Vec<Option<Value>>,
}

impl Sequences {
    /// For these sequences.
    pub fn new(names: Vec<Relation>) -> Sequences {
        let each = names.iter().enumerate().map(|(n, name)| format!("select {n}, last_value::bigint, is_called from {name}"));
        let query = each.collect::<Vec<_>>().join(" union all ");
        Sequences { sent: vec![None; names.len()], query, names }
    }

    /// Sets on the target what changed on the source since this was last called; returns how many that were.
    pub fn carry(&mut self, source: &mut Connection, target: &mut Connection) -> Result<usize> {
        if self.names.is_empty() {
            return Ok(0);
        }
        let now = self.read(source)?;
        if self.sent.iter().any(Option::is_none) {
            self.sent = self.read(target)?;
        }
        let mut changed = 0;
        for (n, value) in now.iter().enumerate().filter(|(n, value)| self.sent[*n] != **value) {
            if let Some((last, called)) = value {
                let setval = format!("select pg_catalog.setval({}, {last}, {called})", literal(&self.names[n].to_string()));
                target.batch(&setval).map_err(|error| self.named(error, n))?;
                changed += 1;
            }
        }
        self.sent = now;
        Ok(changed)
    }

    fn read(&self, conn: &mut Connection) -> Result<Vec<Option<Value>>> {
        let mut values = vec![None; self.names.len()];
        let query = conn.keep(&self.query)?;
        for row in conn.query(&query, &[])? {
            if let Some(value) = usize::try_from(row.get::<_, i32>(0)).ok().and_then(|n| values.get_mut(n)) {
                *value = Some((row.get(1), row.get(2)));
            }
        }
        Ok(values)
    }

    fn named(&self, error: Error, n: usize) -> Error {
        error.context(format!("sequence {}", self.names[n].label()))
    }
}
