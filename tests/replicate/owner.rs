//! What an owner or a writer could do before we came works with us, too: partitions, prepared
//! transactions, pg_dump; and whatever of ours somebody lays hands on, no write is refused, and
//! what was missed is told.

use super::case::{Case, case};
use super::keys_change::{does, kept, on_both, owner, told_and_answered};
use super::world::shared;
use std::process::Command;

const PARTED: &str = "create table p (id integer, day integer, v text, primary key (id, day)) partition by range (day);
    create table p_1 partition of p for values from (0) to (100)";

/// Whether the server can have row triggers on partitioned tables.
fn new_enough() -> bool {
    shared().cluster.major() >= 11
}

fn count(case: &mut Case, sql: &str) -> i64 {
    case.a.query_one(sql, &[]).unwrap().get(0)
}

const GAPS: &str = "select count(*) from bucardo.bucardo_gap";

#[test]
fn the_owner_makes_attaches_and_detaches_partitions() {
    if !new_enough() {
        return;
    }
    let mut case = kept("owner_parts", PARTED).tables(&["public.p"]).run();
    let mut app = owner(&case);
    does(&mut app, "insert into p select i, i % 100, 'v' from generate_series(1, 20) i");
    case.arrives();
    on_both(&case, "create table p_2 partition of p for values from (100) to (200);
        create table p_3 partition of p for values from (200) to (400) partition by range (day); create table p_3_1 partition of p_3 default;
        create table p_4 (id integer not null, day integer not null, v text); alter table p attach partition p_4 for values from (400) to (500)");
    does(&mut app, "insert into p select i, i, 'v' from generate_series(101, 499) i; update p set day = day + 100 where id between 150 and 250;
        insert into p_2 values (1000, 199, 'direct'); insert into p_4 values (1001, 450, 'direct'); delete from p where day = 300");
    case.arrives();
    on_both(&case, "alter table p detach partition p_4");
    does(&mut app, "insert into p_4 values (1002, 450, 'apart'); truncate p_4; insert into p values (1003, 150, 'v')");
    case.settle();
    does(&mut app, "drop table p_4");
    on_both(&case, "drop table if exists p_4");
    assert_eq!(count(&mut case, GAPS), 0);
    shared().ctl(&["validate", "owner_parts"]).ok();
    does(&mut app, "truncate p_2; insert into p select i, i, 'again' from generate_series(120, 140) i");
    case.finish();
}

/// That everybody may put the function on a table, so that owners can make partitions, is of no use
/// to others.
#[test]
fn a_function_of_ours_on_a_strangers_table_notes_nothing() {
    if !new_enough() {
        return;
    }
    let mut case =
        kept("stranger", &format!("{PARTED}; create table t (id integer primary key)")).tables(&["public.p", "public.t"]).run();
    let mut app = owner(&case);
    does(&mut app, "insert into p values (1, 1, 'v'); insert into t values (1)");
    case.arrives();
    let function = case.a.query_one(
        "select tgfoid::regprocedure::text from pg_trigger where tgrelid = 'p'::regclass and tgname like 'bucardo_add_delta\\_p%'",
        &[],
    );
    let function: String = function.unwrap().get(0);
    let other = case.a.query_one(
        "select tgfoid::regprocedure::text from pg_trigger where tgrelid = 't'::regclass and tgname = 'bucardo_add_delta'",
        &[],
    );
    let other: String = other.unwrap().get(0);
    let before = "select (select count(*) from bucardo.bucardo_gap) + (select sum(n_tup_ins) from pg_stat_user_tables where schemaname = 'bucardo' and relname like 'delta%')::bigint";
    case.write("select pg_stat_clear_snapshot()");
    does(&mut case.a, "grant usage on schema bucardo to passer");
    let mut stranger = shared().cluster.connect_as(&case.source, "passer");
    does(
        &mut stranger,
        &format!(
            "create table public.mine (id text, day integer); create trigger x after insert or update or delete on public.mine for each row execute procedure {function}"
        ),
    );
    does(
        &mut stranger,
        "insert into public.mine values ('1', 1), ('not a number', 2); update public.mine set id = '2'; delete from public.mine",
    );
    assert!(
        stranger
            .batch_execute(&format!("create trigger y after insert on public.mine for each row execute procedure {other}"))
            .is_err()
    );
    case.settle();
    let inserted = count(&mut case, before);
    assert!(inserted <= 2, "{inserted} rows were noted");
    does(&mut stranger, "drop table public.mine");
    does(&mut case.a, "revoke usage on schema bucardo from passer");
    case.finish();
}

/// For who may dump what is his database.
#[test]
fn the_owner_dumps_the_database() {
    let folder =
        Command::new("pg_config").arg("--bindir").output().map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned());
    let version =
        folder.as_ref().ok().and_then(|folder| Command::new(format!("{folder}/pg_dump")).arg("--version").output().ok());
    let major =
        version.and_then(|out| String::from_utf8_lossy(&out.stdout).split([' ', '.']).find_map(|word| word.parse::<u32>().ok()));
    let (Ok(folder), Some(major)) = (folder, major) else { return };
    if major < shared().cluster.major() {
        return;
    }
    let ddl = "create table t (id integer primary key, v text); create sequence sq; create table u (id varchar(3) primary key)";
    let mut case = kept("dumped", ddl).run();
    does(&mut owner(&case), "insert into t values (1); insert into u values ('a')");
    case.arrives();
    for database in [case.source.clone(), case.targets[0].clone()] {
        let out = Command::new(format!("{folder}/pg_dump"))
            .args(["-h", &case.source_cluster.socket_dir().display().to_string(), "-p", &case.source_cluster.port().to_string()])
            .args(["-U", "keeper", "-d", &database, "--exclude-table=bucardo.test_*", "--exclude-schema=test_*"])
            .output()
            .unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        assert!(String::from_utf8_lossy(&out.stdout).contains("COPY public.t"));
    }
    let mut passer = shared().cluster.connect_as(&case.source, "passer");
    assert!(passer.batch_execute("select * from bucardo.bucardo_delta_names").is_err());
    case.finish();
}

#[test]
fn a_transaction_is_prepared_while_the_kid_sleeps() {
    let mut case = kept("prepared_by_owner", "create table t (id integer primary key, v text)").run();
    let mut app = owner(&case);
    does(&mut app, "insert into t values (1)");
    case.arrives();
    for number in 2..6 {
        does(&mut app, &format!("begin; insert into t values ({number}); prepare transaction 'kept {number}'"));
    }
    does(&mut app, "commit prepared 'kept 2'");
    does(&mut app, "rollback prepared 'kept 3'");
    case.becomes_equal();
    does(&mut app, "commit prepared 'kept 4'");
    case.becomes_equal();
    does(&mut app, "insert into t values (7)");
    case.becomes_equal();
    does(&mut app, "commit prepared 'kept 5'");
    case.becomes_equal();
    case.finish();
}

/// What is done to our objects, and whether a capture is lost with it.
const HANDS: [(&str, &str, bool); 20] = [
    ("delta", "drop table bucardo.{name}_1", true),
    ("delta_2", "drop table bucardo.{name}_2", true),
    ("generation", "drop sequence bucardo.{name}_gen", false),
    ("renamed_by_hand", "alter table bucardo.{name}_1 rename to other", true),
    ("column", "alter table bucardo.{name}_1 drop column k1", true),
    (
        "check",
        "alter table bucardo.{name}_1 add check (k1 < 0) not valid; alter table bucardo.{name}_2 add check (k1 < 0) not valid",
        true,
    ),
    ("rights", "revoke all on bucardo.{name}_1 from porter", true),
    ("sequence_rights", "revoke all on sequence bucardo.{name}_gen from porter", false),
    ("schema", "revoke all on schema bucardo from porter", false),
    ("rule", "create rule away as on insert to bucardo.{name}_1 do instead nothing", true),
    (
        "elsewhere",
        "create table bucardo.other (like bucardo.{name}_1); create rule away as on insert to bucardo.{name}_1 do instead insert into bucardo.other values (new.*)",
        true,
    ),
    (
        "trigger",
        "create function bucardo.away() returns trigger language plpgsql as 'begin return null; end';
         create trigger away before insert on bucardo.{name}_1 for each row execute procedure bucardo.away()",
        true,
    ),
    (
        "policy",
        "alter table bucardo.{name}_1 enable row level security; alter table bucardo.{name}_1 force row level security",
        true,
    ),
    ("owner", "alter table bucardo.{name}_1 owner to postgres; alter table bucardo.{name}_2 owner to postgres", true),
    ("gap", "drop table bucardo.bucardo_gap", false),
    ("index", "drop index bucardo.{name}_1_txid_idx", false),
    ("flag", "drop function bucardo.bucardo_key_columns(oid, smallint[], text[], text)", false),
    (
        "function_rights",
        "revoke all on function bucardo.bucardo_fits(regclass, regclass, regclass, regclass, text, text[], text[], text[]) from porter",
        false,
    ),
    (
        "function_owner",
        "alter function bucardo.bucardo_fits(regclass, regclass, regclass, regclass, text, text[], text[], text[]) owner to postgres",
        false,
    ),
    ("functions", "revoke all on all functions in schema bucardo from public", false),
];

#[test]
fn whatever_is_done_to_our_objects_no_write_is_refused() {
    for (what, sql, lost) in HANDS {
        let mut case = kept(&format!("hands_{what}"), "create table t (id integer primary key, v text)").run();
        let mut app = owner(&case);
        does(&mut app, "insert into t select i, 'v' from generate_series(1, 5) i");
        case.arrives();
        let name: String = case.a.query_one("select deltaname from bucardo.bucardo_delta_names", &[]).unwrap().get(0);
        does(&mut case.a, &sql.replace("{name}", &name));
        let mut fresh = owner(&case);
        for app in [&mut app, &mut fresh] {
            does(
                app,
                "insert into t select coalesce(max(id), 0) + 1, 'v' from t; update t set v = 'w' where id = 1; update t set id = id + 100 where id = (select max(id) from t); delete from t where id = (select min(id) from t)",
            );
        }
        if what == "schema" {
            does(&mut case.a, "grant all on schema bucardo to porter");
        }
        if what == "owner" {
            does(
                &mut case.a,
                &format!("alter table bucardo.{name}_1 owner to porter; alter table bucardo.{name}_2 owner to porter"),
            );
        }
        shared().ctl(&["kick", &case.name, "5"]);
        if lost || shared().ctl(&["validate", &case.name]).code() != 0 {
            told_and_answered(&mut case, &["public.t"]);
        }
        for app in [&mut app, &mut fresh] {
            does(app, "truncate t; insert into t values (9, 'again')");
        }
        case.finish_after_deaths();
    }
}

/// A TRUNCATE has a function of its own.
#[test]
fn a_truncate_is_told_where_its_record_goes_elsewhere() {
    let diversions = ["rights", "rule", "elsewhere", "trigger", "policy"];
    for (what, sql, _) in HANDS.iter().filter(|(what, ..)| diversions.contains(what)) {
        let mut case = kept(&format!("truncated_{what}"), "create table t (id integer primary key, v text)").run();
        let mut app = owner(&case);
        does(&mut app, "insert into t select i, 'v' from generate_series(1, 5) i");
        case.arrives();
        let name: String = case.a.query_one("select deltaname from bucardo.bucardo_delta_names", &[]).unwrap().get(0);
        does(&mut case.a, &sql.replace("{name}", &name));
        does(&mut app, "truncate t");
        shared().ctl(&["kick", &case.name, "5"]);
        told_and_answered(&mut case, &["public.t"]);
        does(&mut app, "insert into t values (9, 'again')");
        case.finish_after_deaths();
    }
}

#[test]
fn records_that_are_dropped_are_made_anew_by_validate() {
    for (table, lost) in [("bucardo_delta_targets", false), ("bucardo_delta_names", true)] {
        let mut case = kept(&format!("dropped_{table}"), "create table t (id integer primary key, v text)").run();
        let mut app = owner(&case);
        does(&mut app, "insert into t select i, 'v' from generate_series(1, 5) i");
        case.arrives();
        does(&mut case.a, &format!("drop table bucardo.{table} cascade"));
        does(&mut app, "insert into t values (6, 'v'); update t set v = 'w' where id = 1");
        shared().ctl(&["kick", &case.name, "5"]);
        if lost {
            told_and_answered(&mut case, &["public.t", "record"]);
        } else {
            shared().ctl(&["validate", &case.name]).ok();
        }
        does(&mut app, "delete from t where id = 2; insert into t values (7, 'v')");
        case.becomes_equal();
        case.finish_after_deaths();
    }
}

#[test]
fn a_flag_or_a_function_that_is_dropped_refuses_no_write() {
    let mut case = kept("flags", "create table t (id integer primary key, v text)").run();
    let mut app = owner(&case);
    does(&mut app, "insert into t values (1)");
    case.arrives();
    does(
        &mut case.a,
        "do $$begin execute (select string_agg(format('drop sequence %s', oid::regclass), ';') from pg_class
        where relnamespace = 'bucardo'::regnamespace and relkind = 'S' and relname like 'armed%'); end$$",
    );
    does(&mut app, "insert into t values (2)");
    shared().ctl(&["validate", "flags"]).ok();
    does(&mut app, "insert into t values (3)");
    case.becomes_equal();
    let refused = case.a.batch_execute("drop function bucardo.bucardo_fits").unwrap_err();
    assert!(refused.as_db_error().unwrap().message().contains("other objects depend on it"), "{refused:?}");
    does(&mut case.a, "drop function bucardo.bucardo_fits cascade");
    does(&mut app, "insert into t values (4)");
    shared().ctl(&["validate", "flags"]);
    does(&mut app, "update t set v = 'w'");
    case.finish_after_deaths();
}

#[test]
fn validate_makes_functions_as_they_were() {
    let mut case = kept("as_they_were", "create table t (id integer primary key, v text)").run();
    let mut app = owner(&case);
    does(&mut case.a, "do $$begin execute (select string_agg(format('create or replace function %s returns trigger language plpgsql as ''begin return null; end''', oid::regprocedure), ';')
        from pg_proc where pronamespace = 'bucardo'::regnamespace and proname ~ '^(add|cut|bucardo_triggerkick)'); end$$");
    shared().ctl(&["validate", "as_they_were"]).ok();
    does(&mut app, "insert into t values (1)");
    case.becomes_equal();
    does(&mut app, "truncate t; insert into t values (2)");
    case.becomes_equal();
    let sources = "select md5(string_agg(prosrc, '' order by proname)) from pg_proc where pronamespace = 'bucardo'::regnamespace";
    let versions =
        "select string_agg(xmin::text, ' ' order by proname) from pg_proc where pronamespace = 'bucardo'::regnamespace";
    let before: (String, String) =
        (case.a.query_one(sources, &[]).unwrap().get(0), case.a.query_one(versions, &[]).unwrap().get(0));
    shared().ctl(&["validate", "as_they_were"]).ok();
    let after: (String, String) =
        (case.a.query_one(sources, &[]).unwrap().get(0), case.a.query_one(versions, &[]).unwrap().get(0));
    assert_eq!(before, after, "what is right is left alone");
    case.finish();
}

/// Nor is it if that of a partition cannot be read: then its rows are found through the table.
#[test]
fn a_truncate_of_a_partition_without_our_right_is_noted() {
    if !new_enough() {
        return;
    }
    let mut case = kept("no_right", PARTED).tables(&["public.p"]).run();
    let mut app = owner(&case);
    does(&mut app, "insert into p select i, i, 'v' from generate_series(1, 20) i");
    case.arrives();
    does(&mut case.a, "alter table p_1 owner to postgres; grant all on p_1 to keeper; revoke select on p_1 from keeper");
    does(&mut app, "truncate p_1; insert into p values (1, 1, 'again')");
    case.arrives();
    does(&mut case.a, "alter table p_1 owner to keeper");
    case.finish();
}

/// Who is not our role hides nothing by a setting of ours.
#[test]
fn an_application_hides_nothing_by_our_setting() {
    let mut case = kept("hides", "create table t (id integer primary key, v text)").run();
    let mut app = owner(&case);
    does(
        &mut app,
        "set bucardo.applying = 'on'; insert into t values (1); update t set v = 'v'; insert into t values (2); truncate t; insert into t values (3)",
    );
    case.becomes_equal();
    case.finish();
}

/// A session may have any settings of plpgsql and of the planner.
#[test]
fn odd_settings_of_a_session_refuse_no_write() {
    let mut case = kept("odd", "create table t (id integer primary key, v text)").run();
    let mut app = shared().cluster.connect(&case.source);
    does(
        &mut app,
        "load 'plpgsql'; set plpgsql.extra_errors = 'all'; set plpgsql.variable_conflict = 'error'; set plpgsql.check_asserts = on; set search_path = ''",
    );
    if shared().cluster.major() >= 12 {
        does(&mut app, "set plan_cache_mode = 'force_custom_plan'");
    }
    does(
        &mut app,
        "insert into public.t select i, 'v' from generate_series(1, 50) i; update public.t set v = 'w' where id < 9; update public.t set id = 100 where id = 1; delete from public.t where id = 2",
    );
    case.arrives();
    on_both(&case, "alter table t rename id to ident");
    does(&mut app, "insert into public.t values (200, 'v'); update public.t set v = 'x' where ident = 5");
    on_both(&case, "alter table t rename ident to id");
    does(&mut app, "insert into public.t values (201, 'v')");
    case.finish_after_deaths();
}

/// Among others for how short-lived kids are called.
#[test]
fn kids_that_leave_are_called_where_transactions_can_be_prepared() {
    let mut case =
        case("leaves", "create table t (id integer primary key, v text)").word("stayalive=off").word("kidsalive=off").run();
    case.write("insert into t values (1)");
    case.becomes_equal();
    case.write("begin; insert into t values (2); prepare transaction 'leaves'");
    case.write("commit prepared 'leaves'");
    case.becomes_equal();
    case.finish();
}
