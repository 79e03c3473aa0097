//! Every refused input leaves the control database unchanged, exits non-zero and says what to do.

use super::world::World;
use crate::harness::Outcome;

/// Command lines and how their complaint begins. The world they meet is that of [`furnished`].
const REFUSED: &[(&str, &str)] = &[
    // The command line itself.
    ("list db --nosuch", "Unknown option: nosuch"),
    ("-v list db", "Option v is ambiguous (verbose, version, vv)"),
    ("list db --dbport", "Option dbport requires an argument"),
    ("list db --sort=x", "Value \"x\" invalid for option sort (number expected)"),
    ("list db --dbport=70000", "Value \"70000\" invalid for option dbport (port expected)"),
    ("list db --quiet=0", "Option quiet does not take an argument"),
    ("list db --bucardorc=nosuch", "Could not find the file \"nosuch\""),
    ("list db --dbname=nosuch", "DBI connect('dbname=nosuch;host="),
    // add, in general.
    ("add", "Usage: add <type> <name> [options]"),
    ("add nosuch x", "Usage: add <type> <name> [options]"),
    ("add db", "Usage: add db <name> [optional information]"),
    ("add sync", "Usage: add sync <name> type=x source=x targetdb=x or targetgroup=x [options]"),
    ("add herd", "Usage: add herd <name> [table1 table2 ...]"),
    ("add dbgroup", "Usage: add dbgroup <name> [database1 database2 ...]"),
    // Databases.
    ("add db A status=inactive", "Cannot add database: the database name \"A\" already exists"),
    ("add db x name=B status=inactive", "Cannot add database: the database name \"B\" already exists"),
    (
        "add db twin dbname=gone host=127.0.0.1 port=1 user=nobody",
        "Cannot add database: already have a connection with the same parameters",
    ),
    ("add db 1st status=inactive", "Failed to add database: "),
    ("add db my-db status=inactive", "Failed to add database: "),
    ("add db x port=abc", "Invalid value for 'port': must be numeric"),
    ("add db x port=0", "Failed to add database: that is no port"),
    ("add db x port=65536", "Failed to add database: that is no port"),
    ("add db x status=maybe", "Invalid value for 'status': must be one of active or inactive"),
    ("add db x ssp=maybe", "Invalid value for 'ssp': must be true of false"),
    ("add db x sourcelimit=-1", "Invalid value for 'sourcelimit': must be numeric"),
    ("add db x sourcelimit=99999 status=inactive", "Failed to add database: "),
    ("add db x nosuch=1", "Unknown option 'nosuch'\nUsage: add db"),
    ("add db x group=1st status=inactive", "Failed to create new database group \"1st\": "),
    // Groups.
    ("add dbgroup 1st", "Failed to add database group \"1st\": "),
    ("add dbgroup new nosuch", "No matching databases found"),
    ("add dbgroup g1 nosuch*", "No matching databases found"),
    // Tables and sequences.
    ("add table db=A", "Usage: add table <name> [name2 name3 ...]"),
    ("add sequence db=A", "Usage: add sequence <name> [name2 name3 ...]"),
    ("add table t2", "Please specify a database with db=<name>"),
    ("add table t2 db=nosuch", "Invalid database: \"nosuch\""),
    ("add table nosuch db=A", "Failed to add table \"public.nosuch\": Table not found at dbi:Pg:dbname=a;"),
    ("add table t2 nosuch db=A herd=new", "Failed to add table \"public.nosuch\": Table not found at dbi:Pg:dbname=a;"),
    ("add table s1 db=A", "Failed to add table \"public.s1\": public.s1 is a sequence\n"),
    ("add table a.b.c db=A", "Invalid table name: a.b.c"),
    ("add table my-table db=A", "Invalid table name: my-table"),
    ("add sequence my-seq db=A", "Invalid sequence name: my-seq"),
    ("add table t2 db=gone", "Failed to add table \"public.t2\": Cannot connect to database \"gone\""),
    ("add table t2 db=A ping=perhaps", "Invalid value for 'ping': must be true of false"),
    ("add table t2 db=A nosuch=s1", "Unknown option 'nosuch'\nUsage: add table"),
    ("add table t2 db=A sync=nosuch", "Unknown sync: nosuch"),
    ("add table t2 db=A sync=s1 herd=other", "The herd of sync \"s1\" is \"h\", and not \"other\""),
    ("add table t2 db=A standard_conflict=lowest", "Failed to add table \"public.t2\": "),
    ("add sequence s2 db=A standard_conflict=latest", "Failed to add sequence \"public.s2\": "),
    ("add table nopk db=A customselect=x", "Failed to add table \"public.nopk\": "),
    ("add table t2 db=A rebuild_index=99999", "Failed to add table \"public.t2\": "),
    ("add table t1 db=B herd=h", "Failed to add table \"public.t1\" to herd \"h\": "),
    // Everything.
    ("add all", "The 'all' option can only be used with 'table' and 'sequence'"),
    ("add all things", "The 'all' option can only be used with 'table' and 'sequence'"),
    ("add all tables", "Please specify which database to use with the db=<name> option\nDatabase choices:\n  db=A\n"),
    ("add all tables db=nosuch", "Sorry, could not find a database named \"nosuch\"\nDatabase choices:\n"),
    ("add all tables db=A -n nosuch", "Sorry, no tables were found"),
    ("add all sequences db=A -t nosuch* --herd=new", "Sorry, no sequences were found"),
    ("add all tables db=gone", "Cannot connect to database \"gone\""),
    ("add all tables db=A nosuch=1", "Unknown option 'nosuch'"),
    ("add all tables db=B herd=h", "Failed to add table \"public.Odd \"Name\" to herd \"h\": "),
    ("add all tables db=A --table=[*", "ERROR:  invalid regular expression"),
    // Herds.
    ("add herd new nosuch", "Could not find a table or sequence named \"nosuch\""),
    ("add herd new t1 999999", "Could not find a table or sequence named \"999999\""),
    ("add herd new public.t1 onlyb", "Failed to add table \"public.onlyb\" to herd \"new\": "),
    // Syncs.
    ("add sync x", "Need to specify the type of sync: pushdelta, fullcopy, or swap"),
    ("add sync x type=pushdelta", "Need to specify a source for this sync"),
    ("add sync x type=pushdelta source=h", "Need to specify a targetdb or a targetgroup for this sync"),
    ("add sync x type=pushdelta source=h targetdb=B targetgroup=g1", "Need to specify only one: targetdb OR targetgroup"),
    ("add sync x type=Pushdelta source=h targetdb=B", "Invalid value for 'type': must be one of pushdelta or fullcopy or swap"),
    ("add sync s1 type=pushdelta source=h targetdb=C", "A sync with the name \"s1\" already exists"),
    ("add sync x type=pushdelta source=nosuch targetdb=B", "No such source herd: nosuch"),
    (
        "add sync x type=pushdelta source=nosuch targetdb=B tables=t1",
        "When using the tables option, the source argument must be a database",
    ),
    (
        "add sync h type=pushdelta source=A targetdb=B tables=t1",
        "Cannot create sync: source herd \"h\" already exists and contains tables",
    ),
    ("add sync x type=pushdelta source=A targetdb=B tables=nosuch", "Failed to add table \"public.nosuch\": Table not found at "),
    ("add sync x type=pushdelta source=A targetdb=B tables=a-b", "Invalid table name: a-b"),
    ("add sync x type=pushdelta source=h targetdb=nosuch", "Failed to add sync: "),
    ("add sync x type=pushdelta source=h targetgroup=nosuch", "Failed to add sync: "),
    ("add sync x type=pushdelta source=h targetdb=B", "Failed to add sync: "),
    ("add sync x type=pushdelta source=h targetdb=A", "Failed to add sync: "),
    ("add sync swap type=pushdelta source=h targetdb=C", "Failed to add sync: "),
    ("add sync All type=pushdelta source=h targetdb=C", "A sync cannot be called \"all\""),
    ("update sync s1 name=all", "A sync cannot be called \"all\""),
    ("add sync 1st type=pushdelta source=h targetdb=C", "Failed to add sync: "),
    ("add sync x type=pushdelta source=h targetdb=C checktime=soon", "Failed to add sync: "),
    ("add sync x type=pushdelta source=h targetdb=C limitdbs=many", "Invalid value for 'limitdbs': must be numeric"),
    (
        "add sync x type=pushdelta source=h targetdb=C onetimecopy=3",
        "Invalid value for 'onetimecopy': must be one of 0 or 1 or 2",
    ),
    ("add sync x type=pushdelta source=h targetdb=C nosuch=1", "Unknown option 'nosuch'\nUsage: add sync"),
    ("add sync x type=swap source=h targetgroup=g1", "Failed to add sync: "),
    ("add sync x type=pushdelta source=A targetdb=C tables=nopk", "Failed to add sync: "),
    ("add sync x type=pushdelta source=A targetdb=C tables=onlya", "Failed to add sync: "),
    ("add sync x relgroup=h dbs=A:source,nosuch:target,C:target", "Unknown database \"nosuch\""),
    ("add sync x relgroup=h dbs=B:source,C:target", "The tables of herd \"h\" are in database \"A\", not in \"B\""),
    ("add sync x relgroup=h dbs=A:target,B:target", "A sync has at least one source, and dbs= names none"),
    (
        "add sync x relgroup=h dbs=A:source,B:target conflict_strategy=sometimes",
        "\"sometimes\" is no conflict strategy, and no database",
    ),
    ("add sync x relgroup=h dbs=A:king,B:target", "Unknown role \"king\" of database \"A\""),
    ("add sync g1 relgroup=h dbs=A:source,B:target,C:target", "Cannot create sync: database group \"g1\" already exists"),
    // list
    ("list", "Usage: list <type> [options]"),
    ("list nosuch", "Usage: list <type> [options]"),
    ("list db [*", "ERROR:  invalid regular expression"),
    // remove
    ("remove", "Usage: remove <type> <name> [options]"),
    ("delete", "Usage: delete <type> <name> [options]"),
    ("remove nosuch x", "Cannot remove: unknown type"),
    ("remove db", "Usage: remove db <name> [name2 name3 ...]"),
    ("remove db C nosuch", "No such database: nosuch"),
    ("remove db gone A", "Cannot delete database \"A\": must remove all tables that reference it first"),
    ("remove db B2", "Cannot delete database \"B2\": must remove all syncs that reference it first"),
    ("remove dbgroup nosuch", "No such database group: nosuch"),
    ("remove dbgroup g1", "Cannot remove database group \"g1\": it is being used by one or more syncs"),
    ("remove herd nosuch", "No such herd: nosuch"),
    ("remove herd h", "Cannot delete herd \"h\": must remove all syncs that reference it first"),
    ("remove sync nosuch", "No such sync: nosuch"),
    ("remove sync s1 nosuch", "No such sync: nosuch"),
    ("remove table nosuch", "No such table: nosuch"),
    ("remove table t1 nosuch.t1", "No such table: nosuch.t1"),
    ("remove sequence nosuch", "No such sequence: nosuch"),
    ("remove customcode nosuch", "No such code: nosuch"),
    // Settings.
    ("set", "Usage: bucardo_ctl set setting=value [setting=value ...]"),
    ("set piddir", "Usage: bucardo_ctl set setting=value [setting=value ...]"),
    ("set piddir=", "Usage: bucardo_ctl set setting=value [setting=value ...]"),
    ("set piddir=run", "Invalid value for 'piddir'"),
    ("set kid_pingtime=3 nosuch=1", "Unknown setting \"nosuch\""),
    ("config set nosuch=1", "Unknown setting \"nosuch\""),
    ("config nosuch", "Usage: bucardo_ctl set setting=value [setting=value ...]"),
    ("show", "Usage: bucardo_ctl show <all|setting1> [settting2 ...]"),
    ("show [", "ERROR:  invalid regular expression"),
    ("message", "Usage: bucardo_ctl message \"Some message to send to the logs\""),
    // Changes.
    ("update", "Usage: update <type> <name> col1=val [col2=val2 col3=val3 ...]"),
    ("update sync s1", "Usage: update sync <name> col1=val [col2=val2 col3=val3 ...]"),
    ("update herd h name=x", "Invalid item: must be code, db, dbgroup, sequence, sync, or table."),
    ("update sync nosuch status=inactive", "No matches found for sync \"nosuch\""),
    ("update sync nosuch* status=inactive", "No matches found for sync \"nosuch\""),
    ("update table sc.t1 ping=on", "No matches found for table \"sc.t1\""),
    ("update sync s1 status", "Invalid argument: must be of form name=value"),
    ("update sync s1 status=", "Invalid argument: must be of form name=value"),
    ("update sync s1 st-atus=x", "Invalid name"),
    ("update sync s1 type=swap", "Sorry, cannot change \"type\" for sync \"s1\""),
    ("update sync s1 ping=on nosuch=1", "Sorry, cannot change \"nosuch\" for sync \"s1\""),
    ("update sync s1 ping=perhaps", "Could not update sync \"s1\": "),
    ("update sync s1 checktime=soon", "Could not update sync \"s1\": "),
    ("update sync s1 name=grp", "Could not update sync \"s1\": "),
    ("update sync s1 name=1st", "Could not update sync \"s1\": "),
    ("update sync s1 source=nosuch", "Could not update sync \"s1\": "),
    ("update sync s1 targetdb=A", "Could not update sync \"s1\": "),
    ("update sync s* synctype=pushdelta targetdb=B2", "Could not update sync \"s1\": "),
    ("update db A dbport=6 status=sad", "Could not update db \"A\": "),
    ("update dbgroup g1 name=1st", "Could not update dbgroup \"g1\": "),
    ("update table t1 standard_conflict=lowest", "Could not update table \"public.t1\": "),
    ("update table t1 tablename=nosuch", "Could not update table \"public.nosuch\": "),
    ("update table onlyb db=gone", "Could not update table \"public.onlyb\": "),
    ("update code nosuch about=x", "No matches found for customcode \"nosuch\""),
    ("update sync s1 add", "Usage: update sync s1 add table|sequence <name(s)>"),
    ("update sync s1 remove tables t1", "Usage: update sync s1 remove table|sequence <name(s)>"),
    ("update sync s1 add table nosuch", "Unknown table: nosuch"),
    ("update sync s1 add table onlyb", "Unknown table: onlyb"),
    ("update sync s1 add sequence t1", "Unknown sequence: t1"),
    ("update sync * add table t1", "Can only add to one sync at a time"),
    ("update dbgroup g1 add", "Usage: update dbgroup g1 add <dbname(s)>"),
    ("update dbgroup g1 add B nosuch", "Unknown database: nosuch"),
    // Custom code.
    ("add customcode", "Usage: add customcode <name> <whenrun=value> <src_code=filename> [optional information]"),
    ("add code x", "Usage: add customcode <name> <whenrun=value> <src_code=filename> [optional information]"),
    ("add customcode x whenrun=never src_code=.bucardorc", "Invalid value for 'whenrun': must be one of before_txn or "),
    ("add customcode x whenrun=before_sync src_code=nosuch", "Could not find a file named \"nosuch\""),
    (
        "add customcode x whenrun=before_sync src_code=.bucardorc sync=s1 goat=t1",
        "Sorry, you must specify a sync OR a goat, not both",
    ),
    (
        "add customcode x whenrun=before_sync src_code=.bucardorc priority=1",
        "You must specify a sync or a goat when using priority or active",
    ),
    ("add customcode x whenrun=before_sync src_code=.bucardorc sync=nosuch", "Unknown sync: nosuch"),
    ("add customcode x whenrun=before_sync src_code=.bucardorc goat=nosuch", "Unknown goat: nosuch"),
    // Looking.
    ("inspect", "Usage: inspect <type> <name>"),
    ("inspect table", "Usage: inspect table <name>"),
    ("inspect table nosuch", "Unknown table: nosuch"),
    ("inspect herd h", "Not implemented yet"),
    ("inspect nosuch h", "Usage: inspect <type> <name>"),
];

/// Databases A to C and one that is down; table t1 of A in herd h; the syncs s1 (to B) and grp (to
/// the group g1, of B alone). Some tables are on one database only.
fn furnished() -> World {
    let world = World::with_dbs();
    for (db, sql) in [("a", "create table onlya (id integer primary key)"), ("b", "create table onlyb (id integer primary key)")]
    {
        world.cluster.connect(db).batch_execute(sql).unwrap();
    }
    world.run("add db gone host=127.0.0.1 port=1 user=nobody").ended_with(0);
    let reach = world.reach();
    world.says(&format!("add db B2 dbname=b host=127.0.0.1 {} {}", reach[1], reach[2]));
    for line in [
        "add table t1 db=A herd=h",
        "add table onlyb db=B",
        "add dbgroup g1 C",
        "add sync s1 type=pushdelta source=h targetdb=B",
        "add sync grp type=pushdelta source=h targetgroup=g1",
        "add sync two type=pushdelta source=h targetdb=B2",
    ] {
        world.says(line);
    }
    world
}

/// All that the control schemas hold, table by table, row by row.
pub(super) fn contents(world: &World) -> String {
    let mut control = world.control();
    let tables = "select oid::regclass::text from pg_class \
        where relkind = 'r' and relnamespace in ('bucardo'::regnamespace, 'freezer'::regnamespace) order by 1";
    let mut all = String::new();
    for table in control.query(tables, &[]).unwrap() {
        let table: String = table.get(0);
        let rows = control.query(&format!("select t::text from {table} t order by 1"), &[]).unwrap();
        let rows: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        all += &format!("{table}\n{}\n", rows.join("\n"));
    }
    all
}

#[test]
fn a_refused_command_changes_nothing_exits_non_zero_and_says_what_to_do() {
    let world = furnished();
    let before = contents(&world);
    let mut wrong = Vec::new();
    for (line, complaint) in REFUSED {
        let outcome = world.run(line);
        wrong.extend(
            faults(&outcome, complaint).iter().map(|fault| format!("{line}: {fault}\n{}{}", outcome.stdout, outcome.stderr)),
        );
        if contents(&world) != before {
            wrong.push(format!("{line}: the control database has changed"));
            break;
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n\n{}", wrong.len(), REFUSED.len(), wrong.join("\n"));
    assert!(REFUSED.len() >= 60);
}

/// What is wrong with how a refusal came out. A usage text and a list of choices say what to do by
/// themselves; any other sentence has a hint.
fn faults(outcome: &Outcome, complaint: &str) -> Vec<String> {
    let text = &outcome.stderr;
    let advised = text.contains("HINT: ") || text.contains("Usage: ") || text.contains("Database choices:");
    let mut faults = Vec::new();
    if outcome.code() == 0 {
        faults.push("exit code 0".to_owned());
    }
    if !text.starts_with(complaint) {
        faults.push(format!("does not begin with {complaint}"));
    }
    if !advised {
        faults.push("no advice".to_owned());
    }
    if !outcome.stdout.is_empty() {
        faults.push("something on standard output".to_owned());
    }
    if text.contains("stack backtrace") || text.contains("panicked") {
        faults.push("a panic".to_owned());
    }
    faults
}
