//! A look at all members of a KID, one after another: what only all of them together can tell.

use super::state::{COMMON, State};
use super::{Connection, Member, Place, Result, gap, has_rows};

/// See the module's text.
#[derive(Debug)]
pub struct Look {
    /// By the control database's clock.
    began: String,
    is_of_kid: bool,
    renamed: Vec<Renamed>,
}

/// A column that got a name which no other had on its member.
#[derive(Debug)]
struct Renamed {
    target: String,
    db: String,
    goat: i32,
    names: [String; 2],
    what: String,
}

impl Look {
    /// Before the KID looks at the first member. Until the end, it carries nothing.
    pub fn of_a_kid(control: &mut Connection) -> Result<Look> {
        Ok(Look { began: gap::now(control)?, is_of_kid: true, renamed: Vec::new() })
    }

    /// The same where a KID may carry rows meanwhile.
    pub fn beside_a_kid(control: &mut Connection) -> Result<Look> {
        Ok(Look { is_of_kid: false, ..Look::of_a_kid(control)? })
    }

    /// When it began, if it is a look of the KID.
    pub(super) fn of_kid(&self) -> Option<&str> {
        self.is_of_kid.then_some(self.began.as_str())
    }

    /// A column that was renamed is a gap until it is known, at the end, that no other member has
    /// another column of that name.
    pub(super) fn note_renamed(
        &mut self,
        control: &mut Connection,
        place: Place,
        conn: &mut Connection,
        member: &Member,
        (before, now): (&State, &State),
    ) -> Result<()> {
        let renamed = before.renamed_to_new(now);
        if renamed.is_empty() || !has_rows(conn, &member.relation)? {
            return Ok(());
        }
        for (former, name) in renamed {
            let what = format!("column {former} was renamed to {name}, and another database has a column {name} beside {former}");
            gap::record(control, place, member.goat, &member.relation.label(), &what)?;
            let (target, db, names) = (place.target.to_owned(), place.db.to_owned(), [former, name].map(str::to_owned));
            self.renamed.push(Renamed { target, db, goat: member.goat, names, what });
        }
        Ok(())
    }

    /// When all `members` of the KID have been looked at: columns that exchanged their names or got
    /// another type on all of them alike still hold the same values everywhere, and so does one
    /// that got a new name.
    pub fn end(&self, control: &mut Connection, sync: &str, target: &str, members: usize) -> Result<()> {
        for words in COMMON {
            gap::forget_common(control, sync, target, members, &self.began, words)?;
        }
        for renamed in self.renamed.iter().filter(|renamed| renamed.target == target) {
            let place = Place { sync, target, db: &renamed.db };
            let [former, name] = renamed.names.each_ref().map(String::as_str);
            let others = gap::known_elsewhere(control, place, renamed.goat)?;
            if !others.iter().any(|(_, other)| State::parse(other).has_columns(&[former, name])) {
                gap::forget(control, place, renamed.goat, &renamed.what, &self.began)?;
            }
        }
        Ok(())
    }
}
