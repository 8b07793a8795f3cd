"""Statements about other statements: PREPARE, EXECUTE, DEALLOCATE, DISCARD, and those about cursors.

They are read here and carried out by the conversation, which owns the names; no store has to know them. What is not
done is refused by its name.
"""

from collections.abc import Sequence

import msgspec

from plugins.tokens import Kind, Token, closing
from proxy.answers.executor import Prepared, StoreError

WORDS = frozenset(["prepare", "execute", "deallocate", "discard", "declare", "fetch", "move", "close"])
_CHANGES = ("insert", "update", "delete")
_QUERIES = ("select", "values", "with", "table", "(")
_NAMES = frozenset({Kind.WORD, Kind.QUOTED})


class Prepare(msgspec.Struct, frozen=True):
    """`types` are their names."""

    name: str
    types: tuple[str, ...]
    text: str


class Execute(msgspec.Struct, frozen=True):
    """`arguments` as they are written."""

    name: str
    arguments: str


class Deallocate(msgspec.Struct, frozen=True):
    """No name: all of them."""

    name: str | None


class Discard(msgspec.Struct, frozen=True):
    """`all`, or what else is to be forgotten."""

    what: str


class Declare(msgspec.Struct, frozen=True):
    """A cursor, forward only, to the end of its transaction."""

    name: str
    text: str
    binary: bool = False
    once: bool = False
    """NO SCROLL was said."""
    query: Prepared | None = None


class Fetch(msgspec.Struct, frozen=True):
    """FETCH or MOVE: past `skip` rows, then `count` of them. Where `place` is given, to that one."""

    name: str
    count: int | None = 1
    skip: int = 0
    place: int | None = None
    moves: bool = False
    back: bool = False


class Close(msgspec.Struct, frozen=True):
    """No name: all of them."""

    name: str | None


Order = Prepare | Execute | Deallocate | Discard | Declare | Fetch | Close


class _Words:
    """A statement's tokens, one after the other."""

    def __init__(self, text: str, tokens: Sequence[Token]) -> None:
        self.text = text
        self.tokens = tokens
        self.at = 0

    def next(self) -> str:
        """The next bare word or sign, in lower case; empty: there is none."""
        token = self.tokens[self.at] if self.at < len(self.tokens) else None
        return token.name if token is not None and token.kind in (Kind.WORD, Kind.SIGN) else ""

    def took(self, *words: str) -> bool:
        """Whether these come next; then they are passed."""
        here = self.at
        for word in words:
            if self.next() != word:
                self.at = here
                return False
            self.at += 1
        return True

    def name(self) -> str:
        if self.at >= len(self.tokens) or self.tokens[self.at].kind not in _NAMES:
            raise self.wrong()
        self.at += 1
        return self.tokens[self.at - 1].name

    def number(self) -> int | None:
        """A whole number, perhaps with a sign."""
        sign = -1 if self.next() == "-" else 1
        at = self.at + (self.next() in ("-", "+"))
        if at >= len(self.tokens) or self.tokens[at].kind is not Kind.NUMBER:
            return None
        if not self.tokens[at].text.isdigit():
            raise self.wrong()
        self.at = at + 1
        return sign * int(self.tokens[at].text)

    def bracketed(self) -> tuple[Token, ...]:
        """What the bracket that comes next holds."""
        end = closing(self.tokens, self.at)
        if end >= len(self.tokens):
            raise self.wrong()
        inner = tuple(self.tokens[self.at + 1 : end])
        self.at = end + 1
        return inner

    def rest(self) -> str:
        if self.at >= len(self.tokens):
            raise self.wrong()
        return self.text[self.tokens[self.at].start :]

    def end(self) -> None:
        if self.at < len(self.tokens):
            raise self.wrong()

    def wrong(self) -> StoreError:
        if self.at < len(self.tokens):
            return StoreError("42601", f'syntax error at or near "{self.tokens[self.at].text}"')
        return StoreError("42601", "syntax error at end of input")


def read(text: str, tokens: Sequence[Token]) -> Order:
    """The order, whose first word is one of WORDS. Raises StoreError."""
    said = _Words(text, tokens)
    first = said.name()
    if first == "prepare":
        return _prepare(said)
    found: Order
    if first == "execute":
        name, arguments = said.name(), ""
        if said.next() == "(":
            inner = said.bracketed()
            if not inner:
                raise said.wrong()
            arguments = text[inner[0].start : inner[-1].end]
        found = Execute(name, arguments)
    elif first == "deallocate":
        if len(tokens) > 2:
            said.took("prepare")
        found = Deallocate(None if said.took("all") else said.name())
    elif first == "discard":
        what = said.name()
        if what not in ("all", "plans", "sequences", "temp", "temporary"):
            raise StoreError("42601", f'syntax error at or near "{what}"')
        found = Discard(what)
    elif first == "declare":
        return _declare(said)
    elif first == "close":
        found = Close(None if said.took("all") else said.name())
    else:
        found = _fetch(said, moves=first == "move")
    said.end()
    return found


def _prepare(said: _Words) -> Prepare:
    if said.took("transaction"):
        raise StoreError("0A000", "the embedded store does not support PREPARE TRANSACTION")
    name = said.name()
    types: list[str] = []
    if said.next() == "(":
        depth, begin = 0, 0
        inner = said.bracketed()
        for at, token in enumerate((*inner, None)):
            sign = token.text if token is not None and token.kind is Kind.SIGN else ""
            depth += (sign in ("(", "[")) - (sign in (")", "]"))
            if token is None or (sign == "," and not depth):
                if at == begin:
                    raise said.wrong()
                types.append(said.text[inner[begin].start : inner[at - 1].end])
                begin = at + 1
    if not said.took("as") or said.next() not in (*_CHANGES, *_QUERIES):
        raise said.wrong()
    return Prepare(name, tuple(types), said.rest())


def _declare(said: _Words) -> Declare:
    name = said.name()
    binary = once = False
    while not said.took("cursor"):
        if said.took("binary"):
            binary = True
        elif said.took("no", "scroll"):
            once = True
        elif said.took("scroll"):
            raise StoreError("0A000", "the embedded store does not support SCROLL: its cursors go forward")
        elif not (said.took("insensitive") or said.took("asensitive")):
            raise said.wrong()
    if said.took("with", "hold"):
        raise StoreError(
            "0A000", "the embedded store does not support WITH HOLD: cursors end with the transaction"
        )
    said.took("without", "hold")
    if not said.took("for") or said.next() not in _QUERIES:
        raise said.wrong()
    return Declare(name, said.rest(), binary, once)


def _fetch(said: _Words, *, moves: bool) -> Fetch:
    # A cursor may be called like one of the words: then nothing follows it.
    last = said.at == len(said.tokens) - 1
    count: int | None = 1
    skip, place, back = 0, None, False
    if not last:
        if said.took("next"):
            pass
        elif said.took("first"):
            place = 1
        elif said.took("last") or said.took("prior"):
            back = True
        elif said.took("absolute"):
            place = said.number()
            back = place is None or place < 0
        elif said.took("relative"):
            skip = (said.number() or 0) - 1
            back = skip < 0
        elif said.took("backward"):
            back = True
            said.took("all") or said.number()
        else:
            said.took("forward")
            count = None if said.took("all") else said.number()
            count = 1 if count is None and said.tokens[said.at - 1].name != "all" else count
            back = count is not None and count < 1
        said.took("from") or said.took("in")
    return Fetch(said.name(), count, skip, place, moves, back)
