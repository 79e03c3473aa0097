//! Help, versions, and what needs no database (reference, 1.6 to 1.9, 3.18).

use crate::harness::Commands;

#[test]
fn help_needs_no_database_and_goes_to_standard_error() {
    let commands = Commands::new();
    for line in [&[][..], &["help"], &["--help"], &["-?"], &["list", "--help"], &["nosuch"], &["help", "set", "x"]] {
        let outcome = commands.ctl(line).ended_with(0);
        assert_eq!(outcome.stdout, "");
        assert!(outcome.stderr.starts_with("Usage: "), "{line:?}");
    }
    let general = commands.ctl(&[]).stderr;
    assert!(general.starts_with("Usage: bucardo_ctl args\n") && general.ends_with("\nFor more details, try 'man bucardo_ctl'\n"));
    assert_eq!(commands.ctl(&["nosuch", "--quiet"]).ended_with(0).stderr, "");
}

#[test]
fn the_newer_dialect_helps_on_standard_output_and_calls_an_unknown_verb_a_failure() {
    let commands = Commands::new();
    let outcome = commands.bucardo(&["nosuch"]).ended_with(1);
    assert!(outcome.stdout.starts_with("Unknown command \"nosuch\"\nUsage: bucardo args\n"));
    commands.bucardo(&[]).ended_with(1);
    commands.bucardo(&["--help"]).ended_with(0);
}

#[test]
fn usage_texts_have_the_first_lines_of_the_reference() {
    let commands = Commands::new();
    for (line, first) in [
        ("add", "Usage: add <type> <name> [options]"),
        ("add db", "Usage: add db <name> [optional information]"),
        ("add database", "Usage: add db <name> [optional information]"),
        ("add dbg", "Usage: add dbgroup <name> [database1 database2 ...]"),
        ("add herd", "Usage: add herd <name> [table1 table2 ...]"),
        ("add sync", "Usage: add sync <name> type=x source=x targetdb=x or targetgroup=x [options]"),
        ("add tab", "Usage: add table <name> [name2 name3 ...]"),
        ("add seq", "Usage: add sequence <name> [name2 name3 ...]"),
        ("add code", "Usage: add customcode <name> <whenrun=value> <src_code=filename> [optional information]"),
        ("list", "Usage: list <type> [options]"),
        ("l", "Usage: list <type> [options]"),
        ("remove", "Usage: remove <type> <name> [options]"),
        ("delete", "Usage: delete <type> <name> [options]"),
        ("remove sync", "Usage: remove sync <name> [name2 name3 ...]"),
        ("delete herd", "Usage: delete herd <name> [name2 name3 ...]"),
        ("update", "Usage: update <type> <name> col1=val [col2=val2 col3=val3 ...]"),
        ("inspect", "Usage: inspect <type> <name>"),
        ("inspect table", "Usage: inspect table <name>"),
        ("upgrade", "Usage: upgrade"),
        ("kick", "Usage: kick <name> [# of seconds] [name2 name3...] [--notimer]"),
        ("reload", "Usage: reload sync [sync2 sync3 ...]"),
        ("validate", "Usage: validate [all] [sync1 sync2]"),
        ("ping", "Usage: ping [# of seconds]"),
    ] {
        let words: Vec<_> = ["help"].into_iter().chain(line.split(' ')).collect();
        assert_eq!(commands.ctl(&words).ended_with(0).stderr.lines().next(), Some(first), "help {line}");
    }
}

#[test]
fn versions_are_those_of_the_programs_we_replace() {
    let commands = Commands::new();
    assert_eq!(commands.ctl(&["--version", "status"]).ok(), "bucardo_ctl version 4.5.0\n");
    assert_eq!(commands.bucardo(&["--version"]).ok(), "bucardo version 5.6.0\n");
}

/// The words after `help`, and what is not missing from its answer: an example that begins with the
/// verb.
const TYPES: [(&str, &[&str]); 5] = [
    ("add", &["db", "dbgroup", "herd", "sync", "table", "sequence", "all", "customcode", "customname", "customcols"]),
    ("list", &["db", "dbgroup", "herd", "sync", "table", "sequence", "customcode", "customname", "customcols", "conflicts"]),
    ("remove", &["db", "dbgroup", "herd", "sync", "table", "sequence", "customcode"]),
    ("update", &["db", "dbgroup", "sync", "table", "sequence", "customcode"]),
    ("inspect", &["table"]),
];

#[test]
fn every_verb_and_every_type_has_an_example_in_both_dialects() {
    let commands = Commands::new();
    let verbs = "install upgrade start stop restart ping status kick activate deactivate reload reload_config validate set show \
        config message pause resume delta purge clone reopen completion man help list update inspect accept";
    let alone = verbs.split_whitespace().map(|verb| vec![verb]);
    let typed = TYPES.iter().flat_map(|(verb, types)| types.iter().map(move |kind| vec![*verb, *kind]));
    for words in alone.chain(typed) {
        for program in ["bucardo_ctl", "bucardo"] {
            let outcome = commands.call(program, &[&["help"], &words[..]].concat()).run().ended_with(0);
            let said = outcome.stdout + &outcome.stderr;
            let start = format!("  {}", words[0]);
            let shell = format!("  bucardo_ctl {}", words[0]);
            let is_example = |line: &str| line.starts_with(&start) || line.contains(&shell) && !line.contains('<');
            assert!(said.starts_with(&format!("Usage: {}", words[0])), "{program} {words:?}: {said}");
            assert!(said.lines().any(is_example), "{program} {words:?}: {said}");
        }
    }
}

#[test]
fn each_dialect_has_its_own_words_and_examples() {
    let commands = Commands::new();
    for (line, word) in [
        ("add db", "add db shop dbname=shop host=db1\n"),
        ("add sync", "dbs=shop:source,warehouse:target relgroup=sales"),
        ("add dbgroup", "shop:source berlin:target"),
        ("add relgroup", "Usage: add relgroup"),
        ("add table", "relgroup=x"),
        ("add", "add relgroup"),
        ("update dbgroup", "update dbgroup branches shop:source berlin:target"),
        ("update sync", "autokick=0"),
        ("list", "list syncs active"),
    ] {
        let words: Vec<_> = ["help"].into_iter().chain(line.split(' ')).collect();
        let (newer, older) = (commands.bucardo(&words).ok(), commands.ctl(&words).ended_with(0).stderr);
        assert!(newer.contains(word) && !older.contains(word), "{line}: {newer}{older}");
    }
}
