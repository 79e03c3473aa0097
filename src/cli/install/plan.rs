//! What is to be done on a server, from what there is and what the connecting user may do. Pure.

use super::BUCARDO;
use crate::error::{Error, Kind, Result};
use crate::pg::Ident;

/// What there is, and what the connecting user may do.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The connecting user.
    pub me: String,
    /// May do anything.
    pub superuser: bool,
    /// May create roles.
    pub createrole: bool,
    /// May create databases.
    pub createdb: bool,
    /// There is a role `bucardo` …
    pub role: bool,
    /// … whose member the connecting user is.
    pub member: bool,
    /// There is a database `bucardo` …
    pub database: bool,
    /// … where the connecting user may create schemas …
    pub i_may_create: bool,
    /// … and where the role `bucardo` may.
    pub role_may_create: bool,
    /// New databases are made for UTF-8 anyhow.
    pub utf8: bool,
    /// The server's version.
    pub version: u32,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Owner of the schema: the role the daemon and the commands connect as.
    pub owner: String,
    /// Whether the plan creates that role.
    pub new_role: bool,
    /// What to do before the schema is created.
    pub steps: Vec<Step>,
    /// What to do in the end.
    pub last: Vec<String>,
}

/// A statement, and what takes it back once it has succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The statement.
    pub sql: String,
    /// Its contrary; empty if it does no harm to leave things so.
    pub undo: String,
}

/// Decides.
pub fn decide(facts: &Facts) -> Result<Plan> {
    let new_role = !facts.role && (facts.superuser || facts.createrole);
    let mut owner = if may_act_as_role(facts, new_role) { BUCARDO } else { &facts.me };
    let grant = facts.database && owner == BUCARDO && !facts.role_may_create;
    if grant && !facts.superuser {
        owner = &facts.me;
    }
    if facts.database && owner != BUCARDO && !facts.i_may_create {
        return Err(refused("create anything in the existing database bucardo"));
    }
    if !facts.database && !facts.superuser && !facts.createdb {
        return Err(refused("create a database, and there is none named bucardo"));
    }
    Ok(statements(facts, owner, new_role && owner == BUCARDO))
}

/// Creating things for a role takes being, or becoming, one of its members. Up to PostgreSQL 15,
/// who may create roles may also join any that is no superuser.
fn may_act_as_role(facts: &Facts, new_role: bool) -> bool {
    let may_join = facts.createrole && facts.version < 160_000;
    new_role || (facts.role && (facts.me == BUCARDO || facts.superuser || facts.member || may_join))
}

fn statements(facts: &Facts, owner: &str, new_role: bool) -> Plan {
    let (role, me) = (Ident::new(owner), Ident::new(&facts.me));
    let mut plan = Plan { owner: owner.to_owned(), new_role, steps: vec![], last: vec![] };
    if new_role {
        plan.step(format!("create role {role} login"), format!("drop role {role}"));
    }
    if owner != facts.me && !facts.superuser && !facts.member {
        let leave = format!("revoke {role} from {me}");
        plan.step(format!("grant {role} to {me}"), leave.clone());
        plan.last.push(leave);
    }
    if !facts.database {
        // Names may have any letters, so UTF-8 it is, also where the cluster was made without a
        // locale.
        let template = if facts.utf8 { "" } else { " template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'" };
        plan.step(format!("create database {BUCARDO} owner {role}{template}"), format!("drop database {BUCARDO}"));
    } else if owner == BUCARDO && !facts.role_may_create {
        plan.step(format!("grant create on database {BUCARDO} to {role}"), String::new());
    }
    plan
}

impl Plan {
    /// Adds a statement.
    pub fn step(&mut self, sql: String, undo: String) {
        self.steps.push(Step { sql, undo });
    }
}

fn refused(what: &str) -> Error {
    Error::new(Kind::Denied, format!("INSTALLATION FAILED! The connecting user may not {what}"))
        .hint("connect as a superuser, or let one run: create role bucardo login; create database bucardo owner bucardo;")
        .exit_code(1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn facts(me: &str) -> Facts {
        Facts { me: me.to_owned(), utf8: true, version: 150_000, ..Facts::default() }
    }

    fn before(facts: &Facts) -> String {
        let plan = decide(facts).unwrap();
        let steps: Vec<_> = plan.steps.into_iter().map(|step| step.sql).collect();
        format!("{}: {}", plan.owner, steps.join("; "))
    }

    #[test]
    fn a_superuser_creates_what_is_missing() {
        let root = Facts { superuser: true, ..facts("postgres") };
        assert_eq!(before(&root), "bucardo: create role \"bucardo\" login; create database bucardo owner \"bucardo\"");
        let ready = Facts { role: true, database: true, role_may_create: true, ..root.clone() };
        assert_eq!(before(&ready), "bucardo: ");
        let foreign = Facts { role: true, database: true, ..root.clone() };
        assert_eq!(before(&foreign), "bucardo: grant create on database bucardo to \"bucardo\"");
        let ascii = Facts { utf8: false, ..root };
        assert!(before(&ascii).ends_with(" template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'"));
    }

    #[test]
    fn who_may_create_roles_and_databases_joins_the_role_for_the_time_being() {
        let clerk = Facts { createrole: true, createdb: true, ..facts("clerk") };
        let plan = decide(&clerk).unwrap();
        assert_eq!((&*plan.owner, plan.new_role), ("bucardo", true));
        assert_eq!(plan.steps[1].sql, "grant \"bucardo\" to \"clerk\"");
        assert_eq!(plan.last, ["revoke \"bucardo\" from \"clerk\""]);
        let undo: Vec<_> = plan.steps.iter().rev().map(|step| step.undo.as_str()).collect();
        assert_eq!(undo, ["drop database bucardo", "revoke \"bucardo\" from \"clerk\"", "drop role \"bucardo\""]);
    }

    #[test]
    fn who_cannot_act_for_the_role_installs_for_himself() {
        let maker = Facts { createdb: true, ..facts("maker") };
        assert_eq!(before(&maker), "maker: create database bucardo owner \"maker\"");
        let tenant = Facts { database: true, i_may_create: true, ..facts("tenant") };
        assert_eq!(before(&tenant), "tenant: ");
        let clerk = Facts { role: true, createrole: true, createdb: true, version: 160_000, ..facts("clerk") };
        assert_eq!(before(&clerk), "clerk: create database bucardo owner \"clerk\"");
        let clerk = Facts { createrole: true, ..tenant };
        assert_eq!(before(&clerk), "tenant: ");
    }

    #[test]
    fn the_role_itself_may_install() {
        let itself =
            Facts { role: true, member: true, database: true, i_may_create: true, role_may_create: true, ..facts("bucardo") };
        assert_eq!(before(&itself), "bucardo: ");
    }

    #[test]
    fn who_may_nothing_is_told_what_a_superuser_could_do() {
        for nobody in
            [facts("nobody"), Facts { database: true, ..facts("nobody") }, Facts { role: true, member: true, ..facts("x") }]
        {
            let error = decide(&nobody).unwrap_err();
            assert_eq!((error.kind(), error.code()), (Kind::Denied, 1));
            assert!(error.hint_text().unwrap().contains("create role bucardo login"));
        }
    }
}
