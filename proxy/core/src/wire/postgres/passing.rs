//! Follows a server's messages that pass as they are (replication): where one ends, so that a word of ours may come
//! between two, and whether the server rests or streams. Keeps a header at most, never a body.

use super::frame::from_server;
use crate::wire::PeerError;

const HEADER: usize = 5;

#[derive(Default)]
pub struct Passing {
    header: [u8; HEADER],
    /// Bytes of a header that is not complete.
    have: usize,
    /// Bytes of the message under way that are still to come.
    left: usize,
    /// The kind of the last message.
    last: u8,
    streams: bool,
}

impl Passing {
    /// Follows the bytes up to the end of the message under way: how many that is. Err: these are no messages.
    pub fn step(&mut self, bytes: &[u8]) -> Result<usize, PeerError> {
        if self.left > 0 {
            let passed = self.left.min(bytes.len());
            self.left -= passed;
            return Ok(passed);
        }
        let wanted = (HEADER - self.have).min(bytes.len());
        let header = self.header.get_mut(self.have..self.have + wanted).unwrap_or_default();
        header.copy_from_slice(bytes.get(..wanted).unwrap_or_default());
        self.have += wanted;
        if self.have < HEADER {
            return Ok(wanted);
        }
        let Some(header) = from_server(&self.header)? else { return Ok(wanted) };
        self.have = 0;
        self.last = header.kind;
        self.streams = header.kind == b'W' || (self.streams && header.kind != b'Z');
        let body = header.total - HEADER;
        let passed = body.min(bytes.len() - wanted);
        self.left = body - passed;
        Ok(wanted + passed)
    }

    /// Follows all of the bytes.
    pub fn pass(&mut self, bytes: &[u8]) -> Result<(), PeerError> {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..)
            && !rest.is_empty()
        {
            at += self.step(rest)?;
        }
        Ok(())
    }

    /// Between two messages.
    pub fn is_between(&self) -> bool {
        self.have == 0 && self.left == 0
    }

    /// Its last word was that it waits for a command.
    pub fn rests(&self) -> bool {
        self.is_between() && matches!(self.last, 0 | b'Z')
    }

    /// Between START_REPLICATION and its end: without end, and begun again without loss.
    pub fn streams(&self) -> bool {
        self.streams
    }

    /// It has said why it goes.
    pub fn has_failed(&self) -> bool {
        self.last == b'E'
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind];
        bytes.extend_from_slice(&(body.len() as u32 + 4).to_be_bytes());
        bytes.extend_from_slice(body);
        bytes
    }

    #[test]
    fn however_the_bytes_are_cut() {
        let all = [
            message(b'W', &[0, 0, 0]),
            message(b'd', &[7; 300]),
            message(b'c', &[]),
            message(b'C', b"COPY 0\0"),
            message(b'Z', b"I"),
        ]
        .concat();
        let ends = [8, 313, 318, 330, 336];
        for size in [1, 2, 3, 4, 5, 6, 7, 100, 336] {
            let mut passing = Passing::default();
            let mut at = 0;
            for piece in all.chunks(size) {
                passing.pass(piece).unwrap();
                at += piece.len();
                assert_eq!(passing.is_between(), ends.contains(&at), "{size} {at}");
                if passing.is_between() {
                    assert_eq!((passing.rests(), passing.streams()), (at == 336, at < 336), "{size} {at}");
                }
            }
        }
    }

    #[test]
    fn a_step_ends_with_a_message() {
        let bytes = [message(b'd', &[1; 10]), message(b'd', &[2; 10])].concat();
        let mut passing = Passing::default();
        assert_eq!(passing.step(&bytes[..7]), Ok(7));
        assert!(!passing.is_between());
        assert_eq!(passing.step(&bytes[7..]), Ok(8));
        assert!(passing.is_between());
    }

    #[test]
    fn what_is_no_message_is_refused() {
        assert!(Passing::default().pass(b"HTTP/1.1 400 Bad Request").is_err());
        assert!(Passing::default().pass(&[b'd', 0, 0, 0, 3]).is_err());
    }
}
