//! One carrier's figures of one pool: written by that carrier alone, summed when asked.

use crate::stats::{Counter, Histogram};
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

#[derive(Default)]
pub struct PoolStats {
    pub statements: Counter,
    pub shared: Counter,
    pub errors: Counter,
    /// Transactions, and how long their connections were theirs.
    pub transactions: Counter,
    pub transaction_us: Counter,
    /// Bytes from its clients and to them.
    pub received: Counter,
    pub sent: Counter,
    pub wait: Histogram,
    pub statement: Histogram,
    pub clients: Gauge,
    pub linked: Gauge,
    pub sharing: Gauge,
    /// Replication connections between START_REPLICATION and its end.
    pub streaming: Gauge,
    /// Cancel requests of its clients on their way.
    pub cancelling: Gauge,
}

/// A number that goes up and down; one writer at a time, so a load and a store are enough.
#[derive(Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    pub fn add(&self, by: i64) {
        self.0.store(self.0.load(Relaxed) + by, Relaxed);
    }

    pub fn get(&self) -> i64 {
        self.0.load(Relaxed)
    }
}
