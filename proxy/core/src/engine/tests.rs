//! A defect of ours costs the connection it happens on, and those tied to it; the others do not notice.

use super::*;
use crate::border::{Attach, Command, Event};
use crate::poll::Poll;
use crate::pool::PoolConfig;
use crate::shared::Limits;
use std::io::Read;
use std::os::unix::net::UnixStream;
use std::sync::atomic::AtomicUsize;

const POOL: u32 = 1;

fn engine() -> Engine {
    let poll = Poll::new().unwrap();
    let limits = Limits { max_clients: 10, login_ms: 60_000, max_statement: 4_096 };
    let shared = Arc::new(Shared::new(limits, 100, vec![PollSet(poll.raw())]).unwrap());
    let config = PoolConfig::of(2);
    let command = Command::OpenPool { pool: POOL, config: Box::new(config) };
    crate::brain::apply(&shared, &AtomicUsize::new(0), command);
    Engine::new(0, poll, shared).unwrap()
}

fn client(engine: &mut Engine) -> (Id, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    theirs.set_nonblocking(true).unwrap();
    let before = engine.clients.ids();
    engine.adopt(POOL, 0, theirs.into());
    let id = engine.clients.ids().into_iter().find(|id| !before.contains(id)).unwrap();
    (id, ours)
}

/// A server connection that this client holds.
fn server(engine: &mut Engine, client: Id) -> (Id, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    theirs.set_nonblocking(true).unwrap();
    let (address, server_name) = ("db:5432".to_owned(), String::new());
    let attach =
        Attach { pool: POOL, ticket: 1, fd: theirs.into(), address, tls: None, server_name, near: None };
    crate::brain::apply(&engine.shared, &AtomicUsize::new(0), Command::Attach(Box::new(attach)));
    engine.drain_inbox();
    let id = engine.servers.ids()[0];
    let server = engine.servers.get(id).unwrap();
    server.stage = crate::conn::server::Stage::Active;
    server.seat.admit(0);
    server.up.owner = Some(client);
    engine.clients.get(client).unwrap().link = Link::Held(id);
    (id, ours)
}

fn faults(engine: &Engine) -> Vec<String> {
    let fault = |event| if let Event::Fault { message } = event { Some(message) } else { None };
    engine.shared.events.drain(100).into_iter().filter_map(fault).collect()
}

fn said(socket: &mut UnixStream) -> Option<String> {
    let mut bytes = [0; 1_000];
    let n = socket.read(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes[..n]).into_owned())
}

#[test]
fn with_a_client_in_hand() {
    let mut engine = engine();
    let (unlucky, mut its_socket) = client(&mut engine);
    let (other, mut other_socket) = client(&mut engine);
    let (_, mut its_server) = server(&mut engine, unlucky);
    engine.guarded(token(CLIENT, unlucky), |engine| {
        let _client = engine.clients.take(unlucky);
        panic!("a defect");
    });
    engine.flush();
    assert_eq!(said(&mut its_socket).as_deref(), Some(""), "its connection is closed");
    assert_eq!(said(&mut its_server).as_deref(), Some(""), "and the one it held");
    assert_eq!(said(&mut other_socket), None, "the neighbour's is open");
    assert!(engine.clients.get(other).is_some());
    assert_eq!((engine.clients.len(), engine.servers.len()), (1, 0));
    assert_eq!(faults(&engine), ["panic in the core: a defect"]);
    assert_eq!(engine.stats().panics.get(), 1);
    assert_eq!(engine.shared.pool(POOL).unwrap().counts().0, 0, "its place in the pool is free");
}

#[test]
fn with_a_server_in_hand() {
    let mut engine = engine();
    let (owner, mut its_socket) = client(&mut engine);
    let (other, mut other_socket) = client(&mut engine);
    let (id, _its_server) = server(&mut engine, owner);
    engine.guarded(token(SERVER, id), |engine| {
        let _server = engine.servers.take(id);
        panic!("a defect of number {}", 7);
    });
    engine.flush();
    let heard = said(&mut its_socket).unwrap();
    assert!(heard.contains("FATAL") && heard.contains("XX000"), "{heard}");
    assert_eq!(said(&mut other_socket), None);
    assert!(engine.clients.get(other).is_some());
    assert_eq!(faults(&engine), ["panic in the core: a defect of number 7"]);
    assert_eq!(engine.shared.pool(POOL).unwrap().counts().0, 0);
    // And it goes on: buffers that were in hand are there again.
    engine.turn(0);
    assert_eq!(engine.scratch.len(), SCRATCH);
}
