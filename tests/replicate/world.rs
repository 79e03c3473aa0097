//! A daemon at work, and the cases that share it.
//!
//! Starting a server and a daemon costs more than most tests do, so cases share one ([`shared`])
//! where they can: each case has databases and a sync of its own. A test that changes the server,
//! stops the daemon or counts its processes has a [`World`] of its own.

use crate::harness::{Cluster, Installed};
use std::sync::OnceLock;

/// Every database is reached with this password. The servers do not ask for it; it must not turn up
/// anywhere.
pub const PASSWORD: &str = "swordfish-7351";

/// Seconds for which consumed changes are kept, where a test does not say otherwise.
const RETENTION: &str = "0.2";

/// A server with a control database, and a home for commands.
pub struct World {
    installed: Installed,
}

/// The world of all cases that leave server and daemon alone. Its daemon runs.
pub fn shared() -> &'static World {
    static SHARED: OnceLock<World> = OnceLock::new();
    SHARED.get_or_init(|| {
        let world = World::with(&["max_connections = 800", "max_prepared_transactions = 10"]);
        // A daemon does not start when it has nothing to do.
        world.sync("idle", "create table t (id integer primary key)");
        world.ctl(&["start", "--quiet"]).ok();
        world
    })
}

impl World {
    /// On a server with these settings; nothing is added, and no daemon runs.
    pub fn with(settings: &[&str]) -> World {
        World::on(Cluster::with(settings))
    }

    /// On this server.
    pub fn on(cluster: Cluster) -> World {
        let world = World { installed: Installed::on(cluster) };
        world.set("delta_retention", RETENTION);
        world
    }

    /// Sets a value in `bucardo_config`.
    pub fn set(&self, setting: &str, value: &str) {
        let mut control = self.control();
        control.execute("delete from bucardo.bucardo_config where setting = $1", &[&setting]).unwrap();
        control.execute("insert into bucardo.bucardo_config (setting, value) values ($1, $2)", &[&setting, &value]).unwrap();
    }

    /// Sets a value for one sync.
    pub fn set_for(&self, sync: &str, setting: &str, value: &str) {
        let sql = "insert into bucardo.bucardo_config (setting, value, type, name) values ($1, $2, 'sync', $3)";
        self.control().execute(sql, &[&setting, &value, &sync]).unwrap();
    }

    /// Creates a database with these tables on `cluster` and makes it known under the same name, to
    /// be reached as `user`.
    pub fn database(&self, cluster: &Cluster, name: &str, ddl: &str, user: &str) {
        cluster.create_database(name);
        cluster.connect(name).batch_execute(ddl).unwrap();
        self.know(cluster, name, user);
    }

    /// Makes a database known, to be reached as `user`.
    pub fn know(&self, cluster: &Cluster, name: &str, user: &str) {
        let (host, port) = (format!("host={}", cluster.socket_dir().display()), format!("port={}", cluster.port()));
        let (user, pass) = (format!("user={user}"), format!("pass={PASSWORD}"));
        self.ctl(&["add", "db", name, &format!("dbname={name}"), &host, &port, &user, &pass]).ok();
    }

    /// A sync of two databases on the world's own server that are called `name_a` and `name_b`,
    /// with all their tables.
    fn sync(&self, name: &str, ddl: &str) {
        let (a, b) = (format!("{name}_a"), format!("{name}_b"));
        for database in [&a, &b] {
            self.database(&self.cluster, database, ddl, "postgres");
        }
        self.ctl(&["add", "all", "tables", &format!("db={a}"), &format!("herd={name}")]).ok();
        self.ctl(&["add", "sync", name, "type=pushdelta", &format!("source={name}"), &format!("targetdb={b}")]).ok();
    }
}

impl std::ops::Deref for World {
    type Target = Installed;
    fn deref(&self) -> &Installed {
        &self.installed
    }
}
