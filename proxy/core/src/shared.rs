//! What all carriers of the process share: plans, pools, settings, prepared statements, the way to the brain.

use crate::asks::Asks;
use crate::border::Event;
use crate::busiest::Busiest;
use crate::conn::server::Server;
use crate::inbox::{Inbox, Post, Queue};
use crate::lexer::ProcessKey;
use crate::plan::Table;
use crate::poll::PollSet;
use crate::pool::{Group, Pool, PoolConfig};
use crate::settings::{Interner, Settings};
use crate::slab::Id;
use crate::stats::{Counter, Histogram};
use crate::{plan, prepared};
use arc_swap::ArcSwap;
use hashbrown::{HashMap, HashSet};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

/// Events that may wait for the brain. Beyond it, new clients are turned away: the brain is behind.
const MAX_EVENTS: usize = 65_536;
const MAX_PIN_REASONS: usize = 64;

pub type ServerPool = Pool<Box<Server>>;

pub struct Limits {
    pub max_clients: usize,
    pub login_ms: u64,
    pub max_statement: usize,
}

/// One carrier's own figures.
#[derive(Default)]
pub struct CarrierStats {
    pub bytes_in: Counter,
    pub bytes_out: Counter,
    pub logins: Counter,
    pub panics: Counter,
    pub busiest: Busiest,
    /// Turns of its engine: who stops counting when woken is stuck.
    pub turns: Counter,
}

#[derive(Default)]
struct PinCounts {
    taken: AtomicU64,
    ended: AtomicU64,
    alive: AtomicU64,
}

/// Why a client is tied to one connection, counted for as long as it is.
pub struct Hold {
    why: Box<str>,
    counts: Arc<PinCounts>,
}

impl Hold {
    pub fn why(&self) -> &str {
        &self.why
    }

    /// The state is gone, and its client stays.
    pub fn end(&self) {
        self.counts.ended.fetch_add(1, Relaxed);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.counts.alive.fetch_sub(1, Relaxed);
    }
}

pub struct Shared {
    pub key: ProcessKey,
    /// Cancel keys are made of this and the client's handle.
    pub cancel_key: [u8; 16],
    pub limits: Limits,
    pub events: Queue<Event>,
    pub inboxes: Vec<Inbox>,
    pub sets: Vec<PollSet>,
    pub plans: Table,
    pub plan_us: Histogram,
    pub prepared: prepared::Table,
    pub interner: Interner,
    pub no_settings: Arc<Settings>,
    pub clients: AtomicUsize,
    pub stats: Vec<CarrierStats>,
    pub stopping: AtomicBool,
    /// Cancel requests for nobody here are told of.
    pub tell_strays: AtomicBool,
    /// What cannot be judged is refused.
    pub guarded: AtomicBool,
    /// And what is asked about clients for it.
    pub asks: ArcSwap<Asks>,
    /// Statements that take longer are told of.
    pub slow_us: AtomicU64,
    /// And of what kind their parameters were.
    pub slow_parameters: AtomicBool,
    pools: RwLock<HashMap<u32, Arc<ServerPool>>>,
    groups: Mutex<HashMap<u32, Arc<Group>>>,
    pins: Mutex<BTreeMap<String, Arc<PinCounts>>>,
    asked: Mutex<HashMap<plan::Key, u64>>,
    tickets: AtomicU64,
    started: Instant,
}

impl Shared {
    pub fn new(limits: Limits, max_plans: usize, sets: Vec<PollSet>) -> Result<Self, String> {
        let mut cancel_key = [0; 16];
        getrandom::fill(&mut cancel_key).map_err(|error| error.to_string())?;
        let mut salt = [0; 4];
        getrandom::fill(&mut salt).map_err(|error| error.to_string())?;
        let salt = u32::from_ne_bytes(salt);
        let interner = Interner::default();
        let failed = |error: std::io::Error| error.to_string();
        Ok(Self {
            key: ProcessKey::random().map_err(|error| error.to_string())?,
            cancel_key,
            limits,
            events: Queue::new().map_err(failed)?,
            inboxes: sets.iter().map(|_| Inbox::new()).collect::<Result<_, _>>().map_err(failed)?,
            stats: sets.iter().map(|_| CarrierStats::default()).collect(),
            sets,
            plans: Table::new(max_plans),
            plan_us: Histogram::default(),
            prepared: prepared::Table::new(salt),
            no_settings: interner.settings(Settings::default()),
            interner,
            clients: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
            tell_strays: AtomicBool::new(false),
            guarded: AtomicBool::new(false),
            asks: ArcSwap::default(),
            slow_us: AtomicU64::new(u64::MAX),
            slow_parameters: AtomicBool::new(false),
            pools: RwLock::default(),
            groups: Mutex::default(),
            pins: Mutex::default(),
            asked: Mutex::default(),
            tickets: AtomicU64::new(1),
            started: Instant::now(),
        })
    }

    pub fn now_us(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    pub fn ticket(&self) -> u64 {
        self.tickets.fetch_add(1, Relaxed)
    }

    pub fn tell(&self, event: Event) {
        if let Event::PlanNeeded { scope, key, .. } = &event {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            asked.insert((*scope, *key), self.now_us());
        }
        self.events.push(event);
    }

    /// The brain is so far behind that nobody new can be served.
    pub fn overloaded(&self) -> bool {
        self.events.len() >= MAX_EVENTS
    }

    pub fn learn(&self, key: plan::Key, plan: plan::Plan) {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        if let Some(asked_us) = asked {
            self.plan_us.record(self.now_us().saturating_sub(asked_us));
        }
        self.wake(self.plans.learn(key, plan));
    }

    /// The plans of these bases, or all. A scope that nobody knows the base of any more may be one of them.
    pub fn forget_plans(&self, bases: Option<&[u32]>) {
        let known = self.interner.bases();
        let bases = bases.map(|bases| bases.iter().collect::<HashSet<_>>());
        let stays = |scope| {
            let base = known.get(&scope);
            bases.as_ref().zip(base).is_some_and(|(bases, base)| !bases.contains(base))
        };
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).retain(|key, _| stays(key.0));
        self.wake(self.plans.forget(|scope| !stays(scope)));
    }

    fn wake(&self, clients: Vec<Id>) {
        for client in clients {
            self.post(client.carrier(), Post::PlanReady(client));
        }
    }

    pub fn post(&self, carrier: usize, post: Post) {
        if let Some(inbox) = self.inboxes.get(carrier) {
            inbox.push(post);
        }
    }

    pub fn pool(&self, id: u32) -> Option<Arc<ServerPool>> {
        self.pools.read().unwrap_or_else(PoisonError::into_inner).get(&id).map(Arc::clone)
    }

    pub fn pools(&self) -> Vec<Arc<ServerPool>> {
        self.pools.read().unwrap_or_else(PoisonError::into_inner).values().map(Arc::clone).collect()
    }

    pub fn open_pool(&self, id: u32, config: PoolConfig) {
        if let Some(pool) = self.pool(id) {
            pool.configure(config);
            return;
        }
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        let group = Arc::clone(groups.entry(config.group).or_default());
        let pool = Arc::new(Pool::new(id, config, group, self.inboxes.len()));
        self.pools.write().unwrap_or_else(PoisonError::into_inner).insert(id, pool);
    }

    /// A client is tied to its connection, and counts among those that are for as long as this lives.
    pub fn hold(&self, why: &str) -> Hold {
        let mut pins = self.pins.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = if pins.contains_key(why) || pins.len() < MAX_PIN_REASONS { why } else { "other" };
        let counts = Arc::clone(pins.entry(counted.to_owned()).or_default());
        counts.taken.fetch_add(1, Relaxed);
        counts.alive.fetch_add(1, Relaxed);
        Hold { why: why.into(), counts }
    }

    /// Every reason, with how often it tied a client, how often it ended before the client did, and how many it ties.
    pub fn pins(&self) -> Vec<(String, u64, u64, u64)> {
        let pins = self.pins.lock().unwrap_or_else(PoisonError::into_inner);
        let figures = |counts: &PinCounts| {
            (counts.taken.load(Relaxed), counts.ended.load(Relaxed), counts.alive.load(Relaxed))
        };
        pins.iter()
            .map(|(why, counts)| {
                let (taken, ended, alive) = figures(counts);
                (why.clone(), taken, ended, alive)
            })
            .collect()
    }
}
