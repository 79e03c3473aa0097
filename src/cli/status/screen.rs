//! What fits on a terminal: whole lines, none longer than it is wide, and of a table as many rows
//! as there is room for.

use nix::libc;
use std::os::fd::AsRawFd;

/// The size of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    lines: usize,
    columns: usize,
}

#[allow(unsafe_code, reason = "the kernel tells the size of a terminal through ioctl alone; it fills the structure given")]
mod size {
    use nix::libc;
    nix::ioctl_read_bad!(window_size, libc::TIOCGWINSZ, libc::winsize);

    pub fn of(terminal: i32) -> Option<libc::winsize> {
        let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: the pointer is that of a structure of the type that TIOCGWINSZ fills, and lives
        // as long as the call.
        unsafe { window_size(terminal, &mut size) }.ok().map(|_| size)
    }
}

impl Screen {
    /// The terminal that standard output is, as large as it is now.
    pub fn now() -> Option<Screen> {
        let size: libc::winsize = size::of(std::io::stdout().as_raw_fd())?;
        let screen = Screen { lines: size.ws_row.into(), columns: size.ws_col.into() };
        (screen.lines > 0 && screen.columns > 0).then_some(screen)
    }

    /// As much of a table as there is room for, when `around` further lines are shown. The first
    /// `heading` lines are no rows; of the rows `bad` are bad, and stand first. What has no room is
    /// counted.
    pub fn fit(self, table: &str, heading: usize, bad: usize, around: usize) -> String {
        let lines: Vec<&str> = table.lines().collect();
        // The cursor stands on a line of its own.
        let room = self.lines.saturating_sub(around + 1).max(heading + 1);
        if lines.len() <= room {
            return table.to_owned();
        }
        let kept = room - 1;
        let shown = kept.saturating_sub(heading);
        let (hidden, hidden_bad) = (lines.len() - kept, bad.saturating_sub(shown));
        let more = match (hidden - hidden_bad, hidden_bad) {
            (good, 0) => format!("and {good} more good"),
            (0, bad) => format!("and {bad} more bad"),
            (good, bad) => format!("and {bad} more bad, {good} more good"),
        };
        lines[..kept].iter().copied().chain([more.as_str()]).map(|line| line.to_owned() + "\n").collect()
    }

    /// A whole picture, drawn from the top of the terminal over what was there: nothing flickers,
    /// nothing scrolls, and the cursor ends on a line of its own.
    pub fn picture(self, text: &str) -> String {
        let lines: Vec<&str> = text.lines().collect();
        let room = self.lines.saturating_sub(1).max(1);
        let (kept, more) = match lines.len() <= room {
            true => (lines.len(), None),
            false => (room - 1, Some(format!("and {} more lines", lines.len() - (room - 1)))),
        };
        let shown = lines[..kept].iter().copied().chain(more.as_deref());
        let drawn: String = shown.map(|line| format!("{}{TO_END_OF_LINE}\n", clipped(line, self.columns))).collect();
        format!("{HOME}{drawn}{TO_END_OF_SCREEN}")
    }
}

const HOME: &str = "\u{1b}[H";
const TO_END_OF_LINE: &str = "\u{1b}[K";
const TO_END_OF_SCREEN: &str = "\u{1b}[J";

/// The beginning of a line, as many characters as there are columns. Colours take no room.
fn clipped(line: &str, columns: usize) -> String {
    let (mut text, mut used, mut in_colour) = (String::new(), 0, false);
    for c in line.chars() {
        in_colour |= c == '\u{1b}';
        if in_colour {
            text.push(c);
            in_colour = c != 'm';
        } else if used < columns {
            text.push(c);
            used += 1;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_do_not_fit_are_counted_the_bad_ones_first() {
        let table = "head\n====\nbad1\nbad2\na\nb\nc\n";
        let fit = |lines, bad, around| Screen { lines, columns: 80 }.fit(table, 2, bad, around);
        assert_eq!(fit(8, 2, 0), table);
        assert_eq!(fit(7, 2, 0), "head\n====\nbad1\nbad2\na\nand 2 more good\n");
        assert_eq!(fit(7, 2, 2), "head\n====\nbad1\nand 1 more bad, 3 more good\n");
        assert_eq!(fit(5, 5, 0), "head\n====\nbad1\nand 4 more bad\n");
        assert_eq!(fit(1, 0, 9), "head\n====\nand 5 more good\n");
    }

    #[test]
    fn a_picture_has_no_line_longer_and_no_more_lines_than_the_terminal() {
        let picture = |text: &str| Screen { lines: 4, columns: 5 }.picture(text);
        assert_eq!(picture("a\n\u{1b}[31mlong row\u{1b}[0m\n"), "\u{1b}[Ha\u{1b}[K\n\u{1b}[31mlong \u{1b}[0m\u{1b}[K\n\u{1b}[J");
        assert_eq!(picture("1\n2\n3\n4\n5"), "\u{1b}[H1\u{1b}[K\n2\u{1b}[K\nand 3\u{1b}[K\n\u{1b}[J");
    }
}
