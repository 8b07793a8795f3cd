//! Engines over real sockets, in one thread and without Python: who gets which connection, who waits, who is told
//! what, and that nothing is left behind.

mod bounds;
mod client;
mod console;
mod drain;
mod house;
mod login;
mod server;
mod sessions;
mod statements;
mod storm;
mod tied;
mod words;
