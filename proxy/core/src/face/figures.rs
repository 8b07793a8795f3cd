//! Figures as Python objects: every carrier's, summed when asked.

use crate::busiest::SAMPLE;
use crate::pool::PoolStats;
use crate::shared::{ServerPool, Shared};
use crate::stats::Histogram;
use hashbrown::HashMap;
use pyo3::prelude::*;
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
    servers_active: usize,
    servers_idle: usize,
    servers_shared: i64,
    servers_opening: usize,
    statements: u64,
    shared_statements: u64,
    errors: u64,
    wait_us: Buckets,
    statement_us: Buckets,
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
    pins: Vec<(String, u64)>,
    plan_us: Buckets,
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PoolFigures>()?;
    module.add_class::<Figures>()
}

fn merged<'a>(histograms: impl Iterator<Item = &'a Histogram>) -> Buckets {
    let sum = Histogram::new();
    for histogram in histograms {
        sum.merge(histogram);
    }
    sum.buckets().collect()
}

fn of_pool(pool: &ServerPool) -> PoolFigures {
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
        servers_active: live.saturating_sub(idle + opening),
        servers_idle: idle,
        servers_shared: level(|stats| stats.sharing.get()),
        servers_opening: opening,
        statements: sum(|stats| stats.statements.get()),
        shared_statements: sum(|stats| stats.shared.get()),
        errors: sum(|stats| stats.errors.get()),
        wait_us: merged(pool.stats.iter().map(|stats| &stats.wait)),
        statement_us: merged(pool.stats.iter().map(|stats| &stats.statement)),
    }
}

pub fn pools(shared: &Shared) -> Vec<PoolFigures> {
    let mut pools = shared.pools();
    pools.sort_by_key(|pool| pool.id);
    pools.iter().map(|pool| of_pool(pool)).collect()
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
