//! The process is to stop: what is under way is finished, and nothing new begins.

use super::{End, Engine};
use crate::conn::client::{Client, Link, Stage, Wait};

/// PostgreSQL's own words when it is stopped.
pub(super) fn stopped() -> End {
    End::error("57P01", "terminating connection due to administrator command")
}

impl Engine {
    /// From now on who is between transactions goes. `at_once`: whatever they are at.
    pub(super) fn drain(&mut self, at_once: bool) {
        self.draining = true;
        for id in self.clients.ids() {
            let Some(mut client) = self.clients.take(id) else { continue };
            match client.stage {
                Stage::Closing => self.clients.put(id, client),
                // Who logs in is refused by the brain.
                _ if at_once => self.end_client(client, stopped()),
                Stage::Active if self.may_go(&client) => self.end_client(client, stopped()),
                Stage::Tied if self.tied_rests(&client) => self.end_client(client, stopped()),
                _ => {
                    client.finishing = client.stage == Stage::Active && client.wait != Wait::None;
                    self.clients.put(id, client);
                }
            }
        }
        self.resume_all();
    }

    /// Nothing of this client is under way, half said, or promised to be done again.
    pub(super) fn may_go(&mut self, client: &Client) -> bool {
        let between = client.wait == Wait::None && client.session.is_between();
        if !between || client.finishing || client.repeated || self.granted.is_some() {
            return false;
        }
        match client.link {
            Link::None => true,
            Link::Shared(_) | Link::Tied(_) => false,
            Link::Held(id) => {
                self.servers.get(id).is_some_and(|server| server.up.is_quiet() && server.up.status == b'I')
            }
        }
    }
}
