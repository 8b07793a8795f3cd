"""PostgreSQL's tokens, cut as its own scanner (scan.l) cuts them.

Owns where a comment, a string or a name begins and ends, and nothing of what they mean. What it cannot place with
certainty raises `UnreadableError`: a boundary put wrongly here could hide a statement.
"""

import re
from collections.abc import Sequence
from enum import Enum, auto
from typing import NamedTuple

# A text with more is left unread, so that cutting it holds up nobody for long.
MAX_TOKENS = 100_000


class UnreadableError(Exception):
    """The text cannot be cut into tokens with certainty. Says why, and repeats nothing of the text."""


class Kind(Enum):
    """What a token is before anyone asks what it means."""

    WORD = auto()
    QUOTED = auto()
    """A quoted identifier."""
    STRING = auto()
    ESCAPED = auto()
    """`E'…'`, or any string where backslashes escape."""
    BITS = auto()
    NUMBER = auto()
    PARAMETER = auto()
    SIGN = auto()
    """An operator or punctuation; brackets, commas and semicolons stand alone."""


class Token(NamedTuple):
    """One token. `name`: a word in lower case, a sign, an identifier without its quotes, a plain string's value."""

    kind: Kind
    text: str
    name: str
    start: int
    end: int


LITERALS = frozenset({Kind.STRING, Kind.ESCAPED, Kind.BITS, Kind.NUMBER, Kind.PARAMETER})
_STRINGS = frozenset({Kind.STRING, Kind.ESCAPED, Kind.BITS})

_LETTER = "A-Za-z_\u0080-\U0010ffff"
_PARTS = rf"""
    (?P<space>(?:[ \t\n\r\f\v]|--[^\n\r]*)+)
  | (?P<comment>/\*)
  | (?P<unicode>[uU]&['"])
  | (?P<escaped>[eE]'(?:[^'\\]|''|\\.)*')
  | (?P<bits>[bBxX]'[^']*')
  | (?P<word>[{_LETTER}][{_LETTER}0-9$]*)
  | (?P<quoted>"(?:[^"]|"")+")
  | (?P<string>PLAIN)
  | (?P<dollar>\$(?:[{_LETTER}][{_LETTER}0-9]*)?\$)
  | (?P<parameter>\$[0-9]+)
  | (?P<number>(?:[0-9][0-9_]*(?:\.(?!\.)[0-9_]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
  | (?P<mark>[(),;\[\]] | :: | := | : | \.\.?)
  | (?P<sign>(?:(?!--|/\*)[~!@\#^&|`?+\-*/%<>=])+)
"""
_STANDARD = re.compile(_PARTS.replace("PLAIN", "'(?:[^']|'')*'"), re.VERBOSE | re.DOTALL)
_BACKSLASHES = re.compile(_PARTS.replace("PLAIN", r"'(?:[^'\\]|''|\\.)*'"), re.VERBOSE | re.DOTALL)
_COMMENT = re.compile(r"/\*|\*/")
_KEEPS_ITS_TAIL = re.compile(r"[~!@#^&|`?%]")
_KINDS = {
    "word": Kind.WORD,
    "quoted": Kind.QUOTED,
    "string": Kind.STRING,
    "escaped": Kind.ESCAPED,
    "bits": Kind.BITS,
    "parameter": Kind.PARAMETER,
    "number": Kind.NUMBER,
    "mark": Kind.SIGN,
    "sign": Kind.SIGN,
}


def cut(text: str, *, standard_strings: bool = True) -> tuple[Token, ...]:
    """The tokens of `text`, without space and comments. `standard_strings`: the session's
    `standard_conforming_strings`."""
    if "\0" in text:
        raise UnreadableError("a NUL character")
    pattern = _STANDARD if standard_strings else _BACKSLASHES
    tokens: list[Token] = []
    at, length = 0, len(text)
    while at < length:
        found = pattern.match(text, at)
        if found is None:
            raise UnreadableError(f"a character or an open quote that fits nowhere, at {at}")
        group, end = found.lastgroup, found.end()
        if group == "space":
            at = end
            continue
        if group == "comment":
            at = _after_comment(text, end)
            continue
        if group == "unicode":
            raise UnreadableError("a string or name with Unicode escapes (U&)")
        if group == "dollar":
            closing = text.find(found.group(), end)
            if closing < 0:
                raise UnreadableError("a dollar quote that is never closed")
            value = text[end:closing]
            end = closing + len(found.group())
            token = Token(Kind.STRING, text[at:end], value, at, end)
        else:
            text_of = _operator(found.group()) if group == "sign" else found.group()
            end = at + len(text_of)
            token = _token(_KINDS[group or ""], text_of, at, end, standard_strings)
        if tokens and token.kind in _STRINGS and tokens[-1].kind in _STRINGS:
            _continued(tokens[-1], token)
        tokens.append(token)
        if len(tokens) > MAX_TOKENS:
            raise UnreadableError(f"more than {MAX_TOKENS} tokens")
        at = end
    return tuple(tokens)


def _token(kind: Kind, text: str, start: int, end: int, standard_strings: bool) -> Token:
    name = text
    if kind is Kind.WORD:
        # Only ASCII is folded: Python would fold a Kelvin sign to a k, the server does not.
        name = text.lower() if text.isascii() else _fold(text)
    elif kind is Kind.QUOTED:
        name = text[1:-1].replace('""', '"')
    elif kind is Kind.STRING:
        name = text[1:-1].replace("''", "'")
        if not standard_strings and "\\" in text:
            kind = Kind.ESCAPED
    return Token(kind, text, name, start, end)


def _operator(run: str) -> str:
    """Of a run of operator characters, the first operator: only some may end in a sign (`=-1` is `=` and `-1`)."""
    return run if _KEEPS_ITS_TAIL.search(run) else run[:1] + run[1:].rstrip("+-")


def _fold(text: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


def _after_comment(text: str, at: int) -> int:
    depth = 1
    while depth:
        found = _COMMENT.search(text, at)
        if found is None:
            raise UnreadableError("a comment that is never closed")
        depth += 1 if found.group() == "/*" else -1
        at = found.end()
    return at


def _continued(before: Token, token: Token) -> None:
    """Strings in a row may be one string over two lines, the second then read like the first: harmless while both
    read alike however they are taken."""
    plain = before.text[:1] == "'" and token.text[:1] == "'" and before.kind is token.kind is Kind.STRING
    if not plain:
        raise UnreadableError("a string continued after another kind of string")


def closing(tokens: Sequence[Token], opening: int) -> int:
    """Where the bracket opened at `opening` closes; the end when it never does."""
    depth = 0
    for at in range(opening, len(tokens)):
        if tokens[at].kind is Kind.SIGN:
            if tokens[at].text in "([":
                depth += 1
            elif tokens[at].text in ")]":
                depth -= 1
                if not depth:
                    return at
    return len(tokens)


def literal(value: str) -> str:
    """`value` as SQL, the same whatever `standard_conforming_strings` says where it is read."""
    quoted = value.replace("'", "''")
    return "E'" + quoted.replace("\\", "\\\\") + "'" if "\\" in value else f"'{quoted}'"
