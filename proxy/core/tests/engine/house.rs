//! A house in one thread: engines that take turns, a brain that answers at once, servers that speak just enough
//! PostgreSQL to tell whose statement they ran. Sockets are real, the order of things is the test's.

use crate::client::{Client, Next};
use crate::server::Server;
use crate::words::startup;
use _core::border::{Admit, Attach, Command, Event, Fail};
use _core::brain;
use _core::engine::Engine;
use _core::plan::{Action, Effect, Measured, Names, Plan};
use _core::poll::{Poll, PollSet};
use _core::pool::PoolConfig;
use _core::shared::{Limits, Shared};
use _core::slab::Id;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

pub const POOL: u32 = 1;
/// Nothing here takes so long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(30);

pub fn config(size: usize) -> PoolConfig {
    PoolConfig::of(size)
}

/// What the planner would say, by the first word.
pub fn plan_of(text: &str) -> Plan {
    let mut action = Action::Forward;
    let mut effect = Effect::default();
    let mut names = None;
    let mut words = text.split_whitespace();
    match words.next().unwrap_or_default() {
        "set" => effect
            .sets
            .push((words.next().unwrap().to_owned(), words.next().map(|value| format!("'{value}'")))),
        "reset" => effect.sets.push((words.next().unwrap().to_owned(), None)),
        "listen" => effect.pin = Some("listens".to_owned()),
        "deny" => action = Action::Deny { code: "42501".to_owned(), message: "no".to_owned() },
        "answer" => action = Action::Answer,
        "prepare" => names = Some(Names::Makes),
        "execute" => names = Some(Names::Runs),
        "deallocate" => names = Some(Names::Drops),
        _ => {}
    }
    // As one that ran before and was short: what was never measured does not share.
    Plan {
        action,
        shareable: text.starts_with("select"),
        effect,
        names,
        measured: Measured::of(1, 1),
        ..Plan::default()
    }
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
    /// Denied from now on.
    pub denies: Option<&'static str>,
    pub attaches: bool,
    pub admits_servers: bool,
    /// New servers answer nothing.
    pub mute: bool,
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
            denies: None,
            attaches: true,
            admits_servers: true,
            mute: false,
            refuses: None,
            next: AtomicUsize::new(0),
            tickets: 0,
        };
        let listeners: Vec<TcpListener> =
            (0..carriers).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        house.addresses = listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
        let fds =
            listeners.into_iter().inspect(|listener| listener.set_nonblocking(true).unwrap()).map(Into::into);
        house.say(Command::Listen { listener: 7, fds: fds.collect(), tls: None, proxies: Arc::new([]) });
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
            Event::EarNeeded { conn, ticket, channels, .. } => {
                self.answers.push((conn, ticket));
                format!("EarNeeded {}", channels.join(" "))
            }
            Event::Heard { channels, .. } => {
                let said = |(listens, name): &(bool, Option<String>)| {
                    format!(" {}{}", if *listens { "+" } else { "-" }, name.as_deref().unwrap_or("*"))
                };
                format!("Heard{}", channels.iter().map(said).collect::<String>())
            }
            Event::Discarded { .. } => "Discarded".to_owned(),
            Event::PlanNeeded { scope, key, text, settings, application, networks, .. } => {
                let text = String::from_utf8_lossy(&text).into_owned();
                if self.plans {
                    let denied = self.denies.is_some_and(|denied| denied == text);
                    let plan = Box::new(plan_of(if denied { "deny" } else { &text }));
                    self.say(Command::Learn { scope, key, plan });
                }
                let who = if application.is_some() || !networks.is_empty() {
                    format!(" as {} from {}", application.unwrap_or_default(), networks.join(" "))
                } else {
                    String::new()
                };
                format!("PlanNeeded {text} {settings:?}{who}")
            }
            Event::AnswerNeeded { conn, ticket, text, .. } => {
                self.answers.push((conn, ticket));
                format!("AnswerNeeded {}", String::from_utf8_lossy(&text))
            }
            Event::UnitNeeded { conn, ticket, unit, .. } => {
                self.answers.push((conn, ticket));
                format!("UnitNeeded {} bytes", unit.len())
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
                    if !self.admits_servers {
                        return self.events.push("ServerOpened".to_owned());
                    }
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
            Event::CancelStray { pid, secret, .. } => format!("CancelStray {pid} {secret:?}"),
            Event::Silent { pool, address } => format!("Silent {pool} {address}"),
            Event::Slow(slow) => {
                let whole = slow.total_us >= slow.queue_us + slow.server_us && slow.server_us > 0;
                format!("Slow {} {} {whole} {}", slow.base, slow.key != 0, slow.failed)
            }
            Event::Listed(listed) => {
                format!("Listed {} clients, {} servers", listed.clients.len(), listed.servers.len())
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
        self.attach_near(pool, None);
    }

    pub fn attach_near(&mut self, pool: u32, near: Option<Id>) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        theirs.set_nonblocking(true).unwrap();
        self.tickets += 1;
        let mut server = Server::new(ours, self.tickets);
        server.answers = !self.mute;
        self.servers.push(server);
        let (address, server_name) = ("db:5432".to_owned(), String::new());
        let attach =
            Attach { pool, ticket: self.tickets, fd: theirs.into(), address, tls: None, server_name, near };
        self.say(Command::Attach(Box::new(attach)));
    }

    /// A socket to a carrier, with nothing said yet.
    pub fn knock(&mut self, carrier: usize) -> Client {
        let stream = TcpStream::connect(self.addresses[carrier]).unwrap();
        stream.set_nonblocking(true).unwrap();
        stream.set_nodelay(true).unwrap();
        Client::new(stream)
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

    /// One that asked for these settings when it logged in.
    pub fn client_with(&mut self, settings: Vec<(String, String)>) -> Client {
        self.admits = false;
        let mut client = self.knock(0);
        client.send(&startup());
        let before = self.logins.len();
        self.until("it logs in", |house| house.logins.len() > before);
        self.admit(self.logins[before], settings);
        self.admits = true;
        self.expect(&mut client, "R K Z:I");
        client
    }

    /// All of them say something, in this order, and share a connection that does not answer. How long anything
    /// took does not matter: their plans are new, and learnt in the same turn.
    pub fn ride(&mut self, riders: &mut [(&mut Client, &str)]) {
        self.servers[0].answers = false;
        let before = self.servers[0].heard.len();
        self.say(Command::ForgetPlans { bases: None });
        for (client, text) in riders.iter_mut() {
            client.say(text);
        }
        self.until("all share it", |house| house.servers[0].heard.len() == before + riders.len());
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

    /// What the client hears next, END included.
    pub fn hear_one(&mut self, client: &mut Client) -> String {
        let since = Instant::now();
        loop {
            match client.next() {
                Next::Message(message) => return message,
                Next::End => return "END".to_owned(),
                Next::Nothing => {
                    assert!(since.elapsed() < PATIENCE, "heard nothing; {:?}", self.events);
                    self.turn();
                }
            }
        }
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
