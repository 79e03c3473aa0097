//! What a plan rests on, as text that differs when anything of it does: made with the plan, and
//! compared in each round.
//!
//! Two such texts. The *digest* is of all that matters for carrying rows; it is compared for the
//! tables with work, at a receiver after the round's locks are held, and at a source after its
//! transaction has ended, in a new one: catalogs are read by the snapshot, and that of the round
//! may be older than the lock. What is the same before and after was the same in between. The
//! *guard* says whether changes are captured at all; it is compared for all tables of a source when
//! it is asked what has changed, because a table whose name leads elsewhere, or whose trigger is
//! off, has no work.

use crate::error::{Error, Kind, Result};
use crate::pg::ident::literal;
use crate::pg::template::body;
use crate::pg::{Connection, Relation, Schema};
use crate::replicate::catalog::capture_triggers::{self, ROW_TRIGGER, TRUNCATE_TRIGGER};

/// See the module's text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// Of its capturing.
    pub guard: String,
    /// Of all else.
    pub digest: String,
}

impl State {
    /// The table, and the transactions that touched its triggers last, as literals; none where
    /// there may be partitions, or where nobody knows.
    fn touched(&self) -> Option<(String, String)> {
        let mut parts = self.guard.split(';').map(|part| part.split(' ').collect::<Vec<_>>());
        let (table, kind) = (parts.next()?, parts.next()?);
        if kind != ["kind", "r"] {
            return None;
        }
        let triggers = parts.filter(|part| part.first() == Some(&"trigger"));
        let touched: Vec<&str> = triggers.filter_map(|part| part.get(4).copied()).collect();
        Some(((*table.get(1)?).to_owned(), format!("'{{{}}}'", touched.join(","))))
    }
}

/// A statement with the expressions put in.
pub fn complete(schema: Schema, sql: &str) -> String {
    let guard = body(include_str!("../sql/guard.sql"));
    let guard = guard.replace("{captured}", &capture_triggers::as_sql(schema));
    let partitions = format!(", {}", body(include_str!("../sql/digest_partitions.sql")));
    let digest = body(include_str!("../sql/digest.sql"));
    sql.replace("{guard}", &guard)
        .replace("{digest}", &digest.replace("{partitions}", &partitions))
        .replace("{plain digest}", &digest.replace("{partitions}", ""))
}

/// Prepares a session for [`ask_changed`].
pub fn prepare(conn: &mut Connection) -> Result<()> {
    let changed = include_str!("../sql/changed.sql");
    let plainly = complete(conn.schema(), &changed.replace("{digest}", "{plain digest}"));
    conn.batch(&format!(
        "prepare bucardo_changed (text[], text[]) as {}; prepare bucardo_changed_plainly (text[], text[]) as {plainly}",
        complete(conn.schema(), changed).trim_end()
    ))
}

/// The statement whose answer names one of these tables that is not as it was, or none.
pub fn ask_changed<'a>(tables: impl Iterator<Item = (&'a Relation, &'a State)>) -> String {
    let tables: Vec<_> = tables.collect();
    let how = if tables.iter().all(|(_, state)| state.touched().is_some()) { "_plainly" } else { "" };
    let (names, digests): (Vec<String>, Vec<String>) =
        tables.iter().map(|(table, state)| (literal(&table.to_string()), literal(&state.digest))).unzip();
    format!("execute bucardo_changed{how} (array[{}]::text[], array[{}]::text[])", names.join(", "), digests.join(", "))
}

/// The expression that says whether any of these tables is not captured as it was. It is asked for
/// all tables of a source, again and again; so of what guards a table, unless it has partitions,
/// only that is asked which the rest follows from.
pub fn unguarded<'a>(schema: Schema, tables: impl Iterator<Item = (&'a Relation, &'a State)>) -> String {
    let (whole, simple): (Vec<_>, Vec<_>) = tables.partition(|(_, state)| state.touched().is_none());
    let array = |texts: Vec<String>, of: &str| format!("array[{}]::{of}[]", texts.join(", "));
    let names =
        |tables: &[(&Relation, &State)]| array(tables.iter().map(|(table, _)| literal(&table.to_string())).collect(), "text");
    let guards = array(whole.iter().map(|(_, state)| literal(&state.guard)).collect(), "text");
    let (oids, touched) = simple.iter().filter_map(|(_, state)| state.touched()).unzip();
    let now = "(select {guard} from pg_catalog.pg_class c where c.oid = pg_catalog.to_regclass(w.name))";
    format!(
        "(exists (select from unnest({}, {}, {}) as w (name, oid, touched) \
          where pg_catalog.to_regclass(w.name)::oid is distinct from w.oid \
          or array(select t.xmin from pg_catalog.pg_trigger t \
                   where t.tgrelid = w.oid and t.tgname in ('{}', '{}') order by t.tgname)::text <> w.touched) \
          or exists (select from unnest({}, {guards}) as w (name, guard) where w.guard is distinct from {}))",
        names(&simple),
        array(oids, "oid"),
        array(touched, "text"),
        schema.trigger(ROW_TRIGGER),
        schema.trigger(TRUNCATE_TRIGGER),
        names(&whole),
        complete(schema, now),
    )
}

/// The guards of tables as they are now, in their order; none for one that is missing.
pub fn guards(conn: &mut Connection, tables: &[Relation]) -> Result<Vec<Option<String>>> {
    let statement = conn.prepare_cached(&complete(conn.schema(), include_str!("../sql/guards.sql")))?;
    let (schemas, names): (Vec<_>, Vec<_>) = tables.iter().map(|one| (one.schema.raw(), one.name.raw())).unzip();
    Ok(conn.query(&statement, &[&schemas, &names])?.iter().map(|row| row.get(0)).collect())
}

/// The error that a round ends with when a table is not as it was.
pub fn outdated(table: &str) -> Error {
    Error::new(Kind::Outdated, format!("table {table} is not as it was when its changes were planned"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_open_in_a_statement() {
        for sql in [include_str!("../sql/changed.sql"), include_str!("../sql/guards.sql"), include_str!("../sql/table.sql")] {
            let sql = complete(Schema::FIRST, sql);
            assert!(!sql.contains(['{', '}']), "{sql}");
            assert!(
                !sql.lines().skip_while(|line| line.starts_with("--")).any(|line| line.trim_start().starts_with("--")),
                "{sql}"
            );
        }
    }

    #[test]
    fn of_a_simple_table_only_its_triggers_are_asked_for() {
        let state = |guard: &str| State { guard: guard.into(), digest: String::new() };
        let simple =
            "table 7;kind r;persistence p;trigger 7 bucardo_add_delta 70 900 O 1;trigger 7 bucardo_add_truncate 71 901 O 2";
        assert_eq!(state(simple).touched(), Some(("7".into(), "'{900,901}'".into())));
        assert_eq!(state("table 7;kind r;persistence p").touched(), Some(("7".into(), "'{}'".into())));
        assert_eq!(state("table 7;kind p;persistence p").touched(), None);
        assert_eq!(state("").touched(), None);
    }

    #[test]
    fn names_and_texts_are_quoted() {
        let (table, state) = (Relation::new("s", "it's"), State { guard: "table 7;kind p".into(), digest: "d".into() });
        assert_eq!(
            ask_changed([(&table, &state)].into_iter()),
            "execute bucardo_changed (array['\"s\".\"it''s\"']::text[], array['d']::text[])"
        );
        let asked = unguarded(Schema::FIRST, [(&table, &state)].into_iter());
        assert!(asked.contains("unnest(array['\"s\".\"it''s\"']::text[], array['table 7;kind p']::text[])"), "{asked}");
    }
}
