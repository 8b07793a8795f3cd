"""Queries: SELECT, VALUES, set operations and WITH, from sqlglot's tree to SQLite's SQL with the columns they give.

Past 400 lines because the clauses of one SELECT are read together. Expressions are `expressions.py`'s, functions that
give sets `sets.py`'s.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from sqlglot import exp

from proxy.answers.executor import StoreError
from proxy.answers.sqlite import calls, expressions, sets
from proxy.answers.sqlite.converting import Typed, sortable, unify
from proxy.answers.sqlite.expressions import coerce, expression, named, only, settle
from proxy.answers.sqlite.kinds import (
    INT8,
    OID,
    TEXT,
    UNKNOWN,
    Kind,
    quoted,
    unsupported,
)  # fmt: skip
from proxy.answers.sqlite.scopes import Scope, Seen, Source

if TYPE_CHECKING:
    from proxy.answers.sqlite.translator import Translator


class Out(msgspec.Struct, frozen=True):
    """A column that a query gives."""

    name: str
    kind: Kind
    table: int = 0
    number: int = 0
    literal: bool = False


class Query(msgspec.Struct, frozen=True):
    """SQL and what it gives."""

    sql: str
    columns: tuple[Out, ...]
    single: bool = False
    """One row at most."""


Into = Sequence[Kind | None] | None
"""What the columns have to be, where something outside says so."""


def query(tr: "Translator", node: exp.Expr, outer: Scope | None, into: Into = None) -> Query:
    """Any query."""
    head, undo = "", dict(tr.tables)
    with_ = node.args.get("with_")
    try:
        if with_ is not None:
            head = _with(tr, with_, outer)
        if isinstance(node, exp.Select):
            found = _select(tr, node, outer, into)
        elif isinstance(node, exp.SetOperation):
            found = _combined(tr, node, outer, into)
        elif isinstance(node, exp.Values):
            found = values(tr, node, outer, into)
        elif isinstance(node, exp.Subquery):
            found = _inner(tr, node, outer, into)
        else:
            raise unsupported(expressions.described(node))
    finally:
        tr.tables = undo
    return msgspec.structs.replace(found, sql=head + found.sql) if head else found


def _inner(tr: "Translator", node: exp.Subquery, outer: Scope | None, into: Into) -> Query:
    only(node, "this", "with_", "order", "limit", "offset", "alias")
    found = query(tr, node.this, outer, into)
    if any(node.args.get(name) for name in ("order", "limit", "offset")):
        tail = _tail(tr, node, Scope(outer=outer), found.columns, [])
        return msgspec.structs.replace(found, sql=f"SELECT * FROM ({found.sql}){tail}")
    return found


def _with(tr: "Translator", node: exp.With, outer: Scope | None) -> str:
    only(node, "expressions", "recursive", "search")
    parts: list[str] = []
    tr.tables = dict(tr.tables)
    for one in node.expressions:
        only(one, "this", "alias", "materialized")
        name = named(one.args["alias"].this)
        columns = [named(each) for each in one.args["alias"].args.get("columns") or ()]
        body = one.this
        if isinstance(body, (exp.Insert, exp.Update, exp.Delete)):
            raise unsupported("a change of data inside WITH")
        if node.args.get("recursive") and isinstance(body, exp.SetOperation):
            # The first part says what the columns are; the second one sees them.
            first = query(tr, body.this, outer)
            tr.tables[name] = _renamed(first.columns, columns)
            found = query(tr, body, outer, [one.kind for one in first.columns])
            for was, now in zip(first.columns, found.columns, strict=True):
                if was.kind.oid not in (now.kind.oid, UNKNOWN):
                    raise StoreError("42804", "recursive query has a column of two types")
        else:
            found = query(tr, body, outer)
        tr.tables[name] = _renamed(found.columns, columns)
        names = ", ".join(quoted(each.name) for each in tr.tables[name])
        parts.append(f"{quoted('with ' + name)}({names}) AS ({found.sql})")
    return f"WITH {'RECURSIVE ' if node.args.get('recursive') else ''}{', '.join(parts)} "


def _renamed(columns: Sequence[Out], names: Sequence[str]) -> tuple[Out, ...]:
    if len(names) > len(columns):
        raise StoreError("42P10", f"{len(columns)} columns available but {len(names)} columns specified")
    settled = [
        msgspec.structs.replace(one, kind=Kind(TEXT), literal=False) if one.kind.oid == UNKNOWN else one
        for one in columns
    ]
    return tuple(
        msgspec.structs.replace(one, name=names[at] if at < len(names) else one.name)
        for at, one in enumerate(settled)
    )


# --- VALUES and set operations -------------------------------------------------------------------


def values(tr: "Translator", node: exp.Values, outer: Scope | None, into: Into) -> Query:
    only(node, "expressions", "alias", "order", "limit", "offset", "with_")
    rows = [list(one.expressions) if isinstance(one, exp.Tuple) else [one] for one in node.expressions]
    if len({len(row) for row in rows}) != 1:
        raise StoreError("42601", "VALUES lists must all be the same length")
    scope = Scope(outer=outer)
    typed = [[expression(tr, cell, scope) for cell in row] for row in rows]
    width = len(rows[0])
    kinds: list[Kind] = []
    for at in range(width):
        wish = into[at] if into is not None and at < len(into) else None
        kinds.append(wish or unify([row[at] for row in typed], "VALUES"))
    how = "assign" if into is not None else "implicit"
    lines = [
        "("
        + ", ".join(
            coerce(tr, cell, kinds[at] if into else Kind(kinds[at].oid), how).sql
            for at, cell in enumerate(row)
        )
        + ")"
        for row in typed
    ]
    columns = tuple(Out(f"column{at + 1}", kinds[at]) for at in range(width))
    shown = ", ".join(f"column{at + 1} AS c{at}" for at in range(width))
    tail = _tail(tr, node, scope, columns, [])
    return Query(f"SELECT {shown} FROM (VALUES {', '.join(lines)}){tail}", columns, single=len(rows) == 1)


_SETS = {exp.Union: "UNION", exp.Intersect: "INTERSECT", exp.Except: "EXCEPT"}


def _combined(tr: "Translator", node: exp.SetOperation, outer: Scope | None, into: Into) -> Query:
    only(node, "this", "expression", "distinct", "order", "limit", "offset", "with_", "by_name")
    word = _SETS[type(node)]
    if not node.args.get("distinct"):
        if word != "UNION":
            raise unsupported(f"{word} ALL")
        word = "UNION ALL"
    sides: list[exp.Expr] = [node.this, node.expression]
    found: list[Query] = []
    for one in sides:
        tr.loose = into is None
        found.append(query(tr, one, outer, into))
        tr.loose = False
    if len(found[0].columns) != len(found[1].columns):
        raise StoreError("42601", f"each {word.split()[0]} query must have the same number of columns")
    wish: list[Kind | None] = []
    for pair in zip(found[0].columns, found[1].columns, strict=True):
        parts = [Typed("", each.kind) for each in pair]
        wish.append(unify(parts, word.split()[0]))
    columns = tuple(Out(one.name, kind or one.kind) for one, kind in zip(found[0].columns, wish, strict=True))
    halves: list[str] = []
    for at, side in enumerate(sides):
        tr.keyed = word != "UNION ALL"
        half = query(tr, side, outer, [Kind(one.oid) if one else None for one in wish])
        tr.keyed = False
        bare = not any(side.args.get(name) for name in ("order", "limit", "offset", "with_"))
        direct = bare and (isinstance(side, exp.Select) or (at == 0 and isinstance(side, exp.SetOperation)))
        shown = ", ".join(
            f"{sortable(f'c{place}', one.kind.oid, 'an equality') if word != 'UNION ALL' else f'c{place}'} AS c{place}"
            for place, one in enumerate(columns)
        )
        halves.append(half.sql if direct else f"SELECT {shown} FROM ({half.sql})")
    tail = _tail(tr, node, Scope(outer=outer), columns, [])
    sql = f"{halves[0]} {word} {halves[1]}"
    return Query(f"SELECT * FROM ({sql}){tail}" if tail else sql, columns)


def renamed(found: Query, names: Sequence[str]) -> str:
    """The query with its columns, which are c0, c1 …, under these names."""
    if list(names) == [f"c{at}" for at in range(len(names))]:
        return found.sql
    return (
        f"SELECT {', '.join(f'c{at} AS {quoted(name)}' for at, name in enumerate(names))} FROM ({found.sql})"
    )


# --- SELECT --------------------------------------------------------------------------------------


def _select(tr: "Translator", node: exp.Select, outer: Scope | None, into: Into) -> Query:
    only(
        node, "expressions", "from_", "joins", "where", "group", "having", "order", "limit", "offset", "distinct", "with_",
        "windows", "locks", "kind", "laterals", "qualify_", "hint", "operation_modifiers",
    )  # fmt: skip
    if node.args.get("laterals") or node.args.get("kind"):
        raise unsupported("this form of SELECT")
    scope = Scope(outer=outer)
    keyed, tr.keyed = tr.keyed or bool(node.args.get("distinct")), False
    loose, tr.loose = tr.loose, False
    from_ = _from(tr, node, scope)
    where = ""
    if node.args.get("where") is not None:
        scope.inside = "WHERE"
        where = " WHERE " + expressions.boolean(tr, node.args["where"].this, scope, "WHERE")
        scope.inside = ""
    scope.bare.clear()
    group, keys = _group(tr, node, scope)
    items = _items(tr, node, scope, into, loose=loose)
    if tr.set_sources:
        from_ = sets.beside(tr, from_)
    having = ""
    if node.args.get("having") is not None:
        having = " HAVING " + expressions.boolean(tr, node.args["having"].this, scope, "HAVING")
    mark = list(scope.bare)
    grouped = bool(keys) or scope.aggregates or bool(having) or node.args.get("group") is not None
    aliases = {one.name: one for one, _ in reversed(items)}
    shown = ", ".join(
        f"{sortable(one.sql, one.oid, 'an equality') if keyed else one.sql} AS c{at}"
        for at, (one, _) in enumerate(items)
    )
    named_windows = _windows(tr, node, scope)
    columns = tuple(
        Out(one.name, one.kind, one.table, one.number, literal=one.literal is not None or bool(one.parameter))
        for one, _ in items
    )
    distinct = ""
    sources = [one for one, _ in items]
    scope.bare = mark
    if isinstance(node.args.get("distinct"), exp.Distinct):
        on = node.args["distinct"].args.get("on")
        if on is not None:
            return _distinct_on(tr, node, scope, on, items, from_ + where + group + having, columns)
        distinct = "DISTINCT "
    tail = _tail(tr, node, scope, columns, [one.sql for one in sources], aliases, distinct=bool(distinct))
    if grouped:
        _check_groups(scope)
    if group == "" and (scope.aggregates or having) and keys == []:
        group = ""
    sql = f"SELECT {distinct}{shown}{from_}{where}{group}{having}{named_windows}{tail}"
    single = (not keys and grouped and node.args.get("group") is None) or not from_
    limit = node.args.get("limit")
    if limit is not None and str(limit.expression) == "1":
        single = True
    return Query(sql, columns, single)


def _windows(tr: "Translator", node: exp.Select, scope: Scope) -> str:
    found = node.args.get("windows") or ()
    if not found:
        return ""
    return " WINDOW " + ", ".join(
        f"{quoted(named(one.this))} AS {calls.definition(tr, one, scope)}" for one in found
    )


def _check_groups(scope: Scope) -> None:
    keyed = {
        column.sql
        for source in scope.sources
        if source.key and set(source.key) <= scope.grouped
        for column in source.columns
    }
    for sql in scope.bare:
        if sql not in scope.grouped and sql not in keyed:
            name = sql.replace('"', "")
            what = f'column "{name}" must appear in the GROUP BY clause or be used in an aggregate function'
            raise StoreError("42803", what)


def _group(tr: "Translator", node: exp.Select, scope: Scope) -> tuple[str, list[str]]:
    group = node.args.get("group")
    if group is None:
        return "", []
    only(group, "expressions")
    keys: list[str] = []
    scope.inside = "GROUP BY"
    for one in group.expressions:
        target = one
        if isinstance(one, exp.Literal) and not one.args.get("is_string"):
            at = int(str(one.this))
            if not 1 <= at <= len(node.expressions):
                raise StoreError("42P10", f"GROUP BY position {at} is not in select list")
            target = node.expressions[at - 1]
            target = target.this if isinstance(target, exp.Alias) else target
        elif (
            isinstance(one, exp.Column)
            and not one.args.get("table")
            and scope.find("", named(one.this)) is None
        ):
            for item in node.expressions:
                if isinstance(item, exp.Alias) and named(item.args["alias"]) == named(one.this):
                    target = item.this
        found = settle(tr, expression(tr, target, scope))
        scope.grouped.add(found.sql)
        keys.append(sortable(found.sql, found.oid, "an equality"))
    scope.inside = ""
    scope.bare.clear()
    return " GROUP BY " + ", ".join(keys), keys


def _items(
    tr: "Translator", node: exp.Select, scope: Scope, into: Into, *, loose: bool
) -> list[tuple[Typed, exp.Expr]]:
    items: list[tuple[Typed, exp.Expr]] = []
    for one in node.expressions:
        if isinstance(one, exp.Star):
            only(one)
            if not scope.sources:
                raise StoreError("42601", "SELECT * with no tables specified is not valid")
            items += [(_shown(scope, seen), one) for seen in scope.visible()]
            continue
        if isinstance(one, exp.Column) and isinstance(one.this, exp.Star):
            source = scope.source(named(one.args.get("table")))
            if source is None:
                raise StoreError(
                    "42P01", f'missing FROM-clause entry for table "{named(one.args.get("table"))}"'
                )
            items += [(_shown(scope, seen), one) for seen in source.columns if not seen.system]
            continue
        inner, name = (one.this, named(one.args["alias"])) if isinstance(one, exp.Alias) else (one, "")
        found = expression(tr, inner, scope)
        items.append((found._replace(name=name) if name else found, inner))
    if into is not None and len(into) == len(items):
        fixed: list[tuple[Typed, exp.Expr]] = []
        for (one, inner), wish in zip(items, into, strict=True):
            if wish is None or (wish.oid == one.oid and wish.typmod == -1):
                fixed.append((one, inner))
            else:
                how = "assign" if tr.assigning else "implicit"
                fixed.append((coerce(tr, one, wish, how)._replace(name=one.name, kind=wish), inner))
        return fixed
    if loose:
        return items
    return [(settle_out(tr, one), inner) for one, inner in items]


def settle_out(tr: "Translator", one: Typed) -> Typed:
    """An untyped literal stays one until it is known where it goes; at the top it is text."""
    return settle(tr, one)._replace(name=one.name)


def _shown(scope: Scope, seen: Seen) -> Typed:
    scope.bare.append(seen.sql)
    return Typed(seen.sql, seen.kind, seen.name, table=seen.table, number=seen.number)


def _distinct_on(
    tr: "Translator", node: exp.Select, scope: Scope, on: exp.Expr, items: list[tuple[Typed, exp.Expr]], body: str,
    columns: tuple[Out, ...],
) -> Query:  # fmt: skip
    """The first row of each group, by a number that a window gives."""
    keys = on.expressions if isinstance(on, exp.Tuple) else [on]
    parts = [settle(tr, expression(tr, one, scope)) for one in keys]
    aliases = {one.name: one for one, _ in reversed(items)}
    order = node.args.get("order")
    sources = [one.sql for one, _ in items]
    orders = (
        [ordered(tr, one, scope, aliases, sources) for one in order.expressions] if order is not None else []
    )
    partition = ", ".join(sortable(one.sql, one.oid, "an equality") for one in parts)
    by = f" ORDER BY {', '.join(orders)}" if orders else ""
    shown = ", ".join(f"{one.sql} AS c{at}" for at, (one, _) in enumerate(items))
    names = ", ".join(f"c{at}" for at in range(len(items)))
    inner = f"SELECT {shown}, row_number() OVER (PARTITION BY {partition}{by}) AS n, row_number() OVER ({by.strip()}) AS p{body}"
    limit = _limits(tr, node, scope)
    if scope.aggregates:
        raise unsupported("DISTINCT ON with aggregates")
    return Query(f"SELECT {names} FROM ({inner}) WHERE n = 1 ORDER BY p{limit}", columns)


# --- FROM ----------------------------------------------------------------------------------------


def _from(tr: "Translator", node: exp.Select, scope: Scope) -> str:
    from_ = node.args.get("from_")
    if from_ is None:
        if node.args.get("joins"):
            raise unsupported("joins without FROM")
        return ""
    only(from_, "this")
    return " FROM " + joined(tr, from_.this, node.args.get("joins") or (), scope)


def joined(tr: "Translator", first: exp.Expr, joins: Sequence[exp.Expr], scope: Scope) -> str:
    sql, source = _source(tr, first, scope)
    scope.sources.append(source)
    if first.args.get("joins"):
        for one in first.args["joins"]:
            sql += _join(tr, one, scope)
    for one in joins:
        sql += _join(tr, one, scope)
    return sql


def _join(tr: "Translator", node: exp.Expr, scope: Scope) -> str:
    only(node, "this", "on", "using", "side", "kind", "method")
    side, kind = str(node.args.get("side") or "").upper(), str(node.args.get("kind") or "").upper()
    method = str(node.args.get("method") or "").upper()
    if method not in ("", "NATURAL") or kind not in ("", "INNER", "OUTER", "CROSS"):
        raise unsupported(f"{method} {kind} JOIN".strip())
    target = node.this
    if isinstance(target, exp.Lateral):
        target = _lateral(target)
    inner, source = _source(tr, target, scope)
    left = list(scope.sources)
    scope.sources.append(source)
    using = [named(one) for one in node.args.get("using") or ()]
    if method == "NATURAL":
        mine = {seen.name for one in left for seen in one.columns if not seen.hidden}
        using = [seen.name for seen in source.columns if seen.name in mine]
    condition = ""
    if using:
        condition = " ON " + " AND ".join(_used(tr, name, left, source, scope, side) for name in using)
    elif node.args.get("on") is not None:
        scope.inside = "JOIN"
        condition = " ON " + expressions.boolean(tr, node.args["on"], scope, "JOIN/ON")
        scope.inside = ""
    elif side or kind == "INNER":
        raise StoreError("42601", "syntax error: a JOIN needs ON or USING")
    word = f"{side} JOIN" if side else "JOIN" if condition else "CROSS JOIN" if kind == "CROSS" else ","
    if word == ",":
        # A comma binds less than JOIN; SQLite reads both from left to right, which is the same where nobody mixes them.
        word = "CROSS JOIN"
    return f" {word} {inner}{condition}"


def _used(tr: "Translator", name: str, left: list[Source], source: Source, scope: Scope, side: str) -> str:
    ones = [seen for one in left for seen in one.columns if seen.name == name and not seen.hidden]
    ones = [one for one in scope.merged if one.name == name] or ones
    others = [seen for seen in source.columns if seen.name == name]
    if len(ones) != 1 or len(others) != 1:
        raise StoreError("42703", f'column "{name}" specified in USING clause does not exist or is ambiguous')
    one, other = ones[0], others[0]
    sql = expressions.compare(tr, "=", Typed(one.sql, one.kind), Typed(other.sql, other.kind))
    merged = {"FULL": f"coalesce({one.sql}, {other.sql})", "RIGHT": other.sql}.get(side, one.sql)
    kind = unify([Typed("", one.kind), Typed("", other.kind)], "JOIN/USING")
    if one in scope.merged:
        scope.merged[scope.merged.index(one)] = Seen(name, kind, merged)
    else:
        one.hidden = True
        scope.merged.append(Seen(name, kind, merged, one.table, one.number))
    other.hidden = True
    return sql


def _lateral(node: exp.Lateral) -> exp.Expr:
    inner = node.this
    if isinstance(inner, exp.Subquery):
        raise unsupported("LATERAL with a query; a function, or a query in the list of columns, will do")
    return exp.Table(this=inner, alias=node.args.get("alias"), ordinality=node.args.get("ordinality"))


def _source(tr: "Translator", node: exp.Expr, scope: Scope) -> tuple[str, Source]:
    if isinstance(node, exp.Table):
        if isinstance(node.this, exp.Func):
            return sets.function(tr, node, scope)
        return _table(tr, node)
    if isinstance(node, exp.Unnest):
        raise unsupported("this form of unnest()")
    if isinstance(node, exp.Values):
        alias = node.args.get("alias")
        found = values(tr, node, None, None)
        return _aliased(found, alias)
    if isinstance(node, exp.Subquery):
        only(node, "this", "alias", "joins")
        if isinstance(node.this, exp.Table) or (
            node.args.get("alias") is None and not isinstance(node.this, (exp.Query, exp.Values))
        ):
            inner = Scope(outer=scope.outer)
            sql = joined(tr, node.this, (), inner)
            scope.sources += inner.sources[:-1]
            return f"({sql})", inner.sources[-1]
        if node.args.get("alias") is None:
            raise StoreError("42601", "subquery in FROM must have an alias")
        return _aliased(query(tr, node.this, scope.outer), node.args["alias"])
    raise unsupported(f"{expressions.described(node)} in FROM")


def _aliased(found: Query, alias: exp.Expr | None) -> tuple[str, Source]:
    name = named(alias.this) if alias is not None else "*VALUES*"
    columns = _renamed(
        found.columns,
        [named(one) for one in (alias.args.get("columns") if alias is not None else None) or ()],
    )
    names = [f"c{at}" for at in range(len(columns))]
    seen = [
        Seen(one.name, one.kind, f"{quoted(name)}.{quoted(short)}", one.table, one.number)
        for one, short in zip(columns, names, strict=True)
    ]
    return f"({renamed(found, names)}) AS {quoted(name)}", Source(name, seen)


def _table(tr: "Translator", node: exp.Table) -> tuple[str, Source]:
    only(node, "this", "alias", "db", "catalog", "joins", "only")
    schema, name = named(node.args.get("db")), named(node.this)
    alias = node.args.get("alias")
    shown = named(alias.this) if alias is not None and alias.this is not None else name
    names = [named(one) for one in (alias.args.get("columns") if alias is not None else None) or ()]
    if not schema and name in tr.tables:
        columns = _renamed(tr.tables[name], names)
        seen = [
            Seen(one.name, one.kind, f"{quoted(shown)}.{quoted(was.name)}", one.table, one.number)
            for one, was in zip(columns, tr.tables[name], strict=True)
        ]
        return f"{quoted('with ' + name)} AS {quoted(shown)}", Source(shown, seen)
    system = tr.system(schema, name)
    if system is not None:
        place, outs, oid = system
        seen = [
            Seen(names[at] if at < len(names) else one.name, one.kind, f"{quoted(shown)}.{quoted(one.name)}")
            for at, one in enumerate(outs)
        ]
        row = f"(CASE WHEN {quoted(shown)}.rowid IS NOT NULL THEN {oid} END)"
        seen.append(Seen("tableoid", Kind(OID), row, system=True))
        return f"{place} AS {quoted(shown)}", Source(shown, seen)
    relation = tr.relation(schema, name)
    if relation.kind == "v":
        return _aliased_view(tr, relation.oid, shown, names)
    seen = [
        Seen(
            names[at] if at < len(names) else one.name,
            Kind(one.oid, one.typmod),
            f"{quoted(shown)}.{quoted(one.name)}",
            relation.oid,
            one.number,
        )
        for at, one in enumerate(relation.fields)
    ]
    primary = next((one for one in relation.constraints if one.kind == "p"), None)
    key = tuple(f"{quoted(shown)}.{quoted(one)}" for one in primary.columns) if primary is not None else ()
    return f"{quoted(relation.place)} AS {quoted(shown)}", Source(shown, seen, key)


def _aliased_view(tr: "Translator", oid: int, shown: str, names: Sequence[str]) -> tuple[str, Source]:
    relation = tr.catalogue.by_oid(oid)
    if relation is None:
        raise StoreError("XX000", "a view is gone")
    found = tr.view(relation)
    columns = _renamed(found.columns, [one.name for one in relation.fields])
    short = [f"c{at}" for at in range(len(columns))]
    seen = [
        Seen(
            names[at] if at < len(names) else one.name,
            one.kind,
            f"{quoted(shown)}.{quoted(short[at])}",
            oid,
            at + 1,
        )
        for at, one in enumerate(columns)
    ]
    return f"({renamed(found, short)}) AS {quoted(shown)}", Source(shown, seen)


# --- ORDER BY, LIMIT -----------------------------------------------------------------------------


def _tail(
    tr: "Translator", node: exp.Expr, scope: Scope, columns: Sequence[Out], sources: Sequence[str],
    aliases: dict[str, Typed] | None = None, *, distinct: bool = False,
) -> str:  # fmt: skip
    order = node.args.get("order")
    sql = ""
    if order is not None:
        only(order, "expressions", "this")
        if not isinstance(node, exp.Select):
            aliases = {
                one.name: Typed(f"c{at}", one.kind, one.name)
                for at, one in reversed(list(enumerate(columns)))
            }
            sources = [f"c{at}" for at in range(len(columns))]
        keys = [ordered(tr, one, scope, aliases, sources, columns) for one in order.expressions]
        if distinct:
            for one in order.expressions:
                found = _target(tr, one, scope, aliases, sources, columns)
                if found.sql not in sources:
                    raise StoreError(
                        "42P10", "for SELECT DISTINCT, ORDER BY expressions must appear in select list"
                    )
        sql = " ORDER BY " + ", ".join(keys)
    return sql + _limits(tr, node, scope)


def _target(
    tr: "Translator", node: exp.Expr, scope: Scope, aliases: dict[str, Typed] | None, sources: Sequence[str],
    columns: Sequence[Out] = (),
) -> Typed:  # fmt: skip
    inner = node.this if isinstance(node, exp.Ordered) else node
    if isinstance(inner, exp.Literal) and not inner.args.get("is_string") and sources:
        at = int(str(inner.this))
        if not 1 <= at <= len(sources):
            raise StoreError("42P10", f"ORDER BY position {at} is not in select list")
        kind = columns[at - 1].kind if columns else Kind(TEXT)
        return Typed(sources[at - 1], kind)
    if (
        isinstance(inner, exp.Column)
        and not inner.args.get("table")
        and aliases
        and named(inner.this) in aliases
    ):
        return aliases[named(inner.this)]
    return settle(tr, expression(tr, inner, scope))


def ordered(
    tr: "Translator", node: exp.Expr, scope: Scope, aliases: dict[str, Typed] | None, sources: Sequence[str] = (),
    columns: Sequence[Out] = (),
) -> str:  # fmt: skip
    """One key of ORDER BY; NULLs stand where PostgreSQL has them."""
    if isinstance(node, exp.Ordered):
        only(node, "this", "desc", "nulls_first")
    found = _target(tr, node, scope, aliases, sources, columns)
    desc = bool(node.args.get("desc"))
    first = bool(node.args.get("nulls_first"))
    key = sortable(found.sql, found.oid, "an ordering")
    if key.isdigit():
        key = f"({key} + 0)"
    return f"{key} {'DESC' if desc else 'ASC'} NULLS {'FIRST' if first else 'LAST'}"


def _limits(tr: "Translator", node: exp.Expr, scope: Scope) -> str:
    sql = ""
    limit, offset = node.args.get("limit"), node.args.get("offset")
    if isinstance(limit, exp.Fetch):
        only(limit, "count", "direction", "limit_options")
        options = limit.args.get("limit_options")
        if options is not None and (options.args.get("percent") or options.args.get("with_ties")):
            raise unsupported("FETCH with ties or percent")
        count = limit.args.get("count")
        sql = f" LIMIT {_count(tr, count, scope, 'LIMIT')}" if count is not None else " LIMIT 1"
    elif limit is not None:
        only(limit, "expression")
        if not (isinstance(limit.expression, (exp.Var, exp.Null)) or str(limit.expression).upper() == "ALL"):
            sql = f" LIMIT {_count(tr, limit.expression, scope, 'LIMIT')}"
    if offset is not None:
        only(offset, "expression")
        sql = (sql or " LIMIT -1") + f" OFFSET {_count(tr, offset.expression, scope, 'OFFSET')}"
    if node.args.get("locks"):
        for one in node.args["locks"]:
            only(one, "update", "expressions", "wait")
        tr.locks = True
    return sql


def _count(tr: "Translator", node: exp.Expr, scope: Scope, what: str) -> str:
    found = coerce(tr, expression(tr, node, Scope(outer=None)), Kind(INT8))
    return f"pg_count({found.sql}, '{what}')"
