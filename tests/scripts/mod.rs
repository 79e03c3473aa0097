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
    assert_eq!(
        check(&installed, &["--url=http://example.org/report", "--timeout=10"]),
        (0, "All bucardo syncs are running normally\n".to_owned())
    );
    let job = "insert into bucardo.q (sync, targetdb, ppid, started, ended, aborted, whydie) values";
    control.batch_execute(&format!("{job} ('orders', 'B', 1, now(), now(), now(), E'it died\\nbadly')")).unwrap();
    let (code, said) = check(&installed, &[]);
    assert!(
        code == 1 && said.contains(" failed syncs: 1 ") && said.contains("failed syncs details: orders B it died\n"),
        "{said}"
    );
    assert_eq!(check(&installed, &["--sync=grp"]).0, 0);
    control.batch_execute(&format!("{job} ('orders', 'B', 1, now(), now() - interval '2 hours', null, null)")).unwrap();
    assert_eq!(check(&installed, &[]).0, 0, "it has gone well since");
    control.batch_execute("update bucardo.sync set overdue = '1 hour', expired = '1 day' where name = 'orders'").unwrap();
    let (code, said) = check(&installed, &[]);
    assert!(code == 1 && said.contains(" overdue: 1 ") && said.contains("overdue details: orders B 2h"), "{said}");
    control.batch_execute("update bucardo.sync set expired = '90 minutes' where name = 'orders'").unwrap();
    let (code, said) = check(&installed, &[]);
    assert!(code == 2 && said.contains(" expired: 1 ") && !said.contains("overdue"), "{said}");
    let (code, said) = check(&installed, &["--dbname=nosuch"]);
    assert!(code == 3 && said.starts_with("ERROR: Could not ask the control database: "), "{said}");
    assert_eq!(check(&installed, &["--nosuch"]).0, 3);
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
    let job = "insert into bucardo.q (sync, targetdb, ppid, started, ended, aborted, whydie, inserts) values
        ('orders', 'B', 1, now(), now(), null, null, 7), ('grp', 'B', 1, now(), now(), now(), '<script>alert(1)</script>', null)";
    installed.control().batch_execute(job).unwrap();
    let done = script(&installed, "bucardo-report", &["--hours=6"]);
    let page = text(&done.stdout);
    assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"), "{page}{}", text(&done.stderr));
    assert!(page.contains("&lt;script&gt;alert(1)") && !page.contains("<script>"), "{page}");
    assert!(page.contains("7 rows, 0 failures") && page.contains(">failing</td>"), "{page}");
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
