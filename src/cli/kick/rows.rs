//! What the queue says of a kick. A notification is a bell that any session can ring; the rows of
//! `bucardo.q` are written by the daemon alone.

use super::display::Event;
use crate::control::sync::Sync;
use crate::error::Result;
use crate::pg::Connection;
use std::collections::BTreeSet;

/// The jobs that answer a kick: those of its sync that are younger.
pub struct Rows {
    /// The targets that must have a job done before the kick is served.
    places: Vec<String>,
    younger_than: i64,
}

impl Rows {
    /// For a kick with this number.
    pub fn new(control: &mut Connection, sync: &str, younger_than: i64) -> Rows {
        // Of a sync that cannot be read, the daemon tells why.
        let places = Sync::load(control, sync).map(|sync| sync.places()).unwrap_or_default();
        Rows { places, younger_than }
    }

    /// Whether the rows say what a notification says.
    pub fn confirm(&self, control: &mut Connection, sync: &str, event: &Event) -> Result<bool> {
        let sql = "select targetdb, aborted is not null from bucardo.q \
            where sync = $1 and id > $2 and targetdb is not null and (ended is not null or aborted is not null)";
        let jobs = control.query(sql, &[&sync, &self.younger_than])?;
        let of = |aborted: bool| -> BTreeSet<String> {
            jobs.iter().filter(|row| row.get::<_, bool>(1) == aborted).map(|row| row.get(0)).collect()
        };
        let (good, bad) = (of(false), of(true));
        Ok(match event {
            Event::TargetDone(target) => good.contains(target),
            Event::Done => !good.is_empty() && self.places.iter().all(|place| good.contains(place)),
            Event::TargetKilled(target) => bad.contains(target),
            Event::Killed => !bad.is_empty(),
        })
    }
}
