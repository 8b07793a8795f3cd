//! What clients send: read, fed to their session step by step, until it needs something that is not there.

use super::drain::stopped;
use super::lanes::Acquired;
use super::{End, Engine};
use crate::border::Event;
use crate::conn::client::{Client, Link, Stage, Wait};
use crate::conn::stream::{HIGH, Read};
use crate::slab::Id;
use crate::wire::postgres::build;
use crate::wire::postgres::client::{Cx, Lane, Session, Step};
use crate::wire::postgres::pending::Undo;
use crate::wire::postgres::server::{Done, Sink};

/// Input kept of a client that has to wait; above it the client is read no further.
const KEPT_INPUT: usize = 64 * 1024;

/// Units of one client's pipeline under way on its own connection. At the bound it waits for the replies, and gives
/// the connection back if somebody else wants it.
const PIPELINED: usize = 32;

/// Says directly to one client what comes before the server's next words.
pub(super) struct Direct<'a> {
    pub id: Id,
    pub out: &'a mut Vec<u8>,
    pub session: &'a mut Session,
}

impl Sink for Direct<'_> {
    fn pass(&mut self, to: Id, bytes: &[u8]) {
        if to == self.id {
            self.out.extend_from_slice(bytes);
        }
    }
    fn undo(&mut self, to: Id, undo: Undo) {
        if to == self.id {
            self.session.undo(undo);
        }
    }
    fn done(&mut self, _: Done) {}
}

impl Engine {
    pub(super) fn read_client(&mut self, client: &mut Client) -> Result<(), End> {
        if matches!(client.stage, Stage::Closing | Stage::Cancelling) {
            // What it still says does not matter, but its leaving does.
            return match client.stream.read(&mut self.scratch, &mut self.plain) {
                Read::End(reason) => Err(End::Gone(reason)),
                _ => Ok(()),
            };
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut plain = std::mem::take(&mut self.plain);
        let result = match client.stream.read(&mut scratch, &mut plain) {
            Read::Nothing => Ok(()),
            // What it said before it hung up is done, as without us; it says no more, and nothing is read any more.
            Read::End(_)
                if matches!(client.wait, Wait::Plan | Wait::Replies)
                    && !client.input.is_empty()
                    && !client.leaving =>
            {
                client.leaving = true;
                client.stream.pause(self.set);
                Ok(())
            }
            Read::End(reason) => Err(End::Gone(reason)),
            Read::Bytes(n) => {
                self.stats().bytes_in.add(n as u64);
                client.heard_us = self.now_us;
                if let Some(pool) = &client.pool {
                    pool.stats[self.index].received.add(n as u64);
                }
                let fresh = if client.stream.tls.is_some() { &plain } else { &scratch };
                self.feed(client, fresh.get(..n).unwrap_or_default())
            }
        };
        self.scratch = scratch;
        self.plain = plain;
        result
    }

    /// Deals with as much of the client's input as can be dealt with now, and keeps the rest.
    pub(super) fn feed(&mut self, client: &mut Client, fresh: &[u8]) -> Result<(), End> {
        if client.input.is_empty() {
            let used = self.work(client, fresh)?;
            if used < fresh.len() {
                client.input = self.spare.get();
                client.input.extend_from_slice(fresh.get(used..).unwrap_or_default());
            }
        } else {
            client.input.extend_from_slice(fresh);
            let mut input = std::mem::take(&mut client.input);
            let used = self.work(client, &input)?;
            // A unit that is to run again was put in front.
            let again = std::mem::take(&mut client.input);
            input.drain(..used.min(input.len()));
            if again.is_empty() {
                client.input = input;
            } else {
                client.input = again;
                client.input.extend_from_slice(&input);
            }
            if client.input.is_empty() {
                self.spare.put(std::mem::take(&mut client.input));
            }
        }
        let held_up = client.wait != Wait::None || client.stream.waiting() > HIGH || self.lane_full(client);
        // Not held up, a message that is not complete needs the rest of it, however long it is by now.
        let full = held_up && client.input.len() >= KEPT_INPUT;
        if full && !client.stream.paused {
            client.stream.pause(self.set);
        } else if !full && client.stream.paused && !client.leaving {
            client.stream.resume(self.set);
        }
        if client.leaving && (client.input.is_empty() || client.wait == Wait::None) {
            return Err(End::Gone("client left".to_owned()));
        }
        Ok(())
    }

    fn lane_full(&mut self, client: &Client) -> bool {
        match client.link {
            Link::Held(id) => self.servers.get(id).is_some_and(|server| server.stream.waiting() > HIGH),
            _ => false,
        }
    }

    fn work(&mut self, client: &mut Client, input: &[u8]) -> Result<usize, End> {
        let mut at = 0;
        if matches!(client.stage, Stage::First | Stage::Login) {
            at = self.greet(client, input)?;
            let limit = crate::conn::stream::HIGH;
            if input.len() - at > limit {
                return Err(End::error("08P01", "too much data before log-in"));
            }
        }
        if client.stage == Stage::Active {
            at += self.advance(client, input.get(at..).unwrap_or_default())?;
        }
        Ok(at)
    }

    /// Step by step through a logged-in client's input.
    fn advance(&mut self, client: &mut Client, input: &[u8]) -> Result<usize, End> {
        let mut at = 0;
        loop {
            if self.draining && self.may_go(client) {
                return Err(stopped());
            }
            if client.wait != Wait::None || client.stream.waiting() > HIGH {
                break;
            }
            let left = input.get(at..).unwrap_or_default();
            if left.is_empty() {
                break;
            }
            let step = match client.link {
                Link::Tied(_) => break,
                Link::Shared(_) => {
                    client.wait = Wait::Replies;
                    break;
                }
                Link::None => self.step_alone(client, left)?,
                Link::Held(id) if self.must_yield(client, id, left) || self.is_being_stopped(client, id) => {
                    client.wait = Wait::Replies;
                    break;
                }
                Link::Held(id) => match self.step_held(client, id, left)? {
                    Some(step) => step,
                    None => break,
                },
            };
            match step {
                Step::More => break,
                Step::Took(n) => at += n,
                Step::Plan => self.wait(client, Wait::Plan),
                Step::Quiet => self.wait(client, Wait::Replies),
                Step::Listen { channels } => self.ask_ear(client, channels),
                Step::Bye => return Err(End::Gone("client left".to_owned())),
                Step::Lane { ride } => match self.acquire(client, ride, left)? {
                    Acquired::Own => {}
                    Acquired::Rode(n) => {
                        at += n;
                        client.wait = Wait::Replies;
                    }
                    Acquired::Waiting => self.wait(client, Wait::Pool { ride }),
                    Acquired::Unplanned => self.wait(client, Wait::Plan),
                    Acquired::Asked(n) => at += n,
                    Acquired::Unfinished => break,
                },
                Step::Answer { took, text } => {
                    let text = left.get(text).unwrap_or_default().to_vec();
                    client.asked = true;
                    at += took;
                    let ticket = self.shared.ticket();
                    self.wait(client, Wait::Answer { ticket });
                    self.shared.tell(Event::AnswerNeeded {
                        conn: client.id,
                        ticket,
                        base: client.base,
                        text,
                    });
                }
            }
        }
        Ok(at)
    }

    /// Others wait for a connection, and this client is between two units of a pipeline: it gives the connection
    /// back when the replies are in, instead of keeping it for as long as it has more to send.
    fn must_yield(&mut self, client: &Client, id: Id, left: &[u8]) -> bool {
        // COPY data belongs to what is under way: the server's replies wait for it.
        if matches!(left.first(), Some(b'd' | b'c' | b'f')) {
            return false;
        }
        let waiting = client.pool.as_ref().is_some_and(|pool| pool.waiting() > 0);
        !client.session.pinned
            && client.session.is_between()
            && self.servers.get(id).is_some_and(|server| {
                // Behind nothing but its settings it has not had its turn: it would give the connection back unused.
                let had_its_turn = server.up.pending.back().is_some_and(|pending| !pending.kind.is_ours());
                had_its_turn && (waiting || server.up.units >= PIPELINED)
            })
    }

    /// A request to stop what is over already is still on its way: it would meet the next statement.
    fn is_being_stopped(&mut self, client: &Client, id: Id) -> bool {
        client.session.is_between()
            && self.servers.get(id).is_some_and(|server| server.cancels > 0 && server.up.is_quiet())
    }

    fn wait(&mut self, client: &mut Client, wait: Wait) {
        client.wait = wait;
        if matches!(wait, Wait::Pool { .. }) {
            client.waiting_since_us = self.now_us;
        }
    }

    fn step_alone(&mut self, client: &mut Client, input: &[u8]) -> Result<Step, End> {
        if client.stream.out.capacity() == 0 {
            client.stream.out = self.spare.get();
        }
        let mut cx = Cx {
            me: client.id,
            base: client.base,
            scope: client.scope,
            networks: &client.networks,
            settings: &client.meant,
            startup: &client.startup,
            shared: &self.shared,
            plans: &mut self.plans,
            literals: &mut self.literals,
            now_us: self.now_us,
            prepared: 0,
            repeated: client.repeated,
        };
        Ok(client.session.step(None, &mut client.stream.out, input, &mut cx)?)
    }

    /// None: the connection has more to send than it takes; its draining resumes us.
    fn step_held(&mut self, client: &mut Client, id: Id, input: &[u8]) -> Result<Option<Step>, End> {
        let Some(mut server) = self.servers.take(id) else {
            return Err(End::error("08006", "the server connection is gone"));
        };
        if server.stream.waiting() > HIGH {
            self.servers.put(id, server);
            return Ok(None);
        }
        let result = self.step_on(client, &mut server, input);
        self.mark_server(&mut server);
        self.servers.put(id, server);
        Ok(Some(result?))
    }

    /// One step with a connection in hand.
    pub(super) fn step_on(
        &mut self,
        client: &mut Client,
        server: &mut crate::conn::server::Server,
        input: &[u8],
    ) -> Result<Step, End> {
        if server.stream.out.capacity() == 0 {
            server.stream.out = self.spare.get();
        }
        if client.stream.out.capacity() == 0 {
            client.stream.out = self.spare.get();
        }
        let prepared = server.seat.pool().config().prepared;
        let mut cx = Cx {
            me: client.id,
            base: client.base,
            scope: client.scope,
            networks: &client.networks,
            settings: &client.meant,
            startup: &client.startup,
            shared: &self.shared,
            plans: &mut self.plans,
            literals: &mut self.literals,
            now_us: self.now_us,
            prepared,
            repeated: client.repeated,
        };
        let lane = Lane { up: &mut server.up, out: &mut server.stream.out };
        let step = client.session.step(Some(lane), &mut client.stream.out, input, &mut cx)?;
        let (id, out, session) = (client.id, &mut client.stream.out, &mut client.session);
        server.up.settle(&mut Direct { id, out, session });
        Ok(step)
    }

    /// Something the client waited for may be there: go on with its input.
    pub(super) fn resume(&mut self, id: Id) {
        let Some(mut client) = self.clients.take(id) else { return };
        let result = if client.stage == Stage::Closing { Ok(()) } else { self.feed(&mut client, &[]) };
        self.settle_client(client, result);
    }

    /// Its output drained: the server may be read again, and its own input goes on.
    pub(super) fn unblock(&mut self, id: Id, idle: bool) {
        let Some(client) = self.clients.get(id) else { return };
        if let Link::Held(lane) | Link::Shared(lane) | Link::Tied(lane) = client.link
            && let Some(server) = self.servers.get(lane)
            && server.blocked_by == Some(id)
        {
            server.blocked_by = None;
            server.stream.resume(self.set);
        }
        if !idle && client.wait == Wait::None && !client.input.is_empty() {
            self.resume(id);
        }
    }

    /// The client goes. It is told why, if there is something to tell, and its connection is looked after.
    pub(super) fn end_client(&mut self, client: Box<Client>, end: End) {
        let Some((mut client, end)) = self.part_later(client, end) else { return };
        let speechless = self.is_midway(&client);
        self.tell_untaken(&mut client);
        self.let_go(&mut client, !matches!(end, End::Gone(_)));
        client.presence.leave();
        let reason = match &end {
            End::Gone(reason) => reason.clone(),
            End::Error { code, message } => format!("{code} {message}"),
            End::Said(_) => "closed by the proxy".to_owned(),
        };
        if matches!(client.stage, Stage::Login | Stage::Active | Stage::Tied) {
            self.shared.tell(Event::Closed { conn: client.id, reason });
        }
        match end {
            End::Gone(_) => {}
            _ if speechless => {}
            End::Error { code, message } => build::error(&mut client.stream.out, "FATAL", code, &message),
            End::Said(data) => client.stream.out.extend_from_slice(&data),
        }
        let gone =
            client.stage == Stage::Closing || (client.stream.waiting() == 0 && client.stream.tls.is_none());
        client.stage = Stage::Closing;
        client.wait = Wait::None;
        client.input = Vec::new();
        client.session = crate::wire::postgres::client::Session::default();
        if gone || client.stream.flush(self.set, &mut self.spare).is_err() {
            return self.drop_client(client.id);
        }
        if let Some(tls) = &mut client.stream.tls {
            tls.close_notify();
            let _ = client.stream.flush(self.set, &mut self.spare);
        }
        if client.stream.waiting() == 0 {
            return self.drop_client(client.id);
        }
        self.watch_clock(&mut client);
        self.clients.put(client.id, client);
    }

    pub(super) fn drop_client(&mut self, id: Id) {
        self.clients.remove(id);
    }
}
