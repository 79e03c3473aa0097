//! `completion`: what a shell needs to complete our command lines, made from the table that the parser and the help are made from. Names of
//! syncs, databases and so on come from the control database, at the moment of asking.

use crate::cli::table::{Follows, OPTIONS, Topic, VERBS, Verb};
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
pub const NOUNS: [&str; 8] = ["all", "customcode", "db", "dbgroup", "herd", "sequence", "sync", "table"];

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

/// The names of one kind, one a line. Who completes wants no complaints.
fn names(invocation: &Invocation, kind: &str) -> Result<u8> {
    let sql = match kind {
        "sync" => "select name from bucardo.sync order by 1",
        "db" => "select name from bucardo.db order by 1",
        "dbgroup" => "select name from bucardo.dbgroup order by 1",
        "herd" => "select name from bucardo.herd order by 1",
        "table" | "sequence" => "select distinct schemaname || '.' || tablename from bucardo.goat where reltype = $1 order by 1",
        "customcode" => "select name from bucardo.customcode order by 1",
        "setting" => "select setting from bucardo.bucardo_config where name is null order by 1",
        _ => return Ok(1),
    };
    let Ok(mut session) = Session::open(invocation) else { return Ok(1) };
    let rows = if sql.contains("$1") { session.control.query(sql, &[&kind]) } else { session.control.query(sql, &[]) };
    rows.into_iter().flatten().for_each(|row| say!("{}", row.get::<_, String>(0)));
    Ok(0)
}

fn verbs(wanted: impl Fn(&Verb) -> bool) -> Vec<&'static str> {
    VERBS.iter().filter(|verb| wanted(verb)).map(|verb| verb.name).collect()
}

fn options() -> String {
    OPTIONS.iter().map(|opt| format!("--{}{}", opt.name, if opt.takes.value() { "=" } else { "" })).collect::<Vec<_>>().join(" ")
}

fn bash() -> String {
    let of = |follows: Follows| verbs(|verb| verb.follows == follows).join("|");
    format!(
        r#"# Completion for bucardo_ctl and bucardo.
_bucardo_ctl() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} words=() word
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        [[ $word == -* || $word == = ]] || words+=("$word")
    done
    local list= program=${{COMP_WORDS[0]}}
    if [[ $cur == -* ]]; then
        list='{options}'
    elif (( ${{#words[@]}} == 0 )); then
        list='{verbs}'
    else
        case ${{words[0]}} in
            {syncs}) list="all $("$program" completion names sync 2> /dev/null)" ;;
            {settings}) list="all $("$program" completion names setting 2> /dev/null)" ;;
            {nouns})
                if (( ${{#words[@]}} == 1 )); then
                    list='{things}'
                else
                    list=$("$program" completion names "${{words[1]%s}}" 2> /dev/null)
                fi ;;
            {words}) list='{verbs}' ;;
        esac
    fi
    COMPREPLY=($(compgen -W "$list" -- "$cur"))
    [[ ${{COMPREPLY[0]-}} == *= ]] && compopt -o nospace
    return 0
}}
complete -F _bucardo_ctl bucardo_ctl bucardo"#,
        options = options(),
        verbs = verbs(|_| true).join(" "),
        syncs = of(Follows::Syncs),
        settings = of(Follows::Settings),
        nouns = of(Follows::Nouns),
        things = NOUNS.join(" "),
        words = of(Follows::Verbs),
    )
}

/// A text in single quotes of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn zsh() -> String {
    let of = |follows: Follows| verbs(|verb| verb.follows == follows).join("|");
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
