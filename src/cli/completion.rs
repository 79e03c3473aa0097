//! `completion`: what a shell needs to complete our command lines. The scripts are a few lines
//! each; what may stand where is decided here ([`offer`]), with the tables that read the same line
//! when it is run. Names of syncs, databases and so on come from the control database, at the
//! moment of asking, and the one that the line itself speaks of: options and rc file count as they
//! will when it is run.

mod offer;

use crate::cli::noun::Noun;
use crate::cli::table::Topic;
use crate::cli::update::find;
use crate::cli::{Invocation, Options, Session, help};
use crate::error::Result;
use crate::pg::ident::literal;
use crate::plain;
use crate::{say, say_text};
use offer::{Names, Offer, Place};

/// Usage texts.
pub const TOPICS: &[Topic] = &[help::only(
    "Usage: completion bash|zsh|fish

  bash:  bucardo_ctl completion bash > /usr/share/bash-completion/completions/bucardo_ctl
  zsh:   bucardo_ctl completion zsh > /usr/local/share/zsh/site-functions/_bucardo_ctl
  fish:  bucardo_ctl completion fish > ~/.config/fish/completions/bucardo_ctl.fish",
)];

/// `completion SHELL`, and `completion words -- WORD ... LAST` for the scripts themselves.
pub fn run(invocation: &Invocation) -> Result<u8> {
    match invocation.nouns.split_first().map(|(what, words)| (what.as_str(), words)) {
        Some(("bash", [])) => say_text!("{}", include_str!("completion/bash.sh").trim_end()),
        Some(("zsh", [])) => say_text!("{}", include_str!("completion/zsh.zsh").trim_end()),
        Some(("fish", [])) => say_text!("{}", include_str!("completion/fish.fish").trim_end()),
        Some(("words", words)) => words_for(invocation, words),
        _ => return Ok(help::usage(invocation.personality, "completion", &[])),
    }
    Ok(0)
}

/// One word in each line, behind a tab what it means; without the part of the last word that the
/// shell has counted as words of their own.
fn words_for(invocation: &Invocation, words: &[String]) {
    let place = Place::of(words);
    for offer in place.offers(invocation.personality) {
        let (before, found) = match offer {
            Offer::Word(word, about) => (String::new(), vec![(word, about)]),
            Offer::Names(before, names) => {
                (before, known(invocation, &place, names).into_iter().map(|name| (name, "")).collect())
            }
        };
        for (word, about) in found {
            let word = before.clone() + &word;
            let Some(rest) = word.get(place.shown..).filter(|_| word.starts_with(&place.word)) else { continue };
            let rest = plain::line(rest);
            if about.is_empty() { say!("{rest}") } else { say_text!("{rest}\t{about}") }
        }
    }
}

const TABLES: &str = "select distinct schemaname || '.' || tablename from bucardo.goat where reltype = 'table' order by 1";
const SEQUENCES: &str = "select distinct schemaname || '.' || tablename from bucardo.goat where reltype = 'sequence' order by 1";

/// The names of one kind. Who completes wants no complaints: what cannot be read has none.
fn known(invocation: &Invocation, place: &Place, names: Names) -> Vec<String> {
    let columns;
    let sql = match names {
        Names::Of(Noun::Sync | Noun::Conflict) => "select name from bucardo.sync order by 1",
        Names::Of(Noun::Db) => "select name from bucardo.db order by 1",
        Names::Of(Noun::Dbgroup) => "select name from bucardo.dbgroup order by 1",
        Names::Of(Noun::Herd) => "select name from bucardo.herd order by 1",
        Names::Of(Noun::Sequence) => SEQUENCES,
        Names::Of(Noun::Table | Noun::Customname | Noun::Customcols) => TABLES,
        Names::Of(Noun::Customcode) => "select name from bucardo.customcode order by 1",
        Names::Columns(noun) => {
            columns = format!(
                "select column_name || '=' from information_schema.columns where table_schema = 'bucardo' and table_name = {} order by 1",
                literal(find::table(noun).name)
            );
            &columns
        }
        Names::Settings => "select setting from bucardo.bucardo_config where name is null order by 1",
    };
    let meant = meant(invocation, place);
    let Ok(mut session) = Session::open(&meant) else { return Vec::new() };
    let rows = session.control.query(sql, &[]).unwrap_or_default();
    let is_one_word = |name: &String| !name.contains(char::is_control);
    rows.iter().map(|row| row.get(0)).filter(is_one_word).collect()
}

/// What the line that is being written says about where the control database is.
fn meant(invocation: &Invocation, place: &Place) -> Invocation {
    let options = super::options(&place.before, invocation.personality).map(|(options, _)| options);
    let options = Options { confirm: false, ..options.unwrap_or_else(|_| invocation.options.clone()) };
    Invocation {
        prog: invocation.prog.clone(),
        personality: invocation.personality,
        options,
        verb: invocation.verb.clone(),
        nouns: Vec::new(),
    }
}
