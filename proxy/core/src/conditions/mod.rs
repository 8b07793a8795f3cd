//! What a plan leaves to each execution: branches, each a condition on the statement's values and what holds instead
//! when it is met. Decided here without Python and, once the desk has its size, without allocation.
//!
//! A value is compared in an ordered form: bytes that sort as the values do, so that equal, in a set and within a range
//! are questions to bytes. A room of its own (`postgres`) brings literals and bound values into that form as their
//! server reads them. Nothing here knows of messages or connections.

mod number;
pub mod postgres;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
mod times;

use hashbrown::HashSet;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Bounds on what a plan may ask. A longer value is not looked at: it is unknown.
pub const MAX_BRANCHES: usize = 32;
pub const MAX_TESTS: usize = 64;
pub const MAX_DEPTH: usize = 8;
pub const MAX_SLOTS: usize = 8_192;
pub const MAX_SET: usize = 65_536;
pub const MAX_VALUE: usize = 64 * 1024;

type Bytes = Box<[u8]>;

/// What the plugin says a value is. Numbers of all types are one: they are compared as decimals.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Type {
    Number,
    /// A number that the server rounds to a whole one: with a fraction it is unknown.
    Integer,
    Text,
    Boolean,
    Date,
    Timestamp,
}

impl Type {
    /// A constant of a plan in the ordered form.
    pub fn ordered(self, text: &str, out: &mut Vec<u8>) -> bool {
        postgres::from_text(self, text.as_bytes(), false, out)
    }
}

/// Where a value stands in the statement.
#[derive(Clone, PartialEq, Debug)]
pub enum Slot {
    /// The literal at this place of all `of` the statement has; `negative`: behind a minus sign.
    Literal { at: u32, of: u32, negative: bool },
    /// `$1` is 1.
    Parameter { number: u16, negative: bool },
    /// The same in each execution: TRUE, NULL (None). In the ordered form.
    Fixed(Option<Bytes>),
    /// An expression, whose value only the server knows.
    Unreadable,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Test {
    In(HashSet<Bytes>),
    /// Each bound with whether it is one itself.
    Range {
        low: Option<(Bytes, bool)>,
        high: Option<(Bytes, bool)>,
    },
    /// Of a text, in letters.
    Length {
        least: usize,
        most: usize,
    },
    /// The pieces in this order, anything between them; it begins with the first and ends with the last. As SQL's LIKE
    /// with `%`: linear in the text, nothing to compile, and no piece is looked for twice.
    Like(Box<[Bytes]>),
    Null,
}

/// A condition on values. NULL meets no test but `Null`.
#[derive(Clone, PartialEq, Debug)]
pub enum Condition {
    /// Any of the slots passes. `utf8`: the session's texts are; in others only ASCII is compared.
    Test {
        slots: Box<[Slot]>,
        kind: Type,
        utf8: bool,
        test: Test,
    },
    All(Box<[Condition]>),
    Any(Box<[Condition]>),
    Not(Box<Condition>),
}

/// What holds instead of what the plan says. A route and limits of its own will be further ones.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The plan as it is: the branch counts, and nothing else.
    Pass,
    /// Not on a connection with others' statements.
    Alone,
    Deny {
        code: String,
        message: String,
    },
}

pub struct Branch {
    /// For people: whose it is.
    pub name: String,
    pub condition: Condition,
    pub then: Outcome,
    /// When the condition cannot be decided.
    pub unknown: Outcome,
    pub taken: AtomicU64,
    pub doubted: AtomicU64,
}

impl Branch {
    pub fn new(name: String, condition: Condition, then: Outcome, unknown: Outcome) -> Self {
        Self { name, condition, then, unknown, taken: AtomicU64::new(0), doubted: AtomicU64::new(0) }
    }
}

/// In order; the first denial ends it.
pub struct Branches {
    all: Box<[Branch]>,
    /// Some of them look at parameters.
    pub parameters: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    Yes,
    No,
    /// Values are to come.
    Later,
    Unknown,
}

/// What reading a value came to. The value itself is on the desk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Read {
    Null,
    Value,
    /// Somewhere between two: the second begins here.
    Between(usize),
    Later,
    Unknown,
}

/// Where values are put to be looked at. One a carrier; keeps its allocations.
#[derive(Default)]
pub struct Desk {
    /// In the ordered form.
    pub value: Vec<u8>,
    spare: Vec<u8>,
    /// Where the values of a Bind, or of an EXECUTE, stand.
    places: Vec<postgres::Place>,
}

/// One execution's values. Each is put on the desk as asked for.
pub trait Values {
    fn literal(&self, at: u32, of: u32, kind: Type, negative: bool, desk: &mut Desk) -> Read;
    fn parameter(&self, number: u16, kind: Type, negative: bool, desk: &mut Desk) -> Read;
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Forward,
    Alone,
    Later,
    /// By the branch at this place, in doubt or not.
    Deny(usize, bool),
}

/// What was decided, and by which branches: a bit each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decision {
    end: End,
    taken: u32,
    doubted: u32,
}

impl Decision {
    pub fn is_denied(&self) -> bool {
        matches!(self.end, End::Deny(..))
    }

    /// Values that are not there yet decide.
    pub fn is_later(&self) -> bool {
        self.end == End::Later
    }

    pub fn may_share(&self) -> bool {
        self.end == End::Forward
    }
}

impl Branches {
    /// At most MAX_BRANCHES of them.
    pub fn new(branches: Vec<Branch>) -> Self {
        let all: Box<[Branch]> = branches.into_iter().take(MAX_BRANCHES).collect();
        let parameters = all.iter().any(|branch| branch.condition.looks_at_parameters());
        Self { all, parameters }
    }

    pub fn each(&self) -> impl Iterator<Item = &Branch> {
        self.all.iter()
    }

    /// Some of them only keep a statement off shared connections.
    pub fn part(&self) -> bool {
        self.all.iter().any(|branch| [&branch.then, &branch.unknown].contains(&&Outcome::Alone))
    }

    pub fn decide(&self, values: &impl Values, desk: &mut Desk) -> Decision {
        let mut decision = Decision { end: End::Forward, taken: 0, doubted: 0 };
        for (at, branch) in self.all.iter().enumerate() {
            let doubted = match branch.condition.verdict(values, desk) {
                Verdict::No => continue,
                Verdict::Yes => false,
                Verdict::Unknown => true,
                // What a branch in front of the others says holds, so none of them is asked before it.
                Verdict::Later => return Decision { end: End::Later, ..decision },
            };
            *(if doubted { &mut decision.doubted } else { &mut decision.taken }) |= 1 << at;
            match if doubted { &branch.unknown } else { &branch.then } {
                Outcome::Pass => {}
                Outcome::Alone => decision.end = End::Alone,
                Outcome::Deny { .. } => return Decision { end: End::Deny(at, doubted), ..decision },
            }
        }
        decision
    }

    /// Code and message of a denial.
    pub fn denial(&self, decision: &Decision) -> Option<(&str, &str)> {
        let End::Deny(at, doubted) = decision.end else { return None };
        let branch = self.all.get(at)?;
        match if doubted { &branch.unknown } else { &branch.then } {
            Outcome::Deny { code, message } => Some((code, message)),
            Outcome::Pass | Outcome::Alone => None,
        }
    }

    /// It is carried out: now it counts.
    pub fn count(&self, decision: &Decision) {
        if decision.taken | decision.doubted == 0 {
            return;
        }
        for (at, branch) in self.all.iter().enumerate() {
            if decision.taken & (1 << at) != 0 {
                branch.taken.fetch_add(1, Relaxed);
            }
            if decision.doubted & (1 << at) != 0 {
                branch.doubted.fetch_add(1, Relaxed);
            }
        }
    }
}

impl Condition {
    fn looks_at_parameters(&self) -> bool {
        match self {
            Self::Test { slots, .. } => slots.iter().any(|slot| matches!(slot, Slot::Parameter { .. })),
            Self::Not(inner) => inner.looks_at_parameters(),
            Self::All(all) | Self::Any(all) => all.iter().any(Self::looks_at_parameters),
        }
    }

    /// Its tests, and how deep conditions are in each other.
    pub fn size(&self) -> (usize, usize) {
        let (tests, depth) = match self {
            Self::Test { .. } => return (1, 1),
            Self::Not(inner) => inner.size(),
            Self::All(all) | Self::Any(all) => all.iter().fold((0, 0), |(tests, depth), one| {
                let (more, deep) = one.size();
                (tests + more, depth.max(deep))
            }),
        };
        (tests, depth + 1)
    }

    fn verdict(&self, values: &impl Values, desk: &mut Desk) -> Verdict {
        match self {
            Self::Test { slots, kind, utf8, test } => sum(slots, Verdict::Yes, |slot| {
                let read = slot.read(values, *kind, desk);
                test.verdict(read, *kind, *utf8, &desk.value)
            }),
            Self::Any(all) => sum(all, Verdict::Yes, |one| one.verdict(values, desk)),
            Self::All(all) => sum(all, Verdict::No, |one| one.verdict(values, desk)),
            Self::Not(inner) => match inner.verdict(values, desk) {
                Verdict::Yes => Verdict::No,
                Verdict::No => Verdict::Yes,
                open => open,
            },
        }
    }
}

/// One that says `decides` decides; else one that is to come, for it might; else one that is not known.
fn sum<T>(all: &[T], decides: Verdict, mut of: impl FnMut(&T) -> Verdict) -> Verdict {
    let mut whole = if decides == Verdict::Yes { Verdict::No } else { Verdict::Yes };
    for one in all {
        let verdict = of(one);
        if verdict == decides {
            return decides;
        }
        if verdict == Verdict::Later || (verdict == Verdict::Unknown && whole != Verdict::Later) {
            whole = verdict;
        }
    }
    whole
}

impl Slot {
    fn read(&self, values: &impl Values, kind: Type, desk: &mut Desk) -> Read {
        desk.value.clear();
        let read = match self {
            Self::Literal { at, of, negative } => values.literal(*at, *of, kind, *negative, desk),
            Self::Parameter { number, negative } => values.parameter(*number, kind, *negative, desk),
            Self::Fixed(None) => Read::Null,
            Self::Fixed(Some(bytes)) => {
                desk.value.extend_from_slice(bytes);
                Read::Value
            }
            Self::Unreadable => Read::Unknown,
        };
        match (kind, read) {
            (Type::Integer, Read::Value) if !number::is_whole(&desk.value) => Read::Unknown,
            (Type::Integer, Read::Between(_)) => Read::Unknown,
            (_, read) => read,
        }
    }
}

impl Test {
    fn verdict(&self, read: Read, kind: Type, utf8: bool, value: &[u8]) -> Verdict {
        let (low, high) = match read {
            Read::Later => return Verdict::Later,
            Read::Unknown => return Verdict::Unknown,
            Read::Null if *self == Self::Null => return Verdict::Yes,
            Read::Null => return Verdict::No,
            _ if *self == Self::Null => return Verdict::No,
            Read::Value => (value, value),
            Read::Between(second) => value.split_at_checked(second).unwrap_or((value, value)),
        };
        if kind == Type::Text && !utf8 && !value.is_ascii() {
            return Verdict::Unknown;
        }
        let is_certain = read == Read::Value;
        let met = match self {
            Self::Range { low: least, high: most } => {
                return within(low, high, least.as_ref(), most.as_ref());
            }
            _ if !is_certain => return Verdict::Unknown,
            Self::In(set) => set.contains(value),
            Self::Length { least, most } => {
                (*least..=*most).contains(&value.iter().filter(|byte| **byte & 0xc0 != 0x80).count())
            }
            Self::Like(pieces) => like(value, pieces),
            Self::Null => false,
        };
        if met { Verdict::Yes } else { Verdict::No }
    }
}

/// A value that lies between `low` and `high`: is it between the bounds for certain, or for certain outside?
fn within(low: &[u8], high: &[u8], least: Option<&(Bytes, bool)>, most: Option<&(Bytes, bool)>) -> Verdict {
    let under = |value: &[u8]| {
        least.is_some_and(|(bound, itself)| value < &bound[..] || (!itself && value == &bound[..]))
    };
    let over = |value: &[u8]| {
        most.is_some_and(|(bound, itself)| value > &bound[..] || (!itself && value == &bound[..]))
    };
    if under(high) || over(low) {
        Verdict::No
    } else if under(low) || over(high) {
        Verdict::Unknown
    } else {
        Verdict::Yes
    }
}

fn like(value: &[u8], pieces: &[Bytes]) -> bool {
    let (Some((first, rest)), true) = (pieces.split_first(), pieces.len() > 1) else {
        return pieces.first().is_some_and(|only| **only == *value);
    };
    let Some((last, middle)) = rest.split_last() else { return false };
    let inner = value.strip_prefix(&first[..]).and_then(|value| value.strip_suffix(&last[..]));
    let Some(mut left) = inner else { return false };
    for piece in middle {
        let Some(at) = memchr::memmem::find(left, piece) else { return false };
        left = left.get(at + piece.len()..).unwrap_or_default();
    }
    true
}
