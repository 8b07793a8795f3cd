//! The stage on which conversations are played: clients with their sessions, one server connection, and a script.
//!
//! A line of a script names who speaks or hears, and messages. Clients are A, B, C; the server is S.
//!
//! ```text
//! A> P s1 select 1; B s1; E; S      A sends Parse, Bind, Execute, Sync
//! S< P #1 select 1; B #1; E; S      that is what the server gets, and all of it (#1 is a name of ours)
//! S> 1 2 C:SELECT Z:I               the server answers
//! A< 1 2 C:SELECT Z:I               that is what A gets, and all of it
//! A= set timezone 'UTC'             what the unit meant for A's session
//! A? Quiet                          what A waits for
//! S! Desync                         the connection is given up
//! ```
//!
//! What was heard and not mentioned fails the test when the script ends.

use super::super::client::{Cx, Lane, Session, Step};
use super::super::pending::{Kind, Pending, Undo};
use super::super::server::{Change, Done, Lost, Sink, Upstream};
use super::super::{build, frame};
use super::judged;
use crate::lexer::{self, Literal, Mode};
use crate::plan::{Action, Copy, Effect, Measured, Names, Plan, Point};
use crate::settings::Settings;
use crate::shared::{Limits, Shared};
use crate::slab::Id;
use std::sync::Arc;

pub struct Player {
    pub id: Id,
    pub session: Session,
    pub out: Vec<u8>,
    input: Vec<u8>,
    waits: Option<Step>,
    notes: Vec<String>,
    /// The unit that rides, and whether it does so for the second time.
    unit: Vec<u8>,
    repeated: bool,
}

pub struct Stage {
    pub shared: Shared,
    pub up: Upstream,
    pub to_server: Vec<u8>,
    pub players: Vec<Player>,
    pub prepared: usize,
    /// Statements that begin so are refused from now on.
    pub denies: Option<&'static str>,
    from_server: Vec<u8>,
    lost: Option<Lost>,
    plans: Copy,
    literals: Vec<Literal>,
    settings: Settings,
    now_us: u64,
}

/// Hears for all players.
pub struct Ears<'a> {
    pub players: &'a mut [Player],
    pub dones: Vec<Done>,
}

impl Sink for Ears<'_> {
    fn pass(&mut self, to: Id, bytes: &[u8]) {
        let player = self.players.iter_mut().find(|player| player.id == to);
        player.expect("passed to a client that exists").out.extend_from_slice(bytes);
    }
    fn undo(&mut self, to: Id, undo: Undo) {
        let player = self.players.iter_mut().find(|player| player.id == to);
        player.expect("undone for a client that exists").session.undo(undo);
    }
    fn done(&mut self, done: Done) {
        self.dones.push(done);
    }
}

/// What the brain would say of a statement, by its first word.
pub fn plan_of(text: &str) -> Plan {
    let mut action = Action::Forward;
    let mut effect = Effect::default();
    let (mut names, mut point) = (None, None);
    let mut words = text.split_whitespace();
    match words.next().unwrap_or_default().split('"').next().unwrap_or_default() {
        "set" => {
            let (name, value) = (words.next().unwrap_or("x"), words.next().unwrap_or_default());
            effect.sets.push((name.to_owned(), Some(format!("'{value}'"))));
        }
        "reset" => match words.next().unwrap_or("all") {
            "all" => effect.resets_all = true,
            name => effect.sets.push((name.to_owned(), None)),
        },
        "local" => {
            let (name, value) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            effect.local_sets.push((name.to_owned(), format!("'{value}'")));
        }
        "savepoint" => point = words.next().map(|name| Point::Makes(name.to_owned())),
        "release" => point = words.next().map(|name| Point::Frees(name.to_owned())),
        "rollback" if words.next() == Some("to") => {
            point = words.next().map(|name| Point::Returns(name.to_owned()));
        }
        "several" => point = Some(Point::Unseen),
        "commit" | "rollback" => point = Some(Point::Ends),
        "discard" => (effect.resets_all, effect.forgets_prepared) = (true, true),
        "deallocate" if words.next() == Some("all") => effect.forgets_prepared = true,
        "deallocate" => names = Some(Names::Drops),
        "prepare" if text.contains(" as ") || text.contains("\"as ") => names = Some(Names::Makes),
        "execute" | "explain" => names = Some(Names::Runs),
        "alter" => effect.changes_schema = true,
        "listen" => effect.pin = Some("listens".to_owned()),
        "deny" => action = Action::Deny { code: "42501".to_owned(), message: "no".to_owned() },
        "answer" => action = Action::Answer,
        _ => {}
    }
    let shareable = text.starts_with("select");
    let branches = judged::branches_of(text);
    let measured = Measured::of(1, 1);
    Plan { action, shareable, branches, effect, names, point, measured, ..Plan::default() }
}

impl Stage {
    /// One client that holds the connection, or several that share it.
    pub fn new(clients: usize) -> Self {
        let limits = Limits { max_clients: 10, login_ms: 1_000, max_statement: 4_096 };
        let shared = Shared::new(limits, 1_000, Vec::new()).unwrap();
        let mut up = Upstream::new(Arc::clone(&shared.no_settings), 0);
        let players: Vec<Player> = (0..clients)
            .map(|i| Player {
                id: Id::new(0, i as u32, 2),
                session: Session::default(),
                out: Vec::new(),
                input: Vec::new(),
                waits: None,
                notes: Vec::new(),
                unit: Vec::new(),
                repeated: false,
            })
            .collect();
        up.owner = (clients == 1).then(|| players[0].id);
        Self {
            shared,
            up,
            to_server: Vec::new(),
            players,
            prepared: 100,
            denies: None,
            from_server: Vec::new(),
            lost: None,
            plans: Copy::default(),
            literals: Vec::new(),
            settings: Settings::default(),
            now_us: 0,
        }
    }

    /// The brain answers the last question.
    fn learn(&mut self, text: &[u8]) {
        let lexed = lexer::fingerprint(text, Mode::default(), &self.shared.key, &mut self.literals);
        let mut plan = plan_of(&String::from_utf8_lossy(text));
        if self.denies.is_some_and(|word| text.to_ascii_lowercase().starts_with(word.as_bytes())) {
            plan.action = Action::Deny { code: "42501".to_owned(), message: "no".to_owned() };
        }
        self.shared.learn((0, lexed.fingerprint.0), plan);
    }

    /// Everything the brain was asked for is planned. False when nothing was.
    pub fn brain(&mut self) -> bool {
        let mut any = false;
        for event in self.shared.events.drain(1_000) {
            if let crate::border::Event::PlanNeeded { text, .. } = event {
                self.learn(&text);
                any = true;
            }
        }
        any
    }

    fn step(&mut self, who: usize, input: &[u8], with_lane: bool) -> Result<Step, crate::wire::PeerError> {
        let Self { up, to_server, players, shared, plans, literals, settings, .. } = self;
        let player = &mut players[who];
        let mut cx = Cx {
            me: player.id,
            base: 0,
            scope: 0,
            networks: &[],
            settings,
            startup: settings,
            shared,
            plans,
            literals,
            now_us: self.now_us,
            prepared: self.prepared,
            repeated: player.repeated,
        };
        let lane = with_lane.then_some(Lane { up: &mut *up, out: to_server });
        let step = player.session.step(lane, &mut player.out, input, &mut cx)?;
        let mut ears = Ears { players, dones: Vec::new() };
        up.settle(&mut ears);
        assert!(ears.dones.is_empty(), "settling ends no unit");
        Ok(step)
    }

    /// A client sends; its session takes in what it can.
    pub fn send(&mut self, who: usize, bytes: &[u8]) -> Result<(), crate::wire::PeerError> {
        self.players[who].input.extend_from_slice(bytes);
        if self.players[who].waits.is_some() { Ok(()) } else { self.go_on(who) }
    }

    pub fn go_on(&mut self, who: usize) -> Result<(), crate::wire::PeerError> {
        self.players[who].waits = None;
        loop {
            let input = std::mem::take(&mut self.players[who].input);
            if input.is_empty() {
                return Ok(());
            }
            let riding = self.up.owner.is_none();
            let mine = |pending: &Pending| pending.client == self.players[who].id && !pending.kind.is_ours();
            if riding && (self.up.pending.iter().any(mine) || (self.up.purge && !self.up.is_quiet())) {
                // As the engine has it: one unit at a time on a shared connection, none on one that is in doubt.
                (self.players[who].input, self.players[who].waits) = (input, Some(Step::Quiet));
                return Ok(());
            }
            if riding {
                self.prepare();
            }
            let mut step = self.step(who, &input, !riding)?;
            let mut took = 0;
            while let Step::Lane { ride: Some(length) } = step {
                let player = &mut self.players[who];
                player.session.again &= !player.repeated;
                player.unit = input[..length].to_vec();
                match self.step(who, &input[took..length], true)? {
                    Step::Took(n) if took + n < length => took += n,
                    Step::Took(n) => step = Step::Took(took + n),
                    other => step = other,
                }
            }
            match step {
                Step::Took(n) => self.players[who].input = input[n..].to_vec(),
                Step::Plan if self.brain() => self.players[who].input = input,
                other => {
                    self.players[who].input = input;
                    self.players[who].waits = Some(other).filter(|step| *step != Step::More);
                    return Ok(());
                }
            }
        }
    }

    /// A client that waits gives its unit up.
    pub fn drop_unit(&mut self, who: usize) {
        let player = &mut self.players[who];
        assert!(player.session.drop_unit(&mut player.input).unwrap());
        player.waits = None;
    }

    /// A client of several sends one unit. What may not ride waits until the others are through and has the
    /// connection to itself for once.
    pub fn ride(&mut self, who: usize, unit: &[u8], mut serve: impl FnMut(&mut Self)) {
        let id = self.players[who].id;
        if self.up.pending.iter().any(|pending| pending.client == id) {
            serve(self);
        }
        self.send(who, unit).unwrap();
        if matches!(self.players[who].waits, Some(Step::Lane { ride: None })) {
            serve(self);
            self.prepare();
            self.up.owner = Some(id);
            self.players[who].session.again = false;
            self.go_on(who).unwrap();
            serve(self);
            self.up.owner = None;
        }
    }

    /// What is believed to be prepared on the connection is in doubt: it starts from nothing.
    fn prepare(&mut self) {
        if std::mem::take(&mut self.up.purge) {
            self.up.prepared.clear();
            self.up.push(self.players[0].id, Kind::Setup, None, 0);
            build::query(&mut self.to_server, b"deallocate all");
        }
    }

    /// The server sends. After `Lost` nothing more is taken in.
    pub fn hear(&mut self, bytes: &[u8]) {
        if self.lost.is_some() {
            return;
        }
        self.now_us += 1;
        self.from_server.extend_from_slice(bytes);
        let mut ears = Ears { players: &mut self.players, dones: Vec::new() };
        let used = self.up.absorb(&self.from_server, self.now_us, &mut ears);
        let dones = ears.dones;
        for done in dones {
            let Some(player) = self.players.iter_mut().find(|player| player.id == done.client) else {
                continue;
            };
            if done.internal {
                continue;
            }
            player.session.unit_done(self.up.owner.is_none() || self.up.is_quiet(), done.status);
            player.repeated = done.again;
            if done.again {
                player.input = [&std::mem::take(&mut player.unit)[..], &player.input].concat();
                player.waits = Some(Step::Quiet);
            }
            note(&mut player.notes, &done);
        }
        match used {
            Ok(used) => drop(self.from_server.drain(..used)),
            Err(lost) => self.lost = Some(lost),
        }
        for who in 0..self.players.len() {
            let dry = self.up.is_dry() || self.up.owner.is_none();
            if self.players[who].waits == Some(Step::Quiet) && dry {
                if self.up.owner.is_some() {
                    self.players[who].session.unit_done(true, b'T');
                }
                self.go_on(who).unwrap();
            }
        }
    }

    pub fn lost(&self) -> Option<&Lost> {
        self.lost.as_ref()
    }

    /// Plays a script. Panics with the line that came out otherwise.
    pub fn play(&mut self, script: &str) {
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (who, rest) = line.split_at(1);
            let (what, words) = rest.split_at(1);
            let words = words.trim();
            let at = (who.as_bytes()[0] - b'A') as usize;
            match (who, what) {
                ("S", "<") => {
                    assert_eq!(take_said(&mut self.to_server), words, "the server hears, at: {line}")
                }
                ("S", ">") => self.hear(&server_says(words)),
                ("S", "!") => {
                    let lost = format!("{:?}", self.lost.take().expect("the connection is given up"));
                    assert!(lost.starts_with(words), "{lost}, at: {line}");
                }
                (_, ">") => {
                    self.send(at, &client_says(words)).unwrap_or_else(|error| panic!("{error:?}, at: {line}"))
                }
                (_, "<") => {
                    assert_eq!(take_heard(&mut self.players[at].out), words, "{who} hears, at: {line}")
                }
                (_, "=") => assert_eq!(
                    self.players[at].notes.drain(..).collect::<Vec<_>>().join("; "),
                    words,
                    "{line}"
                ),
                (_, "?") => {
                    let waits = &mut self.players[at].waits;
                    assert_eq!(format!("{waits:?}"), format!("Some({words})"), "{line}");
                    // Replies still to come wake it; for what else it waits, the script has ended.
                    *waits = waits.take().filter(|step| *step == Step::Quiet);
                }
                _ => panic!("not a line: {line}"),
            }
        }
        assert_eq!(take_said(&mut self.to_server), "", "the server heard more");
        for player in &mut self.players {
            assert_eq!(take_heard(&mut player.out), "", "a client heard more");
            assert_eq!(player.notes.join("; "), "", "a unit meant more");
            assert!(player.waits.is_none(), "a client waits: {:?}", player.waits);
        }
        assert!(self.lost.is_none(), "{:?}", self.lost);
    }
}

/// One client's own connection.
pub fn alone(script: &str) -> Stage {
    let mut stage = Stage::new(1);
    stage.play(script);
    stage
}

/// A connection that three clients share.
pub fn together(script: &str) -> Stage {
    let mut stage = Stage::new(3);
    stage.play(script);
    stage
}

fn note(notes: &mut Vec<String>, done: &Done) {
    for change in &done.changes {
        notes.push(match change {
            Change::Hear(listens, name) => {
                format!("{} {}", if *listens { "listen" } else { "unlisten" }, name.as_deref().unwrap_or("*"))
            }
            Change::Set(name, Some(value)) => format!("set {name} {value}"),
            Change::Set(name, None) => format!("reset {name}"),
            Change::ResetAll => "reset all".to_owned(),
            other => panic!("no change of a session: {other:?}"),
        });
    }
    notes.extend(done.pin.map(|why| format!("pin: {why}")));
    notes.extend(done.changed_schema.then(|| "schema".to_owned()));
    notes.extend(done.again.then(|| "again".to_owned()));
}

pub fn message(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    build::message(&mut out, kind, parts);
    out
}

/// A client's messages, as in `P s1 select 1; B s1; S`. `-` is the empty name.
pub fn client_says(words: &str) -> Vec<u8> {
    words.split(';').flat_map(|one| client_message(one.trim())).collect()
}

fn client_message(one: &str) -> Vec<u8> {
    let (kind, rest) = one.split_once(' ').unwrap_or((one, ""));
    let (first, second) = rest.split_once(' ').unwrap_or((rest, ""));
    let name = |name: &str| if name == "-" { Vec::new() } else { name.as_bytes().to_vec() };
    match kind {
        "Q" => message(b'Q', &[rest.as_bytes(), b"\0"]),
        "P" => message(b'P', &[&name(first), b"\0", second.as_bytes(), b"\0\0\0"]),
        "B" => message(b'B', &[&name(second), b"\0", &name(first), b"\0\0\0\0\0\0\0"]),
        // With one value, in text: `BV s1 5`.
        "BV" => {
            let length = (second.len() as u32).to_be_bytes();
            let value = [b"\0\0\0\x01", &length[..], second.as_bytes(), b"\0\0"].concat();
            message(b'B', &[b"\0", &name(first), b"\0", &value])
        }
        "D" => message(b'D', &[b"S", &name(first), b"\0"]),
        "DP" => message(b'D', &[b"P", &name(first), b"\0"]),
        "E" => message(b'E', &[&name(first), b"\0\0\0\0\0"]),
        "C" => message(b'C', &[b"S", &name(first), b"\0"]),
        "CP" => message(b'C', &[b"P", &name(first), b"\0"]),
        "d" | "f" => message(kind.as_bytes()[0], &[rest.as_bytes()]),
        "F" => message(b'F', &[b"\0\0\0\x01"]),
        "S" | "H" | "c" | "X" => message(kind.as_bytes()[0], &[]),
        _ => panic!("not a message: {one}"),
    }
}

/// A server's messages, as in `1 2 C:SELECT Z:I`.
pub fn server_says(words: &str) -> Vec<u8> {
    words.split_whitespace().flat_map(server_message).collect()
}

fn server_message(word: &str) -> Vec<u8> {
    let (kind, rest) = word.split_once(':').unwrap_or((word, ""));
    let body = rest.as_bytes();
    match kind {
        "C" => message(b'C', &[body, b"\0"]),
        "Z" => message(b'Z', &[body]),
        "D" => message(b'D', &[b"\0\x01\0\0", &(body.len() as u16).to_be_bytes(), body]),
        "E" => message(b'E', &[b"SERROR\0VERROR\0C", body, b"\0Mwords\0\0"]),
        "STALE" => message(b'E', &[b"SERROR\0VERROR\0C0A000\0Mcached plan\0RRevalidateCachedQuery\0\0"]),
        "FATAL" => message(b'E', &[b"SFATAL\0VFATAL\0C", body, b"\0Mwords\0\0"]),
        "S" => {
            let (name, value) = rest.split_once('=').unwrap();
            message(b'S', &[name.as_bytes(), b"\0", value.as_bytes(), b"\0"])
        }
        "WIDE" => message(b'T', &[&vec![b'w'; rest.parse().unwrap()]]),
        one if one.len() == 1 => message(one.as_bytes()[0], &[body]),
        _ => panic!("not a message: {word}"),
    }
}

fn messages(bytes: &mut Vec<u8>) -> Vec<(u8, Vec<u8>)> {
    let (mut all, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let length = u32::from_be_bytes(bytes[at + 1..at + 5].try_into().unwrap()) as usize;
        assert!(at + 1 + length <= bytes.len(), "half a message: {:?}", &bytes[at..]);
        all.push((bytes[at], bytes[at + 5..at + 1 + length].to_vec()));
        at += 1 + length;
    }
    bytes.clear();
    all
}

/// `#1` for a name of ours, which has a random number of the process in it.
fn short(text: &str) -> String {
    match text.split_once("articdbm_") {
        Some((before, name)) if name.get(8..9) == Some("_") => format!("{before}#{}", short(&name[9..])),
        _ => text.to_owned(),
    }
}

/// What the server was sent, in the notation of scripts.
pub fn take_said(bytes: &mut Vec<u8>) -> String {
    let one = |(kind, body): (u8, Vec<u8>)| {
        let strings: Vec<String> = body
            .split(|b| *b == 0)
            .map(|part| short(&String::from_utf8_lossy(part)).replace('\n', ""))
            .collect();
        let dash = |name: &str| if name.is_empty() { "-".to_owned() } else { name.replace(' ', "_") };
        let join = |parts: &[&str]| parts.join(" ").trim_end().to_owned();
        match kind {
            b'P' => join(&["P", &dash(&strings[0]), &strings[1]]),
            b'B' => join(&["B", &dash(&strings[1]), &strings[0]]),
            b'D' | b'C' => {
                let (what, name) = strings[0].split_at(1);
                let kind = char::from(kind).to_string() + if what == "P" { "P" } else { "" };
                join(&[&kind, &dash(name)])
            }
            b'd' | b'f' => join(&[&char::from(kind).to_string(), &String::from_utf8_lossy(&body)]),
            b'F' => "F".to_owned(),
            _ => join(&[&char::from(kind).to_string(), &strings[0]]),
        }
    };
    messages(bytes).into_iter().map(one).collect::<Vec<_>>().join("; ")
}

/// What a client was sent, in the notation of scripts.
pub fn take_heard(bytes: &mut Vec<u8>) -> String {
    let one = |(kind, body): (u8, Vec<u8>)| {
        let kind = char::from(kind);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match kind {
            'E' => format!("E:{}", text(build::field(&body, b'C').unwrap())),
            'D' => format!("D:{}", text(&body[6..])),
            'S' => format!(
                "S:{}={}",
                text(frame::c_string(&body).unwrap().0),
                text(body.split(|b| *b == 0).nth(1).unwrap())
            ),
            'T' if body.first() == Some(&b'w') => format!("WIDE:{}", body.len()),
            _ if body.is_empty() => kind.to_string(),
            _ => format!("{kind}:{}", text(body.strip_suffix(b"\0").unwrap_or(&body))),
        }
    };
    messages(bytes).into_iter().map(one).collect::<Vec<_>>().join(" ")
}
