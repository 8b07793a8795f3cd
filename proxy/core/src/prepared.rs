//! Prepared statements by content: the same text and parameter types are one statement on every server connection,
//! whatever the clients call it.

use hashbrown::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Contents kept though no client holds them, so that a client that comes back finds the same server-side name.
const KEPT: usize = 10_000;

#[derive(Debug)]
pub struct Prepared {
    pub id: u64,
    /// The name on servers.
    pub name: Box<[u8]>,
    /// What follows the name in a Parse: statement text, NUL, parameter types.
    pub body: Box<[u8]>,
    /// Length of the text in `body`.
    pub text: usize,
}

impl Prepared {
    pub fn text(&self) -> &[u8] {
        self.body.get(..self.text).unwrap_or_default()
    }
}

/// Server-side names begin so, with a number of this process behind: a client's own name is not one of them by chance,
/// and never reaches a server when it is by design.
pub struct Table {
    prefix: String,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    by_body: HashMap<Box<[u8]>, Arc<Prepared>>,
    next: u64,
}

impl Table {
    pub fn new(salt: u32) -> Self {
        Self { prefix: format!("articdbm_{salt:08x}_"), inner: Mutex::default() }
    }

    pub fn is_ours(&self, name: &[u8]) -> bool {
        name.starts_with(self.prefix.as_bytes())
    }

    pub fn intern(&self, body: &[u8], text: usize) -> Arc<Prepared> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = inner.by_body.get(body) {
            return Arc::clone(known);
        }
        if inner.by_body.len() >= KEPT {
            inner.by_body.retain(|_, prepared| Arc::strong_count(prepared) > 1);
        }
        inner.next += 1;
        let id = inner.next;
        let name = format!("{}{id}", self.prefix).into_bytes().into_boxed_slice();
        let prepared = Arc::new(Prepared { id, name, body: body.into(), text });
        // Full of statements that clients hold: this one lives as long as its clients, under a name of its own.
        if inner.by_body.len() < KEPT {
            inner.by_body.insert(body.into(), Arc::clone(&prepared));
        }
        prepared
    }
}

/// What is prepared on one server connection, least recently used first out.
#[derive(Default)]
pub struct OnServer {
    uses: HashMap<u64, (u64, Arc<Prepared>)>,
    clock: u64,
}

impl OnServer {
    /// True when the statement is there; it then counts as used.
    pub fn touch(&mut self, id: u64) -> bool {
        self.clock += 1;
        match self.uses.get_mut(&id) {
            Some((used, _)) => {
                *used = self.clock;
                true
            }
            None => false,
        }
    }

    /// Notes a new one. What has to go to stay within `limit` is given back, to be closed on the server.
    pub fn insert(&mut self, prepared: &Arc<Prepared>, limit: usize) -> Option<Arc<Prepared>> {
        let full = self.uses.len() >= limit.max(1);
        let oldest = if full { self.uses.iter().min_by_key(|(_, (used, _))| *used).map(|(id, _)| *id) } else { None };
        let evicted = oldest.and_then(|id| self.uses.remove(&id)).map(|(_, prepared)| prepared);
        self.clock += 1;
        self.uses.insert(prepared.id, (self.clock, Arc::clone(prepared)));
        evicted
    }

    pub fn restore(&mut self, prepared: &Arc<Prepared>) {
        self.uses.insert(prepared.id, (self.clock, Arc::clone(prepared)));
    }

    /// As it was before `self` began empty; what came since stays.
    pub fn restore_all(&mut self, before: OnServer) {
        self.clock = self.clock.max(before.clock);
        self.uses.extend(before.uses);
    }

    pub fn remove(&mut self, id: u64) {
        self.uses.remove(&id);
    }

    pub fn clear(&mut self) {
        self.uses.clear();
    }

    pub fn len(&self) -> usize {
        self.uses.len()
    }

    pub fn is_empty(&self) -> bool {
        self.uses.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_content_one_name() {
        let table = Table::new(1);
        let a = table.intern(b"SELECT 1\0\0\0", 8);
        let b = table.intern(b"SELECT 1\0\0\0", 8);
        let c = table.intern(b"SELECT 1\0\0\x01\0\0\0\x17", 8);
        assert!(Arc::ptr_eq(&a, &b));
        assert_ne!(a.name, c.name, "other parameter types are another statement");
        assert_eq!(a.text(), b"SELECT 1");
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let table = Table::new(1);
        let all: Vec<_> = (0..4).map(|i| table.intern(format!("SELECT {i}\0\0\0").as_bytes(), 8)).collect();
        let mut server = OnServer::default();
        assert!(server.insert(&all[0], 2).is_none() && server.insert(&all[1], 2).is_none());
        assert!(server.touch(all[0].id));
        assert_eq!(server.insert(&all[2], 2).map(|p| p.id), Some(all[1].id));
        assert_eq!(server.len(), 2);
        assert!(!server.touch(all[1].id));
    }

    #[test]
    fn the_table_is_bounded_when_nobody_holds_on() {
        let table = Table::new(1);
        for i in 0..3 * KEPT {
            table.intern(format!("SELECT {i}\0\0\0").as_bytes(), 8);
        }
        assert!(table.inner.lock().unwrap().by_body.len() <= KEPT);
    }
}
