//! Of what kind the parameters of a Bind are: null, text or binary, and how long. Never what they are.

use super::frame::Header;
use std::fmt::Write;

/// So many are told of.
const MOST: usize = 32;

/// From what follows the two names of a Bind; nothing of one that is not wholly there or not well formed.
pub fn kinds(input: &[u8], header: Header, tail: &[u8]) -> Option<Box<str>> {
    if input.len() < header.total {
        return None;
    }
    let (formats, rest) = counted(tail)?;
    let formats: Vec<u16> = rest.get(..formats * 2)?.chunks_exact(2).map(number).collect();
    let (count, mut rest) = counted(rest.get(formats.len() * 2..)?)?;
    let mut told = String::new();
    for at in 0..count {
        let (length, behind) = rest.split_at_checked(4)?;
        let length = i32::from_be_bytes(length.try_into().ok()?);
        let bytes = usize::try_from(length).unwrap_or(0);
        rest = behind.get(bytes..)?;
        if at >= MOST {
            continue;
        }
        let separator = if at > 0 { " " } else { "" };
        // One format is for all, none is text.
        let format = formats.get(at).or(formats.first().filter(|_| formats.len() == 1)).copied().unwrap_or(0);
        let kind = if format == 0 { "text" } else { "binary" };
        let _ = match length {
            ..0 => write!(told, "{separator}${}=null", at + 1),
            0.. => write!(told, "{separator}${}={kind}({bytes})", at + 1),
        };
    }
    if count > MOST {
        let _ = write!(told, " and {} more", count - MOST);
    }
    Some(told.into())
}

fn number(two: &[u8]) -> u16 {
    two.iter().fold(0, |sum, byte| sum << 8 | u16::from(*byte))
}

fn counted(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (count, rest) = bytes.split_at_checked(2)?;
    Some((usize::from(number(count)), rest))
}

#[cfg(test)]
mod tests {
    use super::kinds;
    use crate::wire::postgres::frame;

    fn bind(tail: &[u8]) -> Vec<u8> {
        let mut message = vec![b'B'];
        message.extend_from_slice(&u32::try_from(tail.len() + 6).unwrap_or(0).to_be_bytes());
        message.extend_from_slice(b"\0\0");
        message.extend_from_slice(tail);
        message
    }

    fn told(tail: &[u8]) -> Option<String> {
        let message = bind(tail);
        let header = frame::from_client(&message).ok()??;
        kinds(&message, header, tail).map(String::from)
    }

    #[test]
    fn kinds_and_lengths_and_nothing_else() {
        let values = b"\0\x03\0\0\0\x06secret\xff\xff\xff\xff\0\0\0\0\0\0";
        let text = [b"\0\0", values.as_slice()].concat();
        assert_eq!(told(&text).as_deref(), Some("$1=text(6) $2=null $3=text(0)"));
        let one = [b"\0\x01\0\x01", values.as_slice()].concat();
        assert_eq!(told(&one).as_deref(), Some("$1=binary(6) $2=null $3=binary(0)"));
        let each = [b"\0\x03\0\x01\0\0\0\0", values.as_slice()].concat();
        assert_eq!(told(&each).as_deref(), Some("$1=binary(6) $2=null $3=text(0)"));
    }

    #[test]
    fn what_is_cut_short_tells_nothing() {
        for tail in [b"\0".as_slice(), b"\0\x02\0\x01", b"\0\0\0\x01\0\0\0\x09abc", b"\0\0\0\x02\0\0\0\0"] {
            assert_eq!(told(tail), None);
        }
    }

    #[test]
    fn many_are_counted() {
        let mut tail = b"\0\0\0\x28".to_vec();
        tail.extend(b"\xff\xff\xff\xff".repeat(40));
        assert!(told(&tail).is_some_and(|told| told.ends_with("$32=null and 8 more")));
    }
}
