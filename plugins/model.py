"""What a statement reads, writes and shows, in words that hold for every kind of database. Data only.

A `Source` is a table, a view or a collection; a `Field` is a column, or a path into a document. What is not known for
certain says so: a `Found` that is not `whole` may leave something out, an `Output` that is not `sure` may show
anything. There is no `in` on purpose: who guards asks `possibly`, who only advises asks `certainly`.
"""

from collections.abc import Iterable
from typing import Generic, Literal, TypeVar

import msgspec

Volatility = Literal["immutable", "stable", "volatile", "unknown"]


class Source(msgspec.Struct, frozen=True, order=True):
    """A table, view or collection, by its real name. `space` is its schema or database; empty where that is unknown."""

    space: str
    name: str

    def __str__(self) -> str:
        return f"{self.space}.{self.name}" if self.space else self.name


class Field(msgspec.Struct, frozen=True, order=True):
    """A column, or a path in documents with dots between its steps."""

    source: Source
    name: str

    def __str__(self) -> str:
        return f"{self.source}.{self.name}"


class Use(msgspec.Struct, frozen=True, order=True):
    """A function that is called. `space` is empty where it is not certain which one of the name is meant."""

    space: str
    name: str
    volatility: Volatility = "unknown"

    def __str__(self) -> str:
        return f"{self.space}.{self.name}" if self.space else self.name


T = TypeVar("T")


class Found(msgspec.Struct, Generic[T], frozen=True):
    """What was found. Where it is not `whole` there may be more."""

    items: frozenset[T] = frozenset()
    whole: bool = True

    def certainly(self, *wanted: T) -> bool:
        """One of them is there."""
        return not self.items.isdisjoint(wanted)

    def possibly(self, *wanted: T) -> bool:
        """One of them is there, or could be. What a guard asks."""
        return not self.whole or not self.items.isdisjoint(wanted)


class Output(msgspec.Struct, frozen=True):
    """One column of the result, and where it comes from."""

    name: str
    value: frozenset[Field] = frozenset()
    """The stored fields its value is computed from."""
    condition: frozenset[Field] = frozenset()
    """Those that only decide which value, which rows, or their order."""
    views: frozenset[Field] = frozenset()
    """Columns of views that the value came through."""
    sure: bool = True
    """Nothing else can be in its value."""
    condition_sure: bool = True

    def may_show(self, *wanted: Field) -> bool:
        """The value of one of these could be seen in it. What a guard or a mask asks."""
        return not self.sure or not (self.value.isdisjoint(wanted) and self.views.isdisjoint(wanted))

    def may_depend_on(self, *wanted: Field) -> bool:
        return self.may_show(*wanted) or not self.condition_sure or not self.condition.isdisjoint(wanted)


class Stored(msgspec.Struct, frozen=True):
    """A value that is written somewhere, and where it comes from: what is read can be carried off that way."""

    into: Field
    origin: Output


class Reading(msgspec.Struct, frozen=True):
    """What one statement, or a text of several, does to whom."""

    reads: Found[Source] = Found()
    """Tables and the views they are read through, with what is stored in the same rows (partitions)."""
    writes: Found[Source] = Found()
    fields_read: Found[Field] = Found()
    fields_written: Found[Field] = Found()
    """Of inserts and updates; a deletion writes no field."""
    functions: Found[Use] = Found()
    placeholders: int = 0
    """The highest number of a parameter."""
    outputs: tuple[Output, ...] = ()
    shown: bool = True
    """`outputs` are all columns of the result, in order. Where not, it may show anything."""
    stores: tuple[Stored, ...] = ()
    makes: frozenset[Source] = frozenset()
    """Relations it creates."""
    shadows: frozenset[Source] = frozenset()
    """Relations that are hidden, for their unqualified name, by a temporary one that it creates."""
    doubts: tuple[str, ...] = ()
    """Why something is not known, for people. Nothing of the statement's values is in it."""
    dialect: str = "postgres"

    @property
    def sure(self) -> bool:
        """All of it is known."""
        return not self.doubts

    def may_show(self, *wanted: Field) -> bool:
        """Some column of the result could hold a value of one of these."""
        return not self.shown or any(output.may_show(*wanted) for output in self.outputs)

    def may_store(self, *wanted: Field) -> bool:
        """A value of one of these could be written somewhere."""
        return (
            not self.fields_written.whole
            or not self.writes.whole
            or any(stored.origin.may_show(*wanted) for stored in self.stores)
        )


def unreadable(why: str, *, dialect: str = "postgres") -> Reading:
    """Nothing is known of a statement."""
    return Reading(
        reads=Found(whole=False),
        writes=Found(whole=False),
        fields_read=Found(whole=False),
        fields_written=Found(whole=False),
        functions=Found(whole=False),
        shown=False,
        doubts=(why,),
        dialect=dialect,
    )


def together(readings: Iterable[Reading]) -> Reading:
    """Of a text of several statements: all of them. Outputs are told where one statement alone has some."""
    all_of = tuple(readings)
    if len(all_of) == 1:
        return all_of[0]
    showing = [one for one in all_of if one.outputs or not one.shown]
    return Reading(
        reads=_joined(one.reads for one in all_of),
        writes=_joined(one.writes for one in all_of),
        fields_read=_joined(one.fields_read for one in all_of),
        fields_written=_joined(one.fields_written for one in all_of),
        functions=_joined(one.functions for one in all_of),
        placeholders=max((one.placeholders for one in all_of), default=0),
        outputs=showing[0].outputs if len(showing) == 1 else (),
        shown=not showing or (len(showing) == 1 and showing[0].shown),
        stores=tuple(stored for one in all_of for stored in one.stores),
        makes=frozenset().union(*(one.makes for one in all_of)),
        shadows=frozenset().union(*(one.shadows for one in all_of)),
        doubts=tuple(dict.fromkeys(doubt for one in all_of for doubt in one.doubts)),
        dialect=all_of[0].dialect if all_of else "postgres",
    )


def _joined(found: Iterable[Found[T]]) -> Found[T]:
    parts = tuple(found)
    return Found(frozenset().union(*(part.items for part in parts)), all(part.whole for part in parts))
