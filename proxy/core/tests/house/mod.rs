//! A house in one thread: engines that take turns, a brain that answers at once, servers that speak just enough
//! PostgreSQL to tell whose statement they ran. Sockets are real, the order of things is the test's.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use _core::border::{Admit, Attach, Command, Event, Fail};
use _core::brain;
use _core::engine::Engine;
use _core::plan::{Action, Effect, Measured, Plan};
use _core::poll::{Poll, PollSet};
use _core::pool::{Mode, PoolConfig};
use _core::shared::{Limits, Shared};
use _core::slab::Id;
use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

pub const POOL: u32 = 1;
/// Nothing here takes so long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(30);

pub fn config(size: usize) -> PoolConfig {
    PoolConfig {
        label: "main".to_owned(),
        group: 0,
        group_size: 0,
        mode: Mode::Transaction,
        size,
        min_size: 0,
        reserve: 0,
        reserve_after_ms: 0,
        wait_ms: 0,
        max_waiting: 0,
        statement_ms: 0,
        idle_transaction_ms: 0,
        client_idle_ms: 0,
        server_lifetime_ms: 0,
        server_idle_ms: 0,
        sharing: true,
        share_depth: 16,
        prepared: 100,
    }
}

/// What the planner would say, by the first word.
pub fn plan_of(text: &str) -> Plan {
    let mut action = Action::Forward;
    let mut effect = Effect::default();
    let mut words = text.split_whitespace();
    match words.next().unwrap_or_default() {
        "set" => effect
            .sets
            .push((words.next().unwrap().to_owned(), words.next().map(|value| format!("'{value}'")))),
        "listen" => effect.pin = Some("listens".to_owned()),
        "deny" => action = Action::Deny { code: "42501".to_owned(), message: "no".to_owned() },
        "answer" => action = Action::Answer,
        _ => {}
    }
    Plan { action, shareable: text.starts_with("select"), effect, era: 0, measured: Measured::default() }
}

pub struct House {
    pub shared: Arc<Shared>,
    pub engines: Vec<Engine>,
    pub servers: Vec<Server>,
    pub events: Vec<String>,
    pub addresses: Vec<SocketAddr>,
    /// Clients that wait in log-in for the test to say more.
    pub logins: Vec<Id>,
    pub cancels: Vec<u64>,
    pub answers: Vec<(Id, u64)>,
    /// What the brain does by itself.
    pub admits: bool,
    pub plans: bool,
    pub attaches: bool,
    pub refuses: Option<(&'static str, bool, u64)>,
    next: AtomicUsize,
    tickets: u64,
}

impl House {
    pub fn new(config: PoolConfig) -> Self {
        Self::with(1, Limits { max_clients: 5_000, login_ms: 60_000, max_statement: 1 << 20 }, config)
    }

    pub fn with(carriers: usize, limits: Limits, config: PoolConfig) -> Self {
        let polls: Vec<Poll> = (0..carriers).map(|_| Poll::new().unwrap()).collect();
        let sets = polls.iter().map(|poll| PollSet(poll.raw())).collect();
        let shared = Arc::new(Shared::new(limits, 1_000, sets).unwrap());
        let engines = polls
            .into_iter()
            .enumerate()
            .map(|(at, poll)| Engine::new(at, poll, Arc::clone(&shared)).unwrap())
            .collect();
        let mut house = Self {
            shared,
            engines,
            servers: Vec::new(),
            events: Vec::new(),
            addresses: Vec::new(),
            logins: Vec::new(),
            cancels: Vec::new(),
            answers: Vec::new(),
            admits: true,
            plans: true,
            attaches: true,
            refuses: None,
            next: AtomicUsize::new(0),
            tickets: 0,
        };
        let listeners: Vec<TcpListener> =
            (0..carriers).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        house.addresses = listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
        let fds =
            listeners.into_iter().inspect(|listener| listener.set_nonblocking(true).unwrap()).map(Into::into);
        house.say(Command::Listen { listener: 7, fds: fds.collect(), tls: None });
        house.say(Command::OpenPool { pool: POOL, config: Box::new(config) });
        house
    }

    pub fn say(&mut self, command: Command) {
        brain::apply(&self.shared, &self.next, command);
    }

    /// Everybody does what there is to do now.
    pub fn turn(&mut self) {
        for engine in &mut self.engines {
            engine.turn(0);
        }
        for event in self.shared.events.drain(10_000) {
            self.hear(event);
        }
        for server in &mut self.servers {
            server.work();
        }
    }

    /// Turns until it is so.
    pub fn until(&mut self, what: &str, mut is: impl FnMut(&mut Self) -> bool) {
        let since = Instant::now();
        while !is(self) {
            assert!(since.elapsed() < PATIENCE, "never: {what}; {:?}", self.events);
            self.turn();
        }
    }

    /// Turns enough for whatever can happen without more input to have happened.
    pub fn settle(&mut self) {
        for _ in 0..30 {
            self.turn();
        }
    }

    fn hear(&mut self, event: Event) {
        let line = match event {
            Event::Startup { conn, listener, version, body, tls, .. } => {
                self.logins.push(conn);
                if self.admits {
                    self.admit(conn, Vec::new());
                }
                format!(
                    "Startup {listener} {version:x} {} {tls}",
                    String::from_utf8_lossy(&body).replace('\0', "|")
                )
            }
            Event::AuthMessage { kind, body, .. } => {
                format!("AuthMessage {} {}", char::from(kind), body.len())
            }
            Event::Closed { reason, .. } => format!("Closed {reason}"),
            Event::PlanNeeded { scope, key, text, settings, .. } => {
                let text = String::from_utf8_lossy(&text).into_owned();
                if self.plans {
                    self.say(Command::Learn { scope, key, plan: Box::new(plan_of(&text)) });
                }
                format!("PlanNeeded {text} {settings:?}")
            }
            Event::AnswerNeeded { conn, ticket, text, .. } => {
                self.answers.push((conn, ticket));
                format!("AnswerNeeded {}", String::from_utf8_lossy(&text))
            }
            Event::ServerNeeded { pool } => {
                if let Some((code, finally, retry_ms)) = self.refuses {
                    let fail =
                        Fail { pool, code: code.to_owned(), message: "down".to_owned(), finally, retry_ms };
                    self.say(Command::Fail(Box::new(fail)));
                } else if self.attaches {
                    self.attach(pool);
                }
                format!("ServerNeeded {pool}")
            }
            Event::ServerOpened { conn, ticket, .. } => {
                if let Some(server) = self.servers.iter_mut().find(|server| server.ticket == ticket) {
                    server.conn = Some(conn);
                    let secret = vec![ticket as u8; 4];
                    self.say(Command::AdmitServer {
                        conn,
                        pid: ticket as u32,
                        secret,
                        parameters: Vec::new(),
                    });
                }
                "ServerOpened".to_owned()
            }
            Event::ServerMessage { kind, .. } => format!("ServerMessage {}", char::from(kind)),
            Event::ServerLost { admitted, reason, .. } => format!("ServerLost {admitted} {reason}"),
            Event::CancelNeeded { ticket, pid, secret, .. } => {
                self.cancels.push(ticket);
                format!("CancelNeeded {pid} {secret:?}")
            }
            Event::Fault { message } => panic!("{message}"),
        };
        self.events.push(line);
    }

    pub fn admit(&mut self, conn: Id, settings: Vec<(String, String)>) {
        let greeting = b"R\0\0\0\x08\0\0\0\0".to_vec();
        self.say(Command::Admit(Box::new(Admit {
            conn,
            pool: POOL,
            base: 1,
            greeting,
            settings,
            key_bytes: 4,
        })));
    }

    pub fn attach(&mut self, pool: u32) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        theirs.set_nonblocking(true).unwrap();
        self.tickets += 1;
        self.servers.push(Server::new(ours, self.tickets));
        let (address, server_name) = ("db:5432".to_owned(), String::new());
        let attach =
            Attach { pool, ticket: self.tickets, fd: theirs.into(), address, tls: None, server_name };
        self.say(Command::Attach(Box::new(attach)));
    }

    /// A socket to a carrier, with nothing said yet.
    pub fn knock(&mut self, carrier: usize) -> Client {
        let stream = TcpStream::connect(self.addresses[carrier]).unwrap();
        stream.set_nonblocking(true).unwrap();
        stream.set_nodelay(true).unwrap();
        Client { stream, input: Vec::new(), key: Vec::new(), unsent: Vec::new() }
    }

    /// A client that is logged in.
    pub fn client(&mut self) -> Client {
        self.client_of(0)
    }

    pub fn client_of(&mut self, carrier: usize) -> Client {
        let mut client = self.knock(carrier);
        client.send(&startup());
        self.expect(&mut client, "R K Z:I");
        client
    }

    /// The client hears exactly this next.
    pub fn expect(&mut self, client: &mut Client, wanted: &str) {
        let mut heard: Vec<String> = Vec::new();
        let count = wanted.split_whitespace().count();
        let since = Instant::now();
        while heard.len() < count {
            match client.next() {
                Next::Message(message) => heard.push(message),
                Next::Nothing => {
                    let so_far = heard.join(" ");
                    assert!(
                        since.elapsed() < PATIENCE,
                        "heard {so_far:?} instead of {wanted:?}; {:?}",
                        self.events
                    );
                    self.turn();
                }
                Next::End => heard.push("END".to_owned()),
            }
        }
        assert_eq!(heard.join(" "), wanted);
    }

    /// The client hears nothing, however often everybody takes a turn.
    pub fn silence(&mut self, client: &mut Client) {
        self.settle();
        if let Next::Message(message) = client.next() {
            panic!("heard {message}");
        }
    }

    /// The connections of the pool: in all, idle, and on their way.
    pub fn counts(&self) -> (usize, usize, usize) {
        self.shared.pool(POOL).unwrap().counts()
    }

    /// How often something happened whose line begins so.
    pub fn count(&self, event: &str) -> usize {
        self.events.iter().filter(|line| line.starts_with(event)).count()
    }
}

pub fn startup() -> Vec<u8> {
    let mut packet = Vec::new();
    let body = b"user\0app\0\0";
    packet.extend((8 + body.len() as u32).to_be_bytes());
    packet.extend(196_608u32.to_be_bytes());
    packet.extend(body);
    packet
}

pub fn message(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut out = vec![kind];
    out.extend((4 + parts.iter().map(|part| part.len()).sum::<usize>() as u32).to_be_bytes());
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

pub fn query(text: &str) -> Vec<u8> {
    message(b'Q', &[text.as_bytes(), b"\0"])
}

/// Parse, Bind, Describe, Execute, Sync of a named or unnamed statement.
pub fn extended(name: &str, text: &str) -> Vec<u8> {
    [message(b'P', &[name.as_bytes(), b"\0", text.as_bytes(), b"\0\0\0"]), bound(name)].concat()
}

pub fn bound(name: &str) -> Vec<u8> {
    let bind = message(b'B', &[b"\0", name.as_bytes(), b"\0\0\0\0\0\0\0"]);
    [bind, message(b'E', &[b"\0\0\0\0\0"]), message(b'S', &[])].concat()
}

pub enum Next {
    Message(String),
    Nothing,
    End,
}

pub struct Client {
    pub stream: TcpStream,
    pub input: Vec<u8>,
    /// Process number and secret, for a cancel request.
    pub key: Vec<u8>,
    unsent: Vec<u8>,
}

impl Client {
    /// Sends as much as the kernel takes now; `push` sends the rest.
    pub fn send(&mut self, bytes: &[u8]) {
        self.unsent.extend_from_slice(bytes);
        self.push();
    }

    pub fn push(&mut self) -> usize {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(n) => drop(self.unsent.drain(..n)),
                Err(_) => break,
            }
        }
        self.unsent.len()
    }

    pub fn say(&mut self, text: &str) {
        self.send(&query(text));
    }

    pub fn read(&mut self) -> bool {
        let mut chunk = [0; 65_536];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => return false,
                Ok(n) => self.input.extend_from_slice(&chunk[..n]),
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
    }

    pub fn next(&mut self) -> Next {
        self.push();
        let open = self.read();
        match take(&mut self.input) {
            Some((b'K', body)) => {
                self.key = body;
                Next::Message("K".to_owned())
            }
            Some((b'R', _)) => Next::Message("R".to_owned()),
            Some((kind, body)) => Next::Message(tell(kind, &body)),
            None if open => Next::Nothing,
            None => Next::End,
        }
    }
}

fn take(bytes: &mut Vec<u8>) -> Option<(u8, Vec<u8>)> {
    let length = u32::from_be_bytes(bytes.get(1..5)?.try_into().unwrap()) as usize;
    let body = bytes.get(5..1 + length)?.to_vec();
    let kind = bytes[0];
    bytes.drain(..1 + length);
    Some((kind, body))
}

fn tell(kind: u8, body: &[u8]) -> String {
    let text =
        |bytes: &[u8]| String::from_utf8_lossy(bytes.strip_suffix(b"\0").unwrap_or(bytes)).replace(' ', "_");
    match kind {
        b'D' if body.len() > 200 => format!("D:{}", body.len() - 6),
        b'D' => format!("D:{}", text(&body[6..])),
        b'E' => {
            let code = body.split(|b| *b == 0).find(|field| field.first() == Some(&b'C'));
            let fatal = body.starts_with(b"SFATAL");
            format!("E:{}{}", text(&code.unwrap_or_default()[1..]), if fatal { "!" } else { "" })
        }
        _ if body.is_empty() => char::from(kind).to_string(),
        _ => format!("{}:{}", char::from(kind), text(body)),
    }
}

/// The other end of a server connection.
pub struct Server {
    pub stream: UnixStream,
    pub ticket: u64,
    pub conn: Option<Id>,
    /// Every statement text and message kind that came.
    pub heard: Vec<String>,
    /// Answers are kept back while it is off.
    pub answers: bool,
    /// Nothing is even read while it is off.
    pub reads: bool,
    pub gone: bool,
    pub unsent: Vec<u8>,
    kept: Vec<u8>,
    input: Vec<u8>,
    named: HashMap<Vec<u8>, String>,
    portal: String,
    status: u8,
    skipping: bool,
    copying: bool,
    /// Its TimeZone, and what it was when the transaction began.
    zone: String,
    zone_before: String,
}

impl Server {
    fn new(stream: UnixStream, ticket: u64) -> Self {
        Self {
            stream,
            ticket,
            conn: None,
            heard: Vec::new(),
            answers: true,
            reads: true,
            gone: false,
            unsent: Vec::new(),
            kept: Vec::new(),
            input: Vec::new(),
            named: HashMap::new(),
            portal: String::new(),
            status: b'I',
            skipping: false,
            copying: false,
            zone: "none".to_owned(),
            zone_before: String::new(),
        }
    }

    fn work(&mut self) {
        let mut chunk = [0; 65_536];
        while self.reads && !self.gone {
            match self.stream.read(&mut chunk) {
                Ok(0) => self.gone = true,
                Ok(n) => self.input.extend_from_slice(&chunk[..n]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => self.gone = true,
            }
        }
        while let Some((kind, body)) = take(&mut self.input) {
            self.message(kind, &body);
        }
        if self.answers {
            self.unsent.append(&mut self.kept);
        }
        self.push();
    }

    /// Says something of its own.
    pub fn say(&mut self, bytes: &[u8]) {
        self.unsent.extend_from_slice(bytes);
        self.push();
    }

    fn push(&mut self) {
        while !self.unsent.is_empty() && !self.gone {
            match self.stream.write(&self.unsent) {
                Ok(n) => drop(self.unsent.drain(..n)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => self.gone = true,
            }
        }
    }

    fn reply(&mut self, kind: u8, parts: &[&[u8]]) {
        let bytes = message(kind, parts);
        self.kept.extend(bytes);
    }

    fn row(&mut self, value: &[u8]) {
        let length = (value.len() as u32).to_be_bytes();
        self.reply(b'D', &[b"\0\x01", &length, value]);
    }

    fn error(&mut self, code: &str) {
        self.reply(b'E', &[b"SERROR\0VERROR\0C", code.as_bytes(), b"\0Mno\0\0"]);
    }

    fn ready(&mut self) {
        let status = [self.status];
        self.reply(b'Z', &[&status]);
    }

    /// Rows of the statement, then its tag. Rows say what they are asked for, and under which settings.
    fn run(&mut self, text: &str) {
        let last = text.rsplit(' ').next().unwrap_or_default();
        match text.split(' ').next().unwrap_or_default() {
            "begin" => {
                self.status = b'T';
                self.zone_before.clone_from(&self.zone);
            }
            "commit" => self.status = b'I',
            "rollback" => {
                self.status = b'I';
                self.zone.clone_from(&self.zone_before);
            }
            "big" => self.row(&vec![b'x'; last.parse().unwrap()]),
            "select" if text.contains("big") => self.row(&vec![b'x'; last.parse().unwrap()]),
            "select" if text.contains("zone") => self.row(format!("{} {last}", self.zone).as_bytes()),
            "fail" => return self.error("22012"),
            "copy" => {
                self.copying = true;
                return self.reply(b'G', &[b"\0\0\0"]);
            }
            "set" | "SET" => last.trim_matches('\'').clone_into(&mut self.zone),
            "RESET" | "DISCARD" => "none".clone_into(&mut self.zone),
            "DEALLOCATE" => self.named.clear(),
            _ => self.row(text.as_bytes()),
        }
        if text.starts_with("DISCARD") {
            self.named.clear();
        }
        let tag: &[u8] = match text {
            "begin" => b"BEGIN\0",
            "commit" => b"COMMIT\0",
            "rollback" => b"ROLLBACK\0",
            _ => b"OK\0",
        };
        self.reply(b'C', &[tag]);
    }

    fn message(&mut self, kind: u8, body: &[u8]) {
        let strings: Vec<&[u8]> = body.split(|b| *b == 0).collect();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match kind {
            b'Q' => self.heard.push(text(strings[0])),
            b'P' => self.heard.push(format!("P {}", text(strings[1]))),
            _ => self.heard.push(char::from(kind).to_string()),
        }
        if kind == b'S' {
            self.skipping = false;
            return self.ready();
        }
        if self.skipping {
            return;
        }
        match kind {
            b'Q' => {
                // Only what brings settings along has several statements.
                let text = text(strings[0]);
                for one in text.split_terminator(';') {
                    self.run(one);
                }
                if !self.copying {
                    self.ready();
                }
            }
            b'c' if self.copying => {
                self.copying = false;
                self.reply(b'C', &[b"COPY\0"]);
                self.ready();
            }
            b'P' => {
                self.named.insert(strings[0].to_vec(), text(strings[1]));
                self.reply(b'1', &[]);
            }
            b'B' => match self.named.get(strings[1]).cloned() {
                Some(statement) => {
                    self.portal = statement;
                    self.reply(b'2', &[]);
                }
                None => {
                    self.skipping = true;
                    self.error("26000");
                }
            },
            b'E' => {
                let statement = self.portal.clone();
                self.skipping = statement.starts_with("fail");
                self.run(&statement);
            }
            b'C' => {
                self.named.remove(&body[1..body.len() - 1]);
                self.reply(b'3', &[]);
            }
            _ => {}
        }
    }
}
