//! Options as Getopt::Long spells them (reference, 1.1 and 1.2): anywhere between the words, with
//! one dash or two or a plus, by any unambiguous prefix, and with the original's error texts.
//!
//! clap cannot be taught these spellings: a long option has two dashes there, one dash starts a
//! bundle of single letters, and `-dbname x` or `-vv` as an option of its own are not to be had. So
//! this small lexer, driven by the table, turns what was typed into (option, value) pairs; clap,
//! built from the same table, then does what it is good at ([`super::options`]): defaults,
//! counting, collecting lists, the last one wins, and the option part of the help.

use crate::cli::prog::Personality;
use crate::cli::table::{OPTIONS, Opt, Takes};

/// An option that was given, and its value.
pub type Given = (&'static Opt, Option<String>);

/// A command line taken apart.
#[derive(Default)]
pub struct Typed {
    /// The options in the order given.
    pub options: Vec<Given>,
    /// The rest: verb and nouns.
    pub words: Vec<String>,
    /// What is wrong with it, in the original's words.
    pub errors: Vec<String>,
}

/// Takes `arguments` apart. `strict` is `POSIXLY_CORRECT`: options end at the first word.
pub fn read(arguments: &[String], personality: Personality, strict: bool) -> Typed {
    let mut typed = Typed::default();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match body(argument) {
            _ if argument == "--" => break,
            Some(body) => match one(body, &mut rest, personality) {
                Ok(given) => typed.options.push(given),
                Err(error) => typed.errors.push(error),
            },
            None => typed.words.push(argument.clone()),
        }
        if strict && !typed.words.is_empty() {
            break;
        }
    }
    typed.words.extend(rest.cloned());
    typed
}

/// What follows the dashes or the plus, if `argument` is an option at all.
fn body(argument: &str) -> Option<&str> {
    let body = argument.strip_prefix("--").or_else(|| argument.strip_prefix(['-', '+']))?;
    (!body.is_empty()).then_some(body)
}

fn one(body: &str, rest: &mut std::slice::Iter<'_, String>, personality: Personality) -> Result<Given, String> {
    let (name, attached) = match body.split_once('=') {
        Some((name, value)) if !name.is_empty() => (name, Some(value.to_owned())),
        _ => (body, None),
    };
    let opt = find(name, personality)?;
    if !opt.takes.value() {
        return if attached.is_some() { Err(format!("Option {name} does not take an argument")) } else { Ok((opt, None)) };
    }
    let attached = attached.or_else(|| (opt.takes == Takes::Switch && !is_number(rest.as_slice())).then(|| "1".to_owned()));
    let value = attached.or_else(|| rest.next().cloned()).filter(|value| !value.is_empty());
    let value = value.ok_or_else(|| format!("Option {name} requires an argument"))?;
    check(opt, name, &value)?;
    Ok((opt, Some(value)))
}

/// The option that `argument` is, if the next argument will be its value.
pub fn awaits_value(argument: &str, personality: Personality) -> Option<&'static Opt> {
    let body = body(argument).filter(|body| !body.contains('='))?;
    find(body, personality).ok().filter(|opt| opt.takes.value() && opt.takes != Takes::Switch)
}

/// Whether the next argument can be the value of a switch.
fn is_number(rest: &[String]) -> bool {
    rest.first().is_some_and(|next| next.parse::<i64>().is_ok())
}

/// Refuses a value that is no number where a number is due; `name` is the option as typed.
fn check(opt: &Opt, name: &str, value: &str) -> Result<(), String> {
    if matches!(opt.takes, Takes::Integer | Takes::Switch) && value.parse::<i64>().is_err() {
        return Err(format!("Value \"{value}\" invalid for option {name} (number expected)"));
    }
    Ok(())
}

/// The option called `name` or abbreviated by it. Foreign options are looked at only when no native
/// one fits.
pub fn find(name: &str, personality: Personality) -> Result<&'static Opt, String> {
    if let Some(opt) = exact(name) {
        return Ok(opt);
    }
    for native in [true, false] {
        let hits = hits(name, |opt| opt.native.to(personality) == native);
        let Some((_, first)) = hits.first() else { continue };
        if hits.iter().any(|(_, opt)| opt.name != first.name) {
            let names: Vec<_> = hits.iter().map(|(name, _)| *name).collect();
            return Err(format!("Option {name} is ambiguous ({})", names.join(", ")));
        }
        return Ok(first);
    }
    Err(format!("Unknown option: {name}"))
}

/// The option of exactly this name or alias.
pub fn exact(name: &str) -> Option<&'static Opt> {
    OPTIONS.iter().find(|opt| opt.name == name || opt.aliases.contains(&name))
}

/// Names and aliases that begin with `prefix`, sorted, with their options.
fn hits(prefix: &str, wanted: impl Fn(&Opt) -> bool) -> Vec<(&'static str, &'static Opt)> {
    let names =
        OPTIONS.iter().filter(|opt| wanted(opt)).flat_map(|opt| opt.aliases.iter().chain([&opt.name]).map(move |n| (*n, opt)));
    let mut hits: Vec<_> = names.filter(|(name, _)| name.starts_with(prefix)).collect();
    hits.sort_by_key(|(name, _)| *name);
    hits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(line: &str) -> Typed {
        let arguments: Vec<String> = line.split(' ').map(str::to_owned).collect();
        read(&arguments, Personality::BucardoCtl4, false)
    }

    fn given(line: &str) -> Vec<(&'static str, Option<String>)> {
        typed(line).options.into_iter().map(|(opt, value)| (opt.name, value)).collect()
    }

    #[test]
    fn an_option_may_have_one_dash_or_two_or_a_plus_and_its_value_either_way() {
        for line in ["--dbname=x", "--dbname x", "-dbname=x", "-dbname x", "+dbname x"] {
            assert_eq!(given(line), [("dbname", Some("x".to_owned()))], "{line}");
        }
    }

    #[test]
    fn options_stand_anywhere_until_two_dashes_and_numbers_keep_their_sign() {
        let typed = typed("--quiet kick s --sort -3 0 -- --retry");
        assert_eq!(typed.words, ["kick", "s", "0", "--retry"]);
        assert_eq!(typed.options.len(), 2);
        assert_eq!(given("--sort +6"), [("sort", Some("+6".to_owned()))]);
    }

    #[test]
    fn posixly_correct_ends_the_options_at_the_verb() {
        let arguments = ["--quiet", "kick", "--retry"].map(str::to_owned);
        let typed = read(&arguments, Personality::BucardoCtl4, true);
        assert_eq!((typed.options.len(), typed.words), (1, vec!["kick".to_owned(), "--retry".to_owned()]));
    }

    #[test]
    fn a_prefix_counts_when_it_fits_one_option_and_an_exact_name_always() {
        assert_eq!(given("--verb"), [("verbose", None)]);
        assert_eq!(given("-vv"), [("vv", None)]);
        assert_eq!(given("-q"), [("quiet", None)]);
        assert_eq!(given("--notim"), [("notimer", None)]);
        assert_eq!(given("--db a"), [("db", Some("a".to_owned()))]);
        assert_eq!(given("-p 5432"), [("dbport", Some("5432".to_owned()))]);
    }

    #[test]
    fn a_foreign_option_makes_no_abbreviation_ambiguous() {
        assert_eq!(given("--b x"), []);
        assert_eq!(given("--forc"), [("force", None)]);
        assert_eq!(given("--bc"), [("bcverbose", None)]);
    }

    #[test]
    fn a_switch_takes_a_number_if_there_is_one() {
        for (line, value, words) in [("--sendmail start", "1", 1), ("--sendmail 0 start", "0", 1), ("--sendmail=0", "0", 0)] {
            assert_eq!((given(line), typed(line).words.len()), (vec![("sendmail", Some(value.to_owned()))], words), "{line}");
        }
        assert_eq!(typed("--sendmail=x").errors, ["Value \"x\" invalid for option sendmail (number expected)"]);
    }

    #[test]
    fn errors_have_the_words_of_the_original() {
        for (line, error) in [
            ("-v", "Option v is ambiguous (verbose, version, vv)"),
            ("--nosuch", "Unknown option: nosuch"),
            ("-nsc", "Unknown option: nsc"),
            ("--dbport", "Option dbport requires an argument"),
            ("--dbhost=", "Option dbhost requires an argument"),
            ("--retry x", "Value \"x\" invalid for option retry (number expected)"),
            ("--quiet=0", "Option quiet does not take an argument"),
        ] {
            assert_eq!(typed(line).errors, [error], "{line}");
        }
    }
}
