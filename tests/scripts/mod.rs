//! The small tools that operators run beside the program.

mod packaging;
mod sessions;

use crate::cli::prepared::prepared;
use crate::harness::Installed;
use std::process::{Command, Output};

/// Runs a script as on the machine of the control database.
fn script(installed: &Installed, name: &str, args: &[&str]) -> Output {
    let mut command = Command::new(format!("{}/scripts/{name}", env!("CARGO_MANIFEST_DIR")));
    let (dir, port) = (installed.cluster.socket_dir().display().to_string(), installed.cluster.port());
    command.args([format!("--dbhost={dir}"), format!("--dbport={port}")]).args(args).env_clear();
    command
        .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", installed.dir().join("bin").display()))
        .env("HOME", installed.home());
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn check(installed: &Installed, args: &[&str]) -> (i32, String) {
    let done = script(installed, "check_bucardo_sync", args);
    (done.status.code().unwrap(), text(&done.stdout))
}

#[test]
fn nagios_hears_of_failed_overdue_and_expired_syncs() {
    let installed = prepared();
    let mut control = installed.control();
    let daemon = installed.served();
    assert_eq!(
        check(&installed, &["--url=http://example.org/report", "--timeout=10"]),
        (0, "All bucardo syncs are running normally\n".to_owned())
    );
    let job = "insert into bucardo.q (sync, targetdb, ppid, started, ended, aborted, whydie, retry_at) values";
    control.batch_execute(&format!("{job} ('orders', 'B', 1, now(), now(), now(), E'it died\\nbadly', now())")).unwrap();
    let (code, said) = check(&installed, &[]);
    assert!(
        code == 1 && said.contains(" failed syncs: 1 ") && said.contains("failed syncs details: orders B B: it died\n"),
        "{said}"
    );
    assert_eq!(check(&installed, &["--sync=grp"]).0, 0);
    control.batch_execute(&format!("{job} ('orders', 'B', 1, now(), now() - interval '2 hours', null, null, null)")).unwrap();
    assert_eq!(check(&installed, &[]).0, 0, "it has gone well since");
    control.batch_execute("update bucardo.sync set overdue = '1 hour', expired = '1 day' where name = 'orders'").unwrap();
    let (code, said) = check(&installed, &[]);
    assert!(code == 1 && said.contains(" overdue: 1 ") && said.contains("overdue details: orders B 2h"), "{said}");
    control.batch_execute("update bucardo.sync set expired = '90 minutes' where name = 'orders'").unwrap();
    let (code, said) = check(&installed, &[]);
    assert!(code == 2 && said.contains(" expired: 1 ") && !said.contains("overdue"), "{said}");
    drop(daemon);
    let (code, said) = check(&installed, &["--sync=grp"]);
    let expected = "syncs without daemon: 1  ";
    assert!(code == 2 && said.contains(expected) && said.contains("details: grp both unknown number waiting\n"), "{said}");
    assert_eq!(check(&installed, &["--sync=asleep"]).0, 2, "a daemon that does not run is critical for all");
    let (code, said) = check(&installed, &["--dbname=nosuch"]);
    assert!(code == 3 && said.starts_with("ERROR: Could not ask the control database: "), "{said}");
    assert_eq!(check(&installed, &["--nosuch"]).0, 3);
}

#[test]
fn nagios_may_spell_its_arguments_as_before() {
    let installed = prepared();
    let _daemon = installed.served();
    let fine = (0, "All bucardo syncs are running normally\n".to_owned());
    for line in [
        "--url http://example.org/report --delta 50000 --timeout 25 --track 3",
        "-url=all -timeout 25 --sync orders --sync=grp",
        "--dbname bucardo --dbuser bucardo --del=1 --ti 9",
        "--debug /dev/null --sync orders,grp",
    ] {
        assert_eq!(check(&installed, &line.split(' ').collect::<Vec<_>>()), fine, "{line}");
    }
    assert!(check(&installed, &["-verb"]).1.ends_with("\nChanges that wait: 0\n"));
    let dir = installed.cluster.socket_dir().display().to_string();
    assert_eq!(check(&installed, &["--dbhost", &dir, "--dbport", &installed.cluster.port().to_string()]), fine);
    for (line, sentence) in [
        ("--sync=nosuch", "ERROR: There is no sync \"nosuch\"\n"),
        ("--sync orders --sync nosuch", "ERROR: There is no sync \"nosuch\"\n"),
        ("--t 3", "ERROR: Option t is ambiguous (timeout, track)\n"),
        ("--nosuch 3", "ERROR: Unknown option: nosuch\n"),
        ("--delta x", "ERROR: Value \"x\" invalid for option delta (number expected)\n"),
        ("--delta=a[$(touch /tmp/x)]", "ERROR: Value "),
        ("--timeout", "ERROR: Option timeout requires an argument\n"),
        ("--verbose=1", "ERROR: Option verbose does not take an argument\n"),
        ("orders", "ERROR: What is \"orders\"?"),
    ] {
        let (code, said) = check(&installed, &line.split(' ').collect::<Vec<_>>());
        assert!(code == 3 && said.starts_with(sentence), "{line}: {code} {said}");
    }
}

#[test]
fn cacti_gets_one_sorted_line() {
    let installed = prepared();
    let jobs = "insert into bucardo.q (sync, targetdb, synctype, ppid, started, ended, aborted, whydie, inserts, updates, deletes) values
        ('orders', 'B', 'pushdelta', 1, now(), now(), null, null, 5, 2, 1),
        ('orders', 'B', 'pushdelta', 1, now(), now(), now(), 'deadlock detected', null, null, null)";
    installed.control().batch_execute(jobs).unwrap();
    let done = script(&installed, "bucardo_rrd", &[]);
    let line = text(&done.stdout);
    let pairs: Vec<&str> = line.trim_end().split(' ').collect();
    let mut sorted = pairs.clone();
    sorted.sort_unstable();
    assert_eq!((pairs.len(), &pairs), (21, &sorted), "{line}{}", text(&done.stderr));
    for pair in ["abort_deadlock:1", "aborts:1", "pushdelta_rows:8", "pushdelta_syncs:1", "total_rows:8", "swap_syncs:0"] {
        assert!(pairs.contains(&pair), "{pair} in {line}");
    }
}

#[test]
fn a_report_is_one_page_in_which_nothing_hostile_is_left() {
    let installed = prepared();
    let job = "insert into bucardo.q (sync, targetdb, ppid, started, ended, aborted, whydie, inserts, retry_at) values
        ('orders', 'B', 1, now(), now(), null, null, 7, null),
        ('grp', 'B', 1, now(), now(), now(), '<script>alert(1)</script>', null, now())";
    installed.control().batch_execute(job).unwrap();
    let _daemon = installed.served();
    let done = script(&installed, "bucardo-report", &["--hours=6"]);
    let page = text(&done.stdout);
    assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"), "{page}{}", text(&done.stderr));
    assert!(page.contains("&lt;script&gt;alert(1)") && !page.contains("<script>"), "{page}");
    assert!(
        page.contains("7 rows, 0 failures") && page.contains("class=\"warn\">stalled</td>") && page.contains("<p>1 of 4 bad</p>"),
        "{page}"
    );
    assert_eq!(page.matches("<svg").count(), 4);
    let one = text(&script(&installed, "bucardo-report", &["--sync=orders"]).stdout);
    assert_eq!(one.matches("<svg").count(), 1);
}

/// A cluster `shop`: node 1 provides set 1 to node 2, which passes it on to node 3.
const SLONY: &str = "
    create schema _shop;
    create table _shop.sl_node (no_id int, no_active bool, no_comment text);
    create table _shop.sl_path (pa_server int, pa_client int, pa_conninfo text);
    create table _shop.sl_set (set_id int, set_origin int, set_comment text);
    create table _shop.sl_table (tab_id int, tab_relname name, tab_nspname name, tab_set int);
    create table _shop.sl_sequence (seq_id int, seq_relname name, seq_nspname name, seq_set int);
    create table _shop.sl_subscribe (sub_set int, sub_provider int, sub_receiver int, sub_forward bool, sub_active bool);
    insert into _shop.sl_node values (1, true, 'one'), (2, true, 'two'), (3, true, 'three');
    insert into _shop.sl_path values (1, 2, 'dbname=a host=DIR port=PORT user=postgres'), (2, 1, 'dbname=b host=DIR port=PORT user=postgres'),
        (3, 1, 'dbname=c host=DIR port=PORT user=postgres');
    insert into _shop.sl_set values (1, 1, 'all');
    insert into _shop.sl_table values (1, 't1', 'public', 1), (2, 'Odd \"Name', 'public', 1);
    insert into _shop.sl_sequence values (1, 's1', 'public', 1);
    insert into _shop.sl_subscribe values (1, 1, 2, true, true), (1, 2, 3, false, true)";

#[test]
fn a_slony_cluster_becomes_commands_that_work() {
    let world = crate::cli::world::World::bare();
    let (dir, port) = (world.cluster.socket_dir().display().to_string(), world.cluster.port().to_string());
    world.cluster.connect("a").batch_execute(&SLONY.replace("DIR", &dir).replace("PORT", &port)).unwrap();
    let done = script(&world, "slony_migrator", &["-db", "a", "--bucardo", "-u", "postgres"]);
    let commands = text(&done.stdout);
    assert!(done.status.success(), "{}", text(&done.stderr));
    for line in [
        format!("./bucardo_ctl add db shop_1 dbname=a  host={dir} port={port} user=postgres"),
        "./bucardo_ctl add table public.t1 db=shop_1 ping=true standard_conflict=source herd=shop_node1_set1".to_owned(),
        "./bucardo_ctl add sequence public.s1 db=shop_2 ping=true standard_conflict=source herd=shop_node2_set1".to_owned(),
        "./bucardo_ctl add sync shop_set1_node1_to_node2 source=shop_node1_set1 targetdb=shop_2 type=pushdelta target_makedelta=on".to_owned(),
        "./bucardo_ctl add sync shop_set1_node2_to_node3 source=shop_node2_set1 targetdb=shop_3 type=pushdelta".to_owned(),
    ] {
        assert!(commands.lines().any(|printed| printed == line), "{line} in\n{commands}");
    }
    let script_text = format!("set -e; cd {}; {commands}", world.dir().join("bin").display());
    let mut bash = Command::new("bash");
    bash.args(["-c", &script_text]).env_clear().env("HOME", world.home()).env("PATH", "/usr/bin:/bin");
    let done = bash.output().unwrap();
    assert!(done.status.success(), "{}{}", text(&done.stdout), text(&done.stderr));
    assert_eq!(world.value("select count(*) from bucardo.sync"), "2");
    let summary = text(&script(&world, "slony_migrator", &["-db", "a", "-u", "postgres"]).stdout);
    assert!(summary.starts_with("Set 1: origin node 1, 2 tables, 1 sequences\n  Set 1: node 1 to node 2\n"), "{summary}");
}

#[test]
fn a_slony_cluster_is_found_shown_and_checked_with_the_arguments_of_old() {
    let world = crate::cli::world::World::bare();
    let (dir, port) = (world.cluster.socket_dir().display().to_string(), world.cluster.port().to_string());
    let slony = SLONY.replace("DIR", &dir).replace("PORT", &port);
    world.cluster.connect("a").batch_execute(&slony).unwrap();
    let run = |args: &[&str]| {
        let mut command = Command::new(format!("{}/scripts/slony_migrator", env!("CARGO_MANIFEST_DIR")));
        command.args(args).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", world.home());
        let done = command.output().unwrap();
        (done.status.code().unwrap(), text(&done.stdout), text(&done.stderr))
    };
    let host = format!("-H={dir}");
    let hosts = format!("/does/not/exist,{dir}");
    let usual = run(&["-db=a", &host, "--port", &port, "-u=postgres", "--bucardo"]);
    assert!(usual.0 == 0 && usual.1.contains("add sync shop_set1_node1_to_node2"), "{usual:?}");
    for args in [
        &["--dbname=a", "-H", &hosts, "--port", &port, "--dbuser", "postgres", "--dbpass=secret", "--timeout=5", "--bucardo"][..],
        &["-H", "/does/not/exist", "-H", &dir, "-db", "b,a", "--port", &port, "-u", "postgres", "-v", "--buc"],
    ] {
        let found = run(args);
        assert_eq!((found.0, &found.1), (0, &usual.1), "{args:?}: {}", found.2);
    }
    let slonik = run(&["-db=a", &host, "--port", &port, "-u=postgres", "--slonik"]);
    for line in [
        "CLUSTER NAME = shop;",
        &format!("NODE 1 ADMIN CONNINFO = 'dbname=a host={dir} port={port} user=postgres';"),
        "INIT CLUSTER (ID = 1, COMMENT = 'one');",
        "STORE NODE (ID = 2, COMMENT = 'two', EVENT NODE = 1);",
        "CREATE SET (ID = 1, ORIGIN = 1, COMMENT = 'all');",
        "SET ADD TABLE (SET ID = 1, ORIGIN = 1, ID = 1, FULLY QUALIFIED NAME = 'public.t1');",
        "SET ADD SEQUENCE (SET ID = 1, ORIGIN = 1, ID = 1, FULLY QUALIFIED NAME = 'public.s1');",
        "SUBSCRIBE SET (ID = 1, PROVIDER = 1, RECEIVER = 2, FORWARD = YES);",
        "SUBSCRIBE SET (ID = 1, PROVIDER = 2, RECEIVER = 3, FORWARD = NO);",
    ] {
        assert!(slonik.1.lines().any(|printed| printed == line), "{line} in\n{}{}", slonik.1, slonik.2);
    }
    let checked =
        |args: &[&str]| run(&[&["-db=a", host.as_str(), "--port", port.as_str(), "-u=postgres", "--check"], args].concat());
    assert_eq!(checked(&[]), (0, "3 tables and sequences are as they should be\n".to_owned(), String::new()));
    world
        .cluster
        .connect("a")
        .batch_execute("insert into _shop.sl_table values (3, 'nopk', 'public', 1), (4, 'gone', 'public', 1)")
        .unwrap();
    let wrong = checked(&[]);
    assert_eq!((wrong.0, wrong.1.as_str()), (1, "public.nopk has no primary key\npublic.gone does not exist\n"));
    assert_eq!(run(&["-V"]).1, "slony_migrator 1.0\n");
    let unknown = run(&["--nosuch"]);
    assert!(unknown.0 == 1 && unknown.2.starts_with("ERROR: Unknown option: nosuch\n"), "{unknown:?}");
}
