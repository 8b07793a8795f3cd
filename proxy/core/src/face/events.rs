//! Events as frozen Python objects.

use crate::border::{self, Event};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

macro_rules! events {
    ($($name:ident { $($field:ident : $type:ty),* })*) => {
        $(
            #[pyclass(frozen, get_all, module = "proxy._core")]
            pub struct $name { $($field: $type),* }

            #[pymethods]
            impl $name {
                #[new]
                #[allow(clippy::too_many_arguments)]
                fn new($($field: $type),*) -> Self { Self { $($field),* } }
            }
        )*

        pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
            $( module.add_class::<$name>()?; )*
            Ok(())
        }
    };
}

events! {
    Startup {
        conn: u64, listener: u32, peer: String, version: u32, body: Py<PyBytes>, tls: bool, cert: Option<Py<PyBytes>>,
        uid: Option<u32>
    }
    AuthMessage { conn: u64, kind: u8, body: Py<PyBytes> }
    Closed { conn: u64, reason: String }
    Discarded { conn: u64 }
    PlanNeeded {
        scope: u32, key: Py<PyBytes>, base: u32, settings: Vec<(String, String)>, application: Option<String>,
        networks: Vec<String>, exact: bool, text: Py<PyBytes>
    }
    EarNeeded { conn: u64, ticket: u64, base: u32, channels: Vec<String> }
    Heard { conn: u64, channels: Vec<(bool, Option<String>)> }
    AnswerNeeded { conn: u64, ticket: u64, base: u32, text: Py<PyBytes> }
    UnitNeeded { conn: u64, ticket: u64, base: u32, unit: Py<PyBytes> }
    ServerNeeded { pool: u32 }
    ServerOpened { conn: u64, ticket: u64, cert: Option<Py<PyBytes>> }
    ServerMessage { conn: u64, ticket: u64, kind: u8, body: Py<PyBytes> }
    ServerLost { conn: u64, ticket: u64, pool: u32, admitted: bool, reason: String }
    CancelNeeded { ticket: u64, pool: u32, address: String, pid: u32, secret: Py<PyBytes> }
    CancelStray { conn: u64, pid: u32, secret: Py<PyBytes> }
    Silent { pool: u32, address: String }
    Slow {
        conn: u64, pool: u32, base: u32, key: Py<PyBytes>, queue_us: u64, server_us: u64, total_us: u64, size: usize,
        failed: bool, untold: u64, client_us: u64, parameters: Option<String>
    }
    ClientRow {
        conn: u64, pool: u32, base: u32, state: String, address: String, local: String, fd: i32, since_us: u64,
        heard_us: u64, waited_us: u64, link: Option<u64>, tls: String, application: String, prepared: usize, pinned: bool,
        kept: usize, unsent: usize
    }
    ServerRow {
        conn: u64, pool: u32, state: String, address: String, local: String, fd: i32, since_us: u64, heard_us: u64,
        closing: bool, link: Option<u64>, pid: u32, tls: String, prepared: usize, kept: usize, unsent: usize
    }
    Listed {
        ticket: u64, of: usize, clients: Vec<Py<ClientRow>>, servers: Vec<Py<ServerRow>>, doors: Vec<(u32, i32)>
    }
    Fault { message: String }
}

fn bytes(py: Python<'_>, data: &[u8]) -> Py<PyBytes> {
    PyBytes::new(py, data).unbind()
}

fn client(row: border::ClientRow) -> ClientRow {
    let border::ClientRow { pool, base, address, local, fd, since_us, heard_us, .. } = row;
    let border::ClientRow { waited_us, link, tls, application, prepared, pinned, kept, unsent, .. } = row;
    ClientRow {
        conn: row.conn.0,
        pool,
        base,
        state: row.state.to_owned(),
        address,
        local,
        fd,
        since_us,
        heard_us,
        waited_us,
        link,
        tls,
        application,
        prepared,
        pinned,
        kept,
        unsent,
    }
}

fn server(row: border::ServerRow) -> ServerRow {
    let border::ServerRow { pool, address, local, fd, since_us, heard_us, .. } = row;
    let border::ServerRow { closing, link, pid, tls, prepared, kept, unsent, .. } = row;
    ServerRow {
        conn: row.conn.0,
        pool,
        state: row.state.to_owned(),
        address,
        local,
        fd,
        since_us,
        heard_us,
        closing,
        link,
        pid,
        tls,
        prepared,
        kept,
        unsent,
    }
}

pub fn to_python(py: Python<'_>, event: Event) -> PyResult<Py<PyAny>> {
    match event {
        Event::Startup { conn, listener, peer, version, body, tls, cert, uid } => {
            let (body, cert) = (bytes(py, &body), cert.map(|cert| bytes(py, &cert)));
            Startup { conn: conn.0, listener, peer, version, body, tls, cert, uid }.into_py_any(py)
        }
        Event::Discarded { conn } => Discarded { conn: conn.0 }.into_py_any(py),
        Event::AuthMessage { conn, kind, body } => {
            AuthMessage { conn: conn.0, kind, body: bytes(py, &body) }.into_py_any(py)
        }
        Event::Closed { conn, reason } => Closed { conn: conn.0, reason }.into_py_any(py),
        Event::PlanNeeded { scope, key, base, settings, application, networks, exact, text } => {
            let (key, text) = (bytes(py, &key.to_be_bytes()), bytes(py, &text));
            PlanNeeded { scope, key, base, settings, application, networks, exact, text }.into_py_any(py)
        }
        Event::EarNeeded { conn, ticket, base, channels } => {
            EarNeeded { conn: conn.0, ticket, base, channels }.into_py_any(py)
        }
        Event::Heard { conn, channels } => Heard { conn: conn.0, channels }.into_py_any(py),
        Event::AnswerNeeded { conn, ticket, base, text } => {
            AnswerNeeded { conn: conn.0, ticket, base, text: bytes(py, &text) }.into_py_any(py)
        }
        Event::UnitNeeded { conn, ticket, base, unit } => {
            UnitNeeded { conn: conn.0, ticket, base, unit: bytes(py, &unit) }.into_py_any(py)
        }
        Event::ServerNeeded { pool } => ServerNeeded { pool }.into_py_any(py),
        Event::ServerOpened { conn, ticket, cert } => {
            ServerOpened { conn: conn.0, ticket, cert: cert.map(|cert| bytes(py, &cert)) }.into_py_any(py)
        }
        Event::ServerMessage { conn, ticket, kind, body } => {
            ServerMessage { conn: conn.0, ticket, kind, body: bytes(py, &body) }.into_py_any(py)
        }
        Event::ServerLost { conn, ticket, pool, admitted, reason } => {
            ServerLost { conn: conn.0, ticket, pool, admitted, reason }.into_py_any(py)
        }
        Event::CancelNeeded { ticket, pool, address, pid, secret } => {
            CancelNeeded { ticket, pool, address, pid, secret: bytes(py, &secret) }.into_py_any(py)
        }
        Event::CancelStray { conn, pid, secret } => {
            CancelStray { conn: conn.0, pid, secret: bytes(py, &secret) }.into_py_any(py)
        }
        Event::Silent { pool, address } => Silent { pool, address }.into_py_any(py),
        Event::Slow(slow) => Slow {
            conn: slow.conn.0,
            pool: slow.pool,
            base: slow.base,
            key: bytes(py, &slow.key.to_be_bytes()),
            queue_us: slow.queue_us,
            server_us: slow.server_us,
            total_us: slow.total_us,
            size: slow.bytes,
            client_us: slow.client_us,
            parameters: slow.kinds.map(String::from),
            failed: slow.failed,
            untold: slow.untold,
        }
        .into_py_any(py),
        Event::Listed(listed) => {
            let clients = listed.clients.into_iter().map(|row| Py::new(py, client(row)));
            let servers = listed.servers.into_iter().map(|row| Py::new(py, server(row)));
            let (clients, servers) = (clients.collect::<PyResult<_>>()?, servers.collect::<PyResult<_>>()?);
            Listed { ticket: listed.ticket, of: listed.of, clients, servers, doors: listed.doors }
                .into_py_any(py)
        }
        Event::Fault { message } => Fault { message }.into_py_any(py),
    }
}
