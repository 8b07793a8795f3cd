"""Random SQL for the fingerprint's tests: statements with holes for values, ways to write them, ways to spoil them.

Knows the grammar, not what is expected of any statement.
"""

from typing import NamedTuple

from hypothesis import strategies as st


class Hole(NamedTuple):
    """A place for a literal of one kind."""

    kind: str


Piece = str | Hole
Shape = tuple[Piece, ...]

_STRINGS = (
    "",
    "a",
    "b c",
    "--",
    "/*",
    "*/",
    "$$",
    "$1",
    "%",
    ";",
    "é",
    '"',
    "{a}",
    "$.a",
    "2020-01-01",
    "1 day",
    "\\",
)
_INTEGERS = st.integers(0, 2**31 - 1).map(str)

_VALUES: dict[str, st.SearchStrategy[str]] = {
    "string": st.sampled_from(_STRINGS).map(lambda value: f"'{value}'")
    | st.just("'it''s'")
    | st.sampled_from(_STRINGS).map(lambda value: f"'{value}'\n  'z'"),
    "escaped": st.sampled_from(("E''", "e'a'", "E'\\''", "E'\\\\'", "E'it''s'", "e'--'")),
    "dollar": st.sampled_from(("$$$$", "$$a$$", "$q$b$q$", "$q$ $$ ' $q$", "$$--$$")),
    "unicode": st.sampled_from(("U&'a'", "u&'\\0061'", "U&''")),
    "integer": st.sampled_from(("0", "1", "2", "10")) | _INTEGERS,
    "big": st.integers(2**31 + 1, 2**63 - 1).map(str),
    "decimal": st.sampled_from(("1.", "1.5", ".5", "1e3", "2.5E-2", "0.0")),
    "bits": st.sampled_from(("b'01'", "B'1'", "b'0'")),
    "hex": st.sampled_from(("x'1f'", "X'0'", "x'ff'")),
}


def _join(*parts: st.SearchStrategy[Shape] | str) -> st.SearchStrategy[Shape]:
    strategies = (st.just((part,)) if isinstance(part, str) else part for part in parts)
    return st.tuples(*strategies).map(lambda shapes: tuple(piece for shape in shapes for piece in shape))


def _words(*words: str) -> st.SearchStrategy[Shape]:
    # Words of one keyword stay together: sqlglot takes no comment between them.
    return st.sampled_from(words).map(lambda word: (word,) if word else ())


def _hole(*kinds: str) -> st.SearchStrategy[Shape]:
    return st.sampled_from(kinds).map(lambda kind: (Hole(kind),))


def _list(item: st.SearchStrategy[Shape], most: int = 3) -> st.SearchStrategy[Shape]:
    return st.lists(item, min_size=1, max_size=most).map(
        lambda items: tuple(
            piece for number, item in enumerate(items) for piece in ((",", *item) if number else item)
        )
    )


_COLUMN = _words("a", "b", "t . c", '"Q"', '"a"', "naïve", "date_x", "$1", "year")
_LITERAL = _hole(*_VALUES) | _words("NULL", "TRUE", "FALSE")
_TYPE = _words("int", "text", "double precision", "date", "jsonb") | _join(
    "numeric", "(", _hole("integer"), ")"
)


def _extend(inner: st.SearchStrategy[Shape]) -> st.SearchStrategy[Shape]:
    comparison = _words("=", "<>", "!=", "<", ">=", "LIKE", "NOT ILIKE", "~")
    arithmetic = _words("+", "-", "*", "/", "||", "%")
    path = _words("->", "->>", "#>", "#>>", "@>", "?")
    function = _words("f", "lower", "coalesce", "greatest", "pg_catalog . g")
    pair = _words("date_trunc", "date_part", "to_char", "substring", "date_bin", "nullif")
    return st.one_of(
        _join(inner, comparison, inner),
        _join(inner, _words("=", "<", "AND", "OR"), inner),
        _join(inner, arithmetic, inner),
        _join(_COLUMN, path, inner),
        _join("(", inner, ")"),
        _join("NOT", inner),
        _join(_words("-", "+", "- -"), inner),
        _join(function, "(", _list(inner), ")"),
        _join(pair, "(", inner, ",", inner, ")"),
        _join("CAST", "(", inner, "AS", _TYPE, ")"),
        _join("(", inner, ")", "::", _TYPE),
        _join(_LITERAL, "::", _TYPE),
        _join(inner, _words("IN", "NOT IN"), "(", _list(inner, 4), ")"),
        _join(inner, "BETWEEN", _LITERAL, "AND", _LITERAL),
        _join("(", inner, _words("IS NULL", "IS NOT NULL"), ")"),
        _join("(", inner, _words("IS DISTINCT FROM", "IS NOT DISTINCT FROM"), inner, ")"),
        _join("CASE", "WHEN", inner, "THEN", inner, "ELSE", inner, "END"),
        _join("CASE", inner, "WHEN", inner, "THEN", inner, "END"),
        _join("ARRAY", "[", _list(inner), "]"),
        _join(_COLUMN, "[", inner, "]"),
        _join(_words("date", "timestamp", "interval", "timestamp with time zone"), _hole("string")),
        _join("EXTRACT", "(", _words("year", "month", "epoch"), "FROM", inner, ")"),
        _join("(", "SELECT", inner, "FROM", "s", "WHERE", inner, "LIMIT", _hole("integer"), ")"),
        _join("EXISTS", "(", "SELECT", inner, ")"),
        _join(inner, "AT TIME ZONE", _hole("string")),
    )


_EXPRESSION = st.recursive(_COLUMN | _LITERAL, _extend, max_leaves=8)
_EMPTY: Shape = ()
_NOTHING = st.just(_EMPTY)


def _maybe(*parts: st.SearchStrategy[Shape] | str) -> st.SearchStrategy[Shape]:
    return _NOTHING | _join(*parts)


_ORDER = _list(_join(_EXPRESSION | _hole("integer"), _words("", "ASC", "DESC NULLS LAST")))
_SELECT = _join(
    "SELECT",
    _maybe("DISTINCT") | _join("DISTINCT ON", "(", _list(_EXPRESSION), ")"),
    _list(_join(_EXPRESSION, _maybe("AS", _words("x", '"Y"')))),
    _maybe("FROM", "t", _maybe(_words("JOIN s ON", "LEFT JOIN s ON"), _EXPRESSION)),
    _maybe("WHERE", _EXPRESSION),
    _maybe("GROUP BY", _list(_EXPRESSION | _hole("integer")), _maybe("HAVING", _EXPRESSION)),
    _maybe("ORDER BY", _ORDER),
    _maybe("LIMIT", _hole("integer"), _maybe("OFFSET", _hole("integer"))),
)
_SELECTS = _SELECT | _join(_SELECT, _words("UNION", "UNION ALL", "EXCEPT"), _SELECT)
_ROW = _join("(", _list(_EXPRESSION), ")")
_CHANGES = st.one_of(
    _join("INSERT INTO", "t", "(", "a", ")", "VALUES", _list(_ROW), _maybe("RETURNING", _EXPRESSION)),
    _join("UPDATE", "t", "SET", "a", "=", _EXPRESSION, _maybe("WHERE", _EXPRESSION)),
    _join("DELETE FROM", "t", _maybe("WHERE", _EXPRESSION)),
    _join("WITH", "w", "AS", "(", _SELECT, ")", _SELECT),
    _join("VALUES", _list(_ROW)),
    _join("SET", "x", _words("=", "TO"), _hole("integer", "string")),
)
_STATEMENT = _SELECTS | _CHANGES
_GAP = st.sampled_from((" ", " ", " ", " ", "\n", "\t", " /* ' */ ", ' /* /* " */ */', " -- $$ '\n", "\r\n"))


def statement() -> st.SearchStrategy[Shape]:
    return _STATEMENT | _join(_STATEMENT, ";", _STATEMENT)


@st.composite
def written(draw: st.DrawFn, shape: Shape) -> str:
    """One way to write it: values, white space, comments, case."""
    text: list[str] = []
    for piece in shape:
        if isinstance(piece, Hole):
            text.append(draw(_VALUES[piece.kind]))
        elif piece.isascii() and piece.replace(" ", "_").isidentifier():
            text.append(draw(st.sampled_from((piece, piece.lower(), piece.upper()))))
        else:
            text.append(piece)
        text.append(draw(_GAP))
    return "".join(text)


def text() -> st.SearchStrategy[str]:
    return statement().flatmap(written)


class Mutation(NamedTuple):
    """Cut out some characters somewhere and put others there."""

    place: float
    cut: int
    put: str

    def __call__(self, text: str) -> str:
        at = int(self.place * len(text))
        return text[:at] + self.put + text[at + self.cut :]


_SNIPPETS = (
    "", "", " ", "\n", "'", "''", '"', "$$", "$a$", "$1", "\\", "--", "/*", "*/", "/**/", "(", ")", "[", "]", ",", ";",
    ".", "1", "a", "A", "e", "E'", "x'", "b'", "N'", "U&'", "_", "+", "-", "=", "<", ">", "@", "::", ":", "=>", "->",
    " AS ", " NOT ", " = 1", "1=1", "''=''", " ORDER BY 1", " IN (1)", "0x1", "1_0", "1e5", " set_config('a','b',true)",
)  # fmt: skip


def mutation() -> st.SearchStrategy[Mutation]:
    return st.builds(
        Mutation, st.floats(0, 1, exclude_max=True), st.integers(0, 4), st.sampled_from(_SNIPPETS)
    )
