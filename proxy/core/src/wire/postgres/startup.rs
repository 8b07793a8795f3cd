//! What a client may say before it is anybody: TLS, GSS, cancel, or its StartupMessage. All of it short.

use crate::wire::PeerError;

/// PostgreSQL's own bound.
const MAX: usize = 10_000;
const CANCEL: u32 = 80_877_102;
pub const SSL: u32 = 80_877_103;
pub const GSS: u32 = 80_877_104;

#[derive(Debug, PartialEq, Eq)]
pub enum First<'a> {
    More,
    /// Eight bytes: may we speak TLS?
    AskTls,
    /// Eight bytes: may we speak GSS?
    AskGss,
    /// A TLS ClientHello without asking first (PostgreSQL 17's `sslnegotiation=direct`).
    DirectTls,
    Cancel {
        pid: u32,
        secret: &'a [u8],
    },
    Startup {
        version: u32,
        body: &'a [u8],
        took: usize,
    },
}

pub fn first(input: &[u8]) -> Result<First<'_>, PeerError> {
    if input.first() == Some(&0x16) {
        return Ok(First::DirectTls);
    }
    let Some([a, b, c, d, e, f, g, h]) = input.first_chunk::<8>().copied() else {
        // The first byte of a length within bounds is zero; anything else is not PostgreSQL's.
        return match input.first() {
            Some(&n) if n != 0 => Err(PeerError::new("08P01", "invalid length of startup packet")),
            _ => Ok(First::More),
        };
    };
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    let code = u32::from_be_bytes([e, f, g, h]);
    if !(8..=MAX).contains(&length) {
        return Err(PeerError::new("08P01", "invalid length of startup packet"));
    }
    match (code, length) {
        (SSL, 8) => return Ok(First::AskTls),
        (GSS, 8) => return Ok(First::AskGss),
        (SSL | GSS, _) => return Err(PeerError::new("08P01", "invalid length of startup packet")),
        _ => {}
    }
    let Some(body) = input.get(8..length) else { return Ok(First::More) };
    if code == CANCEL {
        let Some((pid, secret)) = body.split_first_chunk::<4>() else {
            return Err(PeerError::new("08P01", "invalid length of query cancel packet"));
        };
        return Ok(First::Cancel { pid: u32::from_be_bytes(*pid), secret });
    }
    Ok(First::Startup { version: code, body, took: length })
}
