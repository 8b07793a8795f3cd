//! Clients before they are admitted: accepting, TLS, the startup packet, and messages between them and the brain.

use super::{CLIENT, End, Engine, LISTENER, Listener, token};
use crate::border::{Admit, Event};
use crate::conn::client::{Client, Presence, Stage};
use crate::conn::stream::Stream;
use crate::conn::tls::{ServerTls, TlsSession};
use crate::inbox::Post;
use crate::poll::{self, Accepted};
use crate::pool::Mode;
use crate::settings::Settings;
use crate::slab::Id;
use crate::wire::postgres::startup::{First, GSS, SSL, first};
use crate::wire::postgres::{build, frame};
use crate::wire::proxy::{Header, Network, header};
use siphasher::sip128::{Hasher128, SipHasher};
use std::hash::Hasher;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Client encodings in which a byte such as a backslash may be the second half of a character.
const UNSAFE_ENCODINGS: [&str; 13] = [
    "big5",
    "windows950",
    "gb18030",
    "gbk",
    "windows936",
    "johab",
    "sjis",
    "mskanji",
    "shiftjis",
    "windows932",
    "uhc",
    "windows949",
    "shiftjis2004",
];
/// Clients accepted in one turn, so that a storm of them does not hold up those who work.
const ACCEPTED: usize = 64;
/// Above the limit this many more are let in as far as a proper refusal.
const REFUSED: usize = 64;

impl Engine {
    pub(super) fn listen(
        &mut self,
        number: u32,
        fds: Vec<OwnedFd>,
        tls: Option<Arc<ServerTls>>,
        proxies: &Arc<[Network]>,
    ) {
        for listener in self.listeners.iter_mut().filter(|listener| listener.number == number) {
            listener.tls = tls.clone();
            listener.proxies = Arc::clone(proxies);
        }
        for fd in fds {
            let raw = fd.as_raw_fd();
            let proxies = Arc::clone(proxies);
            self.listeners.push(Listener { number, fd, tls: tls.clone(), proxies, resting: false });
            let place = Id::new(0, number, 0);
            if let Err(error) = self.set.add(raw, token(LISTENER, place), poll::READ) {
                self.shared
                    .tell(Event::Fault { message: format!("cannot watch a listening socket: {error}") });
            }
        }
    }

    pub(super) fn unlisten(&mut self, number: u32) {
        for listener in self.listeners.extract_if(.., |listener| listener.number == number) {
            // Closing is not enough: where another process has the socket too, it would go on waking us.
            let _ = self.set.remove(listener.fd.as_raw_fd());
        }
    }

    pub(super) fn accept(&mut self, number: u32) {
        for at in 0..self.listeners.len() {
            if self.listeners.get(at).is_some_and(|listener| listener.number == number) {
                self.accept_at(at, number);
            }
        }
    }

    fn accept_at(&mut self, at: usize, number: u32) {
        for _ in 0..ACCEPTED {
            let Some(listener) = self.listeners.get_mut(at) else { return };
            match poll::accept(listener.fd.as_raw_fd()) {
                Ok(Some(accepted)) => {
                    let proxied = accepted
                        .ip
                        .is_some_and(|ip| listener.proxies.iter().any(|network| network.holds(ip)));
                    self.welcome(number, accepted, proxied);
                }
                Ok(None) => return,
                Err(error) => {
                    // Out of descriptors or memory: rest a while instead of spinning on the ready socket.
                    listener.resting = true;
                    let _ = self.set.remove(listener.fd.as_raw_fd());
                    self.shared.tell(Event::Fault { message: format!("accept: {error}; trying again soon") });
                    return;
                }
            }
        }
    }

    pub(super) fn wake_listeners(&mut self) {
        for listener in self.listeners.iter_mut().filter(|listener| listener.resting) {
            let place = Id::new(0, listener.number, 0);
            listener.resting =
                self.set.add(listener.fd.as_raw_fd(), token(LISTENER, place), poll::READ).is_err();
        }
    }

    fn welcome(&mut self, listener: u32, accepted: Accepted, proxied: bool) {
        let presence = Presence::new(&self.shared);
        let full = self.shared.clients.load(Relaxed) > self.shared.limits.max_clients + REFUSED;
        if full || self.shared.overloaded() {
            return;
        }
        let Some(id) = self.clients.reserve() else { return };
        let mut stream = Stream::new(accepted.fd, token(CLIENT, id));
        if stream.register(self.set).is_err() {
            self.clients.remove(id);
            return;
        }
        let mut client = Box::new(Client::new(id, presence, stream, listener, accepted.peer, self.now_us));
        client.proxied = proxied;
        client.uid = accepted.uid;
        self.settle_client(client, Ok(()));
    }

    /// Takes in what a client sent before it was admitted; returns how much was used.
    pub(super) fn greet(&mut self, client: &mut Client, input: &[u8]) -> Result<usize, End> {
        let mut at = 0;
        while client.stage == Stage::First {
            let left = input.get(at..).unwrap_or_default();
            if client.proxied {
                // Before TLS and all else; what follows is the client's own.
                let Header::Said { took, client: behind } = header(left)? else { return Ok(at) };
                client.proxied = false;
                if let Some(behind) = behind {
                    client.peer = Some(behind.to_string().into());
                }
                at += took;
                continue;
            }
            match first(left)? {
                First::More => return Ok(at),
                // PostgreSQL asks each question once; a second time the number is taken for a version.
                First::AskGss if std::mem::replace(&mut client.asked_gss, true) => {
                    self.startup(client, GSS, &[])?;
                }
                First::AskTls if std::mem::replace(&mut client.asked_tls, true) => {
                    self.startup(client, SSL, &[])?;
                }
                First::AskGss => {
                    client.stream.out.push(b'N');
                    at += 8;
                }
                First::AskTls => {
                    at += 8;
                    self.agree_tls(client, left.len() > 8)?;
                }
                First::DirectTls => {
                    self.begin_tls(client)?;
                    client.asked_tls = false;
                    let mut plain = Vec::new();
                    if let Some(tls) = &mut client.stream.tls {
                        tls.receive(left, &mut plain).map_err(|error| End::Gone(format!("TLS: {error}")))?;
                    }
                    return if plain.is_empty() { Ok(input.len()) } else { Err(malformed_tls()) };
                }
                First::Cancel { pid, secret } => {
                    // PostgreSQL closes this connection when the signal is sent, so that what its client sends
                    // afterwards is never hit. So do we.
                    let place = pid.wrapping_sub(1);
                    let carrier = (place >> 24) as usize;
                    if carrier >= self.shared.inboxes.len() {
                        if self.tell_stray(client.id, pid, secret) {
                            client.stage = Stage::Cancelling;
                            return Ok(input.len());
                        }
                        return Err(End::Gone("cancel request".to_owned()));
                    }
                    client.stage = Stage::Cancelling;
                    let (slot, secret, by) = (place & 0x00ff_ffff, secret.to_vec(), client.id);
                    self.shared.post(carrier, Post::Cancel { slot, secret, by });
                    return Ok(input.len());
                }
                First::Startup { version, body, took } => {
                    at += took;
                    self.startup(client, version, body)?;
                }
            }
        }
        // One message at a time: who sends without being asked fills its own buffer, never the brain's queue.
        while client.stage == Stage::Login && !client.spoke {
            let left = input.get(at..).unwrap_or_default();
            let Some(header) = frame::from_login(left)? else { return Ok(at) };
            let Some(message) = left.get(..header.total) else { return Ok(at) };
            if header.kind == b'X' {
                return Err(End::Gone("left while logging in".to_owned()));
            }
            let body = message.get(5..).unwrap_or_default().to_vec();
            client.spoke = true;
            self.shared.tell(Event::AuthMessage { conn: client.id, kind: header.kind, body });
            at += header.total;
        }
        Ok(at)
    }

    fn agree_tls(&mut self, client: &mut Client, more: bool) -> Result<(), End> {
        if client.stream.tls.is_some() {
            return Err(End::error("08P01", "TLS is already on"));
        }
        if self.tls_of(client).is_none() {
            client.stream.out.push(b'N');
            return Ok(());
        }
        // Bytes sent before TLS but read as if inside it would be an attacker's.
        if more {
            return Err(End::error("08P01", "received unencrypted data after SSL request"));
        }
        self.begin_tls(client)?;
        match poll::send(client.stream.raw(), b"S") {
            Ok(1) => Ok(()),
            _ => Err(End::Gone("cannot answer the TLS request".to_owned())),
        }
    }

    fn tls_of(&self, client: &Client) -> Option<Arc<ServerTls>> {
        self.listeners.iter().find(|listener| listener.number == client.listener)?.tls.clone()
    }

    fn begin_tls(&mut self, client: &mut Client) -> Result<(), End> {
        let Some(tls) = self.tls_of(client) else { return Err(malformed_tls()) };
        if client.stream.tls.is_some() {
            return Err(malformed_tls());
        }
        let session = TlsSession::accept(&tls).map_err(End::Gone)?;
        client.stream.tls = Some(Box::new(session));
        Ok(())
    }

    fn startup(&mut self, client: &mut Client, version: u32, body: &[u8]) -> Result<(), End> {
        if version >> 16 != 3 {
            let (major, minor) = (version >> 16, version & 0xffff);
            let text = format!("unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.2");
            return Err(End::error("0A000", text));
        }
        let (mut cert, mut tls_on) = (None, false);
        match &client.stream.tls {
            Some(tls) => {
                // Asked for or not: without SSLRequest, ALPN has to name the protocol.
                if !client.asked_tls && tls.alpn() != Some(b"postgresql") {
                    return Err(End::error("08P01", "direct TLS needs the ALPN protocol \"postgresql\""));
                }
                cert = tls.peer_certificate();
                tls_on = true;
            }
            None if self.tls_of(client).is_some_and(|tls| tls.required) => {
                return Err(End::error(
                    "28000",
                    "this listener takes connections with TLS only; use sslmode=require",
                ));
            }
            None => {}
        }
        if self.shared.clients.load(Relaxed) > self.shared.limits.max_clients {
            return Err(End::error("53300", "sorry, too many clients already"));
        }
        client.stage = Stage::Login;
        client.spoke = true;
        let peer = client.peer.as_deref().unwrap_or_default().to_owned();
        let (conn, listener, uid) = (client.id, client.listener, client.uid);
        self.shared.tell(Event::Startup {
            conn,
            listener,
            peer,
            version,
            body: body.to_vec(),
            tls: tls_on,
            cert,
            uid,
        });
        Ok(())
    }

    pub(super) fn admit(&mut self, admit: Admit) {
        let Some(mut client) = self.clients.take(admit.conn) else { return };
        if client.stage != Stage::Login {
            self.clients.put(client.id, client);
            return;
        }
        client.pool = self.shared.pool(admit.pool);
        client.session.poolless = client.pool.is_none();
        client.base = admit.base;
        client.settings = self.shared.interner.settings(Settings::from_pairs(admit.settings));
        client.startup = Arc::clone(&client.settings);
        client.networks = self.shared.asks.load().networks_of(client.peer.as_deref());
        self.follow_settings(&mut client);
        self.greet_admitted(&mut client, &admit.greeting, admit.key_bytes);
        client.session.roams = client.pool.as_ref().is_some_and(|pool| pool.config().mode != Mode::Session);
        client.stage = Stage::Active;
        if let Some(pool) = &client.pool {
            client.presence.join(pool, self.index);
        }
        let result = self.feed(&mut client, &[]);
        self.settle_client(client, result);
    }

    /// What every client is told when it is in.
    pub(super) fn greet_admitted(&mut self, client: &mut Client, greeting: &[u8], key_bytes: usize) {
        client.key_bytes = u8::try_from(key_bytes).unwrap_or(4);
        client.stream.out.extend_from_slice(greeting);
        // From 1: a process number of 0 means none to libpq.
        let pid = ((client.id.carrier() as u32) << 24 | client.id.slot()) + 1;
        let secret = self.cancel_secret(client.id);
        let secret = secret.get(..key_bytes.min(secret.len())).unwrap_or_default();
        build::message(&mut client.stream.out, b'K', &[&pid.to_be_bytes(), secret]);
        build::ready(&mut client.stream.out, b'I');
        self.stats().logins.add(1);
    }

    /// A client that needs no log-in: the brain itself, at the other end of a socket pair.
    pub(super) fn adopt(&mut self, pool: u32, base: u32, fd: OwnedFd) {
        let Some(id) = self.clients.reserve() else { return };
        let mut stream = Stream::new(fd, token(CLIENT, id));
        if stream.register(self.set).is_err() {
            self.clients.remove(id);
            return;
        }
        let presence = Presence::own(&self.shared);
        let mut client = Box::new(Client::new(id, presence, stream, 0, "the proxy".to_owned(), self.now_us));
        client.stage = Stage::Active;
        client.pool = self.shared.pool(pool);
        client.base = base;
        self.follow_settings(&mut client);
        if let Some(pool) = &client.pool {
            client.presence.join(pool, self.index);
        }
        self.settle_client(client, Ok(()));
    }

    /// What a cancel request for this client has to know.
    pub(super) fn cancel_secret(&self, id: Id) -> [u8; 32] {
        let mut secret = [0; 32];
        for (i, half) in secret.chunks_exact_mut(16).enumerate() {
            let mut hasher = SipHasher::new_with_key(&self.shared.cancel_key);
            hasher.write_u64(id.0);
            hasher.write_usize(i);
            let hash = hasher.finish128();
            half.copy_from_slice(&hash.as_u128().to_be_bytes());
        }
        secret
    }

    /// What is asked about it is another.
    pub(super) fn regard(&self, client: &mut Client) {
        client.networks = self.shared.asks.load().networks_of(client.peer.as_deref());
        client.scope = self.scope_of(client);
    }

    /// What plans of its next statement depend on.
    pub(super) fn scope_of(&self, client: &Client) -> u32 {
        let asks = self.shared.asks.load();
        let application = asks.application_of(&client.meant);
        self.shared.interner.scope(client.base, &client.networks, application, &client.meant)
    }

    /// The session's settings changed: so did its scope, and perhaps how its statements are lexed.
    pub(super) fn follow_settings(&mut self, client: &mut Client) {
        client.meant = Arc::clone(&client.settings);
        client.scope = self.scope_of(client);
        let encoding = client
            .settings
            .get("client_encoding")
            .unwrap_or_default()
            .trim_matches('\'')
            .to_ascii_lowercase();
        client.session.unsafe_encoding =
            UNSAFE_ENCODINGS.contains(&encoding.replace(['-', '_'], "").as_str());
        let conforming = client.settings.get("standard_conforming_strings").unwrap_or("on");
        client.session.backslashes = matches!(
            conforming.trim_matches('\'').to_ascii_lowercase().as_str(),
            "off" | "false" | "no" | "0"
        );
    }
}

fn malformed_tls() -> End {
    End::error("08P01", "invalid length of startup packet")
}
