//! Numbers in an ordered form: exact decimals of any length as bytes that sort as the numbers do, and are equal when
//! those are, whatever they were written as. Never through a float.

const NEGATIVE_INFINITY: u8 = 0;
const NEGATIVE: u8 = 1;
const ZERO: u8 = 2;
const POSITIVE: u8 = 3;
const INFINITY: u8 = 4;
/// The server's: above all others, and equal to itself.
const NAN: u8 = 5;

/// An exponent of more digits is not looked at.
const MAX_EXPONENT: usize = 6;
/// Sign and place of the first digit stand before the digits.
const HEAD: usize = 9;

/// `whole` digits stand before the point; leading and trailing zeros do not count.
pub fn put(out: &mut Vec<u8>, negative: bool, whole: i64, digits: impl Iterator<Item = u8>) {
    let begin = out.len();
    out.extend_from_slice(&[0; HEAD]);
    let mut place = whole;
    for digit in digits {
        if digit == 0 && out.len() == begin + HEAD {
            place -= 1;
        } else {
            // Of two negative numbers the one with the greater digit is the smaller.
            out.push(if negative { 10 - digit.min(9) } else { digit.min(9) + 1 });
        }
    }
    let nothing = if negative { 10 } else { 1 };
    while out.len() > begin + HEAD && out.last() == Some(&nothing) {
        out.pop();
    }
    if out.len() == begin + HEAD {
        out.truncate(begin);
        return out.push(ZERO);
    }
    let place = place.cast_unsigned() ^ (1 << 63);
    let place = if negative { !place } else { place };
    if let Some([sign, head @ ..]) = out.get_mut(begin..begin + HEAD) {
        *sign = if negative { NEGATIVE } else { POSITIVE };
        head.copy_from_slice(&place.to_be_bytes());
    }
    if negative {
        // Behind the last digit, so that -1.2 comes after -1.23.
        out.push(0xff);
    }
}

pub fn put_integer(out: &mut Vec<u8>, negative: bool, size: u128) {
    let mut digits = [0; 39];
    let mut left = size;
    let mut used = 0;
    for place in digits.iter_mut().rev() {
        if left == 0 {
            break;
        }
        *place = (left % 10) as u8;
        left /= 10;
        used += 1;
    }
    let digits = digits.get(digits.len() - used..).unwrap_or_default();
    put(out, negative, used as i64, digits.iter().copied());
}

/// One without a fraction.
pub fn is_whole(ordered: &[u8]) -> bool {
    let negative = match ordered.first() {
        Some(&ZERO) => return true,
        Some(&NEGATIVE) => true,
        Some(&POSITIVE) => false,
        _ => return false,
    };
    let Some((head, digits)) = ordered.get(1..).and_then(|rest| rest.split_first_chunk::<8>()) else {
        return false;
    };
    let place = u64::from_be_bytes(*head);
    let place = (if negative { !place } else { place } ^ (1 << 63)).cast_signed();
    (digits.len() - usize::from(negative)) as i64 <= place
}

/// As the server reads a number, spelt in any of its ways. False: it would not, or what it reads is not known here.
pub fn parse(text: &[u8], flip: bool, out: &mut Vec<u8>) -> bool {
    let text = text.trim_ascii();
    let (minus, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let negative = minus != flip;
    match text {
        [] => false,
        [b'0', radix @ (b'x' | b'X' | b'o' | b'O' | b'b' | b'B'), digits @ ..] => {
            let radix = match radix.to_ascii_lowercase() {
                b'x' => 16,
                b'o' => 8,
                _ => 2,
            };
            let Some(size) = whole(digits, radix) else { return false };
            put_integer(out, negative, size);
            true
        }
        [b'0'..=b'9' | b'.', ..] => decimal(text, negative, out),
        _ => special(text, negative, out),
    }
}

/// Digits of a radix, underscores between them; None: none, others, or too many.
pub fn whole(digits: &[u8], radix: u32) -> Option<u128> {
    let mut size = None;
    for byte in digits.iter().filter(|byte| **byte != b'_') {
        let digit = char::from(*byte).to_digit(radix)?;
        size = Some(size.unwrap_or(0_u128).checked_mul(radix.into())?.checked_add(digit.into())?);
    }
    size
}

fn decimal(text: &[u8], negative: bool, out: &mut Vec<u8>) -> bool {
    let end = text.iter().position(|byte| matches!(byte, b'e' | b'E')).unwrap_or(text.len());
    let (digits, exponent) = text.split_at_checked(end).unwrap_or((text, &[]));
    let exponent = match exponent {
        [] => 0,
        [_, sign @ (b'+' | b'-'), digits @ ..] => match small(digits) {
            Some(size) if *sign == b'-' => -size,
            Some(size) => size,
            None => return false,
        },
        [_, digits @ ..] => match small(digits) {
            Some(size) => size,
            None => return false,
        },
    };
    let (mut before, mut points, mut all) = (0_i64, 0, 0);
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                before += i64::from(points == 0);
                all += 1;
            }
            b'.' => points += 1,
            b'_' => {}
            _ => return false,
        }
    }
    if all == 0 || points > 1 {
        return false;
    }
    let digits = digits.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| byte - b'0');
    put(out, negative, before + exponent, digits);
    true
}

fn small(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || digits.len() > MAX_EXPONENT {
        return None;
    }
    digits.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
}

fn special(text: &[u8], negative: bool, out: &mut Vec<u8>) -> bool {
    let is = |word: &str| text.eq_ignore_ascii_case(word.as_bytes());
    if is("nan") {
        out.push(NAN);
    } else if is("infinity") || is("inf") {
        put_infinity(out, negative);
    } else {
        return false;
    }
    true
}

pub fn put_infinity(out: &mut Vec<u8>, negative: bool) {
    out.push(if negative { NEGATIVE_INFINITY } else { INFINITY });
}

pub fn put_nan(out: &mut Vec<u8>) {
    out.push(NAN);
}
