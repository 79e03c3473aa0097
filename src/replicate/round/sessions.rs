//! The sessions on the members of a sync, and the lanes between them.

use crate::error::{Error, Kind, Result};
use crate::pg::Connection;
use crate::replicate::ids::{ById, ByMember, LaneId, MemberId, TableId};
use crate::replicate::plan::Plan;
use crate::replicate::round::Round;
use crate::replicate::session::source::{Look, Source};
use crate::replicate::session::target::Target;
use crate::replicate::snapshot::{Snapshot, Span};
use std::collections::{BTreeMap, BTreeSet};

/// See the module's text.
pub struct Sessions {
    /// The members' names in the control database.
    pub names: ById<MemberId, String>,
    /// The sessions from which changes are read.
    pub sources: ByMember<Source>,
    /// The sessions in which rows are written.
    pub targets: ByMember<Target>,
    /// From each source to each receiver.
    pub lanes: ById<LaneId, Lane>,
}

/// A way from one source to one receiver.
pub struct Lane {
    /// The source.
    pub from: MemberId,
    /// The receiver.
    pub to: MemberId,
    /// For all tables.
    pub(super) plans: ById<TableId, Plan>,
    pub(super) receipt: Option<Snapshot>,
    pub(super) encoding: String,
    /// Whether the source has a copy of the receipt.
    pub(super) noted: bool,
    /// Whether all tables have been copied as a whole since the source was told.
    pub(super) copied: bool,
}

impl Lane {
    /// Not opened yet: it knows no receipt.
    pub fn new(from: MemberId, to: MemberId, plans: ById<TableId, Plan>) -> Lane {
        Lane { from, to, plans, receipt: None, encoding: String::new(), noted: false, copied: false }
    }
}

impl Sessions {
    /// Reads the receipts of a sync; from then on, unless sources are `unmarked`, each round leaves
    /// a mark there.
    pub(super) fn open(&mut self, sync: &str, unmarked: bool) -> Result<()> {
        let Sessions { names, sources, targets, lanes } = self;
        for lane in lanes.iter_mut() {
            let (source, target) = (&mut sources[lane.from], &mut targets[lane.to]);
            lane.receipt = target.receipt(sync, &names[lane.from])?;
            lane.encoding = common_encoding(source, target)?;
        }
        for (number, source) in sources.iter_mut().filter(|_| !unmarked) {
            let receivers = lanes.iter().filter(|lane| lane.from == *number).map(|lane| names[lane.to].as_str());
            source.mark_for(sync, &receivers.collect::<Vec<_>>())?;
        }
        Ok(())
    }

    /// Whether there are several masters.
    pub(super) fn is_contested(&self) -> bool {
        self.sources.len() > 1
    }

    /// Takes the round's snapshots, a look for each lane.
    pub(super) fn looks(&mut self) -> Result<ById<LaneId, Look>> {
        let mut looks = ById::default();
        for lane in self.lanes.iter() {
            let source = &mut self.sources[lane.from];
            looks.push(source.look(&lane.plans, lane.receipt.as_ref())?);
        }
        Ok(looks)
    }

    /// The transactions that were running on each source.
    pub(super) fn running(&self, looks: ById<LaneId, Look>) -> BTreeMap<MemberId, Vec<i64>> {
        self.lanes.iter().zip(looks.into_vec()).map(|(lane, look)| (lane.from, look.now.running)).collect()
    }

    /// Among masters, what one receiver lacks goes to all.
    pub(super) fn add_lanes_of_same_source(&self, lanes: &mut Vec<LaneId>) {
        let sources: BTreeSet<MemberId> = lanes.iter().map(|lane| self.lanes[*lane].from).collect();
        *lanes = self.lanes.ids().filter(|lane| sources.contains(&self.lanes[*lane].from)).collect();
    }

    /// The receipt from which a lane's changes are taken. Among masters it is what all receivers of
    /// the source have: a receiver that committed a round in which the others died gets all of that
    /// round again, so that what is decided now holds there, too.
    pub(super) fn taken_after(&self, lane: LaneId) -> Option<Snapshot> {
        let from = self.lanes[lane].from;
        let receipts = self.lanes.iter().filter(|other| other.from == from).map(|other| other.receipt.clone());
        receipts.reduce(|one, other| Some(one?.common(&other?))).flatten()
    }

    pub(super) fn commit_sources(&mut self) -> Result<()> {
        self.sources.values_mut().try_for_each(Source::commit)
    }

    /// Rolls back everywhere and reads the receipts again: another session may have moved them.
    pub(super) fn roll_back(&mut self, sync: &str) -> Result<()> {
        self.sources.values_mut().try_for_each(Source::rollback)?;
        self.targets.values_mut().try_for_each(Target::rollback)?;
        for lane in self.lanes.iter_mut() {
            lane.receipt = self.targets[lane.to].receipt(sync, &self.names[lane.from])?;
        }
        Ok(())
    }

    /// The span of the changes that the round takes from a member; none if it is no source.
    pub(super) fn taken_from<'r>(&self, member: MemberId, round: &'r Round) -> Option<&'r Span> {
        let lane = self.lanes.find(|lane| lane.from == member)?;
        Some(&round.spans[lane])
    }

    /// All of them, each with what it is called.
    pub(super) fn all(&self) -> impl Iterator<Item = (String, &Connection)> {
        let sources =
            self.sources.iter().map(|(number, source)| (format!("source database \"{}\"", self.names[*number]), &source.conn));
        let targets =
            self.targets.iter().map(|(number, target)| (format!("target database \"{}\"", self.names[*number]), &target.conn));
        sources.chain(targets)
    }

    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = &mut Connection> {
        let sources = self.sources.values_mut().map(|source| &mut source.conn);
        sources.chain(self.targets.values_mut().map(|target| &mut target.conn))
    }
}

/// Bytes pass unchanged between servers of one encoding, whatever they are; else both sides speak
/// UTF8.
fn common_encoding(source: &mut Source, target: &mut Target) -> Result<String> {
    let ours = encoding(&mut source.conn)?;
    let same = ours == encoding(&mut target.conn)? && ours.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    Ok(if same { ours } else { "UTF8".to_owned() })
}

fn encoding(conn: &mut Connection) -> Result<String> {
    let setting = conn.prepare_cached("select current_setting('server_encoding')")?;
    let row = conn.query_opt(&setting, &[])?;
    row.map(|row| row.get(0)).ok_or_else(|| Error::new(Kind::Bug, "the server has no encoding"))
}
