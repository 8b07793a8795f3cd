//! Plans, and the table that finds them by scope and fingerprint. The table is shared and bounded; each carrier
//! keeps a reading copy of its own, so that a known statement takes no lock. Knows nothing of wires.

use crate::slab::Id;
use hashbrown::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// Statements whose replies are larger, or take longer at the server, do not share a connection.
const SHARED_BYTES: u32 = 32 * 1024;
const SHARED_US: u32 = 3_000;
/// A plan asked for so long ago is asked for again.
const ASK_AGAIN_US: u64 = 5_000_000;

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    Forward,
    Deny { code: String, message: String },
    Answer,
}

impl Action {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Deny { .. } => "deny",
            Self::Answer => "answer",
        }
    }
}

/// What a statement does to its session when it succeeds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Effect {
    pub sets: Vec<(String, Option<String>)>,
    pub resets_all: bool,
    /// Why it needs this very connection from now on: reasons with ` + ` between them.
    pub pin: Option<String>,
    /// What pinned may be gone after it.
    pub frees: bool,
    /// Starts the session anew: DISCARD ALL.
    pub discards: bool,
    /// LISTEN (true) and UNLISTEN of a channel, or of all.
    pub channels: Vec<(bool, Option<String>)>,
    pub forgets_prepared: bool,
    pub changes_schema: bool,
}

/// One statement about a prepared one that is named in SQL.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Names {
    /// PREPARE
    Makes,
    /// EXECUTE, also inside EXPLAIN or CREATE TABLE AS
    Runs,
    /// DEALLOCATE
    Drops,
}

impl Effect {
    /// What it makes may be found, in this session, in the place of something of the same name.
    pub fn hides_names(&self) -> bool {
        self.pin.as_ref().is_some_and(|why| why.contains("temporary table"))
    }

    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// Means over the last executions, written by any carrier without locks: a lost update only delays the mean.
#[derive(Default)]
pub struct Measured {
    mean_us: AtomicU32,
    mean_bytes: AtomicU32,
}

impl Measured {
    pub fn of(us: u64, bytes: usize) -> Self {
        let measured = Self::default();
        measured.note(us, bytes);
        measured
    }

    pub fn note(&self, us: u64, bytes: usize) {
        Self::slide(&self.mean_us, u32::try_from(us).unwrap_or(u32::MAX).max(1));
        Self::slide(&self.mean_bytes, u32::try_from(bytes).unwrap_or(u32::MAX));
    }

    fn slide(mean: &AtomicU32, value: u32) {
        let old = mean.load(Relaxed);
        // A first value counts in full, a later one an eighth; saturating, for a mean has no need of more.
        let new = if old == 0 { value } else { old - old / 8 + value / 8 };
        if new != old {
            mean.store(new, Relaxed);
        }
    }

    pub fn us(&self) -> u32 {
        self.mean_us.load(Relaxed)
    }

    pub fn bytes(&self) -> u32 {
        self.mean_bytes.load(Relaxed)
    }

    /// Known to be so: what was never measured is not.
    fn short(&self) -> bool {
        let us = self.mean_us.load(Relaxed);
        us > 0 && us <= SHARED_US && self.mean_bytes.load(Relaxed) <= SHARED_BYTES
    }
}

pub struct Plan {
    pub action: Action,
    pub shareable: bool,
    pub effect: Effect,
    pub names: Option<Names>,
    /// The brain answers it for a client that comes with nothing else and keeps no connection: LISTEN, UNLISTEN.
    pub aside: bool,
    /// The generation of the table it was learnt in; an older one is asked for anew.
    pub era: u32,
    /// The fingerprint it was learnt under.
    pub key: u128,
    pub measured: Measured,
}

impl Plan {
    /// May ride with others now: the plan says so, and so do the figures of its last executions.
    pub fn shares(&self) -> bool {
        self.shareable && self.effect.is_none() && self.measured.short()
    }
}

pub type Key = (u32, u128);

pub enum Found {
    Plan(Arc<Plan>),
    /// Nobody knows it and nobody has asked: the caller asks the brain.
    Ask,
    /// Somebody asked already; the caller is told with the others.
    Wait,
}

struct Kept {
    plan: Arc<Plan>,
    used: u64,
}

struct Asked {
    since_us: u64,
    waiting: Vec<Id>,
}

#[derive(Default)]
struct Inner {
    kept: HashMap<Key, Kept>,
    asked: HashMap<Key, Asked>,
    clock: u64,
}

pub struct Table {
    inner: Mutex<Inner>,
    era: AtomicU32,
    limit: usize,
    pub misses: AtomicU64,
}

impl Table {
    pub fn new(limit: usize) -> Self {
        Self {
            inner: Mutex::default(),
            era: AtomicU32::new(1),
            limit: limit.max(16),
            misses: AtomicU64::new(0),
        }
    }

    pub fn era(&self) -> u32 {
        self.era.load(Relaxed)
    }

    pub fn len(&self) -> usize {
        self.lock().kept.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them, in no order.
    pub fn all(&self) -> Vec<(Key, Arc<Plan>)> {
        self.lock().kept.iter().map(|(key, kept)| (*key, Arc::clone(&kept.plan))).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks a plan up for `who`, and notes who waits when there is none.
    pub fn find(&self, key: Key, who: Id, now_us: u64) -> Found {
        let inner = &mut *self.lock();
        inner.clock += 1;
        if let Some(kept) = inner.kept.get_mut(&key) {
            kept.used = inner.clock;
            return Found::Plan(Arc::clone(&kept.plan));
        }
        self.misses.fetch_add(1, Relaxed);
        let asked = inner.asked.entry(key).or_insert(Asked { since_us: now_us, waiting: Vec::new() });
        asked.waiting.push(who);
        if asked.waiting.len() == 1 {
            return Found::Ask;
        }
        // The brain may have failed on it: who comes much later asks once more.
        let again = now_us.saturating_sub(asked.since_us) > ASK_AGAIN_US;
        if again {
            asked.since_us = now_us;
        }
        if again { Found::Ask } else { Found::Wait }
    }

    /// Keeps the plan and gives back who waited for it. A full table drops the least recently used quarter.
    pub fn learn(&self, key: Key, mut plan: Plan) -> Vec<Id> {
        let inner = &mut *self.lock();
        plan.era = self.era();
        plan.key = key.1;
        if inner.kept.len() >= self.limit {
            let mut uses: Vec<u64> = inner.kept.values().map(|kept| kept.used).collect();
            let quarter = uses.len() / 4;
            let (_, oldest, _) = uses.select_nth_unstable(quarter);
            let oldest = *oldest;
            inner.kept.retain(|_, kept| kept.used > oldest);
        }
        inner.clock += 1;
        inner.kept.insert(key, Kept { plan: Arc::new(plan), used: inner.clock });
        inner.asked.remove(&key).map(|asked| asked.waiting).unwrap_or_default()
    }

    /// Every plan is made anew. A plan asked for before and learnt after belongs to the new era only if it is
    /// asked for again, so those who wait are given back to ask again.
    pub fn forget(&self) -> Vec<Id> {
        let inner = &mut *self.lock();
        self.era.fetch_add(1, Relaxed);
        inner.kept.clear();
        inner.asked.drain().flat_map(|(_, asked)| asked.waiting).collect()
    }
}

/// One carrier's reading copy. Emptied when the table's era moves on or when it is full.
#[derive(Default)]
pub struct Copy {
    plans: HashMap<Key, Arc<Plan>>,
    era: u32,
}

impl Copy {
    pub fn find(&mut self, table: &Table, key: Key, who: Id, now_us: u64) -> Found {
        let era = table.era();
        if self.era != era {
            self.plans.clear();
            self.era = era;
        }
        if let Some(plan) = self.plans.get(&key) {
            return Found::Plan(Arc::clone(plan));
        }
        let found = table.find(key, who, now_us);
        if let Found::Plan(plan) = &found {
            if self.plans.len() >= table.limit {
                self.plans.clear();
            }
            if plan.era == era {
                self.plans.insert(key, Arc::clone(plan));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forward() -> Plan {
        Plan {
            action: Action::Forward,
            shareable: true,
            effect: Effect::default(),
            names: None,
            aside: false,
            era: 0,
            key: 0,
            measured: Measured::default(),
        }
    }

    #[test]
    fn a_miss_is_asked_once_and_told_to_all() {
        let table = Table::new(100);
        let (a, b) = (Id(1), Id(2));
        assert!(matches!(table.find((1, 9), a, 0), Found::Ask));
        assert!(matches!(table.find((1, 9), b, 0), Found::Wait));
        assert!(matches!(table.find((2, 9), b, 0), Found::Ask), "another scope is another plan");
        assert_eq!(table.learn((1, 9), forward()), vec![a, b]);
        assert!(matches!(table.find((1, 9), a, 0), Found::Plan(_)));
    }

    #[test]
    fn forgetting_empties_the_copies_too() {
        let table = Table::new(100);
        let mut copy = Copy::default();
        table.learn((1, 1), forward());
        assert!(matches!(copy.find(&table, (1, 1), Id(1), 0), Found::Plan(_)));
        table.forget();
        assert!(matches!(copy.find(&table, (1, 1), Id(1), 0), Found::Ask));
    }

    #[test]
    fn the_table_is_bounded_and_keeps_what_is_used() {
        let table = Table::new(100);
        for i in 0..10_000u128 {
            table.learn((1, i), forward());
            assert!(matches!(table.find((1, 0), Id(1), 0), Found::Plan(_)), "used all the time, so kept");
        }
        assert!(table.len() <= 100);
    }

    #[test]
    fn a_slow_or_large_statement_stops_sharing() {
        let plan = forward();
        assert!(!plan.shares(), "nobody knows yet what it costs");
        plan.measured.note(100, 200);
        assert!(plan.shares());
        for _ in 0..20 {
            plan.measured.note(50_000, 200);
        }
        assert!(!plan.shares());
        for _ in 0..100 {
            plan.measured.note(100, 200);
        }
        assert!(plan.shares(), "and starts again when it is short again");
        for _ in 0..20 {
            plan.measured.note(100, 10_000_000);
        }
        assert!(!plan.shares());
    }
}
