//! A control database and three databases with the same tables, for commands to work on.

use crate::harness::{Installed, Outcome};

/// What each of the databases a, b and c holds. The last table of `Odd "Names"` has a key of one
/// letter.
const TABLES: &str = r#"
    create schema sc;
    create table t1 (id integer primary key, name text);
    create table t2 (a integer, b text, c text, primary key (a, b));
    create table nopk (x integer);
    create table uniq (x integer not null unique);
    create sequence s1;
    create table sc.t3 (id bigint primary key);
    create table sc.t1 (id bigint primary key);
    create table "Odd ""Name" (id integer primary key);
"#;

/// See the module's text.
pub struct World {
    installed: Installed,
}

impl World {
    /// The databases exist; the control database does not know them yet.
    pub fn bare() -> World {
        let installed = Installed::new();
        for name in ["a", "b", "c"] {
            installed.cluster.create_database(name);
            installed.cluster.connect(name).batch_execute(TABLES).unwrap();
        }
        World { installed }
    }

    /// The control database knows the databases, by these names: `A` is a, and so on.
    pub fn with_dbs() -> World {
        let world = World::bare();
        for name in ["A", "B", "C"] {
            world.add_db(name);
        }
        world
    }

    /// Adds the database that is called `name` in lower case.
    pub fn add_db(&self, name: &str) -> String {
        let (real, reach) = (format!("dbname={}", name.to_lowercase()), self.reach());
        let mut words = vec!["add", "db", name, &real];
        words.extend(reach.iter().map(String::as_str));
        self.ctl(&words).ok()
    }

    /// How the test server is reached, as words of `add db`.
    pub fn reach(&self) -> Vec<String> {
        let cluster = &self.installed.cluster;
        vec![format!("host={}", cluster.socket_dir().display()), format!("port={}", cluster.port()), "user=postgres".to_owned()]
    }

    /// Runs a command line, split at blanks.
    pub fn run(&self, line: &str) -> Outcome {
        self.ctl(&line.split(' ').collect::<Vec<_>>())
    }

    /// Runs a command line that must succeed and say nothing on standard error; what it printed.
    pub fn says(&self, line: &str) -> String {
        let outcome = self.run(line).ended_with(0);
        assert_eq!(outcome.stderr, "", "{line}");
        outcome.stdout
    }

    /// One value of the control database, as text.
    pub fn value(&self, sql: &str) -> String {
        let row = self.installed.control().query_one(&format!("select ({sql})::text"), &[]).unwrap();
        row.get::<_, Option<String>>(0).unwrap_or_else(|| "NULL".to_owned())
    }
}

impl std::ops::Deref for World {
    type Target = Installed;
    fn deref(&self) -> &Installed {
        &self.installed
    }
}
