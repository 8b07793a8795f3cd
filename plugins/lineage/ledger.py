"""What has been found in a statement so far, and the bound on how long it is looked at."""

from plugins.lineage.origin import Origin
from plugins.model import Field, Found, Output, Source, Stored

MAX_STEPS = 200_000
"""Nodes looked at in one statement, those of views included."""
MAX_DOUBTS = 20


class TooLongError(Exception):
    """The statement, with the views it reads, takes too long to read."""


class Ledger:
    """Grows while a statement is read."""

    def __init__(self) -> None:
        self.steps = 0
        self.reads: set[Source] = set()
        self.writes: set[Source] = set()
        self.fields: set[Field] = set()
        self.fields_written: set[Field] = set()
        self.stores: list[Stored] = []
        self.doubts: dict[str, None] = {}
        self.reads_whole = self.writes_whole = self.fields_whole = self.fields_written_whole = True

    def step(self) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise TooLongError

    def seen(self, origin: Origin) -> Origin:
        """A value that is used somewhere."""
        if origin.value or origin.views:
            self.fields |= origin.value | origin.views
        return origin

    def doubt(self, why: str, *, reads: bool = True, writes: bool = False) -> None:
        """`reads`, `writes`: what may be missing from here on."""
        if len(self.doubts) < MAX_DOUBTS:
            self.doubts[why] = None
        if reads:
            self.reads_whole = self.fields_whole = False
        if writes:
            self.writes_whole = self.fields_written_whole = False

    def vague(self, why: str) -> None:
        """Sources are known, fields are not."""
        if len(self.doubts) < MAX_DOUBTS:
            self.doubts[why] = None
        self.fields_whole = False

    def store(self, into: Field, name: str, origin: Origin) -> None:
        self.fields_written.add(into)
        self.stores.append(Stored(into, origin.output(name)))

    def found_reads(self) -> Found[Source]:
        return Found(frozenset(self.reads), self.reads_whole)

    def found_writes(self) -> Found[Source]:
        return Found(frozenset(self.writes), self.writes_whole)

    def found_fields(self) -> Found[Field]:
        return Found(frozenset(self.fields), self.fields_whole)

    def found_fields_written(self) -> Found[Field]:
        return Found(frozenset(self.fields_written), self.fields_written_whole)


def outputs_of(columns: list[tuple[str, Origin]]) -> tuple[Output, ...]:
    return tuple(origin.output(name) for name, origin in columns)
