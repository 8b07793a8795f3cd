"""Calls: which function a name and its arguments mean, aggregates, windows, and what is written like a function.

Past 400 lines no more than the table it reads is; what each function computes is elsewhere.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from plugins.sharing.functions import HARMLESS
from protocols.postgres.datatypes import ARRAY_OF, spelled
from proxy.answers.executor import StoreError
from proxy.answers.sqlite import expressions, functions
from proxy.answers.sqlite.converting import Typed, sortable, to_text
from proxy.answers.sqlite.kinds import (
    BOOL,
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
    NUMBERS,
    NUMERIC,
    OID,
    REGS,
    REGTYPE,
    TEXT,
    TEXTS,
    TIMESTAMPTZ,
    UNKNOWN,
    VARCHAR,
    Kind,
    element,
    is_array,
    unsupported,
)  # fmt: skip
from proxy.answers.sqlite.reading import MARK
from proxy.answers.sqlite.scopes import Scope

if TYPE_CHECKING:
    from proxy.answers.sqlite.translator import Translator

PREFERRED = (FLOAT8, TEXT, TIMESTAMPTZ, BOOL, INTERVAL)
_INEXACT = frozenset({"power", "pow", "sqrt", "exp", "ln", "log", "log10"})


def unknown(name: str) -> StoreError:
    name = name.removeprefix(MARK)
    if name in HARMLESS or name.startswith(("pg_advisory_", "pg_try_advisory_")):
        return unsupported(f"the function {name}()")
    return StoreError("42883", f"function {name} does not exist")


def name_of(node: exp.Expr) -> str:
    return str(node.name).removeprefix(MARK).lower()


def call(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    """A function by its name."""
    name = name_of(node)
    if not str(node.name).startswith(MARK) and name != "row":
        raise unknown(name)
    if name in functions.AGGREGATES:
        return aggregate(tr, node, scope)
    if name in functions.WINDOWS:
        raise StoreError("42809", f"window function {name} requires an OVER clause")
    if name in functions.SETS:
        return tr.set_in_list(node, scope)
    if name in functions.WRITES:
        tr.writes = True
    special = _SPECIAL.get(name)
    given = [expressions.expression(tr, one, scope) for one in node.expressions]
    if special is not None:
        return special(tr, name, given)
    return resolved(tr, name, given)


def resolved(tr: "Translator", name: str, given: Sequence[Typed]) -> Typed:
    if name in _INEXACT and any(one.oid == NUMERIC for one in given):
        raise unsupported(f"{name}() of numeric; cast to double precision")
    signature = chosen(name, given)
    if signature is None:
        types = ", ".join(spelled(one.oid) if one.oid != UNKNOWN else "unknown" for one in given)
        hint = "No function matches the given name and argument types. You might need to add explicit type casts."
        if name in HARMLESS and name not in functions.signatures():
            raise unsupported(f"the function {name}()")
        raise StoreError("42883", f"function {name}({types}) does not exist", hint=hint)
    array = next(
        (
            one.oid
            for one, want in zip(given, signature.arguments, strict=True)
            if want == "anyarray" and is_array(one.oid)
        ),
        0,
    )
    parts: list[str] = []
    for one, want in zip(given, signature.arguments, strict=True):
        if want == "anyarray":
            parts.append(expressions.coerce(tr, one, Kind(array)).sql)
        elif want == "anyelement":
            parts.append(expressions.coerce(tr, one, Kind(element(array))).sql)
        elif want == "any":
            parts.append(expressions.settle(tr, one).sql)
        else:
            parts.append(expressions.coerce(tr, one, Kind(functions.oid_of(want))).sql)
    sql = signature.sql.replace("{*}", ", ".join(parts))
    for at, part in enumerate(parts):
        sql = sql.replace(f"{{{at}}}", part)
    oid = array if signature.result == "anyarray" else functions.oid_of(signature.result)
    return Typed(sql, Kind(oid), name)


def chosen(name: str, given: Sequence[Typed]) -> functions.Signature | None:
    """The line of the table that fits best."""
    best: tuple[int, functions.Signature] | None = None
    for line in functions.signatures().get(name, ()):
        score = _fits(line, given)
        if score is not None and (best is None or score > best[0]):
            best = (score, line)
    return best[1] if best is not None else None


def _fits(signature: functions.Signature, given: Sequence[Typed]) -> int | None:
    if len(signature.arguments) != len(given):
        return None
    if "anyarray" in signature.arguments and not any(is_array(one.oid) for one in given):
        return None
    score = 0
    for one, want in zip(given, signature.arguments, strict=True):
        if want == "anyarray":
            if not (is_array(one.oid) or one.oid == UNKNOWN):
                return None
        elif want not in ("any", "anyelement"):
            found = _distance(one.oid, functions.oid_of(want))
            if found is None:
                return None
            score += found
    return score


def _distance(source: int, target: int) -> int | None:
    """How well a type fits: exactly, as the preferred one, or somehow."""
    if source == target:
        return 100
    liked = 2 if target in PREFERRED else 1
    if source == UNKNOWN:
        return liked + (1 if target == TEXT else 0)
    if source in NUMBERS and target in NUMBERS and NUMBERS.index(source) < NUMBERS.index(target):
        return liked
    if source in TEXTS and target in TEXTS:
        return 90 if (source, target) == (VARCHAR, TEXT) else liked
    if source in MOMENTS and target in MOMENTS and MOMENTS.index(source) < MOMENTS.index(target):
        return liked
    if target in (OID, *REGS) and source in (*INTEGERS, OID, *REGS):
        return liked
    if target == TEXT and source in REGS:
        return liked
    return None


# --- what the table cannot say -------------------------------------------------------------------


def _same(tr: "Translator", name: str, given: Sequence[Typed]) -> Typed:
    """coalesce(), greatest(), least()."""
    if not given:
        raise StoreError("42601", f"{name} needs arguments")
    parts, kind = expressions.together(tr, given, name.upper())
    if len(parts) == 1:
        return parts[0]._replace(name=name)
    sqls = [one.sql for one in parts]
    if name == "coalesce":
        return Typed(f"coalesce({', '.join(sqls)})", kind, name)
    # SQLite's max() of several is NULL as soon as one is.
    sign = ">=" if name == "greatest" else "<="
    sql = sqls[0]
    for other in sqls[1:]:
        key = sortable(sql, kind.oid, "an ordering")
        sql = f"(CASE WHEN {sql} IS NULL THEN {other} WHEN {other} IS NULL OR {key} {sign} {other} THEN {sql} ELSE {other} END)"
    return Typed(sql, kind, name)


def _nullif(tr: "Translator", name: str, given: Sequence[Typed]) -> Typed:
    if len(given) != 2:
        raise StoreError("42601", "NULLIF takes two arguments")
    one, other = given
    if one.oid == UNKNOWN and other.oid == UNKNOWN:
        one = expressions.settle(tr, one)
    test = expressions.compare(tr, "=", one, other)
    kept = expressions.coerce(tr, one, Kind(other.oid)) if one.oid == UNKNOWN else one
    return Typed(f"(CASE WHEN {test} THEN NULL ELSE {kept.sql} END)", kept.kind, name)


def _texts(tr: "Translator", name: str, given: Sequence[Typed]) -> Typed:
    """concat(), concat_ws(), format(): everything as text."""
    parts = [
        expressions.coerce(tr, one, Kind(TEXT)).sql if one.oid in (UNKNOWN, *TEXTS)
        else f"CASE {one.sql} WHEN 1 THEN 't' WHEN 0 THEN 'f' END" if one.oid == BOOL else to_text(one.sql, one.oid)
        for one in given
    ]  # fmt: skip
    return Typed(f"pg_{name}({', '.join(parts)})", Kind(TEXT), name)


def _build(tr: "Translator", name: str, given: Sequence[Typed]) -> Typed:
    """json(b)_build_object(), json(b)_build_array(), to_json(b)()."""
    binary = int("jsonb" in name)
    kind = "object" if "object" in name else "array" if "array" in name else "one"
    if kind == "object" and len(given) % 2:
        raise StoreError("22023", "argument list must have even number of elements")
    if kind == "one" and len(given) != 1:
        raise StoreError("42883", f"function {name} takes one argument")
    parts = [expressions.settle(tr, one) for one in given]
    oids = ",".join(str(one.oid) for one in parts)
    args = "".join(f", {one.sql}" for one in parts)
    sql = f"pg_build('{kind}', {binary}, '{oids}'{args})"
    if kind == "one":
        sql = f"(CASE WHEN {parts[0].sql} IS NULL THEN NULL ELSE {sql} END)"
    return Typed(sql, Kind(JSONB if binary else JSON), name)


def _typeof(tr: "Translator", name: str, given: Sequence[Typed]) -> Typed:
    return Typed(str(given[0].oid), Kind(REGTYPE), name)


def _nulls(tr: "Translator", name: str, given: Sequence[Typed]) -> Typed:
    word = "IS NULL" if name == "num_nulls" else "IS NOT NULL"
    sql = " + ".join(f"({expressions.settle(tr, one).sql} {word})" for one in given)
    return Typed(f"({sql})", Kind(INT4), name)


def _substring(tr: "Translator", name: str, given: Sequence[Typed]) -> Typed:
    if len(given) == 2 and given[1].oid in (UNKNOWN, *TEXTS):
        one, two = (expressions.coerce(tr, each, Kind(TEXT)).sql for each in given)
        return Typed(f"pg_substring_regex({one}, {two})", Kind(TEXT), name)
    found = resolved(tr, "substr", given)
    return found._replace(name=name)


def _row(tr: "Translator", name: str, given: Sequence[Typed]) -> Typed:
    raise unsupported("rows as values")


_SPECIAL = {
    "coalesce": _same, "greatest": _same, "least": _same, "nullif": _nullif, "concat": _texts, "concat_ws": _texts,
    "format": _texts, "json_build_object": _build, "jsonb_build_object": _build, "json_build_array": _build,
    "jsonb_build_array": _build, "to_json": _build, "to_jsonb": _build, "pg_typeof": _typeof, "num_nulls": _nulls,
    "num_nonnulls": _nulls, "substring": _substring, "row": _row,
}  # fmt: skip


# --- aggregates ----------------------------------------------------------------------------------


def aggregate(tr: "Translator", node: exp.Expr, scope: Scope, *, windowed: bool = False) -> Typed:
    name = name_of(node)
    if scope.inside and not windowed:
        if scope.inside == "an aggregate":
            raise StoreError("42803", "aggregate function calls cannot be nested")
        raise StoreError("42803", f"aggregate functions are not allowed in {scope.inside}")
    if not windowed:
        scope.aggregates = True
    arguments, order, distinct = list(node.expressions), None, False
    if arguments and isinstance(arguments[-1], exp.Order) and isinstance(arguments[-1].this, exp.Distinct):
        order, arguments = arguments[-1], [arguments[-1].this]
    if arguments and isinstance(arguments[0], exp.Distinct):
        distinct = True
        expressions.only(arguments[0], "expressions")
        arguments = list(arguments[0].expressions)
    if arguments and isinstance(arguments[-1], exp.Order):
        order = arguments[-1]
        arguments[-1] = order.this
    before, silent = scope.inside, scope.silent
    if not windowed:
        scope.inside, scope.silent = "an aggregate", scope.silent + 1
    try:
        if name == "count" and len(arguments) == 1 and isinstance(arguments[0], exp.Star):
            return Typed("count(*)", Kind(INT8), name)
        given = [expressions.expression(tr, one, scope) for one in arguments]
        keys = [_order_key(tr, one, scope) for one in order.expressions] if order is not None else []
        return _aggregated(tr, name, given, keys, distinct=distinct, windowed=windowed)
    finally:
        scope.inside, scope.silent = before, silent


def _order_key(tr: "Translator", node: exp.Expr, scope: Scope) -> str:
    one = expressions.settle(tr, expressions.expression(tr, node.this, scope))
    sortable(one.sql, one.oid, "an ordering")
    said = ("d" if node.args.get("desc") else "") + ("f" if node.args.get("nulls_first") else "")
    said += "n" if one.oid == NUMERIC else "i" if one.oid == INTERVAL else ""
    return f"'{said}', {one.sql}"


def _aggregated(
    tr: "Translator", name: str, given: list[Typed], keys: list[str], *, distinct: bool, windowed: bool
) -> Typed:
    unique = "DISTINCT " if distinct else ""
    if name in ("string_agg", "array_agg", "json_agg", "jsonb_agg", "json_object_agg", "jsonb_object_agg"):
        if windowed:
            raise unsupported(f"{name}() as a window function")
        return _collected(tr, name, given, keys, distinct=distinct)
    if len(given) != 1:
        raise StoreError("42883", f"function {name} does not exist with {len(given)} arguments")
    one = given[0]
    if name == "count":
        one = expressions.settle(tr, one)
        sql = sortable(one.sql, one.oid, "an equality") if distinct else one.sql
        return Typed(f"count({unique}{sql})", Kind(INT8), name)
    if name in ("min", "max"):
        one = expressions.settle(tr, one)
        if one.oid == BOOL or one.oid in (JSON, JSONB):
            raise StoreError("42883", f"function {name}({spelled(one.oid)}) does not exist")
        return Typed(
            f"{name}({unique}{sortable(one.sql, one.oid, 'an ordering')})",
            Kind(TEXT if one.oid == VARCHAR else one.oid),
            name,
        )
    if name in ("bool_and", "bool_or", "every"):
        one = expressions.coerce(tr, one, Kind(BOOL))
        return Typed(f"pg_{'some' if name == 'bool_or' else 'every'}({one.sql})", Kind(BOOL), name)
    if one.oid == UNKNOWN:
        raise StoreError("42725", f"function {name}(unknown) is not unique")
    if one.oid not in NUMBERS:
        if one.oid == INTERVAL:
            raise unsupported(f"{name}() of intervals")
        raise StoreError("42883", f"function {name}({spelled(one.oid)}) does not exist")
    if name not in ("sum", "avg"):
        if one.oid not in FLOATS:
            raise unsupported(f"{name}() of {spelled(one.oid)}; cast to double precision")
        return Typed(f"pg_{name}({one.sql})", Kind(FLOAT8), name)
    sql = sortable(one.sql, one.oid, "an equality") if distinct else one.sql
    over = "_over" if windowed else ""
    if name == "sum":
        if one.oid in (INT2, INT4):
            return Typed(f"sum({unique}{sql})", Kind(INT8), name)
        if one.oid in FLOATS:
            return Typed(f"pg_float_sum{over}({unique}{sql})", Kind(one.oid), name)
        return Typed(f"pg_sum({unique}{sql})", Kind(NUMERIC), name)
    if one.oid in FLOATS:
        return Typed(f"pg_float_avg{over}({unique}{sql})", Kind(FLOAT8), name)
    return Typed(f"pg_avg({unique}{sql})", Kind(NUMERIC), name)


def _collected(tr: "Translator", name: str, given: list[Typed], keys: list[str], *, distinct: bool) -> Typed:
    ordered = "".join(f", {key}" for key in keys)
    mode = "u" if distinct else ""
    if distinct and not keys:
        # The server sorts to find what is twice.
        keys = [f"'{'n' if given[0].oid == NUMERIC else ''}', {given[0].sql}"]
        ordered = f", {keys[0]}"
    if name == "string_agg":
        if len(given) != 2:
            raise StoreError("42883", "function string_agg takes two arguments")
        if given[0].oid not in (UNKNOWN, *TEXTS):
            raise StoreError("42883", f"function string_agg({spelled(given[0].oid)}, unknown) does not exist")
        one, mark = (expressions.coerce(tr, each, Kind(TEXT)).sql for each in given)
        return Typed(f"pg_collect('string{mode}', {one}, {mark}{ordered})", Kind(TEXT), name)
    given = [expressions.settle(tr, each) for each in given]
    if name == "array_agg":
        oid = ARRAY_OF.get(given[0].oid)
        if oid is None or given[0].oid in (JSON, JSONB, 17, INTERVAL):
            raise unsupported(f"array_agg() of {spelled(given[0].oid)}")
        return Typed(f"pg_collect('array{mode}', {given[0].sql}, NULL{ordered})", Kind(oid), name)
    binary = "b" if name.startswith("jsonb") else ""
    if "object" in name:
        if len(given) != 2:
            raise StoreError("42883", f"function {name} takes two arguments")
        oids = f"{given[0].oid},{given[1].oid}"
        sql = f"pg_collect('object{binary}:{oids}', {given[0].sql}, {given[1].sql}{ordered})"
    else:
        sql = f"pg_collect('json{mode}{binary}:{given[0].oid}', {given[0].sql}, NULL{ordered})"
    return Typed(sql, Kind(JSONB if binary else JSON), name)


def filtered(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    expressions.only(node, "this", "expression")
    found = call(tr, node.this, scope) if isinstance(node.this, exp.Anonymous) else None
    if found is None or name_of(node.this) not in functions.AGGREGATES:
        raise StoreError("42809", "FILTER specified, but this is not an aggregate function")
    return found._replace(sql=f"{found.sql} FILTER (WHERE {_condition(tr, node, scope)})")


def _condition(tr: "Translator", node: exp.Expr, scope: Scope) -> str:
    before = scope.inside
    scope.inside, scope.silent = "FILTER", scope.silent + 1
    try:
        return expressions.boolean(tr, node.expression.this, scope, "FILTER")
    finally:
        scope.inside, scope.silent = before, scope.silent - 1


def within(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    raise unsupported("WITHIN GROUP")


# --- windows -------------------------------------------------------------------------------------


def window(tr: "Translator", node: exp.Expr, scope: Scope) -> Typed:
    expressions.only(node, "this", "partition_by", "order", "spec", "alias", "over", "first")
    if scope.inside in ("WHERE", "HAVING", "GROUP BY", "JOIN"):
        raise StoreError("42P20", f"window functions are not allowed in {scope.inside}")
    inner = node.this
    if isinstance(inner, (exp.IgnoreNulls, exp.RespectNulls)):
        raise unsupported("IGNORE NULLS")
    condition = ""
    if isinstance(inner, exp.Filter):
        condition = f" FILTER (WHERE {_condition(tr, inner, scope)})"
        inner = inner.this
    if not isinstance(inner, exp.Anonymous) or not str(inner.name).startswith(MARK):
        raise unknown(inner.name if isinstance(inner, exp.Anonymous) else expressions.described(inner))
    name = name_of(inner)
    if name in functions.AGGREGATES:
        found = aggregate(tr, inner, scope, windowed=True)
    elif name in functions.WINDOWS:
        found = _numbering(tr, name, [expressions.expression(tr, one, scope) for one in inner.expressions])
    else:
        raise StoreError(
            "42809", f"OVER specified, but {name} is not a window function nor an aggregate function"
        )
    over = definition(tr, node, scope)
    sql = found.sql
    return found._replace(sql=_over(sql, condition, over), name=name)


def _over(sql: str, condition: str, over: str) -> str:
    return f"{sql}{condition} OVER {over}"


def definition(tr: "Translator", node: exp.Expr, scope: Scope) -> str:
    """What stands behind OVER."""
    alias = node.args.get("alias")
    partition, order, spec = node.args.get("partition_by"), node.args.get("order"), node.args.get("spec")
    if alias is not None and not (partition or order or spec):
        return '"' + expressions.named(alias).replace('"', '""') + '"'
    parts: list[str] = []
    if alias is not None:
        parts.append('"' + expressions.named(alias).replace('"', '""') + '"')
    if partition:
        keys = [expressions.settle(tr, expressions.expression(tr, one, scope)) for one in partition]
        parts.append("PARTITION BY " + ", ".join(sortable(one.sql, one.oid, "an equality") for one in keys))
    if order is not None:
        parts.append("ORDER BY " + ", ".join(tr.ordered(one, scope, None) for one in order.expressions))
    if spec is not None:
        parts.append(_frame(tr, spec, scope))
    return "(" + " ".join(parts) + ")"


def _frame(tr: "Translator", spec: exp.Expr, scope: Scope) -> str:
    expressions.only(spec, "kind", "start", "start_side", "end", "end_side", "exclude")
    kind = str(spec.args.get("kind")).upper()

    def bound(which: str) -> str:
        value, side = spec.args.get(which), str(spec.args.get(which + "_side") or "").upper()
        if isinstance(value, exp.Expr):
            if kind == "RANGE":
                raise unsupported("RANGE with an offset")
            return f"{expressions.expression(tr, value, scope).sql} {side}"
        return f"{str(value).upper()} {side}".strip()

    end = f" AND {bound('end')}" if spec.args.get("end") is not None else " AND CURRENT ROW"
    if spec.args.get("exclude"):
        raise unsupported("EXCLUDE in a window frame")
    return f"{kind} BETWEEN {bound('start')}{end}"


def _numbering(tr: "Translator", name: str, given: list[Typed]) -> Typed:
    if name in ("row_number", "rank", "dense_rank"):
        return Typed(f"{name}()", Kind(INT8), name)
    if name in ("percent_rank", "cume_dist"):
        return Typed(f"{name}()", Kind(FLOAT8), name)
    if name == "ntile":
        return Typed(f"ntile({expressions.coerce(tr, given[0], Kind(INT4)).sql})", Kind(INT4), name)
    one = expressions.settle(tr, given[0])
    parts = [one.sql]
    if name == "nth_value" or (name in ("lag", "lead") and len(given) > 1):
        parts.append(expressions.coerce(tr, given[1], Kind(INT4)).sql)
    if len(given) > 2:
        both, kind = expressions.together(tr, (one, given[2]), name)
        parts[0] = both[0].sql
        parts.append(both[1].sql)
        one = both[0]._replace(kind=Kind(kind.oid))
    return Typed(f"{name}({', '.join(parts)})", one.kind, name)
