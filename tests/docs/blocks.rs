//! The blocks of README.md that are run. One begins with a fence of three backquotes and `sh tour`;
//! if a block `text` follows it directly, that is what it prints, else it prints nothing. `sh tour
//! look` marks one that only looks and may be run again until things have come to rest.

use std::ops::Range;

/// A block.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    /// What is run.
    pub commands: String,
    /// Whether it only looks.
    pub looks: bool,
    /// What it prints.
    pub shown: String,
    /// The lines of what it prints, counted from 0; none if there is no such block.
    pub lines: Option<Range<usize>>,
}

/// All blocks, in their order.
pub fn read(text: &str) -> Vec<Block> {
    let lines: Vec<&str> = text.lines().collect();
    let begins = |at: &usize| lines[*at] == "```sh tour" || lines[*at] == "```sh tour look";
    (0..lines.len()).filter(begins).map(|at| block(&lines, at)).collect()
}

fn block(lines: &[&str], fence: usize) -> Block {
    let commands = inside(lines, fence);
    let next = commands.end + 1;
    let shown = (lines.get(next) == Some(&"```text")).then(|| inside(lines, next));
    let text = |range: Range<usize>| lines[range].iter().map(|line| format!("{line}\n")).collect::<String>();
    Block {
        commands: text(commands),
        looks: lines[fence].ends_with(" look"),
        shown: text(shown.clone().unwrap_or_default()),
        lines: shown,
    }
}

/// The lines between a fence and the next.
fn inside(lines: &[&str], fence: usize) -> Range<usize> {
    let length = lines[fence + 1..].iter().position(|line| *line == "```").expect("a fence that ends");
    fence + 1..fence + 1 + length
}

/// The document with other texts in the place of what the blocks show.
pub fn replace(text: &str, shown: &[(Range<usize>, String)]) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut new = String::new();
    let mut at = 0;
    for (range, text) in shown {
        new.extend(lines[at..range.start].iter().map(|line| format!("{line}\n")));
        new += text;
        at = range.end;
    }
    new.extend(lines[at..].iter().map(|line| format!("{line}\n")));
    new
}

#[test]
fn a_block_has_commands_and_perhaps_an_answer_which_can_be_replaced() {
    let text = "a\n```sh tour look\nls\npwd\n```\n```text\nx\n```\nb\n```sh\nrm\n```\n```sh tour\ncd\n```\n\n```text\nno\n```\n";
    let blocks = read(text);
    let commands: Vec<_> = blocks.iter().map(|block| (&*block.commands, block.looks, &*block.shown)).collect();
    assert_eq!(commands, [("ls\npwd\n", true, "x\n"), ("cd\n", false, "")]);
    let replaced = replace(text, &[(blocks[0].lines.clone().unwrap(), "1\n2\n".to_owned())]);
    assert_eq!(replaced, text.replace("\nx\n", "\n1\n2\n"));
}
