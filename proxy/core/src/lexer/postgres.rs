//! PostgreSQL's dialect: cuts a statement into the tokens the server would see.
//!
//! Follows the server's `scan.l` from version 13 on; where versions differ (`1a`, `0x1F`, `\v`) the spelling stays
//! in the fingerprint. Linear in the text, no allocation, no byte it can stumble over: what it cannot place is
//! `Stop::Unplaced`, and the text becomes exact. Which literals matter is `meaning`'s to say.

mod bytes;
mod level;
mod meaning;
mod scan;
mod words;

use self::bytes::Class;
use self::level::Keep;
use self::meaning::{Meaning, Token};
use self::scan::Inside;
use self::words::Word;
use super::stream::Stream;
use super::{Keyword, Lexed, Literal, LiteralKind, MAX_LITERALS, ProcessKey};

/// The session's settings that change how its statements are cut into tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    pub standard_conforming_strings: bool,
    /// In `client_encoding` no byte of a longer character looks like ASCII. False for BIG5, GBK, GB18030, JOHAB,
    /// SJIS, SHIFT_JIS_2004 and UHC: there a text with any byte above 0x7f is exact.
    pub ascii_safe_encoding: bool,
}

impl Default for Mode {
    fn default() -> Self {
        Self { standard_conforming_strings: true, ascii_safe_encoding: true }
    }
}

/// Why a pass over the text ended early.
enum Stop {
    /// No token of ours.
    Unplaced,
    /// A statement in it is one whose literals decide.
    LiteralsMatter,
}

/// The fingerprint of a text of one or more statements, and where its literals lie. `literals` is overwritten;
/// its allocation is kept. An exact text that could not be cut into tokens leaves it empty.
pub fn fingerprint(text: &[u8], mode: Mode, key: &ProcessKey, literals: &mut Vec<Literal>) -> Lexed {
    let dialect = 0x80 | u8::from(mode.standard_conforming_strings);
    let mut keyword = Keyword::Nothing;
    let whole = u32::try_from(text.len()).is_ok() && (mode.ascii_safe_encoding || text.is_ascii());
    let plain = if mode.standard_conforming_strings { Inside::Plain } else { Inside::Escaped };
    if whole {
        // A second pass only for a text whose literals turn out to matter behind the first of them.
        for keep_all in [false, true] {
            literals.clear();
            let mut lexer = Lexer {
                text,
                at: 0,
                plain,
                keep_all,
                kept_until: 0,
                commented: false,
                stream: Stream::new(key, dialect),
                meaning: Meaning::new(),
                literals,
                keyword: &mut keyword,
            };
            match lexer.run() {
                Ok(()) => {
                    let exact = lexer.keep_all;
                    let fingerprint = lexer.stream.finish(exact, lexer.commented);
                    return Lexed { fingerprint, exact, keyword };
                }
                Err(Stop::LiteralsMatter) => {}
                Err(Stop::Unplaced) => break,
            }
        }
    }
    literals.clear();
    Lexed { fingerprint: Stream::exact(key, dialect, text), exact: true, keyword }
}

struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    /// How the session has plain strings read.
    plain: Inside,
    keep_all: bool,
    /// Literals before this index have their spelling in the stream already.
    kept_until: usize,
    commented: bool,
    stream: Stream,
    meaning: Meaning,
    literals: &'a mut Vec<Literal>,
    keyword: &'a mut Keyword,
}

impl Lexer<'_> {
    fn run(&mut self) -> Result<(), Stop> {
        let mut statement_begins = true;
        while let Some(byte) = self.peek(0) {
            if byte == b' ' {
                self.at += 1;
                continue;
            }
            match bytes::of(byte) {
                Class::Space => self.at += 1,
                Class::Letter => {
                    self.word(statement_begins)?;
                    statement_begins = false;
                }
                Class::Operator if scan::begins_comment(self.rest()) => {
                    let (end, is_riddle) = scan::comment(self.text, self.at).ok_or(Stop::Unplaced)?;
                    if is_riddle {
                        self.stream.kept(self.text.get(self.at..end).unwrap_or_default());
                    }
                    self.commented = true;
                    self.at = end;
                }
                Class::Semicolon if self.meaning.is_open() => return Err(Stop::Unplaced),
                Class::Semicolon => {
                    self.punctuation(byte, Token::Semicolon);
                    statement_begins = true;
                }
                Class::Open => {
                    self.stream.punctuation(byte);
                    self.at += 1;
                    if !self.meaning.open(byte == b'[', self.count()) {
                        return Err(Stop::Unplaced);
                    }
                }
                _ if statement_begins => return Err(Stop::Unplaced),
                Class::Digit => self.number()?,
                Class::Quote => self.string(LiteralKind::String, 0, self.plain)?,
                Class::DoubleQuote => self.quoted_name()?,
                Class::Dollar => self.dollar()?,
                Class::Dot if self.peek(1).is_some_and(|next| next.is_ascii_digit()) => self.number()?,
                Class::Dot if self.peek(1) == Some(b'.') => return Err(Stop::Unplaced),
                Class::Dot => self.punctuation(byte, Token::Dot),
                Class::Colon => self.colon(),
                Class::Operator => self.operator()?,
                Class::Close => {
                    self.stream.punctuation(byte);
                    self.at += 1;
                    let keep = self.meaning.close().ok_or(Stop::Unplaced)?;
                    self.keep(keep);
                }
                Class::Comma => self.punctuation(byte, Token::Separator),
                Class::Unknown => return Err(Stop::Unplaced),
            }
        }
        Ok(())
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).copied()
    }

    fn rest(&self) -> &[u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn count(&self) -> u32 {
        // At most MAX_LITERALS.
        self.literals.len() as u32
    }

    fn word(&mut self, begins_statement: bool) -> Result<(), Stop> {
        if matches!(self.peek(1), Some(b'\'' | b'&')) && self.prefixed()? {
            return if begins_statement { Err(Stop::Unplaced) } else { Ok(()) };
        }
        let rest = self.text.get(self.at..).unwrap_or_default();
        let (length, folded) = self.stream.word(rest, &bytes::FOLD);
        self.at += length;
        if begins_statement {
            let (keyword, may_leave_out) = words::keyword(folded);
            self.begin(keyword, may_leave_out)?;
            self.meaning.word(Word::Boundary, self.count());
            return Ok(());
        }
        let word = words::word(folded);
        if word == Word::SetConfig && !self.keep_all {
            return Err(Stop::LiteralsMatter);
        }
        self.meaning.word(word, self.count());
        Ok(())
    }

    fn begin(&mut self, keyword: Keyword, may_leave_out: bool) -> Result<(), Stop> {
        if *self.keyword == Keyword::Nothing {
            *self.keyword = keyword;
        }
        if !may_leave_out && !self.keep_all {
            if !self.literals.is_empty() {
                return Err(Stop::LiteralsMatter);
            }
            self.keep_all = true;
        }
        Ok(())
    }

    /// A string whose first letter says how to read it. False if that letter is a word after all.
    fn prefixed(&mut self) -> Result<bool, Stop> {
        let letter = self.peek(0).map(|byte| byte.to_ascii_lowercase());
        let unicode = self.peek(1) == Some(b'&');
        match (letter, unicode, self.peek(2)) {
            (Some(b'e'), false, _) => self.string(LiteralKind::Escaped, 1, Inside::Escaped)?,
            (Some(b'b'), false, _) => self.string(LiteralKind::Bits, 1, Inside::Bits)?,
            (Some(b'x'), false, _) => self.string(LiteralKind::Hex, 1, Inside::Bits)?,
            (Some(b'n'), false, _) => self.string(LiteralKind::National, 1, self.plain)?,
            // The server refuses them with standard_conforming_strings off.
            (Some(b'u'), true, Some(b'\'')) if matches!(self.plain, Inside::Escaped) => {
                return Err(Stop::Unplaced);
            }
            (Some(b'u'), true, Some(b'\'')) => self.string(LiteralKind::Unicode, 2, Inside::Plain)?,
            // An identifier in disguise: it may spell any name in many ways.
            (Some(b'u'), true, Some(b'"')) => return Err(Stop::Unplaced),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn string(&mut self, kind: LiteralKind, prefix: usize, inside: Inside) -> Result<(), Stop> {
        let (end, continued) = scan::string(self.text, self.at + prefix, inside).ok_or(Stop::Unplaced)?;
        // To a parser that does not know the rule these are several literals.
        self.literal(kind, end, continued)
    }

    fn number(&mut self) -> Result<(), Stop> {
        // `a.1` is one thing, and nobody's number.
        let keep = self.peek(0) == Some(b'.') && !self.meaning.may_start_with_point();
        let number = scan::number(self.rest()).ok_or(Stop::Unplaced)?;
        self.literal(number.kind, self.at + number.length, keep || number.keep)
    }

    fn literal(&mut self, kind: LiteralKind, end: usize, keep: bool) -> Result<(), Stop> {
        if self.literals.len() >= MAX_LITERALS {
            return Err(Stop::Unplaced);
        }
        self.stream.literal(kind);
        let decided = self.meaning.literal(kind);
        self.literals.push(Literal { start: self.at as u32, end: end as u32, kind });
        self.at = end;
        match decided {
            Keep::No if keep || self.keep_all => self.keep(Keep::This),
            decided => self.keep(decided),
        }
        Ok(())
    }

    fn keep(&mut self, keep: Keep) {
        let first = match keep {
            Keep::No => return,
            Keep::This => self.literals.len().saturating_sub(1),
            Keep::Since(first) => first as usize,
        };
        let from = first.max(self.kept_until);
        for literal in self.literals.get(from..).unwrap_or_default() {
            self.stream.kept(self.text.get(literal.start as usize..literal.end as usize).unwrap_or_default());
        }
        self.kept_until = self.literals.len();
    }

    fn quoted_name(&mut self) -> Result<(), Stop> {
        let end = scan::quoted(self.text, self.at + 1, b'"').ok_or(Stop::Unplaced)?;
        let inside = self.text.get(self.at + 1..end - 1).unwrap_or_default();
        self.at = end;
        self.stream.quoted_name(inside);
        let word = words::word(inside);
        if word == Word::SetConfig && !self.keep_all {
            return Err(Stop::LiteralsMatter);
        }
        self.meaning.quoted_name(word);
        Ok(())
    }

    /// `$1` or `$tag$…$tag$`.
    fn dollar(&mut self) -> Result<(), Stop> {
        if let Some(digits) = scan::parameter(self.rest()).ok_or(Stop::Unplaced)? {
            let start = self.at + 1;
            self.at = start + digits;
            self.stream.parameter(self.text.get(start..self.at).unwrap_or_default());
            self.meaning.other(Token::Parameter, self.count());
            return Ok(());
        }
        let end = scan::dollar_quoted(self.text, self.at).ok_or(Stop::Unplaced)?;
        self.literal(LiteralKind::Dollar, end, false)
    }

    fn punctuation(&mut self, byte: u8, token: Token) {
        self.stream.punctuation(byte);
        self.at += 1;
        self.meaning.other(token, self.count());
    }

    fn colon(&mut self) {
        let (spelling, token): (&[u8], _) = match self.peek(1) {
            Some(b':') => (b"::", Token::Cast),
            Some(b'=') => (b":=", Token::Separator),
            _ => (b":", Token::Separator),
        };
        self.stream.operator(spelling);
        self.at += spelling.len();
        self.meaning.other(token, self.count());
    }

    fn operator(&mut self) -> Result<(), Stop> {
        let length = scan::operator(self.rest()).ok_or(Stop::Unplaced)?;
        let spelling = self.text.get(self.at..self.at + length).unwrap_or_default();
        self.at += length;
        self.stream.operator(spelling);
        let token = match spelling {
            b"+" | b"-" => Token::Sign,
            b"*" | b"/" | b"%" | b"^" | b"||" => Token::Arithmetic,
            b"=>" => Token::Separator,
            b"->" | b"->>" | b"#>" | b"#>>" | b"#-" | b"@?" | b"@@" | b"?" | b"?|" | b"?&" => {
                Token::PathOperator
            }
            b"=" | b"<" | b">" | b"<=" | b">=" | b"<>" | b"!=" => Token::Ordering,
            _ => Token::Operator,
        };
        self.meaning.other(token, self.count());
        Ok(())
    }
}
