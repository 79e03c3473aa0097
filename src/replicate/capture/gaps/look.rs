//! A look at all members of a KID, one after another: what only all of them together can tell.
//! Until then, it is noted as a gap, with the state of the table before. A look that is interrupted
//! goes on with the next one, because the KID has carried nothing in between.

use super::state::{COMMON, State};
use super::{Connection, Member, Place, Result, gap, has_rows};

/// See the module's text.
#[derive(Debug)]
pub struct Look {
    /// By the control database's clock.
    began: String,
    is_of_kid: bool,
}

impl Look {
    /// Before the KID looks at the first member. Until the end, it carries nothing.
    pub fn of_a_kid(control: &mut Connection) -> Result<Look> {
        Ok(Look { began: gap::now(control)?, is_of_kid: true })
    }

    /// The same where a KID may carry rows meanwhile.
    pub fn beside_a_kid(control: &mut Connection) -> Result<Look> {
        Ok(Look { is_of_kid: false, ..Look::of_a_kid(control)? })
    }

    /// When it began, if it is a look of the KID.
    pub(super) fn of_kid(&self) -> Option<&str> {
        self.is_of_kid.then_some(self.began.as_str())
    }

    /// When all `members` of the KID have been looked at: columns that exchanged their names or got
    /// another type on all of them alike still hold the same values everywhere, and so does one
    /// that got a new name.
    pub fn end(&self, control: &mut Connection, sync: &str, target: &str, members: usize) -> Result<()> {
        for words in COMMON {
            gap::forget_common(control, sync, target, members, words)?;
        }
        for noticed in gap::unsettled(control, sync, target)? {
            let (before, now) = (State::parse(&noticed.former), State::parse(&noticed.now));
            let renamed = before.renamed_to_new(&now);
            if renamed.is_empty() || noticed.what != what(&renamed) {
                continue;
            }
            let place = Place { sync, target, db: &noticed.db };
            let others = gap::known_elsewhere(control, place, noticed.goat)?;
            let others: Vec<State> = others.iter().map(|(_, other)| State::parse(other)).collect();
            let is_taken = |(former, name): &&(&str, &str)| others.iter().any(|other| other.has_columns(&[former, name]));
            let taken: Vec<(&str, &str)> = renamed.iter().filter(is_taken).copied().collect();
            if taken.len() < renamed.len() {
                gap::forget(control, place, noticed.goat, &noticed.what)?;
                if !taken.is_empty() {
                    gap::record_in_look(control, place, noticed.goat, &noticed.table, &what(&taken), &noticed.former)?;
                }
            }
        }
        if self.is_of_kid { gap::settle(control, sync, target) } else { Ok(()) }
    }
}

/// A column that was renamed is a gap until it is known, when the look ends, that no other member
/// has another column of that name.
pub(super) fn renamed(conn: &mut Connection, member: &Member, before: &State, now: &State) -> Result<Option<String>> {
    let renamed = before.renamed_to_new(now);
    Ok((!renamed.is_empty() && has_rows(conn, &member.relation)?).then(|| what(&renamed)))
}

/// What is said of columns by their former names, and their names.
fn what(renamed: &[(&str, &str)]) -> String {
    let of = |(former, name): &(&str, &str)| {
        format!("column {former} was renamed to {name}, and another database has a column {name} beside {former}")
    };
    renamed.iter().map(of).collect::<Vec<_>>().join("; ")
}
