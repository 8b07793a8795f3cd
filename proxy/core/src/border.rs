//! What crosses between core and brain: Events go out, Commands come in. Plain data.

use crate::asks::Asks;
use crate::conn::tls::{ClientTls, ServerTls};
use crate::plan::Plan;
use crate::pool::{Hold, PoolConfig};
use crate::slab::Id;
use crate::wire::proxy::Network;
use std::os::fd::OwnedFd;
use std::sync::Arc;

pub enum Event {
    Startup {
        conn: Id,
        listener: u32,
        peer: String,
        version: u32,
        body: Vec<u8>,
        tls: bool,
        cert: Option<Vec<u8>>,
        /// Of the process at the other end of a Unix socket.
        uid: Option<u32>,
    },
    AuthMessage {
        conn: Id,
        kind: u8,
        body: Vec<u8>,
    },
    Closed {
        conn: Id,
        reason: String,
    },
    /// The client gave up all its session had, with DISCARD ALL.
    Discarded {
        conn: Id,
    },
    PlanNeeded {
        scope: u32,
        key: u128,
        base: u32,
        settings: Vec<(String, String)>,
        /// Where they are asked: see `Command::Guard`.
        application: Option<String>,
        networks: Vec<String>,
        exact: bool,
        text: Vec<u8>,
    },
    /// A client is about to LISTEN in a statement among others: it goes on when the brain listens for it, too.
    EarNeeded {
        conn: Id,
        ticket: u64,
        base: u32,
        channels: Vec<String>,
    },
    /// What of its LISTEN (true) and UNLISTEN, in their order, has come about; no channel is all of them.
    Heard {
        conn: Id,
        channels: Vec<(bool, Option<String>)>,
    },
    AnswerNeeded {
        conn: Id,
        ticket: u64,
        base: u32,
        text: Vec<u8>,
    },
    /// Messages of the extended protocol up to Sync or Flush, from who has no pool.
    UnitNeeded {
        conn: Id,
        ticket: u64,
        base: u32,
        unit: Vec<u8>,
    },
    ServerNeeded {
        pool: u32,
    },
    ServerOpened {
        conn: Id,
        ticket: u64,
        cert: Option<Vec<u8>>,
    },
    ServerMessage {
        conn: Id,
        ticket: u64,
        kind: u8,
        body: Vec<u8>,
    },
    ServerLost {
        conn: Id,
        ticket: u64,
        pool: u32,
        admitted: bool,
        reason: String,
    },
    /// A reply has been awaited there for as long as Survey said.
    Silent {
        pool: u32,
        address: String,
    },
    /// A statement took longer than asked for.
    Slow(Box<Slow>),
    CancelNeeded {
        ticket: u64,
        pool: u32,
        address: String,
        pid: u32,
        secret: Vec<u8>,
    },
    /// A cancel request for nobody here; a process that this one took over from may know whom it is for.
    CancelStray {
        conn: Id,
        pid: u32,
        secret: Vec<u8>,
    },
    /// One carrier's connections; `of` carriers answer.
    Listed(Box<Listed>),
    Fault {
        message: String,
    },
}

/// What is told of a slow statement: whose, which (never its text), and where its time went.
pub struct Slow {
    pub conn: Id,
    pub pool: u32,
    pub base: u32,
    pub key: u128,
    /// Waiting for a server connection.
    pub queue_us: u64,
    /// At the server, from when it could start there.
    pub server_us: u64,
    /// From when a connection was asked for until the client had taken the answer.
    pub total_us: u64,
    pub bytes: usize,
    /// For which the client had not taken what was there for it.
    pub client_us: u64,
    /// Of what kind the parameters were that were bound, where that is asked for.
    pub kinds: Option<Box<str>>,
    pub failed: bool,
    /// Others on this carrier since the last one that was told of: they came too fast.
    pub untold: u64,
}

pub struct Listed {
    pub ticket: u64,
    pub of: usize,
    pub clients: Vec<ClientRow>,
    pub servers: Vec<ServerRow>,
    /// Listener and descriptor.
    pub doors: Vec<(u32, i32)>,
}

/// A client as it is at this moment. Times are how long ago.
pub struct ClientRow {
    pub conn: Id,
    pub pool: u32,
    pub base: u32,
    pub state: &'static str,
    pub address: String,
    pub local: String,
    pub fd: i32,
    pub since_us: u64,
    pub heard_us: u64,
    pub waited_us: u64,
    pub link: Option<u64>,
    pub tls: String,
    pub application: String,
    pub prepared: usize,
    pub pinned: bool,
    pub kept: usize,
    pub unsent: usize,
}

pub struct ServerRow {
    pub conn: Id,
    pub pool: u32,
    pub state: &'static str,
    pub address: String,
    pub local: String,
    pub fd: i32,
    pub since_us: u64,
    pub heard_us: u64,
    pub closing: bool,
    pub link: Option<u64>,
    pub pid: u32,
    pub tls: String,
    pub prepared: usize,
    pub kept: usize,
    pub unsent: usize,
}

pub struct Admit {
    pub conn: Id,
    pub pool: u32,
    pub base: u32,
    pub greeting: Vec<u8>,
    pub settings: Vec<(String, String)>,
    pub key_bytes: usize,
}

/// A client that replicates, and the connection that was logged in for it.
pub struct Tie {
    pub conn: Id,
    pub server: Id,
    pub base: u32,
    pub greeting: Vec<u8>,
    pub key_bytes: usize,
    pub pid: u32,
    pub secret: Vec<u8>,
}

pub struct Attach {
    pub pool: u32,
    pub ticket: u64,
    pub fd: OwnedFd,
    pub address: String,
    pub tls: Option<Arc<ClientTls>>,
    pub server_name: String,
    /// The client it is for, where it is for one.
    pub near: Option<Id>,
}

pub struct Fail {
    pub pool: u32,
    pub code: String,
    pub message: String,
    pub finally: bool,
    pub retry_ms: u64,
}

pub enum Command {
    Send {
        conn: Id,
        data: Vec<u8>,
    },
    Close {
        conn: Id,
        data: Vec<u8>,
    },
    Admit(Box<Admit>),
    Tie(Box<Tie>),
    Attach(Box<Attach>),
    AdmitServer {
        conn: Id,
        pid: u32,
        secret: Vec<u8>,
        parameters: Vec<(String, String)>,
    },
    Fail(Box<Fail>),
    Learn {
        scope: u32,
        key: u128,
        plan: Box<Plan>,
    },
    Reply {
        conn: Id,
        ticket: u64,
        data: Vec<u8>,
    },
    Cancelled {
        ticket: u64,
    },
    Tell {
        conn: Id,
        data: Vec<u8>,
    },
    Adopt {
        pool: u32,
        base: u32,
        fd: OwnedFd,
    },
    Listen {
        listener: u32,
        fds: Vec<OwnedFd>,
        tls: Option<Arc<ServerTls>>,
        proxies: Arc<[Network]>,
    },
    Unlisten {
        listener: u32,
    },
    OpenPool {
        pool: u32,
        config: Box<PoolConfig>,
    },
    Recycle {
        pool: u32,
    },
    Survey {
        pool: u32,
        ms: u64,
    },
    Break {
        pool: u32,
        address: String,
    },
    /// Connections to that address close when they are free; the others stay.
    Retire {
        pool: u32,
        address: String,
    },
    /// Plans are made anew: those of these bases, or all.
    ForgetPlans {
        bases: Option<Vec<u32>>,
    },
    TellStrays,
    Drain {
        at_once: bool,
    },
    /// Somebody judges what statements mean: what nobody can read is refused.
    Guard {
        on: bool,
        /// What is asked about clients for that.
        asks: Arc<Asks>,
    },
    SlowAfter {
        ms: u64,
        parameters: bool,
    },
    Hold {
        pool: u32,
        hold: Hold,
    },
    Kill {
        pool: u32,
        said: Vec<u8>,
    },
    List {
        ticket: u64,
    },
}
