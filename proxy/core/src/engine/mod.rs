//! One carrier: its connections, and one turn of work on them. Every ready socket is read once, output is collected
//! per peer, and each peer is sent to once. Knows no wire's messages; those are below `wire/`.

mod cancels;
mod commands;
mod deadlines;
mod drain;
mod lanes;
mod listing;
mod login;
mod looks;
mod pins;
mod relay;
mod replies;
mod slow;
#[cfg(test)]
mod tests;
pub mod tied;

use crate::busiest::Die;
use crate::conn::client::{Client, Link, Stage};
use crate::conn::server::Server;
use crate::conn::stream::{HIGH, Spare};
use crate::conn::tls::ServerTls;
use crate::lexer::Literal;
use crate::plan;
use crate::poll::{self, Poll, PollSet, Ready};
use crate::shared::{CarrierStats, Shared};
use crate::slab::{Id, Slab};
use crate::wheel::Wheel;
use crate::wire::postgres::server::{Done, Lost};
use crate::wire::proxy::Network;
use cancels::Cancel;
pub use deadlines::Clock;
use hashbrown::HashMap;
pub use listing::Walk;
use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// What one read takes at most.
const SCRATCH: usize = 128 * 1024;
/// How often pools are looked after.
const TEND_MS: u64 = 100;

const WAKE: u64 = 0;
const LISTENER: u64 = 1;
const CLIENT: u64 = 2;
const SERVER: u64 = 3;

/// An epoll token or a timer's: what kind of thing, and which.
fn token(kind: u64, id: Id) -> u64 {
    kind << 56 | (id.0 & 0x00ff_ffff_ffff_ffff)
}

struct Listener {
    number: u32,
    fd: OwnedFd,
    tls: Option<Arc<ServerTls>>,
    /// Who comes from there says first, in the PROXY protocol, on whose behalf.
    proxies: Arc<[Network]>,
    /// Accepting stopped for want of descriptors; tried again when pools are tended.
    resting: bool,
}

/// Why a client goes.
pub enum End {
    /// It left, or its socket broke.
    Gone(String),
    /// It is told why.
    Error { code: &'static str, message: String },
    /// It is told in these very bytes.
    Said(Vec<u8>),
}

impl End {
    fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::Error { code, message: message.into() }
    }
}

impl From<crate::wire::PeerError> for End {
    fn from(error: crate::wire::PeerError) -> Self {
        Self::error(error.code, error.message)
    }
}

pub struct Engine {
    index: usize,
    shared: Arc<Shared>,
    poll: Poll,
    set: PollSet,
    listeners: Vec<Listener>,
    clients: Slab<Box<Client>>,
    servers: Slab<Box<Server>>,
    /// Connections of each pool that clients of this carrier share now.
    sharing: HashMap<u32, Vec<Id>>,
    /// Which connection a cancel request under way is for, and who asked.
    cancels: HashMap<u64, Cancel>,
    plans: plan::Copy,
    literals: Vec<Literal>,
    scratch: Vec<u8>,
    plain: Vec<u8>,
    spare: Spare,
    ready: Vec<Ready>,
    dones: Vec<Done>,
    resumed: VecDeque<Id>,
    dirty_clients: Vec<Id>,
    dirty_servers: Vec<Id>,
    /// A connection just granted to the client that is worked on.
    granted: Option<Box<Server>>,
    /// The process is to stop: no new transaction begins.
    draining: bool,
    slow: slow::Bound,
    die: Die,
    wheel: Wheel,
    expired: Vec<u64>,
    next_tend_ms: u64,
    now_us: u64,
    now_ms: u64,
    looks: looks::Looks,
    /// Many came at once in this turn.
    crowded: bool,
}

impl Engine {
    pub fn new(index: usize, poll: Poll, shared: Arc<Shared>) -> Result<Self, String> {
        let set = PollSet(poll.raw());
        let wake = shared.inboxes.get(index).ok_or("no inbox for this carrier")?.wake.raw();
        set.add(wake, WAKE << 56, poll::READ).map_err(|error| error.to_string())?;
        let carrier = u8::try_from(index).map_err(|_| "too many carriers")?;
        let now_us = shared.now_us();
        Ok(Self {
            index,
            poll,
            set,
            listeners: Vec::new(),
            clients: Slab::new(carrier, 0),
            servers: Slab::new(carrier, 1),
            sharing: HashMap::new(),
            cancels: HashMap::new(),
            plans: plan::Copy::default(),
            literals: Vec::new(),
            scratch: vec![0; SCRATCH],
            plain: Vec::new(),
            spare: Spare::default(),
            ready: Vec::with_capacity(512),
            dones: Vec::new(),
            resumed: VecDeque::new(),
            dirty_clients: Vec::new(),
            dirty_servers: Vec::new(),
            granted: None,
            draining: false,
            slow: slow::Bound::default(),
            die: Die::default(),
            wheel: Wheel::new(now_us / 1000),
            expired: Vec::new(),
            next_tend_ms: 0,
            now_us,
            now_ms: now_us / 1000,
            looks: looks::Looks::default(),
            crowded: false,
            shared,
        })
    }

    fn stats(&self) -> &CarrierStats {
        &self.shared.stats[self.index]
    }

    fn id(&self, token: u64) -> Id {
        Id((self.index as u64) << 56 | (token & 0x00ff_ffff_ffff_ffff))
    }

    /// Waits for work at most so long, and does it.
    pub fn turn(&mut self, timeout_ms: i32) {
        let mut timeout = timeout_ms;
        let idle = self.next_tend_ms.saturating_sub(self.now_ms).min(TEND_MS);
        for bound in
            [self.wheel.next_ms(self.now_ms), (self.index == 0).then_some(idle)].into_iter().flatten()
        {
            let bound = i32::try_from(bound).unwrap_or(i32::MAX);
            timeout = if timeout < 0 { bound } else { timeout.min(bound) };
        }
        let mut ready = std::mem::take(&mut self.ready);
        if let Err(error) = self.poll.wait(timeout, &mut ready) {
            self.shared.tell(crate::border::Event::Fault { message: format!("epoll: {error}") });
        }
        self.now_us = self.shared.now_us();
        self.now_ms = self.now_us / 1000;
        self.stats().turns.add(1);
        self.crowded = ready.len() >= lanes::CROWD;
        for event in &ready {
            self.guarded(event.token, |engine| engine.dispatch(*event));
        }
        self.look_again(&mut ready);
        self.ready = ready;
        self.expire();
        if self.index == 0 && self.now_ms >= self.next_tend_ms {
            self.next_tend_ms = self.now_ms + TEND_MS;
            self.guarded(WAKE << 56, Self::tend);
        }
        self.guarded(WAKE << 56, Self::flush);
    }

    /// Something is ready and waits for a turn.
    pub fn is_woken(&mut self) -> bool {
        let mut ready = Vec::new();
        self.poll.wait(0, &mut ready).is_ok_and(|()| !ready.is_empty())
    }

    /// A panic is a defect of ours: it costs the connection it happened on, and is reported.
    fn guarded(&mut self, token: u64, work: impl FnOnce(&mut Self)) {
        let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(self))) else { return };
        let text =
            panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        let message = format!("panic in the core: {}", text.unwrap_or("without a message"));
        self.stats().panics.add(1);
        self.shared.tell(crate::border::Event::Fault { message });
        self.granted = None;
        self.dones.clear();
        if self.scratch.is_empty() {
            self.scratch = vec![0; SCRATCH];
        }
        let id = self.id(token);
        let _ = catch_unwind(AssertUnwindSafe(|| {
            if token >> 56 == SERVER
                && let Some(server) = self.servers.take(id)
            {
                self.lose(server, Lost::Desync("a defect in the core"));
            }
            self.clear_up();
        }));
    }

    /// After a defect: clients that were in hand are gone, and so are connections; who was tied to one is told.
    fn clear_up(&mut self) {
        for id in self.clients.ids() {
            if self.clients.is_lent(id) {
                self.clients.remove(id);
                self.shared.tell(crate::border::Event::Closed { conn: id, reason: "a defect".to_owned() });
                self.lose_servers_of(id);
                continue;
            }
            let Some(client) = self.clients.get(id) else { continue };
            if let Link::Held(lane) | Link::Shared(lane) | Link::Tied(lane) = client.link
                && self.servers.get(lane).is_none()
                && let Some(mut client) = self.clients.take(id)
            {
                client.link = Link::None;
                self.end_client(client, End::error("XX000", "the server connection was lost in a defect"));
            }
        }
    }

    fn dispatch(&mut self, event: Ready) {
        let id = self.id(event.token);
        match event.token >> 56 {
            WAKE => self.drain_inbox(),
            LISTENER => self.accept(id.slot()),
            CLIENT => self.client_ready(id, event.events),
            _ => self.server_ready(id, event.events),
        }
        self.resume_all();
    }

    fn client_ready(&mut self, id: Id, events: u32) {
        if events & poll::WRITE != 0 {
            self.dirty_clients.push(id);
        }
        if events & (poll::READ | poll::HANGUP) == 0 {
            return;
        }
        let Some(mut client) = self.clients.take(id) else { return };
        let result = match client.stage {
            Stage::Tied => self.read_tied_client(&mut client),
            _ => self.read_client(&mut client),
        };
        client.stream.ask_again(events, self.set);
        self.settle_client(client, result);
    }

    /// Puts a client back after work on it, or ends it.
    fn settle_client(&mut self, mut client: Box<Client>, result: Result<(), End>) {
        match result {
            Ok(()) => {
                self.watch_clock(&mut client);
                // Not for being encrypted alone: with half a message in hand it would come back here for ever.
                let tls = client.stream.tls.as_ref();
                if !client.stream.out.is_empty() || tls.is_some_and(|tls| tls.has_output()) {
                    self.mark_client(&mut client);
                }
                self.clients.put(client.id, client);
            }
            Err(end) => self.end_client(client, end),
        }
    }

    fn mark_client(&mut self, client: &mut Client) {
        if !client.stream.dirty {
            client.stream.dirty = true;
            self.dirty_clients.push(client.id);
        }
    }

    fn mark_server(&mut self, server: &mut Server) {
        if !server.stream.dirty {
            server.stream.dirty = true;
            self.dirty_servers.push(server.id);
        }
    }

    /// One send to everybody who has something coming.
    fn flush(&mut self) {
        while !(self.dirty_clients.is_empty() && self.dirty_servers.is_empty()) {
            while let Some(id) = self.dirty_servers.pop() {
                self.flush_server(id);
            }
            while let Some(id) = self.dirty_clients.pop() {
                self.flush_client(id);
            }
        }
    }

    fn flush_client(&mut self, id: Id) {
        let Some(client) = self.clients.get(id) else { return };
        client.stream.dirty = false;
        let result = client.stream.flush(self.set, &mut self.spare);
        let (left, stage) = (client.stream.waiting(), client.stage);
        let idle = client.is_idle();
        let taken = if result.is_ok() { client.flushed(left, self.now_us) } else { None };
        if let Some(taken) = taken {
            self.tell_taken(*taken);
        }
        let Some(client) = self.clients.get(id) else { return };
        match result {
            Ok(sent) => {
                self.shared.stats[self.index].bytes_out.add(sent as u64);
                if let Some(pool) = &client.pool {
                    pool.stats[self.index].sent.add(sent as u64);
                }
            }
            Err(error) => {
                if let Some(client) = self.clients.take(id) {
                    self.end_client(client, End::Gone(error));
                }
                return;
            }
        }
        if stage == Stage::Closing {
            if left == 0 {
                self.clients.remove(id);
            }
            return;
        }
        if left <= HIGH / 2 && matches!(stage, Stage::Active | Stage::Tied) {
            self.unblock(id, idle);
        }
    }

    fn flush_server(&mut self, id: Id) {
        let Some(server) = self.servers.get(id) else { return };
        server.stream.dirty = false;
        let before = server.stream.waiting();
        let result = server.stream.flush(self.set, &mut self.spare);
        let (left, owner) = (server.stream.waiting(), server.up.owner);
        let tied = server.tied.is_some();
        if let Err(error) = result {
            if let Some(server) = self.servers.take(id) {
                self.lost_stream(server, error);
            }
            return;
        }
        // Its client may have been held up by what could not be sent.
        if before > HIGH
            && left <= HIGH
            && let Some(owner) = owner
        {
            if tied { self.unblock_tied(owner) } else { self.resume(owner) }
        }
    }

    /// Ends every connection and says so to nobody: the process stops.
    pub fn close_all(&mut self) {
        for id in self.clients.ids() {
            drop(self.clients.remove(id));
        }
        for id in self.servers.ids() {
            drop(self.servers.remove(id));
        }
        for pool in self.shared.pools() {
            drop(pool.recycle());
        }
        self.listeners.clear();
    }
}
