//! PostgreSQL's wire: `frame` finds messages, `client` follows one client, `server` follows one server connection
//! and whose replies it owes, `pins` what ties the one to the other, `passing` follows what goes through as it is, `build`
//! writes the few messages that are ours.

pub mod build;
pub mod client;
mod content;
pub mod extended;
pub mod frame;
mod naming;
mod parameters;
pub mod passing;
pub mod pending;
pub mod pins;
pub mod server;
pub mod startup;

#[cfg(test)]
mod tests;
