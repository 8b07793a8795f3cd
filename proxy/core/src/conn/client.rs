//! A client: its stream, how far it is, what it waits for, and the connection it holds.

use super::stream::Stream;
use crate::border::Slow;
use crate::engine::Clock;
use crate::settings::Settings;
use crate::shared::{ServerPool, Shared};
use crate::slab::Id;
use crate::wire::postgres::client::Session;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// Nothing is known of it yet; TLS may have been agreed.
    First,
    /// The brain has its StartupMessage and talks with it.
    Login,
    Active,
    /// It replicates, on a connection of its own: what it says and hears passes as it is.
    Tied,
    /// It asked to cancel another's statement; closed when that is done.
    Cancelling,
    /// To be closed once its output is sent.
    Closing,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    None,
    Plan,
    /// In the pool's queue; `ride` is the length of a unit that may share.
    Pool {
        ride: Option<usize>,
    },
    Answer {
        ticket: u64,
    },
    /// Replies on a shared connection are still to come.
    Replies,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Link {
    None,
    Held(Id),
    Shared(Id),
    /// Until one of them goes.
    Tied(Id),
}

/// Counts a client for as long as it lives, however it ends.
pub struct Presence {
    shared: Arc<Shared>,
    /// The brain's own sessions are no clients.
    counted: bool,
    pool: Option<(Arc<ServerPool>, usize)>,
}

impl Presence {
    pub fn new(shared: &Arc<Shared>) -> Self {
        shared.clients.fetch_add(1, Relaxed);
        Self { shared: Arc::clone(shared), counted: true, pool: None }
    }

    pub fn own(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared), counted: false, pool: None }
    }

    pub fn join(&mut self, pool: &Arc<ServerPool>, carrier: usize) {
        if let Some(stats) = pool.stats.get(carrier) {
            stats.clients.add(1);
            self.pool = Some((Arc::clone(pool), carrier));
        }
    }

    pub fn leave(&mut self) {
        if let Some((pool, carrier)) = self.pool.take()
            && let Some(stats) = pool.stats.get(carrier)
        {
            stats.clients.add(-1);
        }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.leave();
        self.shared.clients.fetch_sub(usize::from(self.counted), Relaxed);
    }
}

pub struct Client {
    pub id: Id,
    pub presence: Presence,
    pub stream: Stream,
    pub listener: u32,
    pub peer: Option<Box<str>>,
    pub stage: Stage,
    /// Bytes that are not dealt with.
    pub input: Vec<u8>,
    pub session: Session,
    pub pool: Option<Arc<ServerPool>>,
    pub base: u32,
    /// Those that matter, of which its address is.
    pub networks: Arc<[Box<str>]>,
    pub scope: u32,
    /// Settings in force, and those it began with.
    pub settings: Arc<Settings>,
    pub startup: Arc<Settings>,
    /// Settings with what an open transaction has changed: what the next statement means.
    pub meant: Arc<Settings>,
    pub link: Link,
    /// The last status of ReadyForQuery.
    pub status: u8,
    pub wait: Wait,
    pub waiting_since_us: u64,
    /// How long the statement in hand waited for a connection.
    pub waited_us: u64,
    /// Since when it has not taken all that is there for it (0: it has), and for how long before that, of late.
    pub stuck_since_us: u64,
    pub stuck_us: u64,
    /// A statement that is told of when it has: it ended at the server then.
    pub slow: Option<Box<(u64, Slow)>>,
    /// When it came, and when it was last heard.
    pub since_us: u64,
    pub heard_us: u64,
    /// The last unit, kept while it can be run again: on a shared connection always.
    pub again: Vec<u8>,
    /// It was its turn in the queue: it may join a shared connection while others still wait.
    pub called: bool,
    /// It already was run again.
    pub repeated: bool,
    pub deadline_ms: u64,
    pub armed_ms: u64,
    pub clock: Clock,
    /// Replies on its own connection are still to come.
    pub running: bool,
    /// What it is told besides its replies, until the message under way is through.
    pub aside: Vec<u8>,
    /// The brain has answered it: it hears of its end.
    pub asked: bool,
    /// Its statement waits until its settings hold on the connection.
    pub settling: bool,
    /// Its statement is over its time, and the server is asked to stop it.
    pub stopping: bool,
    /// It has hung up; what it said before is still dealt with.
    pub leaving: bool,
    /// The process is to stop, and what this client has begun is still to be finished.
    pub finishing: bool,
    pub key_bytes: u8,
    /// Of the process at the other end of a Unix socket.
    pub uid: Option<u32>,
    /// A PROXY protocol header has to come first.
    pub proxied: bool,
    pub asked_tls: bool,
    pub asked_gss: bool,
    /// While it logs in: the brain has its last message and says the next word.
    pub spoke: bool,
}

impl Client {
    pub fn new(id: Id, presence: Presence, stream: Stream, listener: u32, peer: String, now_us: u64) -> Self {
        let settings = Arc::clone(&presence.shared.no_settings);
        Self {
            id,
            presence,
            stream,
            listener,
            peer: Some(peer.into()),
            stage: Stage::First,
            input: Vec::new(),
            session: Session::default(),
            pool: None,
            base: 0,
            networks: Arc::default(),
            scope: 0,
            startup: Arc::clone(&settings),
            meant: Arc::clone(&settings),
            settings,
            link: Link::None,
            status: b'I',
            wait: Wait::None,
            waiting_since_us: 0,
            waited_us: 0,
            stuck_since_us: 0,
            stuck_us: 0,
            slow: None,
            since_us: now_us,
            heard_us: now_us,
            again: Vec::new(),
            called: false,
            repeated: false,
            deadline_ms: 0,
            armed_ms: u64::MAX,
            clock: Clock::Login,
            running: false,
            aside: Vec::new(),
            asked: false,
            settling: false,
            stopping: false,
            leaving: false,
            finishing: false,
            key_bytes: 4,
            uid: None,
            proxied: false,
            asked_tls: false,
            asked_gss: false,
            spoke: false,
        }
    }

    /// Free of the connection it shared.
    pub fn unlink(&mut self) {
        self.link = Link::None;
        self.wait = Wait::None;
        self.deadline_ms = 0;
        self.session.unit_done(true, b'I');
    }

    /// Free of the connection, and the last unit is the next again.
    pub fn ask_again(&mut self) {
        self.unlink();
        self.put_back();
        self.repeated = true;
    }

    /// The unit that is kept is the next to deal with.
    pub fn put_back(&mut self) {
        let mut unit = std::mem::take(&mut self.again);
        unit.append(&mut self.input);
        self.input = unit;
    }

    /// Its output was flushed, and so much is left of it. All of it taken: a statement that waited for that.
    pub fn flushed(&mut self, left: usize, now_us: u64) -> Option<Box<(u64, Slow)>> {
        if left > 0 {
            if self.stuck_since_us == 0 {
                self.stuck_since_us = now_us;
            }
            return None;
        }
        if self.stuck_since_us > 0 && self.slow.is_none() {
            self.stuck_us += now_us.saturating_sub(self.stuck_since_us);
        }
        self.stuck_since_us = 0;
        self.slow.take()
    }

    /// A client that may be kept waiting for nothing more than its own next statement.
    pub fn is_idle(&self) -> bool {
        self.stage == Stage::Active && self.wait == Wait::None && self.input.is_empty()
    }
}

#[cfg(test)]
mod tests {
    /// An idle client without TLS may cost 4 KiB resident; what is allocated for it is well below.
    #[test]
    fn an_idle_client_is_small() {
        assert!(size_of::<super::Client>() <= 640, "{}", size_of::<super::Client>());
    }
}
