"""What a database holds: its relations, columns, functions and types. Data, and looking names up in it.

It knows nothing of how it was loaded. What is not in it is unresolved: nobody guesses. A name is looked up as the
server would, along the session's search_path.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, Literal

import msgspec

from plugins.model import Source, Volatility
from plugins.tokens import folded

RelationKind = Literal["table", "view", "materialized view", "sequence", "composite"]
OWN_SPACES = frozenset({"pg_catalog", "information_schema"})
TEMPORARY = "pg_temp"
_CONSTANT = re.compile(r"'((?:[^']|'')*)'")
_PIECE = re.compile(r"""'((?:[^']|'')*)'|"((?:[^"]|"")*)"|([^\s,]+)""")


class Column(msgspec.Struct, frozen=True):
    """A column, with its type as the server writes it."""

    name: str
    type: str = ""
    not_null: bool = False


class Relation(msgspec.Struct, frozen=True, dict=True):
    """Something that has columns and may stand in FROM."""

    source: Source
    kind: RelationKind = "table"
    columns: tuple[Column, ...] = ()
    keys: tuple[tuple[str, ...], ...] = ()
    """Unique combinations of columns, the primary key first."""
    parents: tuple[Source, ...] = ()
    """Tables whose rows its own are too: what it is a partition of, or inherits from."""
    definition: str = ""
    """A view's query, with names that do not depend on a search_path."""
    opaque: str = ""
    """Why what is read from it or written to it cannot be told from its columns."""

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(column.name for column in self.columns)

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)


class Routine(msgspec.Struct, frozen=True):
    """All functions of a name in one schema together: the worst of them."""

    space: str
    name: str
    volatility: Volatility = "volatile"
    plain: bool = False
    """The server's or an extension's compiled code, not text that could read any table."""
    returns_set: bool = False
    returns: str = ""
    """The type, where all of them return the same."""


class Type(msgspec.Struct, frozen=True):
    """A type somebody made."""

    space: str
    name: str
    kind: Literal["enum", "domain", "composite", "range"]
    labels: tuple[str, ...] = ()
    """An enum's values."""
    base: str = ""
    """What a domain is made from."""
    columns: tuple[Column, ...] = ()
    """A composite type's attributes."""


class Catalogue(msgspec.Struct, frozen=True, dict=True):
    """One database on one cluster, as it was when it was read."""

    relations: tuple[Relation, ...] = ()
    routines: tuple[Routine, ...] = ()
    types: tuple[Type, ...] = ()
    operators: frozenset[str] = frozenset()
    """Names of operators that somebody made whose functions are not the server's own."""
    partial: str = ""
    """Why not all of it is here; empty when it is."""
    dialect: str = "postgres"

    @cached_property
    def by_source(self) -> dict[Source, Relation]:
        return {relation.source: relation for relation in self.relations}

    @cached_property
    def spaces(self) -> dict[str, frozenset[str]]:
        """The schemas in which there is a relation of a name."""
        found: dict[str, set[str]] = {}
        for relation in self.relations:
            found.setdefault(relation.source.name, set()).add(relation.source.space)
        return {name: frozenset(spaces) for name, spaces in found.items()}

    @cached_property
    def by_routine(self) -> dict[str, tuple[Routine, ...]]:
        found: dict[str, list[Routine]] = {}
        for routine in self.routines:
            found.setdefault(routine.name, []).append(routine)
        return {name: tuple(all_of) for name, all_of in found.items()}

    @cached_property
    def children(self) -> dict[Source, tuple[Source, ...]]:
        found: dict[Source, list[Source]] = {}
        for relation in self.relations:
            for parent in relation.parents:
                found.setdefault(parent, []).append(relation.source)
        return {parent: tuple(all_of) for parent, all_of in found.items()}

    @cached_property
    def memo(self) -> dict[Any, Any]:
        """What was worked out from this catalogue (the lineage of views). It goes with it."""
        return {}

    def kin(self, source: Source) -> frozenset[Source]:
        """The relations whose rows are read with it: itself, what it is a part of, and its parts."""
        found = {source}
        for onward in (self._parents, self.children.get):
            todo = [source]
            while todo:
                for other in onward(todo.pop()) or ():
                    if other not in found:
                        found.add(other)
                        todo.append(other)
        return frozenset(found)

    def _parents(self, source: Source) -> tuple[Source, ...]:
        relation = self.by_source.get(source)
        return relation.parents if relation is not None else ()

    def composite(self, written: str) -> tuple[Column, ...] | None:
        """The attributes of a type, as the server writes it in a column's type; None for one that has none."""
        space, _, name = written.rpartition(".")
        name = name.strip('"')
        space = space.strip('"')
        found = [
            one.columns
            for one in self.types
            if one.kind == "composite" and one.name == name and space in ("", one.space)
        ]
        found += [
            one.columns
            for one in self.relations
            if one.source.name == name and space in ("", one.source.space)
        ]
        return found[0] if len(found) == 1 else None


class Names(msgspec.Struct, frozen=True):
    """A catalogue as one session sees it."""

    catalogue: Catalogue
    path: tuple[str, ...] = ("pg_catalog", "public")
    """The schemas in which unqualified names are looked for, in order; the server's own is in it."""
    sure: bool = True
    """The path is certain. Where not, a name that two schemas of it know is not resolved."""

    def resolve(self, space: str, name: str) -> Relation | str:
        """The relation that is meant, or why it is not known."""
        if space:
            if space == TEMPORARY or space.startswith("pg_temp_"):
                return f"{space}.{name} is the session's own"
            relation = self.catalogue.by_source.get(Source(space, name))
            return relation if relation is not None else self._missing(f"{space}.{name}")
        there = self.catalogue.spaces.get(name, frozenset())
        found = [one for one in self.path if one in there]
        if not found:
            return self._missing(name)
        if len(found) > 1 and not self.sure:
            return f"{name} is in several schemas, and the search_path is not certain"
        return self.catalogue.by_source[Source(found[0], name)]

    def _missing(self, name: str) -> str:
        partial = self.catalogue.partial
        return f"{name} is not in the catalogue" + (f" ({partial})" if partial else "")

    def routines(self, space: str, name: str) -> Sequence[Routine]:
        """Those that a call may mean. A function of another schema can be the better match for its arguments."""
        named = self.catalogue.by_routine.get(name, ())
        return [one for one in named if one.space == space or (not space and one.space in self.path)]


def path_of(written: str, user: str, usable: Iterable[str] | None = None) -> tuple[str, ...]:
    """The schemas of a search_path as SET writes it. `usable`: those that the role may use, where that is known."""
    found: list[str] = []
    for piece in _pieces(written):
        name = user if piece == "$user" else piece
        if name and name not in found and (usable is None or name in usable or name in OWN_SPACES):
            found.append(name)
    return tuple(found) if "pg_catalog" in found else ("pg_catalog", *found)


def _pieces(written: str) -> list[str]:
    """`'"$user", public'`, `"$user", public` and `'a', 'b'` alike."""
    text = written.strip()
    one = _CONSTANT.fullmatch(text)
    if one is not None:
        text = one[1].replace("''", "'")
        if "," not in text and '"' not in text:
            return [text]
    # A constant that is itself a list is how SET … = 'a, b' would name one schema: the server does, too.
    return [
        folded(word)
        if word
        else (constant or quoted).replace("''" if constant else '""', "'" if constant else '"')
        for constant, quoted, word in _PIECE.findall(text)
    ]
