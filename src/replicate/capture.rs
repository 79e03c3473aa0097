//! Capturing changes on a source: what is put beside a table so that every change of its rows leaves the row's key.
//!
//! For each table there are two generations of an insert-only *delta table* (key columns in their own types, transaction id, time,
//! `origin`: the database where the change was made, if a sync brought it here, and `via`, that sync), a sequence that says which generation is being written, and one trigger function, made for this very key, so that nothing
//! has to be looked up while an application waits. The function is SECURITY DEFINER and names everything by schema, operators
//! included: an application needs no right on schema `bucardo`, and its search_path cannot lead us astray. Keys are compared by their
//! binary image (`*<>` of records), which exists for every type; seeing a change where there is none costs one delta row.
//!
//! NOTIFY is the dearest part of capturing: commits with one pending queue behind a single lock. So the kick trigger sends it only
//! when a KID has said that it sleeps (*armed*). The flag is a sequence, because a sequence's value is the same for every transaction
//! at once, whatever its snapshot: whoever reads "not armed" had its transaction id before the flag was set and is therefore listed
//! as running in the snapshot that the KID takes after arming; the KID looks again when those have ended.

use crate::control::channel;
use crate::pg::ident::{list, literal};
use crate::pg::{Ident, Relation};
use crate::replicate::shape::{Key, Shape};

/// The version of the capture objects; raise it whenever the texts made here change.
pub const VERSION: i32 = 3;

/// The row trigger, by its original name.
pub const ROW_TRIGGER: &str = "bucardo_add_delta";
/// The TRUNCATE trigger.
pub const TRUNCATE_TRIGGER: &str = "bucardo_add_truncate";

/// The value of a new armed flag. Even values mean that somebody sleeps and wants to be woken. Each kid takes a pair of values of its own, so
/// that one of the past cannot change the flag under its successor.
pub const ARMED: i64 = 2;

/// The names of the objects that capture one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    base: String,
}

impl Names {
    /// The names for a table: readable, and distinct for distinct tables whatever their names contain.
    pub fn of(table: &Relation) -> Names {
        let digest = channel::digest(&table.to_string());
        Names { base: format!("delta_{}_{}", channel::cut(table.name.raw(), 36), &digest[..10]) }
    }

    /// The names from what `bucardo_delta_names` records.
    pub fn recorded(deltaname: impl Into<String>) -> Names {
        Names { base: deltaname.into() }
    }

    /// What `bucardo_delta_names.deltaname` records.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A delta table; `generation` is 1 or 2.
    pub fn delta(&self, generation: i64) -> Relation {
        Relation::new("bucardo", format!("{}_{generation}", self.base))
    }

    /// The sequence whose value is the generation being written.
    pub fn generation(&self) -> Relation {
        Relation::new("bucardo", format!("{}_gen", self.base))
    }

    fn function(&self, prefix: &str) -> Relation {
        Relation::new("bucardo", format!("{prefix}{}", self.base))
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

/// The flag of one sleeper: the KID of this sync and target.
pub fn armed_flag(sync: &str, target: &str) -> Relation {
    let digest = channel::digest(&format!("{sync} {target}"));
    Relation::new("bucardo", format!("armed_{}_{}", channel::cut(sync, 40), &digest[..10]))
}

/// The kick trigger of a sync, and its function's name.
pub fn kick_trigger(sync: &str) -> Ident {
    Ident::new(channel::fitted(&format!("bucardo_triggerkick_{sync}")))
}

/// The key columns of a delta table: `k1`, `k2`, … so that no column of an application can collide with ours.
pub fn delta_keys(key: &Key) -> Vec<Ident> {
    (1..=key.columns.len()).map(|position| Ident::new(format!("k{position}"))).collect()
}

/// `CREATE TABLE` and so on for one table's deltas. The second index finds a TRUNCATE among any number of changes; a key of NULLs does not
/// mean one, because somebody may drop a NOT NULL. Domains are replaced by what they are made of, since one may forbid the NULLs of a
/// TRUNCATE. Replica identity FULL lets rows be deleted by hand even where a publication
/// covers all tables.
pub fn create_delta(names: &Names, table: &Shape, key: &Key) -> String {
    let base = |name: &str| table.column(name).map(|column| format!("::{}", column.base_type)).unwrap_or_default();
    let named = key.columns.iter().zip(delta_keys(key));
    let columns =
        named.map(|(column, k)| format!("{}{} as {k}", Ident::new(column), base(column))).collect::<Vec<_>>().join(", ");
    let mut sql = format!("create sequence {} minvalue 1 maxvalue 2;\n", names.generation());
    sql += &format!("select pg_catalog.setval({}, 1);\n", literal(&names.generation().to_string()));
    for generation in [1, 2] {
        let delta = names.delta(generation);
        sql += &format!(
            "create table {delta} as select {columns} from {} with no data;\n\
             alter table {delta} add column txid bigint not null default pg_catalog.txid_current(),\n  \
             add column txntime timestamptz not null default now(), add column origin text, add column via text, \
               add column truncated boolean, replica identity full;\n\
             create index on {delta} (txid);\n\
             create index on {delta} (txid) where truncated;\n",
            table.relation
        );
    }
    sql
}

/// The row trigger's function. The casts to record keep the parser from comparing column by column, for which `*<>` does not exist.
/// INSERT logs the new key, DELETE the old one, UPDATE the old one and, if it differs, the new one
/// (reference, section 1.7).
pub fn row_function(names: &Names, key: &Key) -> String {
    let columns = key.idents();
    let of = |row: &str| columns.iter().map(|column| format!("{row}.{column}")).collect::<Vec<_>>().join(", ");
    let into = |generation: i64, row: &str| {
        format!("insert into {} ({}) values ({});", names.delta(generation), list(&delta_keys(key)), of(row))
    };
    let writes = |row: &str| {
        format!(
            "if pg_catalog.pg_sequence_last_value({}::pg_catalog.regclass) operator(pg_catalog.=) 2 then {} else {} end if;",
            literal(&names.generation().to_string()),
            into(2, row),
            into(1, row)
        )
    };
    let body = format!(
        "\x20 if tg_op operator(pg_catalog.=) 'INSERT' then\n    {new}\n    return null;\n  end if;\n\
         \x20 {old}\n\
         \x20 if tg_op operator(pg_catalog.=) 'UPDATE' then\n\
         \x20   if row({of_old})::pg_catalog.record operator(pg_catalog.*<>) row({of_new})::pg_catalog.record then\n      {new}\n    end if;\n\
         \x20 end if;\n\
         \x20 return null;\n\
         end",
        new = writes("new"),
        old = writes("old"),
        of_old = of("old"),
        of_new = of("new"),
    );
    function(&names.row_function(), &body)
}

/// The TRUNCATE trigger's function. A TRUNCATE of the table itself is one delta row without key: every row that is in the table
/// afterwards was inserted after it and has a delta row of its own. A TRUNCATE of one partition deletes the rows it holds.
pub fn truncate_function(names: &Names, table: &Shape, key: &Key) -> String {
    let columns = list(&delta_keys(key));
    let delta = names.delta(1);
    // A percent sign in a name would be a directive of format().
    let from_partition = format!("insert into {delta} ({columns}) select {} from only ", list(&key.idents())).replace('%', "%%");
    let body = format!(
        "\x20 if tg_relid operator(pg_catalog.=) {table}::pg_catalog.regclass then\n\
         \x20   insert into {delta} (truncated) values (true);\n\
         \x20 else\n\
         \x20   execute pg_catalog.format({insert}, tg_table_schema, tg_table_name);\n\
         \x20 end if;\n\
         \x20 return null;\n\
         end",
        table = literal(&table.relation.to_string()),
        insert = literal(&format!("{from_partition}%I.%I")),
    );
    function(&names.truncate_function(), &body)
}

/// The kick trigger's function: wakes the sync when any of its KIDs sleeps.
pub fn kick_function(sync: &str, flags: &[Relation]) -> String {
    let asleep = |flag: &Relation| {
        format!(
            "(pg_catalog.pg_sequence_last_value({}::pg_catalog.regclass) operator(pg_catalog.%) 2::pg_catalog.int8) \
             operator(pg_catalog.=) 0::pg_catalog.int8",
            literal(&flag.to_string())
        )
    };
    let condition = match flags {
        [] => "true".to_owned(),
        flags => flags.iter().map(asleep).collect::<Vec<_>>().join(" or "),
    };
    let body = format!(
        "  if {condition} then\n    perform pg_catalog.pg_notify({}, '');\n  end if;\n  return null;\nend",
        literal(&channel::kick_sync(sync))
    );
    function(&Relation::new("bucardo", kick_trigger(sync).raw()), &body)
}

/// What we write ourselves where triggers cannot be switched off is not captured ([`crate::pg::session::APPLYING`]). The function asks, and not
/// a condition of its trigger: a server reads and plans that anew for each statement, which takes longer than a call.
const UNLESS_OURS: &str =
    "begin\n  if pg_catalog.current_setting('bucardo.applying', true) operator(pg_catalog.=) 'on' then return null; end if;\n";

/// A trigger function that nobody may call, with what it does after BEGIN. It is quoted as a literal, so it can contain anything.
fn function(name: &Relation, body: &str) -> String {
    let body = format!("{UNLESS_OURS}{body}");
    format!(
        "create or replace function {name}() returns trigger language plpgsql security definer as {};\n\
         revoke all on function {name}() from public;\n",
        literal(&body)
    )
}

/// `CREATE TRIGGER` for rows of `table`.
pub fn create_row_trigger(names: &Names, table: &Relation) -> String {
    format!(
        "create trigger {} after insert or update or delete on {table} for each row execute procedure {}()",
        Ident::new(ROW_TRIGGER),
        names.row_function()
    )
}

/// `CREATE TRIGGER` for TRUNCATE of `table`, which may be a partition. It fires before, while the rows can still be read.
pub fn create_truncate_trigger(names: &Names, table: &Relation) -> String {
    format!(
        "create trigger {} before truncate on {table} for each statement execute procedure {}()",
        Ident::new(TRUNCATE_TRIGGER),
        names.truncate_function()
    )
}

/// `CREATE TRIGGER` for kicks by `table`, which may be a partition.
pub fn create_kick_trigger(sync: &str, table: &Relation) -> String {
    let name = kick_trigger(sync);
    format!(
        "create trigger {name} after insert or update or delete or truncate on {table} for each statement \
         execute procedure {}()",
        Relation::new("bucardo", name.raw())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_of_look_alike_tables_have_different_names_that_fit() {
        let long = "ü".repeat(31);
        let names = |schema: &str, table: &str| Names::of(&Relation::new(schema, table));
        assert_ne!(names("a_b", "c"), names("a", "b_c"));
        for relation in [names("s", &long).delta(1), names("s", &long).generation(), names("s", &long).row_function()] {
            assert!(relation.name.raw().len() <= channel::MAX_NAME, "{relation}");
        }
        assert!(armed_flag(&long, "x").name.raw().len() <= channel::MAX_NAME);
        assert_ne!(armed_flag("a", "b_c"), armed_flag("a_b", "c"));
    }
}
