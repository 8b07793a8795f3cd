//! Connections by handle. A handle holds carrier, slot and generation and is never given out twice,
//! so that a stale one reaches nobody.

/// Names one connection of one carrier for ever.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Id(pub u64);

pub const MAX_SLOTS: usize = 1 << 24;

impl Id {
    pub fn new(carrier: u8, slot: u32, generation: u32) -> Self {
        Self(u64::from(carrier) << 56 | u64::from(slot) << 32 | u64::from(generation))
    }
    pub fn carrier(self) -> usize {
        (self.0 >> 56) as usize
    }
    pub fn slot(self) -> u32 {
        (self.0 >> 32) as u32 & 0x00ff_ffff
    }
    pub fn generation(self) -> u32 {
        self.0 as u32
    }
}

enum Place<T> {
    Free,
    /// Somebody works with the value, or it is parked elsewhere; the handle stays valid.
    Lent,
    Here(T),
}

struct Entry<T> {
    generation: u32,
    place: Place<T>,
}

pub struct Slab<T> {
    carrier: u8,
    /// Of the first generation. A carrier's two slabs count even and odd, so that no handle of one is the other's.
    parity: u32,
    entries: Vec<Entry<T>>,
    free: Vec<u32>,
    used: usize,
}

impl<T> Slab<T> {
    pub fn new(carrier: u8, parity: u32) -> Self {
        Self { carrier, parity, entries: Vec::new(), free: Vec::new(), used: 0 }
    }

    pub fn len(&self) -> usize {
        self.used
    }

    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Reserves a handle; the value comes with `put`. None when the slab is full.
    pub fn reserve(&mut self) -> Option<Id> {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None if self.entries.len() < MAX_SLOTS => {
                self.entries.push(Entry { generation: self.parity, place: Place::Free });
                (self.entries.len() - 1) as u32
            }
            None => return None,
        };
        let entry = self.entries.get_mut(slot as usize)?;
        entry.place = Place::Lent;
        self.used += 1;
        Some(Id::new(self.carrier, slot, entry.generation))
    }

    fn entry(&mut self, id: Id) -> Option<&mut Entry<T>> {
        let entry = self.entries.get_mut(id.slot() as usize)?;
        (entry.generation == id.generation() && id.carrier() == usize::from(self.carrier)).then_some(entry)
    }

    pub fn put(&mut self, id: Id, value: T) {
        if let Some(entry) = self.entry(id) {
            entry.place = Place::Here(value);
        }
    }

    pub fn get(&mut self, id: Id) -> Option<&mut T> {
        match self.entry(id) {
            Some(Entry { place: Place::Here(value), .. }) => Some(value),
            _ => None,
        }
    }

    /// Lends the value out; give it back with `put`, or end the handle with `remove`.
    pub fn take(&mut self, id: Id) -> Option<T> {
        let entry = self.entry(id)?;
        if !matches!(entry.place, Place::Here(_)) {
            return None;
        }
        match std::mem::replace(&mut entry.place, Place::Lent) {
            Place::Here(value) => Some(value),
            Place::Free | Place::Lent => None,
        }
    }

    pub fn is_lent(&mut self, id: Id) -> bool {
        matches!(self.entry(id), Some(Entry { place: Place::Lent, .. }))
    }

    /// Ends the handle. The value, if it was here, is returned.
    pub fn remove(&mut self, id: Id) -> Option<T> {
        let entry = self.entry(id)?;
        let place = std::mem::replace(&mut entry.place, Place::Free);
        if matches!(place, Place::Free) {
            return None;
        }
        entry.generation = entry.generation.wrapping_add(2);
        self.used -= 1;
        self.free.push(id.slot());
        match place {
            Place::Here(value) => Some(value),
            Place::Free | Place::Lent => None,
        }
    }

    /// Slots there are, used or not.
    pub fn slots(&self) -> u32 {
        self.entries.len() as u32
    }

    /// Every handle in use.
    pub fn ids(&self) -> Vec<Id> {
        let carrier = self.carrier;
        let live = self.entries.iter().enumerate().filter(|(_, e)| !matches!(e.place, Place::Free));
        live.map(|(slot, e)| Id::new(carrier, slot as u32, e.generation)).collect()
    }

    /// The handle that now lives in a slot (a cancel key names slots).
    pub fn at(&self, slot: u32) -> Option<Id> {
        let entry = self.entries.get(slot as usize)?;
        (!matches!(entry.place, Place::Free)).then(|| Id::new(self.carrier, slot, entry.generation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_handle_reaches_nobody() {
        let mut slab = Slab::new(3, 0);
        let first = slab.reserve().unwrap();
        slab.put(first, "first");
        assert_eq!(slab.remove(first), Some("first"));
        let second = slab.reserve().unwrap();
        slab.put(second, "second");
        assert_eq!((first.slot(), first.carrier()), (second.slot(), 3));
        assert_ne!(first, second);
        assert!(slab.get(first).is_none() && slab.take(first).is_none() && slab.remove(first).is_none());
        slab.put(first, "stale");
        assert_eq!(slab.get(second), Some(&mut "second"));
    }

    #[test]
    fn a_lent_value_is_not_given_twice() {
        let mut slab = Slab::new(0, 1);
        let id = slab.reserve().unwrap();
        slab.put(id, 7);
        assert_eq!(slab.take(id), Some(7));
        assert!(slab.take(id).is_none() && slab.is_lent(id));
        assert_eq!(slab.len(), 1);
        slab.put(id, 8);
        assert_eq!(slab.remove(id), Some(8));
        assert!(slab.is_empty());
    }
}
