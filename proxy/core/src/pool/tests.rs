//! The pool case by case. A connection is a number here.

mod model;

use super::*;

fn config(size: usize) -> PoolConfig {
    PoolConfig { share_depth: 8, ..PoolConfig::of(size) }
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
fn riders_leave_the_queue_from_its_front_or_past_who_may_not_ride() {
    let pool = pool_of(config(1));
    let _seat = admitted(&pool, 0);
    let rider = |carrier, client| Waiter { client: Id::new(carrier, client, 0), since_ms: 0, shares: true };
    for waiter in [rider(0, 1), rider(1, 2), waiter(3, 0), rider(0, 4)] {
        opened(pool.take(waiter, 0));
    }
    assert_eq!(pool.front_carrier(), Some(0));
    assert_eq!(pool.next_rider(1, false), None, "the front is another carrier's");
    assert_eq!(pool.next_rider(0, false).map(|(waiter, _)| waiter.client.slot()), Some(1));
    assert_eq!(pool.next_rider(0, false), None);
    assert_eq!(pool.next_rider(1, false).map(|(waiter, _)| waiter.client.slot()), Some(2));
    assert_eq!(pool.next_rider(0, false), None, "the front wants one of its own");
    assert_eq!((pool.waiting(), pool.riders_wait()), (2, true));
    assert_eq!(pool.next_rider(1, true), None);
    assert_eq!(
        pool.next_rider(0, true).map(|(waiter, first)| (waiter.client.slot(), first)),
        Some((4, false))
    );
    assert_eq!((pool.waiting(), pool.riders_wait()), (1, false));
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
fn what_is_refused_for_good_is_not_asked_for_again_for_the_stock() {
    let pool = pool_of(PoolConfig { min_size: 2, ..config(2) });
    assert_eq!(pool.tend(0).1, 2);
    for _ in 0..2 {
        pool.failed("3D000", "no such database", true, 100);
    }
    assert_eq!((pool.wanted(1_000), pool.tend(1_000).1), (0, 0));
    assert_eq!(opened(pool.take(waiter(1, 1_000), 1_000)), 1, "a client may find that it is there by now");
    let _seat = admitted(&pool, 1_001);
    assert_eq!(pool.tend(1_002).1, 1);
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

#[test]
fn a_paused_pool_gives_nothing_and_keeps_nothing() {
    let pool = pool_of(config(2));
    assert_eq!(opened(pool.take(waiter(1, 0), 0)), 1);
    let seat = admitted(&pool, 0);
    assert_eq!(given(pool.give(7, 0, 0, true, 0)), "7 for 1");
    // A second connection rests while the first is in use.
    assert!(pool.grow(0));
    let second = admitted(&pool, 0);
    assert_eq!(given(pool.give(8, 0, 0, true, 0)), "kept");
    let (ended, granted) = pool.hold(Hold::Paused);
    assert_eq!((ended, granted.len()), (vec![8], 0));
    drop(second);
    assert!(!seat.current(0) && !pool.config().sharing);
    assert_eq!(opened(pool.take(waiter(2, 0), 0)), 0, "it waits, and nothing is opened for it");
    assert_eq!((pool.wanted(0), pool.grow(0), pool.starved()), (0, false, false));
    assert!(pool.next_rider(0, false).is_none() && pool.try_take(0).is_none());
    assert_eq!(given(pool.give(7, 0, 0, true, 0)), "7 too many");
    assert_eq!((pool.counts().0, pool.old()), (1, 1), "it is there until it is closed");
    drop(seat);
    assert_eq!((pool.counts().0, pool.old()), (0, 0));
    assert!(pool.failed("28000", "no", true, 0).is_empty(), "who waits goes on waiting");
    let (ended, granted) = pool.hold(Hold::None);
    assert_eq!((ended.len(), granted.len(), pool.wanted(0)), (0, 0, 1));
    assert!(pool.config().sharing);
}

#[test]
fn a_suspended_pool_keeps_what_it_has() {
    let pool = pool_of(config(2));
    assert_eq!(opened(pool.take(waiter(1, 0), 0)), 1);
    let seat = admitted(&pool, 0);
    let (ended, granted) = pool.hold(Hold::Suspended);
    assert_eq!((ended.len(), granted.len()), (0, 0));
    assert_eq!(given(pool.give(7, 0, 0, true, 0)), "kept", "though somebody waits");
    let mut other = config(2);
    other.share_depth = 3;
    pool.configure(other);
    assert!(!pool.config().sharing, "a reload does not end it");
    assert_eq!(opened(pool.take(waiter(2, 0), 0)), 0);
    assert_eq!(pool.oldest_ms(25), 25);
    let (ended, granted) = pool.hold(Hold::None);
    let granted: Vec<_> = granted.into_iter().map(|(waiter, conn)| (waiter.client.slot(), conn)).collect();
    assert_eq!((ended.len(), granted), (0, vec![(1, 7)]), "who waited longest has it");
    assert!(pool.config().sharing && pool.config().share_depth == 3);
    assert_eq!(pool.waiting(), 1);
    drop(seat);
}

#[test]
fn old_connections_are_counted_until_they_close() {
    let pool = pool_of(config(3));
    assert!(pool.grow(0));
    let first = admitted(&pool, 0);
    assert!(pool.grow(0));
    // Its log-in began before, and ends after.
    let mut late = pool.seat(0);
    assert!(pool.recycle().is_empty());
    assert_eq!(pool.old(), 1);
    late.admit(0);
    assert_eq!(pool.old(), 2);
    assert!(pool.grow(0));
    let young = admitted(&pool, 0);
    drop((first, young));
    assert_eq!(pool.old(), 1);
    drop(late);
    assert_eq!(pool.old(), 0);
}

#[test]
fn idle_connections_are_listed_by_carrier_and_piece_by_piece() {
    let pool = pool_of(config(5));
    for conn in 0..5 {
        assert_eq!(given(pool.give(conn, usize::from(conn == 2), 0, true, 0)), "kept");
    }
    assert_eq!(pool.peek(0, 0, 3, |conn| *conn), [0, 1, 3]);
    assert_eq!(pool.peek(0, 3, 3, |conn| *conn), [4]);
    assert_eq!(pool.peek(1, 0, 3, |conn| *conn), [2]);
}
