"""From a text to a tree: PostgreSQL's tokens, then sqlglot, with nothing lost on the way.

sqlglot turns many function calls into nodes of its own, after rules of many dialects. Functions known here are
therefore renamed before it reads them, so that they come out as they were written. It owns that, and the bounds of
what is parsed at all.
"""

import re

import msgspec
import sqlglot
from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import SqlglotError

from plugins.parsing import MAX_PARSED, beyond
from plugins.shortening import rejoin
from plugins.tokens import Kind, Token, UnreadableError, cut, made
from proxy.answers.executor import StoreError


class Spoken(Postgres):
    """With the numbers of arrays' elements as they are written: the parser would count some from 0, and not others."""

    INDEX_OFFSET = 0


LONG = 2_000
"""Characters of a statement that is not read whole to find out what it is."""
MARK = "pg__"
"""How a renamed function begins."""
_KEEP = frozenset(
    {
        "into",
        "as",
        "table",
        "references",
        "update",
        "with",
        "recursive",
        "exists",
        "only",
        "key",
        "view",
    }
)
"""Words before a name that is no function's though a bracket follows."""
_DROPPED = "pg_catalog"
_TYPES = frozenset(
    [
        "bool",
        "int2",
        "int4",
        "int8",
        "oid",
        "text",
        "name",
        "char",
        "varchar",
        "bpchar",
        "numeric",
        "float4",
        "float8",
        "date",
        "time",
        "timestamp",
        "timestamptz",
        "interval",
        "uuid",
        "json",
        "jsonb",
        "bytea",
        "regclass",
        "regtype",
        "regproc",
    ]
)
_UNKNOWN = frozenset({"oid", "name", "regclass", "regtype", "regproc", "regnamespace"})
"""Types whose arrays the parser does not know."""
_ARRAYS = frozenset("_" + name for name in _UNKNOWN)
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[0-7]{1,3}|.)", re.DOTALL)
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def tokens_of(text: str) -> tuple[Token, ...]:
    try:
        return cut(text)
    except UnreadableError as error:
        raise StoreError("42601", f"syntax error: {error}") from error


def split(text: str) -> list[str]:
    """The statements between semicolons."""
    parts: list[str] = []
    begin, depth = 0, 0
    found = tokens_of(text)
    for at, token in enumerate(found):
        if token.kind is Kind.SIGN:
            depth += (token.text == "(") - (token.text == ")")
            if token.text == ";" and depth <= 0:
                if at > begin:
                    parts.append(text[found[begin].start : found[at - 1].end])
                begin, depth = at + 1, 0
    if len(found) > begin:
        parts.append(text[found[begin].start : found[-1].end])
    return parts


_TYPES_OF_ASYNCPG = """
SELECT t.oid, 'pg_catalog'::text AS ns, t.typname AS name, t.typtype AS kind, NULL::oid AS basetype,
    nullif(t.typelem, 0) AS elemtype, t.typdelim AS elemdelim, NULL::oid AS range_subtype, NULL::text[] AS attrtypoids,
    NULL::text[] AS attrnames, 0 AS depth, NULL::text AS basetype_name, format_type(nullif(t.typelem, 0), NULL) AS elemtype_name,
    NULL::text AS range_subtype_name
FROM pg_type t WHERE t.oid = ANY ($1)
"""
"""What asyncpg asks about an array's type, in words the translator knows: there are no types but the system's."""


def tree(text: str, functions: frozenset[str]) -> exp.Expr:
    """The statement's tree. Raises StoreError."""
    if "typeinfo_tree" in text and text.lstrip()[:4].upper() == "WITH":
        text = _TYPES_OF_ASYNCPG
    found = list(tokens_of(text))
    if len(found) > MAX_PARSED * 4:
        raise StoreError("54001", f"the embedded store takes statements of {MAX_PARSED * 4} tokens at most")
    if beyond([token.word for token in found]):
        raise StoreError("54001", "the statement is nested too deeply for the embedded store")
    try:
        trees = sqlglot.parse(rejoin(_renamed(_identities(_column_said(found)), functions)), read=Spoken)
    except (SqlglotError, RecursionError) as error:
        near = found[0].text if found else ""
        raise StoreError("42601", f'syntax error in the statement that begins with "{near}"') from error
    if len(trees) != 1 or trees[0] is None:
        raise StoreError("42601", "syntax error: this is no single statement")
    return trees[0]


def _renamed(tokens: list[Token], functions: frozenset[str]) -> list[Token]:
    out: list[Token] = []
    for at, read in enumerate(tokens):
        token = read
        follows = tokens[at + 1].text if at + 1 < len(tokens) else ""
        name = token.name
        if _unsaid(token, name, name_after(tokens, at)) or (
            at and _unsaid(tokens[at - 1], tokens[at - 1].name, name)
        ):
            continue
        if token.kind is Kind.ESCAPED:
            value = _unescaped(token.text)
            token = made(Kind.STRING, "'" + value.replace("'", "''") + "'", value, token.start, token.end)
        elif token.kind is Kind.STRING and _typed(out) and not _unit(name_after(tokens, at)):
            # `date '…'::text` would be read as if the cast stood before the type.
            kind = out[_typed(out) * -1 :]
            del out[_typed(out) * -1 :]
            out += [
                _sign("CAST"),
                _sign("("),
                msgspec.structs.replace(token, start=-2),
                _sign("AS"),
                *(msgspec.structs.replace(one, start=-2) for one in kind),
                _sign(")"),
            ]
            continue
        elif token.kind is Kind.WORD and name in _UNKNOWN and out and out[-1].text == "::" and follows == "[":
            # Arrays of them have a name that the parser takes; what follows is an empty pair of brackets.
            token = _word("_" + name)
        elif (
            out
            and out[-1].name in _ARRAYS
            and ((token.text == "[" and follows == "]") or (token.text == "]" and tokens[at - 1].text == "["))
        ):
            continue
        elif token.kind is Kind.WORD or (
            token.kind is Kind.QUOTED and name in ("char", "substring", "position")
        ):
            qualified = len(out) > 1 and out[-1].text == "." and out[-2].name == _DROPPED
            before = out[-3].name if qualified and len(out) > 2 else out[-1].name if out else ""
            if follows == "(" and name in functions and before not in _KEEP and (qualified or before != "."):
                if qualified:
                    del out[-2:]
                token = made(Kind.WORD, MARK + name, MARK + name, token.start, token.end)
            elif qualified and (name in _TYPES or follows == "("):
                del out[-2:]
        out.append(token)
    return out


_PREFIXES = frozenset(
    {"date", "time", "timestamp", "timestamptz", "interval", "uuid", "jsonb", "json", "bytea"}
)
_UNITS = frozenset({"year", "month", "day", "hour", "minute", "second"})


def _typed(out: list[Token]) -> int:
    """How many of the last tokens are a type before a literal: `date`, `timestamp(3)`."""
    if out and out[-1].kind is Kind.WORD and out[-1].name in _PREFIXES:
        before = out[-2] if len(out) > 1 else None
        return 0 if before is not None and (before.text in (".", "::") or before.name == "as") else 1
    if len(out) > 3 and out[-1].text == ")" and out[-3].text == "(" and out[-4].name in _PREFIXES:
        return 0 if len(out) > 4 and out[-5].text == "::" else 4
    return 0


def name_after(tokens: list[Token], at: int) -> str:
    return tokens[at + 1].name if at + 1 < len(tokens) else ""


def _column_said(tokens: list[Token]) -> list[Token]:
    """ALTER TABLE … RENAME a TO b with the COLUMN that may be left out: the parser would rename the table."""
    if [token.name for token in tokens[:2]] != ["alter", "table"]:
        return tokens
    at = 2 + 2 * (name_after(tokens, 1) == "if")
    at += name_after(tokens, at - 1) == "only" and name_after(tokens, at) not in ("rename", ".")
    while name_after(tokens, at) == ".":
        at += 2
    at += name_after(tokens, at) == "*"
    if name_after(tokens, at) != "rename" or at + 2 >= len(tokens):
        return tokens
    first = tokens[at + 2]
    if first.kind is Kind.WORD and first.name in ("to", "column", "constraint"):
        return tokens
    return [*tokens[: at + 2], _word("column"), *tokens[at + 2 :]]


def _identities(tokens: list[Token]) -> list[Token]:
    """IDENTITY (…) with its options in the only order the parser knows. Raises StoreError."""
    out: list[Token] = []
    at = 0
    while at < len(tokens):
        out.append(tokens[at])
        at += 1
        if out[-1].name != "identity" or out[-1].kind is not Kind.WORD or name_after(tokens, at - 1) != "(":
            continue
        if len(out) < 2 or out[-2].name != "as":
            continue
        end = next((place for place in range(at, len(tokens)) if tokens[place].text == ")"), None)
        if end is None:
            continue
        options = _options(tokens[at + 1 : end])
        if options:
            out.append(tokens[at])
            for word, follows in _IDENTITY.items():
                if word in options:
                    out += [_word(word), *map(_word, follows), *options[word]]
            out.append(tokens[end])
        at = end + 1
    return out


_IDENTITY = {"start": ("with",), "increment": ("by",), "minvalue": (), "maxvalue": (), "cycle": ()}
"""Options, in that order, and the words that follow them."""


def _options(tokens: list[Token]) -> dict[str, list[Token]]:
    """Of a sequence, what is said about each; what is so without being said, goes."""
    found: dict[str, list[Token]] = {}
    rest = list(tokens)
    while rest:
        name = rest.pop(0).name
        if name == "no":
            del rest[:1]
            continue
        if name not in (*_IDENTITY, "cache"):
            raise StoreError("0A000", f"the embedded store does not support {name.upper()} of an identity")
        said: list[Token] = []
        if name != "cycle":
            if rest and rest[0].name in ("with", "by"):
                del rest[0]
            width = 2 if rest and rest[0].text == "-" else 1
            said, rest = rest[:width], rest[width:]
        if name != "cache":
            found[name] = said
    return found


def _word(text: str) -> Token:
    return made(Kind.WORD, text, text, -2, -3)


def _unsaid(token: Token, name: str, follows: str) -> bool:
    """UNIQUE NULLS DISTINCT: what is so without the words, which the parser does not know."""
    return token.kind is Kind.WORD and name == "nulls" and follows == "distinct"


def _unit(name: str) -> bool:
    return name in _UNITS


def _sign(text: str) -> Token:
    return made(Kind.SIGN, text, text, -2, -3)


def _unescaped(text: str) -> str:
    body = text[text.index("'") + 1 : -1].replace("''", "'")

    def one(found: re.Match[str]) -> str:
        said = found[1]
        if said[0] in "xuU" and len(said) > 1:
            return chr(int(said[1:], 16))
        if said[0] in "01234567":
            return chr(int(said, 8) & 0xFF)
        return _SHORT.get(said, said)

    value = _ESCAPE.sub(one, body)
    if "\0" in value:
        raise StoreError("22021", 'invalid byte sequence for encoding "UTF8": 0x00')
    return value


def first_words(text: str) -> list[str]:
    """All of a short statement's words; of a long one enough to know what it is."""
    if len(text) >= LONG:
        try:
            return words(text[: LONG // 10].rpartition(" ")[0])
        except StoreError:
            pass  # cut in the midst of a string
    return words(text)


def words(text: str) -> list[str]:
    """The statement's bare words and signs in lower case; strings and quoted names by their value."""
    return [token.name for token in tokens_of(text)]
