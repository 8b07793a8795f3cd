"""Expressions: from sqlglot's tree, node by node, to SQLite's SQL and the type PostgreSQL gives them.

An allow-list: `_NODES` says which nodes there are, and a node that is not in it, or has parts nobody read, is refused by
name. Past 400 lines because this table is the heart of the translator and is read as one. Queries inside expressions
are `queries.py`'s; functions are `calls.py`'s.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from protocols.postgres.datatypes import BY_OID, interval_in, spelled
from proxy.answers.executor import StoreError
from proxy.answers.sqlite import calls
from proxy.answers.sqlite.converting import Typed, convert, sortable, to_text, unify
from proxy.answers.sqlite.kinds import (
    BOOL,
    BYTEA,
    DATE,
    FLOAT8,
    FLOATS,
    INT2,
    INT4,
    INT8,
    INTEGERS,
    INTERVAL,
    JSON,
    JSONB,
    MOMENTS,
    NAME,
    NUMBERS,
    NUMERIC,
    OID,
    RECORD,
    REGS,
    TEXT,
    TEXTS,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    UNKNOWN,
    VECTORS,
    Kind,
    constant,
    element,
    is_array,
    unsupported,
    wanted,
)  # fmt: skip
from proxy.answers.sqlite.scopes import Scope

if TYPE_CHECKING:
    from proxy.answers.sqlite.translator import Translator

Tr = "Translator"


def only(node: exp.Expr, *parts: str) -> None:
    """Refuse what nobody would read."""
    for name, value in node.args.items():
        if name not in parts and name not in ("_type", "comments") and value not in (None, False, [], ""):
            raise unsupported(f"{described(node)} with {name}")


def described(node: exp.Expr) -> str:
    """What a person calls the construct."""
    name = type(node).__name__
    return "".join(" " + letter.lower() if letter.isupper() else letter for letter in name).strip()


def expression(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    """One expression."""
    handler = _NODES.get(type(node))
    if handler is None:
        raise unsupported(described(node))
    mark = len(scope.bare)
    found = handler(tr, node, scope)
    if scope.grouped and found.sql in scope.grouped:
        del scope.bare[mark:]
    return found


def boolean(tr: "Translator", node: exp.Expr, scope: Scope, where: str) -> str:
    """A condition."""
    found = expression(tr, node, scope)
    if found.oid == UNKNOWN:
        return coerce(tr, found, Kind(BOOL)).sql
    if found.oid != BOOL:
        raise StoreError("42804", f"argument of {where} must be type boolean, not type {spelled(found.oid)}")
    return found.sql


def coerce(tr: "Translator", one: Typed, to: Kind, how: str = "implicit") -> Typed:
    """As an operand of this type; an untyped parameter gets it."""
    if one.parameter:
        tr.parameter_is(one.parameter, to.oid)
        return one._replace(kind=Kind(to.oid), parameter=0)
    return one._replace(sql=convert(one, to, how), kind=to, literal=None)


def settle(tr: "Translator", one: Typed) -> Typed:
    """Nothing said what an untyped literal or parameter is: then it is text."""
    return coerce(tr, one, Kind(TEXT)) if one.oid == UNKNOWN else one


def together(tr: "Translator", parts: Sequence[Typed], what: str) -> tuple[list[Typed], Kind]:
    kind = unify(list(parts), what)
    return [coerce(tr, one, Kind(kind.oid)) for one in parts], kind


# --- constants and names -------------------------------------------------------------------------


def _literal(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    said = str(node.this)
    if node.args.get("is_string"):
        return Typed(constant(said), Kind(UNKNOWN), literal=said)
    said = said.replace("_", "")
    if said.isdigit():
        number = int(said)
        if number < 1 << 31:
            return Typed(str(number), Kind(INT4))
        if number < 1 << 63:
            return Typed(str(number), Kind(INT8))
        return Typed(constant(str(number)), Kind(NUMERIC))
    from protocols.postgres.datatypes import numeric_in  # noqa: PLC0415

    return Typed(constant(numeric_in(said)), Kind(NUMERIC))


def _null(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    return Typed("NULL", Kind(UNKNOWN), null=True)


def _boolean(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    return Typed("1" if node.this else "0", Kind(BOOL), "bool")


def _parameter(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    inner = node.this
    if not isinstance(inner, exp.Literal) or not str(inner.this).isdigit():
        raise unsupported("this form of a parameter")
    number = int(str(inner.this))
    known = tr.parameter(number)
    return Typed(f"?{number}", Kind(known or UNKNOWN), parameter=0 if known else number)


def _hex(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    raise unsupported("bit strings")


def _column(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    only(node, "this", "table", "db", "catalog")
    if isinstance(node.this, exp.Star):
        raise unsupported("a star here")
    table, name = named(node.args.get("table")), named(node.this)
    found = scope.find(table, name)
    if found is None:
        bare = _bare_word(tr, node, name, scope) if not table and not node.this.args.get("quoted") else None
        if bare is not None:
            return bare
        if table and scope.source(table) is None:
            raise StoreError("42P01", f'missing FROM-clause entry for table "{table}"')
        if not table and scope.source(name) is not None:
            raise unsupported("a whole row as a value")
        said = f"{table}.{name}" if table else f'"{name}"'
        raise StoreError("42703", f"column {said} does not exist")
    seen, where = found
    if not where.silent:
        where.bare.append(seen.sql)
    oid = UNKNOWN if seen.literal else seen.kind.oid
    return Typed(seen.sql, Kind(oid, seen.kind.typmod), name, table=seen.table, number=seen.number)


_WORDS: Mapping[str, tuple[str, int]] = {
    "current_user": ("pg_current_user()", NAME), "session_user": ("pg_session_user()", NAME),
    "user": ("pg_current_user()", NAME), "current_role": ("pg_current_user()", NAME),
    "current_catalog": ("pg_current_database()", NAME), "current_schema": ("pg_current_schema()", NAME),
    "current_timestamp": ("pg_now()", TIMESTAMPTZ), "localtimestamp": ("pg_to_local(pg_now())", TIMESTAMP),
}  # fmt: skip


def _bare_word(tr: "Translator", node: exp.Expr, name: str, scope: Scope) -> Typed | None:
    found = _WORDS.get(name)
    return Typed(found[0], Kind(found[1]), name) if found else None


def _word(name: str) -> Callable[["Translator", exp.Expr, Scope], Typed]:
    def one(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
        only(node, "sysdate")
        sql, oid = _WORDS[name]
        return Typed(sql, Kind(oid), name)

    return one


def _current_date(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    only(node)
    return Typed(convert(Typed("pg_now()", Kind(TIMESTAMPTZ)), Kind(DATE)), Kind(DATE), "current_date")


def _current_time(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    only(node)
    if isinstance(node, exp.CurrentTime):
        raise unsupported("time with time zone")
    return Typed(convert(Typed("pg_now()", Kind(TIMESTAMPTZ)), Kind(TIME)), Kind(TIME), "localtime")


def named(node: object) -> str:
    """An identifier as the server folds it."""
    if node is None:
        return ""
    if isinstance(node, exp.Identifier):
        text = str(node.this)
        return text if node.args.get("quoted") else "".join(c.lower() if c.isascii() else c for c in text)
    if isinstance(node, exp.Expr):
        inner = node.this
        return named(inner) if isinstance(inner, exp.Expr) else str(inner)
    return str(node)


# --- operators -----------------------------------------------------------------------------------


def no_operator(sign: str, left: int, right: int) -> StoreError:
    what = f"operator does not exist: {spelled(left)} {sign} {spelled(right)}"
    return StoreError("42883", what, hint="No operator matches the given name and argument types. You might need to add explicit type casts.")  # fmt: skip


def _pair(tr: "Translator", node: exp.Expr, scope: Scope) -> tuple[Typed, Typed]:
    only(node, "this", "expression", "safe", "typed")
    return expression(tr, node.this, scope), expression(tr, node.expression, scope)


def _compared(sign: str) -> Callable[["Translator", exp.Expr, Scope], Typed]:
    def one(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
        only(node, "this", "expression")
        left, right = node.this, node.expression
        if isinstance(right, (exp.Any, exp.All)) or (
            isinstance(right, exp.Anonymous) and right.name.lower() == "all"
        ):
            return _quantified(tr, sign, left, right, scope)
        if isinstance(left, exp.Tuple) or isinstance(right, exp.Tuple):
            return _rows(tr, sign, left, right, scope)
        return Typed(compare(tr, sign, expression(tr, left, scope), expression(tr, right, scope)), Kind(BOOL))

    return one


def compare(tr: "Translator", sign: str, left: Typed, right: Typed) -> str:
    """Two values."""
    pair = {left.oid, right.oid}
    if not ({UNKNOWN} & pair) and left.oid != right.oid:
        fits = any(pair <= set(group) for group in (NUMBERS, TEXTS, MOMENTS, (OID, INT2, INT4, INT8, *REGS)))
        if not fits:
            raise no_operator(sign, left.oid, right.oid)
    both, kind = together(tr, (left, right), "comparison")
    if both[0].oid == JSON:
        raise no_operator(sign, JSON, JSON)
    ordering = sign in ("<", ">", "<=", ">=")
    one = sortable(both[0].sql, kind.oid, "an ordering" if ordering else "an equality")
    return f"({_operand(one)} {sign} {_operand(both[1].sql)})"


def _operand(sql: str) -> str:
    return sql


def _rows(tr: "Translator", sign: str, left: exp.Expr, right: exp.Expr, scope: Scope) -> Typed:
    if not isinstance(left, exp.Tuple) or not isinstance(right, exp.Tuple) or sign not in ("=", "<>"):
        raise unsupported("this comparison of rows")
    if len(left.expressions) != len(right.expressions):
        raise StoreError("42601", "unequal number of entries in row expressions")
    pairs = [
        compare(tr, "=", expression(tr, one, scope), expression(tr, other, scope))
        for one, other in zip(left.expressions, right.expressions, strict=True)
    ]
    sql = "(" + " AND ".join(pairs) + ")"
    return Typed(sql if sign == "=" else f"(NOT {sql})", Kind(BOOL))


def _quantified(tr: "Translator", sign: str, left: exp.Expr, right: exp.Expr, scope: Scope) -> Typed:
    """= ANY, <> ALL: of a list, an array or a query."""
    every = not isinstance(right, exp.Any)
    if (sign, every) not in (("=", False), ("<>", True)):
        raise unsupported(f"{sign} {'ALL' if every else 'ANY'}")
    inner = right.expressions[0] if isinstance(right, exp.Anonymous) else right.this
    while isinstance(inner, exp.Paren):
        inner = inner.this
    negated = "NOT " if every else ""
    if isinstance(inner, exp.Tuple) and len(inner.expressions) == 1:
        inner = inner.expressions[0]
    if isinstance(inner, (exp.Subquery, exp.Select, exp.SetOperation)):
        query = inner.this if isinstance(inner, exp.Subquery) else inner
        return _in_query(tr, expression(tr, left, scope), query, scope, negated)
    one = expression(tr, left, scope)
    listed = _listed(inner)
    if listed is not None:
        to = wanted(inner.args.get("to")).kind
        each = Kind(element(to.oid), to.typmod)
        parts = [
            Typed(convert(expression(tr, part, scope), each, "cast"), each) for part in listed.expressions
        ]
        return _in_list(tr, one, parts, negated)
    if isinstance(inner, exp.Array) and not inner.find(exp.Select):
        return _in_list(tr, one, [expression(tr, each, scope) for each in inner.expressions], negated)
    many = expression(tr, inner, scope)
    if many.oid == UNKNOWN:
        one = settle(tr, one)
        array = _array_of(one.oid)
        many = coerce(tr, many, Kind(array))
    if not is_array(many.oid):
        raise StoreError("42809", "op ANY/ALL (array) requires array on right side")
    kind = unify([one, Typed("", Kind(element(many.oid)))], "comparison")
    one = coerce(tr, one, Kind(kind.oid))
    key = sortable(one.sql, kind.oid, "an equality")
    value = convert(Typed("value", Kind(element(many.oid))), kind, "implicit")
    sql = f"({key} {negated}IN (SELECT {value} FROM json_each({many.sql})))"
    return Typed(f"(CASE WHEN {many.sql} IS NULL THEN NULL ELSE {sql} END)", Kind(BOOL))


def _listed(node: exp.Expr) -> exp.Array | None:
    """What is cast to an array as a whole, and could be element by element: the server writes lists so."""
    if not isinstance(node, exp.Cast):
        return None
    inner = node.this
    while isinstance(inner, exp.Paren):
        inner = inner.this
    if not isinstance(inner, exp.Array) or not inner.expressions or inner.find(exp.Select):
        return None
    return inner if is_array(wanted(node.args.get("to")).kind.oid) else None


def _array_of(oid: int) -> int:
    from protocols.postgres.datatypes import ARRAY_OF  # noqa: PLC0415

    found = ARRAY_OF.get(oid)
    if found is None:
        raise unsupported(f"arrays of {spelled(oid)}")
    return found


def _in(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    only(node, "this", "expressions", "query")
    query = node.args.get("query")
    if isinstance(node.this, exp.Tuple):
        if query is not None:
            raise unsupported("rows IN a query")
        found = [_rows(tr, "=", node.this, each, scope).sql for each in node.expressions]
        return Typed("(" + " OR ".join(found) + ")", Kind(BOOL))
    one = expression(tr, node.this, scope)
    if query is not None:
        return _in_query(tr, one, query.this if isinstance(query, exp.Subquery) else query, scope, "")
    return _in_list(tr, one, [expression(tr, each, scope) for each in node.expressions], "")


def _in_list(tr: "Translator", one: Typed, many: list[Typed], negated: str) -> Typed:
    if not many:
        return Typed("1" if negated else "0", Kind(BOOL))
    for each in many:
        pair = {one.oid, each.oid} - {UNKNOWN}
        if len(pair) == 2 and not any(
            pair <= set(g) for g in (NUMBERS, TEXTS, MOMENTS, (OID, *INTEGERS, *REGS))
        ):
            raise no_operator("=", one.oid, each.oid)
    parts, kind = together(tr, (one, *many), "IN")
    key = sortable(parts[0].sql, kind.oid, "an equality")
    return Typed(f"({key} {negated}IN ({', '.join(each.sql for each in parts[1:])}))", Kind(BOOL))


def _in_query(tr: "Translator", one: Typed, query: exp.Expr, scope: Scope, negated: str) -> Typed:
    found = tr.query(query, scope)
    if len(found.columns) != 1:
        raise StoreError("42601", "subquery has too many columns")
    column = found.columns[0]
    kind = unify([one, Typed("", column.kind)], "IN")
    if kind.oid != column.kind.oid:
        found = tr.query(query, scope, into=[kind])
    one = coerce(tr, one, Kind(kind.oid))
    return Typed(f"({sortable(one.sql, kind.oid, 'an equality')} {negated}IN ({found.sql}))", Kind(BOOL))


def _arithmetic(sign: str) -> Callable[["Translator", exp.Expr, Scope], Typed]:
    def one(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
        left, right = _pair(tr, node, scope)
        return calculate(tr, sign, left, right)

    return one


def calculate(tr: "Translator", sign: str, left: Typed, right: Typed) -> Typed:
    """+ - * / % ^ of what there is."""
    if left.oid == UNKNOWN and right.oid == UNKNOWN:
        raise StoreError("42725", f"operator is not unique: unknown {sign} unknown")
    for one, other in ((left, right), (right, left)):
        if one.oid == UNKNOWN:
            guess = TEXT if other.oid == JSONB else other.oid
            if other.oid in MOMENTS and (sign == "+" or one is right):
                guess = INTERVAL if one.literal is None or not _looks_like_time(one.literal) else other.oid
                if other.oid == DATE and sign == "-" and one.literal is not None:
                    guess = DATE
            one_typed = coerce(tr, one, Kind(guess))
            left, right = (one_typed, right) if one is left else (left, one_typed)
    if left.oid in NUMBERS and right.oid in NUMBERS:
        return _numbers(tr, sign, left, right)
    found = _moments(sign, left, right)
    if found is None and sign == "-" and left.oid == JSONB and right.oid in (TEXT, INT4, INT2):
        found = Typed(f"pg_jsonb_delete({left.sql}, {right.sql})", Kind(JSONB))
    if found is None:
        raise no_operator(sign, left.oid, right.oid)
    return found


def _looks_like_time(text: str) -> bool:
    return len(text) >= 8 and text[:4].isdigit() and text[4:5] == "-"


def _numbers(tr: "Translator", sign: str, left: Typed, right: Typed) -> Typed:
    oid = max((left.oid, right.oid), key=NUMBERS.index)
    if sign == "^":
        if oid == NUMERIC:
            raise unsupported("powers of numeric; cast to double precision")
        oid = FLOAT8
    elif sign == "%" and oid in FLOATS:
        raise no_operator(sign, left.oid, right.oid)
    one, other = (coerce(tr, each, Kind(oid)).sql for each in (left, right))
    if oid in FLOATS:
        kind = FLOAT8 if oid == FLOAT8 or left.oid != right.oid else oid
        found = f"pg_float_op('{sign}', {one}, {other})"
        return Typed(found if kind == FLOAT8 else f"pg_float4({found})", Kind(kind))
    if oid == NUMERIC:
        name = {"+": "num_add", "-": "num_sub", "*": "num_mul", "/": "num_div", "%": "mod_numeric"}[sign]
        return Typed(f"pg_{name}({one}, {other})", Kind(oid))
    if sign == "/":
        return Typed(f"pg_int_div({one}, {other}, {oid})", Kind(oid))
    if sign == "%":
        return Typed(f"pg_int_mod({one}, {other})", Kind(oid))
    return Typed(f"pg_int(({one} {sign} {other}), {oid})", Kind(oid))


def _moments(sign: str, left: Typed, right: Typed) -> Typed | None:
    """Dates, times and intervals."""
    a, b = left.oid, right.oid
    if sign == "+" and b in (DATE, TIMESTAMP, TIMESTAMPTZ, TIME) and a in (INTERVAL, *INTEGERS):
        left, right, a, b = right, left, b, a
    number = {"+": "1", "-": "-1"}.get(sign, "")
    if a == DATE and b in (INT2, INT4) and number:
        return Typed(f"pg_date_add({left.sql}, {right.sql}, {number})", Kind(DATE))
    if a == DATE and b == DATE and sign == "-":
        return Typed(f"(({left.sql}) - ({right.sql}))", Kind(INT4))
    if a == DATE and b == TIME and sign == "+":
        return Typed(f"(({left.sql}) * 86400000000 + ({right.sql}))", Kind(TIMESTAMP))
    if a == DATE and b == INTERVAL and number:
        return Typed(f"pg_ts_add(({left.sql}) * 86400000000, {right.sql}, {number})", Kind(TIMESTAMP))
    if a in MOMENTS and b in MOMENTS and sign == "-":
        kind = Kind(max((a, b), key=MOMENTS.index))
        return Typed(
            f"pg_ts_sub({convert(left, kind, 'implicit')}, {convert(right, kind, 'implicit')})",
            Kind(INTERVAL),
        )
    if a in (TIMESTAMP, TIMESTAMPTZ) and b == INTERVAL and number:
        name = "ts_add" if a == TIMESTAMP else "tz_add"
        return Typed(f"pg_{name}({left.sql}, {right.sql}, {number})", Kind(a))
    if a == TIME and b == INTERVAL and number:
        return Typed(f"pg_time_add({left.sql}, {right.sql}, {number})", Kind(TIME))
    if a == TIME and b == TIME and sign == "-":
        return Typed(f"pg_time_span(({left.sql}) - ({right.sql}))", Kind(INTERVAL))
    if a == INTERVAL and b == INTERVAL and number:
        return Typed(f"pg_span_add({left.sql}, {right.sql}, {number})", Kind(INTERVAL))
    if sign == "*" and INTERVAL in (a, b) and (a in NUMBERS or b in NUMBERS):
        one, other = (left, right) if a == INTERVAL else (right, left)
        return Typed(f"pg_span_mul({one.sql}, {convert(other, Kind(FLOAT8), 'implicit')})", Kind(INTERVAL))
    if sign == "/" and a == INTERVAL and b in NUMBERS:
        return Typed(f"pg_span_div({left.sql}, {convert(right, Kind(FLOAT8), 'implicit')})", Kind(INTERVAL))
    return None


def _bits(sign: str) -> Callable[["Translator", exp.Expr, Scope], Typed]:
    def one(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
        left, right = _pair(tr, node, scope)
        if isinstance(node, exp.BitwiseAnd) and is_array(left.oid):
            raise unsupported("this operator on arrays")
        both, kind = together(tr, (left, right), "operator")
        if kind.oid not in INTEGERS:
            raise no_operator(sign, left.oid, right.oid)
        a, b = both[0].sql, both[1].sql
        if sign == "#":
            return Typed(f"((({a}) | ({b})) - (({a}) & ({b})))", kind)
        if sign in ("<<", ">>"):
            kind = left.kind if left.oid in INTEGERS else kind
            return Typed(f"pg_shift({a}, {b}, {1 if sign == '<<' else -1}, {kind.oid})", kind)
        return Typed(f"(({a}) {sign} ({b}))", kind)

    return one


def _not_bits(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    found = expression(tr, node.this, scope)
    if found.oid not in INTEGERS:
        raise no_operator("~", found.oid, found.oid)
    return Typed(f"(~({found.sql}))", found.kind)


def _negated(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    inner = node.this
    if isinstance(inner, exp.Literal) and not inner.args.get("is_string"):
        found = _literal(tr, inner, scope)
        said = str(inner.this)
        if said in ("2147483648", "9223372036854775808"):
            kind = INT4 if said == "2147483648" else INT8
            return Typed(constant(-int(said)), Kind(kind if kind == INT8 else INT8))
        if found.oid in INTEGERS:
            return Typed(f"(-{found.sql})", found.kind)
    found = expression(tr, inner, scope)
    if found.oid in INTEGERS:
        return Typed(f"pg_int(-({found.sql}), {found.oid})", found.kind)
    if found.oid == NUMERIC:
        return Typed(f"pg_num_neg({found.sql})", Kind(NUMERIC))
    if found.oid in FLOATS:
        return Typed(f"(-({found.sql}))", found.kind)
    if found.oid == INTERVAL:
        return Typed(f"pg_span_neg({found.sql})", found.kind)
    raise StoreError("42883", f"operator does not exist: - {spelled(found.oid)}")


def _and_or(word: str) -> Callable[["Translator", exp.Expr, Scope], Typed]:
    def one(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
        only(node, "this", "expression")
        parts = list(node.flatten(unnest=False))
        return Typed(
            "(" + f" {word} ".join(boolean(tr, each, scope, word) for each in parts) + ")", Kind(BOOL)
        )

    return one


def _not(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    return Typed(f"(NOT {boolean(tr, node.this, scope, 'NOT')})", Kind(BOOL))


def _is(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    only(node, "this", "expression", "negate")
    what = node.expression
    sign = "IS NOT" if node.args.get("negate") else "IS"
    if isinstance(what, exp.Null):
        found = expression(tr, node.this, scope)
        return Typed(f"({settle(tr, found).sql} {sign} NULL)", Kind(BOOL))
    if isinstance(what, exp.Boolean):
        inner = boolean(tr, node.this, scope, "IS")
        return Typed(f"({inner} {sign} {int(bool(what.this))})", Kind(BOOL))
    raise unsupported("this form of IS")


def _distinct_from(sign: str) -> Callable[["Translator", exp.Expr, Scope], Typed]:
    def one(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
        left, right = _pair(tr, node, scope)
        both, kind = together(tr, (left, right), "comparison")
        key = sortable(both[0].sql, kind.oid, "an equality")
        return Typed(f"({key} {sign} {both[1].sql})", Kind(BOOL))

    return one


def _between(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    only(node, "this", "low", "high")
    one = expression(tr, node.this, scope)
    low, high = (expression(tr, node.args[name], scope) for name in ("low", "high"))
    return Typed(f"({compare(tr, '>=', one, low)} AND {compare(tr, '<=', one, high)})", Kind(BOOL))


def _like(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    escape = "'\\'"
    if isinstance(node, exp.Escape):
        escape = coerce(tr, expression(tr, node.expression, scope), Kind(TEXT)).sql
        node = node.this
    only(node, "this", "expression", "negate")
    right = node.expression
    if isinstance(right, (exp.Any, exp.All)):
        raise unsupported("LIKE ANY and LIKE ALL")
    left, pattern = (_textual(tr, expression(tr, each, scope), "~~") for each in (node.this, right))
    fold = int(isinstance(node, exp.ILike))
    sql = f"pg_like({left}, {pattern}, {escape}, {fold})"
    return Typed(f"(NOT {sql})" if node.args.get("negate") else sql, Kind(BOOL))


def _textual(tr: "Translator", one: Typed, sign: str) -> str:
    if one.oid not in (UNKNOWN, *TEXTS):
        raise no_operator(sign, one.oid, UNKNOWN)
    return coerce(tr, one, Kind(TEXT)).sql


def _regex(fold: int) -> Callable[["Translator", exp.Expr, Scope], Typed]:
    def one(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
        only(node, "this", "expression", "full_match")
        left, pattern = (
            _textual(tr, expression(tr, each, scope), "~") for each in (node.this, node.expression)
        )
        return Typed(f"pg_regex({left}, {pattern}, {fold})", Kind(BOOL))

    return one


def _operator(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    """OPERATOR(pg_catalog.~): as psql writes it."""
    sign = str(node.args.get("operator")).removeprefix("pg_catalog.")
    left, right = expression(tr, node.this, scope), expression(tr, node.expression, scope)
    if sign in ("~", "~*"):
        return Typed(
            f"pg_regex({_textual(tr, left, '~')}, {_textual(tr, right, '~')}, {int(sign == '~*')})",
            Kind(BOOL),
        )
    if sign in ("=", "<>", "<", ">", "<=", ">="):
        return Typed(compare(tr, sign, left, right), Kind(BOOL))
    raise unsupported(f"the operator {sign}")


def _concatenated(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    left, right = _pair(tr, node, scope)
    if JSONB in (left.oid, right.oid) and {left.oid, right.oid} <= {JSONB, UNKNOWN}:
        one, other = (coerce(tr, each, Kind(JSONB)).sql for each in (left, right))
        return Typed(f"pg_jsonb_concat({one}, {other})", Kind(JSONB))
    if is_array(left.oid) or is_array(right.oid):
        return _arrays(tr, left, right)
    if BYTEA in (left.oid, right.oid):
        raise unsupported("|| of bytea")
    if not ({left.oid, right.oid} & {UNKNOWN, *TEXTS}):
        raise no_operator("||", left.oid, right.oid)
    one, other = (
        coerce(tr, each, Kind(TEXT)).sql if each.oid in (UNKNOWN, *TEXTS) else to_text(each.sql, each.oid)
        for each in (left, right)
    )
    return Typed(f"({one} || {other})", Kind(TEXT))


def _arrays(tr: "Translator", left: Typed, right: Typed) -> Typed:
    if is_array(left.oid) and (is_array(right.oid) or right.oid == UNKNOWN):
        return Typed(f"pg_array_cat({left.sql}, {coerce(tr, right, Kind(left.oid)).sql})", Kind(left.oid))
    if is_array(left.oid):
        one = coerce(tr, right, Kind(element(left.oid)))
        return Typed(f"pg_array_append({left.sql}, {one.sql})", Kind(left.oid))
    one = coerce(tr, left, Kind(element(right.oid)) if left.oid != UNKNOWN else Kind(right.oid))
    name = "array_prepend" if left.oid != UNKNOWN else "array_cat"
    return Typed(f"pg_{name}({one.sql}, {right.sql})", Kind(right.oid))


# --- json and arrays -----------------------------------------------------------------------------


def _json_get(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    only(node, "this", "expression", "only_json_types")
    left = expression(tr, node.this, scope)
    if left.oid not in (JSON, JSONB):
        raise no_operator("->", left.oid, UNKNOWN)
    as_text = int(isinstance(node, exp.JSONExtractScalar))
    key = node.expression
    if isinstance(key, exp.JSONPath):
        steps = key.expressions
        if len(steps) != 2 or not isinstance(steps[1], (exp.JSONPathKey, exp.JSONPathSubscript)):
            raise unsupported("this key of -> (a key that reads like a path)")
        said = steps[1].this
        sql = str(said) if isinstance(steps[1], exp.JSONPathSubscript) else constant(str(said))
    else:
        found = expression(tr, key, scope)
        sql = found.sql if found.oid in INTEGERS else coerce(tr, found, Kind(TEXT)).sql
    binary = int(left.oid == JSONB)
    return Typed(f"pg_json_get({left.sql}, {sql}, {as_text}, {binary})", Kind(TEXT if as_text else left.oid))


def _json_path(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    only(node, "this", "expression")
    left = expression(tr, node.this, scope)
    if left.oid not in (JSON, JSONB):
        raise no_operator("#>", left.oid, UNKNOWN)
    path = coerce(tr, expression(tr, node.expression, scope), Kind(1009)).sql
    as_text = int(isinstance(node, exp.JSONBExtractScalar))
    sql = f"pg_json_path({left.sql}, {path}, {as_text}, {int(left.oid == JSONB)})"
    return Typed(sql, Kind(TEXT if as_text else left.oid))


def _contains(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    left, right = _pair(tr, node, scope)
    if isinstance(node, exp.ArrayContainedBy):
        left, right = right, left
    known = left if left.oid != UNKNOWN else right
    if known.oid == JSONB:
        one, other = (coerce(tr, each, Kind(JSONB)).sql for each in (left, right))
        return Typed(f"pg_json_contains({one}, {other})", Kind(BOOL))
    if is_array(known.oid) and element(known.oid) not in (NUMERIC, *FLOATS):
        one, other = (coerce(tr, each, Kind(known.oid)).sql for each in (left, right))
        name = "array_overlaps" if isinstance(node, exp.ArrayOverlaps) else "array_contains"
        return Typed(f"pg_{name}({one}, {other})", Kind(BOOL))
    raise no_operator("@>", left.oid, right.oid)


def _has_key(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    left, right = _pair(tr, node, scope)
    if left.oid != JSONB:
        raise no_operator("?", left.oid, right.oid)
    if isinstance(node, exp.JSONBContainsTopKey):
        keys = f"json_array({coerce(tr, right, Kind(TEXT)).sql})"
        return Typed(f"pg_json_has({left.sql}, {keys}, 1)", Kind(BOOL))
    every = int(type(node).__name__ == "JSONBContainsAllTopKeys")
    return Typed(f"pg_json_has({left.sql}, {coerce(tr, right, Kind(1009)).sql}, {every})", Kind(BOOL))


def _array(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    only(node, "expressions", "bracket_notation", "struct_name_inheritance", "value_constructor")
    if len(node.expressions) == 1 and isinstance(
        node.expressions[0], (exp.Select, exp.SetOperation, exp.Subquery)
    ):
        inner = node.expressions[0]
        found = tr.query(inner.this if isinstance(inner, exp.Subquery) else inner, scope)
        if len(found.columns) != 1:
            raise StoreError("42601", "subquery must return only one column")
        column = found.columns[0]
        sql = f"(SELECT coalesce(json_group_array(c0), '[]') FROM ({found.sql}))"
        return Typed(sql, Kind(_array_of(column.kind.oid)), "array")
    if not node.expressions:
        raise StoreError("42P18", "cannot determine type of empty array")
    if any(isinstance(each, exp.Array) for each in node.expressions):
        raise unsupported("arrays of arrays")
    parts, kind = together(tr, [expression(tr, each, scope) for each in node.expressions], "ARRAY")
    if kind.oid in (JSON, JSONB, BYTEA):
        raise unsupported(f"arrays of {spelled(kind.oid)}")
    return Typed(f"json_array({', '.join(each.sql for each in parts)})", Kind(_array_of(kind.oid)), "array")


def _bracket(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    only(node, "this", "expressions", "offset", "safe", "returns_list_for_maps")
    one = expression(tr, node.this, scope)
    if not is_array(one.oid):
        raise StoreError(
            "42804", f"cannot subscript type {spelled(one.oid)} because it does not support subscripting"
        )
    if len(node.expressions) != 1 or isinstance(node.expressions[0], exp.Slice):
        raise unsupported("slices of arrays")
    at = expression(tr, node.expressions[0], scope)
    sql = f"pg_array_get({one.sql}, ({coerce(tr, at, Kind(INT4)).sql}) + {int(one.oid in VECTORS)})"
    return Typed(sql, Kind(element(one.oid)), one.name)


# --- the rest ------------------------------------------------------------------------------------


def _cast(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    only(node, "this", "to")
    to = wanted(node.args.get("to")).kind
    if isinstance(node.this, exp.Array) and not node.this.expressions and is_array(to.oid):
        return Typed("'[]'", to, "array")
    one = expression(tr, node.this, scope)
    inner = node.this
    while isinstance(inner, (exp.Paren, exp.Cast)):
        inner = inner.this
    weak = isinstance(inner, (exp.Literal, exp.Boolean, exp.Case, exp.Interval)) or one.name == "?column?"
    name = BY_OID[to.oid].name.removeprefix("_") if weak else one.name
    if one.parameter:
        tr.parameter_is(one.parameter, to.oid)
        one = one._replace(kind=Kind(to.oid), parameter=0)
    if isinstance(node.this, exp.Array) and is_array(one.oid) and is_array(to.oid):
        parts = [
            coerce(tr, expression(tr, each, scope), Kind(element(to.oid)), "cast").sql
            for each in node.this.expressions
        ]
        return Typed(f"json_array({', '.join(parts)})", to, "array")
    if is_array(one.oid) and is_array(to.oid) and one.oid != to.oid:
        value = convert(Typed("value", Kind(element(one.oid))), Kind(element(to.oid)), "cast")
        sql = f"(CASE WHEN {one.sql} IS NULL THEN NULL ELSE (SELECT json_group_array({value}) FROM json_each({one.sql})) END)"
        return Typed(sql, to, name)
    return Typed(convert(one, to, "cast"), to, name)


def _case(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    only(node, "this", "ifs", "default")
    subject = node.args.get("this")
    tests: list[str] = []
    for each in node.args["ifs"]:
        if subject is None:
            tests.append(boolean(tr, each.this, scope, "CASE/WHEN"))
        else:
            tests.append(compare(tr, "=", expression(tr, subject, scope), expression(tr, each.this, scope)))
    values = [expression(tr, each.args["true"], scope) for each in node.args["ifs"]]
    default = node.args.get("default")
    last = expression(tr, default, scope) if default is not None else Typed("NULL", Kind(UNKNOWN), null=True)
    parts, kind = together(tr, [last, *values], "CASE")
    arms = " ".join(f"WHEN {test} THEN {value.sql}" for test, value in zip(tests, parts[1:], strict=True))
    name = last.name if last.name != "?column?" and default is not None and last.number else "case"
    return Typed(f"(CASE {arms} ELSE {parts[0].sql} END)", kind, name)


def _paren(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    only(node, "this")
    found = expression(tr, node.this, scope)
    return (
        found
        if found.literal is not None or found.null or found.parameter
        else found._replace(sql=f"({found.sql})" if found.sql[:1] != "(" and " " in found.sql else found.sql)
    )


def _subquery(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    query = node.this if isinstance(node, exp.Subquery) else node
    if isinstance(node, exp.Subquery):
        only(node, "this")
    found = tr.query(query, scope)
    if len(found.columns) != 1:
        raise StoreError("42601", "subquery must return only one column")
    # SQLite would take the first row of several; a second one is an error here.
    column = found.columns[0]
    sql = f"({found.sql})"
    if not found.single:
        sql = f"(SELECT pg_single(count(*), c0) FROM (SELECT * FROM ({found.sql}) LIMIT 2))"
    return Typed(sql, column.kind, column.name)


def _exists(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    only(node, "this")
    query = node.this.this if isinstance(node.this, exp.Subquery) else node.this
    return Typed(f"EXISTS ({tr.query(query, scope).sql})", Kind(BOOL), "exists")


def _interval(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    only(node, "this", "unit")
    inner, unit = node.args.get("this"), node.args.get("unit")
    if not isinstance(inner, exp.Literal):
        raise unsupported("an interval that is no literal")
    said = str(inner.this)
    if unit is not None:
        said = f"{said} {unit.name if isinstance(unit, exp.Expr) else unit}"
    return Typed(constant(interval_in(said)), Kind(INTERVAL), "interval")


def _extract(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    only(node, "this", "expression")
    unit = constant(node.this.name.lower())
    one = expression(tr, node.expression, scope)
    kind = {DATE: "d", TIMESTAMP: "t", TIMESTAMPTZ: "z", INTERVAL: "i"}.get(one.oid)
    if kind is None:
        raise unsupported(f"extract from {spelled(one.oid)}")
    return Typed(f"pg_extract({unit}, {one.sql}, '{kind}')", Kind(NUMERIC), "extract")


def _at_zone(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    only(node, "this", "zone")
    one = settle_as(tr, expression(tr, node.this, scope), TIMESTAMPTZ)
    zone = coerce(tr, expression(tr, node.args["zone"], scope), Kind(TEXT)).sql
    if one.oid == DATE:
        one = coerce(tr, one, Kind(TIMESTAMPTZ))
    if one.oid == TIMESTAMP:
        return Typed(f"pg_at_zone({zone}, {one.sql})", Kind(TIMESTAMPTZ), "timezone")
    if one.oid == TIMESTAMPTZ:
        return Typed(f"pg_in_zone({zone}, {one.sql})", Kind(TIMESTAMP), "timezone")
    raise unsupported(f"AT TIME ZONE of {spelled(one.oid)}")


def settle_as(tr: "Translator", one: Typed, oid: int) -> Typed:
    return coerce(tr, one, Kind(oid)) if one.oid == UNKNOWN else one


def _substring(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    only(node, "this", "start", "length", "zero_start")
    one = coerce(tr, expression(tr, node.this, scope), Kind(TEXT))
    start, length = node.args.get("start"), node.args.get("length")
    if start is None and length is None:
        raise unsupported("substring() without a start")
    first = expression(tr, start, scope) if start is not None else Typed("1", Kind(INT4))
    if first.oid in (UNKNOWN, *TEXTS):
        if length is not None:
            raise unsupported("substring() with an escape")
        return Typed(
            f"pg_substring_regex({one.sql}, {coerce(tr, first, Kind(TEXT)).sql})", Kind(TEXT), "substring"
        )
    parts = [one.sql, coerce(tr, first, Kind(INT4)).sql]
    if length is not None:
        parts.append(coerce(tr, expression(tr, length, scope), Kind(INT4)).sql)
    return Typed(f"pg_substring({', '.join(parts)})", Kind(TEXT), "substring")


def _trim(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    only(node, "this", "position", "expression")
    one = coerce(tr, expression(tr, node.this, scope), Kind(TEXT)).sql
    what = node.args.get("expression")
    letters = coerce(tr, expression(tr, what, scope), Kind(TEXT)).sql if what is not None else "' '"
    side = str(node.args.get("position") or "BOTH").upper()
    name, shown = {"LEADING": ("ltrim", "ltrim"), "TRAILING": ("rtrim", "rtrim")}.get(side, ("trim", "btrim"))
    return Typed(f"{name}({one}, {letters})", Kind(TEXT), shown)


def _position(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    only(node, "this", "substr")
    one, what = (coerce(tr, expression(tr, node.args[n], scope), Kind(TEXT)).sql for n in ("this", "substr"))
    return Typed(f"instr({one}, {what})", Kind(INT4), "position")


def _overlay(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    only(node, "this", "expression", "from_", "for_")
    parts = [coerce(tr, expression(tr, node.args[n], scope), Kind(TEXT)).sql for n in ("this", "expression")]
    parts.append(coerce(tr, expression(tr, node.args["from_"], scope), Kind(INT4)).sql)
    if node.args.get("for_") is not None:
        parts.append(coerce(tr, expression(tr, node.args["for_"], scope), Kind(INT4)).sql)
    return Typed(f"pg_overlay({', '.join(parts)})", Kind(TEXT), "overlay")


def _collate(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    name = named(node.expression) if isinstance(node.expression, exp.Expr) else str(node.expression)
    if name.strip('"') not in ("default", "C", "POSIX", "c", "ucs_basic"):
        raise unsupported(f"the collation {name}; texts are ordered by their bytes (C)")
    return expression(tr, node.this, scope)


def _expands(node: exp.Expr) -> bool:
    """_pg_expandarray(), which tools take an index' columns apart with."""
    return named(node.this) == "information_schema" and node.expression.name.lower() == "_pg_expandarray"


def _dot(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    if isinstance(node.expression, exp.Anonymous) and named(node.this) == "pg_catalog":
        return expression(tr, node.expression, scope)
    if isinstance(node.expression, exp.Anonymous) and _expands(node):
        return tr.set_in_list(node.expression, scope)
    if not isinstance(node.expression, exp.Anonymous):
        one = expression(tr, node.this, scope)
        part = named(node.expression)
        if one.oid == RECORD and part in ("x", "n"):
            kind = Kind(one.kind.typmod if part == "x" else INT4)
            return Typed(f"json_extract({one.sql}, '$[{int(part == 'n')}]')", kind, part)
    if isinstance(node.expression, exp.Anonymous):
        raise calls.unknown(f"{named(node.this)}.{node.expression.name}")
    raise unsupported("parts of composite values")


def _sqrt(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    one = coerce(tr, expression(tr, node.this, scope), Kind(FLOAT8))
    return Typed(f"pg_sqrt({one.sql})", Kind(FLOAT8))


_NODES: dict[type, Callable[["Translator", exp.Expr, Scope], Typed]] = {
    exp.Literal: _literal, exp.Null: _null, exp.Boolean: _boolean, exp.Parameter: _parameter, exp.BitString: _hex,
    exp.HexString: _hex, exp.Column: _column, exp.Paren: _paren, exp.CurrentDate: _current_date,
    exp.CurrentTime: _current_time, exp.CurrentTimestamp: _word("current_timestamp"), exp.CurrentUser: _word("current_user"),
    exp.Localtimestamp: _word("localtimestamp"), exp.Localtime: _current_time,
    exp.EQ: _compared("="), exp.NEQ: _compared("<>"), exp.GT: _compared(">"), exp.GTE: _compared(">="),
    exp.LT: _compared("<"), exp.LTE: _compared("<="), exp.In: _in, exp.Add: _arithmetic("+"), exp.Sub: _arithmetic("-"),
    exp.Mul: _arithmetic("*"), exp.Div: _arithmetic("/"), exp.Mod: _arithmetic("%"), exp.Pow: _arithmetic("^"),
    exp.BitwiseAnd: _bits("&"), exp.BitwiseOr: _bits("|"), exp.BitwiseXor: _bits("#"), exp.BitwiseLeftShift: _bits("<<"),
    exp.BitwiseRightShift: _bits(">>"), exp.BitwiseNot: _not_bits, exp.Neg: _negated, exp.And: _and_or("AND"),
    exp.Or: _and_or("OR"), exp.Not: _not, exp.Is: _is, exp.NullSafeEQ: _distinct_from("IS"),
    exp.NullSafeNEQ: _distinct_from("IS NOT"), exp.Between: _between, exp.Like: _like, exp.ILike: _like, exp.Escape: _like,
    exp.RegexpLike: _regex(0), exp.RegexpILike: _regex(1), exp.Operator: _operator, exp.DPipe: _concatenated,
    exp.JSONExtract: _json_get, exp.JSONExtractScalar: _json_get, exp.JSONBExtract: _json_path,
    exp.JSONBExtractScalar: _json_path, exp.ArrayContainsAll: _contains, exp.ArrayContainedBy: _contains, exp.ArrayOverlaps: _contains, exp.Array: _array,
    exp.Bracket: _bracket, exp.Cast: _cast, exp.Case: _case, exp.Subquery: _subquery, exp.Select: _subquery,
    exp.Union: _subquery, exp.Exists: _exists, exp.Interval: _interval, exp.Extract: _extract, exp.AtTimeZone: _at_zone,
    exp.Substring: _substring, exp.Trim: _trim, exp.StrPosition: _position, exp.Overlay: _overlay, exp.Collate: _collate,
    exp.Dot: _dot, exp.Sqrt: _sqrt, exp.Anonymous: calls.call, exp.Window: calls.window, exp.Filter: calls.filtered,
    exp.WithinGroup: calls.within, exp.JSONBContainsTopKey: _has_key, exp.JSONBContainsAnyTopKeys: _has_key,
    exp.JSONBContainsAllTopKeys: _has_key, exp.CurrentSchema: _word("current_schema"), exp.SessionUser: _word("session_user"),
    exp.CurrentCatalog: _word("current_catalog"), exp.CurrentRole: _word("current_role"),
}  # fmt: skip
