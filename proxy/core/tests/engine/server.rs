//! A server that speaks just enough PostgreSQL to tell whose statement it ran, and under which settings.

use crate::words::{message, take};
use _core::slab::Id;
use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;

/// The other end of a server connection.
pub struct Server {
    pub stream: UnixStream,
    pub ticket: u64,
    pub conn: Option<Id>,
    /// Every statement text and message kind that came.
    pub heard: Vec<String>,
    /// Answers are kept back while it is off.
    pub answers: bool,
    /// Nothing is even read while it is off.
    pub reads: bool,
    pub gone: bool,
    pub unsent: Vec<u8>,
    pub kept: Vec<u8>,
    input: Vec<u8>,
    named: HashMap<Vec<u8>, String>,
    portal: String,
    status: u8,
    skipping: bool,
    failed: bool,
    copying: bool,
    /// Its TimeZone, and what it was when the transaction began.
    zone: String,
    zone_before: String,
}

impl Server {
    pub fn new(stream: UnixStream, ticket: u64) -> Self {
        Self {
            stream,
            ticket,
            conn: None,
            heard: Vec::new(),
            answers: true,
            reads: true,
            gone: false,
            unsent: Vec::new(),
            kept: Vec::new(),
            input: Vec::new(),
            named: HashMap::new(),
            portal: String::new(),
            status: b'I',
            skipping: false,
            failed: false,
            copying: false,
            zone: "none".to_owned(),
            zone_before: String::new(),
        }
    }

    pub fn work(&mut self) {
        let mut chunk = [0; 65_536];
        while self.reads && !self.gone {
            match self.stream.read(&mut chunk) {
                Ok(0) => self.gone = true,
                Ok(n) => self.input.extend_from_slice(&chunk[..n]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => self.gone = true,
            }
        }
        while let Some((kind, body)) = take(&mut self.input) {
            self.message(kind, &body);
        }
        if self.answers {
            self.unsent.append(&mut self.kept);
        }
        self.push();
    }

    /// Says something of its own.
    pub fn say(&mut self, bytes: &[u8]) {
        self.unsent.extend_from_slice(bytes);
        self.push();
    }

    fn push(&mut self) {
        while !self.unsent.is_empty() && !self.gone {
            match self.stream.write(&self.unsent) {
                Ok(n) => drop(self.unsent.drain(..n)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => self.gone = true,
            }
        }
    }

    fn reply(&mut self, kind: u8, parts: &[&[u8]]) {
        let bytes = message(kind, parts);
        self.kept.extend(bytes);
    }

    fn row(&mut self, value: &[u8]) {
        let length = (value.len() as u32).to_be_bytes();
        self.reply(b'D', &[b"\0\x01", &length, value]);
    }

    fn error(&mut self, code: &str) {
        self.failed = true;
        self.reply(b'E', &[b"SERROR\0VERROR\0C", code.as_bytes(), b"\0Mno\0\0"]);
    }

    fn ready(&mut self) {
        let status = [self.status];
        self.reply(b'Z', &[&status]);
    }

    /// Rows of the statement, then its tag. Rows say what they are asked for, and under which settings.
    fn run(&mut self, text: &str) {
        let text = text.trim_end();
        let quoted = text.split('"').nth(1).unwrap_or_default().as_bytes().to_vec();
        let last = text.rsplit(' ').next().unwrap_or_default();
        match text.split(' ').next().unwrap_or_default() {
            "begin" => {
                self.status = b'T';
                self.zone_before.clone_from(&self.zone);
            }
            "commit" => self.status = b'I',
            "rollback" if last != "rollback" => {}
            "rollback" => {
                self.status = b'I';
                self.zone.clone_from(&self.zone_before);
            }
            "big" => self.row(&vec![b'x'; last.parse().unwrap()]),
            "select" if text.contains("big") => self.row(&vec![b'x'; last.parse().unwrap()]),
            "select" if text.contains("zone") => self.row(format!("{} {last}", self.zone).as_bytes()),
            "fail" => return self.error("22012"),
            "articdbm" => return self.error("42601"),
            "copy" => {
                self.copying = true;
                return self.reply(b'G', &[b"\0\0\0"]);
            }
            "PREPARE" | "prepare" if self.named.contains_key(&quoted) => return self.error("42P05"),
            "PREPARE" | "prepare" => {
                let (_, statement) = text.split_once(" as ").unwrap();
                self.named.insert(quoted, statement.to_owned());
                return self.reply(b'C', &[b"PREPARE\0"]);
            }
            "execute" => match self.named.get(&quoted).cloned() {
                Some(statement) => return self.run(&statement),
                None => return self.error("26000"),
            },
            "SET" if text.contains("articdbm.nothing") => {}
            "set" | "SET" => last.trim_matches('\'').clone_into(&mut self.zone),
            "reset" | "RESET" | "DISCARD" => "none".clone_into(&mut self.zone),
            "DEALLOCATE" => self.named.clear(),
            _ => self.row(text.as_bytes()),
        }
        if text.starts_with("DISCARD") {
            self.named.clear();
        }
        let tag: &[u8] = match text {
            "begin" => b"BEGIN\0",
            "commit" => b"COMMIT\0",
            "rollback" | "rollback to s" => b"ROLLBACK\0",
            _ => b"OK\0",
        };
        self.reply(b'C', &[tag]);
    }

    fn message(&mut self, kind: u8, body: &[u8]) {
        let strings: Vec<&[u8]> = body.split(|b| *b == 0).collect();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match kind {
            b'Q' => self.heard.push(text(strings[0])),
            b'P' => self.heard.push(format!("P {}", text(strings[1]))),
            _ => self.heard.push(char::from(kind).to_string()),
        }
        if kind == b'S' {
            self.skipping = false;
            return self.ready();
        }
        if self.skipping {
            return;
        }
        match kind {
            b'Q' => {
                // Only what brings settings along has several statements.
                let text = text(strings[0]);
                for one in text.split_terminator(';') {
                    self.failed = false;
                    self.run(one);
                    if self.failed {
                        break;
                    }
                }
                if !self.copying {
                    self.ready();
                }
            }
            b'c' if self.copying => {
                self.copying = false;
                self.reply(b'C', &[b"COPY\0"]);
                self.ready();
            }
            b'P' => {
                self.named.insert(strings[0].to_vec(), text(strings[1]));
                self.reply(b'1', &[]);
            }
            b'B' => match self.named.get(strings[1]).cloned() {
                Some(statement) => {
                    self.portal = statement;
                    self.reply(b'2', &[]);
                }
                None => {
                    self.skipping = true;
                    self.error("26000");
                }
            },
            b'E' => {
                let statement = self.portal.clone();
                self.skipping = statement.starts_with("fail");
                self.run(&statement);
            }
            b'C' => {
                self.named.remove(&body[1..body.len() - 1]);
                self.reply(b'3', &[]);
            }
            _ => {}
        }
    }
}
