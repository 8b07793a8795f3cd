//! What servers send: to the clients it is for, in order; and what a finished unit means for client, pool and plan.

use super::Engine;
use crate::border::Event;
use crate::conn::client::{Client, Link, Stage as ClientStage, Wait};
use crate::conn::server::{Server, Stage};
use crate::conn::stream::{HIGH, Read, Spare};
use crate::poll;
use crate::pool::Mode;
use crate::settings::Settings;
use crate::slab::{Id, Slab};
use crate::wire::postgres::client::Lane;
use crate::wire::postgres::frame;
use crate::wire::postgres::pending::Undo;
use crate::wire::postgres::server::{Change, Done, Lost, Sink};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// A message of a server that logs us in is at most so long.
const LOGIN_MESSAGE: usize = 64 * 1024;

/// Puts replies into the clients' output.
struct Delivery<'a> {
    clients: &'a mut Slab<Box<Client>>,
    dirty: &'a mut Vec<Id>,
    dones: &'a mut Vec<Done>,
    spare: &'a mut Spare,
    /// A client whose output is over its bound.
    full: Option<Id>,
}

impl Sink for Delivery<'_> {
    fn pass(&mut self, to: Id, bytes: &[u8]) {
        // A client that is gone misses its replies; nobody else gets them.
        let Some(client) = self.clients.get(to).filter(|client| client.stage != ClientStage::Closing) else {
            return;
        };
        if client.stream.out.capacity() == 0 {
            client.stream.out = self.spare.get();
        }
        client.stream.out.extend_from_slice(bytes);
        if !client.stream.dirty {
            client.stream.dirty = true;
            self.dirty.push(to);
        }
        if client.stream.waiting() > HIGH {
            self.full = Some(to);
        }
    }

    fn undo(&mut self, to: Id, undo: Undo) {
        if let Some(client) = self.clients.get(to) {
            client.session.undo(undo);
        }
    }

    fn done(&mut self, done: Done) {
        self.dones.push(done);
    }

    fn shown(&mut self, to: Id, own: &[u8]) -> Option<Box<[u8]>> {
        self.clients.get(to).and_then(|client| client.session.shown(own))
    }
}

impl Engine {
    pub(super) fn server_ready(&mut self, id: Id, events: u32) {
        if events & poll::WRITE != 0 {
            self.dirty_servers.push(id);
        }
        if events & (poll::READ | poll::HANGUP) == 0 {
            return;
        }
        match self.servers.take(id) {
            Some(server) => self.read_server(server, events),
            None => self.stir_parked(id, events),
        }
    }

    /// Something came from a connection that rests in its pool: it closed, or says what concerns all.
    fn stir_parked(&mut self, id: Id, events: u32) {
        for pool in self.shared.pools() {
            if let Some(server) = pool.claim(|server| server.id == id) {
                return self.read_server(server, events);
            }
        }
    }

    fn read_server(&mut self, mut server: Box<Server>, events: u32) {
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut plain = std::mem::take(&mut self.plain);
        let read = server.stream.read(&mut scratch, &mut plain);
        server.stream.ask_again(events, self.set);
        match read {
            Read::Nothing if server.stage == Stage::Tied => {
                self.mark_server(&mut server);
                self.servers.put(server.id, server);
            }
            Read::Nothing => self.keep_server(server),
            Read::End(reason) => self.lost_stream(server, reason),
            Read::Bytes(n) => {
                let fresh = if server.stream.tls.is_some() { &plain } else { &scratch };
                let fresh = fresh.get(..n).unwrap_or_default();
                match server.stage {
                    Stage::Tied => self.pass_down(server, fresh),
                    _ => self.hear(server, fresh),
                }
            }
        }
        self.scratch = scratch;
        self.plain = plain;
    }

    /// Back where it was: with its client, or resting in the pool.
    fn keep_server(&mut self, mut server: Box<Server>) {
        let resting = server.stage == Stage::Active && server.up.owner.is_none() && server.up.is_quiet();
        self.mark_server(&mut server);
        if resting && server.cancels == 0 {
            self.release(server)
        } else {
            self.servers.put(server.id, server)
        }
    }

    pub(super) fn lost_stream(&mut self, server: Box<Server>, reason: String) {
        let reason = if matches!(server.stage, Stage::Active | Stage::Tied) {
            "server closed the connection unexpectedly".to_owned()
        } else {
            reason
        };
        self.lose(server, Lost::Fatal("08006".to_owned(), reason));
    }

    fn hear(&mut self, mut server: Box<Server>, fresh: &[u8]) {
        if server.stage == Stage::Tls && server.stream.tls.as_ref().is_some_and(|tls| !tls.handshaking()) {
            self.opened(&mut server);
        }
        let mut input = std::mem::take(&mut server.input);
        let whole = if input.is_empty() {
            fresh
        } else {
            input.extend_from_slice(fresh);
            &input
        };
        let used = match server.stage {
            Stage::Active => {
                let mut delivery = Delivery {
                    clients: &mut self.clients,
                    dirty: &mut self.dirty_clients,
                    dones: &mut self.dones,
                    spare: &mut self.spare,
                    full: None,
                };
                let used = server.up.absorb(whole, self.now_us, &mut delivery);
                if let Some(full) = delivery.full {
                    server.blocked_by = Some(full);
                    server.stream.pause(self.set);
                }
                used
            }
            Stage::Login | Stage::Tls => self.hear_login(&server, whole),
            Stage::Tied => Err(Lost::Desync("heard in the wrong place")),
        };
        match used {
            Ok(used) => {
                if used < whole.len() {
                    let mut rest = self.spare.get();
                    rest.extend_from_slice(whole.get(used..).unwrap_or_default());
                    server.input = rest;
                }
                self.spare.put(input);
                self.finish_units(server);
            }
            Err(lost) => {
                let before = std::mem::take(&mut self.dones);
                for done in before {
                    self.finish_unit(&mut server, done, false);
                }
                self.lose(server, lost);
            }
        }
    }

    pub(super) fn opened(&mut self, server: &mut Server) {
        server.stage = Stage::Login;
        let cert = server.stream.tls.as_ref().and_then(|tls| tls.peer_certificate());
        self.shared.tell(Event::ServerOpened { conn: server.id, ticket: server.ticket, cert });
    }

    fn hear_login(&mut self, server: &Server, input: &[u8]) -> Result<usize, Lost> {
        let mut at = 0;
        loop {
            let left = input.get(at..).unwrap_or_default();
            let header =
                frame::from_server(left).map_err(|_| Lost::Desync("this is not a PostgreSQL server"))?;
            let Some(header) = header else { return Ok(at) };
            if header.total > LOGIN_MESSAGE {
                return Err(Lost::Desync("a message too long for log-in"));
            }
            let Some(message) = left.get(..header.total) else { return Ok(at) };
            let body = message.get(5..).unwrap_or_default().to_vec();
            let (conn, ticket, kind) = (server.id, server.ticket, header.kind);
            self.shared.tell(Event::ServerMessage { conn, ticket, kind, body });
            at += header.total;
        }
    }

    fn finish_units(&mut self, mut server: Box<Server>) {
        let mut dones = std::mem::take(&mut self.dones);
        let mut release = false;
        let count = dones.len();
        for (at, done) in dones.drain(..).enumerate() {
            // Several units of a pipeline may end at once: what the last one left decides.
            release |= self.finish_unit(&mut server, done, at + 1 == count);
        }
        self.dones = dones;
        if server.cancel_due.is_some() {
            match self.ask_when_due(server) {
                Some(same) => server = same,
                None => return,
            }
        }
        self.part_from_blocked(&mut server);
        let quiet = server.up.is_quiet();
        if server.up.is_dry()
            && let Some(owner) = server.up.owner
            && let Some(client) = self.clients.get(owner)
            && client.wait == Wait::Replies
        {
            // It waited for replies that end with no ReadyForQuery (Flush).
            client.wait = Wait::None;
            client.session.unit_done(true, b'T');
            self.resumed.push_back(owner);
        }
        self.sync_for_owner(&mut server);
        let shared = server.stage == Stage::Active && server.up.owner.is_none();
        if (release || shared) && quiet {
            self.release(server);
        } else {
            if shared {
                self.call_riders(&mut server);
            }
            self.keep_server(server);
        }
        self.resume_all();
    }

    /// Something of ours ended: Setup, Reset, or a Sync in the client's name.
    fn finish_ours(&mut self, server: &mut Server) -> bool {
        let Some(owner) = server.up.owner else { return true };
        let Some(mut client) = self.clients.take(owner) else { return false };
        let released = self.finish_for(&mut client, server);
        client.running = !server.up.is_quiet();
        self.watch_clock(&mut client);
        self.clients.put(owner, client);
        released
    }

    /// What the end of something of ours means for who holds the connection. True when it needs it no more.
    fn finish_for(&mut self, client: &mut Client, server: &mut Server) -> bool {
        let (owner, pool) = (client.id, Arc::clone(server.seat.pool()));
        if client.settling && server.up.is_quiet() {
            client.settling = false;
            client.wait = Wait::None;
            let due = server.cancel_due.take();
            if due.is_none() || !self.cancel_settled(client) {
                self.resumed.push_back(owner);
                self.acknowledge(due);
                return false;
            }
            self.acknowledge(due);
        }
        let free = server.up.is_quiet() && server.up.status == b'I' && client.session.is_between();
        if free {
            client.session.unit_done(true, b'I');
        }
        if free && (client.session.pinned || pool.config().mode == Mode::Session) {
            // It keeps the connection; should what was restored not be what holds for it, that is mended.
            client.settling = !self.prepare(client, server);
            if client.settling {
                client.wait = Wait::Replies;
            }
            self.ask_pins(client, server);
            return false;
        }
        if !free {
            return false;
        }
        client.link = Link::None;
        if client.wait == Wait::Replies {
            client.wait = Wait::None;
        }
        client.session.unit_done(true, b'I');
        pool.stats[self.index].linked.add(-1);
        server.up.owner = None;
        self.resumed.push_back(owner);
        true
    }

    /// Ends, in the client's name, a unit that only prepared and whose replies are in.
    fn sync_for_owner(&mut self, server: &mut Server) {
        if let Some(owner) = server.up.owner
            && let Some(client) = self.clients.get(owner)
            && client.session.may_be_synced(&server.up)
        {
            let lane = Lane { up: &mut server.up, out: &mut server.stream.out };
            client.session.sync_for_it(owner, lane, self.now_us);
            self.mark_server(server);
        }
    }

    /// True when the connection's client needs it no more.
    fn finish_unit(&mut self, server: &mut Server, mut done: Done, last: bool) -> bool {
        if done.internal {
            if !done.changes.is_empty() {
                let theirs = changed(&server.up.applied, &self.shared.no_settings, &done.changes);
                server.up.applied = self.shared.interner.settings(theirs);
            }
            self.hear_answer(server);
            return last && self.finish_ours(server);
        }
        let pool = Arc::clone(server.seat.pool());
        let stats = &pool.stats[self.index];
        stats.statements.add(1);
        stats.statement.record(self.now_us.saturating_sub(done.sent_us));
        if server.began_us == 0 {
            server.began_us = done.sent_us;
        }
        if done.status == b'I' {
            stats.transactions.add(1);
            stats.transaction_us.add(self.now_us.saturating_sub(server.began_us));
            server.began_us = 0;
        }
        if done.failed {
            stats.errors.add(1);
        } else if let Some(plan) = &done.plan {
            plan.measured.note(done.served_us, done.bytes);
        }
        if self.die.cast()
            && let Some(plan) = &done.plan
        {
            self.stats().busiest.note(plan.key, done.served_us);
        }
        if done.changed_schema || done.again {
            // What is out of date here is so on the pool's other connections too.
            pool.schema.fetch_add(1, Relaxed);
        }
        let Some(mut client) = self.clients.take(done.client) else {
            // Its client is gone, or went on without it: then another may be the one that holds the connection.
            return last && self.finish_ours(server);
        };
        if client.stage == ClientStage::Closing {
            self.clients.put(done.client, client);
            return server.up.owner == Some(done.client);
        }
        let aside = std::mem::take(&mut client.aside);
        client.stream.out.extend_from_slice(&aside);
        if let Some(pins) = &mut client.session.pins {
            pins.unit_done(&done, client.status, server.up.is_quiet());
            client.session.count_pins();
        }
        client.status = done.status;
        let total_us = self.now_us.saturating_sub(done.sent_us) + client.waited_us;
        self.note_slow(&mut client, pool.id, &mut done, total_us);
        client.stopping = false;
        client.finishing = false;
        client.waited_us = 0;
        // What comes next has its own time.
        client.deadline_ms = 0;
        client.running = !server.up.is_quiet();
        // A client has one unit at a time on a shared connection: its end decides all of it.
        let all_in = matches!(client.link, Link::Shared(_)) || server.up.is_quiet();
        client.session.unit_done(all_in, done.status);
        client.session.backslashes = server.up.backslashes;
        if !done.changes.is_empty() {
            self.apply(&mut client, server, &done.changes);
        }
        self.follow_transaction(&mut client, server);
        client.session.unclear |= done.pin.is_some() || server.up.is_unclear();
        if client.session.heard.is_some() {
            self.tell_heard(&mut client, server, &done);
        }
        if let Some(why) = done.pin {
            client.session.pin(why, &self.shared);
        }
        if !done.failed && done.plan.as_ref().is_some_and(|plan| plan.effect.discards) {
            self.note_discard(&mut client);
        }
        let again = done.again && !client.again.is_empty();
        if again {
            client.put_back();
        } else {
            self.spare.put(std::mem::take(&mut client.again));
        }
        client.repeated = again;
        let id = client.id;
        if again {
            self.resumed.push_back(id);
        }
        let mut release = false;
        match client.link {
            Link::Shared(_) => {
                if server.blocked_by == Some(id) {
                    // All of it is in its own buffer now; its neighbours need not wait for it to read.
                    server.blocked_by = None;
                    server.stream.resume(self.set);
                }
                client.link = Link::None;
                client.wait = Wait::None;
                self.resumed.push_back(id);
            }
            Link::Held(_) => {
                let quiet = server.up.is_quiet();
                if quiet && client.wait == Wait::Replies {
                    client.wait = Wait::None;
                    self.resumed.push_back(id);
                }
                let free = last && quiet && server.up.status == b'I' && client.session.is_between();
                if free && !client.session.pinned && pool.config().mode != Mode::Session {
                    client.link = Link::None;
                    stats.linked.add(-1);
                    server.up.owner = None;
                    release = true;
                    if !client.input.is_empty() {
                        self.resumed.push_back(id);
                    }
                } else if free {
                    // It keeps the connection, and what it reset falls back to what it began with.
                    client.settling = !self.prepare(&client, server);
                    if client.settling {
                        client.wait = Wait::Replies;
                    }
                    self.ask_pins(&mut client, server);
                }
            }
            Link::None | Link::Tied(_) => {}
        }
        if self.draining {
            self.resumed.push_back(id);
        }
        self.watch_clock(&mut client);
        self.clients.put(id, client);
        release
    }

    /// What an open transaction has changed counts for the statements in it; when it ends, its end decides.
    fn follow_transaction(&mut self, client: &mut Client, server: &Server) {
        if !server.up.changed_meaning() {
            if !Arc::ptr_eq(&client.meant, &client.settings) {
                self.follow_settings(client);
            }
            return;
        }
        let unfinished = server.up.unfinished().iter().filter(|change| change.decides_meaning());
        let meant = changed(&client.settings, &client.startup, unfinished);
        client.meant = self.shared.interner.settings(meant);
        client.scope = self.scope_of(client);
    }

    /// The statement changed settings of the session: the client keeps them wherever it goes.
    fn apply(&mut self, client: &mut Client, server: &mut Server, changes: &[Change]) {
        let mut mine = changed(&client.settings, &client.startup, changes);
        let mut theirs = changed(&server.up.applied, &self.shared.no_settings, changes);
        if mine.len() > MOST_SETTINGS {
            // It keeps its connection; what statements mean is followed all the same.
            client.session.pin("too many settings", &self.shared);
            let deciding = || changes.iter().filter(|change| change.decides_meaning());
            mine = changed(&client.settings, &client.startup, deciding());
            theirs = changed(&server.up.applied, &self.shared.no_settings, deciding());
        }
        client.settings = self.shared.interner.settings(mine);
        server.up.applied = self.shared.interner.settings(theirs);
        self.follow_settings(client);
    }
}

/// Settings of one client that are followed.
const MOST_SETTINGS: usize = 256;

/// Settings after changes; what is reset falls back to `start`.
fn changed<'a>(
    settings: &Settings,
    start: &Settings,
    changes: impl IntoIterator<Item = &'a Change>,
) -> Settings {
    let mut after = settings.clone();
    for change in changes {
        match change {
            Change::Set(name, value) => {
                let value = value.clone().or_else(|| start.get(name).map(str::to_owned));
                after.set(name.clone(), value);
            }
            Change::Local(name, value) => after.set(name.clone(), Some(value.clone())),
            Change::ResetAll => {
                let role = after.get("role").map(str::to_owned);
                after = start.clone();
                after.set("role".to_owned(), role);
            }
            _ => {}
        }
    }
    after
}
