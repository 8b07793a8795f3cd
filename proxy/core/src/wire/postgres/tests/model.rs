//! The proxy cannot be told from the server: random legal conversations of several clients, cut anywhere on both
//! sides, are played through the core and to a small server directly. Each client hears the same, byte for byte.

use super::stage::{Stage, client_says, server_says, take_heard};
use proptest::prelude::*;
use std::collections::HashMap;

/// What a PostgreSQL session does with its messages, as far as it is visible in them. Outside explicit transactions.
#[derive(Default)]
struct Server {
    input: Vec<u8>,
    named: HashMap<Vec<u8>, String>,
    portal: Option<String>,
    skipping: bool,
    /// Something was skipped that would have replaced the unnamed statement.
    doubtful: bool,
    /// This conversation is none of those we promise to carry unnoticed.
    beyond: bool,
}

impl Server {
    fn hear(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.input.extend_from_slice(bytes);
        let mut out = Vec::new();
        loop {
            let Some(length) = self.input.get(1..5) else { return out };
            let total = 1 + u32::from_be_bytes(length.try_into().unwrap()) as usize;
            if self.input.len() < total {
                return out;
            }
            let message: Vec<u8> = self.input.drain(..total).collect();
            out.extend(server_says(&self.message(message[0], &message[5..])));
        }
    }

    fn message(&mut self, kind: u8, body: &[u8]) -> String {
        let strings: Vec<&[u8]> = body.split(|b| *b == 0).collect();
        let text = |at: usize| String::from_utf8(strings[at].to_vec()).unwrap();
        if kind == b'S' {
            self.skipping = false;
            self.portal = None;
            return "Z:I".to_owned();
        }
        if self.skipping || kind == b'H' {
            self.doubtful |= (kind == b'P' && strings[0].is_empty()) || (kind == b'C' && body == b"S\0");
            return String::new();
        }
        let unnamed = match kind {
            b'P' => strings[0].is_empty(),
            b'B' => strings[1].is_empty(),
            b'D' | b'C' => body == b"S\0",
            _ => false,
        };
        match kind {
            // The name is the client's mistake twice; we tie it to its connection for that.
            b'P' if !unnamed => self.beyond |= self.named.contains_key(strings[0]),
            b'P' | b'C' if unnamed => self.doubtful = false,
            b'B' | b'D' if unnamed => self.beyond |= self.doubtful,
            b'Q' => self.doubtful = false,
            _ => {}
        }
        if unnamed && kind == b'P' {
            self.named.remove(&b""[..]);
        }
        let said = match kind {
            b'Q' => {
                self.named.remove(&b""[..]);
                self.portal = None;
                let text = text(0);
                if text.starts_with("deallocate") {
                    self.named.clear();
                }
                return if text.contains("fail") {
                    "E:22012 Z:I".to_owned()
                } else {
                    format!("{} Z:I", rows(&text))
                };
            }
            b'P' if text(1).contains("bad") => Err("42601"),
            b'P' if !strings[0].is_empty() && self.named.contains_key(strings[0]) => Err("42P05"),
            b'P' => {
                self.named.insert(strings[0].to_vec(), text(1));
                Ok("1".to_owned())
            }
            b'B' => match self.named.get(strings[1]) {
                Some(statement) => {
                    self.portal = Some(statement.clone());
                    Ok("2".to_owned())
                }
                None => Err("26000"),
            },
            b'D' if body[0] == b'S' => {
                let known = self.named.get(&body[1..body.len() - 1]);
                known.map(|statement| format!("t:{} T:{}", statement.len(), statement.len())).ok_or("26000")
            }
            b'D' => self.portal.as_ref().map(|statement| format!("T:{}", statement.len())).ok_or("34000"),
            b'E' => match self.portal.clone() {
                Some(statement) if statement.contains("fail") => Err("22012"),
                Some(statement) => {
                    if statement.starts_with("deallocate") {
                        self.named.retain(|name, _| name.is_empty());
                    }
                    Ok(rows(&statement))
                }
                None => Err("34000"),
            },
            b'C' => {
                self.named.remove(&body[1..body.len() - 1]);
                Ok("3".to_owned())
            }
            _ => panic!("the server hears {kind}"),
        };
        said.unwrap_or_else(|code| {
            self.skipping = true;
            format!("E:{code}")
        })
    }
}

/// The rows name the statement that they come from.
fn rows(statement: &str) -> String {
    let mark = statement.replace(' ', "_");
    format!("D:{mark} D:{mark} C:{mark}")
}

/// Messages before a Sync, for one client. Few names and few texts, so that they meet.
fn unit(texts: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    let name = prop::sample::select(vec!["-", "s1", "s2"]);
    let text = prop::sample::select(texts);
    let message = (0..8u8, name, text).prop_map(|(kind, name, text)| match kind {
        0 | 1 => format!("P {name} {text}"),
        2 | 3 => format!("B {name}"),
        4 => format!("D {name}"),
        5 | 6 => "E".to_owned(),
        _ => format!("C {name}"),
    });
    let query = prop::sample::select(texts).prop_map(|text| vec![format!("Q {text}")]);
    let unit = prop::collection::vec(message, 0..7).prop_map(|mut unit| {
        unit.push("S".to_owned());
        unit
    });
    prop_oneof![1 => query, 4 => unit]
}

const OWN: &[&str] = &["select 1", "select 22", "select fail", "select bad", "insert 333", "deallocate all"];
const SHARED: &[&str] = &["select 1", "select 22", "select 333", "select fail", "select bad"];

fn pieces(bytes: &[u8], lengths: &mut impl Iterator<Item = usize>) -> Vec<Vec<u8>> {
    let (mut left, mut all) = (bytes, Vec::new());
    while !left.is_empty() {
        let (piece, rest) = left.split_at(lengths.next().unwrap_or(1).clamp(1, left.len()));
        all.push(piece.to_vec());
        left = rest;
    }
    all
}

/// The server takes what it was sent; the clients hear it, a piece at a time.
fn serve(stage: &mut Stage, server: &mut Server, lengths: &mut impl Iterator<Item = usize>) {
    loop {
        let asked = std::mem::take(&mut stage.to_server);
        if asked.is_empty() {
            return;
        }
        for piece in pieces(&asked, lengths) {
            let replies = server.hear(&piece);
            for piece in pieces(&replies, lengths) {
                stage.hear(&piece);
            }
        }
    }
}

/// What is not promised: a name used twice, and an unnamed statement that outlives the failure of its successor.
fn is_beyond(units: &[Vec<String>]) -> bool {
    let mut server = Server::default();
    for message in units.iter().flatten() {
        server.hear(&client_says(message));
    }
    server.beyond
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, max_global_rejects: 100_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn alone_with_any_pipelining(
        units in prop::collection::vec(unit(OWN), 1..8),
        lengths in prop::collection::vec(1..60usize, 1..6),
        prepared in 1..4usize,
        answered in prop::collection::vec(any::<bool>(), 1..6),
    ) {
        prop_assume!(!is_beyond(&units));
        let mut stage = Stage::new(1);
        stage.prepared = prepared;
        let (mut behind, mut direct) = (Server::default(), Server::default());
        let mut lengths = lengths.into_iter().cycle();
        let mut answered = answered.into_iter().cycle();
        let said: Vec<u8> = units.iter().flatten().flat_map(|message| client_says(message)).collect();
        let mut wanted = direct.hear(&said);
        for piece in pieces(&said, &mut lengths) {
            stage.send(0, &piece).unwrap();
            if answered.next() == Some(true) {
                serve(&mut stage, &mut behind, &mut lengths);
            }
        }
        serve(&mut stage, &mut behind, &mut lengths);
        prop_assert!(stage.lost().is_none(), "{:?}", stage.lost());
        prop_assert_eq!(take_heard(&mut stage.players[0].out), take_heard(&mut wanted));
        prop_assert!(stage.up.is_quiet() && stage.up.units == 0);
    }

    #[test]
    fn together_each_hears_its_own(
        units in prop::collection::vec((0..3usize, unit(SHARED)), 1..24),
        lengths in prop::collection::vec(1..60usize, 1..6),
        prepared in 1..4usize,
        answered in prop::collection::vec(prop::bool::weighted(0.3), 1..6),
    ) {
        let of = |who: usize| units.iter().filter(|(whose, _)| *whose == who).map(|(_, unit)| unit.clone()).collect::<Vec<_>>();
        prop_assume!(!(0..3).any(|who| is_beyond(&of(who))));
        let mut stage = Stage::new(3);
        stage.prepared = prepared;
        let mut behind = Server::default();
        let mut direct: Vec<Server> = (0..3).map(|_| Server::default()).collect();
        let mut wanted = vec![Vec::new(); 3];
        let mut lengths = lengths.into_iter().cycle();
        let mut answered = answered.into_iter().cycle();
        for (who, unit) in &units {
            let said: Vec<u8> = unit.iter().flat_map(|message| client_says(message)).collect();
            wanted[*who].extend(direct[*who].hear(&said));
            stage.ride(*who, &said, |stage| serve(stage, &mut behind, &mut lengths));
            if answered.next() == Some(true) {
                serve(&mut stage, &mut behind, &mut lengths);
            }
        }
        serve(&mut stage, &mut behind, &mut lengths);
        prop_assert!(stage.lost().is_none(), "{:?}", stage.lost());
        for (player, mut wanted) in stage.players.iter_mut().zip(wanted) {
            prop_assert_eq!(take_heard(&mut player.out), take_heard(&mut wanted));
        }
        prop_assert!(stage.up.is_quiet() && stage.up.units == 0);
    }
}
