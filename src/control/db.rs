//! The databases of table `db`: how to connect to each.

use crate::error::{Error, Kind, Result};
use crate::pg::conninfo::Parts;
use crate::pg::{ConnInfo, Connection, Secret};
use postgres::Row;

/// How to connect to the database that the control database calls `name`. An unknown name is [`Kind::NotFound`].
pub fn conninfo(control: &mut Connection, name: &str) -> Result<ConnInfo> {
    let sql = "select dbhost, dbport, dbname, dbuser, dbpass, dbconn, dbservice, pgpass from bucardo.db where name = $1";
    let row = control.query_opt(sql, &[&name])?;
    let row = row.ok_or_else(|| Error::new(Kind::NotFound, format!("Invalid database: \"{name}\"")))?;
    parts(&row).resolve().map_err(|error| error.context(format!("Database \"{name}\"")))
}

/// With a service, the columns that still have their defaults leave the choice to the service file.
fn parts(row: &Row) -> Parts {
    let text = |column: &str| row.get::<_, Option<String>>(column).filter(|text| !text.is_empty());
    let service = text("dbservice");
    let port = text("dbport").filter(|port| service.is_none() || port != "5432");
    Parts {
        host: text("dbhost"),
        port,
        dbname: text("dbname"),
        user: text("dbuser"),
        password: text("dbpass").map(Secret::new),
        dbconn: text("dbconn"),
        passfile: text("pgpass"),
        service,
        ..Parts::default()
    }
}
