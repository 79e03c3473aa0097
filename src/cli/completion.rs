//! `completion`: what a shell needs to complete our command lines, made from the table that the parser and the help are made from. Names of
//! syncs, databases and so on come from the control database, at the moment of asking.

use crate::cli::noun::{self, Noun};
use crate::cli::table::{Follows, OPTIONS, Takes, Topic, VERBS, Verb};
use crate::cli::{Invocation, Session, help};
use crate::error::Result;
use crate::say;

/// Usage texts.
pub const TOPICS: &[Topic] = &[help::only(
    "Usage: completion bash|zsh|fish

  bash:  bucardo_ctl completion bash > /usr/share/bash-completion/completions/bucardo_ctl
  zsh:   bucardo_ctl completion zsh > /usr/local/share/zsh/site-functions/_bucardo_ctl
  fish:  bucardo_ctl completion fish > ~/.config/fish/completions/bucardo_ctl.fish",
)];

/// What verbs like `add` and `list` are about, as people write it.
pub const NOUNS: [&str; 14] = [
    "all",
    "config",
    "conflicts",
    "customcode",
    "customcols",
    "customname",
    "database",
    "db",
    "dbgroup",
    "herd",
    "relgroup",
    "sequence",
    "sync",
    "table",
];

/// `completion SHELL`, and `completion names KIND` for the scripts themselves.
pub fn run(invocation: &Invocation) -> Result<u8> {
    let words: Vec<&str> = invocation.nouns.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["bash"] => say!("{}", bash()),
        ["zsh"] => say!("{}", zsh()),
        ["fish"] => say!("{}", fish()),
        ["names", kind] => return names(invocation, kind),
        _ => return Ok(help::usage(invocation.personality, "completion", &[])),
    }
    Ok(0)
}

const TABLES: &str = "select distinct schemaname || '.' || tablename from bucardo.goat where reltype = 'table' order by 1";
const SEQUENCES: &str = "select distinct schemaname || '.' || tablename from bucardo.goat where reltype = 'sequence' order by 1";

/// The names of one kind, one a line. Who completes wants no complaints.
fn names(invocation: &Invocation, kind: &str) -> Result<u8> {
    let sql = match noun::exact(kind) {
        Some(Noun::Sync) => "select name from bucardo.sync order by 1",
        Some(Noun::Db) => "select name from bucardo.db order by 1",
        Some(Noun::Dbgroup) => "select name from bucardo.dbgroup order by 1",
        Some(Noun::Herd) => "select name from bucardo.herd order by 1",
        Some(Noun::Sequence) => SEQUENCES,
        Some(Noun::Table | Noun::Customname | Noun::Customcols) => TABLES,
        Some(Noun::Customcode) => "select name from bucardo.customcode order by 1",
        _ if kind == "setting" => "select setting from bucardo.bucardo_config where name is null order by 1",
        _ => return Ok(1),
    };
    let Ok(mut session) = Session::open(invocation) else { return Ok(1) };
    session.control.query(sql, &[]).into_iter().flatten().for_each(|row| say!("{}", row.get::<_, String>(0)));
    Ok(0)
}

fn verbs(wanted: impl Fn(&Verb) -> bool) -> Vec<&'static str> {
    VERBS.iter().filter(|verb| wanted(verb)).map(|verb| verb.name).collect()
}

fn options() -> String {
    OPTIONS.iter().map(|opt| format!("--{}{}", opt.name, if opt.takes.value() { "=" } else { "" })).collect::<Vec<_>>().join(" ")
}

/// The types that verbs are about, beside those that only one dialect has.
const TYPES: [(&str, &str); 5] = [
    ("add", "all customcode customcols customname db dbgroup herd relgroup sequence sync table"),
    ("list", "conflicts customcode customcols customname db dbgroup herd relgroup sequence sync table"),
    ("remove", "customcode customcols customname db dbgroup herd relgroup sequence sync table"),
    ("update", "customcode db dbgroup sequence sync table"),
    ("inspect", "table"),
];

/// All names of a verb, as a pattern of a shell.
fn spelled(verb: &Verb) -> Vec<&'static str> {
    std::iter::once(verb.name).chain(verb.aliases.iter().copied()).collect()
}

fn pattern(wanted: impl Fn(&Verb) -> bool) -> String {
    VERBS.iter().filter(|verb| wanted(verb)).flat_map(spelled).collect::<Vec<_>>().join("|")
}

fn bash() -> String {
    let of = |follows: Follows| pattern(|verb| verb.follows == follows);
    let valued = OPTIONS.iter().filter(|opt| opt.takes.value() && opt.takes != Takes::Switch);
    let valued: Vec<&str> = valued.flat_map(|opt| opt.aliases.iter().copied().chain([opt.name])).collect();
    let types = TYPES.map(|(name, types)| format!("        {}) list='{types}' ;;", pattern(|verb| verb.name == name)));
    let extended = |names: String| format!("@({names})");
    [
        ("@OPTIONS@", options()),
        ("@VERBS@", verbs(|_| true).join(" ")),
        ("@VALUED@", valued.join("|")),
        ("@TYPES@", types.join("\n")),
        ("@LIST@", extended(pattern(|verb| verb.name == "list"))),
        ("@SYNCS@", of(Follows::Syncs)),
        ("@NOT_ALL@", extended(pattern(|verb| ["status", "reload"].contains(&verb.name)))),
        ("@SETTINGS@", of(Follows::Settings)),
        ("@DBS@", of(Follows::Dbs)),
        ("@NOUNS@", of(Follows::Nouns)),
        ("@HELP@", of(Follows::Verbs)),
    ]
    .into_iter()
    .fold(include_str!("completion/bash.sh").trim_end().to_owned(), |text, (mark, value)| text.replace(mark, &value))
}

/// A text in single quotes of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn zsh() -> String {
    let of = |follows: Follows| pattern(|verb| verb.follows == follows);
    let verbs: Vec<String> = VERBS.iter().map(|verb| quoted(&format!("{}:{}", verb.name, verb.about))).collect();
    let option = |opt: &crate::cli::table::Opt| {
        let help = opt.help.replace('[', "(").replace(']', ")").replace(':', " -");
        let value =
            if opt.takes.value() { format!("=:{}:", opt.placeholder.to_lowercase().replace(':', " ")) } else { String::new() };
        quoted(&format!("--{}[{help}]{value}", opt.name).replacen(&format!("[{help}]="), &format!("=[{help}]"), 1))
    };
    let options: Vec<String> = OPTIONS.iter().map(option).collect();
    format!(
        r#"#compdef bucardo_ctl bucardo
# Completion for bucardo_ctl and bucardo.
_bucardo_ctl() {{
    local context state line program=$words[1]
    _arguments -C {options} '1: :->verb' '*: :->rest'
    case $state in
        verb) local verbs=({verbs}); _describe verb verbs ;;
        rest)
            case $line[1] in
                {syncs}) compadd all ${{(f)"$($program completion names sync 2> /dev/null)"}} ;;
                {settings}) compadd all ${{(f)"$($program completion names setting 2> /dev/null)"}} ;;
                {nouns})
                    if (( CURRENT == 3 )); then
                        compadd {things}
                    else
                        compadd ${{(f)"$($program completion names ${{line[2]%s}} 2> /dev/null)"}}
                    fi ;;
                {words}) compadd {names} ;;
            esac ;;
    esac
}}
_bucardo_ctl "$@""#,
        options = options.join(" "),
        verbs = verbs.join(" "),
        syncs = of(Follows::Syncs),
        settings = of(Follows::Settings),
        nouns = of(Follows::Nouns),
        things = NOUNS.join(" "),
        words = of(Follows::Verbs),
        names = VERBS.iter().map(|verb| verb.name).collect::<Vec<_>>().join(" "),
    )
}

fn fish() -> String {
    let all = verbs(|_| true).join(" ");
    let mut lines = vec!["# Completion for bucardo_ctl and bucardo.".to_owned()];
    for program in ["bucardo_ctl", "bucardo"] {
        lines.push(format!("complete -c {program} -f"));
        for verb in VERBS {
            lines.push(format!(
                "complete -c {program} -n 'not __fish_seen_subcommand_from {all}' -a {} -d {}",
                verb.name,
                quoted(verb.about)
            ));
        }
        for opt in OPTIONS {
            let value = if opt.takes.value() { " -r" } else { "" };
            lines.push(format!("complete -c {program} -l {}{value} -d {}", opt.name, quoted(opt.help)));
        }
        let of = |follows: Follows| verbs(|verb| verb.follows == follows).join(" ");
        let seen = |follows: Follows| format!("'__fish_seen_subcommand_from {}'", of(follows));
        lines.push(format!(
            "complete -c {program} -n {} -a 'all ({program} completion names sync 2> /dev/null)'",
            seen(Follows::Syncs)
        ));
        lines.push(format!(
            "complete -c {program} -n {} -a 'all ({program} completion names setting 2> /dev/null)'",
            seen(Follows::Settings)
        ));
        lines.push(format!("complete -c {program} -n {} -a '{}'", seen(Follows::Nouns), NOUNS.join(" ")));
        lines.push(format!("complete -c {program} -n {} -a '{all}'", seen(Follows::Verbs)));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_and_every_option_is_in_every_shell() {
        for (shell, text) in [("bash", bash()), ("zsh", zsh()), ("fish", fish())] {
            for verb in VERBS {
                assert!(text.split([' ', '|', '\'', ':', '(', ')']).any(|word| word == verb.name), "{} in {shell}", verb.name);
            }
            for opt in OPTIONS {
                let spelled = if shell == "fish" { format!("-l {} ", opt.name) } else { format!("--{}", opt.name) };
                assert!(text.contains(&spelled), "--{} in {shell}", opt.name);
            }
        }
    }
}
