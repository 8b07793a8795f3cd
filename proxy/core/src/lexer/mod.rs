//! Fingerprints of statements: 128 keyed bits over a statement's tokens, literals replaced by their kind.
//!
//! Owns what every dialect shares: the key, the result, the token stream's encoding. A dialect is a room of its
//! own (`postgres`), which knows how its server cuts bytes into tokens. Nothing here knows of connections, plans
//! or policy. The one promise: same fingerprint, same syntax tree up to literal values. What a dialect cannot
//! place is `exact`: hashed byte for byte, so it is equal to itself only.

pub mod postgres;
#[cfg(test)]
mod properties;
mod stream;
#[cfg(test)]
mod tests;

use std::fmt;

pub use postgres::{Mode, fingerprint};

/// The random key of this process's fingerprints. Without it nobody can aim for a collision.
#[derive(Clone)]
pub struct ProcessKey([u8; 16]);

impl ProcessKey {
    /// A fresh key from the operating system.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut key = [0; 16];
        getrandom::fill(&mut key)?;
        Ok(Self(key))
    }

    pub const fn from_bytes(key: [u8; 16]) -> Self {
        Self(key)
    }
}

impl fmt::Debug for ProcessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProcessKey(hidden)")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub u128);

impl Fingerprint {
    /// As it crosses the border to Python.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }

    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_le_bytes(bytes))
    }
}

/// What a literal is to the server before anyone looks at its value. Part of the fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum LiteralKind {
    /// `'…'`, backslashes read as the session's mode says.
    String = 0x10,
    /// `E'…'`
    Escaped,
    /// `$tag$…$tag$`
    Dollar,
    /// `U&'…'`
    Unicode,
    /// `N'…'`
    National,
    /// `B'…'`
    Bits,
    /// `X'…'`
    Hex,
    /// Fits four bytes.
    Integer,
    /// Fits eight bytes.
    BigInteger,
    /// Whole, but too long for eight bytes.
    Numeric,
    /// With a point or an exponent.
    Decimal,
    /// `0x1F`, `1_000`: numbers to new servers, a number and an alias to old ones. Always kept as spelt.
    Spelt,
}

/// Where a literal lies in the statement: byte offsets, prefix, quotes and continuation lines included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Literal {
    pub start: u32,
    pub end: u32,
    pub kind: LiteralKind,
}

/// The word a text's first statement begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyword {
    /// Nothing but white space and comments.
    Nothing,
    Select,
    Insert,
    Update,
    Delete,
    Merge,
    With,
    Values,
    Table,
    /// BEGIN and START.
    Begin,
    /// COMMIT and END.
    Commit,
    /// ROLLBACK and ABORT.
    Rollback,
    Set,
    Show,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lexed {
    pub fingerprint: Fingerprint,
    /// The fingerprint covers every literal's value too.
    pub exact: bool,
    pub keyword: Keyword,
}

/// Literals noted down for one text. One with more is exact.
pub const MAX_LITERALS: usize = 65_535;
