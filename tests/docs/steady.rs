//! Texts without what differs from run to run: process ids, times, the folder; and with them the
//! widths of columns.

/// Words that are in every line which contains process ids, times, or counts that depend on how
/// work fell into rounds.
const MARKS: &[&str] = &["PID", "Bucardo ", "|P|", "Last ", "Next try", "Ins/Upd/Del", "Kick ", "[Mon ", "Conflict: "];

/// What is left of `text`.
pub fn steady(text: &str) -> String {
    text.lines().map(|line| once(&numbers(&names(&backspaced(line)))) + "\n").collect()
}

/// A line as a screen shows it after backspaces.
pub fn backspaced(line: &str) -> String {
    let mut shown = String::new();
    for c in line.chars() {
        match c {
            '\u{8}' => {
                shown.pop();
            }
            c => shown.push(c),
        }
    }
    shown
}

/// One kind of day and month, and one of each character that pads.
fn names(line: &str) -> String {
    let words = line.split_whitespace().map(|word| match word.trim_start_matches('[') {
        "Mon" | "Tue" | "Wed" | "Thu" | "Fri" | "Sat" | "Sun" => word.replace(|c: char| c.is_alphabetic(), "") + "Mon",
        "Jan" | "Feb" | "Mar" | "Apr" | "May" | "Jun" | "Jul" | "Aug" | "Sep" | "Oct" | "Nov" | "Dec" => "Jan".to_owned(),
        _ => squeezed(word, |c| matches!(c, '=' | '-')),
    });
    words.collect::<Vec<_>>().join(" ").replace(" |", "|").replace("| ", "|")
}

/// One of each of these characters where there are several.
fn squeezed(text: &str, padding: impl Fn(char) -> bool) -> String {
    let mut all: Vec<char> = text.chars().collect();
    all.dedup_by(|a, b| a == b && padding(*a));
    all.into_iter().collect()
}

/// Every number is 0, in the lines with marks.
fn numbers(line: &str) -> String {
    if !MARKS.iter().any(|mark| line.contains(mark)) {
        return line.to_owned();
    }
    squeezed(&line.replace(|c: char| c.is_ascii_digit(), "0"), |c| c == '0')
}

/// A kick tells of a target once or twice.
fn once(line: &str) -> String {
    let mut words: Vec<&str> = line.split(' ').collect();
    words.dedup();
    words.join(" ")
}

#[test]
fn what_is_left_of_lines_of_two_runs_is_the_same() {
    for (one, other) in [
        (
            "shop| P   |idle |9858|25s      |0s   |0/0/0|unknown |    ",
            "shop| P   |idle |123456|0s       |1s   |0/0/0|unknown |    ",
        ),
        ("====+=====+====", "====+=====+======"),
        ("Last good time:       Nov 23, 2026 09:15:34  Target: b", "Last good time:       May 3, 2027 19:05:00  Target: b"),
        ("[Mon Nov 23 09:15:10 2026]  MCP Reason: x", "[Sun Feb  1 00:00:00 2027]  MCP Reason: x"),
        ("Kick s: [0 s] \u{8}\u{8}\u{8}\u{8}\u{8}\u{8}[1 s] b(1s) DONE!", "Kick s: [0 s] b(0s) b(0s) DONE!"),
        ("  PID COMMAND", " PID COMMAND"),
    ] {
        assert_eq!(steady(one), steady(other));
    }
    assert_ne!(steady("New tables added: 2"), steady("New tables added: 3"));
    assert_ne!(steady("x| P |idle |1|"), steady("x| P |WAIT:0s|1|"));
}
