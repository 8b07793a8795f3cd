//! A client and a server connection that belong to each other until one of them goes: replication. Bytes pass as they
//! are, both ways, no faster than the other side takes them; nothing is planned, and the connection sees no pool.

use super::drain::stopped;
use super::{End, Engine};
use crate::border::{Event, Tie};
use crate::conn::client::{Client, Link, Stage};
use crate::conn::server::{Server, Stage as ServerStage};
use crate::conn::stream::{HIGH, Read};
use crate::shared::ServerPool;
use crate::slab::Id;
use crate::wire::postgres::passing::Passing;
use std::sync::Arc;

const BROKEN: &str = "server closed the connection unexpectedly";

/// What is known of a tied server connection.
#[derive(Default)]
pub struct Tied {
    pub passing: Passing,
    /// The client has said something that no ReadyForQuery has followed yet.
    asked: bool,
    /// When the server was last heard.
    pub heard_us: u64,
    /// What the client is told when the message under way is through; then both go.
    parting: Option<Vec<u8>>,
    /// Counted among those that stream.
    streams: bool,
}

impl Tied {
    /// The server waits for a command, and none is on its way to it.
    fn rests(&self) -> bool {
        self.passing.rests() && !self.asked
    }
}

impl Engine {
    /// Both log-ins are over: from here on the two are one.
    pub(super) fn tie(&mut self, tie: Tie) {
        let client = match self.clients.take(tie.conn) {
            Some(client) if client.stage != Stage::Login => {
                self.clients.put(client.id, client);
                None
            }
            other => other,
        };
        let server = match self.servers.take(tie.server) {
            Some(server) if server.stage != ServerStage::Login => {
                self.servers.put(server.id, server);
                None
            }
            other => other,
        };
        match (client, server) {
            (Some(client), Some(server)) if self.draining => {
                self.discard(server);
                self.end_client(client, stopped());
            }
            (Some(client), Some(server)) => self.join_for_good(client, server, tie),
            (Some(client), None) => self.end_client(client, End::error("08006", BROKEN)),
            (None, Some(server)) => self.discard(server),
            (None, None) => {}
        }
    }

    fn join_for_good(&mut self, mut client: Box<Client>, mut server: Box<Server>, tie: Tie) {
        let pool = Arc::clone(server.seat.pool());
        server.stage = ServerStage::Tied;
        server.seat.admit(self.now_ms);
        server.pid = tie.pid;
        server.secret = tie.secret.into();
        server.up.owner = Some(client.id);
        server.tied = Some(Box::new(Tied { heard_us: self.now_us, ..Tied::default() }));
        client.base = tie.base;
        client.pool = Some(Arc::clone(&pool));
        client.presence.join(&pool, self.index);
        pool.stats[self.index].linked.add(1);
        client.stage = Stage::Tied;
        client.link = Link::Tied(server.id);
        client.stream.streams = true;
        self.greet_admitted(&mut client, &tie.greeting, tie.key_bytes);
        let (from_client, from_server) =
            (std::mem::take(&mut client.input), std::mem::take(&mut server.input));
        let (id, lane) = (client.id, server.id);
        self.mark_client(&mut client);
        self.servers.put(lane, server);
        let result = self.pass_up(&mut client, lane, &from_client);
        self.settle_client(client, result);
        if !from_server.is_empty()
            && self.clients.get(id).is_some()
            && let Some(server) = self.servers.take(lane)
        {
            self.pass_down(server, &from_server);
        }
    }

    // --- from the client -------------------------------------------------------------------------

    pub(super) fn read_tied_client(&mut self, client: &mut Client) -> Result<(), End> {
        let Link::Tied(lane) = client.link else { return Err(End::Gone("tied to nobody".to_owned())) };
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut plain = std::mem::take(&mut self.plain);
        let result = match client.stream.read(&mut scratch, &mut plain) {
            Read::Nothing => Ok(()),
            Read::End(reason) => Err(End::Gone(reason)),
            Read::Bytes(n) => {
                self.stats().bytes_in.add(n as u64);
                client.heard_us = self.now_us;
                if let Some(pool) = &client.pool {
                    pool.stats[self.index].received.add(n as u64);
                }
                let fresh = if client.stream.tls.is_some() { &plain } else { &scratch };
                self.pass_up(client, lane, fresh.get(..n).unwrap_or_default())
            }
        };
        self.scratch = scratch;
        self.plain = plain;
        result
    }

    fn pass_up(&mut self, client: &mut Client, lane: Id, fresh: &[u8]) -> Result<(), End> {
        let Some(server) = self.servers.get(lane) else { return Err(End::error("08006", BROKEN)) };
        // Who is told to go is heard no more.
        if fresh.is_empty() || server.tied.as_ref().is_some_and(|tied| tied.parting.is_some()) {
            return Ok(());
        }
        if let Some(tied) = &mut server.tied {
            tied.asked = true;
        }
        if server.stream.pass(self.set, fresh).is_err() {
            return Err(End::error("08006", BROKEN));
        }
        if server.stream.waiting() > HIGH {
            client.stream.pause(self.set);
        }
        if server.stream.tls.is_some() && !server.stream.dirty {
            server.stream.dirty = true;
            self.dirty_servers.push(lane);
        }
        Ok(())
    }

    /// The server has taken what held its client up.
    pub(super) fn unblock_tied(&mut self, id: Id) {
        if let Some(client) = self.clients.get(id)
            && client.stream.paused
        {
            client.stream.resume(self.set);
        }
    }

    // --- from the server -------------------------------------------------------------------------

    pub(super) fn pass_down(&mut self, mut server: Box<Server>, fresh: &[u8]) {
        let pool = Arc::clone(server.seat.pool());
        let (Some(id), Some(tied)) = (server.up.owner, server.tied.as_mut()) else {
            return self.discard(server);
        };
        let Some(client) = self.clients.get(id) else { return self.discard(server) };
        tied.heard_us = self.now_us;
        let followed = match tied.parting {
            Some(_) => tied.passing.step(fresh),
            None => tied.passing.pass(fresh).map(|()| fresh.len()),
        };
        let Ok(length) = followed else {
            return self.lose_tied(server, "the server sent what is not a message");
        };
        if tied.passing.streams() != tied.streams {
            tied.streams = !tied.streams;
            pool.stats[self.index].streaming.add(if tied.streams { 1 } else { -1 });
        }
        let passed = client.stream.pass(self.set, fresh.get(..length).unwrap_or_default());
        if let Ok(sent) = passed {
            self.shared.stats[self.index].bytes_out.add(sent as u64);
            pool.stats[self.index].sent.add(sent as u64);
        }
        if client.stream.waiting() > HIGH {
            server.blocked_by = Some(id);
            server.stream.pause(self.set);
        }
        if client.stream.tls.is_some() && !client.stream.dirty {
            client.stream.dirty = true;
            self.dirty_clients.push(id);
        }
        let between = tied.passing.is_between();
        let parting = if between { tied.parting.take() } else { None };
        let idle = tied.passing.rests();
        tied.asked &= !idle;
        if server.stream.tls.is_some() {
            self.mark_server(&mut server);
        }
        self.servers.put(server.id, server);
        let end = match parting {
            _ if passed.is_err() => End::Gone("connection closed by peer".to_owned()),
            Some(said) => End::Said(said),
            None if self.draining && idle => stopped(),
            None => return,
        };
        if let Some(client) = self.clients.take(id) {
            self.end_client(client, end);
        }
    }

    // --- the end ---------------------------------------------------------------------------------

    /// Nothing that would be lost is under way: the server waits for a command.
    pub(super) fn tied_rests(&mut self, client: &Client) -> bool {
        let Link::Tied(lane) = client.link else { return true };
        self.tied(lane).is_none_or(|tied| tied.rests())
    }

    pub(super) fn tied_midway(&mut self, lane: Id) -> bool {
        self.tied(lane).is_some_and(|tied| !tied.passing.is_between())
    }

    fn tied(&mut self, lane: Id) -> Option<&mut Tied> {
        self.servers.get(lane)?.tied.as_deref_mut()
    }

    /// The client is to be told something and go, and a message is under way: it is told when that is through. Gives
    /// the client back where that is now, or never.
    pub(super) fn part_later(&mut self, mut client: Box<Client>, said: End) -> Option<(Box<Client>, End)> {
        let Link::Tied(lane) = client.link else { return Some((client, said)) };
        let data = match said {
            End::Gone(_) => return Some((client, said)),
            End::Said(data) => data,
            End::Error { code, message } => super::lanes::fatal(code, &message),
        };
        let Some(tied) = self.tied(lane).filter(|tied| !tied.passing.is_between()) else {
            return Some((client, End::Said(data)));
        };
        tied.parting.get_or_insert(data);
        client.stopping = true;
        self.watch_clock(&mut client);
        self.clients.put(client.id, client);
        None
    }

    /// The client goes, and the connection with it; `stop` asks the server to cancel what would not notice.
    pub(super) fn untie(&mut self, lane: Id, stop: bool) {
        let Some(mut server) = self.servers.take(lane) else { return };
        let runs = server.tied.as_ref().is_some_and(|tied| !(tied.rests() || tied.passing.streams()));
        if stop && runs {
            let (address, secret) = (server.address.to_string(), server.secret.to_vec());
            let (ticket, pool, pid) = (self.shared.ticket(), server.seat.pool().id, server.pid);
            self.shared.tell(Event::CancelNeeded { ticket, pool, address, pid, secret });
        }
        self.count_untied(&mut server);
        // What the client sent before it left (where it has got to, say) is the server's to know.
        let _ = server.stream.flush(self.set, &mut self.spare);
        self.discard(server);
    }

    fn count_untied(&mut self, server: &mut Server) {
        let pool: Arc<ServerPool> = Arc::clone(server.seat.pool());
        server.up.owner = None;
        pool.stats[self.index].linked.add(-1);
        if server.tied.take().is_some_and(|tied| tied.streams) {
            pool.stats[self.index].streaming.add(-1);
        }
    }

    /// The server end is gone. The client is told, unless the server has said so itself.
    pub(super) fn lose_tied(&mut self, mut server: Box<Server>, why: &str) {
        let owner = server.up.owner;
        let quiet = server.tied.as_ref().is_some_and(|tied| {
            tied.parting.is_none() && (tied.passing.has_failed() || !tied.passing.is_between())
        });
        let parting = server.tied.as_mut().and_then(|tied| tied.parting.take());
        if !quiet && parting.is_none() {
            let (conn, ticket, pool) = (server.id, server.ticket, server.seat.pool().id);
            self.shared.tell(Event::ServerLost {
                conn,
                ticket,
                pool,
                admitted: true,
                reason: why.to_owned(),
            });
        }
        self.count_untied(&mut server);
        self.discard(server);
        if let Some(owner) = owner {
            let said =
                if quiet || parting.is_some() { Vec::new() } else { super::lanes::fatal("08006", why) };
            self.end_linked(owner, said);
        }
    }
}
