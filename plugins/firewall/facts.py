"""What is known of one statement of a text, each thing worked out when the first rule asks for it.

Names are in pieces: schema, table, column. A schema that is not known is empty.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

import msgspec

from plugins.firewall.forms import Kinds, kinds, unfolded
from plugins.firewall.seen import Seen
from plugins.firewall.settings import Trick
from plugins.firewall.tricks import look
from plugins.model import Found, Reading, Source
from plugins.statement import Part, Statement

Name = tuple[str, ...]
_LATER = frozenset({"fetch", "move", "close"})


class Touched(NamedTuple):
    """Names, and whether there are no others."""

    names: tuple[Name, ...]
    whole: bool


class Facts(msgspec.Struct, frozen=True, dict=True):
    """Of one statement."""

    seen: Seen
    statement: Statement
    number: int

    @cached_property
    def kinds(self) -> Kinds:
        if self.seen.trouble:
            return Kinds(frozenset({"unknown"}), whole=False)
        return kinds(self.seen.parts)

    @cached_property
    def reading(self) -> Reading:
        """What a cursor gives was judged when it was declared."""
        if self.seen.outer.kind == "cursor" and self.seen.outer.word(0) in _LATER:
            return Reading()
        return self.statement.readings[self.number]

    @cached_property
    def read(self) -> Touched:
        return _sources(self.reading.reads)

    @cached_property
    def written(self) -> Touched:
        """New tables, too."""
        found = self.reading.writes
        return _sources(msgspec.structs.replace(found, items=found.items | self.reading.makes))

    @cached_property
    def columns(self) -> Touched:
        read, written = self.reading.fields_read, self.reading.fields_written
        fields = read.items | written.items
        named = sorted((one.source.space, one.source.name, one.name) for one in fields)
        return Touched(tuple(named), read.whole and written.whole)

    @cached_property
    def functions(self) -> Touched:
        found = self.reading.functions
        return Touched(tuple(sorted((one.space, one.name) for one in found.items)), found.whole)

    @property
    def doubt(self) -> str:
        """Why something of it is not known."""
        return next(iter(self.reading.doubts), "") or self.seen.outer.trouble or "it is not read"

    def trick(self, trick: Trick) -> int:
        if trick not in self._tricks:
            self._tricks[trick] = look(trick, self.seen)
        return self._tricks[trick]

    @cached_property
    def _tricks(self) -> dict[Trick, int]:
        return {}


def facts(statement: Statement) -> Iterator[Facts]:
    """Of each statement of a text."""
    if statement.trouble:
        nothing = Part("unknown", (), trouble=statement.trouble)
        yield Facts(Seen((nothing,), exact=statement.exact, trouble=statement.trouble), statement, 0)
    many = len(statement.parts) > 1
    for number, one in enumerate(statement.parts):
        parts = tuple(unfolded(one))
        seen = Seen(parts, many=many, exact=statement.exact, commented=statement.commented)
        yield Facts(seen, statement, number)


def _sources(found: Found[Source]) -> Touched:
    return Touched(tuple(sorted((one.space, one.name) for one in found.items)), found.whole)
