//! Finding messages: a kind, a length, a body. Decides from the header; never asks for a body it does not need.

use crate::wire::PeerError;

/// The largest message PostgreSQL takes.
const MAX: usize = 0x3fff_ffff;
/// The largest of those whose content is small by nature (PostgreSQL's own bound).
const SMALL: usize = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub kind: u8,
    /// Bytes of the whole message, kind and length included.
    pub total: usize,
}

fn header(input: &[u8]) -> Option<Header> {
    let [kind, a, b, c, d] = *input.first_chunk::<5>()?;
    Some(Header { kind, total: (u32::from_be_bytes([a, b, c, d]) as usize).saturating_add(1) })
}

/// The next message of a client that is logged in.
pub fn from_client(input: &[u8]) -> Result<Option<Header>, PeerError> {
    let Some(kind) = input.first().copied() else { return Ok(None) };
    let most = match kind {
        b'Q' | b'P' | b'B' | b'F' | b'd' => MAX,
        b'D' | b'E' | b'C' | b'H' | b'S' | b'X' | b'c' | b'f' => SMALL,
        _ => return Err(PeerError::new("08P01", format!("invalid frontend message type {kind}"))),
    };
    let Some(header) = header(input) else { return Ok(None) };
    if header.total < 5 || header.total > most + 1 {
        return Err(PeerError::new("08P01", "invalid message length"));
    }
    if matches!(kind, b'S' | b'H' | b'c') && header.total != 5 {
        return Err(PeerError::new("08P01", "invalid message format"));
    }
    Ok(Some(header))
}

/// The next message of a client that logs in: only `p`, and never long.
pub fn from_login(input: &[u8]) -> Result<Option<Header>, PeerError> {
    match input.first() {
        None => Ok(None),
        Some(b'p' | b'X') => match header(input) {
            Some(h) if h.total < 5 || h.total > 65_536 => {
                Err(PeerError::new("08P01", "invalid message length"))
            }
            other => Ok(other),
        },
        Some(_) => Err(PeerError::new("08P01", "expected password response")),
    }
}

/// The next message of a server. None while the header is not complete; Err when it cannot be one.
pub fn from_server(input: &[u8]) -> Result<Option<Header>, PeerError> {
    match header(input) {
        Some(h) if h.total < 5 || h.total > MAX + 1 || !h.kind.is_ascii_alphanumeric() => {
            Err(PeerError::new("08P01", "the server sent what is not a message"))
        }
        other => Ok(other),
    }
}

/// The bytes up to a NUL, and what follows it.
pub fn c_string(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = input.iter().position(|b| *b == 0)?;
    Some((input.get(..end)?, input.get(end + 1..)?))
}
