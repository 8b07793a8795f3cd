//! TLS without a socket: ciphertext in, plaintext out, and the other way round.
//!
//! Owns one connection's TLS state and the bytes that are not yet a whole record. It must not know
//! descriptors, messages or who may log in. `config` is what both ends are told, `records` drives rustls;
//! this file is one session.
//!
//! rustls is driven through its unbuffered interface: an idle session keeps no input buffer, and what is
//! sent is encrypted straight into the caller's output. Nothing is resumed, so a certificate is looked at
//! every time.

mod config;
mod records;
#[cfg(test)]
mod tests;

pub use config::{ClientTls, ServerTls};

use std::fmt;

use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;

use records::{close, encrypt, turn};

/// Input is taken in pieces of this size, and output is encrypted in such: one full record.
const PIECE: usize = 16 * 1024;
/// The most that may wait for its other half: a handshake message of 64 KiB and a record on top.
const MAX_PARTIAL: usize = 64 * 1024 + PIECE + 2048;
/// Plaintext that may be handed over before the handshake is done.
const MAX_EARLY: usize = 64 * 1024;
/// A buffer that ends up empty and larger than this is given back.
const KEEP: usize = 512;

/// What `receive` learned beside the plaintext.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// The peer has said that nothing more will come (close_notify).
    pub eof: bool,
}

/// One connection's TLS, either end. After an error only `take_output` is of use: it may hold the alert.
pub struct TlsSession {
    side: Side,
    /// Ciphertext that is not yet a whole record or handshake message.
    incoming: Vec<u8>,
    /// Ciphertext to be written.
    outgoing: Vec<u8>,
    /// Plaintext handed over during the handshake.
    early: Vec<u8>,
    peer_closed: bool,
    closing: bool,
    failed: bool,
}

enum Side {
    Server(Box<UnbufferedServerConnection>),
    Client(Box<UnbufferedClientConnection>),
}

impl TlsSession {
    /// The server's end of a new connection: it waits for a ClientHello.
    pub fn accept(tls: &ServerTls) -> Result<TlsSession, String> {
        let connection = UnbufferedServerConnection::new(tls.config.clone()).map_err(text)?;
        Ok(TlsSession::new(Side::Server(Box::new(connection))))
    }

    /// The client's end. The ClientHello lies ready in `take_output`.
    pub fn connect(tls: &ClientTls, server_name: &str) -> Result<TlsSession, String> {
        let name = tls.name(server_name)?;
        let connection = UnbufferedClientConnection::new(tls.config.clone(), name).map_err(text)?;
        let mut session = TlsSession::new(Side::Client(Box::new(connection)));
        session.run(&mut Vec::new())?;
        Ok(session)
    }

    fn new(side: Side) -> TlsSession {
        TlsSession {
            side,
            incoming: Vec::new(),
            outgoing: Vec::new(),
            early: Vec::new(),
            peer_closed: false,
            closing: false,
            failed: false,
        }
    }

    /// Take everything the peer sent; the plaintext that is complete is appended, never more than came in.
    /// What comes after either end's close_notify is dropped.
    pub fn receive(&mut self, cipher: &[u8], plain: &mut Vec<u8>) -> Result<Received, String> {
        for piece in cipher.chunks(PIECE) {
            self.usable()?;
            if self.peer_closed || self.closing {
                break;
            }
            self.incoming.extend_from_slice(piece);
            self.run(plain)?;
            if self.incoming.len() > MAX_PARTIAL {
                return Err(self.fail("the peer sent a TLS message that is too long".into()));
            }
        }
        self.usable()?;
        release(&mut self.incoming);
        Ok(Received { eof: self.peer_closed })
    }

    /// Encrypt for the peer; the ciphertext waits for `take_output`. Takes everything or fails. During the
    /// handshake up to 64 KiB are kept and go out at its end.
    pub fn send(&mut self, plain: &[u8]) -> Result<(), String> {
        let mut out = std::mem::take(&mut self.outgoing);
        let sent = self.seal(plain, &mut out);
        self.outgoing = out;
        sent
    }

    /// As `send` and `take_output` in one, without the copy between them.
    pub fn send_into(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        self.take_output(out);
        self.seal(plain, out)
    }

    /// Append the ciphertext that waits to be written.
    pub fn take_output(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.outgoing);
        release(&mut self.outgoing);
    }

    pub fn has_output(&self) -> bool {
        !self.outgoing.is_empty()
    }

    pub fn handshaking(&self) -> bool {
        self.state().is_handshaking()
    }

    /// The peer's own certificate (DER), once it has shown one that the mode asked for holds good.
    pub fn peer_certificate(&self) -> Option<Vec<u8>> {
        if self.handshaking() {
            return None;
        }
        let certificate = self.state().peer_certificates()?.first()?;
        Some(certificate.to_vec())
    }

    /// Protocol and cipher, for people.
    pub fn terms(&self) -> String {
        let state = self.state();
        match (state.protocol_version(), state.negotiated_cipher_suite()) {
            (Some(version), Some(suite)) => format!("{version:?}/{:?}", suite.suite()).replacen('_', ".", 1),
            _ => "handshake".to_owned(),
        }
    }

    /// The application protocol agreed on; None when the peer named none.
    pub fn alpn(&self) -> Option<&[u8]> {
        self.state().alpn_protocol()
    }

    /// Tell the peer that nothing more will come; what it says from here on is dropped. Before the end of
    /// the handshake, or after an error, there is nothing to tell.
    pub fn close_notify(&mut self) {
        if self.failed || self.closing || self.handshaking() {
            return;
        }
        let mut out = std::mem::take(&mut self.outgoing);
        let told = match &mut self.side {
            Side::Server(connection) => close(connection.as_mut(), &mut self.incoming, &mut out),
            Side::Client(connection) => close(connection.as_mut(), &mut self.incoming, &mut out),
        };
        self.outgoing = out;
        self.closing = true;
        self.failed = told.is_err();
    }

    fn state(&self) -> &rustls::CommonState {
        match &self.side {
            Side::Server(connection) => connection,
            Side::Client(connection) => connection,
        }
    }

    fn usable(&self) -> Result<(), String> {
        if self.failed {
            return Err("the TLS session has already failed".into());
        }
        Ok(())
    }

    fn fail(&mut self, reason: String) -> String {
        self.failed = true;
        self.incoming = Vec::new();
        self.early = Vec::new();
        reason
    }

    /// Let rustls work through the input, and what waited for the end of the handshake out after it.
    fn run(&mut self, plain: &mut Vec<u8>) -> Result<(), String> {
        let out = &mut self.outgoing;
        let turned = match &mut self.side {
            Side::Server(connection) => turn(connection.as_mut(), &mut self.incoming, plain, out),
            Side::Client(connection) => turn(connection.as_mut(), &mut self.incoming, plain, out),
        };
        match turned {
            Ok(closed) => self.peer_closed |= closed,
            Err(reason) => return Err(self.fail(reason)),
        }
        if !self.early.is_empty() && !self.handshaking() {
            let early = std::mem::take(&mut self.early);
            self.send(&early)?;
        }
        Ok(())
    }

    fn seal(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        self.usable()?;
        if self.closing {
            return Err("the TLS session is closing".into());
        }
        if self.handshaking() {
            if self.early.len() + plain.len() > MAX_EARLY {
                return Err(self.fail("too much to send before the TLS handshake is done".into()));
            }
            self.early.extend_from_slice(plain);
            return Ok(());
        }
        let incoming = &mut self.incoming;
        let sealed = match &mut self.side {
            Side::Server(connection) => encrypt(connection.as_mut(), incoming, plain, out),
            Side::Client(connection) => encrypt(connection.as_mut(), incoming, plain, out),
        };
        sealed.map_err(|reason| self.fail(reason))
    }
}

impl fmt::Debug for TlsSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = match self.side {
            Side::Server(_) => "server",
            Side::Client(_) => "client",
        };
        f.debug_struct("TlsSession").field("side", &side).finish_non_exhaustive()
    }
}

fn release(buffer: &mut Vec<u8>) {
    if buffer.is_empty() && buffer.capacity() > KEEP {
        *buffer = Vec::new();
    }
}

fn text(error: rustls::Error) -> String {
    error.to_string()
}
