//! Commands on their way in: what concerns one connection goes to its carrier, the rest is done here.

use crate::border::{Command, Event};
use crate::inbox::Post;
use crate::shared::Shared;
use crate::slab::Id;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Hands commands over, in order. `next` spreads new server connections over the carriers.
pub fn apply(shared: &Shared, next: &AtomicUsize, command: Command) {
    match command {
        Command::Send { conn, .. }
        | Command::Close { conn, .. }
        | Command::AdmitServer { conn, .. }
        | Command::Tell { conn, .. }
        | Command::Reply { conn, .. } => shared.post(conn.carrier(), Post::Command(command)),
        Command::Tie(ref tie) => shared.post(tie.conn.carrier(), Post::Command(command)),
        Command::Admit(ref admit) => shared.post(admit.conn.carrier(), Post::Command(command)),
        Command::Attach(ref attach) => {
            let waits = || shared.pool(attach.pool).and_then(|pool| pool.front_carrier());
            let wanted = attach.near.map(Id::carrier).or_else(waits);
            let carrier = wanted.unwrap_or_else(|| next.fetch_add(1, Relaxed) % shared.inboxes.len().max(1));
            shared.post(carrier, Post::Command(command));
        }
        Command::Adopt { .. } => {
            let carrier = next.fetch_add(1, Relaxed) % shared.inboxes.len().max(1);
            shared.post(carrier, Post::Command(command));
        }
        Command::Cancelled { ticket } => shared.post((ticket >> 56) as usize, Post::Command(command)),
        Command::Listen { listener, fds, tls, proxies } => {
            // As many as there are: a socket that nobody watched would keep its clients waiting for ever.
            let count = shared.inboxes.len();
            let mut shares: Vec<Vec<_>> = (0..count).map(|_| Vec::new()).collect();
            for (at, fd) in fds.into_iter().enumerate() {
                if let Some(share) = shares.get_mut(at % count.max(1)) {
                    share.push(fd);
                }
            }
            for (carrier, fds) in shares.into_iter().enumerate() {
                let (tls, proxies) = (tls.clone(), Arc::clone(&proxies));
                shared.post(carrier, Post::Command(Command::Listen { listener, fds, tls, proxies }));
            }
        }
        Command::Unlisten { listener } => {
            for carrier in 0..shared.inboxes.len() {
                shared.post(carrier, Post::Command(Command::Unlisten { listener }));
            }
        }
        Command::Drain { at_once } => {
            for carrier in 0..shared.inboxes.len() {
                shared.post(carrier, Post::Command(Command::Drain { at_once }));
            }
        }
        Command::Guard { on, asks } => {
            shared.guarded.store(on, Relaxed);
            shared.asks.store(Arc::clone(&asks));
            for carrier in 0..shared.inboxes.len() {
                let asks = Arc::clone(&asks);
                shared.post(carrier, Post::Command(Command::Guard { on, asks }));
            }
        }
        Command::SlowAfter { ms, parameters } => {
            let us = if ms == 0 { u64::MAX } else { ms.saturating_mul(1_000) };
            shared.slow_us.store(us, Relaxed);
            shared.slow_parameters.store(ms > 0 && parameters, Relaxed);
        }
        Command::Fail(fail) => {
            let Some(pool) = shared.pool(fail.pool) else { return };
            let retry_ms = shared.now_us() / 1000 + fail.retry_ms;
            for waiter in pool.failed(&fail.code, &fail.message, fail.finally, retry_ms) {
                let (client, code, message) = (waiter.client, fail.code.clone(), fail.message.clone());
                shared.post(client.carrier(), Post::Refuse { client, code, message });
            }
        }
        Command::Learn { scope, key, plan } => shared.learn((scope, key), *plan),
        Command::OpenPool { pool, config } => shared.open_pool(pool, *config),
        Command::TellStrays => shared.tell_strays.store(true, Relaxed),
        Command::Survey { pool, ms } => {
            for carrier in 0..shared.inboxes.len() {
                shared.post(carrier, Post::Command(Command::Survey { pool, ms }));
            }
        }
        Command::Break { pool, address } => {
            // The idle ones too: each would be found out by a client's statement.
            apply(shared, next, Command::Recycle { pool });
            for carrier in 0..shared.inboxes.len() {
                let address = address.clone();
                shared.post(carrier, Post::Command(Command::Break { pool, address }));
            }
        }
        Command::Retire { pool, address } => {
            let found = shared.pool(pool).map(|pool| pool.claim_all(|server| *server.address == *address));
            for server in found.unwrap_or_default() {
                shared.post(server.id.carrier(), Post::Moved(server.id));
            }
            for carrier in 0..shared.inboxes.len() {
                let address = address.clone();
                shared.post(carrier, Post::Command(Command::Retire { pool, address }));
            }
        }
        Command::Recycle { pool } => {
            for server in shared.pool(pool).map(|pool| pool.recycle()).unwrap_or_default() {
                shared.post(server.id.carrier(), Post::Moved(server.id));
            }
        }
        Command::ForgetPlans { bases } => shared.forget_plans(bases.as_deref()),
        Command::Hold { pool, hold } => {
            let Some(pool) = shared.pool(pool) else { return };
            let (ended, granted) = pool.hold(hold);
            for server in ended {
                shared.post(server.id.carrier(), Post::Moved(server.id));
            }
            for (waiter, server) in granted {
                shared.post(waiter.client.carrier(), Post::Grant { client: waiter.client, server });
            }
            for _ in 0..pool.wanted(shared.now_us() / 1000) {
                shared.tell(Event::ServerNeeded { pool: pool.id });
            }
        }
        Command::Kill { pool, said } => {
            for carrier in 0..shared.inboxes.len() {
                let said = said.clone();
                shared.post(carrier, Post::Command(Command::Kill { pool, said }));
            }
        }
        Command::List { ticket } => {
            for carrier in 0..shared.inboxes.len() {
                shared.post(carrier, Post::Command(Command::List { ticket }));
            }
        }
    }
}
