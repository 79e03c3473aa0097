//! The status of custom code. The newer dialect has it as a column of the code; it is kept, as the
//! older one does, with each sync or relation that the code runs for.

use super::columns::Quiet;
use super::find;
use crate::cli::noun::Noun;
use crate::cli::refusal;
use crate::error::Result;
use crate::pg::Connection;

/// Switches the code called `name`, or all that match, on or off; what has changed.
pub fn set_status(control: &mut Connection, name: &str, status: &str) -> Result<Vec<Quiet>> {
    let things = find::things(control, Noun::Customcode, &name.replace('%', "*"))?;
    things.iter().map(|thing| set(control, &thing.key, status)).collect()
}

fn set(control: &mut Connection, name: &str, status: &str) -> Result<Quiet> {
    let sql =
        "select bool_and(m.active) from bucardo.customcode_map m join bucardo.customcode c on c.id = m.code where c.name = $1";
    let Some(active) = control.query_one(sql, &[&name])?.get::<_, Option<bool>>(0) else {
        let sentence = format!("Customcode \"{name}\" runs for nothing, so it has no status");
        return Err(refusal::refused(sentence, "`add customcode` with sync= or relation= says what code runs for"));
    };
    let sql = "update bucardo.customcode_map set active = $2 where code = (select id from bucardo.customcode where name = $1)";
    control.execute(sql, &[&name, &(status == "active")])?;
    let old = if active { "active" } else { "inactive" };
    Ok(Quiet { column: "status".to_owned(), old: old.to_owned(), new: status.to_owned() })
}
