//! Waking a sync: the trigger on its tables that sends a NOTIFY when a KID sleeps.
//!
//! NOTIFY is the dearest part of capturing: commits with one pending queue behind a single lock. So
//! the kick trigger sends it only when a KID has said that it sleeps (*armed*). The flag is a
//! sequence, because a sequence's value is the same for every transaction at once, whatever its
//! snapshot: whoever reads "not armed" had its transaction id before the flag was set and is
//! therefore listed as running in the snapshot that the KID takes after arming; the KID looks again
//! when those have ended. A transaction with a NOTIFY cannot be prepared. Where transactions can be
//! prepared at all, the kick trigger marks the flag instead (*rung*), and a KID that sleeps looks
//! at it several times a second.

use super::objects::{function, source};
use crate::control::channel;
use crate::pg::ident::literal;
use crate::pg::{Ident, Relation, Schema};

/// The value of a new armed flag. Even values mean that somebody sleeps and wants to be woken. Each
/// kid takes a pair of values of its own, so that one of the past cannot change the flag under its
/// successor.
pub const ARMED: i64 = 2;

/// The flag of one sleeper: the KID of this sync and target.
pub fn armed_flag(schema: Schema, sync: &str, target: &str) -> Relation {
    let digest = channel::digest(&format!("{sync} {target}"));
    schema.relation(format!("armed_{}_{}", channel::cut(sync, 40), &digest[..10]))
}

/// The kick trigger of a sync, and its function's name.
pub fn kick_trigger(schema: Schema, sync: &str) -> Ident {
    Ident::new(channel::fitted(&format!("bucardo_triggerkick{}_{sync}", schema.digits())))
}

/// What a kick trigger does: it wakes a sync whose KIDs have raised any of these flags.
#[derive(Debug, Clone, Copy)]
pub struct Kick<'a> {
    /// Where our objects are.
    pub schema: Schema,
    /// The sync.
    pub sync: &'a str,
    /// The flags.
    pub flags: &'a [Relation],
    /// What the notification says: whose sync it is ([`channel::changes_of`]).
    pub payload: &'a str,
}

impl Kick<'_> {
    /// The function, which is called as the trigger is.
    pub fn function(&self) -> Relation {
        self.schema.relation(kick_trigger(self.schema, self.sync).raw())
    }
}

/// The kick trigger's function: wakes the sync when any of its KIDs sleeps. Whatever is missing,
/// the write passes; the KID looks now and then by itself.
pub fn kick_function(kick: &Kick) -> String {
    let name = kick.function();
    function(&name, "", &kick_source(kick)) + &format!("revoke execute on function {name}() from public;\n")
}

/// What the catalog shall say of it.
pub fn kick_source(kick: &Kick) -> String {
    let Kick { schema, sync, flags, payload } = *kick;
    let value =
        |flag: &Relation| format!("pg_catalog.pg_sequence_last_value({}::pg_catalog.regclass)", literal(&flag.to_string()));
    let asleep = |flag: &Relation| {
        format!("({} operator(pg_catalog.%) 2::pg_catalog.int8) operator(pg_catalog.=) 0::pg_catalog.int8", value(flag))
    };
    let condition = match flags {
        [] => "true".to_owned(),
        flags => flags.iter().map(asleep).collect::<Vec<_>>().join(" or "),
    };
    let rings: String = flags
        .iter()
        .map(|flag| {
            format!(
                "        if {} then\n          perform pg_catalog.setval({}::pg_catalog.regclass, {} operator(pg_catalog.+) 1::pg_catalog.int8);\n        end if;\n",
                asleep(flag),
                literal(&flag.to_string()),
                value(flag)
            )
        })
        .collect();
    let body = format!(
        "  begin\n    if {condition} then\n\
         \x20     if pg_catalog.current_setting('max_prepared_transactions') operator(pg_catalog.=) '0' then\n\
         \x20       perform pg_catalog.pg_notify({}, {});\n\
         \x20     else\n{rings}        null;\n      end if;\n\
         \x20   end if;\n  exception when others then\n    null;\n  end;\n  return null;\nend",
        literal(&channel::kick_sync(sync)),
        literal(payload)
    );
    source(schema, "", &body)
}

/// `CREATE TRIGGER` for kicks by `table`, which may be a partition.
pub fn create_kick_trigger(schema: Schema, sync: &str, table: &Relation) -> String {
    let name = kick_trigger(schema, sync);
    format!(
        "create trigger {name} after insert or update or delete or truncate on {table} for each statement \
         execute procedure {}()",
        schema.relation(name.raw())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_of_look_alike_syncs_have_different_names_that_fit() {
        let long = "ü".repeat(31);
        assert!(armed_flag(Schema::FIRST, &long, "x").name.raw().len() <= channel::MAX_NAME);
        let flag = |sync, target| armed_flag(Schema::FIRST, sync, target);
        assert_ne!(flag("a", "b_c"), flag("a_b", "c"));
    }
}
