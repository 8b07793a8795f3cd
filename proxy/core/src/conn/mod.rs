//! Connections: a byte stream (TLS or not) with bounded output, and who is at the other end.

pub mod client;
pub mod server;
pub mod stream;
pub mod tls;
