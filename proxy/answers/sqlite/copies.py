"""COPY: what the statement says, and rows out of a table or a query. The data's form is `proxy/answers/copying.py`'s, the
way into a table is `taking.py`'s.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from plugins.tokens import Kind, Token, closing
from proxy.answers.executor import CopyFormat, Result, StoreError
from proxy.answers.sqlite import changes, reading, taking
from proxy.answers.sqlite.catalogue import Field, Relation
from proxy.answers.sqlite.kinds import quoted, unsupported

if TYPE_CHECKING:
    from proxy.answers.sqlite.session import Session

_REFUSED = ("freeze", "force_quote", "force_not_null", "force_null", "force")
_STRINGS = frozenset({Kind.STRING, Kind.ESCAPED})
_BOOLS = {"true": True, "on": True, "1": True, "": True, "false": False, "off": False, "0": False}


class Copy(msgspec.Struct, frozen=True):
    """What was asked for; of a table, or of a query."""

    format: CopyFormat
    into: bool = False
    schema: str = ""
    table: str = ""
    columns: tuple[str, ...] = ()
    query: str = ""


# --- the statement -------------------------------------------------------------------------------


def read(text: str) -> Copy:
    """The statement. Raises StoreError."""
    tokens = reading.tokens_of(text)
    at = 1
    schema, table, query = "", "", ""
    columns: tuple[str, ...] = ()
    if _word(tokens, at) == "binary":
        raise unsupported("COPY in the binary format")
    if _word(tokens, at) == "(":
        end = closing(tokens, at)
        if end == at + 1 or end >= len(tokens):
            raise _wrong(tokens, end)
        query = text[tokens[at + 1].start : tokens[end - 1].end]
        at = end + 1
    else:
        table, at = _name(tokens, at)
        if _word(tokens, at) == ".":
            schema = table
            table, at = _name(tokens, at + 1)
        if _word(tokens, at) == "(":
            columns, at = _columns(tokens, at)
    direction = _word(tokens, at)
    if direction not in ("from", "to") or (query and direction == "from"):
        raise _wrong(tokens, at)
    _wire(tokens, at + 1, direction)
    said = _options(tokens, at + 2, into=direction == "from")
    return Copy(said, direction == "from", schema, table, columns, query)


def _wire(tokens: Sequence[Token], at: int, direction: str) -> None:
    if _word(tokens, at) in ("stdin", "stdout"):
        return
    if _word(tokens, at) != "program" and (at >= len(tokens) or tokens[at].kind not in _STRINGS):
        raise _wrong(tokens, at)
    raise StoreError(
        "42501",
        f"permission denied to COPY {direction} a file or a program",
        hint="Anyone can COPY to stdout or from stdin. psql's \\copy command also works for anyone.",
    )


def _columns(tokens: Sequence[Token], at: int) -> tuple[tuple[str, ...], int]:
    found: list[str] = []
    while True:
        name, at = _name(tokens, at + 1)
        found.append(name)
        if _word(tokens, at) == ")":
            return tuple(found), at + 1
        if _word(tokens, at) != ",":
            raise _wrong(tokens, at)


def _options(tokens: Sequence[Token], at: int, *, into: bool) -> CopyFormat:
    said: dict[str, str] = {}
    at += _word(tokens, at) == "with"
    if _word(tokens, at) == "(":
        at += 1
        while True:
            name, at = _name(tokens, at)
            value = ""
            if _word(tokens, at) not in (",", ")", "("):
                value, at = _value(tokens, at)
            elif _word(tokens, at) == "(":
                at = closing(tokens, at) + 1
            _put(said, name, value)
            at += 1
            if _word(tokens, at - 1) == ")":
                break
            if _word(tokens, at - 1) != ",":
                raise _wrong(tokens, at - 1)
    else:
        at = _old_options(tokens, at, said)
    if _word(tokens, at) == "where":
        raise unsupported("COPY with WHERE")
    if at < len(tokens):
        raise _wrong(tokens, at)
    return _format(said, into=into)


def _old_options(tokens: Sequence[Token], at: int, said: dict[str, str]) -> int:
    """As they were before PostgreSQL 9."""
    while at < len(tokens) and _word(tokens, at) != "where":
        word = _word(tokens, at)
        at += 1
        if word in ("csv", "binary"):
            _put(said, "format", word)
        elif word == "header":
            _put(said, word, "true")
        elif word in ("delimiter", "null", "quote", "escape", "encoding"):
            at += _word(tokens, at) == "as"
            value, at = _value(tokens, at)
            _put(said, word, value)
        elif word in _REFUSED:
            raise unsupported(f"{word.upper()} in COPY")
        else:
            raise _wrong(tokens, at - 1)
    return at


def _put(said: dict[str, str], name: str, value: str) -> None:
    if name in said:
        raise StoreError("42601", "conflicting or redundant options")
    said[name] = value


def _format(said: dict[str, str], *, into: bool) -> CopyFormat:
    """The options, as they go together."""
    for name in said:
        if name in _REFUSED:
            raise unsupported(f"{name.upper()} in COPY")
        if name not in ("format", "delimiter", "null", "header", "quote", "escape", "encoding"):
            raise StoreError("42601", f'option "{name}" not recognized')
    kind = said.get("format", "text")
    if kind == "binary":
        raise unsupported("COPY in the binary format")
    if kind not in ("text", "csv"):
        raise StoreError("22023", f'COPY format "{kind}" not recognized')
    if said.get("encoding", "utf8").lower().replace("-", "") not in ("utf8", "unicode"):
        raise unsupported("COPY in an encoding other than UTF8")
    csv = kind == "csv"
    header = said.get("header", "false").lower()
    if header == "match" and not into:
        raise StoreError("0A000", 'cannot use "match" with HEADER in COPY TO')
    if header not in _BOOLS and header != "match":
        raise StoreError("42601", 'header requires a Boolean value or "match"')
    delimiter, null = said.get("delimiter", "," if csv else "\t"), said.get("null", "" if csv else "\\N")
    quote = said.get("quote", '"')
    escape = said.get("escape", quote)
    if len(delimiter.encode()) != 1:
        raise StoreError("0A000", "COPY delimiter must be a single one-byte character")
    if delimiter in "\r\n":
        raise StoreError("22023", "COPY delimiter cannot be newline or carriage return")
    if "\r" in null or "\n" in null:
        raise StoreError("22023", "COPY null representation cannot use newline or carriage return")
    if not csv and delimiter in "\\.abcdefghijklmnopqrstuvwxyz0123456789":
        raise StoreError("22023", f'COPY delimiter cannot be "{delimiter}"')
    for name, value in (("quote", quote), ("escape", escape)):
        if name in said and not csv:
            raise StoreError("0A000", f"COPY {name} available only in CSV mode")
        if len(value.encode()) != 1:
            raise StoreError("0A000", f"COPY {name} must be a single one-byte character")
        if name == "quote" and csv and delimiter == quote:
            raise StoreError("22023", "COPY delimiter and quote must be different")
    if delimiter in null:
        raise StoreError("0A000", "COPY delimiter must not appear in the NULL specification")
    if csv and quote in null:
        raise StoreError("0A000", "CSV quote character must not appear in the NULL specification")
    return CopyFormat(
        csv, delimiter.encode(), null.encode(), header == "match" or _BOOLS[header], header == "match", quote.encode(),
        escape.encode(),
    )  # fmt: skip


def _word(tokens: Sequence[Token], at: int) -> str:
    """The bare word or sign there; empty: something else, or the end."""
    token = tokens[at] if at < len(tokens) else None
    return token.name if token is not None and token.kind in (Kind.WORD, Kind.SIGN) else ""


def _name(tokens: Sequence[Token], at: int) -> tuple[str, int]:
    if at >= len(tokens) or tokens[at].kind not in (Kind.WORD, Kind.QUOTED):
        raise _wrong(tokens, at)
    return tokens[at].name, at + 1


def _value(tokens: Sequence[Token], at: int) -> tuple[str, int]:
    star = at < len(tokens) and tokens[at].text == "*"
    if at >= len(tokens) or (tokens[at].kind in (Kind.SIGN, Kind.PARAMETER, Kind.BITS) and not star):
        raise _wrong(tokens, at)
    token = tokens[at]
    return reading._unescaped(token.text) if token.kind is Kind.ESCAPED else token.name, at + 1


def _wrong(tokens: Sequence[Token], at: int) -> StoreError:
    if at < len(tokens):
        return StoreError("42601", f'syntax error at or near "{tokens[at].text}"')
    return StoreError("42601", "syntax error at end of input")


# --- out of a table ------------------------------------------------------------------------------


def run(session: "Session", said: Copy) -> Result:
    """Begin it. Raises StoreError and SQLite's errors."""
    if said.into:
        session.begin_change()
        table = _relation(session, said, "to")
        if table is None:
            table = session.catalogue.table(said.schema, said.table, session.path)
        return taking.take(session, table, _fields(table, said.columns), said.format)
    text = said.query
    if not text:
        relation = _relation(session, said, "from")
        fields = _fields(relation, said.columns) if relation is not None else []
        columns = ", ".join(quoted(one.name) for one in fields) or ", ".join(map(quoted, said.columns)) or "*"
        place = (quoted(said.schema) + "." if said.schema else "") + quoted(said.table)
        text = f"SELECT {columns} FROM {place}"
    plan = session.prepare(text)
    if not plan.sql or plan.tag == "EXPLAIN":
        raise StoreError("42601", "COPY takes a query, or a change with RETURNING")
    if plan.shape.columns is None:
        raise StoreError("0A000", "COPY query must have a RETURNING clause")
    if plan.shape.parameters:
        raise StoreError("42P02", "there is no parameter $1")
    found = session.run(plan, ())
    return Result(found.columns, found.rows, "COPY {}", gives=said.format)


def _relation(session: "Session", said: Copy, way: str) -> Relation | None:
    """The table; None: it is one of the system's, or of nobody."""
    found = session.catalogue.find(said.schema, said.table, session.path)
    if found is None or found.kind == "r":
        return found
    what = {"v": "view", "S": "sequence", "i": "index"}[found.kind]
    hint = "Try the COPY (SELECT ...) TO variant." if way == "from" and found.kind == "v" else ""
    if found.kind == "i":
        raise StoreError("42809", f'cannot open relation "{said.table}"')
    raise StoreError("42809", f'cannot copy {way} {what} "{said.table}"', hint=hint)


def _fields(relation: Relation, names: Sequence[str]) -> list[Field]:
    return changes._fields(relation, names) if names else list(relation.fields)
