"""From one type to another, as casts say it or as an operator or an assignment silently does.

It owns which conversions there are and their SQL. What it is not told of is refused.
"""

from collections.abc import Callable
from typing import NamedTuple

from protocols.postgres.datatypes import BY_OID, Value, from_text, spelled
from proxy.answers.executor import StoreError
from proxy.answers.sqlite import kinds, numbers, registered
from proxy.answers.sqlite.kinds import (
    BOOL,
    BPCHAR,
    CHAR,
    DATE,
    FLOAT4,
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
    REGCLASS,
    REGPROC,
    REGS,
    REGTYPE,
    TEXT,
    TEXTS,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    UNKNOWN,
    VARCHAR,
    Kind,
    constant,
    element,
    is_array,
    stored,
    unsupported,
)  # fmt: skip


class Typed(NamedTuple):
    """An expression in SQLite's SQL, and what PostgreSQL says it is."""

    sql: str
    kind: Kind
    name: str = "?column?"
    literal: str | None = None
    """The text of an untyped literal."""
    parameter: int = 0
    table: int = 0
    number: int = 0
    null: bool = False

    @property
    def oid(self) -> int:
        return self.kind.oid


ZONED = (TIMESTAMPTZ,)
DAY = "86400000000"


def input_of(text: str, kind: Kind) -> str:
    """An untyped literal as a constant of this type. Raises StoreError."""
    oid = kind.oid
    if oid == REGCLASS:
        return f"pg_regclass({constant(text)})"
    if oid in (REGPROC, kinds.REGNAMESPACE):
        return f"pg_{BY_OID[oid].name}({constant(text)})"
    if oid == REGTYPE:
        return str(_type_named(text))
    if oid == TIMESTAMPTZ or (is_array(oid) and element(oid) == TIMESTAMPTZ):
        # The session's zone decides, and a prepared statement may outlive it. What is wrong is told now.
        from_text(oid, text)
        return f"pg_in({oid}, {constant(text)})"
    if oid not in BY_OID or oid == UNKNOWN:
        return constant(text)
    return constant(stored(oid, from_text(oid, text)))


def _type_named(text: str) -> int:
    said = text.strip().lower().removeprefix("pg_catalog.").strip('"')
    for oid in BY_OID:
        if said in (BY_OID[oid].name, spelled(oid)):
            return oid
    raise StoreError("42704", f'type "{text}" does not exist')


def convert(one: Typed, to: Kind, how: str = "cast") -> str:
    """SQL of `one` as the type `to`; `how`: a `cast`, an `assign`ment or `implicit`. Raises StoreError."""
    sql = _convert(one, to, how)
    if one.oid == to.oid and (to.typmod == -1 or one.kind.typmod == to.typmod):
        return sql
    return fitted(sql, to, explicit=how == "cast")


def fitted(sql: str, to: Kind, *, explicit: bool) -> str:
    """With the length, precision or scale of the type."""
    if to.typmod < 0 or is_array(to.oid):
        return sql
    size = to.typmod - 4
    if to.oid == NUMERIC:
        return f"pg_num_fit({sql}, {size >> 16}, {size & 0x7FF})"
    if to.oid in (VARCHAR, BPCHAR):
        name = "character varying" if to.oid == VARCHAR else "character"
        return f"pg_varchar({sql}, {size}, {int(explicit)}, '{name}')"
    if to.oid in (TIME, TIMESTAMP, TIMESTAMPTZ) and to.typmod < 6:
        return f"pg_micros({sql}, {to.typmod})"
    return sql


def fitting(to: Kind) -> Callable[[Value], Value] | None:
    """The same for a plain value that is assigned; None: any of its type fits."""
    if to.typmod < 0 or is_array(to.oid):
        return None
    size = to.typmod - 4
    if to.oid == NUMERIC:
        return lambda value: numbers.fit(str(value), size >> 16, size & 0x7FF)
    if to.oid in (VARCHAR, BPCHAR):
        return lambda value: registered.varchar(str(value), size, 0, spelled(to.oid))
    if to.oid in (TIME, TIMESTAMP, TIMESTAMPTZ) and to.typmod < 6:
        return lambda value: registered.round_micros(int(str(value)), to.typmod)
    return None


def _convert(one: Typed, to: Kind, how: str) -> str:
    source, target, sql = one.oid, to.oid, one.sql
    if one.null or source == target:
        return sql
    if one.literal is not None:
        return input_of(one.literal, to)
    implicit = how == "implicit"
    found: str | None = None
    if source in NUMBERS and target in NUMBERS:
        found = _number(sql, source, target, implicit)
    elif source in TEXTS and target in TEXTS:
        found = f"rtrim({sql}, ' ')" if target == BPCHAR else sql
    elif source == UNKNOWN:
        found = sql if target in TEXTS else f"pg_in({target}, {sql})"
    elif source in MOMENTS and target in MOMENTS:
        found = _moment(sql, source, target, implicit)
    elif (target in (OID, *REGS) and source in (INT2, INT4, INT8, OID, *REGS)) or (
        source in (OID, *REGS)
        and target in (INT8, INT4, OID, *REGS)
        and (not implicit or target in (OID, INT8))
    ):
        found = sql
    elif target in TEXTS and how != "implicit":
        found = to_text(sql, source)
    elif how == "cast":
        found = _explicit(one, source, target)
    elif {source, target} == {JSON, JSONB} and how == "assign":
        found = f"pg_jsonb({sql})" if target == JSONB else sql
    elif source == TIMESTAMP and target == TIME and how == "assign":
        found = f"(({sql}) % {DAY} + {DAY}) % {DAY}"
    if found is None and is_array(source) and is_array(target):
        inner, outer = element(source), element(target)
        if (inner in TEXTS and outer in TEXTS) or (
            inner in INTEGERS and outer in INTEGERS and inner <= outer
        ):
            found = sql
    if found is None and source == TIME and target == INTERVAL:
        found = f"pg_time_span({sql})"
    if found is None:
        what = f"cannot cast type {spelled(source)} to {spelled(target)}"
        raise StoreError("42846" if how == "cast" else "42804", what)
    return found


def _number(sql: str, source: int, target: int, implicit: bool) -> str | None:
    if implicit and NUMBERS.index(source) > NUMBERS.index(target):
        return None
    if target in INTEGERS:
        if source in INTEGERS:
            return (
                sql if INTEGERS.index(source) < INTEGERS.index(target) else f"pg_int_range({sql}, {target})"
            )
        return f"pg_{'num' if source == NUMERIC else 'float'}_int({sql}, {target})"
    if target == NUMERIC:
        return f"CAST({sql} AS TEXT)" if source in INTEGERS else f"pg_float_num({sql})"
    if source in FLOATS:
        return f"pg_float4({sql})" if target == FLOAT4 else sql
    wide = f"CAST({sql} AS REAL)" if source in INTEGERS else f"pg_num_float({sql})"
    return f"pg_float4({wide})" if target == FLOAT4 else wide


def _moment(sql: str, source: int, target: int, implicit: bool) -> str | None:
    match source, target:
        case (k, t) if k == DATE and t == TIMESTAMP:
            return f"(({sql}) * {DAY})"
        case (k, t) if k == DATE and t == TIMESTAMPTZ:
            return f"pg_to_utc(({sql}) * {DAY})"
        case (k, t) if k == TIMESTAMP and t == TIMESTAMPTZ:
            return f"pg_to_utc({sql})"
        case _ if implicit:
            return None
        case (k, t) if k == TIMESTAMPTZ and t == TIMESTAMP:
            return f"pg_to_local({sql})"
        case (k, t) if k == TIMESTAMPTZ and t == DATE:
            return _days(f"pg_to_local({sql})")
        case _:
            return _days(sql)


def _days(sql: str) -> str:
    """Whole days, downwards."""
    return f"((({sql}) - ((({sql}) % {DAY} + {DAY}) % {DAY})) / {DAY})"


def to_text(sql: str, oid: int) -> str:
    if oid in (INT2, INT4, INT8, OID):
        return f"CAST({sql} AS TEXT)"
    if oid in (NUMERIC, JSON, JSONB, kinds.UUID, *TEXTS, UNKNOWN):
        return sql
    if oid == BOOL:
        return f"CASE {sql} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"
    if oid == REGCLASS:
        return f"pg_regclass_name({sql})"
    if oid in (REGPROC, kinds.REGNAMESPACE):
        return f"pg_{BY_OID[oid].name}_name({sql})"
    if oid == REGTYPE:
        return f"pg_format_type({sql}, NULL)"
    return f"pg_out({oid}, {sql})"


def _explicit(one: Typed, source: int, target: int) -> str | None:
    sql = one.sql
    if source in TEXTS:
        if target in (REGCLASS, REGPROC, kinds.REGNAMESPACE):
            return f"pg_{BY_OID[target].name}({sql})"
        if target in BY_OID and target not in REGS:
            return f"pg_in({target}, {sql})"
    if source == BOOL and target == INT4:
        return sql
    if source == INT4 and target == BOOL:
        return f"({sql}) <> 0"
    if source in (TIMESTAMP, TIMESTAMPTZ) and target == TIME:
        local = sql if source == TIMESTAMP else f"pg_to_local({sql})"
        return f"(({local}) % {DAY} + {DAY}) % {DAY}"
    if source == JSONB and target == JSON:
        return sql
    if source == JSON and target == JSONB:
        return f"pg_jsonb({sql})"
    if source == JSONB and target in (BOOL, *NUMBERS):
        return f"pg_in({target}, {sql})"
    return None


def unify(parts: list[Typed], what: str) -> Kind:
    """The one type of several expressions, as CASE, UNION and comparisons find it."""
    known = [one.kind for one in parts if one.oid != UNKNOWN]
    if not known:
        return Kind(TEXT)
    found = known[0]
    for kind in known[1:]:
        if kind.oid == found.oid:
            found = found if kind.typmod == found.typmod else Kind(found.oid)
        elif kind.oid in NUMBERS and found.oid in NUMBERS:
            found = Kind(max((kind.oid, found.oid), key=NUMBERS.index))
        elif kind.oid in TEXTS and found.oid in TEXTS:
            found = Kind(
                TEXT if TEXT in (kind.oid, found.oid) or NAME in (kind.oid, found.oid) else found.oid
            )
        elif kind.oid in MOMENTS and found.oid in MOMENTS:
            found = Kind(max((kind.oid, found.oid), key=MOMENTS.index))
        elif {kind.oid, found.oid} <= {OID, *INTEGERS, *REGS}:
            found = Kind(OID)
        elif {kind.oid, found.oid} <= {TEXT, CHAR, *REGS}:
            found = Kind(TEXT)
        else:
            raise StoreError(
                "42804", f"{what} types {spelled(found.oid)} and {spelled(kind.oid)} cannot be matched"
            )
    return found


def sortable(sql: str, oid: int, what: str) -> str:
    """SQL that SQLite orders and compares as PostgreSQL would."""
    if oid == NUMERIC:
        return f"({sql}) COLLATE pgnum"
    if oid == INTERVAL:
        return f"({sql}) COLLATE pgspan"
    if oid == JSON:
        raise StoreError("42883", f"could not identify {what} operator for type json")
    if what == "an ordering" and (oid == JSONB or is_array(oid)):
        raise unsupported(f"the order of values of type {spelled(oid)}")
    if oid == JSONB:
        return f"({sql}) COLLATE pgjson"
    if is_array(oid) and element(oid) in (NUMERIC, *FLOATS):
        raise unsupported(f"comparing values of type {spelled(oid)}")
    return sql
