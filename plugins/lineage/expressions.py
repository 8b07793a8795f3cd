"""Where an expression's value comes from. Knows expressions; queries in them are asked of the reader.

Whatever it does not know it takes for computed from everything in it. A name that stands where no column can stand in
what is known here is a doubt: better too many than one overlooked.
"""

from typing import TYPE_CHECKING

from sqlglot import exp

from plugins.lineage.origin import ANYTHING, CONSTANT, Origin, joined
from plugins.lineage.place import Bound, Place

if TYPE_CHECKING:
    from plugins.lineage.queries import Reader

_NOTHING = (
    exp.Literal, exp.Null, exp.Boolean, exp.Parameter, exp.Placeholder, exp.DataType, exp.Var, exp.Star,
    exp.JSONPath, exp.CharacterSet, exp.HexString, exp.BitString, exp.ByteString, exp.RawString, exp.National,
    exp.ObjectIdentifier, exp.IntervalSpan,
)  # fmt: skip
_NAMES_ONLY = frozenset({"collation", "alias"})


def name_of(identifier: exp.Expr | None) -> str:
    """A name as the server keeps it."""
    if not isinstance(identifier, exp.Identifier):
        return ""
    text: str = identifier.this
    if identifier.args.get("quoted"):
        return text
    return text.lower() if text.isascii() else "".join(c.lower() if c.isascii() else c for c in text)


def origin_of(node: exp.Expr, place: Place, reader: "Reader") -> Origin:
    """Where the value of `node` comes from. Every field on the way is noted."""
    reader.ledger.step()
    if isinstance(node, _NOTHING):
        return CONSTANT
    if isinstance(node, exp.Column):
        return column(node, place, reader).origin
    if isinstance(node, exp.Dot):
        return dotted(node, place, reader).origin
    if isinstance(node, exp.Exists):
        return reader.value_of_query(node.this, place).as_condition()
    if isinstance(node, (exp.Subquery, exp.Query)):
        return reader.value_of_query(node, place)
    if isinstance(node, exp.Case):
        return _case(node, place, reader)
    return _around(node, place, reader)


def _around(node: exp.Expr, place: Place, reader: "Reader") -> Origin:
    """Functions, and what may stand around them."""
    if isinstance(node, exp.Window):
        return origin_of(node.this, place, reader).when(window(node, place, reader))
    if isinstance(node, exp.Filter):
        return origin_of(node.this, place, reader).when(everything(node.expression, place, reader))
    if isinstance(node, exp.Order):
        # Inside an aggregate: what is aggregated, in an order.
        ordering = joined(everything(one, place, reader) for one in node.expressions)
        return (origin_of(node.this, place, reader) if node.this else CONSTANT).when(ordering)
    if isinstance(node, exp.WithinGroup):
        order = node.expression
        return joined(
            (
                origin_of(node.this, place, reader),
                *(everything(one, place, reader) for one in order.expressions),
            )
        )
    if isinstance(node, exp.Kwarg):
        return origin_of(node.expression, place, reader)
    if isinstance(node, (exp.Collate, exp.Cast)):
        return origin_of(node.this, place, reader)
    if isinstance(node, exp.Anonymous):
        value = everything(node, place, reader)
        return value if reader.knows_function(node) else value.and_also(ANYTHING)
    return everything(node, place, reader)


def column(node: exp.Column, place: Place, reader: "Reader") -> Bound:
    """A name, with or without what it belongs to: a column, a whole row, or one taken for a function of it."""
    ledger = reader.ledger
    table_name, space = name_of(node.args.get("table")), name_of(node.args.get("db"))
    whole_row = isinstance(node.this, exp.Star)
    name = "" if whole_row else name_of(node.this)
    if node.args.get("catalog") is not None or not (name or whole_row):
        ledger.doubt("a name of more parts than are known here")
        return Bound(name, ANYTHING)
    if not table_name:
        found = place.column(name)
        if isinstance(found, str):
            ledger.doubt(found)
            return Bound(name, ANYTHING)
        return Bound(found.name, ledger.seen(found.origin), found.type)
    table = place.table(table_name, space)
    if table is None:
        ledger.doubt(f"{table_name} is no table here")
        return Bound(name, ANYTHING)
    if whole_row:
        return Bound(table_name, ledger.seen(table.row))
    bound = table.column(name) or table.system(name)
    if bound is None:
        # `t.f` is `f(t)`, where t has no column f.
        if reader.knows_call("", name):
            bound = Bound(name, table.row)
        else:
            ledger.doubt(f"{table_name} has no column {name}")
            bound = Bound(name, table.row.and_also(ANYTHING))
    return Bound(name, ledger.seen(bound.origin), bound.type)


def dotted(node: exp.Dot, place: Place, reader: "Reader") -> Bound:
    """`(t).a`, `(t.c).f`, `schema.function(…)`."""
    left, right = node.this, node.expression
    if isinstance(left, exp.Identifier) and isinstance(right, (exp.Func, exp.AggFunc)):
        return Bound("", origin_of(right, place, reader))
    inner = left
    while isinstance(inner, exp.Paren):
        inner = inner.this
    if isinstance(right, exp.Func):
        return Bound("", joined((origin_of(left, place, reader), origin_of(right, place, reader))))
    name = name_of(right)
    if (
        isinstance(inner, exp.Column)
        and not inner.args.get("table")
        and isinstance(inner.this, exp.Identifier)
    ):
        alias = name_of(inner.this)
        row = place.table(alias)
        if row is not None and not row.scalar and not isinstance(place.column(alias), str):
            # A column of that name would win over the row: then there is no such column in a row.
            field = row.column(name)
            if field is not None and not any(one.name == alias for one in place.here.columns):
                return Bound(name, reader.ledger.seen(field.origin), field.type)
    bound = bound_of(inner, place, reader)
    return Bound(name, bound.origin)


def bound_of(node: exp.Expr, place: Place, reader: "Reader") -> Bound:
    """An expression's origin, and its type where that is a column's."""
    inner = node
    while isinstance(inner, exp.Paren):
        inner = inner.this
    if isinstance(inner, exp.Column):
        return column(inner, place, reader)
    if isinstance(inner, exp.Dot):
        return dotted(inner, place, reader)
    return Bound("", origin_of(inner, place, reader))


def window(node: exp.Window, place: Place, reader: "Reader") -> Origin:
    """Which rows a window function sees, and in which order."""
    parts = [origin_of(one, place, reader) for one in node.args.get("partition_by") or ()]
    parts += [everything(node.args[key], place, reader) for key in ("order", "spec") if node.args.get(key)]
    alias = name_of(node.args.get("alias")) or name_of(node.args.get("first"))
    if alias:
        known = place.windows.get(alias)
        if known is None:
            reader.ledger.doubt(f"{alias} is no window here")
            known = ANYTHING
        parts.append(known)
    return joined(parts)


def _case(node: exp.Case, place: Place, reader: "Reader") -> Origin:
    subject = [origin_of(node.this, place, reader)] if node.this is not None else []
    values: list[Origin] = []
    for one in node.args.get("ifs") or ():
        subject.append(origin_of(one.this, place, reader))
        values.append(origin_of(one.args["true"], place, reader))
    if node.args.get("default") is not None:
        values.append(origin_of(node.args["default"], place, reader))
    return joined(values).when(*subject)


def everything(node: exp.Expr, place: Place, reader: "Reader") -> Origin:
    """Everything below `node`."""
    found: list[Origin] = []
    for key, below in node.args.items():
        for one in below if isinstance(below, list) else (below,):
            if not isinstance(one, exp.Expr) or key in _NAMES_ONLY:
                continue
            if isinstance(one, exp.Identifier):
                reader.ledger.doubt(f"the name {name_of(one)} stands where none is understood")
                found.append(ANYTHING)
            else:
                found.append(origin_of(one, place, reader))
    return joined(found)
