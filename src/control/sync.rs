//! A sync as the daemon needs it: its row, its goats and its targets, read together.

use crate::error::{Error, Kind, Result};
use crate::pg::template::body;
use crate::pg::{Connection, Isolation, Relation, fill};
use std::collections::BTreeMap;
use std::time::Duration;

/// What kind of sync it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncType {
    /// Changes flow from the source to the targets.
    Pushdelta,
    /// The targets are emptied and filled.
    Fullcopy,
    /// Changes flow both ways.
    Swap,
}

impl SyncType {
    /// The word in `sync.synctype`.
    pub fn word(self) -> &'static str {
        match self {
            SyncType::Pushdelta => "pushdelta",
            SyncType::Fullcopy => "fullcopy",
            SyncType::Swap => "swap",
        }
    }

    fn parse(word: &str) -> Result<SyncType> {
        [SyncType::Pushdelta, SyncType::Fullcopy, SyncType::Swap]
            .into_iter()
            .find(|kind| kind.word() == word)
            .ok_or_else(|| Error::new(Kind::Mismatch, format!("\"{word}\" is no type of sync")))
    }
}

/// A replicated table or sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goat {
    /// `goat.id`.
    pub id: i32,
    /// Its name.
    pub relation: Relation,
    /// Whether it is a table; if not, it is a sequence.
    pub is_table: bool,
    /// The key's column names joined by `|`; none when nobody has looked yet, empty when there is
    /// no usable key.
    pub pkey: Option<String>,
    /// Whether the key was found on the database; one that was set by hand was only wished for.
    pub looked_up: bool,
    /// Overrides the sync's `ping`.
    pub ping: Option<bool>,
    /// Together with the sync's: whether small differences between source and target matter.
    pub strict: bool,
    /// Overrides the sync's `makedelta`.
    pub makedelta: Option<bool>,
    /// How conflicts are decided; overrides the sync's.
    pub standard_conflict: Option<String>,
    /// What a fullcopy selects instead of the table.
    pub customselect: Option<String>,
    /// The target's statistics are renewed after a copy.
    pub analyze_after_copy: bool,
    /// The target's indexes are built anew after a copy.
    pub rebuild_index: bool,
    /// When so many changes are pending, the table is copied as a whole.
    pub bypass: Option<Bypass>,
    /// Names on other databases, by database; empty: on all.
    pub names: BTreeMap<String, String>,
    /// What is selected instead of all columns, by database; empty: for all.
    pub clauses: BTreeMap<String, String>,
    /// It joined the herd and is not carried yet (table `joining`).
    pub joins: bool,
}

/// When copying the whole table is less work than its changes (`delta_bypass`, reference, section
/// 5.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bypass {
    /// From so many changes on.
    pub count: Option<i64>,
    /// Else from so many percent of the rows on …
    pub percent: Option<i64>,
    /// … if there are at least so many changes.
    pub least: i64,
}

impl Bypass {
    /// How many changes of a table of about so many rows are too many.
    pub fn threshold(&self, rows: f32) -> i64 {
        let share = |percent: i64| (percent as f64 * f64::from(rows.max(1.0)) / 100.0) as i64 + 1;
        let by_percent = self.percent.map(|percent| share(percent).max(self.least));
        [self.count, by_percent].into_iter().flatten().min().unwrap_or(i64::MAX)
    }
}

impl Goat {
    /// What it is called on a database other than its own. A name without schema is in the same
    /// schema.
    pub fn relation_on(&self, db: &str) -> Relation {
        let Some(name) = self.names.get(db).or_else(|| self.names.get("")) else { return self.relation.clone() };
        match name.split_once('.') {
            Some((schema, table)) => Relation::new(schema, table),
            None => Relation::new(self.relation.schema.raw(), name),
        }
    }

    /// What is selected for a target instead of the table; one clause, the nearest. Masters
    /// exchange whole rows, unless one is named: what one of them got, changed by a selection,
    /// would be changed once more on its way to the next.
    pub fn selected_for(&self, db: &str, is_master: bool) -> Option<&str> {
        let named = self.clauses.get(db);
        let clause = if is_master { named } else { named.or(self.clauses.get("")).or(self.customselect.as_ref()) };
        clause.map(String::as_str)
    }
}

/// A sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sync {
    /// Its name.
    pub name: String,
    /// Its source herd.
    pub herd: String,
    /// The ids of the herd's members that are carried, in ascending order.
    pub carried: Vec<i32>,
    /// The database of the herd's goats; none when the herd is empty.
    pub source: Option<String>,
    /// Further masters, in the order of their group: what changes there goes to all others, too.
    pub partners: Vec<String>,
    /// The active target databases that are no masters, in the order of their group.
    pub targets: Vec<String>,
    /// The targets that are not active: their changes are kept until they are.
    pub left_alone: Vec<String>,
    /// Its type.
    pub synctype: SyncType,
    /// Whether `sync.status` is `active`.
    pub wanted: bool,
    /// Whether `sync.status` and the status of its source are `active`.
    pub active: bool,
    /// Whether the status of its source is.
    pub possible: bool,
    /// The controller stays between runs.
    pub stayalive: bool,
    /// The kids stay between runs.
    pub kidsalive: bool,
    /// Changes on the source kick.
    pub ping: bool,
    /// Kicks are listened for on the source even without `ping`.
    pub do_listen: bool,
    /// Run at least this often.
    pub checktime: Option<Duration>,
    /// Targets of this sync that may run at the same time; 0 for all.
    pub limitdbs: i64,
    /// The controller is replaced by the first kick after this time.
    pub lifetime: Option<Duration>,
    /// The controller is replaced after so many kicks; 0: never.
    pub maxkicks: i64,
    /// Whether small differences between source and target are refused.
    pub strict: bool,
    /// What is applied on the targets is noted there for other syncs.
    pub makedelta: bool,
    /// How long changes took is noted.
    pub track_rates: bool,
    /// How the sources' transactions are isolated.
    pub isolation: Isolation,
    /// How conflicts are decided where the goat does not say.
    pub conflict_strategy: Option<String>,
    /// 1: all tables are copied once as a whole, 2: those that are empty on the target; 0: none.
    pub onetimecopy: i32,
    /// Which request for that it is: changes with each.
    pub copy_asked: Option<String>,
    /// How a fullcopy empties tables: `delete`, `truncate` or `truncate_cascade`.
    pub deletemethod: String,
    /// Whether a fullcopy heeds `customselect`.
    pub usecustomselect: bool,
    /// Added to both statements of a copy.
    pub copyextra: String,
    /// The targets' statistics are renewed after a copy.
    pub analyze_after_copy: bool,
}

impl Sync {
    /// Reads one sync. An unknown name is [`Kind::NotFound`].
    pub fn load(control: &mut Connection, name: &str) -> Result<Sync> {
        let found = load_where(control, "s.name = $1", name)?.pop();
        found.ok_or_else(|| Error::new(Kind::NotFound, format!("Sync \"{name}\" does not appear to exist")))
    }

    /// Reads all syncs, by priority and name.
    pub fn load_all(control: &mut Connection) -> Result<Vec<Sync>> {
        load_where(control, "$1::text is not null", "")
    }

    /// The source database; an empty herd has none and is [`Kind::Mismatch`].
    pub fn source(&self) -> Result<&str> {
        self.source.as_deref().ok_or_else(|| {
            Error::new(Kind::Mismatch, format!("Herd \"{}\" of sync \"{}\" has no members", self.herd, self.name))
                .hint(format!("Add some with: bucardo_ctl add herd {} <table> ...", self.herd))
        })
    }

    /// All masters; the source of the herd is the first.
    pub fn masters(&self) -> Vec<String> {
        self.source.iter().chain(&self.partners).cloned().collect()
    }

    /// Masters and targets.
    pub fn members(&self) -> Vec<String> {
        self.masters().into_iter().chain(self.targets.iter().cloned()).collect()
    }

    /// The databases for which jobs are queued, each served by one kid: the first partner stands
    /// for all masters.
    pub fn places(&self) -> Vec<String> {
        self.partners.iter().take(1).chain(&self.targets).cloned().collect()
    }

    /// The masters that the kid of this place serves: all of them, or the one from which a target
    /// is fed.
    pub fn masters_of(&self, place: &str) -> Vec<String> {
        let among_masters = self.partners.first().is_some_and(|partner| partner == place);
        if among_masters { self.masters() } else { self.source.iter().cloned().collect() }
    }

    /// Who takes changes from a master: the other masters; from the first one the targets as well.
    pub fn receivers(&self, master: &str) -> Vec<String> {
        let first = self.source.as_deref() == Some(master);
        let others = self.masters().into_iter().filter(|other| other != master);
        others.chain(self.targets.iter().filter(|_| first).cloned()).collect()
    }

    /// The receivers for which a master keeps changes although they are not active.
    pub fn kept_for(&self, master: &str) -> &[String] {
        if self.source.as_deref() == Some(master) { &self.left_alone } else { &[] }
    }

    /// The receivers by whose names the kids that wait for changes of a master have their flags.
    pub fn sleepers(&self, master: &str) -> Vec<String> {
        let other = self.masters().into_iter().find(|other| other != master);
        other.into_iter().chain(self.receivers(master).into_iter().filter(|name| self.targets.contains(name))).collect()
    }

    /// Whether the MCP listens on the source for kicks.
    pub fn listens(&self) -> bool {
        self.ping || self.do_listen
    }

    /// The members of the herd that are carried, in the order in which they are processed: priority
    /// descending, then id (reference, 1.2).
    pub fn goats(&self, control: &mut Connection) -> Result<Vec<Goat>> {
        Ok(self.all_goats(control)?.into_iter().filter(|goat| !goat.joins).collect())
    }

    /// The same with those that are not carried yet.
    pub fn all_goats(&self, control: &mut Connection) -> Result<Vec<Goat>> {
        let rows = control.query(include_str!("sql/goats.sql"), &[&self.herd, &self.name])?;
        let names = self.customs(control, "customname", "newname")?;
        let clauses = self.customs(control, "customcols", "clause")?;
        let of = |all: &BTreeMap<i32, BTreeMap<String, String>>, goat| all.get(&goat).cloned().unwrap_or_default();
        Ok(rows
            .iter()
            .map(|row| Goat {
                id: row.get(0),
                relation: Relation::new(row.get::<_, String>(1), row.get::<_, String>(2)),
                is_table: row.get(3),
                pkey: row.get(4),
                ping: row.get(5),
                strict: row.get(6),
                looked_up: row.get(7),
                makedelta: row.get(8),
                standard_conflict: row.get(9),
                customselect: row.get::<_, Option<String>>(10).filter(|_| self.usecustomselect),
                analyze_after_copy: self.analyze_after_copy && row.get(11),
                rebuild_index: row.get(12),
                bypass: row.get::<_, bool>(13).then(|| Bypass {
                    count: row.get(14),
                    percent: row.get(15),
                    least: row.get::<_, Option<i64>>(16).unwrap_or_default(),
                }),
                names: of(&names, row.get(0)),
                clauses: of(&clauses, row.get(0)),
                joins: row.get(17),
            })
            .collect())
    }

    /// What is said of goats for all databases or for one, in general or for this sync, which
    /// counts more.
    fn customs(&self, control: &mut Connection, table: &str, column: &str) -> Result<BTreeMap<i32, BTreeMap<String, String>>> {
        let sql = format!(
            "select goat, coalesce(db, '')::text, {column} from bucardo.{table} where sync is null or sync = $1 order by sync is not null"
        );
        let mut all: BTreeMap<i32, BTreeMap<String, String>> = BTreeMap::new();
        for row in control.query(&sql, &[&self.name])? {
            all.entry(row.get(0)).or_default().insert(row.get(1), row.get(2));
        }
        Ok(all)
    }
}

/// The targets of a sync that are not active, as a column.
pub(super) const LEFT_ALONE: &str = include_str!("sql/left_alone.sql");

fn load_where(control: &mut Connection, condition: &str, name: &str) -> Result<Vec<Sync>> {
    let sql = fill(include_str!("sql/syncs.sql"), &[("left_alone", &body(LEFT_ALONE))]).replace("true /* which */", condition);
    control.query(&sql, &[&name])?.iter().map(sync).collect()
}

fn sync(row: &postgres::Row) -> Result<Sync> {
    Ok(Sync {
        name: row.get("name"),
        herd: row.get("herd"),
        carried: row.get("carried"),
        source: row.get("source"),
        targets: row.get("targets"),
        left_alone: row.get("left_alone"),
        partners: row.get("partners"),
        synctype: SyncType::parse(row.get("synctype"))?,
        wanted: row.get("wanted"),
        active: row.get::<_, bool>("wanted") && row.get::<_, bool>("possible"),
        possible: row.get("possible"),
        stayalive: row.get("stayalive"),
        kidsalive: row.get("kidsalive"),
        ping: row.get("ping"),
        do_listen: row.get("do_listen"),
        checktime: row.get::<_, Option<f64>>("checktime").filter(|s| *s > 0.0).map(Duration::from_secs_f64),
        limitdbs: row.get("limitdbs"),
        strict: row.get("strict"),
        lifetime: row.get::<_, Option<f64>>("lifetime").filter(|s| *s > 0.0).map(Duration::from_secs_f64),
        maxkicks: row.get("maxkicks"),
        makedelta: row.get("makedelta"),
        track_rates: row.get("track_rates"),
        isolation: Isolation::parse(row.get("txnmode"))?,
        conflict_strategy: row.get("conflict_strategy"),
        onetimecopy: row.get("onetimecopy"),
        copy_asked: row.get("copy_asked"),
        deletemethod: row.get("deletemethod"),
        usecustomselect: row.get("usecustomselect"),
        copyextra: row.get("copyextra"),
        analyze_after_copy: row.get("analyze_after_copy"),
    })
}

/// A sync from A for tests.
#[cfg(test)]
pub(crate) fn example(partners: &[&str], targets: &[&str]) -> Sync {
    let all = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Sync {
        name: "s".into(),
        herd: "h".into(),
        carried: vec![1],
        source: Some("A".into()),
        partners: all(partners),
        targets: all(targets),
        left_alone: Vec::new(),
        synctype: SyncType::Swap,
        wanted: true,
        active: true,
        possible: true,
        stayalive: true,
        kidsalive: true,
        ping: true,
        do_listen: false,
        checktime: None,
        limitdbs: 0,
        lifetime: None,
        maxkicks: 0,
        strict: true,
        makedelta: false,
        track_rates: false,
        isolation: Isolation::RepeatableRead,
        conflict_strategy: None,
        onetimecopy: 0,
        copy_asked: None,
        deletemethod: "delete".into(),
        usecustomselect: false,
        copyextra: String::new(),
        analyze_after_copy: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_copied_as_a_whole_when_too_much_of_it_has_changed() {
        let threshold = |count, percent, least, rows| Bypass { count, percent, least }.threshold(rows);
        assert_eq!(threshold(Some(100), None, 0, 1e9), 100);
        assert_eq!(threshold(None, Some(50), 10, 100.0), 51);
        assert_eq!(threshold(None, Some(50), 10, 1.0), 10);
        assert_eq!(threshold(Some(100), Some(50), 10, 1000.0), 100);
    }

    #[test]
    fn masters_share_one_kid_and_each_target_is_fed_from_the_first_master() {
        let sync = example(&["B", "C"], &["D", "E"]);
        assert_eq!(sync.places(), ["B", "D", "E"]);
        assert_eq!(sync.masters_of("B"), ["A", "B", "C"]);
        assert_eq!(sync.masters_of("D"), ["A"]);
        assert_eq!(sync.receivers("A"), ["B", "C", "D", "E"]);
        assert_eq!(sync.receivers("C"), ["A", "B"]);
        assert_eq!((sync.sleepers("A"), sync.sleepers("C")), (vec!["B".into(), "D".into(), "E".into()], vec!["A".to_owned()]));
    }

    #[test]
    fn a_single_source_has_a_kid_for_each_target() {
        let sync = example(&[], &["B", "C"]);
        assert_eq!(
            (sync.places(), sync.receivers("A"), sync.sleepers("A")),
            (vec!["B".into(), "C".into()], sync.targets.clone(), sync.targets.clone())
        );
        assert_eq!(sync.masters_of("C"), ["A"]);
    }
}
