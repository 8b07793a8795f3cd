//! What a server connection still owes: one entry per message it will answer, in order, with whose it is.

use super::client::Named;
use crate::plan::Plan;
use crate::prepared::{OnServer, Prepared};
use crate::settings::Settings;
use crate::slab::Id;
use hashbrown::HashMap;
use std::sync::Arc;

pub enum Kind {
    // Ended by ReadyForQuery.
    Query,
    Function,
    /// `again`: should its unit fail because a prepared statement is out of date, it can be run again unnoticed.
    /// `ours`: the client sent none, it only asked for what was prepared and lets the connection go meanwhile.
    Sync {
        again: bool,
        ours: bool,
    },
    /// Ours, before a client's statement: brings its settings along. The client sees nothing of it.
    Setup,
    /// Ours, after a session that leaves no trace may go: DISCARD ALL.
    Reset,
    /// Ours, after a RESET of the client's: what it began with holds again, not the server's default. The client
    /// hears of its end as of the end of its own.
    Restore(Arc<Settings>),
    /// In place of a refused simple query: its error is replaced by these bytes.
    RefusedQuery(Box<[u8]>),

    // Ended by a message of their own, or skipped after an error.
    Parse(Option<Arc<Prepared>>),
    Bind,
    Describe,
    Execute,
    Close,
    /// Ours: the statement a Bind or Describe needs, prepared on this connection first.
    Prepare(Option<Arc<Prepared>>),
    /// Ours: a prepared statement had to make room.
    Evict(Arc<Prepared>),
    /// Ours: a statement of which it is not certain that it is there is closed, to be parsed anew.
    Renew(Arc<Prepared>),
    /// Ours: the unnamed statement on this connection is a stranger's.
    CloseUnnamed,
    /// Said by us in the client's order; the server knows nothing of it.
    Said(&'static [u8]),
    /// In place of a refused Parse: its error is replaced by these bytes.
    Refused(Box<[u8]>),
    /// Where the client ended its COPY: a Sync before it the server does not hear, one after it it does. No reply.
    CopyEnd,
}

impl Kind {
    /// ReadyForQuery ends it.
    pub fn ends_unit(&self) -> bool {
        use Kind::{Function, Query, RefusedQuery, Reset, Restore, Setup, Sync};
        matches!(self, Query | Function | Sync { .. } | Setup | Reset | Restore(_) | RefusedQuery(_))
    }

    /// The client must not see its replies.
    pub fn is_ours(&self) -> bool {
        use Kind::{CloseUnnamed, Evict, Prepare, Renew, Reset, Restore, Setup, Sync};
        matches!(
            self,
            Setup
                | Reset
                | Restore(_)
                | Prepare(_)
                | Evict(_)
                | Renew(_)
                | CloseUnnamed
                | Sync { ours: true, .. }
        )
    }
}

/// What was believed before a message that then failed.
pub enum Undo {
    Named {
        name: Box<[u8]>,
        before: Option<Named>,
    },
    Unnamed {
        serial: u64,
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
}
