//! Process titles: what `ps` shows.
//!
//! A child gets its title as `argv[0]`, followed by blanks when it may grow. To change it, the
//! process writes over those bytes in its own memory, through `/proc/self/mem`, which needs no
//! unsafe code. Where the kernel refuses that, the first title stays.

use crate::control::channel::cut;
use std::fs::{File, OpenOptions, read_to_string};
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

/// The longest title the kernel shows once it was changed: it looks at one page.
const PAGE: usize = 4096;

struct Area {
    memory: File,
    start: u64,
    length: usize,
}

static AREA: OnceLock<Option<Area>> = OnceLock::new();

/// A title with blanks after it, to grow into.
pub fn with_room(title: &str, room: usize) -> String {
    let room = room.min((PAGE - 1).saturating_sub(title.len()));
    format!("{title}{}", " ".repeat(room))
}

/// Finds the title's place. First thing in a process of the daemon.
pub fn init() {
    AREA.get_or_init(find);
}

fn find() -> Option<Area> {
    let stat = read_to_string("/proc/self/stat").ok()?;
    // The second field is the program's name in parentheses and may contain anything; fields 48 and
    // 49 are arg_start and arg_end.
    let fields: Vec<&str> = stat.get(stat.rfind(')')? + 2..)?.split(' ').collect();
    let start: u64 = fields.get(45)?.parse().ok()?;
    let end: u64 = fields.get(46)?.parse().ok()?;
    let memory = OpenOptions::new().write(true).open("/proc/self/mem").ok()?;
    Some(Area { memory, start, length: usize::try_from(end.checked_sub(start)?).ok()? })
}

/// Shows another title, cut to the room there is.
pub fn set(title: &str) {
    if let Some(Some(area)) = AREA.get() {
        // A title that cannot be changed is no reason to fail.
        let _ = area.memory.write_all_at(&image(title, area.length), area.start);
    }
}

/// The bytes for a title: NUL after it, and at the very end a byte that is not NUL, by which the
/// kernel sees that the area was rewritten and shows it up to the first NUL only (`get_mm_cmdline`
/// in fs/proc/base.c).
fn image(title: &str, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    if length >= 2 {
        let shown = cut(title, length - 2).as_bytes();
        bytes[..shown.len()].copy_from_slice(shown);
        bytes[length - 1] = b'.';
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_gets_room_and_is_cut_to_it() {
        assert_eq!(with_room("Kid \"é\"", 5).len(), "Kid \"é\"".len() + 5);
        assert_eq!(with_room("x", 100_000).len(), PAGE - 1);
        assert_eq!(image("abc", 8), b"abc\0\0\0\0.");
        assert_eq!(image("abcdefgh", 6), b"abcd\0.");
        assert_eq!(image("abc", 1), b"\0");
    }
}
