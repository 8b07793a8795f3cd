//! A server connection: its stream, its place in the pool, and what the wire knows of it.

use super::stream::Stream;
use crate::engine::tied::Tied;
use crate::pool::Seat;
use crate::slab::Id;
use crate::wire::postgres::server::Upstream;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    Tls,
    /// The brain logs us in.
    Login,
    Active,
    /// It is one client's for replication, and was never in a pool.
    Tied,
}

pub struct Server {
    pub id: Id,
    pub stream: Stream,
    pub ticket: u64,
    pub address: Box<str>,
    /// Our end of it.
    pub local: Box<str>,
    pub stage: Stage,
    pub input: Vec<u8>,
    pub up: Upstream,
    /// Of a replication connection.
    pub tied: Option<Box<Tied>>,
    pub pid: u32,
    pub secret: Box<[u8]>,
    /// Clients whose output is full while this one has more for them.
    pub blocked_by: Option<Id>,
    /// Cancel requests under way: until they are delivered it serves nobody else.
    pub cancels: u32,
    /// A cancel request that waits until nothing of ours runs before the statement it is for: its words, and who sent it.
    pub cancel_due: Option<(&'static str, Option<Id>)>,
    /// A shared one is looked at then: does anybody wait in vain for who is first on it?
    pub looked_at_ms: u64,
    /// Ends with the current user: something happened that must not meet another.
    pub doomed: bool,
    /// When the transaction that is open on it began; 0 where none is.
    pub began_us: u64,
    /// Shared since, and statements taken since: when others wait it is given up in time.
    pub shared_since_us: u64,
    pub rides: u32,
    /// Last, so that the place is free when everything else is gone.
    pub seat: Seat<Box<Server>>,
}
