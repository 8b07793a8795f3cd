//! Statements over the time that is asked for: told to the brain, at a bounded rate.

use super::Engine;
use crate::border::{Event, Slow};
use crate::conn::client::Client;
use crate::wire::postgres::server::Done;
use std::sync::atomic::Ordering::Relaxed;

/// Told of in a second by one carrier; the others are counted.
const MOST: u32 = 20;
/// A client that has more than this to take may be slow to take it.
const UNTAKEN: usize = 16 * 1024;

#[derive(Default)]
pub(super) struct Bound {
    second: u64,
    told: u32,
    untold: u64,
}

impl Bound {
    /// How many were passed over since the last that was told, if this one may be.
    fn admit(&mut self, now_ms: u64) -> Option<u64> {
        let second = now_ms / 1_000;
        if second != self.second {
            self.second = second;
            self.told = 0;
        }
        if self.told >= MOST {
            self.untold += 1;
            return None;
        }
        self.told += 1;
        Some(std::mem::take(&mut self.untold))
    }
}

impl Engine {
    /// A statement has ended at the server. It is slow when the client has taken the answer late, too.
    pub(super) fn note_slow(&mut self, client: &mut Client, pool: u32, done: &mut Done, total_us: u64) {
        let over_us = self.shared.slow_us.load(Relaxed);
        if over_us == u64::MAX {
            client.slow = None;
            return;
        }
        if client.slow.is_some() {
            self.tell_untaken(client);
        }
        let stuck =
            if client.stuck_since_us > 0 { self.now_us.saturating_sub(client.stuck_since_us) } else { 0 };
        let client_us = (std::mem::take(&mut client.stuck_us) + stuck).min(total_us);
        let left = client.stream.waiting();
        let untaken = left > UNTAKEN || (left > 0 && client.stuck_since_us > 0);
        if total_us < over_us && !untaken {
            return;
        }
        let slow = Slow {
            conn: client.id,
            pool,
            base: client.base,
            key: done.plan.as_ref().map_or(0, |plan| plan.key),
            queue_us: client.waited_us,
            server_us: done.served_us,
            client_us,
            total_us,
            bytes: done.bytes,
            kinds: done.kinds.take(),
            failed: done.failed,
            untold: 0,
        };
        if untaken {
            client.slow = Some(Box::new((self.now_us, slow)));
        } else {
            self.tell_slow(slow);
        }
    }

    /// Of a statement whose answer the client has not taken, or has at last: what is known by now.
    #[cold]
    pub(super) fn tell_untaken(&mut self, client: &mut Client) {
        if let Some(waited) = client.slow.take() {
            self.tell_taken(*waited);
        }
    }

    #[cold]
    pub(super) fn tell_taken(&mut self, (ended_us, mut slow): (u64, Slow)) {
        let more_us = self.now_us.saturating_sub(ended_us);
        slow.client_us += more_us;
        slow.total_us += more_us;
        if slow.total_us >= self.shared.slow_us.load(Relaxed) {
            self.tell_slow(slow);
        }
    }

    #[cold]
    fn tell_slow(&mut self, mut slow: Slow) {
        let Some(untold) = self.slow.admit(self.now_ms) else { return };
        slow.untold = untold;
        self.shared.tell(Event::Slow(Box::new(slow)));
    }
}

#[cfg(test)]
mod tests {
    use super::{Bound, MOST};

    #[test]
    fn the_rate_is_bounded_and_what_was_left_out_is_counted() {
        let mut bound = Bound::default();
        let told = (0..100).filter_map(|_| bound.admit(5_500)).count();
        assert_eq!(told, MOST as usize);
        assert_eq!(bound.admit(6_000), Some(100 - u64::from(MOST)));
        assert_eq!(bound.admit(6_001), Some(0));
    }
}
