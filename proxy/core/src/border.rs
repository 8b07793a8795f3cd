//! What crosses between core and brain: Events go out, Commands come in. Plain data.

use crate::conn::tls::{ClientTls, ServerTls};
use crate::plan::Plan;
use crate::pool::PoolConfig;
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
        exact: bool,
        text: Vec<u8>,
    },
    AnswerNeeded {
        conn: Id,
        ticket: u64,
        base: u32,
        text: Vec<u8>,
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
    CancelNeeded {
        ticket: u64,
        pool: u32,
        address: String,
        pid: u32,
        secret: Vec<u8>,
    },
    Fault {
        message: String,
    },
}

pub struct Admit {
    pub conn: Id,
    pub pool: u32,
    pub base: u32,
    pub greeting: Vec<u8>,
    pub settings: Vec<(String, String)>,
    pub key_bytes: usize,
}

pub struct Attach {
    pub pool: u32,
    pub ticket: u64,
    pub fd: OwnedFd,
    pub address: String,
    pub tls: Option<Arc<ClientTls>>,
    pub server_name: String,
}

pub struct Fail {
    pub pool: u32,
    pub code: String,
    pub message: String,
    pub finally: bool,
    pub retry_ms: u64,
}

pub enum Command {
    Send { conn: Id, data: Vec<u8> },
    Close { conn: Id, data: Vec<u8> },
    Admit(Box<Admit>),
    Attach(Box<Attach>),
    AdmitServer { conn: Id, pid: u32, secret: Vec<u8>, parameters: Vec<(String, String)> },
    Fail(Box<Fail>),
    Learn { scope: u32, key: u128, plan: Box<Plan> },
    Reply { conn: Id, ticket: u64, data: Vec<u8> },
    Cancelled { ticket: u64 },
    Tell { conn: Id, data: Vec<u8> },
    Adopt { pool: u32, base: u32, fd: OwnedFd },
    Listen { listener: u32, fds: Vec<OwnedFd>, tls: Option<Arc<ServerTls>>, proxies: Arc<[Network]> },
    Unlisten { listener: u32 },
    OpenPool { pool: u32, config: Box<PoolConfig> },
    Recycle { pool: u32 },
    ForgetPlans,
}
