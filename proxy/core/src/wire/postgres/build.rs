//! The few messages the core writes itself.

pub const PARSE_COMPLETE: &[u8] = b"1\0\0\0\x04";
pub const CLOSE_COMPLETE: &[u8] = b"3\0\0\0\x04";
pub const SYNC: &[u8] = b"S\0\0\0\x04";
pub const FLUSH: &[u8] = b"H\0\0\0\x04";
/// What is sent in place of a refused statement, so that the server, too, counts the transaction as failed.
pub const REFUSED: &[u8] = b"articdbm refused this statement";

pub fn message(out: &mut Vec<u8>, kind: u8, parts: &[&[u8]]) {
    let length = 4 + parts.iter().map(|part| part.len()).sum::<usize>();
    header(out, kind, length);
    for part in parts {
        out.extend_from_slice(part);
    }
}

/// A header alone, for a body that follows in pieces. `length` counts itself, as on the wire.
pub fn header(out: &mut Vec<u8>, kind: u8, length: usize) {
    out.push(kind);
    out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
}

pub fn ready(out: &mut Vec<u8>, status: u8) {
    out.extend_from_slice(&[b'Z', 0, 0, 0, 5, status]);
}

pub fn error(out: &mut Vec<u8>, severity: &str, code: &str, text: &str) {
    error_with(out, severity, code, text, "");
}

pub fn error_with(out: &mut Vec<u8>, severity: &str, code: &str, text: &str, detail: &str) {
    let fields = [(b'S', severity), (b'V', severity), (b'C', code), (b'M', text), (b'D', detail)];
    let mut body = Vec::with_capacity(64 + text.len() + detail.len());
    for (field, value) in fields.into_iter().filter(|(field, value)| *field != b'D' || !value.is_empty()) {
        body.push(field);
        body.extend(value.bytes().filter(|b| *b != 0));
        body.push(0);
    }
    body.push(0);
    message(out, b'E', &[&body]);
}

pub fn query(out: &mut Vec<u8>, sql: &[u8]) {
    message(out, b'Q', &[sql, b"\0"]);
}

/// A statement's name in Close or Describe.
pub fn named(out: &mut Vec<u8>, kind: u8, what: u8, name: &[u8]) {
    message(out, kind, &[&[what], name, b"\0"]);
}

/// A field of an ErrorResponse or NoticeResponse body.
pub fn field(body: &[u8], wanted: u8) -> Option<&[u8]> {
    let mut rest = body;
    while let Some((kind, after)) = rest.split_first() {
        if *kind == 0 {
            return None;
        }
        let (value, next) = super::frame::c_string(after)?;
        if *kind == wanted {
            return Some(value);
        }
        rest = next;
    }
    None
}
