//! `list --json`: the rows themselves, with who belongs to them, for programs. A password is never
//! shown.

use crate::cli::json::of_server;
use crate::cli::noun::Noun;
use crate::error::Result;
use crate::pg::Connection;

/// The rows with these keys, as a JSON array.
pub fn text(control: &mut Connection, noun: Noun, keys: &[String]) -> Result<String> {
    let (table, key, more) = match noun {
        Noun::Db => ("db", "name", HIDDEN),
        Noun::Dbgroup => ("dbgroup", "name", GROUP),
        Noun::Herd => ("herd", "name", HERD),
        Noun::Sync => ("sync", "name", SYNC),
        Noun::Table | Noun::Sequence => ("goat", "id", GOAT),
        Noun::Customcode => ("customcode", "name", "'{}'"),
        Noun::Customname => ("customname", "id", "'{}'"),
        Noun::Customcols => ("customcols", "id", "'{}'"),
        Noun::Conflict => ("conflict", "id", "'{}'"),
    };
    let sql = format!(
        "select jsonb_pretty(coalesce(jsonb_agg((to_jsonb(t) - 'dbpass') || ({more})::jsonb order by t.{key}), '[]')) \
         from bucardo.{table} t where t.{key}::text = any ($1)"
    );
    Ok(of_server(control.query_one(&sql, &[&keys])?.get(0)))
}

const HIDDEN: &str = "case when t.dbconn ~* 'pass' then '{\"dbconn\": \"<not shown>\"}' else '{}' end";
const GROUP: &str = "select jsonb_build_object('members', coalesce(jsonb_agg(jsonb_build_object('db', m.db, 'role', m.role, \
    'priority', m.priority) order by m.priority, m.db), '[]')) from bucardo.dbmap m where m.dbgroup = t.name";
const HERD: &str = "select jsonb_build_object('db', min(g.db), 'members', coalesce(jsonb_agg(g.schemaname || '.' || g.tablename \
    order by m.priority desc, g.id) filter (where g.id is not null), '[]')) from bucardo.herdmap m \
    join bucardo.goat g on g.id = m.goat where m.herd = t.name";
const SYNC: &str = "select jsonb_build_object('sourcedb', min(g.db)) from bucardo.herdmap m \
    join bucardo.goat g on g.id = m.goat where m.herd = t.source";
const GOAT: &str = "select jsonb_build_object('herds', coalesce(jsonb_agg(m.herd order by m.herd), '[]')) \
    from bucardo.herdmap m where m.goat = t.id";
