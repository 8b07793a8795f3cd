//! Times in a log-linear histogram: every power of two in 32 steps, so a percentile is right to about 3 %.

use std::time::Duration;

use crate::json::Object;

const STEP_BITS: u32 = 5;
const STEPS: usize = 1 << STEP_BITS;
const BUCKETS: usize = STEPS * (64 - STEP_BITS as usize + 1);

pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    longest: u64,
}

impl Histogram {
    pub fn new() -> Histogram {
        Histogram { counts: vec![0; BUCKETS], total: 0, longest: 0 }
    }

    pub fn add(&mut self, time: Duration) {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        if let Some(count) = self.counts.get_mut(bucket(nanoseconds)) {
            *count += 1;
        }
        self.total += 1;
        self.longest = self.longest.max(nanoseconds);
    }

    /// The time that `share` of all did not exceed, in microseconds; 0 when there are none.
    pub fn percentile(&self, share: f64) -> f64 {
        let wanted = ((self.total as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return upper(index).min(self.longest) as f64 / 1000.0;
            }
        }
        0.0
    }

    pub fn json(&self) -> String {
        let mut object = Object::new();
        for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)] {
            object.number(name, format_args!("{:.1}", self.percentile(share)));
        }
        object.finish()
    }
}

fn bucket(value: u64) -> usize {
    if value < STEPS as u64 {
        return value as usize;
    }
    let shift = value.ilog2() - STEP_BITS;
    (shift as usize + 1) * STEPS + (value >> shift) as usize - STEPS
}

fn upper(index: usize) -> u64 {
    if index < STEPS {
        return index as u64;
    }
    let shift = (index / STEPS - 1) as u32;
    let first = ((index % STEPS + STEPS) as u64) << shift;
    first + ((1u64 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_bucket_and_close_to_its_end() {
        for value in (0..64).flat_map(|bit| [1u64 << bit, (1u64 << bit) + 1, u64::MAX >> bit]) {
            let end = upper(bucket(value));
            assert!(bucket(value) < BUCKETS);
            assert!(
                end >= value && (end - value) as f64 <= value as f64 / STEPS as f64,
                "{value} ends at {end}"
            );
            assert_eq!(bucket(end), bucket(value));
        }
    }

    #[test]
    fn percentiles_of_a_ramp() {
        let mut times = Histogram::new();
        for microseconds in 1..=1000 {
            times.add(Duration::from_micros(microseconds));
        }
        for (share, truth) in [(0.5, 500.0), (0.99, 990.0), (1.0, 1000.0)] {
            let found = times.percentile(share);
            assert!((truth..truth * 1.04).contains(&found), "{share}: {found}");
        }
        assert_eq!(Histogram::new().percentile(0.5), 0.0);
    }
}
