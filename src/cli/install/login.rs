//! Coming in as the daemon will: as the owner of the schema. A new role gets a password only where
//! the server wants one.

use super::create::Site;
use super::menu::Choice;
use super::password;
use super::{BUCARDO, Settings};
use crate::error::{Error, Result};
use crate::pg::ident::literal;
use crate::pg::{ConnInfo, Connection, Ident};

/// Tries to log in; makes it possible if it is not.
pub fn check(settings: &Settings, choice: &Choice, site: &Site, conn: &mut Connection) -> Result<()> {
    let info = settings.info(choice, &site.owner, BUCARDO)?;
    let Err(refused) = Connection::open(&info) else { return Ok(()) };
    if site.new_role && with_password(choice, &info, conn)? {
        return Ok(());
    }
    Err(locked_out(&site.owner, refused))
}

/// Whether a password helps. If it does not, the role does not keep it.
fn with_password(choice: &Choice, info: &ConnInfo, conn: &mut Connection) -> Result<bool> {
    let (role, secret) = (Ident::new(&info.user), password::random()?);
    // The server gets only the verifier, because statements like this one are logged.
    conn.batch_execute(&format!("alter role {role} password {}", literal(&password::verifier(&secret))))?;
    if Connection::open(&ConnInfo { password: Some(secret.clone()), ..info.clone() }).is_ok() {
        let host = choice.host.as_deref().unwrap_or("localhost");
        password::keep(host, info, &secret)?;
        return Ok(true);
    }
    conn.batch_execute(&format!("alter role {role} password null"))?;
    Ok(false)
}

fn locked_out(owner: &str, refused: Error) -> Error {
    refused.context(format!("The control database is complete, but \"{owner}\" cannot log in there")).exit_code(1)
}
