//! Messages (PostgreSQL manual, "Message Formats"), and what becomes of them.

use crate::harness::Chance;

/// A message.
pub fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[tag][..], &length.to_be_bytes(), body].concat()
}

/// A message about authentication.
pub fn auth(code: u32, rest: &[u8]) -> Vec<u8> {
    message(b'R', &[&code.to_be_bytes()[..], rest].concat())
}

/// An error.
pub fn error(state: &str, text: &str) -> Vec<u8> {
    message(b'E', format!("SERROR\0VERROR\0C{state}\0M{text}\0\0").as_bytes())
}

/// A notice.
pub fn notice(text: &str) -> Vec<u8> {
    message(b'N', format!("SNOTICE\0VNOTICE\0C00000\0M{text}\0\0").as_bytes())
}

/// A notification.
pub fn notification(channel: &str, payload: &str) -> Vec<u8> {
    message(b'A', &[&7_u32.to_be_bytes()[..], format!("{channel}\0{payload}\0").as_bytes()].concat())
}

/// A setting.
pub fn setting(name: &str, value: &str) -> Vec<u8> {
    message(b'S', format!("{name}\0{value}\0").as_bytes())
}

/// The description of columns of these types.
pub fn columns(types: &[u32]) -> Vec<u8> {
    let mut body = u16::try_from(types.len()).unwrap().to_be_bytes().to_vec();
    for oid in types {
        body.extend(b"column\0\0\0\0\0\0\0");
        body.extend(oid.to_be_bytes());
        body.extend([0, 4, 255, 255, 255, 255, 0, 0]);
    }
    message(b'T', &body)
}

/// The description of parameters of these types.
pub fn parameters(types: &[u32]) -> Vec<u8> {
    let count = u16::try_from(types.len()).unwrap().to_be_bytes().to_vec();
    message(b't', &types.iter().fold(count, |body, oid| [&body[..], &oid.to_be_bytes()].concat()))
}

/// A row.
pub fn row(values: &[&[u8]]) -> Vec<u8> {
    let mut body = u16::try_from(values.len()).unwrap().to_be_bytes().to_vec();
    for value in values {
        body.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
        body.extend(*value);
    }
    message(b'D', &body)
}

/// The end of a statement.
pub fn complete() -> Vec<u8> {
    message(b'C', b"SELECT 1\0")
}

/// The end of an answer.
pub fn ready() -> Vec<u8> {
    message(b'Z', b"I")
}

/// Every type of message a server can send, and some that it cannot.
const TAGS: &[u8] = b"123ACDEGHIKNRSTWZcdnstvV\0\xff@";

/// Types: text, int4, bool, oid, name, char, text[], and some that the driver does not know.
pub const TYPES: &[u32] = &[25, 23, 16, 26, 19, 18, 1009, 2, 0, 99_999, 123_456, u32::MAX];

/// Random bytes.
pub fn noise(chance: &mut Chance, most: u64) -> Vec<u8> {
    let length = chance.below(most) + 1;
    (0..length).map(|_| u8::try_from(chance.below(256)).unwrap()).collect()
}

/// A message of a random type with a random body.
pub fn any(chance: &mut Chance) -> Vec<u8> {
    let body = noise(chance, 80);
    match chance.below(8) {
        0 => columns(&[chance.pick(TYPES), chance.pick(TYPES)]),
        1 => parameters(&[chance.pick(TYPES)]),
        2 => row(&[&body, b"1"]),
        3 => error("XX000", "no reason"),
        4 => notification("channel", "payload"),
        5 => message(chance.pick(TAGS), b""),
        _ => message(chance.pick(TAGS), &body),
    }
}

/// What is wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spoilt {
    /// It ends in the middle, and so does the connection.
    Truncated,
    /// Some bytes are others.
    Flipped,
    /// A message is longer or shorter than it says.
    Length,
    /// A message says that it is very long.
    Oversized,
    /// The messages come in another order.
    Shuffled,
    /// Some come twice.
    Doubled,
    /// Others come in between.
    Mixed,
    /// It is noise.
    Noise,
    /// An error comes instead.
    Refused,
}

pub const SPOILT: &[Spoilt] = &[
    Spoilt::Truncated,
    Spoilt::Flipped,
    Spoilt::Length,
    Spoilt::Oversized,
    Spoilt::Shuffled,
    Spoilt::Doubled,
    Spoilt::Mixed,
    Spoilt::Noise,
    Spoilt::Refused,
];

/// An answer, spoilt. Says also whether the connection goes on behind it.
pub fn spoil(answer: &[Vec<u8>], how: Spoilt, chance: &mut Chance) -> (Vec<u8>, bool) {
    let mut messages = answer.to_vec();
    let at = usize::try_from(chance.below(messages.len().max(1) as u64)).unwrap();
    match how {
        Spoilt::Truncated => {
            let mut all = messages.concat();
            all.truncate(usize::try_from(chance.below(all.len() as u64 + 1)).unwrap());
            return (all, false);
        }
        Spoilt::Flipped => {
            let mut all = messages.concat();
            for _ in 0..=chance.below(4) {
                let place = usize::try_from(chance.below(all.len() as u64)).unwrap();
                all[place] = u8::try_from(chance.below(256)).unwrap();
            }
            return (all, true);
        }
        Spoilt::Length => {
            let length = u32::try_from(chance.below(40)).unwrap();
            messages[at][1..5].copy_from_slice(&length.to_be_bytes());
        }
        Spoilt::Oversized => {
            let length = chance.pick(&[70_000, 20_000_000, 0x3fff_ffff, 0x4000_0001, 0x7fff_ffff, u32::MAX]);
            messages[at][1..5].copy_from_slice(&length.to_be_bytes());
        }
        Spoilt::Shuffled => {
            let other = usize::try_from(chance.below(messages.len() as u64)).unwrap();
            messages.swap(at, other);
            messages.rotate_left(at);
        }
        Spoilt::Doubled => messages.insert(at, messages[at].clone()),
        Spoilt::Mixed => messages.insert(at, any(chance)),
        Spoilt::Noise => return (noise(chance, 300), true),
        Spoilt::Refused => return ([error("22P02", "invalid \"\u{1b}[31mvalue\" \n ERROR: forged"), ready()].concat(), true),
    }
    (messages.concat(), true)
}
