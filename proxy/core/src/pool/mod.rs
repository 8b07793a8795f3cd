//! Pools: who may have a server connection, and who waits for one. The whole process shares them; the lock is held
//! for a few instructions and never across a system call. Knows neither wires nor descriptors: `C` is a connection.

mod config;
mod stats;

pub use config::{Mode, PoolConfig};
pub use stats::PoolStats;

use crate::slab::Id;
use arc_swap::{ArcSwap, Guard};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// At most so many who wait are passed over by one who may ride where they may not.
const PASSED_OVER: usize = 63;

/// How many connections a group of pools (one cluster's) holds together.
#[derive(Default)]
pub struct Group {
    pub live: AtomicUsize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Waiter {
    pub client: Id,
    pub since_ms: u64,
    /// What it waits with may ride on a shared connection.
    pub shares: bool,
}

/// Whether connections are given out. Who comes while they are not waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Hold {
    #[default]
    None,
    /// Connections are kept.
    Suspended,
    /// Each connection closes when it is free.
    Paused,
}

impl Hold {
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "none" => Some(Self::None),
            "suspended" => Some(Self::Suspended),
            "paused" => Some(Self::Paused),
            _ => None,
        }
    }
}

struct Idle<C> {
    conn: C,
    carrier: usize,
    since_ms: u64,
    born_ms: u64,
}

struct Inner<C> {
    idle: Vec<Idle<C>>,
    /// Connections that are in or were asked for. Each that is in holds a seat.
    live: usize,
    /// Asked for: an admitted connection or a failure answers.
    opening: usize,
    waiters: VecDeque<Waiter>,
    hold: Hold,
    /// As configured: while connections are held back nobody shares one.
    sharing: bool,
    /// Connections of an older era that have not closed yet.
    old: usize,
    /// Before this time no connection is asked for: the last one failed.
    retry_ms: u64,
    failure: Option<(String, String)>,
    /// What the last attempt failed of, while none has succeeded since.
    trouble: Option<String>,
}

pub struct Pool<C> {
    pub id: u32,
    config: ArcSwap<PoolConfig>,
    inner: Mutex<Inner<C>>,
    group: Arc<Group>,
    waiting: AtomicUsize,
    /// Those of them who may ride on a shared connection.
    riders: AtomicUsize,
    /// Connections of an older era close when they fall idle.
    era: AtomicU32,
    /// Prepared statements of an older schema are prepared anew.
    pub schema: AtomicU32,
    pub stats: Box<[PoolStats]>,
}

pub enum Take<C> {
    Got(C),
    /// Queued; `open` more connections are wanted from the brain.
    Wait {
        open: usize,
    },
    /// The queue is at its bound.
    Full,
    /// There is no connection and the last attempt failed for good.
    Failed(String, String),
}

pub enum Give<C> {
    Kept,
    /// Somebody waits: the connection is theirs.
    For(Waiter, C),
    /// Too old, or too many: close it.
    Surplus(C),
}

/// A live connection's place in its pool; dropping it frees the place.
pub struct Seat<C> {
    pool: Arc<Pool<C>>,
    admitted: bool,
    pub era: u32,
    pub born_ms: u64,
}

impl<C> Seat<C> {
    pub fn pool(&self) -> &Arc<Pool<C>> {
        &self.pool
    }

    /// The server accepted the log-in: from now on it is a connection, not an attempt.
    pub fn admit(&mut self, now_ms: u64) {
        self.admitted = true;
        self.born_ms = now_ms;
        let mut inner = self.pool.lock();
        if inner.opening > 0 {
            inner.opening -= 1;
        } else {
            // Nobody asked: the brain opened it ahead of need.
            inner.live += 1;
            self.pool.group.live.fetch_add(1, Relaxed);
        }
        inner.failure = None;
        inner.trouble = None;
        inner.retry_ms = 0;
        if self.era != self.pool.era.load(Relaxed) {
            inner.old += 1;
        }
    }

    pub fn current(&self, now_ms: u64) -> bool {
        let lifetime = self.pool.config().server_lifetime_ms;
        let young = lifetime == 0 || now_ms.saturating_sub(self.born_ms) < lifetime;
        young && self.era == self.pool.era.load(Relaxed)
    }
}

impl<C> Drop for Seat<C> {
    fn drop(&mut self) {
        if self.admitted {
            let mut inner = self.pool.lock();
            inner.live = inner.live.saturating_sub(1);
            self.pool.group.live.fetch_sub(1, Relaxed);
            if self.era != self.pool.era.load(Relaxed) {
                inner.old = inner.old.saturating_sub(1);
            }
        }
    }
}

impl<C> Pool<C> {
    pub fn new(id: u32, config: PoolConfig, group: Arc<Group>, carriers: usize) -> Self {
        let sharing = config.sharing;
        Self {
            id,
            config: ArcSwap::from_pointee(config),
            inner: Mutex::new(Inner {
                idle: Vec::new(),
                live: 0,
                opening: 0,
                waiters: VecDeque::new(),
                hold: Hold::None,
                sharing,
                old: 0,
                retry_ms: 0,
                failure: None,
                trouble: None,
            }),
            group,
            waiting: AtomicUsize::new(0),
            riders: AtomicUsize::new(0),
            era: AtomicU32::new(0),
            schema: AtomicU32::new(0),
            stats: (0..carriers.max(1)).map(|_| PoolStats::default()).collect(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner<C>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn config(&self) -> Guard<Arc<PoolConfig>> {
        self.config.load()
    }

    pub fn configure(&self, mut config: PoolConfig) {
        let mut inner = self.lock();
        inner.sharing = config.sharing;
        config.sharing &= inner.hold == Hold::None;
        self.config.store(Arc::new(config));
    }

    /// Gives connections out no more, or again. Idle ones that are to close are given back, and those for who waited.
    pub fn hold(&self, hold: Hold) -> (Vec<C>, Vec<(Waiter, C)>) {
        let mut ended = Vec::new();
        if hold == Hold::Paused {
            // What has been given out is of yesterday from here on: it closes when it is free.
            ended = self.recycle();
        }
        let mut inner = self.lock();
        inner.hold = hold;
        let mut config = PoolConfig::clone(&self.config());
        config.sharing = inner.sharing && hold == Hold::None;
        self.config.store(Arc::new(config));
        // One may have fallen idle in between.
        if hold == Hold::Paused {
            ended.extend(inner.idle.drain(..).map(|idle| idle.conn));
        }
        let mut granted = Vec::new();
        if hold == Hold::None {
            inner.failure = None;
            inner.retry_ms = 0;
            while let Some(carrier) = inner.waiters.front().map(|waiter| waiter.client.carrier())
                && let Some(conn) = inner.pop_idle(carrier)
                && let Some(waiter) = inner.waiters.pop_front()
            {
                granted.push((waiter, conn));
            }
            self.count(&inner);
        }
        (ended, granted)
    }

    /// How long the first in the queue has waited.
    pub fn oldest_ms(&self, now_ms: u64) -> u64 {
        self.lock().waiters.front().map_or(0, |waiter| now_ms.saturating_sub(waiter.since_ms))
    }

    /// Connections that a RECONNECT, or a changed configuration, left to close.
    pub fn old(&self) -> usize {
        self.lock().old
    }

    /// What `of` makes of a carrier's idle connections, at most `count` of them after the first `skip`.
    pub fn peek<R>(&self, carrier: usize, skip: usize, count: usize, of: impl Fn(&C) -> R) -> Vec<R> {
        let inner = self.lock();
        let own = inner.idle.iter().filter(|idle| idle.carrier == carrier);
        own.skip(skip).take(count).map(|idle| of(&idle.conn)).collect()
    }

    /// Connections of before close when they fall idle; the idle ones are given back to be closed now.
    pub fn recycle(&self) -> Vec<C> {
        let mut inner = self.lock();
        self.era.fetch_add(1, Relaxed);
        inner.old = inner.live.saturating_sub(inner.opening);
        inner.failure = None;
        inner.retry_ms = 0;
        inner.idle.drain(..).map(|idle| idle.conn).collect()
    }

    pub fn waiting(&self) -> usize {
        self.waiting.load(Relaxed)
    }

    /// Whether somebody waits who could ride: whoever comes now comes after them.
    pub fn riders_wait(&self) -> bool {
        self.riders.load(Relaxed) > 0
    }

    /// The queue was changed at several places.
    fn count(&self, inner: &Inner<C>) {
        self.waiting.store(inner.waiters.len(), Relaxed);
        self.riders.store(inner.waiters.iter().filter(|waiter| waiter.shares).count(), Relaxed);
    }

    /// One has left the queue.
    fn left(&self, inner: &Inner<C>, waiter: &Waiter) {
        self.waiting.store(inner.waiters.len(), Relaxed);
        self.riders.fetch_sub(usize::from(waiter.shares), Relaxed);
    }

    /// (live, idle, opening)
    pub fn counts(&self) -> (usize, usize, usize) {
        let inner = self.lock();
        (inner.live, inner.idle.len(), inner.opening)
    }

    /// A connection for `waiter`, or a place in the queue. An idle connection of the caller's own carrier is
    /// preferred, for it need not move.
    pub fn take(&self, waiter: Waiter, now_ms: u64) -> Take<C> {
        let config = self.config();
        let mut inner = self.lock();
        if inner.waiters.is_empty()
            && inner.hold == Hold::None
            && let Some(conn) = inner.pop_idle(waiter.client.carrier())
        {
            return Take::Got(conn);
        }
        if let Some((code, message)) = &inner.failure
            && inner.live == 0
            && now_ms < inner.retry_ms
        {
            return Take::Failed(code.clone(), message.clone());
        }
        if config.max_waiting > 0 && inner.waiters.len() >= config.max_waiting {
            return Take::Full;
        }
        inner.waiters.push_back(waiter);
        self.waiting.store(inner.waiters.len(), Relaxed);
        self.riders.fetch_add(usize::from(waiter.shares), Relaxed);
        Take::Wait { open: self.reserve(&mut inner, &config, now_ms) }
    }

    /// An idle connection if there is one and nobody waits; never queues.
    pub fn try_take(&self, carrier: usize) -> Option<C> {
        let mut inner = self.lock();
        if inner.waiters.is_empty() && inner.hold == Hold::None { inner.pop_idle(carrier) } else { None }
    }

    /// Connections that may be opened now for those who wait. Each is counted as live from here on.
    fn reserve(&self, inner: &mut Inner<C>, config: &PoolConfig, now_ms: u64) -> usize {
        if now_ms < inner.retry_ms || inner.hold != Hold::None {
            return 0;
        }
        let waited = inner.waiters.front().map_or(0, |w| now_ms.saturating_sub(w.since_ms));
        let size = config.size + if waited >= config.reserve_after_ms { config.reserve } else { 0 };
        // What a server refused for good it is asked for again when somebody needs it, and not for the stock.
        let least = if inner.failure.is_some() { 0 } else { config.min_size };
        let wanted = inner.waiters.len().max(least.saturating_sub(inner.live - inner.opening));
        let mut open = 0;
        while inner.opening < wanted && inner.live < size && inner.opening < config.max_opening() {
            let group = &self.group.live;
            if group.fetch_add(1, Relaxed) >= config.group_size && config.group_size > 0 {
                group.fetch_sub(1, Relaxed);
                break;
            }
            inner.live += 1;
            inner.opening += 1;
            open += 1;
        }
        open
    }

    /// Connections to open now for those who wait.
    pub fn wanted(&self, now_ms: u64) -> usize {
        let config = self.config();
        self.reserve(&mut self.lock(), &config, now_ms)
    }

    /// One more connection would help those who share: true when it may be opened.
    pub fn grow(&self, now_ms: u64) -> bool {
        let config = self.config();
        let inner = &mut *self.lock();
        let held = inner.hold != Hold::None;
        if held || inner.opening > 0 || inner.live >= config.size || now_ms < inner.retry_ms {
            return false;
        }
        if self.group.live.fetch_add(1, Relaxed) >= config.group_size && config.group_size > 0 {
            self.group.live.fetch_sub(1, Relaxed);
            return false;
        }
        inner.live += 1;
        inner.opening += 1;
        true
    }

    /// The seat of a connection that logs in. It counts once it is admitted.
    pub fn seat(self: &Arc<Self>, now_ms: u64) -> Seat<C> {
        Seat { pool: Arc::clone(self), admitted: false, era: self.era.load(Relaxed), born_ms: now_ms }
    }

    /// Why there may be too few connections: what the last attempt failed of.
    pub fn trouble(&self) -> Option<String> {
        self.lock().trouble.clone()
    }

    /// An attempt ended before it had a connection. Those who wait are given back when the failure is final.
    pub fn failed(&self, code: &str, message: &str, finally: bool, retry_ms: u64) -> Vec<Waiter> {
        let mut inner = self.lock();
        if inner.opening > 0 {
            inner.opening -= 1;
            inner.live = inner.live.saturating_sub(1);
            self.group.live.fetch_sub(1, Relaxed);
        }
        inner.retry_ms = retry_ms;
        inner.trouble = Some(message.to_owned());
        if !finally || inner.hold != Hold::None {
            return Vec::new();
        }
        inner.failure = Some((code.to_owned(), message.to_owned()));
        if inner.live > inner.opening {
            return Vec::new();
        }
        self.waiting.store(0, Relaxed);
        self.riders.store(0, Relaxed);
        inner.waiters.drain(..).collect()
    }

    /// A connection is free. It goes to who waits longest, else it stays idle, else it is one too many.
    pub fn give(&self, conn: C, carrier: usize, born_ms: u64, keep: bool, now_ms: u64) -> Give<C> {
        let config = self.config();
        let mut inner = self.lock();
        let size = config.size + if inner.waiters.is_empty() { 0 } else { config.reserve };
        if !keep || inner.live > size || inner.hold == Hold::Paused {
            return Give::Surplus(conn);
        }
        if inner.hold == Hold::None
            && let Some(waiter) = inner.waiters.pop_front()
        {
            self.left(&inner, &waiter);
            return Give::For(waiter, conn);
        }
        inner.idle.push(Idle { conn, carrier, since_ms: now_ms, born_ms });
        Give::Kept
    }

    /// The next in the queue of this carrier who may ride on a shared connection, and whether nobody was passed over.
    /// Others ahead of it are passed over only if `past` says so, and only some.
    pub fn next_rider(&self, carrier: usize, past: bool) -> Option<(Waiter, bool)> {
        let mut inner = self.lock();
        if inner.hold != Hold::None {
            return None;
        }
        let looked_at = if past { PASSED_OVER + 1 } else { 1 };
        let rides = |waiter: &Waiter| waiter.shares && waiter.client.carrier() == carrier;
        let at = inner.waiters.iter().take(looked_at).position(rides)?;
        let waiter = inner.waiters.remove(at)?;
        self.left(&inner, &waiter);
        Some((waiter, at == 0))
    }

    /// The carrier of who waits longest.
    pub fn front_carrier(&self) -> Option<usize> {
        self.lock().waiters.front().map(|waiter| waiter.client.carrier())
    }

    /// A client gave up waiting.
    pub fn leave(&self, client: Id) {
        let mut inner = self.lock();
        inner.waiters.retain(|waiter| waiter.client != client);
        self.count(&inner);
    }

    /// The idle connection that `is` picks out, if it is still idle.
    pub fn claim(&self, is: impl Fn(&C) -> bool) -> Option<C> {
        let mut inner = self.lock();
        let at = inner.idle.iter().position(|idle| is(&idle.conn))?;
        Some(inner.idle.swap_remove(at).conn)
    }

    /// Every idle connection that `is` picks out.
    pub fn claim_all(&self, is: impl Fn(&C) -> bool) -> Vec<C> {
        let mut inner = self.lock();
        let mut found = Vec::new();
        let mut at = 0;
        while at < inner.idle.len() {
            if is(&inner.idle[at].conn) {
                found.push(inner.idle.swap_remove(at).conn);
            } else {
                at += 1;
            }
        }
        found
    }

    /// What time brings: idle connections past their time to close, and how many new ones to open.
    pub fn tend(&self, now_ms: u64) -> (Vec<C>, usize) {
        let config = self.config();
        let mut inner = self.lock();
        let mut ended = Vec::new();
        let mut at = 0;
        while at < inner.idle.len() {
            let idle = &inner.idle[at];
            let rested =
                config.server_idle_ms > 0 && now_ms.saturating_sub(idle.since_ms) >= config.server_idle_ms;
            let aged = config.server_lifetime_ms > 0
                && now_ms.saturating_sub(idle.born_ms) >= config.server_lifetime_ms;
            let above = inner.live - ended.len() > config.min_size;
            // Nobody waits where a connection is idle, so the reserve is not in use.
            let in_all = inner.live - inner.opening - ended.len();
            if aged || (rested && above) || in_all > config.size {
                ended.push(inner.idle.swap_remove(at).conn);
            } else {
                at += 1;
            }
        }
        let open = self.reserve(&mut inner, &config, now_ms);
        (ended, open)
    }

    /// One idle connection to close, because another pool of the group needs the place.
    pub fn yield_idle(&self) -> Option<C> {
        let mut inner = self.lock();
        let keep = self.config().min_size;
        if inner.live > keep { inner.idle.pop().map(|idle| idle.conn) } else { None }
    }

    /// Somebody waits, nothing is being opened for them, and the pool itself would have room.
    pub fn starved(&self) -> bool {
        let config = self.config();
        let inner = self.lock();
        let starves = inner.hold == Hold::None && config.group_size > 0;
        starves && !inner.waiters.is_empty() && inner.opening == 0 && inner.live < config.size
    }
}

impl<C> Inner<C> {
    fn pop_idle(&mut self, carrier: usize) -> Option<C> {
        let own = self.idle.iter().rposition(|idle| idle.carrier == carrier);
        let at = own.or(self.idle.len().checked_sub(1))?;
        Some(self.idle.remove(at).conn)
    }
}

#[cfg(test)]
mod tests;
