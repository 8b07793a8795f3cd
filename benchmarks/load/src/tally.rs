//! What went wrong, by kind and count. Bounded: past so many kinds the rest is counted together.

use std::collections::BTreeMap;

use crate::json::Object;

const KINDS: usize = 20;

#[derive(Default)]
pub struct Tally {
    counts: BTreeMap<String, u64>,
}

impl Tally {
    pub fn add(&mut self, kind: impl Into<String>) {
        self.add_many(kind, 1);
    }

    pub fn add_many(&mut self, kind: impl Into<String>, count: u64) {
        if count == 0 {
            return;
        }
        let mut kind = kind.into();
        if self.counts.len() >= KINDS && !self.counts.contains_key(&kind) {
            kind = "others".to_owned();
        }
        *self.counts.entry(kind).or_default() += count;
    }

    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    pub fn json(&self) -> String {
        let mut object = Object::new();
        for (kind, count) in &self.counts {
            object.number(kind, *count);
        }
        object.finish()
    }
}
