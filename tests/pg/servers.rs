//! Servers as these tests need them.

use crate::harness::Cluster;
use bucardo::pg::ConnInfo;

/// Through the network.
pub fn over_tcp(cluster: &Cluster, db: &str, user: &str) -> ConnInfo {
    ConnInfo { host: "127.0.0.1".to_owned(), ..cluster.conninfo(db, user) }
}

/// A server whose network side has just these lines of pg_hba.conf; through the socket everybody is
/// trusted.
pub fn with_hba(lines: &[&str]) -> Cluster {
    let mut cluster = Cluster::new();
    set_hba(&mut cluster, lines);
    cluster
}

/// Replaces the network side of pg_hba.conf and starts the server anew.
pub fn set_hba(cluster: &mut Cluster, lines: &[&str]) {
    let text = format!("local all all trust\n{}\n", lines.join("\n"));
    std::fs::write(cluster.data().join("pg_hba.conf"), text).unwrap();
    cluster.stop();
    cluster.start();
}
