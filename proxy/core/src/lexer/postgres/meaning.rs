//! Which literals decide what a statement means, so that their values belong into the fingerprint.
//!
//! Fed one token at a time, as a parser without a grammar would see them. It may keep a literal too many (that
//! costs a plan), never one too few of those it names: comparisons of constants (`1=1`), positions in ORDER BY
//! and GROUP BY, JSON paths and subscripts, intervals and units of time, type modifiers, aliases, UESCAPE.
//!
//! Parentheses are levels. On each level an operand is constant as long as nothing but literals, casts and
//! arithmetic made it; a comparison with constants on both sides keeps all literals since it began.

use super::level::{Binding, Compared, Keep, Level, Operand};
use super::words::Word;
use crate::lexer::LiteralKind;

/// Levels of parentheses followed. A deeper statement is exact.
const MAX_DEPTH: usize = 32;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    Start,
    Word(Word),
    QuotedName,
    Parameter,
    Literal,
    Arithmetic,
    Sign,
    /// `<`, `=`, …
    Ordering,
    /// Any other operator: it compares, for all we know.
    Operator,
    /// What stands right of it names a part of the value on its left.
    PathOperator,
    Open,
    Close,
    Dot,
    Cast,
    /// Comma, `:`, `=>`, `:=`.
    Separator,
    Semicolon,
}

pub(super) struct Meaning {
    level: Level,
    depth: usize,
    outer: [Level; MAX_DEPTH],
    previous: Token,
    /// A name was read that is a column, unless a parenthesis, a dot or a string follows.
    name_pending: bool,
    /// After `::`, AS or COLLATE: a type's (or alias's) name is expected, or (`true`) was just read.
    type_name: Option<bool>,
    path: bool,
    distinct_on: bool,
}

impl Meaning {
    #[inline]
    pub fn new() -> Self {
        Self {
            level: Level::EMPTY,
            depth: 0,
            outer: [Level::EMPTY; MAX_DEPTH],
            previous: Token::Start,
            name_pending: false,
            type_name: None,
            path: false,
            distinct_on: false,
        }
    }

    /// Whether a number that starts with a point may be a number here, and not part of `a.1`.
    pub fn may_start_with_point(&self) -> bool {
        matches!(
            self.previous,
            Token::Arithmetic
                | Token::Sign
                | Token::Ordering
                | Token::Operator
                | Token::Separator
                | Token::Open
        )
    }

    #[inline]
    pub fn word(&mut self, word: Word, literals: u32) {
        // Behind a dot every word is a name; functions stay what they are.
        let is_name = self.previous == Token::Dot && !matches!(word, Word::Path | Word::SetConfig);
        let word = if is_name { Word::Plain } else { word };
        if self.type_name == Some(false) {
            self.type_name = (word != Word::Materialized).then_some(true);
            self.previous = Token::Word(word);
            return;
        }
        if word == Word::Neutral {
            // A longer type goes on (`timestamp with time zone '…'`); NOT changes no operand.
            self.previous = Token::Word(word);
            return;
        }
        self.type_name = None;
        self.settle();
        self.path &= matches!(word, Word::Plain | Word::Array | Word::Path | Word::Interval);
        match word {
            Word::Plain | Word::Path | Word::SetConfig | Word::Interval => self.name_pending = true,
            Word::Boundary => self.level.restart(literals),
            Word::Clause => {
                self.level.positions = false;
                self.level.restart(literals);
            }
            Word::And => {
                if self.level.compared == Compared::Between {
                    self.level.compared = Compared::Constant;
                    self.level.operand = Operand::Nothing;
                } else {
                    self.level.restart(literals);
                }
            }
            Word::From => {
                // IS DISTINCT FROM compares.
                if self.previous != Token::Word(Word::Distinct) {
                    self.level.restart(literals);
                }
            }
            Word::On => {
                self.distinct_on = self.previous == Token::Word(Word::Distinct);
                self.level.restart(literals);
            }
            Word::By => {
                self.level.positions = true;
                self.level.restart(literals);
            }
            Word::Between => {
                self.level.compare(Binding::Matching);
                if self.level.compared == Compared::Constant {
                    self.level.compared = Compared::Between;
                }
            }
            Word::Is => self.level.compare(Binding::Is),
            Word::Comparison => self.level.compare(Binding::Matching),
            // CASE 1 WHEN 1 compares, CASE WHEN does not; after `THEN 1 WHEN` a literal too many may stay in.
            Word::When => {
                self.level.compare(Binding::Is);
                if self.level.compared == Compared::Nothing {
                    self.level.restart(literals);
                }
            }
            Word::Constant => self.level.constant(),
            Word::As | Word::Collate => self.type_name = Some(false),
            Word::Array | Word::Distinct | Word::Uescape | Word::Neutral | Word::Materialized => {}
        }
        self.previous = Token::Word(word);
    }

    /// `word` is what the name would be without its quotes: `"date_part"(…)` is the same function.
    pub fn quoted_name(&mut self, word: Word) {
        if self.type_name == Some(false) {
            self.type_name = Some(true);
        } else {
            self.type_name = None;
            self.settle();
            self.name_pending = true;
        }
        self.previous = if word == Word::Path { Token::Word(word) } else { Token::QuotedName };
    }

    #[inline]
    pub fn literal(&mut self, kind: LiteralKind) -> Keep {
        let is_string = !matches!(
            kind,
            LiteralKind::Integer | LiteralKind::BigInteger | LiteralKind::Numeric | LiteralKind::Decimal
        );
        if is_string {
            // `date '2020-01-01'`: the word before was a type.
            self.name_pending = false;
        } else {
            self.settle();
        }
        let kept = self.level.keep
            || self.path
            || kind == LiteralKind::Spelt
            || matches!(self.previous, Token::Word(Word::As | Word::Uescape | Word::Interval))
            || (self.level.positions
                && kind == LiteralKind::Integer
                && !matches!(
                    self.previous,
                    Token::Arithmetic | Token::Ordering | Token::Operator | Token::PathOperator
                ));
        self.type_name = None;
        self.path = false;
        self.previous = Token::Literal;
        match self.level.constant_arrived() {
            Keep::No if kept => Keep::This,
            keep => keep,
        }
    }

    #[inline]
    pub fn other(&mut self, token: Token, literals: u32) {
        self.type_name = match (token, self.type_name) {
            (Token::Cast, _) => Some(false),
            (Token::Dot, Some(true)) => Some(false),
            _ => None,
        };
        if token == Token::Dot {
            self.name_pending = false;
        } else {
            self.settle();
        }
        match token {
            Token::Parameter => self.level.variable(),
            Token::Ordering => self.level.compare(Binding::Ordering),
            Token::Operator | Token::PathOperator => self.level.compare(Binding::Operator),
            Token::Separator => self.level.restart(literals),
            Token::Semicolon => {
                self.level = Level { first: literals, ..Level::EMPTY };
                self.distinct_on = false;
            }
            _ => {}
        }
        self.path = match token {
            Token::PathOperator => true,
            Token::Sign | Token::Dot => self.path,
            _ => false,
        };
        self.previous = token;
    }

    /// An opening parenthesis or bracket. False if it is one too many.
    pub fn open(&mut self, bracket: bool, literals: u32) -> bool {
        let Some(place) = self.outer.get_mut(self.depth) else {
            return false;
        };
        let subscript = bracket
            && match self.previous {
                Token::Word(word) => word != Word::Array,
                Token::Close | Token::Literal | Token::QuotedName | Token::Parameter => true,
                _ => false,
            };
        let is_call = !bracket && self.name_pending;
        // In `1 IN (a, 2)` each element is compared with the constant.
        let in_list =
            self.previous == Token::Word(Word::Comparison) && self.level.compared == Compared::Constant;
        if self.name_pending && bracket {
            self.level.operand = Operand::Variable;
            self.level.has_variable = true;
        }
        self.name_pending = false;
        *place = self.level;
        self.depth += 1;
        self.level = Level {
            first: if in_list { self.level.first } else { literals },
            compared: if in_list { Compared::Constant } else { Compared::Nothing },
            in_list,
            is_call,
            positions: self.level.positions || self.distinct_on,
            keep: self.level.keep
                || self.path
                || subscript
                || self.type_name == Some(true)
                || (!bracket && matches!(self.previous, Token::Word(Word::Path | Word::Interval))),
            ..Level::EMPTY
        };
        self.distinct_on = false;
        self.path = false;
        self.type_name = None;
        self.previous = Token::Open;
        true
    }

    /// A closing one. None if nothing was open.
    pub fn close(&mut self) -> Option<Keep> {
        self.settle();
        self.depth = self.depth.checked_sub(1)?;
        let inner = self.level;
        self.level = *self.outer.get(self.depth)?;
        self.type_name = None;
        self.path = false;
        self.previous = Token::Close;
        if inner.has_variable || (inner.is_call && !inner.has_constant) {
            self.level.variable();
        } else if inner.has_constant {
            return Some(self.level.constant_arrived());
        }
        Some(Keep::No)
    }

    pub fn is_open(&self) -> bool {
        self.depth > 0
    }

    fn settle(&mut self) {
        if self.name_pending {
            self.name_pending = false;
            self.level.variable();
        }
    }
}
