//! A role that replicates and owns nothing else: made with the control database, and from then on
//! what `add db` uses.

use super::plan::{Facts, Plan};
use crate::error::{Error, Kind, Result};
use crate::pg::{Connection, Ident};

/// Adds to the plan what makes the role. One that would be no gain is refused.
pub fn plan(conn: &mut Connection, role: &str, facts: &Facts, plan: &mut Plan) -> Result<()> {
    if role.is_empty() || role == plan.owner {
        return Err(refused(role, "owns the control database"));
    }
    match conn.query_opt(include_str!("replication_role.sql"), &[&role, &plan.owner])? {
        Some(row) if row.get(0) => Err(refused(role, "is a superuser")),
        Some(row) if row.get(2) => {
            Err(refused(role, &format!("has the rights of \"{}\", which owns the control database", plan.owner)))
        }
        Some(row) if !row.get::<_, bool>(1) => Err(refused(role, "may not log in")),
        Some(_) => Ok(()),
        None if facts.superuser || facts.createrole => {
            let name = Ident::new(role);
            plan.step(format!("create role {name} login"), format!("drop role {name}"));
            Ok(())
        }
        None => {
            let sentence = format!("INSTALLATION FAILED! There is no role \"{role}\", and the connecting user may create none");
            Err(Error::new(Kind::Denied, sentence).hint(format!("Let a superuser run: {}", create(role))).exit_code(1))
        }
    }
}

fn refused(role: &str, why: &str) -> Error {
    Error::new(Kind::Refused, format!("INSTALLATION FAILED! Role \"{role}\" cannot be the replication role: it {why}"))
        .hint("Name an ordinary role with --replication-role; it is made if there is none of that name.")
        .exit_code(1)
}

/// Lets `add db` use the role.
pub fn store(control: &mut Connection, role: &str) -> Result<()> {
    control.batch(&format!("alter table bucardo.db alter dbuser set default {}", crate::pg::ident::literal(role)))
}

/// What is left to do, for people.
pub fn farewell(role: &str) -> String {
    let name = Ident::new(role);
    format!(
        "Databases are reached as role \"{role}\", unless `add db` is told otherwise. Run on each of their servers, as superuser:\n\
         {create}   -- but for this server\n\
         GRANT SET ON PARAMETER session_replication_role TO {name};   -- from PostgreSQL 15 on\n\
         and let it do what the owner of the tables may: GRANT owner TO {name};",
        create = create(role)
    )
}

fn create(role: &str) -> String {
    format!("CREATE ROLE {} LOGIN;", Ident::new(role))
}
