//! One sync between databases of its own: drafted ([`case`]), run, written to, and in the end held
//! to what every test is held to ([`Case::finish`], which checks [`super::invariants`]).

use super::world::{World, shared};
use super::{equal, invariants};
use crate::harness::{Cluster, Outcome, wait_until};
use postgres::Client;
use std::time::Duration;

/// More than anything here ever needs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What a case shall be.
pub struct Draft<'w> {
    world: &'w World,
    name: String,
    ddl: [String; 2],
    clusters: [&'w Cluster; 2],
    users: [String; 2],
    tables: Vec<String>,
    targets: usize,
    words: Vec<String>,
    settings: Vec<[String; 2]>,
}

/// A case in the shared world: a sync of this name, and databases with these tables.
pub fn case(name: &str, ddl: &str) -> Draft<'static> {
    case_in(shared(), name, ddl)
}

/// A case in a world of its own.
pub fn case_in<'w>(world: &'w World, name: &str, ddl: &str) -> Draft<'w> {
    let (ddl, clusters) = ([ddl.to_owned(), ddl.to_owned()], [&world.cluster, &world.cluster]);
    let users = ["postgres", "postgres"].map(str::to_owned);
    let (tables, words, settings) = (Vec::new(), Vec::new(), Vec::new());
    Draft { world, name: name.to_owned(), ddl, clusters, users, tables, targets: 1, words, settings }
}

impl<'w> Draft<'w> {
    /// The target's tables, where they are not those of the source.
    pub fn target(mut self, ddl: &str) -> Draft<'w> {
        ddl.clone_into(&mut self.ddl[1]);
        self
    }

    /// Only these tables, by schema and name, instead of all.
    pub fn tables(mut self, names: &[&str]) -> Draft<'w> {
        self.tables = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// Several targets, which form a group.
    pub fn targets(mut self, number: usize) -> Draft<'w> {
        self.targets = number;
        self
    }

    /// One more word for `add sync`.
    pub fn word(mut self, word: &str) -> Draft<'w> {
        self.words.push(word.to_owned());
        self
    }

    /// A row of `bucardo_config` for this sync.
    pub fn setting(mut self, setting: &str, value: &str) -> Draft<'w> {
        self.settings.push([setting, value].map(str::to_owned));
        self
    }

    /// The roles as whom the daemon comes to source and targets.
    pub fn users(mut self, source: &str, target: &str) -> Draft<'w> {
        self.users = [source, target].map(str::to_owned);
        self
    }

    /// The servers of source and targets.
    pub fn on(mut self, source: &'w Cluster, target: &'w Cluster) -> Draft<'w> {
        self.clusters = [source, target];
        self
    }

    /// Makes the databases, and the sync, which is then running.
    pub fn run(self) -> Case<'w> {
        let case = self.add();
        case.world.ctl(&["activate", &case.name, "0"]).ok();
        case
    }

    /// Makes the databases and the sync, which no daemon runs yet.
    pub fn add(self) -> Case<'w> {
        let case = self.databases();
        case.add_sync(&self.tables, &self.words).ok();
        for [setting, value] in &self.settings {
            self.world.set_for(&self.name, setting, value);
        }
        for target in &case.targets {
            invariants::watch_receipts(&mut equal::session(case.target_cluster, target));
        }
        case
    }

    /// Tries to add the sync.
    pub fn try_add(self) -> Outcome {
        self.databases().add_sync(&self.tables, &self.words)
    }

    fn databases(&self) -> Case<'w> {
        let source = format!("{}_a", self.name);
        let targets: Vec<String> = ('b'..='z').take(self.targets).map(|letter| format!("{}_{letter}", self.name)).collect();
        self.world.database(self.clusters[0], &source, &self.ddl[0], &self.users[0]);
        for target in &targets {
            self.world.database(self.clusters[1], target, &self.ddl[1], &self.users[1]);
        }
        let (a, b) = (equal::session(self.clusters[0], &source), equal::session(self.clusters[1], &targets[0]));
        let [source_cluster, target_cluster] = self.clusters;
        Case { world: self.world, name: self.name.clone(), a, b, source, targets, source_cluster, target_cluster }
    }
}

/// See the module's text.
pub struct Case<'w> {
    /// Where it lives.
    pub world: &'w World,
    /// The sync.
    pub name: String,
    /// A session on the source.
    pub a: Client,
    /// A session on the first target.
    pub b: Client,
    /// The source's name, in the control database and on its server.
    pub source: String,
    /// The targets' names.
    pub targets: Vec<String>,
    /// The source's server.
    pub source_cluster: &'w Cluster,
    /// The targets' server.
    pub target_cluster: &'w Cluster,
}

impl Case<'_> {
    fn add_sync(&self, tables: &[String], words: &[String]) -> Outcome {
        let (db, herd, source) = (format!("db={}", self.source), format!("herd={}", self.name), format!("source={}", self.name));
        match tables {
            [] => self.world.ctl(&["add", "all", "tables", &db, &herd]).ok(),
            some => some.iter().map(|table| self.world.ctl(&["add", "table", table, &db, &herd]).ok()).collect(),
        };
        let target = self.group();
        let mut all = vec!["add", "sync", &self.name, "type=pushdelta", &source, &target];
        all.extend(words.iter().map(String::as_str));
        self.world.ctl(&all)
    }

    /// The word of `add sync` for the targets.
    fn group(&self) -> String {
        let [only] = self.targets.as_slice() else {
            let mut words = vec!["add", "dbgroup", &self.name];
            words.extend(self.targets.iter().map(String::as_str));
            self.world.ctl(&words).ok();
            return format!("targetgroup={}", self.name);
        };
        format!("targetdb={only}")
    }

    /// Runs SQL on the source.
    pub fn write(&mut self, sql: &str) {
        self.a.batch_execute(sql).unwrap_or_else(|error| panic!("{error:?}\n{sql}"));
    }

    /// One value of a target's row, as text; `-` where there is none.
    pub fn at_target(&mut self, sql: &str) -> String {
        let row = self.b.query_opt(&format!("select ({sql})::text"), &[]).unwrap();
        row.and_then(|row| row.get(0)).unwrap_or_else(|| "-".to_owned())
    }

    /// Kicks the sync, and waits until everything that was committed before is there.
    pub fn settle(&self) {
        self.world.ctl(&["kick", &self.name, "0"]).ok();
    }

    /// Everything committed until now is on all targets.
    pub fn arrives(&mut self) {
        self.settle();
        self.equal();
    }

    /// All targets hold the source's rows.
    pub fn equal(&mut self) {
        for target in &self.targets {
            equal::assert_equal(&mut self.a, &mut equal::session(self.target_cluster, target));
        }
    }

    /// Waits until all targets hold the source's rows, without asking anybody to hurry.
    pub fn becomes_equal(&mut self) {
        for target in &self.targets {
            let mut there = equal::session(self.target_cluster, target);
            wait_until("the target has everything", PATIENCE, || {
                equal::differences(&mut self.a, &mut there).is_empty().then_some(())
            });
        }
    }

    /// Everything arrives, all invariants hold, and no worker has died; then the sync is put to
    /// rest.
    pub fn finish(mut self) {
        self.arrives();
        invariants::nobody_died(&self);
        self.finish_after_deaths();
    }

    /// The same where workers had reason to die.
    pub fn finish_after_deaths(mut self) {
        self.arrives();
        invariants::check(&mut self);
        self.world.ctl(&["deactivate", &self.name, "0"]).ok();
    }
}

impl Drop for Case<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.world.log();
            let own: Vec<&str> = log.lines().filter(|line| line.contains(&self.name)).collect();
            eprintln!("--- end of log.bucardo for {}\n{}", self.name, own[own.len().saturating_sub(20)..].join("\n"));
        }
    }
}

/// Databases of cases share one server: two cases of one name would be in each other's way, or not,
/// depending on how long the first lasts.
#[test]
fn every_case_has_a_name_of_its_own() {
    let mut places = std::collections::BTreeMap::<String, Vec<String>>::new();
    for path in crate::docs::sources(std::path::Path::new("tests/replicate")) {
        let text = std::fs::read_to_string(&path).unwrap();
        for draft in ["case(", "kept(", "owned(", "as_a_whole(", "each("] {
            for (start, _) in text.match_indices(draft) {
                let whole_word = !text[..start].ends_with(|c: char| c.is_alphanumeric() || c == '_');
                let Some(literal) = text[start + draft.len()..].trim_start().strip_prefix('"').filter(|_| whole_word) else {
                    continue;
                };
                let name = literal.split('"').next().unwrap_or_default();
                if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                    places.entry(name.to_owned()).or_default().push(path.display().to_string());
                }
            }
        }
    }
    assert!(places.len() > 100, "{} cases were seen", places.len());
    places.retain(|_, places| places.len() > 1);
    assert!(places.is_empty(), "{places:?}");
}
