//! Creating role, database and schema, as planned; all of it or, as far as that can be had outside
//! a transaction, nothing.

use super::menu::Choice;
use super::plan::{self, Facts, Plan, Step};
use super::{BUCARDO, Settings, replication_role};
use crate::control::{access, schema};
use crate::error::{Error, Kind, Result};
use crate::pg::{Connection, Ident};

/// What has been created.
pub struct Site {
    /// Whom the schema belongs to.
    pub owner: String,
    /// Whether that role is new.
    pub new_role: bool,
}

/// One question for everything the plan depends on. A role or database that is not there gives
/// null, that is: no.
const FACTS: &str = "
    select current_user::text, me.rolsuper, me.rolcreaterole, me.rolcreatedb,
        role.oid is not null, coalesce(pg_has_role(current_user, role.oid, 'member'), false),
        db.oid is not null, coalesce(has_database_privilege(current_user, db.oid, 'create'), false),
        coalesce(has_database_privilege(role.oid, db.oid, 'create'), false),
        (select pg_encoding_to_char(encoding) = 'UTF8' from pg_catalog.pg_database where datname = 'template1')
    from pg_catalog.pg_roles as me
    left join pg_catalog.pg_roles as role on role.rolname = $1
    left join pg_catalog.pg_database as db on db.datname = $1
    where me.rolname = current_user";

/// Creates what is missing. Refuses, before anything is touched, where there is a control database
/// already.
pub fn create(settings: &Settings, choice: &Choice, conn: &mut Connection) -> Result<Site> {
    let facts = must_be_fresh(settings, choice, conn)?;
    let mut plan = plan::decide(&facts)?;
    if let Some(role) = &settings.options.replication_role {
        replication_role::plan(conn, role, &facts, &mut plan)?;
    }
    let mut done = Vec::new();
    if let Err(error) = carry_out(settings, choice, &plan, conn, &mut done) {
        take_back(&done, conn);
        return Err(error.context("INSTALLATION FAILED!").exit_code(1));
    }
    plan.last.iter().try_for_each(|sql| conn.batch_execute(sql))?;
    Ok(Site { owner: plan.owner, new_role: plan.new_role })
}

/// Refuses where there is a control database already; else what is there.
pub fn must_be_fresh(settings: &Settings, choice: &Choice, conn: &mut Connection) -> Result<Facts> {
    let facts = facts(conn)?;
    if facts.database {
        fresh(&mut open(settings, choice)?)?;
    }
    Ok(facts)
}

fn facts(conn: &mut Connection) -> Result<Facts> {
    let row = conn.query_one(FACTS, &[&BUCARDO])?;
    Ok(Facts {
        me: row.get(0),
        superuser: row.get(1),
        createrole: row.get(2),
        createdb: row.get(3),
        role: row.get(4),
        member: row.get(5),
        database: row.get(6),
        i_may_create: row.get(7),
        role_may_create: row.get(8),
        utf8: row.get(9),
        version: conn.version(),
    })
}

fn fresh(conn: &mut Connection) -> Result<()> {
    if !schema::exists(conn)? {
        return Ok(());
    }
    Err(Error::new(Kind::Refused, "INSTALLATION FAILED! Looks like you already have Bucardo installed there.")
        .hint("to begin anew, drop the database bucardo first; what is in it cannot be brought back")
        .exit_code(1))
}

fn open(settings: &Settings, choice: &Choice) -> Result<Connection> {
    Connection::open(&settings.info(choice, &choice.user, BUCARDO)?)
}

fn carry_out<'a>(
    settings: &Settings,
    choice: &Choice,
    plan: &'a Plan,
    conn: &mut Connection,
    done: &mut Vec<&'a Step>,
) -> Result<()> {
    for step in &plan.steps {
        conn.batch_execute(&step.sql)?;
        done.push(step);
    }
    let control = &mut open(settings, choice)?;
    populate(control, &plan.owner, &choice.piddir)?;
    settings.options.replication_role.as_ref().map_or(Ok(()), |role| replication_role::store(control, role))
}

fn populate(control: &mut Connection, owner: &str, piddir: &str) -> Result<()> {
    let owner = Ident::new(owner);
    control.batch_execute(&format!("set role {owner}"))?;
    schema::install(control)?;
    // People call the functions without naming the schema, as the original's role lets them.
    control.batch_execute(&format!("alter role {owner} in database {BUCARDO} set search_path = bucardo"))?;
    let update = "update bucardo.bucardo_config set value = $1 where setting = 'piddir' and name is null";
    control.execute(update, &[&piddir])?;
    control.batch_execute("reset role")?;
    if access::may_close(control)? { control.batch(access::CLOSE) } else { Ok(()) }
}

/// The error that counts is the one that brought us here.
fn take_back(done: &[&Step], conn: &mut Connection) {
    for step in done.iter().rev() {
        drop(conn.batch_execute(&step.undo));
    }
}
