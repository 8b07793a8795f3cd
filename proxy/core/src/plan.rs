//! Plans, and the table that finds them by scope and fingerprint. The table is shared and bounded; each carrier
//! keeps a reading copy of its own, so that a known statement takes no lock. Knows nothing of wires.

use crate::conditions::{Branches, Desk};
use crate::settings::decides_meaning;
use crate::slab::Id;
use hashbrown::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// Statements whose replies are larger, or take longer at the server, do not share a connection.
const SHARED_BYTES: u32 = 32 * 1024;
const SHARED_US: u32 = 3_000;
/// A plan asked for so long ago is asked for again.
const ASK_AGAIN_US: u64 = 5_000_000;

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Action {
    #[default]
    Forward,
    Deny {
        code: String,
        message: String,
    },
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
    /// The same until its transaction ends, of what decides meaning.
    pub local_sets: Vec<(String, String)>,
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

/// What a statement does to the transaction around it, as far as settings depend on it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Point {
    /// SAVEPOINT
    Makes(String),
    /// RELEASE
    Frees(String),
    /// ROLLBACK TO
    Returns(String),
    /// FETCH and MOVE, which may run what is behind a portal
    Fetches,
    /// SET LOCAL and its like
    Passes,
    /// COMMIT, ROLLBACK, PREPARE TRANSACTION
    Ends,
    /// A text in which such statements stand with others.
    Unseen,
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

    /// What later statements mean may be another behind it.
    pub fn decides_meaning(&self) -> bool {
        self.resets_all
            || !self.local_sets.is_empty()
            || self.sets.iter().any(|(name, _)| decides_meaning(name))
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

#[derive(Default)]
pub struct Plan {
    pub action: Action,
    pub shareable: bool,
    /// What each execution's values decide.
    pub branches: Option<Branches>,
    pub effect: Effect,
    pub point: Option<Point>,
    pub names: Option<Names>,
    /// The brain answers it for a client that comes with nothing else and keeps no connection: LISTEN, UNLISTEN.
    pub aside: bool,
    pub term: Term,
    /// The one it was learnt in.
    pub scope: u32,
    /// The fingerprint it was learnt under.
    pub key: u128,
    pub measured: Measured,
}

impl Plan {
    /// What it was made of is as it was. One that does not stand is asked for anew.
    pub fn stands(&self) -> bool {
        !self.term.0.load(Relaxed)
    }

    /// It is what holds for its statement in this scope.
    pub fn holds_in(&self, scope: u32) -> bool {
        self.scope == scope && self.stands()
    }

    /// Something is to be noted when it has succeeded.
    pub fn matters(&self) -> bool {
        self.point.is_some() || !self.effect.is_none()
    }

    /// May ride with others now: the plan says so, and so do the figures of its last executions.
    pub fn shares(&self) -> bool {
        self.shareable && self.effect.is_none() && self.measured.short()
    }
}

/// Ends when the plans of a scope are to be made anew. They share one, so that whoever holds a plan sees it.
#[derive(Clone, Default)]
pub struct Term(Arc<AtomicBool>);

impl Term {
    fn end(&self) {
        self.0.store(true, Relaxed);
    }

    fn is_held(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}

/// Scope and fingerprint.
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
    /// By scope: those that some plan holds, and at most as many besides.
    terms: HashMap<u32, Term>,
    clock: u64,
}

pub struct Table {
    inner: Mutex<Inner>,
    /// How often plans were forgotten.
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
        if inner.terms.len() >= self.limit {
            inner.terms.retain(|_, term| term.is_held());
        }
        plan.term = inner.terms.entry(key.0).or_default().clone();
        (plan.scope, plan.key) = key;
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

    /// The plans of these scopes are made anew. What was asked for before may be answered by what held before, so
    /// those who wait are given back to ask again.
    pub fn forget(&self, concerns: impl Fn(u32) -> bool) -> Vec<Id> {
        let inner = &mut *self.lock();
        for (_, term) in inner.terms.extract_if(|scope, _| concerns(*scope)) {
            term.end();
        }
        inner.kept.retain(|_, kept| kept.plan.stands());
        self.era.fetch_add(1, Relaxed);
        let waiting = inner.asked.extract_if(|key, _| concerns(key.0));
        waiting.flat_map(|(_, asked)| asked.waiting).collect()
    }
}

/// One carrier's reading copy. Looked through when the table's era moves on, emptied when it is full. With it the desk on which
/// what they leave to the execution is decided.
#[derive(Default)]
pub struct Copy {
    pub desk: Desk,
    plans: HashMap<Key, Arc<Plan>>,
    era: u32,
}

impl Copy {
    pub fn find(&mut self, table: &Table, key: Key, who: Id, now_us: u64) -> Found {
        let era = table.era();
        if self.era != era {
            self.plans.retain(|_, plan| plan.stands());
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
            self.plans.insert(key, Arc::clone(plan));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forward() -> Plan {
        Plan { shareable: true, ..Plan::default() }
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
        table.forget(|_| true);
        assert!(matches!(copy.find(&table, (1, 1), Id(1), 0), Found::Ask));
    }

    #[test]
    fn only_the_plans_of_these_scopes_are_forgotten() {
        let table = Table::new(100);
        let (mut copy, key, other) = (Copy::default(), (1, 1), (2, 1));
        let found = |found| if let Found::Plan(plan) = found { Some(plan) } else { None };
        for key in [key, other] {
            table.learn(key, forward());
            assert!(found(copy.find(&table, key, Id(1), 0)).is_some_and(|plan| plan.stands()));
        }
        let (held, stays) = (found(table.find(key, Id(1), 0)), found(table.find(other, Id(1), 0)));
        assert!(matches!(table.find((1, 2), Id(1), 0), Found::Ask));
        assert!(matches!(table.find((2, 2), Id(2), 0), Found::Ask));
        assert_eq!(table.forget(|scope| scope == 1), vec![Id(1)], "who waits for the other goes on waiting");
        assert!(held.is_some_and(|plan| !plan.stands()), "whoever kept it sees it");
        assert!(stays.is_some_and(|plan| plan.stands()));
        assert!(found(copy.find(&table, other, Id(1), 0)).is_some());
        assert!(matches!(copy.find(&table, key, Id(1), 0), Found::Ask));
        table.learn(key, forward());
        assert!(found(copy.find(&table, key, Id(1), 0)).is_some_and(|plan| plan.stands()));
    }

    #[test]
    fn terms_nobody_needs_are_dropped() {
        let table = Table::new(16);
        table.learn((0, 1), forward());
        let Found::Plan(held) = table.find((0, 1), Id(1), 0) else { panic!("it was learnt") };
        for scope in 1..1_000 {
            table.learn((scope, 1), forward());
        }
        assert!(table.lock().terms.len() <= 32);
        table.forget(|scope| scope == 0);
        assert!(!held.stands(), "what fell out of the table and is held elsewhere is reached all the same");
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
