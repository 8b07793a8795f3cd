//! Another look at the sockets before what rides is sent: statements that came meanwhile go along in the same send.
//! Where clients come one at a time nothing ever does, and then hardly anybody looks.

use super::Engine;
use crate::poll::Ready;

/// In one turn at most.
const MOST: u32 = 3;
/// One that found something pays for so many that do not.
const PAYS: u32 = 2;
/// Pays for no more than so many.
const CREDIT: u32 = 16;
/// Without credit one in so many turns looks, lest it never be noticed that clients come together again.
const RARELY: u32 = 32;

#[derive(Default)]
pub(super) struct Looks {
    /// A statement was put on a shared connection in this turn.
    pub rode: bool,
    credit: u32,
    missed: u32,
}

impl Looks {
    fn worth(&mut self) -> bool {
        if self.credit > 0 {
            return true;
        }
        self.missed = (self.missed + 1) % RARELY;
        self.missed == 0
    }

    fn note(&mut self, found: bool) {
        self.credit = if found { (self.credit + PAYS).min(CREDIT) } else { self.credit.saturating_sub(1) };
    }
}

impl Engine {
    pub(super) fn look_again(&mut self, ready: &mut Vec<Ready>) {
        for _ in 0..MOST {
            if !std::mem::take(&mut self.looks.rode) || !self.looks.worth() {
                break;
            }
            let found = self.poll.wait(0, ready).is_ok() && !ready.is_empty();
            self.looks.note(found);
            if !found {
                break;
            }
            for event in ready.iter() {
                self.guarded(event.token, |engine| engine.dispatch(*event));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_looks_while_that_pays_and_tries_again_now_and_then() {
        let mut looks = Looks::default();
        let tried = (0..10 * RARELY).filter(|_| looks.worth()).count();
        assert_eq!(tried, 10, "nothing was ever found");
        looks.note(true);
        for _ in 0..PAYS {
            assert!(looks.worth());
            looks.note(false);
        }
        assert!(!looks.worth());
        for _ in 0..1000 {
            looks.note(true);
        }
        assert_eq!(looks.credit, CREDIT);
    }
}
