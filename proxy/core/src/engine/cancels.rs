//! Stopping what runs: a client asks for it, or its time is up. The right statement or none; never a neighbour's.

use super::{End, Engine, SERVER, token};
use crate::border::Event;
use crate::conn::client::{Client, Link, Wait};
use crate::conn::server::{Server, Stage};
use crate::inbox::Post;
use crate::shared::ServerPool;
use crate::slab::Id;
use crate::wire::postgres::build;
use crate::wire::postgres::pending::Kind;
use std::sync::Arc;

/// A shared connection's first statement that runs for so long keeps its neighbours waiting: it costs the connection.
const STUCK_US: u64 = 5_000;
/// So often a shared connection is looked at on which somebody waits behind another, or that somebody left.
const LOOK_MS: u64 = 100;
/// What runs there for so long, for nobody, is stopped.
const DESERTED_MS: u64 = 1_000;
/// A connection that is being made ready for the next client takes no longer, or it is given up: it counts, and serves
/// nobody.
const OURS_MS: u64 = 5_000;

const BY_USER: &str = "canceling statement due to user request";
pub(super) const BY_TIME: &str = "canceling statement due to statement timeout";

/// A cancel request on its way to a server, and the client that sent it.
pub(super) struct Cancel {
    lane: Id,
    by: Option<Id>,
    pool: Arc<ServerPool>,
}

impl Engine {
    /// A cancel request came in for the client in this slot. True: it is on its way to a server.
    pub(super) fn cancel(&mut self, slot: u32, secret: &[u8], by: Id) -> bool {
        let Some(id) = self.clients.at(slot) else { return false };
        let Some(client) = self.clients.get(id) else { return false };
        let (link, wait, length) = (client.link, client.wait, usize::from(client.key_bytes));
        let between = client.session.is_between();
        let expected = self.cancel_secret(id);
        let same = secret.len() == length
            && secret.iter().zip(&expected).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0;
        if !same {
            return false;
        }
        match (link, wait) {
            // It only waits: answered at once. The unit it waited with is dropped.
            (Link::None, Wait::Pool { .. }) => {
                if let Some(client) = self.clients.take(id) {
                    self.cancel_waiting(client);
                }
                false
            }
            (Link::None, Wait::Plan) => {
                self.cancel_planning(id);
                false
            }
            (Link::Held(lane), Wait::Plan)
                if between && self.servers.get(lane).is_some_and(|server| server.up.is_quiet()) =>
            {
                self.cancel_planning(id);
                false
            }
            (Link::None, Wait::Answer { .. }) => {
                self.cancel_answer(id);
                false
            }
            (Link::Held(lane), _) => self.ask_server(lane, BY_USER, Some(by)),
            (Link::Shared(lane), _) => self.cancel_shared(id, lane, by),
            (Link::Tied(lane), _) => self.send_cancel(lane, Some(by)),
            _ => false,
        }
    }

    /// Asks the server to stop what it does on this connection.
    fn ask_server(&mut self, lane: Id, text: &'static str, by: Option<Id>) -> bool {
        let Some(server) = self.servers.get(lane) else { return false };
        if server.up.pending.is_empty() || server.stage != Stage::Active {
            return false;
        }
        if server.up.serves_us() {
            // It would stop what is ours, and with that the session.
            let due = server.cancel_due.replace((text, by));
            self.acknowledge(due);
            return true;
        }
        // The server's own words are of a request, and right when it was one.
        server.up.stopped = (text == BY_TIME).then_some(text);
        self.send_cancel(lane, by)
    }

    fn send_cancel(&mut self, lane: Id, by: Option<Id>) -> bool {
        let Some(server) = self.servers.get(lane) else { return false };
        server.cancels += 1;
        let (address, secret) = (server.address.to_string(), server.secret.to_vec());
        let (pid, pool) = (server.pid, Arc::clone(server.seat.pool()));
        let number = pool.id;
        let ticket = self.shared.ticket() | (self.index as u64) << 56;
        pool.stats[self.index].cancelling.add(1);
        self.cancels.insert(ticket, Cancel { lane, by, pool });
        self.shared.tell(Event::CancelNeeded { ticket, pool: number, address, pid, secret });
        true
    }

    /// Something of ours is through: now the statement that was meant is the next, unless there is none any more.
    pub(super) fn ask_when_due(&mut self, server: Box<Server>) -> Option<Box<Server>> {
        let Some((text, by)) = server.cancel_due else { return Some(server) };
        if server.up.serves_us() {
            return Some(server);
        }
        let id = server.id;
        self.servers.put(id, server);
        if let Some(server) = self.servers.get(id) {
            server.cancel_due = None;
        }
        if !self.ask_server(id, text, by) {
            self.acknowledge(Some((text, by)));
        }
        self.servers.take(id)
    }

    /// The request was dealt with, or there is nothing left that it could be for.
    pub(super) fn acknowledge(&self, due: Option<(&'static str, Option<Id>)>) {
        if let Some((_, Some(by))) = due {
            self.shared.post(by.carrier(), Post::CancelDone(by));
        }
    }

    fn cancel_shared(&mut self, id: Id, lane: Id, by: Id) -> bool {
        let Some(server) = self.servers.get(lane) else { return false };
        let stuck = server.up.oldest_us().is_some_and(|since| self.now_us.saturating_sub(since) > STUCK_US);
        let (alone, midway) = (server.up.units == 1, server.up.midway() == Some(id));
        if server.up.first().is_none_or(|(first, _)| first != id) {
            self.step_out(id, lane, BY_USER);
            return false;
        }
        if stuck && !alone && !midway {
            self.scatter(lane, Some(id), BY_USER);
            return false;
        }
        if !alone {
            self.part_from_neighbours(id, lane);
        }
        self.ask_server(lane, BY_USER, Some(by))
    }

    /// The server can be asked to stop what it does only where that is nobody else's.
    fn part_from_neighbours(&mut self, id: Id, lane: Id) {
        if let Some(mut server) = self.servers.take(lane) {
            self.part(&mut server, id);
            self.servers.put(lane, server);
        }
    }

    /// A statement ran for as long as it may. True: the client stays, and hears of it.
    pub(super) fn stop_statement(&mut self, client: &mut Client) -> bool {
        match client.link {
            Link::Held(lane) if !client.stopping => {
                client.stopping = self.ask_server(lane, BY_TIME, None);
                client.stopping
            }
            _ => false,
        }
    }

    /// The time of a statement on a shared connection is up.
    pub(super) fn stop_shared(&mut self, id: Id, lane: Id) {
        let Some(server) = self.servers.get(lane) else { return };
        let (first, midway) = (server.up.first(), server.up.midway() == Some(id));
        if first.is_some_and(|(first, _)| first != id) {
            self.step_out(id, lane, BY_TIME);
        } else if !midway {
            self.scatter(lane, Some(id), BY_TIME);
        } else {
            // It is told when the row it is in the middle of is through.
            self.part_from_neighbours(id, lane);
            if let Some(mut client) = self.clients.take(id) {
                client.stopping = self.ask_server(lane, BY_TIME, None);
                self.settle_client(client, Ok(()));
            }
        }
        self.resume_all();
    }

    /// A client whose statement waits behind a neighbour's goes on without it. What the server answers is dropped.
    fn step_out(&mut self, id: Id, lane: Id, text: &str) {
        let Some(server) = self.servers.get(lane) else { return };
        let undo = server.up.disown(id);
        let Some(client) = self.clients.get(id) else { return };
        for undo in undo.into_iter().rev() {
            client.session.undo(undo);
        }
        client.unlink();
        build::error(&mut client.stream.out, "ERROR", "57014", text);
        build::ready(&mut client.stream.out, b'I');
        self.resumed.push_back(id);
        self.watch(lane);
    }

    /// A shared connection is stuck: whose statement it is hears so, the others ask again elsewhere.
    fn scatter(&mut self, lane: Id, victim: Option<Id>, text: &str) {
        let Some(mut server) = self.servers.take(lane) else { return };
        let pool = Arc::clone(server.seat.pool());
        self.stop_sharing(&pool, lane);
        self.dismiss(&mut server, victim, ("57014", text));
        self.abandon(server, true);
    }

    /// Nobody has to wait behind a client that does not read.
    pub(super) fn part_from_blocked(&mut self, server: &mut Server) {
        let first = server.up.first().map(|(first, _)| first);
        if let Some(slow) = server.blocked_by
            && server.up.owner.is_none()
            && first == Some(slow)
        {
            self.part(server, slow);
        }
    }

    /// Who is first keeps the connection, the others ask again elsewhere.
    fn part(&mut self, server: &mut Server, slow: Id) {
        let pool = Arc::clone(server.seat.pool());
        self.stop_sharing(&pool, server.id);
        let others: Vec<Id> = server.up.pending.iter().map(|pending| pending.client).collect();
        for id in others {
            if id == slow
                || !self.clients.get(id).is_some_and(|client| client.link == Link::Shared(server.id))
            {
                continue;
            }
            let undo = server.up.disown(id);
            if let Some(client) = self.clients.get(id) {
                for undo in undo.into_iter().rev() {
                    client.session.undo(undo);
                }
                client.ask_again();
                self.resumed.push_back(id);
            }
        }
        server.up.owner = Some(slow);
        pool.stats[self.index].linked.add(1);
        if let Some(client) = self.clients.get(slow) {
            client.link = Link::Held(server.id);
            client.wait = Wait::None;
        }
    }

    /// Clients on a shared connection that goes: who has heard nothing yet asks again elsewhere, for what is shared
    /// only reads. The others are told.
    pub(super) fn dismiss(&mut self, server: &mut Server, victim: Option<Id>, error: (&str, &str)) {
        let (id, broken, first) = (server.id, server.up.midway(), server.up.first());
        let mut pending = std::mem::take(&mut server.up.pending);
        // The last belief goes first: each one was built on those before it.
        for pending in pending.iter_mut().rev() {
            if let Some(undo) = pending.undo.take()
                && let Some(client) = self.clients.get(pending.client)
                && client.link == Link::Shared(id)
            {
                client.session.undo(*undo);
            }
        }
        for pending in pending {
            let Some(client) = self.clients.get(pending.client) else { continue };
            if client.link != Link::Shared(id) || !pending.kind.ends_unit() || pending.kind.is_ours() {
                continue;
            }
            let heard = first == Some((pending.client, true));
            let tries = victim != Some(pending.client) && !heard && !client.repeated;
            if broken == Some(pending.client) {
                self.end_linked(pending.client, Vec::new());
                continue;
            }
            if tries {
                client.ask_again();
            } else {
                client.unlink();
                build::error(&mut client.stream.out, "ERROR", error.0, error.1);
                build::ready(&mut client.stream.out, b'I');
            }
            self.resumed.push_back(pending.client);
        }
    }

    /// Somebody waits on this shared connection behind another, or has left it: it is looked at in a while.
    pub(super) fn watch(&mut self, lane: Id) {
        if let Some(server) = self.servers.get(lane)
            && server.looked_at_ms <= self.now_ms
        {
            server.looked_at_ms = self.now_ms + LOOK_MS;
            self.wheel.arm(token(SERVER, lane), server.looked_at_ms);
        }
    }

    /// Whoever is first on a shared connection may take longer than anybody thought, or be gone.
    pub(super) fn look_after(&mut self, lane: Id) {
        let Some(server) = self.servers.get(lane) else { return };
        let (Some((first, _)), None) = (server.up.first(), server.up.owner) else { return };
        let bound_ms = if first == lane { OURS_MS } else { DESERTED_MS };
        let since = server.up.oldest_us().unwrap_or(self.now_us);
        let (runs_ms, units) = (self.now_us.saturating_sub(since) / 1_000, server.up.units);
        let (patient, cancelled) = (runs_ms < LOOK_MS, server.cancels > 0);
        let here = self.clients.get(first).is_some_and(|client| client.link == Link::Shared(lane));
        if cancelled || patient || (!here && runs_ms < bound_ms) {
            return self.watch(lane);
        }
        if !here {
            self.scatter(lane, None, BY_USER);
        } else if units > 1
            && let Some(mut server) = self.servers.take(lane)
        {
            self.part(&mut server, first);
            self.servers.put(lane, server);
        }
    }

    /// A command of the console takes its time: what it began goes on, its answer is dropped.
    fn cancel_answer(&mut self, id: Id) {
        if let Some(client) = self.clients.get(id) {
            client.wait = Wait::None;
            build::error(&mut client.stream.out, "ERROR", "57014", BY_USER);
            build::ready(&mut client.stream.out, b'I');
            self.resume(id);
        }
    }

    /// The statement waited for something of ours, and is cancelled before it went anywhere. True: it is gone.
    pub(super) fn cancel_settled(&mut self, client: &mut Client) -> bool {
        if client.status != b'I' || !client.session.drop_unit(&mut client.input).unwrap_or(false) {
            return false;
        }
        client.repeated = false;
        build::error(&mut client.stream.out, "ERROR", "57014", BY_USER);
        build::ready(&mut client.stream.out, b'I');
        self.mark_client(client);
        true
    }

    /// In a transaction the server hears of it, for it fails there.
    fn cancel_within(&mut self, client: &mut Client) -> bool {
        let Link::Held(lane) = client.link else { return false };
        let Some(mut server) = self.servers.take(lane) else { return false };
        let dropped = client.session.drop_unit(&mut client.input).unwrap_or(false);
        if dropped {
            client.repeated = false;
            let mut error = Vec::new();
            build::error(&mut error, "ERROR", "57014", BY_USER);
            server.up.push(client.id, Kind::RefusedQuery(error.into()), None, self.now_us);
            build::query(&mut server.stream.out, build::REFUSED);
            self.mark_server(&mut server);
        }
        self.servers.put(lane, server);
        dropped
    }

    /// Nobody knows yet what is to become of it: then nothing does. One that is not all here may still be.
    fn cancel_planning(&mut self, id: Id) {
        let Some(mut client) = self.clients.take(id) else { return };
        let gone = if client.status == b'I' {
            self.cancel_settled(&mut client)
        } else {
            self.cancel_within(&mut client)
        };
        let result = if gone {
            client.wait = Wait::None;
            self.feed(&mut client, &[])
        } else {
            Ok(())
        };
        self.settle_client(client, result);
    }

    fn cancel_waiting(&mut self, mut client: Box<Client>) {
        if let Some(pool) = &client.pool {
            pool.leave(client.id);
        }
        client.wait = Wait::None;
        client.repeated = false;
        let mut input = std::mem::take(&mut client.input);
        let result = client.session.drop_unit(&mut input).map_err(End::from);
        client.input = input;
        if let Ok(true) = result {
            build::error(&mut client.stream.out, "ERROR", "57014", BY_USER);
            build::ready(&mut client.stream.out, b'I');
        }
        let result = match result {
            Ok(true) => self.feed(&mut client, &[]),
            Ok(false) => Err(End::error("57014", BY_USER)),
            Err(end) => Err(end),
        };
        self.settle_client(client, result);
    }

    pub(super) fn cancelled(&mut self, ticket: u64) {
        let Some(Cancel { lane: id, by, pool }) = self.cancels.remove(&ticket) else { return };
        pool.stats[self.index].cancelling.add(-1);
        if let Some(by) = by {
            self.shared.post(by.carrier(), Post::CancelDone(by));
        }
        let Some(mut server) = self.servers.take(id) else { return };
        server.cancels = server.cancels.saturating_sub(1);
        let idle = server.up.owner.is_none() && server.up.is_quiet();
        if idle && server.cancels == 0 {
            // A cancel that came late would hit the next statement: make sure it came before.
            server.up.push(id, Kind::Setup, None, self.now_us);
            build::query(&mut server.stream.out, b"");
            self.mark_server(&mut server);
        }
        let owner = server.up.owner.filter(|_| server.cancels == 0 && server.up.is_quiet());
        self.servers.put(id, server);
        if idle {
            self.watch(id);
        }
        // Its next statement waited, or it would have been stopped in the place of the one that was meant.
        if let Some(owner) = owner
            && let Some(client) = self.clients.get(owner)
            && client.wait == Wait::Replies
        {
            client.wait = Wait::None;
            self.resume(owner);
        }
    }
}
