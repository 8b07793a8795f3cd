//! What the clients say: one statement with a random key in it, as the three kinds of client send it.

use std::fmt::Write as _;
use std::io::Write as _;

use crate::options::Options;
use crate::wire;

const STATEMENT: &str = "SELECT abalance FROM pgbench_accounts WHERE aid = {random}";
const NAME: &[u8] = b"P_0";

enum Mode {
    Simple,
    Extended,
    Prepared,
}

pub struct Script {
    mode: Mode,
    pieces: Vec<String>,
    numbered: String,
    pub keys: u64,
    /// The first column has to be the key, not just any.
    pub expect_key: bool,
}

impl Script {
    pub fn read(options: &mut Options) -> Result<Script, String> {
        let mode = match options.text("mode", "simple").as_str() {
            "simple" => Mode::Simple,
            "extended" => Mode::Extended,
            "prepared" => Mode::Prepared,
            other => return Err(format!("--mode {other}: one of simple, extended, prepared")),
        };
        let expect_key = match options.text("expect", "row").as_str() {
            "row" => false,
            "key" => true,
            other => return Err(format!("--expect {other}: one of row, key")),
        };
        let statement = options.text("statement", STATEMENT);
        let keys = options.number("keys", 100_000u64)?.max(1);
        Ok(Script::new(mode, &statement, keys, expect_key))
    }

    fn new(mode: Mode, statement: &str, keys: u64, expect_key: bool) -> Script {
        let pieces: Vec<String> = statement.split("{random}").map(str::to_owned).collect();
        let mut numbered = String::new();
        for (index, piece) in pieces.iter().enumerate() {
            if index > 0 {
                let _ = write!(numbered, "${index}");
            }
            numbered.push_str(piece);
        }
        Script { mode, pieces, numbered, keys, expect_key }
    }

    /// What a client sends once, before the first statement.
    pub fn preparation(&self) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        if matches!(self.mode, Mode::Prepared) {
            self.parse(&mut out, NAME);
            wire::message(&mut out, b'S', |_| {});
            return Some(out);
        }
        None
    }

    fn parse(&self, out: &mut Vec<u8>, name: &[u8]) {
        wire::message(out, b'P', |body| {
            wire::text(body, name);
            wire::text(body, self.numbered.as_bytes());
            body.extend_from_slice(&[0, 0]);
        });
    }

    pub fn request(&self, key: u64, out: &mut Vec<u8>) {
        out.clear();
        match self.mode {
            Mode::Simple => wire::message(out, b'Q', |body| {
                for (index, piece) in self.pieces.iter().enumerate() {
                    if index > 0 {
                        let _ = write!(body, "{key}");
                    }
                    body.extend_from_slice(piece.as_bytes());
                }
                body.push(0);
            }),
            Mode::Extended => {
                self.parse(out, b"");
                self.execute(key, out, b"");
            }
            Mode::Prepared => self.execute(key, out, NAME),
        }
    }

    fn execute(&self, key: u64, out: &mut Vec<u8>, name: &[u8]) {
        let values = self.pieces.len() - 1;
        wire::message(out, b'B', |body| {
            wire::text(body, b"");
            wire::text(body, name);
            body.extend_from_slice(&[0, 0]);
            body.extend_from_slice(&(values as u16).to_be_bytes());
            for _ in 0..values {
                let place = body.len();
                body.extend_from_slice(&[0; 4]);
                let _ = write!(body, "{key}");
                let length = (body.len() - place - 4) as u32;
                if let Some(prefix) = body.get_mut(place..place + 4) {
                    prefix.copy_from_slice(&length.to_be_bytes());
                }
            }
            body.extend_from_slice(&[0, 0]);
        });
        wire::message(out, b'D', |body| body.extend_from_slice(b"P\0"));
        wire::message(out, b'E', |body| body.extend_from_slice(b"\0\0\0\0\0"));
        wire::message(out, b'S', |_| {});
    }
}

/// SplitMix64: quick, and good enough to spread keys.
pub struct Chance(pub u64);

impl Chance {
    /// One of 1 to `keys`.
    pub fn key(&mut self, keys: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        1 + (mixed ^ (mixed >> 31)) % keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simple_statement_has_its_key_in_the_text() {
        let script = Script::new(Mode::Simple, "select {random} + {random}", 9, false);
        let mut out = Vec::new();
        script.request(7, &mut out);
        assert_eq!(out, b"Q\0\0\0\x11select 7 + 7\0");
        assert!(script.preparation().is_none());
    }

    #[test]
    fn an_extended_one_has_it_as_a_value() {
        let script = Script::new(Mode::Extended, "select {random}", 9, false);
        let mut out = Vec::new();
        script.request(42, &mut out);
        let expected: &[&[u8]] = &[
            b"P\0\0\0\x11\0select $1\0\0\0",
            b"B\0\0\0\x12\0\0\0\0\0\x01\0\0\0\x0242\0\0",
            b"D\0\0\0\x06P\0",
            b"E\0\0\0\x09\0\0\0\0\0",
            b"S\0\0\0\x04",
        ];
        assert_eq!(out, expected.concat());
    }

    #[test]
    fn keys_stay_in_their_range_and_reach_its_ends() {
        let mut chance = Chance(1);
        let keys: Vec<u64> = (0..1000).map(|_| chance.key(3)).collect();
        assert!(keys.iter().all(|key| (1..=3).contains(key)));
        assert!(keys.contains(&1) && keys.contains(&3));
    }
}
