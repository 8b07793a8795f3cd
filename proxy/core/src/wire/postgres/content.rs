//! What a connection has to have prepared before a client's message is sent: statements are known to servers by their
//! content, and what a connection lacks is prepared on the way. Names in SQL are `naming`'s.

use super::build;
use super::client::{Cx, Lane, Named, Runs, Session, Step, Unnamed};
use super::extended::refused;
use super::frame::{Header, c_string};
use super::judging::Known as Literals;
use super::pending::{Kind, Renaming, Undo};
use crate::plan::Plan;
use crate::prepared::{Known, Prepared};
use crate::wire::PeerError;
use std::sync::Arc;

impl Session {
    /// The server's name for the client's statement, prepared on the lane if it was not.
    pub fn ensure(&mut self, lane: &mut Lane<'_>, name: &[u8], cx: &Cx<'_>) -> Box<[u8]> {
        self.ensure_target(lane, name, cx);
        if name.is_empty() {
            self.ensure_unnamed(lane, cx);
            return Box::default();
        }
        match self.named.as_ref().and_then(|all| all.get(name)) {
            Some(named) => {
                let prepared = Arc::clone(&named.prepared);
                let there = is_there(lane.up, lane.out, &prepared, false, cx);
                if !there && prepared.sql {
                    build::message(lane.out, b'P', &[b"\0", &prepared.statement(), b"\0\0\0"]);
                    // In a portal of its own: the client may have bound the unnamed one.
                    build::message(lane.out, b'B', &[&prepared.name, b"\0\0\0\0\0\0\0\0"]);
                    build::message(lane.out, b'E', &[&prepared.name, b"\0\0\0\0\0"]);
                    build::named(lane.out, b'C', b'P', &prepared.name);
                    lane.up.unnamed = None;
                    let made = Kind::Made(Arc::clone(&prepared));
                    for kind in [Kind::Prepare(None), Kind::OwnBind, made, Kind::CloseUnnamed] {
                        lane.up.push(cx.me, kind, None, cx.now_us);
                    }
                } else if !there {
                    build::message(lane.out, b'P', &[&prepared.name, b"\0", &prepared.body]);
                    lane.up.push(cx.me, Kind::Prepare(Some(Arc::clone(&prepared))), None, cx.now_us);
                }
                prepared.name.clone()
            }
            // Unknown here, so unknown to the server: it says so. A name like ours must not reach another's statement.
            None if cx.shared.prepared.is_ours(name) => [name, b" "].concat().into(),
            None => name.into(),
        }
    }

    fn ensure_unnamed(&mut self, lane: &mut Lane<'_>, cx: &Cx<'_>) {
        let mine = self.unnamed.as_ref().map(|unnamed| (cx.me, unnamed.serial));
        // None on the connection's side is not knowing: perhaps it has a stranger's.
        if mine.is_some() && lane.up.unnamed == mine {
            return;
        }
        match &self.unnamed {
            Some(unnamed) if !unnamed.body.is_empty() => {
                build::message(lane.out, b'P', &[b"\0", &unnamed.body]);
                lane.up.push(cx.me, Kind::Prepare(None), None, cx.now_us);
                lane.up.hold_unnamed(mine);
            }
            _ => {
                build::named(lane.out, b'C', b'S', b"");
                lane.up.push(cx.me, Kind::CloseUnnamed, None, cx.now_us);
                lane.up.unnamed = None;
            }
        }
    }

    /// What a statement runs by its name is there first, and is what the name stands for now.
    fn ensure_target(&mut self, lane: &mut Lane<'_>, name: &[u8], cx: &Cx<'_>) {
        let runs = if name.is_empty() {
            self.unnamed.as_ref().and_then(|unnamed| unnamed.runs.clone())
        } else {
            self.named.as_ref().and_then(|all| all.get(name)).and_then(|named| named.runs.clone())
        };
        let Some(mut runs) = runs else { return };
        if let Some(target) = self.target_of(name) {
            self.ensure(lane, &target, cx);
        }
        let (body, now) = self.written(&runs);
        if now == runs.target {
            return;
        }
        runs.target = now;
        if name.is_empty() {
            self.serial += 1;
            if let Some(unnamed) = &mut self.unnamed {
                (unnamed.serial, unnamed.body, unnamed.runs) = (self.serial, body, Some(runs));
            }
        } else if let Some(named) = self.named.as_mut().and_then(|all| all.get_mut(name)) {
            named.prepared = cx.shared.prepared.intern(&cx.settings.reading(), &body, text_of(&body));
            named.runs = Some(runs);
        }
    }

    /// A Parse of what runs another statement by its name.
    pub fn parse_running(
        &mut self,
        mut lane: Lane<'_>,
        name: &[u8],
        mut runs: Box<Runs>,
        (plan, known): (Arc<Plan>, Option<Arc<Literals>>),
        header: Header,
        cx: &mut Cx<'_>,
    ) -> Result<Step, PeerError> {
        match self.plan_behind(&runs.name, cx) {
            Some(None) => {
                self.scanned = Some(plan);
                return Ok(Step::Plan);
            }
            // Policy changed since it was prepared.
            Some(Some(behind)) if refused(&behind).is_some() => {
                self.open = true;
                let error = refused(&behind).unwrap_or_default();
                lane.up.push(cx.me, Kind::Refused(error), None, cx.now_us);
                build::message(lane.out, b'P', &[b"\0", build::REFUSED, b"\0\0\0"]);
                return Ok(Step::Took(header.total));
            }
            _ => {}
        }
        let (body, target) = self.written(&runs);
        runs.target = target;
        let target = runs.name.clone();
        if name.is_empty() {
            if self.open && self.is_undecided(name, &lane) {
                self.scanned = Some(plan);
                lane.out.extend_from_slice(build::FLUSH);
                return Ok(Step::Quiet);
            }
            let before = self.unnamed_before();
            self.open = true;
            self.ensure(&mut lane, &target, cx);
            self.serial += 1;
            let serial = self.serial;
            build::message(lane.out, b'P', &[b"\0", &body]);
            let (plan, runs) = (Some(plan), Some(runs));
            self.unnamed = Some(Box::new(Unnamed { serial, body, plan, runs, known }));
            lane.up.hold_unnamed(Some((cx.me, serial)));
            lane.up.push_undoable(cx.me, Kind::Parse(None), Undo::Unnamed { serial, before }, cx.now_us);
            return Ok(Step::Took(header.total));
        }
        if self.is_undecided(name, &lane) {
            self.scanned = Some(plan);
            lane.out.extend_from_slice(build::FLUSH);
            return Ok(Step::Quiet);
        }
        if self.named.as_ref().is_some_and(|all| all.contains_key(name)) {
            return Ok(self.parse_taken(lane, name, &body, header, cx));
        }
        self.has_room()?;
        self.open = true;
        self.touched = true;
        self.ensure(&mut lane, &target, cx);
        let prepared = cx.shared.prepared.intern(&cx.settings.reading(), &body, text_of(&body));
        let named = Named { prepared: Arc::clone(&prepared), plan, runs: Some(runs), known };
        self.named.get_or_insert_default().insert(name.into(), named);
        let undo = Undo::Named { name: name.into(), before: None };
        if is_there(lane.up, lane.out, &prepared, true, cx) {
            lane.up.push_undoable(cx.me, Kind::Said(build::PARSE_COMPLETE), undo, cx.now_us);
        } else {
            build::message(lane.out, b'P', &[&prepared.name, b"\0", &prepared.body]);
            lane.up.push_undoable(cx.me, Kind::Parse(Some(prepared)), undo, cx.now_us);
        }
        Ok(Step::Took(header.total))
    }

    /// The name is taken. The server says so best, in its own words and with its own effect on a transaction: it gets
    /// the client's statement under its own name for the one that is there.
    pub fn parse_taken(
        &mut self,
        mut lane: Lane<'_>,
        name: &[u8],
        body: &[u8],
        header: Header,
        cx: &mut Cx<'_>,
    ) -> Step {
        self.open = true;
        let own = self.ensure(&mut lane, name, cx);
        build::message(lane.out, b'P', &[&own, b"\0", body]);
        let renaming = Renaming { own, shown: name.into(), ..Renaming::default() };
        lane.up.push(cx.me, Kind::Taken(Box::new(renaming)), None, cx.now_us);
        Step::Took(header.total)
    }
}

/// How much of a Parse's body is its text.
fn text_of(body: &[u8]) -> usize {
    c_string(body).map_or(body.len(), |(text, _)| text.len())
}

/// Whether the statement is on the connection. If not, it is noted as there, for the caller parses it now; the least
/// recently used goes if there is no room.
pub fn is_there(
    up: &mut super::server::Upstream,
    out: &mut Vec<u8>,
    prepared: &Arc<Prepared>,
    anew: bool,
    cx: &Cx<'_>,
) -> bool {
    // The client parses it now: what was parsed before a table changed would not be what it gets without us; and in
    // a transaction that has failed, or may have by then, it is the server that says whether it parses.
    let failed = !prepared.sql && up.prepared.is_known(prepared.id) && up.may_have_failed();
    let outdated = anew && (failed || up.prepared.is_outdated(prepared.id));
    let known = up.prepared.touch(prepared.id, up.unit());
    match if outdated { Known::Doubt } else { known } {
        Known::Yes => return true,
        Known::No => {}
        Known::Doubt => {
            build::named(out, b'C', b'S', &prepared.name);
            up.push(cx.me, Kind::Renew(Arc::clone(prepared)), None, cx.now_us);
        }
    }
    for evicted in up.prepared.insert(prepared, cx.prepared, up.unit()) {
        build::named(out, b'C', b'S', &evicted.name);
        up.push(cx.me, Kind::Evict(evicted), None, cx.now_us);
    }
    false
}
