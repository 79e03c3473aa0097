//! What a validation makes: receipts on receivers, captures on sources. What was missed until then
//! is noted before it is mended.

use super::{Members, Shapes, refused_on, wanted_key};
use crate::control::departed_partition::{self, Fate};
use crate::control::gap::{self, Place};
use crate::control::sync::{Goat, SyncType};
use crate::error::Result;
use crate::pg::Connection;
use crate::replicate::capture::departed_partition as partition;
use crate::replicate::capture::gaps::{self, Look, Member};
use crate::replicate::capture::triggers::Firings;
use crate::replicate::capture::{install, make, records};
use crate::replicate::catalog::bypasses;
use crate::replicate::catalog::shape::{Key, Shape};
use crate::replicate::identity::neighbours::{self, Always};
use crate::replicate::notes::warning;
use crate::replicate::own_schema;

impl Members<'_> {
    /// Makes what is missing on all members, and notes what was missed before that was so.
    pub(super) fn make(
        &mut self,
        control: &mut Connection,
        goats: &[Goat],
        tables: &[Shapes],
        notes: &mut Vec<String>,
    ) -> Result<()> {
        let receivers = if self.masters > 1 { 0 } else { 1 };
        for receiver in receivers..self.names.len() {
            let givers = self.givers(receiver);
            let oids: Vec<u32> = tables.iter().map(|shapes| shapes[receiver].oid).collect();
            install::target_base(&mut self.conns[receiver], &self.sync.name, &givers, &oids)?;
            self.show_identity(receiver, &oids)?;
            let unseen = neighbours::unseen(&mut self.conns[receiver], &self.names[receiver], &oids)?;
            notes.extend(unseen.map(|error| warning(format!("{error}. {}", error.hint_text().unwrap_or_default()))));
        }
        if self.sync.synctype == SyncType::Fullcopy && !self.sync.ping {
            return Ok(());
        }
        let of_tables: Vec<i32> = goats.iter().filter(|goat| goat.is_table).map(|goat| goat.id).collect();
        gap::forget_others(control, self.sync, &of_tables)?;
        self.void_former_receipts(control)?;
        let look = Look::beside_a_kid(control)?;
        for target in self.masters..self.names.len() {
            self.compare_target(control, target, goats, &look)?;
        }
        for master in 0..self.masters {
            self.capture(control, master, goats, tables, notes, &look)?;
            let oids: Vec<u32> = tables.iter().map(|shapes| shapes[master].oid).collect();
            self.show_identity(master, &oids)?;
        }
        for place in self.sync.places() {
            let masters = self.sync.masters_of(&place);
            let members = masters.len() + usize::from(!masters.contains(&place));
            look.end(control, &self.sync.name, &place, members)?;
            self.settle_departed_partitions(control, &place, goats, tables)?;
        }
        if self.sync.synctype == SyncType::Fullcopy { Ok(()) } else { self.check_gaps(notes) }
    }

    /// A partition that left a member of a KID, and that others still have, is a gap.
    fn settle_departed_partitions(
        &mut self,
        control: &mut Connection,
        place: &str,
        goats: &[Goat],
        tables: &[Shapes],
    ) -> Result<()> {
        let masters = self.sync.masters_of(place);
        let belongs = |name: &String| name == place || masters.contains(name);
        let (all, mut settled) = (departed_partition::all(control, &self.sync.name, place)?, Vec::new());
        for departed in &all {
            let mut of_tables = goats.iter().filter(|goat| goat.is_table).zip(tables);
            let Some((_, shapes)) = of_tables.find(|(goat, _)| goat.id == departed.goat) else { continue };
            let Some(left) = self.names.iter().position(|name| *name == departed.db) else { continue };
            if partition::is_back(&mut self.conns[left], &shapes[left].relation, departed)? {
                settled.push((departed, shapes[left].relation.label(), Fate::IsBack));
                continue;
            }
            let mut others_have_it = false;
            for other in (0..self.names.len()).filter(|other| *other != left && belongs(&self.names[*other])) {
                if !departed.is_followed(&self.names[other], &all) {
                    others_have_it |= partition::may_have(&mut self.conns[other], &shapes[other].relation, departed)?;
                }
            }
            let fate = if others_have_it { Fate::IsElsewhere } else { Fate::IsGone };
            settled.push((departed, shapes[left].relation.label(), fate));
        }
        // What one of them says of another counts until all are settled.
        settled.iter().try_for_each(|(departed, table, fate)| {
            let place = Place { sync: &self.sync.name, target: place, db: &departed.db };
            departed_partition::settle(control, place, departed, table, *fate, true)
        })
    }

    /// Lets the owners of the tables read what says whose our objects are, and where they were
    /// made.
    fn show_identity(&mut self, member: usize, tables: &[u32]) -> Result<()> {
        let conn = &mut self.conns[member];
        let names = ["bucardo_installation", "bucardo_identity", "bucardo_accepted", "bucardo_unlogged", "bucardo_lock"];
        make::readable_by_owners(conn, tables, &names.map(|name| conn.schema().relation(name)))
    }

    /// What could not be captured is told until the tables have been copied. If that is already
    /// asked for, it is a note.
    fn check_gaps(&mut self, notes: &mut Vec<String>) -> Result<()> {
        for master in 0..self.masters {
            let receivers = self.sync.receivers(&self.names[master]);
            let gaps = records::gaps(&mut self.conns[master], &self.sync.name, &receivers)?;
            if gaps.is_empty() {
                continue;
            }
            let missing = records::missing(&self.names[master], &self.sync.name, &gaps);
            if self.sync.onetimecopy != 1 {
                return Err(missing);
            }
            notes.push(missing.to_string());
        }
        Ok(())
    }

    /// The tables as a member calls them.
    fn gap_members(&self, number: usize, goats: &[Goat]) -> Vec<Member> {
        let there = |goat: &Goat| if number == 0 { goat.relation.clone() } else { goat.relation_on(&self.names[number]) };
        let tables = goats.iter().filter(|goat| goat.is_table);
        tables.map(|goat| Member { goat: goat.id, relation: there(goat) }).collect()
    }

    /// Notes what vanished from a target.
    fn compare_target(&mut self, control: &mut Connection, target: usize, goats: &[Goat], look: &Look) -> Result<()> {
        let (members, name) = (self.gap_members(target, goats), &self.names[target]);
        if self.sync.synctype == SyncType::Fullcopy {
            return Ok(());
        }
        let place = Place { sync: &self.sync.name, target: name, db: name };
        own_schema::alone(&mut self.conns[target], |conn| {
            let states = gaps::states(conn, &members)?;
            gaps::compare(control, place, conn, &members, &states, false, look)
        })
    }

    /// Makes what captures the changes of a master. What was missed until then is noted before it
    /// is mended.
    fn capture(
        &mut self,
        control: &mut Connection,
        master: usize,
        goats: &[Goat],
        shapes: &[Shapes],
        notes: &mut Vec<String>,
        look: &Look,
    ) -> Result<()> {
        let (gap_members, name) = (self.gap_members(master, goats), self.names[master].clone());
        let served = self.sync.places().into_iter().filter(|place| self.sync.masters_of(place).contains(&name));
        let served: Vec<String> = served.filter(|_| self.sync.synctype != SyncType::Fullcopy).collect();
        let sync = self.sync;
        let place = |target| Place { sync: &sync.name, target, db: &name };
        let members: Vec<(&Goat, &Shape)> =
            goats.iter().filter(|goat| goat.is_table).zip(shapes.iter().map(|shapes| &shapes[master])).collect();
        let kicking: Vec<&Shape> =
            members.iter().filter(|(goat, _)| goat.ping.unwrap_or(self.sync.ping)).map(|(_, table)| *table).collect();
        let tables: Vec<&Shape> = members.iter().map(|(_, table)| *table).collect();
        let oids: Vec<u32> = tables.iter().map(|table| table.oid).collect();
        let captured = self.always[master];
        let label = |note: String| format!("Database \"{name}\": {note}");
        own_schema::alone(&mut self.conns[master], |conn| {
            install::source_base(conn)?;
            let neighbours = Always::of(conn, &oids)?;
            notes.extend(neighbours.note().map(label).map(warning));
            let always = captured || neighbours == Always::Needed;
            let before = gaps::states(conn, &gap_members)?;
            for target in &served {
                gaps::compare(control, place(target), conn, &gap_members, &before, true, look)?;
            }
            let firing = &Firings::read(conn, &self.sync.name, always)?;
            let all = install::wake(conn, self.sync, &name, &tables, &kicking, firing)?;
            let only_copies = self.sync.synctype == SyncType::Fullcopy;
            notes.extend(bypasses::notes(conn, &tables, always, only_copies)?.into_iter().map(label).map(warning));
            if self.sync.synctype != SyncType::Fullcopy {
                let mut keyed: Vec<(&Shape, Key)> = Vec::new();
                for ((goat, table), all) in members.iter().zip(shapes) {
                    // The same columns on all masters.
                    keyed.push((table, table.key(wanted_key(goat, &all[0])).cloned().unwrap_or_default()));
                }
                let captured = make::capture_tables(conn, &keyed, firing).map_err(|error| refused_on(error, &name))?;
                notes.extend(captured.into_iter().map(label));
            }
            install::register(conn, self.sync, &name, &tables, firing, &all)?;
            let after = gaps::states(conn, &gap_members)?;
            gap::carry_over(control, &name, &gaps::changes(&before, &after))?;
            served.iter().try_for_each(|target| gaps::learn(control, place(target), &gap_members, &after))
        })
    }
}
