//! One client that is logged in: takes its next message, says what it needs (a plan, a connection, patience), and
//! puts what the server shall get into the lane. Simple protocol and framing here, the extended one in `extended`.
//!
//! Past 400 lines because what a session believes is one thing: each step changes it, and an error takes it back.

use super::build;
use super::frame::{self, Header};
use super::judging::{Known, count, judged_no};
use super::naming::DEALLOCATED;
use super::pending::{Kind, Undo};
use super::pins::Pins;
use super::server::{MAX_PENDING, Upstream};
use crate::border::Event;
use crate::lexer::{self, Lexed, Literal, Mode};
use crate::plan::{Action, Copy, Found, Names, Plan, Point};
use crate::prepared::Prepared;
use crate::settings::Settings;
use crate::shared::Shared;
use crate::slab::Id;
use crate::wire::PeerError;
use hashbrown::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// A unit that shares a connection, or is kept to be run again, is at most so long.
pub const RIDE: usize = 16 * 1024;
/// Prepared statements one client may hold, and portals with an effect.
pub const MAX_NAMED: usize = 10_000;

/// How the text is read may be changed by what is under way, even by what nobody could tell it of.
fn has_backslash(header: Header, input: &[u8]) -> bool {
    let here = input.get(5..header.total.min(input.len())).unwrap_or_default();
    header.kind != b'B' && memchr::memchr(b'\\', here).is_some()
}

/// What a step may look at and change besides the session itself.
pub struct Cx<'a> {
    pub me: Id,
    pub base: u32,
    pub scope: u32,
    pub networks: &'a [Box<str>],
    pub settings: &'a Settings,
    /// Those it began with.
    pub startup: &'a Settings,
    pub shared: &'a Shared,
    pub plans: &'a mut Copy,
    pub literals: &'a mut Vec<Literal>,
    pub now_us: u64,
    /// Statements kept prepared on one connection.
    pub prepared: usize,
    /// The unit in hand ran before: its statement turned out stale.
    pub repeated: bool,
}

/// The connection a client has for now.
pub struct Lane<'a> {
    pub up: &'a mut Upstream,
    pub out: &'a mut Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// The next message is not complete.
    More,
    /// So many bytes are dealt with.
    Took(usize),
    /// Until a plan is there.
    Plan,
    /// Until all replies on the lane are in.
    Quiet,
    /// A connection is needed. `ride`: so many bytes are a whole unit that may share one.
    Lane {
        ride: Option<usize>,
    },
    /// The brain answers: so many bytes are the message, its text in between.
    Answer {
        took: usize,
        text: std::ops::Range<usize>,
    },
    /// It LISTENs: until the brain does so for it.
    Listen {
        channels: Vec<String>,
    },
    Bye,
}

#[derive(Clone, Debug)]
pub struct Named {
    pub prepared: Arc<Prepared>,
    pub plan: Arc<Plan>,
    pub runs: Option<Box<Runs>>,
    /// Its literals, where the plan looks at values.
    pub known: Option<Arc<Known>>,
}

/// A statement of the extended protocol that runs another one by its name in SQL: EXECUTE, EXPLAIN EXECUTE.
#[derive(Clone, Debug)]
pub struct Runs {
    /// The other one's name, and which it was when the text was last written with the server's name for it.
    pub name: Box<[u8]>,
    pub target: Option<u64>,
    /// The Parse as the client sent it, behind the statement's own name.
    pub body: Box<[u8]>,
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.action)
    }
}

/// The unnamed statement as the client last parsed it.
pub struct Unnamed {
    /// Tells this Parse from every other of the same client.
    pub serial: u64,
    /// Statement text, NUL, parameter types; empty when it was too large to keep.
    pub body: Vec<u8>,
    pub plan: Option<Arc<Plan>>,
    pub runs: Option<Box<Runs>>,
    pub known: Option<Arc<Known>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    Lane,
    Nowhere,
}

/// Channels: to listen (or not), and to which; none is all of them.
type Heard = Vec<(bool, Option<String>)>;

pub struct Session {
    pub named: Option<Box<HashMap<Box<[u8]>, Named>>>,
    pub unnamed: Option<Box<Unnamed>>,
    pub serial: u64,
    /// Names were given or freed in the unit that is being sent.
    pub touched: bool,
    /// Names were given or freed in units whose end is not in yet: whether they hold is not known.
    pub undecided: bool,
    /// The unnamed statement was replaced or closed behind something else of the unit that is being sent: should that
    /// fail, it was not.
    pub replaced: bool,
    /// The same of units whose end is not in yet.
    pub unnamed_undecided: bool,
    /// A setting that decides how statements are read, or what they mean, is changed by what is under way.
    pub unsettled: bool,
    /// A message of the unit in hand changes what those behind it in the unit mean.
    shifted: bool,
    /// What settings hold is not known: a part of what changed them was rolled back, and nobody saw which.
    pub unclear: bool,
    /// Plans with an effect behind portals that are open.
    pub portals: Vec<(Box<[u8]>, Arc<Plan>)>,
    pub portal: Option<Arc<Plan>>,
    /// The plan of the last Bind of the unit, for its figures.
    pub bound: Option<Arc<Plan>>,
    /// Extended messages were sent and no Sync yet.
    pub open: bool,
    /// The unit so far prepares and describes, and nothing else; the client has asked for the replies.
    pub only_prepares: bool,
    pub flushed: bool,
    /// After an error of ours: everything up to Sync is ignored.
    pub ignoring: bool,
    /// The plan `ride` found for the next Parse, so that it is not looked up twice.
    pub scanned: Option<Arc<Plan>>,
    /// The unit in hand can be run again if a prepared statement turns out stale.
    pub again: bool,
    /// Length of the unit in hand, when all of it is here and it is short enough to be kept.
    pub whole: usize,
    /// What a RESET in the unit fell back from: set anew behind it.
    restores: Settings,
    /// Its statements run on any connection of its pool.
    pub roams: bool,
    /// No server is there for it: the brain answers, and knows what it has prepared.
    pub poolless: bool,
    /// This client keeps its connection, and why.
    pub pinned: bool,
    pub pins: Option<Box<Pins>>,
    /// What the brain listens to for the statement that comes next.
    ears: Option<Vec<String>>,
    /// LISTEN and UNLISTEN were sent: what has come about of them, to be told when all is in.
    pub heard: Option<Box<Heard>>,
    pub backslashes: bool,
    /// The client's encoding has bytes below 128 inside its characters.
    pub unsafe_encoding: bool,
    rest: usize,
    rest_to: Rest,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            named: None,
            unnamed: None,
            serial: 0,
            touched: false,
            undecided: false,
            replaced: false,
            unnamed_undecided: false,
            unsettled: false,
            shifted: false,
            unclear: false,
            portals: Vec::new(),
            portal: None,
            bound: None,
            open: false,
            only_prepares: true,
            flushed: false,
            ignoring: false,
            scanned: None,
            again: false,
            whole: 0,
            restores: Settings::default(),
            roams: false,
            poolless: false,
            pinned: false,
            pins: None,
            ears: None,
            heard: None,
            backslashes: false,
            unsafe_encoding: false,
            rest: 0,
            rest_to: Rest::Nowhere,
        }
    }
}

impl Session {
    /// The client's own name for a statement of ours.
    pub fn shown(&self, own: &[u8]) -> Option<Box<[u8]>> {
        let all = self.named.as_ref()?;
        all.iter().find(|(_, named)| *named.prepared.name == *own).map(|(name, _)| name.clone())
    }

    /// No message is half-way and no unit is open: the lane may go.
    pub fn is_between(&self) -> bool {
        !self.open && (self.rest == 0 || self.rest_to == Rest::Nowhere)
    }

    pub fn pin(&mut self, why: &str, shared: &Shared) {
        self.pinned = true;
        let pins = self.pins.get_or_insert_default();
        for why in why.split(" + ") {
            pins.take(why, shared);
        }
    }

    /// What pinned may be gone after what is sent now.
    pub fn hint_pins(&mut self) {
        if let Some(pins) = &mut self.pins {
            pins.hint();
        }
    }

    /// What pins there are left decides whether the connection is kept.
    pub fn count_pins(&mut self) {
        if self.pins.as_ref().is_some_and(|pins| pins.is_empty()) {
            self.pins = None;
        }
        self.pinned = self.pins.is_some();
    }

    /// Takes back what a failed message had made the session believe.
    pub fn undo(&mut self, undo: Undo) {
        match undo {
            Undo::Named { name, before } => {
                let named = self.named.get_or_insert_default();
                match before {
                    Some(before) => drop(named.insert(name, before)),
                    None => drop(named.remove(&name)),
                }
            }
            Undo::Unnamed { serial, before } => {
                if self.unnamed.as_ref().map_or(0, |unnamed| unnamed.serial) == serial {
                    self.unnamed = before;
                }
            }
            Undo::Portal { name, before } => self.set_portal(&name, before),
            Undo::Forgot { named, .. } => {
                let since = std::mem::replace(&mut self.named, named);
                if let Some(since) = since {
                    self.named.get_or_insert_default().extend(*since);
                }
            }
        }
    }

    /// A unit ended: nothing of it is undecided any more.
    pub fn unit_done(&mut self, quiet: bool, status: u8) {
        if !quiet {
            // A Bind of the next unit may be under way: its portal has to keep its plan.
            return;
        }
        self.undecided = false;
        self.unnamed_undecided = false;
        self.unsettled = false;
        if status == b'I' && !self.open {
            self.portals.clear();
            self.portal = None;
        }
    }

    /// The client prepared something, has its replies, and may now think for long (asyncpg's `prepare` sends no Sync):
    /// the unit is ended in its name, so that the connection is not held meanwhile.
    pub fn may_be_synced(&self, up: &Upstream) -> bool {
        self.open && self.only_prepares && self.flushed && self.rest == 0 && up.is_dry() && up.status == b'I'
    }

    pub fn sync_for_it(&mut self, me: Id, lane: Lane<'_>, now_us: u64) {
        // After an error the client, too, is not heard until its own Sync.
        self.ignoring = !lane.up.is_quiet();
        lane.up.push(me, Kind::Sync { again: false, ours: true }, None, now_us);
        lane.out.extend_from_slice(build::SYNC);
        self.unit_sent();
        self.open = false;
    }

    /// A simple query drops the unnamed statement and portal, be it well or not.
    pub fn forget_unnamed(&mut self) {
        self.unnamed = None;
        self.portal = None;
        self.replaced = false;
        self.unnamed_undecided = false;
    }

    /// A message that ends a unit was sent.
    pub fn unit_sent(&mut self) {
        self.shifted = false;
        self.undecided |= std::mem::take(&mut self.touched);
        self.unnamed_undecided |= std::mem::take(&mut self.replaced);
    }

    /// What this plan does is under way: does the next statement have to wait for it? It does when it could not be
    /// understood before.
    pub fn note_effect(&mut self, plan: &Plan, up: &Upstream, shared: &Shared) {
        if matches!(plan.point, Some(Point::Fetches | Point::Unseen))
            && self.portals.iter().any(|(_, portal)| !portal.effect.is_none())
        {
            self.pin("effect behind a portal", shared);
        }
        let matters = plan.effect.decides_meaning();
        self.unsettled |= matters;
        let undoes = matches!(plan.point, Some(Point::Returns(_) | Point::Ends | Point::Unseen));
        self.shifted |= matters || undoes && up.changed_meaning();
        if plan.effect.frees {
            self.hint_pins();
        }
    }

    /// A LISTEN where the client has a connection: the brain listens before the server does, so that nothing is missed,
    /// and tells the client when it is certain.
    pub fn hear(&mut self, lane: &Lane<'_>, plan: &Plan) -> Option<Step> {
        let channels = &plan.effect.channels;
        if channels.is_empty() || !self.roams || self.listens_itself() {
            return None;
        }
        let name = |(listens, name): &(bool, Option<String>)| name.clone().filter(|_| *listens);
        let channels: Vec<String> = channels.iter().filter_map(name).collect();
        debug_assert!(lane.up.owner.is_some(), "nobody listens on a shared connection");
        if channels.is_empty() || self.ears.take().is_some_and(|lent| lent == channels) {
            return None;
        }
        self.ears = Some(channels.clone());
        Some(Step::Listen { channels })
    }

    /// Tied to its connection for what nobody can ask for, it may listen there to more than was seen: all of it stays.
    pub fn listens_itself(&self) -> bool {
        self.pins.as_ref().is_some_and(|pins| pins.last())
    }

    pub fn note_channels(&mut self, lane: &mut Lane<'_>, plan: &Plan) {
        if self.roams && !plan.effect.channels.is_empty() {
            self.heard.get_or_insert_default();
            // What comes of it on this connection comes by way of the brain, too.
            lane.up.deaf |= !self.listens_itself();
        }
    }

    /// Of the settings the client began with: those that this plan resets, so that they have to be set anew.
    pub fn note_resets(&mut self, plan: &Plan, startup: &Settings) {
        if plan.effect.resets_all {
            self.restores = startup.clone();
            // Of all settings the role is none.
            self.restores.set("role".to_owned(), None);
        }
        for (name, value) in &plan.effect.sets {
            let began = startup.get(name).filter(|_| value.is_none());
            self.restores.set(name.clone(), began.map(str::to_owned));
        }
    }

    /// Sets them anew, right behind the unit that was just sent.
    fn restore(&mut self, lane: &mut Lane<'_>, cx: &Cx<'_>) {
        if self.restores.is_empty() {
            return;
        }
        let settings = std::mem::take(&mut self.restores);
        // Should the unit fail, what follows it is not to run under what was restored in vain.
        self.unsettled = true;
        let sql = Settings::default().steps_to(&settings);
        build::query(lane.out, sql.as_bytes());
        lane.up.push(cx.me, Kind::Restore(Arc::new(settings)), None, cx.now_us);
    }

    /// The unit in hand was taken back before any of it was sent.
    pub fn forget_unit(&mut self) {
        self.open = false;
        self.shifted = false;
        self.portal = None;
        self.bound = None;
        self.scanned = None;
        self.again = false;
        self.whole = 0;
    }

    /// Drops the unit a waiting client is about to send. False: it is not all here, so it cannot be dropped.
    pub fn drop_unit(&mut self, input: &mut Vec<u8>) -> Result<bool, PeerError> {
        let mut at = 0;
        loop {
            let left = input.get(at..).unwrap_or_default();
            let Some(header) = frame::from_client(left)? else { return Ok(false) };
            if header.total > left.len() {
                return Ok(false);
            }
            at += header.total;
            if matches!(header.kind, b'Q' | b'S' | b'F') {
                input.drain(..at);
                self.forget_unit();
                return Ok(true);
            }
        }
    }

    /// Finds a text's literals, and what names it.
    pub fn lex(&self, text: &[u8], cx: &mut Cx<'_>) -> Lexed {
        let mode = Mode {
            standard_conforming_strings: !self.backslashes,
            ascii_safe_encoding: !self.unsafe_encoding,
        };
        lexer::fingerprint(text, mode, &cx.shared.key, cx.literals)
    }

    /// Looks the plan of a statement up; none means that the brain is asked and the client has to wait.
    pub fn plan(&self, text: &[u8], cx: &mut Cx<'_>) -> Option<Arc<Plan>> {
        let lexed = self.lex(text, cx);
        let key = lexed.fingerprint.0;
        match cx.plans.find(&cx.shared.plans, (cx.scope, key), cx.me, cx.now_us) {
            Found::Plan(plan) => Some(plan),
            Found::Wait => None,
            Found::Ask => {
                cx.shared.tell(Event::PlanNeeded {
                    scope: cx.scope,
                    key,
                    base: cx.base,
                    settings: cx.settings.meaning(),
                    application: cx.shared.asks.load().application_of(cx.settings).map(str::to_owned),
                    networks: cx.networks.iter().map(|network| String::from(&**network)).collect(),
                    exact: lexed.exact,
                    text: text.to_vec(),
                });
                None
            }
        }
    }

    /// The next step. `out` is the client's own output; `lane` the connection it holds, or is given for one unit.
    pub fn step(
        &mut self,
        lane: Option<Lane<'_>>,
        out: &mut Vec<u8>,
        input: &[u8],
        cx: &mut Cx<'_>,
    ) -> Result<Step, PeerError> {
        if self.rest > 0 {
            return Ok(self.pass_rest(lane, input));
        }
        let Some(header) = frame::from_client(input)? else { return Ok(Step::More) };
        if header.kind == b'X' {
            return Ok(Step::Bye);
        }
        let mut lane = lane;
        if let Some(lane) = &mut lane
            && lane.up.pending.len() >= MAX_PENDING
        {
            // The server keeps its last replies back until it is told to send them; the Sync is still behind.
            lane.out.extend_from_slice(build::FLUSH);
            return Ok(Step::Quiet);
        }
        if self.ignoring && header.kind != b'S' {
            return Ok(self.pass_some(None, input, header));
        }
        let guarded = cx.shared.guarded.load(Relaxed);
        // What stands behind a portal may look its names up only when it is run.
        if (matches!(header.kind, b'Q' | b'P' | b'B') || guarded && header.kind == b'E')
            && let Some(lane) = &mut lane
            && !lane.up.is_dry()
            && (self.unsettled
                // On a shared connection nothing of its own is under way.
                || lane.up.owner == Some(cx.me)
                    && (lane.up.changed_meaning()
                        || header.total <= cx.shared.limits.max_statement && has_backslash(header, input)))
        {
            lane.out.extend_from_slice(build::FLUSH);
            return Ok(Step::Quiet);
        }
        if matches!(header.kind, b'Q' | b'P' | b'B' | b'E' | b'F') && guarded {
            self.refuse_unjudged(header, cx)?;
        }
        if header.kind == b'P' && self.shifted {
            // What it means is decided by what stands before it in its unit.
            self.pin("unread statement", cx.shared);
        }
        if header.kind != b'H' {
            self.flushed = false;
        }
        self.only_prepares &= matches!(header.kind, b'P' | b'D' | b'C' | b'H' | b'S');
        match header.kind {
            b'Q' => self.query(lane, out, input, header, cx),
            b'S' => self.sync(lane, out, header, cx),
            b'H' => {
                self.flushed = true;
                Ok(self.pass_some(lane, input, header))
            }
            b'd' => Ok(self.pass_some(lane, input, header)),
            b'c' | b'f' => {
                if let Some(lane) = &mut lane
                    && !lane.up.is_quiet()
                {
                    lane.up.push(cx.me, Kind::CopyEnd, None, cx.now_us);
                }
                Ok(self.pass_some(lane, input, header))
            }
            b'F' => {
                let Some(lane) = lane else { return Ok(Step::Lane { ride: None }) };
                self.pin("function call", cx.shared);
                lane.up.push(cx.me, Kind::Function, None, cx.now_us);
                Ok(self.pass_some(Some(lane), input, header))
            }
            _ => self.extended(lane, out, input, header, cx),
        }
    }

    /// Somebody judges statements, and could not judge this one.
    fn refuse_unjudged(&self, header: Header, cx: &Cx<'_>) -> Result<(), PeerError> {
        let (code, why) = if header.kind == b'F' {
            ("0A000", "function calls by the protocol are not judged here: call it in a SELECT")
        } else if !matches!(header.kind, b'B' | b'E') && header.total > cx.shared.limits.max_statement {
            ("54000", "a statement longer than limits.max_statement is not judged here")
        } else if self.shifted {
            ("0A000", "what stands behind SET in its unit is not judged here: send a Sync between them")
        } else if self.unclear {
            (
                "0A000",
                "what was set around a ROLLBACK is not known for certain, so nothing is judged any more",
            )
        } else {
            return Ok(());
        };
        Err(PeerError::new(code, why))
    }

    /// Passes on what is here of a message, and remembers how much is still to come.
    pub fn pass_some(&mut self, lane: Option<Lane<'_>>, input: &[u8], header: Header) -> Step {
        let here = header.total.min(input.len());
        self.rest = header.total - here;
        match lane {
            Some(lane) => {
                lane.out.extend_from_slice(input.get(..here).unwrap_or_default());
                self.rest_to = Rest::Lane;
            }
            None => self.rest_to = Rest::Nowhere,
        }
        Step::Took(here)
    }

    /// The tail of a message whose head was written by other means.
    pub fn pass_tail(&mut self, lane: Lane<'_>, input: &[u8], header: Header, from: usize) -> Step {
        let here = header.total.min(input.len());
        self.rest = header.total - here;
        self.rest_to = Rest::Lane;
        lane.out.extend_from_slice(input.get(from..here).unwrap_or_default());
        Step::Took(here)
    }

    fn pass_rest(&mut self, lane: Option<Lane<'_>>, input: &[u8]) -> Step {
        let here = self.rest.min(input.len());
        if here == 0 {
            return Step::More;
        }
        if let (Rest::Lane, Some(lane)) = (self.rest_to, lane) {
            lane.out.extend_from_slice(input.get(..here).unwrap_or_default());
        }
        self.rest -= here;
        Step::Took(here)
    }

    fn query(
        &mut self,
        lane: Option<Lane<'_>>,
        out: &mut Vec<u8>,
        input: &[u8],
        header: Header,
        cx: &mut Cx<'_>,
    ) -> Result<Step, PeerError> {
        if header.total > cx.shared.limits.max_statement {
            let Some(lane) = lane else { return Ok(Step::Lane { ride: None }) };
            self.pin("statement too large to read", cx.shared);
            lane.up.push(cx.me, Kind::Query(None), None, cx.now_us);
            return Ok(self.pass_some(Some(lane), input, header));
        }
        let Some(message) = input.get(..header.total) else { return Ok(Step::More) };
        let Some((text, [])) = message.get(5..).and_then(frame::c_string) else {
            return Err(PeerError::new("08P01", "invalid string in message"));
        };
        let Some(plan) = self.plan(text, cx) else { return Ok(Step::Plan) };
        let decision = self.judge_query(&plan, text, cx);
        if let Some(error) = decision.and_then(|decision| judged_no(&plan, &decision)) {
            match lane {
                Some(lane) => {
                    lane.up.push(cx.me, Kind::RefusedQuery(error), None, cx.now_us);
                    build::query(lane.out, build::REFUSED);
                }
                None => {
                    out.extend_from_slice(&error);
                    build::ready(out, b'I');
                }
            }
            return Ok(Step::Took(header.total));
        }
        match &plan.action {
            Action::Forward => {
                let Some(mut lane) = lane else {
                    if plan.aside && self.roams {
                        self.forget_unnamed();
                        decision.inspect(|decision| count(&plan, decision, cx));
                        return Ok(Step::Answer { took: header.total, text: 5..5 + text.len() });
                    }
                    if self.drops_alone(text, &plan) {
                        self.forget_unnamed();
                        decision.inspect(|decision| count(&plan, decision, cx));
                        out.extend_from_slice(DEALLOCATED);
                        build::ready(out, b'I');
                        return Ok(Step::Took(header.total));
                    }
                    let rides = plan.shares()
                        && header.total <= RIDE
                        && decision.is_none_or(|decision| decision.may_share());
                    self.whole = if rides { header.total } else { 0 };
                    return Ok(Step::Lane { ride: rides.then_some(header.total) });
                };
                if plan.effect.forgets_prepared && self.undecided && !lane.up.is_dry() {
                    // What there is to forget, and to have back should it fail, is decided by replies to come.
                    lane.out.extend_from_slice(build::FLUSH);
                    return Ok(Step::Quiet);
                }
                if let Some(step) = self.hear(&lane, &plan) {
                    return Ok(step);
                }
                if let Some(step) = self.named_query(&mut lane, text, header, &plan, cx)? {
                    if matches!(step, Step::Took(_)) {
                        decision.inspect(|decision| count(&plan, decision, cx));
                    }
                    return Ok(step);
                }
                if plan.names == Some(Names::Makes) {
                    // Its name could not be read: it is this connection's alone.
                    self.pin("sql-prepare", cx.shared);
                }
                if let Some(why) = &plan.effect.pin {
                    self.pin(why, cx.shared);
                }
                decision.inspect(|decision| count(&plan, decision, cx));
                self.note_effect(&plan, lane.up, cx.shared);
                self.note_resets(&plan, cx.startup);
                self.note_channels(&mut lane, &plan);
                self.forget_unnamed();
                self.touched |= plan.effect.forgets_prepared;
                self.unit_sent();
                if plan.effect.forgets_prepared {
                    lane.up.push_forgetting(cx.me, Kind::Query(None), plan, self.named.take(), cx.now_us);
                } else {
                    lane.up.push(cx.me, Kind::Query(None), Some(plan), cx.now_us);
                }
                lane.out.extend_from_slice(message);
                self.restore(&mut lane, cx);
            }
            Action::Deny { code, message } => match lane {
                Some(lane) => {
                    let mut error = Vec::new();
                    build::error(&mut error, "ERROR", code, message);
                    lane.up.push(cx.me, Kind::RefusedQuery(error.into()), None, cx.now_us);
                    build::query(lane.out, build::REFUSED);
                }
                None => {
                    build::error(out, "ERROR", code, message);
                    build::ready(out, b'I');
                }
            },
            Action::Answer if lane.is_none() => {
                return Ok(Step::Answer { took: header.total, text: 5..5 + text.len() });
            }
            Action::Answer => {
                return Err(PeerError::new("0A000", "this cannot be answered inside a transaction"));
            }
        }
        Ok(Step::Took(header.total))
    }

    fn sync(
        &mut self,
        lane: Option<Lane<'_>>,
        out: &mut Vec<u8>,
        header: Header,
        cx: &mut Cx<'_>,
    ) -> Result<Step, PeerError> {
        self.ignoring = false;
        match lane {
            Some(mut lane) => {
                let plan = self.bound.take();
                let again = std::mem::take(&mut self.again);
                lane.up.push(cx.me, Kind::Sync { again, ours: false }, plan, cx.now_us);
                lane.out.extend_from_slice(build::SYNC);
                self.restore(&mut lane, cx);
                self.unit_sent();
                self.only_prepares = true;
                self.open = false;
            }
            None => build::ready(out, b'I'),
        }
        Ok(Step::Took(header.total))
    }
}
