//! Names that mean something to a shell, to SQL, to a terminal or to a file system, in every place
//! of a command line.

use super::world::World;

/// Names that mean something to a shell, to SQL, to a terminal or to a file system.
const HOSTILE: &[&str] = &[
    "a'b",
    "a\"b",
    "a;drop table bucardo.db;--",
    "a\\b",
    "$(touch pwned)",
    "`touch pwned`",
    "a b",
    "é漢🐘",
    "-- x",
    "../../x",
    "a\nb",
    "%s%n",
    "{x}",
];

#[test]
fn hostile_names_are_stored_as_they_are_or_refused_and_never_executed() {
    let world = World::with_dbs();
    let mut admin = world.cluster.connect("a");
    for name in HOSTILE {
        let quoted = bucardo::pg::Ident::new(*name);
        admin.batch_execute(&format!("create table {quoted} (id integer primary key)")).unwrap();
        let sql_name = format!("\"{}\"", name.replace('"', "\"\""));
        let herd = format!("herd={name}");
        world.ctl(&["add", "table", &sql_name, "db=A", &herd]).ended_with(0);
        for place in ["name", "db", "group", "host", "user", "pass", "conn", "service"] {
            world.ctl(&["add", "db", "x", &format!("{place}={name}"), "status=inactive"]);
            world.ctl(&["remove", "db", "x"]);
            world.control().execute("delete from bucardo.db where name not in ('A', 'B', 'C')", &[]).unwrap();
        }
        for line in [
            &["add", "sync", name, "type=pushdelta", "source=h", "targetdb=B"][..],
            &["kick", name],
            &["status", name],
            &["message", "--", name],
            &["list", "herd", name],
        ] {
            world.ctl(line);
            world.bucardo(line);
        }
        let stored =
            "select count(*) from bucardo.goat g join bucardo.herdmap m on m.goat = g.id where g.tablename = $1 and m.herd = $1";
        assert_eq!(world.control().query_one(stored, &[name]).unwrap().get::<_, i64>(0), 1, "{name}");
        let message = "select count(*) from bucardo.bucardo_log_message where msg = $1";
        assert_eq!(world.control().query_one(message, &[name]).unwrap().get::<_, i64>(0), 2, "{name}");
    }
    let listed = world.says("list tables");
    assert_eq!(listed.matches("Table: ").count(), HOSTILE.len(), "{listed}");
    assert_eq!(world.value("select string_agg(name, ' ' order by name) from bucardo.db"), "A B C");
    assert!(!world.home().join("pwned").exists());
}
