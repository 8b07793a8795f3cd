"""One statement's translation: what it may look up, and what was found out about it on the way.

It joins the rooms: expressions, queries, changes of data. It knows no connection; what a name means comes from the
catalogue and from the session's settings, which it is given.
"""

from collections.abc import Mapping, Sequence

from sqlglot import exp

from proxy.answers.executor import StoreError
from proxy.answers.sqlite import functions, queries, reading, sets, system
from proxy.answers.sqlite.catalogue import PUBLIC, SCHEMA, SYSTEM, Catalogue, Relation
from proxy.answers.sqlite.converting import Typed
from proxy.answers.sqlite.kinds import TEXT, UNKNOWN, quoted, unsupported
from proxy.answers.sqlite.queries import Into, Out, Query
from proxy.answers.sqlite.scopes import Scope

MOST_PARAMETERS = 65_535


class Translator:
    """The state of one translation."""

    def __init__(self, catalogue: Catalogue, path: Sequence[str], types: Mapping[int, int]) -> None:
        self.catalogue = catalogue
        self.path = path
        self.tables: dict[str, tuple[Out, ...]] = {}
        """Names that WITH gives."""
        self.writes = False
        self.locks = False
        self.systems: set[str] = set()
        """Tables of pg_catalog and information_schema that are asked for."""
        self.keyed = False
        """The columns of the next SELECT are compared with another's."""
        self.assigning = False
        self.loose = False
        """Untyped literals of the next SELECT stay untyped: another one will say what they are."""
        self.set_sources: list[str] = []
        self._types = {number: oid for number, oid in types.items() if oid not in (0, UNKNOWN)}
        self._highest = max(types, default=0)
        self._views = 0

    # --- parameters ------------------------------------------------------------------------------

    def parameter(self, number: int) -> int:
        """Its type, 0 where nothing has said it yet."""
        if not 1 <= number <= MOST_PARAMETERS:
            raise StoreError("42P02", f"there is no parameter ${number}")
        self._highest = max(self._highest, number)
        return self._types.get(number, 0)

    def parameter_is(self, number: int, oid: int) -> None:
        self._types.setdefault(number, oid)

    def parameters(self) -> tuple[int, ...]:
        return tuple(self._types.get(at, TEXT) for at in range(1, self._highest + 1))

    # --- names -----------------------------------------------------------------------------------

    def relation(self, schema: str, name: str) -> Relation:
        if not schema and name.startswith("pg_") and self.catalogue.find("", name, self.path) is None:
            raise unsupported(f"{SYSTEM}.{name}")
        return self.catalogue.table(schema, name, self.path)

    def system(self, schema: str, name: str) -> tuple[str, tuple[Out, ...], int] | None:
        """A table of the system's, by its name in SQLite, with its columns and its number."""
        for one in (schema,) if schema else (SYSTEM, *([SCHEMA] if SCHEMA in self.path else ())):
            columns = system.TABLES.get(f"{one}.{name}")
            if columns is not None and (schema or self.catalogue.find("", name, self.path) is None):
                self.systems.add(f"{one}.{name}")
                return f"temp.{quoted(f'{one}.{name}')}", columns, system.OIDS[f"{one}.{name}"]
        if schema in (SYSTEM, SCHEMA):
            raise unsupported(f"{schema}.{name}")
        return None

    def view(self, relation: Relation) -> Query:
        """What a view says, with the names it was made with."""
        self._views += 1
        if self._views > 100:
            raise StoreError("54001", "views are nested too deeply")
        outside, self.tables = self.tables, {}
        sets, self.set_sources = self.set_sources, []
        path, self.path = self.path, (relation.schema, PUBLIC)
        try:
            return queries.query(self, reading.tree(relation.text, functions.names()), None)
        finally:
            self.tables, self.path, self.set_sources = outside, path, sets

    # --- what rooms ask of each other ------------------------------------------------------------

    def query(self, node: exp.Expr, outer: Scope | None, into: Into = None) -> Query:
        sets, self.set_sources = self.set_sources, []
        keyed, self.keyed = self.keyed, False
        loose, self.loose = self.loose, False
        try:
            return queries.query(self, node, outer, into)
        finally:
            self.set_sources, self.keyed, self.loose = sets, keyed, loose

    def ordered(self, node: exp.Expr, scope: Scope, aliases: dict[str, Typed] | None) -> str:
        return queries.ordered(self, node, scope, aliases)

    def set_in_list(self, node: exp.Expr, scope: Scope) -> Typed:
        """generate_series() and the like among the columns."""
        if scope.inside or scope.aggregates:
            raise unsupported("functions that give sets here")
        array, kinds = sets.set_of(self, node, scope)
        if len(kinds) != 1:
            raise unsupported("functions that give several columns, in the list of columns")
        self.set_sources.append(array)
        value = f"json_extract(\"sets\".value, '$[{len(self.set_sources) - 1}]')"
        return Typed(value, kinds[0], str(node.name).removeprefix(reading.MARK))
