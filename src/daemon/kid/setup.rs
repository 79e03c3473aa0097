//! Opening a kid: its databases, the plans for all tables on all lanes, the receipts.

use super::Place;
use super::job_monitor::Watch;
use super::noted::Noted;
use crate::control::channel;
use crate::control::connections;
use crate::control::db;
use crate::control::former_name;
use crate::control::gap::{self, Place as GapPlace};
use crate::control::identity::refuse_halted;
use crate::control::servers;
use crate::control::settings::Settings;
use crate::control::sync::{Goat, Sync, SyncType};
use crate::daemon::kid::connections::{Opened, Opening, Wanted};
use crate::daemon::process::control_session::ControlSession;
use crate::daemon::process::mail_texts::Whose;
use crate::daemon::process::mailer;
use crate::daemon::process::role::Role;
use crate::daemon::process::signals::Signals;
use crate::error::{Error, Kind, Result};
use crate::pg::{Canceller, ConnInfo, Connection, Relation};
use crate::replicate::capture::gaps::{self, Look, Member};
use crate::replicate::capture::kick::armed_flag;
use crate::replicate::capture::records;
use crate::replicate::capture::{install, retire};
use crate::replicate::catalog::compare;
use crate::replicate::catalog::shape::{self, Shape};
use crate::replicate::copy::workers::CopyConnections;
use crate::replicate::identity::installation;
use crate::replicate::identity::lineage::{self, Way};
use crate::replicate::identity::neighbours;
use crate::replicate::identity::{self, Side};
use crate::replicate::ids::{ById, ByMember, Id, MemberId, TableId};
use crate::replicate::own_schema;
use crate::replicate::plan::strategy::{SequenceStrategy, Strategy};
use crate::replicate::plan::{Copying, Feed, Plan, Route};
use crate::replicate::round::sequence::{Sequence, Sequences};
use crate::replicate::round::{Carrier, Copies, Lane, Parts, Sessions, Table};
use crate::replicate::session::source::Source;
use crate::replicate::session::target::Target;
use std::collections::BTreeSet;
use std::time::Duration;

/// The settings of a kid.
pub(super) struct KidSettings {
    /// For how many seconds consumed changes are kept.
    pub retention: f64,
    /// How long it sleeps at most.
    pub sleep: Duration,
}

/// Each table's shape on each member.
type Shapes = ById<TableId, ById<MemberId, Shape>>;

/// The members of a sync that one kid serves.
struct Members {
    sync: Sync,
    /// Masters first.
    names: ById<MemberId, String>,
    /// Those where what comes is noted for other syncs.
    noting: ById<MemberId, bool>,
    masters: usize,
    sources: ByMember<Source>,
    targets: ByMember<Target>,
    rehearses: bool,
    types: ByMember<String>,
    /// The database to which no connection was left.
    lacking: Option<String>,
}

/// The session on the control database, if that leaves enough to others.
pub(super) fn control_session(place: &Place, signals: Signals) -> Result<ControlSession> {
    let mut session = ControlSession::open(&place.launch, &place.role, signals)?;
    let settings = Settings::load_for(&mut session.control, &place.sync)?;
    opening(place, &settings, false).admit_to_control(&mut session.control)?;
    Ok(session)
}

fn opening<'a>(place: &'a Place, settings: &Settings, replaces: bool) -> Opening<'a> {
    let reserve = settings.number("reserve_connections").clamp(0.0, 1e6) as i64;
    Opening { role: &place.role, sync: &place.sync, target: &place.target, reserve, replaces }
}

/// The carrier and the settings.
pub(super) fn carrier(watch: &mut Watch, place: &Place) -> Result<(Carrier, KidSettings)> {
    watch.listen(&place.sync, &place.target)?;
    let control = &mut watch.session.control;
    let settings = Settings::load_for(control, &place.sync)?;
    let sync = Sync::load(control, &place.sync)?;
    let goats = sync.goats(control)?;
    gap::leave_others(control, &sync.name, &place.target, &goats.iter().map(|goat| goat.id).collect::<Vec<_>>())?;
    let mut members = Members::new(sync, &place.target);
    refuse_halted(control, &members.names)?;
    former_name::refuse(control, &members.sync.name, &members.names)?;
    let infos = members.names.iter().map(|name| db::conninfo(control, name)).collect::<Result<ById<_, _>>>()?;
    let opening = opening(place, &settings, !watch.servers.is_empty());
    watch.servers = servers::of_databases(control, &members.names)?;
    watch.servers.extend(servers::of_control(control, &place.launch.control)?);
    members.noting = members.names.iter().map(|name| db::makes_delta(control, name)).collect::<Result<_>>()?;
    if let Err(error) = members.open(control, &opening, &infos) {
        members.disarm();
        if let Some(db) = &members.lacking {
            let servers = servers::of_databases(control, std::slice::from_ref(db))?;
            watch.session.notify(channel::CONNECTIONS_WANTED, &servers.join(" "))?;
        }
        return Err(error);
    }
    watch.session.signals.cancel_at_stop(members.cancellers());
    let control = &mut watch.session.control;
    let connections = members.connections(&place.role, &infos, &settings);
    members.rehearses = place.rehearses;
    let parts = members.parts(control, &goats, &settings, &place.target);
    tell_gaps(watch, place)?;
    let mut parts = Parts { connections, ..parts? };
    check_lineage(&mut watch.session.control, &mut parts)?;
    let sleep = settings.seconds("kid_pingtime").max(Duration::from_secs(1));
    let looked = !parts.copies.only && !parts.rehearses;
    let mut carrier = Carrier::new(parts)?;
    if looked {
        // Before rows come into partitions that took the place of others.
        carrier.settle_departed_partitions(&mut watch.session.control).map_err(|error| carrier.named(error))?;
    }
    Ok((carrier, KidSettings { retention: settings.number("delta_retention"), sleep }))
}

/// Makes sure that each source is the one that gave the receipts, and holds what they lack.
fn check_lineage(control: &mut Connection, parts: &mut Parts) -> Result<()> {
    let Parts { sync, sessions, tables, copies, .. } = parts;
    if copies.only {
        return Ok(());
    }
    let copied = !tables.is_empty() && tables.iter().all(|table| table.copy);
    let Sessions { names, sources, targets, lanes } = sessions;
    for Lane { from, to, .. } in lanes.iter() {
        let (Some(source), Some(target)) = (sources.get_mut(from), targets.get_mut(to)) else { continue };
        let copies = copied && from.is_first() && !copies.filled.contains(to);
        let way = Way { sync, from: &names[*from], to: &names[*to], copies };
        lineage::check(control, way, &mut source.conn, &mut target.conn)?;
    }
    Ok(())
}

/// 0 means never to cut: everything in one transaction.
fn batch(settings: &Settings) -> i64 {
    match settings.number("batch_changes") {
        changes if changes < 1.0 => i64::MAX / 2,
        changes => changes.min(1e15) as i64,
    }
}

/// Not more than there are processors: each table that is being copied keeps one busy on each side.
fn jobs(settings: &Settings) -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    processors.min(settings.number("copy_jobs").clamp(1.0, 1e3) as usize)
}

impl Members {
    fn new(sync: Sync, place: &str) -> Members {
        let mut names = sync.masters_of(place);
        let masters = names.len();
        if !names.iter().any(|name| name == place) {
            names.push(place.to_owned());
        }
        let noting = vec![false; names.len()].into();
        let (sources, targets, types) = Default::default();
        Members { sync, names: names.into(), noting, masters, sources, targets, rehearses: false, types, lacking: None }
    }

    fn is_master(&self, member: MemberId) -> bool {
        member.place() < self.masters
    }

    fn contested(&self) -> bool {
        self.masters > 1
    }

    fn copies_only(&self) -> bool {
        self.sync.synctype == SyncType::Fullcopy
    }

    /// What was opened is kept where something fails, so that its flags can be put down.
    fn open(&mut self, control: &mut Connection, opening: &Opening, infos: &ById<MemberId, ConnInfo>) -> Result<()> {
        let (contested, is_master) = (self.contested(), |member: &MemberId| self.is_master(*member));
        let sources = self.names.ids().filter(is_master).map(|number| (number, "source"));
        let receivers = self.names.ids().filter(|number| contested || !is_master(number));
        let sides: Vec<(MemberId, &'static str)> = sources.chain(receivers.map(|number| (number, "target"))).collect();
        let wanted =
            |(number, side): &(MemberId, &'static str)| Wanted { name: &self.names[*number], info: &infos[*number], side };
        let wanted: Vec<Wanted> = sides.iter().map(wanted).collect();
        let Opened { sessions, lacking, outcome } = opening.open(control, &wanted);
        self.lacking = lacking;
        for (at, mut conn) in sessions {
            let (number, side) = sides[at];
            let name = self.names[number].clone();
            installation::settle(control, &name, &mut conn)?;
            connections::note_limit(control, &name, &mut conn)?;
            if side == "target" {
                identity::ensure(control, &name, Side::Receiver, &mut conn)?;
                self.targets.insert(number, Target::new(conn)?);
                continue;
            }
            if !self.copies_only() {
                identity::ensure(control, &name, Side::Source, &mut conn)?;
            }
            let sleeper = if self.contested() { self.sync.sleepers(&name).swap_remove(0) } else { opening.target.to_owned() };
            let flag = (!self.copies_only()).then(|| armed_flag(conn.schema(), &self.sync.name, &sleeper));
            self.sources.insert(number, Source::new(conn, flag, self.sync.isolation)?);
        }
        outcome
    }

    /// The way to further sessions; several masters have no use for them.
    fn connections(&self, role: &Role, infos: &[ConnInfo], settings: &Settings) -> Option<CopyConnections> {
        let [source, target] = infos else { return None };
        Some(CopyConnections {
            source: source.named(role.application_name("source")),
            source_schema: self.sources.get(&MemberId::FIRST)?.conn.schema(),
            isolation: self.sync.isolation,
            target: target.named(role.application_name("target")),
            target_schema: self.targets.values().next_back()?.conn.schema(),
            jobs: jobs(settings),
        })
    }

    fn cancellers(&self) -> Vec<Canceller> {
        let sources = self.sources.values().map(|source| source.conn.canceller());
        sources.chain(self.targets.values().map(|target| target.conn.canceller())).collect()
    }

    /// Until everybody is back, writers need not wake anybody.
    fn disarm(&mut self) {
        for source in self.sources.values_mut() {
            // What failed is told already; this is a courtesy to the writers.
            let _ = source.disarm();
        }
    }

    fn parts(mut self, control: &mut Connection, goats: &[Goat], settings: &Settings, place: &str) -> Result<Parts> {
        let (tables, sequences): (Vec<&Goat>, Vec<&Goat>) = goats.iter().partition(|goat| goat.is_table);
        let mut shapes = self.shapes(control, &tables, place)?;
        let compared_at = gap::now(control)?;
        let filled = self.filled()?;
        self.close_filled(control, &tables, &filled, place)?;
        self.tell_of_copies(&filled)?;
        let copied_once = self.sync.onetimecopy != 0 && self.receivers().any(|number| !filled.contains(&number));
        let noted = self.noted(&mut shapes, copied_once && self.sync.onetimecopy == 1)?;
        let mut lanes = ById::default();
        for (from, to) in self.ways() {
            let plans = tables.iter().zip(shapes.iter()).map(|(goat, shapes)| self.plan(goat, shapes, (from, to), &noted));
            lanes.push(Lane::new(from, to, plans.collect::<Result<_>>()?));
        }
        let tables = tables.iter().zip(shapes.iter()).map(|(goat, shapes)| self.table(goat, shapes, copied_once, &filled));
        let tables = tables.collect::<Result<_>>()?;
        let sequences = sequences.iter().map(|goat| self.sequence(goat)).collect::<Result<_>>()?;
        let only = self.copies_only();
        let (batch, details) = (batch(settings), settings.flag("log_conflict_details"));
        let Members { sync, names, sources, targets, rehearses, types, .. } = self;
        let asked = sync.copy_asked.filter(|_| !only && copied_once);
        Ok(Parts {
            sync: sync.name,
            place: place.to_owned(),
            sessions: Sessions { names, sources, targets, lanes },
            tables,
            sequences: Sequences::new(sequences),
            copies: Copies { only, asked, filled },
            connections: None,
            batch,
            details,
            rates: sync.track_rates && !only,
            rehearses,
            compared_at,
            types,
        })
    }

    /// From each source to each other receiver.
    fn ways(&self) -> Vec<(MemberId, MemberId)> {
        let from_each = |from: &MemberId| self.targets.keys().filter(|to| *to != from).map(|to| (*from, *to)).collect::<Vec<_>>();
        self.sources.keys().flat_map(from_each).collect()
    }

    /// The shapes of all tables. What was missed since they were last compared is noted before
    /// anything is refused.
    fn shapes(&mut self, control: &mut Connection, goats: &[&Goat], place: &str) -> Result<Shapes> {
        if let Some(goat) = goats.iter().find(|goat| !goat.looked_up && !self.copies_only()) {
            return Err(Error::new(Kind::Mismatch, format!("Table \"{}\" was not validated yet", goat.relation.label())));
        }
        let mut shapes: Shapes = vec![ById::default(); goats.len()].into();
        let look = Look::of_a_kid(control)?;
        for number in self.names.ids() {
            let members = self.gap_members(goats, number);
            let relations: Vec<Relation> = members.iter().map(|member| member.relation.clone()).collect();
            let found = shape::read_all(self.session(number), &relations)?;
            if !self.copies_only() && !self.rehearses {
                let types = gaps::types(self.session(number), &relations)?;
                self.types.insert(number, types);
                self.notice_gaps(control, &members, &found, number, place, &look)?;
            }
            let on = format!("database \"{}\"", self.names[number]);
            for (shapes, found) in shapes.iter_mut().zip(found) {
                shapes.push(found.map_err(|error| error.context(on.clone()))?);
            }
        }
        if !self.copies_only() && !self.rehearses {
            look.end(control, &self.sync.name, place, self.names.len())?;
        }
        for (number, target) in self.targets.iter_mut() {
            let written: Vec<u32> = shapes.iter().map(|shapes| shapes[*number].oid).collect();
            neighbours::unseen(&mut target.conn, &self.names[*number], &written)?.map_or(Ok(()), Err)?;
        }
        if !self.copies_only() {
            for (number, source) in self.sources.iter_mut() {
                source.captures(&shapes.iter().map(|shapes| &shapes[*number]).collect::<Vec<_>>())?;
            }
        }
        Ok(shapes)
    }

    /// The tables as a member calls them.
    fn gap_members(&self, goats: &[&Goat], number: MemberId) -> Vec<Member> {
        let there = |goat: &Goat| if number.is_first() { goat.relation.clone() } else { goat.relation_on(&self.names[number]) };
        goats.iter().map(|goat| Member { goat: goat.id, relation: there(goat) }).collect()
    }

    fn session(&mut self, number: MemberId) -> &mut Connection {
        match self.sources.get_mut(&number) {
            Some(source) => &mut source.conn,
            None => &mut self.targets[number].conn,
        }
    }

    fn notice_gaps(
        &mut self,
        control: &mut Connection,
        members: &[Member],
        found: &[Result<Shape>],
        number: MemberId,
        place: &str,
        look: &Look,
    ) -> Result<()> {
        let (sync, db) = (self.sync.name.clone(), self.names[number].clone());
        let place = GapPlace { sync: &sync, target: place, db: &db };
        let known = gap::known(control, place)?;
        let relations: Vec<Relation> = members.iter().map(|member| member.relation.clone()).collect();
        let contents = gaps::contents(self.session(number), &relations)?;
        let is_known = |((member, shape), content): ((&Member, &Result<Shape>), &Option<String>)| {
            let guard = shape.as_ref().ok().map(|shape| shape.state.guard.as_str());
            guard.is_none_or(|guard| gaps::is_known(known.get(&member.goat), guard, content.as_deref(), &member.relation))
        };
        if members.iter().zip(found).zip(&contents).all(is_known) {
            return Ok(());
        }
        let is_source = self.sources.contains_key(&number);
        own_schema::alone(self.session(number), |conn| {
            let states = gaps::states(conn, members)?;
            gaps::compare(control, place, conn, members, &states, is_source, look)
        })
    }

    /// What was missing before a copy was asked for is there once all receivers have the copy, also
    /// if the one who made it died before he said so.
    fn close_filled(&self, control: &mut Connection, tables: &[&Goat], filled: &BTreeSet<MemberId>, place: &str) -> Result<()> {
        let Some(asked) = &self.sync.copy_asked else { return Ok(()) };
        if self.sync.onetimecopy != 1 || self.receivers().any(|number| !filled.contains(&number)) {
            return Ok(());
        }
        let goats: Vec<i32> = tables.iter().map(|goat| goat.id).collect();
        gap::close(control, &self.sync.name, place, &goats, asked).map(drop)
    }

    /// The same for what the sources could not capture: a KID may have died when the receivers had
    /// the copy and the sources had not heard of it. No round has passed a gap since, so what the
    /// receipts include the copy included.
    fn tell_of_copies(&mut self, filled: &BTreeSet<MemberId>) -> Result<()> {
        let is_complete = self.sync.copy_asked.is_some() && self.receivers().all(|number| filled.contains(&number));
        if self.copies_only() || self.sync.onetimecopy != 1 || !is_complete {
            return Ok(());
        }
        for (from, to) in self.ways().into_iter().filter(|(_, to)| filled.contains(to)) {
            let (Some(source), Some(target)) = (self.sources.get_mut(&from), self.targets.get_mut(&to)) else { continue };
            if let Some(receipt) = target.receipt(&self.sync.name, &self.names[from])? {
                source.note_receipt(&self.sync.name, &self.names[to], &receipt, true)?;
            }
        }
        Ok(())
    }

    /// Where changes are noted, and by which key, which becomes the key of the source's shape.
    /// Nothing is carried while it is known that something was not noted, unless all is `copied`
    /// now.
    fn noted(&mut self, shapes: &mut Shapes, copied: bool) -> Result<Noted> {
        let mut noted = Noted::default();
        if self.copies_only() {
            return Ok(noted);
        }
        for (number, source) in self.sources.iter_mut() {
            let oids: Vec<u32> = shapes.iter().map(|shapes| shapes[*number].oid).collect();
            noted.schemas.insert(*number, source.conn.schema());
            noted.captures.insert(*number, records::read(&mut source.conn, &oids)?);
            noted.gaps.insert(*number, records::count_gaps(&mut source.conn, &oids)?);
            for target in self.targets.keys().filter(|target| *target != number && !copied) {
                let gaps = records::gaps(&mut source.conn, &self.sync.name, std::slice::from_ref(&self.names[*target]))?;
                if !gaps.is_empty() {
                    return Err(records::missing(&self.names[*number], &self.sync.name, &gaps));
                }
            }
        }
        if noted.captures.values().flat_map(|tables| tables.values()).flatten().any(|one| one.since.is_some()) {
            self.read_receipts(&mut noted)?;
        }
        for shapes in shapes.iter_mut() {
            let newest = noted.newest_serves(shapes);
            let mut order = Vec::new();
            for number in self.sources.keys() {
                let shape = &mut shapes[*number];
                noted.choose(*number, shape, newest)?;
                // Keys of several masters meet in one table, so their columns come in one order
                // everywhere.
                shape.keys.iter_mut().for_each(|key| *key = key.in_order(&order));
                if order.is_empty() {
                    order = shape.keys.first().map(|key| key.columns.clone()).unwrap_or_default();
                }
            }
        }
        for (number, since) in noted.settled.clone() {
            let Some(source) = self.sources.get_mut(&number) else { continue };
            for target in self.targets.keys().filter(|target| **target != number) {
                retire::settle(&mut source.conn, &self.sync.name, &self.names[*target], since)?;
            }
            retire::retire(&mut source.conn)?;
        }
        Ok(noted)
    }

    fn read_receipts(&mut self, noted: &mut Noted) -> Result<()> {
        for (from, to) in self.ways() {
            let Some(target) = self.targets.get_mut(&to) else { continue };
            let receipt = target.receipt(&self.sync.name, &self.names[from])?;
            noted.receipts.insert((from, to), receipt);
        }
        Ok(())
    }

    fn plan(
        &mut self,
        goat: &Goat,
        shapes: &ById<MemberId, Shape>,
        (from, to): (MemberId, MemberId),
        noted: &Noted,
    ) -> Result<Plan> {
        let feed = self.feed(goat, &shapes[to], &shapes[from], to)?;
        let route = Route {
            sync: self.sync.name.clone(),
            from: self.names[from].clone(),
            member: from.number(),
            to: self.names[to].clone(),
            masters: self.contested(),
            traced: feed.is_some(),
        };
        let source = self.selected(goat, &shapes[from], from, to)?;
        let (target, strict) = (&shapes[to], self.sync.strict && goat.strict);
        let narrows = || compare::narrows(&source, target, strict).filter(|_| !self.copies_only());
        if let Some(why) = compare::leaves_out(&source, target, strict).or_else(narrows) {
            let hint = "Alter the column there, too; the sync goes on by itself after that.";
            let sentence = format!("Table \"{}\" on database \"{}\": {why}", target.relation.label(), self.names[to]);
            return Err(Error::new(Kind::Mismatch, sentence).hint(hint));
        }
        let copying = copying(&self.sync, goat);
        if self.copies_only() {
            return Ok(Plan::for_copies(goat.id, &source, &shapes[to], &route)?.copied(copying));
        }
        let (names, captured, record) = noted.of(&shapes[from], from, to);
        let plan =
            Plan::new(goat.id, &source, &shapes[to], None, &route)?.copied(copying).noted(names, &captured, &source, record);
        match feed {
            Some(feed) => plan.with_feed(feed),
            None => Ok(plan),
        }
    }

    /// The source's table, or what is selected from it for this receiver.
    fn selected(&mut self, goat: &Goat, table: &Shape, from: MemberId, to: MemberId) -> Result<Shape> {
        let clause = goat.selected_for(&self.names[to], self.is_master(to));
        match (clause, self.sources.get_mut(&from)) {
            (Some(clause), Some(source)) => table.selected(&mut source.conn, clause),
            _ => Ok(table.clone()),
        }
    }

    /// The receiver's own deltas matter when it is a master, and when what comes there is to go
    /// further. That needs deltas there, which another sync has made.
    fn feed(&mut self, goat: &Goat, table: &Shape, source: &Shape, to: MemberId) -> Result<Option<Feed>> {
        let feeds_targets = self.contested() && to.is_first() && !self.sync.targets.is_empty();
        let makedelta = goat.makedelta.unwrap_or(self.sync.makedelta) || self.noting[to] || feeds_targets;
        if !makedelta && !self.contested() {
            return Ok(None);
        }
        let Some(target) = self.targets.get_mut(&to) else { return Ok(None) };
        let key = source.keys.first().map(|key| key.columns.as_slice()).unwrap_or_default();
        let captured = install::captured(&mut target.conn, table.oid, key)?;
        Ok(captured.map(|(names, keys)| Feed { names, keys, makedelta }))
    }

    fn table(
        &mut self,
        goat: &Goat,
        shapes: &ById<MemberId, Shape>,
        copied_once: bool,
        filled: &BTreeSet<MemberId>,
    ) -> Result<Table> {
        let word = goat.standard_conflict.as_deref().or(self.sync.conflict_strategy.as_deref());
        let strategy = Strategy::parse(word, &self.sync.members())?;
        let only_empty = self.sync.onetimecopy == 2;
        let copy = copied_once && (!only_empty || self.is_empty_at_others(shapes, filled)?);
        Ok(Table { strategy, copy, only_empty, bypass: goat.bypass })
    }

    /// Who gets copies.
    fn receivers(&self) -> impl Iterator<Item = MemberId> + '_ {
        self.targets.keys().copied().filter(|number| !number.is_first())
    }

    /// The receivers that have the copy that is to be made once: each knows for which request it
    /// was filled.
    fn filled(&mut self) -> Result<BTreeSet<MemberId>> {
        let Some(asked) = &self.sync.copy_asked else { return Ok(BTreeSet::new()) };
        let mut filled = BTreeSet::new();
        for (number, target) in self.targets.iter_mut().filter(|(number, _)| !number.is_first()) {
            filled.extend((target.copied(&self.sync.name)?.as_ref() == Some(asked)).then_some(*number));
        }
        Ok(filled)
    }

    fn is_empty_at_others(&mut self, shapes: &ById<MemberId, Shape>, filled: &BTreeSet<MemberId>) -> Result<bool> {
        for number in self.receivers().filter(|number| !filled.contains(number)).collect::<Vec<_>>() {
            let empty = format!("select not exists (select from {})", shapes[number].from_clause());
            let Some(target) = self.targets.get_mut(&number) else { continue };
            if !target.conn.query_one(&empty, &[])?.get::<_, bool>(0) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn sequence(&self, goat: &Goat) -> Result<Sequence> {
        let word = goat.standard_conflict.as_deref();
        let name =
            |(number, db): (MemberId, &String)| if number.is_first() { goat.relation.clone() } else { goat.relation_on(db) };
        let names = self.names.pairs().map(name).collect();
        Ok(Sequence { names, strategy: SequenceStrategy::parse(word, self.sync.conflict_strategy.as_deref())? })
    }
}

/// Says what is missing and was not said yet, in the log and by mail.
pub(super) fn tell_gaps(watch: &mut Watch, place: &Place) -> Result<()> {
    let whose = Whose { sync: &place.sync, source: &place.source, target: &place.target };
    mailer::tell_gaps(&mut watch.session.control, &place.launch, &whose)
}

/// TRUNCATE is for fullcopy alone: elsewhere, readers of the target shall not have to wait.
fn copying(sync: &Sync, goat: &Goat) -> Copying {
    let fullcopy = sync.synctype == SyncType::Fullcopy;
    Copying {
        truncate: fullcopy && sync.deletemethod != "delete",
        cascade: sync.deletemethod == "truncate_cascade",
        extra: sync.copyextra.clone(),
        analyze: goat.analyze_after_copy,
        reindex: goat.rebuild_index,
    }
}
