//! An open session.

use super::trace::{self, Text};
use crate::error::Result;
use crate::pg::connect::Route;
use crate::pg::schema::{Installation, Schema};
use crate::pg::{Client, catalog_text};
use postgres::types::ToSql;
use postgres::{CancelToken, Row, SimpleQueryMessage, Statement, ToStatement};
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::os::fd::RawFd;

/// An open session, the descriptor of its socket, and the server's version. Everything else is the
/// [`Client`], whose methods it has; `?` makes our errors of the driver's.
pub struct Connection {
    client: Client,
    fd: RawFd,
    version: u32,
    route: Route,
    kept: HashMap<String, Statement>,
    prepared: HashMap<String, String>,
    encoding: Option<String>,
    replicated: bool,
    schema: Schema,
    installation: Option<Installation>,
    /// What channels are called by us; see [`Connection::rename_channels`].
    pub(super) channel_names: HashMap<String, String>,
}

/// The values of a statement.
type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// What a statement comes to.
type Answer<T> = std::result::Result<T, postgres::Error>;

impl Connection {
    pub(super) fn new(client: Client, fd: RawFd, version: u32, route: Route) -> Connection {
        let (kept, prepared) = (HashMap::new(), HashMap::new());
        Connection {
            client,
            fd,
            version,
            route,
            kept,
            prepared,
            encoding: None,
            replicated: false,
            schema: Schema::FIRST,
            installation: None,
            channel_names: HashMap::new(),
        }
    }

    /// The same, for a replicated database.
    pub(super) fn replicated(self) -> Connection {
        Connection { replicated: true, ..self }
    }

    /// Whether the database is a replicated one; if not, it is the control database.
    pub fn is_replicated(&self) -> bool {
        self.replicated
    }

    /// Where the objects are on this database that belong to the installation that opened it.
    pub fn schema(&self) -> Schema {
        self.schema
    }

    /// The installation that opened it, where that is known.
    pub fn installation(&self) -> Option<&Installation> {
        self.installation.as_ref()
    }

    /// From now on, what is ours on this database is in `schema`, and belongs to `installation`.
    pub fn settle(&mut self, schema: Schema, installation: Option<Installation>) {
        (self.schema, self.installation) = (schema, installation);
    }

    /// A statement that is written for schema `bucardo`, for the one that is ours here; see
    /// [`Schema::text`].
    pub fn ours<'a>(&self, sql: &'a str) -> Cow<'a, str> {
        self.schema.text(sql)
    }

    /// The database's encoding.
    pub fn encoding(&mut self) -> Result<String> {
        if let Some(encoding) = &self.encoding {
            return Ok(encoding.clone());
        }
        let row = self.query_one("select pg_catalog.current_setting('server_encoding')", &[])?;
        let encoding = catalog_text::encoding(row.try_get(0)?)?;
        self.encoding = Some(encoding.clone());
        Ok(encoding)
    }

    /// A statement that is prepared once in a session and then kept: each later use takes one round
    /// trip where a text takes two. For texts that do not vary. The server plans it anew when what
    /// it refers to changes.
    pub fn prepare_cached(&mut self, sql: &str) -> Result<Statement> {
        if let Some(statement) = self.kept.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql)?;
        self.kept.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// The EXECUTE for a statement without parameters, to be one of several in a round trip. Where
    /// it is first asked for, it is prepared: what the planner is told at that time decides its
    /// plan.
    pub fn prepared(&mut self, sql: &str) -> Result<String> {
        if let Some(execute) = self.prepared.get(sql) {
            return Ok(execute.clone());
        }
        let name = format!("bucardo_{}", self.prepared.len());
        self.client.batch_execute(&format!("prepare {name} as {sql}"))?;
        self.prepared.insert(sql.to_owned(), format!("execute {name}"));
        Ok(format!("execute {name}"))
    }

    /// The socket, for [`crate::pg::wait`]. It is open as long as this value lives.
    pub fn fd(&self) -> RawFd {
        self.fd
    }

    /// The server's version as a number: 150004 is 15.4.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Runs statements, separated by semicolons, in one round trip and, unless they say otherwise,
    /// one transaction.
    pub fn batch(&mut self, sql: &str) -> Result<()> {
        Ok(self.batch_execute(sql)?)
    }

    /// Does something in a transaction of its own, begun by `begin`, which is rolled back if that
    /// fails. What the rollback itself might say only follows from it.
    pub fn within<T>(&mut self, begin: &str, work: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        self.batch(begin)?;
        let done = work(self).and_then(|value| self.batch("commit").map(|()| value));
        done.inspect_err(|_| drop(self.batch("rollback")))
    }

    /// The client's own, but seen by `--debug`; and so are the following.
    pub fn batch_execute(&mut self, sql: &str) -> Answer<()> {
        trace::sent(sql, &[]);
        self.client.batch_execute(sql)
    }

    /// All rows.
    pub fn query<T: ?Sized + ToStatement + Text>(&mut self, sql: &T, values: Values<'_>) -> Answer<Vec<Row>> {
        trace::sent(sql.text(), values);
        self.client.query(sql, values)
    }

    /// The only row.
    pub fn query_one<T: ?Sized + ToStatement + Text>(&mut self, sql: &T, values: Values<'_>) -> Answer<Row> {
        trace::sent(sql.text(), values);
        self.client.query_one(sql, values)
    }

    /// The only row, if there is one.
    pub fn query_opt<T: ?Sized + ToStatement + Text>(&mut self, sql: &T, values: Values<'_>) -> Answer<Option<Row>> {
        trace::sent(sql.text(), values);
        self.client.query_opt(sql, values)
    }

    /// The number of rows concerned.
    pub fn execute<T: ?Sized + ToStatement + Text>(&mut self, sql: &T, values: Values<'_>) -> Answer<u64> {
        trace::sent(sql.text(), values);
        self.client.execute(sql, values)
    }

    /// Runs statements, separated by semicolons, in one round trip, and returns the first column of
    /// every row as text.
    pub fn first_column(&mut self, sql: &str) -> Result<Vec<Option<String>>> {
        let text = |message: &SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => Some(row.try_get(0).ok().flatten().map(str::to_owned)),
            _ => None,
        };
        Ok(self.client.simple_query(sql)?.iter().filter_map(text).collect())
    }

    /// The means to stop, from another thread, the statement that runs on this connection.
    pub fn canceller(&self) -> Canceller {
        Canceller { token: self.client.cancel_token(), route: self.route.clone() }
    }
}

/// Stops what runs on a connection; see [`Connection::canceller`].
#[derive(Clone)]
pub struct Canceller {
    token: CancelToken,
    route: Route,
}

impl Canceller {
    /// Asks the server to stop the statement, which then fails with [`Kind::Stopped`]. Succeeds
    /// also when nothing runs. This opens a connection of its own, which may take as long as
    /// `connect_timeout` allows.
    pub fn cancel(&self) -> Result<()> {
        let asked = self.route.cancel(&self.token);
        asked.map_err(|failure| failure.error("could not ask the server to stop a statement"))
    }
}

impl Deref for Connection {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.client
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}
