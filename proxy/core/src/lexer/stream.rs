//! A token stream as bytes for the hash. Owns the encoding; knows no dialect.
//!
//! The encoding can be read back in one way only, so different streams are different bytes: each token begins
//! with a tag below 0x20; words, operators and parameters go on with bytes that are never below 0x20; whatever
//! may hold any byte carries its length.

use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher13};

use super::{Fingerprint, LiteralKind, ProcessKey};

const WORD: u8 = 1;
const OPERATOR: u8 = 2;
const PARAMETER: u8 = 3;
const QUOTED_NAME: u8 = 4;
const KEPT: u8 = 5;
const END: u8 = 6;
const END_EXACT: u8 = 7;
const RAW: u8 = 8;
/// With comments somewhere between the tokens: whoever judges may ask, and nobody which or where.
const END_COMMENTED: u8 = 9;
const END_EXACT_COMMENTED: u8 = 10;

const CAPACITY: usize = 256;
/// Bytes copied at once. Room for a chunk and a tag is made before either is written.
const CHUNK: usize = 32;

pub(super) struct Stream {
    hasher: SipHasher13,
    buffer: [u8; CAPACITY],
    used: usize,
    flushed: bool,
}

impl Stream {
    /// `dialect` keeps the streams of different dialects and modes apart; it is any byte but `RAW`.
    pub fn new(key: &ProcessKey, dialect: u8) -> Self {
        let mut stream = Self {
            hasher: SipHasher13::new_with_key(&key.0),
            buffer: [0; CAPACITY],
            used: 0,
            flushed: false,
        };
        stream.put(dialect);
        stream
    }

    /// The fingerprint of a text taken byte for byte. No token stream has it: those begin otherwise.
    pub fn exact(key: &ProcessKey, dialect: u8, text: &[u8]) -> Fingerprint {
        let mut hasher = SipHasher13::new_with_key(&key.0);
        hasher.write(&[RAW, dialect]);
        hasher.write(text);
        Fingerprint(hasher.finish128().as_u128())
    }

    /// The unquoted word that `rest` begins with: its length and itself, folded (empty if longer than a chunk).
    /// `fold` gives each byte as it is folded, zero where a word ends.
    #[inline]
    pub fn word(&mut self, rest: &[u8], fold: &[u8; 256]) -> (usize, &[u8]) {
        self.reserve(CHUNK + 1);
        self.put_reserved(WORD);
        let length = self.fold_chunk(rest, fold);
        if length == CHUNK {
            return (self.long_word(rest, fold), &[]);
        }
        (length, self.buffer.get(self.used - length..self.used).unwrap_or_default())
    }

    #[inline]
    fn fold_chunk(&mut self, rest: &[u8], fold: &[u8; 256]) -> usize {
        let mut length = 0;
        let places = self.buffer.get_mut(self.used..self.used + CHUNK).unwrap_or_default();
        for (place, &byte) in places.iter_mut().zip(rest) {
            let folded = fold[byte as usize];
            if folded == 0 {
                break;
            }
            *place = folded;
            length += 1;
        }
        self.used += length;
        length
    }

    #[cold]
    fn long_word(&mut self, rest: &[u8], fold: &[u8; 256]) -> usize {
        let mut length = CHUNK;
        loop {
            self.reserve(CHUNK);
            let more = self.fold_chunk(rest.get(length..).unwrap_or_default(), fold);
            length += more;
            if more < CHUNK {
                return length;
            }
        }
    }

    #[inline]
    pub fn operator(&mut self, spelling: &[u8]) {
        self.put(OPERATOR);
        self.put_all(spelling);
    }

    #[inline]
    pub fn punctuation(&mut self, byte: u8) {
        self.reserve(2);
        self.put_reserved(OPERATOR);
        self.put_reserved(byte);
    }

    pub fn parameter(&mut self, digits: &[u8]) {
        self.put(PARAMETER);
        self.put_all(digits);
    }

    pub fn quoted_name(&mut self, inside: &[u8]) {
        self.put_sized(QUOTED_NAME, inside);
    }

    #[inline]
    pub fn literal(&mut self, kind: LiteralKind) {
        self.put(kind as u8);
    }

    /// A spelling that decides meaning: a literal's, behind the literal, or a comment's that others may misread.
    pub fn kept(&mut self, spelling: &[u8]) {
        self.put_sized(KEPT, spelling);
    }

    pub fn finish(&mut self, exact: bool, commented: bool) -> Fingerprint {
        self.put(match (exact, commented) {
            (false, false) => END,
            (true, false) => END_EXACT,
            (false, true) => END_COMMENTED,
            (true, true) => END_EXACT_COMMENTED,
        });
        let tokens = self.buffer.get(..self.used).unwrap_or_default();
        if !self.flushed {
            return Fingerprint(self.hasher.hash(tokens).as_u128());
        }
        self.hasher.write(tokens);
        Fingerprint(self.hasher.finish128().as_u128())
    }

    fn put_sized(&mut self, tag: u8, bytes: &[u8]) {
        self.put(tag);
        self.put_all(&(bytes.len() as u64).to_le_bytes());
        self.put_all(bytes);
    }

    fn put_all(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(CHUNK) {
            self.reserve(CHUNK);
            for &byte in chunk {
                self.put_reserved(byte);
            }
        }
    }

    #[inline]
    fn put(&mut self, byte: u8) {
        self.reserve(1);
        self.put_reserved(byte);
    }

    #[inline]
    fn put_reserved(&mut self, byte: u8) {
        if let Some(place) = self.buffer.get_mut(self.used) {
            *place = byte;
            self.used += 1;
        }
    }

    #[inline]
    fn reserve(&mut self, count: usize) {
        if self.used + count > CAPACITY {
            self.flush();
        }
    }

    #[cold]
    fn flush(&mut self) {
        self.hasher.write(self.buffer.get(..self.used).unwrap_or_default());
        self.used = 0;
        self.flushed = true;
    }
}
