//! What has to happen by some time: log-in, waiting, statements, idle sessions; and the pools' own housekeeping.

use super::cancels::BY_TIME;
use super::{CLIENT, End, Engine, SERVER, WAKE, token};
use crate::conn::client::{Client, Link, Stage, Wait};
use crate::conn::server::Stage as ServerStage;
use crate::shared::ServerPool;
use crate::slab::Id;
use crate::wire::postgres::build;
use std::sync::Arc;

/// How long the brain may take for a plan or an answer.
const BRAIN_MS: u64 = 30_000;
/// How long a server may take for a TLS handshake.
const TLS_MS: u64 = 15_000;
/// How long a client that is told to go may take to read it.
const CLOSING_MS: u64 = 5_000;
/// How long a server may take to stop a statement when asked.
const STOPPING_MS: u64 = 3_000;

/// The wheel is asked again at least so often, so that entries of deadlines that moved do not pile up.
const HORIZON_MS: u64 = 10_000;

/// What the clock of a client is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Clock {
    Login,
    Closing,
    Plan,
    Pool,
    Statement,
    Stopping,
    Transaction,
    Idle,
    /// A replication connection has none.
    Tied,
    /// It is told to go when the message under way is through.
    Parting,
}

impl Engine {
    fn clock(client: &Client) -> Clock {
        match (client.stage, client.wait, client.link) {
            (Stage::First | Stage::Login | Stage::Cancelling, ..) => Clock::Login,
            (Stage::Closing, ..) => Clock::Closing,
            (Stage::Tied, ..) if client.stopping => Clock::Parting,
            (Stage::Tied, ..) => Clock::Tied,
            (_, Wait::Plan | Wait::Answer { .. }, _) => Clock::Plan,
            (_, Wait::Pool { .. }, _) => Clock::Pool,
            (_, _, Link::Shared(_)) => Clock::Statement,
            (_, _, Link::Held(_)) if client.running && client.stopping => Clock::Stopping,
            (_, _, Link::Held(_)) if client.running => Clock::Statement,
            (_, _, Link::Held(_)) if client.status != b'I' || !client.session.is_between() => {
                Clock::Transaction
            }
            _ => Clock::Idle,
        }
    }

    fn limit_ms(&self, client: &Client, clock: Clock) -> u64 {
        let pool = |of: fn(&crate::pool::PoolConfig) -> u64| {
            client.pool.as_ref().map_or(0, |pool| of(&pool.config()))
        };
        match clock {
            Clock::Login => self.shared.limits.login_ms,
            Clock::Closing | Clock::Parting => CLOSING_MS,
            Clock::Tied => 0,
            // A command of the console may wait for others to finish.
            Clock::Plan if client.pool.is_none() && client.wait != Wait::Plan => 0,
            Clock::Plan => BRAIN_MS,
            Clock::Pool => pool(|config| config.wait_ms),
            Clock::Stopping => STOPPING_MS,
            Clock::Statement => pool(|config| config.statement_ms),
            Clock::Transaction => pool(|config| config.idle_transaction_ms),
            Clock::Idle => pool(|config| config.client_idle_ms),
        }
    }

    /// Sets the client's deadline by what it is at now. A later deadline than the armed one costs a store.
    pub(super) fn watch_clock(&mut self, client: &mut Client) {
        client.running = match client.link {
            Link::Held(id) => self.servers.get(id).map_or(client.running, |server| !server.up.is_quiet()),
            _ => false,
        };
        let clock = Self::clock(client);
        // More input does not make these later.
        let steady = !matches!(clock, Clock::Transaction | Clock::Idle);
        if steady && client.clock == clock && client.deadline_ms > 0 {
            return;
        }
        client.clock = clock;
        let limit = self.limit_ms(client, clock);
        client.deadline_ms = if limit == 0 { 0 } else { self.now_ms + limit };
        if client.deadline_ms > 0 && client.deadline_ms < client.armed_ms {
            self.arm(client.id, client.deadline_ms);
            client.armed_ms = client.deadline_ms.min(self.now_ms + HORIZON_MS);
        }
    }

    fn arm(&mut self, id: Id, deadline_ms: u64) {
        self.wheel.arm(token(CLIENT, id), deadline_ms.min(self.now_ms + HORIZON_MS));
    }

    pub(super) fn expire(&mut self) {
        let mut expired = std::mem::take(&mut self.expired);
        expired.clear();
        self.wheel.expire(self.now_ms, &mut expired);
        for token in &expired {
            let id = self.id(*token);
            let client = token >> 56 == CLIENT;
            self.guarded(*token, |engine| if client { engine.ring(id) } else { engine.ring_server(id) });
            self.guarded(WAKE << 56, Self::resume_all);
        }
        self.expired = expired;
    }

    /// A server that accepts and says nothing: the brain knows no handle yet, so this is the core's to end.
    pub(super) fn await_tls(&mut self, id: Id) {
        self.wheel.arm(token(SERVER, id), self.now_ms + TLS_MS);
    }

    fn ring_server(&mut self, id: Id) {
        if self.servers.get(id).is_some_and(|server| server.stage == ServerStage::Tls)
            && let Some(server) = self.servers.take(id)
        {
            self.lost_stream(server, "no TLS handshake in time".to_owned());
        }
        self.look_after(id);
    }

    fn ring(&mut self, id: Id) {
        let Some(client) = self.clients.get(id) else { return };
        if client.armed_ms > self.now_ms {
            // An entry from before the deadline was moved closer.
            return;
        }
        client.armed_ms = u64::MAX;
        if client.deadline_ms == 0 {
            return;
        }
        if self.now_ms < client.deadline_ms {
            let deadline = client.deadline_ms;
            client.armed_ms = deadline.min(self.now_ms + HORIZON_MS);
            return self.arm(id, deadline);
        }
        let clock = client.clock;
        if let (Clock::Statement, Link::Shared(lane)) = (clock, client.link) {
            return self.stop_shared(id, lane);
        }
        let Some(mut client) = self.clients.take(id) else { return };
        if clock == Clock::Statement && self.stop_statement(&mut client) {
            return self.settle_client(client, Ok(()));
        }
        let end = match clock {
            Clock::Closing => return self.drop_client(id),
            Clock::Parting | Clock::Tied => End::Gone("it did not read in time that it has to go".to_owned()),
            Clock::Login => End::error("08P01", "client_login_timeout"),
            Clock::Plan => End::error("57014", "no plan or answer in time"),
            Clock::Pool => wait_over(client.pool.as_ref().and_then(|pool| pool.trouble())),
            Clock::Statement | Clock::Stopping => End::error("57014", BY_TIME),
            Clock::Transaction => {
                End::error("25P03", "terminating connection due to idle-in-transaction timeout")
            }
            Clock::Idle => End::error("57P05", "terminating connection due to idle-session timeout"),
        };
        self.end_client(client, end);
    }

    /// Looks after the pools: closes what is past its time, opens what is missing. One carrier does it for all.
    pub(super) fn tend(&mut self) {
        self.wake_listeners();
        for pool in self.shared.pools() {
            let (ended, open) = pool.tend(self.now_ms);
            for server in ended {
                self.discard(server);
            }
            self.ask_servers(&pool, open);
            if pool.starved() {
                self.make_room_for(&pool);
            }
        }
    }

    /// The group is full but another pool of it has idle connections: one of them goes.
    fn make_room_for(&mut self, pool: &Arc<ServerPool>) {
        let group = pool.config().group;
        let others = self.shared.pools();
        let donor = others.iter().filter(|other| other.id != pool.id && other.config().group == group);
        let Some(server) = donor.into_iter().find_map(|other| other.yield_idle()) else { return };
        self.discard(server);
        let open = pool.wanted(self.now_ms);
        self.ask_servers(pool, open);
    }
}

/// In PgBouncer's words, and why the connections it waited for may not have come.
fn wait_over(trouble: Option<String>) -> End {
    let Some(trouble) = trouble else { return End::error("08P01", "query_wait_timeout") };
    let detail = format!("The last attempt to open a server connection failed: {trouble}");
    let mut said = Vec::new();
    build::error_with(&mut said, "FATAL", "08P01", "query_wait_timeout", &detail);
    End::Said(said)
}
