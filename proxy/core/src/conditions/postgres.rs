//! Values as PostgreSQL would read them: literals in every spelling its lexer knows, bound values in text and binary
//! format. What is not certain is unknown: the plan says what then holds.

use super::{Desk, MAX_VALUE, Read, Type, Values, number, times};
use crate::lexer::{Literal, LiteralKind};
use std::io::Write;

/// Parameters of one statement, at most.
const MAX_PARAMETERS: usize = 65_535;
/// A float on its way to a decimal loses what lies behind so much of it (15 digits of eight bytes, 6 of four); whole
/// ones below the bound lose nothing.
const EIGHT: (f64, f64) = (1e15, 1.0 / (1_u64 << 46) as f64);
const FOUR: (f64, f64) = (1e6, 1.0 / (1_u64 << 17) as f64);

mod oid {
    pub const BOOL: u32 = 16;
    pub const INT8: u32 = 20;
    pub const INT2: u32 = 21;
    pub const INT4: u32 = 23;
    pub const TEXT: u32 = 25;
    pub const FLOAT4: u32 = 700;
    pub const FLOAT8: u32 = 701;
    pub const UNKNOWN: u32 = 705;
    pub const VARCHAR: u32 = 1043;
    pub const DATE: u32 = 1082;
    pub const TIMESTAMP: u32 = 1114;
    pub const NUMERIC: u32 = 1700;
}

/// The types in the body of a ParameterDescription.
pub fn types_told(body: &[u8]) -> Option<Box<[u32]>> {
    let (count, oids) = body.split_first_chunk::<2>()?;
    let is_whole = oids.len() == usize::from(u16::from_be_bytes(*count)) * 4;
    is_whole.then(|| oids.as_chunks::<4>().0.iter().map(|oid| u32::from_be_bytes(*oid)).collect())
}

/// Where a parameter's value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Null,
    Unknown,
    Boolean(bool),
    Bound { start: usize, length: usize, binary: bool },
    Said { start: usize, end: usize, kind: LiteralKind, negative: bool },
}

/// What is there of the values of `$1` and so on.
#[derive(Clone, Copy)]
pub enum Given<'a> {
    /// They come with what is judged again then.
    Later,
    Nothing,
    /// A Bind behind the names in it, laid out by `lay_out`; what the Parse declared, behind the text; and what the
    /// server that it is for has told.
    Bound {
        values: &'a [u8],
        declared: &'a [u8],
        inferred: Option<&'a [u32]>,
    },
    /// Arguments in SQL, laid out by who read them.
    Said {
        text: &'a [u8],
        backslashes: bool,
    },
}

/// One execution. `literals` are those of `text`.
#[derive(Clone, Copy)]
pub struct Execution<'a> {
    pub text: &'a [u8],
    pub literals: &'a [Literal],
    /// Plain strings are read with backslashes.
    pub backslashes: bool,
    pub given: Given<'a>,
}

impl Desk {
    pub fn places(&mut self) -> &mut Vec<Place> {
        &mut self.places
    }

    /// Finds the values of a Bind. What is malformed has none.
    pub fn lay_out(&mut self, values: &[u8]) {
        self.places.clear();
        if lay_out(values, &mut self.places).is_none() {
            self.places.clear();
        }
    }
}

impl Desk {
    /// Of the Bind laid out, some value is in binary and of a type that only its server knows.
    pub fn is_untyped(&self, declared: &[u8]) -> bool {
        let untyped = |(at, place): (usize, &Place)| {
            matches!(place, Place::Bound { binary: true, .. }) && declared_type(declared, at) == 0
        };
        self.places.iter().enumerate().any(untyped)
    }
}

fn lay_out(values: &[u8], places: &mut Vec<Place>) -> Option<()> {
    let (count, rest) = values.split_first_chunk::<2>()?;
    let count = usize::from(u16::from_be_bytes(*count));
    let (formats, rest) = rest.split_at_checked(count * 2)?;
    let (parameters, mut rest) = rest.split_first_chunk::<2>()?;
    let parameters = usize::from(u16::from_be_bytes(*parameters));
    if count > 1 && count != parameters {
        return None;
    }
    for at in 0..parameters {
        let format = match count {
            0 => 0,
            1 => formats.get(1).copied()? | formats.first().copied()?,
            _ => formats.get(at * 2 + 1).copied()? | formats.get(at * 2).copied()?,
        };
        let (length, after) = rest.split_first_chunk::<4>()?;
        let start = values.len() - after.len();
        let length = i32::from_be_bytes(*length);
        rest = after;
        if length == -1 {
            places.push(Place::Null);
            continue;
        }
        let length = usize::try_from(length).ok()?;
        rest = rest.get(length..)?;
        places.push(match format {
            0 | 1 => Place::Bound { start, length, binary: format == 1 },
            _ => Place::Unknown,
        });
    }
    Some(())
}

impl Values for Execution<'_> {
    fn literal(&self, at: u32, of: u32, kind: Type, negative: bool, desk: &mut Desk) -> Read {
        // The planner and the lexer count alike, or nothing is known.
        if self.literals.len() != of as usize {
            return Read::Unknown;
        }
        let Some(literal) = self.literals.get(at as usize) else { return Read::Unknown };
        let text = self.text.get(literal.start as usize..literal.end as usize).unwrap_or_default();
        said(text, literal.kind, self.backslashes, kind, negative, desk)
    }

    fn parameter(&self, number: u16, kind: Type, negative: bool, desk: &mut Desk) -> Read {
        let at = usize::from(number).wrapping_sub(1);
        match self.given {
            Given::Later => return Read::Later,
            Given::Nothing => return Read::Unknown,
            Given::Bound { .. } | Given::Said { .. } if at >= MAX_PARAMETERS => return Read::Unknown,
            Given::Bound { .. } | Given::Said { .. } => {}
        }
        match (desk.places.get(at).copied(), self.given) {
            (Some(Place::Null), _) => Read::Null,
            (Some(Place::Boolean(value)), Given::Said { .. }) if kind == Type::Boolean => {
                desk.value.push(value.into());
                Read::Value
            }
            (
                Some(Place::Said { start, end, kind: spelt, negative: minus }),
                Given::Said { text, backslashes },
            ) => {
                let text = text.get(start..end).unwrap_or_default();
                said(text, spelt, backslashes, kind, minus != negative, desk)
            }
            (Some(Place::Bound { start, length, binary }), Given::Bound { values, declared, inferred }) => {
                let Some(value) = values.get(start..start + length) else { return Read::Unknown };
                let oid = match declared_type(declared, at) {
                    0 => inferred.and_then(|types| types.get(at).copied()).unwrap_or(0),
                    oid => oid,
                };
                bound(value, oid, binary, kind, negative, desk)
            }
            _ => Read::Unknown,
        }
    }
}

/// Zero where the server infers it.
fn declared_type(declared: &[u8], at: usize) -> u32 {
    let oids = declared.get(2..).unwrap_or_default();
    oids.as_chunks::<4>().0.get(at).map_or(0, |oid| u32::from_be_bytes(*oid))
}

fn known(is: bool) -> Read {
    if is { Read::Value } else { Read::Unknown }
}

/// A literal's value, prefix and quotes and all.
fn said(
    text: &[u8],
    spelt: LiteralKind,
    backslashes: bool,
    kind: Type,
    negative: bool,
    desk: &mut Desk,
) -> Read {
    if text.len() > MAX_VALUE {
        return Read::Unknown;
    }
    let Desk { value, spare, .. } = desk;
    match (kind, spelt) {
        (
            Type::Number | Type::Integer,
            LiteralKind::Integer
            | LiteralKind::BigInteger
            | LiteralKind::Numeric
            | LiteralKind::Decimal
            // To servers before 15 a zero with an alias, in a list of columns only; read as the newer ones do.
            | LiteralKind::Spelt,
        ) => known(number::parse(text, negative, value)),
        (Type::Number | Type::Integer, LiteralKind::Bits | LiteralKind::Hex) => {
            known(put_bits(text, spelt, negative, value))
        }
        (
            _,
            LiteralKind::String
            | LiteralKind::Escaped
            | LiteralKind::Dollar
            | LiteralKind::National,
        ) => {
            spare.clear();
            if !unquoted(text, spelt, backslashes, spare) || spare.contains(&0) {
                return Read::Unknown;
            }
            if kind == Type::Text {
                std::mem::swap(value, spare);
                return Read::Value;
            }
            known(from_text(kind, spare, negative, value))
        }
        // U&'…': how it is read may stand behind it (UESCAPE), and the planner leaves such a text unread.
        _ => Read::Unknown,
    }
}

/// A bit string as the number it is cast to: the same for both lengths of integers while it is below the sign of either.
fn put_bits(text: &[u8], spelt: LiteralKind, negative: bool, out: &mut Vec<u8>) -> bool {
    let digits =
        text.get(1..).and_then(|text| text.strip_prefix(b"'")).and_then(|text| text.strip_suffix(b"'"));
    let radix = if spelt == LiteralKind::Hex { 16 } else { 2 };
    match digits.filter(|digits| !digits.contains(&b'_')).and_then(|digits| number::whole(digits, radix)) {
        Some(size) if size < 1 << 31 => {
            number::put_integer(out, negative, size);
            true
        }
        _ => false,
    }
}

/// A value's text, not as a literal: without quotes.
pub fn from_text(kind: Type, text: &[u8], negative: bool, out: &mut Vec<u8>) -> bool {
    if text.len() > MAX_VALUE {
        return false;
    }
    match kind {
        Type::Number | Type::Integer => number::parse(text, negative, out),
        Type::Text => {
            out.extend_from_slice(text);
            true
        }
        Type::Boolean => match boolean(text.trim_ascii()) {
            Some(value) => {
                out.push(value.into());
                true
            }
            None => false,
        },
        Type::Date => put_time(times::date(text.trim_ascii()), out),
        Type::Timestamp => put_time(times::timestamp(text.trim_ascii()), out),
    }
}

fn put_time(time: Option<i64>, out: &mut Vec<u8>) -> bool {
    if let Some(time) = time {
        times::put(out, time);
    }
    time.is_some()
}

/// Any beginning of a word that could be no other.
fn boolean(text: &[u8]) -> Option<bool> {
    let begins = |word: &str, least: usize| {
        (least..=word.len()).contains(&text.len())
            && word.as_bytes().get(..text.len()).is_some_and(|word| word.eq_ignore_ascii_case(text))
    };
    if begins("true", 1) || begins("yes", 1) || begins("on", 2) || text == b"1" {
        Some(true)
    } else if begins("false", 1) || begins("no", 1) || begins("off", 2) || text == b"0" {
        Some(false)
    } else {
        None
    }
}

/// A bound value. `oid`: its type, 0 where only the server knows.
fn bound(value: &[u8], oid: u32, binary: bool, kind: Type, negative: bool, desk: &mut Desk) -> Read {
    use oid::{BOOL, DATE, FLOAT4, FLOAT8, INT2, INT4, INT8, NUMERIC, TEXT, TIMESTAMP, UNKNOWN, VARCHAR};
    if value.len() > MAX_VALUE {
        return Read::Unknown;
    }
    let spelt = match oid {
        // Text in both formats; without a type only where it is said to be text.
        TEXT | VARCHAR | UNKNOWN => true,
        0 => !binary,
        _ => false,
    };
    let out = &mut desk.value;
    if spelt {
        return known(from_text(kind, value, negative, out));
    }
    match (kind, oid) {
        (Type::Number | Type::Integer, FLOAT4 | FLOAT8) => {
            let Some(float) = float(value, oid, binary) else { return Read::Unknown };
            let float = if negative { -float } else { float };
            put_float(float, if oid == FLOAT4 { FOUR } else { EIGHT }, desk)
        }
        (Type::Number | Type::Integer, INT2 | INT4 | INT8 | NUMERIC)
        | (Type::Boolean, BOOL)
        | (Type::Date | Type::Timestamp, DATE)
        | (Type::Timestamp, TIMESTAMP)
            if !binary =>
        {
            known(from_text(kind, value, negative, out))
        }
        (Type::Number | Type::Integer, INT2) => {
            known(put_int(chunk(value).map(i16::from_be_bytes), negative, out))
        }
        (Type::Number | Type::Integer, INT4) => {
            known(put_int(chunk(value).map(i32::from_be_bytes), negative, out))
        }
        (Type::Number | Type::Integer, INT8) => {
            known(put_int(chunk(value).map(i64::from_be_bytes), negative, out))
        }
        (Type::Number | Type::Integer, NUMERIC) => known(put_numeric(value, negative, out).is_some()),
        (Type::Boolean, BOOL) => match value {
            [byte] => {
                out.push((*byte != 0).into());
                Read::Value
            }
            _ => Read::Unknown,
        },
        (Type::Date, DATE) => known(put_time(chunk(value).map(|days| i32::from_be_bytes(days).into()), out)),
        (Type::Timestamp, DATE) => {
            known(put_time(chunk(value).map(|days| times::from_days(i32::from_be_bytes(days))), out))
        }
        (Type::Timestamp, TIMESTAMP) => known(put_time(chunk(value).map(i64::from_be_bytes), out)),
        _ => Read::Unknown,
    }
}

fn chunk<const N: usize>(value: &[u8]) -> Option<[u8; N]> {
    value.try_into().ok()
}

fn put_int(value: Option<impl Into<i64>>, negative: bool, out: &mut Vec<u8>) -> bool {
    let Some(value) = value.map(Into::into) else { return false };
    number::put_integer(out, (value < 0) != negative, value.unsigned_abs().into());
    true
}

/// `numeric` on the wire: digits to the base of 10,000, of which those behind `scale` places are cut off.
fn put_numeric(value: &[u8], flip: bool, out: &mut Vec<u8>) -> Option<()> {
    let (head, digits) = value.split_first_chunk::<8>()?;
    let [c0, c1, w0, w1, s0, s1, d0, d1] = *head;
    let (count, weight) = (u16::from_be_bytes([c0, c1]), i16::from_be_bytes([w0, w1]));
    let (sign, scale) = (u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1]));
    if digits.len() != usize::from(count) * 2 {
        return None;
    }
    match sign {
        0 | 0x4000 => {}
        0xc000 => {
            number::put_nan(out);
            return Some(());
        }
        0xd000 | 0xf000 => {
            number::put_infinity(out, (sign == 0xf000) != flip);
            return Some(());
        }
        _ => return None,
    }
    let words = digits.as_chunks::<2>().0;
    if words.iter().any(|word| u16::from_be_bytes(*word) > 9_999) {
        return None;
    }
    let whole = (i64::from(weight) + 1) * 4;
    let kept = usize::try_from(whole + i64::from(scale)).unwrap_or(0);
    let each = words.iter().flat_map(|word| {
        let word = u16::from_be_bytes(*word);
        [word / 1000, word / 100 % 10, word / 10 % 10, word % 10].map(|digit| digit as u8)
    });
    number::put(out, (sign == 0x4000) != flip, whole, each.take(kept));
    Some(())
}

fn float(value: &[u8], oid: u32, binary: bool) -> Option<f64> {
    let four = oid == oid::FLOAT4;
    if binary {
        return if four {
            chunk(value).map(|value| f32::from_be_bytes(value).into())
        } else {
            chunk(value).map(f64::from_be_bytes)
        };
    }
    let text = std::str::from_utf8(value).ok()?.trim_ascii();
    if four { text.parse::<f32>().ok().map(f64::from) } else { text.parse().ok() }
}

/// A float is a decimal only about: the two it lies between, for certain, unless it is whole.
fn put_float(value: f64, (exact, slack): (f64, f64), desk: &mut Desk) -> Read {
    let Desk { value: out, spare, .. } = desk;
    if value.is_nan() {
        number::put_nan(out);
    } else if value.is_infinite() {
        number::put_infinity(out, value < 0.0);
    } else if value.fract() == 0.0 && value.abs() < exact {
        number::put_integer(out, value < 0.0, value.abs() as u128);
    } else {
        let around = value.abs() * slack;
        let mut second = 0;
        for bound in [value - around, value + around] {
            second = out.len();
            spare.clear();
            if write!(spare, "{bound:e}").is_err() || !number::parse(spare, false, out) {
                return Read::Unknown;
            }
        }
        return Read::Between(second);
    }
    Read::Value
}

/// What a string literal says. False where the server would not take it, or not for certain.
fn unquoted(text: &[u8], spelt: LiteralKind, backslashes: bool, out: &mut Vec<u8>) -> bool {
    let inside = match spelt {
        LiteralKind::String => quoted(text, backslashes, out),
        LiteralKind::National => quoted(text.get(1..).unwrap_or_default(), backslashes, out),
        LiteralKind::Escaped => quoted(text.get(1..).unwrap_or_default(), true, out),
        LiteralKind::Dollar => dollar(text, out),
        _ => None,
    };
    inside.is_some()
}

fn dollar(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let tag = text.iter().skip(1).position(|byte| *byte == b'$')? + 2;
    out.extend_from_slice(text.get(tag..text.len().checked_sub(tag)?)?);
    Some(())
}

/// One that begins with its quote, and goes on behind white space with a new line in it.
fn quoted(text: &[u8], escapes: bool, out: &mut Vec<u8>) -> Option<()> {
    let mut rest = text.strip_prefix(b"'")?;
    loop {
        let plain = rest.iter().position(|byte| *byte == b'\'' || (escapes && *byte == b'\\'))?;
        out.extend_from_slice(rest.get(..plain)?);
        rest = match rest.get(plain..)? {
            [b'\'', b'\'', after @ ..] => {
                out.push(b'\'');
                after
            }
            [b'\''] => return Some(()),
            [b'\'', after @ ..] => next_part(after)?,
            [_, after @ ..] => escaped(after, out)?,
            [] => return None,
        };
    }
}

/// Behind the quote that opens the next part of a string.
fn next_part(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        rest = match rest {
            [b'\'', after @ ..] => return Some(after),
            [b'-', b'-', ..] => rest.get(rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'))?..)?,
            [byte, after @ ..] if byte.is_ascii_whitespace() => after,
            _ => return None,
        };
    }
}

/// What stands behind a backslash.
fn escaped<'a>(rest: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
    let (first, after) = rest.split_first()?;
    let digits = |text: &[u8], radix: u32, most: usize| {
        text.iter().take(most).take_while(|byte| char::from(**byte).is_digit(radix)).count()
    };
    let number =
        |text: &[u8], radix: u32| number::whole(text, radix).and_then(|size| u32::try_from(size).ok());
    match first {
        b'b' => out.push(8),
        b'f' => out.push(12),
        b'n' => out.push(b'\n'),
        b'r' => out.push(b'\r'),
        b't' => out.push(b'\t'),
        b'0'..=b'7' => {
            let length = digits(rest, 8, 3);
            out.push((number(rest.get(..length)?, 8)? & 0xff) as u8);
            return rest.get(length..);
        }
        b'x' if digits(after, 16, 2) > 0 => {
            let length = digits(after, 16, 2);
            out.push(number(after.get(..length)?, 16)? as u8);
            return after.get(length..);
        }
        b'u' | b'U' => {
            let length = if *first == b'u' { 4 } else { 8 };
            if digits(after, 16, length) < length {
                return None;
            }
            // Halves of a pair are no letters: left to the server, and unknown here.
            let letter = char::from_u32(number(after.get(..length)?, 16)?)?;
            out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            return after.get(length..);
        }
        other => out.push(*other),
    }
    Some(after)
}
