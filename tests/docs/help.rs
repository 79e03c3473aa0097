//! Topics, keys and settings: what `help` and the manual page say is what the program does.

use crate::cli::world::World;
use crate::harness::Commands;
use std::collections::BTreeMap;

/// The words after `help` that the general help lists as topics.
fn topics(commands: &Commands) -> Vec<String> {
    let help = commands.ctl(&["help"]).ended_with(0).stderr;
    let (_, list) = help.split_once("\nTopics, for 'bucardo_ctl help TOPIC':\n").unwrap();
    let lines = list.lines().take_while(|line| !line.is_empty());
    lines.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

#[test]
fn every_topic_is_printed_and_is_in_the_manual_page() {
    let commands = Commands::new();
    let topics = topics(&commands);
    assert!(topics.len() > 12 && topics.contains(&"conflicts".to_owned()), "{topics:?}");
    let man = commands.ctl(&["man"]).ok().replace("\\-", "-").replace("\\e", "\\").replace("\\&", "");
    for topic in topics {
        let text = commands.ctl(&["help", &topic]).ok();
        assert!(text.starts_with(&format!("{topic}: ")) && text.lines().count() > 4, "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert_eq!(commands.bucardo(&["help", &topic.to_uppercase()]).ok(), text);
        for line in text.lines().skip(1) {
            assert!(man.contains(line), "not in the manual page: {topic}: {line}");
        }
    }
}

#[test]
fn a_topic_that_does_not_exist_is_refused_with_a_guess() {
    let commands = Commands::new();
    for program in ["bucardo_ctl", "bucardo"] {
        let said = commands.call(program, &["help", "conflict"]).run().ended_with(1);
        let hint = "HINT: did you mean \"conflicts\"? `help` lists the verbs and the topics\n";
        assert_eq!((said.stdout.as_str(), said.stderr), ("", format!("there is no help about \"conflict\"\n{hint}")));
    }
}

/// What a table in a help says: by each name of a key, its default.
fn defaults(help: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let lines: Vec<&str> = help.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let term = line.strip_prefix("  ").and_then(|line| line.split_once('=')).map(|(name, _)| name);
        let Some(term) = term.filter(|term| term.chars().all(|c| c.is_alphanumeric() || c == '_')) else { continue };
        let text: Vec<&str> =
            lines[at + 1..].iter().take_while(|line| line.starts_with("      ")).map(|line| line.trim()).collect();
        let text = text.join(" ");
        let notes = text.rsplit_once(" (").map_or("", |(_, notes)| notes.trim_end_matches(')'));
        let note = |begins: &str| notes.split("; ").find_map(|note| note.strip_prefix(begins)).unwrap_or_default();
        for name in note("also ").split(", ").chain([term]).filter(|name| !name.is_empty()) {
            found.insert(name.to_owned(), note("default ").to_owned());
        }
    }
    found
}

/// Types of `add`, their tables, and the columns of these that are no keys.
const TYPES: [(&str, &str, &str); 3] = [
    ("sync", "sync", "cdate copy_asked copyextra copytype deletemethod"),
    ("db", "db", "cdate"),
    ("table", "goat", "id schemaname tablename reltype pkey qpkey pkeytype ghost cdate"),
];

#[test]
fn the_help_of_add_has_every_key_with_its_true_default() {
    let world = World::bare();
    let sql = "select column_name::text, case column_default when 'true' then '1' when 'false' then '0' \
            else coalesce(lower((regexp_match(column_default, '^''(.*)''::'))[1]), column_default, '') end \
         from information_schema.columns \
         where table_schema = 'bucardo' and table_name = $1 and column_name <> all (string_to_array($2, ' '))";
    for (kind, table, no_keys) in TYPES {
        let rows = world.control().query(sql, &[&table, &no_keys]).unwrap();
        assert!(rows.len() > 10, "{}", rows.len());
        for program in ["bucardo_ctl", "bucardo"] {
            let said = world.call(program, &["help", "add", kind]).run().ended_with(0);
            let told = defaults(&format!("{}{}", said.stdout, said.stderr));
            for row in &rows {
                let (column, default): (String, String) = (row.get(0), row.get(1));
                let default = if default == "00:00:00" { "0 seconds".to_owned() } else { default };
                assert_eq!(told.get(&column), Some(&default), "{program} help add {kind}: {column}");
            }
        }
    }
}

#[test]
fn the_help_has_every_setting_with_its_true_default() {
    let world = World::bare();
    let help = Commands::new().ctl(&["help", "settings"]).ok();
    let told = defaults(&help);
    let (_, kept) = help.split_once("have no effect:\n").unwrap();
    let kept: Vec<&str> = kept.split([',', '\n', ' ']).collect();
    let mut effective = 0;
    for line in world.run("show all").ended_with(1).stdout.lines() {
        let (name, value) = line.split_once('=').map(|(name, value)| (name.trim(), value.trim())).unwrap();
        let Some(default) = told.get(name) else {
            assert!(kept.contains(&name), "{name}");
            continue;
        };
        effective += 1;
        let default = default.trim_end_matches(" seconds");
        assert!(name == "piddir" || default == value || default == "none" && value.is_empty(), "{name}: {default}");
    }
    assert!(effective > 18, "{effective}");
    assert_eq!(readme_differs(&world), None);
}

/// A line of README's table of settings that has another default than the control database.
fn readme_differs(world: &World) -> Option<String> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let (_, table) = text.split_once("| setting | default | what |\n").unwrap();
    let mut lines = table.lines().skip(1).take_while(|line| line.starts_with('|'));
    let differs = |line: &&str| {
        let [_, name, default, ..] = line.split('|').map(|cell| cell.trim_matches([' ', '`'])).collect::<Vec<_>>()[..] else {
            return true;
        };
        let shown = world.run(&format!("show ^{name}$")).stdout;
        shown != format!("{name} = {default}\n")
    };
    lines.find(differs).map(str::to_owned)
}
