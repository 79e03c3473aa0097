//! The databases of table `db`: how to connect to each, and whether that works.

use crate::error::{Error, Kind, Result};
use crate::pg::conninfo::Parts;
use crate::pg::{ConnInfo, Connection, Secret, pooler};
use postgres::Row;

/// How to connect to the database that the control database calls `name`. An unknown name is
/// [`Kind::NotFound`].
pub fn conninfo(control: &mut Connection, name: &str) -> Result<ConnInfo> {
    let sql = "select dbhost, dbport, dbname, dbuser, dbpass, dbconn, dbservice, pgpass from bucardo.db where name = $1";
    let row = control.query_opt(sql, &[&name])?;
    let row = row.ok_or_else(|| Error::new(Kind::NotFound, format!("Invalid database: \"{name}\"")))?;
    parts(&row).resolve().map_err(|error| error.context(format!("Database \"{name}\"")))
}

/// Whether what syncs bring to a database is noted there for other syncs.
pub fn makes_delta(control: &mut Connection, name: &str) -> Result<bool> {
    let row = control.query_opt("select makedelta from bucardo.db where name = $1", &[&name])?;
    Ok(row.is_some_and(|row| row.get(0)))
}

/// Whether everything that is written to a source of a sync is captured, also where triggers are
/// off. A control database that was not upgraded yet has no such column.
pub fn captures_always(control: &mut Connection, name: &str, sync: &str) -> Result<bool> {
    let sql = "select exists (select from bucardo.db d where d.name = $1 and to_jsonb(d) ->> 'capture' = 'always') \
               or exists (select from bucardo.sync s where s.name = $2 and to_jsonb(s) ->> 'capture' = 'always')";
    Ok(control.query_one(sql, &[&name, &sync])?.get(0))
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

/// Tries to connect, as `application`, and records the outcome in `bucardo.db_connlog`, never with
/// a password. A failure is given back, not raised.
pub fn try_out(control: &mut Connection, name: &str, application: &str) -> Result<Option<Error>> {
    let known = conninfo(control, name);
    let address = known.as_ref().map_or_else(|_| String::new(), |info| format!("{} user={}", dsn(info), info.user));
    let opened = known.and_then(|info| {
        let info = info.named(application);
        let mut opened = Connection::open(&info)?;
        pooler::refuse_shared(&mut opened, &info).map(|()| opened)
    });
    let (status, version) = match &opened {
        Ok(connection) => ("good", Some(connection.version().to_string())),
        Err(_) => ("unknown", None),
    };
    let sql = "insert into bucardo.db_connlog (db, connstring, status, version) \
        select name, $2, $3, $4 from bucardo.db where name = $1";
    control.execute(sql, &[&name, &address, &status, &version])?;
    Ok(opened.err())
}

/// An address as Perl's DBI writes it, without user and password.
pub fn dsn(info: &ConnInfo) -> String {
    let host = if info.host.is_empty() { String::new() } else { format!(";host={}", info.host) };
    format!("dbi:Pg:dbname={}{host};port={}", info.dbname, info.port)
}
