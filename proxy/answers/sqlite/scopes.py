"""What names mean inside a query: its sources and their columns, the query around it, and what is being looked at.

Data and look-up; no SQL is made here.
"""

from dataclasses import dataclass, field

from proxy.answers.executor import StoreError
from proxy.answers.sqlite.kinds import Kind


@dataclass(slots=True)
class Seen:
    """A column that a source shows."""

    name: str
    kind: Kind
    sql: str
    table: int = 0
    number: int = 0
    hidden: bool = False
    """Merged away by USING: only its source's name reaches it."""
    literal: bool = False
    """An untyped literal of a subquery."""
    system: bool = False
    """No star shows it."""


@dataclass(slots=True)
class Source:
    """Something in FROM."""

    name: str
    columns: list[Seen]
    key: tuple[str, ...] = ()
    """The primary key's columns, in SQL: grouping by them groups by all of it."""


@dataclass(slots=True)
class Scope:
    """One query."""

    outer: "Scope | None" = None
    sources: list[Source] = field(default_factory=list[Source])
    merged: list[Seen] = field(default_factory=list[Seen])
    """Columns of USING, which stand for those of both sides."""
    aggregates: bool = False
    """Some were seen."""
    bare: list[str] = field(default_factory=list[str])
    """Columns outside aggregates and grouped expressions."""
    grouped: set[str] = field(default_factory=set[str])
    inside: str = ""
    """Where aggregates cannot be: WHERE, say, or another aggregate's arguments."""
    silent: int = 0
    """Inside an aggregate's arguments: columns there are not bare."""

    def find(self, table: str, name: str) -> tuple[Seen, "Scope"] | None:
        """The column of this name here or further out. Raises StoreError where there are several."""
        scope: Scope | None = self
        while scope is not None:
            found = scope._here(table, name)
            if found is not None:
                return found, scope
            scope = scope.outer
        return None

    def _here(self, table: str, name: str) -> Seen | None:
        if table:
            sources = [one for one in self.sources if one.name == table]
            found = [seen for source in sources for seen in source.columns if seen.name == name]
        else:
            found = [one for one in self.merged if one.name == name]
            found += [
                seen
                for source in self.sources
                for seen in source.columns
                if seen.name == name and not seen.hidden
            ]
        if len(found) > 1:
            raise StoreError("42702", f'column reference "{name}" is ambiguous')
        return found[0] if found else None

    def source(self, name: str) -> Source | None:
        scope: Scope | None = self
        while scope is not None:
            for one in scope.sources:
                if one.name == name:
                    return one
            scope = scope.outer
        return None

    def visible(self) -> list[Seen]:
        """The columns of `*`."""
        seen = [one for source in self.sources for one in source.columns]
        return self.merged + [one for one in seen if not one.hidden and not one.system]
