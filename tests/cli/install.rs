//! `install`, on real servers.

use crate::harness::{Cluster, Commands, Outcome};
use std::fs;

/// A server without a control database, and a home whose rc file knows only where the server is.
struct Bare {
    commands: Commands,
    cluster: Cluster,
}

impl Bare {
    fn new() -> Bare {
        let bare = Bare { commands: Commands::new(), cluster: Cluster::new() };
        bare.rc(&format!("dbhost={}", bare.cluster.socket_dir().display()));
        bare
    }

    /// Rewrites the rc file: port and piddir of this server, and what is given.
    fn rc(&self, line: &str) {
        let (port, piddir) = (self.cluster.port(), self.commands.piddir());
        fs::write(self.commands.home().join(".bucardorc"), format!("dbport={port}\npiddir={}\n{line}\n", piddir.display()))
            .unwrap();
    }

    fn install(&self, args: &[&str], answers: &str) -> Outcome {
        let args = [&["install"], args].concat();
        self.commands.call("bucardo_ctl", &args).stdin(answers).run()
    }

    /// One text from the control database, seen as `user`.
    fn see(&self, user: &str, sql: &str) -> String {
        self.cluster.connect_as("bucardo", user).query_one(sql, &[]).unwrap().get(0)
    }

    /// Whether there is any trace of us in the server.
    fn untouched(&self) -> bool {
        let sql = "select not exists (select from pg_database where datname = 'bucardo')
            and not exists (select from pg_roles where rolname = 'bucardo')";
        self.cluster.connect("postgres").query_one(sql, &[]).unwrap().get(0)
    }

    fn admin(&self, sql: &str) {
        for statement in sql.split(';') {
            self.cluster.connect("postgres").batch_execute(statement).unwrap();
        }
    }

    /// Replaces the rules of pg_hba.conf. A restart, because nothing tells when a reload is
    /// through.
    fn hba(&mut self, rules: &str) {
        self.cluster.stop();
        fs::write(self.cluster.data().join("pg_hba.conf"), rules).unwrap();
        self.cluster.start();
    }
}

const OWNER: &str = "select tableowner::text from pg_tables where schemaname = 'bucardo' and tablename = 'q'";

#[test]
fn piped_answers_install_and_print_the_known_lines() {
    let bare = Bare::new();
    let said = bare.install(&[], "P\nP\nP\n").ok();
    let lines = "Enter a number to change it, P to proceed, or Q to quit: \n";
    assert!(said.contains(lines), "{said}");
    let version = bare.see("bucardo", "select split_part(current_setting('server_version'), ' ', 1)");
    let rest = format!(
        "Postgres version is: {version}\nAttempting to create and populate the bucardo database and schema\n\
         Database creation is complete\n\nConnecting to database 'bucardo' as user 'bucardo'\n\
         Updated configuration setting \"piddir\"\nInstallation is now complete.\n"
    );
    assert!(said.contains(&rest), "{said}");

    let piddir = bare.see("bucardo", "select value from bucardo_config where setting = 'piddir'");
    assert_eq!(piddir, bare.commands.piddir().to_str().unwrap());
    assert_eq!(bare.see("bucardo", OWNER), "bucardo");
    assert_eq!(bare.see("postgres", "select rolsuper::text from pg_roles where rolname = 'bucardo'"), "false");
    assert!(!bare.commands.home().join(".pgpass").exists(), "a password where none is needed");
}

#[test]
fn batch_asks_nothing_says_little_and_makes_the_pid_directory() {
    let bare = Bare::new();
    let piddir = bare.commands.dir().join("new/run");
    let said = bare.install(&["--batch", &format!("--piddir={}", piddir.display())], "").ok();
    let (first, rest) = said.split_once('\n').unwrap();
    assert_eq!(first, "Current connection settings:");
    assert!(rest.ends_with(&format!("\n5. PID directory: {}\nInstallation is now complete.\n", piddir.display())), "{said}");
    assert!(piddir.is_dir());
}

#[test]
fn a_pid_directory_that_is_relative_is_refused_without_questions_too() {
    let bare = Bare::new();
    let outcome = bare.install(&["--batch", "--piddir=run"], "").ended_with(1);
    let sentence = "-->Sorry, the PID directory must be absolute (start with a slash)\n";
    assert!(outcome.stderr.starts_with(sentence), "{}", outcome.stderr);
    assert!(bare.untouched() && !bare.commands.home().join("run").exists());
}

#[test]
fn a_refused_installation_makes_no_pid_directory() {
    let bare = Bare::new();
    bare.install(&["--batch"], "").ok();
    let piddir = bare.commands.dir().join("new/run");
    let option = format!("--piddir={}", piddir.display());
    bare.install(&["--batch", &option], "").ended_with(1);
    bare.install(&["--batch", &option, "--dbuser=nobody"], "").ended_with(1);
    assert!(!piddir.exists());
    let blocked = bare.commands.home().join("file");
    fs::write(&blocked, "").unwrap();
    bare.admin("drop database bucardo; drop role bucardo");
    let outcome = bare.install(&["--batch", &format!("--piddir={}/run", blocked.display())], "").ended_with(1);
    assert!(outcome.stderr.starts_with("-->Sorry, that is not a valid PID directory"), "{}", outcome.stderr);
    assert!(bare.untouched());
}

#[test]
fn a_second_installation_is_refused_in_the_words_scripts_look_for() {
    let bare = Bare::new();
    bare.install(&["--batch"], "").ok();
    bare.cluster
        .connect("bucardo")
        .batch_execute("update bucardo.bucardo_config set value = 'mine' where setting = 'piddir'")
        .unwrap();
    for (args, answers) in [(&["--batch"][..], ""), (&[], "P\n")] {
        let outcome = bare.install(args, answers).ended_with(1);
        let words = "INSTALLATION FAILED! Looks like you already have Bucardo installed there.\n";
        assert!(outcome.stderr.starts_with(words), "{}", outcome.stderr);
    }
    assert_eq!(bare.see("bucardo", "select value from bucardo_config where setting = 'piddir'"), "mine");
}

#[test]
fn the_older_dialect_gives_up_at_a_wrong_port_the_newer_one_asks_again() {
    let bare = Bare::new();
    let outcome = bare.install(&["--dbport=1"], "P\n").ended_with(255);
    assert!(
        outcome.stderr.starts_with("Sorry, unable to determine the database version: could not connect"),
        "{}",
        outcome.stderr
    );

    let answers = format!("P\n2 {}\nP\n", bare.cluster.port());
    let newer = bare.commands.call("bucardo", &["install", "--dbport=1", "--dbuser=postgres"]).stdin(&answers).run().ok();
    assert!(newer.contains("-->Sorry, unable to connect to the database\n"), "{newer}");
    assert!(newer.contains("Installation is now complete.\n"), "{newer}");

    let batch = bare.commands.bucardo(&["install", "--batch", "--dbport=1"]).ended_with(1);
    assert!(batch.stderr.starts_with("-->Sorry, unable to connect to the database"), "{}", batch.stderr);
}

#[test]
fn the_newer_dialect_asks_for_another_user_where_there_is_no_role_bucardo() {
    let bare = Bare::new();
    let said = bare.commands.call("bucardo", &["install"]).stdin("P\n3 postgres\nP\n").run().ok();
    assert!(said.contains("-->Sorry, please try using a different user\n"), "{said}");
    assert_eq!(bare.see("bucardo", OWNER), "bucardo");
}

#[test]
fn quitting_or_saying_nothing_changes_nothing() {
    let bare = Bare::new();
    let quit = bare.install(&[], "Q\n").ended_with(255);
    assert_eq!(quit.stderr, "Goodbye!\n");
    let silent = bare.install(&[], "2 5432\n").ended_with(255);
    assert_eq!(silent.stdout.matches("Current connection settings:").count(), 2);
    assert!(silent.stderr.starts_with("The input ended before an answer to proceed\n"), "{}", silent.stderr);
    assert!(bare.untouched());
}

#[test]
fn a_pid_directory_that_is_none_brings_the_menu_again() {
    let bare = Bare::new();
    let answers = format!("P\n5 {}\nP\n", bare.commands.piddir().display());
    let said = bare.install(&["--piddir=/no/such/place"], &answers).ok();
    assert_eq!(said.matches("-->Sorry, that is not a valid PID directory\n").count(), 1);
}

#[test]
fn who_may_create_roles_and_databases_can_install_and_is_no_member_of_the_role_afterwards() {
    let bare = Bare::new();
    bare.admin("create role clerk login createrole createdb");
    bare.install(&["--batch", "--dbuser=clerk"], "").ok();
    assert_eq!(bare.see("bucardo", OWNER), "bucardo");
    let acts = bare.cluster.connect_as("postgres", "clerk").batch_execute("set role bucardo");
    assert!(acts.is_err() && bare.cluster.try_connect("bucardo", "clerk").is_err());
}

#[test]
fn a_tenant_of_a_ready_made_database_installs_for_himself_and_is_told_so() {
    let bare = Bare::new();
    bare.admin("create role tenant login; create database bucardo; grant create on database bucardo to tenant");
    let said = bare.install(&["--dbuser=tenant"], "P\n").ok();
    assert!(said.contains("Connecting to database 'bucardo' as user 'tenant'\n"), "{said}");
    assert!(said.contains("with --dbuser=tenant from now on"), "{said}");
    assert_eq!(bare.see("tenant", OWNER), "tenant");
}

#[test]
fn who_may_create_nothing_is_refused_and_told_what_a_superuser_could_do() {
    let bare = Bare::new();
    bare.admin("create role nobody login");
    let outcome = bare.install(&["--batch", "--dbuser=nobody"], "").ended_with(1);
    assert!(
        outcome.stderr.starts_with("INSTALLATION FAILED! The connecting user may not create a database"),
        "{}",
        outcome.stderr
    );
    assert!(outcome.stderr.contains("create role bucardo login; create database bucardo owner bucardo"), "{}", outcome.stderr);
    assert!(bare.untouched());
}

#[test]
fn a_failure_on_the_way_leaves_nothing_behind() {
    let bare = Bare::new();
    bare.cluster.connect("template1").batch_execute("create schema freezer; create table freezer.master_q ()").unwrap();
    let outcome = bare.install(&["--batch"], "").ended_with(1);
    assert!(outcome.stderr.starts_with("INSTALLATION FAILED!"), "{}", outcome.stderr);
    assert!(bare.untouched());
}

#[test]
fn a_password_is_made_only_where_the_server_wants_one_and_never_shown() {
    let mut bare = Bare::new();
    bare.cluster.connect("postgres").batch_execute("alter system set log_statement = 'all'").unwrap();
    bare.hba(
        "local all postgres trust\nlocal all all scram-sha-256\nhost all postgres all trust\nhost all all all scram-sha-256\n",
    );
    bare.rc("dbhost=127.0.0.1");
    let said = bare.install(&[], "P\n").ok();
    let kept = fs::read_to_string(bare.commands.home().join(".pgpass")).unwrap();
    let password = kept.trim_end().rsplit(':').next().unwrap();
    assert_eq!(kept, format!("127.0.0.1:{}:bucardo:bucardo:{password}\n", bare.cluster.port()));
    assert!(password.len() == 32 && !said.contains(password) && !bare.cluster.log().contains(password));
    assert!(bare.cluster.log().contains("SCRAM-SHA-256$"), "the verifier travels in its place");

    let mut config = postgres::Config::new();
    config.host("127.0.0.1").port(bare.cluster.port()).user("bucardo").dbname("bucardo").password(password);
    assert!(config.connect(postgres::NoTls).is_ok());
}

#[test]
fn a_role_that_cannot_log_in_is_reported_although_the_schema_is_there() {
    let mut bare = Bare::new();
    bare.hba("local all postgres trust\nlocal all all reject\nhost all postgres all trust\n");
    let outcome = bare.install(&["--batch"], "").ended_with(1);
    assert!(
        outcome.stderr.starts_with("The control database is complete, but \"bucardo\" cannot log in there: "),
        "{}",
        outcome.stderr
    );
    assert!(outcome.stderr.contains("pg_hba.conf"), "{}", outcome.stderr);
    assert_eq!(bare.see("postgres", OWNER), "bucardo");
    assert_eq!(bare.see("postgres", "select (rolpassword is null)::text from pg_authid where rolname = 'bucardo'"), "true");
    assert!(!bare.commands.home().join(".pgpass").exists());
}

#[test]
fn a_cluster_without_a_locale_gets_a_control_database_for_all_letters() {
    let bare = Bare::new();
    let sql = "update pg_database set encoding = pg_char_to_encoding('SQL_ASCII') where datname = 'template1'";
    bare.cluster.connect("postgres").batch_execute(sql).unwrap();
    bare.install(&["--batch"], "").ok();
    assert_eq!(bare.see("postgres", "select current_setting('server_encoding')"), "UTF8");
}
