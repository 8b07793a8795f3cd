"""What names stand for at one place of a query: the relations of FROM, the queries named by WITH, and what is around.

Owns looking names up as PostgreSQL does (columns before whole rows, inner before outer); knows no expression and no
catalogue.
"""

from collections.abc import Mapping, Sequence

import msgspec

from plugins.lineage.origin import Origin, joined
from plugins.model import Field, Source

SYSTEM_COLUMNS = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})


class Bound(msgspec.Struct, frozen=True):
    """A column that can be named here."""

    name: str
    origin: Origin
    type: str = ""


class Table(msgspec.Struct, frozen=True):
    """One relation of FROM under its alias, or the result of a query."""

    alias: str
    columns: tuple[Bound, ...] = ()
    open: Origin | None = None
    """Where a column that is not listed comes from; None where there can be no other."""
    source: Source | None = None
    scalar: bool = False
    """Its rows are no more than a value: a function's."""
    space: str = ""
    rows: Origin | None = None
    """What decides which rows there are."""

    @property
    def row(self) -> Origin:
        """All of a row."""
        rest = (self.open,) if self.open is not None else ()
        return joined((*(column.origin for column in self.columns), *rest))

    @property
    def rest(self) -> Origin | None:
        """Where a column comes from whose name is not known; None where there is none."""
        unnamed = [column.origin for column in self.columns if not column.name]
        if self.open is not None:
            unnamed.append(self.open)
        return joined(unnamed) if unnamed else None

    def column(self, name: str) -> Bound | None:
        found = next((column for column in self.columns if column.name == name), None)
        if found is None and name and (rest := self.rest) is not None:
            return Bound(name, rest)
        return found

    def system(self, name: str) -> Bound | None:
        if self.source is None or name not in SYSTEM_COLUMNS:
            return None
        return Bound(name, Origin(frozenset({Field(self.source, name)})))

    def renamed(self, alias: str, names: Sequence[str]) -> "Table":
        columns = tuple(
            msgspec.structs.replace(column, name=names[at]) if at < len(names) else column
            for at, column in enumerate(self.columns)
        )
        return msgspec.structs.replace(self, alias=alias, columns=columns)


class Joined(msgspec.Struct, frozen=True):
    """What FROM has so far: the columns as `*` gives them, and the relations by alias."""

    columns: tuple[Bound, ...] = ()
    tables: tuple[Table, ...] = ()
    conditions: tuple[Origin, ...] = ()
    open: bool = False
    """There may be more columns than listed."""

    @classmethod
    def of(cls, table: Table) -> "Joined":
        return cls(table.columns, (table,), (table.rows,) if table.rows else (), table.open is not None)

    def beside(self, other: "Joined") -> "Joined":
        return Joined(
            self.columns + other.columns,
            self.tables + other.tables,
            self.conditions + other.conditions,
            self.open or other.open,
        )


class Place:
    """One level of names, inside another or outermost."""

    __slots__ = ("around", "here", "windows", "withs")

    def __init__(
        self,
        around: "Place | None" = None,
        here: Joined | None = None,
        withs: Mapping[str, Table] | None = None,
    ) -> None:
        self.around = around
        self.here = here if here is not None else Joined()
        self.withs = dict(withs or {})
        self.windows: dict[str, Origin] = {}

    def named_query(self, name: str) -> Table | None:
        """What WITH gave this name to."""
        place: Place | None = self
        while place is not None:
            if name in place.withs:
                return place.withs[name]
            place = place.around
        return None

    def column(self, name: str) -> Bound | str:
        """What a bare name stands for, or why that is not known. A level that may have a column of the name, without
        that being certain, counts along with what is found further out."""
        maybe: list[Origin] = []
        place: Place | None = self
        while place is not None:
            found = [column for column in place.here.columns if column.name == name]
            if len(found) > 1:
                return f"{name} is ambiguous"
            if found:
                return _merged(found[0], maybe)
            system = [one for table in place.here.tables if (one := table.system(name))]
            if len(system) == 1:
                return _merged(system[0], maybe)
            maybe += [rest for table in place.here.tables if (rest := table.rest) is not None]
            place = place.around
        table = self.table(name)
        if table is not None:
            kind = table.columns[0].type if table.scalar and len(table.columns) == 1 else ""
            return _merged(Bound(name, table.row, kind), maybe)
        return Bound(name, joined(maybe)) if maybe else f"{name} is no column here"

    def table(self, alias: str, space: str = "") -> Table | None:
        """The nearest relation of this alias."""
        place: Place | None = self
        while place is not None:
            for table in place.here.tables:
                if table.alias == alias and (not space or table.space == space):
                    return table
            place = place.around
        return None


def _merged(bound: Bound, maybe: list[Origin]) -> Bound:
    return Bound(bound.name, joined((bound.origin, *maybe)), bound.type) if maybe else bound
