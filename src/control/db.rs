//! The databases of table `db`: how to connect to each.

use crate::error::{Error, Kind, Result};
use crate::pg::{ConnInfo, Connection, Secret};

/// How to connect to the database that the control database calls `name`. An unknown name is [`Kind::NotFound`].
pub fn conninfo(control: &mut Connection, name: &str) -> Result<ConnInfo> {
    let row = control
        .query_opt("select dbhost, dbport, dbname, dbuser, dbpass from bucardo.db where name = $1", &[&name])?
        .ok_or_else(|| Error::new(Kind::NotFound, format!("Invalid database: \"{name}\"")))?;
    let host: String = row.get(0);
    let port: String = row.get(1);
    Ok(ConnInfo {
        host: if host.is_empty() { "/var/run/postgresql".into() } else { host },
        port: port.parse().unwrap_or(5432),
        dbname: row.get(2),
        user: row.get(3),
        password: row.get::<_, Option<String>>(4).map(Secret::new),
        ..ConnInfo::default()
    })
}
