//! One socket: bytes in, bytes out, TLS in between where it was agreed. Output that the kernel does not take waits
//! here; above a bound the other side is read no further.

use super::tls::TlsSession;
use crate::poll::{self, PollSet, Received};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

/// Output waiting above this stops the reading that feeds it.
pub const HIGH: usize = 256 * 1024;
/// Buffers kept for reuse by a carrier.
const SPARE: usize = 256;
/// A buffer grown beyond this is not kept.
const SPARE_BYTES: usize = 64 * 1024;

pub enum Read {
    Nothing,
    End(String),
    Bytes(usize),
}

#[derive(Default)]
pub struct Spare(Vec<Vec<u8>>);

impl Spare {
    pub fn get(&mut self) -> Vec<u8> {
        self.0.pop().unwrap_or_default()
    }

    pub fn put(&mut self, mut buffer: Vec<u8>) {
        if buffer.capacity() > 0 && buffer.capacity() <= SPARE_BYTES && self.0.len() < SPARE {
            buffer.clear();
            self.0.push(buffer);
        }
    }
}

pub struct Stream {
    fd: OwnedFd,
    token: u64,
    /// What epoll watches for.
    watched: u32,
    pub tls: Option<Box<TlsSession>>,
    /// Plain bytes for the peer.
    pub out: Vec<u8>,
    /// Encrypted bytes for the peer.
    sealed: Vec<u8>,
    /// How much of `out` (or `sealed`) the kernel has taken.
    sent: usize,
    pub paused: bool,
    /// It carries a stream without end: its buffers are kept, however large.
    pub streams: bool,
    /// The last read took all it could: there may be more.
    more: bool,
    /// On the carrier's list of those to flush.
    pub dirty: bool,
}

impl Stream {
    pub fn new(fd: OwnedFd, token: u64) -> Self {
        Self {
            fd,
            token,
            watched: 0,
            tls: None,
            out: Vec::new(),
            sealed: Vec::new(),
            sent: 0,
            paused: false,
            streams: false,
            more: false,
            dirty: false,
        }
    }

    pub fn raw(&self) -> RawFd {
        self.fd.as_raw_fd()
    }

    pub fn register(&mut self, set: PollSet) -> io::Result<()> {
        self.watched = poll::READ;
        set.add(self.raw(), self.token, self.watched | poll::EDGE)
    }

    /// Leaves one carrier's set and joins another's.
    pub fn move_to(&mut self, from: PollSet, to: PollSet, token: u64) -> io::Result<()> {
        from.remove(self.raw())?;
        self.token = token;
        self.register(to)
    }

    /// Bytes from the peer: into `scratch`, or decrypted into `plain` (which then holds them all).
    pub fn read(&mut self, scratch: &mut [u8], plain: &mut Vec<u8>) -> Read {
        self.more = false;
        let n = match poll::receive(self.raw(), scratch) {
            Received::Bytes(n) => n,
            Received::Nothing => return Read::Nothing,
            Received::End => return Read::End("connection closed by peer".to_owned()),
            Received::Failed(error) => return Read::End(error.to_string()),
        };
        self.more = n == scratch.len();
        let Some(tls) = &mut self.tls else { return Read::Bytes(n) };
        plain.clear();
        match tls.receive(scratch.get(..n).unwrap_or_default(), plain) {
            Ok(received) if received.eof && plain.is_empty() => {
                Read::End("connection closed by peer".to_owned())
            }
            Ok(_) => Read::Bytes(plain.len()),
            Err(error) => {
                // The peer is told what is wrong before we hang up.
                tls.take_output(&mut self.sealed);
                let _ = poll::send(self.raw(), &self.sealed);
                Read::End(format!("TLS: {error}"))
            }
        }
    }

    /// How long the way to the peer and back takes at least.
    pub fn way_us(&self) -> u64 {
        poll::way_us(self.raw())
    }

    pub fn waiting(&self) -> usize {
        self.out.len() + self.sealed.len() - self.sent
    }

    /// Bytes for the peer: straight to the kernel where nothing waits, else behind what does. What the kernel took; where
    /// that is not all, `flush` goes on when it takes more.
    pub fn pass(&mut self, set: PollSet, bytes: &[u8]) -> io::Result<usize> {
        if self.tls.is_some() || self.out.len() > self.sent {
            self.out.extend_from_slice(bytes);
            return Ok(0);
        }
        let taken = poll::send(self.fd.as_raw_fd(), bytes)?;
        if taken < bytes.len() {
            self.out.extend_from_slice(bytes.get(taken..).unwrap_or_default());
            self.watch(set);
        }
        Ok(taken)
    }

    /// One send of what waits. Err: the peer is gone.
    pub fn flush(&mut self, set: PollSet, spare: &mut Spare) -> Result<usize, String> {
        if let Some(tls) = &mut self.tls {
            if self.out.is_empty() || tls.handshaking() {
                tls.take_output(&mut self.sealed);
            } else {
                tls.send_into(&self.out, &mut self.sealed)?;
                self.out.clear();
            }
        }
        let sealed = self.tls.is_some();
        let buffer = if sealed { &mut self.sealed } else { &mut self.out };
        let mut written = 0;
        if self.sent < buffer.len() {
            let rest = buffer.get(self.sent..).unwrap_or_default();
            written = poll::send(self.fd.as_raw_fd(), rest).map_err(|error| error.to_string())?;
            self.sent += written;
        }
        if self.sent == buffer.len() {
            self.sent = 0;
            buffer.clear();
            if self.streams {
                return Ok(self.watched_after(set, written));
            }
            let empty = std::mem::take(buffer);
            spare.put(empty);
            if sealed && self.out.is_empty() {
                spare.put(std::mem::take(&mut self.out));
            }
        } else if self.sent > HIGH {
            buffer.drain(..self.sent);
            self.sent = 0;
        }
        Ok(self.watched_after(set, written))
    }

    fn watched_after(&mut self, set: PollSet, written: usize) -> usize {
        self.watch(set);
        written
    }

    /// After a read that these events asked for: have what it left told of again. While paused that is `resume`'s to do.
    pub fn ask_again(&mut self, events: u32, set: PollSet) {
        if (self.more || events & poll::ENDED != 0) && self.watched & poll::READ != 0 {
            let _ = set.change(self.raw(), self.token, self.watched | poll::EDGE);
        }
    }

    pub fn pause(&mut self, set: PollSet) {
        self.paused = true;
        self.watch(set);
    }

    pub fn resume(&mut self, set: PollSet) {
        self.paused = false;
        self.watch(set);
    }

    fn watch(&mut self, set: PollSet) {
        let unsent =
            if self.tls.is_some() { self.sealed.len() > self.sent } else { self.out.len() > self.sent };
        let wanted = if self.paused { 0 } else { poll::READ } | if unsent { poll::WRITE } else { 0 };
        if wanted != self.watched && set.change(self.raw(), self.token, wanted | poll::EDGE).is_ok() {
            self.watched = wanted;
        }
    }
}
