//! Random command lines and rc files: whatever is typed, the parsers neither panic nor hang, and
//! know their own words.

use super::options::Options;
use super::pairs::{self, Key, Value};
use super::table::OPTIONS;
use super::{Personality, near, noun, rcfile, relation, spelling, sync_list};

/// A small generator of pseudo-random numbers (xorshift), so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).unwrap_or(1)).unwrap_or_default()
    }

    fn one<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }
}

const KEYS: &[Key] = &[
    Key::new("host", &["host", "dbhost"], Value::Text),
    Key::new("port", &["port"], Value::Number),
    Key::new("ping", &["ping"], Value::Bool),
    Key::new("type", &["type"], Value::Named(&[("pushdelta", "delta")])),
    Key::new("status", &["status"], Value::OneOf(&["active", "inactive"])),
];

const PIECES: &[&str] = &[
    "=",
    "-",
    "--",
    "+",
    "\"",
    "'",
    " ",
    ".",
    ",",
    ":",
    "*",
    "%",
    "\\",
    "host",
    "port",
    "ping",
    "status",
    "active",
    "0",
    "1",
    "-3",
    "all",
    "sync",
    "é",
    "🐘",
    "\n",
    "\u{0}",
    "a",
    "",
    "$(x)",
    ";",
    "{",
    "[",
    "99999999999999999999",
    "public",
    "t1",
];

fn word(dice: &mut Dice) -> String {
    (0..dice.below(6)).map(|_| dice.one(PIECES)).collect()
}

fn option(dice: &mut Dice) -> String {
    let opt = &OPTIONS[dice.below(OPTIONS.len())];
    let cut = 1 + dice.below(opt.name.len());
    let name = if dice.below(2) == 0 { opt.name } else { &opt.name[..cut] };
    let dashes = dice.one(&["-", "--", "+"]);
    if dice.below(2) == 0 { format!("{dashes}{name}={}", word(dice)) } else { format!("{dashes}{name}") }
}

/// A line of an rc file: a name of an option or of nothing, some way to assign, some value.
fn rc_line(dice: &mut Dice) -> String {
    let name = if dice.below(3) == 0 { word(dice) } else { OPTIONS[dice.below(OPTIONS.len())].name.to_owned() };
    let between = dice.one(&["=", " = ", "=", ":", " ", "==", ""]);
    let value = if dice.below(2) == 0 { word(dice) } else { dice.one(&["1", "0", "2", "5432", "x", "-1"]).to_owned() };
    format!("{}{name}{between}{value}", dice.one(&["", "", "  ", "#"]))
}

#[test]
fn a_hundred_thousand_rc_files_are_understood_or_refused() {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut merged = 0;
    for round in 0..100_000 {
        let text: String = (0..dice.below(8)).map(|_| rc_line(&mut dice) + "\n").collect();
        let personality = if dice.below(2) == 0 { Personality::BucardoCtl4 } else { Personality::Bucardo5 };
        let (settings, unclear) = rcfile::parse(&text, personality);
        assert!(settings.len() + unclear.len() <= text.lines().count());
        assert!(settings.iter().all(|(name, value)| !name.is_empty() && !value.is_empty() && !value.contains('\n')));
        // Slow, as above.
        if round % 100 == 0 {
            merged += usize::from(Options::merge(&settings, &[]).is_ok());
        }
    }
    assert!(merged > 100, "{merged}");
}

#[test]
fn a_hundred_thousand_lines_are_understood_or_refused() {
    let mut dice = Dice(0x2545_F491_4F6C_DD1D);
    let mut understood = 0;
    for round in 0..100_000 {
        let line: Vec<String> =
            (0..dice.below(7)).map(|_| if dice.below(3) == 0 { option(&mut dice) } else { word(&mut dice) }).collect();
        let personality = if dice.below(2) == 0 { Personality::BucardoCtl4 } else { Personality::Bucardo5 };
        let typed = spelling::read(&line, personality, dice.below(8) == 0);
        assert!(typed.words.len() + typed.options.len() + typed.errors.len() <= line.len());
        understood += usize::from(typed.errors.is_empty());
        // Slow: it builds the whole table anew.
        if round % 100 == 0 && typed.errors.is_empty() {
            let _ = Options::merge(&[], &typed.options);
        }
        let _ = pairs::read(&typed.words, KEYS, "Usage: x");
        let _ = sync_list::resolve(&typed.words, &[], "x");
        let _ = sync_list::newer::resolve(&typed.words, &[]);
        for word in &typed.words {
            let _ = (noun::exact(word), noun::newer(word), noun::beginning(word), noun::changeable(word));
            let _ = relation::named(word);
            let _ = near::closest(word, ["kick", "status"]);
        }
    }
    assert!(understood > 20_000, "{understood}");
}
