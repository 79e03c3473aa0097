//! Validating a sync: looking at every database it needs, making what is missing there, and
//! recording the outcome.
//!
//! Everything is compared first, on all databases that can be reached; only when all tables fit is
//! anything made. So a refused sync leaves no trigger behind.

mod foresee;
mod joining;
mod making;
mod own_code;
mod renamed;
mod returning;
mod undoing;

use self::own_code::Access;
use crate::control::presence::{Presence, presence};
use crate::control::sync::{Goat, Sync, SyncType};
use crate::control::{channel, connections, db, identity as known};
use crate::error::{Error, Kind, Result};
use crate::pg::{Connection, Relation, pooler, session};
use crate::plain;
use crate::replicate::capture::shed;
use crate::replicate::catalog::privileges::{self, Part};
use crate::replicate::catalog::shape::{self, Shape};
use crate::replicate::catalog::{compare, stray_partitions};
use crate::replicate::identity::Recorded;
use crate::replicate::identity::installation;
use crate::replicate::identity::lineage::{self, Way};
use crate::replicate::identity::neighbours::{self, Side};
use crate::replicate::notes::{self, warning};
use crate::replicate::plan::strategy::{SequenceStrategy, Strategy};
use crate::replicate::plan::{Plan, Route};
use crate::replicate::round::sequence;
use crate::replicate::session::foreign_keys;
use crate::replicate::sync::faults::Faults;
use crate::replicate::sync::{deployments, expression_check, sequence_check};
use std::collections::{BTreeMap, BTreeSet};
use std::vec::IntoIter;

pub use foresee::foresee;
pub use joining::Joins;

/// Validates the sync called `name` and records the outcome, within whatever transaction `control`
/// is in. Returns what is worth telling. What does not fit is [`Kind::Mismatch`], a database that
/// cannot be reached [`Kind::Connect`], [`Kind::Crowded`] or [`Kind::Lost`].
pub fn sync(control: &mut Connection, name: &str) -> Result<Vec<String>> {
    let joins = joins(control)?;
    one_of_many(control, name, joins, &mut Sessions::default())
}

/// The same by the daemon, which has stopped what runs for the sync if anything joins it.
pub fn by_daemon(control: &mut Connection, name: &str) -> Result<Vec<String>> {
    one_of_many(control, name, Joins::Admit, &mut Sessions::default())
}

/// What becomes of tables that join, when another process than the daemon validates.
pub fn joins(control: &mut Connection) -> Result<Joins> {
    Ok(match presence(control)? {
        Presence::Absent(_) => Joins::Admit,
        Presence::Serves(_) | Presence::Awaited => Joins::Foresee,
    })
}

/// Sessions that were good for one sync, for the next: by database, and by whether it receives
/// rows, for which sessions are set up.
pub type Sessions = BTreeMap<(String, bool), Connection>;

/// The same for one of many syncs, which share their sessions.
pub fn one_of_many(control: &mut Connection, name: &str, joins: Joins, sessions: &mut Sessions) -> Result<Vec<String>> {
    let sync = Sync::load(control, name)?;
    if joins == Joins::Foresee {
        renamed::leave_to_daemon(control, &sync)?;
    }
    let outcome = joining::look_and_make(control, &sync, joins, sessions);
    record(control, name, &outcome)?;
    outcome
}

/// The databases of a sync: masters first, then targets.
struct Members<'a> {
    sync: &'a Sync,
    names: Vec<String>,
    masters: usize,
    conns: Vec<Connection>,
    /// By master: whether everything that is written there is captured.
    always: Vec<bool>,
    found: Vec<Found>,
    /// By receiver.
    plans: BTreeMap<usize, Vec<Plan>>,
}

/// What a member has of the herd, in its order: the shapes of the tables, and whether the sequences
/// are there.
struct Found {
    tables: IntoIter<Result<Shape>>,
    sequences: IntoIter<bool>,
}

/// Whether the member at this place gets rows from another one.
fn receives(at: usize, masters: usize) -> bool {
    at > 0 || masters > 1
}

/// A table on every member.
type Shapes = Vec<Shape>;

/// Looks at these tables and sequences, and makes what is missing for them if all fit.
fn look_and_make(control: &mut Connection, sync: &Sync, goats: &[Goat], sessions: &mut Sessions) -> Result<Vec<String>> {
    check_members(sync, sync.source()?)?;
    let mut members = Members::connect(control, sync, sessions)?;
    members.follow_names(control)?;
    let (mut notes, mut tables) = (members.recognise(control)?, Vec::new());
    members.look(goats)?;
    let mut faults = Faults::default();
    for goat in goats {
        match goat.is_table {
            true => tables.extend(members.look_at_table(goat, &mut notes, &mut faults)?),
            false => members.look_at_sequence(goat, &mut faults)?,
        }
    }
    faults.settle()?;
    notes.extend(members.neighbours(&tables)?);
    deployments::note(control, sync)?;
    members.check_rights(goats, &tables)?;
    notes.extend(sequence_check::differences(&mut members.conns, &members.names, goats)?);
    notes.extend(members.clauses_of_masters(goats));
    notes.extend(members.foretold(&tables)?);
    notes.extend(stray_partitions::warnings(control, sync, goats, &mut members.conns[0])?);
    members.check_references(control, &mut notes)?;
    notes.extend(members.code_on_source(control, &tables)?);
    let is_new = members.have_nothing()?;
    if let Err(error) = members.make(control, goats, &tables, &mut notes) {
        return Err(if is_new { members.undo(error) } else { error });
    }
    remember_keys(control, goats, &tables)?;
    members.remember(control)?;
    members.leave(sessions);
    Ok(notes)
}

/// What is said of a sync without a target.
pub fn no_target(sync: &str) -> String {
    format!("Sync \"{sync}\" has no active target database")
}

/// What the rows of the control database alone can tell.
fn check_members(sync: &Sync, source: &str) -> Result<()> {
    let name = &sync.name;
    let all: Vec<&String> = sync.partners.iter().chain(&sync.targets).collect();
    if all.is_empty() {
        return Err(Error::new(Kind::Mismatch, no_target(name)));
    }
    if all.iter().any(|target| *target == source) {
        return Err(Error::new(Kind::Mismatch, format!("Database \"{source}\" is both source and target of sync \"{name}\"")));
    }
    match (sync.synctype, sync.partners.is_empty()) {
        (SyncType::Swap, true) => {
            Err(Error::new(Kind::Mismatch, format!("No database of the targets of swap \"{name}\" is a master"))
                .hint("Give at least one member of the group the role source."))
        }
        _ => Ok(()),
    }
}

fn connect(control: &mut Connection, sync: &Sync, name: &str) -> Result<Connection> {
    let info = db::conninfo(control, name)?.named(format!("bucardo validate {} {name}", sync.name));
    let opened = installation::open(control, name, &info).map_err(|error| pooler::explain(error, &info));
    let mut conn = opened.map_err(|error| error.context(format!("Database \"{name}\" cannot be reached")))?;
    pooler::refuse_shared(&mut conn, &info).map_err(|error| error.context(format!("Database \"{name}\"")))?;
    Ok(conn)
}

impl<'a> Members<'a> {
    fn connect(control: &mut Connection, sync: &'a Sync, sessions: &mut Sessions) -> Result<Members<'a>> {
        let masters = sync.masters();
        let names: Vec<String> = masters.iter().chain(&sync.targets).cloned().collect();
        let masters = masters.len();
        let mut open = |(at, name): (usize, &String)| match sessions.remove(&(name.clone(), receives(at, masters))) {
            Some(session) => Ok(session),
            None => connect(control, sync, name),
        };
        let conns = names.iter().enumerate().map(&mut open).collect::<Result<_>>()?;
        let always =
            names.iter().take(masters).map(|name| db::captures_always(control, name, &sync.name)).collect::<Result<_>>()?;
        Ok(Members { sync, names, masters, conns, always, found: Vec::new(), plans: BTreeMap::new() })
    }

    /// Makes sure that the databases are those that they were. What came to a new one with a copy
    /// of another is removed, and told.
    fn recognise(&mut self, control: &mut Connection) -> Result<Vec<String>> {
        known::refuse_halted(control, &self.names)?;
        let mut notes = Vec::new();
        for (conn, name) in self.conns.iter_mut().zip(&self.names) {
            notes.extend(shed::own_or_shed(control, name, conn)?);
        }
        // Where all is about to be copied, the KID sees to it.
        if self.sync.synctype == SyncType::Fullcopy || self.sync.onetimecopy != 0 {
            return Ok(notes);
        }
        for (from, to) in self.ways() {
            let (source, receiver) = both(&mut self.conns, from, to);
            if lineage::is_marked(source, receiver)? {
                let way = Way { sync: &self.sync.name, from: &self.names[from], to: &self.names[to], copies: false };
                lineage::check(control, way, source, receiver)?;
            }
        }
        Ok(notes)
    }

    /// Notes what they are.
    fn remember(&mut self, control: &mut Connection) -> Result<()> {
        for (conn, name) in self.conns.iter_mut().zip(&self.names) {
            if let Some(Recorded { system, dboid, life }) = Recorded::read(conn)? {
                known::remember(control, name, system.as_deref(), dboid, &life)?;
                connections::note_limit(control, name, conn)?;
            }
        }
        Ok(())
    }

    /// Leaves the sessions to the next sync. Those of one that failed may be in any state, and are
    /// closed.
    fn leave(self, sessions: &mut Sessions) {
        let masters = self.masters;
        let named = self.names.into_iter().zip(self.conns).enumerate();
        sessions.extend(named.map(|(at, (name, session))| ((name, receives(at, masters)), session)));
    }

    /// From where to where rows go: among all masters, and from the first one to each target.
    fn ways(&self) -> Vec<(usize, usize)> {
        let all = (0..self.masters).flat_map(|from| (0..self.names.len()).map(move |to| (from, to)));
        all.filter(|(from, to)| from != to && (*from == 0 || *to < self.masters)).collect()
    }

    /// Asks each member for everything at once: round trips are what takes long.
    fn look(&mut self, goats: &[Goat]) -> Result<()> {
        for (number, (conn, name)) in self.conns.iter_mut().zip(&self.names).enumerate() {
            let there = |goat: &&Goat| if number == 0 { goat.relation.clone() } else { goat.relation_on(name) };
            let (tables, sequences): (Vec<&Goat>, Vec<&Goat>) = goats.iter().partition(|goat| goat.is_table);
            let tables = shape::read_all(conn, &tables.iter().map(there).collect::<Vec<_>>())?.into_iter();
            let sequences = sequences_exist(conn, &sequences.iter().map(there).collect::<Vec<_>>())?.into_iter();
            self.found.push(Found { tables, sequences });
        }
        Ok(())
    }

    /// The table on each member; none where it is not on all.
    fn look_at_table(&mut self, goat: &Goat, notes: &mut Vec<String>, faults: &mut Faults) -> Result<Option<Shapes>> {
        let mut shapes: Shapes = Vec::new();
        for (number, (found, name)) in self.found.iter_mut().zip(&self.names).enumerate() {
            let shape = found.tables.next().transpose();
            let shape = shape.map_err(|error| if number == 0 { error } else { on(error, name) });
            shapes.extend(faults.note(shape)?.flatten());
        }
        if shapes.len() < self.names.len() {
            return Ok(None);
        }
        for (from, to) in self.ways() {
            let compared = self.compare(goat, &shapes, from, to, notes);
            faults.note(compared)?;
        }
        Ok(Some(shapes))
    }

    fn compare(&mut self, goat: &Goat, shapes: &[Shape], from: usize, to: usize, notes: &mut Vec<String>) -> Result<()> {
        let clause = goat.selected_for(&self.names[to], to < self.masters);
        let source = match clause {
            Some(clause) => shapes[from].selected(&mut self.conns[from], clause)?,
            None => shapes[from].clone(),
        };
        if let Some(query) = &source.select {
            let lack = expression_check::of_selection(&mut self.conns[from], query)?;
            let of = format!("What is selected from \"{}\" for database \"{}\"", goat.relation.label(), self.names[to]);
            notes.extend(lack.map(|lack| {
                warning(format!("{of} cannot be evaluated: {lack}; let its functions name what they use with its schema"))
            }));
        }
        let differences = compare::compare(&source, &shapes[to], self.sync.strict && goat.strict);
        let label = |what: &String| format!("Table \"{}\" on database \"{}\": {what}", goat.relation.label(), self.names[to]);
        if !differences.fatal.is_empty() {
            return Err(misfit(&differences.fatal.iter().map(label).collect::<Vec<_>>()));
        }
        notes.extend(differences.warnings.iter().map(label).map(warning));
        notes.extend(differences.notes.iter().map(label));
        Strategy::parse(goat.standard_conflict.as_deref().or(self.sync.conflict_strategy.as_deref()), &self.sync.members())?;
        let plan = match self.sync.synctype {
            SyncType::Fullcopy => Plan::for_copies(goat.id, &source, &shapes[to], &Route::default()),
            _ => Plan::new(goat.id, &source, &shapes[to], wanted_key(goat, &shapes[0]), &Route::default()),
        };
        self.plans.entry(to).or_default().push(plan?);
        Ok(())
    }

    /// Other installations on the same databases.
    fn neighbours(&mut self, tables: &[Shapes]) -> Result<Vec<String>> {
        let mut notes = Vec::new();
        for (conn, name) in self.conns.iter_mut().zip(&self.names) {
            notes.extend(neighbours::others(conn)?.iter().map(|other| other.note(name)));
        }
        if notes.is_empty() {
            return Ok(notes);
        }
        let oids = |number: usize| tables.iter().map(|shapes| shapes[number].oid).collect::<Vec<_>>();
        for (from, to) in self.ways() {
            let (there, here) = (oids(from), oids(to));
            let (source, receiver) = both(&mut self.conns, from, to);
            let source = Side { conn: source, name: &self.names[from], tables: &there };
            let receiver = Side { conn: receiver, name: &self.names[to], tables: &here };
            notes.extend(neighbours::circle(source, receiver)?.map(warning));
        }
        Ok(notes)
    }

    /// What cannot be written where rows arrive.
    fn foretold(&mut self, tables: &[Shapes]) -> Result<Vec<String>> {
        let mut all = Vec::new();
        for number in (0..self.names.len()).filter(|number| receives(*number, self.masters)) {
            let relations: Vec<&Relation> = tables.iter().map(|shapes| &shapes[number].relation).collect();
            let is_master = number < self.masters;
            all.extend(expression_check::warnings(&mut self.conns[number], &self.names[number], &relations, is_master)?);
        }
        Ok(all)
    }

    /// Masters for which something is selected by their name hold other rows than the others.
    fn clauses_of_masters(&self, goats: &[Goat]) -> Vec<String> {
        let masters = self.names.iter().take(self.masters).filter(|_| self.masters > 1);
        let pairs = masters.flat_map(|db| goats.iter().filter(|goat| goat.clauses.contains_key(db)).map(move |goat| (db, goat)));
        let told = |(db, goat): (&String, &Goat)| {
            let label = goat.relation.label();
            warning(format!(
                "Table \"{label}\": database \"{db}\" is a master and will differ from the others by what is selected for it"
            ))
        };
        pairs.map(told).collect()
    }

    fn look_at_sequence(&mut self, goat: &Goat, faults: &mut Faults) -> Result<()> {
        for (found, name) in self.found.iter_mut().zip(&self.names) {
            if found.sequences.next() != Some(true) {
                let missing = sequence::missing(&goat.relation).context(format!("database \"{name}\""));
                faults.note::<()>(Err(missing))?;
            }
        }
        SequenceStrategy::parse(goat.standard_conflict.as_deref(), None).map(drop)
    }

    fn check_rights(&mut self, goats: &[Goat], tables: &[Shapes]) -> Result<()> {
        let mut faults = Faults::default();
        for number in 0..self.names.len() {
            let shapes: Vec<&Shape> = tables.iter().map(|shapes| &shapes[number]).collect();
            let part = Part { source: number < self.masters, receiver: receives(number, self.masters) };
            let name = &self.names[number];
            let there = |goat: &Goat| if number == 0 { goat.relation.clone() } else { goat.relation_on(name) };
            let sequences: Vec<Relation> = goats.iter().filter(|goat| !goat.is_table).map(there).collect();
            let checked = privileges::check(&mut self.conns[number], name, part, &shapes, &sequences);
            faults.note(checked)?;
        }
        faults.settle()
    }

    /// Whether foreign keys that our role cannot switch off leave room for what rounds do; and what
    /// of the tables runs with its rights.
    fn check_references(&mut self, control: &mut Connection, notes: &mut Vec<String>) -> Result<()> {
        for (receiver, plans) in std::mem::take(&mut self.plans) {
            let (conn, name) = (&mut self.conns[receiver], &self.names[receiver]);
            let checked = session::apply_quietly(conn)?;
            let access = Access::Writes { triggers_fire: checked.is_some() };
            let written: BTreeSet<&Relation> = plans.iter().map(|plan| &plan.target).collect();
            let written: Vec<&Relation> = written.into_iter().collect();
            notes.extend(own_code::warnings(control, conn, name, &written, access)?);
            foreign_keys::with_enforced_foreign_keys(conn, plans, checked.as_deref())
                .map_err(|error| error.context(format!("Database \"{name}\"")))?;
            notes.extend(checked.map(|note| warning(format!("Database \"{name}\": {note}"))));
        }
        Ok(())
    }

    /// What of the tables runs with the rights of our role on a database that is only read.
    fn code_on_source(&mut self, control: &mut Connection, tables: &[Shapes]) -> Result<Vec<String>> {
        if receives(0, self.masters) {
            return Ok(Vec::new());
        }
        let read: Vec<&Relation> = tables.iter().map(|shapes| &shapes[0].relation).collect();
        own_code::warnings(control, &mut self.conns[0], &self.names[0], &read, Access::Reads)
    }

    /// The members from which rows go to this one.
    fn givers(&self, receiver: usize) -> Vec<String> {
        self.ways().into_iter().filter(|(_, to)| *to == receiver).map(|(from, _)| self.names[from].clone()).collect()
    }
}

/// Two different sessions.
fn both(conns: &mut [Connection], one: usize, other: usize) -> (&mut Connection, &mut Connection) {
    let (before, after) = conns.split_at_mut(one.max(other));
    let (first, second) = (&mut before[one.min(other)], &mut after[0]);
    if one < other { (first, second) } else { (second, first) }
}

/// Which of these are sequences that exist, in their order.
fn sequences_exist(conn: &mut Connection, relations: &[Relation]) -> Result<Vec<bool>> {
    if relations.is_empty() {
        return Ok(Vec::new());
    }
    let (schemas, names): (Vec<_>, Vec<_>) = relations.iter().map(|one| (one.schema.raw(), one.name.raw())).unzip();
    let statement = conn.prepare_cached(
        "select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace \
                        where n.nspname = w.schema and c.relname = w.name and c.relkind = 'S') \
         from unnest($1::text[], $2::text[]) with ordinality as w (schema, name, position) order by w.position",
    )?;
    Ok(conn.query(&statement, &[&schemas, &names])?.iter().map(|row| row.get(0)).collect())
}

fn misfit(what: &[String]) -> Error {
    Error::new(Kind::Mismatch, what.join("; "))
        .hint("Make the tables alike, or allow what does no harm with strict_checking=false on the sync or the table.")
}

fn on(error: Error, database: &str) -> Error {
    let kind = error.kind();
    Error::new(if kind == Kind::NotFound { Kind::Mismatch } else { kind }, format!("Database \"{database}\"")).caused_by(error)
}

fn refused_on(error: Error, database: &str) -> Error {
    if error.kind() == Kind::Refused { error.context(format!("Database \"{database}\"")) } else { error }
}

/// The key that is recorded for a goat, if the table still has it: one whose columns were renamed,
/// or that was replaced, is looked for anew.
fn wanted_key<'a>(goat: &'a Goat, table: &Shape) -> Option<&'a str> {
    goat.pkey.as_deref().filter(|wanted| table.key(Some(wanted)).is_some())
}

/// Fills in the keys of goats that were added by SQL, where nobody looked, and of those whose table
/// has another one now.
fn remember_keys(control: &mut Connection, goats: &[Goat], tables: &[Shapes]) -> Result<()> {
    let members = goats.iter().filter(|goat| goat.is_table).zip(tables.iter().map(|shapes| &shapes[0]));
    let outdated = |goat: &Goat, table: &Shape| {
        let known = goat.pkey.as_deref().is_some_and(|key| !key.is_empty());
        known && !table.keys.is_empty() && wanted_key(goat, table).is_none()
    };
    let missing: Vec<_> = members.filter(|(goat, table)| !goat.looked_up || outdated(goat, table)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    control.batch("set bucardo.validating = 'on'")?;
    for (goat, table) in missing {
        let key = table.key(wanted_key(goat, table)).cloned().unwrap_or_default();
        let quoted: Vec<String> = key.idents().iter().map(ToString::to_string).collect();
        control.execute(
            "update bucardo.goat set pkey = $2, qpkey = $3, pkeytype = $4 where id = $1",
            &[&goat.id, &key.columns.join("|"), &quoted.join("|"), &key.types.join("|")],
        )?;
    }
    control.batch("set bucardo.validating = 'off'")
}

/// Whether an error is about the sync itself.
fn tells(kind: Kind) -> bool {
    matches!(kind, Kind::Mismatch | Kind::NotFound | Kind::Denied | Kind::Refused)
}

/// How the warning begins that stands with a good sync whose last look was prevented.
pub const UNSEEN: &str = "its databases could not be looked at";

/// A look that was prevented tells nothing about the sync: one that was good stays good.
fn record(control: &mut Connection, name: &str, outcome: &Result<Vec<String>>) -> Result<()> {
    let text = match outcome {
        Ok(notes) => notes.join("\n"),
        Err(error) => match error.hint_text() {
            Some(hint) => format!("{error}\nHINT: {}", plain::line(hint)),
            None => error.to_string(),
        },
    };
    let prevented = outcome.as_ref().is_err_and(|error| !tells(error.kind()));
    let kept = prevented.then(|| notes::warning(format!("{UNSEEN}: {}", text.replace('\n', " "))));
    control.execute(include_str!("../../sql/record_validation.sql"), &[&name, &outcome.is_ok(), &text, &kept])?;
    control.execute("select bucardo.notify_both($1, '')", &[&channel::validated(name)])?;
    Ok(())
}
