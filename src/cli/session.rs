//! A command at work: what was typed, and the open control database.

use crate::cli::dialect::Dialect;
use crate::cli::{Invocation, Options, Personality, output, table};
use crate::control::{access, setting_table};
use crate::error::{Error, Kind, Result};
use crate::pg::conninfo::environment::Process;
use crate::pg::conninfo::{Parts, resolve};
use crate::pg::{ConnInfo, Connection};
use crate::warn_user;

/// What every verb that needs the control database works with.
pub struct Session {
    /// The program's name as printed.
    pub prog: String,
    /// The dialect.
    pub personality: Personality,
    /// The verb as typed, in lower case.
    pub verb: String,
    /// The options.
    pub options: Options,
    /// How the control database is reached.
    pub info: ConnInfo,
    /// The control database.
    pub control: Connection,
    /// The files of the daemon.
    pub files: Files,
    /// Whether the verb stores something: only that can be rehearsed, or asked about.
    pub stores: bool,
}

/// Where the daemon's files are, by `bucardo_config`; never empty.
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// `piddir`.
    pub piddir: String,
    /// `reason_file`.
    pub reason_file: String,
    /// `stopfile`, a name within `piddir`.
    pub stopfile: String,
}

impl Files {
    /// The same in another directory, if one is given.
    fn in_piddir(self, piddir: Option<&str>) -> Files {
        Files { piddir: piddir.map_or(self.piddir, str::to_owned), ..self }
    }

    /// What they are called as long as nobody has changed the settings.
    pub fn usual(piddir: &str) -> Files {
        let value = |name: &str| setting_table::default(name).to_owned();
        Files { piddir: piddir.to_owned(), reason_file: value("reason_file"), stopfile: value("stopfile") }
    }
}

impl Session {
    /// Connects and reads where the daemon's files are.
    pub fn open(invocation: &Invocation) -> Result<Session> {
        let options = invocation.options.clone();
        let info = conninfo(&options)?;
        let mut control = Connection::open(&info).map_err(|error| refused(error, &options))?;
        let files = files(&mut control, &invocation.prog)?.in_piddir(invocation.piddir());
        let (prog, verb) = (invocation.prog.clone(), invocation.verb.clone());
        let stores = table::verb(&verb).is_some_and(|verb| verb.stores);
        Ok(Session { prog, personality: invocation.personality, verb, options, info, control, files, stores })
    }

    /// The ways of the program we were called as.
    pub fn dialect(&self) -> &'static Dialect {
        self.personality.dialect()
    }

    /// Whether this is a rehearsal. The newer program knows them for a few verbs only; a kick, say,
    /// is a request to the daemon that would never arrive.
    pub fn rehearses(&self) -> bool {
        self.options.dryrun && self.stores
    }

    /// With `--confirm`, asks, once: before anything is stored, here or in another database.
    pub fn confirm(&mut self) -> Result<()> {
        if !self.options.confirm || !self.stores || self.options.dryrun || output::agreed("Commit the changes? Y/N ") {
            self.options.confirm = false;
            return Ok(());
        }
        Err(Error::new(Kind::Refused, "Nothing was changed").hint("answer with Y to change it").exit_code(1))
    }

    /// Runs `work` in one transaction of the control database: all of it, or nothing.
    pub fn transaction<T>(&mut self, work: impl FnOnce(&mut Session) -> Result<T>) -> Result<T> {
        self.control.batch_execute("begin")?;
        match work(self).and_then(|value| self.confirm().map(|()| value)) {
            Ok(value) if self.rehearses() => self.control.batch_execute("rollback").map(|()| value).map_err(Error::from),
            Ok(value) => self.control.batch_execute("commit").map(|()| value).map_err(Error::from),
            Err(error) => {
                // Should even this fail, the connection is gone, and the transaction with it.
                drop(self.control.batch_execute("rollback"));
                Err(error)
            }
        }
    }
}

/// Says where roles come into the control database that its owner has not let in.
pub fn complain_of_access(session: &mut Session) -> Result<()> {
    if let Some((what, hint)) = access::complaint(&mut session.control)? {
        warn_user!("{what}\nHINT: {hint}");
    }
    Ok(())
}

/// Completes what the options say about the control database as libpq does: environment, service
/// and password files.
pub(super) fn conninfo(options: &Options) -> Result<ConnInfo> {
    let parts = Parts {
        host: options.dbhost.clone(),
        port: options.dbport.map(|port| port.to_string()),
        dbname: Some(options.dbname.clone()),
        user: Some(options.dbuser.clone()),
        password: options.dbpass.clone(),
        application_name: Some("bucardo_ctl".to_owned()),
        ..Parts::default()
    };
    let resolved = resolve(&parts, &Process)?;
    resolved.warnings.iter().for_each(|warning| warn_user!("WARNING: {warning}"));
    Ok(resolved.info)
}

/// The words in which the original's driver reports a failed connection (reference, 1.6): scripts
/// look for them.
fn refused(error: Error, options: &Options) -> Error {
    let host = options.dbhost.as_ref().map(|host| format!(";host={host}")).unwrap_or_default();
    let port = options.dbport.map(|port| format!(";port={port}")).unwrap_or_default();
    error.context(format!("DBI connect('dbname={}{host}{port}','{}',...) failed", options.dbname, options.dbuser))
}

fn files(control: &mut Connection, prog: &str) -> Result<Files> {
    let sql = "select setting, value from bucardo.bucardo_config where name is null and setting = any($1)";
    let names = ["reason_file", "piddir", "stopfile"];
    let rows = control.query(sql, &[&names.as_slice()]).map_err(|error| no_schema(error.into(), prog))?;
    let value = |name: &str| -> Result<String> {
        let found = rows.iter().find(|row| row.get::<_, &str>(0) == name).map(|row| row.get::<_, String>(1));
        let found = found.ok_or_else(|| unset(format!("Invalid bucardo_config setting: {name}"), name, prog))?;
        if found.is_empty() { Err(unset(format!("Invalid {name}!"), name, prog)) } else { Ok(found) }
    };
    Ok(Files { reason_file: value("reason_file")?, piddir: value("piddir")?, stopfile: value("stopfile")? })
}

fn unset(message: String, name: &str, prog: &str) -> Error {
    Error::new(Kind::Refused, message).hint(format!(
        "in the control database, table bucardo.bucardo_config needs a row for \"{name}\"; \
        `{prog} install` makes one"
    ))
}

fn no_schema(error: Error, prog: &str) -> Error {
    match error.kind() {
        Kind::Database => error.hint(format!("is this the control database? `{prog} install` creates one")),
        _ => error,
    }
}
