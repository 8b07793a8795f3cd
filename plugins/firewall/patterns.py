"""Names with `*` in them: whether one fits, and whether one pattern fits all that another does. Knows no statement."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_PIECE = re.compile(r'(?:"((?:[^"]|"")+)"|([^."]+))(\.|$)')
ANY = "*"


class Names:
    """Patterns of single names, one of which has to fit."""

    def __init__(self, written: Iterable[str]) -> None:
        patterns = tuple(written)
        self._exact = frozenset(one for one in patterns if ANY not in one)
        self._wild = tuple(one.split(ANY) for one in patterns if ANY in one)

    def fit(self, name: str) -> bool:
        return name in self._exact or any(_fits(pieces, name) for pieces in self._wild)


class Dotted(NamedTuple):
    """One pattern of a name in several pieces: a schema and a table, and perhaps a column."""

    pieces: tuple[str, ...]

    def fit(self, name: Sequence[str]) -> int:
        """2 where it fits, 1 where it would if an unknown schema (empty) were the one, 0 where it does not."""
        first, *others = self.pieces
        if not all(covers(pattern, piece) for pattern, piece in zip(others, name[1:], strict=True)):
            return 0
        if first == ANY:
            return 2
        return 1 if not name[0] else 2 if covers(first, name[0]) else 0


def dotted(written: str, pieces: int, *, short: bool = False) -> Dotted:
    """`schema.table`. A piece in double quotes may have dots in it. `short`: the schema may be left out, for any.
    Raises ValueError, with what would be right."""
    found: list[str] = []
    at = 0
    while at < len(written):
        match = _PIECE.match(written, at)
        if match is None or (match[3] and match.end() == len(written)):
            break
        found.append(match[1].replace('""', '"') if match[1] else match[2])
        at = match.end()
    if short and len(found) == pieces - 1:
        found.insert(0, ANY)
    if at < len(written) or len(found) != pieces:
        form = ".".join(("schema", "table", "column")[:pieces]) if not short else "name or schema.name"
        raise ValueError(f"write {form}; * stands for anything")
    return Dotted(tuple(found))


def covers(pattern: str, name: str) -> bool:
    """Whether `pattern` fits `name`; and where that is a pattern itself, all that it fits."""
    return pattern == name or (ANY in pattern and _fits(pattern.split(ANY), name))


def _fits(pieces: Sequence[str], name: str) -> bool:
    first, *middle, last = pieces
    if len(name) < len(first) + len(last) or not name.startswith(first) or not name.endswith(last):
        return False
    at, end = len(first), len(name) - len(last)
    for piece in middle:
        found = name.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True
