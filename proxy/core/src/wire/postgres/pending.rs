//! What a server connection still owes: one entry per message it will answer, in order, with whose it is.

use super::client::{Named, Unnamed};
use super::pins::Question;
use crate::plan::Plan;
use crate::prepared::{OnServer, Prepared};
use crate::settings::Settings;
use crate::slab::Id;
use hashbrown::HashMap;
use std::sync::Arc;

/// One Parse of a statement on one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instance {
    Named { id: u64, made: u64 },
    Unnamed(u64),
}

pub enum Kind {
    // Ended by ReadyForQuery.
    Query(Option<Box<Renaming>>),
    Function,
    /// `again`: should its unit fail because a prepared statement is out of date, it can be run again unnoticed.
    /// `ours`: the client sent none, it only asked for what was prepared and lets the connection go meanwhile.
    Sync {
        again: bool,
        ours: bool,
    },
    /// Ours: what a simple query runs was prepared before it. Should that fail, the query's own failure tells of it.
    Ensure,
    /// Ours, before a client's statement: brings its settings along. The client sees nothing of it.
    Setup,
    /// Ours, after a session that leaves no trace may go: DISCARD ALL.
    Reset,
    /// Ours, between two units of a pinned client: must it still keep this connection?
    Question(Box<Question>),
    /// Ours, after a RESET of the client's: what it began with holds again, not the server's default. The client
    /// hears of its end as of the end of its own.
    Restore(Arc<Settings>),
    /// In place of a refused simple query: its error is replaced by these bytes.
    RefusedQuery(Box<[u8]>),

    // Ended by a message of their own, or skipped after an error.
    Parse(Option<Arc<Prepared>>),
    Bind,
    /// Of a statement as it was parsed last, so that the types told of it are known to be those.
    Describe(Option<Instance>),
    /// Ours: of what types are the parameters of a statement whose values have to be judged?
    Ask(Instance),
    Execute,
    Close,
    /// Ours: the statement a Bind or Describe needs, prepared on this connection first.
    Prepare(Option<Arc<Prepared>>),
    /// Ours: the same for one that was prepared in SQL, its PREPARE bound and run.
    OwnBind,
    Made(Arc<Prepared>),
    /// Ours: a prepared statement had to make room.
    Evict(Arc<Prepared>),
    /// Ours: a statement of which it is not certain that it is there is closed, to be parsed anew.
    Renew(Arc<Prepared>),
    /// Ours: the unnamed statement on this connection is a stranger's. Or a portal of ours is not needed any more.
    CloseUnnamed,
    /// Said by us in the client's order; the server knows nothing of it.
    Said(&'static [u8]),
    /// A Parse under a name that is taken: the server says so of its own name for that statement.
    Taken(Box<Renaming>),
    /// In place of a refused Parse: its error is replaced by these bytes.
    Refused(Box<[u8]>),
    /// Where the client ended its COPY: a Sync before it the server does not hear, one after it it does. No reply.
    CopyEnd,
}

impl Kind {
    /// ReadyForQuery ends it.
    pub fn ends_unit(&self) -> bool {
        use Kind::{Ensure, Function, Query, Question, RefusedQuery, Reset, Restore, Setup, Sync};
        matches!(
            self,
            Query(_)
                | Function
                | Sync { .. }
                | Ensure
                | Setup
                | Reset
                | Question(_)
                | Restore(_)
                | RefusedQuery(_)
        )
    }

    /// The client must not see its replies.
    pub fn is_ours(&self) -> bool {
        use Kind::{
            Ask, CloseUnnamed, Ensure, Evict, Made, OwnBind, Prepare, Question, Renew, Reset, Restore, Setup,
            Sync,
        };
        matches!(
            self,
            Setup
                | Reset
                | Question(_)
                | Restore(_)
                | Ensure
                | OwnBind
                | Made(_)
                | Prepare(_)
                | Evict(_)
                | Renew(_)
                | CloseUnnamed
                | Ask(_)
                | Sync { ours: true, .. }
        )
    }
}

/// A simple query about a prepared statement, sent under the server's name for it.
#[derive(Default)]
pub struct Renaming {
    pub own: Box<[u8]>,
    pub shown: Box<[u8]>,
    /// Statements of ours in front: so many CommandCompletes are not for the client.
    pub skips: usize,
    /// The client's statement needs no server; something harmless is sent in its place, and its end told so.
    pub tag: Option<&'static [u8]>,
    /// Prepared by it.
    pub made: Option<Arc<Prepared>>,
    /// Letters in front of the client's text, and before the name in it; how much longer the name is.
    pub before: usize,
    pub at: usize,
    pub longer: isize,
}

impl Renaming {
    /// An error's fields as the client would have them: its own name, and its own place in the text.
    pub fn error(&self, body: &[u8]) -> Vec<u8> {
        let mut said = Vec::with_capacity(body.len());
        for field in body.split(|byte| *byte == 0).filter(|field| !field.is_empty()) {
            let (kind, value) = field.split_at(1);
            if kind == b"P" {
                let Some(place) = self.place(value) else { continue };
                said.extend_from_slice(format!("P{place}").as_bytes());
            } else {
                said.extend_from_slice(kind);
                said.extend(replaced(value, &self.own, &self.shown));
            }
            said.push(0);
        }
        said.push(0);
        said
    }

    fn place(&self, value: &[u8]) -> Option<isize> {
        let place: isize = std::str::from_utf8(value).ok()?.parse().ok()?;
        let place = place - self.before as isize;
        if place < 1 {
            return None;
        }
        let behind = place > self.at as isize + 1;
        Some(if behind { (place - self.longer).max(self.at as isize + 1) } else { place })
    }
}

fn replaced(text: &[u8], own: &[u8], shown: &[u8]) -> Vec<u8> {
    let mut after = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, others)) = rest.split_first() {
        if !own.is_empty() && rest.starts_with(own) {
            after.extend_from_slice(shown);
            rest = rest.get(own.len()..).unwrap_or_default();
        } else {
            after.push(*first);
            rest = others;
        }
    }
    after
}

/// What was believed before a message that then failed.
pub enum Undo {
    Named {
        name: Box<[u8]>,
        before: Option<Named>,
    },
    /// The unnamed statement was parsed, or closed (0). `before`: the one that holds on if the server hears nothing
    /// of it, the unit having failed in front of it.
    Unnamed {
        serial: u64,
        before: Option<Box<Unnamed>>,
    },
    /// A portal was bound: what stood behind its name before.
    Portal {
        name: Box<[u8]>,
        before: Option<Arc<Plan>>,
    },
    /// DEALLOCATE ALL: what the client had prepared, and what the connection had.
    Forgot {
        named: Option<Box<HashMap<Box<[u8]>, Named>>>,
        on_server: OnServer,
    },
}

pub struct Pending {
    pub client: Id,
    pub kind: Kind,
    pub plan: Option<Arc<Plan>>,
    pub undo: Option<Box<Undo>>,
    pub sent_us: u64,
    /// Of a Bind, where it is asked for: of what kind its parameters are.
    pub kinds: Option<Box<str>>,
}
