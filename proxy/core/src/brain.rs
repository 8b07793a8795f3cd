//! Commands on their way in: what concerns one connection goes to its carrier, the rest is done here.

use crate::border::{Command, Event};
use crate::inbox::Post;
use crate::shared::Shared;
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
        Command::Admit(ref admit) => shared.post(admit.conn.carrier(), Post::Command(command)),
        Command::Attach(ref attach) => {
            let wanted = shared.pool(attach.pool).and_then(|pool| pool.front_carrier());
            let carrier = wanted.unwrap_or_else(|| next.fetch_add(1, Relaxed) % shared.inboxes.len().max(1));
            shared.post(carrier, Post::Command(command));
        }
        Command::Adopt { .. } => {
            let carrier = next.fetch_add(1, Relaxed) % shared.inboxes.len().max(1);
            shared.post(carrier, Post::Command(command));
        }
        Command::Cancelled { ticket } => shared.post((ticket >> 56) as usize, Post::Command(command)),
        Command::Listen { listener, fds, tls, proxies } => {
            let count = shared.inboxes.len();
            let mut fds: Vec<_> = fds.into_iter().map(Some).collect();
            for carrier in 0..count {
                let fds = fds.get_mut(carrier).and_then(Option::take).into_iter().collect();
                let (tls, proxies) = (tls.clone(), Arc::clone(&proxies));
                shared.post(carrier, Post::Command(Command::Listen { listener, fds, tls, proxies }));
            }
        }
        Command::Unlisten { listener } => {
            for carrier in 0..shared.inboxes.len() {
                shared.post(carrier, Post::Command(Command::Unlisten { listener }));
            }
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
        Command::Recycle { pool } => {
            for server in shared.pool(pool).map(|pool| pool.recycle()).unwrap_or_default() {
                shared.post(server.id.carrier(), Post::Moved(server.id));
            }
        }
        Command::ForgetPlans => shared.forget_plans(),
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
