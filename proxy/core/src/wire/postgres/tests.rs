//! Conversations between clients, the core and a server, without a socket: what each says and hears, line by line.
//! The notation is in `stage`. What cannot be told line by line is said of all conversations in `properties` and
//! checked against a small server of our own in `model`.

mod copy;
mod desync;
mod errors;
mod judged;
mod model;
mod names;
mod prepared;
mod properties;
mod settings;
mod shared;
mod stage;
mod units;
