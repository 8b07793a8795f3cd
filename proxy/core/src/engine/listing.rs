//! Walks over a carrier's connections: to list them for the console, or to end those of a killed database. So many at
//! a time, then the carrier does its other work; what changes meanwhile is seen as it is when its turn comes.

use super::{End, Engine};
use crate::border::{ClientRow, Event, Listed, ServerRow};
use crate::conn::client::{Client, Link, Stage, Wait};
use crate::conn::server::{Server, Stage as ServerStage};
use crate::inbox::Post;
use crate::poll;
use crate::slab::Id;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::sync::Arc;

/// Connections looked at in one turn.
const AT_A_TIME: u32 = 256;
/// Idle connections looked at under a pool's lock.
const PEEKED: usize = 64;

pub struct Walk {
    job: Job,
    stretch: Stretch,
    next: u32,
}

enum Job {
    List(Box<Listed>),
    Kill {
        pool: u32,
        said: Vec<u8>,
    },
    /// What is asked about clients is another than when their scopes were made.
    Regard,
}

#[derive(Clone, Copy)]
enum Stretch {
    Clients,
    Servers,
    /// Connections that rest in their pools.
    Idle,
}

impl Walk {
    pub fn list(ticket: u64) -> Self {
        let (clients, servers, doors) = (Vec::new(), Vec::new(), Vec::new());
        let listed = Box::new(Listed { ticket, of: 0, clients, servers, doors });
        Self { job: Job::List(listed), stretch: Stretch::Clients, next: 0 }
    }

    pub fn kill(pool: u32, said: Vec<u8>) -> Self {
        Self { job: Job::Kill { pool, said }, stretch: Stretch::Clients, next: 0 }
    }

    pub fn regard() -> Self {
        Self { job: Job::Regard, stretch: Stretch::Clients, next: 0 }
    }

    /// The slots of this turn, of so many.
    fn slots(&mut self, all: u32) -> Range<u32> {
        let slots = self.next.min(all)..self.next.saturating_add(AT_A_TIME).min(all);
        self.next = slots.end;
        slots
    }
}

impl Engine {
    /// Goes on for one turn's worth; what is left is posted to this very carrier.
    pub(super) fn walk(&mut self, mut walk: Walk) {
        let more = match walk.stretch {
            Stretch::Clients => {
                let slots = walk.slots(self.clients.slots());
                slots.clone().for_each(|slot| self.pass_client(&mut walk.job, slot));
                slots.end < self.clients.slots()
            }
            Stretch::Servers => {
                let slots = walk.slots(self.servers.slots());
                slots.clone().for_each(|slot| self.pass_server(&mut walk.job, slot));
                slots.end < self.servers.slots()
            }
            Stretch::Idle => self.pass_idle(&mut walk),
        };
        if !more {
            walk.next = 0;
            walk.stretch = match (walk.stretch, &walk.job) {
                (Stretch::Clients, Job::Regard) => return,
                (Stretch::Clients, _) => Stretch::Servers,
                (Stretch::Servers, Job::List(_)) => Stretch::Idle,
                _ => return self.tell_list(walk.job),
            };
        }
        self.shared.post(self.index, Post::Walk(Box::new(walk)));
    }

    fn pass_client(&mut self, job: &mut Job, slot: u32) {
        let Some(id) = self.clients.at(slot) else { return };
        match job {
            Job::List(listed) => {
                let now_us = self.now_us;
                listed.clients.extend(self.clients.get(id).map(|client| client_row(client, now_us)));
            }
            Job::Regard => {
                if let Some(mut client) = self.clients.take(id) {
                    if client.stage == Stage::Active {
                        self.regard(&mut client);
                    }
                    self.clients.put(id, client);
                }
            }
            Job::Kill { pool, said } => {
                let theirs = |client: &mut Box<Client>| client.pool.as_ref().is_some_and(|of| of.id == *pool);
                if self.clients.get(id).is_some_and(theirs)
                    && let Some(client) = self.clients.take(id)
                {
                    self.end_client(client, End::Said(said.clone()));
                    self.resume_all();
                }
            }
        }
    }

    fn pass_server(&mut self, job: &mut Job, slot: u32) {
        let Some(id) = self.servers.at(slot) else { return };
        let now = (self.now_us, self.now_ms);
        let Some(server) = self.servers.get(id) else { return };
        match job {
            Job::Regard => {}
            Job::List(listed) => listed.servers.push(server_row(server, now)),
            Job::Kill { pool, .. } => {
                // Log-ins under way are the brain's; once admitted, the pool that is held does not keep them.
                if server.stage != ServerStage::Active || server.seat.pool().id != *pool {
                    return;
                }
                // Its clients are gone: none of this carrier is left, and it serves no other's.
                if let Some(server) = self.servers.take(id) {
                    let pool = Arc::clone(server.seat.pool());
                    self.stop_sharing(&pool, id);
                    let stop = !server.up.pending.is_empty();
                    self.abandon(server, stop);
                }
            }
        }
    }

    /// Pool by pool, by number. True: there are more.
    fn pass_idle(&mut self, walk: &mut Walk) -> bool {
        let Job::List(listed) = &mut walk.job else { return false };
        let now = (self.now_us, self.now_ms);
        let mut pools = self.shared.pools();
        pools.retain(|pool| pool.id >= walk.next);
        pools.sort_by_key(|pool| pool.id);
        let before = listed.servers.len();
        for pool in pools {
            if listed.servers.len() - before >= AT_A_TIME as usize {
                return true;
            }
            let mut seen = 0;
            loop {
                let rows = pool.peek(self.index, seen, PEEKED, |server| server_row(server, now));
                seen += rows.len();
                let last = rows.len() < PEEKED;
                listed.servers.extend(rows);
                if last {
                    break;
                }
            }
            walk.next = pool.id.saturating_add(1);
        }
        false
    }

    fn tell_list(&mut self, job: Job) {
        let Job::List(mut listed) = job else { return };
        listed.doors = self.listeners.iter().map(|door| (door.number, door.fd.as_raw_fd())).collect();
        listed.of = self.shared.inboxes.len();
        self.shared.tell(Event::Listed(listed));
    }
}

fn client_row(client: &Client, now_us: u64) -> ClientRow {
    let waits = matches!(client.wait, Wait::Pool { .. });
    let state = match (client.stage, client.wait, client.link) {
        (Stage::First | Stage::Login, ..) => "login",
        (Stage::Cancelling, ..) => "active_cancel_req",
        (Stage::Closing, ..) => "closing",
        _ if waits => "waiting",
        (_, Wait::None, Link::None) => "idle",
        _ => "active",
    };
    let link = match client.link {
        Link::None => None,
        Link::Held(id) | Link::Shared(id) | Link::Tied(id) => Some(id.0),
    };
    ClientRow {
        conn: client.id,
        pool: client.pool.as_ref().map_or(0, |pool| pool.id),
        base: client.base,
        state,
        address: client.peer.as_deref().unwrap_or_default().to_owned(),
        local: poll::local_address(client.stream.raw()),
        fd: client.stream.raw(),
        since_us: now_us.saturating_sub(client.since_us),
        heard_us: now_us.saturating_sub(client.heard_us),
        waited_us: if waits { now_us.saturating_sub(client.waiting_since_us) } else { 0 },
        link,
        tls: client.stream.tls.as_ref().map_or_else(String::new, |tls| tls.terms()),
        application: client.settings.get("application_name").unwrap_or_default().to_owned(),
        prepared: client.session.named.as_ref().map_or(0, |named| named.len()),
        pinned: client.session.pinned,
        kept: client.input.len(),
        unsent: client.stream.waiting(),
    }
}

fn server_row(server: &Server, (now_us, now_ms): (u64, u64)) -> ServerRow {
    let owner = server.up.owner.map(|Id(id)| id);
    let heard_us = server.tied.as_ref().map_or_else(|| server.up.heard_us(), |tied| tied.heard_us);
    let state = match server.stage {
        ServerStage::Tls | ServerStage::Login => "login",
        ServerStage::Active | ServerStage::Tied if server.cancels > 0 => "being_canceled",
        ServerStage::Active if owner.is_none() && server.up.is_quiet() => "idle",
        ServerStage::Active if owner.is_none() && server.up.units == 0 => "tested",
        ServerStage::Active | ServerStage::Tied => "active",
    };
    ServerRow {
        conn: server.id,
        pool: server.seat.pool().id,
        state,
        address: server.address.to_string(),
        local: server.local.to_string(),
        fd: server.stream.raw(),
        since_us: now_us.saturating_sub(server.seat.born_ms * 1000),
        heard_us: now_us.saturating_sub(heard_us.max(server.seat.born_ms * 1000)),
        closing: !server.seat.current(now_ms),
        link: owner,
        pid: server.pid,
        tls: server.stream.tls.as_ref().map_or_else(String::new, |tls| tls.terms()),
        prepared: server.up.prepared.len(),
        kept: server.input.len(),
        unsent: server.stream.waiting(),
    }
}
