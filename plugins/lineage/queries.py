"""Where the columns of a query come from, over WITH, FROM, joins, set operations and views.

Longer than most, because these call each other: a query has a FROM, which has queries. Expressions are next door. What
is not known here is a doubt, and a doubt makes the result unsure; nothing is skipped silently.
"""

from collections.abc import Callable, Sequence

import msgspec
from sqlglot import exp

from plugins import tokens as tk
from plugins.catalogue import Names, Relation
from plugins.lineage import expressions
from plugins.lineage.expressions import name_of, origin_of
from plugins.lineage.functions import Functions
from plugins.lineage.ledger import Ledger
from plugins.lineage.origin import ANYTHING, CONSTANT, Origin, joined, of_output
from plugins.lineage.place import Bound, Joined, Place, Table
from plugins.model import Field, Source
from plugins.parsing import tree_of

MAX_DEPTH = 120
"""Queries and views in each other."""
MAX_ROUNDS = 20
"""Through a recursive query, until nothing new comes."""
SAMPLES = frozenset(
    {"pg_statistic", "pg_stats", "pg_stats_ext", "pg_stats_ext_exprs", "pg_statistic_ext_data"}
)
"""Of the server's own: they hold values of other tables."""

_NAMED: dict[type[exp.Expr], str] = {
    exp.Count: "count", exp.Max: "max", exp.Min: "min", exp.Sum: "sum", exp.Avg: "avg", exp.Lower: "lower",
    exp.Upper: "upper", exp.GroupConcat: "string_agg", exp.ArrayAgg: "array_agg", exp.Coalesce: "coalesce",
    exp.ExplodingGenerateSeries: "generate_series", exp.GenerateSeries: "generate_series", exp.Explode: "unnest",
    exp.Unnest: "unnest",
}  # fmt: skip
"""Functions that the tree keeps by another name than was written, where it can be only one."""
Columns = list[tuple[str, Origin, str]]
"""Name, origin, type."""


class Result:
    """The columns of a query; `open` where there may be others. `rows`: what decides which rows there are, counted in
    the columns' origins already."""

    __slots__ = ("columns", "open", "rows")

    def __init__(self, columns: Columns, open_: bool = False, rows: Sequence[Origin] = ()) -> None:
        self.columns = columns
        self.open = open_
        self.rows = CONSTANT.when(*rows)

    @property
    def value(self) -> Origin:
        return joined((*(origin for _, origin, _ in self.columns), *((ANYTHING,) if self.open else ())))

    def table(self, alias: str) -> Table:
        bound = tuple(Bound(name, origin, kind) for name, origin, kind in self.columns)
        return Table(alias, bound, ANYTHING if self.open else None, rows=self.rows)


Write = Callable[[exp.Expr, Place, "Reader"], Result]


class Reader:
    """Reads one statement. `names` is None where there is no catalogue."""

    def __init__(self, names: Names | None, ledger: Ledger, functions: Functions, write: Write) -> None:
        self.names = names
        self.ledger = ledger
        self.functions = functions
        self._write = write
        self._depth = 0
        self._viewing: frozenset[Source] = frozenset()

    def knows_function(self, node: exp.Anonymous) -> bool:
        name = node.this if isinstance(node.this, str) else name_of(node.this)
        quoted = isinstance(node.this, exp.Identifier) and bool(node.this.args.get("quoted"))
        return self.functions.harmless(name if quoted else name.lower())

    def knows_call(self, space: str, name: str) -> bool:
        return self.functions.knows(space, name)

    # --- queries -----------------------------------------------------------------------------------

    def value_of_query(self, node: exp.Expr, place: Place) -> Origin:
        """A query where a value is expected."""
        return self.query(node, place).value

    def query(self, node: exp.Expr, around: Place | None) -> Result:
        """Any query, or a write that returns rows."""
        self.ledger.step()
        self._depth += 1
        try:
            if self._depth > MAX_DEPTH:
                self.ledger.doubt("nested too deeply")
                return Result([], True)
            place = Place(around)
            self._withs(node, place)
            return self._query(node, place)
        finally:
            self._depth -= 1

    def _query(self, node: exp.Expr, place: Place) -> Result:
        if isinstance(node, exp.Select):
            return self._select(node, place)
        if isinstance(node, (exp.SetOperation,)):
            return self._set_operation(node, place)
        if isinstance(node, (exp.Subquery, exp.Paren)):
            inner = self.query(node.this, place)
            return self._trimmed(node, inner, place)
        if isinstance(node, exp.Values):
            return self._values(node, place)
        if isinstance(node, (exp.Insert, exp.Update, exp.Delete, exp.Merge)):
            return self._write(node, place, self)
        self.ledger.doubt(f"a query of a kind that is not understood ({type(node).__name__})")
        return Result([], True)

    def _withs(self, node: exp.Expr, place: Place) -> None:
        with_ = node.args.get("with_")
        if with_ is None:
            return
        for one in with_.expressions:
            alias = one.args.get("alias")
            name = name_of(alias.this) if isinstance(alias, exp.TableAlias) else ""
            names = [name_of(column) for column in alias.args.get("columns") or ()] if name else []
            if not name or one.args.get("search") or one.args.get("cycle"):
                self.ledger.doubt("a WITH that is not understood")
            if with_.args.get("recursive"):
                place.withs[name] = self._recursive(one.this, name, names, place)
            else:
                place.withs[name] = self.query(one.this, place).table(name).renamed(name, names)

    def _recursive(self, node: exp.Expr, name: str, names: Sequence[str], place: Place) -> Table:
        """The query read again with what it gave before, until nothing new comes."""
        inner = node
        while isinstance(inner, (exp.Subquery, exp.Paren)) and not inner.args.get("with_"):
            inner = inner.this
        if not isinstance(inner, exp.SetOperation):
            return self.query(node, place).table(name).renamed(name, names)
        table = self.query(inner.this, place).table(name).renamed(name, names)
        for _ in range(MAX_ROUNDS):
            place.withs[name] = table
            after = self.query(node, place).table(name).renamed(name, names)
            if after == table:
                return table
            table = after
        self.ledger.doubt("a recursive query that is not understood")
        return Table(name, (), ANYTHING, rows=ANYTHING)

    def _select(self, node: exp.Select, place: Place) -> Result:
        for key in (
            "laterals",
            "connect",
            "prewhere",
            "qualify",
            "match",
            "pivots",
            "into",
            "hint",
            "operation_modifiers",
        ):
            if node.args.get(key) and key != "into":
                self.ledger.doubt(f"a query with {key} is not understood")
        here = self._from(node, place)
        place.here = here
        conditions = [*here.conditions]
        for one in node.args.get("windows") or ():
            place.windows[name_of(one.this)] = expressions.window(one, place, self)
        if node.args.get("where") is not None:
            conditions.append(origin_of(node.args["where"].this, place, self))
        columns, open_ = self._projections(node.expressions, place)
        outputs = [Bound(name, origin) for name, origin, _ in columns]
        for key in ("group", "having", "distinct", "order", "limit", "offset"):
            part = node.args.get(key)
            if isinstance(part, exp.Expr):
                conditions.append(self._clause(part, place, outputs))
        if (
            isinstance(node.args.get("distinct"), exp.Distinct)
            and node.args["distinct"].args.get("on") is None
        ):
            conditions += [origin for _, origin, _ in columns]
        columns = [(name, origin.when(*conditions), kind) for name, origin, kind in columns]
        if not columns and conditions:
            self.ledger.seen(joined(conditions))
        return Result(columns, open_, conditions)

    def _clause(self, part: exp.Expr, place: Place, outputs: Sequence[Bound]) -> Origin:
        """GROUP BY, ORDER BY and the like may name columns of the result too: the server's rules for which of the
        two is meant differ, so both count."""
        names = {bound.name: bound for bound in outputs if bound.name}
        if not any(
            name_of(one.this) in names for one in part.find_all(exp.Column) if not one.args.get("table")
        ):
            return self._below(part, place)
        extended = Place(place.around, place.here, place.withs)
        extended.windows = place.windows
        missing = [bound for bound in names.values() if isinstance(place.column(bound.name), str)]
        extended.here = place.here.beside(Joined(columns=tuple(missing)))
        values = [bound.origin for bound in names.values()]
        return joined((self._below(part, extended), *values))

    def _below(self, part: exp.Expr, place: Place) -> Origin:
        return expressions.everything(part, place, self)

    def _trimmed(self, node: exp.Expr, inner: Result, place: Place) -> Result:
        """A query in brackets with ORDER BY or LIMIT behind them."""
        conditions = []
        place.here = Joined.of(inner.table(""))
        for key in ("order", "limit", "offset"):
            part = node.args.get(key)
            if isinstance(part, exp.Expr):
                conditions.append(self._below(part, place))
        if node.args.get("joins") or node.args.get("laterals") or node.args.get("pivots"):
            self.ledger.doubt("a query in brackets with something behind it that is not understood")
            return Result([], True)
        columns = [(name, origin.when(*conditions), kind) for name, origin, kind in inner.columns]
        return Result(columns, inner.open, (inner.rows, *conditions))

    def _set_operation(self, node: exp.SetOperation, place: Place) -> Result:
        left, right = self.query(node.this, place), self.query(node.expression, place)
        if any(node.args.get(key) for key in ("by_name", "side", "kind", "on")):
            self.ledger.doubt("a set operation that is not understood")
            return Result([], True)
        open_ = left.open or right.open or len(left.columns) != len(right.columns)
        if not (left.open or right.open) and open_:
            self.ledger.doubt("a set operation over queries with different numbers of columns")
        columns: Columns = []
        whole = (
            [left.value, right.value] if node.args.get("distinct") or not isinstance(node, exp.Union) else []
        )
        for (name, one, kind), (_, other, _) in zip(left.columns, right.columns, strict=False):
            value = one.when(other) if isinstance(node, exp.Except) else one.and_also(other)
            columns.append((name, value.when(*whole), kind))
        if open_:
            columns = [(name, value.and_also(ANYTHING), kind) for name, value, kind in columns]
        return self._trimmed_set(node, Result(columns, open_, (left.rows, right.rows, *whole)), place)

    def _trimmed_set(self, node: exp.Expr, result: Result, place: Place) -> Result:
        place.here = Joined.of(result.table(""))
        conditions = [
            self._below(node.args[key], place)
            for key in ("order", "limit", "offset")
            if isinstance(node.args.get(key), exp.Expr)
        ]
        columns = [(name, origin.when(*conditions), kind) for name, origin, kind in result.columns]
        return Result(columns, result.open, (result.rows, *conditions))

    def _values(self, node: exp.Values, place: Place) -> Result:
        columns: list[list[Origin]] = []
        for row in node.expressions:
            cells = row.expressions if isinstance(row, exp.Tuple) else [row]
            for at, cell in enumerate(cells):
                if at == len(columns):
                    columns.append([])
                columns[at].append(origin_of(cell, place, self))
        named: Columns = [(f"column{at}", joined(cells), "") for at, cells in enumerate(columns, start=1)]
        return self._trimmed_set(node, Result(named), place)

    # --- what is selected --------------------------------------------------------------------------

    def _projections(self, nodes: Sequence[exp.Expr], place: Place) -> tuple[Columns, bool]:
        columns: Columns = []
        open_ = False
        for node in nodes:
            expanded = self.star(node, place)
            if expanded is not None:
                columns += expanded[0]
                open_ = open_ or expanded[1]
                continue
            alias, inner = "", node
            if isinstance(node, exp.Alias):
                alias, inner = name_of(node.args.get("alias")), node.this
            bound = expressions.bound_of(inner, place, self)
            columns.append((alias or bound.name or self._own_name(inner), bound.origin, bound.type))
        if self.functions.hidden:
            columns = [(name, origin.and_also(ANYTHING), kind) for name, origin, kind in columns]
        return columns, open_

    projections = _projections

    def star(self, node: exp.Expr, place: Place) -> tuple[Columns, bool] | None:
        """`*`, `t.*` and `(x).*`: the columns, and whether there may be more; None for anything else."""
        if isinstance(node, exp.Star):
            if any(node.args.get(key) for key in ("except_", "replace", "rename")):
                self.ledger.doubt("a * that is not understood")
                return [], True
            if place.here.open:
                self.ledger.vague("which columns * stands for is not known")
            return self._expanded(place.here.columns), place.here.open
        if isinstance(node, exp.Column) and isinstance(node.this, exp.Star):
            alias = name_of(node.args.get("table"))
            table = place.table(alias, name_of(node.args.get("db")))
            if table is None:
                self.ledger.doubt(f"{alias} is no table here")
                return [], True
            if table.open is not None:
                self.ledger.vague(f"which columns {alias}.* stands for is not known")
            return self._expanded(table.columns), table.open is not None
        if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Star):
            return self._row_star(node, place)
        return None

    def _row_star(self, node: exp.Dot, place: Place) -> tuple[Columns, bool]:
        """`(x).*`: a whole row of a table, or the attributes of a composite value."""
        inner = node.this
        while isinstance(inner, exp.Paren):
            inner = inner.this
        if isinstance(inner, exp.Column) and not inner.args.get("table"):
            alias = name_of(inner.this)
            table = place.table(alias)
            plain = not any(column.name == alias for column in place.here.columns)
            if table is not None and plain and table.open is None:
                return self._expanded(table.columns), False
        bound = expressions.bound_of(inner, place, self)
        attributes = (
            self.names.catalogue.composite(bound.type) if self.names is not None and bound.type else None
        )
        if attributes is None:
            self.ledger.vague("which columns (…).* stands for is not known")
            return [], True
        return [(one.name, bound.origin, one.type) for one in attributes], False

    def _expanded(self, columns: Sequence[Bound]) -> Columns:
        for column in columns:
            self.ledger.seen(column.origin)
        return [(column.name, column.origin, column.type) for column in columns]

    def _own_name(self, node: exp.Expr) -> str:
        """How the server names a column; empty where that is not certain here."""
        while isinstance(node, exp.Paren):
            node = node.this
        if isinstance(node, (exp.Window, exp.Filter, exp.WithinGroup)):
            return self._own_name(node.this)
        if isinstance(node, exp.Dot):
            return self._own_name(node.expression)
        if isinstance(node, exp.Anonymous):
            return str(node.this).lower() if isinstance(node.this, str) else name_of(node.this)
        if isinstance(node, exp.Cast) and isinstance(node.this, exp.Column):
            return name_of(node.this.this)
        name = _NAMED.get(type(node), "")
        return name if self.functions.calls(name) else ""

    # --- FROM --------------------------------------------------------------------------------------

    def _from(self, node: exp.Expr, place: Place) -> Joined:
        from_ = node.args.get("from_")
        if from_ is None:
            return Joined()
        return self.joined(from_.this, node.args.get("joins") or (), place)

    def joined(
        self, first: exp.Expr, joins: Sequence[exp.Expr], place: Place, before: Joined | None = None
    ) -> Joined:
        """A FROM list. A comma ends what JOIN joins; what follows can see, if it is LATERAL, all before it."""
        done = before if before is not None else Joined()
        current = self._item(first, place, done)
        for join in joins:
            if not isinstance(join, exp.Join):
                self.ledger.doubt("something in FROM that is not understood")
                continue
            if _is_comma(join):
                done, current = done.beside(current), self._item(join.this, place, done.beside(current))
                continue
            right = self._item(join.this, place, done.beside(current))
            current = self._join(current, right, join, place)
        return done.beside(current)

    def _join(self, left: Joined, right: Joined, join: exp.Join, place: Place) -> Joined:
        natural = str(join.args.get("method") or "").upper() == "NATURAL"
        using = [name_of(one) for one in join.args.get("using") or ()]
        both = left.beside(right)
        inner = Place(place.around, both, place.withs)
        if join.args.get("on") is not None:
            condition = origin_of(join.args["on"], inner, self)
            return Joined(both.columns, both.tables, (*both.conditions, condition), both.open)
        if natural:
            if both.open:
                self.ledger.doubt("a NATURAL join over columns that are not known")
                return both
            there = {column.name for column in right.columns}
            using = [column.name for column in left.columns if column.name in there]
        elif str(join.args.get("method") or ""):
            self.ledger.doubt("a join that is not understood")
        if not using:
            return both
        side = str(join.args.get("side") or "").upper()
        merged: list[Bound] = []
        conditions: list[Origin] = []
        for name in using:
            one, other = _only(left, name), _only(right, name)
            if one is None or other is None:
                self.ledger.doubt(f"a join over {name}, which is not known on both sides")
                return both
            value = {"RIGHT": other.origin, "FULL": one.origin.and_also(other.origin)}.get(side, one.origin)
            self.ledger.seen(one.origin)
            self.ledger.seen(other.origin)
            conditions += (one.origin, other.origin)
            merged.append(Bound(name, value, one.type))
        rest = [column for column in (*left.columns, *right.columns) if column.name not in using]
        return Joined((*merged, *rest), both.tables, (*both.conditions, *conditions), both.open)

    def _item(self, node: exp.Expr, place: Place, before: Joined) -> Joined:
        """One element of FROM. `before`: what LATERAL sees of the same FROM."""
        self.ledger.step()
        alias, names, types = _alias(node)
        sideways = Place(place.around, before, place.withs)
        if node.args.get("pivots"):
            self.ledger.doubt("a pivot is not understood")
        if isinstance(node, exp.Lateral):
            if isinstance(node.this, (exp.Subquery, exp.Query)):
                return Joined.of(self.query(node.this, sideways).table(alias).renamed(alias, names))
            return Joined.of(self._function([node.this], alias, names, types, sideways, node))
        if isinstance(node, exp.Unnest):
            offset = node.args.get("offset")
            names = [*names, name_of(offset)] if isinstance(offset, exp.Identifier) else names
            return Joined.of(self._function(node.expressions, alias, names, types, sideways, node, each=True))
        if isinstance(node, exp.Values):
            return Joined.of(self.query(node, _outside(place)).table(alias).renamed(alias, names))
        if isinstance(node, (exp.Subquery, exp.Paren)) and isinstance(node.this, (exp.Table, exp.Paren)):
            inner = self.joined(node.this, node.args.get("joins") or (), place)
            if alias:
                table = Table(alias, inner.columns, ANYTHING if inner.open else None).renamed(alias, names)
                return Joined(table.columns, (table,), inner.conditions, inner.open)
            return inner
        if isinstance(node, exp.Subquery):
            found = Joined.of(self.query(node.this, _outside(place)).table(alias).renamed(alias, names))
            if node.args.get("joins"):
                self.ledger.doubt("a join behind a query in brackets that is not understood")
            return found
        if isinstance(node, exp.Table):
            return self._table(node, alias, names, types, place, sideways)
        self.ledger.doubt(f"something in FROM that is not understood ({type(node).__name__})")
        return Joined.of(Table(alias, (), ANYTHING, rows=ANYTHING))

    def _table(
        self,
        node: exp.Table,
        alias: str,
        names: Sequence[str],
        types: Sequence[str],
        place: Place,
        sideways: Place,
    ) -> Joined:
        if node.args.get("rows_from"):
            inner = [one.this for one in node.args["rows_from"]]
            return Joined.of(self._function(inner, alias, names, types, sideways, node, each=True))
        if not isinstance(node.this, exp.Identifier):
            return Joined.of(self._function([node.this], alias, names, types, sideways, node))
        name, space = name_of(node.this), name_of(node.args.get("db"))
        if node.args.get("sample") is not None:
            expressions.everything(node.args["sample"], Place(), self)
        table = self.named(space, name, place).renamed(alias or name, names)
        table = msgspec.structs.replace(table, space="" if alias else table.space)
        joins = node.args.get("joins") or ()
        found = Joined.of(table)
        for join in joins:
            right = self._item(join.this, place, sideways.here.beside(found))
            found = found.beside(right) if _is_comma(join) else self._join(found, right, join, place)
        return found

    def named(self, space: str, name: str, place: Place) -> Table:
        """What a name in FROM stands for."""
        query = place.named_query(name) if not space else None
        if query is not None:
            return query
        relation = self.relation(space, name)
        if relation is None:
            source = Source(space, name)
            self.ledger.reads.add(source)
            return Table(name, (), ANYTHING, None, False, space, ANYTHING)
        return self.read(relation)

    def relation(self, space: str, name: str, *, writes: bool = False) -> Relation | None:
        """The relation that is meant; a doubt where that is not known."""
        if self.names is None:
            self.ledger.doubt("there is no catalogue of this database", writes=writes)
            return None
        found = self.names.resolve(space, name)
        if isinstance(found, str):
            self.ledger.doubt(found, writes=writes)
            return None
        return found

    def read(self, relation: Relation) -> Table:
        """A relation that is read."""
        source = relation.source
        opaque = relation.opaque or ("holds values of other tables" if _samples(relation) else "")
        if opaque:
            self.ledger.doubt(f"{source}: {opaque}")
        if relation.kind in ("view", "materialized view"):
            return self._view(relation)
        kin = self.names.catalogue.kin(source) if self.names is not None else frozenset({source})
        self.ledger.reads |= kin
        columns = tuple(
            Bound(one.name, _stored(kin, one.name, self.names), one.type) for one in relation.columns
        )
        if opaque:
            columns = tuple(Bound(one.name, one.origin.and_also(ANYTHING), one.type) for one in columns)
        return Table(source.name, columns, None, source, False, source.space)

    def _view(self, view: Relation) -> Table:
        source = view.source
        self.ledger.reads.add(source)
        if source.space in ("pg_catalog", "information_schema"):
            # Of the server's own: stored in its catalogues, and policy knows them by their names.
            columns = tuple(
                Bound(one.name, Origin(frozenset({Field(source, one.name)})), one.type)
                for one in view.columns
            )
            if _samples(view):
                columns = tuple(Bound(one.name, one.origin.and_also(ANYTHING), one.type) for one in columns)
            return Table(source.name, columns, None, source, False, source.space)
        assert self.names is not None
        memo = self.names.catalogue.memo
        if source not in memo and source not in self._viewing:
            memo[source] = self._defined(view)
        known = memo.get(source)
        if known is None:
            self.ledger.doubt(f"{source} reads itself")
            return Table(source.name, (), ANYTHING, None, False, source.space, ANYTHING)
        ledger, result = known
        self._take_over(ledger)
        if result.open or len(result.columns) != len(view.columns):
            self.ledger.doubt(f"the columns of {source} are not known")
            return Table(
                source.name,
                tuple(
                    Bound(one.name, ANYTHING.through(Field(source, one.name)), one.type) for one in view.columns
                ),
                None, None, False, source.space, ANYTHING,
            )  # fmt: skip
        columns = tuple(
            Bound(one.name, origin.through(Field(source, one.name)), one.type)
            for one, (_, origin, _) in zip(view.columns, result.columns, strict=True)
        )
        return Table(source.name, columns, None, None, False, source.space, result.rows)

    def _defined(self, view: Relation) -> tuple[Ledger, Result]:
        """A view's own query, read once for all who ask."""
        assert self.names is not None
        ledger = Ledger()
        ledger.steps = self.ledger.steps
        try:
            tokens = tk.cut(view.definition)
        except tk.UnreadableError:
            tokens = ()
        if tokens and tokens[-1].text == ";":
            tokens = tokens[:-1]
        tree = tree_of(tokens) if tokens else "it is not there"
        if isinstance(tree, str):
            ledger.doubt(f"the definition of {view.source} cannot be read: {tree}")
            return ledger, Result([], True)
        # The server writes definitions with every name qualified that is not its own.
        inside = Names(self.names.catalogue, ("pg_catalog",))
        functions = Functions.of(tokens, inside, tree)
        inner = Reader(inside, ledger, functions, self._write)
        inner._depth, inner._viewing = self._depth, self._viewing | {view.source}
        for doubt in functions.doubts:
            ledger.doubt(doubt)
        result = inner.query(tree, None)
        self.ledger.steps = ledger.steps
        return ledger, result

    def _take_over(self, other: Ledger) -> None:
        """What a view reads is read."""
        self.ledger.reads |= other.reads
        self.ledger.fields |= other.fields
        self.ledger.doubts |= other.doubts
        self.ledger.reads_whole &= other.reads_whole
        self.ledger.fields_whole &= other.fields_whole

    def _function(
        self,
        nodes: Sequence[exp.Expr],
        alias: str,
        names: Sequence[str],
        types: Sequence[str],
        place: Place,
        node: exp.Expr,
        *,
        each: bool = False,
    ) -> Table:
        """Functions in FROM: whatever they give is computed from all they get."""
        value = self.ledger.seen(joined(origin_of(one, place, self) for one in nodes))
        if self.functions.hidden:
            value = value.and_also(ANYTHING)
        own = (
            self._own_name(nodes[0]) if len(nodes) == 1 else "unnest" if isinstance(node, exp.Unnest) else ""
        )
        alias = alias or own
        ordinal = bool(node.args.get("ordinality") or node.args.get("offset"))
        if types:
            columns = tuple(Bound(name, value, kind) for name, kind in zip(names, types, strict=True))
            return Table(alias, columns, rows=value)
        scalar = (each and isinstance(node, exp.Unnest)) or (
            len(nodes) == 1 and self.functions.scalar(_space(nodes[0]), own)
        )
        if scalar:
            count = len(nodes) if isinstance(node, exp.Unnest) else 1
            given = [*names[:count], *([alias] if not names and count == 1 else [])]
            given += [f"unnest{at}" if at else "unnest" for at in range(len(given), count)]
            columns = tuple(Bound(name, value) for name in given)
            if ordinal:
                columns += (Bound(names[count] if len(names) > count else "ordinality", CONSTANT),)
            composite = isinstance(node, exp.Unnest)
            # An array of rows has as many columns as they have: nobody here knows.
            return Table(
                alias,
                columns,
                value if composite and not _plain_arrays(nodes) else None,
                None,
                True,
                "",
                value,
            )
        return Table(alias, tuple(Bound(name, value) for name in names), value, rows=value)


def _plain_arrays(nodes: Sequence[exp.Expr]) -> bool:
    """Arrays written out, or of a type that is said: their elements are values."""
    return all(
        (
            isinstance(one, exp.Array)
            and all(isinstance(each, (exp.Literal, exp.Neg)) for each in one.expressions)
        )
        or isinstance(one, exp.Cast)
        for one in nodes
    )


def _space(node: exp.Expr) -> str:
    return name_of(node.this) if isinstance(node, exp.Dot) else ""


def _outside(place: Place) -> Place:
    """Where a query in FROM stands: it sees WITH, and nothing of the FROM around it."""
    return Place(place.around, Joined(), place.withs)


def _only(side: Joined, name: str) -> Bound | None:
    found = [column for column in side.columns if column.name == name]
    return found[0] if len(found) == 1 else None


def _is_comma(join: exp.Join) -> bool:
    return not any(
        join.args.get(key) for key in ("method", "side", "kind", "on", "using")
    ) and not join.args.get("global_")


def _samples(relation: Relation) -> bool:
    return relation.source.space == "pg_catalog" and relation.source.name in SAMPLES


def _stored(kin: frozenset[Source], name: str, names: Names | None) -> Origin:
    """A column, and the same one of what is stored in the same rows."""
    if names is None or len(kin) == 1:
        return Origin(frozenset(Field(source, name) for source in kin))
    by_source = names.catalogue.by_source
    return Origin(
        frozenset(
            Field(source, name)
            for source in kin
            if (relation := by_source.get(source)) is not None and name in relation.names
        )
    )


def _alias(node: exp.Expr) -> tuple[str, list[str], list[str]]:
    """The alias, the names it gives to columns, and their types where those are given too."""
    alias = node.args.get("alias")
    if not isinstance(alias, exp.TableAlias):
        return "", [], []
    columns = alias.args.get("columns") or ()
    names = [name_of(one.this) if isinstance(one, exp.ColumnDef) else name_of(one) for one in columns]
    types = [str(one.args.get("kind") or "") for one in columns if isinstance(one, exp.ColumnDef)]
    return name_of(alias.this), names, types if len(types) == len(names) else []


__all__ = ["Columns", "Reader", "Result", "of_output"]
