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

/// Columns of a table that got names which no others had on its member.
#[derive(Debug)]
struct Renamed {
    target: String,
    db: String,
    goat: i32,
    table: String,
    /// The former name, and the name, of each.
    columns: Vec<[String; 2]>,
}

impl Renamed {
    /// What is said of one.
    fn of([former, name]: &[String; 2]) -> String {
        format!("column {former} was renamed to {name}, and another database has a column {name} beside {former}")
    }

    /// What is said of all.
    fn what(&self) -> String {
        self.columns.iter().map(Renamed::of).collect::<Vec<_>>().join("; ")
    }
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
        let columns = renamed.into_iter().map(|(former, name)| [former, name].map(str::to_owned)).collect();
        let (target, db, table) = (place.target.to_owned(), place.db.to_owned(), member.relation.label());
        let renamed = Renamed { target, db, goat: member.goat, table, columns };
        gap::record(control, place, member.goat, &renamed.table, &renamed.what())?;
        self.renamed.push(renamed);
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
            let others = gap::known_elsewhere(control, place, renamed.goat)?;
            let others: Vec<State> = others.iter().map(|(_, other)| State::parse(other)).collect();
            let is_taken = |columns: &&[String; 2]| {
                let names = columns.each_ref().map(String::as_str);
                others.iter().any(|other| other.has_columns(&names))
            };
            let taken: Vec<&[String; 2]> = renamed.columns.iter().filter(is_taken).collect();
            if taken.len() < renamed.columns.len() {
                gap::forget(control, place, renamed.goat, &renamed.what(), &self.began)?;
                taken.iter().try_for_each(|one| gap::record(control, place, renamed.goat, &renamed.table, &Renamed::of(one)))?;
            }
        }
        Ok(())
    }
}
