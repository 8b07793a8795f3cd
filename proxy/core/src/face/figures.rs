//! Figures as Python objects: every carrier's, summed when asked.

use crate::busiest::SAMPLE;
use crate::conn::client::Client;
use crate::conn::server::Server;
use crate::inbox::Inbox;
use crate::plan::{self, Plan};
use crate::pool::PoolStats;
use crate::shared::{CarrierStats, ServerPool, Shared};
use crate::stats::Histogram;
use hashbrown::HashMap;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

type Buckets = Vec<(u64, u64)>;
/// Fingerprint, executions, their time, the longest.
pub type Busy = (Vec<u8>, u64, u64, u64);

#[pyclass(frozen, get_all, module = "proxy._core")]
pub struct PoolFigures {
    pool: u32,
    label: String,
    mode: String,
    clients_active: i64,
    clients_waiting: usize,
    clients_idle: i64,
    clients_streaming: i64,
    servers_active: usize,
    servers_idle: usize,
    servers_shared: i64,
    servers_opening: usize,
    statements: u64,
    shared_statements: u64,
    errors: u64,
    transactions: u64,
    received: u64,
    sent: u64,
    cancelling: i64,
    servers_old: usize,
    oldest_wait_us: u64,
    waited_us: u64,
    served_us: u64,
    transaction_us: u64,
    wait_us: Buckets,
    statement_us: Buckets,
}

#[pyclass(frozen, get_all, module = "proxy._core")]
pub struct CarrierFigures {
    carrier: usize,
    clients: i64,
    held: i64,
    shared: i64,
    statements: u64,
    bytes_in: u64,
    bytes_out: u64,
    logins: u64,
    panics: u64,
    inbox: usize,
}

#[pyclass(frozen, get_all, module = "proxy._core")]
pub struct PlanFigures {
    scope: u32,
    base: u32,
    key: Py<PyBytes>,
    action: &'static str,
    shareable: bool,
    shares: bool,
    pin: Option<String>,
    mean_us: u32,
    mean_bytes: u32,
}

#[pyclass(frozen, get_all, module = "proxy._core")]
pub struct Figures {
    clients: usize,
    logins: u64,
    servers: usize,
    statements: u64,
    plans: usize,
    plan_misses: u64,
    bytes_in: u64,
    bytes_out: u64,
    panics: u64,
    pins: Vec<(String, u64, u64, u64)>,
    plan_us: Buckets,
    client_bytes: usize,
    server_bytes: usize,
    pool_bytes: usize,
    plan_bytes: usize,
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PoolFigures>()?;
    module.add_class::<CarrierFigures>()?;
    module.add_class::<PlanFigures>()?;
    module.add_class::<Figures>()
}

fn merged<'a>(histograms: impl Iterator<Item = &'a Histogram>) -> Buckets {
    let sum = Histogram::new();
    for histogram in histograms {
        sum.merge(histogram);
    }
    sum.buckets().collect()
}

fn of_pool(pool: &ServerPool, now_us: u64) -> PoolFigures {
    let config = pool.config();
    let (live, idle, opening) = pool.counts();
    let sum = |of: fn(&PoolStats) -> u64| pool.stats.iter().map(of).sum::<u64>();
    let level = |of: fn(&PoolStats) -> i64| pool.stats.iter().map(of).sum::<i64>().max(0);
    let clients = level(|stats| stats.clients.get());
    let active = level(|stats| stats.linked.get());
    let waiting = pool.waiting();
    PoolFigures {
        pool: pool.id,
        label: config.label.clone(),
        mode: config.mode.name().to_owned(),
        clients_active: active,
        clients_waiting: waiting,
        clients_idle: (clients - active - i64::try_from(waiting).unwrap_or(0)).max(0),
        clients_streaming: level(|stats| stats.streaming.get()),
        servers_active: live.saturating_sub(idle + opening),
        servers_idle: idle,
        servers_shared: level(|stats| stats.sharing.get()),
        servers_opening: opening,
        statements: sum(|stats| stats.statements.get()),
        shared_statements: sum(|stats| stats.shared.get()),
        errors: sum(|stats| stats.errors.get()),
        transactions: sum(|stats| stats.transactions.get()),
        received: sum(|stats| stats.received.get()),
        sent: sum(|stats| stats.sent.get()),
        cancelling: level(|stats| stats.cancelling.get()),
        servers_old: pool.old(),
        oldest_wait_us: pool.oldest_ms(now_us / 1000) * 1000,
        waited_us: sum(|stats| stats.wait.sum()),
        served_us: sum(|stats| stats.statement.sum()),
        transaction_us: sum(|stats| stats.transaction_us.get()),
        wait_us: merged(pool.stats.iter().map(|stats| &stats.wait)),
        statement_us: merged(pool.stats.iter().map(|stats| &stats.statement)),
    }
}

pub fn pools(shared: &Shared) -> Vec<PoolFigures> {
    let mut pools = shared.pools();
    pools.sort_by_key(|pool| pool.id);
    let now_us = shared.now_us();
    pools.iter().map(|pool| of_pool(pool, now_us)).collect()
}

/// What each carrier does. Consoles and log-ins belong to no pool and are not counted as clients.
pub fn carriers(shared: &Shared) -> Vec<CarrierFigures> {
    let pools = shared.pools();
    let each = shared.stats.iter().zip(&shared.inboxes).enumerate();
    let of = |(carrier, (stats, inbox)): (usize, (&CarrierStats, &Inbox))| {
        let own = || pools.iter().filter_map(|pool| pool.stats.get(carrier));
        CarrierFigures {
            carrier,
            clients: own().map(|stats| stats.clients.get()).sum(),
            held: own().map(|stats| stats.linked.get()).sum(),
            shared: own().map(|stats| stats.sharing.get()).sum(),
            statements: own().map(|stats| stats.statements.get()).sum(),
            bytes_in: stats.bytes_in.get(),
            bytes_out: stats.bytes_out.get(),
            logins: stats.logins.get(),
            panics: stats.panics.get(),
            inbox: inbox.len(),
        }
    };
    each.map(of).collect()
}

/// Every plan that is known. The table is locked for a copy of it; carriers have reading copies of their own.
pub fn plans(py: Python<'_>, shared: &Shared) -> Vec<PlanFigures> {
    let bases = shared.interner.bases();
    let of = |((scope, key), plan): (plan::Key, Arc<Plan>)| PlanFigures {
        scope,
        base: bases.get(&scope).copied().unwrap_or(0),
        key: PyBytes::new(py, &key.to_be_bytes()).unbind(),
        action: plan.action.name(),
        shareable: plan.shareable,
        shares: plan.shares(),
        pin: plan.effect.pin.clone(),
        mean_us: plan.measured.us(),
        mean_bytes: plan.measured.bytes(),
    };
    shared.plans.all().into_iter().map(of).collect()
}

pub fn figures(shared: &Shared) -> Figures {
    let pools = shared.pools();
    let sum = |of: fn(&crate::shared::CarrierStats) -> u64| shared.stats.iter().map(of).sum::<u64>();
    Figures {
        clients: shared.clients.load(Relaxed),
        logins: sum(|stats| stats.logins.get()),
        servers: pools.iter().map(|pool| pool.counts().0).sum(),
        statements: pools.iter().flat_map(|pool| pool.stats.iter()).map(|stats| stats.statements.get()).sum(),
        plans: shared.plans.len(),
        plan_misses: shared.plans.misses.load(Relaxed),
        bytes_in: sum(|stats| stats.bytes_in.get()),
        bytes_out: sum(|stats| stats.bytes_out.get()),
        panics: sum(|stats| stats.panics.get()),
        pins: shared.pins(),
        plan_us: shared.plan_us.buckets().collect(),
        client_bytes: size_of::<Client>(),
        server_bytes: size_of::<Server>(),
        pool_bytes: size_of::<ServerPool>(),
        plan_bytes: size_of::<Plan>(),
    }
}

pub fn busiest(shared: &Shared, most: usize) -> Vec<Busy> {
    let mut all = HashMap::new();
    for stats in &shared.stats {
        stats.busiest.merge_into(&mut all);
    }
    let mut busy: Vec<_> = all.into_iter().filter(|(key, _)| *key != 0).collect();
    busy.sort_unstable_by_key(|(key, weight)| (std::cmp::Reverse(weight.us), *key));
    busy.truncate(most);
    let row = |(key, weight): (u128, crate::busiest::Weight)| {
        (
            key.to_be_bytes().to_vec(),
            weight.samples * SAMPLE,
            weight.us.saturating_mul(SAMPLE),
            weight.longest_us,
        )
    };
    busy.into_iter().map(row).collect()
}
