//! Databases that come back to a sync which they had left, or which had left them. Meanwhile the
//! sources kept nothing for them, and so the receipts of that time are void: taken at their word,
//! they would say that a source went back in time. What is missing is told as a gap.

use super::{Members, both};
use crate::control::gap;
use crate::error::Result;
use crate::pg::Connection;
use crate::replicate::identity::lineage;
use crate::replicate::own_schema::has_table;

impl Members<'_> {
    /// Voids the receipts of ways that were given up and are about to be made anew. To be called
    /// before the sources know of them again.
    pub(super) fn void_former_receipts(&mut self, control: &mut Connection) -> Result<()> {
        let given_up = gap::given_up(control, &self.sync.name)?;
        for (from, to) in self.ways() {
            let (source_name, receiver_name) = (self.names[from].clone(), self.names[to].clone());
            let place = self.place_of(to);
            let is_given_up = |db: &String| given_up.contains(&(place.clone(), db.clone()));
            if !is_given_up(&source_name) && !is_given_up(&receiver_name) {
                continue;
            }
            let (source, receiver) = both(&mut self.conns, from, to);
            if !is_consumer(source, &self.sync.name, &receiver_name)? {
                lineage::void_receipt(receiver, &self.sync.name, &source_name)?;
            }
        }
        Ok(())
    }

    /// The KID that serves a receiver, by its target.
    fn place_of(&self, receiver: usize) -> String {
        let of_masters = self.sync.partners.first().filter(|_| receiver < self.masters);
        of_masters.unwrap_or(&self.names[receiver]).clone()
    }
}

fn is_consumer(source: &mut Connection, sync: &str, receiver: &str) -> Result<bool> {
    if !has_table(source, "bucardo_delta_targets")? {
        return Ok(false);
    }
    let sql = "select from bucardo.bucardo_delta_targets where sync = $1 and targetdb = $2";
    Ok(source.query_opt(&*source.ours(sql), &[&sync, &receiver])?.is_some())
}
