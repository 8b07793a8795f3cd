//! The extended protocol of one client: Parse, Bind, Describe, Execute, Close. Prepared statements are known to
//! servers by content; what a Bind needs and a connection lacks is prepared on the way.

use super::build;
use super::client::{Cx, Lane, MAX_NAMED, Named, RIDE, Session, Step, Unnamed};
use super::content::is_there;
use super::frame::{self, Header, c_string};
use super::judging::{count, judged_no};
use super::parameters;
use super::pending::{Kind, Undo};
use crate::plan::{Action, Names, Plan};
use crate::wire::PeerError;
use hashbrown::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// The names at the head of a Bind are at most so long.
const NAMES: usize = 8 * 1024;

/// Text of prepared statements that one client may hold.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// What a scan of the unit ahead found.
enum Ahead {
    Plan,
    Ride(usize),
    Own,
}

fn malformed() -> PeerError {
    PeerError::new("08P01", "invalid message format")
}

impl Session {
    pub fn extended(
        &mut self,
        lane: Option<Lane<'_>>,
        out: &mut Vec<u8>,
        input: &[u8],
        header: Header,
        cx: &mut Cx<'_>,
    ) -> Result<Step, PeerError> {
        let Some(lane) = lane else { return self.without_lane(out, input, header, cx) };
        match header.kind {
            b'P' => self.parse(lane, input, header, cx),
            b'B' => self.bind(lane, input, header, cx),
            b'D' => self.describe(lane, input, header, cx),
            b'E' => self.execute(lane, input, header, cx),
            _ => self.close(lane, input, header, cx),
        }
    }

    fn without_lane(
        &mut self,
        out: &mut Vec<u8>,
        input: &[u8],
        header: Header,
        cx: &mut Cx<'_>,
    ) -> Result<Step, PeerError> {
        // A Close needs no server: what the client calls the statement is between it and us.
        if header.kind == b'C' && !self.open && !self.poolless {
            let Some(message) = input.get(..header.total) else { return Ok(Step::More) };
            if message.get(5) == Some(&b'S') {
                let (name, _) = message.get(6..).and_then(c_string).ok_or_else(malformed)?;
                self.forget(name);
                out.extend_from_slice(build::CLOSE_COMPLETE);
                return Ok(Step::Took(header.total));
            }
        }
        match self.scan(input, cx)? {
            Ahead::Plan => Ok(Step::Plan),
            Ahead::Ride(length) => Ok(Step::Lane { ride: Some(length) }),
            // Who waits for a connection is not asked again what for.
            Ahead::Own if header.kind == b'B' && !has_names(input, header) => Ok(Step::More),
            Ahead::Own => match self.refusal(input, header, cx)? {
                Some(refusal) => {
                    out.extend_from_slice(&refusal);
                    self.ignoring = true;
                    Ok(self.pass_some(None, input, header))
                }
                None => Ok(Step::Lane { ride: None }),
            },
        }
    }

    /// Reads ahead to the next Sync: is the whole unit here, and may all of it share a connection?
    fn scan(&mut self, input: &[u8], cx: &mut Cx<'_>) -> Result<Ahead, PeerError> {
        self.scanned = None;
        self.again = false;
        self.whole = 0;
        let mut at = 0;
        let mut parsed: Option<(&[u8], &[u8], Arc<Plan>)> = None;
        let mut shares = true;
        let mut replayable = false;
        let mut harmless = true;
        loop {
            let left = input.get(at..).unwrap_or_default();
            let Some(header) = frame::from_client(left)? else { return Ok(Ahead::Own) };
            let Some(message) = left.get(..header.total) else { return Ok(Ahead::Own) };
            let body = message.get(5..).unwrap_or_default();
            match header.kind {
                b'P' => {
                    let (name, rest) = c_string(body).ok_or_else(malformed)?;
                    let (text, _) = c_string(rest).ok_or_else(malformed)?;
                    let taken =
                        !name.is_empty() && self.named.as_ref().is_some_and(|all| all.contains_key(name));
                    if header.total > cx.shared.limits.max_statement || parsed.is_some() || taken {
                        return Ok(Ahead::Own);
                    }
                    let Some(plan) = self.plan(text, cx) else { return Ok(Ahead::Plan) };
                    let judged = self.judge_parse(&plan, text, true, cx);
                    let denied = judged.is_some_and(|decision| decision.is_denied());
                    shares &= plan.shares() && plan.action == Action::Forward && !denied;
                    self.scanned = Some(Arc::clone(&plan));
                    parsed = Some((name, rest, plan));
                }
                b'B' => {
                    let (_, rest) = c_string(body).ok_or_else(malformed)?;
                    let (name, values) = c_string(rest).ok_or_else(malformed)?;
                    shares &= match &parsed {
                        Some((known, parse, plan)) if *known == name => {
                            plan.shares() && self.may_share_parsed(plan, parse, values, cx)
                        }
                        _ => match self.plan_behind(name, cx) {
                            Some(Some(plan)) => {
                                harmless &= plan.effect.is_none();
                                plan.shares() && self.may_share_bound(&plan, name, values, cx)
                            }
                            Some(None) => return Ok(Ahead::Plan),
                            // No such name: the server says so, and would again.
                            None => {
                                harmless = false;
                                false
                            }
                        },
                    };
                    replayable |= !name.is_empty();
                }
                b'D' | b'E' | b'C' => {}
                b'S' => {
                    at += header.total;
                    let rides = shares && at <= RIDE;
                    self.again = replayable && harmless && at <= RIDE && (rides || parsed.is_none());
                    self.whole = if rides || self.again { at } else { 0 };
                    return Ok(if rides { Ahead::Ride(at) } else { Ahead::Own });
                }
                _ => return Ok(Ahead::Own),
            }
            at += header.total;
        }
    }

    /// The plan behind a prepared statement's name: None, no such name; Some(None), the brain is asked anew.
    pub fn plan_behind(&mut self, name: &[u8], cx: &mut Cx<'_>) -> Option<Option<Arc<Plan>>> {
        if name.is_empty() {
            let unnamed = self.unnamed.as_ref()?;
            let plan = unnamed.plan.as_ref()?;
            if plan.holds_in(cx.scope) {
                return Some(Some(Arc::clone(plan)));
            }
            let said = unnamed.runs.as_ref().map_or(&unnamed.body[..], |runs| &runs.body);
            let text = c_string(said)?.0.to_vec();
            let plan = self.plan(&text, cx);
            let known = plan.as_ref().and_then(|plan| self.known(plan, &text, cx));
            if let (Some(unnamed), Some(plan)) = (&mut self.unnamed, &plan) {
                (unnamed.plan, unnamed.known) = (Some(Arc::clone(plan)), known);
            }
            return Some(plan);
        }
        let named = self.named.as_ref()?.get(name)?;
        if named.plan.holds_in(cx.scope) {
            return Some(Some(Arc::clone(&named.plan)));
        }
        let prepared = Arc::clone(&named.prepared);
        let said = named.runs.as_ref().and_then(|runs| c_string(&runs.body)).map(|(text, _)| text.to_vec());
        let text = match said {
            Some(text) => text,
            None if prepared.sql => prepared.said(),
            None => prepared.text().to_vec(),
        };
        let plan = self.plan(&text, cx);
        let known = plan.as_ref().and_then(|plan| self.known(plan, &text, cx));
        if let (Some(named), Some(plan)) = (self.named.as_mut().and_then(|all| all.get_mut(name)), &plan) {
            (named.plan, named.known) = (Arc::clone(plan), known);
        }
        Some(plan)
    }

    /// The error for a Parse whose plan says deny, or that Python would have to answer where a server is expected to.
    fn refusal(
        &mut self,
        input: &[u8],
        header: Header,
        cx: &mut Cx<'_>,
    ) -> Result<Option<Box<[u8]>>, PeerError> {
        if header.kind == b'B' && !self.poolless {
            return Ok(self.refused_bind(input, header, cx));
        }
        if header.kind != b'P' || header.total > cx.shared.limits.max_statement {
            return Ok(None);
        }
        let Some(message) = input.get(..header.total) else { return Ok(None) };
        let (_, rest) = message.get(5..).and_then(c_string).ok_or_else(malformed)?;
        let (text, _) = c_string(rest).ok_or_else(malformed)?;
        let (plan, seen) = match self.scanned.clone() {
            Some(plan) => (plan, false),
            None => match self.plan(text, cx) {
                Some(plan) => (plan, true),
                None => return Ok(None),
            },
        };
        if self.poolless && plan.action == Action::Answer {
            return Ok(None);
        }
        let judged = self.judge_parse(&plan, text, seen, cx);
        Ok(refused(&plan).or_else(|| judged.and_then(|decision| judged_no(&plan, &decision))))
    }

    /// The same of a Bind, where policy changed since its statement was prepared.
    fn refused_bind(&mut self, input: &[u8], header: Header, cx: &mut Cx<'_>) -> Option<Box<[u8]>> {
        let (_, rest) = c_string(input.get(5..header.total.min(input.len()))?)?;
        let (name, _) = c_string(rest)?;
        let behind = self.target_of(name).and_then(|target| self.plan_behind(&target, cx).flatten());
        let plan = self.plan_behind(name, cx).flatten();
        plan.iter().chain(&behind).find_map(|plan| refused(plan))
    }

    fn parse(
        &mut self,
        lane: Lane<'_>,
        input: &[u8],
        header: Header,
        cx: &mut Cx<'_>,
    ) -> Result<Step, PeerError> {
        if header.total > cx.shared.limits.max_statement {
            return Ok(self.parse_unread(lane, input, header, cx));
        }
        let Some(message) = input.get(..header.total) else { return Ok(Step::More) };
        let (name, body) = message.get(5..).and_then(c_string).ok_or_else(malformed)?;
        let (text, types) = c_string(body).ok_or_else(malformed)?;
        if types.len() < 2 {
            return Err(malformed());
        }
        let (plan, seen) = match self.scanned.take() {
            Some(plan) => (plan, false),
            None => match self.plan(text, cx) {
                Some(plan) => (plan, true),
                None => return Ok(Step::Plan),
            },
        };
        let judged = self.judge_parse(&plan, text, seen, cx);
        if let Some(error) =
            refused(&plan).or_else(|| judged.and_then(|decision| judged_no(&plan, &decision)))
        {
            self.open = true;
            lane.up.push(cx.me, Kind::Refused(error), None, cx.now_us);
            build::message(lane.out, b'P', &[b"\0", build::REFUSED, b"\0\0\0"]);
            return Ok(Step::Took(header.total));
        }
        let known = self.known(&plan, text, cx);
        let runs = self.runs(body, &plan);
        if let Some(runs) = &runs {
            if self.is_undecided(&runs.name, &lane) {
                self.scanned = Some(plan);
                lane.out.extend_from_slice(build::FLUSH);
                return Ok(Step::Quiet);
            }
            return self.parse_running(lane, name, runs.clone(), (plan, known), header, cx);
        }
        if name.is_empty() {
            if self.open && self.is_undecided(name, &lane) {
                self.scanned = Some(plan);
                lane.out.extend_from_slice(build::FLUSH);
                return Ok(Step::Quiet);
            }
            self.serial += 1;
            let before = self.unnamed_before();
            self.open = true;
            let mut kept = self.unnamed.take().map(|unnamed| unnamed.body).unwrap_or_default();
            kept.clear();
            kept.extend_from_slice(body);
            let serial = self.serial;
            self.unnamed =
                Some(Box::new(Unnamed { serial, body: kept, plan: Some(plan), runs: None, known }));
            lane.up.hold_unnamed(Some((cx.me, self.serial)));
            let undo = Undo::Unnamed { serial: self.serial, before };
            lane.up.push_undoable(cx.me, Kind::Parse(None), undo, cx.now_us);
            lane.out.extend_from_slice(message);
            return Ok(Step::Took(header.total));
        }
        if self.is_undecided(name, &lane) {
            lane.out.extend_from_slice(build::FLUSH);
            return Ok(Step::Quiet);
        }
        if self.named.as_ref().is_some_and(|all| all.contains_key(name)) {
            return Ok(self.parse_taken(lane, name, body, header, cx));
        }
        self.has_room()?;
        self.open = true;
        self.touched = true;
        let prepared = cx.shared.prepared.intern(&cx.settings.reading(), body, text.len());
        let named = Named { prepared: Arc::clone(&prepared), plan, runs: None, known };
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

    /// For one prepared statement more.
    pub fn has_room(&self) -> Result<(), PeerError> {
        if self.named.as_ref().is_some_and(|all| all.len() >= MAX_NAMED || too_much(all)) {
            let text = format!(
                "a client may hold {MAX_NAMED} prepared statements and {MAX_BYTES} bytes of them; close some"
            );
            return Err(PeerError::new("53200", text));
        }
        Ok(())
    }

    /// Too large to keep: it goes through as it is, and the client keeps the connection that knows it.
    fn parse_unread(&mut self, lane: Lane<'_>, input: &[u8], header: Header, cx: &mut Cx<'_>) -> Step {
        self.pin("statement too large to read", cx.shared);
        self.open = true;
        self.serial += 1;
        self.scanned = None;
        if input.get(5) == Some(&0) {
            let (serial, body) = (self.serial, Vec::new());
            let nothing = Unnamed { serial, body, plan: None, runs: None, known: None };
            self.unnamed = Some(Box::new(nothing));
            lane.up.hold_unnamed(Some((cx.me, self.serial)));
        }
        lane.up.push(cx.me, Kind::Parse(None), None, cx.now_us);
        self.pass_some(Some(lane), input, header)
    }

    fn bind(
        &mut self,
        lane: Lane<'_>,
        input: &[u8],
        header: Header,
        cx: &mut Cx<'_>,
    ) -> Result<Step, PeerError> {
        let head = input.get(5..header.total.min(input.len())).unwrap_or_default();
        let names = c_string(head).and_then(|(portal, rest)| Some((portal, c_string(rest)?)));
        let Some((portal, (name, tail))) = names else {
            if head.len() > NAMES || input.len() >= header.total {
                return Err(malformed());
            }
            return Ok(Step::More);
        };
        if portal.len() > NAMES || name.len() > NAMES {
            return Err(malformed());
        }
        let plan = match self.plan_behind(name, cx) {
            Some(None) => return Ok(Step::Plan),
            Some(Some(plan)) => Some(plan),
            None => None,
        };
        let behind = match self.target_of(name).map(|target| self.plan_behind(&target, cx)) {
            Some(Some(None)) => return Ok(Step::Plan),
            Some(Some(behind)) => behind,
            _ => None,
        };
        if let Some(error) = plan.iter().chain(&behind).find_map(|plan| refused(plan)) {
            // Policy changed since it was prepared.
            self.open = true;
            lane.up.push(cx.me, Kind::Refused(error), None, cx.now_us);
            build::message(lane.out, b'P', &[b"\0", build::REFUSED, b"\0\0\0"]);
            return Ok(self.pass_some(None, input, header));
        }
        if self.is_undecided(name, &lane) {
            lane.out.extend_from_slice(build::FLUSH);
            return Ok(Step::Quiet);
        }
        let looks = plan.iter().chain(&behind).any(|plan| plan.branches.is_some());
        if looks && input.len() < header.total && header.total <= cx.shared.limits.max_statement {
            // Its values decide.
            return Ok(Step::More);
        }
        let values = Some(tail).filter(|_| input.len() >= header.total);
        let mut lane = lane;
        if let (Some(plan), Some(values)) = (&plan, values)
            && self.lacks_types(plan, name, values, &mut lane, cx)
        {
            return Ok(Step::Quiet);
        }
        let types = self.types(lane.up, name, cx.me);
        let judged = plan.as_ref().and_then(|plan| self.judge_bind(plan, name, values, types, cx));
        let judged_behind = behind.as_ref().and_then(|plan| self.judge_runs(plan, name, cx));
        let decided = [(&plan, judged), (&behind, judged_behind)];
        for (plan, decision) in
            decided.iter().filter_map(|(plan, decision)| Some((plan.as_ref()?, (*decision)?)))
        {
            if let Some(error) = judged_no(plan, &decision) {
                self.open = true;
                lane.up.push(cx.me, Kind::Refused(error), None, cx.now_us);
                build::message(lane.out, b'P', &[b"\0", build::REFUSED, b"\0\0\0"]);
                return Ok(self.pass_some(None, input, header));
            }
        }
        for (plan, decision) in
            decided.iter().filter_map(|(plan, decision)| Some((plan.as_ref()?, (*decision)?)))
        {
            count(plan, &decision, cx);
        }
        // One prepared in SQL has the plan of its PREPARE, which leaves nothing when it is run.
        let in_sql =
            self.named.as_ref().and_then(|all| all.get(name)).is_some_and(|named| named.prepared.sql);
        let mut plan = plan.filter(|_| !in_sql);
        if let Some(behind) = behind.filter(|behind| behind.names.is_none() && behind.matters()) {
            // What the statement behind the name leaves, besides what this one does.
            if let Some(why) = plan.as_ref().and_then(|plan| plan.effect.pin.as_ref()) {
                self.pin(why, cx.shared);
            }
            plan = Some(behind);
        }
        let guarded = cx.shared.guarded.load(Relaxed);
        if guarded && !portal.is_empty() && plan.as_ref().is_some_and(|plan| plan.effect.decides_meaning()) {
            let why =
                "what a named portal changes when it is fetched is not judged here: bind the unnamed one";
            return Err(PeerError::new("0A000", why));
        }
        let undo = self.note_portal(portal, plan.as_ref(), guarded)?;
        self.bound = plan;
        self.open = true;
        let Lane { up, out } = lane;
        let server_name = self.ensure(&mut Lane { up: &mut *up, out: &mut *out }, name, cx);
        let kinds = if cx.shared.slow_parameters.load(Relaxed) {
            parameters::kinds(input, header, tail)
        } else {
            None
        };
        up.push_bind(cx.me, kinds, undo, cx.now_us);
        let length = header.total - 1 - name.len() + server_name.len();
        build::header(out, b'B', length);
        out.extend_from_slice(portal);
        out.push(0);
        out.extend_from_slice(&server_name);
        out.push(0);
        let from = header.total.min(input.len()) - tail.len();
        Ok(self.pass_tail(Lane { up, out }, input, header, from))
    }

    /// Remembers what an Execute of this portal will do, and what it would have done before: the Bind may fail.
    fn note_portal(
        &mut self,
        portal: &[u8],
        plan: Option<&Arc<Plan>>,
        guarded: bool,
    ) -> Result<Option<Undo>, PeerError> {
        let plan = plan.filter(|plan| portal.is_empty() || guarded || plan.matters()).cloned();
        if !portal.is_empty() && plan.is_some() && self.portals.len() >= MAX_NAMED {
            return Err(PeerError::new("53200", "too many portals are open"));
        }
        let before = self.portal_of(portal).cloned();
        let differs = match (&before, &plan) {
            (Some(before), Some(plan)) => before.matters() || plan.matters() || before.scope != plan.scope,
            (before, plan) => before.is_some() || plan.as_ref().is_some_and(|plan| plan.matters()),
        };
        self.set_portal(portal, plan);
        Ok(differs.then(|| Undo::Portal { name: portal.into(), before }))
    }

    fn portal_of(&self, name: &[u8]) -> Option<&Arc<Plan>> {
        if name.is_empty() {
            return self.portal.as_ref();
        }
        self.portals.iter().find(|(known, _)| **known == *name).map(|(_, plan)| plan)
    }

    pub fn set_portal(&mut self, name: &[u8], plan: Option<Arc<Plan>>) {
        if name.is_empty() {
            self.portal = plan;
            return;
        }
        self.portals.retain(|(known, _)| **known != *name);
        self.portals.extend(plan.map(|plan| (name.into(), plan)));
    }

    fn describe(
        &mut self,
        lane: Lane<'_>,
        input: &[u8],
        header: Header,
        cx: &mut Cx<'_>,
    ) -> Result<Step, PeerError> {
        let Some(message) = input.get(..header.total) else { return Ok(Step::More) };
        let (what, name) = (message.get(5).copied(), message.get(6..).and_then(c_string));
        let (Some(what @ (b'S' | b'P')), Some((name, []))) = (what, name) else { return Err(malformed()) };
        if what == b'S' && self.is_undecided(name, &lane) {
            lane.out.extend_from_slice(build::FLUSH);
            return Ok(Step::Quiet);
        }
        self.open = true;
        if what == b'P' {
            lane.out.extend_from_slice(message);
            lane.up.push(cx.me, Kind::Describe(None), None, cx.now_us);
        } else {
            let Lane { up, out } = lane;
            let server_name = self.ensure(&mut Lane { up: &mut *up, out: &mut *out }, name, cx);
            build::named(out, b'D', b'S', &server_name);
            let instance = self.instance(up, name, cx.me);
            up.push(cx.me, Kind::Describe(instance), None, cx.now_us);
        }
        Ok(Step::Took(header.total))
    }

    fn execute(
        &mut self,
        mut lane: Lane<'_>,
        input: &[u8],
        header: Header,
        cx: &mut Cx<'_>,
    ) -> Result<Step, PeerError> {
        let Some(message) = input.get(..header.total) else { return Ok(Step::More) };
        let (portal, _) = message.get(5..).and_then(c_string).ok_or_else(malformed)?;
        let plan = self.portal_of(portal).cloned();
        if cx.shared.guarded.load(Relaxed) && plan.as_ref().is_some_and(|plan| plan.scope != cx.scope) {
            return Err(PeerError::new(
                "0A000",
                "what names mean has changed since it was bound: bind it again",
            ));
        }
        let forgets = plan.as_ref().is_some_and(|plan| plan.effect.forgets_prepared);
        if forgets && self.undecided && !lane.up.is_dry() {
            // What there is to forget, and to have back should it fail, is decided by replies to come.
            lane.out.extend_from_slice(build::FLUSH);
            return Ok(Step::Quiet);
        }
        if let Some(step) = plan.as_ref().and_then(|plan| self.hear(&lane, plan)) {
            return Ok(step);
        }
        if let Some(why) = plan.as_ref().and_then(|plan| plan.effect.pin.as_ref()) {
            self.pin(why, cx.shared);
        }
        if plan.as_ref().is_some_and(|plan| plan.names == Some(Names::Makes)) {
            // Sent by the extended protocol it is a statement like any other: its name is this connection's alone.
            self.pin("sql-prepare", cx.shared);
        }
        if let Some(plan) = &plan {
            self.note_effect(plan, lane.up, cx.shared);
            self.note_resets(plan, cx.startup);
            self.note_channels(&mut lane, plan);
            self.touched |= plan.effect.forgets_prepared;
        }
        self.open = true;
        lane.out.extend_from_slice(message);
        match plan.filter(|plan| plan.matters()) {
            Some(plan) if plan.effect.forgets_prepared => {
                lane.up.push_forgetting(cx.me, Kind::Execute, plan, self.named.take(), cx.now_us);
            }
            plan => lane.up.push(cx.me, Kind::Execute, plan, cx.now_us),
        }
        Ok(Step::Took(header.total))
    }

    fn close(
        &mut self,
        lane: Lane<'_>,
        input: &[u8],
        header: Header,
        cx: &mut Cx<'_>,
    ) -> Result<Step, PeerError> {
        let Some(message) = input.get(..header.total) else { return Ok(Step::More) };
        let (what, name) = (message.get(5).copied(), message.get(6..).and_then(c_string));
        let (Some(what @ (b'S' | b'P')), Some((name, []))) = (what, name) else { return Err(malformed()) };
        if what == b'S' && name.is_empty() {
            if self.open && self.is_undecided(name, &lane) {
                lane.out.extend_from_slice(build::FLUSH);
                return Ok(Step::Quiet);
            }
            let undo = Undo::Unnamed { serial: 0, before: self.unnamed_before() };
            self.open = true;
            self.unnamed = None;
            lane.up.unnamed = None;
            lane.out.extend_from_slice(message);
            lane.up.push_undoable(cx.me, Kind::Close, undo, cx.now_us);
            return Ok(Step::Took(header.total));
        }
        self.open = true;
        if what == b'P' {
            lane.out.extend_from_slice(message);
            lane.up.push(cx.me, Kind::Close, None, cx.now_us);
            return Ok(Step::Took(header.total));
        }
        if self.is_undecided(name, &lane) {
            lane.out.extend_from_slice(build::FLUSH);
            return Ok(Step::Quiet);
        }
        let unread = !self.named.as_ref().is_some_and(|all| all.contains_key(name));
        if unread && self.pinned && !cx.shared.prepared.is_ours(name) {
            // Perhaps one that was too large to read: the connection knows it under this name.
            self.hint_pins();
            lane.out.extend_from_slice(message);
            lane.up.push(cx.me, Kind::Close, None, cx.now_us);
            return Ok(Step::Took(header.total));
        }
        self.touched = true;
        let before = self.forget(name);
        let undo = Undo::Named { name: name.into(), before };
        lane.up.push_undoable(cx.me, Kind::Said(build::CLOSE_COMPLETE), undo, cx.now_us);
        Ok(Step::Took(header.total))
    }

    /// Whether this name holds is decided by units whose end is not in yet.
    pub fn is_undecided(&self, name: &[u8], lane: &Lane<'_>) -> bool {
        let undecided = if name.is_empty() { self.unnamed_undecided } else { self.undecided };
        undecided && !lane.up.is_dry()
    }

    /// The unnamed statement is about to be replaced, or closed. Returns the one that holds on should the unit fail in
    /// front of that.
    pub fn unnamed_before(&mut self) -> Option<Box<Unnamed>> {
        // Only where something of its unit is in front of it can it be skipped.
        (self.replaced, self.unnamed_undecided) = (self.open, false);
        if self.open { self.unnamed.take() } else { None }
    }

    pub fn forget(&mut self, name: &[u8]) -> Option<Named> {
        if name.is_empty() {
            self.unnamed = None;
            return None;
        }
        self.named.as_mut()?.remove(name)
    }
}

/// The names at the head of a Bind are all here, or will never be.
fn has_names(input: &[u8], header: Header) -> bool {
    let head = input.get(5..header.total.min(input.len())).unwrap_or_default();
    let all = c_string(head).is_some_and(|(_, rest)| c_string(rest).is_some());
    all || head.len() > 2 * NAMES || input.len() >= header.total
}

/// Counted now and then, for it costs a walk: the bound is passed by what fits in between.
fn too_much(all: &HashMap<Box<[u8]>, Named>) -> bool {
    all.len() % 64 == 63 && all.values().map(|named| named.prepared.body.len()).sum::<usize>() > MAX_BYTES
}

pub fn refused(plan: &Plan) -> Option<Box<[u8]>> {
    let mut error = Vec::new();
    match &plan.action {
        Action::Forward => return None,
        Action::Deny { code, message } => build::error(&mut error, "ERROR", code, message),
        Action::Answer => build::error(&mut error, "ERROR", "0A000", "answered in the simple protocol only"),
    }
    Some(error.into())
}
