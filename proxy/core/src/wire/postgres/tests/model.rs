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
    /// One of our own.
    other: Option<String>,
    skipping: bool,
    /// A simple query was skipped that would have dropped the unnamed statement.
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
            self.doubtful |= kind == b'Q';
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
                let mut said = String::new();
                for one in text(0).split("\n;") {
                    match self.query(one) {
                        Ok(reply) => said += &(reply + " "),
                        Err(code) => {
                            said += &format!("E:{code} ");
                            break;
                        }
                    }
                }
                return said + "Z:I";
            }
            b'P' if text(1).contains("select bad") => Err("42601"),
            b'P' if !strings[0].is_empty() && self.named.contains_key(strings[0]) => Err("42P05"),
            b'P' => {
                self.named.insert(strings[0].to_vec(), text(1));
                Ok("1".to_owned())
            }
            b'B' => match self.named.get(strings[1]) {
                Some(statement) => {
                    let to = if strings[0].is_empty() { &mut self.portal } else { &mut self.other };
                    *to = Some(statement.clone());
                    Ok("2".to_owned())
                }
                None => Err("26000"),
            },
            b'D' if body[0] == b'S' => {
                let known = self.named.get(&body[1..body.len() - 1]);
                known.map(|statement| format!("t:{} T:{}", statement.len(), statement.len())).ok_or("26000")
            }
            b'D' => self.portal.as_ref().map(|statement| format!("T:{}", statement.len())).ok_or("34000"),
            b'C' if body[0] == b'P' => {
                self.other = None;
                Ok("3".to_owned())
            }
            b'E' => match if strings[0].is_empty() { self.portal.clone() } else { self.other.clone() } {
                Some(statement) if statement.starts_with("PREPARE") => self.query(&statement),
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

impl Server {
    /// One statement of a simple query.
    fn query(&mut self, text: &str) -> Result<String, &'static str> {
        let words: Vec<&str> = text.split(' ').collect();
        let name = words.get(1).map(|name| name.trim_matches('"').as_bytes().to_vec()).unwrap_or_default();
        let known = self.named.get(&name).cloned();
        match (words[0].to_ascii_lowercase().as_str(), known) {
            ("prepare", _) if text.contains("select bad") => Err("42601"),
            ("prepare", Some(_)) => Err("42P05"),
            ("prepare", None) => {
                self.named.insert(name, words[3..].join(" "));
                Ok("C:PREPARE".to_owned())
            }
            ("execute" | "deallocate", None) if words.get(1) != Some(&"all") => Err("26000"),
            ("execute", Some(statement)) => {
                // The server runs nothing under a name that could not have been prepared in SQL.
                self.beyond |= statement.starts_with("deallocate");
                if statement.contains("fail") { Err("22012") } else { Ok(rows(&statement)) }
            }
            ("deallocate", Some(_)) => {
                self.named.remove(&name);
                Ok("C:DEALLOCATE".to_owned())
            }
            ("set", _) => Ok("C:SET".to_owned()),
            _ if text.contains("fail") => Err("22012"),
            _ => {
                if text.starts_with("deallocate") {
                    self.named.clear();
                }
                Ok(rows(text))
            }
        }
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
    let message = (0..10u8, name, text).prop_map(move |(kind, name, text)| match kind {
        8 | 9 if texts.len() < OWN.len() => "E".to_owned(),
        8 | 9 => format!("Q {text}"),
        // Sent by the extended protocol, what is about names pins.
        0 | 1 if about_names(text) => format!("Q {text}"),
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

const OWN: &[&str] = &[
    "select 1",
    "select 22",
    "select fail",
    "select bad",
    "insert 333",
    "deallocate all",
    "prepare s1 as select 1",
    "prepare s2 as insert 333",
    "prepare s2 as select fail",
    "prepare s1 as select bad",
    "execute s1",
    "execute s2",
    "deallocate s1",
    "deallocate s2",
];
const SHARED: &[&str] = &["select 1", "select 22", "select 333", "select fail", "select bad"];

fn about_names(text: &str) -> bool {
    let word = text.split(' ').next().unwrap_or_default();
    matches!(word, "prepare" | "execute" | "deallocate") && text != "deallocate all"
}

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

/// What is not promised: a name used twice, and an unnamed statement that outlives a
/// simple query that was skipped.
fn is_beyond(units: &[Vec<String>]) -> bool {
    let mut server = Server::default();
    for message in units.iter().flatten() {
        server.hear(&client_says(message));
    }
    server.beyond
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::cases(1_500), max_global_rejects: 10_000_000, failure_persistence: None, ..ProptestConfig::default() })]

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
