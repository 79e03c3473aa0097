//! A role to which the control database belongs, and another one that replicates and owns nothing
//! else.

use super::refused;
use crate::daemon::world::PATIENCE;
use crate::harness::{Cluster, Commands, Outcome, wait_until};
use std::fs;

/// A server without a control database, and databases a and b of the role `keeper` with a table
/// each.
struct Bare {
    commands: Commands,
    cluster: Cluster,
}

impl Bare {
    fn new() -> Bare {
        let bare = Bare { commands: Commands::new(), cluster: Cluster::new() };
        let (host, port) = (bare.cluster.socket_dir().display().to_string(), bare.cluster.port());
        let rc = format!(
            "dbhost={host}\ndbport={port}\npiddir={}\ndebugdir={}\ndebugsyslog=0\n",
            bare.commands.piddir().display(),
            bare.commands.logdir().display()
        );
        fs::write(bare.commands.home().join(".bucardorc"), rc).unwrap();
        bare.admin("postgres", "create role keeper login");
        for name in ["a", "b"] {
            bare.admin("postgres", &format!("create database {name} owner keeper"));
            bare.cluster
                .connect_as(name, "keeper")
                .batch_execute("create schema shop; create table shop.t (id integer primary key, v text)")
                .unwrap();
        }
        bare
    }

    fn admin(&self, database: &str, sql: &str) {
        self.cluster.connect(database).batch_execute(sql).unwrap();
    }

    fn install(&self, words: &[&str]) -> Outcome {
        self.commands.ctl(&[&["install", "--batch", "--dbuser=postgres"], words].concat())
    }

    fn run(&self, line: &str) -> Outcome {
        self.commands.ctl(&line.split(' ').collect::<Vec<_>>())
    }

    fn value(&self, database: &str, sql: &str) -> String {
        self.cluster.connect(database).query_one(&format!("select ({sql})::text"), &[]).unwrap().get(0)
    }

    /// Adds the databases and a sync between them.
    fn sync(&self, user: &str) {
        let (host, port) = (self.cluster.socket_dir().display().to_string(), self.cluster.port());
        for name in ["a", "b"] {
            self.run(&format!("add db {name} host={host} port={port}{user}")).ok();
        }
        self.run("add table shop.t db=a herd=h").ok();
        self.run("add sync s type=pushdelta source=h targetdb=b").ok();
    }
}

/// Neither has anything of the other: this is the whole way, from installing to a row that has
/// arrived.
#[test]
fn a_replication_role_replicates_and_has_no_right_on_the_control_database() {
    let bare = Bare::new();
    bare.install(&["--replication-role=replicator"]).ok();
    let role = "select concat_ws(' ', rolsuper, rolcreaterole, rolcanlogin) from pg_roles where rolname = 'replicator'";
    assert_eq!(bare.value("postgres", role), "f f t");
    bare.admin("postgres", "grant keeper to replicator");
    for name in ["a", "b"] {
        bare.admin(name, &format!("grant create, temporary on database {name} to replicator"));
    }
    bare.sync("");
    assert_eq!(bare.value("bucardo", "select string_agg(distinct dbuser, ' ') from bucardo.db"), "replicator");
    bare.run("start").ok();
    bare.admin("a", "insert into shop.t values (1, 'v')");
    bare.run("kick s 0").ok();
    assert_eq!(bare.value("b", "select v from shop.t"), "v");
    let status = bare.run("status").ended_with(0);
    assert!(!status.stderr.contains("Hint: role"), "{}", status.stderr);
    // What it owns is our schema on the replicated databases, and nothing else.
    for (database, owned) in [("a", "bucardo"), ("b", "bucardo"), ("bucardo", "none"), ("postgres", "none")] {
        let schemas = "select coalesce(string_agg(distinct n.nspname, ' '), 'none') from pg_class c join pg_namespace n on n.oid = c.relnamespace \
                       where c.relowner = 'replicator'::regrole and n.nspname !~ '^pg_'";
        assert_eq!(bare.value(database, schemas), owned, "{database}");
    }
    if let Ok(mut session) = bare.cluster.try_connect("bucardo", "replicator") {
        assert!(session.batch_execute("select * from bucardo.db").is_err());
    }
    // The role of the control database has never come to the others.
    let came = "select count(*) from pg_stat_activity where datname in ('a', 'b') and usename = 'bucardo'";
    assert_eq!(bare.value("postgres", came), "0");
    let may = "select has_table_privilege('bucardo', 'shop.t', 'select')";
    assert_eq!(bare.value("a", may), "false");
    bare.run("stop").ok();
}

#[test]
fn one_role_for_everything_still_works_and_status_says_so_in_one_line() {
    let bare = Bare::new();
    bare.install(&[]).ok();
    bare.admin("postgres", "grant keeper to bucardo");
    for name in ["a", "b"] {
        bare.admin(name, &format!("grant create, temporary on database {name} to bucardo"));
    }
    bare.sync("");
    let status = bare.run("status").ended_with(0);
    let hints: Vec<&str> =
        status.stderr.lines().filter(|line| line.starts_with("Hint: role \"bucardo\" owns the control database")).collect();
    assert!(hints.len() == 1 && hints[0].contains("(a, b)") && hints[0].contains("help rights"), "{}", status.stderr);
    assert!(!status.stdout.contains("Hint"));
    for quiet in ["status --json", "status --quiet", "status s"] {
        assert!(!bare.run(quiet).ended_with(0).stderr.contains("Hint"), "{quiet}");
    }
    bare.run("start").ok();
    bare.admin("a", "insert into shop.t values (1, 'v')");
    wait_until("the row is there", PATIENCE, || (bare.value("b", "select count(*) from shop.t") == "1").then_some(()));
    bare.run("stop").ok();
}

#[test]
fn a_replication_role_that_would_be_no_gain_is_refused() {
    let bare = Bare::new();
    bare.admin("postgres", "create role rests; create role heir login; create role bucardo login; grant bucardo to heir");
    for (role, why) in [
        ("bucardo", "it owns the control database"),
        ("postgres", "it is a superuser"),
        ("rests", "it may not log in"),
        ("heir", "it has the rights of \"bucardo\""),
    ] {
        refused(&bare.install(&[&format!("--replication-role={role}")]), &["cannot be the replication role", why]);
        assert_eq!(bare.value("postgres", "select count(*) from pg_database where datname = 'bucardo'"), "0", "{role}");
    }
    bare.install(&["--replication-role=keeper"]).ok();
}

#[test]
fn the_help_says_what_an_owner_can_do() {
    let told = Commands::new().ctl(&["help", "rights"]).ended_with(0);
    let text = format!("{}{}", told.stdout, told.stderr);
    for words in
        ["--replication-role=replicator", "with the rights of the replication", "change the role's password", "do anything"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}
