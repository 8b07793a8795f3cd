//! Driving rustls: whole records in, plaintext and records out.
//!
//! Owns the order in which rustls has to be asked. It must not know how long a session lives or what it is
//! for.

use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedConnectionCommon, UnbufferedStatus,
    WriteTraffic,
};

use super::{PIECE, text};

/// A piece of output is first given this much room beyond the plaintext: headers, tags, a key update.
const OVERHEAD: usize = 256;

/// The one thing rustls spells differently for each end.
pub(super) trait Records {
    type Data;

    fn process<'c, 'i>(&'c mut self, incoming: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data>;

    fn common(&self) -> &UnbufferedConnectionCommon<Self::Data>;
}

impl Records for UnbufferedServerConnection {
    type Data = ServerConnectionData;

    fn process<'c, 'i>(
        &'c mut self,
        incoming: &'i mut [u8],
    ) -> UnbufferedStatus<'c, 'i, ServerConnectionData> {
        self.process_tls_records(incoming)
    }

    fn common(&self) -> &UnbufferedConnectionCommon<ServerConnectionData> {
        self
    }
}

impl Records for UnbufferedClientConnection {
    type Data = ClientConnectionData;

    fn process<'c, 'i>(
        &'c mut self,
        incoming: &'i mut [u8],
    ) -> UnbufferedStatus<'c, 'i, ClientConnectionData> {
        self.process_tls_records(incoming)
    }

    fn common(&self) -> &UnbufferedConnectionCommon<ClientConnectionData> {
        self
    }
}

/// Work through `incoming` until rustls wants more of it. True: the peer has closed.
pub(super) fn turn<C: Records>(
    connection: &mut C,
    incoming: &mut Vec<u8>,
    plain: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Result<bool, String> {
    let mut done = 0;
    let mut closed = false;
    loop {
        let status = connection.process(incoming.get_mut(done..).unwrap_or_default());
        let mut discard = status.discard;
        let more = match status.state {
            Err(error) => {
                flush_alert(connection, out);
                return Err(text(error));
            }
            Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                while let Some(record) = traffic.next_record() {
                    let record = record.map_err(text)?;
                    plain.extend_from_slice(record.payload);
                    discard += record.discard;
                }
                true
            }
            Ok(ConnectionState::EncodeTlsData(encode)) => {
                encode_into(encode, out)?;
                true
            }
            Ok(ConnectionState::TransmitTlsData(transmit)) => {
                transmit.done();
                true
            }
            Ok(ConnectionState::PeerClosed) => {
                closed = true;
                false
            }
            Ok(_) => false,
        };
        done += discard;
        if !more {
            break;
        }
    }
    if closed {
        done = incoming.len();
    }
    incoming.drain(..done.min(incoming.len()));
    Ok(closed)
}

/// After an error rustls may hold an alert for the peer. It is asked without input: the faulty bytes, seen
/// twice, would be reported twice.
fn flush_alert<C: Records>(connection: &mut C, out: &mut Vec<u8>) {
    while connection.common().wants_write() {
        let Ok(ConnectionState::EncodeTlsData(encode)) = connection.process(&mut []).state else {
            return;
        };
        if encode_into(encode, out).is_err() {
            return;
        }
    }
}

fn encode_into<D>(mut encode: EncodeTlsData<'_, D>, out: &mut Vec<u8>) -> Result<(), String> {
    append(out, OVERHEAD, |room| {
        encode.encode(room).map_err(|error| match error {
            EncodeError::InsufficientSize(size) => Refused::Short(size.required_size),
            EncodeError::AlreadyEncoded => Refused::Failed(error.to_string()),
        })
    })
}

pub(super) fn encrypt<C: Records>(
    connection: &mut C,
    incoming: &mut [u8],
    plain: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), String> {
    write(connection, incoming, out, |traffic, out| {
        for piece in plain.chunks(PIECE) {
            append(out, piece.len() + OVERHEAD, |room| traffic.encrypt(piece, room).map_err(refused))?;
        }
        Ok(())
    })
}

pub(super) fn close<C: Records>(
    connection: &mut C,
    incoming: &mut [u8],
    out: &mut Vec<u8>,
) -> Result<(), String> {
    write(connection, incoming, out, |traffic, out| {
        append(out, OVERHEAD, |room| traffic.queue_close_notify(room).map_err(refused))
    })
}

/// Bring rustls to where it takes data. All input there is has been worked through, so no plaintext can
/// come.
fn write<C: Records>(
    connection: &mut C,
    incoming: &mut [u8],
    out: &mut Vec<u8>,
    then: impl FnOnce(&mut WriteTraffic<'_, C::Data>, &mut Vec<u8>) -> Result<(), String>,
) -> Result<(), String> {
    loop {
        match connection.process(incoming).state.map_err(text)? {
            ConnectionState::WriteTraffic(mut traffic) => return then(&mut traffic, out),
            ConnectionState::EncodeTlsData(encode) => encode_into(encode, out)?,
            ConnectionState::TransmitTlsData(transmit) => transmit.done(),
            _ => return Err("the TLS session does not take data".into()),
        }
    }
}

/// Why rustls wrote nothing.
enum Refused {
    Short(usize),
    Failed(String),
}

fn refused(error: EncryptError) -> Refused {
    match error {
        EncryptError::InsufficientSize(size) => Refused::Short(size.required_size),
        EncryptError::EncryptExhausted => Refused::Failed(error.to_string()),
    }
}

/// Let `write` append to `out`: `room` bytes are offered, or what it says it needs.
fn append(
    out: &mut Vec<u8>,
    mut room: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, Refused>,
) -> Result<(), String> {
    let start = out.len();
    loop {
        out.resize(start + room, 0);
        let written = write(out.get_mut(start..).unwrap_or_default());
        match written {
            Ok(length) => {
                out.truncate(start + length);
                return Ok(());
            }
            Err(Refused::Short(needed)) if needed > room => room = needed,
            Err(Refused::Short(_)) => {
                out.truncate(start);
                return Err("the TLS session cannot be written".into());
            }
            Err(Refused::Failed(reason)) => {
                out.truncate(start);
                return Err(reason);
            }
        }
    }
}
