//! What the brain and other carriers ask of this one.

use super::listing::Walk;
use super::{End, Engine, SERVER, WAKE, token};
use crate::border::{Attach, Command, Event};
use crate::conn::client::{Stage as ClientStage, Wait};
use crate::conn::server::{Server, Stage};
use crate::conn::stream::Stream;
use crate::conn::tls::TlsSession;
use crate::inbox::Post;
use crate::poll;
use crate::slab::Id;
use crate::wire::postgres::server::{Lost, Upstream};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// What waits to be read by one client, when more is told to it.
const MAX_TOLD: usize = 4 * 1024 * 1024;
/// Posts taken in one turn.
const POSTS: usize = 1_024;

impl Engine {
    pub(super) fn drain_inbox(&mut self) {
        let Some(inbox) = self.shared.inboxes.get(self.index) else { return };
        for post in inbox.drain(POSTS) {
            // Each on its own: a defect with one must not cost the others.
            self.guarded(WAKE << 56, |engine| engine.take_post(post));
        }
    }

    fn take_post(&mut self, post: Post) {
        match post {
            Post::Command(command) => self.obey(command),
            Post::PlanReady(id) => self.plan_ready(id),
            Post::Grant { client, server } => self.granted_to(client, server),
            Post::Refuse { client, code, message } => self.refuse(client, &code, &message),
            Post::Walk(walk) => self.walk(*walk),
            Post::Moved(id) => drop(self.servers.remove(id)),
            Post::Cancel { slot, secret, by } => {
                if !self.cancel(slot, &secret, by) {
                    let pid = ((self.index as u32) << 24 | slot) + 1;
                    if !self.tell_stray(by, pid, &secret) {
                        self.shared.post(by.carrier(), Post::CancelDone(by));
                    }
                }
            }
            Post::CancelDone(by) => {
                if let Some(client) = self.clients.take(by) {
                    self.end_client(client, End::Gone("cancel request".to_owned()));
                }
            }
        }
        self.resume_all();
    }

    fn plan_ready(&mut self, id: Id) {
        if let Some(client) = self.clients.get(id)
            && client.wait == Wait::Plan
        {
            client.wait = Wait::None;
            self.resume(id);
        }
    }

    pub(super) fn refuse(&mut self, id: Id, code: &str, message: &str) {
        // It may have been cancelled meanwhile, and be at something else.
        if self.clients.get(id).is_some_and(|client| matches!(client.wait, Wait::Pool { .. }))
            && let Some(client) = self.clients.take(id)
        {
            self.end_client(client, End::Said(super::lanes::fatal(code, message)));
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Send { conn, data } => self.send(conn, &data),
            Command::Close { conn, data } => self.close(conn, data),
            Command::Admit(admit) => self.admit(*admit),
            Command::Tie(tie) => self.tie(*tie),
            Command::Attach(attach) => self.attach(*attach),
            Command::AdmitServer { conn, pid, secret, parameters } => {
                self.admit_server(conn, pid, secret, &parameters);
            }
            Command::Reply { conn, ticket, data } => self.reply(conn, ticket, &data),
            Command::Cancelled { ticket } => self.cancelled(ticket),
            Command::Tell { conn, data } => self.inform(conn, &data),
            Command::Adopt { pool, base, fd } => self.adopt(pool, base, fd),
            Command::Listen { listener, fds, tls, proxies } => self.listen(listener, fds, tls, &proxies),
            Command::Unlisten { listener } => self.unlisten(listener),
            // What concerns no connection is done where it arrives: see brain.rs.
            Command::Fail(_) | Command::Learn { .. } | Command::OpenPool { .. } => {}
            Command::Recycle { .. }
            | Command::Hold { .. }
            | Command::ForgetPlans { .. }
            | Command::SlowAfter { .. }
            | Command::TellStrays => {}
            Command::List { ticket } => self.walk(Walk::list(ticket)),
            Command::Kill { pool, said } => self.walk(Walk::kill(pool, said)),
            Command::Guard { .. } => self.walk(Walk::regard()),
            Command::Drain { at_once } => self.drain(at_once),
            Command::Survey { pool, ms } => self.survey(pool, ms),
            Command::Break { pool, address } => self.break_off(pool, &address),
            Command::Retire { pool, address } => self.retire(pool, &address),
        }
    }

    /// A cancel request for nobody here. True: the brain sees to it, and closes the connection it came on.
    pub(super) fn tell_stray(&self, conn: Id, pid: u32, secret: &[u8]) -> bool {
        let told = self.shared.tell_strays.load(Relaxed);
        if told {
            self.shared.tell(Event::CancelStray { conn, pid, secret: secret.to_vec() });
        }
        told
    }

    /// Where has a reply been awaited for so long? Each address once.
    fn survey(&mut self, pool: u32, ms: u64) {
        let mut silent: Vec<Box<str>> = Vec::new();
        for id in self.servers.ids() {
            let Some(server) = self.servers.get(id) else { continue };
            let Some(since) = server.up.oldest_us() else { continue };
            if server.seat.pool().id == pool
                && self.now_us.saturating_sub(since) >= ms.saturating_mul(1_000)
                && !silent.contains(&server.address)
            {
                silent.push(server.address.clone());
            }
        }
        for address in silent {
            self.shared.tell(Event::Silent { pool, address: address.into() });
        }
    }

    /// The server there is known to answer nobody: who waits for it waits in vain.
    fn break_off(&mut self, pool: u32, address: &str) {
        for id in self.servers.ids() {
            let dead = self.servers.get(id).is_some_and(|server| {
                server.seat.pool().id == pool
                    && server.stage == Stage::Active
                    && &*server.address == address
                    && !server.up.is_quiet()
            });
            if dead && let Some(server) = self.servers.take(id) {
                let why = format!("server {address} does not answer");
                self.lose(server, Lost::Fatal("08006".to_owned(), why));
            }
        }
    }

    /// What is in use there ends with who uses it.
    fn retire(&mut self, pool: u32, address: &str) {
        for id in self.servers.ids() {
            if let Some(server) = self.servers.get(id)
                && server.seat.pool().id == pool
                && &*server.address == address
            {
                server.doomed = true;
            }
        }
    }

    fn send(&mut self, conn: Id, data: &[u8]) {
        if let Some(client) = self.clients.get(conn)
            && client.stage == ClientStage::Login
        {
            client.stream.out.extend_from_slice(data);
            client.spoke = false;
            self.resume(conn);
        } else if let Some(server) = self.servers.get(conn)
            && server.stage == Stage::Login
        {
            server.stream.out.extend_from_slice(data);
            self.dirty_servers.push(conn);
        }
    }

    fn close(&mut self, conn: Id, data: Vec<u8>) {
        // A handle names either; only one of the slabs knows it, and a client that is admitted may be closed too.
        if let Some(server) = self.servers.get(conn)
            && matches!(server.stage, Stage::Tls | Stage::Login)
        {
            drop(self.servers.remove(conn));
        } else if let Some(client) = self.clients.take(conn) {
            self.end_client(client, End::Said(data));
        }
    }

    fn attach(&mut self, attach: Attach) {
        let Some(pool) = self.shared.pool(attach.pool) else { return };
        let seat = pool.seat(self.now_ms);
        let (ticket, number) = (attach.ticket, attach.pool);
        let lost = |conn: Id, reason: String| Event::ServerLost {
            conn,
            ticket,
            pool: number,
            admitted: false,
            reason,
        };
        let Some(id) = self.servers.reserve() else {
            return self.shared.tell(lost(Id(0), "too many server connections".to_owned()));
        };
        let mut stream = Stream::new(attach.fd, token(SERVER, id));
        let tls = attach.tls.map(|tls| TlsSession::connect(&tls, &attach.server_name)).transpose();
        let registered = stream.register(self.set).map_err(|error| error.to_string());
        match (tls, registered) {
            (Ok(tls), Ok(())) => stream.tls = tls.map(Box::new),
            (Err(reason), _) | (_, Err(reason)) => {
                self.servers.remove(id);
                return self.shared.tell(lost(id, reason));
            }
        }
        let schema = pool.schema.load(Relaxed);
        let local = poll::local_address(stream.raw()).into();
        let mut server = Box::new(Server {
            id,
            stage: Stage::Tls,
            ticket,
            address: attach.address.into(),
            local,
            input: Vec::new(),
            tied: None,
            up: Upstream::new(Arc::clone(&self.shared.no_settings), schema),
            pid: 0,
            secret: Box::default(),
            blocked_by: None,
            cancels: 0,
            cancel_due: None,
            doomed: false,
            looked_at_ms: 0,
            began_us: 0,
            shared_since_us: 0,
            rides: 0,
            stream,
            seat,
        });
        if server.stream.tls.is_none() {
            self.opened(&mut server);
        } else {
            self.await_tls(id);
        }
        self.mark_server(&mut server);
        self.servers.put(id, server);
    }

    fn admit_server(&mut self, conn: Id, pid: u32, secret: Vec<u8>, parameters: &[(String, String)]) {
        let Some(mut server) = self.servers.take(conn) else { return };
        if server.stage != Stage::Login {
            return self.servers.put(conn, server);
        }
        server.stage = Stage::Active;
        server.seat.admit(self.now_ms);
        server.pid = pid;
        server.secret = secret.into();
        let off = |(name, value): &(String, String)| name == "standard_conforming_strings" && value == "off";
        server.up.way_us = server.stream.way_us();
        server.up.backslashes = parameters.iter().any(off);
        self.release(server);
    }

    /// Whole messages for a client, whatever it is at: between two of a server's, never in the midst of one.
    fn inform(&mut self, conn: Id, data: &[u8]) {
        let Some(mut client) = self.clients.take(conn) else { return };
        if client.stage != ClientStage::Active {
            return self.clients.put(conn, client);
        }
        client.aside.extend_from_slice(data);
        if !self.is_midway(&client) {
            let aside = std::mem::take(&mut client.aside);
            client.stream.out.extend_from_slice(&aside);
        }
        let behind = client.stream.waiting() + client.aside.len() > MAX_TOLD;
        let result = if behind {
            Err(End::error("54000", "notifications came faster than they were read"))
        } else {
            Ok(())
        };
        self.settle_client(client, result);
    }

    fn reply(&mut self, conn: Id, ticket: u64, data: &[u8]) {
        let Some(client) = self.clients.get(conn) else { return };
        if client.wait == (Wait::Answer { ticket }) {
            client.wait = Wait::None;
            client.stream.out.extend_from_slice(data);
            self.resume(conn);
        }
    }
}
