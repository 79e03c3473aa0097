//! Capturing changes on a source: what is put beside a table so that every change of its rows
//! leaves the row's key.
//!
//! For each table there are two generations of an insert-only *delta table* (key columns,
//! transaction id, time, `origin`: the database where the change was made, if a sync brought it
//! here, and `via`, that sync), a sequence that says which generation is being written, and one
//! trigger function, made for this very key, so that nothing has to be looked up while an
//! application waits. The function is SECURITY DEFINER and names everything by schema, operators
//! included: an application needs no right on schema `bucardo`, and its search_path cannot lead us
//! astray. Keys are compared by their binary image (`*<>` of records), which exists for every type,
//! unless equal keys are always identical.
//!
//! A write that would succeed without us succeeds with us. So delta tables take keys without length
//! or precision and in the widest type of their family ([`KeyColumn`]), tables are known by their
//! ids, and before anything of ours is named, the function asks whether all of it is there and fits
//! (`bucardo_fits`; the plan holds the answer, until one of the tables changes). Each expression
//! that reads a row mentions the table as a constant, too: a session's plan is then made anew when
//! the table has changed. What does not fit is noted the slow way, in a block of its own, where it
//! can be (columns that were renamed); if not, `bucardo_gap` gets a row.

use crate::control::channel;
use crate::pg::ident::{list, literal};
use crate::pg::session::APPLYING;
use crate::pg::{Ident, Relation, Schema};
use crate::replicate::catalog::shape::Key;

/// The version of the capture objects; raise it whenever tables made here change. Functions are
/// compared by their texts.
pub const VERSION: i32 = 4;

/// The names of the objects that capture one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    schema: Schema,
    base: String,
}

impl Names {
    /// The names for a table: readable, and distinct for distinct tables whatever their names
    /// contain.
    pub fn of(schema: Schema, table: &Relation) -> Names {
        let digest = channel::digest(&table.to_string());
        Names { schema, base: format!("delta_{}_{}", channel::cut(table.name.raw(), 36), &digest[..10]) }
    }

    /// The names from what `bucardo_delta_names` records.
    pub fn recorded(schema: Schema, deltaname: impl Into<String>) -> Names {
        Names { schema, base: deltaname.into() }
    }

    /// Other names for the same table, where these are taken.
    pub fn another(&self, number: usize) -> Names {
        Names { base: format!("{}_{number}", self.base), ..*self }
    }

    /// What `bucardo_delta_names.deltaname` records.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The schema of all of them.
    pub fn schema(&self) -> Schema {
        self.schema
    }

    /// A delta table; `generation` is 1 or 2.
    pub fn delta(&self, generation: i64) -> Relation {
        self.schema.relation(format!("{}_{generation}", self.base))
    }

    /// The sequence whose value is the generation being written.
    pub fn generation(&self) -> Relation {
        self.schema.relation(format!("{}_gen", self.base))
    }

    fn function(&self, prefix: &str) -> Relation {
        self.schema.relation(format!("{prefix}{}", self.base))
    }

    /// The row trigger's function.
    pub fn row_function(&self) -> Relation {
        self.function("add_")
    }

    /// The TRUNCATE trigger's function.
    pub fn truncate_function(&self) -> Relation {
        self.function("cut_")
    }
}

/// The key columns of a delta table: `k1`, `k2`, … so that no column of an application can collide
/// with ours.
pub fn delta_keys(key: &Key) -> Vec<Ident> {
    (1..=key.columns.len()).map(|position| Ident::new(format!("k{position}"))).collect()
}

/// A key column as it is captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyColumn {
    /// Its name today.
    pub name: String,
    /// Its number in the table, which a renaming leaves as it is.
    pub number: i16,
    /// The type that is stored: the widest of its family, without length or precision; what a
    /// domain is made of, since one may forbid the NULLs of a TRUNCATE.
    pub stored: String,
    /// Its collation, where that may find different texts equal.
    pub collation: Option<String>,
    /// The ids of all types that can be stored so, as an array in text.
    pub family: String,
    /// How it is compared.
    pub equals: String,
}

impl KeyColumn {
    /// Whether it is stored as a type of the server's own. The name of any other comes with its
    /// schema.
    pub fn is_built_in(&self) -> bool {
        !self.stored.contains('.')
    }

    /// Whether values of a type, by its id, are compared with what is stored without a conversion
    /// that users have made.
    pub fn takes(&self, type_oid: u32) -> bool {
        /// The first id that a server gives to what users make.
        const FIRST_OF_USERS: u32 = 16_384;
        let mut family = self.family.trim_matches(['{', '}']).split(',');
        (type_oid < FIRST_OF_USERS && self.is_built_in()) || family.any(|oid| oid.parse() == Ok(type_oid))
    }

    /// What tells whether keys can be noted where they were noted before.
    pub fn stored_with_collation(&self) -> String {
        let collation = self.collation.as_ref().map(|collation| format!(" collate {collation}"));
        format!("{}{}", self.stored, collation.unwrap_or_default())
    }
}

/// What is captured of a table: its key, and where that is noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// The table's id.
    pub table: u32,
    /// Where changes are noted.
    pub names: Names,
    /// The key.
    pub columns: Vec<KeyColumn>,
    /// Whether keys that are equal are always identical.
    pub exact: bool,
}

/// The ids of a capture's delta tables and of its sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Objects {
    /// The delta tables.
    pub delta: [u32; 2],
    /// The sequence.
    pub generation: u32,
}

/// The tables that may call the row trigger's function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callers {
    /// The table, and its partitions that are known.
    pub known: Vec<u32>,
    /// It is partitioned. Its owner may make partitions, whose triggers come from the table's:
    /// everybody may put the function on a table.
    pub partitioned: bool,
    /// The server can tell of what a table is a partition.
    pub knows_root: bool,
}

impl Capture {
    /// The columns of the delta tables.
    fn keys(&self) -> Vec<Ident> {
        (1..=self.columns.len()).map(|position| Ident::new(format!("k{position}"))).collect()
    }

    /// The table as a constant, on which plans depend.
    fn constant(&self) -> String {
        format!("'{}'::pg_catalog.regclass", self.table)
    }

    fn texts(&self, of: impl Fn(&KeyColumn) -> &str) -> String {
        let all: Vec<String> = self.columns.iter().map(|column| literal(of(column))).collect();
        format!("array[{}]::pg_catalog.text[]", all.join(", "))
    }

    /// The key's columns as `number:name`.
    fn numbered_names(&self) -> String {
        let all: Vec<String> = self.columns.iter().map(|column| literal(&format!("{}:{}", column.number, column.name))).collect();
        format!("array[{}]::pg_catalog.text[]", all.join(", "))
    }

    fn families(&self) -> String {
        self.texts(|column| &column.family)
    }

    /// Whether changes can be noted as they always are.
    pub fn fits(&self, objects: Objects) -> String {
        let Objects { delta: [one, two], generation } = objects;
        let of = |oid: u32| format!("'{oid}'::pg_catalog.regclass");
        format!(
            "{}.bucardo_fits({}, {}, {}, {}, {}, {}, {}, {})",
            self.names.schema,
            self.constant(),
            of(one),
            of(two),
            of(generation),
            literal(self.names.base()),
            self.numbered_names(),
            self.families(),
            self.texts(|column| &column.stored)
        )
    }

    /// The names of the key's columns as they are now, each after `prefix`.
    pub fn names_now(&self, prefix: &str) -> String {
        let numbers: Vec<String> = self.columns.iter().map(|column| column.number.to_string()).collect();
        format!(
            "{}.bucardo_key_columns('{}'::pg_catalog.oid, '{{{}}}'::pg_catalog.int2[], {}, {})",
            self.names.schema,
            self.table,
            numbers.join(","),
            self.families(),
            literal(prefix)
        )
    }

    /// Notes the key of a `row`.
    fn note(&self, generation: u32, row: &str) -> String {
        let values: Vec<String> = self.columns.iter().map(|column| format!("{row}.{}", Ident::new(&column.name))).collect();
        let into = |number: i64| {
            format!(
                "insert into {} ({}) select {} where {} is not null;",
                self.names.delta(number),
                list(&self.keys()),
                values.join(", "),
                self.constant()
            )
        };
        format!(
            "    if pg_catalog.pg_sequence_last_value('{generation}'::pg_catalog.regclass) operator(pg_catalog.=) 2 then\n      {}\n    else\n      {}\n    end if;\n",
            into(2),
            into(1)
        )
    }

    /// Whether an UPDATE changes the key. The casts to record keep the parser from comparing column
    /// by column, for which `*<>` does not exist. Values of a type that users have made are always
    /// compared so: for an operator, the parser would look for their casts.
    fn changes(&self) -> String {
        let (plain, images): (Vec<&KeyColumn>, Vec<&KeyColumn>) =
            self.columns.iter().partition(|column| self.exact && column.is_built_in());
        let different = |column: &&KeyColumn| {
            let name = Ident::new(&column.name);
            format!("(old.{name} operator(pg_catalog.<>) new.{name}) is not false")
        };
        let mut changed: Vec<String> = plain.iter().map(different).collect();
        if !images.is_empty() {
            let of = |row: &str| {
                let values: Vec<String> = images.iter().map(|column| format!("{row}.{}", Ident::new(&column.name))).collect();
                format!("row({})::pg_catalog.record", values.join(", "))
            };
            changed.push(format!("{} operator(pg_catalog.*<>) {}", of("old"), of("new")));
        }
        format!("{} is not null and ({})", self.constant(), changed.join(" or "))
    }

    /// Notes the keys of a change when something does not fit: columns that were renamed are found.
    /// What cannot be noted is a gap.
    fn note_slowly(&self) -> String {
        let insert = format!("insert into {} ({}) select ", self.names.delta(1), list(&self.keys()));
        let row = |operation: &str, row: &str| {
            format!(
                "      if tg_op operator(pg_catalog.<>) '{operation}' then\n        execute {} operator(pg_catalog.||) bucardo_keys using {row};\n      end if;\n",
                literal(&insert)
            )
        };
        format!(
            "    begin\n{}      bucardo_keys := {};\n{}{}    {}    end;\n",
            self.refuse_diversions(),
            self.names_now("($1)."),
            row("INSERT", "old"),
            row("DELETE", "new"),
            self.or_gap()
        )
    }

    /// An error where rules or triggers of others may let a change go elsewhere than into the
    /// delta.
    fn refuse_diversions(&self) -> String {
        let delta = format!("{}::pg_catalog.regclass", literal(&self.names.delta(1).to_string()));
        format!(
            "      if exists (select from pg_catalog.pg_rewrite r where r.ev_class operator(pg_catalog.=) {delta}) \
             or exists (select from pg_catalog.pg_trigger t where t.tgrelid operator(pg_catalog.=) {delta}) then\n\
             \x20       raise exception 'a rule or a trigger was put on the table where its changes are noted';\n      end if;\n"
        )
    }

    /// What went wrong in a block is noted as a gap; if not even that is possible, the write passes
    /// nevertheless.
    fn or_gap(&self) -> String {
        format!(
            "exception when others then\n      begin\n        perform {}.bucardo_note_gap('{}'::pg_catalog.oid, sqlerrm, sqlstate);\n      exception when others then\n        null;\n      end;\n",
            self.names.schema, self.table
        )
    }
}

/// `CREATE TABLE` and so on for one table's deltas. The second index finds a TRUNCATE among any
/// number of changes; a key of NULLs does not mean one, because somebody may drop a NOT NULL.
/// Replica identity FULL lets rows be deleted by hand even where a publication covers all tables.
/// Of keys whose types users have made there are no statistics ([`withhold_statistics`]).
pub fn create_delta(capture: &Capture) -> String {
    let names = &capture.names;
    let columns: Vec<String> = capture
        .keys()
        .iter()
        .zip(&capture.columns)
        .map(|(k, column)| format!("{k} {}", column.stored_with_collation()))
        .collect();
    let mut sql = format!("create sequence {} minvalue 1 maxvalue 2;\n", names.generation());
    sql += &format!("select pg_catalog.setval({}, 1);\n", literal(&names.generation().to_string()));
    for generation in [1, 2] {
        let delta = names.delta(generation);
        sql += &format!(
            "create table {delta} ({}, txid bigint not null default pg_catalog.txid_current(), \
             txntime timestamptz not null default now(), origin text, via text, truncated boolean);\n\
             alter table {delta} replica identity full;\n\
             create index on {delta} (txid);\n\
             create index on {delta} (txid) where truncated;\n",
            columns.join(", ")
        );
    }
    sql + &withhold_statistics(capture)
}

/// ANALYZE, autovacuum's as well, runs as the owner of the table, which is our role, and calls
/// functions that users have made for their types, such as the difference of a range's bounds.
pub fn withhold_statistics(capture: &Capture) -> String {
    let columns = capture.keys().into_iter().zip(&capture.columns);
    let of_users: Vec<String> =
        columns.filter(|(_, column)| !column.is_built_in()).map(|(k, _)| format!("alter {k} set statistics 0")).collect();
    if of_users.is_empty() {
        return String::new();
    }
    let alter = |generation| format!("alter table {} {};\n", capture.names.delta(generation), of_users.join(", "));
    alter(1) + &alter(2)
}

/// The row trigger's function, called by the newest of the table's `captures`; all get the change.
/// INSERT logs the new key, DELETE the old one, UPDATE the old one and, if it differs, the new one
/// (reference, section 1.7).
pub fn row_function(captures: &[(&Capture, Objects)], callers: &Callers) -> String {
    let Some((newest, _)) = captures.last() else { return String::new() };
    let (verb, preposition) = if callers.partitioned { ("grant", "to") } else { ("revoke", "from") };
    let name = newest.names.row_function();
    function(&name, "", &row_text(newest, captures, callers))
        + &format!("{verb} execute on function {name}() {preposition} public;\n")
}

/// What the catalog shall say of it: its source, and whether everybody may put it on a table.
pub fn row_source(captures: &[(&Capture, Objects)], callers: &Callers) -> String {
    let Some((newest, _)) = captures.last() else { return String::new() };
    row_text(newest, captures, callers) + if callers.partitioned { PUBLIC } else { "" }
}

/// Follows the source of a function that everybody may call.
const PUBLIC: &str = " public";

fn row_text(newest: &Capture, captures: &[(&Capture, Objects)], callers: &Callers) -> String {
    let note = |row: &str| captures.iter().map(|(capture, objects)| capture.note(objects.generation, row)).collect::<String>();
    let moved = captures.iter().map(|(capture, objects)| {
        format!("      if {} then\n{}      end if;\n", capture.changes(), capture.note(objects.generation, "new"))
    });
    let fits: Vec<String> = captures.iter().map(|(capture, objects)| capture.fits(*objects)).collect();
    let slowly: String = captures.iter().map(|(capture, _)| capture.note_slowly()).collect();
    let own = own(newest);
    let body = format!(
        "  if {own_and}{fits} then\n\
         {check}\
         \x20   if tg_op operator(pg_catalog.=) 'INSERT' then\n{new}\x20     return null;\n    end if;\n\
         {old}\
         \x20   if tg_op operator(pg_catalog.=) 'UPDATE' then\n{moved}\x20   end if;\n\
         \x20 {otherwise} then\n{slowly}\
         \x20 end if;\n\
         \x20 return null;\n\
         end",
        check = if callers.partitioned { strangers(captures, newest, callers) } else { String::new() },
        own_and = if callers.partitioned { String::new() } else { format!("{own} and ") },
        otherwise = if callers.partitioned {
            format!("elsif {}", is_partition(newest, callers.knows_root))
        } else {
            format!("elsif {own}")
        },
        fits = fits.join(" and "),
        new = note("new"),
        old = note("old"),
        moved = moved.collect::<String>(),
    );
    source(newest.names.schema, DECLARED, &body)
}

/// What the slow way needs. Names of types are looked up when a session first calls the function,
/// by the search_path of the application.
const DECLARED: &str = "declare\n  bucardo_keys pg_catalog.text;\n";

/// Whether it is a table without partitions that calls. Who has put the function on a table of his
/// own gets nothing for it.
fn own(capture: &Capture) -> String {
    format!("tg_relid operator(pg_catalog.=) '{}'::pg_catalog.oid", capture.table)
}

/// The same for a partitioned table, where one that is no partition of it calls. One that was a
/// partition is taken for one as long as its key has the same types: with others, to note the key
/// could call a conversion that its owner has made. So what a partition is asked for is most often
/// only that.
fn strangers(captures: &[(&Capture, Objects)], newest: &Capture, callers: &Callers) -> String {
    let known: Vec<String> = callers.known.iter().map(u32::to_string).collect();
    let typed = captures.iter().flat_map(|(capture, _)| &capture.columns).map(|column| {
        let (name, family) = (Ident::new(&column.name), &column.family);
        format!(" and pg_catalog.pg_typeof(new.{name})::pg_catalog.oid operator(pg_catalog.=) any ('{family}'::pg_catalog.oid[])")
    });
    format!(
        "    if not (tg_relid operator(pg_catalog.=) any ('{{{}}}'::pg_catalog.oid[]){}) then\n      if not {} then\n        return null;\n      end if;\n    end if;\n",
        known.join(","),
        typed.collect::<String>(),
        is_partition(newest, callers.knows_root)
    )
}

/// Whether the table that calls is a partition, at whatever level.
fn is_partition(capture: &Capture, knows_root: bool) -> String {
    let oid = capture.table;
    if knows_root {
        return format!(
            "exists (select from pg_catalog.pg_partition_ancestors(tg_relid) as a (relid) \
             where a.relid operator(pg_catalog.=) '{oid}'::pg_catalog.regclass)"
        );
    }
    format!(
        "exists (with recursive up (oid) as (\
         select i.inhparent from pg_catalog.pg_inherits i where i.inhrelid operator(pg_catalog.=) tg_relid \
         union all select i.inhparent from up join pg_catalog.pg_inherits i on i.inhrelid operator(pg_catalog.=) up.oid) \
         select from up where up.oid operator(pg_catalog.=) '{oid}'::pg_catalog.oid)"
    )
}

/// The TRUNCATE trigger's function. A TRUNCATE of the table itself is one delta row without key:
/// every row that is in the table afterwards was inserted after it and has a delta row of its own.
/// A TRUNCATE of one partition deletes the rows it holds; if our role may not read the partition,
/// it finds them through the table. A policy is an error there: its expressions would run with the
/// rights of our role. One that was a partition is left alone: it may have other types since.
pub fn truncate_function(captures: &[&Capture], knows_root: bool) -> String {
    let Some(newest) = captures.last() else { return String::new() };
    let name = newest.names.truncate_function();
    function(&name, "set row_security = off ", &truncate_source(captures, knows_root))
        + &format!("revoke execute on function {name}() from public;\n")
}

/// What the catalog shall say of it.
pub fn truncate_source(captures: &[&Capture], knows_root: bool) -> String {
    let schema = captures.last().map(|newest| newest.names.schema).unwrap_or_default();
    let body: String = captures.iter().map(|capture| note_truncate(capture, knows_root)).collect();
    source(schema, DECLARED, &format!("{body}  return null;\nend"))
}

fn note_truncate(capture: &Capture, knows_root: bool) -> String {
    let columns = list(&capture.keys());
    let delta = capture.names.delta(1);
    let insert = literal(&format!("insert into {delta} ({columns}) select "));
    let keys = capture.names_now("t.");
    let oid = capture.table;
    format!(
        "  begin\n{}\
         \x20   if tg_relid operator(pg_catalog.=) '{oid}'::pg_catalog.oid then\n\
         \x20     insert into {delta} (truncated) values (true);\n\
         \x20   elsif {} then\n\
         \x20     bucardo_keys := {keys};\n\
         \x20     begin\n\
         \x20       execute {insert} operator(pg_catalog.||) bucardo_keys operator(pg_catalog.||) \
                     pg_catalog.format(' from only %I.%I as t', tg_table_schema, tg_table_name);\n\
         \x20     exception when insufficient_privilege then\n\
         \x20       execute {insert} operator(pg_catalog.||) bucardo_keys operator(pg_catalog.||) \
                     pg_catalog.format(' from %s as t where t.tableoid operator(pg_catalog.=) %L::pg_catalog.oid', \
                     '{oid}'::pg_catalog.regclass, tg_relid);\n\
         \x20     end;\n\
         \x20   end if;\n\
         \x20 {}  end;\n",
        capture.refuse_diversions(),
        is_partition(capture, knows_root),
        capture.or_gap()
    )
}

/// What we write ourselves is not captured ([`crate::pg::session::APPLYING`]), whichever triggers
/// fire. An application may say the same, but does not come as the role to which our functions
/// belong; another installation may, and says something else. The function asks, and not a
/// condition of its trigger: a server reads and plans that anew for each statement, which takes
/// longer than a call.
fn unless_ours(schema: Schema) -> String {
    format!(
        "  if pg_catalog.current_setting('{APPLYING}', true) operator(pg_catalog.=) '{}' \
         and session_user operator(pg_catalog.=) current_user then\n    return null;\n  end if;\n",
        schema.applying()
    )
}

pub(super) fn function(name: &Relation, settings: &str, source: &str) -> String {
    format!(
        "create or replace function {name}() returns trigger language plpgsql security definer {settings}as {};\n\
         alter function {name}() owner to current_user;\n",
        literal(source)
    )
}

/// The source of a trigger function, of its declarations and what it does after BEGIN.
pub(super) fn source(schema: Schema, declared: &str, body: &str) -> String {
    format!("{declared}begin\n{}{body}", unless_ours(schema))
}

/// `CREATE TRIGGER` for rows of `table`. Its condition is always true: it makes the trigger depend
/// on the function that the trigger's function calls, so that nobody drops that without dropping
/// the trigger.
pub fn create_row_trigger(trigger: &Ident, names: &Names, table: &Relation) -> String {
    format!(
        "create trigger {trigger} after insert or update or delete on {table} for each row when ({}::pg_catalog.regprocedure is not null) \
         execute procedure {}()",
        names.schema.text(FITS),
        names.row_function()
    )
}

const FITS: &str = "'bucardo.bucardo_fits(pg_catalog.regclass, pg_catalog.regclass, pg_catalog.regclass, pg_catalog.regclass, \
    pg_catalog.text, pg_catalog.text[], pg_catalog.text[], pg_catalog.text[])'";

/// `CREATE TRIGGER` for TRUNCATE of `table`, which may be a partition. It fires before, while the
/// rows can still be read.
pub fn create_truncate_trigger(trigger: &Ident, names: &Names, table: &Relation) -> String {
    format!(
        "create trigger {trigger} before truncate on {table} for each statement execute procedure {}()",
        names.truncate_function()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_that_takes_over_a_name_is_another_type() {
        let column = |stored: &str, family: &str| KeyColumn {
            name: "k".into(),
            number: 1,
            stored: stored.into(),
            collation: None,
            family: family.into(),
            equals: String::new(),
        };
        let own = column("public.mood", "{20000,20001}");
        assert!(own.takes(20_000) && own.takes(20_001) && !own.takes(20_002) && !own.takes(23));
        let plain = column("bigint", "{21,23,20,23}");
        assert!(plain.takes(23) && plain.takes(1700) && !plain.takes(20_000));
    }

    #[test]
    fn objects_of_look_alike_tables_have_different_names_that_fit() {
        let long = "ü".repeat(31);
        let names = |schema: &str, table: &str| Names::of(Schema::FIRST, &Relation::new(schema, table));
        assert_ne!(names("a_b", "c"), names("a", "b_c"));
        for relation in [names("s", &long).delta(1), names("s", &long).generation(), names("s", &long).row_function()] {
            assert!(relation.name.raw().len() <= channel::MAX_NAME, "{relation}");
        }
    }
}
