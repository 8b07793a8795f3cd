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
    /// What follows the name in a Parse: statement text, NUL, parameter types. Or in an SQL PREPARE: types and text.
    pub body: Box<[u8]>,
    /// Length of the text in `body`.
    pub text: usize,
    /// Prepared in SQL.
    pub sql: bool,
}

impl Prepared {
    /// The PREPARE that makes it.
    pub fn statement(&self) -> Vec<u8> {
        [b"PREPARE \"", &self.name[..], b"\"", &self.body].concat()
    }

    /// The same as a client could have said it.
    pub fn said(&self) -> Vec<u8> {
        [b"PREPARE \"p\"", &self.body[..]].concat()
    }

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
    /// By the settings it is read under, and by its body.
    by_body: HashMap<String, HashMap<Box<[u8]>, Arc<Prepared>>>,
    kept: usize,
    next: u64,
}

impl Table {
    pub fn new(salt: u32) -> Self {
        Self { prefix: format!("articdbm_{salt:08x}_"), inner: Mutex::default() }
    }

    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    pub fn is_ours(&self, name: &[u8]) -> bool {
        name.starts_with(self.prefix.as_bytes())
    }

    /// `reading`: the settings that decide what the text means.
    pub fn intern(&self, reading: &str, body: &[u8], text: usize) -> Arc<Prepared> {
        self.keep(reading, body, text, false)
    }

    /// Of the body of an SQL PREPARE. It has no NUL in it, so that it is never equal to that of a Parse.
    pub fn intern_sql(&self, reading: &str, body: &[u8]) -> Arc<Prepared> {
        self.keep(reading, body, body.len(), true)
    }

    fn keep(&self, reading: &str, body: &[u8], text: usize, sql: bool) -> Arc<Prepared> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = inner.by_body.get(reading).and_then(|all| all.get(body)) {
            return Arc::clone(known);
        }
        if inner.kept >= KEPT {
            for all in inner.by_body.values_mut() {
                all.retain(|_, prepared| Arc::strong_count(prepared) > 1);
            }
            inner.by_body.retain(|_, all| !all.is_empty());
            inner.kept = inner.by_body.values().map(HashMap::len).sum();
        }
        inner.next += 1;
        let id = inner.next;
        let name = format!("{}{id}", self.prefix).into_bytes().into_boxed_slice();
        let prepared = Arc::new(Prepared { id, name, body: body.into(), text, sql });
        // Full of statements that clients hold: this one lives as long as its clients, under a name of its own.
        if inner.kept < KEPT {
            inner.kept += 1;
            inner.by_body.entry_ref(reading).or_default().insert(body.into(), Arc::clone(&prepared));
        }
        prepared
    }
}

/// Whether a statement is on a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Known {
    Yes,
    No,
    /// That is decided by replies to another unit, still to come.
    Doubt,
}

struct Use {
    used: u64,
    made: u64,
    prepared: Arc<Prepared>,
    /// The server has said so.
    there: bool,
    /// Parses of it that are not answered yet, and the unit the last of them belongs to: within a unit it counts,
    /// for when it fails the rest of the unit is not heard.
    under_way: u32,
    unit: u64,
}

/// What is prepared on one server connection, least recently used first out.
#[derive(Default)]
pub struct OnServer {
    uses: HashMap<u64, Use>,
    /// Closes that are not answered yet.
    closing: Vec<u64>,
    clock: u64,
    /// When a table or type last changed on this connection.
    changed: u64,
}

impl OnServer {
    /// Whether the statement will be there when what is sent next is heard; it then counts as used.
    pub fn touch(&mut self, id: u64, unit: u64) -> Known {
        self.clock += 1;
        match self.uses.get_mut(&id) {
            Some(known) => {
                known.used = self.clock;
                if known.under_way == 0 || known.unit == unit { Known::Yes } else { Known::Doubt }
            }
            None if self.closing.contains(&id) => Known::Doubt,
            None => Known::No,
        }
    }

    /// Tables or types change with what is sent now.
    pub fn outdate(&mut self) {
        self.clock += 1;
        self.changed = self.clock;
    }

    pub fn is_known(&self, id: u64) -> bool {
        self.uses.contains_key(&id)
    }

    /// It was parsed before the last change: the same text, parsed now, may mean something else.
    pub fn is_outdated(&self, id: u64) -> bool {
        self.uses.get(&id).is_some_and(|known| known.made < self.changed)
    }

    /// Notes that it is parsed now. What has to go to stay within `limit` is given back, to be closed on the server.
    pub fn insert(&mut self, prepared: &Arc<Prepared>, limit: usize, unit: u64) -> Vec<Arc<Prepared>> {
        let mut evicted = Vec::new();
        self.clock += 1;
        if let Some(known) = self.uses.get_mut(&prepared.id) {
            (known.under_way, known.unit, known.made) = (known.under_way + 1, unit, self.clock);
            return evicted;
        }
        while self.uses.len() >= limit.max(1) {
            // What is not certain to be there is not closed: it would have to be known whether it was.
            let certain = self.uses.iter().filter(|(_, known)| known.under_way == 0);
            let Some(oldest) = certain.min_by_key(|(_, known)| known.used).map(|(id, _)| *id) else { break };
            self.closing.push(oldest);
            evicted.extend(self.uses.remove(&oldest).map(|known| known.prepared));
        }
        let prepared = Arc::clone(prepared);
        self.uses.insert(
            prepared.id,
            Use { used: self.clock, made: self.clock, prepared, there: false, under_way: 1, unit },
        );
        evicted
    }

    /// The server answered a Parse of it.
    pub fn parsed(&mut self, id: u64, well: bool) {
        if let Some(known) = self.uses.get_mut(&id) {
            known.under_way = known.under_way.saturating_sub(1);
            known.there |= well;
            if known.under_way == 0 && !known.there {
                self.uses.remove(&id);
            }
        }
    }

    /// It was closed, to be parsed anew.
    pub fn renewed(&mut self, id: u64) {
        if let Some(known) = self.uses.get_mut(&id) {
            known.there = false;
        }
    }

    /// The server closed what had to make room.
    pub fn closed(&mut self, id: u64) {
        if let Some(at) = self.closing.iter().position(|other| *other == id) {
            self.closing.swap_remove(at);
        }
    }

    /// It was not closed after all.
    pub fn restore(&mut self, prepared: &Arc<Prepared>) {
        self.closed(prepared.id);
        let (used, prepared) = (self.clock, Arc::clone(prepared));
        let known = self.uses.entry(prepared.id);
        known.or_insert(Use { used, made: used, prepared, there: true, under_way: 0, unit: 0 }).there = true;
    }

    /// As it was before `self` began empty; what came since stays.
    pub fn restore_all(&mut self, before: OnServer) {
        self.clock = self.clock.max(before.clock);
        for (id, known) in before.uses {
            self.uses.entry(id).or_insert(known);
        }
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
        let a = table.intern("", b"SELECT 1\0\0\0", 8);
        let b = table.intern("", b"SELECT 1\0\0\0", 8);
        let c = table.intern("", b"SELECT 1\0\0\x01\0\0\0\x17", 8);
        assert!(Arc::ptr_eq(&a, &b));
        assert_ne!(a.name, c.name, "other parameter types are another statement");
        assert_eq!(a.text(), b"SELECT 1");
        let elsewhere = table.intern("search_path=x\0", b"SELECT 1\0\0\0", 8);
        assert_ne!(a.name, elsewhere.name, "so is one that is read in another way");
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let table = Table::new(1);
        let all: Vec<_> =
            (0..4).map(|i| table.intern("", format!("SELECT {i}\0\0\0").as_bytes(), 8)).collect();
        let mut server = OnServer::default();
        for prepared in &all[..2] {
            assert!(server.insert(prepared, 2, 1).is_empty());
            server.parsed(prepared.id, true);
        }
        assert_eq!(server.touch(all[0].id, 2), Known::Yes);
        assert_eq!(server.insert(&all[2], 2, 2).iter().map(|p| p.id).collect::<Vec<_>>(), [all[1].id]);
        assert_eq!(server.len(), 2);
        assert_eq!(server.touch(all[1].id, 2), Known::Doubt, "its Close may be skipped");
        server.closed(all[1].id);
        assert_eq!(server.touch(all[1].id, 2), Known::No);
    }

    #[test]
    fn another_unit_does_not_count_on_a_parse_that_may_fail() {
        let table = Table::new(1);
        let one = table.intern("", b"SELECT 1\0\0\0", 8);
        let mut server = OnServer::default();
        server.insert(&one, 2, 1);
        assert_eq!((server.touch(one.id, 1), server.touch(one.id, 2)), (Known::Yes, Known::Doubt));
        // Parsed twice: the first fails, and with it nothing is lost.
        server.insert(&one, 2, 2);
        server.parsed(one.id, false);
        assert_eq!(server.touch(one.id, 3), Known::Doubt);
        server.parsed(one.id, true);
        assert_eq!(server.touch(one.id, 3), Known::Yes);
        // Closed to be parsed anew, and that failed.
        server.insert(&one, 2, 3);
        server.renewed(one.id);
        server.parsed(one.id, false);
        assert_eq!(server.touch(one.id, 4), Known::No);
    }

    #[test]
    fn the_table_is_bounded_when_nobody_holds_on() {
        let table = Table::new(1);
        for i in 0..3 * KEPT {
            table.intern("", format!("SELECT {i}\0\0\0").as_bytes(), 8);
        }
        assert!(table.inner.lock().unwrap().kept <= KEPT);
    }
}
