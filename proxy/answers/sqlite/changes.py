"""INSERT, UPDATE, DELETE and TRUNCATE: to SQLite's SQL, with every value converted as PostgreSQL assigns it.

Defaults are written out here: SQLite knows none.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from sqlglot import exp

from protocols.postgres.datatypes import spelled
from proxy.answers.executor import StoreError
from proxy.answers.sqlite import expressions, functions, queries, reading
from proxy.answers.sqlite.catalogue import Field, Relation
from proxy.answers.sqlite.converting import Typed, convert
from proxy.answers.sqlite.expressions import expression, named, only
from proxy.answers.sqlite.kinds import Kind, quoted, unsupported
from proxy.answers.sqlite.queries import Out
from proxy.answers.sqlite.scopes import Scope, Seen, Source

if TYPE_CHECKING:
    from proxy.answers.sqlite.translator import Translator


class Change(msgspec.Struct, frozen=True):
    """SQL, its columns where it returns some, and the word of its tag."""

    sql: str
    columns: tuple[Out, ...] | None
    tag: str


def change(tr: "Translator", node: exp.Expr) -> Change:
    tr.writes = True
    head, undo = "", dict(tr.tables)
    if node.args.get("with_") is not None:
        head = queries._with(tr, node.args["with_"], None)
    try:
        if isinstance(node, exp.Insert):
            found = _insert(tr, node)
        elif isinstance(node, exp.Update):
            found = _update(tr, node)
        elif isinstance(node, exp.Delete):
            found = _delete(tr, node)
        else:
            raise unsupported(expressions.described(node))
    finally:
        tr.tables = undo
    return msgspec.structs.replace(found, sql=head + found.sql)


def _target(tr: "Translator", node: exp.Expr | None) -> tuple[Relation, str]:
    """The table, and the name it goes by."""
    if not isinstance(node, exp.Table):
        raise unsupported("this target of a change")
    only(node, "this", "db", "alias", "catalog")
    schema, name = named(node.args.get("db")), named(node.this)
    relation = tr.relation(schema, name)
    if relation.kind != "r":
        raise StoreError("55000" if relation.kind == "v" else "42809", f'cannot change view "{name}"')
    alias = node.args.get("alias")
    return relation, named(alias.this) if alias is not None else name


def source_of(relation: Relation, shown: str) -> Source:
    seen = [
        Seen(
            one.name,
            Kind(one.oid, one.typmod),
            f"{quoted(shown)}.{quoted(one.name)}",
            relation.oid,
            one.number,
        )
        for one in relation.fields
    ]
    return Source(shown, seen)


def assigned(tr: "Translator", one: Typed, field: Field) -> str:
    """A value as the column holds it."""
    kind = Kind(field.oid, field.typmod)
    if one.parameter:
        # As the server: the parameter is of the column's type, its length is looked at when it is assigned.
        tr.parameter_is(one.parameter, field.oid)
        one = one._replace(kind=Kind(field.oid), parameter=0)
    try:
        return convert(one, kind, "assign") if one.literal is None else convert(
            one._replace(sql=convert(one, Kind(field.oid), "assign"), kind=Kind(field.oid), literal=None), kind, "assign"
        )  # fmt: skip
    except StoreError as why:
        if why.code != "42804":
            raise
        what = f'column "{field.name}" is of type {spelled(field.oid)} but expression is of type {spelled(one.oid)}'
        raise StoreError("42804", what, hint="You will need to rewrite or cast the expression.") from why


def default_of(tr: "Translator", field: Field) -> str:
    if field.sequence:
        return _ranged(f"pg_nextval({field.sequence})", field)
    if not field.default:
        return "NULL"
    tree = reading.tree("SELECT " + field.default, functions.names())
    return assigned(tr, expression(tr, tree.expressions[0], Scope()), field)


def _ranged(sql: str, field: Field) -> str:
    return sql if field.oid == 20 else f"pg_int_range({sql}, {field.oid})"


def _is_default(node: exp.Expr) -> bool:
    return (isinstance(node, exp.Var) and node.name.upper() == "DEFAULT") or (
        isinstance(node, exp.Column)
        and not node.args.get("table")
        and isinstance(node.this, exp.Identifier)
        and not node.this.args.get("quoted")
        and node.name.lower() == "default"
    )


# --- INSERT --------------------------------------------------------------------------------------


def _insert(tr: "Translator", node: exp.Insert) -> Change:
    only(
        node,
        "this",
        "expression",
        "conflict",
        "returning",
        "with_",
        "default",
        "alias",
        "overriding",
        "source",
    )
    target = node.this
    names: list[str] = []
    if isinstance(target, exp.Schema):
        names = [named(one) for one in target.expressions]
        target = target.this
    relation, shown = _target(tr, target)
    fields = _fields(relation, names) if names else list(relation.fields)
    given = node.expression
    always = [one.name for one in fields if one.identity == "a"]
    if given is None or node.args.get("default"):
        body = f"VALUES ({', '.join(default_of(tr, one) for one in relation.fields)})"
        fields = list(relation.fields)
    elif isinstance(given, exp.Values):
        fields, body = _lines(tr, given, fields, relation, explicit=bool(names), always=always)
    else:
        fields, body = _from_query(tr, given, fields, relation, explicit=bool(names))
        if always:
            raise _generated(always[0])
    columns = ", ".join(quoted(one.name) for one in fields)
    scope = Scope(sources=[source_of(relation, shown)])
    conflict = _conflict(tr, node.args.get("conflict"), relation, shown)
    returning, outs = _returning(tr, node, scope)
    sql = f"INSERT INTO {quoted(relation.place)} AS {quoted(shown)} ({columns}) {body}{conflict}{returning}"
    return Change(sql, outs, "INSERT 0 {}")


def _generated(name: str) -> StoreError:
    return StoreError(
        "428C9",
        f'cannot insert a non-DEFAULT value into column "{name}"',
        f'Column "{name}" is an identity column defined as GENERATED ALWAYS.',
    )


def _fields(relation: Relation, names: Sequence[str]) -> list[Field]:
    found: list[Field] = []
    for name in names:
        one = relation.field(name)
        if one is None:
            raise StoreError("42703", f'column "{name}" of relation "{relation.name}" does not exist')
        if one in found:
            raise StoreError("42701", f'column "{name}" specified more than once')
        found.append(one)
    return found


def _lines(
    tr: "Translator",
    node: exp.Values,
    fields: list[Field],
    relation: Relation,
    *,
    explicit: bool,
    always: list[str],
) -> tuple[list[Field], str]:
    rows = [list(one.expressions) if isinstance(one, exp.Tuple) else [one] for one in node.expressions]
    if len({len(row) for row in rows}) != 1:
        raise StoreError("42601", "VALUES lists must all be the same length")
    width = len(rows[0])
    if width > len(fields):
        raise StoreError("42601", "INSERT has more expressions than target columns")
    if width < len(fields):
        if explicit:
            raise StoreError("42601", "INSERT has more target columns than expressions")
        fields = fields[:width]
    rest = [one for one in relation.fields if one not in fields]
    tail = [default_of(tr, one) for one in rest]
    scope = Scope(inside="VALUES")
    lines: list[str] = []
    for row in rows:
        cells: list[str] = []
        for cell, field in zip(row, fields, strict=True):
            if _is_default(cell):
                cells.append(default_of(tr, field))
                continue
            if field.name in always:
                raise _generated(field.name)
            cells.append(assigned(tr, expression(tr, cell, scope), field))
        lines.append("(" + ", ".join(cells + tail) + ")")
    return fields + rest, "VALUES " + ", ".join(lines)


def _from_query(
    tr: "Translator", node: exp.Expr, fields: list[Field], relation: Relation, *, explicit: bool
) -> tuple[list[Field], str]:
    inner = node.this if isinstance(node, exp.Subquery) and not node.args.get("alias") else node
    found = tr.query(inner, None)
    if len(found.columns) > len(fields):
        raise StoreError("42601", "INSERT has more expressions than target columns")
    if len(found.columns) < len(fields):
        if explicit:
            raise StoreError("42601", "INSERT has more target columns than expressions")
        fields = fields[: len(found.columns)]
    if isinstance(inner, exp.Select):
        # Untyped literals and parameters are of the columns' types.
        kinds = [
            Kind(field.oid)
            if isinstance(_bare(item), (exp.Parameter, exp.Null)) or _text_literal(item)
            else None
            for item, field in zip(inner.expressions, fields, strict=False)
        ]
        if any(kinds) and len(inner.expressions) == len(fields):
            found = tr.query(inner, None, kinds)
    rest = [one for one in relation.fields if one not in fields]
    cells = [
        assigned(tr, Typed(f"c{at}", Kind(column.kind.oid, column.kind.typmod)), field)
        for at, (column, field) in enumerate(zip(found.columns, fields, strict=True))
    ]
    cells += [default_of(tr, one) for one in rest]
    # WHERE true: without it SQLite would read ON CONFLICT as the condition of a join.
    return fields + rest, f"SELECT {', '.join(cells)} FROM ({found.sql}) WHERE true"


def _bare(item: exp.Expr) -> exp.Expr:
    return item.this if isinstance(item, exp.Alias) else item


def _text_literal(item: exp.Expr) -> bool:
    inner = _bare(item)
    return isinstance(inner, exp.Literal) and bool(inner.args.get("is_string"))


def _conflict(tr: "Translator", node: exp.Expr | None, relation: Relation, shown: str) -> str:
    if node is None:
        return ""
    only(node, "duplicate", "expressions", "action", "conflict_keys", "where", "constraint", "index_where")
    keys = [
        named(one.this if isinstance(one, exp.Ordered) else one)
        for one in node.args.get("conflict_keys") or ()
    ]
    constraint = node.args.get("constraint")
    if constraint is not None:
        found = next((one for one in relation.constraints if one.name == named(constraint)), None)
        if found is None or found.kind not in "pu":
            raise StoreError(
                "42704", f'constraint "{named(constraint)}" for table "{relation.name}" does not exist'
            )
        keys = list(found.columns)
    for name in keys:
        if relation.field(name) is None:
            raise StoreError("42703", f'column "{name}" does not exist')
    if (
        keys
        and not any(set(one.columns) == set(keys) for one in relation.constraints if one.kind in "pu")
        and not any(
            index.unique and set(index.keys) == set(keys) for index in tr.catalogue.indexes(relation.oid)
        )
    ):
        raise StoreError(
            "42P10", "there is no unique or exclusion constraint matching the ON CONFLICT specification"
        )
    action = str(node.args.get("action") or "").upper()
    head = " ON CONFLICT" + (f" ({', '.join(quoted(one) for one in keys)})" if keys else "")
    if "NOTHING" in action:
        return head + " DO NOTHING"
    if not keys:
        raise StoreError("42601", "ON CONFLICT DO UPDATE requires inference specification or constraint name")
    excluded = source_of(relation, "excluded")
    scope = Scope(sources=[source_of(relation, shown), excluded])
    for seen in excluded.columns:
        seen.hidden = True
    sets = _sets(tr, node.expressions, relation, scope)
    where = node.args.get("where")
    condition = f" WHERE {expressions.boolean(tr, where.this, scope, 'WHERE')}" if where is not None else ""
    return f"{head} DO UPDATE SET {sets}{condition}"


# --- UPDATE and DELETE ---------------------------------------------------------------------------


def _sets(tr: "Translator", items: Sequence[exp.Expr], relation: Relation, scope: Scope) -> str:
    parts: list[str] = []
    seen: set[str] = set()
    scope.inside = "UPDATE"
    for one in items:
        if not isinstance(one, exp.EQ):
            raise unsupported("this form of SET")
        left, right = one.this, one.expression
        lefts = (
            left.expressions
            if isinstance(left, exp.Tuple)
            else [left.this if isinstance(left, exp.Paren) else left]
        )
        rights = (
            right.expressions
            if isinstance(right, exp.Tuple)
            else [right.this if isinstance(right, exp.Paren) else right]
        )
        if len(lefts) != len(rights):
            raise unsupported("SET of several columns from a query")
        for column, value in zip(lefts, rights, strict=True):
            name = named(column)
            field = relation.field(name)
            if field is None:
                raise StoreError("42703", f'column "{name}" of relation "{relation.name}" does not exist')
            if name in seen:
                raise StoreError("42601", f'multiple assignments to same column "{name}"')
            seen.add(name)
            if field.identity == "a" and not _is_default(value):
                raise StoreError("428C9", f'column "{name}" can only be updated to DEFAULT')
            sql = (
                default_of(tr, field)
                if _is_default(value)
                else assigned(tr, expression(tr, value, scope), field)
            )
            parts.append(f"{quoted(name)} = {sql}")
    scope.inside = ""
    return ", ".join(parts)


def _update(tr: "Translator", node: exp.Update) -> Change:
    only(node, "this", "expressions", "from_", "where", "returning", "with_")
    relation, shown = _target(tr, node.this)
    mine = source_of(relation, shown)
    scope = Scope(sources=[mine])
    from_ = ""
    if node.args.get("from_") is not None:
        first = node.args["from_"].this
        from_ = " FROM " + queries.joined(
            tr, first, first.args.get("joins") or () if not isinstance(first, exp.Table) else (), scope
        )
    sets = _sets(tr, node.expressions, relation, scope)
    where = _where(tr, node, scope)
    returning, outs = _returning(tr, node, Scope(sources=[mine]))
    sql = f"UPDATE {quoted(relation.place)} AS {quoted(shown)} SET {sets}{from_}{where}{returning}"
    return Change(sql, outs, "UPDATE {}")


def _where(tr: "Translator", node: exp.Expr, scope: Scope) -> str:
    where = node.args.get("where")
    if where is None:
        return ""
    scope.inside = "WHERE"
    sql = f" WHERE {expressions.boolean(tr, where.this, scope, 'WHERE')}"
    scope.inside = ""
    return sql


def _delete(tr: "Translator", node: exp.Delete) -> Change:
    only(node, "this", "using", "where", "returning", "with_")
    relation, shown = _target(tr, node.this)
    mine = source_of(relation, shown)
    scope = Scope(sources=[mine])
    using = node.args.get("using")
    name = quoted(relation.place)
    if using:
        others = ""
        for one in using:
            sql, source = queries._source(tr, one, scope)
            scope.sources.append(source)
            others += f", {sql}"
        where = f" WHERE {quoted(shown)}.rowid IN (SELECT {quoted(shown)}.rowid FROM {name} AS {quoted(shown)}{others}{_where(tr, node, scope)})"
    else:
        where = _where(tr, node, scope)
    returning, outs = _returning(tr, node, Scope(sources=[mine]))
    return Change(f"DELETE FROM {name} AS {quoted(shown)}{where}{returning}", outs, "DELETE {}")


def _returning(tr: "Translator", node: exp.Expr, scope: Scope) -> tuple[str, tuple[Out, ...] | None]:
    returning = node.args.get("returning")
    if returning is None:
        return "", None
    only(returning, "expressions")
    parts: list[str] = []
    outs: list[Out] = []
    scope.inside = "RETURNING"
    for one in returning.expressions:
        if isinstance(one, exp.Star) or (isinstance(one, exp.Column) and isinstance(one.this, exp.Star)):
            for seen in scope.sources[0].columns:
                parts.append(seen.sql)
                outs.append(Out(seen.name, seen.kind, seen.table, seen.number))
            continue
        inner, name = (one.this, named(one.args["alias"])) if isinstance(one, exp.Alias) else (one, "")
        found = expressions.settle(tr, expression(tr, inner, scope))
        parts.append(found.sql)
        outs.append(Out(name or found.name, found.kind, found.table, found.number))
    # SQLite knows the changed row by the table's own name alone.
    shown = quoted(scope.sources[0].name) + "."
    return " RETURNING " + ", ".join(part.replace(shown, "") for part in parts), tuple(outs)
