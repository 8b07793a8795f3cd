//! The wires, sans-io: bytes and time in, steps out. No room below this one sees a descriptor.

pub mod postgres;
pub mod proxy;

/// The peer broke its protocol. `code` and `message` are what its own wire would say.
#[derive(Debug, PartialEq, Eq)]
pub struct PeerError {
    pub code: &'static str,
    pub message: String,
}

impl PeerError {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}
