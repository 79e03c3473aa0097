//! Command lines in a row, in both dialects: what each prints on standard output, and how it exits. Each table is the story of one control
//! database; a line that changes something is followed by lines that show it.

use super::world::World;

/// A line, its exit code, and all of its standard output; `~` at the end stands for anything more, `HOST` and `PORT` for the server's.
type Line = (&'static str, i32, &'static str);

const FOUR: &[Line] = &[
    ("list db", 1, "There are no entries in the 'db' table.\n"),
    ("list syncs", 1, "There are no entries in the 'sync' table.\n"),
    ("list table x", 1, "There are no matching entries in the 'goat' table.\n"),
    ("list herd", 1, "There are no entries in the 'herd' table.\n"),
    ("list customname", 1, "There are no entries in the 'customname' table.\n"),
    (
        "status",
        0,
        "Days back: 3  User: bucardo  Database: bucardo  Host: HOST  Port: PORT  \nBucardo may not be running. No file found at ~",
    ),
    ("validate all", 0, "Sorry, there are no syncs to validate!\n"),
    ("kick all", 0, ""),
    ("kick all swap 0", 0, ""),
    ("add db a name=A host=HOST port=PORT user=postgres", 0, "Added database \"A\"\n"),
    ("add database B dbname=b host=HOST port=PORT user=postgres", 0, "Added database \"B\"\n"),
    (
        "add dbs C dbname=c dbhost=HOST dbport=PORT username=postgres group=g1",
        0,
        "Added database \"C\"\nAdded new database group \"g1\"\nAdded database \"C\" to group \"g1\"\n",
    ),
    ("list db A", 0, "Database: A  Status: active  Conn: psql -p PORT -U postgres -d a -h HOST\n"),
    ("--quiet add dbgroup g2", 0, ""),
    ("add dbg g2 B", 0, "Added database \"B\" to group \"g2\"\n"),
    ("list dbgroup", 0, "Database group: g1  Members: C\nDatabase group: g2  Members: B\n"),
    ("add table t1 db=A", 0, "Added table \"public.t1\"\n"),
    ("add tab t1 db=A", 0, ""),
    ("add seq s1 db=A", 0, "Added sequence \"public.s1\"\n"),
    ("list tables t*", 0, "Table: public.t1  DB: A  PK: id (int4)\n"),
    ("l seqs", 0, "Sequence: public.s1  DB: A\n"),
    (
        "add herd h public.t1 s1",
        0,
        "Added herd \"h\"\nTable \"public.t1\" has been added to the herd \"h\"\nSequence \"public.s1\" has been added to the herd \"h\"\n",
    ),
    ("add relgroup h t1", 0, "Table \"public.t1\" is already in the herd \"h\"\n"),
    ("list herd", 0, "Herd: h  DB: A  Members: public.t1, public.s1\n"),
    ("add all sequences db=A", 0, "New sequences added: 0\nAlready added: 1\n"),
    ("add all tables db=A -t uniq --herd=h --verbose", 0, "New tables:\n  public.uniq\nNew tables added: 1\nAlready added: 0\n"),
    ("add sync s1 type=delta source=h targetdb=B status=INACTIVE", 0, "Added sync \"s1\"\n"),
    ("list sync", 0, "Sync: s1     (pushdelta)  h   =>  B    (Inactive)\n"),
    ("list sync swap", 1, "There are no matching entries in the 'sync' table.\n"),
    ("kick s1", 0, "Cannot kick inactive sync \"s1\"\n"),
    ("kick s1 0", 0, "Cannot kick inactive sync \"s1\"\n"),
    (
        "update sync s1 status=active",
        0,
        "Changes made to sync \"s1\":\n * status      : changed from \"inactive\" to \"active\"\n",
    ),
    ("kick s1", 0, "Kicked sync s1\n"),
    ("kick sync s1 --quiet", 0, ""),
    ("kick s%", 0, "Kicked sync s1\n"),
    ("kick *1", 0, "Kicked sync s1\n"),
    ("kick x*", 0, ""),
    ("kick all delta active", 0, "Kicked sync s1\n"),
    ("activate s1", 0, "Activating sync s1\n"),
    ("deactivate s1 5", 0, "Deactivating sync s1\n"),
    ("deactivate s1 --quiet", 0, "\n"),
    ("reload_config", 0, "Forcing Bucardo to reload the bucardo_config table\n"),
    ("reload_config --quiet", 0, "\n"),
    ("ping 1", 1, "CRITICAL: Timed out (1 s), no ping response from MCP\n"),
    ("ping 1 1", 1, ""),
    ("--verbose ping 1", 1, "Pinging MCP, timeout = 1\nCRITICAL: Timed out (1 s), no ping response from MCP\n"),
    ("validate s1", 0, "Validating sync s1...DONE!\n"),
    ("validate sync s1", 0, "Validating sync s1...DONE!\n"),
    ("validate all", 0, "Validating sync s1...DONE!\n"),
    (
        "status s1 5",
        0,
        "Days back: 3  User: bucardo  Database: bucardo  Host: HOST  Port: PORT\n======================================================================\nSync name:            s1\nCurrent state:        idle (PID = )\n~",
    ),
    ("status --daysback=0 --sort=-3", 0, "Days back: 3  ~"),
    ("set audit_pid=1", 0, "Set \"audit_pid\" to \"1\"\n"),
    ("show audit", 1, "audit_pid = 1\n"),
    ("config set audit_pid=0", 0, "Set \"audit_pid\" to \"0\"\n"),
    ("message hello", 0, ""),
    ("inspect table public.t1", 0, "Inspecting public.t1 on A\n"),
    ("upgrade", 1, "No schema changes were needed\n"),
    ("update dbgroup g2 name=g3", 0, "Changes made to dbgroup \"g2\":\n * name        : changed from \"g2\" to \"g3\"\n"),
    ("update sync s1 set", 0, "No changes made\n"),
    ("remove sync s1", 0, "Removed sync \"s1\"\n"),
    ("delete herd h", 0, "Removed herd \"h\"\n"),
    ("remove table uniq", 0, "Removed table \"public.uniq\"\n"),
    ("remove sequence s1", 0, "Removed sequence \"public.s1\"\n"),
    ("del dbg g1 g3", 0, "Removed database group \"g1\"\nRemoved database group \"g3\"\n"),
    ("add sync two dbs=A:source,B:target,C:target tables=public.t1", 0, "Added database group \"two\"\nAdded sync \"two\"\n"),
    ("list dbgroup two", 0, "Database group: two  Members: B, C\n"),
    ("remove sync two --quiet", 0, "Removed sync \"two\"\n"),
    ("help nosuch", 0, ""),
    ("nosuch", 0, ""),
    ("--version", 0, "bucardo_ctl version 4.5.0\n"),
];

const FIVE: &[Line] = &[
    ("list dbs", 0, "No databases have been added yet\n"),
    ("list sync", 0, "No syncs found\n"),
    ("status", 0, "\nNo syncs have been created yet.\n"),
    ("delta", 1, ""),
    ("add db A dbname=a host=HOST port=PORT user=postgres", 0, "Added database \"A\"\n"),
    ("add db A dbname=a", 1, "Cannot add database: the name \"A\" already exists\n"),
    ("add database B,C dbname=b,c host=HOST port=PORT user=postgres", 0, "Added databases \"B\",\"C\"\n"),
    ("list database C", 0, "Database: C  Status: active  Conn: psql -p PORT -U postgres -d c -h HOST\n"),
    (
        "add dbgroup g A:source B:target",
        0,
        "Created dbgroup \"g\"\nAdded database \"A\" to dbgroup \"g\" as source\nAdded database \"B\" to dbgroup \"g\" as target\n",
    ),
    ("add dbgroup g nosuch", 1, "The database \"nosuch\" does not exist\n"),
    (
        "add table public.t1 relgroup=r db=A",
        0,
        "Added the following tables or sequences:\n  public.t1\nCreated the relgroup named \"r\"\nThe following tables or sequences are now part of the relgroup \"r\":\n  public.t1\n",
    ),
    ("add tables nosuch db=A", 0, "Did not find matches for the following terms:\n  nosuch\n"),
    (
        "add herd r s1",
        0,
        "Relgroup \"r\" already exists\nAdded the following tables or sequences:\n  public.s1 (DB: A)\nThe following tables or sequences are now part of the relgroup \"r\":\n  public.s1\n",
    ),
    ("list relgroups", 0, "Relgroup: r  DB: A  Members: public.s1, public.t1\n"),
    (
        "add sync s relgroup=r dbs=g status=inactive",
        0,
        "Added sync \"s\"\nUsing existing relgroup \"r\"\nUsing existing dbgroup \"g\"\n",
    ),
    ("list syncs", 0, "Sync \"s\"  Relgroup \"r\"  DB group \"g\" A:source B:target  [Inactive]\n"),
    ("update sync s active", 0, ""),
    ("update sync s autokick=0 checktime=60", 0, ""),
    ("kick s", 0, "Kicked sync s\n"),
    ("kick all 0", 0, "Kicked sync s\n"),
    ("validate s", 0, "Validating sync s ... OK\n"),
    ("vali all", 0, "Validating sync s ... OK\n"),
    ("delta A", 0, "Total deltas across all targets: 0\n    Total deltas for database A: 0\n"),
    ("delta nosuch", 1, ""),
    ("purge", 0, "Checking db A\nA: Tables processed: 1\n"),
    ("list sequences", 0, "Sequence: public.s1  DB: A\n"),
    ("list dbgroups", 0, "dbgroup: g  Members: A:source B:target\n"),
    ("update dbgroup g A:source B C", 0, "Added database \"C\" to dbgroup \"g\" as target\n"),
    ("update table public.t1 autokick=off", 0, "Changed relation autokick from NULL to off\n"),
    ("update db C status=active", 0, "No change needed for status\n"),
    ("activate s", 0, "Activating sync s\n"),
    ("pause s", 0, "Syncs paused: s\n"),
    ("resume s", 0, "Syncs resumed: s\n"),
    ("set log_showtime=3", 0, "Set \"log_showtime\" to \"3\"\n"),
    ("show log_showtime", 1, "log_showtime = 3\n"),
    ("config", 1, "audit_pid ~"),
    ("msg hello --verbose", 0, "Added message\n"),
    ("ping 1 --quiet", 1, ""),
    (
        "status s",
        0,
        "======================================================================\nSync name                : s\nCurrent state            : No records found\n~",
    ),
    ("del sync s", 0, "Removed sync \"s\"\n"),
    ("remove relgroup r", 0, "Removed relgroup \"r\"\n"),
    ("remove table public.t1 public.x", 0, "No such table: public.x\nRemoved the following tables:\n  public.t1\n"),
    ("remove dbgroup g", 0, "Removed dbgroup \"g\"\n"),
    ("remove db C", 0, "Removed database \"C\"\n"),
    ("upgrade", 1, "No schema changes were needed\n"),
    ("nosuch", 1, "Unknown command \"nosuch\"\nUsage: bucardo args\n~"),
    ("--version", 0, "bucardo version 5.6.0\n"),
];

fn tell(program: &str, lines: &[Line]) {
    let world = World::bare();
    let (host, port) = (world.cluster.socket_dir().display().to_string(), world.cluster.port().to_string());
    let mut wrong = Vec::new();
    for (line, code, expected) in lines {
        let filled = |text: &str| text.replace("HOST", &host).replace("PORT", &port);
        let line = filled(line);
        let outcome = world.call(program, &line.split(' ').collect::<Vec<_>>()).run();
        let fits = match filled(expected).strip_suffix('~') {
            Some(start) => outcome.stdout.starts_with(start),
            None => outcome.stdout == filled(expected),
        };
        if outcome.code() != *code || !fits || outcome.stderr.contains("panicked") {
            wrong.push(format!(
                "{line}: exit code {}\n{}--- wanted {code}\n{}--- stderr\n{}",
                outcome.code(),
                outcome.stdout,
                filled(expected),
                outcome.stderr
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n\n{}", wrong.len(), lines.len(), wrong.join("\n"));
}

#[test]
fn the_older_dialect_line_by_line() {
    tell("bucardo_ctl", FOUR);
}

#[test]
fn the_newer_dialect_line_by_line() {
    tell("bucardo", FIVE);
}

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
