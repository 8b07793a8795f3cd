//! Statements over the time that is asked for: told to the brain, at a bounded rate.

use super::Engine;
use crate::border::{Event, Slow};
use crate::conn::client::Client;
use crate::wire::postgres::server::Done;

/// Told of in a second by one carrier; the others are counted.
const MOST: u32 = 20;

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
    #[cold]
    pub(super) fn tell_slow(&mut self, client: &Client, pool: u32, done: &Done, total_us: u64) {
        let Some(untold) = self.slow.admit(self.now_ms) else { return };
        self.shared.tell(Event::Slow(Box::new(Slow {
            conn: client.id,
            pool,
            base: client.base,
            key: done.plan.as_ref().map_or(0, |plan| plan.key),
            queue_us: client.waited_us,
            server_us: done.served_us,
            total_us,
            bytes: done.bytes,
            failed: done.failed,
            untold,
        })));
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
