//! The pool as a table of cases, and against a model under random operations. A connection is a number here.

use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, VecDeque};

fn config(size: usize) -> PoolConfig {
    PoolConfig {
        label: "test".to_owned(),
        group: 0,
        group_size: 0,
        mode: Mode::Transaction,
        size,
        min_size: 0,
        reserve: 0,
        reserve_after_ms: 0,
        wait_ms: 0,
        max_waiting: 0,
        statement_ms: 0,
        idle_transaction_ms: 0,
        client_idle_ms: 0,
        server_lifetime_ms: 0,
        server_idle_ms: 0,
        sharing: true,
        share_depth: 8,
        prepared: 100,
    }
}

fn pool_of(config: PoolConfig) -> Arc<Pool<u32>> {
    Arc::new(Pool::new(1, config, Arc::default(), 2))
}

fn waiter(client: u32, since_ms: u64) -> Waiter {
    Waiter { client: Id::new(0, client, 0), since_ms, shares: false }
}

/// A connection that was asked for is there.
fn admitted(pool: &Arc<Pool<u32>>, now_ms: u64) -> Seat<u32> {
    let mut seat = pool.seat(now_ms);
    seat.admit(now_ms);
    seat
}

fn opened(take: Take<u32>) -> usize {
    match take {
        Take::Wait { open } => open,
        Take::Got(conn) => panic!("got {conn}"),
        Take::Full => panic!("full"),
        Take::Failed(code, _) => panic!("failed {code}"),
    }
}

fn given(give: Give<u32>) -> String {
    match give {
        Give::Kept => "kept".to_owned(),
        Give::For(waiter, conn) => format!("{conn} for {}", waiter.client.slot()),
        Give::Surplus(conn) => format!("{conn} too many"),
    }
}

#[test]
fn one_by_one_up_to_its_size() {
    let pool = pool_of(config(3));
    let asked: Vec<usize> = (0..5).map(|client| opened(pool.take(waiter(client, 0), 0))).collect();
    // Two at a time is what a pool of this size opens.
    assert_eq!(asked, [1, 1, 0, 0, 0]);
    assert_eq!((pool.counts(), pool.waiting()), ((2, 0, 2), 5));
    let first = admitted(&pool, 1);
    assert_eq!(given(pool.give(10, 0, 1, true, 1)), "10 for 0");
    assert_eq!(pool.wanted(1), 1);
    assert_eq!((pool.wanted(1), pool.counts()), (0, (3, 0, 2)));
    drop(first);
    assert_eq!(pool.counts(), (2, 0, 2));
}

#[test]
fn who_waits_longest_is_next() {
    let pool = pool_of(config(1));
    let _seat = admitted(&pool, 0);
    for client in 0..4 {
        assert_eq!(opened(pool.take(waiter(client, 0), 0)), 0);
    }
    pool.leave(Id::new(0, 1, 0));
    pool.leave(Id::new(0, 9, 0));
    let order: Vec<String> = (0..4).map(|_| given(pool.give(7, 0, 0, true, 0))).collect();
    assert_eq!(order, ["7 for 0", "7 for 2", "7 for 3", "kept"]);
    assert_eq!(pool.waiting(), 0);
}

#[test]
fn nobody_overtakes_the_queue() {
    let pool = pool_of(config(2));
    let _seats = (admitted(&pool, 0), admitted(&pool, 0));
    opened(pool.take(waiter(1, 0), 0));
    assert_eq!(given(pool.give(5, 0, 0, true, 0)), "5 for 1");
    assert_eq!(pool.try_take(0), None);
    assert_eq!(given(pool.give(5, 0, 0, true, 0)), "kept");
    assert!(matches!(pool.take(waiter(2, 0), 0), Take::Got(5)));
    opened(pool.take(waiter(3, 0), 0));
    assert_eq!(pool.try_take(0), None, "somebody waits");
}

#[test]
fn its_own_carrier_s_connection_first() {
    let pool = pool_of(config(4));
    let _seats: Vec<_> = (0..3).map(|_| admitted(&pool, 0)).collect();
    for (conn, carrier) in [(1, 0), (2, 1), (3, 0)] {
        assert_eq!(given(pool.give(conn, carrier, 0, true, 0)), "kept");
    }
    assert_eq!(
        (pool.try_take(1), pool.try_take(1), pool.try_take(0), pool.try_take(0)),
        (Some(2), Some(3), Some(1), None)
    );
}

#[test]
fn riders_leave_the_queue_from_its_front_only() {
    let pool = pool_of(config(1));
    let _seat = admitted(&pool, 0);
    let rider = |carrier, client| Waiter { client: Id::new(carrier, client, 0), since_ms: 0, shares: true };
    for waiter in [rider(0, 1), rider(1, 2), waiter(3, 0), rider(0, 4)] {
        opened(pool.take(waiter, 0));
    }
    assert_eq!(pool.front_carrier(), Some(0));
    assert_eq!(pool.next_rider(1), None, "the front is another carrier's");
    assert_eq!(pool.next_rider(0).map(|waiter| waiter.client.slot()), Some(1));
    assert_eq!(pool.next_rider(0), None);
    assert_eq!(pool.next_rider(1).map(|waiter| waiter.client.slot()), Some(2));
    assert_eq!(pool.next_rider(0), None, "the front wants one of its own");
    assert_eq!(pool.waiting(), 2);
}

#[test]
fn the_queue_has_a_bound() {
    let pool = pool_of(PoolConfig { max_waiting: 2, ..config(1) });
    opened(pool.take(waiter(1, 0), 0));
    opened(pool.take(waiter(2, 0), 0));
    assert!(matches!(pool.take(waiter(3, 0), 0), Take::Full));
    pool.leave(Id::new(0, 1, 0));
    opened(pool.take(waiter(3, 0), 0));
}

#[test]
fn the_reserve_is_for_those_who_waited() {
    let pool = pool_of(PoolConfig { reserve: 1, reserve_after_ms: 100, ..config(1) });
    assert_eq!(opened(pool.take(waiter(1, 0), 0)), 1);
    let _first = admitted(&pool, 0);
    assert_eq!(given(pool.give(1, 0, 0, true, 0)), "1 for 1");
    assert_eq!(opened(pool.take(waiter(2, 0), 0)), 0);
    assert_eq!((pool.wanted(99), pool.wanted(100), pool.wanted(200)), (0, 1, 0));
    let second = admitted(&pool, 101);
    opened(pool.take(waiter(3, 101), 101));
    assert_eq!(given(pool.give(2, 0, 101, true, 101)), "2 for 2");
    assert_eq!(given(pool.give(2, 0, 101, true, 102)), "2 for 3");
    // Nobody waits any more: it was one too many.
    assert_eq!(given(pool.give(2, 0, 101, true, 103)), "2 too many");
    drop(second);
    assert_eq!(pool.counts(), (1, 0, 0));
}

#[test]
fn a_group_is_a_bound_for_all_its_pools() {
    let group = Arc::<Group>::default();
    let grouped =
        |id| Arc::new(Pool::<u32>::new(id, PoolConfig { group_size: 2, ..config(5) }, Arc::clone(&group), 1));
    let (one, two) = (grouped(1), grouped(2));
    assert_eq!(opened(one.take(waiter(1, 0), 0)), 1);
    let first = admitted(&one, 0);
    assert_eq!(given(one.give(1, 0, 0, true, 0)), "1 for 1");
    assert_eq!(opened(one.take(waiter(2, 0), 0)), 1);
    assert_eq!(opened(two.take(waiter(3, 0), 0)), 0);
    assert!(two.starved() && !one.starved() && !two.grow(0));
    let second = admitted(&one, 0);
    assert_eq!(given(one.give(2, 0, 0, true, 0)), "2 for 2");
    assert_eq!(given(one.give(2, 0, 0, true, 0)), "kept");
    // The other pool's idle one makes room.
    assert_eq!((one.yield_idle(), one.yield_idle()), (Some(2), None));
    assert_eq!(two.wanted(0), 0, "as long as its seat is taken");
    drop(second);
    assert_eq!((two.wanted(0), group.live.load(Relaxed)), (1, 2));
    assert!(two.failed("08006", "no", false, 0).is_empty());
    drop(first);
    assert_eq!(group.live.load(Relaxed), 0);
}

#[test]
fn what_is_kept_at_least_is_not_yielded() {
    let pool = pool_of(PoolConfig { min_size: 1, ..config(3) });
    let _seats = (admitted(&pool, 0), admitted(&pool, 0));
    for conn in [1, 2] {
        assert_eq!(given(pool.give(conn, 0, 0, true, 0)), "kept");
    }
    assert_eq!(pool.yield_idle(), Some(2));
    drop(_seats.1);
    assert_eq!(pool.yield_idle(), None);
}

#[test]
fn a_failure_is_waited_for_or_told() {
    let pool = pool_of(config(2));
    assert_eq!(opened(pool.take(waiter(1, 0), 0)), 1);
    assert!(pool.failed("08006", "down", false, 100).is_empty(), "not for good: they wait on");
    assert_eq!((pool.counts(), pool.waiting()), ((0, 0, 0), 1));
    assert_eq!((pool.wanted(99), pool.tend(99).1, pool.tend(100).1), (0, 0, 1));
    let told = pool.failed("28P01", "password", true, 300);
    assert_eq!(told.iter().map(|waiter| waiter.client.slot()).collect::<Vec<_>>(), [1]);
    assert!(matches!(pool.take(waiter(2, 200), 200), Take::Failed(code, _) if code == "28P01"));
    assert_eq!(opened(pool.take(waiter(2, 300), 300)), 1);
    let _seat = admitted(&pool, 301);
    assert_eq!(given(pool.give(1, 0, 301, true, 301)), "1 for 2");
    // With a connection there, a failure for good is not for those who wait: they get that one.
    opened(pool.take(waiter(3, 302), 302));
    assert!(pool.failed("28P01", "password", true, 400).is_empty());
    opened(pool.take(waiter(4, 303), 303));
    assert_eq!(pool.waiting(), 2);
}

#[test]
fn a_failure_nobody_asked_for_takes_no_place() {
    let pool = pool_of(config(2));
    let seat = admitted(&pool, 0);
    assert!(pool.failed("08006", "down", false, 0).is_empty());
    assert_eq!(pool.counts(), (1, 0, 0));
    drop(seat);
    assert_eq!(pool.counts(), (0, 0, 0));
}

#[test]
fn an_attempt_takes_no_place_of_its_own() {
    let pool = pool_of(config(2));
    assert_eq!(opened(pool.take(waiter(1, 0), 0)), 1);
    let first = pool.seat(0);
    drop(first);
    assert_eq!(pool.counts(), (1, 0, 1), "the ask is still open: another attempt may follow");
    let second = admitted(&pool, 0);
    assert_eq!(pool.counts(), (1, 0, 0));
    let ahead = admitted(&pool, 0);
    assert_eq!(pool.counts(), (2, 0, 0));
    let above = admitted(&pool, 0);
    assert_eq!(given(pool.give(3, 0, 0, true, 0)), "3 too many");
    drop((second, above, ahead));
    assert_eq!(pool.counts(), (0, 0, 0));
}

#[test]
fn a_pool_made_smaller_shrinks_as_connections_fall_idle() {
    let pool = pool_of(config(4));
    let mut seats: Vec<_> = (0..4).map(|_| admitted(&pool, 0)).collect();
    for conn in 0..3 {
        assert_eq!(given(pool.give(conn, 0, 0, true, 0)), "kept");
    }
    pool.configure(PoolConfig { reserve: 5, reserve_after_ms: 100, ..config(2) });
    let (ended, open) = pool.tend(0);
    assert_eq!((ended.len(), open), (2, 0));
    seats.truncate(2);
    assert_eq!(pool.counts(), (2, 1, 0));
    assert_eq!(given(pool.give(3, 0, 0, true, 0)), "kept");
    pool.configure(config(1));
    assert_eq!(pool.tend(0).0.len(), 1);
}

#[test]
fn what_rests_too_long_or_is_too_old_ends() {
    let pool =
        pool_of(PoolConfig { server_idle_ms: 100, server_lifetime_ms: 1_000, min_size: 1, ..config(4) });
    let mut seats: Vec<_> = (0..3).map(|_| admitted(&pool, 0)).collect();
    for (conn, now) in [(1, 0), (2, 50), (3, 50)] {
        assert_eq!(given(pool.give(conn, 0, 0, true, now)), "kept");
    }
    assert_eq!(pool.tend(99).0, [0u32; 0]);
    assert_eq!(pool.tend(100).0, [1]);
    seats.pop();
    // One is kept, however long it rests; at the end of its life it is replaced.
    assert_eq!(pool.tend(200).0.len(), 1);
    seats.pop();
    assert_eq!(pool.tend(999).0, [0u32; 0]);
    assert!(seats[0].current(999) && !seats[0].current(1_000));
    let (ended, open) = pool.tend(1_000);
    assert_eq!((ended.len(), open), (1, 0), "its place is free when it is gone");
    seats.pop();
    assert_eq!(pool.tend(1_000).1, 1);
}

#[test]
fn recycled_connections_end_when_they_are_given_back() {
    let pool = pool_of(config(3));
    let (idle, busy) = (admitted(&pool, 0), admitted(&pool, 0));
    let early = pool.seat(0);
    assert_eq!(given(pool.give(1, 0, 0, true, 0)), "kept");
    assert_eq!(pool.recycle(), [1]);
    drop(idle);
    assert!(!busy.current(0) && !early.current(0), "those that log in just now are of yesterday too");
    assert!(pool.seat(0).current(0));
    assert_eq!(given(pool.give(2, 0, 0, busy.current(0), 0)), "2 too many");
}

#[test]
fn growing_for_those_who_share() {
    let pool = pool_of(config(2));
    assert!(pool.grow(0) && !pool.grow(0), "one at a time");
    let _one = admitted(&pool, 0);
    assert!(pool.grow(0));
    let _two = admitted(&pool, 0);
    assert!(!pool.grow(0), "it is full");
    drop(_two);
    pool.failed("08006", "down", false, 50);
    assert!(!pool.grow(49) && pool.grow(50));
}

#[test]
fn an_idle_connection_is_claimed_once() {
    let pool = pool_of(config(2));
    let _seat = admitted(&pool, 0);
    assert_eq!(given(pool.give(8, 0, 0, true, 0)), "kept");
    assert_eq!(
        (pool.claim(|conn| *conn == 9), pool.claim(|conn| *conn == 8), pool.claim(|conn| *conn == 8)),
        (None, Some(8), None)
    );
}

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
    NextRider(u8),
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
        1 => (0..2u8).prop_map(Do::NextRider),
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
        assert!(self.idle.is_empty() || self.waiting.is_empty(), "somebody waits beside an idle connection");
        assert!(live <= config.size + config.reserve + extra, "{live} of {}", config.size);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, failure_persistence: None, ..ProptestConfig::default() })]

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
                Do::NextRider(carrier) => {
                    let fits = |waiter: &&Waiter| waiter.shares && waiter.client.carrier() == usize::from(carrier);
                    prop_assert_eq!(pool.next_rider(usize::from(carrier)), model.waiting.front().filter(fits).copied());
                    if model.waiting.front().as_ref().is_some_and(fits) {
                        model.waiting.pop_front();
                    }
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
