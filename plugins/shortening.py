"""The text the parser gets: tokens joined again, without comments, in spellings that cannot be misread.

Long lists of like elements are cut to one of each (a thousand rows of VALUES, ten thousand numbers of IN).

Knows tokens only. Which functions are called and which words occur is always read from all tokens, never from these.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from plugins.tokens import LITERALS, Kind, Token, literal

LONG = 600
"""With more tokens, lists of like elements are shortened first."""


# Naming a member costs more than comparing with it.
_STRING, _ESCAPED, _PARAMETER = Kind.STRING, Kind.ESCAPED, Kind.PARAMETER


def rejoin(tokens: Sequence[Token]) -> str:
    """The tokens as text."""
    return "".join(_pieces(tokens))


def rejoined(tokens: Sequence[Token]) -> tuple[str, list[int]]:
    """The tokens as text, and where in it each begins."""
    starts: list[int] = []
    at = 0
    pieces = _pieces(tokens)
    for piece in pieces:
        starts.append(at + (piece[0] == " "))
        at += len(piece)
    return "".join(pieces), starts


def _pieces(tokens: Sequence[Token]) -> list[str]:
    """Each as text, a space in front where there was one, and behind a parameter: with `$1,$2` the parser begins a
    string at the first dollar."""
    pieces: list[str] = []
    end = -1
    for token in tokens:
        text, kind = token.text, token.kind
        if kind is _STRING or kind is _ESCAPED:
            text = _plain(token)
        pieces.append(text if token.start == end and text is token.text else " " + text)
        end = -1 if kind is _PARAMETER else token.end
    return pieces


def _plain(token: Token) -> str:
    """A string in a spelling that is read alike everywhere; its own where it is."""
    if token.kind is Kind.ESCAPED and token.text[0] == "'":
        return "E" + token.text
    if token.kind is Kind.STRING and token.text[0] == "$":
        return literal(token.name)
    return token.text


@dataclass(slots=True)
class _List:
    """The elements of one bracket, as they come by."""

    kept: list[Token] = field(default_factory=list[Token])
    element: list[Token] = field(default_factory=list[Token])
    shape: list[str] = field(default_factory=list[str])
    last: tuple[str, ...] = ()
    shapes: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])

    def finish(self, comma: Token | None) -> None:
        """The element is complete. It is dropped when it differs in literals only from the one before."""
        shape = tuple(self.shape)
        if not ("?" in shape and shape == self.last):
            self.kept += self.element
            self.shapes.append(shape)
            if comma is not None:
                self.kept.append(comma)
        self.element, self.shape, self.last = [], [], shape


def shortened(tokens: Sequence[Token]) -> list[Token]:
    """The tokens without those elements of lists that differ in literals only from the element before them."""
    lists = [_List()]
    for token in tokens:
        inner = lists[-1]
        if token.word == "(":
            lists.append(_List())
            inner.element.append(token)
        elif token.word == ")" and len(lists) > 1:
            inner.finish(None)
            lists.pop()
            outer = lists[-1]
            outer.element += [*_without_tail(inner.kept), token]
            outer.shape += ["(", *(piece for shape in inner.shapes for piece in (*shape, ",")), ")"]
        elif token.word == ",":
            inner.finish(token)
        else:
            inner.element.append(token)
            inner.shape.append("?" if token.kind in LITERALS else token.name)
    while len(lists) > 1:
        left = lists.pop()
        left.finish(None)
        lists[-1].element += left.kept
    lists[0].finish(None)
    return _without_tail(lists[0].kept)


def _without_tail(kept: list[Token]) -> list[Token]:
    """`kept` without the comma that a dropped last element leaves behind."""
    return kept[:-1] if kept and kept[-1].word == "," else kept
