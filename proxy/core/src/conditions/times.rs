//! Dates and timestamps without a time zone, in the one spelling that no setting reads otherwise: `2026-01-31`,
//! `2026-01-31 12:30:00.5`. What is spelt differently is not known.

const DAY_US: i64 = 86_400_000_000;

/// Bytes that sort as the numbers do.
pub fn put(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(&(value.cast_unsigned() ^ (1 << 63)).to_be_bytes());
}

/// Days since the first of 2000.
pub fn date(text: &[u8]) -> Option<i64> {
    let (year, rest) = number(text, 4)?;
    let (month, rest) = number(rest.strip_prefix(b"-")?, 2)?;
    let (day, rest) = number(rest.strip_prefix(b"-")?, 2)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !rest.is_empty() || year == 0 || !(1..=last).contains(&day) {
        return None;
    }
    // Years begin in March here, so that the day that comes and goes is the last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    Some(days - 730_425)
}

/// Microseconds since the first of 2000.
pub fn timestamp(text: &[u8]) -> Option<i64> {
    let (day, clock) = text.split_at_checked(10)?;
    let day = date(day)? * DAY_US;
    if clock.is_empty() {
        return Some(day);
    }
    let (hour, rest) = number(clock.strip_prefix(b" ").or_else(|| clock.strip_prefix(b"T"))?, 2)?;
    let (minute, rest) = number(rest.strip_prefix(b":")?, 2)?;
    let (second, rest) = match rest.strip_prefix(b":") {
        Some(rest) => number(rest, 2)?,
        None => (0, rest),
    };
    let fraction = match rest {
        [] => 0,
        [b'.', digits @ ..] if (1..=6).contains(&digits.len()) => {
            number(digits, digits.len())?.0 * 10_i64.pow(6 - digits.len() as u32)
        }
        _ => return None,
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(day + ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction)
}

pub fn from_days(days: i32) -> i64 {
    i64::from(days).saturating_mul(DAY_US)
}

fn number(text: &[u8], length: usize) -> Option<(i64, &[u8])> {
    let (digits, rest) = text.split_at_checked(length)?;
    let number = digits
        .iter()
        .try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))?;
    Some((number, rest))
}
