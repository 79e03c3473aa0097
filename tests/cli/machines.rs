//! For programs and shells: JSON, completion, the manual page; and guesses at what was meant.

use super::fake_daemon::FakeDaemon;
use super::prepared::prepared;
use super::world::World;
use crate::harness::{Commands, wait_until};
use std::collections::BTreeSet;
use std::path::Path;
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
fn settings_and_everything_are_json_if_asked() {
    let installed = prepared();
    let settings = installed.bucardo(&["list", "config", "--json"]).ok();
    assert_eq!(at(&installed, &settings, "{stopfile}"), "fullstopbucardo");
    let all = installed.bucardo(&["list", "all", "--json"]).ok();
    for (path, value) in
        [("{databases,0,name}", "A"), ("{syncs,0,name}", "asleep"), ("{tables,0,tablename}", "orders"), ("{sequences}", "[]")]
    {
        assert_eq!(at(&installed, &all, path), value, "{path}");
    }
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

/// A shell, and a script in it that says what is offered for the last of the words in `$1`, which
/// are parted by blanks.
const SHELLS: [(&str, &str); 3] = [
    (
        "bash",
        r#"source <(bucardo_ctl completion bash); IFS=' '; set -f; COMP_WORDS=(); while [[ $1 == *' '* ]]; do COMP_WORDS+=("${1%% *}"); set -- "${1#* }"; done
        COMP_WORDS+=("$1"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _bucardo_ctl; echo "${COMPREPLY[*]}""#,
    ),
    // What zsh would show is what its compadd is given.
    (
        "zsh",
        r#"compdef() { :; }; eval "$(bucardo_ctl completion zsh)"; words=("${(@s: :)1}"); CURRENT=$#words; PREFIX=$words[-1]; found=()
        compadd() { while [[ $1 != -a ]]; do shift; done; found+=("${(@P)2}"); }; _bucardo_ctl; echo "$found""#,
    ),
    ("fish", r#"bucardo_ctl completion fish | source; complete -C "$argv[1]" | string replace -r '\t.*' '' | string join ' '"#),
];

/// What a shell offers for the last word of a line.
fn complete(installed: &crate::harness::Installed, shell: &str, script: &str, line: &str) -> String {
    let mut command = Command::new(shell);
    command.args(if shell == "fish" { vec!["-c", script, line] } else { vec!["-c", script, shell, line] });
    command.current_dir(installed.home()).env_clear().env("HOME", installed.home());
    command.env("PATH", format!("{}:/usr/bin:/bin", installed.dir().join("bin").display()));
    let done = command.output().unwrap();
    assert!(done.stderr.is_empty(), "{shell}: {line}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim_end().to_owned()
}

#[test]
fn shells_complete_verbs_options_types_names_keys_and_values() {
    let installed = prepared();
    for (shell, script) in SHELLS.iter().filter(|(shell, _)| Path::new("/usr/bin").join(shell).exists() || *shell == "bash") {
        for (line, offered) in [
            ("bucardo_ctl kic", "kick"),
            ("bucardo_ctl kick o", "orders"),
            ("bucardo_ctl --quiet kick asleep a", "all asleep"),
            ("bucardo_ctl list sy", "sync"),
            ("bucardo_ctl remove dbs ", "A B c d"),
            ("bucardo_ctl show log_showt", "log_showtime"),
            ("bucardo status --no-bucardor", "--no-bucardorc"),
            ("bucardo_ctl -U bucardo kick o", "orders"),
            ("bucardo_ctl --retry 3 kick o", "orders"),
            ("bucardo_ctl kick --retry ", ""),
            ("bucardo_ctl add all tables --db ", "A B c d"),
            ("bucardo_ctl --dbport=1 kick o", ""),
            ("bucardo del sy", "sync"),
            ("bucardo del sync o", "orders"),
            ("bucardo delta A", "A"),
            ("bucardo clone ", "sync="),
            ("bucardo clone sync=o", "sync=orders"),
            ("bucardo_ctl add sync x source=", "source=h"),
            ("bucardo_ctl add sync x targetdb=", "targetdb=A targetdb=B targetdb=c targetdb=d"),
            ("bucardo_ctl add sync x onetimec", "onetimecopy="),
            ("bucardo_ctl add sync x type=s", "type=swap"),
            ("bucardo add sync x dbs=A:source,B:t", "dbs=A:source,B:target"),
            ("bucardo_ctl update sync orders status=i", "status=inactive"),
            ("bucardo_ctl update sync orders txn", "txnmode="),
            ("bucardo_ctl help ki", "kick"),
            ("bucardo_ctl help add cust", "customcode customcols customname"),
            ("bucardo_ctl add a", "all"),
            ("bucardo_ctl add all ", "tables sequences"),
            ("bucardo_ctl list a", ""),
            ("bucardo list a", "all"),
            ("bucardo l conf", "conflicts config"),
            ("bucardo_ctl remove a", ""),
            ("bucardo_ctl update rel", ""),
            ("bucardo_ctl remove relgroup ", "h"),
            ("bucardo_ctl status a", "asleep"),
            ("bucardo status a", "all asleep"),
        ] {
            let sorted = |text: &str| text.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>();
            assert_eq!(sorted(&complete(&installed, shell, script, line)), sorted(offered), "{shell}: {line}");
        }
    }
}

#[test]
fn bash_which_cuts_words_at_signs_gets_what_stands_behind_them() {
    let installed = prepared();
    for (line, offered) in [
        ("bucardo_ctl --retry = 3 kick o", "orders"),
        ("bucardo clone sync = o", "orders"),
        ("bucardo_ctl add sync x source = ", "h"),
        ("bucardo_ctl add sync x targetdb =", "A B c d"),
        ("bucardo_ctl add sync x targetdb = B type = swap targetgroup = b", "both"),
        ("bucardo add sync x dbs = A : source,B : t", "target"),
        ("bucardo_ctl update sync orders status = i", "inactive"),
    ] {
        let (shell, script) = SHELLS[0];
        assert_eq!(complete(&installed, shell, script, line), offered, "{line}");
    }
    installed.ctl(&["completion"]).ended_with(1);
    assert_eq!(installed.ctl(&["completion", "words", "--", "--dbport=1", "kick", ""]).ok(), "all\n");
}

#[test]
fn the_manual_page_and_the_other_shells_need_no_database() {
    let commands = Commands::new();
    assert!(commands.ctl(&["man"]).ok().starts_with(".TH BUCARDO_CTL 1\n"));
    assert!(commands.ctl(&["completion", "zsh"]).ok().starts_with("#compdef bucardo_ctl bucardo\n"));
    assert!(commands.ctl(&["completion", "fish"]).ok().contains("complete -c bucardo_ctl -f "));
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

#[test]
fn a_guess_is_made_wherever_something_unknown_is_named() {
    let world = World::with_dbs();
    world.says("add table t1 db=A herd=sales");
    world.says("add sync orders type=pushdelta source=sales targetdb=B");
    world.says("add sync ab type=pushdelta source=sales targetdb=C");
    for (line, guess) in [
        ("help kikc", "kick"),
        ("help statsu db", "status"),
        ("list snyc", "sync"),
        ("list sync ordres", "orders"),
        ("list herd salse", "sales"),
        ("add tabel t1", "table"),
        ("remove tabel t1", "table"),
        ("update snyc orders ping=1", "sync"),
        ("set pidir=/tmp", "piddir"),
        ("reload oders", "orders"),
        ("kick ac", "ab"),
        ("kick AB", "ab"),
        ("update sync ordres ping=1", "orders"),
        ("update sync orders pign=1", "ping"),
        ("update db a dbhost=x", "A"),
        ("update table t2 ping=1", "t1"),
        ("add table t1 db=b", "B"),
        ("add table t1 dbb=A", "db"),
        ("add db X dbnmae=x", "dbname"),
        ("add sync new type=pushdelta source=sale targetdb=B", "sales"),
        ("add sync new type=pushdelta source=sales targetdb=b", "B"),
        ("inspect table t2", "t1"),
        ("inspect hred t1", "herd"),
    ] {
        let outcome = world.run(line);
        assert!(outcome.stderr.contains(&format!("did you mean \"{guess}\"?")), "{line}: {}", outcome.stderr);
    }
    let _daemon = FakeDaemon::silent(&world);
    for (line, guess) in [
        ("kick ordesr", "orders"),
        ("reload ordesr", "orders"),
        ("update sync ordesr active", "orders"),
        ("update sync orders autokikc=1", "autokick"),
        ("add table t1 db=a", "A"),
        ("add sync new dbs=a:source,B:target relgroup=sales", "A"),
        ("add sync new dbs=A:source,B:target relgroup=sale", "sales"),
        ("add db X dbnmae=x", "dbname"),
        ("clone sync=ordesr", "orders"),
    ] {
        let outcome = world.bucardo(&line.split(' ').collect::<Vec<_>>());
        assert!(outcome.stderr.contains(&format!("did you mean \"{guess}\"?")), "{line}: {}", outcome.stderr);
    }
    assert!(!world.run("reload something").stderr.contains("did you mean"));
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let installed = prepared();
    let insert =
        "insert into bucardo.q (sync, targetdb, ppid, started, aborted, ended) values ('orders', 'B', 1, now(), now(), now())";
    installed.control().batch_execute(insert).unwrap();
    let _daemon = installed.served();
    let red = "\u{1b}[31mBad\u{1b}[0m";
    let on_terminal = |line: &str, no_color: &str| {
        let call = installed.call("/usr/bin/script", &["-qec", line, "/dev/null"]).env("TERM", "xterm").env("NO_COLOR", no_color);
        call.run().stdout
    };
    assert!(on_terminal("bucardo status", "").contains(red));
    assert!(on_terminal("bucardo status nosuch", "").contains("\u{1b}[31mNo such sync: nosuch\u{1b}[0m"));
    for told in
        [on_terminal("bucardo status", "1"), on_terminal("bucardo status nosuch", "1"), installed.bucardo(&["status"]).ok()]
    {
        assert!(!told.contains('\u{1b}') && !told.is_empty(), "{told}");
    }
    assert!(!installed.bucardo(&["status", "nosuch"]).stderr.contains('\u{1b}'));
}
