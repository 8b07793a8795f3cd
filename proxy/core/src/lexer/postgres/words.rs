//! PostgreSQL's words, as far as the lexer has to tell them apart. Data only; words come in lower case.

use crate::lexer::Keyword;

/// What a word means to `meaning`. Reserved words only, unless taking a column for one merely keeps a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// A name, or a keyword that needs no care.
    Plain,
    /// Begins or ends an expression.
    Boundary,
    /// Ends an ORDER BY or GROUP BY list besides.
    Clause,
    And,
    As,
    Array,
    Between,
    By,
    Collate,
    /// Compares what stands on its two sides.
    Comparison,
    /// TRUE, FALSE, NULL.
    Constant,
    Distinct,
    From,
    Interval,
    Is,
    Materialized,
    /// Part of a longer type, unit or operator; changes nothing.
    Neutral,
    On,
    /// A function whose literal arguments may say which part of a value is meant: JSON paths, units of time.
    Path,
    /// `set_config(…)`: SET in a function's clothes.
    SetConfig,
    Uescape,
    When,
}

#[inline]
pub(super) fn word(folded: &[u8]) -> Word {
    match folded {
        b"or" | b"where" | b"having" | b"then" | b"else" | b"select" | b"case" | b"end" | b"set"
        | b"values" | b"using" | b"do" | b"returning" => Word::Boundary,
        b"limit" | b"offset" | b"fetch" | b"for" | b"window" | b"union" | b"except" | b"intersect" => {
            Word::Clause
        }
        b"and" => Word::And,
        b"as" => Word::As,
        b"array" => Word::Array,
        b"between" => Word::Between,
        b"by" => Word::By,
        b"collate" => Word::Collate,
        b"in" | b"like" | b"ilike" | b"similar" | b"operator" | b"overlaps" => Word::Comparison,
        b"true" | b"false" | b"null" => Word::Constant,
        b"distinct" => Word::Distinct,
        b"from" => Word::From,
        b"interval" => Word::Interval,
        b"is" => Word::Is,
        b"materialized" => Word::Materialized,
        b"not" | b"to" | b"varying" | b"with" | b"without" | b"time" | b"zone" | b"at" | b"local"
        | b"year" | b"month" | b"day" | b"hour" | b"minute" | b"second" | b"escape" | b"precision"
        | b"symmetric" | b"asymmetric" => Word::Neutral,
        b"on" => Word::On,
        b"extract" | b"generate_series" | b"xmlelement" | b"last_day" | b"last_day_of_month"
        | b"gap_fill" => Word::Path,
        // date_trunc, date_part, date_bin, timestamp_add, …
        [b'd', b'a', b't', b'e', ..] | [b't', b'i', b'm', b'e', ..] | [b't', b's', b'_', b'o', b'r', ..] => {
            Word::Path
        }
        b"set_config" => Word::SetConfig,
        b"uescape" => Word::Uescape,
        b"when" => Word::When,
        [b'j', b's', b'o', b'n', rest @ ..] if names_path(rest) => Word::Path,
        _ => Word::Plain,
    }
}

/// `jsonb_extract_path_text`, `jsonb_path_query`, `json_value`, … behind the `json`.
fn names_path(rest: &[u8]) -> bool {
    const PARTS: [&[u8]; 7] = [b"_path", b"_extract", b"_exists", b"_value", b"_query", b"_table", b"_keys"];
    PARTS.iter().any(|part| rest.windows(part.len()).any(|window| window == *part))
}

/// The class of a statement's first word, and whether its literals may be left out of the fingerprint.
/// Only what is known to have plain values there says yes: elsewhere (SET, COPY, DDL, EXPLAIN's options, a word
/// of some later server) they may be names, options or code.
pub(super) fn keyword(folded: &[u8]) -> (Keyword, bool) {
    match folded {
        b"select" => (Keyword::Select, true),
        b"insert" => (Keyword::Insert, true),
        b"update" => (Keyword::Update, true),
        b"delete" => (Keyword::Delete, true),
        b"merge" => (Keyword::Merge, true),
        b"with" => (Keyword::With, true),
        b"values" => (Keyword::Values, true),
        b"table" => (Keyword::Table, true),
        b"begin" | b"start" => (Keyword::Begin, false),
        b"commit" | b"end" => (Keyword::Commit, false),
        b"rollback" | b"abort" => (Keyword::Rollback, false),
        b"set" => (Keyword::Set, false),
        b"show" => (Keyword::Show, false),
        _ => (Keyword::Other, false),
    }
}
