//! Which client has which server connection: taking one, sharing one, giving it back, losing it.

use super::relay::Direct;
use super::{End, Engine, SERVER, token};
use crate::border::Event;
use crate::conn::client::{Client, Link, Wait};
use crate::conn::server::{Server, Stage};
use crate::inbox::Post;
use crate::pool::{Give, Mode, Take, Waiter};
use crate::shared::ServerPool;
use crate::slab::Id;
use crate::wire::postgres::build;
use crate::wire::postgres::client::Step;
use crate::wire::postgres::frame;
use crate::wire::postgres::pending::Kind;
use crate::wire::postgres::server::Lost;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// A shared connection on which what is under way takes no longer than this is joined though an idle one would be
/// free: sending together costs less than waking another backend. A slow statement has its connection for itself.
const JOIN_NS: u64 = 200_000;
/// The same where many come at once: then it is the proxy that they would wait for.
const JOIN_CROWDED_NS: u64 = 1_000_000;
/// So many sockets are ready in one turn then.
pub(super) const CROWD: usize = 8;
/// More units are under way on no connection that is joined first.
const JOIN_MOST: u64 = 16;
/// In a full pool so many ride on a connection, however slow it is.
const CALLED: usize = 4;
/// A shared connection whose oldest unit is under way for so long is joined by nobody.
const STUCK_US: u64 = 5_000;
/// When others wait for a connection of their own, a shared one is given up after so long or so many.
const TURN_US: u64 = 10_000;
const TURN_UNITS: u32 = 512;
/// A unit for the brain is at most so long.
const MAX_ASKED: usize = 64 * 1024;

pub(super) enum Acquired {
    /// The client holds a connection now.
    Own,
    /// So many bytes went out on a shared one.
    Rode(usize),
    Waiting,
    /// Its plan was forgotten a moment ago.
    Unplanned,
    /// So many bytes went to the brain, which answers.
    Asked(usize),
    /// The unit is not all here.
    Unfinished,
}

impl Engine {
    /// A connection for the client's next statement.
    pub(super) fn acquire(
        &mut self,
        client: &mut Client,
        ride: Option<usize>,
        input: &[u8],
    ) -> Result<Acquired, End> {
        let Some(pool) = client.pool.clone() else { return self.ask_brain(client, input) };
        let config = pool.config();
        let ride = ride.filter(|_| config.sharing && config.mode != Mode::Session && !client.session.pinned);
        if let Some(server) = self.granted.take() {
            return self.occupy(client, server, ride, input);
        }
        let called = std::mem::take(&mut client.called);
        // Who waits came first, or those in the queue would wait for as long as others come.
        if let Some(length) = ride
            && (called || !pool.riders_wait())
        {
            let depth = config.share_depth.max(1);
            let (best, patience) = (self.best_shared(&pool, client), self.patience_ns());
            if let Some((id, units)) = best
                && units < self.servers.get(id).map_or(0, |server| join_first(server, patience)).min(depth)
            {
                return self.join(client, id, length, input);
            }
            if let Some(server) = pool.try_take(self.index) {
                return self.occupy(client, server, ride, input);
            }
            if let Some((id, units)) = best
                && units < depth
            {
                if pool.grow(self.now_ms) {
                    self.shared.tell(Event::ServerNeeded { pool: pool.id });
                }
                return self.join(client, id, length, input);
            }
        }
        let waiter = Waiter { client: client.id, since_ms: self.now_ms, shares: ride.is_some() };
        match pool.take(waiter, self.now_ms) {
            Take::Got(server) => self.occupy(client, server, ride, input),
            Take::Wait { open } => {
                self.ask_servers(&pool, open);
                Ok(Acquired::Waiting)
            }
            Take::Full => {
                Err(End::error("53300", "too many clients wait for a server connection (max_waiting)"))
            }
            Take::Failed(code, message) => Err(End::Said(fatal(&code, &message))),
        }
    }

    /// A client without a pool: the brain answers a whole unit of the extended protocol.
    fn ask_brain(&mut self, client: &mut Client, input: &[u8]) -> Result<Acquired, End> {
        let mut at = 0;
        while let Some(header) = frame::from_client(input.get(at..).unwrap_or_default())? {
            at += header.total;
            if at > MAX_ASKED || !matches!(header.kind, b'P' | b'B' | b'D' | b'E' | b'C' | b'H' | b'S') {
                return Err(End::error("0A000", "this database takes administrative commands only"));
            }
            if at > input.len() {
                break;
            }
            if matches!(header.kind, b'H' | b'S') {
                let unit = input.get(..at).unwrap_or_default().to_vec();
                let (conn, ticket, base) = (client.id, self.shared.ticket(), client.base);
                client.wait = Wait::Answer { ticket };
                self.shared.tell(Event::UnitNeeded { conn, ticket, base, unit });
                return Ok(Acquired::Asked(at));
            }
        }
        Ok(Acquired::Unfinished)
    }

    pub(super) fn ask_servers(&mut self, pool: &Arc<ServerPool>, count: usize) {
        for _ in 0..count {
            self.shared.tell(Event::ServerNeeded { pool: pool.id });
        }
    }

    /// The shared connection with the least under way that this client's statement may join.
    fn best_shared(&mut self, pool: &ServerPool, client: &Client) -> Option<(Id, usize)> {
        let (crowded, patience) = (pool.waiting() > 0, self.patience_ns());
        let schema = pool.schema.load(Relaxed);
        let mut best: Option<(Id, usize)> = None;
        let mut packed: Option<(Id, usize)> = None;
        for id in self.sharing.get(&pool.id)? {
            let Some(server) = self.servers.get(*id) else { continue };
            let units = server.up.units;
            let stuck =
                server.up.oldest_us().is_some_and(|since| self.now_us.saturating_sub(since) > STUCK_US);
            let over = is_over(server, self.now_us);
            let fits = Arc::ptr_eq(&server.up.applied, &client.settings)
                && !(server.up.purge || server.doomed)
                && server.up.schema == schema
                && server.seat.current(self.now_ms);
            if !fits || stuck || (crowded && over) || server.cancels > 0 {
                continue;
            }
            if best.is_none_or(|(_, least)| units < least) {
                best = Some((*id, units));
            }
            // What is sent to it in this turn goes in one send: nothing is gained by spreading it.
            let open = server.stream.dirty && units < join_first(server, patience);
            if open && packed.is_none_or(|(_, most)| units > most) {
                packed = Some((*id, units));
            }
        }
        packed.or(best)
    }

    /// How long a statement may wait behind others though an idle connection is free.
    fn patience_ns(&self) -> u64 {
        if self.crowded { JOIN_CROWDED_NS } else { JOIN_NS }
    }

    /// A connection from the pool: for this client alone, or shared from now on.
    fn occupy(
        &mut self,
        client: &mut Client,
        mut server: Box<Server>,
        ride: Option<usize>,
        input: &[u8],
    ) -> Result<Acquired, End> {
        self.note_wait(client, server.seat.pool());
        if server.id.carrier() != self.index && self.bring_here(&mut server).is_err() {
            self.discard(server);
            return Err(End::error("08006", "the server connection could not be taken over"));
        }
        let (id, pool) = (server.id, Arc::clone(server.seat.pool()));
        let settled = self.prepare(client, &mut server);
        match ride.filter(|_| settled) {
            None => {
                self.keep_unit(client, input);
                server.up.owner = Some(client.id);
                server.up.no_transactions = pool.config().mode == Mode::Statement;
                client.link = Link::Held(id);
                client.settling = !settled;
                if client.settling {
                    client.wait = Wait::Replies;
                }
                pool.stats[self.index].linked.add(1);
                self.servers.put(id, server);
                Ok(Acquired::Own)
            }
            Some(length) => {
                server.up.owner = None;
                server.shared_since_us = self.now_us;
                server.rides = 0;
                self.servers.put(id, server);
                self.sharing.entry(pool.id).or_default().push(id);
                pool.stats[self.index].sharing.add(1);
                let rode = self.join(client, id, length, input);
                if let Some(mut server) = self.servers.take(id) {
                    self.call_riders(&mut server);
                    self.servers.put(id, server);
                }
                rode
            }
        }
    }

    /// The client has its connection: how long it waited for it.
    fn note_wait(&self, client: &mut Client, pool: &ServerPool) {
        if client.waiting_since_us > 0 {
            client.waited_us = self.now_us.saturating_sub(client.waiting_since_us);
            pool.stats[self.index].wait.record(client.waited_us);
            client.waiting_since_us = 0;
        }
    }

    /// Those next in the queue who may ride on this shared connection come along.
    pub(super) fn call_riders(&mut self, server: &mut Server) {
        let pool = server.seat.pool();
        if pool.waiting() == 0 {
            return;
        }
        let stuck = server.up.oldest_us().is_some_and(|since| self.now_us.saturating_sub(since) > STUCK_US);
        // Called sooner than that they would wait behind this one, instead of going to whichever is free next.
        let soon = join_first(server, self.patience_ns()).min(pool.config().share_depth);
        let most = if stuck { CALLED } else { soon.max(CALLED) };
        for _ in server.up.units..most {
            // Who waits for a connection of its own, or elsewhere, waits for the end of this one's turn.
            let past = !is_over(server, self.now_us);
            let Some((waiter, first)) = pool.next_rider(self.index, past) else { return };
            if first {
                server.shared_since_us = self.now_us;
                server.rides = 0;
            }
            if let Some(client) = self.clients.get(waiter.client) {
                client.wait = Wait::None;
                client.called = true;
            }
            self.resumed.push_back(waiter.client);
        }
    }

    /// Moves a connection from another carrier's epoll set to ours.
    fn bring_here(&mut self, server: &mut Server) -> Result<(), ()> {
        let id = self.servers.reserve().ok_or(())?;
        let from = *self.shared.sets.get(server.id.carrier()).ok_or(())?;
        let old = std::mem::replace(&mut server.id, id);
        server.looked_at_ms = 0;
        self.shared.post(old.carrier(), Post::Moved(old));
        server.stream.move_to(from, self.set, token(SERVER, id)).map_err(drop)
    }

    /// Brings the session on the connection to what the client's is. False: its statement has to wait until that is
    /// certain, for with a setting that was not brought along it could do what it must not.
    pub(super) fn prepare(&mut self, client: &Client, server: &mut Server) -> bool {
        let up = &mut server.up;
        let mut harmless = true;
        let schema = server.seat.pool().schema.load(Relaxed);
        let mut sql = String::new();
        // What a pinned client prepared in SQL is its own: only the pool's connections are purged.
        if !client.session.pinned && (up.purge || up.schema != schema) {
            if !up.prepared.is_empty() || up.purge {
                sql.push_str("DEALLOCATE ALL;");
                up.prepared.clear();
            }
            up.schema = schema;
            up.purge = false;
        }
        if !Arc::ptr_eq(&up.applied, &client.settings) {
            harmless = up.applied.is_harmless_to(&client.settings);
            sql.push_str(&up.applied.steps_to(&client.settings));
            up.applied = Arc::clone(&client.settings);
        }
        if !sql.is_empty() {
            up.push(client.id, Kind::Setup, None, self.now_us);
            build::query(&mut server.stream.out, sql.as_bytes());
            self.mark_server(server);
        }
        harmless
    }

    /// Sends one whole unit on a shared connection.
    fn join(&mut self, client: &mut Client, id: Id, length: usize, input: &[u8]) -> Result<Acquired, End> {
        let Some(mut server) = self.servers.take(id) else {
            return Err(End::error("08006", "the server connection is gone"));
        };
        let before = (server.stream.out.len(), server.up.pending.len());
        let said = client.stream.out.len();
        self.keep_unit(client, input);
        let mut at = 0;
        let result = loop {
            match self.step_on(client, &mut server, input.get(at..length).unwrap_or_default()) {
                Ok(Step::Took(n)) if at + n < length => at += n,
                Ok(Step::Took(_)) => break Ok(Acquired::Rode(length)),
                Ok(Step::Plan) => break Ok(Acquired::Unplanned),
                Ok(_) => break Err(End::error("XX000", "a statement said to be shareable was not")),
                Err(end) => break Err(end),
            }
        };
        if !matches!(result, Ok(Acquired::Rode(_))) {
            // Nothing was sent yet: the neighbours never see the half unit.
            server.stream.out.truncate(before.0);
            let (me, out, session) = (client.id, &mut client.stream.out, &mut client.session);
            out.truncate(said);
            server.up.forget_after(before.1, &mut Direct { id: me, out, session });
            session.forget_unit();
            // With nobody's statement on it no reply will bring it back to the pool.
            if server.up.is_quiet() { self.release(server) } else { self.servers.put(id, server) }
        } else {
            server.rides += 1;
            self.looks.rode = true;
            self.note_wait(client, server.seat.pool());
            server.seat.pool().stats[self.index].shared.add(1);
            client.link = Link::Shared(id);
            self.mark_server(&mut server);
            let behind = server.up.units > 1;
            self.servers.put(id, server);
            if behind {
                self.watch(id);
            }
        }
        result
    }

    /// The unit in hand may have to be run again: its connection breaks, is given up, or has a statement out of date.
    fn keep_unit(&mut self, client: &mut Client, input: &[u8]) {
        client.session.again &= !client.repeated;
        client.again.clear();
        let whole = std::mem::take(&mut client.session.whole);
        if whole > 0 {
            if client.again.capacity() == 0 {
                client.again = self.spare.get();
            }
            client.again.extend_from_slice(input.get(..whole).unwrap_or_default());
        }
    }

    /// The connection is free of its client: to who waits, to rest, or to its end.
    pub(super) fn release(&mut self, server: Box<Server>) {
        let mut free = Some(server);
        // Whoever waited may need none any more: then the next. A loop, for there may be thousands of them.
        while let Some(server) = free.take() {
            free = self.pass_on(server);
        }
    }

    /// One step of a connection's way back. It is given back when the client it was for does not take it.
    fn pass_on(&mut self, mut server: Box<Server>) -> Option<Box<Server>> {
        let pool = Arc::clone(server.seat.pool());
        self.stop_sharing(&pool, server.id);
        server.up.owner = None;
        if server.stream.paused && server.id.carrier() == self.index {
            server.blocked_by = None;
            server.stream.resume(self.set);
        }
        if server.cancels > 0 {
            // A cancel request is on its way to it: it would hit whoever came next.
            self.servers.put(server.id, server);
            return None;
        }
        // Parked, the flush that its mark was for does not find it; whoever takes it marks it anew.
        server.stream.dirty = false;
        let (id, born) = (server.id, server.seat.born_ms);
        let keep = !server.doomed
            && server.up.is_quiet()
            && server.input.is_empty()
            && server.seat.current(self.now_ms);
        match pool.give(server, id.carrier(), born, keep, self.now_ms) {
            Give::Kept => None,
            Give::For(waiter, server) if waiter.client.carrier() == self.index => {
                self.offer(waiter.client, server)
            }
            Give::For(waiter, server) => {
                self.shared.post(waiter.client.carrier(), Post::Grant { client: waiter.client, server });
                None
            }
            Give::Surplus(server) => {
                self.discard(server);
                let open = pool.wanted(self.now_ms);
                self.ask_servers(&pool, open);
                None
            }
        }
    }

    pub(super) fn stop_sharing(&mut self, pool: &ServerPool, id: Id) {
        if let Some(all) = self.sharing.get_mut(&pool.id)
            && let Some(at) = all.iter().position(|other| *other == id)
        {
            all.swap_remove(at);
            pool.stats[self.index].sharing.add(-1);
        }
    }

    /// A connection for a client of this carrier; if it is gone or needs none any more, for the next.
    pub(super) fn granted_to(&mut self, id: Id, server: Box<Server>) {
        if let Some(server) = self.offer(id, server) {
            self.release(server);
        }
        self.resume_all();
    }

    fn offer(&mut self, id: Id, server: Box<Server>) -> Option<Box<Server>> {
        let Some(mut client) = self.clients.take(id) else { return Some(server) };
        if !matches!(client.wait, Wait::Pool { .. }) {
            self.clients.put(id, client);
            return Some(server);
        }
        client.wait = Wait::None;
        self.granted = Some(server);
        let result = self.feed(&mut client, &[]);
        // Not needed after all: its plan changed meanwhile.
        let left = self.granted.take();
        self.settle_client(client, result);
        left
    }

    pub(super) fn resume_all(&mut self) {
        while let Some(id) = self.resumed.pop_front() {
            // Named twice, it may wait for something else by now.
            if self.clients.get(id).is_some_and(|client| client.wait == Wait::None) {
                self.resume(id);
            }
        }
    }

    /// Closes a connection that is in the pool's hands or ours.
    pub(super) fn discard(&mut self, mut server: Box<Server>) {
        let due = server.cancel_due.take();
        self.acknowledge(due);
        let id = server.id;
        if id.carrier() == self.index {
            self.servers.remove(id);
        } else {
            self.shared.post(id.carrier(), Post::Moved(id));
        }
    }

    /// A client goes, or needs its connection no more: what happens to the connection.
    pub(super) fn let_go(&mut self, client: &mut Client, stop: bool) {
        if let (Wait::Pool { .. }, Some(pool)) = (client.wait, &client.pool) {
            pool.leave(client.id);
        }
        let link = std::mem::replace(&mut client.link, Link::None);
        if let Link::Shared(id) = link
            && let Some(server) = self.servers.get(id)
            && server.blocked_by == Some(client.id)
        {
            // Its neighbours waited for it to read.
            server.blocked_by = None;
            server.stream.resume(self.set);
        }
        if let Link::Shared(id) = link {
            self.watch(id);
        }
        if let Link::Tied(id) = link {
            return self.untie(id, stop);
        }
        let Link::Held(id) = link else { return };
        let Some(mut server) = self.servers.take(id) else { return };
        let pool = Arc::clone(server.seat.pool());
        pool.stats[self.index].linked.add(-1);
        server.up.owner = None;
        let survives = client.session.pins.as_ref().is_some_and(|pins| pins.survive_discard());
        let clean = server.up.owes_nobody()
            && server.up.status == b'I'
            && client.session.is_between()
            && !(server.doomed || survives);
        let reset = client.session.pinned || pool.config().mode == Mode::Session;
        if clean && !reset {
            self.release(server);
        } else if clean {
            server.up.push(id, Kind::Reset, None, self.now_us);
            server.up.applied = Arc::clone(&self.shared.no_settings);
            build::query(&mut server.stream.out, b"DISCARD ALL");
            self.mark_server(&mut server);
            self.servers.put(id, server);
            self.watch(id);
        } else {
            let stop = stop && !server.up.pending.is_empty();
            self.abandon(server, stop);
        }
    }

    /// Closes a connection whose statement nobody waits for any more; `stop` asks the server to cancel it.
    pub(super) fn abandon(&mut self, mut server: Box<Server>, stop: bool) {
        let pool = Arc::clone(server.seat.pool());
        // What the client sent before it left is the server's to finish, as without us.
        let _ = server.stream.flush(self.set, &mut self.spare);
        if stop && server.stage == Stage::Active {
            let (address, secret) = (server.address.to_string(), server.secret.to_vec());
            let (ticket, pool, pid) = (self.shared.ticket(), pool.id, server.pid);
            self.shared.tell(Event::CancelNeeded { ticket, pool, address, pid, secret });
        }
        self.discard(server);
        let open = pool.wanted(self.now_ms);
        self.ask_servers(&pool, open);
    }

    /// The server end broke off, or cannot be trusted any more.
    pub(super) fn lose(&mut self, mut server: Box<Server>, lost: Lost) {
        let pool = Arc::clone(server.seat.pool());
        self.stop_sharing(&pool, server.id);
        let (code, message) = match &lost {
            Lost::Fatal(code, message) => (code.clone(), message.clone()),
            Lost::Setup(message) => {
                ("08006".to_owned(), format!("session settings could not be restored: {message}"))
            }
            Lost::Desync(what) => ("08006".to_owned(), format!("server connection closed: {what}")),
            Lost::Transaction => {
                let text = "transaction blocks not allowed in statement pooling mode";
                ("08P01".to_owned(), text.to_owned())
            }
            Lost::Unshareable => {
                ("25000".to_owned(), "a statement left a transaction open on a shared connection".to_owned())
            }
        };
        if server.stage == Stage::Tied {
            return self.lose_tied(server, &message);
        }
        let admitted = server.stage == Stage::Active;
        let (conn, ticket, pool_id) = (server.id, server.ticket, pool.id);
        self.shared.tell(Event::ServerLost {
            conn,
            ticket,
            pool: pool_id,
            admitted,
            reason: message.clone(),
        });
        let said = fatal(&code, &message);
        let broken = server.up.midway();
        if let Some(owner) = server.up.owner.take() {
            pool.stats[self.index].linked.add(-1);
            let told = server.up.said_goodbye || broken == Some(owner);
            self.end_linked(owner, if told { Vec::new() } else { said.clone() });
        }
        self.dismiss(
            &mut server,
            None,
            (&code, &format!("{message}; the statement may or may not have run")),
        );
        self.discard(server);
        if admitted {
            // An attempt that failed is the brain's affair: it says when to try again.
            let open = pool.wanted(self.now_ms);
            self.ask_servers(&pool, open);
        }
        self.resume_all();
    }

    /// What the client got last is the beginning of a message: words of ours would become part of a row.
    pub(super) fn is_midway(&mut self, client: &Client) -> bool {
        if let Link::Tied(id) = client.link {
            return self.tied_midway(id);
        }
        let (Link::Held(id) | Link::Shared(id)) = client.link else { return false };
        self.servers.get(id).is_some_and(|server| server.up.midway() == Some(client.id))
    }

    pub(super) fn end_linked(&mut self, id: Id, said: Vec<u8>) {
        if let Some(mut client) = self.clients.take(id) {
            client.link = Link::None;
            self.end_client(client, End::Said(said));
        }
    }

    /// A client vanished in a defect: its connections are in doubt.
    pub(super) fn lose_servers_of(&mut self, client: Id) {
        for id in self.servers.ids() {
            let owned = self.servers.get(id).is_some_and(|server| server.up.owner == Some(client));
            if owned && let Some(server) = self.servers.take(id) {
                self.lose(server, Lost::Desync("a defect in the core"));
            }
        }
    }
}

/// So many units may be under way on this connection for one more to join before an idle one is taken.
fn join_first(server: &Server, patience_ns: u64) -> usize {
    (patience_ns / server.up.pace_ns.max(1)).clamp(1, JOIN_MOST) as usize
}

/// A shared connection has been that for long enough where others wait for one of their own.
fn is_over(server: &Server, now_us: u64) -> bool {
    now_us.saturating_sub(server.shared_since_us) > TURN_US || server.rides > TURN_UNITS
}

/// An error after which the connection is closed.
pub(super) fn fatal(code: &str, message: &str) -> Vec<u8> {
    let mut said = Vec::new();
    build::error(&mut said, "FATAL", code, message);
    said
}
