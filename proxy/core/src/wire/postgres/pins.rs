//! What ties a client to one connection, each by its reason, and how it ends: of what the server can be asked for,
//! the server is asked, in a statement of ours on that very connection, when there is a hint that it may be gone. In
//! doubt the client stays where it is.

use super::server::Done;
use crate::shared::{Hold, Shared};

/// A state the server can tell of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    Locks,
    Temporary,
    Held,
    Named,
    Listens,
}

use State::{Held, Listens, Locks, Named, Temporary};

impl State {
    fn of(why: &str) -> Option<Self> {
        match why {
            "advisory lock" => Some(Locks),
            "temporary table" => Some(Temporary),
            "held cursor" => Some(Held),
            "sql-prepare" => Some(Named),
            "listen" => Some(Listens),
            _ => None,
        }
    }

    /// Gives a row while there is something of it. Nothing in it is found by way of a search_path of the client's.
    fn question(self, own_names: &str) -> String {
        match self {
            // Between transactions there are none but those of the session.
            Locks => {
                "SELECT FROM pg_catalog.pg_locks WHERE locktype OPERATOR(pg_catalog.=) 'advisory' AND pid \
                      OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid() LIMIT 1;"
                    .to_owned()
            }
            // Whatever is in a schema depends on it.
            Temporary => "SELECT FROM pg_catalog.pg_depend WHERE refclassid OPERATOR(pg_catalog.=) \
                          'pg_catalog.pg_namespace'::pg_catalog.regclass AND refobjid OPERATOR(pg_catalog.=) \
                          pg_catalog.pg_my_temp_schema() LIMIT 1;"
                .to_owned(),
            Held => "SELECT FROM pg_catalog.pg_cursors WHERE is_holdable LIMIT 1;".to_owned(),
            Named => format!(
                "SELECT FROM pg_catalog.pg_prepared_statements WHERE pg_catalog.left(name, {}) \
                 OPERATOR(pg_catalog.<>) '{own_names}' LIMIT 1;",
                own_names.len()
            ),
            Listens => "SELECT FROM pg_catalog.pg_listening_channels() LIMIT 1;".to_owned(),
        }
    }
}

/// What DISCARD ALL does not take back: a connection with it is nobody else's.
fn survives(why: &str) -> bool {
    matches!(
        why,
        "load"
            | "random seed"
            | "dblink connection"
            | "replication origin"
            | "backup"
            | "temporary replication slot"
    )
}

/// What was asked, in the order of the statements, and of what there still is something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Question {
    /// How often the client had been pinned by then: a later pin is not answered by it.
    serial: u32,
    asked: Vec<State>,
    gone: Vec<State>,
    answers: usize,
}

impl Question {
    /// One of its statements is through.
    pub fn answer(&mut self, tag: &[u8]) {
        if let Some(state) = self.asked.get(self.answers)
            && tag.starts_with(b"SELECT 0")
        {
            self.gone.push(*state);
        }
        self.answers += 1;
    }
}

/// Why a client keeps its connection.
#[derive(Default)]
pub struct Pins {
    holds: Vec<Hold>,
    serial: u32,
    /// Something of it may have ended.
    hint: bool,
    /// Taken since the client was last between two transactions.
    fresh: bool,
    /// What there was of them then: how many, and the serial.
    before: (usize, u32),
}

impl Pins {
    pub fn take(&mut self, why: &str, shared: &Shared) {
        self.serial = self.serial.wrapping_add(1);
        self.fresh = true;
        if !self.holds.iter().any(|hold| hold.why() == why) {
            self.holds.push(shared.hold(why));
        }
    }

    /// What is sent now may end one.
    pub fn hint(&mut self) {
        self.hint = true;
    }

    /// A unit ended. What it or its transaction had taken may have been taken back with it.
    pub fn unit_done(&mut self, done: &Done, was: u8, quiet: bool) {
        let between = quiet && done.status == b'I';
        self.hint |= self.fresh && (done.failed || (was != b'I' && done.status == b'I'));
        if between && was == b'I' && done.unread && self.serial.wrapping_sub(self.before.1) == 1 {
            // All that was taken since was for a text of which nothing ran: a slip of the pen.
            self.holds.drain(self.before.0.min(self.holds.len())..).for_each(|hold| hold.end());
        }
        if between {
            self.fresh = false;
            self.before = (self.holds.len(), self.serial);
        }
    }

    /// What the server is to be asked now that the client is between two units; none where no answer would set it free.
    pub fn question(&mut self, shared: &Shared) -> Option<(Question, String)> {
        if !self.hint {
            return None;
        }
        let asked: Vec<State> = self.holds.iter().map(|hold| State::of(hold.why())).collect::<Option<_>>()?;
        self.hint = false;
        let sql = asked.iter().map(|state| state.question(shared.prepared.prefix())).collect();
        Some((Question { serial: self.serial, asked, gone: Vec::new(), answers: 0 }, sql))
    }

    /// True when the temporary schema is empty again.
    pub fn answered(&mut self, question: &Question) -> bool {
        if question.serial != self.serial {
            // Pinned since: asked again when that is through.
            self.hint = true;
            return false;
        }
        self.end(|why| State::of(why).is_some_and(|state| question.gone.contains(&state)));
        question.gone.contains(&Temporary)
    }

    /// DISCARD ALL.
    pub fn discarded(&mut self) {
        self.end(|why| !survives(why));
    }

    fn end(&mut self, gone: impl Fn(&str) -> bool) {
        self.holds.retain(|hold| {
            let ends = gone(hold.why());
            if ends {
                hold.end();
            }
            !ends
        });
    }

    pub fn is_empty(&self) -> bool {
        self.holds.is_empty()
    }

    /// It ends with DISCARD ALL, or with the client. What else there is on the connection, nobody knows.
    pub fn last(&self) -> bool {
        self.holds.iter().any(|hold| State::of(hold.why()).is_none_or(|state| state == Listens))
    }

    pub fn survive_discard(&self) -> bool {
        self.holds.iter().any(|hold| survives(hold.why()))
    }
}
