"""Functions that give sets: as a source in FROM, and in the list of columns. What they compute is `registered.py`'s."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from protocols.postgres.datatypes import spelled
from proxy.answers.executor import StoreError
from proxy.answers.sqlite import calls, functions
from proxy.answers.sqlite.converting import Typed, unify
from proxy.answers.sqlite.expressions import coerce, expression, named, only
from proxy.answers.sqlite.kinds import (
    DATE,
    INT4,
    INT8,
    INTEGERS,
    INTERVAL,
    JSON,
    JSONB,
    NUMERIC,
    RECORD,
    TEXT,
    TIMESTAMP,
    TIMESTAMPTZ,
    VECTORS,
    Kind,
    element,
    is_array,
    quoted,
    unsupported,
)
from proxy.answers.sqlite.reading import MARK
from proxy.answers.sqlite.scopes import Scope, Seen, Source

if TYPE_CHECKING:
    from proxy.answers.sqlite.translator import Translator


def function(tr: "Translator", node: exp.Table, scope: Scope) -> tuple[str, Source]:
    """One in FROM."""
    only(node, "this", "alias", "ordinality", "joins")
    inner = node.this
    if not isinstance(inner, exp.Anonymous) or not str(inner.name).startswith(MARK):
        raise calls.unknown(inner.name if isinstance(inner, exp.Anonymous) else inner.sql_name().lower())
    name = calls.name_of(inner)
    alias = node.args.get("alias")
    shown = named(alias.this) if alias is not None and alias.this is not None else name
    names = [named(one) for one in (alias.args.get("columns") if alias is not None else None) or ()]
    if name not in functions.SETS:
        found = expression(tr, inner, scope)
        column = names[0] if names else shown
        sql = f"(SELECT {found.sql} AS value) AS {quoted(shown)}"
        seen = [Seen(column, found.kind, f'{quoted(shown)}."value"')]
        if node.args.get("ordinality"):
            seen.append(Seen(names[1] if len(names) > 1 else "ordinality", Kind(INT8), "1"))
        return sql, Source(shown, seen)
    if name == "unnest" and len(inner.expressions) > 1:
        return _zipped(tr, inner, scope, shown, names)
    array, kinds = set_of(tr, inner, scope)
    sql = f"json_each({array}) AS {quoted(shown)}"
    if len(kinds) == 2:
        first, second = (names + ["key", "value"][len(names) :])[:2]
        at = [f"json_extract({quoted(shown)}.value, '$[{place}]')" for place in (0, 1)]
        return sql, Source(shown, [Seen(first, kinds[0], at[0]), Seen(second, kinds[1], at[1])])
    column = (
        names[0]
        if names
        else shown
        if alias is not None
        and name
        not in (
            "jsonb_array_elements",
            "json_array_elements",
            "jsonb_array_elements_text",
            "json_array_elements_text",
        )
        else _own_name(name)
    )
    seen = [Seen(column, kinds[0], f"{quoted(shown)}.value")]
    if node.args.get("ordinality"):
        seen.append(
            Seen(names[1] if len(names) > 1 else "ordinality", Kind(INT8), f"({quoted(shown)}.key + 1)")
        )
    return sql, Source(shown, seen)


def _zipped(
    tr: "Translator", node: exp.Expr, scope: Scope, shown: str, names: Sequence[str]
) -> tuple[str, Source]:
    """unnest() of several arrays."""
    given = [expression(tr, one, scope) for one in node.expressions]
    if not all(is_array(one.oid) for one in given):
        raise unsupported("this form of unnest()")
    seen = [
        Seen(
            names[at] if at < len(names) else "unnest",
            Kind(element(one.oid)),
            f"json_extract({quoted(shown)}.value, '$[{at}]')",
        )
        for at, one in enumerate(given)
    ]
    if node.parent is not None and node.parent.args.get("ordinality"):
        name = names[len(given)] if len(names) > len(given) else "ordinality"
        seen.append(Seen(name, Kind(INT8), f"({quoted(shown)}.key + 1)"))
    return f"json_each(pg_zip({', '.join(one.sql for one in given)})) AS {quoted(shown)}", Source(shown, seen)


def _own_name(name: str) -> str:
    return "value" if "elements" in name else name


def set_of(tr: "Translator", node: exp.Expr, scope: Scope) -> tuple[str, list[Kind]]:
    """A function's rows as a JSON array, and the types of their columns."""
    name = calls.name_of(node)
    given = [expression(tr, one, scope) for one in node.expressions]
    if name == "generate_series":
        return _series(tr, given)
    if name == "unnest":
        if len(given) != 1 or not is_array(given[0].oid):
            raise unsupported("this form of unnest()")
        return given[0].sql, [Kind(element(given[0].oid))]
    if name == "_pg_expandarray":
        if len(given) != 1 or not is_array(given[0].oid):
            raise calls.unknown(name)
        return f"pg_expand({given[0].sql})", [Kind(RECORD, element(given[0].oid))]
    if name == "generate_subscripts":
        return f"pg_subscripts({given[0].sql}, {int(given[0].oid not in VECTORS)})", [Kind(INT4)]
    if name in ("regexp_split_to_table", "string_to_table"):
        one, two = (coerce(tr, each, Kind(TEXT)).sql for each in given)
        return f"pg_{'regexp_split' if name[0] == 'r' else 'string_to_array'}({one}, {two})", [Kind(TEXT)]
    binary = name.startswith("jsonb")
    oid = JSONB if binary else JSON
    one = coerce(tr, given[0], Kind(oid)).sql
    as_text = int(name.endswith("text"))
    if name.endswith("object_keys"):
        return f"pg_json_keys({one})", [Kind(TEXT)]
    if "each" in name:
        return f"pg_json_each({one}, {as_text})", [Kind(TEXT), Kind(TEXT if as_text else oid)]
    return f"pg_json_elements({one}, {as_text})", [Kind(TEXT if as_text else oid)]


def _series(tr: "Translator", given: list[Typed]) -> tuple[str, list[Kind]]:
    if not 2 <= len(given) <= 3:
        raise StoreError("42883", "function generate_series takes two or three arguments")
    first = unify(given[:2], "generate_series")
    if first.oid in (DATE, TIMESTAMP, TIMESTAMPTZ):
        if len(given) != 3:
            raise StoreError("42883", "function generate_series of times needs a step")
        kind = Kind(TIMESTAMPTZ if first.oid != TIMESTAMP else TIMESTAMP)
        parts = [coerce(tr, one, kind).sql for one in given[:2]] + [coerce(tr, given[2], Kind(INTERVAL)).sql]
        return f"pg_series_{'ts' if kind.oid == TIMESTAMP else 'tz'}({', '.join(parts)})", [kind]
    kind = unify(given, "generate_series")
    if kind.oid not in (*INTEGERS, NUMERIC):
        raise StoreError("42883", f"function generate_series of {spelled(kind.oid)} does not exist")
    oid = INT4 if kind.oid in INTEGERS and kind.oid != INT8 else kind.oid
    parts = [coerce(tr, one, Kind(oid)).sql for one in given] + (
        ["1" if oid != NUMERIC else "'1'"] if len(given) == 2 else []
    )
    return f"pg_series{'_numeric' if oid == NUMERIC else ''}({', '.join(parts)})", [Kind(oid)]


def beside(tr: "Translator", from_: str) -> str:
    """Functions that give sets in the list of columns: each row as often as they say."""
    sources, tr.set_sources = tr.set_sources, []
    rows = f'json_each(pg_zip({", ".join(sources)})) AS "sets"'
    return f"{from_} CROSS JOIN {rows}" if from_ else f" FROM {rows}"
