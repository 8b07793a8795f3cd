//! Where one token ends. Each function takes bytes and an offset and gives the offset behind the token, or None
//! for what PostgreSQL would not take, or not in every version. A NUL is never inside a token: the server's
//! text ends there.

use super::bytes::{self, Class};
use crate::lexer::LiteralKind;

/// Operator characters looked at together. The server allows 63; looking further again and again would be quadratic.
const MAX_OPERATOR: usize = 16;

pub(super) struct Number {
    pub length: usize,
    pub kind: LiteralKind,
    /// Its value decides its type next to a minus sign, or its spelling decides how many tokens it is.
    pub keep: bool,
}

/// How a string's inside is read.
#[derive(Clone, Copy)]
pub(super) enum Inside {
    /// A doubled quote stands for one.
    Plain,
    /// Backslashes besides.
    Escaped,
    /// Neither.
    Bits,
}

#[inline]
pub(super) fn word(rest: &[u8]) -> usize {
    rest.iter().position(|&byte| !bytes::continues_word(byte)).unwrap_or(rest.len())
}

pub(super) fn begins_comment(rest: &[u8]) -> bool {
    matches!(rest, [b'-', b'-', ..] | [b'/', b'*', ..])
}

/// Behind the comment that begins at `start` (a line's end is not part of it), and whether it is a riddle: one
/// nested in such a way that parsers which count `/*` and `*/` less carefully end it elsewhere.
pub(super) fn comment(text: &[u8], start: usize) -> Option<(usize, bool)> {
    if text.get(start) == Some(&b'-') {
        return Some((line_end(text, start)?, false));
    }
    let mut at = start;
    let mut depth = 0_usize;
    let mut is_nested = false;
    loop {
        match (text.get(at)?, text.get(at + 1)) {
            (b'/', Some(b'*')) => {
                is_nested |= depth > 0;
                depth += 1;
                at += 2;
            }
            (b'*', Some(b'/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    let overlaps = |three: &[u8]| three == b"/*/" || three == b"*/*";
                    return Some((at, is_nested && text.get(start..at)?.windows(3).any(overlaps)));
                }
            }
            (0, _) => return None,
            _ => at += 1,
        }
    }
}

fn line_end(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match text.get(at) {
            None | Some(b'\n' | b'\r') => return Some(at),
            Some(0) => return None,
            Some(_) => at += 1,
        }
    }
}

/// Behind the closing quote; a doubled one stands for itself. `at` is behind the opening quote.
pub(super) fn quoted(text: &[u8], mut at: usize, quote: u8) -> Option<usize> {
    loop {
        let byte = *text.get(at)?;
        at += 1;
        if byte == quote {
            if text.get(at) != Some(&quote) {
                return Some(at);
            }
            at += 1;
        } else if byte == 0 {
            return None;
        }
    }
}

fn escaped(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let byte = *text.get(at)?;
        at += 1;
        match byte {
            b'\\' => {
                if *text.get(at)? == 0 {
                    return None;
                }
                at += 1;
            }
            b'\'' if text.get(at) == Some(&b'\'') => at += 1,
            b'\'' => return Some(at),
            0 => return None,
            _ => {}
        }
    }
}

/// Bit strings know no doubled quote: there a second literal would begin.
fn bits(text: &[u8], at: usize) -> Option<usize> {
    let length = text.get(at..)?.iter().position(|&byte| byte == b'\'' || byte == 0)?;
    let end = at + length + 1;
    (text.get(end - 1) == Some(&b'\'') && text.get(end) != Some(&b'\'')).then_some(end)
}

/// Behind a string with its continuations, and whether it has any: parts with white space that has a line's end
/// between them are one. `at` is its opening quote.
pub(super) fn string(text: &[u8], mut at: usize, inside: Inside) -> Option<(usize, bool)> {
    let mut continued = false;
    loop {
        let end = match inside {
            Inside::Plain => quoted(text, at + 1, b'\'')?,
            Inside::Escaped => escaped(text, at + 1)?,
            Inside::Bits => bits(text, at + 1)?,
        };
        match continuation(text, end) {
            Some(next) => {
                at = next;
                continued = true;
            }
            None => return Some((end, continued)),
        }
    }
}

/// The opening quote of a string's next part. `--` comments may stand between, others may not.
fn continuation(text: &[u8], mut at: usize) -> Option<usize> {
    let mut new_line = false;
    loop {
        match text.get(at)? {
            b'\n' | b'\r' => {
                new_line = true;
                at += 1;
            }
            b' ' | b'\t' | 0x0c => at += 1,
            b'-' if text.get(at + 1) == Some(&b'-') => at = line_end(text, at)?,
            b'\'' if new_line => return Some(at),
            _ => return None,
        }
    }
}

/// `Some(None)` if this is no parameter; else the number of its digits.
pub(super) fn parameter(rest: &[u8]) -> Option<Option<usize>> {
    let digits = digits(rest, 1);
    match rest.get(1 + digits) {
        _ if digits == 0 => Some(None),
        Some(&byte) if bytes::continues_word(byte) => None,
        _ => Some(Some(digits)),
    }
}

pub(super) fn dollar_quoted(text: &[u8], start: usize) -> Option<usize> {
    let tag = text.get(start + 1..)?.iter().position(|&byte| byte == b'$' || !bytes::continues_word(byte))?;
    let delimiter = text.get(start..start + tag + 2)?;
    if delimiter.last() != Some(&b'$') {
        return None;
    }
    let mut at = start + delimiter.len();
    loop {
        let rest = text.get(at..)?;
        let skip = rest.iter().position(|&byte| byte == b'$' || byte == 0)?;
        let candidate = rest.get(skip..)?;
        if candidate.first() == Some(&0) {
            return None;
        }
        if candidate.starts_with(delimiter) {
            return Some(at + skip + delimiter.len());
        }
        at += skip + 1;
    }
}

/// PostgreSQL's rule: as long as possible, but a comment ends it, and `+` or `-` may end a longer operator only
/// if it has a character that SQL's own operators lack.
pub(super) fn operator(rest: &[u8]) -> Option<usize> {
    let mut length = 1;
    let mut foreign = is_foreign(*rest.first()?);
    while let Some(&byte) = rest.get(length) {
        if bytes::of(byte) != Class::Operator || begins_comment(rest.get(length..)?) {
            break;
        }
        foreign |= is_foreign(byte);
        length += 1;
        if length > MAX_OPERATOR {
            return None;
        }
    }
    while !foreign && length > 1 && matches!(rest.get(length - 1), Some(b'+' | b'-')) {
        length -= 1;
    }
    Some(length)
}

fn is_foreign(byte: u8) -> bool {
    matches!(byte, b'~' | b'!' | b'@' | b'#' | b'^' | b'&' | b'|' | b'`' | b'?' | b'%')
}

fn digits(rest: &[u8], from: usize) -> usize {
    let rest = rest.get(from..).unwrap_or_default();
    rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len())
}

pub(super) fn number(rest: &[u8]) -> Option<Number> {
    let whole = digits(rest, 0);
    let mut length = whole;
    if whole > 0 && matches!(rest.get(whole), Some(b'_' | b'x' | b'X' | b'o' | b'O' | b'b' | b'B')) {
        return spelt(rest, whole);
    }
    let mut is_decimal = false;
    if rest.get(length) == Some(&b'.') {
        is_decimal = true;
        length += 1;
        length += digits(rest, length);
    }
    if matches!(rest.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(rest.get(length + 1), Some(b'+' | b'-')));
        let exponent = digits(rest, length + 1 + sign);
        if exponent > 0 {
            is_decimal = true;
            length += 1 + sign + exponent;
        }
    }
    if rest.get(length).is_some_and(|&byte| byte == b'.' || bytes::continues_word(byte)) {
        return None;
    }
    let (kind, keep) = if is_decimal {
        (LiteralKind::Decimal, false)
    } else {
        integer(rest.get(..whole).unwrap_or_default())
    };
    Some(Number { length, kind, keep })
}

/// The type a whole number gets. The two that a minus sign would make one size smaller keep their value.
fn integer(digits: &[u8]) -> (LiteralKind, bool) {
    const INTEGER_END: u64 = 1 << 31;
    const BIG_INTEGER_END: u64 = 1 << 63;
    if digits.len() < 10 {
        return (LiteralKind::Integer, false);
    }
    let mut value = 0_u64;
    for digit in digits {
        let next =
            value.checked_mul(10).and_then(|tens| tens.checked_add(u64::from(digit.wrapping_sub(b'0'))));
        match next {
            Some(next) => value = next,
            None => return (LiteralKind::Numeric, false),
        }
    }
    let kind = match value {
        0..INTEGER_END => LiteralKind::Integer,
        INTEGER_END..BIG_INTEGER_END => LiteralKind::BigInteger,
        BIG_INTEGER_END.. => LiteralKind::Numeric,
    };
    (kind, value == INTEGER_END || value == BIG_INTEGER_END)
}

/// `0x1F`, `1_000`: letters, digits and underscores only.
fn spelt(rest: &[u8], whole: usize) -> Option<Number> {
    let length = word(rest);
    let radix = match (rest.first()?, rest.get(1).map(u8::to_ascii_lowercase)) {
        (b'0', Some(b'x')) => 16,
        (b'0', Some(b'o')) => 8,
        (b'0', Some(b'b')) => 2,
        _ => 10,
    };
    let digits = if radix == 10 { rest.get(..length)? } else { rest.get(2..length)? };
    let well_formed = (radix != 10 || rest.get(whole) == Some(&b'_'))
        && digits.last().is_some_and(|&byte| byte != b'_')
        && !digits.windows(2).any(|pair| pair == b"__")
        && digits.iter().all(|&byte| byte == b'_' || char::from(byte).is_digit(radix));
    if !well_formed || rest.get(length) == Some(&b'.') {
        return None;
    }
    Some(Number { length, kind: LiteralKind::Spelt, keep: true })
}
