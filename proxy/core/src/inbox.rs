//! How threads reach a carrier, and how carriers reach the brain: a short queue and a descriptor that wakes.

use crate::border::Command;
use crate::conn::server::Server;
use crate::engine::Walk;
use crate::poll::Wake;
use crate::slab::Id;
use std::io;
use std::sync::{Mutex, PoisonError};

pub enum Post {
    Command(Command),
    /// The plan this client waits for may be there now.
    PlanReady(Id),
    /// A server connection for a client of this carrier that waits for one.
    Grant {
        client: Id,
        server: Box<Server>,
    },
    /// The pool's failure is final: this client waits in vain.
    Refuse {
        client: Id,
        code: String,
        message: String,
    },
    /// A walk over this carrier's connections goes on.
    Walk(Box<Walk>),
    /// A parked connection was taken to another carrier; its handle here is free.
    Moved(Id),
    /// A cancel request for the client in this slot. Who sent it is let go when it is done with.
    Cancel {
        slot: u32,
        secret: Vec<u8>,
        by: Id,
    },
    CancelDone(Id),
}

pub struct Queue<T> {
    items: Mutex<Vec<T>>,
    pub wake: Wake,
}

pub type Inbox = Queue<Post>;

impl<T> Queue<T> {
    pub fn new() -> io::Result<Self> {
        Ok(Self { items: Mutex::new(Vec::new()), wake: Wake::new()? })
    }

    pub fn push(&self, item: T) {
        let first = {
            let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
            items.push(item);
            items.len() == 1
        };
        if first {
            self.wake.ring();
        }
    }

    pub fn len(&self) -> usize {
        self.items.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// At most `limit` items, oldest first. The wake stays up while there are more.
    pub fn drain(&self, limit: usize) -> Vec<T> {
        let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        self.wake.quiet();
        if items.len() <= limit {
            return std::mem::take(&mut *items);
        }
        let rest = items.split_off(limit);
        self.wake.ring();
        std::mem::replace(&mut *items, rest)
    }
}
