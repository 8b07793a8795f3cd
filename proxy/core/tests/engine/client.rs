//! A client on a real socket. It never waits: who reads for it takes turns meanwhile.

use crate::words::{query, take, tell};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

pub enum Next {
    Message(String),
    Nothing,
    End,
}

pub struct Client {
    pub stream: TcpStream,
    pub input: Vec<u8>,
    /// Process number and secret, for a cancel request.
    pub key: Vec<u8>,
    unsent: Vec<u8>,
}

impl Client {
    pub fn new(stream: TcpStream) -> Self {
        Self { stream, input: Vec::new(), key: Vec::new(), unsent: Vec::new() }
    }

    /// Sends as much as the kernel takes now; `push` sends the rest.
    pub fn send(&mut self, bytes: &[u8]) {
        self.unsent.extend_from_slice(bytes);
        self.push();
    }

    pub fn push(&mut self) -> usize {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(n) => drop(self.unsent.drain(..n)),
                Err(_) => break,
            }
        }
        self.unsent.len()
    }

    pub fn say(&mut self, text: &str) {
        self.send(&query(text));
    }

    pub fn read(&mut self) -> bool {
        let mut chunk = [0; 65_536];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => return false,
                Ok(n) => self.input.extend_from_slice(&chunk[..n]),
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
    }

    pub fn next(&mut self) -> Next {
        self.push();
        let open = self.read();
        match take(&mut self.input) {
            Some((b'K', body)) => {
                self.key = body;
                Next::Message("K".to_owned())
            }
            Some((b'R', _)) => Next::Message("R".to_owned()),
            Some((kind, body)) => Next::Message(tell(kind, &body)),
            None if open => Next::Nothing,
            None => Next::End,
        }
    }
}
