"""A setting's value: from the tokens of SET or the arguments of set_config() to text for `SET name =`.

Written so that it means the same under any `standard_conforming_strings`. Knows no setting but those that hold lists.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from plugins.statement import word
from plugins.tokens import NAMES, Kind, Token, closing, literal

# The server quotes each element of these when SET gives it a string, and takes set_config()'s apart at commas.
LISTS = frozenset(
    {
        "search_path",
        "temp_tablespaces",
        "local_preload_libraries",
        "session_preload_libraries",
        "shared_preload_libraries",
        "unix_socket_directories",
    }
)
_BOOLEANS = {
    "true": True,
    "t": True,
    "on": True,
    "1": True,
    "false": False,
    "f": False,
    "off": False,
    "0": False,
}
# An element that needs no quotes, or one in quotes that needs them; then `, ` and another, or the end.
_NEXT = re.compile(
    r"""(?:(?P<plain>[a-z_][a-z0-9_]*)|"(?P<quoted>(?=[^"]*[^a-z0-9_"]|[0-9]|[^"]*"")(?:[^"]|"")+)")"""
    r"""(?:,\ (?!$)|$(?!\n))"""
)


class Unfollowed(Exception):
    """The setting cannot be said again as `SET name = value`. The reason repeats nothing of the text."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def value_of(tokens: Sequence[Token], *, alike: bool = False) -> str | None:
    """What stands after `SET name =`: words, strings and numbers, with commas between; None for DEFAULT. `alike`: what
    means the same is spelt the same, as strings, and what is spelt with escapes is not followed."""
    if len(tokens) == 1 and word(tokens, 0) == "default":
        return None
    elements: list[str] = []
    at = 0
    while at < len(tokens):
        if elements:
            if word(tokens, at) != ",":
                raise Unfollowed("has a value of no form known here")
            at += 1
        sign = word(tokens, at) if word(tokens, at) in ("-", "+") else ""
        at += bool(sign)
        elements.append(sign + _element(tokens[at] if at < len(tokens) else None, bool(sign), alike))
        at += 1
    if not elements:
        raise Unfollowed("has no value")
    return ", ".join(elements)


def _element(token: Token | None, signed: bool, alike: bool) -> str:
    if token is not None:
        if alike and token.kind is Kind.ESCAPED and "\\" in token.text:
            raise Unfollowed("has a value that is spelt with escapes")
        if alike and token.kind in NAMES and not signed:
            return literal(token.name)
        if token.kind is Kind.NUMBER:
            return token.text
        if token.kind is Kind.STRING and not signed:
            return literal(token.name)
        if token.kind is Kind.ESCAPED and not signed and token.text[:1] in "eE":
            return token.text
        if token.kind in NAMES and not signed:
            return token.text
    raise Unfollowed("has a value of no form known here")


def listed(name: str, value: str) -> str:
    """set_config()'s `value` as SET has to say it. A list setting's string is taken apart as the server would, and
    only where SET would put it together again letter by letter, since clients can ask for it."""
    if name not in LISTS:
        return literal(value)
    elements: list[str] = []
    at = 0
    while at < len(value) or not elements:
        found = _NEXT.match(value, at)
        if found is None:
            raise Unfollowed("is a list that SET would spell in another way")
        plain, quoted = found.group("plain", "quoted")
        elements.append(literal(plain or quoted.replace('""', '"')))
        at = found.end()
    return ", ".join(elements)


class Argument(NamedTuple):
    """What is known of one argument of a call."""

    text: str | None
    """Its value, when it is a plain string."""
    word: str
    """The word, when it is one alone."""

    @property
    def null(self) -> bool:
        return self.word == "null"

    @property
    def flag(self) -> bool | None:
        return _BOOLEANS.get(self.word or (self.text or "").strip().lower())


def arguments(tokens: Sequence[Token], opening: int) -> list[Argument]:
    """The arguments in the bracket at `opening`, each with a cast to a plain type left out."""
    end = closing(tokens, opening)
    found: list[Argument] = []
    begin = opening + 1
    depth = 0
    for at in range(opening, min(end + 1, len(tokens))):
        sign = tokens[at].word
        depth += (sign in ("(", "[")) - (sign in (")", "]"))
        if (sign == "," and depth == 1) or (at == end > opening + 1):
            found.append(_argument(tokens[begin:at]))
            begin = at + 1
    return found


def _argument(tokens: Sequence[Token]) -> Argument:
    if len(tokens) == 3 and tokens[1].text == "::" and word(tokens, 2) in ("text", "boolean", "bool"):
        tokens = tokens[:1]
    if len(tokens) != 1:
        return Argument(None, "")
    token = tokens[0]
    return Argument(token.name if token.kind is Kind.STRING else None, word(tokens, 0))
