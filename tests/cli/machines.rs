//! For programs and shells: JSON, completion, the manual page; and guesses at what was meant.

use super::prepared::prepared;
use super::world::World;
use crate::harness::{Commands, wait_until};
use std::process::Command;
use std::time::Duration;

/// What the server finds at a path of a JSON text.
fn at(world: &crate::harness::Installed, json: &str, path: &str) -> String {
    let row = world.control().query_one("select $1::text::jsonb #>> $2::text::text[]", &[&json, &path]).unwrap();
    row.get::<_, Option<String>>(0).unwrap_or_else(|| "null".to_owned())
}

#[test]
fn lists_and_status_are_json_if_asked() {
    let installed = prepared();
    installed
        .control()
        .batch_execute("update bucardo.db set dbpass = 'hush', dbconn = 'password=hush' where name = 'A'")
        .unwrap();
    let dbs = installed.ctl(&["list", "db", "A", "--json"]).ok();
    assert!(!dbs.contains("hush") && at(&installed, &dbs, "{0,name}") == "A", "{dbs}");
    let groups = installed.ctl(&["list", "dbgroup", "--json"]).ok();
    assert_eq!(
        (at(&installed, &groups, "{0,members,0,db}").as_str(), at(&installed, &groups, "{0,members,1,role}").as_str()),
        ("c", "target")
    );
    let syncs = installed.ctl(&["list", "sync", "orders", "--json"]).ok();
    assert_eq!((at(&installed, &syncs, "{0,sourcedb}").as_str(), at(&installed, &syncs, "{1}").as_str()), ("A", "null"));
    assert_eq!(at(&installed, &installed.ctl(&["list", "herds", "--json"]).ok(), "{0,members,0}"), "public.orders");
    assert_eq!(at(&installed, &installed.ctl(&["list", "tables", "--json"]).ok(), "{0,herds,0}"), "h");
    for kind in ["sequences", "customcode", "customname", "customcols", "conflicts"] {
        assert_eq!(installed.ctl(&["list", kind, "--json"]).ok().replace("\n", ""), "[]", "{kind}");
    }

    let insert = "insert into bucardo.q (sync, targetdb, ppid, started, aborted, ended, whydie) values
        ('orders', 'B', 1, now(), now(), now(), E'he said \"no\"\\nand died')";
    installed.control().batch_execute(insert).unwrap();
    let status = installed.ctl(&["status", "--json"]).ok();
    assert_eq!(
        (at(&installed, &status, "{mcp_pid}").as_str(), at(&installed, &status, "{syncs,3,name}").as_str()),
        ("null", "orders")
    );
    assert_eq!(at(&installed, &status, "{syncs,3,last_bad,reason}"), "he said \"no\"\nand died");
    let one = installed.bucardo(&["status", "grp", "--json"]).ok();
    assert_eq!(
        (at(&installed, &one, "{syncs,0,target_group}").as_str(), at(&installed, &one, "{syncs,1}").as_str()),
        ("both", "null")
    );
}

#[test]
fn status_can_be_watched() {
    let installed = prepared();
    let mut watching = installed.call("bucardo_ctl", &["status", "--watch"]).start();
    wait_until("it was shown twice", Duration::from_secs(20), || {
        (watching.stdout().matches("Days back: 3").count() > 1).then_some(())
    });
    assert!(!watching.stdout().contains('\u{1b}'), "no control characters where there is no terminal");
    watching.child.kill().unwrap();
    watching.child.wait().unwrap();
}

#[test]
fn bash_completes_verbs_options_nouns_and_names() {
    let installed = prepared();
    let complete = |line: &str| -> String {
        let words: Vec<String> = line.split(' ').map(|word| format!("'{word}'")).collect();
        let script = format!(
            "source <(bucardo_ctl completion bash); COMP_WORDS=({}); COMP_CWORD={}; _bucardo_ctl; echo \"${{COMPREPLY[*]}}\"",
            words.join(" "),
            words.len() - 1
        );
        let mut bash = Command::new("bash");
        bash.args(["-c", &script]).current_dir(installed.home()).env_clear().env("HOME", installed.home());
        bash.env("PATH", format!("{}:/usr/bin:/bin", installed.dir().join("bin").display()));
        let done = bash.output().unwrap();
        assert!(done.stderr.is_empty(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim_end().to_owned()
    };
    assert_eq!(complete("bucardo_ctl kic"), "kick");
    assert_eq!(complete("bucardo_ctl kick o"), "orders");
    assert_eq!(complete("bucardo_ctl --quiet kick asleep a"), "all asleep");
    assert_eq!(complete("bucardo_ctl list sy"), "sync");
    assert_eq!(complete("bucardo_ctl remove dbs "), "A B c d");
    assert_eq!(complete("bucardo_ctl show log_showt"), "log_showtime");
    assert_eq!(complete("bucardo status --no-bucardor"), "--no-bucardorc");
    assert_eq!(installed.ctl(&["completion", "names", "table"]).ok(), "public.orders\n");
    installed.ctl(&["completion"]).ended_with(1);
    installed.ctl(&["completion", "names", "sync", "--dbport=1"]).ended_with(1);
}

#[test]
fn the_manual_page_and_the_other_shells_need_no_database() {
    let commands = Commands::new();
    assert!(commands.ctl(&["man"]).ok().starts_with(".TH BUCARDO_CTL 1\n"));
    assert!(commands.ctl(&["completion", "zsh"]).ok().starts_with("#compdef bucardo_ctl bucardo\n"));
    assert!(commands.ctl(&["completion", "fish"]).ok().contains("complete -c bucardo_ctl -f\n"));
}

#[test]
fn a_near_miss_is_answered_with_a_guess() {
    let world = World::with_dbs();
    let asked = |line: &str, guess: &str| {
        let outcome = world.run(line);
        assert!(outcome.stderr.contains(&format!("did you mean \"{guess}\"?")), "{line}: {}", outcome.stderr);
    };
    world.says("add table t1 db=A herd=sales");
    world.says("add sync orders type=pushdelta source=sales targetdb=B");
    asked("kcik orders", "kick");
    asked("kick ordres", "orders");
    asked("status order", "orders");
    asked("validate oders", "orders");
    asked("list db --quite", "quiet");
    asked("remove herd sale", "sales");
    assert!(!world.run("kick something").stderr.contains("did you mean"));
}
