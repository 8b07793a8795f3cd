//! The pool against a model of it, under random operations.

use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, VecDeque};

#[derive(Clone, Debug)]
enum Do {
    Take { carrier: u8, shares: bool },
    TryTake(u8),
    Leave(usize),
    Give { which: usize, keep: bool },
    Drop(usize),
    Admit { unasked: bool },
    Fail { finally: bool, retry: u64 },
    Attempt,
    EndAttempt(usize),
    NextRider(u8, bool),
    Claim(usize),
    Yield,
    Grow,
    Tend(u64),
    Recycle,
    Resize { size: usize, reserve: usize, min_size: usize },
}

fn doing() -> impl Strategy<Value = Do> {
    prop_oneof![
        6 => (0..2u8, any::<bool>()).prop_map(|(carrier, shares)| Do::Take { carrier, shares }),
        1 => (0..2u8).prop_map(Do::TryTake),
        1 => (0..8usize).prop_map(Do::Leave),
        5 => (0..8usize, prop::bool::weighted(0.9)).prop_map(|(which, keep)| Do::Give { which, keep }),
        1 => (0..8usize).prop_map(Do::Drop),
        5 => prop::bool::weighted(0.05).prop_map(|unasked| Do::Admit { unasked }),
        1 => (any::<bool>(), 0..50u64).prop_map(|(finally, retry)| Do::Fail { finally, retry }),
        1 => Just(Do::Attempt),
        1 => (0..4usize).prop_map(Do::EndAttempt),
        1 => (0..2u8, any::<bool>()).prop_map(|(carrier, past)| Do::NextRider(carrier, past)),
        1 => (0..8usize).prop_map(Do::Claim),
        1 => Just(Do::Yield),
        1 => Just(Do::Grow),
        2 => (1..200u64).prop_map(Do::Tend),
        1 => Just(Do::Recycle),
        1 => (1..6usize, 0..3usize, 0..4usize).prop_map(|(size, reserve, min_size)| Do::Resize { size, reserve, min_size: min_size.min(size) }),
    ]
}

/// What a pool should be: who waits, which connections are idle or in use, and how many are on their way.
#[derive(Default)]
struct Model {
    waiting: VecDeque<Waiter>,
    idle: BTreeMap<u32, Seat<u32>>,
    busy: BTreeMap<u32, Seat<u32>>,
    attempts: Vec<Seat<u32>>,
    asked: usize,
    next: u32,
    clients: u32,
}

impl Model {
    fn nth(&self, which: usize) -> Option<u32> {
        self.busy.keys().nth(which % self.busy.len().max(1)).copied()
    }

    fn got(&mut self, conn: u32) {
        let seat = self.idle.remove(&conn).expect("what is given was idle");
        self.busy.insert(conn, seat);
    }

    /// Ended by the pool or in use no more: its seat goes with it.
    fn ended(&mut self, conn: u32) {
        assert!(
            self.idle.remove(&conn).is_some() || self.busy.remove(&conn).is_some(),
            "{conn} is given back once"
        );
    }

    fn give(&mut self, pool: &Arc<Pool<u32>>, conn: u32, keep: bool, now: u64) {
        let seat = &self.busy[&conn];
        let (born, keep) = (seat.born_ms, keep && seat.current(now));
        match pool.give(conn, (conn % 2) as usize, born, keep, now) {
            Give::Kept => {
                assert!(self.waiting.is_empty(), "kept though somebody waits");
                let seat = self.busy.remove(&conn).unwrap();
                self.idle.insert(conn, seat);
            }
            Give::For(waiter, given) => {
                assert_eq!(
                    (Some(waiter), given),
                    (self.waiting.pop_front(), conn),
                    "first come, first served"
                );
            }
            Give::Surplus(given) => {
                assert_eq!(given, conn);
                self.ended(conn);
            }
        }
    }

    fn check(&self, pool: &Pool<u32>, group: &Group, config: &PoolConfig, extra: usize) {
        let live = self.idle.len() + self.busy.len() + self.asked;
        assert_eq!(pool.counts(), (live, self.idle.len(), self.asked), "live, idle, opening");
        assert_eq!(group.live.load(Relaxed), live, "the group counts the same");
        assert_eq!(pool.waiting(), self.waiting.len());
        assert_eq!(pool.riders_wait(), self.waiting.iter().any(|waiter| waiter.shares));
        assert!(self.idle.is_empty() || self.waiting.is_empty(), "somebody waits beside an idle connection");
        assert!(live <= config.size + config.reserve + extra, "{live} of {}", config.size);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::cases(800), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_wrong_whatever_is_done(
        steps in prop::collection::vec(doing(), 1..120),
        group_size in 0..6usize,
        server_idle_ms in 0..300u64,
        server_lifetime_ms in 0..2_000u64,
    ) {
        let mut wanted = PoolConfig { group_size, server_idle_ms, server_lifetime_ms, reserve: 1, reserve_after_ms: 100, ..config(3) };
        let group = Arc::<Group>::default();
        let pool = Arc::new(Pool::<u32>::new(1, wanted.clone(), Arc::clone(&group), 2));
        let mut model = Model::default();
        let mut now = 0;
        // Connections that nobody asked for, and those a pool had before it was made smaller.
        let mut extra = 0;
        for step in steps {
            match step {
                Do::Take { carrier, shares } => {
                    model.clients += 1;
                    let waiter = Waiter { client: Id::new(carrier, model.clients, 0), since_ms: now, shares };
                    let live = pool.counts().0;
                    match pool.take(waiter, now) {
                        Take::Got(conn) => {
                            prop_assert!(model.waiting.is_empty());
                            model.got(conn);
                        }
                        Take::Wait { open } => {
                            model.waiting.push_back(waiter);
                            model.asked += open;
                        }
                        Take::Full => prop_assert!(false, "there is no bound"),
                        Take::Failed(..) => prop_assert_eq!(live, 0),
                    }
                }
                Do::TryTake(carrier) => {
                    let conn = pool.try_take(usize::from(carrier));
                    prop_assert_eq!(conn.is_none(), model.idle.is_empty());
                    conn.into_iter().for_each(|conn| model.got(conn));
                }
                Do::Leave(which) => {
                    if let Some(waiter) = model.waiting.get(which).copied() {
                        model.waiting.remove(which);
                        pool.leave(waiter.client);
                    }
                }
                Do::Give { which, keep } => {
                    if let Some(conn) = model.nth(which) {
                        model.give(&pool, conn, keep, now);
                    }
                }
                Do::Drop(which) => model.nth(which).into_iter().for_each(|conn| model.ended(conn)),
                Do::Admit { unasked } => {
                    if unasked || model.asked > 0 {
                        let mut seat = model.attempts.pop().unwrap_or_else(|| pool.seat(now));
                        seat.admit(now);
                        if model.asked > 0 { model.asked -= 1 } else { extra += 1 }
                        model.next += 1;
                        let conn = model.next;
                        model.busy.insert(conn, seat);
                        model.give(&pool, conn, true, now);
                    }
                }
                Do::Fail { finally, retry } => {
                    let told = pool.failed("08006", "down", finally, now + retry);
                    model.asked = model.asked.saturating_sub(1);
                    if !told.is_empty() {
                        prop_assert!(finally && model.idle.is_empty() && model.busy.is_empty());
                        prop_assert_eq!(told, model.waiting.drain(..).collect::<Vec<_>>());
                    }
                }
                Do::Attempt => model.attempts.push(pool.seat(now)),
                Do::EndAttempt(which) => {
                    if which < model.attempts.len() {
                        model.attempts.remove(which);
                    }
                }
                Do::NextRider(carrier, past) => {
                    let fits = |waiter: &Waiter| waiter.shares && waiter.client.carrier() == usize::from(carrier);
                    let at = model.waiting.iter().position(fits).filter(|at| past || *at == 0);
                    let next = at.and_then(|at| Some((model.waiting.remove(at)?, at == 0)));
                    prop_assert_eq!(pool.next_rider(usize::from(carrier), past), next);
                }
                Do::Claim(which) => {
                    if let Some(conn) = model.idle.keys().nth(which).copied() {
                        prop_assert_eq!(pool.claim(|one| *one == conn), Some(conn));
                        model.got(conn);
                    }
                }
                Do::Yield => {
                    let live = pool.counts().0;
                    let conn = pool.yield_idle();
                    prop_assert_eq!(conn.is_some(), live > wanted.min_size && !model.idle.is_empty());
                    conn.into_iter().for_each(|conn| model.ended(conn));
                }
                Do::Grow => model.asked += usize::from(pool.grow(now)),
                Do::Tend(ms) => {
                    now += ms;
                    let (ended, open) = pool.tend(now);
                    model.asked += open;
                    ended.into_iter().for_each(|conn| model.ended(conn));
                    let left = pool.counts().0 - open;
                    prop_assert!(model.idle.is_empty() || left - (model.asked - open) <= wanted.size, "above its size and idle");
                }
                Do::Recycle => {
                    for conn in pool.recycle() {
                        model.ended(conn);
                    }
                    prop_assert!(model.idle.is_empty());
                }
                Do::Resize { size, reserve, min_size } => {
                    extra = extra.max(pool.counts().0.saturating_sub(size + reserve));
                    wanted = PoolConfig { size, reserve, min_size, ..wanted };
                    pool.configure(wanted.clone());
                }
            }
            // Who was above the bound once may be so until it is given back.
            let over = pool.counts().0.saturating_sub(wanted.size + wanted.reserve);
            prop_assert!(over <= extra, "{} above the bound, {} allowed", over, extra);
            model.check(&pool, &group, &wanted, extra);
            if group_size > 0 {
                prop_assert!(group.live.load(Relaxed) <= group_size + extra);
            }
        }
        for conn in pool.recycle() {
            model.ended(conn);
        }
        drop(model);
        let opening = pool.counts().2;
        prop_assert_eq!(pool.counts(), (opening, 0, opening), "every seat is free again, in whatever order");
        for _ in 0..opening {
            pool.failed("08006", "down", false, 0);
        }
        prop_assert_eq!((pool.counts(), group.live.load(Relaxed)), ((0, 0, 0), 0));
    }

    #[test]
    fn whoever_waits_is_served(arrivals in prop::collection::vec((0..2u8, 0..4u8), 1..60), size in 1..5usize) {
        // As long as connections are given back and asks are answered, nobody waits for ever, and all in order.
        let pool = pool_of(config(size));
        let mut model = Model::default();
        let mut served = 0;
        for (carrier, work) in &arrivals {
            model.clients += 1;
            let waiter = Waiter { client: Id::new(*carrier, model.clients, 0), since_ms: 0, shares: false };
            match pool.take(waiter, 0) {
                Take::Got(conn) => {
                    model.got(conn);
                    served += 1;
                }
                Take::Wait { open } => {
                    model.asked += open;
                    model.waiting.push_back(waiter);
                }
                Take::Full | Take::Failed(..) => prop_assert!(false),
            }
            for _ in 0..*work {
                served += turn(&pool, &mut model);
            }
        }
        let mut rounds = 0;
        while served < arrivals.len() {
            served += turn(&pool, &mut model);
            model.asked += pool.wanted(0);
            rounds += 1;
            prop_assert!(rounds < 10 * arrivals.len() + 10, "somebody waits for ever");
        }
        prop_assert!(pool.counts().0 <= size);
    }
}

/// One connection comes in or is given back; how many clients that served.
fn turn(pool: &Arc<Pool<u32>>, model: &mut Model) -> usize {
    let waiting = model.waiting.len();
    if model.asked > 0 {
        model.asked -= 1;
        model.next += 1;
        model.busy.insert(model.next, admitted(pool, 0));
        model.give(pool, model.next, true, 0);
    } else if let Some(conn) = model.nth(model.clients as usize) {
        model.give(pool, conn, true, 0);
    }
    waiting - model.waiting.len()
}
