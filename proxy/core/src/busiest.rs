//! Which statements take the servers' time: a sample of executions, by fingerprint, in bounded memory.
//!
//! Each carrier has its own, so that the lock is free but when somebody looks. Knows no text and no client.

use hashbrown::HashMap;
use std::sync::{Mutex, PoisonError};

/// One execution of so many is looked at.
pub const SAMPLE: u64 = 16;
/// Statements that are kept; above it the lighter half is forgotten.
const MOST: usize = 512;

#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Weight {
    pub samples: u64,
    pub us: u64,
    pub longest_us: u64,
}

#[derive(Default)]
pub struct Busiest(Mutex<HashMap<u128, Weight>>);

impl Busiest {
    pub fn note(&self, key: u128, us: u64) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST && !kept.contains_key(&key) {
            let mut weights: Vec<u64> = kept.values().map(|weight| weight.us).collect();
            let half = weights.len() / 2;
            let (_, middle, _) = weights.select_nth_unstable(half);
            let middle = *middle;
            kept.retain(|_, weight| weight.us > middle);
        }
        let weight = kept.entry(key).or_default();
        weight.samples += 1;
        weight.us += us;
        weight.longest_us = weight.longest_us.max(us);
    }

    /// Adds what is kept here to `all`.
    pub fn merge_into(&self, all: &mut HashMap<u128, Weight>) {
        for (key, weight) in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let sum = all.entry(*key).or_default();
            sum.samples += weight.samples;
            sum.us += weight.us;
            sum.longest_us = sum.longest_us.max(weight.longest_us);
        }
    }
}

/// A die with SAMPLE sides: executions that come in a rhythm are sampled evenly all the same.
pub struct Die(u64);

impl Default for Die {
    fn default() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }
}

impl Die {
    pub fn cast(&mut self) -> bool {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.is_multiple_of(SAMPLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heavy_are_kept_whoever_else_comes() {
        let busiest = Busiest::default();
        for other in 1..100_000u128 {
            busiest.note(other + 10, 5);
            if other % 100 == 0 {
                busiest.note(7, 1_000);
            }
        }
        let mut all = HashMap::new();
        busiest.merge_into(&mut all);
        assert!(all.len() <= MOST);
        assert_eq!(all.get(&7), Some(&Weight { samples: 999, us: 999_000, longest_us: 1_000 }));
    }

    #[test]
    fn what_two_carriers_saw_is_one() {
        let (one, two) = (Busiest::default(), Busiest::default());
        one.note(1, 10);
        two.note(1, 30);
        two.note(2, 5);
        let mut all = HashMap::new();
        one.merge_into(&mut all);
        two.merge_into(&mut all);
        assert_eq!(all.get(&1), Some(&Weight { samples: 2, us: 40, longest_us: 30 }));
        assert_eq!(all.len(), 2);
    }

    #[test]
    fn the_die_is_fair_enough() {
        let mut die = Die::default();
        let hits = (0..160_000).filter(|_| die.cast()).count();
        assert!((9_000..11_000).contains(&hits), "{hits}");
    }
}
