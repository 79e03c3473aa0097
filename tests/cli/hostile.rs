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

/// What the terminal obeys, and what would begin another line.
const FORGED: &str = "e\u{1b}[31m\n[Sun] MCP x\r\u{7f}";

/// The owner of a table chooses its name and those of its columns; `add all tables` takes them.
#[test]
fn no_list_prints_what_a_terminal_obeys_in_a_name() {
    let world = World::with_dbs();
    let (table, column) = (bucardo::pg::Ident::new(FORGED), bucardo::pg::Ident::new(format!("c{FORGED}")));
    for db in ["a", "b"] {
        world.cluster.connect(db).batch_execute(&format!("create table {table} ({column} int primary key)")).unwrap();
    }
    let more = bucardo::pg::Ident::new("d\n[Sun] MCP");
    world.cluster.connect("a").batch_execute(&format!("drop table nopk; alter table {table} add {more} int")).unwrap();
    let update = "insert into bucardo.customcode (name, whenrun, about, src_code) values ($1, 'exception', 'x', '')";
    let name = bucardo::pg::Ident::new(FORGED).to_string();
    let mut seen = String::new();
    for line in [
        "add all tables db=A herd=h --verbose",
        "add sync s type=pushdelta source=h targetdb=B",
        "validate all",
        "list tables",
        "list tables --verbose --verbose",
        "list herd --verbose",
        "list herd h --verbose --verbose",
        "list relgroup",
        "list all",
        "list customcode --verbose",
        "list customname",
        "inspect herd h",
        "validate s --verbose",
        "status",
        "status s",
    ] {
        for program in ["bucardo_ctl", "bucardo"] {
            let outcome = world.call(program, &line.split(' ').collect::<Vec<_>>()).run();
            seen += &format!("$ {program} {line}\n{}{}", outcome.stdout, outcome.stderr);
        }
        if line == "validate all" {
            // What differs now is only worth a note.
            world.cluster.connect("b").batch_execute(&format!("alter table {table} add {more} int not null default 5")).unwrap();
            let s = ["add", "sync", "s", "type=pushdelta", "source=h", "targetdb=B", "strict_checking=false"];
            seen += &world.call("bucardo_ctl", &s).run().ok();
            world.control().execute(update, &[&FORGED]).unwrap();
        }
    }
    // A name that is nearly right, and then the right one.
    let near = FORGED.replace(['\n', '\r'], "");
    for line in [["update", "table", &near], ["inspect", "table", &name], ["remove", "table", &name]] {
        for program in ["bucardo_ctl", "bucardo"] {
            let outcome = world.call(program, &line).run();
            seen += &format!("$ {program} {line:?}\n{}{}", outcome.stdout, outcome.stderr);
        }
    }
    assert!(seen.contains("\\x1b[31m\\n[Sun] MCP x\\r\\x7f"), "{seen}");
    assert!(!seen.contains(['\u{1b}', '\r', '\u{7f}']), "{seen}");
    let forged: Vec<&str> = seen.lines().filter(|line| line.trim_start().starts_with("[Sun]")).collect();
    assert_eq!(forged, [""; 0], "{seen}");
}

#[test]
fn json_of_any_name_is_json() {
    let world = World::with_dbs();
    let table = bucardo::pg::Ident::new(FORGED);
    world.cluster.connect("a").batch_execute(&format!("create table {table} (id int primary key)")).unwrap();
    world.ctl(&["add", "all", "tables", "db=A", "herd=h"]).ended_with(0);
    for (program, line) in [("bucardo_ctl", "list tables --json"), ("bucardo", "list all --json")] {
        let text = world.call(program, &line.split(' ').collect::<Vec<_>>()).run().ok();
        let read = world.control().query_one("select $1::text::jsonb::text like '%MCP x%'", &[&text]).unwrap();
        assert!(read.get::<_, bool>(0) && !text.contains('\u{7f}'), "{text}");
    }
}
