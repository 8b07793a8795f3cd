//! A server that knows one row. It lets everyone in, answers every SELECT and every Execute with that row, any other
//! simple statement with its own first word, and is never in a transaction. A simple statement with `repeat('x', W)` and
//! `generate_series(1, N)` in it has N rows of W letters, copied out where it begins with COPY; what is copied in is
//! thrown away, and counted as one row.
//!
//! It exists because a real server takes most of a small machine's CPU, and so hides what the proxies in front of it
//! cost. Nothing that is said about a proxy's correctness may rest on it.

use std::collections::HashMap;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::AsRawFd;

use crate::idle;
use crate::json::Object;
use crate::options::Options;
use crate::poll::{self, Poll};
use crate::wire::{self, Link};

const LISTENER: usize = usize::MAX;
const CANCEL: i32 = 80_877_102;
const ENCRYPTION: [i32; 2] = [80_877_103, 80_877_104];
const GREETING: [(&str, &str); 12] = [
    ("application_name", ""),
    ("client_encoding", "UTF8"),
    ("DateStyle", "ISO, MDY"),
    ("default_transaction_read_only", "off"),
    ("in_hot_standby", "off"),
    ("integer_datetimes", "on"),
    ("IntervalStyle", "postgres"),
    ("is_superuser", "off"),
    ("server_encoding", "UTF8"),
    ("server_version", "15.0"),
    ("standard_conforming_strings", "on"),
    ("TimeZone", "UTC"),
];

struct Peer {
    link: Link,
    started: bool,
    /// Bytes wait for the socket; until they are gone nothing more is read, so they stay few.
    stuck: bool,
    /// Rows that are still to be sent.
    owed: Option<Owed>,
}

struct Owed {
    rows: u64,
    /// One row's message.
    row: Vec<u8>,
    /// What follows the last one.
    end: Vec<u8>,
}

/// Rows that go out in one call.
const ROWS_AT_ONCE: u64 = 32;

/// The canned row's messages, made once.
struct Canned {
    description: Vec<u8>,
    row: Vec<u8>,
    ready: Vec<u8>,
}

pub fn main(mut options: Options) -> Result<bool, String> {
    let port: u16 = options.number("port", 0)?;
    options.finish()?;
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|error| format!("port {port}: {error}"))?;
    listener.set_nonblocking(true).map_err(|error| error.to_string())?;
    let port = listener.local_addr().map_err(|error| error.to_string())?.port();
    idle::say(&Object::new().number("port", port).finish())?;
    let lines = idle::lines();
    std::thread::spawn(move || {
        while lines.recv().is_ok() {}
        std::process::exit(0);
    });
    serve(&listener).map_err(|error| format!("stub: {error}"))
}

fn serve(listener: &TcpListener) -> std::io::Result<bool> {
    let mut poll = Poll::new()?;
    poll.add(listener.as_raw_fd(), LISTENER, poll::READ)?;
    let canned = Canned::new();
    let mut peers: HashMap<usize, Peer> = HashMap::new();
    let mut next = 0;
    let (mut ready, mut scratch, mut reply) = (Vec::new(), vec![0; 64 * 1024], Vec::new());
    loop {
        poll.wait(-1, &mut ready)?;
        for (token, _) in &ready {
            if *token == LISTENER {
                while let Ok((stream, _)) = listener.accept() {
                    stream.set_nonblocking(true)?;
                    stream.set_nodelay(true)?;
                    poll.add(stream.as_raw_fd(), next, poll::READ)?;
                    peers.insert(
                        next,
                        Peer { link: Link::new(stream), started: false, stuck: false, owed: None },
                    );
                    next += 1;
                }
                continue;
            }
            let Some(peer) = peers.get_mut(token) else {
                continue;
            };
            if !turn(peer, *token, &poll, &canned, &mut scratch, &mut reply) {
                peers.remove(token);
            }
        }
    }
}

/// One turn of one peer. False: it is to be closed.
fn turn(
    peer: &mut Peer,
    token: usize,
    poll: &Poll,
    canned: &Canned,
    scratch: &mut [u8],
    reply: &mut Vec<u8>,
) -> bool {
    let stuck = peer.stuck;
    let sent = if stuck {
        peer.link.flush()
    } else {
        reply.clear();
        if !peer.link.fill(scratch).unwrap_or(false) || answer(peer, canned, reply).is_none() {
            return false;
        }
        if reply.is_empty() { Ok(true) } else { peer.link.send(reply) }
    };
    let Ok(mut all) = sent else { return false };
    while all && let Some(owed) = &mut peer.owed {
        reply.clear();
        let rows = owed.rows.min(ROWS_AT_ONCE);
        (0..rows).for_each(|_| reply.extend_from_slice(&owed.row));
        owed.rows -= rows;
        if owed.rows == 0 {
            reply.extend_from_slice(&owed.end);
            peer.owed = None;
        }
        let Ok(gone) = peer.link.send(reply) else { return false };
        all = gone;
    }
    peer.stuck = !all;
    let interest = if peer.stuck { poll::WRITE } else { poll::READ };
    peer.stuck == stuck || poll.change(peer.link.stream.as_raw_fd(), token, interest).is_ok()
}

/// Answers all the messages that are there. None: the peer goes, or makes no sense.
fn answer(peer: &mut Peer, canned: &Canned, reply: &mut Vec<u8>) -> Option<()> {
    let link = &mut peer.link;
    while !peer.started {
        let Some(body) = link.next_untyped().ok()? else {
            link.forget_read();
            return Some(());
        };
        match wire::int32(link.body(&body))? {
            CANCEL => return None,
            code if ENCRYPTION.contains(&code) => reply.push(b'N'),
            _ => {
                greet(reply, canned);
                peer.started = true;
            }
        }
    }
    while let Some((kind, place)) = link.next().ok()? {
        match kind {
            b'Q' => {
                let statement = link.body(&place);
                let word = first_word(statement);
                if let Some(owed) = Owed::read(statement, &word) {
                    if word == b"COPY" {
                        wire::message(reply, b'H', |body| body.extend_from_slice(&ONE_TEXT_COLUMN));
                    } else {
                        reply.extend_from_slice(&canned.description);
                    }
                    peer.owed = Some(owed);
                    continue;
                }
                if word == b"COPY" {
                    wire::message(reply, b'G', |body| body.extend_from_slice(&ONE_TEXT_COLUMN));
                    continue;
                }
                if word == b"SELECT" {
                    reply.extend_from_slice(&canned.description);
                    reply.extend_from_slice(&canned.row);
                } else {
                    wire::message(reply, b'C', |body| wire::text(body, &word));
                }
                reply.extend_from_slice(&canned.ready);
            }
            b'd' => {}
            b'c' => {
                wire::message(reply, b'C', |body| wire::text(body, b"COPY 1"));
                reply.extend_from_slice(&canned.ready);
            }
            b'P' => wire::message(reply, b'1', |_| {}),
            b'B' => wire::message(reply, b'2', |_| {}),
            b'C' => wire::message(reply, b'3', |_| {}),
            b'D' => {
                if link.body(&place).first() == Some(&b'S') {
                    wire::message(reply, b't', |body| body.extend_from_slice(&[0, 1, 0, 0, 0, 23]));
                }
                reply.extend_from_slice(&canned.description);
            }
            b'E' => reply.extend_from_slice(&canned.row),
            b'S' => reply.extend_from_slice(&canned.ready),
            b'H' => {}
            _ => return None,
        }
    }
    link.forget_read();
    Some(())
}

fn greet(reply: &mut Vec<u8>, canned: &Canned) {
    wire::message(reply, b'R', |body| body.extend_from_slice(&[0; 4]));
    for (name, value) in GREETING {
        wire::message(reply, b'S', |body| {
            wire::text(body, name.as_bytes());
            wire::text(body, value.as_bytes());
        });
    }
    wire::message(reply, b'K', |body| body.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 2]));
    reply.extend_from_slice(&canned.ready);
}

fn first_word(statement: &[u8]) -> Vec<u8> {
    let letters = statement.iter().skip_while(|byte| byte.is_ascii_whitespace());
    letters.take_while(|byte| byte.is_ascii_alphabetic()).map(u8::to_ascii_uppercase).collect()
}

/// How CopyInResponse and CopyOutResponse describe what is copied.
const ONE_TEXT_COLUMN: [u8; 5] = [0, 0, 1, 0, 0];

impl Owed {
    /// What a statement of many rows has coming; None for any other.
    fn read(statement: &[u8], word: &[u8]) -> Option<Owed> {
        let text = std::str::from_utf8(statement).ok()?;
        let rows = number_behind(text, "generate_series(1, ")?;
        let width = usize::try_from(number_behind(text, "repeat('x', ")?).ok()?.min(WIDEST);
        let (letters, copied) = (vec![b'x'; width], word == b"COPY");
        let (mut row, mut end) = (Vec::new(), Vec::new());
        if copied {
            wire::message(&mut row, b'd', |body| body.extend_from_slice(&[&letters[..], b"\n"].concat()));
            wire::message(&mut end, b'c', |_| {});
        } else {
            wire::message(&mut row, b'D', |body| {
                body.extend_from_slice(&[0, 1]);
                body.extend_from_slice(&(width as u32).to_be_bytes());
                body.extend_from_slice(&letters);
            });
        }
        let tag = format!("{} {rows}", if copied { "COPY" } else { "SELECT" });
        wire::message(&mut end, b'C', |body| wire::text(body, tag.as_bytes()));
        wire::message(&mut end, b'Z', |body| body.push(b'I'));
        (rows > 0).then_some(Owed { rows, row, end })
    }
}

const WIDEST: usize = 1 << 16;

fn number_behind(text: &str, before: &str) -> Option<u64> {
    let (_, rest) = text.split_once(before)?;
    rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

impl Canned {
    fn new() -> Canned {
        let (mut description, mut row, mut ready) = (Vec::new(), Vec::new(), Vec::new());
        wire::message(&mut description, b'T', |body| {
            body.extend_from_slice(&[0, 1]);
            wire::text(body, b"abalance");
            // Of no table; an int4 of four bytes, no modifier, as text.
            body.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 23, 0, 4, 255, 255, 255, 255, 0, 0]);
        });
        wire::message(&mut row, b'D', |body| body.extend_from_slice(b"\0\x01\0\0\0\x010"));
        wire::message(&mut row, b'C', |body| wire::text(body, b"SELECT 1"));
        wire::message(&mut ready, b'Z', |body| body.push(b'I'));
        Canned { description, row, ready }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_decides() {
        assert_eq!(first_word(b"  select 1\0"), b"SELECT");
        assert_eq!(first_word(b"discard all\0"), b"DISCARD");
        assert_eq!(first_word(b"\0"), b"");
    }

    #[test]
    fn a_statement_of_many_rows_says_how_many_and_how_wide() {
        let statement = b"COPY (SELECT repeat('x', 3) FROM generate_series(1, 70)) TO STDOUT\0";
        let owed = Owed::read(statement, b"COPY").map(|owed| (owed.rows, owed.row));
        assert_eq!(owed, Some((70, b"d\0\0\0\x08xxx\n".to_vec())));
        assert!(Owed::read(b"SELECT 1\0", b"SELECT").is_none());
    }
}
