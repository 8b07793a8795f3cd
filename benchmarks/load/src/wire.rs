//! PostgreSQL's wire as far as a client of these benchmarks needs it: building messages, finding messages, and the
//! socket they go through. Says nothing about what they mean.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::ops::Range;

use rustls::ClientConnection;

/// No reply these benchmarks ask for is longer.
const LONGEST: usize = 1 << 20;

/// Appends one message; `body` writes what follows the length.
pub fn message(out: &mut Vec<u8>, kind: u8, body: impl FnOnce(&mut Vec<u8>)) {
    out.push(kind);
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    body(out);
    let length = (out.len() - start) as u32;
    if let Some(place) = out.get_mut(start..start + 4) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

pub fn text(out: &mut Vec<u8>, value: &[u8]) {
    out.extend_from_slice(value);
    out.push(0);
}

/// Asks for TLS; the answer is one byte.
pub const ASK_TLS: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

pub fn startup(user: &str, database: &str) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend_from_slice(&(3u32 << 16).to_be_bytes());
    for (name, value) in
        [("user", user), ("database", database), ("application_name", "bench"), ("client_encoding", "UTF8")]
    {
        text(&mut body, name.as_bytes());
        text(&mut body, value.as_bytes());
    }
    body.push(0);
    let mut out = Vec::with_capacity(body.len() + 4);
    out.extend_from_slice(&((body.len() + 4) as u32).to_be_bytes());
    out.extend_from_slice(&body);
    out
}

pub fn int32(body: &[u8]) -> Option<i32> {
    body.first_chunk::<4>().map(|bytes| i32::from_be_bytes(*bytes))
}

/// The first column of a DataRow, when it has one that is not NULL.
pub fn first_column(body: &[u8]) -> Option<&[u8]> {
    let length = usize::try_from(int32(body.get(2..)?)?).ok()?;
    body.get(6..)?.get(..length)
}

/// `SQLSTATE message` of an ErrorResponse.
pub fn problem(body: &[u8]) -> String {
    let (mut code, mut said) = ("?????", "");
    for field in body.split(|byte| *byte == 0) {
        match field.split_first() {
            Some((b'C', value)) => code = std::str::from_utf8(value).unwrap_or("?????"),
            Some((b'M', value)) => said = std::str::from_utf8(value).unwrap_or("(not UTF-8)"),
            _ => {}
        }
    }
    format!("{code} {said}")
}

/// One socket with what has come of a message so far and what could not be sent yet, inside TLS where that was agreed.
pub struct Link {
    pub stream: TcpStream,
    tls: Option<Box<ClientConnection>>,
    incoming: Vec<u8>,
    taken: usize,
    outgoing: Vec<u8>,
}

impl Link {
    pub fn new(stream: TcpStream) -> Link {
        Link { stream, tls: None, incoming: Vec::new(), taken: 0, outgoing: Vec::new() }
    }

    /// Begins TLS: from now on everything goes through `session`.
    pub fn secure(&mut self, session: ClientConnection) -> io::Result<()> {
        self.tls = Some(Box::new(session));
        self.push().map(drop)
    }

    pub fn tls(&self) -> Option<&ClientConnection> {
        self.tls.as_deref()
    }

    /// The one byte that answers a request for TLS, read alone: what follows it is not ours to see.
    pub fn answer(&mut self) -> io::Result<Option<u8>> {
        let mut byte = [0];
        match self.stream.read(&mut byte) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => Ok(Some(byte[0])),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads once. False: the peer has closed.
    pub fn fill(&mut self, scratch: &mut [u8]) -> io::Result<bool> {
        match self.stream.read(scratch) {
            Ok(0) => Ok(false),
            Ok(count) => {
                self.take_in(scratch.get(..count).unwrap_or_default())?;
                Ok(true)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn take_in(&mut self, mut data: &[u8]) -> io::Result<()> {
        let Some(tls) = &mut self.tls else {
            self.incoming.extend_from_slice(data);
            return Ok(());
        };
        while !data.is_empty() {
            tls.read_tls(&mut data)?;
            let state =
                tls.process_new_packets().map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
            let start = self.incoming.len();
            self.incoming.resize(start + state.plaintext_bytes_to_read(), 0);
            tls.reader().read_exact(self.incoming.get_mut(start..).unwrap_or_default())?;
        }
        if tls.wants_write() { self.push().map(drop) } else { Ok(()) }
    }

    /// The next whole message: its kind and where `body` finds the rest of it.
    pub fn next(&mut self) -> Result<Option<(u8, Range<usize>)>, String> {
        let rest = self.incoming.get(self.taken..).unwrap_or_default();
        let Some((kind, length)) = rest.split_first().and_then(|(kind, rest)| Some((*kind, int32(rest)?)))
        else {
            return Ok(None);
        };
        let length = usize::try_from(length).unwrap_or(0);
        if !(4..=LONGEST).contains(&length) {
            return Err(format!("a message of kind {} and length {length}", kind.escape_ascii()));
        }
        if rest.len() < length + 1 {
            return Ok(None);
        }
        let start = self.taken + 5;
        self.taken += length + 1;
        Ok(Some((kind, start..self.taken)))
    }

    /// The next whole message of those that begin a conversation and have no kind: only the stub meets them.
    pub fn next_untyped(&mut self) -> Result<Option<Range<usize>>, String> {
        let rest = self.incoming.get(self.taken..).unwrap_or_default();
        let Some(length) = int32(rest) else {
            return Ok(None);
        };
        let length = usize::try_from(length).unwrap_or(0);
        if !(8..=LONGEST).contains(&length) {
            return Err(format!("a first message of length {length}"));
        }
        if rest.len() < length {
            return Ok(None);
        }
        let start = self.taken + 4;
        self.taken += length;
        Ok(Some(start..self.taken))
    }

    pub fn body(&self, place: &Range<usize>) -> &[u8] {
        self.incoming.get(place.clone()).unwrap_or_default()
    }

    /// Drops the messages that `next` has given. An idle link keeps no memory.
    pub fn forget_read(&mut self) {
        if self.taken == self.incoming.len() {
            self.incoming.clear();
        } else if self.taken > 0 {
            self.incoming.drain(..self.taken);
        }
        self.taken = 0;
    }

    pub fn shrink(&mut self) {
        self.incoming.shrink_to_fit();
        self.outgoing.shrink_to_fit();
    }

    /// Sends, keeping what the socket does not take. True: all of it is gone.
    pub fn send(&mut self, data: &[u8]) -> io::Result<bool> {
        if let Some(tls) = &mut self.tls {
            tls.writer().write_all(data)?;
            return self.push();
        }
        if !self.outgoing.is_empty() {
            self.outgoing.extend_from_slice(data);
            return self.flush();
        }
        let sent = write_some(&mut self.stream, data)?;
        self.outgoing.extend_from_slice(data.get(sent..).unwrap_or_default());
        Ok(self.outgoing.is_empty())
    }

    /// What TLS has to say goes behind what waits already.
    fn push(&mut self) -> io::Result<bool> {
        if let Some(tls) = &mut self.tls {
            while tls.wants_write() {
                tls.write_tls(&mut self.outgoing)?;
            }
        }
        self.flush()
    }

    pub fn flush(&mut self) -> io::Result<bool> {
        let sent = write_some(&mut self.stream, &self.outgoing)?;
        self.outgoing.drain(..sent);
        Ok(self.outgoing.is_empty())
    }
}

fn write_some(stream: &mut TcpStream, data: &[u8]) -> io::Result<usize> {
    let mut sent = 0;
    while let Some(rest) = data.get(sent..).filter(|rest| !rest.is_empty()) {
        match stream.write(rest) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => sent += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(sent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_carries_its_own_length() {
        let mut out = Vec::new();
        message(&mut out, b'Q', |body| text(body, b"select 1"));
        assert_eq!(out, b"Q\0\0\0\x0dselect 1\0");
    }

    #[test]
    fn a_startup_counts_itself() {
        let out = startup("app", "shop");
        assert_eq!(int32(&out), Some(out.len() as i32));
        assert!(out.ends_with(b"UTF8\0\0"));
    }

    #[test]
    fn an_error_is_told_by_its_code_and_message() {
        assert_eq!(problem(b"SERROR\0C28P01\0Mwrong password\0\0"), "28P01 wrong password");
    }

    #[test]
    fn the_first_column_is_absent_when_null_or_cut() {
        assert_eq!(first_column(b"\0\x01\0\0\0\x0242"), Some(&b"42"[..]));
        assert_eq!(first_column(b"\0\x01\xff\xff\xff\xff"), None);
        assert_eq!(first_column(b"\0\x01\0\0\0\x0942"), None);
        assert_eq!(first_column(b"\0\0"), None);
    }
}
