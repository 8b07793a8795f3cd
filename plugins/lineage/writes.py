"""What INSERT, UPDATE, DELETE and MERGE write, from where, and what RETURNING shows of it.

RETURNING gives back what was just written: where that came from counts as well as the column it is in now.
"""

from collections.abc import Sequence

from sqlglot import exp

from plugins.catalogue import Relation
from plugins.lineage.expressions import everything, name_of, origin_of
from plugins.lineage.origin import ANYTHING, CONSTANT, Origin, joined
from plugins.lineage.place import Bound, Joined, Place, Table
from plugins.lineage.queries import Reader, Result
from plugins.model import Field, Source

Assigned = dict[str, Origin]


def write(node: exp.Expr, place: Place, reader: Reader) -> Result:
    """Read one. The result is RETURNING's."""
    table = _target(node)
    if table is None:
        reader.ledger.doubt("what is written is not understood", writes=True)
        return Result([], True)
    space, name = name_of(table.args.get("db")), name_of(table.this)
    alias = table.args.get("alias")
    called = name_of(alias.this) if isinstance(alias, exp.TableAlias) else ""
    relation = reader.relation(space, name, writes=True)
    if relation is None:
        reader.ledger.writes.add(Source(space, name))
        known = Table(called or name, (), ANYTHING, None, False, "" if called else space)
    else:
        _note_target(relation, reader)
        known = _unread(relation, reader).renamed(called or name, ())
        known = Table(
            known.alias,
            known.columns,
            known.open,
            known.source,
            False,
            "" if called else relation.source.space,
        )
    target = Target(relation, known, reader)
    if isinstance(node, exp.Insert):
        return _insert(node, target, place)
    if isinstance(node, exp.Update):
        return _update(node, target, place)
    if isinstance(node, exp.Delete):
        return _delete(node, target, place)
    if isinstance(node, exp.Merge):
        return _merge(node, target, place)
    reader.ledger.doubt("what is written is not understood", writes=True)
    return Result([], True)


class Target:
    """The table that is written, and what has been written into it so far."""

    def __init__(self, relation: Relation | None, table: Table, reader: Reader) -> None:
        self.relation = relation
        self.table = table
        self.reader = reader
        self.assigned: Assigned = {}

    @property
    def names(self) -> tuple[str, ...] | None:
        return tuple(one.name for one in self.relation.columns) if self.relation is not None else None

    def read(self) -> None:
        """Its rows are looked at, too."""
        if self.relation is not None:
            self.reader.read(self.relation)

    def store(self, name: str, origin: Origin) -> None:
        ledger = self.reader.ledger
        self.assigned[name] = joined((self.assigned.get(name, CONSTANT), origin))
        if self.relation is None:
            ledger.fields_written_whole = False
            return
        if self.relation.column(name) is None:
            ledger.doubt(f"{self.relation.source} has no column {name}", reads=False, writes=True)
        for into in self._fields(name):
            ledger.store(into, name, origin)

    def _fields(self, name: str) -> list[Field]:
        """The column, and what it is stored in beneath a view."""
        assert self.relation is not None
        found = {Field(self.relation.source, name)}
        bound = self.table.column(name)
        if bound is not None:
            found |= bound.origin.value
        return sorted(found)

    def written(self) -> Table:
        """Its rows as RETURNING sees them."""
        columns = tuple(
            Bound(one.name, joined((one.origin, self.assigned.get(one.name, CONSTANT))), one.type)
            for one in self.table.columns
        )
        rest = joined(self.assigned.values()).and_also(ANYTHING) if self.table.open is not None else None
        return Table(self.table.alias, columns, rest, self.table.source, False, self.table.space)


def _target(node: exp.Expr) -> exp.Table | None:
    this = node.this
    if isinstance(this, exp.Schema):
        this = this.this
    if not isinstance(this, exp.Table) or not isinstance(this.this, exp.Identifier) or this.args.get("joins"):
        return None
    return this


def _note_target(relation: Relation, reader: Reader) -> None:
    catalogue = reader.names.catalogue if reader.names is not None else None
    kin = catalogue.kin(relation.source) if catalogue is not None else frozenset({relation.source})
    reader.ledger.writes |= kin
    if relation.opaque:
        reader.ledger.doubt(f"{relation.source}: {relation.opaque}", writes=True)


def _unread(relation: Relation, reader: Reader) -> Table:
    """As reading it would give it, without noting that it is read. Beneath a view lies what is written."""
    ledger = reader.ledger
    reads, fields = set(ledger.reads), set(ledger.fields)
    table = reader.read(relation)
    if relation.kind == "view":
        ledger.writes |= ledger.reads - reads
    ledger.reads, ledger.fields = reads, fields
    return table


def _insert(node: exp.Insert, target: Target, place: Place) -> Result:
    reader, ledger = target.reader, target.reader.ledger
    if any(
        node.args.get(key)
        for key in ("overwrite", "by_name", "partition", "settings", "where", "alternative", "source")
    ):
        ledger.doubt("an INSERT that is not understood", writes=True)
    given = [name_of(one) for one in node.this.expressions] if isinstance(node.this, exp.Schema) else None
    names: Sequence[str] | None = given if given is not None else target.names
    source = node.expression
    if source is not None:
        result = reader.query(source, place)
        values = [origin for _, origin, _ in result.columns]
        if names is None or result.open or "" in names:
            ledger.doubt("which columns are written is not known", reads=False, writes=True)
            target.assigned.update(dict.fromkeys(names or (), result.value))
        else:
            for name, origin in zip(names, values, strict=False):
                target.store(name, ledger.seen(origin))
            if len(values) > len(names):
                ledger.doubt("more values than columns", reads=False, writes=True)
    conflict = node.args.get("conflict")
    conditions: list[Origin] = []
    if conflict is not None:
        target.read()
        conditions = _conflict(conflict, target, place)
    return _returning(node, target, place, conditions)


def _conflict(conflict: exp.Expr, target: Target, place: Place) -> list[Origin]:
    """What DO UPDATE writes; what decides which rows RETURNING gives."""
    reader = target.reader
    keys = {name for key in target.relation.keys for name in key} if target.relation is not None else set()
    conditions = [
        joined((bound.origin, target.assigned.get(name, CONSTANT))).as_condition()
        for name in sorted(keys)
        if (bound := target.table.column(name)) is not None
    ]
    excluded = Table(
        "excluded",
        tuple(
            Bound(one.name, target.assigned.get(one.name, CONSTANT), one.type) for one in target.table.columns
        ),
        joined(target.assigned.values()).and_also(ANYTHING) if target.table.open is not None else None,
    )
    here = Joined.of(target.table)
    inner = Place(place, here)
    for key in ("conflict_keys", "index_where"):
        for one in _listed(conflict.args.get(key)):
            everything(one, inner, reader)
    # Bare names are the target's; `excluded` has to be said.
    inner.here = Joined(here.columns, (target.table, excluded), (), here.open)
    if conflict.args.get("where"):
        conditions.append(everything(conflict.args["where"], inner, reader))
    _assign(conflict.expressions, target, inner, conditions)
    return conditions


def _assign(nodes: Sequence[exp.Expr], target: Target, place: Place, conditions: Sequence[Origin]) -> None:
    reader = target.reader
    for node in nodes:
        if not isinstance(node, exp.EQ):
            reader.ledger.doubt("an assignment that is not understood", writes=True)
            continue
        left, right = node.this, node.expression
        while isinstance(left, exp.Paren):
            left = left.this
        if isinstance(left, exp.Tuple):
            value = _tuple(right, len(left.expressions), place, reader)
            for one, origin in zip(left.expressions, value, strict=True):
                target.store(_assigned_name(one, target), origin.when(*conditions))
        else:
            target.store(_assigned_name(left, target), _given(right, place, reader).when(*conditions))


def _tuple(node: exp.Expr, count: int, place: Place, reader: Reader) -> list[Origin]:
    """What a list of columns is set to."""
    inner = node
    while isinstance(inner, exp.Paren):
        inner = inner.this
    if isinstance(inner, exp.Tuple) and len(inner.expressions) == count:
        return [_given(one, place, reader) for one in inner.expressions]
    if isinstance(inner, (exp.Subquery, exp.Query)):
        result = reader.query(inner, place)
        if not result.open and len(result.columns) == count:
            return [reader.ledger.seen(origin) for _, origin, _ in result.columns]
        return [reader.ledger.seen(result.value)] * count
    return [origin_of(node, place, reader)] * count


def _given(node: exp.Expr, place: Place, reader: Reader) -> Origin:
    if isinstance(node, exp.Column) and not node.args.get("table") and name_of(node.this) == "default":
        return CONSTANT
    return reader.ledger.seen(origin_of(node, place, reader))


def _assigned_name(node: exp.Expr, target: Target) -> str:
    """`a`, `a[1]` and `a.part` all write a."""
    while isinstance(node, (exp.Bracket, exp.Dot, exp.Paren)):
        node = node.this
    if isinstance(node, exp.Identifier):
        return name_of(node)
    if not isinstance(node, exp.Column):
        target.reader.ledger.doubt("an assignment that is not understood", writes=True)
        return ""
    parts = [
        part
        for part in (node.args.get("catalog"), node.args.get("db"), node.args.get("table"), node.this)
        if part
    ]
    return name_of(parts[0])


def _update(node: exp.Update, target: Target, place: Place) -> Result:
    reader = target.reader
    if any(node.args.get(key) for key in ("order", "limit", "options")):
        reader.ledger.doubt("an UPDATE that is not understood", writes=True)
    inner, beside = _with_from(node, target, place)
    conditions = _where(node, inner, reader)
    _assign(node.expressions, target, inner, [*beside.conditions, *conditions])
    looks = any(isinstance(one, exp.EQ) and one.expression.find(exp.Column) for one in node.expressions)
    if looks or node.args.get("where") or node.args.get("from_") or node.args.get("returning"):
        target.read()
    return _returning(node, target, place, (*beside.conditions, *conditions), beside)


def _delete(node: exp.Delete, target: Target, place: Place) -> Result:
    reader = target.reader
    if any(node.args.get(key) for key in ("tables", "limit", "order")):
        reader.ledger.doubt("a DELETE that is not understood", writes=True)
    inner, beside = _with_from(node, target, place)
    conditions = _where(node, inner, reader)
    if node.args.get("where") or node.args.get("using") or node.args.get("returning"):
        target.read()
    return _returning(node, target, place, (*beside.conditions, *conditions), beside)


def _where(node: exp.Expr, place: Place, reader: Reader) -> list[Origin]:
    where = node.args.get("where")
    if where is None:
        return []
    return [origin_of(where.this, place, reader)]


def _with_from(node: exp.Expr, target: Target, place: Place) -> tuple[Place, Joined]:
    """Where SET and WHERE stand: the target, beside it FROM or USING."""
    reader = target.reader
    here = Joined.of(target.table)
    beside = Joined()
    from_ = node.args.get("from_")
    firsts = [from_.this] if from_ is not None else list(node.args.get("using") or ())
    for first in firsts:
        inner_joins = node.args.get("joins") or ()
        beside = beside.beside(reader.joined(first, inner_joins if first is firsts[0] else (), Place(place)))
    inner = Place(place)
    inner.here = here.beside(beside)
    return inner, beside


def _merge(node: exp.Merge, target: Target, place: Place) -> Result:
    reader = target.reader
    if node.args.get("using") is None or node.args.get("using_cond"):
        reader.ledger.doubt("a MERGE that is not understood", writes=True)
        return Result([], True)
    target.read()
    beside = reader.joined(node.args["using"], (), Place(place))
    inner = Place(place)
    inner.here = Joined.of(target.table).beside(beside)
    conditions = [*beside.conditions, origin_of(node.args["on"], inner, reader)]
    whens = node.args.get("whens")
    for when in whens.expressions if whens is not None else ():
        under = list(conditions)
        if when.args.get("condition") is not None:
            under.append(origin_of(when.args["condition"], inner, reader))
        then = when.args.get("then")
        if isinstance(then, exp.Update) and then.expressions:
            _assign(then.expressions, target, inner, under)
        elif isinstance(then, exp.Insert):
            _merge_insert(then, target, inner, under)
        elif not (isinstance(then, exp.Var) and str(then.this).upper() in ("DELETE", "DO NOTHING")):
            reader.ledger.doubt("a branch of MERGE that is not understood", writes=True)
    return _returning(node, target, place, tuple(conditions), beside, source_first=True)


def _merge_insert(then: exp.Insert, target: Target, place: Place, conditions: Sequence[Origin]) -> None:
    reader = target.reader
    columns, values = then.this, then.expression
    names = (
        [name_of(one.this if isinstance(one, exp.Column) else one) for one in columns.expressions]
        if isinstance(columns, exp.Tuple)
        else list(target.names or ())
    )
    if isinstance(columns, exp.Column):
        names = [name_of(columns.this)]
    if values is None:
        return
    cells = values.expressions if isinstance(values, exp.Tuple) else [values]
    if isinstance(values, exp.Paren):
        cells = [values.this]
    if len(cells) > len(names):
        reader.ledger.doubt("which columns are written is not known", reads=False, writes=True)
    for name, cell in zip(names, cells, strict=False):
        target.store(name, _given(cell, place, reader).when(*conditions))


def _returning(
    node: exp.Expr,
    target: Target,
    place: Place,
    conditions: Sequence[Origin],
    beside: Joined | None = None,
    *,
    source_first: bool = False,
) -> Result:
    returning = node.args.get("returning")
    if returning is None:
        return Result([], rows=conditions)
    if returning.args.get("into"):
        target.reader.ledger.doubt("a RETURNING that is not understood")
        return Result([], True)
    target.read()
    own, others = Joined.of(target.written()), beside if beside is not None else Joined()
    inner = Place(place)
    inner.here = others.beside(own) if source_first else own.beside(others)
    columns, open_ = target.reader.projections(returning.expressions, inner)
    return Result(
        [(name, origin.when(*conditions), kind) for name, origin, kind in columns], open_, conditions
    )


def _listed(found: object) -> list[exp.Expr]:
    if isinstance(found, exp.Expr):
        return [found]
    return [one for one in found if isinstance(one, exp.Expr)] if isinstance(found, list) else []


__all__ = ["write"]
