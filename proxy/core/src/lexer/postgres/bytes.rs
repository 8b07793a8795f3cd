//! What a byte may begin or continue, as a table.

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Begins no token of PostgreSQL's. NUL ends a statement, `\v` is white space to some servers only.
    Unknown,
    Space,
    /// Letter, underscore, any byte above 0x7f.
    Letter,
    Digit,
    Quote,
    DoubleQuote,
    Dollar,
    Dot,
    Colon,
    Operator,
    Open,
    Close,
    Comma,
    Semicolon,
}

const fn class(byte: u8) -> Class {
    match byte {
        b' ' | b'\t' | b'\n' | b'\r' | 0x0c => Class::Space,
        b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => Class::Letter,
        b'0'..=b'9' => Class::Digit,
        b'\'' => Class::Quote,
        b'"' => Class::DoubleQuote,
        b'$' => Class::Dollar,
        b'.' => Class::Dot,
        b':' => Class::Colon,
        b'~' | b'!' | b'@' | b'#' | b'^' | b'&' | b'|' | b'`' | b'?' | b'+' | b'-' | b'*' | b'/' | b'%'
        | b'<' | b'>' | b'=' => Class::Operator,
        b'(' | b'[' => Class::Open,
        b')' | b']' => Class::Close,
        b',' => Class::Comma,
        b';' => Class::Semicolon,
        _ => Class::Unknown,
    }
}

const CLASSES: [Class; 256] = {
    let mut table = [Class::Unknown; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = class(byte as u8);
        byte += 1;
    }
    table
};

/// A word's bytes as the server folds them, zero for bytes that end a word. Letters above 0x7f stay as they are:
/// some servers fold them, but keeping them apart is never wrong.
pub(super) const FOLD: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        if matches!(class(byte as u8), Class::Letter | Class::Digit | Class::Dollar) {
            table[byte] = (byte as u8).to_ascii_lowercase();
        }
        byte += 1;
    }
    table
};

#[inline(always)]
pub(super) fn of(byte: u8) -> Class {
    CLASSES[byte as usize]
}

#[inline(always)]
pub(super) fn continues_word(byte: u8) -> bool {
    FOLD[byte as usize] != 0
}
