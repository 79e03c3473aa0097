//! What the owner of a receiver's table has written without schemas: it is looked up as in sessions
//! of his own.

use super::case::{Case, case};
use super::world::shared;
use crate::daemon::world::World;

/// Tables of an ordinary role that is called like the database, made in a session of its own.
/// `settings` come before.
fn owned_by(owner: &str, settings: &str, ddl: &str) -> String {
    format!(
        "do $$ begin if not exists (select from pg_roles where rolname = '{owner}') then create role {owner}; end if; end $$;
        do $$ begin execute format('grant create on database %I to {owner}', current_database()); end $$;
        grant create on schema public to {owner}; {settings}; set role {owner}; {ddl}"
    )
}

/// A CHECK whose function asks another one, and that a table: both without schema.
const CHECKED: &str = "create table codes (code text primary key);
    insert into codes values ('a'), ('b'), ('c');
    create function known(text) returns boolean language plpgsql stable as $$ begin return exists (select from codes where code = $1); end $$;
    create function fine(text) returns boolean language sql stable as $$ select known($1) $$;
    create table t (id integer primary key, code text check (fine(code)))";

fn written(case: &mut Case) {
    case.write("insert into t values (1, 'a'), (2, 'b')");
    case.arrives();
    case.write("update t set code = 'c' where id = 1; update t set id = 3 where id = 2; insert into t values (9, 'a')");
    case.arrives();
    case.write("truncate t; insert into t values (7, 'b')");
    case.arrives();
}

#[test]
fn a_constraint_finds_what_its_owner_finds() {
    let mut case = case("path_check", &owned_by("path_owner1", "", CHECKED)).tables(&["public.t"]).run();
    written(&mut case);
    case.finish();
}

#[test]
fn a_path_that_was_set_for_the_owner_counts() {
    let ddl = format!("create schema shop; set search_path = shop; {CHECKED}");
    let settings = "alter role path_owner2 set search_path = \"Nowhere\", shop";
    let mut case = case("path_role", &owned_by("path_owner2", settings, &ddl)).tables(&["shop.t"]).run();
    case.write("set search_path = shop");
    case.write("insert into t values (1, 'a'), (2, 'b')");
    case.arrives();
    case.write("update t set code = 'c'");
    case.finish();
}

#[test]
fn a_path_that_was_set_for_the_database_counts_unless_the_role_has_one() {
    let ddl = format!("create schema shop; set search_path = shop; {CHECKED}");
    let of_database = "do $$ begin execute format('alter database %I set search_path = shop', current_database()); end $$";
    let in_database = "do $$ begin execute format('alter role path_owner3 in database %I set search_path = shop', current_database());
        execute format('alter database %I set search_path = elsewhere', current_database()); end $$; alter role path_owner3 set search_path = nowhere";
    for (name, settings) in [("path_database", of_database), ("path_both", in_database)] {
        let mut case = case(name, &owned_by("path_owner3", settings, &ddl)).tables(&["shop.t"]).run();
        case.write("set search_path = shop; insert into t values (1, 'a'); update t set code = 'b'");
        case.finish();
        shared().cluster.connect("postgres").batch_execute("alter role path_owner3 reset search_path").unwrap();
    }
}

#[test]
fn the_schema_of_the_owner_s_own_name_is_found() {
    let ddl = format!("create schema path_owner4; {CHECKED}");
    let mut case = case("path_user", &owned_by("path_owner4", "", &ddl)).tables(&["path_owner4.t"]).run();
    case.write("set search_path = path_owner4; insert into t values (1, 'a'); update t set code = 'b'");
    case.finish();
}

const SHAPES: &str = "create function tidied(text) returns text language sql immutable as $$ select lower($1) $$;
    create function tidy(text) returns text language plpgsql immutable as $$ begin return tidied($1); end $$;
    create function is_tidy(text) returns boolean language plpgsql immutable as $$ begin return $1 = tidied($1); end $$;
    create domain tidy_text as text check (is_tidy(value));
    create table indexed (id integer primary key, v text);
    create index on indexed (tidy(v));
    create unique index on indexed ((tidy(v) || 'x')) where is_tidy(v);
    create table of_domain (id integer primary key, v tidy_text)";

fn shapes(case: &mut Case) {
    case.write("insert into indexed values (1, 'a'), (2, 'B'); insert into of_domain values (1, 'a')");
    case.arrives();
    case.write("update indexed set v = 'c' where id = 1; update of_domain set v = 'd', id = 4; delete from indexed where id = 2");
    case.arrives();
}

#[test]
fn index_expressions_and_domains_find_what_their_owner_finds() {
    let mut case = case("path_shapes", &owned_by("path_owner5", "", SHAPES)).run();
    shapes(&mut case);
    case.finish();
}

#[test]
fn a_generated_column_finds_what_its_owner_finds() {
    if shared().cluster.major() < 12 {
        return;
    }
    let ddl = "create function doubled(integer) returns integer language plpgsql immutable as $$ begin return twice($1); end $$;
        create function twice(integer) returns integer language sql immutable as $$ select $1 * 2 $$;
        create table t (id integer primary key, d integer generated always as (doubled(id)) stored)";
    let mut case = case("path_generated", &owned_by("path_owner6", "", ddl)).run();
    case.write("insert into t values (1), (2); update t set id = 5 where id = 1");
    case.arrives();
    case.finish();
}

#[test]
fn copies_find_what_the_owner_finds() {
    let ddl = format!("{CHECKED}; {SHAPES}");
    let mut case = case("path_copies", &owned_by("path_owner7", "", &ddl)).word("onetimecopy=1").add();
    case.write("insert into indexed values (1, 'a'); insert into of_domain values (1, 'a'); insert into t values (1, 'c')");
    case.b.batch_execute("delete from codes where code = 'b'").unwrap();
    case.world.ctl(&["activate", &case.name, "0"]).ok();
    case.arrives();
    case.write("update t set code = 'a'; update indexed set v = 'z'; truncate of_domain; insert into of_domain values (3, 'b')");
    case.finish();
}

/// Triggers that fire for replicated rows, too.
#[test]
fn a_trigger_that_always_fires_finds_what_its_owner_finds() {
    let ddl = "create table seen (id integer);
        create function sees() returns trigger language plpgsql as $$ begin insert into seen values (new.id); return null; end $$;
        create table t (id integer primary key);
        create trigger sees after insert on t for each row execute procedure sees(); alter table t enable always trigger sees;
        create function forgets() returns trigger language plpgsql as $$ begin delete from seen where id = old.id; return null; end $$;
        create trigger forgets after delete on t for each row execute procedure forgets(); alter table t enable always trigger forgets";
    let mut case = case("path_trigger", &owned_by("path_owner8", "", ddl)).tables(&["public.t"]).run();
    case.write("insert into t values (1), (2)");
    case.settle();
    assert_eq!(case.at_target("select count(*) from seen"), "2");
    case.write("truncate t; insert into t values (5)");
    case.settle();
    assert_eq!(case.at_target("select string_agg(id::text, ' ') from seen"), "5");
    case.write("truncate seen; insert into seen select id from t");
    case.b.batch_execute("truncate seen; insert into seen select id from t").unwrap();
    case.finish();
}

/// Whoever may create something in the owner's schemas puts traps there: operators and functions
/// that fit our statements better than the server's own do. None of them is ever called.
#[test]
fn nothing_in_the_owner_s_schemas_takes_the_place_of_what_we_call() {
    let ddl = "create table trapped (what text);
        create function trap(what text) returns void language plpgsql security definer as $$ begin insert into public.trapped values (what); end $$;
        create function same(varchar, varchar) returns boolean language plpgsql as $$ begin perform public.trap('='); return true; end $$;
        create operator public.= (leftarg = varchar, rightarg = varchar, procedure = same);
        create function counted() returns bigint language plpgsql as $$ begin perform public.trap('count'); return 0; end $$;
        create function xids(xid, integer) returns boolean language plpgsql as $$ begin perform public.trap('xid'); return true; end $$;
        create operator public.= (leftarg = xid, rightarg = integer, procedure = xids);
        create function added(bigint, bigint) returns bigint language plpgsql as $$ begin perform public.trap('+'); return 0; end $$;
        create operator public.+ (leftarg = bigint, rightarg = bigint, procedure = added);
        create table t (id varchar(9) primary key, n numeric, v varchar(20), check (v <> 'never'));
        create table u (k numeric, w varchar(3), primary key (k, w));
        create table r (id varchar(9) primary key, v varchar(9) unique)";
    let settings = "alter role path_owner9 set search_path = public, pg_catalog";
    let mut case = case("path_traps", &owned_by("path_owner9", settings, ddl))
        .tables(&["public.t", "public.u", "public.r"])
        .word("strict_checking=false")
        .run();
    case.b.batch_execute("alter table t add own integer; alter table r add own integer default 5").unwrap();
    case.world.ctl(&["validate", "path_traps"]).ok();
    case.world.ctl(&["reload", "path_traps"]).ok();
    let rows = "insert into t select i::text, i, 'v' from generate_series(1, 20) i; insert into u values (1.0, 'a'), (2, 'b');
        insert into r values ('1', 'a'), ('2', 'b')";
    case.write(rows);
    case.settle();
    case.write("update t set v = 'w' where n < 5; delete from t where n > 15; update u set k = 1 where k = 1; update u set w = 'c' where k = 2;
        update r set v = 'x' where id like '1'; update r set v = 'a' where id like '2'");
    case.settle();
    assert_eq!(case.at_target("select count(*) || ' ' || count(own) from t"), "15 0");
    assert_eq!(case.at_target("select string_agg(k || w, ' ') from u"), "1a 2c");
    assert_eq!(case.at_target("select string_agg(id || v || own, ' ' order by id) from r"), "1x5 2a5");
    for (name, client) in [("source", &mut case.a), ("target", &mut case.b)] {
        let trapped = client.query_one("select coalesce(string_agg(distinct what, ' '), 'none') from trapped", &[]).unwrap();
        assert_eq!(trapped.get::<_, String>(0), "none", "on the {name}");
    }
    case.world.ctl(&["deactivate", "path_traps", "0"]).ok();
}

/// Two masters: rows are written beside what applications write.
#[test]
fn masters_find_what_the_owners_find() {
    let world = World::with(&["A", "B"], &[]);
    for name in ["A", "B"] {
        world.at(name, &format!("{}; reset role", owned_by("keeper", "", &CHECKED.replace("table t (", "table x ("))));
    }
    world.says("add table x db=A herd=h");
    world.says("add sync s type=swap source=h targetdb=B");
    world.says("start");
    world.at("A", "insert into x values (1, 'a')");
    world.at("B", "insert into x values (2, 'b')");
    world.says("kick s 0");
    world.says("deactivate s 0");
    world.at("A", "update x set code = 'b'");
    world.at("B", "update x set code = 'c'");
    world.says("activate s 0");
    world.says("kick s 0");
    for name in ["A", "B"] {
        assert_eq!(world.value(name, "select string_agg(id || code, ' ' order by id) from x"), "1c 2c", "on {name}");
    }
}

/// The lines about what is not found, without those about the rights with which the functions run.
fn foretold(told: &str) -> String {
    told.lines().filter(|line| line.contains("cannot be")).map(|line| format!("{line}\n")).collect()
}

/// What the functions of the target's table do not find is told before rows come, whatever kind of
/// thing calls them.
#[test]
fn validate_foretells_what_functions_will_not_find() {
    let ddl = format!("{CHECKED}; {SHAPES}");
    let mut case = case("path_foretold", &owned_by("path_owner10", "", &ddl))
        .tables(&["public.t", "public.indexed", "public.of_domain"])
        .add();
    let told = |case: &Case| foretold(&case.world.ctl(&["validate", "path_foretold"]).ended_with(0).stderr);
    assert_eq!(told(&case), "");
    case.b.batch_execute("alter table codes rename to codes_old; alter function tidied(text) rename to tidied_old").unwrap();
    let on = "on database \"path_foretold_b\"";
    let said = told(&case);
    for warning in [
        format!(
            "Warning: Table \"public.t\" {on}: constraint \"t_code_check\" cannot be evaluated: relation \"codes\" does not exist\n"
        ),
        format!(
            "Warning: Table \"public.indexed\" {on}: index \"indexed_tidy_idx\" cannot be evaluated: function tidied(text) does not exist\n"
        ),
        format!(
            "Warning: Table \"public.of_domain\" {on}: the type of column \"v\" cannot be evaluated: function tidied(text) does not exist\n"
        ),
    ] {
        assert!(said.contains(&warning), "{warning}{said}");
    }
    let left = "select count(*) from pg_class where relname = 'bucardo_foretold'";
    assert_eq!(case.at_target(left), "0");
    case.b.batch_execute("alter table codes_old rename to codes; alter function tidied_old(text) rename to tidied").unwrap();
    assert_eq!(told(&case), "");
    case.world.ctl(&["activate", "path_foretold", "0"]).ok();
    written(&mut case);
    shapes(&mut case);
    case.finish();
}

/// Rows of several masters are compared by our own statements, which have no search_path.
#[test]
fn validate_foretells_which_unique_indexes_masters_cannot_compare() {
    let world = World::with(&["A", "B"], &[]);
    let ddl = "create function plain(text) returns text language sql immutable as $$ select lower($1) $$;
        create function tidy(text) returns text language plpgsql immutable as $$ begin return plain($1); end $$;
        create table x (id integer primary key, v text); create unique index x_tidy on x (tidy(v))";
    for name in ["A", "B"] {
        world.at(name, &format!("{}; reset role", owned_by("keeper", "", ddl)));
    }
    world.says("add table x db=A herd=h2");
    let told = world.run("add sync s type=swap source=h2 targetdb=B").ended_with(0).stderr;
    for name in ["A", "B"] {
        let warning = format!(
            "Warning: Table \"public.x\" on database \"{name}\": index \"x_tidy\" cannot be compared among masters: function plain(text) does not exist"
        );
        assert!(told.contains(&warning), "{told}");
        world.at(name, "alter function tidy(text) set search_path = public");
    }
    assert_eq!(foretold(&world.run("validate s").ended_with(0).stderr), "");
    world.says("start");
    world.at("A", "insert into x values (1, 'a')");
    world.at("B", "insert into x values (2, 'A')");
    world.says("kick s 0");
    assert_eq!(world.value("A", "select count(*) from x"), "1");
    assert_eq!(world.value("A", "select id from x"), world.value("B", "select id from x"));
}
