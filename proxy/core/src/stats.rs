//! What is counted and timed: a log-linear latency histogram and a counter.
//!
//! Owns the shape of the buckets. It must not know whose times these are. Each one has a single writer, the
//! carrier it belongs to; anyone may read at any time. With one writer a relaxed load and store are enough:
//! no locked instruction on the hot path, and no reader ever sees a torn number. A second writer would lose
//! counts, never memory safety.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Buckets a power of two: a bucket is at most 1/16 of its values wide, so its middle is off by 3 % at
/// most.
const SUB: usize = 16;
const SUB_BITS: u32 = SUB.trailing_zeros();
/// Powers of two: the last bucket ends at 2^32 - 1 µs, a little over an hour.
const TOP_BITS: u32 = 32;
const BUCKETS: usize = SUB * (TOP_BITS - SUB_BITS + 1) as usize;

/// Times in microseconds. Up to 16 µs exact, then 16 buckets a power of two; above 71 minutes all are one.
pub struct Histogram {
    buckets: Box<[AtomicU64]>,
    sum: Counter,
}

impl Histogram {
    pub fn new() -> Histogram {
        Histogram { buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(), sum: Counter::new() }
    }

    /// Count one time. For the writer alone.
    pub fn record(&self, us: u64) {
        self.add(index(us), 1);
        self.sum.add(us);
    }

    /// Add another's counts to this one. For this one's writer alone; the other may be written meanwhile.
    pub fn merge(&self, other: &Histogram) {
        for (at, bucket) in other.buckets.iter().enumerate() {
            let count = bucket.load(Relaxed);
            if count != 0 {
                self.add(at, count);
            }
        }
        self.sum.add(other.sum.get());
    }

    /// All of them together, exact.
    pub fn sum(&self) -> u64 {
        self.sum.get()
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.buckets.iter().fold(0, |sum, bucket| sum.wrapping_add(bucket.load(Relaxed)))
    }

    /// The upper bound of the bucket in which the given percentile (0 to 100) lies; None when nothing was
    /// counted.
    pub fn percentile(&self, p: f64) -> Option<u64> {
        let rank = (p.clamp(0.0, 100.0) / 100.0 * self.count() as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        let mut last = None;
        for (upper, count) in self.buckets() {
            seen += count;
            last = Some(upper);
            if seen >= rank {
                break;
            }
        }
        last
    }

    /// The buckets that are not empty, in order: the largest time that falls into it, and how many did. The
    /// last possible one also holds everything longer.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let counts = self.buckets.iter().map(|bucket| bucket.load(Relaxed));
        counts.enumerate().filter(|(_, count)| *count != 0).map(|(at, count)| (upper(at), count))
    }

    fn add(&self, at: usize, by: u64) {
        if let Some(bucket) = self.buckets.get(at) {
            bucket.store(bucket.load(Relaxed).wrapping_add(by), Relaxed);
        }
    }
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram::new()
    }
}

/// Which bucket a time falls into.
fn index(us: u64) -> usize {
    let us = us.min((1 << TOP_BITS) - 1);
    let power = u64::BITS - (us >> SUB_BITS).leading_zeros();
    if power == 0 {
        return us as usize;
    }
    // The highest bit says which block, the four below it which bucket there.
    power as usize * SUB + (us >> (power - 1)) as usize % SUB
}

/// The largest time in a bucket.
fn upper(at: usize) -> u64 {
    let (block, sub) = (at / SUB, (at % SUB) as u64);
    match block.checked_sub(1) {
        None => sub,
        Some(shift) => ((SUB as u64 + sub + 1) << shift) - 1,
    }
}

/// A number that only grows, with a single writer.
#[derive(Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub const fn new() -> Counter {
        Counter(AtomicU64::new(0))
    }

    /// For the writer alone.
    pub fn add(&self, by: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(by), Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TOP: u64 = (1 << TOP_BITS) - 1;

    #[test]
    fn buckets_follow_each_other_without_gap_or_overlap() {
        let mut first = 0;
        for at in 0..BUCKETS {
            let last = upper(at);
            assert_eq!(index(first), at);
            assert_eq!(index(last), at);
            assert!((last - first) * SUB as u64 <= first, "bucket {at} is too wide");
            first = last + 1;
        }
        assert_eq!(first, TOP + 1);
    }

    #[test]
    fn longer_than_the_last_bucket_counts_there() {
        let histogram = Histogram::new();
        histogram.record(TOP + 1);
        histogram.record(u64::MAX);
        assert_eq!(histogram.buckets().collect::<Vec<_>>(), [(TOP, 2)]);
        assert!(upper(BUCKETS - 1) > 3_600_000_000);
    }

    #[test]
    fn nothing_counted_has_no_percentile() {
        let histogram = Histogram::default();
        assert_eq!(histogram.percentile(50.0), None);
        assert_eq!(histogram.buckets().count(), 0);
    }

    #[test]
    fn percentiles_of_known_times() {
        let histogram = Histogram::new();
        for us in 1..=10 {
            histogram.record(us);
        }
        let cases =
            [(-1.0, 1), (0.0, 1), (10.0, 1), (50.0, 5), (90.0, 9), (91.0, 10), (100.0, 10), (500.0, 10)];
        for (p, us) in cases {
            assert_eq!(histogram.percentile(p), Some(us), "{p}");
        }
        assert_eq!(histogram.percentile(f64::NAN), Some(1));
    }

    #[test]
    fn read_while_written_only_grows_and_ends_exact() {
        const TIMES: u64 = 200_000;
        let (histogram, counter) = (Histogram::new(), Counter::new());
        std::thread::scope(|threads| {
            threads.spawn(|| {
                for us in 0..TIMES {
                    histogram.record(us % 1_000);
                    counter.add(2);
                }
            });
            let (mut before, mut counted) = (0, 0);
            while before < TIMES {
                let now = histogram.count();
                assert!(now >= before && now <= TIMES);
                before = now;
                let now = counter.get();
                assert!(now >= counted && now <= 2 * TIMES);
                counted = now;
            }
        });
        assert_eq!((histogram.count(), counter.get()), (TIMES, 2 * TIMES));
    }

    proptest! {
        #[test]
        fn percentile_is_the_sorted_list_s_within_a_sixteenth(
            mut times in prop::collection::vec(prop_oneof![0..100u64, 0..100_000u64, 0..=TOP], 1..300),
            p in 0.0..=100.0f64,
        ) {
            let histogram = Histogram::new();
            times.iter().for_each(|us| histogram.record(*us));
            times.sort_unstable();
            let rank = (p / 100.0 * times.len() as f64).ceil().max(1.0) as usize;
            let truth = times[rank - 1];
            let said = histogram.percentile(p).unwrap_or(0);
            prop_assert!(said >= truth && said - truth <= truth / SUB as u64, "{said} for {truth}");
        }

        #[test]
        fn merged_is_as_if_one_had_counted_all(
            one in prop::collection::vec(0..TOP * 2, 0..100),
            two in prop::collection::vec(0..5_000u64, 0..100),
        ) {
            let (left, right, both) = (Histogram::new(), Histogram::new(), Histogram::new());
            one.iter().for_each(|us| { left.record(*us); both.record(*us); });
            two.iter().for_each(|us| { right.record(*us); both.record(*us); });
            left.merge(&right);
            prop_assert_eq!(left.buckets().collect::<Vec<_>>(), both.buckets().collect::<Vec<_>>());
            prop_assert_eq!(left.count(), (one.len() + two.len()) as u64);
            prop_assert_eq!(left.sum(), one.iter().chain(&two).sum::<u64>());
        }
    }
}
