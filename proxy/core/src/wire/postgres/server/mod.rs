//! One server connection: follows its replies, knows whose each is, and what the session on it is like.
//!
//! In doubt it says `Lost`: the connection is then closed, never used again.
//!
//! Past 400 lines because what a reply means depends on all that is under way: the queue, the unit in hand and the state
//! after it are changed together. Errors are `failures`', what a unit changed is `follow`'s.

mod failures;
mod follow;

use super::build;
use super::client::Named;
use super::frame;
use super::pending::{Instance, Kind, Pending, Renaming, Undo};
use super::pins::Question;
use crate::conditions::postgres::types_told;
use crate::plan::{Names, Plan, Point};
use crate::prepared::OnServer;
use crate::settings::Settings;
use crate::slab::Id;
pub use follow::Change;
use follow::FOLLOWED;
use hashbrown::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;

/// So much of a message is looked at; the rest of a longer one is passed on unseen.
const LOOKED_AT: usize = 8_192;
/// Statements one connection may owe replies for. At the bound the client is read no further.
pub const MAX_PENDING: usize = 4_096;
/// Whose replies are dropped.
const NOBODY: Id = Id(u64::MAX);

#[derive(Debug, PartialEq, Eq)]
pub enum Lost {
    /// What came cannot follow what was sent.
    Desync(&'static str),
    /// The server said goodbye (FATAL): its code and words.
    Fatal(String, String),
    /// A client's settings could not be brought along.
    Setup(String),
    /// A statement that was said to be harmless left a transaction open on a shared connection.
    Unshareable,
    /// A transaction where the pool's mode allows none.
    Transaction,
}

/// A unit of work ended with ReadyForQuery.
pub struct Done {
    pub client: Id,
    pub status: u8,
    pub failed: bool,
    /// The server's parser could not read the text, so nothing of it ran.
    pub unread: bool,
    /// Ours: Setup or Reset.
    pub internal: bool,
    /// A prepared statement no longer fitted its tables. The client heard nothing of it: run the unit again.
    pub again: bool,
    pub plan: Option<Arc<Plan>>,
    /// Session settings that are now in force.
    pub changes: Vec<Change>,
    pub changed_schema: bool,
    pub pin: Option<&'static str>,
    pub sent_us: u64,
    /// Time at the server: from when it could start.
    pub served_us: u64,
    pub bytes: usize,
    /// Of what kind the parameters of its last Bind were, where that is asked for.
    pub kinds: Option<Box<str>>,
}

/// Where replies go.
pub trait Sink {
    fn pass(&mut self, to: Id, bytes: &[u8]);
    /// Something the client's session believed did not happen.
    fn undo(&mut self, to: Id, undo: Undo);
    fn done(&mut self, done: Done);
    /// What this client calls the statement that servers have under a name of ours.
    fn shown(&mut self, _: Id, _own: &[u8]) -> Option<Box<[u8]>> {
        None
    }
}

pub struct Upstream {
    pub pending: VecDeque<Pending>,
    /// Units among them.
    pub units: usize,
    pub prepared: OnServer,
    /// Units pushed ever.
    pushed: u64,
    /// Settings in force beyond the connection's own.
    pub applied: Arc<Settings>,
    pub status: u8,
    /// Whose unnamed statement it holds.
    pub unnamed: Option<(Id, u64)>,
    /// Which Parse that was, and the types of its parameters, once the server has told them.
    unnamed_parse: u64,
    unnamed_types: Option<Box<[u32]>>,
    /// The pool's schema number when its prepared statements were made.
    pub schema: u32,
    /// Its prepared statements have to go before the next statement.
    pub purge: bool,
    /// The one client it belongs to, unless it is shared or idle.
    pub owner: Option<Id>,
    /// standard_conforming_strings is off.
    pub backslashes: bool,
    /// The pool's mode allows no transaction over more than one statement.
    pub no_transactions: bool,
    /// Asked to stop what it does: in these words its client is told of it.
    pub stopped: Option<&'static str>,
    /// A client that listens by way of the brain has made it listen, too: what comes of that is nobody's.
    pub deaf: bool,
    /// What the last question of ours found.
    pub answered: Option<Box<Question>>,
    /// An error of ours, to be told in place of that of the query behind it.
    carried: Option<Box<[u8]>>,
    /// Its owner has heard why it goes.
    pub said_goodbye: bool,
    /// Replies of the current unit are dropped until a ReadyForQuery: an error came.
    skipping: bool,
    /// Body bytes of the current message still to come, and whether the client gets them.
    rest: usize,
    rest_ours: bool,
    unit: Unit,
    /// The server takes COPY data in and hears no Sync.
    copying: bool,
    /// Changes made in a transaction that is still open.
    in_transaction: Vec<Change>,
    /// A part of it was rolled back, to where is not known.
    rolled_back_to: bool,
    /// Savepoints were made in it that are not among its changes.
    unseen_points: bool,
    /// More was changed in it than is kept.
    overflowed: bool,
    done_us: u64,
    /// How long the server took for a unit of late, without the way there.
    pub pace_ns: u64,
    /// The way there and back.
    pub way_us: u64,
}

#[derive(Default)]
struct Unit {
    failed: bool,
    unread: bool,
    /// The client hears nothing of it: it runs again.
    silent: bool,
    said: bool,
    changes: Vec<Change>,
    reported: Vec<(String, String)>,
    /// Parameters the server reported of a unit with a Restore behind it: what holds after that is told, once.
    held: Vec<(Vec<u8>, Vec<u8>)>,
    changed_schema: bool,
    committed: bool,
    rolled_back: bool,
    unseen_points: bool,
    /// Something that may end transactions ran behind a change of settings.
    ends_inside: bool,
    heard_anyway: Vec<Change>,
    bytes: usize,
    kinds: Option<Box<str>>,
}

impl Upstream {
    pub fn new(applied: Arc<Settings>, schema: u32) -> Self {
        Self {
            pending: VecDeque::new(),
            units: 0,
            prepared: OnServer::default(),
            pushed: 0,
            applied,
            status: b'I',
            unnamed: None,
            unnamed_parse: 0,
            unnamed_types: None,
            schema,
            purge: false,
            owner: None,
            backslashes: false,
            no_transactions: false,
            stopped: None,
            deaf: false,
            answered: None,
            carried: None,
            said_goodbye: false,
            skipping: false,
            rest: 0,
            rest_ours: false,
            unit: Unit::default(),
            copying: false,
            in_transaction: Vec::new(),
            rolled_back_to: false,
            unseen_points: false,
            overflowed: false,
            done_us: 0,
            pace_ns: u64::MAX,
            way_us: 0,
        }
    }

    pub fn push(&mut self, client: Id, kind: Kind, plan: Option<Arc<Plan>>, now_us: u64) {
        self.push_all(Pending { client, kind, plan, undo: None, sent_us: now_us, kinds: None });
    }

    pub fn push_bind(&mut self, client: Id, kinds: Option<Box<str>>, undo: Option<Undo>, now_us: u64) {
        let undo = undo.map(Box::new);
        self.push_all(Pending { client, kind: Kind::Bind, plan: None, undo, sent_us: now_us, kinds });
    }

    pub fn push_undoable(&mut self, client: Id, kind: Kind, undo: Undo, now_us: u64) {
        self.push_all(Pending {
            client,
            kind,
            plan: None,
            undo: Some(Box::new(undo)),
            sent_us: now_us,
            kinds: None,
        });
    }

    /// A statement that drops all prepared ones, those of the connection too.
    pub fn push_forgetting(
        &mut self,
        client: Id,
        kind: Kind,
        plan: Arc<Plan>,
        named: Option<Box<HashMap<Box<[u8]>, Named>>>,
        now_us: u64,
    ) {
        let undo = Some(Box::new(Undo::Forgot { named, on_server: std::mem::take(&mut self.prepared) }));
        self.push_all(Pending { client, kind, plan: Some(plan), undo, sent_us: now_us, kinds: None });
    }

    pub fn push_named(
        &mut self,
        client: Id,
        renaming: Renaming,
        plan: Arc<Plan>,
        undo: Option<Undo>,
        now_us: u64,
    ) {
        let kind = Kind::Query(Some(Box::new(renaming)));
        let undo = undo.map(Box::new);
        self.push_all(Pending { client, kind, plan: Some(plan), undo, sent_us: now_us, kinds: None });
    }

    fn push_all(&mut self, pending: Pending) {
        use Kind::{CopyEnd, Query, Question, RefusedQuery, Reset, Restore, Setup, Sync};
        match pending.kind {
            // A simple query drops the unnamed statement, be it well or not.
            Query(_) | RefusedQuery(_) | Setup | Reset | Question(_) | Restore(_) => self.unnamed = None,
            Sync { .. }
                if self.copying && !self.pending.iter().any(|other| matches!(other.kind, CopyEnd)) =>
            {
                return;
            }
            _ => {}
        }
        if pending.plan.as_ref().is_some_and(|plan| plan.effect.changes_schema || plan.effect.hides_names()) {
            self.prepared.outdate();
        }
        self.units += usize::from(pending.kind.ends_unit());
        self.pushed += u64::from(pending.kind.ends_unit());
        self.pending.push_back(pending);
    }

    /// An unnamed statement is parsed now.
    pub fn hold_unnamed(&mut self, whose: Option<(Id, u64)>) {
        self.unnamed = whose;
        self.unnamed_parse += 1;
        self.unnamed_types = None;
    }

    /// This client's unnamed statement, if that is what there is.
    pub fn unnamed_of(&self, client: Id, serial: u64) -> Option<Instance> {
        (self.unnamed == Some((client, serial))).then_some(Instance::Unnamed(self.unnamed_parse))
    }

    fn learn(&mut self, instance: Instance, body: &[u8]) {
        // What is too long to be looked at is not known, and not asked for again.
        let types = types_told(body).unwrap_or_default();
        match instance {
            Instance::Named { id, made } => self.prepared.learn(id, made, types),
            Instance::Unnamed(parse) if parse == self.unnamed_parse => self.unnamed_types = Some(types),
            Instance::Unnamed(_) => {}
        }
    }

    /// What the server said of it.
    pub fn types_of(&self, instance: Instance) -> Option<&[u32]> {
        match instance {
            Instance::Named { id, .. } => self.prepared.types(id),
            Instance::Unnamed(_) => self.unnamed_types.as_deref(),
        }
    }

    /// What is sent is not heard before a Sync.
    pub fn is_skipping(&self) -> bool {
        self.skipping
    }

    /// A number for the unit that is being pushed.
    pub fn unit(&self) -> u64 {
        self.pushed
    }

    /// Takes back what was pushed last and not sent: the connection owes `length` replies as before.
    pub fn forget_after(&mut self, length: usize, sink: &mut impl Sink) {
        while self.pending.len() > length
            && let Some(pending) = self.pending.pop_back()
        {
            self.units = self.units.saturating_sub(usize::from(pending.kind.ends_unit()));
            self.take_back(pending, sink);
        }
        self.unnamed = None;
        self.purge = true;
    }

    /// What is under way for this client is nobody's from now on: its replies are dropped. What its session has to
    /// take back is given back, first things first.
    pub fn disown(&mut self, client: Id) -> Vec<Undo> {
        let mut undo = Vec::new();
        for pending in self.pending.iter_mut().filter(|pending| pending.client == client) {
            pending.client = NOBODY;
            undo.extend(pending.undo.take().map(|undo| *undo));
        }
        undo
    }

    /// Whose statement the server works on, and whether that client has heard something of it.
    pub fn first(&self) -> Option<(Id, bool)> {
        self.pending.front().map(|pending| (pending.client, self.unit.said || self.midway().is_some()))
    }

    /// The unit the server works on is none of a client's. What is put in front within a client's is part of that: its
    /// end may be told no sooner than the unit's.
    pub fn serves_us(&self) -> bool {
        self.pending.iter().find(|pending| pending.kind.ends_unit()).is_some_and(|end| end.kind.is_ours())
    }

    /// The client that got the beginning of a message and not its end. Whatever it is sent next is the rest of it.
    pub fn midway(&self) -> Option<Id> {
        if self.rest > 0 && !self.rest_ours { self.recipient() } else { None }
    }

    /// Changes of settings in a transaction that is still open.
    pub fn unfinished(&self) -> &[Change] {
        &self.in_transaction
    }

    /// Nothing is owed and no message is half-way.
    pub fn is_quiet(&self) -> bool {
        self.pending.is_empty() && self.rest == 0 && !self.skipping
    }

    /// Nothing is owed to a client: quiet, or but for a question of ours.
    pub fn owes_nobody(&self) -> bool {
        let ours = |pending: &Pending| matches!(pending.kind, Kind::Question(_));
        self.is_quiet() || self.rest == 0 && !self.skipping && self.pending.iter().all(ours)
    }

    fn note_pace(&mut self, took_us: u64) {
        let took_ns = took_us.min(1_000_000) * 1_000;
        let known = self.pace_ns != u64::MAX;
        self.pace_ns = if known { self.pace_ns - self.pace_ns / 8 + took_ns / 8 } else { took_ns };
    }

    /// Nothing more will come, unless a Sync is sent.
    pub fn is_dry(&self) -> bool {
        self.pending.is_empty() && self.rest == 0
    }

    /// Its owner's transaction has failed, or may have when what is sent now is heard.
    pub fn may_have_failed(&self) -> bool {
        let undecided = |pending: &Pending| pending.kind.ends_unit() && !pending.kind.is_ours();
        self.owner.is_some() && (self.status == b'E' || self.pending.iter().any(undecided))
    }

    /// When the oldest unit it owes was sent.
    pub fn oldest_us(&self) -> Option<u64> {
        self.pending.front().map(|pending| pending.sent_us.max(self.done_us))
    }

    /// When it was last sent a unit, or ended one.
    pub fn heard_us(&self) -> u64 {
        self.pending.back().map_or(0, |pending| pending.sent_us).max(self.done_us)
    }

    /// Ours to say now, where nothing older is owed: replies the server knows nothing of.
    pub fn settle(&mut self, sink: &mut impl Sink) {
        if self.skipping {
            return self.drop_skipped(sink);
        }
        while self.says_next()
            && let Some(pending) = self.pending.pop_front()
        {
            if let Kind::Said(bytes) = pending.kind {
                sink.pass(pending.client, bytes);
                self.unit.said = true;
            }
        }
    }

    /// What is owed first needs nothing of the server. Not in the middle of a message of the server's.
    fn says_next(&self) -> bool {
        self.rest == 0
            && matches!(self.pending.front(), Some(Pending { kind: Kind::Said(_) | Kind::CopyEnd, .. }))
    }

    /// Takes in what the server sent; returns how much of it was used. The rest must come again with more.
    pub fn absorb(&mut self, input: &[u8], now_us: u64, sink: &mut impl Sink) -> Result<usize, Lost> {
        let mut at = 0;
        // Consecutive bytes for one client are passed on at once: `run` is where they begin.
        let mut run = 0;
        let mut to = self.recipient();
        if self.rest > 0 {
            let n = self.rest.min(input.len());
            self.rest -= n;
            at = n;
            self.unit.bytes += n;
            if self.rest_ours {
                run = at;
            }
            if self.says_next() {
                pass(sink, to, input.get(run..at));
                run = at;
                self.settle(sink);
                to = self.recipient();
            }
        }
        while self.rest == 0 {
            let left = input.get(at..).unwrap_or_default();
            let Some(header) = frame::from_server(left).map_err(|_| Lost::Desync("not a message"))? else {
                break;
            };
            let looked_at =
                if header.kind == b'D' || header.kind == b'd' { 5 } else { header.total.min(LOOKED_AT) };
            let Some(body) = left.get(5..looked_at) else { break };
            let next = at + header.total.min(left.len());
            self.rest = header.total.saturating_sub(left.len());
            if matches!(header.kind, b'D' | b'd')
                && let Some(Pending { kind: Kind::Query(_) | Kind::Execute, .. }) = self.pending.front()
            {
                self.unit.bytes += next - at;
                self.unit.said = true;
                self.rest_ours = false;
                at = next;
                continue;
            }
            let verdict = match self.message(header.kind, body, sink) {
                Ok(verdict) => verdict,
                Err(lost) => {
                    pass(sink, to, input.get(run..at));
                    // The owner hears a goodbye in the server's own words.
                    if matches!(lost, Lost::Fatal(..)) && self.owner.is_some() && self.rest == 0 {
                        pass(sink, self.owner, input.get(at..next));
                        self.said_goodbye = true;
                    }
                    return Err(lost);
                }
            };
            self.unit.bytes += next - at;
            match verdict {
                Verdict::Pass => self.rest_ours = to.is_none(),
                Verdict::Ours => {
                    pass(sink, to, input.get(run..at));
                    run = next;
                    self.rest_ours = true;
                }
                Verdict::Instead(bytes) => {
                    pass(sink, to, input.get(run..at));
                    pass(sink, to, Some(&bytes));
                    run = next;
                    self.rest_ours = true;
                }
            }
            at = next;
            if to.is_none() {
                run = at;
            }
            if header.kind == b'Z' {
                pass(sink, to, input.get(run..at));
                run = at;
                self.end_unit(body.first().copied().unwrap_or(0), now_us, sink)?;
                to = self.recipient();
            }
            if self.says_next() {
                pass(sink, to, input.get(run..at));
                run = at;
                self.settle(sink);
            }
            if self.rest == 0 && run == at {
                to = self.recipient();
            }
        }
        pass(sink, to, input.get(run..at));
        Ok(at)
    }

    fn recipient(&self) -> Option<Id> {
        self.pending.front().map(|pending| pending.client).or(self.owner)
    }

    fn pop(&mut self) -> Verdict {
        match self.pending.pop_front() {
            Some(pending) if pending.kind.is_ours() => Verdict::Ours,
            pending => {
                if let Some(kinds) = pending.and_then(|pending| pending.kinds) {
                    self.unit.kinds = Some(kinds);
                }
                self.unit.said = true;
                Verdict::Pass
            }
        }
    }

    /// One message's meaning. `body` may be only its beginning.
    fn message(&mut self, kind: u8, body: &[u8], sink: &mut impl Sink) -> Result<Verdict, Lost> {
        if kind == b'Z' && self.skipping {
            self.drop_skipped(sink);
        }
        if kind == b'C'
            && let Some(Pending { kind: Kind::Query(Some(renaming)), plan, .. }) = self.pending.front_mut()
        {
            if renaming.skips > 0 {
                renaming.skips -= 1;
                if let Some(made) = renaming.made.take() {
                    // It is there, whatever becomes of the client's.
                    self.prepared.parsed(made.id, true);
                }
                return Ok(Verdict::Ours);
            }
            if let Some(tag) = renaming.tag {
                self.unit.said = true;
                return Ok(Verdict::Instead(tag.into()));
            }
            let makes = plan.as_ref().is_some_and(|plan| plan.names == Some(Names::Makes));
            if makes && renaming.made.is_none() {
                return Err(Lost::Desync("a name that was taken has got another content"));
            }
        }
        if kind == b't'
            && let Some(Kind::Describe(Some(instance)) | Kind::Ask(instance)) =
                self.pending.front().map(|pending| &pending.kind)
        {
            self.learn(*instance, body);
        }
        let head = self.pending.front().map(|pending| &pending.kind);
        match (kind, head) {
            (b'C', Some(Kind::Made(prepared))) => self.prepared.parsed(prepared.id, true),
            (b'1', Some(Kind::Parse(Some(prepared)) | Kind::Prepare(Some(prepared)))) => {
                self.prepared.parsed(prepared.id, true);
            }
            (b'3', Some(Kind::Evict(prepared))) => self.prepared.closed(prepared.id),
            (b'3', Some(Kind::Renew(prepared))) => self.prepared.renewed(prepared.id),
            _ => {}
        }
        let ours = head.is_some_and(Kind::is_ours);
        match (kind, head) {
            (b'1', Some(Kind::Parse(_) | Kind::Prepare(_)))
            | (b'2', Some(Kind::Bind | Kind::OwnBind))
            | (b'C', Some(Kind::Made(_)))
            | (b'3', Some(Kind::Close | Kind::Evict(_) | Kind::Renew(_) | Kind::CloseUnnamed))
            | (b'T' | b'n', Some(Kind::Describe(_) | Kind::Ask(_)))
            | (b'I', Some(Kind::Execute)) => Ok(self.pop()),
            (b's', Some(Kind::Execute)) => {
                // Of what it does some or all is done; how much nobody says.
                self.executed();
                Ok(self.pop())
            }
            (b'C', Some(Kind::Execute)) => {
                self.end_copy();
                self.completed(body);
                Ok(self.pop())
            }
            (b'C', Some(Kind::Query(_) | Kind::Setup | Kind::Reset)) => {
                self.end_copy();
                self.tag(body);
                self.unit.said |= !ours;
                Ok(if ours { Verdict::Ours } else { Verdict::Pass })
            }
            (b'T' | b'D', Some(Kind::Question(_))) => Ok(Verdict::Ours),
            (b'T' | b'D' | b'I' | b'G' | b'H' | b'c' | b'd', Some(Kind::Setup | Kind::Reset)) => {
                Ok(Verdict::Ours)
            }
            (b'C', Some(Kind::Question(_))) => {
                self.note_answer(body);
                Ok(Verdict::Ours)
            }
            (b'C', Some(Kind::Restore(_))) => Ok(Verdict::Ours),
            (b'G', Some(Kind::Query(_) | Kind::Execute)) => {
                self.begin_copy()?;
                self.unit.said = true;
                Ok(Verdict::Pass)
            }
            (b't', Some(Kind::Ask(_))) => Ok(Verdict::Ours),
            (b't', Some(Kind::Describe(_)))
            | (b'T' | b'I' | b'H' | b'c', Some(Kind::Query(_)))
            | (b'H' | b'c', Some(Kind::Execute))
            | (b'V', Some(Kind::Function)) => {
                self.unit.said = true;
                Ok(Verdict::Pass)
            }
            (b'E', _) => self.error(body, sink),
            (b'Z', Some(Kind::Restore(_))) => {
                let mut said: Vec<u8> = self.unit.held.drain(..).flat_map(|(_, message)| message).collect();
                build::ready(&mut said, body.first().copied().unwrap_or(b'I'));
                Ok(Verdict::Instead(said.into()))
            }
            (b'Z', Some(head)) if head.ends_unit() && matches!(body.first(), Some(b'I' | b'T' | b'E')) => {
                if !ours && body.first() != Some(&b'I') {
                    if self.no_transactions {
                        return Err(Lost::Transaction);
                    }
                    // Before its client hears the end of it: who is owed nothing would be told nothing.
                    if self.owner.is_none() {
                        return Err(Lost::Unshareable);
                    }
                }
                Ok(if ours || self.unit.silent || self.is_restored() { Verdict::Ours } else { Verdict::Pass })
            }
            // At any time: a parameter, a notice, a notification.
            (b'S', _) => {
                if let Some((name, rest)) = frame::c_string(body)
                    && let Some((value, _)) = frame::c_string(rest)
                {
                    if name == b"standard_conforming_strings" {
                        self.backslashes = value == b"off";
                    }
                    if (self.is_restored() || matches!(head, Some(Kind::Restore(_)))) && self.rest == 0 {
                        self.unit.held.retain(|(held, _)| held != name);
                        let mut message = Vec::new();
                        build::message(&mut message, b'S', &[body]);
                        self.unit.held.push((name.to_vec(), message));
                        return Ok(Verdict::Ours);
                    }
                    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                    let name = text(name).to_ascii_lowercase();
                    if !ours && head.is_some() && FOLLOWED.contains(&name.as_str()) {
                        self.unit.reported.push((name, text(value)));
                    }
                }
                Ok(if ours { Verdict::Ours } else { Verdict::Pass })
            }
            (b'N', _) => Ok(if ours { Verdict::Ours } else { Verdict::Pass }),
            (b'A', _) => Ok(if self.owner.is_some() && !self.deaf { Verdict::Pass } else { Verdict::Ours }),
            _ => Err(Lost::Desync("an unexpected message")),
        }
    }

    fn note_answer(&mut self, tag: &[u8]) {
        if let Some(Pending { kind: Kind::Question(question), .. }) = self.pending.front_mut() {
            question.answer(tag);
        }
    }

    /// COPY data goes in. A Sync sent since is not heard, up to the end of the data.
    fn begin_copy(&mut self) -> Result<(), Lost> {
        if self.owner.is_none() {
            return Err(Lost::Desync("COPY FROM STDIN on a shared connection"));
        }
        self.copying = true;
        while matches!(self.pending.get(1), Some(Pending { kind: Kind::Sync { .. }, .. })) {
            self.pending.remove(1);
            self.units = self.units.saturating_sub(1);
        }
        Ok(())
    }

    fn end_copy(&mut self) {
        if std::mem::take(&mut self.copying)
            && let Some(at) = self.pending.iter().position(|pending| matches!(pending.kind, Kind::CopyEnd))
        {
            self.pending.remove(at);
        }
    }

    /// An Execute came to its end: what its plan says has happened.
    fn completed(&mut self, body: &[u8]) {
        self.tag(body);
        self.executed();
    }

    fn executed(&mut self) {
        if let Some(Pending { plan: Some(plan), .. }) = self.pending.front() {
            let plan = Arc::clone(plan);
            self.note(&plan);
        }
    }

    /// The unit that ends next has a Restore behind it, which ends it for the client.
    fn is_restored(&self) -> bool {
        matches!(self.pending.get(1), Some(Pending { kind: Kind::Restore(_), .. }))
    }

    fn end_unit(&mut self, status: u8, now_us: u64, sink: &mut impl Sink) -> Result<(), Lost> {
        if !matches!(status, b'I' | b'T' | b'E') {
            return Err(Lost::Desync("an unknown transaction status"));
        }
        if self.skipping {
            self.drop_skipped(sink);
            self.skipping = false;
        }
        let Some(pending) = self.pending.pop_front() else { return Err(Lost::Desync("an answer too many")) };
        let is_text = matches!(pending.kind, Kind::Query(_));
        if !pending.kind.ends_unit() {
            return Err(Lost::Desync("an answer too few"));
        }
        self.units = self.units.saturating_sub(1);
        let mut unit = std::mem::take(&mut self.unit);
        let internal = pending.kind.is_ours();
        self.copying = false;
        self.stopped = None;
        if !matches!(pending.kind, Kind::Ensure) {
            self.carried = None;
        }
        if let Kind::Query(Some(renaming)) = &pending.kind
            && let Some(made) = &renaming.made
        {
            self.prepared.parsed(made.id, !unit.failed);
        }
        if let Some(Pending { kind: Kind::Restore(_), .. }) = self.pending.front() {
            self.unit.held = std::mem::take(&mut unit.held);
        }
        if unit.failed
            && unit.committed
            && let Some(plan) = &pending.plan
        {
            unit.hear_anyway(plan);
        }
        let effect = pending.plan.as_ref().map(|plan| &plan.effect).filter(|effect| !effect.is_none());
        if matches!(pending.kind, Kind::Query(_))
            && let Some(plan) = pending.plan.as_ref().filter(|plan| plan.matters())
        {
            if unit.failed {
                unit.unseen_points |= plan.point == Some(Point::Unseen);
            } else {
                std::mem::swap(&mut self.unit, &mut unit);
                self.note(plan);
                std::mem::swap(&mut self.unit, &mut unit);
            }
        }
        if let Some(mut undo) = pending.undo
            && unit.failed
        {
            // Whether it failed before the statements were dropped or after, a later client is not to find out.
            self.purge = true;
            if let Undo::Forgot { on_server, .. } = &mut *undo {
                self.prepared.restore_all(std::mem::take(on_server));
            }
            sink.undo(pending.client, *undo);
        }
        if self.deaf && matches!(pending.kind, Kind::Setup) {
            // UNLISTEN, unless a LISTEN is behind it.
            let listens = |plan: &Arc<Plan>| !plan.effect.channels.is_empty();
            self.deaf = self.pending.iter().any(|pending| pending.plan.as_ref().is_some_and(listens));
        }
        if matches!(pending.kind, Kind::Reset) {
            self.prepared.clear();
            self.in_transaction.clear();
            self.overflowed = false;
        }
        self.status = status;
        if let Kind::Restore(settings) = &pending.kind
            && !unit.failed
        {
            unit.changes
                .extend(settings.pairs().map(|(name, value)| Change::Set(name.into(), Some(value.into()))));
        }
        if let Kind::Question(question) = pending.kind {
            self.answered = Some(question).filter(|_| !unit.failed);
        }
        let text = effect.is_some() && is_text;
        let (changes, pin) = self.changes(&mut unit, status, text);
        let queued = pending.sent_us < self.done_us;
        let started = pending.sent_us.max(self.done_us);
        self.done_us = now_us;
        let served_us = now_us.saturating_sub(started);
        if !internal {
            self.note_pace(if queued { served_us } else { served_us.saturating_sub(self.way_us) });
        }
        sink.done(Done {
            client: pending.client,
            status,
            failed: unit.failed,
            unread: unit.unread,
            internal,
            again: unit.silent,
            plan: pending.plan,
            changes,
            changed_schema: unit.changed_schema,
            pin,
            sent_us: pending.sent_us,
            served_us,
            bytes: unit.bytes,
            kinds: unit.kinds,
        });
        Ok(())
    }
}

enum Verdict {
    Pass,
    Ours,
    Instead(Box<[u8]>),
}

fn pass(sink: &mut impl Sink, to: Option<Id>, bytes: Option<&[u8]>) {
    if let (Some(to), Some(bytes)) = (to, bytes)
        && !bytes.is_empty()
    {
        sink.pass(to, bytes);
    }
}
