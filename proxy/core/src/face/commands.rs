//! Commands as Python objects, and what they carry.

use super::conditions::{self, Branch};
use crate::asks::Asks;
use crate::border::{self, Command};
use crate::conn::tls;
use crate::plan::{self, Action, Effect, Names, Point};
use crate::poll;
use crate::pool::{self, Mode, PoolConfig};
use crate::slab::Id;
use crate::wire::proxy::Network;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use std::os::fd::OwnedFd;
use std::sync::Arc;

#[pyclass(frozen, module = "proxy._core")]
pub struct TlsServer(Arc<tls::ServerTls>);

#[pymethods]
impl TlsServer {
    #[new]
    #[pyo3(signature = (certificate, key, client_ca = None, required = false))]
    fn new(certificate: &[u8], key: &[u8], client_ca: Option<&[u8]>, required: bool) -> PyResult<Self> {
        let tls =
            tls::ServerTls::from_pem(certificate, key, client_ca, required).map_err(PyValueError::new_err)?;
        Ok(Self(Arc::new(tls)))
    }
}

#[pyclass(frozen, module = "proxy._core")]
pub struct TlsClient(Arc<tls::ClientTls>);

#[pymethods]
impl TlsClient {
    #[new]
    #[pyo3(signature = (mode, ca = None, certificate = None, key = None))]
    fn new(mode: &str, ca: Option<&[u8]>, certificate: Option<&[u8]>, key: Option<&[u8]>) -> PyResult<Self> {
        let tls = tls::ClientTls::from_pem(mode, ca, certificate, key).map_err(PyValueError::new_err)?;
        Ok(Self(Arc::new(tls)))
    }
}

#[pyclass(frozen, get_all, eq, module = "proxy._core")]
#[derive(Clone, PartialEq)]
pub struct Plan {
    action: String,
    shareable: bool,
    branches: Vec<Branch>,
    sets: Vec<(String, Option<String>)>,
    local_sets: Vec<(String, String)>,
    resets_all: bool,
    point: Option<(String, String)>,
    pin: Option<String>,
    frees: bool,
    discards: bool,
    channels: Vec<(bool, Option<String>)>,
    forgets_prepared: bool,
    changes_schema: bool,
    names: Option<String>,
    aside: bool,
    code: String,
    message: String,
}

#[pymethods]
impl Plan {
    #[new]
    #[pyo3(signature = (
        action, *, shareable = false, branches = vec![], sets = vec![], local_sets = vec![], resets_all = false,
        point = None, pin = None, frees = false, discards = false, channels = vec![], forgets_prepared = false,
        changes_schema = false, names = None, aside = false, code = String::new(), message = String::new()
    ))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        action: String,
        shareable: bool,
        branches: Vec<Branch>,
        sets: Vec<(String, Option<String>)>,
        local_sets: Vec<(String, String)>,
        resets_all: bool,
        point: Option<(String, String)>,
        pin: Option<String>,
        frees: bool,
        discards: bool,
        channels: Vec<(bool, Option<String>)>,
        forgets_prepared: bool,
        changes_schema: bool,
        names: Option<String>,
        aside: bool,
        code: String,
        message: String,
    ) -> PyResult<Self> {
        if let Some(other) = names.as_deref().filter(|names| names_of(names).is_none()) {
            return Err(PyValueError::new_err(format!("no such use of a name: {other}")));
        }
        if let Some((other, _)) = point.as_ref().filter(|(what, name)| point_of(what, name).is_none()) {
            return Err(PyValueError::new_err(format!("no such point in a transaction: {other}")));
        }
        match action.as_str() {
            "forward" | "answer" => {}
            "deny" if code.len() == 5 && !message.is_empty() => {}
            "deny" => return Err(PyValueError::new_err("a denial needs a five-letter code and a message")),
            other => return Err(PyValueError::new_err(format!("no such action: {other}"))),
        }
        conditions::few_enough(&branches)?;
        Ok(Self {
            action,
            shareable,
            branches,
            sets,
            local_sets,
            resets_all,
            point,
            pin,
            frees,
            discards,
            channels,
            forgets_prepared,
            changes_schema,
            names,
            aside,
            code,
            message,
        })
    }

    fn __repr__(&self) -> String {
        let fields =
            [("shareable", self.shareable), ("resets_all", self.resets_all), ("schema", self.changes_schema)];
        let set: Vec<&str> = fields.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
        format!("Plan({:?}, {}, pin={:?}, sets={})", self.action, set.join(" "), self.pin, self.sets.len())
    }
}

fn names_of(word: &str) -> Option<Names> {
    match word {
        "makes" => Some(Names::Makes),
        "runs" => Some(Names::Runs),
        "drops" => Some(Names::Drops),
        _ => None,
    }
}

fn point_of(what: &str, name: &str) -> Option<Point> {
    match what {
        "makes" => Some(Point::Makes(name.to_owned())),
        "frees" => Some(Point::Frees(name.to_owned())),
        "returns" => Some(Point::Returns(name.to_owned())),
        "fetches" => Some(Point::Fetches),
        "passes" => Some(Point::Passes),
        "ends" => Some(Point::Ends),
        "unseen" => Some(Point::Unseen),
        _ => None,
    }
}

impl Plan {
    fn to_core(&self) -> plan::Plan {
        plan::Plan {
            action: match self.action.as_str() {
                "deny" => Action::Deny { code: self.code.clone(), message: self.message.clone() },
                "answer" => Action::Answer,
                _ => Action::Forward,
            },
            shareable: self.shareable,
            branches: conditions::to_core(&self.branches),
            effect: Effect {
                sets: self.sets.clone(),
                local_sets: self.local_sets.clone(),
                resets_all: self.resets_all,
                pin: self.pin.clone(),
                frees: self.frees,
                discards: self.discards,
                channels: self.channels.clone(),
                forgets_prepared: self.forgets_prepared,
                changes_schema: self.changes_schema,
            },
            point: self.point.as_ref().and_then(|(what, name)| point_of(what, name)),
            names: self.names.as_deref().and_then(names_of),
            aside: self.aside,
            ..plan::Plan::default()
        }
    }
}

/// A command class: holds its fields, and says which Command it is.
macro_rules! commands {
    ($($name:ident $signature:tt ($($field:ident : $type:ty),*) => $make:expr;)*) => {
        $(
            #[pyclass(frozen, get_all, module = "proxy._core")]
            pub struct $name { $($field: $type),* }

            #[pymethods]
            impl $name {
                #[new]
                #[pyo3(signature = $signature)]
                #[allow(clippy::too_many_arguments)]
                fn new($($field: $type),*) -> Self { Self { $($field),* } }
            }
        )*

        pub fn to_core(object: &Bound<'_, PyAny>) -> PyResult<Command> {
            $(
                if let Ok(command) = object.cast::<$name>() {
                    let make: fn(&$name) -> PyResult<Command> = $make;
                    return make(command.get());
                }
            )*
            Err(PyTypeError::new_err(format!("not a command: {}", object.get_type().name()?)))
        }

        pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
            $( module.add_class::<$name>()?; )*
            module.add_class::<TlsServer>()?;
            module.add_class::<TlsClient>()?;
            module.add_class::<Plan>()
        }
    };
}

fn key(bytes: &[u8]) -> PyResult<u128> {
    let key = bytes.try_into().map_err(|_| PyValueError::new_err("a key has 16 bytes"))?;
    Ok(u128::from_be_bytes(key))
}

/// Descriptors the core owns from here: a command that carries some may be applied once.
fn adopt(fds: &[i32]) -> Vec<OwnedFd> {
    fds.iter().map(|fd| poll::adopt(*fd)).collect()
}

commands! {
    Send (conn, data) (conn: u64, data: Vec<u8>) => |c| {
        Ok(Command::Send { conn: Id(c.conn), data: c.data.clone() })
    };
    Close (conn, data = vec![]) (conn: u64, data: Vec<u8>) => |c| {
        Ok(Command::Close { conn: Id(c.conn), data: c.data.clone() })
    };
    Admit (conn, *, pool, base, greeting, settings, key_bytes = 4)
        (conn: u64, pool: u32, base: u32, greeting: Vec<u8>, settings: Vec<(String, String)>, key_bytes: usize) => |c| {
        Ok(Command::Admit(Box::new(border::Admit {
            conn: Id(c.conn),
            pool: c.pool,
            base: c.base,
            greeting: c.greeting.clone(),
            settings: c.settings.clone(),
            key_bytes: c.key_bytes.clamp(4, 32),
        })))
    };
    Tie (conn, server, *, base, greeting, pid, secret, key_bytes = 4)
        (conn: u64, server: u64, base: u32, greeting: Vec<u8>, pid: u32, secret: Vec<u8>, key_bytes: usize) => |c| {
        Ok(Command::Tie(Box::new(border::Tie {
            conn: Id(c.conn),
            server: Id(c.server),
            base: c.base,
            greeting: c.greeting.clone(),
            key_bytes: c.key_bytes.clamp(4, 32),
            pid: c.pid,
            secret: c.secret.clone(),
        })))
    };
    Attach (*, pool, ticket, fd, address, tls = None, server_name = String::new(), near = None)
        (pool: u32, ticket: u64, fd: i32, address: String, tls: Option<Py<TlsClient>>, server_name: String,
         near: Option<u64>) => |c| {
        Ok(Command::Attach(Box::new(border::Attach {
            pool: c.pool,
            ticket: c.ticket,
            fd: poll::adopt(c.fd),
            address: c.address.clone(),
            tls: c.tls.as_ref().map(|tls| Arc::clone(&tls.get().0)),
            server_name: c.server_name.clone(),
            near: c.near.map(Id),
        })))
    };
    AdmitServer (conn, *, pid, secret, parameters)
        (conn: u64, pid: u32, secret: Vec<u8>, parameters: Vec<(String, String)>) => |c| {
        let (secret, parameters) = (c.secret.clone(), c.parameters.clone());
        Ok(Command::AdmitServer { conn: Id(c.conn), pid: c.pid, secret, parameters })
    };
    Fail (pool, *, code, message, r#final, retry_ms)
        (pool: u32, code: String, message: String, r#final: bool, retry_ms: u64) => |c| {
        let (code, message) = (c.code.clone(), c.message.clone());
        Ok(Command::Fail(Box::new(border::Fail {
            pool: c.pool, code, message, finally: c.r#final, retry_ms: c.retry_ms
        })))
    };
    Learn (scope, key, plan) (scope: u32, key: Vec<u8>, plan: Py<Plan>) => |c| {
        Ok(Command::Learn { scope: c.scope, key: key(&c.key)?, plan: Box::new(c.plan.get().to_core()) })
    };
    Reply (conn, ticket, data) (conn: u64, ticket: u64, data: Vec<u8>) => |c| {
        Ok(Command::Reply { conn: Id(c.conn), ticket: c.ticket, data: c.data.clone() })
    };
    Tell (conn, data) (conn: u64, data: Vec<u8>) => |c| {
        Ok(Command::Tell { conn: Id(c.conn), data: c.data.clone() })
    };
    Adopt (pool, *, base, fd) (pool: u32, base: u32, fd: i32) => |c| {
        Ok(Command::Adopt { pool: c.pool, base: c.base, fd: poll::adopt(c.fd) })
    };
    Cancelled (ticket) (ticket: u64) => |c| Ok(Command::Cancelled { ticket: c.ticket });
    Listen (listener, fds, tls = None, proxies = Vec::new()) (
        listener: u32, fds: Vec<i32>, tls: Option<Py<TlsServer>>, proxies: Vec<String>
    ) => |c| {
        let network = |text: &String| {
            Network::parse(text).ok_or_else(|| PyValueError::new_err(format!("no network: {text}")))
        };
        let proxies = c.proxies.iter().map(network).collect::<PyResult<_>>()?;
        let tls = c.tls.as_ref().map(|tls| Arc::clone(&tls.get().0));
        Ok(Command::Listen { listener: c.listener, fds: adopt(&c.fds), tls, proxies })
    };
    Unlisten (listener) (listener: u32) => |c| Ok(Command::Unlisten { listener: c.listener });
    OpenPool (
        pool, *, label, group, group_size, mode, size, min_size, reserve, reserve_after_ms, wait_ms, max_waiting,
        statement_ms, idle_transaction_ms, client_idle_ms, server_lifetime_ms, server_idle_ms, sharing, share_depth,
        prepared
    ) (
        pool: u32, label: String, group: u32, group_size: usize, mode: String, size: usize, min_size: usize,
        reserve: usize, reserve_after_ms: u64, wait_ms: u64, max_waiting: usize, statement_ms: u64,
        idle_transaction_ms: u64, client_idle_ms: u64, server_lifetime_ms: u64, server_idle_ms: u64, sharing: bool,
        share_depth: usize, prepared: usize
    ) => |c| {
        let mode = Mode::parse(&c.mode).ok_or_else(|| PyValueError::new_err(format!("no such mode: {}", c.mode)))?;
        Ok(Command::OpenPool { pool: c.pool, config: Box::new(PoolConfig {
            label: c.label.clone(),
            group: c.group,
            group_size: c.group_size,
            mode,
            size: c.size,
            min_size: c.min_size,
            reserve: c.reserve,
            reserve_after_ms: c.reserve_after_ms,
            wait_ms: c.wait_ms,
            max_waiting: c.max_waiting,
            statement_ms: c.statement_ms,
            idle_transaction_ms: c.idle_transaction_ms,
            client_idle_ms: c.client_idle_ms,
            server_lifetime_ms: c.server_lifetime_ms,
            server_idle_ms: c.server_idle_ms,
            sharing: c.sharing,
            share_depth: c.share_depth,
            prepared: c.prepared,
        }) })
    };
    Recycle (pool) (pool: u32) => |c| Ok(Command::Recycle { pool: c.pool });
    TellStrays () () => |_| Ok(Command::TellStrays);
    Survey (pool, ms) (pool: u32, ms: u64) => |c| Ok(Command::Survey { pool: c.pool, ms: c.ms });
    Break (pool, address) (pool: u32, address: String) => |c| {
        Ok(Command::Break { pool: c.pool, address: c.address.clone() })
    };
    Retire (pool, address) (pool: u32, address: String) => |c| {
        Ok(Command::Retire { pool: c.pool, address: c.address.clone() })
    };
    ForgetPlans (bases = None) (bases: Option<Vec<u32>>) => |c| {
        Ok(Command::ForgetPlans { bases: c.bases.clone() })
    };
    Guard (on, application = false, networks = Vec::new()) (on: bool, application: bool, networks: Vec<String>) => |c| {
        let asks = Asks::new(c.application, c.networks.clone());
        let asks = asks.map_err(|text| PyValueError::new_err(format!("no network: {text}")))?;
        Ok(Command::Guard { on: c.on, asks: Arc::new(asks) })
    };
    Drain (at_once = false) (at_once: bool) => |c| Ok(Command::Drain { at_once: c.at_once });
    SlowAfter (ms, parameters = false) (ms: u64, parameters: bool) => |c| {
        Ok(Command::SlowAfter { ms: c.ms, parameters: c.parameters })
    };
    Hold (pool, how) (pool: u32, how: String) => |c| {
        let hold = pool::Hold::parse(&c.how).ok_or_else(|| PyValueError::new_err(format!("no such hold: {}", c.how)))?;
        Ok(Command::Hold { pool: c.pool, hold })
    };
    Kill (pool, data) (pool: u32, data: Vec<u8>) => |c| Ok(Command::Kill { pool: c.pool, said: c.data.clone() });
    List (ticket) (ticket: u64) => |c| Ok(Command::List { ticket: c.ticket });
}
