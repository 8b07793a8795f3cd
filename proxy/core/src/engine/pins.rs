//! Pins that end, and LISTEN, which needs none: the question whether a client still has to keep its connection, and what its answer means.

use super::Engine;
use crate::border::Event;
use crate::conn::client::{Client, Wait};
use crate::conn::server::Server;
use crate::pool::Mode;
use crate::wire::postgres::build;
use crate::wire::postgres::pending::Kind;
use crate::wire::postgres::server::{Change, Done};

impl Engine {
    /// The client is between two units and keeps its connection. If there is a hint that what pinned it is gone, the
    /// server is asked. What the client sends meanwhile goes behind the question.
    pub(super) fn ask_pins(&mut self, client: &mut Client, server: &mut Server) {
        let Some(pins) = &mut client.session.pins else { return };
        // Of a session in session mode it would change nothing; the other end may be gone after what is under way.
        if client.settling || server.cancels > 0 || server.seat.pool().config().mode == Mode::Session {
            return;
        }
        if pins.is_empty() {
            return client.session.count_pins();
        }
        let Some((question, sql)) = pins.question(&self.shared) else { return };
        server.up.push(client.id, Kind::Question(Box::new(question)), None, self.now_us);
        build::query(&mut server.stream.out, sql.as_bytes());
        self.mark_server(server);
    }

    /// Something of ours ended on the connection; perhaps it was the question.
    pub(super) fn hear_answer(&mut self, server: &mut Server) {
        let Some(question) = server.up.answered.take() else { return };
        let Some(client) = server.up.owner.and_then(|owner| self.clients.get(owner)) else { return };
        let Some(pins) = &mut client.session.pins else { return };
        // What was prepared meanwhile may mean what is no more.
        server.up.purge |= pins.answered(&question);
        client.session.count_pins();
    }

    /// The client LISTENs among other things: it goes on when the brain does so for it.
    pub(super) fn ask_ear(&self, client: &mut Client, channels: Vec<String>) {
        client.asked = true;
        let (conn, ticket, base) = (client.id, self.shared.ticket(), client.base);
        client.wait = Wait::Answer { ticket };
        self.shared.tell(Event::EarNeeded { conn, ticket, base, channels });
    }

    /// What has come about of LISTEN and UNLISTEN is told when nothing of it is under way any more. The connection itself
    /// then listens no more.
    pub(super) fn tell_heard(&mut self, client: &mut Client, server: &mut Server, done: &Done) {
        // Where the connection itself tells it, the brain no longer does.
        let itself = client.session.listens_itself();
        let Some(heard) = &mut client.session.heard else { return };
        for change in &done.changes {
            if let Change::Hear(listens, name) = change {
                heard.push((*listens && !itself, name.clone()));
            }
        }
        if done.status != b'I' || !server.up.is_quiet() {
            return;
        }
        let channels = client.session.heard.take().map(|heard| *heard).unwrap_or_default();
        self.shared.tell(Event::Heard { conn: client.id, channels });
        if server.up.deaf {
            server.up.push(client.id, Kind::Setup, None, self.now_us);
            build::query(&mut server.stream.out, b"UNLISTEN *");
            self.mark_server(server);
        }
    }

    /// DISCARD ALL went well.
    pub(super) fn note_discard(&self, client: &mut Client) {
        if let Some(pins) = &mut client.session.pins {
            pins.discarded();
            client.session.count_pins();
        }
        if client.asked {
            // What the brain knows of it ends, too.
            self.shared.tell(Event::Discarded { conn: client.id });
        }
    }
}
