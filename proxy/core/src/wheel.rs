//! When things are due: a hierarchical timer wheel, told the time and never reading it.
//!
//! Owns (token, deadline) pairs and the order they fall due in. It must not know what a token stands for,
//! and it has no way to disarm: whoever gets a token compares the deadline it really has and arms again if
//! that moved, so that moving a deadline later costs a store and nothing here.
//!
//! Time goes in ticks of 8 ms, a deadline rounded up to its tick: a token never comes early, and comes with
//! the first `expire` 8 ms or more after its deadline at the latest. Each level of 64 slots is 64 times
//! coarser than the one below; an entry lives on the level of the highest digit (base 64) in which its tick
//! differs from the present one and moves down when that digit comes round. So every slot in use lies ahead
//! of the present within the block its level is turning through, the first slot of the lowest level in use
//! is always the next to come, and any 64-bit deadline fits.

const TICK_MS: u64 = 8;
const DIGIT: u32 = 6;
const SLOTS: usize = 1 << DIGIT;
/// Enough base-64 digits for every 64-bit tick.
const LEVELS: usize = 11;
/// The end of a list.
const NIL: usize = usize::MAX;
/// Room kept for entries when none is left; above it, the memory of a burst is given back.
const KEEP: usize = 1024;

#[derive(Clone, Copy)]
struct Entry {
    token: u64,
    due: u64,
    next: usize,
}

/// Tokens and when they are due. Arming is O(1) and allocates only when more are armed than ever before;
/// memory is 24 bytes an armed token at the highest tide, beside 6 KiB for the wheel. One entry a token is
/// the caller's duty: what is armed twice comes twice.
pub struct Wheel {
    /// The tick up to which everything has been handed out.
    tick: u64,
    armed: usize,
    entries: Vec<Entry>,
    /// Unused entries.
    free: usize,
    /// What was already due when it was armed.
    ready: usize,
    slots: [[usize; SLOTS]; LEVELS],
    used: [u64; LEVELS],
}

/// A slot in use: where it is and the tick at which it comes round.
struct Next {
    level: usize,
    slot: usize,
    tick: u64,
}

impl Wheel {
    pub fn new(now_ms: u64) -> Wheel {
        Wheel {
            tick: now_ms / TICK_MS,
            armed: 0,
            entries: Vec::new(),
            free: NIL,
            ready: NIL,
            slots: [[NIL; SLOTS]; LEVELS],
            used: [0; LEVELS],
        }
    }

    /// How many tokens are armed.
    pub fn len(&self) -> usize {
        self.armed
    }

    pub fn is_empty(&self) -> bool {
        self.armed == 0
    }

    /// Hand `token` out once `deadline_ms` has passed; with the next `expire` if it already has.
    pub fn arm(&mut self, token: u64, deadline_ms: u64) {
        let due = deadline_ms.div_ceil(TICK_MS);
        let entry = self.allot(token, due);
        self.armed += 1;
        self.place(entry);
    }

    /// Append every token that is due. Time that goes backwards hands out nothing but what was armed too
    /// late.
    pub fn expire(&mut self, now_ms: u64, out: &mut Vec<u64>) {
        let ready = std::mem::replace(&mut self.ready, NIL);
        self.hand_out(ready, out);
        let target = now_ms / TICK_MS;
        while let Some(next) = self.next().filter(|next| next.tick <= target) {
            self.tick = next.tick;
            let list = std::mem::replace(&mut self.slots[next.level][next.slot], NIL);
            self.used[next.level] &= !(1 << next.slot);
            if next.level == 0 {
                self.hand_out(list, out);
            } else {
                self.move_down(list, out);
            }
        }
        self.tick = self.tick.max(target);
        if self.armed == 0 && self.entries.len() > KEEP {
            self.entries = Vec::with_capacity(KEEP);
            self.free = NIL;
        }
    }

    /// How long nothing can fall due, in milliseconds; None when nothing is armed. For a far deadline it
    /// may be shorter than the true wait (a level turns), never longer.
    pub fn next_ms(&self, now_ms: u64) -> Option<u64> {
        if self.ready != NIL {
            return Some(0);
        }
        let next = self.next()?;
        Some(next.tick.saturating_mul(TICK_MS).saturating_sub(now_ms))
    }

    fn next(&self) -> Option<Next> {
        let level = self.used.iter().position(|used| *used != 0)?;
        let slot = self.used[level].trailing_zeros();
        let shift = DIGIT * level as u32;
        let above = self.tick.checked_shr(shift + DIGIT).unwrap_or(0);
        let tick = above.checked_shl(shift + DIGIT).unwrap_or(0) | u64::from(slot) << shift;
        Some(Next { level, slot: slot as usize, tick })
    }

    fn place(&mut self, entry: usize) {
        let due = self.entries[entry].due;
        if due <= self.tick {
            self.entries[entry].next = self.ready;
            self.ready = entry;
            return;
        }
        let level = (63 - (due ^ self.tick).leading_zeros()) / DIGIT;
        let slot = (due >> (DIGIT * level)) as usize % SLOTS;
        let level = level as usize;
        self.entries[entry].next = self.slots[level][slot];
        self.slots[level][slot] = entry;
        self.used[level] |= 1 << slot;
    }

    /// A coarse slot has come round: what is due goes out, the rest to the levels below.
    fn move_down(&mut self, mut list: usize, out: &mut Vec<u64>) {
        while list != NIL {
            let Entry { token, due, next } = self.entries[list];
            if due <= self.tick {
                out.push(token);
                self.release(list);
            } else {
                self.place(list);
            }
            list = next;
        }
    }

    fn hand_out(&mut self, mut list: usize, out: &mut Vec<u64>) {
        while list != NIL {
            let Entry { token, next, .. } = self.entries[list];
            out.push(token);
            self.release(list);
            list = next;
        }
    }

    fn allot(&mut self, token: u64, due: u64) -> usize {
        let entry = Entry { token, due, next: NIL };
        if self.free == NIL {
            self.entries.push(entry);
            return self.entries.len() - 1;
        }
        let at = self.free;
        self.free = self.entries[at].next;
        self.entries[at] = entry;
        at
    }

    fn release(&mut self, entry: usize) {
        self.entries[entry].next = self.free;
        self.free = entry;
        self.armed -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn expired(wheel: &mut Wheel, now: u64) -> Vec<u64> {
        let mut out = Vec::new();
        wheel.expire(now, &mut out);
        out.sort_unstable();
        out
    }

    #[test]
    fn a_token_comes_once_and_within_a_tick() {
        let mut wheel = Wheel::new(1_000_003);
        wheel.arm(7, 1_000_100);
        assert!(expired(&mut wheel, 1_000_099).is_empty());
        assert_eq!(expired(&mut wheel, 1_000_107), [7]);
        assert!(expired(&mut wheel, 9_000_000).is_empty());
        assert!(wheel.is_empty());
        assert_eq!(wheel.next_ms(9_000_000), None);
    }

    #[test]
    fn what_is_already_due_comes_with_the_next_call() {
        let mut wheel = Wheel::new(1_000);
        wheel.arm(1, 0);
        wheel.arm(2, 1_000);
        assert_eq!(wheel.next_ms(1_000), Some(0));
        assert_eq!(expired(&mut wheel, 1_000), [1, 2]);
    }

    #[test]
    fn days_ahead_is_as_exact_as_milliseconds() {
        let day = 86_400_000;
        let start = 123_456_789;
        let mut wheel = Wheel::new(start);
        for token in 1..=30 {
            wheel.arm(token, start + token * day);
        }
        for token in 1..=30 {
            assert!(expired(&mut wheel, start + token * day - 1).is_empty());
            assert_eq!(expired(&mut wheel, start + token * day + TICK_MS), [token]);
        }
    }

    #[test]
    fn the_ends_of_time_fit() {
        let mut wheel = Wheel::new(0);
        wheel.arm(1, u64::MAX);
        wheel.arm(2, u64::MAX - 100);
        assert!(expired(&mut wheel, u64::MAX - 200).is_empty());
        assert!(wheel.next_ms(u64::MAX - 200).is_some_and(|wait| wait > 0));
        assert_eq!(expired(&mut wheel, u64::MAX - 50), [2]);
        assert_eq!(wheel.len(), 1);
    }

    #[test]
    fn time_going_backwards_loses_nothing() {
        let mut wheel = Wheel::new(10_000);
        wheel.arm(1, 10_500);
        assert!(expired(&mut wheel, 10_400).is_empty());
        assert!(expired(&mut wheel, 5_000).is_empty());
        wheel.arm(2, 10_450);
        assert_eq!(expired(&mut wheel, 10_508), [1, 2]);
    }

    #[test]
    fn memory_follows_what_is_armed_not_what_was() {
        let mut wheel = Wheel::new(0);
        let mut now = 0;
        for token in 0..100_000 {
            wheel.arm(token, now + 50);
            if token % 100 == 99 {
                now += 100;
                assert_eq!(expired(&mut wheel, now).len(), 100);
            }
        }
        assert!(wheel.entries.capacity() <= 128);
        for token in 0..100_000 {
            wheel.arm(token, now + 50);
        }
        assert_eq!(expired(&mut wheel, now + 100).len(), 100_000);
        assert_eq!(wheel.entries.capacity(), KEEP);
    }

    #[test]
    fn sleeping_as_told_wakes_in_time_and_seldom() {
        let mut wheel = Wheel::new(77);
        let deadline = 77 + 3_600_000;
        wheel.arm(1, deadline);
        let mut now = 77;
        let mut woken = 0;
        let mut out = Vec::new();
        while let Some(wait) = wheel.next_ms(now) {
            assert!(wait > 0, "a poll that would spin");
            now += wait;
            woken += 1;
            wheel.expire(now, &mut out);
        }
        assert_eq!(out, [1]);
        assert!((deadline..deadline + TICK_MS).contains(&now));
        assert!(woken <= LEVELS);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Arm(u64),
        ArmPast(u64),
        Advance(u64),
        Sleep,
    }

    fn far() -> impl Strategy<Value = u64> {
        prop_oneof![0..64u64, 0..1_000u64, 0..60_000u64, 0..3_600_000u64, 0..2_000_000_000u64]
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => far().prop_map(Step::Arm),
            1 => far().prop_map(Step::ArmPast),
            3 => far().prop_map(Step::Advance),
            2 => Just(Step::Sleep),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(crate::cases(2_000)))]
        #[test]
        fn agrees_with_a_list(start in 0..u64::MAX / 4, steps in prop::collection::vec(step(), 1..80)) {
            let mut wheel = Wheel::new(start);
            let mut model: Vec<(u64, u64)> = Vec::new();
            let (mut now, mut token) = (start, 0);
            for step in steps {
                match step {
                    Step::Arm(_) | Step::ArmPast(_) => {
                        let deadline = match step {
                            Step::Arm(ahead) => now + ahead,
                            Step::ArmPast(behind) => now.saturating_sub(behind),
                            _ => now,
                        };
                        wheel.arm(token, deadline);
                        model.push((token, deadline));
                        token += 1;
                        continue;
                    }
                    Step::Advance(by) => now += by,
                    Step::Sleep => {
                        let Some(wait) = wheel.next_ms(now) else { continue };
                        let first = model.iter().map(|(_, deadline)| *deadline).min().unwrap_or(0);
                        prop_assert!(now + wait <= first.max(now) + TICK_MS, "slept past a deadline");
                        now += wait;
                    }
                }
                let out = expired(&mut wheel, now);
                for token in &out {
                    let at = model.iter().position(|(known, _)| known == token);
                    prop_assert!(at.is_some(), "came twice");
                    if let Some(at) = at {
                        prop_assert!(model[at].1 <= now, "came early");
                        model.swap_remove(at);
                    }
                }
                let late = model.iter().any(|(_, deadline)| deadline + TICK_MS <= now);
                prop_assert!(!late, "left behind");
                prop_assert_eq!(wheel.len(), model.len());
            }
        }
    }
}
